--
-- Many parents are read in one pass a level, partition by partition, in
-- memory or by way of a temporary file.  Nobody can tell from the documents.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA pass;
SET search_path = pass;

-- *= compares the bytes; the arrays give both sides the same kind of header
CREATE TYPE holder AS (held jsonb[]);
CREATE FUNCTION same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT a = b AND ROW(ARRAY[a])::holder *= ROW(ARRAY[b])::holder $$;

-- users of two countries, of which not all have a profile, posts or tags; some
-- posts have no user; the rows of children lie in no order
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE countries (id uuid PRIMARY KEY, name text);
CREATE TABLE users (id int PRIMARY KEY, gone text, name text, code int, country_id uuid, boss_id int, score numeric, joined timestamptz, "mood" mood);
CREATE TABLE profiles (bio text, user_id bigint, id bigint PRIMARY KEY, born date);
-- long ones stand out of line
ALTER TABLE profiles ALTER bio SET STORAGE EXTERNAL;
CREATE TABLE posts (id int PRIMARY KEY, title text, user_id int, at timestamp, data jsonb, labels text[]);
CREATE TABLE comments (post_id int, id int PRIMARY KEY, body text, user_code int);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE post_tag (post_id int, tag_id int, level int, PRIMARY KEY (post_id, tag_id));
INSERT INTO countries SELECT md5(i::text)::uuid, 'country ' || i FROM generate_series(1, 2) i;
INSERT INTO users SELECT i, 'gone', 'user ' || i, i % 5000, NULLIF(md5((i % 3)::text)::uuid, md5('0')::uuid), i / 2, NULLIF(i * 1.10, 11),
	'2024-03-30 22:00+00'::timestamptz + i * interval '77 minutes', (ARRAY['sad', 'glad', NULL])[1 + i % 3]::mood
FROM generate_series(1, 6000) i;
ALTER TABLE users DROP COLUMN gone;
INSERT INTO profiles SELECT CASE WHEN i % 500 = 0 THEN repeat('toasted ' || i, 3000) ELSE 'bio ' || i END, i, 10000 - i, '2000-01-01'::date + i
FROM (SELECT (i * 2741) % 6001 AS i FROM generate_series(1, 6000) i) q WHERE i % 7 > 0;
INSERT INTO posts SELECT i, 'post ' || i, NULLIF((i * 7919) % 7001, 0), '2024-01-01'::timestamp + i * interval '1.5 s',
	CASE i % 4 WHEN 0 THEN to_jsonb(i) WHEN 1 THEN jsonb_build_object('i', i, 'a', ARRAY[i]) END, CASE WHEN i % 3 > 0 THEN ARRAY['a', i::text] END
FROM generate_series(1, 9000) i;
INSERT INTO comments SELECT (i * 104729) % 9500, i, repeat('c', i % 40), i % 5000 FROM generate_series(15000, 1, -1) i;
INSERT INTO tags SELECT i, 'tag ' || i FROM generate_series(1, 50) i;
INSERT INTO post_tag SELECT p, 1 + (p * 31 + t * 7) % 50, t FROM generate_series(1, 9000) p, generate_series(1, 3) t WHERE p % 5 > 0;
-- columns that the rows do not have yet
ALTER TABLE profiles ADD COLUMN verified boolean DEFAULT true;
ALTER TABLE comments ADD COLUMN stars int NOT NULL DEFAULT 5;
CREATE INDEX ON posts (user_id);
CREATE INDEX ON comments (post_id);
CREATE INDEX ON comments (user_code);
CREATE INDEX ON users (boss_id);
CREATE INDEX ON profiles (user_id);
VACUUM ANALYZE;

