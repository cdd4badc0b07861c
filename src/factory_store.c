/*
 * factory_store.c
 *	  The levels of a factory -> rows, each by one statement.
 *
 * The values of a level are made first, and handed to the statement as the
 * rows of a relation that only it sees.  What it returns comes in their order.
 *
 * That rows differ where they must is by construction: they carry numbers, and
 * no two the same.  That they differ from rows that are there is looked up
 * before anything is stored: whole numbers begin behind the greatest one, and
 * where other values are taken, the numbers begin anew behind all that occur.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "access/genam.h"
#include "access/relation.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "factory.h"
#include "key_operator.h"
#include "write_graph.h"

/* a sign of life after so many microseconds */
#define PROGRESS_INTERVAL (3 * USECS_PER_SEC)

/* of existing rows that parents are taken from, at most so many are looked at */
#define RECYCLED_ROWS 10000

/* how often numbers begin anew before we give up */
#define MAX_TRIES 64

static void store_level(FactoryRun *run, FactoryNode *node, int64 n);

/* ---------------------------------------------------------------------
 * Rows in memory
 * ---------------------------------------------------------------------
 */

static void *
huge_alloc(FactoryRun *run, Size size, int64 n)
{
	return MemoryContextAllocHuge(run->context, size * Max(n, 1));
}

static void *
huge_realloc(FactoryRun *run, void *pointer, Size size, int64 n)
{
	return pointer == NULL ? huge_alloc(run, size, n) : repalloc_huge(pointer, size * Max(n, 1));
}

/* What documents show of the rows of a level, and what is kept of them. */
static void
set_shape(FactoryNode *node)
{
	List	   *relations = NIL;
	bool		pivot = node->pivot != NULL && node->pivot->named && node->named;
	List	   *shown = !node->named ? NIL
		: node->role == NODE_PIVOT ? node->outer->relation->pivot_columns : node->model->shown;
	ListCell   *lc;

	if (node->shape != NULL)
		return;
	foreach(lc, node->parents)
	{
		if (((FactoryNode *) lfirst(lc))->named)
			relations = list_append_unique_ptr(relations, ((FactoryNode *) lfirst(lc))->relation);
	}
	foreach(lc, node->children)
		relations = list_append_unique_ptr(relations, ((FactoryNode *) lfirst(lc))->relation);
	node->shape = write_model_shape(node->model, 0, NULL, relations, node->wanted, shown, pivot);
	node->kept = palloc0(sizeof(Datum *) * Max(node->shape->nkept, 1));
	node->kept_null = palloc0(sizeof(bool *) * Max(node->shape->nkept, 1));
}

/* Make room for n more rows. */
static void
reserve_rows(FactoryRun *run, FactoryNode *node, int64 n)
{
	int64		capacity = node->nrows + n;

	if (capacity > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a factory cannot make more than %d rows of \"%s\" at once", PG_INT32_MAX,
						model_name(node->model->relid))));
	if (capacity <= node->capacity)
		return;
	node->capacity = capacity;
	if (node->named)
		node->staged = huge_realloc(run, node->staged, sizeof(StagedRow *), capacity);
	for (int k = 0; k < node->shape->nkept; k++)
	{
		node->kept[k] = huge_realloc(run, node->kept[k], sizeof(Datum), capacity);
		node->kept_null[k] = huge_realloc(run, node->kept_null[k], sizeof(bool), capacity);
	}
}

/* Take a row as the statement returned it. */
static void
take_row(FactoryRun *run, FactoryNode *node, const Datum *values, const bool *isnull)
{
	WriteShape *shape = node->shape;
	int64		row = node->nrows++;
	MemoryContext old = MemoryContextSwitchTo(run->write->scratch);

	if (node->named)
		node->staged[row] = stage_row(&run->write->arena, &shape->tpl, shape->encoders, shape->positions, values, isnull);
	MemoryContextSwitchTo(run->context);
	for (int k = 0; k < shape->nkept; k++)
	{
		int			position = shape->kept[k];
		WriteColumn *column = &node->model->columns[write_model_column(node->model, list_nth(shape->returned, position))];

		node->kept_null[k][row] = isnull[position];
		node->kept[k][row] = isnull[position] ? (Datum) 0 : datumCopy(values[position], column->byval, column->len);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->write->scratch);
}

