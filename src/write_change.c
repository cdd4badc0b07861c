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
#include "key_operator.h"
#include "write_change.h"
#include "write_order.h"
#include "write_statement.h"

static const char *const operations[] = {
	"$create", "$connect", "$connect_or_create", "$disconnect", "$set", "$update", "$upsert", "$delete"
};

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
is_parent(RelationDesc *relation)
{
	return relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO;
}

static char *
operation_path(WriteRow *row, RelationDesc *relation, const char *operation)
{
	char	   *key = psprintf("%s.%s", relation->name, operation);
	char	   *path = write_row_path(row, key);

	pfree(key);
	return path;
}

static JsonbValue *
member_of(const JsonbValue *object, const char *key)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, key, strlen(key), NULL);
}

/* A value, or the elements of an array, as a list of JsonbValue. */
static List *
one_or_more(JsonbValue *value)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!JSON_IS_ARRAY(value))
		return list_make1(value);
	foreach(lc, json_elements_of(value))
		result = lappend(result, &((JsonMember *) lfirst(lc))->value);
	return result;
}

/* A related row that a key names; not yet looked for. */
static WriteRow *
named_row(WriteRun *run, WriteRow *owner, RelationDesc *relation, const JsonbValue *key,
		  const char *operation)
{
	WriteRow   *row = write_row_make(run, write_run_model(run, relation->related), owner,
									 psprintf("%s.%s", relation->name, operation), -1);
	char	   *path = operation_path(owner, relation, operation);

	budget_write_depth(row);
	if (!write_parse_owned_key(run, row, key, path, relation, owner))
		row->key = NULL;
	pfree(path);
	return row;
}

/* ---------------------------------------------------------------------
 * What a row refers to
 * ---------------------------------------------------------------------
 */

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
static List *
reference_columns(RelationDesc *relation)
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

static pg_attribute_noreturn() void
no_related_row(WriteRow *row, RelationDesc *relation, const char *operation)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such \"%s\" at \"%s\"", relation->name,
					operation_path(row, relation, operation)),
			 errdetail("The row of \"%s\" does not have it.", model_name(row->model->relid))));
}

/*
 * What $update says of the one row of a relation: its columns, or the same as
 * "data" beside "where".  A column may be called "data", too.
 */
static JsonbValue *
data_of_one(WriteModel *related, JsonbValue *value)
{
	JsonbValue *data = member_of(value, "data");
	int			n = list_length(json_members_of(value));

	if (data == NULL)
		return value;
	if (member_of(value, "where") != NULL)
		return n == 2 ? data : value;
	return n == 1 && write_model_member(related, "data") == NULL ? data : value;
}

/* Change the row that a row refers to, with what the document says of it. */
static void
change_parent(WriteRun *run, WriteRow *row, WriteRow *current, RelationDesc *relation,
			  const char *operation, JsonbValue *data)
{
	WriteRow   *parent = current_parent(run, current, relation, operation);
	WriteLink  *link;

	if (parent == NULL)
		no_related_row(row, relation, operation);
	write_change(run, parent, data, false);
	link = write_row_link(run, row, relation, current_branch(current, relation));
	link->shown_rows = lappend(link->shown_rows, parent);
}

