/*
 * counter_order.c
 *	  The order in which the rows of parent tables are locked.
 *
 * A statement locks all rows that it changes because of counters and touch
 * before it changes the first of them.  All statements of all sessions lock in
 * one order, so that they wait for each other but never in a circle.
 *
 * A row is always locked before the rows that it refers to: whoever writes a
 * row of the table in the middle of a chain has locked that row when the
 * triggers lock the rows above.  So the order goes from below:
 *
 *	1. Tables with more relations above them come first (the rank), then those
 *	   with the least OID.
 *	2. Rows of one table come in the order of its key.
 *	3. If relations form a circle, as those of a tree that refers to itself do,
 *	   the tables of the circle have the same rank.  There, rows with more rows
 *	   above them come first; see counter_walk.c.
 *
 * Relations that count and relations that touch both matter for the order.
 * Only touch goes further up: a parent that is changed touches its own parents.
 */
#include "relations.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "counter_plan.h"

/* A table that is reached from the one that is written. */
typedef struct Reached
{
	Oid			relid;			/* must be first: hash key */
	List	   *relations;		/* those that its rows count for or touch */
	int			number;			/* of Tarjan's algorithm */
	int			low;
	bool		open;			/* is its circle not yet complete? */
	int			rank;
	Oid			circle;			/* see CounterTable */
	Oid			least;			/* like circle, but its own OID outside of one */
	bool		changed;		/* by the statement, or touched */
	bool		needed;			/* or is in a circle with such a table */
	int			no;				/* index in the plan */
	List	   *members;		/* tables of the circle, itself included */
} Reached;

typedef struct Exploration
{
	HTAB	   *tables;
	List	   *open;			/* stack of Reached */
	List	   *done;			/* of Reached */
	int			count;
} Exploration;

/* The tables above open have their ranks: take a complete circle off the stack. */
static void
close_circle(Exploration *e, Reached *first)
{
	List	   *members = NIL;
	bool		circle = false;
	Oid			least = InvalidOid;
	int			rank = 0;
	ListCell   *lc;
	ListCell   *rel;

	for (;;)
	{
		Reached    *member = llast(e->open);

		e->open = list_delete_last(e->open);
		members = lappend(members, member);
		e->done = lappend(e->done, member);
		if (!OidIsValid(least) || member->relid < least)
			least = member->relid;
		if (member == first)
			break;
	}
	foreach(lc, members)
	{
		Reached    *member = lfirst(lc);

		foreach(rel, member->relations)
		{
			RelationDesc *desc = lfirst(rel);
			Reached    *above = hash_search(e->tables, &desc->related, HASH_FIND, NULL);

			/* members are still open */
			if (above->open)
				circle = true;
			else
				rank = Max(rank, above->rank + 1);
		}
	}
	foreach(lc, members)
	{
		Reached    *member = lfirst(lc);

		member->rank = rank;
		member->least = least;
		member->circle = circle ? least : InvalidOid;
		member->members = members;
	}
	foreach(lc, members)
		((Reached *) lfirst(lc))->open = false;
}

/* Explore a table and all above it, by Tarjan's algorithm. */
static Reached *
reach_table(Exploration *e, Oid relid)
{
	bool		found;
	Reached    *table = hash_search(e->tables, &relid, HASH_ENTER, &found);
	ListCell   *lc;

	if (found)
		return table;
	check_stack_depth();
	memset((char *) table + sizeof(Oid), 0, sizeof(Reached) - sizeof(Oid));
	table->number = table->low = e->count++;
	table->open = true;
	e->open = lappend(e->open, table);
	table->relations = counted_relations(relid);
	foreach(lc, table->relations)
	{
		Reached    *above = reach_table(e, ((RelationDesc *) lfirst(lc))->related);

		if (above->open)
			table->low = Min(table->low, above->low);
	}
	if (table->low == table->number)
		close_circle(e, table);
	return table;
}

/* Mark a table whose rows are changed, its circle, and the tables that it touches. */
static void
mark_changed(Exploration *e, Reached *table)
{
	ListCell   *lc;

	check_stack_depth();
	if (table->changed)
		return;
	table->changed = true;
	table->needed = true;
	if (OidIsValid(table->circle))
	{
		foreach(lc, table->members)
			((Reached *) lfirst(lc))->needed = true;
	}
	foreach(lc, table->relations)
	{
		RelationDesc *desc = lfirst(lc);

		if (desc->touch != NULL)
			mark_changed(e, hash_search(e->tables, &desc->related, HASH_FIND, NULL));
	}
}

static int
compare_reached(const ListCell *a, const ListCell *b)
{
	const Reached *one = lfirst(a);
	const Reached *other = lfirst(b);

	if (one->rank != other->rank)
		return one->rank > other->rank ? -1 : 1;
	if (one->least != other->least)
		return one->least < other->least ? -1 : 1;
	if (one->relid != other->relid)
		return one->relid < other->relid ? -1 : 1;
	return 0;
}

