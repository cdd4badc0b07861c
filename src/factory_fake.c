/*
 * factory_fake.c
 *	  Text that looks like a name, an address, a sentence.
 *
 * Each function appends one text to the buffer of the draw.  They know of the
 * room that there is, and of the number that makes a text differ from all
 * others, where that has a natural place inside of the text.
 */
#include "relations.h"

#include <ctype.h>
#include <limits.h>

#include "factory_fake.h"
#include "words.h"

static const char *
word(ValueDraw *draw, WordListId list)
{
	return word_lists[list].words[draw_below(draw, word_lists[list].nwords)];
}

static void
put_word(ValueDraw *draw, WordListId list)
{
	appendStringInfoString(draw->buf, word(draw, list));
}

/* Lower case and without anything but letters and digits. */
static void
put_plain(ValueDraw *draw, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (isalnum((unsigned char) *text))
			appendStringInfoChar(draw->buf, pg_ascii_tolower((unsigned char) *text));
	}
}

static void
put_capital(ValueDraw *draw, const char *text)
{
	appendStringInfoChar(draw->buf, pg_ascii_toupper((unsigned char) *text));
	appendStringInfoString(draw->buf, text + 1);
}

static void
put_digits(ValueDraw *draw, int n)
{
	while (n-- > 0)
		appendStringInfoChar(draw->buf, '0' + (int) draw_below(draw, 10));
}

static void
put_hex(ValueDraw *draw, int n)
{
	while (n-- > 0)
		appendStringInfoChar(draw->buf, "0123456789abcdef"[draw_below(draw, 16)]);
}

#define WORD_FAKE(function, list) \
static void \
function(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered) \
{ \
	put_word(draw, list); \
}

WORD_FAKE(write_first_name, WORDS_FIRST_NAME)
WORD_FAKE(write_city, WORDS_CITY)
WORD_FAKE(write_state, WORDS_STATE)
WORD_FAKE(write_country, WORDS_COUNTRY)
WORD_FAKE(write_country_code, WORDS_COUNTRY_CODE)
WORD_FAKE(write_time_zone, WORDS_TIME_ZONE)
WORD_FAKE(write_language, WORDS_LANGUAGE)
WORD_FAKE(write_language_code, WORDS_LANGUAGE_CODE)
WORD_FAKE(write_department, WORDS_DEPARTMENT)
WORD_FAKE(write_color, WORDS_COLOR)
WORD_FAKE(write_currency_code, WORDS_CURRENCY_CODE)
WORD_FAKE(write_genre, WORDS_GENRE)
WORD_FAKE(write_adjective, WORDS_ADJECTIVE)
WORD_FAKE(write_noun, WORDS_NOUN)
WORD_FAKE(write_verb, WORDS_VERB)
WORD_FAKE(write_mime_type, WORDS_MIME_TYPE)
WORD_FAKE(write_word, WORDS_LOREM)

/* ---------------------------------------------------------------------
 * People
 * ---------------------------------------------------------------------
 */

/* who draws a last name has drawn a first name before */
static void
write_last_name(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	(void) draw_next(draw);
	put_word(draw, WORDS_LAST_NAME);
}

static void
write_name(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_word(draw, WORDS_FIRST_NAME);
	appendStringInfoChar(draw->buf, ' ');
	put_word(draw, WORDS_LAST_NAME);
}

/*
 * anna.smith17@example.com; shorter when there is less room.  The domains are
 * those that are reserved for examples: no mail reaches anybody.
 */
