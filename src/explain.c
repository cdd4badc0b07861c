/*
 * explain.c
 *	  preload_sql and explain: what reading a graph makes the server do.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "graph_reader.h"

PG_FUNCTION_INFO_V1(relations_preload_sql);
PG_FUNCTION_INFO_V1(relations_explain);

static void
set_request(FunctionCallInfo fcinfo, ReadRequest *request)
{
	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "query");
	memset(request, 0, sizeof(ReadRequest));
	request->model = PG_GETARG_OID(0);
	request->mode = READ_ALL;
	request->document = PG_GETARG_JSONB_P_COPY(1);
}

/* The path of a child: of a polymorphic relation, with the type's table. */
static char *
child_path(const char *path, ReadNode *child)
{
	QueryNode  *query = child->query;

	if (query->relation->morph_type != NULL && query->relation->kind == RELATION_BELONGS_TO)
		return psprintf("%s.%s(%s)", path, query->name, model_name(query->relid));
	return psprintf("%s.%s", path, query->name);
}

/* Where in the graph a node is: users.posts.comments; palloc'd. */
static char *
node_path(ReadNode *root, ReadNode *node, const char *path)
{
	if (root == node)
		return pstrdup(path);
	for (int i = 0; i < root->nchildren; i++)
	{
		ReadNode   *child = root->children[i];
		char	   *found = node_path(child, node, child_path(path, child));

		if (found != NULL)
			return found;
	}
	return NULL;
}

/* ---------------------------------------------------------------------
 * preload_sql
 * ---------------------------------------------------------------------
 */

/* A parameter of a run as a literal of its type. */
static char *
literal_of(void *arg, QueryParam *param)
{
	ReadRun    *run = arg;
	bool		isnull;
	Datum		value = read_run_value(run, param, &isnull);
	/* bit is not bit(1) */
	char	   *type = format_type_extended(param->type, -1,
											FORMAT_TYPE_FORCE_QUALIFY | FORMAT_TYPE_TYPEMOD_GIVEN);
	Oid			output;
	bool		varlena;

	if (isnull)
		return psprintf("NULL::%s", type);
	getTypeOutputInfo(param->type, &output, &varlena);
	return psprintf("%s::%s", quote_literal_cstr(OidOutputFunctionCall(output, value)), type);
}

static List *
select_columns(List *names)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		SelectColumn *column = palloc0(sizeof(SelectColumn));

		column->kind = SELECT_COLUMN;
		column->name = lfirst(lc);
		result = lappend(result, column);
	}
	return result;
}

/* A path as a comment of one line, whatever names it is made of; palloc'd. */
static char *
path_comment(const char *path)
{
	char	   *result = psprintf("-- %s", path);

	for (char *p = result; *p != '\0'; p++)
	{
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	}
	return result;
}

/* The statements of a node and of all below it. */
static void
append_statements(StringInfo buf, ReadRun *run, ReadNode *node, const char *path,
				  const char *key_source)
{
	check_stack_depth();
	appendStringInfo(buf, "%s%s%s\n%s;\n", buf->len > 0 ? "\n" : "", path_comment(path),
					 node->recursive ? ", and again for the rows found, until there are no new ones" : "",
					 deparse_standalone(node->query, node->columns, key_source, literal_of, run));
	for (int i = 0; i < node->nchildren; i++)
	{
		ReadNode   *child = node->children[i];
		List	   *own = child->query->relation->own_columns;
		StringInfoData keys;

		/* the keys are columns of the parents' rows, behind those of theirs */
		initStringInfo(&keys);
		appendStringInfoString(&keys, "SELECT DISTINCT ");
		for (int k = 1; k <= list_length(own); k++)
			appendStringInfo(&keys, "%sp.o%d", k > 1 ? ", " : "", k);
		appendStringInfo(&keys, " FROM (%s) AS p(",
						 deparse_standalone(node->query, select_columns(own), key_source,
											literal_of, run));
		for (int k = 1; key_source != NULL && k <= node->nkeys; k++)
			appendStringInfo(&keys, "k%d, ", k);
		for (int k = 1; k <= list_length(own); k++)
			appendStringInfo(&keys, "%so%d", k > 1 ? ", " : "", k);
		appendStringInfoChar(&keys, ')');
		append_statements(buf, run, child, child_path(path, child), keys.data);
	}
}

/* The SQL that each level stands for, values as literals. */
Datum
relations_preload_sql(PG_FUNCTION_ARGS)
{
	ReadRequest request;
	ReadRun    *run;
	StringInfoData buf;

	set_request(fcinfo, &request);
	run = read_run_begin(&request);
	initStringInfo(&buf);
	append_statements(&buf, run, run->plan->root, model_name(request.model), NULL);
	read_run_end(run);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}

