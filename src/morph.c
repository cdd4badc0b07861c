/*
 * morph.c
 *	  Polymorphic references: what is wanted, against what is there.
 */
#include "relations.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "parser/parse_coerce.h"
#include "parser/scansup.h"
#include "utils/lsyscache.h"

#include "foreign_code.h"
#include "morph.h"

/* Does a deletion need more than a foreign key on a generated column can do? */
bool
morph_delete_needs_trigger(const MorphType *type)
{
	char		action = parse_action(type->on_delete, "on_delete");

	return action == FKCONSTR_ACTION_SETNULL || action == FKCONSTR_ACTION_SETDEFAULT;
}

/* Does the change of a key? */
bool
morph_update_needs_trigger(const MorphType *type)
{
	char		action = parse_action(type->on_update, "on_update");

	return action == FKCONSTR_ACTION_CASCADE || action == FKCONSTR_ACTION_SETNULL ||
		action == FKCONSTR_ACTION_SETDEFAULT;
}

/* A type's name as SQL text, without its modifier; palloc'd. */
char *
morph_type_sql(Oid type)
{
	return format_type_with_typemod(type, -1);
}

/* The type of that value, or NULL. */
MorphType *
morph_find_type(List *types, const char *type)
{
	ListCell   *lc;

	foreach(lc, types)
	{
		if (strcmp(((MorphType *) lfirst(lc))->type, type) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* The type that stands for a table, or NULL. */
MorphType *
morph_find_related(List *types, Oid related)
{
	ListCell   *lc;

	foreach(lc, types)
	{
		if (((MorphType *) lfirst(lc))->related == related)
			return lfirst(lc);
	}
	return NULL;
}

/* Raises duplicate_object when a value or a table stands for something else. */
static void
check_clash(MorphPlan *plan, List *others, MorphType *wanted)
{
	MorphType  *same_type = morph_find_type(others, wanted->type);
	MorphType  *same_table = morph_find_related(others, wanted->related);

	if (same_type != NULL && same_type->related != wanted->related)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("type \"%s\" of \"%s\" stands for table \"%s\" already",
						wanted->type, plan->morph, model_name(same_type->related)),
				 errdetail("\"%s\" holds the reference; \"%s\" needs a value of its own there.",
						   model_name(plan->holder), model_name(wanted->related)),
				 errhint("Choose another value for \"%s\".", model_name(wanted->related))));
	if (same_table != NULL && strcmp(same_table->type, wanted->type) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is type \"%s\" of \"%s\" already, it cannot be \"%s\" too",
						model_name(wanted->related), same_table->type, plan->morph, wanted->type),
				 errdetail("\"%s\" holds the reference.", model_name(plan->holder)),
				 errhint("Use the value \"%s\".", same_table->type)));
}

static pg_attribute_noreturn() void
type_differs(MorphPlan *plan, MorphType *type, const char *argument, const char *has, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("type \"%s\" of \"%s\" exists with another \"%s\"",
					type->type, plan->morph, argument),
			 errdetail("\"%s\" holds the reference: it has \"%s\", the declaration asks for \"%s\".",
					   model_name(plan->holder), has, wanted),
			 errhint("Leave \"%s\" out to use the type as it is.", argument)));
}

/*
 * Raises object_not_in_prerequisite_state when a type that is there differs
 * from what the declaration says.
 */
