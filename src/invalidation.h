/*
 * invalidation.h
 *	  Listen for relcache invalidations.
 */
#ifndef RELATIONS_INVALIDATION_H
#define RELATIONS_INVALIDATION_H

#include "relations.h"

extern void call_when_table_changed(void (*callback) (Datum arg, Oid relid));

#endif							/* RELATIONS_INVALIDATION_H */
