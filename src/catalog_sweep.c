/*
 * catalog_sweep.c
 *	  Delete rows of the catalog whose tables do not exist.
 *
 * PostgreSQL drops temporary tables at the end of their session, or of their
 * transaction, and fires no event trigger.  The rows that mention them are
 * deleted here instead: before the next declaration of any session, and after
 * the next DDL command that the catalog follows.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/guc.h"

#include "catalog_sweep.h"
#include "catalog_write.h"
#include "ddl_filter.h"
#include "follow.h"
#include "morph_watch.h"

/* SQL: rows of relations that mention one of the tables $1; %s is how to lock them */
#define SQL_DELETE_RELATIONS \
	"WITH hit AS (SELECT r.model, r.relation FROM relations.relation r" \
	" WHERE r.model = ANY ($1) OR r.related = ANY ($1) OR r.through = ANY ($1) OR r.pivot_table = ANY ($1)" \
	" FOR UPDATE%s)," \
	" gone AS (DELETE FROM relations.relation r USING hit h" \
	" WHERE (h.model, h.relation) = (r.model, r.relation) RETURNING r.model, r.relation)" \
	" SELECT g.relation, COALESCE(d.name, c.relname::pg_catalog.text, g.model::pg_catalog.oid::pg_catalog.text)" \
	" FROM gone g LEFT JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) d (objid, name) ON d.objid = g.model" \
	" LEFT JOIN pg_catalog.pg_class c ON c.oid = g.model ORDER BY 2, 1"

/* SQL: the same of other tables of the catalog */
static const char *const statements[] = {
	"DELETE FROM relations.graph_view WHERE view IN (SELECT v.view FROM relations.graph_view v"
	" WHERE v.view = ANY ($1) OR v.model = ANY ($1) FOR UPDATE%s)",
	"DELETE FROM relations.model WHERE model IN (SELECT m.model FROM relations.model m"
	" WHERE m.model = ANY ($1) FOR UPDATE%s)",
	"DELETE FROM relations.factory WHERE model IN (SELECT f.model FROM relations.factory f"
	" WHERE f.model = ANY ($1) FOR UPDATE%s)",
	"DELETE FROM relations.factory_state WHERE (model, state) IN (SELECT s.model, s.state"
	" FROM relations.factory_state s WHERE s.model = ANY ($1) FOR UPDATE%s)",
};

/*
 * Delete all rows that mention one of these tables, and relations that cannot
 * do without.  Raise a notice for each relation; names has the names of the
 * tables, or is NIL.  Unless wait is true, a row that another transaction has
 * locked is left to the next sweep.
 */
void
catalog_delete_tables(List *relids, List *names, bool wait)
{
	Oid			types[] = {OIDARRAYOID, TEXTARRAYOID};
	Datum		values[2];
	Datum	   *elems = palloc(sizeof(Datum) * list_length(relids));
	const char *locking = wait ? "" : " SKIP LOCKED";
	ListCell   *lc;

	foreach(lc, relids)
		elems[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = PointerGetDatum(construct_array(elems, list_length(relids), OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	foreach(lc, names)
		elems[foreach_current_index(lc)] = CStringGetTextDatum(lfirst(lc));
	values[1] = PointerGetDatum(construct_array(elems, list_length(names), TEXTOID,
												-1, false, TYPALIGN_INT));
	foreach(lc, catalog_strings(psprintf(SQL_DELETE_RELATIONS, locking), 2, types, values))
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on", row[0], row[1])));
	}
	for (int i = 0; i < (int) lengthof(statements); i++)
		catalog_query(psprintf(statements[i], locking), 1, types, values, NULL);
	morph_follow_dropped_tables(values[0], locking);
}

/*
 * Delete rows of tables that do not exist, and store what rows could not follow
 * before.  The second and later calls of a transaction do nothing.
 */
void
catalog_sweep(void)
{
	static LocalTransactionId swept_in = InvalidLocalTransactionId;
	List	   *missing;
	int			level;

	if (swept_in == CURRENT_LXID)
		return;
	swept_in = CURRENT_LXID;
	follow_pending_changes();
	missing = catalog_missing_tables();
	if (missing == NIL)
		return;
	/* nobody waits for news of a temporary table */
	level = NewGUCNestLevel();
	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	catalog_delete_tables(missing, NIL, false);
	AtEOXact_GUC(false, level);
}
