/*
 * factory_define.c
 *	  define_factory, define_state, drop_factory, drop_state, and reading what
 *	  they have written.
 *
 * A definition is checked when it is given: its columns, generators and
 * values, and that an expression of SQL is one and fits its column.  Whoever
 * makes rows runs it with rights of his own, as he runs the table's defaults.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "arguments.h"
#include "catalog_write.h"
#include "declaration.h"
#include "factory.h"
#include "follow_pending.h"
#include "foreign_code.h"
#include "json_value.h"
#include "query_json.h"

PG_FUNCTION_INFO_V1(relations_define_factory);
PG_FUNCTION_INFO_V1(relations_define_state);
PG_FUNCTION_INFO_V1(relations_drop_factory);
PG_FUNCTION_INFO_V1(relations_drop_state);

/* columns of relations.factory and relations.factory_state */
enum
{
	Anum_factory_model = 1,
	Anum_factory_definition
};
enum
{
	Anum_state_model = 1,
	Anum_state_state,
	Anum_state_definition
};

/* ---------------------------------------------------------------------
 * Reading
 * ---------------------------------------------------------------------
 */

/*
 * The rows of a table of the catalog that are about a model, as copies.  It is
 * read with the catalog snapshot, as the relations are.
 */
static List *
read_rows(const char *table, Oid relid, TupleDesc *desc)
{
	Relation	rel = table_open(catalog_table_oid(table), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *result = NIL;

	*desc = CreateTupleDescCopy(RelationGetDescr(rel));
	ScanKeyInit(&key, Anum_factory_model, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		tup = pending_current(rel, tup);
		if (tup != NULL)
			result = lappend(result, heap_copytuple(tup));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* The definition of a model's factory, or NULL; in the current memory context. */
Jsonb *
factory_definition(Oid relid)
{
	TupleDesc	desc;
	List	   *rows = read_rows("factory", relid, &desc);

	if (rows == NIL)
		return NULL;
	return DatumGetJsonbPCopy(catalog_value(linitial(rows), Anum_factory_definition, desc));
}

/* The definition of a state, or NULL; in the current memory context. */
Jsonb *
factory_state(Oid relid, const char *state)
{
	TupleDesc	desc;
	ListCell   *lc;

	foreach(lc, read_rows("factory_state", relid, &desc))
	{
		Datum		name = catalog_value(lfirst(lc), Anum_state_state, desc);

		if (strcmp(NameStr(*DatumGetName(name)), state) == 0)
			return DatumGetJsonbPCopy(catalog_value(lfirst(lc), Anum_state_definition, desc));
	}
	return NULL;
}

/* The names of a model's states. */
List *
factory_states(Oid relid)
{
	TupleDesc	desc;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, read_rows("factory_state", relid, &desc))
		result = lappend(result, pstrdup(NameStr(*DatumGetName(catalog_value(lfirst(lc), Anum_state_state,
																			 desc)))));
	return result;
}

/* ---------------------------------------------------------------------
 * Checking
 * ---------------------------------------------------------------------
 */

static void
no_expression(const char *expression, const JsonPathFrame *path)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("\"%s\" must be one expression of SQL: %s", json_path_string(path), expression),
			 errhint("It is evaluated for each row, as a column's default is: {\"sql\": \"now() - interval '1 day'\"}.")));
}

/*
 * Raises syntax_error unless the text is one expression: it shall not add
 * columns, tables or conditions to the statement that it becomes part of.
 */
static void
check_expression(const char *expression, const JsonPathFrame *path)
{
	char	   *sql = psprintf("SELECT (%s\n)", expression);
	List	   *parsed = raw_parser(sql, RAW_PARSE_DEFAULT);
	SelectStmt *select;

	if (list_length(parsed) != 1)
		no_expression(expression, path);
	select = (SelectStmt *) ((RawStmt *) linitial(parsed))->stmt;
	if (!IsA(select, SelectStmt) || select->op != SETOP_NONE || list_length(select->targetList) != 1 ||
		((ResTarget *) linitial(select->targetList))->name != NULL ||
		((ResTarget *) linitial(select->targetList))->indirection != NIL ||
		select->fromClause != NIL || select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->sortClause != NIL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL || select->withClause != NULL ||
		select->windowClause != NIL || select->intoClause != NULL || select->distinctClause != NIL)
		no_expression(expression, path);
}

static void
value_error_context(void *arg)
{
	errcontext("factory value of \"%s\"", json_path_string(arg));
}

