/*
 * factory_options.c
 *	  The options of factory_create and factory_make -> a tree of levels.
 */
#include "relations.h"

#include "common/pg_prng.h"
#include "miscadmin.h"

#include "factory.h"
#include "query_json.h"

/* what a level may say, and what only the call, or only a relation may */
static const char *const level_keys[] = {"with", "state", "merge", "merge_recursive", "recycle"};
static const char *const call_keys[] = {"seed"};
static const char *const relation_keys[] = {"count", "pivot", "type"};

static void parse_with(FactoryRun *run, FactoryNode *node, const JsonMember *member,
					   const JsonPathFrame *path);

/* A level without options, in the run's memory context; it is not yet put below outer. */
FactoryNode *
factory_node_make(FactoryRun *run, FactoryNode *outer, NodeRole role, Oid relid, const char *name)
{
	FactoryNode *node = MemoryContextAllocZero(run->context, sizeof(FactoryNode));

	check_stack_depth();
	node->outer = outer;
	node->role = role;
	node->model = write_run_model(run->write, relid);
	node->least = node->most = 1;
	if (outer != NULL)
	{
		node->path = MemoryContextStrdup(run->context, outer->path[0] == '\0' ? name
										 : psprintf("%s.%s", outer->path, name));
		node->inherited = outer->inherited;
		node->recycle = outer->recycle;
	}
	else
		node->path = MemoryContextStrdup(run->context, "");
	node->salt = draw_salt(0, node->path);
	return node;
}

static List *
keys_of(bool call)
{
	List	   *result = NIL;

	for (int i = 0; i < (int) lengthof(level_keys); i++)
		result = lappend(result, unconstify(char *, level_keys[i]));
	for (int i = 0; call && i < (int) lengthof(call_keys); i++)
		result = lappend(result, unconstify(char *, call_keys[i]));
	for (int i = 0; !call && i < (int) lengthof(relation_keys); i++)
		result = lappend(result, unconstify(char *, relation_keys[i]));
	return result;
}

/* A name, or a list of names. */
static List *
parse_states(const JsonMember *member, const JsonPathFrame *path)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!JSON_IS_ARRAY(&member->value))
		return list_make1(query_string(member, path, "the name of a state, or an array of names"));
	foreach(lc, json_elements_of(&member->value))
	{
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), NULL, foreach_current_index(lc)};

		result = lappend(result, query_string(lfirst(lc), &frame, "the name of a state"));
	}
	return result;
}

/* An object, or where it is allowed an array of objects. */
static JsonbValue *
parse_merge(FactoryRun *run, const JsonMember *member, const JsonPathFrame *path, bool array)
{
	JsonbValue *result = MemoryContextAlloc(run->context, sizeof(JsonbValue));
	ListCell   *lc;

	*result = member->value;
	if (JSON_IS_OBJECT(result))
		return result;
	if (!array || !JSON_IS_ARRAY(result))
		query_document_error(path, array ? "an object, or an array of objects" : "an object", result);
	foreach(lc, json_elements_of(result))
	{
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), NULL, foreach_current_index(lc)};
		JsonMember *element = lfirst(lc);

		if (!JSON_IS_OBJECT(&element->value))
			query_document_error(&frame, "an object", &element->value);
	}
	return result;
}

/* 5, or [0, 5] */
static void
parse_count(FactoryNode *node, const JsonMember *member, const JsonPathFrame *path)
{
	List	   *ends;

	if (JSON_IS_ARRAY(&member->value))
	{
		ends = json_elements_of(&member->value);
		if (list_length(ends) != 2)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must be a number, or an array of two", json_path_string(path))));
		node->least = query_count_value(&((JsonMember *) linitial(ends))->value, path);
		node->most = query_count_value(&((JsonMember *) lsecond(ends))->value, path);
	}
	else
		node->least = node->most = query_count_value(&member->value, path);
	if (node->least > node->most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" begins behind its end", json_path_string(path))));
	if (node->most > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" is more than %d", json_path_string(path), PG_INT32_MAX)));
	if (node->relation != NULL && RELATION_IS_TO_ONE(node->relation->kind) && node->most > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("relation \"%s\" of model \"%s\" leads to one row, not to " INT64_FORMAT,
						node->relation->name, model_name(node->relation->model), node->most),
				 errcontext("factory options at \"%s\"", json_path_string(path)),
				 errhint("Leave \"count\" out, or say [0, 1] for some rows with one and some without.")));
}

