--
-- What a query document says never becomes SQL: attempts in every position
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query_injection;
SET search_path = query_injection;
CREATE TABLE users (id int PRIMARY KEY, name text, email varchar(40), age int2, score numeric(6,2), born date, tags text[], data jsonb, raw json, at point, boss_id int REFERENCES users);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users, city text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, likes int);
CREATE TABLE groups (code text PRIMARY KEY, name text);
CREATE TABLE group_user (group_code text REFERENCES groups, user_id int REFERENCES users, level text, PRIMARY KEY (group_code, user_id));
CREATE TABLE images (id int PRIMARY KEY, imageable_type text, imageable_id int);
INSERT INTO users SELECT i, 'user ' || i, NULL, i, i, NULL, '{a}', '{"a": 1}', '{}', NULL, NULLIF(i / 2, 0) FROM generate_series(1, 5) i;
INSERT INTO profiles VALUES (1, 1, 'Oslo');
INSERT INTO posts SELECT i, 1 + i % 3, 'post ' || i, i FROM generate_series(1, 9) i;
INSERT INTO groups VALUES ('red', 'Reds');
INSERT INTO group_user VALUES ('red', 1, 'expert');
INSERT INTO images VALUES (1, 'user', 1), (2, 'post', 1);
SELECT kind FROM relations.has_one('users', 'profile', 'profiles');
SELECT kind FROM relations.belongs_to('profiles', 'user', 'users');
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id');
SELECT kind FROM relations.has_many('users', 'reports', 'users', foreign_key => 'boss_id');
SELECT kind FROM relations.many_to_many('users', 'groups', 'groups', 'group_user', pivot_columns => 'level');
SELECT kind FROM relations.morph_to('images', 'imageable', '["users", "posts"]');
CREATE TABLE secrets (id int PRIMARY KEY, secret text);
INSERT INTO secrets VALUES (1, 'the-secret');

