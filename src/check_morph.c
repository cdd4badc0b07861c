/*
 * check_morph.c
 *	  Is what a polymorphic reference stands on there?
 */
#include "relations.h"

#include "commands/trigger.h"
#include "utils/lsyscache.h"

#include "check.h"
#include "morph.h"

/* The type on whose generated columns a step of the relation stands, or NULL. */
MorphType *
check_morph_type(Check *check, RelationStep *step)
{
	ListCell   *lc;

	if (check->desc->morph == NULL)
		return NULL;
	foreach(lc, catalog_morph_types(STEP_CHILD(step), check->desc->morph))
	{
		MorphType  *type = lfirst(lc);

		if (type->related == STEP_PARENT(step) && same_columns(type->foreign_key, step->foreign_key))
			return type;
	}
	return NULL;
}

/* The columns of the type and of the key; a reference without them is none. */
static bool
check_reference(Check *check, MorphType *type)
{
	List	   *columns = lcons(type->type_column, list_copy(type->id_columns));
	const char *missing;

	if (columns_there(type->model, columns, &missing))
		return true;
	add_finding(check, "missing_column", SEVERITY_ERROR, call_statement("forget", type->model, missing),
				NO_CODE, MENDED_BY_REPAIR, "\"%s\" has no column \"%s\", which is part of polymorphic reference \"%s\"",
				model_name(type->model), missing, type->morph);
	return false;
}

/* The generated columns of a type. */
static void
check_generated(Check *check, MorphType *type)
{
	const char *missing;

	/* those of the key that they are made of may have gone, too */
	if (!columns_there(type->related, type->local_key, &missing))
		return;
	for (int i = 0; i < list_length(type->foreign_key); i++)
	{
		const char *column = list_nth(type->foreign_key, i);
		AttrNumber	attnum = get_attnum(type->model, column);
		MorphType	one = *type;

		one.foreign_key = list_make1(list_nth(type->foreign_key, i));
		one.id_columns = list_make1(list_nth(type->id_columns, i));
		one.local_key = list_make1(list_nth(type->local_key, i));
		if (attnum <= 0)
			add_finding(check, "missing_column", SEVERITY_ERROR,
						psprintf("ALTER TABLE %s %s", quoted_model_name(type->model), morph_columns_sql(&one)),
						list_make2_oid(type->model, type->related), MENDED_BY_REPAIR, "\"%s\" has no generated column \"%s\" for type \"%s\"",
						model_name(type->model), column, type->type);
		else if (get_attgenerated(type->model, attnum) == '\0')
			add_finding(check, "not_generated", SEVERITY_ERROR,
						psprintf("ALTER TABLE %s DROP COLUMN %s, %s", quoted_model_name(type->model),
								 quote_identifier(column), morph_columns_sql(&one)),
						list_make2_oid(type->model, type->related), MENDED_BY_HAND, "column \"%s\" of \"%s\" is no longer generated: it does not follow type \"%s\"",
						column, model_name(type->model), type->type);
	}
}

/* The check that lets only known types in. */
static void
check_types_check(Check *check, Oid holder, List *types)
{
	MorphType  *first = linitial(types);
	char	   *name = NULL;
	bool		validated;
	bool		there = OidIsValid(morph_find_check(holder, types, &name, &validated));

	if (!there)
	{
		name = first->check_name;
		add_finding(check, "missing_constraint", SEVERITY_ERROR,
					name == NULL ? NULL
					: psprintf("ALTER TABLE %s %s", quoted_model_name(holder), morph_check_sql(name, types, true)),
					list_make1_oid(holder), MENDED_BY_REPAIR, "\"%s\" has no check that lets only known types into \"%s\"",
					model_name(holder), first->type_column);
	}
	else if (!validated)
		add_finding(check, "not_valid", SEVERITY_WARNING,
					psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", quoted_model_name(holder),
							 quote_identifier(name)),
					list_make1_oid(holder), MENDED_BY_REPAIR, "check \"%s\" of \"%s\" is NOT VALID: rows that were there are not checked",
					name, model_name(holder));
	if (check->readable && (!there || !validated))
		check_unknown_types(check, first, morph_known_type_sql(holder, first->type_column, types));
}

/* Look at the polymorphic reference of the relation, whose tables are there. */
void
check_morph(Check *check)
{
	Oid			holder = morph_holder(check->desc);
	List	   *all = catalog_morph_types(holder, check->desc->morph);
	ListCell   *lc;

	if (all == NIL || !check_reference(check, linitial(all)))
		return;
	foreach(lc, morph_types_of(check->desc))
	{
		MorphType  *type = lfirst(lc);

		check_generated(check, type);
		if ((morph_delete_needs_trigger(type) || morph_update_needs_trigger(type)) &&
			!OidIsValid(get_trigger_oid(type->related, MORPH_TRIGGER, true)))
			add_finding(check, "missing_trigger", SEVERITY_ERROR, morph_trigger_sql(type->related),
						NO_CODE, MENDED_BY_REPAIR, "the trigger of \"%s\" is missing that clears or changes references to its rows",
						model_name(type->related));
	}
	check_types_check(check, holder, all);
}
