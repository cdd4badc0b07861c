/*
 * jsonb_datetime.c
 *	  Dates and times -> their text in JSON.
 *
 * The text is that of JsonEncodeDateTime(), which writes ISO 8601.  Common
 * years are written here, all others by it.  What costs most there is to find
 * the time zone's offset; it is the same for months, so it is remembered
 * together with the time for which it holds.
 */
#include "relations.h"

#include "catalog/pg_type.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "jsonb_datetime.h"

/* seconds are remembered in spans of this size, a few years of them */
#define SPAN_BITS	22
#define SPANS		64

/* from the epoch of Unix to that of PostgreSQL */
#define EPOCH_SECONDS ((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* years that have four digits; days since 2000-01-01 */
#define FIRST_DAY	(-730119)	/* 0001-01-01 */
#define LAST_DAY	2921939		/* 9999-12-31 */

/* The offset of a zone from one time to another, in seconds of Unix. */
typedef struct ZoneSpan
{
	const pg_tz *zone;
	pg_time_t	from;
	pg_time_t	until;			/* not included */
	long		offset;			/* seconds east of Greenwich */
} ZoneSpan;

static ZoneSpan spans[SPANS];

/* days that have been written, by their number */
#define DAYS		256
#define DAY_LENGTH	10

typedef struct WrittenDay
{
	int			day;			/* since 2000-01-01 */
	char		text[DAY_LENGTH];	/* YYYY-MM-DD */
} WrittenDay;

static WrittenDay written_days[DAYS];

static const char two_digits[] =
"00010203040506070809101112131415161718192021222324"
"25262728293031323334353637383940414243444546474849"
"50515253545556575859606162636465666768697071727374"
"75767778798081828384858687888990919293949596979899";

/* Look up the offset of the session's zone; false when there is none to be had. */
static bool
learn_offset(ZoneSpan *span, pg_time_t t)
{
	pg_time_t	boundary;
	long		before;
	long		after;
	int			before_is_dst;
	int			after_is_dst;
	int			result = pg_next_dst_boundary(&t, &before, &before_is_dst, &boundary,
											  &after, &after_is_dst, session_timezone);

	if (result < 0)
		return false;
	if (result == 0)
		boundary = PG_INT64_MAX;
	/* the same period, seen from an earlier time */
	if (span->zone == session_timezone && span->until == boundary && span->offset == before &&
		t < span->from)
	{
		span->from = t;
		return true;
	}
	span->zone = session_timezone;
	span->from = t;
	span->until = boundary;
	span->offset = before;
	return true;
}

static inline char *
put_two_digits(char *p, unsigned int n)
{
	memcpy(p, two_digits + (size_t) n * 2, 2);
	return p + 2;
}

/* YYYY-MM-DD of a day since 2000-01-01. */
static inline char *
put_day(char *p, int day)
{
	WrittenDay *written = &written_days[day & (DAYS - 1)];

	/* what is zeroed is no day: its text is empty */
	if (written->day != day || written->text[0] == '\0')
	{
		char	   *text = written->text;
		int			year;
		int			month;
		int			mday;

		j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
		text = put_two_digits(text, year / 100);
		text = put_two_digits(text, year % 100);
		*text++ = '-';
		text = put_two_digits(text, month);
		*text++ = '-';
		put_two_digits(text, mday);
		written->day = day;
	}
	memcpy(p, written->text, DAY_LENGTH);
	return p + DAY_LENGTH;
}

/* Microseconds since 2000-01-01 as YYYY-MM-DDTHH:MM:SS.ffffff; NULL: too far away. */
static inline char *
put_timestamp(char *p, int64 us)
{
	int64		day = us / USECS_PER_DAY;
	int64		rest = us % USECS_PER_DAY;
	unsigned int seconds;
	unsigned int fraction;

	if (rest < 0)
	{
		rest += USECS_PER_DAY;
		day--;
	}
	if (day < FIRST_DAY || day > LAST_DAY)
		return NULL;
	p = put_day(p, (int) day);
	seconds = (unsigned int) (rest / USECS_PER_SEC);
	fraction = (unsigned int) (rest % USECS_PER_SEC);
	*p++ = 'T';
	p = put_two_digits(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two_digits(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*p++ = ':';
	p = put_two_digits(p, seconds % SECS_PER_MINUTE);
	if (fraction != 0)
	{
		*p++ = '.';
		p = put_two_digits(p, fraction / 10000);
		p = put_two_digits(p, fraction / 100 % 100);
		p = put_two_digits(p, fraction % 100);
		while (p[-1] == '0')
			p--;
	}
	return p;
}

/* The same with the session's time zone. */
static inline char *
put_timestamptz(char *p, TimestampTz us)
{
	pg_time_t	t = us / USECS_PER_SEC - (us % USECS_PER_SEC < 0 ? 1 : 0) + EPOCH_SECONDS;
	ZoneSpan   *span = &spans[(t >> SPAN_BITS) & (SPANS - 1)];
	long		seconds;

	/* a day from both ends, so that no offset leads beyond them */
	if (us < (int64) (FIRST_DAY + 1) * USECS_PER_DAY || us > (int64) (LAST_DAY - 1) * USECS_PER_DAY)
		return NULL;
	if (unlikely(span->zone != session_timezone || t < span->from || t >= span->until))
	{
		if (!learn_offset(span, t))
			return NULL;
	}
	/* POSIX zones reach up to 167 hours, of which two digits are written here */
	if (unlikely(labs(span->offset) >= 100L * SECS_PER_HOUR))
		return NULL;
	p = put_timestamp(p, us + span->offset * USECS_PER_SEC);
	if (p == NULL)
		return NULL;
	seconds = labs(span->offset);
	*p++ = span->offset >= 0 ? '+' : '-';
	p = put_two_digits(p, seconds / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two_digits(p, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (seconds % SECS_PER_MINUTE != 0)
	{
		*p++ = ':';
		p = put_two_digits(p, seconds % SECS_PER_MINUTE);
	}
	return p;
}

/*
 * Write the text of a date, timestamp or timestamptz into buf, which has room
 * for MAXDATELEN + 1 bytes, and return its length; it is not terminated.
 * Raises what JsonEncodeDateTime() raises.
 */
int
datetime_text(char *buf, Datum value, Oid typid)
{
	char	   *end = NULL;

	switch (typid)
	{
		case DATEOID:
			{
				DateADT		day = DatumGetDateADT(value);

				if (day >= FIRST_DAY && day <= LAST_DAY)
					end = put_day(buf, day);
				break;
			}
		case TIMESTAMPOID:
			end = put_timestamp(buf, DatumGetTimestamp(value));
			break;
		case TIMESTAMPTZOID:
			end = put_timestamptz(buf, DatumGetTimestampTz(value));
			break;
	}
	if (unlikely(end == NULL))
	{
		JsonEncodeDateTime(buf, value, typid, NULL);
		return strlen(buf);
	}
	return end - buf;
}
