-- What documents.py and documents_typed.ts look at; see test/t/types.pl.
SET client_min_messages = warning;
CREATE EXTENSION relations;
CREATE TYPE state AS ENUM ('draft', 'out');
CREATE TYPE place AS (street text, number int);
CREATE DOMAIN code AS varchar(6) NOT NULL;
CREATE TABLE kinds (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	b bool, i2 int2, i4 int4 NOT NULL, i8 int8, f4 float4, f8 float8 NOT NULL, n numeric, n8 numeric(8, 2), t text, v varchar(7),
	c char(3), d date, ts timestamp, tz timestamptz, ti time, ttz timetz, iv interval, u uuid, j json, jb jsonb, e state, a int[], aa text[][],
	m state[], r int4range, mr int4multirange, p place, pp place[], by bytea, ip inet, mac macaddr, bits bit(3), code code, money money
);
CREATE TABLE users (id int PRIMARY KEY, name varchar(40) NOT NULL, nickname text, password text);
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL REFERENCES users, bio text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, editor_id int REFERENCES users, state state NOT NULL, price numeric(8, 2));
CREATE TABLE tags (id int PRIMARY KEY, label text NOT NULL);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int);
CREATE TABLE folders (id int PRIMARY KEY, parent_id int REFERENCES folders);
SELECT relations.model('users', hidden => 'password'),
	relations.has_one('users', 'profile', 'profiles'), relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id'),
	relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id'),
	relations.belongs_to('posts', 'editor', 'users', foreign_key => 'editor_id'),
	relations.many_to_many('posts', 'tags', 'tags', pivot_timestamps => true),
	relations.has_many('folders', 'children', 'folders'), relations.belongs_to('folders', 'parent', 'folders'),
	relations.morph_to('notes', 'about', '{"user": "users", "tag": "tags"}');

-- values by their types at random, and those at the edge of what to_jsonb writes
SELECT count(*) FROM relations.factory_create('kinds', 60, '{"seed": 7}');
INSERT INTO kinds (i4, f8, code) VALUES (0, 'NaN', '');
INSERT INTO kinds (i4, f4, f8, n, n8, d, ts, tz, a, aa, i8, jb, j, c, code, r, p, pp) VALUES
	(1, '-Infinity', 'Infinity', 'Infinity', 'NaN', 'infinity', '-infinity', 'infinity', '{}', '{{a,null},{b,c}}', 9223372036854775807,
		'null', 'null', 'x', 'abc', 'empty', ROW(NULL, 1), ARRAY[ROW('a', NULL), NULL]::place[]),
	(2, '1e-30', 1e300, 1e50, 0.5, '0044-03-15 BC', '0044-03-15 10:00 BC', '0044-03-15 10:00+00 BC', '{{{1},{2}}}', '{x}', 0,
		'[1]', '{"a": 1}', NULL, 'x', '(,)', NULL, '{}'),
	(3, 0, 0, 0, 0, '12026-01-02', '12026-01-02 03:04:05.123456', '1900-01-01 00:00:00 Europe/Amsterdam', '{1,null}', NULL, -1,
		'"x"', '1', 'abc', 'x', '[1,5)', ROW('a', 2), NULL);
INSERT INTO users VALUES (1, 'Ada', NULL, 'secret'), (2, 'Bob', 'bobby', NULL);
INSERT INTO profiles (user_id, bio) VALUES (2, NULL);
INSERT INTO posts VALUES (1, 1, 2, 'draft', NULL), (2, 1, NULL, 'out', 12.50), (3, 2, 1, 'out', 'NaN');
INSERT INTO tags VALUES (1, 'sql'), (2, 'c');
INSERT INTO post_tag SELECT p.id, t.id FROM posts p, tags t WHERE p.id <> 2;
INSERT INTO notes VALUES (1, 'user', 1), (2, 'tag', 2), (3, NULL, NULL);
INSERT INTO folders VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, NULL), (6, 5);
-- a cycle
UPDATE folders SET parent_id = 6 WHERE id = 5;
