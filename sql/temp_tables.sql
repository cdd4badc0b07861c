--
-- What is declared of temporary tables leaves the catalog with them
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA temp_tables;
SET search_path = temp_tables;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE notes (id int PRIMARY KEY, user_id int, about_type text, about_id int);
-- rows that mention a table which does not exist
CREATE VIEW leftovers AS
SELECT t.name, count(*) FROM (
	SELECT 'relation' AS name, unnest(ARRAY[model, related, through, pivot_table]) AS relid FROM relations.relation UNION ALL
	SELECT 'morph_type', unnest(ARRAY[model, related]) FROM relations.morph_type UNION ALL
	SELECT 'model', model FROM relations.model UNION ALL
	SELECT 'graph_view', unnest(ARRAY[view, model]) FROM relations.graph_view UNION ALL
	SELECT 'factory', model FROM relations.factory UNION ALL
	SELECT 'factory_state', model FROM relations.factory_state) t
WHERE t.relid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.relid)
GROUP BY t.name ORDER BY t.name;
CREATE FUNCTION declare_all() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE people (id int PRIMARY KEY, name text);
	CREATE TEMP TABLE pets (id int PRIMARY KEY, person_id int, about_type text, about_id int);
	CREATE TEMP TABLE tags (id int PRIMARY KEY);
	PERFORM relations.has_many('people', 'pets', 'pets');
	PERFORM relations.many_to_many('people', 'tags', 'tags');
	PERFORM relations.morph_to('pets', 'about', '["people", "tags"]');
	PERFORM relations.morph_many('people', 'notes', 'pets', 'about');
	PERFORM relations.model('people', hidden => 'name');
	PERFORM relations.define_factory('people', '{"name": "x"}');
	PERFORM relations.define_state('people', 'unnamed', '{"name": null}');
	PERFORM relations.create_view('pg_temp.people_graph', 'people', 'pets');
END $$;
SELECT declare_all();
\c -
SET client_min_messages = warning;
SET search_path = temp_tables;
-- the server drops the tables while the next session may begin already
DO $$ BEGIN FOR i IN 1..1000 LOOP EXIT WHEN (SELECT count(*) FROM leftovers) >= 6; PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT * FROM leftovers;
-- the next declaration of whatever kind
SELECT kind FROM relations.has_many('users', 'notes', 'notes');
SELECT * FROM leftovers;
-- in one session: DISCARD, and ON COMMIT DROP
SELECT declare_all();
DISCARD TEMP;
SELECT count(*) > 0 AS some FROM leftovers;
SELECT definition FROM relations.define_factory('users', '{"name": "x"}');
SELECT * FROM leftovers;
BEGIN;
CREATE TEMP TABLE passing (id int PRIMARY KEY) ON COMMIT DROP;
SELECT definition FROM relations.define_factory('passing', '{"id": 1}');
COMMIT;
SELECT * FROM leftovers;
SELECT state FROM relations.define_state('users', 'unnamed', '{"name": null}');
SELECT * FROM leftovers;
SELECT declare_all();
DISCARD TEMP;
SELECT hidden FROM relations.model('users', hidden => 'name');
SELECT * FROM leftovers;
SELECT declare_all();
DISCARD TEMP;
SELECT relations.create_view('users_graph', 'users', 'notes');
SELECT * FROM leftovers;
SELECT declare_all();
DISCARD TEMP;
-- the next command that the catalog follows
ALTER TABLE notes RENAME user_id TO writer_id;
SELECT * FROM leftovers;
SELECT problem, detail FROM relations.check('temp_tables') WHERE problem = 'missing_table';
-- a snapshot of the whole transaction
SELECT declare_all();
DISCARD TEMP;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kind FROM relations.belongs_to('notes', 'writer', 'users');
COMMIT;
SELECT * FROM leftovers;
-- constraints of a temporary table are followed as those of any other
CREATE TEMP TABLE boxes (id int PRIMARY KEY, box_id int);
SELECT kind, enforce FROM relations.belongs_to('boxes', 'box', 'boxes');
ALTER TABLE boxes DROP CONSTRAINT boxes_box_id_fkey;
SELECT enforce, constraint_name FROM relations.relation WHERE model = 'boxes'::regclass;
DROP SCHEMA temp_tables CASCADE;
