/*
 * write_store.c
 *	  Rows of nested documents -> tables, level by level.
 *
 * What a row refers to is stored before it, what refers to it after it, the
 * rows of pivots last.  All rows of one level are stored together.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "budget.h"
#include "bytes_table.h"
#include "key_operator.h"
#include "write_graph.h"
#include "write_change.h"
#include "write_order.h"
#include "write_statement.h"

/* groups of links that are searched one by one */
#define FEW_GROUPS 16

/*
 * A value of one type as a value of another that it can be compared with;
 * the way is over text.
 */
Datum
write_convert_key(Datum value, Oid from, WriteColumn *to)
{
	Oid			output;
	Oid			input;
	Oid			ioparam;
	bool		varlena;

	if (from == to->type || from == to->base)
		return value;
	getTypeOutputInfo(from, &output, &varlena);
	getTypeInputInfo(to->type, &input, &ioparam);
	return OidInputFunctionCall(input, OidOutputFunctionCall(output, value), ioparam, to->typmod);
}

/*
 * Set a key column of a row.  The document may say it too, when it says the
 * same.
 */
static void
set_key(WriteRun *run, WriteRow *row, const char *name, Datum value, Oid from,
		RelationDesc *relation)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	int			index = write_model_column(row->model, name);
	WriteColumn *column = &row->model->columns[index];
	int			there = write_row_find(row, index);

	value = write_convert_key(value, from, column);
	if (there < 0)
		write_row_set(run, row, index, value, false);
	else if (row->nulls[there] || !write_column_equal(column, row->values[there], value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" contradicts the key of the row that relation \"%s\" joins",
						write_row_path(row, name), relation->name),
				 errhint("Leave it out: the key is wired.")));
	MemoryContextSwitchTo(old);
}

/*
 * Make a row refer to another: its columns get the values of the other's
 * columns.  A polymorphic reference is a type and a key, the generated columns
 * follow.
 */
static void
refer(WriteRun *run, WriteRow *row, List *columns, bool morph, WriteRow *other, List *other_columns,
	  RelationDesc *relation)
{
	ListCell   *c;
	ListCell   *o;

	if (morph)
	{
		set_key(run, row, relation->morph_type_column, CStringGetTextDatum(relation->morph_type),
				TEXTOID, relation);
		columns = relation->morph_id_columns;
	}
	forboth(c, columns, o, other_columns)
	{
		bool		isnull;
		Datum		value = write_row_kept(other, lfirst(o), &isnull);

		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" of \"%s\" is null, so relation \"%s\" cannot have rows",
							(char *) lfirst(o), model_name(other->model->relid), relation->name)));
		set_key(run, row, lfirst(c), value,
				other->model->columns[write_model_column(other->model, lfirst(o))].type, relation);
	}
}

/* Make a row of a pivot refer to the owner of a relation and to a related row. */
void
write_refer_pivot(WriteRun *run, WriteRow *pivot, WriteRow *owner, WriteRow *related,
				  RelationDesc *relation)
{
	refer(run, pivot, relation->via_own_columns, relation->kind == RELATION_MORPH_TO_MANY,
		  owner, relation->own_columns, relation);
	refer(run, pivot, relation->via_other_columns, relation->kind == RELATION_MORPHED_BY_MANY,
		  related, relation->other_columns, relation);
}

/* Return the columns by which a side of a relation is referenced. */
static List *
referring_columns(RelationDesc *relation, List *columns, bool morph)
{
	return morph ? lcons(relation->morph_type_column, list_copy(relation->morph_id_columns))
		: list_copy(columns);
}

/* Return the columns of a pivot that join its rows to both sides. */
static List *
pivot_key_columns(RelationDesc *relation)
{
	return list_concat(referring_columns(relation, relation->via_own_columns,
										 relation->kind == RELATION_MORPH_TO_MANY),
					   referring_columns(relation, relation->via_other_columns,
										 relation->kind == RELATION_MORPHED_BY_MANY));
}

/* Does a row of a pivot set columns that join it to the owner or a related row? */
bool
write_sets_pivot_key(WriteRow *pivot, RelationDesc *relation)
{
	List	   *columns = pivot_key_columns(relation);

	for (int i = 0; i < pivot->ncolumns; i++)
	{
		if (list_has_name(columns, pivot->model->columns[pivot->columns[i]].name))
			return true;
	}
	return false;
}

