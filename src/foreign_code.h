/*
 * foreign_code.h
 *	  Find code of other roles in queries and expressions.
 */
#ifndef RELATIONS_FOREIGN_CODE_H
#define RELATIONS_FOREIGN_CODE_H

#include "nodes/nodes.h"

extern char *foreign_code(Node *node, Oid caller);
extern Oid	foreign_domain(Oid type, Oid caller);

#endif							/* RELATIONS_FOREIGN_CODE_H */
