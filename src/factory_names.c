/*
 * factory_names.c
 *	  What the names of fakes, columns and tables promise of their values.
 */
#include "relations.h"

#include <ctype.h>

#include "factory_fake.h"

/* other words for the same, and what names of columns mean; plain, see fake_plain_name */
static const struct
{
	const char *word;
	const char *fake;
}			meanings[] = {
	{"about", "paragraph"}, {"accountnumber", "integer"}, {"address1", "street_address"},
	{"addressline1", "street_address"}, {"amount", "price"}, {"apikey", "token"},
	{"avatar", "image_url"}, {"avatarurl", "image_url"}, {"bio", "paragraph"}, {"biography", "paragraph"}, {"birthdate", "birthday"},
	{"body", "paragraphs"}, {"bornon", "birthday"}, {"brand", "company"}, {"caption", "sentence"},
	{"cellphone", "phone"}, {"colour", "color"}, {"comment", "sentence"}, {"companyname", "company"},
	{"content", "paragraphs"}, {"contenttype", "mime_type"}, {"currency", "currency_code"},
	{"dateofbirth", "birthday"}, {"description", "sentence"}, {"details", "paragraph"},
	{"digest", "token"}, {"displayname", "name"}, {"dob", "birthday"}, {"domainname", "domain"},
	{"employer", "company"}, {"emailaddress", "email"}, {"excerpt", "sentence"},
	{"familyname", "last_name"}, {"fax", "phone"}, {"filename", "file_name"}, {"firstname", "first_name"},
	{"forename", "first_name"}, {"fullname", "name"}, {"givenname", "first_name"}, {"handle", "username"},
	{"hash", "token"}, {"headline", "title"}, {"homepage", "url"}, {"host", "domain"},
	{"hostname", "domain"}, {"href", "url"}, {"image", "image_url"}, {"imageurl", "image_url"},
	{"ipaddress", "ip"}, {"job", "job_title"}, {"jobtitle", "job_title"}, {"lang", "language_code"},
	{"lastname", "last_name"}, {"lat", "latitude"}, {"link", "url"}, {"lng", "longitude"},
	{"login", "username"}, {"lon", "longitude"}, {"macaddress", "mac"}, {"message", "sentence"},
	{"middlename", "first_name"}, {"mime", "mime_type"}, {"mobile", "phone"}, {"motto", "buzz"},
	{"nick", "username"}, {"nickname", "username"}, {"note", "sentence"}, {"notes", "sentence"},
	{"occupation", "job_title"}, {"organisation", "company"}, {"organization", "company"},
	{"passwd", "password"}, {"passwordhash", "password"}, {"phonenumber", "phone"},
	{"photo", "image_url"}, {"photourl", "image_url"}, {"picture", "image_url"}, {"postalcode", "postcode"},
	{"profession", "job_title"}, {"province", "state"}, {"region", "state"}, {"remark", "sentence"},
	{"secret", "token"}, {"sex", "gender"}, {"sku", "slug"}, {"slogan", "buzz"}, {"street", "street_address"},
	{"streetaddress", "street_address"}, {"subject", "title"}, {"subtitle", "title"},
	{"summary", "sentence"}, {"surname", "last_name"}, {"tagline", "buzz"}, {"tel", "phone"},
	{"telephone", "phone"}, {"text", "paragraph"}, {"thumbnail", "image_url"}, {"thumbnailurl", "image_url"}, {"timezone", "time_zone"},
	{"town", "city"}, {"tz", "time_zone"}, {"uri", "url"}, {"user", "username"}, {"userid", "username"},
	{"version", "semver"}, {"website", "url"}, {"zip", "postcode"}, {"zipcode", "postcode"},
};

