/*
 * related_verbs.c
 *	  Lucid's verbs on the relations of one row: associate, dissociate,
 *	  update_related, delete_related, and what all verbs begin with.
 *
 * pivot_verbs.c has those of pivots, find_or_create.c those that find or
 * create.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"

#include "arguments.h"
#include "budget.h"
#include "guarded.h"
#include "query_where.h"
#include "verb.h"
#include "write_order.h"
#include "write_statement.h"

PG_FUNCTION_INFO_V1(relations_associate);
PG_FUNCTION_INFO_V1(relations_dissociate);
PG_FUNCTION_INFO_V1(relations_update_related);
PG_FUNCTION_INFO_V1(relations_delete_related);

/*
 * Begin a verb with the arguments (model, key, relation, ...).  SPI is
 * connected then, and the run's memory context is the current one.
 */
void
verb_begin(FunctionCallInfo fcinfo, Verb *verb)
{
	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "key");
	require_argument(fcinfo, 2, "relation");
	model_check(PG_GETARG_OID(0));
	verb->run = write_run_begin();
	SPI_connect();
	MemoryContextSwitchTo(verb->run->context);
	verb->owner = write_read_owner(verb->run, PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(2)),
								   text_to_cstring(PG_GETARG_TEXT_PP(1)), &verb->relation);
	if (OidIsValid(verb->relation->related))
		verb->related = write_run_model(verb->run, verb->relation->related);
}

/* End it: SPI is not connected then, and the caller's memory context is the current one. */
void
verb_end(MemoryContext caller)
{
	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/* Raises feature_not_supported: the verb is for other kinds of relation. */
void
verb_wrong_kind(RelationDesc *relation, const char *verb, const char *right)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not for relation \"%s\" of model \"%s\", which is %s", verb,
					relation->name, model_name(relation->model), relation_kind_name(relation->kind)),
			 errhint("Use %s.", right)));
}

/* What verb_attempt() runs. */
typedef struct Attempt
{
	Verb	   *verb;
	void		(*work) (Verb *verb, void *arg);
	void	   *arg;
} Attempt;

static void
run_attempt(void *arg)
{
	Attempt    *attempt = arg;

	attempt->work(attempt->verb, attempt->arg);
}

/*
 * Do work in a subtransaction.  False when a unique constraint forbade it,
 * whose error is in *error then, and all that was done is undone; any other
 * error is raised.  What work makes must not be used when it failed.
 */
bool
verb_attempt(Verb *verb, void (*work) (Verb *verb, void *arg), void *arg, ErrorData **error)
{
	Attempt		attempt = {verb, work, arg};
	List	   *links = verb->owner->links;
	ErrorData  *raised;

	verb->owner->links = NIL;
	raised = catch_error(run_attempt, &attempt);
	verb->owner->links = links;
	if (raised == NULL)
		return true;
	*error = raised;
	if (raised->sqlerrcode != ERRCODE_UNIQUE_VIOLATION)
		ReThrowError(raised);
	return false;
}

/* An argument that must be an object.  Raises invalid_parameter_value. */
void
verb_object(Jsonb *document, const char *name, JsonbValue *value)
{
	json_root_value(document, value);
	if (!JSON_IS_OBJECT(value))
		write_wrong_value(name, "an object", value);
}

static void
require_parent(RelationDesc *relation, const char *verb)
{
	if (RELATION_REFERS(relation->kind))
		return;
	verb_wrong_kind(relation, verb, RELATION_HAS_PIVOT(relation->kind)
			   ? "relations.attach, relations.detach and relations.sync"
			   : RELATION_IS_THROUGH(relation->kind) ? "a relation of the model that it goes through"
			   : "relations.create_related, or associate from the other side");
}

/* ---------------------------------------------------------------------
 * What a row refers to
 * ---------------------------------------------------------------------
 */

/* {relation: {operation: ...}} as a change of the owner; the row as stored. */
static Datum
change_owner(Verb *verb, MemoryContext caller)
{
	Jsonb	   *result;

	write_store_parents(verb->run, list_make1(verb->owner));
	write_update_row(verb->run, verb->owner);
	MemoryContextSwitchTo(caller);
	result = write_document_of(verb->run, verb->owner);
	verb_end(caller);
	write_run_end(verb->run);
	PG_RETURN_JSONB_P(result);
}

/* SQL: associate(model, key, relation, related_key, type) */
Datum
relations_associate(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	JsonbValue	key;

	require_argument(fcinfo, 3, "related_key");
	verb_begin(fcinfo, &verb);
	require_parent(verb.relation, "associate");
	verb.owner->shown = verb.owner->model->shown;
	verb.owner->wanted = NIL;
	key.type = jbvString;
	key.val.string.val = text_to_cstring(PG_GETARG_TEXT_PP(3));
	key.val.string.len = strlen(key.val.string.val);
	if (verb.relation->kind == RELATION_MORPH_TO)
	{
		JsonbParseState *state = NULL;
		JsonbValue	member;

		require_argument(fcinfo, 4, "type");
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		member.type = jbvString;
		member.val.string.val = "key";
		member.val.string.len = 3;
		pushJsonbValue(&state, WJB_KEY, &member);
		pushJsonbValue(&state, WJB_VALUE, &key);
		member.val.string.val = "$type";
		member.val.string.len = 5;
		pushJsonbValue(&state, WJB_KEY, &member);
		member.val.string.val = text_to_cstring(PG_GETARG_TEXT_PP(4));
		member.val.string.len = strlen(member.val.string.val);
		pushJsonbValue(&state, WJB_VALUE, &member);
		json_root_value(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), &key);
	}
	write_add_connected(verb.run, verb.owner, verb.relation, &key, "associate", -1);
	return change_owner(&verb, caller);
}

