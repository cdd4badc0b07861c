/*
 * scope_rename.h
 *	  Scopes follow the renaming of columns and of enum values.
 */
#ifndef RELATIONS_SCOPE_RENAME_H
#define RELATIONS_SCOPE_RENAME_H

#include "relations.h"

#include "follow.h"

extern Jsonb *scope_after(Jsonb *scope, Oid relid, Oid via, const CatalogChange *change);
extern Jsonb *scope_after_of_types(Jsonb *scope, List *types, const CatalogChange *change);

#endif							/* RELATIONS_SCOPE_RENAME_H */
