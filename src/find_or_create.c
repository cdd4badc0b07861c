/*
 * find_or_create.c
 *	  Lucid's verbs that find a related row, or else create it.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "key_operator.h"
#include "verb.h"
#include "write_statement.h"

/* to find a row or create it, while others create and delete it */
#define MAX_ATTEMPTS 10

PG_FUNCTION_INFO_V1(relations_first_or_create_related);
PG_FUNCTION_INFO_V1(relations_update_or_create_related);
PG_FUNCTION_INFO_V1(relations_first_or_create_many_related);
PG_FUNCTION_INFO_V1(relations_update_or_create_many_related);

/* The related row of the owner that has these columns; or NULL. */
static WriteRow *
find_related(Verb *verb, const JsonbValue *search)
{
	WriteRow   *row = write_row_make(verb->run, verb->related, NULL, NULL, -1);
	WriteRow   *probe = write_row_make(verb->run, verb->related, NULL, "search", -1);
	WriteStatement statement;
	ListCell   *lc;

	foreach(lc, json_members_of(search))
		write_parse_column(verb->run, probe, lfirst(lc));
	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(verb->related->desc->primary_key),
					 quoted_model_name(verb->relation->related));
	statement_owned(&statement, verb->relation, verb->owner, "c", true, NULL);
	for (int i = 0; i < probe->ncolumns; i++)
	{
		WriteColumn *column = &verb->related->columns[probe->columns[i]];

		appendStringInfo(&statement.sql, " AND c.%s ", quote_identifier(column->name));
		if (probe->nulls[i])
		{
			appendStringInfoString(&statement.sql, "IS NULL");
			continue;
		}
		appendStringInfo(&statement.sql, "%s ",
						 strategy_operator(column->base, column->base, BTEqualStrategyNumber));
		statement_param(&statement, column->base, probe->values[i], false);
	}
	appendStringInfo(&statement.sql, " ORDER BY %s LIMIT 1",
					 quoted_column_list(verb->related->desc->primary_key));
	if (statement_run(&statement) == 0)
		return NULL;
	write_take_key(verb->run, row);
	return row;
}

/* The members of two objects; the second's win. */
static JsonbValue *
merge_objects(const JsonbValue *a, const JsonbValue *b)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = palloc(sizeof(JsonbValue));
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < 2; i++)
	{
		foreach(lc, json_members_of(i == 0 ? a : b))
		{
			JsonMember *member = lfirst(lc);
			JsonbValue	key;

			key.type = jbvString;
			key.val.string.val = member->key;
			key.val.string.len = strlen(member->key);
			pushJsonbValue(&state, WJB_KEY, &key);
			pushJsonbValue(&state, WJB_VALUE, &member->value);
		}
	}
	/* of two equal keys the last one is kept */
	json_root_value(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), result);
	return result;
}

/* A related row that is to be created, and once it is. */
typedef struct Creation
{
	const JsonbValue *document;
	WriteRow   *row;
} Creation;

static void
create_row(Verb *verb, void *arg)
{
	Creation   *creation = arg;

	creation->row = write_add_created(verb->run, verb->owner, verb->relation, creation->document, -1);
	write_store_links(verb->run, list_make1(verb->owner));
}

/* Is a row that was found still there?  With a document it is changed. */
static bool
take_found(Verb *verb, WriteRow *row, const JsonbValue *changes)
{
	if (changes != NULL)
		return write_change_found(verb->run, row, changes, false);
	write_lookup(verb->run, list_make1(row));
	return row->found;
}

/*
 * Was the row in the way one that search would find, had it stayed?  So it is
 * when the unique index is of columns of the search and of the owner's key.
 */
