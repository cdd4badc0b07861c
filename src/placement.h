/*
 * placement.h
 *	  Where the rows of a table are kept, as far as it decides how they are
 *	  asked for.
 */
#ifndef RELATIONS_PLACEMENT_H
#define RELATIONS_PLACEMENT_H

#include "relations.h"

typedef enum Placement
{
	PLACED_HERE,				/* in one heap, or whatever a view reads */
	PLACED_IN_PARTITIONS,
	PLACED_ELSEWHERE,			/* a foreign table */
	PLACED_IN_SHARDS			/* distributed by Citus */
} Placement;

extern Placement table_placement(Oid relid);
extern int	count_partitions(Oid relid);
extern bool columns_choose_partition(Oid relid, List *columns);

#endif							/* RELATIONS_PLACEMENT_H */
