# Attacks of a role without rights on a superuser, on other owners and on the
# server, one test each, named by what is promised.
#
# Code of the attacker reports in the server's log as whom it runs.  After each
# attack the log must not show that such code ran as another role, that a
# backend crashed, that an assertion failed, that a sanitizer found something or
# that an internal error was raised (see Attack.pm).
#
# Roles: mallory attacks, she owns the schema m; alice owns the schema app; the
# superuser administers the database.  Each attack has a database of its own.
# RELATIONS_ATTACKS names some of them, by a regular expression.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Attack;
use Kinds;

start_server();

# ---------------------------------------------------------------------
# Data of others (1): the file of a large read is the read's own
# ---------------------------------------------------------------------
my $large = <<'SQL';
SET search_path = m;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text);
INSERT INTO users SELECT i, repeat('u', 300) || i FROM generate_series(1, 8000) i;
INSERT INTO posts SELECT i, (i * 7919) % 8000 + 1, repeat('t', 100) || i FROM generate_series(1, 24000) i;
ANALYZE users, posts;
SELECT kind FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', local_key => 'id', enforce => false);
SQL
my $read = "SET search_path = m;\nSET relations.batch_memory = '1MB';\n";

attack('a savepoint that is rolled back under a large read leaves the files of other tables alone', sub {
	run('mallory', $large . join('', map { "CREATE TABLE z$_ (a int, b text); CREATE TABLE y$_ (a int, b text);" } 1 .. 4));
	my $fill = sub { my ($letter, $from, $to) = @_; return join('', map { "INSERT INTO $letter$_ SELECT i, repeat('$letter$_', 250) FROM generate_series($from, $to) i;\n" } 1 .. 4) };
	run('mallory', $read . <<"SQL");
BEGIN;
DECLARE c CURSOR FOR SELECT length(relations.preload('users', 'posts')::text);
SAVEPOINT s;
MOVE 4000 FROM c;
ROLLBACK TO s;
${\ $fill->('z', 1, 1000)}
CLOSE c;
${\ $fill->('y', 1, 1000)}
${\ $fill->('z', 1001, 5000)}
${\ $fill->('y', 1001, 5000)}
COMMIT;
SQL
	expect_is(value(q{SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^[zy][1-4]$' AND (pg_stat_file(pg_relation_filepath(oid))).size NOT BETWEEN 27e5 AND 28e5}), '', 'tables whose file has too few or too many rows');
	$node->restart;
	for my $table (map { ("z$_", "y$_") } 1 .. 4)
	{
		expect_is(value("SELECT count(*) FILTER (WHERE b = repeat('$table', 250)), count(*) FROM m.$table"), '5000|5000', "rows of $table");
	}
});
attack('each way to end a cursor over documents leaves no temporary file and no broken transaction', sub {
	run('mallory', $large);
	for my $end ('CLOSE c;', 'CLOSE ALL;', 'ROLLBACK TO s;', 'SAVEPOINT t; MOVE 2000 FROM c; ROLLBACK TO t; CLOSE c;', 'SAVEPOINT t; SELECT 1 / 0; ROLLBACK TO t;', 'RELEASE s;', 'DISCARD PLANS; CLOSE c;')
	{
		my $out = run('mallory', $read . "CREATE TABLE IF NOT EXISTS kept (n int); TRUNCATE kept;\nBEGIN; INSERT INTO kept VALUES (1); SAVEPOINT s;\nDECLARE c CURSOR FOR SELECT length(relations.preload('users', 'posts')::text);\nMOVE 4000 FROM c;\n$end\nINSERT INTO kept VALUES (2);\nCOMMIT;\nSELECT 'rows: ' || count(*) FROM kept;");
		expect_like($out, qr/^rows: 2$/m, "COMMIT after $end");
		expect_is(value('SELECT count(*) FROM pg_ls_tmpdir()'), '0', "temporary files after $end");
	}
});
attack('WITH HOLD cursors over documents do not take the transaction along at COMMIT', sub {
	run('mallory', $large);
	my $out = run('mallory', $read . <<'SQL');
CREATE TABLE kept (n int);
BEGIN;
INSERT INTO kept VALUES (1);
DECLARE c CURSOR WITH HOLD FOR SELECT length(relations.preload('users', 'posts')::text);
FETCH 1 FROM c \g /dev/null
SAVEPOINT s;
MOVE 5 FROM c;
ROLLBACK TO s;
COMMIT;
MOVE ALL FROM c;
SELECT 'rows: ' || count(*) FROM kept;
SQL
	expect_like($out, qr/^rows: 1$/m);
	expect_unlike($out, qr/ERROR/);
});
attack('the statement below a document is no cursor of the session', sub {
	run('mallory', $large);
	my $out = run('mallory', $read . <<'SQL');
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users') -> 'id';
MOVE 1 FROM c;
SELECT 'cursors: ' || string_agg(name, ', ') FROM pg_cursors;
FETCH 5 FROM "<unnamed portal 1>";
ROLLBACK;
SQL
	expect_like($out, qr/^cursors: c$/m);
	expect_like($out, qr/34000/);
});
attack('a large read stops at temp_file_limit', sub {
	run('mallory', $large);
	run($root, q{ALTER ROLE mallory SET temp_file_limit = '1MB'});
	my $out = run('mallory', $read . q{SELECT sum(length(d::text)) FROM (SELECT relations.preload('users', 'posts') AS d) s;});
	run($root, 'ALTER ROLE mallory RESET temp_file_limit');
	expect_like($out, qr/53400/);
	expect_is(value('SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'temporary files');
});
attack('a loop over documents goes on after errors that its body catches, and after COMMIT', sub {
	run('mallory', $large);
	my $out = run('mallory', $read . <<'SQL');
CREATE TABLE kept (n int);
CREATE PROCEDURE walk() LANGUAGE plpgsql AS $$
DECLARE d jsonb; n int := 0;
BEGIN
	FOR d IN SELECT relations.preload('users', 'posts') LOOP
		n := n + 1;
		BEGIN
			INSERT INTO kept VALUES (n);
			IF n % 1000 = 0 THEN PERFORM 1 / 0; END IF;
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
		IF n % 2000 = 0 THEN COMMIT; END IF;
	END LOOP;
	RAISE INFO 'documents: %', n;
END $$;
CALL walk();
SELECT 'rows: ' || count(*) FROM kept;
SQL
	expect_like($out, qr/documents: 8000/);
	expect_like($out, qr/^rows: 7992$/m);
});

# ---------------------------------------------------------------------
# Crashes (2): lists of columns of any length
# ---------------------------------------------------------------------
attack('keys of more columns than an index has are refused wherever a caller names them', sub {
	for my $n (33, 40, 100, 600)
	{
		my $out = run('mallory', <<"SQL");
SET search_path = m;
\\set columns `perl -e 'print join ", ", map { "c\$_" } 1..$n'`
\\set types `perl -e 'print join ", ", map { "c\$_ int NOT NULL DEFAULT 1" } 1..$n'`
\\set key `perl -e 'print "(", join(",", (1) x $n), ")"'`
DROP TABLE IF EXISTS w, w2, piv; CREATE TABLE w (:types, UNIQUE (c1)); CREATE TABLE w2 (:types, w_id int); INSERT INTO w DEFAULT VALUES; INSERT INTO w2 DEFAULT VALUES;
SELECT 'declared ' || model FROM relations.model('w', primary_key => :'columns');
SELECT relations.find('w', :'key');
SELECT relations.find_json('w', :'key', 'x');
SELECT relations."update"('w', :'key', '{"c1": 2}');
SELECT relations."delete"('w', :'key');
SELECT 'declared ' || relation FROM relations.has_many('w', 'a', 'w2', foreign_key => :'columns', local_key => :'columns', enforce => false);
SELECT 'declared ' || relation FROM relations.has_one('w', 'b', 'w2', foreign_key => :'columns', local_key => :'columns');
SELECT 'declared ' || relation FROM relations.belongs_to('w2', 'c', 'w', foreign_key => :'columns', local_key => :'columns', enforce => false, counter_cache => 'c1');
SELECT 'declared ' || relation FROM relations.many_to_many('w', 'd', 'w2', pivot_table => 'w2', local_key => :'columns', related_key => :'columns', pivot_foreign_key => :'columns', pivot_related_foreign_key => :'columns', enforce => false);
SELECT 'declared ' || relation FROM relations.has_many_through('w', 'e', 'w2', 'w2', foreign_key => :'columns', local_key => :'columns', through_foreign_key => :'columns', through_local_key => :'columns');
SELECT 'declared ' || relation FROM relations.morph_to('w2', 'f', '["w"]', id_column => :'columns', type_column => 'ty', add_column => true);
SELECT 'declared ' || relation FROM relations.morph_many('w', 'g', 'w2', 'mo', local_key => :'columns', id_column => :'columns', add_column => true);
SELECT relations.upsert('w', '{"c1": 1}', :'columns');
SELECT relation FROM relations.has_many('w', 'ok', 'w2', foreign_key => 'w_id', local_key => 'c1', enforce => false);
SELECT relations.model('w', primary_key => 'c1');
SELECT relations.update_or_create_many_related('w', 1, 'ok', :'columns', '[{"c1": 5}, {"c2": 6}]');
SELECT relations.first_or_create_many_related('w', 1, 'ok', :'columns', '[{"c1": 5}]');
SELECT 'alive';
SQL
		expect_unlike($out, qr/^declared /m, "$n columns");
		expect_like($out, qr/^alive$/m, "$n columns");
	}
});
attack('wide tables are read and written, and nothing of a document is of fixed length', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
SELECT format('CREATE TABLE p (id int PRIMARY KEY, %s)', string_agg('c' || i || ' int', ', ')) FROM generate_series(1, 1500) i \gexec
SELECT format('CREATE TABLE k (id int PRIMARY KEY, p_id int REFERENCES p, %s)', string_agg('c' || i || ' int', ', ')) FROM generate_series(1, 1500) i \gexec
SELECT relation FROM relations.has_many('p', 'ks', 'k');
SELECT 'created ' || length(relations."create"('p', (SELECT jsonb_object_agg('c' || i, i) FROM generate_series(1, 1500) i) || jsonb_build_object('id', 1, 'ks', (SELECT jsonb_agg(jsonb_build_object('id', i, 'c1500', 7)) FROM generate_series(1, 200) i)))::text);
SELECT 'read ' || length(relations.preload('p', 'ks')::text);
SELECT 'asked ' || count(*) FROM relations.query('p', jsonb_build_object('select', (SELECT jsonb_agg('c' || i) FROM generate_series(1, 1500) i), 'where', (SELECT jsonb_object_agg('c' || i, i) FROM generate_series(1, 1500) i),
	'order', (SELECT jsonb_agg('c' || i) FROM generate_series(1, 1500) i), 'cursor', true, 'count', (SELECT jsonb_object_agg('n' || i, 'ks') FROM generate_series(1, 40) i)));
SELECT relations.query('p', jsonb_build_object('order', (SELECT jsonb_agg('c' || i % 1500 + 1) FROM generate_series(1, 5000) i))) ->> 'id';
SELECT relations.query('p', jsonb_build_object('where', jsonb_build_object('or', (SELECT jsonb_agg(jsonb_build_object('c1', i)) FROM generate_series(1, 5000) i)))) ->> 'id';
SELECT 'many values ' || count(*) FROM relations.query('k', jsonb_build_object('where', jsonb_build_object('id', jsonb_build_object('in', (SELECT jsonb_agg(i) FROM generate_series(1, 100000) i)))));
SELECT count(*) FROM relations.query('k', jsonb_build_object('where', jsonb_build_object('or', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1, 70000) i))));
SELECT 'a document of ' || length(relations."create"('p', jsonb_build_object('id', 2, 'ks', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1000, 20000) i)))::text) / 10000000;
SELECT relations."update"('p', 2, jsonb_build_object('ks', jsonb_build_object('$delete', (SELECT jsonb_agg(i) FROM generate_series(1000, 20000) i)))) ->> 'id';
SELECT relations.preload('p', repeat('ks.', 100000));
SELECT relations.preload('p', repeat('k', 100000));
SELECT relations.preload('p', VARIADIC (SELECT array_agg('ks'::text) FROM generate_series(1, 10000)));
SELECT 'alive';
SQL
	expect_like($out, qr/^created \d+$/m);
	expect_like($out, qr/^read \d+$/m);
	expect_like($out, qr/^asked 1$/m);
	expect_like($out, qr/^many values 200$/m);
	expect_like($out, qr/^alive$/m);
});
attack('documents of any depth end in an error, not in a crash', sub {
	my @deep = (
		[ 'an array' => q{repeat('[', %1$s) || repeat(']', %1$s)} ],
		[ 'an object' => q{repeat('{"a": ', %1$s) || '1' || repeat('}', %1$s)} ],
		[ 'not' => q{'{"where": ' || repeat('{"not": ', %1$s) || '{"id": 1}' || repeat('}', %1$s) || '}'} ],
		[ 'or' => q{'{"where": ' || repeat('{"or": [', %1$s) || '{"id": 1}' || repeat(']}', %1$s) || '}'} ],
		[ 'not of a column' => q{'{"where": {"id": ' || repeat('{"not": ', %1$s) || '{"eq": 1}' || repeat('}', %1$s) || '}}'} ],
		[ 'some' => q{'{"where": ' || repeat('{"children": {"some": ', %1$s) || '{"id": 1}' || repeat('}}', %1$s) || '}'} ],
		[ 'preload' => q{repeat('{"preload": {"children": ', %1$s) || '{}' || repeat('}}', %1$s)} ],
		[ 'where of a count' => q{repeat('{"count": {"n": {"relation": "children", "where": {"children": {"some": ', %1$s) || '{"id": 1}' || repeat('}}}}}', %1$s)} ],
		[ 'order' => q{'{"order": ["' || repeat('parent.', %1$s) || 'id"]}'} ],
		[ 'create' => q{repeat('{"children": [', %1$s) || '{}' || repeat(']}', %1$s)} ],
		[ 'operations' => q{repeat('{"parent": {"$create": ', %1$s) || '{"id": 1}' || repeat('}}', %1$s)} ],
		[ 'with' => q{'{"with": {"children": ' || repeat('{"with": {"children": ', %1$s) || 'true' || repeat('}}', %1$s) || '}}'} ]);
	my $statements = join('', map {
		my ($name, $sql) = @$_;
		map {
			my $text = sprintf($sql, $_);
			join('', map { "$_;\n" }
				"SELECT count(*) FROM relations.query('nodes', ($text)::jsonb)", "SELECT count(*) FROM relations.query_json('nodes', ($text)::jsonb)", "SELECT length(relations.preload_sql('nodes', ($text)::jsonb))",
				"SELECT count(*) FROM relations.query('nodes', '{\"where\": {\"doc\": {\"contains\": \"\$1\"}}}', jsonb_build_object('1', ($text)::jsonb))",
				"SELECT length(relations.\"create\"('nodes', ($text)::jsonb)::text)", "SELECT length(relations.\"create\"('nodes', jsonb_build_object('doc', ($text)::jsonb))::text)", "SELECT length(relations.\"update\"('nodes', 1, ($text)::jsonb)::text)",
				"SELECT length(relations.upsert('nodes', ($text)::jsonb)::text)", "SELECT count(*) FROM relations.factory_create('nodes', 1, ($text)::jsonb)", "SELECT definition FROM relations.define_factory('nodes', ($text)::jsonb)",
				"SELECT relation FROM relations.has_many('nodes', 'deep', 'nodes', foreign_key => 'parent_id', scope => ($text)::jsonb)", "SELECT length(relations.json_schema('nodes', ($text)::jsonb)::text)", "SELECT length(relations.typescript('nodes', ($text)::jsonb))",
				"SELECT count(*) FROM relations.explain('nodes', ($text)::jsonb)", "SELECT relations.attach('nodes', 1, 'friends', ($text)::jsonb)")
		} (300, 3000, 20000)
	} @deep);
	my $out = run('mallory', <<"SQL");
SET search_path = m;
SET statement_timeout = '20s';
CREATE TABLE nodes (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, parent_id int REFERENCES nodes, doc jsonb);
INSERT INTO nodes DEFAULT VALUES;
SELECT relation FROM relations.has_many('nodes', 'children', 'nodes', foreign_key => 'parent_id');
SELECT relation FROM relations.belongs_to('nodes', 'parent', 'nodes', foreign_key => 'parent_id');
SELECT relation FROM relations.many_to_many('nodes', 'friends', 'nodes', pivot_foreign_key => 'a', pivot_related_foreign_key => 'b');
\\o /dev/null
$statements
\\o
SELECT 'alive';
SQL
	expect_like($out, qr/^alive$/m);
	expect_like($out, qr/54001/, 'the depth of the stack is checked');
	expect_unlike($out, qr/57014/, 'a statement took 20 seconds');
});
attack('types that nest 3000 deep end in an error, not in a crash', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TYPE t0 AS (a int);
DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TYPE t%s AS (a t%s)', i, i - 1); END LOOP; END $$;
CREATE TABLE deep (id int PRIMARY KEY, v t3000);
INSERT INTO deep VALUES (1, NULL);
CREATE DOMAIN d0 AS int;
DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE DOMAIN d%s AS d%s', i, i - 1); END LOOP; END $$;
CREATE TABLE domains (id d3000 PRIMARY KEY, up_id d3000 REFERENCES domains, v d3000);
INSERT INTO domains VALUES (1, NULL, 1), (2, 1, 1);
SELECT relation FROM relations.has_many('domains', 'downs', 'domains', foreign_key => 'up_id');
\o /dev/null
SELECT relations.preload('deep'); SELECT relations.preload_json('deep'); SELECT relations."create"('deep', '{"id": 2}'); SELECT relations.json_schema('deep'); SELECT relations.typescript('deep');
SELECT relations."update"('deep', 1, ('{"v": ' || repeat('{"a": ', 2999) || '1' || repeat('}', 2999) || '}')::jsonb); SELECT relations.preload('deep'); SELECT relations.preload_json('deep');
SELECT relations.factory_create('deep', 1); SELECT relations.query('deep', '{"where": {"v": null}}'); SELECT relations.factory_make('domains', 1);
SELECT relations.preload('domains', 'downs'); SELECT relations.query('domains', '{"where": {"v": 1, "downs": {"some": {"v": 1}}}}'); SELECT relations."create"('domains', '{"id": 3, "v": 2, "downs": [{"id": 4}]}'); SELECT relations.check('m');
\o
SELECT 'alive';
SQL
	expect_like($out, qr/^alive$/m);
});
attack('text that is hostile in length, encoding and quotes is a value', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE t (id text PRIMARY KEY, up text REFERENCES t, v text, j jsonb, b bytea, a text[]);
SELECT relation FROM relations.has_many('t', 'ts', 't', foreign_key => 'up');
CREATE TEMP TABLE texts (no int, x text);
INSERT INTO texts VALUES (1, repeat('x', 2000)), (2, repeat('é', 1000)), (3, E'\u0001\n\r\t\\"''$$ $1 %s %n'), (4, '"'), (5, ''), (6, '(1,2)'), (7, '{1,2}'), (8, E'\U0010FFFF'), (9, 'null'), (10, '$param'), (11, '$$x'), (12, '1; DROP TABLE m.t'), (13, repeat('\', 999));
DO $$
DECLARE t record; d jsonb; big text := repeat('0123456789', 1000000);
BEGIN
	FOR t IN SELECT * FROM texts LOOP
		d := relations."create"('m.t', jsonb_build_object('id', t.x, 'v', t.x, 'j', to_jsonb(t.x), 'a', jsonb_build_array(t.x, NULL), 'ts', jsonb_build_array(jsonb_build_object('id', 'c' || t.no, 'v', t.x))));
		IF d ->> 'id' <> t.x OR d -> 'j' <> to_jsonb(t.x) OR d #>> '{ts,0,v}' <> t.x OR d #>> '{a,0}' <> t.x THEN RAISE WARNING 'wrong: % %', t.no, left(d::text, 200); END IF;
		IF relations.query('m.t', jsonb_build_object('where', jsonb_build_object('v', '$x', 'up', NULL)), jsonb_build_object('x', t.x)) ->> 'id' <> t.x THEN RAISE WARNING 'not found: %', t.no; END IF;
		IF t.no NOT IN (6) AND relations.find('m.t', t.x::relations.key, 'ts') #>> '{ts,0,v}' IS DISTINCT FROM t.x THEN RAISE WARNING 'no key: %', t.no; END IF;
		IF relations.find_json('m.t', t.x::relations.key, 'ts')::jsonb #>> '{ts,0,v}' IS DISTINCT FROM t.x THEN RAISE WARNING 'no key for json: %', t.no; END IF;
	END LOOP;
	-- out of line, compressed and not
	d := relations."create"('m.t', jsonb_build_object('id', 'big', 'v', big, 'j', jsonb_build_object('x', big), 'a', jsonb_build_array(big), 'b', '\x' || repeat('00', 1000000)));
	IF d ->> 'v' <> big OR relations.find('m.t', 'big') ->> 'v' <> big OR relations.find_json('m.t', 'big') ->> 'v' <> big OR relations.find('m.t', 'big') #>> '{a,0}' <> big THEN RAISE WARNING 'wrong: big'; END IF;
	ALTER TABLE m.t ALTER v SET STORAGE EXTERNAL; UPDATE m.t SET v = v || 'x' WHERE id = 'big';
	IF relations.find('m.t', 'big') ->> 'v' <> big || 'x' THEN RAISE WARNING 'wrong: out of line'; END IF;
END $$;
SELECT 'rows: ' || count(*) FROM t;
SQL
	expect_unlike($out, qr/WARNING|ERROR/);
	expect_like($out, qr/^rows: 27$/m);
});

# ---------------------------------------------------------------------
# Crashes (3): what was begun with is gone on with, whatever is renamed
# ---------------------------------------------------------------------
my $swap = <<'SQL';
SET search_path = m;
CREATE TABLE users (id int PRIMARY KEY, name text, n int8 DEFAULT 81985529216486895);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, n int8 DEFAULT 81985529216486895);
CREATE TABLE other (id int PRIMARY KEY, user_id int, title int8, n text);
INSERT INTO users SELECT i, repeat('u', 1000) || i FROM generate_series(1, 500) i;
INSERT INTO posts SELECT i, (i - 1) % 500 + 1, 'hello' FROM generate_series(1, 1500) i;
INSERT INTO other SELECT i, (i - 1) % 500 + 1, 81985529216486895, 'n' FROM generate_series(1, 1500) i;
CREATE VIEW v AS SELECT * FROM posts;
SELECT relations.model('v', primary_key => 'id');
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.has_many('users', 'vs', 'v', foreign_key => 'user_id', enforce => false);
SELECT kind FROM relations.has_one('users', 'last', 'posts', scope => '{"order": ["-id"]}', enforce => false);
SELECT relations.create_view('g', 'users', 'posts');
SQL
for my $ddl (
	[ 'two tables that swap names' => 'ALTER TABLE posts RENAME TO gone; ALTER TABLE other RENAME TO posts;' ],
	[ 'two columns that swap names' => 'ALTER TABLE posts RENAME title TO x; ALTER TABLE posts RENAME n TO title; ALTER TABLE posts RENAME x TO n;' ],
	[ 'columns of the root that swap names' => 'ALTER TABLE users RENAME name TO x; ALTER TABLE users RENAME n TO name; ALTER TABLE users RENAME x TO n;' ],
	[ 'a schema that takes the place of another' => 'ALTER SCHEMA m RENAME TO was; CREATE SCHEMA m; CREATE TABLE m.posts (id int PRIMARY KEY, user_id int, title int8); CREATE TABLE m.users (id text);' ],
	[ 'a view that is replaced' => "CREATE OR REPLACE VIEW v AS SELECT id, user_id, id::text AS title, n FROM posts;" ],
	[ 'a relation that is dropped and declared for another table' => "SELECT relations.drop_relation('users', 'posts'); SELECT relation FROM relations.has_many('users', 'posts', 'other', enforce => false);" ],
	[ 'a table that is moved away' => 'CREATE SCHEMA w; ALTER TABLE posts SET SCHEMA w; CREATE TABLE posts (id int, user_id int, title int8);' ])
{
	attack("a cursor over documents goes on with what it began with, or raises: $ddl->[0]", sub {
		run($root, 'GRANT CREATE ON DATABASE ' . value('SELECT current_database()') . ' TO mallory');
		run('mallory', $swap);
		for my $relations ("'posts', 'last', 'vs'", "'vs'", '')
		{
			for my $reader ("relations.preload('users'" . ($relations ? ", $relations" : '') . ")", "relations.preload_json('users'" . ($relations ? ", $relations" : '') . ")::jsonb", "relations.query('users', '{\"preload\": [\"posts\"], \"count\": {\"n2\": \"posts\"}, \"order\": [\"-id\"]}')", 'to_jsonb(g) FROM g')
			{
				my $out = run('mallory', <<"SQL");
SET search_path = m;
SET relations.batch_memory = '64kB';
BEGIN;
DECLARE c CURSOR FOR SELECT $reader;
FETCH 1 FROM c \\g /dev/null
$ddl->[1]
\\o /dev/null
MOVE 63 FROM c;
FETCH 100 FROM c;
SELECT relations.preload('users', 'posts');
\\o
ROLLBACK;
SELECT 'alive';
SQL
				expect_like($out, qr/^alive$/m);
			}
		}
	});
}
attack('TRUNCATE and what rewrites a table are refused under an open cursor over documents, at each level', sub {
	run('mallory', $swap);
	for my $table ('users', 'posts')
	{
		for my $ddl ("TRUNCATE $table CASCADE", "DROP VIEW v; ALTER TABLE $table ALTER n TYPE numeric", "ALTER TABLE $table DROP COLUMN n CASCADE", "DROP TABLE $table CASCADE", "ALTER TABLE $table ADD q float DEFAULT random()", "CLUSTER $table USING ${table}_pkey")
		{
			my $out = run('mallory', <<"SQL");
SET search_path = m;
SET relations.batch_memory = '64kB';
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts', 'vs');
FETCH 1 FROM c \\g /dev/null
$ddl;
ROLLBACK;
SQL
			expect_like($out, qr/55006/, "$ddl");
		}
	}
});
attack('a swap of schemas by another session does not mix two schemas in one answer', sub {
	run('mallory', $swap . "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF \$1 = 60 THEN PERFORM pg_sleep(2); END IF; RETURN \$1; END';");
	run($root, 'CREATE SCHEMA next AUTHORIZATION mallory');
	run('mallory', "CREATE TABLE next.posts (id int PRIMARY KEY, user_id int, title text, n int8); INSERT INTO next.posts SELECT i, (i - 1) % 500 + 1, 'new' FROM generate_series(1, 1500) i; CREATE TABLE next.users (id int PRIMARY KEY, name text);");
	my $reader = run('mallory', "SET search_path = m;\nSET relations.batch_memory = '64kB';\nSELECT string_agg(DISTINCT d #>> '{posts,0,title}', ',') FROM (SELECT slow((d ->> 'id')::int), d FROM (SELECT relations.preload('m.users', 'posts') AS d) s) t;", background => 1, name => 'reader');
	wait_for("application_name = 'reader' AND wait_event = 'PgSleep'") or return;
	run($root, 'BEGIN; ALTER SCHEMA m RENAME TO prev; ALTER SCHEMA next RENAME TO m; COMMIT');
	my $out = finish($reader);
	expect_unlike($out, qr/new/);
	expect_like($out, qr/^hello$|^ERROR:  (?:40001|55006|0A000|42P01)/m);
});
attack('a table that is rewritten while a cached plan waits for it does not lose its rows', sub {
	run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE logs (id int PRIMARY KEY, msg text) PARTITION BY RANGE (id);
CREATE TABLE logs1 PARTITION OF logs FOR VALUES FROM (0) TO (100);
CREATE TABLE logs2 PARTITION OF logs FOR VALUES FROM (100) TO (200);
INSERT INTO logs VALUES (1, 'a'), (2, 'b'), (101, 'c');
CREATE TABLE base (id int PRIMARY KEY, msg text); INSERT INTO base VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE VIEW v AS SELECT * FROM base; SELECT relations.model('v', primary_key => 'id');
CREATE TABLE top (id int PRIMARY KEY, msg text); CREATE TABLE sub () INHERITS (top); INSERT INTO top VALUES (1, 'a'); INSERT INTO sub VALUES (2, 'b'), (3, 'c');
SQL
	for my $case ([ 'logs', 'logs1' ], [ 'v', 'base' ], [ 'top', 'sub' ], [ 'base', 'base' ])
	{
		my ($model, $table) = @$case;
		my $reader = run('mallory', "SET search_path = m;\nSELECT count(*) FROM relations.preload('$model');\nSELECT pg_sleep(1);\nSELECT 'rows: ' || count(*) FROM relations.preload('$model');\nSELECT 'rows: ' || count(*) FROM relations.preload('$model');\n", background => 1, name => 'reader');
		wait_for("application_name = 'reader' AND wait_event = 'PgSleep'") or return;
		my $writer = run('mallory', "SET search_path = m;\nBEGIN; ALTER TABLE $table SET UNLOGGED; ALTER TABLE $table SET LOGGED; SELECT pg_sleep(2); COMMIT;", background => 1, name => 'writer');
		finish($writer);
		my $out = finish($reader);
		expect_unlike($out, qr/rows: [012]$/m, $model);
		expect_like($out, qr/rows: 3|40001/, $model);
	}
});

