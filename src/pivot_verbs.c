/*
 * pivot_verbs.c
 *	  Lucid's verbs on relations through a pivot: attach, detach, sync.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "key_operator.h"
#include "relation_key.h"
#include "verb.h"
#include "write_order.h"
#include "write_statement.h"
#include "table_lock.h"

/* to sync a relation, while others attach rows */
#define MAX_ATTEMPTS 10

PG_FUNCTION_INFO_V1(relations_attach);
PG_FUNCTION_INFO_V1(relations_detach);
PG_FUNCTION_INFO_V1(relations_sync);

static void
require_pivot(RelationDesc *relation, const char *verb)
{
	if (RELATION_HAS_PIVOT(relation->kind))
		return;
	verb_wrong_kind(relation, verb, RELATION_REFERS(relation->kind)
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
	bool		attached;		/* by sync */
	bool		updated;
} Named;

/*
 * Rows of pivots are written in the order of the rows that they are about, so
 * that calls at once do not wait for one another in a circle.
 */
static int
compare_listed(const ListCell *a, const ListCell *b)
{
	return write_compare_keys(lfirst(a), lfirst(b));
}

static int
compare_named(const ListCell *a, const ListCell *b)
{
	return write_compare_keys(((Named *) lfirst(a))->row, ((Named *) lfirst(b))->row);
}

static List *
in_key_order(List *named)
{
	List	   *result = list_copy(named);

	list_sort(result, compare_named);
	return result;
}

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

/* Take what names rows as their keys; they need not be there. */
static void
read_keys(Verb *verb, List *named)
{
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
	}
}

/* Look up rows that are named.  Raises foreign_key_violation for one that is not there. */
static void
look_up_named(Verb *verb, List *named)
{
	List	   *rows = NIL;
	ListCell   *lc;

	foreach(lc, named)
		rows = lappend(rows, ((Named *) lfirst(lc))->row);
	if (rows == NIL)
		return;
	write_lookup(verb->run, rows);
	foreach(lc, rows)
		write_require(verb->run, lfirst(lc));
}

/* The row of the pivot that is to join a row that is named to the owner. */
static WriteRow *
pivot_row(Verb *verb, Named *one)
{
	WriteRow   *pivot = write_row_make(verb->run, write_run_model(verb->run, verb->relation->via), NULL,
									   one->row->name, -1);

	pivot->shown = NIL;
	if (one->attributes != NULL)
		write_parse_document(verb->run, pivot, one->attributes);
	write_refer_pivot(verb->run, pivot, verb->owner, one->row, verb->relation);
	return pivot;
}

/* Insert rows of the pivot for rows that are named. */
static void
attach_rows(Verb *verb, List *named)
{
	List	   *pivots = NIL;
	ListCell   *lc;

	foreach(lc, named)
		pivots = lappend(pivots, pivot_row(verb, lfirst(lc)));
	if (pivots != NIL)
		write_insert(verb->run, pivots);
}

/*
 * One session at a time syncs or detaches what a row has, whatever the pivot's
 * constraints: a lock by that name is held until the transaction ends.  No
 * row is locked, which would take the right to update it; but who may not
 * write to the pivot keeps nobody waiting.
 */
static void
lock_owner(Verb *verb)
{
	Oid			via = verb->relation->via;
	uint32		hash = 0;
	LOCKTAG		tag;
	ListCell   *lc;

	if (pg_class_aclmask(via, GetUserId(), ACL_INSERT | ACL_UPDATE | ACL_DELETE, ACLMASK_ANY) == 0 &&
		pg_attribute_aclcheck_all(via, GetUserId(), ACL_INSERT, ACLMASK_ANY) != ACLCHECK_OK)
		return;
	foreach(lc, verb->relation->own_columns)
	{
		WriteColumn *column = &verb->owner->model->columns[write_model_column(verb->owner->model, lfirst(lc))];
		bool		isnull;
		Datum		value = write_row_kept(verb->owner, lfirst(lc), &isnull);

		if (!isnull)
			hash = hash_combine(hash, datum_image_hash(value, column->byval, column->len));
	}
	/* as advisory locks are, but none that a user can name: theirs end with 1 or 2 */
	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, via, hash, 3);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
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
	read_keys(&verb, named);
	look_up_named(&verb, named);
	attach_rows(&verb, in_key_order(named));
	verb_end(caller);
	PG_RETURN_INT64(list_length(named));
}

