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
 * Keys that a query has changed
 *
 * They are remembered until the query ends: until then its statement triggers
 * may count rows that were moved along.
 * ---------------------------------------------------------------------
 */

typedef struct ChangedKeys
{
	dlist_node	node;			/* in changed_keys */
	MemoryContext query;
	Oid			model;			/* of the relation */
	char	   *name;
	ParentKeys *keys;
	MemoryContextCallback forget;
} ChangedKeys;

static dlist_head changed_keys = DLIST_STATIC_INIT(changed_keys);

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
	dlist_delete(&((ChangedKeys *) arg)->node);
}

static ChangedKeys *
find_changed(MemoryContext query, RelationDesc *desc)
{
	dlist_iter	iter;

	dlist_foreach(iter, &changed_keys)
	{
		ChangedKeys *changed = dlist_container(ChangedKeys, node, iter.cur);

		if (changed->query == query && changed->model == desc->model &&
			strcmp(changed->name, desc->name) == 0)
			return changed;
	}
	return NULL;
}

static void
remember_key(MemoryContext query, CountedParent *parent, Datum *values)
{
	ChangedKeys *changed = find_changed(query, parent->desc);
	MemoryContext old = MemoryContextSwitchTo(query);

	if (changed == NULL)
	{
		changed = palloc0(sizeof(ChangedKeys));
		changed->query = query;
		changed->model = parent->desc->model;
		changed->name = pstrdup(parent->desc->name);
		changed->keys = parent_keys_begin(parent->desc, false);
		dlist_push_head(&changed_keys, &changed->node);
		changed->forget.func = forget_keys;
		changed->forget.arg = changed;
		MemoryContextRegisterResetCallback(query, &changed->forget);
	}
	MemoryContextSwitchTo(old);
	parent_keys_add(changed->keys, values);
}

/*
 * Count for the parents whose keys this query has changed, after rows of a
 * relation were counted.
 */
void
recount_changed(MemoryContext query, RelationDesc *desc, Oid writer)
{
	ChangedKeys *changed;
	ListCell   *lc;

	if (dlist_is_empty(&changed_keys) || desc->counter_cache == NULL)
		return;
	changed = find_changed(query, desc);
	if (changed == NULL)
		return;
	foreach(lc, acquire_counter_plan(desc->related, COUNTER_PARENT, true)->parents)
	{
		CountedParent *parent = lfirst(lc);

		if (parent->desc->model == desc->model && strcmp(parent->desc->name, desc->name) == 0)
			recount_keys(parent, writer, changed->keys);
	}
}

/* ---------------------------------------------------------------------
 * The triggers
 * ---------------------------------------------------------------------
 */

/*
 * Read the key of a row that has a new key, or is new.  Returns false if the
 * row is not to be counted for: its key is null or has not changed, or no row
 * refers to it and the counter is right.
 */
static bool
read_new_key(TriggerData *trigdata, CountedParent *parent, Datum *values)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	HeapTuple	row = update ? trigdata->tg_newtuple : trigdata->tg_trigtuple;
	bool		changed = false;
	bool		isnull;
	Datum		value;

	for (int i = 0; i < list_length(parent->desc->local_key); i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, parent->key[i] - 1);

		values[i] = heap_getattr(row, parent->key[i], desc, &isnull);
		if (isnull)
			return false;
		if (!update || changed)
			continue;
		value = heap_getattr(trigdata->tg_trigtuple, parent->key[i], desc, &isnull);
		changed = isnull || !datum_image_eq(values[i], value, att->attbyval, att->attlen);
	}
	if (update)
		return changed;
	if (parent->may_precede)
		return true;
	value = heap_getattr(row, parent->counter, desc, &isnull);
	return is_set(parent, value, isnull);
}

/* Like read_new_key(), for a new row of a statement. */
static bool
read_inserted_key(CountedParent *parent, TupleTableSlot *row, Datum *values)
{
	bool		isnull;
	Datum		value;

	for (int i = 0; i < list_length(parent->desc->local_key); i++)
	{
		values[i] = slot_getattr(row, parent->key[i], &isnull);
		if (isnull)
			return false;
	}
	if (parent->may_precede)
		return true;
	value = slot_getattr(row, parent->counter, &isnull);
	return is_set(parent, value, isnull);
}

/* Count for the row that a row trigger is called for. */
static void
count_row(TriggerData *trigdata, MemoryContext query, CountedParent *parent)
{
	Datum	   *values = palloc(sizeof(Datum) * (list_length(parent->desc->local_key) + 1));

	if (!read_new_key(trigdata, parent, values))
		return;
	remember_key(query, parent, values);
	recount_parent(parent, trigdata->tg_relation->rd_rel->relowner, values);
}

/*
 * Count for new rows of a statement, many of them some at a time.  Without
 * count, returns at the first row that is to be counted for.
 */
static bool
count_new_rows(TriggerData *trigdata, CountedParent *parent, bool count)
{
	Oid			writer = trigdata->tg_relation->rd_rel->relowner;
	Datum	   *values = palloc(sizeof(Datum) * list_length(parent->desc->local_key));
	Tuplestorestate *rows = trigdata->tg_newtable;
	MemoryContext context = NULL;
	ParentKeys *keys = NULL;
	TupleTableSlot *slot;
	bool		found = false;

	slot = counter_begin_reading(trigdata->tg_relation, rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_inserted_key(parent, slot, values))
			continue;
		found = true;
		if (!count)
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

/* Return true if some row is to be counted for. */
static bool
any_to_count(TriggerData *trigdata, CounterPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->parents)
	{
		CountedParent *parent = lfirst(lc);
		Datum	   *values = palloc(sizeof(Datum) * list_length(parent->desc->local_key));

		if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ? read_new_key(trigdata, parent, values)
			: count_new_rows(trigdata, parent, false))
			return true;
	}
	return false;
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
	Oid			relid;
	ListCell   *lc;

	if (fits && TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		fits = !TRIGGER_FIRED_BY_DELETE(trigdata->tg_event);
	else if (fits)
		fits = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && trigdata->tg_newtable != NULL;
	if (!fits)
		counter_wrong_trigger("relations.counter_parent");
	relid = RelationGetRelid(trigdata->tg_relation);
	if (!any_to_count(trigdata, acquire_counter_plan(relid, COUNTER_PARENT, false)))
		return PointerGetDatum(NULL);
	foreach(lc, acquire_counter_plan(relid, COUNTER_PARENT, true)->parents)
	{
		if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
			count_row(trigdata, query, lfirst(lc));
		else
			(void) count_new_rows(trigdata, lfirst(lc), true);
	}
	return PointerGetDatum(NULL);
}
