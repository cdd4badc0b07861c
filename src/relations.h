/*
 * relations.h
 *	  What every file of the extension shares: server headers and settings.
 */
#ifndef RELATIONS_H
#define RELATIONS_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"

#include "compat.h"

#define RELATIONS_SCHEMA "relations"

/* settings, see relations.c */
extern int	relations_batch_memory;	/* kilobytes that a batch of rows may take */
extern int	relations_max_depth;	/* see budget.c; 0 is no limit */
extern int	relations_max_rows;
extern int	relations_max_bytes;
extern bool relations_progress; /* long work says how far it is */

#endif							/* RELATIONS_H */
