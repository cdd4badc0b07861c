/*
 * follow_pending.c
 *	  Changes that a row of the catalog could not follow yet.
 *
 * If a row is locked by a transaction that must not keep DDL waiting, the DDL
 * command inserts the change into relations.pending_change instead.  From then
 * on, every reader applies the change to the row, so that nobody sees the old
 * names.  The next declaration, followed DDL command or repair() that can lock
 * the row stores it.
 *
 * The changes of one table are in the order in which its owner made them, since
 * each command locks the table.  Changes of several tables do not depend on
 * each other.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog.h"
#include "catalog_write.h"
#include "follow_lock.h"
#include "follow_pending.h"
#include "invalidation.h"

/* columns of relations.pending_change */
enum
{
	Anum_pending_catalog = 1,
	Anum_pending_model,
	Anum_pending_name,
	Anum_pending_type,
	Anum_pending_number,
	Anum_pending_change,
	Anum_pending_tables,
	Anum_pending_enum,
	Anum_pending_old_name,
	Anum_pending_new_name
};

static const char *const kind_names[] = {
	[CHANGE_RENAMED_COLUMN] = "renamed_column",
	[CHANGE_DROPPED_COLUMN] = "dropped_column",
	[CHANGE_RENAMED_FOREIGN_KEY] = "renamed_foreign_key",
	[CHANGE_RENAMED_INDEX] = "renamed_index",
	[CHANGE_DROPPED_CONSTRAINT] = "dropped_constraint",
	[CHANGE_DROPPED_INDEX] = "dropped_index",
	[CHANGE_RENAMED_VALUE] = "renamed_value",
	[CHANGE_HIDDEN_COLUMN] = "hidden_column",
	[CHANGE_DROPPED_TYPE] = "dropped_type",
};

/* A row of relations.pending_change. */
typedef struct PendingChange
{
	const FollowedTable *table;
	Oid			model;
	const char *name;			/* or "" */
	const char *type;			/* or "" */
	int			number;
	ItemPointerData tid;
	CatalogChange change;
} PendingChange;

/* The pending changes of rows of one model. */
typedef struct PendingModel
{
	Oid			model;			/* key, must be first */
	List	   *changes;		/* of PendingChange, in the order of their numbers */
} PendingModel;

static HTAB *pending = NULL;	/* of PendingModel */
static MemoryContext pending_context = NULL;
static bool pending_is_valid = false;
static Oid	pending_table = InvalidOid;
static uint64 invalidations = 0;

static void
invalidate_pending(pg_attribute_unused() Datum arg, Oid relid)
{
	if (relid != InvalidOid && relid != pending_table)
		return;
	pending_is_valid = false;
	invalidations++;
}

static char *
text_column(HeapTuple tup, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(d);
}

static List *
oids_column(HeapTuple tup, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, desc, &isnull);
	List	   *result = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(d), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			result = lappend_oid(result, DatumGetObjectId(elems[i]));
	}
	return result;
}

static int
compare_pending(const ListCell *a, const ListCell *b)
{
	int			left = ((PendingChange *) lfirst(a))->number;
	int			right = ((PendingChange *) lfirst(b))->number;

	return left < right ? -1 : left > right;
}

/* Return a row of relations.pending_change, NULL if it is of another version. */
static PendingChange *
read_entry(HeapTuple tup, TupleDesc desc)
{
	PendingChange *entry = palloc0(sizeof(PendingChange));
	const char *text;
	bool		isnull;
	int			kind = 0;

	entry->tid = tup->t_self;
	entry->table = followed_table(text_column(tup, desc, Anum_pending_catalog));
	entry->model = DatumGetObjectId(heap_getattr(tup, Anum_pending_model, desc, &isnull));
	entry->name = pstrdup(NameStr(*DatumGetName(heap_getattr(tup, Anum_pending_name, desc, &isnull))));
	entry->type = text_column(tup, desc, Anum_pending_type);
	entry->number = DatumGetInt32(heap_getattr(tup, Anum_pending_number, desc, &isnull));
	text = text_column(tup, desc, Anum_pending_change);
	while (kind < (int) lengthof(kind_names) && strcmp(text, kind_names[kind]) != 0)
		kind++;
	if (entry->table == NULL || kind == (int) lengthof(kind_names))
		return NULL;
	entry->change.kind = (ChangeKind) kind;
	entry->change.relids = oids_column(tup, desc, Anum_pending_tables);
	entry->change.enum_type = DatumGetObjectId(heap_getattr(tup, Anum_pending_enum, desc, &isnull));
	if (isnull)
		entry->change.enum_type = InvalidOid;
	entry->change.old_name = text_column(tup, desc, Anum_pending_old_name);
	entry->change.new_name = text_column(tup, desc, Anum_pending_new_name);
	return entry;
}

