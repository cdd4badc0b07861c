/*
 * counter_recount_sql.c
 *	  The statements that count the rows of a relation anew.
 *
 * Like those of counter_sql.c they name every operator with its schema, for
 * they run with the rights of a table's owner.  p is the parent, r a row that
 * refers to it, d the number n of rows for each key (k1, k2, ...), x a key that
 * is to be counted.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "counter_plan.h"
#include "key_operator.h"

/* ---------------------------------------------------------------------
 * All rows of a relation
 * ---------------------------------------------------------------------
 */

/* Return the statement that counts the rows of the model, by key. */
char *
counter_counts_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	counter_append_rows(&buf, desc, quoted_columns(desc->foreign_key),
						", pg_catalog.count(*) AS n", quoted_model_name(desc->model));
	counter_append_group_by(&buf, list_length(desc->foreign_key));
	return buf.data;
}

/* Append the parents p with their number of rows in COUNTER_COUNTS, as d. */
static void
append_drift(StringInfo buf, RelationDesc *desc, const char *counts)
{
	appendStringInfo(buf, " FROM %s AS p LEFT JOIN %s AS d ON ", quoted_model_name(desc->related),
					 counts);
	counter_append_join(buf, desc);
	appendStringInfo(buf, " WHERE COALESCE(p.%s OPERATOR(pg_catalog.<>) COALESCE(d.n, 0), true)",
					 quote_identifier(desc->counter_cache));
}

/* Return the statement that locks the parents that COUNTER_COUNTS will change. */
char *
counter_lock_drift_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT 1");
	append_drift(&buf, desc, COUNTER_COUNTS);
	counter_append_order(&buf, counter_ordering_columns(desc->related), " ORDER BY ");
	return buf.data;
}

/* Return the statement that sets the counters of parents in COUNTER_COUNTS. */
char *
counter_set_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = d.n FROM %s AS d WHERE ",
					 quoted_model_name(desc->related), counter, COUNTER_COUNTS);
	counter_append_join(&buf, desc);
	appendStringInfo(&buf, " AND COALESCE(p.%s OPERATOR(pg_catalog.<>) d.n, true)", counter);
	return buf.data;
}

/* Return the statement that sets the counters of all other parents to 0. */
char *
counter_reset_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = 0 WHERE NOT EXISTS (SELECT 1 FROM %s AS d WHERE ",
					 quoted_model_name(desc->related), counter, COUNTER_COUNTS);
	counter_append_join(&buf, desc);
	appendStringInfo(&buf, ") AND COALESCE(p.%s OPERATOR(pg_catalog.<>) 0, true)", counter);
	return buf.data;
}

/* Return the statement that counts the counters that are wrong. */
char *
counter_drift_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT pg_catalog.count(*)");
	append_drift(&buf, desc, psprintf("(%s)", counter_counts_sql(desc)));
	return buf.data;
}

/* Return the statement that locks the parents that are to be touched, all of them. */
char *
counter_lock_all_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s AS p WHERE %s", quoted_model_name(desc->related),
					 counter_is_untouched(desc->related, desc->touch));
	counter_append_order(&buf, counter_ordering_columns(desc->related), " ORDER BY ");
	return buf.data;
}

/* Return the statement that touches all parents. */
char *
counter_touch_all_sql(RelationDesc *desc)
{
	return psprintf("UPDATE %s AS p SET %s = %s WHERE %s", quoted_model_name(desc->related),
					quote_identifier(desc->touch), counter_now_as(desc->related, desc->touch),
					counter_is_untouched(desc->related, desc->touch));
}

/* ---------------------------------------------------------------------
 * The rows of some parents
 *
 * Keys come from rows of the parent, or from rows that refer to it: then their
 * types are those of the foreign key.
 * ---------------------------------------------------------------------
 */

static Oid
key_type(RelationDesc *desc, int i, bool of_model)
{
	return of_model ? counter_column_type(desc->model, list_nth(desc->foreign_key, i))
		: counter_column_type(desc->related, list_nth(desc->local_key, i));
}

/* Append a condition: rows r refer to the key, of which key(i) is a column. */
static void
append_refers(StringInfo buf, RelationDesc *desc, bool of_model, const char *key, const char *before)
{
	ListCell   *lc;

	foreach(lc, desc->foreign_key)
	{
		int			i = foreach_current_index(lc);

		appendStringInfo(buf, "%sr.%s %s (%s%d%s)", i == 0 ? before : " AND ",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(counter_column_type(desc->model, lfirst(lc)),
										   key_type(desc, i, of_model), BTEqualStrategyNumber),
						 key, i + 1, counter_collation(desc, i));
	}
}

