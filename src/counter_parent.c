/*
 * counter_parent.c
 *	  Parents that get a key: their counters are the number of rows that refer
 *	  to it.
 *
 * A parent gets a key when it is inserted, with whatever counter, and when its
 * key is changed.  In both cases rows may refer to the key already: those that
 * were stored before their parent, as a deferred or missing foreign key allows,
 * and those that a foreign key has moved along.
 *
 * When a parent's key changes, PostgreSQL moves its rows along first, then
 * fires the row trigger of the parent's table, and the statement triggers of
 * the rows' table last.  Those count rows that come to the new key, although
 * they were counted for this parent before.  So the parent is counted both
 * times: by its own trigger, for there may be no rows to be moved, and, if
 * rows of the model are written by the same query, after these were counted.
 *
 * When the key of a row of a partitioned table moves it to another partition,
 * PostgreSQL fires row triggers for a DELETE and an INSERT.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "counter_plan.h"

PG_FUNCTION_INFO_V1(relations_counter_parent);

/* new parents are counted that many by one statement */
#define KEYS_AT_A_TIME 10000

/*
 * Return the relations with a counter in a table, as those of its rows.  The
 * columns are those of the table itself, which may be a partition.
 */
List *
counted_parents(Oid relid)
{
	List	   *result = NIL;
	ListCell   *table;
	ListCell   *lc;

	foreach(table, table_and_ancestors(relid))
	{
		foreach(lc, catalog_relations_to(lfirst_oid(table)))
		{
			RelationDesc *desc = lfirst(lc);
			int			n = list_length(desc->local_key);
			CountedParent *parent;
			ListCell   *column;

			if (desc->kind != RELATION_BELONGS_TO || get_rel_name(desc->model) == NULL)
				continue;
			desc->counter_cache = column_if_there(desc->related, desc->counter_cache);
			if (desc->counter_cache == NULL)
				continue;
			parent = palloc0(sizeof(CountedParent));
			parent->desc = desc;
			parent->key = palloc(sizeof(AttrNumber) * n);
			parent->types = palloc(sizeof(Oid) * (n + 1));
			foreach(column, desc->local_key)
			{
				int			i = foreach_current_index(column);

				parent->key[i] = require_column(relid, lfirst(column), "local_key");
				parent->types[i] = getBaseType(get_atttype(relid, parent->key[i]));
			}
			parent->types[n] = INT8OID;
			parent->counter = require_column(relid, desc->counter_cache, "counter_cache");
			parent->counter_type = getBaseType(get_atttype(relid, parent->counter));
			parent->may_precede = rows_may_precede(desc);
			result = lappend(result, parent);
		}
	}
	return result;
}

/* Return true if a counter is not 0: that of a new row is not its own. */
static bool
is_set(CountedParent *parent, Datum value, bool isnull)
{
	if (isnull)
		return true;
	switch (parent->counter_type)
	{
		case INT2OID:
			return DatumGetInt16(value) != 0;
		case INT4OID:
			return DatumGetInt32(value) != 0;
		case INT8OID:
			return DatumGetInt64(value) != 0;
		case NUMERICOID:
			return !DatumGetBool(DirectFunctionCall2(numeric_eq, value,
													 NumericGetDatum(int64_to_numeric(0))));
		default:
			return true;
	}
}

/* ---------------------------------------------------------------------
 * Rows with new keys
 * ---------------------------------------------------------------------
 */

/*
 * Read the key of the row that a row trigger is called for.  Returns false if
 * it is null, or has not changed.
 */
static bool
read_new_key(TriggerData *trigdata, CountedParent *parent, Datum *values)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	HeapTuple	row = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;
	bool		changed = !update;

	for (int i = 0; i < list_length(parent->desc->local_key); i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, parent->key[i] - 1);
		bool		isnull;
		Datum		old;

		values[i] = heap_getattr(row, parent->key[i], desc, &isnull);
		if (isnull)
			return false;
		if (changed)
			continue;
		old = heap_getattr(trigdata->tg_trigtuple, parent->key[i], desc, &isnull);
		changed = isnull || !datum_image_eq(values[i], old, att->attbyval, att->attlen);
	}
	return changed;
}

/*
 * Return true if the row is to be counted for at once: its key has changed, or
 * it is new, and its counter is not that of a row without children.
 */
static bool
is_to_count(TriggerData *trigdata, CountedParent *parent)
{
	bool		isnull;
	Datum		value;

	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) || parent->may_precede)
		return true;
	value = heap_getattr(trigdata->tg_trigtuple, parent->counter,
						 RelationGetDescr(trigdata->tg_relation), &isnull);
	return is_set(parent, value, isnull);
}

