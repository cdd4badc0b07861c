/*
 * declare.c
 *	  has_one, has_many, belongs_to, drop_relation, ddl and model.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "arguments.h"
#include "catalog.h"
#include "catalog_write.h"
#include "constraint.h"
#include "declare.h"
#include "inflect.h"
#include "key_operator.h"
#include "query_doc.h"

PG_FUNCTION_INFO_V1(relations_has_one);
PG_FUNCTION_INFO_V1(relations_has_many);
PG_FUNCTION_INFO_V1(relations_belongs_to);
PG_FUNCTION_INFO_V1(relations_drop_relation);
PG_FUNCTION_INFO_V1(relations_ddl);
PG_FUNCTION_INFO_V1(relations_model);

/* A declaration under way. */
typedef struct Declaration
{
	Oid			model;
	char	   *name;
	RelationKind kind;
	Oid			related;
	Oid			child;			/* where the foreign key is */
	Oid			parent;			/* what it points to */
	List	   *foreign_key;
	List	   *local_key;
	char	   *on_delete;
	char	   *on_update;
	char	   *defer;
	bool		enforce;
	bool		validate;
	bool		add_column;
	Jsonb	   *scope;
	List	   *missing;		/* foreign key columns to be added */
	ForeignKey *existing;
	char	   *constraint_name;
	char	   *created_constraint;
	char	   *created_index;
} Declaration;

/* order of the arguments that all declarations share */
enum
{
	Arg_model,
	Arg_relation,
	Arg_related,
	Arg_foreign_key,
	Arg_local_key,
	Arg_on_delete,
	Arg_on_update,
	Arg_defer,
	Arg_enforce,
	Arg_validate,
	Arg_add_column,
	Arg_scope
};

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Raises insufficient_privilege unless the caller owns the table. */
static void
require_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/* Lock in the order of OIDs, so that two declarations never deadlock. */
static void
lock_models(Oid a, Oid b)
{
	LockRelationOid(Min(a, b), ShareUpdateExclusiveLock);
	if (a != b)
		LockRelationOid(Max(a, b), ShareUpdateExclusiveLock);
	model_check(a);
	model_check(b);
}

/* Raises duplicate_column or duplicate_object unless the name is free. */
static void
check_name(Declaration *decl)
{
	if (decl->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a relation must have a name")));
	if (get_attnum(decl->model, decl->name) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("model \"%s\" has a column \"%s\"", model_name(decl->model), decl->name),
				 errdetail("A relation and a column would share one key in the document."),
				 errhint("Choose another name for the relation.")));
	if (catalog_find_relation(decl->model, decl->name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already has a relation \"%s\"",
						model_name(decl->model), decl->name),
				 errhint("Drop it first: SELECT relations.drop_relation('%s', '%s').",
						 model_name(decl->model), decl->name)));
}

/* The foreign key's columns by convention: <singular>_<key>. */
static List *
conventional_columns(Declaration *decl, List *key)
{
	ModelDesc  *parent = catalog_get_model(decl->parent);
	char	   *singular = parent->singular != NULL ? parent->singular
		: singular_of(get_rel_name(decl->parent));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, key)
		result = lappend(result, psprintf("%s_%s", singular, (char *) lfirst(lc)));
	return result;
}

static bool
columns_exist(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (get_attnum(relid, lfirst(lc)) <= 0)
			return false;
	}
	return true;
}

static pg_attribute_noreturn() void
ambiguous_keys(Declaration *decl, List *candidates)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, candidates)
	{
		ForeignKey *fk = lfirst(lc);

		appendStringInfo(&buf, "%s\"%s\" (%s)", buf.len > 0 ? " and " : "", fk->name,
						 format_column_list(fk->child_columns));
	}
	ereport(ERROR,
			(errcode(ERRCODE_AMBIGUOUS_COLUMN),
			 errmsg("more than one foreign key joins \"%s\" to \"%s\"",
					model_name(decl->child), model_name(decl->parent)),
			 errdetail("They are %s.", buf.data),
			 errhint("Say which: foreign_key => '%s'.",
					 format_column_list(((ForeignKey *) linitial(candidates))->child_columns))));
}

