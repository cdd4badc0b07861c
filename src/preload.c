/*
 * preload.c
 *	  preload, first, find and load: the SQL face of reading.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "read_run.h"

/* root rows of the first and of the largest batch */
#define FIRST_BATCH 64
#define LARGEST_BATCH 131072

PG_FUNCTION_INFO_V1(relations_preload);
PG_FUNCTION_INFO_V1(relations_first);
PG_FUNCTION_INFO_V1(relations_find);
PG_FUNCTION_INFO_V1(relations_load);

typedef struct PreloadState
{
	ReadRun    *run;
	char	   *portal_name;	/* by name: it may go before we do */
	ExprContext *econtext;
	long		batch_rows;
	uint32		next;
} PreloadState;

/*
 * The query above ends, or we do: let go of the portal.  At the end of a
 * transaction portals are dropped in any order, so ours may be gone.
 */
static void
preload_shutdown(Datum arg)
{
	PreloadState *state = (PreloadState *) DatumGetPointer(arg);

	if (state->portal_name != NULL)
	{
		Portal		portal = SPI_cursor_find(state->portal_name);

		state->portal_name = NULL;
		if (portal != NULL)
			SPI_cursor_close(portal);
	}
}

/* The portal of the root's rows; opened at first use.  SPI must be connected. */
static Portal
preload_portal(PreloadState *state)
{
	Portal		portal;

	if (state->portal_name == NULL)
	{
		List	   *params;
		SPIPlanPtr	plan = read_node_plan(state->run->plan->root, LEVEL_ALL, false, &params);

		portal = SPI_cursor_open_with_paramlist(NULL, plan, NULL, true);
		state->portal_name = MemoryContextStrdup(state->run->context, portal->name);
		return portal;
	}
	portal = SPI_cursor_find(state->portal_name);
	if (portal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("the rows of model \"%s\" cannot be read on", model_name(state->run->plan->model)),
				 errdetail("Reading them began in a subtransaction that was rolled back.")));
	return portal;
}

/* Read the next batch, within the memory that relations.batch_memory allows. */
static void
preload_next_batch(PreloadState *state)
{
	ReadRun    *run = state->run;
	Size		used = read_run_memory(run);
	Size		budget = (Size) relations_batch_memory * 1024;

	if (read_run_rows(run) > 0)
	{
		if (used > budget)
			state->batch_rows = Max(1, state->batch_rows / 2);
		else if (used < budget / 4)
			state->batch_rows = Min(LARGEST_BATCH, state->batch_rows * 4);
		else if (used < budget / 2)
			state->batch_rows = Min(LARGEST_BATCH, state->batch_rows * 2);
	}
	read_run_reset(run);
	state->next = 0;
	SPI_connect();
	read_run_fetch(run, preload_portal(state), state->batch_rows);
	read_run_children(run);
	SPI_finish();
}

/*
 * All rows of a model as documents.  Streams: a batch of rows is read when the
 * one before is used up.
 */
Datum
relations_preload(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	PreloadState *state;

	if (SRF_IS_FIRSTCALL())
	{
		ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		state = palloc0(sizeof(PreloadState));
		state->run = read_run_begin(PG_GETARG_OID(0), READ_ALL, PG_GETARG_ARRAYTYPE_P_COPY(1));
		state->batch_rows = FIRST_BATCH;
		state->econtext = rsinfo->econtext;
		RegisterExprContextCallback(state->econtext, preload_shutdown, PointerGetDatum(state));
		funcctx->user_fctx = state;
		MemoryContextSwitchTo(old);
		preload_next_batch(state);
	}
	funcctx = SRF_PERCALL_SETUP();
	state = funcctx->user_fctx;
	CHECK_FOR_INTERRUPTS();
	if (state->next >= read_run_rows(state->run) && read_run_rows(state->run) > 0)
		preload_next_batch(state);
	if (state->next < read_run_rows(state->run))
		SRF_RETURN_NEXT(funcctx,
						JsonbPGetDatum(read_run_document(state->run, state->next++)));
	UnregisterExprContextCallback(state->econtext, preload_shutdown, PointerGetDatum(state));
	preload_shutdown(PointerGetDatum(state));
	SRF_RETURN_DONE(funcctx);
}

