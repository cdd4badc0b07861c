/*
 * query_parse.c
 *	  A query document -> a tree of QueryNode.
 *
 * Nothing unknown is ignored: every key is one of those that its place may
 * have, and every error names the path in the document at which it arose.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "foreign_code.h"
#include "query_cursor.h"
#include "query_order.h"
#include "query_parse.h"
#include "query_where.h"

/* where a key may stand */
#define IN_ROOT			0x01
#define IN_PRELOAD		0x02
#define IN_COUNT		0x04
#define IN_AGGREGATE	0x08
#define IN_SCOPE		0x10
#define IN_QUERY		(IN_ROOT | IN_PRELOAD)

static const struct
{
	const char *key;
	int			places;
}			known_keys[] = {
	{"select", IN_QUERY},
	{"where", IN_QUERY | IN_COUNT | IN_AGGREGATE | IN_SCOPE},
	{"order", IN_QUERY | IN_SCOPE},
	{"limit", IN_QUERY | IN_SCOPE},
	{"offset", IN_QUERY},
	{"after", IN_QUERY},
	{"before", IN_QUERY},
	{"cursor", IN_QUERY},
	{"preload", IN_QUERY},
	{"count", IN_QUERY},
	{"aggregate", IN_QUERY},
	{"key_case", IN_ROOT},
	{"relation", IN_PRELOAD | IN_COUNT | IN_AGGREGATE},
	{"recursive", IN_PRELOAD},
	{"max_depth", IN_PRELOAD},
	{"sum", IN_AGGREGATE},
	{"avg", IN_AGGREGATE},
	{"min", IN_AGGREGATE},
	{"max", IN_AGGREGATE},
	{"exists", IN_AGGREGATE},
	{"count", IN_AGGREGATE},
};

static void parse_query(QueryContext *cxt, QueryNode *node, List *members, int place,
						JsonPathFrame *path);

static const char *
place_name(int place)
{
	switch (place)
	{
		case IN_ROOT:
			return "a query";
		case IN_PRELOAD:
			return "a preload";
		case IN_COUNT:
			return "a count";
		case IN_AGGREGATE:
			return "an aggregate";
		default:
			return "a scope";
	}
}

/* Raises invalid_parameter_value for a key that has no meaning in its place. */
static void
check_keys(List *members, int place, JsonPathFrame *path)
{
	ListCell   *lc;

	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		bool		known = false;
		List	   *names = NIL;

		for (int i = 0; i < (int) lengthof(known_keys); i++)
		{
			if ((known_keys[i].places & place) == 0)
				continue;
			known = known || strcmp(known_keys[i].key, member->key) == 0;
			names = lappend(names, unconstify(char *, known_keys[i].key));
		}
		if (!known)
			query_unknown_key(path, member->key, place_name(place), names);
	}
}

static JsonMember *
find_member(List *members, const char *key)
{
	ListCell   *lc;

	foreach(lc, members)
	{
		if (strcmp(((JsonMember *) lfirst(lc))->key, key) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* ---------------------------------------------------------------------
 * Pages
 * ---------------------------------------------------------------------
 */

/* The value of a limit, in which a placeholder may stand; -1 for null. */
static int64
parse_limit(QueryContext *cxt, JsonMember *member, JsonPathFrame *path)
{
	int			leaf = cxt != NULL ? query_leaf_of(cxt, member) : -1;
	const JsonbValue *value = leaf >= 0 ? &cxt->leaves[leaf].value : &member->value;

	return value->type == jbvNull ? -1 : query_count_value(value, path);
}

static QueryParam *
parse_offset(QueryContext *cxt, JsonMember *member, JsonPathFrame *path)
{
	int			leaf = query_leaf_of(cxt, member);
	const JsonbValue *value = leaf >= 0 ? &cxt->leaves[leaf].value : &member->value;

	return value->type == jbvNull ? NULL : query_whole_param(cxt, member, path);
}

/* "after" or "before" a row: parameters for the values of the order. */
static void
parse_cursor(QueryContext *cxt, QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	int			leaf = query_leaf_of(cxt, member);
	CursorValues *values = cxt->leaves[leaf].cursor;
	QueryCursor *cursor;
	ListCell   *lc;

	/* null: from the start */
	if (values == NULL)
		return;
	if (node->cursor != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be given together with \"after\"", json_path_string(path))));
	cursor = palloc0(sizeof(QueryCursor));
	cursor->before = strcmp(member->key, "before") == 0;
	foreach(lc, node->order)
	{
		int			i = foreach_current_index(lc);
		QueryOrder *order = lfirst(lc);
		QueryParam *param;

		param = palloc0(sizeof(QueryParam));
		param->type = param->value_type = order->type;
		param->leaf = leaf;
		param->element = i;
		param->cursor_order = cursor_order(node);
		param->cursor_values = list_length(node->order);
		param->path = json_path_string(path);
		param->slot = list_length(cxt->tree->params);
		cxt->tree->params = lappend(cxt->tree->params, param);
		cursor->params = lappend(cursor->params,
								 i < values->n && values->values[i] == NULL ? NULL : param);
	}
	node->cursor = cursor;
}

/* ---------------------------------------------------------------------
 * Relations
 * ---------------------------------------------------------------------
 */

/* Raises duplicate_object when the documents have that key already. */
static void
check_child_name(QueryNode *node, const char *name, JsonPathFrame *path)
{
	ListCell   *lc;

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" must have a name", json_path_string(path))));
	if (find_column(node->relid, name) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("\"%s\" would hide a column of \"%s\"", json_path_string(path),
						model_name(node->relid)),
				 errhint("Choose another name for it in the document.")));
	foreach(lc, node->children)
	{
		if (strcmp(((QueryNode *) lfirst(lc))->name, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("\"%s\" is there twice", json_path_string(path)),
					 errhint("Choose another name for one of them.")));
	}
}

