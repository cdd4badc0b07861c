/*
 * declare_pivot.c
 *	  many_to_many.
 */
#include "relations.h"

#include "catalog/pg_constraint.h"
#include "utils/lsyscache.h"

#include "inflect.h"
#include "key_resolution.h"
#include "pivot.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_many_to_many);

enum
{
	Arg_pivot_table = Arg_related + 1,
	Arg_local_key,
	Arg_related_key,
	Arg_pivot_foreign_key,
	Arg_pivot_related_foreign_key,
	Arg_pivot_columns,
	Arg_pivot_timestamps,
	Arg_on_delete,				/* and what take_constraint_options takes */
	Arg_scope = Arg_on_delete + CONSTRAINT_ARGUMENTS
};

/* A many_to_many under way. */
typedef struct ManyToMany
{
	Declaration decl;
	Pivot		pivot;
	const char *pivot_table;	/* as said, or NULL */
	Keys		own;			/* between pivot and model */
	Keys		related;		/* between pivot and related model */
	const char *own_singular;	/* of which foreign key columns are named */
	const char *related_singular;
} ManyToMany;

static bool
is_self_reference(const ManyToMany *many)
{
	return many->decl.row.model == many->decl.row.related;
}

static void
look_for_pivot(ManyToMany *many)
{
	RelationRow *row = &many->decl.row;

	find_pivot(&many->pivot, row->model, many->pivot_table,
			   many->pivot_table == NULL ? pure_pivots_between(row->model, row->related) : NIL,
			   conventional_pivot_name(model_singular(row->model), model_singular(row->related)));
	check_found_pivot(&many->pivot, row->model);
}

/*
 * Find the pivot and lock it, with the models, in the order of their OIDs.
 * Somebody may make, drop or rename it while we wait: what is found under the
 * locks counts.
 */
static void
lock_all(ManyToMany *many)
{
	RelationRow *row = &many->decl.row;
	Pivot	   *pivot = &many->pivot;
	List	   *relids = list_make2_oid(row->model, row->related);
	Oid			locked;

	look_for_pivot(many);
	locked = pivot->relid;
	lock_models_and_pivot(relids, locked);
	look_for_pivot(many);
	if (!OidIsValid(pivot->relid))
	{
		lock_pivot_name(pivot);
		check_found_pivot(pivot, row->model);
	}
	if (OidIsValid(pivot->relid) && pivot->relid != locked)
		lock_models(list_make1_oid(pivot->relid));
}

/* ---------------------------------------------------------------------
 * Keys
 * ---------------------------------------------------------------------
 */

/* The foreign keys that do not stand on these columns. */
static List *
without(List *foreign_keys, List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		if (!same_columns(((ForeignKey *) lfirst(lc))->child_columns, columns))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * The columns that a side of a self reference has when nothing is said of
 * them: those named by convention, with a foreign key or without; else those
 * of the one foreign key that is left, besides the one that bears the other
 * side's name.  Raises ambiguous_column when several are left.
 */
static List *
choose_side(const Keys *keys, List *foreign_keys, const char *singular, const char *other_singular)
{
	List	   *key = keys->local_key != NIL ? keys->local_key
		: catalog_get_model(keys->parent)->primary_key;
	List	   *conventional = conventional_columns(singular, key);
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		ForeignKey *fk = lfirst(lc);

		if (same_columns(fk->child_columns, conventional_columns(singular, fk->parent_columns)))
			return fk->child_columns;
	}
	if (key != NIL && columns_exist(keys->child, conventional))
		return conventional;
	if (other_singular != NULL)
		foreign_keys = without(foreign_keys, conventional_columns(other_singular, key));
	if (list_length(foreign_keys) > 1)
		ambiguous_keys(keys, foreign_keys);
	return foreign_keys != NIL ? ((ForeignKey *) linitial(foreign_keys))->child_columns
		: conventional;
}

/*
 * Both keys of a self reference lead to one model: tell them apart before each
 * is looked for.
 */
