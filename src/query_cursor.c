/*
 * query_cursor.c
 *	  Where a page of a query ended: order values <-> an opaque text.
 *
 * The text is the base64 form of a checksum and the values of the order's
 * columns, each as its length and the text that the type's output function
 * gives.  The checksum is taken over the values and the order that they belong
 * to: it tells a cursor of another query and one that was altered by accident.
 * It keeps no secret; the values only ever are bound as parameters.
 */
#include "relations.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "common/base64.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"

#include "query_cursor.h"

#define CHECKSUM_SIZE sizeof(uint64)

/* Change a setting until cursor_settings_end. */
static void
set_for_cursor(const char *name, bool differs, const char *value)
{
	if (differs)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

/* Return true if the text of a type's values may contain an amount of money. */
bool
cursor_reads_money(Oid type)
{
	return type == MONEYOID || type >= FirstNormalObjectId || type_is_rowtype(type) ||
		get_element_type(type) == MONEYOID;
}

/*
 * Set all settings on which the text of a value depends, so that a cursor means
 * the same to the session that writes it and to the one that reads it.  money:
 * also that of amounts of money.  Returns what cursor_settings_end takes.
 */
int
cursor_settings(bool money)
{
	int			nest = NewGUCNestLevel();

	set_for_cursor("datestyle", DateStyle != USE_ISO_DATES, "ISO");
	set_for_cursor("intervalstyle", IntervalStyle != INTSTYLE_POSTGRES, "postgres");
	set_for_cursor("extra_float_digits", extra_float_digits < 1, "1");
	set_for_cursor("bytea_output", bytea_output != BYTEA_OUTPUT_HEX, "hex");
	set_for_cursor("array_nulls", !Array_nulls, "on");
	set_for_cursor("lc_monetary", money && strcmp(locale_monetary, "C") != 0, "C");
	return nest;
}

/* Return to the caller's settings. */
void
cursor_settings_end(int nest)
{
	AtEOXact_GUC(true, nest);
}

/* Begin the payload of a cursor, in the current memory context. */
void
cursor_begin(StringInfo payload)
{
	initStringInfo(payload);
	/* room for the checksum */
	appendStringInfoSpaces(payload, CHECKSUM_SIZE);
}

/* Add the next value of the order; NULL for null. */
void
cursor_append(StringInfo payload, const char *value)
{
	if (value == NULL)
		appendStringInfoString(payload, "-;");
	else
		appendStringInfo(payload, "%zu:%s;", strlen(value), value);
}

static uint64
cursor_checksum(const char *payload, int length, uint64 order)
{
	return hash_bytes_extended((const unsigned char *) payload, length, order);
}

/* The cursor's text, palloc'd.  order is what cursor_order gave. */
char *
cursor_finish(StringInfo payload, uint64 order)
{
	uint64		checksum = cursor_checksum(payload->data + CHECKSUM_SIZE,
										   payload->len - CHECKSUM_SIZE, order);
	int			size = pg_b64_enc_len(payload->len) + 1;
	char	   *text = palloc(size);
	int			n;

	for (int i = 0; i < (int) CHECKSUM_SIZE; i++)
		payload->data[i] = (char) (checksum >> (8 * i));
	n = pg_b64_encode((const void *) payload->data, payload->len, text, size - 1);
	if (n < 0)
		elog(ERROR, "could not encode a cursor");
	text[n] = '\0';
	return text;
}

/* One value of a payload; false when it is malformed. */
static bool
parse_value(char **pos, char *end, char **value)
{
	char	   *p = *pos;
	int64		length = 0;

	if (p + 1 < end && p[0] == '-' && p[1] == ';')
	{
		*value = NULL;
		*pos = p + 2;
		return true;
	}
	if (p == end || *p < '0' || *p > '9')
		return false;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (length > (end - p) / 10)
			return false;
		length = length * 10 + (*p - '0');
	}
	if (p == end || *p != ':' || end - p < length + 2 || p[length + 1] != ';')
		return false;
	*value = pnstrdup(p + 1, length);
	if (strlen(*value) != (size_t) length || !pg_verifymbstr(*value, length, true))
		return false;
	*pos = p + length + 2;
	return true;
}

/* What a cursor says, in the current memory context; NULL when it is none. */
CursorValues *
cursor_parse(const char *text, int length)
{
	CursorValues *cursor = palloc0(sizeof(CursorValues));
	int			size = pg_b64_dec_len(length) + 1;
	char	   *data = palloc(size);
	int			n = pg_b64_decode(text, length, (void *) data, size - 1);
	char	   *pos = data + CHECKSUM_SIZE;
	char	   *end = data + n;
	int			capacity = 0;

	if (n <= (int) CHECKSUM_SIZE)
		return NULL;
	for (int i = 0; i < (int) CHECKSUM_SIZE; i++)
		cursor->checksum |= (uint64) (unsigned char) data[i] << (8 * i);
	cursor->payload = pos;
	cursor->payload_length = end - pos;
	while (pos < end)
	{
		if (cursor->n == capacity)
		{
			capacity = capacity == 0 ? 4 : capacity * 2;
			cursor->values = cursor->values == NULL ? palloc(sizeof(char *) * capacity)
				: repalloc(cursor->values, sizeof(char *) * capacity);
		}
		if (!parse_value(&pos, end, &cursor->values[cursor->n]))
			return NULL;
		cursor->n++;
	}
	return cursor;
}

/* Does a cursor hold n values, for this order, as they were written? */
bool
cursor_fits(const CursorValues *cursor, uint64 order, int n)
{
	return cursor->n == n &&
		cursor_checksum(cursor->payload, cursor->payload_length, order) == cursor->checksum;
}

static void
append_order(StringInfo buf, QueryOrder *order)
{
	check_stack_depth();
	appendStringInfo(buf, "%d.", (int) order->kind);
	if (order->column != NULL)
		appendStringInfoString(buf, order->column);
	if (order->node != NULL)
		appendStringInfoString(buf, order->node->relation->name);
	if (order->inner != NULL)
		append_order(buf, order->inner);
	appendStringInfo(buf, order->descending ? "-" : "+");
	appendStringInfo(buf, order->nulls_first ? "f;" : "l;");
}

/* A number that stands for a node's order; other orders have others. */
uint64
cursor_order(QueryNode *node)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "%s;", model_name(node->relid));
	foreach(lc, node->order)
		append_order(&buf, lfirst(lc));
	return hash_bytes_extended((unsigned char *) buf.data, buf.len, 0);
}
