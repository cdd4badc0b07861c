/*
 * query_where.c
 *	  The conditions of a query document.
 *
 * A condition is kept as a template of SQL text, in which WHERE_COLUMN stands
 * for the column and WHERE_PARAM for the next parameter; deparse.c fills them
 * in.  Values are converted to the column's type and only ever bound as
 * parameters.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_coerce.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "foreign_code.h"
#include "key_operator.h"
#include "named_objects.h"
#include "query_where.h"

typedef enum OperandKind
{
	OPERAND_COLUMN,				/* one value of the column's type */
	OPERAND_TEXT,				/* one text */
	OPERAND_ARRAY,				/* a list of values of the column's type */
	OPERAND_PAIR,				/* two values of the column's type */
	OPERAND_BOOLEAN				/* true or false */
} OperandKind;

typedef struct WhereOperator
{
	const char *name;
	OperandKind operand;
	int			strategy;		/* btree strategy, or 0 */
	const char *sql;			/* the operator in pg_catalog, if there is no
								 * strategy; "NOT" with a strategy */
} WhereOperator;

#define C WHERE_COLUMN
#define P WHERE_PARAM

static const WhereOperator operators[] = {
	{"eq", OPERAND_COLUMN, BTEqualStrategyNumber, NULL},
	{"ne", OPERAND_COLUMN, BTEqualStrategyNumber, "NOT"},
	{"gt", OPERAND_COLUMN, BTGreaterStrategyNumber, NULL},
	{"gte", OPERAND_COLUMN, BTGreaterEqualStrategyNumber, NULL},
	{"lt", OPERAND_COLUMN, BTLessStrategyNumber, NULL},
	{"lte", OPERAND_COLUMN, BTLessEqualStrategyNumber, NULL},
	{"in", OPERAND_ARRAY, BTEqualStrategyNumber, NULL},
	{"not_in", OPERAND_ARRAY, BTEqualStrategyNumber, "NOT"},
	{"between", OPERAND_PAIR, 0, NULL},
	{"is_null", OPERAND_BOOLEAN, 0, NULL},
	{"like", OPERAND_TEXT, 0, "~~"},
	{"ilike", OPERAND_TEXT, 0, "~~*"},
	{"regex", OPERAND_TEXT, 0, "~"},
	{"starts_with", OPERAND_TEXT, 0, "^@"},
	{"contains", OPERAND_COLUMN, 0, "@>"},
	{"contained", OPERAND_COLUMN, 0, "<@"},
	{"overlaps", OPERAND_COLUMN, 0, "&&"},
};

/* what is said of a relation */
static const char *const to_many_filters[] = {"some", "every", "none", "count"};
static const char *const to_one_filters[] = {"is", "is_not", "count"};
static const char *const comparisons[] = {"eq", "ne", "gt", "gte", "lt", "lte"};

static QueryCondition *parse_conditions(QueryContext *cxt, QueryNode *node, const JsonMember *member,
										JsonPathFrame *path);

/* The value that counts: of a leaf the one in which placeholders are replaced. */
static const JsonbValue *
operand_value(QueryContext *cxt, const JsonMember *member, bool *is_leaf)
{
	int			leaf = cxt != NULL ? query_leaf_of(cxt, member) : -1;

	if (is_leaf != NULL)
		*is_leaf = leaf >= 0;
	return leaf >= 0 ? &cxt->leaves[leaf].value : &member->value;
}

static QueryCondition *
make_condition(ConditionKind kind, List *args)
{
	QueryCondition *cond = palloc0(sizeof(QueryCondition));

	cond->kind = kind;
	cond->args = args;
	return cond;
}

static QueryCondition *
make_not(QueryCondition *arg)
{
	return make_condition(CONDITION_NOT, list_make1(arg));
}

static const WhereOperator *
find_operator(const char *name)
{
	for (int i = 0; i < (int) lengthof(operators); i++)
	{
		if (strcmp(operators[i].name, name) == 0)
			return &operators[i];
	}
	return NULL;
}

/*
 * Raises invalid_parameter_value for an array or an object that is compared
 * with a column of a type that knows neither: it would be compared as text.
 */
