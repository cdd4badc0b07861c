/*
 * value_schema.c
 *	  A type of the server -> what to_jsonb() makes of its values.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "document_schema.h"

/* what PostgreSQL writes and the formats of JSON Schema do not know */
#define BEYOND_DATE		"^-?infinity$|^[0-9]{5,}-| BC$"
#define BEYOND_TIME		BEYOND_DATE "|[+-][0-9]{2}:[0-9]{2}:[0-9]{2}$"
#define TIMESTAMP_PATTERN \
	"^-?infinity$|^[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?( BC)?$"
#define TIME_PATTERN	"^[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?$"

static int
compare_labels(const ListCell *a, const ListCell *b)
{
	float4		first = ((Form_pg_enum) lfirst(a))->enumsortorder;
	float4		second = ((Form_pg_enum) lfirst(b))->enumsortorder;

	return first < second ? -1 : first > second ? 1 : 0;
}

/* Return the labels of an enum in its order, as a list of strings. */
static List *
enum_labels(Oid type)
{
	CatCList   *list = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	List	   *items = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	for (int i = 0; i < list->n_members; i++)
		items = lappend(items, GETSTRUCT(&list->members[i]->tuple));
	list_sort(items, compare_labels);
	foreach(lc, items)
		result = lappend(result, pstrdup(NameStr(((Form_pg_enum) lfirst(lc))->enumlabel)));
	ReleaseCatCacheList(list);
	return result;
}

/* The object that a composite value is. */
static void
set_composite(DocumentSchema *schema, Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);

	schema->kind = SCHEMA_OBJECT;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		SchemaMember *member;

		if (att->attisdropped)
			continue;
		member = palloc0(sizeof(SchemaMember));
		member->key = pstrdup(NameStr(att->attname));
		member->schema = schema_of_type(att->atttypid, att->atttypmod, att->attndims);
		/* what a table says of its columns does not bind values of its type */
		member->schema->nullable = true;
		schema->members = lappend(schema->members, member);
	}
	ReleaseTupleDesc(desc);
}

static bool
has_json_cast(Oid type)
{
	Oid			function;

	return type >= FirstNormalObjectId &&
		find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &function) == COERCION_PATH_FUNC;
}

/*
 * What to_jsonb() makes of values of a type, in the current memory context;
 * nullable unless it is a domain that is not null.  dimensions is how many an
 * array was declared with.
 */
DocumentSchema *
schema_of_type(Oid type, int32 typmod, int dimensions)
{
	DocumentSchema *schema = palloc0(sizeof(DocumentSchema));
	Oid			base = type;
	Oid			element;

	check_stack_depth();
	schema->kind = SCHEMA_STRING;
	schema->nullable = true;
	schema->length = -1;
	while (get_typtype(base) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));
		Form_pg_type form;

		if (!HeapTupleIsValid(tup))
			break;
		form = (Form_pg_type) GETSTRUCT(tup);
		if (form->typnotnull)
			schema->nullable = false;
		if (form->typndims > 0)
			dimensions = form->typndims;
		typmod = form->typtypmod;
		base = form->typbasetype;
		ReleaseSysCache(tup);
	}
	switch (base)
	{
		case BOOLOID:
			schema->kind = SCHEMA_BOOLEAN;
			return schema;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			schema->kind = SCHEMA_INTEGER;
			return schema;
		case NUMERICOID:
			/* with a precision there is no infinity, but NaN */
			schema->kind = SCHEMA_NUMBER;
			schema->infinite = typmod < 0;
			return schema;
		case FLOAT4OID:
		case FLOAT8OID:
			schema->kind = SCHEMA_NUMBER;
			schema->infinite = true;
			return schema;
		case VARCHAROID:
		case BPCHAROID:
			if (typmod >= (int32) VARHDRSZ)
				schema->length = typmod - VARHDRSZ;
			return schema;
		case DATEOID:
			schema->format = "date";
			schema->pattern = BEYOND_DATE;
			return schema;
		case TIMESTAMPTZOID:
			schema->format = "date-time";
			schema->pattern = BEYOND_TIME;
			return schema;
		case TIMESTAMPOID:
			schema->pattern = TIMESTAMP_PATTERN;
			return schema;
		case TIMEOID:
			schema->pattern = TIME_PATTERN;
			return schema;
		case UUIDOID:
			schema->format = "uuid";
			return schema;
		case JSONOID:
		case JSONBOID:
			schema->kind = SCHEMA_ANY;
			return schema;
		default:
			break;
	}
	element = get_element_type(base);
	if (OidIsValid(element))
	{
		schema->kind = SCHEMA_ARRAY;
		schema->dimensions = Max(dimensions, 1);
		schema->element = schema_of_type(element, typmod, 0);
	}
	else if (type_is_rowtype(base))
	{
		if (base == RECORDOID)
			schema->kind = SCHEMA_ANY;
		else
			set_composite(schema, base);
	}
	else if (has_json_cast(base))
		schema->kind = SCHEMA_ANY;
	else if (get_typtype(base) == TYPTYPE_ENUM)
	{
		schema->kind = SCHEMA_ENUM;
		schema->values = enum_labels(base);
	}
	return schema;
}
