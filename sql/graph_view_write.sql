--
-- Graph views are written like tables: INSERT, UPDATE, DELETE, COPY, with
-- nested documents in the columns of relations
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA graph_view_write;
SET search_path = graph_view_write;
SET timezone = 'UTC';
CREATE TABLE countries (code text PRIMARY KEY, name text);
CREATE TABLE users (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, email text UNIQUE, country text REFERENCES countries,
	level int DEFAULT 3 CHECK (level < 100), loud text GENERATED ALWAYS AS (upper(name)) STORED, secret text DEFAULT 's');
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int UNIQUE REFERENCES users ON UPDATE CASCADE ON DELETE CASCADE, bio text);
CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, title text, words int CHECK (words > 0));
CREATE TABLE tags (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE);
CREATE TABLE comments (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, about_type text, about_id int, body text);
SELECT kind FROM relations.belongs_to('users', 'home', 'countries', foreign_key => 'country');
SELECT kind FROM relations.has_one('users', 'profile', 'profiles');
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.many_to_many('users', 'tags', 'tags', pivot_columns => 'weight');
SELECT kind FROM relations.morph_to('comments', 'about', '{"user": "users", "post": "posts"}', on_delete => 'cascade');
SELECT kind FROM relations.morph_many('users', 'comments', 'comments', 'about');
SELECT kind FROM relations.morph_many('posts', 'comments', 'comments', 'about');
SELECT FROM relations.model('users', hidden => 'secret');
INSERT INTO countries VALUES ('in', 'India'), ('no', 'Norway');
SELECT relations.create_view('users_graph', 'users', 'home', 'profile', 'posts.comments', 'tags', 'comments');
-- one line a user, of the tables
CREATE VIEW stored AS SELECT u.id, u.name, u.country, u.level, p.bio,
	(SELECT string_agg(title || COALESCE(' [' || (SELECT string_agg(body, ',' ORDER BY c.id) FROM comments c WHERE c.about_post_id = o.id) || ']', ''), ', ' ORDER BY o.id) FROM posts o WHERE o.user_id = u.id) AS posts,
	(SELECT string_agg(t.name || COALESCE(' ' || weight, ''), ', ' ORDER BY t.id) FROM tag_user JOIN tags t ON t.id = tag_id WHERE user_id = u.id) AS tags,
	(SELECT string_agg(body, ', ' ORDER BY c.id) FROM comments c WHERE c.about_user_id = u.id) AS comments
FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id;

--
-- INSERT
--
INSERT INTO users_graph (name, email, profile) VALUES ('Ann', 'a@', '{"bio": "b"}') RETURNING id, level, loud, profile, posts, home;
INSERT INTO users_graph (name, home, posts, tags, comments) VALUES ('Ben', '{"$connect": "in"}', '[{"title": "1", "comments": [{"body": "c"}]}, {"title": "2"}]',
	'[{"name": "x", "pivot": {"weight": "heavy"}}, {"name": "y"}]', '[{"body": "of Ben"}]') RETURNING *;
-- what is returned is what is read
INSERT INTO users_graph (name, home, posts, tags) VALUES ('Eve', '{"code": "de"}', '[{"title": "e", "comments": []}]', '{"$connect": [{"name": "x"}]}') RETURNING to_jsonb(users_graph) AS j \gset
SELECT :'j'::jsonb = to_jsonb(g) AS same FROM users_graph g WHERE name = 'Eve';
-- many rows, in their order; defaults for what is left out, or null
INSERT INTO users_graph (name, level, posts) VALUES ('m1', 1, '[{"title": "a"}]'), ('m2', NULL, NULL), ('m3', DEFAULT, '[]') RETURNING id, name, level, posts;
INSERT INTO users_graph (name, tags) SELECT 's' || i, jsonb_build_array(jsonb_build_object('$connect_or_create',
	jsonb_build_object('where', jsonb_build_object('name', 'many'), 'create', jsonb_build_object('name', 'many')))) FROM generate_series(1, 3) i RETURNING name, tags -> 0 -> 'name' AS tag;