/* Step 1 of a declaration: which columns are the keys. */
static void
resolve_keys(Declaration *decl)
{
	List	   *candidates = foreign_keys_between(decl->child, decl->parent);
	List	   *primary_key = catalog_get_model(decl->parent)->primary_key;
	List	   *guess;

	if (decl->foreign_key != NIL && decl->local_key == NIL)
	{
		ForeignKey *fk = match_foreign_key(candidates, decl->foreign_key, NIL);

		if (fk != NULL)
		{
			decl->foreign_key = fk->child_columns;
			decl->local_key = fk->parent_columns;
		}
	}
	else if (decl->foreign_key == NIL)
	{
		List	   *fitting = NIL;
		ListCell   *lc;

		foreach(lc, candidates)
		{
			ForeignKey *fk = lfirst(lc);

			if (decl->local_key == NIL || same_columns(fk->parent_columns, decl->local_key))
				fitting = lappend(fitting, fk);
		}
		if (list_length(fitting) > 1)
			ambiguous_keys(decl, fitting);
		if (fitting != NIL)
		{
			decl->foreign_key = ((ForeignKey *) linitial(fitting))->child_columns;
			decl->local_key = ((ForeignKey *) linitial(fitting))->parent_columns;
		}
	}
	if (decl->local_key == NIL)
		decl->local_key = primary_key;
	if (decl->local_key == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" has no primary key for the foreign key to point to",
						model_name(decl->parent)),
				 errhint("Say which column it points to: local_key => '...'.")));
	if (decl->foreign_key == NIL)
	{
		guess = conventional_columns(decl, decl->local_key);
		if (!columns_exist(decl->child, guess) && !decl->add_column)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("no foreign key of \"%s\" leads to \"%s\"",
							model_name(decl->child), model_name(decl->parent)),
					 errdetail("Looked for a foreign key constraint between the two, then for \"%s\" (%s).",
							   model_name(decl->child), format_column_list(guess)),
					 errhint("Name the column with foreign_key => '...', or have it added with add_column => true.")));
		decl->foreign_key = guess;
	}
	if (list_length(decl->foreign_key) != list_length(decl->local_key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("foreign key (%s) and local key (%s) differ in their number of columns",
						format_column_list(decl->foreign_key),
						format_column_list(decl->local_key))));
}

/* Step 2: the columns exist, or will be added, and their types can be joined. */
static void
check_keys(Declaration *decl)
{
	ListCell   *f;
	ListCell   *l;

	forboth(f, decl->foreign_key, l, decl->local_key)
	{
		Oid			local_type = get_atttype(decl->parent,
											 require_column(decl->parent, lfirst(l), "local_key"));
		Oid			foreign_type;

		if (decl->add_column && get_attnum(decl->child, lfirst(f)) <= 0)
		{
			decl->missing = lappend(decl->missing, lfirst(f));
			continue;
		}
		foreign_type = get_atttype(decl->child,
								   require_column(decl->child, lfirst(f), "foreign_key"));
		if (!OidIsValid(find_strategy_operator(foreign_type, local_type, BTEqualStrategyNumber)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("foreign key \"%s\" and local key \"%s\" cannot be compared",
							(char *) lfirst(f), (char *) lfirst(l)),
					 errdetail("\"%s\".\"%s\" is of type %s, \"%s\".\"%s\" of type %s.",
							   model_name(decl->child), (char *) lfirst(f),
							   format_type_be(foreign_type),
							   model_name(decl->parent), (char *) lfirst(l),
							   format_type_be(local_type))));
	}
}

static bool
is_plain_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

static pg_attribute_noreturn() void
constraint_differs(ForeignKey *fk, const char *argument, const char *has, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("foreign key \"%s\" exists with another \"%s\"", fk->name, argument),
			 errdetail("It has \"%s\", the declaration asks for \"%s\".", has, wanted),
			 errhint("Leave \"%s\" out to use the constraint as it is, or change the constraint first.",
					 argument)));
}