/*
 * Check that a document for an existing row of a pivot does not join it to
 * other rows, and leave the columns that join it out of what the row sets.
 * related must have the values of its key columns.  Raises
 * invalid_parameter_value if the document contradicts them.
 */
void
write_check_pivot_key(WriteRun *run, WriteRow *pivot, WriteRow *owner, WriteRow *related,
					  RelationDesc *relation)
{
	List	   *columns = pivot_key_columns(relation);

	write_refer_pivot(run, pivot, owner, related, relation);
	for (int i = pivot->ncolumns - 1; i >= 0; i--)
	{
		if (list_has_name(columns, pivot->model->columns[pivot->columns[i]].name))
			write_row_unset(pivot, i);
	}
}

/*
 * If a document names the columns by which a child refers to its parent, set
 * them first: a document that says something else is an error then.
 */
void
write_hold_parent(WriteRun *run, WriteRow *child, const JsonbValue *document, RelationDesc *relation)
{
	List	   *columns = referring_columns(relation, relation->other_columns, relation->morph != NULL);
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (json_member(document, lfirst(lc)) != NULL)
		{
			refer(run, child, relation->other_columns, relation->morph != NULL, child->parent,
				  relation->own_columns, relation);
			return;
		}
	}
}

/* What a row is named by, for messages: (id)=(7); palloc'd. */
static char *
named_key(WriteRow *row)
{
	WriteModel *model = row->model;
	StringInfoData values;
	ListCell   *lc;

	initStringInfo(&values);
	foreach(lc, model->desc->primary_key)
	{
		WriteColumn *column = &model->columns[write_model_column(model, lfirst(lc))];
		Oid			output;
		bool		varlena;

		getTypeOutputInfo(column->base, &output, &varlena);
		appendStringInfo(&values, "%s%s", values.len > 0 ? ", " : "",
						 OidOutputFunctionCall(output, row->key[foreach_current_index(lc)]));
	}
	return psprintf("(%s)=(%s)", format_column_list(model->desc->primary_key), values.data);
}

/* Raises foreign_key_violation when a row that was named is not there. */
void
write_require(pg_attribute_unused() WriteRun *run, WriteRow *row)
{
	char	   *path = write_row_path(row, NULL);

	if (row->found)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("there is no row of \"%s\" with the key that is named", model_name(row->model->relid)),
			 row->key != NULL ? errdetail("Key %s is not present in \"%s\".", named_key(row),
										  model_name(row->model->relid)) : 0,
			 path[0] != '\0' ? errcontext("document \"%s\"", path) : 0));
}

/*
 * Raise cardinality_violation if more than one row has the key that names a
 * row.  No index may prove that a key is unique which relations.model() names.
 */
void
write_require_one(WriteRow *row, uint64 nrows)
{
	char	   *path;

	if (nrows <= 1)
		return;
	path = write_row_path(row, NULL);
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("more than one row of \"%s\" has the key that is named", model_name(row->model->relid)),
			 errdetail("Key %s is not unique.", named_key(row)),
			 errhint("Name columns that are unique together: SELECT relations.model('%s', primary_key => '...').",
					 model_name(row->model->relid)),
			 path[0] != '\0' ? errcontext("document \"%s\"", path) : 0));
}

/*
 * Like write_require_one(), but look whether several rows have the key, unless
 * an index proves that it is unique.  For statements that do not return one row
 * for each row with the key.
 */
void
write_require_unique(WriteRow *row)
{
	WriteStatement statement;

	if (row->model->key_unique)
		return;
	statement_init(&statement);
	statement.row = row;
	appendStringInfo(&statement.sql, "SELECT 1 FROM %s AS c WHERE ", quoted_model_name(row->model->relid));
	statement_key(&statement, row, "c");
	appendStringInfoString(&statement.sql, " LIMIT 2");
	write_require_one(row, statement_run(&statement));
	SPI_freetuptable(SPI_tuptable);
}

/* A row that is there: it refers to its parent now, and is as its document says. */
static void
store_existing(WriteRun *run, WriteRow *row)
{
	if (row->changes != NULL)
		write_change(run, row, row->changes, true);
	else
		write_update_row(run, row);
}

