# Some sessions read and write graphs in a loop while another alters all that
# they stand on.  Every document is right for the schema before or after a
# command, and what goes wrong is what a table, a column or a relation that has
# gone for a while explains.  RELATIONS_RACE_SECONDS says how long.
use strict;
use warnings;
use IO::Handle;
use IPC::Open2;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{RELATIONS_RACE_SECONDS} || 6;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "synchronous_commit = off\nfsync = off\ndeadlock_timeout = 20ms\nautovacuum_naptime = 1s\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION relations;
CREATE SCHEMA app;
CREATE SCHEMA away;
SET search_path = app;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE users (id int PRIMARY KEY, name text, mood mood, notes_count int NOT NULL DEFAULT 0);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text, mood mood);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int, body text);
CREATE TABLE events (id int, user_id int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);
CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, body text);
CREATE VIEW people AS SELECT id, name FROM users;
INSERT INTO users SELECT i, 'u' || i, 'good' FROM generate_series(1, 10) i;
INSERT INTO posts SELECT i, (i - 1) / 3 + 1, 't' || i, CASE WHEN i % 3 = 0 THEN 'bad' ELSE 'good' END::mood FROM generate_series(1, 30) i;
INSERT INTO tags SELECT i, 'g' || i FROM generate_series(1, 5) i;
INSERT INTO events SELECT i, i % 10 + 1 FROM generate_series(0, 199) i;
INSERT INTO comments SELECT i, CASE WHEN i <= 30 THEN 'post' ELSE 'user' END, CASE WHEN i <= 30 THEN i ELSE i - 30 END, 'c' || i FROM generate_series(1, 40) i;
SELECT relations.has_many('users', 'posts', 'posts', scope => '{"order": ["-title"]}');
SELECT relations.has_many('users', 'good_posts', 'posts', scope => '{"where": {"mood": {"in": ["good"]}}}');
SELECT relations.belongs_to('posts', 'user', 'users');
SELECT relations.many_to_many('users', 'tags', 'tags');
SELECT relations.has_many('users', 'events', 'events');
SELECT relations.belongs_to('notes', 'user', 'users', counter_cache => 'notes_count');
SELECT relations.has_many('users', 'notes', 'notes');
SELECT relations.morph_to('comments', 'about', '["posts", "users"]');
SELECT relations.morph_many('posts', 'comments', 'comments', 'about');
SELECT relations.model('people', primary_key => 'id');
SELECT relations.has_many('people', 'posts', 'posts', foreign_key => 'user_id', local_key => 'id', enforce => false);
INSERT INTO tag_user (user_id, tag_id) SELECT u, t FROM generate_series(1, 10) u, generate_series(1, 5) t;
SELECT relations.create_view('users_graph', 'users', 'posts', 'events');
SQL

