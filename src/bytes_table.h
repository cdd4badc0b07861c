/*
 * bytes_table.h
 *	  Hash tables with keys of any length.
 */
#ifndef RELATIONS_BYTES_TABLE_H
#define RELATIONS_BYTES_TABLE_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

typedef struct bytes_hash BytesTable;

extern BytesTable *bytes_table_create(void);
extern void **bytes_table_enter(BytesTable *table, const StringInfo key, bool *found);
extern bool bytes_table_has(BytesTable *table, const StringInfo key);
extern void *bytes_table_find(BytesTable *table, const StringInfo key);

/* parts of keys: each ends where the next one begins, whatever it holds */
extern void key_start(StringInfo key, Oid oid);
extern void key_add_oid(StringInfo key, Oid oid);
extern void key_add_name(StringInfo key, const char *name);
extern void key_add_pairs(StringInfo key, List *names, List *others);

#endif							/* RELATIONS_BYTES_TABLE_H */
