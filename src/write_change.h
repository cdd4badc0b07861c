/*
 * write_change.h
 *	  Changes of a row that is there, and of what its relations lead to.
 */
#ifndef RELATIONS_WRITE_CHANGE_H
#define RELATIONS_WRITE_CHANGE_H

#include "write_graph.h"
#include "write_statement.h"

extern bool write_change_found(WriteRun *run, WriteRow *row, const JsonbValue *document, bool replaces);
extern void write_change(WriteRun *run, WriteRow *row, const JsonbValue *document, bool replaces);

/* write_reference.c */
extern void write_set_parent_null(WriteRun *run, WriteRow *row, RelationDesc *relation);

/* write_remove.c: rows that are let go, or deleted */
extern void write_begin_statement(WriteStatement *statement, RelationDesc *relation, WriteRow *owner,
								  const char *operation);
extern uint64 write_let_go(RelationDesc *relation, WriteRow *owner, WriteRow *row, List *except,
						   const char *operation);
extern uint64 write_delete_related(RelationDesc *relation, WriteRow *owner, WriteRow *row);
extern bool write_delete_row(WriteRow *row);

#endif							/* RELATIONS_WRITE_CHANGE_H */
