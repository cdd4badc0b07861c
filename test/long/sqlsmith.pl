# sqlsmith: random statements of all of SQL, which call the functions of relations
# with whatever has their types, and read and write models and graph views.  No
# crash, no internal error of ours.
#
# RELATIONS_TEST_QUERIES says how many statements, RELATIONS_TEST_SEED gives the
# same ones again.
use strict;
use warnings;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Kinds;

my $queries = $ENV{RELATIONS_TEST_QUERIES} || 4000;
my $seed = $ENV{RELATIONS_TEST_SEED} || int(rand(2**31));

plan skip_all => 'sqlsmith is not installed' if !grep { -x "$_/sqlsmith" } split /:/, $ENV{PATH};
diag("RELATIONS_TEST_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(auth_extra => [ '--create-role', 'smith' ]);
# internal errors with the place in the source that they come from
$node->append_conf('postgresql.conf', <<'CONF');
log_error_verbosity = verbose
log_statement = none
log_min_error_statement = error
log_min_messages = error
log_line_prefix = '%m [%p] %e '
track_functions = all
CONF
$node->start;

# The server's own functions that end or hold up sessions are not for smith; who
# is no superuser reaches no file.
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE smith LOGIN;
CREATE DATABASE smith OWNER smith;
SQL
$node->safe_psql('smith', <<'SQL');
CREATE EXTENSION relations;
DO $$
DECLARE f regprocedure;
BEGIN
	FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
		AND proname ~ '^(pg_terminate_backend|pg_cancel_backend|pg_sleep.*|pg_(try_)?advisory.*|lo_.*|pg_notify|set_config|pg_log_backend_memory_contexts)$'
	LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
	END LOOP;
END $$;
SQL
$node->safe_psql('smith', <<"SQL", extra_params => [ '-U', 'smith' ]);
SET client_min_messages = warning;
CREATE SCHEMA kinds;
SET search_path = kinds;
$Kinds::schema
-- the arguments: sqlsmith has no constants of these types
CREATE TABLE arguments (model regclass, key relations.key, name name, path text, paths text[], query jsonb, document jsonb, n int);
INSERT INTO arguments SELECT model::regclass, key, name, path, ARRAY[path], query::jsonb, document::jsonb, n FROM (VALUES
	('users', '1', 'posts', 'posts.tags', '{"preload": {"posts": {"limit": 1}}}', '{"name": "n", "posts": [{"title": "t"}]}', 1),
	('users', '2', 'profile', 'profile', '{"where": {"level": {"gt": 3}}, "order": ["-score"], "limit": 3, "cursor": true}', '{"profile": {"bio": "b"}}', 2),
	('users', '3', 'home', 'home.posts', '{"count": {"n": "posts"}}', '{"name": "n", "home": {"\$connect": "in"}}', 3),
	('users', '4', 'skills', 'skills.users', '{"where": {"posts": {"some": {"tags": {"some": {"name": "t1"}}}}}}', '{"word": "w"}', 3),
	('users', '5', 'image', 'image.owner', '{"select": ["id"], "preload": ["image"]}', '{"url": "u"}', 0),
	('posts', '1', 'tags', 'tags.posts', '{"preload": ["tags", "comments"]}', '{"name": "t1"}', 1),
	('posts', '2', 'author', 'author.home', '{"order": ["author.name"]}', '{"title": "x", "author": {"name": "a"}}', 1),
	('posts', '3', 'comments', 'comments.about', '{"aggregate": {"m": {"relation": "comments", "max": "id"}}}', '{"body": "b"}', 2),
	('comments', '1', 'about', 'about', '{}', '{"about": {"\$type": "post", "title": "t"}}', 0),
	('countries', 'in', 'posts', 'posts', '{"where": {"users": {"none": {}}}}', '{"code": "zz"}', -1),
	('nodes', '3', 'children', 'children.children', '{"preload": {"children": {"recursive": true}}}', '{"id": 99, "children": [{"id": 98}]}', 5),
	('orders', '(1,3)', 'items', 'items.order', '{"preload": ["items"]}', '{"tenant": 1, "id": 77, "items": [{"line": 1}]}', 5),
	('users_graph', '1', 'posts', 'posts', '{}', '[1, 2]', 1)) a (model, key, name, path, query, document, n);
-- sqlsmith calls no function that returns a set
CREATE FUNCTION preload_all(regclass, text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.preload(\$1, VARIADIC \$2) d';
CREATE FUNCTION query_all(regclass, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.query(\$1, \$2) d';
CREATE FUNCTION query_all(regclass, jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.query(\$1, \$2, \$3) d';
CREATE FUNCTION query_related_all(regclass, relations.key, name, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.query_related(\$1, \$2, \$3, \$4) d';
CREATE FUNCTION create_all(regclass, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.create_many(\$1, \$2) d';
CREATE FUNCTION create_all_related(regclass, relations.key, name, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.create_many_related(\$1, \$2, \$3, \$4) d';
CREATE FUNCTION first_all(regclass, relations.key, name, text, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.first_or_create_many_related(\$1, \$2, \$3, \$4, \$5) d';
CREATE FUNCTION update_all(regclass, relations.key, name, text, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.update_or_create_many_related(\$1, \$2, \$3, \$4, \$5) d';
CREATE FUNCTION make_all(regclass, int, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.factory_make(\$1, \$2 % 100, \$3) d';
CREATE FUNCTION make_all_stored(regclass, int, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.factory_create(\$1, \$2 % 100, \$3) d';
CREATE FUNCTION explain_all(regclass, jsonb, boolean) RETURNS text LANGUAGE sql AS 'SELECT string_agg(d, '''') FROM relations.explain(\$1, \$2, \$3) d';
CREATE FUNCTION ddl_all(regclass, name) RETURNS text LANGUAGE sql AS 'SELECT string_agg(d, '''') FROM relations.ddl(\$1, \$2) d';
CREATE FUNCTION discover_all(text, boolean) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM relations.discover(\$1, \$2)';
CREATE FUNCTION first_users(text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT relations.first(''kinds.users'', VARIADIC \$1)';
CREATE FUNCTION load_user(int, text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT relations.load(u, VARIADIC \$2) FROM kinds.users u WHERE id = \$1';
CREATE FUNCTION find_one(regclass, relations.key, text[]) RETURNS jsonb LANGUAGE sql AS 'SELECT relations.find(\$1, \$2, VARIADIC \$3)';
CREATE FUNCTION view_of(text, regclass, text[]) RETURNS text LANGUAGE sql AS 'SELECT relations.create_view(\$1, \$2, VARIADIC \$3)::text';
CREATE FUNCTION query_users(jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT jsonb_agg(d) FROM relations.query(''kinds.users'', \$1) d';
-- sqlsmith looks for functions in pg_proc, without a schema: let it see ours, and of
-- the server's those that make values for ours
CREATE VIEW pg_proc AS SELECT * FROM pg_catalog.pg_proc
WHERE pronamespace IN ('relations'::regnamespace, 'kinds'::regnamespace)
	OR prokind = 'a' AND proname ~ '^(count|min|max|jsonb_agg)\$' AND prorettype IN ('int4'::regtype, 'int8'::regtype, 'text'::regtype, 'jsonb'::regtype)
	OR oid IN ('jsonb_set(jsonb,text[],jsonb,boolean)'::regprocedure, 'jsonb_concat(jsonb,jsonb)'::regprocedure, 'jsonb_strip_nulls(jsonb)'::regprocedure,
		'jsonb_object_field(jsonb,text)'::regprocedure, 'jsonb_delete(jsonb,text)'::regprocedure, 'jsonb_delete(jsonb,integer)'::regprocedure,
		'md5(text)'::regprocedure, 'upper(text)'::regprocedure, 'jsonb_typeof(jsonb)'::regprocedure, 'int4pl(integer,integer)'::regprocedure,
		'textcat(text,text)'::regprocedure, 'jsonb_array_length(jsonb)'::regprocedure, 'jsonb_pretty(jsonb)'::regprocedure, 'float8(integer)'::regprocedure);
ALTER ROLE smith SET search_path = kinds, pg_catalog;
SQL

# Operators that it has no values for make most of its statements fail: they go, now that all is made.
$node->safe_psql('smith', q{DELETE FROM pg_catalog.pg_operator WHERE oprname <> '=' AND
	(oprleft::regtype::text ~ '^(anyrange|anymultirange|point|polygon|path|box|circle|line|lseg|pg_.*|jsonpath)$' OR oprright::regtype::text ~ '^(anyrange|anymultirange|point|polygon|path|box|circle|line|lseg|pg_.*|jsonpath)$')});

my ($out, $err) = ('', '');
my $ok = IPC::Run::run(
	[
		'sqlsmith', '--exclude-catalog', '--verbose', "--seed=$seed", "--max-queries=$queries",
		'--target=' . $node->connstr('smith') . ' user=smith'
	], '>', \$out, '2>', \$err);
ok($ok, 'sqlsmith runs to its end') or diag(substr($err, -2000));
my ($generated) = reverse($err =~ /queries: (\d+)/g);
diag('statements: ' . ($generated // '?') . ', impeded or failed as sqlsmith tells: ' . join(' ', $err =~ /^(?:\d+\s+ERROR:.*)$/mg)) if $ENV{RELATIONS_TEST_VERBOSE};

# sqlsmith does call us; a call that fails is not counted, the function is named all the same
my $calls = $node->safe_psql('smith', q{SELECT string_agg(funcname || ' ' || calls, ', ' ORDER BY calls DESC, funcname) FROM pg_stat_user_functions WHERE schemaname = 'relations' AND funcname !~ '^key_|^follow|^catalog'});
cmp_ok(scalar(() = $calls =~ /, /g), '>', 15, 'functions of relations were called');
note("calls: $calls");

my $log = slurp_file($node->logfile);
unlike($log, qr/terminated by signal|TRAP:|PANIC/, 'no crash');

# Errors of the class "internal": by the place where they were raised.
my %internal;
my @sources = map { basename($_) } glob('src/*.c');
my $ours = join('|', map { quotemeta } @sources);
$ours = qr/\b(?:$ours):/;
while ($log =~ /^\S+ \S+ \S+ \[\d+\] (XX\w\w\w) ERROR:  (.*)\n((?:(?!\S+ \S+ \S+ \[\d+\] \w{5} ERROR:).*\n)*)/mg)
{
	my ($state, $message, $rest) = ($1, $2, $3);
	my ($location) = $rest =~ /LOCATION:  (.*)/;
	$internal{ ($location // '?') . " $message" } = $rest;
}
my @bad = grep { /$ours/ } sort keys %internal;
is(scalar(@bad), 0, 'no internal error raised by relations') or diag(map { "$_\n$internal{$_}\n" } @bad);
note('internal errors of the server: ', join("\n", grep { !/$ours/ } sort keys %internal));

$node->stop;
done_testing();
