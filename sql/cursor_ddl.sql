--
-- DDL between two documents of a cursor.  PostgreSQL refuses to alter, truncate
-- or drop what an open cursor reads, and lets rename it; then the cursor goes on
-- with what it began with.  c is a cursor over documents, p one over a plain
-- SELECT.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA cursor_ddl;
SET search_path = cursor_ddl;
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text NOT NULL);
CREATE TABLE tags (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE post_tag (post_id int REFERENCES posts, tag_id int REFERENCES tags, PRIMARY KEY (post_id, tag_id));
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 1000) i;
INSERT INTO posts SELECT i, i, 'post ' || i FROM generate_series(1, 1000) i;
INSERT INTO tags SELECT i, 'tag ' || i FROM generate_series(1, 10) i;
INSERT INTO post_tag SELECT i, i % 10 + 1 FROM generate_series(1, 1000) i;
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.many_to_many('posts', 'tags', 'tags');
-- what becomes of a statement; its effect is rolled back
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION 'allowed';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
CREATE FUNCTION brief(document jsonb) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN document ->> 'name' || ': ' || (SELECT string_agg(post ->> 'title', ', ') FROM jsonb_array_elements(document -> 'posts') post);
\t on
\pset format unaligned
\echo No level may be altered, truncated or dropped
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts.tags');
FETCH 1 FROM c;
SELECT attempt('TRUNCATE users CASCADE');
SELECT attempt('TRUNCATE posts CASCADE');
SELECT attempt('TRUNCATE post_tag');
SELECT attempt('TRUNCATE tags CASCADE');
SELECT attempt('ALTER TABLE posts ALTER user_id TYPE bigint');
SELECT attempt('ALTER TABLE posts ADD extra int');
SELECT attempt('ALTER TABLE tags DROP name');
SELECT attempt('ALTER TABLE post_tag SET UNLOGGED');
SELECT attempt('CREATE INDEX ON posts (title)');
SELECT attempt('DROP TABLE tags CASCADE');
SELECT attempt('DROP TABLE post_tag');
SELECT attempt('CLUSTER posts USING posts_pkey');
-- as with a plain SELECT
DECLARE p CURSOR FOR SELECT * FROM posts;
CLOSE c;
SELECT attempt('TRUNCATE posts CASCADE');
SELECT attempt('ALTER TABLE posts ALTER user_id TYPE bigint');
CLOSE p;
SELECT attempt('TRUNCATE posts CASCADE');
COMMIT;
\echo Also before the rows are read, in a loop, and in what a document calls
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts.tags') LIMIT 3;
FETCH 2 FROM c;
SELECT attempt('TRUNCATE posts CASCADE');
FETCH 2 FROM c;
SELECT attempt('TRUNCATE posts CASCADE');
COMMIT;
CREATE FUNCTION in_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE document jsonb;
BEGIN
	FOR document IN SELECT relations.preload('users', 'posts') LOOP
		RETURN attempt('TRUNCATE posts CASCADE');
	END LOOP;
END $$;
SELECT in_loop(), attempt('TRUNCATE posts CASCADE');
CREATE FUNCTION called(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN $1 = 1 THEN attempt(''TRUNCATE posts CASCADE'') END; END';
CREATE VIEW callers AS SELECT id, called(id) FROM users;
SELECT primary_key FROM relations.model('callers', primary_key => 'id');
SELECT kind FROM relations.has_many('callers', 'posts', 'posts', foreign_key => 'user_id', enforce => false);
SELECT j ->> 'called' FROM relations.preload('callers', 'posts') j LIMIT 1;

\echo What a view, a partitioned table or a parent table reads is held, too
CREATE TABLE base (id int PRIMARY KEY, user_id int);
INSERT INTO base SELECT i, i FROM generate_series(1, 1000) i;
CREATE VIEW seen AS SELECT * FROM base;
CREATE TABLE parts (id int, user_id int) PARTITION BY RANGE (id);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (500);
CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (500) TO (2000);
INSERT INTO parts SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE parents (id int PRIMARY KEY, user_id int);
CREATE TABLE children () INHERITS (parents);
INSERT INTO children SELECT i, i FROM generate_series(1, 1000) i;
SELECT kind FROM relations.has_many('users', 'seen', 'seen', enforce => false);
SELECT kind FROM relations.has_many('users', 'parts', 'parts', enforce => false);
SELECT kind FROM relations.has_many('users', 'parents', 'parents', enforce => false);
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'seen', 'parts', 'parents');
FETCH 1 FROM c;
SELECT attempt('TRUNCATE base');
SELECT attempt('CREATE OR REPLACE VIEW seen AS SELECT id, 1 AS user_id FROM base');
SELECT attempt('TRUNCATE parts2');
SELECT attempt('ALTER TABLE parts DETACH PARTITION parts2');
SELECT attempt('TRUNCATE children');
MOVE 897 FROM c;
FETCH 1 FROM c;
COMMIT;

