/*
 * counter_plan.h
 *	  The parent tables that the rows of a table are counted for, in the order
 *	  in which their rows are locked, with cached statements.
 */
#ifndef RELATIONS_COUNTER_PLAN_H
#define RELATIONS_COUNTER_PLAN_H

#include "commands/trigger.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"

#include "counter_cache.h"

/* A relation whose rows count for, or touch, the rows of a parent table. */
typedef struct CounterSource
{
	RelationDesc *desc;
	int			below;			/* index of the table whose changed rows these
								 * are, or -1: rows of the statement */
	bool		inside;			/* are both tables in one circle? */
	List	   *columns;		/* the foreign key in those rows, as SQL */
	/* of rows of the statement: */
	AttrNumber *attnums;		/* the foreign key */
	Oid		   *types;			/* its base types */
	bool		deferred;		/* may the parent be missing until COMMIT? */
	SPIPlanPtr	alone;			/* changes the parent of a single row */
	SPIPlanPtr	missing;
} CounterSource;

/* Sources whose changes are applied by one UPDATE. */
typedef struct CounterGroup
{
	List	   *sources;		/* of CounterSource; the same local_key, and
								 * foreign keys of the same types */
	int			no;				/* index in the table */
	bool		from_outside;	/* do not all of them come from the circle? */
	SPIPlanPtr	changes;
	SPIPlanPtr	change;
	/* of tables in circles: */
	SPIPlanPtr	outside;		/* changes by sources outside the circle */
	SPIPlanPtr	direct;			/* rows that these change */
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
	int			rank;			/* see counter_order.c */
	Oid			circle;			/* its least table if there is a circle of
								 * relations, else InvalidOid */
	List	   *key;			/* columns that give the order */
	bool		at_once;		/* does one statement compute the changes and
								 * lock the rows? */
	List	   *carried;		/* columns that the tables above need */
	TupleDesc	rows_desc;		/* of changed rows: carried columns; in a
								 * circle, after number, rank and key */
	List	   *groups;			/* of CounterGroup */
	List	   *steps;			/* of CounterStep: within the circle */
	int			ndirect;		/* number of sources that are rows of the
								 * statement */
	CounterSource *direct;		/* one of these */
	SPIPlanPtr	lock;
	SPIPlanPtr	find;			/* see counter_lock_for_all() */
	SPIPlanPtr	lock_found;
} CounterTable;

/* Which sources of a group a statement is for. */
typedef enum CounterSources
{
	SOURCES_ALL,
	SOURCES_OUTSIDE,			/* not those inside a circle */
	SOURCES_DIRECT				/* rows of the statement */
} CounterSources;

/* A relation with a counter in a table whose rows get keys. */
typedef struct CountedParent
{
	RelationDesc *desc;
	AttrNumber *key;			/* columns in the table, maybe a partition */
	Oid		   *types;			/* of the key, and of the counter as parameter */
	AttrNumber	counter;
	Oid			counter_type;
	bool		may_precede;	/* may a row be stored before its parent? */
	SPIPlanPtr	count;
	SPIPlanPtr	set;
} CountedParent;

/* Keys of parents. */
typedef struct ParentKeys
{
	MemoryContext context;
	bool		of_model;		/* of the types of the foreign key */
	int			nkeys;			/* columns */
	TupleDesc	desc;
	Datum	   *values;			/* nkeys of each */
	int64		count;
	int64		allocated;
} ParentKeys;

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
	List	   *parents;		/* of CountedParent; only of COUNTER_PARENT */
	List	   *direct;			/* of CounterSource: rows of the statement */
	bool		touches;		/* do relations of the table itself touch? */
	bool		cascades;		/* changed parents touch others, or a circle */
	int			ntables;
	CounterTable *tables;		/* in lock order */
	List	   *concerned;		/* OIDs of all tables that were looked at */
} CounterPlan;

/* counter_plan.c */
extern CounterPlan *acquire_counter_plan(Oid relid, CounterEvent event, bool lock);
extern List *counted_relations(Oid relid);
extern char *column_if_there(Oid relid, char *column);
extern List *table_and_ancestors(Oid relid);

/* counter_order.c */
extern void order_counter_tables(CounterPlan *plan);

extern List *counter_ordering_columns(Oid relid);

/* the statements: counter_sql.c */
extern Oid	counter_column_type(Oid relid, const char *column);
extern char *counter_collation(RelationDesc *desc, int i);
extern List *quoted_columns(List *columns);
extern void counter_append_rows(StringInfo buf, RelationDesc *desc, List *columns,
								const char *numbers, const char *rows);
extern void counter_append_group_by(StringInfo buf, int ncolumns);
extern void counter_append_join(StringInfo buf, RelationDesc *desc);
extern void counter_append_order(StringInfo buf, List *key, const char *before);
extern char *counter_now_as(Oid relid, const char *column);
extern char *counter_is_untouched(Oid relid, const char *column);
extern char *counter_rows_name(int no);
extern char *counter_step_name(int no);
extern char *counter_ranked_name(int no);
extern char *counter_lock_sql(CounterTable *table, CounterEvent event);
extern char *counter_find_sql(CounterTable *table, CounterEvent event);
extern char *counter_lock_ranked_sql(CounterTable *table);
extern char *counter_direct_sql(CounterTable *table, CounterGroup *group, CounterEvent event);
extern char *counter_step_sql(CounterTable *from, CounterStep *step, CounterTable *to);
extern char *counter_changes_name(CounterTable *table, CounterGroup *group);
extern char *counter_changes_sql(CounterTable *table, CounterGroup *group, CounterEvent event,
								 CounterSources sources);
