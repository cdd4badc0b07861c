/*
 * deparse_condition.h
 *	  Conditions and order values of a QueryNode -> SQL.
 */
#ifndef RELATIONS_DEPARSE_CONDITION_H
#define RELATIONS_DEPARSE_CONDITION_H

#include "lib/stringinfo.h"

#include "query_doc.h"

/* What a level, or a subquery in it, calls its tables. */
typedef struct DeparseAlias
{
	const char *table;
	const char *via;			/* the table between, if there is one */
} DeparseAlias;

typedef struct DeparseContext
{
	StringInfo	buf;
	int			nparams;		/* parameters so far */
	List	   *params;			/* of QueryParam, behind the key parameters */
	int			nsubqueries;	/* that have aliases */
	int			depth;			/* of subqueries within subqueries */
	int			nested;			/* conditions within conditions */
	/* the text that stands for a parameter, instead of its number */
	char	   *(*param_text) (void *arg, QueryParam *param);
	void	   *param_text_arg;
} DeparseContext;

extern void deparse_param(DeparseContext *cxt, QueryParam *param);
extern void deparse_tables(StringInfo buf, QueryNode *node, const DeparseAlias *alias);
extern void deparse_conditions(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias,
							   const char *glue);
extern void deparse_order_value(DeparseContext *cxt, QueryOrder *order, const DeparseAlias *alias);
extern void deparse_direction(StringInfo buf, const QueryOrder *order, bool reversed);
extern void deparse_order_by(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias,
							 bool reversed);

#endif							/* RELATIONS_DEPARSE_CONDITION_H */
