/*
 * read_choice.h
 *	  How the first rows of each parent are read: all at once, or parent by
 *	  parent.
 */
#ifndef RELATIONS_READ_CHOICE_H
#define RELATIONS_READ_CHOICE_H

#include "read_level.h"

extern ParentAccess parent_access(QueryNode *query);
extern LevelForm choose_top_form(ReadLevel *level, int64 kept, bool dense, double *max_rows);

#endif							/* RELATIONS_READ_CHOICE_H */
