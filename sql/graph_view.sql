-- graph views: the model's columns and one jsonb column a relation
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = warning;
CREATE SCHEMA graph_view;
SET search_path = graph_view, public;
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, secret text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts, body text);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users, bio text);
INSERT INTO users SELECT i, 'u' || i || '@test.com', 's' FROM generate_series(1, 200) i;
INSERT INTO posts SELECT i, 1 + i % 150, 'p' || i FROM generate_series(1, 400) i;
INSERT INTO comments SELECT i, 1 + i % 300, 'c' || i FROM generate_series(1, 500) i;
INSERT INTO profiles SELECT i, i * 2, 'b' || i FROM generate_series(1, 100) i;
SELECT FROM relations.has_many('users', 'posts', 'posts');
SELECT FROM relations.has_one('users', 'profile', 'profiles');
SELECT FROM relations.has_many('posts', 'comments', 'comments');
SELECT FROM relations.model('users', hidden => 'secret');
ANALYZE;

SELECT relations.create_view('users_graph', 'users', 'profile', 'posts.comments');
\d+ users_graph
SELECT * FROM relations.graph_view;

-- its documents are those of preload
SELECT count(*) FILTER (WHERE to_jsonb(g) = d.j), count(*)
FROM users_graph g JOIN relations.preload('users', 'profile', 'posts.comments') d (j) ON (j ->> 'id')::int = g.id;

-- a relation that is not named is not computed; conditions reach the indexes
SET enable_seqscan = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, email FROM users_graph WHERE id = 5;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, profile FROM users_graph WHERE email = 'u7@test.com' LIMIT 3;
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM users_graph;
RESET enable_seqscan;

-- it composes with all of SQL
SELECT g.id, g.profile ->> 'bio' AS bio, jsonb_array_length(g.posts) AS posts
FROM users_graph g WHERE g.profile IS NOT NULL AND jsonb_array_length(g.posts) > 2 ORDER BY g.id LIMIT 3;

-- without the triggers it cannot be written to
BEGIN;
DROP TRIGGER relations_write ON users_graph;
SAVEPOINT s;
INSERT INTO users_graph (id) VALUES (1000);
ROLLBACK TO s;
UPDATE users_graph SET email = NULL;
ROLLBACK TO s;
DELETE FROM users_graph;
ROLLBACK;

-- the rights are those of who queries it
CREATE ROLE graph_view_reader;
GRANT USAGE ON SCHEMA graph_view TO graph_view_reader;
GRANT SELECT ON users_graph, posts TO graph_view_reader;
GRANT SELECT (id, email) ON users TO graph_view_reader;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON posts TO graph_view_reader USING (id % 2 = 0);
SELECT relations.create_view('titles', 'users', 'posts');
GRANT SELECT ON titles TO graph_view_reader;
SET ROLE graph_view_reader;
SELECT id, email, posts FROM titles WHERE id IN (1, 2);
SELECT id, profile FROM users_graph WHERE id = 1;
SELECT relations.create_view('mine', 'users', 'posts');
SELECT relations.refresh_view('titles');
RESET ROLE;

-- columns that come later are shown when the view is made anew
ALTER TABLE users ADD COLUMN name text DEFAULT 'Aswin';
COMMENT ON VIEW users_graph IS 'users, whole';
SELECT relations.refresh_view('users_graph');
SELECT name, profile FROM users_graph WHERE id = 2;
SELECT CASE grantee WHEN 0 THEN 'all' ELSE grantee::regrole::text END AS grantee, string_agg(privilege_type, ', ' ORDER BY privilege_type COLLATE "C") AS privileges
FROM pg_class, aclexplode(relacl) WHERE oid = 'users_graph'::regclass AND privilege_type <> 'MAINTAIN' GROUP BY 1 ORDER BY 1;
SELECT obj_description('users_graph'::regclass, 'pg_class') AS comment;
-- a key that changed its type is found out
SELECT relations.drop_relation('users', 'posts');
ALTER TABLE users ADD COLUMN code bigint;
UPDATE users SET code = id;
SELECT FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', local_key => 'code', enforce => false);
SELECT posts FROM titles WHERE id = 1;
SELECT relations.refresh_view('titles');
SELECT id, jsonb_array_length(posts) FROM titles WHERE id = 1;

-- errors
SELECT relations.create_view('users_graph', 'users', 'profile');
SELECT relations.create_view('other', 'users', 'profil');
SELECT relations.create_view('nowhere.other', 'users', 'profile');
SELECT relations.create_view('a b', 'users', 'profile');
SELECT relations.create_view(NULL, 'users', 'profile');
SELECT relations.create_view('other', 'users', NULL::text);
SELECT relations.refresh_view('users');
SELECT relations.load_relation('users', ROW('1'::text), 'profile');
SELECT relations.load_relation('users', ROW(1, 2), 'profile');
SELECT relations.load_relation('users', ROW(2), 'profile', 'posts');
SELECT relations.load_relation('users', ROW(2), VARIADIC '{}');
SELECT relations.load_relation('users', ROW(2), 'profile');

-- a view that is dropped is forgotten, so is that of a table that is
DROP VIEW titles;
SELECT * FROM relations.graph_view;
DROP TABLE users CASCADE;
SELECT * FROM relations.graph_view;

RESET search_path;
SET client_min_messages = error;
DROP SCHEMA graph_view CASCADE;
DROP ROLE graph_view_reader;
