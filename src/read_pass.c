/*
 * read_pass.c
 *	  Reads the levels below many root rows in one pass each.
 *
 * A batch that fits the memory asks each level for the rows of its own parents.
 * Where the rows of a level do not lie in the order of their parents, that
 * costs a probe for each parent, or a look at the whole table for each batch.
 * For many root rows it is cheaper to read the whole range of keys once: the
 * root rows are cut into partitions, a row of another level goes to that of
 * its parent, and the documents are made partition by partition.  Partitions
 * are small, so that bringing the rows of a document together stays within the
 * processor's caches; what does not fit the memory waits in a temporary file
 * (read_spool.c).
 *
 * A level takes part when its rows are matched here by one integer key, when
 * the parents' keys differ from each other and when they lie dense, so that a
 * range of them is what is wanted.  A map finds the parent by its key:
 * partition and position in it.  The levels that do not take part are read for
 * each partition, as for any batch, and so are those below them.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "budget.h"
#include "read_level.h"
#include "read_pass.h"
#include "read_spool.h"

/* where a parent stands: 0 for none, else partition and position, plus one */
#define ORDINAL_BITS	20
#define MAX_ORDINAL		((1 << ORDINAL_BITS) - 2)
#define MAX_PARTS		((1 << (32 - ORDINAL_BITS)) - 1)

/* bytes of rows in a partition: as many as a second level cache holds */
#define PART_BYTES		((Size) 512 * 1024)

#define SMALLEST_CHUNK	((Size) 8192)
#define LARGEST_CHUNK	((Size) 32768)

#define MAX_LEVELS		PG_UINT16_MAX

/*
 * Keys this dense are read by range: to look at so many rows costs no more
 * than to find one by an index.
 */
#define DENSE_FACTOR	8

/* Where a row in the spool belongs. */
typedef struct RowPlace
{
	uint32		group;			/* the parent's position in the partition */
	uint16		level;
} RowPlace;

#define ROW_PLACE_SIZE (offsetof(RowPlace, level) + sizeof(uint16))

/*
 * A row in the spool is a MinimalTuple and its place.  The place is in the
 * padding of the tuple's header if it fits there, as it does where types are
 * aligned to eight bytes, and behind the tuple otherwise.
 */
#ifndef PLACE_IN_PADDING
#define PLACE_IN_PADDING (ROW_PLACE_SIZE <= sizeof(((MinimalTuple) NULL)->mt_padding))
#endif

/* Where the parents of a level stand, by their key. */
typedef struct ParentMap
{
	bool		usable;
	uint32		n;
	int64		base;			/* key of the first slot */
	uint64		nslots;
	uint32	   *slots;
	int64		min;			/* of the keys */
	int64		max;
} ParentMap;

struct PassLevel
{
	ReadLevel  *level;
	uint16		number;
	bool		open;			/* its rows come in this pass */
	uint32		base;			/* rows of the batch before the partition's */
	ParentMap	parents;
	uint32	   *rows;			/* in each partition, so far */
	uint32		rows_capacity;
	int			nmapped;		/* links whose levels may take part */
	int		   *mapped;			/* their numbers */
	int			last_key;		/* attributes up to which keys stand */
	TupleDesc	desc;			/* of its rows */
	Datum	   *values;			/* of a row */
	bool	   *nulls;
	bool		tuples;			/* rows stay tuples until they are written */
	bool		some_keys;		/* of links that are read for each batch */
};

/*
 * A row that waits to be taken to its partition.  Which that is, and where it
 * ends, stands in memory that the processor has not at hand; while it is
 * fetched, the rows behind are looked at.
 */
typedef struct WaitingRow
{
	MinimalTuple tuple;
	SpoolPart  *part;
	uint32		place;			/* of the parent, as in the map */
	uint64		slot;			/* where the map has it */
} WaitingRow;

#define MAX_WAITING 32
#define MAX_WAITING_BYTES ((Size) 8192)

