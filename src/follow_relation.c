/*
 * follow_relation.c
 *	  Rows of relations.relation and relations.model follow changes.
 */
#include "relations.h"

#include "catalog.h"
#include "constraint.h"
#include "follow.h"
#include "scope_rename.h"

/*
 * A step of a relation, as a foreign key: the table that has the key, and the
 * table that the key refers to.
 */
typedef enum StepTable
{
	FIRST_CHILD,
	FIRST_PARENT,
	SECOND_CHILD,
	SECOND_PARENT
} StepTable;

/* the arrays of column names, and whose columns these are */
static const struct
{
	const char *column;
	StepTable	of;
	bool		is_key;			/* the relation does not work without it */
}			name_columns[] = {
	{"foreign_key", FIRST_CHILD, true},
	{"pivot_foreign_key", FIRST_CHILD, true},
	{"local_key", FIRST_PARENT, true},
	{"through_foreign_key", SECOND_CHILD, true},
	{"pivot_related_foreign_key", SECOND_CHILD, true},
	{"through_local_key", SECOND_PARENT, true},
	{"related_key", SECOND_PARENT, true},
	{"created_columns", FIRST_CHILD, false},
};

/* the columns that name constraints */
static const struct
{
	const char *column;
	StepTable	of;
}			constraint_names[] = {
	{"constraint_name", FIRST_CHILD},
	{"created_constraint", FIRST_CHILD},
	{"related_constraint_name", SECOND_CHILD},
	{"created_related_constraint", SECOND_CHILD},
};

static const char *const extra_columns[] = {"touch", "counter_cache"};

/* Return a table of a step, InvalidOid if the relation has no such step. */
static Oid
step_table(FollowRow *row, StepTable of)
{
	Oid			pivot = row_oid(row, "pivot_table");
	Oid			through = row_oid(row, "through");
	Oid			model = row_oid(row, "model");
	Oid			related = row_oid(row, "related");
	bool		belongs[2] = {false, false};
	char	   *kind;
	ListCell   *lc;

	if (OidIsValid(pivot))
		return of == FIRST_PARENT ? model : of == SECOND_PARENT ? related : pivot;
	if (OidIsValid(through))
	{
		foreach(lc, row_names(row, "steps"))
		{
			if (foreach_current_index(lc) < 2)
				belongs[foreach_current_index(lc)] = strcmp(lfirst(lc), "belongs_to") == 0;
		}
		switch (of)
		{
			case FIRST_CHILD:
				return belongs[0] ? model : through;
			case FIRST_PARENT:
				return belongs[0] ? through : model;
			case SECOND_CHILD:
				return belongs[1] ? through : related;
			case SECOND_PARENT:
				return belongs[1] ? related : through;
		}
	}
	if (of == SECOND_CHILD || of == SECOND_PARENT)
		return InvalidOid;
	kind = row_text(row, "kind");
	if (strcmp(kind, "morph_to") == 0)
		return model;
	return (strcmp(kind, "belongs_to") == 0) == (of == FIRST_CHILD) ? model : related;
}

static bool
concerns(FollowRow *row, StepTable of, const CatalogChange *change)
{
	Oid			relid = step_table(row, of);

	return OidIsValid(relid) && list_member_oid(change->relids, relid);
}

/*
 * Show the timestamps of the pivot table as ordinary columns, if the change is
 * about one of them.
 */
static void
unmake_timestamps(FollowRow *row, const CatalogChange *change)
{
	const char *const stamps[] = {"created_at", "updated_at"};
	List	   *shown;

	if (!row_bool(row, "pivot_timestamps") ||
		!list_member_oid(change->relids, row_oid(row, "pivot_table")) ||
		(strcmp(change->old_name, stamps[0]) != 0 && strcmp(change->old_name, stamps[1]) != 0))
		return;
	shown = row_names(row, "pivot_columns");
	for (int i = 0; i < (int) lengthof(stamps); i++)
	{
		if (!list_has_name(shown, stamps[i]))
			shown = lappend(shown, pstrdup(stamps[i]));
	}
	row_set_names(row, "pivot_columns", shown);
	row_set_bool(row, "pivot_timestamps", false);
}

static void
follow_renamed_column(FollowRow *row, const CatalogChange *change)
{
	unmake_timestamps(row, change);
	for (int i = 0; i < (int) lengthof(name_columns); i++)
	{
		if (concerns(row, name_columns[i].of, change))
			row_rename_in(row, name_columns[i].column, change);
	}
	if (list_member_oid(change->relids, row_oid(row, "pivot_table")))
		row_rename_in(row, "pivot_columns", change);
	if (!list_member_oid(change->relids, row_oid(row, "related")))
		return;
	for (int i = 0; i < (int) lengthof(extra_columns); i++)
		row_rename(row, extra_columns[i], change);
}

