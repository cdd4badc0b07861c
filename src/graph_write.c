/*
 * graph_write.c
 *	  create, create_many, update, upsert, delete, create_related and
 *	  create_many_related.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "budget.h"
#include "relation_key.h"
#include "write_change.h"
#include "write_statement.h"

PG_FUNCTION_INFO_V1(relations_create);
PG_FUNCTION_INFO_V1(relations_create_many);
PG_FUNCTION_INFO_V1(relations_update);
PG_FUNCTION_INFO_V1(relations_upsert);
PG_FUNCTION_INFO_V1(relations_delete);
PG_FUNCTION_INFO_V1(relations_create_related);
PG_FUNCTION_INFO_V1(relations_create_many_related);

/* Rows that were stored, and whose documents are returned one by one. */
typedef struct StoredRows
{
	WriteRun   *run;
	List	   *rows;			/* of WriteRow */
} StoredRows;

/* An argument that must be an object. */
static void
object_argument(Jsonb *document, const char *name, JsonbValue *value)
{
	json_root_value(document, value);
	if (!JSON_IS_OBJECT(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an object", name)));
}

/* An argument that must be an array of objects: its elements. */
static List *
array_argument(Jsonb *documents, const char *name)
{
	JsonbValue	value;
	ListCell   *lc;
	List	   *elements;

	json_root_value(documents, &value);
	if (!JSON_IS_ARRAY(&value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an array of objects", name)));
	elements = json_elements_of(&value);
	foreach(lc, elements)
	{
		JsonMember *element = lfirst(lc);

		if (!JSON_IS_OBJECT(&element->value))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"[%d]\" must be an object, not %s", foreach_current_index(lc),
							json_value_type(&element->value))));
	}
	return elements;
}

/* ---------------------------------------------------------------------
 * create
 * ---------------------------------------------------------------------
 */

/* SQL: create(model, document) */
Datum
relations_create(PG_FUNCTION_ARGS)
{
	WriteRun   *run;
	WriteRow   *row;
	JsonbValue	value;
	Jsonb	   *result;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "document");
	model_check(PG_GETARG_OID(0));
	object_argument(PG_GETARG_JSONB_P(1), "document", &value);
	run = write_run_begin();
	SPI_connect();
	row = write_row_make(run, write_run_model(run, PG_GETARG_OID(0)), NULL, NULL, -1);
	write_parse_document(run, row, &value);
	write_store(run, list_make1(row));
	SPI_finish();
	result = write_document_of(run, row);
	write_run_end(run);
	PG_RETURN_JSONB_P(result);
}

/* The documents of stored rows, one a call. */
static Datum
return_rows(FunctionCallInfo fcinfo, void (*store) (FunctionCallInfo, StoredRows *))
{
	FuncCallContext *funcctx;
	StoredRows *stored;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		stored = palloc0(sizeof(StoredRows));
		stored->run = write_run_begin();
		funcctx->user_fctx = stored;
		store(fcinfo, stored);
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	stored = funcctx->user_fctx;
	if (funcctx->call_cntr < (uint64) list_length(stored->rows))
	{
		Jsonb	   *document = write_document_of(stored->run,
												 list_nth(stored->rows, (int) funcctx->call_cntr));

		SRF_RETURN_NEXT(funcctx, JsonbPGetDatum(document));
	}
	SRF_RETURN_DONE(funcctx);
}

static void
store_many(FunctionCallInfo fcinfo, StoredRows *stored)
{
	WriteRun   *run = stored->run;
	MemoryContext old;
	WriteModel *model;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "documents");
	model_check(PG_GETARG_OID(0));
	SPI_connect();
	model = write_run_model(run, PG_GETARG_OID(0));
	old = MemoryContextSwitchTo(run->context);
	foreach(lc, array_argument(PG_GETARG_JSONB_P_COPY(1), "documents"))
	{
		WriteRow   *row = write_row_make(run, model, NULL, NULL, foreach_current_index(lc));

		CHECK_FOR_INTERRUPTS();
		write_parse_document(run, row, &((JsonMember *) lfirst(lc))->value);
		stored->rows = lappend(stored->rows, row);
	}
	if (stored->rows != NIL)
		write_store(run, stored->rows);
	MemoryContextSwitchTo(old);
	SPI_finish();
}

/* SQL: create_many(model, documents) */
Datum
relations_create_many(PG_FUNCTION_ARGS)
{
	return return_rows(fcinfo, store_many);
}

/* ---------------------------------------------------------------------
 * update, upsert, delete
 * ---------------------------------------------------------------------
 */

/* The row that a key names.  Raises null_value_not_allowed. */
static WriteRow *
row_of_key(WriteRun *run, Oid model, char *key)
{
	WriteRow   *row = write_row_make(run, write_run_model(run, model), NULL, NULL, -1);

	if (!write_text_key(run, row, key))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key of a row of \"%s\" must not be null", model_name(model))));
	return row;
}

