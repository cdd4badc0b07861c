/*
 * jsonb_writer.c
 *	  Rows -> Jsonb documents, by template.
 *
 * This file and jsonb_encode.c stand alone: they know nothing of models and
 * relations, only columns, keys and how many things stand under a key.
 *
 * The format (utils/jsonb.h says what may be read, convertToJsonb() in
 * jsonb_util.c what is written; the bytes here are those, see
 * test/modules/writer).  A Jsonb datum is a varlena header of four bytes and a
 * container.  A container is
 *
 *		uint32	header				count of elements or pairs, type flag
 *		JEntry	entries[]			arrays: one an element; objects: all keys,
 *									then all values, in the same order
 *		data						in the order of the entries
 *
 * Keys are strings, sorted by length, then by bytes as unsigned; no two are
 * equal.  A string is its bytes, without a header.  A numeric is a varlena with
 * a header of four bytes.  Null, true and false have no data.
 *
 * A JEntry is a type and a length; in every JB_OFFSET_STRIDE'th entry, from the
 * first on and counted over keys and values together, the length is replaced
 * by the offset of the value's end from the start of the data.  So the value
 * of entry i ends at the last such offset at or before i plus the lengths
 * behind it, and begins where i - 1 ends.
 *
 * Numerics and containers start at a multiple of four bytes, counted from the
 * start of the datum.  The zeros before them belong to their own length: they
 * begin where the value before ends, and who reads aligns.  Nothing is padded
 * behind.  Why each offset is right:
 *
 * - The datum's container starts at byte 4.  Every other is aligned before its
 *	 header is written (doc_align), so all containers start at a multiple of
 *	 four.
 * - Header and entries are four bytes each, so the data of a container starts
 *	 at a multiple of four too.  Alignment counted from the start of the data
 *	 (total, in stage_values) is therefore alignment counted from the start of
 *	 the datum (len, in doc_add_scalar, doc_add_value and doc_align), wherever
 *	 the container will stand.
 * - total begins with the bytes of all keys (key_size), as their data stands
 *	 before that of the values, and grows by each value's length, padding
 *	 included: it is the offset of the end.
 * - What is around a container measures its length from the end of the value
 *	 before (base, taken before doc_align) to the end of what has been written:
 *	 padding included, as it has to be.
 * - What is inside of a jsonb value of a column was aligned from the start of
 *	 that datum, whose container, at byte 4, is put at a multiple of four here.
 * - Lengths and offsets have 28 bits.  jentry_add() checks each sum of them,
 *	 padding included.
 *
 * All rows of a model have the same keys, so header, key entries and key data
 * are made once (ObjectTemplate) and copied.  A row's columns are encoded when
 * the row arrives (stage_row), once.  For an object without relations also
 * the value entries and the padding are final then, since they do not depend
 * on where the container will stand.  Writing such an object is four memcpy's.
 * An object with relations is written value by value, since the length of what
 * the relations hold is known only then; containers are written in their final
 * place, and their entries are filled in when their end is known.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "jsonb_writer.h"

/* a buffer that is kept begins with so many bytes */
#define DOC_BUFFER_SIZE 8192

typedef struct TemplateKey
{
	const char *key;
	int			length;
	int			source;
} TemplateKey;

/* the order of keys in a Jsonb object */
static int
compare_template_keys(const void *a, const void *b)
{
	const TemplateKey *ka = a;
	const TemplateKey *kb = b;

	if (ka->length != kb->length)
		return ka->length < kb->length ? -1 : 1;
	return memcmp(ka->key, kb->key, ka->length);
}

/* Replace a length by the end's offset in every JB_OFFSET_STRIDE'th entry. */
static inline JEntry
final_entry(JEntry entry, uint32 index, uint32 total)
{
	if (index % JB_OFFSET_STRIDE == 0)
		return (entry & JENTRY_TYPEMASK) | total | JENTRY_HAS_OFF;
	return entry;
}

