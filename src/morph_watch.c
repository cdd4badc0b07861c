/*
 * morph_watch.c
 *	  The types of polymorphic references follow what is renamed and dropped.
 *
 * Parts of the event triggers of ddl_watch.c, which run them guarded and with
 * the rights of the catalog's owner.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "utils/fmgroids.h"

#include "catalog_write.h"
#include "constraint.h"
#include "follow.h"
#include "morph_watch.h"

/* Relations follow that these tables have lost types of polymorphic references. */
void
morph_follow_dropped_types(List *holders)
{
	CatalogChange change = {CHANGE_DROPPED_TYPE, holders, InvalidOid, "", NULL};

	if (holders != NIL)
		follow_changes(list_make1(&change));
}

/* Hide generated columns of a table, whose type has gone, from documents. */
static List *
hide_columns(Oid model, List *columns)
{
	Oid			types[] = {REGCLASSOID, NAMEARRAYOID};
	Datum		values[] = {ObjectIdGetDatum(model), name_list_to_array(columns)};
	List	   *changes = NIL;
	ListCell   *lc;

	/* the row of a model that has one may be locked: it follows a change */
	catalog_query("INSERT INTO relations.model (model, hidden)"
				  " SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM relations.model m WHERE m.model = $1)"
				  " ON CONFLICT DO NOTHING", 2, types, values, NULL);
	foreach(lc, columns)
	{
		CatalogChange *change = palloc0(sizeof(CatalogChange));

		change->kind = CHANGE_HIDDEN_COLUMN;
		change->relids = list_make1_oid(model);
		change->old_name = lfirst(lc);
		changes = lappend(changes, change);
	}
	return changes;
}

/*
 * The types of dropped tables, an oid[], go; locking is how to lock their rows.
 * What stays of a type whose own table is gone is reported: its generated columns hold nothing that anybody
 * refers to.  No document shows them, as before.
 */
void
morph_follow_dropped_tables(Datum relids, const char *locking)
{
	Oid			types[] = {OIDARRAYOID};
	List	   *changes = NIL;
	List	   *holders = NIL;
	List	   *gone;
	ListCell   *lc;

	gone = catalog_strings(psprintf("WITH hit AS (SELECT t.model, t.morph, t.type FROM relations.morph_type t"
									" WHERE t.model = ANY ($1) OR t.related = ANY ($1) FOR UPDATE%s),"
									" gone AS (DELETE FROM relations.morph_type t USING hit h"
									" WHERE (h.model, h.morph, h.type) = (t.model, t.morph, t.type)"
									" RETURNING t.model, t.morph, t.type, t.foreign_key)"
									" SELECT g.type, g.morph, c.relname, g.model::pg_catalog.oid,"
									" pg_catalog.array_to_string(g.foreign_key, ', '),"
									" g.foreign_key::pg_catalog.text"
									" FROM gone g LEFT JOIN pg_catalog.pg_class c ON c.oid = g.model"
									" ORDER BY 3, 2, 1", locking), 1, types, &relids);
	foreach(lc, gone)
	{
		char	  **row = lfirst(lc);
		Datum		columns;

		if (row[2] == NULL)
			continue;
		holders = list_append_unique_oid(holders, atooid(row[3]));
		columns = OidInputFunctionCall(F_ARRAY_IN, row[5], NAMEOID, -1);
		changes = list_concat(changes, hide_columns(atooid(row[3]), name_array_to_list(columns)));
		ereport(NOTICE,
				(errmsg("type \"%s\" of polymorphic reference \"%s\" of \"%s\" is dropped with its table",
						row[0], row[1], row[2]),
				 errdetail("Rows of this type refer to nothing now; its generated columns (%s) stay, and stay hidden.",
						   row[4]),
				 errhint("Delete such rows, and drop these columns.")));
	}
	follow_changes(changes);
	morph_follow_dropped_types(holders);
}

/*
 * A type whose foreign key is dropped stays, on another foreign key of its
 * columns if the command created one; otherwise it is no longer enforced.
 */
static void
follow_dropped_constraint(FollowRow *row, const CatalogChange *change)
{
	Oid			model = row_oid(row, "model");
	ForeignKey *fk;

	if (!list_member_oid(change->relids, model) || !row_rename(row, "constraint_name", change))
		return;
	fk = match_foreign_key(foreign_keys_between(model, row_oid(row, "related")),
						   row_names(row, "foreign_key"), row_names(row, "local_key"));
	if (fk != NULL)
		row_set_name(row, "constraint_name", fk->name);
	else
		row_notice(row, NOTICE_TYPE_ENFORCED, row_text(row, "type"), model_name(model),
				   row_name(row, "morph"), NULL);
}

static bool
has_column(FollowRow *row, const CatalogChange *change)
{
	const char *type_column = row_name(row, "type_column");

	if (list_member_oid(change->relids, row_oid(row, "model")) &&
		(strcmp(type_column, change->old_name) == 0 ||
		 list_has_name(row_names(row, "id_columns"), change->old_name) ||
		 list_has_name(row_names(row, "foreign_key"), change->old_name)))
		return true;
	return list_member_oid(change->relids, row_oid(row, "related")) &&
		list_has_name(row_names(row, "local_key"), change->old_name);
}

/* Apply a change to a row of relations.morph_type. */
void
morph_type_follow(FollowRow *row, const CatalogChange *change)
{
	Oid			model = row_oid(row, "model");

	switch (change->kind)
	{
		case CHANGE_RENAMED_COLUMN:
			if (list_member_oid(change->relids, model))
			{
				row_rename(row, "type_column", change);
				row_rename_in(row, "id_columns", change);
				row_rename_in(row, "foreign_key", change);
			}
			if (list_member_oid(change->relids, row_oid(row, "related")))
				row_rename_in(row, "local_key", change);
			break;
		case CHANGE_DROPPED_COLUMN:
			if (has_column(row, change))
				row_delete(row);
			break;
		case CHANGE_RENAMED_FOREIGN_KEY:
			if (list_member_oid(change->relids, model))
				row_rename(row, "constraint_name", change);
			break;
		case CHANGE_DROPPED_CONSTRAINT:
			/* the name of a check stays: the next type creates it again */
			follow_dropped_constraint(row, change);
			break;
		case CHANGE_RENAMED_INDEX:
			if (list_member_oid(change->relids, model))
			{
				row_rename(row, "check_name", change);
				row_rename(row, "created_index", change);
			}
			break;
		case CHANGE_DROPPED_INDEX:
			if (list_member_oid(change->relids, model))
				row_rename(row, "created_index", change);
			break;
		case CHANGE_RENAMED_VALUE:
			if (column_is_of_enum(model, row_name(row, "type_column"), change->enum_type) &&
				strcmp(row_text(row, "type"), change->old_name) == 0)
				row_set_text(row, "type", change->new_name);
			break;
		case CHANGE_HIDDEN_COLUMN:
		case CHANGE_DROPPED_TYPE:
			break;
	}
}
