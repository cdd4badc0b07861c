/*
 * factory_value.h
 *	  Rules: how the values of a column are made.
 */
#ifndef RELATIONS_FACTORY_VALUE_H
#define RELATIONS_FACTORY_VALUE_H

#include "relations.h"
#include "utils/jsonb.h"

#include "factory_fake.h"
#include "json_value.h"

/*
 * What constraints say of a value.  Bounds are in units of the type: days for
 * date, seconds for timestamps, from 2000 on; else numbers.
 */
typedef struct ValueBounds
{
	bool		has_low;
	bool		has_high;
	bool		low_open;		/* low itself is out of bounds */
	bool		high_open;
	double		low;
	double		high;
	int			min_length;
	int			max_length;		/* INT_MAX: as long as you like */
	List	   *values;			/* of char *: only these; NIL: any */
} ValueBounds;

/* digits behind the point that are made */
#define MAX_SCALE 9

typedef struct ValueRule
{
	Datum		(*make) (struct ValueRule *rule, ValueDraw *draw);
	Oid			type;			/* of the column, */
	int32		typmod;
	Oid			base;			/* without domains */
	bool		numbered;		/* values of different numbers differ */
	int64		capacity;		/* numbers that have values, 0: all */
	bool		checks_domain;
	char	   *domain_name;	/* of type, if so */
	void	   *domain;			/* of domain_check */

	int64		low;			/* whole numbers of a unit */
	int64		high;
	int			scale;			/* of a numeric, or of a float's units */
	const Fake *fake;
	int			min_length;
	int			max_length;
	const char *before;			/* and after the number, of a sequence */
	const char *after;
	bool		by_input;		/* text is read by the input function */
	FmgrInfo	input;
	Oid			ioparam;
	int			nvalues;		/* one of these; numbers begin behind low */
	Datum	   *values;
	bool	   *nulls;
	int			nparts;			/* of an array, range or composite */
	struct ValueRule **parts;	/* NULL: that part is null */
	struct TypeCacheEntry *cache;	/* of a range */
	struct TupleDescData *row;	/* of a composite */
} ValueRule;

/* a rule that has been made, for each row */
extern Datum value_make(ValueRule *rule, ValueDraw *draw, bool *isnull);

/* factory_value.c: from a definition */
extern ValueRule *value_rule_init(Oid type, int32 typmod);
extern ValueRule *value_rule_constant(Oid type, int32 typmod, JsonbValue *value,
									  const JsonPathFrame *path);
extern ValueRule *value_rule_generator(Oid type, int32 typmod, const char *generator,
									   JsonbValue *value, bool numbered, const JsonPathFrame *path);
extern ValueRule *value_rule_fake(Oid type, int32 typmod, const Fake *fake, ValueBounds *bounds,
								  bool numbered);
extern ValueRule *value_rule_choice(Oid type, int32 typmod, int nvalues, Datum *values, bool *nulls,
									bool numbered);
extern void value_numeric_digits(ValueRule *rule, int *precision);
extern Datum value_make_whole(ValueRule *rule, ValueDraw *draw);
extern bool value_is_generator(const JsonbValue *value, char **name, JsonbValue *argument);
extern List *value_generators(void);
extern bool value_to_units(Oid base, Datum value, double *units);

/* factory_rule.c: from the type, the name and the constraints of a column */
extern void value_bounds_init(ValueBounds *bounds);
extern ValueRule *value_rule_of_type(Oid type, int32 typmod, const char *column, const char *model,
									 ValueBounds *bounds, bool numbered);

/* factory_bounds.c */
extern void value_bounds_of_column(Oid relid, AttrNumber attnum, ValueBounds *bounds);
extern void value_bounds_of_domain(Oid domain, ValueBounds *bounds);

#endif							/* RELATIONS_FACTORY_VALUE_H */
