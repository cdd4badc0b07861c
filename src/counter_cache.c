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
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"

#include "as_owner.h"
#include "counter_plan.h"

PG_FUNCTION_INFO_V1(relations_counter_rows);

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

/* Prepare a statement, and keep the plan. */
void
counter_keep_plan(SPIPlanPtr *kept, const char *sql)
{
	SPIPlanPtr	plan = SPI_prepare(sql, 0, NULL);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	*kept = plan;
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

/* Have rows at hand for statements, as a table of this name. */
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

/* Do tables below change rows that touch rows of the table? */
static bool
is_touched(CounterRun *run, CounterTable *table)
{
	ListCell   *lc;
	ListCell   *group;

	foreach(group, table->groups)
	{
		foreach(lc, ((CounterGroup *) lfirst(group))->sources)
		{
			CounterSource *source = lfirst(lc);

			if (source->below >= 0 && run->found[source->below] > 0)
				return true;
		}
	}
	return false;
}

/* Lock the rows of a table that are to be changed. */
static void
lock_parents(CounterRun *run, CounterTable *table)
{
	Tuplestorestate *rows = NULL;
	ErrorContextCallback errcallback;
	SavedUser	saved;

	begin_table(table, &errcallback);
	if (table->carried != NIL)
		rows = tuplestore_begin_heap(false, false, work_mem);
	if (table->ndirect > 0 || is_touched(run, table))
	{
		switch_to_owner(table->relid, run->writer, &saved);
		if (table->lock == NULL)
			counter_keep_plan(&table->lock, counter_lock_sql(table, run->event));
		run->found[table->no] = counter_execute(table->lock, rows);
		restore_user(&saved);
	}
	if (rows != NULL)
		counter_register_rows(counter_rows_name(table->no), table->rows_desc, rows);
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
		i = last;
	}
}

/* Change the rows of a table; alone: there are no rows but the statement's. */
static void
change_parents(CounterRun *run, CounterTable *table, bool alone)
{
	ErrorContextCallback errcallback;
	SavedUser	saved;
	ListCell   *lc;

	begin_table(table, &errcallback);
	switch_to_owner(table->relid, run->writer, &saved);
	foreach(lc, table->groups)
	{
		CounterGroup *group = lfirst(lc);
		SPIPlanPtr *kept = alone ? &group->alone : &group->change;

		if (alone && !group->is_direct)
			continue;
		if (*kept == NULL)
			counter_keep_plan(kept, counter_change_sql(table, group, run->event,
													   alone ? SOURCES_DIRECT : SOURCES_ALL));
		counter_execute(*kept, NULL);
	}
	restore_user(&saved);
	error_context_stack = errcallback.previous;
}

/*
 * Count the rows of a statement for all relations of its table.
 *
 * Parents are changed from above: a parent finds those that it touches touched
 * already, so its own triggers have nothing to do.  A single row needs no
 * order, and leaves the rows above it to these triggers.
 */
static void
count_rows(TriggerData *trigdata, MemoryContext query, CounterEvent event, int64 nrows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations counting",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CounterRun	run = {0};
	ListCell   *lc;

	run.plan = acquire_counter_plan(RelationGetRelid(trigdata->tg_relation), event);
	run.event = event;
	run.writer = trigdata->tg_relation->rd_rel->relowner;
	if (run.plan->counted != NIL)
	{
		counter_check_spi(SPI_connect(), "SPI_connect");
		counter_check_spi(SPI_register_trigger_data(trigdata), "SPI_register_trigger_data");
		run.found = palloc0(sizeof(uint64) * run.plan->ntables);
		if (run.plan->cascades && nrows * list_length(run.plan->counted) > 1)
		{
			lock_all_parents(&run);
			for (int i = run.plan->ntables - 1; i >= 0; i--)
			{
				CHECK_FOR_INTERRUPTS();
				if (run.found[i] > 0)
					change_parents(&run, &run.plan->tables[i], false);
			}
		}
		else
		{
			/* nothing else is locked: table by table is the same order */
			for (int i = 0; i < run.plan->ntables; i++)
			{
				CounterTable *table = &run.plan->tables[i];

				CHECK_FOR_INTERRUPTS();
				if (table->ndirect == 0)
					continue;
				if (nrows * table->ndirect > 1)
					lock_parents(&run, table);
				else
					run.found[i] = 1;
				if (run.found[i] > 0)
					change_parents(&run, table, true);
			}
		}
		foreach(lc, run.plan->counted)
			recount_changed(query, lfirst(lc), run.writer);
		SPI_finish();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
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

/*
 * SQL: counter_rows(), the statement trigger on the tables of models with a
 * counter_cache or touch.  Errors are those of the parents' UPDATE.
 */
Datum
relations_counter_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	bool		fits = CALLED_AS_TRIGGER(fcinfo);
	MemoryContext query = counter_query_context();
	CounterEvent event = COUNTER_INSERT;
	int64		nrows = 0;

	if (fits)
	{
		TriggerEvent fired = trigdata->tg_event;
		const char *new_rows = trigdata->tg_trigger->tgnewtable;
		const char *old_rows = trigdata->tg_trigger->tgoldtable;
		bool		wants_new = TRIGGER_FIRED_BY_INSERT(fired) || TRIGGER_FIRED_BY_UPDATE(fired);
		bool		wants_old = TRIGGER_FIRED_BY_DELETE(fired) || TRIGGER_FIRED_BY_UPDATE(fired);

		fits = TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_STATEMENT(fired) &&
			(!wants_new || (new_rows != NULL && strcmp(new_rows, COUNTER_NEW_ROWS) == 0)) &&
			(!wants_old || (old_rows != NULL && strcmp(old_rows, COUNTER_OLD_ROWS) == 0));
	}
	if (!fits)
		counter_wrong_trigger("relations.counter_rows");

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		count_after_truncate(RelationGetRelid(trigdata->tg_relation),
							 trigdata->tg_relation->rd_rel->relowner);
		return PointerGetDatum(NULL);
	}
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		event = COUNTER_UPDATE;
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		event = COUNTER_DELETE;
	if (trigdata->tg_newtable != NULL)
		nrows += tuplestore_tuple_count(trigdata->tg_newtable);
	if (trigdata->tg_oldtable != NULL)
		nrows += tuplestore_tuple_count(trigdata->tg_oldtable);
	if (nrows > 0)
		count_rows(trigdata, query, event, nrows);
	return PointerGetDatum(NULL);
}

