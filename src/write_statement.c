/*
 * write_statement.c
 *	  A statement that is put together as it is needed, with its parameters.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"

#include "key_operator.h"
#include "write_statement.h"

/* Start an empty statement, in the current memory context. */
void
statement_init(WriteStatement *statement)
{
	memset(statement, 0, sizeof(WriteStatement));
	initStringInfo(&statement->sql);
}

/* Append a parameter: its number to the text, its value to the values. */
void
statement_param(WriteStatement *statement, Oid type, Datum value, bool isnull)
{
	if (statement->nparams == statement->capacity)
	{
		int			n = statement->capacity = Max(8, statement->capacity * 2);

		if (statement->types == NULL)
		{
			statement->types = palloc(sizeof(Oid) * n);
			statement->values = palloc(sizeof(Datum) * n);
			statement->nulls = palloc(n);
		}
		else
		{
			statement->types = repalloc(statement->types, sizeof(Oid) * n);
			statement->values = repalloc(statement->values, sizeof(Datum) * n);
			statement->nulls = repalloc(statement->nulls, n);
		}
	}
	statement->types[statement->nparams] = type;
	statement->values[statement->nparams] = value;
	statement->nulls[statement->nparams] = isnull ? 'n' : ' ';
	appendStringInfo(&statement->sql, "$%d", ++statement->nparams);
}

static WriteColumn *
column_of(WriteModel *model, const char *name)
{
	return &model->columns[write_model_column(model, name)];
}

/* Append that the primary key of alias is that of a row. */
void
statement_key(WriteStatement *statement, WriteRow *row, const char *alias)
{
	ListCell   *lc;

	foreach(lc, row->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		Oid			type = column_of(row->model, lfirst(lc))->base;

		appendStringInfo(&statement->sql, "%s%s.%s %s ", i > 0 ? " AND " : "", alias,
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber));
		statement_param(statement, type, row->key[i], false);
	}
}

/* Append that columns of alias, of a table, are those of the owner. */
static void
append_refers(WriteStatement *statement, Oid relid, List *columns, RelationDesc *relation,
			  WriteRow *owner, const char *alias)
{
	ListCell   *c;
	ListCell   *o;

	forboth(c, columns, o, relation->own_columns)
	{
		Oid			type = get_atttype(relid, require_column(relid, lfirst(c), NULL));
		Oid			own = column_of(owner->model, lfirst(o))->base;
		bool		isnull;
		Datum		value = write_row_kept(owner, lfirst(o), &isnull);

		appendStringInfo(&statement->sql, "%s%s.%s %s ", foreach_current_index(c) > 0 ? " AND " : "",
						 alias, quote_identifier(lfirst(c)),
						 strategy_operator(type, own, BTEqualStrategyNumber));
		statement_param(statement, own, value, isnull);
	}
}

/* Append that a row of the pivot, called alias, refers to the owner. */
void
statement_pivot(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
				const char *alias)
{
	append_refers(statement, relation->via, relation->via_own_columns, relation, owner, alias);
}

/* Append that a related row, called alias, is one that the owner has. */
void
statement_owned(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
				const char *alias)
{
	ListCell   *v;
	ListCell   *c;

	if (!OidIsValid(relation->via))
	{
		append_refers(statement, relation->related, relation->other_columns, relation, owner, alias);
		return;
	}
	appendStringInfo(&statement->sql, "EXISTS (SELECT 1 FROM %s AS v WHERE ",
					 quoted_model_name(relation->via));
	statement_pivot(statement, relation, owner, "v");
	forboth(v, relation->via_other_columns, c, relation->other_columns)
	{
		Oid			v_type = get_atttype(relation->via, require_column(relation->via, lfirst(v), NULL));
		Oid			c_type = get_atttype(relation->related,
										 require_column(relation->related, lfirst(c), NULL));

		appendStringInfo(&statement->sql, " AND v.%s %s %s.%s", quote_identifier(lfirst(v)),
						 strategy_operator(v_type, c_type, BTEqualStrategyNumber), alias,
						 quote_identifier(lfirst(c)));
	}
	appendStringInfoChar(&statement->sql, ')');
}

/* Run the statement; the number of its rows.  SPI must be connected. */
uint64
statement_run(WriteStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	int			rc = SPI_execute_with_args(statement->sql.data, statement->nparams,
										   statement->types, statement->values, statement->nulls,
										   false, 0);

	/* SPI leaves its own, which ends before a run does */
	MemoryContextSwitchTo(context);
	if (rc < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}