static void
part_self_reference(ManyToMany *many)
{
	Keys	   *own = &many->own;
	Keys	   *related = &many->related;
	List	   *all = foreign_keys_between(many->pivot.relid, many->decl.row.model);

	if (own->foreign_key == NIL)
		own->foreign_key = choose_side(own, without(all, related->foreign_key),
									   many->own_singular,
									   related->foreign_key == NIL ? many->related_singular : NULL);
	if (related->foreign_key == NIL)
		related->foreign_key = choose_side(related, without(all, own->foreign_key),
										   many->related_singular, NULL);
}

/* The columns of a side of a pivot that is to be made, and their definitions. */
static List *
plan_side(Keys *keys, const char *singular)
{
	List	   *definitions = NIL;
	ListCell   *f;
	ListCell   *l;

	if (keys->local_key == NIL)
		keys->local_key = catalog_get_model(keys->parent)->primary_key;
	if (keys->local_key == NIL)
		no_primary_key(keys);
	foreach(l, keys->local_key)
		require_column(keys->parent, lfirst(l), keys->local_argument);
	if (keys->foreign_key == NIL)
		keys->foreign_key = conventional_columns(singular, keys->local_key);
	check_key_lengths(keys);
	require_referable(keys->parent, keys->local_key);
	forboth(f, keys->foreign_key, l, keys->local_key)
		definitions = lappend(definitions, reference_column_sql(lfirst(f), keys->parent, lfirst(l)));
	return definitions;
}

/* Complete both keys; see resolve_keys and choose_side for errors. */
static void
resolve_both(ManyToMany *many)
{
	Pivot	   *pivot = &many->pivot;
	Keys	   *own = &many->own;
	Keys	   *related = &many->related;

	own->child = related->child = pivot->relid;
	if (!OidIsValid(pivot->relid))
	{
		pivot->own_definitions = plan_side(own, many->own_singular);
		pivot->related_definitions = plan_side(related, many->related_singular);
	}
	else
	{
		if (is_self_reference(many))
			part_self_reference(many);
		resolve_keys(own);
		resolve_keys(related);
	}
	if (same_columns(own->foreign_key, related->foreign_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("both keys of the pivot table are the same: %s",
						format_column_list(own->foreign_key)),
				 errhint("Name the columns that lead to either side: pivot_foreign_key, pivot_related_foreign_key.")));
	pivot->own = own->foreign_key;
	pivot->related = related->foreign_key;
}

/* ---------------------------------------------------------------------
 * Checks
 * ---------------------------------------------------------------------
 */

/*
 * Raises undefined_table when there is no pivot and none may be made,
 * wrong_object_type where there can be no foreign key,
 * invalid_parameter_value for an action that a key which is not null has
 * never.
 */
static void
check_enforced(ManyToMany *many)
{
	RelationRow *row = &many->decl.row;
	Pivot	   *pivot = &many->pivot;
	const char *const arguments[] = {"on_delete", "on_update"};
	char		actions[] = {many->decl.on_delete, many->decl.on_update};

	if (!row->enforce && !OidIsValid(pivot->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no pivot table \"%s\" between \"%s\" and \"%s\"",
						pivot->name, model_name(row->model), model_name(row->related)),
				 errdetail("A relation that is not enforced creates nothing."),
				 errhint("Create the table, name another one with pivot_table => '...', or enforce the relation.")));
	if (!row->enforce)
		return;
	if (OidIsValid(pivot->relid))
	{
		require_tables(pivot->relid, row->model);
		require_tables(pivot->relid, row->related);
		return;
	}
	require_tables(row->model, row->related);
	for (int i = 0; i < 2; i++)
	{
		if (actions[i] == FKCONSTR_ACTION_SETNULL || actions[i] == FKCONSTR_ACTION_SETDEFAULT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" cannot be \"%s\" for a pivot table that is created",
							arguments[i], action_name(actions[i])),
					 errdetail("Its columns are its primary key, and never null."),
					 errhint("Its values are: no action, restrict, cascade.")));
	}
}

