# A session of psql that is given statements without waiting for them, so that
# one process leads several sessions step by step.
#
# Each statement has a label.  Its rows, its error and its warnings come back
# under that label, apart from each other.
package PsqlSession;
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IPC::Open3;
use Symbol 'gensym';
use Time::HiRes qw(time sleep);

# Before the label, in rows and errors.
my $mark = '@@@ ';

# Start a session.  "options" are further options of psql.
sub new
{
	my ($class, $name, @options) = @_;
	my $self = bless { name => $name, options => [@options] }, $class;
	$self->connect;
	return $self;
}

sub connect
{
	my ($self) = @_;
	my $errors = gensym;
	$self->{pid} = open3($self->{in}, $self->{out}, $errors, 'psql', '-X', '-q', '-A', '-t', @{ $self->{options} });
	$self->{err} = $errors;
	$self->{in}->autoflush(1);
	binmode $self->{$_} for qw(in out err);
	$self->{select} = IO::Select->new($self->{out}, $self->{err});
	$self->{buffer} = { out => '', err => '' };
	$self->{dead} = 0;
	$self->{waiting} = 0;
	$self->send([ settings => '\set VERBOSITY verbose' ], [ pid => 'SELECT pg_backend_pid()' ]);
	my $results = $self->wait;
	$self->{backend} = $results->{pid}{rows}[0];
	return;
}

# Send statements: [label, SQL] or [label, SQL, condition], where the condition is a variable of psql.
sub send
{
	my ($self, @statements) = @_;
	my $text = '';
	for (@statements)
	{
		my ($label, $sql, $condition) = @$_;
		my $end = $sql =~ /^\\/ ? "\n" : ";\n";
		$text .= "\\if $condition\n" if defined $condition;
		$text .= "$sql$end\\echo '$mark$label'\n\\warn '$mark$label'\n";
		$text .= "\\endif\n" if defined $condition;
	}
	$text .= "\\echo '${mark}end'\n\\warn '${mark}end'\n";
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } $text or $self->{dead} = 1;
	$self->{waiting} = 1;
	$self->{results} = {};
	$self->{ended} = 0;
	$self->{lines} = { out => [], err => [] };
	return;
}

# Take a line of output; it belongs to the label that follows.
sub take_line
{
	my ($self, $from, $line) = @_;
	if ($line !~ /^\Q$mark\E(.*)/)
	{
		push @{ $self->{lines}{$from} }, $line;
		return;
	}
	my $label = $1;
	my $lines = $self->{lines}{$from};
	$self->{lines}{$from} = [];
	if ($label eq 'end')
	{
		$self->{waiting} = 0 if ++$self->{ended} == 2;
		return;
	}
	my $result = $self->{results}{$label} //= { rows => [] };
	if ($from eq 'out')
	{
		$result->{rows} = $lines;
		return;
	}
	my $text = join("\n", @$lines);
	$result->{messages} = $text if $text ne '';
	($result->{code}, $result->{error}) = ($1, $2) if $text =~ /(?:ERROR|FATAL|PANIC):  (\w{5}): ([^\n]*)/;
	return;
}

# Read what there is, for at most this many seconds.  True once all statements have been answered.
sub poll
{
	my ($self, $seconds) = @_;
	my $end = time + $seconds;
	while ($self->{waiting} && !$self->{dead})
	{
		my $left = $end - time;
		my @ready = $self->{select}->can_read($left > 0 ? $left : 0);
		return 0 if !@ready && $left <= 0;
		for my $handle (@ready)
		{
			my $from = $handle == $self->{out} ? 'out' : 'err';
			my $n = sysread($handle, $self->{buffer}{$from}, 1 << 16, length $self->{buffer}{$from});
			if (!$n)
			{
				$self->{select}->remove($handle);
				$self->{dead} = 1 if $self->{select}->count == 0;
				next;
			}
			$self->take_line($from, $1) while $self->{buffer}{$from} =~ s/^([^\n]*)\n//;
		}
	}
	return 1;
}

# Wait for the answers; those of a session that has ended are what there was.
sub wait
{
	my ($self) = @_;
	1 until $self->poll(10);
	return $self->results;
}

# The results by label, and what was written at the end of a session.
sub results
{
	my ($self) = @_;
	my $results = $self->{results};
	$results->{last} = { rows => [], messages => join("\n", @{ $self->{lines}{err} }, $self->{buffer}{err}) } if $self->{dead};
	return $results;
}

# The rows of one statement; dies with its error.
sub query
{
	my ($self, $sql) = @_;
	$self->send([ q => $sql ]);
	my $result = $self->wait->{q};
	die "$self->{name}: $sql: " . ($result->{messages} // 'the session has ended') . "\n" if !$result || $result->{error} || $self->{dead};
	return @{ $result->{rows} };
}

sub close
{
	my ($self) = @_;
	CORE::close($self->{in});
	CORE::close($self->{$_}) for qw(out err);
	kill 'KILL', $self->{pid} if $self->{waiting};
	waitpid $self->{pid}, 0;
	$self->{dead} = 1;
	return;
}

1;
