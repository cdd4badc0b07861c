/*
 * counter_declare.c
 *	  counter_cache and touch: what declaring and dropping them does, and
 *	  recount.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "counter_cache.h"
#include "declaration.h"

PG_FUNCTION_INFO_V1(relations_recount);

#define PARENT_KEY_TRIGGER "relations_counter_key"
#define PARENT_NEW_TRIGGER "relations_counter_new"

/* The statement triggers of a table whose rows are counted. */
static const struct
{
	const char *name;
	const char *function;
	const char *event;
}			row_triggers[] = {
	{"relations_counter_begin", "counter_begin", "BEFORE INSERT OR UPDATE OR DELETE ON %s"},
	{"relations_counter_insert", "counter_rows",
	"AFTER INSERT ON %s REFERENCING NEW TABLE AS " COUNTER_NEW_ROWS},
	{"relations_counter_update", "counter_rows",
	"AFTER UPDATE ON %s REFERENCING OLD TABLE AS " COUNTER_OLD_ROWS " NEW TABLE AS " COUNTER_NEW_ROWS},
	{"relations_counter_delete", "counter_rows",
	"AFTER DELETE ON %s REFERENCING OLD TABLE AS " COUNTER_OLD_ROWS},
	{"relations_counter_truncate", "counter_rows", "AFTER TRUNCATE ON %s"},
};

/* ---------------------------------------------------------------------
 * Checks
 * ---------------------------------------------------------------------
 */

/*
 * The one column that an argument names, NULL for null.  Raises
 * invalid_parameter_value for anything else.
 */
char *
counter_column_argument(const char *text, const char *argument)
{
	List	   *columns;

	if (text == NULL)
		return NULL;
	columns = parse_column_list(text, argument);
	if (list_length(columns) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is one column, not %d", argument, list_length(columns))));
	return linitial(columns);
}

/*
 * Raises wrong_object_type unless statement triggers can see all that is
 * written to a table.
 */
static void
check_counted_table(Oid model, Oid related)
{
	if (!is_plain_table(model) || !is_plain_table(related))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("counter_cache and touch need two tables"),
				 errdetail("\"%s\" is none.", model_name(is_plain_table(model) ? related : model))));
	if (get_rel_relispartition(model))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partition", model_name(model)),
				 errdetail("What is written to the partitioned table would not be seen."),
				 errhint("Declare the relation on the partitioned table.")));
	if (get_rel_relkind(model) == RELKIND_RELATION &&
		(find_inheritance_children(model, NoLock) != NIL || has_superclass(model)))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" takes part in table inheritance", model_name(model)),
				 errdetail("What is written to one table of it is not seen by the triggers of another."),
				 errhint("Use a partitioned table.")));
}

/* Raises wrong_object_type for a column that no UPDATE can set, or a key's. */
static void
check_settable(Oid related, List *local_key, const char *column, const char *argument)
{
	HeapTuple	tup = SearchSysCacheAttName(related, column);
	Form_pg_attribute att;
	bool		computed;

	if (!HeapTupleIsValid(tup))
		undefined_column(related, column, argument);
	att = (Form_pg_attribute) GETSTRUCT(tup);
	computed = att->attgenerated != '\0' || att->attidentity != '\0';
	ReleaseSysCache(tup);
	if (computed)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("column \"%s\" of \"%s\" is generated", column, model_name(related)),
				 errdetail("\"%s\" needs a column that can be set.", argument)));
	if (list_has_name(local_key, column))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("column \"%s\" of \"%s\" is the key that the relation points to",
						column, model_name(related)),
				 errdetail("\"%s\" needs a column of its own.", argument)));
}

static pg_attribute_noreturn() void
wrong_type(Oid related, const char *column, const char *argument, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of \"%s\" cannot be a %s", column, model_name(related), argument),
			 errdetail("It is of type %s; %s.",
					   format_type_be(get_atttype(related, get_attnum(related, column))), wanted)));
}

