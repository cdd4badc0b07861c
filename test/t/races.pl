# Eight clients at once on the same keys: one row for each, the same for all of
# them, and no error.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 8;
my $rounds = 60;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# two at once on one table write its pages in turn
$node->append_conf('postgresql.conf', "synchronous_commit = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION relations;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users, slug int, hits int DEFAULT 0, UNIQUE (user_id, slug));
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int UNIQUE REFERENCES users, by int);
CREATE TABLE tags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE);
CREATE TABLE loose (user_id int, tag_id int);
CREATE TABLE seen (test text, client int, key int, id int);
INSERT INTO users SELECT i FROM generate_series(1, 1000) i;
SELECT relations.has_many('users', 'posts', 'posts');
SELECT relations.has_one('users', 'profile', 'profiles');
SELECT relations.many_to_many('users', 'tags', 'tags');
SELECT relations.many_to_many('users', 'loose', 'tags', pivot_table => 'loose', enforce => false);
SQL

# All clients run the statement with :i from 1 on.
sub race
{
	my ($name, $statement) = @_;
	my $file = $node->basedir . "/$name.sql";
	my ($out, $err);
	append_to_file($file, "\\set i :i + 1\n$statement;\n");
	my $ok = IPC::Run::run(
		[
			'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $rounds, '-D', 'i=0', '-f', $file,
			'-h', $node->host, '-p', $node->port, 'postgres'
		], '>', \$out, '2>', \$err);
	ok($ok, "$name: all clients ran to their end") or diag($err);
	unlike($err, qr/ERROR|aborted/, "$name: no error");
	like($out, qr/transactions actually processed: @{[ $clients * $rounds ]}\//, "$name: all transactions");
}

# What each client saw under each key is one row.
sub one_for_all
{
	my ($name) = @_;
	is( $node->safe_psql('postgres', "SELECT count(*) || ' ' || count(DISTINCT key) || ' ' || count(DISTINCT (key, id)) FROM seen WHERE test = '$name'"),
		join(' ', $clients * $rounds, $rounds, $rounds), "$name: every client sees the same row");
}

my $see = sub { "INSERT INTO seen SELECT '$_[0]', :client_id, :i, ($_[1] ->> 'id')::int" };

race('first', $see->('first', q{relations.first_or_create_related('users', 1, 'posts', jsonb_build_object('slug', :i))}));
one_for_all('first');
is($node->safe_psql('postgres', 'SELECT count(*) FROM posts WHERE user_id = 1'), $rounds, 'first: one row a key');

race('update', $see->('update', q{relations.update_or_create_related('users', 2, 'posts', jsonb_build_object('slug', :i), jsonb_build_object('hits', :client_id))}));
one_for_all('update');
is($node->safe_psql('postgres', 'SELECT count(*) FROM posts WHERE user_id = 2'), $rounds, 'update: one row a key');

race('profile', $see->('profile', q{relations.update_or_create_related('users', :i, 'profile', '{}', jsonb_build_object('by', :client_id))}));
one_for_all('profile');
is($node->safe_psql('postgres', 'SELECT count(*) FROM profiles'), $rounds, 'profile: one row an owner');

# through a pivot: the row and the row that joins it
race('tag', $see->('tag', q{relations.first_or_create_related('users', 3, 'tags', jsonb_build_object('name', 't' || :i))}));
one_for_all('tag');
is($node->safe_psql('postgres', 'SELECT count(*) || \' \' || (SELECT count(*) FROM tags) FROM tag_user WHERE user_id = 3'), "$rounds $rounds", 'tag: one row and one pivot a key');

race('many', q{SELECT count(*) FROM relations.first_or_create_many_related('users', 4, 'posts', 'slug', (SELECT jsonb_agg(jsonb_build_object('slug', :i + n)) FROM generate_series(0, 4) n))});
is($node->safe_psql('postgres', 'SELECT count(*) || \' \' || count(DISTINCT slug) FROM posts WHERE user_id = 4'), join(' ', $rounds + 4, $rounds + 4), 'many: one row a key');

race('upsert', $see->('upsert', q{relations.upsert('posts', jsonb_build_object('user_id', 5, 'slug', :i, 'hits', :client_id), 'user_id, slug')}));
one_for_all('upsert');
is($node->safe_psql('postgres', 'SELECT count(*) FROM posts WHERE user_id = 5'), $rounds, 'upsert: one row a key');

# while others take away what is found
race('deleted', q{SELECT CASE WHEN (:client_id + :i) % 4 = 0 THEN relations.delete_related('users', 6, 'posts', '{"slug": 1}')::text
	ELSE relations.update_or_create_related('users', 6, 'posts', '{"slug": 1}', jsonb_build_object('hits', :i))::text END});
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM posts WHERE user_id = 6'), '<=', 1, 'deleted: one row or none');

# sync: the set of one of the clients, whole, and no row twice
for my $relation ('tags', 'loose')
{
	my $pivot = $relation eq 'tags' ? 'tag_user' : 'loose';
	race("sync $relation", qq{SELECT relations.sync('users', 7, '$relation',
		(SELECT jsonb_agg(id ORDER BY id * CASE WHEN :client_id % 2 = 0 THEN 1 ELSE -1 END) FROM tags WHERE (id + :i) % 8 IN (:client_id, (:client_id + 1) % 8)))});
	is($node->safe_psql('postgres', "SELECT count(*) - count(DISTINCT tag_id) FROM $pivot WHERE user_id = 7"), 0, "sync $relation: no row twice");
	is($node->safe_psql('postgres', qq{
		WITH there AS (SELECT array_agg(tag_id ORDER BY tag_id) AS ids FROM $pivot WHERE user_id = 7)
		SELECT count(*) FROM there, generate_series(0, 7) c
		WHERE ids = (SELECT array_agg(id ORDER BY id) FROM tags WHERE (id + $rounds) % 8 IN (c, (c + 1) % 8))}),
		1, "sync $relation: the last one's set");
}

# attach and detach in both directions, some of it in vain: no deadlock
race('attach', q{SELECT CASE WHEN :client_id % 2 = 0 THEN relations.detach('users', 8, 'tags', (SELECT jsonb_agg(id ORDER BY random()) FROM tags))
	ELSE jsonb_array_length(relations.sync('users', 8, 'tags', (SELECT jsonb_agg(id ORDER BY random()) FROM tags)) -> 'attached') END});

$node->stop;
done_testing();
