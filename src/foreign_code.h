/*
 * foreign_code.h
 *	  Find code of other roles in queries and expressions.
 */
#ifndef RELATIONS_FOREIGN_CODE_H
#define RELATIONS_FOREIGN_CODE_H

#include "nodes/nodes.h"

#include "as_owner.h"

extern char *foreign_code(Node *node, Oid caller);
extern bool type_trusted(Oid type, Oid caller);
extern Oid	foreign_domain(Oid type, Oid caller);
extern Oid	foreign_type(Oid type, Oid caller);
extern bool casts_trusted(Oid type);
extern bool passed_safely(Oid type, Oid parameter);
extern void text_of_value(Oid type, const char **prefix, const char **suffix);
extern Oid	input_role(int n, const Oid *types);
extern bool switch_for_input(int n, const Oid *types, SavedUser *saved);

#endif							/* RELATIONS_FOREIGN_CODE_H */
