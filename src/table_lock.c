/*
 * table_lock.c
 *	  Locks on tables, taken only with a privilege that permits them.
 *
 * A table is named by its OID here, by an argument or by the catalog, so that
 * neither the lookup of its name nor a statement has checked anything yet.
 * Whoever may not use the schema, or has no privilege on the table that a
 * statement with that lock needs, must not lock it: the lock, or the wait for
 * it, would hold up those who may.  Privileges are checked before the lock and
 * again after it, because they may have been revoked during the wait.
 *
 * Functions that only describe a table use peek_table(), which takes no lock.
 */
#include "relations.h"

#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "table_lock.h"

#define WRITE_PRIVILEGES (ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE)

/* Has a role any of these privileges on a table, or on one of its columns? */
static bool
has_any_privilege(Oid role, Oid relid, AclMode table, AclMode column)
{
	return pg_class_aclmask(relid, role, table, ACLMASK_ANY) != ACL_NO_RIGHTS ||
		(column != ACL_NO_RIGHTS &&
		 pg_attribute_aclcheck_all(relid, role, column, ACLMASK_ANY) == ACLCHECK_OK);
}

static bool
has_table_privilege_for(Oid role, Oid relid, LOCKMODE lockmode)
{
	if (object_ownercheck(RelationRelationId, relid, role))
		return true;
	if (lockmode == AccessShareLock)
		return has_any_privilege(role, relid, ACL_SELECT | WRITE_PRIVILEGES | ACL_REFERENCES | ACL_TRIGGER,
								 ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_REFERENCES);
	if (lockmode <= RowExclusiveLock)
		return has_any_privilege(role, relid, WRITE_PRIVILEGES, ACL_INSERT | ACL_UPDATE);
	if (has_any_privilege(role, relid, ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE, ACL_NO_RIGHTS))
		return true;
	/* a foreign key and a trigger lock their table so */
	return lockmode <= ShareRowExclusiveLock &&
		has_any_privilege(role, relid, ACL_REFERENCES | ACL_TRIGGER, ACL_REFERENCES);
}

/*
 * Return true if the caller may lock a table: he may use its schema and has a
 * privilege on the table, or on one of its columns, that permits the lock to
 * LOCK TABLE or to another statement.  Return false if it does not exist.
 */
bool
may_lock_table(Oid relid, LOCKMODE lockmode)
{
	return role_may_lock_table(GetUserId(), relid, lockmode);
}

/* Like may_lock_table(), but for another role than the caller. */
bool
role_may_lock_table(Oid role, Oid relid, LOCKMODE lockmode)
{
	Oid			nspid = get_rel_namespace(relid);

	return OidIsValid(nspid) &&
		namespace_aclcheck(nspid, role, ACL_USAGE) == ACLCHECK_OK &&
		has_table_privilege_for(role, relid, lockmode);
}

/* Raises insufficient_privilege unless may_lock_table(), undefined_table. */
void
require_lock_privilege(Oid relid, LOCKMODE lockmode)
{
	Oid			nspid = get_rel_namespace(relid);

	model_check(relid);
	if (namespace_aclcheck(nspid, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(nspid));
	if (!has_table_privilege_for(GetUserId(), relid, lockmode))
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * Lock a table until the end of the transaction.  Raises what
 * require_lock_privilege() raises.
 */
void
lock_table(Oid relid, LOCKMODE lockmode)
{
	for (;;)
	{
		require_lock_privilege(relid, lockmode);
		LockRelationOid(relid, lockmode);
		if (may_lock_table(relid, lockmode))
			break;
		UnlockRelationOid(relid, lockmode);
	}
}

/*
 * Like lock_table(), but return false if the caller may not lock the table, or
 * if it does not exist.
 */
bool
try_lock_table(Oid relid, LOCKMODE lockmode)
{
	if (!may_lock_table(relid, lockmode))
		return false;
	LockRelationOid(relid, lockmode);
	if (may_lock_table(relid, lockmode))
		return true;
	UnlockRelationOid(relid, lockmode);
	return false;
}

/*
 * Lock a table to whose rows a document may write: as an INSERT does, or as a
 * SELECT does if the caller may only read it.  Return the lock, or NoLock if he
 * may do neither: a statement that needs the table will fail.
 */
LOCKMODE
lock_table_for_writing(Oid relid)
{
	if (try_lock_table(relid, RowExclusiveLock))
		return RowExclusiveLock;
	return try_lock_table(relid, AccessShareLock) ? AccessShareLock : NoLock;
}

/*
 * Return the relation cache entry of a table or an index without locking it, to
 * read its definition, or NULL if it does not exist.  The caller releases it
 * with RelationClose().
 */
Relation
try_peek_table(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);

	return RelationIsValid(rel) ? rel : NULL;
}

/* Like try_peek_table(), but raises undefined_table. */
Relation
peek_table(Oid relid)
{
	Relation	rel = try_peek_table(relid);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	return rel;
}