/* Raises what the server raises when the expression does not fit the column. */
static void
check_expression_type(WriteModel *model, WriteColumn *column, const char *expression,
					  const JsonPathFrame *path)
{
	ErrorContextCallback callback = {error_context_stack, value_error_context,
	unconstify(JsonPathFrame *, path)};
	StringInfoData sql;
	SPIPlanPtr	plan;
	int			n = 0;

	initStringInfo(&sql);
	/* the parser converts a literal, and checks a domain inside of the type */
	if (OidIsValid(foreign_domain(column->type, GetUserId())))
		appendStringInfo(&sql, "SELECT (%s\n) FROM (SELECT ", expression);
	else
		appendStringInfo(&sql, "SELECT CAST((%s\n) AS %s) FROM (SELECT ", expression,
						 format_type_extended(column->type, column->typmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
	for (int i = 0; i < model->ncolumns; i++)
	{
		WriteColumn *other = &model->columns[i];

		if (other->name != NULL && other != column)
			appendStringInfo(&sql, "%sNULL::%s AS %s", n++ > 0 ? ", " : "",
							 format_type_extended(other->type, other->typmod,
												  FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
							 quote_identifier(other->name));
	}
	appendStringInfo(&sql, ") AS %s", quote_identifier(get_rel_name(model->relid)));
	error_context_stack = &callback;
	SPI_connect();
	plan = SPI_prepare(sql.data, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_finish();
	error_context_stack = callback.previous;
}

/* Raises what the type raises, when it cannot read the text that is made for it. */
static void
check_sample(ValueRule *rule, const JsonPathFrame *path)
{
	ErrorContextCallback callback = {error_context_stack, value_error_context,
	unconstify(JsonPathFrame *, path)};
	StringInfoData buf;
	ValueDraw	draw = {0};
	bool		isnull;

	initStringInfo(&buf);
	draw.buf = &buf;
	draw.number = 1;
	/* it is for each value to fit the constraints of a domain */
	rule->checks_domain = false;
	error_context_stack = &callback;
	(void) value_make(rule, &draw, &isnull);
	error_context_stack = callback.previous;
}

/*
 * Raises what the type raises for a constant, without running the checks of
 * domains as the caller.
 */
static void
check_constant(WriteColumn *column, JsonbValue *value, const JsonPathFrame *path)
{
	ErrorContextCallback callback = {error_context_stack, value_error_context,
	unconstify(JsonPathFrame *, path)};
	bool		isnull;

	error_context_stack = &callback;
	(void) json_value_to_compare(value, column->type, column->typmod, &isnull);
	error_context_stack = callback.previous;
}

/* The columns that a definition may name, for messages. */
static List *
writable_columns(WriteModel *model)
{
	List	   *result = NIL;

	for (int i = 0; i < model->ncolumns; i++)
	{
		if (model->columns[i].name != NULL && !model->columns[i].generated)
			result = lappend(result, model->columns[i].name);
	}
	return result;
}

/* Raises an error that names the path of what is wrong in a definition. */
static void
check_definition(Oid relid, Jsonb *definition)
{
	WriteRun   *run = write_run_begin();
	WriteModel *model = write_run_model(run, relid);
	JsonbValue	root;
	ListCell   *lc;

	json_root_value(definition, &root);
	if (!JSON_IS_OBJECT(&root))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an object", "definition")));
	foreach(lc, json_members_of(&root))
	{
		JsonMember *member = lfirst(lc);
		JsonPathFrame path = {NULL, member->key, 0};
		WriteMember *known = write_model_member(model, member->key);
		WriteColumn *column;
		JsonbValue	argument;
		char	   *generator;
		SavedUser	saved;
		bool		switched;

		if (known == NULL || known->column < 0)
		{
			const char *near = closest_name(member->key, writable_columns(model));

			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of model \"%s\" does not exist", member->key, model_name(relid)),
					 known != NULL ? errhint("\"%s\" is a relation: its rows are made by the factory of its model.", member->key)
					 : near != NULL ? errhint("Perhaps you meant \"%s\".", near) : 0));
		}
		column = &model->columns[known->column];
		if (column->generated)
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("column \"%s\" of model \"%s\" is always generated", member->key, model_name(relid))));
		if (!value_is_generator(&member->value, &generator, &argument))
		{
			if (JSON_IS_OBJECT(&member->value) && column->base != JSONOID && column->base != JSONBOID &&
				get_typtype(column->base) != TYPTYPE_COMPOSITE)
			{
				List	   *keys = json_members_of(&member->value);

				query_unknown_key(&path, keys != NIL ? ((JsonMember *) linitial(keys))->key : "",
								  "a factory's column", value_generators());
			}
			if (OidIsValid(input_role(1, &column->type)))
				check_constant(column, &member->value, &path);
			else
				(void) value_rule_constant(column->type, column->typmod, &member->value, &path);
		}
		else if (strcmp(generator, "sql") == 0)
		{
			JsonPathFrame inner = {&path, generator, 0};
			char	   *expression;

			if (argument.type != jbvString)
				query_document_error(&inner, "an expression of SQL in a string", &argument);
			expression = pnstrdup(argument.val.string.val, argument.val.string.len);
			check_expression(expression, &inner);
			check_expression_type(model, column, expression, &inner);
		}
		else
		{
			switched = switch_for_input(1, &column->type, &saved);
			check_sample(value_rule_generator(column->type, column->typmod, generator, &argument, false, &path),
						 &path);
			if (switched)
				restore_user(&saved);
		}
	}
	write_run_end(run);
}

