/*
 * declare.c
 *	  has_one, has_many, belongs_to and model.
 */
#include "relations.h"

#include "access/relation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "counter_cache.h"
#include "declaration.h"
#include "key_operator.h"
#include "key_resolution.h"
#include "progress.h"
#include "query_doc.h"
#include "relation_key.h"

PG_FUNCTION_INFO_V1(relations_has_one);
PG_FUNCTION_INFO_V1(relations_has_many);
PG_FUNCTION_INFO_V1(relations_belongs_to);
PG_FUNCTION_INFO_V1(relations_model);

/* order of the arguments that the three kinds share */
enum
{
	Arg_foreign_key = Arg_related + 1,
	Arg_local_key,
	Arg_on_delete,				/* and what take_constraint_options takes */
	Arg_add_column = Arg_on_delete + CONSTRAINT_ARGUMENTS,
	Arg_scope,
	Arg_touch,					/* belongs_to only, as is what follows */
	Arg_counter_cache
};

/*
 * Raises wrong_object_type when a constraint is wanted, or columns are to be
 * added, where there can be none.
 */
static void
check_tables(RelationRow *row, Keys *keys)
{
	if (row->enforce)
		require_tables(keys->child, keys->parent);
	if (keys->missing != NIL && !is_plain_table(keys->child))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot add column \"%s\" to \"%s\"",
						format_column_list(keys->missing), model_name(keys->child)),
				 errdetail("Columns are added to tables only.")));
}

/* Step 3: the foreign key columns that are missing. */
static void
add_missing_columns(RelationRow *row, Keys *keys)
{
	ListCell   *lc;
	ListCell   *f;
	ListCell   *l;

	if (keys->missing == NIL)
		return;
	require_owner(keys->child);
	foreach(lc, keys->missing)
	{
		forboth(f, keys->foreign_key, l, keys->local_key)
		{
			if (strcmp(lfirst(f), lfirst(lc)) == 0)
				run_ddl(add_column_sql(keys->child, lfirst(f), keys->parent, lfirst(l)));
		}
	}
	row->created_columns = keys->missing;
}

/* Step 3: the foreign key; see ensure_foreign_key for errors. */
static void
ensure_constraint(Declaration *decl, Keys *keys)
{
	RelationRow *row = &decl->row;
	ForeignKey *fk;
	bool		created;

	if (!row->enforce)
		return;
	fk = ensure_foreign_key(decl, keys->child, keys->foreign_key,
							keys->parent, keys->local_key, &created);
	row->constraint_name = fk->name;
	if (created)
		row->created_constraint = fk->name;
	row->validate = fk->validated;
	/* the constraint's order, which is the order that is read by */
	keys->foreign_key = fk->child_columns;
	keys->local_key = fk->parent_columns;
}

/* Step 3: what makes a has_one unique, and a has_many quick. */
static void
ensure_index(RelationRow *row, Keys *keys)
{
	bool		unique = row->kind == RELATION_HAS_ONE && !query_scope_has(row->scope, "order");
	char	   *name;
	char	   *sql;

	if (!row->enforce || row->kind == RELATION_BELONGS_TO)
		return;
	if ((unique ? find_unique : find_index) (keys->child, keys->foreign_key) != NULL)
		return;
	require_owner(keys->child);
	sql = (unique ? unique_sql : index_sql) (keys->child, keys->foreign_key, &name);
	tell_long_work("indexing", keys->child);
	run_ddl(sql);
	row->created_index = name;
}

/*
 * What the three kinds share: check the arguments, find the keys, make what is
 * missing, and write the catalog row, which is returned.  Nothing is altered
 * before everything that can be checked has been.
 */
static Datum
declare_relation(FunctionCallInfo fcinfo, RelationKind kind)
{
	Declaration decl = {0};
	RelationRow *row = &decl.row;
	Keys		keys = {0};
	Datum		result;

	begin_declaration(&decl, fcinfo, kind, true);
	take_scope(&decl, fcinfo, Arg_scope);
	take_constraint_options(&decl, fcinfo, Arg_on_delete);
	keys.child = CHILD_OF(row);
	keys.parent = PARENT_OF(row);
	keys.add_column = bool_argument(fcinfo, Arg_add_column, false);
	keys.foreign_key = key_argument(fcinfo, Arg_foreign_key, "foreign_key");
	keys.local_key = key_argument(fcinfo, Arg_local_key, "local_key");
	if (kind == RELATION_BELONGS_TO)
	{
		row->touch = counter_column_argument(text_argument(fcinfo, Arg_touch), "touch");
		row->counter_cache = counter_column_argument(text_argument(fcinfo, Arg_counter_cache),
													 "counter_cache");
	}

	check_temporary(row->model, row->related);
	check_constraint_options(&decl);
	require_owner(row->model);
	require_access(row->related);
	lock_models(list_make2_oid(row->model, row->related));
	check_relation_name(row, NIL);
	resolve_keys(&keys);
	if (keys.child == row->model)
		check_relation_name(row, keys.missing);
	check_tables(row, &keys);
	if (row->scope != NULL)
		query_check_scope(row->related, InvalidOid, row->scope);
	check_counter_columns(row->model, row->related, keys.local_key,
						  row->counter_cache, row->touch, keys.add_column);

	add_missing_columns(row, &keys);
	add_counter_column(row->related, row->counter_cache);
	ensure_constraint(&decl, &keys);
	ensure_index(row, &keys);
	row->foreign_key = keys.foreign_key;
	row->local_key = keys.local_key;
	result = relation_result(fcinfo, catalog_insert_relation(row));
	if (row->touch != NULL || row->counter_cache != NULL)
		begin_counting(catalog_get_relation(row->model, row->name));
	return result;
}

