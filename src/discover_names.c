/*
 * discover_names.c
 *	  Names of the relations that foreign keys imply.
 *
 * A relation that is declared already keeps its name; the others are named
 * after the column or the table, never as a column of their model or as another
 * of its relations.  The same schema always gives the same names.
 */
#include "relations.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "discover.h"
#include "inflect.h"
#include "key_resolution.h"

/* bytes of a name that are the same in all its numbered variants */
#define NUMBERED_PREFIX (NAMEDATALEN - 8)

/* A name that a model uses, or a prefix of names that are numbered. */
typedef struct NameUse
{
	int			next_number;	/* all smaller ones are taken */
} NameUse;

/* ---------------------------------------------------------------------
 * What is looked up
 * ---------------------------------------------------------------------
 */

/* Return what is known of a table; the entry stays where it is. */
DiscoveredModel *
discovered_model(Discovery *discovery, Oid relid)
{
	bool		found;
	DiscoveredModel *model = hash_search(discovery->models, &relid, HASH_ENTER, &found);

	if (!found)
	{
		char	   *schema = get_namespace_name(get_rel_namespace(relid));

		model->name = model_name(relid);
		model->singular = model_singular(relid);
		model->qualified = psprintf("%s.%s", model->name, schema != NULL ? schema : "");
	}
	return model;
}

/* Take a name of a model, so that no other relation gets it. */
void
discovery_take_name(Discovery *discovery, Oid model, const char *name)
{
	bool		found;
	void	  **use;

	key_start(&discovery->key, model);
	key_add_name(&discovery->key, name);
	use = bytes_table_enter(discovery->names, &discovery->key, &found);
	if (!found)
		*use = palloc0(sizeof(NameUse));
}

/* Is a name free for a relation of the model? */
static bool
is_free(Discovery *discovery, Oid model, const char *name)
{
	if (name[0] == '\0')
		return false;
	key_start(&discovery->key, model);
	key_add_name(&discovery->key, name);
	return bytes_table_find(discovery->names, &discovery->key) == NULL;
}

/*
 * Return the number to try next for a name that is taken, and where to keep it.
 * Long names lose their ends to the number: those that begin alike share it.
 */
static int *
next_number(Discovery *discovery, Oid model, const char *name)
{
	bool		found;
	void	  **use;
	char	   *prefix = pnstrdup(name, pg_mbcliplen(name, strlen(name), NUMBERED_PREFIX));

	key_start(&discovery->key, model);
	key_add_name(&discovery->key, "");
	key_add_name(&discovery->key, prefix);
	use = bytes_table_enter(discovery->names, &discovery->key, &found);
	if (!found)
	{
		NameUse    *number = palloc0(sizeof(NameUse));

		number->next_number = 2;
		*use = number;
	}
	return &((NameUse *) *use)->next_number;
}

/* ---------------------------------------------------------------------
 * Names
 * ---------------------------------------------------------------------
 */

static bool
ends_with(const char *name, const char *ending)
{
	size_t		length = strlen(name);
	size_t		n = strlen(ending);

	return length > n && strcmp(name + length - n, ending) == 0;
}

/*
 * What a foreign key column is called after: author for author_id, "authorId"
 * and, when it points to a column uuid, author_uuid.  The whole name when no
 * such ending is there.
 */
static char *
column_stem(const char *column, const char *key)
{
	char	   *capitalized = pstrdup(key);
	const char *endings[] = {psprintf("_%s", key), "_id", "Id", "ID", "_fk", capitalized};

	capitalized[0] = pg_toupper((unsigned char) capitalized[0]);
	for (int i = 0; i < (int) lengthof(endings); i++)
	{
		size_t		rest;

		if (!ends_with(column, endings[i]))
			continue;
		rest = strlen(column) - strlen(endings[i]);
		/* camelCase: the letter before must be a small one */
		if (endings[i][0] != '_' && !(column[rest - 1] >= 'a' && column[rest - 1] <= 'z'))
			continue;
		return pnstrdup(column, rest);
	}
	return pstrdup(column);
}

/*
 * The stem of a foreign key: of its columns the one that is called after the
 * table that it points to, else the last.
 */
static char *
foreign_key_stem(Discovery *discovery, ForeignKey *fk)
{
	char	   *singular = discovered_model(discovery, fk->parent)->singular;
	char	   *stem = NULL;
	ListCell   *c;
	ListCell   *p;

	forboth(c, fk->child_columns, p, fk->parent_columns)
	{
		stem = column_stem(lfirst(c), lfirst(p));
		if (strcmp(stem, singular) == 0)
			break;
	}
	return stem;
}

/*
 * Join parts to a name that fits, cutting the first as far as it must be.
 * The number is put behind it unless it is less than two.
 */
static char *
join_name(const char *first, const char *second, int number)
{
	char	   *tail = psprintf("%s%s", second, number > 1 ? psprintf("_%d", number) : "");
	int			room = NAMEDATALEN - 1 - (int) strlen(tail);

	if (room < 8)
	{
		/* two long names: half of the room for each */
		tail = psprintf("%.*s%s", pg_mbcliplen(second, strlen(second), NAMEDATALEN / 2 - 8), second,
						number > 1 ? psprintf("_%d", number) : "");
		room = NAMEDATALEN - 1 - (int) strlen(tail);
	}
	return psprintf("%.*s%s", pg_mbcliplen(first, strlen(first), room), first, tail);
}