/*
 * A relation is deleted with a column of its keys.  It stays when a column goes
 * that it only shows, or keeps up to date.
 */
static void
follow_dropped_column(FollowRow *row, const CatalogChange *change)
{
	const char *relation = row_name(row, "relation");
	const char *model = model_name(row_oid(row, "model"));
	const char *table = model_name(linitial_oid(change->relids));
	bool		lost = false;

	for (int i = 0; i < (int) lengthof(name_columns); i++)
	{
		if (!name_columns[i].is_key || !concerns(row, name_columns[i].of, change) ||
			!list_has_name(row_names(row, name_columns[i].column), change->old_name))
			continue;
		row_delete(row);
		row_notice(row, NOTICE_RELATION_DROPPED, relation, model, NULL, NULL);
		return;
	}
	unmake_timestamps(row, change);
	if (list_member_oid(change->relids, row_oid(row, "pivot_table")))
		lost = row_remove_from(row, "pivot_columns", change->old_name);
	for (int i = 0; i < (int) lengthof(extra_columns); i++)
	{
		if (list_member_oid(change->relids, row_oid(row, "related")) &&
			row_rename(row, extra_columns[i], change))
			lost = true;
	}
	if (lost)
		row_notice(row, NOTICE_COLUMN_DROPPED, relation, model, change->old_name, table);
	if (concerns(row, FIRST_CHILD, change))
		row_remove_from(row, "created_columns", change->old_name);
}

/*
 * Find another foreign key for a step whose constraint is not known: the
 * command may have put it in the place of the old one.
 */
static bool
find_constraint(FollowRow *row, const char *column, StepTable child, const char *foreign_key,
				const char *local_key)
{
	ForeignKey *fk;

	if (row_name(row, column) != NULL)
		return true;
	fk = match_foreign_key(foreign_keys_between(step_table(row, child), step_table(row, child + 1)),
						   row_names(row, foreign_key), row_names(row, local_key));
	if (fk == NULL)
		return false;
	row_set_name(row, column, fk->name);
	return true;
}

/*
 * A relation stays when its foreign key constraint is dropped, and uses another
 * constraint of the same columns if there is one.  Otherwise it is no longer
 * enforced.
 */
static void
follow_dropped_constraint(FollowRow *row, const CatalogChange *change)
{
	bool		was_enforced = row_bool(row, "enforce");
	bool		enforce;
	bool		hit = false;

	for (int i = 0; i < (int) lengthof(constraint_names); i++)
	{
		/* what the declaration created is the one that it uses */
		if ((i % 2 == 0 || hit) && concerns(row, constraint_names[i].of, change) &&
			row_rename(row, constraint_names[i].column, change))
			hit = true;
	}
	if (!hit)
		return;
	if (OidIsValid(row_oid(row, "pivot_table")))
	{
		enforce = find_constraint(row, "constraint_name", FIRST_CHILD, "pivot_foreign_key", "local_key");
		enforce = find_constraint(row, "related_constraint_name", SECOND_CHILD,
								  "pivot_related_foreign_key", "related_key") && enforce;
	}
	else if (strcmp(row_text(row, "kind"), "morph_to") == 0)
		enforce = false;
	else
	{
		enforce = find_constraint(row, "constraint_name", FIRST_CHILD, "foreign_key", "local_key");
		if (OidIsValid(row_oid(row, "through")))
			enforce = find_constraint(row, "related_constraint_name", SECOND_CHILD,
									  "through_foreign_key", "through_local_key") && enforce;
	}
	row_set_bool(row, "enforce", enforce);
	if (was_enforced && !enforce)
		row_notice(row, NOTICE_RELATION_ENFORCED, row_name(row, "relation"),
				   model_name(row_oid(row, "model")), NULL, NULL);
}

/* Names of indexes: a dropped one was created by nobody. */
static void
follow_index(FollowRow *row, const CatalogChange *change)
{
	const char *second;

	if (!concerns(row, FIRST_CHILD, change) && !concerns(row, SECOND_CHILD, change))
		return;
	if (change->kind == CHANGE_RENAMED_INDEX)
	{
		row_rename(row, "created_index", change);
		row_rename(row, "created_second_index", change);
		return;
	}
	second = row_name(row, "created_second_index");
	if (row_rename(row, "created_index", change))
	{
		row_set_name(row, "created_index", second);
		row_set_name(row, "created_second_index", NULL);
	}
	else
		row_rename(row, "created_second_index", change);
}

