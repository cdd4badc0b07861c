/*
 * counter_cache.c
 *	  counter_cache and touch: keeping counters and times of parents.
 *
 * Statement triggers on the tables of models with such relations hand the rows
 * of a statement to counter_rows.  It counts them by key first, locks all
 * parents in one order (see counter_order.c), and then changes each parent
 * once, with the rights of the parent's owner, as a foreign key does: who may
 * write a row need not be allowed to write its parent.
 */
#include "relations.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"

#include "as_owner.h"
#include "counter_plan.h"

/* plans of statements with more rows are not cached: they would not suit few */
#define MANY_ROWS 1000

/* Report for which relation parents are changed. */
static void
counting_error_context(void *arg)
{
	RelationDesc *desc = arg;

	errcontext("%s of relation \"%s\" of model \"%s\"",
			   desc->counter_cache != NULL ? "counter_cache" : "touch",
			   desc->name, desc->model_name);
}

/* Raise an internal error if a call of SPI has failed. */
void
counter_check_spi(int rc, const char *function)
{
	if (rc < 0)
		elog(ERROR, "%s failed: %s", function, SPI_result_code_string(rc));
}

/* ---------------------------------------------------------------------
 * Rows that came and went
 * ---------------------------------------------------------------------
 */

static SPIPlanPtr
prepare(const char *sql, int nargs, Oid *types, int options, bool keep)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, types, options);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (keep)
		SPI_keepplan(plan);
	return plan;
}

/* Prepare a statement, to be cached or until SPI_finish(). */
SPIPlanPtr
counter_prepare(const char *sql, bool keep)
{
	return prepare(sql, 0, NULL, 0, keep);
}

/* Prepare a statement with parameters, to be cached. */
SPIPlanPtr
counter_prepare_args(const char *sql, int nargs, Oid *types)
{
	return prepare(sql, nargs, types, CURSOR_OPT_GENERIC_PLAN, true);
}

/* Return the descriptor of what a statement returns, palloc'd. */
TupleDesc
counter_result_desc(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	return CreateTupleDescCopy(source->resultDesc);
}

/*
 * Execute a statement.  Returns the number of rows that it locked or changed.
 * What it returns is stored in result, or dropped if that is NULL.
 */
uint64
counter_execute(SPIPlanPtr plan, Tuplestorestate *result)
{
	SPIExecuteOptions options = {0};

	if (result == NULL)
		options.dest = CreateDestReceiver(DestNone);
	else
	{
		options.dest = CreateDestReceiver(DestTuplestore);
		SetTuplestoreDestReceiverParams(options.dest, result, CurrentMemoryContext, false, NULL, NULL);
	}
	counter_check_spi(SPI_execute_plan_extended(plan, &options), "SPI_execute_plan_extended");
	return SPI_processed;
}

/* Execute a statement, and add the keys that it returns unless they are null. */
static void
execute_keys(SPIPlanPtr plan, ParentKeys *keys)
{
	SPITupleTable *found;
	Datum	   *values = palloc(sizeof(Datum) * keys->nkeys);

	counter_check_spi(SPI_execute_plan(plan, NULL, NULL, false, 0), "SPI_execute_plan");
	found = SPI_tuptable;
	for (uint64 i = 0; i < found->numvals; i++)
	{
		bool		isnull = false;

		for (int k = 0; k < keys->nkeys && !isnull; k++)
			values[k] = SPI_getbinval(found->vals[i], found->tupdesc, k + 1, &isnull);
		if (!isnull)
			parent_keys_add(keys, values);
	}
	SPI_freetuptable(found);
}

/* Register rows for statements, as a table of this name. */
void
counter_register_rows(char *name, TupleDesc desc, Tuplestorestate *store)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	enr->md.name = name;
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(store);
	enr->reldata = store;
	counter_check_spi(SPI_register_relation(enr), "SPI_register_relation");
}

/* Unregister rows, and free them. */
void
counter_withdraw_rows(char *name, Tuplestorestate *store)
{
	counter_check_spi(SPI_unregister_relation(name), "SPI_unregister_relation");
	tuplestore_end(store);
}

/* Errors report for which relation parents are locked and changed. */
void
counter_begin_relation(RelationDesc *desc, ErrorContextCallback *errcallback)
{
	errcallback->callback = counting_error_context;
	errcallback->arg = desc;
	errcallback->previous = error_context_stack;
	error_context_stack = errcallback;
}

static void
begin_table(CounterTable *table, ErrorContextCallback *errcallback)
{
	CounterGroup *group = linitial(table->groups);

	counter_begin_relation(((CounterSource *) linitial(group->sources))->desc, errcallback);
}

