# Logical replication between two servers that both have the extension: rows
# arrive as they are, what triggers did on the publisher is not done twice, and
# declarations stay each server's own.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->append_conf('postgresql.conf', "max_wal_senders = 20\nmax_replication_slots = 20\n");
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
# all tables are copied at once
$subscriber->append_conf('postgresql.conf',
	"max_sync_workers_per_subscription = 16\nmax_logical_replication_workers = 20\nmax_worker_processes = 30\nmax_replication_slots = 20\nwal_retrieve_retry_interval = 100ms\n");
$subscriber->start;
# other OIDs than on the publisher
$subscriber->safe_psql('postgres', 'CREATE TABLE filler (id int)') ;
$subscriber->safe_psql('postgres', 'DROP TABLE filler');

my $where = 'dbname=postgres host=' . $publisher->host . ' port=' . $publisher->port;

my $tables = <<'SQL';
CREATE TABLE countries (id int PRIMARY KEY, name text, users_count int NOT NULL DEFAULT 0, changed_at timestamptz);
CREATE TABLE users (id int PRIMARY KEY, name text, country_id int);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int, bio text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE tag_user (user_id int, tag_id int, level text, PRIMARY KEY (user_id, tag_id));
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int, body text);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int);
SQL
my $declare = <<'SQL';
SELECT relations.belongs_to('users', 'country', 'countries', foreign_key => 'country_id', counter_cache => 'users_count', touch => 'changed_at');
SELECT relations.has_many('countries', 'users', 'users');
SELECT relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id');
SELECT relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', on_delete => 'cascade');
SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tag_user', pivot_columns => 'level');
SELECT relations.morph_to('comments', 'about', '{"post": "posts", "user": "users"}', on_delete => 'cascade');
SELECT relations.morph_many('posts', 'comments', 'comments', 'about');
SELECT relations.morph_to('notes', 'about', '{"user": "users"}', on_delete => 'set null');
SELECT relations.model('users', name => 'member');
SELECT relations.create_view('users_graph', 'users', 'profile', 'posts.comments', 'tags', 'country');
SELECT relations.define_factory('tags', '{"name": {"sequence": "tag %s"}}');
SQL
$publisher->safe_psql('postgres', "CREATE EXTENSION relations; $tables $declare");
$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO countries SELECT i, 'country ' || i FROM generate_series(1, 3) i;
INSERT INTO users SELECT i, 'user ' || i, 1 + i % 3 FROM generate_series(1, 30) i;
INSERT INTO profiles SELECT i, i, 'bio ' || i FROM generate_series(1, 30, 2) i;
INSERT INTO posts SELECT i, 1 + i % 30, 'post ' || i FROM generate_series(1, 100) i;
INSERT INTO tags SELECT i, 'tag ' || i FROM generate_series(1, 5) i;
INSERT INTO tag_user SELECT i, 1 + i % 5, 'level ' || i FROM generate_series(1, 30) i;
INSERT INTO comments SELECT i, (ARRAY['post', 'user'])[1 + i % 2], 1 + i % 30, 'comment ' || i FROM generate_series(1, 60) i;
INSERT INTO notes SELECT i, 'user', i FROM generate_series(1, 30) i;
SQL

my $graph = q{SELECT md5(string_agg(d::text, ' ')), count(*) FROM relations.preload('users', 'profile', 'posts.comments', 'tags', 'country') d};
my $about = q{SELECT md5(string_agg(d::text, ' ')), count(*) FROM relations.preload('comments', 'about') d};
my $view = q{SELECT md5(string_agg(g::text, ' ' ORDER BY id)), count(*) FROM users_graph g};
my $notes = q{SELECT md5(string_agg(n::text, ' ' ORDER BY id)), count(about_type) FROM notes n};
my $counters = q{SELECT string_agg(id || ':' || users_count || ':' || coalesce(changed_at::text, 'never'), ' ' ORDER BY id) FROM countries};
my $true = q{SELECT string_agg(id || ':' || users_count || '=' || (SELECT count(*) FROM users u WHERE u.country_id = c.id), ' ' ORDER BY id) FROM countries c};

