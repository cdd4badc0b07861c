/*
 * follow.h
 *	  Changes of tables, constraints, indexes and enums that the catalog
 *	  follows.
 */
#ifndef RELATIONS_FOLLOW_H
#define RELATIONS_FOLLOW_H

#include "relations.h"

#include "access/htup.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

typedef enum ChangeKind
{
	CHANGE_RENAMED_COLUMN,
	CHANGE_DROPPED_COLUMN,
	CHANGE_RENAMED_FOREIGN_KEY,
	CHANGE_RENAMED_INDEX,		/* or a constraint that is no foreign key */
	CHANGE_DROPPED_CONSTRAINT,
	CHANGE_DROPPED_INDEX,
	CHANGE_RENAMED_VALUE,		/* of an enum */
	CHANGE_HIDDEN_COLUMN,		/* no document shows it */
	CHANGE_DROPPED_TYPE			/* of polymorphic references of these tables */
} ChangeKind;

typedef struct CatalogChange
{
	ChangeKind	kind;
	List	   *relids;			/* tables that have it; of an enum: tables with
								 * columns of its type */
	Oid			enum_type;		/* or InvalidOid */
	const char *old_name;
	const char *new_name;		/* NULL of what is dropped */
} CatalogChange;

/* A notice about a row that followed a change, see follow_notices.c. */
typedef enum FollowNoticeKind
{
	NOTICE_RELATION_DROPPED,	/* relation, model */
	NOTICE_COLUMN_DROPPED,		/* relation, model, column, table */
	NOTICE_FACTORY_COLUMN,		/* column, model */
	NOTICE_STATE_COLUMN,		/* column, model */
	NOTICE_RELATION_ENFORCED,	/* relation, model */
	NOTICE_TYPE_ENFORCED		/* type, model, morph */
} FollowNoticeKind;

typedef struct FollowNotice
{
	FollowNoticeKind kind;
	const char *names[4];
} FollowNotice;

/* A row of a table of the catalog while it follows changes. */
typedef struct FollowRow
{
	const struct FollowedTable *table;
	Oid			model;			/* its key as stored, see FollowedTable */
	const char *name;			/* or "" */
	const char *type;			/* or "" */
	TupleDesc	desc;
	Datum	   *values;
	bool	   *nulls;
	bool	   *changed;		/* columns that have another value now */
	bool		is_changed;		/* any of them, or deleted */
	bool		deleted;		/* the row must be deleted */
	bool		skip_scope;		/* the scope cannot mention the tables */
	List	   *notices;		/* of FollowNotice */
} FollowRow;

#define MOST_MENTIONS 4

/* A table of the catalog whose rows follow changes. */
typedef struct FollowedTable
{
	const char *name;
	const char *key[3];			/* the columns of its primary key: an OID, a
								 * name and a text, NULL for none */
	const char *mentions[MOST_MENTIONS];	/* the columns that mention tables */
	void		(*apply) (FollowRow *row, const CatalogChange *change);
} FollowedTable;

/* follow.c */
extern const FollowedTable *followed_table(const char *name);
extern void follow_changes(List *changes);
extern void follow_changes_carefully(List *changes);
extern void follow_pending_changes(void);

/* follow_row.c */
extern FollowRow *follow_row_read(const FollowedTable *table, HeapTuple tup, TupleDesc desc);
extern HeapTuple follow_row_tuple(FollowRow *row, HeapTuple original);
extern void follow_row_store(FollowRow *row, ItemPointer tid);
extern Oid	row_oid(FollowRow *row, const char *column);
extern bool row_bool(FollowRow *row, const char *column);
extern const char *row_name(FollowRow *row, const char *column);
extern char *row_text(FollowRow *row, const char *column);
extern List *row_names(FollowRow *row, const char *column);
extern Jsonb *row_jsonb(FollowRow *row, const char *column);
extern void row_set_bool(FollowRow *row, const char *column, bool value);
extern void row_set_name(FollowRow *row, const char *column, const char *value);
extern void row_set_text(FollowRow *row, const char *column, const char *value);
extern void row_set_names(FollowRow *row, const char *column, List *names);
extern void row_set_jsonb(FollowRow *row, const char *column, Jsonb *value);
extern void row_delete(FollowRow *row);
extern bool row_rename(FollowRow *row, const char *column, const CatalogChange *change);
extern bool row_rename_in(FollowRow *row, const char *column, const CatalogChange *change);
extern bool column_is_of_enum(Oid relid, const char *column, Oid enum_type);
extern bool row_remove_from(FollowRow *row, const char *column, const char *name);

/* follow_notices.c */
extern void row_notice(FollowRow *row, FollowNoticeKind kind, const char *first, const char *second,
					   const char *third, const char *fourth);
extern void raise_follow_notices(List *notices);

/* follow_relation.c */
extern void relation_follow(FollowRow *row, const CatalogChange *change);
extern void model_follow(FollowRow *row, const CatalogChange *change);

/* morph_watch.c */
extern void morph_type_follow(FollowRow *row, const CatalogChange *change);

/* factory_watch.c */
extern void factory_follow(FollowRow *row, const CatalogChange *change);

#endif							/* RELATIONS_FOLLOW_H */
