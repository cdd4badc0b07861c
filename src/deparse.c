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

/*
 * The conditions that join the level to its keys, and those of its scope.  The
 * keys are columns of the level's table, or of the one between.
 */
static void
deparse_where(DeparseContext *cxt, QueryNode *node, LevelForm form, List *keys,
			  const Oid *key_types)
{
	StringInfo	buf = cxt->buf;
	bool		via = node->via != NULL;
	Oid			relid = via ? node->via->relid : node->relid;
	const char *glue = " WHERE ";
	ListCell   *lc;

	foreach(lc, keys)
	{
		int			i = foreach_current_index(lc) + 1;
		const char *column = psprintf("%s.%s", via ? "v" : "c", quote_identifier(lfirst(lc)));
		Oid			type = column_type(relid, lfirst(lc));
		Oid			key_type = key_types[i - 1];
		char	   *eq = strategy_operator(type, key_type, BTEqualStrategyNumber);

		appendStringInfoString(buf, glue);
		glue = " AND ";
		switch (form)
		{
			case LEVEL_KEY:
			case LEVEL_ONE:
				appendStringInfo(buf, "%s %s $%d", column, eq, i);
				break;
			case LEVEL_ARRAY:
				appendStringInfo(buf, "%s %s ANY($%d)", column, eq, i);
				break;
			case LEVEL_RANGE:
				appendStringInfo(buf, "%s %s $1 AND %s %s $2",
								 column,
								 strategy_operator(type, key_type, BTGreaterEqualStrategyNumber),
								 column,
								 strategy_operator(type, key_type, BTLessEqualStrategyNumber));
				break;
			case LEVEL_ORDINAL:
				appendStringInfo(buf, "%s %s k.k%d", column, eq, i);
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

/*
 * The order of the scope, then the primary key, and that of a pivot that shows
 * itself, for rows that are there more than once.
 */
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
	if (node->via == NULL || node->relation->pivot_columns == NIL)
		return;
	foreach(lc, node->via->primary_key)
	{
		appendStringInfo(buf, "%sv.%s", glue, quote_identifier(lfirst(lc)));
		glue = ", ";
	}
}

/* FROM: the level's table, joined to the one between if there is one. */
static void
deparse_tables(StringInfo buf, QueryNode *node)
{
	ListCell   *v;
	ListCell   *c;

	appendStringInfo(buf, "%s AS c", quoted_model_name(node->relid));
	if (node->via == NULL)
		return;
	appendStringInfo(buf, " JOIN %s AS v ON ", quoted_model_name(node->via->relid));
	forboth(v, node->relation->via_other_columns, c, node->relation->other_columns)
	{
		Oid			v_type = column_type(node->via->relid, lfirst(v));
		Oid			c_type = column_type(node->relid, lfirst(c));

		appendStringInfo(buf, "%sv.%s %s c.%s", foreach_current_index(v) > 0 ? " AND " : "",
						 quote_identifier(lfirst(v)),
						 strategy_operator(v_type, c_type, BTEqualStrategyNumber),
						 quote_identifier(lfirst(c)));
	}
}

static void
deparse_select_list(StringInfo buf, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		SelectColumn *column = lfirst(lc);

		appendStringInfo(buf, "%s%s.%s", foreach_current_index(lc) > 0 ? ", " : "",
						 column->via ? "v" : "c", quote_identifier(column->name));
	}
}

/*
 * The statement of a level, palloc'd: columns (of SelectColumn, in that order)
 * of the rows that form asks for.  key_types are the types of the key
 * parameters (for LEVEL_ORDINAL: of the elements).  With ordered the rows of
 * each parent come in their order.  *params gets the parameters behind those
 * of the keys.
 */
char *
deparse_level(QueryNode *node, LevelForm form, List *columns,
			  const Oid *key_types, bool ordered, List **params)
{
	StringInfoData buf;
	DeparseContext cxt;
	List	   *keys = NIL;
	bool		lateral = form == LEVEL_ORDINAL && node->limit >= 0;

	initStringInfo(&buf);
	cxt.buf = &buf;
	cxt.params = NIL;
	if (form == LEVEL_KEY)
		keys = node->model->primary_key;
	else if (form >= LEVEL_ONE)
		keys = node->via != NULL ? node->relation->via_own_columns : node->relation->other_columns;
	cxt.nparams = form == LEVEL_RANGE ? 2 : list_length(keys);

	appendStringInfoString(&buf, "SELECT ");
	if (form == LEVEL_ORDINAL)
		appendStringInfo(&buf, "k.ord%s", lateral ? ", l.*" : columns != NIL ? ", " : "");
	if (!lateral)
		deparse_select_list(&buf, columns);
	appendStringInfoString(&buf, " FROM ");
	if (form == LEVEL_ORDINAL)
	{
		appendStringInfoString(&buf, "ROWS FROM (");
		for (int i = 1; i <= list_length(keys); i++)
			appendStringInfo(&buf, "%spg_catalog.unnest($%d)", i > 1 ? ", " : "", i);
		appendStringInfoString(&buf, ") WITH ORDINALITY AS k(");
		for (int i = 1; i <= list_length(keys); i++)
			appendStringInfo(&buf, "k%d, ", i);
		appendStringInfoString(&buf, "ord) CROSS JOIN ");
		if (lateral)
		{
			appendStringInfoString(&buf, "LATERAL (SELECT ");
			deparse_select_list(&buf, columns);
			appendStringInfoString(&buf, " FROM ");
		}
		else if (node->via != NULL)
			appendStringInfoChar(&buf, '(');
	}
	deparse_tables(&buf, node);
	if (form == LEVEL_ORDINAL && !lateral && node->via != NULL)
		appendStringInfoChar(&buf, ')');
	deparse_where(&cxt, node, form, keys, key_types);
	if (ordered || form == LEVEL_FIRST || lateral)
		deparse_order(&buf, node);
	if (form == LEVEL_FIRST)
		appendStringInfoString(&buf, " LIMIT 1");
	else if (node->limit >= 0 && (lateral || form == LEVEL_ONE))
		appendStringInfo(&buf, " LIMIT " INT64_FORMAT, node->limit);
	if (lateral)
		appendStringInfoString(&buf, ") AS l");
	*params = cxt.params;
	return buf.data;
}