static void
require_single_value(const WhereOperator *op, Oid type, const JsonbValue *value,
					 const JsonPathFrame *path)
{
	static const char single[] = {
		TYPCATEGORY_BOOLEAN, TYPCATEGORY_DATETIME, TYPCATEGORY_ENUM, TYPCATEGORY_NETWORK,
		TYPCATEGORY_NUMERIC, TYPCATEGORY_STRING, TYPCATEGORY_TIMESPAN, TYPCATEGORY_BITSTRING, '\0'
	};
	char		category;
	bool		preferred;

	if (value->type != jbvBinary)
		return;
	get_type_category_preferred(type, &category, &preferred);
	if (type != UUIDOID && strchr(single, category) == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" must be one value, not %s", json_path_string(path),
					json_value_type(unconstify(JsonbValue *, value))),
			 JSON_IS_ARRAY(value) && op->strategy == BTEqualStrategyNumber
			 ? errhint("Use \"%s\" for a list of values.", op->sql != NULL ? "not_in" : "in") : 0));
}

/* ---------------------------------------------------------------------
 * Columns
 * ---------------------------------------------------------------------
 */

/* A column that conditions are stated of. */
typedef struct WhereColumn
{
	bool		via;			/* of the table between */
	const char *name;
	Oid			type;
} WhereColumn;

static QueryCondition *
make_operator(const WhereColumn *column, const char *sql, List *params)
{
	QueryCondition *cond = palloc0(sizeof(QueryCondition));

	cond->kind = CONDITION_OPERATOR;
	cond->via = column->via;
	cond->column = pstrdup(column->name);
	cond->sql = sql;
	cond->params = params;
	return cond;
}

/* An operator as a part of a template: what its schema is called does no harm. */
static char *
template_operator(const char *name)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == WHERE_COLUMN[0] || *p == WHERE_PARAM[0] || *p == WHERE_LITERAL[0])
			appendStringInfoString(&buf, WHERE_LITERAL);
		appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

/*
 * The operator with which values of a column are compared.  Raises
 * undefined_function when there is none.
 */
static char *
comparison(Oid type, int strategy, const JsonPathFrame *path)
{
	ErrorContextCallback place;
	char	   *result;

	query_enter_place(&place, path);
	result = template_operator(strategy_operator(type, type, strategy));
	query_leave_place(&place);
	return result;
}

/* Raises undefined_function when values of a type have no such operator. */
static void
check_operator(const WhereOperator *op, Oid type, const JsonPathFrame *path)
{
	List	   *name = list_make2(makeString("pg_catalog"), makeString(unconstify(char *, op->sql)));
	Operator	found = oper(NULL, name, type, type, true, -1);
	bool		fits = found != NULL;

	/* an operator of another type would be reached by casts of this one */
	if (found != NULL)
	{
		fits = passed_safely(type, ((Form_pg_operator) GETSTRUCT(found))->oprleft) &&
			passed_safely(type, ((Form_pg_operator) GETSTRUCT(found))->oprright);
		ReleaseSysCache(found);
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("\"%s\" at \"%s\" cannot be asked of values of type %s", op->name,
						json_path_string(path), format_type_be(type)),
				 TypeCategory(type) == TYPCATEGORY_STRING
				 ? errhint("Use \"like\", \"starts_with\" or \"regex\" for a part of a text.") : 0));
}

/*
 * Return a type's own operator of a name in a schema, or InvalidOid.  Its right
 * operand is of the type, as the parser takes an unknown literal to be, or text.
 */
static Oid
operator_in_schema(Oid type, const char *name, Oid schema)
{
	Oid			operands[] = {type, TEXTOID};

	for (int i = 0; i < (int) lengthof(operands); i++)
	{
		HeapTuple	tup = SearchSysCache4(OPERNAMENSP, CStringGetDatum(name), ObjectIdGetDatum(type),
										  ObjectIdGetDatum(operands[i]), ObjectIdGetDatum(schema));
		Oid			result = InvalidOid;

		if (!HeapTupleIsValid(tup))
			continue;
		if (((Form_pg_operator) GETSTRUCT(tup))->oprresult == BOOLOID &&
			role_trusted(((Form_pg_operator) GETSTRUCT(tup))->oprowner, GetUserId()))
			result = ((Form_pg_operator) GETSTRUCT(tup))->oid;
		ReleaseSysCache(tup);
		if (OidIsValid(result))
			return result;
	}
	return InvalidOid;
}

/*
 * Return the operator of a name that a type has besides that of text: in
 * pg_catalog, as char has, or in the schema of the type, as citext has; or
 * InvalidOid.
 */
