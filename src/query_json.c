/*
 * query_json.c
 *	  The JSON of a query document: members, leaves, and errors about them.
 *
 * Values that are compared with columns become parameters.  Where the same
 * plan serves documents with other values, a parameter remembers which leaf of
 * the document it is bound to; elsewhere it is a constant.
 */
#include "relations.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/scansup.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/numeric.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

#include "query_json.h"

/* A document as a value that can be taken apart. */
void
json_root_value(Jsonb *document, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(document))
	{
		JsonbValue *scalar = getIthJsonbValueFromContainer(&document->root, 0);

		*value = *scalar;
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &document->root;
	value->val.binary.len = VARSIZE(document) - VARHDRSZ;
}

static List *
container_members(const JsonbValue *container, bool object)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	List	   *result = NIL;
	char	   *key = NULL;
	int			index = 0;

	if (!(object ? JSON_IS_OBJECT(container) : JSON_IS_ARRAY(container)))
		elog(ERROR, "JSON value is %s", json_value_type(unconstify(JsonbValue *, container)));
	it = JsonbIteratorInit(container->val.binary.data);
	(void) JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != (object ? WJB_END_OBJECT : WJB_END_ARRAY))
	{
		JsonMember *member;

		if (token == WJB_KEY)
		{
			key = pnstrdup(v.val.string.val, v.val.string.len);
			continue;
		}
		member = palloc(sizeof(JsonMember));
		member->key = key;
		member->value = v;
		member->container = container->val.binary.data;
		member->index = index++;
		result = lappend(result, member);
	}
	return result;
}

/* The members of an object, as a list of JsonMember. */
List *
json_members_of(const JsonbValue *object)
{
	return container_members(object, true);
}

/* The elements of an array, as a list of JsonMember without keys. */
List *
json_elements_of(const JsonbValue *array)
{
	return container_members(array, false);
}

/*
 * Return what an object has at a key, palloc'd, or NULL if the value is no
 * object or has no such key.
 */
JsonbValue *
json_member(const JsonbValue *object, const char *key)
{
	if (!JSON_IS_OBJECT(object))
		return NULL;
	return getKeyJsonValueFromContainer(object->val.binary.data, key, strlen(key), NULL);
}

/* Raises invalid_parameter_value: the document holds something else there. */
void
query_document_error(const JsonPathFrame *path, const char *expected, const JsonbValue *found)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" must be %s, not %s", json_path_string(path), expected,
					json_value_type(unconstify(JsonbValue *, found)))));
}

/*
 * Raises invalid_parameter_value: there is no such key.  path leads to what
 * holds it, what says what that is.
 */
void
query_unknown_key(const JsonPathFrame *path, const char *key, const char *what, List *known)
{
	JsonPathFrame frame = {unconstify(JsonPathFrame *, path), key, 0};
	const char *near = closest_name(key, known);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown key \"%s\" at \"%s\"", key, json_path_string(&frame)),
			 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
			 : errhint("The keys of %s are: %s.", what, format_column_list(known))));
}

static void
place_error_context(void *arg)
{
	errcontext("query document at \"%s\"", json_path_string(arg));
}

/*
 * Until query_leave_place an error says in its context that it arose at path;
 * for what knows nothing of documents.
 */
void
query_enter_place(ErrorContextCallback *place, const JsonPathFrame *path)
{
	place->callback = place_error_context;
	place->arg = unconstify(JsonPathFrame *, path);
	place->previous = error_context_stack;
	error_context_stack = place;
}

void
query_leave_place(ErrorContextCallback *place)
{
	error_context_stack = place->previous;
}

/* A relation that the document names at path. */
RelationDesc *
query_relation(Oid relid, const char *name, const JsonPathFrame *path)
{
	ErrorContextCallback place;
	RelationDesc *relation;

	query_enter_place(&place, path);
	relation = catalog_get_relation(relid, name);
	query_leave_place(&place);
	return relation;
}

/* The members of what must be an object. */
List *
query_members(const JsonMember *member, const JsonPathFrame *path, const char *expected)
{
	if (!JSON_IS_OBJECT(&member->value))
		query_document_error(path, expected, &member->value);
	return json_members_of(&member->value);
}

