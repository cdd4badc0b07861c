/*
 * as_owner.h
 *	  Going on with the rights of a table's owner.
 */
#ifndef RELATIONS_AS_OWNER_H
#define RELATIONS_AS_OWNER_H

/* Who the caller is, and which settings are his. */
typedef struct SavedUser
{
	Oid			user;
	int			context;
	int			nest;
} SavedUser;

extern void become_owner(Oid relid, int flags, bool own_schema, SavedUser *saved);
extern void become_again(const SavedUser *saved);

#endif							/* RELATIONS_AS_OWNER_H */
