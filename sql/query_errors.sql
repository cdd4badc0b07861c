--
-- What is wrong with a query document is said, and where: nothing is ignored
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query_errors;
SET search_path = query_errors;
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

-- the error, what it hints at, and the place in the document
CREATE FUNCTION refused(model regclass, document jsonb, params jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text; context text;
BEGIN
	IF params IS NULL THEN
		PERFORM relations.query(model, document);
	ELSE
		PERFORM relations.query(model, document, params);
	END IF;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', state || ': ' || message, 'detail: ' || NULLIF(detail, ''), 'hint: ' || NULLIF(hint, ''),
		'context: ' || substring(context FROM '^(?:value of|query document at|cursor at)[^\n]*'));
END $$;
\pset format unaligned
\pset fieldsep '\n'
\pset recordsep '\n\n'
\pset tuples_only

--
-- Names that are not there, in every place
--
SELECT d, refused('users', d::jsonb) FROM unnest(ARRAY[
	'{"wher": {}}', '{"selct": ["id"]}', '{"x": 1}', '{"": 1}', '{"recursive": true}', '{"relation": "posts"}', '{"keyCase": "camel"}',
	'{"select": ["nmae"]}', '{"select": ["posts"]}', '{"select": ["ctid"]}', '{"select": ["users.id"]}', '{"select": [""]}', '{"select": ["ID"]}',
	'{"where": {"nmae": "x"}}', '{"where": {"psots": {"some": {}}}}', '{"where": {"zzzzz": 1}}', '{"where": {"ctid": "(0,1)"}}', '{"where": {"": 1}}', '{"where": {"pivot": {"level": 1}}}',
	'{"where": {"name": {"lke": "x"}}}', '{"where": {"name": {"$gt": "x"}}}', '{"where": {"name": {"": "x"}}}', '{"where": {"age": {"not": {"gtt": 3}}}}', '{"where": {"data": {"a": 1}}}',
	'{"where": {"or": [{"id": 1}, {"and": [{"nmae": 2}]}]}}', '{"where": {"not": {"nmae": 2}}}',
	'{"where": {"posts": {"sone": {}}}}', '{"where": {"posts": {"is": {}}}}', '{"where": {"profile": {"some": {}}}}', '{"where": {"posts": {"some": {"titel": 1}}}}',
	'{"where": {"posts": {"every": {"author": {"is": {"nam": 1}}}}}}', '{"where": {"posts": {"count": {"gtee": 1}}}}', '{"where": {"posts": {"count": {"in": [1]}}}}', '{"where": {"posts": {"count": {"where": {"titel": 1}}}}}',
	'{"where": {"groups": {"some": {"pivot": {"levl": "x"}}}}}', '{"where": {"groups": {"some": {"pivot": {"level": {"lk": "x"}}}}}}',
	'{"order": ["nmae"]}', '{"order": ["--name"]}', '{"order": ["profil.city"]}', '{"order": ["profile.citi"]}', '{"order": ["profile."]}', '{"order": [".city"]}', '{"order": ["-"]}', '{"order": [""]}',
	'{"order": [{"colum": "name"}]}', '{"order": [{"column": "nmae"}]}', '{"order": [{"count": "post"}]}', '{"order": ["pivot.level"]}',
	'{"preload": ["psots"]}', '{"preload": ["posts.autor"]}', '{"preload": {"psots": true}}', '{"preload": {"posts.autor": true}}', '{"preload": {"p": {"relation": "psots"}}}', '{"preload": {"p": true}}',
	'{"preload": {"posts": {"wher": {}}}}', '{"preload": {"posts": {"where": {"titel": 1}}}}', '{"preload": {"posts": {"preload": {"author": {"select": ["nam"]}}}}}', '{"preload": {"posts": {"key_case": "camel"}}}',
	'{"preload": {"groups": {"order": ["pivot.levl"]}}}', '{"preload": {"groups": {"where": {"pivot": {"levl": 1}}}}}', '{"preload": {"posts": {"order": ["author.nam"]}}}',
	'{"count": {"c": "psots"}}', '{"count": {"psots": {}}}', '{"count": {"c": {"relation": "posts", "were": {}}}}', '{"count": {"c": {"relation": "posts", "limit": 1}}}', '{"count": {"c": {"relation": "posts", "where": {"titel": 1}}}}',
	'{"aggregate": {"a": {"relation": "psots", "sum": "likes"}}}', '{"aggregate": {"a": {"relation": "posts", "sum": "like"}}}', '{"aggregate": {"a": {"relation": "posts", "smu": "likes"}}}', '{"aggregate": {"a": {"relation": "posts", "median": "likes"}}}'
	]) d;
