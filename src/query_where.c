/*
 * query_where.c
 *	  The parts of a query document that filter, order and limit one level.
 *
 * A condition is kept as a template of SQL text, in which WHERE_COLUMN stands
 * for the column and WHERE_PARAM for the next parameter; deparse.c fills them
 * in.  Values are converted to the column's type here, so that a bad one is
 * an error with the path of the document that holds it, and are only ever
 * bound as parameters.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "key_operator.h"
#include "query_where.h"
#include "json_value.h"

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
	const char *sql;			/* template, when there is no strategy */
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
	{"like", OPERAND_TEXT, 0, C "::pg_catalog.text OPERATOR(pg_catalog.~~) " P},
	{"ilike", OPERAND_TEXT, 0, C "::pg_catalog.text OPERATOR(pg_catalog.~~*) " P},
	{"regex", OPERAND_TEXT, 0, C "::pg_catalog.text OPERATOR(pg_catalog.~) " P},
	{"starts_with", OPERAND_TEXT, 0, C "::pg_catalog.text OPERATOR(pg_catalog.^@) " P},
	{"contains", OPERAND_COLUMN, 0, C " OPERATOR(pg_catalog.@>) " P},
	{"contained", OPERAND_COLUMN, 0, C " OPERATOR(pg_catalog.<@) " P},
	{"overlaps", OPERAND_COLUMN, 0, C " OPERATOR(pg_catalog.&&) " P},
};

/* the keys that a scope may have */
static const char *const scope_keys[] = {"where", "order", "limit"};

static QueryCondition *parse_where(Oid relid, JsonbValue *value, JsonPathFrame *path);

static pg_attribute_noreturn() void
document_error(const JsonPathFrame *path, const char *expected, JsonbValue *found)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" must be %s, not %s", json_path_string(path), expected,
					json_value_type(found))));
}

/* A member of a JSON object. */
typedef struct Member
{
	char	   *key;
	JsonbValue *value;
} Member;

/* The members of an object, as a list of Member. */
static List *
object_members(JsonbValue *value, const JsonPathFrame *path, const char *expected)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	List	   *result = NIL;
	Member	   *member = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		document_error(path, expected, value);
	it = JsonbIteratorInit(value->val.binary.data);
	token = JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_END_OBJECT)
	{
		if (token == WJB_KEY)
		{
			member = palloc(sizeof(Member));
			member->key = pnstrdup(v.val.string.val, v.val.string.len);
			continue;
		}
		member->value = palloc(sizeof(JsonbValue));
		*member->value = v;
		result = lappend(result, member);
	}
	return result;
}

/* The elements of an array, as JsonbValue. */
static List *
array_elements(JsonbValue *value, const JsonPathFrame *path, const char *expected)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	List	   *result = NIL;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		document_error(path, expected, value);
	it = JsonbIteratorInit(value->val.binary.data);
	token = JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_END_ARRAY)
	{
		JsonbValue *copy = palloc(sizeof(JsonbValue));

		*copy = v;
		result = lappend(result, copy);
	}
	return result;
}

/* While a value is converted: errors say where in the document it stands. */
static void
value_error_context(void *arg)
{
	errcontext("value of \"%s\"", json_path_string(arg));
}

static QueryParam *
make_param(Oid type, int32 typmod, JsonbValue *value, JsonPathFrame *path)
{
	QueryParam *param = palloc(sizeof(QueryParam));
	ErrorContextCallback callback;

	callback.callback = value_error_context;
	callback.arg = path;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	param->type = type;
	param->value = json_value_to_datum(value, type, typmod, &param->isnull);
	error_context_stack = callback.previous;
	return param;
}

