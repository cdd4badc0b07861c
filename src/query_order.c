/*
 * query_order.c
 *	  The order of a query document.
 */
#include "relations.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_oper.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "query_order.h"
#include "table_lock.h"

static const char *const order_keys[] = {"column", "count", "direction", "nulls"};

/* how many tables are looked at to learn whether a column has nulls */
#define MAX_INHERITORS 64

/* Does a table, without those that inherit from it, keep a column from nulls? */
static bool
refuses_null_itself(Oid relid, const char *column)
{
	Relation	rel = try_peek_table(relid);
	AttrNumber	attnum = get_attnum(relid, column);
	bool		result;

	if (rel == NULL)
		return false;
	/* the server believes what is declared of a foreign table, but does not check it */
	result = attnum > 0 && rel->rd_rel->relkind != RELKIND_FOREIGN_TABLE &&
		column_is_not_null(RelationGetDescr(rel), attnum - 1);
	RelationClose(rel);
	return result;
}

/*
 * Set whether a column of an order never is null.  NOT NULL of a table need not
 * hold for those that inherit from it, unless they are partitions.
 */
static void
set_not_null(QueryOrder *order, Oid relid, const char *column)
{
	List	   *inheritors;
	bool		partitioned = get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE;
	ListCell   *lc;

	if (!refuses_null_itself(relid, column))
		return;
	inheritors = has_subclass(relid) ? find_all_inheritors(relid, NoLock, NULL) : NIL;
	foreach(lc, inheritors)
	{
		Oid			inheritor = lfirst_oid(lc);
		char		relkind = get_rel_relkind(inheritor);

		if (inheritor == relid)
			continue;
		if (relkind == RELKIND_FOREIGN_TABLE ||
			(!partitioned && !refuses_null_itself(inheritor, column)))
			return;
		/* what partitions are does not change, but those of a partition may be others */
		if (!partitioned || relkind == RELKIND_PARTITIONED_TABLE)
			order->not_null_tables = lappend_oid(order->not_null_tables, inheritor);
		if (list_length(order->not_null_tables) > MAX_INHERITORS)
			return;
	}
	order->not_null = true;
}

static void
set_column(QueryOrder *order, OrderKind kind, Oid relid, const char *name, const JsonPathFrame *path)
{
	AttrNumber	attnum = require_column(relid, name, path != NULL ? json_path_string(path) : NULL);
	ErrorContextCallback place;
	Oid			less;

	order->kind = kind;
	order->column = pstrdup(name);
	order->type = getBaseType(get_atttype(relid, attnum));
	if (path != NULL)
	{
		/* the server's own error, with our place */
		query_enter_place(&place, path);
		get_sort_group_operators(order->type, true, false, false, &less, NULL, NULL, NULL);
		query_leave_place(&place);
	}
	set_not_null(order, relid, name);
}

/*
 * What an order names: a column, "pivot." and a column, or a dotted path over
 * relations that lead to one row and then a column.
 */
static void
parse_target(QueryOrder *order, QueryNode *node, const char *name, const JsonPathFrame *path)
{
	const char *dot = strchr(name, '.');
	char	   *head;
	RelationDesc *relation;

	check_stack_depth();
	if (dot == NULL || find_column(node->relid, name) > 0)
	{
		set_column(order, ORDER_COLUMN, node->relid, name, path);
		return;
	}
	head = pnstrdup(name, dot - name);
	if (node->via != NULL && strcmp(head, "pivot") == 0)
	{
		set_column(order, ORDER_PIVOT, node->via->relid, dot + 1, path);
		return;
	}
	relation = query_relation(node->relid, head, path);
	if (!RELATION_IS_TO_ONE(relation->kind) || relation->kind == RELATION_MORPH_TO)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" orders by relation \"%s\", which does not lead to one row of one model",
						json_path_string(path), head),
				 relation->kind == RELATION_MORPH_TO ? 0
				 : errhint("Order by the number of its rows: {\"count\": \"%s\"}.", head)));
	order->kind = ORDER_RELATED;
	order->node = query_make_node(relation->related, relation);
	order->inner = palloc0(sizeof(QueryOrder));
	parse_target(order->inner, order->node, dot + 1, path);
	order->type = order->inner->type;
}

