/*
 * read_top.h
 *	  Keeps the first rows of each parent, of all rows as they come.
 */
#ifndef RELATIONS_READ_TOP_H
#define RELATIONS_READ_TOP_H

#include "read_level.h"

extern bool read_level_top(ReadLevel *level, bool dense);

#endif							/* RELATIONS_READ_TOP_H */
