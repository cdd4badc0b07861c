/*
 * ddl_watch.c
 *	  Event triggers: the catalog follows drops and renames.
 *
 * They fire for every such command of every session, while a dump is restored
 * too: so they do nothing when the catalog holds nothing that is concerned,
 * and they run with the rights of the catalog's owner.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "commands/event_trigger.h"
#include "utils/lsyscache.h"

#include "catalog_write.h"

PG_FUNCTION_INFO_V1(relations_follow_drop);
PG_FUNCTION_INFO_V1(relations_follow_ddl);

/*
 * The child is the table with the foreign key.  Notices are raised by the
 * statement itself, through a function of the extension.
 */
#define CHILD	"CASE r.kind WHEN 'belongs_to' THEN r.model ELSE r.related END"
#define PARENT	"CASE r.kind WHEN 'belongs_to' THEN r.related ELSE r.model END"

static const char *const drop_statements[] = {
	/* tables that are gone, and columns that are keys */
	"WITH gone AS (SELECT objid, objsubid, address_names"
	" FROM pg_catalog.pg_event_trigger_dropped_objects()"
	" WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass),"
	" lost AS (DELETE FROM relations.relation r WHERE EXISTS (SELECT FROM gone g"
	" WHERE (g.objsubid = 0 AND g.objid IN (r.model, r.related))"
	" OR (g.objsubid > 0 AND g.objid = " CHILD " AND g.address_names[3] = ANY (r.foreign_key))"
	" OR (g.objsubid > 0 AND g.objid = " PARENT " AND g.address_names[3] = ANY (r.local_key)))"
	" RETURNING r.relation, COALESCE((SELECT relname FROM pg_catalog.pg_class WHERE oid = r.model),"
	" (SELECT g.address_names[2] FROM gone g WHERE g.objid = r.model AND g.objsubid = 0))::pg_catalog.text AS model)"
	" SELECT relations.notice('relation \"' || relation || '\" of model \"' || model || '\" is dropped with what it stands on')"
	" FROM lost ORDER BY model, relation",

	"DELETE FROM relations.model m USING pg_catalog.pg_event_trigger_dropped_objects() g"
	" WHERE g.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND g.objsubid = 0 AND g.objid = m.model",

	/* foreign keys that are gone while their tables stay */
	"WITH gone AS (SELECT pg_catalog.to_regclass(pg_catalog.quote_ident(address_names[1]) || '.' ||"
	" pg_catalog.quote_ident(address_names[2])) AS child, address_names[3] AS name"
	" FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE object_type = 'table constraint'),"
	" loose AS (UPDATE relations.relation r SET constraint_name = NULL, created_constraint = NULL, enforce = false"
	" FROM gone g WHERE g.child = " CHILD " AND g.name = r.constraint_name RETURNING r.relation, r.model)"
	" SELECT relations.notice('relation \"' || relation || '\" of model \"' || relname || '\" is no longer enforced')"
	" FROM loose JOIN pg_catalog.pg_class c ON c.oid = model ORDER BY relname, relation",
};

/* names in a list that are no column of the table any more become new_name */
#define RENAMED(list, table) \
	"(SELECT pg_catalog.array_agg(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a" \
	" WHERE a.attrelid = " table " AND a.attname = n.name AND NOT a.attisdropped)" \
	" THEN n.name ELSE w.new_name END ORDER BY n.ord)" \
	" FROM pg_catalog.unnest(" list ") WITH ORDINALITY n(name, ord))"

#define COLUMN_COMMANDS \
	"(SELECT c.objid, a.attname AS new_name FROM pg_catalog.pg_event_trigger_ddl_commands() c" \
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objid AND a.attnum = c.objsubid" \
	" WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.objsubid > 0) w"