SELECT d, refused('images', d::jsonb) FROM unnest(ARRAY[
	'{"preload": ["imageable.posts.x"]}', '{"preload": ["imageable.psots"]}', '{"where": {"imageable": {"is": {"name": "x"}}}}', '{"where": {"imageable": {"count": {"gt": 1}}}}',
	'{"order": ["imageable.id"]}', '{"order": [{"count": "imageable"}]}', '{"count": {"c": "imageable"}}', '{"preload": {"imageable": {"select": ["title"]}}}'
	]) d;

--
-- Wrong types of JSON, in every place
--
SELECT d, refused('users', d::jsonb) FROM unnest(ARRAY[
	'[]', '"x"', '1', 'true', 'null', '{"select": "id"}', '{"select": {"id": true}}', '{"select": [1]}', '{"select": null}', '{"select": [["id"]]}',
	'{"where": []}', '{"where": "id = 1"}', '{"where": null}', '{"where": {"and": {"id": 1}}}', '{"where": {"or": [1]}}', '{"where": {"or": [null]}}', '{"where": {"not": [1]}}', '{"where": {"not": null}}',
	'{"where": {"age": {"in": 1}}}', '{"where": {"age": {"in": null}}}', '{"where": {"age": {"not_in": {"a": 1}}}}', '{"where": {"age": {"between": 3}}}', '{"where": {"age": {"between": [1]}}}', '{"where": {"age": {"between": [1, 2, 3]}}}', '{"where": {"age": {"between": [1, null]}}}',
	'{"where": {"age": {"is_null": 1}}}', '{"where": {"age": {"is_null": null}}}', '{"where": {"age": {"gt": null}}}', '{"where": {"name": {"like": 1}}}', '{"where": {"name": {"like": null}}}', '{"where": {"name": {"regex": ["x"]}}}',
	'{"where": {"posts": 1}}', '{"where": {"posts": null}}', '{"where": {"posts": []}}', '{"where": {"profile": true}}', '{"where": {"posts": {"some": 1}}}', '{"where": {"posts": {"some": null}}}', '{"where": {"posts": {"none": []}}}', '{"where": {"profile": {"is": 5}}}',
	'{"where": {"posts": {"count": 3}}}', '{"where": {"posts": {"count": {"gt": "3"}}}}', '{"where": {"posts": {"count": {"gt": null}}}}', '{"where": {"posts": {"count": {"where": 1}}}}', '{"where": {"groups": {"some": {"pivot": 1}}}}',
	'{"order": "name"}', '{"order": {"column": "name"}}', '{"order": [1]}', '{"order": [null]}', '{"order": [["name"]]}', '{"order": [{}]}', '{"order": [{"column": 1}]}', '{"order": [{"count": {"relation": "posts"}}]}', '{"order": [{"column": "id", "count": "posts"}]}',
	'{"order": [{"column": "id", "direction": "down"}]}', '{"order": [{"column": "id", "direction": true}]}', '{"order": [{"column": "id", "nulls": "middle"}]}',
	'{"limit": "5"}', '{"limit": true}', '{"limit": [1]}', '{"limit": {}}', '{"offset": "5"}', '{"offset": []}', '{"after": 5}', '{"before": {}}', '{"cursor": 1}', '{"cursor": null}', '{"cursor": "yes"}', '{"key_case": "kebab"}', '{"key_case": null}', '{"key_case": true}',
	'{"preload": "posts"}', '{"preload": 1}', '{"preload": null}', '{"preload": [1]}', '{"preload": [["posts"]]}', '{"preload": [""]}', '{"preload": ["."]}', '{"preload": ["posts."]}', '{"preload": ["\"posts"]}', '{"preload": {"posts": false}}', '{"preload": {"posts": 1}}', '{"preload": {"posts": ["author"]}}', '{"preload": {"p": {"relation": 1}}}', '{"preload": {"": {"relation": "posts"}}}',
	'{"preload": {"reports": {"recursive": 1}}}', '{"preload": {"reports": {"recursive": true, "max_depth": 0}}}', '{"preload": {"reports": {"recursive": true, "max_depth": -1}}}', '{"preload": {"reports": {"recursive": true, "max_depth": "3"}}}', '{"preload": {"reports": {"max_depth": 3}}}', '{"preload": {"posts": {"recursive": true}}}',
	'{"count": ["posts"]}', '{"count": "posts"}', '{"count": {"c": 1}}', '{"count": {"c": ["posts"]}}', '{"count": {"c": {"relation": 1}}}', '{"aggregate": []}', '{"aggregate": {"a": "posts"}}', '{"aggregate": {"a": {"relation": "posts"}}}',
	'{"aggregate": {"a": {"relation": "posts", "sum": true}}}', '{"aggregate": {"a": {"relation": "posts", "count": "likes"}}}', '{"aggregate": {"a": {"relation": "posts", "exists": false}}}', '{"aggregate": {"a": {"relation": "posts", "sum": "likes", "max": "likes"}}}'
	]) d;
