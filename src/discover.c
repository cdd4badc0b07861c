/*
 * discover.c
 *	  The relations that existing foreign keys imply.
 *
 * Each foreign key implies two relations: its table belongs to the one that it
 * points to, which has one or many of the other.  A table that is two foreign
 * keys, and nothing that must be filled, is a pivot too: it implies a
 * many_to_many in both directions.  A relation that is declared already keeps
 * its name; the others are named after the column or the table, never as a
 * column of their model or as another of its relations.  The same schema always
 * gives the same names.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "inflect.h"
#include "key_resolution.h"
#include "pivot.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_discover);

/* A relation that a foreign key implies, or the two of a pivot. */
typedef struct Implied
{
	RelationRow row;
	ForeignKey *fk;				/* of a pivot: the one to the model */
	ForeignKey *related_fk;		/* of a pivot: the one to the related model */
	bool		alone;			/* nothing else joins the two tables so */
	bool		registered;		/* in the catalog, under row.name */
	char	   *sort_key;
} Implied;

/* Does the list hold a foreign key of the same columns to the same columns? */
static bool
said_before(List *foreign_keys, ForeignKey *fk)
{
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		ForeignKey *other = lfirst(lc);

		if (other->child == fk->child && other->parent == fk->parent &&
			same_pairs(other->child_columns, other->parent_columns,
					   fk->child_columns, fk->parent_columns))
			return true;
	}
	return false;
}

/* May the caller read some column of a table, and use its schema? */
static bool
may_read(Oid relid)
{
	return may_lock_table(relid, AccessShareLock) &&
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK);
}

/*
 * Return a foreign key and keep its tables as they are until the end of the
 * transaction.  Returns NULL if it was dropped, or if the caller may not read
 * one of the tables.
 */
static ForeignKey *
lock_foreign_key(Oid conoid)
{
	ForeignKey *fk = get_foreign_key(conoid);

	if (fk == NULL || !may_read(fk->child) || !may_read(fk->parent) ||
		!try_lock_table(fk->child, AccessShareLock) || !try_lock_table(fk->parent, AccessShareLock))
		return NULL;
	return get_foreign_key(conoid);
}

/*
 * Does a foreign key stand on columns that a polymorphic reference generated?
 * Its type's row is the relation, and those columns are nobody's business.
 */
static bool
is_of_morph_type(ForeignKey *fk)
{
	ListCell   *lc;

	foreach(lc, catalog_morph_types(fk->child, NULL))
	{
		if (same_columns(((MorphType *) lfirst(lc))->foreign_key, fk->child_columns))
			return true;
	}
	return false;
}

/*
 * The foreign keys of the tables of a schema, in an order that depends on
 * names only: those of few columns first, for they give the shortest names.
 */
static List *
foreign_keys_of_schema(Oid nspid)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(nspid)};
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
		Datum		conoid = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
		MemoryContext old = MemoryContextSwitchTo(caller);
		ForeignKey *fk = isnull ? NULL : lock_foreign_key(DatumGetObjectId(conoid));

		CHECK_FOR_INTERRUPTS();
		if (fk != NULL && !said_before(result, fk) && !is_of_morph_type(fk))
			result = lappend(result, fk);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/* Is a declared relation the one step that a row is? */
static bool
is_same_step(RelationDesc *desc, RelationRow *row)
{
	if (desc->kind != RELATION_BELONGS_TO && desc->kind != RELATION_HAS_ONE &&
		desc->kind != RELATION_HAS_MANY)
		return false;
	return (desc->kind == RELATION_BELONGS_TO) == (row->kind == RELATION_BELONGS_TO) &&
		same_pairs(desc->foreign_key, desc->local_key, row->foreign_key, row->local_key);
}

