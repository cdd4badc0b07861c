/*
 * read_children.c
 *	  Reads the levels below the root of a batch.
 *
 * Each level is one statement: its keys are those of the level above.  The
 * parents' keys are numbered, equal keys are one group.  Keys that are
 * integers are matched here: a child finds its group by its own key.  Other
 * keys are matched by the server, which returns the key's number.  Then the
 * rows of each group are brought together by a counting sort.
 *
 * A recursive level is read again for the keys of the rows that it has just
 * got, until there are no new ones; each key is read once.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "budget.h"
#include "read_level.h"
#include "read_top.h"

/* parents up to which a kept generic plan looks the keys up in an index */
#define FEW_KEYS 128

/* keys this dense are read by range rather than one by one */
#define DENSE_FACTOR 4

/*
 * Number the keys that rows of a level, from the first on, have for one of its
 * links: each row is told its group.
 */
static void
number_keys(ReadLevel *level, ReadLevel *parent, int link, uint32 first)
{
	KeyColumns *keys = &parent->keys[link];
	ReadNode   *node = level->node;
	Oid			type = node->key_types[0];
	KeyMap	   *map = &level->map;
	uint32		n = parent->nrows;
	uint32	   *groups = NULL;

	if (read_pass_has_tuples(parent))
		groups = parent->link_groups[link] = MemoryContextAllocHuge(level->run->batch,
																	sizeof(uint32) * Max(n, 1));
	if (map->context == NULL)
	{
		int64		min = PG_INT64_MAX;
		int64		max = PG_INT64_MIN;
		uint32		live = 0;

		keymap_init(map, level->run->batch, node->nkeys, node->hashed,
					node->key_lens, node->key_byvals);
		for (uint32 i = first; i < n; i++)
		{
			if (keys->nulls[i])
				continue;
			live++;
			if (node->hashed)
			{
				int64		key = integer_datum(type, keys->values[0][i]);

				min = Min(min, key);
				max = Max(max, key);
			}
		}
		keymap_expect(map, live, min, max);
	}
	for (uint32 i = first; i < n; i++)
	{
		uint32		group = NO_GROUP;

		if (!keys->nulls[i])
			group = node->hashed
				? keymap_put_integer(map, integer_datum(type, keys->values[0][i]))
				: keymap_put(map, keys->values, i);
		if (groups != NULL)
			groups[i] = group;
		else
			STAGED_GROUPS(parent->rows[i].row.staged)[link] = group;
	}
}

/* A key of an integer type. */
Datum
integer_key(Oid type, int64 key)
{
	return type == INT2OID ? Int16GetDatum((int16) key)
		: type == INT4OID ? Int32GetDatum((int32) key) : Int64GetDatum(key);
}

/* Send the rows whose parents have keys from min to max to dest, NULL: into the level. */
void
read_level_range(ReadLevel *level, int64 min, int64 max, DestReceiver *dest)
{
	Oid			type = level->node->key_types[0];
	Oid			types[2] = {type, type};
	Datum		keys[2] = {integer_key(type, min), integer_key(type, max)};

	read_level_execute(level, LEVEL_RANGE, true, 2, types, keys, dest);
}

/* n groups from first_group on, as arrays: one for each key column. */
static void
key_arrays(ReadLevel *level, uint32 n, Oid *types, Datum *arrays)
{
	ReadNode   *node = level->node;
	KeyMap	   *map = &level->map;

	for (int k = 0; k < node->nkeys; k++)
	{
		Datum	   *values = map->integers
			? MemoryContextAllocHuge(level->run->batch, sizeof(Datum) * n)
			: map->values[k] + level->first_group;

		for (uint32 i = 0; map->integers && i < n; i++)
			values[i] = integer_key(node->key_types[k], map->ints[level->first_group + i]);
		types[k] = get_array_type(node->key_types[k]);
		arrays[k] = PointerGetDatum(construct_array(values, n, node->key_types[k],
													node->key_lens[k], node->key_byvals[k],
													node->key_aligns[k]));
	}
}

/*
 * Ask in this form for the rows of the groups from first_group on.  They go to
 * dest, NULL: into the level.
 */
void
read_level_groups(ReadLevel *level, LevelForm form, DestReceiver *dest)
{
	ReadNode   *node = level->node;
	KeyMap	   *map = &level->map;
	uint32		n = map->ngroups - level->first_group;
	Oid		   *types = palloc(sizeof(Oid) * (node->nkeys + 1));
	Datum	   *keys = palloc(sizeof(Datum) * (node->nkeys + 1));

	if (form == LEVEL_RANGE)
	{
		read_level_range(level, map->min, map->max, dest);
		return;
	}
	if (form == LEVEL_ONE)
	{
		types[0] = node->key_types[0];
		keys[0] = integer_key(types[0], map->ints[level->first_group]);
	}
	else
		key_arrays(level, n, types, keys);
	read_level_execute(level, form, form != LEVEL_ONE && (form != LEVEL_ARRAY || n > FEW_KEYS),
					   node->nkeys, types, keys, dest);
}

/*
 * Read the rows of the groups from first_group on, with a statement for each:
 * Citus has no limit of each of several parents, but of one.
 */
static void
read_groups_in_turn(ReadLevel *level)
{
	ReadNode   *node = level->node;
	Oid		   *types = palloc(sizeof(Oid) * (node->nkeys + 1));
	Datum	   *keys = palloc(sizeof(Datum) * (node->nkeys + 1));
	uint32		first = level->first_group;

	for (; level->first_group < level->map.ngroups; level->first_group++)
	{
		CHECK_FOR_INTERRUPTS();
		key_arrays(level, 1, types, keys);
		read_level_execute(level, LEVEL_ORDINAL, true, node->nkeys, types, keys, NULL);
	}
	level->first_group = first;
}

