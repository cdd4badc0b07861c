/*
 * factory_rule.c
 *	  Rules for columns of which no factory says anything: what the type, the
 *	  name and the constraints of a column let guess.
 *
 * Dates and times lie in fixed years, not about now: the same seed gives the
 * same rows on any day.
 */
#include "relations.h"

#include <limits.h>
#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "factory_value.h"

/* days and seconds from 2000-01-01 on */
#define DAY_1950 (-18262)
#define DAY_2005 1827
#define DAY_2020 7305
#define DAY_2023 8401
#define DAY_2025 9132
#define DAY_2030 10958
#define DAY_2035 12784
#define SECONDS(day) ((int64) (day) * 86400)

/* no bounds */
void
value_bounds_init(ValueBounds *bounds)
{
	memset(bounds, 0, sizeof(ValueBounds));
	bounds->max_length = INT_MAX;
}

/* ---------------------------------------------------------------------
 * Whole numbers of some unit
 * ---------------------------------------------------------------------
 */

/* What the name of a column of numbers promises. */
static const struct
{
	const char *word;
	int			low;
	int			high;
}			number_names[] = {
	{"age", 18, 90}, {"day", 1, 28}, {"height", 150, 200}, {"hour", 0, 23}, {"lat", -90, 90},
	{"latitude", -90, 90}, {"level", 1, 10}, {"lng", -180, 180}, {"lon", -180, 180},
	{"longitude", -180, 180}, {"minute", 0, 59}, {"month", 1, 12}, {"percent", 0, 100},
	{"percentage", 0, 100}, {"port", 1024, 65535}, {"position", 1, 100}, {"priority", 1, 5},
	{"qty", 1, 100}, {"quantity", 1, 100}, {"rank", 1, 100}, {"rating", 1, 5}, {"score", 0, 100},
	{"stars", 1, 5}, {"views", 0, 10000}, {"weight", 1, 100}, {"year", 1970, 2024},
};

static void
range_of_number_name(const char *column, int64 *low, int64 *high)
{
	for (int i = 0; i < (int) lengthof(number_names); i++)
	{
		const char *const words[] = {number_names[i].word, NULL};

		if (fake_name_ends_with(column, words))
		{
			*low = number_names[i].low;
			*high = number_names[i].high;
			return;
		}
	}
}

/* The days that the name of a column of dates promises. */
static void
range_of_date_name(const char *column, int64 *low, int64 *high)
{
	static const char *const births[] = {"birthday", "birthdate", "dateofbirth", "dob", "bornon", "bornat", "born", NULL};
	static const char *const future[] = {"expires", "expiresat", "expireson", "expiry", "expiration", "expirationdate",
		"due", "dueat", "dueon", "duedate", "deadline", "validuntil", "until", "validto", NULL};
	static const char *const first[] = {"created", "createdat", "createdon", "insertedat", "start", "startdate", "starts",
		"startsat", "startson", "startedat", "begin", "beginsat", "validfrom", "from", "since", "joinedat", "registeredat", NULL};
	static const char *const later[] = {"updated", "updatedat", "updatedon", "modified", "modifiedat", "changedat", "end",
		"enddate", "ends", "endsat", "endson", "endedat", "finish", "finishedat", "completedat", "lastseenat", "lastloginat", NULL};

	*low = DAY_2020;
	*high = DAY_2025 - 1;
	if (fake_name_ends_with(column, births))
	{
		*low = DAY_1950;
		*high = DAY_2005 - 1;
	}
	else if (fake_name_ends_with(column, future))
	{
		*low = DAY_2030;
		*high = DAY_2035 - 1;
	}
	else if (fake_name_ends_with(column, first))
		*high = DAY_2023 - 1;
	else if (fake_name_ends_with(column, later))
		*low = DAY_2023;
}

/*
 * Fit a range into bounds; where the range is out of them, there is another
 * as near as can be.  The bounds are in units, of which a number has scale
 * digits.
 */