/* SQL: update(model, key, document); null when there is no such row */
Datum
relations_update(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	WriteRun   *run;
	WriteRow   *row;
	JsonbValue	value;
	Jsonb	   *result = NULL;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "key");
	require_argument(fcinfo, 2, "document");
	model_check(PG_GETARG_OID(0));
	object_argument(PG_GETARG_JSONB_P_COPY(2), "document", &value);
	run = write_run_begin();
	SPI_connect();
	MemoryContextSwitchTo(run->context);
	row = row_of_key(run, PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (write_change_found(run, row, &value, false))
	{
		MemoryContextSwitchTo(caller);
		result = write_document_of(run, row);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	write_run_end(run);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

/*
 * Insert a row, or change the one that has the same values in the columns of
 * conflict.
 */
static void
upsert_row(WriteRun *run, WriteRow *row, List *conflict)
{
	WriteStatement statement;
	WriteModel *model = row->model;
	int			n = 0;

	budget_write(run, list_make1(row));
	write_set_shape(row);
	statement_init(&statement);
	appendStringInfo(&statement.sql, "INSERT INTO %s AS c", quoted_model_name(model->relid));
	for (int i = 0; i < row->ncolumns; i++)
		appendStringInfo(&statement.sql, "%s%s", i == 0 ? " (" : ", ",
						 quote_identifier(model->columns[row->columns[i]].name));
	appendStringInfoString(&statement.sql, row->ncolumns > 0 ? ") VALUES (" : " DEFAULT VALUES");
	for (int i = 0; i < row->ncolumns; i++)
	{
		if (i > 0)
			appendStringInfoString(&statement.sql, ", ");
		statement_param(&statement, model->columns[row->columns[i]].base, row->values[i], row->nulls[i]);
	}
	appendStringInfo(&statement.sql, "%s ON CONFLICT (%s) DO UPDATE SET ",
					 row->ncolumns > 0 ? ")" : "", quoted_column_list(conflict));
	for (int i = 0; i < row->ncolumns; i++)
	{
		char	   *name = model->columns[row->columns[i]].name;

		if (list_has_name(conflict, name))
			continue;
		appendStringInfo(&statement.sql, "%s%s = EXCLUDED.%s", n++ > 0 ? ", " : "",
						 quote_identifier(name), quote_identifier(name));
	}
	/* nothing to change: the row is returned as it is */
	if (n == 0)
		appendStringInfo(&statement.sql, "%s = c.%s", quote_identifier(linitial(conflict)),
						 quote_identifier(linitial(conflict)));
	appendStringInfoString(&statement.sql, " RETURNING ");
	statement_returned(&statement, row, "c");
	if (statement_run(&statement) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the row for \"%s\" was not stored", model_name(model->relid)),
				 errdetail("A trigger or a rule of the table suppressed it.")));
	statement_take_row(run, row);
}

/*
 * SQL: upsert(model, document, on_conflict).  What the document nests under
 * its relations is created beside what is there; under a relation to one it
 * takes its place.
 */
Datum
relations_upsert(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	WriteRun   *run;
	WriteRow   *row;
	JsonbValue	value;
	List	   *conflict;
	Jsonb	   *result;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "document");
	model_check(PG_GETARG_OID(0));
	object_argument(PG_GETARG_JSONB_P_COPY(1), "document", &value);
	run = write_run_begin();
	SPI_connect();
	MemoryContextSwitchTo(run->context);
	row = write_row_make(run, write_run_model(run, PG_GETARG_OID(0)), NULL, NULL, -1);
	conflict = PG_ARGISNULL(2) ? row->model->desc->primary_key
		: parse_key_columns(text_to_cstring(PG_GETARG_TEXT_PP(2)), "on_conflict");
	if (conflict == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(row->model->relid)),
				 errhint("Say which columns are unique: on_conflict => '...'.")));
	foreach(lc, conflict)
		require_column(row->model->relid, lfirst(lc), "on_conflict");
	write_parse_document(run, row, &value);
	write_store_parents(run, list_make1(row));
	upsert_row(run, row, conflict);
	write_resolve_links(run, row);
	/* the row may have been there: joined already, or with the one that it can have */
	foreach(lc, row->links)
	{
		WriteLink  *link = lfirst(lc);
		RelationKind kind = link->relation->kind;

		if (OidIsValid(link->relation->via))
			write_drop_joined(run, row, link->relation);
		else if ((kind == RELATION_HAS_ONE || kind == RELATION_MORPH_ONE) && link->rows != NIL)
			(void) write_let_go(link->relation, row, NULL,
								((WriteRow *) linitial(link->rows))->existing ? link->rows : NIL, "");
	}
	write_store_links(run, list_make1(row));
	SPI_finish();
	MemoryContextSwitchTo(caller);
	result = write_document_of(run, row);
	write_run_end(run);
	PG_RETURN_JSONB_P(result);
}