SELECT count(*) FROM tags WHERE name = 'many';
WITH new AS (INSERT INTO users_graph (name, posts) VALUES ('with', '[{"title": "w"}]') RETURNING id, posts)
SELECT posts -> 0 -> 'user_id' = to_jsonb(id) AS wired FROM new;
PREPARE new_user (text, jsonb) AS INSERT INTO users_graph (name, profile) VALUES ($1, $2) RETURNING profile ->> 'bio' AS bio;
EXECUTE new_user('p1', '{"bio": "one"}');
EXECUTE new_user('p2', '{"bio": "two"}');
EXECUTE new_user('p3', NULL);
DEALLOCATE new_user;
INSERT INTO users_graph DEFAULT VALUES;
SELECT * FROM stored;
-- the same errors as create, nothing stored of any row
INSERT INTO users_graph (name, posts) VALUES ('ok', NULL), ('bad', '[{"title": "a"}, {"titel": "b"}]');
INSERT INTO users_graph (name, posts) VALUES ('ok', NULL), ('bad', '[{"title": "a"}, {"title": "b", "words": -1}]');
INSERT INTO users_graph (name, posts) VALUES ('bad', '[{"title": "a", "comments": [{"body": "x"}, {"about_id": "x"}]}]');
INSERT INTO users_graph (name, posts) VALUES ('bad', '5');
INSERT INTO users_graph (name, posts) VALUES ('bad', '"null"'), ('bad', 'null');
INSERT INTO users_graph (name, profile) VALUES ('bad', '[]');
INSERT INTO users_graph (name, tags) VALUES ('bad', '{"$connect": 99}');
INSERT INTO users_graph (name, tags) VALUES ('bad', '{"$set": [1]}');
INSERT INTO users_graph (name, country, home) VALUES ('bad', 'no', '{"$connect": "in"}');
INSERT INTO users_graph (name, email) VALUES ('bad', 'a@');
INSERT INTO users_graph (name, level) VALUES ('bad', 100);
INSERT INTO users_graph (name, country) VALUES ('bad', 'xx');
INSERT INTO users_graph (id, name) VALUES (1, 'bad');
INSERT INTO users_graph (name, loud) VALUES ('bad', 'x');
INSERT INTO users_graph (name, secret) VALUES ('bad', 'x');
SELECT count(*) FROM users WHERE name IN ('ok', 'bad');

--
-- COPY
--
COPY users_graph (name, home, posts) FROM STDIN;
copied 1	{"$connect": "no"}	[{"title": "c1", "comments": [{"body": "copied"}]}]
copied 2	\N	[]
copied 3	{"code": "se"}	\N
\.
COPY users_graph (name, posts) FROM STDIN WITH (FORMAT csv);
"copied 4","[{""title"": ""csv""}]"
\.
SELECT name, country, posts FROM stored WHERE name LIKE 'copied%';
COPY users_graph (name, posts) FROM STDIN;
fine	[]
broken	[{"title": "a"}, {"nope": 1}]
\.
SELECT count(*) FROM users WHERE name IN ('fine', 'broken');
-- what is copied out is copied in again, but for keys that are always generated
COPY (SELECT name || ' again', jsonb_build_object('$connect', country) FROM users_graph WHERE name = 'copied 1') TO STDOUT;

