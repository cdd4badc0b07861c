/*
 * find_or_create.c
 *	  Lucid's verbs that find a related row, or else create it.
 */
#include "relations.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "arguments.h"
#include "key_operator.h"
#include "verb.h"
#include "write_statement.h"

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
	statement_owned(&statement, verb->relation, verb->owner, "c", true);
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

/*
 * Create a related row in a subtransaction.  NULL when somebody else has
 * created a row in its place meanwhile: a unique constraint says so, whose
 * error is left in *error.
 */
static WriteRow *
try_create(Verb *verb, const JsonbValue *document, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	WriteRow   *volatile row = NULL;
	List	   *links = verb->owner->links;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		verb->owner->links = NIL;
		row = write_add_created(verb->run, verb->owner, verb->relation, document, -1);
		write_store_links(verb->run, list_make1(verb->owner));
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if ((*error)->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
			ReThrowError(*error);
		row = NULL;
	}
	PG_END_TRY();
	verb->owner->links = links;
	return row;
}

/*
 * The related row that search finds, changed with document when update says
 * so; else a new one of both.  Two calls at once make one row where a unique
 * constraint says that there can be but one.
 */
static WriteRow *
find_or_create(Verb *verb, const JsonbValue *search, const JsonbValue *document, bool update)
{
	ErrorData  *error = NULL;

	for (int attempt = 0; attempt < 2; attempt++)
	{
		WriteRow   *row = find_related(verb, search);

		if (row != NULL)
		{
			if (update)
				write_change(verb->run, row, document, false);
			else
			{
				write_lookup(verb->run, list_make1(row));
				write_require(verb->run, row);
			}
			return row;
		}
		/* the constraint that fails may be another one than the search's */
		if (attempt > 0)
			break;
		row = try_create(verb, merge_objects(document, search), &error);
		if (row != NULL)
			return row;
	}
	ReThrowError(error);
	pg_unreachable();
}

static void
check_find_or_create(RelationDesc *relation, const char *verb)
{
	write_check_relation(relation);
	if (relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO)
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
		JsonbValue *value = getKeyJsonValueFromContainer(document->val.binary.data, lfirst(lc),
														 strlen(lfirst(lc)), NULL);
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

static Datum
many_or_create(FunctionCallInfo fcinfo, bool update)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	List	   *predicate;
	JsonbValue	root;
	ListCell   *lc;

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
	foreach(lc, json_elements_of(&root))
	{
		JsonbValue *document = &((JsonMember *) lfirst(lc))->value;
		WriteRow   *row;
		Datum		value;
		bool		isnull = false;

		CHECK_FOR_INTERRUPTS();
		if (!JSON_IS_OBJECT(document))
			write_wrong_value(psprintf("[%d]", foreach_current_index(lc)), "an object", document);
		row = find_or_create(&verb, search_of(document, predicate, foreach_current_index(lc)),
							 document, update);
		value = JsonbPGetDatum(write_document_of(verb.run, row));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
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