/* "recursive" and "max_depth" of a relation from a model to itself. */
static void
parse_recursion(QueryNode *node, List *members, JsonPathFrame *path)
{
	JsonMember *recursive = find_member(members, "recursive");
	JsonMember *max_depth = find_member(members, "max_depth");

	if (recursive != NULL)
	{
		JsonPathFrame frame = {path, "recursive", 0};

		node->recursive = query_boolean(recursive, &frame);
		if (node->recursive && node->relid != node->relation->model)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("relation \"%s\" cannot be followed again at \"%s\"",
							node->relation->name, json_path_string(&frame)),
					 errdetail("It leads from \"%s\" to \"%s\".",
							   model_name(node->relation->model), model_name(node->relid))));
	}
	if (max_depth != NULL)
	{
		JsonPathFrame frame = {path, "max_depth", 0};
		int64		depth = query_count(max_depth, &frame);

		if (!node->recursive)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" needs \"recursive\"", json_path_string(&frame))));
		if (depth < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must be at least 1", json_path_string(&frame))));
		node->max_depth = (int) Min(depth, PG_INT32_MAX);
	}
}

/* Follow a path that the document names. */
static List *
descend(QueryNode *node, const char *relation_path, JsonPathFrame *path)
{
	ErrorContextCallback place;
	List	   *result;

	query_enter_place(&place, path);
	result = query_descend(list_make1(node), relation_path);
	query_leave_place(&place);
	return result;
}

/* One entry of a "preload" object. */
static void
parse_preload_entry(QueryContext *cxt, QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	List	   *members = NIL;
	List	   *children;
	JsonMember *relation;
	ListCell   *lc;

	if (member->value.type == jbvBool && member->value.val.boolean)
	{
		descend(node, member->key, path);
		return;
	}
	members = query_members(member, path, "true or an object");
	check_keys(members, IN_PRELOAD, path);
	relation = find_member(members, "relation");
	if (relation != NULL)
	{
		JsonPathFrame frame = {path, "relation", 0};
		char	   *name = query_string(relation, &frame, "the name of a relation");

		if (strcmp(name, member->key) != 0)
			check_child_name(node, member->key, path);
		children = query_make_nodes(query_relation(node->relid, name, &frame));
		foreach(lc, children)
			((QueryNode *) lfirst(lc))->name = member->key;
		node->children = list_concat(node->children, children);
	}
	else
		children = descend(node, member->key, path);
	foreach(lc, children)
	{
		QueryNode  *child = lfirst(lc);

		parse_recursion(child, members, path);
		parse_query(cxt, child, members, IN_PRELOAD, path);
	}
}

static void
parse_preload(QueryContext *cxt, QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	ListCell   *lc;

	if (JSON_IS_ARRAY(&member->value))
	{
		foreach(lc, query_elements(member, path, ""))
		{
			JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};

			descend(node, query_string(lfirst(lc), &frame, "a relation path"), &frame);
		}
		return;
	}
	foreach(lc, query_members(member, path, "an array of relation paths or an object"))
	{
		JsonMember *entry = lfirst(lc);
		JsonPathFrame frame = {path, entry->key, 0};

		parse_preload_entry(cxt, node, entry, &frame);
	}
}

