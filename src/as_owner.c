/*
 * as_owner.c
 *	  Going on with the rights of a table's owner.
 *
 * The catalog is written that way, and parents and polymorphic references are
 * changed that way, as a foreign key's own actions are.  Unlike these, no
 * search_path of the caller reaches the owner: a trigger of the owner's table
 * that calls now() would call whatever the caller has put in front of it.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "as_owner.h"

/*
 * Go on as the owner of a table, under security flags besides
 * SECURITY_LOCAL_USERID_CHANGE, with names looked up in pg_catalog and, with
 * own_schema, in the table's schema, where its owner's triggers have theirs.
 * Until become_again; after an error the end of the (sub)transaction restores
 * both.  Raises undefined_table when the table has gone.
 */
void
become_owner(Oid relid, int flags, bool own_schema, SavedUser *saved)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	StringInfoData path;
	char	   *schema;
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	schema = get_namespace_name(((Form_pg_class) GETSTRUCT(tup))->relnamespace);
	ReleaseSysCache(tup);

	initStringInfo(&path);
	appendStringInfoString(&path, "pg_catalog");
	if (own_schema && schema != NULL && strcmp(schema, "pg_catalog") != 0)
		appendStringInfo(&path, ", %s", quote_identifier(schema));
	appendStringInfoString(&path, ", pg_temp");
	saved->nest = NewGUCNestLevel();
	(void) set_config_option("search_path", path.data, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pfree(path.data);
	GetUserIdAndSecContext(&saved->user, &saved->context);
	SetUserIdAndSecContext(owner, saved->context | SECURITY_LOCAL_USERID_CHANGE | flags);
}

/* Go on as before, also with the settings that were changed meanwhile. */
void
become_again(const SavedUser *saved)
{
	SetUserIdAndSecContext(saved->user, saved->context);
	AtEOXact_GUC(true, saved->nest);
}