/* A parameter that is an array of the column's type. */
static QueryParam *
make_array_param(Oid type, int32 typmod, JsonbValue *value, JsonPathFrame *path)
{
	List	   *elements = array_elements(value, path, "an array of values");
	Oid			array_type = get_array_type(type);
	Datum	   *elems = palloc(sizeof(Datum) * Max(list_length(elements), 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(list_length(elements), 1));
	QueryParam *param = palloc(sizeof(QueryParam));
	int			n = list_length(elements);
	int			lbound = 1;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	ListCell   *lc;

	if (!OidIsValid(array_type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no array type for type %s, which \"%s\" needs",
						format_type_be(type), json_path_string(path))));
	foreach(lc, elements)
	{
		JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};
		QueryParam *element = make_param(type, typmod, lfirst(lc), &frame);

		elems[frame.index] = element->value;
		nulls[frame.index] = element->isnull;
	}
	get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
	param->type = array_type;
	param->isnull = false;
	if (n == 0)
		param->value = PointerGetDatum(construct_empty_array(type));
	else
		param->value = PointerGetDatum(construct_md_array(elems, nulls, 1, &n, &lbound,
														  type, typlen, typbyval, typalign));
	return param;
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
make_operator(const char *column, const char *sql, List *params)
{
	QueryCondition *cond = palloc0(sizeof(QueryCondition));

	cond->kind = CONDITION_OPERATOR;
	cond->column = pstrdup(column);
	cond->sql = sql;
	cond->params = params;
	return cond;
}

/* The condition that one operator of a column states. */
static QueryCondition *
parse_operator(const char *column, Oid type, int32 typmod, const WhereOperator *op,
			   JsonbValue *value, JsonPathFrame *path)
{
	Oid			base = getBaseType(type);
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
	switch (op->operand)
	{
		case OPERAND_BOOLEAN:
			if (value->type != jbvBool)
				document_error(path, "true or false", value);
			return make_operator(column,
								 value->val.boolean ? C " IS NULL" : C " IS NOT NULL", NIL);
		case OPERAND_TEXT:
			if (value->type != jbvString)
				document_error(path, "a string", value);
			return make_operator(column, sql, list_make1(make_param(TEXTOID, -1, value, path)));
		case OPERAND_ARRAY:
			{
				char	   *eq = strategy_operator(base, base, BTEqualStrategyNumber);
				bool		negated = sql != NULL;

				sql = psprintf(negated ? "NOT (%s %s ANY(%s))" : "%s %s ANY(%s)", C, eq, P);
				return make_operator(column, sql,
									 list_make1(make_array_param(base, typmod, value, path)));
			}
		case OPERAND_PAIR:
			{
				List	   *pair = array_elements(value, path, "an array of two values");
				JsonPathFrame low = {path, NULL, 0};
				JsonPathFrame high = {path, NULL, 1};

				if (list_length(pair) != 2)
					ereport(ERROR,
							(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							 errmsg("\"%s\" must be an array of two values, not of %d",
									json_path_string(path), list_length(pair))));
				sql = psprintf("(%s %s %s AND %s %s %s)",
							   C, strategy_operator(base, base, BTGreaterEqualStrategyNumber), P,
							   C, strategy_operator(base, base, BTLessEqualStrategyNumber), P);
				return make_operator(column, sql,
									 list_make2(make_param(base, typmod, linitial(pair), &low),
												make_param(base, typmod, lsecond(pair), &high)));
			}
		case OPERAND_COLUMN:
			if (op->strategy != 0)
			{
				char	   *symbol = strategy_operator(base, base, op->strategy);

				sql = psprintf(sql != NULL ? "NOT (%s %s %s)" : "%s %s %s", C, symbol, P);
			}
			return make_operator(column, sql,
								 list_make1(make_param(base, typmod, value, path)));
	}
	pg_unreachable();
}

