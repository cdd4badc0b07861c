/*
 * catalog.h
 *	  Descriptors of models and relations, read from the extension's catalog.
 */
#ifndef RELATIONS_CATALOG_H
#define RELATIONS_CATALOG_H

#include "relations.h"
#include "utils/jsonb.h"

typedef enum RelationKind
{
	RELATION_HAS_ONE,
	RELATION_HAS_MANY,
	RELATION_BELONGS_TO
} RelationKind;

/* One declared relation.  Column names are char *, in lists of equal length. */
typedef struct RelationDesc
{
	Oid			model;
	char	   *name;
	RelationKind kind;
	Oid			related;
	List	   *local_key;		/* columns that the foreign key points to */
	List	   *foreign_key;	/* columns that hold the reference */
	List	   *own_columns;	/* those of the two that are on the model */
	List	   *other_columns;	/* those of the two that are on the related */
	Jsonb	   *scope;			/* or NULL */
	bool		enforce;
	char	   *constraint_name;	/* native foreign key, or NULL */
	char	   *created_constraint; /* or NULL */
	char	   *created_index;	/* or NULL */
	List	   *created_columns;
} RelationDesc;

/* What relations.model() said, completed from the table itself. */
typedef struct ModelDesc
{
	Oid			relid;
	char	   *singular;		/* as declared, or NULL */
	List	   *primary_key;	/* column names; NIL when there is none */
	List	   *hidden;			/* column names that no document shows */
} ModelDesc;

/* true for kinds whose related row is an object, false for arrays */
#define RELATION_IS_TO_ONE(kind) ((kind) != RELATION_HAS_MANY)

extern const char *relation_kind_name(RelationKind kind);

/* lookups; results are allocated in the current memory context */
extern Oid	catalog_relation_oid(void);
extern Oid	catalog_model_oid(void);
extern Oid	catalog_relation_row_type(void);
extern RelationDesc *catalog_find_relation(Oid model, const char *name);
extern RelationDesc *catalog_get_relation(Oid model, const char *name);
extern List *catalog_relations_of(Oid model);
extern List *catalog_relations_to(Oid related);
extern ModelDesc *catalog_get_model(Oid relid);
extern List *catalog_primary_key_columns(Oid relid);

/* helpers on names */
extern char *model_name(Oid relid);
extern char *quoted_model_name(Oid relid);
extern void model_check(Oid relid);
extern List *parse_column_list(const char *text, const char *argument);
extern char *format_column_list(List *columns);
extern char *quoted_column_list(List *columns);
extern List *name_array_to_list(Datum array);
extern Datum name_list_to_array(List *names);
extern const char *closest_name(const char *name, List *candidates);
extern AttrNumber require_column(Oid relid, const char *column, const char *argument);

#endif							/* RELATIONS_CATALOG_H */
