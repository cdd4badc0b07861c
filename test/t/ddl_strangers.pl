# A role without privileges on a table cannot block the DDL of its owner by a transaction that has
# changed rows of the catalog.  Nothing is lost: readers see the new names at once, and the rows
# are changed as soon as they can be locked.
use strict;
use warnings;
use IPC::Open2;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE alice LOGIN;
CREATE ROLE mallory LOGIN;
CREATE ROLE bob LOGIN;
CREATE EXTENSION relations;
CREATE SCHEMA a AUTHORIZATION alice;
CREATE SCHEMA m AUTHORIZATION mallory;
SQL

# a session of a role that lasts
sub session
{
	my ($role) = @_;
	my $pid = open2(my $out, my $in, 'sh', '-c',
		"exec psql -X -q -A -t -h '@{[ $node->host ]}' -p @{[ $node->port ]} -U $role -d postgres 2>&1");
	return { pid => $pid, in => $in, out => $out };
}

sub run
{
	my ($session, $sql) = @_;
	my $result = '';
	print { $session->{in} } "$sql\n;\\echo ~done~\n";
	$session->{in}->flush;
	while (defined(my $line = readline $session->{out}))
	{
		last if $line eq "~done~\n";
		$result .= $line;
	}
	chomp $result;
	return $result;
}

my $alice = session('alice');
my $mallory = session('mallory');
my $bob = session('bob');
run($_, "SET client_min_messages = warning; SET statement_timeout = '20s'") for $alice, $bob;
run($mallory, 'SET client_min_messages = warning');

sub pending { return $node->safe_psql('postgres', 'SELECT catalog, name, change, old_name, new_name FROM relations.pending_change ORDER BY 1, 2, number'); }
# any declaration stores what could not be stored before
sub flush { return $node->safe_psql('postgres', "SELECT relations.model('a.t', hidden => '') IS NOT NULL"); }
sub keys_of { return $node->safe_psql('postgres', "SELECT keys FROM relations.describe('$_[0]') WHERE relation = '$_[1]'"); }
sub stored { return $node->safe_psql('postgres', "SELECT local_key, foreign_key FROM relations.relation WHERE model = '$_[0]'::regclass AND relation = '$_[1]'"); }

# mallory's relation leads to a table of alice, and alice's to one of mallory
run($alice, <<'SQL');
CREATE TYPE a.mood AS ENUM ('good', 'bad');
CREATE TABLE a.t (id int PRIMARY KEY, x int, n int, mood a.mood);
CREATE TABLE a.u (id int PRIMARY KEY, p_id int, title text);
INSERT INTO a.t VALUES (1, 1, 5), (2, 1, 4);
INSERT INTO a.u VALUES (1, 1);
GRANT USAGE ON SCHEMA a TO mallory, bob;
GRANT SELECT ON a.t TO mallory, bob;
GRANT SELECT ON a.u TO bob;
SQL
run($mallory, <<'SQL');
CREATE TABLE m.p (id int PRIMARY KEY);
INSERT INTO m.p VALUES (1);
CREATE TYPE m.color AS ENUM ('red', 'green');
GRANT USAGE ON SCHEMA m TO alice, bob;
GRANT SELECT ON m.p TO alice, bob;
SELECT 1 FROM relations.has_many('m.p', 'ts', 'a.t', foreign_key => 'x', enforce => false, scope => '{"where": {"n": {"gt": 0}}, "order": ["-n"]}');
SQL
run($alice, q{SELECT 1 FROM relations.belongs_to('a.u', 'p', 'm.p', enforce => false)});
run($alice, 'REVOKE ALL ON a.t FROM mallory; REVOKE ALL ON SCHEMA a FROM mallory');

#
# Renamed columns: the key and the scope
#
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME id TO p_key');
is(run($alice, 'ALTER TABLE a.t RENAME x TO y; ALTER TABLE a.t RENAME n TO m'), '', 'a rename does not wait for a stranger');
is(pending(), "relation|ts|renamed_column|x|y\nrelation|ts|renamed_column|n|m", 'the changes are recorded');
is(run($mallory, 'ROLLBACK'), '', 'the stranger rolls back');
is($node->safe_psql('postgres', q{SELECT problem, relation, severity FROM relations.check() WHERE problem = 'pending_change' ORDER BY 2}),
	"pending_change|ts|note\npending_change|ts|note", 'check reports them');
is(keys_of('m.p', 'ts'), 'p.id <- t.y', 'readers use the new name');
is(run($bob, q{SELECT relations.preload('m.p', 'ts')}), '{"id": 1, "ts": [{"m": 5, "y": 1, "id": 1, "mood": null}, {"m": 4, "y": 1, "id": 2, "mood": null}]}', 'so do reads, with the scope');
is(stored('m.p', 'ts'), '{id}|{x}', 'the row has the old one');
flush();
is(stored('m.p', 'ts') . pending(), '{id}|{y}', 'the next declaration stores the new name');
is($node->safe_psql('postgres', q{SELECT scope FROM relations.relation WHERE relation = 'ts'}),
	'{"order": ["-m"], "where": {"m": {"gt": 0}}}', 'also in the scope');

# both rename, in a savepoint; the second change of alice follows the first
run($mallory, 'BEGIN; SAVEPOINT s; ALTER TABLE m.p RENAME id TO p_key; RELEASE s; SAVEPOINT r; ALTER TABLE m.p RENAME p_key TO key');
is(run($alice, 'ALTER TABLE a.t RENAME y TO z; ALTER TABLE a.t RENAME z TO p_id; ALTER TABLE a.t ADD z int'), '', 'nor do two renames');
run($mallory, 'COMMIT');
is(keys_of('m.p', 'ts'), 'p.key <- t.p_id', 'readers see the names of both');
flush();
is(stored('m.p', 'ts') . pending(), '{key}|{p_id}', 'both are stored');