/* What a document says of one column: a bare value, or operators. */
static QueryCondition *
parse_column(Oid relid, const char *column, JsonbValue *value, JsonPathFrame *path)
{
	AttrNumber	attnum;
	Oid			type;
	int32		typmod;
	Oid			collation;
	List	   *args = NIL;
	List	   *members;
	ListCell   *lc;

	attnum = require_column(relid, column, json_path_string(path));
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	/* a bare value; for json columns an object may be meant: eq says so */
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return parse_operator(column, type, typmod, &operators[0], value, path);

	members = object_members(value, path, "an object");
	foreach(lc, members)
	{
		char	   *name = ((Member *) lfirst(lc))->key;
		JsonbValue *operand = ((Member *) lfirst(lc))->value;
		JsonPathFrame frame = {path, name, 0};
		const WhereOperator *op = NULL;
		List	   *names = NIL;

		for (int i = 0; i < (int) lengthof(operators); i++)
		{
			if (strcmp(operators[i].name, name) == 0)
				op = &operators[i];
			names = lappend(names, unconstify(char *, operators[i].name));
		}
		if (op == NULL)
		{
			const char *near = closest_name(name, names);

			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown operator \"%s\" at \"%s\"", name, json_path_string(&frame)),
					 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
					 : errhint("The operators are: %s.", format_column_list(names))));
		}
		args = lappend(args, parse_operator(column, type, typmod, op, operand, &frame));
	}
	return make_condition(CONDITION_AND, args);
}

/* A list of documents, one of which ("or") or all of which ("and") must hold. */
static QueryCondition *
parse_junction(Oid relid, ConditionKind kind, JsonbValue *value, JsonPathFrame *path)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, array_elements(value, path, "an array of conditions"))
	{
		JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};

		args = lappend(args, parse_where(relid, lfirst(lc), &frame));
	}
	return make_condition(kind, args);
}

/* A "where" document: all of its members must hold. */
static QueryCondition *
parse_where(Oid relid, JsonbValue *value, JsonPathFrame *path)
{
	List	   *members;
	List	   *args = NIL;
	ListCell   *lc;

	check_stack_depth();
	members = object_members(value, path, "an object of conditions");
	foreach(lc, members)
	{
		char	   *key = ((Member *) lfirst(lc))->key;
		JsonbValue *member = ((Member *) lfirst(lc))->value;
		JsonPathFrame frame = {path, key, 0};

		if (get_attnum(relid, key) <= 0 && strcmp(key, "and") == 0)
			args = lappend(args, parse_junction(relid, CONDITION_AND, member, &frame));
		else if (get_attnum(relid, key) <= 0 && strcmp(key, "or") == 0)
			args = lappend(args, parse_junction(relid, CONDITION_OR, member, &frame));
		else if (get_attnum(relid, key) <= 0 && strcmp(key, "not") == 0)
			args = lappend(args, make_condition(CONDITION_NOT,
												list_make1(parse_where(relid, member, &frame))));
		else
			args = lappend(args, parse_column(relid, key, member, &frame));
	}
	return make_condition(CONDITION_AND, args);
}

static char *
value_string(JsonbValue *value, const JsonPathFrame *path, const char *expected)
{
	if (value->type != jbvString)
		document_error(path, expected, value);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* One of two words, as a truth. */
static bool
value_choice(JsonbValue *value, JsonPathFrame *path, const char *no, const char *yes)
{
	char	   *expected = psprintf("\"%s\" or \"%s\"", no, yes);
	char	   *word = value_string(value, path, expected);

	if (strcmp(word, yes) == 0)
		return true;
	if (strcmp(word, no) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be %s, not \"%s\"", json_path_string(path), expected, word)));
	return false;
}

