/*
 * follow_row.c
 *	  A row of a table of the catalog while it follows changes.
 *
 * Columns are looked up by name, so that nothing here depends on their order.
 * Setting a column to the value that it has changes nothing.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "catalog_write.h"
#include "follow.h"

/* Return a tuple as a row, which shares the tuple's memory. */
FollowRow *
follow_row_read(const FollowedTable *table, HeapTuple tup, TupleDesc desc)
{
	FollowRow  *row = palloc0(sizeof(FollowRow));

	row->table = table;
	row->desc = desc;
	row->values = palloc(sizeof(Datum) * desc->natts);
	row->nulls = palloc(sizeof(bool) * desc->natts);
	row->changed = palloc0(sizeof(bool) * desc->natts);
	heap_deform_tuple(tup, desc, row->values, row->nulls);
	row->model = row_oid(row, table->key[0]);
	row->name = table->key[1] == NULL ? "" : pstrdup(row_name(row, table->key[1]));
	row->type = table->key[2] == NULL ? "" : row_text(row, table->key[2]);
	return row;
}

/* Return a row as a new tuple, which takes the identity of the original one. */
HeapTuple
follow_row_tuple(FollowRow *row, HeapTuple original)
{
	HeapTuple	result = heap_form_tuple(row->desc, row->values, row->nulls);

	result->t_self = original->t_self;
	result->t_tableOid = original->t_tableOid;
	return result;
}

/*
 * Write the changes of a row, which the caller has locked, to its tuple at this
 * place.  The statement runs with the rights of the catalog's owner, and fires
 * the triggers of the table.
 */
void
follow_row_store(FollowRow *row, ItemPointer tid)
{
	int			n = 1;
	Oid		   *types = palloc(sizeof(Oid) * (row->desc->natts + 1));
	Datum	   *values = palloc(sizeof(Datum) * (row->desc->natts + 1));
	char	   *nulls = palloc(row->desc->natts + 1);
	StringInfoData sql;

	types[0] = TIDOID;
	values[0] = PointerGetDatum(tid);
	nulls[0] = ' ';
	initStringInfo(&sql);
	if (row->deleted)
		appendStringInfo(&sql, "DELETE FROM relations.%s", row->table->name);
	else
	{
		appendStringInfo(&sql, "UPDATE relations.%s SET ", row->table->name);
		for (int i = 0; i < row->desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(row->desc, i);

			if (!row->changed[i])
				continue;
			types[n] = att->atttypid;
			values[n] = row->values[i];
			nulls[n] = row->nulls[i] ? 'n' : ' ';
			n++;
			appendStringInfo(&sql, "%s%s = $%d", n > 2 ? ", " : "",
							 quote_identifier(NameStr(att->attname)), n);
		}
	}
	appendStringInfoString(&sql, " WHERE ctid = $1");
	catalog_query(sql.data, n, types, values, nulls);
}

/* ---------------------------------------------------------------------
 * Columns
 * ---------------------------------------------------------------------
 */

static int
column_index(FollowRow *row, const char *column)
{
	int			attnum = SPI_fnumber(row->desc, column);

	if (attnum <= 0)
		elog(ERROR, "relations.%s has no column \"%s\"", row->table->name, column);
	return attnum - 1;
}

static void
set_column(FollowRow *row, const char *column, Datum value, bool isnull)
{
	int			i = column_index(row, column);

	row->values[i] = value;
	row->nulls[i] = isnull;
	row->changed[i] = row->is_changed = true;
}

/* Return a column's value, InvalidOid for null. */
Oid
row_oid(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return row->nulls[i] ? InvalidOid : DatumGetObjectId(row->values[i]);
}

/* Return a column's value, false for null. */
bool
row_bool(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return !row->nulls[i] && DatumGetBool(row->values[i]);
}

/* Return a column's value, NULL for null. */
const char *
row_name(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return row->nulls[i] ? NULL : NameStr(*DatumGetName(row->values[i]));
}

/* Return a column's value, NULL for null; palloc'd. */
char *
row_text(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return row->nulls[i] ? NULL : TextDatumGetCString(row->values[i]);
}

/* Return the names of a column's array, NIL for null; palloc'd. */
List *
row_names(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return row->nulls[i] ? NIL : name_array_to_list(row->values[i]);
}

/* Return a column's value, NULL for null. */
Jsonb *
row_jsonb(FollowRow *row, const char *column)
{
	int			i = column_index(row, column);

	return row->nulls[i] ? NULL : DatumGetJsonbP(row->values[i]);
}

/* Set a column of type boolean. */
void
row_set_bool(FollowRow *row, const char *column, bool value)
{
	if (row_bool(row, column) != value)
		set_column(row, column, BoolGetDatum(value), false);
}

/* Set a column of type name, NULL for null. */
void
row_set_name(FollowRow *row, const char *column, const char *value)
{
	const char *before = row_name(row, column);

	if (value == NULL && before != NULL)
		set_column(row, column, (Datum) 0, true);
	else if (value != NULL && (before == NULL || strcmp(before, value) != 0))
		set_column(row, column, DirectFunctionCall1(namein, CStringGetDatum(value)), false);
}

/* Set a column of type text. */
void
row_set_text(FollowRow *row, const char *column, const char *value)
{
	set_column(row, column, CStringGetTextDatum(value), false);
}

/* Set a column of type name[], NIL for null. */
void
row_set_names(FollowRow *row, const char *column, List *names)
{
	set_column(row, column, names == NIL ? (Datum) 0 : name_list_to_array(names), names == NIL);
}

/* Set a column of type jsonb; the value is not copied. */
void
row_set_jsonb(FollowRow *row, const char *column, Jsonb *value)
{
	set_column(row, column, JsonbPGetDatum(value), false);
}

/* Mark a row for deletion; what was to be noticed about its columns is dropped. */
void
row_delete(FollowRow *row)
{
	row->notices = NIL;
	row->deleted = row->is_changed = true;
}

/*
 * Set a column of type name to the new name, or to null, if it has the old one.
 * Return whether it has.
 */
bool
row_rename(FollowRow *row, const char *column, const CatalogChange *change)
{
	const char *before = row_name(row, column);

	if (before == NULL || strcmp(before, change->old_name) != 0)
		return false;
	row_set_name(row, column, change->new_name);
	return true;
}

/* Replace the old name in a column of type name[].  Return whether it is there. */
bool
row_rename_in(FollowRow *row, const char *column, const CatalogChange *change)
{
	List	   *names = row_names(row, column);
	ListCell   *lc;

	if (!list_has_name(names, change->old_name))
		return false;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), change->old_name) == 0)
			lfirst(lc) = pstrdup(change->new_name);
	}
	row_set_names(row, column, names);
	return true;
}

/* Remove a name from a column of type name[].  Return whether it is there. */
bool
row_remove_from(FollowRow *row, const char *column, const char *name)
{
	List	   *left = NIL;
	List	   *names = row_names(row, column);
	ListCell   *lc;

	if (!list_has_name(names, name))
		return false;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) != 0)
			left = lappend(left, lfirst(lc));
	}
	row_set_names(row, column, left);
	return true;
}

/* Return whether a column is of an enum type, or of a domain over it. */
bool
column_is_of_enum(Oid relid, const char *column, Oid enum_type)
{
	AttrNumber	attnum = get_attnum(relid, column);

	return attnum > 0 && getBaseType(get_atttype(relid, attnum)) == enum_type;
}
