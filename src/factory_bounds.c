/*
 * factory_bounds.c
 *	  What CHECK constraints say of the values of a column, as far as they are
 *	  simple: bounds, lengths and lists.
 *
 * What is not understood is left alone: it is the constraint that decides.
 */
#include "relations.h"

#include <limits.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "factory_value.h"
#include "foreign_code.h"

/* A constraint that is read for one column, or for a domain when that is 0. */
typedef struct BoundsReader
{
	AttrNumber	attnum;
	Oid			base;			/* type of the column */
	ValueBounds *bounds;
} BoundsReader;

/* An expression without the conversions that change no value. */
static Node *
strip(Node *node)
{
	for (;;)
	{
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else if (IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) == 1 &&
				 ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL)
			node = linitial(((FuncExpr *) node)->args);
		else
			return node;
	}
}

/* Is it the column, or a domain's VALUE? */
static bool
is_column(BoundsReader *reader, Node *node)
{
	node = strip(node);
	if (reader->attnum == 0)
		return IsA(node, CoerceToDomainValue);
	return IsA(node, Var) && ((Var *) node)->varattno == reader->attnum && ((Var *) node)->varlevelsup == 0;
}

/* Is it the length of the column in characters? */
static bool
is_length(BoundsReader *reader, Node *node)
{
	FuncExpr   *func = (FuncExpr *) node;
	char	   *name;

	if (!IsA(node, FuncExpr) || list_length(func->args) != 1)
		return false;
	name = get_func_name(func->funcid);
	return name != NULL && (strcmp(name, "length") == 0 || strcmp(name, "char_length") == 0 ||
							strcmp(name, "character_length") == 0) &&
		is_column(reader, linitial(func->args));
}

static bool
constant_units(Const *constant, double *units)
{
	return !constant->constisnull && value_to_units(getBaseType(constant->consttype), constant->constvalue, units);
}

static char *
constant_text(Const *constant)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(constant->consttype, &output, &varlena);
	return OidOutputFunctionCall(output, constant->constvalue);
}

static void
bound_length(ValueBounds *bounds, const char *op, int n)
{
	bool		equal = strcmp(op, "=") == 0;

	if (strcmp(op, "<=") == 0 || equal)
		bounds->max_length = Min(bounds->max_length, n);
	if (strcmp(op, "<") == 0)
		bounds->max_length = Min(bounds->max_length, n - 1);
	if (strcmp(op, ">=") == 0 || equal)
		bounds->min_length = Max(bounds->min_length, n);
	if (strcmp(op, ">") == 0)
		bounds->min_length = Max(bounds->min_length, n + 1);
}

static void
bound_value(ValueBounds *bounds, const char *op, double units)
{
	if (op[0] == '<' && op[1] != '>' && (!bounds->has_high || units <= bounds->high))
	{
		bounds->high_open = op[1] == '\0' || (bounds->has_high && units == bounds->high && bounds->high_open);
		bounds->high = units;
		bounds->has_high = true;
	}
	if (op[0] == '>' && (!bounds->has_low || units >= bounds->low))
	{
		bounds->low_open = op[1] == '\0' || (bounds->has_low && units == bounds->low && bounds->low_open);
		bounds->low = units;
		bounds->has_low = true;
	}
}

/* the operator that says the same with its sides exchanged */
static const char *
exchanged(const char *op)
{
	static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};

	for (int i = 0; i < (int) lengthof(pairs); i++)
	{
		if (strcmp(op, pairs[i][0]) == 0)
			return pairs[i][1];
	}
	return op;
}

static void
read_operator(BoundsReader *reader, OpExpr *expr)
{
	const char *op = get_opname(expr->opno);
	Node	   *left = linitial(expr->args);
	Node	   *right = lsecond(expr->args);
	double		units;

	if (op == NULL || get_func_namespace(get_opcode(expr->opno)) != PG_CATALOG_NAMESPACE)
		return;
	if (IsA(left, Const))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		op = exchanged(op);
	}
	if (!IsA(right, Const) || ((Const *) right)->constisnull)
		return;
	if (is_length(reader, left))
	{
		if (constant_units((Const *) right, &units) && units >= 0 && units < INT_MAX)
			bound_length(reader->bounds, op, (int) units);
	}
	else if (!is_column(reader, left))
		return;
	else if (strcmp(op, "=") == 0)
		reader->bounds->values = list_make1(constant_text((Const *) right));
	else if (constant_units((Const *) right, &units))
		bound_value(reader->bounds, op, units);
	else if (strcmp(op, "<>") == 0 && constant_text((Const *) right)[0] == '\0')
		reader->bounds->min_length = Max(reader->bounds->min_length, 1);
}