/* The elements of what must be an array. */
List *
query_elements(const JsonMember *member, const JsonPathFrame *path, const char *expected)
{
	if (!JSON_IS_ARRAY(&member->value))
		query_document_error(path, expected, &member->value);
	return json_elements_of(&member->value);
}

/* What must be a string; palloc'd. */
char *
query_string(const JsonMember *member, const JsonPathFrame *path, const char *expected)
{
	if (member->value.type != jbvString)
		query_document_error(path, expected, &member->value);
	return pnstrdup(member->value.val.string.val, member->value.val.string.len);
}

/* What must be true or false. */
bool
query_boolean(const JsonMember *member, const JsonPathFrame *path)
{
	if (member->value.type != jbvBool)
		query_document_error(path, "true or false", &member->value);
	return member->value.val.boolean;
}

/* One of two words, as a truth. */
bool
query_choice(const JsonMember *member, const JsonPathFrame *path, const char *no, const char *yes)
{
	char	   *expected = psprintf("\"%s\" or \"%s\"", no, yes);
	char	   *word = query_string(member, path, expected);

	if (strcmp(word, yes) == 0)
		return true;
	if (strcmp(word, no) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be %s, not \"%s\"", json_path_string(path), expected, word)));
	return false;
}

/* A whole number that is not negative. */
int64
query_count_value(const JsonbValue *value, const JsonPathFrame *path)
{
	Datum		number;

	if (value->type != jbvNumeric)
		query_document_error(path, "a number", value);
	number = NumericGetDatum(value->val.numeric);
	if (numeric_is_nan(value->val.numeric) || numeric_is_inf(value->val.numeric) ||
		DatumGetBool(DirectFunctionCall2(numeric_ne, number,
										 DirectFunctionCall1(numeric_floor, number))) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, number,
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(0)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number,
										 DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX)))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be a whole number from 0, not %s", json_path_string(path),
						DatumGetCString(DirectFunctionCall1(numeric_out, number)))));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

int64
query_count(const JsonMember *member, const JsonPathFrame *path)
{
	return query_count_value(&member->value, path);
}

static int
compare_places(const JsonbContainer *a, int a_index, const JsonbContainer *b, int b_index)
{
	if (a != b)
		return (uintptr_t) a < (uintptr_t) b ? -1 : 1;
	return a_index < b_index ? -1 : a_index > b_index ? 1 : 0;
}

static int
compare_leaves(const void *a, const void *b)
{
	const QueryLeaf *one = *(const QueryLeaf *const *) a;
	const QueryLeaf *other = *(const QueryLeaf *const *) b;

	return compare_places(one->container, one->index, other->container, other->index);
}

/* Make the leaves of a document known, in the current memory context. */
void
query_set_leaves(QueryContext *cxt, const QueryLeaf *leaves, int nleaves)
{
	cxt->leaves = leaves;
	cxt->nleaves = nleaves;
	cxt->by_place = palloc(sizeof(QueryLeaf *) * Max(nleaves, 1));
	for (int i = 0; i < nleaves; i++)
		cxt->by_place[i] = &leaves[i];
	qsort(cxt->by_place, nleaves, sizeof(QueryLeaf *), compare_leaves);
}

/* The number of the leaf that a member is, -1 when it is none. */
int
query_leaf_of(QueryContext *cxt, const JsonMember *member)
{
	int			low = 0;
	int			high = cxt->nleaves;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const QueryLeaf *leaf = cxt->by_place[middle];
		int			order = compare_places(member->container, member->index,
										   leaf->container, leaf->index);

		if (order == 0)
			return leaf - cxt->leaves;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* While a value is converted: errors say where in the document it stands. */
static void
value_error_context(void *arg)
{
	errcontext("value of \"%s\"", (const char *) arg);
}

/* Raises undefined_object when there are no arrays of a type. */
static Oid
array_type_of(Oid type, const JsonPathFrame *path)
{
	Oid			array_type = get_array_type(type);

	if (!OidIsValid(array_type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no array type for type %s, which \"%s\" needs",
						format_type_be(type), json_path_string(path))));
	return array_type;
}

/*
 * Does a value of a type depend on more than its text, as "today" or a time
 * without its zone do?
 */
static bool
depends_on_call(Oid type)
{
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(type, &input, &ioparam);
	return func_volatile(input) != PROVOLATILE_IMMUTABLE;
}

