/*
 * counter_cache.c
 *	  counter_cache and touch: keeping counters and times of parents.
 *
 * Statement triggers on the tables of models with such relations hand the rows
 * of a statement to counter_rows.  It counts them by key first, locks all
 * parents in one order (see counter_order.c), and then changes each parent
 * once, with the rights of the parent's owner, as a foreign key does: who may
 * write a row need not be allowed to write its parent.
 *
 * A parent whose own key changes is counted anew: the foreign key moves its
 * rows along, or leaves them behind, and the statement triggers see that as
 * rows that come to it or go from nowhere.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "catalog_write.h"
#include "counter_plan.h"
#include "progress.h"

PG_FUNCTION_INFO_V1(relations_counter_rows);
PG_FUNCTION_INFO_V1(relations_counter_parent);

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
 * Parents with another key
 *
 * When a parent's key changes, PostgreSQL moves its rows along first, then
 * fires the row trigger of the parent's table, and the statement triggers of
 * the rows' table last.  Those count rows that come to the new key, although
 * they were counted for this parent before.  So the parent is counted anew
 * both times: by its own trigger, for there may be no rows to be moved, and
 * after the rows were counted.
 * ---------------------------------------------------------------------
 */

/* A parent whose key was set in this transaction. */
typedef struct ChangedParent
{
	Oid			model;			/* of the relation that counts */
	char	   *name;
	Oid		   *types;			/* of its key, with room for the counter */
	Datum	   *values;
} ChangedParent;

static List *changed_parents = NIL; /* in TopTransactionContext */
static TransactionId changed_in = InvalidTransactionId;

/* The parents that this transaction changed. */
static List *
parents_changed(void)
{
	TransactionId now = GetTopTransactionIdIfAny();

	if (!TransactionIdIsValid(now) || now != changed_in)
	{
		changed_in = now;
		changed_parents = NIL;
	}
	return changed_parents;
}

static void
remember_parent(RelationDesc *desc, Oid *types, Datum *values)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	ChangedParent *parent = palloc0(sizeof(ChangedParent));
	int			n = list_length(desc->local_key);

	parent->model = desc->model;
	parent->name = pstrdup(desc->name);
	parent->types = palloc0(sizeof(Oid) * (n + 1));
	parent->values = palloc0(sizeof(Datum) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		int16		len;
		bool		byval;

		get_typlenbyval(types[i], &len, &byval);
		parent->types[i] = types[i];
		parent->values[i] = datumCopy(values[i], byval, len);
	}
	parents_changed();
	changed_parents = lappend(changed_parents, parent);
	MemoryContextSwitchTo(old);
}

/* Count the rows that refer to one parent; writer is as for switch_to_owner(). */
static void
recount_parent(RelationDesc *desc, Oid writer, Oid *types, Datum *values)
{
	int			n = list_length(desc->local_key);
	ErrorContextCallback errcallback;
	SavedUser	saved;
	bool		isnull;

	errcallback.callback = counting_error_context;
	errcallback.arg = desc;
	errcallback.previous = error_context_stack;
	error_context_stack = &errcallback;
	counter_check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(desc->model, writer, &saved);
	counter_check_spi(SPI_execute_with_args(counter_count_one_sql(desc), n, types, values, NULL, false, 0),
			  "SPI_execute_with_args");
	values[n] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "the number of rows of a relation is null");
	values[n] = Int64GetDatum(DatumGetInt64(values[n]));
	types[n] = INT8OID;
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	counter_check_spi(SPI_execute_with_args(counter_set_one_sql(desc), n + 1, types, values, NULL, false, 0),
			  "SPI_execute_with_args");
	restore_user(&saved);
	SPI_finish();
	error_context_stack = errcallback.previous;
}

