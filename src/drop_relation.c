/*
 * drop_relation.c
 *	  drop_relation: what a declaration created goes with it, or to others
 *	  that use it.
 */
#include "relations.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "arguments.h"
#include "bytes_table.h"
#include "catalog_write.h"
#include "constraint.h"
#include "counter_cache.h"
#include "morph.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_drop_relation);

/*
 * The table that a declaration may have altered: the one that holds the
 * foreign key, through a pivot the pivot.  A relation through a model has
 * created nothing, but may have inherited what stands on the tables of its
 * steps.
 */
static Oid
altered_table(const RelationDesc *desc, int step)
{
	return STEP_CHILD(&desc->steps[step]);
}

/* Where a descriptor keeps the constraint that was created for a step. */
static char **
created_constraint_of(RelationDesc *desc, int step)
{
	return step == 0 ? &desc->created_constraint : &desc->created_related_constraint;
}

static bool
same_name(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/*
 * The index of that name on a table, InvalidOid when there is none.  Indexes
 * are in the schema of their table.
 */
static Oid
index_of(Oid table, const char *name)
{
	Oid			index = get_relname_relid(name, get_rel_namespace(table));

	return OidIsValid(index) && IndexGetRelation(index, true) == table ? index : InvalidOid;
}

/*
 * The table that an index which a declaration created stands on, InvalidOid
 * when the index is gone.
 */
static Oid
table_of_index(const RelationDesc *desc, const char *name)
{
	for (int i = 0; name != NULL && i < desc->nsteps; i++)
	{
		if (OidIsValid(index_of(altered_table(desc, i), name)))
			return altered_table(desc, i);
	}
	return InvalidOid;
}

/*
 * The relations that a table takes part in, as a model, a related model, a
 * pivot or a through model; the one that goes is in the catalog no more.
 */
static List *
relations_on(Oid table)
{
	List	   *all = catalog_relations_of(table);
	BytesTable *met = bytes_table_create();
	StringInfoData key;
	List	   *result = NIL;
	ListCell   *lc;

	all = list_concat(all, catalog_relations_to(table));
	all = list_concat(all, catalog_relations_via(table));
	initStringInfo(&key);
	foreach(lc, all)
	{
		RelationDesc *desc = lfirst(lc);
		bool		found;

		key_start(&key, desc->model);
		key_add_name(&key, desc->name);
		(void) bytes_table_enter(met, &key, &found);
		if (!found)
			result = lappend(result, desc);
	}
	return result;
}

/* Hand a constraint to an heir that stands on it.  Is it one? */
static bool
take_constraint(RelationDesc *heir, Oid table, char **constraint)
{
	for (int i = 0; *constraint != NULL && i < heir->nsteps; i++)
	{
		if (altered_table(heir, i) == table &&
			same_name(*constraint, heir->steps[i].constraint_name))
		{
			*created_constraint_of(heir, i) = *constraint;
			*constraint = NULL;
			return true;
		}
	}
	return false;
}

/*
 * Hand an index to an heir that finds rows by it: by the foreign key of a
 * step that is not a belongs_to, or by either side of its pivot.
 */
static bool
take_index(RelationDesc *heir, Oid table, char **index)
{
	for (int i = 0; *index != NULL && i < heir->nsteps; i++)
	{
		RelationStep *step = &heir->steps[i];

		if (altered_table(heir, i) != table ||
			(step->belongs && !RELATION_HAS_PIVOT(heir->kind)) ||
			!index_leads_with(index_of(table, *index), step->foreign_key))
			continue;
		if (heir->created_index == NULL)
			heir->created_index = *index;
		else if (heir->nsteps == 2 && heir->created_second_index == NULL)
			heir->created_second_index = *index;
		else
			continue;
		*index = NULL;
		return true;
	}
	return false;
}

/* Hand added columns to an heir whose key, or whose pivot's columns, they are. */
static bool
take_columns(RelationDesc *heir, Oid table, RelationDesc *desc)
{
	bool		takes = false;

	if (desc->created_columns == NIL || heir->created_columns != NIL)
		return false;
	if (RELATION_HAS_PIVOT(desc->kind))
		takes = RELATION_HAS_PIVOT(heir->kind) && heir->via == table && heir->pivot_timestamps;
	else if (desc->morph != NULL)
		takes = !RELATION_HAS_PIVOT(heir->kind) && same_name(heir->morph, desc->morph) &&
			morph_holder(heir) == table;
	else
		takes = heir->nsteps == 1 && altered_table(heir, 0) == table &&
			same_columns(heir->foreign_key, desc->foreign_key);
	if (takes)
	{
		heir->created_columns = desc->created_columns;
		desc->created_columns = NIL;
	}
	return takes;
}

/*
 * Hand what a relation's declaration created to others that use it.  What was
 * handed over is taken out of the descriptor.
 */
static void
hand_over(RelationDesc *desc)
{
	List	   *tables = NIL;
	ListCell   *t;
	ListCell   *lc;

	for (int i = 0; i < desc->nsteps; i++)
		tables = list_append_unique_oid(tables, altered_table(desc, i));
	if (desc->morph != NULL)
		tables = list_append_unique_oid(tables, morph_holder(desc));
	foreach(t, tables)
	{
		Oid			table = lfirst_oid(t);

		foreach(lc, relations_on(table))
		{
			RelationDesc *heir = lfirst(lc);
			bool		changed = false;

			/* one that is not enforced uses the table itself, if that */
			if (desc->created_table && RELATION_HAS_PIVOT(heir->kind) && heir->via == table)
			{
				heir->created_table = true;
				desc->created_table = false;
				changed = true;
			}
			if (heir->enforce)
			{
				for (int i = 0; i < desc->nsteps; i++)
				{
					if (altered_table(desc, i) == table)
						changed |= take_constraint(heir, table, created_constraint_of(desc, i));
				}
				/* what makes a morph_one unique is of no use to others */
				if (table_of_index(desc, desc->created_index) == table &&
					(desc->kind != RELATION_MORPH_ONE || heir->kind == RELATION_MORPH_ONE))
					changed |= take_index(heir, table, &desc->created_index);
				if (table_of_index(desc, desc->created_second_index) == table)
					changed |= take_index(heir, table, &desc->created_second_index);
				changed |= take_columns(heir, table, desc);
			}
			if (changed)
				catalog_update_created(heir);
		}
	}
}

/* Has a table rows, whoever may see them? */
static bool
table_has_rows(Oid relid)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	bool		result = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, NoLock);
	return result;
}

