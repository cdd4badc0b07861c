/*
 * budget.h
 *	  What one call may read or write: relations.max_depth, relations.max_rows
 *	  and relations.max_bytes.
 */
#ifndef RELATIONS_BUDGET_H
#define RELATIONS_BUDGET_H

#include "read_level.h"
#include "write_rows.h"

extern int	budget_measure(QueryNode *root);
extern void budget_begin(ReadBudget *budget);
extern void budget_depth_exceeded(ReadLevel *level) pg_attribute_noreturn();
extern void budget_rows_exceeded(ReadLevel *level) pg_attribute_noreturn();
extern void budget_document_rows_exceeded(ReadLevel *level) pg_attribute_noreturn();
extern void budget_bytes_exceeded(ReadLevel *level, Size length) pg_attribute_noreturn();

extern int64 budget_write_rows(void);
extern void budget_write(WriteRun *run, List *rows);
extern void budget_write_depth(const WriteRow *row);
extern void budget_change(RelationDesc *relation, uint64 n);

/* A row is taken into a level. */
static inline void
budget_row(ReadLevel *level)
{
	if (unlikely(--level->run->budget.rows < 0))
		budget_rows_exceeded(level);
}

/* Rows were found by following a recursive level's relation so many times. */
static inline void
budget_recursion(ReadLevel *level, int depth)
{
	if (unlikely(relations_max_depth > 0 && level->node->depth + depth - 1 > relations_max_depth))
		budget_depth_exceeded(level);
}

/* A document begins, which is, or holds, so many rows of a level. */
static inline void
budget_document(ReadLevel *level, int64 n)
{
	level->run->budget.document_rows = level->run->budget.max_rows - n;
	if (unlikely(level->run->budget.document_rows < 0))
		budget_document_rows_exceeded(level);
}

/* So many rows of a level are written into the document. */
static inline void
budget_document_rows(ReadLevel *level, int64 n)
{
	if (unlikely((level->run->budget.document_rows -= n) < 0))
		budget_document_rows_exceeded(level);
}

/* With a row of a level the document has this length. */
static inline void
budget_document_bytes(ReadLevel *level, Size length)
{
	if (unlikely(length > level->run->budget.bytes))
		budget_bytes_exceeded(level, length);
}

/* The document is complete, of the rows of a level and below. */
static inline void
budget_document_end(ReadLevel *level, Size length)
{
	budget_document_bytes(level, length);
	level->run->budget.bytes -= length;
}

#endif							/* RELATIONS_BUDGET_H */
