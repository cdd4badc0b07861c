/*
 * write_rows.c
 *	  Rows that are to be written, and their statements.
 *
 * Rows of one shape are inserted by one statement, in their order.  What it
 * returns comes in that order too, so that the n'th row returned is the n'th
 * that was given; and when a row fails, as many have come back as were stored
 * before it, which tells the path of the document at fault.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#include "budget.h"
#include "placement.h"
#include "write_graph.h"
#include "write_rows.h"

/* So few are looked up one by one: planning for many would take longer. */
#define LOOKUP_EACH 16

/* ---------------------------------------------------------------------
 * A run
 * ---------------------------------------------------------------------
 */

static void
release_models(void *arg)
{
	ListCell   *lc;

	foreach(lc, ((WriteRun *) arg)->models)
		write_model_release(lfirst(lc));
}

/* Begin a run in a child of the current memory context. */
WriteRun *
write_run_begin(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations write run",
												  ALLOCSET_DEFAULT_SIZES);
	WriteRun   *run = MemoryContextAllocZero(context, sizeof(WriteRun));

	run->context = context;
	run->scratch = AllocSetContextCreate(context, "relations write row", ALLOCSET_DEFAULT_SIZES);
	run->release.func = release_models;
	run->release.arg = run;
	MemoryContextRegisterResetCallback(context, &run->release);
	row_arena_init(&run->arena, context, 4096);
	run->rows_left = budget_write_rows();
	return run;
}

void
write_run_end(WriteRun *run)
{
	MemoryContextDelete(run->context);
}

/* What is known of a model; held until the run ends. */
WriteModel *
write_run_model(WriteRun *run, Oid relid)
{
	WriteModel *model;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, run->models)
	{
		model = lfirst(lc);
		if (model->relid == relid)
			return model;
	}
	model = write_model_acquire(relid);
	old = MemoryContextSwitchTo(run->context);
	run->models = lappend(run->models, model);
	MemoryContextSwitchTo(old);
	return model;
}

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

/* A row that sets nothing yet, in the run's memory context. */
WriteRow *
write_row_make(WriteRun *run, WriteModel *model, WriteRow *parent, const char *name, int64 index)
{
	WriteRow   *row = MemoryContextAllocZero(run->context, sizeof(WriteRow));

	row->model = model;
	row->parent = parent;
	row->depth = parent != NULL ? parent->depth + 1 : 0;
	row->name = name;
	row->index = index;
	row->shown = model->shown;
	return row;
}

/* Where a key of a row's document stands: posts[3].title; palloc'd. */
char *
write_row_path(const WriteRow *row, const char *key)
{
	StringInfoData buf;
	List	   *rows = NIL;

	for (; row != NULL; row = row->parent)
		rows = lappend(rows, unconstify(WriteRow *, row));
	initStringInfo(&buf);
	for (int i = list_length(rows) - 1; i >= 0; i--)
	{
		row = list_nth(rows, i);
		if (row->name != NULL)
			appendStringInfo(&buf, "%s%s", buf.len > 0 ? "." : "", row->name);
		if (row->index >= 0)
			appendStringInfo(&buf, "[" INT64_FORMAT "]", row->index);
	}
	if (key != NULL)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "." : "", key);
	list_free(rows);
	return buf.data;
}

/* The place of a column among those that a row sets, -1 when it is not set. */
int
write_row_find(const WriteRow *row, int column)
{
	for (int i = 0; i < row->ncolumns; i++)
	{
		if (row->columns[i] == column)
			return i;
	}
	return -1;
}

/* Set a column of a row; the value must live as long as the run. */
void
write_row_set(WriteRun *run, WriteRow *row, int column, Datum value, bool isnull)
{
	int			i = row->ncolumns;

	if (row->ncolumns == row->capacity)
	{
		row->capacity = Max(8, row->capacity * 2);
		if (row->columns == NULL)
		{
			row->columns = MemoryContextAlloc(run->context, sizeof(int) * row->capacity);
			row->values = MemoryContextAlloc(run->context, sizeof(Datum) * row->capacity);
			row->nulls = MemoryContextAlloc(run->context, sizeof(bool) * row->capacity);
		}
		else
		{
			row->columns = repalloc(row->columns, sizeof(int) * row->capacity);
			row->values = repalloc(row->values, sizeof(Datum) * row->capacity);
			row->nulls = repalloc(row->nulls, sizeof(bool) * row->capacity);
		}
	}
	for (; i > 0 && row->columns[i - 1] > column; i--)
	{
		row->columns[i] = row->columns[i - 1];
		row->values[i] = row->values[i - 1];
		row->nulls[i] = row->nulls[i - 1];
	}
	row->columns[i] = column;
	row->values[i] = value;
	row->nulls[i] = isnull;
	row->ncolumns++;
}

