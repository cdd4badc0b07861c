/*
 * ddl_watch.c
 *	  Event triggers: the catalog follows what is renamed and what is dropped.
 *
 * They run in every session of the database, for every user, and while a dump
 * is restored.  So they return at once when the command or the catalog gives
 * them nothing to do, and read and write with the rights of the catalog's owner.
 * A fault in the catalog never fails the user's command: it becomes a warning.
 * Errors that the application must see, such as a lock timeout or a
 * serialization failure, do fail it (see guarded.c).
 */
#include "relations.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog_sweep.h"
#include "catalog_write.h"
#include "constraint.h"
#include "ddl_filter.h"
#include "event_objects.h"
#include "factory_watch.h"
#include "guarded.h"
#include "morph_watch.h"
#include "scope_rename.h"

PG_FUNCTION_INFO_V1(relations_follow_drop);
PG_FUNCTION_INFO_V1(relations_follow_ddl);

/*
 * SQL: where the foreign key of the first step of a row r is, and what it
 * points to; the same of the second step, null without one.
 */
#define SQL_CHILD "(CASE WHEN r.pivot_table IS NOT NULL THEN r.pivot_table" \
	" WHEN r.through IS NOT NULL AND r.steps[1] = 'belongs_to' THEN r.model" \
	" WHEN r.through IS NOT NULL THEN r.through" \
	" WHEN r.kind IN ('belongs_to', 'morph_to') THEN r.model ELSE r.related END)"
#define SQL_PARENT "(CASE WHEN r.pivot_table IS NOT NULL THEN r.model" \
	" WHEN r.through IS NOT NULL AND r.steps[1] = 'belongs_to' THEN r.through" \
	" WHEN r.kind = 'belongs_to' THEN r.related ELSE r.model END)"
#define SQL_SECOND_CHILD "(CASE WHEN r.pivot_table IS NOT NULL THEN r.pivot_table" \
	" WHEN r.through IS NOT NULL AND r.steps[2] = 'belongs_to' THEN r.through" \
	" WHEN r.through IS NOT NULL THEN r.related END)"
#define SQL_SECOND_PARENT "(CASE WHEN r.pivot_table IS NOT NULL THEN r.related" \
	" WHEN r.through IS NOT NULL AND r.steps[2] = 'belongs_to' THEN r.related" \
	" WHEN r.through IS NOT NULL THEN r.through END)"

static EventTriggerData *
event_data(FunctionCallInfo fcinfo, const char *name)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"relations.%s\" was not called by event trigger manager", name)));
	return (EventTriggerData *) fcinfo->context;
}

/* What follow_guarded() runs. */
typedef struct FollowCall
{
	void		(*work) (void *arg);
	void	   *arg;
} FollowCall;

static void
follow_and_sweep(void *arg)
{
	FollowCall *call = arg;

	call->work(call->arg);
	catalog_sweep();
}

/*
 * Follow a command.  An error becomes a warning, so that a fault in the catalog
 * never fails the user's command; catch_error() raises those errors that say
 * nothing about the catalog, such as a lock timeout.
 */
static void
follow_guarded(void (*work) (void *arg), void *arg)
{
	FollowCall	call = {work, arg};
	int			nest = NewGUCNestLevel();
	ErrorData  *error;

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);

	/*
	 * A subtransaction cannot begin while caches have not heard of what the
	 * command did last, even if that wrote nothing: so say that it did.
	 */
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
	error = catch_error(follow_and_sweep, &call);
	AtEOXact_GUC(false, nest);
	if (error != NULL)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("the catalog of relations could not follow the command: %s", error->message)));
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
	" JOIN pg_catalog.pg_class c ON c.relnamespace = " SQL_NAMESPACE("d.address_names[1]") \
	" AND c.relname = d.address_names[2]" \
	" WHERE d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass)"
