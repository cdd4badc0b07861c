/*
 * jsonb_encode.c
 *	  One value of a column -> its bytes inside a Jsonb container.
 *
 * The bytes are those that to_jsonb() would produce for the value inside a
 * row.  Types that are met often are written directly; every other type goes
 * through to_jsonb() itself, so that casts to json, composites and arrays are
 * exactly what they are there.
 *
 * A value is described by a JEntry: its type bits, and its length without any
 * alignment padding.  Who places the value adds padding, where the type asks
 * for it (numerics and containers start at a multiple of four bytes), and
 * turns lengths into offsets; see jsonb_writer.c.
 */
#include "relations.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "foreign_code.h"
#include "jsonb_datetime.h"
#include "jsonb_encode.h"
#include "jsonb_foreign.h"

/*
 * Start with no chunk at all; the first row takes one of chunk_size bytes,
 * and each further chunk doubles up to a limit.  Chunks live in context.
 */
void
row_arena_init(RowArena *arena, MemoryContext context, Size chunk_size)
{
	arena->context = context;
	arena->start = arena->pos = arena->end = NULL;
	arena->chunk_size = chunk_size;
	arena->too_large = NULL;
}

/* Raise that an object does not fit a Jsonb value, as convertToJsonb() does. */
void
jsonb_too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("total size of jsonb object elements exceeds the maximum of %u bytes",
					JENTRY_OFFLENMASK),
			 errhint("Read fewer columns or fewer rows at once.")));
}

/* Raise that an array does not. */
void
jsonb_array_too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("total size of jsonb array elements exceeds the maximum of %u bytes",
					JENTRY_OFFLENMASK),
			 errhint("Read fewer columns or fewer rows at once.")));
}

#define ROW_CHUNK_MAX ((Size) 1024 * 1024)

/*
 * Take a new chunk with room for the row so far and n bytes more, and move
 * the row there.
 */
void
row_reserve_slow(RowArena *arena, Size n)
{
	Size		used = arena->pos - arena->start;
	Size		size = arena->chunk_size;
	char	   *chunk;

	if (arena->too_large != NULL)
	{
		size = arena->end - arena->start;
		if (used > MaxAllocSize || n > MaxAllocSize - used)
			arena->too_large();
		/* no sum here overflows 32 bits: MaxAllocSize is 1 GB */
		while (size < used + n)
			size *= 2;
		size = Min(size, MaxAllocSize);
		arena->start = repalloc(arena->start, size);
		arena->pos = arena->start + used;
		arena->end = arena->start + size;
		return;
	}
	if (used > MaxAllocHugeSize / 4 || n > MaxAllocHugeSize / 4 - used)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row needs more memory than there is")));
	while (size < (used + n) * 2)
		size *= 2;
	chunk = MemoryContextAllocHuge(arena->context, size);
	if (used > 0)
		memcpy(chunk, arena->start, used);
	arena->start = chunk;
	arena->pos = chunk + used;
	arena->end = chunk + size;
	if (arena->chunk_size < ROW_CHUNK_MAX)
		arena->chunk_size *= 2;
}

/*
 * Prepare func so that it is to_jsonb() for arguments of the type: the
 * function is polymorphic and finds the type in the call's expression tree.
 */
static void
init_to_jsonb(ValueEncoder *enc, Oid typid, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Node	   *arg = (Node *) makeNullConst(typid, -1, InvalidOid);

	fmgr_info_cxt(F_TO_JSONB, &enc->func, context);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(arg),
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &enc->func);
	MemoryContextSwitchTo(old);
}

/* Is there a cast to json, which to_jsonb() would use? */
static bool
has_json_cast(Oid typid)
{
	return SearchSysCacheExists2(CASTSOURCETARGET, ObjectIdGetDatum(typid),
								 ObjectIdGetDatum(JSONOID));
}

/*
 * Decide how values of a type are encoded.  What the decision needs to
 * remember is allocated in context.
 */
void
encoder_init(ValueEncoder *enc, Oid typid, MemoryContext context)
{
	Oid			base = getBaseType(typid);
	char		typtype = get_typtype(base);

	enc->typid = base;
	enc->foreign = NULL;
	switch (base)
	{
		case INT2OID:
			enc->kind = ENCODE_INT2;
			return;
		case INT4OID:
			enc->kind = ENCODE_INT4;
			return;
		case INT8OID:
			enc->kind = ENCODE_INT8;
			return;
		case BOOLOID:
			enc->kind = ENCODE_BOOL;
			return;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			enc->kind = ENCODE_TEXT;
			return;
		case NUMERICOID:
			enc->kind = ENCODE_NUMERIC;
			return;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			enc->kind = ENCODE_DATETIME;
			return;
		case UUIDOID:
			enc->kind = ENCODE_UUID;
			return;
		case JSONOID:
			enc->kind = ENCODE_JSON;
			return;
		case JSONBOID:
			enc->kind = ENCODE_JSONB;
			return;
		case FLOAT4OID:
		case FLOAT8OID:
			init_to_jsonb(enc, typid, context);
			enc->kind = ENCODE_FLOAT;
			return;
		default:
			break;
	}

	/*
	 * to_jsonb() writes what is neither a number, an array nor a composite as
	 * the string that the output function gives, unless there is a cast.
	 */
	if (typtype == TYPTYPE_ENUM && !has_json_cast(base))
	{
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(base, &output, &is_varlena);
		fmgr_info_cxt(output, &enc->func, context);
		enc->kind = ENCODE_OUTPUT;
		return;
	}
	if (OidIsValid(foreign_type(base, GetUserId())))
		enc->foreign = foreign_encoder_create(base, context);
	else
		init_to_jsonb(enc, typid, context);
	enc->kind = ENCODE_TO_JSONB;
}