/* {"type": "post"}, of a morph_to */
static void
parse_type(FactoryRun *run, FactoryNode *node, const JsonMember *member, const JsonPathFrame *path)
{
	char	   *type = query_string(member, path, "one of the types");
	List	   *names = NIL;
	ListCell   *lc;

	if (node->relation->kind != RELATION_MORPH_TO)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\": relation \"%s\" leads to rows of one table", json_path_string(path),
						node->relation->name),
				 errhint("\"type\" is for a morph_to.")));
	foreach(lc, node->relation->branches)
	{
		RelationDesc *branch = lfirst(lc);

		names = lappend(names, branch->morph_type);
		if (strcmp(branch->morph_type, type) == 0)
		{
			node->branch = branch;
			node->model = write_run_model(run->write, branch->related);
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" names no type of relation \"%s\" of model \"%s\": %s", json_path_string(path),
					node->relation->name, model_name(node->relation->model), type),
			 errhint("The types are: %s.", format_column_list(names))));
}

/* What a level says besides which relation it is. */
static void
parse_members(FactoryRun *run, FactoryNode *node, const JsonbValue *object, const JsonPathFrame *path)
{
	List	   *members = json_members_of(object);
	const JsonMember *with = NULL;
	bool		recycles = false;
	ListCell   *lc;

	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), member->key, 0};
		const char *key = member->key;

		if (strcmp(key, "with") == 0)
			with = member;
		else if (strcmp(key, "state") == 0)
			node->states = parse_states(member, &frame);
		else if (strcmp(key, "merge") == 0)
			node->merge = parse_merge(run, member, &frame, true);
		else if (strcmp(key, "merge_recursive") == 0)
			node->inherited = lappend(list_copy(node->inherited), parse_merge(run, member, &frame, false));
		else if (strcmp(key, "recycle") == 0)
		{
			node->recycle = query_boolean(member, &frame);
			recycles = node->recycle;
		}
		else if (strcmp(key, "seed") == 0 && node->role == NODE_ROOT)
			run->seed = (uint64) query_count_value(&member->value, &frame);
		else if (strcmp(key, "count") == 0 && node->role != NODE_ROOT)
			parse_count(node, member, &frame);
		else if (strcmp(key, "type") == 0 && node->role != NODE_ROOT)
			parse_type(run, node, member, &frame);
		else if (strcmp(key, "pivot") == 0 && node->role != NODE_ROOT)
		{
			if (node->pivot == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\": relation \"%s\" has no pivot", json_path_string(&frame),
								node->relation->name)));
			node->pivot->merge = parse_merge(run, member, &frame, true);
		}
		else
			query_unknown_key(path, key, node->role == NODE_ROOT ? "the options" : "a relation's options",
							  keys_of(node->role == NODE_ROOT));
	}
	/* what refers to existing rows, or is joined to them */
	if (node->role == NODE_PARENT)
		node->recycle_rows = node->recycle && with == NULL;
	else if (node->pivot != NULL)
		node->recycle_rows = recycles;
	if (recycles && with != NULL && (node->role == NODE_PARENT || node->pivot != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\": rows that are there get nothing new", json_path_string(path)),
				 errhint("Give \"recycle\" or \"with\", not both.")));
	if (with != NULL)
	{
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), "with", 0};

		parse_with(run, node, with, &frame);
	}
}

static void
options_error_context(void *arg)
{
	errcontext("factory options at \"%s\"", json_path_string(arg));
}

/* Raises feature_not_supported for a relation through another model. */
static void
refuse_through(RelationDesc *relation, const JsonPathFrame *path)
{
	if (!RELATION_IS_THROUGH(relation->kind))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a factory cannot make rows through relation \"%s\" of model \"%s\": it is a %s",
					relation->name, model_name(relation->model), relation_kind_name(relation->kind)),
			 errcontext("factory options at \"%s\"", json_path_string(path)),
			 errhint("Name the relation to \"%s\", and under it the one that leads on: {\"with\": {\"...\": {\"with\": [\"...\"]}}}.",
					 model_name(relation->via))));
}

/* A level for a relation of the level's model. */
static FactoryNode *
add_relation(FactoryRun *run, FactoryNode *outer, const char *name, const JsonPathFrame *path)
{
	WriteMember *member = write_model_member(outer->model, name);
	bool		parent;
	RelationDesc *relation;
	FactoryNode *node;
	MemoryContext old;

	if (member == NULL || member->relation == NULL)
	{
		ErrorContextCallback callback = {error_context_stack, options_error_context,
		unconstify(JsonPathFrame *, path)};

		error_context_stack = &callback;
		undefined_relation(outer->model->relid, name);
	}
	relation = member->relation;
	refuse_through(relation, path);
	parent = RELATION_REFERS(relation->kind);
	node = factory_node_make(run, outer, parent ? NODE_PARENT : NODE_CHILD,
							 relation->kind == RELATION_MORPH_TO
							 ? ((RelationDesc *) linitial(relation->branches))->related
							 : relation->related, name);
	node->named = true;
	node->relation = relation;
	node->branch = relation->kind == RELATION_MORPH_TO ? linitial(relation->branches) : relation;
	if (RELATION_HAS_PIVOT(relation->kind))
	{
		node->pivot = factory_node_make(run, node, NODE_PIVOT, relation->via, "pivot");
		node->pivot->named = relation->pivot_columns != NIL;
	}
	node->recycle_rows = parent && node->recycle;
	old = MemoryContextSwitchTo(run->context);
	if (parent)
		outer->parents = lappend(outer->parents, node);
	else
		outer->children = lappend(outer->children, node);
	MemoryContextSwitchTo(old);
	return node;
}

