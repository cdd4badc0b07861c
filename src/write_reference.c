/*
 * write_reference.c
 *	  Changes of what a row refers to, by belongs_to or morph_to.
 */
#include "relations.h"

#include "budget.h"
#include "key_operator.h"
#include "write_change.h"
#include "write_request.h"
#include "write_statement.h"

/* Make a row refer to nothing. */
void
write_set_parent_null(WriteRun *run, WriteRow *row, RelationDesc *relation)
{
	List	   *columns = relation->own_columns;
	ListCell   *lc;

	if (relation->kind == RELATION_MORPH_TO)
		columns = lcons(relation->morph_type_column, list_copy(relation->morph_id_columns));
	foreach(lc, columns)
	{
		int			column = write_model_column(row->model, lfirst(lc));

		if (write_row_find(row, column) < 0)
			write_row_set(run, row, column, (Datum) 0, true);
	}
}

/* Of a morph_to, the type of the row that is referred to now; else the relation. */
static RelationDesc *
current_branch(WriteRow *current, RelationDesc *relation)
{
	ListCell   *lc;

	if (relation->kind != RELATION_MORPH_TO)
		return relation;
	foreach(lc, relation->branches)
	{
		RelationDesc *branch = lfirst(lc);
		bool		isnull;

		(void) write_row_kept(current, linitial(branch->own_columns), &isnull);
		if (!isnull)
			return branch;
	}
	return linitial(relation->branches);
}

/* The columns of a row that say what it refers to by a relation. */
List *
write_reference_columns(RelationDesc *relation)
{
	List	   *result = list_copy(relation->own_columns);
	ListCell   *lc;

	foreach(lc, relation->branches)
		result = list_concat(result, ((RelationDesc *) lfirst(lc))->own_columns);
	return result;
}

/*
 * The row that a row refers to now, named; NULL when it refers to none.
 * current is the row as it was, with the values of its key columns.
 */
static WriteRow *
current_parent(WriteRun *run, WriteRow *current, RelationDesc *relation, const char *operation)
{
	WriteRow   *parent;
	WriteStatement statement;
	ListCell   *c;
	ListCell   *o;

	relation = current_branch(current, relation);
	parent = write_row_make(run, write_run_model(run, relation->related), current,
							psprintf("%s.%s", relation->name, operation), -1);
	budget_write_depth(parent);
	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(parent->model->desc->primary_key),
					 quoted_model_name(relation->related));
	forboth(c, relation->other_columns, o, relation->own_columns)
	{
		bool		isnull;
		Datum		value = write_row_kept(current, lfirst(o), &isnull);

		if (isnull)
			return NULL;
		appendStringInfo(&statement.sql, "%sc.%s %s ", foreach_current_index(c) > 0 ? " AND " : "",
						 quote_identifier(lfirst(c)),
						 column_equality(relation->related, lfirst(c), relation->model, lfirst(o)));
		statement_param(&statement, current->model->columns[write_model_column(current->model, lfirst(o))].base,
						value, false);
	}
	statement_scope(&statement, relation, current, "c", NULL);
	if (statement_run(&statement) == 0)
		return NULL;
	write_take_key(run, parent);
	return parent;
}

/* Change the row that a row refers to, with what the document says of it. */
static void
change_parent(WriteRun *run, WriteRow *row, WriteRow *current, RelationDesc *relation,
			  const char *operation, JsonbValue *data)
{
	WriteRow   *parent = current_parent(run, current, relation, operation);
	WriteLink  *link;

	if (parent == NULL)
		write_no_related_row(row, relation, operation);
	write_change(run, parent, data, false);
	link = write_row_link(run, row, relation, current_branch(current, relation));
	link->shown_rows = lappend(link->shown_rows, parent);
}

/* Operations on what a row refers to; those that add are in its links. */
void
write_change_parents(WriteRun *run, WriteRow *row, WriteRow *current, WriteRequest *request, bool after)
{
	RelationDesc *relation = request->relation;
	JsonbValue *value = &request->member->value;
	const char *operation = request->operation;

	if (word_is(operation, "$disconnect") && !after)
		write_set_parent_null(run, row, relation);
	else if (word_is(operation, "$delete"))
	{
		/* let go of it, then delete it */
		if (!after)
		{
			request->row = current_parent(run, current, relation, operation);
			if (request->row == NULL)
				write_no_related_row(row, relation, operation);
			write_set_parent_null(run, row, relation);
		}
		else
			write_delete_row(request->row);
	}
	else if (word_is(operation, "$update") && after)
	{
		RelationDesc *branch = current_branch(current, relation);

		change_parent(run, row, current, relation, operation,
					  write_data_of_one(write_run_model(run, branch->related), value));
	}
	else if (word_is(operation, "$upsert"))
	{
		WriteRow   *parent = current_parent(run, current, relation, operation);

		if (parent == NULL && !after)
			write_add_created(run, row, relation, json_member(value, "create"), -1);
		else if (parent != NULL && after)
			change_parent(run, row, current, relation, operation, json_member(value, "update"));
	}
}
