/*
 * ddl.c
 *	  ddl: what a relation stands on, told as text.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"
#include "counter_cache.h"
#include "morph.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_ddl);

static bool
is_primary(Oid index)
{
	HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result;

	if (!HeapTupleIsValid(tup))
		return false;
	result = ((Form_pg_index) GETSTRUCT(tup))->indisprimary;
	ReleaseSysCache(tup);
	return result;
}

/* A column's default or generation expression, as CREATE TABLE says it; "" without one. */
static char *
default_sql(Relation rel, Form_pg_attribute att)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	List	   *context = deparse_context_for(RelationGetRelationName(rel), RelationGetRelid(rel));

	if (att->attidentity != '\0')
		return psprintf(" GENERATED %s AS IDENTITY",
						att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS ? "ALWAYS" : "BY DEFAULT");
	for (int i = 0; att->atthasdef && i < constr->num_defval; i++)
	{
		char	   *expr;

		if (constr->defval[i].adnum != att->attnum)
			continue;
		expr = deparse_expression(stringToNode(constr->defval[i].adbin), context, false, false);
		if (att->attgenerated == '\0')
			return psprintf(" DEFAULT %s", expr);
		return psprintf(" GENERATED ALWAYS AS (%s)%s", expr,
						att->attgenerated == ATTRIBUTE_GENERATED_STORED ? " STORED" : "");
	}
	return "";
}

/* A column as CREATE TABLE and ADD COLUMN say it. */
static char *
full_column_sql(Relation rel, Form_pg_attribute att)
{
	char	   *name = NameStr(att->attname);

	return psprintf("%s%s%s", column_sql(name, RelationGetRelid(rel), name),
					default_sql(rel, att), att->attnotnull ? " NOT NULL" : "");
}

/* The statement that creates a table, as it is now, with its primary key. */
static char *
table_sql(Oid relid)
{
	Relation	rel = peek_table(relid);
	TupleDesc	tupdesc = RelationGetDescr(rel);
	List	   *primary_key = catalog_primary_key_columns(relid);
	StringInfoData buf;
	bool		first = true;

	initStringInfo(&buf);
	appendStringInfo(&buf, "CREATE %sTABLE %s (",
					 rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED ? "UNLOGGED "
					 : rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP ? "TEMPORARY " : "",
					 rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP
					 ? quote_identifier(RelationGetRelationName(rel)) : quoted_model_name(relid));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (att->attisdropped)
			continue;
		appendStringInfo(&buf, "%s%s", first ? "" : ", ", full_column_sql(rel, att));
		first = false;
	}
	if (primary_key != NIL)
		appendStringInfo(&buf, ", PRIMARY KEY (%s)", quoted_column_list(primary_key));
	appendStringInfoChar(&buf, ')');
	RelationClose(rel);
	return buf.data;
}

/* The statements that add the columns that a declaration added. */
static List *
columns_ddl(Oid relid, List *columns)
{
	Relation	rel = peek_table(relid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	attnum = get_attnum(relid, lfirst(lc));

		if (attnum > 0)
			result = lappend(result,
							 psprintf("ALTER TABLE %s ADD COLUMN %s", quoted_model_name(relid),
									  full_column_sql(rel, TupleDescAttr(RelationGetDescr(rel),
																		 attnum - 1))));
	}
	RelationClose(rel);
	return result;
}

/*
 * The statement that makes an index, or the constraint that it is of.  A
 * primary key is the table's own, and not told: NIL.
 */
static List *
index_ddl(Oid index)
{
	Oid			conoid = get_index_constraint(index);

	if (!OidIsValid(conoid))
		return list_make1(pg_get_indexdef_string(index));
	return is_primary(index) ? NIL : list_make1(pg_get_constraintdef_command(conoid));
}

/* What a relation finds its rows by, told. */
static List *
indexes_ddl(RelationDesc *desc)
{
	List	   *indexes = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	for (int i = 0; i < desc->nsteps; i++)
	{
		RelationStep *step = &desc->steps[i];
		Oid			child = STEP_CHILD(step);
		Oid			index = InvalidOid;

		if (step->belongs && !RELATION_HAS_PIVOT(desc->kind))
			continue;
		if (desc->kind == RELATION_HAS_ONE || desc->kind == RELATION_MORPH_ONE)
			index = find_index_for(child, step->foreign_key, INDEX_MAKES_UNIQUE);
		if (!OidIsValid(index))
			index = find_index_for(child, step->foreign_key, INDEX_FINDS_ROWS);
		if (OidIsValid(index))
			indexes = list_append_unique_oid(indexes, index);
	}
	foreach(lc, indexes)
		result = list_concat(result, index_ddl(lfirst_oid(lc)));
	return result;
}

/* A statement, unless it has been told. */
static List *
append_new(List *statements, char *statement)
{
	return list_has_name(statements, statement) ? statements : lappend(statements, statement);
}

/*
 * The DDL that a relation stands on, as it is now: a list of strings in the
 * current memory context, NIL for a relation that is not enforced.  Through a
 * model that is what its steps stand on: the foreign keys that there are.
 */
static List *
relation_ddl(RelationDesc *desc)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (!desc->enforce && !RELATION_IS_THROUGH(desc->kind))
		return NIL;
	if (desc->created_table)
		result = lappend(result, table_sql(desc->via));
	else
		result = columns_ddl(desc->nsteps > 0 ? STEP_CHILD(&desc->steps[0]) : desc->model,
							 desc->created_columns);
	if (desc->morph != NULL)
		result = list_concat(result, morph_ddl(desc));
	for (int i = 0; i < desc->nsteps; i++)
	{
		RelationStep *step = &desc->steps[i];
		Oid			conoid = step->constraint_name == NULL ? InvalidOid
			: get_relation_constraint_oid(STEP_CHILD(step), step->constraint_name, true);

		/* both steps from a table to itself may stand on one */
		if (OidIsValid(conoid))
			result = append_new(result, pg_get_constraintdef_command(conoid));
	}
	if (!RELATION_IS_THROUGH(desc->kind))
	{
		foreach(lc, indexes_ddl(desc))
			result = append_new(result, lfirst(lc));
	}
	return result;
}

/* SQL: ddl(model, relation) */
Datum
relations_ddl(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RelationDesc *desc;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model_check(PG_GETARG_OID(0));
	desc = catalog_get_relation(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, list_concat(relation_ddl(desc), counting_ddl(desc)))
	{
		Datum		value = CStringGetTextDatum(lfirst(lc));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}