/* Is a declared relation the way through a pivot that a row is? */
static bool
is_same_way(RelationDesc *desc, RelationRow *row)
{
	return desc->kind == RELATION_MANY_TO_MANY && desc->via == row->pivot_table &&
		same_pairs(desc->steps[0].foreign_key, desc->steps[0].local_key,
				   row->pivot_foreign_key, row->local_key) &&
		same_pairs(desc->steps[1].foreign_key, desc->steps[1].local_key,
				   row->pivot_related_foreign_key, row->related_key);
}

/*
 * The declared relation that says what an implied one does: the same keys, in
 * the same direction, and no scope.  One that was declared as has_many is
 * that, though the foreign key be unique.  NULL when there is none.
 */
static RelationDesc *
find_registered(RelationRow *row)
{
	ListCell   *lc;

	foreach(lc, catalog_relations_of(row->model))
	{
		RelationDesc *desc = lfirst(lc);

		if (desc->related == row->related && desc->scope == NULL &&
			(row->kind == RELATION_MANY_TO_MANY ? is_same_way : is_same_step) (desc, row))
			return desc;
	}
	return NULL;
}

/* A registered relation keeps its name and what it was declared as. */
static void
take_registered(Implied *implied)
{
	RelationDesc *registered = find_registered(&implied->row);

	if (registered == NULL)
		return;
	implied->registered = true;
	implied->row.name = registered->name;
	implied->row.kind = registered->kind;
}

static Implied *
make_implied(ForeignKey *fk, RelationKind kind, bool alone)
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
	take_registered(implied);
	return implied;
}

/* The relations of one step that foreign keys imply. */
static List *
implied_by(List *foreign_keys)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *other;

	for (int inverse = 0; inverse < 2; inverse++)
	{
		foreach(lc, foreign_keys)
		{
			ForeignKey *fk = lfirst(lc);
			RelationKind kind = RELATION_BELONGS_TO;
			int			joins = 0;

			foreach(other, foreign_keys)
			{
				if (((ForeignKey *) lfirst(other))->child == fk->child &&
					((ForeignKey *) lfirst(other))->parent == fk->parent)
					joins++;
			}
			if (inverse == 1)
				kind = find_unique(fk->child, fk->child_columns) != NULL
					? RELATION_HAS_ONE : RELATION_HAS_MANY;
			result = lappend(result, make_implied(fk, kind, joins == 1));
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

	foreach(lc, columns)
	{
		if (!list_has_name(others, lfirst(lc)))
			return false;
	}
	return list_length(columns) < list_length(others);
}

/*
 * The pivot that a table is, with the foreign keys in the order given; NULL
 * when it is none: it has more foreign keys or less, one of them leads to
 * itself or is unique, a row needs more than them, or other tables refer to its
 * rows, which then are more than a link.  A foreign key whose columns are some
 * of another's, such as a tenant's, does not count.
 */
static TablePivot *
pivot_of(Oid relid, List *foreign_keys)
{
	TablePivot *pivot = palloc0(sizeof(TablePivot));
	int			n = 0;
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, foreign_keys)
	{
		ForeignKey *fk = lfirst(lc);
		bool		counts = fk->child == relid;

		if (fk->parent == relid)
			return NULL;
		foreach(other, foreign_keys)
		{
			if (counts && ((ForeignKey *) lfirst(other))->child == relid &&
				is_part_of(fk->child_columns, ((ForeignKey *) lfirst(other))->child_columns))
				counts = false;
		}
		if (!counts)
			continue;
		if (n == 2 || find_unique(relid, fk->child_columns) != NULL)
			return NULL;
		pivot->keys[n++] = fk;
	}
	if (n < 2 || same_columns(pivot->keys[0]->child_columns, pivot->keys[1]->child_columns) ||
		!needs_nothing_else(relid, list_concat_copy(pivot->keys[0]->child_columns,
													pivot->keys[1]->child_columns)))
		return NULL;
	return pivot;
}

/*
 * The tables that are pivots, in the order of their foreign keys, without those
 * that many_to_many would use only if they were named.
 */
