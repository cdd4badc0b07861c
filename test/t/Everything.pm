# A database in which something of every kind is declared, and what must work
# in it wherever it is moved.
package Everything;
use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(declare_everything state_of works_in);

# Statements for an owner who is no superuser; the extension is there.
sub declare_everything
{
	return <<'SQL';
CREATE TABLE filler (id int); DROP TABLE filler;
CREATE TABLE users (gone int, id int PRIMARY KEY, name text, posts_count int NOT NULL DEFAULT 0);
ALTER TABLE users DROP COLUMN gone;
CREATE TABLE profiles (id int PRIMARY KEY, user_id int, bio text);
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema"."Posts" (id int PRIMARY KEY, "userId" int, published boolean DEFAULT true);
CREATE TABLE tags (tenant int, id int, name text, PRIMARY KEY (tenant, id));
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id text);
CREATE TABLE loose (id int, user_id int);
CREATE TABLE seeds (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, grown boolean);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO profiles VALUES (1, 2, 'bio');
INSERT INTO "odd schema"."Posts" VALUES (1, 1, true), (2, 1, true), (3, 2, false);
INSERT INTO tags VALUES (1, 1, 'sql'), (1, 2, 'life');
INSERT INTO notes VALUES (1, 'user', '1'), (2, 'Post', '2'), (3, 'profile', '1'), (4, NULL, NULL);
INSERT INTO loose VALUES (1, 1), (2, 7);
SELECT relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id', on_delete => 'cascade');
SELECT relations.belongs_to('profiles', 'user', 'users');
SELECT relations.belongs_to('"odd schema"."Posts"', 'user', 'users', foreign_key => '"userId"', counter_cache => 'posts_count', defer => 'initially deferred');
SELECT relations.has_many('users', 'posts', '"odd schema"."Posts"', scope => '{"where": {"published": true}, "order": ["-id"], "limit": 1}');
SELECT relations.many_to_many('users', 'tags', 'tags', pivot_columns => 'level', pivot_timestamps => true);
SELECT relations.has_many_through('profiles', 'posts', '"odd schema"."Posts"', 'users');
SELECT relations.has_many('users', 'loose', 'loose', enforce => false);
SELECT relations.morph_to('notes', 'about', '{"Post": "\"odd schema\".\"Posts\"", "user": "users", "profile": "profiles"}', on_delete => 'set null');
SELECT relations.morph_many('users', 'notes', 'notes', 'about');
SELECT relations.morph_to_many('users', 'marks', 'tags', 'marked');
SELECT relations.model('users', name => 'member', hidden => 'name');
SELECT relations.create_view('users_graph', 'users', 'profile', 'posts', 'tags');
SELECT relations.define_factory('seeds', '{"email": {"sequence": "seed%s@test.com"}}');
SELECT relations.define_state('seeds', 'grown', '{"grown": {"sql": "id IS NULL"}}');
INSERT INTO tag_user (user_id, tag_tenant, tag_id, level, created_at, updated_at) VALUES (1, 1, 2, 'high', '2026-01-01', '2026-01-01');
SELECT relations.attach('users', 2, 'marks', '["(1,1)"]');
SQL
}

# All that can be seen of it, as text.  $query runs SQL and returns what psql -At prints.
sub state_of
{
	my ($query) = @_;
	return join("\n", map { $query->($_) } (
			q{SELECT relations.preload('users', 'profile.user', 'posts', 'tags', 'notes', 'marks', 'loose')},
			q{SELECT relations.preload('notes', 'about')},
			q{SELECT relations.preload('profiles', 'posts')},
			q{SELECT * FROM users_graph ORDER BY id},
			q{SELECT * FROM relations.relation ORDER BY model::text, relation},
			q{SELECT * FROM relations.morph_type ORDER BY model::text, morph, type},
			q{SELECT * FROM relations.model ORDER BY model::text},
			q{SELECT * FROM relations.graph_view ORDER BY view::text},
			q{SELECT * FROM relations.factory ORDER BY model::text},
			q{SELECT * FROM relations.factory_state ORDER BY model::text, state},
			q{SELECT id, posts_count FROM users ORDER BY id},
			q{SELECT relations.ddl(model, relation) FROM relations.relation ORDER BY model::text, relation},
			q{SELECT model, relation, problem, detail FROM relations.check()}));
}

