/*
 * graph_reader.c
 *	  Documents of a graph, one by one, read batch by batch.
 *
 * Batches begin small, so that the first documents come at once and little is
 * read in vain when the caller wants no more.  They grow as far as
 * relations.batch_memory allows, and then become passes (read_pass.c), of
 * which each partition is a batch.
 */
#include "relations.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph_reader.h"
#include "read_hold.h"

/* root rows of the first batch, and how many times more each further one has */
#define FIRST_BATCH 64
#define BATCH_GROWTH 8

/* who has taken this part of the rows is thought to want all of them */
#define WORTH_THE_REST (1.0 / 200)

/* a pass is for this part of the rows at least */
#define PASS_SHARE 4.0

/* rows beyond those that the planner expects */
#define EXPECTED_SLACK 1.25

/* Begin to read a graph.  Raises what is wrong with the request. */
void
graph_reader_begin(GraphReader *reader, const ReadRequest *request)
{
	memset(reader, 0, sizeof(GraphReader));
	reader->run = read_run_begin(request);
	read_hold_begin(reader->run);
}

/*
 * End reading, at the last document or before it.  Must not be called after an
 * error, when the resource owner of the calling query releases everything.
 */
void
graph_reader_end(GraphReader *reader)
{
	reader->ended = true;
	read_pass_end(reader->run);
	read_hold_end(reader->run);
	if (reader->root_started)
		read_execution_end(&reader->root);
	reader->root_started = false;
}

/* Start the root's statement. */
static void
start_root(GraphReader *reader)
{
	ReadRun    *run = reader->run;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	read_execution_start(&reader->root, run->root, LEVEL_ALL, false, 0, NULL, NULL);
	reader->root_started = true;
	reader->expected = read_execution_rows(&reader->root);
	read_hold_watch(run, reader->root.desc);
	MemoryContextSwitchTo(old);
}

/*
 * The root rows that are to be read next: some times as many as before, or all
 * when a fair part has been wanted already.
 */
static double
wanted_rows(GraphReader *reader)
{
	double		rows = reader->batch_rows * BATCH_GROWTH;

	if (reader->rows >= reader->expected * WORTH_THE_REST)
		rows = Max(rows, reader->expected * EXPECTED_SLACK - reader->rows);
	return Min(rows, (double) PG_INT32_MAX);
}

/* Read the next rows, many of them in partitions. */
static void
begin_pass(GraphReader *reader)
{
	reader->run->holds_all = true;
	read_pass_begin(reader->run, &reader->root, &reader->pass_size);
	(void) read_pass_next(reader->run);
}

/* Read the next batch into the run; there is none when its rows are zero. */
static void
next_batch(GraphReader *reader)
{
	ReadRun    *run = reader->run;

	if (run->pass != NULL && read_pass_next(run))
		return;
	if (!reader->root_started)
		start_root(reader);
	if (reader->root.at_end)
	{
		/* the last batch had fewer rows than it was to have */
		read_run_reset(run);
		return;
	}
	if (run->pass != NULL)
	{
		/* there are more rows than were expected, or than fit */
		read_pass_end(run);
		reader->pass_size.max_rows = Min(reader->pass_size.limit,
										 (double) reader->pass_size.max_rows * BATCH_GROWTH);
		begin_pass(reader);
		return;
	}
	if (!reader->started)
		reader->batch_rows = FIRST_BATCH;
	else
	{
		double		rows = wanted_rows(reader);
		Size		budget = (Size) relations_batch_memory * 1024;

		/* the keys of a smaller part of the rows are thought to be sparse */
		if (rows * PASS_SHARE >= reader->expected && read_pass_possible(run, rows, &reader->pass_size))
		{
			begin_pass(reader);
			return;
		}
		/* no more than fit, judging by those at hand */
		rows = Min(rows, floor((double) read_run_rows(run) * budget / Max(read_run_memory(run), 1)));
		reader->batch_rows = Max(rows, 1);
	}
	read_run_reset(run);
	/* a page that comes backwards is turned as a whole */
	read_run_fetch(run, &reader->root, run->plan->root->reversed ? 0 : (uint64) reader->batch_rows);
	if (!reader->root.at_end)
		run->holds_all = true;
	read_run_children(run);
}

/*
 * Read the next batch as the role that began to read.  A cursor's rows may be
 * fetched by another role, after SET ROLE or in a security definer function,
 * and do not change by that.
 */
static void
next_batch_as_reader(GraphReader *reader)
{
	Oid			role = reader->run->plan->role;
	Oid			caller;
	int			sec_context;

	GetUserIdAndSecContext(&caller, &sec_context);
	if (caller == role)
	{
		next_batch(reader);
		return;
	}
	/* after an error the end of the (sub)transaction switches back */
	SetUserIdAndSecContext(role, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	next_batch(reader);
	SetUserIdAndSecContext(caller, sec_context);
}

/*
 * Come to the next root row of the run, which is reader->next - 1 then; false
 * behind the last.
 */
bool
graph_reader_next(GraphReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	read_hold_check(reader->run);
	if (reader->next >= read_run_rows(reader->run))
	{
		if (reader->ended)
			return false;
		next_batch_as_reader(reader);
		reader->started = true;
		reader->next = 0;
		reader->rows += read_run_rows(reader->run);
		reader->ended = read_run_rows(reader->run) == 0;
		if (reader->ended)
			return false;
	}
	reader->next++;
	return true;
}