#define SQL_DROPPED_INDEXES \
	"WITH dropped AS (SELECT n.oid AS nspid, d.object_name::pg_catalog.name AS name" \
	" FROM pg_catalog.pg_event_trigger_dropped_objects() d" \
	" JOIN pg_catalog.pg_namespace n ON n.oid = " SQL_NAMESPACE("d.schema_name") \
	" WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
	" AND d.objsubid = 0 AND d.object_type = 'index'" \
	" AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class i" \
	" WHERE i.relnamespace = n.oid AND i.relname = d.object_name))"

/* SQL: is an item of dropped one of the columns, of that table? */
#define SQL_LOST(table, columns) \
	"EXISTS (SELECT 1 FROM dropped d WHERE d.objid = " table " AND d.name = ANY (" columns "))"

/* SQL: the same columns without those that are dropped, null for none */
#define SQL_LEFT(table, columns) \
	"NULLIF(ARRAY(SELECT u.name FROM unnest(" columns ") WITH ORDINALITY u (name, n)" \
	" WHERE (" table "::oid, u.name) NOT IN (SELECT objid, name FROM dropped)" \
	" ORDER BY u.n), '{}')"

/* SQL: a name, or null when that constraint of the table is dropped */
#define SQL_STILL(table, name) \
	"CASE WHEN EXISTS (SELECT 1 FROM dropped d WHERE d.child = " table " AND d.name = " name ")" \
	" THEN NULL ELSE " name " END"

/* Tell of relations that are gone: rows of their name and their model's. */
static void
notice_gone(List *rows)
{
	ListCell   *lc;

	foreach(lc, rows)
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on", row[0], row[1])));
	}
}

/* The relations that a dropped table took part in go. */
static void
follow_dropped_tables(void)
{
	notice_gone(catalog_strings(SQL_DROPPED_TABLES
								", gone AS (DELETE FROM relations.relation r USING dropped d"
								" WHERE d.objid IN (r.model, r.related, r.through, r.pivot_table)"
								" RETURNING r.model, r.relation)"
								" SELECT DISTINCT g.relation, COALESCE(d.name, c.relname)"
								" FROM gone g LEFT JOIN dropped d ON d.objid = g.model"
								" LEFT JOIN pg_catalog.pg_class c ON c.oid = g.model"
								" ORDER BY 2, 1", 0, NULL, NULL));
	catalog_query(SQL_DROPPED_TABLES
				  " DELETE FROM relations.graph_view v USING dropped d WHERE d.objid IN (v.view, v.model)",
				  0, NULL, NULL, NULL);
	catalog_query(SQL_DROPPED_TABLES
				  " DELETE FROM relations.model m USING dropped d WHERE d.objid = m.model",
				  0, NULL, NULL, NULL);
	factory_follow_dropped_tables();
}

/* So do relations whose keys had a column that is dropped. */
static void
follow_dropped_keys(void)
{
	notice_gone(catalog_strings(SQL_DROPPED_COLUMNS
								", gone AS (DELETE FROM relations.relation r WHERE "
								SQL_LOST(SQL_CHILD, "r.foreign_key || r.pivot_foreign_key")
								" OR " SQL_LOST(SQL_PARENT, "r.local_key")
								" OR " SQL_LOST(SQL_SECOND_CHILD,
												"r.through_foreign_key || r.pivot_related_foreign_key")
								" OR " SQL_LOST(SQL_SECOND_PARENT, "r.through_local_key || r.related_key")
								" RETURNING r.model, r.relation)"
								" SELECT g.relation, m.relname FROM gone g"
								" LEFT JOIN pg_catalog.pg_class m ON m.oid = g.model"
								" ORDER BY 2, 1", 0, NULL, NULL));
}

