/*
 * write_rows.h
 *	  Rows that are to be written, and their statements.
 */
#ifndef RELATIONS_WRITE_ROWS_H
#define RELATIONS_WRITE_ROWS_H

#include "relations.h"

#include "write_model.h"


struct WriteRow;

/* A nested relation of a row's document. */
typedef struct WriteLink
{
	RelationDesc *relation;
	RelationDesc *branch;		/* of a morph_to the type; else the relation */
	WriteModel *related;
	bool		is_array;		/* the document shows an array */
	List	   *rows;			/* of WriteRow, to be stored or joined */
	List	   *pivots;			/* of WriteRow, one for each of rows */
	List	   *shown_rows;		/* of WriteRow, stored by other ways */
} WriteLink;

/* A row that is to be written, or that is there and was named. */
typedef struct WriteRow
{
	struct WriteRow *parent;	/* in the document, or NULL */
	const char *name;			/* under which it stands there, or NULL */
	int64		index;			/* and its place in an array, or -1 */
	int			depth;			/* rows above it */
	WriteModel *model;
	bool		anonymous;		/* paths begin below it */
	bool		existing;		/* not to be inserted: named by key */
	bool		found;			/* it has been stored or looked up */
	bool		repeated;		/* a row before it in its link has the same key */
	Datum	   *key;			/* values of the primary key of what exists */
	JsonbValue *changes;		/* a document with its changes, or NULL */
	JsonbValue *where;			/* connected when this finds a row, else created */
	List	   *wanted;			/* columns whose values are needed */
	List	   *shown;			/* columns of the document */
	struct WriteRow *pivot;		/* its document's "pivot", or NULL */
	bool		may_have_type;	/* the document may hold "$type", */
	bool		may_have_pivot; /* or "pivot" */

	int			ncolumns;		/* that are set, by ascending index */
	int			capacity;
	int		   *columns;
	Datum	   *values;
	bool	   *nulls;

	List	   *links;			/* of WriteLink */
	WriteShape *shape;
	StagedRow  *staged;			/* as stored */
	Datum	   *kept;			/* values of shape->kept */
	bool	   *kept_null;
} WriteRow;

/* One call; lives in a memory context of its own. */
typedef struct WriteRun
{
	MemoryContext context;
	MemoryContext scratch;		/* what one row needs */
	MemoryContextCallback release;
	RowArena	arena;
	List	   *models;			/* of WriteModel, held */
	int64		rows_left;		/* that may be written, see budget.h */
} WriteRun;

extern WriteRun *write_run_begin(void);
extern void write_run_end(WriteRun *run);
extern WriteModel *write_run_model(WriteRun *run, Oid relid);

extern WriteRow *write_row_make(WriteRun *run, WriteModel *model, WriteRow *parent,
								const char *name, int64 index);
extern char *write_row_path(const WriteRow *row, const char *key);
extern int	write_row_find(const WriteRow *row, int column);
extern void write_row_set(WriteRun *run, WriteRow *row, int column, Datum value, bool isnull);
extern void write_row_unset(WriteRow *row, int i);
extern Datum write_row_kept(const WriteRow *row, const char *column, bool *isnull);
extern WriteLink *write_row_link(WriteRun *run, WriteRow *row, RelationDesc *relation,
								 RelationDesc *branch);

extern void write_insert(WriteRun *run, List *rows);
extern void write_lookup(WriteRun *run, List *rows);
extern void write_take_row(WriteRun *run, WriteRow *row, const Datum *values, const bool *isnull);
extern void write_set_shape(WriteRow *row);
extern Jsonb *write_relation_of(WriteRow *row, RelationDesc *relation);
extern Jsonb *write_document_of(WriteRun *run, WriteRow *row);

#endif							/* RELATIONS_WRITE_ROWS_H */
