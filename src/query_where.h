/*
 * query_where.h
 *	  The parts of a query document that filter, order and limit one level.
 */
#ifndef RELATIONS_QUERY_WHERE_H
#define RELATIONS_QUERY_WHERE_H

#include "query_doc.h"

/* in the template of a condition: the column, the next parameter */
#define WHERE_COLUMN "\001"
#define WHERE_PARAM "\002"

extern void query_apply_scope(QueryNode *node, Jsonb *scope);

#endif							/* RELATIONS_QUERY_WHERE_H */