static Oid
own_operator(Oid type, const char *name)
{
	HeapTuple	tup;
	Oid			schema;

	if (type == TEXTOID || type == VARCHAROID)
		return InvalidOid;
	if (type < FirstNormalObjectId)
		return operator_in_schema(type, name, PG_CATALOG_NAMESPACE);
	if (!casts_trusted(type))
		return InvalidOid;
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		return InvalidOid;
	schema = ((Form_pg_type) GETSTRUCT(tup))->typnamespace;
	ReleaseSysCache(tup);
	return operator_in_schema(type, name, schema);
}

/* Return a column as a value of its base type, as a part of a template. */
static char *
base_column(const WhereColumn *column)
{
	Oid			base = getBaseType(column->type);

	if (base == column->type)
		return pstrdup(C);
	text_names_type(base);
	return psprintf("%s::%s", C,
					template_operator(format_type_extended(base, -1, FORMAT_TYPE_TYPEMOD_GIVEN |
														   FORMAT_TYPE_FORCE_QUALIFY)));
}

/*
 * Return the condition of "like", "ilike", "regex" or "starts_with": with the
 * type's own operator if it has one, else with that of text.
 */
static QueryCondition *
parse_text_operator(QueryContext *cxt, const WhereColumn *column, const WhereOperator *op,
					const JsonMember *member, JsonPathFrame *path)
{
	Oid			base = getBaseType(column->type);
	Oid			own = own_operator(base, op->sql);
	bool		pattern = false;
	const char *prefix;
	const char *suffix;

	/* citext has no operator of its own for this, but its LIKE can say the same */
	if (!OidIsValid(own) && strcmp(op->name, "starts_with") == 0 && base >= FirstNormalObjectId)
	{
		own = own_operator(base, "~~");
		pattern = OidIsValid(own);
	}
	if (OidIsValid(own))
	{
		char	   *sql = psprintf("%s %s %s", base_column(column), template_operator(operator_text(own)), P);
		Oid			left;
		Oid			right;

		op_input_types(own, &left, &right);
		return make_operator(column, sql,
							 list_make1(pattern
										? query_prefix_param(cxt, member, right, path)
										: query_param(cxt, member, -1, false, right, path)));
	}
	text_of_value(base, &prefix, &suffix);
	return make_operator(column,
						 psprintf("%s%s%s OPERATOR(pg_catalog.%s) %s", template_operator(prefix), C,
								  suffix, op->sql, P),
						 list_make1(query_param(cxt, member, -1, false, TEXTOID, path)));
}

/* The condition that one operator of a column states. */
static QueryCondition *
parse_operator(QueryContext *cxt, const WhereColumn *column, const WhereOperator *op,
			   const JsonMember *member, JsonPathFrame *path)
{
	const JsonbValue *value = operand_value(cxt, member, NULL);
	Oid			base = getBaseType(column->type);
	const char *sql = op->sql;

	if (value->type == jbvNull && op->operand != OPERAND_BOOLEAN)
	{
		if (strcmp(op->name, "eq") == 0)
			return make_operator(column, C " IS NULL", NIL);
		if (strcmp(op->name, "ne") == 0)
			return make_operator(column, C " IS NOT NULL", NIL);
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("\"%s\" must not be null", json_path_string(path)),
				 errhint("Use \"is_null\", or \"eq\" and \"ne\", to ask for null.")));
	}
	if (op->operand == OPERAND_COLUMN)
		require_single_value(op, base, value, path);
	switch (op->operand)
	{
		case OPERAND_BOOLEAN:
			if (value->type != jbvBool)
				query_document_error(path, "true or false", value);
			return make_operator(column,
								 value->val.boolean ? C " IS NULL" : C " IS NOT NULL", NIL);
		case OPERAND_TEXT:
			if (value->type != jbvString)
				query_document_error(path, "a string", value);
			return parse_text_operator(cxt, column, op, member, path);
		case OPERAND_ARRAY:
			{
				char	   *eq = comparison(base, BTEqualStrategyNumber, path);

				if (!JSON_IS_ARRAY(value))
					query_document_error(path, "an array of values", value);
				sql = psprintf(sql != NULL ? "NOT (%s %s ANY(%s))" : "%s %s ANY(%s)", C, eq, P);
				return make_operator(column, sql,
									 list_make1(query_param(cxt, member, -1, true, base, path)));
			}
		case OPERAND_PAIR:
			if (!JSON_IS_ARRAY(value))
				query_document_error(path, "an array of two values", value);
			sql = psprintf("(%s %s %s AND %s %s %s)",
						   C, comparison(base, BTGreaterEqualStrategyNumber, path), P,
						   C, comparison(base, BTLessEqualStrategyNumber, path), P);
			return make_operator(column, sql,
								 list_make2(query_param(cxt, member, 0, false, base, path),
											query_param(cxt, member, 1, false, base, path)));
		case OPERAND_COLUMN:
			if (op->strategy != 0)
			{
				char	   *symbol = comparison(base, op->strategy, path);

				sql = psprintf(sql != NULL ? "NOT (%s %s %s)" : "%s %s %s", C, symbol, P);
			}
			else
			{
				check_operator(op, base, path);
				sql = psprintf("%s OPERATOR(pg_catalog.%s) %s", C, op->sql, P);
				if (strcmp(op->name, "contains") == 0 && (type_is_range(base) || type_is_multirange(base)))
					return make_operator(column, sql,
										 list_make1(query_contained_param(cxt, member, base, path)));
			}
			return make_operator(column, sql,
								 list_make1(query_param(cxt, member, -1, false, base, path)));
	}
	pg_unreachable();
}