/* Step 3: the foreign key, found or made. */
static void
ensure_foreign_key(Declaration *decl)
{
	char		on_delete = parse_action(decl->on_delete, "on_delete");
	char		on_update = parse_action(decl->on_update, "on_update");
	bool		deferred = decl->defer != NULL && pg_strcasecmp(decl->defer, "initially deferred") == 0;
	ForeignKey *fk;

	if (decl->defer != NULL && !deferred && pg_strcasecmp(decl->defer, "initially immediate") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a value of \"%s\"", decl->defer, "defer"),
				 errhint("Its values are: initially immediate, initially deferred.")));
	if (!decl->enforce)
	{
		if (decl->on_delete != NULL || decl->on_update != NULL || decl->defer != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a relation that is not enforced has no constraint that could be told what to do"),
					 errhint("Leave out on_delete, on_update and defer, or enforce it.")));
		return;
	}
	if (!is_plain_table(decl->child) || !is_plain_table(decl->parent))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("there can be no foreign key between \"%s\" and \"%s\"",
						model_name(decl->child), model_name(decl->parent)),
				 errdetail("Foreign keys stand between tables."),
				 errhint("Register the relation without a constraint: enforce => false.")));

	fk = match_foreign_key(foreign_keys_between(decl->child, decl->parent),
						   decl->foreign_key, decl->local_key);
	if (fk != NULL)
	{
		if (on_delete != '\0' && on_delete != fk->on_delete)
			constraint_differs(fk, "on_delete", action_name(fk->on_delete), decl->on_delete);
		if (on_update != '\0' && on_update != fk->on_update)
			constraint_differs(fk, "on_update", action_name(fk->on_update), decl->on_update);
		if (decl->defer != NULL && (!fk->deferrable || fk->deferred != deferred))
			constraint_differs(fk, "defer",
							   !fk->deferrable ? "not deferrable"
							   : fk->deferred ? "initially deferred" : "initially immediate",
							   decl->defer);
		decl->constraint_name = fk->name;
		return;
	}
	require_owner(decl->child);
	if (find_unique(decl->parent, decl->local_key) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 errmsg("nothing makes \"%s\" (%s) unique", model_name(decl->parent),
						format_column_list(decl->local_key)),
				 errdetail("A foreign key points to columns with a primary key or a unique constraint."),
				 errhint("Add a unique constraint there, or register the relation without a constraint: enforce => false.")));
	fk = palloc0(sizeof(ForeignKey));
	fk->child = decl->child;
	fk->child_columns = decl->foreign_key;
	fk->parent = decl->parent;
	fk->parent_columns = decl->local_key;
	fk->on_delete = on_delete;
	fk->on_update = on_update;
	fk->deferrable = decl->defer != NULL;
	fk->deferred = deferred;
	run_ddl(foreign_key_sql(fk, decl->validate));
	decl->constraint_name = decl->created_constraint = fk->name;
}

/* Step 3: what makes a has_one unique, and a has_many quick. */
static void
ensure_index(Declaration *decl)
{
	bool		unique = decl->kind == RELATION_HAS_ONE && !query_scope_has(decl->scope, "order");
	char	   *sql;

	if (!decl->enforce || decl->kind == RELATION_BELONGS_TO)
		return;
	if ((unique ? find_unique : find_index) (decl->child, decl->foreign_key) != NULL)
		return;
	require_owner(decl->child);
	sql = (unique ? unique_sql : index_sql) (decl->child, decl->foreign_key, &decl->created_index);
	run_ddl(sql);
}

static void
put_text(const char *value, Datum *d, char *null)
{
	*null = value == NULL ? 'n' : ' ';
	if (value != NULL)
		*d = CStringGetTextDatum(value);
}

static void
put_name(const char *value, Datum *d, char *null)
{
	*null = value == NULL ? 'n' : ' ';
	if (value != NULL)
		*d = DirectFunctionCall1(namein, CStringGetDatum(value));
}

/* Step 4: the catalog row. */
static HeapTuple
insert_relation(Declaration *decl)
{
	Oid			types[16] = {REGCLASSOID, NAMEOID, TEXTOID, REGCLASSOID, NAMEARRAYOID,
		NAMEARRAYOID, JSONBOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID,
	NAMEOID, NAMEOID, NAMEOID, NAMEARRAYOID};
	Datum		values[16];
	char		nulls[16];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = ObjectIdGetDatum(decl->model);
	put_name(decl->name, &values[1], &nulls[1]);
	put_text(relation_kind_name(decl->kind), &values[2], &nulls[2]);
	values[3] = ObjectIdGetDatum(decl->related);
	values[4] = name_list_to_array(decl->local_key);
	values[5] = name_list_to_array(decl->foreign_key);
	nulls[6] = decl->scope == NULL ? 'n' : ' ';
	values[6] = PointerGetDatum(decl->scope);
	put_text(decl->on_delete, &values[7], &nulls[7]);
	put_text(decl->on_update, &values[8], &nulls[8]);
	put_text(decl->defer, &values[9], &nulls[9]);
	values[10] = BoolGetDatum(decl->enforce);
	values[11] = BoolGetDatum(decl->validate);
	put_name(decl->constraint_name, &values[12], &nulls[12]);
	put_name(decl->created_constraint, &values[13], &nulls[13]);
	put_name(decl->created_index, &values[14], &nulls[14]);
	nulls[15] = decl->missing == NIL ? 'n' : ' ';
	values[15] = name_list_to_array(decl->missing);
	return write_catalog("INSERT INTO relations.relation (model, relation, kind, related,"
						 " local_key, foreign_key, scope, on_delete, on_update, defer,"
						 " enforce, validate, constraint_name, created_constraint,"
						 " created_index, created_columns) VALUES ($1, $2, $3, $4, $5,"
						 " $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING *",
						 16, types, values, nulls);
}

