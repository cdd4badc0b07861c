/*
 * write_statement.c
 *	  A statement that is put together as it is needed, with its parameters.
 *
 * Its plan is kept for the session, under the text of the statement and the
 * types of its parameters; values never are part of a text.  The text names
 * tables, columns and operators in full, and is made anew from the catalogs
 * for each call, so that a plan needs no other care than the server gives to
 * every prepared statement: one that has become stale is planned again from
 * its text, for the role and the row-level security of the day.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "key_operator.h"
#include "write_statement.h"

/* kept in a session; the one that was not used for longest goes first */
#define MAX_KEPT_STATEMENTS 512
/* who writes longer ones does not write them often */
#define MAX_KEPT_LENGTH 8192

#define KEPT_BUCKETS 256

typedef struct KeptStatement
{
	dlist_node	bucket;
	dlist_node	use;			/* in the order of their use, the last first */
	uint32		hash;
	SPIPlanPtr	plan;
	int			running;		/* how many times it is being executed */
	int			nparams;
	bool		custom;
	Oid		   *types;			/* behind the text */
	int			length;
	char		sql[FLEXIBLE_ARRAY_MEMBER];
} KeptStatement;

static dlist_head kept_buckets[KEPT_BUCKETS];	/* zeroed: empty */
static dlist_head kept_by_use;
static int	nkept = 0;

/* Start an empty statement, in the current memory context. */
void
statement_init(WriteStatement *statement)
{
	memset(statement, 0, sizeof(WriteStatement));
	initStringInfo(&statement->sql);
}

/* Append a parameter: its number to the text, its value to the values. */
void
statement_param(WriteStatement *statement, Oid type, Datum value, bool isnull)
{
	if (statement->nparams == statement->capacity)
	{
		int			n = statement->capacity = Max(8, statement->capacity * 2);

		if (statement->types == NULL)
		{
			statement->types = palloc(sizeof(Oid) * n);
			statement->values = palloc(sizeof(Datum) * n);
			statement->nulls = palloc(n);
		}
		else
		{
			statement->types = repalloc(statement->types, sizeof(Oid) * n);
			statement->values = repalloc(statement->values, sizeof(Datum) * n);
			statement->nulls = repalloc(statement->nulls, n);
		}
	}
	statement->types[statement->nparams] = type;
	statement->values[statement->nparams] = value;
	statement->nulls[statement->nparams] = isnull ? 'n' : ' ';
	appendStringInfo(&statement->sql, "$%d", ++statement->nparams);
}

static WriteColumn *
column_of(WriteModel *model, const char *name)
{
	return &model->columns[write_model_column(model, name)];
}

/* Append that the primary key of alias is that of a row. */
void
statement_key(WriteStatement *statement, WriteRow *row, const char *alias)
{
	ListCell   *lc;

	foreach(lc, row->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		Oid			type = column_of(row->model, lfirst(lc))->base;

		appendStringInfo(&statement->sql, "%s%s.%s %s ", i > 0 ? " AND " : "", alias,
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber));
		statement_param(statement, type, row->key[i], false);
	}
}

/* Append that columns of alias, of a table, are those of the owner. */
static void
append_refers(WriteStatement *statement, Oid relid, List *columns, RelationDesc *relation,
			  WriteRow *owner, const char *alias)
{
	ListCell   *c;
	ListCell   *o;

	forboth(c, columns, o, relation->own_columns)
	{
		Oid			type = get_atttype(relid, require_column(relid, lfirst(c), NULL));
		Oid			own = column_of(owner->model, lfirst(o))->base;
		bool		isnull;
		Datum		value = write_row_kept(owner, lfirst(o), &isnull);

		appendStringInfo(&statement->sql, "%s%s.%s %s ", foreach_current_index(c) > 0 ? " AND " : "",
						 alias, quote_identifier(lfirst(c)),
						 strategy_operator(type, own, BTEqualStrategyNumber));
		statement_param(statement, own, value, isnull);
	}
}

/* Append that a row of the pivot, called alias, refers to the owner. */
void
statement_pivot(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
				const char *alias)
{
	append_refers(statement, relation->via, relation->via_own_columns, relation, owner, alias);
}

/*
 * The pivot's columns that are the related rows' primary key, in its order,
 * so that they can stand for it; NIL when the columns are others, or when some
 * of the rows may be hidden.
 */
