/*
 * read_rewritten.c
 *	  Detect tables whose rows are newer than the snapshot that reads them.
 *
 * An ALTER TABLE that rewrites a table keeps no row versions for snapshots that
 * are older: they find the table empty.  A SELECT locks its tables before it
 * takes its snapshot, so it never has such a snapshot, unless the transaction
 * keeps one.  A level of a graph is read in the snapshot of the query that
 * calls us, and may have to wait for the lock on a table after that.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "names.h"
#include "read_rewritten.h"

/* Return the file that a snapshot sees as that of a table, or InvalidOid if it sees no such table. */
static Oid
file_of_table(Oid relid, Snapshot snapshot)
{
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, ClassOidIndexId, true, snapshot, 1, &key);
	tup = systable_getnext(scan);
	if (HeapTupleIsValid(tup))
		result = ((Form_pg_class) GETSTRUCT(tup))->relfilenode;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Is the first row of a table, whoever may see it, newer than the snapshot?
 * own: also if this transaction wrote it, or if there is none.
 */
static bool
begins_after(Oid relid, Snapshot snapshot, bool own)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, SnapshotAny, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		result = own;

	if (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		TransactionId xmin = DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber,
																   &isnull));

		if (isnull || TransactionIdIsCurrentTransactionId(xmin))
			result = own;
		else
			result = TransactionIdIsNormal(xmin) && XidInMVCCSnapshot(xmin, snapshot);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Raise serialization_failure if a table has been rewritten since the snapshot
 * was taken.  VACUUM FULL and CLUSTER keep all row versions.  Returns the last
 * transaction that may have given it a new file.
 */
static TransactionId
check_table(Oid relid, Snapshot snapshot)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	TransactionId xmin;
	bool		own;
	bool		older;
	Oid			file;
	Oid			file_before;

	if (!HeapTupleIsValid(tup))
		return InvalidTransactionId;	/* the executor will say so */
	/* its row in pg_class is replaced when a table gets another file */
	xmin = HeapTupleHeaderGetXmin(tup->t_data);
	file = ((Form_pg_class) GETSTRUCT(tup))->relfilenode;
	own = TransactionIdIsCurrentTransactionId(xmin);
	older = own ? HeapTupleHeaderGetCmin(tup->t_data) < snapshot->curcid
		: TransactionIdPrecedes(xmin, snapshot->xmin) || !XidInMVCCSnapshot(xmin, snapshot);
	ReleaseSysCache(tup);
	if (likely(older))
		return xmin;
	file_before = file_of_table(relid, snapshot);
	if (OidIsValid(file_before) && file_before != file && begins_after(relid, snapshot, own))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to table \"%s\", which has been rewritten meanwhile",
						model_name(relid)),
				 errhint("Run the statement again.")));
	return xmin;
}

/*
 * Raise serialization_failure if a table that a plan reads has been rewritten
 * since the snapshot was taken.  The tables must be locked: those of the query,
 * of its views, and their partitions and children.  Returns the newest
 * transaction that may have given one of them a new file: without further
 * invalidations a snapshot that does not see it as running is new enough.
 */
TransactionId
read_check_rewritten(PlannedStmt *planned, Snapshot snapshot)
{
	TransactionId newest = FrozenTransactionId;
	ListCell   *lc;

	foreach(lc, planned->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION &&
			(rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW))
		{
			TransactionId xid = check_table(rte->relid, snapshot);

			if (TransactionIdPrecedes(newest, xid))
				newest = xid;
		}
	}
	return newest;
}
