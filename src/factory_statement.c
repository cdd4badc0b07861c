/*
 * factory_statement.c
 *	  The statement that makes the rows of a level: an INSERT from the values
 *	  that rules have made or, when nothing is to be stored, a SELECT of what
 *	  the INSERT would return.
 *
 * Expressions of a factory and defaults stand in the statement itself, so that
 * the server evaluates them with the rights and the search_path of the caller.
 * They may name other columns of the row that have a value by then.
 */
#include "relations.h"

#include "catalog/dependency.h"
#include "catalog/pg_type.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "factory.h"
#include "table_lock.h"

/* a flag beside a value that only some rows have */
#define GIVEN "relations_given_%d"

/* Does the server give the column a value, when the statement gives none? */
bool
factory_has_default(FactoryNode *node, int column)
{
	Relation	rel = peek_table(node->model->relid);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), column);
	bool		result = att->atthasdef || att->attidentity != '\0' || get_typdefault(att->atttypid) != NULL;

	RelationClose(rel);
	return result;
}

/* The default of a column, or the expression that generates it, as SQL; or NULL. */
char *
factory_default(FactoryNode *node, int column)
{
	Relation	rel = peek_table(node->model->relid);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), column);
	Node	   *expr = att->attidentity != '\0' ? NULL : build_column_default(rel, column + 1);
	char	   *result = NULL;

	if (att->attidentity != '\0')
		result = psprintf("pg_catalog.nextval('%u'::pg_catalog.regclass)",
						  identity_sequence(rel, column + 1));
	else if (expr != NULL)
		result = deparse_expression(expr, deparse_context_for(RelationGetRelationName(rel), node->model->relid),
									false, false);
	RelationClose(rel);
	return result;
}

/* Does a sequence of the server number the column? */
bool
factory_is_key_default(FactoryNode *node, int column)
{
	WriteColumn *c = &node->model->columns[column];
	Relation	rel = peek_table(node->model->relid);
	bool		identity = TupleDescAttr(RelationGetDescr(rel), column)->attidentity != '\0';
	char	   *text;

	RelationClose(rel);
	if (c->base != INT2OID && c->base != INT4OID && c->base != INT8OID)
		return false;
	if (identity)
		return true;
	if (c->generated || !factory_has_default(node, column))
		return false;
	text = factory_default(node, column);
	return text != NULL && strncmp(text, "nextval(", strlen("nextval(")) == 0;
}

static char *
type_of(WriteColumn *column)
{
	return qualified_type_name(column->type, column->typmod);
}

/* Do rules make the column's values, for some rows at least? */
static bool
is_made(FactoryFill *fill)
{
	return fill->kind == FILL_RULE || fill->kind == FILL_KEY || fill->nmerged > 0;
}

/* And for some rows the server has to? */
static bool
is_made_for_some(FactoryFill *fill)
{
	return fill->nmerged > 0 && (fill->kind == FILL_NONE || fill->kind == FILL_SQL);
}

/* The columns of WRITE_ROWS: what rules make, and behind them the flags. */
static TupleDesc
rows_of(FactoryNode *node)
{
	WriteModel *model = node->model;
	TupleDesc	desc;
	int			n = 0;

	for (int i = 0; i < model->ncolumns; i++)
		n += is_made(&node->fills[i]) + is_made_for_some(&node->fills[i]);
	desc = CreateTemplateTupleDesc(n);
	n = 0;
	for (int i = 0; i < model->ncolumns; i++)
	{
		if (is_made(&node->fills[i]))
			TupleDescInitEntry(desc, ++n, model->columns[i].name, model->columns[i].type, model->columns[i].typmod, 0);
	}
	for (int i = 0; i < model->ncolumns; i++)
	{
		if (is_made_for_some(&node->fills[i]))
			TupleDescInitEntry(desc, ++n, psprintf(GIVEN, i + 1), BOOLOID, -1, 0);
	}
	return desc;
}

/* The value of one column, from the rows called alias. */
static void
append_value(StringInfo sql, FactoryNode *node, int column, const char *alias, bool cast)
{
	FactoryFill *fill = &node->fills[column];
	WriteColumn *c = &node->model->columns[column];
	char	   *otherwise = NULL;

	if (fill->kind == FILL_SQL)
		otherwise = psprintf(cast ? "CAST((%s\n) AS %s)" : "(%s\n)", fill->sql, type_of(c));
	else if (fill->kind == FILL_NONE)
	{
		char	   *text = c->generated ? NULL : factory_default(node, column);

		otherwise = psprintf("CAST((%s) AS %s)", text != NULL ? text : "NULL", type_of(c));
	}
	if (!is_made(fill))
		appendStringInfoString(sql, otherwise);
	else if (otherwise == NULL)
		appendStringInfo(sql, "%s.%s", alias, quote_identifier(c->name));
	else
		appendStringInfo(sql, "CASE WHEN %s." GIVEN " THEN %s.%s ELSE %s END", alias, column + 1,
						 alias, quote_identifier(c->name), otherwise);
}

