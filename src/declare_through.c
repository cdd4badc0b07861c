/*
 * declare_through.c
 *	  has_one_through and has_many_through.
 *
 * Either of the two steps goes along a foreign key, in its direction (belongs
 * to) or against it (has).  Which one it is follows from the columns that were
 * named, else from the foreign key that joins the two tables, else from the
 * columns that bear the conventional names.  Nothing is created.
 */
#include "relations.h"

#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "declaration.h"
#include "key_resolution.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_has_one_through);
PG_FUNCTION_INFO_V1(relations_has_many_through);

enum
{
	Arg_through = Arg_related + 1,
	Arg_foreign_key,
	Arg_local_key,
	Arg_through_foreign_key,
	Arg_through_local_key,
	Arg_scope,
	Arg_steps
};

/* A step: what was said of it, then what was found. */
typedef struct Step
{
	Oid			from;
	Oid			to;
	bool		to_one;			/* is the relation to be to-one? */
	bool		said;			/* was the direction said? */
	bool		belongs;
	Keys		keys;
	ForeignKey *fk;				/* native, or NULL */
} Step;

/* A direction that a step may take, with the foreign keys that fit. */
typedef struct Direction
{
	Oid			child;
	Oid			parent;
	List	   *foreign_keys;
} Direction;

/*
 * The foreign keys of a direction that fit what was said, without those that
 * join the same columns as another one.
 */
static List *
fitting_foreign_keys(const Keys *keys, Oid child, Oid parent)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, foreign_keys_between(child, parent))
	{
		ForeignKey *fk = lfirst(lc);
		bool		fits = (keys->foreign_key == NIL ||
							same_columns(fk->child_columns, keys->foreign_key)) &&
			(keys->local_key == NIL || same_columns(fk->parent_columns, keys->local_key));

		foreach(lc2, result)
		{
			ForeignKey *other = lfirst(lc2);

			if (same_pairs(fk->child_columns, fk->parent_columns,
						   other->child_columns, other->parent_columns))
				fits = false;
		}
		if (fits)
			result = lappend(result, fk);
	}
	return result;
}

/* Are the columns that were said where they would have to be? */
static bool
is_possible(const Keys *keys, const Direction *direction)
{
	return columns_exist(direction->child, keys->foreign_key) &&
		columns_exist(direction->parent, keys->local_key);
}

/* Raises undefined_column: the columns that were said fit neither direction. */
static pg_attribute_noreturn() void
no_direction(const Step *step)
{
	const Keys *keys = &step->keys;
	StringInfoData buf;
	ListCell   *lc;

	/* a column that is nowhere */
	foreach(lc, keys->foreign_key)
	{
		if (get_attnum(step->from, lfirst(lc)) <= 0)
			require_column(step->to, lfirst(lc), keys->foreign_argument);
	}
	foreach(lc, keys->local_key)
	{
		if (get_attnum(step->to, lfirst(lc)) <= 0)
			require_column(step->from, lfirst(lc), keys->local_argument);
	}
	initStringInfo(&buf);
	if (keys->foreign_key != NIL)
		appendStringInfo(&buf, "%s => (%s)", keys->foreign_argument,
						 format_column_list(keys->foreign_key));
	if (keys->local_key != NIL)
		appendStringInfo(&buf, "%s%s => (%s)", buf.len > 0 ? ", " : "", keys->local_argument,
						 format_column_list(keys->local_key));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("the columns named do not join \"%s\" and \"%s\"",
					model_name(step->from), model_name(step->to)),
			 errdetail("Named are %s.", buf.data),
			 errhint("\"%s\" names columns of one of the two tables, \"%s\" columns of the other one.",
					 keys->foreign_argument, keys->local_argument)));
}

