/*
 * read_top.c
 *	  Keeps the first rows of each parent, of all rows as they come.
 *
 * A level with a limit may be read with one statement for all its parents
 * (read_choice.c says when).  Its rows come in no order.  Of each parent those
 * are kept that come first in the order of the level, as many as are wanted;
 * once there are so many, they are a heap with the last of them on top, which
 * is what a new row is compared with.  Rows that are not kept cost neither
 * memory nor encoding.
 *
 * Rows are compared as the server's ORDER BY compares them: by the sort support
 * of the ordering operator that it takes for the type, with the column's
 * collation.  The order ends with the primary key, so that it decides which
 * rows are the first in either way of reading.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "parser/parse_oper.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#include "budget.h"
#include "read_choice.h"
#include "read_top.h"

/* A row that is kept.  The keys, then which of them are null, then the tuple. */
typedef struct TopRow
{
	MinimalTuple tuple;
	bool	   *nulls;
	Datum		keys[FLEXIBLE_ARRAY_MEMBER];	/* by what rows are ordered */
} TopRow;

/* The rows of a parent: a heap, the last on top, when there are as many as are kept. */
typedef struct TopGroup
{
	uint32		n;
	uint32		capacity;
	TopRow	  **rows;
} TopGroup;

typedef struct TopReceiver
{
	DestReceiver pub;
	ReadLevel  *level;
	MemoryContext context;		/* of all that is kept */
	bool		ordinal;		/* the first column is the parent's position */
	uint32		kept;			/* rows of each parent */
	double		rows_left;		/* until it was the wrong choice */
	bool		abandoned;
	TopGroup   *groups;			/* from the level's first_group on */

	/* of the rows, set at startup */
	TupleDesc	desc;
	int			natts;			/* up to the last that is looked at here */
	int			nkeys;
	int		   *positions;
	bool		in_tuple;		/* some keys are in the tuple's memory */
	SortSupport sort;
	TopRow	   *row;			/* with the keys of the row at hand */
	Datum	   *values;
	bool	   *isnull;
} TopReceiver;

static inline int
compare_rows(const TopReceiver *receiver, const TopRow *a, const TopRow *b)
{
	for (int i = 0; i < receiver->nkeys; i++)
	{
		int			result = ApplySortComparator(a->keys[i], a->nulls[i], b->keys[i], b->nulls[i],
												 &receiver->sort[i]);

		if (result != 0)
			return result;
	}
	return 0;
}

static int
compare_for_qsort(const void *a, const void *b, void *arg)
{
	return compare_rows(arg, *(TopRow *const *) a, *(TopRow *const *) b);
}

/* Bring a row down to where no row below comes behind it. */
static void
sift_down(const TopReceiver *receiver, TopGroup *group, uint32 i)
{
	TopRow	   *row = group->rows[i];

	for (;;)
	{
		uint32		child = 2 * i + 1;

		if (child >= group->n)
			break;
		if (child + 1 < group->n &&
			compare_rows(receiver, group->rows[child + 1], group->rows[child]) > 0)
			child++;
		if (compare_rows(receiver, row, group->rows[child]) >= 0)
			break;
		group->rows[i] = group->rows[child];
		i = child;
	}
	group->rows[i] = row;
}

static Size
row_header_size(int nkeys)
{
	return MAXALIGN(offsetof(TopRow, keys) + (sizeof(Datum) + sizeof(bool)) * nkeys);
}

static void
init_row(TopRow *row, int nkeys)
{
	row->nulls = (bool *) (row->keys + nkeys);
	row->tuple = (MinimalTuple) ((char *) row + row_header_size(nkeys));
}

/* A copy of the row at hand, with its tuple. */
static TopRow *
copy_row(TopReceiver *receiver, TupleTableSlot *slot)
{
	HeapTuple	tuple = read_slot_tuple(slot);
	Size		length = tuple->t_len - MINIMAL_TUPLE_OFFSET;
	TopRow	   *row = MemoryContextAlloc(receiver->context, row_header_size(receiver->nkeys) + length);

	init_row(row, receiver->nkeys);
	memcpy(row->tuple, (char *) tuple->t_data + MINIMAL_TUPLE_OFFSET, length);
	row->tuple->t_len = length;
	memcpy(row->keys, receiver->row->keys, (sizeof(Datum) + sizeof(bool)) * receiver->nkeys);
	if (receiver->in_tuple)
	{
		HeapTupleData copied;

		copied.t_len = tuple->t_len;
		copied.t_data = (HeapTupleHeader) ((char *) row->tuple - MINIMAL_TUPLE_OFFSET);
		heap_deform_tuple(&copied, receiver->desc, receiver->values, receiver->isnull);
		for (int i = 0; i < receiver->nkeys; i++)
			row->keys[i] = receiver->values[receiver->positions[i]];
	}
	return row;
}