/* Do not set the i'th of the columns that a row sets. */
void
write_row_unset(WriteRow *row, int i)
{
	row->ncolumns--;
	for (; i < row->ncolumns; i++)
	{
		row->columns[i] = row->columns[i + 1];
		row->values[i] = row->values[i + 1];
		row->nulls[i] = row->nulls[i + 1];
	}
}

/* A value of a row as stored, of a column that its shape keeps. */
Datum
write_row_kept(const WriteRow *row, const char *column, bool *isnull)
{
	WriteShape *shape = row->shape;

	for (int i = 0; i < shape->nkept; i++)
	{
		if (strcmp(list_nth(shape->returned, shape->kept[i]), column) == 0)
		{
			*isnull = row->kept_null[i];
			return row->kept[i];
		}
	}
	elog(ERROR, "column \"%s\" of \"%s\" was not kept", column, model_name(row->model->relid));
}

/* Return the link of a row for a relation; create it if it does not exist. */
WriteLink *
write_row_link(WriteRun *run, WriteRow *row, RelationDesc *relation, RelationDesc *branch)
{
	MemoryContext old;
	WriteLink  *link;

	/* most often the last one, to which one row after another is added */
	for (int i = list_length(row->links) - 1; i >= 0; i--)
	{
		link = list_nth(row->links, i);
		if (link->relation == relation && link->branch == branch)
			return link;
	}
	old = MemoryContextSwitchTo(run->context);
	link = palloc0(sizeof(WriteLink));
	link->relation = relation;
	link->branch = branch;
	link->related = write_run_model(run, branch->related);
	link->is_array = !RELATION_IS_TO_ONE(relation->kind);
	row->links = lappend(row->links, link);
	MemoryContextSwitchTo(old);
	return link;
}

/* The relations that a row's document nests. */
static List *
nested_relations(const WriteRow *row)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);

		/* only a morph_to has several links, one for each type */
		if (link->branch == link->relation)
			result = lappend(result, link->relation);
		else
			result = list_append_unique_ptr(result, link->relation);
	}
	return result;
}

/* Decide the shape of a row, when all its columns are set. */
void
write_set_shape(WriteRow *row)
{
	List	   *relations = row->links != NIL ? nested_relations(row) : NIL;

	row->shape = write_model_shape(row->model, row->existing ? 0 : row->ncolumns, row->columns,
								   relations, row->wanted, row->shown, row->pivot != NULL);
	list_free(relations);
}

/*
 * Take a row as stored: values are those of shape->returned, and are copied.
 */
void
write_take_row(WriteRun *run, WriteRow *row, const Datum *values, const bool *isnull)
{
	WriteShape *shape = row->shape;
	MemoryContext old = MemoryContextSwitchTo(run->scratch);

	row->staged = stage_row(&run->arena, &shape->tpl, shape->encoders, shape->positions,
							values, isnull);
	MemoryContextSwitchTo(run->context);
	if (shape->nkept > 0)
	{
		row->kept = palloc(sizeof(Datum) * shape->nkept);
		row->kept_null = palloc(sizeof(bool) * shape->nkept);
	}
	for (int i = 0; i < shape->nkept; i++)
	{
		int			position = shape->kept[i];
		WriteColumn *column = &shape->model->columns[write_model_column(shape->model,
																		list_nth(shape->returned, position))];

		row->kept_null[i] = isnull[position];
		if (!isnull[position])
			row->kept[i] = datumCopy(values[position], column->byval, column->len);
	}
	row->found = true;
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}

/* ---------------------------------------------------------------------
 * Statements
 * ---------------------------------------------------------------------
 */

