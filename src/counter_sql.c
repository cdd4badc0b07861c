/*
 * counter_sql.c
 *	  The statements that keep counters and times of parents.
 *
 * They run with the rights of the parent's owner and under the search_path of
 * whoever writes a row.  So every name is qualified, every operator is named
 * with its schema, and nothing is used that looks an operator up by its name:
 * IS DISTINCT FROM would.
 *
 * In the statements, p is the parent, r a row that refers to it, and d the
 * changes of a group: one row for each key (k1, k2, ...) of a parent: the number of rows
 * that came or, if negative, went, for each counter (n1, n2, ...), and the
 * number of rows that touch a column (t1, t2, ...), unless all rows touch it.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "counter_plan.h"
#include "key_operator.h"

/* Return the type of a column. */
Oid
counter_column_type(Oid relid, const char *column)
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
char *
counter_collation(RelationDesc *desc, int i)
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
	return strategy_operator(counter_column_type(desc->related, list_nth(desc->local_key, i)),
							 counter_column_type(desc->model, list_nth(desc->foreign_key, i)),
							 BTEqualStrategyNumber);
}

/* Return the names of columns as SQL. */
List *
quoted_columns(List *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
		result = lappend(result, pstrdup(quote_identifier(lfirst(lc))));
	return result;
}

/*
 * Append a SELECT of the keys of rows.  The columns are those of the foreign
 * key in the rows, as SQL; numbers is appended to them.  Rows that refer to no
 * parent are left out.
 */
void
counter_append_rows(StringInfo buf, RelationDesc *desc, List *columns, const char *numbers,
			const char *rows)
{
	ListCell   *lc;

	appendStringInfoString(buf, "SELECT ");
	foreach(lc, columns)
		appendStringInfo(buf, "%sr.%s%s AS k%d", foreach_current_index(lc) > 0 ? ", " : "",
						 (char *) lfirst(lc), counter_collation(desc, foreach_current_index(lc)),
						 foreach_current_index(lc) + 1);
	appendStringInfo(buf, "%s FROM %s AS r", numbers, rows);
	foreach(lc, columns)
		appendStringInfo(buf, "%sr.%s IS NOT NULL",
						 foreach_current_index(lc) == 0 ? " WHERE " : " AND ",
						 (char *) lfirst(lc));
}

void
counter_append_group_by(StringInfo buf, int ncolumns)
{
	for (int i = 1; i <= ncolumns; i++)
		appendStringInfo(buf, "%s%d", i == 1 ? " GROUP BY " : ", ", i);
}

/* Append a condition: the key of p is the key of d. */
void
counter_append_join(StringInfo buf, RelationDesc *desc)
{
	ListCell   *lc;

	foreach(lc, desc->local_key)
		appendStringInfo(buf, "%sp.%s %s d.k%d", foreach_current_index(lc) > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)),
						 key_equality(desc, foreach_current_index(lc)),
						 foreach_current_index(lc) + 1);
}

/* Return the time of the transaction, as a touched column holds it. */
char *
counter_now_as(Oid relid, const char *column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, require_column(relid, column, "touch"),
						  &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	return psprintf("CAST(pg_catalog.now() AS %s)", qualified_type_name(type, typmod));
}

/* Return a condition: this transaction has not touched the parent yet. */
char *
counter_is_untouched(Oid relid, const char *column)
{
	return psprintf("COALESCE(p.%s OPERATOR(pg_catalog.<>) %s, true)",
					quote_identifier(column), counter_now_as(relid, column));
}

/* ---------------------------------------------------------------------
 * The changes of a group of relations
 * ---------------------------------------------------------------------
 */

/* A column of a parent table that a group of relations sets. */
typedef struct ChangedColumn
{
	char	   *name;
	bool		always;			/* do all sources touch it? */
} ChangedColumn;

typedef struct Changes
{
	Oid			relid;			/* the parent table */
	RelationDesc *reference;	/* one of the relations: they have one key */
	CounterEvent event;
	List	   *sources;
	List	   *counters;		/* of ChangedColumn */
	List	   *touched;		/* of ChangedColumn */
} Changes;

