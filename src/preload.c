/*
 * preload.c
 *	  preload, query, first, find and load: the SQL face of reading.
 *
 * A function whose name ends in _json gives the text of the other one's
 * documents.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "graph_reader.h"
#include "json_writer.h"

PG_FUNCTION_INFO_V1(relations_preload);
PG_FUNCTION_INFO_V1(relations_preload_json);
PG_FUNCTION_INFO_V1(relations_query);
PG_FUNCTION_INFO_V1(relations_query_json);
PG_FUNCTION_INFO_V1(relations_query_params);
PG_FUNCTION_INFO_V1(relations_query_params_json);
PG_FUNCTION_INFO_V1(relations_query_related);
PG_FUNCTION_INFO_V1(relations_query_related_json);
PG_FUNCTION_INFO_V1(relations_paginate);
PG_FUNCTION_INFO_V1(relations_first);
PG_FUNCTION_INFO_V1(relations_first_json);
PG_FUNCTION_INFO_V1(relations_find);
PG_FUNCTION_INFO_V1(relations_find_json);
PG_FUNCTION_INFO_V1(relations_load);
PG_FUNCTION_INFO_V1(relations_load_relation);

typedef struct StreamState
{
	GraphReader reader;
	ExprContext *econtext;
} StreamState;

/* The query above ends, or we do. */
static void
stream_shutdown(Datum arg)
{
	graph_reader_end(&((StreamState *) DatumGetPointer(arg))->reader);
}

/*
 * The documents of a request, one a call.  Streams: a batch of rows is read
 * when the one before is used up.  request is read at the first call.
 */
static Datum
stream_documents(FunctionCallInfo fcinfo, const DocFormat *format,
				 void (*make_request) (FunctionCallInfo, ReadRequest *))
{
	FuncCallContext *funcctx;
	StreamState *state;

	if (SRF_IS_FIRSTCALL())
	{
		ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
		ReadRequest request;
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		state = palloc0(sizeof(StreamState));
		memset(&request, 0, sizeof(request));
		make_request(fcinfo, &request);
		graph_reader_begin(&state->reader, &request);
		state->reader.run->format = format;
		state->econtext = rsinfo->econtext;
		RegisterExprContextCallback(state->econtext, stream_shutdown, PointerGetDatum(state));
		funcctx->user_fctx = state;
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	state = funcctx->user_fctx;
	if (graph_reader_next(&state->reader))
	{
		/* who wants to keep it copies it, as the executor does */
		Datum		document = read_run_passing_document(state->reader.run, state->reader.next - 1);

		SRF_RETURN_NEXT(funcctx, document);
	}
	UnregisterExprContextCallback(state->econtext, stream_shutdown, PointerGetDatum(state));
	stream_shutdown(PointerGetDatum(state));
	SRF_RETURN_DONE(funcctx);
}

static void
preload_request(FunctionCallInfo fcinfo, ReadRequest *request)
{
	request->model = PG_GETARG_OID(0);
	request->mode = READ_ALL;
	request->paths = PG_GETARG_ARRAYTYPE_P_COPY(1);
}

/* All rows of a model as documents. */
Datum
relations_preload(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &jsonb_format, preload_request);
}

Datum
relations_preload_json(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &json_format, preload_request);
}

static void
query_request(FunctionCallInfo fcinfo, ReadRequest *request)
{
	request->model = PG_GETARG_OID(0);
	request->mode = READ_ALL;
	request->document = PG_GETARG_JSONB_P_COPY(1);
	if (PG_NARGS() > 2)
		request->params = PG_GETARG_JSONB_P_COPY(2);
}

/* The documents that a query document asks for. */
Datum
relations_query(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &jsonb_format, query_request);
}

Datum
relations_query_json(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &json_format, query_request);
}

/* The same, with values for placeholders. */
Datum
relations_query_params(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &jsonb_format, query_request);
}

Datum
relations_query_params_json(PG_FUNCTION_ARGS)
{
	return stream_documents(fcinfo, &json_format, query_request);
}

/*
 * {"preload": {relation: query}}.  Raises invalid_parameter_value for a query
 * that is no object or that names another relation.
 */
