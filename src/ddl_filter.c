/*
 * ddl_filter.c
 *	  Find out whether DDL concerns a table that the catalog mentions.
 *
 * The event triggers are called for every DROP and every ALTER TABLE in the
 * database, and most of these concern tables that have nothing to do with this
 * extension.  They must cost next to nothing.  Two facts make that possible:
 *
 *	1. Each session has the set of all tables that rows of the catalog mention.
 *	   A change of a catalog table invalidates the set, by way of the relcache
 *	   invalidation that the triggers of the catalog tables send.  A DDL command
 *	   sees every declaration that could matter to it: a declaration locks its
 *	   tables until it commits, and the command processes invalidations when it
 *	   locks its table.
 *
 *	2. The object access hook is called for every object that is dropped or
 *	   altered, also by CASCADE, and also for columns of inheriting tables.  It
 *	   looks them up in the set.  This is much cheaper than asking
 *	   pg_event_trigger_dropped_objects() afterwards.
 *
 * The hook exists only in sessions that have loaded the library.  So its answer
 * counts from the first transaction that begins afterwards, and only while no
 * other module has put a hook in front of it; otherwise the event triggers ask
 * the server.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "storage/proc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "ddl_filter.h"
#include "invalidation.h"
#include "version.h"

#define MOST_TABLES 4
#define MOST_INDEXES 2

/* the columns of the catalog that mention tables, and indexes by their names */
static const struct
{
	const char *table;
	const char *tables[MOST_TABLES];
	const char *indexes[MOST_INDEXES];
}			mentioning[] = {
	{"relation", {"model", "related", "through", "pivot_table"}, {"created_index", "created_second_index"}},
	{"morph_type", {"model", "related"}, {"created_index"}},
	{"model", {"model"}, {NULL}},
	{"graph_view", {"view", "model"}, {NULL}},
	{"factory", {"model"}, {NULL}},
	{"factory_state", {"model"}, {NULL}},
};

#define CATALOG_TABLES ((int) lengthof(mentioning))

static HTAB *mentioned = NULL;	/* OIDs of tables */
static HTAB *mentioned_indexes = NULL;	/* NameData */
static bool mentioned_is_valid = false;
static Oid	catalog_tables[CATALOG_TABLES];
static uint64 invalidations = 0;

static object_access_hook_type previous_hook = NULL;

/* the transaction in which the hook was installed */
static LocalTransactionId hook_installed_in = InvalidLocalTransactionId;

/* the transaction in which the hook has last seen a table of the set */
static LocalTransactionId concerned_transaction = InvalidLocalTransactionId;

static void
invalidate_mentioned(Datum arg pg_attribute_unused(), Oid relid)
{
	bool		ours = relid == InvalidOid;

	for (int i = 0; i < CATALOG_TABLES; i++)
		ours = ours || catalog_tables[i] == relid;
	if (ours)
	{
		mentioned_is_valid = false;
		invalidations++;
	}
}

/* Find columns by their names; 0 for one that does not exist. */
static void
find_columns(TupleDesc desc, const char *const *columns, int n, int *attnums)
{
	for (int i = 0; i < n; i++)
		attnums[i] = columns[i] == NULL ? 0 : Max(SPI_fnumber(desc, columns[i]), 0);
}

/* Add what a table of the catalog mentions, which is open. */
static void
add_mentioned(Relation rel, const char *const *tables, const char *const *indexes)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			table_attnums[MOST_TABLES];
	int			index_attnums[MOST_INDEXES];
	SysScanDesc scan;
	HeapTuple	tup;
	bool		isnull;

	find_columns(desc, tables, MOST_TABLES, table_attnums);
	find_columns(desc, indexes, MOST_INDEXES, index_attnums);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		for (int i = 0; i < MOST_TABLES && table_attnums[i] > 0; i++)
		{
			Oid			relid = DatumGetObjectId(heap_getattr(tup, table_attnums[i], desc, &isnull));

			if (!isnull)
				(void) hash_search(mentioned, &relid, HASH_ENTER, NULL);
		}
		for (int i = 0; i < MOST_INDEXES && index_attnums[i] > 0; i++)
		{
			Datum		name = heap_getattr(tup, index_attnums[i], desc, &isnull);

			if (!isnull)
				(void) hash_search(mentioned_indexes, NameStr(*DatumGetName(name)), HASH_ENTER, NULL);
		}
	}
	systable_endscan(scan);
}

