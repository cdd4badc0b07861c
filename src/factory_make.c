/*
 * factory_make.c
 *	  The values of rows that are to be, handed to their statement as the rows
 *	  of a relation that only it sees.
 */
#include "relations.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"

#include "factory_level.h"
#include "write_graph.h"

/* how often numbers begin anew before we give up */
#define MAX_TRIES 64

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
				level_progress(run, node, "made values of", i, n);
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
			fill->kept = level_kept(fill->from, fill->from_column);
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
Tuplestorestate *
level_make_values(FactoryRun *run, FactoryNode *node, TupleDesc desc, int64 n)
{
	FactoryNumbers *numbers = level_numbers(run, node->model->relid);
	List	   *queries = level_clash_queries(node);
	int			ncolumns;
	LevelColumn *columns = level_columns(run, node, &ncolumns);
	Tuplestorestate *store = NULL;
	bool		taken = true;

	level_skip_greatest(run, node, numbers);
	level_skip_taken(run, node);
	for (int tries = 0; taken; tries++)
	{
		ListCell   *lc;

		if (store != NULL)
		{
			SPI_unregister_relation(WRITE_ROWS);
			tuplestore_end(store);
			if (tries == 1)
				numbers->last = Max(numbers->last, level_greatest_in_text(run, node));
			else
				numbers->last += Max(n, numbers->last);
		}
		if (tries > MAX_TRIES || numbers->last > PG_INT64_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("no values are left that rows of \"%s\" do not have", model_name(node->model->relid))));
		store = tuplestore_begin_heap(false, false, work_mem);
		level_begin_choices(node, numbers->last);
		make_rows(run, node, columns, ncolumns, store, desc, node->nrows, n, numbers->last);
		register_rows(store, desc, n);
		taken = false;
		foreach(lc, queries)
		{
			if (!taken && level_run(run, lfirst(lc), NULL, 1) > 0)
				taken = true;
		}
	}
	numbers->last += n;
	return store;
}