sub same
{
	my ($database, $when) = @_;
	my %of = (documents => $graph, 'polymorphic references' => $about, 'the graph view' => $view, 'cleared references' => $notes, counters => $counters);
	for my $what (sort keys %of)
	{
		is($subscriber->safe_psql($database, $of{$what}), $publisher->safe_psql('postgres', $of{$what}), "$when: the same $what");
	}
	my $wrong = grep { !/:(\d+)=\1$/ } split / /, $subscriber->safe_psql($database, $true);
	is($wrong, 0, "$when: counters count once");
}

# ---------------------------------------------------------------------
# The tables, declared on both sides
# ---------------------------------------------------------------------
my $names = 'countries, users, profiles, posts, tags, tag_user, comments, notes';
$publisher->safe_psql('postgres', "CREATE PUBLICATION chosen FOR TABLE $names");
$subscriber->safe_psql('postgres', "CREATE EXTENSION relations; $tables $declare");
# a table refers to others that are copied at the same time: keys are not looked at
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION chosen CONNECTION '$where' PUBLICATION chosen");
$subscriber->wait_for_subscription_sync($publisher, 'chosen');
same('postgres', 'copied');

$publisher->safe_psql('postgres', <<'SQL');
SELECT relations.create('users', '{"id": 101, "name": "nested", "country": {"$connect": 2}, "profile": {"id": 101, "bio": "b"},
	"posts": [{"id": 201, "title": "t", "comments": [{"id": 301, "body": "c"}]}], "tags": {"$connect": [1, 2]}}');
INSERT INTO users_graph (id, name, country, posts) VALUES (102, 'by view', '{"id": 4, "name": "new"}', '[{"id": 202}]');
SELECT relations.update('users', 1, '{"country_id": 1, "profile": {"$update": {"bio": "changed"}}, "posts": {"$create": {"id": 203, "title": "more"}}}');
SELECT relations.sync('users', 3, 'tags', '{"1": {"level": "expert"}, "5": {}}');
UPDATE comments SET about_type = 'user', about_id = 5 WHERE id = 2;
DELETE FROM tag_user WHERE user_id = 4;
DELETE FROM profiles WHERE user_id = 4;
DELETE FROM comments WHERE about_type = 'user' AND about_id = 4;
SELECT relations.delete('users', 4);
SELECT count(*) FROM relations.factory_create('tags', 3, '{"merge": [{"id": 11}, {"id": 12}, {"id": 13}]}');
SQL
$publisher->wait_for_catchup('chosen');
same('postgres', 'streamed');
is($subscriber->safe_psql('postgres', q{SELECT count(*), count(about_type) FROM notes}), '30|29', 'streamed: a reference was cleared');
is($subscriber->safe_psql('postgres', q{SELECT about_user_id = 5 FROM comments WHERE id = 2}), 't', 'streamed: generated columns are computed here');

$publisher->safe_psql('postgres', 'TRUNCATE tag_user, comments');
$publisher->wait_for_catchup('chosen');
same('postgres', 'truncated');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION chosen');
is($subscriber->safe_psql('postgres', q{INSERT INTO users VALUES (500, 'own', 1); SELECT users_count = (SELECT count(*) FROM users WHERE country_id = 1) FROM countries WHERE id = 1}),
	't', 'what the subscriber writes itself is counted here');

# counters of parents that are not published are set by recount
$subscriber->safe_psql('postgres', 'CREATE DATABASE children');
$publisher->safe_psql('postgres', 'CREATE PUBLICATION children FOR TABLE users');
$subscriber->safe_psql('children', "CREATE EXTENSION relations; $tables $declare; INSERT INTO countries SELECT i FROM generate_series(1, 4) i");
$subscriber->safe_psql('children', "CREATE SUBSCRIPTION children CONNECTION '$where' PUBLICATION children");
$subscriber->wait_for_subscription_sync($publisher, 'children', 'children');
is($subscriber->safe_psql('children', 'SELECT sum(users_count) FROM countries'), 0, 'children alone: nobody counts them');
is($subscriber->safe_psql('children', q{SELECT relations.recount('users', 'country')}), 4, 'children alone: recount does');
$subscriber->safe_psql('children', 'DROP SUBSCRIPTION children');

