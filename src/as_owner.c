/*
 * as_owner.c
 *	  Whose code may run with whose privileges, and switching to the owner of
 *	  a table.
 *
 * A caller trusts a role if that role has all privileges of the caller: the
 * caller himself, a superuser, a member of the caller.  Code of such a role
 * gains nothing by running as the caller.  The reverse is not trust: a member
 * of a group need not trust the other members, who own the group's tables too.
 * A relation is trusted if its owner is, who chooses the triggers, defaults,
 * constraints, policies and, by altering columns, the types; and if the owner
 * of its schema is, who chooses what the name stands for.
 *
 * Counters, touched parents and polymorphic references are written with the
 * privileges of the table's owner, as a foreign key's own actions are.  That
 * runs the owner's triggers.  Nothing they do may outlast the switch, because
 * it would then happen with the caller's privileges:
 *
 *	- settings are restored, whatever the owner's code has set;
 *	- for an owner whom the caller does not trust, the operation is
 *	  security-restricted: PostgreSQL refuses deferred triggers, which would
 *	  fire at COMMIT as the caller, and temporary tables, cursors, prepared
 *	  statements, LISTEN, ...;
 *	- that restriction holds for everything below, also for further switches.
 *
 * Unlike a foreign key's actions, no search_path of the caller reaches the
 * owner's code.  It runs with pg_catalog and, if only trusted roles can create
 * objects there, with the table's schema.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "catalog.h"

/* Return true if code of the role may run with the privileges of the caller. */
bool
role_trusted(Oid role, Oid caller)
{
	return role == caller || has_privs_of_role(role, caller);
}

/* Return the owner of a relation, or InvalidOid if it does not exist. */
Oid
relation_owner(Oid relid)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	ReleaseSysCache(tup);
	return owner;
}

/* Like role_trusted(), but pg_database_owner is the owner of the database. */
static bool
grantee_trusted(Oid role, Oid caller)
{
	HeapTuple	tup;

	if (role == ACL_ID_PUBLIC)
		return false;
	if (role != ROLE_PG_DATABASE_OWNER)
		return role_trusted(role, caller);
	tup = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	if (!HeapTupleIsValid(tup))
		return false;
	role = ((Form_pg_database) GETSTRUCT(tup))->datdba;
	ReleaseSysCache(tup);
	return role_trusted(role, caller);
}

/*
 * Return the role that the caller does not trust and that controls a relation
 * and its name, or InvalidOid.  The relation's owner does, and so does the
 * owner of its schema, who can rename that and put another in its place at any
 * time.  Of the owner of the database, only a superuser must beware: anybody
 * else who uses the database depends on him anyway.
 */
Oid
untrusted_controller(Oid relid, Oid caller)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;
	Oid			nspid;

	if (!HeapTupleIsValid(tup))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	nspid = ((Form_pg_class) GETSTRUCT(tup))->relnamespace;
	ReleaseSysCache(tup);
	if (!role_trusted(owner, caller))
		return owner;
	tup = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(nspid));
	if (!HeapTupleIsValid(tup))
		return InvalidOid;
	owner = ((Form_pg_namespace) GETSTRUCT(tup))->nspowner;
	ReleaseSysCache(tup);
	if (grantee_trusted(owner, caller) ||
		(owner == ROLE_PG_DATABASE_OWNER && !superuser_arg(caller)))
		return InvalidOid;
	return owner;
}

/*
 * Return true if the caller may run code of those who control an existing
 * relation.
 */
bool
relation_trusted(Oid relid, Oid caller)
{
	return !OidIsValid(untrusted_controller(relid, caller));
}

/*
 * Return the name of a schema if only roles that the owner trusts can create
 * objects in it, or NULL.  Whoever can create there could give the owner's
 * code functions that fit a call better than those it means.
 */
static char *
safe_schema(Oid nspid, Oid owner)
{
	HeapTuple	tup = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(nspid));
	char	   *name = NULL;
	bool		isnull;
	Datum		datum;

	if (!HeapTupleIsValid(tup))
		return NULL;
	if (grantee_trusted(((Form_pg_namespace) GETSTRUCT(tup))->nspowner, owner))
		name = pstrdup(NameStr(((Form_pg_namespace) GETSTRUCT(tup))->nspname));
	datum = SysCacheGetAttr(NAMESPACEOID, tup, Anum_pg_namespace_nspacl, &isnull);
	if (name != NULL && !isnull)
	{
		Acl		   *acl = DatumGetAclP(datum);
		AclItem    *items = ACL_DAT(acl);

		for (int i = 0; i < ACL_NUM(acl); i++)
		{
			if ((ACLITEM_GET_PRIVS(items[i]) & ACL_CREATE) != 0 &&
				!grantee_trusted(items[i].ai_grantee, owner))
				name = NULL;
		}
	}
	ReleaseSysCache(tup);
	return name;
}

static void
switch_user(Oid user, int flags, const char *schema, SavedUser *saved)
{
	StringInfoData path;

	initStringInfo(&path);
	appendStringInfoString(&path, "pg_catalog");
	if (schema != NULL && strcmp(schema, "pg_catalog") != 0)
		appendStringInfo(&path, ", %s", quote_identifier(schema));
	appendStringInfoString(&path, ", pg_temp");
	saved->nest = NewGUCNestLevel();
	(void) set_config_option("search_path", path.data, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pfree(path.data);
	GetUserIdAndSecContext(&saved->user, &saved->context);
	SetUserIdAndSecContext(user, saved->context | SECURITY_LOCAL_USERID_CHANGE | flags);
}

/*
 * Switch to the owner of a table until restore_user().  After an error, the
 * end of the (sub)transaction restores user and settings.
 *
 * writer is the owner of the table whose trigger does this, or InvalidOid
 * outside of triggers: that role's triggers run as the caller anyway, so its
 * code, and that of roles that have its privileges, is not restricted.
 *
 * Returns true if the owner is not restricted: its triggers may also be fired
 * after restore_user().  Raises undefined_table if the table does not exist.
 */
bool
switch_to_owner(Oid relid, Oid writer, SavedUser *saved)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		trusted;
	char	   *schema;
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	schema = safe_schema(((Form_pg_class) GETSTRUCT(tup))->relnamespace, owner);
	ReleaseSysCache(tup);
	trusted = role_trusted(owner, GetUserId()) ||
		(OidIsValid(writer) && role_trusted(owner, writer));
	switch_user(owner, SECURITY_NOFORCE_RLS | (trusted ? 0 : SECURITY_RESTRICTED_OPERATION),
				schema, saved);
	return trusted;
}

/*
 * Switch to a role until restore_user(), to run code that it has chosen.
 */
void
switch_to_role(Oid role, SavedUser *saved)
{
	switch_user(role, role_trusted(role, GetUserId()) ? 0 : SECURITY_RESTRICTED_OPERATION,
				NULL, saved);
}

/*
 * Switch to the owner of the extension's catalog until restore_user(), for a
 * statement on the catalog.
 */
void
switch_to_catalog_owner(SavedUser *saved)
{
	Oid			owner = relation_owner(catalog_relation_oid());

	if (!OidIsValid(owner))
		elog(ERROR, "relations.relation does not exist");
	switch_user(owner, SECURITY_RESTRICTED_OPERATION, NULL, saved);
}

/* Return to the user, and to the settings, from before the switch. */
void
restore_user(const SavedUser *saved)
{
	SetUserIdAndSecContext(saved->user, saved->context);
	AtEOXact_GUC(false, saved->nest);
}
