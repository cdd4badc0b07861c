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

struct QueryNode;

/*
 * A value that a level's statement is given as a parameter: a constant, or
 * bound at each call to a value of the query document (see query_shape.h).
 */
typedef struct QueryParam
{
	Oid			type;			/* of the parameter */
	Datum		value;			/* a constant, when leaf < 0 */
	bool		isnull;
	JsonbValue *source;			/* of a constant that depends on the time or
								 * on settings: converted at each call; or NULL */

	int			leaf;			/* the value of the document, or -1 */
	int			element;		/* of it, when it is an array; or -1 */
	bool		array;			/* it is an array of value_type */
	bool		whole;			/* it is a whole number from 0 */
	bool		prefix;			/* it becomes the pattern of strings that
								 * begin with it */
	bool		contained;		/* it is a range, or an element, which becomes
								 * the range of it alone */
	Oid			value_type;		/* what one value is converted to */
	uint64		cursor_order;	/* element is of a cursor for this order, */
	int			cursor_values;	/* which has so many values; else 0 */
	char	   *path;			/* in the document, for errors */
	int			slot;			/* in the values of a run, or -1 */
} QueryParam;

typedef enum OrderKind
{
	ORDER_COLUMN,				/* of the level's table */
	ORDER_PIVOT,				/* a column of the table between */
	ORDER_RELATED,				/* an order of the row that node leads to */
	ORDER_COUNT					/* the number of rows that node leads to */
} OrderKind;

typedef struct QueryOrder
{
	OrderKind	kind;
	char	   *column;			/* for COLUMN and PIVOT */
	struct QueryNode *node;		/* for RELATED and COUNT */
	struct QueryOrder *inner;	/* for RELATED: the order within node */
	Oid			type;			/* of the value, domains taken off */
	bool		descending;
	bool		nulls_given;
	bool		nulls_first;	/* as it takes effect, given or not */
	bool		not_null;		/* the value never is null */
	List	   *not_null_tables;	/* as long as these do not change */
} QueryOrder;

typedef enum ConditionKind
{
	CONDITION_AND,
	CONDITION_OR,
	CONDITION_NOT,
	CONDITION_OPERATOR,
	CONDITION_EXISTS,			/* node leads to a row */
	CONDITION_COUNT				/* the number of rows that node leads to */
} ConditionKind;

typedef struct QueryCondition
{
	ConditionKind kind;
	List	   *args;			/* of QueryCondition, for AND, OR and NOT */
	bool		via;			/* for OPERATOR: of the table between */
	char	   *column;			/* for OPERATOR */
	const char *sql;			/* for OPERATOR and COUNT: template of the
								 * operator, see query_where.c */
	List	   *params;			/* of QueryParam */
	struct QueryNode *node;		/* for EXISTS and COUNT */
} QueryCondition;

/* Where a page begins: behind (or before) a row, given by its order values. */
typedef struct QueryCursor
{
	bool		before;
	List	   *params;			/* of QueryParam, one an order; NULL for null */
} QueryCursor;

typedef enum AggregateKind
{
	AGGREGATE_NONE,
	AGGREGATE_COUNT,
	AGGREGATE_EXISTS,
	AGGREGATE_SUM,
	AGGREGATE_AVG,
	AGGREGATE_MIN,
	AGGREGATE_MAX
} AggregateKind;

/* One level of a graph: the rows of a model, reached through a relation. */
typedef struct QueryNode
{
	char	   *name;			/* key in the document; NULL for the root */
	Oid			relid;
	RelationDesc *relation;		/* NULL for the root */
	ModelDesc  *model;
	ModelDesc  *via;			/* pivot table or through model, or NULL */
	bool		continues;		/* another type of the relation before it */
	bool		selects;		/* only the columns in select are shown */
	List	   *select;
	List	   *where;			/* of QueryCondition, all of which must hold */
	int			scope_conditions;	/* how many of them are the relation's own */
	List	   *order;			/* of QueryOrder */
	bool		total_order;	/* the order ends with the primary key */
	int64		limit;			/* rows per parent, or -1 */
	int64		scope_limit;	/* of the relation's own, or -1 */
	List	   *scope_order;	/* the relation's own order, by which its limit
								 * takes rows */
	bool		own_order;		/* order is that of the query, not the relation's */
	bool		single;			/* nothing but the limit keeps the relation from
								 * leading to several rows, of which it is to
								 * lead to one */
	QueryParam *offset;			/* rows to skip per parent, or NULL */
	QueryCursor *cursor;		/* or NULL */
	bool		show_cursor;	/* documents carry their cursor */
	AggregateKind aggregate;	/* not rows, but a value of them */
	char	   *aggregate_column;	/* or NULL */
	bool		recursive;		/* the relation is followed again and again */
	int			max_depth;		/* of that, or -1 */
	List	   *children;		/* of QueryNode */
} QueryNode;

/* A tree, and what is said of all its documents. */
typedef struct QueryTree
{
	QueryNode  *root;
	bool		camel;			/* keys are written in camel case */
	List	   *params;			/* of QueryParam that are bound at each call */
	bool		shareable;		/* fits all documents of the same shape */
} QueryTree;

/* in the current memory context */
extern QueryTree *query_from_paths(Oid model, ArrayType *paths);
extern QueryNode *query_make_node(Oid relid, RelationDesc *relation);
extern List *query_make_nodes(RelationDesc *relation);
extern List *query_descend(List *nodes, const char *path);
extern char *quote_path_name(const char *name);
extern void query_complete_order(QueryNode *node);
extern bool query_narrows_rows(const QueryNode *node);

/*
 * Raises an error that names its path in the scope when the scope is not a
 * document of "where", "order" and "limit" that fits the model and the table
 * between, if there is one.
 */
extern void query_check_scope(Oid model, Oid via, Jsonb *scope);
extern bool query_scope_has(Jsonb *scope, const char *key);

/*
 * A relation that leads to tables of several types may have a scope of its own
 * for some of them, below "types": that of a type, NULL for those that are not
 * named there; and whether a type is named.
 */
extern Jsonb *query_scope_of_type(Jsonb *scope, const char *type);
extern bool query_scope_has_type(Jsonb *scope, const char *type);
extern void query_check_scope_types(Jsonb *scope, List *types);

#endif							/* RELATIONS_QUERY_DOC_H */
