/*
 * morph_make.c
 *	  Polymorphic references: what they stand on is made, dropped and told.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/dependency.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "foreign_code.h"
#include "key_operator.h"
#include "morph.h"
#include "progress.h"

/* how many unknown types a message names */
#define TYPES_TOLD 5

/* A type's value as a literal of the type column's type. */
static char *
type_literal(Oid holder, const char *type_column, const char *type)
{
	return psprintf("CAST(%s AS %s)", quote_literal_cstr(type),
					morph_type_sql(morph_base_type(holder, type_column)));
}

static char *
type_equals(Oid holder, const char *type_column)
{
	Oid			type = morph_base_type(holder, type_column);

	return strategy_operator(type, type, BTEqualStrategyNumber);
}

/*
 * Raises datatype_mismatch if a cast between a key and a column that holds it
 * could be code of somebody who is not a superuser: everybody who writes the
 * reference, or the key, would run it.
 */
void
morph_check_cast(Oid from, Oid to)
{
	if (!casts_trusted(from) || !casts_trusted(to))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a polymorphic reference cannot cast type %s to type %s",
						format_type_be(from), format_type_be(to)),
				 errhint("Give the column that holds the key the type of the key.")));
}

/* ADD COLUMN for the generated columns of a type, separated by commas. */
char *
morph_columns_sql(const MorphType *type)
{
	StringInfoData buf;
	ListCell   *f;
	ListCell   *i;
	ListCell   *l;

	initStringInfo(&buf);
	forthree(f, type->foreign_key, i, type->id_columns, l, type->local_key)
	{
		Oid			key;
		int32		typmod;
		Oid			collation;
		char	   *id = pstrdup(quote_identifier(lfirst(i)));

		get_atttypetypmodcoll(type->related, get_attnum(type->related, lfirst(l)),
							  &key, &typmod, &collation);
		key = getBaseType(key);
		if (morph_base_type(type->model, lfirst(i)) != key)
		{
			morph_check_cast(morph_base_type(type->model, lfirst(i)), key);
			id = psprintf("CAST(%s AS %s)", id, morph_type_sql(key));
		}
		appendStringInfo(&buf, "%sADD COLUMN %s %s", buf.len > 0 ? ", " : "",
						 quote_identifier(lfirst(f)), morph_type_sql(key));
		if (OidIsValid(collation) && collation != get_typcollation(key))
			appendStringInfo(&buf, " COLLATE %s", generate_collation_name(collation));
		appendStringInfo(&buf, " GENERATED ALWAYS AS (CASE WHEN %s %s",
						 quote_identifier(type->type_column),
						 type_equals(type->model, type->type_column));
		appendStringInfo(&buf, " %s THEN %s END) STORED",
						 type_literal(type->model, type->type_column, type->type), id);
	}
	return buf.data;
}

/* IS NULL or IS NOT NULL for all columns */
static void
append_null_tests(StringInfo buf, List *columns, const char *test)
{
	ListCell   *lc;

	foreach(lc, columns)
		appendStringInfo(buf, "%s%s %s", foreach_current_index(lc) > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)), test);
}

/* Is the type in the column one of these?  SQL text. */
char *
morph_known_type_sql(Oid holder, const char *type_column, List *types)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s %s ANY (ARRAY[", quote_identifier(type_column),
					 type_equals(holder, type_column));
	foreach(lc, types)
		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 type_literal(holder, type_column, ((MorphType *) lfirst(lc))->type));
	appendStringInfoString(&buf, "])");
	return buf.data;
}

/*
 * ADD CONSTRAINT for the check that lets only these types in, and the type and
 * the key only together.
 */
char *
morph_check_sql(const char *name, List *types, bool validate)
{
	MorphType  *first = linitial(types);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "ADD CONSTRAINT %s CHECK (CASE WHEN %s IS NULL THEN ",
					 quote_identifier(name), quote_identifier(first->type_column));
	append_null_tests(&buf, first->id_columns, "IS NULL");
	appendStringInfo(&buf, " ELSE %s AND ",
					 morph_known_type_sql(first->model, first->type_column, types));
	append_null_tests(&buf, first->id_columns, "IS NOT NULL");
	appendStringInfoString(&buf, " END)");
	if (!validate)
		appendStringInfoString(&buf, " NOT VALID");
	return buf.data;
}

/* Raises check_violation when a row's type and key are not null together. */
static void
check_halves(Oid holder, MorphType *type)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT FROM %s WHERE NOT CASE WHEN %s IS NULL THEN ",
					 quoted_model_name(holder), quote_identifier(type->type_column));
	append_null_tests(&buf, type->id_columns, "IS NULL");
	appendStringInfoString(&buf, " ELSE ");
	append_null_tests(&buf, type->id_columns, "IS NOT NULL");
	appendStringInfoString(&buf, " END LIMIT 1");
	SPI_connect();
	if (SPI_execute(buf.data, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed");
	if (SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("\"%s\" has rows with a type but no key, or a key but no type",
						model_name(holder)),
				 errdetail("The type is in column \"%s\", the key in \"%s\".",
						   type->type_column, format_column_list(type->id_columns)),
				 errhint("Fill in both, or make both null.")));
	SPI_finish();
}

