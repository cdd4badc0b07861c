/*
 * relations.c
 *	  Module load and settings.
 */
#include "relations.h"

#include <limits.h>

#include "utils/guc.h"

PG_MODULE_MAGIC;

int			relations_batch_memory = 32 * 1024;
bool		relations_progress = true;

void		_PG_init(void);

/* Define the settings; errors are those of a value that was set before. */
void
_PG_init(void)
{
	DefineCustomIntVariable("relations.batch_memory",
							"Sets the memory that one batch of rows may take while a graph is read.",
							"More rows at once make large reads quicker; the memory does not grow with the number of rows.",
							&relations_batch_memory,
							32 * 1024,
							64,
							MAX_KILOBYTES,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	DefineCustomBoolVariable("relations.progress",
							 "Lets factories that take some seconds say how far they are.",
							 "A notice every three seconds.",
							 &relations_progress,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	MarkGUCPrefixReserved("relations");
}
