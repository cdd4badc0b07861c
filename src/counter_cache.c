/*
 * counter_cache.c
 *	  counter_cache and touch: keeping counters and times of parents.
 *
 * Statement triggers on the tables of models with such relations hand the rows
 * of a statement to counter_rows.  It counts them by key first and changes
 * each parent once, with the rights of the parent's owner, as a foreign key
 * does: who may write a row need not be allowed to write its parent.
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
#include "counter_cache.h"
#include "progress.h"

PG_FUNCTION_INFO_V1(relations_counter_rows);
PG_FUNCTION_INFO_V1(relations_counter_parent);

/* While parents are changed, errors say for which relation. */
static void
counting_error_context(void *arg)
{
	RelationDesc *desc = arg;

	errcontext("%s of relation \"%s\" of model \"%s\"",
			   desc->counter_cache != NULL ? "counter_cache" : "touch",
			   desc->name, model_name(desc->model));
}

static void
check_spi(int rc, const char *function)
{
	if (rc < 0)
		elog(ERROR, "%s failed: %s", function, SPI_result_code_string(rc));
}

/* ---------------------------------------------------------------------
 * What a table's rows are counted for
 * ---------------------------------------------------------------------
 */

/* A relation, with the kept plans of one event. */
typedef struct CountedRelation
{
	RelationDesc *desc;
	SPIPlanPtr	lock;			/* or NULL while it was not needed */
	SPIPlanPtr	change;
} CountedRelation;

typedef struct CounterKey
{
	Oid			relid;			/* the table that was written, maybe a
								 * partition of the model */
	CounterEvent event;
} CounterKey;

/* The relations of a table that count, and their plans. */
typedef struct CounterPlan
{
	CounterKey	key;			/* must be first */
	MemoryContext context;
	bool		valid;
	int			refcount;
	List	   *counted;		/* of CountedRelation */
} CounterPlan;

typedef struct CounterEntry
{
	CounterKey	key;			/* must be first */
	CounterPlan *plan;
} CounterEntry;

static HTAB *counter_plans = NULL;
static uint64 invalidations = 0;
static Oid	catalog_oid = InvalidOid;

static bool
plan_concerns(CounterPlan *plan, Oid relid)
{
	ListCell   *lc;

	if (!OidIsValid(relid) || relid == catalog_oid || relid == plan->key.relid)
		return true;
	foreach(lc, plan->counted)
	{
		RelationDesc *desc = ((CountedRelation *) lfirst(lc))->desc;

		if (desc->model == relid || desc->related == relid)
			return true;
	}
	return false;
}

static void
invalidate_counters(pg_attribute_unused() Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CounterEntry *entry;

	invalidations++;
	hash_seq_init(&status, counter_plans);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->plan != NULL && plan_concerns(entry->plan, relid))
			entry->plan->valid = false;
	}
}

/* A schema has another name. */
static void
invalidate_all_counters(Datum arg, pg_attribute_unused() int cacheid,
						pg_attribute_unused() uint32 hashvalue)
{
	invalidate_counters(arg, InvalidOid);
}

