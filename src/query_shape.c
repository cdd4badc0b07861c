/*
 * query_shape.c
 *	  A query document -> its shape, and the values that are not part of it.
 *
 * Documents that differ only in values have the same shape, and one kept plan
 * serves them all.  This walk knows the grammar of documents, but no catalog:
 * it runs at each call.  What it does not know goes into the shape as it is,
 * and is then refused, or bound as a constant, by who reads the document.
 *
 * Values are also where placeholders are replaced.  A string "$name" stands
 * for a member of params; "$$..." for a string that begins with one "$".
 */
#include "relations.h"

#include "miscadmin.h"

#include "query_cursor.h"
#include "query_shape.h"

static void shape_query(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path);
static void shape_where(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path);

static bool
key_is(const JsonMember *member, const char *name)
{
	return strcmp(member->key, name) == 0;
}

static void
append_key(QueryShape *shape, const char *key)
{
	int			length = strlen(key);

	appendBinaryStringInfo(&shape->bytes, (char *) &length, sizeof(length));
	appendBinaryStringInfo(&shape->bytes, key, length);
}

/* ---------------------------------------------------------------------
 * Placeholders
 * ---------------------------------------------------------------------
 */

/* The value of a string in which placeholders are replaced. */
static void
substitute_string(QueryShape *shape, JsonbValue *value, const JsonPathFrame *path)
{
	char	   *text = value->val.string.val;
	int			length = value->val.string.len;
	JsonbValue *found;

	if (length < 2 || text[0] != '$')
		return;
	if (text[1] == '$')
	{
		value->val.string.val = text + 1;
		value->val.string.len = length - 1;
		return;
	}
	found = shape->params != NULL && JB_ROOT_IS_OBJECT(shape->params)
		? getKeyJsonValueFromContainer(&shape->params->root, text + 1, length - 1, NULL) : NULL;
	if (found == NULL && shape->params == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("\"%s\" names the parameter \"%.*s\", but a scope has no parameters",
						json_path_string(path), length - 1, text + 1),
				 errhint("Write a string that begins with \"$\" with two of them.")));
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("there is no parameter \"%.*s\" for \"%s\"", length - 1, text + 1,
						json_path_string(path)),
				 errhint("Give it in params; a string that begins with \"$\" is written with two.")));
	*value = *found;
}

/* Does a value hold a string that begins with "$"? */
static bool
has_placeholder(const JsonbValue *value)
{
	ListCell   *lc;

	check_stack_depth();
	if (value->type == jbvString)
		return value->val.string.len > 1 && value->val.string.val[0] == '$';
	if (value->type != jbvBinary)
		return false;
	foreach(lc, JSON_IS_ARRAY(value) ? json_elements_of(value) : json_members_of(value))
	{
		if (has_placeholder(&((JsonMember *) lfirst(lc))->value))
			return true;
	}
	return false;
}