/* One member of "order": "name", "-name" or an object. */
static QueryOrder *
parse_order_item(Oid relid, JsonbValue *value, JsonPathFrame *path)
{
	QueryOrder *order = palloc0(sizeof(QueryOrder));
	List	   *members;
	ListCell   *lc;

	if (value->type == jbvString)
	{
		order->column = value_string(value, path, "");
		if (order->column[0] == '-' && get_attnum(relid, order->column) <= 0)
		{
			order->column++;
			order->descending = true;
		}
		require_column(relid, order->column, json_path_string(path));
		return order;
	}
	members = object_members(value, path, "a column or an object");
	foreach(lc, members)
	{
		char	   *key = ((Member *) lfirst(lc))->key;
		JsonbValue *member = ((Member *) lfirst(lc))->value;
		JsonPathFrame frame = {path, key, 0};

		if (strcmp(key, "column") == 0)
		{
			order->column = value_string(member, &frame, "a string");
			require_column(relid, order->column, json_path_string(&frame));
		}
		else if (strcmp(key, "direction") == 0)
			order->descending = value_choice(member, &frame, "asc", "desc");
		else if (strcmp(key, "nulls") == 0)
		{
			order->nulls_given = true;
			order->nulls_first = value_choice(member, &frame, "last", "first");
		}
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown key \"%s\" at \"%s\"", key, json_path_string(&frame)),
					 errhint("The keys of an order are: column, direction, nulls.")));
	}
	if (order->column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" names no column", json_path_string(path))));
	return order;
}

/* A whole number that is not negative. */
static int64
parse_count(JsonbValue *value, const JsonPathFrame *path)
{
	Datum		number;
	int64		count;

	if (value->type != jbvNumeric)
		document_error(path, "a number", value);
	number = NumericGetDatum(value->val.numeric);
	if (numeric_is_nan(value->val.numeric) || numeric_is_inf(value->val.numeric) ||
		DatumGetBool(DirectFunctionCall2(numeric_ne, number,
										 DirectFunctionCall1(numeric_floor, number))) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number,
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(0)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number,
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX)))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be a whole number from 0, not %s", json_path_string(path),
						DatumGetCString(DirectFunctionCall1(numeric_out, number)))));
	count = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
	return count;
}

/*
 * Add what a scope says to a node.  Raises an error that names its path in
 * the scope for anything that is not known or does not fit the model.
 */
void
query_apply_scope(QueryNode *node, Jsonb *scope)
{
	JsonbValue	root;
	JsonPathFrame top = {NULL, "scope", 0};
	List	   *members;
	ListCell   *lc;

	root.type = jbvBinary;
	root.val.binary.data = &scope->root;
	root.val.binary.len = VARSIZE(scope) - VARHDRSZ;
	if (JB_ROOT_IS_SCALAR(scope))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"scope\" must be an object")));
	members = object_members(&root, &top, "an object");
	foreach(lc, members)
	{
		char	   *key = ((Member *) lfirst(lc))->key;
		JsonbValue *member = ((Member *) lfirst(lc))->value;
		JsonPathFrame frame = {&top, key, 0};

		if (strcmp(key, "where") == 0)
			node->where = lappend(node->where, parse_where(node->relid, member, &frame));
		else if (strcmp(key, "order") == 0)
		{
			ListCell   *item;

			foreach(item, array_elements(member, &frame, "an array"))
			{
				JsonPathFrame position = {&frame, NULL, foreach_current_index(item)};

				node->order = lappend(node->order,
									  parse_order_item(node->relid, lfirst(item), &position));
			}
		}
		else if (strcmp(key, "limit") == 0)
			node->limit = parse_count(member, &frame);
		else
		{
			List	   *names = NIL;
			const char *near;

			for (int i = 0; i < (int) lengthof(scope_keys); i++)
				names = lappend(names, unconstify(char *, scope_keys[i]));
			near = closest_name(key, names);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown key \"%s\" at \"%s\"", key, json_path_string(&frame)),
					 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
					 : errhint("The keys of a scope are: %s.", format_column_list(names))));
		}
	}
}

void
query_check_scope(Oid model, Jsonb *scope)
{
	QueryNode	node = {0};

	node.relid = model;
	query_apply_scope(&node, scope);
}

/* Does the scope have a member of that name? */
bool
query_scope_has(Jsonb *scope, const char *key)
{
	JsonbValue	name;

	if (scope == NULL || !JB_ROOT_IS_OBJECT(scope))
		return false;
	name.type = jbvString;
	name.val.string.val = unconstify(char *, key);
	name.val.string.len = strlen(key);
	return findJsonbValueFromContainer(&scope->root, JB_FOBJECT, &name) != NULL;
}