/*
 * Register a relation on a foreign key that exists.  Raises what a
 * declaration raises for the name and the owner.
 */
void
declare_existing(Oid model, const char *name, RelationKind kind, ForeignKey *fk)
{
	Declaration decl = {0};

	decl.model = model;
	decl.name = pstrdup(name);
	decl.kind = kind;
	decl.child = fk->child;
	decl.parent = fk->parent;
	decl.related = kind == RELATION_BELONGS_TO ? fk->parent : fk->child;
	decl.foreign_key = fk->child_columns;
	decl.local_key = fk->parent_columns;
	decl.enforce = decl.validate = true;
	decl.constraint_name = fk->name;
	require_owner(model);
	lock_models(decl.model, decl.related);
	check_name(&decl);
	insert_relation(&decl);
}

/* A catalog row as the result of a function that returns its type. */
static Datum
row_result(FunctionCallInfo fcinfo, HeapTuple row)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	BlessTupleDesc(desc);
	return heap_copy_tuple_as_datum(row, desc);
}

static Datum
declare_relation(FunctionCallInfo fcinfo, RelationKind kind)
{
	Declaration decl = {0};
	char	   *text;
	ListCell   *lc;

	require_argument(fcinfo, Arg_model, "model");
	require_argument(fcinfo, Arg_relation, "relation");
	require_argument(fcinfo, Arg_related, "related");
	decl.model = PG_GETARG_OID(Arg_model);
	decl.name = pstrdup(NameStr(*PG_GETARG_NAME(Arg_relation)));
	decl.related = PG_GETARG_OID(Arg_related);
	decl.kind = kind;
	decl.child = kind == RELATION_BELONGS_TO ? decl.model : decl.related;
	decl.parent = kind == RELATION_BELONGS_TO ? decl.related : decl.model;
	if ((text = text_argument(fcinfo, Arg_foreign_key)) != NULL)
		decl.foreign_key = parse_column_list(text, "foreign_key");
	if ((text = text_argument(fcinfo, Arg_local_key)) != NULL)
		decl.local_key = parse_column_list(text, "local_key");
	decl.on_delete = text_argument(fcinfo, Arg_on_delete);
	decl.on_update = text_argument(fcinfo, Arg_on_update);
	decl.defer = text_argument(fcinfo, Arg_defer);
	decl.enforce = PG_ARGISNULL(Arg_enforce) || PG_GETARG_BOOL(Arg_enforce);
	decl.validate = PG_ARGISNULL(Arg_validate) || PG_GETARG_BOOL(Arg_validate);
	decl.add_column = !PG_ARGISNULL(Arg_add_column) && PG_GETARG_BOOL(Arg_add_column);
	decl.scope = PG_ARGISNULL(Arg_scope) ? NULL : PG_GETARG_JSONB_P(Arg_scope);

	model_check(decl.model);
	model_check(decl.related);
	require_owner(decl.model);
	lock_models(decl.model, decl.related);
	check_name(&decl);
	resolve_keys(&decl);
	check_keys(&decl);
	if (decl.scope != NULL)
		query_check_scope(decl.related, decl.scope);
	if (decl.missing != NIL)
		require_owner(decl.child);
	foreach(lc, decl.missing)
	{
		for (int i = 0; i < list_length(decl.foreign_key); i++)
		{
			if (strcmp(list_nth(decl.foreign_key, i), lfirst(lc)) == 0)
				run_ddl(add_column_sql(decl.child, lfirst(lc), decl.parent,
									   list_nth(decl.local_key, i)));
		}
	}
	ensure_foreign_key(&decl);
	ensure_index(&decl);
	return row_result(fcinfo, insert_relation(&decl));
}