static inline bool
needs_alignment(JEntry entry)
{
	return JBE_ISNUMERIC(entry) || JBE_ISCONTAINER(entry);
}

/*
 * Make the template of objects whose columns and relations have these keys
 * (lists of char *), in context.  A relation hides a column of the same name,
 * as the right side of || does; such a column has no pair, and its values are
 * not staged: see the positions given to stage_row.  Of relations that follow
 * each other under one key only the first has a pair.
 */
void
template_init(ObjectTemplate *tpl, List *column_keys, List *relation_keys,
			  MemoryContext context)
{
	int			n = list_length(column_keys) + list_length(relation_keys);
	TemplateKey *keys = palloc(sizeof(TemplateKey) * Max(n, 1));
	ListCell   *lc;
	int			i = 0;
	uint32		total = 0;
	char	   *data;

	foreach(lc, column_keys)
	{
		keys[i].key = lfirst(lc);
		keys[i].length = strlen(keys[i].key);
		keys[i].source = foreach_current_index(lc);
		i++;
	}
	foreach(lc, relation_keys)
	{
		if (i > list_length(column_keys) && strcmp(keys[i - 1].key, lfirst(lc)) == 0)
			continue;
		keys[i].key = lfirst(lc);
		keys[i].length = strlen(keys[i].key);
		keys[i].source = ~foreach_current_index(lc);
		i++;
	}
	n = i;
	qsort(keys, n, sizeof(TemplateKey), compare_template_keys);

	memset(tpl, 0, sizeof(*tpl));
	tpl->context = context;
	tpl->head = MemoryContextAlloc(context, sizeof(uint32) + sizeof(JEntry) * n);
	tpl->head[0] = JB_FOBJECT | n;
	tpl->key_entries = tpl->head + 1;
	tpl->source = MemoryContextAlloc(context, sizeof(int) * Max(n, 1));
	for (i = 0; i < n; i++)
		tpl->key_size = jentry_add(tpl->key_size, keys[i].length);
	tpl->key_data = data = MemoryContextAlloc(context, Max(tpl->key_size, 1));
	for (i = 0; i < n; i++)
	{
		TemplateKey *key = &keys[i];

		memcpy(data + total, key->key, key->length);
		total += key->length;
		tpl->key_entries[i] = final_entry(jentry_make(JENTRY_ISSTRING, key->length), i, total);
		tpl->source[i] = key->source;
		if (key->source >= 0)
			tpl->nvalues++;
	}
	tpl->nrelations = list_length(relation_keys);
	tpl->npairs = n;
	pfree(keys);
}

/* May a value of this kind be a numeric or a container? */
static inline bool
may_need_alignment(EncoderKind kind)
{
	switch (kind)
	{
		case ENCODE_BOOL:
		case ENCODE_TEXT:
		case ENCODE_DATETIME:
		case ENCODE_UUID:
		case ENCODE_OUTPUT:
			return false;
		default:
			return true;
	}
}

/*
 * Encode a value behind pad bytes of padding, which are taken back if it
 * turns out to need none (a NaN, a Jsonb string).  Returns the type and the
 * length, padding included.
 */
static JEntry
stage_aligned(RowArena *arena, ValueEncoder *encoder, Datum value, uint32 pad)
{
	Size		before;
	JEntry		entry;

	/* more than pad may be written, it is written over */
	row_reserve(arena, sizeof(uint32));
	memset(arena->pos, 0, sizeof(uint32));
	arena->pos += pad;
	before = arena->pos - arena->start;
	entry = encode_value(arena, encoder, value);
	if (needs_alignment(entry))
		return jentry_pad(entry, pad);
	memmove(arena->start + before - pad, arena->start + before, JBE_OFFLENFLD(entry));
	arena->pos -= pad;
	return entry;
}

static JEntry stage_object(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
						   const int *positions, const Datum *values, const bool *isnull,
						   uint32 pad);

