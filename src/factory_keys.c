/*
 * factory_keys.c
 *	  How the levels of a factory are joined: which columns take the keys of
 *	  which rows, and which rows there must be besides.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "constraint.h"
#include "factory.h"
#include "table_lock.h"

/* Columns of a model that refer to rows of another. */
typedef struct Reference
{
	List	   *columns;
	Oid			related;
	List	   *other_columns;
} Reference;

/* The values of a column are wanted of the rows of a level. */
void
factory_want(FactoryNode *node, const char *column)
{
	if (!list_has_name(node->wanted, column))
		node->wanted = lappend(node->wanted, pstrdup(column));
}

/* A column of a level takes that of the rows of another that places say. */
void
factory_set_key(FactoryRun *run, FactoryNode *node, const char *column, FactoryNode *from,
				const char *from_column, int64 **places)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	FactoryFill *fill = &node->fills[write_model_column(node->model, column)];

	/* two relations may share a column of their keys: the first says it */
	if (!fill->wired)
	{
		fill->kind = FILL_KEY;
		fill->wired = fill->decided = true;
		fill->from = from;
		fill->from_column = pstrdup(from_column);
		fill->places = places;
		factory_want(from, from_column);
	}
	MemoryContextSwitchTo(old);
}

/* A column of a level holds the type of a polymorphic reference. */
static void
set_type(FactoryRun *run, FactoryNode *node, RelationDesc *relation, int64 **places)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	int			index = write_model_column(node->model, relation->morph_type_column);
	FactoryFill *fill = &node->fills[index];
	WriteColumn *column = &node->model->columns[index];
	JsonbValue	type;

	type.type = jbvString;
	type.val.string.val = relation->morph_type;
	type.val.string.len = (int) strlen(relation->morph_type);
	fill->kind = FILL_RULE;
	fill->wired = fill->decided = true;
	fill->rule = value_rule_constant(column->type, column->typmod, &type, NULL);
	fill->places = places;
	MemoryContextSwitchTo(old);
}

/* Columns of a level refer to rows of another, by a type and a key if morph. */
static void
refer(FactoryRun *run, FactoryNode *node, List *columns, RelationDesc *morph, FactoryNode *from,
	  List *from_columns, int64 **places)
{
	ListCell   *c;
	ListCell   *f;

	if (morph != NULL)
	{
		set_type(run, node, morph, places);
		columns = morph->morph_id_columns;
	}
	forboth(c, columns, f, from_columns)
		factory_set_key(run, node, lfirst(c), from, lfirst(f), places);
}

/* Raises invalid_parameter_value for a parent whose key another relation says. */
static void
check_free(FactoryNode *node, FactoryNode *parent)
{
	List	   *columns = parent->relation->kind == RELATION_MORPH_TO ? parent->branch->morph_id_columns
		: parent->branch->own_columns;
	ListCell   *lc;

	foreach(lc, columns)
	{
		FactoryFill *fill = &node->fills[write_model_column(node->model, lfirst(lc))];

		if (fill->kind == FILL_KEY && fill->from != parent)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" would make rows that column \"%s\" does not refer to", parent->path, (char *) lfirst(lc)),
					 errdetail("It refers to the row of \"%s\" %s.", model_name(fill->from->model->relid),
							   fill->from == node->outer ? "under which it is made" : "that another relation leads to"),
					 errhint("Leave relation \"%s\" out.", parent->relation->name)));
	}
}

/*
 * Wire the columns of a level that its own place among the levels decides, and
 * those that refer to the parents that were asked for.
 */
