/*
 * deparse_condition.c
 *	  Conditions and order values of a QueryNode -> SQL.
 *
 * Conditions on related rows are EXISTS and scalar subqueries that are
 * correlated with the row: the planner makes semi- and anti-joins of the first.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "deparse_condition.h"
#include "key_operator.h"
#include "query_where.h"

#define MAX_SUBQUERY_DEPTH	200
#define MAX_CONDITION_DEPTH 1000

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

/* A parameter of the statement, by its number or as a literal. */
void
deparse_param(DeparseContext *cxt, QueryParam *param)
{
	if (cxt->param_text != NULL)
	{
		appendStringInfoString(cxt->buf, cxt->param_text(cxt->param_text_arg, param));
		return;
	}
	cxt->params = lappend(cxt->params, param);
	appendStringInfo(cxt->buf, "$%d", ++cxt->nparams);
}

/* FROM: a node's table, joined to the one between if there is one. */
void
deparse_tables(StringInfo buf, QueryNode *node, const DeparseAlias *alias)
{
	ListCell   *v;
	ListCell   *c;

	appendStringInfo(buf, "%s AS %s", quoted_model_name(node->relid), alias->table);
	if (node->via == NULL)
		return;
	appendStringInfo(buf, " JOIN %s AS %s ON ", quoted_model_name(node->via->relid), alias->via);
	forboth(v, node->relation->via_other_columns, c, node->relation->other_columns)
	{
		Oid			v_type = column_type(node->via->relid, lfirst(v));
		Oid			c_type = column_type(node->relid, lfirst(c));

		appendStringInfo(buf, "%s%s.%s %s %s.%s", foreach_current_index(v) > 0 ? " AND " : "",
						 alias->via, quote_identifier(lfirst(v)),
						 strategy_operator(v_type, c_type, BTEqualStrategyNumber),
						 alias->table, quote_identifier(lfirst(c)));
	}
}

/* Aliases of the next subquery. */
static void
next_alias(DeparseContext *cxt, DeparseAlias *alias)
{
	int			n = ++cxt->nsubqueries;

	alias->table = psprintf("s%d", n);
	alias->via = psprintf("w%d", n);
}

/*
 * Raises statement_too_complex for subqueries within subqueries that the
 * server would plan for long, or refuse without saying why.
 */
static void
enter_subquery(DeparseContext *cxt, QueryNode *node)
{
	if (++cxt->depth > MAX_SUBQUERY_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("filters or orders of relations are nested more than %d deep",
						MAX_SUBQUERY_DEPTH),
				 errdetail("One of them is relation \"%s\" of model \"%s\".",
						   node->relation->name, model_name(node->relation->model))));
}

/*
 * A subquery on the rows that a node's relation leads to from the row outside,
 * from FROM on.  With ordered, or when the node has a limit, in their order.
 */
static void
deparse_related(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias,
				const DeparseAlias *outside, bool one)
{
	RelationDesc *relation = node->relation;
	List	   *keys = node->via != NULL ? relation->via_own_columns : relation->other_columns;
	Oid			relid = node->via != NULL ? node->via->relid : node->relid;
	ListCell   *k;
	ListCell   *o;

	enter_subquery(cxt, node);
	appendStringInfoString(cxt->buf, " FROM ");
	deparse_tables(cxt->buf, node, alias);
	forboth(k, keys, o, relation->own_columns)
	{
		appendStringInfo(cxt->buf, "%s%s.%s %s %s.%s",
						 foreach_current_index(k) == 0 ? " WHERE " : " AND ",
						 node->via != NULL ? alias->via : alias->table, quote_identifier(lfirst(k)),
						 strategy_operator(column_type(relid, lfirst(k)),
										   column_type(relation->model, lfirst(o)),
										   BTEqualStrategyNumber),
						 outside->table, quote_identifier(lfirst(o)));
	}
	deparse_conditions(cxt, node, alias, " AND ");
	if (one || node->limit >= 0)
	{
		deparse_order_by(cxt, node, alias, false);
		appendStringInfo(cxt->buf, " LIMIT " INT64_FORMAT, one ? 1 : node->limit);
	}
	cxt->depth--;
}

/*
 * FROM the first rows of a relation that takes only those, in its order.  The
 * conditions behind the relation's own, a filter's, then hold for them, not
 * for the rows that they are taken of.
 */
static void
deparse_first(DeparseContext *cxt, QueryNode *node, const DeparseAlias *outside)
{
	DeparseAlias alias;
	QueryNode	inner = *node;
	QueryNode	filter = *node;

	next_alias(cxt, &alias);
	inner.where = list_truncate(list_copy(node->where), node->scope_conditions);
	filter.where = list_copy_tail(node->where, node->scope_conditions);
	appendStringInfoString(cxt->buf, " FROM (SELECT ");
	if (filter.where == NIL)
		appendStringInfoString(cxt->buf, "true");
	enter_subquery(cxt, node);
	deparse_conditions(cxt, &filter, &alias, "");
	cxt->depth--;
	appendStringInfoString(cxt->buf, " AS met");
	deparse_related(cxt, &inner, &alias, outside, false);
	appendStringInfo(cxt->buf, ") AS l%s WHERE l%s.met", alias.table, alias.table);
}

