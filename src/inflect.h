/*
 * inflect.h
 *	  English singulars and plurals of table names.
 */
#ifndef RELATIONS_INFLECT_H
#define RELATIONS_INFLECT_H

extern char *singular_of(const char *name);
extern char *plural_of(const char *name);

#endif							/* RELATIONS_INFLECT_H */
