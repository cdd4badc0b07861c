/*
 * check.c
 *	  check: what is wrong or slow with the declared relations.
 *
 * It runs with the caller's rights and takes the locks of a SELECT.  What the
 * caller may not see is told, not passed over.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "as_owner.h"
#include "catalog_write.h"
#include "check.h"
#include "counter_cache.h"
#include "foreign_code.h"
#include "progress.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_check);

/* how often long work says how far it is */
#define PROGRESS_INTERVAL (3 * USECS_PER_SEC)

/* A constant. */
static const char *
severity_name(Severity severity)
{
	switch (severity)
	{
		case SEVERITY_ERROR:
			return "error";
		case SEVERITY_WARNING:
			return "warning";
		case SEVERITY_SLOW:
			return "slow";
		case SEVERITY_NOTE:
			break;
	}
	return "note";
}

/*
 * Return why the caller shall not run a statement that runs code of the owners
 * of these tables: triggers, casts, checks, defaults.  NULL if he may.
 */
static char *
why_left(List *code_of)
{
	ListCell   *lc;

	foreach(lc, code_of)
	{
		Oid			role = untrusted_controller(lfirst_oid(lc), GetUserId());

		if (OidIsValid(role))
			return psprintf("it would run code of role \"%s\", who controls \"%s\"",
							GetUserNameFromId(role, false), model_name(lfirst_oid(lc)));
	}
	return NULL;
}

/* Is it the first time that a problem is reported with a statement? */
static bool
is_new(Check *check, const char *problem, const char *statement)
{
	StringInfoData key;
	bool		found;

	initStringInfo(&key);
	key_add_name(&key, problem);
	key_add_name(&key, statement);
	(void) bytes_table_enter(check->statements, &key, &found);
	pfree(key.data);
	return !found;
}

/*
 * Add what was found of the relation, or of the model, that is looked at.
 * What the same statement mends is told once.  statement may be NULL.
 *
 * code_of are the tables whose owners' code the statement runs, or NO_CODE.
 * If the caller does not trust them, the finding is without the statement:
 * whoever runs what check returns would run that code with his privileges.
 */
void
add_finding(Check *check, const char *problem, Severity severity, const char *statement,
			List *code_of, Mender mender, const char *detail,...)
{
	MemoryContext old;
	Finding    *finding;
	StringInfoData buf;
	char	   *left = statement == NULL ? NULL : why_left(code_of);

	if (statement != NULL && left == NULL && !is_new(check, problem, statement))
		return;
	old = MemoryContextSwitchTo(check->context);
	finding = palloc0(sizeof(Finding));
	finding->model = check->model;
	finding->relation = check->relation == NULL ? NULL : pstrdup(check->relation);
	finding->problem = problem;
	finding->severity = severity;
	finding->statement = statement == NULL || left != NULL ? NULL : pstrdup(statement);
	finding->left = left == NULL ? NULL : pstrdup(left);
	finding->mender = mender;
	initStringInfo(&buf);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, detail);
		needed = appendStringInfoVA(&buf, detail, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&buf, needed);
	}
	if (left != NULL)
		appendStringInfo(&buf, "; the statement is left out: %s", left);
	finding->detail = buf.data;
	check->findings = lappend(check->findings, finding);
	MemoryContextSwitchTo(old);
}

/*
 * Before something that may take long: say what it is when it reads many rows,
 * and how far we are, now and then.
 */
void
check_progress(Check *check, const char *what, Oid relid)
{
	TimestampTz now;

	CHECK_FOR_INTERRUPTS();
	tell_long_work(what, relid);
	if (!relations_progress)
		return;
	now = GetCurrentTimestamp();
	if (now - check->told < PROGRESS_INTERVAL)
		return;
	check->told = now;
	ereport(NOTICE,
			(errmsg("checked %d of %d relations, %s rows of \"%s\"",
					check->done, check->total, what, model_name(relid))));
}

/*
 * Return a description of code in a prepared query that the caller need not
 * run, or NULL.
 */
static char *
foreign_code_of_plan(SPIPlanPtr plan)
{
	ListCell   *source;
	ListCell   *query;

	foreach(source, SPI_plan_get_plan_sources(plan))
	{
		foreach(query, ((CachedPlanSource *) lfirst(source))->query_list)
		{
			char	   *found = foreign_code(lfirst(query), GetUserId());

			if (found != NULL)
				return found;
		}
	}
	return NULL;
}

/*
 * Run a query with the caller's rights: the columns of its first row as
 * strings, in the current memory context, NULL when there is no row.  Errors
 * are those of the query.  A query that would run code of a role whom the
 * caller does not trust is not run: a finding says so, and the rows of the
 * relation are not readable from then on.
 */
