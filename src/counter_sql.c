/*
 * counter_sql.c
 *	  The statements that keep counters and times of parents.
 *
 * They run with the rights of the parent's owner and under the search_path of
 * whoever writes a row.  So every name is qualified, every operator is named
 * with its schema, and nothing is used that looks an operator up by its name:
 * IS DISTINCT FROM would.
 *
 * p is the parent, r a row that refers to it, d the changes: a row a key (k1,
 * k2, ...) with the number n of rows that came, negative for rows that went.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "counter_cache.h"
#include "key_operator.h"

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

static Oid
column_collation(Oid relid, const char *column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, require_column(relid, column, NULL), &type, &typmod, &collation);
	return collation;
}

/*
 * What has to stand behind a value of the child's key so that it is compared
 * as the parent's column is; "" when there is nothing to say.
 */
static char *
collate_as_parent(RelationDesc *desc, int i)
{
	Oid			parent = column_collation(desc->related, list_nth(desc->local_key, i));

	if (!OidIsValid(parent) ||
		parent == column_collation(desc->model, list_nth(desc->foreign_key, i)))
		return "";
	return collate_clause(parent);
}

/* The operator between a column of the parent's key and one of the child's. */
static char *
key_equality(RelationDesc *desc, int i)
{
	return strategy_operator(column_type(desc->related, list_nth(desc->local_key, i)),
							 column_type(desc->model, list_nth(desc->foreign_key, i)),
							 BTEqualStrategyNumber);
}

/* SELECT the key of rows, and what comes behind; rows that refer to none are left out. */
static void
append_rows(StringInfo buf, RelationDesc *desc, const char *number, const char *rows)
{
	ListCell   *lc;

	appendStringInfoString(buf, "SELECT ");
	foreach(lc, desc->foreign_key)
		appendStringInfo(buf, "r.%s%s AS k%d, ", quote_identifier(lfirst(lc)),
						 collate_as_parent(desc, foreach_current_index(lc)),
						 foreach_current_index(lc) + 1);
	appendStringInfo(buf, "%s AS n FROM %s AS r", number, rows);
	foreach(lc, desc->foreign_key)
		appendStringInfo(buf, "%sr.%s IS NOT NULL",
						 foreach_current_index(lc) == 0 ? " WHERE " : " AND ",
						 quote_identifier(lfirst(lc)));
}

static void
append_group(StringInfo buf, RelationDesc *desc)
{
	for (int i = 1; i <= list_length(desc->foreign_key); i++)
		appendStringInfo(buf, "%s%d", i == 1 ? " GROUP BY " : ", ", i);
}

/* The changes d that a statement made, in parentheses. */
static void
append_changes(StringInfo buf, RelationDesc *desc, CounterEvent event)
{
	appendStringInfoChar(buf, '(');
	switch (event)
	{
		case COUNTER_INSERT:
			append_rows(buf, desc, "pg_catalog.count(*)", COUNTER_NEW_ROWS);
			append_group(buf, desc);
			break;
		case COUNTER_DELETE:
			append_rows(buf, desc, "OPERATOR(pg_catalog.-) pg_catalog.count(*)", COUNTER_OLD_ROWS);
			append_group(buf, desc);
			break;
		case COUNTER_UPDATE:
			appendStringInfoString(buf, "SELECT ");
			for (int i = 1; i <= list_length(desc->foreign_key); i++)
				appendStringInfo(buf, "c.k%d, ", i);
			appendStringInfoString(buf, "pg_catalog.sum(c.n) AS n FROM (");
			append_rows(buf, desc, "1", COUNTER_NEW_ROWS);
			appendStringInfoString(buf, " UNION ALL ");
			append_rows(buf, desc, "(-1)", COUNTER_OLD_ROWS);
			appendStringInfoString(buf, ") AS c");
			append_group(buf, desc);
			if (desc->touch == NULL)
				appendStringInfoString(buf, " HAVING pg_catalog.sum(c.n) OPERATOR(pg_catalog.<>) 0");
			break;
	}
	appendStringInfoString(buf, ") AS d");
}

/* p's key = d's key */
static void
append_join(StringInfo buf, RelationDesc *desc)
{
	ListCell   *lc;

	foreach(lc, desc->local_key)
		appendStringInfo(buf, "%sp.%s %s d.k%d", foreach_current_index(lc) > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)),
						 key_equality(desc, foreach_current_index(lc)),
						 foreach_current_index(lc) + 1);
}

/* The time of the transaction, as the touched column holds it. */
static char *
now_as_touched(RelationDesc *desc)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(desc->related, require_column(desc->related, desc->touch, "touch"),
						  &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	return psprintf("CAST(pg_catalog.now() AS %s)", qualified_type_name(type, typmod));
}

/* Is a parent not yet touched by this transaction? */
static char *
is_untouched(RelationDesc *desc)
{
	return psprintf("COALESCE(p.%s OPERATOR(pg_catalog.<>) %s, true)",
					quote_identifier(desc->touch), now_as_touched(desc));
}

/*
 * Lock the parents of changed rows, in an order that is the same whatever
 * relation they are reached by: their primary key's.
 */
