/*
 * constraint.c
 *	  The DDL that a relation needs: found, or made.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "catalog_write.h"
#include "constraint.h"
#include "foreign_code.h"
#include "table_lock.h"

static const struct
{
	char		code;
	const char *name;
}			actions[] = {
	{FKCONSTR_ACTION_NOACTION, "no action"},
	{FKCONSTR_ACTION_RESTRICT, "restrict"},
	{FKCONSTR_ACTION_CASCADE, "cascade"},
	{FKCONSTR_ACTION_SETNULL, "set null"},
	{FKCONSTR_ACTION_SETDEFAULT, "set default"},
};

/*
 * The code of an action as people write it; '\0' for NULL.  Raises
 * invalid_parameter_value, naming the argument, for anything else.
 */
char
parse_action(const char *action, const char *argument)
{
	if (action == NULL)
		return '\0';
	for (int i = 0; i < (int) lengthof(actions); i++)
	{
		if (pg_strcasecmp(action, actions[i].name) == 0)
			return actions[i].code;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a value of \"%s\"", action, argument),
			 errhint("Its values are: no action, restrict, cascade, set null, set default.")));
}

/* The action as people write it; a constant. */
const char *
action_name(char action)
{
	for (int i = 0; i < (int) lengthof(actions); i++)
	{
		if (actions[i].code == action)
			return actions[i].name;
	}
	return "no action";
}

/*
 * Attribute numbers of an array column of pg_constraint, as names.  NIL when
 * one of the columns is gone, as it may be when the table is not locked.
 */
List *
constraint_columns(HeapTuple tup, AttrNumber anum, Oid relid)
{
	bool		isnull;
	Datum		d = SysCacheGetAttr(CONSTROID, tup, anum, &isnull);
	ArrayType  *arr;
	int16	   *attnums;
	List	   *result = NIL;

	if (isnull)
		return NIL;
	arr = DatumGetArrayTypeP(d);
	attnums = (int16 *) ARR_DATA_PTR(arr);
	for (int i = 0; i < ARR_DIMS(arr)[0]; i++)
	{
		char	   *name = get_attname(relid, attnums[i], true);

		if (name == NULL)
			return NIL;
		result = lappend(result, name);
	}
	return result;
}

/*
 * Is a constraint of a table only there because the table that it points to
 * has partitions?  A partition of the child inherits its foreign keys too,
 * but those are good ones.
 */
static bool
is_for_partition_of_parent(Form_pg_constraint con)
{
	HeapTuple	tup;
	bool		result;

	if (!OidIsValid(con->conparentid))
		return false;
	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(con->conparentid));
	if (!HeapTupleIsValid(tup))
		return true;
	result = ((Form_pg_constraint) GETSTRUCT(tup))->confrelid != con->confrelid;
	ReleaseSysCache(tup);
	return result;
}

/*
 * A row of pg_constraint as a ForeignKey, NULL when it is not one that a
 * relation can stand on.
 */
static ForeignKey *
foreign_key_from_tuple(HeapTuple tup)
{
	Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tup);
	ForeignKey *fk;

	if (con->contype != CONSTRAINT_FOREIGN || !CONSTRAINT_IS_PLAIN(con) ||
		is_for_partition_of_parent(con))
		return NULL;
	fk = palloc0(sizeof(ForeignKey));
	fk->oid = con->oid;
	fk->name = pstrdup(NameStr(con->conname));
	fk->child = con->conrelid;
	fk->parent = con->confrelid;
	fk->child_columns = constraint_columns(tup, Anum_pg_constraint_conkey, con->conrelid);
	fk->parent_columns = constraint_columns(tup, Anum_pg_constraint_confkey, con->confrelid);
	fk->on_delete = con->confdeltype;
	fk->on_update = con->confupdtype;
	fk->deferrable = con->condeferrable;
	fk->deferred = con->condeferred;
	fk->validated = con->convalidated;
	if (fk->child_columns == NIL || fk->parent_columns == NIL)
		return NULL;
	return fk;
}

