/*
 * write_request.c
 *	  What a document asks of the relations of a row that is there.
 */
#include "relations.h"

#include "miscadmin.h"

#include "write_change.h"
#include "write_request.h"

static const char *const operations[] = {
	"$create", "$connect", "$connect_or_create", "$disconnect", "$set", "$update", "$upsert", "$delete"
};

/* Where an operation on a relation is in the document, for messages; palloc'd. */
char *
write_operation_path(WriteRow *row, RelationDesc *relation, const char *operation)
{
	char	   *key = psprintf("%s.%s", relation->name, operation);
	char	   *path = write_row_path(row, key);

	pfree(key);
	return path;
}

/* A value, or the elements of an array, as a list of JsonbValue. */
List *
write_one_or_more(JsonbValue *value)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!JSON_IS_ARRAY(value))
		return list_make1(value);
	foreach(lc, json_elements_of(value))
		result = lappend(result, &((JsonMember *) lfirst(lc))->value);
	return result;
}

/* Raises no_data_found: a row does not have what an operation is about. */
void
write_no_related_row(WriteRow *row, RelationDesc *relation, const char *operation)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("there is no such \"%s\" at \"%s\"", relation->name,
					write_operation_path(row, relation, operation)),
			 errdetail("The row of \"%s\" does not have it.", model_name(row->model->relid))));
}

/*
 * What $update says of the one row of a relation: its columns, or the same as
 * "data" beside "where".  A column may be called "data", too.
 */
JsonbValue *
write_data_of_one(WriteModel *related, JsonbValue *value)
{
	JsonbValue *data = json_member(value, "data");
	int			n = list_length(json_members_of(value));

	if (data == NULL)
		return value;
	if (json_member(value, "where") != NULL)
		return n == 2 ? data : value;
	return n == 1 && write_model_member(related, "data") == NULL ? data : value;
}

/* Raises invalid_parameter_value for an operation that is none. */
static void
check_operation(WriteRow *row, RelationDesc *relation, const char *operation)
{
	List	   *names = NIL;
	const char *near;

	for (int i = 0; i < (int) lengthof(operations); i++)
	{
		if (word_is(operations[i], operation))
			return;
		names = lappend(names, unconstify(char *, operations[i]));
	}
	near = closest_name(operation, names);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown operation \"%s\" at \"%s\"", operation,
					write_operation_path(row, relation, operation)),
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

	if (word_is(operation->key, "$disconnect") || word_is(operation->key, "$delete"))
	{
		if (value->type == jbvBool)
			return value->val.boolean;
		if (RELATION_REFERS(relation->kind))
			write_wrong_value(write_operation_path(row, relation, operation->key), "true or false", value);
	}
	else if (RELATION_REFERS(relation->kind) && word_is(operation->key, "$set") && JSON_IS_ARRAY(value))
		write_wrong_value(write_operation_path(row, relation, operation->key), "a key or an object", value);
	else if (RELATION_REFERS(relation->kind) && (word_is(operation->key, "$update") || word_is(operation->key, "$upsert")))
	{
		path = write_operation_path(row, relation, operation->key);
		if (!JSON_IS_OBJECT(value))
			write_wrong_value(path, "an object", value);
		if (word_is(operation->key, "$upsert"))
			write_check_keys(value, path, "create, update");
		if (word_is(operation->key, "$upsert") &&
			(json_member(value, "create") == NULL || json_member(value, "update") == NULL))
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
List *
write_take_operations(WriteRun *run, WriteRow *row, RelationDesc *relation, JsonMember *member,
					  bool replaces, List *requests)
{
	List	   *members;
	ListCell   *lc;
	ListCell   *item;

	check_stack_depth();
	write_check_relation(relation);
	if (member->value.type == jbvNull && RELATION_REFERS(relation->kind))
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
				requests = write_take_operations(run, row, relation, element, false, requests);
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
			(!replaces && (RELATION_REFERS(relation->kind) || !RELATION_IS_TO_ONE(relation->kind))))
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
		if (word_is(operation->key, "$create") || word_is(operation->key, "$connect") ||
			word_is(operation->key, "$connect_or_create"))
		{
			foreach(item, write_one_or_more(&operation->value))
				write_parse_operation(run, row, relation, operation->key, lfirst(item),
									  JSON_IS_ARRAY(&operation->value) ? foreach_current_index(item) : -1);
			if (RELATION_REFERS(relation->kind) || !RELATION_IS_TO_ONE(relation->kind))
				continue;
			/* one takes the place of another */
		}
		else if (word_is(operation->key, "$set"))
		{
			foreach(item, write_one_or_more(&operation->value))
				write_parse_set(run, row, relation, lfirst(item),
								JSON_IS_ARRAY(&operation->value) ? foreach_current_index(item) : -1);
			if (RELATION_REFERS(relation->kind))
				continue;
		}
		request = palloc0(sizeof(WriteRequest));
		request->relation = relation;
		request->member = operation;
		request->operation = word_is(operation->key, "$connect") || word_is(operation->key, "$create") ||
			word_is(operation->key, "$connect_or_create") ? "$set" : operation->key;
		requests = lappend(requests, request);
	}
	return requests;
}
