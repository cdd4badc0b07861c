/*
 * write_key.c
 *	  Rows that are there, named by a key or by columns that identify them.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "foreign_code.h"
#include "key_operator.h"
#include "relation_key.h"
#include "write_graph.h"
#include "write_statement.h"

/* Take the primary key that the last statement returned as a row's name. */
void
write_take_key(WriteRun *run, WriteRow *row)
{
	WriteModel *model = row->model;
	MemoryContext old = MemoryContextSwitchTo(run->context);
	ListCell   *lc;

	row->key = palloc0(sizeof(Datum) * list_length(model->desc->primary_key));
	foreach(lc, model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		WriteColumn *column = &model->columns[write_model_column(model, lfirst(lc))];
		bool		isnull;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &isnull);

		row->key[i] = datumCopy(key_value(model->relid, column->name, value, isnull),
								column->byval, column->len);
	}
	row->existing = true;
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
}

/* Raises undefined_object when rows of the model cannot be named. */
static void
require_primary_key(WriteModel *model)
{
	if (model->desc->primary_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no primary key", model_name(model->relid)),
				 errhint("Say which columns identify its rows: SELECT relations.model('%s', primary_key => '...').",
						 model_name(model->relid))));
}

static void
key_error_context(void *arg)
{
	errcontext("key of model \"%s\"", ((WriteModel *) arg)->name);
}

/*
 * Name a row by the text of its key; a composite key is a row literal.  False
 * when a part is null.  Raises what the types raise.
 */
bool
write_text_key(WriteRun *run, WriteRow *row, char *text)
{
	WriteModel *model = row->model;
	MemoryContext old = MemoryContextSwitchTo(run->context);
	KeyValues	key;
	ErrorContextCallback callback;
	SavedUser	saved;
	Oid			types[INDEX_MAX_KEYS];
	bool		switched;
	ListCell   *lc;

	require_primary_key(model);
	key_values_init(&key, model->desc->primary_key);
	callback.callback = key_error_context;
	callback.arg = model;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	foreach(lc, model->desc->primary_key)
		types[foreach_current_index(lc)] = model->columns[write_model_column(model, lfirst(lc))].base;
	switched = switch_for_input(key.n, types, &saved);
	if (key.n == 1)
	{
		Oid			input;
		Oid			ioparam;

		getTypeInputInfo(types[0], &input, &ioparam);
		key.values[0] = OidInputFunctionCall(input, whole_number_text(types[0], pstrdup(text)), ioparam, -1);
	}
	else
	{
		TupleDesc	desc = CreateTemplateTupleDesc(key.n);
		HeapTupleHeader header;
		HeapTupleData tuple;

		foreach(lc, model->desc->primary_key)
			TupleDescInitEntry(desc, foreach_current_index(lc) + 1, lfirst(lc),
							   model->columns[write_model_column(model, lfirst(lc))].base, -1, 0);
		desc = BlessTupleDesc(desc);
		header = DatumGetHeapTupleHeader(OidInputFunctionCall(F_RECORD_IN, text, RECORDOID,
															  desc->tdtypmod));
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		heap_deform_tuple(&tuple, desc, key.values, key.isnull);
	}
	if (switched)
		restore_user(&saved);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	row->existing = true;
	row->key = key.values;
	for (int i = 0; i < key.n; i++)
	{
		if (key.isnull[i])
		{
			row->key = NULL;
			return false;
		}
	}
	return true;
}

/*
 * Name a row by values of columns that together identify it, among the rows
 * that an owner has by a relation, if one is given.  False when no row has
 * them; raises cardinality_violation when several have.
 */
static bool
find_by_columns(WriteRun *run, WriteRow *row, const JsonbValue *object, const char *path,
				RelationDesc *relation, WriteRow *owner)
{
	WriteModel *model = row->model;
	List	   *members = json_members_of(object);
	WriteStatement statement;
	uint64		n;
	ListCell   *lc;

	require_primary_key(model);
	if (members == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" names no column", path)));
	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(model->desc->primary_key), quoted_model_name(model->relid));
	foreach(lc, members)
	{
		JsonMember *member = lfirst(lc);
		int			i = foreach_current_index(lc);
		WriteMember *found = write_model_member(model, member->key);
		WriteColumn *column;
		Datum		value;
		bool		isnull;

		if (found == NULL || found->column < 0)
			write_unknown_key(model, member->key, psprintf("%s.%s", path, member->key));
		column = &model->columns[found->column];
		value = write_lookup_input(model, found->column, &member->value, &isnull);
		if (isnull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("\"%s.%s\" must not be null", path, member->key)));
		appendStringInfo(&statement.sql, "%sc.%s %s ", i > 0 ? " AND " : "",
						 quote_identifier(column->name),
						 strategy_operator(column->base, column->base, BTEqualStrategyNumber));
		statement_param(&statement, column->base, value, false);
	}
	if (relation != NULL)
	{
		appendStringInfoString(&statement.sql, " AND ");
		statement_owned(&statement, relation, owner, "c", true, NULL);
	}
	appendStringInfoString(&statement.sql, " LIMIT 2");
	n = statement_run(&statement);
	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more than one row of \"%s\" fits \"%s\"", model_name(model->relid), path),
				 errhint("Name the row by columns that are unique together.")));
	if (n == 0)
		return false;
	write_take_key(run, row);
	return true;
}

static void
path_error_context(void *arg)
{
	errcontext("document \"%s\"", (char *) arg);
}

static bool
parse_key(WriteRun *run, WriteRow *row, const JsonbValue *value, const char *path,
		  RelationDesc *relation, WriteRow *owner)
{
	char	   *text;

	switch (value->type)
	{
		case jbvString:
			text = pnstrdup(value->val.string.val, value->val.string.len);
			break;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			break;
		case jbvBinary:
			if (JSON_IS_OBJECT(value))
				return find_by_columns(run, row, value, path, relation, owner);
			write_wrong_value(path, "a key", value);
		default:
			write_wrong_value(path, "a key", value);
	}
	return write_text_key(run, row, text);
}

/*
 * Name a row by a JSON value: a key, or an object of columns that identify it
 * among the rows that an owner has by a relation.  False when it is known
 * already that there is none.  Raises what is wrong with the value, and what
 * its types raise, all with the path.
 */
bool
write_parse_owned_key(WriteRun *run, WriteRow *row, const JsonbValue *value, const char *path,
					  RelationDesc *relation, WriteRow *owner)
{
	ErrorContextCallback callback;
	bool		result;

	callback.callback = path_error_context;
	callback.arg = unconstify(char *, path);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	result = parse_key(run, row, value, path, relation, owner);
	error_context_stack = callback.previous;
	return result;
}

/* The same among all rows. */
bool
write_parse_key(WriteRun *run, WriteRow *row, const JsonbValue *value, const char *path)
{
	return write_parse_owned_key(run, row, value, path, NULL, NULL);
}