/* The foreign key of that OID in the current memory context, NULL without one. */
ForeignKey *
get_foreign_key(Oid conoid)
{
	HeapTuple	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	ForeignKey *result = NULL;

	if (HeapTupleIsValid(tup))
	{
		result = foreign_key_from_tuple(tup);
		ReleaseSysCache(tup);
	}
	return result;
}

/*
 * The foreign keys of child that point to parent, in the order of their
 * names, as a list of ForeignKey in the current memory context.
 */
List *
foreign_keys_between(Oid child, Oid parent)
{
	Relation	rel = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(child));
	scan = systable_beginscan(rel, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		ForeignKey *fk;

		if (((Form_pg_constraint) GETSTRUCT(tup))->confrelid == parent &&
			(fk = foreign_key_from_tuple(tup)) != NULL)
			result = lappend(result, fk);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Do two lists hold the same columns, in whatever order? */
bool
same_columns(List *a, List *b)
{
	ListCell   *lc;

	if (list_length(a) != list_length(b))
		return false;
	foreach(lc, a)
	{
		if (!list_has_name(b, lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Do the columns a, each paired with one of other_a, make the same pairs as b
 * with other_b, in whatever order?
 */
bool
same_pairs(List *a, List *other_a, List *b, List *other_b)
{
	if (!same_columns(a, b) || list_length(other_a) != list_length(other_b))
		return false;
	for (int i = 0; i < list_length(a); i++)
	{
		for (int j = 0; j < list_length(b); j++)
		{
			if (strcmp(list_nth(a, i), list_nth(b, j)) == 0 &&
				strcmp(list_nth(other_a, i), list_nth(other_b, j)) != 0)
				return false;
		}
	}
	return true;
}

/*
 * Of a list of foreign keys, the first that pairs exactly these columns, in
 * whatever order; parent_columns may be NIL for any.  NULL when there is none.
 */
ForeignKey *
match_foreign_key(List *foreign_keys, List *child_columns, List *parent_columns)
{
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		ForeignKey *fk = lfirst(lc);

		if (parent_columns == NIL
			? same_columns(fk->child_columns, child_columns)
			: same_pairs(fk->child_columns, fk->parent_columns, child_columns, parent_columns))
			return fk;
	}
	return NULL;
}

static bool
is_btree(Oid index)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tup))
		return false;
	result = ((Form_pg_class) GETSTRUCT(tup))->relam == BTREE_AM_OID;
	ReleaseSysCache(tup);
	return result;
}

/* Can an index, of which tup is the row of pg_index, be used so? */
static bool
index_serves(HeapTuple tup, Oid relid, List *columns, IndexUse use)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(tup);
	List	   *names = NIL;
	int			wanted = list_length(columns);
	ListCell   *lc;

	if (!index->indisvalid || !heap_attisnull(tup, Anum_pg_index_indpred, NULL))
		return false;
	if (use == INDEX_MAKES_UNIQUE || use == INDEX_IDENTIFIES)
		wanted = Min(index->indnkeyatts, wanted);
	if (index->indnkeyatts < wanted)
		return false;
	if (use != INDEX_FINDS_ROWS &&
		(!index->indisunique || index->indisexclusion || index->indnkeyatts != wanted))
		return false;
	if ((use == INDEX_IS_REFERENCED || use == INDEX_IDENTIFIES) && !index->indimmediate)
		return false;
	for (int i = 0; i < wanted; i++)
	{
		char	   *name = index->indkey.values[i] <= 0 ? NULL
			: get_attname(relid, index->indkey.values[i], true);

		if (name == NULL)
			return false;
		names = lappend(names, name);
	}
	foreach(lc, names)
	{
		if (!list_has_name(columns, lfirst(lc)))
			return false;
	}
	return is_btree(index->indexrelid);
}

