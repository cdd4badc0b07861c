--
-- Whose schema the extension is in: functions beside ours would be called by
-- others, and tables in the place of ours would be read as if they were ours
--
SET client_min_messages = error;
-- which PostgreSQL 18 tells more of
\set SHOW_CONTEXT never
DROP EXTENSION IF EXISTS relations CASCADE;
DROP SCHEMA IF EXISTS relations;
CREATE ROLE regress_mallory;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_mallory', current_database()); END $$;

-- It is not trusted: who may create in the database may not install it
SET ROLE regress_mallory;
CREATE EXTENSION relations;
RESET ROLE;
SELECT bool_or(trusted) AS trusted FROM pg_available_extension_versions WHERE name = 'relations';

-- An existing schema is refused, whoever owns it: others may create in it, or
-- have created in it
SET ROLE regress_mallory;
CREATE SCHEMA relations;
RESET ROLE;
CREATE EXTENSION relations;
ALTER SCHEMA relations OWNER TO CURRENT_USER;
GRANT CREATE ON SCHEMA relations TO regress_mallory;
CREATE EXTENSION relations;
REVOKE CREATE ON SCHEMA relations FROM regress_mallory;
CREATE EXTENSION relations;
SELECT extname FROM pg_extension WHERE extname = 'relations';
DROP SCHEMA relations;

-- What default privileges would grant on the schema and on the catalog is revoked
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_mallory, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_mallory, PUBLIC;
CREATE EXTENSION relations;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_mallory, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_mallory, PUBLIC;
SELECT has_schema_privilege('regress_mallory', 'relations', 'CREATE') AS may_create, has_schema_privilege('regress_mallory', 'relations', 'USAGE') AS may_use,
	bool_or(has_table_privilege('regress_mallory', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')) AS may_write, bool_and(has_table_privilege('regress_mallory', oid, 'SELECT')) AS may_read
FROM pg_class WHERE relnamespace = 'relations'::regnamespace AND relkind = 'r';

-- The schema is a member of the extension: it is not dropped alone, and goes with it
DROP SCHEMA relations CASCADE;
DROP EXTENSION relations;
SELECT count(*) FROM pg_namespace WHERE nspname = 'relations';
CREATE EXTENSION relations;

-- check reports who may create in it, and what they have created
SELECT * FROM relations.check();
GRANT CREATE ON SCHEMA relations TO regress_mallory, PUBLIC;
SET ROLE regress_mallory;
CREATE FUNCTION relations.find(regclass, int, VARIADIC text[] DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('called', 'as', 'user', current_user) $$;
RESET ROLE;
SELECT problem, severity, detail, statement FROM relations.check();
SELECT statement FROM relations.check() \gexec
SELECT * FROM relations.check();
CREATE SCHEMA rights_install;
CREATE TABLE rights_install.users (id int PRIMARY KEY, name text, password text);
CREATE TABLE rights_install.posts (id int PRIMARY KEY, user_id int REFERENCES rights_install.users);
INSERT INTO rights_install.users VALUES (1, 'Ann', 'the-secret');
SELECT (relations.model('rights_install.users', hidden => 'password')).hidden;
SELECT (relations.has_many('rights_install.users', 'posts', 'rights_install.posts')).kind;
SELECT relations.find('rights_install.users', 1, 'posts');

-- Tables in the place of ours, in a schema that is given away and renamed: of
-- other columns and with triggers, they are neither read nor written
CREATE FUNCTION rights_install.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trap was called by %', current_user; END $$;
ALTER SCHEMA relations OWNER TO regress_mallory;
SET ROLE regress_mallory;
ALTER SCHEMA relations RENAME TO relations_of_old;
CREATE SCHEMA relations;
CREATE TABLE relations.model (model oid PRIMARY KEY, name bigint, primary_key bigint, hidden bigint);
CREATE TABLE relations.relation (model oid, relation bigint, kind bigint);
CREATE TABLE relations.morph_type (model oid, morph bigint);
CREATE TABLE relations.graph_view (view bigint);
CREATE TABLE relations.factory (model oid, definition bigint);
CREATE TABLE relations.factory_state (model oid, state bigint, definition bigint);
INSERT INTO relations.model SELECT c.oid, 81985529216486895, 81985529216486895, 81985529216486895 FROM pg_class c WHERE relname = 'users' AND relnamespace = 'rights_install'::regnamespace;
INSERT INTO relations.relation SELECT model, 81985529216486895, 81985529216486895 FROM relations.model;
INSERT INTO relations.factory SELECT model, 81985529216486895 FROM relations.model;
RESET ROLE;
CREATE TRIGGER trap BEFORE DELETE OR UPDATE ON relations.relation FOR EACH STATEMENT EXECUTE FUNCTION rights_install.trap();
-- in a session of its own, which knows no schema as the extension's yet
\c
SET client_min_messages = warning;
SELECT relations_of_old.find('rights_install.users', 1::int);
SELECT relations_of_old.factory_make('rights_install.users', 1);
SELECT relations_of_old.has_many('rights_install.users', 'x', 'rights_install.posts');
SELECT relations_of_old.drop_factory('rights_install.users');
SELECT relations_of_old.ddl('rights_install.users', 'posts');
-- commands go on as if there were no extension
ALTER TABLE rights_install.users RENAME name TO full_name;
CREATE TABLE rights_install.spare (id int PRIMARY KEY);
DROP TABLE rights_install.spare;
-- and with the name back it works as before
DROP SCHEMA relations CASCADE;
ALTER SCHEMA relations_of_old RENAME TO relations;
ALTER SCHEMA relations OWNER TO CURRENT_USER;
SELECT relations.find('rights_install.users', 1, 'posts');

DROP SCHEMA rights_install CASCADE;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_mallory', current_database()); END $$;
DROP ROLE regress_mallory;
