--
-- preload_json and its like: the documents as text, which is that of the jsonb
-- to the byte
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA texts;
SET search_path = texts;

CREATE TABLE users (id int PRIMARY KEY, name text, "na""me" text, score numeric, boss_id int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, title text, views int);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE post_tag (post_id int, tag_id int, level int, PRIMARY KEY (post_id, tag_id));
CREATE TABLE notes (id int PRIMARY KEY, subject_type text, subject_id int, body text);
INSERT INTO users VALUES (1, 'Ann', 'a "quoted" name', 1.50, NULL), (2, E'B\\ob\n\x01\x1f\x7f', 'ü€😀', NULL, 1), (3, '', NULL, 'NaN', 2), (4, NULL, '', -0.001, 2);
INSERT INTO posts SELECT i, 1 + i % 3, CASE WHEN i % 4 > 0 THEN 'post ' || i END, i * 10 FROM generate_series(1, 9) i;
INSERT INTO tags VALUES (1, 'x'), (2, 'y');
INSERT INTO post_tag SELECT i, 1 + i % 2, i FROM generate_series(1, 9) i;
SELECT kind FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id');
SELECT kind FROM relations.has_many('users', 'reports', 'users', foreign_key => 'boss_id');
SELECT kind FROM relations.belongs_to('users', 'boss', 'users', foreign_key => 'boss_id');
SELECT kind FROM relations.many_to_many('posts', 'tags', 'tags', pivot_table => 'post_tag', pivot_columns => 'level');
SELECT kind FROM relations.morph_to('notes', 'subject', '{"user": "users", "post": "posts"}');
SELECT kind FROM relations.morph_many('posts', 'notes', 'notes', 'subject');
INSERT INTO notes VALUES (1, 'user', 2, 'n'), (2, 'post', 3, 'm'), (3, NULL, NULL, 'of nothing');

-- as people see it
SELECT relations.first_json('users', 'posts.tags');
SELECT relations.find_json('users', 2, 'boss', 'reports'), pg_typeof(relations.find_json('users', 2));
SELECT relations.preload_json('notes', 'subject');
SELECT relations.query_related_json('users', 2, 'posts', '{"select": ["id"], "order": ["-id"], "limit": 2}');
SELECT relations.query_json('posts', '{"select": ["id"], "where": {"views": {"gt": "$least"}}}', '{"least": 70}');
SELECT relations.find_json('users', 4711) IS NULL AS none, relations.first_json('tags') ->> 'name' AS name;

-- every part of a query
CREATE FUNCTION same(model regclass, query jsonb) RETURNS TABLE (documents bigint, same boolean) LANGUAGE sql AS
$$ SELECT count(*), bool_and(j::text = t::text) FROM ROWS FROM (relations.query(model, query), relations.query_json(model, query)) r (j, t) $$;
SELECT query, s.* FROM (VALUES
	('{}'), ('{"select": []}'), ('{"select": ["id"]}'), ('{"where": {"id": 0}}'),
	('{"preload": ["posts.tags", "posts.notes", "boss.boss", "reports.reports"]}'),
	('{"preload": {"posts": {"select": [], "limit": 2, "order": ["-views"], "preload": ["tags"]}}}'),
	('{"count": {"n": "posts", "m": {"relation": "reports", "where": {"id": 4}}}}'),
	('{"aggregate": {"sum": {"relation": "posts", "sum": "views"}, "avg": {"relation": "posts", "avg": "views"}, "min": {"relation": "posts", "min": "title"}, "any": {"relation": "reports", "exists": true}}}'),
	('{"preload": {"reports": {"recursive": true}}}'),
	('{"preload": {"reports": {"recursive": true, "max_depth": 1}}}'),
	('{"cursor": true, "order": ["-score"], "limit": 3}'),
	('{"key_case": "camel", "preload": {"boss": true, "posts": {"preload": ["tags"]}}}')) q (query), same('users', query::jsonb) s;