/* Do the columns, in any order, lead an index? */
bool
index_leads_with(Oid index, List *columns)
{
	HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tup))
		return false;
	result = index_serves(tup, ((Form_pg_index) GETSTRUCT(tup))->indrelid, columns,
						  INDEX_FINDS_ROWS);
	ReleaseSysCache(tup);
	return result;
}

/*
 * The index of a table that is valid, without predicate and expressions, and
 * serves the use; InvalidOid when there is none.
 */
Oid
find_index_for(Oid relid, List *columns, IndexUse use)
{
	Relation	rel = try_peek_table(relid);
	Oid			result = InvalidOid;
	ListCell   *lc;

	if (rel == NULL)
		return InvalidOid;
	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tup))
			continue;
		if (index_serves(tup, relid, columns, use))
			result = lfirst_oid(lc);
		ReleaseSysCache(tup);
		if (OidIsValid(result))
			break;
	}
	RelationClose(rel);
	return result;
}

static char *
index_name(Oid index)
{
	return OidIsValid(index) ? get_rel_name(index) : NULL;
}

/* The index that makes columns, or some of them, unique, or NULL. */
char *
find_unique(Oid relid, List *columns)
{
	return index_name(find_index_for(relid, columns, INDEX_MAKES_UNIQUE));
}

/* The btree index whose leading columns these are, in any order, or NULL. */
char *
find_index(Oid relid, List *columns)
{
	return index_name(find_index_for(relid, columns, INDEX_FINDS_ROWS));
}

/* Is there a unique index that lets a foreign key point to exactly these? */
bool
can_be_referenced(Oid relid, List *columns)
{
	return OidIsValid(find_index_for(relid, columns, INDEX_IS_REFERENCED));
}

/*
 * Return true if an index proves that no two rows of a table have the same
 * values in these columns, unless some are null.  A table with inheritance
 * children, and whatever is not a table, has no such index.
 */
bool
key_is_unique(Oid relid, List *columns)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind != RELKIND_PARTITIONED_TABLE && (relkind != RELKIND_RELATION || has_subclass(relid)))
		return false;
	return OidIsValid(find_index_for(relid, columns, INDEX_IDENTIFIES));
}

/* Must a row that is inserted say a value of the column? */
static bool
must_be_filled(Relation rel, Form_pg_attribute att)
{
	bool		not_null = att->attnotnull;

	if (att->attidentity != '\0' || att->attgenerated != '\0')
		return false;
	for (Oid type = att->atttypid; OidIsValid(type);)
	{
		HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));

		if (!HeapTupleIsValid(tup))
			break;
		not_null = not_null || ((Form_pg_type) GETSTRUCT(tup))->typnotnull;
		type = ((Form_pg_type) GETSTRUCT(tup))->typbasetype;	/* of a domain */
		ReleaseSysCache(tup);
	}
	return not_null && build_column_default(rel, att->attnum) == NULL;
}

/*
 * Can a row be inserted into a table that says nothing but these columns?
 * Every other one is nullable, or has a default, or is generated.
 */
bool
needs_nothing_else(Oid relid, List *columns)
{
	Relation	rel = try_peek_table(relid);
	TupleDesc	tupdesc;
	bool		result = true;

	if (rel == NULL)
		return false;
	tupdesc = RelationGetDescr(rel);
	for (int i = 0; result && i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		result = att->attisdropped || list_has_name(columns, NameStr(att->attname)) ||
			!must_be_filled(rel, att);
	}
	RelationClose(rel);
	return result;
}

/* The columns joined by underscores, as PostgreSQL names its constraints. */
static char *
joined_columns(List *columns)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", buf.len > 0 ? "_" : "", (char *) lfirst(lc));
	return buf.data;
}

