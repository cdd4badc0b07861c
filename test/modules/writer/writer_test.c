/*
 * writer_test.c
 *	  The Jsonb writer against PostgreSQL's own conversion, byte by byte.
 *
 * Each document is made of a random shape: columns of random types and, below
 * them, to-one and to-many relations, values of relations, and the objects and
 * texts that are made of several columns.  Its rows are random too.  The same
 * values are then put together by the writer (template_init, stage_row, doc_*),
 * in both ways in which read_document.c uses it: from rows that were encoded
 * before, and from the rows themselves; and by to_jsonb() for each value,
 * pushJsonbValue() and JsonbValueToJsonb().  All must have the same bytes.
 *
 * The module is compiled from the writer's own sources and needs nothing else
 * of the extension: the functions that the writer calls for types of untrusted
 * roles are replaced below, since no type of the test belongs to such a role.
 */
#include "relations.h"

#include "access/detoast.h"
#include "access/toast_internals.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "foreign_code.h"
#include "jsonb_foreign.h"
#include "jsonb_writer.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(writer_test);

/* Replaces foreign_code.c: no type belongs to an untrusted role. */
Oid
foreign_type(pg_attribute_unused() Oid type, pg_attribute_unused() Oid caller)
{
	return InvalidOid;
}

/* Replaces jsonb_foreign.c.  Raises an error, since no type needs it. */
ForeignEncoder *
foreign_encoder_create(Oid type, pg_attribute_unused() MemoryContext context)
{
	elog(ERROR, "type %u belongs to an untrusted role", type);
}

/* Like foreign_encoder_create(). */
Jsonb *
foreign_to_jsonb(pg_attribute_unused() ForeignEncoder *enc, pg_attribute_unused() Datum value)
{
	elog(ERROR, "a type belongs to an untrusted role");
}

/*
 * No more rows are made when a document has so many values; one in ten may be
 * large.
 */
#define MANY_VALUES 1500
#define FEW_VALUES 60

#define MAX_DEPTH 5

/* ---------------------------------------------------------------------
 * What must have been met
 * ---------------------------------------------------------------------
 */

typedef enum Feature
{
	OBJECT_OF_0,
	OBJECT_OF_1,
	OBJECT_OF_31,
	OBJECT_OF_32,
	OBJECT_OF_33,
	OBJECT_OF_1000,
	ARRAY_OF_0,
	ARRAY_OF_31,
	ARRAY_OF_32,
	ARRAY_OF_33,
	ARRAY_OF_MORE,
	STRING_OF_0,
	STRING_OF_126,
	STRING_OF_127,
	STRING_OF_128,
	NUMERIC_AT_0,
	NUMERIC_AT_1,
	NUMERIC_AT_2,
	NUMERIC_AT_3,
	CONTAINER_AT_0,
	CONTAINER_AT_1,
	CONTAINER_AT_2,
	CONTAINER_AT_3,
	NESTED_5_DEEP,
	VALUE_NULL,
	VALUE_TRUE,
	VALUE_FALSE,
	/* the above are counted in PostgreSQL's bytes, the rest where values are made */
	NUMERIC_NAN,
	NUMERIC_INFINITY,
	SHORT_HEADER,
	COMPRESSED,
	JSON_SCALAR,
	JSON_DUPLICATE_KEY,
	HIDDEN_COLUMN,
	ROW_WITHOUT_RELATIONS,
	TO_ONE_WITHOUT_ROW,
	ONE_KEY_SEVERAL_TYPES,
	OBJECT_OF_COLUMNS,
	TEXT_OF_COLUMNS,
	AGGREGATE_VALUE,
	AGGREGATE_ZERO,
	AGGREGATE_BOOLEAN,
	AGGREGATE_NULL,
	ROOT_ARRAY,
	EXTRA_TYPE,
	N_FEATURES
} Feature;

static const char *const feature_names[N_FEATURES] = {
	"object of 0 keys", "object of 1 key", "object of 31 keys", "object of 32 keys",
	"object of 33 keys", "object of 1000 keys",
	"array of 0", "array of 31", "array of 32", "array of 33", "array of more than 64",
	"string of 0 bytes", "string of 126 bytes", "string of 127 bytes", "string of 128 bytes",
	"numeric without padding", "numeric behind 1 byte of padding",
	"numeric behind 2 bytes of padding", "numeric behind 3 bytes of padding",
	"container without padding", "container behind 1 byte of padding",
	"container behind 2 bytes of padding", "container behind 3 bytes of padding",
	"nested 5 deep", "null", "true", "false",
	"numeric NaN", "numeric infinity", "varlena with a short header", "compressed varlena",
	"json scalar in a column", "json with a key twice", "column hidden by a relation",
	"row without relations", "to-one without a row", "one key for several relations",
	"object of columns", "text of columns",
	"value of an aggregate", "zero of an aggregate", "boolean of an aggregate",
	"null of an aggregate", "array as root", "type that the test gave"
};

/* ---------------------------------------------------------------------
 * Shapes and rows
 * ---------------------------------------------------------------------
 */

