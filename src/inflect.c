/*
 * inflect.c
 *	  English singulars and plurals of table names.
 *
 * Only what table names need: the regular endings, and the irregular words
 * that are met as names of tables.  Of a name made of several words the last
 * one is bent: order_lines, orderLines, "Order Lines".  A model whose name is
 * not English says its singular by relations.model().
 */
#include "relations.h"

#include "inflect.h"

typedef struct Inflection
{
	const char *singular;
	const char *plural;
} Inflection;

/* whole words; those that are the same in both do not change */
static const Inflection words[] = {
	{"aircraft", "aircraft"},
	{"data", "data"},
	{"deer", "deer"},
	{"dns", "dns"},
	{"equipment", "equipment"},
	{"fish", "fish"},
	{"gps", "gps"},
	{"information", "information"},
	{"media", "media"},
	{"metadata", "metadata"},
	{"money", "money"},
	{"news", "news"},
	{"series", "series"},
	{"sheep", "sheep"},
	{"sms", "sms"},
	{"species", "species"},
	{"staff", "staff"},
	{"alias", "aliases"},
	{"analysis", "analyses"},
	{"atlas", "atlases"},
	{"axis", "axes"},
	{"bias", "biases"},
	{"cache", "caches"},
	{"calorie", "calories"},
	{"canvas", "canvases"},
	{"child", "children"},
	{"cookie", "cookies"},
	{"crisis", "crises"},
	{"criterion", "criteria"},
	{"diagnosis", "diagnoses"},
	{"echo", "echoes"},
	{"foot", "feet"},
	{"gas", "gases"},
	{"half", "halves"},
	{"hero", "heroes"},
	{"hypothesis", "hypotheses"},
	{"index", "indices"},
	{"knife", "knives"},
	{"leaf", "leaves"},
	{"lens", "lenses"},
	{"life", "lives"},
	{"man", "men"},
	{"matrix", "matrices"},
	{"menu", "menus"},
	{"mouse", "mice"},
	{"movie", "movies"},
	{"person", "people"},
	{"phenomenon", "phenomena"},
	{"potato", "potatoes"},
	{"quiz", "quizzes"},
	{"salesperson", "salespeople"},
	{"selfie", "selfies"},
	{"shelf", "shelves"},
	{"synthesis", "syntheses"},
	{"thesis", "theses"},
	{"tomato", "tomatoes"},
	{"tooth", "teeth"},
	{"use", "uses"},
	{"vertex", "vertices"},
	{"veto", "vetoes"},
	{"wife", "wives"},
	{"wolf", "wolves"},
	{"woman", "women"},
	{"zombie", "zombies"},
};

/*
 * Endings of plurals, and what the singular has instead.  The first that fits
 * is taken, so the longer ones stand first.
 */
static const Inflection endings[] = {
	{"ss", "sses"},				/* addresses */
	{"sh", "shes"},				/* dishes */
	{"ch", "ches"},				/* branches */
	{"x", "xes"},				/* boxes */
	{"zz", "zzes"},				/* buzzes */
	{"ouse", "ouses"},			/* warehouses */
	{"ause", "auses"},			/* clauses */
	{"us", "uses"},				/* statuses */
	{"y", "ies"},				/* companies */
	{"ss", "ss"},				/* address: no plural */
	{"us", "us"},				/* status */
	{"sis", "sis"},				/* basis */
	{"", "s"},					/* users, and houses, prizes, drives */
};

/*
 * The last word of a name: what follows the last underscore, hyphen or blank,
 * or the last capital letter that stands behind a small one.
 */
static const char *
last_word(const char *name)
{
	const char *word = name;

	for (const char *p = name; *p != '\0'; p++)
	{
		if ((*p == '_' || *p == '-' || *p == ' ') && p[1] != '\0')
			word = p + 1;
		else if (p > name && *p >= 'A' && *p <= 'Z' && p[-1] >= 'a' && p[-1] <= 'z')
			word = p;
	}
	return word;
}

/* A name with another last word, which takes over the old one's capital. */
static char *
with_last_word(const char *name, const char *word, const char *replacement)
{
	char	   *result = psprintf("%.*s%s", (int) (word - name), name, replacement);

	if (*word >= 'A' && *word <= 'Z')
		result[word - name] = pg_toupper((unsigned char) *replacement);
	return result;
}

/* The singular of a name, palloc'd; the name itself when it looks like one. */
char *
singular_of(const char *name)
{
	const char *word = last_word(name);
	size_t		length = strlen(word);

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (pg_strcasecmp(word, words[i].plural) == 0)
			return with_last_word(name, word, words[i].singular);
		if (pg_strcasecmp(word, words[i].singular) == 0)
			return pstrdup(name);
	}
	/* ties and pies */
	if (length == 4 && pg_strcasecmp(word + 1, "ies") == 0)
		return pnstrdup(name, strlen(name) - 1);
	for (int i = 0; i < (int) lengthof(endings); i++)
	{
		size_t		n = strlen(endings[i].plural);

		if (length > n && pg_strcasecmp(word + length - n, endings[i].plural) == 0)
			return psprintf("%.*s%s", (int) (strlen(name) - n), name, endings[i].singular);
	}
	return pstrdup(name);
}

static bool
ends_with(const char *word, const char *ending)
{
	size_t		length = strlen(word);
	size_t		n = strlen(ending);

	return length > n && pg_strcasecmp(word + length - n, ending) == 0;
}

/* The plural of a name, palloc'd; the name itself when it looks like one. */
char *
plural_of(const char *name)
{
	const char *word = last_word(name);

	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (pg_strcasecmp(word, words[i].singular) == 0)
			return with_last_word(name, word, words[i].plural);
	}
	if (strcmp(singular_of(name), name) != 0)
		return pstrdup(name);
	if (ends_with(word, "sis"))
		return psprintf("%.*ses", (int) strlen(name) - 2, name);
	if (ends_with(word, "s") || ends_with(word, "x") || ends_with(word, "z") ||
		ends_with(word, "sh") || ends_with(word, "ch"))
		return psprintf("%ses", name);
	if (ends_with(word, "y") && strchr("aeiouAEIOU", word[strlen(word) - 2]) == NULL)
		return psprintf("%.*sies", (int) strlen(name) - 1, name);
	return psprintf("%ss", name);
}