/* SQL: has_one(model, relation, related, ...) */
Datum
relations_has_one(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_HAS_ONE);
}

/* SQL: has_many(model, relation, related, ...) */
Datum
relations_has_many(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_HAS_MANY);
}

/* SQL: belongs_to(model, relation, related, ...) */
Datum
relations_belongs_to(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_BELONGS_TO);
}

/*
 * Check the key that model() names.  Its values must be comparable, and the
 * columns of a table must be NOT NULL and unique.  Where that cannot be proven,
 * each use of the key checks it: keys of views, foreign tables, parents of
 * other tables, and partitioned tables, which may have foreign partitions, or a
 * key without the partition key.
 */
static void
check_model_key(Oid relid, List *columns)
{
	ListCell   *lc;
	Relation	rel;

	foreach(lc, columns)
		(void) column_equality(relid, lfirst(lc), relid, lfirst(lc));
	if (columns == NIL || get_rel_relkind(relid) != RELKIND_RELATION || has_subclass(relid))
		return;
	rel = relation_open(relid, AccessShareLock);
	foreach(lc, columns)
	{
		AttrNumber	attnum = require_column(relid, lfirst(lc), "primary_key");

		if (!column_is_not_null(RelationGetDescr(rel), attnum - 1))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("column \"%s\" of \"%s\" cannot be part of a key because it is nullable",
							(char *) lfirst(lc), model_name(relid)),
					 errhint("Set it to NOT NULL first: ALTER TABLE %s ALTER COLUMN %s SET NOT NULL.",
							 quoted_model_name(relid), quote_identifier(lfirst(lc)))));
	}
	if (!key_is_unique(relid, columns))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing makes \"%s\" (%s) unique", model_name(relid), format_column_list(columns)),
				 errdetail("An index that is not valid, deferrable, partial or on expressions does not."),
				 errhint("Create a unique index first: CREATE UNIQUE INDEX ON %s (%s).",
						 quoted_model_name(relid), quoted_column_list(columns))));
	relation_close(rel, AccessShareLock);
}

/*
 * Read a column list argument of model(), and return it; '' means none, and is
 * stored as null.  parse is parse_key_columns() for a key.
 */
static List *
put_columns(FunctionCallInfo fcinfo, int n, const char *argument, Oid relid,
			List *(*parse) (const char *text, const char *argument), Datum *d, char *null)
{
	char	   *text = text_argument(fcinfo, n);
	List	   *columns;
	ListCell   *lc;

	*null = 'n';
	if (text == NULL || text[0] == '\0')
		return NIL;
	columns = parse(text, argument);
	foreach(lc, columns)
		require_column(relid, lfirst(lc), argument);
	*d = name_list_to_array(columns);
	*null = ' ';
	return columns;
}

/*
 * SQL: model(model, name, primary_key, hidden).  What is null stays as it is,
 * an empty string gives it back to the table.  A row that says nothing any
 * more is returned, but not kept.
 */
Datum
relations_model(PG_FUNCTION_ARGS)
{
	Oid			types[7] = {REGCLASSOID, NAMEOID, NAMEARRAYOID, NAMEARRAYOID,
	BOOLOID, BOOLOID, BOOLOID};
	Datum		values[7] = {0};
	char		nulls[7];
	char	   *name = text_argument(fcinfo, 1);
	Oid			relid;
	HeapTuple	row;

	require_argument(fcinfo, 0, "model");
	relid = PG_GETARG_OID(0);
	model_check(relid);
	require_owner(relid);
	lock_models(list_make1_oid(relid));
	memset(nulls, ' ', sizeof(nulls));
	values[0] = ObjectIdGetDatum(relid);
	nulls[1] = 'n';
	if (name != NULL && name[0] != '\0')
	{
		nulls[1] = ' ';
		values[1] = DirectFunctionCall1(namein, CStringGetDatum(name));
	}
	check_model_key(relid, put_columns(fcinfo, 2, "primary_key", relid, parse_key_columns,
									   &values[2], &nulls[2]));
	(void) put_columns(fcinfo, 3, "hidden", relid, parse_column_list, &values[3], &nulls[3]);
	/* what is not given stays as it is */
	for (int i = 1; i <= 3; i++)
		values[3 + i] = BoolGetDatum(!PG_ARGISNULL(i));
	row = linitial(catalog_insert("INSERT INTO relations.model AS m (model, name, primary_key, hidden)"
								  " VALUES ($1, $2, $3, $4)"
								  " ON CONFLICT (model) DO UPDATE SET"
								  " name = CASE WHEN $5 THEN $2 ELSE m.name END,"
								  " primary_key = CASE WHEN $6 THEN $3 ELSE m.primary_key END,"
								  " hidden = CASE WHEN $7 THEN $4 ELSE m.hidden END"
								  " RETURNING *",
								  7, types, values, nulls));
	catalog_query("DELETE FROM relations.model WHERE model = $1"
				  " AND name IS NULL AND primary_key IS NULL AND hidden IS NULL",
				  1, types, values, NULL);
	return relation_result(fcinfo, row);
}
