/*
 * diagram.c
 *	  diagram: the models and relations of a schema as a picture.
 *
 * Here is decided what it shows; diagram_text.c writes it.
 */
#include "relations.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "diagram.h"
#include "table_lock.h"

PG_FUNCTION_INFO_V1(relations_diagram);

/* May the caller see anything of a table? */
static bool
model_visible(Oid relid)
{
	Oid			schema = get_rel_namespace(relid);

	if (!OidIsValid(schema) ||
		!DatumGetBool(DirectFunctionCall2(has_schema_privilege_id, ObjectIdGetDatum(schema),
										  PointerGetDatum(cstring_to_text("USAGE")))))
		return false;
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/* ---------------------------------------------------------------------
 * Models
 * ---------------------------------------------------------------------
 */

/* A type's name, the short one of those with several words; palloc'd. */
static char *
short_type(Oid type, int32 typmod)
{
	static const char *const names[][2] = {
		{"character varying", "varchar"},
		{"character", "char"},
		{"timestamp with time zone", "timestamptz"},
		{"timestamp without time zone", "timestamp"},
		{"time with time zone", "timetz"},
		{"time without time zone", "time"},
		{"double precision", "float8"},
		{"bit varying", "varbit"},
	};
	char	   *name = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN);

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		size_t		length = strlen(names[i][0]);

		/* a precision stands in the middle of the words: such names are left as they are */
		if (strncmp(name, names[i][0], length) == 0 &&
			(name[length] == '\0' || name[length] == '(' || name[length] == '['))
			return psprintf("%s%s", names[i][1], name + length);
	}
	return name;
}

/* The columns of a table that are a foreign key, or a part of one. */
static List *
foreign_columns(Relation rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(rel))
	{
		ForeignKeyCacheInfo *key = lfirst(lc);

		for (int i = 0; i < key->nkeys; i++)
			result = lappend(result, get_attname(RelationGetRelid(rel), key->conkey[i], false));
	}
	foreach(lc, catalog_morph_types(RelationGetRelid(rel), NULL))
	{
		MorphType  *type = lfirst(lc);

		result = lappend(result, type->type_column);
		result = list_concat(result, type->id_columns);
	}
	return result;
}

/* Is there a unique index of a table, of all its rows, on no other columns? */
static bool
unique_by(Relation rel, List *columns)
{
	bool		result = false;
	ListCell   *lc;

	if (columns == NIL)
		return false;
	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tup = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;
		bool		fits;

		if (!HeapTupleIsValid(tup))
			continue;
		index = (Form_pg_index) GETSTRUCT(tup);
		fits = index->indisunique && index->indisvalid &&
			heap_attisnull(tup, Anum_pg_index_indpred, NULL);
		for (int i = 0; fits && i < index->indnkeyatts; i++)
			fits = index->indkey.values[i] > 0 &&
				list_has_name(columns, get_attname(RelationGetRelid(rel), index->indkey.values[i], false));
		result = result || fits;
		ReleaseSysCache(tup);
	}
	return result;
}

static List *
model_columns(Oid relid)
{
	ModelDesc  *model = catalog_get_model(relid);
	Relation	rel = peek_table(relid);
	TupleDesc	desc = RelationGetDescr(rel);
	List	   *foreign = foreign_columns(rel);
	bool		all = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	List	   *result = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		DiagramColumn *column;

		if (att->attisdropped || list_has_name(model->hidden, NameStr(att->attname)))
			continue;
		if (!all && pg_attribute_aclcheck(relid, att->attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			continue;
		column = palloc0(sizeof(DiagramColumn));
		column->name = pstrdup(NameStr(att->attname));
		column->type = short_type(att->atttypid, att->atttypmod);
		column->primary = list_has_name(model->primary_key, column->name);
		column->foreign = list_has_name(foreign, column->name);
		column->unique = !column->primary && unique_by(rel, list_make1(column->name));
		result = lappend(result, column);
	}
	RelationClose(rel);
	return result;
}

/* The model of a table in the diagram, added when it is new. */
static DiagramModel *
diagram_model(Diagram *diagram, Oid relid, Oid schema)
{
	DiagramModel *model;
	bool		bare;
	ListCell   *lc;

	foreach(lc, diagram->models)
	{
		model = lfirst(lc);
		if (model->relid == relid)
			return model;
	}
	model = palloc0(sizeof(DiagramModel));
	model->relid = relid;
	bare = OidIsValid(schema) ? get_rel_namespace(relid) == schema : RelationIsVisible(relid);
	model->name = bare ? model_name(relid)
		: psprintf("%s.%s", get_namespace_name(get_rel_namespace(relid)), model_name(relid));
	model->columns = model_columns(relid);
	diagram->models = lappend(diagram->models, model);
	return model;
}

/* ---------------------------------------------------------------------
 * Edges
 * ---------------------------------------------------------------------
 */

static bool
columns_required(Oid relid, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		HeapTuple	tup = SearchSysCacheAttName(relid, lfirst(lc));
		bool		required;

		if (!HeapTupleIsValid(tup))
			return false;
		required = ((Form_pg_attribute) GETSTRUCT(tup))->attnotnull;
		ReleaseSysCache(tup);
		if (!required)
			return false;
	}
	return columns != NIL;
}

/* Name an edge: first come the relations from the parent, then those back. */
static void
name_edge(DiagramEdge *edge, RelationDesc *relation)
{
	bool		back = RELATION_REFERS(relation->kind);
	const char *kind = relation_kind_name(relation->kind);
	int			at = back ? list_length(edge->names) : edge->forward++;

	if (RELATION_IS_THROUGH(relation->kind))
		kind = psprintf("%s %s", kind, model_name(relation->via));
	edge->names = list_insert_nth(edge->names, at, relation->name);
	edge->kinds = list_insert_nth(edge->kinds, at, unconstify(char *, kind));
}

