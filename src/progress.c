/*
 * progress.c
 *	  Long work says what it is about to do.
 *
 * Declaring checks, indexes and counts rows by single statements, which tell
 * nothing while they run.  So they are told of before, with the number of
 * rows, when it is one to wait for.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/syscache.h"

#include "names.h"
#include "progress.h"

/* Rows that take a second or more to check against another table. */
#define LONG_WORK_ROWS 1000000

/* The planner's number of rows of a table and its partitions. */
static double
estimated_rows(Oid relid)
{
	double		result = 0;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tup))
			continue;
		/* of a partitioned table it is the sum of the others */
		if (((Form_pg_class) GETSTRUCT(tup))->relkind != RELKIND_PARTITIONED_TABLE)
			result += Max(((Form_pg_class) GETSTRUCT(tup))->reltuples, 0);
		ReleaseSysCache(tup);
	}
	return result;
}

/*
 * A NOTICE that all rows of a table are about to be read, "checking" or the
 * like, when there are many, unless relations.progress is off.
 */
void
tell_long_work(const char *doing, Oid relid)
{
	double		rows;

	if (!relations_progress)
		return;
	rows = estimated_rows(relid);
	if (rows >= LONG_WORK_ROWS)
		ereport(NOTICE,
				(errmsg("%s about %.0f rows of \"%s\"", doing, rows, model_name(relid))));
}