List *
statement_pivot_key(RelationDesc *relation, WriteModel *related)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *c;
	ListCell   *v;

	if (list_length(relation->other_columns) != list_length(related->desc->primary_key) ||
		relation->kind == RELATION_MORPHED_BY_MANY ||
		check_enable_rls(relation->related, InvalidOid, true) == RLS_ENABLED)
		return NIL;
	foreach(lc, related->desc->primary_key)
	{
		WriteColumn *column = column_of(related, lfirst(lc));
		int			before = list_length(result);

		forboth(c, relation->other_columns, v, relation->via_other_columns)
		{
			if (strcmp(lfirst(c), lfirst(lc)) == 0 &&
				get_atttype(relation->via, require_column(relation->via, lfirst(v), NULL)) == column->type)
				result = lappend(result, lfirst(v));
		}
		if (list_length(result) != before + 1)
			return NIL;
	}
	return result;
}

/* Append conditions of a node, whose values become parameters. */
void
statement_conditions(WriteStatement *statement, QueryNode *node, const DeparseAlias *alias,
					 const char *glue, bool order)
{
	DeparseContext cxt = {0};
	ListCell   *lc;

	cxt.buf = &statement->sql;
	cxt.nparams = statement->nparams;
	deparse_conditions(&cxt, node, alias, glue);
	if (order)
		deparse_order_by(&cxt, node, alias, false);
	foreach(lc, cxt.params)
	{
		QueryParam *param = lfirst(lc);
		int			length = statement->sql.len;

		/* the text has its number already */
		statement_param(statement, param->type, param->value, param->isnull);
		statement->sql.len = length;
		statement->sql.data[length] = '\0';
	}
	/* which values there are decides which plan is good */
	statement->custom = true;
}

/*
 * Append that a row that the owner has, called alias, is one that the
 * relation leads to: what its scope says.  via is what the pivot is called.
 */
void
statement_scope(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
				const char *alias, const char *via)
{
	QueryNode  *node;
	DeparseAlias names = {alias, via};
	ListCell   *lc;

	if (relation->scope == NULL)
		return;
	node = query_make_node(relation->related, relation);
	if (node->limit < 0 || node->single)
	{
		statement_conditions(statement, node, &names, " AND ", false);
		return;
	}
	if (node->model->primary_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(relation->related)),
				 errdetail("Relation \"%s\" leads to its first rows, which cannot be told apart.",
						   relation->name)));
	names.table = "r";
	names.via = "rv";
	appendStringInfoString(&statement->sql, " AND EXISTS (SELECT 1 FROM (SELECT ");
	foreach(lc, node->model->primary_key)
		appendStringInfo(&statement->sql, "%sr.%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
	appendStringInfoString(&statement->sql, " FROM ");
	deparse_tables(&statement->sql, node, &names);
	appendStringInfoString(&statement->sql, " WHERE ");
	if (OidIsValid(relation->via))
		statement_pivot(statement, relation, owner, names.via);
	else
		append_refers(statement, relation->related, relation->other_columns, relation, owner, names.table);
	statement_conditions(statement, node, &names, " AND ", true);
	appendStringInfo(&statement->sql, " LIMIT " INT64_FORMAT ") AS f WHERE ", node->limit);
	foreach(lc, node->model->primary_key)
		appendStringInfo(&statement->sql, "%sf.%s %s %s.%s", foreach_current_index(lc) > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)),
						 column_equality(relation->related, lfirst(lc), relation->related, lfirst(lc)),
						 alias, quote_identifier(lfirst(lc)));
	appendStringInfoChar(&statement->sql, ')');
}

/*
 * Append that a related row, called alias, is one that the owner has; with
 * scoped one that the relation leads to, which its scope may narrow down; and
 * that the conditions of where hold for it, if there are any.
 */
void
statement_owned(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
				const char *alias, bool scoped, QueryNode *where)
{
	DeparseAlias names = {alias, "v"};
	ListCell   *v;
	ListCell   *c;

	if (!OidIsValid(relation->via))
	{
		append_refers(statement, relation->related, relation->other_columns, relation, owner, alias);
		if (scoped)
			statement_scope(statement, relation, owner, alias, NULL);
		if (where != NULL)
			statement_conditions(statement, where, &names, " AND ", false);
		return;
	}
	appendStringInfo(&statement->sql, "EXISTS (SELECT 1 FROM %s AS v WHERE ",
					 quoted_model_name(relation->via));
	statement_pivot(statement, relation, owner, "v");
	forboth(v, relation->via_other_columns, c, relation->other_columns)
	{
		Oid			v_type = get_atttype(relation->via, require_column(relation->via, lfirst(v), NULL));
		Oid			c_type = get_atttype(relation->related,
										 require_column(relation->related, lfirst(c), NULL));

		appendStringInfo(&statement->sql, " AND v.%s %s %s.%s", quote_identifier(lfirst(v)),
						 strategy_operator(v_type, c_type, BTEqualStrategyNumber), alias,
						 quote_identifier(lfirst(c)));
	}
	if (scoped)
		statement_scope(statement, relation, owner, alias, "v");
	if (where != NULL)
		statement_conditions(statement, where, &names, " AND ", false);
	appendStringInfoChar(&statement->sql, ')');
}

