/*
 * read_node.c
 *	  A QueryNode -> how its level is read and written.
 *
 * Which columns are selected, how each is encoded and under which key it
 * stands, how rows find their parents, and in what order they come.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "query_cursor.h"
#include "read_choice.h"
#include "read_node.h"
#include "relation_key.h"
#include "table_lock.h"

/* ---------------------------------------------------------------------
 * The select list
 * ---------------------------------------------------------------------
 */

/*
 * The position of a column in a node's select list; added when missing.  With
 * via it is a column of the table between the node and its parent.
 */
static int
select_position(ReadNode *node, bool via, const char *column)
{
	SelectKind	kind = via ? SELECT_VIA : SELECT_COLUMN;
	Oid			relid = via ? node->query->via->relid : node->query->relid;
	SelectColumn *added;
	ListCell   *lc;

	foreach(lc, node->columns)
	{
		SelectColumn *there = lfirst(lc);

		if (there->kind == kind && strcmp(there->name, column) == 0)
			return foreach_current_index(lc);
	}
	added = palloc0(sizeof(SelectColumn));
	added->type = get_atttype(relid, require_column(relid, column, NULL));
	added->kind = kind;
	added->name = pstrdup(column);
	node->columns = lappend(node->columns, added);
	return list_length(node->columns) - 1;
}

/* The position of an order's value in a node's select list, added there. */
static int
select_order_position(ReadNode *node, QueryOrder *order)
{
	SelectColumn *added;

	if (order->kind == ORDER_COLUMN)
		return select_position(node, false, order->column);
	if (order->kind == ORDER_PIVOT)
		return select_position(node, true, order->column);
	added = palloc0(sizeof(SelectColumn));
	added->kind = SELECT_ORDER;
	added->order = order;
	added->type = order->type;
	node->columns = lappend(node->columns, added);
	return list_length(node->columns) - 1;
}

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

/* ---------------------------------------------------------------------
 * Keys of documents
 * ---------------------------------------------------------------------
 */

/* snake_case -> camelCase, palloc'd; an underscore at either end stays. */
static char *
camel_case(const char *name)
{
	char	   *result = palloc(strlen(name) + 1);
	char	   *out = result;

	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == '_' && out > result && out[-1] != '_' &&
			((p[1] >= 'a' && p[1] <= 'z') || (p[1] >= '0' && p[1] <= '9')))
		{
			p++;
			*out++ = pg_ascii_toupper((unsigned char) *p);
		}
		else
			*out++ = *p;
	}
	*out = '\0';
	return result;
}

/* Names as the documents' keys, in the case that was asked for. */
static List *
document_keys(ReadPlan *plan, List *names)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!plan->camel)
		return names;
	foreach(lc, names)
		result = lappend(result, camel_case(lfirst(lc)));
	return result;
}

/*
 * Raises duplicate_column when two keys of a document are one in camel case.
 */
static void
check_keys(ReadPlan *plan, ReadNode *node, List *columns, List *relations)
{
	List	   *all = list_concat_copy(columns, relations);

	if (!plan->camel)
		return;
	for (int i = 0; i < list_length(all); i++)
	{
		for (int j = 0; j < i; j++)
		{
			bool		same_relation = j >= list_length(columns);

			if (!same_relation && strcmp(list_nth(all, i), list_nth(all, j)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("in camel case the documents of \"%s\" would have the key \"%s\" twice",
								model_name(node->query->relid), (char *) list_nth(all, i)),
						 errhint("Leave \"key_case\" out, or \"select\" the columns to show.")));
		}
	}
}

/*
 * Raise duplicate_column if a key that the documents of a node have besides
 * columns and relations is that of one of them.
 */