/* Compute the changes of a group, and register them. */
Tuplestorestate *
counter_compute_changes(CounterRun *run, CounterTable *table, CounterGroup *group,
						CounterSources sources)
{
	SPIPlanPtr *kept = sources == SOURCES_ALL ? &group->changes : &group->outside;
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	SPIPlanPtr	plan;

	plan = COUNTER_PLAN(run, kept, counter_changes_sql(table, group, run->event, sources));
	counter_execute(plan, store);
	counter_register_rows(counter_changes_name(table, group), counter_result_desc(plan), store);
	return store;
}

/* Compute the changes of all groups of a table.  Returns the number of parents. */
static uint64
compute_changes(CounterRun *run, CounterTable *table)
{
	uint64		result = 0;
	ListCell   *lc;

	foreach(lc, table->groups)
	{
		Tuplestorestate *changes = counter_compute_changes(run, table, lfirst(lc), SOURCES_ALL);

		run->registered = lappend(run->registered, changes);
		result += tuplestore_tuple_count(changes);
	}
	return result;
}

/*
 * Remember the keys that rows of the statement refer to, but no parent has: a
 * deferred constraint allows that until the end of the transaction.
 */
static void
find_missing(CounterRun *run, CounterTable *table)
{
	ListCell   *lc;
	ListCell   *cell;

	foreach(lc, table->groups)
	{
		CounterGroup *group = lfirst(lc);

		foreach(cell, group->sources)
		{
			CounterSource *source = lfirst(cell);
			ParentKeys *keys;

			if (!source->deferred || run->event == COUNTER_DELETE)
				continue;
			keys = parent_keys_begin(source->desc, true);
			execute_keys(COUNTER_PLAN(run, &source->missing,
											  counter_missing_sql(table, group, run->event,
																  source->desc)),
								 keys);
			remember_late_keys(table, source->desc, keys);
		}
	}
}

/* Lock the rows of a table that are to be changed. */
static void
lock_parents(CounterRun *run, CounterTable *table)
{
	bool		at_once = table->at_once;
	Tuplestorestate *rows = NULL;
	ErrorContextCallback errcallback;
	SavedUser	saved;
	SPIPlanPtr	plan = NULL;
	uint64		changes = 0;

	begin_table(table, &errcallback);
	switch_to_owner(table->relid, run->writer, &saved);
	if (at_once || table->carried != NIL)
		rows = tuplestore_begin_heap(false, false, work_mem);
	if (!at_once)
		changes = compute_changes(run, table);
	if (at_once || changes > 0)
	{
		plan = COUNTER_PLAN(run, &table->lock, counter_lock_sql(table, run->event));
		run->found[table->no] = counter_execute(plan, rows);
	}
	/* each change is of one parent, if that exists */
	if (run->found[table->no] < changes)
		find_missing(run, table);
	if (rows != NULL)
	{
		counter_register_rows(counter_rows_name(table->no),
							  at_once ? counter_result_desc(plan) : table->rows_desc, rows);
		run->registered = lappend(run->registered, rows);
	}
	restore_user(&saved);
	error_context_stack = errcallback.previous;
}

/* Compute the changes of a table in a circle, whose rows are locked. */
static void
compute_after_walk(CounterRun *run, CounterTable *table)
{
	ErrorContextCallback errcallback;
	SavedUser	saved;

	if (table->groups == NIL)
		return;
	begin_table(table, &errcallback);
	switch_to_owner(table->relid, run->writer, &saved);
	if (compute_changes(run, table) > run->found[table->no])
		find_missing(run, table);
	restore_user(&saved);
	error_context_stack = errcallback.previous;
}

/*
 * Lock all rows that the statement changes, also those that its parents touch,
 * in the order of the plan.
 */
static void
lock_all_parents(CounterRun *run)
{
	CounterPlan *plan = run->plan;

	for (int i = 0; i < plan->ntables; i++)
	{
		CounterTable *table = &plan->tables[i];
		int			last = i;

		CHECK_FOR_INTERRUPTS();
		if (!OidIsValid(table->circle))
		{
			lock_parents(run, table);
			continue;
		}
		while (last + 1 < plan->ntables && plan->tables[last + 1].circle == table->circle)
			last++;
		walk_circle(run, i, last);
		for (; i <= last; i++)
			compute_after_walk(run, &plan->tables[i]);
		i = last;
	}
}

