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
 *
 * A run goes on with the tables that it began with.  Their locks keep other
 * sessions from altering them, and the open relations (read_hold.c) this one,
 * but not from renaming tables, columns or schemas.  The plan cache analyzes a
 * statement that has been invalidated once more, by its names.  So after such a
 * change a run does not ask the plan cache, but plans its statements as they
 * were analyzed.  Whatever is executed, read_execution_start checks that it reads
 * the tables that the level was made for, and returns values of the types that
 * the level's encoders were made for.
 */
#include "relations.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "read_hold.h"
#include "read_level.h"
#include "read_rewritten.h"
#include "read_statement.h"

/*
 * Up to this number of partitions one plan for all of them is used: locking
 * them is cheaper than planning, and a backend has fast locks for 16 relations.
 */
#define FEW_PARTITIONS 16

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
 * Do the parameters of a form choose some of many partitions?  A plan that is
 * made without them locks all partitions whenever it is executed.
 */
static bool
chooses_of_many_partitions(ReadNode *node, LevelForm form, List *params)
{
	QueryNode  *query = node->query;
	bool		via = form == LEVEL_ONE && query->via != NULL;
	Oid			relid = via ? query->via->relid : query->relid;
	List	   *keys = form == LEVEL_KEY ? query->model->primary_key
		: form != LEVEL_ONE ? NIL : via ? query->relation->via_own_columns : query->relation->other_columns;

	if (node->placement != PLACED_IN_PARTITIONS)
		return false;
	if (params != NIL && count_partitions(query->relid) > FEW_PARTITIONS)
		return true;
	return count_partitions(relid) > FEW_PARTITIONS && columns_choose_partition(relid, keys);
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
		node->placement == PLACED_IN_SHARDS || chooses_of_many_partitions(node, form, params))
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

/* Raise serialization_failure for a level whose tables are not what they were when the run began. */
static pg_attribute_noreturn() void
level_changed(const ReadNode *node)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access to model \"%s\", which has been altered meanwhile",
					model_name(node->query->relid)),
			 errhint("Run the statement again.")));
}

/* Are a level's tables what they were when the plan was made, but for what they are called? */
static bool
has_same_tables(const ReadNode *node)
{
	const ReadPlan *plan = node->plan;

	for (int i = 0; i < plan->nrelids; i++)
	{
		if (list_member_oid(node->relids, plan->relids[i]) &&
			plan->signatures[i] != read_plan_signature(plan->relids[i]))
			return false;
	}
	return true;
}

/* Does a statement read the tables of its level?  A concurrent rename may have made it read others. */
static bool
reads_its_tables(const ReadNode *node, const CachedPlanSource *source)
{
	ListCell   *lc;

	foreach(lc, node->relids)
	{
		if (!list_member_oid(source->relationOids, lfirst_oid(lc)))
			return false;
	}
	return true;
}

/*
 * Prepare the statement of a form of a level, with the names that its tables
 * have now.  Raises serialization_failure if that would not give the statement
 * that the plan was made for.
 */
static void
prepare_node_statement(ReadNode *node, LevelForm form, bool custom, ReadStatement *statement)
{
	bool		ordered = form == LEVEL_FIRST || form == LEVEL_ALL ||
		!(node->sorted_here || read_form_is_top(node, form));
	MemoryContext old;
	CachedPlanSource *source;
	char	   *sql;
	List	   *rest;
	Oid		   *types;
	int			n;
	ListCell   *lc;

	if (node->plan->stale && !has_same_tables(node))
		level_changed(node);
	old = MemoryContextSwitchTo(node->context);
	sql = deparse_level(node->query, form, node->columns, node->key_types, ordered, &rest);
	MemoryContextSwitchTo(old);
	types = palloc(sizeof(Oid) * ((Size) Max(node->nkeys, 2) + list_length(rest)));
	n = key_parameter_types(node, form, types);
	if (n + list_length(rest) > PG_UINT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a query of model \"%s\" has more than %d values",
						model_name(node->query->relid), PG_UINT16_MAX - n)));
	foreach(lc, rest)
		types[n++] = ((QueryParam *) lfirst(lc))->type;
	source = prepare(sql, types, n,
					 plan_options(node, form, custom, rest) | CURSOR_OPT_PARALLEL_OK);
	pfree(types);
	if (!reads_its_tables(node, source))
	{
		DropCachedPlan(source);
		level_changed(node);
	}
	/* the one before may be in use: being planned, for a function that is called meanwhile */
	if (statement->source != NULL)
	{
		old = MemoryContextSwitchTo(node->context);
		node->plan->replaced = lappend(node->plan->replaced, statement->source);
		MemoryContextSwitchTo(old);
	}
	memset(statement, 0, sizeof(ReadStatement));
	statement->source = source;
	statement->params = rest;
	statement->sql = sql;
}