/* Raises ambiguous_column: foreign keys join the two in both directions. */
static pg_attribute_noreturn() void
ambiguous_directions(const Step *step, const Direction *has, const Direction *belongs)
{
	List	   *all = list_concat_copy(has->foreign_keys, belongs->foreign_keys);
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, all)
	{
		ForeignKey *fk = lfirst(lc);

		appendStringInfo(&buf, "%s\"%s\" of \"%s\" (%s)", buf.len > 0 ? " and " : "", fk->name,
						 model_name(fk->child), format_column_list(fk->child_columns));
	}
	ereport(ERROR,
			(errcode(ERRCODE_AMBIGUOUS_COLUMN),
			 errmsg("foreign keys join \"%s\" and \"%s\" in both directions",
					model_name(step->from), model_name(step->to)),
			 errdetail("They are %s.", buf.data),
			 errhint("Say which: %s => '%s'; or say the direction of both steps: steps => 'has_many, belongs_to'.",
					 step->keys.foreign_argument,
					 quoted_column_list(((ForeignKey *) linitial(all))->child_columns))));
}

/* Are the conventional columns of a direction there? */
static bool
is_conventional(const Keys *keys, const Direction *direction)
{
	List	   *key = keys->local_key != NIL ? keys->local_key
		: catalog_get_model(direction->parent)->primary_key;

	return key != NIL &&
		columns_exist(direction->child, conventional_columns(model_singular(direction->parent), key));
}

/* Raises undefined_column: neither direction has anything to go by. */
static pg_attribute_noreturn() void
no_foreign_key(const Step *step)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("no foreign key joins \"%s\" and \"%s\"",
					model_name(step->from), model_name(step->to)),
			 errdetail("Looked for a foreign key constraint between the two, in either direction, then for columns named by convention: \"%s_...\" of \"%s\", \"%s_...\" of \"%s\".",
					   model_singular(step->from), model_name(step->to),
					   model_singular(step->to), model_name(step->from)),
			 errhint("Name the column with %s => '...'.", step->keys.foreign_argument)));
}

/*
 * The direction of a step, when it was not said.  Raises undefined_column when
 * there is nothing to go by, ambiguous_column when both directions fit equally.
 */
static bool
step_belongs(const Step *step)
{
	const Keys *keys = &step->keys;
	Direction	has = {step->to, step->from, NIL};
	Direction	belongs = {step->from, step->to, NIL};
	bool		named = keys->foreign_key != NIL || keys->local_key != NIL;

	/* between a table and itself both are the same: a row has one parent, and many children */
	if (step->from == step->to)
		return step->to_one;
	if (named && !is_possible(keys, &has) && !is_possible(keys, &belongs))
		no_direction(step);
	if (is_possible(keys, &has))
		has.foreign_keys = fitting_foreign_keys(keys, has.child, has.parent);
	if (is_possible(keys, &belongs))
		belongs.foreign_keys = fitting_foreign_keys(keys, belongs.child, belongs.parent);
	if (has.foreign_keys != NIL && belongs.foreign_keys != NIL)
		ambiguous_directions(step, &has, &belongs);
	if (has.foreign_keys != NIL || belongs.foreign_keys != NIL)
		return belongs.foreign_keys != NIL;
	if (keys->foreign_key != NIL)
		return !is_possible(keys, &has);
	if (is_possible(keys, &has) && is_conventional(keys, &has))
		return false;
	if (is_possible(keys, &belongs) && is_conventional(keys, &belongs))
		return true;
	no_foreign_key(step);
}

/* Find the direction, the columns and the foreign key of a step. */
static void
resolve_step(Step *step)
{
	Keys	   *keys = &step->keys;

	if (!step->said)
		step->belongs = step_belongs(step);
	keys->child = step->belongs ? step->from : step->to;
	keys->parent = step->belongs ? step->to : step->from;
	resolve_keys(keys);
	step->fk = match_foreign_key(foreign_keys_between(keys->child, keys->parent),
								 keys->foreign_key, keys->local_key);
	if (step->fk != NULL)
	{
		/* the constraint's order, which is the order that is read by */
		keys->foreign_key = step->fk->child_columns;
		keys->local_key = step->fk->parent_columns;
	}
}

