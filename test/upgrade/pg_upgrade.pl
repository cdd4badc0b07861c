# pg_upgrade: what was declared is there in the new server, whether files are
# copied or linked.  Run by test/bin/check-upgrade, where both servers are:
# OLDBIN and NEWBIN are the directories of their programs.
use strict;
use warnings;
use File::Temp;
use Test::More;
use Everything;

my %bin = (old => $ENV{OLDBIN}, new => $ENV{NEWBIN});
my $dir = File::Temp->newdir;
my $port = 54321;

# The part of PostgreSQL::Test::Cluster that works_in asks for.
package Server
{
	sub new
	{
		my ($class, $side, $name) = @_;
		return bless { bin => $bin{$side}, data => "$dir/$name" }, $class;
	}

	sub run
	{
		my ($self, @command) = @_;
		open(my $from, '-|', @command) or die "cannot run $command[0]: $!";
		local $/ = undef;
		my $out = <$from> // '';
		close($from);
		return ($?, $out);
	}

	sub command
	{
		my ($self, $program, @arguments) = @_;
		my ($status, $out) = $self->run('/bin/sh', '-c', 'exec "$0" "$@" 2>&1', "$self->{bin}/$program", @arguments);
		return ($status, $out);
	}

	sub init
	{
		my ($self) = @_;
		my ($status, $out) = $self->command('initdb', '-D', $self->{data}, '-U', 'postgres', '-A', 'trust', '-N', '--locale=C', '-E', 'UTF8',
			$self->{bin} =~ m{/(\d+)/bin} && $1 >= 18 ? '--no-data-checksums' : ());
		die $out if $status != 0;
		return;
	}

	sub start
	{
		my ($self) = @_;
		my ($status, $out) = $self->command('pg_ctl', '-D', $self->{data}, '-w', '-s', '-l', "$self->{data}.log",
			'-o', "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off -p $port", 'start');
		die $out if $status != 0;
		return;
	}

	sub stop
	{
		my ($self) = @_;
		$self->command('pg_ctl', '-D', $self->{data}, '-w', '-s', '-m', 'fast', 'stop');
		return;
	}

	sub psql
	{
		my ($self, $database, $sql, %options) = @_;
		my ($status, $out) = $self->run('/bin/sh', '-c', $options{loud} ? 'exec "$0" "$@"' : 'exec "$0" "$@" 2> /dev/null', "$self->{bin}/psql",
			'-h', "$dir", '-p', $port, '-U', $options{user} // 'postgres', '-d', $database, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', $sql);
		chomp($out);
		return ($status, $out);
	}

	sub safe_psql
	{
		my ($self, $database, $sql, %options) = @_;
		my ($status, $out) = $self->psql($database, $sql, %options, loud => 1);
		die "psql failed: $sql" if $status != 0;
		return $out;
	}
}

foreach my $mode ('copy', 'link')
{
	my $old = Server->new('old', "old_$mode");
	my $new = Server->new('new', "new_$mode");

	$old->init;
	$old->start;
	$old->safe_psql('postgres', 'CREATE ROLE owner LOGIN');
	$old->safe_psql('postgres', 'CREATE DATABASE source OWNER owner');
	$old->safe_psql('source', 'CREATE EXTENSION relations; GRANT CREATE ON SCHEMA public TO owner');
	$old->safe_psql('source', declare_everything(), user => 'owner');
	my $version = $old->safe_psql('source', 'SHOW server_version');
	my $expected = state_of(sub { $old->safe_psql('source', $_[0]) });
	like($expected, qr/"posts": \[\{"id": 2, "userId": 1/, "$mode: PostgreSQL $version reads");
	$old->stop;

	$new->init;
	chdir $dir;
	foreach my $check ('--check', '--jobs=2')
	{
		my ($status, $out) = $new->command('pg_upgrade', '-b', $bin{old}, '-B', $bin{new}, '-d', $old->{data}, '-D', $new->{data},
			'-U', 'postgres', '-p', $port, '-P', $port + 1, $mode eq 'link' ? '--link' : (), $check);
		is($status, 0, "$mode: pg_upgrade $check") or diag($out);
	}
	$new->start;
	isnt($new->safe_psql('source', 'SHOW server_version'), $version, "$mode: the server is another");
	is(state_of(sub { $new->safe_psql('source', $_[0]) }), $expected, "$mode: all is as it was");
	works_in($new, 'source', $mode);
	$new->stop;
}
chdir '/';
done_testing();
