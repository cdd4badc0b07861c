/*
 * declaration.c
 *	  What declarations of every kind share: their arguments, the checks that
 *	  come before anything is altered, and the foreign key that they stand on.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "funcapi.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "declaration.h"
#include "progress.h"
#include "relation_key.h"

/* A text argument as a palloc'd string, NULL for null. */
char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* A boolean argument; what it is when it is null. */
bool
bool_argument(FunctionCallInfo fcinfo, int n, bool null_value)
{
	return PG_ARGISNULL(n) ? null_value : PG_GETARG_BOOL(n);
}

/* A column list argument, NIL for null; see parse_column_list for errors. */
List *
columns_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	return PG_ARGISNULL(n) ? NIL : parse_column_list(text_argument(fcinfo, n), name);
}

/* Like columns_argument(), but for a key; see parse_key_columns() for errors. */
List *
key_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	return PG_ARGISNULL(n) ? NIL : parse_key_columns(text_argument(fcinfo, n), name);
}

/*
 * Read the arguments that every declaration begins with: model, relation and,
 * when the kind has one, related.  Raises null_value_not_allowed for one that
 * is null, undefined_table or wrong_object_type for what cannot be a model.
 */
void
begin_declaration(Declaration *decl, FunctionCallInfo fcinfo, RelationKind kind, bool has_related)
{
	RelationRow *row = &decl->row;

	require_argument(fcinfo, Arg_model, "model");
	require_argument(fcinfo, Arg_relation, "relation");
	row->model = PG_GETARG_OID(Arg_model);
	row->name = pstrdup(NameStr(*PG_GETARG_NAME(Arg_relation)));
	row->kind = kind;
	row->enforce = row->validate = true;
	if (has_related)
	{
		require_argument(fcinfo, Arg_related, "related");
		row->related = PG_GETARG_OID(Arg_related);
	}
	model_check(row->model);
	if (has_related)
		model_check(row->related);
}

/* Read the scope, which query_check_scope checks once the models are locked. */
void
take_scope(Declaration *decl, FunctionCallInfo fcinfo, int n)
{
	decl->row.scope = PG_ARGISNULL(n) ? NULL : PG_GETARG_JSONB_P(n);
}

/*
 * Read the arguments that stand side by side, from number n on: on_delete,
 * on_update, defer, enforce, validate.  check_constraint_options checks them.
 */
void
take_constraint_options(Declaration *decl, FunctionCallInfo fcinfo, int n)
{
	RelationRow *row = &decl->row;

	row->on_delete = text_argument(fcinfo, n);
	row->on_update = text_argument(fcinfo, n + 1);
	row->defer = text_argument(fcinfo, n + 2);
	row->enforce = bool_argument(fcinfo, n + 3, true);
	row->validate = bool_argument(fcinfo, n + 4, true);
}

/*
 * Raises feature_not_supported for a temporary table of another session, and
 * invalid_table_definition for a permanent model's relation to a temporary one.
 */
void
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
 * unless the name is free; added are columns that the model is to have.
 */
void
check_relation_name(const RelationRow *row, List *added)
{
	bool		is_column = get_attnum(row->model, row->name) > 0;

	if (row->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a relation must have a name")));
	if (is_column || list_has_name(added, row->name))
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

/* Is it a table that foreign keys can stand on and point to? */
bool
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
void
check_constraint_options(Declaration *decl)
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
 * Raises invalid_foreign_key when nothing makes the columns unique that a
 * foreign key is to point to.
 */
void
require_referable(Oid parent, List *parent_columns)
{
	if (!can_be_referenced(parent, parent_columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("nothing makes \"%s\" (%s) unique", model_name(parent),
						format_column_list(parent_columns)),
				 find_unique(parent, parent_columns) != NULL
				 ? errdetail("A unique constraint that is deferrable, or on some of the columns only, will not do.")
				 : errdetail("A foreign key points to columns with a primary key or a unique constraint."),
				 errhint("Add a unique constraint there, or register the relation without a constraint: enforce => false.")));
}

/*
 * Raises wrong_object_type unless a foreign key can stand between the two.
 */
void
require_tables(Oid child, Oid parent)
{
	if (!is_plain_table(child) || !is_plain_table(parent))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("there can be no foreign key between \"%s\" and \"%s\"",
						model_name(child), model_name(parent)),
				 errdetail("Foreign keys stand between tables."),
				 errhint("Register the relation without a constraint: enforce => false.")));
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
 * The foreign key between these columns, found or made as was said.  Raises
 * object_not_in_prerequisite_state when the one that is there differs from
 * what is asked for, invalid_foreign_key when nothing makes the columns unique
 * that it would point to, insufficient_privilege when one has to be made and
 * the caller does not own the child.
 */
ForeignKey *
ensure_foreign_key(const Declaration *decl, Oid child, List *child_columns,
				   Oid parent, List *parent_columns, bool *created)
{
	const RelationRow *row = &decl->row;
	ForeignKey *fk;

	*created = false;
	fk = match_foreign_key(foreign_keys_between(child, parent), child_columns, parent_columns);
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
		return fk;
	}
	require_owner(child);
	require_referable(parent, parent_columns);
	fk = palloc0(sizeof(ForeignKey));
	fk->child = child;
	fk->child_columns = child_columns;
	fk->parent = parent;
	fk->parent_columns = parent_columns;
	fk->on_delete = decl->on_delete;
	fk->on_update = decl->on_update;
	fk->deferrable = row->defer != NULL;
	fk->deferred = decl->deferred;
	fk->validated = row->validate;
	if (fk->validated)
		tell_long_work("checking the foreign key of", fk->child);
	run_ddl(foreign_key_sql(fk));
	*created = true;
	return fk;
}

/* A catalog row as the result of a function that returns its type. */
Datum
relation_result(FunctionCallInfo fcinfo, HeapTuple row)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(desc);
	return heap_copy_tuple_as_datum(row, desc);
}
