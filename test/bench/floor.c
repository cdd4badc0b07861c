/*
 * floor.c
 *		What the rows themselves cost: queries run by SPI, each row taken apart
 *		and dropped.  test/bench/run builds it, and nothing else uses it.
 *
 * bench_floor takes rows as the executor gives them: no JSON reader can be
 * quicker, unless it reads fewer rows or columns, or in another way.  bench_spi
 * takes them as SPI gives them to most of its users: copied, by a cursor.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_floor);
PG_FUNCTION_INFO_V1(bench_spi);

/* rows that a cursor fetches at once */
#define FETCH 1000

/* a DestReceiver that counts */
typedef struct
{
	DestReceiver dest;
	int64		rows;
} FloorReceiver;

/* plans that are kept, newest first; a benchmark has few */
typedef struct KeptPlan
{
	struct KeptPlan *next;
	SPIPlanPtr	plan;
	char		query[FLEXIBLE_ARRAY_MEMBER];
} KeptPlan;

static KeptPlan *kept_plans = NULL;

static bool
floor_receive(TupleTableSlot *slot, DestReceiver *self)
{
	slot_getallattrs(slot);
	((FloorReceiver *) self)->rows++;
	return true;
}

static void
floor_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
floor_nothing(DestReceiver *self)
{
}

/* the plan of a query with one integer parameter, made once a session */
static SPIPlanPtr
floor_plan(const char *query)
{
	Oid			argtype = INT4OID;
	KeptPlan   *kept;
	SPIPlanPtr	plan;

	for (kept = kept_plans; kept != NULL; kept = kept->next)
		if (strcmp(kept->query, query) == 0)
			return kept->plan;

	plan = SPI_prepare(query, 1, &argtype);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);

	kept = malloc(offsetof(KeptPlan, query) + strlen(query) + 1);
	if (kept == NULL)
		elog(ERROR, "out of memory");
	kept->plan = plan;
	strcpy(kept->query, query);
	kept->next = kept_plans;
	kept_plans = kept;
	return plan;
}

static void
queries_of(ArrayType *array, Datum **queries, int *nqueries)
{
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, queries, NULL, nqueries);
}

/* bench_floor(key int, VARIADIC queries text[]) returns bigint: the number of rows; $1 is the key */
Datum
bench_floor(PG_FUNCTION_ARGS)
{
	FloorReceiver receiver = {
		.dest = {
			.receiveSlot = floor_receive,
			.rStartup = floor_startup,
			.rShutdown = floor_nothing,
			.rDestroy = floor_nothing,
			.mydest = DestNone
		}
	};
	Datum	   *queries;
	int			nqueries;
	int			i;

	queries_of(PG_GETARG_ARRAYTYPE_P(1), &queries, &nqueries);

	SPI_connect();
	for (i = 0; i < nqueries; i++)
	{
		SPIExecuteOptions options = {0};
		ParamListInfo params = makeParamList(1);

		params->params[0].value = PG_GETARG_DATUM(0);
		params->params[0].pflags = PARAM_FLAG_CONST;
		params->params[0].ptype = INT4OID;
		options.params = params;
		options.read_only = true;
		options.dest = &receiver.dest;
		if (SPI_execute_plan_extended(floor_plan(TextDatumGetCString(queries[i])), &options) < 0)
			elog(ERROR, "SPI_execute_plan_extended failed");
	}
	SPI_finish();

	PG_RETURN_INT64(receiver.rows);
}

/* bench_spi(key int, VARIADIC queries text[]) returns bigint: the same */
Datum
bench_spi(PG_FUNCTION_ARGS)
{
	Datum		key = PG_GETARG_DATUM(0);
	Datum	   *queries;
	int			nqueries;
	int			i;
	int64		rows = 0;

	queries_of(PG_GETARG_ARRAYTYPE_P(1), &queries, &nqueries);

	SPI_connect();
	for (i = 0; i < nqueries; i++)
	{
		Portal		portal = SPI_cursor_open(NULL, floor_plan(TextDatumGetCString(queries[i])), &key, NULL, true);

		for (;;)
		{
			Datum		values[MaxTupleAttributeNumber];
			bool		nulls[MaxTupleAttributeNumber];
			uint64		row;

			SPI_cursor_fetch(portal, true, FETCH);
			for (row = 0; row < SPI_processed; row++)
				heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, values, nulls);
			rows += SPI_processed;
			SPI_freetuptable(SPI_tuptable);
			if (row < FETCH)
				break;
		}
		SPI_cursor_close(portal);
	}
	SPI_finish();

	PG_RETURN_INT64(rows);
}