/* Return the first free name of a list of wishes; the last wish is numbered. */
static char *
choose_name(Discovery *discovery, Implied *implied, List *wishes)
{
	Oid			model = implied->row.model;
	ListCell   *lc;
	char	   *name = NULL;
	char	   *numbered;
	int		   *number;

	foreach(lc, wishes)
	{
		name = join_name(lfirst(lc), "", 0);	/* plurals are longer */
		if (is_free(discovery, model, name))
			return name;
	}
	number = next_number(discovery, model, name);
	do
	{
		CHECK_FOR_INTERRUPTS();
		numbered = join_name(name, "", (*number)++);
	} while (!is_free(discovery, model, numbered));
	return numbered;
}

/* Put the key of a stem between two tables into discovery->key; return the stem. */
static char *
stem_key(Discovery *discovery, Implied *implied, bool related)
{
	char	   *stem = foreign_key_stem(discovery, related ? implied->related_fk : implied->fk);

	key_start(&discovery->key, implied->row.model);
	key_add_oid(&discovery->key, implied->row.related);
	key_add_name(&discovery->key, related ? "related" : "own");
	key_add_name(&discovery->key, stem);
	return stem;
}

/* Count the pivots between two tables that have the same stem. */
static void
count_stems(Discovery *discovery, List *all)
{
	ListCell   *lc;

	foreach(lc, all)
	{
		for (int i = 0; i < 2 && ((Implied *) lfirst(lc))->row.kind == RELATION_MANY_TO_MANY; i++)
		{
			bool		found;
			void	  **count;

			(void) stem_key(discovery, lfirst(lc), i == 0);
			count = bytes_table_enter(discovery->stems, &discovery->key, &found);
			*count = (void *) ((intptr_t) *count + 1);
		}
	}
}

/*
 * Does the stem of a pivot's foreign key tell what its table's name does not?
 * Not when it says that name again, nor when another pivot between the two
 * tables says the same.
 */
static bool
stem_tells(Discovery *discovery, Implied *implied, bool related)
{
	Oid			parent = related ? implied->row.related : implied->row.model;
	char	   *stem = stem_key(discovery, implied, related);
	intptr_t	count = (intptr_t) bytes_table_find(discovery->stems, &discovery->key);

	return count == 1 && strcmp(stem, discovered_model(discovery, parent)->singular) != 0;
}

/*
 * Name a many_to_many.  It is called after the related table, tracks; from a
 * table to itself, after the column that leads there, friends; when several
 * pivots join the two tables, after what tells them apart: the columns,
 * reviewers or posts_by_reviewer, or the pivot, posts_by_like.
 */
static char *
name_of_many_to_many(Discovery *discovery, Implied *implied)
{
	bool		to_itself = implied->row.model == implied->row.related;
	char	   *plain = plural_of(discovered_model(discovery, implied->row.related)->name);
	char	   *many = plural_of(foreign_key_stem(discovery, implied->related_fk));
	char	   *by = psprintf("_by_%s", foreign_key_stem(discovery, implied->fk));
	char	   *by_pivot = psprintf("_by_%s", discovered_model(discovery, implied->row.pivot_table)->singular);
	List	   *wishes = NIL;

	if (implied->alone)
		wishes = lappend(wishes, to_itself ? many : plain);
	if (stem_tells(discovery, implied, true))
		wishes = lappend(wishes, many);
	if (stem_tells(discovery, implied, false))
		wishes = lappend(wishes, join_name(plain, by, 0));
	wishes = lappend(wishes, join_name(to_itself ? many : plain, by_pivot, 0));
	return choose_name(discovery, implied, wishes);
}

/*
 * Name an implied relation.  A belongs_to is called after its column, author
 * for author_id; when the column has no such ending, or there are several, the
 * table that it points to helps: reports_to_employee.  A has_many is called
 * after its table, posts; when two foreign keys come from there, after the
 * column too: posts_by_author.
 */
static char *
name_of(Discovery *discovery, Implied *implied)
{
	ForeignKey *fk = implied->fk;
	char	   *stem = foreign_key_stem(discovery, fk);
	List	   *wishes;

	if (implied->row.kind == RELATION_MANY_TO_MANY)
		return name_of_many_to_many(discovery, implied);
	if (implied->row.kind == RELATION_BELONGS_TO)
	{
		char	   *parent = discovered_model(discovery, fk->parent)->singular;
		char	   *both = join_name(stem, psprintf("_%s", parent), 0);

		if (list_length(fk->child_columns) > 1)
			wishes = list_make3(parent, stem, both);
		/* of a shared primary key the column says nothing */
		else if (strcmp(stem, linitial(fk->parent_columns)) == 0)
			wishes = list_make2(parent, both);
		else if (find_column(fk->child, stem) > 0)
			wishes = list_make2(both, parent);
		else
			wishes = list_make3(stem, parent, both);
		/* of several foreign keys, none may speak for the table */
		if (!implied->alone)
			wishes = list_delete_ptr(wishes, parent);
	}
	else
	{
		char	   *plain = implied->row.kind == RELATION_HAS_ONE
			? discovered_model(discovery, fk->child)->singular : plural_of(discovered_model(discovery, fk->child)->name);
		char	   *by = join_name(plain, psprintf("_by_%s", stem), 0);

		wishes = implied->alone ? list_make2(plain, by) : list_make1(by);
	}
	return choose_name(discovery, implied, wishes);
}

/*
 * Name the relations that are not registered, in the order of the list.  The
 * names that their models use must have been taken.
 */
void
discovery_name(Discovery *discovery, List *all)
{
	ListCell   *lc;

	count_stems(discovery, all);
	foreach(lc, all)
	{
		Implied    *implied = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (implied->row.name == NULL)
		{
			implied->row.name = name_of(discovery, implied);
			discovery_take_name(discovery, implied->row.model, implied->row.name);
		}
		implied->sort_key = discovered_model(discovery, implied->row.model)->qualified;
	}
}
