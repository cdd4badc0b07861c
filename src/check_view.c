/*
 * check_view.c
 *	  Do graph views show what they would show if they were made now?
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "catalog_write.h"
#include "check.h"
#include "graph_view.h"
#include "table_lock.h"

typedef struct ViewCheck
{
	Oid			view;
	Oid			model;
	char	   *relations;		/* the paths, as an array in text */
	bool		outdated;
} ViewCheck;

/* The query of a view that is there, as text. */
static char *
view_text(Oid view)
{
	Relation	rel = peek_table(view);
	char	   *result = pg_get_querydef(copyObject(graph_view_stored_query(rel)), false);

	RelationClose(rel);
	return result;
}

/* Compare it with that of a view made now; errors are those of create_view. */
static void
compare_view(void *arg)
{
	ViewCheck  *view = arg;
	FmgrInfo	array_input;
	Datum		paths;
	char	   *sql;
	RawStmt    *statement;
	Query	   *query;

	fmgr_info(F_ARRAY_IN, &array_input);
	paths = InputFunctionCall(&array_input, view->relations, TEXTOID, -1);
	sql = graph_view_query(view->model, DatumGetArrayTypeP(paths), view->view);
	statement = linitial(pg_parse_query(sql));
	query = parse_analyze_fixedparams(statement, sql, NULL, 0, NULL);
	view->outdated = strcmp(pg_get_querydef(query, false), view_text(view->view)) != 0;
}

static void
check_view(Check *check, char **row)
{
	ViewCheck	view = {atooid(row[0]), atooid(row[1]), row[2], false};
	ErrorData  *error;

	check->model = view.view;
	check->relation = NULL;
	if (!table_exists(view.view) || !table_exists(view.model))
	{
		add_finding(check, "missing_table", SEVERITY_ERROR,
					call_statement("forget", table_exists(view.view) ? view.model : view.view, NULL),
					NO_CODE, MENDED_BY_REPAIR, "a graph view, or its model, does not exist");
		return;
	}
	if (!may_lock_table(view.view, AccessShareLock))
	{
		add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
					"permission denied for \"%s\"", model_name(view.view));
		return;
	}
	error = catch_error(compare_view, &view);
	if (error != NULL)
		add_finding(check, "bad_view", SEVERITY_ERROR,
					psprintf("DROP VIEW %s", quoted_model_name(view.view)), NO_CODE, MENDED_BY_HAND,
					"the graph view cannot be made any more: %s", error->message);
	else if (view.outdated)
		add_finding(check, "view_outdated", SEVERITY_WARNING, call_statement("refresh_view", view.view, NULL),
					NO_CODE, MENDED_BY_REPAIR, "the graph view does not show what it would if it were made now");
	else if (!OidIsValid(get_trigger_oid(view.view, GRAPH_VIEW_TRIGGER, true)))
		add_finding(check, "missing_trigger", SEVERITY_ERROR, call_statement("refresh_view", view.view, NULL),
					NO_CODE, MENDED_BY_REPAIR, "the graph view cannot be written: its trigger is missing");
}

/* Look at the graph views in a schema, in all of them when it is InvalidOid. */
void
check_views(Check *check, Oid nspid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT v.view::pg_catalog.oid, v.model::pg_catalog.oid, v.relations"
								" FROM relations.graph_view v"
								" LEFT JOIN pg_catalog.pg_class c ON c.oid = v.view"
								" LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
								" WHERE $1 = 0 OR c.relnamespace = $1"
								" ORDER BY n.nspname, c.relname, v.view::pg_catalog.oid", 1, types, values))
		check_view(check, lfirst(lc));
}
