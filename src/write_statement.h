/*
 * write_statement.h
 *	  A statement that is put together as it is needed, with its parameters.
 */
#ifndef RELATIONS_WRITE_STATEMENT_H
#define RELATIONS_WRITE_STATEMENT_H

#include "relations.h"
#include "lib/stringinfo.h"

#include "deparse_condition.h"
#include "write_rows.h"

typedef struct WriteStatement
{
	StringInfoData sql;
	int			nparams;
	int			capacity;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;			/* as SPI wants them */
	bool		custom;			/* the server chooses whether its plan is for the
								 * values at hand; else it never is */
	WriteRow   *row;			/* errors say that they are at this row's key, */
	const char *key;			/* or at the row; NULL: they say nothing */
} WriteStatement;

extern void statement_init(WriteStatement *statement);
extern void statement_param(WriteStatement *statement, Oid type, Datum value, bool isnull);
extern void statement_key(WriteStatement *statement, WriteRow *row, const char *alias);
extern void statement_owned(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
							const char *alias, bool scoped, QueryNode *where);
extern void statement_scope(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
							const char *alias, const char *via);
extern void statement_conditions(WriteStatement *statement, QueryNode *node,
								 const DeparseAlias *alias, const char *glue, bool order);
extern void statement_pivot(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
							const char *alias);
extern List *statement_pivot_key(RelationDesc *relation, WriteModel *related);
extern void statement_except(WriteStatement *statement, List *rows, const char *alias);
extern void statement_set(WriteStatement *statement, WriteRow *row);
extern void statement_returned(WriteStatement *statement, WriteRow *row, const char *alias);
extern void statement_take_row(WriteRun *run, WriteRow *row);
extern uint64 statement_run(WriteStatement *statement);

#endif							/* RELATIONS_WRITE_STATEMENT_H */
