/*
 * declare.c
 *	  has_one, has_many, belongs_to, drop_relation, ddl and model.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "key_resolution.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_has_one);
PG_FUNCTION_INFO_V1(relations_has_many);
PG_FUNCTION_INFO_V1(relations_belongs_to);
PG_FUNCTION_INFO_V1(relations_drop_relation);
PG_FUNCTION_INFO_V1(relations_ddl);
PG_FUNCTION_INFO_V1(relations_model);

/* A declaration under way. */
typedef struct Declaration
{
	RelationRow row;
	Keys		keys;
	char		on_delete;		/* as in pg_constraint, '\0': not said */
	char		on_update;
	bool		deferred;
} Declaration;

/* order of the arguments that all declarations share */
enum
{
	Arg_model,
	Arg_relation,
	Arg_related,
	Arg_foreign_key,
	Arg_local_key,
	Arg_on_delete,
	Arg_on_update,
	Arg_defer,
	Arg_enforce,
	Arg_validate,
	Arg_add_column,
	Arg_scope
};

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/*
 * Raises feature_not_supported for a temporary table of another session, and
 * invalid_table_definition for a permanent model's relation to a temporary one.
 */
static void
check_temporary(Oid model, Oid related)
{
	Oid			relids[] = {model, related};

	for (int i = 0; i < (int) lengthof(relids); i++)
	{
		if (isOtherTempNamespace(get_rel_namespace(relids[i])))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("\"%s\" is a temporary table of another session", model_name(relids[i]))));
	}
	if (get_rel_persistence(related) == RELPERSISTENCE_TEMP &&
		get_rel_persistence(model) != RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("permanent model \"%s\" cannot relate to temporary table \"%s\"",
						model_name(model), model_name(related)),
				 errdetail("The relation would outlive the table.")));
}

/*
 * Raises invalid_name for an empty name, duplicate_column or duplicate_object
 * unless the name is free.
 */
static void
check_name(Declaration *decl)
{
	RelationRow *row = &decl->row;
	bool		is_column = get_attnum(row->model, row->name) > 0;
	ListCell   *lc;

	if (row->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a relation must have a name")));
	foreach(lc, decl->keys.missing)
	{
		if (decl->keys.child == row->model && strcmp(lfirst(lc), row->name) == 0)
			is_column = true;
	}
	if (is_column)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("model \"%s\" has a column \"%s\"", model_name(row->model), row->name),
				 errdetail("A relation and a column would share one key in the document."),
				 errhint("Choose another name for the relation.")));
	if (catalog_find_relation(row->model, row->name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already has a relation \"%s\"",
						model_name(row->model), row->name),
				 errhint("Drop it first: SELECT relations.drop_relation('%s', '%s').",
						 model_name(row->model), row->name)));
}

static bool
is_plain_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/*
 * Read the options of the constraint.  Raises invalid_parameter_value for an
 * unknown value, or for an option that a relation which is not enforced cannot
 * have.
 */
static void
check_options(Declaration *decl)
{
	RelationRow *row = &decl->row;

	decl->on_delete = parse_action(row->on_delete, "on_delete");
	decl->on_update = parse_action(row->on_update, "on_update");
	if (decl->on_delete != '\0')
		row->on_delete = action_name(decl->on_delete);
	if (decl->on_update != '\0')
		row->on_update = action_name(decl->on_update);
	if (row->defer != NULL)
	{
		decl->deferred = pg_strcasecmp(row->defer, "initially deferred") == 0;
		if (!decl->deferred && pg_strcasecmp(row->defer, "initially immediate") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a value of \"%s\"", row->defer, "defer"),
					 errhint("Its values are: initially immediate, initially deferred.")));
		row->defer = decl->deferred ? "initially deferred" : "initially immediate";
	}
	if (!row->enforce && (row->on_delete != NULL || row->on_update != NULL || row->defer != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a relation that is not enforced has no constraint that could be told what to do"),
				 errhint("Leave out on_delete, on_update and defer, or enforce it.")));
}

/*
 * Raises wrong_object_type when a constraint is wanted, or columns are to be
 * added, where there can be none.
 */
