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
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "key_operator.h"
#include "named_objects.h"

/* What was found once, until an operator class changes. */
typedef struct FoundKey
{
	Oid			left;
	Oid			right;
	int			strategy;
} FoundKey;

typedef struct FoundOperator
{
	FoundKey	key;
	Oid			op;
} FoundOperator;

static HTAB *found_operators = NULL;
static bool found_stale = false;

static void
forget_operators(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
				 pg_attribute_unused() uint32 hashvalue)
{
	found_stale = true;
}

/* The empty or still valid table of what was found. */
static HTAB *
operators_found(void)
{
	static bool registered = false;
	HASHCTL		ctl;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(CLAOID, forget_operators, (Datum) 0);
		CacheRegisterSyscacheCallback(AMOPSTRATEGY, forget_operators, (Datum) 0);
		registered = true;
	}
	if (found_operators != NULL && !found_stale)
		return found_operators;
	if (found_operators != NULL)
		hash_destroy(found_operators);
	found_operators = NULL;
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(FoundKey);
	ctl.entrysize = sizeof(FoundOperator);
	ctl.hcxt = CacheMemoryContext;
	found_stale = false;
	found_operators = hash_create("relations operators", 64, &ctl,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return found_operators;
}

static Oid
look_up_operator(Oid left, Oid right, int strategy)
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

/*
 * The btree operator of a strategy (BTEqualStrategyNumber, ...) between
 * values of two types, from the default operator class of the left type, or
 * failing that of the right.  InvalidOid when there is none.
 */
Oid
find_strategy_operator(Oid left, Oid right, int strategy)
{
	FoundKey	key = {left, right, strategy};
	FoundOperator *found = hash_search(operators_found(), &key, HASH_FIND, NULL);
	Oid			op;

	if (found != NULL)
		return found->op;
	op = look_up_operator(left, right, strategy);
	/* looking it up may have let us hear of a change */
	if (OidIsValid(op) && !found_stale)
	{
		found = hash_search(operators_found(), &key, HASH_ENTER, NULL);
		found->op = op;
	}
	return op;
}

/* An operator as SQL text, OPERATOR(schema.symbol), palloc'd. */
char *
operator_text(Oid op)
{
	HeapTuple	tup;
	char	   *schema;
	char	   *result;

	text_names_object(OPEROID, op);
	tup = SearchSysCache1(OPEROID, ObjectIdGetDatum(op));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for operator %u", op);
	schema = get_namespace_name(((Form_pg_operator) GETSTRUCT(tup))->oprnamespace);
	if (schema == NULL)
		elog(ERROR, "cache lookup failed for schema of operator %u", op);
	result = psprintf("OPERATOR(%s.%s)", quote_identifier(schema),
					  NameStr(((Form_pg_operator) GETSTRUCT(tup))->oprname));
	ReleaseSysCache(tup);
	return result;
}

/*
 * The operator of a strategy as SQL text, palloc'd.  Raises undefined_function
 * when there is none.
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
