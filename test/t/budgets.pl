# The limits that a role was given hold against that role.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION relations;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 3);
CREATE ROLE app LOGIN;
CREATE ROLE free LOGIN;
GRANT SELECT ON users TO app, free;
GRANT CREATE ON SCHEMA public TO app;
ALTER ROLE app SET relations.max_rows = 2;
SQL

my $read = q{SELECT count(*) FROM relations.preload('users');};
my $exceeded = qr/exceeds the limit of 2 rows in one call/;

# What psql says as a role in a session of its own.
sub as
{
	my ($role, $sql, $options) = @_;
	local $ENV{PGOPTIONS} = $options || '';
	my ($output, $errors) = ('', '');
	$node->psql('postgres', $sql, on_error_stop => 0, extra_params => [ '-U', $role ], stdout => \$output, stderr => \$errors);
	return "$output\n$errors";
}

like(as('free', $read), qr/^3$/m, 'a role without limits reads');
like(as('app', $read), $exceeded, 'a role that was given a limit does not read more');
like(as('app', "SHOW relations.max_rows;\n$read"), $exceeded, 'the limit is there before the library');

# before the library is loaded, and behind that
for my $first ('', "SELECT relations.first('users');\n")
{
	my $when = $first ? 'a call' : 'none';
	for my $try (
		'SET relations.max_rows = 0;',
		"SELECT set_config('relations.max_rows', '0', false);",
		'BEGIN; SET LOCAL relations.max_rows = 0;',
		'SET relations.max_rows = DEFAULT;',
		'RESET relations.max_rows;',
		'RESET ALL;',
		'DISCARD ALL;',
		'SET SESSION AUTHORIZATION DEFAULT; SET relations.max_rows TO 1000;',
		'ALTER ROLE app SET relations.max_rows = 0;',
		'ALTER ROLE app RESET relations.max_rows;',
		"UPDATE pg_settings SET setting = '0' WHERE name = 'relations.max_rows';",
		'CREATE FUNCTION lift() RETURNS bigint LANGUAGE sql SET relations.max_rows = 0 AS $$ ' . $read . ' $$; SELECT lift();')
	{
		my $said = as('app', "$first$try\n$read\nROLLBACK;\n$read");
		unlike($said, qr/^3$/m, "after $when, not lifted by $try");
		like($said, $exceeded, "after $when, there behind $try");
	}
}

# what comes with the connection is refused: by us when the library comes
# late, by PostgreSQL when it is there from the beginning
like(as('app', $read, '-c relations.max_rows=0'),
	qr/permission denied to set parameter "relations.max_rows" by options of the connection/, 'not lifted by an option of the connection');
unlike(as('app', "$read$read", '-c RELATIONS.MAX_ROWS=100'), qr/^3$/m, 'nor in capitals, nor at the second attempt');
like(as('free', $read, '-c relations.batch_memory=64kB'), qr/^3$/m, 'other settings may come with it');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'relations'\nrelations.max_depth = 1");
$node->restart;
like(as('app', $read, '-c relations.max_rows=0'), qr/permission denied to set parameter "relations.max_rows"/, 'preloaded, it is refused too');
like(as('app', $read), $exceeded, 'preloaded, the limit holds');
like(as('free', 'SHOW relations.max_depth'), qr/^1$/m, 'limits may stand in postgresql.conf');

done_testing();