/* A value that is made of several columns of the row, behind pad bytes where it needs them. */
static JEntry
stage_several(RowArena *arena, ValueEncoder *encoder, const Datum *values, const bool *isnull,
			  uint32 pad)
{
	ObjectEncoder *object = encoder->object;

	check_stack_depth();
	if (encoder->kind == ENCODE_OBJECT)
		return stage_object(arena, &object->tpl, object->encoders, object->positions,
							values, isnull, pad);
	return encode_string(arena, encoder->row_text(encoder->row_text_arg, values, isnull));
}

/*
 * Encode the values of a template's columns at the arena's position.  Their
 * entries go to entry_offset, counted from the start of the row; with leaf
 * they are final, and so is the padding.
 */
static void
stage_values(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders, const int *positions,
			 const Datum *values, const bool *isnull, bool leaf, Size entry_offset)
{
	uint32		total = tpl->key_size;

	for (int i = 0; i < tpl->nvalues; i++)
	{
		int			pos = positions[i];
		JEntry		entry;

		if (unlikely(takes_several(encoders[i].kind)))
			entry = stage_several(arena, &encoders[i], values, isnull,
								  leaf ? INTALIGN(total) - total : 0);
		else if (isnull[pos])
			entry = JENTRY_ISNULL;
		else if (leaf && may_need_alignment(encoders[i].kind) && total != INTALIGN(total))
			entry = stage_aligned(arena, &encoders[i], values[pos], INTALIGN(total) - total);
		else
			entry = encode_value(arena, &encoders[i], values[pos]);
		total = jentry_add(total, JBE_OFFLENFLD(entry));
		if (leaf)
			entry = final_entry(entry, tpl->npairs + i, total);
		/* inside an object the place of the entry need not be aligned */
		memcpy(arena->start + entry_offset + sizeof(JEntry) * i, &entry, sizeof(entry));
	}
}

static inline char *
put(char *p, const void *data, Size n)
{
	memcpy(p, data, n);
	return p + n;
}

/*
 * Encode an object of some columns of the row behind pad bytes of padding.
 * Returns its type and its length, padding included.
 */
static JEntry
stage_object(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders, const int *positions,
			 const Datum *values, const bool *isnull, uint32 pad)
{
	Size		entries = sizeof(JEntry) * tpl->npairs;
	Size		before = arena->pos - arena->start;
	Size		entry_offset;
	char	   *p;

	row_reserve(arena, pad + sizeof(uint32) + 2 * entries + tpl->key_size);
	p = put(arena->pos, "\0\0\0", pad);
	p = put(p, tpl->head, sizeof(uint32) + entries);
	entry_offset = p - arena->start;
	arena->pos = put(p + entries, tpl->key_data, tpl->key_size);
	stage_values(arena, tpl, encoders, positions, values, isnull, true, entry_offset);
	return jentry_make(JENTRY_ISCONTAINER, arena->pos - arena->start - before);
}

/*
 * Encode the columns of a row.  values and isnull are the row, positions[i]
 * is where the i'th of the template's columns stands in it, encoders[i] how it
 * is written.  The result lives in the arena; its groups are not set.  The
 * current memory context takes what is needed meanwhile.
 */
StagedRow *
stage_row(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
		  const int *positions, const Datum *values, const bool *isnull)
{
	Size		entry_offset = offsetof(StagedRow, words) + sizeof(uint32) * tpl->nrelations;
	Size		header = entry_offset + sizeof(JEntry) * tpl->nvalues;
	StagedRow  *row;

	row_begin(arena, header);
	stage_values(arena, tpl, encoders, positions, values, isnull, tpl->nrelations == 0,
				 entry_offset);
	row = (StagedRow *) arena->start;
	row->data_size = (arena->pos - arena->start) - header;
	return row;
}

/* Start a document in the current memory context, for about capacity bytes. */
void
doc_init(DocBuffer *buf, Size capacity, const DocFormat *format)
{
	buf->format = format;
	/* a guess may be larger than a datum can be */
	buf->cap = Min(Max(capacity, 64), MaxAllocSize);
	buf->data = palloc(buf->cap);
	buf->len = VARHDRSZ;
}

