/*
 * compat.h
 *	  The differences between the supported major versions of PostgreSQL, all
 *	  of them: no other file asks for PG_VERSION_NUM.
 */
#ifndef RELATIONS_COMPAT_H
#define RELATIONS_COMPAT_H

#include "utils/acl.h"
#include "catalog/pg_class.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#else
#define object_ownercheck(classid, objectid, roleid) \
	pg_class_ownercheck(objectid, roleid)
#endif

/* a role's privileges on a schema */
#if PG_VERSION_NUM >= 160000
#define namespace_aclcheck(nspid, roleid, mode) \
	object_aclcheck(NamespaceRelationId, nspid, roleid, mode)
#else
#define namespace_aclcheck(nspid, roleid, mode) pg_namespace_aclcheck(nspid, roleid, mode)
#endif

/* a foreign key that is checked, and whose columns are joined by equality */
#if PG_VERSION_NUM >= 180000
#define CONSTRAINT_IS_PLAIN(con) ((con)->conenforced && !(con)->conperiod)
#else
#define CONSTRAINT_IS_PLAIN(con) ((con)->contype == CONSTRAINT_FOREIGN)
#endif

/* the primary key's index; since 18 a deferrable one only when asked for */
#if PG_VERSION_NUM >= 180000
#define relation_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define relation_primary_key_index(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* a range of these bounds, an error when it is none */
#if PG_VERSION_NUM >= 160000
#define make_range_hard(cache, lower, upper) make_range(cache, lower, upper, false, NULL)
#else
#define make_range_hard(cache, lower, upper) make_range(cache, lower, upper, false)
#endif

/* the sequence of an identity column */
#if PG_VERSION_NUM >= 170000
#define identity_sequence(rel, attnum) getIdentitySequence(rel, attnum, false)
#else
#define identity_sequence(rel, attnum) getIdentitySequence(RelationGetRelid(rel), attnum, false)
#endif

/* 18 spells it pg_noreturn, and wants it first */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* is a column, by its index in the descriptor, never null? */
#if PG_VERSION_NUM >= 180000
#define column_is_not_null(desc, i) \
	(TupleDescAttr(desc, i)->attnotnull && \
	 TupleDescCompactAttr(desc, i)->attnullability == ATTNULLABLE_VALID)
#else
#define column_is_not_null(desc, i) (TupleDescAttr(desc, i)->attnotnull)
#endif

/* ExecutorRun for a query that may be run again; since 18 the executor finds that out by itself */
#if PG_VERSION_NUM >= 180000
#define executor_run_again(desc, count) ExecutorRun(desc, ForwardScanDirection, count)
#define executor_run_once(desc) ExecutorRun(desc, ForwardScanDirection, 0)
#else
#define executor_run_again(desc, count) ExecutorRun(desc, ForwardScanDirection, count, false)
#define executor_run_once(desc) ExecutorRun(desc, ForwardScanDirection, 0, true)
#endif

/* raises insufficient_privilege for a plan that the role may not run */
#if PG_VERSION_NUM >= 160000
#define check_planned_rights(planned) \
	((void) ExecCheckPermissions((planned)->rtable, (planned)->permInfos, true))
#else
#define check_planned_rights(planned) \
	((void) ExecCheckRTPerms((planned)->rtable, true))
#endif

/* all settings */
#if PG_VERSION_NUM >= 160000
#define all_settings(n) get_guc_variables(n)
#else
#define all_settings(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#endif

/* the local number of the current transaction; needs storage/proc.h */
#if PG_VERSION_NUM >= 170000
#define CURRENT_LXID (MyProc->vxid.lxid)
#else
#define CURRENT_LXID (MyProc->lxid)
#endif

#endif							/* RELATIONS_COMPAT_H */
