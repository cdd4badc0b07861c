/*
 * morph_watch.c
 *	  The types of polymorphic references follow what is renamed and dropped.
 *
 * Parts of the event triggers of ddl_watch.c, which run them guarded and with
 * the rights of the catalog's owner.
 */
#include "relations.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "catalog_write.h"
#include "constraint.h"
#include "event_objects.h"
#include "morph_watch.h"

/* SQL: objects that the command dropped, of one kind */
#define SQL_DROPPED "SELECT d.objid, d.address_names" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d" \
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid "

/* SQL: of constraints and indexes the table is known by its name only */
#define SQL_NAMED_TABLE " JOIN pg_catalog.pg_class c ON c.relnamespace = " \
	SQL_NAMESPACE("d.address_names[1]") " AND c.relname = d.address_names[2]"

/*
 * A relation whose type has gone goes too, and a morph_to when it has no type
 * left.
 */
void
morph_drop_relations_without_type(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings("WITH gone AS (DELETE FROM relations.relation r WHERE r.morph IS NOT NULL"
								" AND NOT EXISTS (SELECT 1 FROM relations.morph_type t"
								" WHERE t.morph = r.morph AND t.model = CASE"
								" WHEN r.kind = 'morph_to' THEN r.model"
								" WHEN r.pivot_table IS NOT NULL THEN r.pivot_table ELSE r.related END"
								" AND (r.kind = 'morph_to' OR t.related ="
								" CASE r.kind WHEN 'morphed_by_many' THEN r.related ELSE r.model END))"
								" RETURNING r.model, r.relation)"
								" SELECT g.relation, m.relname FROM gone g"
								" LEFT JOIN pg_catalog.pg_class m ON m.oid = g.model ORDER BY 2, 1",
								0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on",
						row[0], row[1])));
	}
}

/*
 * The types of dropped tables go.  What stays of a type whose own table is
 * gone is told: its generated columns hold nothing that anybody refers to.  No
 * document shows them, as before.
 */
void
morph_follow_dropped_tables(void)
{
	List	   *gone = catalog_strings("WITH dropped AS (" SQL_DROPPED "= 0),"
									   " gone AS (DELETE FROM relations.morph_type t USING dropped d"
									   " WHERE d.objid IN (t.model, t.related)"
									   " RETURNING t.model, t.morph, t.type, t.foreign_key),"
									   " kept_hidden AS (INSERT INTO relations.model AS m (model, hidden)"
									   " SELECT g.model, pg_catalog.array_agg(u.name ORDER BY u.name)"
									   " FROM gone g JOIN pg_catalog.pg_class c ON c.oid = g.model"
									   " CROSS JOIN LATERAL pg_catalog.unnest(g.foreign_key) AS u(name)"
									   " GROUP BY g.model"
									   " ON CONFLICT (model) DO UPDATE SET hidden = m.hidden || EXCLUDED.hidden)"
									   " SELECT g.type, g.morph, c.relname,"
									   " pg_catalog.array_to_string(g.foreign_key, ', ')"
									   " FROM gone g LEFT JOIN pg_catalog.pg_class c ON c.oid = g.model"
									   " ORDER BY 3, 2, 1", 0, NULL, NULL);
	ListCell   *lc;

	foreach(lc, gone)
	{
		char	  **row = lfirst(lc);

		if (row[2] != NULL)
			ereport(NOTICE,
					(errmsg("type \"%s\" of polymorphic reference \"%s\" of \"%s\" is dropped with its table",
							row[0], row[1], row[2]),
					 errdetail("Rows of this type refer to nothing now; its generated columns (%s) stay, and stay hidden.",
							   row[3]),
					 errhint("Delete such rows, and drop these columns.")));
	}
	if (gone != NIL)
		morph_drop_relations_without_type();
}

/* So do types that had a column which is dropped. */
void
morph_follow_dropped_columns(void)
{
	if (catalog_strings("WITH dropped AS (" SQL_DROPPED "> 0)"
						" DELETE FROM relations.morph_type t USING dropped d"
						" WHERE (d.objid = t.model AND d.address_names[3]::pg_catalog.name = ANY"
						" (t.foreign_key || t.id_columns || t.type_column))"
						" OR (d.objid = t.related AND d.address_names[3]::pg_catalog.name = ANY (t.local_key))"
						" RETURNING t.type", 0, NULL, NULL) != NIL)
		morph_drop_relations_without_type();
}