static void
check_own_key(ReadNode *node, const char *key, List *columns, List *relations)
{
	bool		column = list_has_name(columns, key);

	if (!column && !list_has_name(relations, key))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_COLUMN),
			 errmsg("the documents of \"%s\" would have the key \"%s\" twice",
					model_name(node->query->relid), key),
			 strcmp(key, "pivot") == 0
			 ? errdetail("It stands for the columns of the pivot table.")
			 : strcmp(key, "cycle") == 0
			 ? errdetail("It marks a row that is among its own ancestors.")
			 : errdetail("It stands for the position of a row."),
			 column
			 ? errhint("Leave the column out with \"select\", or hide it with relations.model.")
			 : errhint("Choose another name for the relation in the document.")));
}

/* ---------------------------------------------------------------------
 * What is shown
 * ---------------------------------------------------------------------
 */

/* Makes the text of a row's cursor. */
typedef struct CursorEncoder
{
	int			n;
	int		   *positions;
	QueryOrder **keys;			/* those of the primary key; NULL for others */
	QueryNode  *query;
	FmgrInfo   *output;
	bool		money;			/* an amount of money may be among the values */
	uint64		order;
} CursorEncoder;

static char *
encode_cursor(void *arg, const Datum *values, const bool *isnull)
{
	CursorEncoder *cursor = arg;
	StringInfoData payload;
	int			nest = cursor_settings(cursor->money);

	cursor_begin(&payload);
	for (int i = 0; i < cursor->n; i++)
	{
		int			pos = cursor->positions[i];
		QueryOrder *key = cursor->keys[i];

		/* rows behind a key that is null would be lost */
		if (unlikely(isnull[pos]) && key != NULL)
			key_is_null(key->kind == ORDER_PIVOT ? cursor->query->via->relid : cursor->query->relid,
						key->column);
		cursor_append(&payload, isnull[pos] ? NULL
					  : OutputFunctionCall(&cursor->output[i], values[pos]));
	}
	cursor_settings_end(nest);
	return cursor_finish(&payload, cursor->order);
}

static void
init_cursor(ReadNode *node, ValueEncoder *encoder)
{
	CursorEncoder *cursor = palloc0(sizeof(CursorEncoder));
	List	   *order = node->query->order;
	ListCell   *lc;

	cursor->n = list_length(order);
	cursor->positions = palloc(sizeof(int) * cursor->n);
	cursor->keys = palloc0(sizeof(QueryOrder *) * cursor->n);
	cursor->query = node->query;
	cursor->output = palloc0(sizeof(FmgrInfo) * cursor->n);
	cursor->order = cursor_order(node->query);
	foreach(lc, order)
	{
		int			i = foreach_current_index(lc);
		QueryOrder *item = lfirst(lc);
		Oid			output;
		bool		varlena;

		cursor->positions[i] = select_order_position(node, item);
		if ((item->kind == ORDER_COLUMN && list_has_name(node->query->model->primary_key, item->column)) ||
			(item->kind == ORDER_PIVOT && list_has_name(node->query->via->primary_key, item->column)))
			cursor->keys[i] = item;
		getTypeOutputInfo(item->type, &output, &varlena);
		fmgr_info_cxt(output, &cursor->output[i], node->context);
		cursor->money = cursor->money || cursor_reads_money(item->type);
	}
	encoder->kind = ENCODE_ROW_TEXT;
	encoder->row_text = encode_cursor;
	encoder->row_text_arg = cursor;
}

/* The object "pivot" of a row: a value that is made of columns of the pivot. */
static void
init_pivot(ReadPlan *plan, ReadNode *node, ValueEncoder *encoder, List *columns)
{
	ObjectEncoder *object = palloc0(sizeof(ObjectEncoder));
	int			n = 0;

	template_init(&object->tpl, document_keys(plan, columns), NIL, node->context);
	object->encoders = palloc0(sizeof(ValueEncoder) * object->tpl.nvalues);
	object->positions = palloc(sizeof(int) * object->tpl.nvalues);
	for (int i = 0; i < object->tpl.npairs; i++)
	{
		char	   *column = list_nth(columns, object->tpl.source[i]);

		object->positions[n] = select_position(node, true, column);
		encoder_init(&object->encoders[n], column_type(node->query->via->relid, column),
					 node->context);
		n++;
	}
	encoder->kind = ENCODE_OBJECT;
	encoder->object = object;
}

