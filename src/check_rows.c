/*
 * check_rows.c
 *	  What the rows say: orphans, doubles, counters that have drifted.
 *
 * Statements run with the caller's rights, every operator found by its
 * meaning.  c is the table that holds the foreign key, p the one it points to.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "catalog_write.h"
#include "check.h"
#include "counter_cache.h"
#include "declaration.h"
#include "key_operator.h"

/*
 * Return why reading a relation would run functions of a role that the caller
 * does not trust, or use its foreign server; NULL if it would not.
 */
static const char *
why_strange(Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	const char *reason = NULL;
	ListCell   *lc;

	check_stack_depth();
	if ((relkind == RELKIND_VIEW || relkind == RELKIND_FOREIGN_TABLE) &&
		!relation_trusted(relid, GetUserId()))
		return relkind == RELKIND_VIEW ? "somebody else's functions may run in view"
			: "somebody else's server may be used by";
	if (!has_subclass(relid))
		return NULL;
	foreach(lc, find_inheritance_children(relid, NoLock))
	{
		if (reason == NULL)
			reason = why_strange(lfirst_oid(lc));
	}
	return reason;
}

/*
 * May the caller read all rows of the tables?  When not, a finding says so:
 * what he does not see would look like what is missing.
 */
bool
rows_readable(Check *check, List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		const char *reason = NULL;

		if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			reason = "permission denied for";
		else if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
			reason = "row-level security hides rows of";
		else
			reason = why_strange(relid);
		if (reason == NULL)
			continue;
		add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
					"rows were not looked at: %s \"%s\"", reason, model_name(relid));
		return false;
	}
	return true;
}

static bool
is_zero(char **row)
{
	return row == NULL || row[0] == NULL || strcmp(row[0], "0") == 0;
}

/* c.a IS NOT NULL AND ... */
static void
append_filled(StringInfo buf, const char *alias, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
		appendStringInfo(buf, "%s%s.%s IS NOT NULL", foreach_current_index(lc) > 0 ? " AND " : "",
						 alias, quote_identifier(lfirst(lc)));
}

static bool
all_nullable(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		HeapTuple	tup = SearchSysCacheAttName(relid, lfirst(lc));
		bool		nullable;

		if (!HeapTupleIsValid(tup))
			return false;
		nullable = !((Form_pg_attribute) GETSTRUCT(tup))->attnotnull;
		ReleaseSysCache(tup);
		if (!nullable)
			return false;
	}
	return true;
}

/* The statement that takes a reference away where a condition holds; NULL for views. */
static char *
clear_sql(Oid relid, List *columns, const char *condition)
{
	StringInfoData buf;
	ListCell   *lc;

	if (!is_plain_table(relid))
		return NULL;
	if (!all_nullable(relid, columns))
		return psprintf("DELETE FROM %s AS c WHERE %s", quoted_model_name(relid), condition);
	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS c SET ", quoted_model_name(relid));
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s = NULL", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
	appendStringInfo(&buf, " WHERE %s", condition);
	return buf.data;
}

/* The columns to clear: those that are generated of others are not set themselves. */
static List *
columns_to_clear(Check *check, RelationStep *step)
{
	MorphType  *type = check_morph_type(check, step);

	return type == NULL ? step->foreign_key : lcons(type->type_column, list_copy(type->id_columns));
}

/* Rows whose foreign key points to nothing, in a step that no constraint keeps. */
void
check_orphans(Check *check, RelationStep *step)
{
	Oid			child = STEP_CHILD(step);
	Oid			parent = STEP_PARENT(step);
	StringInfoData condition;
	char	  **row;
	ListCell   *f;
	ListCell   *l;

	forboth(f, step->foreign_key, l, step->local_key)
	{
		if (!OidIsValid(find_strategy_operator(get_atttype(parent, get_attnum(parent, lfirst(l))),
											   get_atttype(child, get_attnum(child, lfirst(f))),
											   BTEqualStrategyNumber)))
			return;				/* that has been told */
	}
	initStringInfo(&condition);
	append_filled(&condition, "c", step->foreign_key);
	appendStringInfo(&condition, " AND NOT EXISTS (SELECT FROM %s AS p WHERE ", quoted_model_name(parent));
	forboth(f, step->foreign_key, l, step->local_key)
		appendStringInfo(&condition, "%sp.%s %s c.%s", foreach_current_index(f) > 0 ? " AND " : "",
						 quote_identifier(lfirst(l)),
						 column_equality(parent, lfirst(l), child, lfirst(f)),
						 quote_identifier(lfirst(f)));
	appendStringInfoChar(&condition, ')');
	check_progress(check, "looking for orphans in", child);
	row = check_query_row(check, psprintf("SELECT pg_catalog.count(*) FROM %s AS c WHERE %s",
										  quoted_model_name(child), condition.data));
	if (!is_zero(row))
		add_finding(check, "orphans", SEVERITY_ERROR,
					clear_sql(child, columns_to_clear(check, step), condition.data),
					list_make1_oid(child), MENDED_BY_HAND,
					"rows of \"%s\" whose (%s) leads to no row of \"%s\": %s",
					model_name(child), format_column_list(step->foreign_key), model_name(parent), row[0]);
}

