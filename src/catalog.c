/*
 * catalog.c
 *	  Descriptors of models and relations, read from the extension's catalog.
 *
 * The catalog is read with the catalog snapshot, as PostgreSQL reads its own,
 * so that a session sees what it has just declared and what others have
 * committed.  Nothing is cached here: who caches what is made of descriptors
 * (the read plans) listens to relcache invalidations, which every change of
 * the catalog tables sends (relations_catalog_changed).
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "replication/logicalworker.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "catalog.h"
#include "constraint.h"
#include "follow_pending.h"
#include "relation_key.h"
#include "version.h"
#include "table_lock.h"

/* columns of relations.relation, see relations--1.0.sql */
enum
{
	Anum_model = 1,
	Anum_relation,
	Anum_kind,
	Anum_related,
	Anum_local_key,
	Anum_foreign_key,
	Anum_through,
	Anum_through_local_key,
	Anum_through_foreign_key,
	Anum_steps,
	Anum_pivot_table,
	Anum_pivot_foreign_key,
	Anum_pivot_related_foreign_key,
	Anum_related_key,
	Anum_pivot_columns,
	Anum_pivot_timestamps,
	Anum_morph,
	Anum_scope,
	Anum_on_delete,
	Anum_on_update,
	Anum_defer,
	Anum_enforce,
	Anum_validate,
	Anum_touch,
	Anum_counter_cache,
	Anum_constraint_name,
	Anum_related_constraint_name,
	Anum_created_constraint,
	Anum_created_related_constraint,
	Anum_created_index,
	Anum_created_second_index,
	Anum_created_columns,
	Anum_created_table
};

/* columns of relations.morph_type */
enum
{
	Anum_morph_model = 1,
	Anum_morph_morph,
	Anum_morph_type,
	Anum_morph_related,
	Anum_morph_local_key,
	Anum_morph_type_column,
	Anum_morph_id_columns,
	Anum_morph_foreign_key,
	Anum_morph_on_delete,
	Anum_morph_on_update,
	Anum_morph_constraint_name,
	Anum_morph_check_name,
	Anum_morph_created_index
};

/* columns of relations.model */
enum
{
	Anum_model_model = 1,
	Anum_model_name,
	Anum_model_primary_key,
	Anum_model_hidden
};

static const char *const kind_names[] = {
	[RELATION_HAS_ONE] = "has_one",
	[RELATION_HAS_MANY] = "has_many",
	[RELATION_BELONGS_TO] = "belongs_to",
	[RELATION_MANY_TO_MANY] = "many_to_many",
	[RELATION_HAS_ONE_THROUGH] = "has_one_through",
	[RELATION_HAS_MANY_THROUGH] = "has_many_through",
	[RELATION_MORPH_TO] = "morph_to",
	[RELATION_MORPH_ONE] = "morph_one",
	[RELATION_MORPH_MANY] = "morph_many",
	[RELATION_MORPH_TO_MANY] = "morph_to_many",
	[RELATION_MORPHED_BY_MANY] = "morphed_by_many",
};

PG_FUNCTION_INFO_V1(relations_catalog_changed);
PG_FUNCTION_INFO_V1(relations_catalog_row);

/* The name of a kind as it stands in the catalog; a constant. */
const char *
relation_kind_name(RelationKind kind)
{
	return kind_names[kind];
}

static RelationKind
parse_kind(const char *name)
{
	for (int i = 0; name != NULL && i < (int) lengthof(kind_names); i++)
	{
		if (strcmp(name, kind_names[i]) == 0)
			return (RelationKind) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("relation kind \"%s\" is unknown to this version of the library",
					name != NULL ? name : "null"),
			 errhint("Restart the session after ALTER EXTENSION relations UPDATE.")));
}

/*
 * Return the schema of the extension, or InvalidOid if no schema of its name
 * exists or if that is not a member of the extension.  The tables in a schema
 * that somebody else has created under the name could be anything.
 */
