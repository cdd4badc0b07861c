# What relations returns, against the SQL that an expert would write by hand,
# byte for byte: for tables, relations, rows and paths that nobody has chosen.
#
# RELATIONS_TEST_SEED gives a run again, RELATIONS_TEST_ROUNDS says how many
# rounds there are.  A round makes some models, and relations between them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{RELATIONS_TEST_SEED} || int(rand(2**31));
my $rounds = $ENV{RELATIONS_TEST_ROUNDS} || 16;
# documents that a comparison may have, all levels together
my $most = 4000;

sub below { return int(rand($_[0])) }
sub any { return $_[ below(scalar @_) ] }
sub one_in { return below($_[0]) == 0 }
sub ident { my ($s) = @_; $s =~ s/"/""/g; return qq("$s") }
sub literal { my ($s) = @_; $s =~ s/'/''/g; return "'$s'" }
sub list { return join(', ', @_) }

# types of columns, and an expression for each that gives random values
my @types = (
	[ int2 => '(random() * 60000 - 30000)::int2' ],
	[ int4 => '(random() * 4e9 - 2e9)::int4' ],
	[ int4 => 'floor(random() * 3)::int4 * 10000' ],
	[ int8 => '(random() * 1.8e19 - 9e18)::int8' ],
	[ bool => 'random() < 0.5' ],
	[ text => q{repeat((ARRAY['x', 'é', '"'])[1 + floor(random() * 3)], (ARRAY[0, 1, 2, 3, 30, 63, 64, 126, 127, 128, 129])[1 + floor(random() * 11)])} ],
	[ text => 'md5(random()::text)' ],
	[ text => 'repeat(md5(random()::text), (random() * 200)::int)' ],
	[ 'varchar(40)' => 'left(md5(random()::text), (random() * 32)::int)' ],
	[ 'char(7)' => 'left(md5(random()::text), (random() * 7)::int)' ],
	[ numeric => '((random() - 0.5) * 10::numeric ^ (random() * 30)::int)::numeric' ],
	[ numeric => q{('{NaN,Infinity,-Infinity,0,0.000,1e40,-1e-40,10000,1.10}'::numeric[])[1 + floor(random() * 9)]} ],
	[ 'numeric(12,2)' => '(random() * 1e9)::numeric(12,2)' ],
	[ float8 => '(random() - 0.5) * 10::float8 ^ (random() * 20)::int' ],
	[ float4 => q{('{NaN,-0,0.1,1e30}'::float4[])[1 + floor(random() * 4)]} ],
	[ date => q{date '2000-01-01' + (random() * 20000)::int} ],
	[ timestamp => q{timestamp '2020-01-01' + random() * interval '3 years'} ],
	[ timestamptz => q{('{infinity,2020-02-29 12:00:00.5+00,0044-03-15 12:00+00 BC}'::timestamptz[])[1 + floor(random() * 3)]} ],
	[ interval => q{random() * interval '30 days'} ],
	[ uuid => 'md5(random()::text)::uuid' ],
	[ json => q{(ARRAY['null', '"s"', '1.50', 'true', '{}', '[]', '[1, [2, [3, {}]]]', '{"b": 1, "a": {"c": null}, "b": [2.0]}'])[1 + floor(random() * 8)]::json} ],
	[ jsonb => q{(ARRAY['null', '"s"', '1.50', 'true', '{}', '[]', '[1, [2, [3, {}]]]', '{"b": 1, "a": {"c": null}, "b": [2.0]}'])[1 + floor(random() * 8)]::jsonb} ],
	[ jsonb => '(SELECT jsonb_agg(n * i) FROM generate_series(1, (ARRAY[31, 32, 33, 70])[1 + n % 4]) i)' ],
	[ 'int4[]' => 'ARRAY(SELECT i FROM generate_series(1, n % 40) i)' ],
	[ 'text[]' => q{'{a,NULL,"b c"}'::text[]} ],
	[ bytea => q{decode(md5(random()::text), 'hex')} ],
	[ mood => q{('{sad,"so \"so\"",glad}'::mood[])[1 + floor(random() * 3)]} ],
	[ pair => 'ROW(floor(random() * 9), md5(random()::text))::pair' ],
	[ positive => '1 + (random() * 100)::int' ]);

# keys: their types, those of the columns that refer to them, and the key of
# row n, which no other row has
my @keys = (
	[ ['int4'], ['int4'], ['n'] ],
	[ ['int4'], ['int8'], ['(n - 10) * 1000003'] ],
	[ ['int8'], ['int4'], ['n * 3'] ],
	[ ['int8'], ['int8'], ['n * 1000000000000'] ],
	[ ['int2'], ['int4'], ['-n'] ],
	[ ['text'], ['text'], ['md5(n::text)'] ],
	[ ['varchar(20)'], ['text'], [q{'it''s ' || n}] ],
	[ ['uuid'], ['uuid'], ['md5(n::text)::uuid'] ],
	[ ['numeric'], ['numeric'], ['n + 0.5'] ],
	[ [ 'int4', 'text' ], [ 'int4', 'text' ], [ 'n / 3', q{'k' || n % 3} ] ],
	[ [ 'uuid', 'int8', 'date' ], [ 'uuid', 'int4', 'date' ], [ 'md5((n % 4)::text)::uuid', 'n', q{date '2020-01-01' + n} ] ]);

# key columns "prefix1, prefix2", behind an alias
sub columns
{
	my ($prefix, $key, $alias) = @_;
	return map { ($alias ? "$alias." : '') . $prefix . $_ } 1 .. @{ $key->[0] };
}

sub equal
{
	my ($key, $a, $a_prefix, $b, $b_prefix) = @_;
	return join(' AND ', map { "$a.$a_prefix$_ = $b.$b_prefix$_" } 1 .. @{ $key->[0] });
}

# ---------------------------------------------------------------------
# Models and relations
# ---------------------------------------------------------------------

sub make_model
{
	my ($number) = @_;
	my $key = any(@keys);
	my $model = {
		table => ident(any('t', 'Quoted "t" ', 'ü') . $number),
		key => $key,
		rows => any(0, 1, 7, 30, 60),
		edges => []
	};
	my (@definitions, @values);
	for my $i (1 .. any(0, 1, 3, 6, 12, 12, 29, 30, 31, 32, 33))
	{
		my $type = any(@types);
		push @definitions, ident(any('c', 'Col ', 'a_long_name_of_a_column_', 'é') . $i) . " $type->[0]";
		push @values, "CASE WHEN random() < 0.85 THEN $type->[1] END";
	}
	# the key's columns stand somewhere between the others
	my $at = below(@definitions + 1);
	my @names = columns('k', $key);
	splice(@definitions, $at, 0, map { "k$_ $key->[0][$_ - 1]" } 1 .. @names);
	splice(@values, $at, 0, @{ $key->[2] });
	$model->{sql} = "CREATE TABLE $model->{table} (" . list(@definitions, 'PRIMARY KEY (' . list(@names) . ')') . ");\n"
	  . "INSERT INTO $model->{table} SELECT " . list(@values)
	  . " FROM (SELECT n FROM generate_series(1, $model->{rows}) n ORDER BY random() LIMIT $model->{rows}) n;\n";
	return $model;
}

# Columns of a table with keys of a model's rows: some null, some of no row
# unless the reference is enforced, none twice when it is for a to-one.
sub add_reference
{
	my ($table, $prefix, $model, $once, $enforced) = @_;
	my $key = $model->{key};
	my @names = columns($prefix, $key);
	my $target = list(@names);
	my $which = $once ? 'row_number() OVER (ORDER BY random())' : "1 + floor(random() * 1.2 * $model->{rows})";
	my $sql = "ALTER TABLE $table " . list(map { "ADD $prefix$_ $key->[1][$_ - 1]" } 1 .. @names) . ";\n"
	  . "UPDATE $table t SET ($target) = (SELECT " . list(columns('k', $key))
	  . " FROM (SELECT *, row_number() OVER (ORDER BY " . list(columns('k', $key)) . ") AS no FROM $model->{table}) m WHERE no = x.no)"
	  . " FROM (SELECT ctid AS place, $which AS no FROM $table) x WHERE t.ctid = x.place;\n";
	$sql .= "UPDATE $table SET $prefix" . (1 + below(scalar @names)) . " = NULL WHERE random() < 0.05;\n";
	if (!$enforced && !$once)
	{
		my @of_none = map { s/\bn\b/1000/gr } @{ $key->[2] };
		$sql .= "UPDATE $table SET ($target) = ROW(" . list(@of_none) . ") WHERE random() < 0.1;\n";
	}
	return $sql;
}

sub make_edge
{
	my ($number, @models) = @_;
	my ($from, $to) = (any(@models), any(@models));
	my $enforced = one_in(2);
	my $edge = {
		name => any('r', 'related_', 'R ', 'ü') . $number,
		kind => any('belongs_to', 'has_many', 'has_many', 'has_one', 'many_to_many', 'many_to_many'),
		to => $to
	};
	my @arguments = (literal($from->{table}), literal($edge->{name}), literal($to->{table}));
	my %options = (enforce => $enforced ? 'true' : 'false');
	my $sql;
	if ($edge->{kind} eq 'belongs_to')
	{
		$sql = add_reference($from->{table}, "f${number}_", $to, 0, $enforced);
		$edge->{on} = sub { equal($to->{key}, $_[0], "f${number}_", $_[1], 'k') };
		$options{foreign_key} = literal(list(columns("f${number}_", $to->{key})));
		$options{local_key} = literal(list(columns('k', $to->{key})));
		$edge->{fan} = 1;
	}
	elsif ($edge->{kind} ne 'many_to_many')
	{
		$sql = add_reference($to->{table}, "f${number}_", $from, $edge->{kind} eq 'has_one', $enforced);
		$edge->{on} = sub { equal($from->{key}, $_[0], 'k', $_[1], "f${number}_") };
		$options{foreign_key} = literal(list(columns("f${number}_", $from->{key})));
		$options{local_key} = literal(list(columns('k', $from->{key})));
		$edge->{fan} = $to->{rows} / ($from->{rows} || 1);
	}
	else
	{
		my $pivot = $edge->{pivot} = "pivot$number";
		my @own = columns('a', $from->{key});
		my @other = columns('b', $to->{key});
		my $rows = any(0, 20, 100);
		$sql = "CREATE TABLE $pivot (level int, note text);\n"
		  . "INSERT INTO $pivot SELECT floor(random() * 100), CASE WHEN random() < 0.8 THEN md5(n::text) END FROM generate_series(1, $rows) n;\n"
		  . add_reference($pivot, 'a', $from, 0, $enforced) . add_reference($pivot, 'b', $to, 0, $enforced)
		  # of a pair that stands twice nothing says which is first
		  . "DELETE FROM $pivot p USING $pivot q WHERE (" . list(map { "p.$_" } @own, @other) . ') = ('
		  . list(map { "q.$_" } @own, @other) . ") AND p.ctid > q.ctid;\n";
		$edge->{on} = sub { equal($from->{key}, $_[0], 'k', 'p', 'a') . ' AND ' . equal($to->{key}, $_[1], 'k', 'p', 'b') };
		%options = (
			%options,
			pivot_table => literal($pivot),
			local_key => literal(list(columns('k', $from->{key}))),
			related_key => literal(list(columns('k', $to->{key}))),
			pivot_foreign_key => literal(list(@own)),
			pivot_related_foreign_key => literal(list(@other)));
		$edge->{pivot_columns} = any([], ['level'], [ 'note', 'level' ]);
		$options{pivot_columns} = literal(list(@{ $edge->{pivot_columns} })) if @{ $edge->{pivot_columns} };
		$edge->{fan} = $rows / ($from->{rows} || 1);
	}
	push @{ $from->{edges} }, $edge;
	$edge->{sql} = $sql . "SELECT relations.$edge->{kind}(" . list(@arguments, map { "$_ => $options{$_}" } sort keys %options) . ");\n";
	return $edge;
}

# ---------------------------------------------------------------------
# Graphs
# ---------------------------------------------------------------------

# Some relations of a model, and what is below them: [edge, tree], ...
sub make_tree
{
	my ($model, $documents, $depth) = @_;
	my @tree;
	for my $edge (@{ $model->{edges} })
	{
		my $more = $documents * ($edge->{fan} > 1 ? $edge->{fan} : 1);
		next if $more > $most || one_in(3);
		push @tree, [ $edge, $depth < 4 ? make_tree($edge->{to}, $more, $depth + 1) : [] ];
	}
	return \@tree;
}

# the paths to the leaves of a tree
sub paths
{
	my ($tree, $prefix) = @_;
	my @paths;
	for my $branch (@$tree)
	{
		my $path = $prefix . ident($branch->[0]{name});
		push @paths, @{ $branch->[1] } ? paths($branch->[1], "$path.") : ($path);
	}
	return @paths;
}

# the expression of a document
my $aliases;
sub document
{
	my ($alias, $tree) = @_;
	my $sql = "to_jsonb($alias)";
	for my $branch (@$tree)
	{
		my ($edge, $below) = @$branch;
		my $to = $edge->{to};
		my $child = 'row_' . ++$aliases;
		my $value = document($child, $below);
		my $from = "FROM $to->{table} $child" . ($edge->{pivot} ? ", $edge->{pivot} p" : '') . ' WHERE ' . $edge->{on}->($alias, $child);
		# the pivot is the nearest one of that name, so nothing below may need it
		$value .= " || jsonb_build_object('pivot', jsonb_build_object(" . list(map { "'$_', p.$_" } @{ $edge->{pivot_columns} }) . '))'
		  if @{ $edge->{pivot_columns} || [] };
		if ($edge->{kind} =~ /many$/)
		{
			my $order = list(columns('k', $to->{key}, $child));
			$value = "COALESCE((SELECT jsonb_agg($value ORDER BY $order) $from), '[]')";
		}
		else
		{
			$value = "(SELECT $value $from)";
		}
		$sql .= ' || jsonb_build_object(' . literal($edge->{name}) . ", $value)";
	}
	return $sql;
}

# Compare all ways to read a graph with the hand-written one.  Each statement
# gives a name, how many documents there were, and how many were wrong.
sub comparisons
{
	my ($model, $tree) = @_;
	my @paths = map { literal($_) } paths($tree, '');
	my $table = literal($model->{table});
	my $array = 'ARRAY[' . list(@paths) . ']::text[]';
	my $key = list(columns('k', $model->{key}, 'm'));
	my $text = @{ $model->{key}[0] } == 1 ? 'm.k1::text' : "ROW($key)::text";
	my $all = 'count(*), count(*) FILTER (WHERE same(r.j, h.j) IS NOT TRUE)';
	my $texts = 'count(*), count(*) FILTER (WHERE r.j::text IS DISTINCT FROM h.j::text)';
	my $full = 'WITH ORDINALITY r (j, n) FULL JOIN hand h USING (n)';
	my $memory = any('64kB', '64kB', '256kB', '32MB');
	$aliases = 0;
	return "CREATE TEMP TABLE hand AS SELECT row_number() OVER (ORDER BY $key) AS n, m.ctid AS place, $text AS key, "
	  . document('m', $tree) . " AS j FROM $model->{table} m;\n"
	  . "SET relations.batch_memory = '$memory';\n"
	  . "SELECT 'preload', $all FROM relations.preload($table, VARIADIC $array) $full;\n"
	  . "SELECT 'query', $all FROM relations.query($table, jsonb_build_object('preload', $array)) $full;\n"
	  . "SELECT 'find', $all FROM (SELECT * FROM hand LIMIT 12) h, LATERAL relations.find($table, h.key, VARIADIC $array) r (j);\n"
	  . "SELECT 'first', $all FROM relations.first($table, VARIADIC $array) r (j), hand h WHERE n = 1;\n"
	  . "SELECT 'load', $all FROM (SELECT * FROM hand LIMIT 12) h JOIN $model->{table} m ON m.ctid = place, LATERAL relations.load(m, VARIADIC $array) r (j);\n"
	  . "SELECT 'preload_json', $texts FROM relations.preload_json($table, VARIADIC $array) $full;\n"
	  . "SELECT 'query_json', $texts FROM relations.query_json($table, jsonb_build_object('preload', $array)) $full;\n"
	  . "SELECT 'find_json', $texts FROM (SELECT * FROM hand LIMIT 12) h, LATERAL relations.find_json($table, h.key, VARIADIC $array) r (j);\n"
	  . "SELECT 'first_json', $texts FROM relations.first_json($table, VARIADIC $array) r (j), hand h WHERE n = 1;\n"
	  . "DROP TABLE hand;\n";
}

# ---------------------------------------------------------------------
# The rounds
# ---------------------------------------------------------------------
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;
note("RELATIONS_TEST_SEED=$seed");
my %documents;

$node->safe_psql('postgres', q{CREATE DATABASE random TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('random', <<'SQL');
CREATE EXTENSION relations;
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'glad');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
-- *= compares the bytes; the arrays give both sides the same kind of header
CREATE TYPE holder AS (held jsonb[]);
CREATE FUNCTION same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT a = b AND ROW(ARRAY[a])::holder *= ROW(ARRAY[b])::holder $$;
SQL

# Run a script; its output, and its errors and warnings.
sub run
{
	my ($round, $sql) = @_;
	my ($status, $output, $errors) = $node->psql('random',
		"SET client_min_messages = warning;\nSET search_path = round$round, public;\n$sql", on_error_stop => 1);
	return ($output, $errors);
}

for my $round (1 .. $rounds)
{
	srand($seed + $round);
	my @models = map { make_model($_) } 1 .. 2 + below(3);
	my @edges = map { make_edge($_, @models) } 1 .. 2 * @models;
	my ($output, $errors) = run($round, "CREATE SCHEMA round$round;\nSELECT setseed(" . ($seed + $round) % 1000003 / 1000003 . ");\n"
		  . join('', map { $_->{sql} } @models, @edges));
	my @wrong = $errors eq '' ? () : ($errors);
	for (1 .. 4)
	{
		my $model = any(@models);
		my $tree = make_tree($model, $model->{rows}, 1);
		($output, $errors) = run($round, comparisons($model, $tree));
		push @wrong, $errors if $errors ne '';
		for (split /\n/, $output)
		{
			my ($way, $count, $bad) = split /\|/;
			$documents{$way} += $count;
			push @wrong, "$way of $model->{table} with " . join(', ', paths($tree, '')) . ": $bad of $count differ" if $bad;
		}
	}
	is(join("\n", @wrong), '', "round $round of seed $seed");
	run($round, "DROP SCHEMA round$round CASCADE");
}
is($node->safe_psql('random', 'SELECT count(*) FROM relations.relation'), '0', 'the relations went with their tables');
cmp_ok($documents{$_} || 0, '>', 0, "documents were compared: $_") for qw(preload query find first load preload_json query_json find_json first_json);
note("documents by $_: $documents{$_}") for sort keys %documents;

done_testing();
