/*
 * factory_prepare.c
 *	  For each column of each level of a factory: where its values come from.
 *
 * What says it, from the strongest on: the relation that wires it, what the
 * call merges, the relation's scope, the states (later ones first), what is
 * merged recursively, the model's factory, the server's own default, and else the type, the name and
 * the constraints of the column.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "constraint.h"
#include "factory.h"
#include "query_shape.h"
#include "table_lock.h"

/* ---------------------------------------------------------------------
 * What is said of columns
 * ---------------------------------------------------------------------
 */

/* The column that a key of merged values names.  Raises what is wrong with it. */
static int
merged_column(FactoryNode *node, const JsonMember *member, const JsonPathFrame *path)
{
	WriteModel *model = node->model;
	WriteMember *known = write_model_member(model, member->key);
	List	   *names = NIL;
	const char *near;

	if (known != NULL && known->column >= 0)
	{
		if (model->columns[known->column].generated)
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("\"%s\": column \"%s\" of model \"%s\" is always generated", json_path_string(path),
							member->key, model_name(model->relid))));
		return known->column;
	}
	for (int i = 0; i < model->ncolumns; i++)
	{
		if (model->columns[i].name != NULL)
			names = lappend(names, model->columns[i].name);
	}
	near = closest_name(member->key, names);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("\"%s\": column \"%s\" of model \"%s\" does not exist", json_path_string(path),
					member->key, model_name(model->relid)),
			 known != NULL ? errhint("\"%s\" is a relation: say what its rows are like under \"with\".", member->key)
			 : near != NULL ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

static JsonPathFrame *
path_of(FactoryNode *node, const char *key)
{
	JsonPathFrame *frame = palloc0(sizeof(JsonPathFrame));

	/* what a pivot's columns are is said under its own name */
	if (node->role == NODE_PIVOT && strcmp(key, "merge") == 0)
		frame->key = node->path;
	else
		frame->key = node->path[0] == '\0' ? key : psprintf("%s.%s", node->path, key);
	return frame;
}

/* One object for all rows: its values as they are. */
static void
merge_object(FactoryNode *node, const JsonbValue *object, const JsonPathFrame *path, bool lenient)
{
	ListCell   *lc;

	foreach(lc, json_members_of(object))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), member->key, 0};
		WriteMember *known = write_model_member(node->model, member->key);
		WriteColumn *column;
		FactoryFill *fill;
		int			index;

		if (lenient && (known == NULL || known->column < 0 || node->model->columns[known->column].generated ||
						node->fills[known->column].wired))
			continue;
		index = merged_column(node, member, &frame);
		column = &node->model->columns[index];
		fill = &node->fills[index];
		if (fill->wired)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" contradicts the row that \"%s\" refers to", json_path_string(&frame), member->key),
					 errhint("Leave it out: the key is wired.")));
		memset(fill, 0, sizeof(FactoryFill));
		fill->kind = FILL_RULE;
		fill->decided = true;
		fill->rule = value_rule_constant(column->type, column->typmod, &member->value, &frame);
	}
}

/* An array of objects: values of single rows. */
static void
merge_array(FactoryNode *node, const JsonbValue *array, const JsonPathFrame *path)
{
	List	   *elements = json_elements_of(array);
	int			n = list_length(elements);
	ListCell   *lc;
	ListCell   *m;

	foreach(lc, elements)
	{
		int			slot = foreach_current_index(lc);
		JsonPathFrame outer = {unconstify(JsonPathFrame *, path), NULL, slot};

		foreach(m, json_members_of(&((JsonMember *) lfirst(lc))->value))
		{
			JsonMember *member = lfirst(m);
			JsonPathFrame frame = {&outer, member->key, 0};
			int			index = merged_column(node, member, &frame);
			WriteColumn *column = &node->model->columns[index];
			FactoryFill *fill = &node->fills[index];
			ValueRule  *rule;

			if (fill->wired)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\" contradicts the row that \"%s\" refers to", json_path_string(&frame), member->key),
						 errhint("Leave it out: the key is wired.")));
			if (fill->nmerged == 0)
			{
				fill->nmerged = n;
				fill->merged = palloc0(sizeof(Datum) * n);
				fill->merged_null = palloc0(sizeof(bool) * n);
				fill->merged_set = palloc0(sizeof(bool) * n);
			}
			rule = value_rule_constant(column->type, column->typmod, &member->value, &frame);
			fill->merged[slot] = rule->values[0];
			fill->merged_null[slot] = rule->nulls[0];
			fill->merged_set[slot] = true;
		}
	}
}

