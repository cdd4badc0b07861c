/*
 * graph_view.h
 *	  The query of a graph view.
 */
#ifndef RELATIONS_GRAPH_VIEW_H
#define RELATIONS_GRAPH_VIEW_H

#include "relations.h"
#include "utils/array.h"

extern char *graph_view_query(Oid model, ArrayType *paths);

#endif							/* RELATIONS_GRAPH_VIEW_H */