/* ---------------------------------------------------------------------
 * Counts and aggregates
 * ---------------------------------------------------------------------
 */

static QueryNode *
make_aggregate(QueryNode *node, const char *name, const char *relation_name, AggregateKind kind,
			   JsonPathFrame *path)
{
	RelationDesc *relation = query_relation(node->relid, relation_name, path);
	QueryNode  *child;

	check_child_name(node, name, path);
	if (relation->kind == RELATION_MORPH_TO)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("rows of the polymorphic relation \"%s\" cannot be aggregated at \"%s\"",
						relation->name, json_path_string(path))));
	child = query_make_node(relation->related, relation);
	child->name = pstrdup(name);
	child->aggregate = kind;
	node->children = lappend(node->children, child);
	return child;
}

/* The relation that an entry names. */
static char *
entry_relation(List *members, JsonMember *entry, JsonPathFrame *path)
{
	JsonMember *relation = find_member(members, "relation");
	JsonPathFrame frame = {path, "relation", 0};

	if (relation == NULL)
		return entry->key;
	return query_string(relation, &frame, "the name of a relation");
}

static void
parse_counts(QueryContext *cxt, QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	ListCell   *lc;

	foreach(lc, query_members(member, path, "an object"))
	{
		JsonMember *entry = lfirst(lc);
		JsonPathFrame frame = {path, entry->key, 0};
		List	   *members;

		if (entry->value.type == jbvString)
		{
			make_aggregate(node, entry->key, query_string(entry, &frame, ""), AGGREGATE_COUNT, &frame);
			continue;
		}
		members = query_members(entry, &frame, "the name of a relation or an object");
		check_keys(members, IN_COUNT, &frame);
		parse_query(cxt, make_aggregate(node, entry->key, entry_relation(members, entry, &frame),
										AGGREGATE_COUNT, &frame),
					members, IN_COUNT, &frame);
	}
}

/* What an entry of "aggregate" asks for, of which column. */
static AggregateKind
aggregate_of(List *members, JsonMember **column, JsonPathFrame *path)
{
	static const struct
	{
		const char *key;
		AggregateKind kind;
	}			kinds[] = {
		{"count", AGGREGATE_COUNT},
		{"exists", AGGREGATE_EXISTS},
		{"sum", AGGREGATE_SUM},
		{"avg", AGGREGATE_AVG},
		{"min", AGGREGATE_MIN},
		{"max", AGGREGATE_MAX},
	};
	AggregateKind result = AGGREGATE_NONE;

	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		JsonMember *member = find_member(members, kinds[i].key);

		if (member == NULL)
			continue;
		if (result != AGGREGATE_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" asks for more than one aggregate", json_path_string(path)),
					 errhint("Give each a name of its own.")));
		result = kinds[i].kind;
		*column = member;
	}
	if (result == AGGREGATE_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" asks for no aggregate", json_path_string(path)),
				 errhint("Give one of: count, exists, sum, avg, min, max.")));
	return result;
}

/* Raises undefined_function when a column has no such aggregate. */
static void
check_aggregate(QueryNode *node, const char *function, JsonPathFrame *path)
{
	AttrNumber	attnum = require_column(node->relid, node->aggregate_column, json_path_string(path));
	Oid			type = get_atttype(node->relid, attnum);
	List	   *name = list_make2(makeString("pg_catalog"), makeString(pstrdup(function)));
	Oid			funcid;
	Oid			rettype;
	bool		retset;
	int			nvargs;
	Oid			vatype;
	Oid		   *true_typeids;
	List	   *defaults;

	if (func_get_detail(name, NIL, NIL, 1, &type, false, false, false, &funcid, &rettype,
						&retset, &nvargs, &vatype, &true_typeids, &defaults) != FUNCDETAIL_AGGREGATE ||
		!passed_safely(getBaseType(type), true_typeids[0]))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" of \"%s\" is of type %s, which has no aggregate \"%s\"",
						node->aggregate_column, model_name(node->relid), format_type_be(type), function),
				 errdetail("It is named by \"%s\".", json_path_string(path))));
}

