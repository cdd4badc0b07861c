/*
 * factory_rows.c
 *	  The rows of a level as statements return them, in the order in which they
 *	  were given.
 */
#include "relations.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "factory_level.h"

/* a sign of life after so many microseconds */
#define PROGRESS_INTERVAL (3 * USECS_PER_SEC)

/* ---------------------------------------------------------------------
 * Rows in memory
 * ---------------------------------------------------------------------
 */

/*
 * Return the bytes of n things.  Raises program_limit_exceeded for more than
 * there can be.
 */
static Size
huge_size(Size size, int64 n)
{
	if (n > (int64) (MaxAllocHugeSize / size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a factory cannot make " INT64_FORMAT " rows at once", n)));
	return size * (Size) Max(n, 1);
}

/* Memory of the run for n things; there may be very many. */
void *
level_alloc(FactoryRun *run, Size size, int64 n)
{
	return MemoryContextAllocHuge(run->context, huge_size(size, n));
}

static void *
huge_realloc(FactoryRun *run, void *pointer, Size size, int64 n)
{
	return pointer == NULL ? level_alloc(run, size, n) : repalloc_huge(pointer, huge_size(size, n));
}

/* What documents show of the rows of a level, and what is kept of them. */
void
level_set_shape(FactoryNode *node)
{
	List	   *relations = NIL;
	bool		pivot = node->pivot != NULL && node->pivot->named && node->named;
	List	   *shown = !node->named ? NIL
		: node->role == NODE_PIVOT ? node->outer->relation->pivot_columns : node->model->shown;
	ListCell   *lc;

	if (node->shape != NULL)
		return;
	foreach(lc, node->parents)
	{
		if (((FactoryNode *) lfirst(lc))->named)
			relations = list_append_unique_ptr(relations, ((FactoryNode *) lfirst(lc))->relation);
	}
	foreach(lc, node->children)
		relations = list_append_unique_ptr(relations, ((FactoryNode *) lfirst(lc))->relation);
	node->shape = write_model_shape(node->model, 0, NULL, relations, node->wanted, shown, pivot);
	node->kept = palloc0(sizeof(Datum *) * Max(node->shape->nkept, 1));
	node->kept_null = palloc0(sizeof(bool *) * Max(node->shape->nkept, 1));
}

/* Make room for n more rows. */
void
level_reserve(FactoryRun *run, FactoryNode *node, int64 n)
{
	int64		capacity = node->nrows + n;

	if (capacity > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a factory cannot make more than %d rows of \"%s\" at once", PG_INT32_MAX,
						model_name(node->model->relid))));
	if (capacity <= node->capacity)
		return;
	node->capacity = capacity;
	if (node->named)
		node->staged = huge_realloc(run, node->staged, sizeof(StagedRow *), capacity);
	for (int k = 0; k < node->shape->nkept; k++)
	{
		node->kept[k] = huge_realloc(run, node->kept[k], sizeof(Datum), capacity);
		node->kept_null[k] = huge_realloc(run, node->kept_null[k], sizeof(bool), capacity);
	}
}

/* Take a row as the statement returned it. */
static void
take_row(FactoryRun *run, FactoryNode *node, const Datum *values, const bool *isnull)
{
	WriteShape *shape = node->shape;
	int64		row = node->nrows++;
	MemoryContext old = MemoryContextSwitchTo(run->write->scratch);

	if (node->named)
		node->staged[row] = stage_row(&run->write->arena, &shape->tpl, shape->encoders, shape->positions, values, isnull);
	MemoryContextSwitchTo(run->context);
	for (int k = 0; k < shape->nkept; k++)
	{
		int			position = shape->kept[k];
		WriteColumn *column = &node->model->columns[write_model_column(node->model, list_nth(shape->returned, position))];

		node->kept_null[k][row] = isnull[position];
		node->kept[k][row] = isnull[position] ? (Datum) 0 : datumCopy(values[position], column->byval, column->len);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->write->scratch);
}

