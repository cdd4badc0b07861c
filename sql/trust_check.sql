--
-- check and repair by a superuser, and by an owner among others: no statement
-- that is returned or run runs code of a role that the caller does not trust
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
\set VERBOSITY terse
CREATE ROLE regress_trust_other;
CREATE ROLE regress_trust_shop;
CREATE SCHEMA trust_check AUTHORIZATION regress_trust_other;
GRANT ALL ON SCHEMA trust_check TO regress_trust_shop;
SET search_path = trust_check;

-- Code of another role: it raises a warning if it has more rights than its owner
SET ROLE regress_trust_other;
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
	IF current_user <> 'regress_trust_other' THEN RAISE WARNING 'code of another role runs as %', current_user; END IF;
	RETURN true;
END $$;
CREATE FUNCTION trap_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap(); RETURN NEW; END $$;
CREATE TYPE kind AS ENUM ('1', '2');
CREATE FUNCTION kind_to_int(kind) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trust_check.trap(); RETURN CAST($1 AS text); END $$;
CREATE FUNCTION kind_to_bigint(kind) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trust_check.trap(); RETURN CAST($1 AS text); END $$;
CREATE CAST (kind AS bigint) WITH FUNCTION kind_to_bigint(kind) AS IMPLICIT;
CREATE CAST (kind AS int) WITH FUNCTION kind_to_int(kind);

-- A key of a type that has to be cast; a counter of such a type; a foreign key,
-- and a check, of the recorded names that are something else
CREATE TABLE parents (id int PRIMARY KEY, n bigint);
CREATE TABLE children (id int PRIMARY KEY, parent_id int, other_id int);
CREATE TABLE counted (id int PRIMARY KEY, parent_id int REFERENCES parents);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id bigint);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1), (2, 1);
INSERT INTO counted VALUES (1, 1);
INSERT INTO notes VALUES (1, 'parent', 1);
SELECT count(*) FROM (VALUES (relations.has_many('parents', 'children', 'children', enforce => false)), (relations.belongs_to('children', 'other', 'parents', foreign_key => 'other_id')),
	(relations.belongs_to('counted', 'parent', 'parents', counter_cache => 'n')), (relations.morph_to('notes', 'about', '["trust_check.parents"]'))) r;
ALTER TABLE children ALTER parent_id TYPE kind USING '1', DROP CONSTRAINT children_other_id_fkey;
ALTER TABLE children ADD CONSTRAINT children_other_id_fkey CHECK (trap()) NOT VALID;
ALTER TABLE parents ALTER n DROP DEFAULT, ALTER n TYPE kind USING '1';
ALTER TABLE notes DROP CONSTRAINT notes_about_check;
ALTER TABLE notes ADD CONSTRAINT notes_about_check CHECK (trap()) NOT VALID;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON notes FOR EACH ROW EXECUTE FUNCTION trap_trigger();
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON children FOR EACH ROW EXECUTE FUNCTION trap_trigger();
RESET ROLE;
UPDATE relations.relation SET constraint_name = 'children_other_id_fkey', enforce = true WHERE relation = 'other';
UPDATE relations.morph_type SET check_name = 'notes_about_check';

-- A superuser checks, and runs what check returns
SELECT model, relation, problem, detail, statement FROM relations.check('trust_check');
SELECT statement FROM relations.check('trust_check') \gexec
SELECT model, relation, problem, outcome FROM relations.repair('trust_check');
\d children

-- The owner gets the statements, and repairs
SET ROLE regress_trust_other;
SELECT model, relation, problem, statement FROM relations.check('trust_check');
SELECT model, relation, problem, outcome FROM relations.repair('trust_check');
RESET ROLE;

-- A deferred trigger would fire at the end of the transaction: recount is left
SET ROLE regress_trust_other;
ALTER TABLE parents ALTER n TYPE bigint USING 7;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON parents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap_trigger();
RESET ROLE;
SELECT relation, problem, outcome FROM relations.repair('trust_check') WHERE problem = 'counter_drift';
SELECT statement FROM relations.check('trust_check') WHERE problem = 'counter_drift' \gexec
SELECT relations.recount('counted', 'parent');
SET ROLE regress_trust_other;
SELECT relation, problem, outcome FROM relations.repair('trust_check') WHERE problem = 'counter_drift';
RESET ROLE;

