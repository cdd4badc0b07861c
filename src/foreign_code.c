/*
 * foreign_code.c
 *	  Find code of other roles in queries and expressions.
 *
 * A query that the extension writes names only operators and functions of
 * trusted schemas.  Code of another role comes in by the types of columns: by a
 * cast that the parser adds, and by a check of a domain.  Views bring what they
 * are made of.
 */
#include "relations.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_coerce.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "foreign_code.h"
#include "names.h"

typedef struct CodeSearch
{
	Oid			caller;
	char	   *found;			/* what was found, for a message, or NULL */
} CodeSearch;

/*
 * Return true if the caller trusts the owner of a type, domains not taken off.
 * The owner decides on the casts of the type, and on the checks of a domain.
 */
bool
type_trusted(Oid type, Oid caller)
{
	HeapTuple	tup;
	bool		result;

	if (type < FirstNormalObjectId)
		return true;
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		return false;
	result = role_trusted(((Form_pg_type) GETSTRUCT(tup))->typowner, caller);
	ReleaseSysCache(tup);
	return result;
}

/*
 * Return the first type that the caller does not trust among a type and those
 * that its values are made of: of the elements of an array, the columns of a
 * composite type, the bounds of a range.  InvalidOid without one.  With
 * only_domains, other types than domains are passed over.
 */
static Oid
find_foreign(Oid type, Oid caller, bool only_domains)
{
	HeapTuple	tup;
	Form_pg_type form;
	char		kind;
	Oid			inner;

	check_stack_depth();
	if (type < FirstNormalObjectId)
		return InvalidOid;
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		return InvalidOid;
	form = (Form_pg_type) GETSTRUCT(tup);
	kind = form->typtype;
	inner = kind == TYPTYPE_DOMAIN ? form->typbasetype
		: IsTrueArrayType(form) ? form->typelem : InvalidOid;
	if ((kind == TYPTYPE_DOMAIN || !only_domains) && !role_trusted(form->typowner, caller))
	{
		ReleaseSysCache(tup);
		return type;
	}
	ReleaseSysCache(tup);
	if (kind == TYPTYPE_COMPOSITE)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

		for (int i = 0; i < desc->natts && !OidIsValid(inner); i++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, i);

			if (!att->attisdropped)
				inner = find_foreign(att->atttypid, caller, only_domains);
		}
		FreeTupleDesc(desc);
		return inner;
	}
	if (kind == TYPTYPE_RANGE)
		inner = get_range_subtype(type);
	else if (kind == TYPTYPE_MULTIRANGE)
		inner = get_multirange_range(type);
	return OidIsValid(inner) ? find_foreign(inner, caller, only_domains) : InvalidOid;
}

/*
 * Return the first domain of a role that the caller does not trust among a type
 * and those that its values are made of, also if it has no check yet; InvalidOid
 * without one.
 */
Oid
foreign_domain(Oid type, Oid caller)
{
	return find_foreign(type, caller, true);
}

/* Like foreign_domain(), but for types of every kind. */
Oid
foreign_type(Oid type, Oid caller)
{
	return find_foreign(type, caller, false);
}

/*
 * Return true if everybody may run the casts of a type: its owner is a
 * superuser, as those of built-in types and of most extensions are.
 */
bool
casts_trusted(Oid type)
{
	return type_trusted(type, BOOTSTRAP_SUPERUSERID);
}

/*
 * Return true if a value of a type is passed to a parameter of a built-in
 * function or operator without a cast of somebody who is not a superuser.
 */
bool
passed_safely(Oid type, Oid parameter)
{
	return casts_trusted(type) || IsPolymorphicType(parameter) ||
		IsBinaryCoercible(type, parameter);
}

/*
 * Return SQL for a value of a type as text, where prefix and suffix enclose the
 * value: the cast to text, or for a type of somebody who is not a superuser its
 * output function, as if it had no such cast.
 */
void
text_of_value(Oid type, const char **prefix, const char **suffix)
{
	Oid			output;
	bool		varlena;

	type = getBaseType(type);
	*prefix = "";
	*suffix = "::pg_catalog.text";
	if (casts_trusted(type) || IsBinaryCoercible(type, TEXTOID))
		return;
	getTypeOutputInfo(type, &output, &varlena);
	*prefix = psprintf("pg_catalog.textin(%s(",
					   quote_qualified_identifier(get_namespace_name(get_func_namespace(output)),
												  get_func_name(output)));
	*suffix = "))";
}