/* Hash a value of a column; equal values have one hash, by the type's equality. */
static uint64
hash_value(WriteColumn *column, Datum value)
{
	TypeCacheEntry *type = lookup_type_cache(column->base, TYPECACHE_HASH_EXTENDED_PROC_FINFO);

	/* without a hash function, all values are taken for equal */
	if (!OidIsValid(type->hash_extended_proc_finfo.fn_oid))
		return 0;
	return DatumGetUInt64(FunctionCall2Coll(&type->hash_extended_proc_finfo, column->collation,
											value, Int64GetDatum(0)));
}

/*
 * Hash what $connect_or_create looks for.  The key {"id": 1} has the hash of
 * the key 1, and 1.0 has that of 1.
 */
static uint64
hash_where(WriteRun *run, WriteRow *row)
{
	WriteModel *model = row->model;
	uint64		hash = hash_combine64(0, model->relid);
	ListCell   *lc;

	/* the columns in any order: the hashes are added */
	if (JSON_IS_OBJECT(row->where))
	{
		foreach(lc, json_members_of(row->where))
		{
			JsonMember *member = lfirst(lc);
			int			column = write_model_member(model, member->key)->column;
			bool		isnull;
			Datum		value = write_lookup_input(model, column, &member->value, &isnull);

			if (!isnull)
				hash += hash_combine64(column + 1, hash_value(&model->columns[column], value));
		}
	}
	else
	{
		WriteRow   *probe = write_row_make(run, model, row->parent, row->name, row->index);

		if (write_parse_key(run, probe, row->where, ""))
		{
			foreach(lc, model->desc->primary_key)
			{
				int			column = write_model_column(model, lfirst(lc));

				hash += hash_combine64(column + 1, hash_value(&model->columns[column],
															 probe->key[foreach_current_index(lc)]));
			}
		}
	}
	return hash;
}

/*
 * Enter what $connect_or_create looks for into a set of what is to be created.
 * Return true if it may be in the set already.  Rows that are taken for equal
 * are looked for one after the other, nothing worse.
 */