/* Operations on what a row refers to; those that add are in its links. */
static void
change_parents(WriteRun *run, WriteRow *row, WriteRow *current, WriteRequest *request, bool after)
{
	RelationDesc *relation = request->relation;
	JsonbValue *value = &request->member->value;
	const char *operation = request->operation;

	if (is(operation, "$disconnect") && !after)
		write_set_parent_null(run, row, relation);
	else if (is(operation, "$delete"))
	{
		/* let go of it, then delete it */
		if (!after)
		{
			request->row = current_parent(run, current, relation, operation);
			if (request->row == NULL)
				no_related_row(row, relation, operation);
			write_set_parent_null(run, row, relation);
		}
		else
			write_delete_row(request->row);
	}
	else if (is(operation, "$update") && after)
	{
		RelationDesc *branch = current_branch(current, relation);

		change_parent(run, row, current, relation, operation,
					  data_of_one(write_run_model(run, branch->related), value));
	}
	else if (is(operation, "$upsert"))
	{
		WriteRow   *parent = current_parent(run, current, relation, operation);

		if (parent == NULL && !after)
			write_add_created(run, row, relation, member_of(value, "create"), -1);
		else if (parent != NULL && after)
			change_parent(run, row, current, relation, operation, member_of(value, "update"));
	}
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

	if (is(operation, "$set"))
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
	if (!is(operation, "$disconnect") && !is(operation, "$delete"))
		return;
	if (value->type == jbvBool)
	{
		uint64		n = is(operation, "$delete") ? write_delete_related(relation, row, NULL)
			: write_let_go(relation, row, NULL, NIL, operation);

		if (n == 0 && is(operation, "$delete"))
			no_related_row(row, relation, operation);
		return;
	}
	foreach(lc, one_or_more(value))
	{
		WriteRow   *one = named_row(run, row, relation, lfirst(lc), operation);

		if (one->key != NULL)
			known = lappend(known, one);
		/* letting go of what is not there has been done */
		else if (is(operation, "$delete"))
			no_related_row(row, relation, operation);
	}
	foreach(lc, write_rows_in_key_order(known))
	{
		WriteRow   *named = lfirst(lc);
		uint64		n;

		CHECK_FOR_INTERRUPTS();
		n = is(operation, "$delete") ? write_delete_related(relation, row, named)
			: write_let_go(relation, row, named, NIL, operation);
		if (n == 0 && is(operation, "$delete"))
			no_related_row(row, relation, operation);
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

	budget_write_depth(row);
	if (key != NULL)
	{
		char	   *path = operation_path(owner, relation, operation);
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
	if (statement_run(&statement) == 0)
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
		bool		nests = is(operation, "$update") || is(operation, "$upsert");

		/* of a pivot, its rows are let go, and not those */
		if (request->relation != relation || request->member->value.type == jbvBool ||
			(!nests && !is(operation, "$delete") &&
			 (!is(operation, "$disconnect") || OidIsValid(relation->via))))
			continue;
		deletes = deletes || is(operation, "$delete");
		foreach(lc, one_or_more(&request->member->value))
		{
			JsonbValue *key = lfirst(lc);
			WriteRow   *one;

			/* what is wrong is told when it is its turn */
			if (nests)
				key = JSON_IS_OBJECT(key) ? member_of(key, "where") : NULL;
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

	if (!is(operation, "$update") && !is(operation, "$upsert"))
		return;
	foreach(lc, one_or_more(&request->member->value))
	{
		JsonbValue *value = lfirst(lc);
		char	   *path = operation_path(row, relation, operation);
		JsonbValue *where;
		JsonbValue *data;
		WriteRow   *child;

		CHECK_FOR_INTERRUPTS();
		if (!JSON_IS_OBJECT(value))
			write_wrong_value(path, "an object", value);
		where = member_of(value, "where");
		data = member_of(value, is(operation, "$update") ? "data" : "update");
		if (is(operation, "$update") && to_one)
		{
			data = data_of_one(link->related, value);
			if (data == value)
				where = NULL;
		}
		else
			write_check_keys(value, path, is(operation, "$update") ? "where, data" : "where, create, update");
		if (data == NULL || (where == NULL && !to_one) ||
			(is(operation, "$upsert") && member_of(value, "create") == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must have %s", path,
							is(operation, "$update") ? "\"where\" and \"data\""
							: to_one ? "\"create\" and \"update\"" : "\"where\", \"create\" and \"update\"")));
		pfree(path);
		child = owned_row(run, row, relation, where, operation);
		if (child != NULL)
		{
			change_child(run, row, child, relation, data);
			link->shown_rows = lappend(link->shown_rows, child);
			continue;
		}
		if (is(operation, "$update"))
			no_related_row(row, relation, operation);
		write_store_created(run, row, relation, member_of(value, "create"));
	}
}

/* ---------------------------------------------------------------------
 * A change
 * ---------------------------------------------------------------------
 */

/* Raises invalid_parameter_value for an operation that is none. */
static void
check_operation(WriteRow *row, RelationDesc *relation, const char *operation)
{
	List	   *names = NIL;
	const char *near;

	for (int i = 0; i < (int) lengthof(operations); i++)
	{
		if (is(operations[i], operation))
			return;
		names = lappend(names, unconstify(char *, operations[i]));
	}
	near = closest_name(operation, names);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown operation \"%s\" at \"%s\"", operation,
					operation_path(row, relation, operation)),
			 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
			 : errhint("The operations are: %s.", format_column_list(names))));
}

/*
 * Is there anything to be done?  Raises invalid_parameter_value for what is
 * not as the operation needs it.
 */
static bool
check_request(WriteRow *row, RelationDesc *relation, JsonMember *operation)
{
	JsonbValue *value = &operation->value;
	char	   *path;

	if (is(operation->key, "$disconnect") || is(operation->key, "$delete"))
	{
		if (value->type == jbvBool)
			return value->val.boolean;
		if (is_parent(relation))
			write_wrong_value(operation_path(row, relation, operation->key), "true or false", value);
	}
	else if (is_parent(relation) && is(operation->key, "$set") && JSON_IS_ARRAY(value))
		write_wrong_value(operation_path(row, relation, operation->key), "a key or an object", value);
	else if (is_parent(relation) && (is(operation->key, "$update") || is(operation->key, "$upsert")))
	{
		path = operation_path(row, relation, operation->key);
		if (!JSON_IS_OBJECT(value))
			write_wrong_value(path, "an object", value);
		if (is(operation->key, "$upsert"))
			write_check_keys(value, path, "create, update");
		if (is(operation->key, "$upsert") &&
			(member_of(value, "create") == NULL || member_of(value, "update") == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must have \"create\" and \"update\"", path)));
		pfree(path);
	}
	return true;
}