/* The place of a column among what is kept of a level. */
static int
kept_place(FactoryNode *node, const char *column)
{
	WriteShape *shape = node->shape;

	for (int k = 0; k < shape->nkept; k++)
	{
		if (strcmp(list_nth(shape->returned, shape->kept[k]), column) == 0)
			return k;
	}
	elog(ERROR, "column \"%s\" of \"%s\" was not kept", column, model_name(node->model->relid));
}

/* ---------------------------------------------------------------------
 * Statements
 * ---------------------------------------------------------------------
 */

/* Receives the rows that a statement returns, for a level. */
typedef struct LevelReceiver
{
	DestReceiver pub;
	FactoryRun *run;
	FactoryNode *node;
	int64		expected;
	int64		received;
	bool		counts;			/* they are new */
} LevelReceiver;

/* Long work says now and then how far it is. */
static void
tell_progress(FactoryRun *run, FactoryNode *node, const char *what, int64 done, int64 total)
{
	int64		now;

	if (!relations_progress)
		return;
	now = GetCurrentTimestamp();
	if (now - run->told < PROGRESS_INTERVAL)
		return;
	run->told = now;
	ereport(NOTICE,
			(errmsg("%s " INT64_FORMAT " of " INT64_FORMAT " rows of \"%s\", " INT64_FORMAT " rows in all",
					what, done, total, model_name(node->model->relid), run->stored)));
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	LevelReceiver *receiver = (LevelReceiver *) self;

	receiver->received++;
	if (receiver->received > receiver->expected)
		return true;
	slot_getallattrs(slot);
	take_row(receiver->run, receiver->node, slot->tts_values, slot->tts_isnull);
	if (receiver->counts)
	{
		receiver->run->stored++;
		if (receiver->received % 1024 == 0)
			tell_progress(receiver->run, receiver->node, receiver->run->dry ? "made" : "stored",
						  receiver->received, receiver->expected);
	}
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
init_receiver(LevelReceiver *receiver, FactoryRun *run, FactoryNode *node, int64 expected, bool counts)
{
	memset(receiver, 0, sizeof(LevelReceiver));
	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = receive_done;
	receiver->pub.rDestroy = receive_done;
	receiver->pub.mydest = DestNone;
	receiver->run = run;
	receiver->node = node;
	receiver->expected = expected;
	receiver->counts = counts;
}

/* The row at which a statement is: as many have come back. */
static void
level_error_context(void *arg)
{
	LevelReceiver *receiver = arg;
	const char *path = receiver->node->path;

	if (geterrcode() == ERRCODE_CHECK_VIOLATION || geterrcode() == ERRCODE_NOT_NULL_VIOLATION)
		errhint("Say what the values are: SELECT relations.define_factory(%s, '{\"%s\": ...}');",
				quote_literal_cstr(model_name(receiver->node->model->relid)),
				receiver->run->making != NULL ? receiver->run->making : "...");
	if (receiver->run->making != NULL)
		errcontext("value of column \"%s\" in factory row " INT64_FORMAT " of \"%s\"%s%s%s", receiver->run->making,
				   receiver->run->row, model_name(receiver->node->model->relid),
				   path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "");
	else if (receiver->received < receiver->expected)
		errcontext("factory rows of \"%s\"%s%s%s, row " INT64_FORMAT, model_name(receiver->node->model->relid),
				   path[0] != '\0' ? " (" : "", path, path[0] != '\0' ? ")" : "", receiver->received + 1);
	else
		errcontext("factory rows of \"%s\"", model_name(receiver->node->model->relid));
}

/* Run a statement; its rows go to the receiver, or none are wanted. */
static uint64
run_statement(FactoryRun *run, const char *sql, LevelReceiver *receiver, long limit)
{
	SPIExecuteOptions options;
	int			rc;

	memset(&options, 0, sizeof(options));
	options.tcount = limit;
	if (receiver != NULL)
		options.dest = &receiver->pub;
	rc = SPI_execute_extended(sql, &options);
	/* SPI leaves its own, which ends before the run does */
	MemoryContextSwitchTo(run->context);
	if (rc < 0)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

/* The one value that a statement returns, as a whole number; 0 when it is null. */
static int64
whole_of(FactoryRun *run, const char *sql)
{
	bool		isnull;
	int64		result;

	if (run_statement(run, sql, NULL, 1) == 0)
		return 0;
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return isnull ? 0 : result;
}

/* ---------------------------------------------------------------------
 * Numbers
 * ---------------------------------------------------------------------
 */

static FactoryNumbers *
numbers_of(FactoryRun *run, Oid relid)
{
	FactoryNumbers *numbers;
	ListCell   *lc;

	foreach(lc, run->numbers)
	{
		numbers = lfirst(lc);
		if (numbers->relid == relid)
			return numbers;
	}
	numbers = palloc0(sizeof(FactoryNumbers));
	numbers->relid = relid;
	run->numbers = lappend(run->numbers, numbers);
	return numbers;
}

static bool
may_select(FactoryNode *node, int index)
{
	Oid			relid = node->model->relid;

	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, index + 1, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static bool
is_whole(Oid base)
{
	return base == INT2OID || base == INT4OID || base == INT8OID;
}

/* Is the number of the row a whole number that the column holds? */
static bool
holds_number(FactoryFill *fill)
{
	return fill->kind == FILL_RULE && fill->rule->numbered && !fill->by_slot && fill->rule->nvalues == 0 &&
		fill->rule->make == value_make_whole && is_whole(fill->rule->base);
}

/* Begin behind the greatest number that is there. */
static void
skip_greatest(FactoryRun *run, FactoryNode *node, FactoryNumbers *numbers)
{
	WriteModel *model = node->model;

	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (model->columns[i].name != NULL && holds_number(fill) && may_select(node, i))
		{
			int64		most = whole_of(run, psprintf("SELECT pg_catalog.max(%s)::pg_catalog.int8 FROM %s",
													  quote_identifier(model->columns[i].name),
													  quoted_model_name(model->relid)));

			numbers->last = Max(numbers->last, most - fill->rule->low + 1);
		}
	}
}

/* Receives one column, whose values are no longer to be had. */
typedef struct TakenReceiver
{
	DestReceiver pub;
	ValueRule  *rule;
	WriteColumn *column;
} TakenReceiver;

static bool
receive_taken(TupleTableSlot *slot, DestReceiver *self)
{
	TakenReceiver *receiver = (TakenReceiver *) self;
	ValueRule  *rule = receiver->rule;

	slot_getallattrs(slot);
	for (int i = 0; i < rule->nvalues && !slot->tts_isnull[0]; i++)
	{
		if (rule->nulls != NULL && rule->nulls[i])
			continue;
		if (datum_image_eq(rule->values[i], slot->tts_values[0], receiver->column->byval, receiver->column->len))
		{
			/* the order of the others stays */
			for (int k = i + 1; k < rule->nvalues; k++)
			{
				rule->values[k - 1] = rule->values[k];
				if (rule->nulls != NULL)
					rule->nulls[k - 1] = rule->nulls[k];
			}
			rule->nvalues--;
			break;
		}
	}
	return true;
}

/* Of the values that a column has to choose from, those that are there are taken. */
static void
skip_taken(FactoryRun *run, FactoryNode *node)
{
	WriteModel *model = node->model;

	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		TakenReceiver receiver;
		SPIExecuteOptions options;

		if (model->columns[i].name == NULL || fill->kind != FILL_RULE || fill->rule->nvalues == 0 ||
			!fill->rule->numbered || fill->by_slot || !may_select(node, i))
			continue;
		memset(&receiver, 0, sizeof(receiver));
		receiver.pub.receiveSlot = receive_taken;
		receiver.pub.rStartup = receive_startup;
		receiver.pub.rShutdown = receive_done;
		receiver.pub.rDestroy = receive_done;
		receiver.pub.mydest = DestNone;
		receiver.rule = fill->rule;
		receiver.column = &model->columns[i];
		memset(&options, 0, sizeof(options));
		options.dest = &receiver.pub;
		if (SPI_execute_extended(psprintf("SELECT DISTINCT %s FROM %s", quote_identifier(model->columns[i].name),
										  quoted_model_name(model->relid)), &options) < 0)
			elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(SPI_result));
		MemoryContextSwitchTo(run->context);
		if (fill->rule->nvalues == 0)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("all values that a factory has for column \"%s\" of \"%s\" are taken",
							model->columns[i].name, model_name(model->relid))));
		fill->rule->capacity = fill->rule->nvalues;
	}
}