SELECT kind FROM relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id', enforce => false);
SELECT kind FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', enforce => false);
SELECT kind FROM relations.has_many('users', 'latest', 'posts', foreign_key => 'user_id', enforce => false, scope => '{"order": ["-at"], "limit": 1}');
SELECT kind FROM relations.has_many('users', 'by_title', 'posts', foreign_key => 'user_id', enforce => false, scope => '{"order": ["title"]}');
SELECT kind FROM relations.belongs_to('users', 'country', 'countries', foreign_key => 'country_id', enforce => false);
SELECT kind FROM relations.has_many('users', 'reports', 'users', foreign_key => 'boss_id', enforce => false);
SELECT kind FROM relations.has_many('users', 'remarks', 'comments', foreign_key => 'user_code', local_key => 'code', enforce => false);
SELECT kind FROM relations.belongs_to('posts', 'user', 'users', foreign_key => 'user_id', enforce => false);
SELECT kind FROM relations.has_many('posts', 'comments', 'comments', foreign_key => 'post_id', enforce => false);
SELECT kind FROM relations.many_to_many('posts', 'tags', 'tags', pivot_table => 'post_tag', pivot_columns => 'level', enforce => false);
SELECT kind FROM relations.has_many_through('users', 'comments', 'comments', through => 'posts');

-- compare a query with one by hand, whose rows come in the order of the key:
-- with all the memory, and with so little that most goes to the file
CREATE FUNCTION compare(model regclass, query jsonb, hand text) RETURNS TABLE (rows bigint, equal boolean, equal_by_file boolean)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'CREATE TEMP TABLE hand AS SELECT row_number() OVER () AS n, * FROM (' || hand || ') q (j)';
	SELECT count(*), bool_and(same(r.j, h.j) IS TRUE) INTO rows, equal
	FROM relations.query(model, query) WITH ORDINALITY r (j, n) FULL JOIN hand h USING (n);
	-- and so does the text of the documents
	PERFORM FROM ROWS FROM (relations.query(model, query), relations.query_json(model, query)) r (j, t) WHERE j::text IS DISTINCT FROM t::text;
	ASSERT NOT FOUND, 'the text of a document is not that of the jsonb';
	SET LOCAL relations.batch_memory = '1MB';
	PERFORM FROM ROWS FROM (relations.query(model, query), relations.query_json(model, query)) r (j, t) WHERE j::text IS DISTINCT FROM t::text;
	ASSERT NOT FOUND, 'the text of a document by file is not that of the jsonb';
	SELECT bool_and(same(r.j, h.j) IS TRUE) INTO equal_by_file
	FROM relations.query(model, query) WITH ORDINALITY r (j, n) FULL JOIN hand h USING (n);
	RESET relations.batch_memory;
	DROP TABLE hand;
	RETURN NEXT;
END $$;

-- a row each, no rows, many rows, two levels
SELECT * FROM compare('users', '{"preload": ["profile"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('profile', (SELECT to_jsonb(p) FROM profiles p WHERE p.user_id = u.id)) FROM users u ORDER BY u.id $$);
SELECT * FROM compare('users', '{"preload": ["profile", "posts.comments"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('profile', (SELECT to_jsonb(p) FROM profiles p WHERE p.user_id = u.id),
		'posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('comments',
				COALESCE((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM comments c WHERE c.post_id = p.id), '[]')) ORDER BY p.id)
			FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
-- the root comes in another order than that of its key
SELECT * FROM compare('users', '{"order": ["-score"], "preload": ["posts"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id)
		FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.score DESC, u.id $$);
-- what does not take part is read for each batch: keys that are no integers, keys that parents share, a limit for each parent
SELECT * FROM compare('users', '{"preload": ["country", "latest", "profile"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('country', (SELECT to_jsonb(c) FROM countries c WHERE c.id = u.country_id),
		'latest', COALESCE((SELECT jsonb_agg(p.j) FROM (SELECT to_jsonb(p) AS j FROM posts p WHERE p.user_id = u.id ORDER BY p.at DESC LIMIT 1) p), '[]'),
		'profile', (SELECT to_jsonb(p) FROM profiles p WHERE p.user_id = u.id)) FROM users u ORDER BY u.id $$);
SELECT * FROM compare('users', '{"preload": ["remarks", "posts.user.country"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object(
		'remarks', COALESCE((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM comments c WHERE c.user_code = u.code), '[]'),
		'posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('user', to_jsonb(u) || jsonb_build_object('country',
				(SELECT to_jsonb(c) FROM countries c WHERE c.id = u.country_id))) ORDER BY p.id)
			FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
