/*
 * guarded.h
 *	  Run work whose errors the caller handles.
 */
#ifndef RELATIONS_GUARDED_H
#define RELATIONS_GUARDED_H

#include "relations.h"

extern ErrorData *catch_error(void (*work) (void *arg), void *arg);

#endif							/* RELATIONS_GUARDED_H */