/* Receives the rows that a statement returns, for the rows that were given. */
typedef struct RowReceiver
{
	DestReceiver pub;
	WriteRun   *run;
	WriteRow  **rows;
	int			nrows;
	int			received;
	bool		ordinal;		/* the first column says which row it is */
} RowReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	int			n = receiver->received++;

	slot_getallattrs(slot);
	if (receiver->ordinal)
	{
		n = (int) DatumGetInt64(slot->tts_values[0]) - 1;
		if (unlikely(receiver->rows[n]->found))
			write_require_one(receiver->rows[n], 2);
		write_take_row(receiver->run, receiver->rows[n], slot->tts_values + 1, slot->tts_isnull + 1);
	}
	else if (n < receiver->nrows)
		write_take_row(receiver->run, receiver->rows[n], slot->tts_values, slot->tts_isnull);
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
init_receiver(RowReceiver *receiver, WriteRun *run, WriteRow **rows, int nrows, bool ordinal)
{
	memset(receiver, 0, sizeof(RowReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = receive_done;
	receiver->pub.rDestroy = receive_done;
	receiver->pub.mydest = DestNone;
	receiver->run = run;
	receiver->rows = rows;
	receiver->nrows = nrows;
	receiver->ordinal = ordinal;
}

/* The document at which a statement is: as many rows have come back. */
static void
insert_error_context(void *arg)
{
	RowReceiver *receiver = arg;
	int			n = Min(receiver->received, receiver->nrows - 1);
	char	   *path = write_row_path(receiver->rows[n], NULL);

	/* behind the last row come what is checked at the end of the statement */
	if (receiver->received >= receiver->nrows && receiver->nrows > 1)
		errcontext("rows of \"%s\"", receiver->rows[0]->model->name);
	else if (path[0] != '\0')
		errcontext("document \"%s\"", path);
}

static void
execute(SPIPlanPtr plan, ParamListInfo params, RowReceiver *receiver, bool read_only)
{
	MemoryContext context = CurrentMemoryContext;
	SPIExecuteOptions options;
	int			rc;

	memset(&options, 0, sizeof(options));
	options.params = params;
	options.read_only = read_only;
	options.dest = &receiver->pub;
	rc = SPI_execute_plan_extended(plan, &options);
	/* SPI leaves its own, which ends before the run does */
	MemoryContextSwitchTo(context);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s", SPI_result_code_string(rc));
}

static void
insert_one(WriteShape *shape, RowReceiver *receiver)
{
	WriteRow   *row = receiver->rows[0];
	ParamListInfo params = makeParamList(shape->ncolumns);

	for (int i = 0; i < shape->ncolumns; i++)
	{
		params->params[i].ptype = shape->model->columns[shape->columns[i]].base;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].value = row->values[i];
		params->params[i].isnull = row->nulls[i];
	}
	execute(write_shape_insert(shape, false), params, receiver, false);
}

static void
insert_many(WriteShape *shape, RowReceiver *receiver)
{
	Tuplestorestate *store;
	EphemeralNamedRelationData enr;
	SPIPlanPtr	plan;

	memset(&enr, 0, sizeof(enr));
	if (shape->rows_desc == NULL)
		write_shape_rows(shape);
	store = tuplestore_begin_heap(false, false, work_mem);
	for (int i = 0; i < receiver->nrows; i++)
		tuplestore_putvalues(store, shape->rows_desc, receiver->rows[i]->values,
							 receiver->rows[i]->nulls);
	enr.md.name = WRITE_ROWS;
	enr.md.reliddesc = InvalidOid;
	enr.md.tupdesc = shape->rows_desc;
	enr.md.enrtype = ENR_NAMED_TUPLESTORE;
	enr.md.enrtuples = receiver->nrows;
	enr.reldata = store;
	if (SPI_register_relation(&enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed");
	plan = write_shape_insert(shape, true);
	execute(plan, NULL, receiver, false);
	SPI_unregister_relation(WRITE_ROWS);
	tuplestore_end(store);
}

/* Insert rows of one shape. */
static void
insert_shape(WriteRun *run, WriteShape *shape, WriteRow **rows, int nrows)
{
	RowReceiver receiver;
	ErrorContextCallback callback;

	init_receiver(&receiver, run, rows, nrows, false);
	callback.callback = insert_error_context;
	callback.arg = &receiver;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (nrows == 1)
		insert_one(shape, &receiver);
	else if (table_placement(shape->model->relid) == PLACED_IN_SHARDS)
	{
		error_context_stack = callback.previous;
		/* Citus knows no table of rows that is here alone */
		for (int i = 0; i < nrows; i++)
			insert_shape(run, shape, rows + i, 1);
		return;
	}
	else
		insert_many(shape, &receiver);
	/* which of several it was, nobody knows */
	if (nrows > 1)
		error_context_stack = callback.previous;
	if (receiver.received != nrows)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg(nrows == 1 ? "the row for \"%s\" was not stored"
						: "not all rows for \"%s\" were stored", model_name(shape->model->relid)),
				 errdetail("A trigger or a rule of the table suppressed it.")));
	error_context_stack = callback.previous;
}

/* Rows of one shape, in an array of rows. */
typedef struct ShapeGroup
{
	WriteShape *shape;
	int			first;
	int			n;
} ShapeGroup;

/*
 * Put rows into an array, those of one shape side by side, the shapes in the
 * order in which they come first.  Returns the groups, which are palloc'd.
 * Nothing is executed meanwhile, so that no other call groups the same shapes.
 */
static ShapeGroup *
group_by_shape(List *rows, WriteRow **batch, int *ngroups)
{
	static uint64 groupings = 0;
	uint64		grouping = ++groupings;
	int			capacity = 4;
	ShapeGroup *groups = palloc(sizeof(ShapeGroup) * capacity);
	int			n = 0;
	int			first = 0;
	ListCell   *lc;

	foreach(lc, rows)
	{
		WriteShape *shape = ((WriteRow *) lfirst(lc))->shape;

		if (shape->grouping != grouping)
		{
			if (n == capacity)
			{
				capacity *= 2;
				groups = repalloc(groups, sizeof(ShapeGroup) * capacity);
			}
			shape->grouping = grouping;
			shape->group = n;
			groups[n].shape = shape;
			groups[n++].n = 0;
		}
		groups[shape->group].n++;
	}
	for (int i = 0; i < n; i++)
	{
		groups[i].first = first;
		first += groups[i].n;
		groups[i].n = 0;
	}
	foreach(lc, rows)
	{
		ShapeGroup *group = &groups[((WriteRow *) lfirst(lc))->shape->group];

		batch[group->first + group->n++] = lfirst(lc);
	}
	*ngroups = n;
	return groups;
}

/*
 * Insert rows of one model, one statement for each shape, the shapes in the
 * order in which they come.  SPI must be connected.  Raises what the server
 * raises, with the path of the document, and triggered_action_exception when
 * a row was not stored.
 */
void
write_insert(WriteRun *run, List *rows)
{
	WriteRow  **batch = palloc(sizeof(WriteRow *) * Max(list_length(rows), 1));
	ShapeGroup *groups;
	int			ngroups;
	ListCell   *lc;

	budget_write(run, rows);
	foreach(lc, rows)
		write_set_shape(lfirst(lc));
	groups = group_by_shape(rows, batch, &ngroups);
	for (int i = 0; i < ngroups; i++)
	{
		CHECK_FOR_INTERRUPTS();
		insert_shape(run, groups[i].shape, batch + groups[i].first, groups[i].n);
	}
	pfree(groups);
	pfree(batch);
}

/* An array of one key column of rows. */
static Datum
key_array(WriteRow **rows, int nrows, int k, WriteColumn *column)
{
	Datum	   *values = palloc(sizeof(Datum) * nrows);
	int16		len;
	bool		byval;
	char		align;

	for (int i = 0; i < nrows; i++)
		values[i] = rows[i]->key[k];
	get_typlenbyvalalign(column->base, &len, &byval, &align);
	return PointerGetDatum(construct_array(values, nrows, column->base, len, byval, align));
}

/* Read rows of one shape by their keys; with many by one statement. */
static void
lookup_shape(WriteRun *run, WriteShape *shape, WriteRow **rows, int nrows)
{
	WriteModel *model = shape->model;
	ParamListInfo params = makeParamList(list_length(model->desc->primary_key));
	bool		many = nrows > 1;
	RowReceiver receiver;
	ListCell   *lc;

	foreach(lc, model->desc->primary_key)
	{
		int			k = foreach_current_index(lc);
		WriteColumn *column = &model->columns[write_model_column(model, lfirst(lc))];

		params->params[k].ptype = many ? get_array_type(column->base) : column->base;
		params->params[k].pflags = PARAM_FLAG_CONST;
		params->params[k].value = many ? key_array(rows, nrows, k, column) : rows[0]->key[k];
		params->params[k].isnull = false;
	}
	init_receiver(&receiver, run, rows, nrows, true);
	execute(write_shape_lookup(shape, many), params, &receiver, false);
}

/*
 * Read rows that are named by their keys, all of one model; who is not there
 * is not found.  SPI must be connected.
 */
void
write_lookup(WriteRun *run, List *rows)
{
	WriteRow  **batch = palloc(sizeof(WriteRow *) * Max(list_length(rows), 1));
	ShapeGroup *groups;
	int			ngroups;
	ListCell   *lc;

	foreach(lc, rows)
	{
		((WriteRow *) lfirst(lc))->found = false;
		write_set_shape(lfirst(lc));
	}
	groups = group_by_shape(rows, batch, &ngroups);
	for (int i = 0; i < ngroups; i++)
	{
		WriteRow  **group = batch + groups[i].first;

		CHECK_FOR_INTERRUPTS();
		if (groups[i].n > LOOKUP_EACH)
			lookup_shape(run, groups[i].shape, group, groups[i].n);
		else
			for (int r = 0; r < groups[i].n; r++)
				lookup_shape(run, groups[i].shape, &group[r], 1);
	}
	pfree(groups);
	pfree(batch);
}

/* ---------------------------------------------------------------------
 * Documents
 * ---------------------------------------------------------------------
 */

static void write_stored(DocBuffer *buf, WriteRow *row);

/* The rows that a row's document shows under one relation. */
static List *
nested_rows(WriteRow *row, RelationDesc *relation)
{
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);

		if (link->relation == relation)
			rows = list_concat(list_concat(rows, link->rows), link->shown_rows);
	}
	return rows;
}

