/*
 * query_doc.c
 *	  Paths, checked and turned into a tree of QueryNode.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"

#include "query_doc.h"
#include "query_where.h"

/*
 * A node for the rows of relid, with the relation's scope applied.  The
 * table is locked as a SELECT would lock it, so that what is read of it holds
 * until the end of the transaction.
 */
static QueryNode *
make_node(Oid relid, RelationDesc *relation)
{
	QueryNode  *node = palloc0(sizeof(QueryNode));

	LockRelationOid(relid, AccessShareLock);
	model_check(relid);
	node->relid = relid;
	node->relation = relation;
	node->model = catalog_get_model(relid);
	node->limit = -1;
	if (relation != NULL)
	{
		node->name = relation->name;
		if (relation->scope != NULL)
			query_apply_scope(node, relation->scope);
		/* of one row that others follow in the scope's order, only the first */
		if (relation->kind == RELATION_HAS_ONE && node->order != NIL)
			node->limit = 1;
	}
	return node;
}

/*
 * The next name of a dotted path; *path moves behind it.  A name may be
 * quoted as an identifier is, to hold a dot.  Case is kept.
 */
static char *
next_name(const char **path, const char *whole)
{
	StringInfoData buf;
	const char *p = *path;

	initStringInfo(&buf);
	if (*p == '"')
	{
		for (p++; *p != '\0'; p++)
		{
			if (*p == '"')
			{
				if (p[1] != '"')
					break;
				p++;
			}
			appendStringInfoChar(&buf, *p);
		}
		if (*p == '"')
			p++;
		else
			buf.len = 0;
	}
	else
	{
		while (*p != '\0' && *p != '.')
			appendStringInfoChar(&buf, *p++);
	}
	if (buf.len == 0 || (*p != '\0' && *p != '.') || (*p == '.' && p[1] == '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a relation path", whole),
				 errhint("Write names of relations separated by dots, such as posts.comments.")));
	*path = *p == '.' ? p + 1 : p;
	return buf.data;
}

/* The child of a node for a relation; made when it is not there yet. */
static QueryNode *
child_for(QueryNode *node, const char *name)
{
	ListCell   *lc;
	RelationDesc *relation;
	QueryNode  *child;

	foreach(lc, node->children)
	{
		child = lfirst(lc);
		if (strcmp(child->name, name) == 0)
			return child;
	}
	relation = catalog_get_relation(node->relid, name);
	child = make_node(relation->related, relation);
	node->children = lappend(node->children, child);
	return child;
}

/*
 * The tree that dotted paths describe; paths share their common prefix.
 * Raises null_value_not_allowed for a null path, invalid_parameter_value for
 * one that is none, undefined_object for an unknown relation.
 */
QueryNode *
query_from_paths(Oid model, ArrayType *paths)
{
	QueryNode  *root = make_node(model, NULL);
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(paths, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		QueryNode  *node = root;
		char	   *whole;
		const char *rest;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a relation path must not be null")));
		whole = TextDatumGetCString(elems[i]);
		rest = whole;
		do
		{
			CHECK_FOR_INTERRUPTS();
			node = child_for(node, next_name(&rest, whole));
		} while (*rest != '\0');
	}
	return root;
}