-- a document is refused, or gives rows of its own model only; each attempt stands in each position
CREATE TABLE attempts (n serial, attempt text);
INSERT INTO attempts (attempt) VALUES
	(''''), ('"'), ('\'), (';'), ('--'), ('/*'), ('$$'), ('$1'), ('%s'), ('%n%n%n'), ('{}'), (U&'\0001'), (U&'\0002'), (U&'\0003'), (U&'a\0001b\0002c\0003'), (U&'\2019; --'), (U&'\FF07'), (U&'\0085'), (U&'\202E'), (E'\n'), (E'\r\n;'), (E'\t'),
	('id'' OR 1 = 1 --'), ('id" OR 1 = 1 --'), ('id) OR (1 = 1'), ('1 OR 1 = 1'), (''' OR ''''='''), ('" OR ""="'), ('1; DROP TABLE query_injection.users; --'), ('''; DROP TABLE query_injection.users; --'), ('"; DROP TABLE query_injection.users; --'), ('\''; DROP TABLE query_injection.users; --'),
	('$$; DROP TABLE query_injection.users; $$'), ('$x$; DROP TABLE query_injection.users; $x$'), ('); DELETE FROM query_injection.users; --'), ('id, (SELECT secret FROM query_injection.secrets)'), ('(SELECT secret FROM query_injection.secrets)'), ('"(SELECT secret FROM query_injection.secrets)"'),
	(''' UNION SELECT secret FROM query_injection.secrets --'), ('" UNION SELECT secret FROM query_injection.secrets --'), ('users".id, secrets."secret'), ('c.id'), ('c.*'), ('*'), ('secrets.secret'), ('query_injection.secrets'), ('id::text'), ('id COLLATE "C"'), ('-id; SELECT 1'), ('id DESC'), ('id NULLS LAST, (SELECT 1/0)'),
	('pg_sleep(10)'), ('pg_read_file(''/etc/passwd'')'), ('current_user'), ('1/0'), ('E''\x27'''), ('0x27;'), ('%27'), ('&#39;'), ('/**/OR/**/1=1'), ('id/**/'), ('ctid'), ('tableoid'), ('xmin'), ('posts; DROP TABLE query_injection.posts'), ('posts".title'), ('posts.*'), ('posts''.title'), ('"posts"".x"'), ('.'), ('..'), ('posts..title'), ('"'), ('""'), ('"""'), ('"posts'), ('posts"'),
	('profile.city; --'), ('profile.city) FROM query_injection.secrets; --'), ('profile."city"'), ('"profile".city'), ('pivot.level; --'), ('$name'), ('$'), ('true'), ('null'), ('-'), ('--id'), ('+id'), (repeat('x', 63)), (repeat('x', 64)), (repeat('''', 64)), (repeat('"', 100)), (repeat('x', 100000)), (repeat('é', 40));
SELECT count(*) AS attempts, bool_and(length(attempt) > 0) AS all_there FROM attempts;
CREATE TABLE positions (position text, document text);
INSERT INTO positions VALUES
	('key', '{X: 1}'), ('key_case', '{"key_case": X}'), ('limit', '{"limit": X}'), ('offset', '{"offset": X}'), ('after', '{"after": X}'), ('before', '{"order": ["name"], "before": X}'), ('cursor', '{"cursor": X}'),
	('select', '{"select": [X]}'), ('column', '{"where": {X: 1}}'), ('column, text', '{"where": {X: {"like": "a"}}}'), ('operator', '{"where": {"name": {X: "a"}}}'), ('operator, array', '{"where": {"tags": {X: ["a"]}}}'),
	('value', '{"where": {"name": X}}'), ('value, int', '{"where": {"id": X}}'), ('value, numeric', '{"where": {"score": {"gt": X}}}'), ('value, date', '{"where": {"born": {"lte": X}}}'), ('value, like', '{"where": {"name": {"like": X}}}'), ('value, ilike', '{"where": {"email": {"ilike": X}}}'),
	('value, starts_with', '{"where": {"name": {"starts_with": X}}}'), ('value, regex', '{"where": {"name": {"regex": X}}}'), ('value, in', '{"where": {"name": {"in": ["a", X]}}}'), ('value, int in', '{"where": {"id": {"in": [X]}}}'), ('value, between', '{"where": {"name": {"between": [X, X]}}}'), ('value, is_null', '{"where": {"name": {"is_null": X}}}'),
	('value, array', '{"where": {"tags": {"contains": [X]}}}'), ('value, jsonb', '{"where": {"data": {"contains": {X: X}}}}'), ('value, jsonb eq', '{"where": {"data": {"eq": X}}}'), ('not', '{"where": {"name": {"not": X}}}'), ('or', '{"where": {"or": [{X: 1}, {"name": X}]}}'), ('or, value', '{"where": {"or": [{"id": 0}, {"name": X}]}}'), ('junction', '{"where": {"not": X}}'),
	('relation filter', '{"where": {X: {"some": {}}}}'), ('filter', '{"where": {"posts": {X: {}}}}'), ('filter''s column', '{"where": {"posts": {"some": {X: 1}}}}'), ('filter''s value', '{"where": {"posts": {"every": {"title": {"ne": X}}}}}'), ('count', '{"where": {"posts": {"count": {"gt": X}}}}'), ('count''s operator', '{"where": {"posts": {"count": {X: 1}}}}'),
	('pivot', '{"where": {"groups": {"some": {"pivot": {X: 1}}}}}'), ('pivot''s value', '{"where": {"groups": {"some": {"pivot": {"level": X}}}}}'), ('is', '{"where": {"profile": {"is": {"city": X}}}}'),
	('order', '{"order": [X]}'), ('order''s column', '{"order": [{"column": X}]}'), ('direction', '{"order": [{"column": "id", "direction": X}]}'), ('nulls', '{"order": [{"column": "id", "nulls": X}]}'), ('order''s count', '{"order": [{"count": X}]}'), ('order''s key', '{"order": [{X: "id"}]}'),
	('path', '{"preload": [X]}'), ('preload', '{"preload": {X: true}}'), ('alias', '{"preload": {X: {"relation": "posts", "limit": 1}}}'), ('aliased', '{"preload": {"p": {"relation": X}}}'), ('preload''s column', '{"preload": {"posts": {"where": {X: 1}}}}'), ('preload''s value', '{"preload": {"posts": {"where": {"title": X}}}}'), ('preload''s select', '{"preload": {"posts": {"select": [X]}}}'),
	('preload''s order', '{"preload": {"groups": {"order": [X]}}}'), ('preload''s cursor', '{"preload": {"posts": {"after": X}}}'), ('max_depth', '{"preload": {"reports": {"recursive": true, "max_depth": X}}}'),
	('counted', '{"count": {"c": X}}'), ('count''s alias', '{"count": {X: "posts"}}'), ('count''s value', '{"count": {"c": {"relation": "posts", "where": {"title": X}}}}'), ('aggregate''s alias', '{"aggregate": {X: {"relation": "posts", "sum": "likes"}}}'), ('aggregate', '{"aggregate": {"a": {"relation": "posts", X: "likes"}}}'), ('aggregate''s column', '{"aggregate": {"a": {"relation": "posts", "max": X}}}'), ('aggregate''s relation', '{"aggregate": {"a": {"relation": X, "count": true}}}'),
	('camel alias', '{"key_case": "camel", "preload": {X: {"relation": "posts", "limit": 1}}}');
-- what an attempt gives: '', or what must never be
CREATE FUNCTION harm(document jsonb, params jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; row jsonb;
BEGIN
	FOR row IN SELECT q FROM relations.query('users', document, params) q LOOP
		IF row::text ~ 'the-secret|root:' OR (row ->> 'id')::int NOT BETWEEN 1 AND 5 THEN
			RETURN 'leaks: ' || row;
		END IF;
	END LOOP;
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	-- what would show that it had become SQL, or that we were not prepared
	RETURN CASE WHEN state = '42P02' AND message LIKE 'there is no parameter "%" for "%"' THEN ''
		WHEN state LIKE 'XX%' OR state IN ('42601', '42P01', '42P02', '22012', '42803', '57014', '42501') THEN state || ': ' || left(message, 200) ELSE '' END;
END $$;
SELECT count(*) AS tries, count(*) FILTER (WHERE harm <> '') AS harmful FROM (
	SELECT harm(replace(document, 'X', to_jsonb(attempt)::text)::jsonb, '{"name": "x"}') FROM attempts, positions) x;
-- as parameters: they are values only
SELECT count(*) AS tries, count(*) FILTER (WHERE harm <> '') AS harmful FROM (
	SELECT harm(replace(document, 'X', '"$p"')::jsonb, jsonb_build_object('p', attempt)) FROM attempts, positions) x;
SELECT count(*) AS tries, count(*) FILTER (WHERE harm <> '') AS harmful FROM (
	SELECT harm(jsonb_build_object('where', jsonb_build_object('name', '$' || attempt)), jsonb_build_object(attempt, attempt)) FROM attempts) x;
-- a value is found by itself and by nothing else
INSERT INTO posts SELECT 1000 + n, NULL, attempt, n FROM attempts;
SELECT count(*) AS found, bool_and(ids = same) AS as_by_hand FROM attempts a, LATERAL (
	SELECT ARRAY(SELECT (q ->> 'id')::int FROM relations.query('posts', jsonb_build_object('where', jsonb_build_object('title', jsonb_build_object('eq', attempt)))) q) AS ids,
		ARRAY(SELECT id FROM posts WHERE title = attempt ORDER BY id) AS same) x;
SELECT count(*) AS found, bool_and(id = attempts.n + 1000) FROM attempts, LATERAL (
	SELECT (q ->> 'id')::int AS id FROM relations.query('posts', '{"where": {"title": {"in": ["$a"]}, "likes": "$n"}}', jsonb_build_object('a', attempt, 'n', n)) q) x;
DELETE FROM posts WHERE id > 1000;
-- cursors made by hand: their values are values
CREATE FUNCTION forged(value text) RETURNS text LANGUAGE sql AS
$$ SELECT replace(encode('\x0102030405060708'::bytea || convert_to(octet_length(value) || ':' || value || ';1:1;', 'UTF8'), 'base64'), E'\n', '') $$;
SELECT count(*) AS tries, count(*) FILTER (WHERE harm <> '') AS harmful FROM (
	SELECT harm(jsonb_build_object('order', '["name"]'::jsonb, 'after', forged(attempt)), '{}') FROM attempts) x;
-- the other functions
CREATE FUNCTION harm_related(key text, relation text, document jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
	PERFORM relations.query_related('users', key, left(relation, 63)::name, document);
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
	RETURN state;
END $$;
SELECT harm_related(attempt, 'posts', '{}') AS key, count(*) FROM attempts GROUP BY 1 ORDER BY 1;
SELECT harm_related('1', attempt, '{}') AS relation, count(*) FROM attempts GROUP BY 1 ORDER BY 1;
SELECT harm_related('1', 'posts', jsonb_build_object('where', jsonb_build_object(attempt, 1))) AS column, count(*) FROM attempts GROUP BY 1 ORDER BY 1;

--
-- Tables, columns and relations whose names are such attempts
--
CREATE FUNCTION hostile(name text, n int) RETURNS TABLE (rows int, same boolean) LANGUAGE plpgsql AS $$
DECLARE
	t text := left(name, 40) || '/t'; c text := left(name, 40) || '/c'; r text := left(name, 40) || '/r'; m text := left(name, 40) || '/m'; g text := left(name, 40) || '/g';
	documents jsonb[];
BEGIN
	EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, %I text, up int)', t, c);
	EXECUTE format('INSERT INTO %I SELECT i, $1 || i, NULLIF(i / 2, 0) FROM generate_series(1, 5) i', t) USING name;
	PERFORM relations.has_many(format('%I', t)::regclass, r::name, format('%I', t)::regclass, foreign_key => 'up');
	PERFORM relations.belongs_to(format('%I', t)::regclass, m::name, format('%I', t)::regclass, foreign_key => 'up');
	PERFORM relations.many_to_many(format('%I', t)::regclass, g::name, format('%I', t)::regclass, quote_ident(left(name, 40) || '/p'), pivot_foreign_key => quote_ident(left(name, 40) || '/a'), pivot_related_foreign_key => quote_ident(left(name, 40) || '/b'), pivot_columns => quote_ident(left(name, 40) || '/k'));
	EXECUTE format('INSERT INTO %I SELECT i, 1 + i %% 5 FROM generate_series(1, 5) i', left(name, 40) || '/p');
	documents := ARRAY(SELECT q FROM relations.query(format('%I', t)::regclass, jsonb_build_object(
		'select', jsonb_build_array('id', c), 'where', jsonb_build_object(c, jsonb_build_object('starts_with', name), r, jsonb_build_object('some', jsonb_build_object(c, jsonb_build_object('ne', '')), 'count', '{"gt": 0}'::jsonb),
			g, jsonb_build_object('some', jsonb_build_object('pivot', jsonb_build_object(left(name, 40) || '/k', NULL)))),
		'order', jsonb_build_array('-' || c, jsonb_build_object('count', r)),
		'preload', jsonb_build_object(name, jsonb_build_object('relation', r, 'select', jsonb_build_array('id'), 'order', jsonb_build_array(jsonb_build_object('column', c, 'direction', 'desc')), 'limit', 1)),
		'count', jsonb_build_object(name || 'n', r), 'aggregate', jsonb_build_object(name || 'x', jsonb_build_object('relation', m, 'max', c)))) q);
	rows := cardinality(documents);
	same := documents = ARRAY(SELECT jsonb_build_object('id', i, c, name || i, name || 'n', CASE i WHEN 1 THEN 2 ELSE 2 END, name || 'x', CASE i WHEN 2 THEN name || 1 END, name, jsonb_build_array(jsonb_build_object('id', CASE i WHEN 1 THEN 3 ELSE 5 END))) FROM generate_series(2, 1, -1) i);
	RETURN NEXT;
	EXECUTE format('DROP TABLE %I, %I CASCADE', left(name, 40) || '/p', t);
END $$;
SELECT count(*) AS names, count(*) FILTER (WHERE rows = 2 AND same) AS right FROM attempts, hostile(attempt, n) WHERE octet_length(attempt) < 60;

-- operators of a type of one's own, in a schema whose name looks like our template
CREATE SCHEMA U&"o\0001p\0002e\0003";
CREATE TYPE weight AS (grams int);
CREATE FUNCTION weight_cmp(weight, weight) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp(($1).grams, ($2).grams)';
DO $$
DECLARE op text; schema text := U&'o\0001p\0002e\0003'; BEGIN
	FOREACH op IN ARRAY ARRAY['<', '<=', '=', '>=', '>'] LOOP
		EXECUTE format('CREATE FUNCTION %I.%I(weight, weight) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT ($1).grams %s ($2).grams''', schema, 'f' || op, op);
		EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = weight, RIGHTARG = weight, FUNCTION = %I.%I)', schema, op, schema, 'f' || op);
	END LOOP;
	EXECUTE format('CREATE OPERATOR CLASS weights DEFAULT FOR TYPE weight USING btree AS OPERATOR 1 %1$I.<, OPERATOR 2 %1$I.<=, OPERATOR 3 %1$I.=, OPERATOR 4 %1$I.>=, OPERATOR 5 %1$I.>, FUNCTION 1 weight_cmp(weight, weight)', schema);
END $$;
CREATE TABLE parcels (id int PRIMARY KEY, weight weight);
INSERT INTO parcels SELECT i, ROW(i * 10)::weight FROM generate_series(1, 4) i;
SELECT relations.query('parcels', '{"select": ["id"], "where": {"weight": {"gt": "(10)", "in": ["(10)", "(20)", "(30)"], "between": ["(0)", "(20)"], "ne": "(40)"}}}');

--
-- Unharmed
--
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM secrets) AS secrets, (SELECT count(*) FROM pg_tables WHERE schemaname = 'query_injection') AS tables;
