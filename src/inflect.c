/*
 * inflect.c
 *	  English singulars and plurals of table names.
 *
 * Only what table names need: the regular endings, and the irregular words
 * that are met as names of tables.  A model whose name is not English says
 * its singular by relations.model().
 */
#include "relations.h"

#include "inflect.h"

typedef struct Ending
{
	const char *plural;
	const char *singular;
} Ending;

/* the first that fits is taken, so the longer ones stand first */
static const Ending endings[] = {
	{"people", "person"},
	{"children", "child"},
	{"statuses", "status"},
	{"aliases", "alias"},
	{"buses", "bus"},
	{"series", "series"},
	{"species", "species"},
	{"news", "news"},
	{"movies", "movie"},
	{"cookies", "cookie"},
	{"mice", "mouse"},
	{"women", "woman"},
	{"men", "man"},
	{"analyses", "analysis"},
	{"indices", "index"},
	{"sses", "ss"},
	{"shes", "sh"},
	{"ches", "ch"},
	{"xes", "x"},
	{"zzes", "zz"},
	{"ies", "y"},
	{"ss", "ss"},
	{"us", "us"},
	{"is", "is"},
	{"s", ""},
};

/* The singular of a name, palloc'd; the name itself when it looks like one. */
char *
singular_of(const char *name)
{
	size_t		length = strlen(name);

	for (int i = 0; i < (int) lengthof(endings); i++)
	{
		size_t		n = strlen(endings[i].plural);

		if (length >= n && strcmp(name + length - n, endings[i].plural) == 0 &&
			(length > n || endings[i].singular[0] != '\0'))
			return psprintf("%.*s%s", (int) (length - n), name, endings[i].singular);
	}
	return pstrdup(name);
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t		length = strlen(name);
	size_t		n = strlen(ending);

	return length >= n && strcmp(name + length - n, ending) == 0;
}

/* The plural of a name, palloc'd; the name itself when it looks like one. */
char *
plural_of(const char *name)
{
	size_t		length = strlen(name);
	static const Ending irregular[] = {
		{"people", "person"},
		{"children", "child"},
		{"statuses", "status"},
		{"buses", "bus"},
		{"aliases", "alias"},
		{"mice", "mouse"},
		{"women", "woman"},
		{"men", "man"},
		{"analyses", "analysis"},
		{"indices", "index"},
	};

	for (int i = 0; i < (int) lengthof(irregular); i++)
	{
		if (ends_with(name, irregular[i].singular))
			return psprintf("%.*s%s", (int) (length - strlen(irregular[i].singular)), name,
							irregular[i].plural);
	}
	if (strcmp(singular_of(name), name) != 0 ||
		ends_with(name, "series") || ends_with(name, "species") || ends_with(name, "news"))
		return pstrdup(name);
	if (length > 1 && name[length - 1] == 'y' && strchr("aeiou", name[length - 2]) == NULL)
		return psprintf("%.*sies", (int) (length - 1), name);
	if (ends_with(name, "s") || ends_with(name, "x") || ends_with(name, "z") ||
		ends_with(name, "ch") || ends_with(name, "sh"))
		return psprintf("%ses", name);
	return psprintf("%ss", name);
}
