/*
 * repair.c
 *	  repair: what check finds is mended, as far as no row has to go for it.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "check.h"

PG_FUNCTION_INFO_V1(relations_repair);

/* One mend may show the next: a column, then its foreign key, then its index. */
#define MOST_ROUNDS 6

static void
run_statement(void *arg)
{
	const Finding *finding = arg;
	int			rc;

	SPI_connect();
	rc = SPI_execute(finding->statement, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
	SPI_finish();
}

static bool
is_among(List *findings, const Finding *finding)
{
	ListCell   *lc;

	foreach(lc, findings)
	{
		Finding    *other = lfirst(lc);

		if (other->statement != NULL && strcmp(other->statement, finding->statement) == 0)
			return true;
	}
	return false;
}

/*
 * Orphans that were found before a foreign key was switched on again are there
 * still, although nothing looks for them any more.
 */
static List *
keep_orphans(List *left, List *before)
{
	ListCell   *lc;

	foreach(lc, before)
	{
		Finding    *finding = lfirst(lc);

		if (strcmp(finding->problem, "orphans") == 0 && finding->statement != NULL &&
			!is_among(left, finding))
			left = lappend(left, finding);
	}
	return left;
}

/*
 * SQL: repair(schema).  Each statement runs with the caller's rights in a
 * subtransaction of its own: one that fails is told, and the others stand.
 * What would run code of roles that the caller does not trust is left to him:
 * check gives no statement for it.  Raises undefined_schema.
 */
Datum
relations_repair(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			nspid = InvalidOid;
	List	   *tried = NIL;
	List	   *left = NIL;
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
		nspid = get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	InitMaterializedSRF(fcinfo, 0);
	for (int round = 0; round < MOST_ROUNDS; round++)
	{
		bool		mended = false;

		left = keep_orphans(run_check(nspid, false), left);
		foreach(lc, left)
		{
			Finding    *finding = lfirst(lc);
			ErrorData  *error;

			CHECK_FOR_INTERRUPTS();
			if (finding->mender != MENDED_BY_REPAIR || finding->statement == NULL ||
				is_among(tried, finding))
				continue;
			tried = lappend(tried, finding);
			error = catch_error(run_statement, finding);
			finding->outcome = error == NULL ? "done" : psprintf("failed: %s", error->message);
			put_finding(rsinfo, finding);
			mended = mended || error == NULL;
		}
		if (!mended)
			break;
	}
	/* what is there still, and was not tried */
	foreach(lc, left)
	{
		Finding    *finding = lfirst(lc);

		if (finding->outcome != NULL || (finding->statement != NULL && is_among(tried, finding)))
			continue;
		finding->outcome = finding->left == NULL ? "left to you" : psprintf("left to you: %s", finding->left);
		put_finding(rsinfo, finding);
	}
	return (Datum) 0;
}
