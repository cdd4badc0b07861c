/*
 * read_spool.c
 *	  Staged rows by partition, in bounded memory.
 *
 * Rows come in any order, each for one partition, and are read back partition
 * by partition in the order in which they came.  A partition is a list of
 * chunks; rows are added to the last one.  When the chunks take more memory
 * than they may, those that are full go to a temporary file, one after the
 * other, and come back when their partition is read.
 *
 * The file ends with the resource owner under which it was begun, as all
 * temporary files do, and counts against temp_file_limit.
 */
#include "relations.h"

#include "commands/tablespace.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "read_spool.h"

/* chunks are taken in blocks of up to this size */
#define LARGEST_BLOCK ((Size) 1024 * 1024)

/*
 * A spool in a memory context of its own below parent.  chunk_size is a
 * multiple of eight.
 */
Spool *
spool_create(MemoryContext parent, Size chunk_size, Size budget)
{
	MemoryContext context = AllocSetContextCreate(parent, "relations read spool",
												  ALLOCSET_DEFAULT_SIZES);
	Spool	   *spool = MemoryContextAllocZero(context, sizeof(Spool));

	spool->context = context;
	spool->chunk_size = chunk_size;
	spool->budget = budget;
	return spool;
}

/* The partition with this number; numbers begin at 0 and come without gaps. */
SpoolPart *
spool_part(Spool *spool, uint32 number)
{
	SpoolPart  *part;

	if (likely(number < spool->nparts))
		return spool->parts[number];
	Assert(number == spool->nparts);
	if (spool->nparts == spool->capacity)
	{
		spool->capacity = Max(spool->capacity * 2, 64);
		spool->parts = spool->parts == NULL
			? MemoryContextAlloc(spool->context, sizeof(SpoolPart *) * spool->capacity)
			: repalloc(spool->parts, sizeof(SpoolPart *) * spool->capacity);
	}
	part = MemoryContextAllocZero(spool->context, sizeof(SpoolPart));
	part->spool = spool;
	spool->parts[spool->nparts++] = part;
	return part;
}

/* Memory of a chunk of the common size. */
static char *
take_chunk(Spool *spool)
{
	char	   *chunk = spool->free_chunks;

	if (chunk == NULL)
	{
		Size		n = Max(Min(LARGEST_BLOCK, spool->budget / 16) / spool->chunk_size, 1);
		char	   *block = MemoryContextAlloc(spool->context, n * spool->chunk_size);

		for (Size i = 0; i < n; i++)
		{
			memcpy(block + i * spool->chunk_size, &chunk, sizeof(chunk));
			chunk = block + i * spool->chunk_size;
		}
		spool->in_memory += n * spool->chunk_size;
		Assert(chunk != NULL);
	}
	memcpy(&spool->free_chunks, chunk, sizeof(spool->free_chunks));
	return chunk;
}

static void
give_chunk(Spool *spool, char *data, Size size)
{
	if (size != spool->chunk_size)
	{
		spool->in_memory -= size;
		pfree(data);
		return;
	}
	memcpy(data, &spool->free_chunks, sizeof(spool->free_chunks));
	spool->free_chunks = data;
}

/* Move a chunk's bytes to the file. */
static void
write_chunk(Spool *spool, SpoolChunk *chunk)
{
	Size		done = 0;

	if (!spool->has_file)
	{
		PrepareTempTablespaces();
		spool->file = OpenTemporaryFile(false);
		spool->has_file = true;
	}
	chunk->place = spool->file_size;
	while (done < chunk->used)
	{
		int			n = FileWrite(spool->file, chunk->data + done, (int) (chunk->used - done),
								  spool->file_size, WAIT_EVENT_BUFFILE_WRITE);

		if (n <= 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write to file \"%s\": %m", FilePathName(spool->file))));
		done += n;
		spool->file_size += n;
	}
	give_chunk(spool, chunk->data, chunk->size);
	chunk->data = NULL;
}

/* A partition's last chunk has no room for n bytes: begin another one. */
void
spool_reserve_slow(SpoolPart *part, Size n)
{
	Spool	   *spool = part->spool;
	Size		size = spool->chunk_size;
	char	   *data;

	if (part->nchunks > 0)
	{
		SpoolChunk *full = &part->chunks[part->nchunks - 1];

		full->used = part->pos - full->data;
		if (spool->in_memory > spool->budget)
			write_chunk(spool, full);
	}
	if (n > size)
	{
		/* such a row has a chunk for itself */
		size = n;
		data = MemoryContextAllocHuge(spool->context, size);
		spool->in_memory += size;
	}
	else
		data = take_chunk(spool);
	if (part->nchunks == part->capacity)
	{
		part->capacity = Max(part->capacity * 2, 16);
		part->chunks = part->chunks == NULL
			? MemoryContextAlloc(spool->context, sizeof(SpoolChunk) * part->capacity)
			: repalloc_huge(part->chunks, sizeof(SpoolChunk) * part->capacity);
	}
	part->chunks[part->nchunks].data = data;
	part->chunks[part->nchunks].size = size;
	part->chunks[part->nchunks].used = 0;
	part->nchunks++;
	part->pos = data;
	part->end = data + size;
}

/* Read a chunk back from the file. */
static void
read_chunk(Spool *spool, SpoolChunk *chunk)
{
	Size		done = 0;

	if (chunk->size == spool->chunk_size)
		chunk->data = take_chunk(spool);
	else
	{
		chunk->data = MemoryContextAllocHuge(spool->context, chunk->size);
		spool->in_memory += chunk->size;
	}
	while (done < chunk->used)
	{
		int			n = FileRead(spool->file, chunk->data + done, (int) (chunk->used - done),
								 chunk->place + done, WAIT_EVENT_BUFFILE_READ);

		if (n <= 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 n < 0 ? errmsg("could not read file \"%s\": %m", FilePathName(spool->file))
					 : errmsg("could not read file \"%s\": it is too short", FilePathName(spool->file))));
		done += n;
	}
}

/*
 * Give the rows of a partition, chunk by chunk, to take.  They stay in memory
 * until spool_forget.  Nothing can be added to the partition any more.
 */
void
spool_read(Spool *spool, uint32 number, void (*take) (void *arg, char *data, Size size), void *arg)
{
	SpoolPart  *part = spool->parts[number];

	for (uint32 i = 0; i < part->nchunks; i++)
	{
		SpoolChunk *chunk = &part->chunks[i];

		CHECK_FOR_INTERRUPTS();
		if (chunk->data == NULL)
			read_chunk(spool, chunk);
		else if (i == part->nchunks - 1)
			chunk->used = part->pos - chunk->data;
		take(arg, chunk->data, chunk->used);
	}
}

/* Let go of the memory of a partition that has been read. */
void
spool_forget(Spool *spool, uint32 number)
{
	SpoolPart  *part = spool->parts[number];

	for (uint32 i = 0; i < part->nchunks; i++)
	{
		if (part->chunks[i].data != NULL)
			give_chunk(spool, part->chunks[i].data, part->chunks[i].size);
	}
	part->nchunks = 0;
}

/* End a spool and its file. */
void
spool_close(Spool *spool)
{
	if (spool->has_file)
		FileClose(spool->file);
	MemoryContextDelete(spool->context);
}