/* What a document says of one column: a bare value, or operators. */
static QueryCondition *
parse_column(QueryContext *cxt, const WhereColumn *column, const JsonMember *member,
			 JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;
	bool		is_leaf;
	const JsonbValue *value = operand_value(cxt, member, &is_leaf);

	check_stack_depth();
	/* a bare value; for json columns an object may be meant: eq says so */
	if (is_leaf || !JSON_IS_OBJECT(value))
		return parse_operator(cxt, column, &operators[0], member, path);

	foreach(lc, query_members(member, path, "an object"))
	{
		JsonMember *operand = lfirst(lc);
		JsonPathFrame frame = {path, operand->key, 0};
		const WhereOperator *op = find_operator(operand->key);

		if (strcmp(operand->key, "not") == 0)
		{
			args = lappend(args, make_not(parse_column(cxt, column, operand, &frame)));
			continue;
		}
		if (op == NULL)
		{
			List	   *names = NIL;
			const char *near;

			for (int i = 0; i < (int) lengthof(operators); i++)
				names = lappend(names, unconstify(char *, operators[i].name));
			near = closest_name(operand->key, names);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown operator \"%s\" at \"%s\"", operand->key,
							json_path_string(&frame)),
					 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
					 : errhint("The operators are: %s.", format_column_list(names))));
		}
		args = lappend(args, parse_operator(cxt, column, op, operand, &frame));
	}
	return make_condition(CONDITION_AND, args);
}

/* A column of a table, as something to state conditions of. */
static void
set_column(WhereColumn *column, Oid relid, bool via, const char *name, const JsonPathFrame *path)
{
	AttrNumber	attnum = require_column(relid, name, json_path_string(path));

	column->via = via;
	column->name = name;
	column->type = get_atttype(relid, attnum);
}

/* The conditions on columns of the pivot. */
static QueryCondition *
parse_pivot(QueryContext *cxt, QueryNode *node, const JsonMember *member, JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, query_members(member, path, "an object of conditions"))
	{
		JsonMember *inner = lfirst(lc);
		JsonPathFrame frame = {path, inner->key, 0};
		WhereColumn column;

		set_column(&column, node->via->relid, true, inner->key, &frame);
		args = lappend(args, parse_column(cxt, &column, inner, &frame));
	}
	return make_condition(CONDITION_AND, args);
}

/* ---------------------------------------------------------------------
 * Relations
 * ---------------------------------------------------------------------
 */

/* "there is a related row", of each of the nodes in turn, for which extra holds */
static QueryCondition *
make_exists(QueryContext *cxt, RelationDesc *relation, const JsonMember *member, bool negated,
			JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, query_make_nodes(relation))
	{
		QueryNode  *node = lfirst(lc);
		QueryCondition *exists = make_condition(CONDITION_EXISTS, NIL);

		exists->node = node;
		if (member != NULL)
		{
			QueryCondition *inner = parse_conditions(cxt, node, member, path);

			/* what is unknown of a row does not hold for it */
			if (negated)
			{
				QueryCondition *not_true = make_condition(CONDITION_NOT, list_make1(inner));

				not_true->sql = "IS TRUE";
				inner = not_true;
			}
			node->where = lappend(node->where, inner);
		}
		args = lappend(args, exists);
	}
	return list_length(args) == 1 ? linitial(args) : make_condition(CONDITION_OR, args);
}

