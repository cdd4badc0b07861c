--
-- The constraints and indexes that a declaration finds, makes and drops
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE ROLE regress_relations_ddl;
CREATE ROLE regress_relations_guest;
CREATE SCHEMA constraints AUTHORIZATION regress_relations_ddl;
SET search_path = constraints;
SET ROLE regress_relations_ddl;
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;
CREATE VIEW registered AS
SELECT model, relation, constraint_name AS uses, created_constraint, created_index, created_columns
FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'constraints'::regnamespace)
ORDER BY model::text, relation::text;

--
-- Made: a foreign key, unique for has_one, indexed for has_many
--
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int, bio text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL, title text);
SELECT constraint_name, created_constraint, created_index FROM relations.has_one('users', 'profile', 'profiles', on_delete => 'CASCADE');
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'posts', 'posts', on_update => 'Set Null', defer => 'Initially Deferred');
\d profiles
\d posts
-- options are stored in one spelling
SELECT relation, on_delete, on_update, defer FROM relations.relation WHERE model = 'users'::regclass ORDER BY 1;
-- the inverse stands on the same foreign key
SELECT constraint_name, created_constraint, created_index FROM relations.belongs_to('profiles', 'user', 'users', on_delete => 'cascade');
SELECT constraint_name, created_constraint, created_index FROM relations.belongs_to('posts', 'user', 'users', defer => 'initially deferred');
SELECT relations.ddl('profiles', 'user');
SELECT relations.ddl('users', 'profile');
-- all of it, or nothing
BEGIN;
SELECT created_columns, created_constraint FROM relations.belongs_to('users', 'manager', 'users', foreign_key => 'manager_id', add_column => true);
ROLLBACK;
\d users
-- PostgreSQL's own error when rows contradict: nothing stays
INSERT INTO users VALUES (1, 'one');
CREATE TABLE cars (id int PRIMARY KEY, user_id int);
INSERT INTO cars VALUES (1, 1), (2, 1);
SELECT refused($$SELECT relations.has_one('users', 'car', 'cars')$$);
SELECT count(*) FROM pg_constraint WHERE conrelid = 'cars'::regclass AND contype NOT IN ('p', 'n');
INSERT INTO cars VALUES (3, 7);
SELECT refused($$SELECT relations.has_many('users', 'cars', 'cars')$$);
SELECT validate, created_constraint FROM relations.has_many('users', 'cars', 'cars', validate => false);
SELECT relations.ddl('users', 'cars');
SELECT validate FROM relations.belongs_to('cars', 'user', 'users');

--
-- Reused: what is equivalent, whatever its name and order
--
CREATE TABLE badges (id int PRIMARY KEY, user_id int UNIQUE CONSTRAINT worn_by REFERENCES users ON DELETE SET NULL);
SELECT constraint_name, created_constraint, created_index FROM relations.has_one('users', 'badge', 'badges');
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'badges', 'badges', on_delete => 'set null');
SELECT refused($$SELECT relations.belongs_to('badges', 'user', 'users', on_delete => 'no action')$$);
SELECT refused($$SELECT relations.belongs_to('posts', 'writer', 'users', defer => 'initially immediate')$$);
-- the same index in another order; a unique one on fewer columns is unique all the more
CREATE TABLE accounts (tenant int, no int, PRIMARY KEY (tenant, no));
CREATE TABLE entries (id int PRIMARY KEY, no int, tenant int, note text);
CREATE INDEX entries_lookup ON entries (no, tenant, note);
CREATE UNIQUE INDEX entries_no ON entries (no);
SELECT constraint_name, created_index FROM relations.has_many('accounts', 'entries', 'entries', foreign_key => 'tenant, no');
SELECT constraint_name, created_index FROM relations.has_one('accounts', 'entry', 'entries');
SELECT relations.ddl('accounts', 'entries');
SELECT relations.ddl('accounts', 'entry');
-- not those that are partial, of expressions, of another method, or not led by the key
CREATE TABLE tags (id int PRIMARY KEY, user_id int, at date);
CREATE UNIQUE INDEX ON tags (user_id) WHERE at IS NULL;
CREATE UNIQUE INDEX ON tags ((user_id + 0));
CREATE INDEX ON tags USING hash (user_id);
CREATE INDEX ON tags (at, user_id);
SELECT created_index FROM relations.has_many('users', 'tags', 'tags');
SELECT created_index FROM relations.has_one('users', 'tag', 'tags');
\d tags
-- the latest of many is not unique
CREATE TABLE logins (id int PRIMARY KEY, user_id int, at date);
SELECT created_index FROM relations.has_one('users', 'last_login', 'logins', scope => '{"order": ["-at"]}');
SELECT created_index FROM relations.has_many('users', 'logins', 'logins');
\d logins
-- a foreign key that a partition inherits
CREATE TABLE visits (id int, at date, user_id int REFERENCES users) PARTITION BY RANGE (at);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'visits', 'visits');
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'visits_2024', 'visits_2024');
-- a unique constraint of a partitioned table needs the partition key
SELECT refused($$SELECT relations.has_one('users', 'visit', 'visits')$$);