/* The edge of a step's foreign key, added when it is new. */
static DiagramEdge *
step_edge(Diagram *diagram, RelationStep *step, Oid schema)
{
	DiagramModel *parent = diagram_model(diagram, STEP_PARENT(step), schema);
	DiagramModel *child = diagram_model(diagram, STEP_CHILD(step), schema);
	DiagramEdge *edge;
	Relation	rel;
	ListCell   *lc;

	foreach(lc, diagram->edges)
	{
		edge = lfirst(lc);
		if (!edge->through && edge->parent == parent && edge->child == child &&
			list_same_names(edge->parent_columns, step->local_key) &&
			list_same_names(edge->child_columns, step->foreign_key))
		{
			edge->enforced = edge->enforced || step->constraint_name != NULL;
			return edge;
		}
	}
	edge = palloc0(sizeof(DiagramEdge));
	edge->parent = parent;
	edge->child = child;
	edge->parent_columns = step->local_key;
	edge->child_columns = step->foreign_key;
	edge->enforced = step->constraint_name != NULL;
	edge->required = edge->enforced && columns_required(child->relid, step->foreign_key);
	rel = peek_table(child->relid);
	edge->single = unique_by(rel, step->foreign_key);
	RelationClose(rel);
	diagram->edges = lappend(diagram->edges, edge);
	return edge;
}

static bool
step_visible(RelationStep *step)
{
	return model_visible(step->from) && model_visible(step->to);
}

static void
add_relation(Diagram *diagram, RelationDesc *relation, Oid schema)
{
	ListCell   *lc;

	foreach(lc, relation->branches)
	{
		RelationDesc *type = lfirst(lc);

		if (step_visible(&type->steps[0]))
			name_edge(step_edge(diagram, &type->steps[0], schema), relation);
	}
	for (int i = 0; i < relation->nsteps; i++)
	{
		if (!step_visible(&relation->steps[i]))
			return;
	}
	for (int i = 0; i < relation->nsteps; i++)
	{
		DiagramEdge *edge = step_edge(diagram, &relation->steps[i], schema);

		if (RELATION_HAS_PIVOT(relation->kind))
			(edge->child)->pivot = true;
		if (i == 0 && !RELATION_IS_THROUGH(relation->kind))
			name_edge(edge, relation);
		if ((relation->kind == RELATION_HAS_ONE || relation->kind == RELATION_MORPH_ONE) &&
			relation->scope == NULL)
			edge->single = true;
	}
	if (RELATION_IS_THROUGH(relation->kind))
	{
		DiagramEdge *edge = palloc0(sizeof(DiagramEdge));

		edge->parent = diagram_model(diagram, relation->model, schema);
		edge->child = diagram_model(diagram, relation->related, schema);
		edge->through = true;
		edge->single = relation->kind == RELATION_HAS_ONE_THROUGH;
		name_edge(edge, relation);
		diagram->edges = lappend(diagram->edges, edge);
	}
}

static int
compare_relations(const ListCell *a, const ListCell *b)
{
	RelationDesc *ra = lfirst(a);
	RelationDesc *rb = lfirst(b);
	int			result = strcmp(quoted_model_name(ra->model), quoted_model_name(rb->model));

	return result != 0 ? result : strcmp(ra->name, rb->name);
}

/* Raises undefined_schema, with the near name as a hint. */
static Oid
find_schema(const char *name)
{
	Oid			schema = get_namespace_oid(name, true);
	List	   *names = NIL;
	const char *near;
	ListCell   *lc;

	if (OidIsValid(schema))
		return schema;
	foreach(lc, catalog_all_relations())
	{
		char	   *other = get_namespace_name(get_rel_namespace(((RelationDesc *) lfirst(lc))->model));

		if (other != NULL)
			names = lappend(names, other);
	}
	near = closest_name(name, names);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_SCHEMA),
			 errmsg("schema \"%s\" does not exist", name),
			 near != NULL ? errhint("Perhaps you meant the schema \"%s\".", near) : 0));
}

/*
 * The picture of the relations of a schema's models, of all when it is null,
 * as far as the caller may read the tables.  Raises undefined_schema, and
 * invalid_parameter_value for an unknown format.
 */
Datum
relations_diagram(PG_FUNCTION_ARGS)
{
	char	   *format = PG_ARGISNULL(1) ? "mermaid" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	Diagram		diagram = {NIL, NIL};
	Oid			schema = InvalidOid;
	List	   *relations = NIL;
	ListCell   *lc;

	if (strcmp(format, "mermaid") != 0 && strcmp(format, "dot") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("format \"%s\" is not known", format),
				 errhint("Choose \"mermaid\", or \"dot\" for Graphviz: dot -Tsvg makes a picture of it.")));
	if (!PG_ARGISNULL(0))
		schema = find_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	foreach(lc, catalog_all_relations())
	{
		RelationDesc *relation = lfirst(lc);

		if (model_visible(relation->model) &&
			(!OidIsValid(schema) || get_rel_namespace(relation->model) == schema))
			relations = lappend(relations, relation);
	}
	list_sort(relations, compare_relations);
	foreach(lc, relations)
	{
		CHECK_FOR_INTERRUPTS();
		add_relation(&diagram, lfirst(lc), schema);
	}
	PG_RETURN_TEXT_P(cstring_to_text(strcmp(format, "dot") == 0 ? diagram_dot(&diagram)
									 : diagram_mermaid(&diagram)));
}