/* Count the parents of a relation that this transaction gave another key. */
static void
recount_changed(RelationDesc *desc, Oid writer)
{
	ListCell   *lc;

	foreach(lc, parents_changed())
	{
		ChangedParent *parent = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (desc->counter_cache != NULL && parent->model == desc->model &&
			strcmp(parent->name, desc->name) == 0)
			recount_parent(desc, writer, parent->types, parent->values);
	}
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

/* While a table is locked or changed, errors report for which relation. */
static void
begin_table(CounterTable *table, ErrorContextCallback *errcallback)
{
	CounterGroup *group = linitial(table->groups);

	errcallback->callback = counting_error_context;
	errcallback->arg = ((CounterSource *) linitial(group->sources))->desc;
	errcallback->previous = error_context_stack;
	error_context_stack = errcallback;
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
count_rows(TriggerData *trigdata, CounterEvent event, int64 nrows)
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
		if (event == COUNTER_UPDATE)
		{
			foreach(lc, run.plan->counted)
				recount_changed(lfirst(lc), run.writer);
		}
		SPI_finish();
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* ---------------------------------------------------------------------
 * Counting anew
 * ---------------------------------------------------------------------
 */

/* Run a statement that makes nothing but changes; how many rows it changed. */
static uint64
run_change(const char *sql)
{
	counter_check_spi(SPI_execute(sql, false, 0), "SPI_execute");
	return SPI_processed;
}

/* Have the counts of all keys at hand as the table COUNTER_COUNTS. */
static void
register_counts(RelationDesc *desc)
{
	char	   *sql = counter_counts_sql(desc);
	SPIPlanPtr	plan = SPI_prepare(sql, 0, NULL);
	SPIExecuteOptions options = {0};
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	CachedPlanSource *source;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	source = linitial(SPI_plan_get_plan_sources(plan));
	enr->md.tupdesc = CreateTupleDescCopy(source->resultDesc);
	options.dest = CreateDestReceiver(DestTuplestore);
	SetTuplestoreDestReceiverParams(options.dest, store, CurrentMemoryContext, false, NULL, NULL);
	counter_check_spi(SPI_execute_plan_extended(plan, &options), "SPI_execute_plan_extended");
	enr->md.name = COUNTER_COUNTS;
	enr->md.reliddesc = InvalidOid;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(store);
	enr->reldata = store;
	counter_check_spi(SPI_register_relation(enr), "SPI_register_relation");
}

/*
 * Set the counters of a relation to the number of rows that there are; how
 * many of them were wrong.  Until the end of the transaction nobody else
 * writes the model's rows.  Everything runs with the rights of the owners;
 * writer is as for switch_to_owner().
 */
uint64
recount_relation(RelationDesc *desc, Oid writer)
{
	ErrorContextCallback errcallback;
	SavedUser	saved;
	uint64		result;

	errcallback.callback = counting_error_context;
	errcallback.arg = desc;
	errcallback.previous = error_context_stack;
	error_context_stack = &errcallback;
	find_all_inheritors(desc->model, ShareRowExclusiveLock, NULL);
	tell_long_work("counting", desc->model);
	counter_check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(desc->model, writer, &saved);
	register_counts(desc);
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	result = run_change(counter_set_sql(desc));
	result += run_change(counter_reset_sql(desc));
	restore_user(&saved);
	SPI_finish();
	error_context_stack = errcallback.previous;
	return result;
}

/* After TRUNCATE: of the table, or of one of its partitions. */
static void
count_after_truncate(Oid relid, Oid writer)
{
	ListCell   *lc;

	foreach(lc, counted_relations(relid))
	{
		RelationDesc *desc = lfirst(lc);
		SavedUser	saved;

		if (desc->counter_cache != NULL)
			recount_relation(desc, writer);
		if (desc->touch == NULL)
			continue;
		counter_check_spi(SPI_connect(), "SPI_connect");
		switch_to_owner(desc->related, writer, &saved);
		run_change(counter_touch_all_sql(desc));
		restore_user(&saved);
		SPI_finish();
	}
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
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as the triggers call it that belongs_to creates",
						"relations.counter_rows")));

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
		count_rows(trigdata, event, nrows);
	return PointerGetDatum(NULL);
}


/* The key of a row, and whether it differs from the other row's. */
static bool
read_parent_key(RelationDesc *desc, Relation rel, HeapTuple row, HeapTuple other,
				Oid *types, Datum *values, bool *is_null)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	bool		differs = false;
	ListCell   *lc;

	*is_null = false;
	foreach(lc, desc->local_key)
	{
		int			i = foreach_current_index(lc);
		AttrNumber	attnum = require_column(RelationGetRelid(rel), lfirst(lc), "local_key");
		Form_pg_attribute att = TupleDescAttr(tupdesc, attnum - 1);
		bool		isnull;
		bool		other_isnull = true;
		Datum		other_value = (Datum) 0;

		types[i] = getBaseType(att->atttypid);
		values[i] = heap_getattr(row, attnum, tupdesc, &isnull);
		if (other != NULL)
			other_value = heap_getattr(other, attnum, tupdesc, &other_isnull);
		*is_null = *is_null || isnull;
		if (isnull != other_isnull ||
			(!isnull && !datum_image_eq(values[i], other_value, att->attbyval, att->attlen)))
			differs = true;
	}
	return differs;
}

/*
 * SQL: counter_parent(), the row trigger on tables with counters: a row whose
 * key is new is counted.  Errors are those of the row's UPDATE.
 */
Datum
relations_counter_parent(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	HeapTuple	row;
	HeapTuple	old;
	ListCell   *table;
	ListCell   *lc;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) || TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called as the triggers call it that belongs_to creates",
						"relations.counter_parent")));
	old = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? trigdata->tg_trigtuple : NULL;
	row = old != NULL ? trigdata->tg_newtuple : trigdata->tg_trigtuple;
	foreach(table, table_and_ancestors(RelationGetRelid(trigdata->tg_relation)))
	{
		foreach(lc, catalog_relations_to(lfirst_oid(table)))
		{
			RelationDesc *desc = lfirst(lc);
			/* with room for the counter */
			int			n = list_length(desc->local_key) + 1;
			Oid		   *types = palloc(sizeof(Oid) * n);
			Datum	   *values = palloc(sizeof(Datum) * n);
			bool		is_null;

			if (desc->kind != RELATION_BELONGS_TO || get_rel_name(desc->model) == NULL)
				continue;
			desc->counter_cache = column_if_there(desc->related, desc->counter_cache);
			if (desc->counter_cache != NULL &&
				read_parent_key(desc, trigdata->tg_relation, row, old, types, values, &is_null) &&
				!is_null)
			{
				remember_parent(desc, types, values);
				recount_parent(desc, trigdata->tg_relation->rd_rel->relowner, types, values);
			}
		}
	}
	return PointerGetDatum(NULL);
}
