/*
 * read_statement.c
 *	  Prepare and execute the statements of a graph's levels.
 *
 * A statement is planned by PostgreSQL's plan cache and executed by the
 * executor itself, not by SPI.  So a run that returns its documents one by one
 * belongs to the query that calls it, like any other part of that query's plan:
 * its buffers, relations, files and plans are owned by that query's resource
 * owner.  In a cursor that is the portal's, which survives ROLLBACK TO a
 * savepoint that is younger than the cursor.
 */
#include "relations.h"

#include "executor/executor.h"
#include "parser/parser.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "read_level.h"
#include "read_statement.h"

/* ---------------------------------------------------------------------
 * Errors
 * ---------------------------------------------------------------------
 */

/* Add a statement to the context of an error; a position in it is not one in the caller's query. */
static void
statement_error_context(void *arg)
{
	const char *sql = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(sql);
	}
	else
		errcontext("SQL statement \"%s\"", sql);
}

static void
push_error_context(ErrorContextCallback *callback, const char *sql)
{
	callback->callback = statement_error_context;
	callback->arg = unconstify(char *, sql);
	callback->previous = error_context_stack;
	error_context_stack = callback;
}

/* ---------------------------------------------------------------------
 * Preparing
 * ---------------------------------------------------------------------
 */

/* Store the types of a form's key parameters in types, which has room for all; return their number. */
static int
key_parameter_types(ReadNode *node, LevelForm form, Oid *types)
{
	switch (form)
	{
		case LEVEL_ALL:
		case LEVEL_FIRST:
		case LEVEL_COUNT:
			return 0;
		case LEVEL_RANGE:
			types[0] = types[1] = node->key_types[0];
			return 2;
		case LEVEL_KEY:
		case LEVEL_ONE:
			for (int i = 0; i < node->nkeys; i++)
				types[i] = node->key_types[i];
			return node->nkeys;
		case LEVEL_ARRAY:
		case LEVEL_ORDINAL:
		case LEVEL_ORDINAL_ALL:
			for (int i = 0; i < node->nkeys; i++)
				types[i] = get_array_type(node->key_types[i]);
			return node->nkeys;
	}
	pg_unreachable();
}

/*
 * How often a form's statement is planned: those whose keys decide which plan
 * is good at each call, those whose parameters are the document's values as
 * the server thinks best, all others once.  An array of keys decides which
 * partitions are read; which shards are, is decided by whatever Citus can see.
 */
static int
plan_options(ReadNode *node, LevelForm form, bool custom, List *params)
{
	ListCell   *lc;

	if (form == LEVEL_RANGE || form == LEVEL_ORDINAL || form == LEVEL_ORDINAL_ALL || custom ||
		(form == LEVEL_ARRAY && node->placement >= PLACED_IN_PARTITIONS) ||
		node->placement == PLACED_IN_SHARDS)
		return CURSOR_OPT_CUSTOM_PLAN;
	foreach(lc, params)
	{
		if (((QueryParam *) lfirst(lc))->leaf >= 0)
			return 0;
	}
	return CURSOR_OPT_GENERIC_PLAN;
}

/* Analyze and rewrite a statement and return it for the plan cache, which keeps it until it is dropped. */
static CachedPlanSource *
prepare(const char *sql, Oid *types, int ntypes, int options)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "relations read statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	ErrorContextCallback callback;
	RawStmt    *raw;
	CachedPlanSource *source;

	push_error_context(&callback, sql);
	raw = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT));
	source = CreateCachedPlan(raw, sql, CMDTAG_SELECT);
	CompleteCachedPlan(source, pg_analyze_and_rewrite_fixedparams(raw, sql, types, ntypes, NULL),
					   NULL, types, ntypes, NULL, NULL, options, false);
	error_context_stack = callback.previous;
	SaveCachedPlan(source);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return source;
}

/*
 * Return the statement of a form of a level, prepared at first use.  With
 * custom it is planned for the keys of each call, else once.
 */
ReadStatement *
read_node_statement(ReadNode *node, LevelForm form, bool custom)
{
	ReadStatement *statement = &node->statements[custom && form == LEVEL_ARRAY
												 ? STATEMENT_ARRAY_CUSTOM : (int) form];
	MemoryContext old;
	bool		ordered = form == LEVEL_FIRST || form == LEVEL_ALL ||
		!(node->sorted_here || read_form_is_top(node, form));
	char	   *sql;
	List	   *rest;
	Oid		   *types;
	int			n;
	ListCell   *lc;

	if (statement->source != NULL)
		return statement;
	old = MemoryContextSwitchTo(node->context);
	sql = deparse_level(node->query, form, node->columns, node->key_types, ordered, &rest);
	MemoryContextSwitchTo(old);
	types = palloc(sizeof(Oid) * ((Size) node->nkeys + 2 + list_length(rest)));
	n = key_parameter_types(node, form, types);
	if (n + list_length(rest) > PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a query of model \"%s\" has more than %d values",
						model_name(node->query->relid), PG_UINT16_MAX - n)));
	foreach(lc, rest)
		types[n++] = ((QueryParam *) lfirst(lc))->type;
	statement->source = prepare(sql, types, n,
								plan_options(node, form, custom, rest) | CURSOR_OPT_PARALLEL_OK);
	statement->params = rest;
	statement->sql = sql;
	pfree(types);
	return statement;
}

