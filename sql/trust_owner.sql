--
-- Code of a table's owner that runs because of counters, touch, polymorphic
-- references and recount: it runs as the owner, and nothing of it outlasts that
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
\set VERBOSITY terse
CREATE ROLE regress_trust_app;
CREATE ROLE regress_trust_shop;
CREATE ROLE regress_trust_other;
CREATE SCHEMA trust;
CREATE SCHEMA trust_other AUTHORIZATION regress_trust_other;
GRANT ALL ON SCHEMA trust TO PUBLIC;
GRANT USAGE ON SCHEMA trust_other TO PUBLIC;
SET search_path = trust;

-- Who runs a trigger?  Does something of it last?
CREATE FUNCTION trust_other.who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	RAISE WARNING '% % of % runs as %', lower(TG_WHEN), lower(TG_OP), TG_TABLE_NAME, current_user;
	RETURN NEW;
END $$;
CREATE FUNCTION trust_other.set_path() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM set_config('search_path', 'trust_other', false), set_config('trust.note', 'set by ' || current_user, false);
	RETURN NEW;
END $$;
CREATE FUNCTION trust_other.forbidden() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE TG_ARGV[0];
	RETURN NEW;
END $$;

-- The children are the shop's, the parents another role's: each is switched to
SET ROLE regress_trust_other;
CREATE TABLE trust_other.parents (id int PRIMARY KEY, children int, touched date);
CREATE TABLE trust_other.log (parent int);
INSERT INTO trust_other.parents VALUES (1, 0), (2, 0);
GRANT SELECT, UPDATE, REFERENCES ON trust_other.parents TO regress_trust_shop;
SET ROLE regress_trust_shop;
CREATE TABLE children (id int PRIMARY KEY, parent_id int REFERENCES trust_other.parents ON UPDATE CASCADE);
INSERT INTO children VALUES (1, 1);
GRANT ALL ON children TO PUBLIC;
RESET ROLE;
SELECT relation FROM relations.belongs_to('children', 'parent', 'trust_other.parents', counter_cache => 'children', touch => 'touched');
UPDATE trust_other.parents SET children = 42;
SET ROLE regress_trust_other;
CREATE TRIGGER who AFTER UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.who();
CREATE TRIGGER who_before BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.who();
CREATE TRIGGER set_path BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.set_path();
RESET ROLE;

-- A superuser recounts
SELECT relations.recount('children', 'parent');
SHOW search_path;
SELECT current_setting('trust.note', true) AS note;
-- A row comes, changes its parent and goes; a parent gets another key
INSERT INTO children VALUES (2, 2);
UPDATE children SET parent_id = 1 WHERE id = 2;
DELETE FROM children WHERE id = 2;
ALTER TABLE trust_other.parents DISABLE TRIGGER who_before;
DROP TRIGGER set_path ON trust_other.parents;
GRANT SELECT, UPDATE ON trust_other.parents TO regress_trust_app;
SET ROLE regress_trust_app;
UPDATE trust_other.parents SET id = 3 WHERE id = 1;
RESET ROLE;
CREATE TRIGGER set_path BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.set_path();
TRUNCATE children;
SHOW search_path;
SELECT current_setting('trust.note', true) AS note;
SELECT id, children FROM trust_other.parents ORDER BY id;

-- A deferred trigger would fire at COMMIT, as whoever commits: PostgreSQL refuses it
DROP TRIGGER set_path ON trust_other.parents;
ALTER TABLE trust_other.parents DISABLE TRIGGER who;
INSERT INTO children VALUES (1, 2);
SET ROLE regress_trust_other;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON trust_other.parents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trust_other.who();
RESET ROLE;
INSERT INTO children VALUES (2, 2);
UPDATE children SET parent_id = 3;
DELETE FROM children;
TRUNCATE children;
SELECT * FROM children;
ALTER TABLE trust_other.parents DISABLE TRIGGER late;
UPDATE trust_other.parents SET children = 42;
ALTER TABLE trust_other.parents ENABLE TRIGGER late;
SELECT relations.recount('children', 'parent');
-- One that is not deferred fires at once, as the owner
BEGIN;
SET CONSTRAINTS trust_other.late IMMEDIATE;
INSERT INTO children VALUES (2, 2);
COMMIT;
DROP TRIGGER late ON trust_other.parents;
-- also if the owner's trigger queues it for another table
SET ROLE regress_trust_other;
CREATE TRIGGER next BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('INSERT INTO trust_other.log VALUES (1)');
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON trust_other.log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trust_other.who();
RESET ROLE;
INSERT INTO children VALUES (3, 3);
DROP TRIGGER next ON trust_other.parents;
-- nor does anything else stay behind in the session
SET ROLE regress_trust_other;
CREATE TRIGGER t BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('CREATE TEMP TABLE pg_class (oid int)');
RESET ROLE;
INSERT INTO children VALUES (3, 3);
CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('SET SESSION AUTHORIZATION DEFAULT');
INSERT INTO children VALUES (3, 3);
CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('RESET ROLE');
INSERT INTO children VALUES (3, 3);
CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('LISTEN x');
INSERT INTO children VALUES (3, 3);
DROP TRIGGER t ON trust_other.parents;