/* FROM the rows that a relation leads to. */
static void
deparse_from(DeparseContext *cxt, QueryNode *node, const DeparseAlias *outside)
{
	DeparseAlias alias;

	if (node->limit >= 0)
	{
		deparse_first(cxt, node, outside);
		return;
	}
	next_alias(cxt, &alias);
	deparse_related(cxt, node, &alias, outside, false);
}

static void
deparse_count(DeparseContext *cxt, QueryNode *node, const DeparseAlias *outside)
{
	appendStringInfoString(cxt->buf, "(SELECT pg_catalog.count(*)");
	deparse_from(cxt, node, outside);
	appendStringInfoChar(cxt->buf, ')');
}

/* "There is a related row." */
static void
deparse_exists(DeparseContext *cxt, QueryNode *node, const DeparseAlias *outside)
{
	QueryNode	unlimited = *node;

	/* of the first rows there is one if there is any */
	if (node->limit > 0 && !query_narrows_rows(node))
		unlimited.limit = -1;
	appendStringInfoString(cxt->buf, "EXISTS (SELECT 1");
	deparse_from(cxt, &unlimited, outside);
	appendStringInfoChar(cxt->buf, ')');
}

/* The template of an operator, filled in. */
static void
deparse_template(DeparseContext *cxt, QueryCondition *cond, const DeparseAlias *alias)
{
	int			next = 0;

	for (const char *p = cond->sql; *p != '\0'; p++)
	{
		if (*p == WHERE_COLUMN[0] && cond->kind == CONDITION_COUNT)
			deparse_count(cxt, cond->node, alias);
		else if (*p == WHERE_COLUMN[0])
			appendStringInfo(cxt->buf, "%s.%s", cond->via ? alias->via : alias->table,
							 quote_identifier(cond->column));
		else if (*p == WHERE_PARAM[0])
			deparse_param(cxt, list_nth(cond->params, next++));
		else if (*p == WHERE_LITERAL[0])
			appendStringInfoChar(cxt->buf, *++p);
		else
			appendStringInfoChar(cxt->buf, *p);
	}
}

/* One condition, in parentheses. */
static void
deparse_condition(DeparseContext *cxt, QueryCondition *cond, const DeparseAlias *alias)
{
	StringInfo	buf = cxt->buf;
	ListCell   *lc;

	check_stack_depth();
	if (cxt->nested >= MAX_CONDITION_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("conditions are nested more than %d deep", MAX_CONDITION_DEPTH)));
	/* a list of one needs no parentheses of its own */
	if ((cond->kind == CONDITION_AND || cond->kind == CONDITION_OR) && list_length(cond->args) == 1)
	{
		deparse_condition(cxt, linitial(cond->args), alias);
		return;
	}
	cxt->nested++;
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
				deparse_condition(cxt, lfirst(lc), alias);
			}
			break;
		case CONDITION_NOT:
			appendStringInfoString(buf, "NOT ");
			if (cond->sql != NULL)
				appendStringInfoChar(buf, '(');
			deparse_condition(cxt, linitial(cond->args), alias);
			if (cond->sql != NULL)
				appendStringInfo(buf, " %s)", cond->sql);
			break;
		case CONDITION_OPERATOR:
		case CONDITION_COUNT:
			deparse_template(cxt, cond, alias);
			break;
		case CONDITION_EXISTS:
			deparse_exists(cxt, cond->node, alias);
			break;
	}
	appendStringInfoChar(buf, ')');
	cxt->nested--;
}

/* The value of an order, as an expression of the row. */
void
deparse_order_value(DeparseContext *cxt, QueryOrder *order, const DeparseAlias *alias)
{
	DeparseAlias inner;

	check_stack_depth();
	switch (order->kind)
	{
		case ORDER_COLUMN:
			appendStringInfo(cxt->buf, "%s.%s", alias->table, quote_identifier(order->column));
			break;
		case ORDER_PIVOT:
			appendStringInfo(cxt->buf, "%s.%s", alias->via, quote_identifier(order->column));
			break;
		case ORDER_COUNT:
			deparse_count(cxt, order->node, alias);
			break;
		case ORDER_RELATED:
			next_alias(cxt, &inner);
			enter_subquery(cxt, order->node);
			appendStringInfoString(cxt->buf, "(SELECT ");
			deparse_order_value(cxt, order->inner, &inner);
			cxt->depth--;
			deparse_related(cxt, order->node, &inner, alias, true);
			appendStringInfoChar(cxt->buf, ')');
			break;
	}
}

