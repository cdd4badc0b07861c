/*
 * ddl_watch.c
 *	  Event triggers: the catalog follows what is renamed and what is dropped.
 *
 * They run in every session of the database, for every user, and while a dump
 * is restored.  So they return at once when the command or the catalog gives
 * them nothing to do, read and write with the rights of the catalog's owner,
 * and never fail the user's command: what goes wrong is a warning.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "catalog_write.h"
#include "constraint.h"
#include "morph_watch.h"
#include "scope_rename.h"

PG_FUNCTION_INFO_V1(relations_follow_drop);
PG_FUNCTION_INFO_V1(relations_follow_ddl);

/* SQL: where the foreign key of a row r is, and what it points to */
#define SQL_CHILD "(CASE r.kind WHEN 'belongs_to' THEN r.model ELSE r.related END)"
#define SQL_PARENT "(CASE r.kind WHEN 'belongs_to' THEN r.related ELSE r.model END)"

static EventTriggerData *
event_data(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"relations.%s\" was not called by event trigger manager", name)));
	return (EventTriggerData *) fcinfo->context;
}

static bool
has_rows(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	bool		result = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Is there anything that could have to follow?  Not before a restore has
 * loaded the catalog, and not while DROP EXTENSION takes it away.
 */
static bool
catalog_has_rows(void)
{
	Oid			nspid = get_namespace_oid(RELATIONS_SCHEMA, true);
	Oid			relation;
	Oid			model;
	Oid			morph_type;

	if (!OidIsValid(nspid))
		return false;
	relation = get_relname_relid("relation", nspid);
	model = get_relname_relid("model", nspid);
	morph_type = get_relname_relid("morph_type", nspid);
	if (!OidIsValid(relation) || !OidIsValid(model) || !OidIsValid(morph_type))
		return false;
	return has_rows(relation) || has_rows(model) || has_rows(morph_type);
}

/*
 * Run the work in a subtransaction.  What it raises becomes a warning, unless
 * the command is to be cancelled.
 */
static void
run_guarded(void (*work) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("the catalog of relations could not follow the command: %s", error->message)));
	}
	PG_END_TRY();
}

/* ---------------------------------------------------------------------
 * What is dropped
 * ---------------------------------------------------------------------
 */

/* SQL: the objects that the command dropped, by kind */
#define SQL_DROPPED_TABLES \
	"WITH dropped AS (SELECT objid, object_name AS name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects()" \
	" WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid = 0)"
#define SQL_DROPPED_COLUMNS \
	"WITH dropped AS (SELECT objid, address_names[3]::pg_catalog.name AS name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects()" \
	" WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid > 0)"
#define SQL_DROPPED_CONSTRAINTS \
	"WITH dropped AS (SELECT c.oid AS child, d.address_names[3]::pg_catalog.name AS name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d" \
	" JOIN pg_catalog.pg_namespace n ON n.nspname = d.address_names[1]" \
	" JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.address_names[2]" \
	" WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)"
#define SQL_DROPPED_INDEXES \
	"WITH dropped AS (SELECT n.oid AS nspid, d.object_name::pg_catalog.name AS name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d" \
	" JOIN pg_catalog.pg_namespace n ON n.nspname = d.schema_name" \
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
	" AND d.objsubid = 0 AND d.object_type = 'index'" \
	" AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class i" \
	" WHERE i.relnamespace = n.oid AND i.relname = d.object_name))"

/* The relations of dropped tables go, in both directions. */
static void
follow_dropped_tables(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings(SQL_DROPPED_TABLES
								", gone AS (DELETE FROM relations.relation r USING dropped d"
								" WHERE d.objid IN (r.model, r.related)"
								" RETURNING r.model, r.relation)"
								" SELECT g.relation, COALESCE(d.name, c.relname)"
								" FROM gone g LEFT JOIN dropped d ON d.objid = g.model"
								" LEFT JOIN pg_catalog.pg_class c ON c.oid = g.model"
								" ORDER BY 2, 1", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on", row[0], row[1])));
	}
	catalog_query(SQL_DROPPED_TABLES
				  " DELETE FROM relations.model m USING dropped d WHERE d.objid = m.model",
				  0, NULL, NULL, NULL);
}

