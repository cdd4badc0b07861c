/*
 * scope_rename.c
 *	  Scopes follow the renaming of columns and of enum values.
 *
 * A scope stands in the catalog as it was declared and checked, so nothing is
 * checked here: what is not understood is left as it is.  What a name in it
 * means depends on whose rows it is said of, so the scope is walked as
 * query_where.c and query_order.c read it, over relations that it names too.
 * The names of the tables are the new ones already.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "catalog_write.h"
#include "query_shape.h"
#include "scope_rename.h"

/* A walk: what has another name, and the new scope as JSON. */
typedef struct Renaming
{
	const ScopeChange *change;
	StringInfoData buf;
} Renaming;

/* Whose rows something is said of. */
typedef struct Place
{
	Oid			relid;
	Oid			via;			/* the table between, or InvalidOid */
} Place;

static void append_where(Renaming *renaming, const JsonbValue *value, Place place);

static bool
is_renamed(Renaming *renaming, Oid relid, const char *name)
{
	return renaming->change->old_column != NULL &&
		list_member_oid(renaming->change->relids, relid) &&
		strcmp(name, renaming->change->old_column) == 0;
}

/* Was it the name of a column? */
static bool
was_column(Renaming *renaming, Oid relid, const char *name)
{
	if (is_renamed(renaming, relid, name))
		return true;
	if (renaming->change->new_column != NULL &&
		list_member_oid(renaming->change->relids, relid) &&
		strcmp(name, renaming->change->new_column) == 0)
		return false;
	return get_attnum(relid, name) > 0;
}

static const char *
new_name(Renaming *renaming, Oid relid, const char *name)
{
	return is_renamed(renaming, relid, name) ? renaming->change->new_column : name;
}

/* The enum that values of a column are of, itself, as a domain or as an array; or InvalidOid. */
static Oid
enum_of_column(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	Oid			type = attnum > 0 ? getBaseType(get_atttype(relid, attnum)) : InvalidOid;
	Oid			element = OidIsValid(type) ? get_element_type(type) : InvalidOid;

	return OidIsValid(element) ? getBaseType(element) : type;
}

/* The place that a relation leads to; false when it is not one. */
static bool
related_place(Oid relid, const char *name, Place *place)
{
	RelationDesc *relation = catalog_find_relation(relid, name);

	if (relation == NULL)
		return false;
	/* of several types, the columns that are named are those of all of them */
	if (relation->kind == RELATION_MORPH_TO)
	{
		if (list_length(relation->branches) != 1)
			return false;
		relation = linitial(relation->branches);
	}
	place->relid = relation->related;
	place->via = relation->via;
	return true;
}

static void
append_as_is(Renaming *renaming, const JsonbValue *value)
{
	Jsonb	   *jsonb = JsonbValueToJsonb(unconstify(JsonbValue *, value));

	JsonbToCString(&renaming->buf, &jsonb->root, VARSIZE(jsonb));
}

static void
append_key(Renaming *renaming, ListCell *member, List *members, const char *key)
{
	appendStringInfoString(&renaming->buf, member == list_head(members) ? "{" : ", ");
	escape_json(&renaming->buf, key);
	appendStringInfoString(&renaming->buf, ": ");
}

/* Is a string of a scope the value that has another name now? */
static bool
is_old_value(const ScopeChange *change, const JsonbValue *value)
{
	char	   *written = query_scope_string(change->old_value);

	return value->val.string.len == (int) strlen(written) &&
		memcmp(value->val.string.val, written, value->val.string.len) == 0;
}

/* What is said of a column: values of an enum may have another name. */
static void
append_values(Renaming *renaming, const JsonbValue *value, bool of_enum)
{
	ListCell   *lc;

	check_stack_depth();
	if (of_enum && value->type == jbvString && is_old_value(renaming->change, value))
		escape_json(&renaming->buf, query_scope_string(renaming->change->new_value));
	else if (of_enum && JSON_IS_OBJECT(value) && json_members_of(value) != NIL)
	{
		List	   *members = json_members_of(value);

		foreach(lc, members)
		{
			JsonMember *member = lfirst(lc);

			append_key(renaming, lc, members, member->key);
			append_values(renaming, &member->value, true);
		}
		appendStringInfoChar(&renaming->buf, '}');
	}
	else if (of_enum && JSON_IS_ARRAY(value))
	{
		appendStringInfoChar(&renaming->buf, '[');
		foreach(lc, json_elements_of(value))
		{
			if (foreach_current_index(lc) > 0)
				appendStringInfoString(&renaming->buf, ", ");
			append_values(renaming, &((JsonMember *) lfirst(lc))->value, true);
		}
		appendStringInfoChar(&renaming->buf, ']');
	}
	else
		append_as_is(renaming, value);
}

static void
append_of_column(Renaming *renaming, const JsonbValue *value, Oid relid, const char *column)
{
	append_values(renaming, value, renaming->change->old_value != NULL &&
				  enum_of_column(relid, column) == renaming->change->enum_type);
}

