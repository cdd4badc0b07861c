/*
 * scope_rename.c
 *	  Scopes follow the renaming of columns and of enum values.
 *
 * A scope is stored as it was declared and checked, so nothing is checked here:
 * what is not understood is left as it is.  The meaning of a name depends on
 * the table whose rows it describes, so the scope is walked as query_where.c
 * and query_order.c read it, also over relations that it names.  The names of
 * the tables are the new ones already.
 *
 * Scopes can be large, and most of them do not change.  The first walk only
 * finds out whether anything changes; it does not enter the values of columns
 * when a column is renamed.  The second walk builds the new scope.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "query_shape.h"
#include "scope_rename.h"

/* A walk over a scope. */
typedef struct Renaming
{
	const CatalogChange *change;
	char	   *old_value;		/* of an enum, as scopes write it */
	char	   *new_value;
	bool		building;		/* the second walk */
	JsonbParseState *state;		/* of the new scope */
	bool		changed;
} Renaming;

/* Whose rows something describes. */
typedef struct Place
{
	Oid			relid;
	Oid			via;			/* the table between, or InvalidOid */
} Place;

static void walk_where(Renaming *renaming, JsonbIteratorToken token, const JsonbValue *value, Place place);

static bool
is_renamed(Renaming *renaming, Oid relid, const char *name)
{
	return renaming->change->kind == CHANGE_RENAMED_COLUMN &&
		list_member_oid(renaming->change->relids, relid) &&
		strcmp(name, renaming->change->old_name) == 0;
}

/* Return whether a column had this name before the change. */
static bool
was_column(Renaming *renaming, Oid relid, const char *name)
{
	if (is_renamed(renaming, relid, name))
		return true;
	if (renaming->change->kind == CHANGE_RENAMED_COLUMN &&
		list_member_oid(renaming->change->relids, relid) &&
		strcmp(name, renaming->change->new_name) == 0)
		return false;
	return get_attnum(relid, name) > 0;
}

static const char *
new_name(Renaming *renaming, Oid relid, const char *name)
{
	if (!is_renamed(renaming, relid, name))
		return name;
	renaming->changed = true;
	return renaming->change->new_name;
}

/*
 * Return the base type of a column's values: of the elements of an array, or
 * below a domain.  Return InvalidOid if the column does not exist.
 */
static Oid
enum_of_column(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	Oid			type = attnum > 0 ? getBaseType(get_atttype(relid, attnum)) : InvalidOid;
	Oid			element = OidIsValid(type) ? get_element_type(type) : InvalidOid;

	return OidIsValid(element) ? getBaseType(element) : type;
}

/* Find the place that a relation leads to.  Return false if there is no such relation. */
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

/* ---------------------------------------------------------------------
 * The new scope
 * ---------------------------------------------------------------------
 */

static void
put(Renaming *renaming, JsonbIteratorToken token, const JsonbValue *value)
{
	if (renaming->building)
		(void) pushJsonbValue(&renaming->state, token, unconstify(JsonbValue *, value));
}

static void
put_string(Renaming *renaming, JsonbIteratorToken token, const char *string)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, string);
	value.val.string.len = strlen(string);
	put(renaming, token, &value);
}

/* ---------------------------------------------------------------------
 * Conditions
 * ---------------------------------------------------------------------
 */

/* A value of an enum, or an object or array of such values. */
static void
walk_values(Renaming *renaming, JsonbIteratorToken token, const JsonbValue *value)
{
	ListCell   *lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (value->type == jbvString && value->val.string.len == (int) strlen(renaming->old_value) &&
		memcmp(value->val.string.val, renaming->old_value, value->val.string.len) == 0)
	{
		renaming->changed = true;
		put_string(renaming, token, renaming->new_value);
	}
	else if (JSON_IS_OBJECT(value))
	{
		put(renaming, WJB_BEGIN_OBJECT, NULL);
		foreach(lc, json_members_of(value))
		{
			JsonMember *member = lfirst(lc);

			put_string(renaming, WJB_KEY, member->key);
			walk_values(renaming, WJB_VALUE, &member->value);
		}
		put(renaming, WJB_END_OBJECT, NULL);
	}
	else if (JSON_IS_ARRAY(value))
	{
		put(renaming, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, json_elements_of(value))
			walk_values(renaming, WJB_ELEM, &((JsonMember *) lfirst(lc))->value);
		put(renaming, WJB_END_ARRAY, NULL);
	}
	else
		put(renaming, token, value);
}