# What the alterer does, one after another: each leaves the schema as it was.
my @alterations = (
	['ALTER TABLE app.posts RENAME title TO heading', 'ALTER TABLE app.posts RENAME heading TO title'],
	['ALTER TABLE app.posts RENAME user_id TO owner_id', 'ALTER TABLE app.posts RENAME owner_id TO user_id'],
	['ALTER TABLE app.posts RENAME TO articles', 'ALTER TABLE app.articles RENAME TO posts'],
	['ALTER TABLE app.posts SET SCHEMA away', 'ALTER TABLE away.posts SET SCHEMA app'],
	['ALTER SCHEMA app RENAME TO elsewhere', 'ALTER SCHEMA elsewhere RENAME TO app'],
	['ALTER TABLE app.posts ADD extra int DEFAULT 7', 'ALTER TABLE app.posts DROP extra'],
	['ALTER TABLE app.posts ALTER user_id TYPE bigint', 'ALTER TABLE app.posts ALTER user_id TYPE int'],
	['ALTER TABLE app.tag_user ALTER user_id TYPE bigint', 'ALTER TABLE app.tag_user ALTER user_id TYPE int'],
	['ALTER TABLE app.tags ALTER name TYPE varchar(10)', 'ALTER TABLE app.tags ALTER name TYPE text'],
	['ALTER TABLE app.events DETACH PARTITION app.events_2', 'ALTER TABLE app.events ATTACH PARTITION app.events_2 FOR VALUES FROM (100) TO (200)'],
	[q{ALTER TYPE app.mood RENAME VALUE 'good' TO 'fine'}, q{ALTER TYPE app.mood RENAME VALUE 'fine' TO 'good'}],
	['ALTER TABLE app.posts RENAME CONSTRAINT posts_user_id_fkey TO by_user', 'ALTER TABLE app.posts RENAME CONSTRAINT by_user TO posts_user_id_fkey'],
	['ALTER INDEX app.posts_user_id_idx RENAME TO by_user', 'ALTER INDEX app.by_user RENAME TO posts_user_id_idx'],
	['ALTER TABLE app.posts DROP CONSTRAINT posts_user_id_fkey, ADD CONSTRAINT owned FOREIGN KEY (user_id) REFERENCES app.users',
		'ALTER TABLE app.posts DROP CONSTRAINT owned, ADD CONSTRAINT posts_user_id_fkey FOREIGN KEY (user_id) REFERENCES app.users'],
	[q{SELECT relations.drop_relation('app.users', 'tags', true)},
		q{SELECT relations.many_to_many('app.users', 'tags', 'app.tags'); INSERT INTO app.tag_user (user_id, tag_id) SELECT u, t FROM generate_series(1, 10) u, generate_series(1, 5) t ON CONFLICT DO NOTHING}],
	[q{SELECT relations.drop_relation('app.users', 'posts')}, q{SELECT relations.has_many('app.users', 'posts', 'app.posts', scope => '{"order": ["-title"]}')}],
	[q{SELECT relations.drop_relation('app.notes', 'user')}, q{SELECT relations.belongs_to('app.notes', 'user', 'app.users', counter_cache => 'notes_count')}],
	['DROP TABLE app.tag_user',
		q{SELECT relations.many_to_many('app.users', 'tags', 'app.tags'); INSERT INTO app.tag_user (user_id, tag_id) SELECT u, t FROM generate_series(1, 10) u, generate_series(1, 5) t ON CONFLICT DO NOTHING}],
	[q{CREATE OR REPLACE VIEW app.people AS SELECT id, upper(name) AS name FROM app.users}, q{CREATE OR REPLACE VIEW app.people AS SELECT id, name FROM app.users}],
	['ALTER TABLE app.comments RENAME about_id TO on_id', 'ALTER TABLE app.comments RENAME on_id TO about_id'],
	['ALTER TABLE app.users RENAME notes_count TO n', 'ALTER TABLE app.users RENAME n TO notes_count'],
	['DROP INDEX app.posts_user_id_idx', 'CREATE INDEX posts_user_id_idx ON app.posts (user_id)'],
	['VACUUM FULL app.posts', 'CLUSTER app.tags USING tags_pkey'],
	['ALTER TABLE app.notes SET UNLOGGED', 'ALTER TABLE app.notes SET LOGGED'],
	['CREATE TEMP TABLE mine (id int PRIMARY KEY)', 'DROP TABLE mine'],
);
# once in a transaction that is taken back, then for good
my @steps;
for my $alteration (@alterations)
{
	my ($there, $back) = @$alteration;
	push @steps, "BEGIN; $there; ROLLBACK" unless $there =~ /^VACUUM/;
	push @steps, $there, $back;
	push @steps, "BEGIN; SAVEPOINT s; $there; ROLLBACK TO s; $there; $back; COMMIT" unless $there =~ /^VACUUM/;
}

# What the others do.
my @reads = (
	q{SELECT 'users', relations.preload('app.users', 'posts', 'good_posts', 'tags', 'events')},
	q{SELECT 'users', relations.find('app.users', 4, 'posts', 'good_posts', 'tags', 'events')},
	q{SELECT 'users', relations.query('app.users', '{"where": {"posts": {"some": {"id": {"gt": 0}}}}, "order": ["-id"], "limit": 5, "preload": ["posts", "good_posts", "tags", "events"]}')},
	q{SELECT 'comments', relations.preload('app.comments', 'about')},
	q{SELECT 'people', relations.preload('app.people', 'posts')},
	q{SELECT 'users', relations.load(u, 'posts', 'good_posts', 'tags', 'events') FROM app.users u},
	q{SELECT 'views', jsonb_build_object('id', id, 'posts', posts, 'events', events) FROM app.users_graph},
	q{SELECT 'counts', relations.query('app.users', '{"count": {"posts": "posts", "good": "good_posts"}}')},
);
my @writes = (
	q{SELECT '', relations.create_related('app.users', 1, 'notes', '{"body": "x"}')},
	q{SELECT '', relations.update('app.users', 2, '{"notes": {"$create": [{"body": "y"}, {"body": "z"}]}}')},
	q{SELECT '', relations.update_related('app.users', 2, 'notes', '{"body": "y"}', '{"user_id": 3}')},
	q{SELECT '', relations.delete_related('app.users', 3, 'notes', null)},
	q{SELECT '', relations.sync('app.users', 5, 'tags', '[1, 4]', false)},
	q{SELECT '', relations.sync('app.users', 6, 'tags', '[3, 1, 2, 5, 4]')},
	q{SELECT '', relations.create_many('app.notes', '[{"body": "a", "user": {"$connect": 8}}, {"body": "b", "user": {"$connect": 7}}]')},
	q{SELECT '', relations.factory_make('app.posts', 2, '{"with": ["user"]}')},
	q{SELECT '', relations.first_or_create_related('app.users', 9, 'notes', '{"body": "only"}', '{}')},
);
my $dir = $node->basedir;
my $stop = "$dir/stop";