static bool
enter_where(WriteRun *run, HTAB **wheres, WriteRow *row)
{
	uint64		hash = hash_where(run, row);
	bool		found;

	if (*wheres == NULL)
	{
		HASHCTL		ctl;

		memset(&ctl, 0, sizeof(ctl));
		ctl.keysize = ctl.entrysize = sizeof(uint64);
		ctl.hcxt = CurrentMemoryContext;
		*wheres = hash_create("relations wheres", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(*wheres, &hash, HASH_ENTER, &found);
	return found;
}

/*
 * Look for the row that $connect_or_create is to connect; when there is one,
 * nothing is created.
 */
static bool
resolve_where(WriteRun *run, WriteRow *row)
{
	WriteRow   *probe = write_row_make(run, row->model, row->parent, row->name, row->index);
	char	   *path = write_row_path(row, "$connect_or_create.where");
	bool		known = write_parse_key(run, probe, row->where, path);

	pfree(path);
	if (!known)
		return false;
	probe->shown = NIL;
	write_lookup(run, list_make1(probe));
	if (!probe->found)
		return false;
	row->existing = true;
	row->key = probe->key;
	row->where = NULL;
	row->ncolumns = 0;
	row->links = NIL;
	return true;
}

/* Do so for the rows that a row's links hold; who finds none is to be created. */
void
write_resolve_links(WriteRun *run, WriteRow *row)
{
	ListCell   *l;
	ListCell   *lc;

	foreach(l, row->links)
	{
		foreach(lc, ((WriteLink *) lfirst(l))->rows)
		{
			if (((WriteRow *) lfirst(lc))->where != NULL)
				(void) resolve_where(run, lfirst(lc));
		}
	}
}

/* Look up the row that $connect_or_create finds, or else create one. */
static void
store_or_look_up_one(WriteRun *run, WriteRow *row)
{
	if (resolve_where(run, row))
	{
		write_lookup(run, list_make1(row));
		write_require(run, row);
	}
	else
		write_store(run, list_make1(row));
}

/*
 * Look up those of rows that exist, and store the others.  Rows that may find
 * what others create wait for these, and then are stored together, too.  Those
 * that do not even find each other, since a where does not fit what is created,
 * are created one by one: with every round only one more would be.
 */
static void
store_or_look_up(WriteRun *run, List *rows)
{
	ListCell   *r;

	for (int round = 0; round < 2 && rows != NIL; round++)
	{
		List	   *existing = NIL;
		List	   *created = NIL;
		List	   *again = NIL;
		HTAB	   *wheres = NULL;
		bool		plain = false;	/* some are created, whatever is there */
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, rows)
		{
			WriteRow   *row = lfirst(lc);

			if (row->where != NULL && !resolve_where(run, row))
			{
				if (plain || enter_where(run, &wheres, row))
					again = lappend(again, row);
				else
					created = lappend(created, row);
			}
			else if (row->existing && row->changes != NULL)
				store_existing(run, row);
			else if (row->existing)
				existing = lappend(existing, row);
			else
			{
				created = lappend(created, row);
				plain = true;
			}
		}
		if (existing != NIL)
			write_lookup(run, existing);
		foreach(lc, existing)
			write_require(run, lfirst(lc));
		if (created != NIL)
			write_store(run, created);
		if (wheres != NULL)
			hash_destroy(wheres);
		rows = again;
	}
	foreach(r, rows)
	{
		CHECK_FOR_INTERRUPTS();
		store_or_look_up_one(run, lfirst(r));
	}
}

/* The links of rows for one relation and type. */
typedef struct LinkGroup
{
	RelationDesc *relation;
	RelationDesc *branch;
	List	   *links;			/* of WriteLink */
} LinkGroup;

/* Return the group of a link among the first few of a list, or NULL. */
static LinkGroup *
find_group(List *groups, const WriteLink *link)
{
	for (int i = 0; i < Min(list_length(groups), FEW_GROUPS); i++)
	{
		LinkGroup  *group = list_nth(groups, i);

		if (group->relation == link->relation && group->branch == link->branch)
			return group;
	}
	return NULL;
}

/*
 * Group links by relation and type, in the order in which these come first: a
 * list of LinkGroup.
 */
static List *
group_links(List *links)
{
	List	   *groups = NIL;
	BytesTable *table = NULL;
	StringInfoData key;
	LinkGroup  *group = NULL;
	ListCell   *lc;

	foreach(lc, links)
	{
		WriteLink  *link = lfirst(lc);
		void	  **value = NULL;
		bool		found = false;

		if (group != NULL && group->relation == link->relation && group->branch == link->branch)
		{
			group->links = lappend(group->links, link);
			continue;
		}
		group = find_group(groups, link);
		if (group == NULL && list_length(groups) >= FEW_GROUPS)
		{
			if (table == NULL)
			{
				table = bytes_table_create();
				initStringInfo(&key);
			}
			resetStringInfo(&key);
			appendBinaryStringInfo(&key, (char *) &link->relation, sizeof(RelationDesc *));
			appendBinaryStringInfo(&key, (char *) &link->branch, sizeof(RelationDesc *));
			value = bytes_table_enter(table, &key, &found);
			group = *value;
		}
		if (group == NULL)
		{
			group = palloc0(sizeof(LinkGroup));
			group->relation = link->relation;
			group->branch = link->branch;
			groups = lappend(groups, group);
			if (value != NULL)
				*value = group;
		}
		group->links = lappend(group->links, link);
	}
	return groups;
}

static bool
is_parent(WriteLink *link)
{
	return RELATION_REFERS(link->relation->kind);
}

/* The links of rows to what they refer to, or to what refers to them. */
static List *
links_of(List *rows, bool parents)
{
	List	   *result = NIL;
	ListCell   *r;
	ListCell   *l;

	foreach(r, rows)
	{
		foreach(l, ((WriteRow *) lfirst(r))->links)
		{
			if (is_parent(lfirst(l)) == parents)
				result = lappend(result, lfirst(l));
		}
	}
	return result;
}

static List *
rows_of(List *links)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, links)
		result = list_concat(result, ((WriteLink *) lfirst(lc))->rows);
	return result;
}

/* Store what rows refer to, and set their keys. */
void
write_store_parents(WriteRun *run, List *rows)
{
	ListCell   *g;
	ListCell   *lc;
	ListCell   *r;

	foreach(g, group_links(links_of(rows, true)))
	{
		List	   *links = ((LinkGroup *) lfirst(g))->links;
		List	   *parents = rows_of(links);

		if (parents != NIL)
			store_or_look_up(run, parents);
		foreach(lc, links)
		{
			WriteLink  *link = lfirst(lc);

			foreach(r, link->rows)
			{
				WriteRow   *parent = lfirst(r);

				refer(run, parent->parent, link->branch->own_columns,
					  link->relation->kind == RELATION_MORPH_TO, parent,
					  link->branch->other_columns, link->branch);
			}
		}
	}
}

