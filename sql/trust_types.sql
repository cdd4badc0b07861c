--
-- Types of another role: the checks of its domains and its casts never run with
-- the privileges of who reads, declares, or refers to a row
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
\set VERBOSITY terse
CREATE ROLE regress_trust_other;
CREATE ROLE regress_trust_reader;
CREATE SCHEMA trust_types AUTHORIZATION regress_trust_other;
CREATE SCHEMA trust_reader AUTHORIZATION regress_trust_reader;
GRANT USAGE ON SCHEMA trust_types, trust_reader TO PUBLIC;
SET search_path = trust_types;

-- The code: it raises a warning if anybody but its owner runs it
SET ROLE regress_trust_other;
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	IF current_user <> 'regress_trust_other' THEN RAISE WARNING 'code of another role runs as %', current_user; END IF;
	RETURN true;
END $$;
-- PostgreSQL calls this one when it plans the check, or the cast
CREATE FUNCTION early_trap() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN trust_types.trap(); END $$;
CREATE DOMAIN d AS int CHECK (trust_types.trap());
CREATE DOMAIN t AS text CHECK (trust_types.early_trap());
CREATE DOMAIN ds AS d[];
CREATE TYPE pair AS (a d, b t);
CREATE TYPE nested AS (p pair, q d[]);
CREATE DOMAIN pair_d AS pair;
CREATE TYPE span AS RANGE (SUBTYPE = d, MULTIRANGE_TYPE_NAME = spans);
CREATE TYPE e AS ENUM ('x', 'y');
CREATE FUNCTION e_text(e) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM trust_types.trap(); RETURN 'cast'; END $$;
CREATE FUNCTION text_e(text) RETURNS e LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trust_types.trap(); RETURN 'x'; END $$;
CREATE FUNCTION e_json(e) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM trust_types.trap(); RETURN '{"e": [1]}'; END $$;
CREATE FUNCTION e_bigint(e) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM trust_types.trap(); RETURN 7; END $$;
CREATE FUNCTION e_jsonb(e) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM trust_types.trap(); RETURN '[]'; END $$;
CREATE CAST (e AS text) WITH FUNCTION e_text(e);
CREATE CAST (text AS e) WITH FUNCTION text_e(text);
CREATE CAST (e AS json) WITH FUNCTION e_json(e);
CREATE CAST (e AS bigint) WITH FUNCTION e_bigint(e) AS IMPLICIT;
CREATE CAST (e AS jsonb) WITH FUNCTION e_jsonb(e) AS IMPLICIT;
CREATE TYPE holder AS (e e, es e[], n int, j jsonb);

-- The tables
CREATE TABLE parents (id int PRIMARY KEY, codes d[] UNIQUE, slug d UNIQUE);
CREATE TABLE children (id int PRIMARY KEY, parent_id int REFERENCES parents, a d[], s ds, p pair, pd pair_d, n nested, ps pair[], r span, rs spans,
	e e, es e[], h holder, hs holder[]);
CREATE INDEX ON children (parent_id);
INSERT INTO parents VALUES (1, '{1}', 1);
INSERT INTO children VALUES (1, 1, '{5}', '{5}', '(5,x)', '(5,x)', '("(5,x)",{5})', '{"(5,x)"}', '[1,5)', '{[1,5)}', 'x', '{x,NULL,y}', '(x,"{{x,y},{y,x}}",,"[1, {""a"": 2}]")', ARRAY['(y,{},3,)'::holder]);
GRANT SELECT, REFERENCES ON parents, children TO regress_trust_reader;
RESET ROLE;

--
-- Values of a scope, and of a query: of each kind of type
--
CREATE TABLE trust_reader.conditions (condition jsonb);
INSERT INTO trust_reader.conditions VALUES ('{"a": {"eq": [5]}}'), ('{"a": "{5}"}'), ('{"p": {"in": ["(5,x)", {"a": 6}]}}'), ('{"a": {"between": [[5], [6]]}}'), ('{"a": {"contains": [5]}}'), ('{"s": {"eq": [5]}}'),
	('{"p": {"eq": {"a": 5, "b": "x"}}}'), ('{"p": "(5,x)"}'), ('{"pd": "(5,x)"}'), ('{"n": {"eq": {"p": {"a": 5, "b": "x"}, "q": [5]}}}'), ('{"ps": {"contains": [{"a": 5, "b": "x"}]}}'),
	('{"r": "[1,5)"}'), ('{"r": {"overlaps": "[3,9)"}}'), ('{"rs": "{[1,5)}"}');
