/*
 * factory_watch.h
 *	  Factories follow what is renamed and what is dropped.
 */
#ifndef RELATIONS_FACTORY_WATCH_H
#define RELATIONS_FACTORY_WATCH_H

#include "relations.h"

extern void factory_follow_dropped_tables(void);
extern void factory_follow_dropped_columns(void);
extern void factory_follow_renamed_column(Datum relids, const char *old, const char *new);
extern void factory_follow_renamed_value(Oid enum_type, const char *old, const char *new);

#endif							/* RELATIONS_FACTORY_WATCH_H */
