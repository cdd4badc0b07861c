/*
 * pivot.c
 *	  The table between the two sides of a relation: found, made, completed.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "as_owner.h"
#include "pivot.h"
#include "progress.h"

static const char *const timestamps[] = {"created_at", "updated_at"};

/* ---------------------------------------------------------------------
 * Found
 * ---------------------------------------------------------------------
 */

/* Do two foreign keys of the table lead to the two models, and fill it? */
static bool
is_pure_pivot(Oid relid, Oid model, Oid related)
{
	List	   *to_related = foreign_keys_between(relid, related);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, foreign_keys_between(relid, model))
	{
		List	   *own = ((ForeignKey *) lfirst(lc))->child_columns;

		foreach(lc2, to_related)
		{
			List	   *other = ((ForeignKey *) lfirst(lc2))->child_columns;

			if (!same_columns(own, other) &&
				needs_nothing_else(relid, list_concat_copy(own, other)))
				return true;
		}
	}
	return false;
}

/*
 * The tables in the model's schema that are nothing but a pivot between the
 * two: foreign keys lead to both, to one model twice for a self reference, and
 * no other column has to be filled.  A list of OIDs.
 */
List *
pure_pivots_between(Oid model, Oid related)
{
	Oid			nspid = get_rel_namespace(model);
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *children = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_constraint_confrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(model));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
		children = list_append_unique_oid(children,
										  ((Form_pg_constraint) GETSTRUCT(tup))->conrelid);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	list_sort(children, list_oid_cmp);
	foreach(lc, children)
	{
		Oid			child = lfirst_oid(lc);

		if (child != model && child != related && get_rel_namespace(child) == nspid &&
			!get_rel_relispartition(child) && is_pure_pivot(child, model, related))
			result = lappend_oid(result, child);
	}
	return result;
}

/*
 * Return the name of a pivot by convention: both singulars, in alphabetical
 * order, the longer one cut first if they do not fit.
 */
char *
conventional_pivot_name(const char *singular, const char *other_singular)
{
	bool		first = strcmp(singular, other_singular) <= 0;

	return makeObjectName(first ? singular : other_singular, first ? other_singular : singular, NULL);
}

/* What an argument pivot_table names: a table of the model's schema, or of its own. */
static void
parse_pivot_name(Pivot *pivot, const char *text)
{
	List	   *names = NIL;

	if (!SplitIdentifierString(pstrdup(text), '.', &names) ||
		list_length(names) < 1 || list_length(names) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of a table: %s", "pivot_table", text),
				 errhint("Write the table's name, with its schema when that is not the model's, quoted as SQL identifiers are.")));
	if (list_length(names) == 2)
		pivot->nspid = LookupExplicitNamespace(linitial(names), false);
	pivot->name = llast(names);
}

static pg_attribute_noreturn() void
ambiguous_pivots(List *candidates)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, candidates)
		appendStringInfo(&buf, "%s\"%s\"", buf.len > 0 ? " and " : "", get_rel_name(lfirst_oid(lc)));
	ereport(ERROR,
			(errcode(ERRCODE_AMBIGUOUS_ALIAS),
			 errmsg("more than one table can be the pivot"),
			 errdetail("They are %s.", buf.data),
			 errhint("Say which: pivot_table => '%s'.",
					 quote_identifier(get_rel_name(linitial_oid(candidates))))));
}

/*
 * May a table be used as the pivot of a model without being named?  Rows of the
 * relation are written to the pivot, which runs its triggers, so only a table
 * of the caller or of the model's owner is found.  A superuser owns what he has
 * created, and not every table.
 */
bool
may_adopt_pivot(Oid relid, Oid model)
{
	Oid			owner = relation_owner(relid);

	return owner == GetUserId() || owner == relation_owner(model) ||
		(!superuser() && has_privs_of_role(GetUserId(), owner));
}

/*
 * Raises insufficient_privilege for a table that was found, and not named, and
 * that belongs to another role.
 */
static void
check_adoption(Oid relid, Oid model)
{
	Oid			owner = relation_owner(relid);

	if (may_adopt_pivot(relid, model))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot use table \"%s\" as the pivot table, since it belongs to role \"%s\"",
					model_name(relid), GetUserNameFromId(owner, true)),
			 errdetail("A table of another role is used only if you name it: its triggers run as the role that writes to it."),
			 errhint("Use it with pivot_table => '%s', or specify the name of a table that does not exist to create one.",
					 quote_identifier(model_name(relid)))));
}