char **
check_query_row(Check *check, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	char	  **result = NULL;
	SPIPlanPtr	plan;
	char	   *foreign;

	SPI_connect();
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	foreign = foreign_code_of_plan(plan);
	if (foreign != NULL)
	{
		check->readable = false;
		add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
					"rows were not looked at: that would use %s", foreign);
		SPI_finish();
		return NULL;
	}
	if (SPI_execute_plan(plan, NULL, NULL, check->read_only, 1) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed: %s", sql);
	if (SPI_processed > 0)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = palloc(sizeof(char *) * desc->natts);
		for (int i = 0; i < desc->natts; i++)
			result[i] = SPI_getvalue(SPI_tuptable->vals[0], desc, i + 1);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/* SELECT relations.<function>('<table>', '<name>'); without a name when it is NULL. */
char *
call_statement(const char *function, Oid relid, const char *name)
{
	char	   *table = quote_literal_cstr(table_exists(relid) ? quoted_model_name(relid)
										   : psprintf("%u", relid));

	if (name == NULL)
		return psprintf("SELECT %s.%s(%s)", RELATIONS_SCHEMA, function, table);
	return psprintf("SELECT %s.%s(%s, %s)", RELATIONS_SCHEMA, function, table,
					quote_literal_cstr(name));
}

/*
 * Are all tables of a relation there, and has the caller any business with
 * them?  They stay until the end of the transaction then, as tables do that
 * are read.  What is not so is told.
 */
static bool
hold_tables(Check *check, List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);

		if (table_exists(relid))
			continue;
		add_finding(check, "missing_table", SEVERITY_ERROR, call_statement("forget", relid, NULL),
					NO_CODE, MENDED_BY_REPAIR, "a table of the relation, with OID %u, does not exist", relid);
		return false;
	}
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);

		/* what a temporary table of another session is, is not ours to see */
		if (isOtherTempNamespace(get_rel_namespace(relid)))
			return false;
		if (!may_lock_table(relid, AccessShareLock))
		{
			add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
						"permission denied for \"%s\"", model_name(relid));
			return false;
		}
	}
	foreach(lc, relids)
	{
		/* dropped, or taken from the caller, this moment */
		if (!try_lock_table(lfirst_oid(lc), AccessShareLock))
			return false;
	}
	return true;
}

/* Look at the relation of the check. */
static void
check_relation(void *arg)
{
	Check	   *check = arg;
	List	   *tables;

	check->desc = catalog_find_relation(check->model, check->relation);
	if (check->desc == NULL)
		return;					/* dropped meanwhile */
	tables = relation_tables(check->desc);
	if (!hold_tables(check, tables))
		return;
	/* the keys may have gone with a table that was being dropped */
	check->desc = catalog_find_relation(check->model, check->relation);
	if (check->desc == NULL)
		return;
	check->readable = rows_readable(check, tables);
	check_relation_schema(check);
	if (check->desc->morph != NULL)
		check_morph(check);
	if (RELATION_FOLLOWS(check->desc) && check->readable)
		check_counter(check);
}

/*
 * Look at one relation: row is its model, its name and what was declared of
 * it.  What the tables of one owner raise is a finding: the tables of others
 * are looked at, too.
 */
static void
check_row(Check *check, char **row)
{
	ErrorData  *error;

	check->model = atooid(row[0]);
	check->relation = row[1];
	check->on_delete = parse_action(row[2], "on_delete");
	check->on_update = parse_action(row[3], "on_update");
	check->defer = row[4];
	error = catch_error(check_relation, check);
	if (error != NULL)
		add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
					"looking at it failed: %s", error->message);
}

/*
 * Everything that is wrong or slow with the relations of the models of a
 * schema, of all schemas when it is InvalidOid: a list of Finding in the
 * current memory context.  With read_only nothing is seen that the caller's
 * snapshot does not see.
 */
List *
run_check(Oid nspid, bool read_only)
{
	Check		check = {0};
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "relations check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext each = AllocSetContextCreate(scratch, "relations check of one relation",
											   ALLOCSET_DEFAULT_SIZES);
	List	   *rows;
	ListCell   *lc;

	check.context = CurrentMemoryContext;
	check.statements = bytes_table_create();
	check.read_only = read_only;
	check.told = GetCurrentTimestamp();
	MemoryContextSwitchTo(scratch);
	check_event_triggers(&check);
	check_extension_schema(&check);
	check_disabled_triggers(&check, nspid);
	check_models(&check, nspid);
	check_pending(&check, nspid);
	rows = catalog_strings("SELECT r.model::pg_catalog.oid, r.relation, r.on_delete, r.on_update, r.defer"
						   " FROM relations.relation r"
						   " LEFT JOIN pg_catalog.pg_class c ON c.oid = r.model"
						   " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
						   " WHERE $1 = 0 OR c.relnamespace = $1"
						   " ORDER BY n.nspname, c.relname, r.model::pg_catalog.oid, r.relation",
						   1, types, values);
	check.total = list_length(rows);
	foreach(lc, rows)
	{
		MemoryContextSwitchTo(each);
		check_row(&check, lfirst(lc));
		check.done++;
		MemoryContextSwitchTo(scratch);
		MemoryContextReset(each);
	}
	check_views(&check, nspid);
	MemoryContextSwitchTo(check.context);
	MemoryContextDelete(scratch);
	return check.findings;
}

/* A finding as a row: model, relation, problem, severity, detail, statement, outcome. */
void
put_finding(ReturnSetInfo *rsinfo, const Finding *finding)
{
	const char *const texts[] = {finding->problem, severity_name(finding->severity),
	finding->detail, finding->statement, finding->outcome};
	Datum		values[2 + lengthof(texts)] = {0};
	bool		nulls[2 + lengthof(texts)];

	nulls[0] = !OidIsValid(finding->model);
	values[0] = ObjectIdGetDatum(finding->model);
	nulls[1] = finding->relation == NULL;
	if (finding->relation != NULL)
		values[1] = DirectFunctionCall1(namein, CStringGetDatum(finding->relation));
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[2 + i] = texts[i] == NULL;
		if (texts[i] != NULL)
			values[2 + i] = CStringGetTextDatum(texts[i]);
	}
	/* check has no outcome */
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * SQL: check(schema).  Raises undefined_schema.  What the caller may not read
 * is a row that says so.
 */
Datum
relations_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			nspid = InvalidOid;
	ListCell   *lc;

	if (!PG_ARGISNULL(0))
		nspid = get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, run_check(nspid, true))
		put_finding(rsinfo, lfirst(lc));
	return (Datum) 0;
}
