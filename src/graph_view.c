/*
 * graph_view.c
 *	  Views of a model's columns and its relations.
 *
 * Each relation is a column that calls relations.load_relation with the
 * columns that the relation starts from, so that a column which the query
 * does not name costs nothing, and conditions on the model's columns reach its
 * indexes.  The model is joined to a subquery without columns, which the
 * planner takes out again: a view of two tables is never updated by the server
 * itself, so that without our triggers writing fails.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "graph_view.h"
#include "placement.h"
#include "read_run.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_create_view);

static Datum
text_array(List *strings)
{
	Datum	   *elems = palloc(sizeof(Datum) * Max(list_length(strings), 1));
	ListCell   *lc;

	foreach(lc, strings)
		elems[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elems, list_length(strings), TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/* Return the columns for relations, in the order in which paths name them first. */
static List *
relation_columns(Oid model, ArrayType *paths)
{
	List	   *result = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(paths, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *path;
		QueryTree  *tree;
		QueryNode  *child;
		ViewColumn *column = NULL;
		ListCell   *lc;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a relation path must not be null")));
		path = TextDatumGetCString(elems[i]);
		/* checked, and its first step found */
		tree = query_from_paths(model, DatumGetArrayTypeP(text_array(list_make1(path))));
		child = linitial(tree->root->children);
		foreach(lc, result)
		{
			if (strcmp(((ViewColumn *) lfirst(lc))->name, child->name) == 0)
				column = lfirst(lc);
		}
		if (column == NULL)
		{
			column = palloc0(sizeof(ViewColumn));
			column->name = child->name;
			column->type = JSONBOID;
			column->typmod = -1;
			result = lappend(result, column);
		}
		column->paths = lappend(column->paths, path);
	}
	return result;
}

/*
 * Return the columns of a graph view of a model, a list of ViewColumn in the
 * current memory context: visible columns of the model, then the relations.
 * Raises what is wrong with the paths.
 */
List *
graph_view_columns(Oid model, ArrayType *paths)
{
	ModelDesc  *desc = catalog_get_model(model);
	List	   *relations = relation_columns(model, paths);
	Relation	rel = peek_table(model);
	List	   *result = NIL;

	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);
		ViewColumn *column;

		if (att->attisdropped || list_has_name(desc->hidden, NameStr(att->attname)))
			continue;
		column = palloc0(sizeof(ViewColumn));
		column->name = pstrdup(NameStr(att->attname));
		column->attnum = att->attnum;
		column->type = att->atttypid;
		column->typmod = att->atttypmod;
		column->collation = att->attcollation;
		result = lappend(result, column);
	}
	RelationClose(rel);
	return list_concat(result, relations);
}

/*
 * Find the column of a list that a column of an existing view shows: by its
 * number in the model, which renaming does not change, else by the name of the
 * relation.  Returns NULL if the list has no such column.
 */
static ViewColumn *
matching_column(List *columns, const TargetEntry *entry, List *rtable, Oid model)
{
	AttrNumber	attnum = InvalidAttrNumber;
	ListCell   *lc;

	if (IsA(entry->expr, Var))
	{
		Var		   *var = (Var *) entry->expr;
		RangeTblEntry *rte = rt_fetch(var->varno, rtable);

		if (rte->rtekind == RTE_RELATION && rte->relid == model)
			attnum = var->varattno;
	}
	foreach(lc, columns)
	{
		ViewColumn *column = lfirst(lc);

		if (column->attnum != attnum)
			continue;
		if (attnum != InvalidAttrNumber ||
			(entry->resname != NULL && strcmp(column->name, entry->resname) == 0))
			return column;
	}
	return NULL;
}

/*
 * Return the query of a view, which belongs to the relation.  Raises
 * wrong_object_type if it is no view, as an altered row of the catalog can have.
 */
Query *
graph_view_stored_query(Relation view)
{
	if (view->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a view", RelationGetRelationName(view))));
	return get_view_query(view);
}

/*
 * For each column of an existing view, find the column of the list that it
 * shows, or NULL.  Returns an array of *n entries in the current memory context.
 */
ViewColumn **
graph_view_match(Oid view, Oid model, List *columns, int *n)
{
	Relation	rel = peek_table(view);
	Query	   *query = graph_view_stored_query(rel);
	ViewColumn **result;
	ListCell   *lc;

	*n = RelationGetNumberOfAttributes(rel);
	result = palloc0(sizeof(ViewColumn *) * Max(*n, 1));
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst(lc);

		if (!entry->resjunk && entry->resno <= *n)
			result[entry->resno - 1] = matching_column(columns, entry, query->rtable, model);
	}
	RelationClose(rel);
	return result;
}

