/*
 * counter_cache.h
 *	  counter_cache and touch of belongs_to: parents that follow the rows that
 *	  refer to them.
 */
#ifndef RELATIONS_COUNTER_CACHE_H
#define RELATIONS_COUNTER_CACHE_H

#include "storage/lockdefs.h"

#include "catalog.h"

#define RELATION_FOLLOWS(desc) \
	((desc)->kind == RELATION_BELONGS_TO && \
	 ((desc)->counter_cache != NULL || (desc)->touch != NULL))

/* declaring and dropping: counter_declare.c */
extern char *counter_column_argument(const char *text, const char *argument);
extern void check_counter_columns(Oid model, Oid related, List *local_key,
								  const char *counter, const char *touch, bool add_column);
extern void add_counter_column(Oid related, const char *counter);
extern void begin_counting(RelationDesc *desc);
extern void end_counting(RelationDesc *desc);
extern List *counting_ddl(RelationDesc *desc);
extern List *missing_counting_triggers(RelationDesc *desc, LOCKMODE lockmode);

extern bool rows_may_precede(RelationDesc *desc);
extern bool rows_may_be_deferred(RelationDesc *desc);

/* counting: counter_recount.c */
extern uint64 recount_relation(RelationDesc *desc, Oid writer);
extern char *counter_drift_sql(RelationDesc *desc);

typedef enum CounterEvent
{
	COUNTER_INSERT,
	COUNTER_UPDATE,
	COUNTER_DELETE,
	COUNTER_SEVERAL,			/* more than one of these */
	COUNTER_PARENT				/* a parent is new, or its key is */
} CounterEvent;

#define COUNTER_NEW_ROWS "relations_new"
#define COUNTER_OLD_ROWS "relations_old"
/* of an UPDATE among several changes */
#define COUNTER_UPDATED_NEW_ROWS "relations_updated_new"
#define COUNTER_UPDATED_OLD_ROWS "relations_updated_old"
#define COUNTER_COUNTS "relations_counts"
#define COUNTER_KEYS "relations_keys"

#endif							/* RELATIONS_COUNTER_CACHE_H */