/* Bind a parameter to the leaf that a member is, or make it a constant. */
static QueryParam *
finish_param(QueryParam *param, QueryContext *cxt, const JsonMember *member,
			 const JsonPathFrame *path)
{
	param->path = json_path_string(path);
	param->slot = -1;
	param->leaf = cxt != NULL ? query_leaf_of(cxt, member) : -1;
	if (param->leaf >= 0)
	{
		param->slot = list_length(cxt->tree->params);
		cxt->tree->params = lappend(cxt->tree->params, param);
		return param;
	}
	if (cxt != NULL)
		cxt->tree->shareable = false;
	else if (!param->whole && depends_on_call(param->value_type))
	{
		param->source = palloc(sizeof(JsonbValue));
		*param->source = member->value;
	}
	query_param_bind(param, &member->value, &param->value, &param->isnull);
	return param;
}

/*
 * A parameter for a value of a document: of value_type, an array of such with
 * array, or the element'th of an array unless that is negative.  It is bound
 * to the leaf that the value is; where there is none it is a constant, and
 * what the type raises for a bad value is raised here.
 *
 * The value has no type modifier, as a literal that SQL compares with a column
 * has none: 1.501 equals no numeric(6,2).
 */
QueryParam *
query_param(QueryContext *cxt, const JsonMember *member, int element, bool array,
			Oid value_type, const JsonPathFrame *path)
{
	QueryParam *param = palloc0(sizeof(QueryParam));

	param->type = array ? array_type_of(value_type, path) : value_type;
	param->value_type = value_type;
	param->array = array;
	param->element = element;
	return finish_param(param, cxt, member, path);
}

/*
 * Return a parameter for the pattern, of type, of all strings that begin with
 * a value of a document.
 */
QueryParam *
query_prefix_param(QueryContext *cxt, const JsonMember *member, Oid type,
				   const JsonPathFrame *path)
{
	QueryParam *param = palloc0(sizeof(QueryParam));

	param->type = param->value_type = type;
	param->element = -1;
	param->prefix = true;
	return finish_param(param, cxt, member, path);
}

/*
 * Return a parameter for what a range or multirange of type is to contain: a
 * value of a document that is a range, a multirange or an element.
 */
QueryParam *
query_contained_param(QueryContext *cxt, const JsonMember *member, Oid type,
					  const JsonPathFrame *path)
{
	QueryParam *param = palloc0(sizeof(QueryParam));

	param->type = param->value_type = type;
	param->element = -1;
	param->contained = true;
	return finish_param(param, cxt, member, path);
}

/* A parameter for a whole number that is not negative. */
QueryParam *
query_whole_param(QueryContext *cxt, const JsonMember *member, const JsonPathFrame *path)
{
	QueryParam *param = palloc0(sizeof(QueryParam));

	param->type = param->value_type = INT8OID;
	param->element = -1;
	param->whole = true;
	return finish_param(param, cxt, member, path);
}

static Datum
bind_array(const QueryParam *param, const JsonbValue *leaf)
{
	List	   *elements;
	Datum	   *elems;
	bool	   *nulls;
	int			n;
	int			lbound = 1;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	ListCell   *lc;

	if (!JSON_IS_ARRAY(leaf))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an array of values, not %s", param->path,
						json_value_type(unconstify(JsonbValue *, leaf)))));
	elements = json_elements_of(leaf);
	n = list_length(elements);
	if (n == 0)
		return PointerGetDatum(construct_empty_array(param->value_type));
	elems = palloc(sizeof(Datum) * n);
	nulls = palloc(sizeof(bool) * n);
	foreach(lc, elements)
	{
		int			i = foreach_current_index(lc);

		elems[i] = json_value_to_compare(&((JsonMember *) lfirst(lc))->value, param->value_type,
									   -1, &nulls[i]);
	}
	get_typlenbyvalalign(param->value_type, &typlen, &typbyval, &typalign);
	return PointerGetDatum(construct_md_array(elems, nulls, 1, &n, &lbound, param->value_type,
											  typlen, typbyval, typalign));
}

