/*
 * placement.c
 *	  Where the rows of a table are kept.
 *
 * A planner that is to leave partitions out, to ask another server for some
 * rows only, or to send a statement to one node wants to see the keys as
 * constants in a condition of the table itself.  A join with a table of keys,
 * which is as good for one heap, has it read everything.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "placement.h"

/* column of Citus's catalog table pg_dist_partition */
#define Anum_dist_logicalrelid	1

/*
 * Is a table one of Citus's, distributed or reference?  Where Citus is not,
 * its catalog table is not either.
 */
static bool
is_in_shards(Oid relid)
{
	Oid			catalog = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	if (!OidIsValid(catalog))
		return false;
	rel = table_open(catalog, AccessShareLock);
	ScanKeyInit(&key, Anum_dist_logicalrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Where the rows of a table are kept. */
Placement
table_placement(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == RELKIND_FOREIGN_TABLE)
		return PLACED_ELSEWHERE;
	if ((relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) && is_in_shards(relid))
		return PLACED_IN_SHARDS;
	return relkind == RELKIND_PARTITIONED_TABLE ? PLACED_IN_PARTITIONS : PLACED_HERE;
}
