/*
 * factory_value.c
 *	  Rules: how the values of a column are made, and making them.
 *
 * A rule lives in the memory context in which it was made; a value in the
 * current one.
 */
#include "relations.h"

#include <limits.h>
#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "factory_value.h"
#include "names.h"
#include "query_json.h"

/* ---------------------------------------------------------------------
 * Making a value
 * ---------------------------------------------------------------------
 */

static void
value_error_context(void *arg)
{
	errcontext("value of type %s that a factory made", ((ValueRule *) arg)->domain_name);
}

/*
 * The value of a rule for a row.  Raises program_limit_exceeded when the type
 * has no more values that differ, and what a domain's constraints raise.
 */
Datum
value_make(ValueRule *rule, ValueDraw *draw, bool *isnull)
{
	Datum		value;

	*isnull = false;
	if (rule->numbered && rule->capacity > 0 &&
		draw->number - (rule->nvalues > 0 ? rule->low : 0) > rule->capacity)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are only " INT64_FORMAT " different values of type %s",
						rule->capacity, format_type_with_typemod(rule->type, rule->typmod))));
	if (rule->nvalues > 0)
	{
		int			n = rule->numbered ? (int) (draw->number - rule->low - 1) : rule->nvalues == 1 ? 0 : (int) draw_below(draw, rule->nvalues);

		*isnull = rule->nulls != NULL && rule->nulls[n];
		value = rule->values[n];
	}
	else
		value = rule->make(rule, draw);
	if (rule->checks_domain)
	{
		ErrorContextCallback callback = {error_context_stack, value_error_context, rule};

		error_context_stack = &callback;
		domain_check(value, *isnull, rule->type, &rule->domain, GetMemoryChunkContext(rule));
		error_context_stack = callback.previous;
	}
	return value;
}

/* A whole number of a unit as a value of the rule's type. */
static Datum
units_to_datum(ValueRule *rule, int64 n)
{
	Datum		value;

	switch (rule->base)
	{
		case INT2OID:
			return Int16GetDatum((int16) n);
		case INT4OID:
			return Int32GetDatum((int32) n);
		case OIDOID:
			return ObjectIdGetDatum((Oid) n);
		case DATEOID:
			return DateADTGetDatum((DateADT) n);
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return TimestampGetDatum(n * USECS_PER_SEC);
		case FLOAT4OID:
			return Float4GetDatum((float4) ((double) n / pow(10, rule->scale)));
		case FLOAT8OID:
			return Float8GetDatum((double) n / pow(10, rule->scale));
		case NUMERICOID:
			if (rule->scale >= 0)
				value = NumericGetDatum(int64_div_fast_to_numeric(n, rule->scale));
			else
				value = NumericGetDatum(int64_to_numeric(n * (int64) pow(10, -rule->scale)));
			/* of very many digits, only the first were made */
			if (rule->typmod >= (int32) VARHDRSZ && (rule->scale < 0 || rule->scale >= MAX_SCALE))
				value = DirectFunctionCall2(numeric, value, Int32GetDatum(rule->typmod));
			return value;
		default:
			return Int64GetDatum(n);
	}
}

/* make: a number of units, from low to high */
Datum
value_make_whole(ValueRule *rule, ValueDraw *draw)
{
	return units_to_datum(rule, rule->numbered ? rule->low + draw->number - 1
						  : draw_between(draw, rule->low, rule->high));
}

/* The text in draw->buf as a value of the rule's type. */
static Datum
text_to_datum(ValueRule *rule, ValueDraw *draw)
{
	if (rule->by_input)
		return InputFunctionCall(&rule->input, draw->buf->data, rule->ioparam, rule->typmod);
	return PointerGetDatum(cstring_to_text_with_len(draw->buf->data, draw->buf->len));
}

static Datum
make_fake(ValueRule *rule, ValueDraw *draw)
{
	fake_text(rule->fake, draw, rule->min_length, rule->max_length, rule->numbered);
	return text_to_datum(rule, draw);
}

