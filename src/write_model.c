/*
 * write_model.c
 *	  What writing rows of a model needs to know of it, kept for the session.
 *
 * An entry belongs to a table and a role: what the role may see decides what
 * documents show.  It is thrown away when the table, the catalog or a right
 * changes.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "constraint.h"
#include "invalidation.h"
#include "json_value.h"
#include "key_operator.h"
#include "named_objects.h"
#include "write_model.h"
#include "table_lock.h"

/* kept for one model; who has more makes them again */
#define MAX_SHAPES 256

/* shapes of a model that are searched one by one */
#define FEW_SHAPES 8

static MemoryContext cache_context = NULL;
static List *kept_models = NIL; /* of WriteModel */
static Oid	catalog_oids[3];

static void
invalidate_models(Oid relid)
{
	bool		all = !OidIsValid(relid) || relid == catalog_oids[0] ||
		relid == catalog_oids[1] || relid == catalog_oids[2];
	ListCell   *lc;

	foreach(lc, kept_models)
	{
		WriteModel *model = lfirst(lc);

		if (all || model->relid == relid)
			model->valid = false;
	}
}

static void
relcache_callback(pg_attribute_unused() Datum arg, Oid relid)
{
	invalidate_models(relid);
}

static void
syscache_callback(pg_attribute_unused() Datum arg, pg_attribute_unused() int cacheid,
				  pg_attribute_unused() uint32 hashvalue)
{
	invalidate_models(InvalidOid);
}

static void
rename_callback(void)
{
	invalidate_models(InvalidOid);
}

static void
init_cache(void)
{
	if (cache_context != NULL)
		return;
	call_when_table_changed(relcache_callback);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, syscache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, syscache_callback, (Datum) 0);
	call_when_renamed(rename_callback);
	cache_context = AllocSetContextCreate(CacheMemoryContext, "relations write models",
										  ALLOCSET_DEFAULT_SIZES);
}

static WriteMember *
add_member(WriteModel *model, const char *name)
{
	NameData	key;
	WriteMember *member;
	bool		found;

	namestrcpy(&key, name);
	member = hash_search(model->members, &key, HASH_ENTER, &found);
	if (!found)
	{
		member->column = member->named_column = -1;
		member->relation = NULL;
	}
	return member;
}

