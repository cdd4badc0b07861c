/*
 * follow.c
 *	  The rows of the catalog follow changes of tables and enums.
 *
 * Each table of the catalog is scanned once for a command.  Rows that mention
 * none of its tables are passed over without reading their other columns; so is
 * a scope that cannot name them, because no relation leads there.  A row that
 * changes is locked, read again and stored (see follow_lock.c for rows that
 * others have locked).
 *
 * The catalog is read with the latest snapshot, also in REPEATABLE READ, as
 * PostgreSQL's own catalogs are.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog.h"
#include "follow.h"
#include "follow_lock.h"
#include "follow_pending.h"
#include "guarded.h"
#include "morph_watch.h"

/* in the order in which they follow: scopes read the types of relations */
static const FollowedTable followed_tables[] = {
	{"morph_type", {"model", "morph", "type"}, {"model", "related"}, morph_type_follow},
	{"relation", {"model", "relation"}, {"model", "related", "through", "pivot_table"}, relation_follow},
	{"model", {"model"}, {"model"}, model_follow},
	{"factory", {"model"}, {"model"}, factory_follow},
	{"factory_state", {"model", "state"}, {"model"}, factory_follow},
};

/* Return a table whose rows follow changes, NULL if there is none of this name. */
const FollowedTable *
followed_table(const char *name)
{
	for (int i = 0; i < (int) lengthof(followed_tables); i++)
	{
		if (strcmp(followed_tables[i].name, name) == 0)
			return &followed_tables[i];
	}
	return NULL;
}

/* The columns of a table of the catalog that mention tables. */
typedef struct MentioningColumns
{
	int			n;
	int			attnums[MOST_MENTIONS];
	int			model;
	int			related;		/* 0 if there is none */
	int			scope;			/* 0 if there is none */
} MentioningColumns;

static MentioningColumns
mentioning_columns(const FollowedTable *table, TupleDesc desc)
{
	MentioningColumns columns = {0};

	for (int i = 0; i < MOST_MENTIONS && table->mentions[i] != NULL; i++)
	{
		int			attnum = SPI_fnumber(desc, table->mentions[i]);

		if (attnum > 0)
			columns.attnums[columns.n++] = attnum;
	}
	columns.model = Max(SPI_fnumber(desc, "model"), 0);
	columns.related = Max(SPI_fnumber(desc, "related"), 0);
	columns.scope = Max(SPI_fnumber(desc, "scope"), 0);
	return columns;
}