static void
init_counter_plans(void)
{
	HASHCTL		ctl = {0};

	if (counter_plans != NULL)
		return;
	ctl.keysize = sizeof(CounterKey);
	ctl.entrysize = sizeof(CounterEntry);
	ctl.hcxt = CacheMemoryContext;
	counter_plans = hash_create("relations counter plans", 16, &ctl,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(invalidate_counters, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all_counters, (Datum) 0);
}

/* A table, and those that it is a partition of. */
static List *
table_and_ancestors(Oid relid)
{
	return lcons_oid(relid, get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL);
}

/* The column, NULL when it is not there. */
static char *
column_if_there(Oid relid, char *column)
{
	return column != NULL && get_attnum(relid, column) > 0 ? column : NULL;
}

/* By the parent first: so all that are counted for it lock its rows in one go. */
static int
compare_counted(const ListCell *a, const ListCell *b)
{
	const RelationDesc *one = ((const CountedRelation *) lfirst(a))->desc;
	const RelationDesc *other = ((const CountedRelation *) lfirst(b))->desc;

	if (one->related != other->related)
		return one->related < other->related ? -1 : 1;
	return strcmp(one->name, other->name);
}

/*
 * The relations that the rows of a table count for, in the current memory
 * context.  A column that is gone has nothing to be kept.
 */
static List *
counted_relations(Oid relid)
{
	List	   *result = NIL;
	ListCell   *table;
	ListCell   *lc;

	foreach(table, table_and_ancestors(relid))
	{
		foreach(lc, catalog_relations_of(lfirst_oid(table)))
		{
			RelationDesc *desc = lfirst(lc);
			CountedRelation *counted;

			if (!RELATION_FOLLOWS(desc) || get_rel_name(desc->related) == NULL)
				continue;
			desc->counter_cache = column_if_there(desc->related, desc->counter_cache);
			desc->touch = column_if_there(desc->related, desc->touch);
			if (!RELATION_FOLLOWS(desc))
				continue;
			counted = palloc0(sizeof(CountedRelation));
			counted->desc = desc;
			result = lappend(result, counted);
		}
	}
	list_sort(result, compare_counted);
	return result;
}

static void
free_counter_plan(CounterPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->counted)
	{
		CountedRelation *counted = lfirst(lc);

		if (counted->lock != NULL)
			SPI_freeplan(counted->lock);
		if (counted->change != NULL)
			SPI_freeplan(counted->change);
	}
	MemoryContextDelete(plan->context);
}

static CounterPlan *
make_counter_plan(const CounterKey *key)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations counter plan",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CounterPlan *plan = palloc0(sizeof(CounterPlan));
	uint64		before = invalidations;

	plan->key = *key;
	plan->context = context;
	catalog_oid = catalog_relation_oid();
	plan->counted = counted_relations(key->relid);
	/* what changed meanwhile may have been read before it did */
	plan->valid = before == invalidations;
	MemoryContextSwitchTo(old);
	return plan;
}

/* Throw away what is stale and not in use: the table may have gone. */
static void
trim_counter_plans(void)
{
	HASH_SEQ_STATUS status;
	CounterEntry *entry;

	hash_seq_init(&status, counter_plans);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		CounterPlan *plan = entry->plan;

		if (plan != NULL && (plan->valid || plan->refcount > 0))
			continue;
		hash_search(counter_plans, &entry->key, HASH_REMOVE, NULL);
		if (plan != NULL)
			free_counter_plan(plan);
	}
}

/* Nobody uses the plan any more; one that was replaced meanwhile goes. */
static void
release_counter_plan(void *arg)
{
	CounterPlan *plan = arg;
	CounterEntry *entry = hash_search(counter_plans, &plan->key, HASH_FIND, NULL);

	if (--plan->refcount == 0 && (entry == NULL || entry->plan != plan))
		free_counter_plan(plan);
}

/*
 * The plan of a table and an event, with the parents' tables locked as their
 * UPDATE would lock them.  It is held until the current memory context goes.
 */