/* Change the rows of a table. */
static void
change_parents(CounterRun *run, CounterTable *table)
{
	ErrorContextCallback errcallback;
	SavedUser	saved;
	ListCell   *lc;

	begin_table(table, &errcallback);
	switch_to_owner(table->relid, run->writer, &saved);
	foreach(lc, table->groups)
	{
		CounterGroup *group = lfirst(lc);

		counter_execute(COUNTER_PLAN(run, &group->change,
									 counter_change_sql(table, group, run->event)), NULL);
	}
	restore_user(&saved);
	error_context_stack = errcallback.previous;
}
/* ---------------------------------------------------------------------
 * A single row, and rows that keep their parents
 * ---------------------------------------------------------------------
 */

/* Begin to read rows of a statement, besides others that read them. */
TupleTableSlot *
counter_begin_reading(Relation rel, Tuplestorestate *rows)
{
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
	return MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsMinimalTuple);
}

/* Read the foreign key of a row.  Returns false if the row refers to no parent. */
static bool
read_foreign_key(CounterSource *source, TupleTableSlot *row, Datum *values)
{
	for (int i = 0; i < list_length(source->desc->foreign_key); i++)
	{
		bool		isnull;

		values[i] = slot_getattr(row, source->attnums[i], &isnull);
		if (isnull)
			return false;
	}
	return true;
}

/* Count for, or touch, the parent of the statement's single row. */
static void
count_alone(CounterRun *run, CounterTable *table, CounterSource *source, TupleTableSlot *row)
{
	RelationDesc *desc = source->desc;
	int			n = list_length(desc->foreign_key);
	Datum	   *values = palloc(sizeof(Datum) * n);
	ErrorContextCallback errcallback;
	SavedUser	saved;

	if (!read_foreign_key(source, row, values))
		return;
	begin_table(table, &errcallback);
	switch_to_owner(table->relid, run->writer, &saved);
	if (source->alone == NULL)
		source->alone = counter_prepare_args(counter_alone_sql(desc, run->event), n,
											 source->types);
	counter_check_spi(SPI_execute_plan(source->alone, values, NULL, false, 0), "SPI_execute_plan");
	if (SPI_processed == 0 && source->deferred && run->event == COUNTER_INSERT)
	{
		ParentKeys *keys = parent_keys_begin(desc, true);

		parent_keys_add(keys, values);
		remember_late_keys(table, desc, keys);
	}
	restore_user(&saved);
	error_context_stack = errcallback.previous;
}

/* Are the foreign keys of one source those of both rows? */
static bool
same_foreign_key(TupleDesc desc, CounterSource *source, TupleTableSlot *a, TupleTableSlot *b)
{
	for (int i = 0; i < list_length(source->desc->foreign_key); i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, source->attnums[i] - 1);
		bool		nulls[2];
		Datum		values[2];

		values[0] = slot_getattr(a, source->attnums[i], &nulls[0]);
		values[1] = slot_getattr(b, source->attnums[i], &nulls[1]);
		if (nulls[0] != nulls[1] ||
			(!nulls[0] && !datum_image_eq(values[0], values[1], att->attbyval, att->attlen)))
			return false;
	}
	return true;
}

/*
 * Return true if an UPDATE leaves each row with its parents: the old rows and
 * the new rows have the same foreign keys, one by one.  Then no counter changes.
 */
static bool
rows_keep_parents(CounterRun *run)
{
	TupleDesc	desc = RelationGetDescr(run->rel);
	Tuplestorestate *old_rows = run->rows.updated_old;
	Tuplestorestate *new_rows = run->rows.updated_new;
	TupleTableSlot *old_row;
	TupleTableSlot *new_row;
	bool		result = true;

	if (tuplestore_tuple_count(old_rows) != tuplestore_tuple_count(new_rows))
		return false;
	old_row = counter_begin_reading(run->rel, old_rows);
	new_row = counter_begin_reading(run->rel, new_rows);
	while (result && tuplestore_gettupleslot(old_rows, true, false, old_row) &&
		   tuplestore_gettupleslot(new_rows, true, false, new_row))
	{
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, run->plan->direct)
			result = result && same_foreign_key(desc, lfirst(lc), old_row, new_row);
	}
	ExecDropSingleTupleTableSlot(old_row);
	ExecDropSingleTupleTableSlot(new_row);
	return result;
}

/* ---------------------------------------------------------------------
 * The trigger
 * ---------------------------------------------------------------------
 */

