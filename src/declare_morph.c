/*
 * declare_morph.c
 *	  morph_to, morph_one, morph_many, morph_to_many, morphed_by_many.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "arguments.h"
#include "inflect.h"
#include "key_resolution.h"
#include "morph.h"
#include "pivot.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_morph_to);
PG_FUNCTION_INFO_V1(relations_morph_one);
PG_FUNCTION_INFO_V1(relations_morph_many);
PG_FUNCTION_INFO_V1(relations_morph_to_many);
PG_FUNCTION_INFO_V1(relations_morphed_by_many);

/* order of the arguments of morph_to */
enum
{
	To_types = Arg_relation + 1,
	To_morph,
	To_type_column,
	To_id_column,
	To_on_delete,				/* and what take_constraint_options takes */
	To_add_column = To_on_delete + CONSTRAINT_ARGUMENTS,
	To_scope
};

/* order of the arguments of morph_one and morph_many */
enum
{
	Has_morph = Arg_related + 1,
	Has_type,
	Has_local_key,
	Has_type_column,
	Has_id_column,
	Has_on_delete,
	Has_add_column = Has_on_delete + CONSTRAINT_ARGUMENTS,
	Has_scope
};

/* order of the arguments of morph_to_many and morphed_by_many */
enum
{
	Many_morph = Arg_related + 1,
	Many_pivot_table,
	Many_type,
	Many_local_key,
	Many_related_key,
	Many_plain_foreign_key,		/* of the side that is not polymorphic */
	Many_type_column,
	Many_id_column,
	Many_pivot_columns,
	Many_pivot_timestamps,
	Many_on_delete,				/* and what take_constraint_options takes */
	Many_scope = Many_on_delete + CONSTRAINT_ARGUMENTS
};

/*
 * Raises feature_not_supported for a polymorphic relation that is not to be
 * enforced.
 */
static void
check_enforced(const RelationRow *row)
{
	if (!row->enforce)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a polymorphic relation is always enforced"),
				 errdetail("It is read through generated columns, and a foreign key stands on each."),
				 errhint("Leave out enforce; validate => false leaves the rows that are there unchecked.")));
}

/* Raises invalid_name unless a reference may bear the name. */
static void
check_morph_name(const char *morph)
{
	if (morph[0] == '\0' || strlen(morph) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not a name for a polymorphic reference", morph),
				 errdetail("It has between 1 and %d bytes.", NAMEDATALEN - 1)));
}

/* Raises invalid_parameter_value for a type that no column could tell. */
static void
check_type_value(const char *type)
{
	if (type[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the type of a polymorphic reference must not be empty")));
}

/* The argument type_column: one column, NULL when it is not said. */
static char *
type_column_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *columns = columns_argument(fcinfo, n, "type_column");

	if (list_length(columns) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is one column", "type_column")));
	return columns == NIL ? NULL : linitial(columns);
}

static MorphType *
new_type(const char *type, Oid related)
{
	MorphType  *result = palloc0(sizeof(MorphType));

	check_type_value(type);
	result->type = pstrdup(type);
	result->related = related;
	return result;
}

static pg_attribute_noreturn() void
bad_types(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"types\" is not a set of types"),
			 errdetail("%s", detail),
			 errhint("Write {\"post\": \"posts\", \"video\": \"media.videos\"}, or [\"posts\", \"media.videos\"].")));
}

/*
 * The table that a string of "types" names, in the model's schema when it is
 * not qualified.  Raises undefined_table when there is none, invalid_name or
 * syntax_error for what is no name, wrong_object_type for what is no model.
 */
static Oid
named_table(const JsonbValue *value, Oid model)
{
	char	   *text;
	RangeVar   *range;
	Oid			relid;

	if (value->type != jbvString)
		bad_types("A table is named by a string.");
	text = pnstrdup(value->val.string.val, value->val.string.len);
	range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(text)));
	if (range->schemaname == NULL)
		range->schemaname = get_namespace_name(get_rel_namespace(model));
	relid = RangeVarGetRelid(range, NoLock, true);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist", text),
				 errdetail("It is named by \"types\", and was looked for in schema \"%s\".",
						   range->schemaname)));
	model_check(relid);
	return relid;
}

