/*
 * invalidation.c
 *	  Listen for relcache invalidations.
 *
 * The server has slots for ten callbacks in all, which every module in the
 * session shares.  The extension has more caches than that leaves, so it takes
 * one slot.
 */
#include "relations.h"

#include "utils/inval.h"
#include "utils/memutils.h"

#include "invalidation.h"

typedef struct Callback
{
	void		(*function) (Datum arg, Oid relid);
	struct Callback *next;
} Callback;

static Callback *callbacks = NULL;

static void
call_all(Datum arg, Oid relid)
{
	for (Callback *callback = callbacks; callback != NULL; callback = callback->next)
		callback->function(arg, relid);
}

/*
 * Call a function whenever a table has changed, or with InvalidOid when any may
 * have.  It runs while invalidations are processed, so it must not access the
 * catalog.
 */
void
call_when_table_changed(void (*callback) (Datum arg, Oid relid))
{
	Callback   *entry = MemoryContextAlloc(TopMemoryContext, sizeof(Callback));

	if (callbacks == NULL)
		CacheRegisterRelcacheCallback(call_all, (Datum) 0);
	entry->function = callback;
	entry->next = callbacks;
	callbacks = entry;
}