/* Register rows of the statement, which may be missing, for statements. */
static void
register_rows(CounterRun *run, char *name, Tuplestorestate *rows)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	if (rows == NULL)
	{
		rows = tuplestore_begin_heap(false, false, work_mem);
		run->registered = lappend(run->registered, rows);
	}
	enr->md.name = name;
	enr->md.reliddesc = RelationGetRelid(run->rel);
	enr->md.tupdesc = NULL;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(rows);
	enr->reldata = rows;
	counter_check_spi(SPI_register_relation(enr), "SPI_register_relation");
}

static void
register_all_rows(CounterRun *run)
{
	CounterRows *rows = &run->rows;

	switch (run->event)
	{
		case COUNTER_INSERT:
			register_rows(run, COUNTER_NEW_ROWS, rows->inserted);
			break;
		case COUNTER_UPDATE:
			register_rows(run, COUNTER_NEW_ROWS, rows->updated_new);
			register_rows(run, COUNTER_OLD_ROWS, rows->updated_old);
			break;
		case COUNTER_DELETE:
			register_rows(run, COUNTER_OLD_ROWS, rows->deleted);
			break;
		default:
			register_rows(run, COUNTER_NEW_ROWS, rows->inserted);
			register_rows(run, COUNTER_OLD_ROWS, rows->deleted);
			register_rows(run, COUNTER_UPDATED_NEW_ROWS, rows->updated_new);
			register_rows(run, COUNTER_UPDATED_OLD_ROWS, rows->updated_old);
			break;
	}
}

/*
 * Change the parents of the rows of a statement.
 *
 * If they touch others, all rows are locked first.  Then parents are changed
 * from above: a parent finds those that it touches touched already, so its own
 * triggers have nothing to do.  A single row needs no order, and leaves the
 * rows above it to these triggers.
 */
static void
change_all_parents(CounterRun *run)
{
	CounterPlan *plan = run->plan;
	TupleTableSlot *row = NULL;
	bool		registered = false;

	if (run->nrows == 1)
	{
		Tuplestorestate *rows = run->event == COUNTER_INSERT ? run->rows.inserted : run->rows.deleted;

		row = counter_begin_reading(run->rel, rows);
		(void) tuplestore_gettupleslot(rows, true, false, row);
	}
	if (plan->cascades && run->nrows * list_length(plan->direct) > 1)
	{
		register_all_rows(run);
		lock_all_parents(run);
		for (int i = plan->ntables - 1; i >= 0; i--)
		{
			CHECK_FOR_INTERRUPTS();
			if (run->found[i] > 0)
				change_parents(run, &plan->tables[i]);
		}
	}
	else
	{
		/* nothing else is locked: table by table is the same order */
		for (int i = 0; i < plan->ntables; i++)
		{
			CounterTable *table = &plan->tables[i];

			CHECK_FOR_INTERRUPTS();
			if (table->ndirect == 0)
				continue;
			if (run->nrows * table->ndirect == 1)
			{
				count_alone(run, table, table->direct, row);
				continue;
			}
			if (!registered)
				register_all_rows(run);
			registered = true;
			lock_parents(run, table);
			if (run->found[i] > 0)
				change_parents(run, table);
		}
	}
	if (row != NULL)
		ExecDropSingleTupleTableSlot(row);
}

static int64
row_count(Tuplestorestate *rows)
{
	return rows == NULL ? 0 : tuplestore_tuple_count(rows);
}

/* Return the number of rows of a statement, an updated one being two. */
int64
counter_row_count(CounterRows *rows)
{
	return row_count(rows->inserted) + row_count(rows->updated_old) +
		row_count(rows->updated_new) + row_count(rows->deleted);
}

/* Begin to change the parents of rows.  Returns false if there are none. */
static bool
begin_run(CounterRun *run, Relation rel, CounterRows *rows)
{
	memset(run, 0, sizeof(CounterRun));
	run->rel = rel;
	run->rows = *rows;
	run->nrows = counter_row_count(rows);
	run->event = run->nrows == row_count(rows->inserted) ? COUNTER_INSERT
		: run->nrows == row_count(rows->deleted) ? COUNTER_DELETE
		: row_count(rows->inserted) + row_count(rows->deleted) == 0 ? COUNTER_UPDATE
		: COUNTER_SEVERAL;
	run->plan = acquire_counter_plan(RelationGetRelid(rel), run->event, true);
	run->writer = rel->rd_rel->relowner;
	run->many = run->nrows > MANY_ROWS;
	run->found = palloc0(sizeof(uint64) * Max(run->plan->ntables, 1));
	return run->plan->counted != NIL &&
		(run->event != COUNTER_UPDATE || run->plan->touches || !rows_keep_parents(run));
}