/* An array of one key column of rows. */
static Datum
key_array(List *rows, int k, Oid type)
{
	Datum	   *values = palloc(sizeof(Datum) * list_length(rows));
	int16		len;
	bool		byval;
	char		align;
	ListCell   *lc;

	foreach(lc, rows)
		values[foreach_current_index(lc)] = ((WriteRow *) lfirst(lc))->key[k];
	get_typlenbyvalalign(type, &len, &byval, &align);
	return PointerGetDatum(construct_array(values, list_length(rows), type, len, byval, align));
}

/*
 * Append that the primary key of alias is that of none of the rows, all of one
 * model; nothing when there are none.
 */
void
statement_except(WriteStatement *statement, List *rows, const char *alias)
{
	WriteModel *model;
	StringInfoData condition;
	ListCell   *lc;

	if (rows == NIL)
		return;
	model = ((WriteRow *) linitial(rows))->model;
	initStringInfo(&condition);
	appendStringInfoString(&statement->sql, " AND NOT EXISTS (SELECT 1 FROM ROWS FROM (");
	foreach(lc, model->desc->primary_key)
	{
		int			k = foreach_current_index(lc);
		Oid			type = column_of(model, lfirst(lc))->base;

		appendStringInfo(&statement->sql, "%spg_catalog.unnest(", k > 0 ? ", " : "");
		statement_param(statement, get_array_type(type), key_array(rows, k, type), false);
		appendStringInfoChar(&statement->sql, ')');
		appendStringInfo(&condition, "%s%s.%s %s x.k%d", k > 0 ? " AND " : "", alias,
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber), k);
	}
	appendStringInfoString(&statement->sql, ") AS x(");
	foreach(lc, model->desc->primary_key)
		appendStringInfo(&statement->sql, "%sk%d", foreach_current_index(lc) > 0 ? ", " : "",
						 foreach_current_index(lc));
	appendStringInfo(&statement->sql, ") WHERE %s)", condition.data);
	pfree(condition.data);
}

/* ---------------------------------------------------------------------
 * Kept plans
 * ---------------------------------------------------------------------
 */

static KeptStatement *
find_kept(const WriteStatement *statement, uint32 hash)
{
	dlist_head *bucket = &kept_buckets[hash % KEPT_BUCKETS];
	dlist_iter	iter;

	if (dlist_is_empty(bucket))
		return NULL;
	dlist_foreach(iter, bucket)
	{
		KeptStatement *kept = dlist_container(KeptStatement, bucket, iter.cur);

		if (kept->hash == hash && kept->length == statement->sql.len &&
			kept->nparams == statement->nparams && kept->custom == statement->custom &&
			memcmp(kept->sql, statement->sql.data, kept->length) == 0 &&
			(kept->nparams == 0 ||
			 memcmp(kept->types, statement->types, sizeof(Oid) * kept->nparams) == 0))
		{
			dlist_move_head(&kept_by_use, &kept->use);
			return kept;
		}
	}
	return NULL;
}

/* Make room for one more; what is running stays. */
static void
trim_kept(void)
{
	dlist_node *node = dlist_is_empty(&kept_by_use) ? NULL : dlist_tail_node(&kept_by_use);

	while (node != NULL && nkept >= MAX_KEPT_STATEMENTS)
	{
		KeptStatement *kept = dlist_container(KeptStatement, use, node);

		node = dlist_has_prev(&kept_by_use, node) ? dlist_prev_node(&kept_by_use, node) : NULL;
		if (kept->running > 0)
			continue;
		dlist_delete(&kept->bucket);
		dlist_delete(&kept->use);
		SPI_freeplan(kept->plan);
		pfree(kept);
		nkept--;
	}
}

