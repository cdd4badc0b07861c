/*
 * counter_recount.c
 *	  Count the rows of a relation anew: for all parents, or for some.
 *
 * Rows are counted with the rights of the model's owner, and counters are set
 * with those of the parents' owner.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/shmem.h"
#include "utils/datum.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "as_owner.h"
#include "counter_plan.h"
#include "progress.h"

/* with more keys than that, one statement counts for all */
#define FEW_KEYS 8

/* ---------------------------------------------------------------------
 * All parents
 * ---------------------------------------------------------------------
 */

/* Execute a statement once.  Returns the number of rows that it changed. */
static uint64
run_once(const char *sql)
{
	counter_check_spi(SPI_execute(sql, false, 0), "SPI_execute");
	return SPI_processed;
}

/* Execute a statement, and register its rows as the table COUNTER_COUNTS. */
static Tuplestorestate *
register_counts(const char *sql)
{
	SPIPlanPtr	plan = counter_prepare(sql, false);
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);

	counter_execute(plan, store);
	counter_register_rows(COUNTER_COUNTS, counter_result_desc(plan), store);
	return store;
}

/*
 * Set the counters of a relation to the number of rows.  Returns how many of
 * them were wrong.  Until the end of the transaction nobody else writes the
 * model's rows.  writer is as for switch_to_owner().
 */
uint64
recount_relation(RelationDesc *desc, Oid writer)
{
	ErrorContextCallback errcallback;
	Tuplestorestate *counts;
	SavedUser	saved;
	uint64		result;

	counter_begin_relation(desc, &errcallback);
	find_all_inheritors(desc->model, ShareRowExclusiveLock, NULL);
	tell_long_work("counting", desc->model);
	counter_check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(desc->model, writer, &saved);
	counts = register_counts(counter_counts_sql(desc));
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	run_once(counter_lock_drift_sql(desc));
	result = run_once(counter_set_sql(desc));
	result += run_once(counter_reset_sql(desc));
	restore_user(&saved);
	tuplestore_end(counts);
	SPI_finish();
	error_context_stack = errcallback.previous;
	return result;
}

/* Count after a TRUNCATE of the table or of one of its partitions. */
void
count_after_truncate(Oid relid, Oid writer)
{
	ListCell   *lc;

	foreach(lc, counted_relations(relid))
	{
		RelationDesc *desc = lfirst(lc);
		SavedUser	saved;

		if (desc->counter_cache != NULL)
			recount_relation(desc, writer);
		if (desc->touch == NULL)
			continue;
		counter_check_spi(SPI_connect(), "SPI_connect");
		switch_to_owner(desc->related, writer, &saved);
		run_once(counter_lock_all_sql(desc));
		run_once(counter_touch_all_sql(desc));
		restore_user(&saved);
		SPI_finish();
	}
}

/* ---------------------------------------------------------------------
 * Some parents
 * ---------------------------------------------------------------------
 */

/*
 * Count the rows that refer to one key, and set the counter of the parent.
 * values has room for the counter behind the key.
 */
void
recount_parent(CountedParent *parent, Oid writer, Datum *values)
{
	RelationDesc *desc = parent->desc;
	int			n = list_length(desc->local_key);
	ErrorContextCallback errcallback;
	SavedUser	saved;
	bool		isnull;

	counter_begin_relation(desc, &errcallback);
	counter_check_spi(SPI_connect(), "SPI_connect");
	switch_to_owner(desc->model, writer, &saved);
	if (parent->count == NULL)
		parent->count = counter_prepare_args(counter_count_one_sql(desc), n, parent->types);
	counter_check_spi(SPI_execute_plan(parent->count, values, NULL, false, 0), "SPI_execute_plan");
	values[n] = Int64GetDatum(DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
														  SPI_tuptable->tupdesc, 1, &isnull)));
	if (isnull)
		elog(ERROR, "the number of rows of a relation is null");
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	if (parent->set == NULL)
		parent->set = counter_prepare_args(counter_set_one_sql(desc), n + 1, parent->types);
	counter_check_spi(SPI_execute_plan(parent->set, values, NULL, false, 0), "SPI_execute_plan");
	restore_user(&saved);
	SPI_finish();
	error_context_stack = errcallback.previous;
}

/* ---------------------------------------------------------------------
 * Sets of keys
 * ---------------------------------------------------------------------
 */

static ParentKeys *
begin_keys(int nkeys)
{
	ParentKeys *keys = palloc0(sizeof(ParentKeys));

	keys->context = CurrentMemoryContext;
	keys->nkeys = nkeys;
	keys->desc = CreateTemplateTupleDesc(nkeys);
	return keys;
}

/*
 * Describe the next column of a set of keys: it has the type of a column, and
 * the collation of the parent's, with which it is compared.
 */