char *
counter_lock_sql(RelationDesc *desc, CounterEvent event)
{
	List	   *order = catalog_primary_key_columns(desc->related);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s AS p JOIN ", quoted_model_name(desc->related));
	append_changes(&buf, desc, event);
	appendStringInfoString(&buf, " ON ");
	append_join(&buf, desc);
	foreach(lc, order != NIL ? order : desc->local_key)
		appendStringInfo(&buf, "%sp.%s", foreach_current_index(lc) == 0 ? " ORDER BY " : ", ",
						 quote_identifier(lfirst(lc)));
	appendStringInfoString(&buf, " FOR NO KEY UPDATE OF p");
	return buf.data;
}

/*
 * Count and touch the parents of changed rows.  One that this transaction has
 * touched already is not touched again: that ends the circle when a table's
 * rows touch each other.
 */
char *
counter_change_sql(RelationDesc *desc, CounterEvent event)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET ", quoted_model_name(desc->related));
	if (desc->counter_cache != NULL)
	{
		const char *counter = quote_identifier(desc->counter_cache);

		appendStringInfo(&buf, "%s = COALESCE(p.%s, 0) OPERATOR(pg_catalog.+) d.n", counter, counter);
	}
	if (desc->touch != NULL)
		appendStringInfo(&buf, "%s%s = %s", desc->counter_cache != NULL ? ", " : "",
						 quote_identifier(desc->touch), now_as_touched(desc));
	appendStringInfoString(&buf, " FROM ");
	append_changes(&buf, desc, event);
	appendStringInfoString(&buf, " WHERE ");
	append_join(&buf, desc);
	if (desc->touch != NULL && desc->counter_cache != NULL)
		appendStringInfo(&buf, " AND (d.n OPERATOR(pg_catalog.<>) 0 OR %s)", is_untouched(desc));
	else if (desc->touch != NULL)
		appendStringInfo(&buf, " AND %s", is_untouched(desc));
	return buf.data;
}

/* The number of rows that there are, by key. */
char *
counter_counts_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_rows(&buf, desc, "pg_catalog.count(*)", quoted_model_name(desc->model));
	append_group(&buf, desc);
	return buf.data;
}

/* Set the counters that differ from those of COUNTER_COUNTS. */
char *
counter_set_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = d.n FROM %s AS d WHERE ",
					 quoted_model_name(desc->related), counter, COUNTER_COUNTS);
	append_join(&buf, desc);
	appendStringInfo(&buf, " AND COALESCE(p.%s OPERATOR(pg_catalog.<>) d.n, true)", counter);
	return buf.data;
}

/* Set the counters to 0 of those that are not in COUNTER_COUNTS. */
char *
counter_reset_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = 0 WHERE NOT EXISTS (SELECT 1 FROM %s AS d WHERE ",
					 quoted_model_name(desc->related), counter, COUNTER_COUNTS);
	append_join(&buf, desc);
	appendStringInfo(&buf, ") AND COALESCE(p.%s OPERATOR(pg_catalog.<>) 0, true)", counter);
	return buf.data;
}

/* How many counters differ from the number of rows that there are. */
char *
counter_drift_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM %s AS p LEFT JOIN (%s) AS d ON ",
					 quoted_model_name(desc->related), counter_counts_sql(desc));
	append_join(&buf, desc);
	appendStringInfo(&buf, " WHERE COALESCE(p.%s OPERATOR(pg_catalog.<>) COALESCE(d.n, 0), true)",
					 quote_identifier(desc->counter_cache));
	return buf.data;
}

/* Touch all parents. */
char *
counter_touch_all_sql(RelationDesc *desc)
{
	return psprintf("UPDATE %s AS p SET %s = %s WHERE %s", quoted_model_name(desc->related),
					quote_identifier(desc->touch), now_as_touched(desc), is_untouched(desc));
}

/* The number of rows that refer to the key $1, $2, ... of a parent. */
char *
counter_count_one_sql(RelationDesc *desc)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM %s AS r", quoted_model_name(desc->model));
	foreach(lc, desc->foreign_key)
	{
		int			i = foreach_current_index(lc);

		appendStringInfo(&buf, "%sr.%s %s ($%d%s)", i == 0 ? " WHERE " : " AND ",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(column_type(desc->model, lfirst(lc)),
										   column_type(desc->related, list_nth(desc->local_key, i)),
										   BTEqualStrategyNumber),
						 i + 1, collate_as_parent(desc, i));
	}
	return buf.data;
}

/* Set the counter of the parent with the key $1, $2, ... to what comes behind. */
char *
counter_set_one_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	int			n = list_length(desc->local_key) + 1;
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = $%d WHERE ", quoted_model_name(desc->related),
					 counter, n);
	foreach(lc, desc->local_key)
	{
		Oid			type = column_type(desc->related, lfirst(lc));

		appendStringInfo(&buf, "p.%s %s $%d AND ", quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber),
						 foreach_current_index(lc) + 1);
	}
	appendStringInfo(&buf, "COALESCE(p.%s OPERATOR(pg_catalog.<>) $%d, true)", counter, n);
	return buf.data;
}
