/*
 * write_model.h
 *	  What writing rows of a model needs to know of it, kept for the session.
 */
#ifndef RELATIONS_WRITE_MODEL_H
#define RELATIONS_WRITE_MODEL_H

#include "relations.h"
#include "executor/spi.h"

#include "bytes_table.h"
#include "catalog.h"
#include "jsonb_writer.h"

/* A column of a model; name is NULL when it is dropped. */
typedef struct WriteColumn
{
	char	   *name;
	Oid			type;
	int32		typmod;
	Oid			collation;
	Oid			base;			/* domains taken off */
	int16		len;
	bool		byval;
	bool		shown;			/* in documents */
	bool		generated;		/* or an identity that is always generated */
	bool		ready;			/* the input function is looked up */
	FmgrInfo	input;
	Oid			ioparam;
} WriteColumn;

/*
 * Rows that set the same columns and nest the same relations: how they are
 * inserted, and what their documents look like.
 */
typedef struct WriteShape
{
	struct WriteModel *model;
	int			ncolumns;		/* that are set, */
	int		   *columns;		/* as indexes of the model's, ascending */
	List	   *relations;		/* of RelationDesc, nested in the documents */
	List	   *wanted;			/* columns whose values are needed besides */
	List	   *shown;			/* columns in documents */
	bool		pivot;			/* documents have a "pivot", behind the relations */

	List	   *returned;		/* names of columns, as RETURNING lists them */
	int			nkept;			/* those whose values are kept, */
	int		   *kept;			/* as positions in returned */
	ObjectTemplate tpl;
	ValueEncoder *encoders;
	int		   *positions;

	/* while rows are grouped by their shapes, see group_by_shape() */
	uint64		grouping;
	int			group;

	SPIPlanPtr	insert_one;
	SPIPlanPtr	insert_many;	/* from the relation WRITE_ROWS */
	SPIPlanPtr	lookup_one;		/* by primary key */
	SPIPlanPtr	lookup_many;	/* by primary keys, in arrays */
	TupleDesc	rows_desc;		/* of WRITE_ROWS */
} WriteShape;

/* what the rows to be written are called in statements */
#define WRITE_ROWS "relations_rows"

typedef struct WriteModel
{
	MemoryContext context;
	Oid			relid;
	Oid			role;
	LOCKMODE	lockmode;		/* that the role may take */
	bool		valid;
	int			refcount;
	ModelDesc  *desc;
	char	   *name;			/* for error contexts, which look nothing up */
	bool		key_unique;		/* an index proves it of the primary key */
	int			ncolumns;
	WriteColumn *columns;		/* by attribute number - 1 */
	struct HTAB *members;		/* column or relation by name */
	List	   *relations;		/* of RelationDesc */
	List	   *shown;			/* names of columns in documents */
	List	   *shapes;			/* of WriteShape */
	BytesTable *shape_table;	/* those behind the first few, or NULL */
} WriteModel;

/* What a key of a document is. */
typedef struct WriteMember
{
	NameData	key;
	int			column;			/* index of the column that the key of a
								 * document means, or -1 */
	int			named_column;	/* index of the column of this name, or -1 */
	RelationDesc *relation;		/* or NULL */
} WriteMember;

extern WriteModel *write_model_acquire(Oid relid);
extern void write_model_release(WriteModel *model);
extern WriteMember *write_model_member(WriteModel *model, const char *key);
extern int	write_model_column(WriteModel *model, const char *name);
extern WriteShape *write_model_shape(WriteModel *model, int ncolumns, const int *columns,
									 List *relations, List *wanted, List *shown, bool pivot);
extern void write_shape_rows(WriteShape *shape);
extern SPIPlanPtr write_shape_insert(WriteShape *shape, bool many);
extern SPIPlanPtr write_shape_lookup(WriteShape *shape, bool many);
extern bool write_column_equal(WriteColumn *column, Datum a, Datum b);
extern int	write_column_compare(WriteColumn *column, Datum a, Datum b);
extern Datum write_lookup_input(WriteModel *model, int index, JsonbValue *value, bool *isnull);
extern Datum write_column_input(WriteModel *model, int index, JsonbValue *value, bool *isnull);

#endif							/* RELATIONS_WRITE_MODEL_H */
