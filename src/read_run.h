/*
 * read_run.h
 *	  Runs the levels of a graph for a batch of root rows.
 */
#ifndef RELATIONS_READ_RUN_H
#define RELATIONS_READ_RUN_H

#include "read_plan.h"

typedef struct ReadLevel ReadLevel;
typedef struct PassLevel PassLevel;
typedef struct ReadPass ReadPass;
struct ReadExecution;

/* What a run may take, see budget.h. */
typedef struct ReadBudget
{
	int64		max_rows;
	Size		max_bytes;
	/* what is left of it */
	int64		rows;
	int64		document_rows;
	Size		bytes;
} ReadBudget;

/* One execution of a plan; lives in a memory context of its own. */
typedef struct ReadRun
{
	ReadPlan   *plan;
	MemoryContext context;		/* of the run; deleting it ends the run */
	MemoryContext batch;		/* what one batch needs */
	MemoryContext row;			/* what one row needs while it is encoded */
	MemoryContextCallback release;
	uint64		number;
	struct ReadHold *hold;		/* open relations, see read_hold.c, or NULL */
	bool		holds_all;		/* also those of the levels' statements */
	RowArena	arena;
	Datum	   *bound;			/* the values of the document */
	bool	   *bound_nulls;
	/* told of each statement before it runs, unless it is NULL */
	void		(*watch) (void *arg, ReadNode *node, LevelForm form, const char *statement,
						  ParamListInfo params);
	void	   *watch_arg;
	ReadLevel  *root;
	ReadBudget	budget;
	Size		staged;			/* bytes of the batch's rows */
	ReadPass   *pass;			/* that the batch is a part of, or NULL */
	const DocFormat *format;	/* of the documents; Jsonb unless the caller sets it */
	Size		doc_size;		/* guess of the next document's size */
	DocBuffer	passing;		/* of documents that are used before the next */
} ReadRun;

/* Return the value that a parameter has in a run. */
static inline Datum
read_run_value(const ReadRun *run, const QueryParam *param, bool *isnull)
{
	*isnull = param->slot >= 0 ? run->bound_nulls[param->slot] : param->isnull;
	return param->slot >= 0 ? run->bound[param->slot] : param->value;
}

extern ReadRun *read_run_begin(const ReadRequest *request);
extern ReadRun *read_run_begin_paths(Oid model, ReadMode mode, ArrayType *paths);
extern void read_run_end(ReadRun *run);
extern void read_run_reset(ReadRun *run);
extern uint32 read_run_rows(ReadRun *run);
extern Size read_run_memory(ReadRun *run);
extern void read_run_root(ReadRun *run, LevelForm form, const Datum *keys);
extern int64 read_run_count(ReadRun *run);
extern void read_run_fetch(ReadRun *run, struct ReadExecution *execution, uint64 count);
extern void read_run_add_row(ReadRun *run, const Datum *values, const bool *isnull);
extern void read_run_children(ReadRun *run);

/* read_document.c */
extern Datum read_run_document(ReadRun *run, uint32 row);
extern Datum read_run_passing_document(ReadRun *run, uint32 row);
extern Datum read_run_relation(ReadRun *run);
extern uint32 read_run_related_rows(ReadRun *run);
extern Datum read_run_related_document(ReadRun *run, uint32 row);

#endif							/* RELATIONS_READ_RUN_H */
