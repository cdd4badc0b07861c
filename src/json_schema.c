/*
 * json_schema.c
 *	  json_schema: the documents of a query as a JSON Schema, draft 2020-12.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "arguments.h"
#include "document_schema.h"
#include "names.h"

PG_FUNCTION_INFO_V1(relations_json_schema);

static void write_schema(StringInfo buf, DocumentSchema *schema, const char *description);

static void
write_key(StringInfo buf, const char *key)
{
	if (buf->len > 0 && buf->data[buf->len - 1] != '{')
		appendStringInfoString(buf, ", ");
	escape_json(buf, key);
	appendStringInfoString(buf, ": ");
}

static void
write_text(StringInfo buf, const char *key, const char *text)
{
	write_key(buf, key);
	escape_json(buf, text);
}

/* "type": one of JSON's, null and other besides when given. */
static void
write_type(StringInfo buf, const char *type, const char *other, bool nullable)
{
	write_key(buf, "type");
	if (other == NULL && !nullable)
		appendStringInfo(buf, "\"%s\"", type);
	else
		appendStringInfo(buf, "[\"%s\"%s%s%s%s]", type, other != NULL ? ", \"" : "",
						 other != NULL ? other : "", other != NULL ? "\"" : "",
						 nullable ? ", \"null\"" : "");
}

/* Strings: formats say what they say of strings only, so that null passes. */
static void
write_string(StringInfo buf, DocumentSchema *schema)
{
	write_type(buf, "string", NULL, schema->nullable);
	if (schema->length >= 0)
	{
		write_key(buf, "maxLength");
		appendStringInfo(buf, "%d", schema->length);
	}
	if (schema->format != NULL && schema->pattern != NULL)
	{
		write_key(buf, "anyOf");
		appendStringInfoString(buf, "[{");
		write_text(buf, "format", schema->format);
		appendStringInfoString(buf, "}, {");
		write_text(buf, "pattern", schema->pattern);
		appendStringInfoString(buf, "}]");
	}
	else if (schema->format != NULL)
		write_text(buf, "format", schema->format);
	else if (schema->pattern != NULL)
		write_text(buf, "pattern", schema->pattern);
}

static void
write_enum(StringInfo buf, DocumentSchema *schema)
{
	ListCell   *lc;

	write_type(buf, "string", NULL, schema->nullable);
	write_key(buf, "enum");
	appendStringInfoChar(buf, '[');
	foreach(lc, schema->values)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, ", ");
		escape_json(buf, lfirst(lc));
	}
	appendStringInfo(buf, "%s]", !schema->nullable ? "" : schema->values != NIL ? ", null" : "null");
}

/*
 * The items of an array.  Those of a column's array may be arrays themselves,
 * to more dimensions than were declared: the server takes them all.
 */
static void
write_items(StringInfo buf, DocumentSchema *element, int dimensions)
{
	write_key(buf, "items");
	appendStringInfoChar(buf, '{');
	if (dimensions > 0)
	{
		write_key(buf, "anyOf");
		appendStringInfoString(buf, "[{");
		write_schema(buf, element, NULL);
		appendStringInfoString(buf, "}, {");
		write_type(buf, "array", NULL, false);
		if (dimensions > 1)
			write_items(buf, element, dimensions - 1);
		appendStringInfoString(buf, "}]");
	}
	else
		write_schema(buf, element, NULL);
	appendStringInfoChar(buf, '}');
}

static void
write_object(StringInfo buf, DocumentSchema *schema)
{
	char	   *again = NULL;
	bool		first = true;
	ListCell   *lc;

	write_type(buf, "object", NULL, schema->nullable);
	write_key(buf, "properties");
	appendStringInfoChar(buf, '{');
	foreach(lc, schema->members)
	{
		SchemaMember *member = lfirst(lc);

		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, ", ");
		escape_json(buf, member->key);
		appendStringInfoString(buf, ": {");
		if (schema->recursive && lnext(schema->members, lc) == NULL)
			appendStringInfoString(buf, "\"const\": true");
		else
			write_schema(buf, member->schema, member->description);
		appendStringInfoChar(buf, '}');
	}
	appendStringInfoChar(buf, '}');
	write_key(buf, "required");
	appendStringInfoChar(buf, '[');
	foreach(lc, schema->members)
	{
		SchemaMember *member = lfirst(lc);

		if (member->optional)
		{
			if (again == NULL)
				again = member->key;
			continue;
		}
		if (!first)
			appendStringInfoString(buf, ", ");
		escape_json(buf, member->key);
		first = false;
	}
	appendStringInfoString(buf, "], \"additionalProperties\": false");
	if (schema->recursive)
	{
		/* a branch goes on, or ends in a cycle, or at the depth that was asked for */
		write_key(buf, "oneOf");
		appendStringInfoString(buf, "[{\"required\": [");
		escape_json(buf, again);
		appendStringInfoString(buf, "]}, {\"required\": [\"cycle\"]}");
		if (schema->max_depth)
		{
			appendStringInfoString(buf, ", {\"not\": {\"anyOf\": [{\"required\": [");
			escape_json(buf, again);
			appendStringInfoString(buf, "]}, {\"required\": [\"cycle\"]}]}}");
		}
		appendStringInfoChar(buf, ']');
	}
}