/* A relation stays when a column goes that it only shows, or keeps up to date. */
static void
follow_dropped_extras(void)
{
	ListCell   *lc;

	foreach(lc, catalog_strings(SQL_DROPPED_COLUMNS
								", lost AS (SELECT r.model, r.relation, d.objid, d.name"
								" FROM relations.relation r JOIN dropped d ON"
								" (d.objid = r.pivot_table AND (d.name = ANY (r.pivot_columns)"
								" OR (r.pivot_timestamps AND d.name IN ('created_at', 'updated_at'))))"
								" OR (d.objid = r.related AND d.name IN (r.touch, r.counter_cache)))"
								", changed AS (UPDATE relations.relation r SET pivot_columns = "
								SQL_LEFT("r.pivot_table", "CASE WHEN r.pivot_timestamps"
										 " AND " SQL_LOST("r.pivot_table", "'{created_at,updated_at}'::name[]")
										 " THEN ARRAY(SELECT c.name FROM unnest(r.pivot_columns"
										 " || '{created_at,updated_at}'::name[]) WITH ORDINALITY c (name, n)"
										 " GROUP BY c.name ORDER BY min(c.n)) ELSE r.pivot_columns END")
								", pivot_timestamps = r.pivot_timestamps AND NOT "
								SQL_LOST("r.pivot_table", "'{created_at,updated_at}'::name[]")
								", touch = CASE WHEN " SQL_LOST("r.related", "ARRAY[r.touch]")
								" THEN NULL ELSE r.touch END"
								", counter_cache = CASE WHEN " SQL_LOST("r.related", "ARRAY[r.counter_cache]")
								" THEN NULL ELSE r.counter_cache END"
								" WHERE (r.model, r.relation) IN (SELECT model, relation FROM lost))"
								" SELECT l.relation, m.relname, l.name, t.relname FROM lost l"
								" JOIN pg_catalog.pg_class m ON m.oid = l.model"
								" JOIN pg_catalog.pg_class t ON t.oid = l.objid"
								" ORDER BY 2, 1, 3", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);

		ereport(NOTICE,
				(errmsg("relation \"%s\" of model \"%s\" goes on without column \"%s\" of \"%s\"",
						row[0], row[1], row[2], row[3])));
	}
	catalog_query(SQL_DROPPED_COLUMNS
				  " UPDATE relations.relation r SET created_columns = "
				  SQL_LEFT(SQL_CHILD, "r.created_columns")
				  " WHERE " SQL_LOST(SQL_CHILD, "r.created_columns"), 0, NULL, NULL, NULL);
}

static void
follow_dropped_columns(void)
{
	follow_dropped_keys();
	follow_dropped_extras();
	factory_follow_dropped_columns();
	catalog_query(SQL_DROPPED_COLUMNS
				  " UPDATE relations.model m SET"
				  " primary_key = CASE WHEN " SQL_LOST("m.model", "m.primary_key")
				  " THEN NULL ELSE m.primary_key END,"
				  " hidden = " SQL_LEFT("m.model", "m.hidden")
				  " WHERE " SQL_LOST("m.model", "m.primary_key || m.hidden"),
				  0, NULL, NULL, NULL);
	catalog_query("DELETE FROM relations.model"
				  " WHERE name IS NULL AND primary_key IS NULL AND hidden IS NULL",
				  0, NULL, NULL, NULL);
}

/*
 * Let the steps of a relation that have lost their constraints stand on others
 * of the same columns.  Is it enforced then, each step by one?
 */
