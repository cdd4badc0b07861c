/*
 * query_doc.h
 *	  Paths and query documents, checked and turned into a tree of QueryNode.
 */
#ifndef RELATIONS_QUERY_DOC_H
#define RELATIONS_QUERY_DOC_H

#include "relations.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "catalog.h"

/* A value that a level's statement is given as a parameter. */
typedef struct QueryParam
{
	Oid			type;
	Datum		value;
	bool		isnull;
} QueryParam;

typedef struct QueryOrder
{
	char	   *column;
	bool		descending;
	bool		nulls_given;
	bool		nulls_first;
} QueryOrder;

typedef enum ConditionKind
{
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	CONDITION_OPERATOR
} ConditionKind;

typedef struct QueryCondition
{
	ConditionKind kind;
	List	   *args;			/* of QueryCondition, for AND, OR and NOT */
	char	   *column;			/* for OPERATOR */
	const char *sql;			/* template of the operator, see query_where.c */
	List	   *params;			/* of QueryParam */
} QueryCondition;

/* One level of a graph: the rows of a model, reached through a relation. */
typedef struct QueryNode
{
	char	   *name;			/* key in the document; NULL for the root */
	Oid			relid;
	RelationDesc *relation;		/* NULL for the root */
	ModelDesc  *model;
	ModelDesc  *via;			/* pivot table or through model, or NULL */
	bool		continues;		/* another type of the relation before it */
	List	   *where;			/* of QueryCondition, all of which must hold */
	List	   *order;			/* of QueryOrder */
	int64		limit;			/* rows per parent, or -1 */
	List	   *children;		/* of QueryNode */
} QueryNode;

/* in the current memory context */
extern QueryNode *query_from_paths(Oid model, ArrayType *paths);

/*
 * Raises an error that names its path in the scope when the scope is not a
 * document of "where", "order" and "limit" that fits the model.
 */
extern void query_check_scope(Oid model, Jsonb *scope);
extern bool query_scope_has(Jsonb *scope, const char *key);

#endif							/* RELATIONS_QUERY_DOC_H */
