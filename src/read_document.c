/*
 * read_document.c
 *	  Writes the documents of a batch, when all its levels have been read.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "budget.h"
#include "read_level.h"

/* The rows above one of a recursive level, as far as they are of its model. */
typedef struct Ancestor
{
	const struct Ancestor *above;
	ReadLevel  *level;
	uint32		number;
} Ancestor;

/* How a row of a recursive level is written. */
typedef struct Branch
{
	const Ancestor *above;
	int			depth;			/* from 1 */
} Branch;

static void write_row(DocBuffer *buf, ReadLevel *level, const GroupedRow *grouped,
					  const Branch *branch);

/* Is a row one of those above it? */
static bool
is_cycle(ReadLevel *level, uint32 number, const Ancestor *above)
{
	ReadNode   *node = level->node;

	for (; above != NULL; above = above->above)
	{
		bool		same = true;

		for (int k = 0; same && k < node->nident; k++)
			same = datum_image_eq(level->ident.values[k][number],
								  above->level->ident.values[k][above->number],
								  node->ident_byvals[k], node->ident_lens[k]);
		if (same)
			return true;
	}
	return false;
}

/* The value of an aggregate for a parent; without rows it has its own. */
static void
write_aggregate(DocBuffer *buf, ContainerState *state, ReadLevel *level, uint32 from, uint32 n)
{
	ObjectTemplate *tpl = &level->node->tpl;

	if (n > 0)
	{
		StagedRow  *row = level->ordered[from].row.staged;

		buf->format->add_scalar(buf, state, STAGED_ENTRIES(row, tpl)[0], STAGED_DATA(row, tpl));
		return;
	}
	switch (level->node->query->aggregate)
	{
		case AGGREGATE_COUNT:
			buf->format->add_zero(buf, state);
			break;
		case AGGREGATE_EXISTS:
			buf->format->add_boolean(buf, state, false);
			break;
		default:
			buf->format->add_null(buf, state);
			break;
	}
}

/* What stands under the key of a relation. */
static void
write_relation(DocBuffer *buf, ContainerState *state, ReadLevel *level, uint32 from, uint32 n,
			   const Branch *branch)
{
	Size		base = buf->len;

	if (level->node->query->aggregate != AGGREGATE_NONE)
	{
		write_aggregate(buf, state, level, from, n);
		return;
	}
	if (level->node->to_one)
	{
		if (n == 0)
		{
			buf->format->add_null(buf, state);
			return;
		}
		budget_document_rows(level, 1);
		write_row(buf, level, &level->ordered[from], branch);
	}
	else
	{
		ContainerState array;

		budget_document_rows(level, n);
		buf->format->begin_array(buf, &array, n);
		for (uint32 k = 0; k < n; k++)
		{
			Size		member = buf->len;

			if (k + 1 < n)
				prefetch(level->ordered[from + k + 1].row.staged);
			write_row(buf, level, &level->ordered[from + k], branch);
			buf->format->end_member(buf, &array, member);
			budget_document_bytes(level, buf->len);
		}
	}
	buf->format->end_member(buf, state, base);
}

/* What stands under the key of a pair, which is that of link which of a row. */
static void
write_link(DocBuffer *buf, ContainerState *state, ReadLevel *level, int which,
		   const uint32 *groups, uint32 number, const Branch *branch)
{
	ReadNode   *node = level->node;
	ReadLevel  *child;
	uint32		from = 0;
	uint32		n = 0;

	for (;;)
	{
		uint32		group = groups != NULL ? groups[which]
			: level->link_groups[which] != NULL ? level->link_groups[which][number] : number;

		child = level->links[which];
		if (group != NO_GROUP)
		{
			from = child->start[group];
			n = child->start[group + 1] - from;
		}
		/* of a polymorphic relation, the type that has a row */
		if (n > 0 || ++which >= node->nchildren || !node->children[which]->continues)
			break;
	}
	write_relation(buf, state, child, from, n, child->node->recursive ? branch : NULL);
}

/* Write the object of a row that is a tuple. */
static void
write_tuple(DocBuffer *buf, ReadLevel *level, MinimalTuple tuple)
{
	ReadNode   *node = level->node;
	ObjectTemplate *tpl = &node->tpl;
	ContainerState state;
	MemoryContext old;
	Datum	   *values;
	bool	   *isnull;
	uint32		number = read_pass_tuple(level, tuple, &values, &isnull);
	int			value = 0;

	old = MemoryContextSwitchTo(level->run->row);
	if (tpl->nrelations == 0)
	{
		buf->format->leaf_values(buf, tpl, node->encoders, node->positions, values, isnull);
		MemoryContextReset(level->run->row);
	}
	else
	{
		CHECK_FOR_INTERRUPTS();
		buf->format->begin_object(buf, &state, tpl);
		for (int i = 0; i < tpl->npairs; i++)
		{
			if (tpl->source[i] < 0)
				write_link(buf, &state, level, ~tpl->source[i], NULL, number, NULL);
			else
			{
				buf->format->add_value(buf, &state, &node->encoders[value],
									   node->positions[value], values, isnull);
				value++;
			}
		}
	}
	MemoryContextSwitchTo(old);
}

/*
 * Write the object of a row, its relations inside.  branch is where a row of a
 * recursive level stands, NULL for others.
 */