typedef enum ColumnKind
{
	COLUMN_VALUE,
	COLUMN_OBJECT,				/* ENCODE_OBJECT */
	COLUMN_TEXT					/* ENCODE_ROW_TEXT */
} ColumnKind;

typedef struct Column
{
	ColumnKind	kind;
	char	   *key;
	Oid			type;
	int			extra;			/* index of a type that the test gave, or -1 */
	int			position;		/* in the row */
	bool		hidden;			/* a relation has the same key */
	FmgrInfo	to_jsonb;
	struct Shape *object;		/* of COLUMN_OBJECT; its positions are in the row */
} Column;

typedef enum LinkKind
{
	LINK_ONE,
	LINK_MANY,
	LINK_AGGREGATE
} LinkKind;

typedef struct Link
{
	LinkKind	kind;
	char	   *key;
	bool		continues;		/* has the key of the link before it */
	struct Shape *shape;		/* of an aggregate: one column */
} Link;

typedef struct Shape
{
	int			ncolumns;
	Column	   *columns;
	int			width;			/* positions in a row */
	int			nlinks;
	Link	   *links;
	ObjectTemplate tpl;
	ValueEncoder *encoders;		/* in the order of the template's pairs */
	int		   *positions;
} Shape;

typedef struct Row
{
	Shape	   *shape;
	Datum	   *values;
	bool	   *isnull;
	StagedRow  *staged;
	int		   *nrows;			/* of each link */
	struct Row ***rows;
	Feature    *aggregates;		/* of each link without rows */
} Row;

typedef struct Test
{
	pg_prng_state random;
	RowArena	arena;
	int			ntypes;			/* that the test gave, with samples */
	Datum	   *types;
	Datum	   *samples;
	int			values_left;	/* until the document has enough */
	int64		met[N_FEATURES];
} Test;

static inline int
below(Test *test, int n)
{
	return (int) pg_prng_uint64_range(&test->random, 0, n - 1);
}

static inline bool
one_in(Test *test, int n)
{
	return below(test, n) == 0;
}

/* One of the numbers, or, as often as all of them together, one below more. */
static int
edge_or_below(Test *test, const int *edges, int n, int more)
{
	return one_in(test, 2) ? edges[below(test, n)] : below(test, more);
}

/* ---------------------------------------------------------------------
 * Values
 * ---------------------------------------------------------------------
 */

/* A string of n bytes, valid in UTF-8. */
static char *
random_bytes(Test *test, int n)
{
	static const char *const letters[] = {"a", "b", "Z", "_", " ", "\"", "\\", "\n", "é", "€", "😀"};
	StringInfoData s;

	initStringInfo(&s);
	while (s.len < n)
	{
		const char *letter = letters[below(test, lengthof(letters))];

		appendStringInfoString(&s, s.len + (int) strlen(letter) > n ? "x" : letter);
	}
	return s.data;
}

static char *
random_string(Test *test)
{
	static const int edges[] = {0, 1, 2, 3, 125, 126, 127, 128, 129};

	if (one_in(test, 200))
		return random_bytes(test, 1000 + below(test, 5000));
	return random_bytes(test, edge_or_below(test, edges, lengthof(edges), 40));
}

static char *
random_decimal(Test *test)
{
	StringInfoData s;
	int			digits;

	if (one_in(test, 20))
	{
		test->met[NUMERIC_NAN]++;
		return "NaN";
	}
	if (one_in(test, 20))
	{
		test->met[NUMERIC_INFINITY]++;
		return one_in(test, 2) ? "Infinity" : "-Infinity";
	}
	initStringInfo(&s);
	if (one_in(test, 2))
		appendStringInfoChar(&s, '-');
	digits = one_in(test, 30) ? below(test, 700) : below(test, 24);
	appendStringInfoChar(&s, '0');
	for (int i = 0; i < digits; i++)
		appendStringInfoChar(&s, one_in(test, 2) ? '0' : (char) ('0' + below(test, 10)));
	if (one_in(test, 2))
	{
		digits = one_in(test, 30) ? below(test, 700) : below(test, 24);
		appendStringInfoChar(&s, '.');
		for (int i = 0; i <= digits; i++)
			appendStringInfoChar(&s, one_in(test, 2) ? '0' : (char) ('0' + below(test, 10)));
	}
	if (one_in(test, 10))
		appendStringInfo(&s, "e%d", below(test, 61) - 30);
	return s.data;
}

static void
append_json_string(StringInfo s, const char *string)
{
	appendStringInfoChar(s, '"');
	for (const char *p = string; *p != '\0'; p++)
	{
		if (*p == '"' || *p == '\\')
			appendStringInfoChar(s, '\\');
		if (*p == '\n')
			appendStringInfoString(s, "\\n");
		else
			appendStringInfoChar(s, *p);
	}
	appendStringInfoChar(s, '"');
}

