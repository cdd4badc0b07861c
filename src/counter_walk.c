/*
 * counter_walk.c
 *	  Lock rows of tables in a circle of relations, as those of a tree are.
 *
 * In a circle, the order of tables does not tell which of two rows is above
 * the other.  So the rows that are to be changed are found first, then those
 * that they refer to, up to rows that refer to none.  The rank of a row is the
 * greatest number of steps from there: a row has a higher rank than all rows
 * above it.  Rows are locked by descending rank, which is what a statement
 * that updates a row, and touches the rows above it, does as well.  Rows that
 * refer to each other in a circle have no rank, and are locked last.
 *
 * All rows are read with one snapshot, and identified by their place.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

#include "as_owner.h"
#include "counter_plan.h"

/* columns of the statements of counter_direct_sql() and counter_step_sql() */
#define WALKED_NO 1
#define WALKED_TOUCHES 2
#define WALKED_TABLE 3
#define WALKED_PLACE 4
#define WALKED_KEY 5

typedef struct RowPlace
{
	Oid			tableoid;
	ItemPointerData place;
} RowPlace;

typedef struct WalkedRow
{
	int			no;
	int			table;			/* index in the plan */
	bool		changed;		/* or is it there for the order alone? */
	int			rank;			/* -1 while unknown, and for rows in circles */
	int			above_rank;		/* at least, while unknown */
	int			unranked;		/* rows above it without a rank */
	List	   *above;			/* of WalkedEdge */
	List	   *below;			/* of WalkedRow */
	Datum	   *values;			/* number, rank, key, carried columns */
	bool	   *nulls;
} WalkedRow;

typedef struct WalkedEdge
{
	WalkedRow  *row;
	bool		touches;
} WalkedEdge;

typedef struct PlaceEntry
{
	RowPlace	place;			/* must be first */
	WalkedRow  *row;
} PlaceEntry;

typedef struct Walk
{
	CounterRun *run;
	int			first;			/* tables of the circle, as indexes in the plan */
	int			last;
	MemoryContext context;
	HTAB	   *places;
	List	   *rows;			/* of WalkedRow */
	List	  **fresh;			/* by table: rows to be walked from */
	bool		touches;		/* does a step touch rows? */
} Walk;

static CounterTable *
walked_table(Walk *walk, int table)
{
	return &walk->run->plan->tables[table];
}

/* Return a value of a row that was found, of a column that is never null. */
static Datum
found_value(HeapTuple tuple, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, column, &isnull);

	if (isnull)
		elog(ERROR, "column %d of a row that counts is null", column);
	return value;
}

/* Return the row in a result.  It is new unless it was found before. */
static WalkedRow *
find_row(Walk *walk, int table, HeapTuple tuple, TupleDesc result)
{
	TupleDesc	desc = walked_table(walk, table)->rows_desc;
	RowPlace	place;
	PlaceEntry *entry;
	WalkedRow  *row;
	bool		found;
	MemoryContext old;

	memset(&place, 0, sizeof(place));
	place.tableoid = DatumGetObjectId(found_value(tuple, result, WALKED_TABLE));
	place.place = *(ItemPointer) DatumGetPointer(found_value(tuple, result, WALKED_PLACE));
	entry = hash_search(walk->places, &place, HASH_ENTER, &found);
	if (found)
		return entry->row;
	old = MemoryContextSwitchTo(walk->context);
	row = palloc0(sizeof(WalkedRow));
	row->no = list_length(walk->rows);
	row->table = table;
	row->rank = -1;
	row->values = palloc0(sizeof(Datum) * desc->natts);
	row->nulls = palloc0(sizeof(bool) * desc->natts);
	row->values[0] = Int32GetDatum(row->no);
	for (int i = COUNTER_RANKED_COLUMNS; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Datum		value = SPI_getbinval(tuple, result, WALKED_KEY + i - COUNTER_RANKED_COLUMNS,
										  &row->nulls[i]);

		if (!row->nulls[i])
			row->values[i] = datumCopy(value, att->attbyval, att->attlen);
	}
	walk->rows = lappend(walk->rows, row);
	walk->fresh[table] = lappend(walk->fresh[table], row);
	entry->row = row;
	MemoryContextSwitchTo(old);
	return row;
}

/* Register rows of a table for statements. */
static Tuplestorestate *
register_walked(Walk *walk, int table, char *name, List *rows)
{
	TupleDesc	desc = walked_table(walk, table)->rows_desc;
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	ListCell   *lc;

	foreach(lc, rows)
	{
		WalkedRow  *row = lfirst(lc);

		row->values[1] = Int32GetDatum(row->rank);
		tuplestore_putvalues(store, desc, row->values, row->nulls);
	}
	counter_register_rows(name, desc, store);
	return store;
}

