/*
 * factory_watch.c
 *	  Factories follow what is renamed and what is dropped.
 *
 * Called by the event triggers, see ddl_watch.c, whose search_path is
 * pg_catalog.  Expressions of SQL are text, as the bodies of functions are:
 * names in them do not follow.
 */
#include "relations.h"

#include "catalog/pg_type.h"

#include "catalog_write.h"
#include "factory_watch.h"

/* SQL: both catalog tables of definitions, one after the other */
static const char *const tables[] = {"relations.factory", "relations.factory_state"};

/* The factory of a dropped table goes. */
void
factory_follow_dropped_tables(void)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
		catalog_query(psprintf("DELETE FROM %s f WHERE f.model IN"
							   " (SELECT objid FROM pg_catalog.pg_event_trigger_dropped_objects()"
							   " WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid = 0)",
							   tables[i]),
					  0, NULL, NULL, NULL);
}

/* It goes on without a column that is dropped. */
void
factory_follow_dropped_columns(void)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		ListCell   *lc;

		foreach(lc, catalog_strings(psprintf("WITH dropped AS (SELECT objid, address_names[3] AS name"
											 " FROM pg_catalog.pg_event_trigger_dropped_objects()"
											 " WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid > 0),"
											 " lost AS (SELECT DISTINCT f.model, d.name FROM %s f JOIN dropped d"
											 " ON d.objid = f.model AND f.definition ? d.name),"
											 " changed AS (UPDATE %s f SET definition = f.definition -"
											 " ARRAY(SELECT l.name FROM lost l WHERE l.model = f.model)"
											 " WHERE f.model IN (SELECT l.model FROM lost l))"
											 " SELECT c.relname, l.name FROM lost l JOIN pg_catalog.pg_class c ON c.oid = l.model"
											 " ORDER BY 1, 2", tables[i], tables[i]),
									0, NULL, NULL))
		{
			char	  **row = lfirst(lc);

			ereport(NOTICE,
					(errmsg(i == 0 ? "the factory of \"%s\" goes on without column \"%s\""
							: "states of the factory of \"%s\" go on without column \"%s\"", row[0], row[1])));
		}
	}
}

/* A column of tables has another name. */
void
factory_follow_renamed_column(Datum relids, const char *old, const char *new)
{
	Oid			types[] = {OIDARRAYOID, TEXTOID, TEXTOID};
	Datum		values[] = {relids, CStringGetTextDatum(old), CStringGetTextDatum(new)};

	for (int i = 0; i < (int) lengthof(tables); i++)
		catalog_query(psprintf("UPDATE %s SET definition = (definition - $2)"
							   " || pg_catalog.jsonb_build_object($3, definition -> $2)"
							   " WHERE model = ANY ($1) AND definition ? $2", tables[i]),
					  3, types, values, NULL);
}

/*
 * A value of an enum has another name: constants of columns of the type, and
 * those of which one is taken.
 */
void
factory_follow_renamed_value(Oid enum_type, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(enum_type), CStringGetTextDatum(old), CStringGetTextDatum(new)};

	for (int i = 0; i < (int) lengthof(tables); i++)
		catalog_query(psprintf("UPDATE %s f SET definition = (SELECT pg_catalog.jsonb_object_agg(m.key,"
							   " CASE WHEN a.attname IS NULL THEN m.value"
							   " WHEN m.value = pg_catalog.to_jsonb($2) THEN pg_catalog.to_jsonb($3)"
							   " WHEN pg_catalog.jsonb_typeof(m.value -> 'one_of') = 'array'"
							   " THEN pg_catalog.jsonb_set(m.value, '{one_of}', (SELECT pg_catalog.jsonb_agg("
							   "CASE WHEN o.value = pg_catalog.to_jsonb($2) THEN pg_catalog.to_jsonb($3) ELSE o.value END"
							   " ORDER BY o.ordinality) FROM pg_catalog.jsonb_array_elements(m.value -> 'one_of')"
							   " WITH ORDINALITY o))"
							   " ELSE m.value END)"
							   " FROM pg_catalog.jsonb_each(f.definition) m LEFT JOIN (pg_catalog.pg_attribute a"
							   " JOIN pg_catalog.pg_type y ON y.oid = a.atttypid AND $1 IN (y.oid, y.typbasetype))"
							   " ON a.attrelid = f.model AND a.attname = m.key)"
							   " WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a"
							   " JOIN pg_catalog.pg_type y ON y.oid = a.atttypid AND $1 IN (y.oid, y.typbasetype)"
							   " WHERE a.attrelid = f.model AND f.definition ? a.attname"
							   " AND pg_catalog.strpos((f.definition -> a.attname::text)::text, $2) > 0)",
							   tables[i]),
					  3, types, values, NULL);
}