/* The choices of a batch begin with its first number. */
static void
begin_choices(FactoryNode *node, int64 number)
{
	for (int i = 0; i < node->model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (fill->kind == FILL_RULE && fill->rule->nvalues > 0 && fill->rule->numbered)
			fill->rule->low = fill->by_slot ? 0 : number;
	}
}

/* Receives one column of text, for the greatest number that occurs in it. */
typedef struct DigitsReceiver
{
	DestReceiver pub;
	int64		most;
} DigitsReceiver;

static bool
receive_digits(TupleTableSlot *slot, DestReceiver *self)
{
	DigitsReceiver *receiver = (DigitsReceiver *) self;
	text	   *value;
	char	   *p;
	char	   *end;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return true;
	value = DatumGetTextPP(slot->tts_values[0]);
	p = VARDATA_ANY(value);
	end = p + VARSIZE_ANY_EXHDR(value);
	while (p < end)
	{
		int64		number = 0;
		int			digits = 0;

		for (; p < end && *p >= '0' && *p <= '9'; p++, digits++)
			number = digits < 15 ? number * 10 + (*p - '0') : 0;
		if (digits == 0)
			p++;
		else if (digits <= 15)
			receiver->most = Max(receiver->most, number);
	}
	return true;
}

/* The greatest number that occurs in the numbered columns of text. */
static int64
greatest_in_text(FactoryRun *run, FactoryNode *node)
{
	WriteModel *model = node->model;
	DigitsReceiver receiver;

	memset(&receiver, 0, sizeof(receiver));
	receiver.pub.receiveSlot = receive_digits;
	receiver.pub.rStartup = receive_startup;
	receiver.pub.rShutdown = receive_done;
	receiver.pub.rDestroy = receive_done;
	receiver.pub.mydest = DestNone;
	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		SPIExecuteOptions options;

		if (model->columns[i].name == NULL || fill->kind != FILL_RULE || !fill->rule->numbered || fill->by_slot ||
			(fill->rule->base != TEXTOID && fill->rule->base != VARCHAROID) || !may_select(node, i))
			continue;
		memset(&options, 0, sizeof(options));
		options.dest = &receiver.pub;
		if (SPI_execute_extended(psprintf("SELECT %s::pg_catalog.text FROM %s", quote_identifier(model->columns[i].name),
										  quoted_model_name(model->relid)), &options) < 0)
			elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(SPI_result));
		MemoryContextSwitchTo(run->context);
	}
	return receiver.most;
}

