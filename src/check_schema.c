/*
 * check_schema.c
 *	  Is what a relation stands on there: columns, constraints, indexes,
 *	  triggers, and of the right kind?
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "parser/parse_coerce.h"
#include "access/stratnum.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "check.h"
#include "counter_cache.h"
#include "declaration.h"
#include "key_operator.h"
#include "query_doc.h"

/* Is it, as far as the catalog caches know? */
bool
table_exists(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

/* Does a table have all columns?  missing gets the first that it has not. */
bool
columns_there(Oid relid, List *columns, const char **missing)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		*missing = lfirst(lc);
		if (get_attnum(relid, lfirst(lc)) <= 0)
			return false;
	}
	return true;
}

/* A column that is gone is what the event triggers would have followed. */
static bool
check_columns(Check *check, Oid relid, List *columns, const char *role)
{
	const char *missing;

	if (columns_there(relid, columns, &missing))
		return true;
	add_finding(check, "missing_column", SEVERITY_ERROR, call_statement("forget", relid, missing),
				NO_CODE, MENDED_BY_REPAIR, "\"%s\" has no column \"%s\", which is %s",
				model_name(relid), missing, role);
	return false;
}

/* ---------------------------------------------------------------------
 * Types
 * ---------------------------------------------------------------------
 */

static bool
is_generated(Oid relid, const char *column)
{
	return get_attgenerated(relid, get_attnum(relid, column)) != '\0';
}

/* The statement that gives a column the type of another; NULL when there is none. */
static char *
alter_type_sql(Oid relid, const char *column, Oid from, const char *from_column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (!is_plain_table(relid))
		return NULL;
	get_atttypetypmodcoll(from, get_attnum(from, from_column), &type, &typmod, &collation);
	return psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s%s%s", quoted_model_name(relid),
					quote_identifier(column), qualified_type_name(type, typmod),
					OidIsValid(collation) && collation != get_typcollation(type) ? collate_clause(collation) : "",
					is_generated(relid, column) ? ""
					: psprintf(" USING CAST(%s AS %s)", quote_identifier(column),
							   qualified_type_name(type, -1)));
}

/* Are both columns of a pair compared as they are? */
static void
check_types(Check *check, Oid child, const char *column, Oid parent, const char *parent_column)
{
	Oid			types[2];
	int32		typmods[2];
	Oid			collations[2];

	get_atttypetypmodcoll(child, get_attnum(child, column), &types[0], &typmods[0], &collations[0]);
	get_atttypetypmodcoll(parent, get_attnum(parent, parent_column), &types[1], &typmods[1], &collations[1]);
	if (!OidIsValid(find_strategy_operator(types[0], types[1], BTEqualStrategyNumber)))
		add_finding(check, "key_types", SEVERITY_ERROR,
					alter_type_sql(child, column, parent, parent_column),
					list_make2_oid(child, parent), MENDED_BY_REPAIR,
					"\"%s\" of \"%s\" is %s, \"%s\" of \"%s\" is %s: they cannot be compared",
					column, model_name(child), format_type_be(types[0]),
					parent_column, model_name(parent), format_type_be(types[1]));
	else if (getBaseType(types[0]) != getBaseType(types[1]) &&
			 !IsBinaryCoercible(types[0], types[1]) && !IsBinaryCoercible(types[1], types[0]))
		add_finding(check, "key_types", SEVERITY_SLOW,
					alter_type_sql(child, column, parent, parent_column),
					list_make2_oid(child, parent), MENDED_BY_REPAIR,
					"\"%s\" of \"%s\" is %s, \"%s\" of \"%s\" is %s",
					column, model_name(child), format_type_be(types[0]),
					parent_column, model_name(parent), format_type_be(types[1]));
	else if (collations[0] != collations[1])
		add_finding(check, "key_types", SEVERITY_SLOW,
					alter_type_sql(child, column, parent, parent_column),
					list_make2_oid(child, parent), MENDED_BY_REPAIR,
					"\"%s\" of \"%s\" and \"%s\" of \"%s\" differ in their collation",
					column, model_name(child), parent_column, model_name(parent));
}

/* ---------------------------------------------------------------------
 * Constraints
 * ---------------------------------------------------------------------
 */

/* Triggers of a foreign key that are switched off: it keeps nothing then. */
static bool
check_constraint_triggers(Check *check, ForeignKey *fk)
{
	char	  **row = check_query_row(check, psprintf("SELECT t.tgrelid, t.tgname FROM pg_catalog.pg_trigger t"
													  " WHERE t.tgconstraint = %u AND t.tgenabled IN ('D', 'R')"
													  " ORDER BY t.oid LIMIT 1", fk->oid));

	if (row == NULL)
		return true;
	add_finding(check, "trigger_disabled", SEVERITY_ERROR,
				psprintf("ALTER TABLE %s ENABLE TRIGGER %s", quoted_model_name(atooid(row[0])),
						 quote_identifier(row[1])),
				NO_CODE, MENDED_BY_REPAIR, "foreign key \"%s\" of \"%s\" is not kept: triggers of \"%s\" are disabled",
				fk->name, model_name(fk->child), model_name(atooid(row[0])));
	return false;
}