--
-- UPDATE
--
CREATE FUNCTION told(text) RETURNS text LANGUAGE sql AS $$ SELECT concat_ws(' | ', name, country, level, bio, posts, tags, comments) FROM stored WHERE name LIKE $1 $$;
-- columns; relations that are not named are left alone
UPDATE users_graph SET level = 5 WHERE name = 'Ben' RETURNING level, jsonb_array_length(posts) AS posts, home;
UPDATE users_graph SET name = name WHERE name = 'Ben' RETURNING name;
UPDATE users_graph SET posts = posts, tags = tags, profile = profile WHERE name = 'Ben' RETURNING name;
SELECT told('Ben');
-- a relation's column is replaced, as by $set
SELECT array_agg(id ORDER BY id) AS before FROM posts WHERE user_id = 2 \gset
UPDATE users_graph SET posts = posts || '[{"title": "3"}]' WHERE name = 'Ben' RETURNING jsonb_path_query_array(posts, '$[*].title') AS titles;
UPDATE users_graph SET posts = jsonb_set(posts, '{0,title}', '"one"') WHERE name = 'Ben' RETURNING posts #> '{0,comments}' AS comments;
SELECT told('Ben'), array_agg(id ORDER BY id)::text LIKE rtrim(:'before', '}') || ',%' AS same_rows FROM posts WHERE user_id = 2;
UPDATE users_graph SET posts = posts - 1 WHERE name = 'Ben' RETURNING jsonb_path_query_array(posts, '$[*].title') AS titles;
SELECT told('Ben'), (SELECT user_id IS NULL AS let_go FROM posts WHERE title = '2');
UPDATE users_graph SET tags = '[{"name": "z"}]' WHERE name = 'Ben';
SELECT told('Ben'), (SELECT count(*) FROM tags WHERE name IN ('x', 'y', 'z'));
UPDATE users_graph SET tags = '[]', posts = '[]', comments = '[]' WHERE name = 'Ben' RETURNING tags, posts, comments;
SELECT told('Ben');
UPDATE users_graph SET profile = '{"bio": "new"}', home = '{"$connect": "no"}' WHERE name = 'Ben' RETURNING profile - 'id' AS profile, home;
UPDATE users_graph SET profile = profile || '{"bio": "newer"}' WHERE name = 'Ben' RETURNING profile ->> 'bio' AS bio;
SELECT told('Ben'), (SELECT count(*) FROM profiles WHERE bio LIKE 'new%') AS profiles;
UPDATE users_graph SET profile = NULL, home = NULL WHERE name = 'Ben' RETURNING profile, home, country;
UPDATE users_graph SET posts = NULL WHERE name = 'Eve' RETURNING posts;
SELECT told('Ben'), told('Eve');
-- operations by name
UPDATE users_graph SET posts = '{"$create": {"title": "op"}}', tags = '{"$connect": {"name": "y"}, "$create": {"name": "op", "pivot": {"weight": "1"}}}' WHERE name = 'Ben';
UPDATE users_graph SET posts = '{"$update": {"where": {"title": "op"}, "data": {"title": "OP", "comments": [{"body": "deep"}]}}}', tags = '{"$disconnect": {"name": "op"}}' WHERE name = 'Ben';
SELECT told('Ben');
-- a foreign key that changes brings another parent
UPDATE users_graph SET country = 'in' WHERE name = 'Ben' RETURNING home;
-- many rows, each its own
UPDATE users_graph SET posts = jsonb_build_array(jsonb_build_object('title', name)), level = level + 1 WHERE name LIKE 's_' RETURNING name, level, posts -> 0 ->> 'title' AS title;
UPDATE users_graph g SET profile = jsonb_build_object('bio', v.bio) FROM (VALUES ('s1', 'b1'), ('s2', 'b2')) v (name, bio) WHERE g.name = v.name RETURNING g.name, g.profile ->> 'bio' AS bio;
UPDATE users_graph SET level = 1 WHERE name = 'nobody' RETURNING id;
-- the key itself
CREATE TABLE ks (k text PRIMARY KEY, n int);
CREATE TABLE kids (id int PRIMARY KEY, k text REFERENCES ks ON UPDATE CASCADE, kk text);
SELECT kind FROM relations.has_many('ks', 'kids', 'kids', foreign_key => 'k');
SELECT relations.create_view('ks_graph', 'ks', 'kids');
INSERT INTO ks_graph VALUES ('a', 1, '[{"id": 1}, {"id": 2}]'), ('b', 2, '[]');
UPDATE ks_graph SET k = 'c' WHERE k = 'a' RETURNING *;
UPDATE ks_graph SET k = 'd', kids = '[{"id": 2}, {"id": 3}]' WHERE k = 'c' RETURNING *;
-- documents that say the old key contradict the new one
UPDATE ks_graph SET k = 'e', kids = kids || '[{"id": 4}]' WHERE k = 'd';
UPDATE ks_graph SET k = 'b' WHERE k = 'd';
SELECT * FROM ks_graph ORDER BY k;
-- errors
UPDATE users_graph SET posts = '[{"title": "x"}, {"nope": 1}]' WHERE name = 'Ben';
UPDATE users_graph SET posts = '[{"title": "x", "words": -1}]' WHERE name IN ('Ben', 'Eve');
UPDATE users_graph SET posts = '{"$delete": 99}' WHERE name = 'Ben';
UPDATE users_graph SET posts = '"x"' WHERE name = 'Ben';
UPDATE users_graph SET level = 100 WHERE name = 'Ben';
UPDATE users_graph SET loud = 'x' WHERE name = 'Ben';
UPDATE users_graph SET id = 99 WHERE name = 'Ben';
UPDATE users_graph SET email = 'a@' WHERE name = 'Ben';
SELECT told('Ben');

