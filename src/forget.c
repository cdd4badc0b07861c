/*
 * forget.c
 *	  forget: the catalog is told of a table, or of a column, that has gone.
 *
 * The event triggers do so when it goes; this is for what went while they did
 * not fire.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "check.h"
#include "morph_watch.h"

PG_FUNCTION_INFO_V1(relations_forget);

static void
notice_gone(const char *relation, Oid model)
{
	ereport(NOTICE,
			(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on",
					relation, model_name(model))));
}

/* All rows of the catalog that name a table. */
static void
forget_table(Oid relid)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(relid)};
	const char *const statements[] = {
		"DELETE FROM relations.graph_view WHERE $1 IN (view, model)",
		"DELETE FROM relations.model WHERE model = $1",
		"DELETE FROM relations.factory WHERE model = $1",
		"DELETE FROM relations.factory_state WHERE model = $1",
		"DELETE FROM relations.morph_type WHERE $1 IN (model, related)",
	};
	ListCell   *lc;

	foreach(lc, catalog_strings("DELETE FROM relations.relation"
								" WHERE $1 IN (model, related, through, pivot_table)"
								" RETURNING relation, model::pg_catalog.oid", 1, types, values))
		notice_gone(((char **) lfirst(lc))[0], atooid(((char **) lfirst(lc))[1]));
	for (int i = 0; i < (int) lengthof(statements); i++)
		catalog_query(statements[i], 1, types, values, NULL);
	morph_drop_relations_without_type();
}

/* Does a step of a relation go by a column of a table? */
static bool
has_key(const RelationDesc *desc, Oid relid, const char *column)
{
	for (int i = 0; i < desc->nsteps; i++)
	{
		const RelationStep *step = &desc->steps[i];

		if ((STEP_CHILD(step) == relid && list_has_name(step->foreign_key, column)) ||
			(STEP_PARENT(step) == relid && list_has_name(step->local_key, column)))
			return true;
	}
	return false;
}

/* Relations whose key it was go, what only shows or keeps it goes on without. */
static void
forget_column(Oid relid, const char *column)
{
	Oid			types[] = {OIDOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(relid), DirectFunctionCall1(namein, CStringGetDatum(column))};
	const char *const statements[] = {
		"UPDATE relations.relation SET pivot_columns = NULLIF(pg_catalog.array_remove("
		"CASE WHEN pivot_timestamps AND $2 IN ('created_at', 'updated_at')"
		" THEN pivot_columns || '{created_at,updated_at}'::pg_catalog.name[] ELSE pivot_columns END, $2), '{}'),"
		" pivot_timestamps = pivot_timestamps AND $2 NOT IN ('created_at', 'updated_at')"
		" WHERE pivot_table = $1 AND ($2 = ANY (pivot_columns)"
		" OR (pivot_timestamps AND $2 IN ('created_at', 'updated_at')))",
		"UPDATE relations.relation SET touch = NULLIF(touch, $2), counter_cache = NULLIF(counter_cache, $2)"
		" WHERE related = $1 AND $2 IN (touch, counter_cache)",
		"UPDATE relations.model SET hidden = NULLIF(pg_catalog.array_remove(hidden, $2), '{}'),"
		" primary_key = CASE WHEN $2 = ANY (primary_key) THEN NULL ELSE primary_key END"
		" WHERE model = $1 AND $2 = ANY (primary_key || hidden)",
		"DELETE FROM relations.model WHERE model = $1 AND name IS NULL AND primary_key IS NULL AND hidden IS NULL"
		" AND $2 IS NOT NULL",
		"UPDATE relations.factory SET definition = definition - $2::pg_catalog.text"
		" WHERE model = $1 AND definition ? $2::pg_catalog.text",
		"UPDATE relations.factory_state SET definition = definition - $2::pg_catalog.text"
		" WHERE model = $1 AND definition ? $2::pg_catalog.text",
		"DELETE FROM relations.morph_type WHERE (model = $1 AND $2 = ANY (foreign_key || id_columns || type_column))"
		" OR (related = $1 AND $2 = ANY (local_key))",
	};
	ListCell   *lc;

	foreach(lc, list_concat(list_concat(catalog_relations_of(relid), catalog_relations_to(relid)),
							catalog_relations_via(relid)))
	{
		RelationDesc *desc = lfirst(lc);

		if (!has_key(desc, relid, column) || catalog_find_relation(desc->model, desc->name) == NULL)
			continue;
		catalog_delete_relation(desc->model, desc->name);
		notice_gone(desc->name, desc->model);
	}
	for (int i = 0; i < (int) lengthof(statements); i++)
		catalog_query(statements[i], 2, types, values, NULL);
	morph_drop_relations_without_type();
}

/*
 * SQL: forget(table, column).  What is said of a table that does not exist
 * anybody may take away; of a column, the owner of the table.  Raises
 * object_in_use for what is there, insufficient_privilege.
 */
Datum
relations_forget(PG_FUNCTION_ARGS)
{
	Oid			relid;
	char	   *column;

	require_argument(fcinfo, 0, "table");
	relid = PG_GETARG_OID(0);
	column = PG_ARGISNULL(1) ? NULL : NameStr(*PG_GETARG_NAME(1));
	if (!table_exists(relid))
	{
		forget_table(relid);
		PG_RETURN_VOID();
	}
	require_owner(relid);
	if (column == NULL || get_attnum(relid, column) != InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 column == NULL ? errmsg("\"%s\" exists", model_name(relid))
				 : errmsg("column \"%s\" of \"%s\" exists", column, model_name(relid)),
				 errdetail("Only what has gone is forgotten."),
				 errhint("Use relations.drop_relation for a relation that is no longer wanted.")));
	lock_models(list_make1_oid(relid));
	forget_column(relid, column);
	PG_RETURN_VOID();
}