/*
 * The columns that the caller sees, or those that were asked for.  Of a row
 * that the caller has, he sees all; with keys_only none is shown.
 */
static List *
shown_columns(ReadNode *node, List *relation_keys, bool row_given, bool keys_only)
{
	QueryNode  *query = node->query;
	Relation	rel;
	TupleDesc	desc;
	bool		all_visible = row_given || query->selects ||
		pg_class_aclcheck(query->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	List	   *result = NIL;

	if (keys_only)
		return NIL;
	rel = peek_table(query->relid);
	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *name = NameStr(att->attname);

		if (att->attisdropped)
			continue;
		if (query->selects && !list_has_name(query->select, name))
			continue;
		if (!all_visible &&
			pg_attribute_aclcheck(query->relid, att->attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		if (list_has_name(query->model->hidden, name) || list_has_name(relation_keys, name))
			continue;
		result = lappend(result, pstrdup(name));
	}
	RelationClose(rel);
	return result;
}

/* The keys of a node's relations and values, in the order of its links. */
static List *
link_keys(ReadNode *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, node->query->children)
		result = lappend(result, ((QueryNode *) lfirst(lc))->name);
	if (node->recursive)
		result = lappend(result, node->query->name);
	return result;
}

/*
 * Templates, encoders and select list.  Behind the columns there may be two
 * values of their own: "pivot" and "cursor".
 */
static void
init_columns(ReadPlan *plan, ReadNode *node, bool root)
{
	QueryNode  *query = node->query;
	List	   *links = link_keys(node);
	List	   *shown = shown_columns(node, links, root && plan->mode == READ_ROW,
									  root && plan->mode == READ_RELATED);
	List	   *pivot = query->via != NULL ? query->relation->pivot_columns : NIL;
	List	   *names;
	int			pivot_index = -1;
	int			cursor_index = -1;
	int			n = 0;
	ListCell   *lc;

	if (pivot != NIL)
		check_own_key(node, "pivot", shown, links);
	if (query->show_cursor)
		check_own_key(node, "cursor", shown, links);
	if (node->recursive)
		check_own_key(node, "cycle", shown, links);
	names = list_copy(shown);
	if (pivot != NIL)
	{
		pivot_index = list_length(names);
		names = lappend(names, "pivot");
	}
	if (query->show_cursor)
	{
		cursor_index = list_length(names);
		names = lappend(names, "cursor");
	}
	names = document_keys(plan, names);
	links = document_keys(plan, links);
	check_keys(plan, node, names, links);

	template_init(&node->tpl, names, links, node->context);
	if (node->recursive)
	{
		links = list_truncate(list_copy(links), list_length(links) - 1);
		template_init(&node->tpl_end, names, links, node->context);
		/* rows are staged once, for whichever template */
		node->tpl_end.nrelations = node->tpl.nrelations;
		template_init(&node->tpl_cycle, names, lappend(links, "cycle"), node->context);
		node->tpl_cycle.nrelations = node->tpl.nrelations;
	}
	node->encoders = palloc0(sizeof(ValueEncoder) * Max(node->tpl.nvalues, 1));
	node->positions = palloc0(sizeof(int) * Max(node->tpl.nvalues, 1));
	foreach(lc, shown)
		select_position(node, false, lfirst(lc));
	for (int i = 0; i < node->tpl.npairs; i++)
	{
		int			column = node->tpl.source[i];

		if (column < 0)
			continue;
		if (column == pivot_index)
			init_pivot(plan, node, &node->encoders[n], pivot);
		else if (column == cursor_index)
			init_cursor(node, &node->encoders[n]);
		else
		{
			node->positions[n] = column;
			encoder_init(&node->encoders[n], column_type(query->relid, list_nth(shown, column)),
						 node->context);
		}
		n++;
	}
}

/* ---------------------------------------------------------------------
 * How rows find their parents
 * ---------------------------------------------------------------------
 */

/*
 * May a row be there several times for one parent, with different things to
 * show of the pivot?  Then the pivot's key decides which comes first.
 */
static bool
pivot_orders(QueryNode *query)
{
	RelationDesc *relation = query->relation;
	ListCell   *lc;

	if (query->via == NULL || relation->pivot_columns == NIL)
		return false;
	foreach(lc, query->via->primary_key)
	{
		if (!list_has_name(relation->via_own_columns, lfirst(lc)) &&
			!list_has_name(relation->via_other_columns, lfirst(lc)))
			return true;
	}
	return false;
}

static void
add_top_key(ReadNode *node, int position, bool descending, bool nulls_first)
{
	TopKey	   *key = &node->top_keys[node->ntop_keys++];

	key->position = position;
	key->descending = descending;
	key->nulls_first = nulls_first;
}

/*
 * By what some rows of each parent are chosen, as deparse_order_by has it.  No
 * keys when the order is not one of columns, or does not tell all rows apart.
 */
static void
init_top(ReadNode *node)
{
	QueryNode  *query = node->query;
	bool		reversed = node->reversed;
	List	   *via_key = query->via != NULL && query->relation->pivot_columns != NIL
		? query->via->primary_key : NIL;
	ListCell   *lc;

	node->access = parent_access(query);
	if (query->limit < 0 || query->model->primary_key == NIL || query_narrows_rows(query))
		return;
	foreach(lc, query->order)
	{
		QueryOrder *order = lfirst(lc);

		if (order->kind != ORDER_COLUMN && order->kind != ORDER_PIVOT)
			return;
	}
	node->top_keys = palloc(sizeof(TopKey) * (list_length(query->order) +
											  list_length(query->model->primary_key) +
											  list_length(via_key)));
	foreach(lc, query->order)
	{
		QueryOrder *order = lfirst(lc);

		add_top_key(node, select_order_position(node, order), order->descending != reversed,
					order->nulls_first != reversed);
	}
	if (query->total_order)
		return;
	foreach(lc, query->model->primary_key)
		add_top_key(node, select_position(node, false, lfirst(lc)), reversed, reversed);
	foreach(lc, via_key)
		add_top_key(node, select_position(node, true, lfirst(lc)), reversed, reversed);
}

/* How the rows of a child level find their parents. */
static void
init_match(ReadNode *node, ReadNode *parent)
{
	QueryNode  *query = node->query;
	RelationDesc *relation = query->relation;
	bool		aggregate = query->aggregate != AGGREGATE_NONE;
	ListCell   *lc;

	node->to_one = RELATION_IS_TO_ONE(relation->kind);
	node->continues = query->continues;
	node->per_parent = query->limit >= 0 || query->offset != NULL;
	node->reversed = deparse_reverses(query);
	node->nkeys = list_length(relation->own_columns);
	node->key_types = palloc(sizeof(Oid) * node->nkeys);
	node->parent_keys = palloc(sizeof(int) * node->nkeys);
	node->recursion_keys = palloc(sizeof(int) * node->nkeys);
	node->key_lens = palloc(sizeof(int16) * node->nkeys);
	node->key_byvals = palloc(sizeof(bool) * node->nkeys);
	node->key_aligns = palloc(sizeof(char) * node->nkeys);
	foreach(lc, relation->own_columns)
	{
		int			i = foreach_current_index(lc);
		AttrNumber	attnum = require_column(parent->query->relid, lfirst(lc), relation->name);

		node->parent_keys[i] = select_position(parent, false, lfirst(lc));
		if (node->recursive)
			node->recursion_keys[i] = select_position(node, false, lfirst(lc));
		node->key_types[i] = getBaseType(get_atttype(parent->query->relid, attnum));
		get_typlenbyvalalign(node->key_types[i], &node->key_lens[i],
							 &node->key_byvals[i], &node->key_aligns[i]);
	}
	/* an aggregate of some rows of each parent is found for each in turn */
	if (node->nkeys == 1 && !(node->per_parent && aggregate))
	{
		bool		via = query->via != NULL;
		char	   *column = linitial(via ? relation->via_own_columns : relation->other_columns);

		node->match_type = getBaseType(column_type(via ? query->via->relid : query->relid, column));
		node->hashed = is_integer_type(node->match_type) && is_integer_type(node->key_types[0]);
		if (node->hashed && !aggregate)
			node->match_position = select_position(node, via, column);
	}
	if (aggregate)
	{
		/* the key or the ordinal, then the value */
		node->match_position = 0;
		node->positions[0] = node->hashed ? 1 : 0;
		return;
	}
	if (node->per_parent)
		init_top(node);
	else if (node->hashed && query->order == NIL && list_length(query->model->primary_key) == 1 &&
		!pivot_orders(query))
	{
		char	   *column = linitial(query->model->primary_key);

		node->sort_type = getBaseType(column_type(query->relid, column));
		node->sorted_here = is_integer_type(node->sort_type);
		if (node->sorted_here)
			node->sort_position = select_position(node, false, column);
	}
}

/*
 * The primary key of a node's rows, by which rows that have been met are
 * known.  Raises undefined_object when there is none.
 */
static void
init_identity(ReadNode *node)
{
	List	   *key = node->query->model->primary_key;
	ListCell   *lc;

	if (node->nident > 0)
		return;
	if (key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key, so it cannot be followed recursively",
						model_name(node->query->relid)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(node->query->relid))));
	node->nident = list_length(key);
	node->ident_positions = palloc(sizeof(int) * node->nident);
	node->ident_lens = palloc(sizeof(int16) * node->nident);
	node->ident_byvals = palloc(sizeof(bool) * node->nident);
	foreach(lc, key)
	{
		int			i = foreach_current_index(lc);

		node->ident_positions[i] = select_position(node, false, lfirst(lc));
		get_typlenbyval(column_type(node->query->relid, lfirst(lc)), &node->ident_lens[i],
						&node->ident_byvals[i]);
	}
	/* a row's number stands behind its groups */
	node->tpl.nrelations++;
	node->tpl_end.nrelations++;
	node->tpl_cycle.nrelations++;
}