/* The conditions on the number of related rows. */
static QueryCondition *
parse_count(QueryContext *cxt, RelationDesc *relation, const JsonMember *member, JsonPathFrame *path)
{
	List	   *members = query_members(member, path, "an object of comparisons");
	const JsonMember *filter = NULL;
	List	   *args = NIL;
	ListCell   *lc;

	if (relation->kind == RELATION_MORPH_TO)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of the polymorphic relation \"%s\" cannot be counted at \"%s\"",
						relation->name, json_path_string(path)),
				 errhint("Use \"is\" or \"is_not\".")));
	foreach(lc, members)
	{
		if (strcmp(((JsonMember *) lfirst(lc))->key, "where") == 0)
			filter = lfirst(lc);
	}
	foreach(lc, members)
	{
		JsonMember *operand = lfirst(lc);
		JsonPathFrame frame = {path, operand->key, 0};
		QueryCondition *cond;
		bool		known = false;
		List	   *names = NIL;

		if (operand == filter)
			continue;
		for (int i = 0; i < (int) lengthof(comparisons); i++)
		{
			known = known || strcmp(comparisons[i], operand->key) == 0;
			names = lappend(names, unconstify(char *, comparisons[i]));
		}
		if (!known)
			query_unknown_key(path, operand->key, "a count", lappend(names, "where"));
		cond = make_condition(CONDITION_COUNT, NIL);
		cond->node = linitial(query_make_nodes(relation));
		if (filter != NULL)
		{
			JsonPathFrame inner = {path, "where", 0};

			cond->node->where = lappend(cond->node->where,
										parse_conditions(cxt, cond->node, filter, &inner));
		}
		cond->sql = psprintf(strcmp(operand->key, "ne") == 0 ? "NOT (%s %s %s)" : "%s %s %s", C,
							 strategy_operator(INT8OID, INT8OID, find_operator(operand->key)->strategy),
							 P);
		cond->params = list_make1(query_whole_param(cxt, operand, &frame));
		args = lappend(args, cond);
	}
	if (args == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" compares the number of rows with nothing", json_path_string(path)),
				 errhint("Give one of: eq, ne, gt, gte, lt, lte.")));
	return make_condition(CONDITION_AND, args);
}

/* One filter of a relation: some, every, none, is, is_not or count. */
static QueryCondition *
parse_filter(QueryContext *cxt, RelationDesc *relation, const JsonMember *member, JsonPathFrame *path)
{
	const char *name = member->key;
	bool		is_null = operand_value(cxt, member, NULL)->type == jbvNull;
	bool		to_one = RELATION_IS_TO_ONE(relation->kind);
	const char *const *filters = to_one ? to_one_filters : to_many_filters;
	List	   *names = NIL;
	bool		known = false;

	for (int i = 0; i < (int) (to_one ? lengthof(to_one_filters) : lengthof(to_many_filters)); i++)
	{
		known = known || strcmp(filters[i], name) == 0;
		names = lappend(names, unconstify(char *, filters[i]));
	}
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a filter of relation \"%s\" at \"%s\"", name,
						relation->name, json_path_string(path)),
				 errdetail(to_one ? "The relation leads to one row." : "The relation leads to many rows."),
				 errhint("Its filters are: %s.", format_column_list(names))));
	if (strcmp(name, "count") == 0)
		return parse_count(cxt, relation, member, path);
	if (strcmp(name, "is") == 0 || strcmp(name, "is_not") == 0)
	{
		bool		positive = (strcmp(name, "is") == 0) != is_null;
		QueryCondition *exists = make_exists(cxt, relation, is_null ? NULL : member, false, path);

		return positive ? exists : make_not(exists);
	}
	if (strcmp(name, "some") == 0)
		return make_exists(cxt, relation, member, false, path);
	if (strcmp(name, "none") == 0)
		return make_not(make_exists(cxt, relation, member, false, path));
	return make_not(make_exists(cxt, relation, member, true, path));
}

