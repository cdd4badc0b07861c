/*
 * graph_reader.c
 *	  Documents of a graph, one by one, read batch by batch.
 *
 * Batches begin small, so that the first documents come at once, and grow as
 * far as relations.batch_memory allows.
 */
#include "relations.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph_reader.h"

/* root rows of the first and of the largest batch */
#define FIRST_BATCH 64
#define LARGEST_BATCH 131072

/* Begin to read a graph.  Raises what is wrong with the request. */
void
graph_reader_begin(GraphReader *reader, const ReadRequest *request)
{
	memset(reader, 0, sizeof(GraphReader));
	reader->run = read_run_begin(request);
	reader->batch_rows = FIRST_BATCH;
}

/*
 * Let go of the portal.  At the end of a transaction portals are dropped in
 * any order, so it may be gone.
 */
void
graph_reader_end(GraphReader *reader)
{
	if (reader->portal_name != NULL)
	{
		Portal		portal = SPI_cursor_find(reader->portal_name);

		reader->portal_name = NULL;
		if (portal != NULL)
			SPI_cursor_close(portal);
	}
}

/* The portal of the root's rows; opened at first use.  SPI must be connected. */
static Portal
reader_portal(GraphReader *reader)
{
	Portal		portal;

	if (reader->portal_name == NULL)
	{
		portal = read_run_open(reader->run);
		reader->portal_name = MemoryContextStrdup(reader->run->context, portal->name);
		return portal;
	}
	portal = SPI_cursor_find(reader->portal_name);
	if (portal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("the rows of model \"%s\" cannot be read on", model_name(reader->run->plan->model)),
				 errdetail("Reading them began in a subtransaction that was rolled back.")));
	return portal;
}

/* Read the next batch, within the memory that relations.batch_memory allows. */
static void
next_batch(GraphReader *reader)
{
	ReadRun    *run = reader->run;
	Size		used = read_run_memory(run);
	Size		budget = (Size) relations_batch_memory * 1024;

	if (read_run_rows(run) > 0)
	{
		if (used > budget)
			reader->batch_rows = Max(1, reader->batch_rows / 2);
		else if (used < budget / 4)
			reader->batch_rows = Min(LARGEST_BATCH, reader->batch_rows * 4);
		else if (used < budget / 2)
			reader->batch_rows = Min(LARGEST_BATCH, reader->batch_rows * 2);
	}
	read_run_reset(run);
	reader->next = 0;
	SPI_connect();
	/* a page that comes backwards is turned as a whole */
	read_run_fetch(run, reader_portal(reader),
				   run->plan->root->reversed ? FETCH_ALL : reader->batch_rows);
	read_run_children(run);
	SPI_finish();
}

/* The next document, in the current memory context; NULL behind the last. */
Jsonb *
graph_reader_next(GraphReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	if (!reader->started ||
		(reader->next >= read_run_rows(reader->run) && read_run_rows(reader->run) > 0))
	{
		reader->started = true;
		next_batch(reader);
	}
	if (reader->next < read_run_rows(reader->run))
		return read_run_document(reader->run, reader->next++);
	return NULL;
}
