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
#include "deparse_condition.h"
#include "key_operator.h"
#include "placement.h"

static const DeparseAlias level_alias = {"c", "v"};

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

/*
 * A page before a row is read from that row backwards: who takes the rows has
 * to turn them.
 */
bool
deparse_reverses(QueryNode *node)
{
	return node->cursor != NULL && node->cursor->before &&
		(node->limit >= 0 || node->offset != NULL);
}

/* The columns that join a level to its parents, or that identify its rows. */
static List *
level_keys(QueryNode *node, LevelForm form)
{
	switch (form)
	{
		case LEVEL_ALL:
		case LEVEL_FIRST:
		case LEVEL_COUNT:
			return NIL;
		case LEVEL_KEY:
			return node->model->primary_key;
		default:
			return node->via != NULL ? node->relation->via_own_columns
				: node->relation->other_columns;
	}
}

/* A key column, as an expression. */
static char *
key_expression(QueryNode *node, const char *column)
{
	return psprintf("%s.%s", node->via != NULL ? level_alias.via : level_alias.table,
					quote_identifier(column));
}

/*
 * A column of the table between that refers to both sides, as a tenant does:
 * then its keys are those of the level's table, too.
 */
static void
deparse_shared_key(StringInfo buf, QueryNode *node, const char *column, Oid key_type, int i)
{
	ListCell   *v;
	ListCell   *c;

	if (node->via == NULL)
		return;
	forboth(v, node->relation->via_other_columns, c, node->relation->other_columns)
	{
		if (strcmp(lfirst(v), column) == 0)
			appendStringInfo(buf, " AND %s.%s %s ANY($%d)", level_alias.table,
							 quote_identifier(lfirst(c)),
							 strategy_operator(column_type(node->relid, lfirst(c)), key_type,
											   BTEqualStrategyNumber), i);
	}
}

/*
 * WHERE: what joins the level to its keys, which are columns of the level's
 * table or of the one between, then the level's own conditions.
 */
static void
deparse_where(DeparseContext *cxt, QueryNode *node, LevelForm form, List *keys,
			  const Oid *key_types)
{
	StringInfo	buf = cxt->buf;
	Oid			relid = node->via != NULL ? node->via->relid : node->relid;
	const char *glue = " WHERE ";
	bool		spread = form == LEVEL_ORDINAL && cxt->param_text == NULL &&
		table_placement(relid) != PLACED_HERE;
	ListCell   *lc;

	foreach(lc, keys)
	{
		int			i = foreach_current_index(lc) + 1;
		char	   *column = key_expression(node, lfirst(lc));
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
				/* says nothing new, but to who does not look into k */
				if (spread)
				{
					appendStringInfo(buf, " AND %s %s ANY($%d)", column, eq, i);
					deparse_shared_key(buf, node, lfirst(lc), key_type, i);
				}
				break;
			default:
				break;
		}
	}
	deparse_conditions(cxt, node, &level_alias, glue);
}

static void
deparse_select_list(DeparseContext *cxt, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		SelectColumn *column = lfirst(lc);

		if (foreach_current_index(lc) > 0)
			appendStringInfoString(cxt->buf, ", ");
		switch (column->kind)
		{
			case SELECT_COLUMN:
				appendStringInfo(cxt->buf, "%s.%s", level_alias.table, quote_identifier(column->name));
				break;
			case SELECT_VIA:
				appendStringInfo(cxt->buf, "%s.%s", level_alias.via, quote_identifier(column->name));
				break;
			case SELECT_ORDER:
				deparse_order_value(cxt, column->order, &level_alias);
				break;
		}
	}
}

/*
 * The keys as a table k: their position, and a column for each.  With source,
 * a query of the keys, they are not parameters and have no position.
 */
static void
deparse_keys(StringInfo buf, int n, const char *source)
{
	if (source != NULL)
	{
		appendStringInfo(buf, "(%s) AS k(", source);
		for (int i = 1; i <= n; i++)
			appendStringInfo(buf, "%sk%d", i > 1 ? ", " : "", i);
		appendStringInfoString(buf, ") CROSS JOIN ");
		return;
	}
	appendStringInfoString(buf, "ROWS FROM (");
	for (int i = 1; i <= n; i++)
		appendStringInfo(buf, "%spg_catalog.unnest($%d)", i > 1 ? ", " : "", i);
	appendStringInfoString(buf, ") WITH ORDINALITY AS k(");
	for (int i = 1; i <= n; i++)
		appendStringInfo(buf, "k%d, ", i);
	appendStringInfoString(buf, "ord) CROSS JOIN ");
}

