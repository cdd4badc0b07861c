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

/* counting: counter_cache.c */
extern uint64 recount_relation(RelationDesc *desc, Oid writer);

/* the statements: counter_sql.c */
typedef enum CounterEvent
{
	COUNTER_INSERT,
	COUNTER_UPDATE,
	COUNTER_DELETE
} CounterEvent;

#define COUNTER_NEW_ROWS "relations_new"
#define COUNTER_OLD_ROWS "relations_old"
#define COUNTER_COUNTS "relations_counts"

extern char *counter_counts_sql(RelationDesc *desc);
extern char *counter_set_sql(RelationDesc *desc);
extern char *counter_reset_sql(RelationDesc *desc);
extern char *counter_touch_all_sql(RelationDesc *desc);
extern char *counter_drift_sql(RelationDesc *desc);
extern char *counter_count_one_sql(RelationDesc *desc);
extern char *counter_set_one_sql(RelationDesc *desc);

#endif							/* RELATIONS_COUNTER_CACHE_H */
