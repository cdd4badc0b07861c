/*
 * read_run.c
 *	  Runs the levels of a graph for a batch of root rows.
 *
 * The rows of a level are encoded as they arrive from the executor, by a
 * DestReceiver of our own, and kept until the batch's documents are written.
 * Each level is one statement: its keys are those of the level above.
 *
 * Keys that are integers are matched here: the parents' keys are numbered
 * (equal keys are one group), and a child finds its group by its own key.
 * Other keys are matched by the server, which returns the parent's number.
 * Then the rows of each group are brought together by a counting sort.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "read_run.h"

#define NO_GROUP PG_UINT32_MAX

/* parents up to which a kept generic plan looks the keys up in an index */
#define FEW_KEYS 128

/* keys this dense are read by range rather than one by one */
#define DENSE_FACTOR 4

typedef struct GroupedRow
{
	StagedRow  *row;
	int64		sort;
} GroupedRow;

/* The keys that a level hands to one of its children, a row of it each. */
typedef struct KeyColumns
{
	Datum	  **values;			/* nkeys arrays */
	bool	   *nulls;			/* some key of the row is null */
} KeyColumns;

struct ReadLevel
{
	ReadRun    *run;
	ReadNode   *node;
	ReadLevel **children;

	/* rows in the order of their arrival */
	uint32		nrows;
	uint32		capacity;
	GroupedRow *rows;
	uint32	   *groups;
	KeyColumns *keys;			/* nchildren */

	/* the parents' keys, numbered */
	uint32		ngroups;
	int64	   *group_keys;		/* hashed only */
	uint32	   *group_parents;	/* ordinal only: row of the parent level */
	int64		min_key;
	int64		max_key;
	uint32	   *direct;			/* group by key - min_key, when dense */
	uint32	   *table;			/* group + 1 by hash, else */
	uint32		table_mask;

	/* rows by group */
	uint32	   *start;			/* ngroups + 1 */
	GroupedRow *ordered;
};

typedef struct LevelReceiver
{
	DestReceiver pub;
	ReadLevel  *level;
	bool		ordinal;
} LevelReceiver;

static void
release_plan(void *arg)
{
	read_plan_release((ReadPlan *) arg);
}

static ReadLevel *
make_level(ReadRun *run, ReadNode *node)
{
	ReadLevel  *level = MemoryContextAllocZero(run->context, sizeof(ReadLevel));

	check_stack_depth();
	level->run = run;
	level->node = node;
	level->children = MemoryContextAlloc(run->context,
										 sizeof(ReadLevel *) * Max(node->nchildren, 1));
	for (int i = 0; i < node->nchildren; i++)
		level->children[i] = make_level(run, node->children[i]);
	return level;
}

/*
 * Begin a run in a child of the current memory context.  The plan is held
 * until that context goes, be it by read_run_end, with its parent or at abort.
 */
ReadRun *
read_run_begin(Oid model, ReadMode mode, ArrayType *paths)
{
	ReadPlan   *plan = read_plan_acquire(model, mode, paths);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations read run",
												  ALLOCSET_START_SMALL_SIZES);
	ReadRun    *run = MemoryContextAllocZero(context, sizeof(ReadRun));

	run->plan = plan;
	run->context = context;
	run->release.func = release_plan;
	run->release.arg = plan;
	MemoryContextRegisterResetCallback(context, &run->release);
	run->batch = AllocSetContextCreate(context, "relations read batch",
									   ALLOCSET_START_SMALL_SIZES);
	run->row = AllocSetContextCreate(context, "relations read row",
									 ALLOCSET_START_SMALL_SIZES);
	row_arena_init(&run->arena, run->batch, 4096);
	run->root = make_level(run, plan->root);
	run->doc_size = 512;
	return run;
}

void
read_run_end(ReadRun *run)
{
	MemoryContextDelete(run->context);
}

static void
reset_level(ReadLevel *level)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	ReadLevel **children = level->children;

	memset(level, 0, sizeof(ReadLevel));
	level->run = run;
	level->node = node;
	level->children = children;
	for (int i = 0; i < node->nchildren; i++)
		reset_level(children[i]);
}

/* Forget the batch: its rows, and all memory that they took. */
void
read_run_reset(ReadRun *run)
{
	reset_level(run->root);
	MemoryContextReset(run->batch);
	row_arena_init(&run->arena, run->batch, Max(4096, run->arena.chunk_size));
}

