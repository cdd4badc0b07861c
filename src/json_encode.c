/*
 * json_encode.c
 *	  One value of a column -> its text inside a json document.
 *
 * The text is that which jsonb_out() gives of the value that jsonb_encode.c
 * encodes.  Types that are met often are written directly; what only to_jsonb()
 * or jsonb_in() can tell goes through them and through jsonb_out's own
 * JsonbToCString().
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "json_encode.h"
#include "jsonb_datetime.h"

/* Raise that a document does not fit a datum. */
void
json_too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("the document exceeds the maximum size of a json value, %zu bytes",
					(Size) MaxAllocSize),
			 errhint("Read fewer columns or fewer rows at once.")));
}

/* ---------------------------------------------------------------------
 * Strings
 * ---------------------------------------------------------------------
 */

/* what an escape takes at most: \u001f */
#define ESCAPE_SIZE 6

#define EACH_BYTE(b) (UINT64CONST(0x0101010101010101) * (b))

/* Is one of eight bytes a quote, a backslash or a control character? */
static inline bool
some_escaped(uint64 bytes)
{
	uint64		quotes = bytes ^ EACH_BYTE('"');
	uint64		backslashes = bytes ^ EACH_BYTE('\\');

	/* a borrow goes from a byte that is meant to the next, never to others */
	return ((((bytes - EACH_BYTE(' ')) & ~bytes) |
			 ((quotes - EACH_BYTE(1)) & ~quotes) |
			 ((backslashes - EACH_BYTE(1)) & ~backslashes)) & EACH_BYTE(0x80)) != 0;
}

static inline bool
is_escaped(unsigned char c)
{
	return c < ' ' || c == '"' || c == '\\';
}

/* The escape of a character, as escape_json() writes it; its end. */
static char *
write_escape(char *p, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	*p++ = '\\';
	switch (c)
	{
		case '\b':
			*p++ = 'b';
			break;
		case '\f':
			*p++ = 'f';
			break;
		case '\n':
			*p++ = 'n';
			break;
		case '\r':
			*p++ = 'r';
			break;
		case '\t':
			*p++ = 't';
			break;
		case '"':
		case '\\':
			*p++ = (char) c;
			break;
		default:
			*p++ = 'u';
			*p++ = '0';
			*p++ = '0';
			*p++ = hex[c >> 4];
			*p++ = hex[c & 0x0F];
			break;
	}
	return p;
}

/*
 * Append a string of n bytes, quoted and escaped.  Of the server's encodings
 * none has ASCII bytes in its longer characters, so bytes are looked at alone.
 */
void
put_json_string(RowArena *arena, const char *string, Size n)
{
	const char *end = string + n;
	const char *plain = string; /* nothing is escaped from here on */
	char	   *p;

	row_reserve(arena, n + 2);
	p = arena->pos;
	*p++ = '"';
	/* there is always room for what is left, and for the quote behind it */
	while (string < end)
	{
		const char *stop;

		if (end - string >= (ptrdiff_t) sizeof(uint64))
			stop = string;
		else if (end - plain >= (ptrdiff_t) sizeof(uint64))
			stop = end - sizeof(uint64);	/* some bytes once more */
		else
			stop = NULL;
		if (stop != NULL)
		{
			uint64		bytes;

			memcpy(&bytes, stop, sizeof(bytes));
			if (likely(!some_escaped(bytes)))
			{
				p -= string - stop;
				memcpy(p, &bytes, sizeof(bytes));
				p += sizeof(bytes);
				string = stop + sizeof(bytes);
				continue;
			}
		}
		/* up to the next escape, or the few bytes that are left */
		while (string < end && !is_escaped((unsigned char) *string))
			*p++ = *string++;
		while (string < end && is_escaped((unsigned char) *string))
		{
			arena->pos = p;
			if (unlikely((Size) (p - arena->start) > MaxAllocSize))
				json_too_large();
			row_reserve(arena, ESCAPE_SIZE + (end - string));
			p = write_escape(arena->pos, (unsigned char) *string++);
			plain = string;
		}
	}
	*p++ = '"';
	arena->pos = p;
}

/* ---------------------------------------------------------------------
 * Numbers
 * ---------------------------------------------------------------------
 */

/* base-10000 digits before and behind the point of the short form, and signs */
#define SHORT_NUMERIC_TEXT_SIZE (64 * 4 + 64 + 8)

static inline char *
write_four_digits(char *p, unsigned int n)
{
	p[0] = (char) ('0' + n / 1000);
	p[1] = (char) ('0' + n / 100 % 10);
	p[2] = (char) ('0' + n / 10 % 10);
	p[3] = (char) ('0' + n % 10);
	return p + 4;
}

/* A digit of a number, which are 0 beyond those that are stored. */
static inline unsigned int
numeric_digit(const char *digits, int ndigits, int i)
{
	int16		digit;

	if (i < 0 || i >= ndigits)
		return 0;
	memcpy(&digit, digits + sizeof(digit) * i, sizeof(digit));
	return (unsigned int) digit;
}

