/*
 * query_cursor.h
 *	  Where a page of a query ended: order values <-> an opaque text.
 */
#ifndef RELATIONS_QUERY_CURSOR_H
#define RELATIONS_QUERY_CURSOR_H

#include "relations.h"
#include "lib/stringinfo.h"

#include "query_doc.h"

/* What a cursor says: the order's values of a row, as text. */
typedef struct CursorValues
{
	int			n;
	char	  **values;			/* NULL for null */
	uint64		checksum;		/* that it carries */
	char	   *payload;		/* that it is the checksum of */
	int			payload_length;
} CursorValues;

extern bool cursor_reads_money(Oid type);
extern int	cursor_settings(bool money);
extern void cursor_settings_end(int nest);
extern void cursor_begin(StringInfo payload);
extern void cursor_append(StringInfo payload, const char *value);
extern char *cursor_finish(StringInfo payload, uint64 order);
extern CursorValues *cursor_parse(const char *text, int length);
extern bool cursor_fits(const CursorValues *cursor, uint64 order, int n);
extern uint64 cursor_order(QueryNode *node);

#endif							/* RELATIONS_QUERY_CURSOR_H */