static bool
is_about_search(Verb *verb, const ErrorData *error, const JsonbValue *search)
{
	Oid			nspid;
	Oid			index;
	HeapTuple	tup;
	Form_pg_index form;
	bool		result = true;

	if (error->schema_name == NULL || error->constraint_name == NULL)
		return false;
	nspid = get_namespace_oid(error->schema_name, true);
	index = OidIsValid(nspid) ? get_relname_relid(error->constraint_name, nspid) : InvalidOid;
	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tup))
		return false;
	form = (Form_pg_index) GETSTRUCT(tup);
	if (form->indrelid != verb->relation->related)
		result = false;
	for (int i = 0; result && i < form->indnkeyatts; i++)
	{
		char	   *name = form->indkey.values[i] == 0 ? NULL
			: get_attname(form->indrelid, form->indkey.values[i], true);

		result = name != NULL &&
			((!OidIsValid(verb->relation->via) && list_has_name(verb->relation->other_columns, name)) ||
			 json_member(search, name) != NULL);
	}
	ReleaseSysCache(tup);
	return result;
}

/*
 * The related row that search finds, changed with document when update says
 * so; else a new one of both.  Calls at once make one row where a unique
 * constraint says that there can be but one: who comes second meets it, and
 * finds the row then.  Raises what the server raises, and the constraint's
 * error when it is not about what the search would find.
 */
static WriteRow *
find_or_create(Verb *verb, const JsonbValue *search, const JsonbValue *document, bool update)
{
	Creation	creation = {0};
	ErrorData  *error = NULL;

	creation.document = merge_objects(document, search);
	for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
	{
		WriteRow   *row = find_related(verb, search);

		CHECK_FOR_INTERRUPTS();
		if (row != NULL && take_found(verb, row, update ? document : NULL))
			return row;
		/*
		 * The row in the way is not for us to find, or it has gone already:
		 * then it is our turn again.  A transaction that looks at one
		 * snapshot will see nothing else.
		 */
		if (error != NULL && row == NULL &&
			(IsolationUsesXactSnapshot() || !is_about_search(verb, error, search)))
			break;
		if (verb_attempt(verb, create_row, &creation, &error))
			return creation.row;
	}
	ReThrowError(error);
	pg_unreachable();
}

static void
check_find_or_create(RelationDesc *relation, const char *verb)
{
	write_check_relation(relation);
	if (RELATION_REFERS(relation->kind))
		verb_wrong_kind(relation, verb, "relations.update with \"$upsert\" or \"$connect_or_create\"");
}

static Datum
one_or_create(FunctionCallInfo fcinfo, bool update)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	JsonbValue	search;
	JsonbValue	document;
	WriteRow   *row;
	Jsonb	   *result;

	require_argument(fcinfo, 3, "search");
	require_argument(fcinfo, 4, "document");
	verb_begin(fcinfo, &verb);
	check_find_or_create(verb.relation, update ? "update_or_create_related" : "first_or_create_related");
	verb_object(PG_GETARG_JSONB_P_COPY(3), "search", &search);
	verb_object(PG_GETARG_JSONB_P_COPY(4), "document", &document);
	row = find_or_create(&verb, &search, &document, update);
	MemoryContextSwitchTo(caller);
	result = write_document_of(verb.run, row);
	verb_end(caller);
	write_run_end(verb.run);
	PG_RETURN_JSONB_P(result);
}

/* SQL: first_or_create_related(model, key, relation, search, document) */
Datum
relations_first_or_create_related(PG_FUNCTION_ARGS)
{
	return one_or_create(fcinfo, false);
}

/* SQL: update_or_create_related(model, key, relation, search, document) */
Datum
relations_update_or_create_related(PG_FUNCTION_ARGS)
{
	return one_or_create(fcinfo, true);
}

/* The members of a document that a predicate names. */
static JsonbValue *
search_of(const JsonbValue *document, List *predicate, int index)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = palloc(sizeof(JsonbValue));
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, predicate)
	{
		JsonbValue *value = json_member(document, lfirst(lc));
		JsonbValue	key;

		if (value == NULL || value->type == jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("\"[%d].%s\" must be given and not be null", index, (char *) lfirst(lc)),
					 errdetail("The predicate names it.")));
		key.type = jbvString;
		key.val.string.val = lfirst(lc);
		key.val.string.len = strlen(lfirst(lc));
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, value);
	}
	json_root_value(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), result);
	return result;
}

