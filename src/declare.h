/*
 * declare.h
 *	  Registering relations.
 */
#ifndef RELATIONS_DECLARE_H
#define RELATIONS_DECLARE_H

#include "catalog.h"
#include "constraint.h"

extern void declare_existing(Oid model, const char *name, RelationKind kind, ForeignKey *fk);

#endif							/* RELATIONS_DECLARE_H */