/* So do relations whose key had a column that is dropped. */
static void
follow_dropped_columns(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings(SQL_DROPPED_COLUMNS
								", gone AS (DELETE FROM relations.relation r USING dropped d"
								" WHERE (d.objid = " SQL_CHILD " AND d.name = ANY (r.foreign_key))"
								" OR (d.objid = " SQL_PARENT " AND d.name = ANY (r.local_key))"
								" RETURNING r.model, r.relation)"
								" SELECT g.relation, m.relname FROM gone g"
								" LEFT JOIN pg_catalog.pg_class m ON m.oid = g.model"
								" ORDER BY 2, 1", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on", row[0], row[1])));
	}
	catalog_query(SQL_DROPPED_COLUMNS
				  " UPDATE relations.relation r SET created_columns = NULLIF(ARRAY("
				  " SELECT u.name FROM unnest(r.created_columns) WITH ORDINALITY u (name, n)"
				  " WHERE (" SQL_CHILD "::oid, u.name) NOT IN (SELECT objid, name FROM dropped)"
				  " ORDER BY u.n), '{}')"
				  " WHERE EXISTS (SELECT 1 FROM dropped d WHERE d.objid = " SQL_CHILD
				  " AND d.name = ANY (r.created_columns))", 0, NULL, NULL, NULL);
	catalog_query(SQL_DROPPED_COLUMNS
				  " UPDATE relations.model m SET"
				  " primary_key = CASE WHEN EXISTS (SELECT 1 FROM dropped d WHERE d.objid = m.model"
				  " AND d.name = ANY (m.primary_key)) THEN NULL ELSE m.primary_key END,"
				  " hidden = NULLIF(ARRAY("
				  " SELECT u.name FROM unnest(m.hidden) WITH ORDINALITY u (name, n)"
				  " WHERE (m.model::oid, u.name) NOT IN (SELECT objid, name FROM dropped)"
				  " ORDER BY u.n), '{}')"
				  " WHERE EXISTS (SELECT 1 FROM dropped d WHERE d.objid = m.model"
				  " AND (d.name = ANY (m.primary_key) OR d.name = ANY (m.hidden)))",
				  0, NULL, NULL, NULL);
	catalog_query("DELETE FROM relations.model"
				  " WHERE name IS NULL AND primary_key IS NULL AND hidden IS NULL",
				  0, NULL, NULL, NULL);
}

/*
 * A relation whose foreign key constraint is dropped stays, and stands on
 * another constraint of the same columns if there is one: the command may have
 * put it in the place of the old one.  Else it is no longer enforced.
 */
static void
follow_dropped_constraints(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings(SQL_DROPPED_CONSTRAINTS
								", freed AS (UPDATE relations.relation r"
								" SET enforce = false, constraint_name = NULL, created_constraint = NULL"
								" FROM dropped d WHERE d.child = " SQL_CHILD
								" AND d.name = r.constraint_name"
								" RETURNING r.model, r.relation)"
								" SELECT f.model::oid, f.relation FROM freed f"
								" JOIN pg_catalog.pg_class c ON c.oid = f.model"
								" ORDER BY c.relname, 2", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		RelationDesc *desc = catalog_find_relation(atooid(row[0]), row[1]);
		ForeignKey *fk;

		if (desc == NULL)
			continue;
		fk = match_foreign_key(foreign_keys_between(CHILD_OF(desc), PARENT_OF(desc)),
							   desc->foreign_key, desc->local_key);
		if (fk != NULL)
		{
			desc->enforce = true;
			desc->constraint_name = fk->name;
			catalog_update_created(desc);
		}
		else
			ereport(NOTICE,
					(errmsg("relation \"%s\" of model \"%s\" is no longer enforced",
							desc->name, model_name(desc->model))));
	}
}