static void
check_counter(Oid related, List *local_key, const char *counter)
{
	ListCell   *lc;

	check_settable(related, local_key, counter, "counter_cache");
	switch (getBaseType(get_atttype(related, get_attnum(related, counter))))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
			break;
		default:
			wrong_type(related, counter, "counter_cache",
					   "a counter is of type smallint, integer, bigint or numeric");
	}
	foreach(lc, catalog_relations_to(related))
	{
		RelationDesc *other = lfirst(lc);

		if (other->counter_cache != NULL && strcmp(other->counter_cache, counter) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("column \"%s\" of \"%s\" is the counter of another relation",
							counter, model_name(related)),
					 errdetail("It counts for relation \"%s\" of model \"%s\".",
							   other->name, model_name(other->model)),
					 errhint("Give each relation a counter of its own.")));
	}
}

/*
 * Check the columns that a relation is to keep, NULL for those that it has
 * not.  Raises insufficient_privilege when the caller does not own the related
 * table, wrong_object_type for tables that cannot be followed and for columns
 * that cannot be set, undefined_column, datatype_mismatch, and
 * duplicate_object for a counter that another relation has.
 */
void
check_counter_columns(Oid model, Oid related, List *local_key,
					  const char *counter, const char *touch, bool add_column)
{
	if (counter == NULL && touch == NULL)
		return;
	check_counted_table(model, related);
	require_owner(related);
	if (counter != NULL && !(add_column && get_attnum(related, counter) == InvalidAttrNumber))
		check_counter(related, local_key, counter);
	if (touch != NULL)
	{
		check_settable(related, local_key, touch, "touch");
		switch (getBaseType(get_atttype(related, get_attnum(related, touch))))
		{
			case TIMESTAMPTZOID:
			case TIMESTAMPOID:
			case DATEOID:
				break;
			default:
				wrong_type(related, touch, "touch",
						   "what is touched is of type timestamp with time zone, timestamp without time zone or date");
		}
	}
}

/* Add the counter's column unless it is there. */
void
add_counter_column(Oid related, const char *counter)
{
	if (counter != NULL && get_attnum(related, counter) == InvalidAttrNumber)
		run_ddl(psprintf("ALTER TABLE %s ADD COLUMN %s bigint NOT NULL DEFAULT 0",
						 quoted_model_name(related), quote_identifier(counter)));
}

/* ---------------------------------------------------------------------
 * Triggers
 * ---------------------------------------------------------------------
 */

static Oid
trigger_function(const char *name)
{
	List	   *names = list_make2(makeString(RELATIONS_SCHEMA), makeString(pstrdup(name)));

	return LookupFuncName(names, 0, NULL, false);
}

/*
 * Return the trigger of a table that bears the name, if it calls the function,
 * or InvalidOid.  columns gets the names of those that it is for, type its
 * tgtype; both may be NULL.
 */
static Oid
find_trigger(Oid relid, const char *name, const char *function, List **columns, int16 *type)
{
	Oid			funcid = trigger_function(function);
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tup;
	Oid			result = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 2, keys);
	tup = systable_getnext(scan);
	if (HeapTupleIsValid(tup))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tup);

		if (trigger->tgfoid == funcid)
			result = trigger->oid;
		if (type != NULL)
			*type = trigger->tgtype;
		for (int i = 0; columns != NULL && i < trigger->tgattr.dim1; i++)
			*columns = lappend(*columns, get_attname(relid, trigger->tgattr.values[i], false));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static void
drop_trigger(Oid relid, const char *name, const char *function)
{
	if (OidIsValid(find_trigger(relid, name, function, NULL, NULL)))
		run_ddl(psprintf("DROP TRIGGER %s ON %s", quote_identifier(name), quoted_model_name(relid)));
}

/*
 * The statements for the triggers that a model's table and its partitions have
 * not: each sees its own statements.  The tables are locked.
 */
static List *
missing_row_triggers(Oid model, LOCKMODE lockmode)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(model, lockmode, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		if (!is_plain_table(relid))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("partition \"%s\" of \"%s\" is a foreign table",
							model_name(relid), model_name(model)),
					 errdetail("counter_cache and touch cannot see what is written to it.")));
		for (int i = 0; i < (int) lengthof(row_triggers); i++)
		{
			char	   *event = psprintf(row_triggers[i].event, quoted_model_name(relid));

			if (!OidIsValid(find_trigger(relid, row_triggers[i].name, row_triggers[i].function, NULL,
										 NULL)))
				result = lappend(result, psprintf("CREATE TRIGGER %s %s FOR EACH STATEMENT"
												  " EXECUTE FUNCTION %s.%s()", row_triggers[i].name,
												  event, RELATIONS_SCHEMA, row_triggers[i].function));
		}
	}
	return result;
}