static Jsonb *
relation_document(const char *relation, Jsonb *query)
{
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue	value;
	JsonbValue *result;

	if (!JB_ROOT_IS_OBJECT(query))
	{
		json_root_value(query, &value);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a query must be an object, not %s", json_value_type(&value))));
	}
	if (query_scope_has(query, "relation"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"relation\" cannot be given to query_related"),
				 errhint("The relation is named by its third argument.")));
	key.type = jbvString;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	key.val.string.val = "preload";
	key.val.string.len = strlen("preload");
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	key.val.string.val = unconstify(char *, relation);
	key.val.string.len = strlen(relation);
	pushJsonbValue(&state, WJB_KEY, &key);
	json_root_value(query, &value);
	pushJsonbValue(&state, WJB_VALUE, &value);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(result);
}

/*
 * Read the root row that has a key, given as text, and what is below it; none
 * if a part of the key is null.  Raises cardinality_violation if several rows
 * have the key: no index may prove that a key is unique which
 * relations.model() names.
 */
static void
read_row_of_key(ReadRun *run, char *text)
{
	Datum	   *key = read_plan_parse_key(run->plan, text);
	Oid			model = run->plan->model;

	if (key == NULL)
		return;
	read_run_root(run, LEVEL_KEY, key);
	if (read_run_rows(run) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more than one row of \"%s\" has the key that is named", model_name(model)),
				 errdetail("Key (%s)=%s%s%s is not unique.",
						   format_column_list(run->plan->root->query->model->primary_key),
						   run->plan->root->nkeys > 1 ? "" : "(", text,
						   run->plan->root->nkeys > 1 ? "" : ")"),
				 errhint("Name columns that are unique together: SELECT relations.model('%s', primary_key => '...').",
						 model_name(model))));
	read_run_children(run);
}

/* The related rows of one row, as a query document filters and orders them. */
static Datum
related_documents(FunctionCallInfo fcinfo, const DocFormat *format)
{
	FuncCallContext *funcctx;
	ReadRun    *run;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		ReadRequest request = {0};
		char	   *relation = quote_path_name(NameStr(*PG_GETARG_NAME(2)));

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		request.model = PG_GETARG_OID(0);
		request.mode = READ_KEY;
		request.document = relation_document(relation, PG_GETARG_JSONB_P_COPY(3));
		run = read_run_begin(&request);
		run->format = format;
		funcctx->user_fctx = run;
		read_row_of_key(run, TextDatumGetCString(PG_GETARG_DATUM(1)));
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	run = funcctx->user_fctx;
	CHECK_FOR_INTERRUPTS();
	if (read_run_rows(run) > 0 && funcctx->call_cntr < read_run_related_rows(run))
	{
		Datum		document = read_run_related_document(run, (uint32) funcctx->call_cntr);

		SRF_RETURN_NEXT(funcctx, document);
	}
	SRF_RETURN_DONE(funcctx);
}

Datum
relations_query_related(PG_FUNCTION_ARGS)
{
	return related_documents(fcinfo, &jsonb_format);
}

Datum
relations_query_related_json(PG_FUNCTION_ARGS)
{
	return related_documents(fcinfo, &json_format);
}

static void
push_key(JsonbParseState **state, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
}

