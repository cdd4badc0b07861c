# The programs of test/drivers do against a real server what they say, and the
# lines that README.md shows of them are theirs.
#
# A program prints "ok N - step" after each step, and ends with a message and a
# status other than 0 at the first that goes wrong.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @steps = (
	'declares relations',
	'creates a graph through the view',
	'creates a graph by a function',
	'preloads',
	'finds a row by a parameter',
	'queries with parameters',
	'reads a value out of a document',
	'updates through the view',
	'tells the code and the place of an error');

# what all of them leave behind, looked at without the extension
my $stored = q{SELECT u.id, u.name = U&'J\00FCrgen', p.bio, string_agg(o.title, ', ' ORDER BY o.id)
	FROM users u LEFT JOIN profiles p ON p.user_id = u.id LEFT JOIN posts o ON o.user_id = u.id
	GROUP BY u.id, p.bio ORDER BY u.id};

my $drivers = 'test/drivers';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

sub lines_of
{
	my ($text) = @_;
	return map { s/^\s+|\s+$//gr } split /\n/, $text;
}

# In a database of its own, which has the extension.
sub run_program
{
	my ($name, @command) = @_;
	$node->safe_psql('postgres', qq{CREATE DATABASE "$name" TEMPLATE template0 ENCODING 'UTF8'});
	$node->safe_psql($name, 'CREATE EXTENSION relations');
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => $name,
		PGUSER => $node->safe_psql('postgres', 'SELECT current_user'));
	my ($out, $err) = ('', '');
	my $ran = eval { IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180)); 1 };
	return ($out, $err, $ran ? $? : "it did not run: $@");
}

sub run_driver
{
	my ($name, @command) = @_;
	my ($out, $err, $status) = run_program($name, @command);
	my %said = map { $_ => 1 } lines_of($out);
	for my $i (0 .. $#steps)
	{
		ok($said{ 'ok ' . ($i + 1) . " - $steps[$i]" }, "$name: $steps[$i]");
	}
	is($status, 0, "$name: ends well") or diag($err);
	is(eval { $node->safe_psql($name, $stored) }, "1|t|Editor|Three\n2|f||Mine", "$name: it is stored");
}

# ---------------------------------------------------------------------
# libpq, compiled with the server's own headers
# ---------------------------------------------------------------------
$ENV{PG_CONFIG} //= 'pg_config';
my $program = PostgreSQL::Test::Utils::tempdir() . '/libpq';
my ($includes, $libraries) = map { my $path = `"$ENV{PG_CONFIG}" --$_`; chomp $path; $path } ('includedir', 'libdir');
command_ok([ 'cc', '-std=gnu99', '-Wall', '-Wextra', '-Werror', "-I$includes", '-o', $program, "$drivers/libpq.c",
	"-L$libraries", "-Wl,-rpath,$libraries", '-lpq' ], 'libpq: compiles');
run_driver('libpq', $program);

# ---------------------------------------------------------------------
# DBD::Pg and psycopg, as Debian's own interpreters have them
# ---------------------------------------------------------------------
run_driver('perl', $^X, "$drivers/perl.pl");
my ($python) = grep { system("$_ -c 'import psycopg' 2> /dev/null") == 0 } ('/usr/bin/python3', 'python3');
run_driver('python', $python // '/usr/bin/python3', "$drivers/python.py");

# ---------------------------------------------------------------------
# node-postgres, from npm: test/bin/setup leaves a note when it could not be reached
# ---------------------------------------------------------------------
SKIP:
{
	my $note = "$drivers/.npm-unreachable";
	skip('node.js: ' . (lines_of(slurp_file($note)))[0], 1) if -e $note && !-d "$drivers/node_modules/pg";
	run_driver('node', 'node', "$drivers/node.js");
}

# ---------------------------------------------------------------------
# An application that keeps AdonisJS Lucid for its models; its steps are its own
# ---------------------------------------------------------------------
SKIP:
{
	my $lucid = "$drivers/lucid";
	skip('lucid: ' . (lines_of(slurp_file("$lucid/.npm-unreachable")))[0], 1)
	  if -e "$lucid/.npm-unreachable" && !-d "$lucid/node_modules/pg";
	my ($out, $err, $status) = run_program('lucid', 'node', "$lucid/app.js");
	my @done = slurp_file("$lucid/app.js") =~ /^done\('(.*)'\)$/mg;
	my %said = map { $_ => 1 } lines_of($out);
	ok($said{ 'ok ' . ($_ + 1) . " - $done[$_]" }, "lucid: $done[$_]") for 0 .. $#done;
	is($status, 0, 'lucid: ends well') or diag($err);
}

# ---------------------------------------------------------------------
# README.md shows lines of them
# ---------------------------------------------------------------------
my ($section) = slurp_file('README.md') =~ /^## From your language\n(.*?)^## /ms;
my %shown = (js => 'node.js', python => 'python.py', perl => 'perl.pl', c => 'libpq.c');
for my $language (sort keys %shown)
{
	my ($block) = ($section // '') =~ /^```$language\n(.*?)^```$/ms;
	my %has = map { $_ => 1 } lines_of(slurp_file("$drivers/$shown{$language}"));
	my @shown = grep { length } lines_of($block // '');
	is(join("\n", @shown ? grep { !$has{$_} } @shown : 'no lines'), '', "README.md shows lines of $shown{$language}");
}
$node->stop;
done_testing();