/* What a factory or a state says; columns that relations wire are theirs. */
static void
apply_definition(FactoryNode *node, Jsonb *definition, const char *source)
{
	JsonbValue	root;
	ListCell   *lc;

	json_root_value(definition, &root);
	foreach(lc, json_members_of(&root))
	{
		JsonMember *member = lfirst(lc);
		WriteMember *known = write_model_member(node->model, member->key);
		FactoryFill *fill;
		JsonbValue	argument;
		char	   *generator;

		/* a column that has become another is not the factory's any more */
		if (known == NULL || known->column < 0 || node->model->columns[known->column].generated ||
			node->fills[known->column].wired)
			continue;
		fill = &node->fills[known->column];
		memset(fill, 0, sizeof(FactoryFill));
		fill->decided = true;
		fill->kind = FILL_RULE;
		fill->source = member;
		fill->source_of = source;
		if (value_is_generator(&member->value, &generator, &argument) && strcmp(generator, "sql") == 0)
		{
			fill->kind = FILL_SQL;
			fill->sql = pnstrdup(argument.val.string.val, argument.val.string.len);
		}
	}
}

static void
apply_states(FactoryNode *node)
{
	Oid			relid = node->model->relid;
	ListCell   *lc;

	foreach(lc, node->states)
	{
		const char *name = lfirst(lc);
		Jsonb	   *definition = factory_state(relid, name);

		if (definition == NULL)
		{
			const char *near = closest_name(name, factory_states(relid));

			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the factory of \"%s\" has no state \"%s\"", model_name(relid), name),
					 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
					 : errhint("Define it: SELECT relations.define_state(%s, %s, '{...}');",
							   quote_literal_cstr(get_rel_name(relid)), quote_literal_cstr(name))));
		}
		apply_definition(node, definition, name);
	}
}

/*
 * Rows that are made through a relation are such as its scope lets through,
 * where that compares columns with single values.
 */
static void
apply_scope(FactoryNode *node)
{
	RelationDesc *relation = node->role == NODE_PIVOT ? node->outer->relation : node->relation;
	JsonbValue	root;
	JsonbValue *where;
	ListCell   *lc;

	if (relation == NULL || relation->scope == NULL)
		return;
	json_root_value(relation->scope, &root);
	where = json_member(&root, "where");
	if (where != NULL && node->role == NODE_PIVOT)
		where = JSON_IS_OBJECT(where) ? json_member(where, "pivot") : NULL;
	if (where == NULL || !JSON_IS_OBJECT(where))
		return;
	foreach(lc, json_members_of(where))
	{
		JsonMember *member = lfirst(lc);
		WriteMember *known = write_model_member(node->model, member->key);
		JsonPathFrame path = {NULL, member->key, 0};
		FactoryFill *fill;
		WriteColumn *column;

		if (known == NULL || known->column < 0 || member->value.type == jbvBinary)
			continue;
		fill = &node->fills[known->column];
		column = &node->model->columns[known->column];
		if (fill->wired || column->generated)
			continue;
		memset(fill, 0, sizeof(FactoryFill));
		fill->kind = FILL_RULE;
		fill->decided = true;
		query_scope_value(&member->value, &path);
		fill->rule = value_rule_constant(column->type, column->typmod, &member->value, &path);
	}
}

/* ---------------------------------------------------------------------
 * What is said of none
 * ---------------------------------------------------------------------
 */