static Oid
extension_schema(void)
{
	static Oid	known = InvalidOid;
	Oid			nspid = get_namespace_oid(RELATIONS_SCHEMA, true);
	Oid			extension;

	if (!OidIsValid(nspid) || nspid == known)
		return nspid;
	extension = get_extension_oid("relations", true);
	if (!OidIsValid(extension) || getExtensionOfObject(NamespaceRelationId, nspid) != extension)
		return InvalidOid;
	known = nspid;
	return nspid;
}

/* A table of the extension, or InvalidOid. */
Oid
catalog_find_table(const char *name)
{
	Oid			nspid = extension_schema();

	return OidIsValid(nspid) ? get_relname_relid(name, nspid) : InvalidOid;
}

/*
 * The OID of a table of the extension's schema.  Raises undefined_table when
 * the extension is not installed in this database, and what require_version
 * does.
 */
Oid
catalog_table_oid(const char *name)
{
	Oid			relid;

	require_version();
	relid = catalog_find_table(name);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s.%s\" of extension \"%s\" does not exist",
						RELATIONS_SCHEMA, name, "relations"),
				 errhint("Run CREATE EXTENSION relations in this database; if its schema was renamed, give it back its name.")));
	return relid;
}

/* The OID of relations.relation; see catalog_table_oid for errors. */
Oid
catalog_relation_oid(void)
{
	return catalog_table_oid("relation");
}

/* The OID of relations.model; see catalog_table_oid for errors. */
Oid
catalog_model_oid(void)
{
	return catalog_table_oid("model");
}

/* The OID of relations.morph_type; see catalog_table_oid for errors. */
Oid
catalog_morph_type_oid(void)
{
	return catalog_table_oid("morph_type");
}

/* The OID of relations.graph_view; see catalog_table_oid for errors. */
Oid
catalog_graph_view_oid(void)
{
	return catalog_table_oid("graph_view");
}

/*
 * Statement trigger of the catalog tables: every session, this one included,
 * is told that the table changed when the change commits (this one at once).
 */
Datum
relations_catalog_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"relations.catalog_changed")));
	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

/*
 * Row trigger of the catalog tables: declarations are a server's own, as its
 * tables are.  What a publication of all tables sends of another server's is
 * passed over: its tables and their OIDs are others, and a declaration that is
 * here too would end the subscription.
 */
Datum
relations_catalog_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager for a row",
						"relations.catalog_row")));
	if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)
						   ? trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/*
 * A native foreign key knows its columns by number: what it says of their
 * names is true after any renaming.  The lists are left alone when there is no
 * such foreign key from child to parent.
 */
static void
read_keys_from_constraint(Oid child, Oid parent, const char *name,
						  List **foreign_key, List **local_key)
{
	Oid			conoid;
	HeapTuple	tup;
	Form_pg_constraint con;

	if (name == NULL)
		return;
	conoid = get_relation_constraint_oid(child, name, true);
	if (!OidIsValid(conoid))
		return;
	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	if (!HeapTupleIsValid(tup))
		return;
	con = (Form_pg_constraint) GETSTRUCT(tup);
	if (con->contype == CONSTRAINT_FOREIGN && con->confrelid == parent)
	{
		List	   *referring = constraint_columns(tup, Anum_pg_constraint_conkey, con->conrelid);
		List	   *referred = constraint_columns(tup, Anum_pg_constraint_confkey, con->confrelid);

		if (referring != NIL && list_length(referring) == list_length(referred))
		{
			*foreign_key = referring;
			*local_key = referred;
		}
	}
	ReleaseSysCache(tup);
}

/*
 * Return the value of a column of a catalog table that is declared NOT NULL.
 * Raises data_corrupted if it is null all the same.
 */