/* A column and what is said about it. */
static void
walk_column(Renaming *renaming, const JsonMember *member, Oid relid)
{
	put_string(renaming, WJB_KEY, new_name(renaming, relid, member->key));
	if (renaming->change->kind == CHANGE_RENAMED_VALUE &&
		enum_of_column(relid, member->key) == renaming->change->enum_type)
		walk_values(renaming, WJB_VALUE, &member->value);
	else
		put(renaming, WJB_VALUE, &member->value);
}

/* {"level": ...} of the table between. */
static void
walk_pivot(Renaming *renaming, const JsonbValue *value, Oid via)
{
	ListCell   *lc;

	put(renaming, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(value))
		walk_column(renaming, lfirst(lc), via);
	put(renaming, WJB_END_OBJECT, NULL);
}

/* {"some": {...}} or {"count": {"gte": 1, "where": {...}}} of a relation. */
static void
walk_filters(Renaming *renaming, const JsonbValue *value, Place place)
{
	ListCell   *lc;

	check_stack_depth();
	put(renaming, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);

		put_string(renaming, WJB_KEY, member->key);
		if (strcmp(member->key, "count") == 0 && JSON_IS_OBJECT(&member->value))
			walk_filters(renaming, &member->value, place);
		else
			walk_where(renaming, WJB_VALUE, &member->value, place);
	}
	put(renaming, WJB_END_OBJECT, NULL);
}

/* Conditions, or a list of them. */
static void
walk_where(Renaming *renaming, JsonbIteratorToken token, const JsonbValue *value, Place place)
{
	ListCell   *lc;

	check_stack_depth();
	if (JSON_IS_ARRAY(value))
	{
		put(renaming, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, json_elements_of(value))
		{
			CHECK_FOR_INTERRUPTS();
			walk_where(renaming, WJB_ELEM, &((JsonMember *) lfirst(lc))->value, place);
		}
		put(renaming, WJB_END_ARRAY, NULL);
		return;
	}
	if (!JSON_IS_OBJECT(value))
	{
		put(renaming, token, value);
		return;
	}
	put(renaming, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(value))
	{
		JsonMember *member = lfirst(lc);
		const char *key = member->key;
		bool		nested = JSON_IS_OBJECT(&member->value);
		Place		related;

		if (was_column(renaming, place.relid, key))
		{
			walk_column(renaming, member, place.relid);
			continue;
		}
		put_string(renaming, WJB_KEY, key);
		if (strcmp(key, "and") == 0 || strcmp(key, "or") == 0 || strcmp(key, "not") == 0)
			walk_where(renaming, WJB_VALUE, &member->value, place);
		else if (nested && related_place(place.relid, key, &related))
			walk_filters(renaming, &member->value, related);
		else if (nested && OidIsValid(place.via) && strcmp(key, "pivot") == 0)
			walk_pivot(renaming, &member->value, place.via);
		else
			put(renaming, WJB_VALUE, &member->value);
	}
	put(renaming, WJB_END_OBJECT, NULL);
}

/* ---------------------------------------------------------------------
 * Orders
 * ---------------------------------------------------------------------
 */

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
walk_order(Renaming *renaming, JsonbIteratorToken token, const JsonbValue *value, Place place)
{
	ListCell   *lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (value->type == jbvString)
	{
		char	   *name = pnstrdup(value->val.string.val, value->val.string.len);
		bool		minus = name[0] == '-' && !was_column(renaming, place.relid, name);

		put_string(renaming, token, psprintf("%s%s", minus ? "-" : "",
											 new_target(renaming, name + (minus ? 1 : 0), place)));
	}
	else if (JSON_IS_ARRAY(value))
	{
		put(renaming, WJB_BEGIN_ARRAY, NULL);
		foreach(lc, json_elements_of(value))
			walk_order(renaming, WJB_ELEM, &((JsonMember *) lfirst(lc))->value, place);
		put(renaming, WJB_END_ARRAY, NULL);
	}
	else if (JSON_IS_OBJECT(value))
	{
		put(renaming, WJB_BEGIN_OBJECT, NULL);
		foreach(lc, json_members_of(value))
		{
			JsonMember *member = lfirst(lc);

			put_string(renaming, WJB_KEY, member->key);
			if (strcmp(member->key, "column") == 0 && member->value.type == jbvString)
				put_string(renaming, WJB_VALUE,
						   new_target(renaming, pnstrdup(member->value.val.string.val,
														 member->value.val.string.len), place));
			else
				put(renaming, WJB_VALUE, &member->value);
		}
		put(renaming, WJB_END_OBJECT, NULL);
	}
	else
		put(renaming, token, value);
}

