/*
 * bytes_table.c
 *	  Hash tables with keys of any length.
 *
 * A key is the bytes of a StringInfo, made of OIDs and names.  A value is one
 * pointer, NULL until the caller sets it.
 */
#include "relations.h"

#include "common/hashfn.h"

#include "bytes_table.h"

typedef struct BytesKey
{
	const char *data;
	int			len;
} BytesKey;

typedef struct BytesEntry
{
	BytesKey	key;
	void	   *value;
	uint32		hash;
	char		status;
} BytesEntry;

static inline uint32
hash_key(BytesKey key)
{
	return hash_bytes((const unsigned char *) key.data, key.len);
}

#define SH_PREFIX bytes
#define SH_ELEMENT_TYPE BytesEntry
#define SH_KEY_TYPE BytesKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_key(key)
#define SH_EQUAL(tb, a, b) ((a).len == (b).len && memcmp((a).data, (b).data, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, entry) (entry)->hash
#define SH_SCOPE static pg_attribute_unused()
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Create an empty table in the current memory context. */
BytesTable *
bytes_table_create(void)
{
	return bytes_create(CurrentMemoryContext, 64, NULL);
}

/*
 * Return where the value of a key is.  A key that is not in the table is
 * copied into it; found reports which.  The pointer is valid until the next
 * key is entered.
 */
void **
bytes_table_enter(BytesTable *table, const StringInfo key, bool *found)
{
	BytesKey	probe = {key->data, key->len};
	BytesEntry *entry = bytes_insert(table, probe, found);

	if (!*found)
	{
		char	   *copy = MemoryContextAlloc(table->ctx, Max(key->len, 1));

		memcpy(copy, key->data, key->len);
		entry->key.data = copy;
		entry->value = NULL;
	}
	return &entry->value;
}

bool
bytes_table_has(BytesTable *table, const StringInfo key)
{
	BytesKey	probe = {key->data, key->len};

	return bytes_lookup(table, probe) != NULL;
}

/* Return the value of a key, or NULL if the table does not have it. */
void *
bytes_table_find(BytesTable *table, const StringInfo key)
{
	BytesKey	probe = {key->data, key->len};
	BytesEntry *entry = bytes_lookup(table, probe);

	return entry == NULL ? NULL : entry->value;
}

/* Begin a key with an OID. */
void
key_start(StringInfo key, Oid oid)
{
	resetStringInfo(key);
	key_add_oid(key, oid);
}

void
key_add_oid(StringInfo key, Oid oid)
{
	appendBinaryStringInfo(key, (char *) &oid, sizeof(Oid));
}

/* Add a name, with the zero that ends it. */
void
key_add_name(StringInfo key, const char *name)
{
	appendBinaryStringInfo(key, name, strlen(name) + 1);
}

typedef struct NamePair
{
	const char *name;
	const char *other;
} NamePair;

static int
compare_pairs(const void *a, const void *b)
{
	const NamePair *one = a;
	const NamePair *two = b;
	int			cmp = strcmp(one->name, two->name);

	return cmp != 0 ? cmp : strcmp(one->other, two->other);
}

/*
 * Add pairs of names, so that two keys are equal if the pairs are the same in
 * whatever order.  Both lists must have the same length.
 */
void
key_add_pairs(StringInfo key, List *names, List *others)
{
	int			n = list_length(names);
	NamePair   *pairs = palloc(sizeof(NamePair) * Max(n, 1));
	ListCell   *lc;
	ListCell   *lc2;

	Assert(list_length(others) == n);
	forboth(lc, names, lc2, others)
	{
		pairs[foreach_current_index(lc)].name = lfirst(lc);
		pairs[foreach_current_index(lc)].other = lfirst(lc2);
	}
	qsort(pairs, n, sizeof(NamePair), compare_pairs);
	key_add_oid(key, (Oid) n);
	for (int i = 0; i < n; i++)
	{
		key_add_name(key, pairs[i].name);
		key_add_name(key, pairs[i].other);
	}
	pfree(pairs);
}
