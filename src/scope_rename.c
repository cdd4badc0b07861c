/*
 * scope_rename.c
 *	  Scopes follow the renaming of columns.
 *
 * A scope stands in the catalog as it was declared and checked, so nothing is
 * checked here: what is not understood is left as it is.
 */
#include "relations.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "scope_rename.h"

/* A renaming under way. */
typedef struct Renaming
{
	Oid			relid;
	const char *old;
	const char *new;
	StringInfoData buf;			/* the new scope, as JSON */
} Renaming;

/* What the members of an object mean. */
typedef enum Part
{
	PART_SCOPE,					/* keys of a scope */
	PART_WHERE,					/* columns, and, or, not */
	PART_ORDER,					/* a column, or the keys of an order */
	PART_OTHER					/* nothing that names a column */
} Part;

static void append_value(Renaming *renaming, JsonbValue *value, Part part);

static char *
string_of(JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A column, or in an order also "-" and a column. */
static void
append_column(Renaming *renaming, const char *column, bool signed_column)
{
	if (strcmp(column, renaming->old) == 0)
		column = renaming->new;
	else if (signed_column && column[0] == '-' && strcmp(column + 1, renaming->old) == 0)
		column = psprintf("-%s", renaming->new);
	escape_json(&renaming->buf, column);
}

/* What the value of a key is, and whether the key is a column. */
static Part
part_of(Renaming *renaming, Part part, const char *key, bool *is_column)
{
	*is_column = false;
	switch (part)
	{
		case PART_SCOPE:
			return strcmp(key, "where") == 0 ? PART_WHERE
				: strcmp(key, "order") == 0 ? PART_ORDER : PART_OTHER;
		case PART_WHERE:
			if (strcmp(key, renaming->old) != 0 && get_attnum(renaming->relid, key) <= 0 &&
				(strcmp(key, "and") == 0 || strcmp(key, "or") == 0 || strcmp(key, "not") == 0))
				return PART_WHERE;
			*is_column = true;
			return PART_OTHER;
		case PART_ORDER:
			return strcmp(key, "column") == 0 ? PART_ORDER : PART_OTHER;
		case PART_OTHER:
			break;
	}
	return PART_OTHER;
}

static void
append_container(Renaming *renaming, JsonbValue *value, Part part)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	bool		is_object = JsonContainerIsObject(value->val.binary.data);
	Part		member_part = part;
	JsonbIteratorToken token;
	JsonbValue	v;
	int			n = 0;

	check_stack_depth();
	appendStringInfoChar(&renaming->buf, is_object ? '{' : '[');
	token = JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char	   *key = string_of(&v);
			bool		is_column;

			member_part = part_of(renaming, part, key, &is_column);
			appendStringInfoString(&renaming->buf, n++ > 0 ? ", " : "");
			if (is_column)
				append_column(renaming, key, false);
			else
				escape_json(&renaming->buf, key);
			appendStringInfoString(&renaming->buf, ": ");
		}
		else if (token == WJB_VALUE || token == WJB_ELEM)
		{
			if (token == WJB_ELEM)
				appendStringInfoString(&renaming->buf, n++ > 0 ? ", " : "");
			append_value(renaming, &v, member_part);
		}
	}
	appendStringInfoChar(&renaming->buf, is_object ? '}' : ']');
}

static void
append_value(Renaming *renaming, JsonbValue *value, Part part)
{
	if (value->type == jbvBinary)
		append_container(renaming, value, part);
	else if (value->type == jbvString && part == PART_ORDER)
		append_column(renaming, string_of(value), true);
	else
	{
		Jsonb	   *jsonb = JsonbValueToJsonb(value);

		JsonbToCString(&renaming->buf, &jsonb->root, VARSIZE(jsonb));
	}
}

/*
 * A scope of rows of relid, as text, in which a column has another name; in
 * the text form of jsonb, palloc'd.
 */
char *
rename_in_scope(const char *scope, Oid relid, const char *old, const char *new)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(scope)));
	Renaming	renaming = {relid, old, new, {0}};
	JsonbValue	root;

	root.type = jbvBinary;
	root.val.binary.data = &jsonb->root;
	root.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	initStringInfo(&renaming.buf);
	append_value(&renaming, &root, PART_SCOPE);
	return renaming.buf.data;
}
