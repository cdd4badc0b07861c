/*
 * counter_plan.h
 *	  The parent tables that the rows of a table are counted for, in the order
 *	  in which their rows are locked, with cached statements.
 */
#ifndef RELATIONS_COUNTER_PLAN_H
#define RELATIONS_COUNTER_PLAN_H

#include "executor/spi.h"

#include "counter_cache.h"

/* A relation whose rows count for, or touch, the rows of a parent table. */
typedef struct CounterSource
{
	RelationDesc *desc;
	int			below;			/* index of the table whose changed rows these
								 * are, or -1: rows of the statement */
	bool		inside;			/* are both tables in one circle? */
	List	   *columns;		/* the foreign key in those rows, as SQL */
} CounterSource;

/* Sources whose changes are applied by one UPDATE. */
typedef struct CounterGroup
{
	List	   *sources;		/* of CounterSource; the same local_key, and
								 * foreign keys of the same types */
	bool		from_outside;	/* do not all of them come from the circle? */
	bool		is_direct;		/* are some of them rows of the statement? */
	SPIPlanPtr	direct;			/* tables in circles only */
	SPIPlanPtr	change;
	SPIPlanPtr	alone;			/* like change, for rows of the statement */
} CounterGroup;

/* A relation between two tables of one circle. */
typedef struct CounterStep
{
	RelationDesc *desc;
	int			to;				/* index of the related table */
	bool		touches;		/* or is it there for the order alone? */
	List	   *columns;		/* the foreign key in the rows of the table */
	SPIPlanPtr	plan;
} CounterStep;

/* A table whose rows are changed, or needed to order those that are. */
typedef struct CounterTable
{
	Oid			relid;
	int			no;				/* its index in the plan */
	Oid			circle;			/* its least table if there is a circle of
								 * relations, else InvalidOid */
	List	   *key;			/* columns that give the order */
	List	   *carried;		/* columns that the tables above need */
	TupleDesc	rows_desc;		/* of changed rows: carried columns; in a
								 * circle, after number, rank and key */
	List	   *groups;			/* of CounterGroup */
	List	   *steps;			/* of CounterStep: within the circle */
	int			ndirect;		/* number of sources that are rows of the
								 * statement */
	SPIPlanPtr	lock;
} CounterTable;

/* Which sources of a group a statement is for. */
typedef enum CounterSources
{
	SOURCES_ALL,
	SOURCES_OUTSIDE,			/* not those inside a circle */
	SOURCES_DIRECT				/* rows of the statement */
} CounterSources;

/* number and rank, before the key in rows of tables in circles */
#define COUNTER_RANKED_COLUMNS 2

typedef struct CounterKey
{
	Oid			relid;			/* the table that was written, maybe a
								 * partition of the model */
	CounterEvent event;
} CounterKey;

/* The tables that the rows of one event on a table change. */
typedef struct CounterPlan
{
	CounterKey	key;			/* must be first */
	MemoryContext context;
	bool		valid;
	int			refcount;
	List	   *counted;		/* of RelationDesc: relations of the table */
	bool		cascades;		/* changed parents touch others, or a circle */
	int			ntables;
	CounterTable *tables;		/* in lock order */
	List	   *concerned;		/* OIDs of all tables that were looked at */
} CounterPlan;

/* counter_plan.c */
extern CounterPlan *acquire_counter_plan(Oid relid, CounterEvent event);
extern List *counted_relations(Oid relid);
extern char *column_if_there(Oid relid, char *column);
extern List *table_and_ancestors(Oid relid);

/* counter_order.c */
extern void order_counter_tables(CounterPlan *plan);

/* the statements: counter_sql.c */
extern List *quoted_columns(List *columns);
extern char *counter_rows_name(int no);
extern char *counter_step_name(int no);
extern char *counter_ranked_name(int no);
extern char *counter_lock_sql(CounterTable *table, CounterEvent event);
extern char *counter_lock_ranked_sql(CounterTable *table);
extern char *counter_direct_sql(CounterTable *table, CounterGroup *group, CounterEvent event);
extern char *counter_step_sql(CounterTable *from, CounterStep *step, CounterTable *to);
extern char *counter_change_sql(CounterTable *table, CounterGroup *group, CounterEvent event,
								CounterSources sources);

/* running them: counter_cache.c, counter_walk.c */
typedef struct CounterRun
{
	CounterPlan *plan;
	CounterEvent event;
	Oid			writer;			/* see switch_to_owner() */
	uint64	   *found;			/* rows to be changed, by table */
} CounterRun;

extern void counter_check_spi(int rc, const char *function);
extern void counter_keep_plan(SPIPlanPtr *kept, const char *sql);
extern uint64 counter_execute(SPIPlanPtr plan, Tuplestorestate *result);
extern void counter_register_rows(char *name, TupleDesc desc, Tuplestorestate *store);
extern void walk_circle(CounterRun *run, int first, int last);

#endif							/* RELATIONS_COUNTER_PLAN_H */