static void
write_array(DocBuffer *buf, List *rows)
{
	ContainerState array;
	ListCell   *lc;

	doc_begin_array(buf, &array, list_length(rows));
	foreach(lc, rows)
	{
		Size		member = buf->len;

		write_stored(buf, lfirst(lc));
		doc_end_member(buf, &array, member);
	}
}

/* What a row's document has under one relation. */
static void
write_nested(DocBuffer *buf, ContainerState *state, WriteRow *row, RelationDesc *relation)
{
	Size		base = buf->len;
	List	   *rows = nested_rows(row, relation);

	if (!RELATION_IS_TO_ONE(relation->kind))
		write_array(buf, rows);
	else if (rows == NIL)
	{
		doc_add_null(buf, state);
		return;
	}
	else
		write_stored(buf, llast(rows));
	doc_end_member(buf, state, base);
}

/*
 * What a row's document has under one relation, by itself, in the current
 * memory context; NULL for a null.
 */
Jsonb *
write_relation_of(WriteRow *row, RelationDesc *relation)
{
	List	   *rows = nested_rows(row, relation);
	DocBuffer	buf;

	if (RELATION_IS_TO_ONE(relation->kind) && rows == NIL)
		return NULL;
	doc_init(&buf, 512, &jsonb_format);
	if (RELATION_IS_TO_ONE(relation->kind))
		write_stored(&buf, llast(rows));
	else
		write_array(&buf, rows);
	return DatumGetJsonbP(doc_finish(&buf));
}

