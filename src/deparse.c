/*
 * deparse.c
 *	  A QueryNode -> the SQL of its level.
 *
 * Each level is one SELECT.  Every name is quoted and qualified, every
 * operator is named with its schema, every value is a parameter.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "deparse.h"
#include "key_operator.h"
#include "query_where.h"

typedef struct DeparseContext
{
	StringInfo	buf;
	int			nparams;		/* parameters so far */
	List	   *params;			/* of QueryParam, behind the key parameters */
} DeparseContext;

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

/* One condition, in parentheses. */
static void
deparse_condition(DeparseContext *cxt, QueryCondition *cond)
{
	StringInfo	buf = cxt->buf;
	ListCell   *lc;
	int			next = 0;

	appendStringInfoChar(buf, '(');
	switch (cond->kind)
	{
		case CONDITION_AND:
		case CONDITION_OR:
			if (cond->args == NIL)
				appendStringInfoString(buf, cond->kind == CONDITION_AND ? "true" : "false");
			foreach(lc, cond->args)
			{
				if (foreach_current_index(lc) > 0)
					appendStringInfoString(buf, cond->kind == CONDITION_AND ? " AND " : " OR ");
				deparse_condition(cxt, lfirst(lc));
			}
			break;
		case CONDITION_NOT:
			appendStringInfoString(buf, "NOT ");
			deparse_condition(cxt, linitial(cond->args));
			break;
		case CONDITION_OPERATOR:
			for (const char *p = cond->sql; *p != '\0'; p++)
			{
				if (*p == WHERE_COLUMN[0])
					appendStringInfo(buf, "c.%s", quote_identifier(cond->column));
				else if (*p == WHERE_PARAM[0])
				{
					cxt->params = lappend(cxt->params, list_nth(cond->params, next++));
					appendStringInfo(buf, "$%d", ++cxt->nparams);
				}
				else
					appendStringInfoChar(buf, *p);
			}
			break;
	}
	appendStringInfoChar(buf, ')');
}

/* The conditions that join the level to its keys, and those of its scope. */
static void
deparse_where(DeparseContext *cxt, QueryNode *node, LevelForm form, List *keys,
			  const Oid *key_types)
{
	StringInfo	buf = cxt->buf;
	const char *glue = " WHERE ";
	ListCell   *lc;

	foreach(lc, keys)
	{
		int			i = foreach_current_index(lc) + 1;
		const char *column = quote_identifier(lfirst(lc));
		Oid			type = column_type(node->relid, lfirst(lc));
		Oid			key_type = key_types[i - 1];
		char	   *eq = strategy_operator(type, key_type, BTEqualStrategyNumber);

		appendStringInfoString(buf, glue);
		glue = " AND ";
		switch (form)
		{
			case LEVEL_KEY:
			case LEVEL_ONE:
				appendStringInfo(buf, "c.%s %s $%d", column, eq, i);
				break;
			case LEVEL_ARRAY:
				appendStringInfo(buf, "c.%s %s ANY($%d)", column, eq, i);
				break;
			case LEVEL_RANGE:
				appendStringInfo(buf, "c.%s %s $1 AND c.%s %s $2",
								 column,
								 strategy_operator(type, key_type, BTGreaterEqualStrategyNumber),
								 column,
								 strategy_operator(type, key_type, BTLessEqualStrategyNumber));
				break;
			case LEVEL_ORDINAL:
				appendStringInfo(buf, "c.%s %s k.k%d", column, eq, i);
				break;
			default:
				break;
		}
	}
	foreach(lc, node->where)
	{
		appendStringInfoString(buf, glue);
		glue = " AND ";
		deparse_condition(cxt, lfirst(lc));
	}
}

/* The order of the scope, then the primary key. */
static void
deparse_order(StringInfo buf, QueryNode *node)
{
	const char *glue = " ORDER BY ";
	ListCell   *lc;

	foreach(lc, node->order)
	{
		QueryOrder *order = lfirst(lc);

		appendStringInfo(buf, "%sc.%s%s%s", glue, quote_identifier(order->column),
						 order->descending ? " DESC" : "",
						 !order->nulls_given ? "" : order->nulls_first ? " NULLS FIRST" : " NULLS LAST");
		glue = ", ";
	}
	foreach(lc, node->model->primary_key)
	{
		appendStringInfo(buf, "%sc.%s", glue, quote_identifier(lfirst(lc)));
		glue = ", ";
	}
}

/*
 * The statement of a level, palloc'd: columns (names, in that order) of the
 * rows that form asks for.  key_types are the types of the key parameters
 * (for LEVEL_ORDINAL: of the elements).  With ordered the rows of each parent
 * come in their order.  *params gets the parameters behind those of the keys.
 */
char *
deparse_level(QueryNode *node, LevelForm form, List *columns,
			  const Oid *key_types, bool ordered, List **params)
{
	StringInfoData buf;
	DeparseContext cxt;
	List	   *keys = NIL;
	bool		lateral = form == LEVEL_ORDINAL && node->limit >= 0;
	const char *table = quoted_model_name(node->relid);
	ListCell   *lc;

	initStringInfo(&buf);
	cxt.buf = &buf;
	cxt.params = NIL;
	if (form == LEVEL_KEY)
		keys = node->model->primary_key;
	else if (form >= LEVEL_ONE)
		keys = node->relation->other_columns;
	cxt.nparams = form == LEVEL_RANGE ? 2 : list_length(keys);

	appendStringInfoString(&buf, "SELECT ");
	if (form == LEVEL_ORDINAL)
		appendStringInfoString(&buf, "k.ord");
	foreach(lc, columns)
		appendStringInfo(&buf, "%sc.%s",
						 foreach_current_index(lc) > 0 || form == LEVEL_ORDINAL ? ", " : "",
						 quote_identifier(lfirst(lc)));
	appendStringInfoString(&buf, " FROM ");
	if (form == LEVEL_ORDINAL)
	{
		appendStringInfoString(&buf, "ROWS FROM (");
		for (int i = 1; i <= list_length(keys); i++)
			appendStringInfo(&buf, "%spg_catalog.unnest($%d)", i > 1 ? ", " : "", i);
		appendStringInfoString(&buf, ") WITH ORDINALITY AS k(");
		for (int i = 1; i <= list_length(keys); i++)
			appendStringInfo(&buf, "k%d, ", i);
		appendStringInfoString(&buf, "ord)");
		if (lateral)
			appendStringInfoString(&buf, " CROSS JOIN LATERAL (SELECT c.* FROM ");
		else
			appendStringInfoString(&buf, " CROSS JOIN ");
	}
	appendStringInfo(&buf, "%s AS c", table);
	deparse_where(&cxt, node, form, keys, key_types);
	if (ordered || form == LEVEL_FIRST || lateral)
		deparse_order(&buf, node);
	if (form == LEVEL_FIRST)
		appendStringInfoString(&buf, " LIMIT 1");
	else if (node->limit >= 0 && (lateral || form == LEVEL_ONE))
		appendStringInfo(&buf, " LIMIT " INT64_FORMAT, node->limit);
	if (lateral)
		appendStringInfoString(&buf, ") AS c");
	*params = cxt.params;
	return buf.data;
}
