# The random steps of test/t/ddl_fetch.pl.
#
# A step is a hash that the player (DdlFetchPlayer.pm) runs as it is, with
# concrete SQL: the same list of steps can be run again, or a part of it.
#
#	{ session, op => 'open', pair, statements..., }	cursors over documents and over hand-written SQL
#	{ session, op => 'fetch', pair, count }			the next rows of both
#	{ session, op => 'compare', documents, twin }	all rows of both
#	{ session, op => 'loop', sql }					a loop in PL/pgSQL that compares by itself
#	{ session, op => 'sql', kind, statements }		anything else
#	{ session, op => 'cancel' | 'terminate' }
package DdlFetchSteps;
use strict;
use warnings;
use Exporter 'import';
use DdlFetchSchema qw(below any one_in literal table column columns_of random_read read_sql slots_of);

our @EXPORT_OK = qw(random_step);

# of new names
my $serial = 0;
sub new_round { $serial = 0; return }
sub fresh { return $_[0] . ++$serial }

sub existing
{
	my ($names, @slots) = @_;
	return grep { exists $names->{$_} } @slots;
}

my @tables = qw(users posts posts users comments profiles tags tag_user events animals notes countries categories other next_posts next_users);
my @parts = qw(events_1 events_2 events_3 cats);
my @views = qw(people headlines);

# A column of a table; the name of the table comes first.
sub some_column
{
	my ($names, $slot, @among) = @_;
	my @columns = grep { defined column($names, $slot, $_) } @among;
	@columns = sort { $a <=> $b } keys %{ $names->{$slot}{columns} } unless @columns;
	return column($names, $slot, any(@columns));
}

# ---------------------------------------------------------------------
# DDL: each kind returns statements, or nothing when it cannot be
# ---------------------------------------------------------------------

# Columns, by number, whose type may change.
my %typed = (users => [ 2, 4, 4 ], posts => [ 2, 3, 4, 4 ], comments => [ 2, 3 ], events => [ 2, 3 ], animals => [ 2, 3 ], profiles => [ 2, 3 ],
	tags => [2], tag_user => [ 1, 3 ], notes => [4], countries => [2], other => [ 3, 4 ], next_posts => [ 3, 4 ], categories => [ 2, 3 ]);

