/*
 * discover.c
 *	  The relations that existing foreign keys imply.
 *
 * Each foreign key implies two relations: its table belongs to the one that it
 * points to, which has one or many of the other.  A table that is two foreign
 * keys, and nothing that must be filled, is a pivot too: it implies a
 * many_to_many in both directions.  Names are chosen in discover_names.c.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "discover.h"
#include "pivot.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_discover);

/* ---------------------------------------------------------------------
 * Foreign keys
 * ---------------------------------------------------------------------
 */

/* May the caller read some column of a table, and use its schema? */
static bool
may_read(Oid relid)
{
	return may_lock_table(relid, AccessShareLock) &&
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK);
}

/*
 * Does a foreign key stand on columns that a polymorphic reference generated?
 * Its type's row is the relation, and those columns are nobody's business.
 */
static bool
is_of_morph_type(List *types, ForeignKey *fk)
{
	ListCell   *lc;

	foreach(lc, types)
	{
		if (same_columns(((MorphType *) lfirst(lc))->foreign_key, fk->child_columns))
			return true;
	}
	return false;
}

/*
 * Return the foreign keys of the tables of a schema that the caller may read,
 * without those that say the same as another one.  Their order depends on names
 * only: those of one table stand together, those of few columns first, for they
 * give the shortest names.
 */
static List *
foreign_keys_of_schema(Discovery *discovery, Oid nspid)
{
	MemoryContext caller = CurrentMemoryContext;
	BytesTable *seen = bytes_table_create();
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
	Oid			child = InvalidOid;
	List	   *morph_types = NIL;
	List	   *result = NIL;
	int			rc;

	SPI_connect();
	rc = SPI_execute_with_args("SELECT c.oid FROM pg_catalog.pg_constraint c"
							   " JOIN pg_catalog.pg_class t ON t.oid = c.conrelid"
							   " WHERE c.contype = 'f' AND c.conparentid = 0"
							   " AND t.relnamespace = $1"
							   " ORDER BY t.relname, pg_catalog.cardinality(c.conkey), c.conkey, c.conname",
							   1, types, values, NULL, true, 0);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		bool		found;
		Datum		conoid = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(caller);
		ForeignKey *fk = isnull ? NULL : get_foreign_key(DatumGetObjectId(conoid));

		CHECK_FOR_INTERRUPTS();
		if (fk != NULL && may_read(fk->child) && may_read(fk->parent))
		{
			if (fk->child != child)
				morph_types = catalog_morph_types(fk->child, NULL);
			child = fk->child;
			key_start(&discovery->key, fk->child);
			key_add_oid(&discovery->key, fk->parent);
			key_add_pairs(&discovery->key, fk->child_columns, fk->parent_columns);
			(void) bytes_table_enter(seen, &discovery->key, &found);
			if (!found && !is_of_morph_type(morph_types, fk))
				result = lappend(result, fk);
		}
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/* ---------------------------------------------------------------------
 * What is registered
 * ---------------------------------------------------------------------
 */

/*
 * Put the key of a relation of one step into discovery->key.  A relation that
 * was declared as has_many is that, though the foreign key be unique.
 */
static void
step_key(Discovery *discovery, Oid model, Oid related, bool belongs,
		 List *foreign_key, List *local_key)
{
	key_start(&discovery->key, model);
	key_add_oid(&discovery->key, related);
	key_add_name(&discovery->key, belongs ? "belongs" : "has");
	key_add_pairs(&discovery->key, foreign_key, local_key);
}

/* Put the key of a relation through a pivot into discovery->key. */
static void
pivot_key(Discovery *discovery, Oid model, Oid related, Oid pivot,
		  List *foreign_key, List *local_key, List *related_foreign_key, List *related_key)
{
	key_start(&discovery->key, model);
	key_add_oid(&discovery->key, related);
	key_add_name(&discovery->key, "through");
	key_add_oid(&discovery->key, pivot);
	key_add_pairs(&discovery->key, foreign_key, local_key);
	key_add_pairs(&discovery->key, related_foreign_key, related_key);
}

/*
 * Put the key of a declared relation into discovery->key.  Returns false for a
 * relation that no foreign key implies.
 */
static bool
declared_key(Discovery *discovery, RelationDesc *desc)
{
	if (desc->scope != NULL)
		return false;
	switch (desc->kind)
	{
		case RELATION_BELONGS_TO:
		case RELATION_HAS_ONE:
		case RELATION_HAS_MANY:
			step_key(discovery, desc->model, desc->related, desc->kind == RELATION_BELONGS_TO,
					 desc->foreign_key, desc->local_key);
			return true;
		case RELATION_MANY_TO_MANY:
			pivot_key(discovery, desc->model, desc->related, desc->via,
					  desc->steps[0].foreign_key, desc->steps[0].local_key,
					  desc->steps[1].foreign_key, desc->steps[1].local_key);
			return true;
		default:
			return false;
	}
}

/* Read the relations of a model, and take the names of these and of its columns. */
static void
load_model(Discovery *discovery, Oid model)
{
	bool		found;
	Relation	rel = try_peek_table(model);
	ListCell   *lc;

	for (int i = 0; rel != NULL && i < RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped)
			discovery_take_name(discovery, model, NameStr(att->attname));
	}
	if (rel != NULL)
		RelationClose(rel);
	foreach(lc, catalog_relations_of(model))
	{
		RelationDesc *desc = lfirst(lc);
		void	  **value;

		discovery_take_name(discovery, model, desc->name);
		if (!declared_key(discovery, desc))
			continue;
		value = bytes_table_enter(discovery->registered, &discovery->key, &found);
		if (!found)
			*value = desc;
	}
}