static List *
pivots_among(List *foreign_keys)
{
	List	   *tables = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, foreign_keys)
		tables = list_append_unique_oid(tables, ((ForeignKey *) lfirst(lc))->child);
	foreach(lc, tables)
	{
		TablePivot *pivot = pivot_of(lfirst_oid(lc), foreign_keys);

		if (pivot != NULL && (may_adopt_pivot(lfirst_oid(lc), pivot->keys[0]->parent) ||
							  may_adopt_pivot(lfirst_oid(lc), pivot->keys[1]->parent)))
			result = lappend(result, pivot);
	}
	return result;
}

static Implied *
make_many_to_many(ForeignKey *fk, ForeignKey *related_fk, bool alone)
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
	take_registered(implied);
	return implied;
}

static bool
join_the_same(TablePivot *a, TablePivot *b)
{
	return (a->keys[0]->parent == b->keys[0]->parent && a->keys[1]->parent == b->keys[1]->parent) ||
		(a->keys[0]->parent == b->keys[1]->parent && a->keys[1]->parent == b->keys[0]->parent);
}

/* The relations through pivots that foreign keys imply, in both directions. */
static List *
implied_by_pivots(List *foreign_keys)
{
	List	   *pivots = pivots_among(foreign_keys);
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, pivots)
	{
		TablePivot *pivot = lfirst(lc);
		int			joins = 0;

		foreach(other, pivots)
		{
			if (join_the_same(pivot, lfirst(other)))
				joins++;
		}
		for (int i = 0; i < 2; i++)
		{
			if (may_adopt_pivot(pivot->keys[i]->child, pivot->keys[i]->parent))
				result = lappend(result, make_many_to_many(pivot->keys[i], pivot->keys[1 - i], joins == 1));
		}
	}
	return result;
}

/* ---------------------------------------------------------------------
 * Names
 * ---------------------------------------------------------------------
 */

/* Is a name free for a relation of the model? */
static bool
is_free(List *all, Implied *implied, const char *name)
{
	ListCell   *lc;

	if (name[0] == '\0' || get_attnum(implied->row.model, name) > 0 ||
		catalog_find_relation(implied->row.model, name) != NULL)
		return false;
	foreach(lc, all)
	{
		Implied    *other = lfirst(lc);

		if (other->row.model == implied->row.model && other->row.name != NULL &&
			strcmp(other->row.name, name) == 0)
			return false;
	}
	return true;
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t		length = strlen(name);
	size_t		n = strlen(ending);

	return length > n && strcmp(name + length - n, ending) == 0;
}

/*
 * What a foreign key column is called after: author for author_id, "authorId"
 * and, when it points to a column uuid, author_uuid.  The whole name when no
 * such ending is there.
 */
static char *
column_stem(const char *column, const char *key)
{
	char	   *capitalized = pstrdup(key);
	const char *endings[] = {psprintf("_%s", key), "_id", "Id", "ID", "_fk", capitalized};

	capitalized[0] = pg_toupper((unsigned char) capitalized[0]);
	for (int i = 0; i < (int) lengthof(endings); i++)
	{
		size_t		rest;

		if (!ends_with(column, endings[i]))
			continue;
		rest = strlen(column) - strlen(endings[i]);
		/* camelCase: the letter before must be a small one */
		if (endings[i][0] != '_' && !(column[rest - 1] >= 'a' && column[rest - 1] <= 'z'))
			continue;
		return pnstrdup(column, rest);
	}
	return pstrdup(column);
}

/*
 * The stem of a foreign key: of its columns the one that is called after the
 * table that it points to, else the last.
 */
static char *
foreign_key_stem(ForeignKey *fk)
{
	char	   *singular = model_singular(fk->parent);
	char	   *stem = NULL;
	ListCell   *c;
	ListCell   *p;

	forboth(c, fk->child_columns, p, fk->parent_columns)
	{
		stem = column_stem(lfirst(c), lfirst(p));
		if (strcmp(stem, singular) == 0)
			break;
	}
	Assert(stem != NULL);
	return stem;
}

