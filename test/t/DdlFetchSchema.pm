# The tables, relations and statements of test/t/ddl_fetch.pl: documents, and
# hand-written SQL for the same rows, for whatever the tables and columns are
# called at the time.
package DdlFetchSchema;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;

our @EXPORT_OK = qw(below any one_in literal table column columns_of read_names names_sql random_read read_sql slots_of $setup $roles);

my $json = JSON::PP->new->canonical;

sub below { return int(rand($_[0])) }
sub any { return $_[ below(scalar @_) ] }
sub one_in { return below($_[0]) == 0 }
sub literal { my ($s) = @_; $s =~ s/'/''/g; return "'$s'" }

our $roles = <<'SQL';
CREATE ROLE alice LOGIN;
CREATE ROLE bob LOGIN;
SQL

# What each database begins with.  All belongs to alice; bob may read it.
our $setup = <<'SQL';
CREATE EXTENSION relations;
CREATE SCHEMA app AUTHORIZATION alice;
CREATE SCHEMA next AUTHORIZATION alice;
GRANT USAGE, CREATE ON SCHEMA app, next TO bob;
SET SESSION AUTHORIZATION alice;
SET search_path = app;
CREATE TABLE countries (id int PRIMARY KEY, name text);
CREATE TABLE users (id int PRIMARY KEY, name text, country_id int REFERENCES countries, score int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, views int);
CREATE INDEX posts_user_id_idx ON posts (user_id);
CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts, body text);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users, bio text);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE tag_user (user_id int REFERENCES users, tag_id int REFERENCES tags, weight int, PRIMARY KEY (user_id, tag_id));
CREATE TABLE events (id int, user_id int, kind text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (300);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (300) TO (600);
CREATE TABLE events_3 (id int NOT NULL, user_id int, kind text);
CREATE INDEX ON events (user_id);
CREATE TABLE animals (id int PRIMARY KEY, user_id int, name text);
CREATE TABLE cats () INHERITS (animals);
CREATE INDEX ON animals (user_id);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int, body text);
CREATE TABLE categories (id int PRIMARY KEY, parent_id int REFERENCES categories, name text);
CREATE TABLE other (id int PRIMARY KEY, user_id int, title int8, views int8);
CREATE TABLE next.users (id int PRIMARY KEY, name int8, country_id int, score text);
CREATE TABLE next.posts (id int PRIMARY KEY, user_id int, title int8, views text);
CREATE VIEW people AS SELECT id, name FROM users;
CREATE VIEW headlines AS SELECT id, user_id, title FROM posts;
INSERT INTO countries SELECT g, 'c' || g FROM generate_series(1, 5) g;
INSERT INTO users SELECT g, repeat('u', 150) || g, g % 5 + 1, g * 7 % 50 FROM generate_series(1, 300) g;
INSERT INTO posts SELECT g, g * 7 % 300 + 1, repeat('t', 30) || g, g % 10 FROM generate_series(1, 900) g;
INSERT INTO comments SELECT g, g * 11 % 900 + 1, 'b' || g FROM generate_series(1, 900) g;
INSERT INTO profiles SELECT g, g, repeat('p', 100) FROM generate_series(1, 300, 2) g;
INSERT INTO tags SELECT g, 'tag' || g FROM generate_series(1, 6) g;
INSERT INTO tag_user SELECT u, t, u % 4 FROM generate_series(1, 300) u, generate_series(1, 6) t WHERE (u + t) % 3 = 0;
INSERT INTO events SELECT g, g * 7 % 300 + 1, 'e' || g FROM generate_series(0, 599) g;
INSERT INTO events_3 SELECT g, g % 300 + 1, 'late' FROM generate_series(600, 650) g;
INSERT INTO animals SELECT g, g * 7 % 300 + 1, 'a' || g FROM generate_series(1, 150) g;
INSERT INTO cats SELECT g, g * 7 % 300 + 1, 'cat' || g FROM generate_series(151, 300) g;
INSERT INTO categories SELECT g, NULLIF(g / 3, 0), 'k' || g FROM generate_series(1, 100) g;
INSERT INTO other SELECT g, g % 300 + 1, 81985529216486895, g FROM generate_series(1, 900) g;
INSERT INTO next.users SELECT g, 81985529216486895, 1, 's' FROM generate_series(1, 300) g;
INSERT INTO next.posts SELECT g, g % 300 + 1, 81985529216486895, 'v' FROM generate_series(1, 900) g;
SELECT relations.has_many('users', 'posts', 'posts');
SELECT relations.has_one('users', 'profile', 'profiles');
SELECT relations.belongs_to('users', 'country', 'countries');
SELECT relations.has_many('countries', 'users', 'users');
SELECT relations.has_many_through('countries', 'posts', 'posts', 'users');
SELECT relations.belongs_to('posts', 'user', 'users');
SELECT relations.has_many('posts', 'comments', 'comments');
SELECT relations.many_to_many('users', 'tags', 'tags', pivot_columns => 'weight');
SELECT relations.has_many('users', 'events', 'events', foreign_key => 'user_id', enforce => false);
SELECT relations.has_many('users', 'animals', 'animals', foreign_key => 'user_id', enforce => false);
SELECT relations.morph_to('notes', 'about', '{"user": "users", "post": "posts"}');
SELECT relations.morph_many('users', 'notes', 'notes', 'about');
SELECT relations.has_many('categories', 'children', 'categories', foreign_key => 'parent_id');
SELECT relations.model('people', primary_key => 'id');
SELECT relations.model('headlines', primary_key => 'id');
SELECT relations.has_many('people', 'posts', 'posts', foreign_key => 'user_id', local_key => 'id', enforce => false);
SELECT relations.has_many('users', 'headlines', 'headlines', foreign_key => 'user_id', local_key => 'id', enforce => false);
INSERT INTO notes SELECT g, CASE WHEN g % 2 = 0 THEN 'user' ELSE 'post' END, g % 300 + 1, 'n' || g FROM generate_series(1, 600) g;
SELECT relations.create_view('countries_graph', 'countries', 'users.posts');
GRANT SELECT ON ALL TABLES IN SCHEMA app, next TO bob;
RESET SESSION AUTHORIZATION;
CREATE SCHEMA fuzz;
GRANT USAGE ON SCHEMA fuzz TO PUBLIC;
CREATE TABLE fuzz.slot (slot text, oid oid);
INSERT INTO fuzz.slot SELECT CASE WHEN nspname = 'app' THEN '' ELSE nspname || '_' END || relname, c.oid
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('app', 'next');
GRANT SELECT ON fuzz.slot TO PUBLIC;
GRANT CREATE ON SCHEMA public TO alice, bob;

