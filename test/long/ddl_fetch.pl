# Random DDL between the FETCHes of cursors over documents.
#
# Three sessions take turns: they open cursors over documents, fetch from them,
# and change the schema, roles, privileges and rows, in transactions, with
# savepoints, and under their own open cursors.  Each row of documents must be
# the one that hand-written SQL returns for the same snapshot; DdlFetchPlayer.pm
# lists the rules.
#
# A round is a number of steps in a fresh database.  It is decided by the seed
# and its number:
#
#	RELATIONS_TEST_SEED		the seed
#	RELATIONS_FUZZ_ROUNDS	how many rounds (default 2)
#	RELATIONS_FUZZ_SECONDS	how long, in place of rounds
#	RELATIONS_FUZZ_FIRST	the first round (default 1)
#	RELATIONS_FUZZ_STEPS	steps of a round (default 150)
#	RELATIONS_FUZZ_FINDINGS	how many different findings end the run (default 10)
#	RELATIONS_FUZZ_OUT		a directory for the steps and the transcript of each round that fails
#	RELATIONS_FUZZ_REPLAY	a file of steps to run instead
#	RELATIONS_FUZZ_REDUCE	with RELATIONS_FUZZ_REPLAY: leave out steps for as long as the same thing goes wrong
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use DdlFetchPlayer;
use DdlFetchSchema;
use DdlFetchSteps;

my $seed = $ENV{RELATIONS_TEST_SEED} || int(rand(2**31));
my $rounds = $ENV{RELATIONS_FUZZ_ROUNDS} || 2;
my $seconds = $ENV{RELATIONS_FUZZ_SECONDS};
my $first = $ENV{RELATIONS_FUZZ_FIRST} || 1;
my $steps_of_round = $ENV{RELATIONS_FUZZ_STEPS} || 150;
my $out = $ENV{RELATIONS_FUZZ_OUT};
my $most_findings = $ENV{RELATIONS_FUZZ_FINDINGS} || 10;
my $json = JSON::PP->new->canonical;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
deadlock_timeout = 10ms
fsync = off
max_prepared_transactions = 10
restart_after_crash = on
synchronous_commit = off
CONF
$node->start;
$node->safe_psql('postgres', $DdlFetchSchema::roles);
$node->safe_psql('postgres', 'CREATE DATABASE fuzz');
$node->safe_psql('fuzz', $DdlFetchSchema::setup);
my %oids = map { split /\|/ } split /\n/, $node->safe_psql('fuzz', 'SELECT slot, oid FROM fuzz.slot');

my $log_read = 0;

# What the server has logged since the last time, of crashes and leaks.
sub server_says
{
	my $log = slurp_file($node->logfile, $log_read);
	$log_read += length $log;
	return join "\n", grep { /TRAP|terminated by signal|PANIC|WARNING:.*leak|runtime error|AddressSanitizer/ } split /\n/, $log;
}

my $player = DdlFetchPlayer->new(
	connect => sub { return ('-h', $node->host, '-p', $node->port, '-U', 'postgres', '-d', $_[0]) },
	oids => \%oids,
	assertions => $node->safe_psql('postgres', 'SHOW debug_assertions') eq 'on',
	server_says => \&server_says);

# Wait until a server that has crashed is back.
sub await_server
{
	for (1 .. 300)
	{
		return if $node->psql('postgres', 'SELECT 1') == 0;
		sleep 0.2;
	}
	die 'the server does not come back';
}

my @names = ('s1', 's2', 's3');

sub begin_round
{
	$node->safe_psql('postgres', $_) for 'CREATE DATABASE round TEMPLATE fuzz', 'GRANT CREATE ON DATABASE round TO alice, bob';
	$player->begin('round', @names);
	return;
}

sub end_round
{
	$player->end;
	await_server();
	$node->psql('round', $_) for map { "ROLLBACK PREPARED '$_'" } split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	$node->safe_psql('postgres', 'DROP DATABASE round WITH (FORCE)');
	my $said = server_says();
	$player->finding('server log', $said) if $said ne '';
	return;
}