Datum
catalog_value(HeapTuple tup, AttrNumber attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		value = heap_getattr(tup, attnum, tupdesc, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column \"%s\" of a row of the catalog is null",
						NameStr(TupleDescAttr(tupdesc, attnum - 1)->attname)),
				 errdetail("The tables of schema \"%s\" must not be altered.", RELATIONS_SCHEMA)));
	return value;
}

static char *
get_name_attr(HeapTuple tup, int attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, tupdesc, &isnull);

	return isnull ? NULL : pstrdup(NameStr(*DatumGetName(d)));
}

static List *
get_names_attr(HeapTuple tup, int attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, tupdesc, &isnull);

	return isnull ? NIL : name_array_to_list(d);
}

static char *
get_text_attr(HeapTuple tup, int attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, tupdesc, &isnull);

	return isnull ? NULL : TextDatumGetCString(d);
}

static Oid
get_oid_attr(HeapTuple tup, int attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, tupdesc, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(d);
}

static bool
get_bool_attr(HeapTuple tup, int attnum, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		d = heap_getattr(tup, attnum, tupdesc, &isnull);

	return !isnull && DatumGetBool(d);
}

/*
 * Raise data_corrupted unless both keys of a stored relation can be keys and
 * pair.  The extension writes no other rows, but a restore or a superuser may.
 */
static void
check_stored_keys(Oid model, const char *name, List *foreign_key, List *local_key)
{
	if (!is_key(foreign_key) || list_length(foreign_key) != list_length(local_key))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("relation \"%s\" of model \"%s\" is corrupt in the catalog",
						name, model_name(model)),
				 errdetail("Its keys have %d and %d columns.",
						   list_length(foreign_key), list_length(local_key)),
				 errhint("Delete its row, then declare the relation again.")));
}

static void
set_step(RelationDesc *desc, int n, Oid from, Oid to, bool belongs,
		 List *foreign_key, List *local_key, char *constraint_name)
{
	RelationStep *step = &desc->steps[n];

	step->from = from;
	step->to = to;
	step->belongs = belongs;
	step->foreign_key = foreign_key;
	step->local_key = local_key;
	step->constraint_name = constraint_name;
	read_keys_from_constraint(STEP_CHILD(step), STEP_PARENT(step), constraint_name,
							  &step->foreign_key, &step->local_key);
	check_stored_keys(desc->model, desc->name, step->foreign_key, step->local_key);
	desc->nsteps = n + 1;
}

/* The way of a through relation, as its row says. */
static void
set_through_steps(RelationDesc *desc, HeapTuple tup, TupleDesc tupdesc)
{
	bool		belongs[2] = {false, false};
	ListCell   *lc;

	foreach(lc, get_names_attr(tup, Anum_steps, tupdesc))
	{
		if (foreach_current_index(lc) < 2)
			belongs[foreach_current_index(lc)] = parse_kind(lfirst(lc)) == RELATION_BELONGS_TO;
	}
	desc->via = get_oid_attr(tup, Anum_through, tupdesc);
	set_step(desc, 0, desc->model, desc->via, belongs[0],
			 get_names_attr(tup, Anum_foreign_key, tupdesc),
			 get_names_attr(tup, Anum_local_key, tupdesc), desc->constraint_name);
	set_step(desc, 1, desc->via, desc->related, belongs[1],
			 get_names_attr(tup, Anum_through_foreign_key, tupdesc),
			 get_names_attr(tup, Anum_through_local_key, tupdesc), desc->related_constraint_name);
}