/* A child refers to its parent by columns of its own. */
static void
refer_to_parent(WriteRun *run, WriteRow *child, RelationDesc *relation)
{
	refer(run, child, relation->other_columns, relation->morph != NULL, child->parent,
		  relation->own_columns, relation);
}

/* Rows that refer to their parents by columns of their own. */
static void
store_children(WriteRun *run, List *group)
{
	List	   *created = NIL;
	List	   *again = NIL;
	HTAB	   *wheres = NULL;
	List	   *existing = NIL;
	bool		plain = false;	/* some are created, whatever is there */
	RelationDesc *relation = ((WriteLink *) linitial(group))->relation;
	ListCell   *lc;
	ListCell   *r;

	foreach(lc, group)
	{
		WriteLink  *link = lfirst(lc);

		foreach(r, link->rows)
		{
			if (((WriteRow *) lfirst(r))->existing)
				existing = lappend(existing, lfirst(r));
		}
	}
	write_lock_rows(run, existing, false);
	foreach(lc, group)
	{
		WriteLink  *link = lfirst(lc);

		foreach(r, link->rows)
		{
			WriteRow   *child = lfirst(r);

			if (child->where != NULL && !resolve_where(run, child) &&
				(plain || enter_where(run, &wheres, child)))
			{
				again = lappend(again, child);
				continue;
			}
			refer_to_parent(run, child, relation);
			if (child->existing)
				store_existing(run, child);
			else
			{
				plain = plain || child->where == NULL;
				created = lappend(created, child);
			}
		}
	}
	if (created != NIL)
		write_store(run, created);
	if (wheres != NULL)
		hash_destroy(wheres);
	/* these find what was created just now */
	foreach(r, again)
	{
		WriteRow   *child = lfirst(r);

		(void) resolve_where(run, child);
		refer_to_parent(run, child, relation);
		if (child->existing)
			store_existing(run, child);
		else
			write_store(run, list_make1(child));
	}
}

/* Do both name the same row? */
static bool
same_key(WriteRow *a, WriteRow *b)
{
	ListCell   *lc;

	foreach(lc, a->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);

		if (!write_column_equal(&a->model->columns[write_model_column(a->model, lfirst(lc))],
								a->key[i], b->key[i]))
			return false;
	}
	return true;
}

/* Mark the rows of a link that name the same row as one before them. */
static void
mark_repeated(WriteLink *link)
{
	List	   *named = NIL;
	WriteRow   *last = NULL;
	ListCell   *lc;

	foreach(lc, link->rows)
	{
		if (((WriteRow *) lfirst(lc))->existing)
			named = lappend(named, lfirst(lc));
	}
	if (list_length(named) < 2)
		return;
	/* of equal ones, the first stays first */
	foreach(lc, write_rows_in_key_order(named))
	{
		WriteRow   *row = lfirst(lc);

		row->repeated = last != NULL && same_key(last, row);
		last = row;
	}
	list_free(named);
}

/*
 * Of rows that are named twice under one relation the first is joined; what a
 * later one says of the pivot is an error of the constraint's.
 */
static void
drop_repeated(WriteLink *link)
{
	List	   *rows = NIL;
	List	   *pivots = NIL;
	ListCell   *c;
	ListCell   *p;

	mark_repeated(link);
	forboth(c, link->rows, p, link->pivots)
	{
		if (((WriteRow *) lfirst(c))->repeated && ((WriteRow *) lfirst(p))->ncolumns == 0)
			continue;
		rows = lappend(rows, lfirst(c));
		pivots = lappend(pivots, lfirst(p));
	}
	link->rows = rows;
	link->pivots = pivots;
}

