/*
 * discover.h
 *	  The relations that existing foreign keys imply, and their names.
 */
#ifndef RELATIONS_DISCOVER_H
#define RELATIONS_DISCOVER_H

#include "bytes_table.h"
#include "catalog_write.h"
#include "constraint.h"

/* A relation that a foreign key implies, or the two of a pivot. */
typedef struct Implied
{
	RelationRow row;
	ForeignKey *fk;				/* of a pivot: the one to the model */
	ForeignKey *related_fk;		/* of a pivot: the one to the related model */
	bool		alone;			/* nothing else joins the two tables so */
	bool		registered;		/* in the catalog, under row.name */
	char	   *sort_key;
} Implied;

/*
 * What is known while relations are found and named.  Everything is looked up
 * in hash tables: a schema has thousands of tables, and all of them may refer
 * to one.
 */
typedef struct Discovery
{
	StringInfoData key;			/* for look-ups */
	struct HTAB *models;		/* of DiscoveredModel, by OID */
	BytesTable *registered;		/* RelationDesc by model, kind and keys */
	BytesTable *names;			/* NameUse by model and name */
	BytesTable *stems;			/* how many many_to_many have one: an intptr_t */
} Discovery;

/* A table that is a model. */
typedef struct DiscoveredModel
{
	Oid			relid;			/* must be first */
	char	   *name;
	char	   *singular;
	char	   *qualified;		/* by which relations are sorted */
} DiscoveredModel;

extern DiscoveredModel *discovered_model(Discovery *discovery, Oid relid);
extern void discovery_name(Discovery *discovery, List *all);
extern void discovery_take_name(Discovery *discovery, Oid model, const char *name);

#endif							/* RELATIONS_DISCOVER_H */
