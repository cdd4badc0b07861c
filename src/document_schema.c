/*
 * document_schema.c
 *	  What the documents of a query look like.
 *
 * The tree that is walked is the plan by which `query` reads and writes: keys,
 * what is hidden, and every error are those of the query itself.  The types of
 * the values are those of the statements that it would run, and so are the
 * rights that it takes.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "document_schema.h"
#include "read_statement.h"
#include "table_lock.h"

typedef struct SchemaWalk
{
	List	   *named;			/* objects that are referred to */
} SchemaWalk;

static DocumentSchema *node_schema(SchemaWalk *walk, ReadNode *node, const char *path);

static DocumentSchema *
make_schema(SchemaKind kind, bool nullable)
{
	DocumentSchema *schema = palloc0(sizeof(DocumentSchema));

	schema->kind = kind;
	schema->nullable = nullable;
	schema->length = -1;
	return schema;
}

/* ---------------------------------------------------------------------
 * What the catalog promises
 * ---------------------------------------------------------------------
 */

/*
 * Is a column of a table never null?  Of tables that others inherit from, and
 * of foreign tables, the server does not promise it.
 */
static bool
column_never_null(Oid relid, const char *column)
{
	Relation	rel = try_peek_table(relid);
	char		relkind;
	AttrNumber	attnum;
	bool		result;

	check_stack_depth();
	if (rel == NULL)
		return true;			/* a child that was dropped */
	relkind = rel->rd_rel->relkind;
	attnum = find_column(relid, column);
	result = attnum > 0 && column_is_not_null(RelationGetDescr(rel), attnum - 1) &&
		relkind != RELKIND_FOREIGN_TABLE;
	RelationClose(rel);
	if (result && relkind == RELKIND_RELATION && has_subclass(relid))
	{
		ListCell   *lc;

		foreach(lc, find_inheritance_children(relid, NoLock))
			result = result && column_never_null(lfirst_oid(lc), column);
	}
	return result;
}

/*
 * Is there a foreign key that is checked at once and holds for all rows, from
 * columns that are never null?
 */
static bool
reference_holds(RelationStep *step)
{
	Relation	rel;
	bool		result = false;
	ListCell   *lc;

	foreach(lc, step->foreign_key)
	{
		if (!column_never_null(step->from, lfirst(lc)))
			return false;
	}
	rel = peek_table(step->from);
	/* foreign keys are not inherited */
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE || !has_subclass(step->from))
	{
		foreach(lc, RelationGetFKeyList(rel))
		{
			ForeignKeyCacheInfo *key = lfirst(lc);
			HeapTuple	tup;
			bool		same = key->confrelid == step->to &&
				key->nkeys == list_length(step->foreign_key);

			for (int i = 0; same && i < key->nkeys; i++)
			{
				int			at = -1;
				ListCell   *name;

				foreach(name, step->foreign_key)
				{
					if (get_attnum(step->from, lfirst(name)) == key->conkey[i])
						at = foreach_current_index(name);
				}
				same = at >= 0 &&
					get_attnum(step->to, list_nth(step->local_key, at)) == key->confkey[i];
			}
			if (!same)
				continue;
			tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key->conoid));
			if (HeapTupleIsValid(tup))
			{
				Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tup);

				result = result || (con->convalidated && !con->condeferrable && CONSTRAINT_IS_PLAIN(con));
				ReleaseSysCache(tup);
			}
		}
	}
	RelationClose(rel);
	return result;
}

/*
 * Does every document of the parent have one of a to-one relation?  Whatever
 * may leave a row out makes it nullable: a filter, a scope, and row-level
 * security, for whomever it holds.
 */
