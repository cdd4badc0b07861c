/*
 * follow_lock.h
 *	  Lock a row of the catalog without waiting for strangers.
 */
#ifndef RELATIONS_FOLLOW_LOCK_H
#define RELATIONS_FOLLOW_LOCK_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

#include "follow.h"

typedef enum RowLock
{
	ROW_LOCKED,
	ROW_DELETED,
	ROW_BLOCKED
} RowLock;

extern RowLock follow_lock_row(Relation rel, ItemPointer tid, List *changes, TupleTableSlot *slot);

#endif							/* RELATIONS_FOLLOW_LOCK_H */
