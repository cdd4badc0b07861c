/*
 * pivot.h
 *	  The table between the two sides of a relation: found, made, completed.
 */
#ifndef RELATIONS_PIVOT_H
#define RELATIONS_PIVOT_H

#include "declaration.h"

/*
 * Where a pivot table is, or is to be.  A new table has the columns of its
 * sides first: each side's definitions are SQL text, name and type.
 */
typedef struct Pivot
{
	Oid			relid;			/* InvalidOid: there is none yet */
	Oid			nspid;
	const char *name;
	bool		named;			/* by the argument pivot_table */
	List	   *own;			/* columns that refer to the model */
	List	   *related;		/* columns that refer to the related model */
	List	   *own_definitions;
	List	   *related_definitions;
} Pivot;

/* found */
extern List *pure_pivots_between(Oid model, Oid related);
extern char *conventional_pivot_name(const char *singular, const char *other_singular);
extern void find_pivot(Pivot *pivot, Oid model, const char *pivot_table,
					   List *candidates, const char *conventional);
extern void lock_pivot_name(Pivot *pivot);
extern bool may_adopt_pivot(Oid relid, Oid model);

/* checked: nothing is altered */
extern void check_found_pivot(const Pivot *pivot, Oid model);
extern void check_pivot_key(const RelationRow *row);
extern void check_pivot_columns(const Pivot *pivot, const RelationRow *row);

/* made, and recorded in the row */
extern void create_pivot(Pivot *pivot, RelationRow *row);
extern void ensure_pivot_timestamps(const Pivot *pivot, RelationRow *row);
extern void ensure_pivot_indexes(const Pivot *pivot, RelationRow *row);

#endif							/* RELATIONS_PIVOT_H */