/* Read the rows of the groups from first_group on. */
static void
read_groups(ReadLevel *level)
{
	ReadNode   *node = level->node;
	KeyMap	   *map = &level->map;
	uint32		n = map->ngroups - level->first_group;
	bool		dense = node->hashed && level->first_group == 0 && n > FEW_KEYS &&
		(uint64) map->max - (uint64) map->min < (uint64) n * DENSE_FACTOR;

	if (node->hashed && n == 1)
		read_level_groups(level, LEVEL_ONE, NULL);
	else if (node->per_parent && node->placement == PLACED_IN_SHARDS)
		read_groups_in_turn(level);
	else if (node->per_parent)
	{
		if (!read_level_top(level, dense))
			read_level_groups(level, LEVEL_ORDINAL, NULL);
	}
	else
		read_level_groups(level, !node->hashed ? LEVEL_ORDINAL : dense ? LEVEL_RANGE : LEVEL_ARRAY, NULL);
}

/* Read a recursive level on, for the keys of its own rows. */
static void
read_recursion(ReadLevel *level)
{
	ReadNode   *node = level->node;
	int			link = node->nlinks - 1;
	uint32		numbered = 0;

	for (int depth = 2; node->query->max_depth < 0 || depth <= node->query->max_depth; depth++)
	{
		uint32		groups = level->map.ngroups;

		CHECK_FOR_INTERRUPTS();
		number_keys(level, level, link, numbered);
		numbered = level->nrows;
		if (level->map.ngroups == groups)
			break;
		level->first_group = groups;
		read_groups(level);
		if (level->nrows > numbered)
			budget_recursion(level, depth);
	}
	/* the last rows: what they lead to has not been read */
	for (uint32 i = numbered; i < level->nrows; i++)
		STAGED_GROUPS(level->rows[i].row.staged)[link] = NO_GROUP;
}

static int
compare_grouped(const void *a, const void *b)
{
	int64		ka = ((const GroupedRow *) a)->sort;
	int64		kb = ((const GroupedRow *) b)->sort;

	return ka < kb ? -1 : ka > kb ? 1 : 0;
}

static void
reverse_rows(GroupedRow *rows, uint32 n)
{
	for (uint32 i = 0; i < n / 2; i++)
	{
		GroupedRow	row = rows[i];

		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

/* Bring the rows of each group together, in their order. */
static void
group_rows(ReadLevel *level)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	uint32		ngroups = level->ngroups;
	uint32	   *start;

	level->start = start = MemoryContextAllocHuge(run->batch, sizeof(uint32) * ((Size) ngroups + 2));
	memset(start, 0, sizeof(uint32) * ((Size) ngroups + 2));
	level->ordered = MemoryContextAllocHuge(run->batch, sizeof(GroupedRow) * (Size) Max(level->nrows, 1));
	/* start[g + 2] counts, then start[g + 1] is where g's next row goes */
	for (uint32 i = 0; i < level->nrows; i++)
		start[level->groups[i] + 2]++;
	for (uint32 g = 1; g <= ngroups; g++)
		start[g + 1] += start[g];
	for (uint32 i = 0; i < level->nrows; i++)
		level->ordered[start[level->groups[i] + 1]++] = level->rows[i];
	for (uint32 g = 0; (node->sorted_here || node->reversed) && g < ngroups; g++)
	{
		GroupedRow *rows = level->ordered + start[g];
		uint32		n = start[g + 1] - start[g];
		uint32		i;

		if (node->reversed)
		{
			reverse_rows(rows, n);
			continue;
		}
		for (i = 1; i < n && rows[i - 1].sort <= rows[i].sort; i++)
			;
		if (i < n)
			qsort(rows, n, sizeof(GroupedRow), compare_grouped);
	}
}

static void
level_error_context(void *arg)
{
	ReadLevel  *level = arg;

	errcontext("reading relation \"%s\" of model \"%s\"", level->node->query->name,
			   level->node->query->relation->model_name);
}

void
read_level_push_error(ReadLevelError *error, ReadLevel *level)
{
	error->callback.callback = level_error_context;
	error->callback.arg = level;
	error->callback.previous = error_context_stack;
	error_context_stack = &error->callback;
}

void
read_level_pop_error(ReadLevelError *error)
{
	error_context_stack = error->callback.previous;
}

static void
run_children(ReadLevel *parent)
{
	check_stack_depth();
	for (int c = 0; c < parent->node->nchildren; c++)
	{
		ReadLevel  *level = parent->links[c];
		ReadLevelError error;

		CHECK_FOR_INTERRUPTS();
		read_level_push_error(&error, level);
		if (read_pass_reads(level))
			level->ngroups = parent->nrows;
		else
		{
			number_keys(level, parent, c, 0);
			if (level->map.ngroups > 0)
			{
				read_groups(level);
				if (level->node->recursive)
					read_recursion(level);
			}
			level->ngroups = level->map.ngroups;
		}
		group_rows(level);
		read_level_pop_error(&error);
		if (level->nrows > 0)
			run_children(level);
	}
}

/* Read all levels below the root for the rows of the batch. */
void
read_run_children(ReadRun *run)
{
	if (run->root->nrows > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(run->batch);

		run_children(run->root);
		MemoryContextSwitchTo(old);
	}
}