/* ---------------------------------------------------------------------
 * explain
 * ---------------------------------------------------------------------
 */

/* A statement that ran, and its plan when it ran first. */
typedef struct Explained
{
	ReadNode   *node;
	LevelForm	form;
	int			times;
	List	   *lines;
} Explained;

typedef struct RelationsExplain
{
	ReadRun    *run;
	bool		analyze;
	MemoryContext context;
	List	   *statements;		/* of Explained */
} RelationsExplain;

static const char *
form_name(const ReadNode *node, LevelForm form)
{
	bool		top = read_form_is_top(node, form);

	switch (form)
	{
		case LEVEL_ALL:
			return "all rows";
		case LEVEL_FIRST:
			return "the first row";
		case LEVEL_KEY:
			return "one row by its key";
		case LEVEL_ONE:
			return "rows of one parent";
		case LEVEL_ARRAY:
			return top ? "rows of many parents, by an array of keys, the first of each are kept"
				: "rows of many parents, by an array of keys";
		case LEVEL_RANGE:
			return top ? "rows of many parents, by a range of keys, the first of each are kept"
				: "rows of many parents, by a range of keys";
		case LEVEL_ORDINAL:
			return "rows of many parents, for each in turn";
		case LEVEL_ORDINAL_ALL:
			return "rows of many parents, joined with their keys, the first of each are kept";
		case LEVEL_COUNT:
			return "the number of rows";
	}
	return "";
}

/* A statement is about to run: explain it, when it is the first of its kind. */
static void
explain_statement(void *arg, ReadNode *node, LevelForm form, const char *statement,
				  ParamListInfo params)
{
	RelationsExplain *state = arg;
	MemoryContext old = MemoryContextSwitchTo(state->context);
	Explained  *explained;
	ListCell   *lc;
	Oid		   *types = palloc(sizeof(Oid) * (params->numParams + 1));
	Datum	   *values = palloc(sizeof(Datum) * (params->numParams + 1));
	char	   *nulls = palloc(params->numParams + 1);

	foreach(lc, state->statements)
	{
		explained = lfirst(lc);
		if (explained->node == node && explained->form == form)
		{
			explained->times++;
			MemoryContextSwitchTo(old);
			return;
		}
	}
	explained = palloc0(sizeof(Explained));
	explained->node = node;
	explained->form = form;
	explained->times = 1;
	state->statements = lappend(state->statements, explained);
	for (int i = 0; i < params->numParams; i++)
	{
		types[i] = params->params[i].ptype;
		values[i] = params->params[i].value;
		nulls[i] = params->params[i].isnull ? 'n' : ' ';
	}
	SPI_connect();
	SPI_execute_with_args(psprintf("EXPLAIN (COSTS %s%s) %s", state->analyze ? "on" : "off",
								   state->analyze ? ", ANALYZE, BUFFERS" : "", statement),
						  params->numParams, types, values, nulls, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *line = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		MemoryContextSwitchTo(state->context);
		explained->lines = lappend(explained->lines, pstrdup(line));
	}
	SPI_finish();
	MemoryContextSwitchTo(old);
}

static void
put_line(ReturnSetInfo *rsinfo, const char *line)
{
	Datum		value = CStringGetTextDatum(line);
	bool		isnull = false;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
}

/*
 * The plan of each level.  Which form a level takes depends on the parents'
 * rows, so that they are read: with analyze all of them, else the first batch.
 */
Datum
relations_explain(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ReadRequest request;
	RelationsExplain state = {0};
	GraphReader reader;
	MemoryContext scratch;
	MemoryContext old;
	ListCell   *lc;

	set_request(fcinfo, &request);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	graph_reader_begin(&reader, &request);
	state.run = reader.run;
	state.analyze = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	state.context = CurrentMemoryContext;
	reader.run->watch = explain_statement;
	reader.run->watch_arg = &state;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "relations explain", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	while (graph_reader_next(&reader) && state.analyze)
		MemoryContextReset(scratch);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	graph_reader_end(&reader);

	foreach(lc, state.statements)
	{
		Explained  *explained = lfirst(lc);
		ListCell   *line;

		put_line(rsinfo, psprintf("%s: %s%s",
								  node_path(state.run->plan->root, explained->node, model_name(request.model)),
								  form_name(explained->node, explained->form),
								  explained->times > 1 ? psprintf(", %d times, the first time:", explained->times) : ""));
		foreach(line, explained->lines)
			put_line(rsinfo, psprintf("  %s", (char *) lfirst(line)));
	}
	read_run_end(reader.run);
	return (Datum) 0;
}
