/*
 * factory_watch.c
 *	  Factories follow what is renamed and what is dropped.
 *
 * Expressions of SQL are text, as the bodies of functions are: names in them do
 * not follow.
 */
#include "relations.h"

#include "utils/jsonb.h"

#include "follow.h"
#include "query_json.h"

/* A definition with a change. */
typedef struct Definition
{
	const CatalogChange *change;
	JsonbParseState *state;
	bool		changed;
} Definition;

static void
put_string(Definition *definition, JsonbIteratorToken token, const char *string)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, string);
	value.val.string.len = strlen(string);
	(void) pushJsonbValue(&definition->state, token, &value);
}

/* A constant, which may be the value that is renamed. */
static void
put_constant(Definition *definition, JsonbIteratorToken token, JsonbValue *value)
{
	const char *old = definition->change->old_name;

	if (value->type == jbvString && value->val.string.len == (int) strlen(old) &&
		memcmp(value->val.string.val, old, value->val.string.len) == 0)
	{
		definition->changed = true;
		put_string(definition, token, definition->change->new_name);
	}
	else
		(void) pushJsonbValue(&definition->state, token, value);
}

/* What makes the values of a column of the enum: a constant, or one of several. */
static void
put_rule(Definition *definition, JsonbValue *rule)
{
	ListCell   *m;
	ListCell   *e;

	if (!JSON_IS_OBJECT(rule))
	{
		put_constant(definition, WJB_VALUE, rule);
		return;
	}
	(void) pushJsonbValue(&definition->state, WJB_BEGIN_OBJECT, NULL);
	foreach(m, json_members_of(rule))
	{
		JsonMember *member = lfirst(m);

		put_string(definition, WJB_KEY, member->key);
		if (strcmp(member->key, "one_of") != 0 || !JSON_IS_ARRAY(&member->value))
		{
			(void) pushJsonbValue(&definition->state, WJB_VALUE, &member->value);
			continue;
		}
		(void) pushJsonbValue(&definition->state, WJB_BEGIN_ARRAY, NULL);
		foreach(e, json_elements_of(&member->value))
			put_constant(definition, WJB_ELEM, &((JsonMember *) lfirst(e))->value);
		(void) pushJsonbValue(&definition->state, WJB_END_ARRAY, NULL);
	}
	(void) pushJsonbValue(&definition->state, WJB_END_OBJECT, NULL);
}

/* Apply a change to a row of relations.factory or relations.factory_state. */
void
factory_follow(FollowRow *row, const CatalogChange *change)
{
	Definition	definition = {change, NULL, false};
	Oid			model = row_oid(row, "model");
	JsonbValue *result;
	JsonbValue	root;
	ListCell   *lc;

	if (!list_member_oid(change->relids, model) ||
		(change->kind != CHANGE_RENAMED_COLUMN && change->kind != CHANGE_DROPPED_COLUMN &&
		 change->kind != CHANGE_RENAMED_VALUE))
		return;
	json_root_value(row_jsonb(row, "definition"), &root);
	if (!JSON_IS_OBJECT(&root))
		return;
	(void) pushJsonbValue(&definition.state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, json_members_of(&root))
	{
		JsonMember *member = lfirst(lc);
		bool		is_column = strcmp(member->key, change->old_name) == 0;

		if (change->kind == CHANGE_RENAMED_VALUE)
		{
			put_string(&definition, WJB_KEY, member->key);
			if (column_is_of_enum(model, member->key, change->enum_type))
				put_rule(&definition, &member->value);
			else
				(void) pushJsonbValue(&definition.state, WJB_VALUE, &member->value);
			continue;
		}
		definition.changed = definition.changed || is_column;
		if (is_column && change->kind == CHANGE_DROPPED_COLUMN)
			continue;
		put_string(&definition, WJB_KEY, is_column ? change->new_name : member->key);
		(void) pushJsonbValue(&definition.state, WJB_VALUE, &member->value);
	}
	result = pushJsonbValue(&definition.state, WJB_END_OBJECT, NULL);
	if (!definition.changed)
		return;
	row_set_jsonb(row, "definition", JsonbValueToJsonb(result));
	if (change->kind == CHANGE_DROPPED_COLUMN)
		row_notice(row, strcmp(row->table->name, "factory") == 0 ? NOTICE_FACTORY_COLUMN : NOTICE_STATE_COLUMN,
				   change->old_name, model_name(model), NULL, NULL);
}