static Datum
make_sequence(ValueRule *rule, ValueDraw *draw)
{
	resetStringInfo(draw->buf);
	appendStringInfo(draw->buf, "%s" INT64_FORMAT "%s", rule->before, draw->number + rule->low, rule->after);
	return text_to_datum(rule, draw);
}

/* ---------------------------------------------------------------------
 * Rules
 * ---------------------------------------------------------------------
 */

/*
 * The digits of a numeric of limited size: its scale goes into the rule, how
 * many there are in all into *precision.
 */
void
value_numeric_digits(ValueRule *rule, int *precision)
{
	int			scale = (((rule->typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;

	*precision = ((rule->typmod - VARHDRSZ) >> 16) & 0xffff;
	*precision -= Max(scale - MAX_SCALE, 0);
	rule->scale = Min(scale, MAX_SCALE);
}

/* A rule for a type, in the current memory context, that makes nothing yet. */
ValueRule *
value_rule_init(Oid type, int32 typmod)
{
	ValueRule  *rule = palloc0(sizeof(ValueRule));

	rule->type = type;
	rule->base = getBaseTypeAndTypmod(type, &typmod);
	rule->typmod = typmod;
	rule->checks_domain = rule->base != type;
	if (rule->checks_domain)
		rule->domain_name = format_type_be(type);
	rule->max_length = INT_MAX;
	if ((rule->base == VARCHAROID || rule->base == BPCHAROID) && typmod >= (int32) VARHDRSZ)
		rule->max_length = typmod - VARHDRSZ;
	else if (rule->base == NAMEOID)
		rule->max_length = NAMEDATALEN - 1;
	return rule;
}

/* Text is to be read as the type. */
static void
read_text(ValueRule *rule, bool checked)
{
	Oid			function;

	rule->by_input = rule->base != TEXTOID && (rule->base != VARCHAROID || checked);
	if (!rule->by_input)
		return;
	getTypeInputInfo(rule->base, &function, &rule->ioparam);
	fmgr_info(function, &rule->input);
}

/* Text of a fake, within bounds that may be NULL. */
ValueRule *
value_rule_fake(Oid type, int32 typmod, const Fake *fake, ValueBounds *bounds, bool numbered)
{
	ValueRule  *rule = value_rule_init(type, typmod);

	rule->make = make_fake;
	rule->fake = fake;
	rule->numbered = numbered;
	if (bounds != NULL)
	{
		rule->min_length = bounds->min_length;
		rule->max_length = Min(rule->max_length, bounds->max_length);
	}
	if (numbered && rule->max_length < 18)
	{
		rule->capacity = 1;
		for (int i = 0; i < rule->max_length; i++)
			rule->capacity *= rule->max_length <= 4 ? 26 : 10;
		if (rule->max_length > 4)
			rule->capacity--;
	}
	read_text(rule, false);
	return rule;
}

/* One of some values of the type. */
ValueRule *
value_rule_choice(Oid type, int32 typmod, int nvalues, Datum *values, bool *nulls, bool numbered)
{
	ValueRule  *rule = value_rule_init(type, typmod);

	rule->nvalues = nvalues;
	rule->values = values;
	rule->nulls = nulls;
	rule->numbered = numbered;
	rule->capacity = nvalues;
	return rule;
}

static void
definition_error_context(void *arg)
{
	errcontext("factory value of \"%s\"", json_path_string(arg));
}

/* A JSON value as a value of a type; errors say where it stands. */
static Datum
read_value(Oid type, int32 typmod, JsonbValue *value, const JsonPathFrame *path, bool *isnull)
{
	ErrorContextCallback callback = {error_context_stack, definition_error_context,
	unconstify(JsonPathFrame *, path)};
	Datum		result;

	error_context_stack = &callback;
	result = json_value_to_datum(value, type, typmod, isnull);
	error_context_stack = callback.previous;
	return result;
}

/* The same value in each row.  Raises what the type raises for a bad one. */
ValueRule *
value_rule_constant(Oid type, int32 typmod, JsonbValue *value, const JsonPathFrame *path)
{
	Datum	   *values = palloc(sizeof(Datum));
	bool	   *nulls = palloc(sizeof(bool));
	ValueRule  *rule;

	values[0] = read_value(type, typmod, value, path, &nulls[0]);
	rule = value_rule_choice(type, typmod, 1, values, nulls, false);
	rule->checks_domain = nulls[0] && rule->checks_domain;
	return rule;
}

/* A value in units of its type; false when it has none. */
bool
value_to_units(Oid base, Datum value, double *units)
{
	switch (base)
	{
		case INT2OID:
			*units = DatumGetInt16(value);
			return true;
		case INT4OID:
			*units = DatumGetInt32(value);
			return true;
		case INT8OID:
			*units = (double) DatumGetInt64(value);
			return true;
		case FLOAT4OID:
			*units = DatumGetFloat4(value);
			return true;
		case FLOAT8OID:
			*units = DatumGetFloat8(value);
			return true;
		case NUMERICOID:
			*units = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
			return !isnan(*units);
		case DATEOID:
			*units = DatumGetDateADT(value);
			return !DATE_NOT_FINITE(DatumGetDateADT(value));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*units = floor((double) DatumGetTimestamp(value) / USECS_PER_SEC);
			return !TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value));
		default:
			return false;
	}
}

/* {"between": [a, b]} */
static ValueRule *
between_rule(Oid type, int32 typmod, JsonbValue *value, bool numbered, const JsonPathFrame *path)
{
	ValueRule  *rule = value_rule_init(type, typmod);
	List	   *ends;
	double		units[2];
	ListCell   *lc;

	if (!JSON_IS_ARRAY(value) || list_length(ends = json_elements_of(value)) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an array of two values", json_path_string(path))));
	foreach(lc, ends)
	{
		int			i = foreach_current_index(lc);
		bool		isnull;
		Datum		end = read_value(type, typmod, &((JsonMember *) lfirst(lc))->value, path, &isnull);

		if (isnull || !value_to_units(rule->base, end, &units[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" cannot be a range of type %s", json_path_string(path),
							format_type_be(type)),
					 errhint("\"between\" takes two numbers, dates or timestamps; \"one_of\" takes values of any type.")));
	}
	if (units[0] > units[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" begins behind its end", json_path_string(path))));
	rule->make = value_make_whole;
	rule->numbered = numbered;
	if (rule->base == NUMERICOID || rule->base == FLOAT4OID || rule->base == FLOAT8OID)
	{
		double		unit;

		int			precision;

		rule->scale = 2;
		if (rule->base == NUMERICOID && rule->typmod >= (int32) VARHDRSZ)
			value_numeric_digits(rule, &precision);
		/* narrow ranges have values between, too */
		else
			while (rule->scale < 9 && (units[1] - units[0]) * pow(10, rule->scale) < 1000 && units[0] != units[1])
				rule->scale++;
		unit = pow(10, rule->scale);
		units[0] = ceil(units[0] * unit - 1e-6);
		units[1] = floor(units[1] * unit + 1e-6);
	}
	if (fabs(units[0]) > 9e15 || fabs(units[1]) > 9e15)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%s\" is too wide a range", json_path_string(path))));
	rule->low = (int64) units[0];
	rule->high = (int64) units[1];
	if (rule->low > rule->high)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no value of type %s is in \"%s\"", format_type_with_typemod(type, typmod),
						json_path_string(path))));
	rule->capacity = rule->high - rule->low + 1;
	return rule;
}

