/*
 * catalog_write.c
 *	  Writes to the extension's catalog, with its owner's rights.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "catalog_write.h"

/*
 * Run a statement on the catalog, with the rights of its owner: callers may
 * only read it, and what they may declare has been checked.  A row that the
 * statement returns is copied into the current memory context, else NULL.
 */
HeapTuple
write_catalog(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	HeapTuple	result = NULL;
	HeapTuple	tup;
	Oid			owner;
	Oid			user;
	int			context;
	int			rc;

	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(catalog_relation_oid()));
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	ReleaseSysCache(tup);

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	SPI_connect();
	rc = SPI_execute_with_args(sql, n, types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
	if (SPI_tuptable != NULL && SPI_processed > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = heap_copytuple(SPI_tuptable->vals[0]);
		/* as a datum of the catalog's row type */
		BlessTupleDesc(SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	SetUserIdAndSecContext(user, context);
	return result;
}
