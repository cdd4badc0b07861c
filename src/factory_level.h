/*
 * factory_level.h
 *	  One level of a factory: its rows in memory, its numbers, its values.
 */
#ifndef RELATIONS_FACTORY_LEVEL_H
#define RELATIONS_FACTORY_LEVEL_H

#include "tcop/dest.h"
#include "utils/tuplestore.h"

#include "factory.h"

/* Receives the rows that a statement returns, for a level. */
typedef struct LevelReceiver
{
	DestReceiver pub;
	FactoryRun *run;
	FactoryNode *node;
	int64		expected;
	int64		received;
	bool		counts;			/* they are new */
} LevelReceiver;

/* factory_rows.c: rows that statements return, and running them */
extern void *level_alloc(FactoryRun *run, Size size, int64 n);
extern void level_set_shape(FactoryNode *node);
extern void level_reserve(FactoryRun *run, FactoryNode *node, int64 n);
extern int	level_kept(FactoryNode *node, const char *column);
extern void level_startup(DestReceiver *self, int operation, TupleDesc typeinfo);
extern void level_done(DestReceiver *self);
extern void level_receiver_init(LevelReceiver *receiver, FactoryRun *run, FactoryNode *node,
								int64 expected, bool counts);
extern uint64 level_run(FactoryRun *run, const char *sql, DestReceiver *dest, long limit);
extern void level_progress(FactoryRun *run, FactoryNode *node, const char *what, int64 done,
						   int64 total);
extern void level_error_context(void *arg);

/* factory_number.c: that values differ from those that are there */
extern FactoryNumbers *level_numbers(FactoryRun *run, Oid relid);
extern void level_skip_greatest(FactoryRun *run, FactoryNode *node, FactoryNumbers *numbers);
extern void level_skip_taken(FactoryRun *run, FactoryNode *node);
extern void level_begin_choices(FactoryNode *node, int64 number);
extern int64 level_greatest_in_text(FactoryRun *run, FactoryNode *node);
extern List *level_clash_queries(FactoryNode *node);

/* factory_make.c: values of rows that are to be */
extern Tuplestorestate *level_make_values(FactoryRun *run, FactoryNode *node, TupleDesc desc,
										  int64 n);

#endif							/* RELATIONS_FACTORY_LEVEL_H */
