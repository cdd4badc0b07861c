/*
 * key_operator.c
 *	  The operators of a type by their meaning, never by search_path.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "catalog/pg_operator.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "key_operator.h"

/*
 * The btree operator of a strategy (BTEqualStrategyNumber, ...) between
 * values of two types, from the default operator class of the left type, or
 * failing that of the right.  InvalidOid when there is none.
 */
Oid
find_strategy_operator(Oid left, Oid right, int strategy)
{
	Oid			bases[2];

	bases[0] = getBaseType(left);
	bases[1] = getBaseType(right);
	for (int i = 0; i < 2; i++)
	{
		Oid			opclass = GetDefaultOpClass(bases[i], BTREE_AM_OID);
		Oid			family;
		Oid			input;
		Oid			op;

		if (!OidIsValid(opclass))
			continue;
		family = get_opclass_family(opclass);
		input = get_opclass_input_type(opclass);
		op = get_opfamily_member(family, bases[0], bases[1], strategy);
		if (!OidIsValid(op) && !IsPolymorphicType(input) &&
			IsBinaryCoercible(bases[0], input) && IsBinaryCoercible(bases[1], input))
			op = get_opfamily_member(family, input, input, strategy);
		/* enums and arrays: the class is for a polymorphic type */
		if (!OidIsValid(op) && bases[0] == bases[1] && IsPolymorphicType(input))
			op = get_opfamily_member(family, input, input, strategy);
		if (OidIsValid(op))
			return op;
	}
	return InvalidOid;
}

/* An operator as SQL text, OPERATOR(schema.symbol), palloc'd. */
char *
operator_text(Oid op)
{
	HeapTuple	tup;
	char	   *result;

	tup = SearchSysCache1(OPEROID, ObjectIdGetDatum(op));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for operator %u", op);
	result = psprintf("OPERATOR(%s.%s)",
					  quote_identifier(get_namespace_name(((Form_pg_operator) GETSTRUCT(tup))->oprnamespace)),
					  NameStr(((Form_pg_operator) GETSTRUCT(tup))->oprname));
	ReleaseSysCache(tup);
	return result;
}

/*
 * The same as SQL text, OPERATOR(schema.symbol), palloc'd.  Raises
 * undefined_function when there is none.
 */
char *
strategy_operator(Oid left, Oid right, int strategy)
{
	Oid			op = find_strategy_operator(left, right, strategy);

	if (!OidIsValid(op))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("values of type %s and %s cannot be compared",
						format_type_be(left), format_type_be(right)),
				 errdetail("There is no default btree operator class that holds such an operator.")));
	return operator_text(op);
}

/*
 * The equality operator between columns of two tables, as SQL text, palloc'd.
 * Raises undefined_column, undefined_function.
 */
char *
column_equality(Oid relid, const char *column, Oid other, const char *other_column)
{
	return strategy_operator(get_atttype(relid, require_column(relid, column, NULL)),
							 get_atttype(other, require_column(other, other_column, NULL)),
							 BTEqualStrategyNumber);
}