static void
write_email(ValueDraw *draw, int limit, bool numbered)
{
	static const char *const domains[] = {"example.com", "example.org", "example.net"};
	const char *first = word(draw, WORDS_FIRST_NAME);
	const char *last = word(draw, WORDS_LAST_NAME);
	const char *domain = domains[draw_below(draw, lengthof(domains))];
	int			start = draw->buf->len;

	for (int form = 0; form < 3; form++)
	{
		draw->buf->len = start;
		draw->buf->data[start] = '\0';
		if (form < 2)
			put_plain(draw, first);
		else
			appendStringInfoChar(draw->buf, pg_ascii_tolower((unsigned char) *first));
		if (form == 0)
		{
			appendStringInfoChar(draw->buf, '.');
			put_plain(draw, last);
		}
		if (numbered)
			appendStringInfo(draw->buf, INT64_FORMAT, draw->number);
		appendStringInfo(draw->buf, "@%s", form < 2 ? domain : "a.io");
		if (draw->buf->len - start <= limit)
			return;
	}
}

static void
write_username(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_plain(draw, word(draw, WORDS_FIRST_NAME));
	appendStringInfoChar(draw->buf, '_');
	put_plain(draw, word(draw, WORDS_LAST_NAME));
}

static void
write_job_title(ValueDraw *draw, int limit, pg_attribute_unused() bool numbered)
{
	const char *descriptor = word(draw, WORDS_JOB_DESCRIPTOR);
	const char *area = word(draw, WORDS_JOB_AREA);
	const char *type = word(draw, WORDS_JOB_TYPE);

	if ((int) (strlen(descriptor) + strlen(area) + strlen(type)) + 2 <= limit)
		appendStringInfo(draw->buf, "%s %s %s", descriptor, area, type);
	else
		appendStringInfoString(draw->buf, type);
}

/* +1-555-123-4567: numbers of the area 555 belong to nobody */
static void
write_phone(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	int64		n = numbered ? draw->number : (int64) draw_below(draw, 10000000);

	appendStringInfo(draw->buf, "+1-555-%03d-%04d", (int) (n / 10000 % 1000), (int) (n % 10000));
	if (n >= 10000000)
		appendStringInfo(draw->buf, "-" INT64_FORMAT, n / 10000000);
}

/* what a hash of a password looks like; it is the hash of nothing */
static void
write_password(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	appendStringInfoString(draw->buf, "$2b$12$");
	for (int i = 0; i < 53; i++)
		appendStringInfoChar(draw->buf, alphabet[draw_below(draw, 64)]);
}

static void
write_token(ValueDraw *draw, int limit, bool numbered)
{
	if (numbered)
	{
		/* a bijection: no two numbers give the same 16 digits */
		appendStringInfo(draw->buf, "%016llx", (unsigned long long) draw_unique(draw));
		if (limit >= 32)
			put_hex(draw, 16);
	}
	else
		put_hex(draw, Min(limit, 32));
}

/* ---------------------------------------------------------------------
 * Places and companies
 * ---------------------------------------------------------------------
 */

static void
write_street_address(ValueDraw *draw, pg_attribute_unused() int limit,
					 pg_attribute_unused() bool numbered)
{
	appendStringInfo(draw->buf, "%d ", 1 + (int) draw_below(draw, 999));
	put_word(draw, WORDS_STREET);
}

static void
write_postcode(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_digits(draw, 5);
}

static void
write_address(ValueDraw *draw, int limit, bool numbered)
{
	write_street_address(draw, limit, numbered);
	appendStringInfoString(draw->buf, ", ");
	put_word(draw, WORDS_CITY);
	appendStringInfoChar(draw->buf, ' ');
	put_digits(draw, 5);
}

static void
write_company(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	const char *first = word(draw, WORDS_LAST_NAME);
	const char *second = word(draw, WORDS_LAST_NAME);

	switch (draw_below(draw, 3))
	{
		case 0:
			appendStringInfo(draw->buf, "%s %s", first, word(draw, WORDS_COMPANY_SUFFIX));
			break;
		case 1:
			appendStringInfo(draw->buf, "%s and %s", first, second);
			break;
		default:
			appendStringInfo(draw->buf, "%s-%s", first, second);
			break;
	}
}

static void
write_buzz(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_capital(draw, word(draw, WORDS_BUZZ_VERB));
	appendStringInfo(draw->buf, " %s", word(draw, WORDS_BUZZ_ADJECTIVE));
	appendStringInfo(draw->buf, " %s", word(draw, WORDS_BUZZ_NOUN));
}