void
factory_wire(FactoryRun *run, FactoryNode *node)
{
	RelationDesc *relation = node->relation;
	ListCell   *lc;

	if (node->role == NODE_CHILD && node->pivot == NULL)
		refer(run, node, relation->other_columns, relation->morph != NULL ? relation : NULL,
			  node->outer, relation->own_columns, &node->owner);
	else if (node->role == NODE_PIVOT)
	{
		FactoryNode *child = node->outer;

		relation = child->relation;
		refer(run, node, relation->via_own_columns,
			  relation->kind == RELATION_MORPH_TO_MANY ? relation : NULL,
			  child->outer, relation->own_columns, &child->owner);
		refer(run, node, relation->via_other_columns,
			  relation->kind == RELATION_MORPHED_BY_MANY ? relation : NULL,
			  child, relation->other_columns, &child->place);
	}
	foreach(lc, node->parents)
	{
		FactoryNode *parent = lfirst(lc);
		RelationDesc *branch = parent->branch;

		check_free(node, parent);
		refer(run, node, branch->own_columns,
			  parent->relation->kind == RELATION_MORPH_TO ? branch : NULL,
			  parent, branch->other_columns, &parent->place);
		parent->outer_columns = branch->own_columns;
		parent->columns = branch->other_columns;
		parent->one_to_one = find_unique(node->model->relid, parent->relation->kind == RELATION_MORPH_TO
										 ? branch->morph_id_columns : branch->own_columns) != NULL;
	}
}

/* ---------------------------------------------------------------------
 * What rows refer to although nobody asked
 * ---------------------------------------------------------------------
 */

static List *
add_reference(List *references, List *columns, Oid related, List *other_columns)
{
	Reference  *reference;
	ListCell   *lc;

	foreach(lc, references)
	{
		if (same_columns(((Reference *) lfirst(lc))->columns, columns))
			return references;
	}
	reference = palloc(sizeof(Reference));
	reference->columns = columns;
	reference->related = related;
	reference->other_columns = other_columns;
	return lappend(references, reference);
}

static int
compare_references(const ListCell *a, const ListCell *b)
{
	return list_length(((Reference *) lfirst(b))->columns) - list_length(((Reference *) lfirst(a))->columns);
}

/*
 * The references of a model's rows: its foreign keys, and relations that no
 * constraint enforces.  Those of many columns come first: a shorter one may be
 * a part of them.
 */
static List *
references_of(WriteModel *model)
{
	Relation	rel = peek_table(model->relid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *info = lfirst(lc);
		List	   *columns = NIL;
		List	   *others = NIL;

		for (int i = 0; i < info->nkeys; i++)
		{
			columns = lappend(columns, get_attname(info->conrelid, info->conkey[i], false));
			others = lappend(others, get_attname(info->confrelid, info->confkey[i], false));
		}
		result = add_reference(result, columns, info->confrelid, others);
	}
	RelationClose(rel);
	foreach(lc, model->relations)
	{
		RelationDesc *relation = lfirst(lc);

		if (relation->kind == RELATION_BELONGS_TO)
			result = add_reference(result, relation->own_columns, relation->related, relation->other_columns);
	}
	foreach(lc, catalog_relations_to(model->relid))
	{
		RelationDesc *relation = lfirst(lc);

		if (relation->kind == RELATION_HAS_ONE || relation->kind == RELATION_HAS_MANY)
			result = add_reference(result, relation->other_columns, relation->model, relation->own_columns);
	}
	list_sort(result, compare_references);
	return result;
}

/* Do all rows of a level get a value for a column? */
static bool
is_filled(FactoryNode *node, FactoryFill *fill)
{
	if (fill->decided)
		return true;
	if (fill->nmerged == 0 || fill->nmerged < node->most || node->role == NODE_PARENT)
		return false;
	for (int i = 0; i < node->most; i++)
	{
		if (!fill->merged_set[i])
			return false;
	}
	return true;
}

/* May the server be left alone with a column? */
static bool
is_optional(FactoryNode *node, int index)
{
	Relation	rel = peek_table(node->model->relid);
	bool		notnull = TupleDescAttr(RelationGetDescr(rel), index)->attnotnull;

	RelationClose(rel);
	return !notnull || factory_has_default(node, index);
}

/* The level, of those that wait for this one's rows, that is of the same model. */
static bool
is_waiting(FactoryNode *node, Oid relid)
{
	for (; node != NULL; node = node->role == NODE_PARENT ? node->outer : NULL)
	{
		if (node->model->relid == relid)
			return true;
	}
	return false;
}

static void
circle_error(FactoryNode *node, Reference *reference)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("rows of \"%s\" need rows of \"%s\" before them, in a circle", model_name(node->model->relid),
					model_name(reference->related)),
			 errdetail("\"%s\" of \"%s\" must refer to a row of \"%s\".", format_column_list(reference->columns),
					   model_name(node->model->relid), model_name(reference->related)),
			 errhint("Take rows that are there, {\"recycle\": true}, or give the column a value: SELECT relations.define_factory(%s, '{\"%s\": ...}');",
					 quote_literal_cstr(get_rel_name(node->model->relid)), (char *) linitial(reference->columns))));
}