static void
init_columns(WriteModel *model)
{
	Relation	rel = peek_table(model->relid);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		all_visible = pg_class_aclcheck(model->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;

	model->ncolumns = desc->natts;
	model->columns = palloc0(sizeof(WriteColumn) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		WriteColumn *column = &model->columns[i];
		WriteMember *member;

		if (att->attisdropped)
			continue;
		column->name = pstrdup(NameStr(att->attname));
		column->type = att->atttypid;
		column->typmod = att->atttypmod;
		column->collation = att->attcollation;
		column->base = getBaseType(att->atttypid);
		column->len = att->attlen;
		column->byval = att->attbyval;
		column->generated = att->attgenerated != '\0' || att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
		member = add_member(model, column->name);
		member->column = member->named_column = i;
		if ((all_visible ||
			 pg_attribute_aclcheck(model->relid, att->attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK) &&
			!list_has_name(model->desc->hidden, column->name))
		{
			column->shown = true;
			model->shown = lappend(model->shown, column->name);
		}
	}
	RelationClose(rel);
}

static WriteModel *
make_model(Oid relid)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "relations write model",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	WriteModel *model = palloc0(sizeof(WriteModel));
	HASHCTL		ctl;
	ListCell   *lc;

	catalog_oids[0] = catalog_relation_oid();
	catalog_oids[1] = catalog_model_oid();
	catalog_oids[2] = catalog_morph_type_oid();
	model->context = context;
	model->relid = relid;
	model->name = model_name(relid);
	model->role = GetUserId();
	model->desc = catalog_get_model(relid);
	model->key_unique = key_is_unique(relid, model->desc->primary_key);
	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = NAMEDATALEN;
	ctl.entrysize = sizeof(WriteMember);
	ctl.hcxt = context;
	model->members = hash_create("relations write members", 32, &ctl,
								 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	init_columns(model);
	model->relations = catalog_relations_of(relid);
	foreach(lc, model->relations)
	{
		RelationDesc *relation = lfirst(lc);
		WriteMember *member = add_member(model, relation->name);

		require_types(relation);
		/* in a document the relation hides a column that was renamed to its name */
		member->column = -1;
		member->relation = relation;
	}
	model->valid = true;
	MemoryContextSwitchTo(old);
	return model;
}

static void
free_shape(WriteShape *shape)
{
	SPIPlanPtr	plans[] = {shape->insert_one, shape->insert_many, shape->lookup_one, shape->lookup_many};

	for (int i = 0; i < (int) lengthof(plans); i++)
	{
		if (plans[i] != NULL)
			SPI_freeplan(plans[i]);
	}
}

static void
trim_models(void)
{
	List	   *doomed = NIL;
	ListCell   *lc;

	foreach(lc, kept_models)
	{
		WriteModel *model = lfirst(lc);

		if (model->refcount == 0 && (!model->valid || list_length(model->shapes) > MAX_SHAPES))
			doomed = lappend(doomed, model);
	}
	foreach(lc, doomed)
	{
		WriteModel *model = lfirst(lc);
		ListCell   *s;

		kept_models = list_delete_ptr(kept_models, model);
		foreach(s, model->shapes)
			free_shape(lfirst(s));
		MemoryContextDelete(model->context);
	}
	list_free(doomed);
}

/* Return the valid entry of a table for the current role, or NULL. */
static WriteModel *
find_kept(Oid relid)
{
	ListCell   *lc;

	foreach(lc, kept_models)
	{
		WriteModel *model = lfirst(lc);

		if (model->relid == relid && model->role == GetUserId() && model->valid &&
			list_length(model->shapes) <= MAX_SHAPES)
			return model;
	}
	return NULL;
}

/*
 * Return the entry of a table for the current role; it is the caller's until
 * write_model_release.  The table is locked as an INSERT would lock it, as far as
 * the role may do that; see lock_table_for_writing().
 */
WriteModel *
write_model_acquire(Oid relid)
{
	WriteModel *model;
	LOCKMODE	lockmode = NoLock;
	MemoryContext old;

	init_cache();
	/* privileges were checked when the entry was made: it belongs to the role */
	model = find_kept(relid);
	if (model != NULL)
	{
		/* that is when we hear of changes by others, who may have revoked them */
		if (model->lockmode != NoLock)
			LockRelationOid(relid, model->lockmode);
		if (!model->valid)
			model = NULL;
	}
	if (model == NULL)
	{
		lockmode = lock_table_for_writing(relid);
		model_check(relid);
		model = find_kept(relid);
	}
	if (model != NULL)
	{
		model->refcount++;
		return model;
	}
	trim_models();
	model = make_model(relid);
	model->lockmode = lockmode;
	MemoryContextSetParent(model->context, cache_context);
	old = MemoryContextSwitchTo(cache_context);
	kept_models = lcons(model, kept_models);
	MemoryContextSwitchTo(old);
	model->refcount++;
	return model;
}

void
write_model_release(WriteModel *model)
{
	Assert(model->refcount > 0);
	model->refcount--;
}

/* What a key of a document is; NULL when there is no such column or relation. */
WriteMember *
write_model_member(WriteModel *model, const char *key)
{
	NameData	name;

	if (strlen(key) >= NAMEDATALEN)
		return NULL;
	namestrcpy(&name, key);
	return hash_search(model->members, &name, HASH_FIND, NULL);
}

/*
 * Return the index of a column, also of one that a relation of the same name
 * hides.  Raises undefined_column if the column does not exist.
 */
int
write_model_column(WriteModel *model, const char *name)
{
	WriteMember *member = write_model_member(model, name);

	if (member == NULL || member->named_column < 0)
		undefined_column(model->relid, name, NULL);
	return member->named_column;
}

/* ---------------------------------------------------------------------
 * Shapes
 * ---------------------------------------------------------------------
 */

/* The position of a column among those that are returned; added when missing. */
static int
returned_position(WriteShape *shape, char *name)
{
	ListCell   *lc;

	foreach(lc, shape->returned)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return foreach_current_index(lc);
	}
	shape->returned = lappend(shape->returned, name);
	return list_length(shape->returned) - 1;
}

/* The values of these columns are kept of each row. */
static void
keep_columns(WriteShape *shape, List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		int			position = returned_position(shape, lfirst(lc));
		bool		there = false;

		for (int i = 0; i < shape->nkept; i++)
			there = there || shape->kept[i] == position;
		if (there)
			continue;
		shape->kept = shape->kept == NULL ? palloc(sizeof(int))
			: repalloc(shape->kept, sizeof(int) * (shape->nkept + 1));
		shape->kept[shape->nkept++] = position;
	}
}

