/*
 * graph_view_guard.c
 *	  What the server would do with a statement on a graph view that is not
 *	  what was meant: it is refused, or refused with a hint.
 *
 * PostgreSQL has no ON CONFLICT for views, and under session_replication_role
 * = replica it fires no INSTEAD OF trigger and reports success all the same.
 * Both are known before any function of ours is called, so statements are
 * looked at as they are analyzed.  That takes a session in which the library
 * is loaded: one that has called some function of the extension, or any when
 * session_preload_libraries names it.  When the setting changes, the server
 * analyzes kept plans anew.
 */
#include "relations.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "graph_view_guard.h"

static post_parse_analyze_hook_type previous_hook = NULL;

/* Does a view have our triggers? */
static bool
is_graph_view(Oid relid)
{
	Relation	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;
	bool		result = false;

	if (rel == NULL)
		return false;
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		Oid			function = rel->trigdesc->triggers[i].tgfoid;
		char	   *name = get_func_name(function);
		char	   *schema = get_namespace_name(get_func_namespace(function));

		result = result || (name != NULL && strcmp(name, "write_view") == 0 &&
							schema != NULL && strcmp(schema, RELATIONS_SCHEMA) == 0);
	}
	relation_close(rel, AccessShareLock);
	return result;
}

/* Raises object_not_in_prerequisite_state for a graph view. */
static void
refuse_replica(Oid relid)
{
	if (!is_graph_view(relid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot write to graph view \"%s\" while session_replication_role is replica",
					get_rel_name(relid)),
			 errdetail("Its triggers do not fire, so that nothing would be stored."),
			 errhint("Write to its tables, or set session_replication_role to origin.")));
}

/* Raises invalid_column_reference, as the server would, for a graph view. */
static void
refuse_on_conflict(Oid relid)
{
	if (!is_graph_view(relid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("there is no unique or exclusion constraint matching the ON CONFLICT specification"),
			 errdetail("\"%s\" is a view, which has no constraints.", get_rel_name(relid)),
			 errhint("To change the row that is there, use relations.upsert.")));
}

static void
check_query(Query *query)
{
	bool		replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
	ListCell   *lc;

	check_stack_depth();
	if (query->commandType == CMD_UTILITY)
	{
		Node	   *statement = query->utilityStmt;

		if (IsA(statement, ExplainStmt) && IsA(((ExplainStmt *) statement)->query, Query))
			check_query((Query *) ((ExplainStmt *) statement)->query);
		else if (replica && IsA(statement, CopyStmt) && ((CopyStmt *) statement)->is_from &&
				 ((CopyStmt *) statement)->relation != NULL)
			refuse_replica(RangeVarGetRelid(((CopyStmt *) statement)->relation, NoLock, true));
		return;
	}
	if (query->resultRelation > 0)
	{
		RangeTblEntry *target = rt_fetch(query->resultRelation, query->rtable);

		if (target->rtekind == RTE_RELATION && target->relkind == RELKIND_VIEW)
		{
			if (replica)
				refuse_replica(target->relid);
			if (query->onConflict != NULL && query->onConflict->arbiterElems != NIL)
				refuse_on_conflict(target->relid);
		}
	}
	foreach(lc, query->cteList)
	{
		Node	   *cte = ((CommonTableExpr *) lfirst(lc))->ctequery;

		if (IsA(cte, Query))
			check_query((Query *) cte);
	}
}

static void
check_statement(ParseState *pstate, Query *query, JumbleState *jstate)
{
	if (previous_hook != NULL)
		previous_hook(pstate, query, jstate);
	check_query(query);
}

/* Look at statements from now on. */
void
graph_view_guard_init(void)
{
	previous_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = check_statement;
}