static void
append_random_json(Test *test, StringInfo s, int depth)
{
	static const int edges[] = {0, 1, 31, 32, 33};
	int			kind = below(test, depth < 3 ? 7 : 4);
	int			n;

	switch (kind)
	{
		case 0:
			appendStringInfoString(s, "null");
			return;
		case 1:
			appendStringInfoString(s, one_in(test, 2) ? "true" : "false");
			return;
		case 2:
			append_json_string(s, random_string(test));
			return;
		case 3:
			if (one_in(test, 2))
				appendStringInfo(s, "%d", below(test, 1000000) - 500000);
			else
				appendStringInfo(s, "%d.%d0e%d", below(test, 100), below(test, 100000),
								 below(test, 21) - 10);
			return;
		default:
			break;
	}
	n = depth < 2 && one_in(test, 8) ? edges[below(test, lengthof(edges))] : below(test, 5);
	appendStringInfoChar(s, kind == 4 ? '[' : '{');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(s, ',');
		if (kind != 4)
		{
			/* of few letters, so that keys are met twice; or all different */
			if (n > 5)
				appendStringInfo(s, "\"k%d\"", i);
			else if (i > 0 && one_in(test, 4))
			{
				appendStringInfoString(s, "\"a\"");
				test->met[JSON_DUPLICATE_KEY]++;
			}
			else if (i == 0)
				appendStringInfoString(s, "\"a\"");
			else
				append_json_string(s, random_bytes(test, below(test, 4)));
			appendStringInfoChar(s, ':');
		}
		append_random_json(test, s, depth + 1);
	}
	appendStringInfoChar(s, kind == 4 ? ']' : '}');
}

static char *
random_json(Test *test)
{
	StringInfoData s;

	initStringInfo(&s);
	append_random_json(test, &s, one_in(test, 3) ? 3 : 0);
	if (s.data[0] != '{' && s.data[0] != '[')
		test->met[JSON_SCALAR]++;
	return s.data;
}

static char *
random_datetime(Test *test, Oid type)
{
	char	   *date;

	if (one_in(test, 10))
		return one_in(test, 2) ? "infinity" : "-infinity";
	date = psprintf("%04d-%02d-%02d", 1 + below(test, 3000), 1 + below(test, 12), 1 + below(test, 28));
	if (type == DATEOID)
		return one_in(test, 10) ? psprintf("%s BC", date) : date;
	return psprintf("%s %02d:%02d:%02d.%0*d%s%s", date, below(test, 24), below(test, 60), below(test, 60),
					1 + below(test, 6), below(test, 10), type == TIMESTAMPTZOID ? "+03:30" : "",
					one_in(test, 10) ? " BC" : "");
}

/* A value of a type, as its input function takes it. */
static char *
random_input(Test *test, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return one_in(test, 4) ? "-32768" : psprintf("%d", below(test, 65536) - 32768);
		case INT4OID:
			return one_in(test, 4) ? psprintf("%d", (below(test, 2000) - 1000) * 10000)
				: psprintf("%d", (int32) pg_prng_uint32(&test->random));
		case INT8OID:
			return one_in(test, 10) ? psprintf(INT64_FORMAT, PG_INT64_MIN)
				: psprintf(INT64_FORMAT, (int64) (pg_prng_uint64(&test->random) >> below(test, 64)));
		case BOOLOID:
			return one_in(test, 2) ? "t" : "f";
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return random_string(test);
		case NUMERICOID:
			return random_decimal(test);
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return random_datetime(test, type);
		case UUIDOID:
			return psprintf("%08x-0000-4000-8000-%012x", pg_prng_uint32(&test->random),
							pg_prng_uint32(&test->random));
		case JSONOID:
		case JSONBOID:
			return random_json(test);
		default:
			elog(ERROR, "no values of type %u", type);
	}
}

/* A varlena as it may stand in a table: with a short header, or compressed. */
static Datum
store_varlena(Test *test, Datum value)
{
	struct varlena *full = (struct varlena *) DatumGetPointer(value);
	Size		length = VARSIZE(full) - VARHDRSZ;

	if (VARATT_CAN_MAKE_SHORT(full) && one_in(test, 2))
	{
		char	   *packed = palloc(VARATT_CONVERTED_SHORT_SIZE(full));

		SET_VARSIZE_SHORT(packed, VARATT_CONVERTED_SHORT_SIZE(full));
		memcpy(packed + VARHDRSZ_SHORT, VARDATA(full), length);
		test->met[SHORT_HEADER]++;
		return PointerGetDatum(packed);
	}
	if (length > 500 && one_in(test, 2))
	{
		Datum		compressed = toast_compress_datum(value, TOAST_PGLZ_COMPRESSION);

		if (DatumGetPointer(compressed) != NULL)
		{
			test->met[COMPRESSED]++;
			return compressed;
		}
	}
	return value;
}

static Datum
random_value(Test *test, Column *column)
{
	char	   *string;
	Oid			input;
	Oid			ioparam;
	Datum		value;

	if (column->extra >= 0)
	{
		string = TextDatumGetCString(test->samples[column->extra]);
		test->met[EXTRA_TYPE]++;
	}
	else
		string = random_input(test, column->type);
	getTypeInputInfo(column->type, &input, &ioparam);
	value = OidInputFunctionCall(input, string, ioparam, -1);
	return get_typlen(column->type) == -1 && get_typstorage(column->type) != TYPSTORAGE_PLAIN
		? store_varlena(test, value) : value;
}