-- a circle
BEGIN;
UPDATE users SET boss_id = 3 WHERE id = 1;
SELECT * FROM same('users', '{"preload": {"reports": {"recursive": true}, "boss": {"recursive": true}}}');
ROLLBACK;

-- numbers and strings of all kinds
CREATE TABLE numbers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n numeric, f8 float8, f4 float4);
INSERT INTO numbers (n) SELECT sign * round(digits * 10::numeric ^ power, scale)
FROM unnest(ARRAY[1, -1]) sign, unnest(ARRAY[0, 1, 9999, 10000, 10001, 123456789.987654321, 99999999.99999999]) digits,
	generate_series(-24, 24, 3) power, unnest(ARRAY[0, 1, 2, 4, 5, 9, 20, 40, 63, 64, 70]) scale;
INSERT INTO numbers (n) VALUES ('NaN'), ('Infinity'), ('-Infinity'), (10::numeric ^ 1000), (1 / 10::numeric ^ 500), (0), (0.00), (1e131071), (-0.0);
INSERT INTO numbers (f8, f4) VALUES ('NaN', 'NaN'), ('Infinity', 'Infinity'), ('-Infinity', '-Infinity'), (-0.0, -0.0), (1e308, 1e38), (1e-307, 1e-37), (1e15, 1e6), (1e16, 1e7), (0.1, 0.1), (-1.5, 123456.7), (1e-5, 1e-5), (123456789012345678, 16777216);
SELECT * FROM same('numbers', '{}');
CREATE TABLE strings (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s text, j json, jb jsonb, a text[]);
INSERT INTO strings (s) SELECT repeat('x', before) || chr(code) || repeat('y', after)
FROM generate_series(0, 9) before, generate_series(0, 9) after, unnest(ARRAY[1, 8, 9, 10, 12, 13, 31, 32, 33, 34, 92, 127, 128, 255, 8364, 128512]) code;
INSERT INTO strings (s) SELECT repeat(part, n) FROM unnest(ARRAY['"', E'\\', E'\n', E'\x01', 'ü', '"a']) part, unnest(ARRAY[2, 7, 8, 9, 100, 3000, 100000]) n;
INSERT INTO strings (j, jb, a) VALUES ('{"b": 1, "a" : [1 , 2.50], "b": {"c": "\u00fc\n"}}', '{"b": "x\"", "a": {}}', '{"a,b", NULL, "q\"q"}'), ('[]', '[]', '{}'), ('"s"', '"s"', NULL), ('null', 'null', NULL);
SELECT * FROM same('strings', '{}');
-- a string so long that it fills what jsonb can hold of one, and a document beyond what jsonb can hold
CREATE TABLE long (id int PRIMARY KEY, s text);
INSERT INTO long SELECT i, repeat('0123456789', 9000000) FROM generate_series(1, 3) i;
CREATE TABLE owners (id int PRIMARY KEY);
INSERT INTO owners VALUES (1);
ALTER TABLE long ADD owner_id int DEFAULT 1;
SELECT kind FROM relations.has_many('owners', 'long', 'long', foreign_key => 'owner_id');
SELECT relations.find('owners', 1, 'long') IS NULL;
SELECT length(relations.find_json('owners', 1, 'long')::text);
INSERT INTO long SELECT i, repeat('0123456789', 9000000) FROM generate_series(4, 12) i;
SELECT relations.find_json('owners', 1, 'long') IS NULL;
DROP TABLE long, owners;

-- budgets count the text
SET relations.max_bytes = 100;
SELECT relations.find_json('users', 4);
SELECT relations.find_json('users', 1, 'posts');
RESET relations.max_bytes;
SET relations.max_rows = 3;
SELECT relations.preload_json('users');
RESET relations.max_rows;

-- errors are those of the others
SELECT relations.preload_json('users', 'postz');
SELECT relations.query_json('users', '{"where": {"id": "x"}}');
SELECT relations.find_json('users', 'x');
SELECT relations.query_related_json('users', 1, 'posts', '[]');

SET client_min_messages = error;
DROP SCHEMA texts CASCADE;