my %ddl = (
	rename_table => [ 6, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @parts, @views)) // return;
			return 'ALTER TABLE ' . table($n, $slot) . ' RENAME TO ' . fresh('t');
		} ],
	rename_column => [ 8, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @views)) // return;
			return 'ALTER TABLE ' . table($n, $slot) . ' RENAME "' . some_column($n, $slot) . '" TO ' . fresh('c');
		} ],
	rename_schema => [ 3, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'users', 'posts', 'next_posts')) // return;
			return qq(ALTER SCHEMA "$n->{$slot}{schema}" RENAME TO ) . fresh('s');
		} ],
	swap_tables => [ 6, sub {
			my ($n) = @_;
			my ($one, $other) = @{ any([ 'posts', 'other' ], [ 'posts', 'comments' ], [ 'events_1', 'events_2' ], [ 'users', 'countries' ], [ 'posts', 'headlines' ], [ 'next_posts', 'next_users' ]) };
			return unless existing($n, $one, $other) == 2 && $n->{$one}{schema} eq $n->{$other}{schema};
			my $fresh = fresh('t');
			return ('ALTER TABLE ' . table($n, $one) . " RENAME TO $fresh", 'ALTER TABLE ' . table($n, $other) . qq( RENAME TO "$n->{$one}{table}"),
				one_in(3) ? () : qq(ALTER TABLE "$n->{$one}{schema}".$fresh RENAME TO "$n->{$other}{table}"));
		} ],
	swap_columns => [ 5, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'users', 'posts', 'comments', 'events', 'animals', 'other', 'tag_user')) // return;
			my @columns = sort { $a <=> $b } keys %{ $n->{$slot}{columns} };
			return if @columns < 2;
			my $one = column($n, $slot, splice(@columns, below(scalar @columns), 1));
			my $other = column($n, $slot, any(@columns));
			my $fresh = fresh('c');
			return map { 'ALTER TABLE ' . table($n, $slot) . " RENAME $_" } qq("$one" TO $fresh), qq("$other" TO "$one"), qq($fresh TO "$other");
		} ],
	swap_schemas => [ 4, sub {
			my ($n) = @_;
			return unless existing($n, 'users', 'next_users') == 2 && $n->{users}{schema} ne $n->{next_users}{schema};
			my ($one, $other, $fresh) = ($n->{users}{schema}, $n->{next_users}{schema}, fresh('s'));
			return map { "ALTER SCHEMA $_" } qq("$one" RENAME TO $fresh), qq("$other" RENAME TO "$one"), one_in(3) ? () : qq($fresh RENAME TO "$other");
		} ],
	set_schema => [ 3, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @views)) // return;
			return 'ALTER TABLE ' . table($n, $slot) . ' SET SCHEMA "' . (one_in(3) ? 'public' : $n->{ any(existing($n, 'users', 'next_users', 'next_posts', $slot)) }{schema}) . '"';
		} ],
	drop_table => [ 2, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @parts, @views)) // return;
			return (grep { $_ eq $slot } @views) ? 'DROP VIEW ' . table($n, $slot) : 'DROP TABLE ' . table($n, $slot) . (one_in(2) ? ' CASCADE' : '');
		} ],
	drop_column => [ 3, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables)) // return;
			return 'ALTER TABLE ' . table($n, $slot) . ' DROP "' . some_column($n, $slot, one_in(3) ? () : (3, 4, 5, 6)) . '"' . (one_in(3) ? ' CASCADE' : '');
		} ],
	add_column => [ 5, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables)) // return;
			return if grep { $_ > 7 } keys %{ $n->{$slot}{columns} };
			return 'ALTER TABLE ' . table($n, $slot) . ' ADD ' . fresh('c') . ' ' . any('int', 'int DEFAULT 7', "text DEFAULT 'x'", 'int8 DEFAULT (random() * 0)::int8', 'numeric GENERATED ALWAYS AS (1) STORED');
		} ],
	retype => [ 10, sub {
			my ($n) = @_;
			my $slot = any(existing($n, sort keys %typed)) // return;
			my @columns = grep { defined column($n, $slot, $_) } @{ $typed{$slot} };
			return unless @columns;
			my $column = column($n, $slot, any(@columns));
			my $type = any(qw(int int8 numeric text varchar(400) text int8 jsonb name));
			my $using = $type eq 'jsonb' ? qq(to_jsonb("$column")) : qq("$column"::text::$type);
			my $view = $n->{headlines} && $slot eq 'posts' && one_in(2) ? 'DROP VIEW IF EXISTS ' . table($n, 'headlines') . ' CASCADE' : undef;
			return ($view // (), 'ALTER TABLE ' . table($n, $slot) . qq( ALTER "$column" TYPE $type USING $using));
		} ],
	truncate => [ 4, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @parts)) // return;
			return 'TRUNCATE ' . (one_in(5) ? 'ONLY ' : '') . table($n, $slot) . (one_in(2) ? ' CASCADE' : '');
		} ],
	detach => [ 3, sub {
			my ($n, $state) = @_;
			my $slot = any(existing($n, 'events_1', 'events_2')) // return;
			return unless exists $n->{events};
			return 'ALTER TABLE ' . table($n, 'events') . ' DETACH PARTITION ' . table($n, $slot) . ($state->{in} || !one_in(3) ? '' : ' CONCURRENTLY');
		} ],
	attach => [ 4, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'events_1', 'events_2', 'events_3')) // return;
			return unless exists $n->{events};
			my %bounds = (events_1 => '(0) TO (300)', events_2 => '(300) TO (600)', events_3 => '(600) TO (700)');
			return 'ALTER TABLE ' . table($n, 'events') . ' ATTACH PARTITION ' . table($n, $slot) . " FOR VALUES FROM $bounds{$slot}";
		} ],
	inherit => [ 3, sub {
			my ($n) = @_;
			return unless existing($n, 'cats', 'animals') == 2;
			return 'ALTER TABLE ' . table($n, 'cats') . any(' NO INHERIT ', ' INHERIT ') . table($n, 'animals');
		} ],
	rewrite => [ 6, sub {
			my ($n, $state) = @_;
			my $slot = any(existing($n, @tables, @parts)) // return;
			return 'CLUSTER ' . table($n, $slot) . qq( USING "$n->{"${slot}_pkey"}{table}") if exists $n->{"${slot}_pkey"} && one_in(2);
			return $state->{in} ? 'ALTER TABLE ' . table($n, $slot) . ' SET ' . any('UNLOGGED', 'LOGGED') : 'VACUUM FULL ' . table($n, $slot);
		} ],
	maintain => [ 4, sub {
			my ($n, $state) = @_;
			my $slot = any(existing($n, @tables, @parts)) // return;
			return any('ANALYZE ', 'REINDEX TABLE ', $state->{in} ? 'ANALYZE ' : 'VACUUM ') . table($n, $slot);
		} ],
	replace_view => [ 4, sub {
			my ($n) = @_;
			return unless exists $n->{users} && exists $n->{people};
			my @c = map { column($n, 'users', $_) // return } 1, 2;
			my @names = map { column($n, 'people', $_) } 1, 2;
			return 'CREATE OR REPLACE VIEW ' . table($n, 'people') . qq( AS SELECT "$c[0]" AS "$names[0]", ) . any(qq(upper("$c[1]")), qq("$c[1]"), qq(right("$c[1]", 20))) .
				qq( AS "$names[1]" FROM ) . table($n, 'users') . any('', qq( WHERE "$c[0]" % 2 = 0));
		} ],
	index => [ 4, sub {
			my ($n) = @_;
			return qq(DROP INDEX "$n->{posts_user_id_idx}{schema}"."$n->{posts_user_id_idx}{table}") if exists $n->{posts_user_id_idx} && one_in(3);
			my $slot = any(existing($n, 'posts', 'users', 'events', 'comments')) // return;
			return 'CREATE INDEX ON ' . table($n, $slot) . ' ("' . some_column($n, $slot, 2, 4) . '")';
		} ],
	constraint => [ 4, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'posts', 'users', 'comments')) // return;
			return 'ALTER TABLE ' . table($n, $slot) . any(' ALTER "' . some_column($n, $slot, 2) . '" SET NOT NULL', ' ADD CHECK (true)', ' DISABLE TRIGGER ALL', ' SET (fillfactor = 90)',
				' ALTER "' . some_column($n, $slot, 2) . '" SET STATISTICS 10', ' ALTER "' . some_column($n, $slot, 2) . '" DROP NOT NULL');
		} ],
	grant => [ 5, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @views)) // return;
			return any('REVOKE SELECT ON ' . table($n, $slot) . ' FROM bob', 'GRANT SELECT ON ' . table($n, $slot) . ' TO bob', 'GRANT SELECT ("' . some_column($n, $slot) . '", "' . some_column($n, $slot) . '") ON ' . table($n, $slot) . ' TO bob',
				qq(REVOKE USAGE ON SCHEMA "$n->{$slot}{schema}" FROM bob), qq(GRANT USAGE ON SCHEMA "$n->{$slot}{schema}" TO bob), 'GRANT SELECT ON ' . table($n, $slot) . ' TO bob');
		} ],
	row_security => [ 5, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'users', 'posts', 'comments', 'tags', 'events')) // return;
			my $key = column($n, $slot, 1) // return;
			my @switches = map { 'ALTER TABLE ' . table($n, $slot) . " $_ ROW LEVEL SECURITY" } qw(ENABLE DISABLE FORCE ENABLE);
			my $policy = 'CREATE POLICY ' . fresh('p') . ' ON ' . table($n, $slot);
			return any(@switches, qq{$policy USING ("$key"::text::int % } . any(2, 3, 5) . ' <> 0)', qq{$policy TO bob USING (current_user = 'bob' AND "$key"::text::int % 7 <> 0)});
		} ],
	owner => [ 2, sub {
			my ($n) = @_;
			my $slot = any(existing($n, @tables, @parts, @views)) // return;
			return 'ALTER TABLE ' . table($n, $slot) . ' OWNER TO ' . any('alice', 'bob');
		} ],
	relations => [ 6, sub {
			my ($n) = @_;
			my $users = exists $n->{users} ? literal(table($n, 'users')) : return;
			my $posts = exists $n->{posts} ? literal(table($n, 'posts')) : return;
			my ($key, $foreign, $score) = (column($n, 'users', 1), column($n, 'posts', 2) // return, column($n, 'posts', 4));
			my @kinds = (
				"SELECT relations.drop_relation($users, '" . any(qw(posts profile country tags events animals headlines)) . "')",
				"SELECT relations.has_many($users, 'posts', $posts, foreign_key => '\"$foreign\"', local_key => '\"$key\"', enforce => false)",
				"SELECT relations.has_many($users, '" . fresh('r') . "', $posts, foreign_key => '\"$foreign\"', local_key => '\"$key\"', enforce => false)",
				'SELECT count(*) FROM relations.check()',
				'SELECT count(*) FROM relations.discover(' . literal($n->{users}{schema}) . ')');
			push @kinds, 'SELECT relations.refresh_view(' . literal(table($n, 'countries_graph')) . ')' if exists $n->{countries_graph};
			return any(@kinds);
		} ],
	temporary => [ 4, sub {
			my ($n) = @_;
			return unless exists $n->{users};
			my ($name, $key) = (fresh('temp'), column($n, 'users', 1));
			return ("CREATE TEMP TABLE $name (id int PRIMARY KEY, user_id int)", "INSERT INTO $name SELECT g, g FROM generate_series(1, 100) g",
				"SELECT relations.has_many(" . literal(table($n, 'users')) . ", '$name', '$name', foreign_key => 'user_id', local_key => '\"$key\"', enforce => false)",
				'SELECT count(*) FROM relations.preload(' . literal(table($n, 'users')) . ", '$name')",
				any("DROP TABLE $name", "TRUNCATE $name", 'DISCARD TEMP', "ALTER TABLE $name RENAME user_id TO u"));
		} ],
	write => [ 10, sub {
			my ($n) = @_;
			my $slot = any(existing($n, 'posts', 'users', 'comments', 'tag_user', 'events', 'animals')) // return;
			my $c = sub { column($n, $slot, $_[0]) };
			my $t = table($n, $slot);
			my $key = $c->(1) // return;
			my $name = $c->($slot eq 'users' ? 2 : 3) // return;
			my $k = any(2, 3, 7);
			return any(qq(DELETE FROM $t WHERE "$key"::text::int % 11 = $k), qq(UPDATE $t SET "$name" = "$name" WHERE "$key"::text::int % $k = 0),
				qq(INSERT INTO $t ("$key", "$name") SELECT max("$key") + 1, NULL FROM $t), qq(UPDATE $t SET "$name" = NULL WHERE "$key"::text::int % $k = 0),
				defined $c->(2) ? qq(UPDATE $t SET "@{[$c->(2)]}" = NULL WHERE "$key"::text::int % $k = 1) : ());
		} ],
);
my @kinds = map { my $kind = $_; ($kind) x $ddl{$kind}[0] } sort keys %ddl;

