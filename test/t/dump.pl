# What was declared is there after dump and restore, in another database.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', <<'SQL');
CREATE EXTENSION relations;
CREATE TABLE users (gone int, id int PRIMARY KEY, name text);
ALTER TABLE users DROP COLUMN gone;
CREATE TABLE profiles (id int PRIMARY KEY, user_id int, bio text);
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema"."Posts" (id int PRIMARY KEY, "userId" int);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO profiles VALUES (1, 2, 'bio');
INSERT INTO "odd schema"."Posts" VALUES (1, 1), (2, 1);
SELECT relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id');
SELECT relations.belongs_to('profiles', 'user', 'users');
SELECT relations.has_many('users', 'posts', '"odd schema"."Posts"', foreign_key => '"userId"', enforce => false,
	scope => '{"order": ["-id"], "limit": 1}');
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id text);
INSERT INTO notes VALUES (1, 'user', '1'), (2, 'Post', '2'), (3, 'profile', '1'), (4, NULL, NULL);
SELECT relations.morph_to('notes', 'about', '{"Post": "\"odd schema\".\"Posts\"", "user": "users", "profile": "profiles"}', on_delete => 'set null');
SELECT relations.morph_many('users', 'notes', 'notes', 'about');
ALTER TABLE users ADD COLUMN posts_count int NOT NULL DEFAULT 0;
SELECT relations.belongs_to('"odd schema"."Posts"', 'user', 'users', foreign_key => '"userId"', counter_cache => 'posts_count');
SELECT relations.model('users', name => 'member', hidden => 'name');
SELECT relations.create_view('users_graph', 'users', 'profile', 'posts');
SQL

my $read = q{SELECT relations.preload('users', 'profile.user', 'posts')};
my $catalog = q{SELECT * FROM relations.relation ORDER BY model::text, relation};
my $types = q{SELECT * FROM relations.morph_type ORDER BY model::text, morph, type};
my $before = $node->safe_psql('source', $read);
like($before, qr/"posts": \[\{"id": 2, "userId": 1\}\]/, 'the source reads');

my $dump = $node->basedir . '/dump';
for my $format ('plain', 'custom', 'directory')
{
	my $file = "$dump.$format";
	$node->safe_psql('postgres', "CREATE DATABASE $format");
	# other OIDs than in the source
	$node->safe_psql($format, 'CREATE TABLE filler (id int); DROP TABLE filler') for 1 .. 3;
	$node->command_ok([ 'pg_dump', '-F', $format, '-f', $file, 'source' ], "dump: $format");
	if ($format eq 'plain')
	{
		$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, $format ], "restore: $format");
	}
	else
	{
		my @jobs = $format eq 'directory' ? ('-j', 2) : ();
		$node->command_ok([ 'pg_restore', '-e', @jobs, '-d', $format, $file ], "restore: $format");
	}
	is($node->safe_psql($format, $read), $before, "reads the same: $format");
	is($node->safe_psql($format, $catalog), $node->safe_psql('source', $catalog), "the same catalog: $format");
	is($node->safe_psql($format, $types), $node->safe_psql('source', $types), "the same polymorphic types: $format");
	is($node->safe_psql($format, q{DELETE FROM profiles; SELECT id, about_type, about_id FROM notes ORDER BY id}),
		"1|user|1\n2|Post|2\n3||\n4||", "a polymorphic reference is cleared when its row goes: $format");
	isnt($node->psql($format, q{INSERT INTO notes VALUES (5, 'Post', '3')}), 0, "and leads nowhere never: $format");
	is($node->safe_psql($format, q{SELECT string_agg(posts_count::text, ',' ORDER BY id) FROM users}), '2,0', "the same counters: $format");
	is($node->safe_psql($format, q{INSERT INTO "odd schema"."Posts" VALUES (3, 2); SELECT string_agg(posts_count::text, ',' ORDER BY id) FROM users}),
		'2,1', "counts on: $format");
	is( $node->safe_psql(
			$format, q{BEGIN; INSERT INTO users_graph (id, profile) VALUES (9, '{"id": 9, "bio": "by view"}') RETURNING profile ->> 'bio';
			UPDATE users_graph SET profile = profile || '{"bio": "changed"}' WHERE id = 9 RETURNING profile ->> 'bio'; ROLLBACK}),
		"by view\nchanged", "views are written: $format");
	isnt($node->psql($format, q{LOAD 'relations'; SET session_replication_role = replica; INSERT INTO users_graph (id) VALUES (9)}),
		0, "and lose nothing: $format");
	$node->safe_psql($format, q{SELECT relations.create_related('users', 1, 'profile', '{"id": 2}')});
	is($node->safe_psql($format, q{ALTER TABLE users RENAME id TO uid; SELECT relations.find('users', 1, 'profile') -> 'profile' ->> 'id'}),
		'2', "writes and follows renames: $format");
}
$node->stop;
done_testing();