/* ---------------------------------------------------------------------
 * Tables that the plan depends on, and values of scopes
 * ---------------------------------------------------------------------
 */

/* Add a table to those whose changes make a plan stale. */
static void
add_plan_relid(ReadPlan *plan, Oid relid)
{
	for (int i = 0; i < plan->nrelids; i++)
	{
		if (plan->relids[i] == relid)
			return;
	}
	plan->relids = plan->relids == NULL ? palloc(sizeof(Oid)) :
		repalloc(plan->relids, sizeof(Oid) * (plan->nrelids + 1));
	if (!may_lock_table(relid, AccessShareLock))
		plan->unlocked = bms_add_member(plan->unlocked, plan->nrelids);
	plan->relids[plan->nrelids++] = relid;
}

/* Add a table that a node's statements read. */
static void
add_relid(ReadPlan *plan, ReadNode *node, Oid relid)
{
	node->placement = Max(node->placement, table_placement(relid));
	node->relids = list_append_unique_oid(node->relids, relid);
	add_plan_relid(plan, relid);
}

static void add_query_relids(ReadPlan *plan, ReadNode *node, QueryNode *query);

static void
add_condition_relids(ReadPlan *plan, ReadNode *node, QueryCondition *cond)
{
	ListCell   *lc;

	check_stack_depth();
	if (cond->node != NULL)
		add_query_relids(plan, node, cond->node);
	/* values of scopes are converted at each call if they depend on it */
	foreach(lc, cond->params)
	{
		QueryParam *param = lfirst(lc);

		if (param->source == NULL || param->slot >= 0)
			continue;
		param->slot = list_length(plan->call_params);
		plan->call_params = lappend(plan->call_params, param);
	}
	foreach(lc, cond->args)
		add_condition_relids(plan, node, lfirst(lc));
}