/* The text of a COLUMN_TEXT: says which of the row's columns are null. */
static char *
nulls_text(void *arg, pg_attribute_unused() const Datum *values, const bool *isnull)
{
	Shape	   *shape = arg;
	char	   *text = palloc(shape->ncolumns + 1);
	int			n = 0;

	for (int i = 0; i < shape->ncolumns; i++)
	{
		if (shape->columns[i].kind == COLUMN_VALUE)
			text[n++] = isnull[shape->columns[i].position] ? 'n' : 'v';
	}
	text[n] = '\0';
	return text;
}

/* ---------------------------------------------------------------------
 * Random shapes
 * ---------------------------------------------------------------------
 */

/* A key that the shape does not have yet. */
static char *
random_key(Test *test, Shape *shape)
{
	for (;;)
	{
		char	   *key = random_bytes(test, one_in(test, 20) ? 1 + below(test, 200) : 1 + below(test, 8));
		bool		taken = false;

		for (int i = 0; !taken && i < shape->ncolumns; i++)
			taken = strcmp(shape->columns[i].key, key) == 0;
		for (int i = 0; !taken && i < shape->nlinks; i++)
			taken = strcmp(shape->links[i].key, key) == 0;
		if (!taken)
			return key;
	}
}

static void
init_value_column(Test *test, Column *column)
{
	static const Oid types[] = {
		INT2OID, INT4OID, INT8OID, BOOLOID, TEXTOID, TEXTOID, VARCHAROID, BPCHAROID,
		NUMERICOID, NUMERICOID, DATEOID, TIMESTAMPOID, TIMESTAMPTZOID, UUIDOID, JSONOID, JSONBOID
	};
	Node	   *arg;

	column->kind = COLUMN_VALUE;
	column->extra = test->ntypes > 0 && one_in(test, 5) ? below(test, test->ntypes) : -1;
	column->type = column->extra >= 0 ? DatumGetObjectId(test->types[column->extra])
		: types[below(test, lengthof(types))];

	/* to_jsonb() of the type: what is right */
	arg = (Node *) makeNullConst(column->type, -1, InvalidOid);
	fmgr_info(F_TO_JSONB, &column->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(arg), InvalidOid,
											 InvalidOid, COERCE_EXPLICIT_CALL),
					   &column->to_jsonb);
}

static void init_template(Shape *shape);

static void
random_columns(Test *test, Shape *shape, int n)
{
	shape->columns = palloc0(sizeof(Column) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Column	   *column = &shape->columns[i];

		column->key = random_key(test, shape);
		shape->ncolumns = i + 1;
		init_value_column(test, column);
		column->position = shape->width++;
	}
	/* the row's columns come in another order than the object's */
	for (int i = n - 1; i > 0; i--)
	{
		int			j = below(test, i + 1);
		int			position = shape->columns[i].position;

		shape->columns[i].position = shape->columns[j].position;
		shape->columns[j].position = position;
	}
}

/* Turn columns into an object or a text that is made of columns. */
static void
random_made_columns(Test *test, Shape *shape)
{
	Column	   *column;

	if (shape->ncolumns > 0 && one_in(test, 6))
	{
		Shape	   *object = palloc0(sizeof(Shape));

		random_columns(test, object, below(test, 4));
		for (int i = 0; i < object->ncolumns; i++)
			object->columns[i].position += shape->width;
		shape->width += object->width;
		init_template(object);
		column = &shape->columns[below(test, shape->ncolumns)];
		column->kind = COLUMN_OBJECT;
		column->object = object;
	}
	if (shape->ncolumns > 0 && one_in(test, 6))
	{
		column = &shape->columns[below(test, shape->ncolumns)];
		column->kind = COLUMN_TEXT;
	}
}

/* The writer's template and encoders of a shape, as read_node.c makes them. */
static void
init_template(Shape *shape)
{
	List	   *columns = NIL;
	List	   *links = NIL;
	int		   *shown = palloc(sizeof(int) * Max(shape->ncolumns, 1));
	int			nshown = 0;
	int			n = 0;

	for (int i = 0; i < shape->ncolumns; i++)
	{
		if (shape->columns[i].hidden)
			continue;
		columns = lappend(columns, shape->columns[i].key);
		shown[nshown++] = i;
	}
	for (int i = 0; i < shape->nlinks; i++)
		links = lappend(links, shape->links[i].key);
	template_init(&shape->tpl, columns, links, CurrentMemoryContext);
	shape->encoders = palloc0(sizeof(ValueEncoder) * Max(shape->tpl.nvalues, 1));
	shape->positions = palloc0(sizeof(int) * Max(shape->tpl.nvalues, 1));
	for (int i = 0; i < shape->tpl.npairs; i++)
	{
		ValueEncoder *encoder = &shape->encoders[n];
		Column	   *column;

		if (shape->tpl.source[i] < 0)
			continue;
		column = &shape->columns[shown[shape->tpl.source[i]]];
		if (column->kind == COLUMN_OBJECT)
		{
			encoder->kind = ENCODE_OBJECT;
			encoder->object = palloc0(sizeof(ObjectEncoder));
			encoder->object->tpl = column->object->tpl;
			encoder->object->encoders = column->object->encoders;
			encoder->object->positions = column->object->positions;
		}
		else if (column->kind == COLUMN_TEXT)
		{
			encoder->kind = ENCODE_ROW_TEXT;
			encoder->row_text = nulls_text;
			encoder->row_text_arg = shape;
		}
		else
		{
			encoder_init(encoder, column->type, CurrentMemoryContext);
			shape->positions[n] = column->position;
		}
		n++;
	}
}

