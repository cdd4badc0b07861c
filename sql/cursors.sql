--
-- Cursors over documents behave like cursors over a plain SELECT.  Each section
-- reads with c, a cursor over documents, and most with p, a cursor over the
-- table, to show that both do the same.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA cursors;
SET search_path = cursors;
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text NOT NULL);
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 1000) i;
INSERT INTO posts SELECT i, (i - 1) % 1000 + 1, 'post ' || i FROM generate_series(1, 2000) i;
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
-- a short form of a document
CREATE FUNCTION brief(document jsonb) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN document ->> 'name' || ': ' || (SELECT string_agg(post ->> 'title', ', ') FROM jsonb_array_elements(document -> 'posts') post);
\t on
\echo A session sees its own cursors, and nothing else
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
FETCH 2 FROM c;
SELECT name FROM pg_cursors;
CLOSE c;
SELECT count(*) FROM pg_cursors;
COMMIT;

\echo A savepoint that is rolled back takes back neither the position nor the rows
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
DECLARE p CURSOR FOR SELECT name FROM users;
FETCH 1 FROM c; FETCH 1 FROM p;
SAVEPOINT s;
MOVE 70 FROM c; MOVE 70 FROM p;
SELECT 1 / 0;
ROLLBACK TO s;
FETCH 1 FROM c; FETCH 1 FROM p;
MOVE 700 FROM c; MOVE 700 FROM p;
FETCH 1 FROM c; FETCH 1 FROM p;
COMMIT;

\echo So it is when the first FETCH is inside the savepoint
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
DECLARE p CURSOR FOR SELECT name FROM users;
SAVEPOINT s;
FETCH 1 FROM c; FETCH 1 FROM p;
ROLLBACK TO s;
MOVE 500 FROM c; MOVE 500 FROM p;
SAVEPOINT t;
FETCH 1 FROM c; FETCH 1 FROM p;
RELEASE t;
MOVE ALL FROM c; MOVE ALL FROM p;
FETCH 1 FROM c; FETCH 1 FROM p;
COMMIT;

\echo A savepoint that is rolled back closes the cursors that were declared in it
BEGIN;
SAVEPOINT s;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'posts');
MOVE 100 FROM c;
ROLLBACK TO s;
SELECT count(*) FROM pg_cursors;
COMMIT;

\echo WITH HOLD: the rows that are left are read at COMMIT
CREATE TABLE log (line text);
BEGIN;
INSERT INTO log VALUES ('written before COMMIT');
DECLARE c CURSOR WITH HOLD FOR SELECT brief(relations.preload('users', 'posts'));
FETCH 1 FROM c;
SAVEPOINT s;
MOVE 99 FROM c;
ROLLBACK TO s;
COMMIT;
FETCH 1 FROM c;
MOVE ALL FROM c;
TABLE log;
CLOSE c;

\echo A scrollable cursor returns to rows of earlier batches
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
MOVE 300 FROM c;
FETCH PRIOR FROM c;
FETCH ABSOLUTE 1 FROM c;
FETCH ABSOLUTE 1000 FROM c;
COMMIT;

\echo CLOSE ALL in the middle of several
BEGIN;
DECLARE a CURSOR FOR SELECT relations.preload('users', 'posts');
DECLARE b CURSOR FOR SELECT relations.preload('users', 'posts');
MOVE 100 FROM a; MOVE 200 FROM b;
CLOSE ALL;
SELECT count(*) FROM pg_cursors;
COMMIT;

\echo Two cursors over the same documents have a position each
BEGIN;
DECLARE a CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
DECLARE b CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
MOVE 100 FROM a; MOVE 600 FROM b;
FETCH 1 FROM a; FETCH 1 FROM b;
CLOSE a;
MOVE 100 FROM b;
FETCH 1 FROM b;
COMMIT;

\echo A cursor reads the rows that were there when it was declared
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
FETCH 1 FROM c;
UPDATE posts SET title = 'changed' WHERE user_id = 900;
DELETE FROM posts WHERE user_id = 901;
DELETE FROM users WHERE id = 901;
MOVE 898 FROM c;
FETCH 2 FROM c;
ROLLBACK;

\echo A procedure may commit, or roll back a block, between two documents
CREATE PROCEDURE committing() LANGUAGE plpgsql AS $$
DECLARE
	document jsonb;
	n int := 0;
