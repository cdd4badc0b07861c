/*
 * read_spool.h
 *	  Staged rows by partition, in bounded memory.
 */
#ifndef RELATIONS_READ_SPOOL_H
#define RELATIONS_READ_SPOOL_H

#include "relations.h"
#include "storage/fd.h"

/* Rows that stand behind each other, in memory or in the file. */
typedef struct SpoolChunk
{
	char	   *data;			/* NULL: in the file */
	Size		size;			/* bytes that it has room for */
	Size		used;
	off_t		place;			/* in the file */
} SpoolChunk;

typedef struct SpoolPart
{
	char	   *pos;			/* in the last chunk: the next byte */
	char	   *end;
	struct Spool *spool;
	uint32		nchunks;
	uint32		capacity;
	SpoolChunk *chunks;
} SpoolPart;

typedef struct Spool
{
	MemoryContext context;
	Size		chunk_size;
	Size		budget;			/* bytes of chunks that are to stay in memory */
	Size		in_memory;		/* bytes of all chunks, those that are free too */
	void	   *free_chunks;	/* of chunk_size, linked by their first word */
	uint32		nparts;
	uint32		capacity;
	SpoolPart **parts;
	bool		has_file;
	File		file;
	off_t		file_size;
} Spool;

extern Spool *spool_create(MemoryContext parent, Size chunk_size, Size budget);
extern SpoolPart *spool_part(Spool *spool, uint32 number);
extern void spool_reserve_slow(SpoolPart *part, Size n);
extern void spool_read(Spool *spool, uint32 number, void (*take) (void *arg, char *data, Size size),
					   void *arg);
extern void spool_forget(Spool *spool, uint32 number);
extern void spool_close(Spool *spool);

/* Append n bytes, a multiple of eight: so rows stand aligned. */
static inline void
spool_add(SpoolPart *part, const char *row, Size n)
{
	if (unlikely((Size) (part->end - part->pos) < n))
		spool_reserve_slow(part, n);
	memcpy(part->pos, row, n);
	part->pos += n;
}

#endif							/* RELATIONS_READ_SPOOL_H */
