/*
 * graph_view_refresh.c
 *	  refresh_view: bring a graph view up to date.
 *
 * CREATE OR REPLACE VIEW keeps everything that belongs to a view: its owner,
 * privileges, comments, options, triggers, rules, and the views that use it.
 * It can add columns and cannot remove any.  A view that loses a column, which
 * was hidden, is dropped and created again, with what belonged to it.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "as_owner.h"
#include "catalog_write.h"
#include "constraint.h"
#include "graph_view.h"

PG_FUNCTION_INFO_V1(relations_refresh_view);

/* A graph view that is being refreshed. */
typedef struct Refresh
{
	Oid			view;
	char	   *name;			/* quoted and qualified */
	Oid			model;
	Datum		paths;
	List	   *columns;		/* of ViewColumn: those that it is to have */
	ViewColumn **shown;			/* for each column that it has */
	char	  **names;			/* of the columns that it has */
	int			nshown;
} Refresh;

/* Read the catalog row.  Raises undefined_object for another view or table. */
static void
read_row(Refresh *refresh)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(refresh->view)};
	List	   *rows = catalog_strings("SELECT model::pg_catalog.oid, relations FROM relations.graph_view WHERE view = $1",
									   1, types, values);
	FmgrInfo	array_input;
	char	  **row;

	if (rows == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is not a graph view", model_name(refresh->view)),
				 errhint("Graph views are made by relations.create_view.")));
	row = linitial(rows);
	refresh->model = atooid(row[0]);
	fmgr_info(F_ARRAY_IN, &array_input);
	refresh->paths = InputFunctionCall(&array_input, row[1], TEXTOID, -1);
}

/* Does the view have a column of that name? */
static bool
has_column(const Refresh *refresh, const char *name)
{
	for (int i = 0; i < refresh->nshown; i++)
	{
		if (strcmp(refresh->names[i], name) == 0)
			return true;
	}
	return false;
}

/*
 * Can CREATE OR REPLACE VIEW do it?  Each column must still be shown, once and
 * with its type, and a renamed one must not take the name of another.
 */
static bool
is_replaceable(const Refresh *refresh, TupleDesc desc)
{
	for (int i = 0; i < refresh->nshown; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ViewColumn *column = refresh->shown[i];

		if (column == NULL || att->atttypid != column->type || att->atttypmod != column->typmod ||
			att->attcollation != column->collation ||
			(strcmp(refresh->names[i], column->name) != 0 && has_column(refresh, column->name)))
			return false;
		for (int j = 0; j < i; j++)
		{
			if (refresh->shown[j] == column)
				return false;
		}
	}
	return true;
}

/* Return the options of the view as a WITH clause, empty without options. */
static char *
options_clause(Oid view)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(view));
	StringInfoData buf;
	bool		isnull = true;
	Datum		options = (Datum) 0;
	ListCell   *lc;

	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for relation %u", view);
	initStringInfo(&buf);
	options = SysCacheGetAttr(RELOID, tup, Anum_pg_class_reloptions, &isnull);
	foreach(lc, isnull ? NIL : untransformRelOptions(options))
	{
		DefElem    *option = lfirst(lc);

		appendStringInfo(&buf, "%s%s = %s", foreach_current_index(lc) > 0 ? ", " : " WITH (",
						 quote_identifier(option->defname),
						 quote_literal_cstr(option->arg == NULL ? "true" : strVal(option->arg)));
	}
	ReleaseSysCache(tup);
	if (buf.len > 0)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

static void
replace_view(const Refresh *refresh)
{
	for (int i = 0; i < refresh->nshown; i++)
	{
		if (strcmp(refresh->names[i], refresh->shown[i]->name) != 0)
			run_ddl(psprintf("ALTER VIEW %s RENAME COLUMN %s TO %s", refresh->name,
							 quote_identifier(refresh->names[i]),
							 quote_identifier(refresh->shown[i]->name)));
	}
	run_ddl(psprintf("CREATE OR REPLACE VIEW %s%s AS %s", refresh->name, options_clause(refresh->view),
					 graph_view_query(refresh->model, DatumGetArrayTypeP(refresh->paths), refresh->view)));
	if (!OidIsValid(get_trigger_oid(refresh->view, GRAPH_VIEW_TRIGGER, true)))
		graph_view_create_trigger(refresh->name);
}

/*
 * Queries for statements that give a new view what an existing one has: $1 is
 * the view, $2 and $3 are the names of its columns and those that they are to
 * have, null for a column that is not shown any more.
 */