/* Does a type, or a domain below it, refuse null? */
static bool
refuses_null(Oid type)
{
	bool		result = false;

	while (!result && get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		if (!HeapTupleIsValid(tup))
			elog(ERROR, "cache lookup failed for type %u", type);
		result = ((Form_pg_type) GETSTRUCT(tup))->typnotnull;
		type = ((Form_pg_type) GETSTRUCT(tup))->typbasetype;
		ReleaseSysCache(tup);
	}
	return result;
}

/* Does a relation that leads to the model keep a count in the column? */
static bool
is_counter(Oid relid, const char *column)
{
	ListCell   *lc;

	foreach(lc, catalog_relations_to(relid))
	{
		RelationDesc *relation = lfirst(lc);

		if (relation->counter_cache != NULL && strcmp(relation->counter_cache, column) == 0)
			return true;
	}
	return false;
}

static bool
may_insert(Oid relid, int index)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, index + 1, GetUserId(), ACL_INSERT) == ACLCHECK_OK;
}

/*
 * Raises insufficient_privilege if the caller may not insert into a table of a
 * role that he does not trust.  Making rows runs code of its owner as an INSERT
 * does, also if nothing is stored: expressions of the factory, defaults, checks
 * of domains.
 */
static void
require_insert(Oid relid)
{
	if (!relation_trusted(relid, GetUserId()) &&
		pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_INSERT, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

/* Is the default of a column another in each row? */
static bool
default_varies(Relation rel, int index)
{
	Node	   *expr = build_column_default(rel, index + 1);

	return expr != NULL && contain_volatile_functions(expr);
}

/* Is there a unique index on the column alone? */
static bool
is_unique_alone(Relation rel, int index)
{
	return find_unique(RelationGetRelid(rel), list_make1(NameStr(TupleDescAttr(RelationGetDescr(rel), index)->attname))) != NULL;
}

/* Which of the columns of which nothing is said get values of their own. */
static void
choose_columns(FactoryRun *run, FactoryNode *node, Relation rel)
{
	/* what marks a row as gone is not for a row that is new */
	static const char *const gone[] = {"deletedat", "deletedon", "archivedat", "trashedat", "removedat", "bannedat",
		"cancelledat", "canceledat", "revokedat", "discardedat", NULL};
	WriteModel *model = node->model;

	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		WriteColumn *column = &model->columns[i];
		bool		nullable;

		if (column->name == NULL || fill->decided)
			continue;
		if (run->dry && factory_is_key_default(node, i))
		{
			/* as the server would number them */
			fill->kind = FILL_RULE;
			fill->numbered = true;
			continue;
		}
		if (column->generated)
			continue;
		nullable = !TupleDescAttr(RelationGetDescr(rel), i)->attnotnull && !refuses_null(column->type);
		if (factory_has_default(node, i) && (default_varies(rel, i) || !is_unique_alone(rel, i)))
			continue;
		if (!run->dry && !may_insert(model->relid, i))
			continue;
		if (nullable && fake_name_ends_with(column->name, gone))
			continue;
		if (is_counter(model->relid, column->name))
		{
			JsonbValue	zero;

			zero.type = jbvNumeric;
			zero.val.numeric = DatumGetNumeric(DirectFunctionCall1(int4_numeric, Int32GetDatum(0)));
			fill->kind = FILL_RULE;
			fill->rule = value_rule_constant(column->type, column->typmod, &zero, path_of(node, column->name));
			continue;
		}
		fill->kind = FILL_RULE;
	}
}

/* Can the values of a column be made so that no two are the same? */
static bool
can_number(FactoryFill *fill)
{
	JsonbValue	argument;
	char	   *generator;

	if (fill->kind != FILL_RULE || fill->rule != NULL)
		return false;
	return fill->source == NULL || (value_is_generator(&fill->source->value, &generator, &argument) &&
									strcmp(generator, "value") != 0);
}

static bool
is_sequence(FactoryFill *fill)
{
	JsonbValue	argument;
	char	   *generator;

	return fill->source != NULL && value_is_generator(&fill->source->value, &generator, &argument) &&
		strcmp(generator, "sequence") == 0;
}

/* Does the key that a column takes differ in all rows? */
static bool
is_own_key(FactoryNode *node, FactoryFill *fill)
{
	if (fill->kind != FILL_KEY ||
		find_unique(fill->from->model->relid, list_make1(unconstify(char *, fill->from_column))) == NULL)
		return false;
	if (fill->places == &node->owner)
		return node->most <= 1;
	return !fill->from->recycle_rows && fill->from->role == NODE_PARENT;
}

/* How many different values has a column room for?  0: few, 1: some, 2: enough. */
static int
room_of(WriteColumn *column, FactoryFill *fill)
{
	JsonbValue	argument;
	char	   *generator;

	if (fill->source != NULL && value_is_generator(&fill->source->value, &generator, &argument) &&
		strcmp(generator, "one_of") == 0)
		return 0;
	if (column->base == BOOLOID || column->base == CHAROID || type_is_enum(column->base))
		return 0;
	if ((column->base == VARCHAROID || column->base == BPCHAROID) &&
		column->typmod >= (int32) VARHDRSZ && column->typmod <= (int32) VARHDRSZ + 4)
		return 1;
	return 2;
}

/*
 * One column of a unique index carries the number of the row: the last of
 * those that have the most room.
 */
static void
number_index(FactoryNode *node, Relation index)
{
	Form_pg_index form = index->rd_index;
	Bitmapset  *columns = NULL;
	int			chosen = -1;
	int			room = 0;
	int			next = -1;
	List	   *owner_key = NIL;
	FactoryNode *owner = NULL;

	if (!form->indisunique && !form->indisexclusion)
		return;
	pull_varattnos((Node *) RelationGetIndexExpressions(index), 1, &columns);
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] > 0)
			columns = bms_add_member(columns, form->indkey.values[i] - FirstLowInvalidHeapAttributeNumber);
	}
	while ((next = bms_next_member(columns, next)) >= 0)
	{
		int			i = next + FirstLowInvalidHeapAttributeNumber - 1;
		FactoryFill *fill;

		if (i < 0)
			continue;
		fill = &node->fills[i];
		if (fill->numbered || is_sequence(fill) || is_own_key(node, fill))
			return;
		if (can_number(fill) && room_of(&node->model->columns[i], fill) >= room)
		{
			chosen = i;
			room = room_of(&node->model->columns[i], fill);
		}
		if (fill->kind == FILL_KEY &&
			fill->places == (node->role == NODE_PIVOT ? &node->outer->owner : &node->owner))
		{
			owner = fill->from;
			owner_key = lappend(owner_key, unconstify(char *, fill->from_column));
		}
	}
	if (chosen >= 0)
	{
		node->fills[chosen].numbered = true;
		/* where the owner is a part of the key, its own rows are counted */
		node->fills[chosen].by_slot = owner != NULL && find_unique(owner->model->relid, owner_key) != NULL;
	}
}

