/*
 * named_objects.c
 *	  Operators, types and collations that cached SQL text names.
 *
 * Generated statements name these objects with their schemas, so that no
 * search_path matters.  Such a statement is wrong once one of these objects has
 * another name or another schema, for example after ALTER EXTENSION ... SET
 * SCHEMA.  The relcache knows nothing of that: no table has changed.
 *
 * So whoever writes such a name into a statement reports the object here, and
 * each cache of statements registers a callback that discards them.  The set of
 * reported objects only grows.  It is small, since objects of pg_catalog, which
 * cannot move, are left out.
 */
#include "relations.h"

#include "access/transam.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "named_objects.h"

/* An object, as syscache callbacks know it. */
typedef struct NamedObject
{
	int			cacheid;
	uint32		hash;
} NamedObject;

typedef struct Callback
{
	void		(*function) (void);
	struct Callback *next;
} Callback;

static HTAB *named_objects = NULL;
static Callback *callbacks = NULL;

static void
object_changed(pg_attribute_unused() Datum arg, int cacheid, uint32 hashvalue)
{
	NamedObject key = {cacheid, hashvalue};

	if (hashvalue == 0 || cacheid == NAMESPACEOID ||
		hash_search(named_objects, &key, HASH_FIND, NULL) != NULL)
	{
		for (Callback *callback = callbacks; callback != NULL; callback = callback->next)
			callback->function();
	}
}

static void
init_named_objects(void)
{
	HASHCTL		ctl = {0};

	if (named_objects != NULL)
		return;
	ctl.keysize = ctl.entrysize = sizeof(NamedObject);
	named_objects = hash_create("relations named objects", 64, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(NAMESPACEOID, object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, object_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(COLLOID, object_changed, (Datum) 0);
}

/*
 * Remember that generated SQL text names an operator (OPEROID), a type (TYPEOID)
 * or a collation (COLLOID).  Call this before reading the name.
 */
void
text_names_object(int cacheid, Oid oid)
{
	NamedObject key = {cacheid, 0};

	if (oid < FirstNormalObjectId)
		return;
	init_named_objects();
	key.hash = GetSysCacheHashValue1(cacheid, ObjectIdGetDatum(oid));
	(void) hash_search(named_objects, &key, HASH_ENTER, NULL);
}

/* Like text_names_object(), for a type, whose name is that of its elements for an array. */
void
text_names_type(Oid type)
{
	Oid			element = get_element_type(type);

	text_names_object(TYPEOID, type);
	if (OidIsValid(element))
		text_names_object(TYPEOID, element);
}

/*
 * Call a function whenever an object that generated SQL text names, or a
 * schema, may have another name.  It runs while invalidations are processed,
 * so it must not access the catalog.
 */
void
call_when_renamed(void (*callback) (void))
{
	Callback   *entry = MemoryContextAlloc(TopMemoryContext, sizeof(Callback));

	init_named_objects();
	entry->function = callback;
	entry->next = callbacks;
	callbacks = entry;
}
