/*
 * read_hold.c
 *	  Keep the relations that a run reads as they are until it ends.
 *
 * A SELECT opens its relations when it starts and closes them when it ends.  As
 * long as they are open, PostgreSQL refuses to drop, truncate or alter them in
 * the same session; a lock refuses other sessions.  A run that returns documents
 * before it has read all rows executes many statements, and its caller may do
 * anything between two of them.  So it opens the relations itself:
 *
 *	1. All tables of its plan, when it begins.
 *	2. If there are more rows than those of the first batch, the other relations
 *	   of each statement that it executes: partitions, and what views read.
 *
 * Partitions and children can be attached to a table that is open.  A run that
 * has read the table without them must not read them later.
 *
 * References belong to the resource owner of the calling query, which releases
 * them after an error.
 *
 * There is one way to change a relation that a run has open: to roll back a
 * subtransaction that altered it before the run began in it, at the first FETCH
 * from a cursor.  Such a run must not go on.
 */
#include "relations.h"

#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "lib/ilist.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"

#include "read_hold.h"

typedef struct ReadHold
{
	ResourceOwner owner;		/* NULL when it has released everything */
	Relation   *relations;
	int			n;
	int			capacity;
	HTAB	   *members;		/* of HeldMember: relations of executed statements */
	uint32		statements;		/* number of executed statements */

	/* of a run that began in a subtransaction */
	bool		watched;
	dlist_node	node;
	MemoryContextCallback callback;
	SubTransactionId subid;
	HTAB	   *used;			/* OIDs of what the root's statement uses */
	bool		rolled_back;	/* the subtransaction has been rolled back, */
	bool		touched;		/* and that or something later changed a relation */
} ReadHold;

/* A relation that an executed statement reads, or a child of one. */
typedef struct HeldMember
{
	Oid			relid;
	uint32		opened_by;		/* number of the first statement that reads it, or zero */
	bool		is_child;		/* it was one when its parent was opened */
} HeldMember;

/* runs that began in a subtransaction */
static dlist_head watched_runs = DLIST_STATIC_INIT(watched_runs);
static bool callbacks_registered = false;

/* ---------------------------------------------------------------------
 * Open relations
 * ---------------------------------------------------------------------
 */

/* Raise the error for a relation that was dropped before it could be opened. */
static pg_attribute_noreturn() void
relation_gone(ReadRun *run)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access to model \"%s\", a table of which has been dropped",
					model_name(run->plan->model)),
			 errhint("Run the statement again.")));
}

static Relation
open_relation(ReadRun *run, Oid relid)
{
	ReadHold   *hold = run->hold;
	Relation	rel;

	if (hold->n == hold->capacity)
	{
		hold->capacity *= 2;
		hold->relations = repalloc(hold->relations, sizeof(Relation) * hold->capacity);
	}
	rel = RelationIdGetRelation(relid);
	if (!RelationIsValid(rel))
		relation_gone(run);
	hold->relations[hold->n++] = rel;
	return rel;
}

/* Open the tables of a run's plan, which must be locked. */
void
read_hold_begin(ReadRun *run)
{
	ReadPlan   *plan = run->plan;
	ReadHold   *hold = MemoryContextAllocZero(run->context, sizeof(ReadHold));

	hold->owner = CurrentResourceOwner;
	hold->capacity = Max(plan->nrelids, 1);
	hold->relations = MemoryContextAlloc(run->context, sizeof(Relation) * hold->capacity);
	run->hold = hold;
	for (int i = 0; i < plan->nrelids; i++)
	{
		/* the statement that reads others fails */
		if (!bms_is_member(i, plan->unlocked))
			(void) open_relation(run, plan->relids[i]);
	}
}

