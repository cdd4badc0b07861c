/*
 * catalog_write.c
 *	  Writing the extension's catalog: who may, under which locks, and how.
 *
 * Callers may only read the catalog.  What they may declare is checked first,
 * by the functions at the top; the statements on the catalog then run with
 * the rights of its owner, and nothing else does.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "catalog_sweep.h"
#include "catalog_write.h"
#include "follow_pending.h"
#include "table_lock.h"

/* the columns that a RelationRow fills, in the order of relation_row_values */
static const struct
{
	const char *name;
	Oid			type;
}			row_columns[] = {
	{"model", REGCLASSOID},
	{"relation", NAMEOID},
	{"kind", TEXTOID},
	{"related", REGCLASSOID},
	{"local_key", NAMEARRAYOID},
	{"foreign_key", NAMEARRAYOID},
	{"through", REGCLASSOID},
	{"through_local_key", NAMEARRAYOID},
	{"through_foreign_key", NAMEARRAYOID},
	{"steps", NAMEARRAYOID},
	{"pivot_table", REGCLASSOID},
	{"pivot_foreign_key", NAMEARRAYOID},
	{"pivot_related_foreign_key", NAMEARRAYOID},
	{"related_key", NAMEARRAYOID},
	{"pivot_columns", NAMEARRAYOID},
	{"pivot_timestamps", BOOLOID},
	{"morph", NAMEOID},
	{"scope", JSONBOID},
	{"on_delete", TEXTOID},
	{"on_update", TEXTOID},
	{"defer", TEXTOID},
	{"enforce", BOOLOID},
	{"validate", BOOLOID},
	{"touch", NAMEOID},
	{"counter_cache", NAMEOID},
	{"constraint_name", NAMEOID},
	{"related_constraint_name", NAMEOID},
	{"created_constraint", NAMEOID},
	{"created_related_constraint", NAMEOID},
	{"created_index", NAMEOID},
	{"created_second_index", NAMEOID},
	{"created_columns", NAMEARRAYOID},
	{"created_table", BOOLOID},
};

#define ROW_COLUMNS ((int) lengthof(row_columns))

/* Raises insufficient_privilege unless the caller owns the table. */
void
require_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * Raises insufficient_privilege unless the caller has any privilege on the
 * table or on one of its columns, and may use its schema.
 */
void
require_access(Oid relid)
{
	require_lock_privilege(relid, AccessShareLock);
}

/*
 * Lock models against other declarations until the end of the transaction, in
 * the order of their OIDs, so that two declarations never wait for each other.
 * A table is locked as far as the caller could lock it by LOCK TABLE or by a
 * foreign key: else as a SELECT does, which keeps it from being dropped.
 * Raises undefined_table if one has been dropped, insufficient_privilege if a
 * privilege or the ownership that the caller had was lost while he waited, and
 * read_only_sql_transaction on a standby or where else nothing may be written.
 * The list is sorted.
 */
void
lock_models(List *relids)
{
	lock_models_and_pivot(relids, InvalidOid);
}

/*
 * Like lock_models(), but also lock a pivot table, unless it is InvalidOid, has
 * been dropped, or is one that the caller may not lock.
 */
void
lock_models_and_pivot(List *relids, Oid pivot)
{
	Oid			last = InvalidOid;
	ListCell   *lc;

	if (OidIsValid(pivot))
		relids = lappend_oid(relids, pivot);
	list_sort(relids, list_oid_cmp);
	/* before the lock, which a standby refuses for a reason of its own */
	if (XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot alter model \"%s\" in a read-only transaction",
						model_name(linitial_oid(relids)))));
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		bool		owned;

		if (relid == last)
			continue;
		last = relid;
		if (relid == pivot)
		{
			if (!try_lock_table(relid, ShareUpdateExclusiveLock))
				(void) try_lock_table(relid, AccessShareLock);
			continue;
		}
		model_check(relid);
		owned = object_ownercheck(RelationRelationId, relid, GetUserId());
		if (!try_lock_table(relid, ShareUpdateExclusiveLock))
			lock_table(relid, AccessShareLock);
		model_check(relid);
		if (owned)
			require_owner(relid);
	}
}

/*
 * Execute a statement.  It sees what other transactions have committed by now,
 * whatever the isolation level, as PostgreSQL's own catalogs are read: a
 * declaration that is newer than the transaction's snapshot must be followed.
 * Raises serialization_failure if such a transaction must not change a row
 * because another one changes it concurrently.
 */
static int
execute_with_latest(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
	SPIPlanPtr	plan;

	if (!IsolationUsesXactSnapshot())
		return SPI_execute_with_args(sql, n, types, values, nulls, false, 0);
	plan = SPI_prepare(sql, n, types);
	if (plan == NULL)
		return SPI_result;
	return SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot,
								false, true, 0);
}

/*
 * Run a statement on the catalog with the rights of its owner, whatever the
 * search_path of the caller.  Each row that
 * it returns becomes a HeapTuple or, with strings, an array of the columns'
 * values as text, in the current memory context.  Errors are the statement's.
 */
