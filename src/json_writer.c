/*
 * json_writer.c
 *	  Rows -> the text of Jsonb documents, by template.
 *
 * The text is that which jsonb_out() gives of the document that jsonb_writer.c
 * writes of the same rows, without that document: same order of keys, one
 * space behind each colon and comma.  The functions are those of a DocFormat;
 * what each is for, jsonb_writer.c says.
 *
 * What stands between the values of an object is the same for all objects of a
 * template: pieces, of which the first opens the object and ends with the
 * colon behind the first key, each further one goes from one value to the next,
 * and the last closes the object.  So a value is written together with the
 * piece behind it, and an object ends with its last value.
 *
 * Rows are staged as there: an object without relations as its whole text, any
 * other as the texts of its values, with their lengths as entries.
 */
#include "relations.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "json_encode.h"
#include "json_writer.h"

/* so many bytes of a piece are copied at once, wherever it ends */
#define PIECE_ROOM 32

typedef struct TextPiece
{
	Size		length;
	const char *text;			/* with room for PIECE_ROOM bytes */
} TextPiece;

/* ---------------------------------------------------------------------
 * Pieces
 * ---------------------------------------------------------------------
 */

/* Where pair i's key ends in the key data of a template. */
static uint32
key_end(const ObjectTemplate *tpl, int i, uint32 start)
{
	JEntry		entry = tpl->key_entries[i];

	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) : start + JBE_OFFLENFLD(entry);
}

/* Keep what the arena has under construction as a piece. */
static void
finish_piece(RowArena *arena, TextPiece *piece)
{
	piece->length = arena->pos - arena->start;
	row_reserve(arena, PIECE_ROOM);
	memset(arena->pos, 0, PIECE_ROOM);
	arena->pos += PIECE_ROOM;
	piece->text = arena->start;
	arena->start = arena->pos;
}

/* Make the pieces of a template, in its context. */
static TextPiece *
make_pieces(ObjectTemplate *tpl)
{
	TextPiece  *pieces = MemoryContextAlloc(tpl->context, sizeof(TextPiece) * (tpl->npairs + 1));
	RowArena	arena;
	uint32		start = 0;

	row_arena_init(&arena, tpl->context, tpl->key_size + tpl->npairs * (PIECE_ROOM + 8) + 64);
	for (int i = 0; i < tpl->npairs; i++)
	{
		uint32		end = key_end(tpl, i, start);

		if (i == 0)
			row_append(&arena, "{", 1);
		else
			row_append(&arena, ", ", 2);
		put_json_string(&arena, tpl->key_data + start, end - start);
		row_append(&arena, ": ", 2);
		finish_piece(&arena, &pieces[i]);
		start = end;
	}
	if (tpl->npairs == 0)
		row_append(&arena, "{", 1);
	row_append(&arena, "}", 1);
	finish_piece(&arena, &pieces[tpl->npairs]);
	return pieces;
}

/* The pieces of a template: one more than it has pairs. */
static inline const TextPiece *
template_pieces(ObjectTemplate *tpl)
{
	if (unlikely(tpl->pieces == NULL))
		tpl->pieces = make_pieces(tpl);
	return tpl->pieces;
}

/* Write a piece where there are PIECE_ROOM bytes more than it has. */
static inline void
copy_piece(char *p, const TextPiece *piece)
{
	memcpy(p, piece->text, PIECE_ROOM);
	if (unlikely(piece->length > PIECE_ROOM))
		memcpy(p + PIECE_ROOM, piece->text + PIECE_ROOM, piece->length - PIECE_ROOM);
}

static inline void
put_piece(RowArena *arena, const TextPiece *piece)
{
	row_reserve(arena, piece->length + PIECE_ROOM);
	copy_piece(arena->pos, piece);
	arena->pos += piece->length;
}

/* ---------------------------------------------------------------------
 * Rows
 * ---------------------------------------------------------------------
 */

static void put_object(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
					   const int *positions, const Datum *values, const bool *isnull);

/* A value that is made of several columns of the row. */
static void
put_several(RowArena *arena, ValueEncoder *encoder, const Datum *values, const bool *isnull)
{
	ObjectEncoder *object = encoder->object;
	char	   *text;

	check_stack_depth();
	if (encoder->kind == ENCODE_OBJECT)
	{
		put_object(arena, &object->tpl, object->encoders, object->positions, values, isnull);
		return;
	}
	text = encoder->row_text(encoder->row_text_arg, values, isnull);
	put_json_string(arena, text, strlen(text));
}

/* The value of a column that stands at position of the row. */
static inline void
put_column(RowArena *arena, ValueEncoder *encoder, int position, const Datum *values,
		   const bool *isnull)
{
	if (unlikely(takes_several(encoder->kind)))
		put_several(arena, encoder, values, isnull);
	else if (isnull[position])
		row_append(arena, "null", 4);
	else
		put_json_value(arena, encoder, values[position]);
}

