/*
 * morph_watch.h
 *	  The types of polymorphic references follow what is renamed and dropped.
 */
#ifndef RELATIONS_MORPH_WATCH_H
#define RELATIONS_MORPH_WATCH_H

#include "relations.h"

extern void morph_follow_dropped_types(List *holders);
extern void morph_follow_dropped_tables(Datum relids, const char *locking);

#endif							/* RELATIONS_MORPH_WATCH_H */