/* The way of a relation through a pivot, as its row says. */
static void
set_pivot_steps(RelationDesc *desc, HeapTuple tup, TupleDesc tupdesc)
{
	desc->via = get_oid_attr(tup, Anum_pivot_table, tupdesc);
	set_step(desc, 0, desc->model, desc->via, false,
			 get_names_attr(tup, Anum_pivot_foreign_key, tupdesc),
			 get_names_attr(tup, Anum_local_key, tupdesc), desc->constraint_name);
	set_step(desc, 1, desc->via, desc->related, true,
			 get_names_attr(tup, Anum_pivot_related_foreign_key, tupdesc),
			 get_names_attr(tup, Anum_related_key, tupdesc), desc->related_constraint_name);
	desc->pivot_columns = get_names_attr(tup, Anum_pivot_columns, tupdesc);
	desc->pivot_timestamps = get_bool_attr(tup, Anum_pivot_timestamps, tupdesc);
	if (desc->pivot_timestamps)
	{
		const char *const stamps[] = {"created_at", "updated_at"};

		for (int i = 0; i < (int) lengthof(stamps); i++)
		{
			if (!list_has_name(desc->pivot_columns, stamps[i]))
				desc->pivot_columns = lappend(desc->pivot_columns, pstrdup(stamps[i]));
		}
	}
}

/* A type of a polymorphic reference, as a belongs_to of its own. */
static RelationDesc *
branch_from_type(RelationDesc *desc, MorphType *type)
{
	RelationDesc *branch = palloc0(sizeof(RelationDesc));

	branch->model = desc->model;
	branch->model_name = desc->model_name;
	branch->name = desc->name;
	branch->kind = RELATION_BELONGS_TO;
	branch->related = type->related;
	branch->enforce = true;
	branch->morph = desc->morph;
	branch->morph_type = type->type;
	branch->morph_type_column = type->type_column;
	branch->morph_id_columns = type->id_columns;
	branch->constraint_name = type->constraint_name;
	set_step(branch, 0, desc->model, type->related, true, type->foreign_key, type->local_key,
			 type->constraint_name);
	branch->foreign_key = branch->own_columns = branch->steps[0].foreign_key;
	branch->local_key = branch->other_columns = branch->steps[0].local_key;
	return branch;
}

/*
 * What the catalog says of the polymorphic reference that a relation uses:
 * the branches of a morph_to, the type of the others.
 */
static void
set_morph(RelationDesc *desc)
{
	Oid			holder = desc->kind == RELATION_MORPH_TO ? desc->model
		: OidIsValid(desc->via) ? desc->via : desc->related;
	Oid			referred = desc->kind == RELATION_MORPHED_BY_MANY ? desc->related : desc->model;
	ListCell   *lc;

	foreach(lc, catalog_morph_types(holder, desc->morph))
	{
		MorphType  *type = lfirst(lc);

		if (desc->kind == RELATION_MORPH_TO)
			desc->branches = lappend(desc->branches, branch_from_type(desc, type));
		else if (type->related != referred)
			continue;
		desc->morph_type = type->type;
		desc->morph_type_column = type->type_column;
		desc->morph_id_columns = type->id_columns;
	}
}