/* Single columns first: what they number serves the others. */
static void
number_columns(FactoryNode *node, Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	for (int pass = 0; pass < 2; pass++)
	{
		foreach(lc, indexes)
		{
			Relation	index = peek_table(lfirst_oid(lc));

			if ((index->rd_index->indnkeyatts == 1) == (pass == 0))
				number_index(node, index);
			RelationClose(index);
		}
	}
}

static void
no_rule_error(FactoryNode *node, int index)
{
	WriteColumn *column = &node->model->columns[index];
	Oid			relid = node->model->relid;

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("no rule makes values of type %s for column \"%s\" of \"%s\"",
					format_type_with_typemod(column->type, column->typmod), column->name, model_name(relid)),
			 node->fills[index].numbered ? errdetail("They must differ from row to row.") : 0,
			 errhint("Say how: SELECT relations.define_factory(%s, '{\"%s\": {\"sql\": \"...\"}}');",
					 quote_literal_cstr(get_rel_name(relid)), column->name)));
}

/* The rule of a column that a factory, or nobody, says something of. */
static void
make_rule(FactoryRun *run, FactoryNode *node, Relation rel, int index)
{
	FactoryFill *fill = &node->fills[index];
	WriteColumn *column = &node->model->columns[index];
	const char *table = get_rel_name(node->model->relid);
	JsonbValue	argument;
	char	   *generator;
	ValueBounds bounds;

	if (fill->source != NULL)
	{
		JsonPathFrame path = {NULL, fill->source->key, 0};

		if (value_is_generator(&fill->source->value, &generator, &argument))
			fill->rule = value_rule_generator(column->type, column->typmod, generator, &argument,
											  fill->numbered, &path);
		else
			fill->rule = value_rule_constant(column->type, column->typmod, &fill->source->value, &path);
		return;
	}
	value_bounds_init(&bounds);
	value_bounds_of_column(node->model->relid, index + 1, &bounds);
	fill->rule = value_rule_of_type(column->type, column->typmod, column->name, table, &bounds, fill->numbered);
	if (fill->rule != NULL)
		return;
	if (run->dry && factory_has_default(node, index))
		fill->kind = FILL_NONE;
	else if (TupleDescAttr(RelationGetDescr(rel), index)->attnotnull || refuses_null(column->type))
		no_rule_error(node, index);
	else
		fill->kind = FILL_NONE;
}