/*
 * Execute a statement that finds rows of a table, with the snapshot of the
 * walk.  Rows of the statement itself are changed; others are so if a row
 * that is changed touches them, see mark_touched().
 */
static void
find_rows(Walk *walk, int table, SPIPlanPtr plan, bool direct)
{
	SPIExecuteOptions options = {0};
	SPITupleTable *found;

	options.read_only = true;
	counter_check_spi(SPI_execute_plan_extended(plan, &options), "SPI_execute_plan_extended");
	found = SPI_tuptable;
	for (uint64 i = 0; i < found->numvals; i++)
	{
		WalkedRow  *row = find_row(walk, table, found->vals[i], found->tupdesc);
		MemoryContext old = MemoryContextSwitchTo(walk->context);

		if (direct)
			row->changed = true;
		else
		{
			WalkedEdge *edge = palloc(sizeof(WalkedEdge));
			int			no = DatumGetInt32(found_value(found->vals[i], found->tupdesc, WALKED_NO));

			edge->row = row;
			edge->touches = DatumGetBool(found_value(found->vals[i], found->tupdesc, WALKED_TOUCHES));
			((WalkedRow *) list_nth(walk->rows, no))->above =
				lappend(((WalkedRow *) list_nth(walk->rows, no))->above, edge);
			row->below = lappend(row->below, list_nth(walk->rows, no));
		}
		MemoryContextSwitchTo(old);
	}
	SPI_freetuptable(found);
}

/* Find the rows that the statement, or rows below the circle, change. */
static void
find_direct_rows(Walk *walk)
{
	CounterRun *run = walk->run;

	for (int i = walk->first; i <= walk->last; i++)
	{
		CounterTable *table = walked_table(walk, i);
		ListCell   *lc;

		foreach(lc, table->groups)
		{
			CounterGroup *group = lfirst(lc);
			Tuplestorestate *changes;
			SavedUser	saved;

			if (!group->from_outside)
				continue;
			switch_to_owner(table->relid, run->writer, &saved);
			changes = counter_compute_changes(run, table, group, SOURCES_OUTSIDE);
			if (tuplestore_tuple_count(changes) > 0)
				find_rows(walk, i, COUNTER_PLAN(run, &group->direct,
												counter_direct_sql(table, group, run->event)),
						  true);
			counter_withdraw_rows(counter_changes_name(table, group), changes);
			restore_user(&saved);
		}
	}
}

/* Find the rows that rows refer to, up to those that refer to none. */
static void
find_rows_above(Walk *walk)
{
	bool		more;

	do
	{
		more = false;
		for (int i = walk->first; i <= walk->last; i++)
		{
			CounterTable *table = walked_table(walk, i);
			List	   *rows = walk->fresh[i];
			char	   *name = counter_step_name(i);
			Tuplestorestate *store;
			ListCell   *lc;

			if (rows == NIL)
				continue;
			CHECK_FOR_INTERRUPTS();
			walk->fresh[i] = NIL;
			store = register_walked(walk, i, name, rows);
			foreach(lc, table->steps)
			{
				CounterStep *step = lfirst(lc);
				SavedUser	saved;

				switch_to_owner(step->desc->related, walk->run->writer, &saved);
				find_rows(walk, step->to,
						  COUNTER_PLAN(walk->run, &step->plan,
									   counter_step_sql(table, step, walked_table(walk, step->to))),
						  false);
				restore_user(&saved);
			}
			counter_withdraw_rows(name, store);
			more = true;
		}
	} while (more);
}

/* Mark the rows that changed rows touch, and those that these touch. */
static void
mark_touched(Walk *walk)
{
	List	   *changed = NIL;
	ListCell   *lc;

	foreach(lc, walk->rows)
	{
		if (((WalkedRow *) lfirst(lc))->changed)
			changed = lappend(changed, lfirst(lc));
	}
	/* the list grows meanwhile */
	for (int i = 0; i < list_length(changed); i++)
	{
		foreach(lc, ((WalkedRow *) list_nth(changed, i))->above)
		{
			WalkedEdge *edge = lfirst(lc);

			if (edge->touches && !edge->row->changed)
			{
				edge->row->changed = true;
				changed = lappend(changed, edge->row);
			}
		}
	}
}