/* Rows that a pivot joins to their parents. */
static void
store_through_pivot(WriteRun *run, List *group)
{
	List	   *children = rows_of(group);
	List	   *pivots = NIL;
	int			there = 0;
	ListCell   *lc;
	ListCell   *c;
	ListCell   *p;

	if (children == NIL)
		return;
	store_or_look_up(run, children);
	foreach(lc, group)
	{
		WriteLink  *link = lfirst(lc);
		RelationDesc *relation = link->relation;

		drop_repeated(link);
		forboth(c, link->rows, p, link->pivots)
		{
			WriteRow   *child = lfirst(c);
			WriteRow   *pivot = lfirst(p);

			write_refer_pivot(run, pivot, child->parent, child, relation);
			pivots = lappend(pivots, pivot);
			there += child->existing;
		}
	}
	/* those that others may join, too, in the order of their keys */
	write_insert(run, there > 1 ? write_pivots_in_key_order(group) : pivots);
}

/* Store what refers to rows that are stored. */
void
write_store_links(WriteRun *run, List *rows)
{
	ListCell   *lc;

	foreach(lc, group_links(links_of(rows, false)))
	{
		LinkGroup  *group = lfirst(lc);

		if (RELATION_HAS_PIVOT(group->relation->kind))
			store_through_pivot(run, group->links);
		else
			store_children(run, group->links);
	}
}

/*
 * Store rows of one model with all that their documents nest.  SPI must be
 * connected.  Raises what the server raises, with the path of the document.
 */
void
write_store(WriteRun *run, List *rows)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	check_stack_depth();
	write_store_parents(run, rows);
	write_insert(run, rows);
	write_store_links(run, rows);
	MemoryContextSwitchTo(old);
}

/*
 * Create a related row for a row that is stored, beside those that its links
 * hold; its document shows it too.
 */
void
write_store_created(WriteRun *run, WriteRow *row, RelationDesc *relation, const JsonbValue *value)
{
	WriteLink  *link = write_row_link(run, row, relation, relation);
	List	   *links = row->links;
	WriteLink	alone = *link;
	WriteRow   *child;

	alone.rows = alone.pivots = alone.shown_rows = NIL;
	row->links = list_make1(&alone);
	child = write_add_created(run, row, relation, value, -1);
	write_store_links(run, list_make1(row));
	row->links = links;
	link->shown_rows = lappend(link->shown_rows, child);
}

/*
 * Set the columns that a row of a pivot sets in the one that joins a child to
 * its owner, and take that as it is then; without columns it is only read.
 */
void
write_update_pivot(WriteRun *run, RelationDesc *relation, WriteRow *owner, WriteRow *child,
				   WriteRow *pivot)
{
	WriteStatement statement;
	ListCell   *v;
	ListCell   *c;

	write_require_unique(child);
	if (write_sets_pivot_key(pivot, relation))
	{
		WriteRow   *related = write_row_make(run, child->model, child->parent, child->name, child->index);

		related->existing = true;
		related->key = child->key;
		related->wanted = relation->other_columns;
		related->shown = NIL;
		write_lookup(run, list_make1(related));
		write_require(run, related);
		write_check_pivot_key(run, pivot, owner, related, relation);
	}
	write_set_shape(pivot);
	statement_init(&statement);
	statement.row = pivot;
	if (pivot->ncolumns > 0)
	{
		appendStringInfo(&statement.sql, "UPDATE %s AS p SET ", quoted_model_name(relation->via));
		statement_set(&statement, pivot);
		if (relation->pivot_timestamps &&
			write_row_find(pivot, write_model_column(pivot->model, "updated_at")) < 0)
			appendStringInfoString(&statement.sql, ", updated_at = pg_catalog.now()");
		appendStringInfoString(&statement.sql, " FROM ");
	}
	else
	{
		appendStringInfoString(&statement.sql, "SELECT ");
		statement_returned(&statement, pivot, "p");
		appendStringInfo(&statement.sql, " FROM %s AS p, ", quoted_model_name(relation->via));
	}
	appendStringInfo(&statement.sql, "%s AS c WHERE ", quoted_model_name(relation->related));
	statement_key(&statement, child, "c");
	appendStringInfoString(&statement.sql, " AND ");
	statement_pivot(&statement, relation, owner, "p");
	forboth(v, relation->via_other_columns, c, relation->other_columns)
		appendStringInfo(&statement.sql, " AND p.%s %s c.%s", quote_identifier(lfirst(v)),
						 column_equality(relation->via, lfirst(v), relation->related, lfirst(c)),
						 quote_identifier(lfirst(c)));
	if (pivot->ncolumns > 0)
	{
		appendStringInfoString(&statement.sql, " RETURNING ");
		statement_returned(&statement, pivot, "p");
	}
	if (statement_run(&statement) == 0)
		child->pivot = NULL;
	else
		statement_take_row(run, pivot);
}

