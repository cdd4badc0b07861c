/*
 * jsonb_encode.h
 *	  One value of a column -> its bytes inside a Jsonb container.
 */
#ifndef RELATIONS_JSONB_ENCODE_H
#define RELATIONS_JSONB_ENCODE_H

#include "relations.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

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
	ENCODE_FLOAT,				/* by to_jsonb itself, as text from its output function */
	ENCODE_OUTPUT,				/* a string, made by the output function */
	ENCODE_TO_JSONB,			/* by to_jsonb itself */
	ENCODE_OBJECT,				/* an object of several columns of the row */
	ENCODE_ROW_TEXT				/* a string made of several columns of the row */
} EncoderKind;

typedef struct ValueEncoder
{
	EncoderKind kind;
	Oid			typid;			/* base type, domains taken off */
	struct ForeignEncoder *foreign; /* if the caller does not trust it, else
									 * NULL */
	FmgrInfo	func;			/* for OUTPUT, FLOAT and TO_JSONB */
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
	void		(*too_large) (void);	/* one row only: a new chunk replaces the old
										 * one, as far as a datum may reach */
} RowArena;

extern void row_arena_init(RowArena *arena, MemoryContext context, Size chunk_size);
extern void row_reserve_slow(RowArena *arena, Size n);
extern void jsonb_too_large(void) pg_attribute_noreturn();
extern void jsonb_array_too_large(void) pg_attribute_noreturn();

/*
 * Return the length of a value, or the offset of its end, with n bytes more.
 * Raises program_limit_exceeded if that does not fit into the 28 bits that an
 * entry has for it.  Every such sum is made here: a carry would change the
 * entry's type.
 */
static inline uint32
jentry_add_in(bool array, uint32 length, Size n)
{
	if (unlikely(n > JENTRY_OFFLENMASK - length))
	{
		if (array)
			jsonb_array_too_large();
		jsonb_too_large();
	}
	return length + (uint32) n;
}

static inline uint32
jentry_add(uint32 length, Size n)
{
	return jentry_add_in(false, length, n);
}

/* Return the entry of a value of n bytes; see jentry_add() for errors. */
static inline JEntry
jentry_make(uint32 type, Size n)
{
	return type | jentry_add(0, n);
}

/* Return an entry with its length grown by pad bytes; see jentry_add() for errors. */
static inline JEntry
jentry_pad(JEntry entry, uint32 pad)
{
	return (entry & ~JENTRY_OFFLENMASK) | jentry_add(JBE_OFFLENFLD(entry), pad);
}

/* Make sure that n bytes can be written at pos; may move the row. */
static inline void
row_reserve(RowArena *arena, Size n)
{
	if (unlikely((Size) (arena->end - arena->pos) < n))
		row_reserve_slow(arena, n);
}

/* Append n bytes to the row. */
static inline void
row_append(RowArena *arena, const void *data, Size n)
{
	row_reserve(arena, n);
	memcpy(arena->pos, data, n);
	arena->pos += n;
}

/* Begin a row behind so many bytes that its maker fills; see stage_row. */
static inline void
row_begin(RowArena *arena, Size header)
{
	/* rows start aligned; the arena's chunks do */
	arena->pos = (char *) INTALIGN((uintptr_t) arena->pos);
	if (arena->pos > arena->end)
		arena->pos = arena->end;
	arena->start = arena->pos;
	row_reserve(arena, header);
	arena->pos += header;
}

/* Is a value made of several columns? */
static inline bool
takes_several(EncoderKind kind)
{
	return kind == ENCODE_OBJECT || kind == ENCODE_ROW_TEXT;
}

#define UUID_TEXT_LENGTH 36

extern char *uuid_text(char *p, const pg_uuid_t *uuid);
extern Jsonb *encoder_to_jsonb(ValueEncoder *enc, Datum value);
extern void encoder_init(ValueEncoder *enc, Oid typid, MemoryContext context);
extern JEntry encode_other_value(RowArena *arena, ValueEncoder *enc, Datum value);
extern JEntry encode_string(RowArena *arena, const char *string);

/*
 * The layout of numerics is private to numeric.c, but it is PostgreSQL's
 * on-disk format and changes with no minor or major version that can be
 * upgraded in place: a 16 bit header, then base-10000 digits.
 */
