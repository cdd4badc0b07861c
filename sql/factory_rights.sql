--
-- Factories: everything runs with the caller's rights
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE ROLE factory_owner;
CREATE ROLE factory_user;
CREATE SCHEMA factory AUTHORIZATION factory_owner;
GRANT USAGE ON SCHEMA factory TO factory_user;
SET search_path = factory;
SET ROLE factory_owner;
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, tenant text, secret text, made_by text);
CREATE TABLE posts (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text);
SELECT count(*) FROM relations.has_many('users', 'posts', 'posts');
SELECT relations.define_factory('users', '{"made_by": {"sql": "current_user"}, "tenant": "a"}');
SELECT relations.define_state('users', 'b', '{"tenant": "b"}');

-- Only the owner of the table may define, everybody may read
SET ROLE factory_user;
SELECT relations.define_factory('users', '{"name": "x"}');
SELECT relations.define_state('users', 'x', '{"name": "x"}');
SELECT relations.drop_state('users', 'b');
SELECT relations.drop_factory('users');
UPDATE relations.factory SET definition = '{}';
DELETE FROM relations.factory_state;
SELECT model, definition FROM relations.factory WHERE model = 'users'::regclass;

-- Privileges: on the table, on columns, on every level
SELECT relations.factory_create('users', 1, '{"seed": 1}');
SET ROLE factory_owner;
GRANT INSERT (name, made_by), SELECT (id, name, made_by) ON users TO factory_user;
GRANT USAGE ON SEQUENCE users_id_seq TO factory_user;
SET ROLE factory_user;
-- a column that a factory sets must be the caller's to set
SELECT relations.factory_create('users', 1, '{"seed": 1}');
SET ROLE factory_owner;
GRANT INSERT (tenant) ON users TO factory_user;
SET ROLE factory_user;
-- one of which nothing is said is left alone; what the caller may not see is not shown; an expression is the caller's
SELECT relations.factory_create('users', 1, '{"seed": 1}');
SELECT relations.factory_create('users', 1, '{"seed": 1, "with": ["posts"]}');
SELECT relations.factory_make('users', 1, '{"seed": 1}');
SET ROLE factory_owner;
SELECT name IS NOT NULL AS name, tenant, secret, made_by FROM users;
GRANT INSERT, SELECT ON posts TO factory_user;
GRANT USAGE ON SEQUENCE posts_id_seq TO factory_user;
SET ROLE factory_user;
SELECT relations.factory_create('users', 1, '{"seed": 1, "with": ["posts"]}');

-- Row-level security: what it refuses is refused, what it hides is not taken
SET ROLE factory_owner;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON users TO factory_user USING (tenant = 'a');
SET ROLE factory_user;
SELECT d ->> 'made_by' AS made_by FROM relations.factory_create('users', 1) d;
SELECT relations.factory_create('users', 1, '{"state": "b"}');
SET ROLE factory_owner;
TRUNCATE users, posts RESTART IDENTITY;
SELECT count(*) FROM relations.factory_create('users', 5, '{"state": "b"}');
SET ROLE factory_user;
SELECT d ->> 'user_id' AS user_id FROM relations.factory_create('posts', 2, '{"recycle": true}') d;
SELECT count(*) FROM users;

-- A function of the definer's: his rights, and it is he who is asked for
SET ROLE factory_owner;
CREATE FUNCTION seed_users(n int) RETURNS SETOF jsonb LANGUAGE sql SECURITY DEFINER SET search_path = factory, pg_temp
AS $$ SELECT relations.factory_create('users', n, '{"seed": 1, "state": "b"}') $$;
SET ROLE factory_user;
SELECT d ->> 'made_by' AS made_by, d ? 'secret' AS secret FROM seed_users(1) d;

-- Names in an expression are looked up as in the caller's own statements
SET ROLE factory_owner;
SELECT relations.define_factory('users', '{"made_by": {"sql": "(SELECT tenant FROM factory.users LIMIT 1)"}, "tenant": "a"}');
SET ROLE factory_user;
SELECT d ->> 'made_by' AS made_by FROM relations.factory_create('users', 1) d;
-- operators and functions of a hostile schema come before nothing of ours
RESET ROLE;
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''hijacked''; END';
CREATE FUNCTION hostile.eq(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''hijacked''; END';
CREATE FUNCTION hostile.max(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE ''hijacked''; END';
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.= (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.eq);
CREATE TABLE factory.names (id int PRIMARY KEY, name text UNIQUE);
SET search_path = hostile, pg_catalog, factory;
SELECT relations.define_factory('names', '{"name": {"sequence": "n%s"}}') IS NOT NULL AS defined;
SELECT relations.factory_create('names', 2);
SELECT relations.factory_create('names', 1);
SELECT relations.define_state('names', 's', '{"name": "x"}') IS NOT NULL AS defined;
SELECT relations.drop_state('names', 's');
SELECT relations.drop_factory('names');
RESET search_path;
DROP SCHEMA hostile CASCADE;
DROP SCHEMA factory CASCADE;
DROP ROLE factory_owner;
DROP ROLE factory_user;
