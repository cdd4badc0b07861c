/*
 * read_plan.h
 *	  How a graph is read: kept plans and templates of its levels.
 */
#ifndef RELATIONS_READ_PLAN_H
#define RELATIONS_READ_PLAN_H

#include "relations.h"
#include "utils/array.h"
#include "utils/plancache.h"

#include "deparse.h"
#include "jsonb_writer.h"
#include "placement.h"
#include "query_shape.h"

/* What a call asks of the root of its graph. */
typedef enum ReadMode
{
	READ_ALL,					/* preload, query */
	READ_FIRST,					/* first */
	READ_KEY,					/* find, query_related */
	READ_ROW,					/* load: the caller has the row */
	READ_RELATED				/* one relation of a row that the caller has */
} ReadMode;

/* A graph that is asked for: by paths or by a document. */
typedef struct ReadRequest
{
	Oid			model;
	ReadMode	mode;
	ArrayType  *paths;
	Jsonb	   *document;		/* or NULL */
	Jsonb	   *params;			/* of the document, or NULL */
} ReadRequest;

/*
 * The statements of a level: one for each form, and one for LEVEL_ARRAY that is
 * planned for the keys of each call.
 */
#define STATEMENT_ARRAY_CUSTOM	LEVEL_FORMS
#define LEVEL_STATEMENTS		(LEVEL_FORMS + 1)

/* A prepared statement of a level. */
typedef struct ReadStatement
{
	CachedPlanSource *source;	/* NULL until the statement is prepared */
	char	   *sql;
	List	   *params;			/* QueryParam behind the keys */
	uint64		valid_at;		/* the number of the last run that found it valid */
	int			checked_plan;	/* the generation of the plan last checked, */
	uint64		checked_at;		/* read_plan_invalidations then, */
	TransactionId newest_file;	/* and the newest change of a table's file */
} ReadStatement;

/* How the first rows of one parent are found: each can do what those before it can. */
typedef enum ParentAccess
{
	ACCESS_NONE,				/* by reading the table */
	ACCESS_KEY,					/* an index finds all its rows */
	ACCESS_ORDERED,				/* an index finds them in their order */
	ACCESS_UNKNOWN				/* whatever is not a table knows how */
} ParentAccess;

/* By what the rows of a parent are ordered. */
typedef struct TopKey
{
	int			position;		/* in the select list */
	bool		descending;
	bool		nulls_first;
} TopKey;

/* One level of the graph. */
typedef struct ReadNode
{
	struct ReadPlan *plan;
	QueryNode  *query;
	MemoryContext context;		/* of the plan */
	List	   *relids;			/* tables in its statements */
	List	   *columns;		/* select list: of SelectColumn */
	ObjectTemplate tpl;
	ValueEncoder *encoders;		/* tpl.nvalues, in the order of the pairs */
	int		   *positions;		/* where each stands in the select list */
	int			depth;			/* 0 is the root */
	int			nchildren;
	struct ReadNode **children;

	/*
	 * A node that is recursive leads to itself too: that link stands behind
	 * the children.  Where a row is the last of its branch, or has been met
	 * above, other templates are used; rows are told apart by their primary
	 * key.
	 */
	int			nlinks;
	struct ReadNode **links;
	bool		recursive;
	int		   *recursion_keys; /* positions in the node's own select list */
	ObjectTemplate tpl_end;
	ObjectTemplate tpl_cycle;
	int			nident;			/* columns of the primary key, or 0 */
	int		   *ident_positions;
	int16	   *ident_lens;
	bool	   *ident_byvals;

	bool		reversed;		/* rows come last first */
	Oid			value_type;		/* of an aggregate, InvalidOid until encoders[0]
								 * is set */

	/* how rows are matched to their parents */
	bool		to_one;
	bool		continues;		/* another type of the relation before it */
	bool		hashed;			/* keys are integers, matched here; else by
								 * ordinal */
	int			nkeys;
	Oid		   *key_types;		/* of the parent's columns */
	int		   *parent_keys;	/* positions in the parent's select list */
	int16	   *key_lens;		/* and how they are stored */
	bool	   *key_byvals;
	char	   *key_aligns;
	Oid			match_type;		/* hashed: type of the column that matches */
	int			match_position;	/* and where it stands */
	bool		sorted_here;	/* by the integer at sort_position, else by SQL */
	Oid			sort_type;
	int			sort_position;
	bool		per_parent;		/* some rows of each parent, by their order */
	ParentAccess access;		/* to them */
	int			ntop_keys;		/* 0: only SQL can tell which come first */
	TopKey	   *top_keys;

	Placement	placement;		/* of the rows; the furthest of its tables' */
	ReadStatement statements[LEVEL_STATEMENTS];
} ReadNode;

typedef struct ReadPlan
{
	MemoryContext context;
	uint32		hash;
	Oid			model;
	char	   *model_name;		/* for error contexts, which look nothing up */
	Oid			role;
	ReadMode	mode;
	char	   *shape;			/* of the paths or the document */
	int			shape_length;
	bool		camel;
	int			depth;			/* levels below the root */
	List	   *call_params;	/* QueryParam that are bound at each call, in the
								 * order of their slots, */
	int			nparams;		/* and, once all are known, */
	QueryParam **params;		/* as an array */
	bool		valid;			/* for other calls, too */
	bool		stale;			/* what it depends on may have changed */
	List	   *replaced;		/* CachedPlanSource that were prepared again */
	int			refcount;
	int			nrelids;
	Oid		   *relids;
	Bitmapset  *unlocked;		/* of indexes into relids: the role may not lock these */
	uint64	   *signatures;		/* of each, see read_plan_signature */
	ReadNode   *root;
	FmgrInfo   *key_input;		/* READ_KEY: of the primary key's columns */
	Oid		   *key_ioparams;
	TupleDesc	key_desc;		/* of a composite primary key */
} ReadPlan;

extern ReadPlan *read_plan_acquire(const ReadRequest *request, const QueryShape *shape);
extern void read_plan_release(ReadPlan *plan);
extern Datum *read_plan_parse_key(ReadPlan *plan, char *text);
extern uint64 read_plan_invalidations(void);
extern uint64 read_plan_signature(Oid relid);
extern bool read_form_is_top(const ReadNode *node, LevelForm form);
extern bool is_integer_type(Oid type);
extern int64 integer_datum(Oid type, Datum value);

#endif							/* RELATIONS_READ_PLAN_H */
