/*
 * relations.c
 *	  Module load and settings.
 */
#include "relations.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc_tables.h"

#include "ddl_filter.h"
#include "graph_view_guard.h"

PG_MODULE_MAGIC;

int			relations_batch_memory = 64 * 1024;
int			relations_max_depth = 100;
int			relations_max_rows = 0;
int			relations_max_bytes = 0;
bool		relations_progress = true;

void		_PG_init(void);

/*
 * Until the library is loaded its settings are placeholders that anyone may
 * set.  What SET has put there, PostgreSQL throws away when it learns who may
 * set it; but what came with the connection has by then displaced the value
 * that a role was given.  Raises insufficient_privilege for that, at each
 * attempt to load the library in the session.
 */
static void
check_limits_of_connection(void)
{
	int			n;
	struct config_generic **settings = all_settings(&n);

	for (int i = 0; i < n; i++)
	{
		if ((settings[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			pg_strncasecmp(settings[i]->name, "relations.max_", strlen("relations.max_")) == 0 &&
			settings[i]->reset_source == PGC_S_CLIENT && !GetSessionUserIsSuperuser())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied to set parameter \"%s\" by options of the connection",
							settings[i]->name),
					 errhint("Connect without it.")));
	}
}

/*
 * Define the settings; errors are those of a value that was set before, and
 * of limits that came with the connection.
 */
void
_PG_init(void)
{
	check_limits_of_connection();
	DefineCustomIntVariable("relations.batch_memory",
							"Sets the memory that one batch of rows may take while a graph is read.",
							"More rows at once make large reads quicker; the memory does not grow with the number of rows.",
							&relations_batch_memory,
							64 * 1024,
							64,
							MAX_KILOBYTES,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);

	/*
	 * Limits, so not for who is limited to lift: a superuser, or who was
	 * granted SET on them, gives them to a role, a database or all.
	 */
	DefineCustomIntVariable("relations.max_depth",
							"Sets the number of levels of relations that one call may read or write.",
							"0 means no limit.",
							&relations_max_depth,
							100,
							0,
							INT_MAX,
							PGC_SUSET,
							0,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("relations.max_rows",
							"Sets the number of rows that one call may read or write, and that one document may hold.",
							"0 means no limit.",
							&relations_max_rows,
							0,
							0,
							INT_MAX,
							PGC_SUSET,
							0,
							NULL,
							NULL,
							NULL);
	DefineCustomIntVariable("relations.max_bytes",
							"Sets the size of the documents that one call may return, all together.",
							"0 means no limit.",
							&relations_max_bytes,
							0,
							0,
							INT_MAX,
							PGC_SUSET,
							GUC_UNIT_BYTE,
							NULL,
							NULL,
							NULL);
	DefineCustomBoolVariable("relations.progress",
							 "Lets long work say how far it is.",
							 "Factories give a notice every three seconds, declarations one for each statement that reads a million rows.",
							 &relations_progress,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	MarkGUCPrefixReserved("relations");
	graph_view_guard_init();
	ddl_filter_init();
}