struct ReadPass
{
	ReadRun    *run;
	MemoryContext context;
	Spool	   *spool;
	PassLevel **levels;
	int			nlevels;
	Size		map_budget;		/* bytes of all maps */
	Size		map_size;
	uint32		part_rows;
	uint32		nroots;
	int			most_mapped;	/* of all levels */
	bool		complete;		/* no level is read for each batch */
	uint32		first_part;		/* of the batch */
	uint32		next_part;		/* of the batch to come */
	Size		loaded;			/* bytes of the batch */

	char	   *scratch;		/* the rows that wait */
	Size		scratch_size;
	Size		scratch_used;
	int			nwaiting;
	WaitingRow	waiting[MAX_WAITING];
	int64	   *keys;			/* of the links of each, which are mapped */
	bool	   *key_nulls;
};

typedef struct PassReceiver
{
	DestReceiver pub;
	ReadPass   *pass;
	PassLevel  *level;
	bool		sparse;			/* many rows are there whose parent is not wanted */
} PassReceiver;

/* Return the address of a row's place, which need not be aligned. */
static inline char *
row_place(MinimalTuple row)
{
	return PLACE_IN_PADDING ? row->mt_padding : (char *) row + MAXALIGN(row->t_len);
}

/* Return the bytes that a tuple of this length takes in the spool. */
static inline Size
spooled_size(Size length)
{
	return MAXALIGN(length) + (PLACE_IN_PADDING ? 0 : MAXALIGN(ROW_PLACE_SIZE));
}

/* ---------------------------------------------------------------------
 * The map of parents
 * ---------------------------------------------------------------------
 */

static void
map_drop(ReadPass *pass, ParentMap *map)
{
	if (map->slots != NULL)
		pfree(map->slots);
	pass->map_size -= sizeof(uint32) * map->nslots;
	map->slots = NULL;
	map->nslots = 0;
	map->usable = false;
}

/* Count rows up to partition number. */
static void
grow_rows(ReadPass *pass, PassLevel *plevel, uint32 number)
{
	uint32		capacity = Max(64, number * 2);

	plevel->rows = plevel->rows == NULL
		? MemoryContextAlloc(pass->context, sizeof(uint32) * capacity)
		: repalloc(plevel->rows, sizeof(uint32) * capacity);
	memset(plevel->rows + plevel->rows_capacity, 0,
		   sizeof(uint32) * (capacity - plevel->rows_capacity));
	plevel->rows_capacity = capacity;
}

/* Make room for a key; false when that takes more memory than there is. */
static bool
map_grow(ReadPass *pass, ParentMap *map, int64 key)
{
	int64		low = map->nslots == 0 ? key : Min(key, map->base);
	int64		high = map->nslots == 0 ? key : Max(key, map->base + (int64) map->nslots - 1);
	uint64		limit = map->nslots + (pass->map_budget - pass->map_size) / sizeof(uint32);
	uint64		needed;
	uint64		size = Max(map->nslots * 2, 4096);
	uint32	   *slots;

	if (pg_sub_s64_overflow(high, low, (int64 *) &needed) || ++needed > limit)
		return false;
	while (size < needed)
		size *= 2;
	size = Min(size, limit);
	/* the room is left on the side where the key came */
	if (map->nslots > 0 && key < map->base &&
		pg_sub_s64_overflow(high, (int64) (size - 1), &low))
		return false;
	if (low > PG_INT64_MAX - (int64) size)
		return false;
	slots = MemoryContextAllocHuge(pass->context, sizeof(uint32) * size);
	memset(slots, 0, sizeof(uint32) * size);
	if (map->nslots > 0)
	{
		memcpy(slots + (map->base - low), map->slots, sizeof(uint32) * map->nslots);
		pfree(map->slots);
	}
	pass->map_size += sizeof(uint32) * (size - map->nslots);
	map->slots = slots;
	map->base = low;
	map->nslots = size;
	return true;
}

