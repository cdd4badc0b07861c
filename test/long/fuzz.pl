# Documents that nobody would write: query documents, nested writes, factories'
# options, paths, keys and cursors that began as good ones, in which keys,
# values, types and nesting are changed at random.  Whatever comes, it is an
# answer or an error of a fitting class; the server stays up, and who fails
# changes nothing.
#
# RELATIONS_TEST_SEED gives a run again, RELATIONS_TEST_ROUNDS says how many
# documents there are.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use JSON::PP;
use Kinds;

my $seed = $ENV{RELATIONS_TEST_SEED} || int(rand(2**31));
my $rounds = $ENV{RELATIONS_TEST_ROUNDS} || 20000;
srand($seed);

sub below { return int(rand($_[0])) }
sub any { return $_[ below(scalar @_) ] }
sub one_in { return below($_[0]) == 0 }
sub literal { my ($s) = @_; $s =~ s/'/''/g; $s =~ s/\\/\\\\/g; return "E'$s'" }

my $json = JSON::PP->new->utf8->allow_nonref->canonical->max_depth(100000);

# ---------------------------------------------------------------------
# Where mutation begins
# ---------------------------------------------------------------------
my @queries = map { $json->decode($_) } (
	'{"select": ["id", "name"], "where": {"email": {"ilike": "%@test.com"}, "level": {"gte": 2, "lt": 9}, "boss_id": null}, "order": ["name", "-id", {"column": "score", "direction": "desc", "nulls": "last"}], "limit": 5, "offset": 1}',
	'{"where": {"or": [{"name": "user 1"}, {"posts": {"some": {"title": {"starts_with": "post"}}}}], "not": {"level": {"in": [1, 2]}}, "and": [{"mood": "glad"}]}, "preload": ["posts.tags", "home", "image"]}',
	'{"where": {"profile": {"is": {"verified": false}}, "skills": {"none": {"word": "x"}}, "posts": {"count": {"gte": 1}}}, "preload": {"profile": true, "latest": {"relation": "posts", "order": ["-created_at"], "limit": 1, "preload": ["comments.about"]}}}',
	'{"count": {"posts_count": "posts", "some": {"relation": "posts", "where": {"title": {"like": "%1"}}}}, "aggregate": {"most": {"relation": "posts", "max": "id"}}, "key_case": "camel"}',
	'{"order": ["-score", "name"], "limit": 3, "cursor": true, "preload": {"posts": {"limit": 1, "offset": 1, "order": ["title"]}}}',
	'{"order": ["home.name", {"count": "posts", "direction": "desc"}], "where": {"settings": {"contains": {"n": 1}}, "labels": {"overlaps": ["a"]}, "born": {"between": ["2000-01-01", "2001-01-01"]}, "name": {"regex": "^u"}}}',
	'{"where": {"boss": {"is": {"boss": {"is_not": null}}}, "reports": {"every": {"level": {"ne": 3}}}, "level": {"is_null": false, "not_in": [5]}}, "preload": {"reports": {"recursive": true, "max_depth": 3}}}',
	'{"preload": {"posts": {"select": ["id"], "where": {"tags": {"some": {"name": "t1", "pivot": {"weight": null}}}}, "preload": {"tags": {"order": ["pivot.weight"], "where": {"pivot": {"weight": null}}}}}}}');
my @writes = map { $json->decode($_) } (
	'{"name": "new", "email": "n@x", "level": 3, "home": {"code": "q1", "name": "q"}, "profile": {"bio": "b"}, "posts": [{"title": "a", "slug": "1", "tags": [{"name": "x1"}, {"$connect": {"name": "t1"}}], "comments": [{"body": "c"}]}, {"title": "b"}]}',
	'{"name": "new", "home": {"$connect": "in"}, "boss": {"$connect": 1}, "skills": {"$create": [{"word": "s"}], "$connect": [1, 2]}, "image": {"url": "u"}}',
	'{"name": "changed", "posts": {"$update": [{"where": {"slug": "s1"}, "data": {"title": "new"}}], "$delete": {"slug": "s2"}, "$create": {"title": "z"}}, "profile": {"$upsert": {"create": {"bio": "x"}, "update": {"bio": "y"}}}}',
	'{"name": "set", "skills": {"$set": [3, {"word": "w1"}]}, "home": {"$disconnect": true}, "image": {"$delete": true}}',
	'{"name": "coc", "home": {"$connect_or_create": {"where": {"code": "zz"}, "create": {"code": "zz"}}}, "posts": {"$connect_or_create": [{"where": {"slug": "s1"}, "create": {"slug": "s1"}}], "$disconnect": [{"slug": "s2"}]}}',
	'[{"name": "m1", "posts": [{"title": "a"}]}, {"name": "m2", "level": 9, "settings": {"a": [1]}, "labels": ["x", "y"], "born": "2000-01-01", "mood": "sad", "score": 1.5}]');
my @relateds = map { $json->decode($_) } ('[1, 2]', '{"1": {"weight": "5"}, "2": {}}', '{"title": "r", "tags": [{"name": "r"}]}', '{"slug": "s1"}', '{"title": {"like": "post%"}}', 'null', '[{"slug": "s1", "title": "x"}, {"slug": "n"}]');
my @options = map { $json->decode($_) } (
	'{"with": ["profile"], "seed": 1}', '{"with": {"posts": {"count": 2, "with": {"tags": {"count": 1}}, "merge": {"title": "t"}}}, "state": "sad", "merge": [{"level": 2}, {"level": 3}]}');
my @definitions = map { $json->decode($_) } ('{"name": {"fake": "name"}, "level": {"between": [1, 5]}, "email": {"sequence": "u%s"}, "mood": {"one_of": ["sad", "glad"]}, "score": {"sql": "1 + 1"}}');
my @declared = map { $json->decode($_) } ('{"where": {"title": "a"}, "order": ["-id"], "limit": 1}', '["posts", "videos"]', '{"post": "posts", "v": "videos"}');

# words that mean something somewhere
my @words = qw(select where order limit offset after before cursor preload count aggregate key_case relation recursive max_depth column direction nulls
  eq ne gt gte lt lte in not_in like ilike is_null between contains contained overlaps starts_with regex some every none is is_not and or not pivot sum max min avg
  $connect $create $connect_or_create $disconnect $set $update $upsert $delete $type key data create update with state merge merge_recursive recycle seed fake sequence sql one_of
  id name email level secret mood born score settings labels loud country boss_id touched_at user_id title slug body url about_type about_id about_post_id weight tenant
  home boss reports profile user posts latest_post author tags comments about image owner skills users any_profile children parent items order camel snake desc asc last first);
my @odd = (
	undef, JSON::PP::true, JSON::PP::false, 0, 1, -1, 2147483647, 2147483648, 9223372036854775807, 1.5, -0.0, 1e300, '', ' ', 'in', 'glad', '1', '(1,3)', '(1,3', '(,)', '$1', '$x', '%', '_', "a\\", "'", '"', ';', "\x{e9}",
	'--', '1; DROP TABLE users', '2000-01-01', 'infinity', 'NaN', '{a,b}', '{', '[1,2)', '(*)', '(?!', 'x' x 70, 'y' x 3000, 'posts.tags', 'posts..tags', '.posts', 'posts.', '-id', '--id', '-', [], {}, [[]], [ {} ], { '' => undef });

sub value
{
	return any(@words) if one_in(3);
	return copy(any(@odd));
}

sub copy
{
	my ($v) = @_;
	return [ map { copy($_) } @$v ] if ref($v) eq 'ARRAY';
	return { map { $_ => copy($v->{$_}) } keys %$v } if ref($v) eq 'HASH';
	return $v;
}

# a part of any document
sub part
{
	my ($v) = @_;
	while (ref($v) eq 'ARRAY' && @$v || ref($v) eq 'HASH' && %$v)
	{
		last if one_in(3);
		$v = ref($v) eq 'ARRAY' ? any(@$v) : $v->{ any(sort keys %$v) };
	}
	return copy($v);
}

my @all = (@queries, @writes, @relateds, @options, @definitions);

# one change somewhere
sub mutate
{
	my ($v) = @_;
	if (ref($v) eq 'HASH' && %$v && !one_in(6))
	{
		my $key = any(sort keys %$v);
		my $how = below(9);
		if ($how < 4) { $v->{$key} = mutate($v->{$key}) }
		elsif ($how == 4) { $v->{ any(@words) } = delete $v->{$key} }
		elsif ($how == 5) { delete $v->{$key} }
		elsif ($how == 6) { $v->{ any(@words) } = one_in(2) ? value() : part(any(@all)) }
		elsif ($how == 7) { $v->{$key} = part(any(@all)) }
		else { $v->{ substr($key, 0, -1) . any('', 'x', "\x{1F600}", '.') } = $v->{$key} }
		return $v;
	}
	if (ref($v) eq 'ARRAY' && @$v && !one_in(6))
	{
		my $at = below(scalar @$v);
		my $how = below(6);
		if ($how < 3) { $v->[$at] = mutate($v->[$at]) }
		elsif ($how == 3) { splice(@$v, $at, 1) }
		elsif ($how == 4) { push @$v, one_in(2) ? value() : copy($v->[$at]) }
		else { $v->[$at] = part(any(@all)) }
		return $v;
	}
	my $how = below(7);
	return [$v] if $how == 0;
	return { any(@words) => $v } if $how == 1;
	return part(any(@all)) if $how == 2;
	if ($how == 3)
	{
		# deep
		my $depth = any(3, 20, 200);
		my $word = any(qw(and or not preload posts author children where tags), @words);
		$v = one_in(2) ? { $word => $v } : [$v] for 1 .. $depth;
		return $v;
	}
	return $v . any('x', '%', "\n", '0') if $how == 4 && defined $v && !ref $v;
	return value();
}

sub document
{
	my $v = copy(any(@_));
	$v = mutate($v) for 1 .. any(0, 1, 1, 1, 2, 2, 3, 5);
	my $text = eval { $json->encode($v) } // '{}';
	utf8::decode($text);
	return literal($text) . '::jsonb';
}

sub text
{
	my $t = any(@_);
	return literal($t) if !one_in(3);
	my $v = value();
	return literal(defined $v && !ref $v ? "$v" : '');
}

sub paths
{
	my @paths = map {
		my @p = map { any(qw(posts tags comments about home boss reports profile user image owner skills users author latest_post children nothing)) } 0 .. below(3);
		one_in(20) ? text('posts.tags') : literal(join('.', @p))
	} 1 .. below(3);
	return 'VARIADIC ARRAY[' . join(', ', @paths) . ']::text[]';
}

# a cursor that the server gave, harmed
my @cursors;

sub cursor
{
	my $c = any(@cursors);
	my $how = below(5);
	$c = substr($c, 0, below(length($c))) if $how == 1;
	substr($c, below(length($c)), 1) = any('A' .. 'Z', 0 .. 9, '=', '/', '+', '-', '_', "\x{e9}", ' ') if $how == 2;
	$c .= any('=', 'A', $c) if $how == 3;
	$c = join('', map { any('A' .. 'Z', 'a' .. 'z', 0 .. 9, '+', '/', '=') } 0 .. below(60)) if $how == 4;
	return $c;
}

sub statement
{
	my $model = literal('kinds.' . (one_in(4) ? any(qw(posts comments countries images nodes orders items tags videos skills profiles users_graph posts_graph)) : 'users'));
	my $key = text(1, 2, 3, 5, 99, '(1,3)');
	my $relation = text(qw(posts posts skills tags profile home reports image about items children));
	my $how = below(30);
	if ($how < 9)
	{
		my $query = document(@queries);
		$query = "jsonb_set($query, '{limit}', to_jsonb(" . any(0, 1, 2, 100) . '), true)' if one_in(4);
		return "relations.query($model, $query)" if $how < 6;
		return "relations.query($model, $query, " . document('{"x": 1}', @relateds) . ')' if $how == 6;
		return "relations.paginate($model, $query, " . any(0, 1, 2, -1, 2147483647) . ', ' . any(0, 1, 20, -5, 2147483647) . ')' if $how == 7;
		return 'relations.' . any('preload_sql(', 'explain(') . "$model, $query)";
	}
	if ($how < 12)
	{
		my $query = $json->encode({ order => [ '-score', 'name' ], limit => 2, cursor => JSON::PP::true, any('after', 'before') => cursor() });
		utf8::decode($query);
		return "relations.query('kinds.users', " . literal($query) . '::jsonb)';
	}
	return "relations.preload($model, " . paths() . ')' if $how == 12;
	return "relations.find($model, $key, " . paths() . ')' if $how == 13;
	return "relations.query_related($model, $key, $relation, " . document(@queries) . ')' if $how == 14;
	return "relations.create($model, " . document(@writes[ 0 .. 4 ]) . ')' if $how < 17;
	return "relations.create_many($model, " . document($writes[5], @writes) . ')' if $how == 17;
	return "relations.update($model, $key, " . document(@writes) . ')' if $how < 20;
	return "relations.upsert($model, " . document(@writes) . ', ' . text('id', 'email', 'name', 'id, name', '"') . ')' if $how == 20;
	return 'relations.' . any('attach', 'detach', 'sync') . "($model, $key, $relation, " . document(@relateds) . ')' if $how == 21;
	return 'relations.' . any('create_related', 'create_many_related', 'delete_related') . "($model, $key, $relation, " . document(@relateds) . ')' if $how == 22;
	return 'relations.' . any('first_or_create_related', 'update_or_create_related', 'update_related') . "($model, $key, $relation, " . document(@relateds) . ', ' . document(@relateds) . ')' if $how == 23;
	return 'relations.' . any('first_or_create_many_related', 'update_or_create_many_related') . "($model, $key, $relation, " . text('slug', 'title, slug', 'id') . ', ' . document(@relateds) . ')' if $how == 24;
	return any("relations.associate($model, $key, $relation, " . text(1, 'in') . ', ' . text('post', 'user') . ')', "relations.dissociate($model, $key, $relation)", "relations.delete($model, $key)") if $how == 25;
	return 'relations.' . any('factory_create', 'factory_make') . "($model, " . any(0, 1, 3, -1) . ', ' . document(@options) . ')' if $how < 28;
	return any("relations.define_factory($model, ", "relations.define_state($model, 's', ") . document(@definitions) . ')' if $how == 28;
	return any("relations.has_many('kinds.users', 'fuzzed', 'kinds.posts', scope => " . document($declared[0]) . ')', "relations.morph_to('kinds.comments', 'fuzzed', " . document(@declared[ 1, 2 ]) . ", morph => 'fuzzed', add_column => true)");
}

# ---------------------------------------------------------------------
# The server
# ---------------------------------------------------------------------
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
log_error_verbosity = verbose
log_min_error_statement = error
log_line_prefix = '%e '
statement_timeout = 60000
CONF
$node->start;
$node->safe_psql('postgres', "CREATE EXTENSION relations; CREATE SCHEMA kinds; SET client_min_messages = warning; SET search_path = kinds;\n$Kinds::schema\n$Kinds::fingerprint");
@cursors = split /\n/, $node->safe_psql('postgres', q{SELECT d ->> 'cursor' FROM relations.query('kinds.users', '{"order": ["-score", "name"], "limit": 6, "cursor": true}') d});
is(scalar(@cursors), 6, 'cursors to begin with');

# Each statement runs in a block of its own: it is counted by what it ended in, and
# all that it did is undone; when it ended in an error, what is there is compared
# before that with what was there.  (A block of PL/pgSQL undoes what fails: what is compared is
# that the writes of a call that is caught are gone, caches of the session included.)
$node->safe_psql('postgres', <<'SQL');
SET search_path = kinds;
CREATE TABLE public.ended (state text PRIMARY KEY, n int NOT NULL, message text);
CREATE FUNCTION public.attempt(statement text, compare boolean) RETURNS void LANGUAGE plpgsql SET search_path = kinds, public AS $$
DECLARE
	state text := '00000';
	said text;
	was text[] := CASE WHEN compare THEN ARRAY(SELECT fingerprint('kinds')) END;
BEGIN
	BEGIN
		EXECUTE 'SELECT count(f::text) FROM ' || statement || ' f';
		RAISE SQLSTATE 'UNDO1';
	EXCEPTION
		WHEN SQLSTATE 'UNDO1' THEN NULL;
		WHEN query_canceled THEN state := '57014'; said := statement;
		WHEN OTHERS THEN GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
	END;
	IF was <> ARRAY(SELECT fingerprint('kinds')) THEN
		RAISE WARNING 'CHANGED: %', statement;
	END IF;
	INSERT INTO public.ended VALUES (state, 1, said || ' <- ' || statement) ON CONFLICT ON CONSTRAINT ended_pkey DO UPDATE SET n = ended.n + 1;
END $$;
SQL
my $before = $node->safe_psql('postgres', q{SET search_path = kinds; SELECT fingerprint('kinds')});

my $script = $node->basedir . '/fuzz.sql';
for my $part (1 .. 20)
{
	my $number = int($rounds / 20) || 1;
	open(my $file, '>:encoding(UTF-8)', $script) or die "$script: $!";
	for my $i (1 .. $number)
	{
		# a prepared plan is kept over several, a new search_path or role never minded
		print $file 'SELECT public.attempt(' . literal(statement()) . ', ' . (one_in(50) ? 'true' : 'false') . ");\n";
	}
	# the same session still does what it did
	print $file q{SELECT 'alive ' || jsonb_array_length(relations.find('kinds.users', 3, 'posts.tags') -> 'posts');} . "\n";
	close($file);
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', $script ], '>', \$out, '2>', \$err);
	like($out, qr/alive 3$/, "part $part: the session goes on") or diag($err);
	my @changed = $err =~ /CHANGED: .*/g;
	is(scalar(@changed), 0, "part $part: who fails changes nothing") or diag(@changed);
	last if $out !~ /alive/;
}
# and so do statements of their own, without a block that catches: what failed left nothing
{
	open(my $file, '>:encoding(UTF-8)', $script) or die "$script: $!";
	for my $i (1 .. $rounds / 40)
	{
		print $file 'BEGIN; SELECT count(f::text) FROM ' . statement() . " f; ROLLBACK;\n" . 'SELECT count(f::text), 1 / (count(f::text) - count(f::text)) FROM ' . statement() . " f;\n";
	}
	print $file "SELECT 'alive';\n";
	close($file);
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-At', '-d', $node->connstr('postgres'), '-f', $script ], '>', \$out, '2>', \$err);
	like($out, qr/alive$/, 'without a block: the session goes on');
}
is($node->safe_psql('postgres', q{SET search_path = kinds; SELECT fingerprint('kinds')}), $before, 'all is as it was');

# what they ended in
my $ended = $node->safe_psql('postgres', q{SELECT state || ' ' || n FROM public.ended ORDER BY n DESC});
note($ended);
diag($node->safe_psql('postgres', q{SELECT state, n, left(message, 600) FROM public.ended ORDER BY n DESC})) if $ENV{RELATIONS_TEST_VERBOSE};
cmp_ok($node->safe_psql('postgres', q{SELECT n FROM public.ended WHERE state = '00000'}), '>', $rounds / 50, 'some are good ones');
# data, constraints, syntax and access, rights, program limits, object state, what is not supported, no such cursor; no rows that a query must give
is( $node->safe_psql('postgres', q{SELECT state, message FROM public.ended WHERE left(state, 2) NOT IN ('00', '22', '23', '42', '54', '55', '0A', '21', '2B', '3F', '53')
		AND state <> 'P0002' AND state <> '57014'}),
	'', 'every error is of a fitting class');
my $log = slurp_file($node->logfile);
unlike($log, qr/^XX\w\w\w/m, 'no internal error');
unlike($log, qr/terminated by signal|TRAP:|PANIC/, 'no crash');
$node->stop;
done_testing();