/*
 * Return the columns that order the rows of a table: its primary key, or else
 * a key that relations refer to.
 */
List *
counter_ordering_columns(Oid relid)
{
	List	   *result = catalog_primary_key_columns(relid);
	char	   *least = NULL;
	ListCell   *table;
	ListCell   *lc;

	if (result != NIL)
		return result;
	foreach(table, table_and_ancestors(relid))
	{
		foreach(lc, catalog_relations_to(lfirst_oid(table)))
		{
			RelationDesc *desc = lfirst(lc);
			char	   *text;

			if (!RELATION_FOLLOWS(desc))
				continue;
			text = format_column_list(desc->local_key);
			if (least == NULL || strcmp(text, least) < 0)
			{
				least = text;
				result = desc->local_key;
			}
		}
	}
	return result;
}

/* Return the names that a foreign key has among the carried columns of a table. */
static List *
carry_columns(CounterTable *table, List *foreign_key)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, foreign_key)
	{
		int			i = 0;
		ListCell   *carried;

		foreach(carried, table->carried)
		{
			if (strcmp(lfirst(carried), lfirst(lc)) == 0)
				break;
			i++;
		}
		if (i == list_length(table->carried))
			table->carried = lappend(table->carried, lfirst(lc));
		result = lappend(result, psprintf("c%d", i + 1));
	}
	return result;
}

/* Do two relations refer to the same key of a table, with the same types? */
static bool
same_reference(RelationDesc *one, RelationDesc *other)
{
	ListCell   *a;
	ListCell   *b;

	if (!list_same_names(one->local_key, other->local_key))
		return false;
	forboth(a, one->foreign_key, b, other->foreign_key)
	{
		Oid			types[2];
		Oid			collations[2];
		int32		typmod;

		get_atttypetypmodcoll(one->model, require_column(one->model, lfirst(a), NULL),
							  &types[0], &typmod, &collations[0]);
		get_atttypetypmodcoll(other->model, require_column(other->model, lfirst(b), NULL),
							  &types[1], &typmod, &collations[1]);
		if (types[0] != types[1] || collations[0] != collations[1])
			return false;
	}
	return true;
}

/* Describe the foreign key in the rows of the table that is written. */
static void
describe_foreign_key(Oid relid, CounterSource *source)
{
	RelationDesc *desc = source->desc;
	int			n = list_length(desc->foreign_key);
	ListCell   *lc;

	source->attnums = palloc(sizeof(AttrNumber) * n);
	source->types = palloc(sizeof(Oid) * n);
	foreach(lc, desc->foreign_key)
	{
		int			i = foreach_current_index(lc);

		source->attnums[i] = require_column(relid, lfirst(lc), "foreign_key");
		source->types[i] = getBaseType(get_atttype(relid, source->attnums[i]));
	}
	source->deferred = desc->counter_cache != NULL && rows_may_be_deferred(desc);
}

/* Return true if a parent of some of the rows may be missing until COMMIT. */
static bool
has_deferred(CounterGroup *group)
{
	ListCell   *lc;

	foreach(lc, group->sources)
	{
		if (((CounterSource *) lfirst(lc))->deferred)
			return true;
	}
	return false;
}

static void
add_source(CounterPlan *plan, CounterTable *table, RelationDesc *desc, int below, List *columns)
{
	CounterSource *source = palloc0(sizeof(CounterSource));
	CounterGroup *group = NULL;
	ListCell   *lc;

	source->desc = desc;
	source->below = below;
	source->columns = columns;
	source->inside = below >= 0 && OidIsValid(table->circle) &&
		plan->tables[below].circle == table->circle;
	if (below < 0)
	{
		table->ndirect++;
		table->direct = source;
		plan->direct = lappend(plan->direct, source);
		plan->touches = plan->touches || desc->touch != NULL;
		describe_foreign_key(plan->key.relid, source);
	}
	foreach(lc, table->groups)
	{
		CounterSource *first;

		group = lfirst(lc);
		first = linitial(group->sources);
		if (same_reference(first->desc, desc))
			break;
		group = NULL;
	}
	if (group == NULL)
	{
		group = palloc0(sizeof(CounterGroup));
		group->no = list_length(table->groups);
		table->groups = lappend(table->groups, group);
	}
	group->sources = lappend(group->sources, source);
	group->from_outside = group->from_outside || !source->inside;
}