/* Like these two, for a new row of a statement; all: also if it has no children. */
static bool
read_inserted_key(CountedParent *parent, TupleTableSlot *row, Datum *values, bool all)
{
	bool		isnull;
	Datum		value;

	for (int i = 0; i < list_length(parent->desc->local_key); i++)
	{
		values[i] = slot_getattr(row, parent->key[i], &isnull);
		if (isnull)
			return false;
	}
	if (all || parent->may_precede)
		return true;
	value = slot_getattr(row, parent->counter, &isnull);
	return is_set(parent, value, isnull);
}

typedef enum CountRows
{
	COUNT_NONE,					/* return at the first row to be counted for */
	COUNT_NEEDED,				/* see is_to_count() */
	COUNT_ALL
} CountRows;

/*
 * Count for new rows of a statement, many of them some at a time.  Returns true
 * if there are such rows.
 */
static bool
count_new_rows(Relation rel, Tuplestorestate *rows, CountedParent *parent, Oid writer,
			   CountRows count)
{
	Datum	   *values = palloc(sizeof(Datum) * list_length(parent->desc->local_key));
	MemoryContext context = NULL;
	ParentKeys *keys = NULL;
	TupleTableSlot *slot;
	bool		found = false;

	slot = counter_begin_reading(rel, rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_inserted_key(parent, slot, values, count == COUNT_ALL))
			continue;
		found = true;
		if (count == COUNT_NONE)
			break;
		if (keys == NULL)
		{
			MemoryContext old;

			if (context == NULL)
				context = AllocSetContextCreate(CurrentMemoryContext, "relations new parents",
												ALLOCSET_DEFAULT_SIZES);
			old = MemoryContextSwitchTo(context);
			keys = parent_keys_begin(parent->desc, false);
			MemoryContextSwitchTo(old);
		}
		parent_keys_add(keys, values);
		if (keys->count >= KEYS_AT_A_TIME)
		{
			recount_keys(parent, writer, keys);
			MemoryContextReset(context);
			keys = NULL;
		}
	}
	ExecDropSingleTupleTableSlot(slot);
	if (keys != NULL)
		recount_keys(parent, writer, keys);
	if (context != NULL)
		MemoryContextDelete(context);
	return found;
}

/* ---------------------------------------------------------------------
 * Keys that a query has set
 *
 * They are remembered until the query ends: until then its statement triggers
 * may count rows that were moved along, or that have left another parent with
 * the same key.
 * ---------------------------------------------------------------------
 */

/* New parents, or keys, that belong to one relation or table. */
typedef struct SetKeys
{
	dlist_node	node;			/* in set_keys */
	MemoryContext query;
	/* of row triggers: */
	Oid			model;			/* of the relation */
	char	   *name;
	ParentKeys *keys;
	/* of statement triggers: */
	Oid			relid;
	Tuplestorestate *rows;
	MemoryContextCallback forget;
} SetKeys;

static dlist_head set_keys = DLIST_STATIC_INIT(set_keys);

/*
 * Return the memory context that lives as long as the query whose triggers are
 * being fired: they are called in a child of it.  To be called first.
 */
MemoryContext
counter_query_context(void)
{
	MemoryContext query = MemoryContextGetParent(CurrentMemoryContext);

	return query != NULL ? query : CurrentMemoryContext;
}

static void
forget_keys(void *arg)
{
	dlist_delete(&((SetKeys *) arg)->node);
}

static SetKeys *
begin_set(MemoryContext query)
{
	SetKeys    *set = MemoryContextAllocZero(query, sizeof(SetKeys));

	set->query = query;
	dlist_push_head(&set_keys, &set->node);
	set->forget.func = forget_keys;
	set->forget.arg = set;
	MemoryContextRegisterResetCallback(query, &set->forget);
	return set;
}

/* Remember the key of a row of a partition, or one that has changed. */
static void
remember_key(MemoryContext query, CountedParent *parent, Datum *values)
{
	RelationDesc *desc = parent->desc;
	SetKeys    *set = NULL;
	dlist_iter	iter;

	dlist_foreach(iter, &set_keys)
	{
		SetKeys    *other = dlist_container(SetKeys, node, iter.cur);

		if (other->query == query && other->keys != NULL && other->model == desc->model &&
			strcmp(other->name, desc->name) == 0)
			set = other;
	}
	if (set == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(query);

		set = begin_set(query);
		set->model = desc->model;
		set->name = pstrdup(desc->name);
		set->keys = parent_keys_begin(desc, false);
		MemoryContextSwitchTo(old);
	}
	parent_keys_add(set->keys, values);
}