static bool
always_there(QueryNode *query)
{
	RelationDesc *relation = query->relation;
	Relation	rel;
	bool		secured;

	if (relation->kind != RELATION_BELONGS_TO || relation->morph_type != NULL ||
		query->where != NIL || query->limit >= 0 || query->offset != NULL || query->cursor != NULL)
		return false;
	rel = peek_table(query->relid);
	secured = rel->rd_rel->relrowsecurity;
	RelationClose(rel);
	return !secured && reference_holds(&relation->steps[0]);
}

/* ---------------------------------------------------------------------
 * The statement of a level
 * ---------------------------------------------------------------------
 */

/*
 * Raise what running the statement of a level would raise for want of rights;
 * the type and type modifier of its last column, which of an aggregate is the
 * value.
 */
static void
check_statement(ReadNode *node, bool root, Oid *type, int32 *typmod)
{
	CachedPlanSource *source = read_node_statement(node, root ? LEVEL_ALL : LEVEL_ORDINAL, false,
												   PG_UINT64_MAX)->source;
	CachedPlan *cached = GetCachedPlan(source, NULL, CurrentResourceOwner, NULL);
	ListCell   *lc;

	foreach(lc, cached->stmt_list)
		check_planned_rights(lfirst_node(PlannedStmt, lc));
	*type = TupleDescAttr(source->resultDesc, source->resultDesc->natts - 1)->atttypid;
	*typmod = TupleDescAttr(source->resultDesc, source->resultDesc->natts - 1)->atttypmod;
	ReleaseCachedPlan(cached, CurrentResourceOwner);
}

/* ---------------------------------------------------------------------
 * Members
 * ---------------------------------------------------------------------
 */

static DocumentSchema *
column_schema(Oid relid, const char *column, char **description)
{
	AttrNumber	attnum = require_column(relid, column, NULL);
	HeapTuple	tup = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	Form_pg_attribute att;
	DocumentSchema *schema;

	if (!HeapTupleIsValid(tup))
		return make_schema(SCHEMA_ANY, true);
	att = (Form_pg_attribute) GETSTRUCT(tup);
	schema = schema_of_type(att->atttypid, att->atttypmod, att->attndims);
	ReleaseSysCache(tup);
	if (column_never_null(relid, column))
		schema->nullable = false;
	*description = GetComment(relid, RelationRelationId, attnum);
	return schema;
}

static void
add_member(DocumentSchema *object, const char *key, int length, DocumentSchema *schema,
		   char *description, bool optional)
{
	SchemaMember *member = palloc0(sizeof(SchemaMember));

	member->key = pnstrdup(key, length);
	member->schema = schema;
	member->description = description;
	member->optional = optional;
	object->members = lappend(object->members, member);
}

/* The key of a template's pair; length gets its length. */
static const char *
pair_key(ObjectTemplate *tpl, int pair, int *length)
{
	const char *key = tpl->key_data;

	for (int i = 0; i < pair; i++)
		key += getJsonbLength((JsonbContainer *) tpl->head, i);
	*length = getJsonbLength((JsonbContainer *) tpl->head, pair);
	return key;
}

/* The object "pivot". */
static DocumentSchema *
pivot_schema(ReadNode *node, ObjectEncoder *encoder)
{
	DocumentSchema *schema = make_schema(SCHEMA_OBJECT, false);

	for (int i = 0; i < encoder->tpl.npairs; i++)
	{
		SelectColumn *column = list_nth(node->columns, encoder->positions[i]);
		char	   *description = NULL;
		int			length;
		const char *key = pair_key(&encoder->tpl, i, &length);
		DocumentSchema *value = column_schema(node->query->via->relid, column->name, &description);

		add_member(schema, key, length, value, description, false);
	}
	return schema;
}

/* What an aggregate gives: a number of rows always, other values of rows only. */
static DocumentSchema *
aggregate_schema(ReadNode *node)
{
	Oid			type;
	int32		typmod;
	DocumentSchema *schema;

	check_statement(node, false, &type, &typmod);
	schema = schema_of_type(type, typmod, 0);
	schema->nullable = node->query->aggregate != AGGREGATE_COUNT &&
		node->query->aggregate != AGGREGATE_EXISTS;
	return schema;
}

