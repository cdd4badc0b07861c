/*
 * declaration.h
 *	  What declarations of every kind share: their arguments, the checks that
 *	  come before anything is altered, and the foreign key that they stand on.
 */
#ifndef RELATIONS_DECLARATION_H
#define RELATIONS_DECLARATION_H

#include "relations.h"

#include "catalog_write.h"
#include "constraint.h"

/* A declaration under way: the row that is to be, and its options as read. */
typedef struct Declaration
{
	RelationRow row;
	char		on_delete;		/* as in pg_constraint, '\0': not said */
	char		on_update;
	bool		deferred;
} Declaration;

/* order of the arguments that every declaration begins with */
enum
{
	Arg_model,
	Arg_relation,
	Arg_related					/* morph_to has none */
};

/* how many arguments take_constraint_options reads */
#define CONSTRAINT_ARGUMENTS 5

/* arguments */
extern char *text_argument(FunctionCallInfo fcinfo, int n);
extern bool bool_argument(FunctionCallInfo fcinfo, int n, bool null_value);
extern List *columns_argument(FunctionCallInfo fcinfo, int n, const char *name);
extern List *key_argument(FunctionCallInfo fcinfo, int n, const char *name);
extern void begin_declaration(Declaration *decl, FunctionCallInfo fcinfo, RelationKind kind,
							  bool has_related);
extern void take_scope(Declaration *decl, FunctionCallInfo fcinfo, int n);
extern void take_constraint_options(Declaration *decl, FunctionCallInfo fcinfo, int n);

/* checks */
extern bool is_plain_table(Oid relid);
extern void check_temporary(Oid model, Oid related);
extern void check_relation_name(const RelationRow *row, List *added);
extern void check_constraint_options(Declaration *decl);
extern void require_tables(Oid child, Oid parent);
extern void require_referable(Oid parent, List *parent_columns);

extern ForeignKey *ensure_foreign_key(const Declaration *decl, Oid child, List *child_columns,
									  Oid parent, List *parent_columns, bool *created);
extern Datum relation_result(FunctionCallInfo fcinfo, HeapTuple row);

#endif							/* RELATIONS_DECLARATION_H */