/*
 * Join parts to a name that fits, cutting the first as far as it must be.
 * The number is put behind it unless it is less than two.
 */
static char *
join_name(const char *first, const char *second, int number)
{
	char	   *tail = psprintf("%s%s", second, number > 1 ? psprintf("_%d", number) : "");
	int			room = NAMEDATALEN - 1 - (int) strlen(tail);

	if (room < 8)
	{
		/* two long names: half of the room for each */
		tail = psprintf("%.*s%s", pg_mbcliplen(second, strlen(second), NAMEDATALEN / 2 - 8), second,
						number > 1 ? psprintf("_%d", number) : "");
		room = NAMEDATALEN - 1 - (int) strlen(tail);
	}
	return psprintf("%.*s%s", pg_mbcliplen(first, strlen(first), room), first, tail);
}

/* The first free name of a list of wishes; the last wish is numbered. */
static char *
choose_name(List *all, Implied *implied, List *wishes)
{
	ListCell   *lc;
	char	   *name = NULL;

	foreach(lc, wishes)
	{
		name = join_name(lfirst(lc), "", 0);	/* plurals are longer */
		if (is_free(all, implied, name))
			return name;
	}
	Assert(name != NULL);
	for (int number = 2;; number++)
	{
		char	   *numbered = join_name(name, "", number);

		CHECK_FOR_INTERRUPTS();
		if (is_free(all, implied, numbered))
			return numbered;
	}
}

/*
 * Does the stem of a pivot's foreign key tell what its table's name does not?
 * Not when it says that name again, nor when another pivot between the two
 * tables says the same.
 */
static bool
stem_tells(List *all, Implied *implied, bool related)
{
	ForeignKey *fk = related ? implied->related_fk : implied->fk;
	char	   *stem = foreign_key_stem(fk);
	ListCell   *lc;

	if (strcmp(stem, model_singular(fk->parent)) == 0)
		return false;
	foreach(lc, all)
	{
		Implied    *other = lfirst(lc);

		if (other != implied && other->row.kind == RELATION_MANY_TO_MANY &&
			other->row.model == implied->row.model && other->row.related == implied->row.related &&
			strcmp(stem, foreign_key_stem(related ? other->related_fk : other->fk)) == 0)
			return false;
	}
	return true;
}

/*
 * Name a many_to_many.  It is called after the related table, tracks; from a
 * table to itself, after the column that leads there, friends; when several
 * pivots join the two tables, after what tells them apart: the columns,
 * reviewers or posts_by_reviewer, or the pivot, posts_by_like.
 */
static char *
name_of_many_to_many(List *all, Implied *implied)
{
	bool		to_itself = implied->row.model == implied->row.related;
	char	   *plain = plural_of(model_name(implied->row.related));
	char	   *many = plural_of(foreign_key_stem(implied->related_fk));
	char	   *by = psprintf("_by_%s", foreign_key_stem(implied->fk));
	char	   *by_pivot = psprintf("_by_%s", model_singular(implied->row.pivot_table));
	List	   *wishes = NIL;

	if (implied->alone)
		wishes = lappend(wishes, to_itself ? many : plain);
	if (stem_tells(all, implied, true))
		wishes = lappend(wishes, many);
	if (stem_tells(all, implied, false))
		wishes = lappend(wishes, join_name(plain, by, 0));
	wishes = lappend(wishes, join_name(to_itself ? many : plain, by_pivot, 0));
	return choose_name(all, implied, wishes);
}

/*
 * Name an implied relation.  A belongs_to is called after its column, author
 * for author_id; when the column has no such ending, or there are several, the
 * table that it points to helps: reports_to_employee.  A has_many is called
 * after its table, posts; when two foreign keys come from there, after the
 * column too: posts_by_author.
 */
