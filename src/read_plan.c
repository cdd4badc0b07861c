/*
 * read_plan.c
 *	  How a graph is read: kept plans and templates of its levels.
 *
 * A ReadPlan belongs to a model, a set of paths, a role and a kind of call.
 * It is kept for the session and thrown away when a table that it reads, the
 * catalog or a right changes; values never are part of it.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "budget.h"
#include "foreign_code.h"
#include "invalidation.h"
#include "json_value.h"
#include "named_objects.h"
#include "query_parse.h"
#include "read_hold.h"
#include "read_node.h"
#include "read_plan.h"
#include "relation_key.h"
#include "table_lock.h"

#define MAX_KEPT_PLANS 512

/* how often a plan is made for a call whose tables change all the time */
#define MAKE_ATTEMPTS 3

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

		for (int i = 0; !plan->stale && (all || i < plan->nrelids); i++)
		{
			if (all || plan->relids[i] == relid)
				plan->stale = true;
		}
		if (plan->stale)
			plan->valid = false;
	}
}

/* Return the number of invalidations in this session that may have concerned some table. */
uint64
read_plan_invalidations(void)
{
	return invalidations;
}

static void
relcache_callback(pg_attribute_unused() Datum arg, Oid relid)
{
	invalidate_plans(relid);
	read_hold_invalidated(relid);
}

static void
syscache_callback(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
				  pg_attribute_unused() uint32 hashvalue)
{
	invalidate_plans(InvalidOid);
}

static void
rename_callback(void)
{
	invalidate_plans(InvalidOid);
}

static void
init_cache(void)
{
	if (cache_context != NULL)
		return;
	call_when_table_changed(relcache_callback);
	/* what is visible to a role, how a type is cast */
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, syscache_callback, (Datum) 0);
	call_when_renamed(rename_callback);
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
make_plan(const ReadRequest *request, const QueryShape *shape, uint32 hash)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations read plan",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ReadPlan   *plan = palloc0(sizeof(ReadPlan));
	uint64		before = invalidations;
	QueryTree  *tree;
	ListCell   *lc;

	plan->context = context;
	plan->hash = hash;
	plan->model = request->model;
	plan->model_name = model_name(request->model);
	plan->role = GetUserId();
	plan->mode = request->mode;
	plan->shape_length = shape->bytes.len;
	plan->shape = palloc(Max(shape->bytes.len, 1));
	memcpy(plan->shape, shape->bytes.data, shape->bytes.len);
	catalog_oids[0] = catalog_relation_oid();
	catalog_oids[1] = catalog_model_oid();
	catalog_oids[2] = catalog_morph_type_oid();
	if (request->document != NULL)
		tree = query_from_document(request->model, request->document, shape);
	else
		tree = query_from_paths(request->model, request->paths);
	plan->camel = tree->camel;
	plan->depth = budget_measure(tree->root);
	plan->call_params = tree->params;
	plan->root = make_read_node(plan, tree->root, NULL);
	plan->nparams = list_length(plan->call_params);
	plan->params = palloc(sizeof(QueryParam *) * Max(plan->nparams, 1));
	foreach(lc, plan->call_params)
		plan->params[foreach_current_index(lc)] = lfirst(lc);
	if (request->mode == READ_KEY)
		init_key_input(plan);
	plan->signatures = palloc(sizeof(uint64) * Max(plan->nrelids, 1));
	for (int i = 0; i < plan->nrelids; i++)
		plan->signatures[i] = read_plan_signature(plan->relids[i]);
	/* what changed meanwhile may have been read before it did */
	plan->stale = before != invalidations;
	plan->valid = !plan->stale && tree->shareable;
	MemoryContextSwitchTo(old);
	return plan;
}

static void
drop_statements(ReadNode *node)
{
	for (int i = 0; i < LEVEL_STATEMENTS; i++)
	{
		if (node->statements[i].source != NULL)
			DropCachedPlan(node->statements[i].source);
	}
	for (int i = 0; i < node->nchildren; i++)
		drop_statements(node->children[i]);
}

