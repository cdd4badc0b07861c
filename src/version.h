/*
 * version.h
 *	  The library, and the version of the SQL face that it was made for.
 */
#ifndef RELATIONS_VERSION_H
#define RELATIONS_VERSION_H

extern const char *extension_version(void);
extern bool version_fits(void);
extern void require_version(void);

#endif							/* RELATIONS_VERSION_H */