/* Root rows in the batch. */
uint32
read_run_rows(ReadRun *run)
{
	return run->root->nrows;
}

/* Bytes that the batch takes. */
Size
read_run_memory(ReadRun *run)
{
	return MemoryContextMemAllocated(run->batch, false);
}

static void *
enlarge(ReadRun *run, void *array, Size element, uint32 n)
{
	if (array == NULL)
		return MemoryContextAllocHuge(run->batch, element * n);
	return repalloc_huge(array, element * n);
}

/* Make room for one more row. */
static void
grow_level(ReadLevel *level)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	uint32		n = level->capacity == 0 ? 16 : level->capacity * 2;

	if (level->capacity > PG_UINT32_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many rows in relation \"%s\"",
						node->query->name != NULL ? node->query->name : model_name(node->query->relid))));
	level->rows = enlarge(run, level->rows, sizeof(GroupedRow), n);
	level->groups = enlarge(run, level->groups, sizeof(uint32), n);
	if (level->keys == NULL && node->nchildren > 0)
		level->keys = MemoryContextAllocZero(run->batch, sizeof(KeyColumns) * node->nchildren);
	for (int c = 0; c < node->nchildren; c++)
	{
		ReadNode   *child = node->children[c];
		KeyColumns *keys = &level->keys[c];

		if (keys->values == NULL)
			keys->values = MemoryContextAllocZero(run->batch, sizeof(Datum *) * child->nkeys);
		for (int k = 0; k < child->nkeys; k++)
			keys->values[k] = enlarge(run, keys->values[k], sizeof(Datum), n);
		keys->nulls = enlarge(run, keys->nulls, sizeof(bool), n);
	}
	level->capacity = n;
}

/* Take a row into a level: encode it, and keep the keys of its children. */
static void
add_row(ReadLevel *level, const Datum *values, const bool *isnull, uint32 group)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	MemoryContext old = MemoryContextSwitchTo(run->row);
	uint32		n;

	if (level->nrows == level->capacity)
		grow_level(level);
	n = level->nrows++;
	level->rows[n].row = stage_row(&run->arena, &node->tpl, node->encoders,
								   node->positions, values, isnull);
	level->rows[n].sort = node->sorted_here && !isnull[node->sort_position]
		? integer_datum(node->sort_type, values[node->sort_position]) : PG_INT64_MAX;
	level->groups[n] = group;
	for (int c = 0; c < node->nchildren; c++)
	{
		ReadNode   *child = node->children[c];
		KeyColumns *keys = &level->keys[c];

		keys->nulls[n] = false;
		for (int k = 0; k < child->nkeys; k++)
		{
			int			pos = child->parent_keys[k];

			if (isnull[pos])
				keys->nulls[n] = true;
			else if (child->key_byvals[k])
				keys->values[k][n] = values[pos];
			else
			{
				MemoryContextSwitchTo(run->batch);
				keys->values[k][n] = child->key_lens[k] == -1
					? PointerGetDatum(PG_DETOAST_DATUM_COPY(values[pos]))
					: datumCopy(values[pos], false, child->key_lens[k]);
				MemoryContextSwitchTo(run->row);
			}
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->row);
}

/* A root row that the caller has: values in the order of the select list. */
void
read_run_add_row(ReadRun *run, const Datum *values, const bool *isnull)
{
	add_row(run->root, values, isnull, 0);
}

static inline uint32
hash_key(int64 key)
{
	uint64		h = (uint64) key * UINT64CONST(0x9E3779B97F4A7C15);

	return (uint32) (h >> 32);
}

/* The group of a key, or NO_GROUP. */
static inline uint32
find_group(ReadLevel *level, int64 key)
{
	if (key < level->min_key || key > level->max_key)
		return NO_GROUP;
	if (level->direct != NULL)
		return level->direct[key - level->min_key];
	for (uint32 i = hash_key(key) & level->table_mask;; i = (i + 1) & level->table_mask)
	{
		uint32		group = level->table[i];

		if (group == 0)
			return NO_GROUP;
		if (level->group_keys[group - 1] == key)
			return group - 1;
	}
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	LevelReceiver *receiver = (LevelReceiver *) self;
	ReadLevel  *level = receiver->level;
	ReadNode   *node = level->node;
	Datum	   *values;
	bool	   *isnull;
	uint32		group = 0;

	slot_getallattrs(slot);
	values = slot->tts_values;
	isnull = slot->tts_isnull;
	if (receiver->ordinal)
	{
		group = (uint32) (DatumGetInt64(values[0]) - 1);
		values++;
		isnull++;
	}
	else if (level != level->run->root)
	{
		if (isnull[node->match_position])
			return true;
		group = find_group(level, integer_datum(node->match_type, values[node->match_position]));
		if (group == NO_GROUP)
			return true;
	}
	add_row(level, values, isnull, group);
	return true;
}