static char *
name_of(List *all, Implied *implied)
{
	ForeignKey *fk = implied->fk;
	char	   *stem = foreign_key_stem(fk);
	List	   *wishes;

	if (implied->row.kind == RELATION_MANY_TO_MANY)
		return name_of_many_to_many(all, implied);
	if (implied->row.kind == RELATION_BELONGS_TO)
	{
		char	   *parent = model_singular(fk->parent);
		char	   *both = join_name(stem, psprintf("_%s", parent), 0);

		if (list_length(fk->child_columns) > 1)
			wishes = list_make3(parent, stem, both);
		/* of a shared primary key the column says nothing */
		else if (strcmp(stem, linitial(fk->parent_columns)) == 0)
			wishes = list_make2(parent, both);
		else if (get_attnum(fk->child, stem) > 0)
			wishes = list_make2(both, parent);
		else
			wishes = list_make3(stem, parent, both);
		/* of several foreign keys, none may speak for the table */
		if (!implied->alone)
			wishes = list_delete_ptr(wishes, parent);
	}
	else
	{
		char	   *plain = implied->row.kind == RELATION_HAS_ONE
			? model_singular(fk->child) : plural_of(model_name(fk->child));
		char	   *by = join_name(plain, psprintf("_by_%s", stem), 0);

		wishes = implied->alone ? list_make2(plain, by) : list_make1(by);
	}
	return choose_name(all, implied, wishes);
}

static int
compare_implied(const ListCell *a, const ListCell *b)
{
	const Implied *one = lfirst(a);
	const Implied *other = lfirst(b);
	int			cmp = strcmp(one->sort_key, other->sort_key);

	return cmp != 0 ? cmp : strcmp(one->row.name, other->row.name);
}

/*
 * All relations that the foreign keys of a schema imply, named, in the order
 * of their models' and their own names.
 */
static List *
discover_schema(Oid nspid)
{
	List	   *foreign_keys = foreign_keys_of_schema(nspid);
	List	   *all;
	ListCell   *lc;

	/* names are given in this order: one step first */
	all = list_concat(implied_by(foreign_keys), implied_by_pivots(foreign_keys));
	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (implied->row.name == NULL)
			implied->row.name = name_of(all, implied);
		implied->sort_key = psprintf("%s.%s", model_name(implied->row.model),
									 get_namespace_name(get_rel_namespace(implied->row.model)));
	}
	list_sort(all, compare_implied);
	return all;
}

/*
 * Lock the tables of the relations that are to be registered.  Raises
 * insufficient_privilege when the caller does not own one of the models.
 */
static void
lock_implied(List *all)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);

		if (implied->registered)
			continue;
		require_owner(implied->row.model);
		require_access(implied->row.related);
		relids = lappend_oid(relids, implied->row.model);
		relids = lappend_oid(relids, implied->row.related);
		if (OidIsValid(implied->row.pivot_table))
		{
			require_access(implied->row.pivot_table);
			relids = lappend_oid(relids, implied->row.pivot_table);
		}
	}
	lock_models(relids);
}

/*
 * SQL: discover(schema, register).  Raises undefined_schema; with register,
 * insufficient_privilege for a model that is somebody else's.
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
		all = discover_schema(nspid);
	if (register_them && all != NIL)
	{
		lock_implied(all);
		/* what was read before the locks may have changed */
		all = discover_schema(nspid);
	}
	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);
		HeapTuple	row = NULL;

		if (implied->registered)
			row = catalog_fetch_relation(implied->row.model, implied->row.name);
		else if (register_them)
			row = catalog_insert_relation(&implied->row);
		if (row == NULL)
			row = relation_row_tuple(&implied->row, rsinfo->setDesc);
		tuplestore_puttuple(rsinfo->setResult, row);
	}
	return (Datum) 0;
}
