/*
 * factory_store.c
 *	  The levels of a factory -> rows, each by one statement: what rows refer to
 *	  before them, what belongs to them after.
 */
#include "relations.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "factory_level.h"
#include "key_operator.h"
#include "placement.h"

/* of existing rows that parents are taken from, at most so many are looked at */
#define RECYCLED_ROWS 10000

static void store_level(FactoryRun *run, FactoryNode *node, int64 n);

/* The rows of a level that are there already, at most so many; how many. */
static int64
take_existing(FactoryRun *run, FactoryNode *node, int64 limit)
{
	WriteModel *model = node->model;
	LevelReceiver receiver;
	StringInfoData sql;
	ListCell   *a;
	ListCell   *b;

	level_set_shape(node);
	level_reserve(run, node, limit);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	foreach(a, node->shape->returned)
		appendStringInfo(&sql, "%sc.%s", foreach_current_index(a) > 0 ? ", " : "", quote_identifier(lfirst(a)));
	appendStringInfo(&sql, "%s FROM %s AS c", node->shape->returned == NIL ? "1" : "", quoted_model_name(model->relid));
	foreach(a, node->columns)
		appendStringInfo(&sql, "%sc.%s IS NOT NULL", foreach_current_index(a) > 0 ? " AND " : " WHERE ",
						 quote_identifier(lfirst(a)));
	if (node->one_to_one)
	{
		appendStringInfo(&sql, "%sNOT EXISTS (SELECT 1 FROM %s AS o WHERE ", node->columns != NIL ? " AND " : " WHERE ",
						 quoted_model_name(node->outer->model->relid));
		forboth(a, node->outer_columns, b, node->columns)
			appendStringInfo(&sql, "%so.%s %s c.%s", foreach_current_index(a) > 0 ? " AND " : "", quote_identifier(lfirst(a)),
							 column_equality(node->outer->model->relid, lfirst(a), model->relid, lfirst(b)),
							 quote_identifier(lfirst(b)));
		appendStringInfoChar(&sql, ')');
	}
	foreach(a, model->desc->primary_key)
		appendStringInfo(&sql, "%sc.%s", foreach_current_index(a) > 0 ? ", " : " ORDER BY ", quote_identifier(lfirst(a)));
	appendStringInfo(&sql, " LIMIT " INT64_FORMAT, limit);
	level_receiver_init(&receiver, run, node, limit, false);
	level_run(run, sql.data, &receiver.pub, 0);
	return node->nrows;
}

/* The numbers below n in an order of the seed's choice. */
static int64 *
shuffled(FactoryRun *run, FactoryNode *node, int64 n)
{
	int64	   *order = level_alloc(run, sizeof(int64), n);
	ValueDraw	draw;

	draw.state = draw_state(run->seed, draw_salt(node->salt, "recycle"), 0);
	for (int64 i = 0; i < n; i++)
	{
		int64		j = (int64) draw_below(&draw, (uint64) i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

/* The parents of n more rows of a level, and which is whose. */
static void
place_parents(FactoryRun *run, FactoryNode *node, FactoryNode *parent, int64 n)
{
	int64		first = node->nrows;
	int64		existing = 0;
	int64		needed = 0;
	int64	   *order = NULL;
	ValueDraw	draw;

	level_set_shape(parent);
	/* rows that were there before have no need of it */
	parent->place = level_alloc(run, sizeof(int64), first + n);
	for (int64 i = 0; i < first; i++)
		parent->place[i] = -1;
	for (int64 i = first; i < first + n; i++)
	{
		draw.state = draw_state(run->seed, draw_salt(parent->salt, "count"), (uint64) i);
		parent->place[i] = draw_between(&draw, parent->least, parent->most) > 0 ? needed++ : -1;
	}
	if (parent->recycle_rows && needed > 0)
	{
		existing = take_existing(run, parent, parent->one_to_one ? needed : RECYCLED_ROWS);
		order = shuffled(run, parent, existing);
	}
	if (existing == 0 && needed > 0 && parent->must_exist)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no row of \"%s\" that rows of \"%s\" could refer to", model_name(parent->model->relid),
						model_name(node->model->relid)),
				 errhint("Insert one first: a factory cannot make rows that need each other.")));
	for (int64 i = first; i < first + n; i++)
	{
		int64		place = parent->place[i];

		if (place >= 0 && existing > 0 && (place < existing || !parent->one_to_one))
			parent->place[i] = order[place % existing];
	}
	if (needed > existing && (existing == 0 || parent->one_to_one))
	{
		if (parent->recycle_rows)
		{
			if (parent->must_exist)
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("there are only " INT64_FORMAT " rows of \"%s\" that rows of \"%s\" could refer to", existing,
								model_name(parent->model->relid), model_name(node->model->relid))));
			parent->recycle_rows = false;
			factory_prepare(run, parent);
		}
		store_level(run, parent, needed - existing);
	}
}