static void
check_tables(Declaration *decl)
{
	Keys	   *keys = &decl->keys;

	if (decl->row.enforce && (!is_plain_table(keys->child) || !is_plain_table(keys->parent)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("there can be no foreign key between \"%s\" and \"%s\"",
						model_name(keys->child), model_name(keys->parent)),
				 errdetail("Foreign keys stand between tables."),
				 errhint("Register the relation without a constraint: enforce => false.")));
	if (keys->missing != NIL && !is_plain_table(keys->child))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot add column \"%s\" to \"%s\"",
						format_column_list(keys->missing), model_name(keys->child)),
				 errdetail("Columns are added to tables only.")));
}

/* Step 3: the foreign key columns that are missing. */
static void
add_missing_columns(Declaration *decl)
{
	Keys	   *keys = &decl->keys;
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
	decl->row.created_columns = keys->missing;
}

static pg_attribute_noreturn() void
constraint_differs(ForeignKey *fk, const char *argument, const char *has, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("foreign key \"%s\" exists with another \"%s\"", fk->name, argument),
			 errdetail("It has \"%s\", the declaration asks for \"%s\".", has, wanted),
			 errhint("Leave \"%s\" out to use the constraint as it is, or change the constraint first.",
					 argument)));
}

/*
 * Step 3: the foreign key, found or made.  Raises
 * object_not_in_prerequisite_state when the one that is there differs from
 * what is asked for, invalid_foreign_key when nothing makes the columns unique
 * that it would point to.
 */
static void
ensure_foreign_key(Declaration *decl)
{
	RelationRow *row = &decl->row;
	Keys	   *keys = &decl->keys;
	ForeignKey *fk;

	if (!row->enforce)
		return;
	fk = match_foreign_key(foreign_keys_between(keys->child, keys->parent),
						   keys->foreign_key, keys->local_key);
	if (fk != NULL)
	{
		if (decl->on_delete != '\0' && decl->on_delete != fk->on_delete)
			constraint_differs(fk, "on_delete", action_name(fk->on_delete), row->on_delete);
		if (decl->on_update != '\0' && decl->on_update != fk->on_update)
			constraint_differs(fk, "on_update", action_name(fk->on_update), row->on_update);
		if (row->defer != NULL && (!fk->deferrable || fk->deferred != decl->deferred))
			constraint_differs(fk, "defer",
							   !fk->deferrable ? "not deferrable"
							   : fk->deferred ? "initially deferred" : "initially immediate",
							   row->defer);
		row->constraint_name = fk->name;
		row->validate = fk->validated;
		/* the constraint's order, which is the order that is read by */
		keys->foreign_key = fk->child_columns;
		keys->local_key = fk->parent_columns;
		return;
	}
	require_owner(keys->child);
	if (!can_be_referenced(keys->parent, keys->local_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("nothing makes \"%s\" (%s) unique", model_name(keys->parent),
						format_column_list(keys->local_key)),
				 find_unique(keys->parent, keys->local_key) != NULL
				 ? errdetail("A unique constraint that is deferrable, or on some of the columns only, will not do.")
				 : errdetail("A foreign key points to columns with a primary key or a unique constraint."),
				 errhint("Add a unique constraint there, or register the relation without a constraint: enforce => false.")));
	fk = palloc0(sizeof(ForeignKey));
	fk->child = keys->child;
	fk->child_columns = keys->foreign_key;
	fk->parent = keys->parent;
	fk->parent_columns = keys->local_key;
	fk->on_delete = decl->on_delete;
	fk->on_update = decl->on_update;
	fk->deferrable = row->defer != NULL;
	fk->deferred = decl->deferred;
	fk->validated = row->validate;
	run_ddl(foreign_key_sql(fk));
	row->constraint_name = row->created_constraint = fk->name;
}