static List *
run_as_owner(const char *sql, int n, Oid *types, Datum *values, const char *nulls, bool strings)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *result = NIL;
	SavedUser	saved;
	int			rc;

	switch_to_catalog_owner(&saved);
	SPI_connect();
	rc = execute_with_latest(sql, n, types, values, nulls);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
	if (SPI_tuptable != NULL)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);

		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	row = SPI_tuptable->vals[i];
			char	  **texts;

			if (!strings)
			{
				result = lappend(result, heap_copytuple(row));
				continue;
			}
			texts = palloc(sizeof(char *) * desc->natts);
			for (int c = 0; c < desc->natts; c++)
				texts[c] = SPI_getvalue(row, desc, c + 1);
			result = lappend(result, texts);
		}
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	restore_user(&saved);
	return result;
}

/* A statement on the catalog; a list of the HeapTuples that it returns. */
List *
catalog_query(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
	return run_as_owner(sql, n, types, values, nulls, false);
}

/*
 * Like catalog_query(), for the INSERT of a declaration: rows of tables that do
 * not exist any more are deleted first.
 */
List *
catalog_insert(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
	catalog_sweep();
	return catalog_query(sql, n, types, values, nulls);
}

/* Like catalog_query(), but returns a list of arrays of strings, NULL for null. */
List *
catalog_strings(const char *sql, int n, Oid *types, Datum *values)
{
	return run_as_owner(sql, n, types, values, NULL, true);
}

/* Values for a statement, filled one by one. */
typedef struct Filler
{
	Datum	   *values;
	bool	   *isnull;
	int			n;
} Filler;

static void
put(Filler *filler, Datum value, bool isnull)
{
	filler->values[filler->n] = value;
	filler->isnull[filler->n++] = isnull;
}

static void
put_oid(Filler *filler, Oid value)
{
	put(filler, ObjectIdGetDatum(value), !OidIsValid(value));
}

static void
put_bool(Filler *filler, bool value)
{
	put(filler, BoolGetDatum(value), false);
}

static void
put_text(Filler *filler, const char *value)
{
	put(filler, value == NULL ? (Datum) 0 : CStringGetTextDatum(value), value == NULL);
}

static void
put_name(Filler *filler, const char *value)
{
	put(filler, value == NULL ? (Datum) 0 : DirectFunctionCall1(namein, CStringGetDatum(value)),
		value == NULL);
}

static void
put_names(Filler *filler, List *names)
{
	put(filler, names == NIL ? (Datum) 0 : name_list_to_array(names), names == NIL);
}

/* The values of row_columns, in the current memory context. */
static void
relation_row_values(const RelationRow *row, Datum *values, bool *isnull)
{
	Filler		filler = {values, isnull, 0};

	put_oid(&filler, row->model);
	put_name(&filler, row->name);
	put_text(&filler, relation_kind_name(row->kind));
	put_oid(&filler, row->related);
	put_names(&filler, row->local_key);
	put_names(&filler, row->foreign_key);
	put_oid(&filler, row->through);
	put_names(&filler, row->through_local_key);
	put_names(&filler, row->through_foreign_key);
	put_names(&filler, row->steps);
	put_oid(&filler, row->pivot_table);
	put_names(&filler, row->pivot_foreign_key);
	put_names(&filler, row->pivot_related_foreign_key);
	put_names(&filler, row->related_key);
	put_names(&filler, row->pivot_columns);
	put_bool(&filler, row->pivot_timestamps);
	put_name(&filler, row->morph);
	put(&filler, PointerGetDatum(row->scope), row->scope == NULL);
	put_text(&filler, row->on_delete);
	put_text(&filler, row->on_update);
	put_text(&filler, row->defer);
	put_bool(&filler, row->enforce);
	put_bool(&filler, row->validate);
	put_name(&filler, row->touch);
	put_name(&filler, row->counter_cache);
	put_name(&filler, row->constraint_name);
	put_name(&filler, row->related_constraint_name);
	put_name(&filler, row->created_constraint);
	put_name(&filler, row->created_related_constraint);
	put_name(&filler, row->created_index);
	put_name(&filler, row->created_second_index);
	put_names(&filler, row->created_columns);
	put_bool(&filler, row->created_table);
	Assert(filler.n == ROW_COLUMNS);
}

static char *
nulls_of(const bool *isnull, int n)
{
	char	   *nulls = palloc(n);

	for (int i = 0; i < n; i++)
		nulls[i] = isnull[i] ? 'n' : ' ';
	return nulls;
}

/* Insert a row, and return it as stored, in the current memory context. */
HeapTuple
catalog_insert_relation(const RelationRow *row)
{
	Oid			types[ROW_COLUMNS];
	Datum		values[ROW_COLUMNS];
	bool		isnull[ROW_COLUMNS];
	StringInfoData sql;
	HeapTuple	result;

	relation_row_values(row, values, isnull);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "INSERT INTO relations.relation (");
	for (int i = 0; i < ROW_COLUMNS; i++)
	{
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", row_columns[i].name);
		types[i] = row_columns[i].type;
	}
	appendStringInfoString(&sql, ") VALUES (");
	for (int i = 0; i < ROW_COLUMNS; i++)
		appendStringInfo(&sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ") RETURNING *");
	result = linitial(catalog_insert(sql.data, ROW_COLUMNS, types, values,
									 nulls_of(isnull, ROW_COLUMNS)));
	pending_forget("relation", row->model, row->name, "");
	return result;
}

