/*
 * read_hold.h
 *	  Keep the relations that a run reads as they are until it ends.
 */
#ifndef RELATIONS_READ_HOLD_H
#define RELATIONS_READ_HOLD_H

#include "executor/execdesc.h"

#include "read_run.h"

extern void read_hold_begin(ReadRun *run);
extern void read_hold_planned(ReadRun *run, PlannedStmt *planned);
extern void read_hold_watch(ReadRun *run, QueryDesc *root);
extern void read_hold_check(ReadRun *run);
extern void read_hold_end(ReadRun *run);
extern void read_hold_invalidated(Oid relid);

#endif							/* RELATIONS_READ_HOLD_H */