static void
write_row(DocBuffer *buf, ReadLevel *level, const GroupedRow *grouped, const Branch *branch)
{
	ReadNode   *node = level->node;
	ObjectTemplate *tpl = &node->tpl;
	StagedRow  *row = grouped->row.staged;
	ContainerState state;
	JEntry	   *entries;
	const char *data;
	bool		cycle = false;
	Ancestor	self;
	Branch		below;

	if (read_pass_has_tuples(level))
	{
		check_stack_depth();
		write_tuple(buf, level, grouped->row.tuple);
		return;
	}
	if (tpl->nrelations == 0)
	{
		buf->format->leaf_object(buf, tpl, row);
		return;
	}
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	entries = STAGED_ENTRIES(row, tpl);
	data = STAGED_DATA(row, tpl);
	if (node->nident > 0)
	{
		self.above = branch != NULL ? branch->above : NULL;
		self.level = level;
		self.number = STAGED_NUMBER(row, node);
		below.above = &self;
		below.depth = branch != NULL ? branch->depth + 1 : 1;
		if (branch != NULL)
		{
			cycle = is_cycle(level, self.number, branch->above);
			if (cycle)
				tpl = &node->tpl_cycle;
			else if (branch->depth == node->query->max_depth)
				tpl = &node->tpl_end;
		}
	}
	buf->format->begin_object(buf, &state, tpl);
	for (int i = 0; i < tpl->npairs; i++)
	{
		int			which = ~tpl->source[i];

		if (tpl->source[i] >= 0)
			data = buf->format->add_scalar(buf, &state, *entries++, data);
		else if (cycle && which == node->nchildren)
			buf->format->add_boolean(buf, &state, true);
		else
			write_link(buf, &state, level, which, STAGED_GROUPS(row), 0,
					   node->nident > 0 ? &below : NULL);
	}
}

/* A root row of the batch. */
static const GroupedRow *
root_row(ReadRun *run, uint32 row)
{
	if (run->plan->root->reversed)
		row = run->root->nrows - 1 - row;
	return &run->root->rows[row];
}

/* Write the document of a root row of the batch. */
static void
write_root(ReadRun *run, DocBuffer *buf, uint32 row)
{
	budget_document(run->root, 1);
	write_row(buf, run->root, root_row(run, row), NULL);
	budget_document_end(run->root, buf->len);
	MemoryContextReset(run->row);
}

/*
 * The document of a root row of the batch, in the current memory context and
 * in the format of the run, as are those below.
 */
Datum
read_run_document(ReadRun *run, uint32 row)
{
	DocBuffer	buf;

	doc_init(&buf, run->doc_size + run->doc_size / 4, run->format);
	write_root(run, &buf, row);
	run->doc_size = run->doc_size / 4 * 3 + buf.len / 4;
	return doc_finish(&buf);
}

/* The same, in memory that the next such document takes. */
Datum
read_run_passing_document(ReadRun *run, uint32 row)
{
	doc_again(&run->passing, run->context, run->format);
	write_root(run, &run->passing, row);
	return doc_finish(&run->passing);
}

/*
 * What the only root row of the batch has under its only relation: an array,
 * an object, or 0 for a null.
 */
Datum
read_run_relation(ReadRun *run)
{
	ReadLevel  *root = run->root;
	DocBuffer	buf;
	int			which = 0;
	ReadLevel  *child;
	uint32		from = 0;
	uint32		n = 0;
	ContainerState array;

	for (;;)
	{
		uint32		group = STAGED_GROUPS(root->rows[0].row.staged)[which];

		child = root->links[which];
		if (group != NO_GROUP)
		{
			from = child->start[group];
			n = child->start[group + 1] - from;
		}
		if (n > 0 || ++which >= root->node->nchildren)
			break;
	}
	if (child->node->to_one && n == 0)
		return (Datum) 0;
	doc_init(&buf, run->doc_size, run->format);
	budget_document(child, child->node->to_one ? 1 : n);
	if (child->node->to_one)
		write_row(&buf, child, &child->ordered[from], NULL);
	else
	{
		buf.format->begin_array(&buf, &array, n);
		for (uint32 k = 0; k < n; k++)
		{
			Size		member = buf.len;

			write_row(&buf, child, &child->ordered[from + k], NULL);
			buf.format->end_member(&buf, &array, member);
			budget_document_bytes(child, buf.len);
		}
	}
	budget_document_end(child, buf.len);
	return doc_finish(&buf);
}

/* Return the number of rows of a level below the root that are shown for its only row. */
static uint32
related_rows(const ReadLevel *level)
{
	return level->node->to_one ? Min(level->nrows, 1) : level->nrows;
}

/* The number of rows under the only relation of the batch's only root row. */
uint32
read_run_related_rows(ReadRun *run)
{
	uint32		n = 0;

	for (int c = 0; c < run->plan->root->nchildren; c++)
		n += related_rows(run->root->links[c]);
	return n;
}

/* The document of one of those rows, in the current memory context. */
Datum
read_run_related_document(ReadRun *run, uint32 row)
{
	ReadLevel  *level;
	DocBuffer	buf;
	int			c = 0;

	while (row >= related_rows(run->root->links[c]))
		row -= related_rows(run->root->links[c++]);
	level = run->root->links[c];
	doc_init(&buf, 512, level->run->format);
	budget_document(level, 1);
	write_row(&buf, level, &level->ordered[row], NULL);
	budget_document_end(level, buf.len);
	return doc_finish(&buf);
}
