/*
 * graph_view_write.c
 *	  The INSTEAD OF triggers of graph views.
 *
 * A row of a view is a document whose columns stand in columns: it goes the
 * way of create, update and delete.  A column that is null is left out of an
 * INSERT, so that it takes its default.  An UPDATE sets the columns that
 * differ, and replaces the relations that differ.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "relation_key.h"
#include "write_change.h"
#include "write_statement.h"

PG_FUNCTION_INFO_V1(relations_write_view);

/* A row of a view that is written. */
typedef struct ViewWrite
{
	TriggerData *trigger;
	TupleDesc	desc;			/* of the view */
	WriteRun   *run;
	WriteModel *model;
	WriteRow   *row;
	WriteMember **members;		/* of the view's columns */
	Datum	   *old;
	bool	   *old_null;
	Datum	   *new;
	bool	   *new_null;
} ViewWrite;

/* The model of a graph view.  Raises undefined_object when it is none. */
static Oid
model_of_view(Relation view)
{
	Oid			result = InvalidOid;
	Relation	rel = table_open(catalog_graph_view_oid(), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(view)));
	scan = systable_beginscan(rel, relation_primary_key_index(rel), true, NULL, 1, &key);
	if (HeapTupleIsValid(tup = systable_getnext(scan)))
		result = DatumGetObjectId(catalog_value(tup, 2, RelationGetDescr(rel)));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (!OidIsValid(result))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is not a graph view", RelationGetRelationName(view)),
				 errhint("Graph views are made by relations.create_view.")));
	return result;
}

static void
deform(ViewWrite *write, HeapTuple tuple, Datum **values, bool **isnull)
{
	*values = palloc(sizeof(Datum) * write->desc->natts);
	*isnull = palloc(sizeof(bool) * write->desc->natts);
	heap_deform_tuple(tuple, write->desc, *values, *isnull);
}

/*
 * What the view's columns are.  Raises undefined_column for one that the model
 * has no more.
 */
static void
find_members(ViewWrite *write)
{
	write->members = palloc0(sizeof(WriteMember *) * write->desc->natts);
	for (int i = 0; i < write->desc->natts; i++)
	{
		char	   *name = NameStr(TupleDescAttr(write->desc, i)->attname);
		WriteMember *member = write_model_member(write->model, name);

		if (member == NULL || (member->column >= 0 &&
							   write->model->columns[member->column].type != TupleDescAttr(write->desc, i)->atttypid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of view \"%s\" is not as in \"%s\" any more", name,
							RelationGetRelationName(write->trigger->tg_relation),
							model_name(write->model->relid)),
					 errhint("Make the view anew: SELECT relations.refresh_view('%s').",
							 RelationGetRelationName(write->trigger->tg_relation))));
		write->members[i] = member;
		/* who may not read a column may write it all the same */
		if (member->column >= 0 && write->model->columns[member->column].shown)
			write->row->wanted = lappend(write->row->wanted,
										 write->model->columns[member->column].name);
	}
	write->row->shown = NIL;
}

/* A jsonb value of a relation's column, as a member of a document. */
static JsonMember *
relation_member(ViewWrite *write, int i)
{
	JsonMember *member = palloc0(sizeof(JsonMember));

	member->key = NameStr(TupleDescAttr(write->desc, i)->attname);
	json_root_value(DatumGetJsonbPCopy(write->new[i]), &member->value);
	return member;
}

/* An INSERT into a view has no ON CONFLICT: say what has. */
static void
insert_error_context(void *arg)
{
	if (geterrcode() == ERRCODE_UNIQUE_VIOLATION)
		errhint("To change the row that is there, use relations.upsert('%s', ...).",
				((ViewWrite *) arg)->model->name);
}