static void
check_existing(MorphPlan *plan, MorphType *type, MorphType *wanted)
{
	Declaration *decl = plan->decl;
	Oid			conoid = InvalidOid;
	ForeignKey *fk = NULL;
	char		on_delete = parse_action(type->on_delete, "on_delete");
	char		on_update = parse_action(type->on_update, "on_update");

	if (wanted->local_key != NIL && !same_columns(wanted->local_key, type->local_key))
		type_differs(plan, type, "local_key", format_column_list(type->local_key),
					 format_column_list(wanted->local_key));
	if (type->constraint_name != NULL)
		conoid = get_relation_constraint_oid(plan->holder, type->constraint_name, true);
	if (OidIsValid(conoid))
		fk = get_foreign_key(conoid);
	if (fk != NULL && !morph_delete_needs_trigger(type))
		on_delete = fk->on_delete;
	if (fk != NULL && !morph_update_needs_trigger(type))
		on_update = fk->on_update;
	if (decl->on_delete != '\0' && decl->on_delete != on_delete)
		type_differs(plan, type, "on_delete", action_name(on_delete), action_name(decl->on_delete));
	if (decl->on_update != '\0' && decl->on_update != on_update)
		type_differs(plan, type, "on_update", action_name(on_update), action_name(decl->on_update));
	if (decl->row.defer != NULL && fk != NULL &&
		(!fk->deferrable || fk->deferred != decl->deferred))
		type_differs(plan, type, "defer",
					 !fk->deferrable ? "not deferrable"
					 : fk->deferred ? "initially deferred" : "initially immediate",
					 decl->row.defer);
}

/* The key that a new type refers to: as said, else the primary key. */
static void
resolve_local_key(MorphType *type)
{
	ListCell   *lc;

	if (type->local_key == NIL)
		type->local_key = catalog_get_model(type->related)->primary_key;
	if (type->local_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" has no primary key for the polymorphic reference to point to",
						model_name(type->related)),
				 errhint("Give it one, or declare it from its side, with morph_many and local_key.")));
	foreach(lc, type->local_key)
		require_column(type->related, lfirst(lc), "local_key");
	if (!can_be_referenced(type->related, type->local_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("nothing makes \"%s\" (%s) unique", model_name(type->related),
						format_column_list(type->local_key)),
				 errdetail("A polymorphic reference stands on a foreign key, and that points to columns with a primary key or a unique constraint."),
				 errhint("Add a unique constraint there.")));
}

/*
 * The columns that hold a reference with such a key, as said, else by
 * convention: <morph>_type, <morph>_id, and <morph>_<column> for each column of
 * a key that has several.
 */
void
name_morph_columns(MorphPlan *plan, List *key)
{
	if (plan->type_column == NULL)
	{
		plan->type_column = psprintf("%s_type", plan->morph);
		truncate_identifier(plan->type_column, strlen(plan->type_column), false);
	}
	if (plan->id_columns == NIL)
	{
		ListCell   *lc;

		foreach(lc, key)
		{
			char	   *name = psprintf("%s_%s", plan->morph, list_length(key) == 1
										? "id" : (char *) lfirst(lc));

			truncate_identifier(name, strlen(name), false);
			plan->id_columns = lappend(plan->id_columns, name);
		}
	}
}

/* The reference's own columns: as they are, as said, or by convention. */
static void
resolve_columns(MorphPlan *plan)
{
	MorphType  *first = linitial(plan->existing != NIL ? plan->existing : plan->added);

	if (plan->existing != NIL)
	{
		if (plan->type_column != NULL && strcmp(plan->type_column, first->type_column) != 0)
			type_differs(plan, first, "type_column", first->type_column, plan->type_column);
		if (plan->id_columns != NIL && !list_same_names(plan->id_columns, first->id_columns))
			type_differs(plan, first, "id_column", format_column_list(first->id_columns),
						 format_column_list(plan->id_columns));
		plan->type_column = first->type_column;
		plan->id_columns = first->id_columns;
		return;
	}
	name_morph_columns(plan, first->local_key);
}

/* The type of a column, below its domains. */
Oid
morph_base_type(Oid relid, const char *column)
{
	return getBaseType(get_atttype(relid, get_attnum(relid, column)));
}

/*
 * May a column of this type hold the key of that one, so that no two values of
 * it stand for the same key?  Text holds every key; integers hold integers.
 */
static bool
can_hold(Oid column, Oid key)
{
	bool		integers = (column == INT2OID || column == INT4OID || column == INT8OID) &&
		(key == INT2OID || key == INT4OID || key == INT8OID);

	if (column == key || integers)
		return true;
	/* values are cast, and the casts of a type are its owner's code */
	return casts_trusted(column) && casts_trusted(key) &&
		(IsBinaryCoercible(key, column) || TypeCategory(column) == TYPCATEGORY_STRING);
}

