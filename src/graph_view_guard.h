/*
 * graph_view_guard.h
 *	  What the server would do with a statement on a graph view that is not
 *	  what was meant.
 */
#ifndef RELATIONS_GRAPH_VIEW_GUARD_H
#define RELATIONS_GRAPH_VIEW_GUARD_H

extern void graph_view_guard_init(void);

#endif							/* RELATIONS_GRAPH_VIEW_GUARD_H */
