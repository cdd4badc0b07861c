/*
 * diagram_text.c
 *	  A diagram as text: Mermaid's erDiagram, Graphviz's dot.
 */
#include "relations.h"

#include "diagram.h"

static int
model_number(Diagram *diagram, DiagramModel *model)
{
	ListCell   *lc;

	foreach(lc, diagram->models)
	{
		if (lfirst(lc) == model)
			return foreach_current_index(lc) + 1;
	}
	return 0;
}

/* ---------------------------------------------------------------------
 * Mermaid
 * ---------------------------------------------------------------------
 */

static bool
is_word(const char *text, const char *others)
{
	if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')))
		return false;
	for (const char *p = text; *p != '\0'; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			  *p == '_' || strchr(others, *p) != NULL))
			return false;
	}
	return true;
}

/* Text between quotes, in which Mermaid has no escapes: what would end it is told otherwise. */
static void
append_mermaid_string(StringInfo buf, const char *text)
{
	appendStringInfoChar(buf, '"');
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p == '"')
			appendStringInfoChar(buf, '\'');
		else if (*p == '%' || *p == '\\' || (unsigned char) *p < ' ')
			appendStringInfoChar(buf, '_');
		else
			appendStringInfoChar(buf, *p);
	}
	appendStringInfoChar(buf, '"');
}

/* A word that stands for any text: what Mermaid does not take is a dash. */
static void
append_mermaid_word(StringInfo buf, const char *text)
{
	if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '_'))
		appendStringInfoChar(buf, '_');
	for (const char *p = text; *p != '\0'; p++)
	{
		char		one[2] = {*p, '\0'};

		appendStringInfoChar(buf, is_word(one, "") || (*p >= '0' && *p <= '9') ||
							 strchr("_()[]", *p) != NULL ? *p : '-');
	}
}

static void
append_mermaid_model(StringInfo buf, Diagram *diagram, DiagramModel *model)
{
	if (is_word(model->name, ""))
		appendStringInfoString(buf, model->name);
	else
	{
		appendStringInfo(buf, "model%d", model_number(diagram, model));
	}
}

static void
append_mermaid_column(StringInfo buf, DiagramColumn *column)
{
	const char *keys[3];
	int			n = 0;

	appendStringInfoString(buf, "        ");
	append_mermaid_word(buf, column->type);
	appendStringInfoChar(buf, ' ');
	append_mermaid_word(buf, column->name);
	if (column->primary)
		keys[n++] = "PK";
	if (column->foreign)
		keys[n++] = "FK";
	if (column->unique)
		keys[n++] = "UK";
	for (int i = 0; i < n; i++)
		appendStringInfo(buf, "%s%s", i > 0 ? ", " : " ", keys[i]);
	if (!is_word(column->name, "") && column->name[0] != '_')
	{
		appendStringInfoChar(buf, ' ');
		append_mermaid_string(buf, column->name);
	}
	appendStringInfoChar(buf, '\n');
}

/* The text of a diagram, palloc'd. */
char *
diagram_mermaid(Diagram *diagram)
{
	StringInfoData buf;
	ListCell   *lc;
	ListCell   *inner;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "erDiagram\n");
	foreach(lc, diagram->models)
	{
		DiagramModel *model = lfirst(lc);

		appendStringInfoString(&buf, "    ");
		append_mermaid_model(&buf, diagram, model);
		if (!is_word(model->name, ""))
		{
			appendStringInfoChar(&buf, '[');
			append_mermaid_string(&buf, model->name);
			appendStringInfoChar(&buf, ']');
		}
		appendStringInfoString(&buf, " {\n");
		foreach(inner, model->columns)
			append_mermaid_column(&buf, lfirst(inner));
		appendStringInfoString(&buf, "    }\n");
	}
	foreach(lc, diagram->edges)
	{
		DiagramEdge *edge = lfirst(lc);
		StringInfoData label;
		ListCell   *kind;

		appendStringInfoString(&buf, "    ");
		append_mermaid_model(&buf, diagram, edge->parent);
		appendStringInfo(&buf, " %s%s%s ", edge->required ? "||" : "|o",
						 edge->enforced ? "--" : "..", edge->single ? "o|" : "o{");
		append_mermaid_model(&buf, diagram, edge->child);
		initStringInfo(&label);
		forboth(inner, edge->names, kind, edge->kinds)
			appendStringInfo(&label, "%s%s %s", label.len > 0 ? ", " : "",
							 (char *) lfirst(inner), (char *) lfirst(kind));
		appendStringInfoString(&buf, " : ");
		append_mermaid_string(&buf, label.data);
		appendStringInfoChar(&buf, '\n');
	}
	return buf.data;
}

/* ---------------------------------------------------------------------
 * Graphviz
 * ---------------------------------------------------------------------
 */

#define FONT			"Helvetica,Arial,sans-serif"
#define INK				"#1f2937"
#define FAINT			"#6b7280"
#define LINE			"#64748b"
#define HEADER			"#1e4976"
#define PIVOT_HEADER	"#5b6b7f"
#define KEY_INK			"#b45309"