/* See the comments in relations--1.0.sql. */
Datum
relations_has_one(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_HAS_ONE);
}

Datum
relations_has_many(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_HAS_MANY);
}

Datum
relations_belongs_to(PG_FUNCTION_ARGS)
{
	return declare_relation(fcinfo, RELATION_BELONGS_TO);
}

/*
 * Another relation whose foreign key is the same columns of the same table,
 * or NULL; with indexed, one that reads children by them.
 */
static RelationDesc *
other_user(RelationDesc *desc, bool indexed)
{
	Oid			child = desc->kind == RELATION_BELONGS_TO ? desc->model : desc->related;
	Oid			parent = desc->kind == RELATION_BELONGS_TO ? desc->related : desc->model;
	List	   *all = list_concat(catalog_relations_of(child), catalog_relations_of(parent));
	ListCell   *lc;

	foreach(lc, all)
	{
		RelationDesc *other = lfirst(lc);
		Oid			other_child = other->kind == RELATION_BELONGS_TO ? other->model : other->related;

		if (other->enforce && other_child == child &&
			(!indexed || other->kind != RELATION_BELONGS_TO) &&
			same_columns(other->foreign_key, desc->foreign_key))
			return other;
	}
	return NULL;
}

/* Hand a constraint or an index to another relation that uses it. */
static void
hand_over(RelationDesc *to, const char *constraint, const char *index)
{
	Oid			types[4] = {REGCLASSOID, NAMEOID, NAMEOID, NAMEOID};
	Datum		values[4];
	char		nulls[4] = {' ', ' ', ' ', ' '};

	values[0] = ObjectIdGetDatum(to->model);
	put_name(to->name, &values[1], &nulls[1]);
	put_name(constraint, &values[2], &nulls[2]);
	put_name(index, &values[3], &nulls[3]);
	write_catalog("UPDATE relations.relation SET"
				  " created_constraint = COALESCE(created_constraint, $3),"
				  " created_index = COALESCE(created_index, $4)"
				  " WHERE model = $1 AND relation = $2",
				  4, types, values, nulls);
}

/* Drop the constraint and the index that a declaration created. */
static void
drop_created(RelationDesc *desc)
{
	Oid			child = desc->kind == RELATION_BELONGS_TO ? desc->model : desc->related;

	if (desc->created_constraint != NULL)
		run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s", quoted_model_name(child),
						 quote_identifier(desc->created_constraint)));
	if (desc->created_index != NULL)
	{
		if (OidIsValid(get_relation_constraint_oid(child, desc->created_index, true)))
			run_ddl(psprintf("ALTER TABLE %s DROP CONSTRAINT %s", quoted_model_name(child),
							 quote_identifier(desc->created_index)));
		else
			run_ddl(psprintf("DROP INDEX IF EXISTS %s",
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(child)),
														desc->created_index)));
	}
	if (desc->created_columns != NIL)
		ereport(NOTICE,
				(errmsg("column \"%s\" of \"%s\" is kept, it holds data",
						format_column_list(desc->created_columns), model_name(child))));
}

Datum
relations_drop_relation(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {REGCLASSOID, NAMEOID};
	Datum		values[2];
	Oid			model;
	RelationDesc *desc;
	RelationDesc *other;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model = PG_GETARG_OID(0);
	model_check(model);
	require_owner(model);
	desc = catalog_get_relation(model, NameStr(*PG_GETARG_NAME(1)));
	lock_models(model, desc->related);
	desc = catalog_get_relation(model, NameStr(*PG_GETARG_NAME(1)));

	values[0] = ObjectIdGetDatum(model);
	values[1] = PG_GETARG_DATUM(1);
	write_catalog("DELETE FROM relations.relation WHERE model = $1 AND relation = $2",
				  2, types, values, NULL);
	CommandCounterIncrement();
	/* what others use goes to them; the rest is dropped when asked for */
	other = other_user(desc, false);
	if (other != NULL && desc->created_constraint != NULL)
	{
		hand_over(other, desc->created_constraint, NULL);
		desc->created_constraint = NULL;
	}
	other = other_user(desc, true);
	if (other != NULL && desc->created_index != NULL)
	{
		hand_over(other, NULL, desc->created_index);
		desc->created_index = NULL;
	}
	if (!PG_ARGISNULL(2) && PG_GETARG_BOOL(2))
		drop_created(desc);
	PG_RETURN_VOID();
}