/* SQL: dissociate(model, key, relation) */
Datum
relations_dissociate(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;

	verb_begin(fcinfo, &verb);
	require_parent(verb.relation, "dissociate");
	verb.owner->shown = verb.owner->model->shown;
	verb.owner->wanted = NIL;
	write_set_parent_null(verb.run, verb.owner, verb.relation);
	return change_owner(&verb, caller);
}

/* ---------------------------------------------------------------------
 * In bulk
 * ---------------------------------------------------------------------
 */

/* "rows that the owner has, for which the conditions hold" of alias c. */
static void
append_conditions(Verb *verb, WriteStatement *statement, Jsonb *where)
{
	QueryNode	node = {0};
	JsonMember	member = {0};
	JsonPathFrame frame = {NULL, "where", 0};

	if (where == NULL)
	{
		statement_owned(statement, verb->relation, verb->owner, "c", true, NULL);
		return;
	}
	node.relid = verb->relation->related;
	node.model = verb->related->desc;
	if (OidIsValid(verb->relation->via))
	{
		node.relation = verb->relation;
		node.via = catalog_get_model(verb->relation->via);
	}
	node.limit = -1;
	json_root_value(where, &member.value);
	query_parse_where(NULL, &node, &member, &frame);
	statement_owned(statement, verb->relation, verb->owner, "c", true, &node);
}

/*
 * Raises cardinality_violation when more rows were meant than are allowed,
 * program_limit_exceeded when they are more than relations.max_rows.
 */
static void
check_at_most(FunctionCallInfo fcinfo, int arg, RelationDesc *relation, uint64 n)
{
	budget_change(relation, n);
	if (!PG_ARGISNULL(arg) && (int64) n > PG_GETARG_INT64(arg))
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more rows of relation \"%s\" than at_most: " UINT64_FORMAT " instead of " INT64_FORMAT,
						relation->name, n, PG_GETARG_INT64(arg)),
				 errhint("Narrow down \"where\", or raise at_most.")));
}

/* SQL: update_related(model, key, relation, where, document, at_most) */
Datum
relations_update_related(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	JsonbValue	document;
	WriteRow   *changes;
	WriteStatement statement;
	bool		ordered;
	uint64		n;
	ListCell   *lc;

	require_argument(fcinfo, 4, "document");
	verb_begin(fcinfo, &verb);
	write_check_relation(verb.relation);
	if (verb.relation->kind == RELATION_MORPH_TO)
		verb_wrong_kind(verb.relation, "update_related", "relations.update");
	verb_object(PG_GETARG_JSONB_P_COPY(4), "document", &document);
	changes = write_row_make(verb.run, verb.related, NULL, NULL, -1);
	foreach(lc, json_members_of(&document))
		write_parse_column(verb.run, changes, lfirst(lc));
	if (changes->ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"document\" sets no column")));
	statement_init(&statement);
	appendStringInfo(&statement.sql, "UPDATE %s AS c SET ", quoted_model_name(verb.relation->related));
	for (int i = 0; i < changes->ncolumns; i++)
	{
		WriteColumn *column = &verb.related->columns[changes->columns[i]];

		appendStringInfo(&statement.sql, "%s%s = ", i > 0 ? ", " : "", quote_identifier(column->name));
		statement_param(&statement, column->base, changes->values[i], changes->nulls[i]);
	}
	ordered = statement_begin_where(&statement, verb.relation->related, "c", false);
	append_conditions(&verb, &statement, PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P_COPY(3));
	statement_end_where(&statement, verb.relation->related, "c", false, ordered);
	n = statement_run(&statement);
	check_at_most(fcinfo, 5, verb.relation, n);
	verb_end(caller);
	write_run_end(verb.run);
	PG_RETURN_INT64(n);
}

/* SQL: delete_related(model, key, relation, where, at_most) */
Datum
relations_delete_related(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	WriteStatement statement;
	bool		ordered;
	uint64		n;

	verb_begin(fcinfo, &verb);
	write_check_relation(verb.relation);
	if (verb.relation->kind == RELATION_MORPH_TO)
		verb_wrong_kind(verb.relation, "delete_related", "relations.delete");
	statement_init(&statement);
	appendStringInfo(&statement.sql, "DELETE FROM %s AS c", quoted_model_name(verb.relation->related));
	ordered = statement_begin_where(&statement, verb.relation->related, "c", true);
	append_conditions(&verb, &statement, PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P_COPY(3));
	statement_end_where(&statement, verb.relation->related, "c", true, ordered);
	n = statement_run(&statement);
	check_at_most(fcinfo, 4, verb.relation, n);
	verb_end(caller);
	write_run_end(verb.run);
	PG_RETURN_INT64(n);
}
