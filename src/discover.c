/*
 * discover.c
 *	  The relations that existing foreign keys imply.
 *
 * Each foreign key implies two relations: its table belongs to the one that it
 * points to, which has one or many of the other.  A relation that is declared
 * already keeps its name; the others are named after the column or the table,
 * never as a column of their model or as another of its relations.  The same
 * schema always gives the same names.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "inflect.h"
#include "key_resolution.h"

PG_FUNCTION_INFO_V1(relations_discover);

/* A relation that a foreign key implies. */
typedef struct Implied
{
	RelationRow row;
	ForeignKey *fk;
	bool		alone;			/* no other foreign key joins the two tables so */
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

/*
 * A foreign key whose tables are kept as they are until the end of the
 * transaction; NULL when it has gone.
 */
static ForeignKey *
lock_foreign_key(Oid conoid)
{
	ForeignKey *fk = get_foreign_key(conoid);

	if (fk == NULL)
		return NULL;
	LockRelationOid(fk->child, AccessShareLock);
	LockRelationOid(fk->parent, AccessShareLock);
	return get_foreign_key(conoid);
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
		Oid			conoid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
															SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(caller);
		ForeignKey *fk = lock_foreign_key(conoid);

		CHECK_FOR_INTERRUPTS();
		if (fk != NULL && !said_before(result, fk))
			result = lappend(result, fk);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
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

		if ((desc->kind == RELATION_BELONGS_TO) == (row->kind == RELATION_BELONGS_TO) &&
			desc->related == row->related && desc->scope == NULL &&
			same_pairs(desc->foreign_key, desc->local_key, row->foreign_key, row->local_key))
			return desc;
	}
	return NULL;
}

static Implied *
make_implied(ForeignKey *fk, RelationKind kind, bool alone)
{
	Implied    *implied = palloc0(sizeof(Implied));
	RelationDesc *registered;

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
	registered = find_registered(&implied->row);
	if (registered != NULL)
	{
		implied->registered = true;
		implied->row.name = registered->name;
		implied->row.kind = registered->kind;
	}
	return implied;
}

/* The relations that foreign keys imply, nameless but for the declared ones. */
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
		name = lfirst(lc);
		if (is_free(all, implied, name))
			return name;
	}
	for (int number = 2;; number++)
	{
		char	   *numbered = join_name(name, "", number);

		CHECK_FOR_INTERRUPTS();
		if (is_free(all, implied, numbered))
			return numbered;
	}
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
	List	   *all = implied_by(foreign_keys_of_schema(nspid));
	ListCell   *lc;

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
