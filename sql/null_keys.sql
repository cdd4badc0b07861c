--
-- Keys that relations.model() names: a null is an error, and so are two rows
-- with the same key.  Never is another row changed than the one that was named.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA null_keys;
SET search_path = null_keys;

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
-- and only its first line, of several statements
CREATE FUNCTION messages(VARIADIC statements text[]) RETURNS TABLE (statement text, message text) LANGUAGE sql
	AS $$ SELECT s, split_part(refused(s), E'\n', 1) FROM unnest(statements) s $$;

--
-- model() demands of a table that the key is NOT NULL and unique
--
CREATE TABLE codes (a int, b int NOT NULL, c int NOT NULL, note text);
SELECT refused($$SELECT relations.model('codes', primary_key => 'a')$$);
SELECT refused($$SELECT relations.model('codes', primary_key => 'b, c')$$);
-- these indexes prove nothing
CREATE UNIQUE INDEX partly ON codes (b, c) WHERE note IS NULL;
CREATE UNIQUE INDEX expression ON codes (b, abs(c));
CREATE UNIQUE INDEX longer ON codes (b, c, note);
ALTER TABLE codes ADD CONSTRAINT later UNIQUE (b, c) DEFERRABLE;
SELECT * FROM messages($$SELECT relations.model('codes', primary_key => 'b, c')$$);
-- this one does, also of more columns
CREATE UNIQUE INDEX proof ON codes (c) INCLUDE (note);
SELECT primary_key FROM relations.model('codes', primary_key => 'c');
SELECT primary_key FROM relations.model('codes', primary_key => 'b, c');
SELECT * FROM messages($$SELECT relations.model('codes', primary_key => 'b')$$);

