/*
 * write_change.c
 *	  Changes of a row that is there, and of what its relations lead to.
 *
 * First what the row is to refer to is stored, then the row is updated, then
 * related rows are let go, new ones stored, and others changed in turn.
 */
#include "relations.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"

#include "budget.h"
#include "write_change.h"
#include "write_order.h"
#include "write_request.h"
#include "write_statement.h"

/* A related row that a key names; not yet looked for. */
static WriteRow *
named_row(WriteRun *run, WriteRow *owner, RelationDesc *relation, const JsonbValue *key,
		  const char *operation)
{
	WriteRow   *row = write_row_make(run, write_run_model(run, relation->related), owner,
									 psprintf("%s.%s", relation->name, operation), -1);
	char	   *path = write_operation_path(owner, relation, operation);

	budget_write_depth(row);
	if (!write_parse_owned_key(run, row, key, path, relation, owner))
		row->key = NULL;
	pfree(path);
	return row;
}

/* ---------------------------------------------------------------------
 * What refers to a row
 * ---------------------------------------------------------------------
 */

/* Operations that let related rows go, before others are added. */
static void
remove_children(WriteRun *run, WriteRow *row, WriteRequest *request)
{
	RelationDesc *relation = request->relation;
	JsonbValue *value = &request->member->value;
	const char *operation = request->operation;
	List	   *known = NIL;
	ListCell   *lc;

	if (word_is(operation, "$set"))
	{
		List	   *keep = NIL;
		ListCell   *l;

		foreach(l, row->links)
		{
			WriteLink  *link = lfirst(l);

			if (link->relation != relation)
				continue;
			foreach(lc, link->rows)
			{
				if (((WriteRow *) lfirst(lc))->existing)
					keep = lappend(keep, lfirst(lc));
			}
		}
		(void) write_let_go(relation, row, NULL, keep, operation);
		return;
	}
	if (!word_is(operation, "$disconnect") && !word_is(operation, "$delete"))
		return;
	if (value->type == jbvBool)
	{
		uint64		n = word_is(operation, "$delete") ? write_delete_related(relation, row, NULL)
			: write_let_go(relation, row, NULL, NIL, operation);

		if (n == 0 && word_is(operation, "$delete"))
			write_no_related_row(row, relation, operation);
		return;
	}
	foreach(lc, write_one_or_more(value))
	{
		WriteRow   *one = named_row(run, row, relation, lfirst(lc), operation);

		if (one->key != NULL)
			known = lappend(known, one);
		/* letting go of what is not there has been done */
		else if (word_is(operation, "$delete"))
			write_no_related_row(row, relation, operation);
	}
	foreach(lc, write_rows_in_key_order(known))
	{
		WriteRow   *named = lfirst(lc);
		uint64		n;

		CHECK_FOR_INTERRUPTS();
		n = word_is(operation, "$delete") ? write_delete_related(relation, row, named)
			: write_let_go(relation, row, named, NIL, operation);
		if (n == 0 && word_is(operation, "$delete"))
			write_no_related_row(row, relation, operation);
	}
}

/* The related row of the owner that a key names, or its only one; or NULL. */
static WriteRow *
owned_row(WriteRun *run, WriteRow *owner, RelationDesc *relation, JsonbValue *key,
		  const char *operation)
{
	WriteRow   *row = write_row_make(run, write_run_model(run, relation->related), owner,
									 psprintf("%s.%s", relation->name, operation), -1);
	WriteStatement statement;
	uint64		n;

	budget_write_depth(row);
	if (key != NULL)
	{
		char	   *path = write_operation_path(owner, relation, operation);
		bool		found = write_parse_owned_key(run, row, key, path, relation, owner);

		/* of deep documents they are long */
		pfree(path);
		if (!found)
			return NULL;
	}
	write_begin_statement(&statement, relation, owner, operation);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(row->model->desc->primary_key),
					 quoted_model_name(relation->related));
	statement_owned(&statement, relation, owner, "c", true, NULL);
	if (key != NULL)
	{
		appendStringInfoString(&statement.sql, " AND ");
		statement_key(&statement, row, "c");
	}
	n = statement_run(&statement);
	if (key != NULL)
		write_require_one(row, n);
	if (n == 0)
		return NULL;
	write_take_key(run, row);
	return row;
}