/* The key columns of a relation that are on the model's own rows. */
static List *
own_key_columns(RelationDesc *relation)
{
	List	   *result = list_copy(relation->own_columns);
	ListCell   *lc;

	foreach(lc, relation->branches)
		result = list_concat(result, ((RelationDesc *) lfirst(lc))->own_columns);
	return result;
}

static WriteShape *
make_shape(WriteModel *model, int ncolumns, const int *columns, List *relations, List *wanted,
		   List *candidates, bool pivot)
{
	MemoryContext old = MemoryContextSwitchTo(model->context);
	WriteShape *shape = palloc0(sizeof(WriteShape));
	List	   *shown = NIL;
	List	   *keys = NIL;
	int			n = 0;
	ListCell   *lc;

	shape->model = model;
	shape->ncolumns = ncolumns;
	shape->columns = palloc(sizeof(int) * Max(ncolumns, 1));
	if (ncolumns > 0)
		memcpy(shape->columns, columns, sizeof(int) * ncolumns);
	shape->relations = list_copy(relations);
	foreach(lc, wanted)
		shape->wanted = lappend(shape->wanted, pstrdup(lfirst(lc)));
	foreach(lc, relations)
		keys = lappend(keys, ((RelationDesc *) lfirst(lc))->name);
	if (pivot)
		keys = lappend(keys, "pivot");
	foreach(lc, candidates)
	{
		shape->shown = lappend(shape->shown, pstrdup(lfirst(lc)));
		if (!list_has_name(keys, lfirst(lc)))
			shown = lappend(shown, llast(shape->shown));
	}
	shape->pivot = pivot;
	shape->returned = list_copy(shown);
	template_init(&shape->tpl, shown, keys, model->context);
	shape->encoders = palloc0(sizeof(ValueEncoder) * Max(shape->tpl.nvalues, 1));
	shape->positions = palloc(sizeof(int) * Max(shape->tpl.nvalues, 1));
	for (int i = 0; i < shape->tpl.npairs; i++)
	{
		int			column = shape->tpl.source[i];

		if (column < 0)
			continue;
		Assert(column < list_length(shown));
		shape->positions[n] = column;
		encoder_init(&shape->encoders[n],
					 model->columns[write_model_column(model, list_nth(shown, column))].type,
					 model->context);
		n++;
	}
	foreach(lc, relations)
	{
		RelationDesc *relation = lfirst(lc);

		if (relation->kind != RELATION_BELONGS_TO && relation->kind != RELATION_MORPH_TO)
			keep_columns(shape, own_key_columns(relation));
	}
	keep_columns(shape, shape->wanted);
	model->shapes = lappend(model->shapes, shape);
	MemoryContextSwitchTo(old);
	return shape;
}

static bool
same_relations(List *a, List *b)
{
	ListCell   *x;
	ListCell   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
	{
		if (lfirst(x) != lfirst(y))
			return false;
	}
	return true;
}

