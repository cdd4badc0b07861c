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

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
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

PG_FUNCTION_INFO_V1(relations_create_view);
PG_FUNCTION_INFO_V1(relations_refresh_view);

/* The paths that begin with one relation: a column of the view. */
typedef struct ViewColumn
{
	char	   *relation;
	List	   *paths;			/* of char * */
} ViewColumn;

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

/* The columns for relations, in the order in which paths name them first. */
static List *
view_columns(Oid model, ArrayType *paths)
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
			if (strcmp(((ViewColumn *) lfirst(lc))->relation, child->name) == 0)
				column = lfirst(lc);
		}
		if (column == NULL)
		{
			column = palloc0(sizeof(ViewColumn));
			column->relation = child->name;
			result = lappend(result, column);
		}
		column->paths = lappend(column->paths, path);
	}
	return result;
}

/* The call that gives a relation's column. */
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
	appendStringInfo(sql, ") AS %s", quote_identifier(column->relation));
	read_run_end(run);
}

/*
 * The view's query: visible columns of the model, then the relations; palloc'd.
 * Raises what is wrong with the paths.
 */
char *
graph_view_query(Oid model, ArrayType *paths)
{
	ModelDesc  *desc = catalog_get_model(model);
	List	   *relations = view_columns(model, paths);
	Relation	rel = relation_open(model, AccessShareLock);
	StringInfoData sql;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped && !list_has_name(desc->hidden, NameStr(att->attname)))
			appendStringInfo(&sql, "%sm.%s", n++ > 0 ? ", " : "",
							 quote_identifier(NameStr(att->attname)));
	}
	relation_close(rel, AccessShareLock);
	foreach(lc, relations)
	{
		appendStringInfoString(&sql, n++ > 0 ? ", " : "");
		append_relation(&sql, model, lfirst(lc));
	}
	appendStringInfo(&sql, " FROM %s AS m CROSS JOIN (SELECT) AS graph", quoted_model_name(model));
	return sql.data;
}

/* Create the view and write its row; view is quoted and qualified. */
static Oid
make_view(const char *view, Oid nspid, const char *name, Oid model, Datum paths)
{
	Oid			types[] = {REGCLASSOID, REGCLASSOID, TEXTARRAYOID};
	Datum		values[3];
	Oid			relid;

	run_ddl(psprintf("CREATE VIEW %s WITH (security_invoker = true) AS %s", view,
					 graph_view_query(model, DatumGetArrayTypeP(paths))));
	run_ddl(psprintf("CREATE TRIGGER relations_write INSTEAD OF INSERT OR UPDATE OR DELETE ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION %s.write_view()", view, RELATIONS_SCHEMA));
	CommandCounterIncrement();
	relid = get_relname_relid(name, nspid);
	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(model);
	values[2] = paths;
	catalog_query("INSERT INTO relations.graph_view (view, model, relations) VALUES ($1, $2, $3)",
				  3, types, values, NULL);
	return relid;
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
	result = make_view(quote_qualified_identifier(get_namespace_name(nspid), range->relname),
					   nspid, range->relname, model, PG_GETARG_DATUM(2));
	AtEOXact_GUC(true, nest);
	PG_RETURN_OID(result);
}

/*
 * SQL: refresh_view(view).  Raises undefined_object for what is no graph view,
 * dependent_objects_still_exist when other views stand on it.
 */
Datum
relations_refresh_view(PG_FUNCTION_ARGS)
{
	Oid			view = PG_GETARG_OID(0);
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(view)};
	List	   *rows;
	List	   *grants;
	List	   *comments;
	char	  **row;
	char	   *name;
	char	   *owner;
	Oid			nspid;
	Oid			model;
	Datum		paths;
	FmgrInfo	array_input;
	ListCell   *lc;

	model_check(view);
	require_owner(view);
	rows = catalog_strings("SELECT model::pg_catalog.oid, relations FROM relations.graph_view WHERE view = $1",
						   1, types, values);
	if (rows == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is not a graph view", model_name(view)),
				 errhint("Graph views are made by relations.create_view.")));
	row = linitial(rows);
	model = atooid(row[0]);
	fmgr_info(F_ARRAY_IN, &array_input);
	paths = InputFunctionCall(&array_input, row[1], TEXTOID, -1);
	name = get_rel_name(view);
	nspid = get_rel_namespace(view);
	owner = ((char **) linitial(catalog_strings("SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner))"
												" FROM pg_catalog.pg_class WHERE oid = $1",
												1, types, values)))[0];
	grants = catalog_strings("SELECT pg_catalog.format('GRANT %s ON %s TO %s%s', a.privilege_type, c.oid::pg_catalog.regclass,"
							 " CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
							 " CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' END)"
							 " FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a"
							 " WHERE c.oid = $1 AND a.grantee <> c.relowner", 1, types, values);
	comments = catalog_strings("SELECT pg_catalog.format('COMMENT ON VIEW %s IS %L', c.oid::pg_catalog.regclass,"
							   " pg_catalog.obj_description(c.oid, 'pg_class'))"
							   " FROM pg_catalog.pg_class c WHERE c.oid = $1"
							   " AND pg_catalog.obj_description(c.oid, 'pg_class') IS NOT NULL",
							   1, types, values);

	run_ddl(psprintf("DROP VIEW %s", quoted_model_name(view)));
	catalog_query("DELETE FROM relations.graph_view WHERE view = $1", 1, types, values, NULL);
	make_view(quote_qualified_identifier(get_namespace_name(nspid), name), nspid, name, model, paths);
	run_ddl(psprintf("ALTER VIEW %s OWNER TO %s",
					 quote_qualified_identifier(get_namespace_name(nspid), name), owner));
	foreach(lc, list_concat(grants, comments))
		run_ddl(((char **) lfirst(lc))[0]);
	PG_RETURN_VOID();
}