/*
 * Start a document in a buffer that is kept from one to the next: zeroed at
 * first, its memory comes from context.
 */
void
doc_again(DocBuffer *buf, MemoryContext context, const DocFormat *format)
{
	buf->format = format;
	if (buf->data == NULL)
	{
		buf->cap = DOC_BUFFER_SIZE;
		buf->data = MemoryContextAlloc(context, buf->cap);
	}
	buf->len = VARHDRSZ;
}

/*
 * Return the document, which is the buffer itself.  Raises
 * program_limit_exceeded if a Jsonb value cannot be so large: no other could
 * hold it.
 */
Datum
doc_finish(DocBuffer *buf)
{
	if (buf->format == &jsonb_format)
		(void) jentry_add(0, buf->len - VARHDRSZ);
	SET_VARSIZE(buf->data, buf->len);
	return PointerGetDatum(buf->data);
}

/* Make room for n bytes more; too_large raises that a datum has none. */
void
doc_reserve_slow(DocBuffer *buf, Size n, void (*too_large) (void))
{
	RowArena	arena;

	lend_buffer(buf, &arena, too_large);
	row_reserve_slow(&arena, n);
	take_buffer_back(buf, &arena);
}

static inline void
doc_reserve(DocBuffer *buf, Size n)
{
	if (unlikely(buf->cap - buf->len < n))
		doc_reserve_slow(buf, n, jsonb_too_large);
}

/* Pad with zeros; room for three bytes must have been reserved. */
static inline void
doc_align(DocBuffer *buf)
{
	while (buf->len != INTALIGN(buf->len))
		buf->data[buf->len++] = 0;
}

static inline void
doc_copy(DocBuffer *buf, const void *data, Size n)
{
	memcpy(buf->data + buf->len, data, n);
	buf->len += n;
}

/* Append the object of a row without relations. */
void
doc_leaf_object(DocBuffer *buf, ObjectTemplate *tpl, const StagedRow *row)
{
	Size		entries = sizeof(JEntry) * tpl->npairs;

	doc_reserve(buf, 3 + sizeof(uint32) + 2 * entries + tpl->key_size + row->data_size);
	doc_align(buf);
	doc_copy(buf, tpl->head, sizeof(uint32) + entries);
	doc_copy(buf, STAGED_ENTRIES(row, tpl), entries);
	doc_copy(buf, tpl->key_data, tpl->key_size);
	doc_copy(buf, STAGED_DATA(row, tpl), row->data_size);
}

/*
 * Append the object of a row without relations, whose columns have not been
 * encoded: values and isnull are the row, see stage_row.
 */
void
doc_leaf_values(DocBuffer *buf, ObjectTemplate *tpl, ValueEncoder *encoders,
				const int *positions, const Datum *values, const bool *isnull)
{
	RowArena	arena;

	lend_buffer(buf, &arena, jsonb_too_large);
	(void) stage_object(&arena, tpl, encoders, positions, values, isnull,
						INTALIGN(buf->len) - buf->len);
	take_buffer_back(buf, &arena);
}

/* Begin an array of nelems elements, each to be added or written in place. */
void
doc_begin_array(DocBuffer *buf, ContainerState *state, uint32 nelems)
{
	uint32		header = JB_FARRAY | nelems;

	if (nelems > JB_CMASK)
		jsonb_array_too_large();
	state->base = buf->len;
	doc_reserve(buf, 3 + sizeof(header) + sizeof(JEntry) * (Size) nelems);
	doc_align(buf);
	doc_copy(buf, &header, sizeof(header));
	state->entries = buf->len;
	state->index = 0;
	state->total = 0;
	state->array = true;
	buf->len += sizeof(JEntry) * (Size) nelems;
}