# The steps of a round, and what went wrong.
sub random_round
{
	my ($number) = @_;
	srand($seed * 10007 + $number);
	DdlFetchSteps::new_round();
	begin_round();
	my %waited;
	my @steps;
	my $play = sub {
		push @steps, $_[0];
		$player->play($_[0]);
	};
	while (@steps < $steps_of_round && !$player->{finding})
	{
		# who has waited for a while is cancelled
		my @waiting = grep { $player->{sessions}{$_}{handler} } @names;
		$waited{$_} = 0 for grep { !$player->{sessions}{$_}{handler} } @names;
		if (my ($name) = grep { ++$waited{$_} > 8 || @waiting == @names } @waiting)
		{
			$waited{$name} = 0;
			$play->({ session => $name, op => 'cancel' });
			next;
		}
		my ($name) = DdlFetchSchema::any(grep { !$player->{sessions}{$_}{handler} } @names);
		if (DdlFetchSchema::one_in(400))
		{
			$play->({ session => $name, op => 'terminate' });
			next;
		}
		my $session = $player->{sessions}{$name};
		$session->{others_wait} = $player->others_wait($name);
		my $known;
		if (!$session->{failed})
		{
			$session->{psql}->send([ names => DdlFetchSchema::names_sql() ]);
			my $result = $session->{psql}->wait->{names};
			last if $session->{psql}{dead};
			if (($result->{code} // '') eq '40001')
			{
				$session->{failed} = $session->{in};
				next;
			}
			if ($result->{error})
			{
				$player->finding("names fail $result->{code}", $result->{messages});
				last;
			}
			$known = DdlFetchSchema::read_names(@{ $result->{rows} });
		}
		my $step = DdlFetchSteps::random_step($session, $known, $name eq 's3' ? 'writer' : 'reader');
		$step->{session} = $name;
		$play->($step);
	}
	# at the end all must be able to go
	if (!$player->{finding})
	{
		$play->({ session => $_, op => 'cancel' }) for grep { $player->{sessions}{$_}{handler} } @names;
		$play->({ session => $_, op => 'sql', kind => 'rollback', statements => ['ROLLBACK'] }) for @names;
	}
	end_round();
	return \@steps;
}

# Play these steps; what goes wrong, as a signature.
sub replay
{
	my ($steps) = @_;
	begin_round();
	for my $step (@$steps)
	{
		last if $player->{finding};
		$player->play($step);
	}
	end_round();
	return $player->{finding} ? $player->{finding}{signature} : '';
}

# Leave out steps for as long as the same thing goes wrong.
sub reduce
{
	my ($steps, $signature) = @_;
	my @steps = @$steps;
	my $short = sub { return $_[0] =~ s/,.*//sr };
	for (my $size = int(@steps / 2) || 1;; $size = int($size / 2) || 1)
	{
		my $removed = 0;
		for (my $at = @steps - $size; $at > -$size; $at -= $size)
		{
			my $from = $at < 0 ? 0 : $at;
			my @fewer = @steps;
			splice(@fewer, $from, $at < 0 ? $size + $at : $size);
			next unless $short->(replay(\@fewer)) eq $short->($signature);
			@steps = @fewer;
			$removed = 1;
		}
		last if $size == 1 && !$removed;
	}
	return @steps;
}

sub save
{
	my ($name, $steps) = @_;
	return unless $out;
	unlink "$out/$name.steps", "$out/$name.txt";
	append_to_file("$out/$name.steps", join('', map { $json->encode($_) . "\n" } @$steps));
	append_to_file("$out/$name.txt", join("\n", @{ $player->{transcript} }) . "\n");
	return;
}

if (my $file = $ENV{RELATIONS_FUZZ_REPLAY})
{
	my @steps = map { $json->decode($_) } split /\n/, slurp_file($file);
	my $signature = replay(\@steps);
	if ($signature ne '' && $ENV{RELATIONS_FUZZ_REDUCE})
	{
		@steps = reduce(\@steps, $signature);
		replay(\@steps);
		save('reduced', \@steps);
	}
	is($signature, '', 'the steps go well') or diag(join "\n", @{ $player->{transcript} });
	$node->stop;
	done_testing();
	exit;
}

my $started = time;
my %findings;
my $round = $first;
for (; $seconds ? time < $started + $seconds : $round < $first + $rounds; $round++)
{
	my $steps = random_round($round);
	next unless $player->{finding};
	my $signature = $player->{finding}{signature};
	if (!$findings{$signature}++)
	{
		save("$seed-$round", $steps);
		my @transcript = @{ $player->{transcript} };
		diag("seed $seed, round $round: $player->{finding}{text}\n" . join("\n", @transcript > 40 ? @transcript[ -40 .. -1 ] : @transcript));
	}
	last if keys %findings >= $most_findings;
}
my $stats = $player->{stats};
note("seed $seed, rounds $first to " . ($round - 1) . ", $player->{steps} steps in " . int(time - $started) . ' seconds');
note("$_: " . ($stats->{$_} // 0)) for qw(fetches rows comparisons loops);
for my $group (qw(outcomes explained errors), 'other statements')
{
	note("$group: " . join(', ', map { "$_ $stats->{$group}{$_}" } sort keys %{ $stats->{$group} // {} }));
}
note("statements: " . join(', ', map { "$_ " . ($stats->{statements}{$_}{done} // 0) . '+' . ($stats->{statements}{$_}{refused} // 0) } sort keys %{ $stats->{statements} // {} }));
is_deeply(\%findings, {}, 'every row is the one of hand-written SQL, and nothing fails that it does not explain');
cmp_ok($stats->{rows} // 0, '>', 100 * ($round - $first), 'rows were compared');
$node->stop;
done_testing();
