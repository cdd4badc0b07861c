/*
 * names.c
 *	  Names of models and columns: written, read, and nearly right.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "named_objects.h"
#include "names.h"
#include "table_lock.h"

/* A name[] as a list of palloc'd strings. */
List *
name_array_to_list(Datum array)
{
	ArrayType  *arr = DatumGetArrayTypeP(array);
	Datum	   *elems;
	bool	   *nulls;
	int			n;
	List	   *result = NIL;

	deconstruct_array(arr, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR,
					  &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			result = lappend(result, pstrdup(NameStr(*DatumGetName(elems[i]))));
	}
	return result;
}

/* A list of strings as a name[] in the current memory context. */
Datum
name_list_to_array(List *names)
{
	Datum	   *elems = palloc(sizeof(Datum) * Max(list_length(names), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		elems[n++] = DirectFunctionCall1(namein, CStringGetDatum((char *) lfirst(lc)));
	return PointerGetDatum(construct_array(elems, n, NAMEOID, NAMEDATALEN,
										   false, TYPALIGN_CHAR));
}

/*
 * Raises undefined_table or wrong_object_type unless relid can be a model: a
 * table, partitioned table, view, materialized view or foreign table.
 */
void
model_check(Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			return;
		case '\0':
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u does not exist", relid)));
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" cannot be a model", model_name(relid)),
					 errdetail("A model is a table, partitioned table, view, materialized view or foreign table.")));
	}
}

/* A table's bare name for messages, palloc'd; its OID when it is gone. */
char *
model_name(Oid relid)
{
	char	   *name = get_rel_name(relid);

	return name != NULL ? name : psprintf("%u", relid);
}

/* A table's schema-qualified and quoted name, palloc'd. */
char *
quoted_model_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = name == NULL ? NULL : get_namespace_name(get_rel_namespace(relid));

	/* without its schema the name would be looked up in search_path */
	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	return quote_qualified_identifier(schema, name);
}

/*
 * Return a type's name as SQL that means the same type under every search_path,
 * with its modifier unless that is -1; palloc'd.
 */
char *
qualified_type_name(Oid type, int32 typmod)
{
	text_names_type(type);
	return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* Return COLLATE and a collation's schema-qualified name; palloc'd. */
char *
collate_clause(Oid collation)
{
	HeapTuple	tup;
	Form_pg_collation form;
	char	   *schema;
	char	   *result;

	text_names_object(COLLOID, collation);
	tup = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	form = (Form_pg_collation) GETSTRUCT(tup);
	schema = get_namespace_name(form->collnamespace);
	if (schema == NULL)
		elog(ERROR, "cache lookup failed for schema %u", form->collnamespace);
	result = psprintf(" COLLATE %s", quote_qualified_identifier(schema, NameStr(form->collname)));
	ReleaseSysCache(tup);
	return result;
}

/*
 * A column list such as 'tenant_id, "userId"' as a list of names.  Names that
 * are not quoted are folded to lower case, as SQL does.  Raises
 * invalid_parameter_value, naming the argument, for anything else, and
 * too_many_columns for more names than a table has columns.
 */
List *
parse_column_list(const char *text, const char *argument)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(text), ',', &names) || names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a list of columns: %s", argument, text),
				 errhint("Write one column name, or several separated by commas, quoted as SQL identifiers are.")));
	if (list_length(names) > MaxHeapAttributeNumber)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("\"%s\" names more than %d columns", argument, MaxHeapAttributeNumber)));
	foreach(lc, names)
	{
		for (ListCell *other = lnext(names, lc); other != NULL; other = lnext(names, other))
		{
			if (strcmp(lfirst(lc), lfirst(other)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" appears twice in \"%s\"",
								(char *) lfirst(lc), argument)));
		}
	}
	return names;
}

/* Names separated by commas, for messages. */
char *
format_column_list(List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "", (char *) lfirst(lc));
	return buf.data;
}

/* Quoted identifiers separated by commas, for SQL. */
char *
quoted_column_list(List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? ", " : "",
						 quote_identifier((char *) lfirst(lc)));
	return buf.data;
}

/* Is a name in a list of them? */
bool
list_has_name(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/* Do two lists hold the same names, in the same order? */
bool
list_same_names(List *a, List *b)
{
	ListCell   *x;
	ListCell   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
	{
		if (strcmp(lfirst(x), lfirst(y)) != 0)
			return false;
	}
	return true;
}

/*
 * The candidate that was probably meant by name, or NULL when none is near
 * enough: at most a third of the name's letters may differ, two in short ones.
 */
const char *
closest_name(const char *name, List *candidates)
{
	const char *best = NULL;
	int			length = strlen(name);
	int			best_distance = Max(length >= 4 ? 2 : 1, length / 3) + 1;
	ListCell   *lc;

	if (length == 0 || length >= NAMEDATALEN)
		return NULL;
	foreach(lc, candidates)
	{
		const char *candidate = lfirst(lc);
		int			distance;

		distance = varstr_levenshtein_less_equal(name, length,
												 candidate, strlen(candidate),
												 1, 1, 1, best_distance, true);
		if (distance < best_distance)
		{
			best_distance = distance;
			best = candidate;
		}
	}
	return best;
}

/*
 * The number of a column that a document may name; InvalidAttrNumber when there is
 * none.  What there is not leaves nothing behind in the session, as it would in
 * the syscache, which keeps a negative entry for each name that it was asked for.
 */
AttrNumber
find_column(Oid relid, const char *column)
{
	Relation	rel = RelationIdGetRelation(relid);
	AttrNumber	attnum = InvalidAttrNumber;

	if (!RelationIsValid(rel))
		return InvalidAttrNumber;
	for (int i = 0; i < RelationGetDescr(rel)->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), column) == 0)
		{
			attnum = att->attnum;
			break;
		}
	}
	RelationClose(rel);
	return attnum;
}

/*
 * Raise undefined_column for a column that a table does not have, with the
 * near name as a hint.  argument names the source of the column's name, for
 * the message's detail; NULL for none.
 */
void
undefined_column(Oid relid, const char *column, const char *argument)
{
	Relation	rel = peek_table(relid);
	TupleDesc	tupdesc = RelationGetDescr(rel);
	List	   *names = NIL;
	const char *near;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (!att->attisdropped)
			names = lappend(names, pstrdup(NameStr(att->attname)));
	}
	RelationClose(rel);
	near = closest_name(column, names);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of \"%s\" does not exist", column, model_name(relid)),
			 argument != NULL ? errdetail("It is named by \"%s\".", argument) : 0,
			 near != NULL ? errhint("Perhaps you meant the column \"%s\".", near) : 0));
}

/*
 * Return the number of a column that an argument or a document names.  Raises
 * undefined_column, see there, if the column does not exist.
 */
AttrNumber
require_column(Oid relid, const char *column, const char *argument)
{
	AttrNumber	attnum = find_column(relid, column);

	if (attnum == InvalidAttrNumber)
		undefined_column(relid, column, argument);
	return attnum;
}
