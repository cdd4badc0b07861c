/*
 * query_where.h
 *	  The conditions of a query document.
 */
#ifndef RELATIONS_QUERY_WHERE_H
#define RELATIONS_QUERY_WHERE_H

#include "query_json.h"

/*
 * In the template of a condition: the column, the next parameter, and what
 * stands before a character that is meant as it is.
 */
#define WHERE_COLUMN "\001"
#define WHERE_PARAM "\002"
#define WHERE_LITERAL "\003"

extern void query_parse_where(QueryContext *cxt, QueryNode *node, const JsonMember *member,
							  JsonPathFrame *path);

#endif							/* RELATIONS_QUERY_WHERE_H */
