--
-- The catalog follows DDL: the corners
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE ROLE regress_relations_mover;
CREATE SCHEMA follow AUTHORIZATION regress_relations_mover;
CREATE SCHEMA follow_too AUTHORIZATION regress_relations_mover;
SET search_path = follow;
-- an ordinary user, who may not write the catalog
SET ROLE regress_relations_mover;
CREATE VIEW registered AS
SELECT model, relation, local_key, foreign_key, enforce, constraint_name, created_constraint, created_index, created_columns, scope
FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'follow'::regnamespace)
ORDER BY model::text, relation::text;

--
-- Renames: exactly the name that was renamed
--
CREATE TABLE users (id int PRIMARY KEY, name text, "and" int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, at date, ok boolean);
SELECT kind FROM relations.has_many('users', 'posts', 'posts', scope =>
	'{"where": {"ok": true, "or": [{"at": null}, {"not": {"at": {"gt": "2024-01-01"}}}, {"id": {"in": [1, 2]}}]},
	  "order": ["-at", {"column": "at", "direction": "desc"}, "id"], "limit": 3}');
SELECT kind FROM relations.belongs_to('posts', 'writer', 'users', foreign_key => 'writer_id', add_column => true, scope => '{"where": {"and": 1, "or": [{"name": "name"}]}}');
SELECT primary_key, hidden FROM relations.model('users', primary_key => 'id', hidden => 'name, and');
ALTER TABLE posts RENAME at TO "created At";
ALTER TABLE posts RENAME ok TO at;
ALTER TABLE posts RENAME writer_id TO author_id;
ALTER TABLE users RENAME name TO "full";
ALTER TABLE users RENAME "and" TO rank;
ALTER TABLE users RENAME id TO uid;
SELECT model, relation, local_key, foreign_key, created_columns FROM registered;
SELECT relation, jsonb_pretty(scope) FROM registered;
SELECT primary_key, hidden FROM relations.model WHERE model = 'users'::regclass;
SELECT relations.preload('users', 'posts');
-- a name that is stale already is left alone, and not taken for the one that was renamed
RESET ROLE;
UPDATE relations.model SET hidden = '{gone,full}' WHERE model = 'users'::regclass;
SET ROLE regress_relations_mover;
ALTER TABLE users RENAME rank TO grade;
SELECT hidden FROM relations.model WHERE model = 'users'::regclass;
SELECT hidden FROM relations.model('users', hidden => '');
-- constraints and indexes
ALTER TABLE posts RENAME CONSTRAINT posts_user_id_fkey TO by_user;
ALTER TABLE posts_user_id_idx RENAME TO by_user_idx;
SELECT relation, constraint_name, created_constraint, created_index FROM registered;
ALTER TABLE posts SET SCHEMA follow_too;
SELECT relation, constraint_name FROM relations.relation WHERE related = 'follow_too.posts'::regclass;
ALTER TABLE follow_too.posts SET SCHEMA follow;
-- views, and tables that inherit
CREATE VIEW shown AS SELECT uid, "full" FROM users;
CREATE TABLE old_posts () INHERITS (posts);
SELECT kind FROM relations.has_many('shown', 'old', 'old_posts', foreign_key => 'user_id', local_key => 'uid', enforce => false);
ALTER VIEW shown RENAME COLUMN uid TO member;
ALTER TABLE posts RENAME user_id TO member_id;
SELECT model, relation, local_key, foreign_key FROM registered;
-- in a function, whose caller looks up names elsewhere
DO $$ BEGIN SET LOCAL search_path = follow_too; ALTER TABLE follow.posts RENAME member_id TO owner_id; END $$;
SELECT model, relation, local_key, foreign_key FROM registered;
-- undone
BEGIN;
ALTER TABLE posts RENAME owner_id TO nobody;
ROLLBACK;
SELECT foreign_key FROM registered WHERE relation = 'old';

--
-- Constraints come and go
--
-- replaced in one command: the relation stands on the new one
ALTER TABLE posts DROP CONSTRAINT by_user, ADD CONSTRAINT owned_by FOREIGN KEY (owner_id) REFERENCES users ON DELETE CASCADE;
SELECT relation, enforce, constraint_name, created_constraint FROM registered WHERE relation = 'posts';
-- a constraint of other columns under the old one's name is not it
ALTER TABLE posts DROP CONSTRAINT owned_by, ADD CONSTRAINT owned_by FOREIGN KEY (id) REFERENCES users;
SELECT relation, enforce, constraint_name, foreign_key FROM registered WHERE relation = 'posts';
-- types change, and with them indexes and constraints are made anew: nothing is dropped
ALTER TABLE posts ALTER author_id TYPE bigint;
SELECT relation, enforce, constraint_name, created_constraint FROM registered WHERE relation = 'writer';
DROP INDEX by_user_idx;
SELECT relation, created_index FROM registered WHERE relation = 'posts';
-- the key that is pointed to
ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;
SELECT relation, enforce, constraint_name FROM registered;

--
-- Columns and tables go
--
SELECT hidden FROM relations.model('posts', name => 'post', primary_key => 'id', hidden => 'at, author_id');
ALTER TABLE posts DROP COLUMN author_id, DROP COLUMN at CASCADE;
SELECT name, primary_key, hidden FROM relations.model WHERE model = 'posts'::regclass;
ALTER TABLE posts DROP COLUMN id;
SELECT name, primary_key, hidden FROM relations.model WHERE model = 'posts'::regclass;
-- a key of two columns that go at once is one relation
CREATE TABLE a (x int, y int, PRIMARY KEY (x, y));
CREATE TABLE b (x int, y int, z int);
SELECT kind FROM relations.has_many('a', 'bs', 'b', foreign_key => 'x, y');
ALTER TABLE b DROP COLUMN x, DROP COLUMN y;
-- what has nothing to do with a key
CREATE TABLE c (id int PRIMARY KEY, a_x int, a_y int, c_id int);
SELECT kind FROM relations.belongs_to('c', 'a', 'a');
SELECT kind FROM relations.has_many('c', 'cs', 'c');
ALTER TABLE b DROP COLUMN z;
-- a self reference is one relation
DROP TABLE c;
BEGIN;
DROP VIEW shown;
ROLLBACK;
SELECT model, relation FROM registered;
DROP VIEW shown;
-- all at once
CREATE TABLE d (id int PRIMARY KEY);
CREATE TABLE e (id int PRIMARY KEY, d_id int);
SELECT kind FROM relations.has_many('d', 'es', 'e');
SELECT kind FROM relations.belongs_to('e', 'd', 'd');
SELECT name FROM relations.model('e', name => 'eh');
RESET ROLE;
DROP SCHEMA follow, follow_too CASCADE;
SELECT count(*) FROM relations.relation r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid IN (r.model, r.related));
SELECT count(*) FROM relations.model r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.model);

--
-- What goes wrong in the catalog never fails the command
--
CREATE SCHEMA follow;
CREATE TABLE f (id int PRIMARY KEY, f_id int);
SELECT kind FROM relations.has_many('f', 'fs', 'f', enforce => false);
ALTER TABLE relations.relation ADD CONSTRAINT broken CHECK (foreign_key <> '{renamed}');
ALTER TABLE f RENAME f_id TO renamed;
ALTER TABLE relations.relation DROP CONSTRAINT broken;
SELECT foreign_key FROM relations.relation WHERE model = 'f'::regclass;
SET client_min_messages = warning;
DROP SCHEMA follow CASCADE;
DROP ROLE regress_relations_mover;
\set VERBOSITY sqlstate
SELECT relations.follow_drop();
SELECT relations.follow_ddl();
\set VERBOSITY default
