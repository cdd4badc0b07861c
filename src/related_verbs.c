/*
 * related_verbs.c
 *	  Lucid's verbs on the relations of one row: attach, detach, sync,
 *	  associate, dissociate, and find or create.
 */
#include "relations.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "arguments.h"
#include "budget.h"
#include "deparse_condition.h"
#include "key_operator.h"
#include "query_where.h"
#include "write_change.h"
#include "write_statement.h"

PG_FUNCTION_INFO_V1(relations_attach);
PG_FUNCTION_INFO_V1(relations_detach);
PG_FUNCTION_INFO_V1(relations_sync);
PG_FUNCTION_INFO_V1(relations_associate);
PG_FUNCTION_INFO_V1(relations_dissociate);
PG_FUNCTION_INFO_V1(relations_first_or_create_related);
PG_FUNCTION_INFO_V1(relations_update_or_create_related);
PG_FUNCTION_INFO_V1(relations_first_or_create_many_related);
PG_FUNCTION_INFO_V1(relations_update_or_create_many_related);
PG_FUNCTION_INFO_V1(relations_update_related);
PG_FUNCTION_INFO_V1(relations_delete_related);

/* A verb under way: the row that it starts from, and its relation. */
typedef struct Verb
{
	WriteRun   *run;
	RelationDesc *relation;
	WriteRow   *owner;
	WriteModel *related;
} Verb;

/*
 * Begin a verb with the arguments (model, key, relation, ...).  SPI is
 * connected then, and the run's memory context is the current one.
 */
static void
begin_verb(FunctionCallInfo fcinfo, Verb *verb)
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

static void
end_verb(MemoryContext caller)
{
	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/* Raises feature_not_supported: the verb is for other kinds of relation. */
static pg_attribute_noreturn() void
wrong_kind(RelationDesc *relation, const char *verb, const char *right)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not for relation \"%s\" of model \"%s\", which is %s", verb,
					relation->name, model_name(relation->model), relation_kind_name(relation->kind)),
			 errhint("Use %s.", right)));
}

static void
require_pivot(RelationDesc *relation, const char *verb)
{
	if (RELATION_HAS_PIVOT(relation->kind))
		return;
	wrong_kind(relation, verb,
			   relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO
			   ? "relations.associate and relations.dissociate"
			   : RELATION_IS_THROUGH(relation->kind) ? "a relation of the model that it goes through"
			   : "relations.create_related, or update the related row with \"$connect\" and \"$disconnect\"");
}

static void
require_parent(RelationDesc *relation, const char *verb)
{
	if (relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO)
		return;
	wrong_kind(relation, verb, RELATION_HAS_PIVOT(relation->kind)
			   ? "relations.attach, relations.detach and relations.sync"
			   : RELATION_IS_THROUGH(relation->kind) ? "a relation of the model that it goes through"
			   : "relations.create_related, or associate from the other side");
}

/* ---------------------------------------------------------------------
 * Pivots
 * ---------------------------------------------------------------------
 */

/* A related row that a verb names, and what is said of the pivot's columns. */
typedef struct Named
{
	JsonbValue	key;
	JsonbValue *attributes;		/* or NULL */
	WriteRow   *row;			/* looked up */
} Named;

/* [1, 2] or {"1": {"level": "expert"}}, as a list of Named. */
static List *
named_rows(Jsonb *related)
{
	JsonbValue	root;
	List	   *result = NIL;
	ListCell   *lc;
	bool		object;

	json_root_value(related, &root);
	object = JSON_IS_OBJECT(&root);
	if (!object && !JSON_IS_ARRAY(&root))
		write_wrong_value("related", "an array of keys, or an object of keys and pivot columns", &root);
	foreach(lc, object ? json_members_of(&root) : json_elements_of(&root))
	{
		JsonMember *member = lfirst(lc);
		Named	   *named = palloc0(sizeof(Named));

		if (object)
		{
			named->key.type = jbvString;
			named->key.val.string.val = member->key;
			named->key.val.string.len = strlen(member->key);
			if (JSON_IS_OBJECT(&member->value))
				named->attributes = &member->value;
			else if (member->value.type != jbvNull &&
					 !(member->value.type == jbvBool && member->value.val.boolean))
				write_wrong_value(psprintf("related.%s", member->key), "an object of pivot columns",
								  &member->value);
		}
		else
			named->key = member->value;
		result = lappend(result, named);
	}
	return result;
}

