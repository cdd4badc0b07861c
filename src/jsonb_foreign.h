/*
 * jsonb_foreign.h
 *	  to_jsonb() of values of types that the caller does not trust.
 */
#ifndef RELATIONS_JSONB_FOREIGN_H
#define RELATIONS_JSONB_FOREIGN_H

#include "utils/jsonb.h"

typedef struct ForeignEncoder ForeignEncoder;

extern ForeignEncoder *foreign_encoder_create(Oid type, MemoryContext context);
extern Jsonb *foreign_to_jsonb(ForeignEncoder *enc, Datum value);

#endif							/* RELATIONS_JSONB_FOREIGN_H */