static void
deparse_limit(DeparseContext *cxt, QueryNode *node)
{
	if (node->scope_limit >= 0 && node->offset != NULL)
	{
		/* what is skipped is of the first rows */
		appendStringInfo(cxt->buf, " LIMIT LEAST(" INT64_FORMAT ", GREATEST(0, pg_catalog.int8mi("
						 INT64_FORMAT ", ", node->limit, node->scope_limit);
		deparse_param(cxt, node->offset);
		appendStringInfoString(cxt->buf, ")))");
	}
	else if (node->limit >= 0)
		appendStringInfo(cxt->buf, " LIMIT " INT64_FORMAT, node->limit);
	if (node->offset != NULL)
	{
		appendStringInfoString(cxt->buf, " OFFSET ");
		deparse_param(cxt, node->offset);
	}
}

/* What a row says of its parent: its position, or with source its keys. */
static char *
parent_expression(int n, const char *source)
{
	StringInfoData buf;

	if (source == NULL)
		return "k.ord";
	initStringInfo(&buf);
	for (int i = 1; i <= n; i++)
		appendStringInfo(&buf, "%sk.k%d", i > 1 ? ", " : "", i);
	return buf.data;
}

/* The value that an aggregate level gives for the values of a column. */
static char *
aggregate_expression(QueryNode *node, const char *column)
{
	const char *function = NULL;

	switch (node->aggregate)
	{
		case AGGREGATE_NONE:
		case AGGREGATE_COUNT:
			return "pg_catalog.count(*)";
		case AGGREGATE_EXISTS:
			return "pg_catalog.count(*) OPERATOR(pg_catalog.>) 0";
		case AGGREGATE_SUM:
			function = "sum";
			break;
		case AGGREGATE_AVG:
			function = "avg";
			break;
		case AGGREGATE_MIN:
			function = "min";
			break;
		case AGGREGATE_MAX:
			function = "max";
			break;
	}
	return psprintf("pg_catalog.%s(%s)", function, column);
}

/*
 * A level that is a value for each parent.  The first column of the result is
 * the key, or the parent's position.
 */
static void
deparse_aggregate(DeparseContext *cxt, QueryNode *node, LevelForm form, List *keys,
				  const Oid *key_types, const char *source)
{
	StringInfo	buf = cxt->buf;
	bool		ordinal = form == LEVEL_ORDINAL;
	char	   *key = ordinal ? parent_expression(list_length(keys), source)
		: key_expression(node, linitial(keys));
	char	   *column = node->aggregate_column == NULL ? "1"
		: psprintf("%s.%s", level_alias.table, quote_identifier(node->aggregate_column));

	if (node->limit >= 0)
	{
		QueryNode	inner = *node;
		QueryNode	filter = *node;

		/*
		 * Of the first rows of each parent only, in their order: those for
		 * which the conditions hold that are not the relation's own.
		 */
		inner.where = list_truncate(list_copy(node->where), node->scope_conditions);
		filter.where = list_copy_tail(node->where, node->scope_conditions);
		appendStringInfo(buf, "SELECT %s, l.a FROM ", key);
		deparse_keys(buf, list_length(keys), source);
		appendStringInfo(buf, "LATERAL (SELECT %s AS a FROM (SELECT %s AS v, ",
						 aggregate_expression(node, "r.v"), column);
		if (filter.where == NIL)
			appendStringInfoString(buf, "true");
		deparse_conditions(cxt, &filter, &level_alias, "");
		appendStringInfoString(buf, " AS f FROM ");
		deparse_tables(buf, node, &level_alias);
		deparse_where(cxt, &inner, form, keys, key_types);
		deparse_order_by(cxt, node, &level_alias, false);
		deparse_limit(cxt, node);
		appendStringInfoString(buf, ") AS r WHERE r.f) AS l");
		return;
	}
	appendStringInfo(buf, "SELECT %s, %s FROM ", key, aggregate_expression(node, column));
	if (ordinal)
	{
		deparse_keys(buf, list_length(keys), source);
		if (node->via != NULL)
			appendStringInfoChar(buf, '(');
	}
	deparse_tables(buf, node, &level_alias);
	if (ordinal && node->via != NULL)
		appendStringInfoChar(buf, ')');
	deparse_where(cxt, node, form, keys, key_types);
	appendStringInfo(buf, " GROUP BY %s", key);
}