static void
fit_range(int64 *low, int64 *high, const ValueBounds *bounds, double unit, int64 least, int64 most)
{
	int64		width = *high - *low;

	if (bounds->has_low)
	{
		double		end = ceil(bounds->low * unit - 1e-6);

		if (bounds->low_open && end <= bounds->low * unit + 1e-6)
			end++;
		least = end > least ? (int64) Min(end, 9e15) : least;
	}
	if (bounds->has_high)
	{
		double		end = floor(bounds->high * unit + 1e-6);

		if (bounds->high_open && end >= bounds->high * unit - 1e-6)
			end--;
		most = end < most ? (int64) Max(end, -9e15) : most;
	}
	if (*low < least)
	{
		*low = least;
		*high = Max(*high, Min(least + width, most));
	}
	if (*high > most)
	{
		/* what began above zero does not go below without need */
		if (*low >= 0 && most > 0)
			least = Max(least, 0);
		*high = most;
		*low = Min(*low, Max(most - width, least));
	}
}

/* Numbers, dates and timestamps; NULL when the bounds leave nothing. */
static ValueRule *
whole_rule(Oid type, int32 typmod, const char *column, const ValueBounds *bounds, bool numbered)
{
	ValueRule  *rule = value_rule_init(type, typmod);
	int64		low = 1;
	int64		high = 1000;
	int64		least = -INT64CONST(9000000000000000);
	int64		most = INT64CONST(9000000000000000);
	double		unit = 1;

	rule->make = value_make_whole;
	rule->numbered = numbered;
	switch (rule->base)
	{
		case INT2OID:
			least = PG_INT16_MIN;
			most = PG_INT16_MAX;
			break;
		case INT4OID:
			least = PG_INT32_MIN;
			most = PG_INT32_MAX;
			break;
		case OIDOID:
			least = 1;
			most = PG_UINT32_MAX;
			break;
		case DATEOID:
			range_of_date_name(column, &low, &high);
			least = (int64) DAY_1950 * 30;
			most = (int64) DAY_2035 * 30;
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			range_of_date_name(column, &low, &high);
			low = SECONDS(low);
			high = SECONDS(high + 1) - 1;
			least = SECONDS(DAY_1950) * 30;
			most = SECONDS(DAY_2035) * 30;
			break;
		default:
			break;
	}
	if (rule->base != DATEOID && rule->base != TIMESTAMPOID && rule->base != TIMESTAMPTZOID && !numbered)
		range_of_number_name(column, &low, &high);
	if (rule->base == NUMERICOID || rule->base == FLOAT4OID || rule->base == FLOAT8OID)
	{
		rule->scale = 2;
		if (rule->base == NUMERICOID && rule->typmod >= (int32) VARHDRSZ)
		{
			int			precision;

			value_numeric_digits(rule, &precision);
			most = (int64) pow(10, Min(precision, 15)) - 1;
			if (most < 1)
				return NULL;
			least = -most;
		}
		unit = pow(10, rule->scale);
		low = (int64) ceil((double) low * unit);
		high = Max(low, (int64) (((double) high + (high < 0 ? 0 : 1)) * unit) - 1);
		/* ratings and angles end where they end */
		if (!numbered)
		{
			int64		ends[2] = {0, 0};

			range_of_number_name(column, &ends[0], &ends[1]);
			if (ends[0] != ends[1])
				high = Max(low, (int64) ((double) ends[1] * unit));
		}
	}
	fit_range(&low, &high, bounds, unit, least, most);
	/* numbers go on from where the range begins, as far as there are any */
	if (numbered)
	{
		int64		end = most;
		int64		begin = least;

		fit_range(&begin, &end, bounds, unit, least, most);
		high = end;
	}
	if (low > high || low < least || high > most)
		return NULL;
	rule->low = low;
	rule->high = high;
	rule->capacity = high - low + 1;
	return rule;
}

/* ---------------------------------------------------------------------
 * Text of types that have a form of their own
 * ---------------------------------------------------------------------
 */

static int
below(ValueDraw *draw, int n)
{
	return (int) draw_below(draw, n);
}

/* "x,y" */
static void
put_point(ValueDraw *draw)
{
	appendStringInfo(draw->buf, "(%d,", below(draw, 100));
	appendStringInfo(draw->buf, "%d)", below(draw, 100));
}

#define FORM(function) \
static void \
function(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)

FORM(form_bytea)
{
	appendStringInfo(draw->buf, "\\x%016llx", (unsigned long long) (numbered ? draw_unique(draw) : draw_next(draw)));
}