/*
 * Drop the pivot table that a declaration created, unless it holds data or
 * takes part in other relations; a notice says so.  Is it gone?  Raises
 * insufficient_privilege when the caller does not own it, and whatever DROP
 * TABLE does.
 */
static bool
drop_pivot(RelationDesc *desc)
{
	List	   *others;

	if (!desc->created_table || get_rel_relkind(desc->via) != RELKIND_RELATION)
		return false;
	require_owner(desc->via);
	others = relations_on(desc->via);
	if (others != NIL || catalog_morph_types(desc->via, NULL) != NIL ||
		catalog_morph_types_to(desc->via) != NIL)
		ereport(NOTICE,
				(errmsg("table \"%s\" is kept, other relations use it", model_name(desc->via))));
	else if (table_has_rows(desc->via))
		ereport(NOTICE,
				(errmsg("table \"%s\" is kept, it holds data", model_name(desc->via))));
	else
	{
		run_ddl(psprintf("DROP TABLE %s", quoted_model_name(desc->via)));
		return true;
	}
	return false;
}

/* Drop an index, or the constraint that it is of, as far as it is there. */
static void
drop_created_index(RelationDesc *desc, const char *name)
{
	Oid			table = table_of_index(desc, name);
	Oid			index;

	if (!OidIsValid(table))
		return;
	index = index_of(table, name);
	if (OidIsValid(get_index_constraint(index)))
		run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT %s", quoted_model_name(table),
						 quote_identifier(name)));
	else
		run_ddl(psprintf("DROP INDEX %s", quoted_model_name(index)));
}

/*
 * Drop the table, or the constraints and the indexes, that a declaration
 * created, as far as they are there.  Columns hold data: a notice says that
 * they are kept.
 */
static void
drop_created(RelationDesc *desc)
{
	Oid			table;
	ListCell   *lc;

	if (drop_pivot(desc))
		return;
	for (int i = 0; i < desc->nsteps; i++)
	{
		const char *constraint = *created_constraint_of(desc, i);

		if (constraint != NULL)
			run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s",
							 quoted_model_name(altered_table(desc, i)),
							 quote_identifier(constraint)));
	}
	drop_created_index(desc, desc->created_index);
	drop_created_index(desc, desc->created_second_index);
	table = desc->nsteps == 0 ? desc->model : altered_table(desc, 0);
	foreach(lc, desc->created_columns)
	{
		if (get_attnum(table, lfirst(lc)) > 0)
			ereport(NOTICE,
					(errmsg("column \"%s\" of \"%s\" is kept, it holds data",
							(char *) lfirst(lc), model_name(table))));
	}
}

/*
 * Return the tables of a relation without those on which the caller has no
 * privilege any more: he cannot alter these, and must not lock them.
 */
static List *
lockable_tables(const RelationDesc *desc)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relation_tables(desc))
	{
		if (lfirst_oid(lc) == desc->model || may_lock_table(lfirst_oid(lc), AccessShareLock))
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

/* SQL: drop_relation(model, relation, drop_constraint) */
Datum
relations_drop_relation(PG_FUNCTION_ARGS)
{
	Oid			model;
	char	   *name;
	RelationDesc *desc;
	List	   *types = NIL;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model = PG_GETARG_OID(0);
	name = NameStr(*PG_GETARG_NAME(1));
	model_check(model);
	require_owner(model);
	desc = catalog_get_relation(model, name);
	lock_models(lockable_tables(desc));
	/* what was read before the lock may have changed */
	desc = catalog_get_relation(model, name);

	if (desc->morph != NULL)
		types = morph_types_of(desc);
	catalog_delete_relation(model, name);
	end_counting(desc);
	hand_over(desc);
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
	{
		/* a pivot goes when nothing uses it; an index that goes may be missed */
		if (RELATION_HAS_PIVOT(desc->kind))
			drop_unused_morph_types(morph_holder(desc), types);
		drop_created(desc);
		if (!RELATION_HAS_PIVOT(desc->kind))
			drop_unused_morph_types(morph_holder(desc), types);
	}
	PG_RETURN_VOID();
}