/*
 * A subquery on the rows of one parent that the relation's own limit leaves,
 * from SELECT on: of these, those for which the query's conditions hold, in its
 * order, within its limit.
 */
static void
deparse_narrowed(DeparseContext *cxt, QueryNode *node, LevelForm form, List *columns, List *keys,
				 const Oid *key_types)
{
	StringInfo	buf = cxt->buf;
	bool		reversed = deparse_reverses(node);
	QueryNode	inner = *node;
	QueryNode	filter = *node;
	QueryNode	outer = *node;
	const char *glue = " ORDER BY ";
	ListCell   *lc;

	inner.where = list_truncate(list_copy(node->where), node->scope_conditions);
	inner.order = node->scope_order;
	inner.total_order = false;
	inner.cursor = NULL;
	filter.where = list_copy_tail(node->where, node->scope_conditions);
	outer.order = list_copy(node->order);
	query_complete_order(&outer);

	appendStringInfoString(buf, "SELECT ");
	for (int i = 1; i <= list_length(columns); i++)
		appendStringInfo(buf, "%sr.c%d", i > 1 ? ", " : "", i);
	appendStringInfoString(buf, " FROM (SELECT ");
	if (filter.where == NIL && filter.cursor == NULL)
		appendStringInfoString(buf, "true");
	deparse_conditions(cxt, &filter, &level_alias, "");
	foreach(lc, outer.order)
	{
		appendStringInfoString(buf, ", ");
		deparse_order_value(cxt, lfirst(lc), &level_alias);
	}
	if (columns != NIL)
		appendStringInfoString(buf, ", ");
	deparse_select_list(cxt, columns);
	appendStringInfoString(buf, " FROM ");
	deparse_tables(buf, node, &level_alias);
	deparse_where(cxt, &inner, form, keys, key_types);
	deparse_order_by(cxt, &inner, &level_alias, false);
	appendStringInfo(buf, " LIMIT " INT64_FORMAT ") AS r(met", node->scope_limit);
	for (int i = 1; i <= list_length(outer.order); i++)
		appendStringInfo(buf, ", o%d", i);
	for (int i = 1; i <= list_length(columns); i++)
		appendStringInfo(buf, ", c%d", i);
	appendStringInfoString(buf, ") WHERE r.met");
	foreach(lc, outer.order)
	{
		QueryOrder *order = lfirst(lc);

		appendStringInfo(buf, "%sr.o%d", glue, foreach_current_index(lc) + 1);
		deparse_direction(buf, order, reversed);
		glue = ", ";
	}
	appendStringInfo(buf, " LIMIT " INT64_FORMAT, node->limit);
	if (node->offset != NULL)
	{
		appendStringInfoString(buf, " OFFSET ");
		deparse_param(cxt, node->offset);
	}
}

