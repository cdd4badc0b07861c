/*
 * json_value.c
 *	  A JSON value of a document -> a datum of a column's type.
 */
#include "relations.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "foreign_code.h"
#include "json_value.h"
#include "query_json.h"

/* What the JSON value is, for messages. */
const char *
json_value_type(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvArray:
			return "an array";
		case jbvObject:
			return "an object";
		case jbvBinary:
			return JsonContainerIsArray(value->val.binary.data) ? "an array" : "an object";
		default:
			return "a string";
	}
}

/* The path of a frame as people write it: posts[3].title; palloc'd. */
char *
json_path_string(const JsonPathFrame *frame)
{
	StringInfoData buf;
	char	   *head;

	if (frame == NULL)
		return pstrdup("");
	head = json_path_string(frame->parent);
	initStringInfo(&buf);
	if (frame->key != NULL)
		appendStringInfo(&buf, "%s%s%s", head, head[0] != '\0' ? "." : "", frame->key);
	else
		appendStringInfo(&buf, "%s[" INT64_FORMAT "]", head, frame->index);
	return buf.data;
}

/*
 * Check that an array or object can be a value of a type, and that all keys of
 * objects are attributes of their composite types; jsonb_to_record() ignores
 * others.  Raises invalid_parameter_value, or undefined_column for a key.
 */
static void
check_container(JsonbValue *value, Oid typid)
{
	Oid			base = getBaseType(typid);
	Oid			element = get_element_type(base);
	bool		is_array;
	char		category;
	bool		preferred;
	TupleDesc	desc;
	List	   *names = NIL;
	ListCell   *lc;

	if (value->type != jbvBinary || base == JSONOID || base == JSONBOID || base == RECORDOID)
		return;
	check_stack_depth();
	is_array = JsonContainerIsArray(value->val.binary.data);
	if (OidIsValid(element))
	{
		JsonbContainer *array = value->val.binary.data;

		for (uint32 i = 0; is_array && i < JsonContainerSize(array); i++)
		{
			JsonbValue *item;

			/* scalars need no check, and most elements are */
			if (!JBE_ISCONTAINER(array->children[i]))
				continue;
			CHECK_FOR_INTERRUPTS();
			item = getIthJsonbValueFromContainer(array, i);
			/* the dimensions of an array are arrays, too */
			check_container(item, JSON_IS_ARRAY(item) ? typid : element);
			pfree(item);
		}
		return;
	}
	if (!type_is_rowtype(base))
	{
		/* types of extensions may read JSON as their text */
		get_type_category_preferred(base, &category, &preferred);
		if (category != TYPCATEGORY_STRING && base >= FirstNormalObjectId)
			return;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a value of type %s cannot be %s", format_type_be(typid), json_value_type(value))));
	}
	if (is_array)
		return;
	desc = lookup_rowtype_tupdesc_domain(typid, -1, false);
	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			names = lappend(names, NameStr(TupleDescAttr(desc, i)->attname));
	}
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		Oid			type = InvalidOid;
		const char *near;

		for (int i = 0; i < desc->natts && !OidIsValid(type); i++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, i);

			if (!att->attisdropped && strcmp(NameStr(att->attname), member->key) == 0)
				type = att->atttypid;
		}
		if (OidIsValid(type))
		{
			check_container(&member->value, type);
			continue;
		}
		near = closest_name(member->key, names);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("type %s has no attribute \"%s\"", format_type_be(base), member->key),
				 near != NULL ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
	list_free(names);
	ReleaseTupleDesc(desc);
}

/*
 * An array, object or composite goes the way of jsonb_to_record(), which
 * knows nested arrays and composites, domains and their checks.  The checks
 * run as the role, unless that is InvalidOid.
 */
