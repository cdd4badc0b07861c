/*
 * check_catalog.c
 *	  Do the event triggers and triggers fire, and is what the catalog says of
 *	  tables and columns still so?
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "catalog_write.h"
#include "check.h"

/* What follows renamings and drops. */
void
check_event_triggers(Check *check)
{
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT t.evtname FROM pg_catalog.pg_event_trigger t"
								" JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid"
								" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
								" WHERE n.nspname = 'relations' AND t.evtenabled IN ('D', 'R')"
								" ORDER BY t.evtname", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		add_finding(check, "event_trigger_disabled", SEVERITY_ERROR,
					psprintf("ALTER EVENT TRIGGER %s ENABLE ALWAYS", quote_identifier(row[0])), NO_CODE, MENDED_BY_REPAIR,
					"event trigger \"%s\" is disabled: the catalog does not follow what is renamed and dropped", row[0]);
	}
}

/*
 * Report roles that may create in the schema of the extension, and functions
 * that such roles have created there: a call of relations.find(...) could
 * resolve to them.  CREATE EXTENSION grants none of this.
 */
void
check_extension_schema(Check *check)
{
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
								" ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee,"
								" a.grantee = n.nspowner"
								" FROM pg_catalog.pg_namespace n"
								" CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(n.nspacl,"
								" pg_catalog.acldefault('n', n.nspowner))) a"
								" LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee"
								" WHERE n.nspname = 'relations' AND a.privilege_type = 'CREATE'"
								" AND r.rolsuper IS NOT TRUE GROUP BY 1, 2 ORDER BY 1", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		bool		owner = strcmp(row[1], "t") == 0;

		add_finding(check, "unsafe_schema", SEVERITY_ERROR,
					owner ? NULL : psprintf("REVOKE CREATE ON SCHEMA relations FROM %s", row[0]),
					NO_CODE, MENDED_BY_HAND,
					"%s may create functions in schema \"relations\" that others call in place of the extension's",
					row[0]);
	}
	foreach(lc, catalog_strings("SELECT p.oid::pg_catalog.regprocedure, pg_catalog.quote_ident(r.rolname)"
								" FROM pg_catalog.pg_proc p"
								" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
								" JOIN pg_catalog.pg_roles r ON r.oid = p.proowner"
								" WHERE n.nspname = 'relations' AND NOT r.rolsuper AND NOT EXISTS"
								" (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid"
								" WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid"
								" AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass"
								" AND d.deptype = 'e' AND e.extname = 'relations') ORDER BY 1", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		add_finding(check, "unsafe_schema", SEVERITY_ERROR, psprintf("DROP ROUTINE %s", row[0]),
					NO_CODE, MENDED_BY_HAND,
					"%s is not a function of the extension; it belongs to %s", row[0], row[1]);
	}
}

/*
 * The triggers of the extension that somebody has switched off, on tables of a
 * schema.  Those of the catalog are for logical replication only; restoring
 * data with --disable-triggers leaves them as any other.
 */
void
check_disabled_triggers(Check *check, Oid nspid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT t.tgrelid, t.tgname,"
								" CASE WHEN p.proname = 'catalog_row' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END"
								" FROM pg_catalog.pg_trigger t"
								" JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
								" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
								" JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid"
								" WHERE n.nspname = 'relations'"
								" AND CASE WHEN p.proname = 'catalog_row' THEN t.tgenabled NOT IN ('R', 'A')"
								" ELSE t.tgenabled IN ('D', 'R') END"
								" AND ($1 = 0 OR c.relnamespace = $1) ORDER BY c.relname, t.tgrelid, t.tgname",
								1, types, values))
	{
		char	  **row = lfirst(lc);

		check->model = atooid(row[0]);
		check->relation = NULL;
		add_finding(check, "trigger_disabled", SEVERITY_ERROR,
					psprintf("ALTER TABLE %s %s TRIGGER %s", quoted_model_name(check->model), row[2],
							 quote_identifier(row[1])),
					NO_CODE, MENDED_BY_REPAIR, "trigger \"%s\" of \"%s\" is disabled", row[1], model_name(check->model));
	}
	check->model = InvalidOid;
}

/* What is said of models and their factories: of tables, and of columns, that are gone. */
void
check_models(Check *check, Oid nspid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	ListCell   *lc;

	foreach(lc, catalog_strings("WITH said (model, name) AS ("
								" SELECT m.model, u.name::pg_catalog.text FROM relations.model m"
								" LEFT JOIN LATERAL pg_catalog.unnest(m.primary_key || m.hidden) u (name) ON true"
								" UNION SELECT f.model, k FROM relations.factory f"
								" LEFT JOIN LATERAL pg_catalog.jsonb_object_keys(f.definition) k ON true"
								" UNION SELECT s.model, k FROM relations.factory_state s"
								" LEFT JOIN LATERAL pg_catalog.jsonb_object_keys(s.definition) k ON true"
								" UNION SELECT t.model, NULL FROM relations.morph_type t"
								" UNION SELECT t.related, NULL FROM relations.morph_type t)"
								" SELECT s.model::pg_catalog.oid, CASE WHEN c.oid IS NOT NULL THEN s.name END"
								" FROM said s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.model"
								" WHERE ($1 = 0 OR c.relnamespace = $1)"
								" AND (c.oid IS NULL OR s.name IS NOT NULL)"
								" AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a WHERE a.attrelid = s.model"
								" AND a.attname = s.name AND a.attnum > 0 AND NOT a.attisdropped)"
								" AND (c.oid IS NULL OR NOT EXISTS (SELECT 1 FROM relations.relation r"
								" WHERE r.model = s.model AND r.relation = s.name))"
								" ORDER BY 1, 2", 1, types, values))
	{
		char	  **row = lfirst(lc);

		check->model = atooid(row[0]);
		check->relation = NULL;
		if (row[1] == NULL)
			add_finding(check, "missing_table", SEVERITY_ERROR, call_statement("forget", check->model, NULL),
						NO_CODE, MENDED_BY_REPAIR, "a table of which something is said, with OID %u, does not exist", check->model);
		else
			add_finding(check, "missing_column", SEVERITY_ERROR,
						call_statement("forget", check->model, row[1]), NO_CODE, MENDED_BY_REPAIR,
						"\"%s\" has no column \"%s\", of which model or factory speak",
						model_name(check->model), row[1]);
	}
	check->model = InvalidOid;
}

/* Changes that rows have not stored yet, see follow_pending.c. */
void
check_pending(Check *check, Oid nspid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT p.model::pg_catalog.oid,"
								" CASE p.catalog WHEN 'relation' THEN p.name END, p.old_name, p.catalog"
								" FROM relations.pending_change p"
								" JOIN pg_catalog.pg_class c ON c.oid = p.model"
								" WHERE $1 = 0 OR c.relnamespace = $1"
								" ORDER BY c.relname, p.catalog, p.name, p.type, p.number, p.old_name",
								1, types, values))
	{
		char	  **row = lfirst(lc);

		check->model = atooid(row[0]);
		check->relation = row[1];
		add_finding(check, "pending_change", SEVERITY_NOTE, NULL, NIL, MENDED_BY_HAND,
					"a row of relations.%s still has the old name \"%s\", because another transaction had locked it; readers use the new name",
					row[3], row[2]);
	}
	check->model = InvalidOid;
	check->relation = NULL;
}