/*
 * Raises undefined_column for a column that is not there and may not be added,
 * invalid_foreign_key when a key has more or fewer columns, datatype_mismatch
 * when a column cannot hold a type, or a key.
 */
static void
check_columns(MorphPlan *plan)
{
	List	   *all = list_concat(list_make1(plan->type_column), plan->id_columns);
	ListCell   *lc;

	foreach(lc, all)
	{
		if (plan->add_column && get_attnum(plan->holder, lfirst(lc)) == InvalidAttrNumber)
			plan->missing = lappend(plan->missing, lfirst(lc));
		else
			require_column(plan->holder, lfirst(lc),
						   foreach_current_index(lc) == 0 ? "type_column" : "id_column");
	}
	if (!list_has_name(plan->missing, plan->type_column))
	{
		Oid			type = morph_base_type(plan->holder, plan->type_column);

		if (TypeCategory(type) != TYPCATEGORY_STRING && TypeCategory(type) != TYPCATEGORY_ENUM)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of \"%s\" cannot hold the type of a polymorphic reference",
							plan->type_column, model_name(plan->holder)),
					 errdetail("It is of type %s; text, varchar or an enum can.", format_type_be(type))));
	}
	foreach(lc, plan->added)
	{
		MorphType  *type = lfirst(lc);
		ListCell   *i;
		ListCell   *l;

		if (list_length(type->local_key) != list_length(plan->id_columns))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_FOREIGN_KEY),
					 errmsg("columns (%s) of \"%s\" cannot hold the key (%s) of \"%s\"",
							format_column_list(plan->id_columns), model_name(plan->holder),
							format_column_list(type->local_key), model_name(type->related)),
					 errdetail("They differ in their number of columns.")));
		forboth(i, plan->id_columns, l, type->local_key)
		{
			Oid			column;
			Oid			key = morph_base_type(type->related, lfirst(l));

			if (list_has_name(plan->missing, lfirst(i)))
				continue;
			column = morph_base_type(plan->holder, lfirst(i));
			if (!can_hold(column, key))
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("column \"%s\" of \"%s\" cannot hold the key of \"%s\"",
								(char *) lfirst(i), model_name(plan->holder), model_name(type->related)),
						 errdetail("It is of type %s, the key \"%s\" of type %s.",
								   format_type_be(column), (char *) lfirst(l), format_type_be(key)),
						 casts_trusted(key) ? errhint("A column of type text holds keys of every type.")
						 : errhint("A key of this type needs a column of the same type.")));
		}
	}
}

/* An identifier's part made of a type's value: app\Models\Post: app_models_post */
static char *
fit_identifier(const char *value)
{
	char	   *result = palloc(strlen(value) + 8);
	char	   *out = result;

	for (const char *c = value; *c != '\0'; c++)
	{
		if (IS_HIGHBIT_SET(*c) || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))
			*out++ = *c;
		else if (*c >= 'A' && *c <= 'Z')
			*out++ = *c - 'A' + 'a';
		else if (out > result && out[-1] != '_')
			*out++ = '_';
	}
	while (out > result && out[-1] == '_')
		out--;
	*out = '\0';
	if (out == result)
		memcpy(result, "type", sizeof("type"));
	return result;
}

/* A name for a generated column that nothing bears. */
static char *
choose_column_name(MorphPlan *plan, const char *wanted, List *taken)
{
	for (int n = 0;; n++)
	{
		char		suffix[16] = "";
		int			length;
		char	   *name;

		if (n > 0)
			snprintf(suffix, sizeof(suffix), "_%d", n);
		length = pg_mbcliplen(wanted, strlen(wanted), NAMEDATALEN - 1 - strlen(suffix));
		name = psprintf("%.*s%s", length, wanted, suffix);
		if (get_attnum(plan->holder, name) == InvalidAttrNumber && !list_has_name(taken, name) &&
			catalog_find_relation(plan->holder, name) == NULL)
			return name;
	}
}