static Shape *
random_shape(Test *test, int depth)
{
	static const int edges[] = {0, 1, 30, 31, 32, 33, 34};
	Shape	   *shape = palloc0(sizeof(Shape));
	int			nlinks = depth < MAX_DEPTH ? below(test, depth == 1 ? 5 : 3) : 0;
	int			ncolumns = one_in(test, 3) ? edges[below(test, lengthof(edges))] : below(test, 12);

	if (depth == 1 && one_in(test, 300))
		ncolumns = 1000 - nlinks;
	random_columns(test, shape, ncolumns);
	random_made_columns(test, shape);
	shape->links = palloc0(sizeof(Link) * Max(nlinks, 1));
	for (int i = 0; i < nlinks; i++)
	{
		Link	   *link = &shape->links[i];
		Link	   *before = i > 0 ? link - 1 : NULL;

		link->kind = (LinkKind) below(test, 3);
		if (before != NULL && before->kind == LINK_ONE && link->kind == LINK_ONE && one_in(test, 2))
		{
			link->continues = true;
			link->key = before->key;
		}
		else if (shape->ncolumns > 0 && one_in(test, 8))
		{
			Column	   *column = &shape->columns[below(test, shape->ncolumns)];

			link->key = column->hidden ? random_key(test, shape) : column->key;
			if (!column->hidden)
				test->met[HIDDEN_COLUMN]++;
			column->hidden = true;
		}
		else
			link->key = random_key(test, shape);
		shape->nlinks = i + 1;
		if (link->kind == LINK_AGGREGATE)
		{
			/* a value of a row: an object with a relation, of which no pair is written */
			link->shape = palloc0(sizeof(Shape));
			random_columns(test, link->shape, 1);
			link->shape->links = palloc0(sizeof(Link));
			link->shape->links[0].key = random_key(test, link->shape);
			link->shape->nlinks = 1;
			init_template(link->shape);
		}
		else
			link->shape = random_shape(test, depth + 1);
	}
	init_template(shape);
	return shape;
}

/* ---------------------------------------------------------------------
 * Random rows
 * ---------------------------------------------------------------------
 */

static void
random_values(Test *test, Shape *shape, Row *row)
{
	for (int i = 0; i < shape->ncolumns; i++)
	{
		Column	   *column = &shape->columns[i];

		if (column->kind == COLUMN_OBJECT)
		{
			test->met[OBJECT_OF_COLUMNS]++;
			random_values(test, column->object, row);
		}
		if (column->kind == COLUMN_TEXT)
			test->met[TEXT_OF_COLUMNS]++;
		if (column->kind != COLUMN_VALUE)
			continue;
		row->isnull[column->position] = one_in(test, 8);
		if (!row->isnull[column->position])
			row->values[column->position] = random_value(test, column);
	}
}

static int
random_rows(Test *test, Link *link)
{
	static const int edges[] = {0, 1, 31, 32, 33, 65, 100};
	int			n;

	if (link->kind != LINK_MANY)
		n = one_in(test, 4) ? 0 : 1;
	else
		n = one_in(test, 4) ? edges[below(test, lengthof(edges))] : below(test, 4);
	return test->values_left > 0 ? n : 0;
}

static Row *
random_row(Test *test, Shape *shape)
{
	Row		   *row = palloc0(sizeof(Row));

	test->values_left -= shape->width + 1;
	row->shape = shape;
	row->values = palloc0(sizeof(Datum) * Max(shape->width, 1));
	row->isnull = palloc(sizeof(bool) * Max(shape->width, 1));
	/* of a column that is not a value of its own, nothing may be read */
	memset(row->isnull, true, shape->width);
	random_values(test, shape, row);
	row->staged = stage_row(&test->arena, &shape->tpl, shape->encoders, shape->positions,
							row->values, row->isnull);
	if (shape->nlinks == 0)
		test->met[ROW_WITHOUT_RELATIONS]++;
	row->nrows = palloc0(sizeof(int) * Max(shape->nlinks, 1));
	row->rows = palloc0(sizeof(Row **) * Max(shape->nlinks, 1));
	row->aggregates = palloc0(sizeof(Feature) * Max(shape->nlinks, 1));
	for (int i = 0; i < shape->nlinks; i++)
	{
		Link	   *link = &shape->links[i];
		bool		filled = false;

		/* that of an aggregate's row is never written */
		if (link->shape == NULL)
			continue;
		/* of relations under one key, one leads to a row at most */
		for (int j = i; shape->links[j].continues && j > 0; j--)
			filled = filled || row->nrows[j - 1] > 0;
		if (link->continues)
			test->met[ONE_KEY_SEVERAL_TYPES]++;
		row->nrows[i] = filled ? 0 : random_rows(test, link);
		row->rows[i] = palloc(sizeof(Row *) * Max(row->nrows[i], 1));
		for (int k = 0; k < row->nrows[i]; k++)
			row->rows[i][k] = random_row(test, link->shape);
		if (link->kind == LINK_ONE && row->nrows[i] == 0)
			test->met[TO_ONE_WITHOUT_ROW]++;
		if (link->kind == LINK_AGGREGATE)
		{
			row->aggregates[i] = row->nrows[i] > 0 ? AGGREGATE_VALUE
				: AGGREGATE_ZERO + below(test, 3);
			test->met[row->aggregates[i]]++;
		}
	}
	return row;
}

