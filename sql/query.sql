--
-- Query documents: which columns, which rows, in what order, how many.
-- What a document gives is what the query written by hand gives, value for
-- value, byte for byte, in the same order.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query;
SET search_path = query;

CREATE TYPE role AS ENUM ('guest', 'member', 'admin');
CREATE TABLE cities (id int PRIMARY KEY, name text);
CREATE TABLE users (
	id			int PRIMARY KEY,
	name		text NOT NULL,
	email		varchar(40),
	age			int2,
	score		numeric(8,2),
	active		boolean,
	born		date,
	seen		timestamptz,
	badge		uuid,
	role		role,
	tags		text[],
	data		jsonb,
	during		int4range,
	boss_id		int REFERENCES users
);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users, city_id int REFERENCES cities, city text, verified boolean);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, published boolean, likes int, created_at timestamptz);
CREATE TABLE comments (id bigint PRIMARY KEY, post_id int REFERENCES posts, user_id int REFERENCES users, body text, points int);
CREATE TABLE groups (code varchar(8) PRIMARY KEY, name text);
CREATE TABLE group_user (group_code varchar(8) REFERENCES groups, user_id int REFERENCES users, level text, since date, PRIMARY KEY (group_code, user_id));
CREATE TABLE images (id int PRIMARY KEY, imageable_type text, imageable_id int, url text);
CREATE TABLE labels (id int PRIMARY KEY, name text);

INSERT INTO cities VALUES (1, 'Oslo'), (2, 'Lima'), (3, 'Bari'), (4, NULL);
INSERT INTO users SELECT i, (ARRAY['ann', 'Bob', 'ann', 'zoë', 'O''Neil', '100%', 'under_score', 'back\slash'])[1 + i % 8],
	CASE WHEN i % 5 > 0 THEN 'user' || i || '@' || (ARRAY['test.com', 'example.org'])[1 + i % 2] END,
	CASE WHEN i % 7 > 0 THEN 10 + i * 3 % 60 END, CASE WHEN i % 6 > 0 THEN (i * 37 % 23) / 4.0 END,
	CASE i % 4 WHEN 0 THEN NULL ELSE i % 4 = 1 END, CASE WHEN i % 9 > 0 THEN date '1980-01-31' + i * 100 END,
	CASE WHEN i % 8 > 0 THEN timestamptz '2024-03-31 00:30:00.123456+01' + i * interval '7 hours' END,
	CASE WHEN i % 3 > 0 THEN md5(i::text)::uuid END, (ARRAY['guest', 'member', 'admin', NULL]::role[])[1 + i % 4],
	CASE WHEN i % 5 > 0 THEN (ARRAY['a', 'b', 'c', 'd', 'e'])[1 + i % 3 : 1 + i % 5] END,
	CASE WHEN i % 6 > 0 THEN jsonb_build_object('n', i % 3, 'in', jsonb_build_array(i % 2, 'x')) END,
	CASE WHEN i % 7 > 0 THEN int4range(i, i + i % 4) END,
	CASE WHEN i > 1 THEN i / 2 END