/* Append the call that returns a relation's column. */
static void
append_relation(StringInfo sql, Oid model, ViewColumn *column)
{
	ReadRun    *run = read_run_begin_paths(model, READ_RELATED,
										   DatumGetArrayTypeP(text_array(column->paths)));
	ListCell   *lc;

	appendStringInfo(sql, "%s.load_relation(%s::pg_catalog.regclass, ROW(", RELATIONS_SCHEMA,
					 quote_literal_cstr(quoted_model_name(model)));
	foreach(lc, run->plan->root->columns)
		appendStringInfo(sql, "%sm.%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(((SelectColumn *) lfirst(lc))->name));
	appendStringInfoChar(sql, ')');
	foreach(lc, column->paths)
		appendStringInfo(sql, ", %s::pg_catalog.text", quote_literal_cstr(lfirst(lc)));
	appendStringInfo(sql, ") AS %s", quote_identifier(column->name));
	read_run_end(run);
}

/*
 * Return the query of a graph view, palloc'd.  If view is an existing one, its
 * columns keep their order and new ones follow, as CREATE OR REPLACE VIEW
 * requires; it is InvalidOid for a new one.  Raises what is wrong with the
 * paths.
 */
char *
graph_view_query(Oid model, ArrayType *paths, Oid view)
{
	List	   *columns = graph_view_columns(model, paths);
	List	   *ordered = NIL;
	StringInfoData sql;
	ListCell   *lc;

	if (OidIsValid(view))
	{
		int			n;
		ViewColumn **shown = graph_view_match(view, model, columns, &n);

		for (int i = 0; i < n; i++)
		{
			if (shown[i] != NULL)
				ordered = list_append_unique_ptr(ordered, shown[i]);
		}
	}
	ordered = list_concat_unique_ptr(ordered, columns);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	foreach(lc, ordered)
	{
		ViewColumn *column = lfirst(lc);

		appendStringInfoString(&sql, foreach_current_index(lc) > 0 ? ", " : "");
		if (column->attnum != InvalidAttrNumber)
			appendStringInfo(&sql, "m.%s", quote_identifier(column->name));
		else
			append_relation(&sql, model, column);
	}
	appendStringInfo(&sql, " FROM %s AS m CROSS JOIN (SELECT) AS graph", quoted_model_name(model));
	return sql.data;
}

/* Create the trigger of a view, whose name is quoted and qualified. */
void
graph_view_create_trigger(const char *view)
{
	run_ddl(psprintf("CREATE TRIGGER " GRAPH_VIEW_TRIGGER " INSTEAD OF INSERT OR UPDATE OR DELETE ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION %s.write_view()", view, RELATIONS_SCHEMA));
	CommandCounterIncrement();
}

/* Create a view and its trigger; options is empty or a WITH clause. */
void
graph_view_create(const char *view, const char *options, const char *query)
{
	run_ddl(psprintf("CREATE VIEW %s%s AS %s", view, options, query));
	graph_view_create_trigger(view);
}

/* Write the catalog row of a graph view. */
void
graph_view_record(Oid view, Oid model, Datum paths)
{
	Oid			types[] = {REGCLASSOID, REGCLASSOID, TEXTARRAYOID};
	Datum		values[] = {ObjectIdGetDatum(view), ObjectIdGetDatum(model), paths};

	catalog_insert("INSERT INTO relations.graph_view (view, model, relations) VALUES ($1, $2, $3)",
				   3, types, values, NULL);
}

/*
 * SQL: create_view(view, model, relations).  A name without a schema is
 * looked up as CREATE VIEW does.  Raises duplicate_table when it is taken,
 * feature_not_supported for a model that Citus distributes, and what is wrong
 * with the paths.
 */
Datum
relations_create_view(PG_FUNCTION_ARGS)
{
	Oid			model;
	RangeVar   *range;
	Oid			nspid;
	Oid			result;
	int			nest;

	require_argument(fcinfo, 0, "view");
	require_argument(fcinfo, 1, "model");
	require_argument(fcinfo, 2, "relations");
	model = PG_GETARG_OID(1);
	model_check(model);
	if (table_placement(model) == PLACED_IN_SHARDS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("\"%s\" cannot have a graph view, since Citus distributes it", model_name(model)),
				 errdetail("The rows of the view would be made where its rows are, and the relations are not there."),
				 errhint("Use relations.query.")));
	range = makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(0)));
	if (get_rel_persistence(model) == RELPERSISTENCE_TEMP)
		range->relpersistence = RELPERSISTENCE_TEMP;
	nspid = RangeVarGetCreationNamespace(range);
	if (OidIsValid(get_relname_relid(range->relname, nspid)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", range->relname),
				 errhint("Choose another name for the view, or drop it first.")));
	/* from here on the caller's search_path has no say; errors restore it too */
	nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	graph_view_create(quote_qualified_identifier(get_namespace_name(nspid), range->relname),
					  " WITH (security_invoker = true)",
					  graph_view_query(model, PG_GETARG_ARRAYTYPE_P(2), InvalidOid));
	result = get_relname_relid(range->relname, nspid);
	graph_view_record(result, model, PG_GETARG_DATUM(2));
	AtEOXact_GUC(true, nest);
	PG_RETURN_OID(result);
}
