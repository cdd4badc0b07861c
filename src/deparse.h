/*
 * deparse.h
 *	  A QueryNode -> the SQL of its level.
 */
#ifndef RELATIONS_DEPARSE_H
#define RELATIONS_DEPARSE_H

#include "query_doc.h"

/* How the rows of a level are asked for; $1... are the key parameters. */
typedef enum LevelForm
{
	LEVEL_ALL,					/* all rows */
	LEVEL_FIRST,				/* the first row */
	LEVEL_KEY,					/* the row with the primary key $1, $2, ... */
	LEVEL_ONE,					/* rows of one parent: key = $1 */
	LEVEL_ARRAY,				/* rows of many parents: key = ANY($1); all of
								 * each, also of a level with a limit */
	LEVEL_RANGE,				/* the same of a range of keys: $1 <= key <= $2 */
	LEVEL_ORDINAL,				/* $1, $2, ... are arrays, one a key column;
								 * the first column of the result is the
								 * parent's position in them */
	LEVEL_ORDINAL_ALL,			/* the same, of a level with a limit: all rows
								 * of each parent, in no order */
	LEVEL_COUNT					/* all rows, but only their number */
} LevelForm;

#define LEVEL_FORMS (LEVEL_COUNT + 1)

typedef enum SelectKind
{
	SELECT_COLUMN,				/* of the level's table */
	SELECT_VIA,					/* of the one between */
	SELECT_ORDER				/* a value of the order, as text */
} SelectKind;

/* A column of the select list. */
typedef struct SelectColumn
{
	SelectKind	kind;
	char	   *name;			/* of a column */
	QueryOrder *order;			/* for SELECT_ORDER */
	Oid			type;			/* InvalidOid if the statement is not executed */
} SelectColumn;

extern char *deparse_level(QueryNode *node, LevelForm form, List *columns,
						   const Oid *key_types, bool ordered, List **params);
extern char *deparse_standalone(QueryNode *node, List *columns, const char *key_source,
								char *(*param_text) (void *, QueryParam *), void *arg);
extern bool deparse_reverses(QueryNode *node);

#endif							/* RELATIONS_DEPARSE_H */
