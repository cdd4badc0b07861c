/*
 * scope_rename.h
 *	  Scopes follow the renaming of columns and of enum values.
 */
#ifndef RELATIONS_SCOPE_RENAME_H
#define RELATIONS_SCOPE_RENAME_H

#include "relations.h"

/* A column of tables, or a value of an enum, has another name. */
typedef struct ScopeChange
{
	List	   *relids;			/* whose column it is */
	const char *old_column;		/* or NULL */
	const char *new_column;
	Oid			enum_type;
	const char *old_value;		/* or NULL */
	const char *new_value;
} ScopeChange;

extern void scopes_follow(const ScopeChange *change);

#endif							/* RELATIONS_SCOPE_RENAME_H */