static RelationDesc *
desc_from_tuple(HeapTuple tup, TupleDesc tupdesc)
{
	RelationDesc *desc = palloc0(sizeof(RelationDesc));
	RelationStep *last;
	bool		isnull;
	Datum		d;

	desc->model = get_oid_attr(tup, Anum_model, tupdesc);
	desc->model_name = model_name(desc->model);
	desc->name = get_name_attr(tup, Anum_relation, tupdesc);
	desc->kind = parse_kind(get_text_attr(tup, Anum_kind, tupdesc));
	desc->related = get_oid_attr(tup, Anum_related, tupdesc);
	desc->morph = get_name_attr(tup, Anum_morph, tupdesc);
	d = heap_getattr(tup, Anum_scope, tupdesc, &isnull);
	if (!isnull)
		desc->scope = (Jsonb *) PG_DETOAST_DATUM_COPY(d);
	desc->enforce = get_bool_attr(tup, Anum_enforce, tupdesc);
	desc->touch = get_name_attr(tup, Anum_touch, tupdesc);
	desc->counter_cache = get_name_attr(tup, Anum_counter_cache, tupdesc);
	desc->constraint_name = get_name_attr(tup, Anum_constraint_name, tupdesc);
	desc->related_constraint_name = get_name_attr(tup, Anum_related_constraint_name, tupdesc);
	desc->created_constraint = get_name_attr(tup, Anum_created_constraint, tupdesc);
	desc->created_related_constraint = get_name_attr(tup, Anum_created_related_constraint, tupdesc);
	desc->created_index = get_name_attr(tup, Anum_created_index, tupdesc);
	desc->created_second_index = get_name_attr(tup, Anum_created_second_index, tupdesc);
	desc->created_columns = get_names_attr(tup, Anum_created_columns, tupdesc);
	desc->created_table = get_bool_attr(tup, Anum_created_table, tupdesc);

	if (RELATION_HAS_PIVOT(desc->kind))
		set_pivot_steps(desc, tup, tupdesc);
	else if (RELATION_IS_THROUGH(desc->kind))
		set_through_steps(desc, tup, tupdesc);
	else if (desc->kind != RELATION_MORPH_TO)
		set_step(desc, 0, desc->model, desc->related, desc->kind == RELATION_BELONGS_TO,
				 get_names_attr(tup, Anum_foreign_key, tupdesc),
				 get_names_attr(tup, Anum_local_key, tupdesc), desc->constraint_name);
	if (desc->morph != NULL)
		set_morph(desc);
	if (desc->nsteps == 0)
		return desc;

	last = &desc->steps[desc->nsteps - 1];
	desc->foreign_key = desc->steps[0].foreign_key;
	desc->local_key = desc->steps[0].local_key;
	desc->own_columns = STEP_FROM_COLUMNS(&desc->steps[0]);
	desc->other_columns = STEP_TO_COLUMNS(last);
	if (desc->nsteps == 2)
	{
		desc->via_own_columns = STEP_TO_COLUMNS(&desc->steps[0]);
		desc->via_other_columns = STEP_FROM_COLUMNS(last);
	}
	return desc;
}

/*
 * Return the rows of relations.relation in which the column anum is relid and,
 * unless name is NULL, the relation has that name; all rows if relid is
 * InvalidOid.  They are a list of RelationDesc, or with tuples of HeapTuple, in
 * the current memory context.
 */
static List *
scan_relations(AttrNumber anum, Oid relid, const char *name, bool tuples)
{
	Oid			catalog = catalog_relation_oid();
	Relation	rel = table_open(catalog, AccessShareLock);
	Oid			index = InvalidOid;
	ScanKeyData keys[2];
	NameData	namedata;
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	if (anum == Anum_model && OidIsValid(relid))
		index = relation_primary_key_index(rel);
	else if (anum == Anum_related)
		index = find_index_for(catalog, list_make1("related"), INDEX_FINDS_ROWS);
	ScanKeyInit(&keys[0], anum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	if (name != NULL)
	{
		namestrcpy(&namedata, name);
		ScanKeyInit(&keys[1], Anum_relation, BTEqualStrategyNumber, F_NAMEEQ,
					NameGetDatum(&namedata));
	}
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL,
							  !OidIsValid(relid) ? 0 : name != NULL ? 2 : 1, keys);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		tup = pending_current(rel, tup);
		if (tup != NULL)
			result = lappend(result, tuples ? (void *) heap_copytuple(tup)
							 : (void *) desc_from_tuple(tup, RelationGetDescr(rel)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Return a copy of the row of a relation, or NULL if it does not exist. */
HeapTuple
catalog_fetch_relation(Oid model, const char *name)
{
	List	   *found = scan_relations(Anum_model, model, name, true);

	return found == NIL ? NULL : linitial(found);
}

/* The descriptor of one relation, or NULL when the model has none so named. */
RelationDesc *
catalog_find_relation(Oid model, const char *name)
{
	List	   *found;

	if (strlen(name) >= NAMEDATALEN)
		return NULL;
	found = scan_relations(Anum_model, model, name, false);
	return found == NIL ? NULL : (RelationDesc *) linitial(found);
}

/*
 * Raise undefined_object for a relation that a model does not have, with the
 * near name as a hint.
 */
void
undefined_relation(Oid model, const char *name)
{
	List	   *names = NIL;
	ListCell   *lc;
	const char *near;

	foreach(lc, catalog_relations_of(model))
		names = lappend(names, ((RelationDesc *) lfirst(lc))->name);
	near = closest_name(name, names);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" has no relation \"%s\"", model_name(model), name),
			 near != NULL
			 ? errhint("Perhaps you meant the relation \"%s\".", near)
			 : names != NIL
			 ? errhint("Its relations are: %s.", format_column_list(names))
			 : errhint("It has no relations yet; declare one with relations.has_one, has_many or belongs_to.")));
}

