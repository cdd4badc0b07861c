/*
 * factory_number.c
 *	  That rows differ where they must.
 *
 * Among the rows of a call it is by construction: they carry numbers, and no
 * two the same.  That they differ from rows that are there is looked up before
 * anything is stored: whole numbers begin behind the greatest one, of a few
 * values those that are left are taken, and where other values are taken, the
 * numbers begin anew behind all that occur.
 */
#include "relations.h"

#include <ctype.h>

#include "access/genam.h"
#include "access/stratnum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/rel.h"

#include "factory_level.h"
#include "key_operator.h"
#include "table_lock.h"

/* The one value that a statement returns, as a whole number; 0 when it is null. */
static int64
whole_of(FactoryRun *run, const char *sql)
{
	bool		isnull;
	Datum		value;
	int64		result;

	if (level_run(run, sql, NULL, 1) == 0)
		return 0;
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	result = isnull ? 0 : DatumGetInt64(value);
	SPI_freetuptable(SPI_tuptable);
	return result;
}

FactoryNumbers *
level_numbers(FactoryRun *run, Oid relid)
{
	FactoryNumbers *numbers;
	ListCell   *lc;

	foreach(lc, run->numbers)
	{
		numbers = lfirst(lc);
		if (numbers->relid == relid)
			return numbers;
	}
	numbers = palloc0(sizeof(FactoryNumbers));
	numbers->relid = relid;
	run->numbers = lappend(run->numbers, numbers);
	return numbers;
}

static bool
may_select(FactoryNode *node, int index)
{
	Oid			relid = node->model->relid;

	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, index + 1, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static bool
is_whole(Oid base)
{
	return base == INT2OID || base == INT4OID || base == INT8OID;
}

/* Is the number of the row a whole number that the column holds? */
static bool
holds_number(FactoryFill *fill)
{
	return fill->kind == FILL_RULE && fill->rule->numbered && !fill->by_slot && fill->rule->nvalues == 0 &&
		fill->rule->make == value_make_whole && is_whole(fill->rule->base);
}

/* Begin behind the greatest number that is there. */
void
level_skip_greatest(FactoryRun *run, FactoryNode *node, FactoryNumbers *numbers)
{
	WriteModel *model = node->model;

	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (model->columns[i].name != NULL && holds_number(fill) && may_select(node, i))
		{
			int64		most = whole_of(run, psprintf("SELECT pg_catalog.max(%s)::pg_catalog.int8 FROM %s",
													  quote_identifier(model->columns[i].name),
													  quoted_model_name(model->relid)));

			numbers->last = Max(numbers->last, most - fill->rule->low + 1);
		}
	}
}

/* Receives one column, whose values are no longer to be had. */
typedef struct TakenReceiver
{
	DestReceiver pub;
	ValueRule  *rule;
	WriteColumn *column;
} TakenReceiver;

static bool
receive_taken(TupleTableSlot *slot, DestReceiver *self)
{
	TakenReceiver *receiver = (TakenReceiver *) self;
	ValueRule  *rule = receiver->rule;

	slot_getallattrs(slot);
	for (int i = 0; i < rule->nvalues && !slot->tts_isnull[0]; i++)
	{
		if (rule->nulls != NULL && rule->nulls[i])
			continue;
		if (datum_image_eq(rule->values[i], slot->tts_values[0], receiver->column->byval, receiver->column->len))
		{
			/* the order of the others stays */
			for (int k = i + 1; k < rule->nvalues; k++)
			{
				rule->values[k - 1] = rule->values[k];
				if (rule->nulls != NULL)
					rule->nulls[k - 1] = rule->nulls[k];
			}
			rule->nvalues--;
			break;
		}
	}
	return true;
}

/* Of the values that a column has to choose from, those that are there are taken. */
void
level_skip_taken(FactoryRun *run, FactoryNode *node)
{
	WriteModel *model = node->model;

	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];
		TakenReceiver receiver;

		if (model->columns[i].name == NULL || fill->kind != FILL_RULE || fill->rule->nvalues == 0 ||
			!fill->rule->numbered || fill->by_slot || !may_select(node, i))
			continue;
		memset(&receiver, 0, sizeof(receiver));
		receiver.pub.receiveSlot = receive_taken;
		receiver.pub.rStartup = level_startup;
		receiver.pub.rShutdown = level_done;
		receiver.pub.rDestroy = level_done;
		receiver.pub.mydest = DestNone;
		receiver.rule = fill->rule;
		receiver.column = &model->columns[i];
		level_run(run, psprintf("SELECT DISTINCT %s FROM %s", quote_identifier(model->columns[i].name),
								quoted_model_name(model->relid)), &receiver.pub, 0);
		if (fill->rule->nvalues == 0)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("all values that a factory has for column \"%s\" of \"%s\" are taken",
							model->columns[i].name, model_name(model->relid))));
		fill->rule->capacity = fill->rule->nvalues;
	}
}

/* The choices of a batch begin with its first number. */
void
level_begin_choices(FactoryNode *node, int64 number)
{
	for (int i = 0; i < node->model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (fill->kind == FILL_RULE && fill->rule->nvalues > 0 && fill->rule->numbered)
			fill->rule->low = fill->by_slot ? 0 : number;
	}
}

