/*
 * json_encode.h
 *	  One value of a column -> its text inside a json document.
 */
#ifndef RELATIONS_JSON_ENCODE_H
#define RELATIONS_JSON_ENCODE_H

#include "relations.h"
#include "utils/builtins.h"

#include "jsonb_encode.h"

extern void json_too_large(void) pg_attribute_noreturn();
extern void put_json_string(RowArena *arena, const char *string, Size n);
extern void put_other_json_value(RowArena *arena, ValueEncoder *enc, Datum value);

/* digits and sign of an int64, and a terminator */
#define INTEGER_TEXT_SIZE 21

/*
 * Append the text of a value that is not null to the row: what jsonb_out makes
 * of the value that encode_value encodes.  Memory that is only needed meanwhile
 * is taken from the current context.  Raises what the type's own functions
 * raise, and program_limit_exceeded for what is longer than a datum.
 */
static inline void
put_json_value(RowArena *arena, ValueEncoder *enc, Datum value)
{
	switch (enc->kind)
	{
		case ENCODE_INT2:
			row_reserve(arena, INTEGER_TEXT_SIZE);
			arena->pos += pg_itoa(DatumGetInt16(value), arena->pos);
			break;
		case ENCODE_INT4:
			row_reserve(arena, INTEGER_TEXT_SIZE);
			arena->pos += pg_ltoa(DatumGetInt32(value), arena->pos);
			break;
		case ENCODE_INT8:
			row_reserve(arena, INTEGER_TEXT_SIZE);
			arena->pos += pg_lltoa(DatumGetInt64(value), arena->pos);
			break;
		case ENCODE_TEXT:
			{
				struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

				put_json_string(arena, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
				break;
			}
		default:
			put_other_json_value(arena, enc, value);
			break;
	}
}

#endif							/* RELATIONS_JSON_ENCODE_H */