FORM(form_time)
{
	int			n = numbered ? (int) (draw->number - 1) : below(draw, 86400);

	appendStringInfo(draw->buf, "%02d:%02d:%02d", n / 3600, n / 60 % 60, n % 60);
}

FORM(form_timetz)
{
	form_time(draw, limit, numbered);
	appendStringInfoString(draw->buf, "+00");
}

FORM(form_interval)
{
	if (numbered)
		appendStringInfo(draw->buf, INT64_FORMAT " minutes", draw->number);
	else
		appendStringInfo(draw->buf, "%d minutes", 5 * (1 + below(draw, 288)));
}

FORM(form_json)
{
	const Fake *noun = fake_find("noun");

	appendStringInfoString(draw->buf, "{\"");
	noun->write(draw, INT_MAX, false);
	appendStringInfoString(draw->buf, "\": \"");
	fake_find("word")->write(draw, INT_MAX, false);
	if (numbered)
		appendStringInfo(draw->buf, " " INT64_FORMAT, draw->number);
	appendStringInfoString(draw->buf, "\"}");
}

FORM(form_xml)
{
	appendStringInfoString(draw->buf, "<p>");
	fake_find("words")->write(draw, INT_MAX, false);
	appendStringInfoString(draw->buf, "</p>");
}

FORM(form_tsvector)
{
	fake_find("words")->write(draw, INT_MAX, false);
	if (numbered)
		appendStringInfo(draw->buf, " " INT64_FORMAT, draw->number);
}

FORM(form_cidr)
{
	uint64		n = numbered ? (uint64) draw->number : draw_below(draw, 65536);

	appendStringInfo(draw->buf, "%d.%d.%d.0/24", (int) (10 + (n >> 16)), (int) (n >> 8 & 255), (int) (n & 255));
}

FORM(form_point)
{
	put_point(draw);
}

FORM(form_segment)
{
	appendStringInfoChar(draw->buf, '[');
	put_point(draw);
	appendStringInfoChar(draw->buf, ',');
	put_point(draw);
	appendStringInfoChar(draw->buf, ']');
}

FORM(form_box)
{
	put_point(draw);
	appendStringInfoChar(draw->buf, ',');
	put_point(draw);
}

FORM(form_polygon)
{
	appendStringInfoChar(draw->buf, '(');
	for (int i = 0; i < 3; i++)
	{
		if (i > 0)
			appendStringInfoChar(draw->buf, ',');
		put_point(draw);
	}
	appendStringInfoChar(draw->buf, ')');
}

FORM(form_circle)
{
	appendStringInfoChar(draw->buf, '<');
	put_point(draw);
	appendStringInfo(draw->buf, ",%d>", 1 + below(draw, 50));
}

FORM(form_line)
{
	appendStringInfo(draw->buf, "{%d,-1,", 1 + below(draw, 9));
	appendStringInfo(draw->buf, "%d}", below(draw, 100));
}

FORM(form_money)
{
	appendStringInfo(draw->buf, INT64_FORMAT, numbered ? draw->number : 1 + (int64) draw_below(draw, 1000));
}

FORM(form_lsn)
{
	appendStringInfo(draw->buf, "0/%X", (uint32) (numbered ? draw->number : 1 + (int64) draw_below(draw, 1 << 30)));
}

FORM(form_jsonpath)
{
	appendStringInfoString(draw->buf, "$.");
	fake_find("word")->write(draw, INT_MAX, false);
}

FORM(form_char)
{
	appendStringInfoChar(draw->buf, 'a' + (numbered ? (int) (draw->number - 1) : below(draw, 26)));
}