/* Where the rows come from; for expressions with all columns, and by the table's name. */
static void
append_from(StringInfo sql, FactoryNode *node, bool expressions, const char *alias)
{
	WriteModel *model = node->model;
	int			n = 0;

	if (!expressions)
	{
		appendStringInfo(sql, " FROM %s AS %s", WRITE_ROWS, alias);
		return;
	}
	appendStringInfoString(sql, " FROM (SELECT ");
	for (int i = 0; i < model->ncolumns; i++)
	{
		FactoryFill *fill = &node->fills[i];

		if (is_made(fill))
			appendStringInfo(sql, "%sr.%s", n++ > 0 ? ", " : "", quote_identifier(model->columns[i].name));
		else if (model->columns[i].name != NULL && fill->kind != FILL_SQL)
			appendStringInfo(sql, "%sCAST(NULL AS %s) AS %s", n++ > 0 ? ", " : "", type_of(&model->columns[i]),
							 quote_identifier(model->columns[i].name));
		if (is_made_for_some(fill))
			appendStringInfo(sql, ", r." GIVEN, i + 1);
	}
	appendStringInfo(sql, " FROM %s AS r) AS %s", WRITE_ROWS, alias);
}

static char *
insert_statement(FactoryNode *node, bool expressions, const char *alias)
{
	WriteModel *model = node->model;
	StringInfoData sql;
	StringInfoData values;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&sql);
	initStringInfo(&values);
	appendStringInfo(&sql, "INSERT INTO %s", quoted_model_name(model->relid));
	for (int i = 0; i < model->ncolumns; i++)
	{
		if (node->fills[i].kind == FILL_NONE && node->fills[i].nmerged == 0)
			continue;
		appendStringInfo(&sql, "%s%s", n == 0 ? " (" : ", ", quote_identifier(model->columns[i].name));
		if (n++ > 0)
			appendStringInfoString(&values, ", ");
		append_value(&values, node, i, alias, false);
	}
	appendStringInfo(&sql, "%s SELECT %s", n > 0 ? ")" : "", values.data);
	append_from(&sql, node, expressions, alias);
	appendStringInfoString(&sql, " RETURNING ");
	foreach(lc, node->shape->returned)
		appendStringInfo(&sql, "%s%s", foreach_current_index(lc) > 0 ? ", " : "", quote_identifier(lfirst(lc)));
	if (node->shape->returned == NIL)
		appendStringInfoChar(&sql, '1');
	return sql.data;
}

static char *
select_statement(FactoryNode *node, bool expressions, const char *alias)
{
	WriteModel *model = node->model;
	StringInfoData sql;
	StringInfoData inner;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&sql);
	initStringInfo(&inner);
	for (int i = 0; i < model->ncolumns; i++)
	{
		/* what is generated from other columns needs their values */
		if (model->columns[i].name == NULL || (model->columns[i].generated && node->fills[i].kind == FILL_NONE))
			continue;
		if (n++ > 0)
			appendStringInfoString(&inner, ", ");
		append_value(&inner, node, i, alias, true);
		appendStringInfo(&inner, " AS %s", quote_identifier(model->columns[i].name));
	}
	append_from(&inner, node, expressions, alias);
	appendStringInfoString(&sql, "SELECT ");
	foreach(lc, node->shape->returned)
	{
		int			column = write_model_column(model, lfirst(lc));

		appendStringInfoString(&sql, foreach_current_index(lc) > 0 ? ", " : "");
		if (model->columns[column].generated && node->fills[column].kind == FILL_NONE)
			appendStringInfo(&sql, "CAST((%s) AS %s)", factory_default(node, column), type_of(&model->columns[column]));
		else
			appendStringInfo(&sql, "q.%s", quote_identifier(lfirst(lc)));
	}
	if (node->shape->returned == NIL)
		appendStringInfoChar(&sql, '1');
	appendStringInfo(&sql, " FROM (SELECT %s) AS q", inner.data);
	return sql.data;
}

/*
 * The statement that makes the rows of a level from WRITE_ROWS, which is
 * described in *rows; the shape of the level is known.  In the current memory
 * context.
 */
char *
factory_statement(FactoryRun *run, FactoryNode *node, TupleDesc *rows)
{
	bool		expressions = false;
	const char *alias;

	for (int i = 0; i < node->model->ncolumns; i++)
		expressions = expressions || node->fills[i].kind == FILL_SQL;
	alias = expressions ? quote_identifier(get_rel_name(node->model->relid)) : "r";
	*rows = rows_of(node);
	return run->dry ? select_statement(node, expressions, alias) : insert_statement(node, expressions, alias);
}
