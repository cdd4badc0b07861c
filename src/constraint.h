/*
 * constraint.h
 *	  The DDL that a relation needs: found, or made.
 */
#ifndef RELATIONS_CONSTRAINT_H
#define RELATIONS_CONSTRAINT_H

#include "access/htup.h"

#include "catalog.h"

/* A native foreign key, found or wanted.  Actions are those of pg_constraint. */
typedef struct ForeignKey
{
	Oid			oid;			/* InvalidOid while only wanted */
	char	   *name;
	Oid			child;
	List	   *child_columns;
	Oid			parent;
	List	   *parent_columns;
	char		on_delete;		/* '\0': not said */
	char		on_update;
	bool		deferrable;
	bool		deferred;
	bool		validated;
} ForeignKey;

/* What an index is wanted for. */
typedef enum IndexUse
{
	INDEX_MAKES_UNIQUE,			/* no two rows have the same values */
	INDEX_IDENTIFIES,			/* not even within a statement */
	INDEX_IS_REFERENCED,		/* a foreign key may point to the columns */
	INDEX_FINDS_ROWS			/* rows are found by the columns */
} IndexUse;

/* found */
extern List *constraint_columns(HeapTuple tup, AttrNumber anum, Oid relid);
extern ForeignKey *get_foreign_key(Oid conoid);
extern List *foreign_keys_between(Oid child, Oid parent);
extern ForeignKey *match_foreign_key(List *foreign_keys, List *child_columns, List *parent_columns);
extern bool same_columns(List *a, List *b);
extern bool same_pairs(List *a, List *other_a, List *b, List *other_b);
extern Oid	find_index_for(Oid relid, List *columns, IndexUse use);
extern char *find_unique(Oid relid, List *columns);
extern char *find_index(Oid relid, List *columns);
extern bool index_leads_with(Oid index, List *columns);
extern bool can_be_referenced(Oid relid, List *columns);
extern bool key_is_unique(Oid relid, List *columns);
extern bool needs_nothing_else(Oid relid, List *columns);
extern char parse_action(const char *action, const char *argument);
extern const char *action_name(char action);

/* made */
extern char *foreign_key_sql(ForeignKey *fk);
extern char *named_foreign_key_sql(const ForeignKey *fk);
extern char *unique_sql(Oid relid, List *columns, char **name);
extern char *index_sql(Oid relid, List *columns, char **name);
extern char *column_sql(const char *column, Oid from, const char *from_column);
extern char *reference_column_sql(const char *column, Oid from, const char *from_column);
extern char *add_column_sql(Oid relid, const char *column, Oid from, const char *from_column);
extern void run_ddl(const char *sql);

#endif							/* RELATIONS_CONSTRAINT_H */