/* Collect the owner of the domains in a type that the caller does not trust. */
static void
collect_domain_owner(Oid type, Oid top, Oid *owner)
{
	HeapTuple	tup;
	Form_pg_type form;
	Oid			inner = InvalidOid;

	check_stack_depth();
	/* those above are trusted */
	if (!OidIsValid(foreign_domain(type, GetUserId())))
		return;
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		return;
	form = (Form_pg_type) GETSTRUCT(tup);
	if (form->typtype == TYPTYPE_DOMAIN)
	{
		inner = form->typbasetype;
		if (!role_trusted(form->typowner, GetUserId()))
		{
			if (OidIsValid(*owner) && *owner != form->typowner)
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("cannot convert a value to type %s", format_type_be(top)),
						 errdetail("It is made of domains of role \"%s\" and of role \"%s\", whose checks must not run as each other.",
								   GetUserNameFromId(*owner, false),
								   GetUserNameFromId(form->typowner, false))));
			*owner = form->typowner;
		}
	}
	else if (IsTrueArrayType(form))
		inner = form->typelem;
	else if (form->typtype == TYPTYPE_RANGE)
		inner = get_range_subtype(type);
	else if (form->typtype == TYPTYPE_MULTIRANGE)
		inner = get_multirange_range(type);
	else if (form->typtype == TYPTYPE_COMPOSITE)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

		for (int i = 0; i < desc->natts; i++)
		{
			if (!TupleDescAttr(desc, i)->attisdropped)
				collect_domain_owner(TupleDescAttr(desc, i)->atttypid, top, owner);
		}
		FreeTupleDesc(desc);
	}
	ReleaseSysCache(tup);
	if (OidIsValid(inner))
		collect_domain_owner(inner, top, owner);
}

/*
 * Return the role as which values are to be converted to types, domains taken
 * off, if they are only compared with columns.  A SELECT of the columns would
 * not run the checks of domains inside of these types, of an array's elements
 * for one.  If they belong to a role that the caller does not trust, it is that
 * role; otherwise InvalidOid.  Raises insufficient_privilege if they belong to
 * several such roles.
 */
Oid
input_role(int n, const Oid *types)
{
	Oid			owner = InvalidOid;

	for (int i = 0; i < n; i++)
		collect_domain_owner(types[i], types[i], &owner);
	return owner;
}

/*
 * Switch to input_role(), if there is one, and return true: then restore_user()
 * must follow.
 */
bool
switch_for_input(int n, const Oid *types, SavedUser *saved)
{
	Oid			role = input_role(n, types);

	if (OidIsValid(role))
		switch_to_role(role, saved);
	return OidIsValid(role);
}

static bool
function_is_foreign(Oid function, void *context)
{
	CodeSearch *search = context;
	HeapTuple	tup;
	Oid			owner;

	if (function < FirstNormalObjectId)
		return false;
	tup = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tup))
		return false;
	owner = ((Form_pg_proc) GETSTRUCT(tup))->proowner;
	ReleaseSysCache(tup);
	if (role_trusted(owner, search->caller))
		return false;
	search->found = psprintf("function \"%s\" of role \"%s\"", get_func_name(function),
							 GetUserNameFromId(owner, false));
	return true;
}

static bool
code_walker(Node *node, CodeSearch *search)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_is_foreign, search))
		return true;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_FOREIGN_TABLE &&
			!relation_trusted(entry->relid, search->caller))
		{
			search->found = psprintf("foreign table \"%s\"", model_name(entry->relid));
			return true;
		}
		return false;			/* its parts are visited by query_tree_walker() */
	}
	if (IsA(node, CoerceToDomain))
	{
		Oid			domain = foreign_domain(((CoerceToDomain *) node)->resulttype, search->caller);

		if (OidIsValid(domain))
		{
			search->found = psprintf("domain %s", format_type_be(domain));
			return true;
		}
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, code_walker, search, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, code_walker, search);
}

/*
 * Return a description of the first function, domain or foreign table in a query
 * or an expression that belongs to a role which the caller does not trust; NULL
 * without one.  A foreign table may connect to a server as the caller.  The
 * result is palloc'd.
 */
char *
foreign_code(Node *node, Oid caller)
{
	CodeSearch	search = {caller, NULL};

	(void) code_walker(node, &search);
	return search.found;
}