GRANT SELECT ON trust_reader.conditions TO PUBLIC;
SET ROLE regress_trust_other;
SELECT count(*) FROM trust_reader.conditions, LATERAL relations.has_many('parents', ('scope' || md5(condition::text))::name, 'children', scope => jsonb_build_object('where', condition)) r;
RESET ROLE;
SELECT relation, problem, detail FROM relations.check('trust_types') WHERE problem <> 'not_checked';
SELECT condition, jsonb_array_length(relations.find('parents', 1, r.relation) -> r.relation::text) AS found
	FROM trust_reader.conditions, LATERAL (SELECT 'scope' || md5(condition::text)) r (relation);
SELECT condition, d -> 'id' AS found FROM trust_reader.conditions, LATERAL relations.query('children', jsonb_build_object('where', condition, 'select', '["id"]'::jsonb)) d;
SELECT count(*) FROM trust_reader.conditions, LATERAL relations.explain('children', jsonb_build_object('where', condition)) x;
-- a reader who declares relations to these tables
SET ROLE regress_trust_reader;
CREATE TABLE trust_reader.own (id int PRIMARY KEY, child_id int REFERENCES children);
INSERT INTO trust_reader.own VALUES (1, 1);
SELECT count(*) FROM trust_reader.conditions, LATERAL relations.belongs_to('trust_reader.own', ('scope' || md5(condition::text))::name, 'children', foreign_key => 'child_id', scope => jsonb_build_object('where', condition)) r;
SELECT count(*) FROM relations.check('trust_reader');
SELECT count(*) FROM relations.repair('trust_reader');
RESET ROLE;
SELECT count(*) FROM relations.check('trust_reader');

-- Cursors and keys
SELECT relations.query('children', '{"select": ["id"], "order": ["a", "p"], "limit": 1, "cursor": true}') ->> 'cursor' AS cursor \gset
SELECT count(*) FROM relations.query('children', jsonb_build_object('order', '["a", "p"]'::jsonb, 'after', :'cursor'));
SET ROLE regress_trust_other;
CREATE TABLE keyed (k d[] PRIMARY KEY);
CREATE TABLE keyed_twice (k d[], p pair, PRIMARY KEY (k, p));
INSERT INTO keyed VALUES ('{1}');
INSERT INTO keyed_twice VALUES ('{1}', '(1,x)');
RESET ROLE;
SELECT relations.find('keyed', '{1}'), relations.find('keyed_twice', '({1},"(1,x)")');

-- A table of somebody else with such a domain, and with domains of two roles
CREATE TABLE trust_reader.borrowed (id int PRIMARY KEY, a d[]);
GRANT INSERT, SELECT ON trust_reader.borrowed TO regress_trust_other, regress_trust_reader;
SET ROLE regress_trust_other;
INSERT INTO trust_reader.borrowed VALUES (1, '{5}');
SET ROLE regress_trust_reader;
SELECT relations.query('trust_reader.borrowed', '{"where": {"a": [5]}}');
CREATE DOMAIN trust_reader.mine AS int CHECK (VALUE > 0);
CREATE TYPE trust_reader.both AS (a d[], b trust_reader.mine);
CREATE TABLE trust_reader.mixed (id int PRIMARY KEY, up int UNIQUE, x trust_reader.both, y d[], z trust_reader.mine[]);
SELECT count(*) FROM relations.query('trust_reader.mixed', '{"where": {"x": {"eq": {"a": [5], "b": 1}}}}');
RESET ROLE;
SELECT count(*) FROM relations.query('trust_reader.mixed', '{"where": {"x": {"eq": {"a": [5], "b": 1}}}}');
SELECT count(*) FROM relations.query('trust_reader.mixed', '{"where": {"y": [5], "z": [5]}}');
SET ROLE regress_trust_reader;
SELECT relation FROM relations.has_many('trust_reader.mixed', 'same', 'trust_reader.mixed', foreign_key => 'up', enforce => false, scope => '{"where": {"x": {"eq": {"a": [5], "b": 1}}}}');
RESET ROLE;
SELECT problem, detail, statement FROM relations.check('trust_reader') WHERE relation = 'same';

