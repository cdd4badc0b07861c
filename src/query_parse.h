/*
 * query_parse.h
 *	  A query document -> a tree of QueryNode.
 */
#ifndef RELATIONS_QUERY_PARSE_H
#define RELATIONS_QUERY_PARSE_H

#include "query_shape.h"

extern QueryTree *query_from_document(Oid model, Jsonb *document, const QueryShape *shape);
extern void query_apply_scope(QueryNode *node, Jsonb *scope);

#endif							/* RELATIONS_QUERY_PARSE_H */