static JsonbValue *
push_substituted(QueryShape *shape, JsonbParseState **state, JsonbIteratorToken token,
				 JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	check_stack_depth();
	if (value->type == jbvString)
		substitute_string(shape, value, path);
	else if (value->type == jbvBinary && has_placeholder(value))
	{
		bool		object = JSON_IS_OBJECT(value);

		pushJsonbValue(state, object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
		foreach(lc, object ? json_members_of(value) : json_elements_of(value))
		{
			JsonMember *member = lfirst(lc);
			JsonPathFrame frame = {path, object ? member->key : NULL, foreach_current_index(lc)};

			if (object)
			{
				JsonbValue	key;

				key.type = jbvString;
				key.val.string.val = member->key;
				key.val.string.len = strlen(member->key);
				pushJsonbValue(state, WJB_KEY, &key);
			}
			push_substituted(shape, state, object ? WJB_VALUE : WJB_ELEM, &member->value, &frame);
		}
		return pushJsonbValue(state, object ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
	}
	return pushJsonbValue(state, token, value);
}

/* Replace the placeholders in a value. */
static void
substitute(QueryShape *shape, JsonbValue *value, JsonPathFrame *path)
{
	if (value->type == jbvString)
		substitute_string(shape, value, path);
	else if (value->type == jbvBinary && has_placeholder(value))
	{
		JsonbParseState *state = NULL;
		JsonbValue	whole = *value;
		JsonbValue *result = push_substituted(shape, &state, WJB_VALUE, &whole, path);

		json_root_value(JsonbValueToJsonb(result), value);
	}
}

/*
 * Replace a value of a scope by what it means: "$$x" is the string "$x", as in
 * a query with parameters.  Raises undefined_parameter for "$x".
 */
void
query_scope_value(JsonbValue *value, JsonPathFrame *path)
{
	QueryShape	shape = {0};

	substitute(&shape, value, path);
}

/* Return a string as a scope writes it, palloc'd. */
char *
query_scope_string(const char *value)
{
	return value[0] == '$' && value[1] != '\0' ? psprintf("$%s", value) : pstrdup(value);
}

/* ---------------------------------------------------------------------
 * The walk
 * ---------------------------------------------------------------------
 */

/* A value goes into the shape as it is. */
static void
shape_verbatim(QueryShape *shape, const JsonbValue *value)
{
	appendStringInfoChar(&shape->bytes, '=');
	appendBinaryStringInfo(&shape->bytes, (const char *) &value->type, sizeof(value->type));
	switch (value->type)
	{
		case jbvString:
			appendBinaryStringInfo(&shape->bytes, (const char *) &value->val.string.len,
								   sizeof(value->val.string.len));
			appendBinaryStringInfo(&shape->bytes, value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			appendBinaryStringInfo(&shape->bytes, (const char *) value->val.numeric,
								   VARSIZE_ANY(value->val.numeric));
			break;
		case jbvBool:
			appendStringInfoChar(&shape->bytes, value->val.boolean ? 't' : 'f');
			break;
		case jbvBinary:
			appendBinaryStringInfo(&shape->bytes, (const char *) &value->val.binary.len,
								   sizeof(value->val.binary.len));
			appendBinaryStringInfo(&shape->bytes, (const char *) value->val.binary.data,
								   value->val.binary.len);
			break;
		default:
			break;
	}
}

static QueryLeaf *
add_leaf(QueryShape *shape, const JsonMember *member, JsonPathFrame *path)
{
	QueryLeaf  *leaf;

	if (shape->nleaves == shape->capacity)
	{
		shape->capacity = Max(16, shape->capacity * 2);
		shape->leaves = shape->leaves == NULL ? palloc(sizeof(QueryLeaf) * shape->capacity)
			: repalloc(shape->leaves, sizeof(QueryLeaf) * shape->capacity);
	}
	leaf = &shape->leaves[shape->nleaves++];
	leaf->container = member->container;
	leaf->index = member->index;
	leaf->value = member->value;
	leaf->cursor = NULL;
	if (shape->params != NULL)
		substitute(shape, &leaf->value, path);
	return leaf;
}

/* A value is bound: only of what kind it is goes into the shape. */
static void
shape_leaf(QueryShape *shape, const JsonMember *member, JsonPathFrame *path)
{
	JsonbValue *value = &add_leaf(shape, member, path)->value;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoChar(&shape->bytes, 'n');
			break;
		case jbvBool:
			appendStringInfoChar(&shape->bytes, value->val.boolean ? 't' : 'f');
			break;
		case jbvString:
			appendStringInfoChar(&shape->bytes, 's');
			break;
		case jbvNumeric:
			appendStringInfoChar(&shape->bytes, '#');
			break;
		default:
			appendStringInfoChar(&shape->bytes, JSON_IS_ARRAY(value) ? 'a' : 'o');
			break;
	}
}

/* A cursor is bound; which of its values are null shapes the query. */
static void
shape_cursor(QueryShape *shape, const JsonMember *member, JsonPathFrame *path)
{
	QueryLeaf  *leaf = add_leaf(shape, member, path);

	if (leaf->value.type == jbvNull)
	{
		appendStringInfoChar(&shape->bytes, 'n');
		return;
	}
	if (leaf->value.type != jbvString)
		query_document_error(path, "a cursor", &leaf->value);
	leaf->cursor = cursor_parse(leaf->value.val.string.val, leaf->value.val.string.len);
	if (leaf->cursor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a cursor", json_path_string(path)),
				 errhint("Give the \"cursor\" of a document that the same query returned.")));
	for (int i = 0; i < leaf->cursor->n; i++)
		appendStringInfoChar(&shape->bytes, leaf->cursor->values[i] == NULL ? '0' : '1');
	appendStringInfoChar(&shape->bytes, 'c');
}

/* The conditions on the number of related rows: bound, but for a filter. */
static void
shape_count(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	appendStringInfoChar(&shape->bytes, '{');
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {path, member->key, 0};

		append_key(shape, member->key);
		if (key_is(member, "where") && JSON_IS_OBJECT(&member->value))
			shape_where(shape, &member->value, &frame);
		else
			shape_leaf(shape, member, &frame);
	}
	appendStringInfoChar(&shape->bytes, '}');
}

