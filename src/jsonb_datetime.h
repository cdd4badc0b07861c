/*
 * jsonb_datetime.h
 *	  Dates and times -> their text in JSON.
 */
#ifndef RELATIONS_JSONB_DATETIME_H
#define RELATIONS_JSONB_DATETIME_H

#include "relations.h"

extern int	datetime_text(char *buf, Datum value, Oid typid);

#endif							/* RELATIONS_JSONB_DATETIME_H */
