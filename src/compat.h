/*
 * compat.h
 *	  The differences between the supported major versions of PostgreSQL, all
 *	  of them: no other file asks for PG_VERSION_NUM.
 */
#ifndef RELATIONS_COMPAT_H
#define RELATIONS_COMPAT_H

#include "utils/acl.h"
#include "catalog/pg_class.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#else
#define object_ownercheck(classid, objectid, roleid) \
	pg_class_ownercheck(objectid, roleid)
#endif

#endif							/* RELATIONS_COMPAT_H */
