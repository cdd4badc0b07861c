--
-- refresh_view keeps what belongs to a graph view: all that CREATE OR REPLACE
-- VIEW keeps, also when a column has to be taken out of it
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE ROLE regress_alice;
CREATE ROLE regress_bob;
CREATE SCHEMA refresh AUTHORIZATION regress_alice;
GRANT USAGE ON SCHEMA refresh TO regress_bob;
SET search_path = refresh;
SET ROLE regress_alice;
CREATE TABLE users (id int PRIMARY KEY, email text, secret text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
INSERT INTO users VALUES (1, 'ann@test.com', 'x');
INSERT INTO posts VALUES (1, 1, 'Hello');
SELECT relation FROM relations.has_many('users', 'posts', 'posts');
SELECT relations.create_view('users_graph', 'users', 'posts');

-- What belongs to the view
GRANT SELECT (id, posts), UPDATE (email) ON users_graph TO regress_bob;
GRANT INSERT ON users_graph TO regress_bob WITH GRANT OPTION;
REVOKE TRUNCATE ON users_graph FROM regress_alice;
ALTER VIEW users_graph SET (security_barrier = true);
ALTER VIEW users_graph ALTER COLUMN email SET DEFAULT 'none@test.com';
COMMENT ON VIEW users_graph IS 'users with their posts';
COMMENT ON COLUMN users_graph.email IS 'where to write to';
COMMENT ON COLUMN users_graph.posts IS 'what they have written';
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'trigger "%"', TG_NAME; RETURN NULL; END $$;
CREATE TRIGGER a_tell INSTEAD OF DELETE ON users_graph FOR EACH ROW EXECUTE FUNCTION tell();
COMMENT ON TRIGGER a_tell ON users_graph IS 'nothing is deleted here';
CREATE RULE note AS ON UPDATE TO users_graph DO ALSO NOTIFY refreshed;
COMMENT ON RULE note ON users_graph IS 'a rule';
CREATE FUNCTION kept() RETURNS TABLE (what text, value text) LANGUAGE plpgsql AS $$ DECLARE view regclass := 'refresh.users_graph'; BEGIN RETURN QUERY
SELECT 'options', array_to_string(reloptions, ', ') FROM pg_class WHERE oid = view
UNION ALL SELECT 'owner', pg_get_userbyid(relowner) FROM pg_class WHERE oid = view
UNION ALL SELECT 'granted to ' || grantee::regrole::text, string_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ', ' ORDER BY privilege_type COLLATE "C")
	FROM pg_class, aclexplode(relacl) WHERE oid = view AND privilege_type <> 'MAINTAIN' GROUP BY grantee
UNION ALL SELECT 'column ' || attname, concat_ws('; ', attacl::text, col_description(attrelid, attnum),
		(SELECT 'default ' || pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum))
	FROM pg_attribute WHERE attrelid = view AND attnum > 0
UNION ALL SELECT 'comment', obj_description(view, 'pg_class')
UNION ALL SELECT 'trigger ' || tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgrelid = view
UNION ALL SELECT 'rule ' || rulename, obj_description(oid, 'pg_rewrite') FROM pg_rewrite WHERE ev_class = view AND rulename <> '_RETURN'
ORDER BY 1; END $$;
SELECT * FROM kept();

-- A column that is added comes last and one that is renamed is renamed; views
-- that use the graph view stay
CREATE VIEW addresses AS SELECT id, email FROM users_graph;
ALTER TABLE users ADD COLUMN name text;
ALTER TABLE users RENAME COLUMN email TO address;
SELECT problem, statement, outcome FROM relations.repair();
SELECT count(*) FROM relations.check();
SELECT * FROM kept();
SELECT * FROM users_graph;
SELECT * FROM addresses;

-- A column that is hidden is taken out, unless other views use the graph view
SELECT FROM relations.model('users', hidden => 'secret');
SELECT relations.refresh_view('users_graph');
DROP VIEW addresses;
SELECT problem, statement, outcome FROM relations.repair();
SELECT count(*) FROM relations.check();
SELECT * FROM kept();
SELECT * FROM users_graph;
DELETE FROM users_graph;
-- shown again, it is the last
SELECT FROM relations.model('users', hidden => '');
SELECT relations.refresh_view('users_graph');
SELECT * FROM users_graph;
-- default privileges grant nothing that was not granted
ALTER DEFAULT PRIVILEGES IN SCHEMA refresh GRANT ALL ON TABLES TO regress_bob, PUBLIC;
SELECT FROM relations.model('users', hidden => 'secret');
SELECT relations.refresh_view('users_graph');
SELECT what, value FROM kept() WHERE what ~ 'granted';

-- Two columns that swap their names: privileges go with the column
ALTER TABLE users RENAME COLUMN address TO other;
ALTER TABLE users RENAME COLUMN name TO address;
ALTER TABLE users RENAME COLUMN other TO name;
SELECT relations.refresh_view('users_graph');
SELECT * FROM users_graph;
SELECT * FROM kept() WHERE what ~ 'column (address|name)';

-- A view that its owner has given another query is a graph view again; a
-- trigger that he has dropped is created
CREATE OR REPLACE VIEW users_graph AS SELECT id, name, NULL::jsonb AS posts, address FROM users;
DROP TRIGGER relations_write ON users_graph;
SELECT * FROM users_graph;
SELECT relations.refresh_view('users_graph');
SELECT * FROM users_graph;
SELECT what FROM kept() WHERE what ~ 'trigger';

-- The view of another role, refreshed by a superuser, stays the other role's
RESET ROLE;
SELECT FROM relations.model('users', hidden => 'address');
SELECT relations.refresh_view('users_graph');
SELECT * FROM kept() WHERE what ~ 'owner|granted';
SET ROLE regress_bob;
SELECT relations.refresh_view('users_graph');

RESET ROLE;
RESET search_path;
DROP SCHEMA refresh CASCADE;
DROP ROLE regress_alice, regress_bob;
