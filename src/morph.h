/*
 * morph.h
 *	  Polymorphic references: what a table needs to hold one with integrity.
 *
 * A reference is a column of the type and one of the key (several for a
 * composite key).  For each type a stored generated column holds the key when
 * the type matches, with a native foreign key on it; a check constraint lets
 * only known types in.
 */
#ifndef RELATIONS_MORPH_H
#define RELATIONS_MORPH_H

#include "declaration.h"

/* the trigger of a referred table; sorts before PostgreSQL's own of the foreign key */
#define MORPH_TRIGGER "RELATIONS_morph_action"

/* What a declaration wants of a reference, and then what it has to make. */
typedef struct MorphPlan
{
	Declaration *decl;
	Oid			holder;			/* the table that holds the reference */
	const char *morph;
	List	   *types;			/* MorphType; type, related and perhaps
								 * local_key are said, the rest is found */
	char	   *type_column;	/* NULL: not said */
	List	   *id_columns;		/* NIL: not said */
	bool		add_column;		/* may these columns be missing? */
	List	   *existing;		/* MorphType, as the catalog has them */
	List	   *added;			/* those of types that have to be made */
	List	   *missing;		/* columns that have to be added */
	bool		make_index;		/* on the generated columns of new types */
} MorphPlan;

extern void name_morph_columns(MorphPlan *plan, List *key);
extern void resolve_morph(MorphPlan *plan);
extern void make_morph(MorphPlan *plan);

/* of types */
extern MorphType *morph_find_type(List *types, const char *type);
extern MorphType *morph_find_related(List *types, Oid related);
extern Oid	morph_base_type(Oid relid, const char *column);
extern char *morph_type_sql(Oid type);

/* what a reference stands on, as SQL */
extern void morph_check_cast(Oid from, Oid to);
extern char *morph_columns_sql(const MorphType *type);
extern char *morph_known_type_sql(Oid holder, const char *type_column, List *types);
extern char *morph_check_sql(const char *name, List *types, bool validate);
extern char *morph_trigger_sql(Oid related);
extern Oid	morph_find_check(Oid holder, List *types, char **name, bool *validated);

/* of a relation that is declared */
extern Oid	morph_holder(const RelationDesc *desc);
extern List *morph_types_of(const RelationDesc *desc);
extern void drop_unused_morph_types(Oid holder, List *types);
extern List *morph_ddl(const RelationDesc *desc);

/* what the trigger has to do, because the foreign key cannot */
extern bool morph_delete_needs_trigger(const MorphType *type);
extern bool morph_update_needs_trigger(const MorphType *type);

#endif							/* RELATIONS_MORPH_H */
