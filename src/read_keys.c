/*
 * read_keys.c
 *	  The keys of a level's parents, numbered: equal keys are one group.
 *
 * Integers are found directly by their distance from the smallest, when they
 * lie dense, else by a hash table.  Other keys are equal here when their
 * images are: keys that only the type's operator finds equal make several
 * groups, and the server finds the rows of each.
 */
#include "relations.h"

#include "common/hashfn.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "read_keys.h"

/* Start without keys.  All memory is taken from context. */
void
keymap_init(KeyMap *map, MemoryContext context, int nkeys, bool integers,
			const int16 *lens, const bool *byvals)
{
	memset(map, 0, sizeof(KeyMap));
	map->context = context;
	map->nkeys = nkeys;
	map->integers = integers;
	map->lens = lens;
	map->byvals = byvals;
	map->min = PG_INT64_MAX;
	map->max = PG_INT64_MIN;
}

static void *
enlarge(KeyMap *map, void *array, Size size)
{
	return array == NULL ? MemoryContextAllocHuge(map->context, size) : repalloc_huge(array, size);
}

/* Raise program_limit_exceeded for more keys than groups have numbers. */
static void
check_groups(uint64 n)
{
	if (n > PG_UINT32_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many keys at once")));
}

/* Make room for n groups. */
static void
reserve_groups(KeyMap *map, uint32 n)
{
	uint32		capacity = Max(map->capacity, 16);

	if (n <= map->capacity)
		return;
	check_groups(n);
	while (capacity < n)
		capacity *= 2;
	if (map->integers)
		map->ints = enlarge(map, map->ints, sizeof(int64) * (Size) capacity);
	else
	{
		if (map->values == NULL)
			map->values = MemoryContextAllocZero(map->context, sizeof(Datum *) * map->nkeys);
		for (int k = 0; k < map->nkeys; k++)
			map->values[k] = enlarge(map, map->values[k], sizeof(Datum) * (Size) capacity);
	}
	map->capacity = capacity;
}

static uint32
hash_group(const KeyMap *map, Datum *const *columns, uint32 row)
{
	uint32		hash = 0;

	for (int k = 0; k < map->nkeys; k++)
		hash = hash_combine(hash, datum_image_hash(columns[k][row], map->byvals[k], map->lens[k]));
	return hash;
}

/* Make the hash table anew, twice as large as n groups need. */
static void
make_table(KeyMap *map, uint32 n)
{
	uint32		size = 16;

	check_groups(n);
	while (size < n * 2)
		size *= 2;
	if (map->table != NULL)
		pfree(map->table);
	map->table = MemoryContextAllocHuge(map->context, sizeof(uint32) * (Size) size);
	memset(map->table, 0, sizeof(uint32) * (Size) size);
	map->mask = size - 1;
	for (uint32 group = 0; group < map->ngroups; group++)
	{
		uint32		i = (map->integers ? keymap_hash_integer(map->ints[group])
						 : hash_group(map, map->values, group)) & map->mask;

		while (map->table[i] != 0)
			i = (i + 1) & map->mask;
		map->table[i] = group + 1;
	}
}

/*
 * Up to n keys are coming, integers among min and max: choose how they are
 * found.  To be called before the first key, if at all.
 */
void
keymap_expect(KeyMap *map, uint32 n, int64 min, int64 max)
{
	if (n == 0)
		return;
	reserve_groups(map, n);
	if (map->integers && (uint64) max - (uint64) min < (uint64) n * 8 &&
		(uint64) max - (uint64) min < MaxAllocHugeSize / sizeof(uint32))
	{
		map->direct_base = min;
		map->direct_size = (uint64) max - (uint64) min + 1;
		map->direct = MemoryContextAllocHuge(map->context, sizeof(uint32) * (Size) map->direct_size);
		memset(map->direct, 0xFF, sizeof(uint32) * (Size) map->direct_size);
	}
	else
		make_table(map, n);
}

/* A key that the direct array has no place for: find all by hash from now on. */
static void
leave_direct(KeyMap *map)
{
	pfree(map->direct);
	map->direct = NULL;
	make_table(map, map->ngroups + 16);
}

/* The group of an integer key, a new one unless it is known. */
uint32
keymap_put_integer(KeyMap *map, int64 key)
{
	uint32		group = keymap_find_integer(map, key);
	uint32		i;

	if (group != NO_GROUP)
		return group;
	if (map->direct != NULL &&
		(key < map->direct_base || (uint64) key - (uint64) map->direct_base >= map->direct_size))
		leave_direct(map);
	if (map->direct == NULL && (map->table == NULL || map->ngroups * 2 > map->mask))
		make_table(map, Max(map->ngroups * 2, 16));
	reserve_groups(map, map->ngroups + 1);
	group = map->ngroups++;
	map->ints[group] = key;
	map->min = Min(map->min, key);
	map->max = Max(map->max, key);
	if (map->direct != NULL)
	{
		map->direct[key - map->direct_base] = group;
		return group;
	}
	i = keymap_hash_integer(key) & map->mask;
	while (map->table[i] != 0)
		i = (i + 1) & map->mask;
	map->table[i] = group + 1;
	return group;
}

static bool
same_key(const KeyMap *map, uint32 group, Datum *const *columns, uint32 row)
{
	for (int k = 0; k < map->nkeys; k++)
	{
		if (!datum_image_eq(map->values[k][group], columns[k][row], map->byvals[k], map->lens[k]))
			return false;
	}
	return true;
}

/*
 * The group of the key whose values stand at row in the columns, a new one
 * unless it is known.  The values are not copied.
 */
uint32
keymap_put(KeyMap *map, Datum **columns, uint32 row)
{
	uint32		group;
	uint32		i;

	if (map->table == NULL || map->ngroups * 2 > map->mask)
		make_table(map, Max(map->ngroups * 2, 16));
	for (i = hash_group(map, columns, row) & map->mask;; i = (i + 1) & map->mask)
	{
		group = map->table[i];
		if (group == 0)
			break;
		if (same_key(map, group - 1, columns, row))
			return group - 1;
	}
	reserve_groups(map, map->ngroups + 1);
	group = map->ngroups++;
	for (int k = 0; k < map->nkeys; k++)
		map->values[k][group] = columns[k][row];
	map->table[i] = group + 1;
	return group;
}
