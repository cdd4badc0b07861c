/*
 * typescript.c
 *	  typescript: the documents of a query as declarations of TypeScript.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/json.h"

#include "arguments.h"
#include "document_schema.h"
#include "names.h"

PG_FUNCTION_INFO_V1(relations_typescript);

static void write_type(StringInfo buf, DocumentSchema *schema, int indent);

/* words that no interface may be named */
static const char *const reserved_words[] = {
	"any", "bigint", "boolean", "break", "case", "catch", "class", "const", "continue", "debugger",
	"default", "delete", "do", "else", "enum", "export", "extends", "false", "finally", "for",
	"function", "if", "implements", "import", "in", "instanceof", "interface", "let", "never", "new",
	"null", "number", "object", "package", "private", "protected", "public", "return", "static",
	"string", "super", "switch", "symbol", "this", "throw", "true", "try", "typeof", "undefined",
	"unknown", "var", "void", "while", "with", "yield",
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool
is_identifier(const char *name)
{
	if (!is_letter(name[0]))
		return false;
	for (const char *p = name; *p != '\0'; p++)
	{
		if (!is_letter(*p) && !(*p >= '0' && *p <= '9'))
			return false;
	}
	return true;
}

/*
 * A name as one of an interface: words, which anything but ASCII's letters and
 * digits parts, each with a capital; palloc'd.
 */
static char *
pascal_case(const char *name)
{
	StringInfoData buf;
	bool		begins = true;

	initStringInfo(&buf);
	for (const char *p = name; *p != '\0'; p++)
	{
		bool		digit = *p >= '0' && *p <= '9';

		if (*p == '_' || *p == '$' || (!is_letter(*p) && !digit))
		{
			begins = true;
			continue;
		}
		if (digit && buf.len == 0)
			appendStringInfoChar(&buf, '_');
		appendStringInfoChar(&buf, begins ? pg_ascii_toupper((unsigned char) *p) : *p);
		begins = false;
	}
	return buf.data;
}

/* A comment of the catalog; nothing in it ends it early. */
static void
write_comment(StringInfo buf, const char *text, int indent)
{
	if (text == NULL)
		return;
	appendStringInfo(buf, "%*s/** ", indent, "");
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p == '*' && p[1] == '/')
		{
			appendStringInfoString(buf, "*\\/");
			p++;
		}
		else if (*p == '\n')
			appendStringInfo(buf, "\n%*s * ", indent, "");
		else if (*p != '\r')
			appendStringInfoChar(buf, *p);
	}
	appendStringInfoString(buf, " */\n");
}

static void
write_members(StringInfo buf, DocumentSchema *schema, int indent)
{
	ListCell   *lc;

	appendStringInfoString(buf, "{\n");
	foreach(lc, schema->members)
	{
		SchemaMember *member = lfirst(lc);

		write_comment(buf, member->description, indent + 2);
		appendStringInfo(buf, "%*s", indent + 2, "");
		if (is_identifier(member->key))
			appendStringInfoString(buf, member->key);
		else
			escape_json(buf, member->key);
		appendStringInfoString(buf, member->optional ? "?: " : ": ");
		if (schema->recursive && lnext(schema->members, lc) == NULL)
			appendStringInfoString(buf, "true");
		else
			write_type(buf, member->schema, indent + 2);
		appendStringInfoString(buf, ";\n");
	}
	appendStringInfo(buf, "%*s}", indent, "");
}

static void
write_strings(StringInfo buf, List *values)
{
	ListCell   *lc;

	if (values == NIL)
		appendStringInfoString(buf, "never");
	foreach(lc, values)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoString(buf, " | ");
		escape_json(buf, lfirst(lc));
	}
}

/* Is what write_type writes of several types, or-ed? */
static bool
is_union(DocumentSchema *schema)
{
	return (schema->nullable && schema->kind != SCHEMA_ANY) || schema->kind == SCHEMA_NUMBER ||
		(schema->kind == SCHEMA_ENUM && list_length(schema->values) > 1) ||
		(schema->kind == SCHEMA_UNION && list_length(schema->values) > 1);
}