/* A nested document as the operation that puts it in the place of what is there. */
static JsonMember *
replacement_of(JsonMember *member, bool replaces)
{
	JsonMember *result = palloc(sizeof(JsonMember));

	*result = *member;
	result->key = replaces ? "$set" : "$create";
	if (member->value.type == jbvNull)
	{
		result->key = "$disconnect";
		result->value.type = jbvBool;
		result->value.val.boolean = true;
	}
	return result;
}

/*
 * What a document says of a relation of a row that is there: rows that are
 * added go into the row's links, other operations into requests.
 */
static List *
take_operations(WriteRun *run, WriteRow *row, RelationDesc *relation, JsonMember *member,
				bool replaces, List *requests)
{
	List	   *members;
	ListCell   *lc;
	ListCell   *item;

	write_check_relation(relation);
	if (member->value.type == jbvNull && is_parent(relation))
	{
		write_set_parent_null(run, row, relation);
		write_show_relation(run, row, relation);
		return requests;
	}
	/* an array may hold operations among documents */
	if (!replaces && JSON_IS_ARRAY(&member->value) && !RELATION_IS_TO_ONE(relation->kind))
	{
		write_show_relation(run, row, relation);
		foreach(lc, json_elements_of(&member->value))
		{
			JsonMember *element = lfirst(lc);

			if (write_are_operations(&element->value))
				requests = take_operations(run, row, relation, element, false, requests);
			else
				write_add_created(run, row, relation, &element->value, foreach_current_index(lc));
		}
		return requests;
	}
	members = JSON_IS_OBJECT(&member->value) ? json_members_of(&member->value) : NIL;
	if (!write_are_operations(&member->value))
	{
		/* of has_one, one takes the place of another */
		if (relation->kind == RELATION_MORPH_TO ||
			(!replaces && (is_parent(relation) || !RELATION_IS_TO_ONE(relation->kind))))
		{
			write_parse_nested(run, row, relation, member);
			return requests;
		}
		members = list_make1(replacement_of(member, replaces));
	}
	write_show_relation(run, row, relation);
	foreach(lc, members)
	{
		JsonMember *operation = lfirst(lc);
		WriteRequest *request;

		check_operation(row, relation, operation->key);
		if (!check_request(row, relation, operation))
			continue;
		if (is(operation->key, "$create") || is(operation->key, "$connect") ||
			is(operation->key, "$connect_or_create"))
		{
			foreach(item, one_or_more(&operation->value))
				write_parse_operation(run, row, relation, operation->key, lfirst(item),
									  JSON_IS_ARRAY(&operation->value) ? foreach_current_index(item) : -1);
			if (is_parent(relation) || !RELATION_IS_TO_ONE(relation->kind))
				continue;
			/* one takes the place of another */
		}
		else if (is(operation->key, "$set"))
		{
			foreach(item, one_or_more(&operation->value))
				write_parse_set(run, row, relation, lfirst(item),
								JSON_IS_ARRAY(&operation->value) ? foreach_current_index(item) : -1);
			if (is_parent(relation))
				continue;
		}
		request = palloc0(sizeof(WriteRequest));
		request->relation = relation;
		request->member = operation;
		request->operation = is(operation->key, "$connect") || is(operation->key, "$create") ||
			is(operation->key, "$connect_or_create") ? "$set" : operation->key;
		requests = lappend(requests, request);
	}
	return requests;
}

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
		if (is_parent(((WriteRequest *) lfirst(lc))->relation))
			return true;
	}
	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);

		if (is_parent(link->relation) && link->rows != NIL)
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

		if (is_parent(request->relation))
			current->wanted = list_concat_unique_ptr(current->wanted, reference_columns(request->relation));
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
			requests = take_operations(run, row, known->relation, member, replaces, requests);
		else if (known != NULL || !row->may_have_pivot || !is(member->key, "pivot"))
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
		if (is_parent(((WriteRequest *) lfirst(lc))->relation))
			change_parents(run, row, current, lfirst(lc), false);
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

		if (is_parent(relation) || RELATION_IS_TO_ONE(relation->kind) || list_member_ptr(locked, relation))
			continue;
		lock_children(run, row, relation, requests);
		locked = lappend(locked, relation);
	}
	foreach(lc, requests)
	{
		WriteRequest *request = lfirst(lc);

		if (is_parent(request->relation))
			change_parents(run, row, current, request, true);
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
		if (!is_parent(((WriteRequest *) lfirst(lc))->relation))
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