/* ---------------------------------------------------------------------
 * Executing
 * ---------------------------------------------------------------------
 */

/*
 * The parameters of a statement: the keys, then values of the document or of
 * a scope.
 */
static ParamListInfo
make_params(ReadRun *run, int nkeys, const Oid *types, const Datum *keys, List *rest)
{
	ParamListInfo params = makeParamList(nkeys + list_length(rest));
	ListCell   *lc;
	int			i;

	for (i = 0; i < nkeys; i++)
	{
		params->params[i].ptype = types[i];
		params->params[i].value = keys[i];
		params->params[i].isnull = false;
	}
	foreach(lc, rest)
	{
		QueryParam *param = lfirst(lc);

		params->params[i].ptype = param->type;
		if (param->leaf >= 0)
		{
			params->params[i].value = run->bound[param->slot];
			params->params[i].isnull = run->bound_nulls[param->slot];
		}
		else
		{
			params->params[i].value = param->value;
			params->params[i].isnull = param->isnull;
		}
		i++;
	}
	for (i = 0; i < params->numParams; i++)
		params->params[i].pflags = PARAM_FLAG_CONST;
	return params;
}

/*
 * Start to execute a form of a level with these key parameters, in the caller's
 * snapshot.  Memory is taken from the current context, which must live until
 * read_execution_end.
 */
void
read_execution_start(ReadExecution *execution, ReadLevel *level, LevelForm form, bool custom,
					 int nkeys, const Oid *types, const Datum *keys)
{
	ReadRun    *run = level->run;
	ReadStatement *statement = read_node_statement(level->node, form, custom);
	ParamListInfo params = make_params(run, nkeys, types, keys, statement->params);
	PlannedStmt *planned;
	ErrorContextCallback callback;

	if (run->watch != NULL)
		run->watch(run->watch_arg, level->node, form, statement->sql, params);
	execution->sql = statement->sql;
	execution->owner = CurrentResourceOwner;
	execution->at_end = false;
	push_error_context(&callback, execution->sql);
	execution->plan = GetCachedPlan(statement->source, params, execution->owner, NULL);
	planned = linitial_node(PlannedStmt, execution->plan->stmt_list);
	/* a view may lock rows, which SPI refuses a function that only reads, too */
	if (!CommandIsReadOnly(planned))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not allowed in a non-volatile function",
						CreateCommandName((Node *) planned))));
	execution->desc = CreateQueryDesc(planned, execution->sql, GetActiveSnapshot(),
									  InvalidSnapshot, None_Receiver, params, NULL, 0);
	ExecutorStart(execution->desc, 0);
	error_context_stack = callback.previous;
}

/* Return the number of rows that the planner expects of a statement. */
double
read_execution_rows(const ReadExecution *execution)
{
	return execution->desc->plannedstmt->planTree->plan_rows;
}

/* Send the next count rows, or with zero all rows, to dest. */
void
read_execution_fetch(ReadExecution *execution, uint64 count, DestReceiver *dest)
{
	QueryDesc  *desc = execution->desc;
	ResourceOwner owner = CurrentResourceOwner;

	/* a plan's nodes must not be called again after the last row */
	if (execution->at_end)
		return;
	CurrentResourceOwner = execution->owner;
	PushActiveSnapshot(desc->snapshot);
	desc->dest = dest;
	if (count == 0)
		executor_run_once(desc);
	else
		executor_run_again(desc, count);
	desc->dest = None_Receiver;
	PopActiveSnapshot();
	CurrentResourceOwner = owner;
	execution->at_end = count == 0 || desc->estate->es_processed < count;
}

/* End an execution that has not failed, at its last row or before it. */
void
read_execution_end(ReadExecution *execution)
{
	ResourceOwner owner = CurrentResourceOwner;

	if (execution->desc == NULL)
		return;
	CurrentResourceOwner = execution->owner;
	ExecutorFinish(execution->desc);
	ExecutorEnd(execution->desc);
	FreeQueryDesc(execution->desc);
	ReleaseCachedPlan(execution->plan, execution->owner);
	execution->desc = NULL;
	CurrentResourceOwner = owner;
}

/*
 * Execute a form of a level with these key parameters from its first row to
 * its last, in the caller's snapshot.  Its rows go to dest.
 */
void
read_level_run(ReadLevel *level, LevelForm form, bool custom, int nkeys, const Oid *types,
			   const Datum *keys, DestReceiver *dest)
{
	ReadExecution execution;
	ErrorContextCallback callback;

	read_execution_start(&execution, level, form, custom, nkeys, types, keys);
	push_error_context(&callback, execution.sql);
	read_execution_fetch(&execution, 0, dest);
	error_context_stack = callback.previous;
	read_execution_end(&execution);
}