/* Create a hash table of entries that begin with an OID. */
static HTAB *
create_oid_table(MemoryContext context, Size entry_size)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = entry_size;
	ctl.hcxt = context;
	return hash_create("relations of a read run", 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Return the member for a relation, created if it is missing. */
static HeldMember *
enter_member(ReadHold *hold, Oid relid)
{
	bool		found;
	HeldMember *member = hash_search(hold->members, &relid, HASH_ENTER, &found);

	if (!found)
	{
		member->opened_by = 0;
		member->is_child = false;
	}
	return member;
}

/* Note which partitions or children a relation has. */
static void
note_children(ReadHold *hold, Oid relid)
{
	List	   *children = find_inheritance_children(relid, NoLock);
	ListCell   *lc;

	foreach(lc, children)
		enter_member(hold, lfirst_oid(lc))->is_child = true;
	list_free(children);
}

/*
 * Raise serialization_failure if a statement reads a partition or a child that
 * was attached after an earlier statement had read its parent: documents that
 * have been returned do not contain its rows.  Neither ATTACH PARTITION nor
 * INHERIT waits for those who read the parent.
 */
static void
check_attached(ReadHold *hold, PlannedStmt *planned)
{
	ListCell   *lc;

	foreach(lc, planned->appendRelations)
	{
		AppendRelInfo *info = lfirst_node(AppendRelInfo, lc);
		RangeTblEntry *child = rt_fetch(info->child_relid, planned->rtable);
		RangeTblEntry *parent = rt_fetch(info->parent_relid, planned->rtable);

		if (child->rtekind != RTE_RELATION || parent->rtekind != RTE_RELATION)
			continue;
		if (enter_member(hold, parent->relid)->opened_by < hold->statements &&
			!enter_member(hold, child->relid)->is_child)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access to table \"%s\", which has been altered meanwhile",
							model_name(parent->relid)),
					 errdetail("Table \"%s\" was attached to it after the read began.", model_name(child->relid)),
					 errhint("Run the statement again.")));
	}
}

/* Open the relations, which are locked, of a statement that the run may execute again. */
void
read_hold_planned(ReadRun *run, PlannedStmt *planned)
{
	ReadHold   *hold = run->hold;
	ResourceOwner owner = CurrentResourceOwner;
	bool		all_known = true;
	ListCell   *lc;

	if (hold->members == NULL)
		hold->members = create_oid_table(run->context, sizeof(HeldMember));
	hold->statements++;
	CurrentResourceOwner = hold->owner;
	foreach(lc, planned->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		HeldMember *member;

		if (!OidIsValid(rte->relid))
			continue;
		member = enter_member(hold, rte->relid);
		if (member->opened_by != 0)
			continue;
		all_known = false;
		member->opened_by = hold->statements;
		if (open_relation(run, rte->relid)->rd_rel->relhassubclass)
			note_children(hold, rte->relid);
	}
	CurrentResourceOwner = owner;
	if (!all_known && planned->appendRelations != NIL)
		check_attached(hold, planned);
}

/*
 * Close the relations of a run.  Must not be called after an error, when the
 * resource owner of the calling query releases them.
 */
void
read_hold_end(ReadRun *run)
{
	ReadHold   *hold = run->hold;
	ResourceOwner owner = CurrentResourceOwner;

	if (hold == NULL)
		return;
	CurrentResourceOwner = hold->owner;
	while (hold->n > 0)
		RelationClose(hold->relations[--hold->n]);
	CurrentResourceOwner = owner;
}

/* ---------------------------------------------------------------------
 * Runs that began in a subtransaction
 * ---------------------------------------------------------------------
 */

/* A resource owner releases what it owns, after an error: the run must not do so any more. */
static void
owner_releases(ResourceReleasePhase phase, pg_attribute_unused() bool is_commit,
			   pg_attribute_unused() bool is_top_level, pg_attribute_unused() void *arg)
{
	dlist_iter	iter;

	if (phase != RESOURCE_RELEASE_BEFORE_LOCKS)
		return;
	dlist_foreach(iter, &watched_runs)
	{
		ReadHold   *hold = dlist_container(ReadHold, node, iter.cur);

		if (hold->owner == CurrentResourceOwner)
			hold->owner = NULL;
	}
}