# ---------------------------------------------------------------------
# Crashes (4, 5, 6): large values, nulls in keys, errors within errors
# ---------------------------------------------------------------------
attack('a null in a key that is not one raises, or finds no row, and never another row', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE p (id int PRIMARY KEY, code int);
CREATE TABLE t (no int, name text, a int, b int, p_id int REFERENCES p, note text);
INSERT INTO p VALUES (1, NULL), (2, NULL), (3, 0);
INSERT INTO t VALUES (5, NULL, NULL, 1, 1, 'mine'), (9, '', 0, 1, 1, 'not named'), (10, 'x', 1, NULL, 2, 'other'), (10, 'x', 1, NULL, 2, 'twice');
CREATE TABLE before AS SELECT * FROM t;
SELECT relation FROM relations.has_many('p', 'ts', 't');
SELECT relation FROM relations.belongs_to('t', 'p', 'p');
SELECT relation FROM relations.many_to_many('p', 'friends', 't', pivot_foreign_key => 'l', pivot_related_foreign_key => 'r', enforce => false);
SELECT relations.create_view('pv', 'p', 'ts');
SELECT format($$
SELECT model FROM relations.model('t', primary_key => %1$L);
SELECT relations."update"('p', 1, '{"ts": {"$update": {"where": {"no": 5}, "data": {"note": "changed"}}}}');
SELECT relations."update"('p', 1, '{"ts": {"$delete": {"no": 5}}}');
SELECT relations."update"('p', 1, '{"ts": {"$disconnect": {"no": 5}}}');
SELECT relations."update"('p', 2, '{"ts": {"$set": [{"no": 5}]}}');
SELECT relations."update"('p', 2, '{"ts": {"$upsert": {"where": {"no": 5}, "update": {"note": "changed"}, "create": {}}}}');
SELECT relations.update_related('p', 1, 'ts', '{"no": 5}', '{"note": "changed"}');
SELECT relations.delete_related('p', 1, 'ts', '{"no": 5}');
SELECT relations.associate('t', NULL, 'p', 1); SELECT relations.dissociate('t', '(,1)', 'p'); SELECT relations."update"('t', '(,)', '{"note": "changed"}'); SELECT relations."delete"('t', '(,1)'); SELECT relations.find('t', '(,1)');
UPDATE pv SET ts = '[{"no": 5, "note": "changed"}]' WHERE id = 1;
SELECT count(*) FROM relations.preload('p', 'ts.p'); SELECT count(*) FROM relations.preload_json('t', 'p');
SELECT relations.query('t', '{"cursor": true, "limit": 1}') ->> 'cursor' AS cursor \gset
SELECT count(*) FROM relations.query('t', jsonb_build_object('after', :'cursor'));
SELECT relations.attach('p', 1, 'friends', '[null]'); SELECT relations.sync('p', 1, 'friends', '[{"no": null}]');
DELETE FROM pv WHERE id = 1;
TRUNCATE t; INSERT INTO t TABLE before;
SELECT 'changed: ' || count(*) FROM t WHERE note = 'changed' AND no <> 5;
$$, key) FROM unnest(ARRAY['name', 'a', 'a, b', 'b', 'p_id, name', 'no']) key \gexec
SELECT 'alive';
SQL
	expect_unlike($out, qr/^changed: [1-9]/m);
	expect_like($out, qr/^alive$/m);
});
attack('a null in the local key of a relation, and in a key that a view or a trigger sets, is no crash', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE p (name text UNIQUE, note text);
CREATE TABLE t (id int PRIMARY KEY, p_name text REFERENCES p (name) ON UPDATE SET NULL);
INSERT INTO p VALUES ('a', 'x'), (NULL, 'y'); INSERT INTO t VALUES (1, 'a'), (2, NULL);
SELECT model FROM relations.model('p', primary_key => 'name');
SELECT relation FROM relations.has_many('p', 'ts', 't', foreign_key => 'p_name', local_key => 'name');
SELECT relation FROM relations.belongs_to('t', 'p', 'p', foreign_key => 'p_name', local_key => 'name');
SELECT relations.create_view('pv', 'p', 'ts');
TABLE pv;
UPDATE pv SET name = NULL RETURNING *;
INSERT INTO pv (name, ts) VALUES (NULL, '[{"id": 3}]') RETURNING *;
SELECT relations."create"('p', '{"name": null, "ts": [{"id": 4}]}');
SELECT relations."create"('t', '{"id": 5, "p": {"name": null}}');
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := NULL; RETURN NEW; END $$;
CREATE TRIGGER lose BEFORE INSERT OR UPDATE ON p FOR EACH ROW EXECUTE FUNCTION lose();
SELECT relations."create"('p', '{"name": "b", "ts": [{"id": 6}]}');
SELECT relations."create"('t', '{"id": 7, "p": {"name": "c"}}');
SELECT relations.upsert('p', '{"name": "a", "ts": [{"id": 8}]}');
SELECT relations."update"('p', 'a', '{"ts": [{"id": 9}]}');
UPDATE pv SET note = 'z' RETURNING *;
SELECT 'alive';
SQL
	expect_like($out, qr/^alive$/m);
});
attack('an error below a document can be reported, whatever became of its table', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p);
SELECT relation FROM relations.has_many('p', 'cs', 'c');
SELECT relation FROM relations.belongs_to('c', 'p', 'p');
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0]; RAISE 'raised'; END $$;
SELECT format($$
CREATE OR REPLACE TRIGGER act BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION act(%L);
SELECT relations."create"('p', '{"id": 1, "cs": [{"id": 1}, {"id": 2}]}');
SELECT relations."create"('c', '{"id": 1, "p": {"id": 1}}');
SELECT relations.factory_create('p', 2, '{"with": {"cs": 2}}');
SELECT relations.create_related('p', 1, 'cs', '{"id": 1}');
$$, action) FROM unnest(ARRAY['SELECT 1', 'DROP TABLE m.p CASCADE', 'ALTER TABLE m.p RENAME TO q', 'ALTER SCHEMA m RENAME TO n', 'SELECT relations.drop_relation(''m.p'', ''cs'')', 'SELECT pg_terminate_backend(0)', 'SET statement_timeout = 1; SELECT pg_sleep(9)', 'ROLLBACK', 'SELECT 1/0', 'DO $x$ BEGIN RAISE ''%'', repeat(''x'', 1000000); END $x$']) action \gexec
SELECT 'alive';
SQL
	expect_like($out, qr/^alive$/m);
});
attack('a value of nearly 256 MB is refused where its document would be too large', sub {
	my ($free) = slurp_file('/proc/meminfo') =~ /^MemAvailable:\s+(\d+)/m;
	return if $free < 6e6 || $ENV{ASAN_OPTIONS};
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE big (id int PRIMARY KEY, j jsonb, zz text);
ALTER TABLE big ALTER j SET STORAGE EXTERNAL;
INSERT INTO big SELECT 1, jsonb_build_array(repeat('x', 268435454 - 8)), 'tail';
SELECT d ->> 'zz' AS wrong FROM relations.first('big') d WHERE d ->> 'zz' IS DISTINCT FROM 'tail';
SELECT 'alive';
SQL
	expect_like($out, qr/54000/);
	expect_like($out, qr/^alive$/m);
}) if -e '/proc/meminfo';
attack('each function with nulls, with numbers for tables and with tables of any kind is an error or an answer', sub {
	run($root, <<'SQL');
CREATE TABLE app.part (id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE MATERIALIZED VIEW app.mat AS SELECT 1 AS id; CREATE SEQUENCE app.seq; CREATE TYPE app.comp AS (a int); CREATE VIEW app.vw AS SELECT 1 AS id; CREATE TABLE app.nocolumns ();
SET ROLE alice; CREATE TABLE app.t (id int PRIMARY KEY);
SQL
	my $calls = value(<<'SQL');
SELECT string_agg(format('SELECT relations.%I(%s);', p.proname, args), E'\n') FROM pg_proc p,
	LATERAL (VALUES ('NULL'), ('0'), ('4294967295'), ('''app.t'''), ('''app.part'''), ('''app.mat'''), ('''app.seq'''), ('''app.comp'''), ('''app.vw'''), ('''app.nocolumns'''), ('''app.t_pkey'''), ('''pg_catalog.pg_class'''), ('''pg_catalog.pg_proc'''), ('''relations.relation'''), ('''relations.model'''), ('''information_schema.tables'''), ('''pg_toast.pg_toast_2618'''), ('''pg_catalog.pg_settings'''), ('''m.own''')) t (tab),
	LATERAL (VALUES (''), ('x'), ('{}'), ('[1]'), ('1')) v (val),
	LATERAL (SELECT string_agg(CASE WHEN tab = 'NULL' THEN 'NULL' WHEN type = 'regclass'::regtype THEN tab || '::regclass' WHEN type = 'boolean'::regtype THEN 'true' WHEN type = 'integer'::regtype THEN '1' WHEN type = 'jsonb'::regtype THEN '''' || CASE val WHEN '' THEN 'null' WHEN 'x' THEN '"x"' ELSE val END || ''''
		ELSE quote_literal(val) END || CASE WHEN tab = 'NULL' OR type = 'regclass'::regtype THEN '::' || type::regtype ELSE '' END, ', ' ORDER BY n) AS args
		FROM unnest(CASE WHEN provariadic = 0 THEN proargtypes::oid[] ELSE (proargtypes::oid[])[0:pronargs - 2] END) WITH ORDINALITY u (type, n)) a
	WHERE pronamespace = 'relations'::regnamespace AND NOT 'internal'::regtype = ANY (proargtypes) AND NOT 'cstring'::regtype = ANY (proargtypes) AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
		AND NOT 'record'::regtype = ANY (proargtypes)
SQL
	expect($calls =~ tr/\n// > 5000, 'calls: ' . ($calls =~ tr/\n//));
	for my $role ('mallory', $root)
	{
		my $out = run($role, "SET statement_timeout = '60s';\nCREATE TABLE IF NOT EXISTS m.own (id int PRIMARY KEY, own_id int REFERENCES m.own);\nSET client_min_messages = fatal;\n\\o /dev/null\nBEGIN;\n" . join('', map { "SAVEPOINT s; $_ ROLLBACK TO s;\n" } split(/\n/, $calls)) . "ROLLBACK;\n\\o\nSELECT 'alive';");
		expect_like($out, qr/^alive$/m, $role);
	}
	# a call on behalf of the executor only
	my $out = run('mallory', 'SELECT relations.follow_ddl(); SELECT relations.follow_drop(); SELECT relations.counter_rows(); SELECT relations.key_recv(NULL);');
	expect_is(scalar(() = $out =~ /ERROR/g), 4, 'errors');
});

# ---------------------------------------------------------------------
# Privilege escalation (7): code of the attacker, of each kind, in tables that
# others read, check, repair, recount and refer to
# ---------------------------------------------------------------------

# What mallory has done to the tables p and c of a schema of hers, where each
# relation leads from one to the other: name, statements after the tables are
# made, and after the relations are declared.  %s is the name of the schema.
my $common = <<'SQL';
CREATE TABLE p (id int PRIMARY KEY, n int DEFAULT 0, at timestamptz, note text);
CREATE TABLE c (id int PRIMARY KEY, p_id int, note text, what text, ref_type text, ref_id int);
CREATE TABLE piv (p_id int, c_id int, note text);
INSERT INTO p (id) VALUES (1), (2); INSERT INTO c (id, p_id) VALUES (1, 1), (2, 1), (3, NULL);
SQL
my $declared = <<'SQL';
SELECT relations.has_many('p', 'cs', 'c', foreign_key => 'p_id', enforce => false);
SELECT relations.has_one('p', 'one', 'c', foreign_key => 'p_id', enforce => false, scope => '{"order": ["-id"]}');
SELECT relations.belongs_to('c', 'p', 'p', foreign_key => 'p_id', enforce => false);
SELECT relations.many_to_many('p', 'friends', 'c', pivot_table => 'piv', enforce => false);
SELECT relations.has_many_through('p', 'again', 'p', 'c', foreign_key => 'p_id', local_key => 'id', through_foreign_key => 'p_id', through_local_key => 'id', steps => 'has_many, belongs_to');
SELECT relations.create_view('graph', 'p', 'cs');
SELECT relations.define_factory('p', '{"note": "x"}');
SQL
my @gadgets = (
	[ 'domain as a key', q{CREATE DOMAIN d AS int CHECK (m.trap('%1$s')); ALTER TABLE p ALTER id TYPE d; ALTER TABLE c ALTER p_id TYPE d, ALTER id TYPE d; ALTER TABLE piv ALTER p_id TYPE d, ALTER c_id TYPE d}, '' ],
	[ 'domain over a domain with a default', q{CREATE DOMAIN d0 AS int DEFAULT m.trap('%1$s')::int CHECK (m.trap('%1$s')); CREATE DOMAIN d AS d0 CHECK (m.trap('%1$s')); ALTER TABLE p ADD x d, ALTER n TYPE d; ALTER TABLE c ALTER p_id TYPE d}, '' ],
	[ 'domain in the scope of a relation', q{CREATE DOMAIN d AS int CHECK (m.trap('%1$s')); ALTER TABLE c ADD x d, ADD xs d[]}, q{SELECT relations.has_many('p', 's1', 'c', foreign_key => 'p_id', enforce => false, scope => '{"where": {"x": {"eq": 5}, "xs": {"eq": [5, 6]}}}'); SELECT relations.has_many('p', 's2', 'c', foreign_key => 'p_id', enforce => false, scope => '{"where": {"x": {"in": [1, 2]}, "xs": {"contains": [1]}}}')} ],
	[ 'composite type, range and array of a domain in the scope of a relation', q{CREATE DOMAIN d AS int CHECK (m.trap('%1$s')); CREATE TYPE comp AS (a d, b d[]); CREATE TYPE r AS RANGE (subtype = d); ALTER TABLE c ADD x comp, ADD y r, ADD z comp[]},
		q{SELECT relations.has_many('p', 's' || i, 'c', foreign_key => 'p_id', enforce => false, scope => s::jsonb) FROM unnest(ARRAY['{"where": {"x": {"eq": {"a": 5, "b": [1]}}}}', '{"where": {"y": {"eq": "[1,5)"}}}', '{"where": {"z": {"eq": [{"a": 1}]}}}', '{"where": {"y": {"contains": 3}}}']) WITH ORDINALITY u (s, i)} ],
	[ 'cast to the type of the key', q{CREATE TYPE e AS ENUM ('1', '2'); CREATE FUNCTION f(e) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN 1; END'; CREATE FUNCTION f2(int) RETURNS e LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN ''1''; END'; ALTER TABLE c ADD e e DEFAULT '1'},
		q{DROP VIEW graph; ALTER TABLE c ALTER p_id TYPE e USING '1'; CREATE CAST (e AS int) WITH FUNCTION f(e) AS IMPLICIT; CREATE CAST (int AS e) WITH FUNCTION f2(int) AS IMPLICIT} ],
	[ 'casts to and from text, json and jsonb', q{CREATE TYPE e AS ENUM ('1', '2'); CREATE FUNCTION ft(e) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN 1; END'; CREATE FUNCTION fj(e) RETURNS json LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN 1; END'; CREATE FUNCTION fe(text) RETURNS e LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN ''1''; END';
		ALTER TABLE c ADD e e DEFAULT '1', ADD es e[] DEFAULT '{1}'; CREATE CAST (e AS text) WITH FUNCTION ft(e) AS IMPLICIT; CREATE CAST (text AS e) WITH FUNCTION fe(text) AS IMPLICIT}, q{SELECT relations.has_many('p', 'en', 'c', foreign_key => 'p_id', enforce => false, scope => '{"where": {"e": {"in": ["1", "2"], "ne": "2"}, "es": {"ne": ["2"]}}, "order": ["e"]}')} ],
	[ 'operators of the same name', q{CREATE TYPE e AS ENUM ('1', '2'); CREATE FUNCTION op(e, e) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN true; END'; CREATE OPERATOR = (LEFTARG = e, RIGHTARG = e, FUNCTION = op); CREATE OPERATOR < (LEFTARG = e, RIGHTARG = e, FUNCTION = op); CREATE OPERATOR <> (LEFTARG = e, RIGHTARG = e, FUNCTION = op);
		CREATE FUNCTION op(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN true; END'; CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = op); ALTER TABLE p ADD e e UNIQUE DEFAULT NULL; ALTER TABLE c ADD e e DEFAULT '1'},
		q{UPDATE p SET e = '1' WHERE id = 1; SELECT relations.has_many('p', 'es', 'c', foreign_key => 'e', local_key => 'e', enforce => false); SELECT relations.belongs_to('c', 'pe', 'p', foreign_key => 'e', local_key => 'e')} ],
	[ 'check constraint', q{}, q{ALTER TABLE c ADD CONSTRAINT trapped CHECK (m.trap('%1$s')) NOT VALID; ALTER TABLE p ADD CHECK (m.trap('%1$s')) NOT VALID} ],
	[ 'check constraint by the name of a reference\'s own', q{}, q{SELECT relations.morph_to('c', 'ref', '["p"]', type_column => 'ref_type', id_column => 'ref_id', validate => false); SELECT format('ALTER TABLE c DROP CONSTRAINT %%I', check_name), format('ALTER TABLE c ADD CONSTRAINT %%I CHECK (m.trap(''%1$s'')) NOT VALID', check_name) FROM relations.morph_type WHERE model = 'c'::regclass \gexec
} ],
	[ 'foreign key by the name of a relation\'s own', q{ALTER TABLE c ADD CONSTRAINT c_p_fkey FOREIGN KEY (p_id) REFERENCES p NOT VALID}, q{SELECT relations.has_many('p', 'fk', 'c', foreign_key => 'p_id', validate => false); ALTER TABLE c DROP CONSTRAINT c_p_fkey; ALTER TABLE c ADD CONSTRAINT c_p_fkey CHECK (m.trap('%1$s')) NOT VALID} ],
	[ 'default and generated column', q{ALTER TABLE c ALTER what SET DEFAULT m.trap('%1$s')::text; ALTER TABLE p ADD g boolean GENERATED ALWAYS AS (m.trap('%1$s')) STORED}, '' ],
	[ 'index on an expression, partial index, statistics', q{CREATE INDEX ON c ((m.trap('%1$s' || id))); CREATE INDEX ON c (p_id) WHERE m.trap('%1$s' || p_id); CREATE UNIQUE INDEX ON p (id) WHERE m.trap('%1$s' || n); CREATE STATISTICS st ON (m.trap('%1$s' || note)), p_id FROM c}, '' ],
	[ 'policies', q{ALTER TABLE c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY a ON c USING (m.trap('%1$s')) WITH CHECK (m.trap('%1$s')); ALTER TABLE p ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON p USING (m.trap('%1$s'))}, '' ],
	[ 'triggers', q{}, join('; ', map { my $t = $_; map { "CREATE TRIGGER t_" . lc("${_}_$t") . " $_ INSERT OR UPDATE OR DELETE ON $t FOR EACH ROW EXECUTE FUNCTION m.trap_trigger('%1\$s')", "CREATE TRIGGER s_" . lc("${_}_$t") . " $_ INSERT OR UPDATE OR DELETE OR TRUNCATE ON $t FOR EACH STATEMENT EXECUTE FUNCTION m.trap_trigger('%1\$s')" } 'BEFORE', 'AFTER' } 'p', 'c', 'piv') ],
	[ 'deferred triggers', q{SELECT relations.belongs_to('c', 'counted', 'p', foreign_key => 'p_id', counter_cache => 'n', touch => 'at'); UPDATE p SET n = 42}, q{CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON p DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.trap_trigger('%1$s'); CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON c DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.trap_trigger('%1$s')} ],
	[ 'rules', q{}, q{CREATE RULE r AS ON INSERT TO c DO ALSO SELECT m.trap('%1$s'); CREATE RULE u AS ON UPDATE TO p DO ALSO SELECT m.trap('%1$s'); CREATE RULE d AS ON DELETE TO p DO ALSO SELECT m.trap('%1$s')} ],
	[ 'partition key expression and bounds', q{DROP TABLE c; CREATE TABLE c (id int, p_id int, note text, what text, ref_type text, ref_id int) PARTITION BY LIST (m.trap('%1$s' || id)); CREATE TABLE c1 PARTITION OF c FOR VALUES IN (true); INSERT INTO c VALUES (1, 1); SELECT relations.model('c', primary_key => 'id')}, '' ],
	[ 'inheritance children with code of their own', q{CREATE TABLE c_child (CHECK (m.trap('%1$s' || id)), x boolean DEFAULT m.trap('%1$s')) INHERITS (c); CREATE INDEX ON c_child ((m.trap('%1$s' || id))); ALTER TABLE c_child ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON c_child USING (m.trap('%1$s')); INSERT INTO c_child VALUES (7, 1)}, '' ],
	[ 'factory with an expression', q{}, q{SELECT relations.define_factory('c', '{"what": {"sql": "m.trap(''%1$s'')::text"}}'); SELECT relations.define_state('c', 'st', '{"note": {"sql": "m.trap(''%1$s'')::text"}}')} ],
	[ 'graph view that is altered', q{}, q{ALTER VIEW graph ALTER note SET DEFAULT m.trap('%1$s')::text; CREATE RULE r AS ON UPDATE TO graph DO ALSO SELECT m.trap('%1$s'); CREATE TRIGGER s AFTER INSERT OR UPDATE OR DELETE ON graph FOR EACH STATEMENT EXECUTE FUNCTION m.trap_trigger('%1$s'); ALTER TABLE p ADD later int} ],
	[ 'functions and types by the names of built-in ones, in the schema of the tables', q{CREATE FUNCTION now() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN NULL; END'; CREATE FUNCTION count(anyelement) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN 1; END'; CREATE FUNCTION to_jsonb(p) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); RETURN NULL; END'; CREATE FUNCTION unnest(int[]) RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN PERFORM m.trap(''%1$s''); END'; CREATE DOMAIN int4 AS pg_catalog.int4 CHECK (m.trap('%1$s')); CREATE DOMAIN jsonb AS pg_catalog.text CHECK (m.trap('%1$s'))}, '' ],
	[ 'settings of the table\'s functions and of its trigger', q{}, q{CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', ''%1$s, pg_catalog'', false), set_config(''m.leak'', ''%1$s'', false); RETURN NEW; END'; CREATE TRIGGER leak BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION leak(); SELECT relations.belongs_to('c', 'counted', 'p', foreign_key => 'p_id', counter_cache => 'n', touch => 'at'); ALTER TABLE p DISABLE TRIGGER leak; UPDATE p SET n = 42; ALTER TABLE p ENABLE TRIGGER leak} ]);

# What another role does with tables of a schema: none of it is a statement that
# writes to a table by name, and a SELECT of these tables runs none of the code.
sub uses
{
	my ($s, $writer) = @_;
	my @uses = map { "SELECT count(*) FROM $_" } (
		map({ ("relations.preload('$s.p', '$_')", "relations.preload_json('$s.p', '$_')", "relations.query('$s.p', '{\"where\": {\"$_\": {\"some\": {}}}, \"count\": {\"nn\": \"$_\"}, \"preload\": {\"$_\": {\"order\": [\"id\"]}}}')", "relations.query_related('$s.p', 1, '$_')",
			"relations.explain('$s.p', '{\"preload\": [\"$_\"]}', true)", "relations.ddl('$s.p', '$_')") } 'cs', 'one', 'friends', 'again', 's1', 's2', 's3', 's4', 'en', 'es', 'fk'),
		"relations.preload('$s.c', 'p')", "relations.query('$s.c', '{\"order\": [\"p.id\", \"-p_id\"], \"cursor\": true, \"where\": {\"p_id\": 1, \"p\": {\"is\": {\"id\": {\"in\": [1, 2]}}}}}')", "relations.find('$s.p', 1, 'cs.p')", "relations.find('$s.c', 1)",
		"relations.query('$s.p', '{\"aggregate\": {\"mx\": {\"relation\": \"cs\", \"max\": \"id\"}, \"s\": {\"relation\": \"cs\", \"sum\": \"p_id\"}}}')", "relations.paginate('$s.p', '{}')",
		"relations.check('$s')", 'relations.check()', "relations.repair('$s')", 'relations.repair()', "relations.discover('$s')", "relations.describe('$s.p')", "relations.diagram('$s')", "relations.json_schema('$s.p', '{\"preload\": [\"cs\"]}')", "relations.typescript('$s.c')",
		"relations.refresh_view('$s.graph')", "relations.recount('$s.c', 'counted')", "relations.recount('$s.c', 'p')");
	push @uses, "SELECT format('%s', statement) FROM relations.check('$s') WHERE statement ~ '^(?:ALTER|CREATE|VALIDATE|SELECT relations|UPDATE|ANALYZE|REFRESH)' \\gexec";
	push @uses, map { "SELECT count(*) FROM $_" } (
		"relations.has_many('$s.p', 'n1', '$s.c', foreign_key => 'p_id')", "relations.belongs_to('$s.c', 'n2', '$s.p', foreign_key => 'p_id')", "relations.has_one('$s.p', 'n3', '$s.c', foreign_key => 'p_id', enforce => false)", "relations.many_to_many('$s.p', 'n4', '$s.c', pivot_table => '$s.made')",
		"relations.morph_to('$s.c', 'n5', '[\"$s.p\"]', type_column => 'ref_type', id_column => 'ref_id')", "relations.has_many('$s.p', 'n6', '$s.c', add_column => true, foreign_key => 'new_id')", "relations.model('$s.p', name => 'other')", "relations.discover('$s', true)", "relations.create_view('$s.g2', '$s.p', 'cs')",
		"relations.drop_relation('$s.p', 'n1', true)", "relations.drop_relation('$s.p', 'cs', true)", "relations.drop_relation('$s.c', 'p', true)", "relations.forget('$s.p')", "relations.drop_factory('$s.c')") if $writer;
	return @uses;
}

my $gadget = 0;
for my $case (@gadgets)
{
	my ($name, $before, $after) = @$case;
	$gadget++;
	attack("an owner's code does not run as who reads, checks, repairs or declares: $name", sub {
		my $s = "g$gadget";
		run($root, "CREATE SCHEMA $s AUTHORIZATION mallory; GRANT USAGE ON SCHEMA $s TO PUBLIC; GRANT CREATE ON DATABASE " . value('SELECT current_database()') . ' TO mallory');
		my $setup = run('mallory', "SET search_path = $s, pg_catalog;\n\\o /dev/null\n$common" . sprintf("$before;\n", $s) . $declared . sprintf("$after\n;\n", $s) . "\\o\nGRANT ALL ON ALL TABLES IN SCHEMA $s TO alice;");
		diag("$name: $setup") if $ENV{RELATIONS_ATTACKS} && $setup =~ /ERROR/;
		for my $role ('alice', $root)
		{
			my $out = run($role, "SET client_min_messages = fatal;\n\\o /dev/null\n" . join('', map { /\\gexec$/ ? "$_\n" : "$_;\n" } uses($s, $role eq $root)) . "\\o\nSELECT 'settings: ' || current_setting('search_path') || coalesce(current_setting('m.leak', true), '');");
			expect_like($out, qr/^settings: "\$user", public$/m, $role);
		}
	# a SELECT runs policies as who reads
	}, innocent => $name eq 'policies' || $name =~ /^inheritance/ ? 'mallory|alice' : 'mallory');
}
attack('who writes to a table runs the triggers of counted and touched parents, and of rows that refer, as their owners', sub {
	run('alice', 'CREATE TABLE app.posts (id int PRIMARY KEY); GRANT REFERENCES, SELECT ON app.posts TO mallory; GRANT USAGE ON SCHEMA app TO mallory; INSERT INTO app.posts VALUES (1), (2), (3);');
	run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE p (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, at timestamptz); INSERT INTO p VALUES (1), (2);
CREATE TABLE refs (id int PRIMARY KEY, about_type text, about_id int); CREATE TABLE log (x text);
GRANT REFERENCES, SELECT, UPDATE ON p TO alice;
SELECT relation FROM relations.morph_to('refs', 'about', '["app.posts"]', on_delete => 'set null', on_update => 'cascade');
INSERT INTO refs VALUES (1, 'post', 1), (2, 'post', 2);
SQL
	run('alice', q{CREATE TABLE app.c (id int PRIMARY KEY, p_id int REFERENCES m.p ON UPDATE CASCADE ON DELETE CASCADE); SELECT relation FROM relations.belongs_to('app.c', 'p', 'm.p', counter_cache => 'n', touch => 'at');});
	my @actions = ('', 'SET ROLE NONE', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION DEFAULT', 'SET search_path = m, pg_catalog', q{SELECT set_config('session_replication_role', 'replica', false)}, q{SELECT set_config('role', 'none', false)}, 'CREATE TEMP TABLE pg_class (oid int)',
		'CREATE TEMP TABLE IF NOT EXISTS tt (x int)', q{DECLARE cc CURSOR WITH HOLD FOR SELECT m.trap('cursor')}, q{PREPARE pp AS SELECT m.trap('prepared')}, 'LISTEN x', 'SET CONSTRAINTS ALL DEFERRED', 'INSERT INTO m.log VALUES (1)', 'ALTER TABLE m.p ADD q int', 'SELECT lo_create(0)', q{COPY m.log TO PROGRAM 'true'}, 'SET LOCAL statement_timeout = 1');
	for my $action (@actions)
	{
		(my $quoted = $action) =~ s/'/''/g;
		run('mallory', <<"SQL");
SET search_path = m;
CREATE OR REPLACE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS \$a\$ BEGIN PERFORM m.trap('trigger'); EXECUTE '$quoted'; RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; EXCEPTION WHEN others THEN PERFORM m.trap('handler'); RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END \$a\$;
DROP TRIGGER IF EXISTS b ON p; DROP TRIGGER IF EXISTS a ON p; DROP TRIGGER IF EXISTS d ON p; DROP TRIGGER IF EXISTS b ON refs; DROP TRIGGER IF EXISTS d ON log;
CREATE TRIGGER b BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION act(); CREATE TRIGGER a AFTER UPDATE ON p FOR EACH STATEMENT EXECUTE FUNCTION act(); CREATE TRIGGER b BEFORE UPDATE OR DELETE ON refs FOR EACH ROW EXECUTE FUNCTION act();
CREATE CONSTRAINT TRIGGER d AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.trap_trigger('log');
SQL
		my $out = run($root, <<'SQL');
BEGIN; INSERT INTO app.c VALUES (1, 1), (2, 2); COMMIT; UPDATE app.c SET p_id = 3 - p_id; DELETE FROM app.c WHERE id = 1; TRUNCATE app.c; SELECT relations.recount('app.c', 'p'); UPDATE app.posts SET id = id + 10 WHERE id <= 3; UPDATE app.posts SET id = id - 10; DELETE FROM app.posts WHERE id = 3;
SELECT relations."create"('app.c', '{"id": 7, "p": {"$connect": 1}}'); SELECT relations."delete"('app.c', 7);
SELECT count(*) FROM pg_class; DISCARD PLANS;
SELECT concat('left: ', current_user = session_user, ' ', current_setting('search_path'), ' ', current_setting('session_replication_role'), ' ', (SELECT count(*) FROM pg_cursors), ' ', (SELECT count(*) FROM pg_prepared_statements), ' ', (SELECT count(*) FROM pg_listening_channels()), ' ', to_regclass('pg_temp.tt'), to_regclass('pg_temp.pg_class'), ' ', current_setting('statement_timeout'));
SQL
		expect_like($out, qr/^left: t "\$user", public origin 0 0 0  0$/m, $action);
	}
});
attack('triggers that call the functions of the extension with arguments of their own do nothing to tables of others', sub {
	run('alice', <<'SQL');
SET search_path = app;
CREATE TABLE users (id int PRIMARY KEY, n int NOT NULL DEFAULT 5, secret text DEFAULT 's'); CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users);
SELECT relation FROM relations.belongs_to('posts', 'user', 'users', counter_cache => 'n'); SELECT relation FROM relations.morph_to('posts', 'about', '["users"]', add_column => true, on_delete => 'set null'); SELECT relations.create_view('g', 'users');
INSERT INTO users VALUES (1), (2); INSERT INTO posts (id, user_id) VALUES (1, 1);
SQL
	my $rows = 'SELECT md5(string_agg(u::text, chr(10))) FROM app.users u UNION ALL SELECT md5(string_agg(p::text, chr(10))) FROM app.posts p';
	my $was = value($rows);
	my $out = run('mallory', <<'SQL');
SET search_path = m;
CREATE TABLE t (id int PRIMARY KEY, user_id int, n int, about_type text, about_id int); CREATE TABLE u (id int PRIMARY KEY, n int); CREATE VIEW vw AS SELECT * FROM t;
SELECT relation FROM relations.belongs_to('t', 'u', 'u', foreign_key => 'user_id', counter_cache => 'n', enforce => false);
CREATE TABLE functions AS SELECT * FROM unnest(ARRAY['counter_rows', 'counter_parent', 'morph_action', 'write_view', 'catalog_changed', 'catalog_row', 'follow_ddl', 'follow_drop']) f;
CREATE TABLE arguments AS SELECT * FROM unnest(ARRAY[$$$$, $$'app.posts'$$, $$'app.posts', 'user'$$, $$'posts', 'about', 'user'$$, $$'16384'$$, $$''$$, $$'id', 'user_id', 'n'$$, $$'user'$$, $$'u'$$, $$'m.t', 'u'$$, $$'about'$$, $$'x', 'y', 'z', '1', '2', '3'$$]) a;
CREATE TABLE events AS SELECT * FROM unnest(ARRAY['BEFORE INSERT ON t FOR EACH ROW', 'AFTER INSERT ON t FOR EACH ROW', 'AFTER INSERT ON t FOR EACH STATEMENT', 'AFTER INSERT ON t REFERENCING NEW TABLE AS n FOR EACH STATEMENT', 'AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT', 'AFTER DELETE ON t REFERENCING OLD TABLE AS relations_old FOR EACH STATEMENT',
	'BEFORE UPDATE ON t FOR EACH ROW', 'AFTER UPDATE ON t FOR EACH ROW', 'BEFORE DELETE ON t FOR EACH ROW', 'AFTER DELETE ON t FOR EACH ROW', 'BEFORE TRUNCATE ON t FOR EACH STATEMENT', 'AFTER TRUNCATE ON t FOR EACH STATEMENT', 'INSTEAD OF INSERT ON vw FOR EACH ROW', 'INSTEAD OF UPDATE ON vw FOR EACH ROW', 'INSTEAD OF DELETE ON vw FOR EACH ROW', 'BEFORE INSERT ON vw FOR EACH STATEMENT',
	'AFTER INSERT ON u FOR EACH ROW', 'AFTER UPDATE OF id ON u FOR EACH ROW', 'BEFORE INSERT ON u FOR EACH ROW']) e;
DO $$
DECLARE call record; statement text; n int := 0;
BEGIN
	FOR call IN SELECT * FROM functions, arguments, events LOOP
		BEGIN
			EXECUTE format('CREATE TRIGGER x %s EXECUTE FUNCTION relations.%I(%s)', call.e, call.f, call.a);
			n := n + 1;
			FOREACH statement IN ARRAY ARRAY['INSERT INTO t VALUES (1, 1), (2, NULL)', 'INSERT INTO u VALUES (1, 0), (2, NULL)', 'UPDATE t SET user_id = 2, id = id + 10, about_type = ''user'', about_id = 1', 'UPDATE u SET id = id + 10', 'INSERT INTO vw VALUES (7)', 'UPDATE vw SET id = 8', 'DELETE FROM vw', 'DELETE FROM t WHERE id > 10', 'DELETE FROM u', 'TRUNCATE t'] LOOP
				BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN NULL; END;
			END LOOP;
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	RAISE INFO 'triggers: %', n;
END $$;
SELECT 'alive';
SQL
	my ($n) = $out =~ /triggers: (\d+)/;
	expect(($n // 0) > 500, "triggers: $out");
	expect_like($out, qr/^alive$/m);
	expect_is(value($rows), $was, 'tables of alice');
});
# The same names in another schema: each function and each operator of pg_catalog
# that can be made once more, raising
my $shadows = <<'SQL';
DO $do$
DECLARE o record; functions int := 0; operators int := 0;
BEGIN
	FOR o IN SELECT oid, proname, pg_get_function_result(oid) AS result,
			(SELECT string_agg(CASE WHEN provariadic <> 0 AND i = pronargs THEN 'VARIADIC ' ELSE '' END || format_type(t, NULL), ', ' ORDER BY i) FROM unnest(proargtypes::oid[]) WITH ORDINALITY u (t, i)) AS args
			FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') AND proargmodes IS NULL OR provariadic <> 0 AND pronamespace = 'pg_catalog'::regnamespace LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION m.%I(%s) RETURNS %s LANGUAGE plpgsql IMMUTABLE AS %L', o.proname, o.args, o.result, format('BEGIN RAISE %L; END', 'shadow of function ' || o.proname));
			functions := functions + 1;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	FOR o IN SELECT oid, oprname, NULLIF(oprleft, 0)::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprcode <> 0 LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION m.op_%s(%s) RETURNS %s LANGUAGE plpgsql IMMUTABLE AS %L', o.oid, concat_ws(', ', o.l, o.r), o.result, format('BEGIN RAISE ''%%'', %L; END', format('shadow of operator %s (%s, %s)', o.oprname, o.l, o.r)));
			EXECUTE format('CREATE OPERATOR m.%s (%s RIGHTARG = %s, FUNCTION = m.op_%s)', o.oprname, 'LEFTARG = ' || o.l || ',', o.r, o.oid);
			operators := operators + 1;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	RAISE INFO 'shadows: % functions, % operators', functions, operators;
END $do$;
SQL
# Statements whose names are all looked up behind the shadows
my $shadow_uses = <<'SQL';
SELECT relations.preload('users', 'home.posts.tags', 'boss', 'reports', 'profile.user', 'posts.comments.about', 'posts.author', 'image.owner', 'skills.users', 'latest_post');
SELECT relations.preload('countries', 'users', 'posts', 'any_profile');
SELECT relations.preload('orders', 'items.order');
SELECT relations.first('users', 'posts'); SELECT relations.find('users', 1, 'posts'); SELECT relations.find('orders', '(2,1)', 'items');
SELECT relations.find_json('users', 1, 'posts'); SELECT relations.preload_json('users', 'posts.tags'); SELECT relations.first_json('users');
SELECT relations.load(u, 'posts', 'skills') FROM kinds.users u;
SELECT relations.query('users', '{"where": {"name": {"like": "user%"}, "level": {"gt": 1, "lte": 10, "in": [1,2,3], "not_in": [77]}, "mood": "glad", "score": {"between": [0, 100]}, "settings": {"contains": {"n": 1}}, "labels": {"eq": null}, "posts": {"some": {"title": {"ilike": "%1%"}}, "every": {}, "none": {"title": "q"}, "count": {"gte": 0}}, "home": {"is": {"name": {"ne": "x"}}}, "or": [{"id": 1}, {"not": {"id": 3}}]}, "order": ["-level", "home.name", {"count": "posts"}], "limit": 5, "offset": 0, "cursor": true, "count": {"n": "posts", "s": "skills"}, "aggregate": {"mx": {"relation": "posts", "max": "title"}, "ex": {"relation": "posts", "exists": true}, "av": {"relation": "reports", "avg": "level"}, "su": {"relation": "reports", "sum": "level"}, "mi": {"relation": "posts", "min": "created_at"}}, "preload": {"posts": {"order": ["-title"], "limit": 2, "preload": {"tags": {"where": {"pivot": {"weight": {"eq": null}}}}}}}}');
SELECT relations.query_json('nodes', '{"where": {"id": 1}, "preload": {"children": {"recursive": true}}}');
SELECT relations.query_related('users', 1, 'posts', '{"where": {"title": {"starts_with": "p"}}}');
SELECT relations.query('users', '{"where": {"id": {"gt": "$x"}}}', '{"x": 1}');
SELECT relations.paginate('users', '{"order": ["name"], "cursor": true}', 1, 2);
SELECT relations.explain('users', '{"preload": ["posts"]}', true); SELECT relations.preload_sql('users', '{"preload": ["posts.tags"]}');
SELECT relations.describe('users'); SELECT relations.json_schema('users', '{"preload": ["posts.tags"]}'); SELECT relations.typescript('users', '{"preload": ["posts.tags"]}'); SELECT relations.ddl('users', 'home');
SELECT relations.diagram('kinds'); SELECT relations.check('kinds'); SELECT relations.check();
SELECT * FROM kinds.users_graph; SELECT * FROM kinds.posts_graph; SELECT * FROM kinds.orders_graph;
BEGIN;
SELECT relations.create('users', '{"name": "deep", "email": "d", "home": {"code": "q1"}, "boss": {"name": "boss", "home": {"$connect": "in"}}, "profile": {"bio": "b"}, "image": {"url": "u"}, "skills": [{"word": "s"}, {"$connect": 1}], "posts": [{"title": "a", "slug": "1", "tags": [{"name": "x1"}, {"$connect": {"name": "t1"}}, {"$connect_or_create": {"where": {"name": "zz"}, "create": {"name": "zz"}}}], "comments": [{"body": "c"}, {"body": "d"}]}, {"title": "b", "slug": "2"}]}');
SELECT relations.create_many('posts', '[{"title": "m1", "author": {"name": "m"}, "tags": [{"name": "m"}]}, {"title": "m2", "comments": [{"body": "m"}]}]');
SELECT relations.update('users', 3, '{"name": "new", "posts": {"$update": {"where": {"slug": "s1"}, "data": {"title": "u"}}, "$disconnect": {"slug": "s2"}, "$create": {"title": "z"}, "$upsert": {"where": {"slug": "s9"}, "create": {"slug": "s9"}, "update": {"title": "s9"}}, "$delete": {"slug": "s3"}}, "skills": {"$set": [1]}, "image": {"url": "i"}}');
SELECT relations.upsert('tags', '{"name": "t1"}', 'name');
SELECT relations.upsert('countries', '{"code": "in", "name": "x"}');
SELECT relations.sync('posts', 2, 'tags', '[3, 1]'); SELECT relations.attach('posts', 2, 'tags', '{"2": {"weight": 3}}'); SELECT relations.detach('posts', 2, 'tags', '[2]'); SELECT relations.detach('posts', 2, 'tags');
SELECT relations.associate('posts', 1, 'author', 2); SELECT relations.dissociate('posts', 1, 'author');
SELECT relations.update_or_create_many_related('users', 3, 'posts', 'slug', '[{"slug": "s1", "title": "n"}, {"slug": "n"}]');
SELECT relations.first_or_create_related('users', 3, 'posts', '{"slug": "q"}', '{"title": "q"}'); SELECT relations.update_or_create_related('users', 3, 'posts', '{"slug": "q"}', '{"title": "q"}');
SELECT relations.first_or_create_many_related('users', 3, 'posts', 'slug', '[{"slug": "q2"}]');
SELECT relations.update_related('users', 3, 'posts', '{"title": {"like": "%"}}', '{"title": "all"}'); SELECT relations.delete_related('users', 3, 'posts', '{"title": "all"}');
SELECT relations.create_related('users', 3, 'posts', '{"title": "r"}'); SELECT relations.create_many_related('users', 3, 'posts', '[{"title": "r"}]');
SELECT relations.factory_create('users', 2, '{"with": ["posts", "profile"], "seed": 1, "state": "sad"}'); SELECT relations.factory_make('users', 2, '{"seed": 1}'); SELECT relations.factory_create('posts', 3, '{"with": ["tags", "author"], "recycle": true}'); SELECT relations.factory_create('items', 2, '{"with":["order"]}'); SELECT relations.factory_create('comments', 2); SELECT relations.factory_create('images', 2, '{"with": ["owner"]}');
INSERT INTO kinds.users_graph (name, profile, posts) VALUES ('v', '{"bio": "v"}', '[{"title": "v"}]');
UPDATE kinds.users_graph SET name = 'w', posts = '[{"title": "v"}]'; DELETE FROM kinds.users_graph WHERE name OPERATOR(pg_catalog.=) 'w';
UPDATE kinds.countries SET code = pg_catalog.concat(code, 'x'); DELETE FROM kinds.users; DELETE FROM kinds.posts; TRUNCATE kinds.comments; DELETE FROM kinds.videos;
SELECT relations.delete('nodes', 20);
ROLLBACK;
SQL
my $shadow_declarations = <<'SQL';
BEGIN;
CREATE TABLE kinds.teams (id int PRIMARY KEY, players_count int NOT NULL DEFAULT 0, at timestamptz); CREATE TABLE kinds.players (id int PRIMARY KEY, team_id int); CREATE TABLE kinds.matches (id int PRIMARY KEY); CREATE TABLE kinds.events (id int PRIMARY KEY, note text);
SELECT relations.has_many('teams', 'players', 'players', scope => '{"where": {"id": {"gt": 0}}, "order": ["id"]}'); SELECT relations.belongs_to('players', 'team', 'teams', counter_cache => 'players_count', touch => 'at');
SELECT relations.many_to_many('teams', 'matches', 'matches', pivot_table => 'kinds.match_team', pivot_columns => 'goals', pivot_timestamps => true);
SELECT relations.morph_to('events', 'subject', '["teams", "players"]', add_column => true, on_delete => 'cascade'); SELECT relations.morph_many('teams', 'events', 'events', 'subject');
SELECT relations.has_many_through('teams', 'x', 'events', 'players', foreign_key => 'team_id', local_key => 'id', through_foreign_key => 'id', through_local_key => 'id');
INSERT INTO kinds.teams VALUES (1), (2); INSERT INTO kinds.players VALUES (1,1),(2,1); INSERT INTO kinds.events VALUES (1, 'x'); DELETE FROM kinds.teams; 
SELECT relations.recount('players', 'team'); SELECT relations.create_view('kinds.teams_graph', 'teams', 'players'); SELECT relations.refresh_view('kinds.teams_graph');
SELECT relations.model('teams', name => 'team', hidden => 'at'); SELECT relations.define_factory('teams', '{"players_count": {"between": [1,2]}}'); SELECT relations.define_state('teams', 'x', '{"players_count": 1}'); SELECT relations.drop_state('teams', 'x'); SELECT relations.drop_factory('teams');
ALTER TABLE kinds.teams RENAME players_count TO pc; ALTER TABLE kinds.players RENAME team_id TO tid; ALTER TABLE kinds.players RENAME TO pl; ALTER TABLE kinds.pl RENAME CONSTRAINT players_team_id_fkey TO zz; 
SELECT relations.discover('kinds', true); SELECT relations.repair('kinds'); SELECT relations.check('kinds');
SELECT relations.drop_relation('teams', 'matches', true); SELECT relations.drop_relation('teams', 'players', true);
ALTER TABLE kinds.pl DROP COLUMN tid; ALTER TYPE kinds.mood RENAME VALUE 'sad' TO 'sadd'; DROP TABLE kinds.pl CASCADE; SELECT relations.forget('teams', 'pc'); SELECT relations.forget('teams');
ROLLBACK;
SQL
attack('functions, operators and types that shadow each one of pg_catalog are not called by reading, writing or declaring', sub {
	value("SET client_min_messages = error; CREATE SCHEMA kinds; SET search_path = kinds;\n$Kinds::schema\nGRANT USAGE, CREATE ON SCHEMA kinds TO alice; GRANT ALL ON ALL TABLES IN SCHEMA kinds TO alice; GRANT ALL ON ALL SEQUENCES IN SCHEMA kinds TO alice;");
	my $made = run('mallory', $shadows);
	my ($functions, $operators) = $made =~ /shadows: (\d+) functions, (\d+) operators/;
	expect(($functions // 0) > 2000 && $operators > 700, $made);
	expect_like(run('alice', 'SET search_path = m, pg_catalog; SELECT 1 = 1;'), qr/shadow/, 'the traps work');
	my $settings = "\\set ON_ERROR_ROLLBACK on\nSET search_path = m, pg_catalog, kinds;\n\\o /dev/null\n";
	expect_unlike(run('alice', $settings . $shadow_uses), qr/shadow/);
	expect_unlike(run($root, $settings . $shadow_declarations), qr/shadow/);
});

# ---------------------------------------------------------------------
# Locks without a right (8)
# ---------------------------------------------------------------------
my $tables_of_alice = <<'SQL';
SET search_path = app;
CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, u_id int REFERENCES u, x int, ref_type text, ref_id int); CREATE VIEW vw AS SELECT * FROM t; CREATE MATERIALIZED VIEW mat AS SELECT 1 AS id;
CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (9);
SELECT relation FROM relations.has_many('u', 'ts', 't'); SELECT relation FROM relations.belongs_to('t', 'u', 'u'); SELECT relation FROM relations.many_to_many('u', 'us', 'u', pivot_foreign_key => 'a', pivot_related_foreign_key => 'b');
SELECT relation FROM relations.morph_to('t', 'ref', '["u"]', type_column => 'ref_type', id_column => 'ref_id'); SELECT relations.create_view('g', 'u', 'ts'); SELECT relations.define_factory('t', '{"x": 1}');
INSERT INTO u VALUES (1); INSERT INTO t VALUES (1, 1);
SQL
# calls that name tables of alice; %s is one of them
my @calls = map { "SELECT count(*) FROM $_" } (
	"relations.preload(%s)", "relations.preload(%s, 'ts')", "relations.preload_json(%s, 'u')", "relations.first(%s)", "relations.find(%s, 1)", "relations.find_json(%s, 1, 'ts')", "relations.query(%s, '{\"where\": {\"id\": 1}}')", "relations.query_json(%s, '{\"count\": {\"n\": \"ts\"}}')", "relations.paginate(%s, '{}')",
	"relations.query_related(%s, 1, 'ts')", "relations.explain(%s, '{}')", "relations.explain(%s, '{}', true)", "relations.preload_sql(%s, '{\"preload\": [\"ts\"]}')", "relations.describe(%s)", "relations.json_schema(%s)", "relations.typescript(%s)", "relations.ddl(%s, 'ts')", "relations.ddl(%s, 'us')",
	"relations.\"create\"(%s, '{\"id\": 2}')", "relations.create_many(%s, '[{\"id\": 2}]')", "relations.\"update\"(%s, 1, '{\"id\": 2}')", "relations.upsert(%s, '{\"id\": 2}')", "relations.\"delete\"(%s, 1)", "relations.create_related(%s, 1, 'ts', '{}')", "relations.attach(%s, 1, 'us', '[1]')", "relations.detach(%s, 1, 'us')", "relations.sync(%s, 1, 'us', '[1]')",
	"relations.associate(%s, 1, 'u', 1)", "relations.dissociate(%s, 1, 'u')", "relations.update_related(%s, 1, 'ts', '{}', '{\"x\": 1}')", "relations.delete_related(%s, 1, 'ts')", "relations.first_or_create_related(%s, 1, 'ts', '{\"x\": 1}', '{}')", "relations.factory_create(%s, 1)", "relations.factory_make(%s, 1)",
	"relations.has_many(%s, 'n', %s, foreign_key => 'u_id')", "relations.has_many('m.own', 'n', %s, foreign_key => 'x', enforce => false)", "relations.has_one('m.own', 'n', %s, foreign_key => 'x')", "relations.belongs_to('m.own', 'n', %s, foreign_key => 'own_id')", "relations.belongs_to('m.own', 'n', %s, foreign_key => 'own_id', counter_cache => 'x', enforce => false)",
	"relations.many_to_many('m.own', 'n', %s)", "relations.many_to_many('m.own', 'n', 'm.own', pivot_table => %s::text)", "relations.has_many_through('m.own', 'n', 'm.own', %s, foreign_key => 'u_id', through_foreign_key => 'id', local_key => 'id', through_local_key => 'id')", "relations.morph_to('m.own', 'n', jsonb_build_array(%s), add_column => true)", "relations.morph_many(%s, 'n', 'm.own', 'q', add_column => true)",
	"relations.morph_many('m.own', 'n', %s, 'q', add_column => true)", "relations.morph_to_many('m.own', 'n', %s, 'q')", "relations.model(%s, name => 'z')", "relations.define_factory(%s, '{}')", "relations.define_state(%s, 's', '{}')", "relations.drop_factory(%s)", "relations.drop_state(%s, 's')", "relations.drop_relation(%s, 'ts')", "relations.drop_relation(%s, 'ts', true)", "relations.forget(%s)", "relations.forget(%s, 'x')",
	"relations.recount(%s, 'u')", "relations.create_view('m.gv', %s)", "relations.refresh_view(%s)", "relations.discover('app')", "relations.discover('app', true)", "relations.check('app')", 'relations.check()', "relations.repair('app')", 'relations.repair()', "relations.diagram('app')", "relations.diagram('m')");
my $declaring = qr/relations[.](?:has_|belongs_to|many_to|morph|model|define|drop|forget|recount|refresh|discover|check|repair|diagram|describe)/;
for my $usage (0, 1)
{
	attack('no call locks or waits for a table of which the caller has no privilege, ' . ($usage ? 'in a schema that it may use' : 'by its number'), sub {
		run('alice', $tables_of_alice . ($usage ? 'GRANT USAGE ON SCHEMA app TO mallory;' : ''));
		run('mallory', 'CREATE TABLE m.own (id int PRIMARY KEY, own_id int REFERENCES m.own, x int);');
		my @tables = map { $usage ? "'app.$_'" : value("SELECT quote_literal('app.$_'::regclass::oid)") } 't', 'u', 'vw', 'g', 'part', 'part1', 'mat', 'u_u';
		# an owner at work
		my $owner = run('alice', "BEGIN; LOCK TABLE app.t, app.u, app.part, app.u_u IN ACCESS EXCLUSIVE MODE; LOCK TABLE app.vw IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(500)", background => 1, name => 'owner');
		wait_for("application_name = 'owner' AND wait_event = 'PgSleep'") or return;
		my $statements = '';
		for my $call (@calls)
		{
			for my $table ($call =~ /%s/ ? @tables : ('x'))
			{
				(my $statement = $call) =~ s/%s/$table/g;
				$statement =~ s/::text\)/)/ if $usage;
				$statements .= "\\echo $statement\nSAVEPOINT s;\n$statement;\nSELECT 'holds ' || string_agg(relation::regclass || ' ' || mode, ', ') FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relowner = 'alice'::regrole;\nROLLBACK TO s;\n";
			}
		}
		my $out = run('mallory', "SET client_min_messages = error;\nSET lock_timeout = '300ms';\nBEGIN;\n$statements\nROLLBACK;");
		for my $call (split(/^(?=SELECT count)/m, $out))
		{
			# PostgreSQL itself waits for a table when it shows an index; and for one by name in SELECT, INSERT and CREATE VIEW
			next if $call =~ /relations[.]ddl/ || $usage && $call !~ /$declaring/;
			expect($call !~ /55P03|^holds /m, $call);
		}
	});
}
attack('a role whose privileges were revoked can neither lock the table nor keep its owner waiting by its relations', sub {
	run('alice', 'CREATE TABLE app.t (id int PRIMARY KEY, x int); GRANT USAGE ON SCHEMA app TO mallory; GRANT SELECT, REFERENCES ON app.t TO mallory;');
	run('mallory', "CREATE TABLE m.p (id int PRIMARY KEY, n int); CREATE TABLE m.i (id int PRIMARY KEY, of_type text, of_id int); SELECT relation FROM relations.has_many('m.p', 'ts', 'app.t', foreign_key => 'x', enforce => false); SELECT relation FROM relations.morph_to('m.i', 'of', '[\"app.t\"]'); SELECT relations.create_view('m.g', 'm.p', 'ts'); SELECT relation FROM relations.many_to_many('m.p', 'tt', 'app.t');");
	run('alice', 'REVOKE ALL ON app.t FROM mallory; REVOKE ALL ON SCHEMA app FROM mallory;');
	# not the drop of a foreign key, for which PostgreSQL locks the table that it leads to
	my $out = run('mallory', join('', map { "BEGIN; $_; SELECT 'holds ' || string_agg(relation || ' ' || mode, ', ') FROM pg_locks JOIN pg_class c ON c.oid = relation WHERE pid = pg_backend_pid() AND relowner = 'alice'::regrole; ROLLBACK;\n" }
		"SELECT relations.drop_relation('m.p', 'ts')", "SELECT relations.drop_relation('m.p', 'ts', true)", "SELECT relations.forget('m.p')", "SELECT relations.ddl('m.p', 'ts')", "SELECT relations.describe('m.p')", "SELECT relations.diagram('m')", "SELECT relations.check('m')", "SELECT relations.repair('m')", "SELECT relations.refresh_view('m.g')", "SELECT relations.json_schema('m.p', '{\"preload\": [\"ts\"]}')", "SELECT relations.typescript('m.p', '{\"preload\": [\"ts\"]}')", 'ALTER TABLE m.p RENAME id TO id2', 'ALTER TABLE m.p DROP COLUMN n', 'ALTER TABLE m.p RENAME TO q'));
	expect_unlike($out, qr/holds /);
	# rows of the catalog that mallory has changed and not committed
	my @open = ('ALTER TABLE m.p RENAME id TO id2', "SELECT relations.drop_relation('m.p', 'ts')", "SELECT relation FROM relations.has_many('m.p', 'more', 'm.i', foreign_key => 'of_id', enforce => false)", "SELECT relations.model('m.p', name => 'x')", 'ALTER TABLE m.i ADD q int', 'DROP TABLE m.p CASCADE', "SELECT relations.define_factory('m.p', '{}')");
	for my $open (@open)
	{
		my $holder = run('mallory', "BEGIN; $open; SELECT pg_sleep(500);", background => 1, name => 'holder');
		wait_for("application_name = 'holder' AND wait_event = 'PgSleep'") or return;
		for my $ddl ('ALTER TABLE app.t RENAME x TO y', 'ALTER TABLE app.t RENAME TO tt', 'ALTER TABLE app.t DROP COLUMN x', 'CREATE TABLE app.other (id int PRIMARY KEY); ALTER TABLE app.other RENAME id TO i; DROP TABLE app.other', "SELECT count(*) FROM relations.check('app')", "SELECT relations.preload('app.t')", "SELECT relation FROM relations.has_many('app.t', 'self', 'app.t', foreign_key => 'x', enforce => false)", "SELECT relations.model('app.t', name => 'z')")
		{
			my $out = run('alice', "SET lock_timeout = '2s';\nBEGIN;\n$ddl;\nROLLBACK;");
			# a table to which a relation of mallory leads is followed: that may fail at once, but not wait for ever
			expect_unlike($out, qr/57014/, "$open; $ddl");
			expect_unlike($out, qr/55P03/, "$open; $ddl") if $ddl !~ /RENAME x|DROP COLUMN x/;
		}
		$holder->{harness}->kill_kill;
		value(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	}
});

# ---------------------------------------------------------------------
# Objects that lie in wait (9)
# ---------------------------------------------------------------------
attack('CREATE EXTENSION does not take over a schema in which others can create', sub {
	run($root, 'DROP EXTENSION relations CASCADE; CREATE SCHEMA relations; GRANT CREATE ON SCHEMA relations TO mallory; GRANT USAGE ON SCHEMA relations TO PUBLIC;');
	run('mallory', q{CREATE FUNCTION relations.find(regclass, int, VARIADIC text[] DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM m.trap('find'); RETURN '{}'; END $$; CREATE TABLE relations.relation (x int); CREATE TYPE relations.key AS ENUM ('a');});
	my $out = run($root, "CREATE EXTENSION relations;");
	expect_like($out, qr/42P06|42501/);
	run($root, 'DROP SCHEMA relations CASCADE; CREATE EXTENSION relations; CREATE TABLE app.t (id int PRIMARY KEY); INSERT INTO app.t VALUES (1);');
	expect_like(run('mallory', 'CREATE FUNCTION relations.find(regclass, int) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL $$; CREATE TABLE relations.x (i int); CREATE TYPE relations.x AS ENUM ();'), qr/(?:.*42501.*\n){3}/);
	expect_is(run($root, "SELECT relations.find('app.t', 1);"), '{"id": 1}');
});
attack('a table that lies in wait is not taken for the pivot, nor a view, a function or a type for one of the caller', sub {
	run('alice', "SET search_path = app; CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE skills (id int PRIMARY KEY); GRANT USAGE, CREATE ON SCHEMA app TO mallory; GRANT REFERENCES, SELECT ON users, skills TO mallory; INSERT INTO users VALUES (1); INSERT INTO skills VALUES (1);");
	my $trap = join('', map { "CREATE TRIGGER t_$_ BEFORE $_ ON %1\$s FOR EACH ROW EXECUTE FUNCTION m.trap_trigger('%1\$s');" } 'INSERT', 'UPDATE', 'DELETE');
	run('mallory', 'SET search_path = app;' . join('', map { sprintf("CREATE TABLE %1\$s (user_id int REFERENCES users, skill_id int REFERENCES skills, PRIMARY KEY (user_id, skill_id)); CREATE INDEX ON %1\$s (skill_id, user_id); GRANT ALL ON %1\$s TO PUBLIC; $trap", $_) } 'zzz', 'aaa', 'skills_users'));
	run('alice', <<'SQL');
SET search_path = app;
SELECT pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills');
SELECT count(*) FROM relations.discover('app', true);
SELECT relations.attach('users', 1, 'skills', '[1]'); SELECT relations.sync('users', 1, 'skills', '[1]'); SELECT relations.detach('users', 1, 'skills');
SELECT relations."update"('users', 1, '{"skills": {"$set": [1]}}');
SELECT relations."create"('users', '{"id": 2, "skills": [{"id": 2}]}'); SELECT relations."delete"('users', 2);
SELECT relations.factory_create('users', 1, '{"with": ["skills"]}');
SQL
	expect_is(value(q{SELECT count(*) FROM relations.relation r JOIN pg_class c ON c.oid = r.pivot_table WHERE relowner = 'mallory'::regrole}), '0', 'pivots of mallory');
});
attack('refresh_view and repair keep privileges on columns, comments and what depends on a view', sub {
	my $out = run('alice', <<'SQL');
SET search_path = app;
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p_id int REFERENCES p, note text);
SELECT relations.create_view('pv', 't'); GRANT SELECT (id) ON pv TO bob; COMMENT ON VIEW pv IS 'c'; COMMENT ON COLUMN pv.id IS 'cc'; ALTER VIEW pv ALTER note SET DEFAULT 'd'; ALTER VIEW pv SET (security_barrier);
CREATE VIEW over AS SELECT id FROM pv; GRANT SELECT ON over TO bob; REVOKE ALL ON pv FROM PUBLIC;
CREATE TEMP TABLE state AS SELECT relacl::text, reloptions, obj_description(oid), col_description(oid, 1), (SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1) FROM pg_class c WHERE oid = 'pv'::regclass;
ALTER TABLE t ADD x int;
SELECT problem, outcome FROM relations.repair('app') WHERE problem = 'view_outdated';
SELECT relations.refresh_view('pv');
SELECT 'kept: ' || (relacl::text, reloptions, obj_description(oid), col_description(oid, 1), (SELECT attacl::text FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)) IS NOT DISTINCT FROM (SELECT s FROM state s) FROM pg_class c WHERE oid = 'pv'::regclass;
SELECT 'over: ' || count(*) FROM over;
SQL
	expect_like($out, qr/^over: 0$/m);
	expect_is(value(q{SELECT has_column_privilege('bob', 'app.pv', 'id', 'SELECT'), has_column_privilege('bob', 'app.pv', 'note', 'SELECT'), has_table_privilege('mallory', 'app.pv', 'SELECT'), obj_description('app.pv'::regclass)}), 't|f|f|c');
});

# ---------------------------------------------------------------------
# The catalog follows the schema (10)
# ---------------------------------------------------------------------
attack('DDL that cannot be followed now fails, and the catalog never keeps an old name', sub {
	run('alice', 'CREATE TABLE app.users (id int PRIMARY KEY); CREATE TABLE app.posts (id int PRIMARY KEY, user_id int, title text); GRANT USAGE ON SCHEMA app TO mallory; GRANT SELECT, REFERENCES ON app.posts, app.users TO mallory;');
	run('mallory', 'CREATE TABLE m.p (id int PRIMARY KEY); CREATE TABLE m.q (id int PRIMARY KEY);');
	# what mallory declares after the snapshot of alice's transaction is followed
	my $reader = run('alice', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM app.users; SELECT pg_sleep(1);\nALTER TABLE app.posts RENAME user_id TO author_id; ALTER TABLE app.posts RENAME title TO headline; COMMIT;", background => 1, name => 'reader');
	wait_for("application_name = 'reader' AND wait_event = 'PgSleep'") or return;
	run('mallory', q{SELECT relation FROM relations.has_many('m.p', 'posts', 'app.posts', foreign_key => 'user_id', enforce => false, scope => '{"order": ["title"], "where": {"title": {"ne": "x"}}}')});
	my $out = finish($reader);
	my $columns = value("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.posts'::regclass AND attnum > 1");
	my $known = value("SELECT foreign_key, scope FROM relations.relation WHERE relation = 'posts' AND model = 'm.p'::regclass");
	expect($columns eq 'user_id title' ? $known =~ /user_id.*title/ && $out =~ /40001|55P03/ : $known =~ /author_id.*headline/, "$columns; $known; $out");
	expect_unlike(run('mallory', "SELECT count(*) FROM relations.preload('m.p', 'posts');"), qr/ERROR/);
	# a row of the catalog that mallory holds: the rename fails, or the catalog follows it
	for my $setting ("SET lock_timeout = '300ms'", "SET statement_timeout = '300ms'", 'SET deadlock_timeout = 1')
	{
		my $holder = run('mallory', "BEGIN; ALTER TABLE m.p RENAME id TO id2; SELECT relations.model('m.q', name => 'z'); SELECT pg_sleep(1.5); ROLLBACK;", background => 1, name => 'holder');
		wait_for("application_name = 'holder' AND wait_event = 'PgSleep'") or return;
		my ($old) = $columns =~ /(\w+)$/;
		my $new = $old . 'x';
		my $out = run('alice', "$setting;\nALTER TABLE app.posts RENAME $old TO $new;");
		finish($holder);
		$columns = value("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.posts'::regclass AND attnum > 1");
		$known = value("SELECT scope FROM relations.relation WHERE relation = 'posts' AND model = 'm.p'::regclass");
		my ($now) = $columns =~ /(\w+)$/;
		expect_like($known, qr/"$now"/, "$setting; $columns; $out; scope");
	}
});
attack('relations of temporary tables are gone with the session, and others are not held up by them', sub {
	run('mallory', q{CREATE TEMP TABLE a (id int PRIMARY KEY, n int, a_id int REFERENCES a); SELECT relations.define_factory('a', '{"n": 1}'); SELECT relations.define_state('a', 's', '{"n": 2}'); SELECT relations.model('a', name => 'x'); SELECT relation FROM relations.has_many('a', 'as', 'a'); SELECT relation FROM relations.morph_to('a', 'mo', '["a"]', add_column => true); SELECT relations.create_view('pg_temp.g', 'a', 'as');});
	run('alice', 'CREATE TABLE app.t (id int PRIMARY KEY, t_id int REFERENCES app.t); SELECT relation FROM relations.has_many(\'app.t\', \'ts\', \'app.t\'); DROP TABLE app.t;');
	expect_is(value(join(' UNION ALL ', map { "SELECT '$_' FROM relations.$_" } qw(model relation morph_type graph_view factory factory_state))), '', 'rows left');
});
attack('DROP EXTENSION CASCADE leaves nothing but the tables, and they can be written', sub {
	run('alice', $tables_of_alice);
	run('alice', q{SELECT relation FROM relations.belongs_to('app.t', 'counted', 'app.u', foreign_key => 'u_id', touch => NULL)});
	run($root, 'DROP EXTENSION relations CASCADE');
	expect_is(value("SELECT count(*) FROM pg_namespace WHERE nspname = 'relations'"), '0', 'schema');
	expect_is(value("SELECT count(*) FROM pg_event_trigger"), '0', 'event triggers');
	expect_unlike(run('alice', 'SET search_path = app; INSERT INTO u VALUES (5); INSERT INTO t VALUES (5, 5); UPDATE t SET u_id = 1 WHERE id = 5; DELETE FROM t; DELETE FROM u; ALTER TABLE t RENAME x TO y; DROP TABLE t CASCADE;'), qr/ERROR/);
	run($root, 'CREATE EXTENSION relations');
	expect_is(value('SELECT count(*) FROM relations.relation'), '0');
});
# Each column of each row of the catalog gets values that no declaration writes;
# then the relation is read, written, described and dropped.
my $tampering = <<'SQL';
SET client_min_messages = error;
SET search_path = kinds;
CREATE FUNCTION undone(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; RAISE 'undo'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
CREATE TABLE uses AS SELECT * FROM unnest(ARRAY['SELECT relations.preload(%1$L, %2$L)', 'SELECT relations.query_json(%1$L, jsonb_build_object(''where'', jsonb_build_object(%3$L, ''{"some": {}}''::jsonb)))', 'SELECT relations.query(%1$L, jsonb_build_object(''count'', jsonb_build_object(''n'', %3$L)))',
	'SELECT relations."create"(%1$L, jsonb_build_object(%3$L, ''[{}]''::jsonb))', 'SELECT relations."create"(%1$L, jsonb_build_object(%3$L, ''{"$connect": 1}''::jsonb))', 'SELECT relations."update"(%1$L, 1, jsonb_build_object(%3$L, ''{"$set": [], "$delete": [2]}''::jsonb))', 'SELECT relations.attach(%1$L, 1, %3$L, ''[1]'')', 'SELECT relations.sync(%1$L, 1, %3$L, ''[2]'')', 'SELECT relations.associate(%1$L, 1, %3$L, 1)',
	'SELECT relations.delete_related(%1$L, 1, %3$L)', 'SELECT relations.factory_create(%1$L, 1, jsonb_build_object(''with'', jsonb_build_array(%3$L)))', 'SELECT relations.json_schema(%1$L, jsonb_build_object(''preload'', jsonb_build_array(%3$L)))', 'SELECT relations.ddl(%1$L, %3$L)', 'SELECT relations.describe(%1$L)', 'SELECT relations.diagram(''kinds'')', 'SELECT relations.repair(''kinds'')', 'SELECT relations.recount(%1$L, %3$L)',
	'SELECT relations.drop_relation(%1$L, %3$L, true)', 'SELECT relations.create_view(''gv'', %1$L, %2$L)', 'TABLE users_graph', 'SELECT relations.refresh_view(''users_graph'')', 'INSERT INTO users_graph (name, posts) VALUES (''x'', ''[{}]'')', 'SELECT relations.factory_create(''users'', 1, ''{"state": "sad"}'')', 'SELECT relations.find(''users'', 1, ''image'', ''skills'')', 'SELECT relations.find(''images'', 1, ''owner'')', 'SELECT relations.check()', 'DELETE FROM %1$s', 'DROP TABLE %1$s CASCADE', 'ALTER TABLE %1$s RENAME TO renamed']) format;
CREATE TABLE targets AS
	-- one relation of each kind, one row of the other tables
	SELECT 'relation' AS catalog, ctid AS row, model::oid AS model, relation::text FROM (SELECT DISTINCT ON (kind) ctid, * FROM relations.relation ORDER BY kind, model::oid, relation) r
	UNION ALL SELECT 'morph_type', t.ctid, r.model, r.relation FROM relations.morph_type t JOIN relations.relation r ON r.morph = t.morph AND (t.model IN (r.model, r.related) OR t.model = r.pivot_table)
	UNION ALL SELECT 'model', ctid, model, 'posts' FROM relations.model
	UNION ALL SELECT 'graph_view', ctid, model, 'posts' FROM relations.graph_view
	UNION ALL SELECT 'factory', ctid, model, 'posts' FROM relations.factory
	UNION ALL SELECT 'factory_state', ctid, model, 'posts' FROM relations.factory_state;
CREATE PROCEDURE tamper() LANGUAGE plpgsql AS $$
DECLARE r record; c record; v text; n int := 0;
BEGIN
	FOR r IN SELECT * FROM targets LOOP
		FOR c IN SELECT attname, atttypid::regtype AS type FROM pg_attribute WHERE attrelid = ('relations.' || r.catalog)::regclass AND attnum > CASE r.catalog WHEN 'relation' THEN 2 ELSE 0 END AND NOT attisdropped LOOP
			FOREACH v IN ARRAY CASE c.type WHEN 'name[]'::regtype THEN ARRAY[NULL, '{}', '{nosuch}', '{id,id}', '{NULL}', '{{id},{name}}', '[5:5]={id}', '{' || repeat('id,', 39) || 'id}', '{ctid}'] WHEN 'regclass'::regtype THEN ARRAY[NULL, '0', '4294967295', 'pg_catalog.pg_class', 'kinds.users_pkey', 'kinds.users_graph', 'kinds.nodes']
				WHEN 'name'::regtype THEN ARRAY[NULL, 'nosuch', ''] WHEN 'boolean'::regtype THEN ARRAY['true', 'false'] WHEN 'text[]'::regtype THEN ARRAY['{}', '{NULL}', '{nosuch}', '{""}', '{posts.posts,{a}}', '{posts..}', '{{posts},{tags}}'] WHEN 'jsonb'::regtype THEN ARRAY['[]', '1', '"x"', '{}', 'null', '{"where": 1}', '{"where": {"nosuch": 1}}', '{"order": 5}', '{"limit": -1}', '{"preload": ["x"]}', '{"types": 1}', '{"name": {"sql": "nosuch"}}', '{"name": {"fake": 1}}', '{"id": []}']
				ELSE CASE c.attname WHEN 'kind' THEN ARRAY['has_one', 'belongs_to', 'many_to_many', 'has_many_through', 'morph_to', 'morph_one', 'morph_to_many', 'morphed_by_many'] ELSE ARRAY['', 'nosuch'] END END LOOP
				-- one of four, by the seed; all if each is asked for
				CONTINUE WHEN mod(hashtext(concat(r.catalog, r.relation, c.attname, v)) & 1023, 4) <> mod(current_setting('tamper.seed')::int, 4) AND current_setting('tamper.seed') <> '-1';
				BEGIN
					EXECUTE format('UPDATE relations.%I SET %I = $1::%s WHERE ctid = $2', r.catalog, c.attname, c.type) USING v, r.row;
					n := n + 1;
					PERFORM undone(format(format, r.model::regclass, quote_ident(r.relation), r.relation)) FROM uses;
					RAISE 'undo';
				EXCEPTION WHEN OTHERS THEN NULL;
				END;
			END LOOP;
		END LOOP;
	END LOOP;
	RAISE INFO 'changes: %', n;
END $$;
CALL tamper();
SELECT 'alive';
SQL
attack('rows of the catalog that make no sense are errors, whatever is done with them', sub {
	# a dump that was edited: only a superuser can restore it
	value("SET client_min_messages = error; CREATE SCHEMA kinds; SET search_path = kinds;\n$Kinds::schema");
	my $seed = $ENV{RELATIONS_TEST_EVERY} ? -1 : $ENV{RELATIONS_TEST_SEED} // int(rand(4));
	my $out = run($root, "SET tamper.seed = '$seed';\n$tampering");
	expect_like($out, qr/changes: \d{3}/, "seed $seed");
	expect_like($out, qr/^alive$/m);
}, allowed => qr/XX000.*(?:LOG|could not open relation with OID 0|a key has|unrecognized|scope|kind)/);

# ---------------------------------------------------------------------
# Counters (11)
# ---------------------------------------------------------------------
attack('two counters of one table, counters that touch each other and moving parents do not deadlock and count right', sub {
	run('alice', <<'SQL');
SET search_path = app;
CREATE TABLE users (id int PRIMARY KEY, sent int NOT NULL DEFAULT 0, received int NOT NULL DEFAULT 0, at timestamptz);
CREATE TABLE messages (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sender_id int REFERENCES users, recipient_id int REFERENCES users);
INSERT INTO users SELECT generate_series(1, 10);
SELECT relation FROM relations.belongs_to('messages', 'sender', 'users', foreign_key => 'sender_id', counter_cache => 'sent', touch => 'at');
SELECT relation FROM relations.belongs_to('messages', 'recipient', 'users', foreign_key => 'recipient_id', counter_cache => 'received');
CREATE TABLE parts (id int PRIMARY KEY, n int NOT NULL DEFAULT 0) PARTITION BY RANGE (id); CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (100); CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE TABLE kids (id int PRIMARY KEY, part_id int REFERENCES parts ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
SELECT relation FROM relations.belongs_to('kids', 'part', 'parts', counter_cache => 'n');
INSERT INTO parts VALUES (1), (2), (150); INSERT INTO kids VALUES (1, 1), (2, 1), (3, 2);
SQL
	my $work = join('', map { 'INSERT INTO app.messages (sender_id, recipient_id) SELECT 1 + (random() * 9)::int, 1 + (random() * 9)::int FROM generate_series(1, 4); UPDATE app.messages SET recipient_id = 1 + (random() * 9)::int WHERE id IN (SELECT id FROM app.messages ORDER BY random() LIMIT 2); DELETE FROM app.messages WHERE id IN (SELECT id FROM app.messages ORDER BY random() LIMIT 1);' . "\n" } 1 .. 60);
	my @sessions = map { run('alice', $work, background => 1, name => "client $_") } 1 .. 6;
	my $out = join('', map { finish($_) } @sessions);
	expect_unlike($out, qr/40P01/, 'deadlocks');
	run('alice', 'UPDATE app.parts SET id = 151 WHERE id = 1; UPDATE app.parts SET id = 3 WHERE id = 2; INSERT INTO app.parts VALUES (7, 99); INSERT INTO app.parts1 VALUES (9); INSERT INTO app.kids VALUES (9, 9); BEGIN; INSERT INTO app.kids VALUES (10, 11); INSERT INTO app.parts VALUES (11); COMMIT; DELETE FROM app.parts WHERE id = 3;');
	expect_is(value(q{SELECT count(*) FROM app.users u WHERE sent <> (SELECT count(*) FROM app.messages WHERE sender_id = u.id) OR received <> (SELECT count(*) FROM app.messages WHERE recipient_id = u.id)}), '0', 'counters that are wrong');
	expect_is(value(q{SELECT count(*) FROM app.parts p WHERE n <> (SELECT count(*) FROM app.kids WHERE part_id = p.id)}), '0', 'counters of partitions that are wrong');
});
attack('who owns the children cannot write to the parent but to count it, nor after the right was revoked', sub {
	run('alice', 'SET search_path = app; CREATE TABLE p (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, secret int DEFAULT 0, at timestamptz); INSERT INTO p (id) VALUES (1), (2); GRANT USAGE ON SCHEMA app TO mallory; GRANT REFERENCES (id), SELECT (id) ON p TO mallory;');
	my $out = run('mallory', <<'SQL');
CREATE TABLE m.c (id int PRIMARY KEY, p_id int REFERENCES app.p);
SELECT relation FROM relations.belongs_to('m.c', 'p', 'app.p', counter_cache => 'n');
SELECT relation FROM relations.belongs_to('m.c', 'p', 'app.p', counter_cache => 'secret', enforce => false);
SELECT relation FROM relations.belongs_to('m.c', 'p', 'app.p', touch => 'at');
SELECT relation FROM relations.belongs_to('m.c', 'p', 'app.p', counter_cache => 'id');
CREATE TRIGGER relations_counter_insert AFTER INSERT ON m.c REFERENCING NEW TABLE AS relations_new FOR EACH STATEMENT EXECUTE FUNCTION relations.counter_rows('p');
INSERT INTO m.c VALUES (1, 1), (2, 1);
SELECT relations.recount('m.c', 'p');
SQL
	expect_is(value('SELECT string_agg(p::text, chr(32) ORDER BY id) FROM app.p'), '(1,0,0,) (2,0,0,)');
	run('alice', 'GRANT UPDATE (n), SELECT ON app.p TO mallory; SELECT relation FROM relations.belongs_to(\'m.c\', \'p\', \'app.p\', counter_cache => \'n\');');
	run('mallory', q{SELECT relation FROM relations.belongs_to('m.c', 'p', 'app.p', counter_cache => 'n')});
	run('alice', 'REVOKE ALL ON app.p FROM mallory; ALTER TABLE app.p RENAME n TO m; ALTER TABLE app.p RENAME secret TO n;');
	run('mallory', "INSERT INTO m.c VALUES (5, 2); UPDATE m.c SET p_id = 2; DELETE FROM m.c WHERE id = 5;");
	expect_is(value('SELECT string_agg(n::text, chr(32) ORDER BY id) FROM app.p'), '0 0', 'the column that took over the name');
});

# ---------------------------------------------------------------------
# Work that one role causes for others (12)
# ---------------------------------------------------------------------
attack('DDL of tables without relations reads nothing of the relations of others', sub {
	run('mallory', q{CREATE TABLE m.p (id int PRIMARY KEY); CREATE TABLE m.c (id int PRIMARY KEY, p_id int REFERENCES m.p, t text);
SELECT count(*) FROM generate_series(1, 5) g, LATERAL relations.has_many('m.p', ('r' || g)::name, 'm.c', scope => jsonb_build_object('where', jsonb_build_object('t', jsonb_build_object('in', (SELECT jsonb_agg('x'::text) FROM generate_series(1, 100000)))))) x;});
	my $reads = q{SELECT sum(heap_blks_read + heap_blks_hit + toast_blks_read + toast_blks_hit) FROM pg_statio_all_tables WHERE relid = 'relations.relation'::regclass};
	run('alice', 'CREATE TABLE app.warm (a int, b int); ALTER TABLE app.warm RENAME b TO c; ALTER TABLE app.warm DROP COLUMN c; DROP TABLE app.warm;');
	value('SELECT pg_stat_force_next_flush()');
	sleep(1);
	my $was = value($reads);
	run('alice', join('', map { "CREATE TABLE app.t$_ (a int, b int); ALTER TABLE app.t$_ RENAME b TO c; ALTER TABLE app.t$_ DROP COLUMN c; CREATE TEMP TABLE tt$_ (a int); DROP TABLE tt$_; CREATE FUNCTION app.f$_() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION app.f$_(); DROP TABLE app.t$_;" } 1 .. 50) . 'SELECT pg_stat_force_next_flush();');
	value('SELECT pg_stat_force_next_flush()');
	sleep(1);
	my $is = value($reads);
	# 250 statements, each with its session's first look at the set of tables at most
	expect($is - $was < 100, "blocks: $was, $is");
});
attack('discover, declarations and recounts of thousands of tables and keys end, and can be cancelled', sub {
	run('mallory', q{SET search_path = m; DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE u%s (id int PRIMARY KEY); CREATE TABLE v%s (id int PRIMARY KEY, u%s_id int REFERENCES u%s)', i, i, i, i); END LOOP; END $$; CREATE TABLE hub (id int PRIMARY KEY);
DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('ALTER TABLE v%s ADD hub_id int REFERENCES hub', i); END LOOP; END $$;});
	my $out = run($root, "SET statement_timeout = '120s'; SELECT 'found ' || (count(*) >= 1200) FROM relations.discover('m'); SELECT 'declared ' || (count(*) >= 1200) FROM relations.discover('m', true); SELECT 'checked ' || (count(*) >= 0) FROM relations.check('m');");
	expect_like($out, qr/^found true\ndeclared true\nchecked true$/m);
	$out = run($root, "SET statement_timeout = '20ms'; SELECT count(*) FROM relations.check('m'); SET statement_timeout = '10ms'; SELECT count(*) FROM relations.discover('m');");
	expect_unlike($out, qr/XX000/);
});

# ---------------------------------------------------------------------
# Other ways in
# ---------------------------------------------------------------------
attack('what a session has cached for one role is not used for another', sub {
	run('alice', <<'SQL');
SET search_path = app; GRANT USAGE ON SCHEMA app TO mallory, bob;
CREATE TABLE users (id int PRIMARY KEY, owner name, secret text); CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, owner name, secret text);
INSERT INTO users VALUES (1, 'alice', 'of alice'), (2, 'mallory', 'of mallory'), (3, 'bob', 'of bob'); INSERT INTO posts SELECT id * 10, id, owner, secret FROM users; INSERT INTO posts VALUES (21, 2, 'bob', 'of bob');
SELECT relation FROM relations.has_many('users', 'posts', 'posts'); SELECT relation FROM relations.belongs_to('posts', 'user', 'users'); SELECT relations.create_view('g', 'users', 'posts');
ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (owner = current_user); CREATE POLICY own ON posts USING (owner = current_user);
GRANT ALL ON users, posts, g TO bob; GRANT SELECT ON users, posts, g TO mallory;
SQL
	my @reads = ("relations.preload('app.users', 'posts')", "relations.find('app.users', 2, 'posts')", "relations.preload_json('app.users', 'posts')::jsonb", "relations.query('app.users', '{\"count\": {\"n\": \"posts\"}, \"where\": {\"posts\": {\"some\": {\"secret\": {\"like\": \"of%\"}}}}}')", "relations.preload('app.posts', 'user')", 'to_jsonb(g) FROM app.g');
	my $out = run($root, join('', map { my $read = $_; join('', map { "SET ROLE $_;\nSELECT '$_ ' || ($read)::text" =~ s/\(to_jsonb\(g\) FROM app\.g\)::text/to_jsonb(g)::text FROM app.g/r . ";\nRESET ROLE;\n" } 'alice', 'mallory', 'bob', 'mallory', 'alice', 'bob') } @reads)
		. join('', map { "SET ROLE $_; SET row_security = off; SELECT '$_ ' || relations.preload('app.users', 'posts'); RESET row_security; SELECT relations.\"update\"('app.users', 3, '{\"secret\": \"taken by $_\"}'); SELECT relations.\"create\"('app.posts', '{\"id\": 99, \"owner\": \"$_\"}'); RESET ROLE;\n" } 'bob', 'mallory', 'bob', 'mallory'));
	expect_unlike($out, qr/^mallory .*(?:of bob|of alice)/m);
	expect_unlike($out, qr/^bob .*(?:of mallory|of alice)/m);
	expect_like($out, qr/^mallory .*of mallory/m);
	# within one statement: a function that runs as alice, and the caller
	run('alice', q{CREATE FUNCTION app.of_alice() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp AS $$ SELECT string_agg(d ->> 'secret', ',') FROM relations.preload('users', 'posts') d $$; GRANT EXECUTE ON FUNCTION app.of_alice() TO mallory;});
	$out = run('mallory', q{SELECT app.of_alice(), string_agg(d ->> 'secret', ','), app.of_alice() FROM relations.preload('app.users', 'posts') d; SELECT (SELECT string_agg(d #>> '{posts}', ',') FROM relations.preload('app.users', 'posts') d) FROM (SELECT app.of_alice()) x;});
	expect_like($out, qr/^of alice,of mallory,taken by bob\|of mallory\|of alice/);
	expect_unlike((split(/\n/, $out))[1], qr/bob|alice/);
});
attack('a read or a write that is cancelled at any moment leaves a session that works, and no file', sub {
	run('mallory', $large . q{CREATE TABLE w (id int PRIMARY KEY, w_id int REFERENCES w, t text); SELECT relation FROM relations.has_many('w', 'ws', 'w');});
	my $statements = '';
	for my $ms (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
	{
		$statements .= "SET statement_timeout = $ms;\n$_;\n" for ("SELECT sum(length(d::text)) FROM (SELECT relations.preload('users', 'posts') AS d) s", "SELECT sum(length(d::text)) FROM (SELECT relations.preload_json('users', 'posts') AS d) s", "SELECT length(relations.\"create\"('w', jsonb_build_object('id', $ms, 'ws', (SELECT jsonb_agg(jsonb_build_object('id', i + $ms * 100000, 't', repeat('x', 50))) FROM generate_series(1, 5000) i)))::text)",
			"SELECT count(*) FROM relations.query('users', '{\"where\": {\"posts\": {\"some\": {\"title\": {\"like\": \"%1\"}}}}, \"order\": [\"-name\"], \"preload\": {\"posts\": {\"limit\": 2}}}')", "SELECT count(*) FROM relations.factory_make('users', 20000)", "SELECT count(*) FROM relations.check('m')");
	}
	my $out = run('mallory', "$read\n$statements\nRESET statement_timeout;\nSELECT 'documents: ' || count(*) FROM relations.preload('users', 'posts');\nSELECT 'rows: ' || (count(*) % 5001) FROM w;");
	expect_like($out, qr/^documents: 8000$/m);
	expect_like($out, qr/^rows: 0$/m);
	expect_like($out, qr/57014/, 'none was cancelled');
	expect_is(value('SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'temporary files');
});
attack('numbers, times and limits at the ends of their ranges are errors or values', sub {
	my @numbers = ('0', '-0', '-1', '1e300', '-1e300', '1e-300', '2147483647', '2147483648', '-2147483649', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '1.5', '1e20', 'null', '"9223372036854775807"', '"NaN"', '"Infinity"', '"-infinity"', 'true', '[]', '{}', '1' . '0' x 5000);
	my @statements;
	for my $n (@numbers)
	{
		push @statements, map { s/%n/$n/gr } (
			map({ "relations.query('t', '{\"$_\": %n}')" } 'limit', 'offset', 'after', 'before'), "relations.query('t', '{\"where\": {\"kids\": {\"count\": {\"gt\": %n}}}}')", map({ ("relations.query('t', '{\"where\": {\"$_\": {\"eq\": %n}}}')", "relations.\"create\"('t', '{\"id\": 5, \"$_\": %n}')", "relations.define_factory('t', '{\"$_\": %n}')", "relations.define_factory('t', '{\"$_\": {\"between\": [%n, %n]}}')",
			"relations.define_factory('t', '{\"$_\": {\"between\": [0, %n]}}')", "relations.define_factory('t', '{\"$_\": {\"between\": [%n, 0]}}')", "relations.factory_make('t', 3)", "relations.factory_make('t', 3, '{\"seed\": %n, \"merge\": {\"$_\": %n}}')") } 'i2', 'i4', 'i8', 'n', 'f4', 'f8', 'd', 'ts', 'tz', 'iv', 'tm', 'b', 'r', 'o', 'm'),
			"relations.factory_make('t', 1, '{\"seed\": %n}')", "relations.factory_make('t', 2, '{\"with\": {\"kids\": %n}}')", "relations.query('t', '{\"preload\": {\"kids\": {\"limit\": %n, \"offset\": %n, \"recursive\": true, \"max_depth\": %n}}}')");
		push @statements, "relations.paginate('t', '{}', $n, $n)", "relations.paginate('t', '{}', 2147483647, 2147483647)", "relations.find('t', $n)", $n eq '2147483647' ? () : "relations.factory_make('t', $n)" if $n =~ /^-?[\de.]{1,20}$/ && $n !~ /e[23]/;
	}
	my $out = run('mallory', "SET search_path = m;\nSET statement_timeout = '20s';\n" . <<'SQL' . "\\o /dev/null\n" . join('', map { "SELECT count(*) FROM $_;\n" } @statements) . "\\o\nRESET statement_timeout;\n" . <<'SQL2');
CREATE TABLE t (id int PRIMARY KEY, t_id int REFERENCES t, i2 int2, i4 int4, i8 int8, n numeric, f4 float4, f8 float8, d date, ts timestamp, tz timestamptz, iv interval, tm time, b bit(8), r int8range, o oid, m money, tx text);
SELECT relation FROM relations.has_many('t', 'kids', 't');
INSERT INTO t VALUES (1, NULL, 32767, 2147483647, 9223372036854775807, 'NaN', 'Infinity', '-Infinity', 'infinity', '-infinity', 'infinity', '178000000 years', '24:00', B'11111111', '[,)', 4294967295, '92233720368547758.07'), (2, 1, -32768, -2147483648, -9223372036854775808, 'Infinity', 'NaN', '5e-324', '4713-01-01 BC', '294276-12-31 23:59:59.999999', '4713-01-02 BC', '-178000000 years', '00:00', B'0', 'empty', 0, '-92233720368547758.08'), (3, 1, 0, 0, 0, 1e-1000, 1e-45, 1.7976931348623157e308, '5874897-12-31', '4713-01-01 BC', '294276-12-31 00:00+14', '-00:00:00.000001', '23:59:59.999999', NULL, '[9223372036854775806,9223372036854775807)', 1, 0);
SQL
SELECT 'different: ' || count(*) FROM t, LATERAL (SELECT relations.find('t', id) AS doc, to_jsonb(t) AS expected, relations.find_json('t', id)::jsonb AS text) x WHERE doc <> expected OR text <> expected;
SET timezone = 'Pacific/Kiritimati'; SELECT 'different: ' || count(*) FROM t, LATERAL (SELECT relations.find('t', id) AS doc, to_jsonb(t) AS expected) x WHERE doc <> expected; SET timezone = '-167'; SELECT 'different: ' || count(*) FROM t, LATERAL (SELECT relations.find('t', id) AS doc, to_jsonb(t) AS expected) x WHERE doc <> expected; SET timezone = 'XXX167'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'; SELECT 'different: ' || count(*) FROM t, LATERAL (SELECT relations.find('t', id) AS doc, to_jsonb(t) AS expected) x WHERE doc <> expected;
SQL2
	expect_is(join(' ', $out =~ /^different: (\d+)$/mg), '0 0 0 0', 'documents that to_jsonb writes otherwise');
	expect_unlike($out, qr/57014/, 'a statement took 20 seconds');
});
attack('reading in parallel workers, by generic plans and with every cache thrown away gives the same documents', sub {
	value("SET client_min_messages = error; CREATE SCHEMA kinds; SET search_path = kinds;\n$Kinds::schema");
	my ($reads) = $shadow_uses =~ /\A(.*?)\nBEGIN;/s;
	$reads =~ s/^SELECT relations\.(?:explain|check|diagram|describe|preload_sql).*\n//mg;
	$reads =~ s/^.*relations\.(?:explain|check).*\n//mg;
	my $parallel = value("SELECT name FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
	# the order of the root rows is that of the plan
	my $sorted = sub { return join("\n", sort split(/\n/, run($root, "SET search_path = kinds;\n$_[0];\n$reads"))) };
	my $plain = $sorted->('SELECT 1 WHERE false');
	expect(length($plain) > 10000, $plain);
	for my $setting ("SET $parallel = on; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0", 'SET plan_cache_mode = force_generic_plan', 'SET plan_cache_mode = force_custom_plan', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off', 'SET work_mem = 64; SET relations.batch_memory = 64')
	{
		my $answer = $sorted->($setting);
		expect($answer eq $plain, "$setting:\n$answer\nplain:\n$plain");
	}
});
attack('values out of line are whole in documents, whatever another session deletes and vacuums meanwhile', sub {
	run('mallory', q{SET search_path = m; CREATE TABLE p (id int PRIMARY KEY, big text); CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p, big text, j jsonb, a text[]); ALTER TABLE p ALTER big SET STORAGE EXTERNAL; ALTER TABLE c ALTER big SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL;
INSERT INTO p SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 300) i; INSERT INTO c SELECT i, i, repeat(md5(i::text), 200), jsonb_build_array(repeat(md5(i::text), 200)), ARRAY[repeat(md5(i::text), 200)] FROM generate_series(1, 300) i; SELECT relation FROM relations.has_many('p', 'cs', 'c');});
	my $reader = run('mallory', "SET search_path = m; SET relations.batch_memory = '64kB';\nCREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF \$1 = 20 THEN PERFORM pg_sleep(1.5); END IF; RETURN \$1; END';\nSELECT 'whole: ' || count(*) FROM (SELECT slow((d ->> 'id')::int), d FROM (SELECT relations.preload('p', 'cs') AS d) s) t WHERE d ->> 'big' = repeat(md5(d ->> 'id'), 200) AND d #>> '{cs,0,big}' = d ->> 'big' AND d #>> '{cs,0,j,0}' = d ->> 'big' AND d #>> '{cs,0,a,0}' = d ->> 'big';", background => 1, name => 'reader');
	wait_for("application_name = 'reader' AND wait_event = 'PgSleep'") or return;
	run('mallory', 'DELETE FROM m.c; UPDATE m.p SET big = NULL; VACUUM m.c; VACUUM m.p;');
	expect_like(finish($reader), qr/^whole: 300$/m);
});
attack('names that become one identifier are told apart, and the search for a free one ends', sub {
	my $out = run('mallory', <<'SQL');
SET search_path = m;
SET statement_timeout = '60s';
DO $$
DECLARE types jsonb := '{}'; long text := repeat('é', 30);
BEGIN
	FOR i IN 1..60 LOOP
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', long || i % 10 || i / 10);
		types := types || jsonb_build_object(repeat('X', 70) || repeat('!', i), format('m.%I', long || i % 10 || i / 10));
	END LOOP;
	CREATE TABLE refs (no int PRIMARY KEY);
	PERFORM relations.morph_to('m.refs', repeat('é', 31), types, type_column => 'type', id_column => 'of_id', add_column => true);
END $$;
SELECT 'types: ' || count(DISTINCT foreign_key::text) FROM relations.morph_type;
SELECT 'generated: ' || count(*) FROM pg_attribute WHERE attrelid = 'refs'::regclass AND attgenerated = 's';
SELECT 'discovered: ' || (count(*) > 50) FROM relations.discover('m', true);
SELECT relation FROM relations.many_to_many('refs', repeat('ü', 31)::name, 'refs', pivot_foreign_key => repeat('ä', 31), pivot_related_foreign_key => repeat('ö', 31));
SELECT 'alive';
SQL
	my ($types) = $out =~ /^types: (\d+)$/m;
	my ($generated) = $out =~ /^generated: (\d+)$/m;
	expect(defined $types && $types == ($generated // -1), $out);
	expect_like($out, qr/^alive$/m);
	expect_unlike($out, qr/57014/);
});
done_testing();
