# Several clients write several of the same rows at once, each in another order:
# nobody waits in a circle.  And while children move between parents, whoever
# reads sees each of them once: all levels of a call are of one snapshot.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 6;
my $rounds = $ENV{RELATIONS_RACE_ROUNDS} || 40;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "synchronous_commit = off\nfsync = off\ndeadlock_timeout = 200ms\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION relations;
CREATE TABLE users (id int PRIMARY KEY, name text, posts_count int NOT NULL DEFAULT 0, touched timestamptz);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text, up int, down int, hits int NOT NULL DEFAULT 0);
CREATE TABLE comments (id int PRIMARY KEY, post_id int, body text);
CREATE TABLE tags (id int PRIMARY KEY, name text, hits int NOT NULL DEFAULT 0);
CREATE TABLE items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, slug int, hits int NOT NULL DEFAULT 0, UNIQUE (user_id, slug));
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 20) i;
INSERT INTO posts SELECT i, (i - 1) / 10 + 1, 't' || i, i, -i FROM generate_series(1, 200) i;
INSERT INTO comments SELECT i, (i - 1) / 5 + 1, 'c' FROM generate_series(1, 1000) i;
INSERT INTO tags SELECT i, 'g' || i FROM generate_series(1, 20) i;
CREATE INDEX ON posts (user_id, up);
CREATE INDEX ON posts (user_id, down);
SELECT relations.belongs_to('posts', 'user', 'users', counter_cache => 'posts_count', touch => 'touched');
SELECT relations.has_many('users', 'posts', 'posts');
SELECT relations.has_many('posts', 'comments', 'comments');
SELECT relations.has_many('users', 'items', 'items');
SELECT relations.many_to_many('users', 'tags', 'tags', pivot_columns => 'level');
SELECT relations.create_view('users_graph', 'users', 'posts.comments');
ANALYZE;
SQL