static ForeignKey *
enforcing_key(RelationDesc *desc)
{
	if (desc->constraint_name == NULL)
		return NULL;
	return match_foreign_key(foreign_keys_between(desc->model, desc->related),
							 desc->foreign_key, desc->local_key);
}

/*
 * Return true if a row may be stored before the one that it refers to: nothing
 * forbids it, or nothing but a check at the end of the transaction.
 */
bool
rows_may_precede(RelationDesc *desc)
{
	ForeignKey *fk = enforcing_key(desc);

	return fk == NULL || fk->deferrable || !fk->validated;
}

/* Return true if the check at the end of the transaction forbids it. */
bool
rows_may_be_deferred(RelationDesc *desc)
{
	ForeignKey *fk = enforcing_key(desc);

	return fk != NULL && fk->deferrable;
}

/*
 * Return true if rows of a table are also written by statements on another
 * one: then only row triggers see them.
 */
static bool
is_partitioned_or_partition(Oid relid)
{
	return get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE || get_rel_relispartition(relid);
}

/*
 * Return the statements for the missing triggers of a table with counters: for
 * rows whose key is set, and for new rows.
 */
static List *
missing_parent_triggers(RelationDesc *desc)
{
	List	   *result = NIL;
	List	   *columns = NIL;
	List	   *missing;
	bool		by_row = is_partitioned_or_partition(desc->related);
	Oid			there = find_trigger(desc->related, PARENT_KEY_TRIGGER, "counter_parent", &columns,
									 NULL);
	bool		covered = OidIsValid(there);
	int16		type = 0;
	ListCell   *lc;

	missing = list_copy(columns);
	foreach(lc, desc->local_key)
	{
		if (!list_has_name(columns, lfirst(lc)))
		{
			missing = lappend(missing, lfirst(lc));
			covered = false;
		}
	}
	if (!covered)
		result = lappend(result, psprintf("CREATE %sTRIGGER %s AFTER UPDATE OF %s ON %s FOR EACH ROW"
										  " EXECUTE FUNCTION %s.counter_parent()",
										  OidIsValid(there) ? "OR REPLACE " : "",
										  PARENT_KEY_TRIGGER, quoted_column_list(missing),
										  quoted_model_name(desc->related), RELATIONS_SCHEMA));
	there = find_trigger(desc->related, PARENT_NEW_TRIGGER, "counter_parent", NULL, &type);
	if (!OidIsValid(there) || by_row != (TRIGGER_FOR_ROW(type) != 0))
		result = lappend(result, psprintf("CREATE %sTRIGGER %s AFTER INSERT ON %s %s"
										  " EXECUTE FUNCTION %s.counter_parent()",
										  OidIsValid(there) ? "OR REPLACE " : "",
										  PARENT_NEW_TRIGGER, quoted_model_name(desc->related),
										  by_row ? "FOR EACH ROW"
										  : "REFERENCING NEW TABLE AS " COUNTER_NEW_ROWS " FOR EACH STATEMENT",
										  RELATIONS_SCHEMA));
	return result;
}

/*
 * The statements for all triggers that a relation with a counter_cache or
 * touch needs and that are not there; NIL when they are.  Raises
 * wrong_object_type when a partition is a foreign table.
 */
List *
missing_counting_triggers(RelationDesc *desc, LOCKMODE lockmode)
{
	List	   *result = missing_row_triggers(desc->model, lockmode);

	return desc->counter_cache == NULL ? result
		: list_concat(result, missing_parent_triggers(desc));
}

static void
ensure_triggers(RelationDesc *desc)
{
	ListCell   *lc;

	foreach(lc, missing_counting_triggers(desc, ShareRowExclusiveLock))
		run_ddl(lfirst(lc));
}