/*
 * Return the statement of a form of a level, prepared at first use.  With
 * custom it is planned for the keys of each call, else once.
 *
 * If the plan is stale, a statement that was valid in run number since_run or
 * later remains as it was analyzed; the plan cache must not analyze it again.
 * Any other is prepared again.
 */
ReadStatement *
read_node_statement(ReadNode *node, LevelForm form, bool custom, uint64 since_run)
{
	ReadStatement *statement = &node->statements[custom && form == LEVEL_ARRAY
												 ? STATEMENT_ARRAY_CUSTOM : (int) form];

	/* hear of what other sessions have renamed */
	AcceptInvalidationMessages();
	if (statement->source == NULL ||
		(!statement->source->is_valid && node->plan->stale && statement->valid_at < since_run))
		prepare_node_statement(node, form, custom, statement);
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
		params->params[i].value = read_run_value(run, param, &params->params[i].isnull);
		i++;
	}
	for (i = 0; i < params->numParams; i++)
		params->params[i].pflags = PARAM_FLAG_CONST;
	return params;
}

static bool
function_is_missing(Oid function, pg_attribute_unused() void *context)
{
	return !SearchSysCacheExists1(PROCOID, ObjectIdGetDatum(function));
}

/* Does an analyzed query call a function that has been dropped? */
static bool
calls_missing_function(Node *node, void *context)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, calls_missing_function, context, 0);
	return check_functions_in_node(node, function_is_missing, context) ||
		expression_tree_walker(node, calls_missing_function, context);
}

/*
 * Plan a statement as it was analyzed when the run executed it first.  Raises
 * serialization_failure if something that it uses has been dropped since.
 */
static PlannedStmt *
plan_as_analyzed(ReadLevel *level, ReadStatement *statement, ParamListInfo params)
{
	CachedPlanSource *source = statement->source;
	List	   *queries;
	ListCell   *lc;

	/*
	 * The plan cache may have begun to analyze it again, and failed.  A run that
	 * holds nothing cannot know that its tables are the same.
	 */
	if (source->query_list == NIL || (level->run->hold == NULL && !has_same_tables(level->node)))
		level_changed(level->node);
	foreach(lc, source->relationOids)
	{
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			level_changed(level->node);
	}
	queries = copyObject(source->query_list);
	if (calls_missing_function((Node *) queries, NULL))
		level_changed(level->node);
	return linitial_node(PlannedStmt, pg_plan_queries(queries, source->query_string,
													  source->cursor_options, params));
}

/*
 * Raise serialization_failure unless a planned statement reads the tables of
 * its level, and feature_not_supported if it locks rows, as a view may.
 */
static void
check_planned(const ReadNode *node, const ReadStatement *statement, PlannedStmt *planned)
{
	if (!reads_its_tables(node, statement->source))
		level_changed(node);
	if (!CommandIsReadOnly(planned))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not allowed in a non-volatile function",
						CreateCommandName((Node *) planned))));
}

