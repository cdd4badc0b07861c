/*
 * jsonb_encode.h
 *	  One value of a column -> its bytes inside a Jsonb container.
 */
#ifndef RELATIONS_JSONB_ENCODE_H
#define RELATIONS_JSONB_ENCODE_H

#include "relations.h"
#include "utils/jsonb.h"

typedef enum EncoderKind
{
	ENCODE_INT2,
	ENCODE_INT4,
	ENCODE_INT8,
	ENCODE_BOOL,
	ENCODE_TEXT,				/* text, varchar, bpchar: the bytes as they are */
	ENCODE_NUMERIC,
	ENCODE_DATETIME,			/* date, timestamp, timestamptz */
	ENCODE_UUID,
	ENCODE_JSON,
	ENCODE_JSONB,
	ENCODE_OUTPUT,				/* a string, made by the output function */
	ENCODE_TO_JSONB,			/* by to_jsonb itself */
	ENCODE_OBJECT,				/* an object of several columns of the row */
	ENCODE_ROW_TEXT				/* a string made of several columns of the row */
} EncoderKind;

typedef struct ValueEncoder
{
	EncoderKind kind;
	Oid			typid;			/* base type, domains taken off */
	FmgrInfo	func;			/* for OUTPUT and TO_JSONB */
	struct ObjectEncoder *object;	/* for OBJECT, see jsonb_writer.h */
	char	   *(*row_text) (void *arg, const Datum *values, const bool *isnull);
	void	   *row_text_arg;
} ValueEncoder;

/*
 * A row under construction: bytes in memory that the arena lends.  There is
 * always contiguous room from start; see row_reserve.
 */
typedef struct RowArena
{
	MemoryContext context;
	char	   *start;			/* of the row under construction */
	char	   *pos;			/* next byte */
	char	   *end;			/* of the chunk */
	Size		chunk_size;		/* of the next chunk */
	Size		allocated;		/* bytes in all chunks */
} RowArena;

extern void row_arena_init(RowArena *arena, MemoryContext context, Size chunk_size);
extern void row_reserve_slow(RowArena *arena, Size n);

/* Make sure that n bytes can be written at pos; may move the row. */
static inline void
row_reserve(RowArena *arena, Size n)
{
	if (unlikely((Size) (arena->end - arena->pos) < n))
		row_reserve_slow(arena, n);
}

extern void encoder_init(ValueEncoder *enc, Oid typid, MemoryContext context);
extern JEntry encode_value(RowArena *arena, ValueEncoder *enc, Datum value);
extern JEntry encode_string(RowArena *arena, const char *string);

#endif							/* RELATIONS_JSONB_ENCODE_H */