/* Keep a row of a parent of which not as many are there as are kept. */
static void
append_row(TopReceiver *receiver, TopGroup *group, TopRow *row)
{
	if (group->n == group->capacity)
	{
		uint32		capacity = Min(Max(4, group->capacity * 2), receiver->kept);

		group->rows = group->rows == NULL
			? MemoryContextAlloc(receiver->context, sizeof(TopRow *) * capacity)
			: repalloc_huge(group->rows, sizeof(TopRow *) * (Size) capacity);
		group->capacity = capacity;
	}
	group->rows[group->n++] = row;
	if (group->n == receiver->kept)
	{
		for (uint32 i = group->n / 2; i-- > 0;)
			sift_down(receiver, group, i);
	}
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	TopReceiver *receiver = (TopReceiver *) self;
	ReadLevel  *level = receiver->level;
	ReadNode   *node = level->node;
	MemoryContext old;
	TopGroup   *group;
	TopRow	   *row = receiver->row;
	uint32		number;

	if (unlikely(--receiver->rows_left < 0.0))
	{
		receiver->abandoned = true;
		return false;
	}
	slot_getsomeattrs(slot, receiver->natts);
	if (receiver->ordinal)
		number = level->first_group + (uint32) (DatumGetInt64(slot->tts_values[0]) - 1);
	else
	{
		if (slot->tts_isnull[node->match_position])
			return true;
		number = keymap_find_integer(&level->map, integer_datum(node->match_type,
																slot->tts_values[node->match_position]));
		if (number == NO_GROUP || number < level->first_group)
			return true;
	}
	group = &receiver->groups[number - level->first_group];
	for (int i = 0; i < receiver->nkeys; i++)
	{
		row->keys[i] = slot->tts_values[receiver->positions[i]];
		row->nulls[i] = slot->tts_isnull[receiver->positions[i]];
	}
	/* comparing may take memory, as making a tuple does */
	old = MemoryContextSwitchTo(level->run->row);
	if (group->n < receiver->kept)
		append_row(receiver, group, copy_row(receiver, slot));
	else if (compare_rows(receiver, row, group->rows[0]) < 0)
	{
		pfree(group->rows[0]);
		group->rows[0] = copy_row(receiver, slot);
		sift_down(receiver, group, 0);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(level->run->row);
	return true;
}

/* How rows are compared: the types and collations are those of the result. */
static void
receive_startup(DestReceiver *self, pg_attribute_unused() int operation, TupleDesc typeinfo)
{
	TopReceiver *receiver = (TopReceiver *) self;
	ReadNode   *node = receiver->level->node;
	int			shift = receiver->ordinal ? 1 : 0;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);

	receiver->desc = CreateTupleDescCopy(typeinfo);
	receiver->values = palloc(sizeof(Datum) * typeinfo->natts);
	receiver->isnull = palloc(sizeof(bool) * typeinfo->natts);
	receiver->nkeys = node->ntop_keys;
	receiver->positions = palloc(sizeof(int) * receiver->nkeys);
	receiver->sort = palloc0(sizeof(SortSupportData) * receiver->nkeys);
	receiver->row = palloc0(row_header_size(receiver->nkeys));
	init_row(receiver->row, receiver->nkeys);
	receiver->natts = receiver->ordinal ? 1 : node->match_position + 1;
	for (int i = 0; i < receiver->nkeys; i++)
	{
		TopKey	   *key = &node->top_keys[i];
		int			position = key->position + shift;
		Form_pg_attribute att = TupleDescAttr(typeinfo, position);
		SortSupport sort = &receiver->sort[i];
		Oid			less;
		Oid			greater;

		get_sort_group_operators(getBaseType(att->atttypid), true, false, true,
								 &less, NULL, &greater, NULL);
		sort->ssup_cxt = receiver->context;
		sort->ssup_collation = att->attcollation;
		sort->ssup_nulls_first = key->nulls_first;
		PrepareSortSupportFromOrderingOp(key->descending ? greater : less, sort);
		receiver->positions[i] = position;
		receiver->natts = Max(receiver->natts, position + 1);
		if (!att->attbyval)
			receiver->in_tuple = true;
	}
	MemoryContextSwitchTo(old);
}

