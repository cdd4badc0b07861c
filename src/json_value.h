/*
 * json_value.h
 *	  A JSON value of a document -> a datum of a column's type.
 */
#ifndef RELATIONS_JSON_VALUE_H
#define RELATIONS_JSON_VALUE_H

#include "relations.h"
#include "utils/jsonb.h"

extern Datum json_value_to_compare(JsonbValue *value, Oid typid, int32 typmod, bool *isnull);
extern Datum json_value_to_datum(JsonbValue *value, Oid typid, int32 typmod, bool *isnull);
extern char *whole_number_text(Oid type, char *text);
extern const char *json_value_type(JsonbValue *value);

/*
 * Where in a document we are, for errors: while a frame is pushed, an error
 * says in its context which path of the document it arose at.
 */
typedef struct JsonPathFrame
{
	struct JsonPathFrame *parent;
	const char *key;			/* or NULL, then index */
	int64		index;
} JsonPathFrame;

extern char *json_path_string(const JsonPathFrame *frame);

#endif							/* RELATIONS_JSON_VALUE_H */
