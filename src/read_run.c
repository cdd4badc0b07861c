/*
 * read_run.c
 *	  A run: its batches, its rows, and the statements that give them.
 *
 * The rows of a level are encoded as they arrive from the executor, by a
 * DestReceiver of our own, and kept until the batch's documents are written.
 * What is below the root is read by read_children.c.
 */
#include "relations.h"

#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "budget.h"
#include "foreign_code.h"
#include "query_cursor.h"
#include "read_level.h"
#include "read_statement.h"
#include "relation_key.h"

typedef struct LevelReceiver
{
	DestReceiver pub;
	ReadLevel  *level;
	bool		ordinal;
} LevelReceiver;

/* ---------------------------------------------------------------------
 * A run
 * ---------------------------------------------------------------------
 */

static uint64 runs = 0;			/* in this session */

static void
release_plan(void *arg)
{
	read_plan_release((ReadPlan *) arg);
}

static ReadLevel *
make_level(ReadRun *run, ReadNode *node, ReadLevel *parent)
{
	ReadLevel  *level = MemoryContextAllocZero(run->context, sizeof(ReadLevel));

	check_stack_depth();
	level->run = run;
	level->node = node;
	level->parent = parent;
	level->links = MemoryContextAlloc(run->context, sizeof(ReadLevel *) * Max(node->nlinks, 1));
	for (int i = 0; i < node->nlinks; i++)
		level->links[i] = node->links[i] == node ? level : make_level(run, node->links[i], level);
	return level;
}

static void
cursor_error_context(void *arg)
{
	errcontext("cursor at \"%s\"", ((QueryParam *) arg)->path);
}

/* A value of a cursor.  Raises invalid_parameter_value when it does not fit. */
static Datum
bind_cursor_value(QueryParam *param, const QueryLeaf *leaf, bool *isnull)
{
	ErrorContextCallback callback;
	char	   *text;
	Oid			input;
	Oid			ioparam;
	Datum		result;
	SavedUser	saved;
	bool		switched;
	int			nest;

	if (!cursor_fits(leaf->cursor, param->cursor_order, param->cursor_values))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the cursor at \"%s\" does not fit this query", param->path),
				 errdetail("It was made for another order or another model, or it was altered."),
				 errhint("Give the \"cursor\" of a document that the same query returned.")));
	text = leaf->cursor->values[param->element];
	*isnull = text == NULL;
	if (text == NULL)
		return (Datum) 0;
	callback.callback = cursor_error_context;
	callback.arg = param;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	switched = switch_for_input(1, &param->type, &saved);
	nest = cursor_settings(cursor_reads_money(param->type));
	getTypeInputInfo(param->type, &input, &ioparam);
	result = OidInputFunctionCall(input, text, ioparam, -1);
	cursor_settings_end(nest);
	if (switched)
		restore_user(&saved);
	error_context_stack = callback.previous;
	return result;
}