static CounterPlan *
acquire_counter_plan(Oid relid, CounterEvent event)
{
	MemoryContextCallback *release = palloc0(sizeof(MemoryContextCallback));
	CounterKey	key;
	CounterEntry *entry;
	CounterPlan *plan;
	bool		found;

	init_counter_plans();
	memset(&key, 0, sizeof(key));
	key.relid = relid;
	key.event = event;
	for (;;)
	{
		ListCell   *lc;

		entry = hash_search(counter_plans, &key, HASH_ENTER, &found);
		if (!found)
			entry->plan = NULL;
		if (entry->plan == NULL || !entry->plan->valid)
		{
			trim_counter_plans();
			plan = make_counter_plan(&key);
			/* the entry may have gone, or may be another by now */
			entry = hash_search(counter_plans, &key, HASH_ENTER, &found);
			if (found && entry->plan != NULL && entry->plan->refcount == 0)
				free_counter_plan(entry->plan);	/* else its user frees it */
			MemoryContextSetParent(plan->context, CacheMemoryContext);
			entry->plan = plan;
		}
		plan = entry->plan;
		/* lock first: that is when we hear of changes by others */
		plan->refcount++;
		foreach(lc, plan->counted)
			LockRelationOid(((CountedRelation *) lfirst(lc))->desc->related, RowExclusiveLock);
		plan->refcount--;
		if (plan->valid)
			break;
	}
	plan->refcount++;
	release->func = release_counter_plan;
	release->arg = plan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, release);
	return plan;
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
	check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(desc->model, writer, &saved);
	check_spi(SPI_execute_with_args(counter_count_one_sql(desc), n, types, values, NULL, false, 0),
			  "SPI_execute_with_args");
	values[n] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "the number of rows of a relation is null");
	values[n] = Int64GetDatum(DatumGetInt64(values[n]));
	types[n] = INT8OID;
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	check_spi(SPI_execute_with_args(counter_set_one_sql(desc), n + 1, types, values, NULL, false, 0),
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

/* Run a statement that is kept for the next time; what it returns is dropped. */
static void
run_kept(SPIPlanPtr *kept, char *(*make_sql) (RelationDesc *, CounterEvent),
		 RelationDesc *desc, CounterEvent event)
{
	SPIExecuteOptions options = {0};

	if (*kept == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(make_sql(desc, event), 0, NULL);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		*kept = plan;
	}
	options.dest = CreateDestReceiver(DestNone);
	check_spi(SPI_execute_plan_extended(*kept, &options), "SPI_execute_plan_extended");
}

/* Count the rows of a statement for all relations of its table. */
static void
count_rows(TriggerData *trigdata, CounterEvent event, int64 nrows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations counting",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CounterPlan *plan = acquire_counter_plan(RelationGetRelid(trigdata->tg_relation), event);
	Oid			writer = trigdata->tg_relation->rd_rel->relowner;
	ListCell   *lc;

	if (plan->counted != NIL)
	{
		check_spi(SPI_connect(), "SPI_connect");
		check_spi(SPI_register_trigger_data(trigdata), "SPI_register_trigger_data");
		foreach(lc, plan->counted)
		{
			CountedRelation *counted = lfirst(lc);
			ErrorContextCallback errcallback;
			SavedUser	saved;

			CHECK_FOR_INTERRUPTS();
			errcallback.callback = counting_error_context;
			errcallback.arg = counted->desc;
			errcallback.previous = error_context_stack;
			error_context_stack = &errcallback;
			switch_to_owner(counted->desc->related, writer, &saved);
			/* one parent needs no order */
			if (nrows > 1)
				run_kept(&counted->lock, counter_lock_sql, counted->desc, event);
			run_kept(&counted->change, counter_change_sql, counted->desc, event);
			restore_user(&saved);
			error_context_stack = errcallback.previous;
			if (event == COUNTER_UPDATE)
				recount_changed(counted->desc, writer);
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
	check_spi(SPI_execute(sql, false, 0), "SPI_execute");
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
	check_spi(SPI_execute_plan_extended(plan, &options), "SPI_execute_plan_extended");
	enr->md.name = COUNTER_COUNTS;
	enr->md.reliddesc = InvalidOid;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(store);
	enr->reldata = store;
	check_spi(SPI_register_relation(enr), "SPI_register_relation");
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
	check_spi(SPI_connect(), "SPI_connect");
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
		RelationDesc *desc = ((CountedRelation *) lfirst(lc))->desc;
		SavedUser	saved;

		if (desc->counter_cache != NULL)
			recount_relation(desc, writer);
		if (desc->touch == NULL)
			continue;
		check_spi(SPI_connect(), "SPI_connect");
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