/* {"level": ...} of the table between. */
static void
append_pivot(Renaming *renaming, const JsonbValue *value, Oid via)
{
	List	   *members = json_members_of(value);
	ListCell   *lc;

	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);

		append_key(renaming, lc, members, new_name(renaming, via, member->key));
		append_of_column(renaming, &member->value, via, member->key);
	}
	appendStringInfoChar(&renaming->buf, '}');
}

/* {"some": {...}} or {"count": {"gte": 1, "where": {...}}} of a relation. */
static void
append_filters(Renaming *renaming, const JsonbValue *value, Place place)
{
	List	   *members = json_members_of(value);
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);

		append_key(renaming, lc, members, member->key);
		if (strcmp(member->key, "count") == 0 && JSON_IS_OBJECT(&member->value))
			append_filters(renaming, &member->value, place);
		else
			append_where(renaming, &member->value, place);
	}
	appendStringInfoChar(&renaming->buf, '}');
}

/* Conditions, or a list of them. */
static void
append_where(Renaming *renaming, const JsonbValue *value, Place place)
{
	List	   *members;
	ListCell   *lc;

	check_stack_depth();
	if (JSON_IS_ARRAY(value))
	{
		appendStringInfoChar(&renaming->buf, '[');
		foreach(lc, json_elements_of(value))
		{
			if (foreach_current_index(lc) > 0)
				appendStringInfoString(&renaming->buf, ", ");
			append_where(renaming, &((JsonMember *) lfirst(lc))->value, place);
		}
		appendStringInfoChar(&renaming->buf, ']');
		return;
	}
	members = JSON_IS_OBJECT(value) ? json_members_of(value) : NIL;
	if (members == NIL)
	{
		append_as_is(renaming, value);
		return;
	}
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		const char *key = member->key;
		bool		nested = JSON_IS_OBJECT(&member->value) && json_members_of(&member->value) != NIL;
		Place		related;

		if (was_column(renaming, place.relid, key))
		{
			append_key(renaming, lc, members, new_name(renaming, place.relid, key));
			append_of_column(renaming, &member->value, place.relid, key);
			continue;
		}
		append_key(renaming, lc, members, key);
		if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0 || strcmp(key, "not") == 0)
			append_where(renaming, &member->value, place);
		else if (nested && related_place(place.relid, key, &related))
			append_filters(renaming, &member->value, related);
		else if (nested && OidIsValid(place.via) && strcmp(key, "pivot") == 0)
			append_pivot(renaming, &member->value, place.via);
		else
			append_as_is(renaming, &member->value);
	}
	appendStringInfoChar(&renaming->buf, '}');
}

/* What an order names: a column, one of the table between, or a path to one. */
static char *
new_target(Renaming *renaming, const char *target, Place place)
{
	const char *dot = strchr(target, '.');
	char	   *head;
	Place		related;

	check_stack_depth();
	if (dot == NULL || was_column(renaming, place.relid, target))
		return pstrdup(new_name(renaming, place.relid, target));
	head = pnstrdup(target, dot - target);
	if (OidIsValid(place.via) && strcmp(head, "pivot") == 0)
		return psprintf("pivot.%s", new_name(renaming, place.via, dot + 1));
	if (!related_place(place.relid, head, &related))
		return pstrdup(target);
	related.via = InvalidOid;
	return psprintf("%s.%s", head, new_target(renaming, dot + 1, related));
}

/* A name, an object, or a list of them. */
static void
append_order(Renaming *renaming, const JsonbValue *value, Place place)
{
	ListCell   *lc;

	check_stack_depth();
	if (value->type == jbvString)
	{
		char	   *name = pnstrdup(value->val.string.val, value->val.string.len);
		bool		minus = name[0] == '-' && !was_column(renaming, place.relid, name);

		escape_json(&renaming->buf, psprintf("%s%s", minus ? "-" : "",
											 new_target(renaming, name + (minus ? 1 : 0), place)));
	}
	else if (JSON_IS_ARRAY(value))
	{
		appendStringInfoChar(&renaming->buf, '[');
		foreach(lc, json_elements_of(value))
		{
			if (foreach_current_index(lc) > 0)
				appendStringInfoString(&renaming->buf, ", ");
			append_order(renaming, &((JsonMember *) lfirst(lc))->value, place);
		}
		appendStringInfoChar(&renaming->buf, ']');
	}
	else if (JSON_IS_OBJECT(value) && json_members_of(value) != NIL)
	{
		List	   *members = json_members_of(value);

		foreach(lc, members)
		{
			JsonMember *member = lfirst(lc);

			append_key(renaming, lc, members, member->key);
			if (strcmp(member->key, "column") == 0 && member->value.type == jbvString)
				escape_json(&renaming->buf,
							new_target(renaming, pnstrdup(member->value.val.string.val,
														  member->value.val.string.len), place));
			else
				append_as_is(renaming, &member->value);
		}
		appendStringInfoChar(&renaming->buf, '}');
	}
	else
		append_as_is(renaming, value);
}