--
-- Where there can be none
--
CREATE VIEW shown AS SELECT * FROM posts;
CREATE TABLE loose (id int, code text, ref_code text, user_id int);
CREATE UNIQUE INDEX ON loose (code) WHERE id > 0;
CREATE TABLE deferred (id int, UNIQUE (id) DEFERRABLE);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.has_many('users', 'shown', 'shown', foreign_key => 'user_id')$$,
	$$SELECT relations.belongs_to('loose', 'other', 'loose', foreign_key => 'ref_code', local_key => 'code')$$,
	$$SELECT relations.belongs_to('loose', 'later', 'deferred', foreign_key => 'id', local_key => 'id')$$,
	$$SELECT relations.belongs_to('loose', 'account', 'accounts', foreign_key => 'id', local_key => 'tenant')$$,
	$$SELECT relations.has_many('users', 'loose', 'loose', on_delete => 'drop')$$,
	$$SELECT relations.has_many('users', 'loose', 'loose', enforce => false, defer => 'initially deferred')$$]) s;
-- registered only: nothing is made
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'shown', 'shown', foreign_key => 'user_id', enforce => false);
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'loose', 'loose', enforce => false);
SELECT count(*) FROM relations.ddl('users', 'loose');
-- null is "not said"
SELECT enforce, validate, created_columns FROM relations.has_many('users', 'looser', 'loose', enforce => null, validate => null, add_column => null);

--
-- Dropped: only what was made, and only when nobody else stands on it
--
-- the inverse takes over the foreign key, the index goes
SELECT relations.drop_relation('users', 'posts', drop_constraint => true);
SELECT * FROM registered WHERE model = 'posts'::regclass;
SELECT relations.drop_relation('posts', 'user', drop_constraint => true);
\d posts
-- without drop_constraint all of it stays, and is nobody's: it will not be dropped later
SELECT relations.drop_relation('users', 'profile');
SELECT relations.drop_relation('profiles', 'user');
SELECT created_constraint, created_index FROM relations.has_one('users', 'profile', 'profiles');
SELECT relations.drop_relation('users', 'profile', drop_constraint => true);
\d profiles
-- what was there before is not touched
SELECT relations.drop_relation('users', 'badge', true), relations.drop_relation('users', 'badges', true);
\d badges
-- a relation of another model may find its rows by the same columns
CREATE TABLE admins (id int PRIMARY KEY REFERENCES users);
CREATE TABLE audits (id int PRIMARY KEY, user_id int);
SELECT created_constraint, created_index FROM relations.has_many('users', 'audits', 'audits');
SELECT created_constraint, created_index FROM relations.has_many('admins', 'audits', 'audits', foreign_key => 'user_id', local_key => 'id');
SELECT relations.drop_relation('users', 'audits', drop_constraint => true);
\d audits
SELECT relations.drop_relation('admins', 'audits', drop_constraint => true);
\d audits
-- columns hold data
SELECT created_columns FROM relations.belongs_to('audits', 'boss', 'users', foreign_key => 'boss_id', add_column => true);
SELECT created_columns FROM relations.has_many('users', 'bossed', 'audits', foreign_key => 'boss_id');
SELECT relations.drop_relation('audits', 'boss', drop_constraint => true);
SELECT * FROM registered WHERE relation = 'bossed';
SELECT relations.ddl('users', 'bossed');
SELECT relations.drop_relation('users', 'bossed', drop_constraint => true);
\d audits
-- what has gone or changed hands meanwhile is no error
SELECT created_constraint, created_index FROM relations.has_many('users', 'audits', 'audits');
ALTER TABLE audits DROP CONSTRAINT audits_user_id_fkey;
DROP INDEX audits_user_id_idx;
CREATE INDEX audits_user_id_idx ON audits (id, user_id);
SELECT relations.drop_relation('users', 'audits', drop_constraint => true);
\d audits
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.drop_relation('users', 'profil')$$,
	$$SELECT relations.drop_relation('users', NULL)$$,
	$$SELECT relations.drop_relation(NULL, 'x')$$,
	$$SELECT relations.drop_relation(0, 'x')$$]) s;

