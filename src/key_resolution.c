/*
 * key_resolution.c
 *	  Which columns join two models.
 *
 * In this order: what was said; the one foreign key constraint that joins the
 * two already; the columns that bear the conventional names.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/lsyscache.h"

#include "constraint.h"
#include "inflect.h"
#include "key_operator.h"
#include "key_resolution.h"

/* A model's singular name, as declared or from its table's name, palloc'd. */
char *
model_singular(Oid relid)
{
	ModelDesc  *model = catalog_get_model(relid);

	return model->singular != NULL ? model->singular : singular_of(model_name(relid));
}

/* The foreign key's columns by convention: <singular of the parent>_<key>. */
List *
conventional_columns(const char *singular, List *key)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, key)
	{
		char	   *name = psprintf("%s_%s", singular, (char *) lfirst(lc));

		truncate_identifier(name, strlen(name), false);
		result = lappend(result, name);
	}
	return result;
}

/* Does the table have all these columns? */
bool
columns_exist(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (get_attnum(relid, lfirst(lc)) <= 0)
			return false;
	}
	return true;
}

static const char *
foreign_argument(const Keys *keys)
{
	return keys->foreign_argument != NULL ? keys->foreign_argument : "foreign_key";
}

static const char *
local_argument(const Keys *keys)
{
	return keys->local_argument != NULL ? keys->local_argument : "local_key";
}

/* Raises ambiguous_column, with the foreign keys that fit. */
void
ambiguous_keys(const Keys *keys, List *candidates)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, candidates)
	{
		ForeignKey *fk = lfirst(lc);

		appendStringInfo(&buf, "%s\"%s\" (%s)", buf.len > 0 ? " and " : "", fk->name,
						 format_column_list(fk->child_columns));
	}
	ereport(ERROR,
			(errcode(ERRCODE_AMBIGUOUS_COLUMN),
			 errmsg("more than one foreign key joins \"%s\" to \"%s\"",
					model_name(keys->child), model_name(keys->parent)),
			 errdetail("They are %s.", buf.data),
			 errhint("Say which: %s => '%s'.", foreign_argument(keys),
					 quoted_column_list(((ForeignKey *) linitial(candidates))->child_columns))));
}

/* Raises undefined_object: there is nothing that the foreign key points to. */
void
no_primary_key(const Keys *keys)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("\"%s\" has no primary key for the foreign key to point to",
					model_name(keys->parent)),
			 errhint("Say which column it points to: %s => '...'.", local_argument(keys))));
}

/* Raises invalid_foreign_key unless the two keys pair. */
void
check_key_lengths(const Keys *keys)
{
	if (list_length(keys->foreign_key) != list_length(keys->local_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("foreign key (%s) and local key (%s) differ in their number of columns",
						format_column_list(keys->foreign_key),
						format_column_list(keys->local_key))));
}

/* Take the keys from the foreign key constraint that fits what was said. */
static void
take_constraint(Keys *keys, List *primary_key)
{
	List	   *all = foreign_keys_between(keys->child, keys->parent);
	List	   *fitting = NIL;
	ForeignKey *fk = NULL;
	ListCell   *lc;

	if (keys->foreign_key != NIL)
	{
		if (primary_key != NIL)
			fk = match_foreign_key(all, keys->foreign_key, primary_key);
		if (fk == NULL)
			fk = match_foreign_key(all, keys->foreign_key, NIL);
	}
	else
	{
		foreach(lc, all)
		{
			ForeignKey *candidate = lfirst(lc);

			if (keys->local_key == NIL || same_columns(candidate->parent_columns, keys->local_key))
				fitting = lappend(fitting, candidate);
		}
		/* two constraints on the same columns leave nothing to choose */
		foreach(lc, fitting)
		{
			fk = lfirst(lc);
			if (!same_pairs(fk->child_columns, fk->parent_columns,
							((ForeignKey *) linitial(fitting))->child_columns,
							((ForeignKey *) linitial(fitting))->parent_columns))
				ambiguous_keys(keys, fitting);
		}
	}
	if (fk != NULL)
	{
		keys->foreign_key = fk->child_columns;
		keys->local_key = fk->parent_columns;
	}
}

/*
 * Raises undefined_column unless the columns are there, or may be added, and
 * datatype_mismatch unless their types can be joined.
 */
static void
check_columns(Keys *keys)
{
	ListCell   *f;
	ListCell   *l;

	forboth(f, keys->foreign_key, l, keys->local_key)
	{
		Oid			local_type = get_atttype(keys->parent,
											 require_column(keys->parent, lfirst(l), local_argument(keys)));
		Oid			foreign_type;

		if (keys->add_column && get_attnum(keys->child, lfirst(f)) == InvalidAttrNumber)
		{
			keys->missing = lappend(keys->missing, lfirst(f));
			continue;
		}
		foreign_type = get_atttype(keys->child,
								   require_column(keys->child, lfirst(f), foreign_argument(keys)));
		if (keys->child == keys->parent && strcmp(lfirst(f), lfirst(l)) == 0 &&
			list_length(keys->foreign_key) == 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_FOREIGN_KEY),
					 errmsg("column \"%s\" of \"%s\" cannot point to itself",
							(char *) lfirst(f), model_name(keys->child)),
					 errhint("Name the column that holds the reference: %s => '...'.",
							 foreign_argument(keys))));
		if (!OidIsValid(find_strategy_operator(foreign_type, local_type, BTEqualStrategyNumber)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("foreign key \"%s\" and local key \"%s\" cannot be compared",
							(char *) lfirst(f), (char *) lfirst(l)),
					 errdetail("\"%s\".\"%s\" is of type %s, \"%s\".\"%s\" of type %s.",
							   model_name(keys->child), (char *) lfirst(f),
							   format_type_be(foreign_type),
							   model_name(keys->parent), (char *) lfirst(l),
							   format_type_be(local_type))));
	}
}

/*
 * Complete the keys from what was said of them.  What is found stands in the
 * current memory context.  Raises ambiguous_column when two foreign keys fit,
 * undefined_object when there is no primary key to point to, undefined_column
 * when no foreign key is found or a column is not there, invalid_foreign_key
 * when the two keys do not pair, datatype_mismatch when they cannot be
 * compared.
 */
void
resolve_keys(Keys *keys)
{
	List	   *primary_key = catalog_get_model(keys->parent)->primary_key;
	ListCell   *lc;

	foreach(lc, keys->local_key)
		require_column(keys->parent, lfirst(lc), local_argument(keys));
	if (keys->foreign_key == NIL || keys->local_key == NIL)
		take_constraint(keys, primary_key);
	if (keys->local_key == NIL)
		keys->local_key = primary_key;
	if (keys->local_key == NIL)
		no_primary_key(keys);
	if (keys->foreign_key == NIL)
	{
		keys->foreign_key = conventional_columns(model_singular(keys->parent), keys->local_key);
		if (!keys->add_column && !columns_exist(keys->child, keys->foreign_key))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("no foreign key of \"%s\" leads to \"%s\"",
							model_name(keys->child), model_name(keys->parent)),
					 errdetail("Looked for a foreign key constraint between the two, then for \"%s\" (%s).",
							   model_name(keys->child), format_column_list(keys->foreign_key)),
					 keys->foreign_argument == NULL
					 ? errhint("Name the column with foreign_key => '...', or have it added with add_column => true.")
					 : errhint("Name the column with %s => '...'.", keys->foreign_argument)));
	}
	check_key_lengths(keys);
	check_columns(keys);
}