static void
push_number(JsonbParseState **state, const char *name, int64 number)
{
	JsonbValue	value;

	push_key(state, name);
	value.type = jbvNumeric;
	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(number)));
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* A query document with limit and offset; it must not have its own. */
static Jsonb *
page_document(Jsonb *query, int64 page, int64 per_page)
{
	static const char *const refused[] = {"limit", "offset", "after", "before"};
	JsonbParseState *state = NULL;
	JsonbValue	root;
	ListCell   *lc;

	json_root_value(query, &root);
	if (!JSON_IS_OBJECT(&root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a query must be an object, not %s", json_value_type(&root))));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(&root))
	{
		JsonMember *member = lfirst(lc);

		for (int i = 0; i < (int) lengthof(refused); i++)
		{
			if (strcmp(member->key, refused[i]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\" cannot be given to paginate", refused[i]),
						 errhint("The page and its size say which rows are wanted.")));
		}
		push_key(&state, member->key);
		pushJsonbValue(&state, WJB_VALUE, &member->value);
	}
	push_number(&state, "limit", per_page);
	push_number(&state, "offset", (page - 1) * per_page);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* A page of a query, and of how many it is one. */
Datum
relations_paginate(PG_FUNCTION_ARGS)
{
	int64		page = PG_GETARG_INT32(2);
	int64		per_page = PG_GETARG_INT32(3);
	ReadRequest request = {0};
	GraphReader reader;
	JsonbParseState *state = NULL;
	JsonbValue	value;
	int64		total;

	if (page < 1 || per_page < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be at least 1", page < 1 ? "page" : "per_page")));
	request.model = PG_GETARG_OID(0);
	request.mode = READ_ALL;
	request.document = page_document(PG_GETARG_JSONB_P(1), page, per_page);
	graph_reader_begin(&reader, &request);
	total = read_run_count(reader.run);

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_key(&state, "meta");
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_number(&state, "total", total);
	push_number(&state, "per_page", per_page);
	push_number(&state, "current_page", page);
	/* without rows there is one page, and it is empty */
	push_number(&state, "last_page", Max((total + per_page - 1) / per_page, 1));
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	push_key(&state, "data");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while (graph_reader_next(&reader))
	{
		json_root_value(DatumGetJsonbP(read_run_document(reader.run, reader.next - 1)), &value);
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	graph_reader_end(&reader);
	read_run_end(reader.run);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* Finish a run of at most one document: the document, or SQL null. */
static Datum
one_document(FunctionCallInfo fcinfo, ReadRun *run)
{
	bool		found = read_run_rows(run) > 0;
	Datum		result = found ? read_run_document(run, 0) : (Datum) 0;

	read_run_end(run);
	if (!found)
		PG_RETURN_NULL();
	return result;
}

/* The first row of a model. */
static Datum
first_document(FunctionCallInfo fcinfo, const DocFormat *format)
{
	ReadRun    *run = read_run_begin_paths(PG_GETARG_OID(0), READ_FIRST, PG_GETARG_ARRAYTYPE_P(1));

	run->format = format;
	read_run_root(run, LEVEL_FIRST, NULL);
	read_run_children(run);
	return one_document(fcinfo, run);
}

Datum
relations_first(PG_FUNCTION_ARGS)
{
	return first_document(fcinfo, &jsonb_format);
}

Datum
relations_first_json(PG_FUNCTION_ARGS)
{
	return first_document(fcinfo, &json_format);
}

/* The row of a model with a primary key. */
static Datum
find_document(FunctionCallInfo fcinfo, const DocFormat *format)
{
	Oid			model = PG_GETARG_OID(0);
	ReadRun    *run = read_run_begin_paths(model, READ_KEY, PG_GETARG_ARRAYTYPE_P(2));

	run->format = format;
	read_row_of_key(run, TextDatumGetCString(PG_GETARG_DATUM(1)));
	return one_document(fcinfo, run);
}

Datum
relations_find(PG_FUNCTION_ARGS)
{
	return find_document(fcinfo, &jsonb_format);
}

Datum
relations_find_json(PG_FUNCTION_ARGS)
{
	return find_document(fcinfo, &json_format);
}

/* A composite value, taken apart. */
typedef struct RowValues
{
	int			n;
	Oid		   *types;
	Datum	   *values;
	bool	   *isnull;
} RowValues;

static void
deform_row(HeapTupleHeader header, RowValues *row)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	row->n = desc->natts;
	row->types = palloc(sizeof(Oid) * Max(desc->natts, 1));
	row->values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	row->isnull = palloc(sizeof(bool) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
		row->types[i] = TupleDescAttr(desc, i)->atttypid;
	heap_deform_tuple(&tuple, desc, row->values, row->isnull);
	ReleaseTupleDesc(desc);
}

/* Take a row, in the order of the root's select list, and read what is below. */
static void
add_given_row(ReadRun *run, const Datum *values, const bool *isnull)
{
	read_run_add_row(run, values, isnull);
	if (run->plan->root->nchildren > 0)
		read_run_children(run);
}

/*
 * Raises datatype_mismatch unless the values of a given row have the types that
 * the plan was made for.  The table of a caller who may not lock it could have
 * been altered meanwhile.  types are in the order of the root's select list,
 * InvalidOid for a null value.
 */
static void
check_given_types(ReadRun *run, const Oid *types)
{
	ReadNode   *root = run->plan->root;
	bool		fits = true;

	for (int i = 0; i < root->tpl.nvalues; i++)
	{
		Oid			type = types[root->positions[i]];

		fits = fits && (!OidIsValid(type) || getBaseType(type) == root->encoders[i].typid);
	}
	for (int c = 0; c < root->nchildren; c++)
	{
		ReadNode   *child = root->children[c];

		for (int i = 0; i < child->nkeys; i++)
		{
			Oid			type = types[child->parent_keys[i]];

			fits = fits && (!OidIsValid(type) || getBaseType(type) == child->key_types[i]);
		}
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the row to load does not have the current type of table \"%s\"",
						model_name(run->plan->model))));
}

/* The document of a row that the caller has. */
Datum
relations_load(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			model = OidIsValid(type) ? get_typ_typrelid(getBaseType(type)) : InvalidOid;
	ReadRun    *run;
	RowValues	row;
	Datum	   *values;
	bool	   *isnull;
	Oid		   *types;
	ListCell   *lc;
	int			n = 0;

	if (!OidIsValid(model) || get_rel_relkind(model) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the row to load must be a row of a table or view, not of type %s",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errhint("Give the table's alias: SELECT relations.load(u, 'profile') FROM users u.")));
	header = PG_GETARG_HEAPTUPLEHEADER(0);
	run = read_run_begin_paths(model, READ_ROW, PG_GETARG_ARRAYTYPE_P(1));
	deform_row(header, &row);
	values = palloc(sizeof(Datum) * (list_length(run->plan->root->columns) + 1));
	isnull = palloc(sizeof(bool) * (list_length(run->plan->root->columns) + 1));
	types = palloc0(sizeof(Oid) * (list_length(run->plan->root->columns) + 1));
	foreach(lc, run->plan->root->columns)
	{
		AttrNumber	attnum = get_attnum(model, ((SelectColumn *) lfirst(lc))->name);

		isnull[n] = attnum <= 0 || attnum > row.n || row.isnull[attnum - 1];
		if (!isnull[n])
		{
			values[n] = row.values[attnum - 1];
			types[n] = row.types[attnum - 1];
		}
		n++;
	}
	if (run->plan->unlocked != NULL)
		check_given_types(run, types);
	add_given_row(run, values, isnull);
	return one_document(fcinfo, run);
}

/* Raises invalid_parameter_value unless the paths begin with one relation. */
static void
check_one_relation(ReadNode *root)
{
	if (root->nchildren == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no relation is named")));
	for (int i = 1; i < root->nchildren; i++)
	{
		if (!root->children[i]->continues)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the paths must begin with one relation"),
					 errhint("Call relations.load to get several.")));
	}
}

/*
 * What one relation leads to from a row, of which the caller gives the columns
 * that the relation starts from: an array, an object or null.
 */
Datum
relations_load_relation(PG_FUNCTION_ARGS)
{
	ReadRun    *run = read_run_begin_paths(PG_GETARG_OID(0), READ_RELATED, PG_GETARG_ARRAYTYPE_P(2));
	ReadNode   *root = run->plan->root;
	RowValues	row;
	Datum		result;
	ListCell   *lc;
	bool		fits;

	check_one_relation(root);
	deform_row(PG_GETARG_HEAPTUPLEHEADER(1), &row);
	fits = row.n == list_length(root->columns);
	foreach(lc, root->columns)
	{
		char	   *name = ((SelectColumn *) lfirst(lc))->name;

		fits = fits && row.types[foreach_current_index(lc)] ==
			get_atttype(run->plan->model, get_attnum(run->plan->model, name));
	}
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the key does not fit relation \"%s\" of model \"%s\"",
						root->children[0]->query->name, model_name(run->plan->model)),
				 errhint("A view that was made before the relation changed is made anew by relations.refresh_view.")));
	add_given_row(run, row.values, row.isnull);
	result = read_run_relation(run);
	read_run_end(run);
	if (result == (Datum) 0)
		PG_RETURN_NULL();
	return result;
}
