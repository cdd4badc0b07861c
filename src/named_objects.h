/*
 * named_objects.h
 *	  Operators, types and collations that cached SQL text names.
 */
#ifndef RELATIONS_NAMED_OBJECTS_H
#define RELATIONS_NAMED_OBJECTS_H

#include "relations.h"

extern void text_names_object(int cacheid, Oid oid);
extern void text_names_type(Oid type);
extern void call_when_renamed(void (*callback) (void));

#endif							/* RELATIONS_NAMED_OBJECTS_H */
