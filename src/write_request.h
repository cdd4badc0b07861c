/*
 * write_request.h
 *	  What a document asks of the relations of a row that is there.
 */
#ifndef RELATIONS_WRITE_REQUEST_H
#define RELATIONS_WRITE_REQUEST_H

#include "write_graph.h"

/* An operation of a document on a relation. */
typedef struct WriteRequest
{
	RelationDesc *relation;
	const char *operation;
	JsonMember *member;
	WriteRow   *row;			/* what it is about, once that is known */
} WriteRequest;

static inline bool
word_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

extern char *write_operation_path(WriteRow *row, RelationDesc *relation, const char *operation);
extern List *write_one_or_more(JsonbValue *value);
extern JsonbValue *write_data_of_one(WriteModel *related, JsonbValue *value);
extern void write_no_related_row(WriteRow *row, RelationDesc *relation,
								 const char *operation) pg_attribute_noreturn();
extern List *write_take_operations(WriteRun *run, WriteRow *row, RelationDesc *relation, JsonMember *member,
								   bool replaces, List *requests);

/* write_reference.c: what a row refers to */
extern List *write_reference_columns(RelationDesc *relation);
extern void write_change_parents(WriteRun *run, WriteRow *row, WriteRow *current, WriteRequest *request,
								 bool after);

#endif							/* RELATIONS_WRITE_REQUEST_H */