/*
 * The argument types: an object of values and tables, or an array of tables,
 * whose values are their singular names.  Raises invalid_parameter_value for
 * anything else; see named_table for other errors.
 */
static List *
parse_types(Jsonb *types, Oid model)
{
	JsonbIterator *it = JsonbIteratorInit(&types->root);
	JsonbValue	value;
	JsonbIteratorToken token = JsonbIteratorNext(&it, &value, false);
	bool		object = token == WJB_BEGIN_OBJECT;
	List	   *result = NIL;

	if (token == WJB_BEGIN_ARRAY && value.val.array.rawScalar)
		bad_types("It is a scalar.");
	/* nested values come whole, and are refused as such */
	while ((token = JsonbIteratorNext(&it, &value, true)) == WJB_KEY || token == WJB_ELEM)
	{
		Oid			related;
		char	   *type = NULL;

		if (object)
		{
			type = pnstrdup(value.val.string.val, value.val.string.len);
			JsonbIteratorNext(&it, &value, true);
		}
		related = named_table(&value, model);
		result = lappend(result, new_type(object ? type : model_singular(related), related));
	}
	if (result == NIL)
		bad_types("It names no table.");
	return result;
}

static List *
referred_tables(List *types)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, types)
		result = lappend_oid(result, ((MorphType *) lfirst(lc))->related);
	return result;
}

static void
scope_error_context(void *arg)
{
	RelationDesc *relation = arg;

	errcontext("scope of relation \"%s\" of model \"%s\", which leads to all types of \"%s\"",
			   relation->name, relation->model_name, relation->morph);
}

/*
 * Relations that lead to all types of the reference will lead to the new ones
 * too.  Raises what query_check_scope raises when a scope does not fit them.
 */
static void
check_scopes_of_others(MorphPlan *plan)
{
	ListCell   *lc;
	ListCell   *type;

	foreach(lc, plan->added == NIL ? NIL : catalog_relations_of(plan->holder))
	{
		RelationDesc *relation = lfirst(lc);
		ErrorContextCallback callback;

		if (relation->kind != RELATION_MORPH_TO || relation->scope == NULL ||
			strcmp(relation->morph, plan->morph) != 0)
			continue;
		callback.callback = scope_error_context;
		callback.arg = relation;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		foreach(type, plan->added)
		{
			MorphType  *added = lfirst(type);

			query_check_scope(added->related, InvalidOid,
							  query_scope_of_type(relation->scope, added->type));
		}
		error_context_stack = callback.previous;
	}
}

/*
 * SQL: morph_to(model, relation, types, ...): a row of the model refers to a
 * row of one of several tables.
 */