static bool
stand_on_others(RelationDesc *desc)
{
	char	  **names[] = {&desc->constraint_name, &desc->related_constraint_name};

	desc->enforce = desc->nsteps > 0;
	for (int i = 0; i < desc->nsteps; i++)
	{
		RelationStep *step = &desc->steps[i];
		ForeignKey *fk;

		if (*names[i] != NULL)
			continue;
		fk = match_foreign_key(foreign_keys_between(STEP_CHILD(step), STEP_PARENT(step)),
							   step->foreign_key, step->local_key);
		if (fk != NULL)
			*names[i] = fk->name;
		else
			desc->enforce = false;
	}
	catalog_update_created(desc);
	return desc->enforce;
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
								", hit AS (SELECT r.model, r.relation, r.enforce FROM relations.relation r"
								" WHERE EXISTS (SELECT 1 FROM dropped d WHERE"
								" (d.child = " SQL_CHILD " AND d.name = r.constraint_name) OR"
								" (d.child = " SQL_SECOND_CHILD " AND d.name = r.related_constraint_name)))"
								", freed AS (UPDATE relations.relation r SET enforce = false"
								", constraint_name = " SQL_STILL(SQL_CHILD, "r.constraint_name")
								", created_constraint = " SQL_STILL(SQL_CHILD, "r.created_constraint")
								", related_constraint_name = "
								SQL_STILL(SQL_SECOND_CHILD, "r.related_constraint_name")
								", created_related_constraint = "
								SQL_STILL(SQL_SECOND_CHILD, "r.created_related_constraint")
								" FROM hit h WHERE (h.model, h.relation) = (r.model, r.relation))"
								" SELECT h.model::oid, h.relation, h.enforce FROM hit h"
								" JOIN pg_catalog.pg_class c ON c.oid = h.model"
								" ORDER BY c.relname, 2", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		RelationDesc *desc = catalog_find_relation(atooid(row[0]), row[1]);

		if (desc != NULL && !stand_on_others(desc) && strcmp(row[2], "t") == 0)
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
				  " UPDATE relations.relation r SET"
				  " created_index = CASE d.name WHEN r.created_index THEN r.created_second_index"
				  " ELSE r.created_index END, created_second_index = NULL"
				  " FROM dropped d, pg_catalog.pg_class c"
				  " WHERE c.oid IN (" SQL_CHILD ", " SQL_SECOND_CHILD ") AND c.relnamespace = d.nspid"
				  " AND d.name IN (r.created_index, r.created_second_index)", 0, NULL, NULL, NULL);
}

/*
 * Return the table that a dropped constraint belonged to, or InvalidOid if the
 * table does not exist either.
 */
static Oid
table_of_dropped(EventObject *object)
{
	Oid			nspid;

	/* the address of a constraint of a domain is shorter */
	if (list_length(object->address) < 3)
		return InvalidOid;
	/* which is "pg_temp" for a temporary table */
	nspid = LookupNamespaceNoError(linitial(object->address));
	return OidIsValid(nspid) ? get_relname_relid(lsecond(object->address), nspid) : InvalidOid;
}

/* What a command dropped that may concern the catalog. */
typedef struct Dropped
{
	bool		tables;
	bool		columns;
	bool		constraints;
	bool		indexes;
} Dropped;

static void
sort_dropped(Dropped *dropped)
{
	ListCell   *lc;

	foreach(lc, event_dropped_objects())
	{
		EventObject *object = lfirst(lc);

		if (object->classid == ConstraintRelationId)
			dropped->constraints = dropped->constraints || catalog_mentions(table_of_dropped(object));
		else if (object->classid != RelationRelationId)
			continue;
		else if (object->subid > 0)
			dropped->columns = dropped->columns || catalog_mentions(object->objid);
		else if (strcmp(object->type, "index") == 0)
			dropped->indexes = dropped->indexes || catalog_mentions_index(object->name);
		else
			dropped->tables = dropped->tables || catalog_mentions(object->objid);
	}
}

static void
follow_drop(void *arg)
{
	Dropped    *dropped = arg;

	if (dropped->tables)
	{
		follow_dropped_tables();
		morph_follow_dropped_tables();
	}
	if (dropped->columns)
	{
		follow_dropped_columns();
		morph_follow_dropped_columns();
	}
	if (dropped->constraints)
	{
		follow_dropped_constraints();
		morph_follow_dropped_constraints();
	}
	if (dropped->indexes)
	{
		follow_dropped_indexes();
		morph_follow_dropped_indexes();
	}
}

