# The rules of pgspot, which looks in extension scripts for names that another
# role could take over, and what the installed functions must be like.
#
# The script is run by a superuser.  A name without a schema could be looked up
# in a schema in which others may create; CREATE OR REPLACE and IF NOT EXISTS
# could take over an object of another role; a function that finds its names by
# the caller's search_path could run the caller's code with other rights.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = slurp_file('src/relations--1.0.sql');
my $control = slurp_file('relations.control');

# ---------------------------------------------------------------------
# Of the script, what the server parses: comments and the texts of strings
# are left out, bodies between $$ are kept
# ---------------------------------------------------------------------
my $code = '';
my @strings;
while ($script =~ /\G(?:(--[^\n]*)|(\/\*.*?\*\/)|(^\\[^\n]*)|('(?:[^']|'')*')|(.))/gsm)
{
	if (defined $4)
	{
		push @strings, $4;
		$code .= q{''};
	}
	elsif (defined $5)
	{
		$code .= $5;
	}
}
cmp_ok(length($code), '>', 10000, 'the script is read to its end');

# statements that match, as one line each
sub matching
{
	my ($pattern) = @_;
	my @found;
	while ($code =~ /([^\n]*$pattern[^\n]*)/gi) { push @found, $1 }
	return join("\n", @found);
}
is(matching('\bOR\s+REPLACE\b'), '', 'no object is replaced');
is(matching('\bIF\s+NOT\s+EXISTS\b(?!\s*\()'), '', 'no object is created only if it does not exist');
is(matching('\bSECURITY\s+DEFINER\b'), '', 'no function runs with the rights of its owner');
is(matching('\bCASE\s+(?!WHEN\b)'), '', 'no CASE compares by an operator without a schema');
is(matching('\bSET\s+(?:LOCAL\s+)?search_path\b(?! = pg_catalog, pg_temp(?:;|\s|$))'), '', 'each search_path in the script is "pg_catalog, pg_temp"');
like($code, qr/\A\s*SET LOCAL search_path = pg_catalog, pg_temp;/, 'the script finds names in pg_catalog only');

# names of objects that statements create, alter, drop or grant on
my $object = qr/(?:TABLE|FUNCTION|TYPE|VIEW|INDEX\s+\w+\s+ON|TRIGGER\s+\w+\s[^;]*?\bON)/;
my @unqualified;
while ($code =~ /\b(?:CREATE|ALTER|DROP|COMMENT\s+ON|GRANT[^;]*?ON|REVOKE[^;]*?ON)\s+$object\s+([^\s;(]+)/g)
{
	push @unqualified, $1 if $1 !~ /^relations\.["\w]+,?$/;
}
is("@unqualified", '', 'each object is created with its schema');

# references and calls: what follows FROM, JOIN and the like, and what is before a parenthesis
@unqualified = ();
while ($code =~ /\b(?:FROM|JOIN|LATERAL|FUNCTION|PERFORM|SELECT|RETURNS(?: SETOF)?)\s+([a-z_][\w.]*)\s*\(/g)
{
	push @unqualified, $1 if $1 !~ /^(?:pg_catalog|relations)\./;
}
while ($code =~ /\b(?:FROM|JOIN)\s+([a-z_][\w.]*)/g)
{
	push @unqualified, $1 if $1 !~ /^(?:pg_catalog|relations)\./;
}
while ($code =~ /(?<![\w.])([a-z_]\w*)\s*\(/g)
{
	push @unqualified, $1 unless $1 eq 'o' || $1 eq 'text';
}
# a list of columns comes after the name of a table: those with a schema are not matched
is("@unqualified", '', 'each function and table is called by its schema');

# operators: what is left when names, options and PL/pgSQL's own signs are taken away
my $expressions = $code;
$expressions =~ s/OPERATOR\(pg_catalog\.[^)]+\)//g;
$expressions =~ s/:=|=>//g;
$expressions =~ s/\b(?:MESSAGE|HINT|DETAIL|ERRCODE)\s*=//g;
$expressions =~ s/\bSET\s+(?:LOCAL\s+)?search_path\s*=//g;
# the constraints of tables, which find their operators in pg_catalog by the script's search_path
$expressions =~ s/\bCHECK\s*\([^;]*?\),$//gm;
$expressions =~ s/^\s*(?:INPUT|OUTPUT|RECEIVE|SEND|LIKE)\s*=//gm;
@unqualified = $expressions =~ /[^\n]*[-+*<>=~!@#%^&|`?\/]+[^\n]*/g;
is(join("\n", @unqualified), '', 'each operator is called by its schema');

# What pg_dump runs has no search_path: names in pg_catalog are found, others
# must have a schema.
my @filters = grep { /^'WHERE/ } @strings;
cmp_ok(scalar(@filters), '>', 0, 'filters of the dump are found');
my @in_filters = map { /\b(?:FROM|JOIN)\s+([\w.]+)/g } @filters;
is(join(' ', grep { !/^(?:pg_catalog|relations)\./ } @in_filters), '', 'each filter of the dump names the schema of its tables');

like($control, qr/^relocatable = false$/m, 'the extension stays in its schema');
unlike($control, qr/^\s*(?:trusted\s*=\s*true|superuser\s*=\s*false)/m, 'only a superuser may install the extension');

# ---------------------------------------------------------------------
# What is installed, by a role whose default privileges grant everything
# ---------------------------------------------------------------------
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE other;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO other;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
CREATE EXTENSION relations;
CREATE VIEW members AS SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'relations'
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';
CREATE VIEW functions AS SELECT p.*, p.oid::regprocedure AS signature, l.lanname FROM members JOIN pg_proc p ON p.oid = objid AND classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = prolang;
SQL
sub none
{
	my ($name, $sql) = @_;
	return is($node->safe_psql('postgres', $sql), '', $name);
}
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM functions'), '>', 50, 'the functions are found');
none('all functions are written in C', q{SELECT signature FROM functions WHERE lanname NOT IN ('c', 'internal')});
none('no function is SECURITY DEFINER', 'SELECT signature FROM functions WHERE prosecdef');
none('all functions in C are in the library of the extension', q{SELECT signature FROM functions WHERE lanname = 'c' AND probin <> '$libdir/relations'});
none('no function in C is leakproof', 'SELECT signature FROM functions WHERE proleakproof');
none('all settings of functions are a search_path with the temporary schema last', q{SELECT signature FROM functions WHERE proconfig <> '{"search_path=pg_catalog, pg_temp"}'});
# the event triggers do, too, but only when they run a statement
none('all functions that change declarations look up their names in pg_catalog',
	q{SELECT signature FROM functions WHERE proconfig IS NULL AND (prorettype = 'relations.relation'::regtype OR prorettype = 'relations.model'::regtype
		OR proname IN ('drop_relation', 'recount', 'discover', 'check', 'repair', 'forget', 'model'))});
none('all functions that may write are parallel unsafe and volatile', q{SELECT signature FROM functions WHERE (provolatile = 'v') AND proparallel <> 'u'});
none('no function that reads tables is immutable or parallel safe, but one that reads the catalog',
	q{SELECT signature FROM functions WHERE lanname = 'c' AND (provolatile = 'i' OR proparallel = 's') AND proname <> 'ddl'});
is($node->safe_psql('postgres', q{SELECT string_agg(proname, ' ' ORDER BY proname) FROM functions WHERE NOT has_function_privilege('other', oid, 'EXECUTE')}),
	'catalog_changed catalog_row counter_end counter_late', 'all functions but the triggers of the catalog are for everybody');
none('no function that others may call takes or returns internal, but for the receive function of the key',
	q{SELECT signature FROM functions WHERE ('internal'::regtype = ANY (proargtypes) OR prorettype = 'internal'::regtype) AND proname <> 'key_recv'});
none('nobody may create in the schema',
	q{SELECT r.rolname FROM pg_roles r WHERE NOT r.rolsuper AND has_schema_privilege(r.oid, 'relations', 'CREATE')});
none('nobody may write to the catalog',
	q{SELECT r.rolname, c.relname FROM pg_roles r, members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass AND relkind = 'r'
		WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')});
# counter_late and counter_end keep no rows: their triggers run at the end of a transaction or statement
none('no table of the catalog is unlogged, partitioned or has rules, defaults that call functions, or columns with privileges of their own',
	q{SELECT c.relname FROM members JOIN pg_class c ON c.oid = objid AND classid = 'pg_class'::regclass
		WHERE (relpersistence <> 'p' AND relname NOT IN ('counter_late', 'counter_end')) OR relkind <> 'r' OR relhasrules OR relispartition
			OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL)
			OR EXISTS (SELECT FROM pg_attrdef d WHERE adrelid = c.oid AND pg_get_expr(adbin, adrelid) NOT IN ('false', 'true'))});
none('all triggers of the catalog call functions of the extension',
	q{SELECT tgrelid::regclass, tgname FROM members JOIN pg_trigger t ON tgrelid = objid AND classid = 'pg_class'::regclass WHERE NOT tgisinternal AND tgfoid NOT IN (SELECT oid FROM functions)});
is($node->safe_psql('postgres', q{SELECT string_agg(format('%s %s %s', evtname, evtenabled, evtowner::regrole), ', ' ORDER BY evtname) FROM pg_event_trigger WHERE oid IN (SELECT objid FROM members)}),
	'relations_follow_ddl A ' . getpwuid($>) . ', relations_follow_drop A ' . getpwuid($>), 'the event triggers fire always and belong to the superuser');
none('all members are in the schema, and all of the schema are members',
	q{SELECT o.oid FROM pg_class o WHERE relnamespace = 'relations'::regnamespace AND relkind IN ('r', 'v', 'S', 'm', 'f', 'c') AND oid NOT IN (SELECT objid FROM members)
	UNION ALL SELECT oid FROM pg_proc WHERE pronamespace = 'relations'::regnamespace AND oid NOT IN (SELECT oid FROM functions)
	UNION ALL SELECT oid FROM functions WHERE pronamespace <> 'relations'::regnamespace});
none('all casts of the extension are to or from its own type, and none runs a function',
	q{SELECT castsource::regtype, casttarget::regtype FROM members JOIN pg_cast c ON c.oid = objid AND classid = 'pg_cast'::regclass
		WHERE 'relations.key'::regtype NOT IN (castsource, casttarget) OR castfunc <> 0});

done_testing();