/* {"one_of": [a, b, c]} */
static ValueRule *
one_of_rule(Oid type, int32 typmod, JsonbValue *value, bool numbered, const JsonPathFrame *path)
{
	List	   *elements;
	Datum	   *values;
	bool	   *nulls;
	ListCell   *lc;

	if (!JSON_IS_ARRAY(value) || (elements = json_elements_of(value)) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be an array of one value or more", json_path_string(path))));
	values = palloc(sizeof(Datum) * list_length(elements));
	nulls = palloc(sizeof(bool) * list_length(elements));
	foreach(lc, elements)
	{
		int			i = foreach_current_index(lc);
		JsonPathFrame frame = {unconstify(JsonPathFrame *, path), NULL, i};

		values[i] = read_value(type, typmod, &((JsonMember *) lfirst(lc))->value, &frame, &nulls[i]);
	}
	return value_rule_choice(type, typmod, list_length(elements), values, nulls, numbered);
}

/* {"sequence": "user%s"}, or {"sequence": 100}: the number that it begins with */
static ValueRule *
sequence_rule(Oid type, int32 typmod, JsonbValue *value, const JsonPathFrame *path)
{
	ValueRule  *rule = value_rule_init(type, typmod);
	char	   *pattern;
	char	   *place;

	rule->make = make_sequence;
	rule->numbered = true;
	read_text(rule, true);
	if (value->type == jbvNumeric)
	{
		rule->before = rule->after = "";
		rule->low = query_count_value(value, path) - 1;
		return rule;
	}
	if (value->type != jbvString)
		query_document_error(path, "a string with \"%s\" where the number goes", value);
	pattern = pnstrdup(value->val.string.val, value->val.string.len);
	place = strstr(pattern, "%s");
	if (place == NULL || strstr(place + 2, "%s") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must have \"%%s\" once, where the number goes", json_path_string(path)),
				 errhint("As in {\"sequence\": \"user%%s\"}.")));
	rule->after = place + 2;
	*place = '\0';
	rule->before = pattern;
	return rule;
}