/* The rows of each parent: those of a limit are taken for each in turn. */
static void
deparse_ordinal(DeparseContext *cxt, QueryNode *node, LevelForm form, List *columns, List *keys,
				const Oid *key_types, bool ordered, const char *source)
{
	StringInfo	buf = cxt->buf;
	bool		lateral = form == LEVEL_ORDINAL && (node->limit >= 0 || node->offset != NULL);

	appendStringInfo(buf, "SELECT %s%s", parent_expression(list_length(keys), source),
					 lateral ? ", l.*" : columns != NIL ? ", " : "");
	if (!lateral)
		deparse_select_list(cxt, columns);
	appendStringInfoString(buf, " FROM ");
	deparse_keys(buf, list_length(keys), source);
	if (lateral && query_narrows_rows(node))
	{
		appendStringInfoString(buf, "LATERAL (");
		deparse_narrowed(cxt, node, LEVEL_ORDINAL, columns, keys, key_types);
		appendStringInfoString(buf, ") AS l");
		return;
	}
	if (lateral)
	{
		appendStringInfoString(buf, "LATERAL (SELECT ");
		deparse_select_list(cxt, columns);
		appendStringInfoString(buf, " FROM ");
		deparse_tables(buf, node, &level_alias);
		deparse_where(cxt, node, LEVEL_ORDINAL, keys, key_types);
		deparse_order_by(cxt, node, &level_alias, deparse_reverses(node));
		deparse_limit(cxt, node);
		appendStringInfoString(buf, ") AS l");
		return;
	}
	if (node->via != NULL)
		appendStringInfoChar(buf, '(');
	deparse_tables(buf, node, &level_alias);
	if (node->via != NULL)
		appendStringInfoChar(buf, ')');
	deparse_where(cxt, node, LEVEL_ORDINAL, keys, key_types);
	if (ordered)
		deparse_order_by(cxt, node, &level_alias, false);
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
	List	   *keys = level_keys(node, form);

	initStringInfo(&buf);
	memset(&cxt, 0, sizeof(cxt));
	cxt.buf = &buf;
	cxt.nparams = form == LEVEL_RANGE ? 2 : list_length(keys);
	if (node->aggregate != AGGREGATE_NONE)
		deparse_aggregate(&cxt, node, form, keys, key_types, NULL);
	else if (form == LEVEL_ORDINAL || form == LEVEL_ORDINAL_ALL)
		deparse_ordinal(&cxt, node, form, columns, keys, key_types, ordered, NULL);
	else if (form == LEVEL_ONE && query_narrows_rows(node))
		deparse_narrowed(&cxt, node, form, columns, keys, key_types);
	else
	{
		appendStringInfoString(&buf, "SELECT ");
		if (form == LEVEL_COUNT)
			appendStringInfoString(&buf, "pg_catalog.count(*)");
		else
			deparse_select_list(&cxt, columns);
		appendStringInfoString(&buf, " FROM ");
		deparse_tables(&buf, node, &level_alias);
		deparse_where(&cxt, node, form, keys, key_types);
		if (form != LEVEL_COUNT && form != LEVEL_KEY && (ordered || form == LEVEL_FIRST))
			deparse_order_by(&cxt, node, &level_alias, deparse_reverses(node));
		if (form == LEVEL_FIRST)
			appendStringInfoString(&buf, " LIMIT 1");
		else if (form == LEVEL_ALL || form == LEVEL_ONE)
			deparse_limit(&cxt, node);
	}
	*params = cxt.params;
	return buf.data;
}

/*
 * The statement of a level as it stands by itself, palloc'd: with the values
 * as literals, which param_text gives, and with the keys of its parents from
 * key_source, a query of them; NULL for the root.
 */
char *
deparse_standalone(QueryNode *node, List *columns, const char *key_source,
				   char *(*param_text) (void *, QueryParam *), void *arg)
{
	StringInfoData buf;
	DeparseContext cxt;
	List	   *keys = level_keys(node, key_source != NULL ? LEVEL_ORDINAL : LEVEL_ALL);
	Oid		   *key_types = palloc(sizeof(Oid) * (list_length(keys) + 1));

	initStringInfo(&buf);
	memset(&cxt, 0, sizeof(cxt));
	cxt.buf = &buf;
	cxt.param_text = param_text;
	cxt.param_text_arg = arg;
	for (int i = 0; i < list_length(keys); i++)
		key_types[i] = getBaseType(column_type(node->relation->model,
											   list_nth(node->relation->own_columns, i)));
	if (node->aggregate != AGGREGATE_NONE)
		deparse_aggregate(&cxt, node, LEVEL_ORDINAL, keys, key_types, key_source);
	else if (key_source != NULL)
		deparse_ordinal(&cxt, node, LEVEL_ORDINAL, columns, keys, key_types, true, key_source);
	else
	{
		appendStringInfoString(&buf, "SELECT ");
		deparse_select_list(&cxt, columns);
		appendStringInfoString(&buf, " FROM ");
		deparse_tables(&buf, node, &level_alias);
		deparse_where(&cxt, node, LEVEL_ALL, NIL, NULL);
		deparse_order_by(&cxt, node, &level_alias, deparse_reverses(node));
		deparse_limit(&cxt, node);
	}
	return buf.data;
}