static Datum
container_to_datum(JsonbValue *value, Oid typid, int32 typmod, Oid role, bool *isnull)
{
	StringInfoData sql;
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue *object;
	Oid			argtype = JSONBOID;
	Datum		arg;
	Datum		result;
	int16		typlen;
	bool		typbyval;
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr	plan;
	SavedUser	saved;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	key.type = jbvString;
	key.val.string.val = "v";
	key.val.string.len = 1;
	pushJsonbValue(&state, WJB_KEY, &key);
	/* pushing a container unpacks it */
	pushJsonbValue(&state, WJB_VALUE, value);
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	arg = JsonbPGetDatum(JsonbValueToJsonb(object));

	SPI_connect();
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT v FROM pg_catalog.jsonb_to_record($1) AS x(v %s)",
					 format_type_extended(typid, typmod,
										  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	/* the caller, not the role, knows the schemas of the types */
	plan = SPI_prepare(sql.data, 1, &argtype);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (OidIsValid(role))
		switch_to_role(role, &saved);
	if (SPI_execute_plan(plan, &arg, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "jsonb_to_record returned no row");
	if (OidIsValid(role))
		restore_user(&saved);
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	if (!*isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		get_typlenbyval(typid, &typlen, &typbyval);
		result = datumCopy(result, typbyval, typlen);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/*
 * Return a number as the input function of a type reads it: for an integer type
 * 1.0 is 1, as for SQL a numeric is that equals an integer.  text is changed.
 */
char *
whole_number_text(Oid type, char *text)
{
	char	   *point;

	if (type != INT4OID && type != INT8OID && type != INT2OID && type != OIDOID)
		return text;
	point = strchr(text, '.');
	/* digits before the point, and zeros behind it */
	if (point == NULL || point == text || point[-1] < '0' || point[-1] > '9' ||
		point[1] == '\0' || point[1 + strspn(point + 1, "0")] != '\0')
		return text;
	*point = '\0';
	return text;
}

/*
 * Convert a JSON value to a type.  Checks of domains run as the role, unless
 * that is InvalidOid.
 */
static Datum
convert_value(JsonbValue *value, Oid typid, int32 typmod, Oid role, bool *isnull)
{
	Oid			base = getBaseType(typid);
	Oid			input;
	Oid			ioparam;
	SavedUser	saved;
	Datum		result;
	char	   *text;

	*isnull = false;
	if (value->type == jbvNull)
	{
		*isnull = true;
		return (Datum) 0;
	}
	if (base == JSONBOID && typid == base)
		return JsonbPGetDatum(JsonbValueToJsonb(value));
	if (base == JSONOID || base == JSONBOID)
	{
		Jsonb	   *jb = JsonbValueToJsonb(value);

		text = JsonbToCString(NULL, &jb->root, VARSIZE(jb));
	}
	else
	{
		switch (value->type)
		{
			case jbvString:
				text = pnstrdup(value->val.string.val, value->val.string.len);
				break;
			case jbvNumeric:
				text = DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(value->val.numeric)));
				text = whole_number_text(base, text);
				break;
			case jbvBool:
				text = pstrdup(value->val.boolean ? "true" : "false");
				break;
			default:
				check_container(value, typid);
				return container_to_datum(value, typid, typmod, role, isnull);
		}
	}
	getTypeInputInfo(typid, &input, &ioparam);
	if (OidIsValid(role))
		switch_to_role(role, &saved);
	result = OidInputFunctionCall(input, text, ioparam, typmod);
	if (OidIsValid(role))
		restore_user(&saved);
	return result;
}

/*
 * The datum of a column's type that a JSON value stands for, in the current
 * memory context.  Text is read by the type's input function, as a literal
 * in SQL is; json and jsonb take the value as it is.  A JSON null is null.
 * Raises what the type's input function raises.
 */
Datum
json_value_to_datum(JsonbValue *value, Oid typid, int32 typmod, bool *isnull)
{
	return convert_value(value, typid, typmod, InvalidOid, isnull);
}

/*
 * Like json_value_to_datum(), but for a value that is only compared: what
 * domains of roles that the caller does not trust check runs as their owner.
 * Raises what input_role() raises, too.
 */
Datum
json_value_to_compare(JsonbValue *value, Oid typid, int32 typmod, bool *isnull)
{
	return convert_value(value, typid, typmod, input_role(1, &typid), isnull);
}