/* Convert the values of the document, and those of scopes that depend on the call. */
static void
bind_values(ReadRun *run, const QueryShape *shape)
{
	ReadPlan   *plan = run->plan;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->bound = palloc(sizeof(Datum) * plan->nparams);
	run->bound_nulls = palloc(sizeof(bool) * plan->nparams);
	for (int i = 0; i < plan->nparams; i++)
	{
		QueryParam *param = plan->params[i];

		if (param->cursor_values > 0)
			run->bound[i] = bind_cursor_value(param, &shape->leaves[param->leaf], &run->bound_nulls[i]);
		else
			query_param_bind(param, param->leaf >= 0 ? &shape->leaves[param->leaf].value : param->source,
							 &run->bound[i], &run->bound_nulls[i]);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Begin a run in a child of the current memory context.  The plan is held
 * until that context goes, be it by read_run_end, with its parent or at abort.
 */
ReadRun *
read_run_begin(const ReadRequest *request)
{
	QueryShape	shape;
	ReadPlan   *plan;
	MemoryContext context;
	ReadRun    *run;

	if (request->document != NULL)
		query_shape(&shape, request->document, request->params);
	else
	{
		memset(&shape, 0, sizeof(shape));
		shape.bytes.data = (char *) request->paths;
		shape.bytes.len = VARSIZE(request->paths);
	}
	plan = read_plan_acquire(request, &shape);
	context = AllocSetContextCreate(CurrentMemoryContext, "relations read run",
									ALLOCSET_START_SMALL_SIZES);
	run = MemoryContextAllocZero(context, sizeof(ReadRun));
	run->plan = plan;
	run->context = context;
	run->release.func = release_plan;
	run->release.arg = plan;
	MemoryContextRegisterResetCallback(context, &run->release);
	run->number = ++runs;
	if (plan->nparams > 0)
		bind_values(run, &shape);
	run->batch = AllocSetContextCreate(context, "relations read batch",
									   ALLOCSET_START_SMALL_SIZES);
	run->row = AllocSetContextCreate(context, "relations read row",
									 ALLOCSET_START_SMALL_SIZES);
	row_arena_init(&run->arena, run->batch, 4096);
	run->root = make_level(run, plan->root, NULL);
	run->format = &jsonb_format;
	run->doc_size = 512;
	budget_begin(&run->budget);
	return run;
}

/* The same for paths. */
ReadRun *
read_run_begin_paths(Oid model, ReadMode mode, ArrayType *paths)
{
	ReadRequest request = {model, mode, paths, NULL, NULL};

	return read_run_begin(&request);
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
	ReadLevel  *parent = level->parent;
	ReadLevel **links = level->links;
	PassLevel  *pass = level->pass;
	bool		impatient = level->impatient;

	check_stack_depth();
	memset(level, 0, sizeof(ReadLevel));
	level->run = run;
	level->node = node;
	level->parent = parent;
	level->links = links;
	level->pass = pass;
	level->impatient = impatient;
	for (int i = 0; i < node->nchildren; i++)
		reset_level(links[i]);
}

/* Forget the batch: its rows, and all memory that they took. */
void
read_run_reset(ReadRun *run)
{
	reset_level(run->root);
	run->staged = 0;
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

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

static void *
enlarge(ReadRun *run, void *array, Size element, uint32 n)
{
	if (array == NULL)
		return MemoryContextAllocHuge(run->batch, element * n);
	return repalloc_huge(array, element * n);
}

static void
grow_columns(ReadRun *run, KeyColumns *columns, int ncolumns, uint32 n)
{
	if (columns->values == NULL)
		columns->values = MemoryContextAllocZero(run->batch, sizeof(Datum *) * ncolumns);
	for (int k = 0; k < ncolumns; k++)
		columns->values[k] = enlarge(run, columns->values[k], sizeof(Datum), n);
	columns->nulls = enlarge(run, columns->nulls, sizeof(bool), n);
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
	if (level->keys == NULL && node->nlinks > 0)
	{
		level->keys = MemoryContextAllocZero(run->batch, sizeof(KeyColumns) * node->nlinks);
		level->link_groups = MemoryContextAllocZero(run->batch, sizeof(uint32 *) * node->nlinks);
	}
	for (int c = 0; c < node->nlinks; c++)
	{
		if (!read_pass_reads(level->links[c]))
			grow_columns(run, &level->keys[c], node->links[c]->nkeys, n);
	}
	if (node->nident > 0)
		grow_columns(run, &level->ident, node->nident, n);
	level->capacity = n;
}

/* Keep values of a row: those at positions, which are stored so. */
static inline void
keep_values(ReadRun *run, KeyColumns *columns, uint32 n, int ncolumns, const int *positions,
			const int16 *lens, const bool *byvals, const Datum *values, const bool *isnull)
{
	columns->nulls[n] = false;
	for (int k = 0; k < ncolumns; k++)
	{
		int			pos = positions[k];

		if (isnull[pos])
			columns->nulls[n] = true;
		else if (byvals[k])
			columns->values[k][n] = values[pos];
		else
		{
			MemoryContext old = MemoryContextSwitchTo(run->batch);

			columns->values[k][n] = lens[k] == -1
				? PointerGetDatum(PG_DETOAST_DATUM_COPY(values[pos]))
				: datumCopy(values[pos], false, lens[k]);
			MemoryContextSwitchTo(old);
		}
	}
}

/* Room for one more row of a level; its number. */
static inline uint32
next_row(ReadLevel *level)
{
	if (level->nrows == level->capacity)
		grow_level(level);
	return level->nrows++;
}

/* Keep what is needed of a row besides its document: by what it is sorted, and its keys. */
static inline void
note_row(ReadLevel *level, uint32 n, const Datum *values, const bool *isnull, uint32 group)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;

	level->rows[n].sort = node->sorted_here && !isnull[node->sort_position]
		? integer_datum(node->sort_type, values[node->sort_position]) : PG_INT64_MAX;
	level->groups[n] = group;
	for (int c = 0; c < node->nlinks; c++)
	{
		ReadNode   *link = node->links[c];

		/* rows that come with the pass know their parent by its number */
		if (!read_pass_reads(level->links[c]))
			keep_values(run, &level->keys[c], n, link->nkeys,
						link == node ? node->recursion_keys : link->parent_keys,
						link->key_lens, link->key_byvals, values, isnull);
	}
}

/* Raise that a part of the primary key is null, by which a row is to be known. */
static void
null_identity(ReadNode *node, const bool *isnull)
{
	ListCell   *lc;

	foreach(lc, node->query->model->primary_key)
		(void) key_value(node->query->relid, lfirst(lc), (Datum) 0,
						 isnull[node->ident_positions[foreach_current_index(lc)]]);
}

/*
 * Take a row into a level: encode it, and keep the keys of its links.  values
 * are in the order of the node's select list; group is the parent's.
 */
void
read_level_add(ReadLevel *level, const Datum *values, const bool *isnull, uint32 group)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	MemoryContext old = MemoryContextSwitchTo(run->row);
	uint32		n = next_row(level);
	StagedRow  *staged;

	staged = run->format->stage_row(&run->arena, &node->tpl, node->encoders, node->positions,
									values, isnull);
	level->rows[n].row.staged = staged;
	run->staged += run->arena.pos - run->arena.start;
	note_row(level, n, values, isnull, group);
	for (int c = 0; c < node->nchildren; c++)
	{
		if (read_pass_reads(level->links[c]))
			STAGED_GROUPS(staged)[c] = n;
	}
	if (node->nident > 0)
	{
		keep_values(run, &level->ident, n, node->nident, node->ident_positions,
					node->ident_lens, node->ident_byvals, values, isnull);
		if (unlikely(level->ident.nulls[n]))
			null_identity(node, isnull);
		STAGED_NUMBER(staged, node) = n;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->row);
}

/*
 * The same for a row that stays a tuple, of which those values are given that
 * are keys or that it is sorted by.  Returns its number in the level.
 */
uint32
read_level_add_tuple(ReadLevel *level, MinimalTuple tuple, const Datum *values, const bool *isnull,
					 uint32 group)
{
	uint32		n = next_row(level);

	level->rows[n].row.tuple = tuple;
	note_row(level, n, values, isnull, group);
	return n;
}

/* A root row that the caller has: values in the order of the select list. */
void
read_run_add_row(ReadRun *run, const Datum *values, const bool *isnull)
{
	read_level_add(run->root, values, isnull, 0);
}

/* ---------------------------------------------------------------------
 * Statements
 * ---------------------------------------------------------------------
 */

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
		group = level->first_group + (uint32) (DatumGetInt64(values[0]) - 1);
		values++;
		isnull++;
	}
	else if (level != level->run->root)
	{
		if (isnull[node->match_position])
			return true;
		group = keymap_find_integer(&level->map,
									integer_datum(node->match_type, values[node->match_position]));
		if (group == NO_GROUP || group < level->first_group)
			return true;
	}
	budget_row(level);
	read_level_add(level, values, isnull, group);
	return true;
}

