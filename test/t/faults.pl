# What is stopped half-way leaves nothing: cancel, timeout, a killed backend and a
# killed server in each phase of declarations, writes and reads; no memory, no
# room for temporary files; savepoints and prepared transactions.
#
# A phase begins wherever the server calls somebody: before and after each DDL
# statement, each statement and each row that is written.  Triggers count these,
# and sleep at the one that faults.at names.
#
# With RELATIONS_TEST_EVERY set (test/long/faults.pl) sessions are cancelled and killed in
# every phase of every statement, and the server too; else in two phases of a declaration and a write.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Kinds;

my $every = $ENV{RELATIONS_TEST_EVERY};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 10\nautovacuum = off\nlog_line_prefix = '%e [%p] '\nrestart_after_crash = on\n");
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION relations; CREATE SCHEMA kinds; SET client_min_messages = warning; SET search_path = kinds;\n$Kinds::schema\n$Kinds::fingerprint");
$node->safe_psql('postgres', <<'SQL');
SET search_path = kinds;
-- what the declarations below join
CREATE TABLE teams (id int PRIMARY KEY, players_count int NOT NULL DEFAULT 0);
CREATE TABLE players (id int PRIMARY KEY, team_id int);
CREATE TABLE matches (id int PRIMARY KEY);
CREATE TABLE events (id int PRIMARY KEY, note text);
INSERT INTO teams VALUES (1), (2); INSERT INTO players VALUES (1, 1), (2, 1), (3, 2); INSERT INTO matches VALUES (1); INSERT INTO events VALUES (1);
SELECT relations.many_to_many('teams', 'made', 'matches', pivot_table => 'made');
SELECT fingerprint('kinds');

CREATE SCHEMA faults;
-- counts phases; a setting would be restored with the settings of the caller
CREATE SEQUENCE faults.phase MINVALUE 0;
CREATE FUNCTION faults.tick() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF nextval('faults.phase') = COALESCE(NULLIF(current_setting('faults.at', true), ''), '0')::int THEN
		PERFORM pg_sleep(180);
	END IF;
END $$;
CREATE FUNCTION faults.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM faults.tick();
	RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE FUNCTION faults.event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM faults.tick(); END $$;
DO $$
DECLARE t regclass;
BEGIN
	FOR t IN SELECT oid FROM pg_class WHERE relnamespace IN ('kinds'::regnamespace, 'relations'::regnamespace) AND relkind IN ('r', 'p') AND NOT relispartition LOOP
		EXECUTE format('CREATE TRIGGER faults_before BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION faults.trigger()', t);
		EXECUTE format('CREATE TRIGGER faults_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION faults.trigger()', t);
		EXECUTE format('CREATE TRIGGER faults_after AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION faults.trigger()', t);
	END LOOP;
END $$;
CREATE EVENT TRIGGER faults_start ON ddl_command_start EXECUTE FUNCTION faults.event();
CREATE EVENT TRIGGER faults_end ON ddl_command_end EXECUTE FUNCTION faults.event();
CREATE EVENT TRIGGER faults_drop ON sql_drop EXECUTE FUNCTION faults.event();
SQL

my $deep = q('{"name": "deep", "email": "d", "home": {"code": "q1"}, "boss": {"name": "boss", "home": {"$connect": "in"}}, "profile": {"bio": "b"}, "image": {"url": "u"}, "skills": [{"word": "s"}, {"$connect": 1}],
	"posts": [{"title": "a", "slug": "1", "tags": [{"name": "x1"}, {"$connect": {"name": "t1"}}], "comments": [{"body": "c"}, {"body": "d"}]}, {"title": "b", "slug": "2"}]}');