-- Read documents in a loop and run a command after one of them; compare with hand-written SQL.
CREATE FUNCTION fuzz.differ(expected text[], got text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(got) LOOP
		IF got[i] IS DISTINCT FROM expected[i] THEN
			RETURN format('differ: row %s is %s, expected %s', i, got[i], expected[i]);
		END IF;
	END LOOP;
	RETURN 'same';
END $$;
CREATE FUNCTION fuzz.loop(documents text, twin text, at int, command text, how int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	expected text[];
	got text[] := '{}';
	document text;
	state text := '';
	failed text := '';
BEGIN
	EXECUTE format('SELECT array_agg(d) FROM (%s) AS s(d)', twin) INTO expected;
	BEGIN
		FOR document IN EXECUTE documents LOOP
			got := got || document;
			IF cardinality(got) = at THEN
				BEGIN
					EXECUTE command;
					state := 'done';
					IF how = 1 THEN
						RAISE EXCEPTION 'back' USING ERRCODE = 'ZZ001';
					END IF;
				EXCEPTION WHEN OTHERS THEN
					state := SQLSTATE;
				END;
				IF how = 2 THEN
					EXIT;
				END IF;
			END IF;
		END LOOP;
	EXCEPTION WHEN OTHERS THEN
		failed := SQLSTATE || ' ' || SQLERRM;
	END;
	IF failed = '' AND how <> 2 AND cardinality(got) IS DISTINCT FROM coalesce(cardinality(expected), 0) THEN
		RETURN format('%s|%s|differ: %s rows, expected %s', state, failed, cardinality(got), cardinality(expected));
	END IF;
	RETURN format('%s|%s|%s', state, failed, fuzz.differ(expected, got));
END $$;
-- Like fuzz_loop(), but in a procedure that commits in the loop.
CREATE PROCEDURE fuzz.commit(documents text, twin text, at int, command text, how int, INOUT result text) LANGUAGE plpgsql AS $$
DECLARE
	expected text[];
	got text[] := '{}';
	document text;
	state text := '';
BEGIN
	EXECUTE format('SELECT array_agg(d) FROM (%s) AS s(d)', twin) INTO expected;
	FOR document IN EXECUTE documents LOOP
		got := got || document;
		IF cardinality(got) = at THEN
			BEGIN
				EXECUTE command;
				state := 'done';
			EXCEPTION WHEN OTHERS THEN
				state := SQLSTATE;
			END;
			IF how = 1 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END IF;
	END LOOP;
	IF cardinality(got) IS DISTINCT FROM coalesce(cardinality(expected), 0) THEN
		result := format('%s||differ: %s rows, expected %s', state, cardinality(got), cardinality(expected));
	ELSE
		result := format('%s||%s', state, fuzz.differ(expected, got));
	END IF;
END $$;
-- Run a command when a document of the same statement passes.
CREATE FUNCTION fuzz.at(document text, at int, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	passed int := coalesce(nullif(current_setting('fuzz.passed', true), ''), '0')::int + 1;
BEGIN
	PERFORM set_config('fuzz.passed', passed::text, false);
	IF passed = at THEN
		BEGIN
			EXECUTE command;
		EXCEPTION WHEN OTHERS THEN
			PERFORM set_config('fuzz.failed', SQLSTATE, false);
		END;
	END IF;
	RETURN document;
END $$;
SQL

# Columns that no document shows, by number.
my %hidden = (notes => { 5 => 1, 6 => 1 });

# Relations by model: the kind, the related table and the columns by number.
my %relations = (
	users => {
		posts => { kind => 'many', to => 'posts', local => 1, foreign => 2 },
		profile => { kind => 'one', to => 'profiles', local => 1, foreign => 2 },
		country => { kind => 'one', to => 'countries', local => 3, foreign => 1 },
		tags => { kind => 'pivot', to => 'tags', pivot => 'tag_user', local => 1, pivot_local => 1, pivot_related => 2, related => 1, columns => [3] },
		events => { kind => 'many', to => 'events', local => 1, foreign => 2 },
		animals => { kind => 'many', to => 'animals', local => 1, foreign => 2 },
		notes => { kind => 'many', to => 'notes', local => 1, foreign => 3, type => 2, value => 'user' },
		headlines => { kind => 'many', to => 'headlines', local => 1, foreign => 2 },
	},
	posts => {
		user => { kind => 'one', to => 'users', local => 2, foreign => 1 },
		comments => { kind => 'many', to => 'comments', local => 1, foreign => 2 },
	},
	countries => {
		users => { kind => 'many', to => 'users', local => 1, foreign => 3 },
		posts => { kind => 'through', to => 'posts', pivot => 'users', local => 1, pivot_local => 3, pivot_related => 1, related => 2 },
	},
	people => { posts => { kind => 'many', to => 'posts', local => 1, foreign => 2 } },
	categories => { children => { kind => 'many', to => 'categories', local => 1, foreign => 2 } },
);
my @models = qw(users users users users posts countries people categories);

# ---------------------------------------------------------------------
# What things are called
# ---------------------------------------------------------------------

# Names of tables and columns from the caches of the server, which know what the session's snapshot may not.
sub names_sql
{
	return <<'SQL' =~ s/\n\s*/ /gr =~ s/ $//r;
SELECT slot || '|' || a || '|' || CASE WHEN a = 0 THEN has_table_privilege(s.oid, 'SELECT') ELSE has_column_privilege(s.oid, a::int2, 'SELECT') END || '|' || array_to_string(n, '|')
FROM fuzz.slot s, generate_series(0, 9) a, LATERAL (SELECT object_names FROM pg_identify_object_as_address('pg_class'::regclass, s.oid, a)) i(n)
WHERE n IS NOT NULL ORDER BY 1
SQL
}

sub read_names
{
	my %names;
	for (@_)
	{
		my ($slot, $number, $readable, $schema, $table, $column) = split /\|/;
		if ($number == 0)
		{
			@{ $names{$slot} }{qw(schema table)} = ($schema, $table);
		}
		elsif ($column !~ /^\.\.\.\.\.\.\.\.pg\.dropped/)
		{
			$names{$slot}{columns}{$number} = $column;
			$names{$slot}{readable}{$number} = $readable =~ /^t/;
		}
	}
	return \%names;
}

sub table { my ($names, $slot) = @_; return qq("$names->{$slot}{schema}"."$names->{$slot}{table}") }

sub column { my ($names, $slot, $number) = @_; return $names->{$slot}{columns}{$number} }

# The numbers of the columns that a document shows to the session.
sub columns_of
{
	my ($names, $slot) = @_;
	return grep { $names->{$slot}{readable}{$_} && !$hidden{$slot}{$_} } sort { $a <=> $b } keys %{ $names->{$slot}{columns} };
}

# ---------------------------------------------------------------------
# What is read
# ---------------------------------------------------------------------

# Whether a relation can be read with what there is.
sub possible
{
	my ($names, $model, $r) = @_;
	my @needed = ([ $model, $r->{local} ], [ $r->{to}, 1 ]);
	push @needed, map { [ $r->{pivot}, $_ ] } grep { defined } @$r{qw(pivot_local pivot_related)}, @{ $r->{columns} // [] } if $r->{pivot};
	push @needed, map { [ $r->{to}, $_ ] } grep { defined } @$r{qw(foreign related type)};
	return !grep { !exists $names->{ $_->[0] } || !defined $names->{ $_->[0] }{columns}{ $_->[1] } } @needed;
}

# What is asked of the rows of one level: columns, conditions, an order, a limit.
sub random_options
{
	my ($names, $slot, $is_root) = @_;
	my %options;
	my @columns = columns_of($names, $slot);
	my @others = grep { $_ != 1 } @columns;
	$options{select} = [ 1, grep { one_in(2) } @others ] if one_in(4);
	$options{where} = { column => 1, operator => any(qw(gte lte)), value => any(20, 100, 200, 280) } if one_in(5);
	$options{order} = { column => any(@others), desc => one_in(2) } if @others && one_in(4);
	$options{limit} = $is_root ? any(10, 70, 150, 250) : any(1, 2) if one_in(5);
	return \%options;
}

# A tree of relations below a model.
sub random_tree
{
	my ($names, $model, $depth, $style) = @_;
	my %tree;
	my @possible = grep { possible($names, $model, $relations{$model}{$_}) } sort keys %{ $relations{$model} // {} };
	for my $name (@possible)
	{
		next unless one_in(@possible > 3 ? 3 : 2);
		my $r = $relations{$model}{$name};
		$tree{$name} = {
			slot => $r->{to},
			relation => $r,
			options => $style eq 'query' && $r->{kind} eq 'many' ? random_options($names, $r->{to}, 0) : {},
			below => $depth > 1 ? random_tree($names, $r->{to}, $depth - 1, $style) : {},
			count => $style eq 'query' && one_in(8) };
	}
	return \%tree;
}

# Something to read: a model, relations, and the function that reads it, at once or by a cursor.  Undefined when
# nothing is left.
sub random_read
{
	my ($names, $at_once) = @_;
	my @left = grep { exists $names->{$_} && defined $names->{$_}{columns}{1} } @models;
	return unless @left;
	my $form = any(qw(path path path path_json path_json query query query_json query_json load view scan), $at_once ? qw(find find_json first first_json page page related related) : ());
	if ($form eq 'view')
	{
		$form = 'path';
		if ($names->{countries_graph} && $names->{countries} && possible($names, 'countries', $relations{countries}{users}) &&
			possible($names, 'users', $relations{users}{posts}))
		{
			return { form => 'view', slot => 'countries', options => { select => [ 1, 2 ] }, below => {
				users => { slot => 'users', relation => $relations{countries}{users}, options => {}, below => {
					posts => { slot => 'posts', relation => $relations{users}{posts}, options => {}, below => {} } } } } };
		}
	}
	my $slot = any(@left);
	my $style = $form =~ /^query|page/ ? 'query' : 'path';
	my $read = { form => $form, slot => $slot, options => $style eq 'query' ? random_options($names, $slot, 1) : {},
		below => random_tree($names, $slot, any(1, 2, 3), $style), key => 1 + below(300) };
	delete $read->{options}{limit} if $form eq 'page';
	if ($form eq 'related')
	{
		my @many = grep { $read->{below}{$_}{relation}{kind} eq 'many' } sort keys %{ $read->{below} };
		return { %$read, form => 'find' } unless @many;
		my $name = any(@many);
		$read->{below} = { $name => $read->{below}{$name} };
	}
	return $read;
}

# The tables that a read needs.
sub slots_of
{
	my ($read) = @_;
	my %seen = ($read->{slot} => 1);
	for my $child (values %{ $read->{below} })
	{
		$seen{$_} = 1 for slots_of($child);
		$seen{ $child->{relation}{pivot} } = 1 if $child->{relation}{pivot};
	}
	return sort keys %seen;
}

# ---------------------------------------------------------------------
# Hand-written SQL
# ---------------------------------------------------------------------

# ORDER BY of a level.
sub order_sql
{
	my ($names, $node, $alias) = @_;
	my $order = $node->{options}{order};
	my $key = $alias . '."' . column($names, $node->{slot}, 1) . '"';
	return $key unless $order;
	return qq($alias."@{[column($names, $node->{slot}, $order->{column})]}") . ($order->{desc} ? ' DESC' : '') . ", $key";
}

sub where_sql
{
	my ($names, $node, $alias) = @_;
	my $where = $node->{options}{where} // return 'true';
	return qq($alias."@{[column($names, $node->{slot}, $where->{column})]}") . ($where->{operator} eq 'gte' ? ' >= ' : ' <= ') . "'$where->{value}'";
}

my $aliases = 0;

# jsonb_build_object() of a row and of what is below it.
sub object_sql
{
	my ($names, $node, $alias, %more) = @_;
	my @columns = $node->{options}{select} ? @{ $node->{options}{select} } : columns_of($names, $node->{slot});
	my @members = map { my $c = column($names, $node->{slot}, $_); [ literal($more{fixed} ? $more{fixed}{$_} : $c), qq($alias."$c") ] } @columns;
	for my $name (sort keys %{ $node->{below} })
	{
		my $child = $node->{below}{$name};
		my $r = $child->{relation};
		my $to = table($names, $r->{to});
		my $row = 'a' . ++$aliases;
		my $pivot = 'a' . ++$aliases;
		my $c = sub { qq($_[0]."@{[column($names, $_[1], $_[2])]}") };
		my ($from, $where, $extra) = ("$to $row", '', undef);
		if ($r->{pivot})
		{
			$from .= ' JOIN ' . table($names, $r->{pivot}) . " $pivot ON " . $c->($pivot, $r->{pivot}, $r->{pivot_related}) . ' = ' . $c->($row, $r->{to}, $r->{related});
			$where = $c->($pivot, $r->{pivot}, $r->{pivot_local}) . ' = ' . $c->($alias, $node->{slot}, $r->{local});
			my @shown = grep { $names->{ $r->{pivot} }{readable}{$_} } @{ $r->{columns} // [] };
			$extra = [ "'pivot'", 'jsonb_build_object(' . join(', ', map { (literal(column($names, $r->{pivot}, $_)), $c->($pivot, $r->{pivot}, $_)) } @shown) . ')' ] if $r->{columns};
		}
		else
		{
			$where = $c->($row, $r->{to}, $r->{foreign}) . ' = ' . $c->($alias, $node->{slot}, $r->{local});
			$where .= ' AND ' . $c->($row, $r->{to}, $r->{type}) . " = '$r->{value}'" if $r->{type};
		}
		$where .= ' AND ' . where_sql($names, $child, $row);
		push @members, [ literal("${name}_number"), "(SELECT count(*) FROM $from WHERE $where)" ] if $child->{count};
		if ($child->{options}{limit})
		{
			$from = "(SELECT $row.* FROM $from WHERE $where ORDER BY " . order_sql($names, $child, $row) . " LIMIT $child->{options}{limit}) $row";
			$where = 'true';
		}
		my $object = object_sql($names, $child, $row, extra => $extra);
		push @members, [ literal($name), $r->{kind} eq 'one' ? "(SELECT $object FROM $from WHERE $where)"
			: "COALESCE((SELECT jsonb_agg($object ORDER BY " . order_sql($names, $child, $row) . ") FROM $from WHERE $where), '[]')" ];
	}
	push @members, $more{extra} if $more{extra};
	# a function takes no more than 100 arguments
	my @parts;
	push @parts, 'jsonb_build_object(' . join(', ', map { @$_ } splice(@members, 0, 40)) . ')' while @members;
	return @parts ? '(' . join(' || ', @parts) . ')' : "'{}'::jsonb";
}

# ---------------------------------------------------------------------
# Documents
# ---------------------------------------------------------------------

sub paths
{
	my ($below) = @_;
	return map { my $name = $_; my @more = paths($below->{$name}{below}); @more ? map { "$name.$_" } @more : $name } sort keys %$below;
}

# The query document of a level.
sub document
{
	my ($names, $node) = @_;
	my %document;
	my $options = $node->{options};
	my $c = sub { column($names, $node->{slot}, $_[0]) };
	$document{select} = [ map { $c->($_) } @{ $options->{select} } ] if $options->{select};
	$document{where} = { $c->($options->{where}{column}) => { $options->{where}{operator} => "$options->{where}{value}" } } if $options->{where};
	$document{order} = [ ($options->{order}{desc} ? '-' : '') . $c->($options->{order}{column}) ] if $options->{order};
	$document{limit} = $options->{limit} if $options->{limit};
	$document{preload} = { map { $_ => document($names, $node->{below}{$_}) } keys %{ $node->{below} } } if %{ $node->{below} };
	for my $name (grep { $node->{below}{$_}{count} } keys %{ $node->{below} })
	{
		my $where = document($names, $node->{below}{$name})->{where};
		$document{count}{"${name}_number"} = { relation => $name, $where ? (where => $where) : () };
	}
	return \%document;
}

# The statement over documents and the hand-written one, each of one column of text.
sub read_sql
{
	my ($names, $read) = @_;
	my $form = $read->{form};
	my $table = table($names, $read->{slot});
	$aliases = 0;
	my $fixed = $form eq 'view' ? { 1 => 'id', 2 => 'name' } : undef;
	my $paths = join ', ', map { literal($_) } paths($read->{below});
	my $model = literal($table);
	my $key = '"' . column($names, $read->{slot}, 1) . '"';
	if ($form =~ /^(find|first)(.*)/)
	{
		return ("SELECT relations.$form($model" . ($1 eq 'find' ? ", $read->{key}" : '') . ($paths ? ", $paths" : '') . ')',
			'SELECT (SELECT ' . object_sql($names, $read, 'm') . " FROM $table m" . ($1 eq 'find' ? " WHERE m.$key = '$read->{key}'" : " ORDER BY m.$key LIMIT 1") . ')');
	}
	if ($form eq 'page')
	{
		my $page = $read->{key} % 5 + 1;
		my $rows = "FROM $table m WHERE " . where_sql($names, $read, 'm');
		my $order = order_sql($names, $read, 'm');
		return ("SELECT relations.paginate($model, " . literal($json->encode(document($names, $read))) . ", $page, 13)",
			"SELECT jsonb_build_object('data', COALESCE((SELECT jsonb_agg(d ORDER BY n) FROM (SELECT " . object_sql($names, $read, 'm') . " AS d, row_number() OVER (ORDER BY $order) AS n $rows ORDER BY $order LIMIT 13 OFFSET " . 13 * ($page - 1) . ") s), '[]'), " .
				"'meta', (SELECT jsonb_build_object('total', count(*), 'per_page', 13, 'current_page', $page, 'last_page', greatest((count(*) + 12) / 13, 1)) $rows))");
	}
	if ($form eq 'related')
	{
		my ($name, $child) = %{ $read->{below} };
		my $r = $child->{relation};
		my $c = sub { qq(m."@{[column($names, $r->{to}, $_[0])]}") };
		return ("SELECT relations.query_related($model, $read->{key}, '$name', " . literal($json->encode(document($names, $child))) . ')',
			'SELECT ' . object_sql($names, $child, 'm') . ' FROM ' . table($names, $r->{to}) . ' m WHERE ' . $c->($r->{foreign}) . " = '$read->{key}' AND EXISTS (SELECT FROM $table WHERE $key = '$read->{key}')" . ($r->{type} ? ' AND ' . $c->($r->{type}) . " = '$r->{value}'" : '') .
				' AND ' . where_sql($names, $child, 'm') . ' ORDER BY ' . order_sql($names, $child, 'm') . ($child->{options}{limit} ? " LIMIT $child->{options}{limit}" : ''));
	}
	my $twin = 'SELECT ' . object_sql($names, $read, 'm', fixed => $fixed) . "::text FROM $table m WHERE " . where_sql($names, $read, 'm') .
		' ORDER BY ' . order_sql($names, $read, 'm');
	$twin .= " LIMIT $read->{options}{limit}" if $read->{options}{limit};
	my $documents =
		$form =~ /^path(.*)/ ? "SELECT relations.preload$1($model" . ($paths ? ", $paths" : '') . ')'
		: $form =~ /^query(.*)/ ? "SELECT relations.query$1($model, " . literal($json->encode(document($names, $read))) . ')'
		: $form eq 'scan' ? "SELECT d FROM relations.preload($model" . ($paths ? ", $paths" : '') . ') d'
		: $form eq 'load' ? 'SELECT relations.load(m' . ($paths ? ", $paths" : '') . ") FROM $table m ORDER BY m.$key"
		: 'SELECT jsonb_build_object(\'id\', id, \'name\', name, \'users\', users) FROM ' . table($names, 'countries_graph') . ' ORDER BY id';
	return ($documents, $twin);
}

1;