/* An index that is gone was created by nobody. */
static void
follow_dropped_indexes(void)
{
	catalog_query(SQL_DROPPED_INDEXES
				  " UPDATE relations.relation r SET created_index = NULL"
				  " FROM dropped d, pg_catalog.pg_class c"
				  " WHERE c.oid = " SQL_CHILD " AND c.relnamespace = d.nspid"
				  " AND r.created_index = d.name", 0, NULL, NULL, NULL);
}

static void
follow_drop(void *arg pg_attribute_unused())
{
	char	  **found;

	found = linitial(catalog_strings("SELECT count(*) FILTER (WHERE"
									 " classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid = 0),"
									 " count(*) FILTER (WHERE"
									 " classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid > 0),"
									 " count(*) FILTER (WHERE"
									 " classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)"
									 " FROM pg_catalog.pg_event_trigger_dropped_objects()",
									 0, NULL, NULL));
	if (strcmp(found[0], "0") != 0)
	{
		follow_dropped_tables();
		morph_follow_dropped_tables();
	}
	if (strcmp(found[1], "0") != 0)
	{
		follow_dropped_columns();
		morph_follow_dropped_columns();
	}
	if (strcmp(found[2], "0") != 0)
	{
		follow_dropped_constraints();
		morph_follow_dropped_constraints();
	}
	if (strcmp(found[0], "0") != 0)
	{
		follow_dropped_indexes();
		morph_follow_dropped_indexes();
	}
}

/* Event trigger on sql_drop, with a notice for each relation that is hit. */
Datum
relations_follow_drop(PG_FUNCTION_ARGS)
{
	event_data(fcinfo, "follow_drop");
	if (catalog_has_rows())
		run_guarded(follow_drop, NULL);
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------
 * What is renamed
 * ---------------------------------------------------------------------
 */

/* Names in the scopes of the relations that lead to tables. */
static void
rename_in_scopes(Datum relids, const char *old, const char *new)
{
	Oid			types[] = {OIDARRAYOID};
	Datum		values[] = {relids};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT model::oid, relation, scope, related::oid FROM relations.relation"
								" WHERE related = ANY ($1) AND scope IS NOT NULL",
								1, types, values))
	{
		char	  **row = lfirst(lc);
		Oid			update_types[] = {OIDOID, NAMEOID, TEXTOID};
		Datum		update_values[3];
		char	   *scope = rename_in_scope(row[2], atooid(row[3]), old, new);

		if (strcmp(scope, row[2]) == 0)
			continue;
		update_values[0] = ObjectIdGetDatum(atooid(row[0]));
		update_values[1] = DirectFunctionCall1(namein, CStringGetDatum(row[1]));
		update_values[2] = CStringGetTextDatum(scope);
		catalog_query("UPDATE relations.relation SET scope = $3::pg_catalog.jsonb"
					  " WHERE model = $1 AND relation = $2",
					  3, update_types, update_values, NULL);
	}
}