-- what cannot prove it is accepted: views, parents of other tables, partitioned tables
CREATE TABLE parts (id int NOT NULL, at int NOT NULL, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT primary_key FROM relations.model('parts', primary_key => 'id');
CREATE TABLE animals (id int PRIMARY KEY, name text);
CREATE TABLE birds (PRIMARY KEY (id)) INHERITS (animals);
SELECT primary_key FROM relations.model('animals', primary_key => 'id');
-- but not what cannot be compared
CREATE VIEW documents AS SELECT '{"a": 1}'::json AS document, 1 AS no;
SELECT * FROM messages($$SELECT relations.model('documents', primary_key => 'no, document')$$);

CREATE TABLE stored (no int, code text, p_id int, note text);
CREATE VIEW items AS SELECT * FROM stored;
SELECT primary_key FROM relations.model('items', primary_key => 'code');
CREATE TABLE p (id int PRIMARY KEY, name text);
SELECT kind FROM relations.has_many('p', 'items', 'items', foreign_key => 'p_id', local_key => 'id', enforce => false);
SELECT kind FROM relations.belongs_to('items', 'p', 'p', foreign_key => 'p_id', local_key => 'id', enforce => false);
INSERT INTO p VALUES (1, 'one'), (2, 'two');
INSERT INTO stored VALUES (5, NULL, 1, 'null'), (9, '', 1, 'empty'), (1, 'a', 1, 'first'), (2, 'b', 1, 'twice'), (3, 'b', 1, 'twice'), (4, 'c', 2, 'other');

--
-- A row whose key is null
--
SELECT refused($$SELECT relations.update('p', 1, '{"items": {"$update": {"where": {"no": 5}, "data": {"note": "changed"}}}}')$$);
SELECT * FROM messages(
	$$SELECT relations.update('p', 1, '{"items": {"$upsert": {"where": {"no": 5}, "create": {"no": 6}, "update": {"note": "changed"}}}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$disconnect": {"no": 5}}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$delete": {"no": 5}}}')$$,
	$$SELECT relations.update('p', 2, '{"items": {"$connect": {"no": 5}}}')$$,
	$$SELECT relations.update('p', 2, '{"items": {"$set": [{"$connect": {"no": 5}}]}}')$$,
	$$SELECT relations.update('p', 2, '{"items": {"$connect_or_create": {"where": {"no": 5}, "create": {"no": 6}}}}')$$,
	$$SELECT relations.create('p', '{"id": 3, "items": {"$connect": {"no": 5}}}')$$,
	$$SELECT relations.first_or_create_related('p', '1', 'items', '{"no": 5}')$$,
	$$SELECT relations.update_or_create_related('p', '1', 'items', '{"no": 5}', '{"note": "changed"}')$$,
	$$SELECT relations.first_or_create_many_related('p', '1', 'items', 'no', '[{"no": 5}]')$$);
-- named by the key itself, it is not found
SELECT relations.find('items', NULL), relations.find('items', 'd');
SELECT * FROM messages($$SELECT relations.update('items', NULL, '{"note": "changed"}')$$);
-- what needs no key goes on
SELECT relations.update_related('p', '1', 'items', '{"no": 5}', '{"note": "null"}');
SELECT jsonb_path_query_array(relations.find('p', '1', 'items'), '$.items[*] ? (@.code == null).no') AS null_codes;

--
-- Pages and recursion know rows by their key
--
SELECT * FROM messages($$SELECT relations.query('items', '{"order": ["no"], "cursor": true}')$$);
SELECT count(*) FROM relations.query('items', '{"order": ["no"]}');
CREATE TABLE stored_tree (code text, parent text);
CREATE VIEW tree AS SELECT * FROM stored_tree;
SELECT primary_key FROM relations.model('tree', primary_key => 'code');
SELECT kind FROM relations.has_many('tree', 'children', 'tree', foreign_key => 'parent', local_key => 'code', enforce => false);
INSERT INTO stored_tree VALUES ('root', NULL), ('leaf', 'root');
SELECT relations.find('tree', 'root', 'children') -> 'children' AS children;
SELECT relations.query('tree', '{"where": {"code": "root"}, "preload": {"children": {"recursive": true}}}');
INSERT INTO stored_tree VALUES (NULL, 'root'), (NULL, 'leaf');
SELECT * FROM messages($$SELECT relations.query('tree', '{"where": {"code": "root"}, "preload": {"children": {"recursive": true}}}')$$);

--
-- Two rows with one key
--
SELECT refused($$SELECT relations.update('items', 'b', '{"note": "changed"}')$$);
SELECT refused($$SELECT relations.find('items', 'b')$$);
SELECT * FROM messages(
	$$SELECT relations.find('items', 'b', 'p')$$,
	$$SELECT relations.find_json('items', 'b')$$,
	$$SELECT relations.query_related('items', 'b', 'p')$$,
	$$SELECT relations.delete('items', 'b')$$,
	$$SELECT relations.create_related('items', 'b', 'p', '{"id": 9}')$$,
	$$SELECT relations.associate('items', 'b', 'p', '2')$$,
	$$SELECT relations.dissociate('items', 'b', 'p')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$update": {"where": "b", "data": {"note": "changed"}}}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$update": {"where": {"no": 2}, "data": {"note": "changed"}}}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$disconnect": "b"}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$delete": "b"}}')$$,
	$$SELECT relations.update('p', 2, '{"items": {"$connect": "b"}}')$$,
	$$SELECT relations.update('p', 1, '{"items": {"$set": ["b"]}}')$$,
	$$SELECT relations.update('p', 2, '{"items": {"$connect_or_create": {"where": "b", "create": {"no": 6}}}}')$$,
	$$SELECT relations.update_or_create_related('p', '1', 'items', '{"no": 3}', '{"note": "changed"}')$$,
	$$SELECT relations.create('p', '{"id": 3, "items": {"$connect": "b"}}')$$);
-- of many rows at once, too
SELECT * FROM messages($$SELECT relations.create_many('items', (SELECT jsonb_agg(jsonb_build_object('no', 100 + g, 'code', 'x' || g, 'p', '{"$connect": 1}'::jsonb)) FROM generate_series(1, 20) g))$$,
	$$SELECT relations.update('p', 2, jsonb_build_object('items', jsonb_build_object('$connect', (SELECT jsonb_agg('x' || g) || '["b"]' FROM generate_series(1, 20) g))))$$);

-- in tables that do not make it unique: partitions, children, a constraint that is checked later
INSERT INTO parts VALUES (1, 1, 'one'), (1, 11, 'other'), (2, 2, 'two');
INSERT INTO animals VALUES (1, 'dog'), (2, 'cat');
INSERT INTO birds VALUES (1, 'owl');
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, note text);
SELECT * FROM messages(
	$$SELECT relations.update('parts', '1', '{"note": "changed"}')$$, $$SELECT relations.update('parts', '2', '{"note": "changed"}')$$,
	$$SELECT relations.delete('parts', '1')$$, $$SELECT relations.find('parts', '1')$$,
	$$SELECT relations.update('animals', '1', '{"name": "changed"}')$$, $$SELECT relations.update('animals', '2', '{"name": "changed"}')$$,
	$$INSERT INTO deferred VALUES (1), (1); SELECT relations.update('deferred', '1', '{"note": "changed"}')$$);

