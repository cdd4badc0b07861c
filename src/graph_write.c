/*
 * graph_write.c
 *	  Documents -> rows: create_related and create_many_related.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "arguments.h"
#include "catalog.h"
#include "json_value.h"
#include "key_operator.h"
#include "read_run.h"

PG_FUNCTION_INFO_V1(relations_create_related);
PG_FUNCTION_INFO_V1(relations_create_many_related);

/* A row to be written: columns and their values. */
typedef struct RowImage
{
	List	   *columns;		/* names */
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;			/* as SPI wants them */
} RowImage;

/* The row that a relation starts from: its key columns, as stored. */
typedef struct OwnerRow
{
	char	   *key;			/* as given */
	List	   *primary_key;
	Oid		   *pk_types;
	Datum	   *pk_values;
	Datum	   *values;			/* of the relation's own columns */
	bool	   *isnull;
} OwnerRow;

/* While a document is written, errors say where in it they arose. */
static void
document_error_context(void *arg)
{
	errcontext("document \"%s\"", json_path_string(arg));
}

static Oid
column_type(Oid relid, const char *column, int32 *typmod)
{
	Oid			type;
	Oid			collation;

	get_atttypetypmodcoll(relid, require_column(relid, column, NULL), &type, typmod, &collation);
	return type;
}

/* "a = $1 AND b = $2" for the columns of a key, whose values are of types. */
static char *
key_condition(Oid relid, List *columns, const Oid *types)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, columns)
	{
		int			i = foreach_current_index(lc);
		int32		typmod;

		appendStringInfo(&buf, "%s%s %s $%d", i > 0 ? " AND " : "", quote_identifier(lfirst(lc)),
						 strategy_operator(column_type(relid, lfirst(lc), &typmod), types[i],
										   BTEqualStrategyNumber), i + 1);
	}
	return buf.data;
}

static void
key_error_context(void *arg)
{
	errcontext("key of model \"%s\"", model_name(*(Oid *) arg));
}

/*
 * The values of a key, and their types; a composite key is a row literal.
 * False when some are null.
 */
static bool
read_key(Oid relid, List *columns, char *key, Oid *types, Datum *values)
{
	int			n = list_length(columns);
	TupleDesc	desc = CreateTemplateTupleDesc(n);
	bool		isnull[INDEX_MAX_KEYS];
	ErrorContextCallback callback;
	ListCell   *lc;

	foreach(lc, columns)
	{
		int			i = foreach_current_index(lc);
		int32		typmod;

		types[i] = getBaseType(column_type(relid, lfirst(lc), &typmod));
		TupleDescInitEntry(desc, i + 1, lfirst(lc), types[i], -1, 0);
	}
	callback.callback = key_error_context;
	callback.arg = &relid;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (n == 1)
	{
		Oid			input;
		Oid			ioparam;

		getTypeInputInfo(types[0], &input, &ioparam);
		values[0] = OidInputFunctionCall(input, key, ioparam, -1);
		isnull[0] = false;
	}
	else
	{
		HeapTupleHeader header;
		HeapTupleData tuple;

		desc = BlessTupleDesc(desc);
		header = DatumGetHeapTupleHeader(OidInputFunctionCall(F_RECORD_IN, key, RECORDOID,
															  desc->tdtypmod));
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		heap_deform_tuple(&tuple, desc, values, isnull);
	}
	error_context_stack = callback.previous;
	for (int i = 0; i < n; i++)
	{
		if (isnull[i])
			return false;
	}
	return true;
}

/*
 * Read the row that key names.  Raises undefined_object for a model without
 * primary key, foreign_key_violation when there is no such row.  Memory of
 * the result is the current context's; SPI must be connected.
 */
