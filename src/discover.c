/*
 * discover.c
 *	  The relations that existing foreign keys imply.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/lsyscache.h"

#include "arguments.h"
#include "catalog.h"
#include "constraint.h"
#include "declare.h"
#include "inflect.h"

PG_FUNCTION_INFO_V1(relations_discover);

/* One end of a foreign key, as a relation. */
typedef struct Proposal
{
	Oid			model;
	char	   *name;
	RelationKind kind;
	Oid			related;
	ForeignKey *fk;
	bool		registered;
} Proposal;

/* The foreign keys of a schema's tables; those of partitions are left out. */
static List *
schema_foreign_keys(Oid nspid)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = OIDOID;
	Datum		arg = ObjectIdGetDatum(nspid);
	List	   *result = NIL;

	SPI_connect();
	SPI_execute_with_args("SELECT DISTINCT o.conrelid, o.confrelid, c.relname, p.relname"
						  " FROM pg_catalog.pg_constraint o"
						  " JOIN pg_catalog.pg_class c ON c.oid = o.conrelid"
						  " JOIN pg_catalog.pg_class p ON p.oid = o.confrelid"
						  " WHERE o.contype = 'f' AND o.conparentid = 0"
						  " AND c.relnamespace = $1 AND NOT c.relispartition"
						  " ORDER BY c.relname, p.relname, o.conrelid, o.confrelid",
						  1, &type, &arg, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			child = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		Oid			parent = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = list_concat(result, foreign_keys_between(child, parent));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/*
 * What a foreign key's column says of the row that it points to: customer_id
 * and customerId say customer.  The column itself when it has no such ending.
 */
static char *
column_stem(ForeignKey *fk)
{
	char	   *column = llast(fk->child_columns);
	const char *endings[4];
	size_t		length = strlen(column);

	endings[0] = psprintf("_%s", (char *) llast(fk->parent_columns));
	endings[1] = "_id";
	endings[2] = "Id";
	endings[3] = "_fk";
	for (int i = 0; i < (int) lengthof(endings); i++)
	{
		size_t		n = strlen(endings[i]);

		if (length > n && strcmp(column + length - n, endings[i]) == 0)
			return pnstrdup(column, length - n);
	}
	return column;
}

/* May the model have a relation of that name, besides those proposed? */
static bool
name_is_free(Oid model, const char *name, List *proposals)
{
	ListCell   *lc;

	if (strlen(name) >= NAMEDATALEN || get_attnum(model, name) > 0 ||
		catalog_find_relation(model, name) != NULL)
		return false;
	foreach(lc, proposals)
	{
		Proposal   *other = lfirst(lc);

		if (other->model == model && strcmp(other->name, name) == 0)
			return false;
	}
	return true;
}

/* The first of some names that is free; numbered when none is. */
static char *
choose_name(Oid model, List *names, List *proposals)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (name_is_free(model, lfirst(lc), proposals))
			return lfirst(lc);
	}
	for (int i = 2;; i++)
	{
		char	   *name = psprintf("%.*s_%d", NAMEDATALEN - 12, (char *) linitial(names), i);

		if (name_is_free(model, name, proposals))
			return name;
	}
}

/* Is one end of a foreign key registered?  Then under which name. */
static char *
registered_name(Proposal *proposal)
{
	ListCell   *lc;

	foreach(lc, catalog_relations_of(proposal->model))
	{
		RelationDesc *desc = lfirst(lc);

		if (desc->related == proposal->related &&
			(desc->kind == RELATION_BELONGS_TO) == (proposal->kind == RELATION_BELONGS_TO) &&
			same_columns(desc->foreign_key, proposal->fk->child_columns) &&
			same_columns(desc->local_key, proposal->fk->parent_columns))
		{
			proposal->kind = desc->kind;
			return desc->name;
		}
	}
	return NULL;
}

/* The relation of a child to its parent. */
static Proposal *
propose_parent(ForeignKey *fk, List *proposals)
{
	Proposal   *proposal = palloc0(sizeof(Proposal));
	char	   *stem = column_stem(fk);
	char	   *parent = singular_of(get_rel_name(fk->parent));

	proposal->model = fk->child;
	proposal->related = fk->parent;
	proposal->kind = RELATION_BELONGS_TO;
	proposal->fk = fk;
	proposal->name = registered_name(proposal);
	proposal->registered = proposal->name != NULL;
	if (!proposal->registered)
	{
		/* a column that only says what it is for keeps saying so */
		bool		plain = strcmp(stem, llast(fk->child_columns)) == 0;
		List	   *names = plain
			? list_make3(psprintf("%s_%s", stem, parent), parent, psprintf("%s_row", stem))
			: list_make3(stem, parent, psprintf("%s_%s", stem, parent));

		/* of several columns none speaks for all */
		if (list_length(fk->child_columns) > 1)
			names = lcons(parent, names);
		proposal->name = choose_name(fk->child, names, proposals);
	}
	return proposal;
}