extern char *counter_change_sql(CounterTable *table, CounterGroup *group, CounterEvent event);
extern char *counter_alone_sql(RelationDesc *desc, CounterEvent event);
extern char *counter_missing_sql(CounterTable *table, CounterGroup *group, CounterEvent event,
								 RelationDesc *desc);

/* counter_recount_sql.c */
extern char *counter_counts_sql(RelationDesc *desc);
extern char *counter_lock_drift_sql(RelationDesc *desc);
extern char *counter_set_sql(RelationDesc *desc);
extern char *counter_reset_sql(RelationDesc *desc);
extern char *counter_lock_all_sql(RelationDesc *desc);
extern char *counter_touch_all_sql(RelationDesc *desc);
extern char *counter_count_one_sql(RelationDesc *desc);
extern char *counter_set_one_sql(RelationDesc *desc);
extern char *counter_lock_found_sql(CounterTable *table);
extern char *counter_lock_keys_sql(RelationDesc *desc, bool of_model);
extern char *counter_count_keys_sql(RelationDesc *desc, bool of_model);
extern char *counter_set_keys_sql(RelationDesc *desc, bool of_model);

/* The rows of a statement; NULL where there are none. */
typedef struct CounterRows
{
	Tuplestorestate *inserted;
	Tuplestorestate *updated_old;
	Tuplestorestate *updated_new;
	Tuplestorestate *deleted;
} CounterRows;

/* A table and its rows that a statement has changed. */
typedef struct CounterWrite
{
	Relation	rel;
	CounterRows rows;
} CounterWrite;

/* running them: counter_cache.c, counter_walk.c */
typedef struct CounterRun
{
	CounterPlan *plan;
	CounterEvent event;
	Relation	rel;			/* the table that was written */
	CounterRows rows;
	int64		nrows;
	Oid			writer;			/* see switch_to_owner() */
	bool		many;			/* rows are so many that plans are not cached */
	uint64	   *found;			/* rows to be changed, by table */
	List	   *registered;		/* of Tuplestorestate: rows for the statements */
} CounterRun;

/*
 * Return a statement's plan: the cached one, or one for many rows.  The text
 * is only built if the statement must be prepared.
 */
#define COUNTER_PLAN(run, kept, sql) \
	((run)->many ? counter_prepare(sql, false) : \
	 *(kept) != NULL ? *(kept) : (*(kept) = counter_prepare(sql, true)))

extern void counter_check_spi(int rc, const char *function);
extern SPIPlanPtr counter_prepare(const char *sql, bool keep);
extern SPIPlanPtr counter_prepare_args(const char *sql, int nargs, Oid *types);
extern TupleDesc counter_result_desc(SPIPlanPtr plan);
extern uint64 counter_execute(SPIPlanPtr plan, Tuplestorestate *result);
extern void counter_register_rows(char *name, TupleDesc desc, Tuplestorestate *store);
extern void counter_withdraw_rows(char *name, Tuplestorestate *store);
extern Tuplestorestate *counter_compute_changes(CounterRun *run, CounterTable *table,
												CounterGroup *group, CounterSources sources);
extern void counter_begin_relation(RelationDesc *desc, ErrorContextCallback *errcallback);
extern TupleTableSlot *counter_begin_reading(Relation rel, Tuplestorestate *rows);
extern int64 counter_row_count(CounterRows *rows);
extern void counter_count_rows(Relation rel, MemoryContext query, CounterRows *rows);
extern void counter_lock_for_all(List *writes);
extern void counter_wrong_trigger(const char *function) pg_attribute_noreturn();
extern void walk_circle(CounterRun *run, int first, int last);

/* counter_recount.c */
extern void count_after_truncate(Oid relid, Oid writer);
extern void recount_parent(CountedParent *parent, Oid writer, Datum *values);
extern ParentKeys *parent_keys_begin(RelationDesc *desc, bool of_model);
extern ParentKeys *parent_keys_of_columns(Oid relid, List *columns);
extern Tuplestorestate *parent_keys_register(ParentKeys *keys, int64 from);
extern void parent_keys_add(ParentKeys *keys, const Datum *values);
extern void recount_many(RelationDesc *desc, Oid writer, ParentKeys *keys, int64 from, bool lock);
extern void recount_keys(CountedParent *parent, Oid writer, ParentKeys *keys);

/* counter_late.c */
extern void remember_late_keys(CounterTable *table, RelationDesc *desc, ParentKeys *keys);

/* counter_parent.c */
extern List *counted_parents(Oid relid);
extern MemoryContext counter_query_context(void);
extern void recount_changed(MemoryContext query, RelationDesc *desc, Oid writer);

#endif							/* RELATIONS_COUNTER_PLAN_H */