/* SQL: detach(model, key, relation, related); the number of rows detached. */
Datum
relations_detach(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Verb		verb;
	List	   *named = NIL;
	uint64		n = 0;
	ListCell   *lc;

	verb_begin(fcinfo, &verb);
	require_pivot(verb.relation, "detach");
	lock_owner(&verb);
	if (PG_ARGISNULL(3))
		n = write_let_go(verb.relation, verb.owner, NULL, NIL, NULL);
	else
	{
		foreach(lc, named_rows(PG_GETARG_JSONB_P(3)))
		{
			Named	   *one = lfirst(lc);

			one->row = write_row_make(verb.run, verb.related, NULL, NULL, -1);
			if (write_parse_key(verb.run, one->row, &one->key, "related"))
				named = lappend(named, one);
		}
		foreach(lc, in_key_order(named))
		{
			CHECK_FOR_INTERRUPTS();
			n += write_let_go(verb.relation, verb.owner, ((Named *) lfirst(lc))->row, NIL, NULL);
		}
	}
	verb_end(caller);
	PG_RETURN_INT64(n);
}

/*
 * The related rows that the owner has now, in the order of their keys, by
 * which they are named; with scoped those that the relation leads to.
 */
static List *
attached_rows(Verb *verb, bool scoped)
{
	WriteStatement statement;
	List	   *columns = NIL;
	List	   *result = NIL;
	bool		of_pivot;
	uint64		n;
	SPITupleTable *table;
	ListCell   *lc;

	/* what a constraint says is there need not be looked for */
	if (!scoped && verb->relation->related_constraint_name != NULL)
		columns = statement_pivot_key(verb->relation, verb->related);
	statement_init(&statement);
	of_pivot = columns != NIL;
	if (of_pivot)
	{
		appendStringInfo(&statement.sql, "SELECT DISTINCT %s FROM %s AS p WHERE ",
						 quoted_column_list(columns), quoted_model_name(verb->relation->via));
		statement_pivot(&statement, verb->relation, verb->owner, "p");
	}
	else
	{
		columns = verb->related->desc->primary_key;
		appendStringInfo(&statement.sql, "SELECT %s FROM %s AS c WHERE ", quoted_column_list(columns),
						 quoted_model_name(verb->relation->related));
		statement_owned(&statement, verb->relation, verb->owner, "c", scoped, NULL);
	}
	n = statement_run(&statement);
	table = SPI_tuptable;
	for (uint64 i = 0; i < n; i++)
	{
		WriteRow   *row = write_row_make(verb->run, verb->related, NULL, NULL, -1);

		row->existing = true;
		row->key = palloc(sizeof(Datum) * list_length(verb->related->desc->primary_key));
		row->wanted = verb->relation->other_columns;
		row->shown = verb->related->desc->primary_key;
		foreach(lc, verb->related->desc->primary_key)
		{
			int			k = foreach_current_index(lc);
			WriteColumn *column = &verb->related->columns[write_model_column(verb->related, lfirst(lc))];
			bool		isnull;
			Datum		value = SPI_getbinval(table->vals[i], table->tupdesc, k + 1, &isnull);

			/* a row of the pivot that refers to nothing */
			if (of_pivot && isnull)
			{
				row = NULL;
				break;
			}
			row->key[k] = datumCopy(key_value(verb->related->relid, column->name, value, isnull),
									column->byval, column->len);
		}
		if (row != NULL)
			result = lappend(result, row);
	}
	SPI_freetuptable(table);
	/* here, since columns of the pivot may be sorted by another collation */
	list_sort(result, compare_listed);
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
	if (write_sets_pivot_key(pivot, relation))
		write_check_pivot_key(verb->run, pivot, verb->owner, row, relation);
	if (pivot->ncolumns == 0)
		return false;
	statement_init(&statement);
	appendStringInfo(&statement.sql, "UPDATE %s AS p SET ", quoted_model_name(relation->via));
	for (int i = 0; i < pivot->ncolumns; i++)
	{
		WriteColumn *column = &pivot_model->columns[pivot->columns[i]];

		appendStringInfo(&statement.sql, "%s%s = ", i > 0 ? ", " : "", quote_identifier(column->name));
		statement_param(&statement, column->base, pivot->values[i], pivot->nulls[i]);
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
push_name(JsonbParseState **state, const char *name)
{
	JsonbValue	key;

	key.type = jbvString;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(state, WJB_KEY, &key);
}

/* What sync did, as it is returned. */
typedef struct Sync
{
	List	   *named;			/* of Named */
	bool		detach;
	bool		arbiter;		/* ON CONFLICT can be used */
	bool		again;			/* it has met a row that came meanwhile */
	List	   *detached;		/* of WriteRow */
} Sync;

/*
 * Is there a unique index of just the columns that join the pivot to both
 * sides, by which ON CONFLICT can tell that a row is there?
 */
static bool
has_arbiter(Verb *verb)
{
	RelationDesc *relation = verb->relation;
	List	   *columns = list_concat(list_copy(relation->via_own_columns), relation->via_other_columns);
	Relation	rel;
	bool		result = false;
	List	   *indexes;
	ListCell   *lc;

	/* which locks it, too */
	(void) write_run_model(verb->run, relation->via);
	rel = peek_table(relation->via);
	if (relation->morph != NULL || rel->rd_rules != NULL ||
		(rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE))
	{
		RelationClose(rel);
		return false;
	}
	indexes = RelationGetIndexList(rel);
	foreach(lc, indexes)
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tup);
		bool		fits = form->indisunique && form->indimmediate && form->indisvalid &&
			form->indnkeyatts == list_length(columns) &&
			heap_attisnull(tup, Anum_pg_index_indpred, NULL) &&
			heap_attisnull(tup, Anum_pg_index_indexprs, NULL);
		ListCell   *c;

		foreach(c, fits ? columns : NIL)
		{
			AttrNumber	attnum = require_column(relation->via, lfirst(c), NULL);
			bool		there = false;

			for (int i = 0; i < form->indnkeyatts; i++)
				there = there || form->indkey.values[i] == attnum;
			fits = fits && there;
		}
		ReleaseSysCache(tup);
		result = result || fits;
	}
	list_free(indexes);
	RelationClose(rel);
	return result;
}

