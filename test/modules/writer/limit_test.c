/*
 * limit_test.c
 *	  The Jsonb writer at the limits of a Jsonb value.
 *
 * Lengths and offsets in a Jsonb container have 28 bits, padding included.  A
 * value that nearly fills them is written at each place where the writer adds
 * to a length.  Only its header is set: nothing reads the bytes behind it.
 */
#include "relations.h"

#include "catalog/pg_type.h"

#include "jsonb_writer.h"

PG_FUNCTION_INFO_V1(writer_limit_test);

/* An array of one string, of this many bytes without the varlena header. */
static Datum
large_jsonb(Size length)
{
	Jsonb	   *jb = palloc(VARHDRSZ + length);

	SET_VARSIZE(jb, VARHDRSZ + length);
	jb->root.header = JB_FARRAY | 1;
	jb->root.children[0] = JENTRY_ISSTRING | JENTRY_HAS_OFF | (length - 2 * sizeof(uint32));
	return JsonbPGetDatum(jb);
}

/*
 * SQL: writer_limit_test(place, length) returns the length of a document that
 * contains a container of this length behind three bytes of padding.
 */
Datum
writer_limit_test(PG_FUNCTION_ARGS)
{
	char	   *place = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Size		length = PG_GETARG_INT64(1);
	bool		has_relation = strcmp(place, "scalar") == 0 || strcmp(place, "value") == 0 ||
		strcmp(place, "member") == 0;
	ObjectTemplate tpl;
	ValueEncoder encoders[2];
	int			positions[] = {0, 1};
	Datum		values[2];
	bool		isnull[] = {false, false};
	RowArena	arena;
	DocBuffer	buf;
	ContainerState state;

	/* the keys and the first value are five bytes */
	template_init(&tpl, list_make2("t", "jj"), has_relation ? list_make1("none") : NIL,
				  CurrentMemoryContext);
	encoder_init(&encoders[0], TEXTOID, CurrentMemoryContext);
	encoder_init(&encoders[1], JSONBOID, CurrentMemoryContext);
	values[0] = CStringGetTextDatum("xy");
	values[1] = large_jsonb(strcmp(place, "array") == 0 || strcmp(place, "member") == 0 ? 16 : length);
	row_arena_init(&arena, CurrentMemoryContext, 1024);
	doc_init(&buf, 64, &jsonb_format);
	if (strcmp(place, "staged") == 0)
		doc_leaf_object(&buf, &tpl, stage_row(&arena, &tpl, encoders, positions, values, isnull));
	else if (strcmp(place, "leaf") == 0)
		doc_leaf_values(&buf, &tpl, encoders, positions, values, isnull);
	else if (strcmp(place, "array") == 0)
	{
		/* two members, which seem to have been written */
		doc_begin_array(&buf, &state, 2);
		for (int i = 0; i < 2; i++)
			doc_end_member(&buf, &state, buf.len - length / 2);
	}
	else
	{
		StagedRow  *row = NULL;
		const char *data = NULL;

		doc_begin_object(&buf, &state, &tpl);
		if (strcmp(place, "scalar") == 0)
		{
			row = stage_row(&arena, &tpl, encoders, positions, values, isnull);
			data = STAGED_DATA(row, &tpl);
		}
		for (int i = 0; i < 2; i++)
		{
			if (data != NULL)
				data = doc_add_scalar(&buf, &state, STAGED_ENTRIES(row, &tpl)[i], data);
			else
				doc_add_value(&buf, &state, &encoders[i], i, values, isnull);
		}
		if (strcmp(place, "member") == 0)
			doc_end_member(&buf, &state, buf.len - length);
		else
			doc_add_null(&buf, &state);
	}
	PG_RETURN_INT64(VARSIZE(DatumGetPointer(doc_finish(&buf))));
}
