/*
 * counter_plan.c
 *	  Cache which parent tables the rows of a table are counted for.
 *
 * A plan belongs to a table and an event.  It lists the parent tables in the
 * order in which their rows are locked (see counter_order.c), and keeps the
 * prepared statements.  A plan is invalidated by changes of each table that
 * was looked at, and by changes of the extension's catalog.
 */
#include "relations.h"

#include "catalog/partition.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "counter_plan.h"
#include "invalidation.h"
#include "named_objects.h"

typedef struct CounterEntry
{
	CounterKey	key;			/* must be first */
	CounterPlan *plan;
} CounterEntry;

static HTAB *counter_plans = NULL;
static uint64 invalidations = 0;
static Oid	catalog_oid = InvalidOid;

/* Does a change of this table invalidate the plan? */
static bool
plan_concerns(CounterPlan *plan, Oid relid)
{
	return !OidIsValid(relid) || relid == catalog_oid || relid == plan->key.relid ||
		list_member_oid(plan->concerned, relid);
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
		if (entry->plan != NULL && entry->plan->valid && plan_concerns(entry->plan, relid))
			entry->plan->valid = false;
	}
}

/* Invalidate all plans: something that they name was renamed. */
static void
invalidate_all_counters(void)
{
	invalidate_counters((Datum) 0, InvalidOid);
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
	call_when_table_changed(invalidate_counters);
	call_when_renamed(invalidate_all_counters);
}

/* Return a table and those that it is a partition of. */
List *
table_and_ancestors(Oid relid)
{
	return lcons_oid(relid, get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL);
}

/* Return the column name, or NULL if the column does not exist. */
char *
column_if_there(Oid relid, char *column)
{
	return column != NULL && get_attnum(relid, column) > 0 ? column : NULL;
}

static int
compare_relations(const ListCell *a, const ListCell *b)
{
	const RelationDesc *one = lfirst(a);
	const RelationDesc *other = lfirst(b);

	if (one->related != other->related)
		return one->related < other->related ? -1 : 1;
	return strcmp(one->name, other->name);
}

/*
 * Return the relations that the rows of a table count for or touch, sorted by
 * parent table, in the current memory context.  Columns that were dropped are
 * left out.
 */
List *
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

			if (!RELATION_FOLLOWS(desc) || get_rel_name(desc->related) == NULL)
				continue;
			desc->counter_cache = column_if_there(desc->related, desc->counter_cache);
			desc->touch = column_if_there(desc->related, desc->touch);
			if (RELATION_FOLLOWS(desc))
				result = lappend(result, desc);
		}
	}
	list_sort(result, compare_relations);
	return result;
}

static void
free_plan(SPIPlanPtr plan)
{
	if (plan != NULL)
		SPI_freeplan(plan);
}

static void
free_counter_plan(CounterPlan *plan)
{
	ListCell   *lc;

	for (int i = 0; i < plan->ntables; i++)
	{
		CounterTable *table = &plan->tables[i];

		free_plan(table->lock);
		free_plan(table->find);
		free_plan(table->lock_found);
		foreach(lc, table->groups)
		{
			CounterGroup *group = lfirst(lc);
			ListCell   *source;

			free_plan(group->changes);
			free_plan(group->change);
			free_plan(group->outside);
			free_plan(group->direct);
			foreach(source, group->sources)
			{
				free_plan(((CounterSource *) lfirst(source))->alone);
				free_plan(((CounterSource *) lfirst(source))->missing);
			}
		}
		foreach(lc, table->steps)
			free_plan(((CounterStep *) lfirst(lc))->plan);
	}
	foreach(lc, plan->parents)
	{
		free_plan(((CountedParent *) lfirst(lc))->count);
		free_plan(((CountedParent *) lfirst(lc))->set);
	}
	MemoryContextDelete(plan->context);
}

/* Add the relations with counters in a table. */
static void
add_parents(CounterPlan *plan)
{
	ListCell   *lc;

	plan->parents = counted_parents(plan->key.relid);
	foreach(lc, plan->parents)
	{
		RelationDesc *desc = ((CountedParent *) lfirst(lc))->desc;

		plan->concerned = lappend_oid(plan->concerned, desc->model);
		plan->concerned = lappend_oid(plan->concerned, desc->related);
	}
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
	if (key->event == COUNTER_PARENT)
		add_parents(plan);
	else
	{
		plan->counted = counted_relations(key->relid);
		order_counter_tables(plan);
	}
	/* a change that arrived meanwhile may have been missed */
	plan->valid = before == invalidations;
	MemoryContextSwitchTo(old);
	return plan;
}

/* Free plans that are invalid and not in use: their table may be dropped. */
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

/*
 * Release a reference.  Frees the plan if it was the last one and the cache no
 * longer holds the plan.
 */
static void
release_counter_plan(void *arg)
{
	CounterPlan *plan = arg;
	CounterEntry *entry = hash_search(counter_plans, &plan->key, HASH_FIND, NULL);

	if (--plan->refcount == 0 && (entry == NULL || entry->plan != plan))
		free_counter_plan(plan);
}

/*
 * Return the plan of a table and an event.  With lock, locks the parent tables
 * as their UPDATE does; else no statement of the plan may be executed.  The
 * plan is released when the current memory context is reset or deleted.
 */
CounterPlan *
acquire_counter_plan(Oid relid, CounterEvent event, bool lock)
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
			/* the entry may have been removed or replaced meanwhile */
			entry = hash_search(counter_plans, &key, HASH_ENTER, &found);
			if (found && entry->plan != NULL && entry->plan->refcount == 0)
				free_counter_plan(entry->plan); /* else its user frees it */
			MemoryContextSetParent(plan->context, CacheMemoryContext);
			entry->plan = plan;
		}
		plan = entry->plan;
		if (!lock)
			break;
		/* locking a table processes the invalidations of other sessions */
		plan->refcount++;
		for (int i = 0; i < plan->ntables; i++)
			LockRelationOid(plan->tables[i].relid,
							plan->tables[i].groups != NIL ? RowExclusiveLock : AccessShareLock);
		foreach(lc, plan->parents)
		{
			RelationDesc *desc = ((CountedParent *) lfirst(lc))->desc;

			LockRelationOid(desc->model, AccessShareLock);
			LockRelationOid(desc->related, RowExclusiveLock);
		}
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
