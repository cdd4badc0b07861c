/*
 * factory_document.c
 *	  The rows that a factory made -> documents.
 */
#include "relations.h"

#include "miscadmin.h"

#include "factory.h"

static void write_row(DocBuffer *buf, FactoryNode *node, int64 row, int64 link);

/* The level that a row's document shows under a relation as one object. */
static FactoryNode *
single_level(FactoryNode *node, RelationDesc *relation)
{
	ListCell   *lc;

	foreach(lc, node->parents)
	{
		FactoryNode *parent = lfirst(lc);

		if (parent->named && parent->relation == relation)
			return parent;
	}
	foreach(lc, node->children)
	{
		if (((FactoryNode *) lfirst(lc))->relation == relation)
			return lfirst(lc);
	}
	elog(ERROR, "relation \"%s\" has no level", relation->name);
}

static void
write_array(DocBuffer *buf, FactoryNode *child, int64 row)
{
	ContainerState array;

	doc_begin_array(buf, &array, (uint32) (child->first[row + 1] - child->first[row]));
	for (int64 link = child->first[row]; link < child->first[row + 1]; link++)
	{
		Size		member = buf->len;

		write_row(buf, child, child->place != NULL ? child->place[link] : link, link);
		doc_end_member(buf, &array, member);
	}
}

/* What the document of a row has under one relation. */
static void
write_nested(DocBuffer *buf, ContainerState *state, FactoryNode *node, int64 row, RelationDesc *relation)
{
	FactoryNode *level = single_level(node, relation);
	Size		base = buf->len;
	int64		inner;

	if (level->role == NODE_CHILD && !RELATION_IS_TO_ONE(relation->kind))
	{
		write_array(buf, level, row);
		doc_end_member(buf, state, base);
		return;
	}
	if (level->role == NODE_PARENT)
		inner = level->place[row];
	else
		inner = level->first[row] < level->first[row + 1] ? level->first[row] : -1;
	if (inner < 0)
		doc_add_null(buf, state);
	else
	{
		write_row(buf, level, inner, inner);
		doc_end_member(buf, state, base);
	}
}

/* A row; link is that of the pivot that led to it. */
static void
write_row(DocBuffer *buf, FactoryNode *node, int64 row, int64 link)
{
	WriteShape *shape = node->shape;
	ObjectTemplate *tpl = &shape->tpl;
	StagedRow  *staged = node->staged[row];
	ContainerState state;
	JEntry	   *entries;
	const char *data;

	if (tpl->nrelations == 0)
	{
		doc_leaf_object(buf, tpl, staged);
		return;
	}
	check_stack_depth();
	entries = STAGED_ENTRIES(staged, tpl);
	data = STAGED_DATA(staged, tpl);
	doc_begin_object(buf, &state, tpl);
	for (int i = 0; i < tpl->npairs; i++)
	{
		int			relation = ~tpl->source[i];
		Size		base = buf->len;

		if (tpl->source[i] >= 0)
			data = doc_add_scalar(buf, &state, *entries++, data);
		else if (relation == list_length(shape->relations))
		{
			write_row(buf, node->pivot, link, link);
			doc_end_member(buf, &state, base);
		}
		else
			write_nested(buf, &state, node, row, list_nth(shape->relations, relation));
	}
}

/* The document of a row of the root, in the current memory context. */
Jsonb *
factory_document(FactoryRun *run, int64 row)
{
	DocBuffer	buf;

	doc_init(&buf, 512, &jsonb_format);
	write_row(&buf, run->root, row, row);
	return DatumGetJsonbP(doc_finish(&buf));
}