/* One row of ddl(). */
static void
put_statement(ReturnSetInfo *rsinfo, char *sql)
{
	Datum		value = CStringGetTextDatum(sql);
	bool		isnull = false;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
}

Datum
relations_ddl(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RelationDesc *desc;
	Oid			child;
	Oid			parent;
	Oid			conoid;
	char	   *index;

	require_argument(fcinfo, 0, "model");
	require_argument(fcinfo, 1, "relation");
	model_check(PG_GETARG_OID(0));
	desc = catalog_get_relation(PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)));
	child = desc->kind == RELATION_BELONGS_TO ? desc->model : desc->related;
	parent = desc->kind == RELATION_BELONGS_TO ? desc->related : desc->model;
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (!desc->enforce)
		return (Datum) 0;
	for (int i = 0; i < list_length(desc->foreign_key); i++)
	{
		ListCell   *lc;

		foreach(lc, desc->created_columns)
		{
			if (strcmp(lfirst(lc), list_nth(desc->foreign_key, i)) == 0)
				put_statement(rsinfo, add_column_sql(child, lfirst(lc), parent,
													 list_nth(desc->local_key, i)));
		}
	}
	conoid = desc->constraint_name == NULL ? InvalidOid
		: get_relation_constraint_oid(child, desc->constraint_name, true);
	if (OidIsValid(conoid))
		put_statement(rsinfo,
					  psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", quoted_model_name(child),
							   quote_identifier(desc->constraint_name),
							   TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef,
																	   ObjectIdGetDatum(conoid)))));
	if (desc->kind == RELATION_BELONGS_TO)
		return (Datum) 0;
	index = find_unique(child, desc->foreign_key);
	if (index == NULL)
		index = find_index(child, desc->foreign_key);
	if (index != NULL)
	{
		conoid = get_relation_constraint_oid(child, index, true);
		if (OidIsValid(conoid))
			put_statement(rsinfo,
						  psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", quoted_model_name(child),
								   quote_identifier(index),
								   TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef,
																		   ObjectIdGetDatum(conoid)))));
		else
			put_statement(rsinfo,
						  TextDatumGetCString(DirectFunctionCall1(pg_get_indexdef,
																  ObjectIdGetDatum(get_relname_relid(index, get_rel_namespace(child))))));
	}
	return (Datum) 0;
}

/* A column list argument of model(): '' means none, and is stored as null. */
static void
put_columns(FunctionCallInfo fcinfo, int n, const char *argument, Oid relid,
			Datum *d, char *null)
{
	char	   *text = text_argument(fcinfo, n);
	List	   *columns;
	ListCell   *lc;

	*null = 'n';
	if (text == NULL || text[0] == '\0')
		return;
	columns = parse_column_list(text, argument);
	foreach(lc, columns)
		require_column(relid, lfirst(lc), argument);
	*d = name_list_to_array(columns);
	*null = ' ';
}

Datum
relations_model(PG_FUNCTION_ARGS)
{
	Oid			types[7] = {REGCLASSOID, NAMEOID, NAMEARRAYOID, NAMEARRAYOID,
	BOOLOID, BOOLOID, BOOLOID};
	Datum		values[7] = {0};
	char		nulls[7];
	char	   *name = text_argument(fcinfo, 1);
	Oid			relid;

	require_argument(fcinfo, 0, "model");
	relid = PG_GETARG_OID(0);
	model_check(relid);
	require_owner(relid);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = ObjectIdGetDatum(relid);
	put_name(name != NULL && name[0] != '\0' ? name : NULL, &values[1], &nulls[1]);
	put_columns(fcinfo, 2, "primary_key", relid, &values[2], &nulls[2]);
	put_columns(fcinfo, 3, "hidden", relid, &values[3], &nulls[3]);
	/* what is not given stays as it is */
	for (int i = 1; i <= 3; i++)
		values[3 + i] = BoolGetDatum(!PG_ARGISNULL(i));
	return row_result(fcinfo,
					  write_catalog("INSERT INTO relations.model AS m (model, name, primary_key, hidden)"
									" VALUES ($1, $2, $3, $4)"
									" ON CONFLICT (model) DO UPDATE SET"
									" name = CASE WHEN $5 THEN $2 ELSE m.name END,"
									" primary_key = CASE WHEN $6 THEN $3 ELSE m.primary_key END,"
									" hidden = CASE WHEN $7 THEN $4 ELSE m.hidden END"
									" RETURNING *",
									7, types, values, nulls));
}
