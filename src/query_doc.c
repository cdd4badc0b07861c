/*
 * query_doc.c
 *	  Paths, checked and turned into a tree of QueryNode.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "query_doc.h"
#include "query_parse.h"
#include "table_lock.h"

/*
 * Does a unique index keep a table from holding two rows that are equal in
 * these columns?  An index on fewer of them does, and one that has the type of
 * a polymorphic reference besides.
 */
static bool
columns_are_unique(Oid relid, List *columns, const char *type_column)
{
	Relation	rel = peek_table(relid);
	char		relkind = rel->rd_rel->relkind;
	List	   *indexes = NIL;
	bool		result = false;
	ListCell   *lc;

	/* an index says nothing about tables that inherit */
	if (relkind == RELKIND_PARTITIONED_TABLE || relkind == RELKIND_MATVIEW ||
		(relkind == RELKIND_RELATION && !has_subclass(relid)))
		indexes = RelationGetIndexList(rel);
	RelationClose(rel);
	foreach(lc, indexes)
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;
		bool		covered = HeapTupleIsValid(tup);

		if (!HeapTupleIsValid(tup))
			continue;
		index = (Form_pg_index) GETSTRUCT(tup);
		covered = index->indisunique && index->indimmediate && index->indisvalid &&
			heap_attisnull(tup, Anum_pg_index_indpred, NULL);
		for (int i = 0; covered && i < index->indnkeyatts; i++)
		{
			char	   *name = get_attname(relid, index->indkey.values[i], true);

			covered = name != NULL && index->indkey.values[i] > 0 &&
				(list_has_name(columns, name) || (type_column != NULL && strcmp(type_column, name) == 0));
		}
		ReleaseSysCache(tup);
		result = result || covered;
	}
	list_free(indexes);
	return result;
}

/* Is there at most one row that a relation leads to, whatever its scope says? */
static bool
leads_to_one_row(RelationDesc *relation)
{
	if (!columns_are_unique(relation->related, relation->other_columns,
							OidIsValid(relation->via) ? NULL : relation->morph_type_column))
		return false;
	return !OidIsValid(relation->via) ||
		columns_are_unique(relation->via, relation->via_own_columns, relation->morph_type_column);
}

/*
 * Does a node have conditions, an order or a cursor of the query, which apply
 * to the rows that the relation's own limit leaves?
 */
bool
query_narrows_rows(const QueryNode *node)
{
	return node->scope_limit >= 0 &&
		(list_length(node->where) > node->scope_conditions || node->own_order || node->cursor != NULL);
}

/*
 * Return a node for the rows of relid, with the relation's scope applied.  The
 * table is locked as a SELECT would lock it, so that what is read of it holds
 * until the end of the transaction.  One that the caller may not lock is left
 * alone: a statement that reads it will fail.
 */
QueryNode *
query_make_node(Oid relid, RelationDesc *relation)
{
	QueryNode  *node = palloc0(sizeof(QueryNode));

	(void) try_lock_table(relid, AccessShareLock);
	model_check(relid);
	node->relid = relid;
	node->relation = relation;
	node->model = catalog_get_model(relid);
	node->limit = node->scope_limit = -1;
	node->max_depth = -1;
	if (relation != NULL && OidIsValid(relation->via))
	{
		(void) try_lock_table(relation->via, AccessShareLock);
		model_check(relation->via);
		node->via = catalog_get_model(relation->via);
	}
	if (relation != NULL)
	{
		node->name = relation->name;
		if (relation->scope != NULL)
			query_apply_scope(node, relation->scope);
		node->scope_conditions = list_length(node->where);
		node->scope_order = list_copy(node->order);
		if (RELATION_IS_TO_ONE(relation->kind) && (node->limit < 0 || node->limit > 1))
		{
			node->single = node->order == NIL && !leads_to_one_row(relation);
			if (node->single || (node->order != NIL && relation->kind != RELATION_BELONGS_TO))
				node->limit = 1;
		}
		node->scope_limit = node->limit;
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

/* A name as one step of a path, whatever it holds; palloc'd. */
char *
quote_path_name(const char *name)
{
	StringInfoData buf;

	if (name[0] != '"' && strchr(name, '.') == NULL)
		return pstrdup(name);
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '"');
	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == '"')
			appendStringInfoChar(&buf, '"');
		appendStringInfoChar(&buf, *p);
	}
	appendStringInfoChar(&buf, '"');
	return buf.data;
}