/* Add what the changed rows of a table touch, and its steps within a circle. */
static void
add_relations_above(CounterPlan *plan, Exploration *e, Reached *from)
{
	CounterTable *table = &plan->tables[from->no];
	ListCell   *lc;

	foreach(lc, from->relations)
	{
		RelationDesc *desc = lfirst(lc);
		Reached    *above = hash_search(e->tables, &desc->related, HASH_FIND, NULL);
		bool		touches = from->changed && desc->touch != NULL;
		List	   *columns;

		if (!touches && !(OidIsValid(from->circle) && from->circle == above->circle))
			continue;
		columns = carry_columns(table, desc->foreign_key);
		if (touches)
		{
			RelationDesc *touch = palloc(sizeof(RelationDesc));

			*touch = *desc;
			touch->counter_cache = NULL;
			add_source(plan, &plan->tables[above->no], touch, from->no, columns);
			plan->cascades = true;
		}
		if (OidIsValid(from->circle) && from->circle == above->circle)
		{
			CounterStep *step = palloc0(sizeof(CounterStep));

			step->desc = desc;
			step->touches = touches;
			step->to = above->no;
			step->columns = columns;
			table->steps = lappend(table->steps, step);
			plan->cascades = true;
		}
	}
}

static void
describe_column(TupleDesc desc, int attnum, char letter, int number, Oid relid, const char *column)
{
	char		name[NAMEDATALEN];
	Oid			type;
	int32		typmod;
	Oid			collation;

	snprintf(name, sizeof(name), "%c%d", letter, number);
	get_atttypetypmodcoll(relid, require_column(relid, column, NULL), &type, &typmod, &collation);
	TupleDescInitEntry(desc, attnum, name, type, typmod, 0);
	TupleDescInitEntryCollation(desc, attnum, collation);
}

/* Return the descriptor of a table's changed rows, see CounterTable. */
static TupleDesc
describe_rows(CounterTable *table)
{
	bool		ranked = OidIsValid(table->circle);
	int			natts = 0;
	TupleDesc	desc;
	ListCell   *lc;

	desc = CreateTemplateTupleDesc(list_length(table->carried) +
								   (ranked ? COUNTER_RANKED_COLUMNS + list_length(table->key) : 0));
	if (ranked)
	{
		TupleDescInitEntry(desc, ++natts, "no", INT4OID, -1, 0);
		TupleDescInitEntry(desc, ++natts, "rank", INT4OID, -1, 0);
		foreach(lc, table->key)
			describe_column(desc, ++natts, 'i', foreach_current_index(lc) + 1, table->relid,
							lfirst(lc));
	}
	foreach(lc, table->carried)
		describe_column(desc, ++natts, 'c', foreach_current_index(lc) + 1, table->relid,
						lfirst(lc));
	return desc;
}

/* Fill in the tables of a plan from the relations of the table that is written. */
void
order_counter_tables(CounterPlan *plan)
{
	Exploration e = {0};
	HASHCTL		ctl = {0};
	List	   *needed = NIL;
	ListCell   *lc;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Reached);
	ctl.hcxt = CurrentMemoryContext;
	e.tables = hash_create("relations reached tables", 16, &ctl,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(lc, plan->counted)
		mark_changed(&e, reach_table(&e, ((RelationDesc *) lfirst(lc))->related));
	foreach(lc, e.done)
	{
		Reached    *table = lfirst(lc);
		ListCell   *rel;

		plan->concerned = lappend_oid(plan->concerned, table->relid);
		foreach(rel, table->relations)
			plan->concerned = lappend_oid(plan->concerned, ((RelationDesc *) lfirst(rel))->model);
		if (table->needed)
			needed = lappend(needed, table);
	}
	foreach(lc, plan->counted)
		plan->concerned = lappend_oid(plan->concerned, ((RelationDesc *) lfirst(lc))->model);
	list_sort(needed, compare_reached);

	plan->ntables = list_length(needed);
	plan->tables = palloc0(sizeof(CounterTable) * Max(plan->ntables, 1));
	foreach(lc, needed)
	{
		Reached    *reached = lfirst(lc);
		CounterTable *table = &plan->tables[foreach_current_index(lc)];

		reached->no = foreach_current_index(lc);
		table->no = reached->no;
		table->relid = reached->relid;
		table->rank = reached->rank;
		table->circle = reached->circle;
		table->key = counter_ordering_columns(reached->relid);
	}
	foreach(lc, plan->counted)
	{
		RelationDesc *desc = lfirst(lc);
		Reached    *related = hash_search(e.tables, &desc->related, HASH_FIND, NULL);

		add_source(plan, &plan->tables[related->no], desc, -1, quoted_columns(desc->foreign_key));
	}
	foreach(lc, needed)
		add_relations_above(plan, &e, lfirst(lc));
	for (int i = 0; i < plan->ntables; i++)
	{
		CounterTable *table = &plan->tables[i];

		table->rows_desc = describe_rows(table);
		table->at_once = !OidIsValid(table->circle) && list_length(table->groups) == 1 &&
			!has_deferred(linitial(table->groups));
	}
	hash_destroy(e.tables);
}