/* Take a relation out of the catalog; nothing happens when it is not there. */
void
catalog_delete_relation(Oid model, const char *name)
{
	Oid			types[] = {REGCLASSOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(model),
	DirectFunctionCall1(namein, CStringGetDatum(name))};

	catalog_query("DELETE FROM relations.relation WHERE model = $1 AND relation = $2",
				  2, types, values, NULL);
}

/*
 * Store what a descriptor says of the constraints in use and of what the
 * declaration created.
 */
void
catalog_update_created(const RelationDesc *desc)
{
	Oid			types[] = {REGCLASSOID, NAMEOID, BOOLOID, NAMEOID, NAMEOID, NAMEOID, NAMEOID,
	NAMEOID, NAMEOID, NAMEARRAYOID, BOOLOID};
	Datum		values[lengthof(types)];
	bool		isnull[lengthof(types)];
	Filler		filler = {values, isnull, 0};

	put_oid(&filler, desc->model);
	put_name(&filler, desc->name);
	put_bool(&filler, desc->enforce);
	put_name(&filler, desc->constraint_name);
	put_name(&filler, desc->related_constraint_name);
	put_name(&filler, desc->created_constraint);
	put_name(&filler, desc->created_related_constraint);
	put_name(&filler, desc->created_index);
	put_name(&filler, desc->created_second_index);
	put_names(&filler, desc->created_columns);
	put_bool(&filler, desc->created_table);
	catalog_query("UPDATE relations.relation SET enforce = $3, constraint_name = $4,"
				  " related_constraint_name = $5, created_constraint = $6,"
				  " created_related_constraint = $7, created_index = $8, created_second_index = $9,"
				  " created_columns = $10, created_table = $11 WHERE model = $1 AND relation = $2",
				  lengthof(types), types, values, nulls_of(isnull, lengthof(types)));
}

/* Store a type of a polymorphic reference, in the place of an older one. */
void
catalog_put_morph_type(const MorphType *type)
{
	Oid			types[] = {REGCLASSOID, NAMEOID, TEXTOID, REGCLASSOID, NAMEARRAYOID, NAMEOID,
	NAMEARRAYOID, NAMEARRAYOID, TEXTOID, TEXTOID, NAMEOID, NAMEOID, NAMEOID};
	Datum		values[lengthof(types)];
	bool		isnull[lengthof(types)];
	Filler		filler = {values, isnull, 0};

	put_oid(&filler, type->model);
	put_name(&filler, type->morph);
	put_text(&filler, type->type);
	put_oid(&filler, type->related);
	put_names(&filler, type->local_key);
	put_name(&filler, type->type_column);
	put_names(&filler, type->id_columns);
	put_names(&filler, type->foreign_key);
	put_text(&filler, type->on_delete);
	put_text(&filler, type->on_update);
	put_name(&filler, type->constraint_name);
	put_name(&filler, type->check_name);
	put_name(&filler, type->created_index);
	catalog_delete_morph_type(type->model, type->morph, type->type);
	catalog_insert("INSERT INTO relations.morph_type (model, morph, type, related, local_key,"
				   " type_column, id_columns, foreign_key, on_delete, on_update,"
				   " constraint_name, check_name, created_index)"
				   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
				   lengthof(types), types, values, nulls_of(isnull, lengthof(types)));
	pending_forget("morph_type", type->model, type->morph, type->type);
}

/* Take a type out of the catalog; nothing happens when it is not there. */
void
catalog_delete_morph_type(Oid model, const char *morph, const char *type)
{
	Oid			types[] = {REGCLASSOID, NAMEOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(model),
		DirectFunctionCall1(namein, CStringGetDatum(morph)),
	CStringGetTextDatum(type)};

	catalog_query("DELETE FROM relations.morph_type WHERE model = $1 AND morph = $2 AND type = $3",
				  3, types, values, NULL);
}

/* A row as a tuple of the catalog's row type, without storing it. */
HeapTuple
relation_row_tuple(const RelationRow *row, TupleDesc tupdesc)
{
	Datum		values[ROW_COLUMNS];
	bool		isnull[ROW_COLUMNS];
	Datum	   *out = palloc0(sizeof(Datum) * tupdesc->natts);
	bool	   *outnull = palloc(sizeof(bool) * tupdesc->natts);

	memset(outnull, true, sizeof(bool) * tupdesc->natts);
	relation_row_values(row, values, isnull);
	for (int i = 0; i < ROW_COLUMNS; i++)
	{
		int			attnum = SPI_fnumber(tupdesc, row_columns[i].name);

		if (attnum <= 0)
			elog(ERROR, "relations.relation has no column \"%s\"", row_columns[i].name);
		out[attnum - 1] = values[i];
		outnull[attnum - 1] = isnull[i];
	}
	return heap_form_tuple(tupdesc, out, outnull);
}
