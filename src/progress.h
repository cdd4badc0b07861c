/*
 * progress.h
 *	  Long work says what it is about to do.
 */
#ifndef RELATIONS_PROGRESS_H
#define RELATIONS_PROGRESS_H

extern void tell_long_work(const char *doing, Oid relid);

#endif							/* RELATIONS_PROGRESS_H */