/*
 * SQL that finds a row of WRITE_ROWS whose values in the columns of a unique
 * index are taken; NULL when the index has a column that rules do not make, or
 * no column that carries a number which has to be looked up.
 */
static char *
clash_query(FactoryNode *node, Relation index)
{
	Form_pg_index form = index->rd_index;
	WriteModel *model = node->model;
	StringInfoData sql;
	bool		carries = false;

	if (!form->indisunique)
		return NULL;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s AS r JOIN %s AS c ON ", WRITE_ROWS, quoted_model_name(model->relid));
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		int			column = form->indkey.values[i] - 1;
		FactoryFill *fill;
		Oid			type;

		if (column < 0)
			return NULL;
		fill = &node->fills[column];
		if ((fill->kind != FILL_RULE && fill->kind != FILL_KEY) || !may_select(node, column))
			return NULL;
		carries = carries || (fill->kind == FILL_RULE && fill->rule->numbered && !fill->by_slot &&
							  fill->rule->nvalues == 0 && !holds_number(fill));
		type = model->columns[column].base;
		appendStringInfo(&sql, "%sc.%s %s r.%s", i > 0 ? " AND " : "", quote_identifier(model->columns[column].name),
						 strategy_operator(type, type, BTEqualStrategyNumber),
						 quote_identifier(model->columns[column].name));
	}
	appendStringInfoString(&sql, " LIMIT 1");
	return carries ? sql.data : NULL;
}