/* The relation of a parent to its children. */
static Proposal *
propose_children(ForeignKey *fk, bool several, List *proposals)
{
	Proposal   *proposal = palloc0(sizeof(Proposal));
	char	   *table = get_rel_name(fk->child);

	proposal->model = fk->parent;
	proposal->related = fk->child;
	proposal->kind = find_unique(fk->child, fk->child_columns) != NULL
		? RELATION_HAS_ONE : RELATION_HAS_MANY;
	proposal->fk = fk;
	proposal->name = registered_name(proposal);
	proposal->registered = proposal->name != NULL;
	if (!proposal->registered)
	{
		char	   *plain = proposal->kind == RELATION_HAS_ONE ? singular_of(table) : plural_of(table);
		char	   *by = psprintf("%s_by_%s", plain, column_stem(fk));

		proposal->name = choose_name(fk->parent,
									 several ? list_make2(by, plain) : list_make2(plain, by),
									 proposals);
	}
	return proposal;
}

static int
compare_proposals(const ListCell *a, const ListCell *b)
{
	Proposal   *pa = lfirst(a);
	Proposal   *pb = lfirst(b);
	int			cmp = strcmp(get_rel_name(pa->model), get_rel_name(pb->model));

	return cmp != 0 ? cmp : strcmp(pa->name, pb->name);
}

/* The catalog row of a relation that is registered, into the result. */
static void
put_registered(ReturnSetInfo *rsinfo, Proposal *proposal)
{
	Oid			types[2] = {REGCLASSOID, TEXTOID};
	Datum		values[2];

	values[0] = ObjectIdGetDatum(proposal->model);
	values[1] = CStringGetTextDatum(proposal->name);
	SPI_connect();
	SPI_execute_with_args("SELECT * FROM relations.relation WHERE model = $1 AND relation = $2::pg_catalog.name",
						  2, types, values, NULL, false, 1);
	if (SPI_processed == 1)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[0]);
	SPI_finish();
}

/* What the catalog row of a relation would be, into the result. */
static void
put_proposed(ReturnSetInfo *rsinfo, Proposal *proposal)
{
	Datum		values[16] = {0};
	bool		nulls[16];
	NameData	name;
	NameData	constraint;

	memset(nulls, true, sizeof(nulls));
	namestrcpy(&name, proposal->name);
	namestrcpy(&constraint, proposal->fk->name);
	values[0] = ObjectIdGetDatum(proposal->model);
	values[1] = NameGetDatum(&name);
	values[2] = CStringGetTextDatum(relation_kind_name(proposal->kind));
	values[3] = ObjectIdGetDatum(proposal->related);
	values[4] = name_list_to_array(proposal->fk->parent_columns);
	values[5] = name_list_to_array(proposal->fk->child_columns);
	values[10] = BoolGetDatum(true);
	values[11] = BoolGetDatum(true);
	values[12] = NameGetDatum(&constraint);
	nulls[0] = nulls[1] = nulls[2] = nulls[3] = nulls[4] = nulls[5] = false;
	nulls[10] = nulls[11] = nulls[12] = false;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * Both ends of every foreign key of a schema, in the order of their models'
 * and their own names.  With register those that are new are registered.
 */
Datum
relations_discover(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		register_new = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	List	   *foreign_keys;
	List	   *proposals = NIL;
	ListCell   *lc;

	require_argument(fcinfo, 0, "schema");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreign_keys = schema_foreign_keys(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));

	foreach(lc, foreign_keys)
		proposals = lappend(proposals, propose_parent(lfirst(lc), proposals));
	foreach(lc, foreign_keys)
	{
		ForeignKey *fk = lfirst(lc);
		bool		several = list_length(foreign_keys_between(fk->child, fk->parent)) > 1;

		proposals = lappend(proposals, propose_children(fk, several, proposals));
	}
	list_sort(proposals, compare_proposals);
	foreach(lc, proposals)
	{
		Proposal   *proposal = lfirst(lc);

		if (register_new && !proposal->registered)
		{
			declare_existing(proposal->model, proposal->name, proposal->kind, proposal->fk);
			proposal->registered = true;
		}
		if (proposal->registered)
			put_registered(rsinfo, proposal);
		else
			put_proposed(rsinfo, proposal);
	}
	return (Datum) 0;
}