Datum
relations_morph_to(PG_FUNCTION_ARGS)
{
	Declaration decl = {0};
	RelationRow *row = &decl.row;
	MorphPlan	plan = {0};
	ListCell   *lc;

	begin_declaration(&decl, fcinfo, RELATION_MORPH_TO, false);
	require_argument(fcinfo, To_types, "types");
	take_scope(&decl, fcinfo, To_scope);
	take_constraint_options(&decl, fcinfo, To_on_delete);
	row->morph = PG_ARGISNULL(To_morph) ? row->name : text_argument(fcinfo, To_morph);
	plan.decl = &decl;
	plan.holder = row->model;
	plan.morph = row->morph;
	plan.type_column = type_column_argument(fcinfo, To_type_column);
	plan.id_columns = key_argument(fcinfo, To_id_column, "id_column");
	plan.add_column = bool_argument(fcinfo, To_add_column, false);
	plan.make_index = true;

	check_constraint_options(&decl);
	check_enforced(row);
	check_relation_name(row, NIL);
	check_morph_name(row->morph);
	require_owner(row->model);
	plan.types = parse_types(PG_GETARG_JSONB_P(To_types), row->model);
	foreach(lc, referred_tables(plan.types))
		require_access(lfirst_oid(lc));
	lock_models(lappend_oid(referred_tables(plan.types), row->model));
	check_relation_name(row, NIL);
	resolve_morph(&plan);
	check_relation_name(row, plan.missing);
	/* the relation leads to all types of the reference, whoever declared them */
	if (row->scope != NULL)
	{
		List	   *names = NIL;

		foreach(lc, list_concat_copy(plan.existing, plan.added))
			names = lappend(names, ((MorphType *) lfirst(lc))->type);
		query_check_scope_types(row->scope, names);
		foreach(lc, list_concat_copy(plan.existing, plan.added))
		{
			MorphType  *type = lfirst(lc);

			query_check_scope(type->related, InvalidOid, query_scope_of_type(row->scope, type->type));
		}
	}
	check_scopes_of_others(&plan);

	make_morph(&plan);
	row->created_columns = plan.missing;
	return relation_result(fcinfo, catalog_insert_relation(row));
}

/* What the catalog says of the type of a table in a reference, else a new one. */
static MorphType *
type_of_model(MorphPlan *plan, Oid model, char *type)
{
	MorphType  *there;

	if (type != NULL)
		return new_type(type, model);
	there = morph_find_related(catalog_morph_types(plan->holder, plan->morph), model);
	return new_type(there != NULL ? there->type : model_singular(model), model);
}

/*
 * What morph_one and morph_many share: the related table holds the reference,
 * of which the model is one type.
 */
static Datum
declare_has(FunctionCallInfo fcinfo, RelationKind kind)
{
	Declaration decl = {0};
	RelationRow *row = &decl.row;
	MorphPlan	plan = {0};
	MorphType  *type;
	bool		unique;

	begin_declaration(&decl, fcinfo, kind, true);
	require_argument(fcinfo, Has_morph, "morph");
	take_scope(&decl, fcinfo, Has_scope);
	take_constraint_options(&decl, fcinfo, Has_on_delete);
	row->morph = text_argument(fcinfo, Has_morph);
	plan.decl = &decl;
	plan.holder = row->related;
	plan.morph = row->morph;
	plan.type_column = type_column_argument(fcinfo, Has_type_column);
	plan.id_columns = key_argument(fcinfo, Has_id_column, "id_column");
	plan.add_column = bool_argument(fcinfo, Has_add_column, false);

	check_constraint_options(&decl);
	check_enforced(row);
	check_morph_name(row->morph);
	require_owner(row->model);
	require_access(row->related);
	lock_models(list_make2_oid(row->model, row->related));
	check_relation_name(row, NIL);
	type = type_of_model(&plan, row->model, text_argument(fcinfo, Has_type));
	type->local_key = key_argument(fcinfo, Has_local_key, "local_key");
	plan.types = list_make1(type);
	unique = kind == RELATION_MORPH_ONE && !query_scope_has(row->scope, "order");
	plan.make_index = !unique;
	resolve_morph(&plan);
	if (row->related == row->model)
		check_relation_name(row, plan.missing);
	if (row->scope != NULL)
		query_check_scope(row->related, InvalidOid, row->scope);

	check_scopes_of_others(&plan);
	make_morph(&plan);
	type = linitial(plan.types);
	if (unique && find_unique(plan.holder, type->foreign_key) == NULL)
	{
		char	   *name;

		require_owner(plan.holder);
		run_ddl(unique_sql(plan.holder, type->foreign_key, &name));
		row->created_index = name;
	}
	row->local_key = type->local_key;
	row->foreign_key = type->foreign_key;
	row->constraint_name = type->constraint_name;
	row->created_columns = plan.missing;
	return relation_result(fcinfo, catalog_insert_relation(row));
}