/* ---------------------------------------------------------------------
 * Writing
 * ---------------------------------------------------------------------
 */

/* The model whose factory is to be changed; only its owner may. */
static Oid
owned_model(FunctionCallInfo fcinfo)
{
	Oid			relid;

	require_argument(fcinfo, 0, "model");
	relid = PG_GETARG_OID(0);
	model_check(relid);
	require_owner(relid);
	lock_models(list_make1_oid(relid));
	return relid;
}

/* SQL: define_factory(model, definition); the catalog row */
Datum
relations_define_factory(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, JSONBOID};
	Datum		values[2];
	Oid			relid = owned_model(fcinfo);

	require_argument(fcinfo, 1, "definition");
	check_definition(relid, PG_GETARG_JSONB_P(1));
	values[0] = ObjectIdGetDatum(relid);
	values[1] = PG_GETARG_DATUM(1);
	return relation_result(fcinfo,
						   linitial(catalog_insert("INSERT INTO relations.factory (model, definition)"
												   " VALUES ($1, $2)"
												   " ON CONFLICT (model) DO UPDATE SET definition = $2"
												   " RETURNING *",
												   2, types, values, NULL)));
}

/* SQL: define_state(model, state, definition); the catalog row */
Datum
relations_define_state(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, NAMEOID, JSONBOID};
	Datum		values[3];
	Oid			relid = owned_model(fcinfo);

	require_argument(fcinfo, 1, "state");
	require_argument(fcinfo, 2, "definition");
	if (NameStr(*PG_GETARG_NAME(1))[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a state must not be empty")));
	check_definition(relid, PG_GETARG_JSONB_P(2));
	values[0] = ObjectIdGetDatum(relid);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = PG_GETARG_DATUM(2);
	return relation_result(fcinfo,
						   linitial(catalog_insert("INSERT INTO relations.factory_state (model, state, definition)"
												   " VALUES ($1, $2, $3)"
												   " ON CONFLICT (model, state) DO UPDATE SET definition = $3"
												   " RETURNING *",
												   3, types, values, NULL)));
}

/* SQL: drop_factory(model): its definition and its states */
Datum
relations_drop_factory(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID};
	Datum		values[1];
	Oid			relid = owned_model(fcinfo);
	List	   *gone;
	List	   *states;

	values[0] = ObjectIdGetDatum(relid);
	gone = catalog_query("DELETE FROM relations.factory WHERE model OPERATOR(pg_catalog.=) $1 RETURNING *",
						 1, types, values, NULL);
	states = catalog_query("DELETE FROM relations.factory_state WHERE model OPERATOR(pg_catalog.=) $1 RETURNING *",
						   1, types, values, NULL);
	if (gone == NIL && states == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no factory of \"%s\"", model_name(relid))));
	PG_RETURN_VOID();
}

/* SQL: drop_state(model, state) */
Datum
relations_drop_state(PG_FUNCTION_ARGS)
{
	Oid			types[] = {REGCLASSOID, NAMEOID};
	Datum		values[2];
	Oid			relid = owned_model(fcinfo);

	require_argument(fcinfo, 1, "state");
	values[0] = ObjectIdGetDatum(relid);
	values[1] = PG_GETARG_DATUM(1);
	if (catalog_query("DELETE FROM relations.factory_state"
					  " WHERE model OPERATOR(pg_catalog.=) $1 AND state OPERATOR(pg_catalog.=) $2 RETURNING *",
					  2, types, values, NULL) == NIL)
	{
		const char *near = closest_name(NameStr(*PG_GETARG_NAME(1)), factory_states(relid));

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the factory of \"%s\" has no state \"%s\"", model_name(relid),
						NameStr(*PG_GETARG_NAME(1))),
				 near != NULL ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
	PG_RETURN_VOID();
}
