/*
 * morph_action.c
 *	  What happens to a polymorphic reference when its row goes, or its key
 *	  changes.
 *
 * PostgreSQL has no ON DELETE SET NULL, SET DEFAULT and no ON UPDATE actions
 * for foreign keys on generated columns.  A trigger of the referred table does
 * them on the columns that the generated ones are made of, as ri_triggers.c
 * does: with the rights of the holder's owner, and under a transaction's
 * snapshot with a crosscheck, so that a row which the transaction cannot see
 * is a serialization failure and never an orphan.  It fires before the foreign
 * key's own triggers, which then check what is left.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "as_owner.h"
#include "invalidation.h"
#include "key_operator.h"
#include "morph.h"
#include "named_objects.h"

PG_FUNCTION_INFO_V1(relations_morph_action);

/* What one type of reference asks for. */
typedef struct Action
{
	MorphType  *type;
	char		on_delete;		/* '\0': not the trigger's work */
	char		on_update;
	int			nkeys;
	AttrNumber *attnums;		/* of the referred table */
	Oid		   *argtypes;		/* old key, new key */
	SPIPlanPtr	plans[3];		/* by Effect, NULL until it is needed */
} Action;

/* What becomes of a reference. */
typedef enum Effect
{
	BECOMES_NULL,
	BECOMES_DEFAULT,
	FOLLOWS_KEY
} Effect;

/* All that is asked for when rows of a table go; kept until something changes. */
typedef struct ActionSet
{
	MemoryContext context;
	List	   *actions;
	bool		valid;
	int			users;			/* calls that are under way with it */
} ActionSet;

typedef struct ActionEntry
{
	Oid			relid;			/* the referred table; key, must be first */
	ActionSet  *set;			/* or NULL */
} ActionEntry;

static HTAB *action_cache = NULL;
static Oid	watched_catalog = InvalidOid;

/* Relcache callback: what concerns a table, or the catalog, is read again. */
static void
forget_actions(Datum arg pg_attribute_unused(), Oid relid)
{
	HASH_SEQ_STATUS status;
	ActionEntry *entry;

	hash_seq_init(&status, action_cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		ListCell   *lc;

		if (entry->set == NULL || !entry->set->valid)
			continue;
		if (!OidIsValid(relid) || relid == entry->relid || relid == watched_catalog)
			entry->set->valid = false;
		foreach(lc, entry->set->actions)
		{
			if (((Action *) lfirst(lc))->type->model == relid)
				entry->set->valid = false;
		}
	}
}

/* A statement names something that has another name. */
static void
forget_all_actions(void)
{
	forget_actions((Datum) 0, InvalidOid);
}

static void
free_set(ActionSet *set)
{
	ListCell   *lc;

	foreach(lc, set->actions)
	{
		for (int i = 0; i < (int) lengthof(((Action *) lfirst(lc))->plans); i++)
		{
			if (((Action *) lfirst(lc))->plans[i] != NULL)
				SPI_freeplan(((Action *) lfirst(lc))->plans[i]);
		}
	}
	MemoryContextDelete(set->context);
}

/* One type's action, in the current memory context. */
static Action *
read_action(MorphType *type)
{
	Action	   *action = palloc0(sizeof(Action));
	ListCell   *lc;

	action->type = type;
	if (morph_delete_needs_trigger(type))
		action->on_delete = parse_action(type->on_delete, "on_delete");
	if (morph_update_needs_trigger(type))
		action->on_update = parse_action(type->on_update, "on_update");
	action->nkeys = list_length(type->local_key);
	action->attnums = palloc(sizeof(AttrNumber) * action->nkeys);
	action->argtypes = palloc(sizeof(Oid) * action->nkeys * 2);
	foreach(lc, type->local_key)
	{
		int			i = foreach_current_index(lc);

		action->attnums[i] = require_column(type->related, lfirst(lc), NULL);
		action->argtypes[i] = action->argtypes[action->nkeys + i] =
			getBaseType(get_atttype(type->related, action->attnums[i]));
	}
	return action;
}

/* What is asked for when rows of a table go, from the cache if it can be. */
static ActionSet *
get_actions(Oid relid)
{
	ActionEntry *entry;
	ActionSet  *set;
	MemoryContext context;
	MemoryContext old;
	ListCell   *lc;
	bool		found;

	if (action_cache == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(ActionEntry);
		action_cache = hash_create("relations morph actions", 16, &ctl, HASH_ELEM | HASH_BLOBS);
		call_when_table_changed(forget_actions);
		call_when_renamed(forget_all_actions);
	}
	entry = hash_search(action_cache, &relid, HASH_ENTER, &found);
	if (!found)
		entry->set = NULL;
	if (entry->set != NULL && entry->set->valid)
		return entry->set;
	/* who uses it still frees it in the end */
	if (entry->set != NULL && entry->set->users == 0)
	{
		set = entry->set;
		entry->set = NULL;
		free_set(set);
	}

	watched_catalog = catalog_morph_type_oid();
	context = AllocSetContextCreate(CurrentMemoryContext, "relations morph actions",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	set = palloc0(sizeof(ActionSet));
	set->context = context;
	foreach(lc, catalog_morph_types_to(relid))
	{
		if (morph_delete_needs_trigger(lfirst(lc)) || morph_update_needs_trigger(lfirst(lc)))
			set->actions = lappend(set->actions, read_action(lfirst(lc)));
	}
	MemoryContextSwitchTo(old);
	set->valid = true;
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->set = set;
	return set;
}

/* The statement of a plan: UPDATE of the columns that hold the reference. */
static char *
action_sql(Action *action, Effect effect)
{
	MorphType  *type = action->type;
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s%s SET ",
					 get_rel_relkind(type->model) == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quoted_model_name(type->model));
	if (effect != FOLLOWS_KEY)
	{
		const char *value = effect == BECOMES_DEFAULT ? "DEFAULT" : "NULL";

		appendStringInfo(&buf, "%s = %s", quote_identifier(type->type_column), value);
		foreach(lc, type->id_columns)
			appendStringInfo(&buf, ", %s = %s", quote_identifier(lfirst(lc)), value);
	}
	else
	{
		foreach(lc, type->id_columns)
		{
			int			i = foreach_current_index(lc);
			Oid			column = morph_base_type(type->model, lfirst(lc));

			if (column != action->argtypes[i])
				morph_check_cast(action->argtypes[i], column);
			appendStringInfo(&buf, "%s%s = ", i > 0 ? ", " : "", quote_identifier(lfirst(lc)));
			appendStringInfo(&buf, "CAST($%d AS %s)", action->nkeys + i + 1,
							 qualified_type_name(column, -1));
		}
	}
	appendStringInfoString(&buf, " WHERE ");
	foreach(lc, type->foreign_key)
	{
		int			i = foreach_current_index(lc);
		Oid			column = morph_base_type(type->model, lfirst(lc));

		appendStringInfo(&buf, "%s%s %s $%d", i > 0 ? " AND " : "", quote_identifier(lfirst(lc)),
						 strategy_operator(column, action->argtypes[i], BTEqualStrategyNumber), i + 1);
	}
	return buf.data;
}

