/*
 * verb.h
 *	  A verb on a relation of one row.
 */
#ifndef RELATIONS_VERB_H
#define RELATIONS_VERB_H

#include "relations.h"

#include "write_change.h"

/* A verb under way: the row that it starts from, and its relation. */
typedef struct Verb
{
	WriteRun   *run;
	RelationDesc *relation;
	WriteRow   *owner;
	WriteModel *related;
} Verb;

extern void verb_begin(FunctionCallInfo fcinfo, Verb *verb);
extern void verb_end(MemoryContext caller);
extern void verb_wrong_kind(RelationDesc *relation, const char *verb,
							const char *right) pg_attribute_noreturn();
extern bool verb_attempt(Verb *verb, void (*work) (Verb *verb, void *arg), void *arg,
						 ErrorData **error);
extern void verb_object(Jsonb *document, const char *name, JsonbValue *value);

#endif							/* RELATIONS_VERB_H */
