/*
 * guarded.c
 *	  Run work whose errors the caller handles.
 *
 * This file contains the only PG_CATCH() of the extension that does not always
 * re-throw, so that there is one policy for errors that nobody may handle.
 * Such an error does not describe the work but the state of the transaction or
 * of the server: the same work succeeds when the application repeats the
 * transaction, or it must not go on at all.  Handling it would turn a lock
 * timeout into a missed rename.
 */
#include "relations.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "guarded.h"

/* Return whether no caller may handle errors of this SQLSTATE. */
static bool
always_raised(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:	/* 40: serialization, deadlock */
		case ERRCODE_INSUFFICIENT_RESOURCES:	/* 53: memory, disk */
		case ERRCODE_OPERATOR_INTERVENTION: /* 57: cancel, shutdown */
		case ERRCODE_SYSTEM_ERROR:	/* 58: I/O */
		case ERRCODE_INTERNAL_ERROR:	/* XX: corrupted data */
			return true;
		default:
			return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/*
 * Run work in a subtransaction.  Returns NULL if it succeeded.  Otherwise rolls
 * the subtransaction back and returns the error, allocated in the current
 * memory context.  Raises the error instead if no caller may handle it.
 *
 * Variables that work changes through arg keep their values after an error,
 * but memory allocated in the subtransaction's contexts is gone.
 */
ErrorData *
catch_error(void (*work) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && always_raised(error->sqlerrcode))
		ReThrowError(error);
	return error;
}