/* Enter a parent.  A key that is there already makes the map unusable. */
static inline void
map_put(ReadPass *pass, ParentMap *map, int64 key, uint32 part, uint32 ordinal)
{
	uint64		i = (uint64) key - (uint64) map->base;

	if (unlikely(i >= map->nslots))
	{
		if (!map_grow(pass, map, key))
		{
			map_drop(pass, map);
			return;
		}
		i = (uint64) key - (uint64) map->base;
	}
	if (unlikely(map->slots[i] != 0 || ordinal > MAX_ORDINAL))
	{
		map_drop(pass, map);
		return;
	}
	map->slots[i] = ((part << ORDINAL_BITS) | ordinal) + 1;
	map->min = Min(map->min, key);
	map->max = Max(map->max, key);
	map->n++;
}

/* ---------------------------------------------------------------------
 * Rows on their way to their partition
 * ---------------------------------------------------------------------
 */

/* Take the rows that wait to their partitions. */
static void
deliver_rows(ReadPass *pass, PassLevel *plevel)
{
	uint32	   *slots = plevel->parents.slots;

	for (int w = 0; w < pass->nwaiting; w++)
	{
		WaitingRow *waiting = &pass->waiting[w];

		if (slots != NULL)
		{
			waiting->place = slots[waiting->slot];
			if (waiting->place-- == 0)
			{
				waiting->part = NULL;
				continue;
			}
		}
		waiting->part = spool_part(pass->spool, waiting->place >> ORDINAL_BITS);
		prefetch_for_write(waiting->part);
	}
	for (int w = 0; w < pass->nwaiting; w++)
	{
		WaitingRow *waiting = &pass->waiting[w];

		if (waiting->part != NULL)
		{
			prefetch_for_write(waiting->part->pos);
			prefetch_for_write(waiting->part->pos + PG_CACHE_LINE_SIZE / 2);
		}
	}
	for (int w = 0; w < pass->nwaiting; w++)
	{
		WaitingRow *waiting = &pass->waiting[w];
		uint32		number = waiting->place >> ORDINAL_BITS;
		RowPlace	place;
		uint32		ordinal;

		if (waiting->part == NULL)
			continue;
		budget_row(plevel->level);
		if (unlikely(number >= plevel->rows_capacity))
			grow_rows(pass, plevel, number);
		ordinal = plevel->rows[number]++;
		for (int i = 0; i < plevel->nmapped; i++)
		{
			ParentMap  *map = &plevel->level->links[plevel->mapped[i]]->pass->parents;
			int			key = w * plevel->nmapped + i;

			if (map->usable && !pass->key_nulls[key])
				map_put(pass, map, pass->keys[key], number, ordinal);
		}
		place.group = waiting->place & ((1 << ORDINAL_BITS) - 1);
		place.level = plevel->number;
		memcpy(row_place(waiting->tuple), &place, ROW_PLACE_SIZE);
		spool_add(waiting->part, (char *) waiting->tuple, spooled_size(waiting->tuple->t_len));
	}
	pass->nwaiting = 0;
	pass->scratch_used = 0;
}

/* Return room for a row that waits, of n bytes, which are aligned. */
static MinimalTuple
scratch_room(ReadPass *pass, PassLevel *plevel, Size n)
{
	MinimalTuple tuple;

	if (pass->nwaiting == MAX_WAITING || pass->scratch_used + n > pass->scratch_size)
	{
		deliver_rows(pass, plevel);
		if (n > pass->scratch_size)
		{
			pfree(pass->scratch);
			pass->scratch_size = n;
			pass->scratch = MemoryContextAllocHuge(pass->context, pass->scratch_size);
		}
	}
	tuple = (MinimalTuple) (pass->scratch + pass->scratch_used);
	pass->scratch_used += n;
	return tuple;
}

/*
 * The tuple of a slot: as it is stored, if it has all columns, else one that is
 * made in the current memory context.
 */
HeapTuple
read_slot_tuple(TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;

	if (TTS_IS_BUFFERTUPLE(slot) || TTS_IS_HEAPTUPLE(slot))
	{
		HeapTuple	tuple = ((HeapTupleTableSlot *) slot)->tuple;

		if (tuple != NULL && HeapTupleHeaderGetNatts(tuple->t_data) >= desc->natts)
			return tuple;
	}
	slot_getallattrs(slot);
	return heap_form_tuple(desc, slot->tts_values, slot->tts_isnull);
}

