/*
 * read_choice.c
 *	  How the first rows of each parent are read: all at once, or parent by
 *	  parent.
 *
 * The first rows of each of many parents can be had in two ways.  A statement
 * with a LATERAL subquery finds them for each parent in turn: it costs a probe
 * a parent, and the rows that the probe reads.  Or one statement reads all
 * rows of all these parents, and the first of each are kept (read_top.c): that
 * costs the rows, but no probes.
 *
 * Only an index on the key and then the order lets a probe stop at the last
 * row that is wanted.  With any other index it reads all rows of the parent and
 * sorts them, and without one it reads the whole table, so that reading all at
 * once is never more work.  With such an index it is less when parents have
 * few rows, which is what the table's statistics tell.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "read_choice.h"
#include "table_lock.h"

/*
 * What a probe costs besides its rows, in rows that are read at once.
 * Measured in memory on a machine that did other work, three rows of each of 1,000 parents (300 where they have
 * 100), ms of the rows without JSON, all at once and by probes, without and
 * with an index in the order: 5 rows a parent: 4.0, 12.0, 7.1; 8: 10.3, 27,
 * 8.9; 20: 15.6, 60, 10.1; 100: 23, 63, 4.4.  With the index they meet near
 * six or seven rows.
 */
#define PROBE_ROWS		3

/*
 * Statistics may be old, and a parent may have got very many rows since: as
 * many times the cost of the probes as may be spent before they are taken
 * after all.
 */
#define PATIENCE		2
#define PATIENT_ROWS	1000

/* ---------------------------------------------------------------------
 * Indexes
 * ---------------------------------------------------------------------
 */

/* Does a column of an index order rows as an item does, or the other way round? */
static bool
index_orders(int16 option, QueryOrder *order)
{
	bool		descending = (option & INDOPTION_DESC) != 0;
	bool		nulls_first = (option & INDOPTION_NULLS_FIRST) != 0;

	return (descending == order->descending) == (nulls_first == order->nulls_first);
}

static bool
contains_attnum(Oid relid, List *columns, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (get_attnum(relid, lfirst(lc)) == attnum)
			return true;
	}
	return false;
}

/* What an index is good for: the rows of a key, and in the order of first? */
static ParentAccess
index_access(Relation index, Oid relid, List *keys, const char *type_column, QueryOrder *first)
{
	Form_pg_index form = index->rd_index;
	int			n = form->indnkeyatts;
	int			matched = 0;
	int			i;

	if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID ||
		RelationGetIndexPredicate(index) != NIL)
		return ACCESS_NONE;
	for (i = 0; i < n && matched < list_length(keys); i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum > 0 && contains_attnum(relid, keys, attnum))
			matched++;
		else if (attnum <= 0 || type_column == NULL || get_attnum(relid, type_column) != attnum)
			break;
	}
	if (matched < list_length(keys))
		return matched > 0 ? ACCESS_KEY : ACCESS_NONE;
	/* the type of a polymorphic reference is as good as a key */
	if (i < n && type_column != NULL && get_attnum(relid, type_column) == form->indkey.values[i])
		i++;
	if (i < n && first != NULL && get_attnum(relid, first->column) == form->indkey.values[i] &&
		index_orders(index->rd_indoption[i], first))
		return ACCESS_ORDERED;
	return ACCESS_KEY;
}

/*
 * How the rows of one parent are found that come first in the order of a node,
 * which is below the root.  ACCESS_UNKNOWN for what is no table of which all
 * indexes are known.
 */
ParentAccess
parent_access(QueryNode *query)
{
	RelationDesc *relation = query->relation;
	bool		via = query->via != NULL;
	Oid			relid = via ? query->via->relid : query->relid;
	List	   *keys = via ? relation->via_own_columns : relation->other_columns;
	QueryOrder *first = query->order != NIL ? linitial(query->order) : NULL;
	QueryOrder	by_key = {.kind = ORDER_COLUMN};
	ParentAccess best = ACCESS_NONE;
	Relation	rel = peek_table(relid);
	List	   *indexes;
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		((rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW) ||
		 has_subclass(relid)))
	{
		RelationClose(rel);
		return ACCESS_UNKNOWN;
	}
	if (first == NULL && query->model->primary_key != NIL)
	{
		by_key.column = linitial(query->model->primary_key);
		first = &by_key;
	}
	if (first != NULL && first->kind != (via ? ORDER_PIVOT : ORDER_COLUMN))
		first = NULL;
	indexes = RelationGetIndexList(rel);
	foreach(lc, indexes)
	{
		Relation	index = try_peek_table(lfirst_oid(lc));

		if (index == NULL)
			continue;
		best = Max(best, index_access(index, relid, keys, relation->morph_type_column, first));
		RelationClose(index);
	}
	list_free(indexes);
	RelationClose(rel);
	return best;
}

/* ---------------------------------------------------------------------
 * Statistics
 * ---------------------------------------------------------------------
 */