--
-- DELETE
--
DELETE FROM users_graph WHERE name = 's1' RETURNING name, profile ->> 'bio' AS bio, jsonb_array_length(posts) AS posts;
DELETE FROM users_graph WHERE name IN ('s2', 's3', 'nobody') RETURNING name;
DELETE FROM ks_graph USING (VALUES ('b')) v (k) WHERE ks_graph.k = v.k RETURNING ks_graph.*;
DELETE FROM ks_graph WHERE k = 'd';
SELECT count(*) FROM users WHERE name LIKE 's_';

--
-- What a view does not have
--
-- an unknown conflict is an error that names upsert; without a target a conflict is, too
INSERT INTO users_graph (name, email) VALUES ('x', 'a@') ON CONFLICT (email) DO NOTHING;
INSERT INTO users_graph (name, email) VALUES ('x', 'a@') ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name;
WITH x AS (INSERT INTO users_graph (name, email) VALUES ('x', 'a@') ON CONFLICT (email) DO NOTHING RETURNING 1) SELECT * FROM x;
INSERT INTO users_graph (name, email) VALUES ('x', 'a@') ON CONFLICT DO NOTHING;
INSERT INTO users_graph (name, email) VALUES ('x', 'a@') ON CONFLICT ON CONSTRAINT users_email_key DO NOTHING;
-- other views and tables are none of ours
CREATE VIEW plain AS SELECT * FROM countries;
INSERT INTO plain VALUES ('no', 'Norge') ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name RETURNING *;
INSERT INTO plain VALUES ('no', 'Norge') ON CONFLICT (name) DO NOTHING;
MERGE INTO users_graph g USING (VALUES (1)) v (id) ON g.id = v.id WHEN MATCHED THEN UPDATE SET name = 'merged';
TRUNCATE users_graph;
-- under this setting no trigger fires: nothing would be stored
PREPARE kept AS INSERT INTO users_graph (name) VALUES ('kept');
EXECUTE kept;
SET session_replication_role = replica;
INSERT INTO users_graph (name) VALUES ('lost');
EXECUTE kept;
UPDATE users_graph SET level = 1;
DELETE FROM users_graph;
WITH x AS (DELETE FROM users_graph RETURNING 1) SELECT count(*) FROM x;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO users_graph (name) VALUES ('lost');
COPY users_graph (name) FROM '/dev/null';
SELECT count(*) > 0 AS read FROM users_graph;
INSERT INTO plain VALUES ('fi', 'Finland');
RESET session_replication_role;
EXECUTE kept;
SELECT count(*) FROM users WHERE name IN ('kept', 'lost');
-- without the triggers it is a view that cannot be written to
BEGIN;
DROP TRIGGER relations_write ON users_graph;
SAVEPOINT s;
INSERT INTO users_graph (name) VALUES ('x');
ROLLBACK TO s;
COPY users_graph (name) FROM '/dev/null';
ROLLBACK;
-- the trigger is for graph views
CREATE TRIGGER other INSTEAD OF INSERT ON plain FOR EACH ROW EXECUTE FUNCTION relations.write_view();
INSERT INTO plain VALUES ('x');
DROP TRIGGER other ON plain;
CREATE TRIGGER other BEFORE INSERT ON countries FOR EACH ROW EXECUTE FUNCTION relations.write_view();
INSERT INTO countries VALUES ('x');
DROP TRIGGER other ON countries;
SELECT relations.write_view();

--
-- The model changes below the view
--
ALTER TABLE users ADD COLUMN added int DEFAULT 1;
INSERT INTO users_graph (name) VALUES ('added') RETURNING id IS NOT NULL AS stored;
ALTER TABLE users RENAME COLUMN level TO rank;
INSERT INTO users_graph (name, level) VALUES ('renamed', 7);
SELECT relations.refresh_view('users_graph');
INSERT INTO users_graph (name, rank) VALUES ('renamed', 7) RETURNING name, rank, added;
-- what a view shows, and no key: it is read, but its rows cannot be told apart
CREATE TABLE keyless (n int);
CREATE TABLE owners (id int PRIMARY KEY, n int);
SELECT kind FROM relations.has_many('keyless', 'owners', 'owners', foreign_key => 'n', local_key => 'n', enforce => false);
SELECT relations.create_view('keyless_graph', 'keyless', 'owners');
INSERT INTO keyless_graph VALUES (1, '[{"id": 1}]') RETURNING *;
UPDATE keyless_graph SET n = 2;
DELETE FROM keyless_graph;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA graph_view_write CASCADE;
