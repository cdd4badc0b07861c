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

#include "catalog_sweep.h"
#include "catalog_write.h"
#include "ddl_filter.h"

/*
 * The statements, in which $1 is the OIDs of missing tables.  A row that
 * another transaction has locked is left to the next sweep.
 */
static const char *const statements[] = {
	"DELETE FROM relations.relation WHERE (model, relation) IN ("
	"SELECT r.model, r.relation FROM relations.relation r"
	" WHERE r.model = ANY ($1) OR r.related = ANY ($1) OR r.through = ANY ($1) OR r.pivot_table = ANY ($1)"
	" FOR UPDATE SKIP LOCKED)",
	"DELETE FROM relations.morph_type WHERE (model, morph, type) IN ("
	"SELECT t.model, t.morph, t.type FROM relations.morph_type t"
	" WHERE t.model = ANY ($1) OR t.related = ANY ($1) FOR UPDATE SKIP LOCKED)",
	"DELETE FROM relations.model WHERE model IN ("
	"SELECT m.model FROM relations.model m WHERE m.model = ANY ($1) FOR UPDATE SKIP LOCKED)",
	"DELETE FROM relations.graph_view WHERE view IN ("
	"SELECT v.view FROM relations.graph_view v WHERE v.view = ANY ($1) OR v.model = ANY ($1)"
	" FOR UPDATE SKIP LOCKED)",
	"DELETE FROM relations.factory WHERE model IN ("
	"SELECT f.model FROM relations.factory f WHERE f.model = ANY ($1) FOR UPDATE SKIP LOCKED)",
	"DELETE FROM relations.factory_state WHERE (model, state) IN ("
	"SELECT s.model, s.state FROM relations.factory_state s WHERE s.model = ANY ($1)"
	" FOR UPDATE SKIP LOCKED)",
};

/* Delete such rows; the second and later calls of a transaction do nothing. */
void
catalog_sweep(void)
{
	static LocalTransactionId swept_in = InvalidLocalTransactionId;
	List	   *missing;
	Oid			types[] = {OIDARRAYOID};
	Datum		values[1];
	Datum	   *elems;
	ListCell   *lc;

	if (swept_in == CURRENT_LXID)
		return;
	swept_in = CURRENT_LXID;
	missing = catalog_missing_tables();
	if (missing == NIL)
		return;
	elems = palloc(sizeof(Datum) * list_length(missing));
	foreach(lc, missing)
		elems[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = PointerGetDatum(construct_array(elems, list_length(missing), OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	for (int i = 0; i < (int) lengthof(statements); i++)
		catalog_query(statements[i], 1, types, values, NULL);
}