/* SQL for each unique index whose values have to be looked up. */
static List *
clash_queries(FactoryNode *node)
{
	Relation	rel = relation_open(node->model->relid, NoLock);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		char	   *sql = clash_query(node, index);

		index_close(index, AccessShareLock);
		if (sql != NULL)
			result = lappend(result, sql);
	}
	relation_close(rel, NoLock);
	return result;
}

/* ---------------------------------------------------------------------
 * Values
 * ---------------------------------------------------------------------
 */

/* A column of a level, as its rows are made. */
typedef struct LevelColumn
{
	FactoryFill *fill;
	WriteColumn *column;
	WriteColumn *from;			/* of a key */
	uint64		key;			/* see ValueDraw */
} LevelColumn;

/* The place of a row among the rows that its own merged values are given for. */
static int64
slot_of(FactoryNode *node, int64 row)
{
	FactoryNode *links = node->role == NODE_PIVOT ? node->outer : node;

	if (links->role == NODE_CHILD)
		return row - links->first[links->owner[row]];
	return row;
}

static Datum
key_value(FactoryNode *node, LevelColumn *c, int64 row, bool *isnull)
{
	FactoryFill *fill = c->fill;
	int64		place = (*fill->places)[row];
	Datum		value;

	*isnull = place < 0 || fill->from->kept_null[fill->kept][place];
	if (*isnull && place >= 0 && fill->from == node->outer)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of \"%s\" is null, so relation \"%s\" cannot have rows", fill->from_column,
						model_name(fill->from->model->relid), node->relation->name)));
	if (*isnull)
		return (Datum) 0;
	value = fill->from->kept[fill->kept][place];
	if (c->from->type != c->column->type)
		value = write_convert_key(value, c->from->type, c->column);
	return value;
}

/* Make the values of rows of a level from first on into a tuplestore. */
static void
make_rows(FactoryRun *run, FactoryNode *node, LevelColumn *columns, int ncolumns, Tuplestorestate *store,
		  TupleDesc desc, int64 first, int64 n, int64 number)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	MemoryContext old = MemoryContextSwitchTo(run->scratch);
	ValueDraw	draw;

	draw.buf = &run->buf;
	for (int64 i = 0; i < n; i++)
	{
		int64		row = first + i;
		int64		slot = -1;
		int			flags = ncolumns;

		if (i % 256 == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(run->scratch);
			if (i % 4096 == 0)
				tell_progress(run, node, "made values of", i, n);
		}
		run->row = row + 1;
		for (int k = 0; k < ncolumns; k++)
		{
			FactoryFill *fill = columns[k].fill;
			bool		merged = false;

			run->making = columns[k].column->name;
			if (slot < 0 && (fill->nmerged > 0 || fill->by_slot))
				slot = slot_of(node, row);
			if (fill->nmerged > 0)
			{
				merged = slot < fill->nmerged && fill->merged_set[slot];
			}
			draw.number = fill->by_slot ? slot + 1 : number + i + 1;
			if (merged)
			{
				values[k] = fill->merged[slot];
				nulls[k] = fill->merged_null[slot];
			}
			else if (fill->kind == FILL_KEY)
				values[k] = key_value(node, &columns[k], row, &nulls[k]);
			else if (fill->kind == FILL_RULE && (fill->places == NULL || (*fill->places)[row] >= 0))
			{
				draw.state = draw_state(run->seed, fill->salt, (uint64) row);
				draw.key = columns[k].key;
				values[k] = value_make(fill->rule, &draw, &nulls[k]);
			}
			else
			{
				values[k] = (Datum) 0;
				nulls[k] = true;
			}
			if (fill->nmerged > 0 && fill->kind != FILL_RULE && fill->kind != FILL_KEY)
			{
				values[flags] = BoolGetDatum(merged);
				nulls[flags++] = false;
			}
		}
		run->making = NULL;
		tuplestore_putvalues(store, desc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}

/* The columns of a level that rules make, in the order of WRITE_ROWS. */
static LevelColumn *
level_columns(FactoryRun *run, FactoryNode *node, int *n)
{
	WriteModel *model = node->model;
	LevelColumn *columns = palloc0(sizeof(LevelColumn) * Max(model->ncolumns, 1));

	*n = 0;
	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		LevelColumn *c = &columns[*n];

		if (model->columns[i].name == NULL ||
			(fill->kind != FILL_RULE && fill->kind != FILL_KEY && fill->nmerged == 0))
			continue;
		c->fill = fill;
		c->column = &model->columns[i];
		c->key = mix64(run->seed ^ draw_salt(0, model->columns[i].name));
		if (fill->kind == FILL_KEY)
		{
			fill->kept = kept_place(fill->from, fill->from_column);
			c->from = &fill->from->model->columns[write_model_column(fill->from->model, fill->from_column)];
		}
		(*n)++;
	}
	return columns;
}