/* Finish a run of at most one document: the document, or SQL null. */
static Datum
one_document(FunctionCallInfo fcinfo, ReadRun *run)
{
	Jsonb	   *result = NULL;

	if (read_run_rows(run) > 0)
		result = read_run_document(run, 0);
	read_run_end(run);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

/* The first row of a model. */
Datum
relations_first(PG_FUNCTION_ARGS)
{
	ReadRun    *run = read_run_begin(PG_GETARG_OID(0), READ_FIRST, PG_GETARG_ARRAYTYPE_P(1));

	SPI_connect();
	read_run_root(run, LEVEL_FIRST, NULL);
	read_run_children(run);
	SPI_finish();
	return one_document(fcinfo, run);
}

/* The values of a key; false when some are null, which no row has. */
static bool
parse_key(ReadPlan *plan, char *text, Datum *values)
{
	Datum		row;
	HeapTupleHeader header;
	HeapTupleData tuple;
	bool		isnull[INDEX_MAX_KEYS];
	int			n = plan->root->nkeys;

	if (n == 1)
	{
		values[0] = InputFunctionCall(&plan->key_input[0], text, plan->key_ioparams[0], -1);
		return true;
	}
	row = OidInputFunctionCall(F_RECORD_IN, text, RECORDOID, plan->key_desc->tdtypmod);
	header = DatumGetHeapTupleHeader(row);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, plan->key_desc, values, isnull);
	for (int i = 0; i < n; i++)
	{
		if (isnull[i])
			return false;
	}
	return true;
}

static void
key_error_context(void *arg)
{
	errcontext("key of model \"%s\"", model_name(*(Oid *) arg));
}

/* The row of a model with a primary key. */
Datum
relations_find(PG_FUNCTION_ARGS)
{
	Oid			model = PG_GETARG_OID(0);
	ReadRun    *run = read_run_begin(model, READ_KEY, PG_GETARG_ARRAYTYPE_P(2));
	Datum		keys[INDEX_MAX_KEYS];
	ErrorContextCallback callback;
	bool		found;

	callback.callback = key_error_context;
	callback.arg = &model;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	found = parse_key(run->plan, TextDatumGetCString(PG_GETARG_DATUM(1)), keys);
	error_context_stack = callback.previous;
	if (found)
	{
		SPI_connect();
		read_run_root(run, LEVEL_KEY, keys);
		read_run_children(run);
		SPI_finish();
	}
	return one_document(fcinfo, run);
}

/* The document of a row that the caller has. */
Datum
relations_load(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header;
	HeapTupleData tuple;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			model = OidIsValid(type) ? get_typ_typrelid(getBaseType(type)) : InvalidOid;
	TupleDesc	desc;
	ReadRun    *run;
	Datum	   *row_values;
	bool	   *row_nulls;
	Datum	   *values;
	bool	   *isnull;
	ListCell   *lc;
	int			n = 0;

	if (!OidIsValid(model) || get_rel_relkind(model) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the row to load must be a row of a table or view, not of type %s",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("Give the table's alias: SELECT relations.load(u, 'profile') FROM users u.")));
	header = PG_GETARG_HEAPTUPLEHEADER(0);
	run = read_run_begin(model, READ_ROW, PG_GETARG_ARRAYTYPE_P(1));
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	row_values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	row_nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	heap_deform_tuple(&tuple, desc, row_values, row_nulls);

	values = palloc(sizeof(Datum) * (list_length(run->plan->root->columns) + 1));
	isnull = palloc(sizeof(bool) * (list_length(run->plan->root->columns) + 1));
	foreach(lc, run->plan->root->columns)
	{
		AttrNumber	attnum = get_attnum(model, ((SelectColumn *) lfirst(lc))->name);

		isnull[n] = attnum <= 0 || attnum > desc->natts || row_nulls[attnum - 1];
		if (!isnull[n])
			values[n] = row_values[attnum - 1];
		n++;
	}
	ReleaseTupleDesc(desc);
	read_run_add_row(run, values, isnull);
	if (run->plan->root->nchildren > 0)
	{
		SPI_connect();
		read_run_children(run);
		SPI_finish();
	}
	return one_document(fcinfo, run);
}