--
-- Through a pivot
--
CREATE TABLE stored_tags (no int, name text);
CREATE VIEW tags AS SELECT * FROM stored_tags;
CREATE TABLE p_tags (p_id int NOT NULL, tag int NOT NULL, level text);
SELECT primary_key FROM relations.model('tags', primary_key => 'name');
SELECT kind FROM relations.many_to_many('p', 'tags', 'tags', pivot_table => 'p_tags', related_key => 'no', pivot_foreign_key => 'p_id',
	pivot_related_foreign_key => 'tag', pivot_columns => 'level', enforce => false);
INSERT INTO stored_tags VALUES (1, 'a'), (2, 'b'), (3, 'b'), (4, NULL);
INSERT INTO p_tags VALUES (1, 1, 'x'), (1, 2, 'x'), (1, 3, 'x'), (2, 1, 'x'), (2, 4, 'x');
SELECT * FROM messages(
	$$SELECT relations.attach('p', '2', 'tags', '["b"]')$$,
	$$SELECT relations.detach('p', '1', 'tags', '["b"]')$$,
	$$SELECT relations.detach('p', '1', 'tags', '["a"]')$$,
	$$SELECT relations.detach('p', '2', 'tags', '[{"no": 4}]')$$,
	$$SELECT relations.sync('p', '2', 'tags', '["a"]')$$,
	$$SELECT relations.update('p', 1, '{"tags": {"$update": {"where": "b", "data": {"pivot": {"level": "changed"}}}}}')$$,
	$$SELECT relations.update('p', 1, '{"tags": {"$disconnect": "b"}}')$$,
	$$SELECT relations.update('p', 1, '{"tags": {"$delete": "b"}}')$$,
	$$SELECT relations.update('p', 1, '{"tags": {"$set": ["b"]}}')$$,
	$$SELECT relations.update('p', 1, '{"tags": {"$connect": {"no": 4}}}')$$);
SELECT * FROM p_tags ORDER BY p_id, tag;
-- a row of a pivot that leads nowhere is no row that is attached
CREATE TABLE words (word text PRIMARY KEY);
CREATE TABLE p_words (p_id int REFERENCES p, word text REFERENCES words);
SELECT kind FROM relations.many_to_many('p', 'words', 'words', pivot_table => 'p_words');
INSERT INTO words VALUES ('one'), ('two');
INSERT INTO p_words VALUES (1, NULL), (1, 'one');
SELECT relations.sync('p', '1', 'words', '["two"]');
SELECT * FROM p_words ORDER BY word;

--
-- Graph views
--
CREATE TABLE names (name text UNIQUE NOT NULL, note text);
CREATE TABLE children (id int PRIMARY KEY, name text REFERENCES names (name) ON UPDATE SET NULL);
SELECT primary_key FROM relations.model('names', primary_key => 'name');
SELECT kind FROM relations.has_many('names', 'children', 'children', foreign_key => 'name', local_key => 'name');
SELECT relations.create_view('names_graph', 'names', 'children');
INSERT INTO names VALUES ('a', 'x');
INSERT INTO children VALUES (1, 'a');
-- the table has changed since model() looked at it
ALTER TABLE names ALTER name DROP NOT NULL;
SELECT * FROM messages($$UPDATE names_graph SET name = NULL RETURNING *$$);
INSERT INTO names VALUES (NULL, 'y');
SELECT * FROM messages($$UPDATE names_graph SET note = 'changed' WHERE name IS NULL$$, $$DELETE FROM names_graph WHERE note = 'y'$$,
	$$UPDATE names_graph SET note = 'changed' WHERE name = 'a'$$);
ALTER TABLE children DROP CONSTRAINT children_name_fkey;
ALTER TABLE names DROP CONSTRAINT names_name_key;
INSERT INTO names VALUES ('b', 'y'), ('b', 'z');
SELECT * FROM messages($$UPDATE names_graph SET note = 'changed' WHERE note = 'z'$$, $$DELETE FROM names_graph WHERE note = 'z'$$);
SELECT * FROM names ORDER BY name, note;

-- nothing was changed
SELECT * FROM stored WHERE no < 10 ORDER BY no, note;
SELECT * FROM parts ORDER BY id, at;
SELECT * FROM animals ORDER BY id, name;

SET client_min_messages = warning;
DROP SCHEMA null_keys CASCADE;
