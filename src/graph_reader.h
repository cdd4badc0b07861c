/*
 * graph_reader.h
 *	  Documents of a graph, one by one, read batch by batch.
 */
#ifndef RELATIONS_GRAPH_READER_H
#define RELATIONS_GRAPH_READER_H

#include "read_run.h"

/* Reading under way.  Lives in the memory context that it was begun in. */
typedef struct GraphReader
{
	ReadRun    *run;
	char	   *portal_name;	/* by name: it may go before we do */
	long		batch_rows;
	uint32		next;
	bool		started;
} GraphReader;

extern void graph_reader_begin(GraphReader *reader, const ReadRequest *request);
extern Jsonb *graph_reader_next(GraphReader *reader);
extern void graph_reader_end(GraphReader *reader);

#endif							/* RELATIONS_GRAPH_READER_H */