static void
write_stored(DocBuffer *buf, WriteRow *row)
{
	WriteShape *shape = row->shape;
	ObjectTemplate *tpl = &shape->tpl;
	ContainerState state;
	JEntry	   *entries;
	const char *data;

	if (tpl->nrelations == 0)
	{
		doc_leaf_object(buf, tpl, row->staged);
		return;
	}
	check_stack_depth();
	entries = STAGED_ENTRIES(row->staged, tpl);
	data = STAGED_DATA(row->staged, tpl);
	doc_begin_object(buf, &state, tpl);
	for (int i = 0; i < tpl->npairs; i++)
	{
		int			relation = ~tpl->source[i];
		Size		base = buf->len;

		if (tpl->source[i] >= 0)
			data = doc_add_scalar(buf, &state, *entries++, data);
		else if (relation == list_length(shape->relations))
		{
			write_stored(buf, row->pivot);
			doc_end_member(buf, &state, base);
		}
		else
			write_nested(buf, &state, row, list_nth(shape->relations, relation));
	}
}

/* The document of a row as it was stored, in the current memory context. */
Jsonb *
write_document_of(pg_attribute_unused() WriteRun *run, WriteRow *row)
{
	DocBuffer	buf;

	doc_init(&buf, 512, &jsonb_format);
	write_stored(&buf, row);
	return DatumGetJsonbP(doc_finish(&buf));
}
