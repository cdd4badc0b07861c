--
-- One kept plan serves all documents of a shape: values are no part of it
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query_plans;
SET search_path = query_plans;
-- statistics that come at their own time let plans go
CREATE TABLE users (id int PRIMARY KEY, name text, age int, data jsonb) WITH (autovacuum_enabled = false);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, likes int) WITH (autovacuum_enabled = false);
INSERT INTO users SELECT i, CASE WHEN i % 4 > 0 THEN 'user ' || i % 7 END, CASE WHEN i % 5 > 0 THEN i END, jsonb_build_object('n', i % 3) FROM generate_series(1, 30) i;
INSERT INTO posts SELECT i, 1 + i % 25, 'post ' || i % 9, i % 13 FROM generate_series(1, 200) i;
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id');

-- how many plans more are kept after these documents, each asked for twice
CREATE FUNCTION kept() RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'relations read plan' $$;
CREATE FUNCTION grows(VARIADIC documents text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := kept();
BEGIN
	FOR i IN 1 .. 2 LOOP
		FOR d IN 1 .. cardinality(documents) LOOP
			PERFORM relations.query('users', documents[d]::jsonb);
		END LOOP;
	END LOOP;
	RETURN kept() - before;
END $$;
-- other values
SELECT grows('{"where": {"id": 1}}', '{"where": {"id": 2}}', '{"where": {"id": 1000}}') AS eq,
	grows('{"where": {"name": {"like": "a%"}}}', '{"where": {"name": {"like": "%"}}}') AS like,
	grows('{"where": {"id": {"in": [1]}}}', '{"where": {"id": {"in": [1, 2, 3]}}}', '{"where": {"id": {"in": []}}}', '{"where": {"id": {"in": [null]}}}') AS in_list,
	grows('{"where": {"id": {"between": [1, 2]}}}', '{"where": {"id": {"between": [3, 4]}}}') AS between,
	grows('{"where": {"data": {"contains": {"n": 1}}}}', '{"where": {"data": {"contains": {"n": {"m": [1, 2]}, "o": 5}}}}') AS contains,
	grows('{"offset": 1}', '{"offset": 2}') AS "offset",
	grows('{"where": {"posts": {"count": {"gt": 1}}}}', '{"where": {"posts": {"count": {"gt": 2}}}}') AS count,
	grows('{"where": {"or": [{"id": 1}, {"posts": {"some": {"title": "x"}}}]}}', '{"where": {"or": [{"id": 5}, {"posts": {"some": {"title": "post 3"}}}]}}') AS junction,
	grows('{"preload": {"posts": {"where": {"likes": {"gt": 1}}, "offset": 1}}, "count": {"c": {"relation": "posts", "where": {"likes": 2}}}}',
		'{"preload": {"posts": {"where": {"likes": {"gt": 5}}, "offset": 0}}, "count": {"c": {"relation": "posts", "where": {"likes": 7}}}}') AS below;
-- a value that is null, or of another type of JSON, is of another shape
SELECT grows('{"where": {"age": 1}}', '{"where": {"age": null}}', '{"where": {"age": "1"}}') AS eq,
	grows('{"where": {"age": {"is_null": true}}}', '{"where": {"age": {"is_null": false}}}') AS is_null,
	grows('{"where": {"age": {"ne": 4}}}', '{"where": {"age": {"ne": null}}}') AS ne;
-- so is another key, column, relation, order, limit, selection
SELECT grows('{"where": {"id": 4}, "limit": 1}', '{"where": {"id": 5}, "limit": 2}', '{"where": {"id": 4}}') AS "limit",
	grows('{"order": ["name"]}', '{"order": ["-name"]}', '{"order": ["name"]}') AS "order",
	grows('{"select": ["id"]}', '{"select": ["name"]}') AS "select",
	grows('{"preload": ["posts"]}', '{"preload": {"posts": true}}', '{"preload": {"p": {"relation": "posts"}}}') AS preload,
	grows('{"where": {"or": [{"id": 1}, {"id": 2}]}}', '{"where": {"or": [{"id": 1}, {"id": 2}, {"id": 3}]}}') AS junction;
-- the key's order and blanks are no matter: they are jsonb; params are values
SELECT grows('{"where": {"name": "a", "age": 2}, "limit": 3}', '{"limit":3,"where":{"age":7,"name":"b"}}') AS same;
SELECT kept() AS before \gset
SELECT count(*) FROM generate_series(1, 20) i, relations.query('users', '{"where": {"name": "$n", "age": "$a"}, "limit": 3}', jsonb_build_object('n', 'user ' || i, 'a', i));
SELECT kept() - :before AS params;
-- a page of paginate is an offset
SELECT relations.paginate('users', '{}', 1, 5) -> 'meta' AS meta;
SELECT kept() AS before \gset
SELECT count(relations.paginate('users', '{}', i, 5)) FROM generate_series(2, 6) i;
SELECT kept() - :before AS pages;

--
-- And the results are those of the values: each shape with one value after the
-- other, more often than a plan is made for the values at hand
--
CREATE FUNCTION same(document text, byhand text) RETURNS TABLE (calls bigint, rows bigint, same boolean) LANGUAGE plpgsql AS $$
DECLARE
	got jsonb;
	want jsonb;
BEGIN
	calls := 0; rows := 0; same := true;
	FOR n IN 1 .. 15 LOOP
		EXECUTE 'SELECT COALESCE(jsonb_agg(q), ''[]'') FROM relations.query(''users'', ' || document || ') q' INTO got USING n;
		EXECUTE 'SELECT COALESCE(jsonb_agg(j), ''[]'') FROM (' || byhand || ') x (j)' INTO want USING n;
		calls := calls + 1;
		rows := rows + jsonb_array_length(got);
		same := same AND got = want;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT * FROM same('jsonb_build_object(''where'', jsonb_build_object(''age'', CASE WHEN $1 % 4 > 0 THEN $1 END))',
	'SELECT to_jsonb(u) FROM users u WHERE age IS NOT DISTINCT FROM CASE WHEN $1 % 4 > 0 THEN $1 END ORDER BY id');
SELECT * FROM same('jsonb_build_object(''where'', jsonb_build_object(''id'', jsonb_build_object(''in'', (SELECT COALESCE(jsonb_agg(NULLIF(i * 2, 6)), ''[]'') FROM generate_series(5, $1) i))))',
	'SELECT to_jsonb(u) FROM users u WHERE id IN (SELECT NULLIF(i * 2, 6) FROM generate_series(5, $1) i) ORDER BY id');
SELECT * FROM same('jsonb_build_object(''where'', jsonb_build_object(''age'', jsonb_build_object(''between'', jsonb_build_array($1, $1 + 4), ''not_in'', jsonb_build_array($1 + 1)), ''name'', jsonb_build_object(''like'', ''%'' || $1 % 7)), ''offset'', $1 % 2)',
	'SELECT to_jsonb(u) FROM users u WHERE age BETWEEN $1 AND $1 + 4 AND age <> $1 + 1 AND name LIKE ''%'' || $1 % 7 ORDER BY id OFFSET $1 % 2');
SELECT * FROM same('''{"select": ["id"], "where": {"id": {"lte": "$n"}, "posts": {"count": {"gt": "$c"}, "some": {"likes": "$n"}}}, "preload": {"posts": {"select": ["id"], "where": {"likes": {"gte": "$n"}}, "order": ["-likes"], "limit": 2, "offset": "$o"}}, "count": {"few": {"relation": "posts", "where": {"likes": {"lt": "$n"}}}}}'', jsonb_build_object(''n'', $1, ''c'', $1 % 8, ''o'', $1 % 3)',
	'SELECT jsonb_build_object(''id'', u.id, ''posts'', to_jsonb(ARRAY(SELECT jsonb_build_object(''id'', p.id) FROM posts p WHERE user_id = u.id AND likes >= $1 ORDER BY likes DESC, p.id LIMIT 2 OFFSET $1 % 3)), ''few'', (SELECT count(*) FROM posts p WHERE user_id = u.id AND likes < $1))
	 FROM users u WHERE u.id <= $1 AND (SELECT count(*) FROM posts p WHERE user_id = u.id) > $1 % 8 AND EXISTS (SELECT FROM posts p WHERE user_id = u.id AND likes = $1) ORDER BY u.id');
-- cursors with and without nulls
SELECT count(*) AS cursors, bool_and(behind = byhand) AS same FROM (
	SELECT ARRAY(SELECT (x ->> 'id')::int FROM relations.query('users', jsonb_build_object('order', '["-name", "age"]'::jsonb, 'after', q ->> 'cursor')) x) AS behind,
		ARRAY(SELECT id FROM users ORDER BY name DESC, age, id OFFSET n) AS byhand
	FROM relations.query('users', '{"order": ["-name", "age"], "cursor": true}') WITH ORDINALITY AS y (q, n)) z;

--
-- A plan goes with what it was made of
--
CREATE FUNCTION names() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(q::text, ' ') FROM relations.query('users', '{"where": {"id": {"in": [1, 2]}}, "select": ["name"]}') q $$;
SELECT names();
BEGIN;
ALTER TABLE users RENAME name TO called;
SELECT names();
ROLLBACK;
SELECT names();
ALTER TABLE users ALTER name TYPE varchar(3) USING 'new';
SELECT names();
SELECT kind FROM relations.has_many('users', 'liked', 'posts', foreign_key => 'user_id', scope => '{"where": {"likes": {"gt": 11}}}');
SELECT relations.query('users', '{"select": ["id"], "where": {"id": 1}, "count": {"n": "liked"}}');
SELECT relations.drop_relation('users', 'liked');
SELECT kind FROM relations.has_many('users', 'liked', 'posts', foreign_key => 'user_id', scope => '{"where": {"likes": {"gt": 5}}}');
SELECT relations.query('users', '{"select": ["id"], "where": {"id": 1}, "count": {"n": "liked"}}');