/* Event trigger on sql_drop, with a notice for each relation that is hit. */
Datum
relations_follow_drop(PG_FUNCTION_ARGS)
{
	Dropped		dropped = {0};

	event_data(fcinfo, "follow_drop");
	if (transaction_concerns_catalog() && catalog_mentions_tables())
	{
		sort_dropped(&dropped);
		if (dropped.tables || dropped.columns || dropped.constraints || dropped.indexes)
			follow_guarded(follow_drop, &dropped);
	}
	PG_RETURN_NULL();
}

/* ---------------------------------------------------------------------
 * What is renamed
 * ---------------------------------------------------------------------
 */

/* SQL: a column of r that holds names of columns of a table, with $3 for $2 */
#define SQL_RENAMED(columns, table) \
	" " columns " = CASE WHEN " table " = ANY ($1)" \
	" THEN array_replace(r." columns ", $2, $3) ELSE r." columns " END"

/* A column of a table, and of those that inherit it, has another name. */
static void
follow_renamed_column(Oid relid, const char *old, const char *new)
{
	Oid			types[] = {OIDARRAYOID, NAMEOID, NAMEOID};
	Datum		values[3];
	List	   *relids = find_all_inheritors(relid, NoLock, NULL);
	ScopeChange change = {0};
	Datum	   *elems = palloc(sizeof(Datum) * list_length(relids));
	ListCell   *lc;

	foreach(lc, relids)
		elems[foreach_current_index(lc)] = ObjectIdGetDatum(lfirst_oid(lc));
	values[0] = PointerGetDatum(construct_array(elems, list_length(relids), OIDOID,
												sizeof(Oid), true, TYPALIGN_INT));
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(old));
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(new));
	/* timestamps of another name are columns like others */
	catalog_query("UPDATE relations.relation SET pivot_timestamps = false,"
				  " pivot_columns = ARRAY(SELECT c.name FROM unnest(pivot_columns"
				  " || '{created_at,updated_at}'::name[]) WITH ORDINALITY c (name, n)"
				  " GROUP BY c.name ORDER BY min(c.n))"
				  " WHERE pivot_table = ANY ($1) AND pivot_timestamps"
				  " AND $2 IN ('created_at', 'updated_at')",
				  2, types, values, NULL);
	catalog_query("UPDATE relations.relation r SET"
				  SQL_RENAMED("foreign_key", SQL_CHILD)
				  "," SQL_RENAMED("created_columns", SQL_CHILD)
				  "," SQL_RENAMED("local_key", SQL_PARENT)
				  "," SQL_RENAMED("through_foreign_key", SQL_SECOND_CHILD)
				  "," SQL_RENAMED("through_local_key", SQL_SECOND_PARENT)
				  "," SQL_RENAMED("pivot_foreign_key", "r.pivot_table")
				  "," SQL_RENAMED("pivot_related_foreign_key", "r.pivot_table")
				  "," SQL_RENAMED("pivot_columns", "r.pivot_table")
				  "," SQL_RENAMED("related_key", "r.related")
				  ", touch = CASE WHEN r.related = ANY ($1) AND r.touch = $2 THEN $3 ELSE r.touch END"
				  ", counter_cache = CASE WHEN r.related = ANY ($1) AND r.counter_cache = $2"
				  " THEN $3 ELSE r.counter_cache END"
				  " WHERE (r.model = ANY ($1) OR r.related = ANY ($1)"
				  " OR r.through = ANY ($1) OR r.pivot_table = ANY ($1))"
				  " AND ($2 = ANY (r.foreign_key || r.created_columns || r.local_key"
				  " || r.through_foreign_key || r.through_local_key || r.pivot_foreign_key"
				  " || r.pivot_related_foreign_key || r.pivot_columns || r.related_key)"
				  " OR $2 IN (r.touch, r.counter_cache))",
				  3, types, values, NULL);
	catalog_query("UPDATE relations.model SET"
				  " primary_key = array_replace(primary_key, $2, $3),"
				  " hidden = array_replace(hidden, $2, $3)"
				  " WHERE model = ANY ($1) AND ($2 = ANY (primary_key) OR $2 = ANY (hidden))",
				  3, types, values, NULL);
	morph_follow_renamed_column(values[0], old, new);
	factory_follow_renamed_column(values[0], old, new);
	change.relids = relids;
	change.old_column = old;
	change.new_column = new;
	scopes_follow(&change);
}