/* The object of some columns of the row. */
static void
put_object(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders, const int *positions,
		   const Datum *values, const bool *isnull)
{
	const TextPiece *piece = template_pieces(tpl);

	put_piece(arena, piece);
	for (int i = 0; i < tpl->nvalues; i++)
	{
		put_column(arena, &encoders[i], positions[i], values, isnull);
		put_piece(arena, ++piece);
	}
}

static StagedRow *
json_stage_row(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
			   const int *positions, const Datum *values, const bool *isnull)
{
	bool		leaf = tpl->nrelations == 0;
	Size		header = offsetof(StagedRow, words) +
		(leaf ? 0 : sizeof(uint32) * (tpl->nrelations + tpl->nvalues));
	StagedRow  *row;
	Size		length;

	row_begin(arena, header);
	if (leaf)
		put_object(arena, tpl, encoders, positions, values, isnull);
	for (int i = 0; !leaf && i < tpl->nvalues; i++)
	{
		Size		before = arena->pos - arena->start;

		put_column(arena, &encoders[i], positions[i], values, isnull);
		length = arena->pos - arena->start - before;
		if (length > MaxAllocSize)
			json_too_large();
		/* the row may have moved */
		STAGED_ENTRIES((StagedRow *) arena->start, tpl)[i] = (JEntry) length;
	}
	length = arena->pos - arena->start - header;
	if (length > MaxAllocSize)
		json_too_large();
	row = (StagedRow *) arena->start;
	row->data_size = (uint32) length;
	return row;
}

/* ---------------------------------------------------------------------
 * Documents
 * ---------------------------------------------------------------------
 */

static inline void
json_reserve(DocBuffer *buf, Size n)
{
	if (unlikely(buf->cap - buf->len < n))
		doc_reserve_slow(buf, n, json_too_large);
}

/*
 * Append n bytes.  Raises program_limit_exceeded when a datum cannot hold them.
 */
void
json_append(DocBuffer *buf, const char *data, Size n)
{
	json_reserve(buf, n);
	memcpy(buf->data + buf->len, data, n);
	buf->len += n;
}

/* What stands behind a member of a container, which is written thereby. */
static inline void
end_member(DocBuffer *buf, ContainerState *state)
{
	const TextPiece *piece = state->next;

	if (piece == NULL)
	{
		if (--state->left > 0)
			json_append(buf, ", ", 2);
		else
			json_append(buf, "]", 1);
		return;
	}
	state->next++;
	json_reserve(buf, piece->length + PIECE_ROOM);
	copy_piece(buf->data + buf->len, piece);
	buf->len += piece->length;
}

static void
json_leaf_object(DocBuffer *buf, pg_attribute_unused() ObjectTemplate *tpl, const StagedRow *row)
{
	json_append(buf, (const char *) row->words, row->data_size);
}

static void
json_leaf_values(DocBuffer *buf, ObjectTemplate *tpl, ValueEncoder *encoders,
				 const int *positions, const Datum *values, const bool *isnull)
{
	RowArena	arena;

	lend_buffer(buf, &arena, json_too_large);
	put_object(&arena, tpl, encoders, positions, values, isnull);
	take_buffer_back(buf, &arena);
}

static void
json_begin_array(DocBuffer *buf, ContainerState *state, uint32 nelems)
{
	state->next = NULL;
	state->left = nelems;
	if (nelems == 0)
		json_append(buf, "[]", 2);
	else
		json_append(buf, "[", 1);
}

static void
json_begin_object(DocBuffer *buf, ContainerState *state, ObjectTemplate *tpl)
{
	state->next = template_pieces(tpl);
	end_member(buf, state);
}

static const char *
json_add_scalar(DocBuffer *buf, ContainerState *state, JEntry entry, const char *data)
{
	json_append(buf, data, entry);
	end_member(buf, state);
	return data + entry;
}

static void
json_add_value(DocBuffer *buf, ContainerState *state, ValueEncoder *encoder,
			   int position, const Datum *values, const bool *isnull)
{
	RowArena	arena;

	lend_buffer(buf, &arena, json_too_large);
	put_column(&arena, encoder, position, values, isnull);
	put_piece(&arena, state->next++);
	take_buffer_back(buf, &arena);
}

static void
json_add_boolean(DocBuffer *buf, ContainerState *state, bool value)
{
	json_append(buf, value ? "true" : "false", value ? 4 : 5);
	end_member(buf, state);
}

static void
json_add_zero(DocBuffer *buf, ContainerState *state)
{
	json_append(buf, "0", 1);
	end_member(buf, state);
}

static void
json_add_null(DocBuffer *buf, ContainerState *state)
{
	json_append(buf, "null", 4);
	end_member(buf, state);
}

static void
json_end_member(DocBuffer *buf, ContainerState *state, pg_attribute_unused() Size member_base)
{
	end_member(buf, state);
}

const DocFormat json_format = {
	.stage_row = json_stage_row,
	.leaf_object = json_leaf_object,
	.leaf_values = json_leaf_values,
	.begin_array = json_begin_array,
	.begin_object = json_begin_object,
	.add_scalar = json_add_scalar,
	.add_value = json_add_value,
	.add_boolean = json_add_boolean,
	.add_zero = json_add_zero,
	.add_null = json_add_null,
	.end_member = json_end_member
};
