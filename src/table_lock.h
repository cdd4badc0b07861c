/*
 * table_lock.h
 *	  Locks on tables, taken only with a privilege that permits them.
 */
#ifndef RELATIONS_TABLE_LOCK_H
#define RELATIONS_TABLE_LOCK_H

#include "storage/lockdefs.h"
#include "utils/relcache.h"

extern bool may_lock_table(Oid relid, LOCKMODE lockmode);
extern bool role_may_lock_table(Oid role, Oid relid, LOCKMODE lockmode);
extern void require_lock_privilege(Oid relid, LOCKMODE lockmode);
extern void lock_table(Oid relid, LOCKMODE lockmode);
extern bool try_lock_table(Oid relid, LOCKMODE lockmode);
extern LOCKMODE lock_table_for_writing(Oid relid);
extern Relation peek_table(Oid relid);
extern Relation try_peek_table(Oid relid);

#endif							/* RELATIONS_TABLE_LOCK_H */