/*
 * A relation with a counter_cache or touch has been declared: create the
 * triggers that are not there yet, and count the rows that are.
 */
void
begin_counting(RelationDesc *desc)
{
	ensure_triggers(desc);
	if (desc->counter_cache != NULL)
		recount_relation(desc, InvalidOid);
}

/*
 * A relation is in the catalog no more: drop the triggers that no other one
 * needs.  Those of the related table stay when it is somebody else's now; they
 * find nothing to do.
 */
void
end_counting(RelationDesc *desc)
{
	bool		rows_needed = false;
	bool		keys_needed = false;
	ListCell   *lc;

	if (!RELATION_FOLLOWS(desc))
		return;
	foreach(lc, catalog_relations_of(desc->model))
		rows_needed = rows_needed || RELATION_FOLLOWS((RelationDesc *) lfirst(lc));
	foreach(lc, catalog_relations_to(desc->related))
	{
		RelationDesc *other = lfirst(lc);

		keys_needed = keys_needed || (RELATION_FOLLOWS(other) && other->counter_cache != NULL);
	}
	if (!rows_needed && is_plain_table(desc->model))
	{
		foreach(lc, find_all_inheritors(desc->model, ShareRowExclusiveLock, NULL))
		{
			for (int i = 0; i < (int) lengthof(row_triggers); i++)
				drop_trigger(lfirst_oid(lc), row_triggers[i].name, row_triggers[i].function);
		}
	}
	if (!is_plain_table(desc->related) ||
		!object_ownercheck(RelationRelationId, desc->related, GetUserId()))
		return;
	if (keys_needed)
		return;
	drop_trigger(desc->related, PARENT_KEY_TRIGGER, "counter_parent");
	drop_trigger(desc->related, PARENT_NEW_TRIGGER, "counter_parent");
}

static List *
add_trigger_ddl(List *ddl, Oid relid, const char *name, const char *function)
{
	Oid			trigger = find_trigger(relid, name, function, NULL, NULL);

	if (!OidIsValid(trigger))
		return ddl;
	return lappend(ddl, TextDatumGetCString(DirectFunctionCall1(pg_get_triggerdef,
																ObjectIdGetDatum(trigger))));
}

/* The triggers that a relation needs, as statements; NIL when it needs none. */
List *
counting_ddl(RelationDesc *desc)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!RELATION_FOLLOWS(desc))
		return NIL;
	foreach(lc, find_all_inheritors(desc->model, NoLock, NULL))
	{
		for (int i = 0; i < (int) lengthof(row_triggers); i++)
			result = add_trigger_ddl(result, lfirst_oid(lc), row_triggers[i].name,
									 row_triggers[i].function);
	}
	if (desc->counter_cache == NULL)
		return result;
	result = add_trigger_ddl(result, desc->related, PARENT_KEY_TRIGGER, "counter_parent");
	return add_trigger_ddl(result, desc->related, PARENT_NEW_TRIGGER, "counter_parent");
}

/*
 * SQL: recount(model, relation): how many counters were wrong.  Partitions
 * that came meanwhile get their triggers.  Raises undefined_object when there
 * is no such relation, object_not_in_prerequisite_state when it has no
 * counter_cache, insufficient_privilege unless the caller owns both tables.
 */
Datum
relations_recount(PG_FUNCTION_ARGS)
{
	RelationDesc *desc;
	Oid			model;
	char	   *name;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model = PG_GETARG_OID(0);
	name = NameStr(*PG_GETARG_NAME(1));
	model_check(model);
	desc = catalog_get_relation(model, name);
	if (desc->counter_cache == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" of model \"%s\" has no counter_cache", name, model_name(model)),
				 errhint("Declare it with relations.belongs_to(..., counter_cache => '...').")));
	require_owner(model);
	require_owner(desc->related);
	lock_models(list_make2_oid(model, desc->related));
	/* what was read before the lock may have changed */
	desc = catalog_get_relation(model, name);
	if (desc->counter_cache == NULL)
		PG_RETURN_INT64(0);
	require_column(desc->related, desc->counter_cache, "counter_cache");
	ensure_triggers(desc);
	PG_RETURN_INT64((int64) recount_relation(desc, InvalidOid));
}