/* Append a condition: p has the key. */
static void
append_has_key(StringInfo buf, RelationDesc *desc, bool of_model, const char *key,
			   const char *before)
{
	ListCell   *lc;

	foreach(lc, desc->local_key)
	{
		int			i = foreach_current_index(lc);

		appendStringInfo(buf, "%sp.%s %s %s%d", i == 0 ? before : " AND ",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(counter_column_type(desc->related, lfirst(lc)),
										   key_type(desc, i, of_model), BTEqualStrategyNumber),
						 key, i + 1);
	}
}

/* Return the statement that counts the rows that refer to the key $1, $2, ... */
char *
counter_count_one_sql(RelationDesc *desc)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT pg_catalog.count(*) FROM %s AS r", quoted_model_name(desc->model));
	append_refers(&buf, desc, false, "$", " WHERE ");
	return buf.data;
}

/*
 * Return the statement that sets the counter of the parent with the key $1,
 * $2, ... to the parameter after them.
 */
char *
counter_set_one_sql(RelationDesc *desc)
{
	const char *counter = quote_identifier(desc->counter_cache);
	int			n = list_length(desc->local_key) + 1;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = $%d", quoted_model_name(desc->related),
					 counter, n);
	append_has_key(&buf, desc, false, "$", " WHERE ");
	appendStringInfo(&buf, " AND COALESCE(p.%s OPERATOR(pg_catalog.<>) $%d, true)", counter, n);
	return buf.data;
}

/* Append the keys k1, ... of COUNTER_KEYS, each once. */
static void
append_keys(StringInfo buf, int nkeys)
{
	appendStringInfoString(buf, "(SELECT ");
	for (int i = 1; i <= nkeys; i++)
		appendStringInfo(buf, "%sk%d", i > 1 ? ", " : "", i);
	appendStringInfo(buf, " FROM %s", COUNTER_KEYS);
	counter_append_group_by(buf, nkeys);
	appendStringInfoString(buf, ") AS x");
}

/* Return the statement that locks the parents with COUNTER_KEYS. */
char *
counter_lock_keys_sql(RelationDesc *desc, bool of_model)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s AS p JOIN ", quoted_model_name(desc->related));
	append_keys(&buf, list_length(desc->local_key));
	append_has_key(&buf, desc, of_model, "x.k", " ON ");
	counter_append_order(&buf, counter_ordering_columns(desc->related), " ORDER BY ");
	return buf.data;
}

/* Return the statement that locks the rows of a table with COUNTER_KEYS, its ordering key. */
char *
counter_lock_found_sql(CounterTable *table)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s AS p JOIN ", quoted_model_name(table->relid));
	append_keys(&buf, list_length(table->key));
	foreach(lc, table->key)
	{
		Oid			type = counter_column_type(table->relid, lfirst(lc));

		appendStringInfo(&buf, "%sp.%s %s x.k%d", foreach_current_index(lc) == 0 ? " ON " : " AND ",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber),
						 foreach_current_index(lc) + 1);
	}
	counter_append_order(&buf, table->key, " ORDER BY ");
	return buf.data;
}

/* Return the statement that counts the rows that refer to COUNTER_KEYS. */
char *
counter_count_keys_sql(RelationDesc *desc, bool of_model)
{
	int			nkeys = list_length(desc->local_key);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 1; i <= nkeys; i++)
		appendStringInfo(&buf, "x.k%d, ", i);
	appendStringInfo(&buf, "pg_catalog.count(r.%s) AS n FROM ",
					 quote_identifier(linitial(desc->foreign_key)));
	append_keys(&buf, list_length(desc->local_key));
	appendStringInfo(&buf, " LEFT JOIN %s AS r", quoted_model_name(desc->model));
	append_refers(&buf, desc, of_model, "x.k", " ON ");
	counter_append_group_by(&buf, nkeys);
	return buf.data;
}

/* Return the statement that sets the counters of the parents in COUNTER_COUNTS. */
char *
counter_set_keys_sql(RelationDesc *desc, bool of_model)
{
	const char *counter = quote_identifier(desc->counter_cache);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET %s = d.n FROM %s AS d",
					 quoted_model_name(desc->related), counter, COUNTER_COUNTS);
	append_has_key(&buf, desc, of_model, "d.k", " WHERE ");
	appendStringInfo(&buf, " AND COALESCE(p.%s OPERATOR(pg_catalog.<>) d.n, true)", counter);
	return buf.data;
}