/* Find the rows that are named; each is looked up once. */
static void
look_up_named(Verb *verb, List *named)
{
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, named)
	{
		Named	   *one = lfirst(lc);

		one->row = write_row_make(verb->run, verb->related, NULL,
								  psprintf("related[%d]", foreach_current_index(lc)), -1);
		one->row->wanted = verb->relation->other_columns;
		one->row->shown = verb->related->desc->primary_key;
		if (!write_parse_key(verb->run, one->row, &one->key, one->row->name))
			write_require(verb->run, one->row);
		rows = lappend(rows, one->row);
	}
	if (rows == NIL)
		return;
	write_lookup(verb->run, rows);
	foreach(lc, rows)
		write_require(verb->run, lfirst(lc));
}

/* Insert rows of the pivot for rows that are named. */
static void
attach_rows(Verb *verb, List *named)
{
	List	   *pivots = NIL;
	ListCell   *lc;

	foreach(lc, named)
	{
		Named	   *one = lfirst(lc);
		WriteRow   *pivot = write_row_make(verb->run, write_run_model(verb->run, verb->relation->via),
										   NULL, one->row->name, -1);

		pivot->shown = NIL;
		if (one->attributes != NULL)
			write_parse_document(verb->run, pivot, one->attributes);
		write_refer_pivot(verb->run, pivot, verb->owner, one->row, verb->relation);
		pivots = lappend(pivots, pivot);
	}
	if (pivots != NIL)
		write_insert(verb->run, pivots);
}

/* SQL: attach(model, key, relation, related); the number of rows attached. */
Datum
relations_attach(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	List	   *named;

	require_argument(fcinfo, 3, "related");
	begin_verb(fcinfo, &verb);
	require_pivot(verb.relation, "attach");
	named = named_rows(PG_GETARG_JSONB_P(3));
	look_up_named(&verb, named);
	attach_rows(&verb, named);
	end_verb(caller);
	PG_RETURN_INT64(list_length(named));
}

/* SQL: detach(model, key, relation, related); the number of rows detached. */
Datum
relations_detach(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	uint64		n = 0;
	ListCell   *lc;

	begin_verb(fcinfo, &verb);
	require_pivot(verb.relation, "detach");
	if (PG_ARGISNULL(3))
		n = write_let_go(verb.relation, verb.owner, NULL, NIL);
	else
	{
		foreach(lc, named_rows(PG_GETARG_JSONB_P(3)))
		{
			Named	   *one = lfirst(lc);
			WriteRow   *row = write_row_make(verb.run, verb.related, NULL, NULL, -1);

			CHECK_FOR_INTERRUPTS();
			if (write_parse_key(verb.run, row, &one->key, "related"))
				n += write_let_go(verb.relation, verb.owner, row, NIL);
		}
	}
	end_verb(caller);
	PG_RETURN_INT64(n);
}

/* Does a value of one of named rows differ from that of another? */
static bool
same_row(WriteRow *a, WriteRow *b)
{
	ListCell   *lc;

	foreach(lc, a->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		WriteColumn *column = &a->model->columns[write_model_column(a->model, lfirst(lc))];

		if (!datum_image_eq(a->key[i], b->key[i], column->byval, column->len))
			return false;
	}
	return true;
}

/* The related rows that the owner has now, with their keys. */
static List *
attached_rows(Verb *verb)
{
	WriteStatement statement;
	List	   *result = NIL;
	uint64		n;
	SPITupleTable *table;

	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(verb->related->desc->primary_key),
					 quoted_model_name(verb->relation->related));
	statement_owned(&statement, verb->relation, verb->owner, "c");
	appendStringInfo(&statement.sql, " ORDER BY %s",
					 quoted_column_list(verb->related->desc->primary_key));
	n = statement_run(&statement);
	table = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		WriteRow   *row = write_row_make(verb->run, verb->related, NULL, NULL, -1);
		ListCell   *lc;

		row->existing = true;
		row->key = palloc(sizeof(Datum) * list_length(verb->related->desc->primary_key));
		row->wanted = verb->relation->other_columns;
		row->shown = verb->related->desc->primary_key;
		foreach(lc, verb->related->desc->primary_key)
		{
			int			k = foreach_current_index(lc);
			WriteColumn *column = &verb->related->columns[write_model_column(verb->related, lfirst(lc))];
			bool		isnull;

			row->key[k] = datumCopy(SPI_getbinval(table->vals[i], table->tupdesc, k + 1, &isnull),
									column->byval, column->len);
		}
		result = lappend(result, row);
	}
	SPI_freetuptable(table);
	return result;
}

/*
 * Set columns of the pivot where they differ; false when none did.  row is a
 * related row that is attached and looked up.
 */