my @declarations = (
	[ 'has_many', q{SELECT relations.has_many('teams', 'players', 'players')} ],
	[ 'belongs_to with a counter', q{SELECT relations.belongs_to('players', 'team', 'teams', counter_cache => 'players_count')} ],
	[ 'many_to_many', q{SELECT relations.many_to_many('teams', 'matches', 'matches', pivot_table => 'match_team', pivot_columns => 'goals', pivot_timestamps => true)} ],
	[ 'morph_to', q{SELECT relations.morph_to('events', 'subject', '["teams", "players"]', add_column => true, on_delete => 'cascade')} ],
	[ 'drop_relation', q{SELECT relations.drop_relation('teams', 'made', true)} ],
	[ 'create_view', q{SELECT relations.create_view('teams_graph', 'teams', 'made')} ],
	[ 'discover', q{SELECT count(*) FROM relations.discover('kinds', true)} ]);
my @writes = (
	[ 'create', qq{SELECT relations.create('users', $deep)} ],
	[ 'create_many', q{SELECT count(*) FROM relations.create_many('posts', '[{"title": "m1", "author": {"name": "m"}, "tags": [{"name": "m"}]}, {"title": "m2", "comments": [{"body": "m"}]}]')} ],
	[ 'update', q{SELECT relations.update('users', 3, '{"name": "new", "posts": {"$update": {"where": {"slug": "s1"}, "data": {"title": "u"}}, "$disconnect": {"slug": "s2"}, "$create": {"title": "z"}}, "skills": {"$set": [1]}, "image": {"url": "i"}}')} ],
	[ 'delete', q{SELECT relations.delete('nodes', 20)} ],
	[ 'sync', q{SELECT relations.sync('posts', 2, 'tags', '[3, 1]')} ],
	[ 'update_or_create_many_related', q{SELECT count(*) FROM relations.update_or_create_many_related('users', 3, 'posts', 'slug', '[{"slug": "s1", "title": "n"}, {"slug": "n"}]')} ],
	[ 'factory_create', q{SELECT count(*) FROM relations.factory_create('users', 2, '{"with": ["posts", "profile"], "seed": 1}')} ],
	[ 'graph view', q{INSERT INTO users_graph (name, profile, posts) VALUES ('v', '{"bio": "v"}', '[{"title": "v"}]')} ]);

# begin to count phases, and sleep in that one; 0 for none
sub sleep_at { return "SET faults.at = $_[0]; DO \$do\$ BEGIN PERFORM setval('faults.phase', 0); END \$do\$;" }
my $reset = 'RESET statement_timeout; SET faults.at = 0;';
my $hello = "SET client_min_messages = error; SET search_path = kinds;";
# a hash of all that is there
my $all = q{SELECT md5(string_agg(f, chr(10))) FROM fingerprint('kinds') f;};
my $was = $node->safe_psql('postgres', "$hello $all");
sub all_as_it_was { return is($node->safe_psql('postgres', "$hello $all"), $was, $_[0]) }

# how many phases a statement has
sub phases
{
	my ($statement) = @_;
	my $n = $node->safe_psql('postgres', "$hello " . sleep_at(0) . " BEGIN; DO \$do\$ BEGIN EXECUTE \$e\$ $statement \$e\$; END \$do\$; SELECT last_value FROM faults.phase; ROLLBACK;");
	return $n;
}