static void
parse_aggregates(QueryContext *cxt, QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	ListCell   *lc;

	foreach(lc, query_members(member, path, "an object"))
	{
		JsonMember *entry = lfirst(lc);
		JsonPathFrame frame = {path, entry->key, 0};
		List	   *members = query_members(entry, &frame, "an object");
		JsonMember *column = NULL;	/* aggregate_of sets it, or raises */
		AggregateKind kind;
		QueryNode  *child;

		check_keys(members, IN_AGGREGATE, &frame);
		kind = aggregate_of(members, &column, &frame);
		child = make_aggregate(node, entry->key, entry_relation(members, entry, &frame), kind, &frame);
		if (kind == AGGREGATE_COUNT || kind == AGGREGATE_EXISTS)
		{
			JsonPathFrame inner = {&frame, column->key, 0};

			if (column->value.type != jbvBool || !column->value.val.boolean)
				query_document_error(&inner, "true", &column->value);
		}
		else
		{
			JsonPathFrame inner = {&frame, column->key, 0};

			child->aggregate_column = query_string(column, &inner, "the name of a column");
			check_aggregate(child, column->key, &inner);
		}
		parse_query(cxt, child, members, IN_AGGREGATE, &frame);
	}
}

/* ---------------------------------------------------------------------
 * One level
 * ---------------------------------------------------------------------
 */

static void
parse_select(QueryNode *node, JsonMember *member, JsonPathFrame *path)
{
	ListCell   *lc;

	node->selects = true;
	foreach(lc, query_elements(member, path, "an array of columns"))
	{
		JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};
		char	   *column = query_string(lfirst(lc), &frame, "the name of a column");

		if (find_column(node->relid, column) <= 0 &&
			catalog_find_relation(node->relid, column) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("\"%s\" at \"%s\" is a relation of \"%s\", not a column", column,
							json_path_string(&frame), model_name(node->relid)),
					 errhint("Name it in \"preload\".")));
		require_column(node->relid, column, json_path_string(&frame));
		if (list_has_name(node->model->hidden, column))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" of \"%s\" is hidden", column, model_name(node->relid)),
					 errdetail("It is named by \"%s\".", json_path_string(&frame))));
		node->select = lappend(node->select, column);
	}
}

/* What the members of an object say of a level; its keys have been checked. */
static void
parse_query(QueryContext *cxt, QueryNode *node, List *members, int place, JsonPathFrame *path)
{
	JsonMember *after = find_member(members, "after");
	JsonMember *before = find_member(members, "before");
	JsonMember *show = find_member(members, "cursor");
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		char	   *key = member->key;
		JsonPathFrame frame = {path, key, 0};

		if (strcmp(key, "select") == 0)
			parse_select(node, member, &frame);
		else if (strcmp(key, "where") == 0)
			query_parse_where(cxt, node, member, &frame);
		else if (strcmp(key, "order") == 0)
		{
			query_parse_order(node, member, &frame);
			node->own_order = true;
		}
		else if (strcmp(key, "limit") == 0)
		{
			int64		limit = parse_limit(cxt, member, &frame);

			/* a scope's limit is not raised */
			if (limit >= 0 && (node->limit < 0 || limit < node->limit))
				node->limit = limit;
		}
		else if (strcmp(key, "offset") == 0)
			node->offset = parse_offset(cxt, member, &frame);
		else if (strcmp(key, "preload") == 0)
			parse_preload(cxt, node, member, &frame);
		else if (strcmp(key, "count") == 0 && (place & IN_QUERY) != 0)
			parse_counts(cxt, node, member, &frame);
		else if (strcmp(key, "aggregate") == 0)
			parse_aggregates(cxt, node, member, &frame);
	}
	if (show != NULL)
	{
		JsonPathFrame frame = {path, "cursor", 0};

		node->show_cursor = query_boolean(show, &frame);
	}
	if (!node->show_cursor && after == NULL && before == NULL)
		return;
	if (node->model->primary_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key, so its rows have no cursor",
						model_name(node->relid)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(node->relid))));
	/* a row may be reached more than once: then the table between tells which is meant */
	if (node->via != NULL && node->via->primary_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\", over which relation \"%s\" leads, has no primary key, so its rows have no cursor",
						model_name(node->via->relid), node->relation->name),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(node->via->relid))));
	query_complete_order(node);
	if (after != NULL)
	{
		JsonPathFrame frame = {path, "after", 0};

		parse_cursor(cxt, node, after, &frame);
	}
	if (before != NULL)
	{
		JsonPathFrame frame = {path, "before", 0};

		parse_cursor(cxt, node, before, &frame);
	}
}