static void
add_pending(PendingChange *entry)
{
	PendingModel *model;
	bool		found;

	if (entry == NULL)
		return;
	model = hash_search(pending, &entry->model, HASH_ENTER, &found);
	if (!found)
		model->changes = NIL;
	model->changes = lappend(model->changes, entry);
}

static void
build_pending(void)
{
	HASHCTL		ctl = {0};
	MemoryContext old;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tup;
	HASH_SEQ_STATUS status;
	PendingModel *model;
	uint64		before;

	if (pending_context == NULL)
	{
		call_when_table_changed(invalidate_pending);
		pending_context = AllocSetContextCreate(TopMemoryContext, "relations pending changes",
												ALLOCSET_SMALL_SIZES);
	}
	pending = NULL;
	MemoryContextReset(pending_context);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(PendingModel);
	ctl.hcxt = pending_context;
	pending = hash_create("relations pending changes", 16, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	pending_table = catalog_find_table("pending_change");
	if (!OidIsValid(pending_table))
		return;
	old = MemoryContextSwitchTo(pending_context);
	rel = table_open(pending_table, AccessShareLock);
	before = invalidations;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
		add_pending(read_entry(tup, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	hash_seq_init(&status, pending);
	while ((model = hash_seq_search(&status)) != NULL)
		list_sort(model->changes, compare_pending);
	MemoryContextSwitchTo(old);
	pending_is_valid = invalidations == before;
}

/*
 * Return copies of the pending changes of a row, a list of PendingChange:
 * applying them reads the catalog, which may rebuild the table of changes.
 */
List *
pending_of(FollowRow *row)
{
	PendingModel *model;
	List	   *result = NIL;
	ListCell   *lc;

	if (!pending_is_valid)
		build_pending();
	model = hash_search(pending, &row->model, HASH_FIND, NULL);
	if (model == NULL)
		return NIL;
	foreach(lc, model->changes)
	{
		PendingChange *entry = lfirst(lc);
		PendingChange *copy;

		if (entry->table != row->table || strcmp(entry->name, row->name) != 0 ||
			strcmp(entry->type, row->type) != 0)
			continue;
		copy = palloc(sizeof(PendingChange));
		*copy = *entry;
		copy->change.relids = list_copy(entry->change.relids);
		copy->change.old_name = pstrdup(entry->change.old_name);
		if (entry->change.new_name != NULL)
			copy->change.new_name = pstrdup(entry->change.new_name);
		result = lappend(result, copy);
	}
	return result;
}

/* Apply pending changes, a list of PendingChange, to a row. */
void
pending_apply(FollowRow *row, List *entries)
{
	ListCell   *lc;

	foreach(lc, entries)
	{
		if (!row->deleted)
			row->table->apply(row, &((PendingChange *) lfirst(lc))->change);
	}
}

/*
 * Apply the pending changes of a row for a reader.  A scope may name relations,
 * whose own scopes name others: these are read without their scopes.
 */
static void
apply_for_reader(FollowRow *row)
{
	static bool applying = false;
	bool		nested = applying;

	row->skip_scope = nested;
	applying = true;
	PG_TRY();
	{
		pending_apply(row, pending_of(row));
	}
	PG_FINALLY();
	{
		applying = nested;
	}
	PG_END_TRY();
}

/*
 * Return a row of the catalog with its pending changes: the tuple itself if it
 * has none, NULL if the row is to be deleted.
 */
HeapTuple
pending_current(Relation rel, HeapTuple tup)
{
	FollowRow  *row;

	if (!pending_is_valid)
		build_pending();
	if (hash_get_num_entries(pending) == 0)
		return tup;
	row = follow_row_read(followed_table(RelationGetRelationName(rel)), tup, RelationGetDescr(rel));
	apply_for_reader(row);
	if (row->deleted)
		return NULL;
	return row->is_changed ? follow_row_tuple(row, tup) : tup;
}

/* ---------------------------------------------------------------------
 * Writing
 * ---------------------------------------------------------------------
 */

/* Record a change that a row cannot follow now. */
void
pending_add(FollowRow *row, const CatalogChange *change)
{
	Oid			types[] = {TEXTOID, REGCLASSOID, NAMEOID, TEXTOID, TEXTOID, REGCLASSARRAYOID, REGTYPEOID,
	TEXTOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	Datum	   *elems = palloc(sizeof(Datum) * (list_length(change->relids) + 1));
	ListCell   *lc;

	foreach(lc, change->relids)
		elems[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(row->table->name);
	values[1] = ObjectIdGetDatum(row->model);
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(row->name));
	values[3] = CStringGetTextDatum(row->type);
	values[4] = CStringGetTextDatum(kind_names[change->kind]);
	values[5] = PointerGetDatum(construct_array(elems, list_length(change->relids), REGCLASSOID,
												sizeof(Oid), true, TYPALIGN_INT));
	values[6] = ObjectIdGetDatum(change->enum_type);
	nulls[6] = OidIsValid(change->enum_type) ? ' ' : 'n';
	values[7] = CStringGetTextDatum(change->old_name);
	values[8] = change->new_name == NULL ? (Datum) 0 : CStringGetTextDatum(change->new_name);
	nulls[8] = change->new_name == NULL ? 'n' : ' ';
	catalog_query("INSERT INTO relations.pending_change"
				  " (catalog, model, name, type, number, change, tables, enum, old_name, new_name)"
				  " SELECT $1, $2, $3, $4, COALESCE(max(p.number), 0) + 1,"
				  " $5, $6, $7, $8, $9 FROM relations.pending_change p WHERE p.model = $2 AND p.name = $3",
				  lengthof(types), types, values, nulls);
}

/*
 * Remove changes that a row has followed, or whose row is deleted, a list of
 * PendingChange.  They were read after the row was locked, so that nobody else
 * has removed them.  Those of deleted rows others may remove, too: that is not
 * waited for.
 */
void
pending_remove(List *entries)
{
	Oid			types[] = {TIDARRAYOID};
	Datum		values[1];
	Datum	   *elems = palloc(sizeof(Datum) * (list_length(entries) + 1));
	ListCell   *lc;

	if (entries == NIL)
		return;
	foreach(lc, entries)
		elems[foreach_current_index(lc)] = PointerGetDatum(&((PendingChange *) lfirst(lc))->tid);
	values[0] = PointerGetDatum(construct_array(elems, list_length(entries), TIDOID,
												sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	catalog_query("DELETE FROM relations.pending_change WHERE ctid = ANY (ARRAY("
				  "SELECT p.ctid FROM relations.pending_change p WHERE p.ctid = ANY ($1)"
				  " FOR UPDATE SKIP LOCKED))", 1, types, values, NULL);
}

/*
 * Return the pending changes of a row that the caller has locked, as they are
 * stored now, a list of PendingChange.
 */
List *
pending_of_locked(FollowRow *row)
{
	Relation	rel = table_open(catalog_table_oid("pending_change"), AccessShareLock);
	Oid			index = catalog_find_table("pending_change_model_name_idx");
	NameData	name;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	namestrcpy(&name, row->name);
	ScanKeyInit(&keys[0], Anum_pending_model, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(row->model));
	ScanKeyInit(&keys[1], Anum_pending_name, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&name));
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL, 2, keys);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		PendingChange *entry = read_entry(tup, RelationGetDescr(rel));

		if (entry != NULL && entry->table == row->table && strcmp(entry->type, row->type) == 0)
			result = lappend(result, entry);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	list_sort(result, compare_pending);
	return result;
}

/* Remove the pending changes of a row that was declared again. */
void
pending_forget(const char *table, Oid model, const char *name, const char *type)
{
	FollowRow	row = {0};

	row.table = followed_table(table);
	row.model = model;
	row.name = name;
	row.type = type;
	pending_remove(pending_of_locked(&row));
}

/*
 * Return the rows that have pending changes, a list of FollowRow of which only
 * the keys are set.  A row may be there several times.
 */
List *
pending_rows(void)
{
	HASH_SEQ_STATUS status;
	PendingModel *model;
	List	   *result = NIL;

	if (!pending_is_valid)
		build_pending();
	hash_seq_init(&status, pending);
	while ((model = hash_seq_search(&status)) != NULL)
	{
		ListCell   *lc;

		foreach(lc, model->changes)
		{
			PendingChange *entry = lfirst(lc);
			FollowRow  *row = palloc0(sizeof(FollowRow));

			row->table = entry->table;
			row->model = entry->model;
			row->name = pstrdup(entry->name);
			row->type = pstrdup(entry->type);
			result = lappend(result, row);
		}
	}
	return result;
}
