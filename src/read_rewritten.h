/*
 * read_rewritten.h
 *	  Detect tables whose rows are newer than the snapshot that reads them.
 */
#ifndef RELATIONS_READ_REWRITTEN_H
#define RELATIONS_READ_REWRITTEN_H

#include "nodes/plannodes.h"
#include "utils/snapshot.h"

extern TransactionId read_check_rewritten(PlannedStmt *planned, Snapshot snapshot);

#endif							/* RELATIONS_READ_REWRITTEN_H */