/* col = ANY (array of constants) */
static void
read_array(BoundsReader *reader, ScalarArrayOpExpr *expr)
{
	const char *op = get_opname(expr->opno);
	Node	   *array = lsecond(expr->args);
	Oid			element;
	int16		len;
	bool		byval;
	char		align;
	Datum	   *elems;
	bool	   *nulls;
	int			n;
	Oid			output;
	bool		varlena;
	List	   *values = NIL;

	if (!expr->useOr || op == NULL || strcmp(op, "=") != 0 || !is_column(reader, linitial(expr->args)) ||
		!IsA(array, Const) || ((Const *) array)->constisnull)
		return;
	element = get_element_type(((Const *) array)->consttype);
	if (!OidIsValid(element))
		return;
	get_typlenbyvalalign(element, &len, &byval, &align);
	getTypeOutputInfo(element, &output, &varlena);
	deconstruct_array(DatumGetArrayTypeP(((Const *) array)->constvalue), element, len, byval, align,
					  &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			values = lappend(values, OidOutputFunctionCall(output, elems[i]));
	}
	if (values != NIL)
		reader->bounds->values = values;
}

static void read_condition(BoundsReader *reader, Node *node);

/* col = a OR col = b; and col IS NULL OR what holds else */
static void
read_or(BoundsReader *reader, List *args)
{
	List	   *rest = NIL;
	List	   *values = NIL;
	ListCell   *lc;

	foreach(lc, args)
	{
		if (!IsA(lfirst(lc), NullTest) || ((NullTest *) lfirst(lc))->nulltesttype != IS_NULL)
			rest = lappend(rest, lfirst(lc));
	}
	if (list_length(rest) == 1)
	{
		read_condition(reader, linitial(rest));
		return;
	}
	foreach(lc, rest)
	{
		ValueBounds bounds;
		BoundsReader inner = {reader->attnum, reader->base, &bounds};

		value_bounds_init(&bounds);
		if (IsA(lfirst(lc), OpExpr))
			read_operator(&inner, lfirst(lc));
		if (bounds.values == NIL)
			return;
		values = list_concat(values, bounds.values);
	}
	if (values != NIL)
		reader->bounds->values = values;
}

static void
read_condition(BoundsReader *reader, Node *node)
{
	ListCell   *lc;

	check_stack_depth();
	if (is_andclause(node) || IsA(node, List))
	{
		foreach(lc, IsA(node, List) ? (List *) node : ((BoolExpr *) node)->args)
			read_condition(reader, lfirst(lc));
	}
	else if (is_orclause(node))
		read_or(reader, ((BoolExpr *) node)->args);
	else if (IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2)
		read_operator(reader, (OpExpr *) node);
	else if (IsA(node, ScalarArrayOpExpr))
		read_array(reader, (ScalarArrayOpExpr *) node);
}

/* All check constraints that have relid, or the domain, in the column of the key. */
static void
read_constraints(BoundsReader *reader, AttrNumber key_column, Oid oid)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;

	ScanKeyInit(&key, key_column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oid));
	scan = systable_beginscan(rel, key_column == Anum_pg_constraint_conrelid ? ConstraintRelidTypidNameIndexId
							  : ConstraintTypidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Datum		bin;
		bool		isnull;
		Node	   *condition;

		if (((Form_pg_constraint) GETSTRUCT(tup))->contype != CONSTRAINT_CHECK)
			continue;
		bin = heap_getattr(tup, Anum_pg_constraint_conbin, RelationGetDescr(rel), &isnull);
		if (isnull)
			continue;
		condition = stringToNode(TextDatumGetCString(bin));
		/* that would call functions: those of others are not understood */
		if (foreign_code(condition, GetUserId()) == NULL)
			condition = eval_const_expressions(NULL, condition);
		read_condition(reader, condition);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Add what the check constraints of a table say of a column. */
void
value_bounds_of_column(Oid relid, AttrNumber attnum, ValueBounds *bounds)
{
	BoundsReader reader = {attnum, getBaseType(get_atttype(relid, attnum)), bounds};

	read_constraints(&reader, Anum_pg_constraint_conrelid, relid);
}

/* Add what the constraints of a domain, and of those below it, say. */
void
value_bounds_of_domain(Oid domain, ValueBounds *bounds)
{
	BoundsReader reader = {0, getBaseType(domain), bounds};

	while (get_typtype(domain) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
		Oid			next;

		if (!HeapTupleIsValid(tup))
			elog(ERROR, "cache lookup failed for type %u", domain);
		next = ((Form_pg_type) GETSTRUCT(tup))->typbasetype;
		ReleaseSysCache(tup);
		read_constraints(&reader, Anum_pg_constraint_contypid, domain);
		domain = next;
	}
}
