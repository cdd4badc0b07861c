/*
 * ddl_filter.h
 *	  Find out whether DDL concerns a table that the catalog mentions.
 */
#ifndef RELATIONS_DDL_FILTER_H
#define RELATIONS_DDL_FILTER_H

#include "relations.h"

extern void ddl_filter_init(void);
extern bool catalog_mentions_tables(void);
extern bool catalog_mentions(Oid relid);
extern List *catalog_missing_tables(void);
extern List *catalog_mentioned_in(Oid nspid);
extern bool catalog_mentions_index(const char *name);
extern bool transaction_concerns_catalog(void);

#endif							/* RELATIONS_DDL_FILTER_H */