/* ---------------------------------------------------------------------
 * The writer's document: the way of read_document.c
 * ---------------------------------------------------------------------
 */

static void write_row(DocBuffer *buf, Row *row, bool staged);

static void
write_link(DocBuffer *buf, ContainerState *state, Row *row, int which, bool staged)
{
	Link	   *link = &row->shape->links[which];
	int			n = row->nrows[which];
	Size		base = buf->len;

	if (link->kind == LINK_AGGREGATE)
	{
		Row		   *only = n > 0 ? row->rows[which][0] : NULL;

		switch (row->aggregates[which])
		{
			case AGGREGATE_VALUE:
				if (staged)
					doc_add_scalar(buf, state, STAGED_ENTRIES(only->staged, &link->shape->tpl)[0],
								   STAGED_DATA(only->staged, &link->shape->tpl));
				else
					doc_add_value(buf, state, link->shape->encoders, link->shape->positions[0],
								  only->values, only->isnull);
				break;
			case AGGREGATE_ZERO:
				doc_add_zero(buf, state);
				break;
			case AGGREGATE_BOOLEAN:
				doc_add_boolean(buf, state, false);
				break;
			default:
				doc_add_null(buf, state);
				break;
		}
		return;
	}
	if (link->kind == LINK_ONE)
	{
		if (n == 0)
		{
			doc_add_null(buf, state);
			return;
		}
		write_row(buf, row->rows[which][0], staged);
	}
	else
	{
		ContainerState array;

		doc_begin_array(buf, &array, n);
		for (int k = 0; k < n; k++)
		{
			Size		member = buf->len;

			write_row(buf, row->rows[which][k], staged);
			doc_end_member(buf, &array, member);
		}
	}
	doc_end_member(buf, state, base);
}

static void
write_row(DocBuffer *buf, Row *row, bool staged)
{
	Shape	   *shape = row->shape;
	ObjectTemplate *tpl = &shape->tpl;
	ContainerState state;
	JEntry	   *entries;
	const char *data;
	int			value = 0;

	if (tpl->nrelations == 0)
	{
		if (staged)
			doc_leaf_object(buf, tpl, row->staged);
		else
			doc_leaf_values(buf, tpl, shape->encoders, shape->positions, row->values, row->isnull);
		return;
	}
	entries = STAGED_ENTRIES(row->staged, tpl);
	data = STAGED_DATA(row->staged, tpl);
	doc_begin_object(buf, &state, tpl);
	for (int i = 0; i < tpl->npairs; i++)
	{
		int			which;

		if (tpl->source[i] >= 0 && staged)
		{
			data = doc_add_scalar(buf, &state, *entries++, data);
			continue;
		}
		if (tpl->source[i] >= 0)
		{
			doc_add_value(buf, &state, &shape->encoders[value], shape->positions[value],
						  row->values, row->isnull);
			value++;
			continue;
		}
		which = ~tpl->source[i];
		while (row->nrows[which] == 0 && which + 1 < shape->nlinks && shape->links[which + 1].continues)
			which++;
		write_link(buf, &state, row, which, staged);
	}
}

/* The document of a row, or of an array of rows. */
static Jsonb *
write_document(DocBuffer *buf, Row **rows, int n, bool is_array, bool staged)
{
	ContainerState array;

	if (!is_array)
		write_row(buf, rows[0], staged);
	else
	{
		doc_begin_array(buf, &array, n);
		for (int i = 0; i < n; i++)
		{
			Size		member = buf->len;

			write_row(buf, rows[i], staged);
			doc_end_member(buf, &array, member);
		}
	}
	return DatumGetJsonbP(doc_finish(buf));
}

/* ---------------------------------------------------------------------
 * PostgreSQL's document
 * ---------------------------------------------------------------------
 */

static void push_row(Test *test, JsonbParseState **state, Row *row, JsonbValue **result);

static void
push_key(JsonbParseState **state, char *key)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = key;
	value.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &value);
}