/* The rows of one source: their name, and the sign with which they count. */
typedef struct SourceRows
{
	CounterSource *source;
	int			sign;			/* 0 if they touch only */
	char	   *name;
} SourceRows;

static bool
same_column(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void
add_changed_column(List **columns, char *name)
{
	ChangedColumn *column;
	ListCell   *lc;

	if (name == NULL)
		return;
	foreach(lc, *columns)
	{
		if (same_column(((ChangedColumn *) lfirst(lc))->name, name))
			return;
	}
	column = palloc0(sizeof(ChangedColumn));
	column->name = name;
	column->always = true;
	*columns = lappend(*columns, column);
}

/* Return the changes of a group by some of its sources, or NULL if it has none. */
static Changes *
group_changes(CounterTable *table, CounterGroup *group, CounterEvent event,
			  CounterSources sources)
{
	Changes    *changes = palloc0(sizeof(Changes));
	ListCell   *lc;
	ListCell   *column;

	changes->relid = table->relid;
	changes->event = event;
	foreach(lc, group->sources)
	{
		CounterSource *source = lfirst(lc);

		if ((sources == SOURCES_OUTSIDE && source->inside) ||
			(sources == SOURCES_DIRECT && source->below >= 0))
			continue;
		changes->reference = source->desc;
		changes->sources = lappend(changes->sources, source);
		add_changed_column(&changes->counters, source->desc->counter_cache);
		add_changed_column(&changes->touched, source->desc->touch);
	}
	foreach(column, changes->touched)
	{
		ChangedColumn *touched = lfirst(column);

		foreach(lc, changes->sources)
		{
			if (!same_column(((CounterSource *) lfirst(lc))->desc->touch, touched->name))
				touched->always = false;
		}
	}
	return changes->sources == NIL ? NULL : changes;
}

static List *
add_rows(List *rows, CounterSource *source, int sign, char *name)
{
	SourceRows *result = palloc(sizeof(SourceRows));

	result->source = source;
	result->sign = sign;
	result->name = name;
	return lappend(rows, result);
}

/* Return the rows of all sources, a list of SourceRows. */
static List *
changed_rows(Changes *changes)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, changes->sources)
	{
		CounterSource *source = lfirst(lc);

		if (source->below >= 0)
		{
			result = add_rows(result, source, 0, counter_rows_name(source->below));
			continue;
		}
		if (changes->event != COUNTER_DELETE)
			result = add_rows(result, source, 1, COUNTER_NEW_ROWS);
		if (changes->event != COUNTER_INSERT)
			result = add_rows(result, source, -1, COUNTER_OLD_ROWS);
		if (changes->event == COUNTER_SEVERAL)
		{
			result = add_rows(result, source, 1, COUNTER_UPDATED_NEW_ROWS);
			result = add_rows(result, source, -1, COUNTER_UPDATED_OLD_ROWS);
		}
	}
	return result;
}

/* Append the changes by rows of one kind: these are counted where they are read. */
static void
append_one_kind(StringInfo buf, Changes *changes, SourceRows *rows)
{
	CounterSource *source = rows->source;
	const char *numbers = "";

	if (changes->counters != NIL)
		numbers = rows->sign > 0 ? ", pg_catalog.count(*) AS n1"
			: ", OPERATOR(pg_catalog.-) pg_catalog.count(*) AS n1";
	counter_append_rows(buf, source->desc, source->columns, numbers, rows->name);
	counter_append_group_by(buf, list_length(source->columns));
}

