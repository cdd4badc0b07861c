/*
 * factory_draw.h
 *	  Numbers that look drawn by lot, and are a function of a seed and a place.
 *
 * A value depends on the seed, the level, the column and the row, and on
 * nothing else: not on the order in which values are made, nor on a version of
 * PostgreSQL or of a library.
 */
#ifndef RELATIONS_FACTORY_DRAW_H
#define RELATIONS_FACTORY_DRAW_H

#include "relations.h"
#include "lib/stringinfo.h"

/* What the value of one column of one row is made from. */
typedef struct ValueDraw
{
	uint64		state;
	int64		number;			/* of the row, from 1 on: no two have the same */
	uint64		key;			/* of the column, the same in all its rows */
	StringInfo	buf;			/* to write text into */
} ValueDraw;

/* The finalizer of splitmix64: a bijection that leaves no pattern. */
static inline uint64
mix64(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The state that a place begins with. */
static inline uint64
draw_state(uint64 seed, uint64 salt, uint64 row)
{
	return mix64(mix64(seed + salt) + row * UINT64CONST(0x9e3779b97f4a7c15));
}

static inline uint64
draw_next(ValueDraw *draw)
{
	return mix64(draw->state += UINT64CONST(0x9e3779b97f4a7c15));
}

/* from 0 on, below n; n is not 0 */
static inline uint64
draw_below(ValueDraw *draw, uint64 n)
{
	return draw_next(draw) % n;
}

/* both ends included */
static inline int64
draw_between(ValueDraw *draw, int64 low, int64 high)
{
	uint64		range = (uint64) high - (uint64) low + 1;

	return range == 0 ? (int64) draw_next(draw) : (int64) ((uint64) low + draw_below(draw, range));
}

/* A bijection of the number: no two rows of a column get the same. */
static inline uint64
draw_unique(ValueDraw *draw)
{
	return mix64((uint64) draw->number + draw->key);
}

/* A number for a name: FNV-1a. */
static inline uint64
draw_salt(uint64 salt, const char *name)
{
	salt ^= UINT64CONST(0xcbf29ce484222325);
	for (; *name != '\0'; name++)
		salt = (salt ^ (unsigned char) *name) * UINT64CONST(0x100000001b3);
	return salt;
}

#endif							/* RELATIONS_FACTORY_DRAW_H */