/* The rows of outer and how many of a child each gets; the sum. */
static int64
place_children(FactoryRun *run, FactoryNode *outer, FactoryNode *child)
{
	int64		n = 0;
	int64		link = 0;
	uint64		salt = draw_salt(child->salt, "count");
	ValueDraw	draw;

	child->first = level_alloc(run, sizeof(int64), outer->nrows + 1);
	for (int64 i = 0; i < outer->nrows; i++)
	{
		child->first[i] = n;
		draw.state = draw_state(run->seed, salt, (uint64) i);
		n += child->least == child->most ? child->most : draw_between(&draw, child->least, child->most);
		if (n > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a factory cannot make more than %d rows of \"%s\" at once", PG_INT32_MAX,
							model_name(child->model->relid))));
	}
	child->first[outer->nrows] = n;
	child->owner = level_alloc(run, sizeof(int64), n);
	for (int64 i = 0; i < outer->nrows; i++)
	{
		for (; link < child->first[i + 1]; link++)
			child->owner[link] = i;
	}
	return n;
}

/* Join rows of outer with rows that are there, no row twice with the same. */
static int64
place_existing(FactoryRun *run, FactoryNode *outer, FactoryNode *child, int64 n)
{
	int64		existing = take_existing(run, child, RECYCLED_ROWS);
	int64	   *order = shuffled(run, child, existing);
	int64		next = 0;
	int64		link = 0;

	if (existing == 0)
		return -1;
	child->place = level_alloc(run, sizeof(int64), n);
	for (int64 i = 0; i < outer->nrows; i++)
	{
		int64		count = Min(child->first[i + 1] - child->first[i], existing);
		int64		first = link;

		for (int64 k = 0; k < count; k++, link++)
		{
			child->place[link] = order[next++ % existing];
			child->owner[link] = i;
		}
		child->first[i] = first;
	}
	child->first[outer->nrows] = link;
	return link;
}

/* What belongs to the rows of a level. */
static void
store_children(FactoryRun *run, FactoryNode *outer, FactoryNode *child)
{
	int64		n = place_children(run, outer, child);
	int64		links = -1;

	level_set_shape(child);
	if (child->recycle_rows && n > 0)
		links = place_existing(run, outer, child, n);
	if (links >= 0)
		n = links;
	else
	{
		if (child->recycle_rows && n > 0)
			factory_prepare(run, child);
		if (n > 0)
			store_level(run, child, n);
		if (child->pivot != NULL)
		{
			child->place = level_alloc(run, sizeof(int64), n);
			for (int64 i = 0; i < n; i++)
				child->place[i] = i;
		}
	}
	if (child->pivot != NULL && n > 0)
		store_level(run, child->pivot, n);
}

/*
 * Make n more rows of a level, what they refer to before them and what
 * belongs to them after.
 */
static void
store_level(FactoryRun *run, FactoryNode *node, int64 n)
{
	LevelReceiver receiver;
	ErrorContextCallback callback;
	Tuplestorestate *store;
	TupleDesc	desc;
	char	   *sql;
	ListCell   *lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (!run->dry && table_placement(node->model->relid) == PLACED_IN_SHARDS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a factory cannot store rows in \"%s\", which Citus distributes",
						model_name(node->model->relid)),
				 errhint("Make them by relations.factory_make, and store them by relations.create_many.")));
	foreach(lc, node->parents)
		place_parents(run, node, lfirst(lc), n);
	level_set_shape(node);
	level_reserve(run, node, n);
	level_receiver_init(&receiver, run, node, n, true);
	callback.callback = level_error_context;
	callback.arg = &receiver;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sql = factory_statement(run, node, &desc);
	store = level_make_values(run, node, desc, n);
	level_run(run, sql, &receiver.pub, 0);
	SPI_unregister_relation(WRITE_ROWS);
	tuplestore_end(store);
	if (receiver.received != n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg(INT64_FORMAT " rows of \"%s\" were to be made, but " INT64_FORMAT " were", n,
						model_name(node->model->relid), receiver.received),
				 errdetail("A trigger or a rule of the table, or an expression of its factory, made rows more or fewer.")));
	error_context_stack = callback.previous;
	foreach(lc, node->children)
		store_children(run, node, lfirst(lc));
}

/*
 * Make the rows of all levels.  SPI must be connected.  Raises what the server
 * raises, with the level and the row in its context,
 * object_not_in_prerequisite_state when rows would have to be there that are
 * not, and triggered_action_exception when a row was not stored.
 */
void
factory_store(FactoryRun *run)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->told = GetCurrentTimestamp();
	initStringInfo(&run->buf);
	factory_prepare(run, run->root);
	if (run->root->most > 0)
		store_level(run, run->root, run->root->most);
	MemoryContextSwitchTo(old);
}