/*
 * Raises check_violation, naming them, when rows hold types that are not among
 * these.  The check constraint would say so too, but not which.
 */
static void
check_rows(Oid holder, List *types, const char *hint)
{
	MorphType  *first = linitial(types);
	StringInfoData found;
	const char *prefix;
	const char *suffix;
	uint64		count;

	text_of_value(morph_base_type(holder, first->type_column), &prefix, &suffix);
	initStringInfo(&found);
	SPI_connect();
	if (SPI_execute(psprintf("SELECT DISTINCT %s%s%s FROM %s WHERE %s IS NOT NULL AND NOT %s ORDER BY 1 LIMIT %d",
							 prefix, quote_identifier(first->type_column), suffix, quoted_model_name(holder),
							 quote_identifier(first->type_column),
							 morph_known_type_sql(holder, first->type_column, types), TYPES_TOLD + 1),
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute failed");
	count = SPI_processed;
	for (uint64 i = 0; i < Min(count, TYPES_TOLD); i++)
		appendStringInfo(&found, "%s\"%s\"", i > 0 ? ", " : "",
						 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	if (count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("\"%s\" has rows of types that polymorphic reference \"%s\" does not know",
						model_name(holder), first->morph),
				 errdetail("Column \"%s\" holds %s%s.", first->type_column, found.data,
						   count > TYPES_TOLD ? ", ..." : ""),
				 errhint("%s", hint)));
	SPI_finish();
	check_halves(holder, first);
}

/* The check constraint as it is: its OID, and whether it was validated. */
Oid
morph_find_check(Oid holder, List *types, char **name, bool *validated)
{
	ListCell   *lc;

	foreach(lc, types)
	{
		MorphType  *type = lfirst(lc);
		Oid			conoid = type->check_name == NULL ? InvalidOid
			: get_relation_constraint_oid(holder, type->check_name, true);
		HeapTuple	tup = NULL;
		bool		is_check;

		if (OidIsValid(conoid))
			tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
		if (!HeapTupleIsValid(tup))
			continue;
		is_check = ((Form_pg_constraint) GETSTRUCT(tup))->contype == CONSTRAINT_CHECK;
		*validated = ((Form_pg_constraint) GETSTRUCT(tup))->convalidated;
		ReleaseSysCache(tup);
		if (!is_check)
			continue;
		*name = type->check_name;
		return conoid;
	}
	*validated = true;
	return InvalidOid;
}

/* The columns that hold the reference, where they are missing. */
static void
add_missing_columns(MorphPlan *plan)
{
	StringInfoData buf;
	ListCell   *lc;

	if (plan->missing == NIL)
		return;
	initStringInfo(&buf);
	appendStringInfo(&buf, "ALTER TABLE %s", quoted_model_name(plan->holder));
	foreach(lc, plan->missing)
	{
		Oid			type = InvalidOid;
		ListCell   *t;

		if (strcmp(lfirst(lc), plan->type_column) == 0)
			type = TEXTOID;
		foreach(t, plan->added)
		{
			MorphType  *added = lfirst(t);
			ListCell   *i;
			ListCell   *l;

			forboth(i, plan->id_columns, l, added->local_key)
			{
				Oid			key = morph_base_type(added->related, lfirst(l));

				if (strcmp(lfirst(i), lfirst(lc)) == 0)
					type = !OidIsValid(type) || type == key ? key : TEXTOID;
			}
		}
		appendStringInfo(&buf, "%s ADD COLUMN %s %s", foreach_current_index(lc) > 0 ? "," : "",
						 quote_identifier(lfirst(lc)), morph_type_sql(type));
	}
	run_ddl(buf.data);
}

/* The statement that makes the trigger of a referred table; NULL: it needs none. */
char *
morph_trigger_sql(Oid related)
{
	bool		on_delete = false;
	bool		on_update = false;
	ListCell   *lc;

	foreach(lc, catalog_morph_types_to(related))
	{
		on_delete = on_delete || morph_delete_needs_trigger(lfirst(lc));
		on_update = on_update || morph_update_needs_trigger(lfirst(lc));
	}
	if (!on_delete && !on_update)
		return NULL;
	return psprintf("CREATE OR REPLACE TRIGGER %s AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION %s.morph_action()",
					quote_identifier(MORPH_TRIGGER),
					!on_update ? "DELETE" : !on_delete ? "UPDATE" : "DELETE OR UPDATE",
					quoted_model_name(related), quote_identifier(RELATIONS_SCHEMA));
}

/* The foreign key, the index and the trigger of a new type; its row. */
static void
make_type(MorphPlan *plan, MorphType *type)
{
	Declaration *decl = plan->decl;
	ForeignKey	fk = {0};

	fk.child = plan->holder;
	fk.child_columns = type->foreign_key;
	fk.parent = type->related;
	fk.parent_columns = type->local_key;
	fk.on_delete = morph_delete_needs_trigger(type) ? '\0' : decl->on_delete;
	fk.on_update = morph_update_needs_trigger(type) ? '\0' : decl->on_update;
	fk.deferrable = decl->row.defer != NULL;
	fk.deferred = decl->deferred;
	fk.validated = decl->row.validate;
	if (fk.validated)
		tell_long_work("checking the foreign key of", fk.child);
	run_ddl(foreign_key_sql(&fk));
	type->constraint_name = fk.name;
	if (plan->make_index)
		tell_long_work("indexing", plan->holder);
	if (plan->make_index)
		run_ddl(index_sql(plan->holder, type->foreign_key, &type->created_index));
	catalog_put_morph_type(type);
	if (morph_delete_needs_trigger(type) || morph_update_needs_trigger(type))
		run_ddl(morph_trigger_sql(type->related));
}

/*
 * Make what resolve_morph found missing: the columns, for each new type the
 * generated columns, foreign key, index and trigger, and the check that lets
 * the types in.  Raises check_violation when rows hold other types; other
 * errors are those of the statements.
 */
void
make_morph(MorphPlan *plan)
{
	List	   *all = list_concat_copy(plan->existing, plan->added);
	StringInfoData buf;
	char	   *check_name = NULL;
	bool		validated;
	bool		there;
	ListCell   *lc;

	if (plan->added == NIL)
		return;
	add_missing_columns(plan);
	there = OidIsValid(morph_find_check(plan->holder, plan->existing, &check_name, &validated));
	if (!there)
		check_name = ChooseConstraintName(get_rel_name(plan->holder), plan->morph, "check",
										  get_rel_namespace(plan->holder), NIL);
	validated = validated && plan->decl->row.validate;
	if (validated)
		check_rows(plan->holder, all,
				   "Declare these types too, by a morph_to that names all of them, or leave the rows that are there unchecked: validate => false.");

	/* one statement, so that the table is written anew once */
	initStringInfo(&buf);
	appendStringInfo(&buf, "ALTER TABLE %s ", quoted_model_name(plan->holder));
	foreach(lc, plan->added)
		appendStringInfo(&buf, "%s, ", morph_columns_sql(lfirst(lc)));
	if (there)
		appendStringInfo(&buf, "DROP CONSTRAINT %s, ", quote_identifier(check_name));
	appendStringInfoString(&buf, morph_check_sql(check_name, all, validated));
	run_ddl(buf.data);

	foreach(lc, all)
	{
		MorphType  *type = lfirst(lc);
		bool		renamed = type->check_name == NULL || strcmp(type->check_name, check_name) != 0;

		type->check_name = check_name;
		if (list_member_ptr(plan->added, type))
			make_type(plan, type);
		else if (renamed)
			catalog_put_morph_type(type);
	}
}

/* ---------------------------------------------------------------------
 * Of a relation that is declared
 * ---------------------------------------------------------------------
 */

/* The table that holds the polymorphic reference of a relation. */
Oid
morph_holder(const RelationDesc *desc)
{
	return desc->kind == RELATION_MORPH_TO ? desc->model
		: OidIsValid(desc->via) ? desc->via : desc->related;
}

/* The types that a relation uses: all those of a morph_to, else one. */
List *
morph_types_of(const RelationDesc *desc)
{
	List	   *all = catalog_morph_types(morph_holder(desc), desc->morph);
	MorphType  *type;

	if (desc->kind == RELATION_MORPH_TO)
		return all;
	type = morph_find_related(all, desc->kind == RELATION_MORPHED_BY_MANY ? desc->related : desc->model);
	return type == NULL ? NIL : list_make1(type);
}

/* Is a type in use by a relation that is still in the catalog? */
static bool
is_used(const MorphType *type)
{
	List	   *candidates = list_concat(catalog_relations_of(type->model),
										 list_concat(catalog_relations_of(type->related),
													 catalog_relations_to(type->related)));
	ListCell   *lc;

	foreach(lc, candidates)
	{
		RelationDesc *desc = lfirst(lc);

		if (desc->morph != NULL && strcmp(desc->morph, type->morph) == 0 &&
			morph_holder(desc) == type->model &&
			morph_find_type(morph_types_of(desc), type->type) != NULL)
			return true;
	}
	return false;
}

/*
 * Take away the types that no relation uses any more, with all that was made
 * for them, and let the check know the others only.  Raises
 * insufficient_privilege when there is one and the caller does not own the
 * holder, check_violation when rows still hold such a type and others stay.
 */
void
drop_unused_morph_types(Oid holder, List *types)
{
	List	   *unused = NIL;
	List	   *others = NIL;
	char	   *check_name = NULL;
	bool		validated;
	StringInfoData buf;
	ListCell   *lc;

	foreach(lc, types)
	{
		MorphType  *type = lfirst(lc);

		if (!is_used(type))
			unused = lappend(unused, type);
		else if (find_index(holder, type->foreign_key) == NULL)
		{
			/* what made a morph_one unique has served as its index */
			require_owner(holder);
			run_ddl(index_sql(holder, type->foreign_key, &type->created_index));
			catalog_put_morph_type(type);
		}
	}
	if (unused == NIL)
		return;
	require_owner(holder);
	foreach(lc, unused)
	{
		MorphType  *type = lfirst(lc);

		catalog_delete_morph_type(holder, type->morph, type->type);
	}
	others = catalog_morph_types(holder, ((MorphType *) linitial(unused))->morph);

	initStringInfo(&buf);
	appendStringInfo(&buf, "ALTER TABLE %s", quoted_model_name(holder));
	if (OidIsValid(morph_find_check(holder, unused, &check_name, &validated)))
	{
		appendStringInfo(&buf, " DROP CONSTRAINT %s,", quote_identifier(check_name));
		if (others != NIL && validated)
			check_rows(holder, others,
					   "Delete these rows first, or drop the relation without what it stands on.");
		if (others != NIL)
			appendStringInfo(&buf, " %s,", morph_check_sql(check_name, others, validated));
	}
	foreach(lc, unused)
	{
		MorphType  *type = lfirst(lc);
		ListCell   *f;

		if (type->constraint_name != NULL)
			appendStringInfo(&buf, " DROP CONSTRAINT IF EXISTS %s,",
							 quote_identifier(type->constraint_name));
		foreach(f, type->foreign_key)
			appendStringInfo(&buf, " DROP COLUMN IF EXISTS %s,", quote_identifier(lfirst(f)));
	}
	buf.data[buf.len - 1] = '\0';
	run_ddl(buf.data);

	foreach(lc, unused)
	{
		MorphType  *type = lfirst(lc);

		/* without a type it does nothing: who may not drop it can leave it */
		if (OidIsValid(get_trigger_oid(type->related, MORPH_TRIGGER, true)) &&
			morph_trigger_sql(type->related) == NULL && object_ownercheck(RelationRelationId, type->related, GetUserId()))
			run_ddl(psprintf("DROP TRIGGER %s ON %s", quote_identifier(MORPH_TRIGGER),
							 quoted_model_name(type->related)));
	}
}

/*
 * The DDL that a polymorphic reference stands on, as far as a relation uses
 * it: a list of strings in the current memory context.  The columns that the
 * declaration added, or created with a pivot, are not told here.
 */
List *
morph_ddl(const RelationDesc *desc)
{
	Oid			holder = morph_holder(desc);
	List	   *types = morph_types_of(desc);
	List	   *triggers = NIL;
	List	   *result = NIL;
	char	   *check_name;
	bool		validated;
	Oid			conoid;
	ListCell   *lc;

	foreach(lc, desc->created_table ? NIL : types)
		result = lappend(result, psprintf("ALTER TABLE %s %s", quoted_model_name(holder),
										  morph_columns_sql(lfirst(lc))));
	conoid = morph_find_check(holder, types, &check_name, &validated);
	if (OidIsValid(conoid))
		result = lappend(result, pg_get_constraintdef_command(conoid));
	foreach(lc, types)
	{
		MorphType  *type = lfirst(lc);
		bool		to_one = desc->kind == RELATION_MORPH_ONE;
		Oid			index = InvalidOid;

		conoid = type->constraint_name == NULL ? InvalidOid
			: get_relation_constraint_oid(holder, type->constraint_name, true);
		if (OidIsValid(conoid))
			result = lappend(result, pg_get_constraintdef_command(conoid));
		if (to_one)
			index = find_index_for(holder, type->foreign_key, INDEX_MAKES_UNIQUE);
		if (!OidIsValid(index))
			index = find_index_for(holder, type->foreign_key, INDEX_FINDS_ROWS);
		conoid = OidIsValid(index) ? get_index_constraint(index) : InvalidOid;
		if (OidIsValid(conoid))
			result = lappend(result, pg_get_constraintdef_command(conoid));
		else if (OidIsValid(index))
			result = lappend(result, pg_get_indexdef_string(index));
		if ((morph_delete_needs_trigger(type) || morph_update_needs_trigger(type)))
			triggers = lappend(triggers, morph_trigger_sql(type->related));
	}
	return list_concat(result, triggers);
}
