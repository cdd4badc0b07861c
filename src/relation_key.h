/*
 * relation_key.h
 *	  Keys: the columns that identify rows or refer to them, and their values.
 *
 * A key has 1 to INDEX_MAX_KEYS columns.  Its column names are a list that one
 * of the functions below has checked, wherever they come from: an argument, a
 * row of the catalog or a constraint.  Its values are a KeyValues, which has
 * room for exactly the columns of its key.
 */
#ifndef RELATIONS_RELATION_KEY_H
#define RELATIONS_RELATION_KEY_H

#include "relations.h"

/* The values of a key, one for each of its columns. */
typedef struct KeyValues
{
	int			n;
	Oid		   *types;
	Datum	   *values;
	bool	   *isnull;
} KeyValues;

extern List *parse_key_columns(const char *text, const char *argument);
extern bool is_key(List *columns);
extern void check_key_length(List *columns, const char *argument);
extern void key_values_init(KeyValues *key, List *columns);
extern void key_is_null(Oid relid, const char *column) pg_attribute_noreturn();

/*
 * Return the value of a column of a key, as it was read from a row.  Raises
 * null_value_not_allowed, naming the table and the column, if it is null.
 */
static inline Datum
key_value(Oid relid, const char *column, Datum value, bool isnull)
{
	if (unlikely(isnull))
		key_is_null(relid, column);
	return value;
}

#endif							/* RELATIONS_RELATION_KEY_H */