/* Return the pattern of LIKE that all strings match which begin with a leaf's. */
static Datum
bind_prefix(const QueryParam *param, const JsonbValue *leaf, bool *isnull)
{
	JsonbValue	pattern = *leaf;
	StringInfoData buf;

	if (leaf->type == jbvString)
	{
		initStringInfo(&buf);
		for (int i = 0; i < leaf->val.string.len; i++)
		{
			char		c = leaf->val.string.val[i];

			/* no multibyte character of a server encoding contains these bytes */
			if (c == '\\' || c == '%' || c == '_')
				appendStringInfoChar(&buf, '\\');
			appendStringInfoChar(&buf, c);
		}
		appendStringInfoChar(&buf, '%');
		pattern.val.string.val = buf.data;
		pattern.val.string.len = buf.len;
	}
	return json_value_to_compare(&pattern, param->value_type, -1, isnull);
}

/* Is a string the literal of a range, or with multirange of a multirange? */
static bool
is_range_literal(const JsonbValue *value, bool multirange)
{
	const char *p;
	int			length;

	if (value->type != jbvString)
		return false;
	p = value->val.string.val;
	length = value->val.string.len;
	while (length > 0 && scanner_isspace(*p))
	{
		p++;
		length--;
	}
	while (length > 0 && scanner_isspace(p[length - 1]))
		length--;
	if (length == 0)
		return false;
	if (multirange)
		return *p == '{';
	return *p == '[' || *p == '(' ||
		(length == (int) strlen("empty") && pg_strncasecmp(p, "empty", length) == 0);
}

/*
 * Return what a range or multirange is to contain, as a value of its type.  The
 * range of an element alone is contained in the same ranges as the element.
 */
static Datum
bind_contained(const QueryParam *param, const JsonbValue *leaf, bool *isnull)
{
	JsonbValue *value = unconstify(JsonbValue *, leaf);
	Oid			type = param->value_type;
	Oid			range_type = get_multirange_range(type);
	bool		multirange = OidIsValid(range_type);
	TypeCacheEntry *cache;
	RangeType  *range;

	*isnull = false;
	if (!multirange)
		range_type = type;
	if (multirange ? is_range_literal(leaf, true) : is_range_literal(leaf, false))
		return json_value_to_compare(value, type, -1, isnull);
	cache = lookup_type_cache(range_type, TYPECACHE_RANGE_INFO);
	if (is_range_literal(leaf, false))
		range = DatumGetRangeTypeP(json_value_to_compare(value, range_type, -1, isnull));
	else
	{
		RangeBound	lower = {0};
		RangeBound	upper;

		lower.val = json_value_to_compare(value, cache->rngelemtype->type_id, -1, isnull);
		if (*isnull)
			return (Datum) 0;
		lower.inclusive = true;
		lower.lower = true;
		upper = lower;
		upper.lower = false;
		range = make_range_hard(cache, &lower, &upper);
	}
	if (!multirange)
		return RangeTypePGetDatum(range);
	return MultirangeTypePGetDatum(make_multirange(type, cache, 1, &range));
}

/*
 * The value of a parameter when its leaf is this, in the current memory
 * context.  Raises what the type raises for a bad value, with the path in the
 * error's context.
 */
void
query_param_bind(const QueryParam *param, const JsonbValue *leaf, Datum *value, bool *isnull)
{
	ErrorContextCallback callback;

	callback.callback = value_error_context;
	callback.arg = param->path;
	callback.previous = error_context_stack;
	if (param->whole)
	{
		JsonPathFrame frame = {NULL, param->path, 0};

		*isnull = false;
		*value = Int64GetDatum(query_count_value(leaf, &frame));
		return;
	}
	error_context_stack = &callback;
	if (param->array)
	{
		*isnull = false;
		*value = bind_array(param, leaf);
	}
	else if (param->element >= 0)
	{
		List	   *pair = JSON_IS_ARRAY(leaf) ? json_elements_of(leaf) : NIL;

		if (list_length(pair) != 2)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must be an array of two values", param->path)));
		*value = json_value_to_compare(&((JsonMember *) list_nth(pair, param->element))->value,
									 param->value_type, -1, isnull);
		if (*isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("\"%s[%d]\" must not be null", param->path, param->element)));
	}
	else if (param->prefix)
		*value = bind_prefix(param, leaf, isnull);
	else if (param->contained)
		*value = bind_contained(param, leaf, isnull);
	else
		*value = json_value_to_compare(unconstify(JsonbValue *, leaf), param->value_type, -1, isnull);
	error_context_stack = callback.previous;
}