/* Step 3: what makes a has_one unique, and a has_many quick. */
static void
ensure_index(Declaration *decl)
{
	RelationRow *row = &decl->row;
	Keys	   *keys = &decl->keys;
	bool		unique = row->kind == RELATION_HAS_ONE && !query_scope_has(row->scope, "order");
	char	   *name;
	char	   *sql;

	if (!row->enforce || row->kind == RELATION_BELONGS_TO)
		return;
	if ((unique ? find_unique : find_index) (keys->child, keys->foreign_key) != NULL)
		return;
	require_owner(keys->child);
	sql = (unique ? unique_sql : index_sql) (keys->child, keys->foreign_key, &name);
	run_ddl(sql);
	row->created_index = name;
}

/* A catalog row as the result of a function that returns its type. */
static Datum
row_result(FunctionCallInfo fcinfo, HeapTuple row)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(desc);
	return heap_copy_tuple_as_datum(row, desc);
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
	Keys	   *keys = &decl.keys;
	char	   *text;

	require_argument(fcinfo, Arg_model, "model");
	require_argument(fcinfo, Arg_relation, "relation");
	require_argument(fcinfo, Arg_related, "related");
	row->model = PG_GETARG_OID(Arg_model);
	row->name = pstrdup(NameStr(*PG_GETARG_NAME(Arg_relation)));
	row->kind = kind;
	row->related = PG_GETARG_OID(Arg_related);
	row->scope = PG_ARGISNULL(Arg_scope) ? NULL : PG_GETARG_JSONB_P(Arg_scope);
	row->on_delete = text_argument(fcinfo, Arg_on_delete);
	row->on_update = text_argument(fcinfo, Arg_on_update);
	row->defer = text_argument(fcinfo, Arg_defer);
	row->enforce = PG_ARGISNULL(Arg_enforce) || PG_GETARG_BOOL(Arg_enforce);
	row->validate = PG_ARGISNULL(Arg_validate) || PG_GETARG_BOOL(Arg_validate);
	keys->child = CHILD_OF(row);
	keys->parent = PARENT_OF(row);
	keys->add_column = !PG_ARGISNULL(Arg_add_column) && PG_GETARG_BOOL(Arg_add_column);
	if ((text = text_argument(fcinfo, Arg_foreign_key)) != NULL)
		keys->foreign_key = parse_column_list(text, "foreign_key");
	if ((text = text_argument(fcinfo, Arg_local_key)) != NULL)
		keys->local_key = parse_column_list(text, "local_key");

	model_check(row->model);
	model_check(row->related);
	check_temporary(row->model, row->related);
	check_options(&decl);
	require_owner(row->model);
	require_access(row->related);
	lock_models(list_make2_oid(row->model, row->related));
	check_name(&decl);
	resolve_keys(keys);
	check_name(&decl);			/* again: columns may be added */
	check_tables(&decl);
	if (row->scope != NULL)
		query_check_scope(row->related, row->scope);

	add_missing_columns(&decl);
	ensure_foreign_key(&decl);
	ensure_index(&decl);
	row->foreign_key = keys->foreign_key;
	row->local_key = keys->local_key;
	return row_result(fcinfo, catalog_insert_relation(row));
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
 * The other relations whose foreign key is on a table; the relation that
 * goes is in the catalog no more.
 */
static List *
relations_on_child(Oid child)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, catalog_relations_of(child))
	{
		if (CHILD_OF((RelationDesc *) lfirst(lc)) == child)
			result = lappend(result, lfirst(lc));
	}
	foreach(lc, catalog_relations_to(child))
	{
		RelationDesc *desc = lfirst(lc);

		/* a self reference has been met above */
		if (CHILD_OF(desc) == child && desc->model != child)
			result = lappend(result, desc);
	}
	return result;
}

/*
 * Hand what a relation's declaration created to others that use it: the
 * constraint to one that stands on it, the index to one that finds rows by the
 * same columns, columns to one whose key they are.  What was handed over is
 * taken out of the descriptor.
 */