# Kinds after which a plain cursor's rows stay as they are.
our %harmless = map { $_ => 1 } qw(write maintain temporary index);

# DDL, or a change of rows: its kind and its statements.
sub random_ddl
{
	my ($names, $state) = @_;
	for (1 .. 20)
	{
		my $kind = any(@kinds);
		my @statements = $ddl{$kind}[1]->($names, $state);
		return ($kind, @statements) if @statements && defined $statements[0];
	}
	return ('nothing', 'SELECT 1');
}

# ---------------------------------------------------------------------
# Steps
# ---------------------------------------------------------------------

# Something to read, with its SQL; nothing when all models have been dropped.
sub new_read
{
	my ($names, $at_once) = @_;
	my $read = random_read($names, $at_once) // return;
	my ($documents, $twin) = read_sql($names, $read);
	return (documents => $documents, twin => $twin, form => $read->{form}, slots => [ slots_of($read) ],
		partial => (grep { !$_ } map { values %{ $names->{$_}{readable} } } grep { exists $names->{$_} } slots_of($read)) ? 1 : 0);
}

my @counts = (1, 1, 2, 5, 30, 64, 64, 100, 200, 'ALL');

sub open_step
{
	my ($session, $names, $hold) = @_;
	my %read = new_read($names) or return;
	my $lazy = $session->{isolation} =~ /REP|SER/ && !$hold && one_in(5);
	return { op => 'open', pair => fresh('p'), how => $session->{others_wait} || !one_in(2) ? 'twin' : 'list', hold => $hold, savepoint => $session->{in} && one_in(2) ? 1 : 0,
		release => one_in(4) ? 0 : 1, count => any(1, 1, 3, 64, 70), lazy => $lazy ? 1 : 0, %read };
}