/* A column of a table, and of those that inherit it, has another name. */
static void
follow_renamed_column(Oid relid, const char *old, const char *new)
{
	Oid			types[] = {OIDARRAYOID, NAMEOID, NAMEOID};
	Datum		values[3];
	List	   *relids = find_all_inheritors(relid, NoLock, NULL);
	Datum	   *elems = palloc(sizeof(Datum) * list_length(relids));
	ListCell   *lc;

	foreach(lc, relids)
		elems[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = PointerGetDatum(construct_array(elems, list_length(relids), OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(old));
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(new));
	catalog_query("UPDATE relations.relation r SET"
				  " foreign_key = CASE WHEN " SQL_CHILD " = ANY ($1)"
				  " THEN array_replace(r.foreign_key, $2, $3) ELSE r.foreign_key END,"
				  " created_columns = CASE WHEN " SQL_CHILD " = ANY ($1)"
				  " THEN array_replace(r.created_columns, $2, $3) ELSE r.created_columns END,"
				  " local_key = CASE WHEN " SQL_PARENT " = ANY ($1)"
				  " THEN array_replace(r.local_key, $2, $3) ELSE r.local_key END"
				  " WHERE (" SQL_CHILD " = ANY ($1)"
				  " AND ($2 = ANY (r.foreign_key) OR $2 = ANY (r.created_columns)))"
				  " OR (" SQL_PARENT " = ANY ($1) AND $2 = ANY (r.local_key))",
				  3, types, values, NULL);
	catalog_query("UPDATE relations.model SET"
				  " primary_key = array_replace(primary_key, $2, $3),"
				  " hidden = array_replace(hidden, $2, $3)"
				  " WHERE model = ANY ($1) AND ($2 = ANY (primary_key) OR $2 = ANY (hidden))",
				  3, types, values, NULL);
	morph_follow_renamed_column(values[0], old, new);
	rename_in_scopes(values[0], old, new);
}

static void
follow_renamed_foreign_key(Oid child, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, NAMEOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(child),
		DirectFunctionCall1(namein, CStringGetDatum(old)),
	DirectFunctionCall1(namein, CStringGetDatum(new))};

	catalog_query("UPDATE relations.relation r SET"
				  " constraint_name = CASE constraint_name WHEN $2 THEN $3 ELSE constraint_name END,"
				  " created_constraint = CASE created_constraint WHEN $2 THEN $3 ELSE created_constraint END"
				  " WHERE " SQL_CHILD " = $1 AND $2 IN (constraint_name, created_constraint)",
				  3, types, values, NULL);
}

static void
follow_renamed_index(Oid child, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, NAMEOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(child),
		DirectFunctionCall1(namein, CStringGetDatum(old)),
	DirectFunctionCall1(namein, CStringGetDatum(new))};

	catalog_query("UPDATE relations.relation r SET created_index = $3"
				  " WHERE " SQL_CHILD " = $1 AND created_index = $2",
				  3, types, values, NULL);
}

/*
 * The command says the old and the new name, the event trigger's data which
 * object it was: names in the command were looked up by the user's
 * search_path, and that is not ours.
 */
static void
follow_rename(void *arg)
{
	RenameStmt *stmt = arg;
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT classid, objid FROM pg_catalog.pg_event_trigger_ddl_commands()",
								0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		Oid			classid = atooid(row[0]);
		Oid			objid = atooid(row[1]);
		HeapTuple	tup;

		if (classid == RelationRelationId && stmt->renameType == OBJECT_COLUMN)
			follow_renamed_column(objid, stmt->subname, stmt->newname);
		else if (classid == RelationRelationId)
		{
			char		relkind = get_rel_relkind(objid);

			if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			{
				Oid			child = IndexGetRelation(objid, true);

				follow_renamed_index(child, stmt->relation->relname, stmt->newname);
				morph_follow_renamed_constraint(child, stmt->relation->relname, stmt->newname);
			}
		}
		else if (classid == ConstraintRelationId &&
				 HeapTupleIsValid(tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(objid))))
		{
			Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tup);
			Oid			child = con->conrelid;
			bool		foreign = con->contype == CONSTRAINT_FOREIGN;

			ReleaseSysCache(tup);
			if (foreign)
				follow_renamed_foreign_key(child, stmt->subname, stmt->newname);
			else
				follow_renamed_index(child, stmt->subname, stmt->newname);
			morph_follow_renamed_constraint(child, stmt->subname, stmt->newname);
		}
	}
}

/*
 * Event trigger on ddl_command_end.  Tables are known by their OIDs and need
 * no following; of the other commands, only those that rename matter.
 */
Datum
relations_follow_ddl(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = event_data(fcinfo, "follow_ddl");

	if (IsA(trigdata->parsetree, RenameStmt))
	{
		RenameStmt *stmt = (RenameStmt *) trigdata->parsetree;

		if ((stmt->renameType == OBJECT_COLUMN || stmt->renameType == OBJECT_TABCONSTRAINT ||
			 stmt->renameType == OBJECT_INDEX || stmt->renameType == OBJECT_TABLE) &&
			catalog_has_rows())
			run_guarded(follow_rename, stmt);
	}
	PG_RETURN_NULL();
}
