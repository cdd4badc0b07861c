/*
 * follow_pending.h
 *	  Changes that a row of the catalog could not follow yet.
 */
#ifndef RELATIONS_FOLLOW_PENDING_H
#define RELATIONS_FOLLOW_PENDING_H

#include "follow.h"

extern List *pending_of(FollowRow *row);
extern List *pending_of_locked(FollowRow *row);
extern void pending_apply(FollowRow *row, List *entries);
extern HeapTuple pending_current(Relation rel, HeapTuple tup);
extern List *pending_rows(void);
extern void pending_add(FollowRow *row, const CatalogChange *change);
extern void pending_remove(List *entries);
extern void pending_forget(const char *table, Oid model, const char *name, const char *type);

#endif							/* RELATIONS_FOLLOW_PENDING_H */