/*
 * A relation whose type of a polymorphic reference has gone goes too, and a
 * morph_to when it has no type left.
 */
static void
follow_dropped_type(FollowRow *row, const CatalogChange *change)
{
	const char *morph = row_name(row, "morph");
	char	   *kind = row_text(row, "kind");
	Oid			model = row_oid(row, "model");
	Oid			related = row_oid(row, "related");
	Oid			holder = row_oid(row, "pivot_table");
	ListCell   *lc;

	if (morph == NULL)
		return;
	if (!OidIsValid(holder))
		holder = strcmp(kind, "morph_to") == 0 ? model : related;
	if (!list_member_oid(change->relids, holder))
		return;
	foreach(lc, catalog_morph_types(holder, morph))
	{
		if (strcmp(kind, "morph_to") == 0 ||
			((MorphType *) lfirst(lc))->related == (strcmp(kind, "morphed_by_many") == 0 ? related : model))
			return;
	}
	row_delete(row);
	row_notice(row, NOTICE_RELATION_DROPPED, row_name(row, "relation"), model_name(model), NULL, NULL);
}

static void
follow_scope(FollowRow *row, const CatalogChange *change)
{
	Jsonb	   *scope = row->skip_scope ? NULL : row_jsonb(row, "scope");
	Oid			related = row_oid(row, "related");
	Oid			via = row_oid(row, "pivot_table");
	const char *morph = row_name(row, "morph");

	if (scope == NULL)
		return;
	if (!OidIsValid(via))
		via = row_oid(row, "through");
	if (OidIsValid(related))
		scope = scope_after(scope, related, via, change);
	else if (morph != NULL)
		scope = scope_after_of_types(scope, catalog_morph_types(row_oid(row, "model"), morph), change);
	else
		scope = NULL;
	if (scope != NULL)
		row_set_jsonb(row, "scope", scope);
}

/* Apply a change to a row of relations.relation. */
void
relation_follow(FollowRow *row, const CatalogChange *change)
{
	switch (change->kind)
	{
		case CHANGE_RENAMED_COLUMN:
			follow_renamed_column(row, change);
			follow_scope(row, change);
			break;
		case CHANGE_DROPPED_COLUMN:
			follow_dropped_column(row, change);
			break;
		case CHANGE_RENAMED_FOREIGN_KEY:
			for (int i = 0; i < (int) lengthof(constraint_names); i++)
			{
				if (concerns(row, constraint_names[i].of, change))
					row_rename(row, constraint_names[i].column, change);
			}
			break;
		case CHANGE_DROPPED_CONSTRAINT:
			follow_dropped_constraint(row, change);
			break;
		case CHANGE_RENAMED_INDEX:
		case CHANGE_DROPPED_INDEX:
			follow_index(row, change);
			break;
		case CHANGE_RENAMED_VALUE:
			follow_scope(row, change);
			break;
		case CHANGE_HIDDEN_COLUMN:
			break;
		case CHANGE_DROPPED_TYPE:
			follow_dropped_type(row, change);
			break;
	}
}

/* Apply a change to a row of relations.model. */
void
model_follow(FollowRow *row, const CatalogChange *change)
{
	if (!list_member_oid(change->relids, row_oid(row, "model")))
		return;
	if (change->kind == CHANGE_RENAMED_COLUMN)
	{
		row_rename_in(row, "primary_key", change);
		row_rename_in(row, "hidden", change);
	}
	else if (change->kind == CHANGE_DROPPED_COLUMN)
	{
		bool		key = list_has_name(row_names(row, "primary_key"), change->old_name);

		/* a key that has lost a column is no key */
		if (key)
			row_set_names(row, "primary_key", NIL);
		if ((row_remove_from(row, "hidden", change->old_name) || key) && row_name(row, "name") == NULL &&
			row_names(row, "primary_key") == NIL && row_names(row, "hidden") == NIL)
			row_delete(row);
	}
	else if (change->kind == CHANGE_HIDDEN_COLUMN)
	{
		List	   *hidden = row_names(row, "hidden");

		if (!list_has_name(hidden, change->old_name))
			row_set_names(row, "hidden", lappend(hidden, unconstify(char *, change->old_name)));
	}
}