-- A table in a schema of another role, who can put a table of his in its place
SET ROLE regress_trust_shop;
CREATE TABLE ours (id int PRIMARY KEY, up int);
SELECT relation FROM relations.belongs_to('ours', 'above', 'ours', foreign_key => 'up', enforce => false);
INSERT INTO ours VALUES (1, 2);
SELECT problem, detail, statement FROM relations.check('trust_check') WHERE relation = 'above';
RESET ROLE;
-- A type of another role: a domain, to which its owner can add a check
CREATE SCHEMA trust_shop AUTHORIZATION regress_trust_shop;
SET ROLE regress_trust_other;
CREATE DOMAIN trust_check.digits AS text;
CREATE TABLE trust_check.codes (code digits PRIMARY KEY);
GRANT SELECT, REFERENCES ON trust_check.codes TO regress_trust_shop;
SET ROLE regress_trust_shop;
CREATE TABLE trust_shop.coded (id int PRIMARY KEY, code varchar);
SELECT relation FROM relations.belongs_to('trust_shop.coded', 'of', 'trust_check.codes', foreign_key => 'code');
ALTER TABLE trust_shop.coded DROP CONSTRAINT coded_code_fkey, ALTER code TYPE int USING NULL;
SELECT problem, detail, statement FROM relations.check('trust_shop') WHERE problem = 'key_types';
RESET ROLE;

-- What a view of a role that the caller trusts is made of is looked at, too
CREATE VIEW trust_shop.trapped AS SELECT id, CASE WHEN trust_check.trap() THEN id END AS up FROM trust_check.ours;
CREATE VIEW trust_shop.shown AS SELECT * FROM trust_shop.trapped;
ALTER SCHEMA trust_shop OWNER TO CURRENT_USER;
SELECT primary_key FROM relations.model('trust_shop.shown', primary_key => 'id');
SELECT relation FROM relations.belongs_to('trust_shop.shown', 'above', 'trust_shop.shown', foreign_key => 'up', local_key => 'id', enforce => false);
SELECT relation, problem, detail FROM relations.check('trust_shop') WHERE relation = 'above';

-- A foreign table of another role: its server would be used as the caller
CREATE FOREIGN DATA WRAPPER trust_wrapper;
CREATE SERVER trust_server FOREIGN DATA WRAPPER trust_wrapper;
GRANT USAGE ON FOREIGN SERVER trust_server TO regress_trust_other;
SET ROLE regress_trust_other;
CREATE FOREIGN TABLE far (id int NOT NULL, up int) SERVER trust_server;
CREATE TABLE split (id int, up int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE split_far PARTITION OF split DEFAULT SERVER trust_server;
SELECT relation FROM relations.belongs_to('far', 'above', 'far', foreign_key => 'up', local_key => 'id', enforce => false);
SELECT relation FROM relations.belongs_to('split', 'above', 'split', foreign_key => 'up', local_key => 'id', enforce => false);
RESET ROLE;
SELECT model, problem, detail FROM relations.check('trust_check') WHERE model IN ('far'::regclass, 'split'::regclass) AND problem = 'not_checked';
CREATE VIEW near AS SELECT * FROM far;
ALTER SCHEMA trust_check OWNER TO CURRENT_USER;
SELECT relation FROM relations.belongs_to('near', 'above', 'near', foreign_key => 'up', local_key => 'id', enforce => false);
SELECT model, problem, detail FROM relations.check('trust_check') WHERE model = 'near'::regclass AND problem = 'not_checked';
ALTER SCHEMA trust_check OWNER TO regress_trust_other;

-- What belongs to a graph view that is created again is the owner's, too
SET ROLE regress_trust_other;
CREATE FUNCTION trap_value(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	IF current_user <> 'regress_trust_other' THEN RAISE WARNING 'code of another role runs as %', current_user; END IF;
	RETURN true;
END $$;
CREATE DOMAIN checked AS int CHECK (trust_check.trap_value(VALUE));
CREATE TABLE shown (id int PRIMARY KEY, codes checked[], gone int);
SELECT relations.create_view('trust_check.shown_graph', 'shown');
ALTER VIEW shown_graph ALTER codes SET DEFAULT '{5}';
CREATE RULE seven AS ON INSERT TO shown_graph WHERE NEW.codes = '{7}' DO ALSO NOTHING;
SELECT hidden FROM relations.model('shown', hidden => 'gone');
RESET ROLE;
SELECT statement FROM relations.check('trust_check') WHERE problem = 'view_outdated' \gexec
SELECT column_default FROM information_schema.columns WHERE table_schema = 'trust_check' AND table_name = 'shown_graph' AND column_name = 'codes';

-- A relation that cannot be looked at does not hide the others
SET ROLE regress_trust_other;
DROP CAST (kind AS int);
CREATE CAST (kind AS int) WITH FUNCTION kind_to_int(kind) AS IMPLICIT;
CREATE TABLE ambiguous (id kind PRIMARY KEY, up kind);
SELECT relation FROM relations.belongs_to('ambiguous', 'above', 'ambiguous', foreign_key => 'up', enforce => false);
RESET ROLE;
SELECT relation, problem, detail, statement FROM relations.check('trust_check') WHERE model = 'ambiguous'::regclass;

DROP SCHEMA trust_check, trust_shop CASCADE;
DROP FOREIGN DATA WRAPPER trust_wrapper CASCADE;
DROP ROLE regress_trust_other, regress_trust_shop;
