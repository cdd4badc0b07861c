/*
 * event_objects.h
 *	  The objects that the command of an event trigger has changed or dropped.
 */
#ifndef RELATIONS_EVENT_OBJECTS_H
#define RELATIONS_EVENT_OBJECTS_H

#include "relations.h"

typedef struct EventObject
{
	Oid			classid;
	Oid			objid;
	int			subid;

	/* only of dropped objects */
	const char *type;			/* as in pg_event_trigger_dropped_objects() */
	const char *schema;			/* or NULL */
	const char *name;			/* or NULL */
	List	   *address;		/* its address_names, of char * */
} EventObject;

/* SQL: the OID of the schema that dropped objects name; "pg_temp" is no schema's real name */
#define SQL_NAMESPACE(name) "(CASE " name " WHEN 'pg_temp' THEN pg_catalog.pg_my_temp_schema()" \
	" ELSE pg_catalog.to_regnamespace(pg_catalog.quote_ident(" name ")) END)"

extern List *event_altered_objects(void);
extern List *event_dropped_objects(void);

#endif							/* RELATIONS_EVENT_OBJECTS_H */
