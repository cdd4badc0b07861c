# What was declared is there after dump and restore, by every way that pg_dump
# and pg_restore have, in another database, whose OIDs differ.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Everything;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# The tables are those of somebody who is no superuser.
$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE DATABASE source OWNER owner');
$node->safe_psql('source', 'CREATE EXTENSION relations; GRANT CREATE ON SCHEMA public TO owner');
$node->safe_psql('source', declare_everything(), extra_params => [ '-U', 'owner' ]);

my $expected = state_of(sub { $node->safe_psql('source', $_[0]) });
like($expected, qr/"posts": \[\{"id": 2, "userId": 1/, 'the source reads');
my $dump = $node->basedir . '/dump';

# A database in which OIDs are others.
sub fresh
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name OWNER owner");
	$node->safe_psql($name, 'GRANT CREATE ON SCHEMA public TO owner');
	$node->safe_psql($name, 'CREATE TABLE filler (id int); DROP TABLE filler') for 1 .. 3;
	return;
}

# A command that says nothing: no event trigger speaks while a restore runs.
sub silent
{
	my ($command, $name) = @_;
	my ($out, $err) = ('', '');
	ok(IPC::Run::run($command, '>', \$out, '2>', \$err, init => sub { $ENV{PGHOST} = $node->host; $ENV{PGPORT} = $node->port }), $name)
		or diag($err);
	is($err, '', "$name, in silence");
	return;
}

sub moved
{
	my ($database, $name) = @_;
	is(state_of(sub { $node->safe_psql($database, $_[0]) }), $expected, "$name: all is as it was");
	works_in($node, $database, $name);
	return;
}

my @superuser = ('-U', $node->safe_psql('postgres', 'SELECT current_user'));
for my $format ('plain', 'custom', 'directory', 'tar')
{
	my @jobs = $format eq 'directory' ? ('-j', 2) : ();
	my @parallel = $format eq 'directory' || $format eq 'custom' ? ('-j', 3) : ();
	fresh($format);
	silent([ 'pg_dump', @superuser, '-F', $format, @jobs, '-f', "$dump.$format", 'source' ], "dump: $format");
	silent(
		$format eq 'plain'
		? [ 'psql', @superuser, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dump.$format", $format ]
		: [ 'pg_restore', @superuser, '-e', @parallel, '-d', $format, "$dump.$format" ], "restore: $format");
	moved($format, $format);
}

# section by section; and over what is there
fresh('sections');
silent([ 'pg_restore', @superuser, '-e', "--section=$_", '-d', 'sections', "$dump.custom" ], "restore: $_") for ('pre-data', 'data', 'post-data');
moved('sections', 'sections');
silent([ 'pg_restore', @superuser, '-e', '--clean', '--if-exists', '-d', 'sections', "$dump.custom" ], 'restore: clean');
moved('sections', 'clean');

# the schema, then the data
fresh('twice');
silent([ 'pg_restore', @superuser, '-e', '--schema-only', '-d', 'twice', "$dump.custom" ], 'restore: schema only');
silent([ 'pg_restore', @superuser, '-e', '--data-only', '--disable-triggers', '-d', 'twice', "$dump.custom" ], 'restore: data only');
# which leaves triggers that are for replicas as any other
is($node->safe_psql('twice', q{SELECT count(*) FROM relations.check() WHERE problem = 'trigger_disabled'}), '7', 'data only: check tells of triggers');
$node->safe_psql('twice', qq{SELECT statement FROM relations.check() WHERE problem = 'trigger_disabled' \\gexec});
moved('twice', 'data only');

# by the owner of the database, in which the extension is already
fresh('owned');
$node->safe_psql('owned', 'CREATE EXTENSION relations');
my $list = "$dump.list";
{
	my ($out, $err);
	IPC::Run::run([ 'pg_restore', '-l', "$dump.custom" ], '>', \$out, '2>', \$err);
	# the extension, its comment and its catalog are the superuser's
	my ($catalog, $rest) = ('', '');
	foreach my $line (split /^/, $out)
	{
		next if $line =~ / (EXTENSION|COMMENT) - | SCHEMA - relations /;
		if ($line =~ / TABLE DATA relations /) { $catalog .= $line }
		else { $rest .= $line }
	}
	PostgreSQL::Test::Utils::append_to_file($list, $rest);
	PostgreSQL::Test::Utils::append_to_file("$list.catalog", $catalog);
}
$node->safe_psql('owned', 'ALTER SCHEMA public OWNER TO owner');
silent([ 'pg_restore', '-U', 'owner', '-e', '--no-acl', '-L', $list, '-d', 'owned', "$dump.custom" ], 'restore: as the owner');
silent([ 'pg_restore', @superuser, '-e', '-L', "$list.catalog", '-d', 'owned', "$dump.custom" ], 'restore: the catalog');
moved('owned', 'owner');

# one schema: its tables, and neither the extension nor its catalog
silent([ 'pg_dump', @superuser, '-F', 'custom', '--schema', 'odd schema', '-f', "$dump.schema", 'source' ], 'dump: one schema');
fresh('part');
$node->safe_psql('part', 'CREATE EXTENSION relations; CREATE TABLE public.users (id int PRIMARY KEY, posts_count int DEFAULT 0)');
$node->safe_psql('part', 'INSERT INTO users VALUES (1), (2)');
silent([ 'pg_restore', @superuser, '-e', '-d', 'part', "$dump.schema" ], 'restore: one schema');
is($node->safe_psql('part', q{SELECT count(*) FROM relations.relation}), '0', 'one schema: nothing is declared');
is( $node->safe_psql('part', q{INSERT INTO "odd schema"."Posts" VALUES (7, 1); SELECT count(*) FROM "odd schema"."Posts"}),
	'4', 'one schema: its triggers find nothing to count');
is($node->safe_psql('part', q{SELECT count(*) FROM relations.discover('odd schema', register => true)}),
	'2', 'one schema: what it implies, both ends, is declared anew');

# the extension goes, and comes again
is($node->psql('source', 'DROP EXTENSION relations'), 3, 'what stands on it keeps it');
silent([ 'psql', @superuser, '-X', '-q', '-c', 'SET client_min_messages = warning; DROP EXTENSION relations CASCADE', 'source' ], 'DROP EXTENSION CASCADE');
is($node->safe_psql('source', q{SELECT count(*) FROM pg_class WHERE relname = 'users_graph'}), '0', 'views go with it');
is($node->safe_psql('source', q{SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal}), '0', 'triggers go with it');
isnt($node->psql('source', q{INSERT INTO notes VALUES (77, 'Post', '77')}), 0, 'constraints stay');
is($node->safe_psql('source', q{INSERT INTO "odd schema"."Posts" VALUES (50, 1); DELETE FROM "odd schema"."Posts" WHERE id = 50; SELECT count(*) FROM users}),
	'2', 'tables are written as before');
$node->safe_psql('source', 'CREATE EXTENSION relations');
is($node->safe_psql('source', q{SELECT count(*) FROM relations.relation}), '0', 'a new one knows nothing');
is($node->safe_psql('source', q{SELECT (relations.has_one('users', 'profile', 'profiles')).created_index IS NULL}), 't', 'a constraint that is there is found');
is($node->safe_psql('source', q{SELECT relations.find('users', 2, 'profile') -> 'profile' ->> 'bio'}), 'bio', 'and what is declared anew works');

$node->stop;
done_testing();