-- names that would hide others
SELECT d, refused('users', d::jsonb) FROM unnest(ARRAY[
	'{"preload": {"name": {"relation": "posts"}}}', '{"count": {"name": "posts"}}', '{"aggregate": {"id": {"relation": "posts", "sum": "likes"}}}', '{"count": {"n": "posts"}, "aggregate": {"n": {"relation": "posts", "sum": "likes"}}}',
	'{"count": {"posts": "posts"}, "preload": ["posts"]}', '{"preload": {"posts": {"relation": "reports"}, "posts.author": true}}', '{"count": {"": "posts"}}'
	]) d;

--
-- Values: out of range, of no such operator, of another type
--
SELECT d, refused('users', d::jsonb) FROM unnest(ARRAY[
	'{"where": {"age": 70000}}', '{"where": {"age": "x"}}', '{"where": {"age": 1.5}}', '{"where": {"age": true}}', '{"where": {"age": {"in": [1, "x"]}}}', '{"where": {"age": {"in": [1, 99999]}}}', '{"where": {"age": [1]}}',
	'{"where": {"id": 99999999999999999999}}', '{"where": {"score": "1,5"}}', '{"where": {"born": "2024-02-30"}}', '{"where": {"born": 5}}',
	'{"where": {"tags": "a"}}', '{"where": {"tags": [["a"], "b"]}}', '{"where": {"tags": {"in": [["a"]]}}}', '{"where": {"tags": {"contains": {"a": 1}}}}',
	'{"where": {"name": {"contains": "x"}}}', '{"where": {"age": {"overlaps": 1}}}', '{"where": {"data": {"overlaps": 1}}}', '{"where": {"raw": {"eq": 1}}}', '{"where": {"at": {"gt": "(1,2)"}}}', '{"where": {"raw": {"in": [1]}}}', '{"where": {"name": {"regex": "("}}}',
	'{"order": ["raw"]}', '{"order": ["at"]}', '{"aggregate": {"a": {"relation": "posts", "sum": "title"}}}', '{"aggregate": {"a": {"relation": "reports", "max": "data"}}}',
	'{"limit": -1}', '{"limit": 1.5}', '{"limit": 1e30}', '{"limit": 9223372036854775808}', '{"offset": -1}', '{"offset": 0.5}', '{"offset": 1e30}', '{"preload": {"posts": {"limit": -1}}}', '{"preload": {"posts": {"offset": -1}}}',
	'{"where": {"posts": {"count": {"gt": -1}}}}', '{"where": {"posts": {"count": {"gt": 1.5}}}}'
	]) d;
-- also when the plan is there already
SELECT refused('users', '{"offset": 2, "where": {"posts": {"count": {"gte": 2}}}}'), refused('users', '{"offset": -2, "where": {"posts": {"count": {"gte": 2}}}}'),
	refused('users', '{"offset": 2, "where": {"posts": {"count": {"gte": -2}}}}'), refused('users', '{"offset": 2, "where": {"posts": {"count": {"gte": 2}}}}');

