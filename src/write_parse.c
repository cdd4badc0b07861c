/*
 * write_parse.c
 *	  A nested document -> rows that are to be written.
 *
 * A key is a column or a relation.  What stands under a relation is a document
 * or an array of them, to be created, or an object of operations.
 */
#include "relations.h"

#include "miscadmin.h"

#include "budget.h"
#include "write_graph.h"

static const char *const operations[] = {"$create", "$connect", "$connect_or_create"};
static const char *const other_operations[] = {"$disconnect", "$set", "$update", "$upsert", "$delete"};

/* While a value is read, errors say where in the document it stands. */
typedef struct DocumentPlace
{
	WriteRow   *row;
	const char *key;
} DocumentPlace;

static void
place_error_context(void *arg)
{
	DocumentPlace *place = arg;

	errcontext("document \"%s\"", write_row_path(place->row, place->key));
}

/* Raises feature_not_supported for kinds that no row can be written through. */
void
write_check_relation(RelationDesc *relation)
{
	if (RELATION_IS_THROUGH(relation->kind))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" of model \"%s\" goes through \"%s\", no row can be created by it",
						relation->name, model_name(relation->model), model_name(relation->via)),
				 errhint("Create the row through a relation of \"%s\".", model_name(relation->via))));
}

/* Raises undefined_column: a model has neither column nor relation of that name. */
void
write_unknown_key(WriteModel *model, const char *key, const char *path)
{
	List	   *names = NIL;
	const char *near;
	ListCell   *lc;

	foreach(lc, model->relations)
		names = lappend(names, ((RelationDesc *) lfirst(lc))->name);
	for (int i = 0; i < model->ncolumns; i++)
	{
		if (model->columns[i].name != NULL)
			names = lappend(names, model->columns[i].name);
	}
	near = closest_name(key, names);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("\"%s\" has no column or relation \"%s\"", model_name(model->relid), key),
			 errdetail("It is named by \"%s\".", path),
			 near != NULL ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

/* Raises invalid_parameter_value: the document holds something else there. */
void
write_wrong_value(const char *path, const char *expected, const JsonbValue *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" must be %s, not %s", path, expected,
					json_value_type(unconstify(JsonbValue *, value)))));
}

/*
 * Raises invalid_parameter_value for a key of an object that is none of those
 * known, which are separated by commas.
 */
void
write_check_keys(const JsonbValue *object, const char *path, const char *known)
{
	ListCell   *lc;

	foreach(lc, json_members_of(object))
	{
		const char *key = ((JsonMember *) lfirst(lc))->key;
		const char *found = strstr(known, key);
		Size		length = strlen(key);

		if (length > 0 && found != NULL && (found == known || found[-1] == ' ') &&
			(found[length] == ',' || found[length] == '\0'))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown key \"%s\" at \"%s.%s\"", key, path, key),
				 errhint("The keys are: %s.", known)));
	}
}

/* ---------------------------------------------------------------------
 * Relations
 * ---------------------------------------------------------------------
 */

/* Of a morph_to, the type that "$type" names; else the relation itself. */
static RelationDesc *
branch_of(RelationDesc *relation, const JsonbValue *value, const char *path)
{
	JsonbValue *type;
	char	   *name;
	List	   *names = NIL;
	ListCell   *lc;

	if (relation->kind != RELATION_MORPH_TO)
		return relation;
	type = JSON_IS_OBJECT(value) ? json_member(value, "$type") : NULL;
	if (type != NULL && type->type == jbvString)
	{
		name = pnstrdup(type->val.string.val, type->val.string.len);
		foreach(lc, relation->branches)
		{
			if (strcmp(((RelationDesc *) lfirst(lc))->morph_type, name) == 0)
				return lfirst(lc);
		}
	}
	foreach(lc, relation->branches)
		names = lappend(names, ((RelationDesc *) lfirst(lc))->morph_type);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" must say its type", path),
			 errhint("Give \"$type\", one of: %s.", format_column_list(names))));
}

/* The columns of a related row that the other side needs. */
static List *
wanted_columns(RelationDesc *branch)
{
	if (branch->kind == RELATION_BELONGS_TO || RELATION_HAS_PIVOT(branch->kind))
		return branch->other_columns;
	return NIL;
}

