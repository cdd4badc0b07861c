/*
 * write_remove.c
 *	  Rows that are let go, or deleted.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "utils/lsyscache.h"

#include "key_operator.h"
#include "write_change.h"
#include "write_order.h"
#include "write_statement.h"

/* The columns by which a related row refers to its owner, set to null. */
static void
append_nulls(StringInfo sql, RelationDesc *relation)
{
	List	   *columns = relation->other_columns;
	ListCell   *lc;

	if (relation->morph != NULL)
		columns = lcons(relation->morph_type_column, list_copy(relation->morph_id_columns));
	foreach(lc, columns)
		appendStringInfo(sql, "%s%s = NULL", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
}

/* A statement that is part of an operation on a relation: errors name it; "" is none. */
void
write_begin_statement(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
					  const char *operation)
{
	statement_init(statement);
	if (operation == NULL)
		return;
	statement->row = owner;
	statement->key = operation[0] == '\0' ? relation->name
		: psprintf("%s.%s", relation->name, operation);
}

/*
 * Run a statement that changes the row that row names, or with NULL any number
 * of rows, and return how many it changed.
 */
static uint64
run_for_row(WriteStatement *statement, WriteRow *row)
{
	uint64		n = statement_run(statement);

	if (row != NULL)
		write_require_one(row, n);
	return n;
}

/*
 * Let related rows of the owner go: the one that row names, or with NULL all
 * but those of except.  The rows stay, and refer to nothing any more; of a
 * pivot its rows go.  The number of rows that went; errors name the operation,
 * if there is one.
 */
uint64
write_let_go(RelationDesc *relation, WriteRow *owner, WriteRow *row, List *except,
			 const char *operation)
{
	WriteStatement statement;
	bool		ordered = false;

	if (OidIsValid(relation->via) && row != NULL)
		write_require_unique(row);
	write_begin_statement(&statement, relation, owner, operation);
	if (OidIsValid(relation->via))
	{
		List	   *columns = NIL;
		ListCell   *v;
		ListCell   *c;

		appendStringInfo(&statement.sql, "DELETE FROM %s AS p", quoted_model_name(relation->via));
		if (row == NULL)
			ordered = statement_begin_where(&statement, relation->via, "p", true);
		else
			appendStringInfoString(&statement.sql, " WHERE ");
		statement_pivot(&statement, relation, owner, "p");
		if (row != NULL && except == NIL && relation->scope == NULL)
			columns = statement_pivot_key(relation, row->model);
		foreach(v, columns)
		{
			Oid			type = get_atttype(relation->via, require_column(relation->via, lfirst(v), NULL));

			appendStringInfo(&statement.sql, " AND p.%s %s ", quote_identifier(lfirst(v)),
							 strategy_operator(type, type, BTEqualStrategyNumber));
			statement_param(&statement, getBaseType(type), row->key[foreach_current_index(v)], false);
		}
		if (columns != NIL)
			;
		else if (row != NULL || except != NIL || relation->scope != NULL)
		{
			appendStringInfo(&statement.sql, " AND EXISTS (SELECT 1 FROM %s AS c WHERE ",
							 quoted_model_name(relation->related));
			forboth(v, relation->via_other_columns, c, relation->other_columns)
				appendStringInfo(&statement.sql, "%sp.%s %s c.%s",
								 foreach_current_index(v) > 0 ? " AND " : "",
								 quote_identifier(lfirst(v)),
								 column_equality(relation->via, lfirst(v), relation->related, lfirst(c)),
								 quote_identifier(lfirst(c)));
			if (row != NULL)
			{
				appendStringInfoString(&statement.sql, " AND ");
				statement_key(&statement, row, "c");
			}
			statement_except(&statement, except, "c");
			statement_scope(&statement, relation, owner, "c", "p");
			appendStringInfoChar(&statement.sql, ')');
		}
		statement_end_where(&statement, relation->via, "p", true, ordered);
		return statement_run(&statement);
	}
	appendStringInfo(&statement.sql, "UPDATE %s AS c SET ", quoted_model_name(relation->related));
	append_nulls(&statement.sql, relation);
	if (row == NULL)
		ordered = statement_begin_where(&statement, relation->related, "c", false);
	else
		appendStringInfoString(&statement.sql, " WHERE ");
	statement_owned(&statement, relation, owner, "c", true, NULL);
	if (row != NULL)
	{
		appendStringInfoString(&statement.sql, " AND ");
		statement_key(&statement, row, "c");
	}
	statement_except(&statement, except, "c");
	statement_end_where(&statement, relation->related, "c", false, ordered);
	return run_for_row(&statement, row);
}

/* Delete related rows of the owner: the one that row names, or all. */
uint64
write_delete_related(RelationDesc *relation, WriteRow *owner, WriteRow *row)
{
	WriteStatement statement;

	write_begin_statement(&statement, relation, owner, "$delete");
	if (row != NULL && OidIsValid(relation->via))
	{
		/* the row of the pivot first, which refers to it */
		if (write_let_go(relation, owner, row, NIL, "$delete") == 0)
			return 0;
		appendStringInfo(&statement.sql, "DELETE FROM %s AS c WHERE ", quoted_model_name(relation->related));
		statement_key(&statement, row, "c");
		return run_for_row(&statement, row);
	}
	appendStringInfo(&statement.sql, "DELETE FROM %s AS c WHERE ", quoted_model_name(relation->related));
	statement_owned(&statement, relation, owner, "c", true, NULL);
	if (row != NULL)
	{
		appendStringInfoString(&statement.sql, " AND ");
		statement_key(&statement, row, "c");
	}
	return run_for_row(&statement, row);
}

/* Delete a row that is named by its key; false when it is not there. */
bool
write_delete_row(WriteRow *row)
{
	WriteStatement statement;

	statement_init(&statement);
	statement.row = row;
	appendStringInfo(&statement.sql, "DELETE FROM %s AS c WHERE ", quoted_model_name(row->model->relid));
	statement_key(&statement, row, "c");
	return run_for_row(&statement, row) > 0;
}
