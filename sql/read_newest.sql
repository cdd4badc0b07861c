--
-- The first rows of each of many parents.  Parent by parent, by a LATERAL
-- subquery, or all rows at once, of which the first of each are kept: which
-- way is taken is told by explain, and by nothing else.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA newest;
SET search_path = newest;

-- *= compares the bytes; the arrays give both sides the same kind of header
CREATE TYPE holder AS (held jsonb[]);
CREATE FUNCTION same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT a = b AND ROW(ARRAY[a])::holder *= ROW(ARRAY[b])::holder $$;

-- what a call of query gives, in a table of its own
CREATE TABLE cases (name text PRIMARY KEY, model regclass, query jsonb);
CREATE TABLE results (name text, way text, n bigint, j jsonb);
CREATE FUNCTION way_of(model regclass, query jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(DISTINCT regexp_replace(line, '^[^:]*: |, [0-9]+ times.*', '', 'g'), '; ') FROM relations.explain(model, query, true) line
	WHERE line ~ '^[a-z._]*\.(newest|latest|top)(_[a-z]+)?: ' $$;
CREATE PROCEDURE collect() LANGUAGE sql AS
$$ INSERT INTO results SELECT c.name, c.way, q.n, q.j
	FROM (SELECT *, way_of(model, query) AS way FROM cases OFFSET 0) c CROSS JOIN LATERAL relations.query(model, query) WITH ORDINALITY q (j, n) $$;

-- users, most of whom have a few posts, some none; ties and NULLs in what posts
-- are ordered by, words that "C" orders in another way, rows in no order
CREATE DOMAIN stars AS int;
CREATE TABLE users (id int PRIMARY KEY, code text UNIQUE, region int, number int, UNIQUE (region, number)) WITH (autovacuum_enabled = off);
CREATE TABLE posts (at timestamptz, word text, gone int, stars stars, score numeric, price float8, tags text[], id int PRIMARY KEY, big text COLLATE "C",
	user_id int, user_code text, region int, number int) WITH (autovacuum_enabled = off);
CREATE TABLE tags (id int PRIMARY KEY, word text) WITH (autovacuum_enabled = off);
CREATE TABLE post_user (id int PRIMARY KEY, tag_id int, user_id int, level int) WITH (autovacuum_enabled = off);
INSERT INTO users SELECT i, 'u' || i, i % 3, i FROM generate_series(1, 700) i;
INSERT INTO posts SELECT CASE WHEN i % 5 > 0 THEN '2026-01-01 00:00+00'::timestamptz + i % 37 * interval '1 hour' END,
	(ARRAY['b', 'B', 'a', 'A', 'ä', '', NULL])[1 + i % 7], i, CASE WHEN i % 4 > 0 THEN i % 3 END,
	CASE WHEN i % 11 > 0 THEN (i % 13)::numeric / (1 + i % 2) ELSE 'NaN' END, CASE i % 6 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' WHEN 2 THEN -0.0 WHEN 3 THEN 0 END,
	CASE WHEN i % 3 > 0 THEN ARRAY[(i % 5)::text, NULL] END, i, CASE WHEN i % 900 = 0 THEN repeat(md5(i::text), 3000) ELSE md5(i::text) END
FROM (SELECT (i * 1009) % 4001 AS i FROM generate_series(1, 4000) i) q;
UPDATE posts SET user_id = u, user_code = 'u' || u, region = u % 3, number = u
FROM (SELECT id AS p, 1 + (id * 7919) % 1201 AS u FROM posts) q WHERE id = p AND u <= 1195;
ALTER TABLE posts DROP COLUMN gone;
-- a column that the rows do not have yet
ALTER TABLE posts ADD COLUMN published boolean NOT NULL DEFAULT true;
UPDATE posts SET published = false WHERE id % 3 = 0;
INSERT INTO tags SELECT i, (ARRAY['x', 'Y', 'z'])[1 + i % 3] FROM generate_series(1, 40) i;
INSERT INTO post_user SELECT i, 1 + (i * 31) % 40, 1 + (i * 13) % 700, i % 4 FROM generate_series(1, 3000) i;

SELECT FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', enforce => false);
SELECT FROM relations.has_many('users', 'posts_by_code', 'posts', foreign_key => 'user_code', local_key => 'code', enforce => false);
SELECT FROM relations.has_many('users', 'posts_by_place', 'posts', foreign_key => 'region,number', local_key => 'region,number', enforce => false);
SELECT FROM relations.has_one('users', 'latest', 'posts', foreign_key => 'user_id', enforce => false, scope => '{"order": ["-at"]}');
SELECT FROM relations.has_many('users', 'top', 'posts', foreign_key => 'user_id', enforce => false, scope => '{"where": {"published": true}, "order": ["-stars", "word"], "limit": 3}');
SELECT FROM relations.belongs_to('posts', 'user', 'users', foreign_key => 'user_id', enforce => false);
SELECT FROM relations.many_to_many('users', 'tags', 'tags', pivot_table => 'post_user', pivot_columns => 'id,level');
-- the indexes in which a probe for one parent stops at the last row that is wanted
CREATE INDEX ordered_at ON posts (user_id, at);
CREATE INDEX ordered_nulls ON posts (user_id, at NULLS FIRST);
CREATE INDEX ordered_stars ON posts (user_id, stars DESC);
CREATE INDEX ordered_word ON posts (user_id, word);
CREATE INDEX ordered_code ON posts (user_code, at);
CREATE INDEX ordered_place ON posts (number, region, at);
CREATE INDEX ordered_level ON post_user (user_id, level);

INSERT INTO cases
SELECT name, 'users', jsonb_build_object('preload', jsonb_build_object('newest', body))
FROM (VALUES
	('newest', '{"relation": "posts", "order": ["-at"], "limit": 3}'::jsonb),
	('newest, the limit above all', '{"relation": "posts", "order": ["-at"], "limit": 9}'),
	('oldest', '{"relation": "posts", "order": ["at"], "limit": 1}'),
	('NULLs first', '{"relation": "posts", "order": [{"column": "at", "nulls": "first"}, "-stars"], "limit": 2, "select": ["id"]}'),
	('NULLs last', '{"relation": "posts", "order": [{"column": "at", "direction": "desc", "nulls": "last"}, "id"], "limit": 2}'),
	('two columns, a domain', '{"relation": "posts", "order": ["-stars", "word", "-score"], "limit": 4}'),
	('text', '{"relation": "posts", "order": ["word", "-big"], "limit": 3}'),
	('toasted', '{"relation": "posts", "order": ["word", "big"], "limit": 3, "select": ["id", "big"]}'),
	('numeric', '{"relation": "posts", "order": ["-at", "-score", "price"], "limit": 3}'),
	('arrays', '{"relation": "posts", "order": ["-at", "tags", "-price"], "limit": 3}'),
	('offset', '{"relation": "posts", "order": ["-at"], "limit": 2, "offset": 2}'),
	('offset behind the last', '{"relation": "posts", "order": ["-at"], "limit": 2, "offset": 1000}'),
	('filtered', '{"relation": "posts", "order": ["-at"], "limit": 2, "where": {"published": false, "user": {"is": {}}}}'),
	('with more below', '{"relation": "posts", "order": ["-at"], "limit": 2, "preload": {"user": {"select": ["code"]}}}'),
	('text keys', '{"relation": "posts_by_code", "order": ["-at"], "limit": 3}'),
	('composite keys', '{"relation": "posts_by_place", "order": ["-at"], "limit": 3, "offset": 1}'),
	('scope', '{"relation": "top"}'),
	('scope, and more', '{"relation": "top", "where": {"word": {"ne": "b"}}, "limit": 2, "offset": 1}'),
	('latest of many', '{"relation": "latest"}'),
	('pivot', '{"relation": "tags", "order": ["-pivot.level"], "limit": 2}'),
	('pivot, then the tag', '{"relation": "tags", "order": ["pivot.level", "-word"], "limit": 2, "offset": 1}')) c (name, body);

ANALYZE users;
ANALYZE tags;

-- without statistics nobody knows that parents have few rows
SET relations.batch_memory = '4MB';
CALL collect();
CREATE TABLE by_probes AS SELECT * FROM results;
SELECT way, count(DISTINCT name), string_agg(DISTINCT name, ', ') AS names FROM by_probes GROUP BY way ORDER BY way;
-- with them it is known
ANALYZE posts;
ANALYZE post_user;
TRUNCATE results;
CALL collect();
SELECT way, count(DISTINCT name) FROM results GROUP BY way ORDER BY way;
-- the same to the byte
SELECT a.name, count(*), bool_and(same(a.j, b.j)) AS same, sum(jsonb_array_length(CASE jsonb_typeof(a.j -> 'newest') WHEN 'array' THEN a.j -> 'newest' END)) AS newest
FROM by_probes a FULL JOIN results b USING (name, n) GROUP BY a.name ORDER BY a.name COLLATE "C";
-- and what a window function finds
SELECT count(*), bool_and(jsonb_path_query_array(q.j, '$.newest[*].id') = w.ids) AS right
FROM results q CROSS JOIN LATERAL (
	SELECT coalesce(jsonb_agg(p.id ORDER BY r), '[]') AS ids
	FROM (SELECT p.id, row_number() OVER (ORDER BY at DESC, id) AS r FROM posts p WHERE p.user_id = (q.j ->> 'id')::int) p WHERE r <= 3) w
WHERE q.name = 'newest';

-- one parent alone has its own statement, and so it is in a graph that has one
DELETE FROM cases;
INSERT INTO cases VALUES
	('one', 'users', '{"where": {"id": 7}, "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}'),
	-- an order that is no column is the server's
	('count', 'users', '{"where": {"id": {"lte": 20}}, "preload": {"newest": {"relation": "tags", "order": [{"count": "users"}, "id"], "limit": 2}}}');
SELECT FROM relations.many_to_many('tags', 'users', 'users', pivot_table => 'post_user');
TRUNCATE results;
CALL collect();
SELECT name, way, count(*) FROM results GROUP BY name, way ORDER BY name;

-- a parent with very many rows, which the statistics know of: it is for the
-- others that all rows are read, and not where it is among them
INSERT INTO posts (id, user_id, at) SELECT i, 5, '2026-02-01 00:00+00'::timestamptz + i * interval '1 second' FROM generate_series(10001, 30000) i;
ANALYZE posts;
SELECT way_of('users', '{"where": {"id": {"gt": 5, "lt": 600}}, "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2}}}') AS without,
	way_of('users', '{"where": {"id": {"lt": 600}}, "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2}}}') AS with_it;
-- statistics that are old: reading all rows is given up, and no row is there twice
INSERT INTO posts (id, user_id, at) SELECT i, 6, '2026-02-01 00:00+00'::timestamptz + i * interval '1 second' FROM generate_series(30001, 50000) i;
SELECT way_of('users', '{"where": {"id": {"gt": 5, "lt": 200}}, "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2}}}') AS both_ways;
SELECT j FROM relations.query('users', '{"where": {"id": {"gt": 5, "lt": 200}}, "select": ["id"], "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}') j LIMIT 2;
-- without such an index a probe would read as much
DROP INDEX ordered_at;
SELECT way_of('users', '{"where": {"id": {"lt": 600}}, "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2}}}');
SELECT j FROM relations.query('users', '{"where": {"id": {"gt": 4, "lt": 200}}, "select": ["id"], "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}') j LIMIT 2;
-- of a view it is not known how it finds its rows
CREATE VIEW some_posts AS SELECT * FROM posts;
SELECT FROM relations.model('some_posts', primary_key => 'id');
SELECT FROM relations.has_many('users', 'some_posts', 'some_posts', foreign_key => 'user_id', enforce => false);
SELECT way_of('users', '{"where": {"id": {"lt": 600}}, "preload": {"newest": {"relation": "some_posts", "order": ["-at"], "limit": 2}}}');

-- rows that are not the caller's are not among the first
CREATE ROLE newest_reader;
GRANT USAGE ON SCHEMA newest TO newest_reader;
GRANT SELECT ON users, posts TO newest_reader;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON posts USING (id % 2 = 0);
SET ROLE newest_reader;
SELECT j FROM relations.query('users', '{"where": {"id": {"gt": 4, "lt": 200}}, "select": ["id"], "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}') j LIMIT 3;
-- rows that are read but not wanted do not count
RESET ROLE;
SET relations.max_rows = 600;
SELECT count(*) FROM relations.query('users', '{"where": {"id": {"gt": 4, "lt": 200}}, "select": ["id"], "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}') j;
SET relations.max_rows = 400;
SELECT count(*) FROM relations.query('users', '{"where": {"id": {"gt": 4, "lt": 200}}, "select": ["id"], "preload": {"newest": {"relation": "posts", "order": ["-at"], "limit": 2, "select": ["id"]}}}') j;
RESET relations.max_rows;
RESET relations.batch_memory;

RESET search_path;
SET client_min_messages = error;
DROP SCHEMA newest CASCADE;
DROP ROLE newest_reader;