--
-- Rights
--
GRANT USAGE ON SCHEMA constraints TO regress_relations_guest;
GRANT REFERENCES, SELECT ON users TO regress_relations_guest;
RESET ROLE;
CREATE TABLE guest_notes (id int PRIMARY KEY, user_id int, audit_id int);
ALTER TABLE guest_notes OWNER TO regress_relations_guest;
GRANT EXECUTE ON FUNCTION refused TO regress_relations_guest;
SET ROLE regress_relations_guest;
-- one's own table may belong to another's
SELECT created_constraint FROM relations.belongs_to('guest_notes', 'user', 'users');
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.belongs_to('guest_notes', 'audit', 'audits', foreign_key => 'audit_id', local_key => 'id')$$,
	$$SELECT relations.belongs_to('guest_notes', 'audit', 'audits', foreign_key => 'audit_id', local_key => 'id', enforce => false)$$,
	$$SELECT relations.has_many('users', 'guest_notes', 'guest_notes')$$,
	$$SELECT relations.has_many('guest_notes', 'users', 'users', foreign_key => 'id')$$,
	$$SELECT relations.drop_relation('users', 'tags')$$,
	$$SELECT relations.model('users', name => 'x')$$,
	$$INSERT INTO relations.relation (model, relation, kind, related, local_key, foreign_key)
	  VALUES ('guest_notes', 'x', 'has_one', 'users', '{id}', '{id}')$$,
	$$DELETE FROM relations.relation$$]) s;
RESET ROLE;
-- the owner of users may have many of the guest's, whose index he may not make
SET ROLE regress_relations_ddl;
SELECT refused($$SELECT relations.has_many('users', 'guest_notes', 'guest_notes')$$);
RESET ROLE;
GRANT SELECT ON guest_notes TO regress_relations_ddl;
SET ROLE regress_relations_ddl;
SELECT refused($$SELECT relations.has_many('users', 'guest_notes', 'guest_notes')$$);
RESET ROLE;
CREATE INDEX ON guest_notes (user_id);
SET ROLE regress_relations_ddl;
SELECT constraint_name, created_constraint, created_index FROM relations.has_many('users', 'guest_notes', 'guest_notes');
RESET ROLE;

--
-- Temporary tables
--
CREATE TEMP TABLE scratch (id int PRIMARY KEY, user_id int, scratch_id int);
SELECT refused($$SELECT relations.has_many('users', 'scratch', 'scratch')$$);
SELECT refused($$SELECT relations.has_many('users', 'scratch', 'scratch', enforce => false)$$);
SELECT created_constraint FROM relations.belongs_to('scratch', 'parent', 'scratch');
SELECT constraint_name FROM relations.belongs_to('scratch', 'user', 'users', enforce => false);
SELECT relations.first('scratch', 'parent');

SET client_min_messages = warning;
DROP TABLE scratch;
DROP SCHEMA constraints CASCADE;
DROP ROLE regress_relations_ddl, regress_relations_guest;