/* Let a row wait, whose parent's place is, or stands at slot of the map. */
static void
add_waiting(ReadPass *pass, PassLevel *plevel, TupleTableSlot *slot, uint64 map_slot, uint32 place)
{
	MemoryContext old = MemoryContextSwitchTo(pass->run->row);
	HeapTuple	made = read_slot_tuple(slot);
	Size		length = made->t_len - MINIMAL_TUPLE_OFFSET;
	Size		end = MAXALIGN(length) - MAXIMUM_ALIGNOF;
	MinimalTuple tuple = scratch_room(pass, plevel, spooled_size(length));
	WaitingRow *waiting;

	/* what stands behind the row goes to the file, too: no bytes of something else */
	memset((char *) tuple + end, 0, spooled_size(length) - end);
	memcpy(tuple, (char *) made->t_data + MINIMAL_TUPLE_OFFSET, length);
	tuple->t_len = length;
	MemoryContextSwitchTo(old);
	MemoryContextReset(pass->run->row);
	for (int i = 0; i < plevel->nmapped; i++)
	{
		int			c = plevel->mapped[i];
		ReadNode   *link = plevel->level->node->links[c];
		ParentMap  *map = &plevel->level->links[c]->pass->parents;
		int			at = pass->nwaiting * plevel->nmapped + i;
		int			pos = link->parent_keys[0];
		uint64		i_slot;

		pass->key_nulls[at] = slot->tts_isnull[pos];
		if (slot->tts_isnull[pos])
			continue;
		pass->keys[at] = integer_datum(link->key_types[0], slot->tts_values[pos]);
		i_slot = (uint64) pass->keys[at] - (uint64) map->base;
		if (i_slot < map->nslots)
			prefetch_for_write(&map->slots[i_slot]);
	}
	waiting = &pass->waiting[pass->nwaiting++];
	waiting->tuple = tuple;
	waiting->slot = map_slot;
	waiting->place = place;
}

/* ---------------------------------------------------------------------
 * Reading
 * ---------------------------------------------------------------------
 */

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	PassReceiver *receiver = (PassReceiver *) self;
	ReadPass   *pass = receiver->pass;
	PassLevel  *plevel = receiver->level;
	ReadNode   *node = plevel->level->node;
	uint64		i = 0;
	uint32		place = 0;

	slot_getsomeattrs(slot, plevel->last_key);
	if (plevel->level == pass->run->root)
	{
		place = (pass->nroots / pass->part_rows) << ORDINAL_BITS;
		pass->nroots++;
	}
	else
	{
		ParentMap  *map = &plevel->parents;

		if (slot->tts_isnull[node->match_position])
			return true;
		i = (uint64) integer_datum(node->match_type, slot->tts_values[node->match_position]) -
			(uint64) map->base;
		if (i >= map->nslots)
			return true;
		/* where most parents are wanted, the map is asked later */
		if (receiver->sparse && map->slots[i] == 0)
			return true;
		prefetch(&map->slots[i]);
	}
	add_waiting(pass, plevel, slot, i, place);
	return true;
}

static void
receive_startup(DestReceiver *self, pg_attribute_unused() int operation, TupleDesc typeinfo)
{
	PassReceiver *receiver = (PassReceiver *) self;
	PassLevel  *plevel = receiver->level;
	MemoryContext old = MemoryContextSwitchTo(receiver->pass->context);

	read_level_learn_type(plevel->level, typeinfo);
	plevel->desc = CreateTupleDescCopy(typeinfo);
	plevel->values = palloc(sizeof(Datum) * Max(typeinfo->natts, 1));
	plevel->nulls = palloc(sizeof(bool) * Max(typeinfo->natts, 1));
	MemoryContextSwitchTo(old);
}

static void
receive_done(pg_attribute_unused() DestReceiver *self)
{
}