/* Raise serialization_failure unless a statement returns the values that its level's encoders expect. */
static void
check_result(const ReadNode *node, LevelForm form, TupleDesc desc)
{
	bool		ordinal = form == LEVEL_ORDINAL || form == LEVEL_ORDINAL_ALL;
	int			n = 0;
	bool		same = true;
	ListCell   *lc;

#define NEXT_TYPE_IS(type) (n < desc->natts && TupleDescAttr(desc, n++)->atttypid == (type))
	if (ordinal || form == LEVEL_COUNT)
		same = NEXT_TYPE_IS(INT8OID);
	if (form == LEVEL_COUNT)
		;
	else if (node->query->aggregate != AGGREGATE_NONE)
	{
		if (!ordinal)
			same = n < desc->natts && getBaseType(TupleDescAttr(desc, n++)->atttypid) == node->match_type;
		same = same && n < desc->natts &&
			(!OidIsValid(node->value_type) || TupleDescAttr(desc, n)->atttypid == node->value_type);
		n++;
	}
	else
	{
		foreach(lc, node->columns)
			same = same && NEXT_TYPE_IS(((SelectColumn *) lfirst(lc))->type);
	}
#undef NEXT_TYPE_IS
	if (!same || n != desc->natts)
		level_changed(node);
}

/*
 * Start to execute a form of a level with these key parameters, in the caller's
 * snapshot.  Memory is taken from the current context, which must live until
 * read_execution_end.  Raises serialization_failure if the statement does not
 * return what the level was made for, or cannot see what it should.
 */
void
read_execution_start(ReadExecution *execution, ReadLevel *level, LevelForm form, bool custom,
					 int nkeys, const Oid *types, const Datum *keys)
{
	ReadRun    *run = level->run;
	ReadNode   *node = level->node;
	ReadStatement *statement = read_node_statement(node, form, custom, run->number);
	ParamListInfo params = make_params(run, nkeys, types, keys, statement->params);
	Snapshot	snapshot = GetActiveSnapshot();
	PlannedStmt *planned;
	bool		known;
	ErrorContextCallback callback;

	if (run->watch != NULL)
		run->watch(run->watch_arg, node, form, statement->sql, params);
	memset(execution, 0, sizeof(ReadExecution));
	execution->sql = statement->sql;
	execution->owner = CurrentResourceOwner;
	push_error_context(&callback, execution->sql);
	if (statement->source->is_valid || !node->plan->stale)
	{
		execution->plan = GetCachedPlan(statement->source, params, execution->owner, NULL);
		planned = linitial_node(PlannedStmt, execution->plan->stmt_list);
		statement->valid_at = Max(statement->valid_at, run->number);
	}
	else
		planned = plan_as_analyzed(level, statement, params);
	/* what has been found of a cached plan holds until there is an invalidation */
	known = execution->plan != NULL && statement->checked_plan == execution->plan->generation &&
		statement->checked_at == read_plan_invalidations();
	if (!known)
		check_planned(node, statement, planned);
	if (!known || !TransactionIdPrecedes(statement->newest_file, snapshot->xmin))
		statement->newest_file = read_check_rewritten(planned, snapshot);
	execution->desc = CreateQueryDesc(planned, execution->sql, snapshot, InvalidSnapshot,
									  None_Receiver, params, NULL, 0);
	ExecutorStart(execution->desc, 0);
	if (!known)
	{
		check_result(node, form, execution->desc->tupDesc);
		statement->checked_plan = execution->plan != NULL ? execution->plan->generation : 0;
		statement->checked_at = read_plan_invalidations();
	}
	if (run->holds_all)
		read_hold_planned(run, planned);
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
	bool		push;

	/* a plan's nodes must not be called again after the last row */
	if (execution->at_end)
		return;
	CurrentResourceOwner = execution->owner;
	push = desc->snapshot != GetActiveSnapshot();
	if (push)
		PushActiveSnapshot(desc->snapshot);
	desc->dest = dest;
	if (count == 0)
		executor_run_once(desc);
	else
		executor_run_again(desc, count);
	desc->dest = None_Receiver;
	if (push)
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
	if (execution->plan != NULL)
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
