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
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "as_owner.h"
#include "foreign_code.h"

typedef struct CodeSearch
{
	Oid			caller;
	char	   *found;			/* "function ... of role ...", or NULL */
} CodeSearch;

/*
 * Return the first domain with a check, of a role that the caller does not
 * trust, that a value of a type must satisfy; InvalidOid without one.  Looks
 * into domains, arrays, composite types, ranges and multiranges.
 */
Oid
foreign_domain(Oid type, Oid caller)
{
	Oid			inner;

	check_stack_depth();
	if (type < FirstNormalObjectId)
		return InvalidOid;
	if (get_typtype(type) == TYPTYPE_DOMAIN)
	{
		HeapTuple	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
		Oid			owner;

		if (!HeapTupleIsValid(tup))
			return InvalidOid;
		owner = ((Form_pg_type) GETSTRUCT(tup))->typowner;
		inner = ((Form_pg_type) GETSTRUCT(tup))->typbasetype;
		ReleaseSysCache(tup);
		/* also without a check: the owner may add one at any time */
		return role_trusted(owner, caller) ? foreign_domain(inner, caller) : type;
	}
	if (OidIsValid(inner = get_element_type(type)) ||
		OidIsValid(inner = get_range_subtype(type)))
		return foreign_domain(inner, caller);
	if (OidIsValid(inner = get_multirange_range(type)))
		return foreign_domain(inner, caller);
	if (get_typtype(type) == TYPTYPE_COMPOSITE)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

		for (int i = 0; i < desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, i);

			inner = att->attisdropped ? InvalidOid : foreign_domain(att->atttypid, caller);
			if (OidIsValid(inner))
				return inner;
		}
	}
	return InvalidOid;
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
		return query_tree_walker((Query *) node, code_walker, search, 0);
	return expression_tree_walker(node, code_walker, search);
}

/*
 * Return a description of the first function, or checked domain, in a query or
 * an expression that belongs to a role which the caller does not trust; NULL
 * without one.  It is palloc'd.
 */
char *
foreign_code(Node *node, Oid caller)
{
	CodeSearch	search = {caller, NULL};

	(void) code_walker(node, &search);
	return search.found;
}