/* The tables of a node and of the subqueries in its statement, and where they are. */
static void
add_query_relids(ReadPlan *plan, ReadNode *node, QueryNode *query)
{
	ListCell   *lc;

	check_stack_depth();
	add_relid(plan, node, query->relid);
	if (query->via != NULL)
		add_relid(plan, node, query->via->relid);
	foreach(lc, query->where)
		add_condition_relids(plan, node, lfirst(lc));
	foreach(lc, query->order)
	{
		for (QueryOrder *order = lfirst(lc); order != NULL; order = order->inner)
		{
			ListCell   *table;

			if (order->node != NULL)
				add_query_relids(plan, node, order->node);
			foreach(table, order->not_null_tables)
				add_plan_relid(plan, lfirst_oid(table));
		}
	}
}

/* ---------------------------------------------------------------------
 * Nodes
 * ---------------------------------------------------------------------
 */

/* A node that is a value of its rows, not the rows. */
static void
init_aggregate(ReadNode *node)
{
	AggregateKind kind = node->query->aggregate;

	/* one value, whose entry is not final: see stage_row */
	node->tpl.npairs = 1;
	node->tpl.nvalues = 1;
	node->tpl.nrelations = 1;
	node->encoders = palloc0(sizeof(ValueEncoder));
	node->positions = palloc0(sizeof(int));
	/* the type of others is known when the first row comes */
	if (kind == AGGREGATE_COUNT || kind == AGGREGATE_EXISTS)
	{
		node->value_type = kind == AGGREGATE_COUNT ? INT8OID : BOOLOID;
		encoder_init(&node->encoders[0], node->value_type, node->context);
	}
}