static const char *const owner_queries[] = {
	/* the first one sets the owner */
	"SELECT pg_catalog.format('ALTER VIEW %s OWNER TO %I', c.oid::pg_catalog.regclass,"
	" pg_catalog.pg_get_userbyid(c.relowner)) FROM pg_catalog.pg_class c WHERE c.oid = $1",
	"SELECT pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, c.oid::pg_catalog.regclass,"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
	" CASE WHEN a.is_grantable AND a.grantee <> c.relowner THEN ' WITH GRANT OPTION' END)"
	" FROM pg_catalog.pg_class c CROSS JOIN LATERAL"
	" pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) a WHERE c.oid = $1",
	"SELECT pg_catalog.format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, n.new, c.oid::pg_catalog.regclass,"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
	" CASE WHEN a.is_grantable AND a.grantee <> c.relowner THEN ' WITH GRANT OPTION' END)"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid"
	" JOIN unnest($2, $3) n (old, new) ON n.old = t.attname"
	" CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a WHERE c.oid = $1 AND n.new IS NOT NULL",
	"SELECT pg_catalog.format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s', d.adrelid::pg_catalog.regclass,"
	" n.new, pg_catalog.pg_get_expr(d.adbin, d.adrelid))"
	" FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute t ON t.attrelid = d.adrelid AND t.attnum = d.adnum"
	" JOIN unnest($2, $3) n (old, new) ON n.old = t.attname"
	" WHERE d.adrelid = $1 AND n.new IS NOT NULL",
	"SELECT pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t"
	" WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgname <> '" GRAPH_VIEW_TRIGGER "' ORDER BY t.tgname",
	"SELECT pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r"
	" WHERE r.ev_class = $1 AND r.rulename <> '_RETURN' ORDER BY r.rulename",
	"SELECT pg_catalog.format('COMMENT ON %s IS %L', CASE WHEN d.objsubid = 0"
	" THEN pg_catalog.format('VIEW %s', d.objoid::pg_catalog.regclass)"
	" ELSE pg_catalog.format('COLUMN %s.%I', d.objoid::pg_catalog.regclass, n.new) END, d.description)"
	" FROM pg_catalog.pg_description d"
	" LEFT JOIN pg_catalog.pg_attribute t ON t.attrelid = d.objoid AND t.attnum = d.objsubid"
	" LEFT JOIN unnest($2, $3) n (old, new) ON n.old = t.attname"
	" WHERE d.objoid = $1 AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND (d.objsubid = 0 OR n.new IS NOT NULL)",
	"SELECT pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, t.tgrelid::pg_catalog.regclass, d.description)"
	" FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_description d ON d.objoid = t.oid"
	" AND d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass WHERE t.tgrelid = $1 AND NOT t.tgisinternal",
	"SELECT pg_catalog.format('COMMENT ON RULE %I ON %s IS %L', r.rulename, r.ev_class::pg_catalog.regclass, d.description)"
	" FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_description d ON d.objoid = r.oid"
	" AND d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass WHERE r.ev_class = $1",
};

/* Like owner_queries, for statements that a provider of labels may refuse to the owner. */
static const char *const label_queries[] = {
	"SELECT pg_catalog.format('SECURITY LABEL FOR %I ON %s IS %L', l.provider, CASE WHEN l.objsubid = 0"
	" THEN pg_catalog.format('VIEW %s', l.objoid::pg_catalog.regclass)"
	" ELSE pg_catalog.format('COLUMN %s.%I', l.objoid::pg_catalog.regclass, n.new) END, l.label)"
	" FROM pg_catalog.pg_seclabel l"
	" LEFT JOIN pg_catalog.pg_attribute t ON t.attrelid = l.objoid AND t.attnum = l.objsubid"
	" LEFT JOIN unnest($2, $3) n (old, new) ON n.old = t.attname"
	" WHERE l.objoid = $1 AND l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND (l.objsubid = 0 OR n.new IS NOT NULL)",
};

