/*
 * as_owner.h
 *	  Whose code may run with whose privileges, and switching to the owner of
 *	  a table.
 */
#ifndef RELATIONS_AS_OWNER_H
#define RELATIONS_AS_OWNER_H

/* The user, security context and settings to return to. */
typedef struct SavedUser
{
	Oid			user;
	int			context;
	int			nest;
} SavedUser;

extern bool role_trusted(Oid role, Oid caller);
extern Oid	untrusted_controller(Oid relid, Oid caller);
extern bool relation_trusted(Oid relid, Oid caller);
extern Oid	relation_owner(Oid relid);
extern bool switch_to_owner(Oid relid, Oid writer, SavedUser *saved);
extern void switch_to_role(Oid role, SavedUser *saved);
extern void switch_to_catalog_owner(SavedUser *saved);
extern void restore_user(const SavedUser *saved);

#endif							/* RELATIONS_AS_OWNER_H */