/* Receives one column of text, for the greatest number that its rule may have put there. */
typedef struct DigitsReceiver
{
	DestReceiver pub;
	ValueRule  *rule;
	int64		most;
} DigitsReceiver;

/*
 * The number of a row that a text may have been made for: of a sequence what
 * stands in the place of %s, else the last digits.  0 when there is none.
 */
static int64
number_in_text(ValueRule *rule, const char *begin, const char *end)
{
	const char *p;
	int64		number = 0;

	if (rule->before != NULL)
	{
		int			before = (int) strlen(rule->before);
		int			after = (int) strlen(rule->after);

		if (end - begin < before + after || memcmp(begin, rule->before, before) != 0 ||
			memcmp(end - after, rule->after, after) != 0)
			return 0;
		begin += before;
		end -= after;
	}
	else
	{
		while (end > begin && !isdigit((unsigned char) end[-1]))
			end--;
		for (p = end; p > begin && isdigit((unsigned char) p[-1]); p--)
			;
		begin = p;
	}
	/* what is longer is no number of ours */
	if (end - begin > 15)
		return 0;
	for (p = begin; p < end; p++)
	{
		if (!isdigit((unsigned char) *p))
			return 0;
		number = number * 10 + (*p - '0');
	}
	return Max(number - (rule->before != NULL ? rule->low : 0), 0);
}

static bool
receive_digits(TupleTableSlot *slot, DestReceiver *self)
{
	DigitsReceiver *receiver = (DigitsReceiver *) self;
	text	   *value;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0])
		return true;
	value = DatumGetTextPP(slot->tts_values[0]);
	receiver->most = Max(receiver->most, number_in_text(receiver->rule, VARDATA_ANY(value),
														VARDATA_ANY(value) + VARSIZE_ANY_EXHDR(value)));
	return true;
}

/* The greatest number that occurs in the numbered columns of text. */
int64
level_greatest_in_text(FactoryRun *run, FactoryNode *node)
{
	WriteModel *model = node->model;
	DigitsReceiver receiver;

	memset(&receiver, 0, sizeof(receiver));
	receiver.pub.receiveSlot = receive_digits;
	receiver.pub.rStartup = level_startup;
	receiver.pub.rShutdown = level_done;
	receiver.pub.rDestroy = level_done;
	receiver.pub.mydest = DestNone;
	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (model->columns[i].name == NULL || fill->kind != FILL_RULE || !fill->rule->numbered || fill->by_slot ||
			(fill->rule->base != TEXTOID && fill->rule->base != VARCHAROID) || !may_select(node, i) ||
			(fill->rule->before == NULL && (fill->rule->fake == NULL || !fake_ends_with_number(fill->rule->fake))))
			continue;
		receiver.rule = fill->rule;
		level_run(run, psprintf("SELECT %s::pg_catalog.text FROM %s", quote_identifier(model->columns[i].name),
								quoted_model_name(model->relid)), &receiver.pub, 0);
	}
	return receiver.most;
}

/*
 * SQL that finds a row of WRITE_ROWS whose values in the columns of a unique
 * index, or of an exclusion constraint, are taken; NULL when the index has a
 * column that rules do not make, or no column that carries a number which has
 * to be looked up.
 */
static char *
clash_query(FactoryNode *node, Relation index)
{
	Form_pg_index form = index->rd_index;
	WriteModel *model = node->model;
	StringInfoData sql;
	bool		carries = false;
	Oid		   *operators = NULL;
	Oid		   *functions;
	uint16	   *strategies;

	if (form->indisexclusion)
		RelationGetExclusionInfo(index, &operators, &functions, &strategies);
	else if (!form->indisunique)
		return NULL;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s AS r JOIN %s AS c ON ", WRITE_ROWS, quoted_model_name(model->relid));
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		int			column = form->indkey.values[i] - 1;
		FactoryFill *fill;
		Oid			type;

		if (column < 0)
			return NULL;
		fill = &node->fills[column];
		if ((fill->kind != FILL_RULE && fill->kind != FILL_KEY) || !may_select(node, column))
			return NULL;
		carries = carries || (fill->kind == FILL_RULE && fill->rule->numbered && !fill->by_slot &&
							  fill->rule->nvalues == 0 && !holds_number(fill));
		type = model->columns[column].base;
		appendStringInfo(&sql, "%sc.%s %s r.%s", i > 0 ? " AND " : "", quote_identifier(model->columns[column].name),
						 operators != NULL ? operator_text(operators[i])
						 : strategy_operator(type, type, BTEqualStrategyNumber),
						 quote_identifier(model->columns[column].name));
	}
	appendStringInfoString(&sql, " LIMIT 1");
	return carries ? sql.data : NULL;
}

/* SQL for each unique index whose values have to be looked up. */
List *
level_clash_queries(FactoryNode *node)
{
	Relation	rel = peek_table(node->model->relid);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = peek_table(lfirst_oid(lc));
		char	   *sql = clash_query(node, index);

		RelationClose(index);
		if (sql != NULL)
			result = lappend(result, sql);
	}
	RelationClose(rel);
	return result;
}
