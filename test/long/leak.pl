# Sessions that live long: what a call takes is given back, whether it succeeds
# or fails.  The memory of a session, as pg_backend_memory_contexts has it, is the
# same after many calls as after some.
#
# RELATIONS_TEST_ROUNDS multiplies the calls (1,000 of most of them).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Kinds;

my $times = $ENV{RELATIONS_TEST_ROUNDS} || 1;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "synchronous_commit = off\nautovacuum = off\njit = off\n");
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION relations; CREATE SCHEMA kinds; SET client_min_messages = warning; SET search_path = kinds;\n$Kinds::schema");
# each call a statement of its own, and a transaction of its own
$node->safe_psql('postgres', <<'SQL');
CREATE PROCEDURE calls(number int, statements text[]) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. number LOOP
		FOR s IN 1 .. cardinality(statements) LOOP
			BEGIN
				EXECUTE statements[s] USING i;
			EXCEPTION WHEN OTHERS THEN
				IF SQLERRM !~ '^(meant|division)' AND SQLSTATE !~ '^(22|23|42)' THEN
					RAISE;
				END IF;
			END;
		END LOOP;
		COMMIT;
	END LOOP;
END $$;
-- bytes in use: what malloc got, less what is kept free for the next one; less what the server
-- keeps of each foreign key that a session has ever had to do with, dropped or not
CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS $$SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name <> 'RI constraint cache' AND name !~ '^Local ?Buffer'$$;
SQL