/* Append what tells shapes of a model apart. */
static void
shape_key(StringInfo key, int ncolumns, const int *columns, List *relations, List *wanted,
		  List *shown, bool pivot)
{
	int			lengths[] = {ncolumns, list_length(relations), list_length(wanted), list_length(shown), pivot};
	ListCell   *lc;

	appendBinaryStringInfo(key, (char *) lengths, sizeof(lengths));
	appendBinaryStringInfo(key, (const char *) columns, sizeof(int) * ncolumns);
	foreach(lc, relations)
		appendBinaryStringInfo(key, (char *) &lfirst(lc), sizeof(void *));
	foreach(lc, wanted)
		key_add_name(key, lfirst(lc));
	foreach(lc, shown)
		key_add_name(key, lfirst(lc));
}

/*
 * The shape of rows that set these columns (indexes, ascending), nest these
 * relations of the model in their documents beside the columns shown (those of
 * the model, or some of them) and perhaps a pivot, and of which the values of
 * wanted columns are needed.  It lives as long as the model.
 */
WriteShape *
write_model_shape(WriteModel *model, int ncolumns, const int *columns, List *relations, List *wanted,
				  List *shown, bool pivot)
{
	StringInfoData key;
	WriteShape *result;
	void	  **value;
	bool		found;

	for (int i = 0; i < Min(list_length(model->shapes), FEW_SHAPES); i++)
	{
		WriteShape *shape = list_nth(model->shapes, i);

		if (shape->ncolumns == ncolumns &&
			(ncolumns == 0 || memcmp(shape->columns, columns, sizeof(int) * ncolumns) == 0) &&
			same_relations(shape->relations, relations) && list_same_names(shape->wanted, wanted) &&
			shape->pivot == pivot && list_same_names(shape->shown, shown))
			return shape;
	}
	if (list_length(model->shapes) < FEW_SHAPES)
		return make_shape(model, ncolumns, columns, relations, wanted, shown, pivot);
	if (model->shape_table == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(model->context);

		model->shape_table = bytes_table_create();
		MemoryContextSwitchTo(old);
	}
	initStringInfo(&key);
	shape_key(&key, ncolumns, columns, relations, wanted, shown, pivot);
	result = bytes_table_find(model->shape_table, &key);
	if (result == NULL)
	{
		/* not entered before it is complete */
		result = make_shape(model, ncolumns, columns, relations, wanted, shown, pivot);
		value = bytes_table_enter(model->shape_table, &key, &found);
		*value = result;
	}
	pfree(key.data);
	return result;
}

/* ---------------------------------------------------------------------
 * Statements
 * ---------------------------------------------------------------------
 */

static SPIPlanPtr
keep_plan(const char *sql, int n, Oid *types, int options)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, n, types, options);

	/* SPI leaves its own, which ends before a run does */
	MemoryContextSwitchTo(context);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	return plan;
}

static void
append_returned(StringInfo sql, WriteShape *shape, const char *alias)
{
	ListCell   *lc;

	foreach(lc, shape->returned)
		appendStringInfo(sql, "%s%s%s", foreach_current_index(lc) > 0 ? ", " : "", alias,
						 quote_identifier(lfirst(lc)));
}

/*
 * Describe WRITE_ROWS: the columns that are set, by their names and types; in
 * shape->rows_desc.
 */
void
write_shape_rows(WriteShape *shape)
{
	MemoryContext old = MemoryContextSwitchTo(shape->model->context);

	shape->rows_desc = CreateTemplateTupleDesc(shape->ncolumns);
	for (int i = 0; i < shape->ncolumns; i++)
	{
		WriteColumn *column = &shape->model->columns[shape->columns[i]];

		TupleDescInitEntry(shape->rows_desc, i + 1, column->name, column->base,
						   column->type == column->base ? column->typmod : -1, 0);
	}
	MemoryContextSwitchTo(old);
}

/*
 * The kept plan that inserts a row of the shape, whose values are its
 * parameters, or with many the rows of WRITE_ROWS, which must be registered
 * with SPI.  Values have the columns' base types, so that the statement applies
 * all checks of domains.
 */
