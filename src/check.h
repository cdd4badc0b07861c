/*
 * check.h
 *	  What is wrong or slow with the declared relations, and what mends it.
 *
 * check.c goes over all of them and asks the other files: check_schema.c and
 * check_morph.c look at tables, constraints, indexes and triggers, check_rows.c
 * at rows, check_view.c at graph views, check_catalog.c at what the catalog
 * says of tables and columns that are gone.
 */
#ifndef RELATIONS_CHECK_H
#define RELATIONS_CHECK_H

#include "datatype/timestamp.h"
#include "nodes/execnodes.h"

#include "bytes_table.h"
#include "catalog.h"
#include "constraint.h"
#include "guarded.h"

typedef enum Severity
{
	SEVERITY_ERROR,				/* wrong answers, or none */
	SEVERITY_WARNING,			/* they may become wrong */
	SEVERITY_SLOW,
	SEVERITY_NOTE				/* could not be looked at */
} Severity;

/* Who runs the statement of a finding. */
typedef enum Mender
{
	MENDED_BY_REPAIR,
	MENDED_BY_HAND				/* repair leaves it: it takes rows or
								 * declarations away */
} Mender;

typedef struct Finding
{
	Oid			model;			/* or InvalidOid */
	const char *relation;		/* or NULL */
	const char *problem;
	Severity	severity;
	const char *detail;
	const char *statement;		/* or NULL */
	const char *left;			/* why the statement is not given, or NULL */
	Mender		mender;
	const char *outcome;		/* of repair */
} Finding;

/* A check under way; all is allocated in context. */
typedef struct Check
{
	MemoryContext context;
	List	   *findings;		/* of Finding */
	BytesTable *statements;		/* of findings, with their problems */
	bool		read_only;		/* all in the snapshot of the caller */
	int			done;			/* relations that have been looked at */
	int			total;
	TimestampTz told;			/* when it was last said how far it is */

	/* what is looked at */
	Oid			model;
	const char *relation;
	RelationDesc *desc;
	char		on_delete;		/* as declared, '\0': not said */
	char		on_update;
	const char *defer;			/* or NULL */
	bool		readable;		/* may the rows of all its tables be read? */
} Check;

/* check.c */
extern List *run_check(Oid nspid, bool read_only);
extern void put_finding(ReturnSetInfo *rsinfo, const Finding *finding);
extern void add_finding(Check *check, const char *problem, Severity severity, const char *statement,
						List *code_of, Mender mender, const char *detail,...) pg_attribute_printf(7, 8);
extern void check_progress(Check *check, const char *what, Oid relid);
extern char **check_query_row(Check *check, const char *sql);
extern char *call_statement(const char *function, Oid relid, const char *name);

/* the code_of of a statement that runs no code of any owner */
#define NO_CODE NIL

/* check_schema.c */
extern bool table_exists(Oid relid);
extern bool columns_there(Oid relid, List *columns, const char **missing);
extern void check_relation_schema(Check *check);

/* check_morph.c */
extern MorphType *check_morph_type(Check *check, RelationStep *step);
extern void check_morph(Check *check);

/* check_rows.c */
extern bool rows_readable(Check *check, List *relids);
extern void check_orphans(Check *check, RelationStep *step);
extern void check_unique(Check *check, Oid relid, List *columns, bool deletable);
extern void check_counter(Check *check);
extern void check_unknown_types(Check *check, MorphType *type, const char *unknown);

/* check_view.c */
extern void check_views(Check *check, Oid nspid);

/* check_catalog.c */
extern void check_event_triggers(Check *check);
extern void check_extension_schema(Check *check);
extern void check_disabled_triggers(Check *check, Oid nspid);
extern void check_models(Check *check, Oid nspid);
extern void check_pending(Check *check, Oid nspid);

#endif							/* RELATIONS_CHECK_H */
