/*
 * read_plan.c
 *	  How a graph is read: kept plans and templates of its levels.
 *
 * A ReadPlan belongs to a model, a set of paths, a role and a kind of call.
 * It is kept for the session and thrown away when a table that it reads, the
 * catalog or a right changes; values never are part of it.
 */
#include "relations.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "read_plan.h"

#define MAX_KEPT_PLANS 512

static MemoryContext cache_context = NULL;
static List *kept_plans = NIL;	/* of ReadPlan, the last used first */
static uint64 invalidations = 0;	/* that may have concerned some plan */
static Oid	catalog_oids[3];	/* relation, model, morph_type when plans were
								 * made */

static void
invalidate_plans(Oid relid)
{
	ListCell   *lc;
	bool		all = !OidIsValid(relid) ||
		relid == catalog_oids[0] || relid == catalog_oids[1] || relid == catalog_oids[2];

	invalidations++;
	foreach(lc, kept_plans)
	{
		ReadPlan   *plan = lfirst(lc);

		for (int i = 0; plan->valid && (all || i < plan->nrelids); i++)
		{
			if (all || plan->relids[i] == relid)
				plan->valid = false;
		}
	}
}

static void
relcache_callback(pg_attribute_unused() Datum arg, Oid relid)
{
	invalidate_plans(relid);
}

static void
syscache_callback(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
				  pg_attribute_unused() uint32 hashvalue)
{
	invalidate_plans(InvalidOid);
}

static void
init_cache(void)
{
	if (cache_context != NULL)
		return;
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	/* what is visible to a role, what a schema is called, how a type is cast */
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, syscache_callback, (Datum) 0);
	cache_context = AllocSetContextCreate(CacheMemoryContext, "relations read plans",
										  ALLOCSET_DEFAULT_SIZES);
}