/*
 * Run the action on the rows that refer to the old key; writer is as for
 * switch_to_owner().  The caller is connected to SPI.  Errors are those of the update, and a serialization
 * failure when the transaction's snapshot cannot see a row that refers.
 */
static void
run_action(Action *action, Effect effect, Oid writer, Datum *values, const char *nulls)
{
	Snapshot	test = InvalidSnapshot;
	Snapshot	crosscheck = InvalidSnapshot;
	SavedUser	saved;
	bool		trusted;
	int			rc;

	trusted = switch_to_owner(action->type->model, writer, &saved);
	if (action->plans[effect] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(action_sql(action, effect),
									   effect == FOLLOWS_KEY ? action->nkeys * 2 : action->nkeys,
									   action->argtypes);

		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(plan);
		action->plans[effect] = plan;
	}
	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();	/* what this transaction did is seen */
		test = GetLatestSnapshot();
		crosscheck = GetTransactionSnapshot();
	}
	/*
	 * The triggers of the holder's foreign keys check what is left at the end
	 * of the caller's statement, and other triggers fire with them, as the
	 * caller.  Those of an owner who must not do that fire now.
	 */
	rc = SPI_execute_snapshot(action->plans[effect], values, nulls, test, crosscheck,
							  false, !trusted, 0);
	if (rc != SPI_OK_UPDATE)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(rc));
	restore_user(&saved);
}

/*
 * One type's action for one row.  A key with a null is referred to by no row,
 * and an update counts when the key's image changed, as for foreign keys.
 */
static void
act_on_row(Action *action, TriggerData *trigdata)
{
	bool		update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	char		rule = update ? action->on_update : action->on_delete;
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	Datum	   *values;
	char	   *nulls;
	bool		changed = !update;
	bool		cleared = false;

	if (rule == '\0')
		return;
	values = palloc(sizeof(Datum) * action->nkeys * 2);
	nulls = palloc(sizeof(char) * action->nkeys * 2);
	for (int i = 0; i < action->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, action->attnums[i] - 1);
		bool		isnull;

		values[i] = slot_getattr(trigdata->tg_trigslot, action->attnums[i], &isnull);
		nulls[i] = ' ';
		if (isnull)
			return;
		if (!update)
			continue;
		values[action->nkeys + i] = slot_getattr(trigdata->tg_newslot, action->attnums[i], &isnull);
		nulls[action->nkeys + i] = isnull ? 'n' : ' ';
		if (isnull)
			changed = cleared = true;
		else if (!datum_image_eq(values[i], values[action->nkeys + i], att->attbyval, att->attlen))
			changed = true;
	}
	if (!changed)
		return;
	/* a key that became null can be followed by a null reference only */
	run_action(action,
			   rule == FKCONSTR_ACTION_SETDEFAULT ? BECOMES_DEFAULT
			   : rule == FKCONSTR_ACTION_CASCADE && !cleared ? FOLLOWS_KEY : BECOMES_NULL,
			   trigdata->tg_relation->rd_rel->relowner, values, nulls);
}

/* All actions for one row; the set is not freed meanwhile. */
static void
act_with(ActionSet *set, TriggerData *trigdata)
{
	SPI_connect();
	set->users++;
	PG_TRY();
	{
		ListCell   *lc;

		foreach(lc, set->actions)
			act_on_row(lfirst(lc), trigdata);
	}
	PG_FINALLY();
	{
		set->users--;
	}
	PG_END_TRY();
	SPI_finish();
}

/*
 * SQL: morph_action(), the trigger of tables that polymorphic references lead
 * to with an action that their foreign keys cannot do.
 */
Datum
relations_morph_action(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	ActionSet  *set;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!(TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) || TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER DELETE or UPDATE, FOR EACH ROW",
						"relations.morph_action")));
	set = get_actions(RelationGetRelid(trigdata->tg_relation));
	if (set->actions == NIL)
		return PointerGetDatum(NULL);

	act_with(set, trigdata);
	/* something changed meanwhile, and another set has taken its place */
	if (!set->valid && set->users == 0)
	{
		Oid			relid = RelationGetRelid(trigdata->tg_relation);
		ActionEntry *entry = hash_search(action_cache, &relid, HASH_FIND, NULL);

		if (entry == NULL || entry->set != set)
			free_set(set);
	}
	return PointerGetDatum(NULL);
}
