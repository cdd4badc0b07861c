/*
 * query_json.h
 *	  The JSON of a query document: members, leaves, and errors about them.
 */
#ifndef RELATIONS_QUERY_JSON_H
#define RELATIONS_QUERY_JSON_H

#include "relations.h"
#include "utils/jsonb.h"

#include "json_value.h"
#include "query_doc.h"

/* A value of a document, and where it stands. */
typedef struct JsonMember
{
	char	   *key;			/* of a member of an object, else NULL */
	JsonbValue	value;
	const JsonbContainer *container;	/* that it stands in */
	int			index;
} JsonMember;

/* A value that is bound, not part of the query's shape. */
typedef struct QueryLeaf
{
	const JsonbContainer *container;
	int			index;
	JsonbValue	value;
	struct CursorValues *cursor;	/* what it says, for "after" and "before" */
} QueryLeaf;

/* A document that is turned into a tree; NULL for what is no document. */
typedef struct QueryContext
{
	QueryTree  *tree;
	const QueryLeaf *leaves;
	int			nleaves;
	const QueryLeaf **by_place; /* sorted, to be found */
} QueryContext;

#define JSON_IS_OBJECT(v) \
	((v)->type == jbvBinary && JsonContainerIsObject((v)->val.binary.data))
#define JSON_IS_ARRAY(v) \
	((v)->type == jbvBinary && JsonContainerIsArray((v)->val.binary.data))

extern List *json_members_of(const JsonbValue *object);
extern List *json_elements_of(const JsonbValue *array);
extern JsonbValue *json_member(const JsonbValue *object, const char *key);
extern void json_root_value(Jsonb *document, JsonbValue *value);

extern void query_document_error(const JsonPathFrame *path, const char *expected,
								 const JsonbValue *found) pg_attribute_noreturn();
extern void query_unknown_key(const JsonPathFrame *path, const char *key, const char *what,
							  List *known) pg_attribute_noreturn();
extern List *query_members(const JsonMember *member, const JsonPathFrame *path, const char *expected);
extern List *query_elements(const JsonMember *member, const JsonPathFrame *path, const char *expected);
extern char *query_string(const JsonMember *member, const JsonPathFrame *path, const char *expected);
extern bool query_boolean(const JsonMember *member, const JsonPathFrame *path);
extern bool query_choice(const JsonMember *member, const JsonPathFrame *path,
						 const char *no, const char *yes);
extern int64 query_count(const JsonMember *member, const JsonPathFrame *path);
extern int64 query_count_value(const JsonbValue *value, const JsonPathFrame *path);

extern void query_enter_place(ErrorContextCallback *place, const JsonPathFrame *path);
extern void query_leave_place(ErrorContextCallback *place);
extern RelationDesc *query_relation(Oid relid, const char *name, const JsonPathFrame *path);

extern void query_set_leaves(QueryContext *cxt, const QueryLeaf *leaves, int nleaves);
extern QueryParam *query_param(QueryContext *cxt, const JsonMember *member, int element, bool array,
							   Oid value_type, const JsonPathFrame *path);
extern QueryParam *query_prefix_param(QueryContext *cxt, const JsonMember *member, Oid type,
									  const JsonPathFrame *path);
extern QueryParam *query_contained_param(QueryContext *cxt, const JsonMember *member,
										 Oid type, const JsonPathFrame *path);
extern QueryParam *query_whole_param(QueryContext *cxt, const JsonMember *member,
									 const JsonPathFrame *path);
extern void query_param_bind(const QueryParam *param, const JsonbValue *leaf,
							 Datum *value, bool *isnull);
extern int	query_leaf_of(QueryContext *cxt, const JsonMember *member);

#endif							/* RELATIONS_QUERY_JSON_H */