static QueryCondition *
parse_relation(QueryContext *cxt, RelationDesc *relation, const JsonMember *member,
			   JsonPathFrame *path)
{
	const JsonbValue *value = operand_value(cxt, member, NULL);
	List	   *args = NIL;
	ListCell   *lc;

	if (value->type == jbvNull && RELATION_IS_TO_ONE(relation->kind))
		return make_not(make_exists(cxt, relation, NULL, false, path));
	if (!JSON_IS_OBJECT(&member->value))
		query_document_error(path, RELATION_IS_TO_ONE(relation->kind)
							 ? "an object with \"is\", \"is_not\" or \"count\""
							 : "an object with \"some\", \"every\", \"none\" or \"count\"", value);
	foreach(lc, query_members(member, path, "an object"))
	{
		JsonMember *filter = lfirst(lc);
		JsonPathFrame frame = {path, filter->key, 0};

		args = lappend(args, parse_filter(cxt, relation, filter, &frame));
	}
	return make_condition(CONDITION_AND, args);
}

/* ---------------------------------------------------------------------
 * Conditions
 * ---------------------------------------------------------------------
 */

/* A list of documents, one of which ("or") or all of which ("and") must hold. */
static QueryCondition *
parse_junction(QueryContext *cxt, QueryNode *node, ConditionKind kind, const JsonMember *member,
			   JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, query_elements(member, path, "an array of conditions"))
	{
		JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};

		args = lappend(args, parse_conditions(cxt, node, lfirst(lc), &frame));
	}
	return make_condition(kind, args);
}

static pg_attribute_noreturn() void
unknown_member(QueryNode *node, const char *key, const JsonPathFrame *path)
{
	List	   *names = NIL;
	const char *near;
	ListCell   *lc;

	foreach(lc, catalog_relations_of(node->relid))
		names = lappend(names, ((RelationDesc *) lfirst(lc))->name);
	near = closest_name(key, names);
	/* the error, and the hint, that there is no such column */
	if (near == NULL)
		require_column(node->relid, key, json_path_string(path));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("\"%s\" has no column or relation \"%s\"", model_name(node->relid), key),
			 errdetail("It is named by \"%s\".", json_path_string(path)),
			 errhint("Perhaps you meant the relation \"%s\".", near)));
}

/*
 * Does "not" stand for a column of that name?  If there is one, it does unless
 * its value is an object of something else than operators.
 */
static bool
not_is_column(QueryNode *node, const JsonMember *member)
{
	ListCell   *lc;

	if (!JSON_IS_OBJECT(&member->value))
		return true;
	foreach(lc, json_members_of(&member->value))
	{
		const char *key = ((JsonMember *) lfirst(lc))->key;

		if (find_operator(key) == NULL || find_column(node->relid, key) > 0)
			return false;
	}
	return true;
}

/* All members of a "where" must hold. */
static QueryCondition *
parse_conditions(QueryContext *cxt, QueryNode *node, const JsonMember *member, JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, query_members(member, path, "an object of conditions"))
	{
		JsonMember *inner = lfirst(lc);
		char	   *key = inner->key;
		JsonPathFrame frame = {path, key, 0};
		RelationDesc *relation;
		QueryCondition *cond;
		bool		is_column = find_column(node->relid, key) > 0;

		/* a column of such a name does not take the word away */
		if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0)
			is_column = is_column && !JSON_IS_ARRAY(&inner->value);
		else if (strcmp(key, "not") == 0)
			is_column = is_column && not_is_column(node, inner);
		if (is_column)
		{
			WhereColumn column;

			set_column(&column, node->relid, false, key, &frame);
			cond = parse_column(cxt, &column, inner, &frame);
		}
		else if (strcmp(key, "and") == 0)
			cond = parse_junction(cxt, node, CONDITION_AND, inner, &frame);
		else if (strcmp(key, "or") == 0)
			cond = parse_junction(cxt, node, CONDITION_OR, inner, &frame);
		else if (strcmp(key, "not") == 0)
			cond = make_not(parse_conditions(cxt, node, inner, &frame));
		else if ((relation = catalog_find_relation(node->relid, key)) != NULL)
			cond = parse_relation(cxt, relation, inner, &frame);
		else if (strcmp(key, "pivot") == 0 && node->via != NULL)
			cond = parse_pivot(cxt, node, inner, &frame);
		else
			unknown_member(node, key, &frame);
		args = lappend(args, cond);
	}
	return make_condition(CONDITION_AND, args);
}

/*
 * Add what a "where" says to a node.  Raises an error that names its path in
 * the document for anything that is not known or does not fit the model.
 */
void
query_parse_where(QueryContext *cxt, QueryNode *node, const JsonMember *member, JsonPathFrame *path)
{
	node->where = lappend(node->where, parse_conditions(cxt, node, member, path));
}