static void
write_product(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	appendStringInfo(draw->buf, "%s ", word(draw, WORDS_PRODUCT_ADJECTIVE));
	appendStringInfo(draw->buf, "%s ", word(draw, WORDS_PRODUCT_MATERIAL));
	put_word(draw, WORDS_PRODUCT);
}

/* ---------------------------------------------------------------------
 * The net
 * ---------------------------------------------------------------------
 */

static void
put_slug(ValueDraw *draw)
{
	put_plain(draw, word(draw, WORDS_ADJECTIVE));
	appendStringInfoChar(draw->buf, '-');
	put_plain(draw, word(draw, WORDS_NOUN));
}

static void
write_slug(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_slug(draw);
}

static void
write_domain(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	put_slug(draw);
	if (numbered)
		appendStringInfo(draw->buf, "-" INT64_FORMAT, draw->number);
	appendStringInfoString(draw->buf, ".example.com");
}

static void
write_url(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	appendStringInfoString(draw->buf, "https://example.com/");
	put_slug(draw);
}

static void
write_image_url(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	appendStringInfoString(draw->buf, "https://example.com/images/");
	put_slug(draw);
	if (numbered)
		appendStringInfo(draw->buf, "-" INT64_FORMAT, draw->number);
	appendStringInfoString(draw->buf, ".jpg");
}

static void
write_file_name(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	static const char *const endings[] = {"pdf", "txt", "png", "csv", "zip"};

	put_slug(draw);
	if (numbered)
		appendStringInfo(draw->buf, "-" INT64_FORMAT, draw->number);
	appendStringInfo(draw->buf, ".%s", endings[draw_below(draw, lengthof(endings))]);
}

/* of the private network 10.0.0.0/8 */
static void
write_ip(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	uint64		n = numbered ? (uint64) draw->number : draw_below(draw, 1 << 24);

	appendStringInfo(draw->buf, "%d.%d.%d.%d", (int) (10 + (n >> 24)), (int) (n >> 16 & 255),
					 (int) (n >> 8 & 255), (int) (n & 255));
}

/* of the network for documentation */
static void
write_ipv6(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	uint64		n = numbered ? (uint64) draw->number : draw_next(draw);

	appendStringInfo(draw->buf, "2001:db8::%x:%x:%x:%x", (int) (n >> 48 & 65535),
					 (int) (n >> 32 & 65535), (int) (n >> 16 & 65535), (int) (n & 65535));
}

/* locally administered */
static void
write_mac(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	uint64		n = numbered ? (uint64) draw->number : draw_next(draw);

	appendStringInfo(draw->buf, "02:%02x:%02x:%02x:%02x:%02x", (int) (n >> 32 & 255),
					 (int) (n >> 24 & 255), (int) (n >> 16 & 255), (int) (n >> 8 & 255), (int) (n & 255));
}

/* version 4; numbered, 64 of its bits are a bijection of the number */
static void
write_uuid(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	uint64		high = draw_next(draw);
	uint64		low = draw_next(draw);

	if (numbered)
	{
		uint64		n = draw_unique(draw);

		high = n;
		low = (low >> 4) | (n & 15) << 60;
	}
	appendStringInfo(draw->buf, "%08x-%04x-4%03x-%x%03x-%04x%08x", (uint32) (high >> 32),
					 (uint32) (high >> 16 & 0xffff), (uint32) (high >> 4 & 0xfff),
					 (uint32) (8 + (low & 3)), (uint32) (numbered ? (low >> 60) << 8 | (low >> 4 & 0xff)
														 : low >> 4 & 0xfff),
					 (uint32) (low >> 16 & 0xffff), (uint32) (low >> 28 & 0xffffffff));
}

static void
write_hex_color(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	appendStringInfoChar(draw->buf, '#');
	put_hex(draw, 6);
}

