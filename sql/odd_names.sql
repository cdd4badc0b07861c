--
-- Names and keys that are seldom met: columns whose names are words of a query,
-- keys that are names, oids or characters, integers written as 1.0, and names
-- of pivot tables that do not fit.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA odd_names;
SET search_path = odd_names;

--
-- Columns named "or", "and" and "not": "or" and "and" with an array, and "not"
-- with an object of conditions, are words; all else is of the column
--
CREATE TABLE words (id int PRIMARY KEY, "or" int, "and" text, "not" boolean);
INSERT INTO words VALUES (1, 5, 'x', true), (2, 6, 'y', false), (3, NULL, NULL, NULL);
SELECT condition, ARRAY(SELECT d ->> 'id' FROM relations.query('words', jsonb_build_object('where', condition)) d) AS ids
FROM unnest(ARRAY['{"or": 5}', '{"or": {"gt": 5}}', '{"or": null}', '{"or": {"in": [5, 7]}}', '{"or": [{"id": 1}, {"or": 6}]}',
	'{"and": "x"}', '{"and": {"like": "_"}}', '{"and": [{"and": "x"}, {"and": {"like": "x"}}]}', '{"and": []}', '{"or": []}',
	'{"not": true}', '{"not": {"eq": true}}', '{"not": {"ne": true}}', '{"not": {"is_null": true}}', '{"not": {"not": true}}', '{"not": {"not": {"eq": true}}}',
	'{"not": {"id": 1}}', '{"not": {"or": [{"or": 5}, {"and": "y"}]}}', '{"not": {}}']::jsonb[]) condition;
SELECT relations.query('words', '{"select": ["id"], "where": {"or": "$n", "not": "$t"}}', '{"n": 5, "t": true}');
SELECT relations.query('words', '{"select": ["id"], "where": {"or": [{"or": "$n"}, {"not": {"eq": "$f"}}]}}', '{"n": 5, "f": false}');

--
-- 1.0 is an integer, wherever a key or a value is given
--
CREATE TABLE parents (id int PRIMARY KEY, v text);
CREATE TABLE children (id bigint PRIMARY KEY, parent_id int REFERENCES parents, n smallint, q numeric);
SELECT relation FROM relations.has_many('parents', 'children', 'children');
SELECT relation FROM relations.belongs_to('children', 'parent', 'parents');
INSERT INTO parents VALUES (1, 'one');
SELECT relations.create('children', '{"id": 10.0, "n": 3.00, "q": 3.00, "parent": {"$connect": 1.0}}');
SELECT relations.update('children', 10.0, '{"n": 4.0}');
SELECT relations.update('parents', 1.0, '{"v": "changed", "children": {"$disconnect": [10.0]}}'), relations.update('parents', 1.0, '{"children": {"$connect": [10.0]}}');
SELECT relations.find('parents', 1.0, 'children'), relations.find('parents', '1.0') AS text;
SELECT relations.query('children', '{"select": ["id"], "where": {"id": 10.0, "n": {"in": [4.0, 5]}, "parent_id": {"between": [0.0, 1.0]}}}');
SELECT relations.delete('children', 10.0);
-- what is no integer is none
SELECT relations.find('parents', 1.5);
SELECT relations.find('parents', '1.');
SELECT relations.query('parents', '{"where": {"id": 1.5}}');
SELECT relations.create('parents', '{"id": "1.0"}');