static OwnerRow *
read_owner(RelationDesc *desc, char *key, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	OwnerRow   *owner = palloc0(sizeof(OwnerRow));
	ModelDesc  *model = catalog_get_model(desc->model);
	int			n = list_length(model->primary_key);
	int			k = list_length(desc->own_columns);
	char	   *sql;
	ListCell   *lc;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(desc->model)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(desc->model))));
	owner->key = key;
	owner->primary_key = model->primary_key;
	owner->pk_types = palloc(sizeof(Oid) * n);
	owner->pk_values = palloc0(sizeof(Datum) * n);
	owner->values = palloc0(sizeof(Datum) * k);
	owner->isnull = palloc0(sizeof(bool) * k);
	if (!read_key(desc->model, model->primary_key, key, owner->pk_types, owner->pk_values))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the key of a row of \"%s\" must not be null", model_name(desc->model))));
	sql = psprintf("SELECT %s FROM %s WHERE %s", quoted_column_list(desc->own_columns),
				   quoted_model_name(desc->model), key_condition(desc->model, model->primary_key, owner->pk_types));
	MemoryContextSwitchTo(old);
	SPI_execute_with_args(sql, n, owner->pk_types, owner->pk_values, NULL, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no row for relation \"%s\" to start from", desc->name),
				 errdetail(n > 1 ? "Key (%s)=%s is not present in \"%s\"."
						   : "Key (%s)=(%s) is not present in \"%s\".",
						   format_column_list(model->primary_key), key, model_name(desc->model))));
	foreach(lc, desc->own_columns)
	{
		int			i = foreach_current_index(lc);
		int32		typmod;
		int16		len;
		bool		byval;
		Datum		d = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1,
									  &owner->isnull[i]);

		get_typlenbyval(column_type(desc->model, lfirst(lc), &typmod), &len, &byval);
		old = MemoryContextSwitchTo(context);
		if (!owner->isnull[i])
			owner->values[i] = datumCopy(d, byval, len);
		MemoryContextSwitchTo(old);
	}
	return owner;
}

/*
 * The columns that a document sets; the key skip, unless it is NULL, is none.
 * Raises undefined_column for a key that is no column, and what the column's
 * type raises for a bad value.
 */
static RowImage *
parse_document(Oid relid, JsonbContainer *document, JsonPathFrame *path, const char *skip)
{
	RowImage   *row = palloc0(sizeof(RowImage));
	JsonbIterator *it = JsonbIteratorInit(document);
	JsonbIteratorToken token;
	JsonbValue	v;
	int			n = JsonContainerSize(document) + FUNC_MAX_ARGS;
	char	   *key = NULL;

	row->types = palloc(sizeof(Oid) * n);
	row->values = palloc0(sizeof(Datum) * n);
	row->nulls = palloc(n);
	token = JsonbIteratorNext(&it, &v, true);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_END_OBJECT)
	{
		int			i = list_length(row->columns);
		int32		typmod;
		bool		isnull;
		JsonPathFrame frame = {path, NULL, 0};
		ErrorContextCallback callback;

		if (token == WJB_KEY)
		{
			key = pnstrdup(v.val.string.val, v.val.string.len);
			continue;
		}
		if (skip != NULL && strcmp(key, skip) == 0)
			continue;
		frame.key = key;
		row->types[i] = get_atttype(relid, require_column(relid, key, json_path_string(&frame)));
		column_type(relid, key, &typmod);
		callback.callback = document_error_context;
		callback.arg = &frame;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		row->values[i] = json_value_to_datum(&v, row->types[i], typmod, &isnull);
		error_context_stack = callback.previous;
		row->nulls[i] = isnull ? 'n' : ' ';
		row->columns = lappend(row->columns, key);
	}
	return row;
}

/*
 * A value of one type as a value of another that it can be compared with;
 * the way is over text.
 */
static Datum
convert_key(Datum value, Oid from, Oid to, int32 typmod)
{
	Oid			output;
	Oid			input;
	Oid			ioparam;
	bool		varlena;

	if (from == to)
		return value;
	getTypeOutputInfo(from, &output, &varlena);
	getTypeInputInfo(to, &input, &ioparam);
	return OidInputFunctionCall(input, OidOutputFunctionCall(output, value), ioparam, typmod);
}

/*
 * Set a column of a row that is to be written to a value of from_type.  The
 * document may say it itself, when it says the same.
 */
static void
set_column(RowImage *row, RelationDesc *desc, Oid relid, char *column, Datum value, Oid from_type,
		   JsonPathFrame *path)
{
	JsonPathFrame frame = {path, column, 0};
	int32		typmod;
	Oid			type = column_type(relid, column, &typmod);
	int16		len;
	bool		byval;
	int			i;

	value = convert_key(value, from_type, type, typmod);
	for (i = 0; i < list_length(row->columns); i++)
	{
		if (strcmp(list_nth(row->columns, i), column) == 0)
			break;
	}
	if (i < list_length(row->columns))
	{
		get_typlenbyval(type, &len, &byval);
		if (row->nulls[i] == 'n' || !datum_image_eq(row->values[i], value, byval, len))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" contradicts the key of the row that relation \"%s\" starts from",
							json_path_string(&frame), desc->name),
					 errhint("Leave it out: the key is wired.")));
		return;
	}
	row->types[i] = type;
	row->values[i] = value;
	row->nulls[i] = ' ';
	row->columns = lappend(row->columns, column);
}

