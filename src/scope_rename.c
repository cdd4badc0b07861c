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
	Oid			relid;			/* of whose rows the scope is */
	bool		pivot;			/* is it a column of the table between? */
	const char *old;
	const char *new;
	const char *old_order;		/* the same as an order names them */
	const char *new_order;
	StringInfoData buf;			/* the new scope, as JSON */
} Renaming;

/* What the members of an object mean. */
typedef enum Part
{
	PART_SCOPE,					/* keys of a scope */
	PART_WHERE,					/* columns, and, or, not, pivot */
	PART_PIVOT,					/* columns of the table between */
	PART_ORDER,					/* a column, or the keys of an order */
	PART_OTHER					/* nothing that names a column */
} Part;

static void append_value(Renaming *renaming, JsonbValue *value, Part part);

static char *
string_of(JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A column as conditions name it. */
static void
append_column(Renaming *renaming, const char *column)
{
	escape_json(&renaming->buf, strcmp(column, renaming->old) == 0 ? renaming->new : column);
}

/* A column as an order names it, or "-" and a column. */
static void
append_order(Renaming *renaming, const char *column)
{
	if (strcmp(column, renaming->old_order) == 0)
		column = renaming->new_order;
	else if (column[0] == '-' && strcmp(column + 1, renaming->old_order) == 0)
		column = psprintf("-%s", renaming->new_order);
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
			if ((renaming->pivot || strcmp(key, renaming->old) != 0) &&
				get_attnum(renaming->relid, key) <= 0)
			{
				if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0 || strcmp(key, "not") == 0)
					return PART_WHERE;
				if (renaming->pivot && strcmp(key, "pivot") == 0)
					return PART_PIVOT;
			}
			*is_column = !renaming->pivot;
			return PART_OTHER;
		case PART_PIVOT:
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
				append_column(renaming, key);
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
		append_order(renaming, string_of(value));
	else
	{
		Jsonb	   *jsonb = JsonbValueToJsonb(value);

		JsonbToCString(&renaming->buf, &jsonb->root, VARSIZE(jsonb));
	}
}

/*
 * A scope of rows of relid, as text, in which a column of theirs, or with pivot
 * one of the table between, has another name; in the text form of jsonb,
 * palloc'd.
 */
char *
rename_in_scope(const char *scope, Oid relid, bool pivot, const char *old, const char *new)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(scope)));
	Renaming	renaming = {relid, pivot, old, new, old, new, {0}};
	JsonbValue	root;

	if (pivot)
	{
		renaming.old_order = psprintf("pivot.%s", old);
		renaming.new_order = psprintf("pivot.%s", new);
	}
	root.type = jbvBinary;
	root.val.binary.data = &jsonb->root;
	root.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	initStringInfo(&renaming.buf);
	append_value(&renaming, &root, PART_SCOPE);
	return renaming.buf.data;
}
