--
-- A key has at most as many columns as an index, wherever it comes from
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA wide_keys;
SET search_path = wide_keys;

-- c1, c2, ...; (1,2,...) as the text of a key; as the columns of a table
CREATE FUNCTION names(n int, prefix text DEFAULT 'c') RETURNS text LANGUAGE sql
	AS $$ SELECT string_agg(prefix || g, ', ' ORDER BY g) FROM generate_series(1, n) g $$;
CREATE FUNCTION key(n int) RETURNS text LANGUAGE sql
	AS $$ SELECT '(' || string_agg(g::text, ',' ORDER BY g) || ')' FROM generate_series(1, n) g $$;
CREATE FUNCTION columns(n int, prefix text DEFAULT 'c') RETURNS text LANGUAGE sql
	AS $$ SELECT string_agg(prefix || g || ' int', ', ' ORDER BY g) FROM generate_series(1, n) g $$;
-- what an error says
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;

SELECT format('CREATE TABLE wide (%s)', columns(600)) \gexec
SELECT format('INSERT INTO wide VALUES %s', key(600)) \gexec

--
-- model(): a role with nothing but TEMPORARY may call it
--
SELECT n, refused(format('SELECT relations.model(''wide'', primary_key => %L)', names(n))) FROM unnest('{33, 101, 600}'::int[]) n;
SELECT refused(format('SELECT relations.model(''wide'', hidden => %L)', names(2000)));
SELECT count(*) FROM relations.model WHERE model = 'wide'::regclass;

--
-- 32 columns are a key like any other
--
SELECT format('CREATE TABLE parents (%s, note text, PRIMARY KEY (%s))', columns(32), names(32)) \gexec
SELECT format('CREATE TABLE children (id int PRIMARY KEY, %s)', columns(32, 'p')) \gexec
SELECT format('INSERT INTO parents VALUES %s', replace(key(32), ')', ', ''one'')')) \gexec
SELECT cardinality(foreign_key) FROM relations.has_many('parents', 'children', 'children', foreign_key => names(32, 'p'));
SELECT cardinality(local_key) FROM relations.belongs_to('children', 'parent', 'parents', foreign_key => names(32, 'p'));
SELECT relations.update('parents', key(32), '{"note": "two", "children": {"$create": [{"id": 1}, {"id": 2}]}}') ->> 'note' AS note;
SELECT jsonb_array_length(relations.find('parents', key(32), 'children') -> 'children') AS children;
SELECT relations.find('parents', replace(key(32), '32', '33'));
SELECT count(*) FROM relations.query_related('parents', key(32), 'children');
SELECT relations.preload('children', 'parent') #>> '{parent,note}' AS note;
SELECT relations.load(c, 'parent') #>> '{parent,c32}' AS c32 FROM children c ORDER BY id LIMIT 1;
SELECT relations.upsert('parents', relations.find('parents', key(32)) || '{"note": "three"}') ->> 'note' AS note;
SELECT relations.delete('children', '2') ->> 'id' AS deleted;
-- as the key that model() gives to a table without one
SELECT format('CREATE TABLE keyless (%s, note text)', columns(32)) \gexec
SELECT format('INSERT INTO keyless VALUES %s', replace(key(32), ')', ', ''one'')')) \gexec
SELECT format('ALTER TABLE keyless ALTER c%s SET NOT NULL', g) FROM generate_series(1, 32) g \gexec
SELECT format('CREATE UNIQUE INDEX ON keyless (%s)', names(32)) \gexec
SELECT cardinality(primary_key) FROM relations.model('keyless', primary_key => names(32));
SELECT relations.find('keyless', key(32)) ->> 'c32' AS c32;
SELECT relations.update('keyless', key(32), '{"note": "two"}') ->> 'note' AS note;

--
-- Every argument that names a key
--
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE through (id int PRIMARY KEY);
SELECT call, refused(format('SELECT relations.' || call, names(33))) FROM unnest(ARRAY[
	$$has_one('p', 'r', 'wide', foreign_key => %L)$$,
	$$has_one('p', 'r', 'wide', local_key => %L)$$,
	$$has_many('p', 'r', 'wide', foreign_key => %1$L, local_key => %1$L, enforce => false)$$,
	$$belongs_to('wide', 'r', 'p', foreign_key => %L, enforce => false)$$,
	$$belongs_to('wide', 'r', 'p', local_key => %L, enforce => false)$$,
	$$many_to_many('p', 'r', 'wide', local_key => %L)$$,
	$$many_to_many('p', 'r', 'wide', related_key => %L)$$,
	$$many_to_many('p', 'r', 'wide', pivot_table => 'pw', pivot_foreign_key => %L)$$,
	$$many_to_many('p', 'r', 'wide', pivot_table => 'pw', pivot_related_foreign_key => %L)$$,
	$$has_one_through('p', 'r', 'wide', 'through', foreign_key => %L)$$,
	$$has_many_through('p', 'r', 'wide', 'through', local_key => %L)$$,
	$$has_many_through('p', 'r', 'wide', 'through', through_foreign_key => %L)$$,
	$$has_many_through('p', 'r', 'wide', 'through', through_local_key => %L)$$,
	$$morph_to('wide', 'r', '["p"]', id_column => %L)$$,
	$$morph_one('p', 'r', 'wide', 'm', local_key => %L)$$,
	$$morph_many('p', 'r', 'wide', 'm', id_column => %L)$$,
	$$morph_to_many('p', 'r', 'wide', 'm', local_key => %L)$$,
	$$morph_to_many('p', 'r', 'wide', 'm', id_column => %L)$$,
	$$morphed_by_many('p', 'r', 'wide', 'm', related_key => %L)$$,
	$$upsert('p', '{"id": 1}', on_conflict => %L)$$]) call;