/* ---------------------------------------------------------------------
 * Whole scopes
 * ---------------------------------------------------------------------
 */

static JsonbValue *
walk_scope(Renaming *renaming, const JsonbValue *root, Place place)
{
	ListCell   *lc;

	put(renaming, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(root))
	{
		JsonMember *member = lfirst(lc);

		put_string(renaming, WJB_KEY, member->key);
		if (strcmp(member->key, "where") == 0)
			walk_where(renaming, WJB_VALUE, &member->value, place);
		else if (strcmp(member->key, "order") == 0)
			walk_order(renaming, WJB_VALUE, &member->value, place);
		else
			put(renaming, WJB_VALUE, &member->value);
	}
	return renaming->building ? pushJsonbValue(&renaming->state, WJB_END_OBJECT, NULL) : NULL;
}

/*
 * Return a scope of rows of relid after a change, palloc'd, or NULL if it stays
 * as it is.  via is the table between, if there is one.
 */
Jsonb *
scope_after(Jsonb *scope, Oid relid, Oid via, const CatalogChange *change)
{
	Renaming	renaming = {0};
	Place		place = {relid, via};
	JsonbValue	root;

	json_root_value(scope, &root);
	if (!JSON_IS_OBJECT(&root))
		return NULL;
	renaming.change = change;
	if (change->kind == CHANGE_RENAMED_VALUE)
	{
		renaming.old_value = query_scope_string(change->old_name);
		renaming.new_value = query_scope_string(change->new_name);
	}
	(void) walk_scope(&renaming, &root, place);
	if (!renaming.changed)
		return NULL;
	renaming.building = true;
	return JsonbValueToJsonb(walk_scope(&renaming, &root, place));
}

static bool
same_scope(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

/*
 * Like scope_after(), but for a relation that leads to tables of several types,
 * a list of MorphType.  A type whose columns are called otherwise than those of
 * the others has a scope of its own below "types"; when all are called alike
 * again, none has.
 */
Jsonb *
scope_after_of_types(Jsonb *scope, List *types, const CatalogChange *change)
{
	List	   *scopes = NIL;
	bool		changed = false;
	bool		alike = true;
	Jsonb	   *common;
	JsonbParseState *state = NULL;
	JsonbValue	root;
	JsonbValue	key;
	ListCell   *lc;
	ListCell   *s;

	foreach(lc, types)
	{
		MorphType  *type = lfirst(lc);
		Jsonb	   *own = query_scope_of_type(scope, type->type);
		Jsonb	   *after;

		/* it may be the type that has another name */
		if (change->kind == CHANGE_RENAMED_VALUE && strcmp(type->type, change->new_name) == 0 &&
			query_scope_has_type(scope, change->old_name))
		{
			own = query_scope_of_type(scope, change->old_name);
			changed = true;
		}
		after = scope_after(own, type->related, InvalidOid, change);
		changed = changed || after != NULL;
		scopes = lappend(scopes, after != NULL ? after : own);
		alike = alike && same_scope(llast(scopes), linitial(scopes));
	}
	if (!changed)
		return NULL;
	if (alike)
		return linitial(scopes);
	/* what it is for those that are not named */
	common = query_scope_of_type(scope, NULL);
	json_root_value(common, &root);
	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(&root))
	{
		JsonMember *member = lfirst(lc);

		key.type = jbvString;
		key.val.string.val = member->key;
		key.val.string.len = strlen(member->key);
		(void) pushJsonbValue(&state, WJB_KEY, &key);
		(void) pushJsonbValue(&state, WJB_VALUE, &member->value);
	}
	key.type = jbvString;
	key.val.string.val = "types";
	key.val.string.len = strlen("types");
	(void) pushJsonbValue(&state, WJB_KEY, &key);
	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	forboth(lc, types, s, scopes)
	{
		Jsonb	   *own = lfirst(s);
		JsonbValue	value;

		if (same_scope(own, common))
			continue;
		key.val.string.val = ((MorphType *) lfirst(lc))->type;
		key.val.string.len = strlen(key.val.string.val);
		(void) pushJsonbValue(&state, WJB_KEY, &key);
		json_root_value(own, &value);
		(void) pushJsonbValue(&state, WJB_VALUE, &value);
	}
	(void) pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
