# How test/long/attacks.pl attacks: a server, roles, traps, and what an attack
# must not leave in the server's log.
package Attack;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(start_server attack run finish wait_for expect expect_is expect_like expect_unlike value $root $node);
our ($node, $root);

# Start the server.  Called by the test, as PostgreSQL's modules have work to do
# between the compilation of the test and its run.
sub start_server
{
	$node = PostgreSQL::Test::Cluster->new('main');
	$node->init;
	$node->append_conf('postgresql.conf', <<'CONF');
log_min_messages = error
log_min_error_statement = panic
log_line_prefix = '%e [%p] %u '
log_statement = none
restart_after_crash = on
autovacuum = off
shared_buffers = 4MB
max_connections = 40
max_locks_per_transaction = 1000
deadlock_timeout = 200ms
CONF
	$node->start;
	$root = $node->safe_psql('postgres', 'SELECT current_user');
	$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE DATABASE attacks');
	$node->safe_psql('attacks', <<'SQL');
CREATE EXTENSION relations;
CREATE SCHEMA m AUTHORIZATION mallory;
CREATE SCHEMA app AUTHORIZATION alice;
GRANT USAGE ON SCHEMA m TO PUBLIC;
SET SESSION AUTHORIZATION mallory;
CREATE FUNCTION m.trap(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE LOG 'TRAP % runs as %', what, current_user;
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) current_user) THEN
		RAISE LOG 'TRAP % took it', what;
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION m.trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM m.trap(pg_catalog.concat('trigger ', TG_ARGV[0], ' ', pg_catalog.lower(TG_WHEN), ' ', pg_catalog.lower(TG_OP)));
	IF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN RETURN OLD; END IF;
	RETURN NEW;
END $$;
SQL
	return;
}

# ---------------------------------------------------------------------
# How an attack is made
# ---------------------------------------------------------------------
my $db;
my $database = 0;
my $files = 0;
my ($log_from, @running, @problems);

# run statements as a role; returns what they print, errors included
sub run
{
	my ($role, $sql, %options) = @_;
	my $out = '';
	# a file, as a session in the background gets no input
	my $file = $node->basedir . '/attack_' . $files++ . '.sql';
	append_to_file($file, "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT never\n$sql\n");
	my @command = ('psql', '-X', '-q', '-At', '-d', $node->connstr($db) . " user=$role" . ($options{name} ? " application_name=$options{name}" : ''), '-f', $file);
	if ($options{background})
	{
		my $session = { out => '' };
		$session->{harness} = IPC::Run::start(\@command, '<', \undef, '>&', \$session->{out}, IPC::Run::timeout(600));
		push @running, $session;
		return $session;
	}
	IPC::Run::run(\@command, '<', \undef, '>&', \$out, IPC::Run::timeout(600));
	return tidy($out);
}

# what psql printed, without the places of messages
sub tidy
{
	my ($out) = @_;
	$out =~ s/^psql:\S+:\d+: //gm;
	$out =~ s/^(?:LOCATION|LINE \d+):.*\n(?:\s+\^\n)?//gm;
	return $out;
}

sub finish
{
	my ($session) = @_;
	IPC::Run::finish($session->{harness});
	@running = grep { $_ != $session } @running;
	return tidy($session->{out});
}

sub wait_for
{
	my ($condition) = @_;
	for (1 .. 600)
	{
		my $found = $node->safe_psql($db, "SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE $condition)");
		return 1 if $found eq 't';
		sleep(0.05);
	}
	$_->{harness}->pump_nb for @running;
	push @problems, "never: $condition", map { tidy($_->{out}) } @running;
	return 0;
}

# what went wrong in an attack
sub expect { my ($ok, $what) = @_; push @problems, $what unless $ok; return $ok }
sub expect_like { my ($text, $pattern, $what) = @_; return expect(scalar($text =~ $pattern), ($what // 'got') . ": $text") }
sub expect_unlike { my ($text, $pattern, $what) = @_; return expect(scalar($text !~ $pattern), ($what // 'got') . ": $text") }
sub expect_is { my ($text, $expected, $what) = @_; chomp($text); return expect($text eq $expected, ($what // 'got') . ": $text\nexpected: $expected") }

my $stains = qr/^.*(?:was terminated by signal|TRAP: |AddressSanitizer|UndefinedBehavior|runtime error: |XX000 |\bPANIC:).*$/m;
# what the log says since the attack began
sub stains
{
	my (%options) = @_;
	my $log = substr(slurp_file($node->logfile), $log_from);
	my @found = $log =~ /($stains)/g;
	@found = grep { !/$options{allowed}/ } @found if $options{allowed};
	my $innocent = $options{innocent} // 'mallory';
	push @found, grep { !/ runs as (?:$innocent)\n?$/ } $log =~ /(TRAP .* (?:runs as|took it).*)/g;
	my %seen;
	return grep { !$seen{$_}++ } @found;
}

sub server_is_back
{
	for (1 .. 600)
	{
		my ($ret) = $node->psql('postgres', 'SELECT 1', on_error_die => 0, on_error_stop => 0);
		return 1 if defined $ret && $ret == 0;
		sleep(0.1);
	}
	return BAIL_OUT('the server did not come back');
}

# An attack in a fresh database: the code expects what is promised.
my $only = $ENV{RELATIONS_ATTACKS};
sub attack
{
	my ($title, $code, %options) = @_;
	return if $only && $title !~ /$only/;
	$database++;
	$db = "attack_$database";
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE attacks");
	$log_from = -s $node->logfile;
	@problems = ();
	eval { $code->(); 1 } or push @problems, "died: $@";
	for my $session (@running) { $session->{harness}->kill_kill }
	@running = ();
	server_is_back();
	unshift @problems, stains(%options);
	push @problems, 'mallory is a superuser'
		if $node->safe_psql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}) ne 'f';
	ok(!@problems, $title) or diag(substr(join("\n", map { length > 5000 ? '... ' . substr($_, -4000) : $_ } @problems), 0, 20000));
	$node->safe_psql('postgres', 'ALTER ROLE mallory NOSUPERUSER');
	$node->safe_psql('postgres', "DROP DATABASE $db WITH (FORCE)");
	return;
}

# one value, asked for by the superuser
sub value { my ($sql) = @_; return $node->safe_psql($db, $sql) }

1;
