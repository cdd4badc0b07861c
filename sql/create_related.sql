--
-- Creating rows through a relation: values by the column's type, keys from
-- the rows as stored
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA made;
SET search_path = made;
CREATE TYPE size AS ENUM ('s', 'm');
CREATE TYPE point3 AS (x int, y int, z int);
CREATE TABLE owners (id uuid PRIMARY KEY DEFAULT '00000000-0000-0000-0000-000000000001', code varchar(5) UNIQUE, secret text);
CREATE TABLE things (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner_id uuid, owner_code text,
	n numeric(6,2) DEFAULT 1.5, twice numeric GENERATED ALWAYS AS (n * 2) STORED,
	s size, tags text[], grid int[], p point3, ps point3[], j json, jb jsonb, at timestamptz, r int4range, ok boolean, t text, "Odd ""name" date);
SET timezone = 'UTC';
SELECT kind FROM relations.has_many('owners', 'things', 'things');
SELECT kind FROM relations.has_many('owners', 'coded', 'things', foreign_key => 'owner_code', local_key => 'code', enforce => false);
SELECT kind FROM relations.belongs_to('things', 'owner', 'owners');
-- a parent for a child that has none: its key is the default's, and hidden
SELECT hidden FROM relations.model('owners', hidden => 'id');
INSERT INTO things DEFAULT VALUES;
SELECT relations.create_related('things', 1, 'owner', '{"code": "abc"}');
SELECT id, owner_id FROM things;
-- every kind of value; what is left out takes its default
SELECT jsonb_pretty(relations.create_related('owners', '00000000-0000-0000-0000-000000000001'::uuid, 'things', '{
	"n": 3.14159, "s": "m", "tags": ["a", null, "b c"], "grid": [[1, 2], [3, 4]], "p": {"x": 1, "z": 3},
	"ps": [{"x": 1}, {"y": 2}], "j": {"b": 1, "a": [1, "2"]}, "jb": "text", "at": "2024-02-29T12:00:00+02:00",
	"r": "[1,5)", "ok": true, "t": "{\"an\": \"object\"}", "Odd \"name": "2024-01-01"}'));
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '{}') - '{id}'::text[];
-- the other key of the same owner, of another type
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'coded', '{"n": null}') -> 'owner_code' AS code;
-- the key itself may be said, when it is the same
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'coded', '{"owner_code": "abc"}') -> 'owner_code' AS code;
-- errors say where in the document they arose
SELECT relations.create_many_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '[{"n": 1}, {"n": 12345}]');
SELECT relations.create_many_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '[{"s": "xl"}]');
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '{"twice": 1}');
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '{"id": 7}');
SELECT relations.create_related('owners', 'no uuid', 'things', '{}');
-- an owner whose key is null can have no rows
UPDATE owners SET code = NULL;
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'coded', '{}');
-- triggers: what they store is what is returned, what they suppress is an error
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.t = 'skip' THEN RETURN NULL; END IF; NEW.t := 'changed'; RETURN NEW; END $$;
CREATE TRIGGER change BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION change();
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '{}') -> 't' AS t;
SELECT relations.create_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '{"t": "skip"}');
-- one call is all or nothing
SELECT count(*) FROM things;
SELECT relations.create_many_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '[{}, {"t": "skip"}]');
SELECT count(*) FROM things;
SELECT count(*) FROM relations.create_many_related('owners', '00000000-0000-0000-0000-000000000001', 'things', '[]');
-- composite keys
CREATE TABLE orders (region text, no int, PRIMARY KEY (region, no));
CREATE TABLE lines (id int PRIMARY KEY, region text, order_no bigint, what text);
INSERT INTO orders VALUES ('eu', 1), ('it''s, "odd"', 2);
SELECT kind FROM relations.has_many('orders', 'lines', 'lines', foreign_key => 'region, order_no');
SELECT relations.create_related('orders', '("it''s, ""odd""",2)', 'lines', '{"id": 1, "what": "x"}');
SELECT relations.create_related('orders', '(eu,9)', 'lines', '{"id": 2}');
SELECT relations.create_related('orders', '(eu,)', 'lines', '{"id": 2}');
SELECT relations.create_related('orders', 'eu', 'lines', '{"id": 2}');
-- with the caller's rights
CREATE ROLE regress_relations_writer;
GRANT USAGE ON SCHEMA made TO regress_relations_writer;
GRANT SELECT ON orders TO regress_relations_writer;
GRANT INSERT (id, region, order_no), SELECT (id) ON lines TO regress_relations_writer;
SET ROLE regress_relations_writer;
SELECT relations.create_related('orders', '(eu,1)', 'lines', '{"id": 3}');
SELECT relations.create_related('orders', '(eu,1)', 'lines', '{"id": 4, "what": "x"}');
RESET ROLE;
DROP OWNED BY regress_relations_writer;
DROP ROLE regress_relations_writer;
SELECT count(relations.drop_relation(model, relation)) FROM relations.relation
WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'made'::regnamespace);
DROP SCHEMA made CASCADE;