/* Change a related row, and the row of a pivot that joins it. */
static void
change_child(WriteRun *run, WriteRow *row, WriteRow *child, RelationDesc *relation, JsonbValue *data)
{
	WriteRow   *pivot;

	if (!OidIsValid(relation->via))
	{
		if (JSON_IS_OBJECT(data))
			write_hold_parent(run, child, data, relation);
		write_change(run, child, data, false);
		return;
	}
	pivot = write_row_make(run, write_run_model(run, relation->via), child, "pivot", -1);
	pivot->shown = relation->pivot_columns;
	child->may_have_pivot = true;
	if (relation->pivot_columns != NIL)
		child->pivot = pivot;
	if (JSON_IS_OBJECT(data))
		write_parse_pivot(run, child, pivot, data);
	write_change(run, child, data, false);
	write_update_pivot(run, relation, row, child, pivot);
}

/*
 * Before related rows of one relation are let go, joined and changed one after
 * another, lock those that are named, in the order of their keys.
 */
static void
lock_children(WriteRun *run, WriteRow *row, RelationDesc *relation, List *requests)
{
	List	   *named = NIL;
	bool		deletes = false;
	ListCell   *lc;
	ListCell   *r;

	foreach(r, requests)
	{
		WriteRequest *request = lfirst(r);
		const char *operation = request->operation;
		bool		nests = word_is(operation, "$update") || word_is(operation, "$upsert");

		/* of a pivot, its rows are let go, and not those */
		if (request->relation != relation || request->member->value.type == jbvBool ||
			(!nests && !word_is(operation, "$delete") &&
			 (!word_is(operation, "$disconnect") || OidIsValid(relation->via))))
			continue;
		deletes = deletes || word_is(operation, "$delete");
		foreach(lc, write_one_or_more(&request->member->value))
		{
			JsonbValue *key = lfirst(lc);
			WriteRow   *one;

			/* what is wrong is told when it is its turn */
			if (nests)
				key = JSON_IS_OBJECT(key) ? json_member(key, "where") : NULL;
			if (key == NULL)
				continue;
			one = named_row(run, row, relation, key, operation);
			if (one->key != NULL)
				named = lappend(named, one);
		}
	}
	foreach(r, row->links)
	{
		WriteLink  *link = lfirst(r);

		foreach(lc, link->relation == relation ? link->rows : NIL)
		{
			WriteRow   *one = lfirst(lc);

			if (one->existing && one->key != NULL && (!OidIsValid(relation->via) || one->changes != NULL))
				named = lappend(named, one);
		}
	}
	write_lock_rows(run, named, deletes);
}

/* Operations that change related rows, after others were added. */
static void
change_children(WriteRun *run, WriteRow *row, WriteRequest *request)
{
	RelationDesc *relation = request->relation;
	const char *operation = request->operation;
	WriteLink  *link = write_row_link(run, row, relation, relation);
	bool		to_one = RELATION_IS_TO_ONE(relation->kind);
	ListCell   *lc;

	if (!word_is(operation, "$update") && !word_is(operation, "$upsert"))
		return;
	foreach(lc, write_one_or_more(&request->member->value))
	{
		JsonbValue *value = lfirst(lc);
		char	   *path = write_operation_path(row, relation, operation);
		JsonbValue *where;
		JsonbValue *data;
		WriteRow   *child;

		CHECK_FOR_INTERRUPTS();
		if (!JSON_IS_OBJECT(value))
			write_wrong_value(path, "an object", value);
		where = json_member(value, "where");
		data = json_member(value, word_is(operation, "$update") ? "data" : "update");
		if (word_is(operation, "$update") && to_one)
		{
			data = write_data_of_one(link->related, value);
			if (data == value)
				where = NULL;
		}
		else
			write_check_keys(value, path, word_is(operation, "$update") ? "where, data" : "where, create, update");
		if (data == NULL || (where == NULL && !to_one) ||
			(word_is(operation, "$upsert") && json_member(value, "create") == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must have %s", path,
							word_is(operation, "$update") ? "\"where\" and \"data\""
							: to_one ? "\"create\" and \"update\"" : "\"where\", \"create\" and \"update\"")));
		pfree(path);
		child = owned_row(run, row, relation, where, operation);
		if (child != NULL)
		{
			change_child(run, row, child, relation, data);
			link->shown_rows = lappend(link->shown_rows, child);
			continue;
		}
		if (word_is(operation, "$update"))
			write_no_related_row(row, relation, operation);
		write_store_created(run, row, relation, json_member(value, "create"));
	}
}

/* ---------------------------------------------------------------------
 * A change
 * ---------------------------------------------------------------------
 */

/* What a document says of generated columns need not be written when it is so. */
static void
forget_generated(WriteRow *row, WriteRow *current)
{
	for (int i = row->ncolumns - 1; i >= 0; i--)
	{
		WriteColumn *column = &row->model->columns[row->columns[i]];
		bool		isnull;
		Datum		value;

		if (!column->generated)
			continue;
		value = write_row_kept(current, column->name, &isnull);
		if (isnull == row->nulls[i] &&
			(isnull || datum_image_eq(value, row->values[i], column->byval, column->len)))
			write_row_unset(row, i);
	}
}