static void
push_jsonb(JsonbParseState **state, JsonbIteratorToken token, Jsonb *jsonb)
{
	JsonbValue	value;

	if (JB_ROOT_IS_SCALAR(jsonb))
		(void) JsonbExtractScalar(&jsonb->root, &value);
	else
	{
		value.type = jbvBinary;
		value.val.binary.data = &jsonb->root;
		value.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	pushJsonbValue(state, token, &value);
}

static void
push_null(JsonbParseState **state)
{
	JsonbValue	value;

	value.type = jbvNull;
	pushJsonbValue(state, WJB_VALUE, &value);
}

static void
push_column(JsonbParseState **state, Row *row, Shape *shape, Column *column)
{
	JsonbValue	value;

	push_key(state, column->key);
	switch (column->kind)
	{
		case COLUMN_VALUE:
			if (row->isnull[column->position])
				push_null(state);
			else
				push_jsonb(state, WJB_VALUE,
						   DatumGetJsonbP(FunctionCall1(&column->to_jsonb, row->values[column->position])));
			break;
		case COLUMN_OBJECT:
			pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			for (int i = 0; i < column->object->ncolumns; i++)
				push_column(state, row, column->object, &column->object->columns[i]);
			pushJsonbValue(state, WJB_END_OBJECT, NULL);
			break;
		case COLUMN_TEXT:
			value.type = jbvString;
			value.val.string.val = nulls_text(shape, row->values, row->isnull);
			value.val.string.len = strlen(value.val.string.val);
			pushJsonbValue(state, WJB_VALUE, &value);
			break;
	}
}

static void
push_link(Test *test, JsonbParseState **state, Row *row, int which)
{
	Link	   *link = &row->shape->links[which];
	JsonbValue	value;

	if (link->kind == LINK_AGGREGATE)
	{
		Row		   *only = row->nrows[which] > 0 ? row->rows[which][0] : NULL;
		Column	   *column = &link->shape->columns[0];

		switch (row->aggregates[which])
		{
			case AGGREGATE_VALUE:
				if (only->isnull[column->position])
					push_null(state);
				else
					push_jsonb(state, WJB_VALUE,
							   DatumGetJsonbP(FunctionCall1(&column->to_jsonb,
															only->values[column->position])));
				break;
			case AGGREGATE_ZERO:
				value.type = jbvNumeric;
				value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum("0"),
																		ObjectIdGetDatum(InvalidOid),
																		Int32GetDatum(-1)));
				pushJsonbValue(state, WJB_VALUE, &value);
				break;
			case AGGREGATE_BOOLEAN:
				value.type = jbvBool;
				value.val.boolean = false;
				pushJsonbValue(state, WJB_VALUE, &value);
				break;
			default:
				push_null(state);
				break;
		}
	}
	else if (link->kind == LINK_ONE)
	{
		if (row->nrows[which] == 0)
			push_null(state);
		else
			push_row(test, state, row->rows[which][0], NULL);
	}
	else
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (int k = 0; k < row->nrows[which]; k++)
			push_row(test, state, row->rows[which][k], NULL);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
}

/* The columns, then what hides some of them: the last of two equal keys stays. */
static void
push_row(Test *test, JsonbParseState **state, Row *row, JsonbValue **result)
{
	Shape	   *shape = row->shape;
	JsonbValue *end;

	check_stack_depth();
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < shape->ncolumns; i++)
		push_column(state, row, shape, &shape->columns[i]);
	for (int i = 0; i < shape->nlinks; i++)
	{
		/* of relations under one key, the one with a row says the value */
		if (shape->links[i].continues && row->nrows[i] == 0)
			continue;
		push_key(state, shape->links[i].key);
		push_link(test, state, row, i);
	}
	end = pushJsonbValue(state, WJB_END_OBJECT, NULL);
	if (result != NULL)
		*result = end;
}

/* ---------------------------------------------------------------------
 * What PostgreSQL's bytes hold
 * ---------------------------------------------------------------------
 */

static void
count_size(Test *test, uint32 n, const int *sizes, int nsizes, Feature first)
{
	for (int i = 0; i < nsizes; i++)
	{
		if (n == (uint32) sizes[i])
			test->met[first + i]++;
	}
}

