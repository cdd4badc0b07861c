/*
 * ddl_watch.c
 *	  Event triggers: the catalog follows what is renamed and what is dropped.
 *
 * They run in every session of the database, for every user, and while a dump
 * is restored.  So they return at once when the command or the catalog gives
 * them nothing to do (see ddl_filter.c), and read and write with the rights of
 * the catalog's owner.  A fault in the catalog never fails the user's command:
 * it becomes a warning.  Errors that the application must see, such as a lock
 * timeout or a serialization failure, do fail it (see guarded.c).
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog_sweep.h"
#include "ddl_filter.h"
#include "event_objects.h"
#include "follow.h"
#include "guarded.h"

PG_FUNCTION_INFO_V1(relations_follow_drop);
PG_FUNCTION_INFO_V1(relations_follow_ddl);

/* What a command did, as far as it concerns the catalog. */
typedef struct Followed
{
	List	   *tables;			/* OIDs of dropped tables */
	List	   *table_names;
	List	   *changes;		/* of CatalogChange */
	bool		careful;		/* the second attempt */
} Followed;

static EventTriggerData *
event_data(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"relations.%s\" was not called by event trigger manager", name)));
	return (EventTriggerData *) fcinfo->context;
}

/* Do what follow_guarded() guards.  Rows that are swept mention other tables. */
static void
follow(void *arg)
{
	Followed   *followed = arg;

	if (followed->tables != NIL)
		catalog_delete_tables(followed->tables, followed->table_names, false);
	if (followed->careful)
		follow_changes_carefully(followed->changes);
	else
		follow_changes(followed->changes);
	catalog_sweep();
}

/*
 * Follow a command.  An error becomes a warning, so that a fault in the catalog
 * never fails the user's command; catch_error() raises those errors that say
 * nothing about the catalog, such as a lock timeout.  An error in one row does
 * not keep other rows from following.
 */
static void
follow_guarded(Followed *followed)
{
	int			nest;
	ErrorData  *error;

	if (followed->tables == NIL && followed->changes == NIL)
		return;
	nest = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/*
	 * A subtransaction cannot begin while caches have not heard of what the
	 * command did last, even if that wrote nothing: so say that it did.
	 */
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
	error = catch_error(follow, followed);
	if (error != NULL)
	{
		/* it is an error of one row: the others can follow */
		followed->careful = true;
		error = catch_error(follow, followed);
	}
	AtEOXact_GUC(false, nest);
	if (error != NULL)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("the catalog of relations could not follow the command: %s", error->message)));
}

static void
add_change(Followed *followed, ChangeKind kind, List *relids, const char *old_name, const char *new_name)
{
	CatalogChange *change;

	if (relids == NIL)
		return;
	change = palloc0(sizeof(CatalogChange));
	change->kind = kind;
	change->relids = relids;
	change->old_name = old_name;
	change->new_name = new_name;
	followed->changes = lappend(followed->changes, change);
}

/* Return a list of the table if the catalog mentions it, otherwise NIL. */
static List *
mentioned(Oid relid)
{
	return OidIsValid(relid) && catalog_mentions(relid) ? list_make1_oid(relid) : NIL;
}

/* ---------------------------------------------------------------------
 * What is dropped
 * ---------------------------------------------------------------------
 */

/*
 * Return the table that a dropped constraint belonged to, or InvalidOid if the
 * table does not exist either.
 */
static Oid
table_of_constraint(EventObject *object)
{
	Oid			nspid;

	/* the address of a constraint of a domain is shorter */
	if (list_length(object->address) < 3)
		return InvalidOid;
	/* which is "pg_temp" for a temporary table */
	nspid = LookupNamespaceNoError(linitial(object->address));
	return OidIsValid(nspid) ? get_relname_relid(lsecond(object->address), nspid) : InvalidOid;
}

/*
 * Return the tables to which a dropped index may have belonged: those of its
 * schema that the catalog mentions, if the catalog mentions such an index.
 */
static List *
tables_of_index(EventObject *object)
{
	Oid			nspid;

	if (object->schema == NULL || object->name == NULL || !catalog_mentions_index(object->name))
		return NIL;
	nspid = LookupNamespaceNoError(object->schema);
	/* the command may have created another one of this name */
	if (!OidIsValid(nspid) || OidIsValid(get_relname_relid(object->name, nspid)))
		return NIL;
	return catalog_mentioned_in(nspid);
}

static void
add_dropped(Followed *followed, EventObject *object)
{
	if (object->classid == ConstraintRelationId)
	{
		Oid			relid = table_of_constraint(object);

		if (OidIsValid(relid))
			add_change(followed, CHANGE_DROPPED_CONSTRAINT, mentioned(relid), lthird(object->address), NULL);
	}
	else if (object->classid != RelationRelationId)
		return;
	else if (object->subid > 0)
	{
		if (list_length(object->address) >= 3)
			add_change(followed, CHANGE_DROPPED_COLUMN, mentioned(object->objid),
					   lthird(object->address), NULL);
	}
	else if (strcmp(object->type, "index") == 0)
		add_change(followed, CHANGE_DROPPED_INDEX, tables_of_index(object), object->name, NULL);
	else if (catalog_mentions(object->objid))
	{
		followed->tables = lappend_oid(followed->tables, object->objid);
		followed->table_names = lappend(followed->table_names, object->name == NULL ? "" :
										unconstify(char *, object->name));
	}
}