/* The statement that adds a wanted foreign key under the name that it has. */
char *
named_foreign_key_sql(const ForeignKey *fk)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "ALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)",
					 quoted_model_name(fk->child), quote_identifier(fk->name),
					 quoted_column_list(fk->child_columns),
					 quoted_model_name(fk->parent), quoted_column_list(fk->parent_columns));
	if (fk->on_delete != '\0')
		appendStringInfo(&buf, " ON DELETE %s", asc_toupper(action_name(fk->on_delete),
														   strlen(action_name(fk->on_delete))));
	if (fk->on_update != '\0')
		appendStringInfo(&buf, " ON UPDATE %s", asc_toupper(action_name(fk->on_update),
														   strlen(action_name(fk->on_update))));
	if (fk->deferrable)
		appendStringInfo(&buf, " DEFERRABLE INITIALLY %s", fk->deferred ? "DEFERRED" : "IMMEDIATE");
	if (!fk->validated)
		appendStringInfoString(&buf, " NOT VALID");
	return buf.data;
}

/*
 * The statement that adds a wanted foreign key; chooses its name as
 * PostgreSQL would, and sets it.
 */
char *
foreign_key_sql(ForeignKey *fk)
{
	fk->name = ChooseConstraintName(get_rel_name(fk->child), joined_columns(fk->child_columns),
									"fkey", get_rel_namespace(fk->child), NIL);
	return named_foreign_key_sql(fk);
}

/* The statement that makes columns unique, and the name that it gives. */
char *
unique_sql(Oid relid, List *columns, char **name)
{
	*name = ChooseRelationName(get_rel_name(relid), joined_columns(columns), "key",
							   get_rel_namespace(relid), true);
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s UNIQUE (%s)",
					quoted_model_name(relid), quote_identifier(*name),
					quoted_column_list(columns));
}

/* The statement that indexes columns, and the name that it gives. */
char *
index_sql(Oid relid, List *columns, char **name)
{
	*name = ChooseRelationName(get_rel_name(relid), joined_columns(columns), "idx",
							   get_rel_namespace(relid), false);
	return psprintf("CREATE INDEX %s ON %s (%s)", quote_identifier(*name),
					quoted_model_name(relid), quoted_column_list(columns));
}

static char *
typed_column_sql(const char *column, Oid type, int32 typmod, Oid collation)
{
	char	   *collate = "";

	if (OidIsValid(collation) && collation != get_typcollation(type))
		collate = psprintf(" COLLATE %s", generate_collation_name(collation));
	return psprintf("%s %s%s", quote_identifier(column),
					format_type_with_typemod(type, typmod), collate);
}

/*
 * A column's name, with the type and collation of another table's column.  The
 * functions that come here pin search_path, so that what is not of pg_catalog
 * is qualified.
 */
char *
column_sql(const char *column, Oid from, const char *from_column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(from, get_attnum(from, from_column), &type, &typmod, &collation);
	return typed_column_sql(column, type, typmod, collation);
}

/*
 * Like column_sql(), but for a column that is to refer to the other.  A domain
 * of a role that the caller does not trust is left out: whoever writes the new
 * column would run its checks.
 */
char *
reference_column_sql(const char *column, Oid from, const char *from_column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(from, get_attnum(from, from_column), &type, &typmod, &collation);
	if (OidIsValid(foreign_domain(type, GetUserId())))
		type = getBaseTypeAndTypmod(type, &typmod);
	return typed_column_sql(column, type, typmod, collation);
}

/* The statement that adds such a column. */
char *
add_column_sql(Oid relid, const char *column, Oid from, const char *from_column)
{
	return psprintf("ALTER TABLE %s ADD COLUMN %s", quoted_model_name(relid),
					reference_column_sql(column, from, from_column));
}

/* Run a statement with the caller's rights; errors are its own. */
void
run_ddl(const char *sql)
{
	int			rc;

	SPI_connect();
	rc = SPI_execute(sql, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
	SPI_finish();
}