/*
 * The tree that a document describes, in the current memory context; shape is
 * what query_shape made of it.  Raises an error that names its path in the
 * document for anything that is not known or does not fit.
 */
QueryTree *
query_from_document(Oid model, Jsonb *document, const QueryShape *shape)
{
	QueryTree  *tree = palloc0(sizeof(QueryTree));
	QueryContext cxt = {tree, NULL, 0, NULL};
	JsonbValue	root;
	List	   *members;
	JsonMember *key_case;

	tree->shareable = true;
	query_set_leaves(&cxt, shape->leaves, shape->nleaves);
	tree->root = query_make_node(model, NULL);
	json_root_value(document, &root);
	members = json_members_of(&root);
	check_keys(members, IN_ROOT, NULL);
	key_case = find_member(members, "key_case");
	if (key_case != NULL)
	{
		JsonPathFrame frame = {NULL, "key_case", 0};

		tree->camel = query_choice(key_case, &frame, "snake", "camel");
	}
	parse_query(&cxt, tree->root, members, IN_ROOT, NULL);
	return tree;
}

/*
 * Add what a scope says to a node.  Raises an error that names its path in
 * the scope for anything that is not known or does not fit the model.
 */
void
query_apply_scope(QueryNode *node, Jsonb *scope)
{
	JsonPathFrame top = {NULL, "scope", 0};
	JsonbValue	root;
	List	   *members;
	ListCell   *lc;

	check_stack_depth();
	json_root_value(scope, &root);
	if (!JSON_IS_OBJECT(&root))
		query_document_error(&top, "an object", &root);
	members = json_members_of(&root);
	check_keys(members, IN_SCOPE, &top);
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {&top, member->key, 0};

		if (strcmp(member->key, "where") == 0)
		{
			query_scope_value(&member->value, &frame);
			query_parse_where(NULL, node, member, &frame);
		}
		else if (strcmp(member->key, "order") == 0)
			query_parse_order(node, member, &frame);
		else
			node->limit = parse_limit(NULL, member, &frame);
	}
}

/* See query_doc.h. */
void
query_check_scope(Oid model, Oid via, Jsonb *scope)
{
	QueryNode	node = {0};

	node.relid = model;
	node.model = catalog_get_model(model);
	if (OidIsValid(via))
		node.via = catalog_get_model(via);
	query_apply_scope(&node, scope);
}

/* Does the scope have a member of that name? */
bool
query_scope_has(Jsonb *scope, const char *key)
{
	if (scope == NULL || !JB_ROOT_IS_OBJECT(scope))
		return false;
	return getKeyJsonValueFromContainer(&scope->root, key, strlen(key), NULL) != NULL;
}

/* The member "types" of a scope, NULL when it has none. */
static JsonbValue *
types_of_scope(Jsonb *scope)
{
	if (!JB_ROOT_IS_OBJECT(scope))
		return NULL;
	return getKeyJsonValueFromContainer(&scope->root, "types", strlen("types"), NULL);
}

/* See query_doc.h; palloc'd, or the scope itself. */
Jsonb *
query_scope_of_type(Jsonb *scope, const char *type)
{
	JsonbValue *types = types_of_scope(scope);
	JsonbValue *own = NULL;

	if (types == NULL)
		return scope;
	if (type != NULL && JSON_IS_OBJECT(types))
		own = json_member(types, type);
	if (own != NULL)
		return JsonbValueToJsonb(own);
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(scope),
											  CStringGetTextDatum("types")));
}

/* See query_doc.h. */
bool
query_scope_has_type(Jsonb *scope, const char *type)
{
	JsonbValue *types = types_of_scope(scope);

	return types != NULL && JSON_IS_OBJECT(types) &&
		json_member(types, type) != NULL;
}

/*
 * Raises an error that names its path when "types" of a scope names what is
 * none of the types, a list of strings, or is no object.
 */
void
query_check_scope_types(Jsonb *scope, List *types)
{
	JsonPathFrame top = {NULL, "scope", 0};
	JsonPathFrame frame = {&top, "types", 0};
	JsonbValue *value = types_of_scope(scope);
	ListCell   *lc;

	if (value == NULL)
		return;
	if (!JSON_IS_OBJECT(value))
		query_document_error(&frame, "an object of types and their scopes", value);
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);

		if (!list_has_name(types, member->key))
			query_unknown_key(&frame, member->key, "the types", types);
	}
}