/* A level of rows that a reference must lead to. */
static void
require_parent(FactoryRun *run, FactoryNode *node, Reference *reference)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	FactoryNode *parent;
	ListCell   *c;
	ListCell   *o;

	parent = factory_node_make(run, node, NODE_PARENT, reference->related,
							   psprintf("(%s)", format_column_list(reference->columns)));
	if (is_waiting(node, reference->related))
	{
		if (!node->recycle)
			circle_error(node, reference);
		parent->must_exist = true;
	}
	parent->recycle_rows = node->recycle;
	parent->outer_columns = reference->columns;
	parent->columns = reference->other_columns;
	parent->one_to_one = find_unique(node->model->relid, reference->columns) != NULL;
	node->parents = lappend(node->parents, parent);
	forboth(c, reference->columns, o, reference->other_columns)
		factory_set_key(run, node, lfirst(c), parent, lfirst(o), &parent->place);
	if (!parent->recycle_rows)
		factory_prepare(run, parent);
	MemoryContextSwitchTo(old);
}

static void
partial_error(FactoryNode *node, Reference *reference)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the reference (%s) of \"%s\" to \"%s\" is given only in part",
					format_column_list(reference->columns), model_name(node->model->relid),
					model_name(reference->related)),
			 errhint("Give all of its columns a value, or none.")));
}

/* A polymorphic reference that must be there leads to its first type. */
static void
require_morphs(FactoryRun *run, FactoryNode *node)
{
	ListCell   *lc;

	foreach(lc, node->model->relations)
	{
		RelationDesc *relation = lfirst(lc);
		RelationDesc *branch;
		int			type;
		FactoryNode *parent;

		if (relation->kind != RELATION_MORPH_TO || relation->branches == NIL)
			continue;
		branch = linitial(relation->branches);
		type = write_model_column(node->model, branch->morph_type_column);
		if (is_filled(node, &node->fills[type]))
			continue;
		if (is_optional(node, type))
		{
			ListCell   *c;

			node->fills[type].decided = true;
			foreach(c, branch->morph_id_columns)
				node->fills[write_model_column(node->model, lfirst(c))].decided = true;
			continue;
		}
		if (is_waiting(node, branch->related))
		{
			Reference	reference = {branch->morph_id_columns, branch->related, branch->other_columns};

			circle_error(node, &reference);
		}
		parent = factory_node_make(run, node, NODE_PARENT, branch->related, relation->name);
		parent->relation = relation;
		parent->branch = branch;
		parent->outer_columns = branch->own_columns;
		parent->columns = branch->other_columns;
		parent->recycle_rows = node->recycle;
		node->parents = lappend(node->parents, parent);
		refer(run, node, branch->own_columns, branch, parent, branch->other_columns, &parent->place);
		if (!parent->recycle_rows)
			factory_prepare(run, parent);
	}
}

/*
 * Decide on the columns of a level that refer to rows of which nothing was
 * said: where they must have a value, there is one more level of such rows;
 * else they are left to the server.  Raises
 * object_not_in_prerequisite_state for rows that wait for each other.
 */
void
factory_require_parents(FactoryRun *run, FactoryNode *node)
{
	ListCell   *lc;

	check_stack_depth();
	require_morphs(run, node);
	foreach(lc, references_of(node->model))
	{
		Reference  *reference = lfirst(lc);
		int			filled = 0;
		bool		required = false;
		bool		generated = false;
		ListCell   *c;

		foreach(c, reference->columns)
		{
			int			index = write_model_column(node->model, lfirst(c));

			generated = generated || node->model->columns[index].generated;
			if (is_filled(node, &node->fills[index]))
				filled++;
			else
				required = required || !is_optional(node, index);
		}
		if (generated || filled == list_length(reference->columns))
			continue;
		if (required && filled > 0)
			partial_error(node, reference);
		if (required)
			require_parent(run, node, reference);
		else
		{
			foreach(c, reference->columns)
				node->fills[write_model_column(node->model, lfirst(c))].decided = true;
		}
	}
}