# ---------------------------------------------------------------------
# A publication of all tables, which PostgreSQL takes to be those of extensions,
# too.  In binary form the names in the catalog would be this server's OIDs.
# ---------------------------------------------------------------------
is($publisher->safe_psql('postgres', q{CREATE PUBLICATION everything FOR ALL TABLES; SELECT count(*) > 0 FROM pg_publication_tables WHERE pubname = 'everything' AND schemaname = 'relations'}),
	't', 'a publication of all tables has those of the extension');
my $catalog = q{SELECT (SELECT string_agg(r::text, ' ' ORDER BY model::text, relation) FROM relations.relation r), (SELECT string_agg(m::text, ' ' ORDER BY m::text) FROM relations.morph_type m),
	(SELECT string_agg(m::text, ' ' ORDER BY m::text) FROM relations.model m), (SELECT string_agg(g::text, ' ' ORDER BY g::text) FROM relations.graph_view g),
	(SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM relations.factory f), (SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM relations.factory_state f)};
for my $binary (0, 1)
{
	my $database = $binary ? 'as_binary' : 'as_text';
	my $dump = $publisher->basedir . "/$database.sql";

	# as one would: the schema by pg_dump, then the declarations
	$subscriber->safe_psql('postgres', "CREATE DATABASE $database");
	$publisher->command_ok([ 'pg_dump', '--schema-only', '--no-publications', '-f', $dump, 'postgres' ], "$database: the schema is dumped");
	$subscriber->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $database ], "$database: and restored");
	is($subscriber->safe_psql($database, 'SELECT count(*) FROM relations.relation'), 0, "$database: without declarations");
	for my $table ('model', 'relation', 'morph_type', 'graph_view', 'factory', 'factory_state')
	{
		my $file = $publisher->basedir . "/$database.$table";
		$publisher->safe_psql('postgres', "SET search_path = ''; COPY relations.$table TO '$file'");
		$subscriber->safe_psql($database, "SET search_path = ''; COPY relations.$table FROM '$file'");
	}
	my $before = $subscriber->safe_psql($database, $catalog);
	is($before, $publisher->safe_psql('postgres', $catalog), "$database: the declarations are copied");
	$subscriber->safe_psql($database, "CREATE SUBSCRIPTION everything_$database CONNECTION '$where' PUBLICATION everything WITH (binary = $binary)");
	$subscriber->wait_for_subscription_sync($publisher, "everything_$database", $database);
	same($database, "all tables, $database, copied");
	is($subscriber->safe_psql($database, $catalog), $before, "$database: the declarations are those that were there");

	# a table that the subscriber does not have may not be written, declarations may
	$publisher->safe_psql('postgres', <<"SQL");
SELECT relations.has_many('users', 'articles_$binary', 'posts');
SELECT relations.model('tags', name => 'label_$binary');
SELECT relations.drop_relation('users', 'articles_$binary');
SELECT relations.define_state('tags', 'odd_$binary', '{"name": "odd"}');
SELECT relations.create('users', '{"id": 60$binary, "country": {"\$connect": 3}}');
SQL
	$publisher->wait_for_catchup("everything_$database");
	is($subscriber->safe_psql($database, $catalog), $before, "$database: others' declarations are passed over");
	same($database, "all tables, $database, streamed");
	is($subscriber->safe_psql($database, "SELECT relation FROM relations.has_many('users', 'own', 'posts')"), 'own', "$database: the server's own are made");
	$subscriber->safe_psql($database, "DROP SUBSCRIPTION everything_$database");
	# the same role does not keep a restore from writing them
	is($subscriber->safe_psql($database, q{SET session_replication_role = replica; DELETE FROM relations.relation WHERE relation = 'own'; SELECT count(*) FROM relations.relation WHERE relation = 'own'}),
		0, "$database: the replica role alone passes nothing over");
}
$subscriber->stop;
$publisher->stop;
done_testing();