/* The text form of jsonb, which tells whether two are equal. */
static char *
canonical(const char *json)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));

	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

static void
scope_members(const char *scope, JsonbValue *root)
{
	json_root_value(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(scope))), root);
}

/*
 * A scope of rows of relid, as text, after a change; via is the table between,
 * if there is one.  In the text form of jsonb, palloc'd.
 */
static char *
scope_after(const char *scope, Oid relid, Oid via, const ScopeChange *change)
{
	Renaming	renaming = {change, {0}};
	Place		place = {relid, via};
	JsonbValue	root;
	List	   *members;
	ListCell   *lc;

	scope_members(scope, &root);
	members = JSON_IS_OBJECT(&root) ? json_members_of(&root) : NIL;
	if (members == NIL)
		return canonical(scope);
	initStringInfo(&renaming.buf);
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);

		append_key(&renaming, lc, members, member->key);
		if (strcmp(member->key, "where") == 0)
			append_where(&renaming, &member->value, place);
		else if (strcmp(member->key, "order") == 0)
			append_order(&renaming, &member->value, place);
		else
			append_as_is(&renaming, &member->value);
	}
	appendStringInfoChar(&renaming.buf, '}');
	return canonical(renaming.buf.data);
}

/*
 * The same of a relation that leads to tables of several types, a list of
 * MorphType.  A type whose columns are called otherwise than those of the
 * others has a scope of its own below "types"; when all are called alike
 * again, none has.
 */
static char *
scope_after_of_types(const char *scope, List *types, const ScopeChange *change)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(scope)));
	List	   *scopes = NIL;
	char	   *common = NULL;
	bool		alike = true;
	StringInfoData buf;
	ListCell   *lc;
	ListCell   *s;
	bool		first = true;

	foreach(lc, types)
	{
		MorphType  *type = lfirst(lc);
		Jsonb	   *own = query_scope_of_type(jsonb, type->type);
		char	   *after;

		/* it may be that which has another name */
		if (change->old_value != NULL && strcmp(type->type, change->new_value) == 0 &&
			query_scope_has_type(jsonb, change->old_value))
			own = query_scope_of_type(jsonb, change->old_value);
		after = scope_after(JsonbToCString(NULL, &own->root, VARSIZE(own)), type->related, InvalidOid,
							change);
		alike = alike && (scopes == NIL || strcmp(after, linitial(scopes)) == 0);
		scopes = lappend(scopes, after);
	}
	if (scopes == NIL)
		return canonical(scope);
	if (alike)
		return linitial(scopes);
	/* what it is for those that are not named */
	jsonb = query_scope_of_type(jsonb, NULL);
	common = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, common, strlen(common) - 1);
	appendStringInfo(&buf, "%s\"types\": {", strcmp(common, "{}") == 0 ? "" : ", ");
	forboth(lc, types, s, scopes)
	{
		if (strcmp(lfirst(s), common) == 0)
			continue;
		appendStringInfoString(&buf, first ? "" : ", ");
		escape_json(&buf, ((MorphType *) lfirst(lc))->type);
		appendStringInfo(&buf, ": %s", (char *) lfirst(s));
		first = false;
	}
	appendStringInfoString(&buf, "}}");
	return canonical(buf.data);
}

/* The scopes of all relations follow a change, by whatever way they name what it is about. */
void
scopes_follow(const ScopeChange *change)
{
	ListCell   *lc;

	foreach(lc, catalog_strings("SELECT model::oid, relation, scope, related::oid,"
								" COALESCE(pivot_table, through)::oid, morph"
								" FROM relations.relation WHERE scope IS NOT NULL", 0, NULL, NULL))
	{
		char	  **row = lfirst(lc);
		Oid			types[] = {OIDOID, NAMEOID, TEXTOID};
		Datum		values[3];
		char	   *scope = row[2];

		CHECK_FOR_INTERRUPTS();
		if (row[3] != NULL)
			scope = scope_after(scope, atooid(row[3]), row[4] != NULL ? atooid(row[4]) : InvalidOid, change);
		else if (row[5] != NULL)
			scope = scope_after_of_types(scope, catalog_morph_types(atooid(row[0]), row[5]), change);
		if (strcmp(scope, row[2]) == 0)
			continue;
		values[0] = ObjectIdGetDatum(atooid(row[0]));
		values[1] = DirectFunctionCall1(namein, CStringGetDatum(row[1]));
		values[2] = CStringGetTextDatum(scope);
		catalog_query("UPDATE relations.relation SET scope = $3::pg_catalog.jsonb"
					  " WHERE model = $1 AND relation = $2", 3, types, values, NULL);
	}
}