# A session that is given statements until it is time to stop; its answers go to files.
sub session
{
	my ($name, @statements) = @_;
	my $pid = fork() // die "fork: $!";
	return $pid if $pid;
	$ENV{PGHOST} = $node->host;
	$ENV{PGPORT} = $node->port;
	open(my $psql, '|-', "psql -X -q -A -t -F ' ' -v VERBOSITY=verbose -d postgres > $dir/$name.out 2> $dir/$name.err") or die;
	$SIG{PIPE} = 'IGNORE';
	for (my $i = 0; !-e $stop; $i++)
	{
		print $psql $statements[$i % @statements], ";\n" or last;
	}
	close $psql;
	POSIX::_exit($? == 0 ? 0 : 1);
}

my %pids = map { $_->[0] => session(@$_) } (
	['reader_1', @reads],
	['reader_2', reverse @reads],
	['reader_3', map { ("BEGIN ISOLATION LEVEL REPEATABLE READ", $_, $_, "COMMIT") } @reads],
	['writer_1', @writes],
	['writer_2', reverse @writes]);

# each step by itself, again when it met somebody in a circle
my $end = time + $seconds;
my %failed;
my $rounds = 0;
my $done = 0;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
my $alterer = open2(my $answers, my $commands, 'psql -X -q -A -t -v VERBOSITY=verbose -d postgres 2>&1');
print $commands "SET client_min_messages = warning; SET lock_timeout = '5s';\n";

# Run a step; the first error of it, if there is one.
sub alter
{
	my ($step) = @_;
	my $mark = 'done ' . ++$done;
	my $error;
	print $commands "$step;\nROLLBACK;\n\\echo $mark\n";
	$commands->flush;
	while (defined(my $line = <$answers>))
	{
		chomp $line;
		return $error if $line eq $mark;
		$error //= $line if $line =~ /ERROR|could not follow/;
	}
	return 'the session is gone';
}

while (time < $end || $rounds == 0)
{
	for my $step (@steps)
	{
		for my $attempt (1 .. 20)
		{
			my $error = alter($step) // last;
			# one of two that meet in a circle goes again
			next if $error =~ /40P01|55P03|55000/ && $attempt < 20;
			$failed{"$step: $error"}++;
			last;
		}
	}
	$rounds++;
}
close $commands;
waitpid $alterer, 0;
append_to_file($stop, '');
for my $name (sort keys %pids)
{
	waitpid $pids{$name}, 0;
	is($?, 0, "$name: the session lived to the end");
}
is_deeply([ sort keys %failed ], [], "all alterations were made");
note("$rounds rounds of " . scalar(@steps) . " steps");

# ---------------------------------------------------------------------
# What the others saw
# ---------------------------------------------------------------------

# Of a post of user $id, by either schema; posts of one document by the same.
sub wrong_post
{
	my ($post, $user) = @_;
	my ($owner) = grep { exists $post->{$_} } ('user_id', 'owner_id');
	my ($title) = grep { exists $post->{$_} } ('title', 'heading');
	return 'columns' if !defined $owner || !defined $title;
	return 'keys' if keys %$post != 4 + (exists $post->{extra});
	return 'owner' if defined $user && $post->{$owner} != $user;
	return 'owner of id' if $post->{$owner} != int(($post->{id} - 1) / 3) + 1;
	return 'title' if $post->{$title} ne "t$post->{id}";
	return 'extra' if exists $post->{extra} && $post->{extra} != 7;
	return 'mood' if $post->{mood} !~ ($post->{id} % 3 == 0 ? qr/^bad$/ : qr/^(good|fine)$/);
	return;
}

sub wrong_posts
{
	my ($posts, $user, @ids) = @_;
	return 'which posts: ' . join(',', map { $_->{id} } @$posts) if join(',', map { $_->{id} } @$posts) ne join(',', @ids);
	my %shapes;
	for my $post (@$posts)
	{
		my $wrong = wrong_post($post, $user);
		return "post: $wrong" if $wrong;
		$shapes{ join ',', sort keys %$post }++;
	}
	return 'two schemas in one document' if keys %shapes > 1;
	return;
}

