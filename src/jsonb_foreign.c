/*
 * jsonb_foreign.c
 *	  to_jsonb() of values of types that the caller does not trust.
 *
 * to_jsonb() runs a cast to json of the type, or of a type that the value is
 * made of, with the caller's privileges.  Here each value is taken apart, as
 * to_jsonb() does, and a cast of a type runs as the owner of that type.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "as_owner.h"
#include "foreign_code.h"
#include "jsonb_foreign.h"

/* How values of a type become jsonb. */
typedef struct LeafFunction
{
	Oid			type;			/* domains taken off */
	Oid			element;		/* of an array, or InvalidOid */
	bool		composite;
	bool		is_output;		/* func is the output function, else to_jsonb() */
	Oid			owner;			/* runs func, or InvalidOid */
	FmgrInfo	func;
} LeafFunction;

static void push_datum(JsonbParseState **state, JsonbIteratorToken token, LeafFunction *leaf,
					   Datum value, JsonbValue **result);

static Oid
type_owner(Oid type)
{
	HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tup))->typowner;
	ReleaseSysCache(tup);
	return owner;
}

static void
init_leaf(LeafFunction *leaf, Oid type)
{
	Oid			function;
	bool		varlena;

	memset(leaf, 0, sizeof(*leaf));
	leaf->type = getBaseType(type);
	leaf->element = get_element_type(leaf->type);
	leaf->composite = !OidIsValid(leaf->element) && type_is_rowtype(leaf->type);
	if (OidIsValid(leaf->element) || leaf->composite)
		return;
	if (!type_trusted(leaf->type, GetUserId()))
	{
		if (find_coercion_pathway(JSONOID, leaf->type, COERCION_EXPLICIT, &function) != COERCION_PATH_FUNC)
		{
			getTypeOutputInfo(leaf->type, &function, &varlena);
			fmgr_info(function, &leaf->func);
			leaf->is_output = true;
			return;
		}
		leaf->owner = type_owner(leaf->type);
	}
	/* to_jsonb() finds the type of its argument in the call's expression */
	fmgr_info(F_TO_JSONB, &leaf->func);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(leaf->type, -1, InvalidOid)),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &leaf->func);
}

/* Call to_jsonb(), as the owner of the type if the caller does not trust it. */
static Jsonb *
call_to_jsonb(LeafFunction *leaf, Datum value)
{
	SavedUser	saved;
	Jsonb	   *result;

	if (OidIsValid(leaf->owner))
		switch_to_role(leaf->owner, &saved);
	result = DatumGetJsonbP(FunctionCall1(&leaf->func, value));
	if (OidIsValid(leaf->owner))
		restore_user(&saved);
	return result;
}

/* Push one dimension of an array, and those below it. */
static void
push_dimension(JsonbParseState **state, LeafFunction *leaf, int ndims, const int *dims,
			   Datum **values, bool **isnull, JsonbValue **result)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < dims[0]; i++)
	{
		JsonbValue	null_value = {.type = jbvNull};

		CHECK_FOR_INTERRUPTS();
		if (ndims > 1)
			push_dimension(state, leaf, ndims - 1, dims + 1, values, isnull, result);
		else
		{
			if (**isnull)
				*result = pushJsonbValue(state, WJB_ELEM, &null_value);
			else
				push_datum(state, WJB_ELEM, leaf, **values, result);
			(*values)++;
			(*isnull)++;
		}
	}
	*result = pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_array(JsonbParseState **state, Oid element, Datum value, JsonbValue **result)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	LeafFunction leaf;
	Datum	   *values;
	bool	   *isnull;
	int			n;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	if (ARR_NDIM(array) == 0)
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		*result = pushJsonbValue(state, WJB_END_ARRAY, NULL);
		return;
	}
	get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
	deconstruct_array(array, element, typlen, typbyval, typalign, &values, &isnull, &n);
	init_leaf(&leaf, element);
	push_dimension(state, &leaf, ARR_NDIM(array), ARR_DIMS(array), &values, &isnull, result);
}

static void
push_composite(JsonbParseState **state, Datum value, JsonbValue **result)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(header),
												   HeapTupleHeaderGetTypMod(header));
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *isnull = palloc(sizeof(bool) * desc->natts);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, isnull);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		JsonbValue	key = {.type = jbvString};
		JsonbValue	null_value = {.type = jbvNull};
		LeafFunction leaf;

		if (att->attisdropped)
			continue;
		key.val.string.val = NameStr(att->attname);
		key.val.string.len = strlen(NameStr(att->attname));
		pushJsonbValue(state, WJB_KEY, &key);
		if (isnull[i])
		{
			pushJsonbValue(state, WJB_VALUE, &null_value);
			continue;
		}
		init_leaf(&leaf, att->atttypid);
		push_datum(state, WJB_VALUE, &leaf, values[i], result);
	}
	*result = pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Push a value that is not null; result gets what the last push returned. */
static void
push_datum(JsonbParseState **state, JsonbIteratorToken token, LeafFunction *leaf, Datum value,
		   JsonbValue **result)
{
	JsonbValue	scalar;
	Jsonb	   *jsonb;

	check_stack_depth();
	if (OidIsValid(leaf->element))
		push_array(state, leaf->element, value, result);
	else if (leaf->composite)
		push_composite(state, value, result);
	else if (leaf->is_output)
	{
		scalar.type = jbvString;
		scalar.val.string.val = OutputFunctionCall(&leaf->func, value);
		scalar.val.string.len = strlen(scalar.val.string.val);
		*result = pushJsonbValue(state, token, &scalar);
	}
	else
	{
		jsonb = call_to_jsonb(leaf, value);
		if (JB_ROOT_IS_SCALAR(jsonb))
			(void) JsonbExtractScalar(&jsonb->root, &scalar);
		else
		{
			scalar.type = jbvBinary;
			scalar.val.binary.data = &jsonb->root;
			scalar.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
		}
		*result = pushJsonbValue(state, token, &scalar);
	}
}

/*
 * Return to_jsonb() of a value, in the current memory context, without running
 * code of types that the caller does not trust with his privileges.
 */
Jsonb *
foreign_to_jsonb(Datum value, Oid type)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	LeafFunction leaf;

	init_leaf(&leaf, type);
	if (leaf.is_output)
	{
		JsonbValue	scalar = {.type = jbvString};

		scalar.val.string.val = OutputFunctionCall(&leaf.func, value);
		scalar.val.string.len = strlen(scalar.val.string.val);
		return JsonbValueToJsonb(&scalar);
	}
	if (!OidIsValid(leaf.element) && !leaf.composite)
		return call_to_jsonb(&leaf, value);
	/* a container needs no token of its own */
	push_datum(&state, WJB_VALUE, &leaf, value, &result);
	return JsonbValueToJsonb(result);
}