-- Switches below a switch are restricted as well: a trigger of the other role
-- writes its own table, which counts for a table of the shop
SET ROLE regress_trust_shop;
CREATE TABLE tops (id int PRIMARY KEY, logs int);
INSERT INTO tops VALUES (1, 0);
GRANT REFERENCES ON tops TO regress_trust_other;
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	RAISE WARNING 'deferred trigger of % runs as %', TG_TABLE_NAME, current_user;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON tops DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
SET ROLE regress_trust_other;
CREATE TABLE trust_other.logs (top_id int REFERENCES tops);
CREATE TRIGGER next BEFORE UPDATE ON trust_other.parents FOR EACH ROW EXECUTE FUNCTION trust_other.forbidden('INSERT INTO trust_other.logs VALUES (1)');
RESET ROLE;
SELECT relation FROM relations.belongs_to('trust_other.logs', 'top', 'tops', counter_cache => 'logs');
INSERT INTO children VALUES (3, 3);
DROP TRIGGER next ON trust_other.parents;

-- A polymorphic reference: the rows that refer are another role's
SET ROLE regress_trust_shop;
CREATE TABLE posts (id int PRIMARY KEY);
INSERT INTO posts VALUES (1), (2);
GRANT SELECT, REFERENCES ON posts TO regress_trust_other;
GRANT DELETE, UPDATE ON posts TO regress_trust_app;
SET ROLE regress_trust_other;
CREATE TABLE trust_other.images (id int PRIMARY KEY, owner_type text, owner_id int);
RESET ROLE;
SELECT relation FROM relations.morph_to('trust_other.images', 'owner', '["trust.posts"]', on_delete => 'set null', on_update => 'cascade');
SET ROLE regress_trust_other;
INSERT INTO trust_other.images VALUES (1, 'post', 1), (2, 'post', 2);
CREATE TRIGGER who AFTER UPDATE ON trust_other.images FOR EACH ROW EXECUTE FUNCTION trust_other.who();
CREATE TRIGGER set_path BEFORE UPDATE ON trust_other.images FOR EACH ROW EXECUTE FUNCTION trust_other.set_path();
RESET ROLE;
UPDATE posts SET id = 3 WHERE id = 1;
DELETE FROM posts WHERE id = 3;
SHOW search_path;
SELECT current_setting('trust.note', true) AS note;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON trust_other.images DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trust_other.who();
DELETE FROM posts;
SET ROLE regress_trust_app;
DELETE FROM posts;
RESET ROLE;
SELECT * FROM posts;

--
-- Whose code may run as the caller anyway is not restricted: the caller's own,
-- a superuser's, and that of the owner of the table which the caller writes
--
SET ROLE regress_trust_shop;
CREATE TABLE own_parents (id int PRIMARY KEY, top_id int REFERENCES tops DEFERRABLE INITIALLY DEFERRED, children int);
CREATE TABLE own_children (id int PRIMARY KEY, parent_id int REFERENCES own_parents);
GRANT ALL ON own_parents, own_children TO regress_trust_app;
SELECT relation FROM relations.belongs_to('own_children', 'parent', 'own_parents', counter_cache => 'children');
INSERT INTO own_parents VALUES (1, 1, 0);
UPDATE own_parents SET children = 42;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON own_parents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
SELECT relations.recount('own_children', 'parent');
ALTER TABLE own_parents DISABLE TRIGGER late;
SET ROLE regress_trust_app;
BEGIN;
INSERT INTO own_parents VALUES (2, 1, 0);
INSERT INTO own_children VALUES (1, 2), (2, 2);
COMMIT;
RESET ROLE;
SELECT * FROM own_parents ORDER BY id;

--
-- Names in the owner's triggers: those of the table's schema, unless others
-- could put theirs beside them
--
CREATE SCHEMA trust_shop AUTHORIZATION regress_trust_shop;
GRANT USAGE ON SCHEMA trust_shop TO PUBLIC;
SET ROLE regress_trust_shop;
CREATE TABLE trust_shop.parents (id int PRIMARY KEY, children int);
CREATE TABLE trust_shop.children (id int PRIMARY KEY, parent_id int REFERENCES trust_shop.parents);
GRANT ALL ON trust_shop.children TO PUBLIC;
CREATE FUNCTION trust_shop.helper(text) RETURNS text LANGUAGE sql AS $$ SELECT 'the helper of the shop' $$;
CREATE FUNCTION trust_shop.help() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	RAISE WARNING '%', helper('x'::varchar);
	RETURN NEW;
END $$;
CREATE TRIGGER help BEFORE UPDATE ON trust_shop.parents FOR EACH ROW EXECUTE FUNCTION trust_shop.help();
INSERT INTO trust_shop.parents VALUES (1, 0);
SELECT relation FROM relations.belongs_to('trust_shop.children', 'parent', 'trust_shop.parents', counter_cache => 'children');
SET ROLE regress_trust_app;
INSERT INTO trust_shop.children VALUES (1, 1);
RESET ROLE;
GRANT CREATE ON SCHEMA trust_shop TO regress_trust_other;
SET ROLE regress_trust_other;
CREATE FUNCTION trust_shop.helper(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'a function of another role runs as ' || current_user $$;
INSERT INTO trust_shop.children VALUES (2, 1);
RESET ROLE;
REVOKE CREATE ON SCHEMA trust_shop FROM regress_trust_other;
DROP FUNCTION trust_shop.helper(varchar);
ALTER SCHEMA trust_shop OWNER TO regress_trust_other;
INSERT INTO trust_shop.children VALUES (2, 1);
ALTER SCHEMA trust_shop OWNER TO CURRENT_USER;
INSERT INTO trust_shop.children VALUES (2, 1);

DROP SCHEMA trust, trust_other, trust_shop CASCADE;
DROP ROLE regress_trust_app, regress_trust_shop, regress_trust_other;