/*
 * Return the descriptor of one relation.  Raises undefined_object, see
 * undefined_relation(), if the model has none of this name.
 */
RelationDesc *
catalog_get_relation(Oid model, const char *name)
{
	RelationDesc *desc = catalog_find_relation(model, name);

	if (desc == NULL)
		undefined_relation(model, name);
	return desc;
}

/* All relations that start from a model. */
List *
catalog_relations_of(Oid model)
{
	return scan_relations(Anum_model, model, NULL, false);
}

/* All relations, in no order. */
List *
catalog_all_relations(void)
{
	return scan_relations(Anum_model, InvalidOid, NULL, false);
}

/* All relations that lead to a model. */
List *
catalog_relations_to(Oid related)
{
	return scan_relations(Anum_related, related, NULL, false);
}

/* All relations that go through a table, a pivot or a through model. */
List *
catalog_relations_via(Oid relid)
{
	return list_concat(scan_relations(Anum_through, relid, NULL, false),
					   scan_relations(Anum_pivot_table, relid, NULL, false));
}

static MorphType *
morph_type_from_tuple(HeapTuple tup, TupleDesc tupdesc)
{
	MorphType  *type = palloc0(sizeof(MorphType));

	type->model = get_oid_attr(tup, Anum_morph_model, tupdesc);
	type->morph = get_name_attr(tup, Anum_morph_morph, tupdesc);
	type->type = get_text_attr(tup, Anum_morph_type, tupdesc);
	type->related = get_oid_attr(tup, Anum_morph_related, tupdesc);
	type->local_key = get_names_attr(tup, Anum_morph_local_key, tupdesc);
	type->type_column = get_name_attr(tup, Anum_morph_type_column, tupdesc);
	type->id_columns = get_names_attr(tup, Anum_morph_id_columns, tupdesc);
	type->foreign_key = get_names_attr(tup, Anum_morph_foreign_key, tupdesc);
	type->on_delete = get_text_attr(tup, Anum_morph_on_delete, tupdesc);
	type->on_update = get_text_attr(tup, Anum_morph_on_update, tupdesc);
	type->constraint_name = get_name_attr(tup, Anum_morph_constraint_name, tupdesc);
	type->check_name = get_name_attr(tup, Anum_morph_check_name, tupdesc);
	type->created_index = get_name_attr(tup, Anum_morph_created_index, tupdesc);
	read_keys_from_constraint(type->model, type->related, type->constraint_name,
							  &type->foreign_key, &type->local_key);
	check_stored_keys(type->model, type->morph, type->foreign_key, type->local_key);
	check_stored_keys(type->model, type->morph, type->id_columns, type->local_key);
	return type;
}