static SPIPlanPtr
prepare(const WriteStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare_cursor(statement->sql.data, statement->nparams, statement->types,
										  statement->custom ? 0 : CURSOR_OPT_GENERIC_PLAN);

	/* SPI leaves its own, which ends before a run does */
	MemoryContextSwitchTo(context);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static KeptStatement *
keep(const WriteStatement *statement, uint32 hash)
{
	Size		types = MAXALIGN(offsetof(KeptStatement, sql) + statement->sql.len + 1);
	SPIPlanPtr	plan = prepare(statement);
	KeptStatement *kept;

	trim_kept();
	kept = MemoryContextAllocZero(TopMemoryContext, types + sizeof(Oid) * statement->nparams);
	kept->hash = hash;
	kept->custom = statement->custom;
	kept->nparams = statement->nparams;
	kept->types = (Oid *) ((char *) kept + types);
	kept->length = statement->sql.len;
	memcpy(kept->sql, statement->sql.data, statement->sql.len + 1);
	if (statement->nparams > 0)
		memcpy(kept->types, statement->types, sizeof(Oid) * statement->nparams);
	SPI_keepplan(plan);
	kept->plan = plan;
	dlist_push_head(&kept_buckets[hash % KEPT_BUCKETS], &kept->bucket);
	dlist_push_head(&kept_by_use, &kept->use);
	nkept++;
	return kept;
}

static void
execute(const WriteStatement *statement, SPIPlanPtr plan)
{
	MemoryContext context = CurrentMemoryContext;
	int			rc = SPI_execute_plan(plan, statement->values, statement->nulls, false, 0);

	/* SPI leaves its own, which ends before a run does */
	MemoryContextSwitchTo(context);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
}

static void
place_error_context(void *arg)
{
	WriteStatement *statement = arg;
	char	   *path = write_row_path(statement->row, statement->key);

	if (path[0] != '\0')
		errcontext("document \"%s\"", path);
}

/*
 * Run the statement; the number of its rows, which are in SPI_tuptable.  SPI
 * must be connected.  Raises what the server raises, with the place in the
 * document when the statement has one.
 */
uint64
statement_run(WriteStatement *statement)
{
	ErrorContextCallback callback;
	uint32		hash;
	KeptStatement *kept;
	SPIPlanPtr	plan;

	callback.callback = place_error_context;
	callback.arg = statement;
	callback.previous = error_context_stack;
	if (statement->row != NULL)
		error_context_stack = &callback;
	if (statement->sql.len > MAX_KEPT_LENGTH)
	{
		plan = prepare(statement);
		execute(statement, plan);
		SPI_freeplan(plan);
	}
	else
	{
		hash = hash_bytes((unsigned char *) statement->sql.data, statement->sql.len);
		kept = find_kept(statement, hash);
		if (kept == NULL)
			kept = keep(statement, hash);
		kept->running++;
		PG_TRY();
		{
			execute(statement, kept->plan);
		}
		PG_FINALLY();
		{
			kept->running--;
		}
		PG_END_TRY();
	}
	error_context_stack = callback.previous;
	return SPI_processed;
}

/*
 * Take the first row of a statement that was run, which has the columns that
 * the row's shape returns, as the row is now.
 */
void
statement_take_row(WriteRun *run, WriteRow *row)
{
	int			n = list_length(row->shape->returned);
	Datum	   *values = palloc(sizeof(Datum) * (n + 1));
	bool	   *nulls = palloc(sizeof(bool) * (n + 1));

	for (int i = 0; i < n; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &nulls[i]);
	write_take_row(run, row, values, nulls);
	SPI_freetuptable(SPI_tuptable);
}

/* Append the columns that a row's shape returns, of alias. */
void
statement_returned(WriteStatement *statement, WriteRow *row, const char *alias)
{
	ListCell   *lc;

	if (row->shape->returned == NIL)
		appendStringInfoChar(&statement->sql, '1');
	foreach(lc, row->shape->returned)
		appendStringInfo(&statement->sql, "%s%s.%s", foreach_current_index(lc) > 0 ? ", " : "", alias,
						 quote_identifier(lfirst(lc)));
}

/*
 * Append "column = value, ..." for the columns that a row sets.  Values have
 * the columns' base types, so that the statement applies all checks of domains.
 */
void
statement_set(WriteStatement *statement, WriteRow *row)
{
	for (int i = 0; i < row->ncolumns; i++)
	{
		WriteColumn *column = &row->model->columns[row->columns[i]];

		appendStringInfo(&statement->sql, "%s%s = ", i > 0 ? ", " : "", quote_identifier(column->name));
		statement_param(statement, column->base, row->values[i], row->nulls[i]);
	}
}