/*
 * Name, email and user name of one row are those of one person; a second
 * column of the same kind is somebody else's.
 */
static void
share_person(FactoryNode *node)
{
	List	   *seen = NIL;

	for (int i = 0; i < node->model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		const Fake *fake = fill->kind == FILL_RULE && fill->rule->fake != NULL ? fill->rule->fake : NULL;

		if (fake == NULL || !fake->person || list_member_ptr(seen, fake))
			continue;
		seen = lappend(seen, unconstify(Fake *, fake));
		fill->salt = draw_salt(node->salt, "(person)");
	}
}

/* ---------------------------------------------------------------------
 * A level
 * ---------------------------------------------------------------------
 */

static void
merge_all(FactoryNode *node)
{
	ListCell   *lc;

	foreach(lc, node->inherited)
		merge_object(node, lfirst(lc), path_of(node, "merge_recursive"), true);
	apply_states(node);
	apply_scope(node);
	if (node->merge == NULL)
		return;
	if (JSON_IS_ARRAY(node->merge))
		merge_array(node, node->merge, path_of(node, "merge"));
	else
		merge_object(node, node->merge, path_of(node, "merge"), false);
}

/*
 * Decide for a level, and those that it needs or nests, where the values of
 * each column come from.  Raises feature_not_supported for a column that must
 * have a value and that no rule can fill, undefined_object for a state that
 * is not there, undefined_column, insufficient_privilege, and what types raise
 * for bad values.
 */
void
factory_prepare(FactoryRun *run, FactoryNode *node)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	WriteModel *model = node->model;
	Relation	rel;
	Jsonb	   *definition;
	ListCell   *lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	require_insert(model->relid);
	if (node->fills == NULL)
		node->fills = palloc0(sizeof(FactoryFill) * Max(model->ncolumns, 1));
	factory_wire(run, node);
	definition = factory_definition(model->relid);
	if (definition != NULL)
		apply_definition(node, definition, "factory");
	merge_all(node);
	factory_require_parents(run, node);

	rel = peek_table(model->relid);
	choose_columns(run, node, rel);
	number_columns(node, rel);
	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (model->columns[i].name == NULL)
			continue;
		fill->salt = draw_salt(node->salt, model->columns[i].name);
		if (fill->kind == FILL_RULE && fill->rule == NULL)
			make_rule(run, node, rel, i);
	}
	RelationClose(rel);
	share_person(node);

	foreach(lc, node->parents)
	{
		FactoryNode *parent = lfirst(lc);

		if (parent->named && !parent->recycle_rows)
			factory_prepare(run, parent);
	}
	foreach(lc, node->children)
	{
		FactoryNode *child = lfirst(lc);

		/* what exists needs no values; it is told of later if it does not */
		if (!child->recycle_rows)
			factory_prepare(run, child);
		if (child->pivot != NULL)
			factory_prepare(run, child->pivot);
	}
	MemoryContextSwitchTo(old);
}