static void
discard_plan(ReadPlan *plan)
{
	ListCell   *lc;

	kept_plans = list_delete_ptr(kept_plans, plan);
	drop_statements(plan->root);
	foreach(lc, plan->replaced)
		DropCachedPlan(lfirst(lc));
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
lookup_plan(const ReadRequest *request, const QueryShape *shape, uint32 hash)
{
	Oid			role = GetUserId();
	ListCell   *lc;

	foreach(lc, kept_plans)
	{
		ReadPlan   *plan = lfirst(lc);

		if (plan->hash == hash && plan->valid && plan->model == request->model &&
			plan->role == role && plan->mode == request->mode &&
			plan->shape_length == shape->bytes.len &&
			memcmp(plan->shape, shape->bytes.data, shape->bytes.len) == 0)
			return plan;
	}
	return NULL;
}

static uint64
add_text(uint64 hash, const char *text)
{
	return hash_combine64(hash, hash_bytes_extended((const unsigned char *) text, strlen(text), 1));
}

/*
 * Return a hash of what a table's statements depend on, but for its own name:
 * columns, and the policies of row-level security.  Returns zero if the table
 * does not exist.
 */
uint64
read_plan_signature(Oid relid)
{
	Relation	rel = try_peek_table(relid);
	TupleDesc	desc;
	uint64		hash = 0;
	ListCell   *lc;

	if (rel == NULL)
		return 0;
	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		hash = add_text(hash, att->attisdropped ? "" : NameStr(att->attname));
		hash = hash_combine64(hash, att->atttypid);
	}
	foreach(lc, rel->rd_rsdesc != NULL ? rel->rd_rsdesc->policies : NIL)
	{
		RowSecurityPolicy *policy = lfirst(lc);
		char	   *qual = nodeToString(policy->qual);

		hash = add_text(add_text(hash, policy->policy_name), qual);
		pfree(qual);
	}
	RelationClose(rel);
	return hash;
}

/*
 * Lock the tables of a plan, as a SELECT would.  Privileges were checked when
 * the plan was made: it belongs to the role.
 */
static void
lock_tables(ReadPlan *plan)
{
	for (int i = 0; i < plan->nrelids; i++)
	{
		if (!bms_is_member(i, plan->unlocked))
			LockRelationOid(plan->relids[i], AccessShareLock);
	}
}

/* Make a plan and add it to the cache. */
static ReadPlan *
add_plan(const ReadRequest *request, const QueryShape *shape, uint32 hash)
{
	ReadPlan   *plan;
	MemoryContext old;

	trim_plans();
	plan = make_plan(request, shape, hash);
	MemoryContextSetParent(plan->context, cache_context);
	old = MemoryContextSwitchTo(cache_context);
	kept_plans = lcons(plan, kept_plans);
	MemoryContextSwitchTo(old);
	return plan;
}

/*
 * Return the plan for a call, with its tables locked.  It is the caller's until
 * read_plan_release.  Raises what is wrong with the model, the paths or the
 * document.
 *
 * Other sessions' changes are noticed when a lock is taken.  A plan that has
 * become stale by then is made again; if that happens each time, the last one
 * is used for this call, and what each statement returns is checked anyway.
 */
ReadPlan *
read_plan_acquire(const ReadRequest *request, const QueryShape *shape)
{
	uint32		hash = hash_bytes((unsigned char *) shape->bytes.data, shape->bytes.len) ^
		request->model;

	init_cache();
	for (int attempt = 1;; attempt++)
	{
		ReadPlan   *plan = lookup_plan(request, shape, hash);
		bool		made = plan == NULL;

		if (made)
			plan = add_plan(request, shape, hash);
		lock_tables(plan);
		if (plan->valid || (made && (!plan->stale || attempt >= MAKE_ATTEMPTS)))
		{
			/* the limit may have been another when the plan was made */
			if (relations_max_depth > 0 && plan->depth > relations_max_depth)
				(void) budget_measure(plan->root->query);
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

static void
key_error_context(void *arg)
{
	errcontext("key of model \"%s\"", ((ReadPlan *) arg)->model_name);
}

/*
 * Return the values of the root's primary key, in the current memory context,
 * or NULL if some are null: then no row matches.  A composite key is a row
 * literal.  Raises what the input functions of the types raise.
 */
Datum *
read_plan_parse_key(ReadPlan *plan, char *text)
{
	HeapTupleHeader header;
	HeapTupleData tuple;
	KeyValues	key;
	ErrorContextCallback callback;
	SavedUser	saved;
	bool		switched;

	key_values_init(&key, plan->root->query->model->primary_key);
	Assert(key.n == plan->root->nkeys);
	callback.callback = key_error_context;
	callback.arg = plan;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	switched = switch_for_input(key.n, plan->root->key_types, &saved);
	if (key.n == 1)
		key.values[0] = InputFunctionCall(&plan->key_input[0],
										  whole_number_text(plan->root->key_types[0], text),
										  plan->key_ioparams[0], -1);
	else
	{
		header = DatumGetHeapTupleHeader(OidInputFunctionCall(F_RECORD_IN, text, RECORDOID,
															  plan->key_desc->tdtypmod));
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		heap_deform_tuple(&tuple, plan->key_desc, key.values, key.isnull);
	}
	if (switched)
		restore_user(&saved);
	error_context_stack = callback.previous;
	for (int i = 0; i < key.n; i++)
	{
		if (key.isnull[i])
			return NULL;
	}
	return key.values;
}

/*
 * Does a form give all rows of each parent, of which those that are wanted
 * are found here?
 */
bool
read_form_is_top(const ReadNode *node, LevelForm form)
{
	return node->per_parent && node->query->aggregate == AGGREGATE_NONE &&
		(form == LEVEL_ARRAY || form == LEVEL_RANGE || form == LEVEL_ORDINAL_ALL);
}