static const struct
{
	Oid			type;
	int64		capacity;		/* numbers that give values that differ; 0:
								 * all, -1: there is no equality */
	Fake		fake;
}			forms[] = {
	{BYTEAOID, 0, {"bytea", form_bytea, NULL, false}},
	{TIMEOID, 86400, {"time", form_time, NULL, false}},
	{TIMETZOID, 86400, {"timetz", form_timetz, NULL, false}},
	{INTERVALOID, 0, {"interval", form_interval, NULL, false}},
	{JSONOID, -1, {"json", form_json, NULL, false}},
	{JSONBOID, 0, {"jsonb", form_json, NULL, false}},
	{XMLOID, -1, {"xml", form_xml, NULL, false}},
	{TSVECTOROID, 0, {"tsvector", form_tsvector, NULL, false}},
	{TSQUERYOID, -1, {"tsquery", form_char, NULL, false}},
	{CIDROID, 1 << 24, {"cidr", form_cidr, NULL, false}},
	{POINTOID, -1, {"point", form_point, NULL, false}},
	{LSEGOID, -1, {"lseg", form_segment, NULL, false}},
	{BOXOID, -1, {"box", form_box, NULL, false}},
	{PATHOID, -1, {"path", form_segment, NULL, false}},
	{POLYGONOID, -1, {"polygon", form_polygon, NULL, false}},
	{CIRCLEOID, -1, {"circle", form_circle, NULL, false}},
	{LINEOID, -1, {"line", form_line, NULL, false}},
	{MONEYOID, 0, {"money", form_money, NULL, false}},
	{PG_LSNOID, 0, {"pg_lsn", form_lsn, NULL, false}},
	{JSONPATHOID, -1, {"jsonpath", form_jsonpath, NULL, false}},
	{CHAROID, 26, {"char", form_char, NULL, false}},
};

static ValueRule *
form_rule(Oid type, int32 typmod, Oid base, bool numbered)
{
	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		if (forms[i].type == base)
		{
			ValueRule  *rule = value_rule_fake(type, typmod, &forms[i].fake, NULL, numbered);

			if (forms[i].capacity < 0 && numbered)
				return NULL;
			rule->capacity = forms[i].capacity;
			return rule;
		}
	}
	return NULL;
}

/* ---------------------------------------------------------------------
 * Types made of others
 * ---------------------------------------------------------------------
 */

static Datum
make_bits(ValueRule *rule, ValueDraw *draw)
{
	resetStringInfo(draw->buf);
	for (int i = 0; i < rule->scale; i++)
	{
		int			place = rule->scale - 1 - i;
		bool		bit = rule->numbered ? place < 63 && ((draw->number - 1) >> place & 1) : below(draw, 2);

		appendStringInfoChar(draw->buf, bit ? '1' : '0');
	}
	return InputFunctionCall(&rule->input, draw->buf->data, rule->ioparam, rule->typmod);
}

static ValueRule *
bits_rule(Oid type, int32 typmod, bool numbered)
{
	ValueRule  *rule = value_rule_init(type, typmod);
	Oid			function;

	rule->make = make_bits;
	rule->numbered = numbered;
	rule->scale = rule->typmod >= 0 ? rule->typmod : 8;
	rule->capacity = rule->scale < 62 ? INT64CONST(1) << rule->scale : 0;
	getTypeInputInfo(rule->base, &function, &rule->ioparam);
	fmgr_info(function, &rule->input);
	return rule;
}

/* Return the value of a part, which is never null: only definitions list nulls. */
static Datum
make_part(ValueRule *part, ValueDraw *draw)
{
	bool		isnull;
	Datum		value = value_make(part, draw, &isnull);

	if (isnull)
		elog(ERROR, "a part of type %s is null", format_type_be(part->type));
	return value;
}

/* An array of one to three elements; when it is numbered, of one. */
static Datum
make_array(ValueRule *rule, ValueDraw *draw)
{
	ValueRule  *element = rule->parts[0];
	Datum		values[3];
	int			n = rule->numbered ? 1 : 1 + below(draw, 3);
	int16		len;
	bool		byval;
	char		align;

	Assert(n <= (int) lengthof(values));
	for (int i = 0; i < n; i++)
		values[i] = make_part(element, draw);
	get_typlenbyvalalign(element->type, &len, &byval, &align);
	return PointerGetDatum(construct_array(values, n, element->type, len, byval, align));
}

/* [a, b) or, of numbers, what lies between one number and the next. */
static Datum
make_range_datum(ValueRule *rule, ValueDraw *draw)
{
	TypeCacheEntry *cache = rule->cache;
	ValueRule  *part = rule->parts[0];
	int64		number = draw->number;
	RangeBound	lower = {0};
	RangeBound	upper = {0};

	if (rule->numbered)
		draw->number = number * 2 - 1;
	lower.val = make_part(part, draw);
	if (rule->numbered)
		draw->number = number * 2;
	upper.val = make_part(part, draw);
	draw->number = number;
	if (DatumGetInt32(FunctionCall2Coll(&cache->rng_cmp_proc_finfo, cache->rng_collation,
										lower.val, upper.val)) > 0)
	{
		Datum		swap = lower.val;

		lower.val = upper.val;
		upper.val = swap;
	}
	lower.lower = true;
	lower.inclusive = true;
	return RangeTypePGetDatum(make_range_hard(cache, &lower, &upper));
}

