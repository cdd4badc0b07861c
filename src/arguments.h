/*
 * arguments.h
 *	  Arguments of SQL functions that are not strict.
 */
#ifndef RELATIONS_ARGUMENTS_H
#define RELATIONS_ARGUMENTS_H

#include "relations.h"

/* Raises null_value_not_allowed, naming the argument, when it is null. */
static inline void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("\"%s\" must not be null", name)));
}

#endif							/* RELATIONS_ARGUMENTS_H */
