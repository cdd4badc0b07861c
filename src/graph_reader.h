/*
 * graph_reader.h
 *	  Documents of a graph, one by one, read batch by batch.
 */
#ifndef RELATIONS_GRAPH_READER_H
#define RELATIONS_GRAPH_READER_H

#include "read_pass.h"

/* Reading under way.  Lives in the memory context that it was begun in. */
typedef struct GraphReader
{
	ReadRun    *run;
	ReadExecution root;			/* of the root's statement */
	bool		root_started;
	double		expected;		/* root rows in all, as the planner thinks */
	double		rows;			/* root rows so far */
	double		batch_rows;
	PassSize	pass_size;		/* of the last pass */
	uint32		next;
	bool		started;
	bool		ended;
} GraphReader;

extern void graph_reader_begin(GraphReader *reader, const ReadRequest *request);
extern bool graph_reader_next(GraphReader *reader);
extern void graph_reader_end(GraphReader *reader);

#endif							/* RELATIONS_GRAPH_READER_H */