/* Append the rows of one kind as a branch of the rows of all kinds. */
static void
append_branch(StringInfo buf, Changes *changes, SourceRows *rows)
{
	CounterSource *source = rows->source;
	StringInfoData numbers;
	ListCell   *lc;

	initStringInfo(&numbers);
	foreach(lc, changes->counters)
	{
		ChangedColumn *counter = lfirst(lc);
		int			sign = same_column(source->desc->counter_cache, counter->name) ? rows->sign : 0;

		appendStringInfo(&numbers, ", (%d) AS n%d", sign, foreach_current_index(lc) + 1);
	}
	foreach(lc, changes->touched)
	{
		ChangedColumn *touched = lfirst(lc);

		if (!touched->always)
			appendStringInfo(&numbers, ", %d AS t%d",
							 same_column(source->desc->touch, touched->name) ? 1 : 0,
							 foreach_current_index(lc) + 1);
	}
	counter_append_rows(buf, source->desc, source->columns, numbers.data, rows->name);
}

/* Append the changes by rows of several kinds. */
static void
append_all_kinds(StringInfo buf, Changes *changes, List *kinds)
{
	int			nkeys = list_length(changes->reference->local_key);
	ListCell   *lc;

	appendStringInfoString(buf, "SELECT ");
	for (int i = 1; i <= nkeys; i++)
		appendStringInfo(buf, "%sc.k%d", i > 1 ? ", " : "", i);
	foreach(lc, changes->counters)
		appendStringInfo(buf, ", pg_catalog.sum(c.n%d) AS n%d", foreach_current_index(lc) + 1,
						 foreach_current_index(lc) + 1);
	foreach(lc, changes->touched)
	{
		if (!((ChangedColumn *) lfirst(lc))->always)
			appendStringInfo(buf, ", pg_catalog.sum(c.t%d) AS t%d", foreach_current_index(lc) + 1,
							 foreach_current_index(lc) + 1);
	}
	appendStringInfoString(buf, " FROM (");
	foreach(lc, kinds)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, " UNION ALL ");
		append_branch(buf, changes, lfirst(lc));
	}
	appendStringInfoString(buf, ") AS c");
	counter_append_group_by(buf, nkeys);
	/* what is touched besides is tested with the parent */
	if (changes->touched == NIL &&
		(changes->event == COUNTER_UPDATE || changes->event == COUNTER_SEVERAL))
	{
		foreach(lc, changes->counters)
			appendStringInfo(buf, "%spg_catalog.sum(c.n%d) OPERATOR(pg_catalog.<>) 0",
							 foreach_current_index(lc) == 0 ? " HAVING " : " OR ",
							 foreach_current_index(lc) + 1);
	}
}

static void
append_changes(StringInfo buf, Changes *changes)
{
	List	   *kinds = changed_rows(changes);

	if (list_length(kinds) == 1)
		append_one_kind(buf, changes, linitial(kinds));
	else
		append_all_kinds(buf, changes, kinds);
}

/*
 * Return the statement that computes the changes of a group by some of its
 * sources.  Its rows are registered under the name counter_changes_name() for
 * the statements that lock and change parents.
 */
char *
counter_changes_sql(CounterTable *table, CounterGroup *group, CounterEvent event,
					CounterSources sources)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_changes(&buf, group_changes(table, group, event, sources));
	return buf.data;
}

/*
 * Append a condition: the changes change the parent.  One that this
 * transaction has touched is not touched again: that ends the circle when the
 * rows of a table touch each other.
 */
static void
append_is_changed(StringInfo buf, Changes *changes, const char *before)
{
	const char *between = "";
	ListCell   *lc;

	if (changes->touched == NIL)
		return;
	appendStringInfo(buf, "%s(", before);
	foreach(lc, changes->counters)
	{
		appendStringInfo(buf, "%sd.n%d OPERATOR(pg_catalog.<>) 0", between,
						 foreach_current_index(lc) + 1);
		between = " OR ";
	}
	foreach(lc, changes->touched)
	{
		ChangedColumn *touched = lfirst(lc);

		appendStringInfoString(buf, between);
		if (!touched->always)
			appendStringInfo(buf, "d.t%d OPERATOR(pg_catalog.>) 0 AND ",
							 foreach_current_index(lc) + 1);
		appendStringInfoString(buf, counter_is_untouched(changes->relid, touched->name));
		between = " OR ";
	}
	appendStringInfoChar(buf, ')');
}