/* The place of a column among what is kept of a level. */
int
level_kept(FactoryNode *node, const char *column)
{
	WriteShape *shape = node->shape;

	for (int k = 0; k < shape->nkept; k++)
	{
		if (strcmp(list_nth(shape->returned, shape->kept[k]), column) == 0)
			return k;
	}
	elog(ERROR, "column \"%s\" of \"%s\" was not kept", column, model_name(node->model->relid));
}

/* ---------------------------------------------------------------------
 * Statements
 * ---------------------------------------------------------------------
 */

/* Long work says now and then how far it is. */
void
level_progress(FactoryRun *run, FactoryNode *node, const char *what, int64 done, int64 total)
{
	int64		now;

	if (!relations_progress)
		return;
	now = GetCurrentTimestamp();
	if (now - run->told < PROGRESS_INTERVAL)
		return;
	run->told = now;
	ereport(NOTICE,
			(errmsg("%s " INT64_FORMAT " of " INT64_FORMAT " rows of \"%s\", " INT64_FORMAT " rows in all",
					what, done, total, model_name(node->model->relid), run->stored)));
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	LevelReceiver *receiver = (LevelReceiver *) self;

	receiver->received++;
	if (receiver->received > receiver->expected)
		return true;
	slot_getallattrs(slot);
	take_row(receiver->run, receiver->node, slot->tts_values, slot->tts_isnull);
	if (receiver->counts)
	{
		receiver->run->stored++;
		if (receiver->received % 1024 == 0)
			level_progress(receiver->run, receiver->node, receiver->run->dry ? "made" : "stored",
						  receiver->received, receiver->expected);
	}
	return true;
}

/* What receivers have nothing to do at. */
void
level_startup(pg_attribute_unused() DestReceiver *self, pg_attribute_unused() int operation,
			  pg_attribute_unused() TupleDesc typeinfo)
{
}

void
level_done(pg_attribute_unused() DestReceiver *self)
{
}

/* A receiver of as many rows of a level; counts: they are new. */
void
level_receiver_init(LevelReceiver *receiver, FactoryRun *run, FactoryNode *node, int64 expected, bool counts)
{
	memset(receiver, 0, sizeof(LevelReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = level_startup;
	receiver->pub.rShutdown = level_done;
	receiver->pub.rDestroy = level_done;
	receiver->pub.mydest = DestNone;
	receiver->run = run;
	receiver->node = node;
	receiver->expected = expected;
	receiver->counts = counts;
}

/* The row at which a statement is: as many have come back. */
void
level_error_context(void *arg)
{
	LevelReceiver *receiver = arg;
	const char *path = receiver->node->path;

	if (geterrcode() == ERRCODE_CHECK_VIOLATION || geterrcode() == ERRCODE_NOT_NULL_VIOLATION)
		errhint("Say what the values are: SELECT relations.define_factory(%s, '{\"%s\": ...}');",
				quote_literal_cstr(receiver->node->model->name),
				receiver->run->making != NULL ? receiver->run->making : "...");
	if (receiver->run->making != NULL)
		errcontext("value of column \"%s\" in factory row " INT64_FORMAT " of \"%s\"%s%s%s", receiver->run->making,
				   receiver->run->row, receiver->node->model->name,
				   path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "");
	else if (receiver->received < receiver->expected)
		errcontext("factory rows of \"%s\"%s%s%s, row " INT64_FORMAT, receiver->node->model->name,
				   path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "", receiver->received + 1);
	else
		errcontext("factory rows of \"%s\"", receiver->node->model->name);
}

/* Run a statement; its rows go to dest or, when that is NULL, to SPI. */
uint64
level_run(FactoryRun *run, const char *sql, DestReceiver *dest, long limit)
{
	SPIExecuteOptions options;
	int			rc;

	memset(&options, 0, sizeof(options));
	options.tcount = limit;
	options.dest = dest;
	rc = SPI_execute_extended(sql, &options);
	/* SPI leaves its own, which ends before the run does */
	MemoryContextSwitchTo(run->context);
	if (rc < 0)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}
