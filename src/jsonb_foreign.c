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
struct ForeignEncoder
{
	MemoryContext context;
	Oid			type;			/* domains taken off */
	Oid			owner;			/* runs func, or InvalidOid */
	bool		is_output;		/* func is the output function, else to_jsonb() */
	FmgrInfo	func;

	/* of an array */
	ForeignEncoder *element;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	/* of a composite type */
	bool		is_composite;
	TupleDesc	desc;			/* a copy */
	ForeignEncoder **columns;	/* NULL for a dropped column */
};

static void push_datum(JsonbParseState **state, JsonbIteratorToken token, ForeignEncoder *enc,
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

/*
 * Return an encoder for a type, in context.  Casts that are created later are
 * not used: whoever keeps the encoder must listen for changes of pg_cast.
 */
ForeignEncoder *
foreign_encoder_create(Oid type, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ForeignEncoder *enc = palloc0(sizeof(ForeignEncoder));
	Oid			element;
	Oid			function;
	bool		varlena;

	check_stack_depth();
	enc->context = context;
	enc->type = getBaseType(type);
	element = get_element_type(enc->type);
	if (OidIsValid(element))
	{
		enc->element = foreign_encoder_create(element, context);
		get_typlenbyvalalign(element, &enc->typlen, &enc->typbyval, &enc->typalign);
	}
	else if (type_is_rowtype(enc->type))
		enc->is_composite = true;	/* see update_columns */
	else if (!type_trusted(enc->type, GetUserId()) &&
			 find_coercion_pathway(JSONOID, enc->type, COERCION_EXPLICIT, &function) != COERCION_PATH_FUNC)
	{
		getTypeOutputInfo(enc->type, &function, &varlena);
		fmgr_info_cxt(function, &enc->func, context);
		enc->is_output = true;
	}
	else
	{
		if (!type_trusted(enc->type, GetUserId()))
			enc->owner = type_owner(enc->type);
		/* to_jsonb() finds the type of its argument in the call's expression */
		fmgr_info_cxt(F_TO_JSONB, &enc->func, context);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
												 list_make1(makeNullConst(enc->type, -1, InvalidOid)),
												 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
						   &enc->func);
	}
	MemoryContextSwitchTo(old);
	return enc;
}

/* Let the columns be those of a composite value's type as it is now. */
static void
update_columns(ForeignEncoder *enc, HeapTupleHeader header)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	MemoryContext old;

	if (enc->desc == NULL || !equalTupleDescs(enc->desc, desc))
	{
		old = MemoryContextSwitchTo(enc->context);
		enc->desc = CreateTupleDescCopy(desc);
		enc->columns = palloc0(sizeof(ForeignEncoder *) * Max(desc->natts, 1));
		for (int i = 0; i < desc->natts; i++)
		{
			if (!TupleDescAttr(desc, i)->attisdropped)
				enc->columns[i] = foreign_encoder_create(TupleDescAttr(desc, i)->atttypid, enc->context);
		}
		MemoryContextSwitchTo(old);
	}
	ReleaseTupleDesc(desc);
}

/* Call to_jsonb(), as the owner of the type if the caller does not trust it. */
static Jsonb *
call_to_jsonb(ForeignEncoder *enc, Datum value)
{
	SavedUser	saved;
	Jsonb	   *result;

	if (OidIsValid(enc->owner))
		switch_to_role(enc->owner, &saved);
	result = DatumGetJsonbP(FunctionCall1(&enc->func, value));
	if (OidIsValid(enc->owner))
		restore_user(&saved);
	return result;
}

/* Push one dimension of an array, and those below it. */
static void
push_dimension(JsonbParseState **state, ForeignEncoder *enc, int ndims, const int *dims,
			   Datum **values, bool **isnull, JsonbValue **result)
{
	check_stack_depth();
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < dims[0]; i++)
	{
		JsonbValue	null_value = {.type = jbvNull};

		CHECK_FOR_INTERRUPTS();
		if (ndims > 1)
			push_dimension(state, enc, ndims - 1, dims + 1, values, isnull, result);
		else
		{
			if (**isnull)
				*result = pushJsonbValue(state, WJB_ELEM, &null_value);
			else
				push_datum(state, WJB_ELEM, enc, **values, result);
			(*values)++;
			(*isnull)++;
		}
	}
	*result = pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_array(JsonbParseState **state, ForeignEncoder *enc, Datum value, JsonbValue **result)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *values;
	bool	   *isnull;
	int			n;

	if (ARR_NDIM(array) == 0)
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		*result = pushJsonbValue(state, WJB_END_ARRAY, NULL);
		return;
	}
	deconstruct_array(array, ARR_ELEMTYPE(array), enc->typlen, enc->typbyval, enc->typalign,
					  &values, &isnull, &n);
	push_dimension(state, enc->element, ARR_NDIM(array), ARR_DIMS(array), &values, &isnull, result);
}

static void
push_composite(JsonbParseState **state, ForeignEncoder *enc, Datum value, JsonbValue **result)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	Datum	   *values;
	bool	   *isnull;
	HeapTupleData tuple;

	update_columns(enc, header);
	values = palloc(sizeof(Datum) * enc->desc->natts);
	isnull = palloc(sizeof(bool) * enc->desc->natts);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, enc->desc, values, isnull);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < enc->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(enc->desc, i);
		JsonbValue	key = {.type = jbvString};
		JsonbValue	null_value = {.type = jbvNull};

		if (enc->columns[i] == NULL)
			continue;
		key.val.string.val = NameStr(att->attname);
		key.val.string.len = strlen(NameStr(att->attname));
		pushJsonbValue(state, WJB_KEY, &key);
		if (isnull[i])
			pushJsonbValue(state, WJB_VALUE, &null_value);
		else
			push_datum(state, WJB_VALUE, enc->columns[i], values[i], result);
	}
	*result = pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Push a value that is not null; result gets what the last push returned. */
static void
push_datum(JsonbParseState **state, JsonbIteratorToken token, ForeignEncoder *enc, Datum value,
		   JsonbValue **result)
{
	JsonbValue	scalar;
	Jsonb	   *jsonb;

	check_stack_depth();
	if (enc->element != NULL)
		push_array(state, enc, value, result);
	else if (enc->is_composite)
		push_composite(state, enc, value, result);
	else if (enc->is_output)
	{
		scalar.type = jbvString;
		scalar.val.string.val = OutputFunctionCall(&enc->func, value);
		scalar.val.string.len = strlen(scalar.val.string.val);
		*result = pushJsonbValue(state, token, &scalar);
	}
	else
	{
		jsonb = call_to_jsonb(enc, value);
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
foreign_to_jsonb(ForeignEncoder *enc, Datum value)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;

	if (enc->is_output)
	{
		JsonbValue	scalar = {.type = jbvString};

		scalar.val.string.val = OutputFunctionCall(&enc->func, value);
		scalar.val.string.len = strlen(scalar.val.string.val);
		return JsonbValueToJsonb(&scalar);
	}
	if (enc->element == NULL && !enc->is_composite)
		return call_to_jsonb(enc, value);
	/* a container needs no token of its own */
	push_datum(&state, WJB_VALUE, enc, value, &result);
	return JsonbValueToJsonb(result);
}