static void
write_semver(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	/* one draw a call: the order of arguments is the compiler's */
	appendStringInfo(draw->buf, "%d.", (int) draw_below(draw, 10));
	appendStringInfo(draw->buf, "%d.", (int) draw_below(draw, 20));
	appendStringInfo(draw->buf, "%d", (int) draw_below(draw, 20));
}

/* ---------------------------------------------------------------------
 * Numbers and times, as text
 * ---------------------------------------------------------------------
 */

static void
write_integer(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	appendStringInfo(draw->buf, INT64_FORMAT,
					 numbered ? draw->number : (int64) draw_below(draw, 1000));
}

static void
write_boolean(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	appendStringInfoString(draw->buf, draw_below(draw, 2) == 0 ? "false" : "true");
}

static void
write_price(ValueDraw *draw, pg_attribute_unused() int limit, bool numbered)
{
	int64		units = numbered ? draw->number : (int64) draw_below(draw, 1000);

	appendStringInfo(draw->buf, INT64_FORMAT ".%02d", units, (int) draw_below(draw, 100));
}

/* degrees less than most, with five digits behind the point */
static void
put_degrees(ValueDraw *draw, int most)
{
	int			n = (int) draw_below(draw, (uint64) most * 100000);

	appendStringInfo(draw->buf, "%s%d.%05d", draw_below(draw, 2) == 0 ? "-" : "", n / 100000, n % 100000);
}

static void
write_latitude(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_degrees(draw, 90);
}

static void
write_longitude(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_degrees(draw, 180);
}

static void
put_date(ValueDraw *draw, int from, int to)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year = (int) draw_between(draw, from, to);
	int			month = (int) draw_below(draw, 12);

	appendStringInfo(draw->buf, "%04d-%02d-%02d", year, month + 1,
					 1 + (int) draw_below(draw, days[month]));
}

static void
write_date(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_date(draw, 2020, 2024);
}

static void
write_birthday(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_date(draw, 1950, 2004);
}

static void
write_time(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	int			n = (int) draw_below(draw, 86400);

	appendStringInfo(draw->buf, "%02d:%02d:%02d", n / 3600, n / 60 % 60, n % 60);
}

static void
write_datetime(ValueDraw *draw, int limit, bool numbered)
{
	put_date(draw, 2020, 2024);
	appendStringInfoChar(draw->buf, ' ');
	write_time(draw, limit, numbered);
	appendStringInfoChar(draw->buf, 'Z');
}

static void
write_year(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	appendStringInfo(draw->buf, "%d", (int) draw_between(draw, 1970, 2024));
}

static void
write_locale(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	static const char *const locales[] = {"de-DE", "en-GB", "en-US", "es-ES", "fr-FR", "it-IT", "ja-JP", "pt-BR"};

	appendStringInfoString(draw->buf, locales[draw_below(draw, lengthof(locales))]);
}

static void
write_gender(ValueDraw *draw, int limit, pg_attribute_unused() bool numbered)
{
	static const char *const genders[] = {"female", "male", "other"};
	const char *gender = genders[draw_below(draw, lengthof(genders))];

	appendBinaryStringInfo(draw->buf, gender, limit < 6 ? 1 : (int) strlen(gender));
}

static void
write_status(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	static const char *const states[] = {"active", "inactive", "pending", "archived"};

	appendStringInfoString(draw->buf, states[draw_below(draw, lengthof(states))]);
}

/* ---------------------------------------------------------------------
 * Prose
 * ---------------------------------------------------------------------
 */

static void
write_words(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_word(draw, WORDS_LOREM);
	for (int n = 1 + (int) draw_below(draw, 3); n > 0; n--)
	{
		appendStringInfoChar(draw->buf, ' ');
		put_word(draw, WORDS_LOREM);
	}
}

/* "Quick harbor", as things are named */
static void
write_thing(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_capital(draw, word(draw, WORDS_ADJECTIVE));
	appendStringInfoChar(draw->buf, ' ');
	put_word(draw, WORDS_NOUN);
}

