/*
 * key_operator.h
 *	  The operators of a type by their meaning, never by search_path.
 */
#ifndef RELATIONS_KEY_OPERATOR_H
#define RELATIONS_KEY_OPERATOR_H

#include "relations.h"

extern Oid	find_strategy_operator(Oid left, Oid right, int strategy);
extern char *operator_text(Oid op);
extern char *column_equality(Oid relid, const char *column, Oid other, const char *other_column);
extern char *strategy_operator(Oid left, Oid right, int strategy);

#endif							/* RELATIONS_KEY_OPERATOR_H */