/*
 * The node that reads and writes the rows of a query's node below parent, with
 * all below it, in the current memory context, which must be the plan's.
 */
ReadNode *
make_read_node(ReadPlan *plan, QueryNode *query, ReadNode *parent)
{
	ReadNode   *node = palloc0(sizeof(ReadNode));
	ListCell   *lc;

	check_stack_depth();
	/* of rows that are shown the first is taken here, which costs no limit for each parent */
	if (query->single && query->aggregate == AGGREGATE_NONE && query->limit == 1 &&
		query->offset == NULL && !query_narrows_rows(query))
		query->limit = query->scope_limit = -1;
	node->query = query;
	node->plan = plan;
	node->context = plan->context;
	node->recursive = query->recursive;
	node->depth = parent != NULL ? parent->depth + 1 : 0;
	add_query_relids(plan, node, query);
	if (query->aggregate != AGGREGATE_NONE)
		init_aggregate(node);
	else
		init_columns(plan, node, parent == NULL);
	if (parent != NULL)
		init_match(node, parent);
	else
		node->reversed = deparse_reverses(query);
	if (node->recursive)
	{
		Assert(parent != NULL);
		init_identity(node);
		init_identity(parent);
	}
	node->children = palloc(sizeof(ReadNode *) * Max(list_length(query->children), 1));
	foreach(lc, query->children)
		node->children[node->nchildren++] = make_read_node(plan, lfirst(lc), node);
	node->links = palloc(sizeof(ReadNode *) * (node->nchildren + 1));
	for (int i = 0; i < node->nchildren; i++)
		node->links[node->nlinks++] = node->children[i];
	if (node->recursive)
		node->links[node->nlinks++] = node;
	return node;
}
