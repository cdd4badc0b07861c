/*
 * query_shape.h
 *	  A query document -> its shape, and the values that are not part of it.
 */
#ifndef RELATIONS_QUERY_SHAPE_H
#define RELATIONS_QUERY_SHAPE_H

#include "relations.h"
#include "lib/stringinfo.h"

#include "query_json.h"

typedef struct QueryShape
{
	StringInfoData bytes;		/* equal for documents of one shape */
	QueryLeaf  *leaves;
	int			nleaves;
	int			capacity;
	Jsonb	   *params;			/* values for placeholders, or NULL */
} QueryShape;

extern void query_scope_value(JsonbValue *value, JsonPathFrame *path);
extern char *query_scope_string(const char *value);
extern void query_shape(QueryShape *shape, Jsonb *document, Jsonb *params);

#endif							/* RELATIONS_QUERY_SHAPE_H */