/*
 * Find the pivot: the table that the argument pivot_table names.  If that is
 * NULL, the candidate that may be adopted, of several the one with the
 * conventional name; without candidates the table of the conventional name in
 * the model's schema.  relid is InvalidOid if no such table exists.  Raises
 * invalid_name or invalid_schema_name for a bad pivot_table, ambiguous_alias
 * for two candidates, insufficient_privilege if all belong to other roles.
 */
void
find_pivot(Pivot *pivot, Oid model, const char *pivot_table,
		   List *candidates, const char *conventional)
{
	List	   *own = NIL;
	ListCell   *lc;

	pivot->nspid = get_rel_namespace(model);
	pivot->name = conventional;
	pivot->relid = InvalidOid;
	pivot->named = pivot_table != NULL;
	foreach(lc, candidates)
	{
		if (may_adopt_pivot(lfirst_oid(lc), model))
			own = lappend_oid(own, lfirst_oid(lc));
	}
	if (pivot->named)
		parse_pivot_name(pivot, pivot_table);
	else if (list_length(own) == 1)
		pivot->relid = linitial_oid(own);
	else
	{
		foreach(lc, own)
		{
			if (strcmp(get_rel_name(lfirst_oid(lc)), conventional) == 0)
				pivot->relid = lfirst_oid(lc);
		}
		if (own != NIL && !OidIsValid(pivot->relid))
			ambiguous_pivots(own);
	}
	if (!OidIsValid(pivot->relid))
		pivot->relid = get_relname_relid(pivot->name, pivot->nspid);
	/* a table of another role is not passed over: it may be the one that is meant */
	if (!pivot->named && !OidIsValid(pivot->relid) && candidates != NIL)
		check_adoption(linitial_oid(candidates), model);
	if (OidIsValid(pivot->relid))
		pivot->name = get_rel_name(pivot->relid);
}

/*
 * Check a pivot that exists.  Raises wrong_object_type, insufficient_privilege
 * or what check_temporary raises.
 */
void
check_found_pivot(const Pivot *pivot, Oid model)
{
	if (!OidIsValid(pivot->relid))
		return;
	model_check(pivot->relid);
	if (!pivot->named)
		check_adoption(pivot->relid, model);
	require_access(pivot->relid);
	check_temporary(model, pivot->relid);
}

/*
 * Lock the name of a pivot that is not there until the end of the transaction,
 * and look again: of two sessions that would make the same table, the second
 * finds what the first has made.
 */
void
lock_pivot_name(Pivot *pivot)
{
	uint32		hash = hash_bytes((const unsigned char *) pivot->name, strlen(pivot->name));

	/* whoever cannot create the table must not hold up those who can */
	if (namespace_aclcheck(pivot->nspid, GetUserId(), ACL_CREATE) != ACLCHECK_OK)
		return;
	/* as a part of the schema, of which the number 0 is the schema itself */
	LockDatabaseObject(NamespaceRelationId, pivot->nspid, (uint16) (hash | 1),
					   ShareUpdateExclusiveLock);
	pivot->relid = get_relname_relid(pivot->name, pivot->nspid);
}

/*
 * Raises undefined_column when documents are to show a column that an existing
 * pivot does not have and that nobody will add.
 */
void
check_pivot_columns(const Pivot *pivot, const RelationRow *row)
{
	ListCell   *lc;

	if (!OidIsValid(pivot->relid))
		return;
	for (int i = 0; row->pivot_timestamps && i < (int) lengthof(timestamps); i++)
	{
		if (get_attnum(pivot->relid, timestamps[i]) > 0)
			continue;
		if (!row->enforce || !is_plain_table(pivot->relid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("pivot table \"%s\" has no column \"%s\"",
							model_name(pivot->relid), timestamps[i]),
					 errdetail("pivot_timestamps wants \"%s\" and \"%s\".", timestamps[0], timestamps[1]),
					 errhint("Add the columns, or let the declaration add them: enforce => true.")));
		require_owner(pivot->relid);
	}
	foreach(lc, row->pivot_columns)
	{
		bool		stamp = row->pivot_timestamps &&
			(strcmp(lfirst(lc), timestamps[0]) == 0 || strcmp(lfirst(lc), timestamps[1]) == 0);

		if (!stamp)
			require_column(pivot->relid, lfirst(lc), "pivot_columns");
	}
}

/*
 * Raises duplicate_column when related documents, which show the pivot's
 * columns under "pivot", have something else of that name.
 */
void
check_pivot_key(const RelationRow *row)
{
	if (row->pivot_columns == NIL && !row->pivot_timestamps)
		return;
	if (get_attnum(row->related, "pivot") > 0 || catalog_find_relation(row->related, "pivot") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("model \"%s\" has something that is called \"pivot\" already",
						model_name(row->related)),
				 errdetail("Its documents would show the columns of the pivot table under the same key."),
				 errhint("Leave out pivot_columns and pivot_timestamps, or rename it.")));
}