/* The type of an aggregate's value is what the server says it is. */
void
read_level_learn_type(ReadLevel *level, TupleDesc desc)
{
	ReadNode   *node = level->node;

	if (node->query->aggregate == AGGREGATE_NONE || OidIsValid(node->value_type))
		return;
	encoder_init(&node->encoders[0], TupleDescAttr(desc, desc->natts - 1)->atttypid,
				 node->context);
	node->value_type = TupleDescAttr(desc, desc->natts - 1)->atttypid;
}

static void
receive_startup(DestReceiver *self, pg_attribute_unused() int operation, TupleDesc typeinfo)
{
	read_level_learn_type(((LevelReceiver *) self)->level, typeinfo);
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

/* Take the next count rows of the root, or with zero all rows. */
void
read_run_fetch(ReadRun *run, ReadExecution *execution, uint64 count)
{
	LevelReceiver receiver;

	init_receiver(&receiver, run->root, false);
	read_execution_fetch(execution, count, &receiver.pub);
}

/*
 * Execute a form of a level with these key parameters, in the caller's
 * snapshot.  Its rows go to dest, or into the level if that is NULL.
 */
void
read_level_execute(ReadLevel *level, LevelForm form, bool custom, int nkeys,
				   const Oid *types, const Datum *keys, DestReceiver *dest)
{
	LevelReceiver receiver;

	init_receiver(&receiver, level, form == LEVEL_ORDINAL);
	read_level_run(level, form, custom, nkeys, types, keys, dest != NULL ? dest : &receiver.pub);
}

/* Execute the root's own statement, for forms that return few rows. */
void
read_run_root(ReadRun *run, LevelForm form, const Datum *keys)
{
	ReadNode   *node = run->plan->root;

	read_level_execute(run->root, form, false, form == LEVEL_KEY ? node->nkeys : 0,
					   node->key_types, keys, NULL);
}

typedef struct CountReceiver
{
	DestReceiver pub;
	int64		count;
} CountReceiver;

static bool
receive_count(TupleTableSlot *slot, DestReceiver *self)
{
	bool		isnull;
	Datum		count = slot_getattr(slot, 1, &isnull);

	if (isnull)
		elog(ERROR, "the number of rows is null");
	((CountReceiver *) self)->count = DatumGetInt64(count);
	return true;
}

static void
count_startup(pg_attribute_unused() DestReceiver *self, pg_attribute_unused() int operation,
			  pg_attribute_unused() TupleDesc typeinfo)
{
}

/* Return the number of all rows of the root. */
int64
read_run_count(ReadRun *run)
{
	CountReceiver receiver;

	memset(&receiver, 0, sizeof(CountReceiver));
	receiver.pub.receiveSlot = receive_count;
	receiver.pub.rStartup = count_startup;
	receiver.pub.rShutdown = receive_done;
	receiver.pub.rDestroy = receive_done;
	receiver.pub.mydest = DestNone;
	read_level_execute(run->root, LEVEL_COUNT, false, 0, NULL, NULL, &receiver.pub);
	return receiver.count;
}