static Datum
make_multirange_datum(ValueRule *rule, ValueDraw *draw)
{
	RangeType  *range = DatumGetRangeTypeP(make_part(rule->parts[0], draw));

	return MultirangeTypePGetDatum(make_multirange(rule->base, rule->cache, 1, &range));
}

static Datum
make_composite(ValueRule *rule, ValueDraw *draw)
{
	Datum	   *values = palloc0(sizeof(Datum) * Max(rule->nparts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(rule->nparts, 1));

	for (int i = 0; i < rule->nparts; i++)
	{
		nulls[i] = true;
		if (rule->parts[i] != NULL)
			values[i] = value_make(rule->parts[i], draw, &nulls[i]);
	}
	return heap_copy_tuple_as_datum(heap_form_tuple(rule->row, values, nulls), rule->row);
}

/* A rule whose values are made of those of parts; NULL when one cannot be made. */
static ValueRule *
compound_rule(Oid type, int32 typmod, Datum (*make) (ValueRule *, ValueDraw *), ValueRule *part,
			  TypeCacheEntry *cache, bool numbered)
{
	ValueRule  *rule;

	if (part == NULL)
		return NULL;
	rule = value_rule_init(type, typmod);
	rule->make = make;
	rule->nparts = 1;
	rule->parts = palloc(sizeof(ValueRule *));
	rule->parts[0] = part;
	rule->cache = cache;
	rule->numbered = numbered && part->numbered;
	if (numbered && !rule->numbered)
		return NULL;
	return rule;
}

static ValueRule *
composite_rule(Oid type, int32 typmod, Oid base, const char *model)
{
	ValueRule  *rule = value_rule_init(type, typmod);
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(base, -1);

	rule->make = make_composite;
	rule->row = desc;
	rule->nparts = desc->natts;
	rule->parts = palloc0(sizeof(ValueRule *) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		ValueBounds bounds;

		if (att->attisdropped)
			continue;
		value_bounds_init(&bounds);
		rule->parts[i] = value_rule_of_type(att->atttypid, att->atttypmod, NameStr(att->attname),
											model, &bounds, false);
		/* a domain may refuse null */
		if (rule->parts[i] == NULL && getBaseType(att->atttypid) != att->atttypid)
			return NULL;
	}
	return rule;
}

/* The labels of an enum, in its order. */
static ValueRule *
enum_rule(Oid type, int32 typmod, Oid base, bool numbered)
{
	Relation	rel = table_open(EnumRelationId, AccessShareLock);
	Relation	index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	Datum	   *values = NULL;
	int			n = 0;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(base));
	scan = systable_beginscan_ordered(rel, index, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		values = values == NULL ? palloc(sizeof(Datum)) : repalloc(values, sizeof(Datum) * (n + 1));
		values[n++] = ObjectIdGetDatum(((Form_pg_enum) GETSTRUCT(tup))->oid);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return n > 0 ? value_rule_choice(type, typmod, n, values, NULL, numbered) : NULL;
}

/* The values that a constraint lists. */
static ValueRule *
listed_rule(Oid type, int32 typmod, Oid base, List *texts, bool numbered)
{
	Datum	   *values = palloc(sizeof(Datum) * list_length(texts));
	Oid			input;
	Oid			ioparam;
	ListCell   *lc;

	getTypeInputInfo(base, &input, &ioparam);
	getBaseTypeAndTypmod(type, &typmod);
	foreach(lc, texts)
		values[foreach_current_index(lc)] = OidInputFunctionCall(input, lfirst(lc), ioparam, typmod);
	return value_rule_choice(type, typmod, list_length(texts), values, NULL, numbered);
}

static ValueRule *
boolean_rule(Oid type, int32 typmod, bool numbered)
{
	Datum	   *values = palloc(sizeof(Datum) * 2);

	values[0] = BoolGetDatum(false);
	values[1] = BoolGetDatum(true);
	return value_rule_choice(type, typmod, 2, values, NULL, numbered);
}

static char *
domain_name(Oid domain)
{
	HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(domain));
	char	   *result;

	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for type %u", domain);
	result = pstrdup(NameStr(((Form_pg_type) GETSTRUCT(tup))->typname));
	ReleaseSysCache(tup);
	return result;
}