/* The statement that makes the foreign key of a step, of the name that is recorded. */
static char *
add_constraint_sql(Check *check, RelationStep *step)
{
	ForeignKey	fk = {0};
	bool		created_pivot = check->desc->created_table && check->on_delete == '\0';

	fk.name = step->constraint_name;
	fk.child = STEP_CHILD(step);
	fk.child_columns = step->foreign_key;
	fk.parent = STEP_PARENT(step);
	fk.parent_columns = step->local_key;
	fk.on_delete = created_pivot ? FKCONSTR_ACTION_CASCADE : check->on_delete;
	fk.on_update = check->on_update;
	/* what foreign keys on generated columns cannot do, a trigger does */
	if (is_generated(fk.child, linitial(fk.child_columns)))
	{
		if (fk.on_delete == FKCONSTR_ACTION_SETNULL || fk.on_delete == FKCONSTR_ACTION_SETDEFAULT)
			fk.on_delete = '\0';
		if (fk.on_update != FKCONSTR_ACTION_RESTRICT)
			fk.on_update = '\0';
	}
	fk.deferrable = check->defer != NULL;
	fk.deferred = check->defer != NULL && pg_strcasecmp(check->defer, "initially deferred") == 0;
	fk.validated = true;
	return named_foreign_key_sql(&fk);
}

/* Does the name belong to a constraint of another kind? */
static bool
is_no_foreign_key(Oid conoid)
{
	HeapTuple	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	bool		result;

	if (!HeapTupleIsValid(tup))
		return true;
	result = ((Form_pg_constraint) GETSTRUCT(tup))->contype != CONSTRAINT_FOREIGN;
	ReleaseSysCache(tup);
	return result;
}

/*
 * Is the foreign key of a step there, and does it keep out orphans?  What is
 * wrong is told.  A foreign key that exists, or is validated, compares values
 * of the child's type, by a cast if there is one: its owner's code.
 */
static bool
check_constraint(Check *check, RelationStep *step)
{
	Oid			child = STEP_CHILD(step);
	Oid			parent = STEP_PARENT(step);
	Oid			conoid;
	ForeignKey *fk;

	if (step->constraint_name == NULL)
	{
		/* somebody may have made one that the relation knows nothing of */
		fk = match_foreign_key(foreign_keys_between(child, parent), step->foreign_key, step->local_key);
		return fk != NULL && fk->validated;
	}
	conoid = get_relation_constraint_oid(child, step->constraint_name, true);
	fk = OidIsValid(conoid) ? get_foreign_key(conoid) : NULL;
	if (OidIsValid(conoid) &&
		(fk == NULL ? is_no_foreign_key(conoid)
		 : fk->parent != parent ||
		 match_foreign_key(list_make1(fk), step->foreign_key, step->local_key) == NULL))
	{
		add_finding(check, "missing_constraint", SEVERITY_ERROR, NULL, NO_CODE, MENDED_BY_HAND,
					"constraint \"%s\" of \"%s\" is not the foreign key of the relation",
					step->constraint_name, model_name(child));
		fk = match_foreign_key(foreign_keys_between(child, parent), step->foreign_key, step->local_key);
		return fk != NULL && fk->validated;
	}
	if (fk != NULL && !fk->validated)
		add_finding(check, "not_valid", SEVERITY_WARNING,
					psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", quoted_model_name(child),
							 quote_identifier(fk->name)),
					list_make1_oid(child), MENDED_BY_REPAIR, "foreign key \"%s\" of \"%s\" is NOT VALID: rows that were there are not checked",
					fk->name, model_name(child));
	if (fk != NULL)
		return check_constraint_triggers(check, fk) && fk->validated;
	if (OidIsValid(conoid))
	{
		add_finding(check, "not_enforced", SEVERITY_ERROR,
					psprintf("ALTER TABLE %s ALTER CONSTRAINT %s ENFORCED", quoted_model_name(child),
							 quote_identifier(step->constraint_name)),
					list_make1_oid(child), MENDED_BY_REPAIR, "constraint \"%s\" of \"%s\" is not an enforced foreign key",
					step->constraint_name, model_name(child));
		return false;
	}
	fk = match_foreign_key(foreign_keys_between(child, parent), step->foreign_key, step->local_key);
	if (fk != NULL)
		add_finding(check, "missing_constraint", SEVERITY_WARNING,
					psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", quoted_model_name(child),
							 quote_identifier(fk->name), quote_identifier(step->constraint_name)),
					NO_CODE, MENDED_BY_REPAIR, "\"%s\" has no foreign key \"%s\", but \"%s\" on the same columns",
					model_name(child), step->constraint_name, fk->name);
	else
		add_finding(check, "missing_constraint", SEVERITY_ERROR, add_constraint_sql(check, step),
					list_make1_oid(child), MENDED_BY_REPAIR, "\"%s\" has no foreign key \"%s\"",
					model_name(child), step->constraint_name);
	return fk != NULL && fk->validated;
}

/* ---------------------------------------------------------------------
 * Indexes
 * ---------------------------------------------------------------------
 */