/*
 * A constraint or an index of a table has another name.  SQL is told the
 * table as $1, the old name as $2 and the new one as $3.
 */
static void
rename_on_table(const char *sql, Oid table, const char *old, const char *new)
{
	Oid			types[] = {OIDOID, NAMEOID, NAMEOID};
	Datum		values[] = {ObjectIdGetDatum(table),
		DirectFunctionCall1(namein, CStringGetDatum(old)),
	DirectFunctionCall1(namein, CStringGetDatum(new))};

	catalog_query(sql, 3, types, values, NULL);
}

static void
follow_renamed_foreign_key(Oid child, const char *old, const char *new)
{
	rename_on_table("UPDATE relations.relation r SET"
					" constraint_name = CASE constraint_name WHEN $2 THEN $3 ELSE constraint_name END,"
					" created_constraint = CASE created_constraint WHEN $2 THEN $3 ELSE created_constraint END"
					" WHERE " SQL_CHILD " = $1 AND $2 IN (constraint_name, created_constraint)",
					child, old, new);
	rename_on_table("UPDATE relations.relation r SET"
					" related_constraint_name = CASE related_constraint_name WHEN $2 THEN $3"
					" ELSE related_constraint_name END,"
					" created_related_constraint = CASE created_related_constraint WHEN $2 THEN $3"
					" ELSE created_related_constraint END"
					" WHERE " SQL_SECOND_CHILD " = $1"
					" AND $2 IN (related_constraint_name, created_related_constraint)",
					child, old, new);
}

static void
follow_renamed_index(Oid child, const char *old, const char *new)
{
	rename_on_table("UPDATE relations.relation r SET"
					" created_index = CASE created_index WHEN $2 THEN $3 ELSE created_index END,"
					" created_second_index = CASE created_second_index WHEN $2 THEN $3"
					" ELSE created_second_index END"
					" WHERE $1 IN (" SQL_CHILD ", " SQL_SECOND_CHILD ")"
					" AND $2 IN (created_index, created_second_index)",
					child, old, new);
}

/* The tables of a composite type whose attribute has another name have it, too. */
static void
follow_renamed_attribute(Oid relid, const char *old, const char *new)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(get_rel_type_id(relid))};
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT oid FROM pg_catalog.pg_class WHERE reloftype = $1", 1, types, values))
		follow_renamed_column(atooid(((char **) lfirst(lc))[0]), old, new);
}

/* Return the table of a constraint, or InvalidOid; and whether it is a foreign key. */
static Oid
constraint_table(Oid conoid, bool *is_foreign_key)
{
	HeapTuple	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	Oid			relid = InvalidOid;

	*is_foreign_key = false;
	if (HeapTupleIsValid(tup))
	{
		relid = ((Form_pg_constraint) GETSTRUCT(tup))->conrelid;
		*is_foreign_key = ((Form_pg_constraint) GETSTRUCT(tup))->contype == CONSTRAINT_FOREIGN;
		ReleaseSysCache(tup);
	}
	return relid;
}

/* A command that renames, and the objects that it altered. */
typedef struct Renamed
{
	RenameStmt *stmt;
	List	   *objects;		/* of EventObject */
} Renamed;

/*
 * Return whether the catalog mentions a table of a renamed object, or for a
 * column one that inherits it.
 */