/*
 * A registered relation keeps its name and what it was declared as.  The key of
 * the relation is in discovery->key.
 */
static void
take_registered(Discovery *discovery, Implied *implied)
{
	RelationDesc *registered = bytes_table_find(discovery->registered, &discovery->key);

	if (registered == NULL)
		return;
	implied->registered = true;
	implied->row.name = registered->name;
	implied->row.kind = registered->kind;
}

/* ---------------------------------------------------------------------
 * Relations of one step
 * ---------------------------------------------------------------------
 */

static Implied *
make_implied(Discovery *discovery, ForeignKey *fk, RelationKind kind, bool alone)
{
	Implied    *implied = palloc0(sizeof(Implied));

	implied->fk = fk;
	implied->alone = alone;
	implied->row.kind = kind;
	implied->row.model = kind == RELATION_BELONGS_TO ? fk->child : fk->parent;
	implied->row.related = kind == RELATION_BELONGS_TO ? fk->parent : fk->child;
	implied->row.foreign_key = fk->child_columns;
	implied->row.local_key = fk->parent_columns;
	implied->row.enforce = true;
	implied->row.validate = fk->validated;
	implied->row.constraint_name = fk->name;
	step_key(discovery, implied->row.model, implied->row.related, kind == RELATION_BELONGS_TO,
			 implied->row.foreign_key, implied->row.local_key);
	take_registered(discovery, implied);
	return implied;
}

/* Put two tables into discovery->key, in their order. */
static void
tables_key(Discovery *discovery, Oid a, Oid b)
{
	key_start(&discovery->key, a);
	key_add_oid(&discovery->key, b);
}

/* Count what joins two tables, which are in discovery->key. */
static void
count_joins(Discovery *discovery, BytesTable *joins)
{
	bool		found;
	void	  **count = bytes_table_enter(joins, &discovery->key, &found);

	*count = (void *) ((intptr_t) *count + 1);
}

/* Is what joins the two tables in discovery->key the only one? */
static bool
joins_alone(Discovery *discovery, BytesTable *joins)
{
	return (intptr_t) bytes_table_find(joins, &discovery->key) == 1;
}

