/*
 * factory.c
 *	  factory_create and factory_make.
 */
#include "relations.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "factory.h"

PG_FUNCTION_INFO_V1(relations_factory_create);
PG_FUNCTION_INFO_V1(relations_factory_make);

/* Make the rows that a call wants; they live in the current memory context. */
static FactoryRun *
make_rows(FunctionCallInfo fcinfo, bool dry)
{
	MemoryContext caller = CurrentMemoryContext;
	WriteRun   *write;
	FactoryRun *run;
	int			count;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "count");
	count = PG_GETARG_INT32(1);
	model_check(PG_GETARG_OID(0));
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must not be negative", "count")));
	write = write_run_begin();
	run = MemoryContextAllocZero(write->context, sizeof(FactoryRun));
	run->write = write;
	run->context = write->context;
	run->scratch = AllocSetContextCreate(run->context, "relations factory row", ALLOCSET_DEFAULT_SIZES);
	run->dry = dry;
	SPI_connect();
	MemoryContextSwitchTo(run->context);
	factory_parse_options(run, PG_GETARG_OID(0), count, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P_COPY(2));
	factory_store(run);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return run;
}

/* The documents of the rows that were made, one a call. */
static Datum
return_rows(FunctionCallInfo fcinfo, bool dry)
{
	FuncCallContext *funcctx;
	FactoryRun *run;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->user_fctx = make_rows(fcinfo, dry);
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	run = funcctx->user_fctx;
	if (funcctx->call_cntr < (uint64) run->root->nrows)
	{
		Jsonb	   *document = factory_document(run, (int64) funcctx->call_cntr);

		SRF_RETURN_NEXT(funcctx, JsonbPGetDatum(document));
	}
	SRF_RETURN_DONE(funcctx);
}

/* SQL: factory_create(model, count, options) */
Datum
relations_factory_create(PG_FUNCTION_ARGS)
{
	return return_rows(fcinfo, false);
}

/* SQL: factory_make(model, count, options): nothing is stored */
Datum
relations_factory_make(PG_FUNCTION_ARGS)
{
	return return_rows(fcinfo, true);
}