/* ---------------------------------------------------------------------
 * Made
 * ---------------------------------------------------------------------
 */

static char *
timestamp_sql(const char *column)
{
	return psprintf("%s timestamp with time zone NOT NULL DEFAULT pg_catalog.now()",
					quote_identifier(column));
}

/* Columns of a new table: those of a side that are not there yet. */
static List *
append_key(StringInfo buf, List *done, List *columns, List *definitions)
{
	ListCell   *lc;
	ListCell   *lc2;

	forboth(lc, columns, lc2, definitions)
	{
		if (list_has_name(done, lfirst(lc)))
			continue;
		appendStringInfo(buf, "%s%s NOT NULL", done != NIL ? ", " : "", (char *) lfirst(lc2));
		done = lappend(done, lfirst(lc));
	}
	return done;
}

static List *
union_of(List *columns, List *more)
{
	List	   *result = list_copy(columns);
	ListCell   *lc;

	foreach(lc, more)
	{
		if (!list_has_name(result, lfirst(lc)))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * Create the pivot table: the columns of both sides as its primary key, the
 * columns to show as text, the timestamps.  Errors are those of CREATE TABLE.
 */
void
create_pivot(Pivot *pivot, RelationRow *row)
{
	bool		unlogged = get_rel_persistence(row->model) == RELPERSISTENCE_UNLOGGED ||
		(OidIsValid(row->related) && get_rel_persistence(row->related) == RELPERSISTENCE_UNLOGGED);
	const char *table = quote_qualified_identifier(get_namespace_name(pivot->nspid), pivot->name);
	StringInfoData sql;
	List	   *done;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s (", unlogged ? "UNLOGGED " : "", table);
	done = append_key(&sql, NIL, pivot->own, pivot->own_definitions);
	done = append_key(&sql, done, pivot->related, pivot->related_definitions);
	foreach(lc, row->pivot_columns)
	{
		const char *column = lfirst(lc);

		if (list_has_name(done, column) ||
			(row->pivot_timestamps &&
			 (strcmp(column, timestamps[0]) == 0 || strcmp(column, timestamps[1]) == 0)))
			continue;
		appendStringInfo(&sql, ", %s text", quote_identifier(column));
		ereport(NOTICE,
				(errmsg("column \"%s\" of pivot table \"%s\" is created as text", column, pivot->name),
				 errhint("Change its type as you need, or create the table before the relation.")));
	}
	for (int i = 0; row->pivot_timestamps && i < (int) lengthof(timestamps); i++)
	{
		if (!list_has_name(done, timestamps[i]))
			appendStringInfo(&sql, ", %s", timestamp_sql(timestamps[i]));
	}
	appendStringInfo(&sql, ", PRIMARY KEY (%s))", quoted_column_list(done));
	run_ddl(sql.data);
	pivot->relid = get_relname_relid(pivot->name, pivot->nspid);
	row->pivot_table = pivot->relid;
	row->created_table = true;
}

/* Add the timestamps that an existing pivot lacks; see check_pivot_columns. */
void
ensure_pivot_timestamps(const Pivot *pivot, RelationRow *row)
{
	if (!row->pivot_timestamps)
		return;
	for (int i = 0; i < (int) lengthof(timestamps); i++)
	{
		if (get_attnum(pivot->relid, timestamps[i]) > 0)
			continue;
		run_ddl(psprintf("ALTER TABLE %s ADD COLUMN %s", quoted_model_name(pivot->relid),
						 timestamp_sql(timestamps[i])));
		row->created_columns = lappend(row->created_columns, pstrdup(timestamps[i]));
	}
}

/*
 * Index the pivot by either side, each with the other one behind, unless an
 * index begins so.  Raises insufficient_privilege when one has to be made and
 * the caller does not own the table.
 */
void
ensure_pivot_indexes(const Pivot *pivot, RelationRow *row)
{
	List	   *sides[] = {pivot->own, pivot->related};

	for (int i = 0; i < 2; i++)
	{
		char	   *name;
		char	   *sql;

		if (find_index(pivot->relid, sides[i]) != NULL)
			continue;
		require_owner(pivot->relid);
		sql = index_sql(pivot->relid, union_of(sides[i], sides[1 - i]), &name);
		tell_long_work("indexing", pivot->relid);
		run_ddl(sql);
		if (row->created_index == NULL)
			row->created_index = name;
		else
			row->created_second_index = name;
	}
}