/* A row of a link, with the row of the pivot that joins it. */
static WriteRow *
add_row(WriteRun *run, WriteRow *row, RelationDesc *relation, RelationDesc *branch, int64 index)
{
	WriteLink  *link = write_row_link(run, row, relation, branch);
	WriteRow   *child = write_row_make(run, link->related, row,
										 row->anonymous ? NULL : relation->name, index);
	WriteRow   *pivot = NULL;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	budget_write_depth(child);
	child->wanted = wanted_columns(branch);
	if (RELATION_HAS_PIVOT(relation->kind))
	{
		pivot = write_row_make(run, write_run_model(run, relation->via), child, "pivot", -1);
		pivot->shown = relation->pivot_columns;
		if (relation->pivot_columns != NIL)
			child->pivot = pivot;
		link->pivots = lappend(link->pivots, pivot);
	}
	link->rows = lappend(link->rows, child);
	MemoryContextSwitchTo(old);
	if (!link->is_array && list_length(link->rows) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("relation \"%s\" of model \"%s\" leads to one row, not to %d",
						relation->name, model_name(relation->model), list_length(link->rows)),
				 errcontext("document \"%s\"", write_row_path(row, relation->name)),
				 errhint("Give one document.")));
	return child;
}

/* Return the row of the pivot that belongs to the child that was added last. */
static WriteRow *
last_pivot(WriteRun *run, WriteRow *row, RelationDesc *relation)
{
	if (!RELATION_HAS_PIVOT(relation->kind))
		return NULL;
	return llast(write_row_link(run, row, relation, relation)->pivots);
}

/*
 * What the document of a related row says of the pivot that joins it; there
 * may be none.  Raises what write_parse_document raises.
 */
void
write_parse_pivot(WriteRun *run, WriteRow *child, WriteRow *pivot, const JsonbValue *value)
{
	JsonbValue *attributes;

	if (pivot == NULL || write_model_member(child->model, "pivot") != NULL)
		return;
	attributes = json_member(value, "pivot");
	if (attributes == NULL)
		return;
	if (!JSON_IS_OBJECT(attributes))
		write_wrong_value(write_row_path(child, "pivot"), "an object", attributes);
	write_parse_document(run, pivot, attributes);
}

/* A related row that is to be created from a document. */
WriteRow *
write_add_created(WriteRun *run, WriteRow *row, RelationDesc *relation, const JsonbValue *value,
				  int64 index)
{
	RelationDesc *branch;
	WriteRow   *child;
	char	   *path = NULL;

	check_stack_depth();
	/* paths are for errors: of deep documents they are long */
	if (!JSON_IS_OBJECT(value) || relation->kind == RELATION_MORPH_TO)
	{
		path = write_row_path(row, relation->name);
		if (index >= 0)
			path = psprintf("%s[" INT64_FORMAT "]", path, index);
	}
	if (!JSON_IS_OBJECT(value))
		write_wrong_value(path, "an object", value);
	branch = branch_of(relation, value, path);
	child = add_row(run, row, relation, branch, index);
	child->may_have_type = relation->kind == RELATION_MORPH_TO;
	child->may_have_pivot = OidIsValid(relation->via);
	write_parse_pivot(run, child, last_pivot(run, row, relation), value);
	write_parse_document(run, child, value);
	return child;
}

/*
 * A related row that is there, named by its key.  Raises
 * foreign_key_violation when it is not.
 */
WriteRow *
write_add_connected(WriteRun *run, WriteRow *row, RelationDesc *relation, const JsonbValue *key,
					const char *operation, int64 index)
{
	char	   *name = psprintf("%s.%s", relation->name, operation);
	char	   *path = write_row_path(row, name);
	RelationDesc *branch = branch_of(relation, key, path);
	WriteRow   *child;

	if (relation->kind == RELATION_MORPH_TO)
	{
		JsonbValue *inner = json_member(key, "key");

		write_check_keys(key, path, "$type, key");
		if (inner == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must have a \"key\" beside its \"$type\"", path)));
		key = inner;
	}
	child = add_row(run, row, relation, branch, index);
	child->name = name;
	if (!write_parse_key(run, child, key, path))
		write_require(run, child);
	pfree(path);
	return child;
}