/*
 * The nodes of a polymorphic relation, one for each type that rows of the
 * model may refer to.
 */
static List *
make_branches(RelationDesc *relation)
{
	List	   *result = NIL;
	ListCell   *lc;

	require_types(relation);
	foreach(lc, relation->branches)
	{
		RelationDesc *type = lfirst(lc);
		QueryNode  *branch;

		if (relation->scope != NULL)
			type->scope = query_scope_of_type(relation->scope, type->morph_type);
		branch = query_make_node(type->related, type);
		branch->continues = result != NIL;
		result = lappend(result, branch);
	}
	return result;
}

/* The nodes that a relation leads to: several, when it is polymorphic. */
List *
query_make_nodes(RelationDesc *relation)
{
	if (relation->kind == RELATION_MORPH_TO)
		return make_branches(relation);
	return list_make1(query_make_node(relation->related, relation));
}

/*
 * The children of a node for a relation, made when they are not there yet:
 * one, or one for each type of a polymorphic relation.
 */
static List *
children_for(QueryNode *node, RelationDesc *relation)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, node->children)
	{
		QueryNode  *child = lfirst(lc);

		if (strcmp(child->name, relation->name) != 0)
			continue;
		if (strcmp(child->relation->name, relation->name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("\"%s\" is there twice: as relation \"%s\" and as \"%s\"",
							child->name, relation->name, child->relation->name),
					 errhint("Choose another name for one of them.")));
		if (child->aggregate != AGGREGATE_NONE)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("\"%s\" is a relation and a count in one document", relation->name),
					 errhint("Choose another name for one of them.")));
		result = lappend(result, child);
	}
	if (result != NIL)
		return result;
	result = query_make_nodes(relation);
	node->children = list_concat(node->children, result);
	return result;
}

/*
 * The children of nodes for a relation.  Of several nodes, the types of a
 * polymorphic relation, one at least must have it.
 */
static List *
descend(List *nodes, const char *name)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, nodes)
	{
		QueryNode  *node = lfirst(lc);
		RelationDesc *relation = catalog_find_relation(node->relid, name);

		if (relation == NULL && list_length(nodes) == 1)
			relation = catalog_get_relation(node->relid, name);
		if (relation != NULL)
			result = list_concat(result, children_for(node, relation));
	}
	if (result == NIL)
	{
		List	   *models = NIL;

		foreach(lc, nodes)
			models = lappend(models, model_name(((QueryNode *) lfirst(lc))->relid));
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no type of relation \"%s\" has a relation \"%s\"",
						((QueryNode *) linitial(nodes))->name, name),
				 errdetail("Its types are: %s.", format_column_list(models))));
	}
	return result;
}

/*
 * Follow a dotted path from nodes, making what is not there yet; the nodes at
 * its end.  Raises invalid_parameter_value for what is no path,
 * undefined_object for an unknown relation.
 */
List *
query_descend(List *nodes, const char *path)
{
	const char *rest = path;

	do
	{
		CHECK_FOR_INTERRUPTS();
		nodes = descend(nodes, next_name(&rest, path));
	} while (*rest != '\0');
	return nodes;
}

/*
 * The tree that dotted paths describe; paths share their common prefix.
 * Raises null_value_not_allowed for a null path, and what query_descend
 * raises.
 */
QueryTree *
query_from_paths(Oid model, ArrayType *paths)
{
	QueryTree  *tree = palloc0(sizeof(QueryTree));
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	tree->shareable = true;
	tree->root = query_make_node(model, NULL);
	deconstruct_array(paths, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("a relation path must not be null")));
		query_descend(list_make1(tree->root), TextDatumGetCString(elems[i]));
	}
	return tree;
}
