/*
 * drop_relation.c
 *	  drop_relation: what a declaration created goes with it, or to others
 *	  that use it.
 */
#include "relations.h"

#include "catalog/dependency.h"
#include "catalog/index.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"

PG_FUNCTION_INFO_V1(relations_drop_relation);

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
