/*
 * version.c
 *	  The library, and the version of the SQL face that it was made for.
 *
 * A package brings both, but a database gets the SQL face by ALTER EXTENSION
 * UPDATE, and a session keeps the library that it has loaded.  Where the two
 * differ, the catalog may not be what this code takes it for: nothing is read
 * or written then.  The version is looked up once, and again when some
 * function has changed, as an update changes ours.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "version.h"

#define VERSION_TAG "RELATIONS_VERSION="

/* the tag is for people, and tests, that look into the file */
static const char *const volatile tagged_version = VERSION_TAG RELATIONS_VERSION;

static bool known_to_fit = false;

static const char *
library_version(void)
{
	return tagged_version + strlen(VERSION_TAG);
}

/*
 * The version of the extension in this database, in the current memory
 * context; NULL when there is none.
 */
const char *
extension_version(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	char	   *result = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("relations"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	if (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		d = heap_getattr(tup, Anum_pg_extension_extversion, RelationGetDescr(rel), &isnull);

		result = isnull ? NULL : TextDatumGetCString(d);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

static void
forget_version(Datum arg pg_attribute_unused(), int cacheid pg_attribute_unused(),
			   uint32 hashvalue pg_attribute_unused())
{
	known_to_fit = false;
}

/* Is the extension here, and of the library's version? */
bool
version_fits(void)
{
	static bool registered = false;
	const char *version;

	if (known_to_fit)
		return true;
	if (!registered)
	{
		CacheRegisterSyscacheCallback(PROCOID, forget_version, (Datum) 0);
		registered = true;
	}
	version = extension_version();
	if (version != NULL && strcmp(version, library_version()) == 0)
		known_to_fit = true;
	return known_to_fit;
}

/*
 * Raises object_not_in_prerequisite_state when the extension in this database
 * is of another version than the library.
 */
void
require_version(void)
{
	const char *version;

	if (version_fits())
		return;
	version = extension_version();
	if (version == NULL)
		return;					/* the catalog is missed next */
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the library of extension \"relations\" is version %s, the extension in this database is version %s",
					library_version(), version),
			 errhint("Run ALTER EXTENSION relations UPDATE in this database if that has not been done; then, in sessions that were there before, connect anew.")));
}