sub wrong_document
{
	my ($what, $d) = @_;
	my $id = $d->{id};
	my @all = map { $_ + 3 * ($id - 1) } 1 .. 3;
	my @down = sort { "t$b" cmp "t$a" } @all;
	if ($what eq 'users' || $what eq 'views')
	{
		my $wrong = wrong_posts($d->{posts}, $id, @down);
		return $wrong if $wrong;
		my $events = @{ $d->{events} };
		return "$events events" if $events != 20 && $events != 10;
		return 'events' if grep { $_->{id} % 10 + 1 != $id } @{ $d->{events} };
		return if $what eq 'views';
		$wrong = wrong_posts($d->{good_posts}, $id, @all[ 0, 1 ]);
		return "good: $wrong" if $wrong;
		return 'keys' if keys %$d != 8;
		return 'name' if $d->{name} ne "u$id";
		# a pivot table that is made anew is empty at first, and user 5 may be given two tags in it
		my $tags = join(',', map { "$_->{id}$_->{name}" } @{ $d->{tags} });
		return 'tags' if $tags !~ /^(1g1,2g2,3g3,4g4,5g5)?$/ && !($id == 5 && $tags eq '1g1,4g4');
	}
	elsif ($what eq 'people')
	{
		my $wrong = wrong_posts($d->{posts}, $id, @all);
		return $wrong if $wrong;
		return 'name' if uc($d->{name}) ne "U$id";
	}
	elsif ($what eq 'comments')
	{
		my ($key) = grep { exists $d->{$_} } ('about_id', 'on_id');
		return 'columns' if !defined $key || keys %$d != 5;
		return 'about' if !defined $d->{about} || $d->{about}{id} != $d->{$key} || $d->{$key} != ($id <= 30 ? $id : $id - 30);
		my $wrong = $id <= 30 ? wrong_post($d->{about}) : $d->{about}{name} ne "u$d->{$key}" && 'name';
		return $wrong if $wrong;
	}
	elsif ($what eq 'counts')
	{
		return 'counts' if $d->{posts} != 3 || $d->{good} != 2;
	}
	return;
}

# undefined table, column, object, schema; deadlock; a table was rewritten since the statement began;
# a transaction that has failed already
my $expected = qr/^(42P01|42703|42704|3F000|40P01|40001|25P02)$/;
my $json = JSON::PP->new->allow_nonref;
for my $name (sort keys %pids)
{
	my %wrong;
	my %seen;
	my $n = 0;
	open my $out, '<', "$dir/$name.out" or die;
	while (my $line = <$out>)
	{
		chomp $line;
		my ($what, $document) = split / /, $line, 2;
		$n++;
		next unless $what && $document && !$seen{$line}++;
		my $wrong = wrong_document($what, $json->decode($document));
		$wrong{"$what, $wrong: " . substr($document, 0, 1500)}++ if $wrong;
	}
	cmp_ok($n, '>', 100, "$name: got answers");
	is_deeply([ (sort keys %wrong)[ 0 .. ($#{ [ keys %wrong ] } > 3 ? 3 : $#{ [ keys %wrong ] }) ] ], [], "$name: every document is right");

	my %errors;
	my %states;
	open my $err, '<', "$dir/$name.err" or die;
	while (my $line = <$err>)
	{
		next unless $line =~ /^(?:psql:\S+ )?(?:ERROR|FATAL|PANIC|WARNING):\s+(\w{5}): (.*)/;
		$states{$1}++;
		# a scope as it was, a type as it is: the value has another name already
		next if $1 eq '22P02' && $2 =~ /^invalid input value for enum app\.mood: "(good|fine)"/;
		$errors{"$1 $2"}++ if $1 !~ $expected || $2 =~ /cache lookup|could not open relation with OID/;
	}
	is_deeply(\%errors, {}, "$name: no other errors than those of what has gone");
	note("$name: $n answers; " . join(', ', map { "$_ $states{$_} times" } sort keys %states));
}

# ---------------------------------------------------------------------
# What is left
# ---------------------------------------------------------------------
is($node->safe_psql('postgres', q{SELECT count(*) FROM app.users u WHERE notes_count <> (SELECT count(*) FROM app.notes n WHERE n.user_id = u.id)}),
	0, 'the counters are right');
is($node->safe_psql('postgres', q{SELECT count(*) FROM relations.relation WHERE model::text LIKE 'app.%'}), 10, 'all relations are there');
is($node->safe_psql('postgres', q{SELECT model::text, relation, constraint_name, scope FROM relations.relation WHERE relation IN ('posts', 'good_posts', 'user') ORDER BY 1, 2}),
	join("\n", 'app.notes|user|notes_user_id_fkey|', 'app.people|posts||', 'app.posts|user|posts_user_id_fkey|',
		'app.users|good_posts|posts_user_id_fkey|{"where": {"mood": {"in": ["good"]}}}',
		'app.users|posts|posts_user_id_fkey|{"order": ["-title"]}'),
	'their names are those of the beginning');
unlike(slurp_file($node->logfile), qr/cache lookup failed|TRAP|PANIC|terminated by signal|could not follow/, 'the log is clean');
$node->stop;
done_testing();