/* How many rows keys are expected to have. */
typedef struct FanOut
{
	double		average;		/* of a key that is none of the frequent ones */
	double		in_array;		/* of those of the frequent ones that are wanted */
	double		in_range;		/* of those that are in their range */
	double		keys_in_array;
	double		keys_in_range;
} FanOut;

/* The frequent keys of an integer column, as far as they concern a level. */
static void
add_frequent_keys(ReadLevel *level, const AttStatsSlot *slot, double rows, FanOut *fan_out)
{
	const KeyMap *map = &level->map;
	Oid			type = getBaseType(slot->valuetype);

	if (!map->integers || !is_integer_type(type))
		return;
	for (int i = 0; i < slot->nvalues; i++)
	{
		int64		key = integer_datum(type, slot->values[i]);
		uint32		group = keymap_find_integer(map, key);

		if (group != NO_GROUP && group >= level->first_group)
		{
			fan_out->in_array += slot->numbers[i] * rows;
			fan_out->keys_in_array++;
		}
		if (key >= map->min && key <= map->max)
		{
			fan_out->in_range += slot->numbers[i] * rows;
			fan_out->keys_in_range++;
		}
	}
}

/* What the statistics of a key column say; false when there are none. */
static bool
column_fan_out(ReadLevel *level, Oid relid, const char *column, double rows, bool inherit,
			   FanOut *fan_out)
{
	HeapTuple	tup = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
									  Int16GetDatum(get_attnum(relid, column)),
									  BoolGetDatum(inherit));
	Form_pg_statistic stats;
	AttStatsSlot slot;
	double		distinct;
	double		share;

	if (!HeapTupleIsValid(tup))
		return false;
	stats = (Form_pg_statistic) GETSTRUCT(tup);
	distinct = stats->stadistinct < 0 ? -stats->stadistinct * rows : stats->stadistinct;
	share = 1.0 - stats->stanullfrac;
	memset(fan_out, 0, sizeof(FanOut));
	if (get_attstatsslot(&slot, tup, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		add_frequent_keys(level, &slot, rows, fan_out);
		for (int i = 0; i < slot.nnumbers; i++)
			share -= slot.numbers[i];
		distinct -= slot.nvalues;
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tup);
	if (distinct >= 1.0 && share > 0.0)
		fan_out->average = share * rows / distinct;
	return true;
}

/*
 * What is expected of the keys of a level.  Of a key of several columns that
 * of the column which tells most keys apart: it has no fewer rows than that.
 */
static bool
expected_fan_out(ReadLevel *level, FanOut *fan_out)
{
	QueryNode  *query = level->node->query;
	bool		via = query->via != NULL;
	Oid			relid = via ? query->via->relid : query->relid;
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		found = false;
	double		rows;
	bool		inherit;
	ListCell   *lc;

	if (!HeapTupleIsValid(tup))
		return false;
	rows = ((Form_pg_class) GETSTRUCT(tup))->reltuples;
	inherit = ((Form_pg_class) GETSTRUCT(tup))->relkind == RELKIND_PARTITIONED_TABLE;
	ReleaseSysCache(tup);
	if (rows <= 0.0)
		return false;
	foreach(lc, via ? query->relation->via_own_columns : query->relation->other_columns)
	{
		FanOut		column;

		if (!column_fan_out(level, relid, lfirst(lc), rows, inherit, &column))
			continue;
		if (!found || column.average < fan_out->average)
			*fan_out = column;
		found = true;
	}
	return found;
}

/* ---------------------------------------------------------------------
 * The choice
 * ---------------------------------------------------------------------
 */

/*
 * The form in which the first rows of each of a level's groups are asked for,
 * kept of each before some are skipped: LEVEL_ORDINAL, parent by parent, or one
 * that gives all rows.  dense: the keys may be read by their range.  *max_rows
 * gets the rows that may come of the latter before it was the wrong choice.
 */
LevelForm
choose_top_form(ReadLevel *level, int64 kept, bool dense, double *max_rows)
{
	ReadNode   *node = level->node;
	const KeyMap *map = &level->map;
	double		n = map->ngroups - level->first_group;
	LevelForm	array = node->hashed ? LEVEL_ARRAY : LEVEL_ORDINAL_ALL;
	FanOut		fan_out;
	double		probes;

	*max_rows = 0.0;			/* no limit */
	if (node->access == ACCESS_UNKNOWN || level->impatient)
		return LEVEL_ORDINAL;
	if (node->access != ACCESS_ORDERED)
		return dense ? LEVEL_RANGE : array;
	if (!expected_fan_out(level, &fan_out))
		return LEVEL_ORDINAL;
	probes = n * (PROBE_ROWS + Min((double) kept, Max(fan_out.average, 1.0)));
	*max_rows = PATIENT_ROWS + PATIENCE * probes;
	if (dense && fan_out.in_range + fan_out.average *
		((double) map->max - (double) map->min + 1.0 - fan_out.keys_in_range) <= probes)
		return LEVEL_RANGE;
	if (fan_out.in_array + fan_out.average * (n - fan_out.keys_in_array) <= probes)
		return array;
	return LEVEL_ORDINAL;
}
