/*
 * catalog.h
 *	  Descriptors of models and relations, read from the extension's catalog.
 */
#ifndef RELATIONS_CATALOG_H
#define RELATIONS_CATALOG_H

#include "relations.h"
#include "access/htup.h"
#include "utils/jsonb.h"

#include "names.h"

typedef enum RelationKind
{
	RELATION_HAS_ONE,
	RELATION_HAS_MANY,
	RELATION_BELONGS_TO,
	RELATION_MANY_TO_MANY,
	RELATION_HAS_ONE_THROUGH,
	RELATION_HAS_MANY_THROUGH,
	RELATION_MORPH_TO,
	RELATION_MORPH_ONE,
	RELATION_MORPH_MANY,
	RELATION_MORPH_TO_MANY,
	RELATION_MORPHED_BY_MANY
} RelationKind;

/* One foreign key on the way of a relation. */
typedef struct RelationStep
{
	Oid			from;
	Oid			to;
	bool		belongs;		/* the foreign key is on from, else on to */
	List	   *foreign_key;	/* columns that hold the reference */
	List	   *local_key;		/* columns that it points to */
	char	   *constraint_name;	/* native foreign key, or NULL */
} RelationStep;

/* where the foreign key of a step is, and what it points to */
#define STEP_CHILD(s) ((s)->belongs ? (s)->from : (s)->to)
#define STEP_PARENT(s) ((s)->belongs ? (s)->to : (s)->from)
#define STEP_FROM_COLUMNS(s) ((s)->belongs ? (s)->foreign_key : (s)->local_key)
#define STEP_TO_COLUMNS(s) ((s)->belongs ? (s)->local_key : (s)->foreign_key)

/* One declared relation.  Column names are char *, in lists of equal length. */
typedef struct RelationDesc
{
	Oid			model;
	char	   *model_name;		/* for error contexts, which look nothing up */
	char	   *name;
	RelationKind kind;
	Oid			related;		/* InvalidOid for morph_to */
	int			nsteps;			/* 2 through a pivot or a model, 0 for
								 * morph_to, else 1 */
	RelationStep steps[2];
	List	   *local_key;		/* of the first step: what is pointed to */
	List	   *foreign_key;	/* of the first step: what holds the reference */
	List	   *own_columns;	/* those of the two that are on the model */
	List	   *other_columns;	/* of the last step: those on the related */
	Oid			via;			/* pivot table or through model, or
								 * InvalidOid */
	List	   *via_own_columns;	/* its columns that match own_columns */
	List	   *via_other_columns;	/* its columns that match other_columns */
	List	   *pivot_columns;	/* shown under "pivot", timestamps included */
	bool		pivot_timestamps;
	char	   *morph;			/* name of the polymorphic reference, or NULL */
	char	   *morph_type;		/* value of its type column, or NULL */
	char	   *morph_type_column;	/* on the related, or on the pivot */
	List	   *morph_id_columns;
	List	   *branches;		/* morph_to: a RelationDesc for each type, as
								 * a belongs_to on its generated columns */
	Jsonb	   *scope;			/* or NULL */
	bool		enforce;
	char	   *touch;			/* or NULL */
	char	   *counter_cache;	/* or NULL */
	char	   *constraint_name;	/* native foreign key, or NULL */
	char	   *related_constraint_name;	/* of the second step, or NULL */
	char	   *created_constraint; /* or NULL */
	char	   *created_related_constraint; /* or NULL */
	char	   *created_index;	/* or NULL */
	char	   *created_second_index;	/* of two steps, or NULL */
	List	   *created_columns;
	bool		created_table;	/* the pivot */
} RelationDesc;

/* A type of a polymorphic reference, a row of relations.morph_type. */
typedef struct MorphType
{
	Oid			model;			/* the table that holds the reference */
	char	   *morph;
	char	   *type;
	Oid			related;
	List	   *local_key;
	char	   *type_column;
	List	   *id_columns;
	List	   *foreign_key;	/* the generated columns */
	char	   *on_delete;		/* or NULL */
	char	   *on_update;		/* or NULL */
	char	   *constraint_name;
	char	   *check_name;
	char	   *created_index;
} MorphType;

/* What relations.model() said, completed from the table itself. */
typedef struct ModelDesc
{
	Oid			relid;
	char	   *singular;		/* as declared, or NULL */
	List	   *primary_key;	/* column names; NIL when there is none */
	List	   *hidden;			/* column names that no document shows */
} ModelDesc;

/* true for kinds whose related row is an object, false for arrays */
#define RELATION_IS_TO_ONE(kind) \
	((kind) == RELATION_HAS_ONE || (kind) == RELATION_BELONGS_TO || \
	 (kind) == RELATION_HAS_ONE_THROUGH || (kind) == RELATION_MORPH_TO || \
	 (kind) == RELATION_MORPH_ONE)
/* true for kinds whose rows hold the reference to the related row */
#define RELATION_REFERS(kind) \
	((kind) == RELATION_BELONGS_TO || (kind) == RELATION_MORPH_TO)
#define RELATION_HAS_PIVOT(kind) \
	((kind) == RELATION_MANY_TO_MANY || (kind) == RELATION_MORPH_TO_MANY || \
	 (kind) == RELATION_MORPHED_BY_MANY)
/* true for kinds that use a polymorphic reference */
#define RELATION_IS_MORPH(kind) \
	((kind) == RELATION_MORPH_TO || (kind) == RELATION_MORPH_ONE || \
	 (kind) == RELATION_MORPH_MANY || (kind) == RELATION_MORPH_TO_MANY || \
	 (kind) == RELATION_MORPHED_BY_MANY)
#define RELATION_IS_THROUGH(kind) \
	((kind) == RELATION_HAS_ONE_THROUGH || (kind) == RELATION_HAS_MANY_THROUGH)

extern const char *relation_kind_name(RelationKind kind);

/* lookups; results are allocated in the current memory context */
extern Oid	catalog_find_table(const char *name);
extern Oid	catalog_table_oid(const char *name);
extern Oid	catalog_relation_oid(void);
extern Oid	catalog_model_oid(void);
extern Oid	catalog_morph_type_oid(void);
extern Oid	catalog_graph_view_oid(void);
extern Oid	catalog_relation_row_type(void);
extern HeapTuple catalog_fetch_relation(Oid model, const char *name);
extern RelationDesc *catalog_find_relation(Oid model, const char *name);
extern void undefined_relation(Oid model, const char *name) pg_attribute_noreturn();
extern RelationDesc *catalog_get_relation(Oid model, const char *name);
extern List *catalog_relations_of(Oid model);
extern List *catalog_all_relations(void);
extern List *catalog_relations_to(Oid related);
extern List *catalog_relations_via(Oid relid);
extern List *catalog_morph_types(Oid model, const char *morph);
extern List *catalog_morph_types_to(Oid related);
extern ModelDesc *catalog_get_model(Oid relid);
extern List *catalog_primary_key_columns(Oid relid);
extern Datum catalog_value(HeapTuple tup, AttrNumber attnum, TupleDesc tupdesc);
extern void require_types(const RelationDesc *relation);
extern List *relation_tables(const RelationDesc *desc);

#endif							/* RELATIONS_CATALOG_H */
