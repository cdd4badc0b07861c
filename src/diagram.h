/*
 * diagram.h
 *	  Models and relations as a picture shows them.
 */
#ifndef RELATIONS_DIAGRAM_H
#define RELATIONS_DIAGRAM_H

#include "catalog.h"
#include "lib/stringinfo.h"

typedef struct DiagramColumn
{
	char	   *name;
	char	   *type;
	bool		primary;
	bool		foreign;
	bool		unique;			/* by itself */
} DiagramColumn;

typedef struct DiagramModel
{
	Oid			relid;
	char	   *name;			/* with its schema, where it is another */
	bool		pivot;
	List	   *columns;		/* of DiagramColumn */
} DiagramModel;

/* One foreign key, with the relations that go over it; or one through. */
typedef struct DiagramEdge
{
	DiagramModel *parent;		/* what is referred to; of a through: the model */
	DiagramModel *child;
	List	   *parent_columns;
	List	   *child_columns;
	bool		through;
	bool		enforced;		/* by a foreign key */
	bool		required;		/* a child has a parent */
	bool		single;			/* a parent has one child at most */
	List	   *names;			/* of the relations, */
	List	   *kinds;			/* and what they are */
	int			forward;		/* how many of them start from the parent */
} DiagramEdge;

typedef struct Diagram
{
	List	   *models;
	List	   *edges;
} Diagram;

extern char *diagram_mermaid(Diagram *diagram);
extern char *diagram_dot(Diagram *diagram);

#endif							/* RELATIONS_DIAGRAM_H */
