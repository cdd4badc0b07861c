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
-- Through a pivot, and through a model
--
CREATE SCHEMA follow AUTHORIZATION regress_relations_mover;
SET ROLE regress_relations_mover;
CREATE TABLE users (id int PRIMARY KEY, country_id int);
CREATE TABLE roles (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE countries (id int PRIMARY KEY);
CREATE VIEW registered AS
SELECT relation, foreign_key AS fk, local_key AS lk, through_foreign_key AS tfk, through_local_key AS tlk,
	pivot_foreign_key AS pfk, pivot_related_foreign_key AS prfk, related_key AS rk, pivot_columns AS shown, pivot_timestamps AS stamped
FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'follow'::regnamespace)
ORDER BY relation::text, model::text;
CREATE VIEW standing AS
SELECT relation, enforce, constraint_name, related_constraint_name AS related, created_table AS made, created_constraint AS made_constraint,
	created_related_constraint AS made_related, created_index, created_second_index AS second, created_columns
FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'follow'::regnamespace)
ORDER BY relation::text, model::text;
SELECT kind FROM relations.has_many('countries', 'users', 'users');
SELECT kind FROM relations.many_to_many('users', 'roles', 'roles', pivot_columns => 'level', pivot_timestamps => true, related_key => 'code');
SELECT kind FROM relations.many_to_many('roles', 'users', 'users', local_key => 'code');
CREATE TABLE marks (user_id int REFERENCES users, role_id int REFERENCES roles);
SELECT created_index, created_second_index, created_columns
FROM relations.many_to_many('users', 'marked', 'roles', pivot_table => 'marks', pivot_timestamps => true);
SELECT kind FROM relations.has_many_through('countries', 'marks', 'marks', 'users');
SELECT kind FROM relations.has_many_through('users', 'through_marks', 'roles', 'marks');
SELECT kind FROM relations.has_one_through('marks', 'country', 'countries', 'users');
SELECT kind FROM relations.has_many_through('roles', 'loose', 'users', 'marks', foreign_key => 'role_id', local_key => 'id');
SELECT * FROM registered;
-- renames of every column that they stand on
ALTER TABLE users RENAME id TO uid;
ALTER TABLE users RENAME country_id TO land;
ALTER TABLE roles RENAME id TO rid;
ALTER TABLE roles RENAME code TO sign;
ALTER TABLE countries RENAME id TO cid;
ALTER TABLE role_user RENAME user_id TO holder;
ALTER TABLE role_user RENAME role_code TO held;
ALTER TABLE role_user RENAME level TO rank;
ALTER TABLE marks RENAME user_id TO member;
ALTER TABLE marks RENAME role_id TO role;
SELECT * FROM registered;
-- also without a constraint that would say so
SELECT kind FROM relations.many_to_many('users', 'unbound', 'roles', pivot_table => 'marks', pivot_foreign_key => 'member', pivot_related_foreign_key => 'role', enforce => false);
CREATE TABLE lands (id int PRIMARY KEY);
SELECT kind FROM relations.has_many_through('lands', 'unbound', 'marks', 'users', foreign_key => 'land');
ALTER TABLE marks RENAME member TO user_id;
ALTER TABLE marks RENAME role TO role_id;
ALTER TABLE roles RENAME rid TO id;
ALTER TABLE users RENAME land TO land_id;
ALTER TABLE users RENAME uid TO id;
ALTER TABLE lands RENAME id TO lid;
SELECT * FROM registered WHERE relation = 'unbound';
SELECT relations.drop_relation('lands', 'unbound'), relations.drop_relation('users', 'unbound');
-- a timestamp of another name is a column like others
ALTER TABLE marks RENAME created_at TO marked_at;
SELECT relation, shown, stamped FROM registered WHERE relation = 'marked';
SELECT created_columns FROM standing WHERE relation = 'marked';
-- constraints and indexes
SELECT * FROM standing;
ALTER TABLE role_user RENAME CONSTRAINT role_user_user_id_fkey TO to_user;
ALTER TABLE role_user RENAME CONSTRAINT role_user_role_code_fkey TO to_role;
ALTER INDEX role_user_role_code_user_id_idx RENAME TO backwards;
ALTER INDEX marks_user_id_role_id_idx RENAME TO marks_one;
ALTER INDEX marks_role_id_user_id_idx RENAME TO marks_two;
ALTER TABLE users RENAME CONSTRAINT users_country_id_fkey TO lives_in;
SELECT * FROM standing;
DROP INDEX marks_one;
SELECT created_index, second FROM standing WHERE relation = 'marked';
DROP INDEX marks_two;
SELECT created_index, second FROM standing WHERE relation = 'marked';
-- replaced in one command; then gone
ALTER TABLE role_user DROP CONSTRAINT to_user, ADD CONSTRAINT to_users FOREIGN KEY (holder) REFERENCES users;
SELECT * FROM standing WHERE relation IN ('roles', 'users');
ALTER TABLE role_user DROP CONSTRAINT to_users, DROP CONSTRAINT to_role;
ALTER TABLE users DROP CONSTRAINT lives_in;
SELECT * FROM standing;
-- columns that are only shown, then those of the keys
SELECT kind FROM relations.belongs_to('marks', 'user', 'users', touch => 'touched', counter_cache => 'marks_count');
ALTER TABLE users ADD touched timestamptz, ADD marks_count int NOT NULL DEFAULT 0;
SELECT kind FROM relations.belongs_to('marks', 'user', 'users', touch => 'touched', counter_cache => 'marks_count');
ALTER TABLE users RENAME touched TO seen;
ALTER TABLE users RENAME marks_count TO marks;
SELECT touch, counter_cache FROM relations.relation WHERE relation = 'user';
ALTER TABLE users DROP seen, DROP marks;
SELECT touch, counter_cache FROM relations.relation WHERE relation = 'user';
INSERT INTO users VALUES (1);
INSERT INTO marks VALUES (1);
SELECT relations.find('users', 1, 'marked', 'through_marks');
ALTER TABLE role_user DROP rank, DROP updated_at;
ALTER TABLE marks DROP marked_at;
SELECT relation, shown, stamped FROM registered WHERE shown IS NOT NULL OR stamped OR relation IN ('roles', 'marked');
SELECT created_columns FROM standing WHERE relation = 'marked';
BEGIN;
ALTER TABLE roles DROP sign CASCADE;
SELECT relation FROM registered;
ROLLBACK;
BEGIN;
ALTER TABLE marks DROP role_id;
SELECT relation FROM registered;
ROLLBACK;
BEGIN;
ALTER TABLE users DROP land_id;
SELECT relation FROM registered;
ROLLBACK;
-- the pivot goes, the through model goes
BEGIN;
DROP TABLE users CASCADE;
SELECT relation FROM registered;
ROLLBACK;
DROP TABLE role_user;
DROP TABLE marks;
SELECT relation FROM registered;
RESET ROLE;
DROP SCHEMA follow CASCADE;

--
-- What goes wrong in the catalog never fails the command
--
CREATE SCHEMA follow;
CREATE TABLE f (id int PRIMARY KEY, f_id int);
SELECT kind FROM relations.has_many('f', 'fs', 'f', enforce => false);
SELECT kind FROM relations.has_many('f', 'others', 'f', enforce => false, foreign_key => 'f_id');
SELECT definition FROM relations.define_factory('f', '{"f_id": 1}');
ALTER TABLE relations.relation ADD CONSTRAINT broken CHECK (relation <> 'fs' OR foreign_key <> '{renamed}');
ALTER TABLE f RENAME f_id TO renamed;
SELECT relation, foreign_key FROM relations.relation WHERE model = 'f'::regclass ORDER BY 1;
ALTER TABLE relations.relation DROP CONSTRAINT broken;
-- nor the rows that can follow
SELECT definition FROM relations.factory WHERE model = 'f'::regclass;
SET client_min_messages = warning;
DROP SCHEMA follow CASCADE;
DROP ROLE regress_relations_mover;
\set VERBOSITY sqlstate
SELECT relations.follow_drop();
SELECT relations.follow_ddl();
\set VERBOSITY default