/* Text, by the name of its column. */
static ValueRule *
text_rule(Oid type, int32 typmod, const char *column, const char *model, ValueBounds *bounds,
		  bool numbered)
{
	const Fake *fake = fake_of_column(column, model);
	const char *domain = get_typtype(type) == TYPTYPE_DOMAIN ? domain_name(type) : NULL;
	int			most = Min(value_rule_init(type, typmod)->max_length, bounds->max_length);

	/* a domain called email says as much as a column that is */
	if (domain != NULL && fake_of_column(domain, "") != NULL)
		fake = fake_of_column(domain, "");
	if (fake == NULL)
		fake = fake_find(most > 20 ? "words" : "word");
	/* a country of two letters is its code */
	if (most == 2 && strcmp(fake->name, "country") == 0)
		fake = fake_find("country_code");
	else if (most <= 3 && strcmp(fake->name, "language") == 0)
		fake = fake_find("language_code");
	if (most < 1 || bounds->min_length > most)
		return NULL;
	return value_rule_fake(type, typmod, fake, bounds, numbered);
}

/*
 * A rule for a column of a type, in the current memory context; of the column
 * its name and that of its table are known, and the bounds that constraints
 * set.  NULL when there is none.
 */
ValueRule *
value_rule_of_type(Oid type, int32 typmod, const char *column, const char *model,
				   ValueBounds *bounds, bool numbered)
{
	int32		base_typmod = typmod;
	Oid			base = getBaseTypeAndTypmod(type, &base_typmod);
	Oid			part;
	char		category;
	bool		preferred;
	ValueBounds none;

	check_stack_depth();
	value_bounds_init(&none);
	if (base != type)
		value_bounds_of_domain(type, bounds);
	if (bounds->values != NIL)
		return listed_rule(type, typmod, base, bounds->values, numbered);
	switch (base)
	{
		case BOOLOID:
			return boolean_rule(type, typmod, numbered);
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return whole_rule(type, typmod, column, bounds, numbered);
		case UUIDOID:
			return value_rule_fake(type, typmod, fake_find("uuid"), NULL, numbered);
		case INETOID:
			return value_rule_fake(type, typmod, fake_find("ip"), NULL, numbered);
		case MACADDROID:
		case MACADDR8OID:
			return value_rule_fake(type, typmod, fake_find("mac"), NULL, numbered);
		case BITOID:
		case VARBITOID:
			return bits_rule(type, typmod, numbered);
		default:
			break;
	}
	if (type_is_enum(base))
		return enum_rule(type, typmod, base, numbered);
	if (type_is_range(base))
	{
		part = get_range_subtype(base);
		return compound_rule(type, typmod, make_range_datum,
							 value_rule_of_type(part, -1, column, model, bounds, numbered),
							 lookup_type_cache(base, TYPECACHE_RANGE_INFO), numbered);
	}
	if (type_is_multirange(base))
	{
		part = get_multirange_range(base);
		return compound_rule(type, typmod, make_multirange_datum,
							 value_rule_of_type(part, -1, column, model, &none, numbered),
							 lookup_type_cache(part, TYPECACHE_RANGE_INFO), numbered);
	}
	/* not int2vector and the like, which are of a fixed form */
	if (OidIsValid(part = get_element_type(base)) && get_array_type(part) == base)
		return compound_rule(type, typmod, make_array,
							 value_rule_of_type(part, base_typmod, column, model, &none, numbered),
							 NULL, numbered);
	if (get_typtype(base) == TYPTYPE_COMPOSITE)
		return numbered ? NULL : composite_rule(type, typmod, base, model);
	get_type_category_preferred(base, &category, &preferred);
	if (category == TYPCATEGORY_STRING)
		return text_rule(type, typmod, column, model, bounds, numbered);
	return form_rule(type, typmod, base, numbered);
}
