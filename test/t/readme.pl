# README.md and the pages of doc/ are true: the statements of each run, in one
# database and in order, and give the results that stand below them; the
# reference in README.md names every function.
#
# ```sql is run.  When ```text follows, that is psql's output, messages
# included; when ```json follows, it is that of psql -At, white space outside of
# strings apart, so that documents may be broken into lines.  When neither
# follows, nothing may fail.  Other blocks are not run.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# plans are shown, and follow what the server knows of the tables
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$ENV{PGTZ} = 'UTC';
$ENV{PGCLIENTENCODING} = 'UTF8';

# What psql says to a script; its status is 3 when a statement failed.
sub run_psql
{
	my ($database, $sql, @options) = @_;
	my $output = '';
	IPC::Run::run([ 'psql', '-X', @options, '-d', $node->connstr($database) ], '<', \$sql, '>&', \$output);
	my $status = $? >> 8;
	$output =~ s/[ \t]+$//mg;
	$output =~ s/\n+\z//;
	return ($output, $status);
}

# Documents without the white space that is outside of strings.
sub dense
{
	my ($json) = @_;
	$json =~ s/("(?:[^"\\]|\\.)*")|\s+/defined $1 ? $1 : ''/ge;
	return $json;
}

# ---------------------------------------------------------------------
# The blocks of a page
# ---------------------------------------------------------------------
sub run_page
{
	my ($page, $database) = @_;
	my @lines = split /\n/, slurp_file($page);
	my @blocks;
	my $open;
	my $number = 0;
	for my $line (@lines)
	{
		$number++;
		if (defined $open)
		{
			if ($line =~ /^```\s*$/)
			{
				$open->{end} = $number;
				push @blocks, $open;
				undef $open;
				next;
			}
			$open->{text} .= "$line\n";
		}
		elsif ($line =~ /^```(\w*)\s*$/)
		{
			$open = { language => $1, start => $number, text => '' };
		}
	}
	is($open, undef, "$page: every block is closed");

	$node->safe_psql('postgres', qq{CREATE DATABASE "$database" TEMPLATE template0 ENCODING 'UTF8'});
	my %used;
	for my $i (0 .. $#blocks)
	{
		my $block = $blocks[$i];
		next if $block->{language} ne 'sql';
		my $next = $i < $#blocks ? $blocks[ $i + 1 ] : undef;
		# directly: nothing but empty lines between the two
		my $follows = defined $next && $next->{language} =~ /^(text|json)$/
		  && !grep { /\S/ } @lines[ $block->{end} .. $next->{start} - 2 ];
		my ($first) = $block->{text} =~ /^(.*)$/m;
		my $name = "$page, line $block->{start}: $first";
		if (!$follows)
		{
			my ($output, $status) = run_psql($database, $block->{text}, '-q', '-v', 'ON_ERROR_STOP=1');
			is($status, 0, $name) or diag($output);
			next;
		}
		$used{ $next->{start} } = 1;
		if ($next->{language} eq 'json')
		{
			my ($output) = run_psql($database, $block->{text}, '-q', '-A', '-t');
			is(dense($output), dense($next->{text}), $name);
		}
		else
		{
			my ($output) = run_psql($database, $block->{text}, '-q');
			my $expected = $next->{text};
			$expected =~ s/[ \t]+$//mg;
			$expected =~ s/\n+\z//;
			is($output, $expected, $name);
		}
	}
	# a result that no test compares is a claim that may be false
	is(join(', ', map { $_->{start} } grep { $_->{language} =~ /^(|text|json)$/ && !$used{ $_->{start} } } @blocks),
		'', "$page: every result belongs to a statement");
}

run_page('README.md', 'readme');
my @pages = sort glob 'doc/*.md';
run_page($_, $_) for @pages;

# ---------------------------------------------------------------------
# README.md's .psqlrc: what it sets can be typed
# ---------------------------------------------------------------------
my ($psqlrc) = slurp_file('README.md') =~ /^```psqlrc\n(.*?)^```$/ms;
ok(defined $psqlrc, 'README.md has a .psqlrc');
{
	my $file = PostgreSQL::Test::Utils::tempdir() . '/psqlrc';
	append_to_file($file, $psqlrc // '');
	local $ENV{PSQLRC} = $file;
	my %wanted = (rel => qr/\| belongs_to \| users/, doc => qr/^ \{ .*"description": /ms, graph => qr/^erDiagram$/m,
		ts => qr/^export interface ProfilesDocument \{$/m);
	for my $name (($psqlrc // '') =~ /^\\set (\w+)/mg)
	{
		my $sql = "\\set model profiles\n:$name\n";
		my $output = '';
		IPC::Run::run([ 'psql', '-q', '-d', $node->connstr('readme') ], '<', \$sql, '>&', \$output);
		like($output, $wanted{$name} // qr/no such shortcut/, "psql: :$name");
	}
}

# ---------------------------------------------------------------------
# The reference: one row a function, as the server's catalog has it
# ---------------------------------------------------------------------
my $reference = $node->safe_psql('readme', q{
SELECT format('| `%s(%s)` | %s |', p.proname,
	(SELECT string_agg(
		CASE WHEN n > p.pronargs - p.pronargdefaults AND (n = 1 OR n - 1 = p.pronargs - p.pronargdefaults) THEN '[' ELSE '' END ||
		CASE WHEN p.provariadic <> 0 AND n = p.pronargs THEN name || '...' ELSE name END ||
		CASE WHEN n = p.pronargs AND p.pronargdefaults > 0 THEN ']' ELSE '' END, ', ' ORDER BY n)
	FROM unnest(p.proargnames) WITH ORDINALITY a (name, n) WHERE n <= p.pronargs),
	obj_description(p.oid, 'pg_proc'))
FROM pg_proc p
WHERE p.pronamespace = 'relations'::regnamespace
	AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
	-- the type key's own, and what only the columns of graph views call
	AND p.proname !~ '^key_(in|out|recv|send)$' AND p.proname <> 'load_relation'
ORDER BY p.proname, p.pronargs});
my %rows = map { $_ => 1 } split /\n/, slurp_file('README.md');
for my $row (split /\n/, $reference)
{
	my ($name) = $row =~ /`(\w+)/;
	ok($rows{$row}, "the reference has $name") or diag("wanted in README.md: $row");
	delete $rows{$row};
}
is(join("\n", grep { /^\| `\w+\([\w, .\[\]]*\)` \| [a-z]/ } sort keys %rows), '', 'and no function that is not there');
# ---------------------------------------------------------------------
# Links lead somewhere
# ---------------------------------------------------------------------
my %anchors;
for my $page ('README.md', @pages)
{
	for my $heading (slurp_file($page) =~ /^#+ (.+)$/mg)
	{
		(my $anchor = lc $heading) =~ s/[^\w\- ]//g;
		$anchor =~ tr/ /-/;
		$anchors{$page}{$anchor} = 1;
	}
}
for my $page ('README.md', @pages)
{
	my @broken;
	(my $prose = slurp_file($page)) =~ s/^```.*?^```$//msg;
	for my $link ($prose =~ /\]\(([^)\s]+)\)/g)
	{
		next if $link =~ /^https?:/;
		my ($file, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
		my $target = $file eq '' ? $page : $page =~ m{^doc/} ? "doc/$file" : $file;
		1 while $target =~ s{[^/]+/\.\./}{};
		push @broken, $link unless -e $target && (!defined $anchor || $anchors{$target}{$anchor});
	}
	is(join(', ', @broken), '', "$page: links lead somewhere");
}
$node->stop;
done_testing();