\echo What is renamed is read on
SET relations.batch_memory = '64kB';
CREATE TABLE other (id int PRIMARY KEY, user_id int, title bigint);
INSERT INTO other SELECT i, i, 81985529216486895 FROM generate_series(1, 1000) i;
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
DECLARE p CURSOR FOR SELECT title FROM posts;
FETCH 1 FROM c; FETCH 1 FROM p;
ALTER TABLE posts RENAME TO gone;
ALTER TABLE other RENAME TO posts;
MOVE 63 FROM c; MOVE 63 FROM p;
FETCH 1 FROM c; FETCH 1 FROM p;
MOVE 700 FROM c; MOVE 700 FROM p;
FETCH 1 FROM c; FETCH 1 FROM p;
ROLLBACK;
-- with a plan that has been used
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
FETCH 1 FROM c;
ALTER SCHEMA cursor_ddl RENAME TO moved;
MOVE 500 FROM c;
FETCH 1 FROM c;
ALTER TABLE moved.posts SET SCHEMA public;
MOVE 400 FROM c;
FETCH 1 FROM c;
ROLLBACK;
-- columns that change their names: the statement that has been used is used on
BEGIN;
DECLARE c CURSOR FOR SELECT relations.query('users', '{"limit": 300, "preload": {"posts": {"order": ["title"], "limit": 1}}}');
FETCH 1 FROM c;
ALTER TABLE posts RENAME title TO x;
ALTER TABLE posts RENAME user_id TO title;
ALTER TABLE posts RENAME x TO user_id;
MOVE 100 FROM c;
FETCH 1 FROM c;
ROLLBACK;
-- one that has not been used yet cannot be made any more: an error, to be tried again
RESET relations.batch_memory;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
FETCH 1 FROM c;
ALTER TABLE posts RENAME title TO x;
MOVE 300 FROM c;
ROLLBACK;
-- policies
CREATE ROLE cursor_ddl_reader;
GRANT USAGE ON SCHEMA cursor_ddl TO cursor_ddl_reader;
GRANT SELECT ON users, posts TO cursor_ddl_reader;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION even(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN $1 % 2 = 0; END';
CREATE POLICY even ON posts TO cursor_ddl_reader USING (even(id));
BEGIN;
SET LOCAL ROLE cursor_ddl_reader;
DECLARE c CURSOR FOR SELECT relations.query('users', '{"limit": 300, "preload": {"posts": {"limit": 1}}}') -> 'posts';
FETCH 2 FROM c;
RESET ROLE;
ALTER POLICY even ON posts USING (false);
SET LOCAL row_security = off;
MOVE 97 FROM c;
FETCH 2 FROM c;
ROLLBACK;
BEGIN;
SET LOCAL ROLE cursor_ddl_reader;
DECLARE c CURSOR FOR SELECT relations.query('users', '{"limit": 300, "preload": {"posts": {"limit": 1}}}') -> 'posts';
FETCH 2 FROM c;
RESET ROLE;
DROP FUNCTION even CASCADE;
MOVE 97 FROM c;
ROLLBACK;
ALTER TABLE posts DISABLE ROW LEVEL SECURITY;

\echo A table that is altered between DECLARE and the first FETCH
-- is read as it is then
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
ALTER TABLE posts ADD extra int DEFAULT 7;
FETCH 1 FROM c;
ROLLBACK;
-- unless its rows are not those that the cursor's snapshot sees: an error, no empty relations
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
ALTER TABLE posts ALTER title TYPE varchar(20) USING title || '!';
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
SELECT relations.find('users', 1, 'posts');
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'parts');
TRUNCATE parts2;
FETCH 1 FROM c;
ROLLBACK;

\echo A read that began in a savepoint with what was altered there
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
SAVEPOINT s;
ALTER TABLE posts ADD extra int DEFAULT 7;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'seen');
SAVEPOINT s;
SAVEPOINT t;
ALTER TABLE base ADD extra int DEFAULT 7;
FETCH 1 FROM c;
RELEASE t;
ROLLBACK TO s;
MOVE 100 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'new_posts');
SAVEPOINT s;
CREATE TABLE new_posts (id int PRIMARY KEY, user_id int);
SELECT kind FROM relations.has_many('users', 'new_posts', 'new_posts', enforce => false);
FETCH 1 FROM c;
ROLLBACK TO s;
SAVEPOINT t;
FETCH 1 FROM c;
ROLLBACK TO t;
ROLLBACK TO s;
SELECT attempt('TABLE new_posts');
COMMIT;
-- goes on if the savepoint is released, or altered something else
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
SAVEPOINT s;
ALTER TABLE posts ADD extra int DEFAULT 7;
FETCH 1 FROM c;
RELEASE s;
MOVE 100 FROM c;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
SAVEPOINT s;
ALTER TABLE tags ADD extra int DEFAULT 7;
CREATE TEMP TABLE t ();
FETCH 1 FROM c;
ROLLBACK TO s;
MOVE 100 FROM c;
FETCH 1 FROM c;
COMMIT;

\echo Statistics and rights may change
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
FETCH 1 FROM c;
ANALYZE users, posts;
GRANT SELECT ON posts TO PUBLIC;
SET LOCAL search_path = pg_catalog;
MOVE 100 FROM c;
FETCH 1 FROM c;
COMMIT;
\t off
\pset format aligned
DROP SCHEMA cursor_ddl CASCADE;
DROP ROLE cursor_ddl_reader;
