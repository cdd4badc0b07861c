/*
 * forget.c
 *	  forget: the catalog is told of a table, or of a column, that has gone.
 *
 * The event triggers do so when it goes; this is for what went while they did
 * not fire.
 */
#include "relations.h"

#include "utils/lsyscache.h"

#include "arguments.h"
#include "catalog_sweep.h"
#include "catalog_write.h"
#include "check.h"
#include "follow.h"

PG_FUNCTION_INFO_V1(relations_forget);

/*
 * SQL: forget(table, column).  What is said of a table that does not exist
 * anybody may take away; of a column, the owner of the table.  Raises
 * object_in_use for what is there, insufficient_privilege.
 */
Datum
relations_forget(PG_FUNCTION_ARGS)
{
	CatalogChange change = {CHANGE_DROPPED_COLUMN, NIL, InvalidOid, NULL, NULL};
	Oid			relid;
	char	   *column;

	require_argument(fcinfo, 0, "table");
	relid = PG_GETARG_OID(0);
	column = PG_ARGISNULL(1) ? NULL : NameStr(*PG_GETARG_NAME(1));
	if (!table_exists(relid))
	{
		catalog_delete_tables(list_make1_oid(relid), NIL, true);
		PG_RETURN_VOID();
	}
	require_owner(relid);
	if (column == NULL || get_attnum(relid, column) != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 column == NULL ? errmsg("\"%s\" exists", model_name(relid))
				 : errmsg("column \"%s\" of \"%s\" exists", column, model_name(relid)),
				 errdetail("Only what has gone is forgotten."),
				 errhint("Use relations.drop_relation for a relation that is no longer wanted.")));
	lock_models(list_make1_oid(relid));
	change.relids = list_make1_oid(relid);
	change.old_name = column;
	follow_changes(list_make1(&change));
	PG_RETURN_VOID();
}
