/*
 * read_keys.h
 *	  The keys of a level's parents, numbered: equal keys are one group.
 */
#ifndef RELATIONS_READ_KEYS_H
#define RELATIONS_READ_KEYS_H

#include "relations.h"

#define NO_GROUP PG_UINT32_MAX

typedef struct KeyMap
{
	MemoryContext context;
	int			nkeys;			/* columns */
	bool		integers;		/* one column, of an integer type */
	const int16 *lens;			/* else: how the columns are stored */
	const bool *byvals;

	uint32		ngroups;
	uint32		capacity;
	int64	   *ints;			/* the key of each group, */
	Datum	  **values;			/* or nkeys arrays of values */
	int64		min;			/* of the integers */
	int64		max;

	uint32	   *direct;			/* group by key - direct_base, when dense */
	int64		direct_base;
	uint64		direct_size;
	uint32	   *table;			/* group + 1 by hash, else */
	uint32		mask;
} KeyMap;

extern void keymap_init(KeyMap *map, MemoryContext context, int nkeys, bool integers,
						const int16 *lens, const bool *byvals);
extern void keymap_expect(KeyMap *map, uint32 n, int64 min, int64 max);
extern uint32 keymap_put_integer(KeyMap *map, int64 key);
extern uint32 keymap_put(KeyMap *map, Datum **columns, uint32 row);

static inline uint32
keymap_hash_integer(int64 key)
{
	uint64		h = (uint64) key * UINT64CONST(0x9E3779B97F4A7C15);

	return (uint32) (h >> 32);
}

/* The group of an integer key, or NO_GROUP. */
static inline uint32
keymap_find_integer(const KeyMap *map, int64 key)
{
	if (key < map->min || key > map->max)
		return NO_GROUP;
	if (map->direct != NULL)
		return map->direct[key - map->direct_base];
	for (uint32 i = keymap_hash_integer(key) & map->mask;; i = (i + 1) & map->mask)
	{
		uint32		group = map->table[i];

		if (group == 0)
			return NO_GROUP;
		if (map->ints[group - 1] == key)
			return group - 1;
	}
}

#endif							/* RELATIONS_READ_KEYS_H */