/* SQL: morph_one(model, relation, related, morph, ...) */
Datum
relations_morph_one(PG_FUNCTION_ARGS)
{
	return declare_has(fcinfo, RELATION_MORPH_ONE);
}

/* SQL: morph_many(model, relation, related, morph, ...) */
Datum
relations_morph_many(PG_FUNCTION_ARGS)
{
	return declare_has(fcinfo, RELATION_MORPH_MANY);
}

/* ---------------------------------------------------------------------
 * Through a pivot that holds the reference
 * ---------------------------------------------------------------------
 */

/* A morph_to_many or its inverse under way. */
typedef struct MorphPivot
{
	Declaration decl;
	Pivot		pivot;
	const char *pivot_table;	/* as said, or NULL */
	MorphPlan	plan;			/* the polymorphic side */
	Oid			referred;		/* what that leads to */
	MorphType  *type;
	List	   *type_key;		/* of referred, NIL: not said */
	Keys		plain;			/* the other side */
} MorphPivot;

/* Find the pivot; see find_pivot and check_temporary for errors. */
static void
look_for_pivot(MorphPivot *many)
{
	RelationRow *row = &many->decl.row;
	Pivot	   *pivot = &many->pivot;

	find_pivot(pivot, row->model, many->pivot_table, NIL, plural_of(row->morph));
}

/* Find and lock it; somebody may make, drop or rename it while we wait. */
static void
lock_all(MorphPivot *many)
{
	RelationRow *row = &many->decl.row;
	Pivot	   *pivot = &many->pivot;
	List	   *relids = list_make2_oid(row->model, row->related);
	Oid			locked;

	look_for_pivot(many);
	check_found_pivot(pivot, row->model);
	locked = pivot->relid;
	lock_models_and_pivot(relids, locked);
	look_for_pivot(many);
	if (!OidIsValid(pivot->relid))
		lock_pivot_name(pivot);
	check_found_pivot(pivot, row->model);
	if (OidIsValid(pivot->relid) && pivot->relid != locked)
		lock_models(list_make1_oid(pivot->relid));
}

/* The key of one side of a pivot that is to be made; see no_primary_key. */
static List *
key_of_side(Keys *keys)
{
	ListCell   *lc;

	if (keys->local_key == NIL)
		keys->local_key = catalog_get_model(keys->parent)->primary_key;
	if (keys->local_key == NIL)
		no_primary_key(keys);
	foreach(lc, keys->local_key)
		require_column(keys->parent, lfirst(lc), keys->local_argument);
	require_referable(keys->parent, keys->local_key);
	return keys->local_key;
}

/*
 * Create the pivot: the key of the plain side, the type and the key of the
 * polymorphic side.  An integer key is held as bigint, for the types to come.
 * Raises invalid_parameter_value for an action that a primary key never has.
 */
