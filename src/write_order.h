/*
 * write_order.h
 *	  Rows are locked in the order of their keys.
 */
#ifndef RELATIONS_WRITE_ORDER_H
#define RELATIONS_WRITE_ORDER_H

#include "relations.h"

#include "write_statement.h"

extern int	write_compare_keys(const WriteRow *a, const WriteRow *b);
extern List *write_rows_in_key_order(List *rows);
extern List *write_pivots_in_key_order(List *links);
extern bool statement_begin_where(WriteStatement *statement, Oid relid, const char *alias, bool deletes);
extern void statement_end_where(WriteStatement *statement, Oid relid, const char *alias, bool deletes,
								bool ordered);
extern void write_lock_rows(WriteRun *run, List *rows, bool deletes);

#endif							/* RELATIONS_WRITE_ORDER_H */