static bool
update_pivot(Verb *verb, WriteRow *row, JsonbValue *attributes)
{
	RelationDesc *relation = verb->relation;
	WriteModel *pivot_model = write_run_model(verb->run, relation->via);
	WriteRow   *pivot = write_row_make(verb->run, pivot_model, NULL, row->name, -1);
	WriteStatement statement;
	ListCell   *v;
	ListCell   *c;

	write_parse_document(verb->run, pivot, attributes);
	if (pivot->ncolumns == 0)
		return false;
	statement_init(&statement);
	appendStringInfo(&statement.sql, "UPDATE %s AS p SET ", quoted_model_name(relation->via));
	for (int i = 0; i < pivot->ncolumns; i++)
	{
		WriteColumn *column = &pivot_model->columns[pivot->columns[i]];

		appendStringInfo(&statement.sql, "%s%s = ", i > 0 ? ", " : "", quote_identifier(column->name));
		statement_param(&statement, column->type, pivot->values[i], pivot->nulls[i]);
	}
	if (relation->pivot_timestamps &&
		write_row_find(pivot, write_model_column(pivot_model, "updated_at")) < 0)
		appendStringInfoString(&statement.sql, ", updated_at = pg_catalog.now()");
	appendStringInfoString(&statement.sql, " WHERE ");
	statement_pivot(&statement, relation, verb->owner, "p");
	forboth(v, relation->via_other_columns, c, relation->other_columns)
	{
		bool		isnull;
		Datum		value = write_row_kept(row, lfirst(c), &isnull);

		appendStringInfo(&statement.sql, " AND p.%s %s ", quote_identifier(lfirst(v)),
						 column_equality(relation->via, lfirst(v), relation->related, lfirst(c)));
		statement_param(&statement,
						row->model->columns[write_model_column(row->model, lfirst(c))].base, value, isnull);
	}
	appendStringInfoString(&statement.sql, " AND (");
	for (int i = 0; i < pivot->ncolumns; i++)
	{
		WriteColumn *column = &pivot_model->columns[pivot->columns[i]];

		/* by image, for types without equality; the row is written in doubt */
		appendStringInfo(&statement.sql, "%spg_catalog.record_image_ne(ROW(p.%s), ROW(",
						 i > 0 ? " OR " : "", quote_identifier(column->name));
		statement_param(&statement, column->type, pivot->values[i], pivot->nulls[i]);
		appendStringInfoString(&statement.sql, "))");
	}
	appendStringInfoChar(&statement.sql, ')');
	return statement_run(&statement) > 0;
}

/* Push the key of a related row: a value, or an object of a composite key. */
static void
push_row_key(Verb *verb, JsonbParseState **state, WriteRow *row)
{
	Jsonb	   *document = write_document_of(verb->run, row);
	JsonbValue	value;

	if (list_length(verb->related->desc->primary_key) == 1)
	{
		const char *column = linitial(verb->related->desc->primary_key);

		value = *getKeyJsonValueFromContainer(&document->root, column, strlen(column), NULL);
	}
	else
		json_root_value(document, &value);
	pushJsonbValue(state, WJB_ELEM, &value);
}

static void
push_rows(Verb *verb, JsonbParseState **state, const char *name, List *rows)
{
	JsonbValue	key;
	ListCell   *lc;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, rows)
		push_row_key(verb, state, lfirst(lc));
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/*
 * SQL: sync(model, key, relation, related, detach): make the rows that are
 * named the ones that are attached; {"attached", "detached", "updated"}.
 */
Datum
relations_sync(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	bool		detach = PG_ARGISNULL(4) || PG_GETARG_BOOL(4);
	List	   *named;
	List	   *before;
	List	   *missing = NIL;
	List	   *attached = NIL;
	List	   *detached = NIL;
	List	   *updated = NIL;
	JsonbParseState *state = NULL;
	Jsonb	   *result;
	ListCell   *lc;
	ListCell   *b;

	require_argument(fcinfo, 3, "related");
	begin_verb(fcinfo, &verb);
	require_pivot(verb.relation, "sync");
	named = named_rows(PG_GETARG_JSONB_P(3));
	look_up_named(&verb, named);
	before = attached_rows(&verb);
	foreach(lc, named)
	{
		Named	   *one = lfirst(lc);
		bool		there = false;
		bool		again = false;
		ListCell   *m;

		foreach(b, before)
			there = there || same_row(lfirst(b), one->row);
		foreach(m, missing)
			again = again || same_row(((Named *) lfirst(m))->row, one->row);
		if (there && one->attributes != NULL && update_pivot(&verb, one->row, one->attributes))
			updated = lappend(updated, one->row);
		else if (!there && !again)
		{
			missing = lappend(missing, one);
			attached = lappend(attached, one->row);
		}
	}
	foreach(b, before)
	{
		bool		stays = false;

		foreach(lc, named)
			stays = stays || same_row(((Named *) lfirst(lc))->row, lfirst(b));
		if (stays || !detach)
			continue;
		write_lookup(verb.run, list_make1(lfirst(b)));
		(void) write_let_go(verb.relation, verb.owner, lfirst(b), NIL);
		detached = lappend(detached, lfirst(b));
	}
	attach_rows(&verb, missing);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_rows(&verb, &state, "attached", attached);
	push_rows(&verb, &state, "detached", detached);
	push_rows(&verb, &state, "updated", updated);
	MemoryContextSwitchTo(caller);
	result = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	end_verb(caller);
	write_run_end(verb.run);
	PG_RETURN_JSONB_P(result);
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
	end_verb(caller);
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
	begin_verb(fcinfo, &verb);
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

	begin_verb(fcinfo, &verb);
	require_parent(verb.relation, "dissociate");
	verb.owner->shown = verb.owner->model->shown;
	verb.owner->wanted = NIL;
	write_set_parent_null(verb.run, verb.owner, verb.relation);
	return change_owner(&verb, caller);
}