FROM generate_series(1, 40) i;
INSERT INTO profiles SELECT i, i, 1 + i % 4, (ARRAY['Oslo', 'Lima', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 3]
FROM generate_series(1, 40) i WHERE i % 4 > 0;
INSERT INTO posts SELECT i, CASE WHEN i % 10 > 0 THEN 1 + i * 7 % 33 END, 'post ' || i % 11, (ARRAY[true, false, NULL])[1 + i % 3],
	CASE WHEN i % 6 > 0 THEN i * 13 % 17 END, timestamptz '2024-01-01 UTC' + i % 20 * interval '1 day'
FROM generate_series(1, 150) i;
INSERT INTO comments SELECT i, 1 + i * 11 % 120, CASE WHEN i % 8 > 0 THEN 1 + i * 3 % 40 END, 'body ' || i % 7, NULLIF(i % 5, 0)
FROM generate_series(1, 300) i;
INSERT INTO groups VALUES ('red', 'Reds'), ('blue', 'Blues'), ('none', NULL), ('it''s', 'Its');
INSERT INTO group_user SELECT (ARRAY['red', 'blue', 'it''s'])[g], u, (ARRAY['expert', 'novice', NULL])[1 + (u + g) % 3], date '2020-02-28' + (u * g) % 17
FROM generate_series(1, 30) u, generate_series(1, 3) g WHERE (u + g * 2) % 4 > 0;
INSERT INTO images SELECT i, (ARRAY['user', 'post', NULL])[1 + i % 3], CASE WHEN i % 3 < 2 THEN 1 + i / 3 END, 'url ' || i % 5
FROM generate_series(1, 60) i;
INSERT INTO labels VALUES (1, 'hot'), (2, 'new'), (3, NULL), (4, 'unused');

-- every kind of relation
SELECT kind FROM relations.has_one('users', 'profile', 'profiles');
SELECT kind FROM relations.belongs_to('profiles', 'user', 'users');
SELECT kind FROM relations.belongs_to('profiles', 'town', 'cities', foreign_key => 'city_id');
SELECT kind FROM relations.has_many('cities', 'profiles', 'profiles');
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id');
SELECT kind FROM relations.has_many('posts', 'comments', 'comments');
SELECT kind FROM relations.belongs_to('comments', 'post', 'posts');
SELECT kind FROM relations.belongs_to('comments', 'author', 'users', foreign_key => 'user_id');
SELECT kind FROM relations.belongs_to('users', 'boss', 'users', foreign_key => 'boss_id');
SELECT kind FROM relations.has_many('users', 'reports', 'users', foreign_key => 'boss_id');
SELECT kind FROM relations.many_to_many('users', 'groups', 'groups', 'group_user', pivot_columns => 'level, since');
SELECT kind FROM relations.many_to_many('groups', 'users', 'users', 'group_user');
SELECT kind FROM relations.has_many_through('users', 'received', 'comments', 'posts');
SELECT kind FROM relations.has_one_through('users', 'town', 'cities', 'profiles');
SELECT kind FROM relations.morph_to('images', 'imageable', '["users", "posts"]');
SELECT kind FROM relations.morph_one('users', 'image', 'images', 'imageable');
SELECT kind FROM relations.morph_many('posts', 'images', 'images', 'imageable');
SELECT kind FROM relations.morph_to_many('posts', 'labels', 'labels', 'labelable');
SELECT kind FROM relations.morphed_by_many('labels', 'posts', 'posts', 'labelable');
INSERT INTO labelables (label_id, labelable_type, labelable_id)
SELECT l, 'post', p FROM generate_series(1, 3) l, generate_series(1, 90) p WHERE p % (l + 1) = 0;
-- and some with a scope of their own
SELECT kind FROM relations.has_one('users', 'latest', 'posts', scope => '{"order": ["-created_at", "id"]}');
SELECT kind FROM relations.has_many('users', 'published', 'posts', scope => '{"where": {"published": true}, "order": ["-likes", {"column": "title", "nulls": "first"}]}');
SELECT kind FROM relations.has_many('users', 'top', 'posts', scope => '{"where": {"likes": {"gt": 2}}, "order": ["-likes", "id"], "limit": 2}');
SELECT kind FROM relations.many_to_many('users', 'recent_groups', 'groups', 'group_user', pivot_columns => 'level', scope => '{"order": ["-pivot.since"], "limit": 1}');

-- the rows that a document gives, and whether they are those of the query by hand
CREATE TYPE holder AS (held jsonb[]);
CREATE FUNCTION matches(model regclass, document jsonb, byhand text) RETURNS TABLE (rows int, same boolean)
LANGUAGE plpgsql AS $$
DECLARE
	got jsonb[] := ARRAY(SELECT q FROM relations.query(model, document) q);
	want jsonb[];
BEGIN
	EXECUTE 'SELECT ARRAY(' || byhand || ')' INTO want;
	rows := cardinality(got);
	same := got = want AND ROW(got)::holder *= ROW(want)::holder;
	RETURN NEXT;
END $$;
-- the same for conditions on one model
CREATE FUNCTION holds(model regclass, cond jsonb, byhand text) RETURNS TABLE (rows int, same boolean)
LANGUAGE sql AS $$
	SELECT * FROM matches(model, jsonb_build_object('where', cond),
		format('SELECT to_jsonb(t) - ''imageable_user_id'' - ''imageable_post_id'' FROM %s t WHERE %s ORDER BY id', model, byhand))
$$;

--
-- select
--
SELECT * FROM matches('users', '{}', 'SELECT to_jsonb(u) FROM users u ORDER BY id');
SELECT * FROM matches('users', '{"select": ["id", "name"]}', 'SELECT jsonb_build_object(''id'', id, ''name'', name) FROM users ORDER BY id');
-- without the columns that join the levels and order them
SELECT * FROM matches('users', '{"select": ["name"], "order": ["-age"], "preload": {"posts": {"select": ["title"], "order": ["likes"]}}}', $$
	SELECT jsonb_build_object('name', name, 'posts', COALESCE((SELECT jsonb_agg(jsonb_build_object('title', title) ORDER BY likes, id) FROM posts p WHERE p.user_id = u.id), '[]'))
	FROM users u ORDER BY age DESC, id $$);
SELECT * FROM matches('cities', '{"select": []}', 'SELECT jsonb ''{}'' FROM cities');
SELECT relations.query('cities', '{"select": ["name", "name"], "limit": 1}');

--
-- where: operators
--
SELECT w.cond, h.* FROM (VALUES
	('{"age": 22}', 'age = 22'),
	('{"age": null}', 'age IS NULL'),
	('{"age": {"eq": 22}}', 'age = 22'),
	('{"age": {"eq": null}}', 'age IS NULL'),
	('{"age": {"ne": 22}}', 'age <> 22'),
	('{"age": {"ne": null}}', 'age IS NOT NULL'),
	('{"age": {"gt": 22}}', 'age > 22'),
	('{"age": {"gte": 22}}', 'age >= 22'),
	('{"age": {"lt": 22}}', 'age < 22'),
	('{"age": {"lte": 22}}', 'age <= 22'),
	('{"age": {"gte": 18, "lt": 65}}', 'age >= 18 AND age < 65'),
	('{"age": {"in": [13, 22, 400]}}', 'age IN (13, 22, 400)'),
	('{"age": {"in": []}}', 'false'),
	('{"age": {"in": [13, null]}}', 'age IN (13, NULL)'),
	('{"age": {"not_in": [13, 22]}}', 'age NOT IN (13, 22)'),
	('{"age": {"not_in": []}}', 'true'),
	('{"age": {"not_in": [13, null]}}', 'age NOT IN (13, NULL)'),
	('{"age": {"between": [18, 30]}}', 'age BETWEEN 18 AND 30'),
	('{"age": {"between": [30, 18]}}', 'false'),
	('{"age": {"is_null": true}}', 'age IS NULL'),
	('{"age": {"is_null": false}}', 'age IS NOT NULL'),
	('{"age": {"not": 22}}', 'age <> 22'),
	('{"age": {"not": null}}', 'age IS NOT NULL'),
	('{"age": {"not": {"gt": 20, "lt": 40}}}', 'NOT (age > 20 AND age < 40)'),
	('{"age": {"not": {"not": {"gt": 20}}, "lt": 40}}', 'age > 20 AND age < 40'),
	('{"age": {}}', 'true'),
	('{"name": "ann"}', 'name = ''ann'''),
	('{"name": "O''Neil"}', 'name = ''O''''Neil'''),
	('{"name": {"gt": "b"}}', 'name > ''b'''),
	('{"name": {"like": "a%"}}', 'name LIKE ''a%'''),
	('{"name": {"like": "100\\%"}}', 'name LIKE ''100\%'''),
	('{"name": {"ilike": "b%"}}', 'name ILIKE ''b%'''),
	('{"name": {"not": {"ilike": "%N%"}}}', 'name NOT ILIKE ''%N%'''),
	('{"name": {"starts_with": "under_"}}', 'starts_with(name, ''under_'')'),
	('{"name": {"starts_with": "100%"}}', 'name = ''100%'''),
	('{"name": {"regex": "^[a-z]+$"}}', 'name ~ ''^[a-z]+$'''),
	('{"email": {"ilike": "%@TEST.com"}}', 'email ILIKE ''%@TEST.com'''),
	('{"email": {"in": ["user1@example.org", "user2@test.com"]}}', 'email IN (''user1@example.org'', ''user2@test.com'')'),
	('{"score": 1.5}', 'score = 1.5'),
	('{"score": "1.50"}', 'score = 1.5'),
	('{"score": {"gt": 1e-3}}', 'score > 0.001'),
	('{"active": true}', 'active'),
	('{"active": {"ne": true}}', 'NOT active'),
	('{"born": {"gte": "1985-02-01"}}', 'born >= ''1985-02-01'''),
	('{"born": {"between": ["1981-01-01", "1984-12-31"]}}', 'born BETWEEN ''1981-01-01'' AND ''1984-12-31'''),
	('{"seen": {"lt": "2024-04-03T00:00:00+02:00"}}', 'seen < ''2024-04-03 00:00:00+02'''),
	('{"badge": "c81e728d-9d4c-2f63-6f06-7f89cc14862c"}', 'badge = md5(''2'')::uuid'),
	('{"role": "admin"}', 'role = ''admin'''),
	('{"role": {"gt": "guest"}}', 'role > ''guest'''),
	('{"role": {"in": ["guest", "admin"]}}', 'role IN (''guest'', ''admin'')'),
	('{"role": {"like": "%m%"}}', 'role::text LIKE ''%m%'''),
	('{"tags": ["b", "c"]}', 'tags = ''{b,c}'''),
	('{"tags": {"contains": ["b"]}}', 'tags @> ''{b}'''),
	('{"tags": {"contains": []}}', 'tags @> ''{}'''),
	('{"tags": {"contained": ["b", "c", "d"]}}', 'tags <@ ''{b,c,d}'''),
	('{"tags": {"overlaps": ["a", "e"]}}', 'tags && ''{a,e}'''),
	('{"data": {"eq": {"n": 1, "in": [1, "x"]}}}', 'data = ''{"n": 1, "in": [1, "x"]}'''),
	('{"data": {"contains": {"in": ["x"]}}}', 'data @> ''{"in": ["x"]}'''),
	('{"data": {"contains": {"n": 1}, "not": {"contains": {"in": [1]}}}}', 'data @> ''{"n": 1}'' AND NOT data @> ''{"in": [1]}'''),
	('{"data": {"contained": {"n": 2, "in": [0, 1, "x"]}}}', 'data <@ ''{"n": 2, "in": [0, 1, "x"]}'''),
	('{"data": {"is_null": true}}', 'data IS NULL'),
	('{"during": {"contains": "[9,10)"}}', 'during @> ''[9,10)''::int4range'),
	('{"during": {"overlaps": "[8,12)"}}', 'during && ''[8,12)''::int4range'),
	('{"during": {"contained": "[1,20)"}}', 'during <@ ''[1,20)''::int4range'),
	('{"during": "empty"}', 'during = ''empty''')
	) w (cond, byhand), holds('users', w.cond::jsonb, w.byhand) h;
-- and, or, not
SELECT w.cond, h.* FROM (VALUES
	('{}', 'true'),
	('{"age": {"lt": 40}, "active": true}', 'age < 40 AND active'),
	('{"and": []}', 'true'),
	('{"or": []}', 'false'),
	('{"not": {}}', 'false'),
	('{"and": [{"age": {"gt": 20}}, {"age": {"lt": 40}}]}', 'age > 20 AND age < 40'),
	('{"or": [{"role": "admin"}, {"age": {"lt": 20}, "active": true}]}', 'role = ''admin'' OR (age < 20 AND active)'),
	('{"or": [{"role": "admin"}, {}]}', 'true'),
	('{"not": {"age": {"lt": 40}, "active": true}}', 'NOT (age < 40 AND active)'),
	('{"not": {"or": [{"age": null}, {"not": {"active": true}}]}}', 'NOT (age IS NULL OR NOT active)'),
	('{"or": [{"and": [{"age": 22}, {"or": [{"id": 4}, {"id": 5}]}]}, {"id": {"gt": 38}}], "name": {"ne": "x"}}',
	 '((age = 22 AND (id = 4 OR id = 5)) OR id > 38) AND name <> ''x''')
	) w (cond, byhand), holds('users', w.cond::jsonb, w.byhand) h;

--
-- order
--
SELECT w.ord, h.* FROM (VALUES
	('[]', 'id'),
	('["name"]', 'name, id'),
	('["-name", "age"]', 'name DESC, age, id'),
	('["-age"]', 'age DESC, id'),
	('[{"column": "age", "direction": "desc", "nulls": "last"}]', 'age DESC NULLS LAST, id'),
	('[{"column": "age", "direction": "desc", "nulls": "first"}]', 'age DESC, id'),
	('[{"column": "age", "nulls": "first"}]', 'age NULLS FIRST, id'),
	('[{"column": "age", "direction": "asc"}, "-seen"]', 'age, seen DESC, id'),
	('["role", "active", "-id"]', 'role, active, id DESC'),
	('["profile.city"]', '(SELECT city FROM profiles p WHERE p.user_id = t.id), id'),
	('["-profile.city", "name"]', '(SELECT city FROM profiles p WHERE p.user_id = t.id) DESC, name, id'),
	('[{"column": "profile.town.name", "direction": "desc", "nulls": "last"}]', '(SELECT c.name FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id) DESC NULLS LAST, id'),
	('["town.name"]', '(SELECT c.name FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id), id'),
	('["boss.boss.name"]', '(SELECT g.name FROM users b JOIN users g ON g.id = b.boss_id WHERE b.id = t.boss_id), id'),
	('["image.url"]', '(SELECT url FROM images WHERE imageable_type = ''user'' AND imageable_id = t.id), id'),
	('["latest.title"]', '(SELECT title FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, id LIMIT 1), id'),
	('[{"count": "posts"}]', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id), id'),
	('[{"count": "published", "direction": "desc"}, "name"]', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id AND published) DESC, name, id'),
	('[{"count": "top", "direction": "desc"}]', '(SELECT least(count(*), 2) FROM posts p WHERE p.user_id = t.id AND likes > 2) DESC, id'),
	('[{"count": "groups"}]', '(SELECT count(*) FROM group_user p WHERE p.user_id = t.id), id'),
	('[{"count": "received", "direction": "desc"}]', '(SELECT count(*) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id) DESC, id'),
	('[{"count": "image", "direction": "desc"}]', '(SELECT count(*) FROM images WHERE imageable_type = ''user'' AND imageable_id = t.id) DESC, id'),
	('[{"count": "boss"}]', '(boss_id IS NOT NULL), id')
	) w (ord, byhand), matches('users', jsonb_build_object('order', w.ord::jsonb),
		'SELECT to_jsonb(t) FROM users t ORDER BY ' || w.byhand) h;
-- a column whose name begins with "-" or holds a dot is meant when there is one
CREATE TABLE odd ("-id" int, id int PRIMARY KEY, "a.b" int);
INSERT INTO odd VALUES (1, 1, 2), (2, 2, 1);
SELECT * FROM matches('odd', '{"order": ["-id"]}', 'SELECT to_jsonb(o) FROM odd o ORDER BY "-id"');
SELECT * FROM matches('odd', '{"order": ["--id"]}', 'SELECT to_jsonb(o) FROM odd o ORDER BY "-id" DESC');
SELECT * FROM matches('odd', '{"order": ["a.b"]}', 'SELECT to_jsonb(o) FROM odd o ORDER BY "a.b"');

--
-- limit and offset
--
SELECT w.doc, h.* FROM (VALUES
	('{"limit": 7}', 'LIMIT 7'), ('{"limit": 0}', 'LIMIT 0'), ('{"limit": 1000}', ''), ('{"limit": null}', ''),
	('{"offset": 5}', 'OFFSET 5'), ('{"offset": 0}', ''), ('{"offset": null}', ''), ('{"offset": 1000}', 'LIMIT 0'),
	('{"limit": 5, "offset": 38}', 'LIMIT 5 OFFSET 38'), ('{"limit": 3.0, "offset": 1e1}', 'LIMIT 3 OFFSET 10'),
	('{"limit": 9223372036854775807, "offset": 9223372036854775807}', 'LIMIT 0')
	) w (doc, byhand), matches('users', w.doc::jsonb, 'SELECT to_jsonb(t) FROM users t ORDER BY id ' || w.byhand) h;
SELECT * FROM matches('users', '{"where": {"active": true}, "order": ["-age"], "limit": 4, "offset": 2, "select": ["id"]}',
	'SELECT jsonb_build_object(''id'', id) FROM users WHERE active ORDER BY age DESC, id LIMIT 4 OFFSET 2');
SELECT * FROM matches('comments', '{"order": ["body"], "limit": 200, "offset": 50}', 'SELECT to_jsonb(c) FROM comments c ORDER BY body, id LIMIT 200 OFFSET 50');

--
-- paginate
--
SELECT p -> 'meta' AS meta, jsonb_path_query_array(p, '$.data[*].id') AS ids, p - 'meta' - 'data' AS others
FROM unnest(ARRAY[1, 2, 4, 5, 2147483647]) page, relations.paginate('users', '{"where": {"age": {"gt": 20}}, "order": ["-name"]}', page, 9) p;
SELECT relations.paginate('users', '{"where": {"id": 0}}');
SELECT relations.paginate('cities', '{"select": ["id"], "count": {"homes": "profiles"}, "key_case": "camel"}', 2, 3);
SELECT p -> 'meta' FROM relations.paginate('users', '{}') p;

--
-- key_case
--
CREATE TABLE camels (id int PRIMARY KEY, first_name text, a_b_c int, _lead int, trail_ int, two__under int, with_1 int, "Upper_Case" int, group_camel int);
CREATE TABLE herds (herd_id int PRIMARY KEY, herd_name text);
INSERT INTO herds VALUES (1, 'h');
INSERT INTO camels VALUES (1, 'x', 2, 3, 4, 5, 6, 7, 1);
SELECT kind FROM relations.belongs_to('camels', 'my_herd', 'herds', foreign_key => 'group_camel', local_key => 'herd_id');
SELECT kind FROM relations.has_many('herds', 'all_camels', 'camels', foreign_key => 'group_camel');
SELECT relations.query('camels', '{"key_case": "camel", "preload": ["my_herd.all_camels"]}');
SELECT relations.query('camels', '{"key_case": "snake", "preload": ["my_herd"]}');
SELECT relations.query('herds', '{"key_case": "camel", "count": {"camel_count": "all_camels"}, "aggregate": {"max_b": {"relation": "all_camels", "max": "a_b_c"}},
	"preload": {"small_camels": {"relation": "all_camels", "where": {"first_name": "x"}, "select": ["first_name"], "order": ["-a_b_c"]}}}');
SELECT relations.query('users', '{"key_case": "camel", "select": [], "where": {"id": 3}, "preload": {"groups": {"select": ["name"], "limit": 1}, "reports": {"recursive": true, "select": ["boss_id"]}}}');
-- two keys that would be one
CREATE TABLE twins (id int PRIMARY KEY, a_b int, "aB" int);
INSERT INTO twins VALUES (1, 2, 3);
SELECT relations.query('twins', '{"key_case": "camel"}');
SELECT relations.query('twins', '{"key_case": "camel", "select": ["a_b"]}');

--
-- Placeholders: values are bound from params
--
SELECT relations.query('users', '{"select": ["id"], "where": {"age": {"gte": "$low", "in": ["$a", 22, "$b"]}, "name": "ann"}}', '{"low": 18, "a": 19, "b": null}');
SELECT relations.query('users', '{"select": ["id"], "where": {"age": {"in": "$list"}, "active": "$no"}}', '{"list": [13, 22, 25, 28], "no": null}');
SELECT relations.query('users', '{"select": ["id"], "where": {"data": {"contains": {"n": "$n"}}, "id": {"between": ["$from", "$to"]}}, "limit": "$n", "offset": "$offset"}', '{"n": 1, "from": 3, "to": 9, "offset": 1}');
SELECT relations.query('users', '{"select": ["id"], "where": {"posts": {"some": {"likes": "$n"}, "count": {"gt": "$n"}}}, "preload": {"posts": {"select": ["id"], "where": {"likes": {"ne": "$n"}}, "limit": "$n"}}, "limit": 1}', '{"n": 3}');
SELECT relations.query('users', '{"select": ["id"], "count": {"c": {"relation": "posts", "where": {"likes": {"gt": "$n"}}}}, "aggregate": {"s": {"relation": "posts", "sum": "likes", "where": {"title": {"in": ["$t"]}}}}, "limit": 2}', '{"n": 3, "t": "post 8"}');
SELECT relations.query('groups', '{"select": ["code"], "preload": {"users": {"select": ["id"], "where": {"pivot": {"level": "$l"}}, "limit": 2}}}', '{"l": "expert"}');
-- a string that begins with "$": two of them, or no params
CREATE TABLE money (id int PRIMARY KEY, price text);
INSERT INTO money VALUES (1, '$5'), (2, '$$'), (3, '$'), (4, '5');
SELECT relations.query('money', '{"where": {"price": {"in": ["$$5", "$$$", "$"]}}}', '{"5": 4}');
SELECT relations.query('money', '{"where": {"price": "$5"}}', '{"5": 5}');
SELECT relations.query('money', '{"where": {"price": "$5"}}');
-- a value that looks like a placeholder is none
SELECT relations.query('money', '{"where": {"price": "$x"}}', '{"x": "$5", "5": "no"}');
