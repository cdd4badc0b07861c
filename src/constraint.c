/*
 * constraint.c
 *	  The DDL that a relation needs: found, made, or told as text.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "constraint.h"

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

/* Attribute numbers of an array column of pg_constraint, as names. */
static List *
attnum_names(Datum array, Oid relid)
{
	ArrayType  *arr = DatumGetArrayTypeP(array);
	int16	   *attnums = (int16 *) ARR_DATA_PTR(arr);
	List	   *result = NIL;

	for (int i = 0; i < ARR_DIMS(arr)[0]; i++)
		result = lappend(result, get_attname(relid, attnums[i], false));
	return result;
}

/*
 * The foreign keys of child that point to parent, in the order of their
 * names; those that partitions inherit are left out.
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
		Form_pg_constraint con = (Form_pg_constraint) GETSTRUCT(tup);
		ForeignKey *fk;
		bool		isnull;

		if (con->contype != CONSTRAINT_FOREIGN || con->confrelid != parent ||
			OidIsValid(con->conparentid))
			continue;
		fk = palloc0(sizeof(ForeignKey));
		fk->oid = con->oid;
		fk->name = pstrdup(NameStr(con->conname));
		fk->child = child;
		fk->parent = parent;
		fk->child_columns = attnum_names(heap_getattr(tup, Anum_pg_constraint_conkey,
													  RelationGetDescr(rel), &isnull), child);
		fk->parent_columns = attnum_names(heap_getattr(tup, Anum_pg_constraint_confkey,
													   RelationGetDescr(rel), &isnull), parent);
		fk->on_delete = con->confdeltype;
		fk->on_update = con->confupdtype;
		fk->deferrable = con->condeferrable;
		fk->deferred = con->condeferred;
		result = lappend(result, fk);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static bool
contains(List *columns, const char *name)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
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
		if (!contains(b, lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Of a list of foreign keys, the one that pairs exactly these columns, in
 * whatever order; parent_columns may be NIL for any.  NULL when there is none.
 */
ForeignKey *
match_foreign_key(List *foreign_keys, List *child_columns, List *parent_columns)
{
	ListCell   *lc;

	foreach(lc, foreign_keys)
	{
		ForeignKey *fk = lfirst(lc);
		bool		match = same_columns(fk->child_columns, child_columns);
		ListCell   *c;
		ListCell   *p;

		if (match && parent_columns != NIL)
		{
			forboth(c, child_columns, p, parent_columns)
			{
				for (int i = 0; i < list_length(fk->child_columns); i++)
				{
					if (strcmp(list_nth(fk->child_columns, i), lfirst(c)) == 0 &&
						strcmp(list_nth(fk->parent_columns, i), lfirst(p)) != 0)
						match = false;
				}
			}
		}
		if (match)
			return fk;
	}
	return NULL;
}

/*
 * The name of an index of a table that is valid, without predicate and
 * expressions, and whose leading columns are these in whatever order: with
 * unique, one that makes them unique by themselves; NULL when there is none.
 */
static char *
find_index_on(Oid relid, List *columns, bool unique)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	char	   *result = NULL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;
		List	   *names = NIL;

		if (!HeapTupleIsValid(tup))
			continue;
		index = (Form_pg_index) GETSTRUCT(tup);
		if (index->indisvalid && (!unique || index->indisunique) &&
			heap_attisnull(tup, Anum_pg_index_indpred, NULL) &&
			(unique ? index->indnkeyatts == list_length(columns)
			 : index->indnkeyatts >= list_length(columns)))
		{
			for (int i = 0; i < list_length(columns); i++)
			{
				if (index->indkey.values[i] > 0)
					names = lappend(names, get_attname(relid, index->indkey.values[i], false));
			}
			if (same_columns(names, columns))
			{
				Relation	irel = index_open(index->indexrelid, AccessShareLock);

				if (irel->rd_rel->relam == BTREE_AM_OID)
					result = pstrdup(RelationGetRelationName(irel));
				index_close(irel, AccessShareLock);
			}
		}
		ReleaseSysCache(tup);
		if (result != NULL)
			break;
	}
	relation_close(rel, AccessShareLock);
	return result;
}

/* The index that makes columns unique, or NULL. */
char *
find_unique(Oid relid, List *columns)
{
	return find_index_on(relid, columns, true);
}

/* The btree index that finds rows by columns, or NULL. */
char *
find_index(Oid relid, List *columns)
{
	return find_index_on(relid, columns, false);
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

/* The statement that adds a wanted foreign key; chooses its name. */
char *
foreign_key_sql(ForeignKey *fk, bool validate)
{
	StringInfoData buf;

	fk->name = ChooseConstraintName(get_rel_name(fk->child), joined_columns(fk->child_columns),
									"fkey", get_rel_namespace(fk->child), NIL);
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
	if (!validate)
		appendStringInfoString(&buf, " NOT VALID");
	return buf.data;
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

/* The statement that adds a column of the type of another table's column. */
char *
add_column_sql(Oid relid, const char *column, Oid from, const char *from_column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	char	   *collate = "";

	get_atttypetypmodcoll(from, get_attnum(from, from_column), &type, &typmod, &collation);
	if (OidIsValid(collation) && collation != get_typcollation(type))
		collate = psprintf(" COLLATE %s",
						   generate_collation_name(collation));
	return psprintf("ALTER TABLE %s ADD COLUMN %s %s%s", quoted_model_name(relid),
					quote_identifier(column),
					format_type_extended(type, typmod,
										 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
					collate);
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