/*
 * Wire a row to another, by whose columns from of from_relid, with values and
 * nulls, it is referred to: columns to of relid are set.  A polymorphic
 * reference is a type and a key, the generated columns follow.
 */
static void
wire_keys(RowImage *row, RelationDesc *desc, Oid relid, List *to, bool morph,
		  Oid from_relid, List *from, const Datum *values, const bool *isnull, JsonPathFrame *path)
{
	ListCell   *lc;

	if (morph)
	{
		to = desc->morph_id_columns;
		set_column(row, desc, relid, desc->morph_type_column,
				   CStringGetTextDatum(desc->morph_type), TEXTOID, path);
	}
	foreach(lc, to)
	{
		int			k = foreach_current_index(lc);
		int32		typmod;

		if (isnull[k])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" of \"%s\" is null, so relation \"%s\" cannot have rows",
							(char *) list_nth(from, k), model_name(from_relid), desc->name)));
		set_column(row, desc, relid, lfirst(lc), values[k],
				   column_type(from_relid, list_nth(from, k), &typmod), path);
	}
}

/* The names of a node's select list. */
static List *
select_names(ReadNode *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, node->columns)
		result = lappend(result, ((SelectColumn *) lfirst(lc))->name);
	return result;
}

/*
 * Insert a row and keep it, as stored, for the documents that run will write.
 * Columns named in keys are returned too, copied into key_values and
 * key_nulls.  SPI must be connected.  Raises triggered_action_exception when
 * the row was not stored.
 */
static void
insert_row(ReadRun *run, Oid relid, RowImage *row, List *keys, Datum *key_values, bool *key_nulls)
{
	ReadNode   *node = run->plan->root;
	int			n = list_length(row->columns);
	List	   *returned = list_concat(select_names(node), keys);
	int			nreturn = list_length(returned);
	int			nshown = list_length(node->columns);
	StringInfoData sql;
	Datum	   *values = palloc(sizeof(Datum) * Max(nreturn, 1));
	bool	   *isnull = palloc(sizeof(bool) * Max(nreturn, 1));

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s", quoted_model_name(relid));
	if (n == 0)
		appendStringInfoString(&sql, " DEFAULT VALUES");
	else
	{
		appendStringInfo(&sql, " (%s) VALUES (", quoted_column_list(row->columns));
		for (int i = 1; i <= n; i++)
			appendStringInfo(&sql, "%s$%d", i > 1 ? ", " : "", i);
		appendStringInfoChar(&sql, ')');
	}
	appendStringInfo(&sql, " RETURNING %s", nreturn > 0 ? quoted_column_list(returned) : "1");
	SPI_execute_with_args(sql.data, n, row->types, row->values, row->nulls, false, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the row for \"%s\" was not stored", model_name(relid)),
				 errdetail("A trigger or a rule of the table suppressed it.")));
	for (int i = 0; i < nreturn; i++)
		values[i] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull[i]);
	read_run_add_row(run, values, isnull);
	for (int i = nshown; i < nreturn; i++)
	{
		int32		typmod;
		int16		len;
		bool		byval;

		get_typlenbyval(column_type(relid, list_nth(returned, i), &typmod), &len, &byval);
		key_nulls[i - nshown] = isnull[i];
		if (!isnull[i])
			key_values[i - nshown] = datumCopy(values[i], byval, len);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Point the owner of a belongs_to at the parent that was just made. */
static void
associate_owner(RelationDesc *desc, OwnerRow *owner, const Datum *key_values, const bool *key_nulls)
{
	int			npk = list_length(owner->primary_key);
	int			k = list_length(desc->own_columns);
	Oid		   *types = palloc(sizeof(Oid) * (npk + k));
	Datum	   *values = palloc(sizeof(Datum) * (npk + k));
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s SET ", quoted_model_name(desc->model));
	foreach(lc, desc->own_columns)
	{
		int			i = foreach_current_index(lc);
		char	   *other = list_nth(desc->other_columns, i);
		int32		typmod;
		Oid			other_type = column_type(desc->related, other, &typmod);

		types[npk + i] = column_type(desc->model, lfirst(lc), &typmod);
		if (key_nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" of the new row in \"%s\" is null, so nothing can refer to it",
							other, model_name(desc->related))));
		values[npk + i] = convert_key(key_values[i], other_type, types[npk + i], typmod);
		appendStringInfo(&sql, "%s%s = $%d", i > 0 ? ", " : "", quote_identifier(lfirst(lc)), npk + i + 1);
	}
	for (int i = 0; i < npk; i++)
	{
		types[i] = owner->pk_types[i];
		values[i] = owner->pk_values[i];
	}
	appendStringInfo(&sql, " WHERE %s", key_condition(desc->model, owner->primary_key, owner->pk_types));
	SPI_execute_with_args(sql.data, npk + k, types, values, NULL, false, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the row of \"%s\" was not pointed at its new parent", model_name(desc->model)),
				 errdetail("A trigger, a rule or a policy of the table suppressed it.")));
}