static void
receive_startup(pg_attribute_unused() DestReceiver *self, pg_attribute_unused() int operation,
				pg_attribute_unused() TupleDesc typeinfo)
{
}

static void
receive_done(pg_attribute_unused() DestReceiver *self)
{
}

static void
init_receiver(LevelReceiver *receiver, ReadLevel *level, bool ordinal)
{
	memset(receiver, 0, sizeof(LevelReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = receive_done;
	receiver->pub.rDestroy = receive_done;
	receiver->pub.mydest = DestNone;
	receiver->level = level;
	receiver->ordinal = ordinal;
}

/* The next count rows of the root's portal. */
void
read_run_fetch(ReadRun *run, Portal portal, long count)
{
	LevelReceiver receiver;

	init_receiver(&receiver, run->root, false);
	PortalRunFetch(portal, FETCH_FORWARD, count, &receiver.pub);
}

/* Run a form of a level with these key parameters, in the caller's snapshot. */
static void
execute_level(ReadLevel *level, LevelForm form, bool custom, int nkeys,
			  const Oid *types, const Datum *keys)
{
	List	   *rest;
	SPIPlanPtr	plan = read_node_plan(level->node, form, custom, &rest);
	int			n = nkeys + list_length(rest);
	ParamListInfo params = makeParamList(n);
	SPIExecuteOptions options;
	LevelReceiver receiver;
	ListCell   *lc;
	int			i;
	int			rc;

	for (i = 0; i < n; i++)
		params->params[i].pflags = PARAM_FLAG_CONST;
	for (i = 0; i < nkeys; i++)
	{
		params->params[i].ptype = types[i];
		params->params[i].value = keys[i];
		params->params[i].isnull = false;
	}
	foreach(lc, rest)
	{
		QueryParam *param = lfirst(lc);

		params->params[i].ptype = param->type;
		params->params[i].value = param->value;
		params->params[i].isnull = param->isnull;
		i++;
	}
	init_receiver(&receiver, level, form == LEVEL_ORDINAL);
	memset(&options, 0, sizeof(options));
	options.params = params;
	options.read_only = true;
	options.dest = &receiver.pub;
	rc = SPI_execute_plan_extended(plan, &options);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(rc));
}

/* The root's own statement, for forms that give few rows. */
void
read_run_root(ReadRun *run, LevelForm form, const Datum *keys)
{
	ReadNode   *node = run->plan->root;

	execute_level(run->root, form, false, form == LEVEL_KEY ? node->nkeys : 0,
				  node->key_types, keys);
}

/*
 * Number the keys that a level's parents have for it: each parent row is told
 * its group, equal keys are one.
 */
static void
number_keys(ReadLevel *level, ReadLevel *parent, int child)
{
	KeyColumns *keys = &parent->keys[child];
	Oid			type = level->node->key_types[0];
	uint32		n = parent->nrows;
	uint32		live = 0;
	uint64		span;

	level->min_key = PG_INT64_MAX;
	level->max_key = PG_INT64_MIN;
	for (uint32 i = 0; i < n; i++)
	{
		int64		key;

		if (keys->nulls[i])
			continue;
		key = integer_datum(type, keys->values[0][i]);
		level->min_key = Min(level->min_key, key);
		level->max_key = Max(level->max_key, key);
		live++;
	}
	level->group_keys = MemoryContextAllocHuge(level->run->batch, sizeof(int64) * Max(live, 1));
	if (live > 0)
	{
		span = (uint64) level->max_key - (uint64) level->min_key;
		if (span < (uint64) live * 8)
		{
			level->direct = MemoryContextAllocHuge(level->run->batch, sizeof(uint32) * (span + 1));
			memset(level->direct, 0xFF, sizeof(uint32) * (span + 1));
		}
		else
		{
			uint32		size = 16;

			while (size < live * 2)
				size *= 2;
			level->table = MemoryContextAllocHuge(level->run->batch, sizeof(uint32) * (Size) size);
			memset(level->table, 0, sizeof(uint32) * (Size) size);
			level->table_mask = size - 1;
		}
	}
	for (uint32 i = 0; i < n; i++)
	{
		uint32		group = NO_GROUP;

		if (!keys->nulls[i])
		{
			int64		key = integer_datum(type, keys->values[0][i]);

			group = find_group(level, key);
			if (group == NO_GROUP)
			{
				group = level->ngroups++;
				level->group_keys[group] = key;
				if (level->direct != NULL)
					level->direct[key - level->min_key] = group;
				else
				{
					uint32		slot = hash_key(key) & level->table_mask;

					while (level->table[slot] != 0)
						slot = (slot + 1) & level->table_mask;
					level->table[slot] = group + 1;
				}
			}
		}
		STAGED_GROUPS(parent->rows[i].row)[child] = group;
	}
}

/* An array of the integer keys of all groups. */
static Datum
integer_key_array(ReadLevel *level)
{
	Oid			type = level->node->key_types[0];
	Datum	   *values = MemoryContextAllocHuge(level->run->batch,
												sizeof(Datum) * level->ngroups);

	for (uint32 i = 0; i < level->ngroups; i++)
		values[i] = type == INT2OID ? Int16GetDatum((int16) level->group_keys[i])
			: type == INT4OID ? Int32GetDatum((int32) level->group_keys[i])
			: Int64GetDatum(level->group_keys[i]);
	return PointerGetDatum(construct_array(values, level->ngroups, type,
										   level->node->key_lens[0],
										   level->node->key_byvals[0],
										   level->node->key_aligns[0]));
}

static Datum
integer_key(Oid type, int64 key)
{
	return type == INT2OID ? Int16GetDatum((int16) key)
		: type == INT4OID ? Int32GetDatum((int32) key) : Int64GetDatum(key);
}

static void
run_hashed_level(ReadLevel *level)
{
	ReadNode   *node = level->node;
	Oid			type = node->key_types[0];
	Oid			types[2];
	Datum		keys[2];

	types[0] = types[1] = type;
	if (level->ngroups == 1)
	{
		keys[0] = integer_key(type, level->group_keys[0]);
		execute_level(level, LEVEL_ONE, false, 1, types, keys);
	}
	else if (level->ngroups > FEW_KEYS &&
			 (uint64) level->max_key - (uint64) level->min_key < (uint64) level->ngroups * DENSE_FACTOR)
	{
		keys[0] = integer_key(type, level->min_key);
		keys[1] = integer_key(type, level->max_key);
		execute_level(level, LEVEL_RANGE, true, 2, types, keys);
	}
	else
	{
		types[0] = get_array_type(type);
		keys[0] = integer_key_array(level);
		execute_level(level, LEVEL_ARRAY, level->ngroups > FEW_KEYS, 1, types, keys);
	}
}

/* Keys that are not integers: one element of the arrays a parent row. */
static void
run_ordinal_level(ReadLevel *level, ReadLevel *parent, int child)
{
	ReadNode   *node = level->node;
	KeyColumns *columns = &parent->keys[child];
	Oid		   *types = palloc(sizeof(Oid) * node->nkeys);
	Datum	   *keys = palloc(sizeof(Datum) * node->nkeys);
	Datum	   *values = MemoryContextAllocHuge(level->run->batch,
												sizeof(Datum) * Max(parent->nrows, 1));

	for (uint32 i = 0; i < parent->nrows; i++)
		STAGED_GROUPS(parent->rows[i].row)[child] =
			columns->nulls[i] ? NO_GROUP : level->ngroups++;
	if (level->ngroups == 0)
		return;
	for (int k = 0; k < node->nkeys; k++)
	{
		uint32		n = 0;

		for (uint32 i = 0; i < parent->nrows; i++)
		{
			if (!columns->nulls[i])
				values[n++] = columns->values[k][i];
		}
		types[k] = get_array_type(node->key_types[k]);
		keys[k] = PointerGetDatum(construct_array(values, n, node->key_types[k],
												  node->key_lens[k], node->key_byvals[k],
												  node->key_aligns[k]));
	}
	execute_level(level, LEVEL_ORDINAL, true, node->nkeys, types, keys);
}

static int
compare_grouped(const void *a, const void *b)
{
	int64		ka = ((const GroupedRow *) a)->sort;
	int64		kb = ((const GroupedRow *) b)->sort;

	return ka < kb ? -1 : ka > kb ? 1 : 0;
}

/* Bring the rows of each group together, in their order. */
static void
group_rows(ReadLevel *level)
{
	ReadRun    *run = level->run;
	uint32	   *start;

	level->start = start = MemoryContextAllocHuge(run->batch, sizeof(uint32) * ((Size) level->ngroups + 2));
	memset(start, 0, sizeof(uint32) * ((Size) level->ngroups + 2));
	level->ordered = MemoryContextAllocHuge(run->batch, sizeof(GroupedRow) * (Size) Max(level->nrows, 1));
	/* start[g + 2] counts, then start[g + 1] is where g's next row goes */
	for (uint32 i = 0; i < level->nrows; i++)
		start[level->groups[i] + 2]++;
	for (uint32 g = 1; g <= level->ngroups; g++)
		start[g + 1] += start[g];
	for (uint32 i = 0; i < level->nrows; i++)
		level->ordered[start[level->groups[i] + 1]++] = level->rows[i];
	if (!level->node->sorted_here)
		return;
	for (uint32 g = 0; g < level->ngroups; g++)
	{
		GroupedRow *rows = level->ordered + start[g];
		uint32		n = start[g + 1] - start[g];
		uint32		i;

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
			   model_name(level->node->query->relation->model));
}

static void
run_children(ReadLevel *parent)
{
	check_stack_depth();
	for (int c = 0; c < parent->node->nchildren; c++)
	{
		ReadLevel  *level = parent->children[c];
		ErrorContextCallback callback;

		CHECK_FOR_INTERRUPTS();
		callback.callback = level_error_context;
		callback.arg = level;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		if (level->node->hashed)
		{
			number_keys(level, parent, c);
			if (level->ngroups > 0)
				run_hashed_level(level);
		}
		else
			run_ordinal_level(level, parent, c);
		group_rows(level);
		error_context_stack = callback.previous;
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

/* Write the object of a row, its relations inside. */
static void
write_row(DocBuffer *buf, ReadLevel *level, StagedRow *row)
{
	ObjectTemplate *tpl = &level->node->tpl;
	ContainerState state;
	JEntry	   *entries;
	char	   *data;

	if (tpl->nrelations == 0)
	{
		doc_leaf_object(buf, tpl, row);
		return;
	}
	check_stack_depth();
	entries = STAGED_ENTRIES(row, tpl);
	data = STAGED_DATA(row, tpl);
	doc_begin_object(buf, &state, tpl);
	for (int i = 0; i < tpl->npairs; i++)
	{
		ReadLevel  *child;
		int			which;
		uint32		group;
		uint32		from = 0;
		uint32		n = 0;
		Size		base = buf->len;

		if (tpl->source[i] >= 0)
		{
			JEntry		entry = *entries++;

			doc_add_scalar(buf, &state, entry, data);
			data += JBE_OFFLENFLD(entry);
			continue;
		}
		which = ~tpl->source[i];
		for (;;)
		{
			child = level->children[which];
			group = STAGED_GROUPS(row)[which];
			if (group != NO_GROUP)
			{
				from = child->start[group];
				n = child->start[group + 1] - from;
			}
			/* of a polymorphic relation, the type that has a row */
			if (n > 0 || ++which == level->node->nchildren || !level->node->children[which]->continues)
				break;
		}
		if (child->node->to_one)
		{
			if (n == 0)
			{
				doc_add_null(buf, &state);
				continue;
			}
			write_row(buf, child, child->ordered[from].row);
		}
		else
		{
			ContainerState array;

			doc_begin_array(buf, &array, n);
			for (uint32 k = 0; k < n; k++)
			{
				Size		member = buf->len;

				write_row(buf, child, child->ordered[from + k].row);
				doc_end_member(buf, &array, member);
			}
		}
		doc_end_member(buf, &state, base);
	}
}

/* The document of a root row of the batch, in the current memory context. */
Jsonb *
read_run_document(ReadRun *run, uint32 row)
{
	DocBuffer	buf;

	doc_init(&buf, run->doc_size + run->doc_size / 4);
	write_row(&buf, run->root, run->root->rows[row].row);
	run->doc_size = (run->doc_size * 3 + buf.len) / 4;
	return doc_finish(&buf);
}