/*
 * Does a row that is to be changed have to be looked at before?  When what it
 * refers to now matters, or when what it is to refer to would be created in
 * vain were the row not there.
 */
static bool
needs_current(WriteRow *row, List *requests)
{
	ListCell   *lc;

	foreach(lc, requests)
	{
		if (RELATION_REFERS(((WriteRequest *) lfirst(lc))->relation->kind))
			return true;
	}
	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);

		if (RELATION_REFERS(link->relation->kind) && link->rows != NIL)
			return true;
	}
	for (int i = 0; i < row->ncolumns; i++)
	{
		if (row->model->columns[row->columns[i]].generated)
			return true;
	}
	return false;
}

/* Look at a row as it is, before it is changed; false when it is not there. */
static bool
look_at_current(WriteRun *run, WriteRow *row, WriteRow *current, List *requests)
{
	ListCell   *lc;

	current->existing = true;
	current->key = row->key;
	current->shown = NIL;
	foreach(lc, requests)
	{
		WriteRequest *request = lfirst(lc);

		if (RELATION_REFERS(request->relation->kind))
			current->wanted = list_concat_unique_ptr(current->wanted, write_reference_columns(request->relation));
	}
	for (int i = 0; i < row->ncolumns; i++)
	{
		if (row->model->columns[row->columns[i]].generated)
			current->wanted = list_append_unique_ptr(current->wanted,
													 row->model->columns[row->columns[i]].name);
	}
	write_lookup(run, list_make1(current));
	if (!current->found)
		return false;
	forget_generated(row, current);
	return true;
}

/*
 * Change a row that is named by its key, as a document says: its columns, and
 * what its relations lead to.  With replaces a nested document takes the place
 * of what is there, else it is added.  False when the row is not there, and
 * nothing was done.  Raises what the server raises.
 */
bool
write_change_found(WriteRun *run, WriteRow *row, const JsonbValue *document, bool replaces)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	WriteRow   *current = write_row_make(run, row->model, row->parent, row->name, row->index);
	List	   *requests = NIL;
	List	   *locked = NIL;
	ListCell   *lc;

	check_stack_depth();
	row->existing = true;
	if (!JSON_IS_OBJECT(document))
		write_wrong_value(write_row_path(row, NULL), "an object", document);
	foreach(lc, json_members_of(document))
	{
		JsonMember *member = lfirst(lc);
		WriteMember *known = write_model_member(row->model, member->key);

		if (known != NULL && known->column < 0)
			requests = write_take_operations(run, row, known->relation, member, replaces, requests);
		else if (known != NULL || !row->may_have_pivot || !word_is(member->key, "pivot"))
			write_parse_column(run, row, member);
	}

	write_resolve_links(run, row);
	if (needs_current(row, requests) && !look_at_current(run, row, current, requests))
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	foreach(lc, requests)
	{
		if (RELATION_REFERS(((WriteRequest *) lfirst(lc))->relation->kind))
			write_change_parents(run, row, current, lfirst(lc), false);
	}
	write_store_parents(run, list_make1(row));
	if (!write_update_found(run, row))
	{
		/* it went meanwhile, and with it those that were stored for it */
		if (needs_current(row, requests))
			write_require(run, row);
		MemoryContextSwitchTo(old);
		return false;
	}
	foreach(lc, requests)
	{
		RelationDesc *relation = ((WriteRequest *) lfirst(lc))->relation;

		if (RELATION_REFERS(relation->kind) || RELATION_IS_TO_ONE(relation->kind) ||
			list_member_ptr(locked, relation))
			continue;
		lock_children(run, row, relation, requests);
		locked = lappend(locked, relation);
	}
	foreach(lc, requests)
	{
		WriteRequest *request = lfirst(lc);

		if (RELATION_REFERS(request->relation->kind))
			write_change_parents(run, row, current, request, true);
		else
			remove_children(run, row, request);
	}
	/* what a pivot joins already is not joined again */
	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);

		if (OidIsValid(link->relation->via))
			write_drop_joined(run, row, link->relation);
	}
	write_store_links(run, list_make1(row));
	foreach(lc, requests)
	{
		if (!RELATION_REFERS(((WriteRequest *) lfirst(lc))->relation->kind))
			change_children(run, row, lfirst(lc));
	}
	MemoryContextSwitchTo(old);
	return true;
}

/* The same.  Raises foreign_key_violation when the row is not there. */
void
write_change(WriteRun *run, WriteRow *row, const JsonbValue *document, bool replaces)
{
	if (!write_change_found(run, row, document, replaces))
		write_require(run, row);
}