BEGIN
	FOR document IN SELECT relations.preload('users', 'posts') LOOP
		n := n + jsonb_array_length(document -> 'posts');
		IF (document ->> 'id')::int IN (10, 500) THEN
			INSERT INTO log VALUES (brief(document));
			COMMIT;
		END IF;
	END LOOP;
	INSERT INTO log VALUES (n || ' posts');
END $$;
TRUNCATE log;
CALL committing();
TABLE log;
CREATE FUNCTION excepting() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	document jsonb;
	posts int := 0;
	failures int := 0;
BEGIN
	FOR document IN SELECT relations.preload('users', 'posts') LOOP
		BEGIN
			posts := posts + jsonb_array_length(document -> 'posts');
			IF (document ->> 'id')::int % 3 = 0 THEN
				RAISE division_by_zero;
			END IF;
		EXCEPTION WHEN division_by_zero THEN
			failures := failures + 1;
		END;
	END LOOP;
	RETURN format('%s posts, %s failures', posts, failures);
END $$;
SELECT excepting();

\echo An error in the middle ends the cursor; the session goes on
CREATE FUNCTION picky(int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF $1 = 1500 THEN
		RAISE EXCEPTION 'not post %', $1;
	END IF;
	RETURN $1;
END $$;
CREATE VIEW picky_posts AS SELECT picky(id) AS id, user_id FROM posts;
SELECT kind FROM relations.has_many('users', 'picky_posts', 'picky_posts', enforce => false);
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'picky_posts') -> 'id';
FETCH 1 FROM c;
SAVEPOINT s;
\set VERBOSITY terse
MOVE 600 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
\set VERBOSITY default
ROLLBACK;
CREATE FUNCTION until_error() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n int := 0;
	document jsonb;
BEGIN
	FOR document IN SELECT relations.preload('users', 'picky_posts') LOOP
		n := n + 1;
	END LOOP;
	RETURN 'no error';
EXCEPTION WHEN raise_exception THEN
	RETURN sqlerrm;
END $$;
SELECT until_error();
-- so does one that takes too long
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS
	'BEGIN IF $1 = 900 THEN PERFORM pg_sleep(100); END IF; RETURN $1; END';
CREATE VIEW slow_posts AS SELECT slow(id) AS id, user_id FROM posts;
SELECT kind FROM relations.has_many('users', 'slow_posts', 'slow_posts', enforce => false);
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('users', 'slow_posts') -> 'id';
FETCH 1 FROM c;
SET LOCAL statement_timeout = '200ms';
\set VERBOSITY terse
MOVE ALL FROM c;
\set VERBOSITY default
ROLLBACK;

\echo A document locks no rows
CREATE VIEW locked_posts AS SELECT id, user_id FROM posts FOR UPDATE;
SELECT kind FROM relations.has_many('users', 'locked_posts', 'locked_posts', enforce => false);
\set VERBOSITY terse
SELECT relations.find('users', 1, 'locked_posts');
\set VERBOSITY default

\echo Documents in documents: a view that reads documents of the same tables
CREATE VIEW counted_users AS
	SELECT id, name, (SELECT count(*) FROM relations.preload('users', 'posts') d WHERE (d ->> 'id')::int <= users.id) AS n
	FROM users WHERE id <= 70;
SELECT primary_key FROM relations.model('counted_users', primary_key => 'id');
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('counted_users');
FETCH 1 FROM c;
SAVEPOINT s;
MOVE 65 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
ROLLBACK;

\echo The role that reads first reads all
CREATE ROLE cursors_reader;
CREATE ROLE cursors_nobody;
GRANT USAGE ON SCHEMA cursors TO cursors_reader, cursors_nobody;
GRANT SELECT ON users, posts TO cursors_reader;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON posts TO cursors_reader USING (id > 1000);
-- in a cursor that a function of another role returns
CREATE FUNCTION reader_cursor() RETURNS refcursor SECURITY DEFINER SET search_path = cursors LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'c';
	document text;
BEGIN
	OPEN c FOR SELECT relations.preload('users', 'posts');
	FETCH c INTO document;
	RETURN c;
