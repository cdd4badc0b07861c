/*
 * catalog_write.h
 *	  Writing the extension's catalog: who may, under which locks, and how.
 */
#ifndef RELATIONS_CATALOG_WRITE_H
#define RELATIONS_CATALOG_WRITE_H

#include "access/htup.h"

#include "catalog.h"

/* A row of relations.relation that is to be.  NULL and NIL stand for null. */
typedef struct RelationRow
{
	Oid			model;
	const char *name;
	RelationKind kind;
	Oid			related;
	List	   *local_key;
	List	   *foreign_key;
	Oid			through;
	List	   *through_local_key;
	List	   *through_foreign_key;
	List	   *steps;			/* of char *: has_many, belongs_to */
	Oid			pivot_table;
	List	   *pivot_foreign_key;
	List	   *pivot_related_foreign_key;
	List	   *related_key;
	List	   *pivot_columns;
	bool		pivot_timestamps;
	const char *morph;
	Jsonb	   *scope;
	const char *on_delete;
	const char *on_update;
	const char *defer;
	bool		enforce;
	bool		validate;
	const char *touch;
	const char *counter_cache;
	const char *constraint_name;
	const char *related_constraint_name;
	const char *created_constraint;
	const char *created_related_constraint;
	const char *created_index;
	const char *created_second_index;
	List	   *created_columns;
	bool		created_table;
} RelationRow;

/*
 * Of a relation of one step: where the foreign key is, and what it points to;
 * that is InvalidOid for a morph_to, which has several.
 */
#define KEY_IS_ON_MODEL(r) ((r)->kind == RELATION_BELONGS_TO || (r)->kind == RELATION_MORPH_TO)
#define CHILD_OF(r) (KEY_IS_ON_MODEL(r) ? (r)->model : (r)->related)
#define PARENT_OF(r) (KEY_IS_ON_MODEL(r) ? (r)->related : (r)->model)

extern void require_owner(Oid relid);
extern void require_access(Oid relid);
extern void lock_models(List *relids);
extern void lock_models_and_pivot(List *relids, Oid pivot);

extern List *catalog_query(const char *sql, int n, Oid *types, Datum *values, const char *nulls);
extern List *catalog_insert(const char *sql, int n, Oid *types, Datum *values, const char *nulls);
extern List *catalog_strings(const char *sql, int n, Oid *types, Datum *values);
extern HeapTuple catalog_insert_relation(const RelationRow *row);
extern void catalog_delete_relation(Oid model, const char *name);
extern void catalog_update_created(const RelationDesc *desc);
extern void catalog_put_morph_type(const MorphType *type);
extern void catalog_delete_morph_type(Oid model, const char *morph, const char *type);
extern HeapTuple relation_row_tuple(const RelationRow *row, TupleDesc tupdesc);

#endif							/* RELATIONS_CATALOG_WRITE_H */