/* ---------------------------------------------------------------------
 * Find or create
 * ---------------------------------------------------------------------
 */

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
	statement_owned(&statement, verb->relation, verb->owner, "c");
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
		wrong_kind(relation, verb, "relations.update with \"$upsert\" or \"$connect_or_create\"");
}

static void
object_value(Jsonb *document, const char *name, JsonbValue *value)
{
	json_root_value(document, value);
	if (!JSON_IS_OBJECT(value))
		write_wrong_value(name, "an object", value);
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
	begin_verb(fcinfo, &verb);
	check_find_or_create(verb.relation, update ? "update_or_create_related" : "first_or_create_related");
	object_value(PG_GETARG_JSONB_P_COPY(3), "search", &search);
	object_value(PG_GETARG_JSONB_P_COPY(4), "document", &document);
	row = find_or_create(&verb, &search, &document, update);
	MemoryContextSwitchTo(caller);
	result = write_document_of(verb.run, row);
	end_verb(caller);
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
	begin_verb(fcinfo, &verb);
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
	end_verb(caller);
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

/* ---------------------------------------------------------------------
 * In bulk
 * ---------------------------------------------------------------------
 */

/* "rows that the owner has, for which the conditions hold" of alias c. */
static void
append_conditions(Verb *verb, WriteStatement *statement, Jsonb *where)
{
	QueryNode	node = {0};
	DeparseContext cxt = {0};
	DeparseAlias alias = {"c", NULL};
	JsonMember	member = {0};
	JsonPathFrame frame = {NULL, "where", 0};
	int			first = statement->nparams;
	ListCell   *lc;

	statement_owned(statement, verb->relation, verb->owner, "c");
	first = statement->nparams;
	if (where == NULL)
		return;
	node.relid = verb->relation->related;
	node.model = verb->related->desc;
	node.limit = -1;
	json_root_value(where, &member.value);
	query_parse_where(NULL, &node, &member, &frame);
	cxt.buf = &statement->sql;
	cxt.nparams = first;
	deparse_conditions(&cxt, &node, &alias, " AND ");
	foreach(lc, cxt.params)
	{
		QueryParam *param = lfirst(lc);
		int			length = statement->sql.len;

		/* the text has its number already */
		statement_param(statement, param->type, param->value, param->isnull);
		statement->sql.len = length;
		statement->sql.data[length] = '\0';
	}
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
	uint64		n;
	ListCell   *lc;

	require_argument(fcinfo, 4, "document");
	begin_verb(fcinfo, &verb);
	write_check_relation(verb.relation);
	if (verb.relation->kind == RELATION_MORPH_TO)
		wrong_kind(verb.relation, "update_related", "relations.update");
	object_value(PG_GETARG_JSONB_P_COPY(4), "document", &document);
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
		statement_param(&statement, column->type, changes->values[i], changes->nulls[i]);
	}
	appendStringInfoString(&statement.sql, " WHERE ");
	append_conditions(&verb, &statement, PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P_COPY(3));
	n = statement_run(&statement);
	check_at_most(fcinfo, 5, verb.relation, n);
	end_verb(caller);
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
	uint64		n;

	begin_verb(fcinfo, &verb);
	write_check_relation(verb.relation);
	if (verb.relation->kind == RELATION_MORPH_TO)
		wrong_kind(verb.relation, "delete_related", "relations.delete");
	statement_init(&statement);
	appendStringInfo(&statement.sql, "DELETE FROM %s AS c WHERE ", quoted_model_name(verb.relation->related));
	append_conditions(&verb, &statement, PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P_COPY(3));
	n = statement_run(&statement);
	check_at_most(fcinfo, 4, verb.relation, n);
	end_verb(caller);
	write_run_end(verb.run);
	PG_RETURN_INT64(n);
}