/*
 * Append the parents p that the changes change, from FROM on.  Unless the
 * statement is to compute the changes, they are registered.
 */
static void
append_changed_parents(StringInfo buf, CounterTable *table, CounterGroup *group, Changes *changes,
					   bool compute)
{
	appendStringInfo(buf, " FROM %s AS p JOIN ", quoted_model_name(changes->relid));
	if (compute)
	{
		appendStringInfoChar(buf, '(');
		append_changes(buf, changes);
		appendStringInfoChar(buf, ')');
	}
	else
		appendStringInfoString(buf, counter_changes_name(table, group));
	appendStringInfoString(buf, " AS d ON ");
	counter_append_join(buf, changes->reference);
	append_is_changed(buf, changes, " WHERE ");
}

/* ---------------------------------------------------------------------
 * Locking parents
 * ---------------------------------------------------------------------
 */

/* The names of sets of rows that are registered for the statements. */
char *
counter_changes_name(CounterTable *table, CounterGroup *group)
{
	return psprintf("relations_changes_%d_%d", table->no, group->no);
}

char *
counter_rows_name(int no)
{
	return psprintf("relations_rows_%d", no);
}

char *
counter_step_name(int no)
{
	return psprintf("relations_step_%d", no);
}

char *
counter_ranked_name(int no)
{
	return psprintf("relations_ranked_%d", no);
}

/* Append columns of an alias, named by a letter and their number. */
static void
append_numbered(StringInfo buf, const char *before, const char *alias, List *columns, char letter)
{
	ListCell   *lc;

	foreach(lc, columns)
		appendStringInfo(buf, "%s%s.%s AS %c%d", foreach_current_index(lc) == 0 ? before : ", ",
						 alias, quote_identifier(lfirst(lc)), letter,
						 foreach_current_index(lc) + 1);
}

/* Append a condition: the ordering key of p is columns r.i1, ... */
static void
append_same_row(StringInfo buf, CounterTable *table)
{
	ListCell   *lc;

	foreach(lc, table->key)
	{
		Oid			type = counter_column_type(table->relid, lfirst(lc));

		appendStringInfo(buf, "%sp.%s %s r.i%d", foreach_current_index(lc) > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber),
						 foreach_current_index(lc) + 1);
	}
}

/* Append the order in which rows of a table are locked, and the lock. */
void
counter_append_order(StringInfo buf, List *key, const char *before)
{
	ListCell   *lc;

	foreach(lc, key)
		appendStringInfo(buf, "%sp.%s", foreach_current_index(lc) == 0 ? before : ", ",
						 quote_identifier(lfirst(lc)));
	appendStringInfoString(buf, " FOR NO KEY UPDATE OF p");
}

/* Append the columns of the changes d. */
static void
append_changes_columns(StringInfo buf, Changes *changes)
{
	ListCell   *lc;

	for (int i = 1; i <= list_length(changes->reference->local_key); i++)
		appendStringInfo(buf, ", d.k%d", i);
	foreach(lc, changes->counters)
		appendStringInfo(buf, ", d.n%d", foreach_current_index(lc) + 1);
	foreach(lc, changes->touched)
	{
		if (!((ChangedColumn *) lfirst(lc))->always)
			appendStringInfo(buf, ", d.t%d", foreach_current_index(lc) + 1);
	}
}

/*
 * Append a SELECT of the keys of the parents that groups of changes change, by
 * some of their sources.  Unless the statement is to compute the changes, they
 * are registered.
 */
static void
append_found_parents(StringInfo buf, CounterTable *table, CounterEvent event, char letter,
					 CounterSources sources, bool compute)
{
	const char *before = "SELECT ";
	ListCell   *lc;

	foreach(lc, table->groups)
	{
		Changes    *changes = group_changes(table, lfirst(lc), event, sources);

		if (changes == NULL)
			continue;
		append_numbered(buf, before, "p", table->key, letter);
		append_changed_parents(buf, table, lfirst(lc), changes, compute);
		before = " UNION SELECT ";
	}
}