/* What is said of a column or a relation, by operators. */
static void
shape_operators(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	check_stack_depth();
	appendStringInfoChar(&shape->bytes, '{');
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {path, member->key, 0};

		append_key(shape, member->key);
		if (!JSON_IS_OBJECT(&member->value))
			shape_leaf(shape, member, &frame);
		else if (key_is(member, "some") || key_is(member, "every") || key_is(member, "none") ||
				 key_is(member, "is") || key_is(member, "is_not"))
			shape_where(shape, &member->value, &frame);
		else if (key_is(member, "not"))
			shape_operators(shape, &member->value, &frame);
		else if (key_is(member, "count"))
			shape_count(shape, &member->value, &frame);
		else
			shape_leaf(shape, member, &frame);
	}
	appendStringInfoChar(&shape->bytes, '}');
}

static void
shape_where(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	check_stack_depth();
	appendStringInfoChar(&shape->bytes, '{');
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {path, member->key, 0};

		append_key(shape, member->key);
		if (JSON_IS_ARRAY(&member->value) && (key_is(member, "and") || key_is(member, "or")))
		{
			ListCell   *item;

			appendStringInfoChar(&shape->bytes, '[');
			foreach(item, json_elements_of(&member->value))
			{
				JsonMember *element = lfirst(item);
				JsonPathFrame place = {&frame, NULL, foreach_current_index(item)};

				if (JSON_IS_OBJECT(&element->value))
					shape_where(shape, &element->value, &place);
				else
					shape_leaf(shape, element, &place);
			}
			appendStringInfoChar(&shape->bytes, ']');
		}
		else if (!JSON_IS_OBJECT(&member->value))
			shape_leaf(shape, member, &frame);
		else if (key_is(member, "not") || key_is(member, "pivot"))
			shape_where(shape, &member->value, &frame);
		else
			shape_operators(shape, &member->value, &frame);
	}
	appendStringInfoChar(&shape->bytes, '}');
}

/* The entries of "preload", "count" or "aggregate". */
static void
shape_entries(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	appendStringInfoChar(&shape->bytes, '{');
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {path, member->key, 0};

		append_key(shape, member->key);
		if (JSON_IS_OBJECT(&member->value))
			shape_query(shape, &member->value, &frame);
		else
			shape_verbatim(shape, &member->value);
	}
	appendStringInfoChar(&shape->bytes, '}');
}

static void
shape_query(QueryShape *shape, const JsonbValue *value, JsonPathFrame *path)
{
	ListCell   *lc;

	check_stack_depth();
	appendStringInfoChar(&shape->bytes, '{');
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame frame = {path, member->key, 0};
		bool		object = JSON_IS_OBJECT(&member->value);

		append_key(shape, member->key);
		if (key_is(member, "where") && object)
			shape_where(shape, &member->value, &frame);
		else if ((key_is(member, "preload") || key_is(member, "count") ||
				  key_is(member, "aggregate")) && object)
			shape_entries(shape, &member->value, &frame);
		else if (key_is(member, "offset"))
			shape_leaf(shape, member, &frame);
		else if (key_is(member, "after") || key_is(member, "before"))
			shape_cursor(shape, member, &frame);
		else if (key_is(member, "limit"))
			/* bound to the shape: it decides which plan is good */
			shape_verbatim(shape, &add_leaf(shape, member, &frame)->value);
		else
			shape_verbatim(shape, &member->value);
	}
	appendStringInfoChar(&shape->bytes, '}');
}

/*
 * The shape of a document and its values, in the current memory context.
 * params, unless it is NULL, has the values of placeholders.  Raises
 * invalid_parameter_value for a document that is no object and for a cursor
 * that is none, undefined_parameter for a placeholder without value.
 */
void
query_shape(QueryShape *shape, Jsonb *document, Jsonb *params)
{
	JsonbValue	root;

	memset(shape, 0, sizeof(*shape));
	initStringInfo(&shape->bytes);
	shape->params = params;
	json_root_value(document, &root);
	if (!JSON_IS_OBJECT(&root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a query must be an object, not %s", json_value_type(&root))));
	if (params != NULL && !JB_ROOT_IS_OBJECT(params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the parameters of a query must be an object")));
	shape_query(shape, &root, NULL);
}