/* What stands under the key of a relation: of link which, and of those after. */
static DocumentSchema *
relation_schema(SchemaWalk *walk, ReadNode *node, int which, DocumentSchema *self,
				const char *path, const char *key)
{
	ReadNode   *child = node->links[which];
	DocumentSchema *rows;

	path = psprintf("%s.%s", path, key);
	if (child == node)
	{
		rows = make_schema(SCHEMA_REFERENCE, false);
		rows->element = self;
	}
	else if (child->query->aggregate != AGGREGATE_NONE)
		return aggregate_schema(child);
	else
		rows = node_schema(walk, child, path);
	if (which + 1 < node->nchildren && node->children[which + 1]->continues)
	{
		DocumentSchema *types = make_schema(SCHEMA_UNION, true);

		types->values = list_make1(rows);
		while (++which < node->nchildren && node->children[which]->continues)
			types->values = lappend(types->values, node_schema(walk, node->children[which], path));
		return types;
	}
	if (child->to_one)
	{
		rows->nullable = child == node || !always_there(child->query);
		return rows;
	}
	else
	{
		DocumentSchema *array = make_schema(SCHEMA_ARRAY, false);

		array->element = rows;
		return array;
	}
}

/* The documents of a level; of a recursive one, a reference to them. */
static DocumentSchema *
node_schema(SchemaWalk *walk, ReadNode *node, const char *path)
{
	QueryNode  *query = node->query;
	ObjectTemplate *tpl = &node->tpl;
	DocumentSchema *schema = make_schema(SCHEMA_OBJECT, false);
	int			value = 0;
	Oid			type;
	int32		typmod;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	check_statement(node, query->relation == NULL, &type, &typmod);
	schema->description = GetComment(query->relid, RelationRelationId, 0);
	for (int i = 0; i < tpl->npairs; i++)
	{
		int			length;
		const char *key = pair_key(tpl, i, &length);
		char	   *description = NULL;
		DocumentSchema *member;
		bool		again = false;

		if (tpl->source[i] < 0)
		{
			int			which = ~tpl->source[i];

			again = node->links[which] == node;
			member = relation_schema(walk, node, which, schema, path, pnstrdup(key, length));
		}
		else
		{
			ValueEncoder *encoder = &node->encoders[value];

			if (encoder->kind == ENCODE_OBJECT)
				member = pivot_schema(node, encoder->object);
			else if (encoder->kind == ENCODE_ROW_TEXT)
				member = make_schema(SCHEMA_STRING, false);
			else
			{
				SelectColumn *column = list_nth(node->columns, node->positions[value]);

				member = column_schema(query->relid, column->name, &description);
			}
			value++;
		}
		add_member(schema, key, length, member, description, again);
	}
	if (node->recursive)
	{
		DocumentSchema *reference = make_schema(SCHEMA_REFERENCE, false);

		add_member(schema, "cycle", strlen("cycle"), make_schema(SCHEMA_BOOLEAN, false), NULL, true);
		schema->name = pstrdup(path);
		schema->recursive = true;
		schema->max_depth = query->max_depth >= 0;
		walk->named = lappend(walk->named, schema);
		reference->element = schema;
		return reference;
	}
	return schema;
}

/*
 * The documents that a query gives, in the current memory context; *named gets
 * the objects in it that are referred to.  Raises what the query would raise
 * before its first row.
 */
DocumentSchema *
schema_of_query(Oid model, Jsonb *document, List **named)
{
	ReadRequest request = {model, READ_ALL, NULL, document, NULL};
	ReadRun    *run = read_run_begin(&request);
	SchemaWalk	walk = {NIL};
	DocumentSchema *schema = node_schema(&walk, run->plan->root, model_name(model));

	*named = walk.named;
	read_run_end(run);
	return schema;
}
