--
-- Factories: what may run code of the owner of a table, and as whom
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
\set VERBOSITY terse
CREATE ROLE regress_trust_other;
CREATE ROLE regress_trust_reader;
CREATE SCHEMA trust_factory AUTHORIZATION regress_trust_other;
GRANT USAGE ON SCHEMA trust_factory TO regress_trust_reader;
SET search_path = trust_factory;
SET ROLE regress_trust_other;
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	IF current_user <> 'regress_trust_other' THEN RAISE WARNING 'code of another role runs as %', current_user; END IF;
	RETURN true;
END $$;
CREATE FUNCTION early_trap(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trust_factory.trap(); RETURN $1; END $$;
CREATE DOMAIN d AS int CHECK (trust_factory.trap());
CREATE TABLE things (id int PRIMARY KEY, tags d[], size d, level int CHECK (level BETWEEN trust_factory.early_trap(3) AND 5), name text DEFAULT CASE WHEN trust_factory.trap() THEN 'x' END);
CREATE TABLE bounded (id int PRIMARY KEY, level int CHECK (level BETWEEN trust_factory.early_trap(3) AND 5));
CREATE TABLE plain (id int PRIMARY KEY, level int CHECK (level BETWEEN 3 AND 3));
GRANT SELECT ON things, plain TO regress_trust_reader;

-- Checks of domains when a factory is defined
RESET ROLE;
SELECT definition FROM relations.define_factory('things', '{"tags": [1, 2], "size": {"between": [1, 3]}, "name": "n"}');
SELECT definition FROM relations.define_state('things', 'other', '{"tags": {"one_of": [[1], [2]]}, "size": {"sql": "2"}}');
SELECT definition FROM relations.define_state('things', 'text', '{"tags": {"sql": "''{1}''"}}');

-- Who may not insert into the table runs nothing, also when nothing is stored
SET ROLE regress_trust_reader;
SELECT relations.factory_make('things', 1);
SELECT relations.factory_create('things', 1);
SELECT relations.factory_make('plain', 1);
SET ROLE regress_trust_other;
GRANT INSERT (level) ON plain TO regress_trust_reader;
SELECT relations.factory_make('things', 1, '{"seed": 1}') -> 'tags' AS tags;
SET ROLE regress_trust_reader;
SELECT relations.factory_make('plain', 1) -> 'level' AS level;
RESET ROLE;
-- reading the bounds that a constraint sets calls none of its functions
SELECT jsonb_typeof(relations.factory_make('bounded', 1) -> 'level') AS level;

DROP SCHEMA trust_factory CASCADE;
DROP ROLE regress_trust_other, regress_trust_reader;