--
-- Placeholders: only values have them
--
SELECT d, refused('users', d::jsonb, '{"n": 1, "c": "name", "o": {"id": 1}, "list": ["id"], "neg": -1, "b": true}') FROM unnest(ARRAY[
	'{"where": {"id": "$n", "name": {"in": ["$c"]}, "age": {"between": ["$n", "$n"]}, "born": {"is_null": "$b"}}, "limit": "$n", "offset": "$n"}',
	'{"where": {"id": "$missing"}}', '{"where": {"age": {"in": [1, "$missing"]}}}', '{"where": {"posts": {"some": {"id": "$missing"}}}}', '{"limit": "$missing"}', '{"preload": {"posts": {"offset": "$missing"}}}',
	'{"where": {"id": "$c"}}', '{"where": {"id": "$o"}}', '{"where": {"id": {"in": "$n"}}}', '{"limit": "$c"}', '{"limit": "$neg"}', '{"offset": "$neg"}', '{"after": "$n"}', '{"after": "$c"}',
	'{"where": "$o"}', '{"where": {"or": "$list"}}', '{"where": {"not": "$o"}}', '{"where": {"posts": "$o"}}', '{"where": {"posts": {"some": "$o"}}}', '{"where": {"posts": {"count": {"gt": "$neg"}}}}', '{"where": {"$c": 1}}', '{"where": {"id": {"$c": 1}}}',
	'{"select": "$list"}', '{"select": ["$c"]}', '{"order": ["$c"]}', '{"order": "$list"}', '{"order": [{"column": "$c"}]}', '{"preload": ["$c"]}', '{"preload": {"$c": true}}', '{"preload": {"p": {"relation": "$c"}}}', '{"count": {"c": "$c"}}', '{"aggregate": {"a": {"relation": "posts", "sum": "$c"}}}', '{"key_case": "$c"}', '{"cursor": "$b"}'
	]) d;
SELECT refused('users', '{}', '[]'), refused('users', '{}', '5'), refused('users', '{}', '{"unused": 1}');

--
-- Cursors
--
SELECT q ->> 'cursor' AS c FROM relations.query('users', '{"order": ["name"], "limit": 1, "cursor": true}') q \gset
SELECT refused('users', jsonb_build_object('order', o::jsonb, 'after', :'c')) FROM unnest(ARRAY['["name"]', '["-name"]', '["age"]', '["name", "age"]', '[]', '[{"column": "name", "nulls": "first"}]']) o;
SELECT refused('posts', jsonb_build_object('order', '["title"]'::jsonb, 'after', :'c'));
SELECT refused('users', jsonb_build_object('preload', jsonb_build_object('reports', jsonb_build_object('order', '["name"]'::jsonb, 'after', :'c'))));
SELECT refused('users', jsonb_build_object('order', '["name"]'::jsonb, 'after', :'c', 'before', :'c'));
-- each byte altered, each length cut off, all sorts of rubbish: an error, always the same two
SELECT refused, count(*) FROM (
	SELECT refused('users', jsonb_build_object('order', '["name"]'::jsonb, 'after', overlay(:'c' PLACING x FROM n FOR 1)))
	FROM generate_series(1, length(:'c')) n, unnest(ARRAY['A', '/', '=', ' ', 'é']) x WHERE substr(:'c', n, 1) <> x
	UNION ALL
	SELECT refused('users', jsonb_build_object('order', '["name"]'::jsonb, 'after', left(:'c', n))) FROM generate_series(0, length(:'c') - 1) n
	UNION ALL
	SELECT refused('users', jsonb_build_object('order', '["name"]'::jsonb, 'after', x)) FROM unnest(ARRAY['x', repeat('A', 1000000), encode(repeat('9', 30)::bytea, 'base64'), replace(encode('12345678999999999999999999:x;1:1;'::bytea, 'base64'), E'\n', ''), encode('12345678-;-;'::bytea, 'base64'), encode('123456781:1;1:1;'::bytea, 'base64'), encode('\x0000000000000000313a00313b'::bytea, 'base64'), encode('\x0000000000000000323ac3283b'::bytea, 'base64')]) x
	) y GROUP BY refused ORDER BY refused COLLATE "C";
CREATE VIEW keyless AS SELECT name FROM users;
SELECT refused('keyless', '{"cursor": true}'), refused('keyless', '{"order": ["name"], "cursor": true, "limit": 1}'), refused('keyless', '{"order": ["name"], "limit": 1}');