/*
 * A type whose foreign key is dropped stays, on another foreign key of its
 * columns if the command made one, else it is no longer enforced.  Of a check
 * that is dropped the name is kept: it is made anew with the next type, or by
 * what check() says.
 */
void
morph_follow_dropped_constraints(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings("UPDATE relations.morph_type t SET constraint_name = NULL"
								" FROM pg_catalog.pg_event_trigger_dropped_objects() d" SQL_NAMED_TABLE
								" WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass"
								" AND c.oid = t.model AND d.address_names[3]::pg_catalog.name = t.constraint_name"
								" RETURNING t.model::oid, t.morph, t.type", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		ListCell   *t;

		foreach(t, catalog_morph_types(atooid(row[0]), row[1]))
		{
			MorphType  *type = lfirst(t);
			ForeignKey *fk;

			if (strcmp(type->type, row[2]) != 0)
				continue;
			fk = match_foreign_key(foreign_keys_between(type->model, type->related),
								   type->foreign_key, type->local_key);
			if (fk == NULL)
				ereport(NOTICE,
						(errmsg("type \"%s\" of polymorphic reference \"%s\" of \"%s\" is no longer enforced",
								type->type, type->morph, model_name(type->model))));
			else
			{
				type->constraint_name = fk->name;
				catalog_put_morph_type(type);
			}
		}
	}
}

/* An index that is gone was created by nobody. */
void
morph_follow_dropped_indexes(void)
{
	catalog_query("UPDATE relations.morph_type t SET created_index = NULL"
				  " FROM pg_catalog.pg_class c"
				  " WHERE c.oid = t.model AND t.created_index IS NOT NULL"
				  " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class i"
				  " WHERE i.relnamespace = c.relnamespace AND i.relname = t.created_index)",
				  0, NULL, NULL, NULL);
}

/* A column of these tables, an oid[], has another name. */
void
morph_follow_renamed_column(Datum relids, const char *old, const char *new)
{
	Oid			types[] = {OIDARRAYOID, NAMEOID, NAMEOID};
	Datum		values[] = {relids,
		DirectFunctionCall1(namein, CStringGetDatum(old)),
	DirectFunctionCall1(namein, CStringGetDatum(new))};

	catalog_query("UPDATE relations.morph_type SET"
				  " type_column = CASE type_column WHEN $2 THEN $3 ELSE type_column END,"
				  " id_columns = array_replace(id_columns, $2, $3),"
				  " foreign_key = array_replace(foreign_key, $2, $3)"
				  " WHERE model = ANY ($1)"
				  " AND $2 = ANY (foreign_key || id_columns || type_column)",
				  3, types, values, NULL);
	catalog_query("UPDATE relations.morph_type SET local_key = array_replace(local_key, $2, $3)"
				  " WHERE related = ANY ($1) AND $2 = ANY (local_key)",
				  3, types, values, NULL);
	catalog_query("UPDATE relations.relation SET"
				  " created_columns = array_replace(created_columns, $2, $3)"
				  " WHERE kind = 'morph_to' AND model = ANY ($1) AND $2 = ANY (created_columns)",
				  3, types, values, NULL);
}

/* A constraint or an index of a table has another name. */
void
morph_follow_renamed_constraint(Oid relid, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, NAMEOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(relid),
		DirectFunctionCall1(namein, CStringGetDatum(old)),
	DirectFunctionCall1(namein, CStringGetDatum(new))};

	catalog_query("UPDATE relations.morph_type SET"
				  " constraint_name = CASE constraint_name WHEN $2 THEN $3 ELSE constraint_name END,"
				  " check_name = CASE check_name WHEN $2 THEN $3 ELSE check_name END,"
				  " created_index = CASE created_index WHEN $2 THEN $3 ELSE created_index END"
				  " WHERE model = $1 AND $2 IN (constraint_name, check_name, created_index)",
				  3, types, values, NULL);
}

/* A value of an enum has another name, which a type may be called by. */
void
morph_follow_renamed_value(Oid enum_type, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, TEXTOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(enum_type), CStringGetTextDatum(old), CStringGetTextDatum(new)};

	catalog_query("UPDATE relations.morph_type t SET type = $3"
				  " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid"
				  " WHERE a.attrelid = t.model AND a.attname = t.type_column"
				  " AND $1 IN (y.oid, y.typbasetype) AND t.type = $2", 3, types, values, NULL);
}