/* Event trigger on sql_drop, with a notice for each relation that is hit. */
Datum
relations_follow_drop(PG_FUNCTION_ARGS)
{
	Followed	followed = {0};
	ListCell   *lc;

	event_data(fcinfo, "follow_drop");
	if (!transaction_concerns_catalog() || !catalog_mentions_tables())
		PG_RETURN_NULL();
	foreach(lc, event_dropped_objects())
		add_dropped(&followed, lfirst(lc));
	follow_guarded(&followed);
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------
 * What is renamed
 * ---------------------------------------------------------------------
 */

/* Add that a column of a table, and of those that inherit it, was renamed. */
static void
add_renamed_column(Followed *followed, Oid relid, RenameStmt *stmt)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		relids = list_concat(relids, mentioned(lfirst_oid(lc)));
	add_change(followed, CHANGE_RENAMED_COLUMN, relids, stmt->subname, stmt->newname);
}

/*
 * Return the objects of a catalog that depend on a type: tables of a composite
 * type, or with columns, columns of a type.
 */
static List *
dependents_of_type(Oid type, Oid classid, bool columns)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tup);

		CHECK_FOR_INTERRUPTS();
		if (depend->classid == classid && (depend->objsubid > 0) == columns)
			result = lappend_oid(result, depend->objid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Add that a column of the tables of a composite type was renamed. */
static void
add_renamed_attribute(Followed *followed, Oid relid, RenameStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, dependents_of_type(get_rel_type_id(relid), RelationRelationId, false))
		add_renamed_column(followed, lfirst_oid(lc), stmt);
}

static void
add_renamed_constraint(Followed *followed, Oid conoid, RenameStmt *stmt)
{
	HeapTuple	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	Form_pg_constraint con;

	if (!HeapTupleIsValid(tup))
		return;
	con = (Form_pg_constraint) GETSTRUCT(tup);
	add_change(followed, con->contype == CONSTRAINT_FOREIGN ? CHANGE_RENAMED_FOREIGN_KEY : CHANGE_RENAMED_INDEX,
			   mentioned(con->conrelid), stmt->subname, stmt->newname);
	ReleaseSysCache(tup);
}

/*
 * The command says the old and the new name, the event trigger's data which
 * object it was: names in the command were looked up by the user's
 * search_path, which may have changed.
 */
static void
add_renamed(Followed *followed, EventObject *object, RenameStmt *stmt)
{
	if (object->classid == ConstraintRelationId)
		add_renamed_constraint(followed, object->objid, stmt);
	else if (object->classid != RelationRelationId)
		return;
	else if (stmt->renameType == OBJECT_COLUMN)
		add_renamed_column(followed, object->objid, stmt);
	else if (stmt->renameType == OBJECT_ATTRIBUTE)
		add_renamed_attribute(followed, object->objid, stmt);
	else
	{
		char		relkind = get_rel_relkind(object->objid);

		if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			add_change(followed, CHANGE_RENAMED_INDEX, mentioned(IndexGetRelation(object->objid, true)),
					   stmt->relation->relname, stmt->newname);
	}
}

/*
 * Return the tables that the catalog mentions with columns of a type, of an
 * array of it, or of a domain over it.
 */
static List *
tables_with_type(Oid type)
{
	List	   *result = NIL;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, dependents_of_type(type, RelationRelationId, true))
		result = list_concat_unique_oid(result, mentioned(lfirst_oid(lc)));
	foreach(lc, dependents_of_type(type, TypeRelationId, false))
		result = list_concat_unique_oid(result, tables_with_type(lfirst_oid(lc)));
	return result;
}

/* Add that a value of an enum was renamed, which scopes, types and factories name. */
static void
add_renamed_value(Followed *followed, EventObject *object, AlterEnumStmt *stmt)
{
	List	   *relids = object->classid == TypeRelationId ? tables_with_type(object->objid) : NIL;

	add_change(followed, CHANGE_RENAMED_VALUE, relids, stmt->oldVal, stmt->newVal);
	if (relids != NIL)
		((CatalogChange *) llast(followed->changes))->enum_type = object->objid;
}

static bool
may_concern(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_RenameStmt:
			switch (((RenameStmt *) statement)->renameType)
			{
				case OBJECT_COLUMN:
				case OBJECT_TABCONSTRAINT:
				case OBJECT_INDEX:
				case OBJECT_TABLE:
				case OBJECT_ATTRIBUTE:
					return transaction_concerns_catalog() && catalog_mentions_tables();
				default:
					return false;
			}
		case T_AlterEnumStmt:
			return ((AlterEnumStmt *) statement)->oldVal != NULL && catalog_mentions_tables();
		default:
			return false;
	}
}

/*
 * Event trigger on ddl_command_end.  Tables are known by their OIDs and need
 * no following; of the other commands, only those that rename matter.
 */
Datum
relations_follow_ddl(PG_FUNCTION_ARGS)
{
	Node	   *statement = event_data(fcinfo, "follow_ddl")->parsetree;
	Followed	followed = {0};
	ListCell   *lc;

	if (!may_concern(statement))
		PG_RETURN_NULL();
	foreach(lc, event_altered_objects())
	{
		if (IsA(statement, RenameStmt))
			add_renamed(&followed, lfirst(lc), (RenameStmt *) statement);
		else
			add_renamed_value(&followed, lfirst(lc), (AlterEnumStmt *) statement);
	}
	follow_guarded(&followed);
	PG_RETURN_NULL();
}