--
-- Documents of unreasonable size
--
-- an error that says so, or the right answer: whichever the stack has room for
CREATE FUNCTION nested(depth int, before text, inner_part text, behind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE head text; tail text; result text;
BEGIN
	SELECT split_part(before, '...', 1) || repeat(split_part(before, '...', 2), depth), repeat(split_part(behind, '...', 1), depth) || split_part(behind, '...', 2) INTO head, tail;
	result := split_part(refused('users', (head || inner_part || tail)::jsonb), ' ', 1);
	RETURN result;
EXCEPTION WHEN statement_too_complex THEN
	-- jsonb itself
	RETURN '54001:';
END $$;
SET relations.max_depth = 0;
SELECT what, nested(100, before, inner_part, behind) AS "100", nested(3000, before, inner_part, behind) IN ('not', '22023:', '54001:') AS "3,000",
	nested(10000, before, inner_part, behind) IN ('not', '22023:', '54001:') AS "10,000"
FROM (VALUES
	('unknown keys', '...{"not": ', '{}', '}...'),
	('not', '{"where": ...{"not": ', '{}', '}...}'),
	('and', '{"where": ...{"and": [', '{}', ']}...}'),
	('not of a column', '{"where": {"id": ...{"not": ', '1', '}...}}'),
	('filters', '{"where": ...{"reports": {"some": ', '{}', '}}...}'),
	('preload', '{"preload": ...{"reports": {"preload": ', '{}', '}}...}'),
	('path', '{"preload": ["...reports.', 'posts', '..."]}'),
	('order', '{"order": ["...profile.user.', 'id', '..."]}'),
	('value', '{"where": {"data": {"eq": ...[', '', ']...}}}')) w (what, before, inner_part, behind);
-- not so deep: a right answer
SELECT count(*) FROM relations.query('users', ('{"where": ' || repeat('{"not": ', 300) || '{"id": 1}' || repeat('}', 300) || '}')::jsonb);
SELECT count(*) FROM relations.query('users', ('{"where": ' || repeat('{"reports": {"none": ', 10) || '{}' || repeat('}}', 10) || '}')::jsonb);
-- long lists
SELECT count(*) FROM relations.query('users', jsonb_build_object('where', jsonb_build_object('id', jsonb_build_object('in', (SELECT jsonb_agg(i) FROM generate_series(3, 100002) i)))));
SELECT count(*) FROM relations.query('users', jsonb_build_object('where', jsonb_build_object('id', jsonb_build_object('not_in', (SELECT jsonb_agg(i) FROM generate_series(3, 100002) i)))));
SELECT count(*) FROM relations.query('users', jsonb_build_object('where', '{"id": {"in": "$ids"}}'::jsonb), jsonb_build_object('ids', (SELECT jsonb_agg(i) FROM generate_series(3, 100002) i)));
SELECT count(*) FROM relations.query('users', jsonb_build_object('where', jsonb_build_object('or', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(3, 5002) i))));
SELECT refused('users', jsonb_build_object('where', jsonb_build_object('or', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1, 70000) i))));
SELECT count(*), count(DISTINCT q) FROM relations.query('users', jsonb_build_object('select', (SELECT jsonb_agg('id'::text) FROM generate_series(1, 10000)))) q;
SELECT count(*), max(length(q::text)) > 10000 AS many FROM relations.query('users', jsonb_build_object('count', (SELECT jsonb_object_agg('c' || i, 'posts') FROM generate_series(1, 1000) i))) q;
SELECT length(refused('users', jsonb_build_object('where', jsonb_build_object(repeat('x', 1000000), 1)))) > 1000000 AS long_name;

--
-- query_related and paginate
--
\set VERBOSITY terse
SELECT relations.query_related('users', 1, 'psots');
SELECT relations.query_related('users', 'x', 'posts');
SELECT relations.query_related('users', 1, 'posts', '[]');
SELECT relations.query_related('users', 1, 'posts', 'true');
SELECT relations.query_related('users', 1, 'posts', '{"relation": "reports"}');
SELECT relations.query_related('users', 1, 'posts', '{"where": {"titel": 1}}');
SELECT relations.query_related('keyless', 1, 'posts');
SELECT relations.paginate('users', '[]');
SELECT relations.paginate('users', '{}', 0);
SELECT relations.paginate('users', '{}', 1, 0);
SELECT relations.paginate('users', '{"limit": 1}');
SELECT relations.paginate('users', '{"offset": 1}');
SELECT relations.paginate('users', '{"after": "x"}');
SELECT relations.paginate('users', '{"before": null}');
SELECT relations.paginate('users', '{"where": {"nmae": 1}}');
SELECT relations.query('pg_catalog.pg_class', '{"where": {"relnam": 1}}');
SELECT relations.query('no_such_table', '{}');