/* Return the statements of queries. */
static List *
saved_statements(const Refresh *refresh, const char *const *queries, int nqueries)
{
	Oid			types[] = {OIDOID, NAMEARRAYOID, NAMEARRAYOID};
	Datum		values[lengthof(types)];
	Datum	   *old = palloc(sizeof(Datum) * Max(refresh->nshown, 1));
	Datum	   *new = palloc0(sizeof(Datum) * Max(refresh->nshown, 1));
	bool	   *isnull = palloc(sizeof(bool) * Max(refresh->nshown, 1));
	int			lower = 1;
	List	   *result = NIL;

	for (int i = 0; i < refresh->nshown; i++)
	{
		old[i] = DirectFunctionCall1(namein, CStringGetDatum(refresh->names[i]));
		isnull[i] = refresh->shown[i] == NULL;
		if (!isnull[i])
			new[i] = DirectFunctionCall1(namein, CStringGetDatum(refresh->shown[i]->name));
	}
	values[0] = ObjectIdGetDatum(refresh->view);
	values[1] = PointerGetDatum(construct_array(old, refresh->nshown, NAMEOID, NAMEDATALEN, false,
												TYPALIGN_CHAR));
	values[2] = PointerGetDatum(construct_md_array(new, isnull, 1, (int *) &refresh->nshown, &lower,
												   NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR));
	for (int i = 0; i < nqueries; i++)
	{
		ListCell   *lc;

		foreach(lc, catalog_strings(queries[i], lengthof(types), types, values))
			result = lappend(result, ((char **) lfirst(lc))[0]);
	}
	return result;
}

/* Take away what default privileges grant on a view that was created. */
static void
revoke_all(Oid view)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(view)};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT DISTINCT pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s', c.oid::pg_catalog.regclass,"
								" CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
								" ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)"
								" FROM pg_catalog.pg_class c CROSS JOIN LATERAL"
								" pg_catalog.aclexplode(COALESCE(c.relacl, pg_catalog.acldefault('r', c.relowner))) a"
								" WHERE c.oid = $1", 1, types, values))
		run_ddl(((char **) lfirst(lc))[0]);
}

static void
recreate_view(Refresh *refresh)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(refresh->view)};
	char	   *options = options_clause(refresh->view);
	char	   *query = graph_view_query(refresh->model, DatumGetArrayTypeP(refresh->paths), refresh->view);
	List	   *statements = saved_statements(refresh, owner_queries, lengthof(owner_queries));
	List	   *labels = saved_statements(refresh, label_queries, lengthof(label_queries));
	char	   *name = get_rel_name(refresh->view);
	Oid			nspid = get_rel_namespace(refresh->view);
	SavedUser	saved;
	bool		switched;
	ListCell   *lc;

	run_ddl(psprintf("DROP VIEW %s", refresh->name));
	catalog_query("DELETE FROM relations.graph_view WHERE view = $1", 1, types, values, NULL);
	graph_view_create(refresh->name, options, query);
	refresh->view = get_relname_relid(name, nspid);
	graph_view_record(refresh->view, refresh->model, refresh->paths);
	/* the owner first: he grants the privileges */
	run_ddl(linitial(statements));
	CommandCounterIncrement();
	/* defaults and rules are the owner's code, and the parser runs parts of it */
	switched = !relation_trusted(refresh->view, GetUserId());
	if (switched)
		(void) switch_to_owner(refresh->view, InvalidOid, &saved);
	revoke_all(refresh->view);
	for_each_from(lc, statements, 1)
		run_ddl(lfirst(lc));
	if (switched)
		restore_user(&saved);
	foreach(lc, labels)
		run_ddl(lfirst(lc));
}

/*
 * SQL: refresh_view(view).  Raises undefined_object for what is no graph view,
 * and dependent_objects_still_exist if the view loses a column and other views
 * use it.
 */
Datum
relations_refresh_view(PG_FUNCTION_ARGS)
{
	Refresh		refresh = {0};
	Relation	rel;
	TupleDesc	desc;

	refresh.view = PG_GETARG_OID(0);
	model_check(refresh.view);
	require_owner(refresh.view);
	read_row(&refresh);
	/* a standby would refuse the lock with an error of its own */
	PreventCommandIfReadOnly("relations.refresh_view()");
	rel = relation_open(refresh.view, AccessExclusiveLock);
	/* what was read before the lock may have changed */
	require_owner(refresh.view);
	read_row(&refresh);
	refresh.name = quoted_model_name(refresh.view);
	refresh.columns = graph_view_columns(refresh.model, DatumGetArrayTypeP(refresh.paths));
	refresh.shown = graph_view_match(refresh.view, refresh.model, refresh.columns, &refresh.nshown);
	desc = CreateTupleDescCopy(RelationGetDescr(rel));
	relation_close(rel, NoLock);
	refresh.names = palloc(sizeof(char *) * Max(refresh.nshown, 1));
	for (int i = 0; i < refresh.nshown; i++)
		refresh.names[i] = NameStr(TupleDescAttr(desc, i)->attname);
	if (is_replaceable(&refresh, desc))
		replace_view(&refresh);
	else
		recreate_view(&refresh);
	PG_RETURN_VOID();
}
