/*
 * catalog_sweep.h
 *	  Delete rows of the catalog whose tables do not exist.
 */
#ifndef RELATIONS_CATALOG_SWEEP_H
#define RELATIONS_CATALOG_SWEEP_H

#include "relations.h"

extern void catalog_delete_tables(List *relids, List *names, bool wait);
extern void catalog_sweep(void);

#endif							/* RELATIONS_CATALOG_SWEEP_H */