/* Rank all rows, from those that refer to none on. */
static void
rank_rows(Walk *walk)
{
	List	   *ranked = NIL;
	ListCell   *lc;

	foreach(lc, walk->rows)
	{
		WalkedRow  *row = lfirst(lc);

		row->unranked = list_length(row->above);
		if (row->unranked == 0)
		{
			row->rank = 0;
			ranked = lappend(ranked, row);
		}
	}
	/* the list grows meanwhile */
	for (int i = 0; i < list_length(ranked); i++)
	{
		WalkedRow  *row = list_nth(ranked, i);

		foreach(lc, row->below)
		{
			WalkedRow  *below = lfirst(lc);

			below->above_rank = Max(below->above_rank, row->rank + 1);
			if (--below->unranked == 0)
			{
				below->rank = below->above_rank;
				ranked = lappend(ranked, below);
			}
		}
	}
}

static int
compare_walked(const ListCell *a, const ListCell *b)
{
	const WalkedRow *one = lfirst(a);
	const WalkedRow *other = lfirst(b);

	if (one->rank != other->rank)
		return one->rank > other->rank ? -1 : 1;
	if (one->table != other->table)
		return one->table < other->table ? -1 : 1;
	return one->no < other->no ? -1 : 1;
}

/* Lock rows of one table, in the order of their ranks and keys. */
static void
lock_rows(Walk *walk, int no, List *rows)
{
	CounterTable *table = walked_table(walk, no);
	char	   *name = counter_ranked_name(no);
	Tuplestorestate *store = register_walked(walk, no, name, rows);
	SavedUser	saved;

	switch_to_owner(table->relid, walk->run->writer, &saved);
	counter_execute(COUNTER_PLAN(walk->run, &table->lock, counter_lock_ranked_sql(table)), NULL);
	restore_user(&saved);
	counter_withdraw_rows(name, store);
}

/*
 * Lock the rows that are changed, by descending rank.  The rows of a circle
 * of one table are locked by one statement, else those of one rank and table.
 */
static void
lock_walked(Walk *walk, List *changed)
{
	List	   *rows = NIL;
	ListCell   *lc;

	list_sort(changed, compare_walked);
	foreach(lc, changed)
	{
		WalkedRow  *row = lfirst(lc);
		WalkedRow  *last = rows == NIL ? NULL : llast(rows);

		if (last != NULL && walk->first != walk->last &&
			(row->rank != last->rank || row->table != last->table))
		{
			CHECK_FOR_INTERRUPTS();
			lock_rows(walk, last->table, rows);
			rows = NIL;
		}
		rows = lappend(rows, row);
	}
	if (rows != NIL)
		lock_rows(walk, ((WalkedRow *) linitial(rows))->table, rows);
}

/*
 * Lock the rows of the tables of a circle, from first to last in the plan,
 * that a statement changes.  Hands over the changed rows of each to the
 * statements of the run, and sets the number of them.
 */
void
walk_circle(CounterRun *run, int first, int last)
{
	Walk		walk = {0};
	HASHCTL		ctl = {0};
	List	   *changed = NIL;
	ListCell   *lc;
	List	  **by_table = palloc0(sizeof(List *) * run->plan->ntables);

	walk.run = run;
	walk.first = first;
	walk.last = last;
	walk.context = CurrentMemoryContext;
	walk.fresh = palloc0(sizeof(List *) * run->plan->ntables);
	ctl.keysize = sizeof(RowPlace);
	ctl.entrysize = sizeof(PlaceEntry);
	ctl.hcxt = walk.context;
	walk.places = hash_create("relations walked rows", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	/* the rows of the statement are visible to the walk */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	find_direct_rows(&walk);
	for (int i = first; i <= last; i++)
	{
		foreach(lc, walked_table(&walk, i)->steps)
			walk.touches = walk.touches || ((CounterStep *) lfirst(lc))->touches;
	}
	/* a single row needs no order */
	if (list_length(walk.rows) > 1 || (walk.rows != NIL && walk.touches))
	{
		find_rows_above(&walk);
		mark_touched(&walk);
		rank_rows(&walk);
	}
	PopActiveSnapshot();
	foreach(lc, walk.rows)
	{
		WalkedRow  *row = lfirst(lc);

		if (!row->changed)
			continue;
		changed = lappend(changed, row);
		by_table[row->table] = lappend(by_table[row->table], row);
	}
	lock_walked(&walk, changed);
	for (int i = first; i <= last; i++)
	{
		run->found[i] = list_length(by_table[i]);
		run->registered = lappend(run->registered,
								  register_walked(&walk, i, counter_rows_name(i), by_table[i]));
	}
	hash_destroy(walk.places);
}