static void
insert_row(ViewWrite *write)
{
	ErrorContextCallback callback;

	callback.callback = insert_error_context;
	callback.arg = write;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	for (int i = 0; i < write->desc->natts; i++)
	{
		WriteMember *member = write->members[i];

		if (write->new_null[i])
			continue;
		if (member->column < 0)
			write_parse_nested(write->run, write->row, member->relation, relation_member(write, i));
		else
			write_row_set(write->run, write->row, member->column,
						  datumCopy(write->new[i], write->model->columns[member->column].byval,
									write->model->columns[member->column].len), false);
	}
	write_store(write->run, list_make1(write->row));
	error_context_stack = callback.previous;
}

/* Name the row by the primary key that the view shows of its old values. */
static void
name_row(ViewWrite *write)
{
	List	   *key = write->model->desc->primary_key;
	ListCell   *lc;

	if (key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(write->model->relid)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(write->model->relid))));
	write->row->key = palloc0(sizeof(Datum) * list_length(key));
	write->row->existing = true;
	foreach(lc, key)
	{
		bool		found = false;

		for (int i = 0; i < write->desc->natts; i++)
		{
			WriteMember *member = write->members[i];

			if (member->column < 0 ||
				strcmp(write->model->columns[member->column].name, lfirst(lc)) != 0)
				continue;
			found = true;
			write->row->key[foreach_current_index(lc)] =
				key_value(write->model->relid, lfirst(lc), write->old[i], write->old_null[i]);
		}
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("view \"%s\" does not show the primary key of \"%s\"",
							RelationGetRelationName(write->trigger->tg_relation),
							model_name(write->model->relid)),
					 errdetail("Its rows cannot be told apart.")));
	}
}

/* {relation: {"$set": value}}, or what takes all away, for a relation that differs. */
static void
push_replacement(ViewWrite *write, JsonbParseState **state, int i)
{
	RelationDesc *relation = write->members[i]->relation;
	bool		is_parent = RELATION_REFERS(relation->kind);
	JsonbValue	key;
	JsonbValue	value;

	if (write->new_null[i])
		value.type = jbvNull;
	else
		json_root_value(DatumGetJsonbPCopy(write->new[i]), &value);
	key.type = jbvString;
	key.val.string.val = relation->name;
	key.val.string.len = strlen(relation->name);
	pushJsonbValue(state, WJB_KEY, &key);
	/* a null, or operations by name */
	if ((value.type == jbvNull && is_parent) || write_are_operations(&value))
	{
		pushJsonbValue(state, WJB_VALUE, &value);
		return;
	}
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	key.val.string.val = value.type == jbvNull ? "$disconnect" : "$set";
	key.val.string.len = strlen(key.val.string.val);
	pushJsonbValue(state, WJB_KEY, &key);
	if (value.type == jbvNull)
	{
		value.type = jbvBool;
		value.val.boolean = true;
	}
	pushJsonbValue(state, WJB_VALUE, &value);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Update the row; false when it is not there any more. */
static bool
update_row(ViewWrite *write)
{
	JsonbParseState *state = NULL;
	JsonbValue	document;

	name_row(write);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < write->desc->natts; i++)
	{
		WriteMember *member = write->members[i];
		Form_pg_attribute att = TupleDescAttr(write->desc, i);

		if (write->old_null[i] == write->new_null[i] &&
			(write->old_null[i] ||
			 datum_image_eq(write->old[i], write->new[i], att->attbyval, att->attlen)))
			continue;
		if (member->column < 0)
			push_replacement(write, &state, i);
		else
			write_row_set(write->run, write->row, member->column,
						  write->new_null[i] ? (Datum) 0
						  : datumCopy(write->new[i], att->attbyval, att->attlen), write->new_null[i]);
	}
	json_root_value(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), &document);
	return write_change_found(write->run, write->row, &document, true);
}

/* Did the row get another key for a relation to start from? */
static bool
key_changed(ViewWrite *write, RelationDesc *relation)
{
	List	   *own = relation->own_columns;
	ListCell   *lc;

	if (relation->kind == RELATION_MORPH_TO)
		own = list_make1(relation->morph_type_column);
	if (relation->kind == RELATION_MORPH_TO)
		own = list_concat(own, list_copy(relation->morph_id_columns));
	foreach(lc, own)
	{
		if (write_row_find(write->row, write_model_column(write->model, lfirst(lc))) >= 0)
			return true;
	}
	return false;
}