static void
hand_over(RelationDesc *desc)
{
	ListCell   *lc;

	foreach(lc, relations_on_child(CHILD_OF(desc)))
	{
		RelationDesc *heir = lfirst(lc);
		bool		changed = false;

		if (!heir->enforce)
			continue;
		if (desc->created_constraint != NULL && heir->constraint_name != NULL &&
			strcmp(desc->created_constraint, heir->constraint_name) == 0)
		{
			heir->created_constraint = desc->created_constraint;
			desc->created_constraint = NULL;
			changed = true;
		}
		if (desc->created_index != NULL && heir->created_index == NULL &&
			heir->kind != RELATION_BELONGS_TO &&
			same_columns(heir->foreign_key, desc->foreign_key))
		{
			heir->created_index = desc->created_index;
			desc->created_index = NULL;
			changed = true;
		}
		if (desc->created_columns != NIL && heir->created_columns == NIL &&
			same_columns(heir->foreign_key, desc->foreign_key))
		{
			heir->created_columns = desc->created_columns;
			desc->created_columns = NIL;
			changed = true;
		}
		if (changed)
			catalog_update_created(heir);
	}
}

/*
 * Drop the constraint and the index that a declaration created, as far as
 * they are there.  Columns hold data: a notice says that they are kept.
 */
static void
drop_created(RelationDesc *desc)
{
	Oid			child = CHILD_OF(desc);
	ListCell   *lc;

	if (desc->created_constraint != NULL)
		run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s", quoted_model_name(child),
						 quote_identifier(desc->created_constraint)));
	if (desc->created_index != NULL)
	{
		Oid			index = get_relname_relid(desc->created_index, get_rel_namespace(child));

		if (!OidIsValid(index) || IndexGetRelation(index, true) != child)
			;
		else if (OidIsValid(get_index_constraint(index)))
			run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT %s", quoted_model_name(child),
							 quote_identifier(desc->created_index)));
		else
			run_ddl(psprintf("DROP INDEX %s", quoted_model_name(index)));
	}
	foreach(lc, desc->created_columns)
	{
		if (get_attnum(child, lfirst(lc)) > 0)
			ereport(NOTICE,
					(errmsg("column \"%s\" of \"%s\" is kept, it holds data",
							(char *) lfirst(lc), model_name(child))));
	}
}

/* SQL: drop_relation(model, relation, drop_constraint) */
Datum
relations_drop_relation(PG_FUNCTION_ARGS)
{
	Oid			model;
	char	   *name;
	RelationDesc *desc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model = PG_GETARG_OID(0);
	name = NameStr(*PG_GETARG_NAME(1));
	model_check(model);
	require_owner(model);
	desc = catalog_get_relation(model, name);
	lock_models(list_make2_oid(model, desc->related));
	/* what was read before the lock may have changed */
	desc = catalog_get_relation(model, name);

	catalog_delete_relation(model, name);
	hand_over(desc);
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		drop_created(desc);
	PG_RETURN_VOID();
}

/* SQL: ddl(model, relation) */
Datum
relations_ddl(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RelationDesc *desc;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model_check(PG_GETARG_OID(0));
	desc = catalog_get_relation(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, relation_ddl(desc))
	{
		Datum		value = CStringGetTextDatum(lfirst(lc));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}

/* A column list argument of model(): '' means none, and is stored as null. */
static void
put_columns(FunctionCallInfo fcinfo, int n, const char *argument, Oid relid,
			Datum *d, char *null)
{
	char	   *text = text_argument(fcinfo, n);
	List	   *columns;
	ListCell   *lc;

	*null = 'n';
	if (text == NULL || text[0] == '\0')
		return;
	columns = parse_column_list(text, argument);
	foreach(lc, columns)
		require_column(relid, lfirst(lc), argument);
	*d = name_list_to_array(columns);
	*null = ' ';
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
	put_columns(fcinfo, 2, "primary_key", relid, &values[2], &nulls[2]);
	put_columns(fcinfo, 3, "hidden", relid, &values[3], &nulls[3]);
	/* what is not given stays as it is */
	for (int i = 1; i <= 3; i++)
		values[3 + i] = BoolGetDatum(!PG_ARGISNULL(i));
	row = linitial(catalog_query("INSERT INTO relations.model AS m (model, name, primary_key, hidden)"
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
	return row_result(fcinfo, row);
}
