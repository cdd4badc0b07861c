/*
 * follow_lock.c
 *	  Lock a row of the catalog without waiting for strangers.
 *
 * A row of relations.relation mentions tables of several owners, and the DDL of
 * each of them changes it.  Waiting for the row lock of another transaction is
 * fine if its role could keep this command waiting anyway, because it may lock
 * the altered table.  A role that has no privilege on the table, or has lost
 * it, must not be able to block its owner: for such a role the row counts as
 * blocked, and the caller records the change (see follow_pending.c).
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "follow_lock.h"
#include "table_lock.h"

/* Return whether the role is the owner of a type, or has its privileges. */
static bool
owns_type(Oid role, Oid type)
{
	HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		result = false;

	if (HeapTupleIsValid(tup))
	{
		result = has_privs_of_role(role, ((Form_pg_type) GETSTRUCT(tup))->typowner);
		ReleaseSysCache(tup);
	}
	return result;
}

/* Return whether the role may keep a command that made these changes waiting. */
static bool
may_block(Oid role, List *changes)
{
	ListCell   *lc;
	ListCell   *r;

	foreach(lc, changes)
	{
		CatalogChange *change = lfirst(lc);

		/* a consequence for other tables than the altered one */
		if (change->kind == CHANGE_HIDDEN_COLUMN || change->kind == CHANGE_DROPPED_TYPE)
			continue;
		if (change->kind == CHANGE_RENAMED_VALUE)
		{
			if (owns_type(role, change->enum_type))
				return true;
			continue;
		}
		foreach(r, change->relids)
		{
			if (role_may_lock_table(role, lfirst_oid(r), AccessShareLock))
				return true;
		}
	}
	return false;
}

/*
 * Return whether to wait for a transaction that has locked the row.  A prepared
 * transaction has no session, and so no role that could be asked.
 */
static bool
wait_for(TransactionId xid, List *changes)
{
	int			pid = BackendXidGetPid(SubTransGetTopmostTransaction(xid));
	PGPROC	   *proc = pid != 0 ? BackendPidGetProc(pid) : NULL;

	if (proc == NULL)
		return !TransactionIdIsInProgress(xid); /* it has just ended */
	return may_block(proc->roleId, changes);
}

static List *
add_locker(List *xids, TransactionId xid)
{
	if (!TransactionIdIsNormal(xid) || TransactionIdIsCurrentTransactionId(xid) ||
		!TransactionIdIsInProgress(xid))
		return xids;
	return lappend_int(xids, (int) xid);
}

/*
 * Return the transactions in progress that have locked, updated or deleted a
 * version of a row, as a list of integers.
 */
static List *
lockers(Relation rel, ItemPointer tid, TupleTableSlot *slot)
{
	List	   *result = NIL;
	HeapTuple	tup;
	bool		should_free;
	TransactionId xmax;
	MultiXactMember *members;
	int			n;

	if (!table_tuple_fetch_row_version(rel, tid, SnapshotAny, slot))
		return NIL;
	tup = ExecFetchSlotHeapTuple(slot, false, &should_free);
	xmax = HeapTupleHeaderGetRawXmax(tup->t_data);
	if ((tup->t_data->t_infomask & HEAP_XMAX_INVALID) != 0)
		xmax = InvalidTransactionId;
	else if ((tup->t_data->t_infomask & HEAP_XMAX_IS_MULTI) == 0)
		result = add_locker(result, xmax);
	else
	{
		n = GetMultiXactIdMembers(xmax, &members, false,
								  HEAP_XMAX_IS_LOCKED_ONLY(tup->t_data->t_infomask));
		for (int i = 0; i < n; i++)
			result = add_locker(result, members[i].xid);
	}
	ExecClearTuple(slot);
	return result;
}

/*
 * Lock the latest version of a row for these changes, a list of CatalogChange;
 * without any, no transaction is waited for.  If it is locked, the version is
 * in the slot, and *tid its place.
 */
RowLock
follow_lock_row(Relation rel, ItemPointer tid, List *changes, TupleTableSlot *slot)
{
	for (;;)
	{
		TM_FailureData failure;
		List	   *xids;
		ListCell   *lc;
		TM_Result	result = table_tuple_lock(rel, tid, GetLatestSnapshot(), slot,
											  GetCurrentCommandId(true), LockTupleExclusive,
											  LockWaitSkip, TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
											  &failure);

		switch (result)
		{
			case TM_Ok:
				*tid = slot->tts_tid;
				return ROW_LOCKED;
			case TM_Updated:
			case TM_Deleted:
				return ROW_DELETED;
			case TM_WouldBlock:
				break;
			default:
				elog(ERROR, "unexpected result %d of locking a row of \"%s\"", (int) result,
					 RelationGetRelationName(rel));
		}
		if (changes == NIL)
			return ROW_BLOCKED;
		CHECK_FOR_INTERRUPTS();
		xids = lockers(rel, tid, slot);
		foreach(lc, xids)
		{
			if (!wait_for((TransactionId) lfirst_int(lc), changes))
				return ROW_BLOCKED;
		}
		foreach(lc, xids)
			XactLockTableWait((TransactionId) lfirst_int(lc), rel, tid, XLTW_Update);
	}
}
