--
-- Whose table becomes the pivot of a relation: rows are written to it, and its
-- triggers run as the role that writes.  A table of another role is used only
-- if pivot_table names it.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE ROLE regress_alice;
CREATE ROLE regress_mallory;
CREATE ROLE regress_staff;
GRANT regress_staff TO regress_alice;
CREATE SCHEMA adoption AUTHORIZATION regress_alice;
SET search_path = adoption;
SET ROLE regress_alice;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE skills (id int PRIMARY KEY);
CREATE TABLE posts (id int PRIMARY KEY);
INSERT INTO users VALUES (1);
INSERT INTO skills VALUES (1), (2);
GRANT USAGE, CREATE ON SCHEMA adoption TO regress_mallory, regress_staff;
GRANT REFERENCES ON users, skills, posts TO regress_mallory, regress_staff;

-- a table that mallory has put there, with a trigger
SET ROLE regress_mallory;
CREATE TABLE zzz (user_id int REFERENCES users, skill_id int REFERENCES skills, PRIMARY KEY (user_id, skill_id));
CREATE INDEX ON zzz (skill_id, user_id);
GRANT ALL ON zzz TO regress_alice;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'trigger of mallory runs as %', current_user; RETURN NEW; END $$;
CREATE TRIGGER tell BEFORE INSERT ON zzz FOR EACH ROW EXECUTE FUNCTION tell();

-- is neither found by its foreign keys
SET ROLE regress_alice;
SELECT relation FROM relations.many_to_many('users', 'skills', 'skills');
-- nor by the name that a pivot has by convention
SET ROLE regress_mallory;
ALTER TABLE zzz RENAME TO skill_user;
SET ROLE regress_alice;
SELECT relation FROM relations.many_to_many('users', 'skills', 'skills');
SET ROLE regress_mallory;
CREATE TABLE taggables (tag_id int, taggable_type text, taggable_id bigint);
GRANT ALL ON taggables TO regress_alice;
SET ROLE regress_alice;
SELECT relation FROM relations.morph_to_many('posts', 'tags', 'skills', 'taggable');
SELECT relation FROM relations.morphed_by_many('skills', 'posts', 'posts', 'taggable');
-- and discover does not propose it
SELECT model, relation FROM relations.discover('adoption') WHERE kind = 'many_to_many';
-- the same for a superuser, who is asked to declare what alice cannot
RESET ROLE;
SELECT relation FROM relations.many_to_many('users', 'skills', 'skills');
SELECT model, relation FROM relations.discover('adoption') WHERE kind = 'many_to_many';

-- named, it is used
SET ROLE regress_alice;
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills', pivot_table => 'skill_user');
SELECT relations.attach('users', 1, 'skills', '[1]');
SELECT relations.drop_relation('users', 'skills');
-- a name that no table has creates one
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills', pivot_table => 'learned');
SELECT relations.attach('users', 1, 'skills', '[1]');
SELECT relations.drop_relation('users', 'skills');

-- the one that alice owns is found: tables of others do not make it ambiguous
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills');
SELECT model, relation, pivot_table FROM relations.discover('adoption') WHERE kind = 'many_to_many';
SELECT relations.drop_relation('users', 'skills');
-- so is a table of a role whose member alice is
ALTER TABLE learned OWNER TO regress_staff;
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills');
SELECT relations.drop_relation('users', 'skills');
-- and for a superuser the one of the model's owner, or his own
RESET ROLE;
ALTER TABLE learned OWNER TO regress_alice;
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills');
SELECT relations.drop_relation('users', 'skills');
ALTER TABLE learned OWNER TO CURRENT_USER;
SELECT relation, pivot_table, created_table FROM relations.many_to_many('users', 'skills', 'skills');
SELECT relations.drop_relation('users', 'skills');

-- discover registers no pivot of another role
ALTER TABLE learned OWNER TO regress_mallory;
SELECT model, relation, pivot_table FROM relations.discover('adoption', register => true) WHERE kind = 'many_to_many';
SELECT count(*) FROM relations.relation WHERE kind = 'many_to_many';
SELECT count(relations.drop_relation(model, relation)) FROM relations.relation;

RESET search_path;
DROP SCHEMA adoption CASCADE;
DROP ROLE regress_alice, regress_mallory, regress_staff;