static void
end_run(CounterRun *run)
{
	ListCell   *lc;

	foreach(lc, run->registered)
		tuplestore_end(lfirst(lc));
	SPI_finish();
}

/* Count the rows of a statement for all relations of its table. */
void
counter_count_rows(Relation rel, MemoryContext query, CounterRows *rows)
{
	CounterRun	run;
	ListCell   *lc;

	if (begin_run(&run, rel, rows))
	{
		counter_check_spi(SPI_connect(), "SPI_connect");
		change_all_parents(&run);
		end_run(&run);
	}
	foreach(lc, run.plan->counted)
		recount_changed(query, lfirst(lc), run.writer);
}

/* ---------------------------------------------------------------------
 * Rows of several tables
 * ---------------------------------------------------------------------
 */

/* The rows of a parent table that rows of several tables change. */
typedef struct ParentRows
{
	CounterTable *table;		/* in the plan of one of them */
	Oid			writer;
	ParentKeys *keys;			/* by the columns that order them */
} ParentRows;

static ParentRows *
find_parent_rows(List **parents, CounterTable *table, Oid writer)
{
	ParentRows *result;
	ListCell   *lc;

	foreach(lc, *parents)
	{
		result = lfirst(lc);
		if (result->table->relid == table->relid)
			return result;
	}
	result = palloc(sizeof(ParentRows));
	result->table = table;
	result->writer = writer;
	result->keys = parent_keys_of_columns(table->relid, table->key);
	*parents = lappend(*parents, result);
	return result;
}

static int
compare_parents(const ListCell *a, const ListCell *b)
{
	const CounterTable *one = ((const ParentRows *) lfirst(a))->table;
	const CounterTable *other = ((const ParentRows *) lfirst(b))->table;

	if (one->rank != other->rank)
		return one->rank > other->rank ? -1 : 1;
	return one->relid < other->relid ? -1 : one->relid > other->relid ? 1 : 0;
}

/* Find the parents of rows of one table. */
static void
find_parents(List **parents, Relation rel, CounterRows *rows)
{
	CounterRun	run;

	if (!begin_run(&run, rel, rows))
		return;
	for (int i = 0; i < run.plan->ntables; i++)
	{
		CounterTable *table = &run.plan->tables[i];

		if (table->ndirect > 0 && !OidIsValid(table->circle))
			(void) find_parent_rows(parents, table, run.writer);
	}
	counter_check_spi(SPI_connect(), "SPI_connect");
	register_all_rows(&run);
	for (int i = 0; i < run.plan->ntables; i++)
	{
		CounterTable *table = &run.plan->tables[i];
		ErrorContextCallback errcallback;
		SavedUser	saved;

		CHECK_FOR_INTERRUPTS();
		if (table->ndirect == 0 || OidIsValid(table->circle))
			continue;
		begin_table(table, &errcallback);
		switch_to_owner(table->relid, run.writer, &saved);
		execute_keys(COUNTER_PLAN(&run, &table->find, counter_find_sql(table, run.event)),
					 find_parent_rows(parents, table, run.writer)->keys);
		restore_user(&saved);
		error_context_stack = errcallback.previous;
	}
	end_run(&run);
}

/*
 * Lock the parents of rows of several tables in the order of all, before they
 * are changed table by table.  Rows above them, and those of tables in circles,
 * are locked later.
 */
void
counter_lock_for_all(List *writes)
{
	List	   *parents = NIL;
	ListCell   *lc;

	foreach(lc, writes)
	{
		CounterWrite *write = lfirst(lc);

		find_parents(&parents, write->rel, &write->rows);
	}
	list_sort(parents, compare_parents);
	foreach(lc, parents)
	{
		ParentRows *rows = lfirst(lc);
		ErrorContextCallback errcallback;
		Tuplestorestate *store;
		SavedUser	saved;

		CHECK_FOR_INTERRUPTS();
		if (rows->keys->count == 0)
			continue;
		begin_table(rows->table, &errcallback);
		counter_check_spi(SPI_connect(), "SPI_connect");
		store = parent_keys_register(rows->keys, 0);
		switch_to_owner(rows->table->relid, rows->writer, &saved);
		if (rows->table->lock_found == NULL)
			rows->table->lock_found = counter_prepare(counter_lock_found_sql(rows->table), true);
		counter_execute(rows->table->lock_found, NULL);
		restore_user(&saved);
		tuplestore_end(store);
		SPI_finish();
		error_context_stack = errcallback.previous;
	}
}

/* Raise an error: a function was not called by one of our triggers. */
void
counter_wrong_trigger(const char *function)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" was not called as the triggers call it that belongs_to creates",
					function)));
}
