/*
 * morph_watch.h
 *	  The types of polymorphic references follow what is renamed and dropped.
 */
#ifndef RELATIONS_MORPH_WATCH_H
#define RELATIONS_MORPH_WATCH_H

#include "relations.h"

extern void morph_drop_relations_without_type(void);
extern void morph_follow_dropped_tables(void);
extern void morph_follow_dropped_columns(void);
extern void morph_follow_dropped_constraints(void);
extern void morph_follow_dropped_indexes(void);
extern void morph_follow_renamed_column(Datum relids, const char *old, const char *new);
extern void morph_follow_renamed_value(Oid enum_type, const char *old, const char *new);
extern void morph_follow_renamed_constraint(Oid relid, const char *old, const char *new);

#endif							/* RELATIONS_MORPH_WATCH_H */
