/*
 * read_level.h
 *	  The rows of a batch, level by level: shared by who reads and who writes.
 */
#ifndef RELATIONS_READ_LEVEL_H
#define RELATIONS_READ_LEVEL_H

#include "access/htup.h"
#include "executor/tuptable.h"
#include "tcop/dest.h"

#include "read_keys.h"
#include "read_run.h"

/* Have memory fetched that will be wanted soon. */
#if defined(__GNUC__) || defined(__clang__)
#define prefetch(p) __builtin_prefetch(p)
#define prefetch_for_write(p) __builtin_prefetch(p, 1)
#else
#define prefetch(p) ((void) (p))
#define prefetch_for_write(p) ((void) (p))
#endif

/* A row of a level: encoded, or as a tuple that is encoded when it is written. */
typedef struct GroupedRow
{
	union
	{
		StagedRow  *staged;
		MinimalTuple tuple;
	}			row;
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
	ReadLevel  *parent;			/* NULL: of the root */
	ReadLevel **links;			/* the level itself, for a recursive link */
	PassLevel  *pass;			/* during a pass: its part in it */

	/* rows in the order of their arrival */
	uint32		nrows;
	uint32		capacity;
	GroupedRow *rows;
	uint32	   *groups;
	KeyColumns *keys;			/* of each link */
	uint32	  **link_groups;	/* of rows that are tuples: of each link */
	KeyColumns	ident;

	KeyMap		map;			/* the parents' keys */
	uint32		ngroups;
	uint32		first_group;	/* of those that are being read */
	bool		impatient;		/* all rows of its parents were too many */

	/* rows by group */
	uint32	   *start;			/* ngroups + 1 */
	GroupedRow *ordered;
};

/* the number of a row in its level, of nodes that tell rows apart */
#define STAGED_NUMBER(row, node) (STAGED_GROUPS(row)[(node)->tpl.nrelations - 1])

/* Tells where an error happens, while it is on the stack. */
typedef struct ReadLevelError
{
	ErrorContextCallback callback;
} ReadLevelError;

extern void read_level_add(ReadLevel *level, const Datum *values, const bool *isnull, uint32 group);
extern uint32 read_level_add_tuple(ReadLevel *level, MinimalTuple tuple, const Datum *values,
								   const bool *isnull, uint32 group);
extern void read_level_learn_type(ReadLevel *level, TupleDesc desc);
extern void read_level_execute(ReadLevel *level, LevelForm form, bool custom, int nkeys,
							   const Oid *types, const Datum *keys, DestReceiver *dest);

/* read_children.c */
extern void read_level_push_error(ReadLevelError *error, ReadLevel *level);
extern void read_level_pop_error(ReadLevelError *error);
extern void read_level_range(ReadLevel *level, int64 min, int64 max, DestReceiver *dest);
extern void read_level_groups(ReadLevel *level, LevelForm form, DestReceiver *dest);
extern Datum integer_key(Oid type, int64 key);

/* read_pass.c */
extern HeapTuple read_slot_tuple(TupleTableSlot *slot);
extern bool read_pass_reads(const ReadLevel *level);
extern bool read_pass_has_tuples(const ReadLevel *level);
extern uint32 read_pass_tuple(ReadLevel *level, MinimalTuple tuple, Datum **values, bool **isnull);

#endif							/* RELATIONS_READ_LEVEL_H */
