/*
 * write_graph.h
 *	  Nested documents -> rows.
 */
#ifndef RELATIONS_WRITE_GRAPH_H
#define RELATIONS_WRITE_GRAPH_H

#include "relations.h"

#include "query_json.h"
#include "write_rows.h"

/* write_parse.c: a document -> rows that are to be written */
extern void write_parse_document(WriteRun *run, WriteRow *row, const JsonbValue *object);
extern void write_parse_nested(WriteRun *run, WriteRow *row, RelationDesc *relation,
							   const JsonMember *member);
extern WriteRow *write_add_created(WriteRun *run, WriteRow *row, RelationDesc *relation,
								   const JsonbValue *value, int64 index);
extern WriteRow *write_add_connected(WriteRun *run, WriteRow *row, RelationDesc *relation,
									 const JsonbValue *key, const char *operation, int64 index);
extern void write_parse_operation(WriteRun *run, WriteRow *row, RelationDesc *relation,
								  const char *operation, const JsonbValue *value, int64 index);
extern void write_parse_set(WriteRun *run, WriteRow *row, RelationDesc *relation,
							const JsonbValue *value, int64 index);
extern void write_parse_pivot(WriteRun *run, WriteRow *child, WriteRow *pivot,
							  const JsonbValue *value);
extern void write_show_relation(WriteRun *run, WriteRow *row, RelationDesc *relation);
extern bool write_are_operations(const JsonbValue *value);
extern void write_parse_column(WriteRun *run, WriteRow *row, JsonMember *member);
extern void write_wrong_value(const char *path, const char *expected,
							  const JsonbValue *value) pg_attribute_noreturn();
extern void write_check_keys(const JsonbValue *object, const char *path, const char *known);
extern void write_check_relation(RelationDesc *relation);

extern void write_unknown_key(WriteModel *model, const char *key,
							  const char *path) pg_attribute_noreturn();

/* write_key.c: rows that are there, by their keys */
extern void write_take_key(WriteRun *run, WriteRow *row);
extern bool write_text_key(WriteRun *run, WriteRow *row, char *text);
extern bool write_parse_key(WriteRun *run, WriteRow *row, const JsonbValue *value, const char *path);
extern bool write_parse_owned_key(WriteRun *run, WriteRow *row, const JsonbValue *value,
								  const char *path, RelationDesc *relation, WriteRow *owner);

/* write_store.c: rows -> tables */
extern void write_store(WriteRun *run, List *rows);
extern void write_store_parents(WriteRun *run, List *rows);
extern void write_store_links(WriteRun *run, List *rows);
extern void write_store_created(WriteRun *run, WriteRow *row, RelationDesc *relation,
								const JsonbValue *value);
extern void write_drop_joined(WriteRun *run, WriteRow *row, RelationDesc *relation);
extern void write_update_pivot(WriteRun *run, RelationDesc *relation, WriteRow *owner,
							   WriteRow *child, WriteRow *pivot);
extern void write_refer_pivot(WriteRun *run, WriteRow *pivot, WriteRow *owner, WriteRow *related,
							  RelationDesc *relation);
extern bool write_sets_pivot_key(WriteRow *pivot, RelationDesc *relation);
extern void write_check_pivot_key(WriteRun *run, WriteRow *pivot, WriteRow *owner,
								  WriteRow *related, RelationDesc *relation);
extern void write_hold_parent(WriteRun *run, WriteRow *child, const JsonbValue *document,
							  RelationDesc *relation);
extern WriteRow *write_read_owner(WriteRun *run, Oid relid, const char *name, char *key,
								  RelationDesc **relation);
extern void write_resolve_links(WriteRun *run, WriteRow *row);
extern Datum write_convert_key(Datum value, Oid from, WriteColumn *to);
extern void write_require(WriteRun *run, WriteRow *row);
extern void write_require_one(WriteRow *row, uint64 nrows);
extern void write_require_unique(WriteRow *row);
extern bool write_update_found(WriteRun *run, WriteRow *row);
extern void write_update_row(WriteRun *run, WriteRow *row);

#endif							/* RELATIONS_WRITE_GRAPH_H */