# The memory after the second run of so many calls is that after the first, but for
# the noise of caches: $slack bytes, and less than $each bytes a call.  RSS is told, not tested.
sub flat
{
	my ($name, $number, @statements) = @_;
	my ($slack, $each) = ref($statements[0]) ? @{ shift @statements } : (65536, 8);
	$number *= $times;
	my $list = 'ARRAY[' . join(', ', map { s/'/''/gr =~ s/^/'/r . "'" } @statements) . ']';
	my $some = int($number / 4) || 1;
	my $read = q{SELECT used(), (SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name !~ '^Local ?Buffer'), (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmRSS:\s*(\d+)'))[1];};
	my $grown = q{SELECT name || ' in ' || COALESCE(parent, '') || ' ' || sum(used_bytes - was) FROM (SELECT name, parent, used_bytes, 0 AS was FROM pg_backend_memory_contexts
		UNION ALL SELECT name, parent, 0, used_bytes FROM were) c GROUP BY name, parent HAVING sum(used_bytes - was) > 8192 ORDER BY sum(used_bytes - was) DESC;};
	my $out = $node->safe_psql('postgres', "SET client_min_messages = error;\nCREATE TEMPORARY TABLE were AS SELECT * FROM pg_backend_memory_contexts;\n\\o /dev/null\n$read $grown\n\\o\n"
		. "CALL calls($some, $list);\n$read\nTRUNCATE were; INSERT INTO were SELECT * FROM pg_backend_memory_contexts;\nCALL calls($number, $list);\n$read\n$grown");
	my @lines = split /\n/, $out;
	my ($before, $after) = map { [ split /\|/ ] } splice(@lines, 0, 2);
	note(map { "grown: $_\n" } @lines);
	note(sprintf('%s: %d calls: used %d -> %d bytes, total %d -> %d bytes, RSS %d -> %d kB', $name, $number * @statements, map { $before->[$_], $after->[$_] } 0 .. 2));
	cmp_ok($after->[0] - $before->[0], '<', $each * $number * @statements + $slack, "$name: used bytes do not grow");
	cmp_ok($after->[1] - $before->[1], '<', $each * $number * @statements + 4 * $slack, "$name: neither do those of malloc") if $name ne 'declare';
}

flat('first', 4000, q{SELECT relations.first('kinds.users', 'profile')});
flat('find', 2000, q{SELECT relations.find('kinds.users', $1 % 12, 'posts.tags', 'home', 'image')});
flat('query', 1000,
	q{SELECT count(*) FROM relations.query('kinds.users', jsonb_build_object('where', jsonb_build_object('level', jsonb_build_object('gt', $1 % 12)), 'order', '["-score"]'::jsonb, 'limit', 3, 'cursor', true, 'preload', '["posts"]'::jsonb))},
	q{SELECT relations.query('kinds.users', '{"nothing": 1}')},
	q{SELECT relations.query('kinds.users', '{"where": {"level": "x"}}')},
	q{SELECT d, 1 / 0 FROM relations.preload('kinds.users', 'posts.tags') d},
	q{SELECT relations.preload('kinds.users', 'posts.nothing')});
# shapes that are all different: plans are kept for some, not for ever more
flat('shapes', 4000, [ 1048576, 8 ], q{SELECT count(*) FROM relations.query('kinds.users', jsonb_build_object('preload', jsonb_build_object('n' || $1, jsonb_build_object('relation', 'posts')), 'limit', 1))});
flat('graph view', 1000, q{SELECT count(posts) FROM kinds.users_graph WHERE id = 1 + $1 % 12});
flat('load', 1000, q{SELECT relations.load(u, 'posts') FROM kinds.users u WHERE id = 1 + $1 % 12});
flat('write', 500,
	q{SELECT relations.create('kinds.users', jsonb_build_object('name', 'w', 'email', 'w' || $1, 'posts', '[{"title": "t", "tags": [{"$connect": 1}]}]'::jsonb))},
	q{SELECT relations.create('kinds.users', jsonb_build_object('name', 'w', 'email', 'w' || $1))},
	q{SELECT relations.create('kinds.users', '{"name": "w", "posts": [{"title": "t", "nothing": 1}]}')},
	q{SELECT relations.create('kinds.users', '{"name": "w", "posts": [{"title": "t", "comments": [{"id": 1}]}]}')},
	q{SELECT relations.update('kinds.users', 5, jsonb_build_object('score', $1 % 1000, 'posts', '{"$update": {"where": {"slug": "s1"}, "data": {"title": "u"}}}'::jsonb))},
	q{SELECT relations.update('kinds.users', 5, '{"level": 1000}')},
	q{SELECT relations.sync('kinds.posts', 1, 'tags', jsonb_build_array(1 + $1 % 3))},
	q{SELECT relations.upsert('kinds.tags', '{"name": "t1"}', 'name')},
	q{SELECT relations.update_or_create_related('kinds.users', 5, 'posts', '{"slug": "s1"}', '{"title": "x"}')},
	q{INSERT INTO kinds.users_graph (name, profile) VALUES ('v', '{"bio": "b"}')},
	q{DELETE FROM kinds.profiles WHERE user_id > 12},
	q{SELECT count(relations.delete('kinds.users', id)) FROM kinds.users WHERE id > 12});
flat('factory', 200,
	q{SELECT count(*) FROM relations.factory_make('kinds.users', 3, '{"with": ["posts", "profile"]}')},
	q{SELECT count(*) FROM relations.factory_create('kinds.posts', 2, '{"merge": {"user_id": 999999}}')},
	q{SELECT relations.define_factory('kinds.tags', '{"nothing": 1}')});
# DDL: the server keeps an entry for each name and object that it looked for in vain, of some 100 to 200
# bytes; creating and dropping a pivot and an index by plain SQL leaves 400 to 700 a round
flat('declare', 150, [ 65536, 100 ],
	q{SELECT relations.has_many('kinds.nodes', 'again', 'kinds.nodes', foreign_key => 'parent_id')},
	q{SELECT relations.has_many('kinds.nodes', 'again', 'kinds.nodes', foreign_key => 'nothing')},
	q{SELECT relations.find('kinds.nodes', 2, 'again')},
	q{SELECT relations.drop_relation('kinds.nodes', 'again')},
	q{SELECT relations.find('kinds.nodes', 2, 'again')},
	q{SELECT relations.many_to_many('kinds.nodes', 'tags', 'kinds.tags')},
	q{SELECT relations.drop_relation('kinds.nodes', 'tags', true)},
	q{DROP TABLE IF EXISTS kinds.node_tag});
$node->stop;
done_testing();
