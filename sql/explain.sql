-- preload_sql and explain: what reading a graph makes the server do
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = warning;
CREATE SCHEMA explain;
SET search_path = explain, public;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text, created_at timestamptz);
CREATE TABLE tags (id int PRIMARY KEY, word text);
CREATE TABLE post_tag (post_id int REFERENCES posts, tag_id int REFERENCES tags, PRIMARY KEY (post_id, tag_id));
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 100) i;
INSERT INTO posts SELECT i, 1 + i % 100, 'p' || i, '2026-01-01 00:00+00'::timestamptz + i * interval '1 minute' FROM generate_series(1, 20000) i;
INSERT INTO tags SELECT i, 'w' || i FROM generate_series(1, 20) i;
INSERT INTO post_tag SELECT i, 1 + i % 20 FROM generate_series(1, 20000, 7) i;
SELECT FROM relations.has_many('users', 'posts', 'posts');
SELECT FROM relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id');
SELECT FROM relations.many_to_many('posts', 'tags', 'tags', pivot_table => 'post_tag');
CREATE INDEX newest ON posts (user_id, created_at);
VACUUM ANALYZE;

-- the SQL of each level, with its values
SELECT relations.preload_sql('users', '{
	"where": {"name": {"like": "u1%"}, "posts": {"some": {"title": "it''s \"quoted\""}}},
	"order": ["-name"], "limit": 2,
	"preload": {"latest": {"relation": "posts", "order": ["-created_at"], "limit": 3, "preload": ["tags"]}},
	"count": {"posts_count": "posts"}}') AS sql \gset
\echo :sql
-- it runs as it stands, and finds the rows that query finds
SELECT relations.preload_sql('users', '{
	"where": {"id": {"lte": 2}}, "select": ["id"],
	"preload": {"posts": {"select": ["id"], "order": ["-created_at"], "limit": 3, "preload": ["author"]}}}') AS sql \gset
:sql
SELECT relations.query('users', '{
	"where": {"id": {"lte": 2}}, "select": ["id"],
	"preload": {"posts": {"select": ["id"], "order": ["-created_at"], "limit": 3, "preload": ["author"]}}}');

-- the first rows of each parent come from an index, in the order asked for
SELECT relations.explain('users', '{
	"preload": {"posts": {"order": ["-created_at"], "limit": 3}}}');
-- filters on relations are semi- and anti-joins, or probe an index
SELECT relations.explain('tags', '{"limit": 1}');
SELECT relations.explain('users', '{"where": {"posts": {"some": {"title": "p5"}}}}');
SELECT relations.explain('users', '{"where": {"posts": {"none": {}}}}');
-- a page behind a cursor begins where the index says
SELECT j ->> 'cursor' AS cursor FROM relations.query('posts', '{"order": ["id"], "limit": 1, "offset": 9999, "cursor": true}') j \gset
SELECT relations.explain('posts', jsonb_build_object('order', '["id"]'::jsonb, 'limit', 10, 'after', :'cursor'));

-- with analyze: rows and times of all batches
SELECT regexp_replace(regexp_replace(line, '(time|Time)[=:] ?[0-9.]+(\.\.[0-9.]+)?( ms)?', '\1', 'g'), 'cost=.*width=[0-9]+', 'cost') AS line
FROM relations.explain('users', '{"where": {"id": {"lte": 3}}, "preload": ["posts.tags"]}', "analyze" => true) line
WHERE line !~ 'Buffers|Planning|Hash|Memory|Heap|Rows Removed|Recheck|Sort|Cond|Filter|Loop|Memo|Cache|Hits|Index Searches|->';

-- errors
SELECT relations.explain('users', NULL);
SELECT relations.explain('users', '{"wher": {}}');
SELECT relations.preload_sql(NULL, '{}');
SELECT relations.preload_sql('users', '[]');

RESET search_path;
SET client_min_messages = error;
DROP SCHEMA explain CASCADE;
