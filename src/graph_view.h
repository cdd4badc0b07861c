/*
 * graph_view.h
 *	  The columns and the query of a graph view.
 */
#ifndef RELATIONS_GRAPH_VIEW_H
#define RELATIONS_GRAPH_VIEW_H

#include "relations.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/rel.h"

/* the trigger that writes what is written to a graph view */
#define GRAPH_VIEW_TRIGGER "relations_write"

/* A column of a graph view: a column of the model, or a relation. */
typedef struct ViewColumn
{
	char	   *name;
	AttrNumber	attnum;			/* of the model, or InvalidAttrNumber */
	Oid			type;
	int32		typmod;
	Oid			collation;
	List	   *paths;			/* of char *: those that begin with the relation */
} ViewColumn;

extern Query *graph_view_stored_query(Relation view);
extern List *graph_view_columns(Oid model, ArrayType *paths);
extern ViewColumn **graph_view_match(Oid view, Oid model, List *columns, int *n);
extern char *graph_view_query(Oid model, ArrayType *paths, Oid view);
extern void graph_view_create_trigger(const char *view);
extern void graph_view_create(const char *view, const char *options, const char *query);
extern void graph_view_record(Oid view, Oid model, Datum paths);

#endif							/* RELATIONS_GRAPH_VIEW_H */