/* A relation as the view shows it now, under the key that the row has now. */
static Datum
read_relation(ViewWrite *write, int i, bool *isnull)
{
	Relation	view = write->trigger->tg_relation;
	WriteStatement statement;
	Datum		value = (Datum) 0;
	ListCell   *lc;

	*isnull = true;
	foreach(lc, write->model->desc->primary_key)
	{
		bool		null;
		Datum		value = write_row_kept(write->row, lfirst(lc), &null);

		write->row->key[foreach_current_index(lc)] =
			key_value(write->model->relid, lfirst(lc), value, null);
	}
	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT c.%s FROM %s AS c WHERE ",
					 quote_identifier(NameStr(TupleDescAttr(write->desc, i)->attname)),
					 quoted_model_name(RelationGetRelid(view)));
	statement_key(&statement, write->row, "c");
	if (statement_run(&statement) == 1)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	return value;
}

/* May who writes read a column? */
static bool
is_wanted(ViewWrite *write, WriteMember *member)
{
	return list_member_ptr(write->row->wanted, write->model->columns[member->column].name);
}

/* The row of the view as it was stored; relations that were not written stay. */
static HeapTuple
stored_tuple(ViewWrite *write)
{
	Datum	   *values = palloc(sizeof(Datum) * write->desc->natts);
	bool	   *isnull = palloc(sizeof(bool) * write->desc->natts);

	for (int i = 0; i < write->desc->natts; i++)
	{
		WriteMember *member = write->members[i];
		bool		written = false;
		ListCell   *lc;

		isnull[i] = false;
		if (member->column >= 0 && is_wanted(write, member))
		{
			values[i] = write_row_kept(write->row, write->model->columns[member->column].name, &isnull[i]);
			continue;
		}
		if (member->column >= 0)
		{
			values[i] = write->new[i];
			isnull[i] = write->new_null[i];
			continue;
		}
		foreach(lc, write->row->links)
			written = written || ((WriteLink *) lfirst(lc))->relation == member->relation;
		if (written || write->old == NULL)
		{
			Jsonb	   *jsonb = write_relation_of(write->row, member->relation);

			isnull[i] = jsonb == NULL;
			values[i] = PointerGetDatum(jsonb);
		}
		else if (key_changed(write, member->relation))
			values[i] = read_relation(write, i, &isnull[i]);
		else
		{
			values[i] = write->new[i];
			isnull[i] = write->new_null[i];
		}
	}
	return heap_form_tuple(write->desc, values, isnull);
}

/*
 * INSTEAD OF trigger of graph views.  Raises what create, update and delete
 * raise.
 */
Datum
relations_write_view(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext caller = CurrentMemoryContext;
	ViewWrite	write = {0};
	HeapTuple	result = NULL;
	bool		stored = true;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired INSTEAD OF for each row of a graph view",
						"relations.write_view")));
	write.trigger = trigger;
	write.desc = RelationGetDescr(trigger->tg_relation);
	write.run = write_run_begin();
	SPI_connect();
	MemoryContextSwitchTo(write.run->context);
	write.model = write_run_model(write.run, model_of_view(trigger->tg_relation));
	write.row = write_row_make(write.run, write.model, NULL, NULL, -1);
	find_members(&write);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
	{
		deform(&write, trigger->tg_trigtuple, &write.new, &write.new_null);
		insert_row(&write);
	}
	else
	{
		deform(&write, trigger->tg_trigtuple, &write.old, &write.old_null);
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		{
			deform(&write, trigger->tg_newtuple, &write.new, &write.new_null);
			stored = update_row(&write);
		}
		else
		{
			name_row(&write);
			if (write_delete_row(write.row))
				result = trigger->tg_trigtuple;
		}
	}
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) && stored)
	{
		MemoryContextSwitchTo(caller);
		result = stored_tuple(&write);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	write_run_end(write.run);
	return PointerGetDatum(result);
}