-- Rows that are only referred to
SET ROLE regress_trust_reader;
CREATE TABLE trust_reader.orders (id int PRIMARY KEY, parent_id int REFERENCES parents);
SELECT relation FROM relations.belongs_to('trust_reader.orders', 'parent', 'parents');
SELECT relations.create('trust_reader.orders', '{"id": 1, "parent": {"$connect": {"codes": [1]}}}');
SELECT relations.create('trust_reader.orders', '{"id": 2, "parent": {"$connect": {"slug": 1}}}');
SELECT relations.create('trust_reader.orders', '{"id": 3, "parent": {"$connect": {"codes": "{1}"}}}');
RESET ROLE;

--
-- Casts: to text in conditions, to anything else by operators and aggregates
--
SET ROLE regress_trust_other;
SELECT relation FROM relations.has_many('parents', 'alike', 'children', scope => '{"where": {"e": {"like": "x%"}, "h": {"regex": "x"}}}');
RESET ROLE;
SELECT relations.find('parents', 1, 'alike') -> 'alike' -> 0 -> 'id' AS found;
SELECT condition, (SELECT count(*) FROM relations.query('children', jsonb_build_object('where', jsonb_build_object('e', jsonb_build_object(operator, condition))))) AS found
	FROM (VALUES ('like', 'x'), ('ilike', 'X%'), ('regex', '^.$'), ('starts_with', 'x'), ('like', 'cast')) c (operator, condition);
SELECT relations.query('children', '{"where": {"e": {"contains": "x"}}}');
SELECT relations.query('children', '{"where": {"es": {"contains": ["x", "y"]}}, "select": ["id"]}');
SET ROLE regress_trust_other;
SELECT relation FROM relations.has_many('parents', 'children', 'children');
RESET ROLE;
SELECT relations.query('parents', '{"select": ["id"], "aggregate": {"n": {"relation": "children", "sum": "e"}}}');
SELECT relations.query('parents', '{"select": ["id"], "aggregate": {"n": {"relation": "children", "max": "es"}}}');

-- To json, in documents: such casts run as the owner of the type
SELECT relations.query('children', '{"select": ["e", "es", "h", "hs"]}');
SELECT relations.query_json('children', '{"select": ["e", "es", "h", "hs"]}');
SELECT relations.first('parents', 'children') #> '{children,0,e}' AS e;
SET ROLE regress_trust_reader;
SELECT relations.query('children', '{"select": ["e", "es", "h", "hs"]}');
SET ROLE regress_trust_other;
SELECT (to_jsonb(c) - '{id,parent_id,a,s,p,pd,n,ps,r,rs}'::text[]) AS to_jsonb FROM children c;
-- a composite type changes
ALTER TYPE holder ADD ATTRIBUTE more e, DROP ATTRIBUTE es;
RESET ROLE;
SELECT relations.query('children', '{"select": ["h"]}');
SET ROLE regress_trust_other;
-- a type that has none: the document is what to_jsonb gives
DROP CAST (e AS json);
SELECT to_jsonb(c) = relations.find('children', c.id) AS same FROM children c;
RESET ROLE;
SET ROLE regress_trust_reader;
SELECT (to_jsonb(c) = relations.find('children', c.id)) AS same FROM children c;
RESET ROLE;

--
-- Polymorphic references, and columns that are added
--
SET ROLE regress_trust_other;
CREATE TABLE kinds (k e PRIMARY KEY);
CREATE TABLE codes (code d PRIMARY KEY);
INSERT INTO codes VALUES (1);
GRANT SELECT, REFERENCES ON kinds, codes TO regress_trust_reader;
SET ROLE regress_trust_reader;
CREATE TABLE trust_reader.notes (id int PRIMARY KEY, about_type text, about_id text);
SELECT relation FROM relations.morph_to('trust_reader.notes', 'about', '["trust_types.kinds"]');
CREATE TABLE trust_reader.coded (id int PRIMARY KEY);
INSERT INTO trust_reader.coded VALUES (1);
SELECT created_columns FROM relations.belongs_to('trust_reader.coded', 'code', 'codes', add_column => true);
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'trust_reader.coded'::regclass AND attname = 'code_code';
RESET ROLE;

DROP SCHEMA trust_types, trust_reader CASCADE;
DROP ROLE regress_trust_other, regress_trust_reader;