static void
name_generated_columns(MorphPlan *plan)
{
	List	   *taken = list_copy(plan->missing);
	ListCell   *lc;

	if (plan->decl->row.model == plan->holder)
		taken = lappend(taken, unconstify(char *, plan->decl->row.name));
	foreach(lc, plan->added)
	{
		MorphType  *type = lfirst(lc);
		ListCell   *l;

		foreach(l, type->local_key)
		{
			char	   *name = choose_column_name(plan, psprintf("%s_%s_%s", plan->morph,
																 fit_identifier(type->type),
																 (char *) lfirst(l)), taken);

			type->foreign_key = lappend(type->foreign_key, name);
			taken = lappend(taken, name);
		}
	}
}

/*
 * Raises feature_not_supported for an action that a trigger would have to do
 * on a partitioned table: a row that moves between partitions looks like one
 * that is deleted there.
 */
static void
check_actions(MorphPlan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->added)
	{
		MorphType  *type = lfirst(lc);

		if ((morph_delete_needs_trigger(type) || morph_update_needs_trigger(type)) &&
			get_rel_relkind(type->related) == RELKIND_PARTITIONED_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a polymorphic reference to partitioned table \"%s\" cannot follow it with on_delete \"%s\" and on_update \"%s\"",
							model_name(type->related),
							type->on_delete != NULL ? type->on_delete : "no action",
							type->on_update != NULL ? type->on_update : "no action"),
					 errhint("on_delete can be no action, restrict or cascade there, on_update no action or restrict.")));
	}
}

/*
 * Find what the reference has already and what has to be made for the wanted
 * types, and check it all.  The types are replaced by those of the catalog
 * where they are there.  Nothing is altered.
 *
 * Raises duplicate_object when a value stands for another table or a table for
 * another value, object_not_in_prerequisite_state when a type is there with
 * other options, undefined_column, undefined_object, invalid_foreign_key or
 * datatype_mismatch when columns or keys do not fit, wrong_object_type for what
 * is not a table, feature_not_supported for an action that cannot be done,
 * insufficient_privilege when there is something to alter in a table that the
 * caller does not own.
 */
void
resolve_morph(MorphPlan *plan)
{
	List	   *settled = NIL;
	ListCell   *lc;

	plan->existing = catalog_morph_types(plan->holder, plan->morph);
	foreach(lc, plan->types)
	{
		MorphType  *wanted = lfirst(lc);
		MorphType  *there;

		check_clash(plan, plan->existing, wanted);
		check_clash(plan, settled, wanted);
		there = morph_find_type(plan->existing, wanted->type);
		if (there != NULL)
		{
			check_existing(plan, there, wanted);
			lfirst(lc) = there;
		}
		else
		{
			if (!is_plain_table(wanted->related) || !is_plain_table(plan->holder))
				ereport(ERROR,
						(errcode(ERRCODE_WRONG_OBJECT_TYPE),
						 errmsg("there can be no polymorphic reference from \"%s\" to \"%s\"",
								model_name(plan->holder), model_name(wanted->related)),
						 errdetail("It stands on foreign keys, and these stand between tables.")));
			check_temporary(plan->holder, wanted->related);
			resolve_local_key(wanted);
			wanted->model = plan->holder;
			wanted->morph = pstrdup(plan->morph);
			wanted->on_delete = unconstify(char *, plan->decl->row.on_delete);
			wanted->on_update = unconstify(char *, plan->decl->row.on_update);
			plan->added = lappend(plan->added, wanted);
		}
		settled = lappend(settled, lfirst(lc));
	}
	if (plan->existing == NIL && plan->added == NIL)
		return;
	resolve_columns(plan);
	if (plan->added == NIL)
		return;
	require_owner(plan->holder);
	check_actions(plan);
	check_columns(plan);
	name_generated_columns(plan);
	foreach(lc, plan->added)
	{
		((MorphType *) lfirst(lc))->type_column = plan->type_column;
		((MorphType *) lfirst(lc))->id_columns = plan->id_columns;
	}
}