--
-- Rows of the catalog that a superuser or a restore wrote
--
CREATE FUNCTION uses(statements text[]) RETURNS TABLE (statement text, refused text) LANGUAGE sql
	AS $$ SELECT s, refused(s) FROM unnest(statements) s $$;
UPDATE relations.model SET primary_key = string_to_array(names(600), ', ')::name[] WHERE model = 'keyless'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.find(''keyless'', key(600))', 'SELECT relations.update(''keyless'', key(600), ''{"note": "x"}'')',
	'SELECT relations.upsert(''keyless'', ''{"note": "x"}'')', 'SELECT relations.delete(''keyless'', key(600))',
	'SELECT relations.query(''keyless'', ''{"order": ["c1"]}'')']);
SELECT cardinality(primary_key) FROM relations.model('keyless', primary_key => names(32));

-- keys of a relation that are too long, that do not pair, or are missing
CREATE TABLE kept AS SELECT * FROM relations.relation WHERE model IN ('parents'::regclass, 'children'::regclass);
UPDATE relations.relation SET constraint_name = NULL, foreign_key = string_to_array(names(200), ', ')::name[],
	local_key = string_to_array(names(200), ', ')::name[] WHERE model = 'parents'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.preload(''parents'', ''children'')', 'SELECT relations.describe(''parents'')',
	'SELECT relations.create_related(''parents'', key(32), ''children'', ''{"id": 9}'')',
	'SELECT relations.query(''parents'', ''{"where": {"children": {"exists": true}}}'')', 'SELECT relations.check(''wide_keys'')']);
UPDATE relations.relation SET foreign_key = '{p1,p2,p3}', local_key = '{c1}' WHERE model = 'parents'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.preload(''parents'', ''children'')']);
UPDATE relations.relation SET foreign_key = NULL, local_key = '{NULL}' WHERE model = 'parents'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.preload(''parents'', ''children'')']);
DELETE FROM relations.relation WHERE model IN ('parents'::regclass, 'children'::regclass);
INSERT INTO relations.relation TABLE kept;
SELECT jsonb_array_length(relations.find('parents', key(32), 'children') -> 'children') AS children;

-- a polymorphic reference
CREATE TABLE notes (id int PRIMARY KEY);
SELECT kind FROM relations.morph_many('p', 'notes', 'notes', 'about', add_column => true);
INSERT INTO p VALUES (1);
SELECT relations.create_related('p', '1', 'notes', '{"id": 1}') ->> 'id' AS id;
UPDATE relations.morph_type SET id_columns = string_to_array(names(40), ', ')::name[] WHERE model = 'notes'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.preload(''p'', ''notes'')', 'SELECT relations.create_related(''p'', ''1'', ''notes'', ''{"id": 2}'')']);
UPDATE relations.morph_type SET id_columns = '{about_id}' WHERE model = 'notes'::regclass;
SELECT relations.preload('p', 'notes') -> 'notes' AS notes;
-- which has lost its types
SELECT kind FROM relations.morph_to('notes', 'about', '["p"]');
CREATE TABLE kept_types AS SELECT * FROM relations.morph_type WHERE model = 'notes'::regclass;
DELETE FROM relations.morph_type WHERE model = 'notes'::regclass;
SELECT * FROM uses(ARRAY['SELECT relations.create_related(''p'', ''1'', ''notes'', ''{"id": 2}'')', 'SELECT relations.preload(''notes'', ''about'')',
	'SELECT relations.update(''notes'', ''1'', ''{"about": {"$disconnect": true}}'')', 'SELECT relations.describe(''notes'')']);
INSERT INTO relations.morph_type TABLE kept_types;
SELECT relations.preload('notes', 'about') #>> '{about,id}' AS about;

--
-- Other texts that grow with the number of columns
--
SELECT format('CREATE TABLE pw (p_id int REFERENCES p, through_id int REFERENCES through, %s, PRIMARY KEY (p_id, through_id))', columns(600)) \gexec
SELECT cardinality(pivot_columns) FROM relations.many_to_many('p', 'throughs', 'through', pivot_table => 'pw', pivot_columns => names(600));
SELECT right(options, 12) AS options, length(options) > 3000 AS complete FROM relations.describe('p') WHERE relation = 'throughs';

SET client_min_messages = warning;
DROP SCHEMA wide_keys CASCADE;
