/*
 * read_pass.h
 *	  Reads the levels below many root rows in one pass each.
 */
#ifndef RELATIONS_READ_PASS_H
#define RELATIONS_READ_PASS_H

#include "read_statement.h"

/* What a pass is expected to need. */
typedef struct PassSize
{
	uint32		part_rows;		/* root rows of a partition */
	uint32		max_rows;		/* root rows of the pass, at most */
	uint32		limit;			/* what max_rows may be in the memory there is */
} PassSize;

extern bool read_pass_possible(ReadRun *run, double rows, PassSize *size);
extern void read_pass_begin(ReadRun *run, ReadExecution *root, const PassSize *size);
extern bool read_pass_next(ReadRun *run);
extern void read_pass_end(ReadRun *run);

#endif							/* RELATIONS_READ_PASS_H */