/*
 * Columns that should be unique and that nothing makes so.  deletable: the
 * rows after the first, in the order of the primary key, may be those that
 * are too many.
 */
void
check_unique(Check *check, Oid relid, List *columns, bool deletable)
{
	List	   *order = catalog_get_model(relid)->primary_key;
	char	  **row = NULL;
	StringInfoData filled;
	const char *missing;

	initStringInfo(&filled);
	append_filled(&filled, "c", columns);
	if (order != NIL && !columns_there(relid, order, &missing))
		order = NIL;
	if (check->readable)
	{
		check_progress(check, "looking for doubles in", relid);
		row = check_query_row(check, psprintf("SELECT pg_catalog.count(*) FROM (SELECT FROM %s AS c WHERE %s"
											  " GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1) AS d",
											  quoted_model_name(relid), filled.data, quoted_column_list(columns)));
	}
	if (!is_zero(row))
		add_finding(check, "duplicates", SEVERITY_ERROR,
					!deletable || !is_plain_table(relid) ? NULL
					: psprintf("DELETE FROM %s AS c USING (SELECT c.tableoid AS t, c.ctid AS i,"
							   " pg_catalog.row_number() OVER (PARTITION BY %s%s%s) AS n FROM %s AS c WHERE %s) AS d"
							   " WHERE d.n OPERATOR(pg_catalog.>) 1 AND c.tableoid OPERATOR(pg_catalog.=) d.t"
							   " AND c.ctid OPERATOR(pg_catalog.=) d.i",
							   quoted_model_name(relid), quoted_column_list(columns),
							   order != NIL ? " ORDER BY " : "", order != NIL ? quoted_column_list(order) : "",
							   quoted_model_name(relid), filled.data),
					list_make1_oid(relid), MENDED_BY_HAND, "values of (%s) that more than one row of \"%s\" has: %s",
					format_column_list(columns), model_name(relid), row[0]);
	else if (is_plain_table(relid))
		add_finding(check, "not_unique", SEVERITY_WARNING,
					psprintf("ALTER TABLE %s ADD UNIQUE (%s)", quoted_model_name(relid),
							 quoted_column_list(columns)),
					NO_CODE, MENDED_BY_REPAIR, "nothing keeps (%s) of \"%s\" unique: the relation is to-one",
					format_column_list(columns), model_name(relid));
}

/*
 * Return true if an UPDATE of a table, which is locked, defers a trigger that
 * somebody defined to the end of the transaction.
 */
static bool
has_deferred_trigger(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	TriggerDesc *triggers = rel->trigdesc;
	bool		result = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal && trigger->tginitdeferred &&
			trigger->tgenabled != TRIGGER_DISABLED && TRIGGER_FOR_UPDATE(trigger->tgtype))
			result = true;
	}
	table_close(rel, NoLock);
	return result;
}

/*
 * Counters that are not the number of rows.  recount runs the owner's triggers
 * as their owner, but deferred ones would fire later, as the caller.
 */
void
check_counter(Check *check)
{
	RelationDesc *desc = check->desc;
	List	   *code_of;
	const char *missing;
	char	  **row;

	if (desc->counter_cache == NULL ||
		!columns_there(desc->related, lappend(list_copy(desc->local_key), desc->counter_cache), &missing) ||
		!columns_there(desc->model, desc->foreign_key, &missing))
		return;
	check_progress(check, "counting", desc->model);
	row = check_query_row(check, counter_drift_sql(desc));
	code_of = has_deferred_trigger(desc->related) ? list_make1_oid(desc->related) : NO_CODE;
	if (!is_zero(row))
		add_finding(check, "counter_drift", SEVERITY_ERROR,
					call_statement("recount", desc->model, desc->name), code_of, MENDED_BY_REPAIR,
					"rows of \"%s\" whose \"%s\" is not the number of rows of \"%s\": %s",
					model_name(desc->related), desc->counter_cache, model_name(desc->model), row[0]);
}

/* Rows of types that a polymorphic reference does not know; known is SQL. */
void
check_unknown_types(Check *check, MorphType *type, const char *known)
{
	char	   *condition = psprintf("%s IS NOT NULL AND NOT %s", quote_identifier(type->type_column), known);
	char	  **row;

	check_progress(check, "looking for unknown types in", type->model);
	row = check_query_row(check, psprintf("SELECT pg_catalog.count(*) FROM %s AS c WHERE %s",
										  quoted_model_name(type->model), condition));
	if (!is_zero(row))
		add_finding(check, "unknown_types", SEVERITY_ERROR,
					clear_sql(type->model, lcons(type->type_column, list_copy(type->id_columns)), condition),
					list_make1_oid(type->model), MENDED_BY_HAND, "rows of \"%s\" of types that \"%s\" does not know: %s",
					model_name(type->model), type->morph, row[0]);
}
