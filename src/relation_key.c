/*
 * relation_key.c
 *	  Keys: the columns that identify rows or refer to them, and their values.
 */
#include "relations.h"

#include "names.h"
#include "relation_key.h"

/* Return true if a key can have as many columns as the list. */
bool
is_key(List *columns)
{
	return list_length(columns) >= 1 && list_length(columns) <= INDEX_MAX_KEYS;
}

/*
 * Raise too_many_columns if an argument or a constraint names more columns than
 * a key can have.  NIL stands for a key that is not given, and passes.
 */
void
check_key_length(List *columns, const char *argument)
{
	if (columns != NIL && !is_key(columns))
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("cannot use more than %d columns in a key", INDEX_MAX_KEYS),
				 errdetail("\"%s\" names %d columns.", argument, list_length(columns))));
}

/* Like parse_column_list(), but for a key; see check_key_length() for errors. */
List *
parse_key_columns(const char *text, const char *argument)
{
	List	   *columns = parse_column_list(text, argument);

	check_key_length(columns, argument);
	return columns;
}

/*
 * Allocate the values of a key in the current memory context, all of them zero
 * and not null.
 */
void
key_values_init(KeyValues *key, List *columns)
{
	if (!is_key(columns))
		elog(ERROR, "a key has %d columns", list_length(columns));
	key->n = list_length(columns);
	key->types = palloc0(sizeof(Oid) * key->n);
	key->values = palloc0(sizeof(Datum) * key->n);
	key->isnull = palloc0(sizeof(bool) * key->n);
}

/* Raise that a row cannot be told from others: see key_value(). */
void
key_is_null(Oid relid, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("column \"%s\" of \"%s\" is null, but is part of its key", column,
					model_name(relid)),
			 errdetail("A row whose key is null cannot be told from others."),
			 errhint("Name columns that are never null: SELECT relations.model('%s', primary_key => '...').",
					 model_name(relid))));
}