/* The relations of one step that foreign keys imply. */
static List *
implied_by(Discovery *discovery, List *foreign_keys)
{
	BytesTable *joins = bytes_table_create();
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		tables_key(discovery, ((ForeignKey *) lfirst(lc))->child, ((ForeignKey *) lfirst(lc))->parent);
		count_joins(discovery, joins);
	}
	for (int inverse = 0; inverse < 2; inverse++)
	{
		foreach(lc, foreign_keys)
		{
			ForeignKey *fk = lfirst(lc);
			RelationKind kind = RELATION_BELONGS_TO;
			bool		alone;

			CHECK_FOR_INTERRUPTS();
			tables_key(discovery, fk->child, fk->parent);
			alone = joins_alone(discovery, joins);
			if (inverse == 1)
				kind = find_unique(fk->child, fk->child_columns) != NULL
					? RELATION_HAS_ONE : RELATION_HAS_MANY;
			result = lappend(result, make_implied(discovery, fk, kind, alone));
		}
	}
	return result;
}

/* ---------------------------------------------------------------------
 * Pivots
 * ---------------------------------------------------------------------
 */

/* A table between two others. */
typedef struct TablePivot
{
	ForeignKey *keys[2];
} TablePivot;

/* Are all the columns among others, which are more? */
static bool
is_part_of(List *columns, List *others)
{
	ListCell   *lc;

	if (list_length(columns) >= list_length(others))
		return false;
	foreach(lc, columns)
	{
		if (!list_has_name(others, lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Return the pivot that a table is, with its foreign keys in their order, or
 * NULL: it has more foreign keys than two or less, one of them leads to itself
 * or is unique, or a row needs more than them.  A foreign key whose columns are
 * some of another's, such as a tenant's, does not count.  The foreign keys are
 * those from first to last of the list.
 */
static TablePivot *
pivot_of(List *foreign_keys, int first, int last)
{
	ForeignKey *keys[2];
	TablePivot *pivot;
	Oid			relid = ((ForeignKey *) list_nth(foreign_keys, first))->child;
	int			n = 0;

	/* those of many columns come last: what counts is known before its parts */
	for (int i = last; i >= first; i--)
	{
		ForeignKey *fk = list_nth(foreign_keys, i);

		if ((n > 0 && is_part_of(fk->child_columns, keys[0]->child_columns)) ||
			(n > 1 && is_part_of(fk->child_columns, keys[1]->child_columns)))
			continue;
		if (n == 2)
			return NULL;
		keys[n++] = fk;
	}
	if (n < 2 || same_columns(keys[0]->child_columns, keys[1]->child_columns) ||
		find_unique(relid, keys[0]->child_columns) != NULL ||
		find_unique(relid, keys[1]->child_columns) != NULL ||
		!needs_nothing_else(relid, list_concat_copy(keys[0]->child_columns, keys[1]->child_columns)))
		return NULL;
	pivot = palloc(sizeof(TablePivot));
	pivot->keys[0] = keys[1];
	pivot->keys[1] = keys[0];
	return pivot;
}

/* The tables that foreign keys lead to, as a hash table of OIDs. */
static HTAB *
referenced_tables(List *foreign_keys)
{
	HASHCTL		ctl = {0};
	HTAB	   *result;
	ListCell   *lc;

	ctl.keysize = ctl.entrysize = sizeof(Oid);
	ctl.hcxt = CurrentMemoryContext;
	result = hash_create("relations referenced tables", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, foreign_keys)
		(void) hash_search(result, &((ForeignKey *) lfirst(lc))->parent, HASH_ENTER, NULL);
	return result;
}

/*
 * Return the tables that are pivots, in the order of their foreign keys, without
 * those that many_to_many would use only if they were named.  A table to whose
 * rows others refer is more than a link.
 */
static List *
pivots_among(List *foreign_keys)
{
	HTAB	   *referenced = referenced_tables(foreign_keys);
	List	   *result = NIL;
	int			last;

	for (int first = 0; first < list_length(foreign_keys); first = last + 1)
	{
		Oid			relid = ((ForeignKey *) list_nth(foreign_keys, first))->child;
		TablePivot *pivot;

		CHECK_FOR_INTERRUPTS();
		for (last = first; last + 1 < list_length(foreign_keys) &&
			 ((ForeignKey *) list_nth(foreign_keys, last + 1))->child == relid;)
			last++;
		if (last == first || hash_search(referenced, &relid, HASH_FIND, NULL) != NULL)
			continue;
		pivot = pivot_of(foreign_keys, first, last);
		if (pivot != NULL && (may_adopt_pivot(relid, pivot->keys[0]->parent) ||
							  may_adopt_pivot(relid, pivot->keys[1]->parent)))
			result = lappend(result, pivot);
	}
	hash_destroy(referenced);
	return result;
}

static Implied *
make_many_to_many(Discovery *discovery, ForeignKey *fk, ForeignKey *related_fk, bool alone)
{
	Implied    *implied = palloc0(sizeof(Implied));

	implied->fk = fk;
	implied->related_fk = related_fk;
	implied->alone = alone;
	implied->row.kind = RELATION_MANY_TO_MANY;
	implied->row.model = fk->parent;
	implied->row.related = related_fk->parent;
	implied->row.local_key = fk->parent_columns;
	implied->row.related_key = related_fk->parent_columns;
	implied->row.pivot_table = fk->child;
	implied->row.pivot_foreign_key = fk->child_columns;
	implied->row.pivot_related_foreign_key = related_fk->child_columns;
	implied->row.enforce = true;
	implied->row.validate = fk->validated && related_fk->validated;
	implied->row.constraint_name = fk->name;
	implied->row.related_constraint_name = related_fk->name;
	pivot_key(discovery, implied->row.model, implied->row.related, implied->row.pivot_table,
			  implied->row.pivot_foreign_key, implied->row.local_key,
			  implied->row.pivot_related_foreign_key, implied->row.related_key);
	take_registered(discovery, implied);
	return implied;
}

/* Put the two tables that a pivot joins into discovery->key, in whatever order. */
static void
joined_key(Discovery *discovery, const TablePivot *pivot)
{
	Oid			a = pivot->keys[0]->parent;
	Oid			b = pivot->keys[1]->parent;

	tables_key(discovery, Min(a, b), Max(a, b));
}

/* The relations through pivots that foreign keys imply, in both directions. */
static List *
implied_by_pivots(Discovery *discovery, List *foreign_keys)
{
	List	   *pivots = pivots_among(foreign_keys);
	BytesTable *joins = bytes_table_create();
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, pivots)
	{
		joined_key(discovery, lfirst(lc));
		count_joins(discovery, joins);
	}
	foreach(lc, pivots)
	{
		TablePivot *pivot = lfirst(lc);
		bool		alone;

		joined_key(discovery, pivot);
		alone = joins_alone(discovery, joins);
		for (int i = 0; i < 2; i++)
		{
			if (may_adopt_pivot(pivot->keys[i]->child, pivot->keys[i]->parent))
				result = lappend(result, make_many_to_many(discovery, pivot->keys[i],
														   pivot->keys[1 - i], alone));
		}
	}
	return result;
}

/* ---------------------------------------------------------------------
 * discover
 * ---------------------------------------------------------------------
 */

static int
compare_implied(const ListCell *a, const ListCell *b)
{
	const Implied *one = lfirst(a);
	const Implied *other = lfirst(b);
	int			cmp = strcmp(one->sort_key, other->sort_key);

	return cmp != 0 ? cmp : strcmp(one->row.name, other->row.name);
}

/* Read what is known of the models of foreign keys: the tables on both sides. */
static void
load_models(Discovery *discovery, List *foreign_keys)
{
	HTAB	   *loaded = referenced_tables(foreign_keys);
	HASH_SEQ_STATUS status;
	ListCell   *lc;
	Oid		   *relid;

	foreach(lc, foreign_keys)
		(void) hash_search(loaded, &((ForeignKey *) lfirst(lc))->child, HASH_ENTER, NULL);
	hash_seq_init(&status, loaded);
	while ((relid = hash_seq_search(&status)) != NULL)
		load_model(discovery, *relid);
	hash_destroy(loaded);
}

/*
 * Return all relations that the foreign keys of a schema imply, named, in the
 * order of their models' and their own names.
 */
static List *
discover_schema(Oid nspid)
{
	Discovery	discovery;
	HASHCTL		ctl = {0};
	List	   *foreign_keys;
	List	   *all;

	initStringInfo(&discovery.key);
	discovery.registered = bytes_table_create();
	discovery.names = bytes_table_create();
	discovery.stems = bytes_table_create();
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(DiscoveredModel);
	ctl.hcxt = CurrentMemoryContext;
	discovery.models = hash_create("relations discovered models", 256, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreign_keys = foreign_keys_of_schema(&discovery, nspid);
	load_models(&discovery, foreign_keys);
	/* names are given in this order: one step first */
	all = list_concat(implied_by(&discovery, foreign_keys), implied_by_pivots(&discovery, foreign_keys));
	discovery_name(&discovery, all);
	list_sort(all, compare_implied);
	return all;
}

/* The tables of the relations that are to be registered, in no order. */
static List *
tables_to_lock(List *all)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);

		if (implied->registered)
			continue;
		relids = lappend_oid(relids, implied->row.model);
		relids = lappend_oid(relids, implied->row.related);
		if (OidIsValid(implied->row.pivot_table))
			relids = lappend_oid(relids, implied->row.pivot_table);
	}
	return relids;
}

/* Is each OID of a list in another one?  Both are sorted. */
static bool
is_contained(List *relids, List *others)
{
	int			at = 0;
	ListCell   *lc;

	foreach(lc, relids)
	{
		while (at < list_length(others) && list_nth_oid(others, at) < lfirst_oid(lc))
			at++;
		if (at == list_length(others) || list_nth_oid(others, at) != lfirst_oid(lc))
			return false;
	}
	return true;
}

/*
 * Discover the relations of a schema and lock the tables of those that are to
 * be registered.  Raises insufficient_privilege if the caller does not own one
 * of the models.
 */
static List *
discover_and_lock(Oid nspid)
{
	List	   *all = discover_schema(nspid);
	List	   *locked = NIL;

	for (;;)
	{
		List	   *relids = tables_to_lock(all);
		ListCell   *lc;

		list_sort(relids, list_oid_cmp);
		if (is_contained(relids, locked))
			return all;
		foreach(lc, all)
		{
			Implied    *implied = lfirst(lc);

			if (implied->registered)
				continue;
			require_owner(implied->row.model);
			require_access(implied->row.related);
			if (OidIsValid(implied->row.pivot_table))
				require_access(implied->row.pivot_table);
		}
		lock_models(relids);
		locked = relids;
		/* what was read before the locks may have changed */
		all = discover_schema(nspid);
	}
}

/*
 * SQL: discover(schema, register).  Without register it locks nothing.  Raises
 * undefined_schema; with register, insufficient_privilege for a model that is
 * somebody else's.
 */
Datum
relations_discover(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		register_them = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	Oid			nspid;
	List	   *all = NIL;
	ListCell   *lc;

	require_argument(fcinfo, 0, "schema");
	nspid = get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);

	/* the extension's own tables are no models */
	if (nspid != get_namespace_oid(RELATIONS_SCHEMA, false) &&
		!isOtherTempNamespace(nspid))
		all = register_them ? discover_and_lock(nspid) : discover_schema(nspid);
	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);
		HeapTuple	row = NULL;

		CHECK_FOR_INTERRUPTS();
		if (implied->registered)
			row = catalog_fetch_relation(implied->row.model, implied->row.name);
		else if (register_them)
			row = catalog_insert_relation(&implied->row);
		if (row == NULL)
			row = relation_row_tuple(&implied->row, rsinfo->setDesc);
		tuplestore_puttuple(rsinfo->setResult, row);
		heap_freetuple(row);
	}
	return (Datum) 0;
}