/* SQL: delete(model, key); the row that went, null when there was none */
Datum
relations_delete(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	WriteRun   *run;
	WriteRow   *row;
	WriteStatement statement;
	uint64		n;
	Jsonb	   *result = NULL;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "key");
	model_check(PG_GETARG_OID(0));
	run = write_run_begin();
	SPI_connect();
	MemoryContextSwitchTo(run->context);
	row = row_of_key(run, PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	write_set_shape(row);
	statement_init(&statement);
	appendStringInfo(&statement.sql, "DELETE FROM %s AS c WHERE ", quoted_model_name(row->model->relid));
	statement_key(&statement, row, "c");
	appendStringInfoString(&statement.sql, " RETURNING ");
	statement_returned(&statement, row, "c");
	n = statement_run(&statement);
	write_require_one(row, n);
	if (n > 0)
	{
		statement_take_row(run, row);
		MemoryContextSwitchTo(caller);
		result = write_document_of(run, row);
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	write_run_end(run);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(result);
}

/* ---------------------------------------------------------------------
 * create_related
 * ---------------------------------------------------------------------
 */

/* Raises object_not_in_prerequisite_state when the owner has its parent. */
static void
check_unassociated(RelationDesc *relation, WriteRow *owner, const char *key)
{
	ListCell   *lc;

	foreach(lc, relation->own_columns)
	{
		bool		isnull;

		(void) write_row_kept(owner, lfirst(lc), &isnull);
		if (!isnull)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the row (%s) of \"%s\" already has a \"%s\"", key,
							model_name(relation->model), relation->name),
					 errhint("Set \"%s\" to null first, or to the key of another row.",
							 (char *) lfirst(lc))));
	}
}

/* Raises cardinality_violation for several documents of one row. */
static void
check_number(RelationDesc *relation, int n)
{
	if (RELATION_IS_TO_ONE(relation->kind) && n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("relation \"%s\" of model \"%s\" leads to one row, not to %d",
						relation->name, model_name(relation->model), n),
				 errhint("Give one document.")));
}

/*
 * Create rows through a relation.  They are nested in the row that the
 * relation starts from, but paths in errors begin with them.
 */
static List *
store_related(FunctionCallInfo fcinfo, WriteRun *run, bool many)
{
	MemoryContext caller = CurrentMemoryContext;
	RelationDesc *relation;
	WriteRow   *owner;
	List	   *values;
	char	   *key;
	JsonbValue	single;
	List	   *rows = NIL;
	ListCell   *lc;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "key");
	require_argument(fcinfo, 2, "relation");
	require_argument(fcinfo, 3, many ? "documents" : "document");
	model_check(PG_GETARG_OID(0));
	relation = catalog_get_relation(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(2)));
	write_check_relation(relation);
	if (many)
		values = array_argument(PG_GETARG_JSONB_P_COPY(3), "documents");
	else
	{
		JsonMember *member = palloc0(sizeof(JsonMember));

		object_argument(PG_GETARG_JSONB_P_COPY(3), "document", &single);
		member->value = single;
		values = list_make1(member);
	}
	check_number(relation, list_length(values));
	key = text_to_cstring(PG_GETARG_TEXT_PP(1));

	SPI_connect();
	/* not SPI's: the rows outlive it */
	MemoryContextSwitchTo(run->context);
	owner = write_read_owner(run, relation->model, relation->name, key, &relation);
	if (relation->kind == RELATION_BELONGS_TO)
		check_unassociated(relation, owner, key);
	foreach(lc, values)
	{
		WriteRow   *row;

		CHECK_FOR_INTERRUPTS();
		row = write_add_created(run, owner, relation, &((JsonMember *) lfirst(lc))->value,
								many ? foreach_current_index(lc) : -1);
		rows = lappend(rows, row);
	}
	if (rows == NIL)
		;
	else if (RELATION_REFERS(relation->kind))
	{
		write_store_parents(run, list_make1(owner));
		write_update_row(run, owner);
	}
	else
		write_store_links(run, list_make1(owner));
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return rows;
}

/* SQL: create_related(model, key, relation, document) */
Datum
relations_create_related(PG_FUNCTION_ARGS)
{
	WriteRun   *run = write_run_begin();
	List	   *rows = store_related(fcinfo, run, false);
	Jsonb	   *result = write_document_of(run, linitial(rows));

	write_run_end(run);
	PG_RETURN_JSONB_P(result);
}

static void
store_many_related(FunctionCallInfo fcinfo, StoredRows *stored)
{
	stored->rows = store_related(fcinfo, stored->run, true);
}

/* SQL: create_many_related(model, key, relation, documents) */
Datum
relations_create_many_related(PG_FUNCTION_ARGS)
{
	return return_rows(fcinfo, store_many_related);
}