static void
describe_key(ParentKeys *keys, int i, Oid relid, const char *column, Oid parent,
			 const char *parent_column)
{
	char		name[NAMEDATALEN];
	Oid			type;
	int32		typmod;
	Oid			ignored;
	Oid			collation;

	get_atttypetypmodcoll(parent, require_column(parent, parent_column, NULL), &type, &typmod,
						  &collation);
	get_atttypetypmodcoll(relid, require_column(relid, column, NULL), &type, &typmod, &ignored);
	snprintf(name, sizeof(name), "k%d", i + 1);
	TupleDescInitEntry(keys->desc, i + 1, name, type, typmod, 0);
	TupleDescInitEntryCollation(keys->desc, i + 1, collation);
}

/*
 * Begin a set of keys of the parents of a relation, in the current memory
 * context.  With of_model the keys are those of rows that refer to parents.
 */
ParentKeys *
parent_keys_begin(RelationDesc *desc, bool of_model)
{
	ParentKeys *keys = begin_keys(list_length(desc->local_key));

	keys->of_model = of_model;
	for (int i = 0; i < keys->nkeys; i++)
	{
		char	   *column = list_nth(desc->local_key, i);

		if (of_model)
			describe_key(keys, i, desc->model, list_nth(desc->foreign_key, i), desc->related, column);
		else
			describe_key(keys, i, desc->related, column, desc->related, column);
	}
	return keys;
}

/* Begin a set of keys of columns of a table, in the current memory context. */
ParentKeys *
parent_keys_of_columns(Oid relid, List *columns)
{
	ParentKeys *keys = begin_keys(list_length(columns));

	for (int i = 0; i < keys->nkeys; i++)
		describe_key(keys, i, relid, list_nth(columns, i), relid, list_nth(columns, i));
	return keys;
}

/* Add a key, none of whose values is null. */
void
parent_keys_add(ParentKeys *keys, const Datum *values)
{
	MemoryContext old = MemoryContextSwitchTo(keys->context);

	if (keys->count >= keys->allocated)
	{
		Size		size;

		keys->allocated = Max(16, keys->allocated * 2);
		size = mul_size(mul_size(keys->allocated, keys->nkeys), sizeof(Datum));
		keys->values = keys->values == NULL ? MemoryContextAllocHuge(keys->context, size)
			: repalloc_huge(keys->values, size);
	}
	for (int i = 0; i < keys->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(keys->desc, i);

		keys->values[keys->count * keys->nkeys + i] =
			datumCopy(values[i], att->attbyval, att->attlen);
	}
	keys->count++;
	MemoryContextSwitchTo(old);
}

/* Register keys, from the one with this index on, as the table COUNTER_KEYS. */
Tuplestorestate *
parent_keys_register(ParentKeys *keys, int64 from)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	bool	   *nulls = palloc0(sizeof(bool) * keys->nkeys);

	for (int64 i = from; i < keys->count; i++)
		tuplestore_putvalues(store, keys->desc, &keys->values[i * keys->nkeys], nulls);
	counter_register_rows(COUNTER_KEYS, keys->desc, store);
	return store;
}

/*
 * Count for keys, from the one with this index on, by one statement.  With
 * lock, the parents are not known to be locked by this transaction.
 */
void
recount_many(RelationDesc *desc, Oid writer, ParentKeys *keys, int64 from, bool lock)
{
	ErrorContextCallback errcallback;
	Tuplestorestate *counts;
	Tuplestorestate *store;
	SavedUser	saved;

	counter_begin_relation(desc, &errcallback);
	counter_check_spi(SPI_connect(), "SPI_connect");
	store = parent_keys_register(keys, from);
	if (lock)
	{
		switch_to_owner(desc->related, writer, &saved);
		run_once(counter_lock_keys_sql(desc, keys->of_model));
		restore_user(&saved);
	}
	switch_to_owner(desc->model, writer, &saved);
	counts = register_counts(counter_count_keys_sql(desc, keys->of_model));
	restore_user(&saved);
	switch_to_owner(desc->related, writer, &saved);
	run_once(counter_set_keys_sql(desc, keys->of_model));
	restore_user(&saved);
	tuplestore_end(counts);
	tuplestore_end(store);
	SPI_finish();
	error_context_stack = errcallback.previous;
}

/* Count the rows that refer to keys of parents, and set their counters. */
void
recount_keys(CountedParent *parent, Oid writer, ParentKeys *keys)
{
	Datum	   *values;

	if (keys->count > FEW_KEYS)
	{
		recount_many(parent->desc, writer, keys, 0, false);
		return;
	}
	values = palloc(sizeof(Datum) * (keys->nkeys + 1));
	for (int64 i = 0; i < keys->count; i++)
	{
		memcpy(values, &keys->values[i * keys->nkeys], sizeof(Datum) * keys->nkeys);
		recount_parent(parent, writer, values);
	}
}