/* Begin an object; its values are then added in the order of the pairs. */
void
doc_begin_object(DocBuffer *buf, ContainerState *state, ObjectTemplate *tpl)
{
	Size		entries = sizeof(JEntry) * tpl->npairs;

	state->base = buf->len;
	doc_reserve(buf, 3 + sizeof(uint32) + 2 * entries + tpl->key_size);
	doc_align(buf);
	state->entries = buf->len + sizeof(uint32);
	doc_copy(buf, tpl->head, sizeof(uint32) + entries);
	buf->len += entries;
	doc_copy(buf, tpl->key_data, tpl->key_size);
	state->index = tpl->npairs;
	state->total = tpl->key_size;
	state->array = false;
}

static inline void
set_entry(DocBuffer *buf, ContainerState *state, JEntry entry)
{
	state->total = jentry_add_in(state->array, state->total, JBE_OFFLENFLD(entry));
	((JEntry *) (buf->data + state->entries))[state->index] =
		final_entry(entry, state->index, state->total);
	state->index++;
}

/*
 * Add a staged value: entry is its type and length, data its bytes.  Returns
 * their end, where the next value's are.
 */
const char *
doc_add_scalar(DocBuffer *buf, ContainerState *state, JEntry entry, const char *data)
{
	Size		length = JBE_OFFLENFLD(entry);

	doc_reserve(buf, length + 3);
	if (needs_alignment(entry))
	{
		entry = jentry_pad(entry, INTALIGN(buf->len) - buf->len);
		doc_align(buf);
	}
	doc_copy(buf, data, length);
	set_entry(buf, state, entry);
	return data + length;
}

/* Add a value that has not been encoded: that at position of the row. */
void
doc_add_value(DocBuffer *buf, ContainerState *state, ValueEncoder *encoder,
			  int position, const Datum *values, const bool *isnull)
{
	RowArena	arena;
	uint32		pad = INTALIGN(buf->len) - buf->len;
	JEntry		entry;

	if (!takes_several(encoder->kind) && isnull[position])
	{
		doc_add_null(buf, state);
		return;
	}
	lend_buffer(buf, &arena, jsonb_too_large);
	if (unlikely(takes_several(encoder->kind)))
		entry = stage_several(&arena, encoder, values, isnull, pad);
	else if (pad > 0 && may_need_alignment(encoder->kind))
		entry = stage_aligned(&arena, encoder, values[position], pad);
	else
		entry = encode_value(&arena, encoder, values[position]);
	take_buffer_back(buf, &arena);
	set_entry(buf, state, entry);
}

/* Add true or false. */
void
doc_add_boolean(DocBuffer *buf, ContainerState *state, bool value)
{
	set_entry(buf, state, value ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE);
}

/* Add the number zero: a numeric of a header only, in the short form. */
void
doc_add_zero(DocBuffer *buf, ContainerState *state)
{
	Datum		zero = DirectFunctionCall1(int8_numeric, Int64GetDatum(0));

	(void) doc_add_scalar(buf, state, jentry_make(JENTRY_ISNUMERIC, VARSIZE_ANY(DatumGetPointer(zero))),
				   DatumGetPointer(zero));
	pfree(DatumGetPointer(zero));
}

/* Add a null. */
void
doc_add_null(DocBuffer *buf, ContainerState *state)
{
	set_entry(buf, state, JENTRY_ISNULL);
}

/*
 * A container that began at member_base, before its padding, has been
 * written in place and is complete: enter it into the one around it.
 */
void
doc_end_member(DocBuffer *buf, ContainerState *state, Size member_base)
{
	set_entry(buf, state, jentry_make(JENTRY_ISCONTAINER, buf->len - member_base));
}

const DocFormat jsonb_format = {
	.stage_row = stage_row,
	.leaf_object = doc_leaf_object,
	.leaf_values = doc_leaf_values,
	.begin_array = doc_begin_array,
	.begin_object = doc_begin_object,
	.add_scalar = doc_add_scalar,
	.add_value = doc_add_value,
	.add_boolean = doc_add_boolean,
	.add_zero = doc_add_zero,
	.add_null = doc_add_null,
	.end_member = doc_end_member
};