#define NUMERIC_HEADER_SHORT	0x8000	/* sign, scale and weight in one word */
#define NUMERIC_HEADER_SPECIAL	0xC000	/* NaN and the infinities */
#define NUMERIC_HEADER_NEGATIVE	0x2000	/* in the short form */
#define NUMERIC_HEADER_SCALE	0x1F80	/* digits behind the point */
#define NUMERIC_HEADER_SCALE_SHIFT	7
#define NUMERIC_HEADER_WEIGHT	0x007F	/* of the first digit, in two's complement */
#define NUMERIC_HEADER_WEIGHT_SIGN	0x0040
#define NUMERIC_DIGIT_BASE		10000
#define NUMERIC_MAX_INT_DIGITS	5		/* base-10000 digits of an int64 */

/* The numeric of an integer, as numeric_in() would make it. */
static inline JEntry
encode_integer(RowArena *arena, int64 value)
{
	uint64		rest = value < 0 ? (uint64) 0 - (uint64) value : (uint64) value;
	int16		digits[NUMERIC_MAX_INT_DIGITS];
	int			first = NUMERIC_MAX_INT_DIGITS;
	int			last = NUMERIC_MAX_INT_DIGITS;
	int			weight;
	uint16		header = NUMERIC_HEADER_SHORT;
	Size		size;
	varattrib_4b varlena;
	char	   *p;

	while (rest > PG_UINT32_MAX)
	{
		digits[--first] = (int16) (rest % NUMERIC_DIGIT_BASE);
		rest /= NUMERIC_DIGIT_BASE;
	}
	for (uint32 low = (uint32) rest; low > 0; low /= NUMERIC_DIGIT_BASE)
		digits[--first] = (int16) (low % NUMERIC_DIGIT_BASE);
	weight = NUMERIC_MAX_INT_DIGITS - first - 1;
	/* trailing zero digits are implied by the weight */
	while (last > first && digits[last - 1] == 0)
		last--;
	if (last == first)
		weight = 0;
	else if (value < 0)
		header |= NUMERIC_HEADER_NEGATIVE;
	header |= (uint16) weight;

	size = VARHDRSZ + sizeof(uint16) + (last - first) * sizeof(int16);
	row_reserve(arena, VARHDRSZ + sizeof(uint16) + sizeof(digits));
	p = arena->pos;
	SET_VARSIZE(&varlena, size);
	memcpy(p, &varlena, VARHDRSZ);
	memcpy(p + VARHDRSZ, &header, sizeof(header));
	p += VARHDRSZ + sizeof(header);
	for (int i = first; i < last; i++, p += sizeof(int16))
		memcpy(p, &digits[i], sizeof(int16));
	arena->pos = p;
	return JENTRY_ISNUMERIC | (JEntry) size;
}

/*
 * Append the bytes of a value that is not null to the row, and return its
 * type bits and length.  Memory that is only needed meanwhile is taken from
 * the current context.  Raises what the type's own functions raise, and
 * program_limit_exceeded for what Jsonb cannot hold.
 */
static inline JEntry
encode_value(RowArena *arena, ValueEncoder *enc, Datum value)
{
	switch (enc->kind)
	{
		case ENCODE_INT2:
			return encode_integer(arena, DatumGetInt16(value));
		case ENCODE_INT4:
			return encode_integer(arena, DatumGetInt32(value));
		case ENCODE_INT8:
			return encode_integer(arena, DatumGetInt64(value));
		case ENCODE_BOOL:
			return DatumGetBool(value) ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
		case ENCODE_TEXT:
			{
				struct varlena *text = (struct varlena *) DatumGetPointer(value);
				Size		n;

				if (VARATT_IS_EXTERNAL(text) || VARATT_IS_COMPRESSED(text))
					return encode_other_value(arena, enc, value);
				n = VARSIZE_ANY_EXHDR(text);
				if (unlikely(n > JENTRY_OFFLENMASK))
					return encode_other_value(arena, enc, value);
				row_reserve(arena, n);
				memcpy(arena->pos, VARDATA_ANY(text), n);
				arena->pos += n;
				return JENTRY_ISSTRING | (JEntry) n;
			}
		default:
			return encode_other_value(arena, enc, value);
	}
}

#endif							/* RELATIONS_JSONB_ENCODE_H */
