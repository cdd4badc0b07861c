/*
 * names.h
 *	  Names of models and columns: written, read, and nearly right.
 */
#ifndef RELATIONS_NAMES_H
#define RELATIONS_NAMES_H

#include "relations.h"
#include "access/attnum.h"

extern char *model_name(Oid relid);
extern char *quoted_model_name(Oid relid);
extern char *qualified_type_name(Oid type, int32 typmod);
extern char *collate_clause(Oid collation);
extern void model_check(Oid relid);
extern List *parse_column_list(const char *text, const char *argument);
extern char *format_column_list(List *columns);
extern char *quoted_column_list(List *columns);
extern List *name_array_to_list(Datum array);
extern Datum name_list_to_array(List *names);
extern bool list_has_name(List *names, const char *name);
extern bool list_same_names(List *a, List *b);
extern const char *closest_name(const char *name, List *candidates);
extern AttrNumber find_column(Oid relid, const char *column);
extern void undefined_column(Oid relid, const char *column, const char *argument) pg_attribute_noreturn();
extern AttrNumber require_column(Oid relid, const char *column, const char *argument);

#endif							/* RELATIONS_NAMES_H */