static void
register_rows(Tuplestorestate *store, TupleDesc desc, int64 n)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	enr->md.name = WRITE_ROWS;
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = (double) n;
	enr->reldata = store;
	if (SPI_register_relation(enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed");
}

/*
 * Make the values of n more rows of a level, none of which is taken where it
 * has to be another; they are WRITE_ROWS then.
 */
static Tuplestorestate *
make_values(FactoryRun *run, FactoryNode *node, TupleDesc desc, int64 n)
{
	FactoryNumbers *numbers = numbers_of(run, node->model->relid);
	List	   *queries = clash_queries(node);
	int			ncolumns;
	LevelColumn *columns = level_columns(run, node, &ncolumns);
	Tuplestorestate *store = NULL;
	bool		taken = true;

	skip_greatest(run, node, numbers);
	skip_taken(run, node);
	for (int tries = 0; taken; tries++)
	{
		ListCell   *lc;

		if (store != NULL)
		{
			SPI_unregister_relation(WRITE_ROWS);
			tuplestore_end(store);
			if (tries == 1)
				numbers->last = Max(numbers->last, greatest_in_text(run, node));
			else
				numbers->last += Max(n, numbers->last);
		}
		if (tries > MAX_TRIES)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("no values are left that rows of \"%s\" do not have", model_name(node->model->relid))));
		store = tuplestore_begin_heap(false, false, work_mem);
		begin_choices(node, numbers->last);
		make_rows(run, node, columns, ncolumns, store, desc, node->nrows, n, numbers->last);
		register_rows(store, desc, n);
		taken = false;
		foreach(lc, queries)
		{
			if (!taken && run_statement(run, lfirst(lc), NULL, 1) > 0)
				taken = true;
		}
	}
	numbers->last += n;
	return store;
}

/* ---------------------------------------------------------------------
 * Levels
 * ---------------------------------------------------------------------
 */

/* The rows of a level that are there already, at most so many; how many. */
static int64
take_existing(FactoryRun *run, FactoryNode *node, int64 limit)
{
	WriteModel *model = node->model;
	LevelReceiver receiver;
	StringInfoData sql;
	ListCell   *a;
	ListCell   *b;

	set_shape(node);
	reserve_rows(run, node, limit);
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
	init_receiver(&receiver, run, node, limit, false);
	run_statement(run, sql.data, &receiver, 0);
	return node->nrows;
}

/* The numbers below n in an order of the seed's choice. */
static int64 *
shuffled(FactoryRun *run, FactoryNode *node, int64 n)
{
	int64	   *order = huge_alloc(run, sizeof(int64), n);
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

	/* rows that were there before have no need of it */
	parent->place = huge_alloc(run, sizeof(int64), first + n);
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

	child->first = huge_alloc(run, sizeof(int64), outer->nrows + 1);
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
	child->owner = huge_alloc(run, sizeof(int64), n);
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
	child->place = huge_alloc(run, sizeof(int64), n);
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

	set_shape(child);
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
			child->place = huge_alloc(run, sizeof(int64), n);
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
	foreach(lc, node->parents)
		place_parents(run, node, lfirst(lc), n);
	set_shape(node);
	reserve_rows(run, node, n);
	init_receiver(&receiver, run, node, n, true);
	callback.callback = level_error_context;
	callback.arg = &receiver;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	sql = factory_statement(run, node, &desc);
	store = make_values(run, node, desc, n);
	run_statement(run, sql, &receiver, 0);
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
