/*
 * write_order.c
 *	  Rows are locked in the order of their keys.
 *
 * Two sessions that change several of the same rows wait for one another in a
 * circle when each begins with another row.  So what writes several rows of a
 * table locks them by primary key first, whatever order the document names
 * them in, and whatever plan finds them.  It is a courtesy: where the caller's
 * rights or the kind of table do not allow such a lock, rows are written
 * without it.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "key_operator.h"
#include "write_order.h"

/* By their primary keys, which are known. */
int
write_compare_keys(const WriteRow *a, const WriteRow *b)
{
	ListCell   *lc;

	foreach(lc, a->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		WriteColumn *column = &a->model->columns[write_model_column(a->model, lfirst(lc))];
		int			order = write_column_compare(column, a->key[i], b->key[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

typedef struct Ordered
{
	WriteRow   *row;
	int			place;
} Ordered;

static int
compare_ordered(const void *a, const void *b)
{
	const Ordered *one = a;
	const Ordered *other = b;
	int			order = write_compare_keys(one->row, other->row);

	return order != 0 ? order : one->place - other->place;
}

/* A new list of rows of one model, whose keys are known; of equal ones the first stays first. */
List *
write_rows_in_key_order(List *rows)
{
	int			n = list_length(rows);
	Ordered    *ordered = palloc(sizeof(Ordered) * Max(n, 1));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, rows)
	{
		ordered[foreach_current_index(lc)].row = lfirst(lc);
		ordered[foreach_current_index(lc)].place = foreach_current_index(lc);
	}
	qsort(ordered, n, sizeof(Ordered), compare_ordered);
	for (int i = 0; i < n; i++)
		result = lappend(result, ordered[i].row);
	pfree(ordered);
	return result;
}

/*
 * The rows of a pivot of links of one relation: first those that join rows that
 * were there, whose keys are known, in the order of these keys; then the others.
 */
List *
write_pivots_in_key_order(List *links)
{
	List	   *existing = NIL;
	List	   *result = NIL;
	List	   *others = NIL;
	HTAB	   *by_child;
	HASHCTL		ctl = {0};
	ListCell   *lc;
	ListCell   *c;
	ListCell   *p;
	struct PivotOf
	{
		WriteRow   *child;
		WriteRow   *pivot;
	}		   *entry;

	ctl.keysize = sizeof(WriteRow *);
	ctl.entrysize = sizeof(*entry);
	ctl.hcxt = CurrentMemoryContext;
	by_child = hash_create("relations pivots of rows", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, links)
	{
		WriteLink  *link = lfirst(lc);

		forboth(c, link->rows, p, link->pivots)
		{
			WriteRow   *child = lfirst(c);

			if (!child->existing)
			{
				others = lappend(others, lfirst(p));
				continue;
			}
			entry = hash_search(by_child, &child, HASH_ENTER, NULL);
			entry->pivot = lfirst(p);
			existing = lappend(existing, child);
		}
	}
	foreach(c, write_rows_in_key_order(existing))
	{
		WriteRow   *child = lfirst(c);

		entry = hash_search(by_child, &child, HASH_FIND, NULL);
		result = lappend(result, entry->pivot);
	}
	hash_destroy(by_child);
	return list_concat(result, others);
}

/*
 * The columns by which rows of a table can be locked in order, by the caller;
 * NIL when they cannot.  With deletes, rows that must not be updated could not
 * be deleted either, if they had to be locked.
 */
static List *
order_columns(Oid relid, bool deletes)
{
	char		relkind = get_rel_relkind(relid);
	List	   *columns;
	ListCell   *lc;

	if (relkind != RELKIND_PARTITIONED_TABLE && (relkind != RELKIND_RELATION || has_subclass(relid)))
		return NIL;
	/* not what relations.model() says: it must be unique */
	columns = catalog_primary_key_columns(relid);
	if (columns == NIL)
		return NIL;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_UPDATE) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_UPDATE, ACLMASK_ANY) != ACLCHECK_OK)
		return NIL;
	if (deletes && check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return NIL;
	foreach(lc, pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ? NIL : columns)
	{
		if (pg_attribute_aclcheck(relid, get_attnum(relid, lfirst(lc)), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return NIL;
	}
	return columns;
}

/* Append "ORDER BY key", and that rows are locked. */
static void
append_lock(WriteStatement *statement, List *columns, const char *alias, bool deletes)
{
	ListCell   *lc;

	foreach(lc, columns)
		appendStringInfo(&statement->sql, "%s%s.%s", foreach_current_index(lc) > 0 ? ", " : " ORDER BY ",
						 alias, quote_identifier(lfirst(lc)));
	appendStringInfo(&statement->sql, " FOR %sUPDATE OF %s", deletes ? "" : "NO KEY ", alias);
}

/*
 * Append what comes before the conditions of an UPDATE, or with deletes of a
 * DELETE, of several rows of alias: " WHERE ", or the beginning of a subquery
 * that locks them in order.  To be told statement_end_where, after them.
 */
bool
statement_begin_where(WriteStatement *statement, Oid relid, const char *alias, bool deletes)
{
	List	   *columns = order_columns(relid, deletes);
	ListCell   *lc;

	if (columns == NIL)
	{
		appendStringInfoString(&statement->sql, " WHERE ");
		return false;
	}
	appendStringInfoString(&statement->sql, deletes ? " USING (SELECT " : " FROM (SELECT ");
	foreach(lc, columns)
		appendStringInfo(&statement->sql, "%s%s.%s AS k%d", foreach_current_index(lc) > 0 ? ", " : "", alias,
						 quote_identifier(lfirst(lc)), foreach_current_index(lc));
	appendStringInfo(&statement->sql, " FROM %s AS %s WHERE ", quoted_model_name(relid), alias);
	return true;
}

/* Append what comes behind them. */
void
statement_end_where(WriteStatement *statement, Oid relid, const char *alias, bool deletes, bool ordered)
{
	List	   *columns = ordered ? order_columns(relid, deletes) : NIL;
	ListCell   *lc;

	if (!ordered)
		return;
	append_lock(statement, columns, alias, deletes);
	appendStringInfoString(&statement->sql, ") AS o WHERE ");
	foreach(lc, columns)
		appendStringInfo(&statement->sql, "%s%s.%s %s o.k%d", foreach_current_index(lc) > 0 ? " AND " : "", alias,
						 quote_identifier(lfirst(lc)), column_equality(relid, lfirst(lc), relid, lfirst(lc)),
						 foreach_current_index(lc));
}

/*
 * Lock rows of one model, whose keys are known, before they are written one by
 * one; with deletes as they are to be deleted.  Those that are not there are
 * passed over.  SPI must be connected.
 */
void
write_lock_rows(WriteRun *run, List *rows, bool deletes)
{
	WriteModel *model;
	List	   *columns;
	WriteStatement statement;
	StringInfoData condition;
	MemoryContext old;
	ListCell   *lc;

	if (list_length(rows) < 2)
		return;
	model = ((WriteRow *) linitial(rows))->model;
	columns = order_columns(model->relid, false);
	/* the rows are known by what relations.model() says */
	if (columns == NIL || list_length(columns) != list_length(model->desc->primary_key))
		return;
	old = MemoryContextSwitchTo(run->scratch);
	statement_init(&statement);
	initStringInfo(&condition);
	appendStringInfo(&statement.sql, "SELECT 1 FROM %s AS c, ROWS FROM (", quoted_model_name(model->relid));
	foreach(lc, model->desc->primary_key)
	{
		int			k = foreach_current_index(lc);
		Oid			type = model->columns[write_model_column(model, lfirst(lc))].base;
		Datum	   *values = palloc(sizeof(Datum) * list_length(rows));
		int16		len;
		bool		byval;
		char		align;
		ListCell   *r;

		foreach(r, rows)
			values[foreach_current_index(r)] = ((WriteRow *) lfirst(r))->key[k];
		get_typlenbyvalalign(type, &len, &byval, &align);
		appendStringInfoString(&statement.sql, k > 0 ? ", pg_catalog.unnest(" : "pg_catalog.unnest(");
		statement_param(&statement, get_array_type(type),
						PointerGetDatum(construct_array(values, list_length(rows), type, len, byval, align)), false);
		appendStringInfoChar(&statement.sql, ')');
		appendStringInfo(&condition, "%sc.%s %s x.k%d", k > 0 ? " AND " : "", quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber), k);
	}
	appendStringInfoString(&statement.sql, ") AS x(");
	foreach(lc, model->desc->primary_key)
		appendStringInfo(&statement.sql, "%sk%d", foreach_current_index(lc) > 0 ? ", " : "",
						 foreach_current_index(lc));
	appendStringInfo(&statement.sql, ") WHERE %s", condition.data);
	append_lock(&statement, columns, "c", deletes);
	(void) statement_run(&statement);
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}