/* Remember all new rows of a statement. */
static void
remember_rows(MemoryContext query, Oid relid, Tuplestorestate *rows)
{
	SetKeys    *set = begin_set(query);

	set->relid = relid;
	set->rows = rows;
}

/*
 * Count for the parents whose keys this query has set, after rows of a relation
 * were counted.
 */
void
recount_changed(MemoryContext query, RelationDesc *desc, Oid writer)
{
	dlist_iter	iter;

	if (dlist_is_empty(&set_keys) || desc->counter_cache == NULL)
		return;
	dlist_foreach(iter, &set_keys)
	{
		SetKeys    *set = dlist_container(SetKeys, node, iter.cur);
		Relation	rel = NULL;
		ListCell   *lc;

		if (set->query != query)
			continue;
		if (set->keys != NULL
			? set->model != desc->model || strcmp(set->name, desc->name) != 0
			: set->relid != desc->related)
			continue;
		/* the query has locked the table */
		if (set->rows != NULL)
			rel = table_open(set->relid, NoLock);
		foreach(lc, acquire_counter_plan(desc->related, COUNTER_PARENT, true)->parents)
		{
			CountedParent *parent = lfirst(lc);

			if (parent->desc->model != desc->model || strcmp(parent->desc->name, desc->name) != 0)
				continue;
			if (rel != NULL)
				count_new_rows(rel, set->rows, parent, writer, COUNT_ALL);
			else
				recount_keys(parent, writer, set->keys);
		}
		if (rel != NULL)
			table_close(rel, NoLock);
	}
}

/* ---------------------------------------------------------------------
 * The triggers
 * ---------------------------------------------------------------------
 */

/* A row has a new key, or is a new row of a partition. */
static void
count_row(TriggerData *trigdata, MemoryContext query)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	CounterPlan *plan = acquire_counter_plan(relid, COUNTER_PARENT, false);
	bool		needed = false;
	ListCell   *lc;

	foreach(lc, plan->parents)
	{
		CountedParent *parent = lfirst(lc);
		Datum	   *values = palloc(sizeof(Datum) * list_length(parent->desc->local_key));

		if (!read_new_key(trigdata, parent, values))
			continue;
		remember_key(query, parent, values);
		needed = needed || is_to_count(trigdata, parent);
	}
	if (!needed)
		return;
	plan = acquire_counter_plan(relid, COUNTER_PARENT, true);
	foreach(lc, plan->parents)
	{
		CountedParent *parent = lfirst(lc);
		/* with room for the counter */
		Datum	   *values = palloc(sizeof(Datum) * (list_length(parent->desc->local_key) + 1));

		if (read_new_key(trigdata, parent, values) && is_to_count(trigdata, parent))
			recount_parent(parent, trigdata->tg_relation->rd_rel->relowner, values);
	}
}

/* All rows of a statement are new. */
static void
count_rows(TriggerData *trigdata, MemoryContext query)
{
	Relation	rel = trigdata->tg_relation;
	Tuplestorestate *rows = trigdata->tg_newtable;
	Oid			writer = rel->rd_rel->relowner;
	CounterPlan *plan = acquire_counter_plan(RelationGetRelid(rel), COUNTER_PARENT, false);
	bool		needed = false;
	ListCell   *lc;

	remember_rows(query, RelationGetRelid(rel), rows);
	foreach(lc, plan->parents)
		needed = needed || count_new_rows(rel, rows, lfirst(lc), writer, COUNT_NONE);
	if (!needed)
		return;
	plan = acquire_counter_plan(RelationGetRelid(rel), COUNTER_PARENT, true);
	foreach(lc, plan->parents)
		(void) count_new_rows(rel, rows, lfirst(lc), writer, COUNT_NEEDED);
}

/*
 * SQL: counter_parent(), the trigger on tables with counters: parents that are
 * new, or whose key is, are counted.  It is a statement trigger for new rows,
 * but a row trigger for those of partitions.  Errors are those of the UPDATE.
 */
Datum
relations_counter_parent(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	MemoryContext query = counter_query_context();
	bool		fits = CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_AFTER(trigdata->tg_event);

	if (fits && TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		fits = !TRIGGER_FIRED_BY_DELETE(trigdata->tg_event);
	else if (fits)
		fits = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && trigdata->tg_newtable != NULL;
	if (!fits)
		counter_wrong_trigger("relations.counter_parent");
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		count_row(trigdata, query);
	else
		count_rows(trigdata, query);
	return PointerGetDatum(NULL);
}
