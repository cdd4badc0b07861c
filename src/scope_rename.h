/*
 * scope_rename.h
 *	  Scopes follow the renaming of columns.
 */
#ifndef RELATIONS_SCOPE_RENAME_H
#define RELATIONS_SCOPE_RENAME_H

#include "relations.h"

extern char *rename_in_scope(const char *scope, Oid relid, bool pivot, const char *old, const char *new);

#endif							/* RELATIONS_SCOPE_RENAME_H */