/* A numeric that is stored, with a header of one, four bytes or toasted. */
static void
put_numeric(RowArena *arena, Datum value)
{
	struct varlena *num = PG_DETOAST_DATUM_PACKED(value);
	const char *digits = VARDATA_ANY(num);
	int			ndigits;
	int			weight;
	int			scale;
	uint16		header;
	char	   *p;

	memcpy(&header, digits, sizeof(header));
	if ((header & NUMERIC_HEADER_SPECIAL) != NUMERIC_HEADER_SHORT)
	{
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		/* JSON knows no NaN and no infinity: strings */
		if ((header & NUMERIC_HEADER_SPECIAL) == NUMERIC_HEADER_SPECIAL)
			put_json_string(arena, text, strlen(text));
		else
			row_append(arena, text, strlen(text));
		return;
	}
	digits += sizeof(header);
	ndigits = (int) ((VARSIZE_ANY_EXHDR(num) - sizeof(header)) / sizeof(int16));
	scale = (header & NUMERIC_HEADER_SCALE) >> NUMERIC_HEADER_SCALE_SHIFT;
	weight = header & NUMERIC_HEADER_WEIGHT;
	if (weight & NUMERIC_HEADER_WEIGHT_SIGN)
		weight -= NUMERIC_HEADER_WEIGHT + 1;
	row_reserve(arena, SHORT_NUMERIC_TEXT_SIZE);
	p = arena->pos;
	if (header & NUMERIC_HEADER_NEGATIVE)
		*p++ = '-';
	if (weight < 0)
		*p++ = '0';
	else
	{
		p += pg_ultoa_n(numeric_digit(digits, ndigits, 0), p);
		for (int i = 1; i <= weight; i++)
			p = write_four_digits(p, numeric_digit(digits, ndigits, i));
	}
	if (scale > 0)
	{
		char	   *end = p + 1 + scale;

		*p++ = '.';
		for (int i = weight + 1; p < end; i++)
			p = write_four_digits(p, numeric_digit(digits, ndigits, i));
		p = end;
	}
	arena->pos = p;
}

/* A number of the types float4 and float8: to_jsonb makes a numeric of its text. */
static void
put_float(RowArena *arena, Datum value, Oid typid)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(typid == FLOAT4OID ? float4out : float8out,
														   value));

	if (strpbrk(text, "Nn") != NULL)
	{
		put_json_string(arena, text, strlen(text));
		return;
	}
	/* with an exponent, or a sign that a numeric has not */
	if (strchr(text, 'e') != NULL || strcmp(text, "-0") == 0)
	{
		Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

		text = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	}
	row_append(arena, text, strlen(text));
}

/* ---------------------------------------------------------------------
 * Others
 * ---------------------------------------------------------------------
 */

static void
put_jsonb(RowArena *arena, Jsonb *jb)
{
	StringInfoData text;

	initStringInfo(&text);
	(void) JsonbToCString(&text, &jb->root, VARSIZE(jb));
	row_append(arena, text.data, text.len);
}

/*
 * put_json_value for the types that it does not write itself.
 */
void
put_other_json_value(RowArena *arena, ValueEncoder *enc, Datum value)
{
	switch (enc->kind)
	{
		case ENCODE_BOOL:
			if (DatumGetBool(value))
				row_append(arena, "true", 4);
			else
				row_append(arena, "false", 5);
			return;
		case ENCODE_NUMERIC:
			put_numeric(arena, value);
			return;
		case ENCODE_DATETIME:
			{
				char	   *p;

				row_reserve(arena, MAXDATELEN + 1 + 2);
				p = arena->pos;
				*p++ = '"';
				p += datetime_text(p, value, enc->typid);
				*p++ = '"';
				arena->pos = p;
				return;
			}
		case ENCODE_UUID:
			{
				char	   *p;

				row_reserve(arena, UUID_TEXT_LENGTH + 2);
				p = arena->pos;
				*p++ = '"';
				p = uuid_text(p, DatumGetUUIDP(value));
				*p++ = '"';
				arena->pos = p;
				return;
			}
		case ENCODE_JSON:
			/* whose keys are to be in order, and each there once */
			put_jsonb(arena, DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																CStringGetDatum(TextDatumGetCString(value)))));
			return;
		case ENCODE_JSONB:
			put_jsonb(arena, DatumGetJsonbP(value));
			return;
		case ENCODE_FLOAT:
			put_float(arena, value, enc->typid);
			return;
		case ENCODE_OUTPUT:
			{
				char	   *text = OutputFunctionCall(&enc->func, value);

				put_json_string(arena, text, strlen(text));
				return;
			}
		case ENCODE_TO_JSONB:
			put_jsonb(arena, encoder_to_jsonb(enc, value));
			return;
		case ENCODE_INT2:
		case ENCODE_INT4:
		case ENCODE_INT8:
		case ENCODE_TEXT:
			break;				/* see put_json_value */
		case ENCODE_OBJECT:
		case ENCODE_ROW_TEXT:
			break;				/* are not one value; see json_writer.c */
	}
	pg_unreachable();
}