/* Is a related row attached to the owner? */
static bool
is_attached(Verb *verb, WriteRow *row)
{
	WriteStatement statement;

	statement_init(&statement);
	appendStringInfo(&statement.sql, "SELECT 1 FROM %s AS c WHERE ", quoted_model_name(verb->relation->related));
	statement_key(&statement, row, "c");
	appendStringInfoString(&statement.sql, " AND ");
	statement_owned(&statement, verb->relation, verb->owner, "c", false, NULL);
	return statement_run(&statement) > 0;
}

/* Attach a row; false when somebody else has attached it meanwhile. */
static bool
attach_missing(Verb *verb, Named *one)
{
	WriteRow   *pivot = pivot_row(verb, one);
	WriteStatement statement;

	statement_init(&statement);
	statement.row = one->row;
	appendStringInfo(&statement.sql, "INSERT INTO %s (", quoted_model_name(verb->relation->via));
	for (int i = 0; i < pivot->ncolumns; i++)
		appendStringInfo(&statement.sql, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(pivot->model->columns[pivot->columns[i]].name));
	appendStringInfoString(&statement.sql, ") VALUES (");
	for (int i = 0; i < pivot->ncolumns; i++)
	{
		appendStringInfoString(&statement.sql, i > 0 ? ", " : "");
		statement_param(&statement, pivot->model->columns[pivot->columns[i]].base, pivot->values[i],
						pivot->nulls[i]);
	}
	appendStringInfo(&statement.sql, ") ON CONFLICT (%s) DO NOTHING",
					 quoted_column_list(list_concat(list_copy(verb->relation->via_own_columns),
													verb->relation->via_other_columns)));
	one->attached = statement_run(&statement) > 0;
	if (!one->attached && is_attached(verb, one->row))
		return false;
	/* a row that is hidden, or a trigger that takes it away, is an error all the same */
	if (!one->attached)
		attach_rows(verb, list_make1(one));
	return one->attached = true;
}