/*
 * Return the statement that finds the parents of the statement's rows that are
 * to be changed, by their keys.
 */
char *
counter_find_sql(CounterTable *table, CounterEvent event)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_found_parents(&buf, table, event, 'k', SOURCES_DIRECT, true);
	return buf.data;
}

/*
 * Return the statement that locks the rows of a parent table that are to be
 * changed, in the order of the table's key.  It returns the carried columns,
 * and their changes if it computes these at once.
 */
char *
counter_lock_sql(CounterTable *table, CounterEvent event)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	append_numbered(&buf, "", "p", table->carried, 'c');
	if (table->carried == NIL)
		appendStringInfoString(&buf, "1 AS one");
	if (list_length(table->groups) == 1)
	{
		CounterGroup *group = linitial(table->groups);
		Changes    *changes = group_changes(table, group, event, SOURCES_ALL);

		if (table->at_once)
			append_changes_columns(&buf, changes);
		append_changed_parents(&buf, table, group, changes, table->at_once);
	}
	else
	{
		/* by several keys: find the rows first */
		appendStringInfo(&buf, " FROM %s AS p JOIN (", quoted_model_name(table->relid));
		append_found_parents(&buf, table, event, 'i', SOURCES_ALL, false);
		appendStringInfoString(&buf, ") AS r ON ");
		append_same_row(&buf, table);
	}
	counter_append_order(&buf, table->key, " ORDER BY ");
	return buf.data;
}

/*
 * Return the statement that finds rows of a table in a circle by the changes
 * of a group, but not by those from inside the circle; NULL if there are none.
 * It returns the columns that counter_step_sql() returns.
 */
char *
counter_direct_sql(CounterTable *table, CounterGroup *group, CounterEvent event)
{
	Changes    *changes = group_changes(table, group, event, SOURCES_OUTSIDE);
	StringInfoData buf;

	if (changes == NULL)
		return NULL;
	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT 0 AS no, true AS touches, p.tableoid, p.ctid");
	append_numbered(&buf, ", ", "p", table->key, 'i');
	append_numbered(&buf, ", ", "p", table->carried, 'c');
	append_changed_parents(&buf, table, group, changes, false);
	return buf.data;
}

/*
 * Return the statement that finds the rows of a table that rows of a table in
 * the same circle refer to: with the number of the row that refers, and
 * whether that touches the row.
 */
char *
counter_step_sql(CounterTable *from, CounterStep *step, CounterTable *to)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT r.no, %s AS touches, p.tableoid, p.ctid",
					 step->touches ? counter_is_untouched(to->relid, step->desc->touch) : "false");
	append_numbered(&buf, ", ", "p", to->key, 'i');
	append_numbered(&buf, ", ", "p", to->carried, 'c');
	appendStringInfo(&buf, " FROM %s AS r JOIN %s AS p ON ", counter_step_name(from->no),
					 quoted_model_name(to->relid));
	foreach(lc, step->desc->local_key)
	{
		int			i = foreach_current_index(lc);

		appendStringInfo(&buf, "%sp.%s %s r.%s%s", i > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)), key_equality(step->desc, i),
						 (char *) list_nth(step->columns, i), counter_collation(step->desc, i));
	}
	return buf.data;
}

/* Return the statement that locks ranked rows of a table in a circle. */
char *
counter_lock_ranked_sql(CounterTable *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT 1 FROM %s AS p JOIN %s AS r ON ",
					 quoted_model_name(table->relid), counter_ranked_name(table->no));
	append_same_row(&buf, table);
	counter_append_order(&buf, table->key, " ORDER BY r.rank DESC, ");
	return buf.data;
}

/* ---------------------------------------------------------------------
 * Changing parents
 * ---------------------------------------------------------------------
 */