SPIPlanPtr
write_shape_insert(WriteShape *shape, bool many)
{
	SPIPlanPtr *plan = many ? &shape->insert_many : &shape->insert_one;
	StringInfoData sql;
	Oid		   *types;

	if (*plan != NULL)
		return *plan;
	types = palloc(sizeof(Oid) * Max(shape->ncolumns, 1));
	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s", quoted_model_name(shape->model->relid));
	for (int i = 0; i < shape->ncolumns; i++)
	{
		WriteColumn *column = &shape->model->columns[shape->columns[i]];

		types[i] = column->base;
		appendStringInfo(&sql, "%s%s", i == 0 ? " (" : ", ", quote_identifier(column->name));
	}
	if (shape->ncolumns > 0)
		appendStringInfoChar(&sql, ')');
	if (many)
	{
		appendStringInfoString(&sql, " SELECT ");
		for (int i = 0; i < shape->ncolumns; i++)
			appendStringInfo(&sql, "%sr.%s", i > 0 ? ", " : "",
							 quote_identifier(shape->model->columns[shape->columns[i]].name));
		appendStringInfo(&sql, " FROM %s AS r", WRITE_ROWS);
	}
	else if (shape->ncolumns == 0)
		appendStringInfoString(&sql, " DEFAULT VALUES");
	else
	{
		for (int i = 0; i < shape->ncolumns; i++)
			appendStringInfo(&sql, "%s$%d", i == 0 ? " VALUES (" : ", ", i + 1);
		appendStringInfoChar(&sql, ')');
	}
	if (shape->returned != NIL)
	{
		appendStringInfoString(&sql, " RETURNING ");
		append_returned(&sql, shape, "");
	}
	else
		appendStringInfoString(&sql, " RETURNING 1");
	*plan = keep_plan(sql.data, many ? 0 : shape->ncolumns, types, CURSOR_OPT_GENERIC_PLAN);
	return *plan;
}

/*
 * The kept plan that finds a row of the shape by its primary key, whose values
 * are the parameters; with many rows by their primary keys, of which each
 * column is an array.  The first column of the result is the position in the
 * arrays.
 */
SPIPlanPtr
write_shape_lookup(WriteShape *shape, bool many)
{
	SPIPlanPtr *plan = many ? &shape->lookup_many : &shape->lookup_one;
	WriteModel *model = shape->model;
	StringInfoData sql;
	StringInfoData keys;
	StringInfoData condition;
	int			n = list_length(model->desc->primary_key);
	Oid		   *types;
	ListCell   *lc;

	if (*plan != NULL)
		return *plan;
	initStringInfo(&sql);
	initStringInfo(&keys);
	initStringInfo(&condition);
	types = palloc(sizeof(Oid) * Max(n, 1));
	foreach(lc, model->desc->primary_key)
	{
		int			i = foreach_current_index(lc);
		Oid			type = model->columns[write_model_column(model, lfirst(lc))].base;

		types[i] = many ? get_array_type(type) : type;
		appendStringInfo(&keys, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
		appendStringInfo(&condition, "%sc.%s %s %s%d", i > 0 ? " AND " : "",
						 quote_identifier(lfirst(lc)),
						 strategy_operator(type, type, BTEqualStrategyNumber),
						 many ? "k.k" : "$", i + 1);
	}
	appendStringInfoString(&sql, many ? "SELECT k.ord" : "SELECT '1'::pg_catalog.int8");
	if (shape->returned != NIL)
	{
		appendStringInfoString(&sql, ", ");
		append_returned(&sql, shape, "c.");
	}
	if (many)
	{
		appendStringInfo(&sql, " FROM ROWS FROM (%s) WITH ORDINALITY AS k(", keys.data);
		for (int i = 1; i <= n; i++)
			appendStringInfo(&sql, "k%d, ", i);
		appendStringInfo(&sql, "ord) JOIN %s AS c ON %s", quoted_model_name(model->relid), condition.data);
	}
	else
		appendStringInfo(&sql, " FROM %s AS c WHERE %s", quoted_model_name(model->relid), condition.data);
	/* how many keys there are decides which plan is good */
	*plan = keep_plan(sql.data, n, types, many ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN);
	return *plan;
}

/*
 * The datum of a column that a JSON value stands for, in the current memory
 * context.  Raises what the type's input function raises.
 */
Datum
write_column_input(WriteModel *model, int index, JsonbValue *value, bool *isnull)
{
	WriteColumn *column = &model->columns[index];
	char	   *text;

	/* domains may refuse nulls: their input functions check them, too */
	*isnull = value->type == jbvNull;
	if (*isnull && column->type == column->base)
		return (Datum) 0;
	/* strings and numbers are read as literals; all else takes the long way */
	if (!*isnull && ((value->type != jbvString && value->type != jbvNumeric) ||
					 column->base == JSONOID || column->base == JSONBOID))
		return json_value_to_datum(value, column->type, column->typmod, isnull);
	if (*isnull)
		text = NULL;
	else if (value->type == jbvString)
	{
		if (column->type == TEXTOID)
			return PointerGetDatum(cstring_to_text_with_len(value->val.string.val,
															value->val.string.len));
		text = pnstrdup(value->val.string.val, value->val.string.len);
	}
	else
	{
		text = DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value->val.numeric)));
		text = whole_number_text(column->base, text);
	}
	if (!column->ready)
	{
		Oid			input;

		getTypeInputInfo(column->type, &input, &column->ioparam);
		fmgr_info_cxt(input, &column->input, model->context);
		column->ready = true;
	}
	return InputFunctionCall(&column->input, text, column->ioparam, column->typmod);
}