/* One member of "order": "name", "-name" or an object. */
static QueryOrder *
parse_item(QueryNode *node, const JsonMember *member, JsonPathFrame *path)
{
	QueryOrder *order = palloc0(sizeof(QueryOrder));
	ListCell   *lc;
	bool		found = false;

	if (member->value.type == jbvString)
	{
		char	   *name = query_string(member, path, "");

		if (name[0] == '-' && find_column(node->relid, name) <= 0)
		{
			name++;
			order->descending = true;
		}
		parse_target(order, node, name, path);
		order->nulls_first = order->descending;
		return order;
	}
	foreach(lc, query_members(member, path, "a column or an object"))
	{
		JsonMember *inner = lfirst(lc);
		char	   *key = inner->key;
		JsonPathFrame frame = {path, key, 0};

		if ((strcmp(key, "column") == 0 || strcmp(key, "count") == 0) && found)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" names both a column and a count", json_path_string(path))));
		if (strcmp(key, "column") == 0)
		{
			parse_target(order, node, query_string(inner, &frame, "a string"), &frame);
			found = true;
		}
		else if (strcmp(key, "count") == 0)
		{
			RelationDesc *relation = query_relation(node->relid,
													query_string(inner, &frame, "the name of a relation"),
													&frame);

			if (relation->kind == RELATION_MORPH_TO)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("rows of the polymorphic relation \"%s\" cannot be counted at \"%s\"",
								relation->name, json_path_string(&frame))));
			order->kind = ORDER_COUNT;
			order->node = query_make_node(relation->related, relation);
			order->type = INT8OID;
			order->not_null = true;
			found = true;
		}
		else if (strcmp(key, "direction") == 0)
			order->descending = query_choice(inner, &frame, "asc", "desc");
		else if (strcmp(key, "nulls") == 0)
		{
			order->nulls_given = true;
			order->nulls_first = query_choice(inner, &frame, "last", "first");
		}
		else
		{
			List	   *names = NIL;

			for (int i = 0; i < (int) lengthof(order_keys); i++)
				names = lappend(names, unconstify(char *, order_keys[i]));
			query_unknown_key(path, key, "an order", names);
		}
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" names no column", json_path_string(path))));
	if (!order->nulls_given)
		order->nulls_first = order->descending;
	return order;
}

/*
 * Set the order of a node.  Raises an error that names its path in the
 * document for anything that is not known or does not fit the model.
 */
void
query_parse_order(QueryNode *node, const JsonMember *member, JsonPathFrame *path)
{
	ListCell   *lc;

	node->order = NIL;
	foreach(lc, query_elements(member, path, "an array"))
	{
		JsonPathFrame frame = {path, NULL, foreach_current_index(lc)};

		node->order = lappend(node->order, parse_item(node, lfirst(lc), &frame));
	}
}

/* Is a column of the primary key in the order already? */
static bool
orders_by(QueryNode *node, const char *column)
{
	ListCell   *lc;

	foreach(lc, node->order)
	{
		QueryOrder *order = lfirst(lc);

		if (order->kind == ORDER_COLUMN && strcmp(order->column, column) == 0)
			return true;
	}
	return false;
}

/*
 * End the order of a node with its primary key, and that of the table between,
 * so that no two rows are equal in it.
 */
void
query_complete_order(QueryNode *node)
{
	ListCell   *lc;

	if (node->total_order)
		return;
	foreach(lc, node->model->primary_key)
	{
		QueryOrder *order;

		if (orders_by(node, lfirst(lc)))
			continue;
		order = palloc0(sizeof(QueryOrder));
		set_column(order, ORDER_COLUMN, node->relid, lfirst(lc), NULL);
		node->order = lappend(node->order, order);
	}
	/* a row may be reached more than once */
	if (node->via != NULL)
	{
		foreach(lc, node->via->primary_key)
		{
			QueryOrder *order = palloc0(sizeof(QueryOrder));

			set_column(order, ORDER_PIVOT, node->via->relid, lfirst(lc), NULL);
			node->order = lappend(node->order, order);
		}
	}
	node->total_order = true;
}