static bool
can_have_index(Oid relid)
{
	return is_plain_table(relid) || get_rel_relkind(relid) == RELKIND_MATVIEW;
}

static void
check_index(Check *check, Oid relid, List *columns)
{
	if (!can_have_index(relid) || find_index(relid, columns) != NULL || find_unique(relid, columns) != NULL)
		return;
	add_finding(check, "missing_index", SEVERITY_SLOW,
				psprintf("CREATE INDEX ON %s (%s)", quoted_model_name(relid), quoted_column_list(columns)),
				NO_CODE, MENDED_BY_REPAIR, "no index of \"%s\" begins with (%s)",
				model_name(relid), format_column_list(columns));
}

/* Look at a step of a relation; to_one: at most one row may be at its end. */
static void
check_step(Check *check, RelationStep *step, bool to_one)
{
	Oid			child = STEP_CHILD(step);
	Oid			parent = STEP_PARENT(step);
	const char *missing;
	bool		kept;

	/* generated columns can be made anew: check_morph says so */
	if (check_morph_type(check, step) != NULL && !columns_there(child, step->foreign_key, &missing))
		return;
	if (!check_columns(check, child, step->foreign_key, "its foreign key") ||
		!check_columns(check, parent, step->local_key, "its local key"))
		return;
	for (int i = 0; i < list_length(step->foreign_key); i++)
		check_types(check, child, list_nth(step->foreign_key, i), parent, list_nth(step->local_key, i));
	kept = check_constraint(check, step);
	if (!kept && check->readable)
		check_orphans(check, step);
	if (to_one && !step->belongs && find_unique(child, step->foreign_key) == NULL)
		check_unique(check, child, step->foreign_key, true);
	else
		check_index(check, child, step->foreign_key);
	if (step->belongs && to_one && find_unique(parent, step->local_key) == NULL)
		check_unique(check, parent, step->local_key, false);
	else if (step->belongs)
		check_index(check, parent, step->local_key);
}

/* ---------------------------------------------------------------------
 * The rest
 * ---------------------------------------------------------------------
 */

/* Columns that a relation shows or keeps up to date. */
static bool
check_extra_columns(Check *check)
{
	RelationDesc *desc = check->desc;
	bool		result = true;

	if (OidIsValid(desc->via) && desc->pivot_columns != NIL)
		result = check_columns(check, desc->via, desc->pivot_columns, "shown as one of the pivot's");
	if (desc->counter_cache != NULL)
		result = check_columns(check, desc->related, list_make1(desc->counter_cache), "its counter_cache") && result;
	if (desc->touch != NULL)
		result = check_columns(check, desc->related, list_make1(desc->touch), "its touch") && result;
	return result;
}

static void
scope_of(void *arg)
{
	Check	   *check = arg;

	query_check_scope(check->desc->related, check->desc->via, check->desc->scope);
}

/* Does the scope still fit the model? */
static void
check_scope(Check *check)
{
	ErrorData  *error;

	if (check->desc->scope == NULL || !OidIsValid(check->desc->related))
		return;
	error = catch_error(scope_of, check);
	if (error != NULL && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		add_finding(check, "not_checked", SEVERITY_NOTE, NULL, NO_CODE, MENDED_BY_HAND,
					"the scope was not looked at: %s", error->message);
	else if (error != NULL)
		add_finding(check, "bad_scope", SEVERITY_ERROR,
					call_statement("drop_relation", check->model, check->relation),
					NO_CODE, MENDED_BY_HAND, "the scope does not fit \"%s\" any more: %s",
					model_name(check->desc->related), error->message);
}

/* The triggers that count and touch. */
static void
check_counting_triggers(Check *check)
{
	ListCell   *lc;

	if (!RELATION_FOLLOWS(check->desc) || !is_plain_table(check->desc->model) ||
		!is_plain_table(check->desc->related))
		return;
	foreach(lc, missing_counting_triggers(check->desc, AccessShareLock))
		add_finding(check, "missing_trigger", SEVERITY_ERROR, lfirst(lc), NO_CODE, MENDED_BY_REPAIR,
					"a trigger of counter_cache or touch is missing: parents do not follow");
}

/* Look at all that the relation, whose tables are there, stands on. */
void
check_relation_schema(Check *check)
{
	RelationDesc *desc = check->desc;
	bool		to_one = RELATION_IS_TO_ONE(desc->kind) && !query_scope_has(desc->scope, "order");
	ListCell   *lc;

	if (get_attnum(desc->model, desc->name) > 0)
		add_finding(check, "name_clash", SEVERITY_ERROR,
					call_statement("drop_relation", desc->model, desc->name), NO_CODE, MENDED_BY_HAND,
					"\"%s\" has a column of the relation's name", model_name(desc->model));
	for (int i = 0; i < desc->nsteps; i++)
		check_step(check, &desc->steps[i], to_one);
	foreach(lc, desc->branches)
		check_step(check, &((RelationDesc *) lfirst(lc))->steps[0], to_one);
	if (check_extra_columns(check))
		check_counting_triggers(check);
	check_scope(check);
}
