/*
 * budget.c
 *	  What one call may read or write: relations.max_depth, relations.max_rows
 *	  and relations.max_bytes.
 *
 * Reading, a call is one execution of preload, query, find, ..., all its
 * batches together; of a graph view, it is one row's relation.  The number of
 * levels is known before anything is read.  Rows are counted when they are
 * taken from the executor, so that what is too much is never held, and once
 * more in each document, where a row may stand many times.
 *
 * Writing, rows are counted before the statement that stores them.
 *
 * All raise program_limit_exceeded and name where in the graph it happened.
 */
#include "relations.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "budget.h"

/* The steps from the root to a node, last first. */
typedef struct Step
{
	const struct Step *above;
	const char *name;
} Step;

static void
append_path(StringInfo buf, const Step *step)
{
	check_stack_depth();
	if (step->above != NULL)
	{
		append_path(buf, step->above);
		appendStringInfoChar(buf, '.');
	}
	appendStringInfoString(buf, quote_path_name(step->name));
}

/* 'relation "posts.comments" of model "users"'; palloc'd. */
static char *
place_of(Oid model, const Step *step)
{
	StringInfoData buf;

	if (step == NULL)
		return psprintf("model \"%s\"", model_name(model));
	initStringInfo(&buf);
	appendStringInfoString(&buf, "relation \"");
	append_path(&buf, step);
	appendStringInfo(&buf, "\" of model \"%s\"", model_name(model));
	return buf.data;
}

static pg_attribute_noreturn() void
depth_exceeded(const char *place)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("reading %s exceeds the limit of %d levels", place, relations_max_depth),
			 errhint("Ask for fewer levels, or have the setting \"relations.max_depth\" raised.")));
}

/* ---------------------------------------------------------------------
 * Reading
 * ---------------------------------------------------------------------
 */

static int
measure(Oid model, QueryNode *node, int depth, const Step *step)
{
	int			deepest = depth;
	ListCell   *lc;

	check_stack_depth();
	if (relations_max_depth > 0 && depth > relations_max_depth)
		depth_exceeded(place_of(model, step));
	foreach(lc, node->children)
	{
		QueryNode  *child = lfirst(lc);
		Step		below = {step, child->name};
		int			reached;

		/* a value stands in the row, not below it */
		if (child->aggregate != AGGREGATE_NONE)
			continue;
		reached = measure(model, child, depth + 1, &below);
		deepest = Max(deepest, reached);
	}
	return deepest;
}

/*
 * The number of levels below the root.  Raises program_limit_exceeded when
 * they are more than relations.max_depth, statement_too_complex when they are
 * more than the stack holds.
 */
int
budget_measure(QueryNode *root)
{
	return measure(root->relid, root, 0, NULL);
}

/* What a call may read. */
void
budget_begin(ReadBudget *budget)
{
	budget->max_rows = relations_max_rows > 0 ? relations_max_rows : PG_INT64_MAX;
	budget->max_bytes = relations_max_bytes > 0 ? (Size) relations_max_bytes : SIZE_MAX;
	budget->rows = budget->document_rows = budget->max_rows;
	budget->bytes = budget->max_bytes;
}

/* Where a level stands; NULL unless it is at or below another. */
static char *
place_below(ReadLevel *level, ReadLevel *at, const Step *step)
{
	check_stack_depth();
	if (at == level)
		return place_of(level->run->root->node->query->relid, step);
	for (int i = 0; i < at->node->nchildren; i++)
	{
		Step		below = {step, at->links[i]->node->query->name};
		char	   *place = place_below(level, at->links[i], &below);

		if (place != NULL)
			return place;
	}
	return NULL;
}

static char *
place_of_level(ReadLevel *level)
{
	return place_below(level, level->run->root, NULL);
}

void
budget_depth_exceeded(ReadLevel *level)
{
	depth_exceeded(place_of_level(level));
}

void
budget_rows_exceeded(ReadLevel *level)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("reading %s exceeds the limit of " INT64_FORMAT " rows in one call",
					place_of_level(level), level->run->budget.max_rows),
			 errhint("Filter or limit the rows, or have the setting \"relations.max_rows\" raised.")));
}

void
budget_document_rows_exceeded(ReadLevel *level)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("reading %s exceeds the limit of " INT64_FORMAT " rows in one document",
					place_of_level(level), level->run->budget.max_rows),
			 errhint("Filter or limit the rows, or have the setting \"relations.max_rows\" raised.")));
}

void
budget_bytes_exceeded(ReadLevel *level, Size length)
{
	Size		max_bytes = level->run->budget.max_bytes;

	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("reading %s exceeds the limit of %zu bytes in one %s", place_of_level(level),
					max_bytes, length > max_bytes ? "document" : "call"),
			 errhint("Select fewer columns or rows, or have the setting \"relations.max_bytes\" raised.")));
}

/* ---------------------------------------------------------------------
 * Writing
 * ---------------------------------------------------------------------
 */

/* The number of rows that a call may write. */
int64
budget_write_rows(void)
{
	return relations_max_rows > 0 ? relations_max_rows : PG_INT64_MAX;
}

/* 'document "posts[3]" of model "posts"'; palloc'd. */
static char *
place_of_row(const WriteRow *row)
{
	char	   *path = write_row_path(row, NULL);

	if (path[0] == '\0')
		return psprintf("model \"%s\"", model_name(row->model->relid));
	return psprintf("document \"%s\" of model \"%s\"", path, model_name(row->model->relid));
}

/* Rows are about to be inserted or updated. */
void
budget_write(WriteRun *run, List *rows)
{
	int			n = list_length(rows);

	if (unlikely(n > run->rows_left))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("writing %s exceeds the limit of %d rows in one call",
						place_of_row(list_nth(rows, (int) run->rows_left)), relations_max_rows),
				 errhint("Write fewer rows at once, or have the setting \"relations.max_rows\" raised.")));
	run->rows_left -= n;
}

/* A row stands in a document, below another. */
void
budget_write_depth(const WriteRow *row)
{
	if (unlikely(relations_max_depth > 0 && row->depth > relations_max_depth))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("writing %s exceeds the limit of %d levels", place_of_row(row),
						relations_max_depth),
				 errhint("Nest fewer levels, or have the setting \"relations.max_depth\" raised.")));
}

/* Rows of a relation have been changed or deleted in bulk. */
void
budget_change(RelationDesc *relation, uint64 n)
{
	if (unlikely(relations_max_rows > 0 && n > (uint64) relations_max_rows))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("writing relation \"%s\" of model \"%s\" exceeds the limit of %d rows in one call",
						relation->name, model_name(relation->model), relations_max_rows),
				 errhint("Narrow down \"where\", or have the setting \"relations.max_rows\" raised.")));
}