# A session that is stuck in a phase, and its process.
sub stuck
{
	my ($at, $statement, $later) = @_;
	my $v = { out => '', err => '' };
	my $file = $node->basedir . '/victim.sql';
	unlink $file;
	append_to_file($file, "\\set VERBOSITY sqlstate\n$hello\n" . sleep_at($at) . "\n$statement;\n$reset\n$later\n");
	$v->{harness} = IPC::Run::start([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres') . ' application_name=victim', '-f', $file ], '<', \undef, '>', \$v->{out}, '2>', \$v->{err});
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'}) or die "no phase $at of: $statement\n$v->{err}";
	$v->{pid} = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'});
	return $v;
}

sub server_comes_back
{
	for (1 .. 600)
	{
		my ($ret, $out) = $node->psql('postgres', 'SELECT 1', on_error_die => 0);
		return 1 if defined $ret && $ret == 0;
		select(undef, undef, undef, 0.1);
	}
	die 'the server does not come back';
}

# The postmaster is killed; its children notice, and go, before another one may start.
sub kill_server
{
	my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
	$node->kill9;
	for (1 .. 300)
	{
		last if !kill 0, @children;
		select(undef, undef, undef, 0.05);
	}
	$node->start;
}

for my $case (@declarations, @writes)
{
	my ($name, $statement) = @$case;
	my $phases = phases($statement);
	cmp_ok($phases, '>', 1, "$name: has phases ($phases)");

	# timeout in each phase, all in one session, which does it wholly afterwards
	my $script = "\\set VERBOSITY sqlstate\n$hello\n";
	for my $at (1 .. $phases)
	{
		$script .= sleep_at($at) . " SET statement_timeout = '40ms';\n$statement;\n$reset\n$all\n";
	}
	$script .= "BEGIN;\nDO \$do\$ BEGIN EXECUTE \$e\$ $statement \$e\$; END \$do\$;\n$all\nROLLBACK;\n$all\nSELECT relations.find('users', 3, 'posts.tags') ->> 'id';\n";
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
	my @seen = split /\n/, $out;
	is(scalar(grep { $_ eq $was } splice(@seen, 0, $phases)), $phases, "$name: timeout in each phase leaves nothing");
	is(scalar(() = $err =~ /ERROR:  57014/g), $phases, "$name: ... with query_canceled each time");
	unlike($err, qr/ERROR:  (?!57014)/, "$name: ... and no other error");
	isnt($seen[0], $was, "$name: the same session does it afterwards");
	is(join(' ', @seen[ 1, 2 ]), "$was 3", "$name: and goes on");

	next if !$every && $name !~ /^(many_to_many|create)$/;
	my @some = $every ? (1 .. $phases) : (int($phases / 2), $phases);
	my $after = "BEGIN; DO \$do\$ BEGIN EXECUTE \$e\$ $statement \$e\$; END \$do\$; ROLLBACK; SELECT 'went on';";
	my (%went, %left);
	for my $at (@some)
	{
		my $v = stuck($at, $statement, $after);
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($v->{pid})");
		$v->{harness}->finish;
		$went{cancel}++ if $v->{out} =~ /went on/ && $v->{err} =~ /57014/;
		$left{cancel}++ if $node->safe_psql('postgres', "$hello $all") ne $was;

		$v = stuck($at, $statement, $after);
		kill 'KILL', $v->{pid};
		$v->{harness}->finish;
		$went{backend}++ if $v->{out} !~ /went on/;
		server_comes_back();
		$left{backend}++ if $node->safe_psql('postgres', "$hello $all") ne $was;

		$v = stuck($at, $statement, $after);
		kill_server();
		$v->{harness}->finish;
		$went{server}++ if $v->{out} !~ /went on/;
		$left{server}++ if $node->safe_psql('postgres', "$hello $all") ne $was;
	}
	is($went{cancel}, scalar(@some), "$name: cancelled in phases @some of $phases: the session goes on");
	is($went{$_}, scalar(@some), "$name: $_ killed in phases @some of $phases") for ('backend', 'server');
	is($left{$_} // 0, 0, "$name: $_: nothing is left") for ('cancel', 'backend', 'server');
	is($node->safe_psql('postgres', "$hello $after"), 'went on', "$name: it can be done after that");
}

# ---------------------------------------------------------------------
# Reading: rows of views that count them, in memory and by temporary files
# ---------------------------------------------------------------------
$node->safe_psql('postgres', <<'SQL');
SET client_min_messages = warning;
CREATE SCHEMA big;
SET search_path = big;
CREATE TABLE wholes AS SELECT i AS id, repeat('x', 500) AS filler FROM generate_series(1, 3000) i;
CREATE TABLE parts AS SELECT i AS id, 1 + i * 7 % 3000 AS whole_id, repeat('y', 1000) AS filler FROM generate_series(1, 9000) i;
ALTER TABLE wholes ADD PRIMARY KEY (id); ALTER TABLE parts ADD PRIMARY KEY (id); CREATE INDEX ON parts (whole_id);
CREATE FUNCTION seen() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM faults.tick(); RETURN true; END $$;
VACUUM ANALYZE wholes, parts;
CREATE VIEW slow_wholes AS SELECT * FROM wholes WHERE seen();
CREATE VIEW slow_parts AS SELECT * FROM parts WHERE seen();
SELECT relations.model('slow_wholes', primary_key => 'id'), relations.model('slow_parts', primary_key => 'id');
SELECT relations.has_many('slow_wholes', 'parts', 'slow_parts', foreign_key => 'whole_id', local_key => 'id', enforce => false);
SELECT relations.has_many('wholes', 'parts', 'parts');
SQL
$was = $node->safe_psql('postgres', "$hello $all");
my $read = q{SELECT count(*), sum(jsonb_array_length(d -> 'parts')) FROM relations.preload('big.slow_wholes', 'parts') d};
my $tmp = q{SELECT count(*) FROM pg_ls_tmpdir();};
my $rows = $node->safe_psql('postgres', sleep_at(0) . " DO \$do\$ BEGIN EXECUTE \$e\$ $read \$e\$; END \$do\$; SELECT last_value FROM faults.phase;");
cmp_ok($rows, '>=', 12000, "reading: $rows rows are counted");
my $files = 0;
for my $memory ('1MB', '64MB')
{
	my $config = "SET relations.batch_memory = '$memory'; $read";
	for my $at ($every ? (1, 2999, 3001, 6000, 11000, $rows) : (2000, 11000))
	{
		my $later = "$read; $tmp SELECT 'went on';";
		my $v = stuck($at, $config, $later);
		my $during = $node->safe_psql('postgres', $tmp);
		$files += $during;
		$node->safe_psql('postgres', "SELECT pg_cancel_backend($v->{pid})");
		$v->{harness}->finish;
		like($v->{err}, qr/57014/, "reading by $memory: cancelled at row $at ($during files)");
		is($v->{out}, "3000|9000\n0\nwent on\n", 'reading: the session reads again, no temporary file is left');
		next if $at != 11000 || !$every && $memory ne '1MB';
		$v = stuck($at, $config, $later);
		kill 'KILL', $v->{pid};
		$v->{harness}->finish;
		server_comes_back();
		is($node->safe_psql('postgres', $tmp), 0, "reading by $memory: no temporary file after kill and restart");
	}
}
cmp_ok($files, '>', 0, 'reading: some stops came upon temporary files');

# no room for them
{
	my $script = "\\set VERBOSITY sqlstate\nSET relations.batch_memory = '1MB'; SET temp_file_limit = '2MB';\n";
	$script .= "SELECT count(*) FROM relations.preload('big.wholes', 'parts');\n" x 20;
	$script .= "$tmp\nRESET temp_file_limit;\nSELECT count(*) FROM relations.preload('big.wholes', 'parts');\n";
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
	is(join(' ', $err =~ /ERROR:  (\w+)/g), join(' ', ('53400') x 20), 'temp_file_limit: the error of the server');
	is($out, "0\n3000\n", 'temp_file_limit: no file is left, the session goes on');
}

# ---------------------------------------------------------------------
# No memory: an error, no crash, and a session that goes on
# ---------------------------------------------------------------------
SKIP:
{
	skip 'prlimit is not installed', 1 if !grep { -x "$_/prlimit" } split /:/, $ENV{PATH};
	my $documents = q{(SELECT jsonb_agg(jsonb_build_object('title', 't' || i, 'comments', jsonb_build_array(jsonb_build_object('body', repeat('b', 100))))) FROM generate_series(1, 20000) i)};
	my @hungry = (
		q{SELECT count(*), sum(length(d::text)) FROM relations.preload('big.wholes', 'parts') d},
		q{SELECT length(jsonb_agg(d)::text) FROM relations.query('big.wholes', '{"preload": {"parts": {"preload": {}}}}') d},
		qq{SELECT count(*) FROM relations.create_many('posts', $documents)},
		q{SELECT count(*) FROM relations.factory_create('users', 30000, '{"with": ["posts"]}')},
		q{SELECT count(*) FROM relations.factory_make('users', 30000, '{"with": ["posts"]}')});
	my $short = 0;
	@hungry = @hungry[ 0, 2 ] if !$every;
	for my $statement (@hungry)
	{
		my $script = "\\set VERBOSITY sqlstate\n$hello\nSET relations.batch_memory = '1GB';\nSET work_mem = '1GB';\nSELECT relations.find('users', 1, 'posts') ->> 'id';\nSELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\n";
		for my $room (3, 6, 10, 20, 40)
		{
			# the soft limit: what it has now, and some megabytes
			$script .= "\\! prlimit --pid \$PID --as=\$(( \$(cut -d' ' -f1 /proc/\$PID/statm) * 4096 + $room * 1048576 )):\nBEGIN; $statement; ROLLBACK;\n\\! prlimit --pid \$PID --as=unlimited:\n";
		}
		$script .= "$all\nSELECT 'went on ' || (relations.find('users', 1, 'posts') ->> 'id');\n";
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
		like($out, qr/^$was\nwent on 1$/m, 'no memory: the session goes on, nothing is left') or diag("$statement\n$out\n$err");
		unlike($err, qr/ERROR:  (?!53200)/, 'no memory: no other error') or diag("$statement\n$err");
		$short += () = $err =~ /53200/g;
	}
	cmp_ok($short, '>=', scalar(@hungry), "no memory: there was none $short times");
}

# ---------------------------------------------------------------------
# Savepoints: a thousand times, in one transaction
# ---------------------------------------------------------------------
{
	my @some = (
		$writes[0][1], q{SELECT relations.create('users', '{"name": "e", "posts": [{"title": "t", "comments": [{"id": 1}]}]}')},
		$declarations[0][1], q{SELECT relations.has_many('teams', 'players', 'players', foreign_key => 'nothing')},
		q{SELECT count(*) FROM relations.preload('users', 'posts.tags')}, q{SELECT d, 1 / 0 FROM relations.preload('users', 'posts.tags') d},
		$declarations[2][1], $writes[2][1], q{SELECT relations.find('teams', 1, 'players')}, q{SELECT relations.create('users', '{"level": 1000}')});
	my $times = $every ? 1000 : 100;
	my $script = "\\set VERBOSITY sqlstate\n$hello\nBEGIN;\nDECLARE c CURSOR WITH HOLD FOR SELECT d ->> 'id' FROM relations.preload('users', 'posts.comments') d;\nDECLARE d CURSOR FOR SELECT d ->> 'id' FROM relations.preload('users', 'posts.comments') d;\nFETCH 1 FROM c;\nFETCH 1 FROM d;\n\\o /dev/null\n";
	$script .= "SAVEPOINT s; " . $some[ $_ % @some ] . "; ROLLBACK TO s;\n" for 1 .. $times;
	# without a rollback: released ones
	$script .= "\\o\nFETCH 1 FROM c;\nFETCH 1 FROM d;\n\\o /dev/null\nSAVEPOINT t; $declarations[0][1]; SELECT relations.find('teams', 1, 'players'); ROLLBACK TO t;\nSELECT relations.find('teams', 1, 'made');\nCOMMIT;\n\\o\nFETCH 1 FROM c;\n$all\n";
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
	is($out, "1\n1\n2\n2\n3\n$was\n", 'savepoints: cursors go on, nothing is left');
	my %states;
	$states{$_}++ for $err =~ /ERROR:  (\w+)/g;
	is(join(' ', map { "$_ $states{$_}" } sort keys %states), join(' ', map { "$_ " . $times / 10 } 22012, 23502, 23505, 42703, 42704), 'savepoints: the errors that were meant, and no other');
}

# ---------------------------------------------------------------------
# Prepared transactions
# ---------------------------------------------------------------------
{
	my $both = "$declarations[2][1];\n$declarations[0][1];\n$writes[0][1];\nSELECT relations.create('teams', '{\"id\": 7, \"matches\": [{\"id\": 7, \"pivot\": {\"goals\": \"3\"}}], \"players\": [{\"id\": 70}]}');";
	my $see = q{SELECT relations.find('teams', 7, 'matches', 'players') #>> '{matches,0,pivot,goals}', relations.query('users', '{"where": {"email": "d"}, "preload": ["posts.tags"]}') #>> '{posts,0,tags,0,name}'};
	my $look = q{SELECT count(*) FROM relations.query('users', '{"where": {"email": "d"}}'); SELECT relations.find('teams', 1, 'matches', 'players');};
	my $cs = $node->connstr('postgres');
	# one session sees what others do: it read before, it reads after
	my $script = "\\set VERBOSITY sqlstate\n$hello\n$look\nSELECT 'prepare';\n\\o /dev/null\nBEGIN;\n$both\nPREPARE TRANSACTION 'one';\n\\o\n$look\nSELECT 'rollback';\n\\! psql -X -q -d '$cs' -c \"ROLLBACK PREPARED 'one'\"\n$look\n$all\n"
	  . "SELECT 'again';\n\\o /dev/null\nBEGIN;\n$both\nPREPARE TRANSACTION 'two';\n\\o\n$look\nSELECT 'commit';\n\\! psql -X -q -d '$cs' -c \"COMMIT PREPARED 'two'\"\n$see;\n";
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $cs, '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
	is($out, "0\nprepare\n0\nrollback\n0\n$was\nagain\n0\ncommit\n3|t1\n", 'prepared: nothing is there before, all of it after COMMIT PREPARED');
	is(join(' ', $err =~ /ERROR:  (\w+)/g), '42704 42704 42704 42704', 'prepared: the relations were not there before');

	# away with it, and once more with a crash between
	$node->safe_psql('postgres', "$hello SELECT relations.drop_relation('teams', 'matches', true); SELECT relations.drop_relation('teams', 'players', true); DROP TABLE IF EXISTS match_team; DELETE FROM players WHERE id = 70; DELETE FROM teams WHERE id = 7; DELETE FROM matches WHERE id = 7;
		UPDATE users SET email = NULL WHERE email = 'd'");
	$node->safe_psql('postgres', qq{$hello UPDATE tags SET name = 'x0' WHERE name = 'x1'; UPDATE users SET country = NULL WHERE country = 'q1'; DELETE FROM countries WHERE code = 'q1'});
	my $now = $node->safe_psql('postgres', "$hello $all");
	$node->safe_psql('postgres', "$hello BEGIN; $both PREPARE TRANSACTION 'three';");
	kill_server();
	is($node->safe_psql('postgres', "$hello $all"), $now, 'prepared: after a crash nothing is there');
	$node->safe_psql('postgres', "COMMIT PREPARED 'three'");
	is($node->safe_psql('postgres', "$hello $see"), '3|t1', 'prepared: after a crash and COMMIT PREPARED all is there');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'), 0, 'prepared: none is left');
}

my $log = slurp_file($node->logfile);
unlike($log, qr/^XX\w\w\w /m, 'no internal error');
unlike($log, qr/terminated by signal (?!9)|TRAP:|PANIC/, 'no crash but those that were meant');
$node->stop;
done_testing();
