/*
 * read_level.h
 *	  The rows of a batch, level by level: shared by who reads and who writes.
 */
#ifndef RELATIONS_READ_LEVEL_H
#define RELATIONS_READ_LEVEL_H

#include "read_keys.h"
#include "read_run.h"

typedef struct GroupedRow
{
	StagedRow  *row;
	int64		sort;
} GroupedRow;

/* Values that are kept of each row of a level. */
typedef struct KeyColumns
{
	Datum	  **values;			/* an array for each column */
	bool	   *nulls;			/* some of the row's are null */
} KeyColumns;

struct ReadLevel
{
	ReadRun    *run;
	ReadNode   *node;
	ReadLevel **links;			/* the level itself, for a recursive link */

	/* rows in the order of their arrival */
	uint32		nrows;
	uint32		capacity;
	GroupedRow *rows;
	uint32	   *groups;
	KeyColumns *keys;			/* of each link */
	KeyColumns	ident;

	KeyMap		map;			/* the parents' keys */
	uint32		first_group;	/* of those that are being read */

	/* rows by group */
	uint32	   *start;			/* ngroups + 1 */
	GroupedRow *ordered;
};

/* the number of a row in its level, of nodes that tell rows apart */
#define STAGED_NUMBER(row, node) (STAGED_GROUPS(row)[(node)->tpl.nrelations - 1])

#endif							/* RELATIONS_READ_LEVEL_H */