static void
count_container(Test *test, JsonbContainer *container, int depth)
{
	static const int objects[] = {0, 1, 31, 32, 33, 1000};
	static const int arrays[] = {0, 31, 32, 33};
	static const int strings[] = {0, 126, 127, 128};
	uint32		n = JsonContainerSize(container);
	uint32		nentries = JsonContainerIsObject(container) ? 2 * n : n;
	char	   *data = (char *) &container->children[nentries];

	if (depth == 5)
		test->met[NESTED_5_DEEP]++;
	if (JsonContainerIsObject(container))
		count_size(test, n, objects, lengthof(objects), OBJECT_OF_0);
	else
	{
		count_size(test, n, arrays, lengthof(arrays), ARRAY_OF_0);
		if (n > 64)
			test->met[ARRAY_OF_MORE]++;
	}
	for (uint32 i = JsonContainerIsObject(container) ? n : 0; i < nentries; i++)
	{
		JEntry		entry = container->children[i];
		uint32		offset = getJsonbOffset(container, i);
		uint32		pad = INTALIGN(offset) - offset;

		if (JBE_ISNULL(entry))
			test->met[VALUE_NULL]++;
		else if (JBE_ISBOOL_TRUE(entry))
			test->met[VALUE_TRUE]++;
		else if (JBE_ISBOOL_FALSE(entry))
			test->met[VALUE_FALSE]++;
		else if (JBE_ISSTRING(entry))
			count_size(test, getJsonbLength(container, i), strings, lengthof(strings), STRING_OF_0);
		else if (JBE_ISNUMERIC(entry))
			test->met[NUMERIC_AT_0 + pad]++;
		else
		{
			test->met[CONTAINER_AT_0 + pad]++;
			count_container(test, (JsonbContainer *) (data + INTALIGN(offset)), depth + 1);
		}
	}
}

/* ---------------------------------------------------------------------
 * The test
 * ---------------------------------------------------------------------
 */

static char *
jsonb_text(Jsonb *jsonb)
{
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));

	return strlen(text) > 2000 ? psprintf("%.*s ...", pg_mbcliplen(text, strlen(text), 2000), text) : text;
}

/* Raises data_corrupted unless both have the same bytes. */
static void
compare(Jsonb *written, Jsonb *right, int64 seed, int number, const char *way)
{
	Size		size = Min(VARSIZE(written), VARSIZE(right));
	Size		at = 0;

	if (VARSIZE(written) == VARSIZE(right) && memcmp(written, right, size) == 0)
		return;
	while (at < size && ((char *) written)[at] == ((char *) right)[at])
		at++;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("document %d of seed " INT64_FORMAT ", %s, differs at byte %zu", number, seed, way, at),
			 errdetail("The writer made %u bytes, PostgreSQL %u: %s", VARSIZE(written), VARSIZE(right),
					   jsonb_text(right))));
}

/*
 * writer_test(seed bigint, documents int, types regtype[], samples text[])
 *		-> (feature text, met bigint)
 *
 * Make and compare random documents, with values of these types besides the
 * known ones: the samples, as input.  Says how often each feature was met.
 */
Datum
writer_test(PG_FUNCTION_ARGS)
{
	int64		seed = PG_GETARG_INT64(0);
	int			documents = PG_GETARG_INT32(1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Test		test;
	int			nsamples;
	MemoryContext context;
	DocBuffer	kept;

	memset(&test, 0, sizeof(test));
	memset(&kept, 0, sizeof(kept));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), REGTYPEOID, sizeof(Oid), true, TYPALIGN_INT,
					  &test.types, NULL, &test.ntypes);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(3), TEXTOID, -1, false, TYPALIGN_INT,
					  &test.samples, NULL, &nsamples);
	if (nsamples != test.ntypes)
		elog(ERROR, "each type needs a sample");
	context = AllocSetContextCreate(CurrentMemoryContext, "relations writer test",
									ALLOCSET_DEFAULT_SIZES);
	for (int number = 1; number <= documents; number++)
	{
		MemoryContext caller = MemoryContextSwitchTo(context);
		Shape	   *shape;
		bool		is_array;
		int			n = 1;
		Row		  **rows;
		DocBuffer	buf;
		JsonbParseState *state = NULL;
		JsonbValue *value = NULL;
		Jsonb	   *right;

		CHECK_FOR_INTERRUPTS();
		/* so that any document can be made alone */
		pg_prng_seed(&test.random, (uint64) seed + (uint64) number);
		test.values_left = one_in(&test, 10) ? MANY_VALUES : FEW_VALUES;
		row_arena_init(&test.arena, context, (Size) 64 << below(&test, 8));
		shape = random_shape(&test, 1);
		is_array = one_in(&test, 4);
		if (is_array)
		{
			static const int edges[] = {0, 1, 2, 3, 31, 32, 33};

			n = edges[below(&test, lengthof(edges))];
			n = Min(n, Max(1, MANY_VALUES / Max(shape->width, 1)));
			test.met[ROOT_ARRAY]++;
		}
		rows = palloc(sizeof(Row *) * Max(n, 1));
		for (int i = 0; i < n; i++)
			rows[i] = random_row(&test, shape);
		if (is_array)
			pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		for (int i = 0; i < n; i++)
			push_row(&test, &state, rows[i], &value);
		if (is_array)
			value = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		right = JsonbValueToJsonb(value);

		doc_init(&buf, below(&test, 1000), &jsonb_format);
		compare(write_document(&buf, rows, n, is_array, true), right, seed, number, "staged");
		doc_again(&kept, caller, &jsonb_format);
		compare(write_document(&kept, rows, n, is_array, false), right, seed, number, "from values");
		count_container(&test, &right->root, 1);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < N_FEATURES; i++)
	{
		Datum		values[2] = {CStringGetTextDatum(feature_names[i]), Int64GetDatum(test.met[i])};
		bool		isnull[2] = {false, false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, isnull);
	}
	return (Datum) 0;
}
