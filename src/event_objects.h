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

extern List *event_altered_objects(void);
extern List *event_dropped_objects(void);

#endif							/* RELATIONS_EVENT_OBJECTS_H */