/* A name as a part of a JSON pointer in a URI fragment. */
static void
write_reference(StringInfo buf, const char *name)
{
	StringInfoData pointer;

	initStringInfo(&pointer);
	appendStringInfoString(&pointer, "#/$defs/");
	for (const char *p = name; *p != '\0'; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (c == '~')
			appendStringInfoString(&pointer, "~0");
		else if (c == '/')
			appendStringInfoString(&pointer, "~1");
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
				 c == '_' || c == '-' || c == '.')
			appendStringInfoChar(&pointer, c);
		else
			appendStringInfo(&pointer, "%%%02X", c);
	}
	write_text(buf, "$ref", pointer.data);
}

static void
write_any_of(StringInfo buf, List *values, bool nullable)
{
	ListCell   *lc;

	write_key(buf, "anyOf");
	appendStringInfoChar(buf, '[');
	foreach(lc, values)
	{
		appendStringInfoString(buf, foreach_current_index(lc) > 0 ? ", {" : "{");
		write_schema(buf, lfirst(lc), NULL);
		appendStringInfoChar(buf, '}');
	}
	appendStringInfoString(buf, nullable ? ", {\"type\": \"null\"}]" : "]");
}

/* The members of a schema, without braces. */
static void
write_schema(StringInfo buf, DocumentSchema *schema, const char *description)
{
	check_stack_depth();
	if (description == NULL)
		description = schema->description;
	if (description != NULL)
		write_text(buf, "description", description);
	switch (schema->kind)
	{
		case SCHEMA_ANY:
			break;
		case SCHEMA_BOOLEAN:
			write_type(buf, "boolean", NULL, schema->nullable);
			break;
		case SCHEMA_INTEGER:
			write_type(buf, "integer", NULL, schema->nullable);
			break;
		case SCHEMA_NUMBER:
			/* a pattern says nothing of numbers */
			write_type(buf, "number", "string", schema->nullable);
			write_text(buf, "pattern", schema->infinite ? "^(NaN|-?Infinity)$" : "^NaN$");
			break;
		case SCHEMA_STRING:
			write_string(buf, schema);
			break;
		case SCHEMA_ENUM:
			write_enum(buf, schema);
			break;
		case SCHEMA_ARRAY:
			write_type(buf, "array", NULL, schema->nullable);
			write_items(buf, schema->element, schema->dimensions);
			break;
		case SCHEMA_OBJECT:
			write_object(buf, schema);
			break;
		case SCHEMA_UNION:
			write_any_of(buf, schema->values, schema->nullable);
			break;
		case SCHEMA_REFERENCE:
			if (schema->nullable)
			{
				DocumentSchema inner = *schema;

				inner.nullable = false;
				write_any_of(buf, list_make1(&inner), true);
			}
			else
				write_reference(buf, schema->element->name);
			break;
	}
}

/* The JSON Schema of a query's documents; what it raises, schema_of_query does. */
Datum
relations_json_schema(PG_FUNCTION_ARGS)
{
	List	   *named;
	DocumentSchema *schema;
	StringInfoData buf;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "query");
	schema = schema_of_query(PG_GETARG_OID(0), PG_GETARG_JSONB_P_COPY(1), &named);
	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	write_text(&buf, "$schema", "https://json-schema.org/draft/2020-12/schema");
	write_text(&buf, "title", model_name(PG_GETARG_OID(0)));
	write_schema(&buf, schema, NULL);
	if (named != NIL)
	{
		write_key(&buf, "$defs");
		appendStringInfoChar(&buf, '{');
		foreach(lc, named)
		{
			DocumentSchema *object = lfirst(lc);

			if (foreach_current_index(lc) > 0)
				appendStringInfoString(&buf, ", ");
			escape_json(&buf, object->name);
			appendStringInfoString(&buf, ": {");
			write_schema(&buf, object, NULL);
			appendStringInfoChar(&buf, '}');
		}
		appendStringInfoChar(&buf, '}');
	}
	appendStringInfoChar(&buf, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
}