/* Make the rows that are named the ones that are attached. */
static void
sync_rows(Verb *verb, void *arg)
{
	Sync	   *sync = arg;
	List	   *before = attached_rows(verb, false);
	List	   *ordered = in_key_order(sync->named);
	List	   *missing = NIL;
	List	   *changing = NIL;
	List	   *leaving = NIL;
	Named	   *last = NULL;
	ListCell   *lc;
	ListCell   *b;

	b = list_head(before);
	/* both lists are in the order of the keys */
	foreach(lc, ordered)
	{
		Named	   *one = lfirst(lc);

		while (b != NULL && write_compare_keys(lfirst(b), one->row) < 0)
			b = lnext(before, b);
		if (b != NULL && write_compare_keys(lfirst(b), one->row) == 0)
		{
			if (one->attributes != NULL)
				changing = lappend(changing, one);
		}
		else if (last == NULL || write_compare_keys(last->row, one->row) != 0)
		{
			missing = lappend(missing, one);
			last = one;
		}
	}
	/* those that stay are known to be there */
	look_up_named(verb, missing);
	look_up_named(verb, changing);
	foreach(lc, changing)
	{
		Named	   *one = lfirst(lc);

		if (update_pivot(verb, one->row, one->attributes))
			one->updated = !one->attached;
	}
	/* what the relation's scope leaves out is not for it to detach */
	if (!sync->detach)
		before = NIL;
	else if (verb->relation->scope != NULL)
		before = attached_rows(verb, true);
	lc = list_head(ordered);
	foreach(b, before)
	{
		while (lc != NULL && write_compare_keys(((Named *) lfirst(lc))->row, lfirst(b)) < 0)
			lc = lnext(ordered, lc);
		if (lc == NULL || write_compare_keys(((Named *) lfirst(lc))->row, lfirst(b)) != 0)
			leaving = lappend(leaving, lfirst(b));
	}
	if (leaving != NIL)
		write_lookup(verb->run, leaving);
	foreach(b, leaving)
	{
		CHECK_FOR_INTERRUPTS();
		/* another may have been quicker */
		if (write_let_go(verb->relation, verb->owner, lfirst(b), NIL, NULL) > 0 &&
			((WriteRow *) lfirst(b))->found)
			sync->detached = lappend(sync->detached, lfirst(b));
	}
	foreach(lc, sync->arbiter ? missing : NIL)
	{
		CHECK_FOR_INTERRUPTS();
		sync->again = !attach_missing(verb, lfirst(lc)) || sync->again;
	}
	if (sync->arbiter)
		return;
	attach_rows(verb, missing);
	foreach(lc, missing)
		((Named *) lfirst(lc))->attached = true;
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
	Sync		sync = {0};
	ErrorData  *error = NULL;
	int			attempt = 0;
	JsonbParseState *state = NULL;
	Jsonb	   *result;
	ListCell   *lc;

	require_argument(fcinfo, 3, "related");
	verb_begin(fcinfo, &verb);
	require_pivot(verb.relation, "sync");
	sync.detach = PG_ARGISNULL(4) || PG_GETARG_BOOL(4);
	sync.named = named_rows(PG_GETARG_JSONB_P(3));
	read_keys(&verb, sync.named);
	lock_owner(&verb);
	/* who does not sync may attach rows meanwhile: then they are there */
	sync.arbiter = has_arbiter(&verb);
	do
	{
		CHECK_FOR_INTERRUPTS();
		sync.again = false;
		if (sync.arbiter)
			sync_rows(&verb, &sync);
		else if (!verb_attempt(&verb, sync_rows, &sync, &error))
		{
			/* all that was done is undone */
			if (attempt + 1 == MAX_ATTEMPTS || IsolationUsesXactSnapshot())
				ReThrowError(error);
			sync.again = true;
			sync.detached = NIL;
			foreach(lc, sync.named)
				((Named *) lfirst(lc))->attached = ((Named *) lfirst(lc))->updated = false;
		}
	} while (sync.again && ++attempt < MAX_ATTEMPTS);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_name(&state, "attached");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, sync.named)
	{
		if (((Named *) lfirst(lc))->attached)
			push_row_key(&verb, &state, ((Named *) lfirst(lc))->row);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	push_name(&state, "detached");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, sync.detached)
		push_row_key(&verb, &state, lfirst(lc));
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	push_name(&state, "updated");
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, sync.named)
	{
		if (((Named *) lfirst(lc))->updated)
			push_row_key(&verb, &state, ((Named *) lfirst(lc))->row);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	MemoryContextSwitchTo(caller);
	result = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	verb_end(caller);
	write_run_end(verb.run);
	PG_RETURN_JSONB_P(result);
}
