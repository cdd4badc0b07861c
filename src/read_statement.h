/*
 * read_statement.h
 *	  Prepare and execute the statements of a graph's levels.
 */
#ifndef RELATIONS_READ_STATEMENT_H
#define RELATIONS_READ_STATEMENT_H

#include "executor/execdesc.h"
#include "utils/resowner.h"

#include "read_run.h"

/*
 * One execution of a statement.  All that it uses belongs to the resource owner
 * of the query that started it.  After an error nothing is to be done: the
 * resource owner releases what the execution holds, and its memory goes with
 * the context that it was started in.
 */
typedef struct ReadExecution
{
	const char *sql;
	ResourceOwner owner;
	CachedPlan *plan;
	QueryDesc  *desc;
	bool		at_end;
} ReadExecution;

extern ReadStatement *read_node_statement(ReadNode *node, LevelForm form, bool custom,
										  uint64 since_run);
extern void read_execution_start(ReadExecution *execution, ReadLevel *level, LevelForm form,
								 bool custom, int nkeys, const Oid *types, const Datum *keys);
extern double read_execution_rows(const ReadExecution *execution);
extern void read_execution_fetch(ReadExecution *execution, uint64 count, DestReceiver *dest);
extern void read_execution_end(ReadExecution *execution);
extern void read_level_run(ReadLevel *level, LevelForm form, bool custom, int nkeys,
						   const Oid *types, const Datum *keys, DestReceiver *dest);

#endif							/* RELATIONS_READ_STATEMENT_H */
