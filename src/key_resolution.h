/*
 * key_resolution.h
 *	  Which columns join two models.
 */
#ifndef RELATIONS_KEY_RESOLUTION_H
#define RELATIONS_KEY_RESOLUTION_H

#include "catalog.h"

/* What is said, and then what is found, of the keys of a relation. */
typedef struct Keys
{
	Oid			child;			/* where the foreign key is */
	Oid			parent;			/* what it points to */
	bool		add_column;		/* may foreign key columns be missing? */
	const char *foreign_argument;	/* names of the arguments, for messages; */
	const char *local_argument; /* NULL: foreign_key, local_key */
	List	   *foreign_key;	/* NIL: not said */
	List	   *local_key;		/* NIL: not said */
	List	   *missing;		/* those of foreign_key that have to be added */
} Keys;

extern void resolve_keys(Keys *keys);
extern List *conventional_columns(const char *singular, List *key);
extern bool columns_exist(Oid relid, List *columns);
extern void ambiguous_keys(const Keys *keys, List *candidates) pg_attribute_noreturn();
extern void no_primary_key(const Keys *keys) pg_attribute_noreturn();
extern void check_key_lengths(const Keys *keys);
extern char *model_singular(Oid relid);

#endif							/* RELATIONS_KEY_RESOLUTION_H */