/*
 * Like write_column_input(), but for a value that is only compared with the
 * column: it is of the column's base type, and no check of a domain of another
 * role runs with the caller's privileges.
 */
Datum
write_lookup_input(WriteModel *model, int index, JsonbValue *value, bool *isnull)
{
	WriteColumn *column = &model->columns[index];
	int32		typmod = column->typmod;

	(void) getBaseTypeAndTypmod(column->type, &typmod);
	return json_value_to_compare(value, column->base, typmod, isnull);
}

/*
 * Are two values of a column's type equal, by the type's own equality if it
 * has one, else byte by byte?
 */
bool
write_column_equal(WriteColumn *column, Datum a, Datum b)
{
	TypeCacheEntry *type;

	if (datum_image_eq(a, b, column->byval, column->len))
		return true;
	type = lookup_type_cache(column->base, TYPECACHE_EQ_OPR_FINFO);
	return OidIsValid(type->eq_opr_finfo.fn_oid) &&
		DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo, column->collation, a, b));
}

/* Compare the bytes of two values of a type that has no order. */
static int
compare_images(const WriteColumn *column, Datum a, Datum b)
{
	char	   *one = DatumGetPointer(a);
	char	   *other = DatumGetPointer(b);
	int			length;
	int			other_length;
	int			order;

	if (column->byval)
		return a < b ? -1 : a > b;
	if (column->len == -1)
	{
		struct varlena *x = PG_DETOAST_DATUM_PACKED(a);
		struct varlena *y = PG_DETOAST_DATUM_PACKED(b);

		one = VARDATA_ANY(x);
		other = VARDATA_ANY(y);
		length = VARSIZE_ANY_EXHDR(x);
		other_length = VARSIZE_ANY_EXHDR(y);
	}
	else
	{
		length = datumGetSize(a, false, column->len);
		other_length = datumGetSize(b, false, column->len);
	}
	order = memcmp(one, other, Min(length, other_length));
	return order != 0 ? order : length - other_length;
}

/*
 * Return which of two values comes first: in the order of their type, or by
 * their bytes if it has none.
 */
int
write_column_compare(WriteColumn *column, Datum a, Datum b)
{
	TypeCacheEntry *type = lookup_type_cache(column->base, TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(type->cmp_proc_finfo.fn_oid))
		return compare_images(column, a, b);
	return DatumGetInt32(FunctionCall2Coll(&type->cmp_proc_finfo, column->collation, a, b));
}