/* {"where": key, "create": document} */
static void
parse_connect_or_create(WriteRun *run, WriteRow *row, RelationDesc *relation,
						const JsonbValue *value, int64 index)
{
	char	   *name = psprintf("%s.$connect_or_create", relation->name);
	char	   *path = write_row_path(row, name);
	JsonbValue *where;
	JsonbValue *create;
	WriteRow   *child;

	if (!JSON_IS_OBJECT(value))
		write_wrong_value(path, "an object with \"where\" and \"create\"", value);
	write_check_keys(value, path, relation->kind == RELATION_MORPH_TO ? "$type, where, create" : "where, create");
	where = json_member(value, "where");
	create = json_member(value, "create");
	if (where == NULL || create == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must have \"where\" and \"create\"", path)));
	if (where->type == jbvNull || where->type == jbvBool || JSON_IS_ARRAY(where))
		write_wrong_value(psprintf("%s.where", path), "a key", where);
	if (relation->kind == RELATION_MORPH_TO && JSON_IS_OBJECT(create) &&
		branch_of(relation, value, path) != branch_of(relation, create, path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" says two types", path)));
	/* of deep documents they are long */
	pfree(path);
	child = write_add_created(run, row, relation, create, index);
	/* looked for when it is its turn: one before it may be what it finds */
	child->where = MemoryContextAlloc(run->context, sizeof(JsonbValue));
	*child->where = *where;
}

/* One operation that adds a related row: $create, $connect, $connect_or_create. */
void
write_parse_operation(WriteRun *run, WriteRow *row, RelationDesc *relation, const char *operation,
					  const JsonbValue *value, int64 index)
{
	if (strcmp(operation, "$create") == 0)
		write_add_created(run, row, relation, value, index);
	else if (strcmp(operation, "$connect") == 0)
		write_add_connected(run, row, relation, value, operation, index);
	else
		parse_connect_or_create(run, row, relation, value, index);
}

/* An object of operations on a relation. */
static void
parse_operations(WriteRun *run, WriteRow *row, RelationDesc *relation, List *members)
{
	ListCell   *lc;
	ListCell   *item;

	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		bool		known = false;
		List	   *names = NIL;
		char	   *name = psprintf("%s.%s", relation->name, member->key);
		char	   *path = write_row_path(row, name);
		const char *near;

		for (int i = 0; i < (int) lengthof(operations); i++)
		{
			known = known || strcmp(operations[i], member->key) == 0;
			names = lappend(names, unconstify(char *, operations[i]));
		}
		for (int i = 0; i < (int) lengthof(other_operations); i++)
		{
			if (strcmp(other_operations[i], member->key) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\" has no meaning for rows that are being added", path),
						 errhint("Its operations are: %s.", format_column_list(names))));
		}
		if (!known)
		{
			near = closest_name(member->key, names);
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown operation \"%s\" at \"%s\"", member->key, path),
					 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
					 : errhint("The operations are: %s.", format_column_list(names))));
		}
		pfree(path);
		if (!JSON_IS_ARRAY(&member->value))
		{
			write_parse_operation(run, row, relation, member->key, &member->value, -1);
			continue;
		}
		foreach(item, json_elements_of(&member->value))
			write_parse_operation(run, row, relation, member->key, &((JsonMember *) lfirst(item))->value,
							foreach_current_index(item));
	}
}

/* Are the members operations?  Raises an error when only some are. */
static bool
are_operations(List *members, WriteRow *row, RelationDesc *relation, int64 index)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);

		if (member->key[0] == '$' && strcmp(member->key, "$type") != 0)
			n++;
	}
	if (n > 0 && n < list_length(members))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s%s\" has operations and columns side by side",
						write_row_path(row, relation->name),
						index >= 0 ? psprintf("[" INT64_FORMAT "]", index) : ""),
				 errhint("Put the columns into \"$create\".")));
	return n > 0;
}

/* Is a value an object of operations? */
bool
write_are_operations(const JsonbValue *value)
{
	List	   *members = JSON_IS_OBJECT(value) ? json_members_of(value) : NIL;
	char	   *key = members != NIL ? ((JsonMember *) linitial(members))->key : "";

	return key[0] == '$' && strcmp(key, "$type") != 0;
}

/* The document of a row shows a relation, if only that it leads to nothing. */
void
write_show_relation(WriteRun *run, WriteRow *row, RelationDesc *relation)
{
	write_row_link(run, row, relation, relation->kind == RELATION_MORPH_TO
				   ? linitial(relation->branches) : relation);
}