static Oid
oid_column(HeapTuple tup, TupleDesc desc, int attnum)
{
	bool		isnull = true;
	Datum		value = attnum > 0 ? heap_getattr(tup, attnum, desc, &isnull) : (Datum) 0;

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* Return whether a row mentions one of the tables of the changes. */
static bool
mentions(const MentioningColumns *columns, HeapTuple tup, TupleDesc desc, List *relids)
{
	for (int i = 0; i < columns->n; i++)
	{
		if (list_member_oid(relids, oid_column(tup, desc, columns->attnums[i])))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------
 * Which scopes can name which tables
 * ---------------------------------------------------------------------
 */

/* A table and the tables whose relations lead to it. */
typedef struct Reachable
{
	Oid			relid;			/* key, must be first */
	List	   *from;			/* OIDs */
	bool		reaches;		/* a table of the changes */
} Reachable;

static Reachable *
enter_table(HTAB *graph, Oid relid)
{
	bool		found;
	Reachable  *entry = hash_search(graph, &relid, HASH_ENTER, &found);

	if (!found)
	{
		entry->from = NIL;
		entry->reaches = false;
	}
	return entry;
}

static void
add_edges(HTAB *graph, const FollowedTable *table)
{
	Relation	rel = table_open(catalog_table_oid(table->name), AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	MentioningColumns columns = mentioning_columns(table, desc);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tup;

	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Oid			model = oid_column(tup, desc, columns.model);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < columns.n; i++)
		{
			Oid			to = oid_column(tup, desc, columns.attnums[i]);

			if (OidIsValid(to) && columns.attnums[i] != columns.model)
			{
				Reachable  *entry = enter_table(graph, to);

				entry->from = lappend_oid(entry->from, model);
			}
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/*
 * Return a hash of Reachable, in which the tables are marked from whose rows
 * relations lead to one of relids, directly or over other tables.
 */
static HTAB *
find_reaching(List *relids)
{
	HASHCTL		ctl = {0};
	HTAB	   *graph;
	List	   *queue = NIL;
	ListCell   *lc;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Reachable);
	ctl.hcxt = CurrentMemoryContext;
	graph = hash_create("relations between tables", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	add_edges(graph, followed_table("relation"));
	add_edges(graph, followed_table("morph_type"));
	foreach(lc, relids)
	{
		enter_table(graph, lfirst_oid(lc))->reaches = true;
		queue = lappend_oid(queue, lfirst_oid(lc));
	}
	foreach(lc, queue)
	{
		ListCell   *f;

		foreach(f, enter_table(graph, lfirst_oid(lc))->from)
		{
			Reachable  *entry = enter_table(graph, lfirst_oid(f));

			if (entry->reaches)
				continue;
			entry->reaches = true;
			queue = lappend_oid(queue, lfirst_oid(f));
		}
	}
	return graph;
}

/* Return whether a row has a scope that can name a table of the changes. */
static bool
scope_reaches(const MentioningColumns *columns, HeapTuple tup, TupleDesc desc, HTAB *graph)
{
	bool		isnull = true;

	if (graph == NULL || columns->scope == 0)
		return false;
	(void) heap_getattr(tup, columns->scope, desc, &isnull);
	if (isnull)
		return false;
	/* without a related table there are several, to which the model leads */
	if (!OidIsValid(oid_column(tup, desc, columns->related)))
		return enter_table(graph, oid_column(tup, desc, columns->model))->reaches;
	for (int i = 0; i < columns->n; i++)
	{
		Oid			relid = oid_column(tup, desc, columns->attnums[i]);

		if (columns->attnums[i] != columns->model && OidIsValid(relid) &&
			enter_table(graph, relid)->reaches)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------
 * One row
 * ---------------------------------------------------------------------
 */

/* Apply changes, a list of CatalogChange, to a row. */
static void
apply_changes(FollowRow *row, List *changes)
{
	ListCell   *lc;

	foreach(lc, changes)
	{
		if (!row->deleted)
			row->table->apply(row, lfirst(lc));
	}
}

/*
 * Store the pending changes of a row that is locked, and then these.  Return
 * the row.
 */
static FollowRow *
change_locked(const FollowedTable *table, Relation rel, ItemPointer tid, TupleTableSlot *slot,
			  List *changes, bool skip_scope)
{
	bool		should_free;
	HeapTuple	tup = heap_copytuple(ExecFetchSlotHeapTuple(slot, false, &should_free));
	FollowRow  *row;
	List	   *entries;

	ExecClearTuple(slot);
	row = follow_row_read(table, tup, RelationGetDescr(rel));
	entries = pending_of_locked(row);
	pending_apply(row, entries);
	row->notices = NIL;
	row->skip_scope = skip_scope;
	apply_changes(row, changes);
	if (row->is_changed)
		follow_row_store(row, tid);
	pending_remove(entries);
	return row;
}

/* The change of a row, and where its notices go. */
typedef struct Following
{
	const FollowedTable *table;
	Relation	rel;
	TupleTableSlot *slot;
	List	   *changes;		/* of CatalogChange */
	List	   *notices;
	List	   *holders;		/* tables that have lost types of references */
	bool		careful;		/* an error concerns one row only */
} Following;

static void
follow_row(Following *following, HeapTuple tup, bool skip_scope)
{
	FollowRow  *row = follow_row_read(following->table, tup, RelationGetDescr(following->rel));
	ItemPointerData tid = tup->t_self;
	ListCell   *lc;

	/* what changes, on top of what is pending? */
	pending_apply(row, pending_of(row));
	if (row->deleted)
		return;
	row->is_changed = false;
	row->skip_scope = skip_scope;
	apply_changes(row, following->changes);
	if (!row->is_changed)
		return;
	switch (follow_lock_row(following->rel, &tid, following->changes, following->slot))
	{
		case ROW_LOCKED:
			row = change_locked(following->table, following->rel, &tid, following->slot,
								following->changes, skip_scope);
			following->notices = list_concat(following->notices, row->notices);
			if (row->deleted && strcmp(following->table->name, "morph_type") == 0)
				following->holders = list_append_unique_oid(following->holders, row->model);
			break;
		case ROW_DELETED:
			break;
		case ROW_BLOCKED:
			foreach(lc, following->changes)
				pending_add(row, lfirst(lc));
			break;
	}
}

/* What follow_row_carefully() guards. */
typedef struct GuardedRow
{
	Following  *following;
	HeapTuple	tup;
	bool		skip_scope;
} GuardedRow;

static void
follow_guarded_row(void *arg)
{
	GuardedRow *guarded = arg;
	TupleTableSlot *slot = table_slot_create(guarded->following->rel, NULL);

	guarded->following->slot = slot;
	follow_row(guarded->following, guarded->tup, guarded->skip_scope);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Like follow_row(), but an error becomes a warning.  The row has a slot of its
 * own, because an error leaves it with a buffer that is released already.
 */
static void
follow_row_carefully(Following *following, HeapTuple tup, bool skip_scope)
{
	GuardedRow	guarded = {following, tup, skip_scope};
	TupleTableSlot *slot = following->slot;
	ErrorData  *error = catch_error(follow_guarded_row, &guarded);

	following->slot = slot;
	if (error != NULL)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("the catalog of relations could not follow the command: %s", error->message)));
}

static void
follow_in_table(const FollowedTable *table, Following *following, List *relids, HTAB *graph)
{
	List	   *found = NIL;
	TupleDesc	desc;
	MentioningColumns columns;
	SysScanDesc scan;
	HeapTuple	tup;
	ListCell   *lc;

	following->table = table;
	following->rel = table_open(catalog_table_oid(table->name), RowExclusiveLock);
	following->slot = table_slot_create(following->rel, NULL);
	desc = RelationGetDescr(following->rel);
	columns = mentioning_columns(table, desc);
	scan = systable_beginscan(following->rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		if (mentions(&columns, tup, desc, relids) || scope_reaches(&columns, tup, desc, graph))
			found = lappend(found, heap_copytuple(tup));
	}
	systable_endscan(scan);
	foreach(lc, found)
	{
		CHECK_FOR_INTERRUPTS();
		tup = lfirst(lc);
		if (following->careful)
			follow_row_carefully(following, tup, !scope_reaches(&columns, tup, desc, graph));
		else
			follow_row(following, tup, !scope_reaches(&columns, tup, desc, graph));
	}
	ExecDropSingleTupleTableSlot(following->slot);
	table_close(following->rel, RowExclusiveLock);
}

static void
follow_all(List *changes, bool careful)
{
	Following	following = {0};
	bool		scopes = false;
	List	   *relids = NIL;
	HTAB	   *graph;
	ListCell   *lc;

	foreach(lc, changes)
	{
		CatalogChange *change = lfirst(lc);

		relids = list_concat_unique_oid(relids, change->relids);
		scopes = scopes || change->kind == CHANGE_RENAMED_COLUMN || change->kind == CHANGE_RENAMED_VALUE;
	}
	if (relids == NIL)
		return;
	following.changes = changes;
	following.careful = careful;
	graph = scopes ? find_reaching(relids) : NULL;
	for (int i = 0; i < (int) lengthof(followed_tables); i++)
		follow_in_table(&followed_tables[i], &following, relids, graph);
	raise_follow_notices(following.notices);
	morph_follow_dropped_types(following.holders);
}

/*
 * Let all rows of the catalog follow changes, a list of CatalogChange, and
 * raise notices about rows that are deleted or lose something.
 */
void
follow_changes(List *changes)
{
	follow_all(changes, false);
}

/*
 * Like follow_changes(), but with a subtransaction for each row that changes.
 * A row that cannot follow stays as it is, with a warning: it must not keep the
 * rows of other roles from following.
 */
void
follow_changes_carefully(List *changes)
{
	follow_all(changes, true);
}

/* ---------------------------------------------------------------------
 * What could not follow before
 * ---------------------------------------------------------------------
 */

/* Find the stored version of a row by its key; false if there is none. */
static bool
find_row(FollowRow *row, Relation rel, ItemPointer tid)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	bool		found = false;

	ScanKeyInit(&key, SPI_fnumber(RelationGetDescr(rel), row->table->key[0]), BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(row->model));
	scan = systable_beginscan(rel, relation_primary_key_index(rel), true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		FollowRow  *stored = follow_row_read(row->table, tup, RelationGetDescr(rel));

		found = strcmp(stored->name, row->name) == 0 && strcmp(stored->type, row->type) == 0;
		if (found)
			*tid = tup->t_self;
	}
	systable_endscan(scan);
	return found;
}

/* Store the pending changes of a row of which only the key is known. */
static void
store_pending(void *arg)
{
	FollowRow  *row = arg;
	List	   *entries = pending_of_locked(row);
	Relation	rel;
	TupleTableSlot *slot;
	ItemPointerData tid;
	RowLock		lock;

	if (entries == NIL)
		return;
	rel = table_open(catalog_table_oid(row->table->name), RowExclusiveLock);
	slot = table_slot_create(rel, NULL);
	lock = find_row(row, rel, &tid) ? follow_lock_row(rel, &tid, NIL, slot) : ROW_DELETED;
	if (lock == ROW_LOCKED)
		(void) change_locked(row->table, rel, &tid, slot, NIL, false);
	else if (lock == ROW_DELETED)
		pending_remove(entries);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, RowExclusiveLock);
}

/*
 * Store all pending changes of rows that can be locked now.  A row that cannot
 * follow does not concern the caller, who has another one in mind.
 */
void
follow_pending_changes(void)
{
	ListCell   *lc;

	foreach(lc, pending_rows())
	{
		ErrorData  *error;

		CHECK_FOR_INTERRUPTS();
		error = catch_error(store_pending, lfirst(lc));
		if (error != NULL)
			ereport(LOG,
					(errcode(error->sqlerrcode),
					 errmsg("a row of the catalog of relations could not follow a change: %s", error->message)));
	}
}