/* One of many documents, and what became of it. */
typedef struct Wanted
{
	const JsonbValue *document;
	JsonbValue *search;
	WriteRow   *values;			/* of the search */
	int			place;
	Datum		result;
} Wanted;

/*
 * Compare by what is searched for, by the order of its types: concurrent calls
 * do not wait for one another in a circle.  Documents that search for the same
 * keep their order.
 */
static int
compare_wanted(const void *a, const void *b)
{
	const Wanted *one = *(Wanted *const *) a;
	const Wanted *other = *(Wanted *const *) b;
	const WriteRow *values = one->values;

	for (int i = 0; i < values->ncolumns; i++)
	{
		int			order = write_column_compare(&values->model->columns[values->columns[i]],
												 values->values[i], other->values->values[i]);

		if (order != 0)
			return order;
	}
	return one->place - other->place;
}

static Datum
many_or_create(FunctionCallInfo fcinfo, bool update)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	List	   *predicate;
	JsonbValue	root;
	List	   *documents;
	Wanted	   *wanted;
	Wanted	  **ordered;
	ListCell   *lc;
	ListCell   *m;

	require_argument(fcinfo, 3, "predicate");
	require_argument(fcinfo, 4, "documents");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	verb_begin(fcinfo, &verb);
	check_find_or_create(verb.relation, update ? "update_or_create_many_related"
						 : "first_or_create_many_related");
	predicate = parse_column_list(text_to_cstring(PG_GETARG_TEXT_PP(3)), "predicate");
	json_root_value(PG_GETARG_JSONB_P_COPY(4), &root);
	if (!JSON_IS_ARRAY(&root))
		write_wrong_value("documents", "an array of objects", &root);
	documents = json_elements_of(&root);
	wanted = palloc0(sizeof(Wanted) * Max(list_length(documents), 1));
	ordered = palloc(sizeof(Wanted *) * Max(list_length(documents), 1));
	foreach(lc, documents)
	{
		JsonbValue *document = &((JsonMember *) lfirst(lc))->value;
		int			i = foreach_current_index(lc);

		if (!JSON_IS_OBJECT(document))
			write_wrong_value(psprintf("[%d]", i), "an object", document);
		wanted[i].document = document;
		wanted[i].search = search_of(document, predicate, i);
		wanted[i].values = write_row_make(verb.run, verb.related, NULL, NULL, i);
		foreach(m, json_members_of(wanted[i].search))
			write_parse_column(verb.run, wanted[i].values, lfirst(m));
		wanted[i].place = i;
		ordered[i] = &wanted[i];
	}
	qsort(ordered, list_length(documents), sizeof(Wanted *), compare_wanted);
	for (int i = 0; i < list_length(documents); i++)
	{
		WriteRow   *row;

		CHECK_FOR_INTERRUPTS();
		row = find_or_create(&verb, ordered[i]->search, ordered[i]->document, update);
		ordered[i]->result = JsonbPGetDatum(write_document_of(verb.run, row));
	}
	for (int i = 0; i < list_length(documents); i++)
	{
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &wanted[i].result, &isnull);
	}
	verb_end(caller);
	write_run_end(verb.run);
	return (Datum) 0;
}

/* SQL: first_or_create_many_related(model, key, relation, predicate, documents) */
Datum
relations_first_or_create_many_related(PG_FUNCTION_ARGS)
{
	return many_or_create(fcinfo, false);
}

/* SQL: update_or_create_many_related(model, key, relation, predicate, documents) */
Datum
relations_update_or_create_many_related(PG_FUNCTION_ARGS)
{
	return many_or_create(fcinfo, true);
}