static void
create_morph_pivot(MorphPivot *many)
{
	Pivot	   *pivot = &many->pivot;
	MorphPlan  *plan = &many->plan;
	Keys	   *plain = &many->plain;
	Keys		referred = {0};
	char		actions[] = {many->decl.on_delete, many->decl.on_update};
	ListCell   *f;
	ListCell   *l;

	for (int i = 0; i < 2; i++)
	{
		if (actions[i] == FKCONSTR_ACTION_SETNULL || actions[i] == FKCONSTR_ACTION_SETDEFAULT)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" cannot be \"%s\" for a pivot table that is created",
							i == 0 ? "on_delete" : "on_update", action_name(actions[i])),
					 errdetail("Its columns are its primary key, and never null."),
					 errhint("Its values are: no action, restrict, cascade.")));
	}
	referred.parent = many->referred;
	referred.local_key = many->type_key;
	referred.local_argument = "local_key";
	many->type_key = key_of_side(&referred);
	key_of_side(plain);
	if (plain->foreign_key == NIL)
		plain->foreign_key = conventional_columns(model_singular(plain->parent), plain->local_key);
	check_key_lengths(plain);
	name_morph_columns(plan, many->type_key);
	if (list_length(plan->id_columns) != list_length(many->type_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("\"id_column\" (%s) and the key (%s) of \"%s\" differ in their number of columns",
						format_column_list(plan->id_columns), format_column_list(many->type_key),
						model_name(many->referred))));

	pivot->own = plain->foreign_key;
	forboth(f, plain->foreign_key, l, plain->local_key)
		pivot->own_definitions = lappend(pivot->own_definitions,
										 reference_column_sql(lfirst(f), plain->parent, lfirst(l)));
	pivot->related = lcons(plan->type_column, list_copy(plan->id_columns));
	pivot->related_definitions = list_make1(psprintf("%s text", quote_identifier(plan->type_column)));
	forboth(f, plan->id_columns, l, many->type_key)
	{
		Oid			key = morph_base_type(many->referred, lfirst(l));

		pivot->related_definitions = lappend(pivot->related_definitions,
											 key == INT2OID || key == INT4OID
											 ? psprintf("%s bigint", quote_identifier(lfirst(f)))
											 : reference_column_sql(lfirst(f), many->referred, lfirst(l)));
	}
	create_pivot(pivot, &many->decl.row);
}

/* Raises wrong_object_type for a side that no foreign key can lead to. */
static void
check_side(Oid relid)
{
	if (!is_plain_table(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("there can be no foreign key from a pivot table to \"%s\"", model_name(relid)),
				 errdetail("Foreign keys stand between tables.")));
}

/* Did a declaration create the pivot, this one or an earlier one? */
static bool
pivot_was_created(Oid relid)
{
	ListCell   *lc;

	foreach(lc, catalog_relations_via(relid))
	{
		if (((RelationDesc *) lfirst(lc))->created_table)
			return true;
	}
	return false;
}

/*
 * The plain side of a pivot that is there.  When both sides are one table its
 * foreign keys do not tell them apart, and the conventional name does.
 */
static void
resolve_plain_side(MorphPivot *many)
{
	Keys	   *plain = &many->plain;

	plain->child = many->pivot.relid;
	if (plain->foreign_key == NIL && plain->parent == many->referred)
	{
		List	   *key = plain->local_key != NIL ? plain->local_key
			: catalog_get_model(plain->parent)->primary_key;

		plain->foreign_key = conventional_columns(model_singular(plain->parent), key);
	}
	resolve_keys(plain);
	require_tables(plain->child, plain->parent);
}