static void
write_title(ValueDraw *draw, pg_attribute_unused() int limit, pg_attribute_unused() bool numbered)
{
	put_capital(draw, word(draw, WORDS_LOREM));
	for (int n = 1 + (int) draw_below(draw, 4); n > 0; n--)
	{
		appendStringInfoChar(draw->buf, ' ');
		put_word(draw, WORDS_LOREM);
	}
}

/* Sentences as long as there is room, at most so many; one at least. */
static void
put_sentences(ValueDraw *draw, int limit, int most)
{
	int			start = draw->buf->len;

	for (int i = 0; i < most; i++)
	{
		int			begin = draw->buf->len;

		if (i > 0)
			appendStringInfoChar(draw->buf, ' ');
		put_capital(draw, word(draw, WORDS_LOREM));
		for (int n = 4 + (int) draw_below(draw, 6); n > 0; n--)
		{
			appendStringInfoChar(draw->buf, ' ');
			put_word(draw, WORDS_LOREM);
		}
		appendStringInfoChar(draw->buf, '.');
		if (i > 0 && draw->buf->len - start > limit)
		{
			draw->buf->len = begin;
			draw->buf->data[begin] = '\0';
			return;
		}
	}
}

static void
write_sentence(ValueDraw *draw, int limit, pg_attribute_unused() bool numbered)
{
	put_sentences(draw, limit, 1);
}

static void
write_paragraph(ValueDraw *draw, int limit, pg_attribute_unused() bool numbered)
{
	put_sentences(draw, limit, 3 + (int) draw_below(draw, 3));
}

static void
write_paragraphs(ValueDraw *draw, int limit, bool numbered)
{
	int			start = draw->buf->len;

	for (int n = 2 + (int) draw_below(draw, 2); n > 0; n--)
	{
		int			room = limit == INT_MAX ? limit : limit - (draw->buf->len - start) - 2;

		if (draw->buf->len > start)
		{
			if (room < 100)
				return;
			appendStringInfoString(draw->buf, "\n\n");
		}
		write_paragraph(draw, room, numbered);
	}
}

/* ---------------------------------------------------------------------
 * Their names
 * ---------------------------------------------------------------------
 */

/* in the order of the alphabet, as messages list them */
static const Fake fakes[] = {
	{"address", write_address, " ", false},
	{"adjective", write_adjective, "-", false},
	{"birthday", write_birthday, "", false},
	{"boolean", write_boolean, "", false},
	{"buzz", write_buzz, " ", false},
	{"city", write_city, " ", false},
	{"color", write_color, " ", false},
	{"company", write_company, " ", false},
	{"country", write_country, " ", false},
	{"country_code", write_country_code, "", false},
	{"currency_code", write_currency_code, "", false},
	{"date", write_date, "", false},
	{"datetime", write_datetime, "", false},
	{"department", write_department, " ", false},
	{"domain", write_domain, NULL, false},
	{"email", write_email, NULL, true},
	{"file_name", write_file_name, NULL, false},
	{"first_name", write_first_name, " ", true},
	{"gender", write_gender, " ", false},
	{"genre", write_genre, " ", false},
	{"hex_color", write_hex_color, "", false},
	{"image_url", write_image_url, NULL, false},
	{"integer", write_integer, NULL, false},
	{"ip", write_ip, NULL, false},
	{"ipv6", write_ipv6, NULL, false},
	{"job_title", write_job_title, " ", false},
	{"language", write_language, " ", false},
	{"language_code", write_language_code, "", false},
	{"last_name", write_last_name, " ", true},
	{"latitude", write_latitude, "", false},
	{"locale", write_locale, "-", false},
	{"longitude", write_longitude, "", false},
	{"mac", write_mac, NULL, false},
	{"mime_type", write_mime_type, "-", false},
	{"name", write_name, " ", true},
	{"noun", write_noun, "-", false},
	{"paragraph", write_paragraph, " ", false},
	{"paragraphs", write_paragraphs, " ", false},
	{"password", write_password, "", false},
	{"phone", write_phone, NULL, false},
	{"postcode", write_postcode, "-", false},
	{"price", write_price, NULL, false},
	{"product", write_product, " ", false},
	{"semver", write_semver, "-", false},
	{"sentence", write_sentence, " ", false},
	{"slug", write_slug, "-", false},
	{"state", write_state, " ", false},
	{"status", write_status, "-", false},
	{"street_address", write_street_address, " ", false},
	{"thing", write_thing, " ", false},
	{"time", write_time, "", false},
	{"time_zone", write_time_zone, "-", false},
	{"title", write_title, " ", false},
	{"token", write_token, NULL, false},
	{"url", write_url, "-", false},
	{"username", write_username, "", true},
	{"uuid", write_uuid, NULL, false},
	{"verb", write_verb, "-", false},
	{"word", write_word, "-", false},
	{"words", write_words, " ", false},
	{"year", write_year, "", false},
};

