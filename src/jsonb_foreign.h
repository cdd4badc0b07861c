/*
 * jsonb_foreign.h
 *	  to_jsonb() of values of types that the caller does not trust.
 */
#ifndef RELATIONS_JSONB_FOREIGN_H
#define RELATIONS_JSONB_FOREIGN_H

#include "utils/jsonb.h"

extern Jsonb *foreign_to_jsonb(Datum value, Oid type);

#endif							/* RELATIONS_JSONB_FOREIGN_H */