/* What both kinds share; the polymorphic side leads to the model, or to the related. */
static Datum
declare_many(FunctionCallInfo fcinfo, RelationKind kind)
{
	MorphPivot	many = {0};
	Declaration *decl = &many.decl;
	RelationRow *row = &decl->row;
	MorphPlan  *plan = &many.plan;
	Keys	   *plain = &many.plain;
	Pivot	   *pivot = &many.pivot;
	bool		to_many = kind == RELATION_MORPH_TO_MANY;
	const char *key_arguments[] = {"local_key", "related_key"};
	ForeignKey *fk;
	bool		created;
	Declaration cascading;

	begin_declaration(decl, fcinfo, kind, true);
	require_argument(fcinfo, Many_morph, "morph");
	take_scope(decl, fcinfo, Many_scope);
	take_constraint_options(decl, fcinfo, Many_on_delete);
	row->morph = text_argument(fcinfo, Many_morph);
	row->pivot_columns = columns_argument(fcinfo, Many_pivot_columns, "pivot_columns");
	row->pivot_timestamps = bool_argument(fcinfo, Many_pivot_timestamps, false);
	many.pivot_table = text_argument(fcinfo, Many_pivot_table);
	many.referred = to_many ? row->model : row->related;
	many.type_key = key_argument(fcinfo, to_many ? Many_local_key : Many_related_key,
								 key_arguments[to_many ? 0 : 1]);
	plain->parent = to_many ? row->related : row->model;
	plain->local_argument = key_arguments[to_many ? 1 : 0];
	plain->local_key = key_argument(fcinfo, to_many ? Many_related_key : Many_local_key,
									plain->local_argument);
	plain->foreign_argument = to_many ? "pivot_related_foreign_key" : "pivot_foreign_key";
	plain->foreign_key = key_argument(fcinfo, Many_plain_foreign_key, plain->foreign_argument);
	plan->morph = row->morph;
	plan->type_column = type_column_argument(fcinfo, Many_type_column);
	plan->id_columns = key_argument(fcinfo, Many_id_column, "id_column");
	plan->make_index = true;

	check_constraint_options(decl);
	check_enforced(row);
	check_morph_name(row->morph);
	check_temporary(row->model, row->related);
	require_owner(row->model);
	require_access(row->related);
	lock_all(&many);
	check_relation_name(row, NIL);
	check_pivot_key(row);
	check_side(row->model);
	check_side(row->related);
	check_pivot_columns(pivot, row);

	/* an error from here on takes back what was made before it */
	if (!OidIsValid(pivot->relid))
		create_morph_pivot(&many);
	if (row->scope != NULL)
		query_check_scope(row->related, pivot->relid, row->scope);
	plan->holder = row->pivot_table = pivot->relid;
	many.type = type_of_model(plan, many.referred, text_argument(fcinfo, Many_type));
	many.type->local_key = many.type_key;
	plan->types = list_make1(many.type);
	/* what is nothing but the two keys goes with either row */
	cascading = *decl;
	if (decl->on_delete == '\0')
	{
		cascading.on_delete = FKCONSTR_ACTION_CASCADE;
		cascading.row.on_delete = action_name(FKCONSTR_ACTION_CASCADE);
	}
	plan->decl = decl;
	if (row->created_table ||
		(pivot_was_created(pivot->relid) &&
		 morph_find_related(catalog_morph_types(plan->holder, plan->morph), many.referred) == NULL))
		plan->decl = &cascading;
	resolve_plain_side(&many);
	resolve_morph(plan);
	if (!row->created_table)
		ensure_pivot_timestamps(pivot, row);
	check_scopes_of_others(plan);
	make_morph(plan);
	many.type = linitial(plan->types);
	fk = ensure_foreign_key(row->created_table ? &cascading : decl, plain->child, plain->foreign_key,
							plain->parent, plain->local_key, &created);
	pivot->own = fk->child_columns;
	pivot->related = many.type->foreign_key;
	ensure_pivot_indexes(pivot, row);

	row->local_key = to_many ? many.type->local_key : fk->parent_columns;
	row->related_key = to_many ? fk->parent_columns : many.type->local_key;
	row->pivot_foreign_key = to_many ? many.type->foreign_key : fk->child_columns;
	row->pivot_related_foreign_key = to_many ? fk->child_columns : many.type->foreign_key;
	row->constraint_name = to_many ? many.type->constraint_name : fk->name;
	row->related_constraint_name = to_many ? fk->name : many.type->constraint_name;
	if (created && to_many)
		row->created_related_constraint = fk->name;
	else if (created)
		row->created_constraint = fk->name;
	return relation_result(fcinfo, catalog_insert_relation(row));
}

/* SQL: morph_to_many(model, relation, related, morph, ...) */
Datum
relations_morph_to_many(PG_FUNCTION_ARGS)
{
	return declare_many(fcinfo, RELATION_MORPH_TO_MANY);
}

/* SQL: morphed_by_many(model, relation, related, morph, ...) */
Datum
relations_morphed_by_many(PG_FUNCTION_ARGS)
{
	return declare_many(fcinfo, RELATION_MORPHED_BY_MANY);
}