/* what the name of a row of a table is */
static const struct
{
	const char *word;
	const char *fake;
}			names_of[] = {
	{"account", "name"}, {"admin", "name"}, {"artist", "name"}, {"author", "name"},
	{"brand", "company"}, {"category", "noun"}, {"categorie", "noun"}, {"city", "city"}, {"citie", "city"},
	{"client", "name"}, {"color", "color"}, {"company", "company"}, {"companie", "company"},
	{"contact", "name"}, {"country", "country"}, {"countrie", "country"}, {"customer", "name"},
	{"department", "department"}, {"director", "name"}, {"doctor", "name"}, {"driver", "name"},
	{"employee", "name"}, {"file", "file_name"}, {"genre", "genre"}, {"guest", "name"}, {"item", "product"},
	{"language", "language"}, {"manager", "name"}, {"manufacturer", "company"}, {"member", "name"}, {"organisation", "company"},
	{"organization", "company"}, {"owner", "name"}, {"patient", "name"}, {"people", "name"},
	{"person", "name"}, {"player", "name"}, {"product", "product"}, {"profile", "name"}, {"publisher", "company"}, {"region", "state"},
	{"role", "noun"}, {"skill", "noun"}, {"state", "state"}, {"student", "name"}, {"supplier", "company"},
	{"tag", "noun"}, {"teacher", "name"}, {"topic", "noun"}, {"user", "name"}, {"vendor", "company"},
};

/* A name in lower case, without anything but letters and digits; palloc'd. */
char *
fake_plain_name(const char *name)
{
	char	   *result = palloc(strlen(name) + 1);
	char	   *p = result;

	for (; *name != '\0'; name++)
	{
		if (isalnum((unsigned char) *name))
			*p++ = pg_ascii_tolower((unsigned char) *name);
	}
	*p = '\0';
	return result;
}

/* What a plain name stands for, or NULL. */
static const Fake *
find_plain(const char *plain)
{
	int			n;
	const Fake *fakes = fake_all(&n);

	for (int i = 0; i < n; i++)
	{
		char	   *name = fake_plain_name(fakes[i].name);
		bool		same = strcmp(name, plain) == 0;

		pfree(name);
		if (same)
			return &fakes[i];
	}
	for (int i = 0; i < (int) lengthof(meanings); i++)
	{
		if (strcmp(meanings[i].word, plain) == 0)
			return find_plain(fake_plain_name(meanings[i].fake));
	}
	return NULL;
}

/* The fake of a name: first_name, firstName, person.firstName; NULL when there is none. */
const Fake *
fake_find(const char *name)
{
	const char *dot = strrchr(name, '.');

	return find_plain(fake_plain_name(dot != NULL ? dot + 1 : name));
}

/* The names of all, for messages. */
List *
fake_names(void)
{
	List	   *result = NIL;
	int			n;
	const Fake *fakes = fake_all(&n);

	for (int i = 0; i < n; i++)
		result = lappend(result, unconstify(char *, fakes[i].name));
	return result;
}

/*
 * The parts of a name in its last words: billing_email -> "billingemail",
 * "email"; homePage -> "homepage", "page".
 */
static List *
endings_of(const char *name)
{
	List	   *result = NIL;

	for (const char *p = name; *p != '\0'; p++)
	{
		bool		begins = p == name || !isalnum((unsigned char) p[-1]) ||
			(isupper((unsigned char) *p) && islower((unsigned char) p[-1]));

		if (begins && isalnum((unsigned char) *p))
			result = lappend(result, fake_plain_name(p));
	}
	return result;
}

/* Does a name end with one of words, which are plain and end with a NULL? */
bool
fake_name_ends_with(const char *column, const char *const *words)
{
	ListCell   *lc;

	foreach(lc, endings_of(column))
	{
		for (const char *const *w = words; *w != NULL; w++)
		{
			if (strcmp(*w, lfirst(lc)) == 0)
				return true;
		}
	}
	return false;
}

/* What the name of a column of text promises, in a table of that name; or NULL. */
const Fake *
fake_of_column(const char *column, const char *model)
{
	List	   *endings = endings_of(column);
	ListCell   *lc;

	/* a label of the row itself is what the table is about */
	if (list_length(endings) == 1 && strcmp(linitial(endings), "name") == 0)
	{
		List	   *of = endings_of(model);
		char	   *last = of != NIL ? llast(of) : pstrdup("");
		int			len = (int) strlen(last);

		if (len > 1 && last[len - 1] == 's')
			last[len - 1] = '\0';
		for (int i = 0; i < (int) lengthof(names_of); i++)
		{
			if (strcmp(names_of[i].word, last) == 0)
				return find_plain(fake_plain_name(names_of[i].fake));
		}
		return find_plain("thing");
	}
	foreach(lc, endings)
	{
		const Fake *fake = find_plain(lfirst(lc));

		if (fake != NULL)
			return fake;
	}
	return NULL;
}
