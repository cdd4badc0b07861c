/*
 * factory.h
 *	  Factories: rows with their relations, made in the database.
 *
 * A call is a tree of levels.  All rows of a level are made by one statement;
 * what they refer to is made before them, what refers to them after.
 */
#ifndef RELATIONS_FACTORY_H
#define RELATIONS_FACTORY_H

#include "relations.h"
#include "utils/jsonb.h"

#include "factory_value.h"
#include "query_json.h"
#include "write_model.h"
#include "write_rows.h"

struct FactoryNode;

typedef enum FillKind
{
	FILL_NONE,					/* the column is left to the server */
	FILL_RULE,					/* made by a rule */
	FILL_KEY,					/* the key of a row of another level */
	FILL_SQL					/* an expression that the statement evaluates */
} FillKind;

/* Where the values of one column of a level come from. */
typedef struct FactoryFill
{
	FillKind	kind;
	bool		wired;			/* a relation sets it, nothing else may */
	bool		decided;		/* the factory or the caller said so */
	JsonMember *source;			/* what the factory said of it, until it is a rule */
	const char *source_of;		/* "factory", or the state */
	bool		numbered;		/* no two rows may have the same value */
	bool		by_slot;		/* no two rows of one row of outer */
	ValueRule  *rule;
	uint64		salt;
	char	   *sql;
	struct FactoryNode *from;	/* for KEY, */
	const char *from_column;
	int64	  **places;			/* which row of from belongs to each row here */
	int			kept;			/* place among what is kept of from */
	int			nmerged;		/* values of single rows, by their slot */
	Datum	   *merged;
	bool	   *merged_null;
	bool	   *merged_set;
} FactoryFill;

typedef enum NodeRole
{
	NODE_ROOT,
	NODE_PARENT,				/* rows of outer refer to rows of this */
	NODE_CHILD,					/* rows of this belong to rows of outer */
	NODE_PIVOT					/* joins rows of outer to those of outer's outer */
} NodeRole;

/* One level. */
typedef struct FactoryNode
{
	struct FactoryNode *outer;	/* or NULL */
	NodeRole	role;
	bool		named;			/* documents show it */
	char	   *path;			/* in the options, "" for the root */
	uint64		salt;
	WriteModel *model;
	RelationDesc *relation;		/* NULL for the root, and for what is only required */
	RelationDesc *branch;		/* of a morph_to the type; else the relation */
	List	   *outer_columns;	/* PARENT: columns of outer's rows that refer */
	List	   *columns;		/* to these of rows here */
	bool		one_to_one;		/* PARENT: no two rows of outer may refer to one */
	int64		least;			/* rows for a row of outer; root: in all */
	int64		most;
	List	   *states;			/* of char * */
	JsonbValue *merge;			/* an object or an array of objects, or NULL */
	List	   *inherited;		/* JsonbValue of merge_recursive, outermost first */
	bool		recycle;		/* take existing parents */
	bool		recycle_rows;	/* the rows of this level are existing ones */
	bool		must_exist;		/* and no others can be made */
	List	   *parents;		/* of FactoryNode */
	List	   *children;
	struct FactoryNode *pivot;	/* of a CHILD through a pivot */

	FactoryFill *fills;			/* by the model's columns */
	List	   *wanted;			/* names of columns whose values others need */
	WriteShape *shape;

	/* rows, when they are there */
	int64		nrows;
	int64		capacity;
	StagedRow **staged;			/* when it is named */
	Datum	  **kept;			/* of shape->kept, by column, then by row */
	bool	  **kept_null;
	int64	   *place;			/* PARENT: of each row of outer the row here,
								 * or -1; CHILD through a pivot: of each link */
	int64	   *owner;			/* CHILD: of each link the row of outer */
	int64	   *first;			/* CHILD: of each row of outer its first link */
} FactoryNode;

/* Numbers that rows of a table have got. */
typedef struct FactoryNumbers
{
	Oid			relid;
	int64		last;
} FactoryNumbers;

typedef struct FactoryRun
{
	WriteRun   *write;			/* memory, models, arena */
	MemoryContext context;		/* of the run */
	MemoryContext scratch;		/* what one row needs */
	FactoryNode *root;
	bool		dry;			/* nothing is stored */
	uint64		seed;
	List	   *numbers;		/* of FactoryNumbers */
	StringInfoData buf;
	int64		stored;			/* rows, of all levels */
	int64		told;			/* time of the last sign of progress */
	const char *making;			/* the column of which a value is being made, */
	int64		row;			/* and the row */
} FactoryRun;

/* factory_options.c */
extern void factory_parse_options(FactoryRun *run, Oid model, int64 count, Jsonb *options);
extern FactoryNode *factory_node_make(FactoryRun *run, FactoryNode *outer, NodeRole role, Oid relid,
									  const char *name);

/* factory_prepare.c */
extern void factory_prepare(FactoryRun *run, FactoryNode *node);
extern void factory_want(FactoryNode *node, const char *column);

/* factory_keys.c */
extern void factory_set_key(FactoryRun *run, FactoryNode *node, const char *column, FactoryNode *from,
							const char *from_column, int64 **places);
extern void factory_wire(FactoryRun *run, FactoryNode *node);
extern void factory_require_parents(FactoryRun *run, FactoryNode *node);

/* factory_statement.c */
extern char *factory_statement(FactoryRun *run, FactoryNode *node, TupleDesc *rows);
extern char *factory_default(FactoryNode *node, int column);
extern bool factory_is_key_default(FactoryNode *node, int column);
extern bool factory_has_default(FactoryNode *node, int column);

/* factory_store.c */
extern void factory_store(FactoryRun *run);

/* factory_document.c */
extern Jsonb *factory_document(FactoryRun *run, int64 row);

/* factory_define.c */
extern Jsonb *factory_definition(Oid relid);
extern Jsonb *factory_state(Oid relid, const char *state);
extern List *factory_states(Oid relid);

#endif							/* RELATIONS_FACTORY_H */