END $$;
ALTER FUNCTION reader_cursor() OWNER TO cursors_reader;
BEGIN;
SET LOCAL ROLE cursors_nobody;
SELECT reader_cursor();
MOVE 400 FROM c;
FETCH 1 FROM c;
SELECT current_user;
ROLLBACK;
-- and after SET ROLE
BEGIN;
DECLARE c CURSOR FOR SELECT brief(relations.preload('users', 'posts'));
DECLARE p CURSOR FOR SELECT title FROM posts;
FETCH 1 FROM c; FETCH 1 FROM p;
SET LOCAL ROLE cursors_nobody;
MOVE 400 FROM c; MOVE 400 FROM p;
FETCH 1 FROM c; FETCH 1 FROM p;
SELECT current_user;
ROLLBACK;
ALTER TABLE posts DISABLE ROW LEVEL SECURITY;

\echo A large read keeps rows in a temporary file, which lives as long as the cursor
CREATE FUNCTION temporary_files(OUT files bigint, OUT in_tablespace bigint) LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM pg_ls_tmpdir() WHERE name LIKE 'pgsql_tmp' || pg_backend_pid() || '.%'),
		(SELECT count(*) FROM pg_tablespace t, pg_ls_tmpdir(t.oid) f
		 WHERE t.spcname = 'cursors_space' AND f.name LIKE 'pgsql_tmp' || pg_backend_pid() || '.%')
$$;
CREATE TABLE many_users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE many_posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES many_users, title text NOT NULL);
INSERT INTO many_users SELECT i, repeat('u', 300) || i FROM generate_series(1, 20000) i;
INSERT INTO many_posts SELECT i, i * 7919 % 20000 + 1, repeat('t', 100) || i FROM generate_series(1, 60000) i;
ANALYZE many_users, many_posts;
SELECT kind FROM relations.has_many('many_users', 'posts', 'many_posts');
CREATE FUNCTION brief_many(document jsonb) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN ltrim(document ->> 'name', 'u') || ': ' || (SELECT string_agg(ltrim(post ->> 'title', 't'), ', ') FROM jsonb_array_elements(document -> 'posts') post);
SET relations.batch_memory = '1MB';
BEGIN;
DECLARE c CURSOR FOR SELECT brief_many(relations.preload('many_users', 'posts'));
SAVEPOINT s;
MOVE 10000 FROM c;
SELECT files FROM temporary_files();
ROLLBACK TO s;
SELECT files FROM temporary_files();
FETCH 1 FROM c;
SAVEPOINT s;
MOVE 1000 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
SELECT count(*) AS correct FROM many_posts WHERE user_id = 11002;
CLOSE c;
SELECT files FROM temporary_files();
COMMIT;
-- a cursor that is closed never closes a file of something else
CREATE TABLE y (a int, b text);
CREATE TABLE z (a int, b text);
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('many_users', 'posts');
SAVEPOINT s;
MOVE 10000 FROM c;
ROLLBACK TO s;
INSERT INTO z SELECT i, repeat('z', 500) FROM generate_series(1, 1000) i;
CLOSE c;
INSERT INTO y SELECT i, repeat('y', 500) FROM generate_series(1, 1000) i;
INSERT INTO z SELECT i, repeat('z', 500) FROM generate_series(1001, 20000) i;
INSERT INTO y SELECT i, repeat('y', 500) FROM generate_series(1001, 20000) i;
COMMIT;
CHECKPOINT;
SELECT relname, pg_relation_size(oid) = (pg_stat_file(pg_relation_filepath(oid))).size AS whole
FROM pg_class WHERE oid IN ('y'::regclass, 'z'::regclass) ORDER BY relname;
SELECT count(*) FILTER (WHERE b = repeat('y', 500)) FROM y;
SELECT count(*) FILTER (WHERE b = repeat('z', 500)) FROM z;
-- WITH HOLD, and a transaction that fails
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT brief_many(relations.preload('many_users', 'posts'));
MOVE 10000 FROM c;
COMMIT;
FETCH 1 FROM c;
MOVE ALL FROM c;
CLOSE c;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('many_users', 'posts');
MOVE 10000 FROM c;
SELECT 1 / 0;
ROLLBACK;
SELECT files FROM temporary_files();
-- temp_tablespaces holds for these files
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE cursors_space LOCATION '';
SET temp_tablespaces = cursors_space;
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('many_users', 'posts');
MOVE 10000 FROM c;
SELECT * FROM temporary_files();
COMMIT;
RESET temp_tablespaces;
DROP TABLESPACE cursors_space;
\t off
DROP SCHEMA cursors CASCADE;
DROP ROLE cursors_reader, cursors_nobody;
