--
-- Pages by cursor show each row once, in the order of the same query without
-- pages: whatever the settings of a session are, and whatever NOT NULL is worth.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA page_values;
SET search_path = page_values;

-- The ids of all pages of two rows.  A setting, if one is named, has the first
-- of two values while odd pages are read, and the second while even pages are.
CREATE FUNCTION pages(model regclass, ordered jsonb, setting text DEFAULT NULL, VARIADIC vals text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE after text; n int; page int := 0; found text := ''; d jsonb;
BEGIN
	LOOP
		PERFORM set_config(setting, vals[page % 2 + 1], true) WHERE setting IS NOT NULL;
		n := 0;
		FOR d IN SELECT relations.query(model, jsonb_build_object('order', ordered, 'limit', 2, 'cursor', true, 'after', after)) LOOP
			after := d ->> 'cursor';
			found := found || ' ' || (d ->> 'id');
			n := n + 1;
		END LOOP;
		page := page + 1;
		EXIT WHEN n < 2 OR page > 20;
	END LOOP;
	RETURN ltrim(found);
END $$;

--
-- Settings
--
CREATE TYPE span AS RANGE (subtype = interval);
CREATE TABLE values_of (id int PRIMARY KEY, texts text[], ints int[], at timestamptz, day date, iv interval, f float8, bytes bytea, amount money, amounts money[], spans span);
INSERT INTO values_of
SELECT i, ARRAY['a', CASE WHEN i % 3 > 0 THEN 'NULL' END, i::text], ARRAY[1, CASE WHEN i % 2 > 0 THEN 1 END, i],
	'2024-02-03 04:05:06.789+00'::timestamptz + make_interval(secs => 8 - i), '2024-02-03'::date + i,
	make_interval(months => -14, days => i, secs => -i * 1000), 0.1::float8 + i * 1e-17 + i / 3.0, decode(lpad(to_hex(i), 2, '0') || '00ff5c27', 'hex'),
	(1000.5 * i)::numeric::money, ARRAY[(1000.5 * i)::numeric::money], span(make_interval(months => -14, days => i), make_interval(days => i))
FROM generate_series(1, 7) i;
SELECT o AS "order", setting, pages = by_hand AS equal, CASE WHEN pages <> by_hand THEN pages END AS pages
FROM (VALUES ('texts', 'array_nulls', 'off', 'on'), ('texts', 'array_nulls', 'off', 'off'), ('ints', 'array_nulls', 'off', 'off'), ('ints', 'array_nulls', 'on', 'off'),
		('at', 'datestyle', 'SQL, DMY', 'German'), ('day', 'datestyle', 'Postgres, MDY', 'SQL, DMY'), ('at', 'timezone', 'Asia/Tokyo', 'America/New_York'),
		('iv', 'intervalstyle', 'sql_standard', 'iso_8601'), ('iv', 'intervalstyle', 'postgres_verbose', 'sql_standard'), ('spans', 'intervalstyle', 'sql_standard', 'postgres'),
		('f', 'extra_float_digits', '-15', '0'), ('bytes', 'bytea_output', 'escape', 'hex')) t (o, setting, first, second),
	pages('values_of', jsonb_build_array(o), setting, first, second),
	LATERAL (SELECT string_agg(d ->> 'id', ' ') AS by_hand FROM relations.query('values_of', jsonb_build_object('order', jsonb_build_array(o))) d) h;
-- amounts of money are written as in lc_monetary C, whichever locale there is
SELECT pages('values_of', '["amount"]'), pages('values_of', '["-amounts"]');
-- the settings are the caller's again
SHOW array_nulls;
SHOW datestyle;

--
-- NOT NULL holds for a table and its partitions, not for tables that inherit
-- from it, and not for foreign tables
--
CREATE TABLE items (id int PRIMARY KEY, rank int NOT NULL);
CREATE TABLE special (PRIMARY KEY (id)) INHERITS (items);
INSERT INTO items VALUES (1, 10), (2, 20);
INSERT INTO special VALUES (3, 15), (4, 25), (5, 30);
SELECT pages('items', '["rank"]');
SELECT string_agg(id::text, ' ' ORDER BY rank, id) FROM items;
-- a cached plan hears of a table that inherits
ALTER TABLE special ALTER rank DROP NOT NULL;
UPDATE special SET rank = NULL WHERE id < 5;
SELECT pages('items', '["rank"]'), (SELECT string_agg(id::text, ' ' ORDER BY rank, id) FROM items) AS by_hand;
SELECT pages('items', '["-rank"]'), (SELECT string_agg(id::text, ' ' ORDER BY rank DESC, id) FROM items) AS by_hand;
CREATE TABLE other (id int PRIMARY KEY, rank int);
INSERT INTO other VALUES (6, NULL), (7, 1);
ALTER TABLE other ALTER rank SET NOT NULL;	-- fails
UPDATE other SET rank = 0 WHERE rank IS NULL;
ALTER TABLE other ALTER rank SET NOT NULL;
ALTER TABLE other INHERIT items;
SELECT pages('items', '["rank"]'), (SELECT string_agg(id::text, ' ' ORDER BY rank, id) FROM items) AS by_hand;
-- all that inherit have it, too: the condition is the one of a single table
DROP TABLE special;
SELECT relations.preload_sql('items', jsonb_build_object('select', '["id"]'::jsonb, 'order', '["rank"]'::jsonb, 'after',
	(SELECT d ->> 'cursor' FROM relations.query('items', '{"order": ["rank"], "limit": 1, "cursor": true}') d)));
ALTER TABLE other ALTER rank DROP NOT NULL;
UPDATE other SET rank = NULL WHERE id = 6;
SELECT relations.preload_sql('items', jsonb_build_object('select', '["id"]'::jsonb, 'order', '["rank"]'::jsonb, 'after',
	(SELECT d ->> 'cursor' FROM relations.query('items', '{"order": ["rank"], "limit": 1, "cursor": true}') d)));
SELECT pages('items', '["rank"]'), (SELECT string_agg(id::text, ' ' ORDER BY rank, id) FROM items) AS by_hand;
-- a foreign table may hold nulls, whatever is declared of it
DELETE FROM other;
ALTER TABLE other ALTER rank SET NOT NULL;
SELECT d ->> 'cursor' AS cursor FROM relations.query('items', '{"order": ["rank"], "limit": 1, "cursor": true}') d \gset
SELECT relations.preload_sql('items', jsonb_build_object('select', '["id"]'::jsonb, 'order', '["rank"]'::jsonb, 'after', :'cursor')) ~ 'rank IS NULL' AS nullable;
CREATE FOREIGN DATA WRAPPER page_values;
CREATE SERVER page_values FOREIGN DATA WRAPPER page_values;
CREATE FOREIGN TABLE far () INHERITS (items) SERVER page_values;
SELECT relations.preload_sql('items', jsonb_build_object('select', '["id"]'::jsonb, 'order', '["rank"]'::jsonb, 'after', :'cursor')) ~ 'rank IS NULL' AS nullable;
-- partitions are not null as the table is
CREATE TABLE days (id int, day int NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);
INSERT INTO days SELECT i, 10 - i FROM generate_series(1, 5) i;
SELECT relations.preload_sql('days', jsonb_build_object('select', '["id"]'::jsonb, 'order', '["day"]'::jsonb, 'after',
	(SELECT d ->> 'cursor' FROM relations.query('days', '{"order": ["day"], "limit": 1, "cursor": true}') d)));
SELECT pages('days', '["day"]');

--
-- query_related leads to rows of every type of a polymorphic relation
--
CREATE TABLE posts (id int PRIMARY KEY, title text);
CREATE TABLE videos (id int PRIMARY KEY, title text);
CREATE TABLE comments (id int PRIMARY KEY, commentable_type text, commentable_id int);
SELECT kind FROM relations.morph_to('comments', 'commentable', '{"post": "posts", "video": "videos"}');
INSERT INTO posts VALUES (1, 'a post');
INSERT INTO videos VALUES (1, 'a video');
INSERT INTO comments VALUES (1, 'post', 1), (2, 'video', 1), (3, NULL, NULL);
SELECT id, relations.query_related('comments', id, 'commentable'), relations.find('comments', id, 'commentable') -> 'commentable' AS found
FROM comments ORDER BY id;
SELECT id, d FROM comments, relations.query_related_json('comments', id, 'commentable', '{"select": ["title"]}') d ORDER BY id;

--
-- A document has no key twice, and hides no column
--
CREATE TABLE tasks (id int PRIMARY KEY, cycle text, parent_id int REFERENCES tasks);
INSERT INTO tasks VALUES (1, 'weekly', NULL), (2, 'daily', 1);
UPDATE tasks SET parent_id = 2 WHERE id = 1;
SELECT relation FROM relations.has_many('tasks', 'children', 'tasks', foreign_key => 'parent_id');
SELECT relations.query('tasks', '{"where": {"id": 1}, "preload": {"children": {"recursive": true}}}');
SELECT relations.query('tasks', '{"where": {"id": 1}, "select": ["id"], "preload": {"children": {"recursive": true, "select": ["id", "parent_id"]}}}');
ALTER TABLE tasks RENAME cycle TO word;
SELECT relations.query('tasks', '{"where": {"id": 1}, "preload": {"children": {"recursive": true, "preload": {"cycle": {"relation": "children"}}}}}');
CREATE TABLE feeds (id int PRIMARY KEY, cursor text);
INSERT INTO feeds VALUES (1, 'stored');
SELECT relations.query('feeds', '{"cursor": true}');
SELECT relations.query_json('feeds', '{"select": ["id", "cursor"], "cursor": true}');
SELECT d ? 'cursor' AS cursor FROM relations.query('feeds', '{"select": ["id"], "cursor": true}') d;
SELECT relations.query('feeds', '{}');
CREATE TABLE tags (id int PRIMARY KEY);
SELECT relation FROM relations.many_to_many('feeds', 'tags', 'tags', pivot_timestamps => true);
ALTER TABLE tags ADD pivot text;
INSERT INTO tags VALUES (1, 'stored');
SELECT relations.preload('feeds', 'tags');
SELECT relations.query('feeds', '{"preload": {"tags": {"select": ["id"]}}}');

SET client_min_messages = warning;
DROP SCHEMA page_values CASCADE;
DROP FOREIGN DATA WRAPPER page_values CASCADE;