static const char *const generators[] = {"sql", "fake", "sequence", "one_of", "between", "value"};

/* The keys that make an object a generator, for messages. */
List *
value_generators(void)
{
	List	   *result = NIL;

	for (int i = 0; i < (int) lengthof(generators); i++)
		result = lappend(result, unconstify(char *, generators[i]));
	return result;
}

/* Is a value of a definition an object that says how to make values? */
bool
value_is_generator(const JsonbValue *value, char **name, JsonbValue *argument)
{
	List	   *members;
	JsonMember *member;

	if (!JSON_IS_OBJECT(value) || list_length(members = json_members_of(value)) != 1)
		return false;
	member = linitial(members);
	for (int i = 0; i < (int) lengthof(generators); i++)
	{
		if (strcmp(generators[i], member->key) == 0)
		{
			*name = member->key;
			*argument = member->value;
			return true;
		}
	}
	return false;
}

/*
 * The rule of a generator other than "sql".  Raises invalid_parameter_value
 * with the path of what it does not understand.
 */
ValueRule *
value_rule_generator(Oid type, int32 typmod, const char *generator, JsonbValue *value,
					 bool numbered, const JsonPathFrame *path)
{
	JsonPathFrame frame = {unconstify(JsonPathFrame *, path), generator, 0};
	const Fake *fake;
	char	   *name;

	if (strcmp(generator, "value") == 0)
		return value_rule_constant(type, typmod, value, &frame);
	if (strcmp(generator, "one_of") == 0)
		return one_of_rule(type, typmod, value, numbered, &frame);
	if (strcmp(generator, "between") == 0)
		return between_rule(type, typmod, value, numbered, &frame);
	if (strcmp(generator, "sequence") == 0)
		return sequence_rule(type, typmod, value, &frame);
	if (value->type != jbvString)
		query_document_error(&frame, "the name of a fake", value);
	name = pnstrdup(value->val.string.val, value->val.string.len);
	fake = fake_find(name);
	if (fake == NULL)
	{
		const char *near = closest_name(name, fake_names());

		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no fake \"%s\", which \"%s\" names", name, json_path_string(&frame)),
				 near != NULL ? errhint("Perhaps you meant \"%s\".", near)
				 : errhint("There are: %s.", format_column_list(fake_names()))));
	}
	return value_rule_fake(type, typmod, fake, NULL, numbered);
}