/* What a document says of a relation. */
void
write_parse_nested(WriteRun *run, WriteRow *row, RelationDesc *relation, const JsonMember *member)
{
	const JsonbValue *value = &member->value;
	bool		to_one = RELATION_IS_TO_ONE(relation->kind);
	ListCell   *lc;

	write_check_relation(relation);
	if (value->type == jbvNull && to_one)
	{
		write_show_relation(run, row, relation);
		return;
	}
	if (JSON_IS_OBJECT(value))
	{
		List	   *members = json_members_of(value);

		if (are_operations(members, row, relation, -1))
			parse_operations(run, row, relation, members);
		else
			write_add_created(run, row, relation, value, -1);
		return;
	}
	if (!JSON_IS_ARRAY(value))
		write_wrong_value(write_row_path(row, relation->name),
						  to_one ? "an object" : "an array of objects", value);
	if (to_one)
		write_wrong_value(write_row_path(row, relation->name), "an object", value);
	write_row_link(run, row, relation, relation);
	foreach(lc, json_elements_of(value))
	{
		JsonMember *element = lfirst(lc);
		List	   *members = NIL;

		CHECK_FOR_INTERRUPTS();
		if (JSON_IS_OBJECT(&element->value))
			members = json_members_of(&element->value);
		if (members != NIL && are_operations(members, row, relation, foreach_current_index(lc)))
			parse_operations(run, row, relation, members);
		else
			write_add_created(run, row, relation, &element->value, foreach_current_index(lc));
	}
}

/*
 * Take a column of a document into a row.  Raises undefined_column for an
 * unknown key, what the column's type raises for a bad value.
 */
void
write_parse_column(WriteRun *run, WriteRow *row, JsonMember *member)
{
	WriteMember *known = write_model_member(row->model, member->key);
	DocumentPlace place = {row, member->key};
	ErrorContextCallback callback;
	Datum		value;
	bool		isnull;
	int			there;

	if (known == NULL || known->column < 0)
		write_unknown_key(row->model, member->key, write_row_path(row, member->key));
	callback.callback = place_error_context;
	callback.arg = &place;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	value = write_column_input(row->model, known->column, &member->value, &isnull);
	error_context_stack = callback.previous;
	there = write_row_find(row, known->column);
	if (there < 0)
		write_row_set(run, row, known->column, value, isnull);
	else if (isnull != row->nulls[there] ||
			 (!isnull && !write_column_equal(&row->model->columns[known->column], value,
											 row->values[there])))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" contradicts the key that is wired", write_row_path(row, member->key)),
				 errhint("Leave it out.")));
}

/*
 * Take what a document says into a row.  Raises what write_parse_column
 * raises, and what is wrong with nested documents, all with the path in the
 * document.
 */
void
write_parse_document(WriteRun *run, WriteRow *row, const JsonbValue *object)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, json_members_of(object))
	{
		JsonMember *member = lfirst(lc);
		WriteMember *known = write_model_member(row->model, member->key);

		/* what was read before */
		if (known == NULL &&
			((row->may_have_type && strcmp(member->key, "$type") == 0) ||
			 (row->may_have_pivot && strcmp(member->key, "pivot") == 0)))
			continue;
		if (known != NULL && known->column < 0)
			write_parse_nested(run, row, known->relation, member);
		else
			write_parse_column(run, row, member);
	}
	MemoryContextSwitchTo(old);
}

/*
 * An element of "$set": a key; a document, of a row that is there when it has
 * the primary key of one, else to be created.
 */
void
write_parse_set(WriteRun *run, WriteRow *row, RelationDesc *relation, const JsonbValue *value,
				int64 index)
{
	WriteModel *model;
	WriteRow   *probe;
	JsonbParseState *state = NULL;
	JsonbValue	key;
	ListCell   *lc;
	bool		complete = true;
	bool		found;
	char	   *path;

	if (write_are_operations(value) && are_operations(json_members_of(value), row, relation, index))
	{
		parse_operations(run, row, relation, json_members_of(value));
		return;
	}
	if (!JSON_IS_OBJECT(value) || relation->kind == RELATION_MORPH_TO)
	{
		write_add_connected(run, row, relation, value, "$set", index);
		return;
	}
	model = write_run_model(run, relation->related);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, model->desc->primary_key)
	{
		JsonbValue *part = json_member(value, lfirst(lc));

		complete = complete && part != NULL && part->type != jbvNull;
		if (!complete)
			break;
		key.type = jbvString;
		key.val.string.val = lfirst(lc);
		key.val.string.len = strlen(lfirst(lc));
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, part);
	}
	if (complete && model->desc->primary_key != NIL)
	{
		json_root_value(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), &key);
		probe = write_row_make(run, model, row, relation->name, index);
		path = write_row_path(row, relation->name);
		found = write_parse_key(run, probe, &key, path);
		pfree(path);
		if (found)
		{
			WriteRow   *child = add_row(run, row, relation, relation, index);

			child->existing = true;
			child->key = probe->key;
			child->may_have_pivot = OidIsValid(relation->via);
			write_parse_pivot(run, child, last_pivot(run, row, relation), value);
			child->changes = MemoryContextAlloc(run->context, sizeof(JsonbValue));
			*child->changes = *value;
			return;
		}
	}
	write_add_created(run, row, relation, value, index);
}