/* Are the last digits of a numbered text the number itself? */
bool
fake_ends_with_number(const Fake *fake)
{
	return fake->glue != NULL || fake->write == write_email || fake->write == write_domain ||
		fake->write == write_file_name || fake->write == write_image_url || fake->write == write_integer;
}

/* All of them, in the order of their names; *n is how many. */
const Fake *
fake_all(int *n)
{
	*n = (int) lengthof(fakes);
	return fakes;
}

/* ---------------------------------------------------------------------
 * Within bounds
 * ---------------------------------------------------------------------
 */

/* A text of a few letters that differs from that of any other number. */
static void
put_code(ValueDraw *draw, int length)
{
	char		code[8];
	uint64		n = (uint64) (draw->number - 1);

	for (int i = length - 1; i >= 0; i--)
	{
		code[i] = 'A' + n % 26;
		n /= 26;
	}
	appendBinaryStringInfo(draw->buf, code, length);
}

/* Cut to a length, not behind a space. */
static void
cut(StringInfo buf, int length)
{
	if (buf->len > length)
		buf->len = Max(length, 0);
	while (buf->len > 0 && buf->data[buf->len - 1] == ' ')
		buf->len--;
	buf->data[buf->len] = '\0';
}

/*
 * Write a text into draw->buf, which is emptied first, of a length within
 * bounds; of different numbers the texts differ when it is numbered.  In a
 * length up to 4 there are 26^length of those, else 10^length at least.
 */
void
fake_text(const Fake *fake, ValueDraw *draw, int min_length, int max_length, bool numbered)
{
	StringInfo	buf = draw->buf;
	char		suffix[32] = "";
	int			room = max_length;
	bool		dot = false;

	resetStringInfo(buf);
	if (numbered && max_length <= 4)
	{
		put_code(draw, max_length);
		return;
	}
	fake->write(draw, room, numbered);
	if (numbered && (fake->glue != NULL || buf->len > max_length))
	{
		const char *glue = fake->glue != NULL ? fake->glue : "";

		snprintf(suffix, sizeof(suffix), "%s" INT64_FORMAT, glue, draw->number);
		if ((int) strlen(suffix) >= max_length)
			snprintf(suffix, sizeof(suffix), INT64_FORMAT, draw->number);
		dot = buf->len > 0 && buf->data[buf->len - 1] == '.';
		if (dot)
			cut(buf, buf->len - 1);
		room -= (int) strlen(suffix) + (dot ? 1 : 0);
	}
	if (buf->len > room)
		cut(buf, room);
	while (buf->len + (int) strlen(suffix) < min_length && buf->len < room)
	{
		if (buf->len > 0)
			appendStringInfoChar(buf, ' ');
		put_word(draw, WORDS_LOREM);
		if (buf->len > room)
			buf->data[buf->len = room] = '\0';
	}
	appendStringInfoString(buf, suffix);
	if (dot && buf->len < max_length)
		appendStringInfoChar(buf, '.');
}