bool
is_integer_type(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* The value of a datum of an integer type. */
int64
integer_datum(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/*
 * The position of a column in a node's select list; added when missing.  With
 * via it is a column of the table between the node and its parent.
 */
static int
select_position(ReadNode *node, bool via, const char *column)
{
	SelectColumn *added;
	ListCell   *lc;

	foreach(lc, node->columns)
	{
		SelectColumn *there = lfirst(lc);

		if (there->via == via && strcmp(there->name, column) == 0)
			return foreach_current_index(lc);
	}
	require_column(via ? node->query->via->relid : node->query->relid, column, NULL);
	added = palloc(sizeof(SelectColumn));
	added->via = via;
	added->name = pstrdup(column);
	node->columns = lappend(node->columns, added);
	return list_length(node->columns) - 1;
}

static bool
list_has_name(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

static void
list_delete_name(List **names, const char *name)
{
	ListCell   *lc;

	foreach(lc, *names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			*names = foreach_delete_current(*names, lc);
	}
}

static Oid
column_type(Oid relid, const char *column)
{
	return get_atttype(relid, require_column(relid, column, NULL));
}

/* The object "pivot" of a row: a value that is made of columns of the pivot. */
static void
init_pivot(ReadNode *node, ValueEncoder *encoder, List *columns)
{
	ObjectEncoder *object = palloc0(sizeof(ObjectEncoder));
	int			n = 0;

	template_init(&object->tpl, columns, NIL, node->context);
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

/* Template, encoders and select list of the columns that the caller sees. */
static void
init_columns(ReadNode *node, bool row_given)
{
	QueryNode  *query = node->query;
	Relation	rel = relation_open(query->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		all_visible = row_given ||
		pg_class_aclcheck(query->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	List	   *relation_keys = NIL;
	List	   *shown = NIL;
	List	   *keys;
	List	   *pivot;
	ListCell   *lc;
	int			n = 0;

	foreach(lc, query->children)
		relation_keys = lappend(relation_keys, ((QueryNode *) lfirst(lc))->name);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *name = NameStr(att->attname);

		if (att->attisdropped)
			continue;
		if (!all_visible &&
			pg_attribute_aclcheck(query->relid, att->attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		if (list_has_name(query->model->hidden, name) || list_has_name(relation_keys, name))
			continue;
		shown = lappend(shown, pstrdup(name));
	}
	relation_close(rel, AccessShareLock);

	/* a caller who sees nothing gets the server's own error */
	pivot = query->via != NULL ? query->relation->pivot_columns : NIL;
	if (pivot != NIL && !list_has_name(relation_keys, "pivot"))
	{
		list_delete_name(&shown, "pivot");
		keys = lappend(list_copy(shown), "pivot");
	}
	else
	{
		pivot = NIL;
		keys = shown;
	}
	template_init(&node->tpl, keys, relation_keys, node->context);
	node->encoders = palloc0(sizeof(ValueEncoder) * Max(node->tpl.nvalues, 1));
	node->positions = palloc(sizeof(int) * Max(node->tpl.nvalues, 1));
	foreach(lc, shown)
		select_position(node, false, lfirst(lc));
	for (int i = 0; i < node->tpl.npairs; i++)
	{
		int			column = node->tpl.source[i];

		if (column < 0)
			continue;
		node->positions[n] = column;
		if (column == list_length(shown))
			init_pivot(node, &node->encoders[n], pivot);
		else
			encoder_init(&node->encoders[n], column_type(query->relid, list_nth(shown, column)),
						 node->context);
		n++;
	}
}

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
	if (query->via->primary_key == NIL)
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
add_relid(ReadPlan *plan, Oid relid)
{
	plan->relids = plan->relids == NULL ? palloc(sizeof(Oid)) :
		repalloc(plan->relids, sizeof(Oid) * (plan->nrelids + 1));
	plan->relids[plan->nrelids++] = relid;
}

/* How the rows of a child level find their parents. */
static void
init_match(ReadNode *node, ReadNode *parent)
{
	QueryNode  *query = node->query;
	RelationDesc *relation = query->relation;
	ListCell   *lc;

	node->to_one = RELATION_IS_TO_ONE(relation->kind);
	node->continues = query->continues;
	node->nkeys = list_length(relation->own_columns);
	node->key_types = palloc(sizeof(Oid) * node->nkeys);
	node->parent_keys = palloc(sizeof(int) * node->nkeys);
	node->key_lens = palloc(sizeof(int16) * node->nkeys);
	node->key_byvals = palloc(sizeof(bool) * node->nkeys);
	node->key_aligns = palloc(sizeof(char) * node->nkeys);
	foreach(lc, relation->own_columns)
	{
		int			i = foreach_current_index(lc);
		AttrNumber	attnum = require_column(parent->query->relid, lfirst(lc), relation->name);

		node->parent_keys[i] = select_position(parent, false, lfirst(lc));
		node->key_types[i] = getBaseType(get_atttype(parent->query->relid, attnum));
		get_typlenbyvalalign(node->key_types[i], &node->key_lens[i],
							 &node->key_byvals[i], &node->key_aligns[i]);
	}
	if (node->nkeys == 1 && query->limit < 0)
	{
		bool		via = query->via != NULL;
		char	   *column = linitial(via ? relation->via_own_columns : relation->other_columns);

		node->match_type = getBaseType(column_type(via ? query->via->relid : query->relid, column));
		node->hashed = is_integer_type(node->match_type) && is_integer_type(node->key_types[0]);
		if (node->hashed)
			node->match_position = select_position(node, via, column);
	}
	if (node->hashed && query->order == NIL && list_length(query->model->primary_key) == 1 &&
		!pivot_orders(query))
	{
		char	   *column = linitial(query->model->primary_key);

		node->sort_type = getBaseType(column_type(query->relid, column));
		node->sorted_here = is_integer_type(node->sort_type);
		if (node->sorted_here)
			node->sort_position = select_position(node, false, column);
	}
}

static ReadNode *
make_read_node(ReadPlan *plan, QueryNode *query, ReadNode *parent, bool row_given)
{
	ReadNode   *node = palloc0(sizeof(ReadNode));
	ListCell   *lc;

	check_stack_depth();
	node->query = query;
	node->context = plan->context;
	init_columns(node, row_given);
	if (parent != NULL)
		init_match(node, parent);
	add_relid(plan, query->relid);
	if (query->via != NULL)
		add_relid(plan, query->via->relid);
	node->children = palloc(sizeof(ReadNode *) * Max(list_length(query->children), 1));
	foreach(lc, query->children)
		node->children[node->nchildren++] = make_read_node(plan, lfirst(lc), node, false);
	return node;
}

/* What find() needs to read keys. */
static void
init_key_input(ReadPlan *plan)
{
	QueryNode  *query = plan->root->query;
	int			n = list_length(query->model->primary_key);
	ListCell   *lc;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(plan->model)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(plan->model))));
	plan->root->nkeys = n;
	plan->root->key_types = palloc(sizeof(Oid) * n);
	plan->key_input = palloc0(sizeof(FmgrInfo) * n);
	plan->key_ioparams = palloc(sizeof(Oid) * n);
	if (n > 1)
		plan->key_desc = CreateTemplateTupleDesc(n);
	foreach(lc, query->model->primary_key)
	{
		int			i = foreach_current_index(lc);
		Oid			type = getBaseType(get_atttype(plan->model,
												   require_column(plan->model, lfirst(lc), "primary_key")));
		Oid			input;

		plan->root->key_types[i] = type;
		getTypeInputInfo(type, &input, &plan->key_ioparams[i]);
		fmgr_info_cxt(input, &plan->key_input[i], plan->context);
		if (n > 1)
			TupleDescInitEntry(plan->key_desc, i + 1, lfirst(lc), type, -1, 0);
	}
	if (n > 1)
		plan->key_desc = BlessTupleDesc(plan->key_desc);
}

static ReadPlan *
make_plan(Oid model, ReadMode mode, ArrayType *paths, uint32 hash)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations read plan",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ReadPlan   *plan = palloc0(sizeof(ReadPlan));
	uint64		before = invalidations;

	plan->context = context;
	plan->hash = hash;
	plan->model = model;
	plan->role = GetUserId();
	plan->mode = mode;
	plan->paths = (ArrayType *) palloc(VARSIZE(paths));
	memcpy(plan->paths, paths, VARSIZE(paths));
	catalog_oids[0] = catalog_relation_oid();
	catalog_oids[1] = catalog_model_oid();
	catalog_oids[2] = catalog_morph_type_oid();
	plan->root = make_read_node(plan, query_from_paths(model, plan->paths), NULL,
								mode == READ_ROW);
	if (mode == READ_KEY)
		init_key_input(plan);
	/* what changed meanwhile may have been read before it did */
	plan->valid = before == invalidations;
	MemoryContextSwitchTo(old);
	return plan;
}

static void
free_node_plans(ReadNode *node)
{
	for (int i = 0; i < LEVEL_PLANS; i++)
	{
		if (node->plans[i] != NULL)
			SPI_freeplan(node->plans[i]);
	}
	for (int i = 0; i < node->nchildren; i++)
		free_node_plans(node->children[i]);
}

static void
discard_plan(ReadPlan *plan)
{
	kept_plans = list_delete_ptr(kept_plans, plan);
	free_node_plans(plan->root);
	MemoryContextDelete(plan->context);
}

/* Throw away plans that nobody uses and that are stale or too many. */
static void
trim_plans(void)
{
	int			kept = 0;
	List	   *doomed = NIL;
	ListCell   *lc;

	foreach(lc, kept_plans)
	{
		ReadPlan   *plan = lfirst(lc);

		if (plan->refcount == 0 && (!plan->valid || ++kept > MAX_KEPT_PLANS))
			doomed = lappend(doomed, plan);
	}
	foreach(lc, doomed)
		discard_plan(lfirst(lc));
	list_free(doomed);
}

static ReadPlan *
lookup_plan(Oid model, ReadMode mode, ArrayType *paths, uint32 hash)
{
	Oid			role = GetUserId();
	ListCell   *lc;

	foreach(lc, kept_plans)
	{
		ReadPlan   *plan = lfirst(lc);

		if (plan->hash == hash && plan->valid && plan->model == model &&
			plan->role == role && plan->mode == mode &&
			VARSIZE(plan->paths) == VARSIZE(paths) &&
			memcmp(plan->paths, paths, VARSIZE(paths)) == 0)
			return plan;
	}
	return NULL;
}

/*
 * The plan for a call, with its tables locked as a SELECT would lock them.
 * It is the caller's until read_plan_release.  Raises what is wrong with the
 * model or the paths.
 */
ReadPlan *
read_plan_acquire(Oid model, ReadMode mode, ArrayType *paths)
{
	uint32		hash = hash_bytes((unsigned char *) paths, VARSIZE(paths)) ^ model;

	init_cache();
	for (;;)
	{
		ReadPlan   *plan = lookup_plan(model, mode, paths, hash);

		if (plan == NULL)
		{
			MemoryContext old;

			trim_plans();
			plan = make_plan(model, mode, paths, hash);
			MemoryContextSetParent(plan->context, cache_context);
			old = MemoryContextSwitchTo(cache_context);
			kept_plans = lcons(plan, kept_plans);
			MemoryContextSwitchTo(old);
			plan->refcount++;
			return plan;
		}
		/* lock first: that is when we hear of changes by others */
		for (int i = 0; i < plan->nrelids && plan->valid; i++)
			LockRelationOid(plan->relids[i], AccessShareLock);
		if (plan->valid)
		{
			plan->refcount++;
			return plan;
		}
	}
}

void
read_plan_release(ReadPlan *plan)
{
	Assert(plan->refcount > 0);
	plan->refcount--;
}

/*
 * The kept plan of a form of a level, prepared at first use.  A custom plan
 * is made for the keys at hand at each call, others once.  *params gets the
 * parameters behind those of the keys.  SPI must be connected.
 */
SPIPlanPtr
read_node_plan(ReadNode *node, LevelForm form, bool custom, List **params)
{
	int			slot = custom && form == LEVEL_ARRAY ? ONE_OF_FORM_CUSTOM : (int) form;

	if (node->plans[slot] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(node->context);
		bool		ordered = form == LEVEL_FIRST || form == LEVEL_ALL || !node->sorted_here;
		char	   *sql;
		List	   *rest;
		Oid			types[FUNC_MAX_ARGS];
		int			n = 0;
		ListCell   *lc;
		SPIPlanPtr	plan;
		int			options;

		sql = deparse_level(node->query, form, node->columns, node->key_types, ordered, &rest);
		switch (form)
		{
			case LEVEL_ALL:
			case LEVEL_FIRST:
				break;
			case LEVEL_RANGE:
				types[n++] = node->key_types[0];
				types[n++] = node->key_types[0];
				break;
			case LEVEL_KEY:
			case LEVEL_ONE:
				for (int i = 0; i < node->nkeys; i++)
					types[n++] = node->key_types[i];
				break;
			case LEVEL_ARRAY:
			case LEVEL_ORDINAL:
				for (int i = 0; i < node->nkeys; i++)
					types[n++] = get_array_type(node->key_types[i]);
				break;
		}
		if (n + list_length(rest) > FUNC_MAX_ARGS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the scope of relation \"%s\" has more than %d values",
							node->query->name, FUNC_MAX_ARGS - n)));
		foreach(lc, rest)
			types[n++] = ((QueryParam *) lfirst(lc))->type;
		options = form == LEVEL_RANGE || form == LEVEL_ORDINAL || custom
			? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN;
		MemoryContextSwitchTo(old);
		plan = SPI_prepare_cursor(sql, n, types, options | CURSOR_OPT_PARALLEL_OK);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		node->params[slot] = rest;
		node->plans[slot] = plan;
	}
	*params = node->params[slot];
	return node->plans[slot];
}