/* The rows of relations.morph_type in which the column anum is relid. */
static List *
scan_morph_types(AttrNumber anum, Oid relid, const char *morph)
{
	Relation	rel = table_open(catalog_morph_type_oid(), AccessShareLock);
	Oid			index = anum == Anum_morph_model ? relation_primary_key_index(rel) : InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	ScanKeyInit(&key, anum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		MorphType  *type;

		tup = pending_current(rel, tup);
		if (tup == NULL)
			continue;
		type = morph_type_from_tuple(tup, RelationGetDescr(rel));
		if (morph == NULL || strcmp(type->morph, morph) == 0)
			result = lappend(result, type);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * The types of a table's polymorphic reference, of all its references when
 * morph is NULL; a list of MorphType.
 */
List *
catalog_morph_types(Oid model, const char *morph)
{
	return scan_morph_types(Anum_morph_model, model, morph);
}

/* The types of polymorphic references that lead to a table. */
List *
catalog_morph_types_to(Oid related)
{
	return scan_morph_types(Anum_morph_related, related, NULL);
}

/* The columns of a table's primary key, in its order; NIL without one. */
List *
catalog_primary_key_columns(Oid relid)
{
	Relation	rel = try_peek_table(relid);
	List	   *result = NIL;

	if (rel == NULL)
		return NIL;
	if (rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		ListCell   *lc;

		foreach(lc, RelationGetIndexList(rel))
		{
			HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
			Form_pg_index index;

			if (!HeapTupleIsValid(tup))
				continue;
			index = (Form_pg_index) GETSTRUCT(tup);
			if (index->indisprimary)
			{
				for (int i = 0; i < index->indnkeyatts; i++)
				{
					char	   *name = get_attname(relid, index->indkey.values[i], true);

					/* dropped this moment, with the index */
					if (name == NULL)
					{
						result = NIL;
						break;
					}
					result = lappend(result, name);
				}
			}
			ReleaseSysCache(tup);
			if (result != NIL)
				break;
		}
	}
	RelationClose(rel);
	return result;
}

/* What is known of a model: from relations.model, else from the table. */
ModelDesc *
catalog_get_model(Oid relid)
{
	ModelDesc  *desc = palloc0(sizeof(ModelDesc));
	Relation	rel = table_open(catalog_model_oid(), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	ListCell   *lc;

	desc->relid = relid;
	ScanKeyInit(&key, Anum_model_model, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, relation_primary_key_index(rel), true, NULL, 1, &key);
	if (HeapTupleIsValid(tup = systable_getnext(scan)) && (tup = pending_current(rel, tup)) != NULL)
	{
		desc->singular = get_name_attr(tup, Anum_model_name, RelationGetDescr(rel));
		desc->primary_key = get_names_attr(tup, Anum_model_primary_key, RelationGetDescr(rel));
		desc->hidden = get_names_attr(tup, Anum_model_hidden, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (desc->primary_key == NIL)
		desc->primary_key = catalog_primary_key_columns(relid);
	else if (!is_key(desc->primary_key))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("model \"%s\" is corrupt in the catalog", model_name(relid)),
				 errdetail("Its primary key has %d columns.", list_length(desc->primary_key)),
				 errhint("Name its key again: SELECT relations.model('%s', primary_key => '...').",
						 model_name(relid))));
	foreach(lc, catalog_morph_types(relid, NULL))
		desc->hidden = list_concat(desc->hidden, ((MorphType *) lfirst(lc))->foreign_key);
	return desc;
}

/*
 * Raise undefined_object if a polymorphic relation has lost its types, which a
 * superuser can delete from the catalog.
 */
void
require_types(const RelationDesc *relation)
{
	if ((relation->morph != NULL || RELATION_IS_MORPH(relation->kind)) &&
		relation->morph_type_column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"%s\" of model \"%s\" has no types", relation->name,
						model_name(relation->model)),
				 errhint("Declare it again, with the types that it leads to.")));
}

/* The tables that a relation takes part in, without doubles. */
List *
relation_tables(const RelationDesc *desc)
{
	List	   *result = list_make1_oid(desc->model);
	ListCell   *lc;

	if (OidIsValid(desc->related))
		result = list_append_unique_oid(result, desc->related);
	if (OidIsValid(desc->via))
		result = list_append_unique_oid(result, desc->via);
	foreach(lc, desc->branches)
		result = list_append_unique_oid(result, ((RelationDesc *) lfirst(lc))->related);
	return result;
}