static void
build_mentioned(void)
{
	HASHCTL		ctl = {0};
	Relation	rels[CATALOG_TABLES];
	uint64		before;

	hash_destroy(mentioned);
	hash_destroy(mentioned_indexes);
	mentioned = mentioned_indexes = NULL;
	ctl.keysize = ctl.entrysize = sizeof(Oid);
	mentioned = hash_create("tables that the catalog of relations mentions", 256, &ctl,
							HASH_ELEM | HASH_BLOBS);
	ctl.keysize = ctl.entrysize = sizeof(NameData);
	mentioned_indexes = hash_create("indexes that the catalog of relations mentions", 256, &ctl,
									HASH_ELEM | HASH_STRINGS);
	/* no invalidation arrives once all tables are open */
	for (int i = 0; i < CATALOG_TABLES; i++)
		rels[i] = table_open(catalog_tables[i], AccessShareLock);
	before = invalidations;
	for (int i = 0; i < CATALOG_TABLES; i++)
		add_mentioned(rels[i], mentioning[i].tables, mentioning[i].indexes);
	for (int i = 0; i < CATALOG_TABLES; i++)
		table_close(rels[i], AccessShareLock);
	mentioned_is_valid = invalidations == before;
}

/*
 * Return whether the catalog mentions any table.  It does not before a restore
 * has loaded the catalog, while DROP EXTENSION removes it, and until ALTER
 * EXTENSION UPDATE has reached the version of the library.
 */
bool
catalog_mentions_tables(void)
{
	static bool registered = false;

	if (creating_extension && !version_fits())
		return false;
	if (!mentioned_is_valid)
	{
		if (!registered)
		{
			call_when_table_changed(invalidate_mentioned);
			registered = true;
		}
		for (int i = 0; i < CATALOG_TABLES; i++)
		{
			catalog_tables[i] = catalog_find_table(mentioning[i].table);
			if (!OidIsValid(catalog_tables[i]))
				return false;
		}
		build_mentioned();
	}
	return hash_get_num_entries(mentioned) > 0;
}

/* Return whether a row of the catalog mentions this table. */
bool
catalog_mentions(Oid relid)
{
	return catalog_mentions_tables() && hash_search(mentioned, &relid, HASH_FIND, NULL) != NULL;
}

/* Return the tables that the catalog mentions and that do not exist, as a list of OIDs. */
List *
catalog_missing_tables(void)
{
	HASH_SEQ_STATUS status;
	Oid		   *relid;
	List	   *result = NIL;

	if (!catalog_mentions_tables())
		return NIL;
	hash_seq_init(&status, mentioned);
	while ((relid = hash_seq_search(&status)) != NULL)
	{
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(*relid)))
			result = lappend_oid(result, *relid);
	}
	return result;
}

/* Return the tables of a schema that the catalog mentions, as a list of OIDs. */
List *
catalog_mentioned_in(Oid nspid)
{
	HASH_SEQ_STATUS status;
	Oid		   *relid;
	List	   *result = NIL;

	if (!catalog_mentions_tables())
		return NIL;
	hash_seq_init(&status, mentioned);
	while ((relid = hash_seq_search(&status)) != NULL)
	{
		if (get_rel_namespace(*relid) == nspid)
			result = lappend_oid(result, *relid);
	}
	return result;
}

/* Return whether a row of the catalog mentions an index of this name. */
bool
catalog_mentions_index(const char *name)
{
	return catalog_mentions_tables() && hash_search(mentioned_indexes, name, HASH_FIND, NULL) != NULL;
}

/*
 * Return whether an object may belong to a table that the catalog mentions.
 * This runs in the middle of any DDL command, and so does not read the catalog:
 * while the set is invalid, every object may.
 */
static bool
may_concern(Oid classid, Oid objid, int subid)
{
	Oid			relid = InvalidOid;

	if (!mentioned_is_valid)
		return true;
	if (hash_get_num_entries(mentioned) == 0)
		return false;
	if (classid == RelationRelationId)
	{
		char		relkind = subid == 0 ? get_rel_relkind(objid) : '\0';

		relid = objid;
		if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			relid = IndexGetRelation(objid, true);
	}
	else if (classid == ConstraintRelationId)
	{
		HeapTuple	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(objid));

		if (HeapTupleIsValid(tup))
		{
			relid = ((Form_pg_constraint) GETSTRUCT(tup))->conrelid;
			ReleaseSysCache(tup);
		}
	}
	/* the look-ups may have processed invalidations */
	return !mentioned_is_valid ||
		(OidIsValid(relid) && hash_search(mentioned, &relid, HASH_FIND, NULL) != NULL);
}

static void
watch_access(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	if (previous_hook != NULL)
		previous_hook(access, classid, objid, subid, arg);
	if ((access == OAT_DROP || access == OAT_POST_ALTER) &&
		concerned_transaction != CURRENT_LXID && may_concern(classid, objid, subid))
		concerned_transaction = CURRENT_LXID;
}

/*
 * Return whether a command of this transaction may have dropped or altered a
 * table that the catalog mentions, or something that belongs to one.
 */
bool
transaction_concerns_catalog(void)
{
	return object_access_hook != watch_access ||
		hook_installed_in == CURRENT_LXID || concerned_transaction == CURRENT_LXID;
}

/* Install the hook; called when the library is loaded. */
void
ddl_filter_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = watch_access;
	if (MyProc != NULL)
		hook_installed_in = CURRENT_LXID;
}