/* ---------------------------------------------------------------------
 * What is made
 * ---------------------------------------------------------------------
 */

/* Either foreign key of the pivot, found or made, and recorded. */
static void
ensure_constraints(ManyToMany *many)
{
	RelationRow *row = &many->decl.row;
	Declaration wanted = many->decl;
	Keys	   *sides[] = {&many->own, &many->related};
	const char **names[] = {&row->constraint_name, &row->related_constraint_name};
	const char **created_names[] = {&row->created_constraint, &row->created_related_constraint};
	bool		validated = true;

	/* what is nothing but the two keys goes with either row */
	if (row->created_table && wanted.on_delete == '\0')
		wanted.on_delete = FKCONSTR_ACTION_CASCADE;
	for (int i = 0; i < 2; i++)
	{
		bool		created;
		ForeignKey *fk = ensure_foreign_key(&wanted, sides[i]->child, sides[i]->foreign_key,
											sides[i]->parent, sides[i]->local_key, &created);

		*names[i] = fk->name;
		if (created)
			*created_names[i] = fk->name;
		validated = validated && fk->validated;
		/* the constraint's order, which is the order that is read by */
		sides[i]->foreign_key = fk->child_columns;
		sides[i]->local_key = fk->parent_columns;
	}
	row->validate = validated;
}

/* SQL: many_to_many(model, relation, related, pivot_table, ...) */
Datum
relations_many_to_many(PG_FUNCTION_ARGS)
{
	ManyToMany	many = {0};
	RelationRow *row = &many.decl.row;
	Pivot	   *pivot = &many.pivot;

	begin_declaration(&many.decl, fcinfo, RELATION_MANY_TO_MANY, true);
	take_scope(&many.decl, fcinfo, Arg_scope);
	take_constraint_options(&many.decl, fcinfo, Arg_on_delete);
	many.pivot_table = text_argument(fcinfo, Arg_pivot_table);
	many.own.parent = row->model;
	many.own.local_key = key_argument(fcinfo, Arg_local_key, "local_key");
	many.own.foreign_key = key_argument(fcinfo, Arg_pivot_foreign_key, "pivot_foreign_key");
	many.own.local_argument = "local_key";
	many.own.foreign_argument = "pivot_foreign_key";
	many.related.parent = row->related;
	many.related.local_key = key_argument(fcinfo, Arg_related_key, "related_key");
	many.related.foreign_key = key_argument(fcinfo, Arg_pivot_related_foreign_key,
											"pivot_related_foreign_key");
	many.related.local_argument = "related_key";
	many.related.foreign_argument = "pivot_related_foreign_key";
	row->pivot_columns = columns_argument(fcinfo, Arg_pivot_columns, "pivot_columns");
	row->pivot_timestamps = bool_argument(fcinfo, Arg_pivot_timestamps, false);

	check_temporary(row->model, row->related);
	check_constraint_options(&many.decl);
	require_owner(row->model);
	require_access(row->related);
	lock_all(&many);
	check_relation_name(row, NIL);
	check_pivot_key(row);
	many.own_singular = model_singular(row->model);
	many.related_singular = is_self_reference(&many) ? singular_of(row->name)
		: model_singular(row->related);
	check_enforced(&many);
	resolve_both(&many);
	check_pivot_columns(pivot, row);

	if (!OidIsValid(pivot->relid))
	{
		create_pivot(pivot, row);
		many.own.child = many.related.child = pivot->relid;
	}
	else if (row->enforce)
		ensure_pivot_timestamps(pivot, row);
	if (row->scope != NULL)
		query_check_scope(row->related, pivot->relid, row->scope);
	if (row->enforce)
	{
		ensure_constraints(&many);
		ensure_pivot_indexes(pivot, row);
	}
	row->pivot_table = pivot->relid;
	row->local_key = many.own.local_key;
	row->pivot_foreign_key = many.own.foreign_key;
	row->pivot_related_foreign_key = many.related.foreign_key;
	row->related_key = many.related.local_key;
	return relation_result(fcinfo, catalog_insert_relation(row));
}