/* Close the relations that exist only in the subtransaction that is rolled back. */
static void
close_created(ReadHold *hold, SubTransactionId subid)
{
	ResourceOwner owner = CurrentResourceOwner;
	int			n = 0;

	if (hold->owner == NULL)
		return;
	CurrentResourceOwner = hold->owner;
	for (int i = 0; i < hold->n; i++)
	{
		if (hold->relations[i]->rd_createSubid == subid)
			RelationClose(hold->relations[i]);
		else
			hold->relations[n++] = hold->relations[i];
	}
	hold->n = n;
	CurrentResourceOwner = owner;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId subid, SubTransactionId parent_subid,
					pg_attribute_unused() void *arg)
{
	dlist_iter	iter;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	dlist_foreach(iter, &watched_runs)
	{
		ReadHold   *hold = dlist_container(ReadHold, node, iter.cur);

		if (hold->subid != subid)
			continue;
		hold->subid = parent_subid;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			close_created(hold, subid);
		/* relcache invalidations of what is rolled back come after this */
		if (event == SUBXACT_EVENT_ABORT_SUB && !hold->rolled_back)
		{
			hold->rolled_back = true;
			hold->touched = false;
		}
	}
}

static void
forget_watched(void *arg)
{
	dlist_delete(&((ReadHold *) arg)->node);
}

static void
add_used(ReadHold *hold, Oid relid)
{
	(void) hash_search(hold->used, &relid, HASH_ENTER, NULL);
}

static bool
add_used_indexes(PlanState *state, void *arg)
{
	Plan	   *plan = state->plan;

	if (IsA(plan, IndexScan))
		add_used(arg, ((IndexScan *) plan)->indexid);
	else if (IsA(plan, IndexOnlyScan))
		add_used(arg, ((IndexOnlyScan *) plan)->indexid);
	else if (IsA(plan, BitmapIndexScan))
		add_used(arg, ((BitmapIndexScan *) plan)->indexid);
	return planstate_tree_walker(state, add_used_indexes, arg);
}

/*
 * Watch what the root's statement, which has been started, and the run's other
 * statements use, if the run began in a subtransaction.
 */
void
read_hold_watch(ReadRun *run, QueryDesc *root)
{
	ReadHold   *hold = run->hold;
	ListCell   *lc;

	if (GetCurrentTransactionNestLevel() <= 1)
		return;
	if (!callbacks_registered)
	{
		RegisterSubXactCallback(subtransaction_ends, NULL);
		RegisterResourceReleaseCallback(owner_releases, NULL);
		callbacks_registered = true;
	}
	hold->used = create_oid_table(run->context, sizeof(Oid));
	foreach(lc, root->plannedstmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (OidIsValid(rte->relid))
			add_used(hold, rte->relid);
	}
	(void) add_used_indexes(root->planstate, hold);
	for (int i = 0; i < run->plan->nrelids; i++)
		add_used(hold, run->plan->relids[i]);
	hold->subid = GetCurrentSubTransactionId();
	hold->watched = true;
	hold->callback.func = forget_watched;
	hold->callback.arg = hold;
	dlist_push_head(&watched_runs, &hold->node);
	MemoryContextRegisterResetCallback(run->context, &hold->callback);
}

/* Note that a relation, or with InvalidOid any relation, may have changed. */
void
read_hold_invalidated(Oid relid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &watched_runs)
	{
		ReadHold   *hold = dlist_container(ReadHold, node, iter.cur);

		if (!hold->touched &&
			(!OidIsValid(relid) || hash_search(hold->used, &relid, HASH_FIND, NULL) != NULL ||
			 (hold->members != NULL && hash_search(hold->members, &relid, HASH_FIND, NULL) != NULL)))
			hold->touched = true;
	}
}

/* Raise invalid_cursor_state if rolling back a subtransaction has changed what the run has open. */
void
read_hold_check(ReadRun *run)
{
	ReadHold   *hold = run->hold;

	if (likely(!hold->rolled_back))
		return;
	if (hold->touched)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("cannot continue reading model \"%s\"", model_name(run->plan->model)),
				 errdetail("The read began in a subtransaction that altered a relation it uses and was rolled back.")));
	hold->rolled_back = false;
}
