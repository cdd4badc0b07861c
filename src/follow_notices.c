/*
 * follow_notices.c
 *	  Notices about rows of the catalog that followed a change.
 *
 * They are collected while rows are processed in the order in which these are
 * stored, and raised in an order that a reader expects.
 */
#include "relations.h"

#include "follow.h"

/* Remember a notice, see FollowNoticeKind for the names; they are copied. */
void
row_notice(FollowRow *row, FollowNoticeKind kind, const char *first, const char *second,
		   const char *third, const char *fourth)
{
	FollowNotice *notice = palloc0(sizeof(FollowNotice));

	notice->kind = kind;
	notice->names[0] = pstrdup(first);
	notice->names[1] = pstrdup(second);
	notice->names[2] = third == NULL ? "" : pstrdup(third);
	notice->names[3] = fourth == NULL ? "" : pstrdup(fourth);
	row->notices = lappend(row->notices, notice);
}

/* Order by kind, then by model, then by what belongs to it. */
static int
compare_notices(const ListCell *a, const ListCell *b)
{
	const FollowNotice *left = lfirst(a);
	const FollowNotice *right = lfirst(b);
	int			order[] = {1, 0, 2};
	int			result = (int) left->kind - (int) right->kind;

	for (int i = 0; result == 0 && i < (int) lengthof(order); i++)
		result = strcmp(left->names[order[i]], right->names[order[i]]);
	return result;
}

static void
raise_notice(const FollowNotice *notice)
{
	const char *const *names = notice->names;

	switch (notice->kind)
	{
		case NOTICE_RELATION_DROPPED:
			ereport(NOTICE,
					(errmsg("relation \"%s\" of model \"%s\" is dropped with what it stands on",
							names[0], names[1])));
			break;
		case NOTICE_COLUMN_DROPPED:
			ereport(NOTICE,
					(errmsg("relation \"%s\" of model \"%s\" goes on without column \"%s\" of \"%s\"",
							names[0], names[1], names[2], names[3])));
			break;
		case NOTICE_FACTORY_COLUMN:
			ereport(NOTICE,
					(errmsg("the factory of \"%s\" goes on without column \"%s\"", names[1], names[0])));
			break;
		case NOTICE_STATE_COLUMN:
			ereport(NOTICE,
					(errmsg("states of the factory of \"%s\" go on without column \"%s\"", names[1], names[0])));
			break;
		case NOTICE_RELATION_ENFORCED:
			ereport(NOTICE,
					(errmsg("relation \"%s\" of model \"%s\" is no longer enforced", names[0], names[1])));
			break;
		case NOTICE_TYPE_ENFORCED:
			ereport(NOTICE,
					(errmsg("type \"%s\" of polymorphic reference \"%s\" of \"%s\" is no longer enforced",
							names[0], names[2], names[1])));
			break;
	}
}

/* Raise the notices, a list of FollowNotice, each of them once. */
void
raise_follow_notices(List *notices)
{
	const FollowNotice *last = NULL;
	ListCell   *lc;

	list_sort(notices, compare_notices);
	foreach(lc, notices)
	{
		FollowNotice *notice = lfirst(lc);

		if (last == NULL || last->kind != notice->kind || strcmp(last->names[0], notice->names[0]) != 0 ||
			strcmp(last->names[1], notice->names[1]) != 0 || strcmp(last->names[2], notice->names[2]) != 0)
			raise_notice(notice);
		last = notice;
	}
}