/*
 * Of the rows that are to be joined to a row through a pivot, those that are
 * joined already are only shown.
 */
void
write_drop_joined(WriteRun *run, WriteRow *row, RelationDesc *relation)
{
	WriteLink  *link = write_row_link(run, row, relation, relation);
	List	   *rows = NIL;
	List	   *pivots = NIL;
	ListCell   *c;
	ListCell   *p;

	drop_repeated(link);
	forboth(c, link->rows, p, link->pivots)
	{
		WriteRow   *child = lfirst(c);
		WriteStatement statement;

		if (child->existing)
		{
			statement_init(&statement);
			appendStringInfo(&statement.sql, "SELECT 1 FROM %s AS c WHERE ",
							 quoted_model_name(relation->related));
			statement_key(&statement, child, "c");
			appendStringInfoString(&statement.sql, " AND ");
			statement_owned(&statement, relation, row, "c", false, NULL);
			if (statement_run(&statement) > 0)
			{
				write_update_pivot(run, relation, row, child, lfirst(p));
				if (child->changes != NULL)
					write_change(run, child, child->changes, true);
				else
					write_lookup(run, list_make1(child));
				link->shown_rows = lappend(link->shown_rows, child);
				continue;
			}
		}
		rows = lappend(rows, child);
		pivots = lappend(pivots, lfirst(p));
	}
	link->rows = rows;
	link->pivots = pivots;
}

/* ---------------------------------------------------------------------
 * Rows that are there
 * ---------------------------------------------------------------------
 */

/*
 * The row that a relation starts from, with the values of its key columns, and
 * the model's own descriptor of the relation, which its shapes know.  Paths in
 * errors begin below the row.  Raises undefined_object for an unknown
 * relation, null_value_not_allowed for a key that is null,
 * foreign_key_violation when there is no such row.
 */
WriteRow *
write_read_owner(WriteRun *run, Oid relid, const char *name, char *key, RelationDesc **relation)
{
	WriteModel *model = write_run_model(run, relid);
	WriteMember *member = write_model_member(model, name);
	List	   *primary_key = model->desc->primary_key;
	WriteRow   *owner;

	if (member == NULL || member->relation == NULL)
		undefined_relation(relid, name);
	*relation = member->relation;
	owner = write_row_make(run, model, NULL, NULL, -1);
	owner->shown = NIL;
	owner->anonymous = true;
	owner->wanted = (*relation)->own_columns;
	if (!write_text_key(run, owner, key))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key of a row of \"%s\" must not be null", model_name(relid))));
	write_lookup(run, list_make1(owner));
	if (!owner->found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no row for relation \"%s\" to start from", name),
				 errdetail(list_length(primary_key) > 1 ? "Key (%s)=%s is not present in \"%s\"."
						   : "Key (%s)=(%s) is not present in \"%s\".",
						   format_column_list(primary_key), key, model_name(relid))));
	return owner;
}

/*
 * Update a row that is named by its key with the columns that it sets, and
 * take it as it is then; without columns it is only looked up.  False when it
 * is not there.
 */
bool
write_update_found(WriteRun *run, WriteRow *row)
{
	WriteStatement statement;
	uint64		n;

	if (row->ncolumns == 0)
	{
		write_lookup(run, list_make1(row));
		return row->found;
	}
	row->found = false;
	budget_write(run, list_make1(row));
	write_set_shape(row);
	statement_init(&statement);
	statement.row = row;
	appendStringInfo(&statement.sql, "UPDATE %s AS c SET ", quoted_model_name(row->model->relid));
	statement_set(&statement, row);
	appendStringInfoString(&statement.sql, " WHERE ");
	statement_key(&statement, row, "c");
	appendStringInfoString(&statement.sql, " RETURNING ");
	statement_returned(&statement, row, "c");
	n = statement_run(&statement);
	write_require_one(row, n);
	if (n == 0)
		return false;
	statement_take_row(run, row);
	return true;
}

/* The same.  Raises foreign_key_violation when it is not there. */
void
write_update_row(WriteRun *run, WriteRow *row)
{
	if (!write_update_found(run, row))
		write_require(run, row);
}
