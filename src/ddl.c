/*
 * ddl.c
 *	  ddl: what a relation stands on, told as text.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "funcapi.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog_write.h"
#include "constraint.h"

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

/*
 * The DDL that a relation stands on, as it is now: a list of strings in the
 * current memory context, NIL for a relation that is not enforced.  A primary
 * key that makes a has_one unique is the table's own, and not told.
 */
static List *
relation_ddl(RelationDesc *desc)
{
	Oid			child = CHILD_OF(desc);
	List	   *result = NIL;
	Oid			conoid = InvalidOid;
	Oid			index = InvalidOid;
	ListCell   *lc;

	if (!desc->enforce)
		return NIL;
	foreach(lc, desc->created_columns)
	{
		if (get_attnum(child, lfirst(lc)) > 0)
			result = lappend(result, add_column_sql(child, lfirst(lc), child, lfirst(lc)));
	}
	if (desc->constraint_name != NULL)
		conoid = get_relation_constraint_oid(child, desc->constraint_name, true);
	if (OidIsValid(conoid))
		result = lappend(result, pg_get_constraintdef_command(conoid));
	if (desc->kind == RELATION_BELONGS_TO)
		return result;

	if (desc->kind == RELATION_HAS_ONE)
		index = find_index_for(child, desc->foreign_key, INDEX_MAKES_UNIQUE);
	if (!OidIsValid(index))
		index = find_index_for(child, desc->foreign_key, INDEX_FINDS_ROWS);
	if (!OidIsValid(index))
		return result;
	conoid = get_index_constraint(index);
	if (!OidIsValid(conoid))
		result = lappend(result, pg_get_indexdef_string(index));
	else if (!is_primary(index))
		result = lappend(result, pg_get_constraintdef_command(conoid));
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
	foreach(lc, relation_ddl(desc))
	{
		Datum		value = CStringGetTextDatum(lfirst(lc));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}