/* The level that is there for a relation, or NULL. */
static FactoryNode *
find_relation(FactoryNode *outer, const char *name)
{
	ListCell   *lc;

	foreach(lc, outer->parents)
	{
		FactoryNode *node = lfirst(lc);

		if (node->named && strcmp(node->relation->name, name) == 0)
			return node;
	}
	foreach(lc, outer->children)
	{
		FactoryNode *node = lfirst(lc);

		if (strcmp(node->relation->name, name) == 0)
			return node;
	}
	return NULL;
}

/* The level that a path such as "posts.comments" leads to; what is missing is made. */
static FactoryNode *
descend(FactoryRun *run, FactoryNode *outer, const char *path_text, const JsonPathFrame *path)
{
	WriteMember *whole = write_model_member(outer->model, path_text);
	char	   *rest = pstrdup(path_text);
	char	   *name;

	if (whole != NULL && whole->relation != NULL)
	{
		FactoryNode *node = find_relation(outer, path_text);

		return node != NULL ? node : add_relation(run, outer, path_text, path);
	}
	while ((name = strsep(&rest, ".")) != NULL)
	{
		FactoryNode *node = find_relation(outer, name);

		outer = node != NULL ? node : add_relation(run, outer, name, path);
	}
	return outer;
}

/* What is said of one relation: true, a number of rows, or an object. */
static void
parse_relation(FactoryRun *run, FactoryNode *outer, const JsonMember *member, const JsonPathFrame *path)
{
	FactoryNode *node;

	check_stack_depth();
	if (member->value.type == jbvBool && !member->value.val.boolean)
		return;
	node = descend(run, outer, member->key, path);
	if (member->value.type == jbvNumeric ||
		(JSON_IS_ARRAY(&member->value) && list_length(json_elements_of(&member->value)) == 2 &&
		 ((JsonMember *) linitial(json_elements_of(&member->value)))->value.type == jbvNumeric))
		parse_count(node, member, path);
	else if (JSON_IS_OBJECT(&member->value))
		parse_members(run, node, &member->value, path);
	else if (member->value.type != jbvBool)
		query_document_error(path, "true, a number of rows, or an object", &member->value);
}

/* A list of relations, or an object of what is said of each. */
static void
parse_with(FactoryRun *run, FactoryNode *node, const JsonMember *member, const JsonPathFrame *path)
{
	ListCell   *lc;
	ListCell   *m;

	check_stack_depth();
	if (member->value.type == jbvString)
	{
		(void) descend(run, node, query_string(member, path, "a relation"), path);
		return;
	}
	if (JSON_IS_OBJECT(&member->value))
	{
		foreach(m, json_members_of(&member->value))
		{
			JsonPathFrame frame = {unconstify(JsonPathFrame *, path), ((JsonMember *) lfirst(m))->key, 0};

			parse_relation(run, node, lfirst(m), &frame);
		}
		return;
	}
	if (!JSON_IS_ARRAY(&member->value))
		query_document_error(path, "an array of relations, or an object", &member->value);
	foreach(lc, json_elements_of(&member->value))
	{
		JsonMember *element = lfirst(lc);
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), NULL, foreach_current_index(lc)};

		if (JSON_IS_OBJECT(&element->value))
		{
			foreach(m, json_members_of(&element->value))
			{
				JsonPathFrame inner = {&frame, ((JsonMember *) lfirst(m))->key, 0};

				parse_relation(run, node, lfirst(m), &inner);
			}
		}
		else
			(void) descend(run, node, query_string(element, &frame, "a relation"), &frame);
	}
}

/*
 * Turn the options of a call into its tree of levels, run->root, and
 * run->seed.  Raises invalid_parameter_value and the like, with the path of
 * what is wrong.
 */
void
factory_parse_options(FactoryRun *run, Oid model, int64 count, Jsonb *options)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	JsonbValue	value;

	run->seed = pg_prng_uint64(&pg_global_prng_state);
	run->root = factory_node_make(run, NULL, NODE_ROOT, model, NULL);
	run->root->named = true;
	run->root->least = run->root->most = count;
	if (options != NULL)
	{
		json_root_value(options, &value);
		if (!JSON_IS_OBJECT(&value))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must be an object", "options")));
		parse_members(run, run->root, &value, NULL);
	}
	MemoryContextSwitchTo(old);
}