# A step of a session; "names" are what it knows tables by, undefined in a failed transaction.
sub random_step
{
	my ($session, $names, $role) = @_;
	my $sql = sub { my ($kind, @statements) = @_; return { op => 'sql', kind => $kind, statements => [@statements] } };
	if ($session->{failed})
	{
		my @savepoints = @{ $session->{savepoints} };
		return $sql->('rollback to', 'ROLLBACK TO ' . any(@savepoints)) if @savepoints && one_in(2);
		return $sql->('rollback', any('ROLLBACK', 'ROLLBACK', 'COMMIT'));
	}
	my @pairs = sort keys %{ $session->{pairs} };
	my $choice = below(100);
	if (!$session->{in})
	{
		my ($begin, $ddl) = $role eq 'reader' ? (50, 62) : (20, 72);
		return $sql->('begin', 'BEGIN ISOLATION LEVEL ' . any('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'REPEATABLE READ', 'SERIALIZABLE')) if $choice < $begin;
		if ($choice < $ddl)
		{
			my ($kind, @statements) = random_ddl($names, $session);
			return $sql->($kind, @statements);
		}
		return { op => 'fetch', pair => any(@pairs), count => any(@counts) } if @pairs && $choice < $ddl + 8;
		return open_step($session, $names, 1) // $sql->('nothing', 'SELECT 1') if $choice < $ddl + 10;
		return $sql->('discard', 'DISCARD ' . any('PLANS', 'TEMP', 'ALL', 'SEQUENCES')) if $choice < $ddl + 12;
		return $sql->('finish prepared', any('COMMIT', 'ROLLBACK') . " PREPARED '" . any(@{ $session->{prepared} }) . "'") if $choice < $ddl + 18 && @{ $session->{prepared} };
		return role_step($sql) if $choice < $ddl + 15;
		return $sql->('setting', any('SET plan_cache_mode = force_generic_plan', 'SET plan_cache_mode = force_custom_plan', 'RESET plan_cache_mode', "SET relations.batch_memory = '64kB'",
				"SET relations.batch_memory = '200kB'", 'SET enable_seqscan = off', 'SET enable_indexscan = off', 'RESET enable_seqscan', 'SET enable_nestloop = off', 'SET row_security = on')) if $choice < $ddl + 17;
		return loop_step($session, $names) if $choice < $ddl + 24;
		my %read = new_read($names, 1) or return $sql->('nothing', 'SELECT 1');
		return { op => 'compare', %read };
	}
	if (@pairs && $choice < 42)
	{
		# planning takes a hundred times as long while the caches are discarded
		my $discard = one_in(15) ? 1 : 0;
		return { op => 'fetch', pair => any(@pairs), count => $discard ? any(1, 2, 5) : any(@counts), cancel => one_in(150) ? 1 : 0, discard => $discard };
	}
	if (@pairs < 3 && $choice < ($role eq 'reader' ? 62 : 45))
	{
		my $step = open_step($session, $names, one_in(6) ? 1 : 0);
		return $step if $step;
	}
	if ($choice < 78)
	{
		my ($kind, @statements) = random_ddl($names, $session);
		return $sql->($kind, @statements);
	}
	return $sql->('savepoint', 'SAVEPOINT ' . fresh('s')) if $choice < 83;
	if ($choice < 88 && @{ $session->{savepoints} })
	{
		my $savepoint = any(@{ $session->{savepoints} });
		return $sql->(one_in(4) ? ('release', "RELEASE $savepoint") : ('rollback to', "ROLLBACK TO $savepoint"));
	}
	return loop_step($session, $names) if $choice < 90;
	if ($choice < 92)
	{
		my %read = new_read($names, 1) or return $sql->('nothing', 'SELECT 1');
		return { op => 'compare', %read };
	}
	return role_step($sql) if $choice < 93;
	return { op => 'close', pair => any(@pairs) } if $choice < 94 && @pairs;
	return $sql->('close all', 'CLOSE ALL') if $choice < 95;
	return $sql->('prepare', "PREPARE TRANSACTION '" . fresh('x') . "'") if $choice < 96;
	return $sql->('commit', 'COMMIT') if $choice < 98;
	return $sql->('rollback', 'ROLLBACK');
}

sub role_step
{
	my ($sql) = @_;
	return $sql->('role', any('SET ROLE bob', 'SET ROLE alice', 'RESET ROLE', 'SET LOCAL ROLE bob', 'SET SESSION AUTHORIZATION bob', 'SET SESSION AUTHORIZATION alice', 'RESET SESSION AUTHORIZATION', 'RESET SESSION AUTHORIZATION'));
}

# A loop in PL/pgSQL, or one statement, that runs a command midway.
sub loop_step
{
	my ($session, $names) = @_;
	my %read = new_read($names) or return { op => 'sql', kind => 'nothing', statements => ['SELECT 1'] };
	my ($kind, @statements) = one_in(3) ? ('nothing', $read{documents}) : random_ddl($names, { in => 1 });
	my $arguments = join ', ', literal($read{documents}), literal($read{twin}), any(1, 10, 64, 65, 100), literal(join('; ', @statements)), below(3);
	my $how = $session->{in} ? any(qw(loop loop at)) : any(qw(loop commit commit at));
	return { op => 'loop', how => $how, kind => $kind, %read, sql => $how eq 'loop' ? "SELECT fuzz.loop($arguments)" : "CALL fuzz.commit($arguments, NULL)" } unless $how eq 'at';
	return { op => 'loop', how => $how, kind => $kind, %read,
		sql => "SELECT fuzz.at(d::text, " . any(1, 10, 64, 65, 100) . ", " . literal(join('; ', @statements)) . ") FROM ($read{documents}) AS s(d)" };
}

1;
