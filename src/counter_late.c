/*
 * counter_late.c
 *	  Rows that come before their parents, under a deferred constraint.
 *
 * A deferred foreign key lets a transaction store a row whose parent another
 * transaction has not committed yet.  There is no parent then to be counted
 * for, and the other transaction does not see the row.  So the key is
 * remembered, and counted at the end of the transaction, after the constraint
 * has found the parent.
 *
 * The parent is locked first, and counted then: who else has counted for it is
 * done, and who else has missed it will count after us.
 *
 * The end of the transaction is that of a deferred trigger on a table of the
 * extension, into which a row is inserted.  Its events follow savepoints, as
 * those of the constraint do; keys that were rolled back are counted in vain.
 */
#include "relations.h"

#include "access/heapam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "as_owner.h"
#include "counter_plan.h"

PG_FUNCTION_INFO_V1(relations_counter_late);

/* The keys of one relation, in TopTransactionContext. */
typedef struct LateKeys
{
	int			rank;			/* of the parents, see counter_order.c */
	Oid			related;
	Oid			model;
	char	   *name;
	ParentKeys *keys;
	int64		done;			/* keys that were counted */
	SubTransactionId done_in;	/* the subtransaction that did */
} LateKeys;

static List *late_keys = NIL;

/* the subtransaction that has a trigger pending */
static SubTransactionId pending_in = InvalidSubTransactionId;

static void
forget_late_keys(pg_attribute_unused() void *arg)
{
	late_keys = NIL;
	pending_in = InvalidSubTransactionId;
}

/* What a subtransaction has counted is not counted if it is rolled back. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent,
				   pg_attribute_unused() void *arg)
{
	ListCell   *lc;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	if (pending_in == mine)
		pending_in = InvalidSubTransactionId;
	foreach(lc, late_keys)
	{
		LateKeys   *late = lfirst(lc);

		if (late->done_in != mine)
			continue;
		late->done_in = parent;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			late->done = 0;
	}
}

/* Return the keys of a relation, which may be none yet. */
static LateKeys *
find_late_keys(CounterTable *table, RelationDesc *desc)
{
	static bool registered = false;
	LateKeys   *late;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, late_keys)
	{
		late = lfirst(lc);
		if (late->model == desc->model && strcmp(late->name, desc->name) == 0)
			return late;
	}
	if (!registered)
		RegisterSubXactCallback(end_subtransaction, NULL);
	registered = true;
	old = MemoryContextSwitchTo(TopTransactionContext);
	if (late_keys == NIL)
	{
		MemoryContextCallback *forget = palloc0(sizeof(MemoryContextCallback));

		forget->func = forget_late_keys;
		MemoryContextRegisterResetCallback(TopTransactionContext, forget);
	}
	late = palloc0(sizeof(LateKeys));
	late->rank = table->rank;
	late->related = desc->related;
	late->model = desc->model;
	late->name = pstrdup(desc->name);
	late->keys = parent_keys_begin(desc, true);
	late->done_in = GetCurrentSubTransactionId();
	late_keys = lappend(late_keys, late);
	MemoryContextSwitchTo(old);
	return late;
}

/*
 * Have the trigger of the end of the transaction fire, also if the caller has
 * SET CONSTRAINTS ALL IMMEDIATE: the constraint itself is deferred.
 */
static void
queue_trigger(void)
{
	SavedUser	saved;

	if (pending_in == GetCurrentSubTransactionId())
		return;
	switch_to_owner(catalog_table_oid("counter_late"), InvalidOid, &saved);
	counter_check_spi(SPI_execute("SET CONSTRAINTS " RELATIONS_SCHEMA ".counter_late DEFERRED",
								  false, 0), "SPI_execute");
	counter_check_spi(SPI_execute("INSERT INTO " RELATIONS_SCHEMA ".counter_late DEFAULT VALUES",
								  false, 0), "SPI_execute");
	restore_user(&saved);
	pending_in = GetCurrentSubTransactionId();
}

/* Remember keys that no parent has yet.  The caller has connected to SPI. */
void
remember_late_keys(CounterTable *table, RelationDesc *desc, ParentKeys *keys)
{
	LateKeys   *late;

	if (keys->count == 0)
		return;
	late = find_late_keys(table, desc);
	for (int64 i = 0; i < keys->count; i++)
		parent_keys_add(late->keys, &keys->values[i * keys->nkeys]);
	queue_trigger();
}

static int
compare_late(const ListCell *a, const ListCell *b)
{
	const LateKeys *one = lfirst(a);
	const LateKeys *other = lfirst(b);

	if (one->rank != other->rank)
		return one->rank > other->rank ? -1 : 1;
	if (one->related != other->related)
		return one->related < other->related ? -1 : 1;
	return strcmp(one->name, other->name);
}

/* Return the relation of keys, or NULL if it no longer counts. */
static RelationDesc *
late_relation(LateKeys *late)
{
	RelationDesc *desc = catalog_find_relation(late->model, late->name);

	if (desc == NULL || desc->kind != RELATION_BELONGS_TO || desc->related != late->related ||
		get_rel_name(desc->related) == NULL)
		return NULL;
	desc->counter_cache = column_if_there(desc->related, desc->counter_cache);
	return desc->counter_cache == NULL ? NULL : desc;
}

/*
 * SQL: counter_late(), the trigger at the end of a transaction that has stored
 * rows before their parents.  Errors are those of the parents' UPDATE.
 */
Datum
relations_counter_late(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	List	   *late;
	ListCell   *lc;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ||
		RelationGetRelid(trigdata->tg_relation) != catalog_table_oid("counter_late"))
		counter_wrong_trigger("relations.counter_late");
	pending_in = InvalidSubTransactionId;
	late = list_copy(late_keys);
	list_sort(late, compare_late);
	foreach(lc, late)
	{
		LateKeys   *keys = lfirst(lc);
		RelationDesc *desc = late_relation(keys);

		CHECK_FOR_INTERRUPTS();
		if (desc != NULL && keys->done < keys->keys->count)
			recount_many(desc, relation_owner(desc->model), keys->keys, keys->done, true);
		keys->done = keys->keys->count;
		keys->done_in = GetCurrentSubTransactionId();
	}
	simple_heap_delete(trigdata->tg_relation, &trigdata->tg_trigtuple->t_self);
	return PointerGetDatum(NULL);
}
