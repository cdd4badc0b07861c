/*
 * graph_write.c
 *	  create, create_many, create_related and create_many_related.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "write_graph.h"

PG_FUNCTION_INFO_V1(relations_create);
PG_FUNCTION_INFO_V1(relations_create_many);
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
 * create_related
 * ---------------------------------------------------------------------
 */

/*
 * The row that a relation starts from.  Raises null_value_not_allowed for a
 * key that is null, foreign_key_violation when there is no such row.
 */
static WriteRow *
read_owner(WriteRun *run, RelationDesc *relation, char *key)
{
	WriteRow   *owner = write_row_make(run, write_run_model(run, relation->model), NULL, NULL, -1);
	List	   *primary_key = owner->model->desc->primary_key;

	owner->shown = NIL;
	owner->anonymous = true;
	owner->wanted = relation->own_columns;
	if (!write_text_key(run, owner, key))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key of a row of \"%s\" must not be null", model_name(relation->model))));
	write_lookup(run, list_make1(owner));
	if (!owner->found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no row for relation \"%s\" to start from", relation->name),
				 errdetail(list_length(primary_key) > 1 ? "Key (%s)=%s is not present in \"%s\"."
						   : "Key (%s)=(%s) is not present in \"%s\".",
						   format_column_list(primary_key), key, model_name(relation->model))));
	return owner;
}

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
	MemoryContext old = MemoryContextSwitchTo(run->context);
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
	/* the model's own descriptor of the relation, which its shapes know */
	foreach(lc, write_run_model(run, relation->model)->relations)
	{
		if (strcmp(((RelationDesc *) lfirst(lc))->name, relation->name) == 0)
			relation = lfirst(lc);
	}
	owner = read_owner(run, relation, key);
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
	else if (relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO)
	{
		write_store_parents(run, list_make1(owner));
		write_update_row(run, owner);
	}
	else
		write_store_links(run, list_make1(owner));
	SPI_finish();
	MemoryContextSwitchTo(old);
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