/* constraints, and indexes, by their table and new name */
#define NAME_COMMANDS \
	"(SELECT o.conrelid AS tab, o.conname AS new_name, o.contype = 'f' AS foreign_key" \
	" FROM pg_catalog.pg_event_trigger_ddl_commands() c JOIN pg_catalog.pg_constraint o ON o.oid = c.objid" \
	" WHERE c.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass" \
	" UNION ALL SELECT i.indrelid, k.relname, false" \
	" FROM pg_catalog.pg_event_trigger_ddl_commands() c JOIN pg_catalog.pg_index i ON i.indexrelid = c.objid" \
	" JOIN pg_catalog.pg_class k ON k.oid = i.indexrelid" \
	" WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.objsubid = 0) w"

static const char *const rename_statements[] = {
	"UPDATE relations.relation r SET foreign_key = " RENAMED("r.foreign_key", "w.objid")
	" FROM " COLUMN_COMMANDS " WHERE w.objid = " CHILD
	" AND r.foreign_key IS DISTINCT FROM " RENAMED("r.foreign_key", "w.objid"),

	"UPDATE relations.relation r SET local_key = " RENAMED("r.local_key", "w.objid")
	" FROM " COLUMN_COMMANDS " WHERE w.objid = " PARENT
	" AND r.local_key IS DISTINCT FROM " RENAMED("r.local_key", "w.objid"),

	"UPDATE relations.relation r SET created_columns = " RENAMED("r.created_columns", "w.objid")
	" FROM " COLUMN_COMMANDS " WHERE w.objid = " CHILD
	" AND r.created_columns IS DISTINCT FROM " RENAMED("r.created_columns", "w.objid"),

	"UPDATE relations.model r SET primary_key = " RENAMED("r.primary_key", "w.objid")
	", hidden = " RENAMED("r.hidden", "w.objid")
	" FROM " COLUMN_COMMANDS " WHERE w.objid = r.model",

	"UPDATE relations.relation r SET created_constraint = CASE WHEN r.created_constraint IS NULL THEN NULL ELSE w.new_name END,"
	" constraint_name = w.new_name"
	" FROM " NAME_COMMANDS " WHERE w.foreign_key AND w.tab = " CHILD
	" AND r.constraint_name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o"
	" WHERE o.conrelid = w.tab AND o.conname = r.constraint_name)",

	"UPDATE relations.relation r SET created_index = w.new_name"
	" FROM " NAME_COMMANDS " WHERE NOT w.foreign_key AND w.tab = " CHILD
	" AND r.created_index IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i"
	" JOIN pg_catalog.pg_class k ON k.oid = i.indexrelid WHERE i.indrelid = w.tab AND k.relname = r.created_index)",
};

static void
run_statements(FunctionCallInfo fcinfo, const char *name, const char *const *statements, int n)
{
	Oid			nspid = get_namespace_oid(RELATIONS_SCHEMA, true);

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by event trigger manager", name)));
	/* the extension itself may be on its way out */
	if (!OidIsValid(nspid) ||
		!OidIsValid(get_relname_relid("relation", nspid)) ||
		!OidIsValid(get_relname_relid("model", nspid)))
		return;
	for (int i = 0; i < n; i++)
		write_catalog(statements[i], 0, NULL, NULL, NULL);
}

/* sql_drop: what is said of a table or of a key goes with it. */
Datum
relations_follow_drop(PG_FUNCTION_ARGS)
{
	run_statements(fcinfo, "relations.follow_drop", drop_statements, lengthof(drop_statements));
	PG_RETURN_VOID();
}

/* ddl_command_end: names of columns, constraints and indexes are followed. */
Datum
relations_follow_ddl(PG_FUNCTION_ARGS)
{
	run_statements(fcinfo, "relations.follow_ddl", rename_statements, lengthof(rename_statements));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(relations_notice);

/* A notice with this text; for the statements above. */
Datum
relations_notice(PG_FUNCTION_ARGS)
{
	ereport(NOTICE,
			(errmsg_internal("%s", text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	PG_RETURN_VOID();
}
