/*
 * declare_morph.c
 *	  morph_to, morph_one, morph_many.
 */
#include "relations.h"

#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

#include "arguments.h"
#include "key_resolution.h"
#include "morph.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_morph_to);
PG_FUNCTION_INFO_V1(relations_morph_one);
PG_FUNCTION_INFO_V1(relations_morph_many);

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
	plan.id_columns = columns_argument(fcinfo, To_id_column, "id_column");
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
	if (row->scope != NULL)
	{
		foreach(lc, referred_tables(plan.types))
			query_check_scope(lfirst_oid(lc), row->scope);
	}

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
	plan.id_columns = columns_argument(fcinfo, Has_id_column, "id_column");
	plan.add_column = bool_argument(fcinfo, Has_add_column, false);

	check_constraint_options(&decl);
	check_enforced(row);
	check_morph_name(row->morph);
	require_owner(row->model);
	require_access(row->related);
	lock_models(list_make2_oid(row->model, row->related));
	check_relation_name(row, NIL);
	type = type_of_model(&plan, row->model, text_argument(fcinfo, Has_type));
	type->local_key = columns_argument(fcinfo, Has_local_key, "local_key");
	plan.types = list_make1(type);
	unique = kind == RELATION_MORPH_ONE && !query_scope_has(row->scope, "order");
	plan.make_index = !unique;
	resolve_morph(&plan);
	if (row->related == row->model)
		check_relation_name(row, plan.missing);
	if (row->scope != NULL)
		query_check_scope(row->related, row->scope);

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
