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
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"

#include "placement.h"
#include "table_lock.h"

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

/* Return the number of partitions of a table, on all levels. */
int
count_partitions(Oid relid)
{
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return 0;
	return list_length(find_all_inheritors(relid, NoLock, NULL)) - 1;
}

/* Do values of these columns (names) choose a partition of a partitioned table? */
bool
columns_choose_partition(Oid relid, List *columns)
{
	Relation	rel = peek_table(relid);
	PartitionKey key = RelationGetPartitionKey(rel);
	/* a hash needs all columns; of a range the first one is enough to leave partitions out */
	int			needed = key == NULL ? 0 : key->strategy == PARTITION_STRATEGY_HASH ? key->partnatts : 1;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	attnum = get_attnum(relid, lfirst(lc));

		for (int i = 0; i < needed; i++)
		{
			if (key->partattrs[i] == attnum && attnum > 0)
				n++;
		}
	}
	RelationClose(rel);
	return needed > 0 && n >= needed;
}
