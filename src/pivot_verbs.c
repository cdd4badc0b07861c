/*
 * pivot_verbs.c
 *	  Lucid's verbs on relations through a pivot: attach, detach, sync.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"

#include "arguments.h"
#include "key_operator.h"
#include "verb.h"
#include "write_statement.h"

PG_FUNCTION_INFO_V1(relations_attach);
PG_FUNCTION_INFO_V1(relations_detach);
PG_FUNCTION_INFO_V1(relations_sync);

static void
require_pivot(RelationDesc *relation, const char *verb)
{
	if (RELATION_HAS_PIVOT(relation->kind))
		return;
	verb_wrong_kind(relation, verb,
			   relation->kind == RELATION_BELONGS_TO || relation->kind == RELATION_MORPH_TO
			   ? "relations.associate and relations.dissociate"
			   : RELATION_IS_THROUGH(relation->kind) ? "a relation of the model that it goes through"
			   : "relations.create_related, or update the related row with \"$connect\" and \"$disconnect\"");
}

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
	verb_begin(fcinfo, &verb);
	require_pivot(verb.relation, "attach");
	named = named_rows(PG_GETARG_JSONB_P(3));
	look_up_named(&verb, named);
	attach_rows(&verb, named);
	verb_end(caller);
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

	verb_begin(fcinfo, &verb);
	require_pivot(verb.relation, "detach");
	if (PG_ARGISNULL(3))
		n = write_let_go(verb.relation, verb.owner, NULL, NIL, NULL);
	else
	{
		foreach(lc, named_rows(PG_GETARG_JSONB_P(3)))
		{
			Named	   *one = lfirst(lc);
			WriteRow   *row = write_row_make(verb.run, verb.related, NULL, NULL, -1);

			CHECK_FOR_INTERRUPTS();
			if (write_parse_key(verb.run, row, &one->key, "related"))
				n += write_let_go(verb.relation, verb.owner, row, NIL, NULL);
		}
	}
	verb_end(caller);
	PG_RETURN_INT64(n);
}

/* Are they one row?  Keys are equal by their types: 1 is 1.0. */
static bool
same_row(WriteRow *a, WriteRow *b)
{
	ListCell   *lc;

	foreach(lc, a->model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		WriteColumn *column = &a->model->columns[write_model_column(a->model, lfirst(lc))];

		if (!write_column_equal(column, a->key[i], b->key[i]))
			return false;
	}
	return true;
}

/*
 * The related rows that the owner has now, with their keys; with scoped those
 * that the relation leads to.
 */
static List *
attached_rows(Verb *verb, bool scoped)
{
	WriteStatement statement;
	List	   *result = NIL;
	uint64		n;
	SPITupleTable *table;

	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ",
					 quoted_column_list(verb->related->desc->primary_key),
					 quoted_model_name(verb->relation->related));
	statement_owned(&statement, verb->relation, verb->owner, "c", scoped);
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
	verb_begin(fcinfo, &verb);
	require_pivot(verb.relation, "sync");
	named = named_rows(PG_GETARG_JSONB_P(3));
	look_up_named(&verb, named);
	before = attached_rows(&verb, false);
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
	/* what the relation's scope leaves out is not for it to detach */
	if (!detach)
		before = NIL;
	else if (verb.relation->scope != NULL)
		before = attached_rows(&verb, true);
	foreach(b, before)
	{
		bool		stays = false;

		foreach(lc, named)
			stays = stays || same_row(((Named *) lfirst(lc))->row, lfirst(b));
		if (stays)
			continue;
		write_lookup(verb.run, list_make1(lfirst(b)));
		(void) write_let_go(verb.relation, verb.owner, lfirst(b), NIL, NULL);
		detached = lappend(detached, lfirst(b));
	}
	attach_rows(&verb, missing);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_rows(&verb, &state, "attached", attached);
	push_rows(&verb, &state, "detached", detached);
	push_rows(&verb, &state, "updated", updated);
	MemoryContextSwitchTo(caller);
	result = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	verb_end(caller);
	write_run_end(verb.run);
	PG_RETURN_JSONB_P(result);
}
