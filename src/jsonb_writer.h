/*
 * jsonb_writer.h
 *	  Rows -> Jsonb documents, by template.
 */
#ifndef RELATIONS_JSONB_WRITER_H
#define RELATIONS_JSONB_WRITER_H

#include "relations.h"
#include "utils/jsonb.h"

#include "jsonb_encode.h"

/*
 * What all objects of one model share.  Pairs are in the order of their keys
 * as Jsonb sorts them; each is filled from a column or from a relation.
 */
typedef struct ObjectTemplate
{
	int			npairs;
	int			nvalues;		/* pairs filled from columns */
	int			nrelations;		/* relations; several may fill one pair */
	uint32	   *head;			/* the container's header and the key entries */
	JEntry	   *key_entries;	/* npairs, in head */
	char	   *key_data;
	uint32		key_size;
	int		   *source;			/* pair -> column (>= 0) or ~relation (< 0) */
	MemoryContext context;		/* of all this */
	struct TextPiece *pieces;	/* of the object's text, or NULL; see json_writer.c */
} ObjectTemplate;

/* A value that is an object of some columns of the row. */
typedef struct ObjectEncoder
{
	ObjectTemplate tpl;			/* without relations */
	ValueEncoder *encoders;
	int		   *positions;		/* in the row */
} ObjectEncoder;

/*
 * The encoded columns of one row, in the order of the template's pairs:
 * groups[nrelations], then entries[nvalues], then the data.  In an object
 * without relations the entries and the padding are final; else entries hold
 * lengths and the data has no padding.
 */
typedef struct StagedRow
{
	uint32		data_size;
	uint32		words[FLEXIBLE_ARRAY_MEMBER];
} StagedRow;

#define STAGED_GROUPS(row)			((row)->words)
#define STAGED_ENTRIES(row, tpl)	((JEntry *) ((row)->words + (tpl)->nrelations))
#define STAGED_DATA(row, tpl) \
	((char *) ((row)->words + (tpl)->nrelations + (tpl)->nvalues))

/* A document under construction. */
typedef struct DocBuffer
{
	char	   *data;			/* palloc'd, or NULL before the first document */
	Size		len;
	Size		cap;
	const struct DocFormat *format; /* that it is written in */
} DocBuffer;

/* an object with relations, or an array, is written member by member */
typedef struct ContainerState
{
	Size		base;			/* of the container, before its padding */
	Size		entries;		/* of its first JEntry */
	uint32		index;			/* of the next JEntry */
	uint32		total;			/* bytes of data so far */
	bool		array;
	/* of text: */
	const struct TextPiece *next;	/* stands behind the next member of an object */
	uint32		left;			/* members of an array that are to come */
} ContainerState;

/*
 * A format of documents: Jsonb, or text (json_writer.c).  Each function is
 * what the one of this name does here, stage_row or doc_*; who writes Jsonb
 * only calls those.
 */
typedef struct DocFormat
{
	StagedRow  *(*stage_row) (RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
							  const int *positions, const Datum *values, const bool *isnull);
	void		(*leaf_object) (DocBuffer *buf, ObjectTemplate *tpl, const StagedRow *row);
	void		(*leaf_values) (DocBuffer *buf, ObjectTemplate *tpl, ValueEncoder *encoders,
								const int *positions, const Datum *values, const bool *isnull);
	void		(*begin_array) (DocBuffer *buf, ContainerState *state, uint32 nelems);
	void		(*begin_object) (DocBuffer *buf, ContainerState *state, ObjectTemplate *tpl);
	const char *(*add_scalar) (DocBuffer *buf, ContainerState *state, JEntry entry,
							   const char *data);
	void		(*add_value) (DocBuffer *buf, ContainerState *state, ValueEncoder *encoder,
							  int position, const Datum *values, const bool *isnull);
	void		(*add_boolean) (DocBuffer *buf, ContainerState *state, bool value);
	void		(*add_zero) (DocBuffer *buf, ContainerState *state);
	void		(*add_null) (DocBuffer *buf, ContainerState *state);
	void		(*end_member) (DocBuffer *buf, ContainerState *state, Size member_base);
} DocFormat;

extern const DocFormat jsonb_format;

extern void template_init(ObjectTemplate *tpl, List *column_keys, List *relation_keys,
						  MemoryContext context);

extern StagedRow *stage_row(RowArena *arena, ObjectTemplate *tpl, ValueEncoder *encoders,
							const int *positions, const Datum *values, const bool *isnull);

extern void doc_init(DocBuffer *buf, Size capacity, const DocFormat *format);
extern void doc_again(DocBuffer *buf, MemoryContext context, const DocFormat *format);
extern Datum doc_finish(DocBuffer *buf);
extern void doc_reserve_slow(DocBuffer *buf, Size n, void (*too_large) (void));
extern void doc_leaf_object(DocBuffer *buf, ObjectTemplate *tpl, const StagedRow *row);
extern void doc_leaf_values(DocBuffer *buf, ObjectTemplate *tpl, ValueEncoder *encoders,
							const int *positions, const Datum *values, const bool *isnull);
extern void doc_begin_array(DocBuffer *buf, ContainerState *state, uint32 nelems);
extern void doc_begin_object(DocBuffer *buf, ContainerState *state, ObjectTemplate *tpl);
extern const char *doc_add_scalar(DocBuffer *buf, ContainerState *state, JEntry entry,
								  const char *data);
extern void doc_add_value(DocBuffer *buf, ContainerState *state, ValueEncoder *encoder,
						  int position, const Datum *values, const bool *isnull);
extern void doc_add_boolean(DocBuffer *buf, ContainerState *state, bool value);
extern void doc_add_zero(DocBuffer *buf, ContainerState *state);
extern void doc_add_null(DocBuffer *buf, ContainerState *state);
extern void doc_end_member(DocBuffer *buf, ContainerState *state, Size member_base);

/*
 * Let values be encoded at the end of a document, as if it were a row.
 * too_large raises that a datum cannot hold them.
 */
static inline void
lend_buffer(DocBuffer *buf, RowArena *arena, void (*too_large) (void))
{
	arena->too_large = too_large;
	arena->start = buf->data;
	arena->pos = buf->data + buf->len;
	arena->end = buf->data + buf->cap;
}

static inline void
take_buffer_back(DocBuffer *buf, RowArena *arena)
{
	buf->data = arena->start;
	buf->len = arena->pos - arena->start;
	buf->cap = arena->end - arena->start;
}

#endif							/* RELATIONS_JSONB_WRITER_H */