# All clients run one of the scripts with :i from 1 on.
sub clients
{
	my ($name, %scripts) = @_;
	my @files;
	my ($out, $err);
	my $i = 0;
	for my $script (@{ $scripts{scripts} })
	{
		my $file = $node->basedir . "/$name" . $i++ . '.sql';
		append_to_file($file, "\\set i :i + 1\n$script;\n");
		push @files, '-f', $file;
	}
	my $t = $scripts{rounds} || $rounds;
	my $ok = IPC::Run::run(
		[
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $t, '-D', 'i=0', @files,
			'-h', $node->host, '-p', $node->port, 'postgres'
		], '>', \$out, '2>', \$err);
	ok($ok, "$name: all clients ran to their end") or diag($err);
	unlike($err, qr/ERROR|aborted/, "$name: no error");
	like($out, qr/transactions actually processed: @{[ $clients * $t ]}\//, "$name: all transactions");
}

# keys, or objects of them, in another order for each call
my $keys = sub { "(SELECT jsonb_agg(i ORDER BY random()) FROM generate_series(1, $_[0]) i)" };
my $objects = sub { "(SELECT jsonb_agg($_[1] ORDER BY random()) FROM generate_series(1, $_[0]) i)" };

# by two indexes, in opposite orders
clients('update_related', scripts => [
	q{SELECT relations.update_related('users', 1, 'posts', '{"up": {"gte": 0}}', '{"title": "up"}')},
	q{SELECT relations.update_related('users', 1, 'posts', '{"down": {"lte": 0}}', '{"title": "down"}')}]);
clients('delete_related', scripts => [
	q{SELECT relations.delete_related('users', 2, 'posts', '{"up": {"gte": 1000}}')},
	q{SELECT relations.delete_related('users', 2, 'posts', '{"down": {"lte": -1000}}')},
	q{INSERT INTO posts SELECT n, 2, 'new', n, -n FROM generate_series(1001, 1020) n ON CONFLICT DO NOTHING}]);
# one by one, as the documents name them
clients('$update', scripts => [
	qq{SELECT relations.update('users', 1, jsonb_build_object('posts', jsonb_build_object('\$update', @{[ $objects->(10, "jsonb_build_object('where', i, 'data', jsonb_build_object('hits', :i))") ]})))}]);
clients('$connect', scripts => [
	qq{SELECT relations.update('users', 3 + :client_id % 2, jsonb_build_object('posts', jsonb_build_object('\$connect', (SELECT jsonb_agg(i ORDER BY random()) FROM generate_series(21, 40) i))))},
	q{SELECT relations.update_related('users', 3, 'posts', null, '{"title": "mine"}')}]);
clients('$disconnect', scripts => [
	qq{SELECT relations.update('users', 5, jsonb_build_object('posts', jsonb_build_object('\$disconnect', (SELECT jsonb_agg(i ORDER BY random()) FROM generate_series(41, 50) i))))},
	qq{SELECT relations.update('users', 5, jsonb_build_object('posts', jsonb_build_object('\$set', (SELECT jsonb_agg(i ORDER BY random()) FROM generate_series(41, 50) i))))}]);
clients('$delete', scripts => [
	qq{SELECT relations.update('users', 2, jsonb_build_object('posts', jsonb_build_object('\$delete', coalesce((SELECT jsonb_agg(id ORDER BY random()) FROM posts WHERE user_id = 2 AND id = 1100 + :client_id), '[]'), '\$update', (SELECT jsonb_agg(jsonb_build_object('where', id, 'data', '{"title": "x"}'::jsonb) ORDER BY random()) FROM posts WHERE user_id = 2 AND id BETWEEN 11 AND 20))))},
	q{INSERT INTO posts SELECT 1100 + :client_id, 2, 'new', 1, 1 ON CONFLICT DO NOTHING}]);
# parents of many children, counted and touched
clients('create_many', scripts => [
	q{SELECT count(*) FROM relations.create_many('posts', (SELECT jsonb_agg(jsonb_build_object('id', 100000 + :client_id * 10000 + :i * 20 + i, 'user', jsonb_build_object('$connect', i)) ORDER BY random()) FROM generate_series(6, 15) i))},
	q{SELECT relations.update_related('users', 6 + :i % 10, 'posts', '{"id": {"gte": 100000}}', jsonb_build_object('user_id', 6 + (:i * 7 + :client_id) % 10))}]);
is($node->safe_psql('postgres', 'SELECT count(*) FROM users u WHERE posts_count <> (SELECT count(*) FROM posts p WHERE p.user_id = u.id)'), 0, 'create_many: the counters are right');
# pairs
clients('sync', scripts => [
	qq{SELECT relations.sync('users', 16, 'tags', @{[ $keys->(20) ]})},
	qq{SELECT relations.sync('users', 16, 'tags', (SELECT jsonb_object_agg(i, jsonb_build_object('level', :client_id)) FROM generate_series(5, 15) i))},
	q{SELECT relations.detach('users', 16, 'tags', null)}]);
# found or created, in any order
clients('find_or_create', scripts => [
	qq{SELECT count(*) FROM relations.first_or_create_many_related('users', 17, 'items', 'slug', (SELECT jsonb_agg(jsonb_build_object('slug', :i + i) ORDER BY random()) FROM generate_series(1, 10) i))},
	qq{SELECT count(*) FROM relations.update_or_create_many_related('users', 17, 'items', 'slug', (SELECT jsonb_agg(jsonb_build_object('slug', :i + i, 'hits', :client_id) ORDER BY random()) FROM generate_series(1, 10) i))}]);
is($node->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT slug) FROM items'), 0, 'find_or_create: one row a key');

# ---------------------------------------------------------------------
# One snapshot
# ---------------------------------------------------------------------
$node->safe_psql('postgres', <<'SQL');
DELETE FROM posts WHERE id > 200;
UPDATE posts SET user_id = (id - 1) / 10 + 1;
UPDATE comments SET post_id = (id - 1) / 5 + 1;
CREATE FUNCTION must_be(what text, is_now numeric, wanted numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN IF is_now IS DISTINCT FROM wanted THEN RAISE EXCEPTION '%: % instead of %', what, is_now, wanted; END IF; END $$;
CREATE FUNCTION posts_in(documents jsonb[]) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM unnest(documents) d, jsonb_array_elements(d -> 'posts') $$;
CREATE FUNCTION comments_in(documents jsonb[]) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM unnest(documents) d, jsonb_array_elements(d -> 'posts') p, jsonb_array_elements(p -> 'comments') $$;
SQL
my $moves = q{BEGIN;
UPDATE posts SET user_id = 1 + (user_id + 6) % 20 WHERE id % 7 = :client_id;
SELECT relations.update_related('users', 1 + :i % 20, 'posts', null, jsonb_build_object('user_id', 1 + (:i + 1) % 20));
UPDATE comments SET post_id = 1 + (post_id + 40) % 200 WHERE id % 7 = :client_id;
END};
my @reads = map { "SELECT must_be('posts', posts_in(a), 200), must_be('comments', comments_in(a), 1000) FROM (SELECT array_agg(d) AS a FROM $_) x" } (
	q{relations.preload('users', 'posts.comments') d},
	q{relations.query('users', '{"where": {"id": {"gt": 0}}, "order": ["-name"], "preload": ["posts.comments"]}') d},
	q{(SELECT relations.load(u, 'posts.comments') FROM users u) x (d)},
	q{(SELECT jsonb_build_object('posts', posts) FROM users_graph) x (d)});
push @reads, q{SELECT must_be('counts', sum((d ->> 'n')::int), 200) FROM relations.query('users', '{"count": {"n": "posts"}}') d},
	q{SELECT must_be('counters and rows', sum((d ->> 'posts_count')::int - jsonb_array_length(d -> 'posts')), 0) FROM relations.preload('users', 'posts') d},
	q{SELECT must_be('page', jsonb_array_length(d -> 'data'), (d #>> '{meta,total}')::int) FROM relations.paginate('posts', '{"where": {"user_id": {"lte": 10}}}', 1, 500) d};
# Readers beside writers, who may have to wait for one another in a circle here: by two statements in a transaction.
my $file = $node->basedir . '/moves.sql';
append_to_file($file, "\\set i :i + 1\n$moves;\n");
my ($out, $err) = ('', '');
my $writers = IPC::Run::start(
	[
		'pgbench', '-n', '-c', 2, '-t', 1000000, '-D', 'i=0', '--max-tries=100', '-f', $file,
		'-h', $node->host, '-p', $node->port, 'postgres'
	], '>', \$out, '2>', \$err);
$clients = 3;
my $before = $node->safe_psql('postgres', 'SELECT pg_current_xact_id()');
clients('snapshots', scripts => \@reads, rounds => $rounds * 2);
cmp_ok($node->safe_psql('postgres', 'SELECT pg_current_xact_id()') - $before, '>', 0, 'snapshots: rows were moved meanwhile');
$writers->kill_kill(grace => 1);
unlike($err, qr/ERROR|aborted/, 'snapshots: nobody who moves them failed');
$node->stop;
done_testing();