static void
write_type(StringInfo buf, DocumentSchema *schema, int indent)
{
	bool		parentheses;
	ListCell   *lc;

	check_stack_depth();
	switch (schema->kind)
	{
		case SCHEMA_ANY:
			/* null is of it */
			appendStringInfoString(buf, "unknown");
			return;
		case SCHEMA_BOOLEAN:
			appendStringInfoString(buf, "boolean");
			break;
		case SCHEMA_INTEGER:
			appendStringInfoString(buf, "number");
			break;
		case SCHEMA_NUMBER:
			appendStringInfoString(buf, "number | \"NaN\"");
			if (schema->infinite)
				appendStringInfoString(buf, " | \"Infinity\" | \"-Infinity\"");
			break;
		case SCHEMA_STRING:
			appendStringInfoString(buf, "string");
			break;
		case SCHEMA_ENUM:
			write_strings(buf, schema->values);
			break;
		case SCHEMA_ARRAY:
			parentheses = is_union(schema->element);
			if (parentheses)
				appendStringInfoChar(buf, '(');
			write_type(buf, schema->element, indent);
			if (parentheses)
				appendStringInfoChar(buf, ')');
			for (int i = 0; i < Max(schema->dimensions, 1); i++)
				appendStringInfoString(buf, "[]");
			break;
		case SCHEMA_OBJECT:
			write_members(buf, schema, indent);
			break;
		case SCHEMA_UNION:
			foreach(lc, schema->values)
			{
				if (foreach_current_index(lc) > 0)
					appendStringInfoString(buf, " | ");
				write_type(buf, lfirst(lc), indent);
			}
			break;
		case SCHEMA_REFERENCE:
			appendStringInfoString(buf, schema->element->name);
			break;
	}
	if (schema->nullable)
		appendStringInfoString(buf, " | null");
}

/* Raises invalid_name for what no interface can be called. */
static void
check_name(const char *name)
{
	bool		good = is_identifier(name);

	for (int i = 0; good && i < (int) lengthof(reserved_words); i++)
		good = strcmp(name, reserved_words[i]) != 0;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" cannot be the name of an interface", name),
				 errhint("Give letters, digits, _ and $, that are no word of the language, such as UsersDocument.")));
}

static void
write_interface(StringInfo buf, DocumentSchema *object, const char *name)
{
	if (buf->len > 0)
		appendStringInfoChar(buf, '\n');
	write_comment(buf, object->description, 0);
	appendStringInfo(buf, "export interface %s ", name);
	write_members(buf, object, 0);
	appendStringInfoChar(buf, '\n');
}

/*
 * Declarations of a query's documents: an interface, and one for each level
 * that holds itself.  Raises invalid_name, and what schema_of_query raises.
 */
Datum
relations_typescript(PG_FUNCTION_ARGS)
{
	List	   *named;
	DocumentSchema *schema;
	StringInfoData buf;
	char	   *name;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "query");
	schema = schema_of_query(PG_GETARG_OID(0), PG_GETARG_JSONB_P_COPY(1), &named);
	if (PG_ARGISNULL(2))
		name = psprintf("%sDocument", pascal_case(model_name(PG_GETARG_OID(0))));
	else
		name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	check_name(name);
	foreach(lc, named)
	{
		DocumentSchema *object = lfirst(lc);
		char	   *path = strchr(object->name, '.');
		char	   *candidate = psprintf("%s%s", name, path != NULL ? pascal_case(path) : "");
		char	   *unique = candidate;

		/* names that differ may be one as names of interfaces */
		for (int n = 2;; n++)
		{
			bool		taken = strcmp(unique, name) == 0;

			for (int i = 0; i < foreach_current_index(lc); i++)
				taken = taken || strcmp(((DocumentSchema *) list_nth(named, i))->name, unique) == 0;
			if (!taken)
				break;
			unique = psprintf("%s%d", candidate, n);
		}
		object->name = unique;
	}
	initStringInfo(&buf);
	write_interface(&buf, schema, name);
	foreach(lc, named)
		write_interface(&buf, lfirst(lc), ((DocumentSchema *) lfirst(lc))->name);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len));
}
