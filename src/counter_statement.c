/*
 * counter_statement.c
 *	  Statements that change rows in several ways, or rows of several tables.
 *
 * INSERT ... ON CONFLICT DO UPDATE, MERGE and WITH fire a statement trigger for
 * each kind of change and each table.  A DELETE or an UPDATE of a key fires
 * those of all tables that its foreign keys cascade to.  If each trigger locked
 * the parents of its own rows, two such statements could wait for each other.
 * So the triggers collect the rows, and the last one changes the parents of all.
 *
 * A trigger before each statement notes which triggers will fire after it.
 * Cascades run statements of their own, whose triggers fire with those of the
 * query, unannounced.  Their rows are collected, too, and a trigger is queued
 * that fires after all that are queued now.
 */
#include "relations.h"

#include "access/table.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "as_owner.h"
#include "counter_plan.h"

PG_FUNCTION_INFO_V1(relations_counter_begin);
PG_FUNCTION_INFO_V1(relations_counter_rows);
PG_FUNCTION_INFO_V1(relations_counter_end);

/* A table that a query writes. */
typedef struct WrittenTable
{
	Oid			relid;
	int			expected;		/* triggers that will fire: bits of CounterEvent */
	CounterRows rows;			/* of those that have fired */
} WrittenTable;

typedef struct CountedQuery
{
	dlist_node	node;			/* in queries */
	MemoryContext context;		/* see counter_query_context() */
	List	   *tables;			/* of WrittenTable */
	bool		end_queued;		/* will relations_counter_end() be called? */
	MemoryContextCallback forget;
} CountedQuery;

static dlist_head queries = DLIST_STATIC_INIT(queries);

static void
forget_query(void *arg)
{
	dlist_delete(&((CountedQuery *) arg)->node);
}

static CountedQuery *
find_query(MemoryContext context)
{
	dlist_iter	iter;

	dlist_foreach(iter, &queries)
	{
		CountedQuery *query = dlist_container(CountedQuery, node, iter.cur);

		if (query->context == context)
			return query;
	}
	return NULL;
}

static CountedQuery *
begin_query(MemoryContext context)
{
	CountedQuery *query = find_query(context);

	if (query != NULL)
		return query;
	query = MemoryContextAllocZero(context, sizeof(CountedQuery));
	query->context = context;
	dlist_push_head(&queries, &query->node);
	query->forget.func = forget_query;
	query->forget.arg = query;
	MemoryContextRegisterResetCallback(context, &query->forget);
	return query;
}

static WrittenTable *
add_table(CountedQuery *query, Oid relid)
{
	MemoryContext old = MemoryContextSwitchTo(query->context);
	WrittenTable *table = palloc0(sizeof(WrittenTable));

	table->relid = relid;
	query->tables = lappend(query->tables, table);
	MemoryContextSwitchTo(old);
	return table;
}

/* Return the table of a query for which a trigger is expected, or NULL. */
static WrittenTable *
find_expected(CountedQuery *query, Oid relid, int events)
{
	ListCell   *lc;

	foreach(lc, query->tables)
	{
		WrittenTable *table = lfirst(lc);

		if (table->relid == relid && (table->expected & events) != 0)
			return table;
	}
	return NULL;
}

static CounterEvent
event_of(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? COUNTER_INSERT
		: TRIGGER_FIRED_BY_UPDATE(event) ? COUNTER_UPDATE : COUNTER_DELETE;
}

/* Return true if the table has our trigger for an event, and it fires. */
static bool
trigger_fires(Relation rel, CounterEvent event)
{
	static const char *const names[] = {
		[COUNTER_INSERT] = "relations_counter_insert",
		[COUNTER_UPDATE] = "relations_counter_update",
		[COUNTER_DELETE] = "relations_counter_delete",
	};
	bool		replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;

	for (int i = 0; i < rel->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &rel->trigdesc->triggers[i];

		if (strcmp(trigger->tgname, names[event]) == 0)
			return trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
				trigger->tgenabled == (replica ? TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);
	}
	return false;
}

/*
 * SQL: counter_begin(), the trigger before statements on the tables of models
 * with a counter_cache or touch.
 */
Datum
relations_counter_begin(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	MemoryContext context = counter_query_context();
	CountedQuery *query;
	WrittenTable *table;
	CounterEvent event;
	Oid			relid;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		counter_wrong_trigger("relations.counter_begin");
	event = event_of(trigdata->tg_event);
	if (!trigger_fires(trigdata->tg_relation, event))
		return PointerGetDatum(NULL);
	relid = RelationGetRelid(trigdata->tg_relation);
	query = begin_query(context);
	table = find_expected(query, relid, ~0);
	if (table == NULL)
		table = add_table(query, relid);
	table->expected |= 1 << event;
	return PointerGetDatum(NULL);
}

