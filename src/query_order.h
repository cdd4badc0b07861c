/*
 * query_order.h
 *	  The order of a query document.
 */
#ifndef RELATIONS_QUERY_ORDER_H
#define RELATIONS_QUERY_ORDER_H

#include "query_json.h"

extern void query_parse_order(QueryNode *node, const JsonMember *member, JsonPathFrame *path);

#endif							/* RELATIONS_QUERY_ORDER_H */
