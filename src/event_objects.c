/*
 * event_objects.c
 *	  The objects that the command of an event trigger has changed or dropped.
 *
 * The server returns them by set-returning functions.  This file calls these
 * directly, which costs much less than an SQL statement.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/tuplestore.h"

#include "event_objects.h"

/* columns of pg_event_trigger_dropped_objects(); the first three of both functions */
enum
{
	Anum_classid = 1,
	Anum_objid,
	Anum_objsubid,
	Anum_dropped_object_type = 7,
	Anum_dropped_schema_name,
	Anum_dropped_object_name,
	Anum_dropped_address_names = 11
};

static const char *
text_column(TupleTableSlot *slot, int attnum)
{
	bool		isnull;
	Datum		d = slot_getattr(slot, attnum, &isnull);

	return isnull ? NULL : TextDatumGetCString(d);
}

static List *
texts_column(TupleTableSlot *slot, int attnum)
{
	bool		isnull;
	Datum		d = slot_getattr(slot, attnum, &isnull);
	List	   *result = NIL;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(d), TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result, nulls[i] ? pstrdup("") : TextDatumGetCString(elems[i]));
	return result;
}

static EventObject *
read_object(TupleTableSlot *slot, bool dropped)
{
	EventObject *object = palloc0(sizeof(EventObject));
	bool		isnull;
	Datum		d;

	/* a command without an address, such as GRANT, has nulls */
	d = slot_getattr(slot, Anum_classid, &isnull);
	object->classid = isnull ? InvalidOid : DatumGetObjectId(d);
	d = slot_getattr(slot, Anum_objid, &isnull);
	object->objid = isnull ? InvalidOid : DatumGetObjectId(d);
	d = slot_getattr(slot, Anum_objsubid, &isnull);
	object->subid = isnull ? 0 : DatumGetInt32(d);
	if (dropped)
	{
		object->type = text_column(slot, Anum_dropped_object_type);
		object->schema = text_column(slot, Anum_dropped_schema_name);
		object->name = text_column(slot, Anum_dropped_object_name);
		object->address = texts_column(slot, Anum_dropped_address_names);
	}
	return object;
}

static List *
call_function(Oid function, bool dropped)
{
	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo	flinfo;
	ReturnSetInfo rsinfo = {.type = T_ReturnSetInfo};
	TupleTableSlot *slot;
	List	   *result = NIL;

	rsinfo.econtext = CreateStandaloneExprContext();
	rsinfo.allowedModes = SFRM_Materialize;
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 0, InvalidOid, NULL, (Node *) &rsinfo);
	(void) FunctionCallInvoke(fcinfo);
	if (rsinfo.setResult == NULL || rsinfo.setDesc == NULL)
		elog(ERROR, "function %u returned no set", function);
	slot = MakeSingleTupleTableSlot(rsinfo.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rsinfo.setResult, true, false, slot))
		result = lappend(result, read_object(slot, dropped));
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rsinfo.setResult);
	FreeExprContext(rsinfo.econtext, true);
	return result;
}

/*
 * Return the objects that the command created or altered, a list of
 * EventObject.  Raises an error unless an event trigger on ddl_command_end runs.
 */
List *
event_altered_objects(void)
{
	return call_function(F_PG_EVENT_TRIGGER_DDL_COMMANDS, false);
}

/*
 * Return the objects that the command dropped, a list of EventObject.  Raises
 * an error unless an event trigger on sql_drop runs.
 */
List *
event_dropped_objects(void)
{
	return call_function(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, true);
}