--
-- Keys of type name, oid, char(n) and "char"
--
CREATE TABLE names (id name PRIMARY KEY);
CREATE TABLE oids (id oid PRIMARY KEY);
CREATE TABLE chars (id char(5) PRIMARY KEY);
CREATE TABLE bytes (id "char" PRIMARY KEY);
CREATE TABLE rows (id int PRIMARY KEY, of_name name REFERENCES names, of_oid oid REFERENCES oids, of_char char(5) REFERENCES chars, of_byte "char" REFERENCES bytes);
INSERT INTO names VALUES ('ann'), ('bob');
INSERT INTO oids VALUES (4000000000), (7);
INSERT INTO chars VALUES ('ab'), ('c');
INSERT INTO bytes VALUES ('a'), ('b');
INSERT INTO rows VALUES (1, 'ann', 4000000000, 'ab', 'a'), (2, 'ann', 4000000000, 'ab', 'a'), (3, 'bob', 7, 'c', 'b'), (4, NULL, NULL, NULL, NULL);
SELECT relation FROM relations.has_many('names', 'rows', 'rows', foreign_key => 'of_name');
SELECT relation FROM relations.has_many('oids', 'rows', 'rows', foreign_key => 'of_oid');
SELECT relation FROM relations.has_many('chars', 'rows', 'rows', foreign_key => 'of_char');
SELECT relation FROM relations.has_many('bytes', 'rows', 'rows', foreign_key => 'of_byte');
SELECT relation FROM relations.belongs_to('rows', 'the_name', 'names', foreign_key => 'of_name');
SELECT relation FROM relations.belongs_to('rows', 'the_oid', 'oids', foreign_key => 'of_oid');
SELECT relation FROM relations.belongs_to('rows', 'the_char', 'chars', foreign_key => 'of_char');
SELECT relation FROM relations.belongs_to('rows', 'the_byte', 'bytes', foreign_key => 'of_byte');
SELECT relations.query(model::regclass, '{"preload": {"rows": {"select": ["id"]}}, "count": {"n": "rows"}, "where": {"rows": {"some": {}}}}') FROM unnest(ARRAY['names', 'oids', 'chars', 'bytes']) model;
SELECT relations.preload('rows', 'the_name', 'the_oid', 'the_char', 'the_byte') - ARRAY['of_name', 'of_oid', 'of_char', 'of_byte'];
SELECT relations.find('names', 'ann', 'rows') -> 'rows' -> 1 -> 'id' AS n, relations.find('oids', 4000000000, 'rows') -> 'rows' -> 1 -> 'id' AS o,
	relations.find('chars', 'ab', 'rows') -> 'rows' -> 1 -> 'id' AS c, relations.find('chars', 'ab   ') AS blanks, relations.find('bytes', 'a', 'rows') -> 'rows' -> 1 -> 'id' AS b;
SELECT relations.create('chars', '{"id": "d", "rows": [{"id": 5}]}'), relations.create('oids', '{"id": 8, "rows": [{"id": 6}]}'),
	relations.create('names', '{"id": "carl", "rows": [{"id": 7}]}');
SELECT relations.update('chars', 'd', '{"rows": {"$connect": [3], "$disconnect": [5]}}');
SELECT id FROM rows WHERE of_char = 'd';
SELECT relations.upsert('chars', '{"id": "d"}'), relations.delete('chars', 'c') AS deleted;
SELECT relations.query('names', '{"order": ["-id"], "limit": 1, "cursor": true}') - 'cursor' AS first;
-- every page by a cursor
WITH RECURSIVE pages AS (
	SELECT 1 AS n, d FROM relations.query('chars', '{"limit": 1, "cursor": true}') d
	UNION ALL
	SELECT n + 1, e FROM pages, relations.query('chars', jsonb_build_object('limit', 1, 'cursor', true, 'after', d -> 'cursor')) e WHERE n < 9)
SELECT n, d ->> 'id' AS id FROM pages;

--
-- The name of a pivot table has a part of both names
--
DO $$ BEGIN EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', repeat('a', 63)); EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', repeat('b', 63)); EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', repeat('é', 31)); END $$;
CREATE TABLE tags (id int PRIMARY KEY);
SELECT pivot_table FROM relations.many_to_many(repeat('a', 63)::regclass, 'tags', 'tags');
SELECT pivot_table FROM relations.many_to_many(repeat('a', 63)::regclass, 'others', repeat('b', 63)::regclass);
SELECT pivot_table FROM relations.many_to_many('tags', 'accents', repeat('é', 31)::regclass);
SELECT relations.create(repeat('a', 63)::regclass, '{"id": 1, "tags": [{"id": 1}, {"id": 2}], "others": [{"id": 3}]}');
SELECT relations.preload(repeat('a', 63)::regclass, 'tags', 'others');
-- the other side finds it
SELECT pivot_table FROM relations.many_to_many('tags', 'a', repeat('a', 63)::regclass);

SET client_min_messages = warning;
DROP SCHEMA odd_names CASCADE;