/* Text in a label like HTML's. */
static void
append_html(StringInfo buf, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		switch (*p)
		{
			case '&':
				appendStringInfoString(buf, "&amp;");
				break;
			case '<':
				appendStringInfoString(buf, "&lt;");
				break;
			case '>':
				appendStringInfoString(buf, "&gt;");
				break;
			case '"':
				appendStringInfoString(buf, "&quot;");
				break;
			default:
				/* XML has no control characters */
				appendStringInfoChar(buf, (unsigned char) *p < ' ' ? ' ' : *p);
		}
	}
}

static void
append_dot_model(StringInfo buf, Diagram *diagram, DiagramModel *model)
{
	ListCell   *lc;

	appendStringInfo(buf, "\tm%d [label=<<table border=\"1\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"4\" color=\"%s\" bgcolor=\"white\">\n",
					 model_number(diagram, model), LINE);
	appendStringInfo(buf, "\t\t<tr><td colspan=\"3\" bgcolor=\"%s\" cellpadding=\"6\"><font color=\"white\" point-size=\"13\"><b>",
					 model->pivot ? PIVOT_HEADER : HEADER);
	append_html(buf, model->name);
	appendStringInfoString(buf, "</b></font></td></tr>\n");
	foreach(lc, model->columns)
	{
		DiagramColumn *column = lfirst(lc);
		int			n = foreach_current_index(lc) + 1;

		appendStringInfo(buf, "\t\t<tr><td align=\"left\" port=\"l%d\">", n);
		/* dot takes no font of nothing */
		if (column->primary || column->foreign || column->unique)
			appendStringInfo(buf, "<font color=\"%s\" point-size=\"9\">%s%s%s%s%s</font>",
							 KEY_INK, column->primary ? "PK" : "",
							 column->primary && column->foreign ? " " : "", column->foreign ? "FK" : "",
							 column->foreign && column->unique ? " " : "", column->unique ? "UK" : "");
		appendStringInfoString(buf, "</td><td align=\"left\">");
		append_html(buf, column->name);
		appendStringInfo(buf, "</td><td align=\"left\" port=\"r%d\"><font color=\"%s\">", n, FAINT);
		append_html(buf, column->type);
		appendStringInfoString(buf, "</font></td></tr>\n");
	}
	appendStringInfoString(buf, "\t</table>>];\n");
}

/* The number of a model's column from 1, 0 when it is not shown. */
static int
column_number(DiagramModel *model, const char *name)
{
	ListCell   *lc;

	foreach(lc, model->columns)
	{
		if (strcmp(((DiagramColumn *) lfirst(lc))->name, name) == 0)
			return foreach_current_index(lc) + 1;
	}
	return 0;
}

/* An end of an edge: at the first of its columns, or at the model. */
static void
append_dot_end(StringInfo buf, Diagram *diagram, DiagramModel *model, List *columns, char side)
{
	int			n = columns != NIL ? column_number(model, linitial(columns)) : 0;

	appendStringInfo(buf, "m%d", model_number(diagram, model));
	if (n > 0)
		appendStringInfo(buf, ":%c%d:%c", side, n, side == 'l' ? 'w' : 'e');
}

static void
append_dot_edge(StringInfo buf, Diagram *diagram, DiagramEdge *edge)
{
	ListCell   *name;
	ListCell   *kind;

	appendStringInfoChar(buf, '\t');
	if (edge->parent == edge->child)
	{
		/* a loop above the table, where no other edge is */
		int			n = model_number(diagram, edge->parent);

		appendStringInfo(buf, "m%d:ne -> m%d:n", n, n);
	}
	else
	{
		append_dot_end(buf, diagram, edge->parent, edge->parent_columns, 'r');
		appendStringInfoString(buf, " -> ");
		append_dot_end(buf, diagram, edge->child, edge->child_columns, 'l');
	}
	appendStringInfo(buf, " [arrowtail=%s, arrowhead=%s, style=%s",
					 edge->required ? "teetee" : "teeodot",
					 edge->single ? "teeodot" : "crowodot",
					 edge->through ? "dotted, constraint=false" : edge->enforced ? "solid" : "dashed");
	if (edge->names != NIL)
	{
		appendStringInfoString(buf, ", label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"1\">");
		forboth(name, edge->names, kind, edge->kinds)
		{
			appendStringInfoString(buf, "<tr><td align=\"left\"><b>");
			append_html(buf, lfirst(name));
			appendStringInfo(buf, "</b> <font color=\"%s\">%s</font></td></tr>", FAINT, (char *) lfirst(kind));
		}
		appendStringInfoString(buf, "</table>>");
	}
	appendStringInfoString(buf, "];\n");
}

/* The text of a diagram, palloc'd. */
char *
diagram_dot(Diagram *diagram)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	appendStringInfo(&buf, "digraph relations {\n"
					 "\tgraph [rankdir=LR, nodesep=0.5, ranksep=0.8, pad=0.3, bgcolor=white];\n"
					 "\tnode [shape=plain, fontname=\"%s\", fontsize=11, fontcolor=\"%s\"];\n"
					 "\tedge [dir=both, color=\"%s\", fontname=\"%s\", fontsize=10, fontcolor=\"%s\", arrowsize=0.9];\n",
					 FONT, INK, LINE, FONT, INK);
	foreach(lc, diagram->models)
		append_dot_model(&buf, diagram, lfirst(lc));
	foreach(lc, diagram->edges)
		append_dot_edge(&buf, diagram, lfirst(lc));
	appendStringInfoString(&buf, "}\n");
	return buf.data;
}