/* Return to_jsonb() of a value that an encoder of kind ENCODE_TO_JSONB is for. */
Jsonb *
encoder_to_jsonb(ValueEncoder *enc, Datum value)
{
	return enc->foreign != NULL ? foreign_to_jsonb(enc->foreign, value)
		: DatumGetJsonbP(FunctionCall1(&enc->func, value));
}

/*
 * Append a string of n bytes.  Raises program_limit_exceeded when Jsonb cannot
 * hold it.
 */
static JEntry
put_string(RowArena *arena, const char *data, Size n)
{
	if (n > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("string too long to represent as jsonb string"),
				 errdetail("Due to an implementation restriction, jsonb strings cannot exceed %d bytes.",
						   JENTRY_OFFLENMASK)));
	row_append(arena, data, n);
	return jentry_make(JENTRY_ISSTRING, n);
}

/* A numeric that is stored, with a header of one, four bytes or toasted. */
static JEntry
put_numeric(RowArena *arena, Datum value)
{
	struct varlena *num = PG_DETOAST_DATUM_PACKED(value);
	Size		length = VARSIZE_ANY_EXHDR(num);
	Size		size = VARHDRSZ + length;
	varattrib_4b varlena;
	uint16		header;

	memcpy(&header, VARDATA_ANY(num), sizeof(header));
	if ((header & NUMERIC_HEADER_SPECIAL) == NUMERIC_HEADER_SPECIAL)
	{
		/* JSON knows no such numbers: a string */
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		return put_string(arena, text, strlen(text));
	}
	if ((header & NUMERIC_HEADER_SHORT) == 0)
	{
		/*
		 * The long form may stand where the short one would do (in tables of
		 * very old clusters); numeric_in() would choose, so ask it.
		 */
		char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, value));

		num = (struct varlena *)
			DatumGetPointer(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
												ObjectIdGetDatum(InvalidOid),
												Int32GetDatum(-1)));
		length = VARSIZE_ANY_EXHDR(num);
		size = VARHDRSZ + length;
	}
	row_reserve(arena, size);
	SET_VARSIZE(&varlena, size);
	memcpy(arena->pos, &varlena, VARHDRSZ);
	memcpy(arena->pos + VARHDRSZ, VARDATA_ANY(num), length);
	arena->pos += size;
	return jentry_make(JENTRY_ISNUMERIC, size);
}

/* A Jsonb value: its container, or the scalar that it wraps. */
static JEntry
put_jsonb(RowArena *arena, Jsonb *jb)
{
	JsonbContainer *root = &jb->root;
	Size		size = VARSIZE(jb) - VARHDRSZ;

	if (JB_ROOT_IS_SCALAR(jb))
	{
		/* an array of one: header, one entry, the value */
		JEntry		entry = root->children[0];
		Size		skip = offsetof(JsonbContainer, children) + sizeof(JEntry);
		Size		length = JBE_OFFLENFLD(entry);

		row_append(arena, (char *) root + skip, length);
		return jentry_make(entry & JENTRY_TYPEMASK, length);
	}
	row_append(arena, root, size);
	return jentry_make(JENTRY_ISCONTAINER, size);
}

/* Write the text of a uuid, UUID_TEXT_LENGTH bytes; returns their end. */
char *
uuid_text(char *p, const pg_uuid_t *uuid)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[uuid->data[i] >> 4];
		*p++ = hex[uuid->data[i] & 0x0F];
	}
	return p;
}

/*
 * encode_value for the types that it does not write itself.  Memory that is only needed meanwhile (detoasted
 * values, output strings) is taken from the current context, which the
 * caller resets.  Raises what the type's own functions raise, and
 * program_limit_exceeded for what Jsonb cannot hold.
 */
JEntry
encode_other_value(RowArena *arena, ValueEncoder *enc, Datum value)
{
	switch (enc->kind)
	{
		case ENCODE_TEXT:
			{
				struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

				return put_string(arena, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
			}
		case ENCODE_NUMERIC:
			return put_numeric(arena, value);
		case ENCODE_DATETIME:
			{
				int			n;

				row_reserve(arena, MAXDATELEN + 1);
				n = datetime_text(arena->pos, value, enc->typid);
				arena->pos += n;
				return JENTRY_ISSTRING | (JEntry) n;
			}
		case ENCODE_UUID:
			row_reserve(arena, UUID_TEXT_LENGTH);
			arena->pos = uuid_text(arena->pos, DatumGetUUIDP(value));
			return JENTRY_ISSTRING | UUID_TEXT_LENGTH;
		case ENCODE_JSON:
			{
				char	   *cstring = TextDatumGetCString(value);

				return put_jsonb(arena, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(cstring))));
			}
		case ENCODE_JSONB:
			return put_jsonb(arena, DatumGetJsonbP(value));
		case ENCODE_OUTPUT:
			{
				char	   *text = OutputFunctionCall(&enc->func, value);

				return put_string(arena, text, strlen(text));
			}
		case ENCODE_FLOAT:
			return put_jsonb(arena, DatumGetJsonbP(FunctionCall1(&enc->func, value)));
		case ENCODE_TO_JSONB:
			return put_jsonb(arena, encoder_to_jsonb(enc, value));
		case ENCODE_INT2:
		case ENCODE_INT4:
		case ENCODE_INT8:
		case ENCODE_BOOL:
			break;				/* see encode_value */
		case ENCODE_OBJECT:
		case ENCODE_ROW_TEXT:
			break;				/* are not one value; see stage_row */
	}
	pg_unreachable();
}

/* Append a string to the row; its type bits and length. */
JEntry
encode_string(RowArena *arena, const char *string)
{
	return put_string(arena, string, strlen(string));
}