/* Read the argument steps, such as 'has_many, belongs_to'. */
static void
take_steps(Step *steps, const char *text)
{
	char	   *copy;
	char	   *second;
	char	   *words[2];

	if (text == NULL)
		return;
	copy = pstrdup(text);
	second = strchr(copy, ',');
	if (second != NULL)
		*second++ = '\0';
	words[0] = copy;
	words[1] = second;
	for (int i = 0; i < 2; i++)
	{
		char	   *word = words[i];

		while (word != NULL && *word == ' ')
			word++;
		for (int n = word == NULL ? 0 : strlen(word); n > 0 && word[n - 1] == ' '; n--)
			word[n - 1] = '\0';
		steps[i].said = true;
		steps[i].belongs = word != NULL && strcmp(word, "belongs_to") == 0;
		if (word == NULL || (!steps[i].belongs && strcmp(word, "has_many") != 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" does not say two steps: %s", "steps", text),
					 errhint("Write has_many or belongs_to for the step to the through model, a comma, and the same for the step from there.")));
	}
}

/*
 * What the two kinds share.  The relation is enforced when a foreign key
 * stands on either step.
 */
static Datum
declare_through(FunctionCallInfo fcinfo, RelationKind kind)
{
	Declaration decl = {0};
	RelationRow *row = &decl.row;
	Step		steps[2] = {0};

	begin_declaration(&decl, fcinfo, kind, true);
	take_scope(&decl, fcinfo, Arg_scope);
	require_argument(fcinfo, Arg_through, "through");
	row->through = PG_GETARG_OID(Arg_through);
	steps[0].from = row->model;
	steps[0].to = steps[1].from = row->through;
	steps[1].to = row->related;
	steps[0].to_one = steps[1].to_one = kind == RELATION_HAS_ONE_THROUGH;
	steps[0].keys.foreign_argument = "foreign_key";
	steps[0].keys.local_argument = "local_key";
	steps[0].keys.foreign_key = key_argument(fcinfo, Arg_foreign_key, "foreign_key");
	steps[0].keys.local_key = key_argument(fcinfo, Arg_local_key, "local_key");
	steps[1].keys.foreign_argument = "through_foreign_key";
	steps[1].keys.local_argument = "through_local_key";
	steps[1].keys.foreign_key = key_argument(fcinfo, Arg_through_foreign_key,
											 "through_foreign_key");
	steps[1].keys.local_key = key_argument(fcinfo, Arg_through_local_key,
										   "through_local_key");
	take_steps(steps, text_argument(fcinfo, Arg_steps));

	model_check(row->through);
	check_temporary(row->model, row->related);
	check_temporary(row->model, row->through);
	require_owner(row->model);
	require_access(row->related);
	require_access(row->through);
	lock_models(list_make3_oid(row->model, row->through, row->related));
	check_relation_name(row, NIL);
	for (int i = 0; i < 2; i++)
		resolve_step(&steps[i]);
	if (row->scope != NULL)
		query_check_scope(row->related, row->through, row->scope);

	row->foreign_key = steps[0].keys.foreign_key;
	row->local_key = steps[0].keys.local_key;
	row->through_foreign_key = steps[1].keys.foreign_key;
	row->through_local_key = steps[1].keys.local_key;
	for (int i = 0; i < 2; i++)
	{
		row->steps = lappend(row->steps, steps[i].belongs ? "belongs_to" : "has_many");
		row->enforce = row->enforce && steps[i].fk != NULL;
		row->validate = row->validate && (steps[i].fk == NULL || steps[i].fk->validated);
	}
	if (steps[0].fk != NULL)
		row->constraint_name = steps[0].fk->name;
	if (steps[1].fk != NULL)
		row->related_constraint_name = steps[1].fk->name;
	return relation_result(fcinfo, catalog_insert_relation(row));
}

/* SQL: has_one_through(model, relation, related, through, ...) */
Datum
relations_has_one_through(PG_FUNCTION_ARGS)
{
	return declare_through(fcinfo, RELATION_HAS_ONE_THROUGH);
}

/* SQL: has_many_through(model, relation, related, through, ...) */
Datum
relations_has_many_through(PG_FUNCTION_ARGS)
{
	return declare_through(fcinfo, RELATION_HAS_MANY_THROUGH);
}