/*
 * Take "pivot" out of the document of a many_to_many: what it says of the
 * pivot's own columns.  NULL when it says nothing.
 */
static JsonbContainer *
pivot_of_document(RelationDesc *desc, JsonbContainer *document, JsonPathFrame *path)
{
	JsonPathFrame frame = {path, "pivot", 0};
	JsonbValue *value;

	if (!RELATION_HAS_PIVOT(desc->kind) || get_attnum(desc->related, "pivot") > 0)
		return NULL;
	value = getKeyJsonValueFromContainer(document, "pivot", strlen("pivot"), NULL);
	if (value == NULL)
		return NULL;
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an object, not %s", json_path_string(&frame),
						json_value_type(value))));
	return value->val.binary.data;
}

/* Insert the row of the pivot that joins the owner to a new row. */
static void
insert_pivot(RelationDesc *desc, OwnerRow *owner, const Datum *key_values, const bool *key_nulls,
			 JsonbContainer *attributes, JsonPathFrame *path)
{
	JsonPathFrame frame = {path, "pivot", 0};
	RowImage   *row;
	StringInfoData sql;

	if (attributes != NULL)
		row = parse_document(desc->via, attributes, &frame, NULL);
	else
	{
		row = palloc0(sizeof(RowImage));
		row->types = palloc(sizeof(Oid) * FUNC_MAX_ARGS);
		row->values = palloc0(sizeof(Datum) * FUNC_MAX_ARGS);
		row->nulls = palloc(FUNC_MAX_ARGS);
	}
	wire_keys(row, desc, desc->via, desc->via_own_columns, desc->kind == RELATION_MORPH_TO_MANY,
			  desc->model, desc->own_columns, owner->values, owner->isnull, &frame);
	wire_keys(row, desc, desc->via, desc->via_other_columns, desc->kind == RELATION_MORPHED_BY_MANY,
			  desc->related, desc->other_columns, key_values, key_nulls, &frame);
	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (%s) VALUES (", quoted_model_name(desc->via),
					 quoted_column_list(row->columns));
	for (int i = 1; i <= list_length(row->columns); i++)
		appendStringInfo(&sql, "%s$%d", i > 1 ? ", " : "", i);
	appendStringInfoChar(&sql, ')');
	SPI_execute_with_args(sql.data, list_length(row->columns), row->types, row->values, row->nulls,
						  false, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("the row for \"%s\" was not stored", model_name(desc->via)),
				 errdetail("A trigger or a rule of the table suppressed it.")));
}

/* Raises feature_not_supported for kinds that no row can be created through. */
static void
check_writable(RelationDesc *desc)
{
	if (RELATION_IS_THROUGH(desc->kind))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" of model \"%s\" goes through \"%s\", no row can be created by it",
						desc->name, model_name(desc->model), model_name(desc->via)),
				 errhint("Create the row through a relation of \"%s\".", model_name(desc->via))));
	if (desc->kind == RELATION_MORPH_TO)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" of model \"%s\" leads to several models",
						desc->name, model_name(desc->model)),
				 errhint("Create the row first, then set \"%s\" and its key.",
						 desc->morph_type_column)));
}