static bool
rename_concerns_catalog(Renamed *renamed)
{
	ListCell   *lc;

	foreach(lc, renamed->objects)
	{
		EventObject *object = lfirst(lc);
		Oid			relid = object->objid;
		bool		is_foreign_key;
		ListCell   *child;

		/* the tables of a composite type are looked up later */
		if (renamed->stmt->renameType == OBJECT_ATTRIBUTE)
			return true;
		if (object->classid == ConstraintRelationId)
			relid = constraint_table(object->objid, &is_foreign_key);
		else if (object->classid != RelationRelationId)
			continue;
		else if (get_rel_relkind(relid) == RELKIND_INDEX || get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
			relid = IndexGetRelation(relid, true);
		if (catalog_mentions(relid))
			return true;
		if (renamed->stmt->renameType != OBJECT_COLUMN)
			continue;
		foreach(child, find_all_inheritors(relid, NoLock, NULL))
		{
			if (catalog_mentions(lfirst_oid(child)))
				return true;
		}
	}
	return false;
}

/*
 * The command says the old and the new name, the event trigger's data which
 * object it was: names in the command were looked up by the user's
 * search_path, and that is not ours.
 */
static void
follow_rename(void *arg)
{
	Renamed    *renamed = arg;
	RenameStmt *stmt = renamed->stmt;
	ListCell   *lc;

	foreach(lc, renamed->objects)
	{
		EventObject *object = lfirst(lc);
		Oid			objid = object->objid;

		if (object->classid == RelationRelationId && stmt->renameType == OBJECT_COLUMN)
			follow_renamed_column(objid, stmt->subname, stmt->newname);
		else if (object->classid == RelationRelationId && stmt->renameType == OBJECT_ATTRIBUTE)
			follow_renamed_attribute(objid, stmt->subname, stmt->newname);
		else if (object->classid == RelationRelationId)
		{
			char		relkind = get_rel_relkind(objid);

			if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			{
				Oid			child = IndexGetRelation(objid, true);

				follow_renamed_index(child, stmt->relation->relname, stmt->newname);
				morph_follow_renamed_constraint(child, stmt->relation->relname, stmt->newname);
			}
		}
		else if (object->classid == ConstraintRelationId)
		{
			bool		is_foreign_key;
			Oid			child = constraint_table(objid, &is_foreign_key);

			if (is_foreign_key)
				follow_renamed_foreign_key(child, stmt->subname, stmt->newname);
			else
				follow_renamed_index(child, stmt->subname, stmt->newname);
			morph_follow_renamed_constraint(child, stmt->subname, stmt->newname);
		}
	}
}

/* A value of an enum has another name: scopes, types and factories name it. */
static void
follow_renamed_value(void *arg)
{
	AlterEnumStmt *stmt = arg;
	ListCell   *lc;

	foreach(lc, event_altered_objects())
	{
		EventObject *object = lfirst(lc);
		ScopeChange change = {0};

		if (object->classid != TypeRelationId)
			continue;
		change.enum_type = object->objid;
		change.old_value = stmt->oldVal;
		change.new_value = stmt->newVal;
		morph_follow_renamed_value(change.enum_type, stmt->oldVal, stmt->newVal);
		factory_follow_renamed_value(change.enum_type, stmt->oldVal, stmt->newVal);
		scopes_follow(&change);
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
		Renamed		renamed = {(RenameStmt *) trigdata->parsetree, NIL};
		ObjectType	type = renamed.stmt->renameType;

		if ((type == OBJECT_COLUMN || type == OBJECT_TABCONSTRAINT || type == OBJECT_INDEX ||
			 type == OBJECT_TABLE || type == OBJECT_ATTRIBUTE) &&
			transaction_concerns_catalog() && catalog_mentions_tables())
		{
			renamed.objects = event_altered_objects();
			if (rename_concerns_catalog(&renamed))
				follow_guarded(follow_rename, &renamed);
		}
	}
	else if (IsA(trigdata->parsetree, AlterEnumStmt))
	{
		AlterEnumStmt *stmt = (AlterEnumStmt *) trigdata->parsetree;

		if (stmt->oldVal != NULL && catalog_mentions_tables())
			follow_guarded(follow_renamed_value, stmt);
	}
	PG_RETURN_NULL();
}
