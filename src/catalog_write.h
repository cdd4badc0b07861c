/*
 * catalog_write.h
 *	  Writes to the extension's catalog, with its owner's rights.
 */
#ifndef RELATIONS_CATALOG_WRITE_H
#define RELATIONS_CATALOG_WRITE_H

#include "relations.h"
#include "access/htup.h"

extern HeapTuple write_catalog(const char *sql, int n, Oid *types, Datum *values,
							   const char *nulls);

#endif							/* RELATIONS_CATALOG_WRITE_H */
