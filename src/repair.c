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
#include "follow.h"

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

/* Add a statement to a set of them.  Returns false if it is there already. */
static bool
add_statement(BytesTable *statements, const char *statement)
{
	StringInfoData key;
	bool		found;

	initStringInfo(&key);
	key_add_name(&key, statement);
	(void) bytes_table_enter(statements, &key, &found);
	pfree(key.data);
	return !found;
}

static bool
has_statement(BytesTable *statements, const char *statement)
{
	StringInfoData key;
	bool		result;

	initStringInfo(&key);
	key_add_name(&key, statement);
	result = bytes_table_has(statements, &key);
	pfree(key.data);
	return result;
}

/*
 * Orphans that were found before a foreign key was switched on again are there
 * still, although nothing looks for them any more.
 */
static List *
keep_orphans(List *left, List *before)
{
	BytesTable *statements = bytes_table_create();
	ListCell   *lc;

	foreach(lc, left)
	{
		if (((Finding *) lfirst(lc))->statement != NULL)
			(void) add_statement(statements, ((Finding *) lfirst(lc))->statement);
	}
	foreach(lc, before)
	{
		Finding    *finding = lfirst(lc);

		if (strcmp(finding->problem, "orphans") == 0 && finding->statement != NULL &&
			add_statement(statements, finding->statement))
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
	BytesTable *tried = bytes_table_create();
	List	   *left = NIL;
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
		nspid = get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	InitMaterializedSRF(fcinfo, 0);
	follow_pending_changes();
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
				!add_statement(tried, finding->statement))
				continue;
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

		if (finding->outcome != NULL || (finding->statement != NULL && has_statement(tried, finding->statement)))
			continue;
		finding->outcome = finding->left == NULL ? "left to you" : psprintf("left to you: %s", finding->left);
		put_finding(rsinfo, finding);
	}
	return (Datum) 0;
}