# Everything is written, counted, refused and followed as before.  What is written is rolled back.
sub works_in
{
	my ($node, $database, $name) = @_;
	my @steps = (
		[ 'nested rows are written', q{SELECT relations.create('users', '{"id": 8, "profile": {"id": 8}, "posts": [{"id": 8}]}') -> 'profile' ->> 'user_id'}, '8' ],
		[ 'counters count', q{INSERT INTO "odd schema"."Posts" VALUES (9, 2); SELECT string_agg(posts_count::text, ',' ORDER BY id) FROM users}, '2,2' ],
		[ 'a polymorphic reference is cleared with its row', q{DELETE FROM profiles; SELECT string_agg(COALESCE(about_type, '-'), ',' ORDER BY id) FROM notes}, 'user,Post,-,-' ],
		[ 'views are written', q{INSERT INTO users_graph (id, profile) VALUES (9, '{"id": 9, "bio": "by view"}') RETURNING profile ->> 'bio';
			UPDATE users_graph SET profile = profile || '{"bio": "changed"}' WHERE id = 9 RETURNING profile ->> 'bio'}, "by view\nchanged" ],
		[ 'pivots are written', q{SELECT relations.sync('users', 1, 'tags', '{"(1,1)": {"level": "low"}}') -> 'attached'}, '[{"id": 1, "tenant": 1}]' ],
		[ 'factories make rows', q{SELECT string_agg(seed ->> 'email', ' ') FROM relations.factory_create('seeds', 2, '{"state": "grown", "seed": 1}') seed WHERE (seed -> 'grown')::boolean},
			'seed1@test.com seed2@test.com' ],
		[ 'a query with parameters is answered', q{SELECT relations.query('users', '{"select": ["id"], "where": {"posts": {"some": {"id": {"gte": "$least"}}}}}', '{"least": 2}')}, '{"id": 1}' ],
		[ 'renames are followed', q{ALTER TABLE users RENAME id TO uid; ALTER TABLE loose RENAME user_id TO uid; SELECT relations.find('users', 1, 'loose', 'profile') -> 'loose'}, '[{"id": 1, "uid": 1}]' ],
		[ 'drops are followed', q{DROP TABLE profiles CASCADE; SELECT count(*) FROM relations.relation WHERE relation IN ('profile', 'user')}, '1' ],
		[ 'new relations are declared', q{SELECT (relations.belongs_to('loose', 'user', 'users', foreign_key => 'user_id', enforce => false)).kind}, 'belongs_to' ]);

	foreach my $step (@steps)
	{
		my ($what, $sql, $expected) = @$step;
		is($node->safe_psql($database, "SET client_min_messages = error; BEGIN; $sql; ROLLBACK"), $expected, "$name: $what");
	}
	foreach my $refused (
		[ 'an orphan', q{INSERT INTO profiles VALUES (77, 77)} ],
		[ 'a second row of a to-one', q{INSERT INTO profiles VALUES (77, 2)} ],
		[ 'a polymorphic orphan', q{INSERT INTO notes VALUES (77, 'Post', '77')} ],
		[ 'an unknown type', q{INSERT INTO notes VALUES (77, 'photo', '1')} ],
		[ 'what a view would lose', q{LOAD 'relations'; SET session_replication_role = replica; INSERT INTO users_graph (id) VALUES (9)} ])
	{
		isnt($node->psql($database, $refused->[1]), 0, "$name: $refused->[0] is refused");
	}
	return;
}

1;