/* Append the new values of the columns that a group changes. */
static void
append_set(StringInfo buf, Changes *changes)
{
	const char *between = "";
	ListCell   *lc;

	foreach(lc, changes->counters)
	{
		const char *counter = quote_identifier(((ChangedColumn *) lfirst(lc))->name);

		appendStringInfo(buf, "%s%s = COALESCE(p.%s, 0) OPERATOR(pg_catalog.+) d.n%d", between,
						 counter, counter, foreach_current_index(lc) + 1);
		between = ", ";
	}
	foreach(lc, changes->touched)
	{
		ChangedColumn *touched = lfirst(lc);
		const char *column = quote_identifier(touched->name);

		appendStringInfo(buf, "%s%s = ", between, column);
		if (touched->always)
			appendStringInfoString(buf, counter_now_as(changes->relid, touched->name));
		else
			appendStringInfo(buf, "CASE WHEN d.t%d OPERATOR(pg_catalog.>) 0 THEN %s ELSE p.%s END",
							 foreach_current_index(lc) + 1,
							 counter_now_as(changes->relid, touched->name), column);
		between = ", ";
	}
}

/* Return the statement that counts for, and touches, the parents of a group. */
char *
counter_change_sql(CounterTable *table, CounterGroup *group, CounterEvent event)
{
	Changes    *changes = group_changes(table, group, event, SOURCES_ALL);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET ", quoted_model_name(table->relid));
	append_set(&buf, changes);
	appendStringInfo(&buf, " FROM %s AS d WHERE ", table->at_once ? counter_rows_name(table->no)
					 : counter_changes_name(table, group));
	counter_append_join(&buf, changes->reference);
	append_is_changed(&buf, changes, " AND ");
	return buf.data;
}

/*
 * Return the statement that counts for, and touches, the parent of a single
 * row that came or went: the one with the key $1, $2, ...
 */
char *
counter_alone_sql(RelationDesc *desc, CounterEvent event)
{
	const char *between = "";
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS p SET ", quoted_model_name(desc->related));
	if (desc->counter_cache != NULL)
	{
		const char *counter = quote_identifier(desc->counter_cache);

		appendStringInfo(&buf, "%s = COALESCE(p.%s, 0) OPERATOR(pg_catalog.%s) 1", counter, counter,
						 event == COUNTER_DELETE ? "-" : "+");
		between = ", ";
	}
	if (desc->touch != NULL)
		appendStringInfo(&buf, "%s%s = %s", between, quote_identifier(desc->touch),
						 counter_now_as(desc->related, desc->touch));
	foreach(lc, desc->local_key)
	{
		int			i = foreach_current_index(lc);

		appendStringInfo(&buf, "%sp.%s %s ($%d%s)", i == 0 ? " WHERE " : " AND ",
						 quote_identifier(lfirst(lc)), key_equality(desc, i), i + 1,
						 counter_collation(desc, i));
	}
	if (desc->counter_cache == NULL)
		appendStringInfo(&buf, " AND %s", counter_is_untouched(desc->related, desc->touch));
	return buf.data;
}

/*
 * Return the statement that finds the keys of a group's changes that rows of a
 * relation refer to, but no parent has.
 */
char *
counter_missing_sql(CounterTable *table, CounterGroup *group, CounterEvent event,
					RelationDesc *desc)
{
	Changes    *changes = group_changes(table, group, event, SOURCES_ALL);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	for (int i = 1; i <= list_length(desc->local_key); i++)
		appendStringInfo(&buf, "%sd.k%d", i > 1 ? ", " : "", i);
	appendStringInfo(&buf, " FROM %s AS d WHERE ", counter_changes_name(table, group));
	foreach(lc, changes->counters)
	{
		if (same_column(((ChangedColumn *) lfirst(lc))->name, desc->counter_cache))
			appendStringInfo(&buf, "d.n%d OPERATOR(pg_catalog.>) 0 AND ",
							 foreach_current_index(lc) + 1);
	}
	appendStringInfo(&buf, "NOT EXISTS (SELECT 1 FROM %s AS p WHERE ", quoted_model_name(table->relid));
	counter_append_join(&buf, desc);
	appendStringInfoChar(&buf, ')');
	return buf.data;
}