# what a dump brings along
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME key TO id');
run($alice, 'ALTER TABLE a.t RENAME p_id TO q_id');
$node->run_log([ 'createdb', '-h', $node->host, '-p', $node->port, 'copy' ]);
my $dump = $node->basedir . '/dump.sql';
run($mallory, 'ROLLBACK');
$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres' ], 'a dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, '-d', 'copy', '-f', $dump ], 'is restored');
is($node->safe_psql('copy', q{SELECT keys FROM relations.describe('m.p') WHERE relation = 'ts'}), 'p.key <- t.q_id', 'with the changes that are not stored');
$node->safe_psql('copy', q{SELECT relations.model('a.t', hidden => '')});
is($node->safe_psql('copy', q{SELECT foreign_key FROM relations.relation WHERE relation = 'ts'}), '{q_id}', 'which the next declaration stores there, too');
run($alice, 'ALTER TABLE a.t RENAME q_id TO p_id');
is(stored('m.p', 'ts') . pending(), '{key}|{p_id}', 'a command stores what was recorded before it');
run($mallory, 'ALTER TABLE m.p RENAME key TO id');

#
# The other way: a stranger's table in a relation of one's own
#
run($alice, 'REVOKE ALL ON a.u FROM PUBLIC');
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME id TO key');
is(run($alice, 'ALTER TABLE a.u RENAME p_id TO parent_id'), '', 'a stranger in a relation of one\'s own does not block');
run($mallory, 'COMMIT');
is(keys_of('a.u', 'p'), 'u.parent_id -> p.key', 'readers see the names of both');
flush();
is(stored('a.u', 'p') . pending(), '{key}|{parent_id}', 'both are stored');

#
# A transaction that is prepared
#
run($mallory, "BEGIN; ALTER TABLE m.p RENAME key TO id; PREPARE TRANSACTION 'held'");
is(run($alice, 'ALTER TABLE a.t RENAME p_id TO x'), '', 'a prepared transaction does not block');
flush();
is(pending(), 'relation|ts|renamed_column|p_id|x', 'and is not waited for later');
run($mallory, "COMMIT PREPARED 'held'");
is(keys_of('m.p', 'ts'), 'p.id <- t.x', 'readers see the names of both');
$node->safe_psql('postgres', 'SELECT count(*) FROM relations.repair()');
is(stored('m.p', 'ts') . pending(), '{id}|{x}', 'repair stores both');

#
# Enums
#
run($alice, <<'SQL');
ALTER TABLE a.t ADD color m.color;
SELECT 1 FROM relations.define_factory('a.t', '{"color": {"one_of": ["red"]}, "mood": "good"}');
SQL
run($mallory, q{BEGIN; ALTER TYPE m.color RENAME VALUE 'red' TO 'blue'});
is(run($alice, 'ALTER TABLE a.t RENAME color TO colour'), '', 'the owner of an enum does not block');
is(run($alice, q{ALTER TYPE a.mood RENAME VALUE 'good' TO 'fine'}), '', 'nor the owner of another enum');
run($mallory, 'COMMIT');
is(run($alice, q{SELECT d - 'id' - 'm' - 'x' - 'z' FROM relations.factory_make('a.t', 1) d}), '{"mood": "fine", "colour": "blue"}', 'the factory uses all new names');
flush();
is($node->safe_psql('postgres', 'SELECT definition FROM relations.factory') . pending(), '{"mood": "fine", "colour": {"one_of": ["blue"]}}', 'and stores them');

#
# What is dropped
#
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME id TO key');
is(run($alice, 'ALTER TABLE a.t DROP COLUMN x; ALTER TABLE a.t ADD x int'), '', 'a dropped column does not wait');
run($mallory, 'ROLLBACK');
is(keys_of('m.p', 'ts'), '', 'the relation is gone, although there is a column of that name again');
flush();
is(stored('m.p', 'ts') . pending(), '', 'its row too');

run($alice, 'GRANT USAGE ON SCHEMA a TO mallory; GRANT SELECT ON a.t TO mallory');
is(run($mallory, q{SELECT kind FROM relations.has_many('m.p', 'ts', 'a.t', foreign_key => 'x', enforce => false)}), 'has_many', 'it can be declared again');
run($alice, 'REVOKE ALL ON a.t FROM mallory');
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME id TO key');
is(run($alice, 'DROP TABLE a.t'), '', 'a dropped table does not wait');
run($mallory, 'ROLLBACK');
$node->safe_psql('postgres', q{SELECT relations.model('a.u', hidden => '')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM relations.relation WHERE relation = 'ts'}) . pending(), '0', 'its relations are swept');

#
# Who may lock the table is waited for, as for a lock on the table
#
run($alice, 'GRANT SELECT ON a.u TO mallory');
run($mallory, 'BEGIN; ALTER TABLE m.p RENAME id TO key');
like(run($alice, q{SET lock_timeout = '50ms'; ALTER TABLE a.u RENAME parent_id TO p_id; RESET lock_timeout}),
	qr/^ERROR:  canceling statement due to lock timeout/, 'a role with a privilege is waited for');
run($mallory, 'ROLLBACK');
is(stored('a.u', 'p') . pending(), '{id}|{parent_id}', 'and the rename fails, so that nothing is lost');

for my $session ($alice, $mallory, $bob)
{
	close $session->{in};
	waitpid $session->{pid}, 0;
}
$node->stop;
done_testing();
