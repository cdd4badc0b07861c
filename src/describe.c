/*
 * describe.c
 *	  describe: the relations of a model, as people want to read them.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "funcapi.h"
#include "nodes/parsenodes.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog.h"

PG_FUNCTION_INFO_V1(relations_describe);

/* users.id, or users.(tenant_id, id); columns of a table, palloc'd. */
static char *
columns_of(Oid relid, List *columns)
{
	StringInfoData buf;
	ListCell   *lc;
	bool		several = list_length(columns) != 1;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s.%s", quote_identifier(model_name(relid)), several ? "(" : "");
	foreach(lc, columns)
		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
	if (several)
		appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* The way of a relation: from key to key, an arrow to what a reference names. */
static char *
describe_keys(RelationDesc *relation)
{
	StringInfoData buf;
	ListCell   *lc;

	require_types(relation);
	initStringInfo(&buf);
	if (relation->kind == RELATION_MORPH_TO)
	{
		List	   *reference = list_concat(list_make1(relation->morph_type_column),
											relation->morph_id_columns);

		appendStringInfo(&buf, "%s -> ", columns_of(relation->model, reference));
		foreach(lc, relation->branches)
		{
			RelationDesc *type = lfirst(lc);

			appendStringInfo(&buf, "%s%s (%s)", foreach_current_index(lc) > 0 ? " | " : "",
							 columns_of(type->related, type->local_key),
							 quote_literal_cstr(type->morph_type));
		}
		return buf.data;
	}
	for (int i = 0; i < relation->nsteps; i++)
	{
		RelationStep *step = &relation->steps[i];

		appendStringInfo(&buf, "%s%s %s %s", i > 0 ? ", " : "",
						 columns_of(step->from, STEP_FROM_COLUMNS(step)),
						 step->belongs ? "->" : "<-",
						 columns_of(step->to, STEP_TO_COLUMNS(step)));
	}
	return buf.data;
}

static char *
describe_related(RelationDesc *relation)
{
	StringInfoData buf;
	ListCell   *lc;

	if (relation->kind != RELATION_MORPH_TO)
		return model_name(relation->related);
	initStringInfo(&buf);
	foreach(lc, relation->branches)
		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) > 0 ? " | " : "",
						 model_name(((RelationDesc *) lfirst(lc))->related));
	return buf.data;
}

static void append_option(StringInfo buf, const char *format,...) pg_attribute_printf(2, 3);

static void
append_option(StringInfo buf, const char *format,...)
{
	int			needed;

	if (buf->len > 0)
		appendStringInfoString(buf, ", ");
	do
	{
		va_list		args;

		va_start(args, format);
		needed = appendStringInfoVA(buf, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(buf, needed);
	} while (needed > 0);
}

static const char *
action_name(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "restrict";
		case FKCONSTR_ACTION_CASCADE:
			return "cascade";
		case FKCONSTR_ACTION_SETNULL:
			return "set null";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "set default";
		default:
			return NULL;
	}
}

/* The foreign key of a step, as the server has it. */
static void
describe_constraint(StringInfo buf, RelationStep *step)
{
	Oid			child = STEP_CHILD(step);
	Oid			conoid;
	HeapTuple	tup;
	Form_pg_constraint con;

	if (step->constraint_name == NULL)
		return;
	conoid = get_relation_constraint_oid(child, step->constraint_name, true);
	tup = SearchSysCache1(CONSTROID, ObjectIdGetDatum(conoid));
	if (!HeapTupleIsValid(tup))
		return;
	con = (Form_pg_constraint) GETSTRUCT(tup);
	append_option(buf, "constraint %s", quote_identifier(step->constraint_name));
	if (con->contype == CONSTRAINT_FOREIGN)
	{
		if (action_name(con->confdeltype) != NULL)
			append_option(buf, "on delete %s", action_name(con->confdeltype));
		if (action_name(con->confupdtype) != NULL)
			append_option(buf, "on update %s", action_name(con->confupdtype));
	}
	if (con->condeferrable)
		append_option(buf, "initially %s", con->condeferred ? "deferred" : "immediate");
	if (!con->convalidated)
		append_option(buf, "not valid");
	ReleaseSysCache(tup);
}

/*
 * The foreign keys of a polymorphic reference.  Actions that no foreign key on
 * generated columns can do are the catalog's.
 */
static void
describe_types(StringInfo buf, RelationDesc *relation)
{
	ListCell   *lc;

	foreach(lc, catalog_morph_types(relation->model, relation->morph))
	{
		MorphType  *type = lfirst(lc);
		RelationStep step = {relation->model, type->related, true, type->foreign_key,
		type->local_key, type->constraint_name};

		describe_constraint(buf, &step);
		if (type->on_delete != NULL && strncmp(type->on_delete, "set ", 4) == 0)
			append_option(buf, "on delete %s", type->on_delete);
		if (type->on_update != NULL && strncmp(type->on_update, "set ", 4) == 0)
			append_option(buf, "on update %s", type->on_update);
	}
}

static char *
describe_options(RelationDesc *relation)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < relation->nsteps; i++)
		describe_constraint(&buf, &relation->steps[i]);
	if (relation->kind == RELATION_MORPH_TO)
		describe_types(&buf, relation);
	if (relation->created_index != NULL)
		append_option(&buf, "index %s", quote_identifier(relation->created_index));
	if (relation->created_second_index != NULL)
		append_option(&buf, "index %s", quote_identifier(relation->created_second_index));
	if (!relation->enforce)
		append_option(&buf, "not enforced");
	if (relation->morph_type != NULL && relation->kind != RELATION_MORPH_TO)
		append_option(&buf, "type %s", quote_literal_cstr(relation->morph_type));
	if (relation->pivot_columns != NIL)
		append_option(&buf, "pivot columns (%s)", quoted_column_list(relation->pivot_columns));
	if (relation->counter_cache != NULL)
		append_option(&buf, "counter cache %s", quote_identifier(relation->counter_cache));
	if (relation->touch != NULL)
		append_option(&buf, "touches %s", quote_identifier(relation->touch));
	if (relation->scope != NULL)
		appendStringInfo(&buf, "%sscope %s", buf.len > 0 ? ", " : "",
						 JsonbToCString(NULL, &relation->scope->root, VARSIZE(relation->scope)));
	return buf.data;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(((RelationDesc *) lfirst(a))->name, ((RelationDesc *) lfirst(b))->name);
}

/* A row for each relation of a model, by name. */
Datum
relations_describe(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *relations;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	model_check(PG_GETARG_OID(0));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	relations = catalog_relations_of(PG_GETARG_OID(0));
	list_sort(relations, compare_names);
	foreach(lc, relations)
	{
		RelationDesc *relation = lfirst(lc);
		Datum		values[5];
		bool		nulls[5] = {0};

		values[0] = DirectFunctionCall1(namein, CStringGetDatum(relation->name));
		values[1] = CStringGetTextDatum(relation_kind_name(relation->kind));
		values[2] = CStringGetTextDatum(describe_related(relation));
		values[3] = CStringGetTextDatum(describe_keys(relation));
		values[4] = CStringGetTextDatum(describe_options(relation));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