/* The direction of an order, behind its value. */
void
deparse_direction(StringInfo buf, const QueryOrder *order, bool reversed)
{
	bool		descending = order->descending != reversed;
	bool		nulls_first = order->nulls_first != reversed;

	if (descending)
		appendStringInfoString(buf, " DESC");
	if (nulls_first != descending)
		appendStringInfoString(buf, nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

/* ORDER BY: the order of a node, then its primary key. */
void
deparse_order_by(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias, bool reversed)
{
	StringInfo	buf = cxt->buf;
	const char *glue = " ORDER BY ";
	ListCell   *lc;

	foreach(lc, node->order)
	{
		QueryOrder *order = lfirst(lc);

		appendStringInfoString(buf, glue);
		deparse_order_value(cxt, order, alias);
		deparse_direction(buf, order, reversed);
		glue = ", ";
	}
	if (node->total_order)
		return;
	foreach(lc, node->model->primary_key)
	{
		appendStringInfo(buf, "%s%s.%s%s", glue, alias->table, quote_identifier(lfirst(lc)),
						 reversed ? " DESC" : "");
		glue = ", ";
	}
	/* a pivot that shows itself, for rows that are there more than once */
	if (node->via == NULL || node->relation->pivot_columns == NIL)
		return;
	foreach(lc, node->via->primary_key)
	{
		appendStringInfo(buf, "%s%s.%s%s", glue, alias->via, quote_identifier(lfirst(lc)),
						 reversed ? " DESC" : "");
		glue = ", ";
	}
}

/* ---------------------------------------------------------------------
 * Keyset paging
 * ---------------------------------------------------------------------
 */

/* The value of an order compared with that of the cursor's row. */
static void
deparse_comparison(DeparseContext *cxt, QueryOrder *order, QueryParam *param, int strategy,
				   const DeparseAlias *alias)
{
	deparse_order_value(cxt, order, alias);
	appendStringInfo(cxt->buf, " %s ", strategy_operator(order->type, order->type, strategy));
	deparse_param(cxt, param);
}

/*
 * "The value of this order comes behind that of the cursor's row"; false when
 * nothing can, and then nothing is appended.
 */
static bool
deparse_behind(DeparseContext *cxt, QueryOrder *order, QueryParam *param, bool before,
			   const DeparseAlias *alias)
{
	bool		descending = order->descending != before;
	bool		nulls_first = order->nulls_first != before;

	if (param == NULL)
	{
		if (!nulls_first)
			return false;
		deparse_order_value(cxt, order, alias);
		appendStringInfoString(cxt->buf, " IS NOT NULL");
		return true;
	}
	deparse_comparison(cxt, order, param,
					   descending ? BTLessStrategyNumber : BTGreaterStrategyNumber, alias);
	if (!nulls_first && !order->not_null)
	{
		appendStringInfoString(cxt->buf, " OR ");
		deparse_order_value(cxt, order, alias);
		appendStringInfoString(cxt->buf, " IS NULL");
	}
	return true;
}

/*
 * The rows behind the cursor's row, or before it: those that come behind it in
 * the first value, or are equal there and come behind it in the second, and so
 * on.  A bound on the first value alone lets an index find where to start.
 */
static void
deparse_cursor(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias)
{
	StringInfo	buf = cxt->buf;
	QueryCursor *cursor = node->cursor;
	QueryOrder *first = linitial(node->order);
	bool		any = false;

	appendStringInfoChar(buf, '(');
	if (list_length(node->order) > 1 && linitial(cursor->params) != NULL &&
		(first->not_null || first->nulls_first != cursor->before))
	{
		deparse_comparison(cxt, first, linitial(cursor->params),
						   first->descending != cursor->before
						   ? BTLessEqualStrategyNumber : BTGreaterEqualStrategyNumber, alias);
		appendStringInfoString(buf, " AND ");
	}
	appendStringInfoChar(buf, '(');
	for (int i = 0; i < list_length(node->order); i++)
	{
		int			start = buf->len;
		int			nparams = cxt->nparams;
		int			kept = list_length(cxt->params);

		appendStringInfo(buf, "%s(", any ? " OR " : "");
		for (int j = 0; j < i; j++)
		{
			QueryParam *param = list_nth(cursor->params, j);

			if (param == NULL)
			{
				deparse_order_value(cxt, list_nth(node->order, j), alias);
				appendStringInfoString(buf, " IS NULL");
			}
			else
				deparse_comparison(cxt, list_nth(node->order, j), param, BTEqualStrategyNumber, alias);
			appendStringInfoString(buf, " AND ");
		}
		appendStringInfoChar(buf, '(');
		if (deparse_behind(cxt, list_nth(node->order, i), list_nth(cursor->params, i),
						   cursor->before, alias))
		{
			appendStringInfoString(buf, "))");
			any = true;
			continue;
		}
		/* take it back */
		buf->len = start;
		buf->data[start] = '\0';
		cxt->nparams = nparams;
		cxt->params = list_truncate(cxt->params, kept);
	}
	appendStringInfoString(buf, any ? "))" : "false))");
}

/*
 * The conditions of a node, and its cursor's, the first of them behind glue,
 * which is " WHERE " or " AND ".
 */
void
deparse_conditions(DeparseContext *cxt, QueryNode *node, const DeparseAlias *alias, const char *glue)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, node->where)
	{
		appendStringInfoString(cxt->buf, glue);
		glue = " AND ";
		deparse_condition(cxt, lfirst(lc), alias);
	}
	if (node->cursor != NULL)
	{
		appendStringInfoString(cxt->buf, glue);
		deparse_cursor(cxt, node, alias);
	}
}