-- the order of a column that the server sorts by
SELECT * FROM compare('users', '{"preload": ["by_title"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('by_title', COALESCE((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.title, p.id)
		FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
-- pivots, and what stands behind a through model
SELECT * FROM compare('posts', '{"preload": ["tags"]}', $$
	SELECT to_jsonb(p) || jsonb_build_object('tags', COALESCE((SELECT jsonb_agg(to_jsonb(t) || jsonb_build_object('pivot',
			jsonb_build_object('level', x.level)) ORDER BY t.id)
		FROM post_tag x JOIN tags t ON t.id = x.tag_id WHERE x.post_id = p.id), '[]')) FROM posts p ORDER BY p.id $$);
SELECT * FROM compare('users', '{"preload": ["posts.tags", "comments"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object(
		'comments', COALESCE((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id)
			FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = u.id), '[]'),
		'posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('tags',
			COALESCE((SELECT jsonb_agg(to_jsonb(t) || jsonb_build_object('pivot',
					jsonb_build_object('level', x.level)) ORDER BY t.id)
				FROM post_tag x JOIN tags t ON t.id = x.tag_id WHERE x.post_id = p.id), '[]')) ORDER BY p.id)
			FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
-- counts and sums, a selection of columns, cursors, keys in camel case
SELECT * FROM compare('users', '{"select": ["name", "joined"], "preload": {"posts": {"select": ["title"], "count": {"said": "comments"}}},
	"count": {"posts_count": "posts", "old": {"relation": "posts", "where": {"id": {"lt": 1000}}}},
	"aggregate": {"last": {"relation": "posts", "max": "at"}, "sum": {"relation": "posts", "sum": "id"}}}', $$
	SELECT jsonb_build_object('name', u.name, 'joined', u.joined,
		'posts', COALESCE((SELECT jsonb_agg(jsonb_build_object('title', p.title,
				'said', (SELECT count(*) FROM comments c WHERE c.post_id = p.id)) ORDER BY p.id) FROM posts p WHERE p.user_id = u.id), '[]'),
		'posts_count', (SELECT count(*) FROM posts p WHERE p.user_id = u.id),
		'old', (SELECT count(*) FROM posts p WHERE p.user_id = u.id AND p.id < 1000),
		'last', (SELECT max(at) FROM posts p WHERE p.user_id = u.id),
		'sum', (SELECT sum(id) FROM posts p WHERE p.user_id = u.id)) FROM users u ORDER BY u.id $$);
SELECT * FROM compare('users', '{"key_case": "camel", "preload": ["posts"]}', $$
	SELECT to_jsonb(u) - ARRAY['country_id', 'boss_id'] || jsonb_build_object('countryId', u.country_id, 'bossId', u.boss_id,
		'posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) - 'user_id' || jsonb_build_object('userId', p.user_id) ORDER BY p.id)
		FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
-- a tree below a part of the rows, which are told apart by their key
SELECT * FROM compare('users', '{"where": {"id": {"gt": 100}}, "preload": {"posts": true, "reports": {"recursive": true, "max_depth": 2}}}', $$
	SELECT to_jsonb(u) || jsonb_build_object('posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id) FROM posts p WHERE p.user_id = u.id), '[]'),
		'reports', COALESCE((SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('reports',
			COALESCE((SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id) FROM users s WHERE s.boss_id = r.id), '[]')) ORDER BY r.id)
			FROM users r WHERE r.boss_id = u.id), '[]')) FROM users u WHERE u.id > 100 ORDER BY u.id $$);
-- few of many keys, which lie far from each other
SELECT * FROM compare('users', '{"where": {"score": {"gt": 0}, "code": {"in": [0, 999, 1998, 2997, 3996, 4995]}}, "preload": ["posts.comments"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('comments',
			COALESCE((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM comments c WHERE c.post_id = p.id), '[]')) ORDER BY p.id)
			FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u WHERE u.score > 0 AND u.code IN (0, 999, 1998, 2997, 3996, 4995) ORDER BY u.id $$);