/* Set the rows of the kind of change that has fired a trigger. */
static void
set_rows(CounterRows *rows, TriggerData *trigdata)
{
	switch (event_of(trigdata->tg_event))
	{
		case COUNTER_INSERT:
			rows->inserted = trigdata->tg_newtable;
			break;
		case COUNTER_UPDATE:
			rows->updated_old = trigdata->tg_oldtable;
			rows->updated_new = trigdata->tg_newtable;
			break;
		default:
			rows->deleted = trigdata->tg_oldtable;
			break;
	}
}

/* Change the parents of all rows that a query has collected. */
static void
count_collected(CountedQuery *query)
{
	List	   *writes = NIL;
	ListCell   *lc;

	foreach(lc, query->tables)
	{
		WrittenTable *table = lfirst(lc);
		CounterWrite *write;

		if (counter_row_count(&table->rows) == 0)
			continue;
		write = palloc(sizeof(CounterWrite));
		/* the query has locked the table */
		write->rel = table_open(table->relid, NoLock);
		write->rows = table->rows;
		memset(&table->rows, 0, sizeof(CounterRows));
		writes = lappend(writes, write);
	}
	if (list_length(writes) > 1)
		counter_lock_for_all(writes);
	foreach(lc, writes)
	{
		CounterWrite *write = lfirst(lc);

		counter_count_rows(write->rel, query->context, &write->rows);
		table_close(write->rel, NoLock);
	}
}

/*
 * Queue a call of relations_counter_end(): a statement that changes nothing
 * fires its trigger, and leaves that to the query whose triggers are fired now.
 */
static void
queue_end(CountedQuery *query)
{
	static SPIPlanPtr plan = NULL;
	SavedUser	saved;

	if (query->end_queued)
		return;
	counter_check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(catalog_table_oid("counter_end"), InvalidOid, &saved);
	if (plan == NULL)
		plan = counter_prepare("DELETE FROM " RELATIONS_SCHEMA ".counter_end", true);
	counter_check_spi(SPI_execute_snapshot(plan, NULL, NULL, InvalidSnapshot, InvalidSnapshot,
										   false, false, 0), "SPI_execute_snapshot");
	restore_user(&saved);
	SPI_finish();
	query->end_queued = true;
}

/* Return true if triggers of the query are still to fire. */
static bool
more_triggers(CountedQuery *query)
{
	ListCell   *lc;

	if (query->end_queued)
		return true;
	foreach(lc, query->tables)
	{
		if (((WrittenTable *) lfirst(lc))->expected != 0)
			return true;
	}
	return false;
}

/* Collect the rows of a trigger, and count for all if it is the last one. */
static void
collect_rows(TriggerData *trigdata, MemoryContext context)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	int			event = 1 << event_of(trigdata->tg_event);
	CountedQuery *query = find_query(context);
	WrittenTable *table = query == NULL ? NULL : find_expected(query, relid, event);
	CounterRows rows = {0};

	set_rows(&rows, trigdata);
	if (table != NULL)
	{
		table->expected &= ~event;
		set_rows(&table->rows, trigdata);
		if (!more_triggers(query))
			count_collected(query);
	}
	else if (counter_row_count(&rows) > 0)
	{
		query = begin_query(context);
		add_table(query, relid)->rows = rows;
		queue_end(query);
	}
}

/*
 * SQL: counter_rows(), the trigger after statements on the tables of models
 * with a counter_cache or touch.  Errors are those of the parents' UPDATE.
 */
Datum
relations_counter_rows(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	MemoryContext context = counter_query_context();
	bool		fits = CALLED_AS_TRIGGER(fcinfo);

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
		count_after_truncate(RelationGetRelid(trigdata->tg_relation),
							 trigdata->tg_relation->rd_rel->relowner);
	else
		collect_rows(trigdata, context);
	return PointerGetDatum(NULL);
}

/* SQL: counter_end(), the trigger that queue_end() queues. */
Datum
relations_counter_end(PG_FUNCTION_ARGS)
{
	CountedQuery *query = find_query(counter_query_context());

	if (!CALLED_AS_TRIGGER(fcinfo))
		counter_wrong_trigger("relations.counter_end");
	if (query != NULL)
	{
		query->end_queued = false;
		count_collected(query);
	}
	return PointerGetDatum(NULL);
}
