--
-- DDL of tables that the catalog does not mention does not read the catalog
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA unrelated;
SET search_path = unrelated;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text);
CREATE TABLE plain (id int CONSTRAINT plain_key PRIMARY KEY, a int, b int REFERENCES plain);
CREATE TABLE heir () INHERITS (plain);
CREATE INDEX plain_a ON plain (a);
SELECT kind FROM relations.has_many('users', 'posts', 'posts', scope => '{"order": ["title"]}');
SELECT model::regclass FROM relations.define_factory('posts', '{"title": "x"}');
-- scans of the catalog by this session
CREATE VIEW scans AS
SELECT COALESCE(sum(seq_scan + COALESCE(idx_scan, 0)), 0) AS catalog_scans FROM pg_stat_xact_user_tables WHERE schemaname = 'relations';
-- the library is loaded, and the session knows which tables the catalog mentions
CREATE TEMP TABLE passing (a int);
DROP TABLE passing;

BEGIN;
SELECT catalog_scans AS before FROM scans \gset
CREATE TEMP TABLE passing (id int PRIMARY KEY, a text UNIQUE);
ALTER TABLE passing RENAME a TO b;
ALTER TABLE passing DROP COLUMN b;
DROP TABLE passing;
ALTER TABLE plain RENAME a TO c;
ALTER TABLE plain RENAME CONSTRAINT plain_key TO plain_pkey;
ALTER INDEX plain_a RENAME TO plain_c;
ALTER TABLE plain RENAME TO simple;
DROP INDEX plain_c;
ALTER TABLE simple DROP CONSTRAINT plain_b_fkey;
ALTER TABLE simple DROP COLUMN c;
CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION nothing;
CREATE TYPE pair AS (x int, y int);
ALTER TYPE pair RENAME ATTRIBUTE x TO z;
DROP TYPE pair;
DROP TABLE simple CASCADE;
SELECT catalog_scans - :before AS more_scans FROM scans;
ROLLBACK;

-- a transaction that has changed a table of a relation before
BEGIN;
SELECT catalog_scans AS before FROM scans \gset
ALTER TABLE posts RENAME title TO heading;
SELECT catalog_scans > :before AS followed FROM scans;
SELECT scope FROM relations.relation WHERE model = 'users'::regclass;
CREATE TEMP TABLE passing (a int);
DROP TABLE passing;
SELECT catalog_scans AS before FROM scans \gset
CREATE TEMP TABLE passing (id int PRIMARY KEY, a text UNIQUE);
ALTER TABLE passing RENAME a TO b;
ALTER TABLE passing DROP COLUMN b;
DROP TABLE passing;
ALTER TABLE plain RENAME a TO c;
ALTER TABLE plain RENAME CONSTRAINT plain_key TO plain_pkey;
ALTER TABLE plain DROP CONSTRAINT plain_b_fkey;
ALTER TABLE plain DROP COLUMN c;
DROP TABLE plain CASCADE;
CREATE FUNCTION nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION nothing;
SELECT catalog_scans - :before AS more_scans FROM scans;
ROLLBACK;

-- a child that inherits from an unrelated table is found
SELECT kind FROM relations.has_many('users', 'heirs', 'heir', foreign_key => 'a', enforce => false);
ALTER TABLE plain RENAME a TO user_id;
SELECT foreign_key FROM relations.relation WHERE relation = 'heirs';
-- so is what DROP ... CASCADE takes along
CREATE DOMAIN title AS text;
ALTER TABLE posts ADD slug title, ADD by int;
SELECT kind FROM relations.has_many('users', 'written', 'posts', foreign_key => 'by', enforce => false);
SELECT definition FROM relations.define_factory('posts', '{"title": "x", "slug": "y"}');
DROP DOMAIN title CASCADE;
SELECT definition FROM relations.factory WHERE model = 'posts'::regclass;
ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE, ADD PRIMARY KEY (id);
SELECT relation, enforce, constraint_name FROM relations.relation WHERE model = 'users'::regclass ORDER BY 1;

-- a scope is read only if relations lead from its tables to the altered one
CREATE TABLE trees (id int PRIMARY KEY, tree_id int REFERENCES trees, leaf text);
SELECT kind FROM relations.has_many('trees', 'trees', 'trees', scope => jsonb_build_object('where', jsonb_build_object('leaf', jsonb_build_object('in',
	(SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 500) i)))));
CREATE VIEW toast_scans AS SELECT COALESCE(sum(seq_scan + COALESCE(idx_scan, 0)), 0) AS n FROM pg_stat_xact_all_tables
WHERE relid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'relations.relation'::regclass);
BEGIN;
SELECT n AS before FROM toast_scans \gset
ALTER TABLE posts RENAME title TO headline;
ALTER TABLE users RENAME id TO user_id;
SELECT scope FROM relations.relation WHERE relation = 'posts';
SELECT n - :before AS toast_scans FROM toast_scans;
ALTER TABLE trees RENAME leaf TO leaves;
SELECT n > :before AS toast_scanned FROM toast_scans;
COMMIT;
SELECT left(scope::text, 30) AS scope FROM relations.relation WHERE relation = 'trees';
ALTER TABLE users RENAME user_id TO id;

-- the first command of a session, which loads the library
\c -
SET client_min_messages = warning;
SET search_path = unrelated;
ALTER TABLE posts RENAME by TO writer_id;
SELECT foreign_key FROM relations.relation WHERE relation = 'written';
\c -
SET client_min_messages = warning;
SET search_path = unrelated;
BEGIN;
DROP INDEX posts_user_id_idx;
SELECT created_index FROM relations.relation WHERE relation = 'posts';
ROLLBACK;
SELECT created_index FROM relations.relation WHERE relation = 'posts';
ALTER TABLE posts DROP COLUMN user_id;
SELECT relation FROM relations.relation WHERE model = 'users'::regclass ORDER BY 1;
-- a declaration that another subtransaction takes back
BEGIN;
SAVEPOINT s;
SELECT kind FROM relations.has_many('users', 'plain', 'plain', foreign_key => 'b', enforce => false);
ALTER TABLE plain RENAME b TO d;
SELECT foreign_key FROM relations.relation WHERE relation = 'plain';
ROLLBACK TO s;
ALTER TABLE plain RENAME b TO e;
SELECT kind FROM relations.has_many('users', 'plain', 'plain', foreign_key => 'e', enforce => false);
ALTER TABLE plain RENAME e TO f;
COMMIT;
SELECT foreign_key FROM relations.relation WHERE relation = 'plain';
DROP SCHEMA unrelated CASCADE;
SELECT count(*) FROM relations.relation WHERE relation IN ('heirs', 'written', 'plain');
