/*
 * factory_fake.h
 *	  Text that looks like a name, an address, a sentence.
 */
#ifndef RELATIONS_FACTORY_FAKE_H
#define RELATIONS_FACTORY_FAKE_H

#include "factory_draw.h"

/* One way to make text: what {"fake": name} stands for. */
typedef struct Fake
{
	const char *name;
	/* appends to draw->buf, if it can not more than limit characters */
	void		(*write) (ValueDraw *draw, int limit, bool numbered);
	/* what stands before the number of the row when values must differ, or
	 * NULL: write does it, when it is numbered */
	const char *glue;
	bool		person;			/* of one row, all tell of the same person */
} Fake;

extern const Fake *fake_all(int *n);
extern bool fake_ends_with_number(const Fake *fake);
extern void fake_text(const Fake *fake, ValueDraw *draw, int min_length, int max_length, bool numbered);

/* factory_names.c */
extern const Fake *fake_find(const char *name);
extern List *fake_names(void);
extern const Fake *fake_of_column(const char *column, const char *model);
extern char *fake_plain_name(const char *name);
extern bool fake_name_ends_with(const char *column, const char *const *words);

#endif							/* RELATIONS_FACTORY_FAKE_H */
