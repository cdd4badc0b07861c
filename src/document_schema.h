/*
 * document_schema.h
 *	  What the documents of a query look like: types of their values.
 */
#ifndef RELATIONS_DOCUMENT_SCHEMA_H
#define RELATIONS_DOCUMENT_SCHEMA_H

#include "relations.h"
#include "utils/jsonb.h"

typedef enum SchemaKind
{
	SCHEMA_ANY,					/* any JSON, null too */
	SCHEMA_BOOLEAN,
	SCHEMA_INTEGER,
	SCHEMA_NUMBER,				/* NaN and, if infinite, the infinities are strings */
	SCHEMA_STRING,
	SCHEMA_ENUM,				/* one of values, strings */
	SCHEMA_ARRAY,				/* of element; nested, when dimensions > 0 */
	SCHEMA_OBJECT,				/* of members */
	SCHEMA_UNION,				/* one of values, of DocumentSchema */
	SCHEMA_REFERENCE			/* to element, an object that has a name */
} SchemaKind;

typedef struct DocumentSchema
{
	SchemaKind	kind;
	bool		nullable;
	bool		infinite;		/* of a number */
	const char *format;			/* of a string, or NULL */
	const char *pattern;		/* that the others match, or all; or NULL */
	int			length;			/* most characters of a string, or -1 */
	int			dimensions;		/* of an array of a column, as declared; else 0 */
	List	   *values;			/* of an enum or a union */
	struct DocumentSchema *element;
	List	   *members;		/* of SchemaMember */
	char	   *name;			/* of an object that is referred to, or NULL */
	char	   *description;	/* or NULL */
	bool		recursive;		/* the object may hold itself */
	bool		max_depth;		/* and may end without saying so */
} DocumentSchema;

typedef struct SchemaMember
{
	char	   *key;
	DocumentSchema *schema;
	bool		optional;
	char	   *description;	/* or NULL */
} SchemaMember;

/* in the current memory context */
extern DocumentSchema *schema_of_query(Oid model, Jsonb *document, List **named);
extern DocumentSchema *schema_of_type(Oid type, int32 typmod, int dimensions);

#endif							/* RELATIONS_DOCUMENT_SCHEMA_H */