/* Write one document through a relation; the run keeps the row as stored. */
static void
write_document(ReadRun *run, RelationDesc *desc, OwnerRow *owner, JsonbContainer *document,
			   JsonPathFrame *path)
{
	JsonbContainer *attributes = pivot_of_document(desc, document, path);
	RowImage   *row = parse_document(desc->related, document, path,
									 attributes != NULL ? "pivot" : NULL);
	Datum		key_values[INDEX_MAX_KEYS];
	bool		key_nulls[INDEX_MAX_KEYS];

	if (RELATION_HAS_PIVOT(desc->kind))
	{
		insert_row(run, desc->related, row, desc->other_columns, key_values, key_nulls);
		insert_pivot(desc, owner, key_values, key_nulls, attributes, path);
	}
	else if (desc->kind == RELATION_BELONGS_TO)
	{
		insert_row(run, desc->related, row, desc->other_columns, key_values, key_nulls);
		associate_owner(desc, owner, key_values, key_nulls);
	}
	else
	{
		wire_keys(row, desc, desc->related, desc->other_columns, desc->morph != NULL,
				  desc->model, desc->own_columns, owner->values, owner->isnull, path);
		insert_row(run, desc->related, row, NIL, NULL, NULL);
	}
}

/* Raises object_not_in_prerequisite_state when the owner has its parent. */
static void
check_unassociated(RelationDesc *desc, OwnerRow *owner)
{
	for (int i = 0; i < list_length(desc->own_columns); i++)
	{
		if (!owner->isnull[i])
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the row (%s) of \"%s\" already has a \"%s\"", owner->key,
							model_name(desc->model), desc->name),
					 errhint("Set \"%s\" to null first, or to the key of another row.",
							 (char *) list_nth(desc->own_columns, i))));
	}
}

/*
 * Write documents through a relation; the run returned holds the rows as
 * stored.  It is a child of the current memory context.
 */
static ReadRun *
write_related(FunctionCallInfo fcinfo, bool many)
{
	RelationDesc *desc;
	OwnerRow   *owner;
	ReadRun    *run;
	Jsonb	   *documents;
	MemoryContext context = CurrentMemoryContext;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "key");
	require_argument(fcinfo, 2, "relation");
	require_argument(fcinfo, 3, many ? "documents" : "document");
	model_check(PG_GETARG_OID(0));
	desc = catalog_get_relation(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(2)));
	check_writable(desc);
	documents = PG_GETARG_JSONB_P(3);
	if (many ? !JB_ROOT_IS_ARRAY(documents) || JB_ROOT_IS_SCALAR(documents) : !JB_ROOT_IS_OBJECT(documents))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg(many ? "\"documents\" must be an array of objects" : "\"document\" must be an object")));
	if (many && RELATION_IS_TO_ONE(desc->kind) && JB_ROOT_COUNT(documents) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("relation \"%s\" of model \"%s\" leads to one row, not to %d",
						desc->name, model_name(desc->model), JB_ROOT_COUNT(documents)),
				 errhint("Give one document.")));

	run = read_run_begin_paths(desc->related, READ_ALL,
						 construct_empty_array(TEXTOID));
	SPI_connect();
	owner = read_owner(desc, text_to_cstring(PG_GETARG_TEXT_PP(1)), context);
	if (desc->kind == RELATION_BELONGS_TO)
		check_unassociated(desc, owner);
	if (!many)
		write_document(run, desc, owner, &documents->root, NULL);
	for (int i = 0; many && i < (int) JB_ROOT_COUNT(documents); i++)
	{
		JsonPathFrame frame = {NULL, NULL, i};
		JsonbValue *element = getIthJsonbValueFromContainer(&documents->root, i);
		ErrorContextCallback callback;

		CHECK_FOR_INTERRUPTS();
		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" must be an object, not %s", json_path_string(&frame),
							json_value_type(element))));
		callback.callback = document_error_context;
		callback.arg = &frame;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		write_document(run, desc, owner, element->val.binary.data, &frame);
		error_context_stack = callback.previous;
	}
	SPI_finish();
	return run;
}

/* See the comments in relations--1.0.sql. */
Datum
relations_create_related(PG_FUNCTION_ARGS)
{
	ReadRun    *run = write_related(fcinfo, false);
	Jsonb	   *result = read_run_document(run, 0);

	read_run_end(run);
	PG_RETURN_JSONB_P(result);
}

Datum
relations_create_many_related(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	ReadRun    *run;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->user_fctx = write_related(fcinfo, true);
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	run = funcctx->user_fctx;
	if (funcctx->call_cntr < read_run_rows(run))
	{
		Jsonb	   *document = read_run_document(run, (uint32) funcctx->call_cntr);

		SRF_RETURN_NEXT(funcctx, JsonbPGetDatum(document));
	}
	SRF_RETURN_DONE(funcctx);
}