static void
receive_done(pg_attribute_unused() DestReceiver *self)
{
}

/* Take the rows that were kept into the level, parent by parent, in their order. */
static void
take_rows(TopReceiver *receiver, uint32 skipped)
{
	ReadLevel  *level = receiver->level;
	int			shift = receiver->ordinal ? 1 : 0;
	uint32		n = level->map.ngroups - level->first_group;

	for (uint32 g = 0; g < n; g++)
	{
		TopGroup   *group = &receiver->groups[g];

		if (group->n <= skipped)
			continue;
		qsort_arg(group->rows, group->n, sizeof(TopRow *), compare_for_qsort, receiver);
		for (uint32 i = skipped; i < group->n; i++)
		{
			MinimalTuple row = group->rows[i]->tuple;
			HeapTupleData tuple;

			tuple.t_len = row->t_len + MINIMAL_TUPLE_OFFSET;
			tuple.t_data = (HeapTupleHeader) ((char *) row - MINIMAL_TUPLE_OFFSET);
			heap_deform_tuple(&tuple, receiver->desc, receiver->values, receiver->isnull);
			budget_row(level);
			read_level_add(level, receiver->values + shift, receiver->isnull + shift,
						   level->first_group + g);
		}
	}
}

/*
 * Rows of each parent that are skipped, and those that are kept with them;
 * false when these are too many to count or none at all.
 */
static bool
rows_wanted(ReadLevel *level, int64 *skipped, int64 *kept)
{
	QueryNode  *query = level->node->query;
	int64		limit = query->limit;

	*skipped = 0;
	if (query->offset != NULL)
	{
		const QueryParam *offset = query->offset;
		bool		isnull;
		Datum		value = read_run_value(level->run, offset, &isnull);

		if (!isnull)
			*skipped = DatumGetInt64(value);
		/* what is skipped is of the first rows */
		if (query->scope_limit >= 0)
			limit = Min(limit, query->scope_limit - *skipped);
	}
	if (*skipped < 0 || limit <= 0 || *skipped > PG_INT32_MAX || limit > PG_INT32_MAX - *skipped)
		return false;
	*kept = *skipped + limit;
	return true;
}

/*
 * Read the first rows of each group from first_group on by reading all of
 * them.  False, and then the level is as it was, when that is not to be done:
 * when the rows cannot be compared here, when reading them parent by parent is
 * cheaper, or turns out to be so.
 */
bool
read_level_top(ReadLevel *level, bool dense)
{
	ReadRun    *run = level->run;
	TopReceiver receiver;
	int64		skipped;
	int64		kept;
	LevelForm	form;
	Size		size = sizeof(TopGroup) * (Size) (level->map.ngroups - level->first_group);

	if (level->node->ntop_keys == 0 || !rows_wanted(level, &skipped, &kept))
		return false;
	memset(&receiver, 0, sizeof(TopReceiver));
	form = choose_top_form(level, kept, dense, &receiver.rows_left);
	if (form == LEVEL_ORDINAL)
		return false;
	if (receiver.rows_left == 0.0)
		receiver.rows_left = get_float8_infinity();
	receiver.pub.receiveSlot = receive_row;
	receiver.pub.rStartup = receive_startup;
	receiver.pub.rShutdown = receive_done;
	receiver.pub.rDestroy = receive_done;
	receiver.pub.mydest = DestNone;
	receiver.level = level;
	receiver.context = AllocSetContextCreate(run->batch, "relations first rows",
											 ALLOCSET_DEFAULT_SIZES);
	receiver.ordinal = form == LEVEL_ORDINAL_ALL;
	receiver.kept = (uint32) kept;
	receiver.groups = MemoryContextAllocExtended(receiver.context, size,
												 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	read_level_groups(level, form, &receiver.pub);
	if (!receiver.abandoned)
		take_rows(&receiver, (uint32) skipped);
	else
		level->impatient = true;
	MemoryContextDelete(receiver.context);
	return !receiver.abandoned;
}