static void
init_receiver(PassReceiver *receiver, ReadPass *pass, PassLevel *level)
{
	memset(receiver, 0, sizeof(PassReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = receive_done;
	receiver->pub.rDestroy = receive_done;
	receiver->pub.mydest = DestNone;
	receiver->pass = pass;
	receiver->level = level;
	receiver->sparse = (uint64) level->parents.max - (uint64) level->parents.min >=
		(uint64) level->parents.n * 2;
}

/* Read what is below a level, as far as it takes part. */
static void
read_below(ReadPass *pass, ReadLevel *parent)
{
	check_stack_depth();
	for (int c = 0; c < parent->node->nchildren; c++)
	{
		ReadLevel  *level = parent->links[c];
		PassLevel  *plevel = level->pass;
		ParentMap  *map = &plevel->parents;
		PassReceiver receiver;
		ReadLevelError error;

		if (!map->usable || map->n == 0 ||
			(uint64) map->max - (uint64) map->min >= (uint64) map->n * DENSE_FACTOR)
		{
			if (map->usable)
				map_drop(pass, map);
			pass->complete = false;
			continue;
		}
		plevel->open = true;
		init_receiver(&receiver, pass, plevel);
		read_level_push_error(&error, level);
		read_level_range(level, map->min, map->max, &receiver.pub);
		deliver_rows(pass, plevel);
		read_level_pop_error(&error);
		map_drop(pass, map);
		read_below(pass, level);
	}
}

/* Can the rows of a level be brought to their parents by a map? */
static bool
may_take_part(const ReadNode *node)
{
	return node->hashed && !node->recursive && !node->per_parent;
}

static void
add_level(ReadPass *pass, ReadLevel *level)
{
	ReadNode   *node = level->node;
	PassLevel  *plevel = palloc0(sizeof(PassLevel));

	check_stack_depth();
	plevel->level = level;
	plevel->number = (uint16) pass->nlevels;
	plevel->parents.usable = may_take_part(node);
	plevel->parents.min = PG_INT64_MAX;
	plevel->parents.max = PG_INT64_MIN;
	plevel->last_key = level->parent != NULL ? node->match_position + 1 : 0;
	plevel->mapped = palloc(sizeof(int) * Max(node->nchildren, 1));
	level->pass = plevel;
	pass->levels[pass->nlevels++] = plevel;
	for (int c = 0; c < node->nchildren; c++)
	{
		ReadNode   *child = node->children[c];

		if (may_take_part(child))
		{
			plevel->mapped[plevel->nmapped++] = c;
			plevel->last_key = Max(plevel->last_key, child->parent_keys[0] + 1);
		}
		add_level(pass, level->links[c]);
	}
	pass->most_mapped = Max(pass->most_mapped, plevel->nmapped);
}

/* ---------------------------------------------------------------------
 * Whether a pass is worth it
 * ---------------------------------------------------------------------
 */

typedef struct GraphSize
{
	int			nlevels;
	uint64		parents;		/* rows that others refer to */
} GraphSize;

static void
measure_level(ReadLevel *level, bool taking_part, GraphSize *size)
{
	check_stack_depth();
	size->nlevels++;
	for (int c = 0; c < level->node->nchildren; c++)
	{
		ReadNode   *child = level->node->children[c];
		bool		takes_part = taking_part && may_take_part(child);

		if (takes_part)
			size->parents += level->nrows;
		measure_level(level->links[c], takes_part, size);
	}
}

/*
 * Should the next root rows, so many if there are, be read in a pass?  The
 * batch at hand says what a root row takes; *size is set accordingly.
 */
bool
read_pass_possible(ReadRun *run, double rows, PassSize *size)
{
	ReadNode   *root = run->plan->root;
	Size		budget = (Size) relations_batch_memory * 1024;
	uint32		nrows = run->root->nrows;
	uint64		row_bytes;
	uint64		max_parts;
	uint64		part_rows;
	uint64		max_rows;
	GraphSize	graph = {0, 0};

	if (nrows == 0 || root->reversed || root->nchildren == 0 || budget < 64 * SMALLEST_CHUNK)
		return false;
	measure_level(run->root, true, &graph);
	if (graph.parents == 0 || graph.nlevels > MAX_LEVELS)
		return false;
	row_bytes = Max(run->staged / nrows, 1);
	/* half of the memory is for chunks that are being filled, half for maps */
	max_parts = Min(MAX_PARTS, budget / 2 / SMALLEST_CHUNK);
	part_rows = Min(Max(PART_BYTES / row_bytes, 1), MAX_ORDINAL);
	/* maps have room to grow */
	max_rows = (uint64) (budget / 2 / (2 * sizeof(uint32))) * nrows / graph.parents;
	max_rows = Min(max_rows, max_parts * part_rows);
	size->part_rows = (uint32) part_rows;
	size->limit = (uint32) Min(max_rows, PG_INT32_MAX);
	size->max_rows = (uint32) Min(rows, (double) size->limit);
	return size->max_rows >= part_rows * 2;
}

/*
 * Read the next root rows, up to size->max_rows, and what is below them, into
 * partitions.
 */
void
read_pass_begin(ReadRun *run, ReadExecution *root, const PassSize *size)
{
	Size		budget = (Size) relations_batch_memory * 1024;
	MemoryContext context = AllocSetContextCreate(run->context, "relations read pass",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ReadPass   *pass = palloc0(sizeof(ReadPass));
	uint64		nparts = (size->max_rows + (uint64) size->part_rows - 1) / size->part_rows;
	Size		chunk_size = LARGEST_CHUNK;
	GraphSize	graph = {0, 0};
	PassReceiver receiver;

	while (chunk_size > SMALLEST_CHUNK && nparts * chunk_size > budget / 2)
		chunk_size /= 2;
	measure_level(run->root, true, &graph);
	pass->run = run;
	pass->complete = true;
	pass->context = context;
	pass->spool = spool_create(context, chunk_size, budget);
	pass->map_budget = budget / 2;
	pass->part_rows = size->part_rows;
	pass->levels = palloc(sizeof(PassLevel *) * graph.nlevels);
	read_run_reset(run);
	add_level(pass, run->root);
	pass->scratch_size = MAX_WAITING_BYTES;
	pass->scratch = palloc(pass->scratch_size);
	pass->keys = palloc(sizeof(int64) * MAX_WAITING * Max(pass->most_mapped, 1));
	pass->key_nulls = palloc(sizeof(bool) * MAX_WAITING * Max(pass->most_mapped, 1));
	run->pass = pass;
	init_receiver(&receiver, pass, pass->levels[0]);
	pass->levels[0]->open = true;
	read_execution_fetch(root, size->max_rows, &receiver.pub);
	deliver_rows(pass, pass->levels[0]);
	if (pass->nroots > 0)
		read_below(pass, run->root);
	for (int i = 0; i < pass->nlevels; i++)
	{
		PassLevel  *plevel = pass->levels[i];
		ReadNode   *node = plevel->level->node;

		/* rows that are told apart, and values of aggregates, are encoded at once */
		plevel->tuples = plevel->open && node->nident == 0 &&
			node->query->aggregate == AGGREGATE_NONE;
		for (int c = 0; c < node->nlinks; c++)
		{
			if (!read_pass_reads(plevel->level->links[c]))
				plevel->some_keys = true;
		}
	}
	MemoryContextSwitchTo(old);
}

/* Have the rows of a level of the batch come with the pass? */
bool
read_pass_reads(const ReadLevel *level)
{
	return level->pass != NULL && level->pass->open;
}

/* ---------------------------------------------------------------------
 * Partitions as batches
 * ---------------------------------------------------------------------
 */

/* The values of a row, in memory of the level. */
static void
deform_row(PassLevel *plevel, MinimalTuple row)
{
	HeapTupleData tuple;

	tuple.t_len = row->t_len + MINIMAL_TUPLE_OFFSET;
	tuple.t_data = (HeapTupleHeader) ((char *) row - MINIMAL_TUPLE_OFFSET);
	heap_deform_tuple(&tuple, plevel->desc, plevel->values, plevel->nulls);
}

/* The value that a row is sorted by, where the others would stand. */
static inline void
deform_sort_value(PassLevel *plevel, MinimalTuple row)
{
	int			pos = plevel->level->node->sort_position;
	HeapTupleData tuple;

	tuple.t_len = row->t_len + MINIMAL_TUPLE_OFFSET;
	tuple.t_data = (HeapTupleHeader) ((char *) row - MINIMAL_TUPLE_OFFSET);
	plevel->values[pos] = heap_getattr(&tuple, pos + 1, plevel->desc, &plevel->nulls[pos]);
}

/* Do the rows of a level of the batch stay tuples? */
bool
read_pass_has_tuples(const ReadLevel *level)
{
	return level->pass != NULL && level->pass->tuples;
}

/* The values of a row that is a tuple, until the next one's; its number in the level. */
uint32
read_pass_tuple(ReadLevel *level, MinimalTuple tuple, Datum **values, bool **isnull)
{
	PassLevel  *plevel = level->pass;
	RowPlace	place;

	deform_row(plevel, tuple);
	*values = plevel->values;
	*isnull = plevel->nulls;
	memcpy(&place, row_place(tuple), ROW_PLACE_SIZE);
	return place.group;
}

/* Take the rows of a chunk into their levels. */
static void
take_chunk(void *arg, char *data, Size size)
{
	ReadPass   *pass = arg;
	char	   *end = data + size;

	pass->loaded += size;
	while (data < end)
	{
		MinimalTuple row = (MinimalTuple) data;
		RowPlace	place;
		PassLevel  *plevel;
		ReadLevel  *level;

		memcpy(&place, row_place(row), ROW_PLACE_SIZE);
		plevel = pass->levels[place.level];
		level = plevel->level;
		if (level->parent != NULL)
			place.group += level->parent->pass->base;
		if (!plevel->tuples || plevel->some_keys)
			deform_row(plevel, row);
		else if (level->node->sorted_here)
			deform_sort_value(plevel, row);
		if (plevel->tuples)
		{
			/* from here on the row's own number is of use, not its parent's */
			place.group = read_level_add_tuple(level, row, plevel->values, plevel->nulls,
											   place.group);
			memcpy(row_place(row), &place, ROW_PLACE_SIZE);
		}
		else
			read_level_add(level, plevel->values, plevel->nulls, place.group);
		data += spooled_size(row->t_len);
	}
}

/*
 * Make the next partition the batch, with all its levels; several when there
 * are levels that are read for each batch, so that their statements are worth
 * it.  False when there is none.
 */
bool
read_pass_next(ReadRun *run)
{
	ReadPass   *pass = run->pass;
	Size		budget = (Size) relations_batch_memory * 1024;

	for (; pass->first_part < pass->next_part; pass->first_part++)
		spool_forget(pass->spool, pass->first_part);
	read_run_reset(run);
	if (pass->next_part >= pass->spool->nparts)
		return false;
	pass->loaded = 0;
	do
	{
		for (int i = 0; i < pass->nlevels; i++)
			pass->levels[i]->base = pass->levels[i]->level->nrows;
		spool_read(pass->spool, pass->next_part++, take_chunk, pass);
	} while (!pass->complete && pass->loaded < budget / 4 && pass->next_part < pass->spool->nparts);
	read_run_children(run);
	return true;
}

static void
forget_levels(ReadLevel *level)
{
	check_stack_depth();
	level->pass = NULL;
	for (int c = 0; c < level->node->nchildren; c++)
		forget_levels(level->links[c]);
}

/* End the pass, if there is one; all its memory goes. */
void
read_pass_end(ReadRun *run)
{
	ReadPass   *pass = run->pass;

	if (pass == NULL)
		return;
	run->pass = NULL;
	forget_levels(run->root);
	spool_close(pass->spool);
	MemoryContextDelete(pass->context);
}