-- keys that only a bigint holds, with gaps so wide that no map has room for them
CREATE TABLE wide (id bigint PRIMARY KEY, name text);
CREATE TABLE leaves (id bigint PRIMARY KEY, wide_id bigint);
INSERT INTO wide SELECT (i - 2500) * 3000000000000000, 'wide ' || i FROM generate_series(1, 5000) i;
INSERT INTO leaves SELECT i, (i % 5100 - 2500) * 3000000000000000 FROM generate_series(1, 12000) i;
CREATE INDEX ON leaves (wide_id);
VACUUM ANALYZE wide, leaves;
SELECT kind FROM relations.has_many('wide', 'leaves', 'leaves', foreign_key => 'wide_id', enforce => false);
SELECT * FROM compare('wide', '{"preload": ["leaves"]}', $$
	SELECT to_jsonb(w) || jsonb_build_object('leaves', COALESCE((SELECT jsonb_agg(to_jsonb(l) ORDER BY l.id)
		FROM leaves l WHERE l.wide_id = w.id), '[]')) FROM wide w ORDER BY w.id $$);

-- the times of a zone whose offset changes, and of one that is no whole hour
SET timezone = 'Europe/Berlin';
SELECT * FROM compare('users', '{"preload": ["posts"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id)
		FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
SET timezone = 'Asia/Kathmandu';
SELECT * FROM compare('users', '{"preload": ["posts"]}', $$
	SELECT to_jsonb(u) || jsonb_build_object('posts', COALESCE((SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id)
		FROM posts p WHERE p.user_id = u.id), '[]')) FROM users u ORDER BY u.id $$);
RESET timezone;

--
-- Who wants no more, or comes back later
--
-- a LIMIT outside stops the work: far fewer rows are looked at than there are
CREATE FUNCTION looked_at(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint; after bigint; BEGIN
	SELECT seq_tup_read + idx_tup_fetch INTO before FROM pg_stat_xact_user_tables WHERE relid = 'posts'::regclass;
	EXECUTE statement;
	SELECT seq_tup_read + idx_tup_fetch INTO after FROM pg_stat_xact_user_tables WHERE relid = 'posts'::regclass;
	RETURN after - before;
END $$;
SET enable_seqscan = off;
SELECT looked_at($$ SELECT relations.preload('users', 'posts') LIMIT 10 $$) < 200 AS few,
	looked_at($$ SELECT relations.preload('users', 'posts') $$) >= 7000 AS all;
RESET enable_seqscan;

-- a cursor that is read on in other subtransactions, and left before its end
SET relations.batch_memory = '1MB';
BEGIN;
DECLARE c CURSOR FOR SELECT j -> 'id' AS id, jsonb_array_length(j -> 'posts') AS posts FROM (SELECT relations.preload('users', 'posts', 'profile') AS j) q;
MOVE FORWARD 1000 IN c;
FETCH 2 FROM c;
SAVEPOINT s;
MOVE FORWARD 2000 IN c;
FETCH 2 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
CLOSE c;
DECLARE d CURSOR FOR SELECT relations.preload('users', 'posts') ->> 'name' AS name;
MOVE FORWARD 5000 IN d;
FETCH 1 FROM d;
COMMIT;
-- two at once
SELECT count(*), bool_and(same(a.j, b.j)) FROM
	(SELECT row_number() OVER () AS n, j FROM (SELECT relations.preload('users', 'posts') AS j) q) a JOIN
	(SELECT row_number() OVER () AS n, j FROM (SELECT relations.preload('users', 'posts') AS j) q) b USING (n);
SELECT count(*), bool_and(same(a, b)) FROM (SELECT relations.preload('users', 'posts') AS a, relations.preload('users', 'posts') AS b) q;
-- an error in the midst of it leaves nothing behind
CREATE FUNCTION fail_late(j jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN IF j ->> 'id' = '5000' THEN RAISE 'late'; END IF; RETURN j; END $$;
DO $$ BEGIN PERFORM fail_late(relations.preload('users', 'posts', 'profile')); EXCEPTION WHEN raise_exception THEN RAISE WARNING '%', SQLERRM; END $$;
SELECT count(*) FROM (SELECT relations.preload('users', 'posts', 'profile') OFFSET 0) q;
-- the file counts as temporary files do
SET temp_file_limit = '64kB';
DO $$
DECLARE place text;
BEGIN
	PERFORM count(*) FROM (SELECT relations.preload('users', 'posts', 'profile') OFFSET 0) q;
EXCEPTION WHEN configuration_limit_exceeded THEN
	GET STACKED DIAGNOSTICS place = PG_EXCEPTION_CONTEXT;
	RAISE WARNING '%', place;
END $$;
RESET temp_file_limit;
RESET relations.batch_memory;

DROP SCHEMA pass CASCADE;
