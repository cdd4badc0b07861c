--
-- Query documents and relations: filters, relations under names of their own,
-- pages of each parent, counts, aggregates, trees
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query_relations;
SET search_path = query_relations;

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
-- Filters: some, every, none, is, is_not, count, null
--
SELECT w.cond, h.* FROM (VALUES
	-- has_many
	('{"posts": {"some": {}}}', 'EXISTS (SELECT FROM posts p WHERE p.user_id = t.id)'),
	('{"posts": {"none": {}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id)'),
	('{"posts": {"some": {"published": true, "likes": {"gt": 10}}}}', 'EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published AND likes > 10)'),
	('{"posts": {"none": {"published": true}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published)'),
	('{"posts": {"every": {"likes": {"lt": 12}}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND (likes < 12) IS NOT TRUE)'),
	('{"posts": {"every": {"published": {"ne": null}}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published IS NULL)'),
	('{"posts": {"some": {"published": true}, "none": {"likes": 3}}}', 'EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published) AND NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND likes = 3)'),
	('{"not": {"posts": {"some": {"published": true}}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published)'),
	('{"posts": {}}', 'true'),
	('{"posts": {"count": {"gte": 5}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id) >= 5'),
	('{"posts": {"count": {"eq": 0}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id) = 0'),
	('{"posts": {"count": {"gt": 3, "lte": 5, "ne": 4}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id) = 5'),
	('{"posts": {"count": {"lt": 2, "where": {"likes": {"gt": 8}}}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id AND likes > 8) < 2'),
	('{"posts": {"some": {"comments": {"some": {"author": {"is": {"name": "zoë"}}}}}}}', 'EXISTS (SELECT FROM posts p JOIN comments c ON c.post_id = p.id JOIN users a ON a.id = c.user_id WHERE p.user_id = t.id AND a.name = ''zoë'')'),
	('{"posts": {"every": {"comments": {"count": {"gte": 2}}}}, "id": {"lt": 20}}', 't.id < 20 AND NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND (SELECT count(*) FROM comments c WHERE c.post_id = p.id) < 2)'),
	('{"reports": {"some": {"reports": {"none": {}}}}}', 'EXISTS (SELECT FROM users r WHERE r.boss_id = t.id AND NOT EXISTS (SELECT FROM users q WHERE q.boss_id = r.id))'),
	-- has_one, belongs_to
	('{"profile": {"is": {}}}', 'EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id)'),
	('{"profile": null}', 'NOT EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id)'),
	('{"profile": {"is": null}}', 'NOT EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id)'),
	('{"profile": {"is_not": null}}', 'EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id)'),
	('{"profile": {"is": {"verified": true}}}', 'EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id AND verified)'),
	('{"profile": {"is_not": {"verified": true}}}', 'NOT EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id AND verified)'),
	('{"profile": {"is": {"not": {"verified": true}}}}', 'EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id AND NOT verified)'),
	('{"profile": {"is": {"town": {"is": {"name": "Lima"}}}}}', 'EXISTS (SELECT FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id AND c.name = ''Lima'')'),
	('{"profile": {"count": {"eq": 1}}}', 'EXISTS (SELECT FROM profiles p WHERE p.user_id = t.id)'),
	('{"boss": {"is": {"active": true}}}', 'EXISTS (SELECT FROM users b WHERE b.id = t.boss_id AND active)'),
	('{"boss": null}', 't.boss_id IS NULL'),
	('{"boss": {"is_not": {"boss": null}}}', 'NOT EXISTS (SELECT FROM users b WHERE b.id = t.boss_id AND b.boss_id IS NULL)'),
	-- many_to_many, with conditions on the pivot
	('{"groups": {"some": {"name": "Reds"}}}', 'EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND group_code = ''red'')'),
	('{"groups": {"some": {"pivot": {"level": "expert"}}}}', 'EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND level = ''expert'')'),
	('{"groups": {"some": {"name": "Reds", "pivot": {"level": {"in": ["expert", "novice"]}, "since": {"lt": "2020-03-05"}}}}}', 'EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND group_code = ''red'' AND level IN (''expert'', ''novice'') AND since < ''2020-03-05'')'),
	('{"groups": {"none": {"pivot": {"level": null}}}}', 'NOT EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND level IS NULL)'),
	('{"groups": {"every": {"pivot": {"level": {"not": "novice"}}}}}', 'NOT EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND (level <> ''novice'') IS NOT TRUE)'),
	('{"groups": {"some": {"or": [{"name": "Its"}, {"not": {"pivot": {"level": "novice"}}}]}}}', 'EXISTS (SELECT FROM group_user g WHERE g.user_id = t.id AND (group_code = ''it''''s'' OR NOT level = ''novice''))'),
	('{"groups": {"count": {"gte": 2, "where": {"pivot": {"level": {"is_null": false}}}}}}', '(SELECT count(*) FROM group_user g WHERE g.user_id = t.id AND level IS NOT NULL) >= 2'),
	-- through
	('{"received": {"some": {"points": 4}}}', 'EXISTS (SELECT FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id AND points = 4)'),
	('{"received": {"none": {}}}', 'NOT EXISTS (SELECT FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id)'),
	('{"received": {"every": {"points": {"gt": 1}}}}', 'NOT EXISTS (SELECT FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id AND (points > 1) IS NOT TRUE)'),
	('{"received": {"count": {"gt": 8}}}', '(SELECT count(*) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id) > 8'),
	('{"town": {"is": {"name": "Lima"}}}', 'EXISTS (SELECT FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id AND c.name = ''Lima'')'),
	('{"town": {"is_not": {"name": null}}}', 'NOT EXISTS (SELECT FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id AND c.name IS NULL)'),
	('{"town": null}', 'NOT EXISTS (SELECT FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id)'),
	-- polymorphic
	('{"image": {"is": {"url": "url 3"}}}', 'EXISTS (SELECT FROM images i WHERE imageable_type = ''user'' AND imageable_id = t.id AND url = ''url 3'')'),
	('{"image": null}', 'NOT EXISTS (SELECT FROM images i WHERE imageable_type = ''user'' AND imageable_id = t.id)'),
	-- relations with a scope: of those with a limit only the first rows count
	('{"published": {"some": {"likes": {"gt": 12}}}}', 'EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published AND likes > 12)'),
	('{"published": {"every": {"likes": {"gt": 3}}}}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published AND (likes > 3) IS NOT TRUE)'),
	('{"published": {"count": {"lt": 2}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id AND published) < 2'),
	('{"latest": {"is": {"published": true}}}', '(SELECT published FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, id LIMIT 1)'),
	('{"latest": {"is_not": {"published": true}}}', '(SELECT published FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, id LIMIT 1) IS NOT TRUE'),
	('{"latest": null}', 'NOT EXISTS (SELECT FROM posts p WHERE p.user_id = t.id)'),
	('{"top": {"some": {"title": "post 8"}}}', '''post 8'' IN (SELECT title FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2)'),
	('{"top": {"every": {"published": true}}}', '(SELECT COALESCE(bool_and(published IS TRUE), true) FROM (SELECT published FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2) p)'),
	('{"top": {"count": {"eq": 2}}}', '(SELECT count(*) FROM posts p WHERE p.user_id = t.id AND likes > 2) >= 2'),
	('{"top": {"count": {"eq": 2, "where": {"published": true}}}}', '(SELECT count(*) FILTER (WHERE published) FROM (SELECT published FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2) p) = 2'),
	('{"recent_groups": {"some": {"pivot": {"level": "expert"}, "name": {"ne": "Reds"}}}}', '(SELECT level = ''expert'' AND group_code <> ''red'' FROM group_user g WHERE g.user_id = t.id ORDER BY since DESC, group_code LIMIT 1)')
	) w (cond, byhand), holds('users', w.cond::jsonb, w.byhand) h;
-- a row that refers to one of several models: what must be is said of each
SELECT w.cond, h.* FROM (VALUES
	('{"imageable": null}', 'imageable_id IS NULL'),
	('{"imageable": {"is": {}}}', 'imageable_id IS NOT NULL'),
	('{"imageable": {"is": null}}', 'imageable_id IS NULL'),
	('{"imageable": {"is_not": null}}', 'imageable_id IS NOT NULL'),
	('{"imageable": {"is": {"id": {"lt": 6}}}}', 'imageable_id < 6'),
	('{"imageable": {"is_not": {"id": {"lt": 6}}}}', '(imageable_id < 6) IS NOT TRUE')
	) w (cond, byhand), holds('images', w.cond::jsonb, w.byhand) h;
SELECT w.cond, h.* FROM (VALUES
	('{"images": {"some": {"url": "url 1"}}}', 'EXISTS (SELECT FROM images WHERE imageable_type = ''post'' AND imageable_id = t.id AND url = ''url 1'')'),
	('{"images": {"none": {}}}', 'NOT EXISTS (SELECT FROM images WHERE imageable_type = ''post'' AND imageable_id = t.id)'),
	('{"labels": {"some": {"name": "hot"}}}', 'EXISTS (SELECT FROM labelables WHERE labelable_type = ''post'' AND labelable_id = t.id AND label_id = 1)'),
	('{"labels": {"every": {"name": {"is_null": false}}}}', 'NOT EXISTS (SELECT FROM labelables WHERE labelable_type = ''post'' AND labelable_id = t.id AND label_id = 3)'),
	('{"labels": {"count": {"gte": 2}}, "author": {"is": {"age": {"gt": 30}}}}', '(SELECT count(*) FROM labelables WHERE labelable_type = ''post'' AND labelable_id = t.id) >= 2 AND (SELECT age FROM users u WHERE u.id = t.user_id) > 30'),
	('{"author": null}', 'user_id IS NULL')
	) w (cond, byhand), holds('posts', w.cond::jsonb, w.byhand) h;
SELECT h.* FROM holds('labels', '{"posts": {"none": {"likes": {"gt": 3}}}}',
	'NOT EXISTS (SELECT FROM labelables l JOIN posts p ON p.id = labelable_id WHERE label_id = t.id AND labelable_type = ''post'' AND likes > 3)') h;

--
-- preload: paths, and queries of relations of every kind
--
SELECT w.what, m.* FROM (VALUES
	('has_many, a list', '["posts"]', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY p.id'),
	('an object', '{"posts": true}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY p.id'),
	('where, order', '{"posts": {"where": {"published": true}, "order": ["-likes", "title"]}}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND published ORDER BY likes DESC, title, p.id'),
	('limit of each parent', '{"posts": {"order": ["-created_at"], "limit": 2}}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, p.id LIMIT 2'),
	('offset of each parent', '{"posts": {"offset": 2}}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY p.id OFFSET 2'),
	('both', '{"posts": {"order": ["likes"], "limit": 2, "offset": 1, "select": ["title", "likes"]}}', 'posts',
		'SELECT jsonb_build_object(''title'', title, ''likes'', likes) FROM posts p WHERE p.user_id = t.id ORDER BY likes, p.id LIMIT 2 OFFSET 1'),
	('limit 0', '{"posts": {"limit": 0}}', 'posts', 'SELECT to_jsonb(p) FROM posts p LIMIT 0'),
	('order by a to-one and a count', '{"posts": {"order": ["-author.name", {"count": "comments"}]}}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY (SELECT count(*) FROM comments c WHERE c.post_id = p.id), p.id'),
	('filters of the relation''s relations', '{"posts": {"where": {"comments": {"some": {"points": 3}}}}}', 'posts',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND EXISTS (SELECT FROM comments c WHERE c.post_id = p.id AND points = 3) ORDER BY p.id'),
	('a scope', '["published"]', 'published',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND published ORDER BY likes DESC, title NULLS FIRST, p.id'),
	('a scope and more', '{"published": {"where": {"likes": {"gt": 5}}}}', 'published',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND published AND likes > 5 ORDER BY likes DESC, title NULLS FIRST, p.id'),
	('another order than the scope''s', '{"published": {"order": ["id"], "limit": 1}}', 'published',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND published ORDER BY p.id LIMIT 1'),
	('a scope with a limit', '["top"]', 'top',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, p.id LIMIT 2'),
	('which is lowered', '{"top": {"limit": 1}}', 'top',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, p.id LIMIT 1'),
	('and not raised', '{"top": {"limit": 9}}', 'top',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, p.id LIMIT 2'),
	('many_to_many', '["groups"]', 'groups',
		'SELECT to_jsonb(g) || jsonb_build_object(''pivot'', jsonb_build_object(''level'', level, ''since'', since)) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id ORDER BY code'),
	('conditions on the pivot', '{"groups": {"where": {"pivot": {"level": {"in": ["expert", "novice"]}}, "name": {"ne": "Reds"}}}}', 'groups',
		'SELECT to_jsonb(g) || jsonb_build_object(''pivot'', jsonb_build_object(''level'', level, ''since'', since)) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id AND level IS NOT NULL AND name <> ''Reds'' ORDER BY code'),
	('order by the pivot', '{"groups": {"order": ["-pivot.level", "pivot.since"], "limit": 2}}', 'groups',
		'SELECT to_jsonb(g) || jsonb_build_object(''pivot'', jsonb_build_object(''level'', level, ''since'', since)) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id ORDER BY level DESC, since, code LIMIT 2'),
	('with nulls', '{"groups": {"order": [{"column": "pivot.level", "nulls": "first"}], "offset": 1, "select": []}}', 'groups',
		'SELECT jsonb_build_object(''pivot'', jsonb_build_object(''level'', level, ''since'', since)) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id ORDER BY level NULLS FIRST, code OFFSET 1'),
	('a scope by the pivot', '["recent_groups"]', 'recent_groups',
		'SELECT to_jsonb(g) || jsonb_build_object(''pivot'', jsonb_build_object(''level'', level)) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id ORDER BY since DESC, code LIMIT 1'),
	('has_many_through', '{"received": {"where": {"points": {"gte": 3}}, "order": ["-points"], "limit": 3}}', 'received',
		'SELECT to_jsonb(c) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id AND points >= 3 ORDER BY points DESC, c.id LIMIT 3'),
	('conditions on the way', '{"received": {"where": {"pivot": {"published": true}}, "order": ["pivot.title"]}}', 'received',
		'SELECT to_jsonb(c) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id AND published ORDER BY p.title, c.id'),
	('of itself', '{"reports": {"order": ["-name"], "limit": 1, "select": ["id", "name"]}}', 'reports',
		'SELECT jsonb_build_object(''id'', p.id, ''name'', p.name) FROM users p WHERE p.boss_id = t.id ORDER BY p.name DESC, p.id LIMIT 1'),
	('a name of its own', '{"best": {"relation": "posts", "where": {"likes": {"gt": 9}}}}', 'best',
		'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id AND likes > 9 ORDER BY p.id')
	) w (what, preload, name, byhand),
	matches('users', jsonb_build_object('preload', w.preload::jsonb, 'select', '["id"]'::jsonb),
		format('SELECT jsonb_build_object(''id'', t.id, %L, to_jsonb(ARRAY(%s))) FROM users t ORDER BY t.id', w.name, w.byhand)) m;
SELECT w.model, w.what, m.* FROM (VALUES
	('users', 'has_one', '["profile"]', 'profile', 'SELECT to_jsonb(p) FROM profiles p WHERE p.user_id = t.id'),
	('users', 'where', '{"profile": {"where": {"verified": true}, "select": ["city"]}}', 'profile', 'SELECT jsonb_build_object(''city'', city) FROM profiles p WHERE p.user_id = t.id AND verified'),
	('users', 'limit', '{"profile": {"limit": 1}}', 'profile', 'SELECT to_jsonb(p) FROM profiles p WHERE p.user_id = t.id'),
	('users', 'belongs_to', '{"boss": {"where": {"active": true}, "select": ["name"]}}', 'boss', 'SELECT jsonb_build_object(''name'', name) FROM users p WHERE p.id = t.boss_id AND p.active'),
	('users', 'latest of many', '["latest"]', 'latest', 'SELECT to_jsonb(p) FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, p.id LIMIT 1'),
	('users', 'latest of many, filtered', '{"latest": {"order": ["-likes"], "where": {"likes": {"ne": null}}}}', 'latest', 'SELECT to_jsonb(p) FROM (SELECT * FROM posts WHERE user_id = t.id ORDER BY created_at DESC, id LIMIT 1) p WHERE likes IS NOT NULL'),
	('users', 'has_one_through', '{"town": {"where": {"name": {"starts_with": "O"}}}}', 'town', 'SELECT to_jsonb(c) FROM profiles p JOIN cities c ON c.id = city_id WHERE p.user_id = t.id AND starts_with(c.name, ''O'')'),
	('users', 'morph_one', '{"image": {"select": ["url"]}}', 'image', 'SELECT jsonb_build_object(''url'', url) FROM images p WHERE imageable_type = ''user'' AND imageable_id = t.id'),
	('images', 'morph_to', '{"imageable": {"select": ["id"], "where": {"id": {"lt": 9}}}}', 'imageable', 'SELECT jsonb_build_object(''id'', imageable_id) WHERE imageable_id < 9'),
	('images', 'morph_to by another name', '{"it": {"relation": "imageable", "select": ["id"]}}', 'it', 'SELECT jsonb_build_object(''id'', imageable_id) WHERE imageable_id IS NOT NULL'),
	('posts', 'morph_many', '{"images": {"order": ["-url"], "limit": 1, "select": ["id"]}}', 'images', 'SELECT to_jsonb(ARRAY(SELECT jsonb_build_object(''id'', id) FROM images p WHERE imageable_type = ''post'' AND imageable_id = t.id ORDER BY url DESC, id LIMIT 1))'),
	('posts', 'morph_to_many', '{"labels": {"where": {"name": {"is_null": false}}, "order": ["-name"]}}', 'labels', 'SELECT to_jsonb(ARRAY(SELECT to_jsonb(l) FROM labels l JOIN labelables ON label_id = l.id WHERE labelable_type = ''post'' AND labelable_id = t.id AND name IS NOT NULL ORDER BY name DESC, l.id))'),
	('labels', 'morphed_by_many', '{"posts": {"where": {"pivot": {"labelable_id": {"gt": 50}}}, "offset": 2, "limit": 5}}', 'posts', 'SELECT to_jsonb(ARRAY(SELECT to_jsonb(p) FROM posts p JOIN labelables ON labelable_id = p.id WHERE labelable_type = ''post'' AND label_id = t.id AND p.id > 50 ORDER BY p.id LIMIT 5 OFFSET 2))')
	) w (model, what, preload, name, byhand),
	matches(w.model::regclass, jsonb_build_object('preload', w.preload::jsonb, 'select', '["id"]'::jsonb),
		format('SELECT jsonb_build_object(''id'', t.id, %L, (%s)) FROM %I t ORDER BY t.id', w.name, w.byhand, w.model)) m;
-- level below level
SELECT * FROM matches('users', '{"select": ["id"], "where": {"id": {"in": [1, 5, 9, 13]}}, "order": ["-id"],
	"preload": {"posts": {"select": ["id"], "order": ["-id"], "limit": 3,
		"preload": {"comments": {"select": ["id"], "where": {"points": {"gte": 2}}, "limit": 2, "preload": {"author": {"select": ["name"]}}}}}}}', $$
	SELECT jsonb_build_object('id', t.id, 'posts', to_jsonb(ARRAY(
		SELECT jsonb_build_object('id', p.id, 'comments', to_jsonb(ARRAY(
			SELECT jsonb_build_object('id', c.id, 'author', (SELECT jsonb_build_object('name', name) FROM users a WHERE a.id = c.user_id))
			FROM comments c WHERE c.post_id = p.id AND points >= 2 ORDER BY c.id LIMIT 2)))
		FROM posts p WHERE p.user_id = t.id ORDER BY p.id DESC LIMIT 3)))
	FROM users t WHERE id IN (1, 5, 9, 13) ORDER BY id DESC $$);
-- one relation twice by names of its own, and by its name
SELECT * FROM matches('users', '{"select": ["id"], "preload": {"liked": {"relation": "posts", "where": {"likes": {"gt": 9}}, "select": ["id"]},
	"first": {"relation": "posts", "limit": 1, "preload": ["author"], "select": ["id"]}, "posts": {"select": ["title"]}}}', $$
	SELECT jsonb_build_object('id', t.id,
		'liked', to_jsonb(ARRAY(SELECT jsonb_build_object('id', p.id) FROM posts p WHERE p.user_id = t.id AND likes > 9 ORDER BY p.id)),
		'first', to_jsonb(ARRAY(SELECT jsonb_build_object('id', p.id, 'author', to_jsonb(t)) FROM posts p WHERE p.user_id = t.id ORDER BY p.id LIMIT 1)),
		'posts', to_jsonb(ARRAY(SELECT jsonb_build_object('title', title) FROM posts p WHERE p.user_id = t.id ORDER BY p.id)))
	FROM users t ORDER BY t.id $$);
-- a path and what is said of its parts
SELECT relations.query('users', '{"select": ["id"], "limit": 1, "preload": {"posts": {"select": ["id"], "limit": 2}, "posts.author": {"select": ["name"]}, "posts.author.profile": true}}');
-- a relation by the name of another
SELECT relations.query('users', '{"select": ["id"], "limit": 1, "preload": {"posts": {"relation": "reports", "select": ["id"]}}}');

--
-- query_related: the same, of one row
--
SELECT relations.query_related('users', 2, 'posts', '{"where": {"likes": {"gte": 3}}, "order": ["-likes"], "limit": 2, "select": ["id", "likes"], "preload": {"comments": {"select": ["id"], "limit": 1}}}');
SELECT relations.query_related('users', 2, 'groups', '{"where": {"pivot": {"level": {"ne": "novice"}}}}');
SELECT relations.query_related('users', 2, 'profile', '{"select": ["city"]}');
SELECT relations.query_related('users', 4, 'profile') AS none;
SELECT relations.query_related('users', 999, 'posts') AS none;
SELECT relations.query_related('images', 1, 'imageable', '{"select": ["id"]}');
SELECT relations.query_related('images', 3, 'imageable', '{"select": ["id"]}');
-- of the first rows, those behind the offset
SELECT relations.query_related('users', 2, 'top', '{"offset": 1, "select": ["id"]}');
SELECT relations.query_related('users', 2, 'top', '{"offset": 2}') AS none;

--
-- count and aggregate
--
SELECT * FROM matches('users', '{"select": ["id"], "order": ["-id"],
	"count": {"posts_count": "posts", "published_count": {"relation": "posts", "where": {"published": true}}, "published": "published", "best": "top",
		"good_top": {"relation": "top", "where": {"published": true}},
		"groups": {"where": {"pivot": {"level": "expert"}}}, "received": {}, "has_profile": "profile", "images": "image"}}', $$
	SELECT jsonb_build_object('id', t.id, 'posts_count', (SELECT count(*) FROM posts p WHERE p.user_id = t.id),
		'published_count', (SELECT count(*) FROM posts p WHERE p.user_id = t.id AND published),
		'published', (SELECT count(*) FROM posts p WHERE p.user_id = t.id AND published),
		'best', (SELECT least(count(*), 2) FROM posts p WHERE p.user_id = t.id AND likes > 2),
		'good_top', (SELECT count(*) FILTER (WHERE published) FROM (SELECT published FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2) p),
		'groups', (SELECT count(*) FROM group_user v WHERE v.user_id = t.id AND level = 'expert'),
		'received', (SELECT count(*) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id),
		'has_profile', (SELECT count(*) FROM profiles p WHERE p.user_id = t.id),
		'images', (SELECT count(*) FROM images p WHERE imageable_type = 'user' AND imageable_id = t.id))
	FROM users t ORDER BY t.id DESC $$);
SELECT * FROM matches('users', '{"select": ["id"], "aggregate": {
	"n": {"relation": "posts", "count": true}, "any": {"relation": "posts", "exists": true}, "none": {"relation": "posts", "exists": true, "where": {"id": 0}},
	"sum": {"relation": "posts", "sum": "likes"}, "avg": {"relation": "posts", "avg": "likes"}, "min": {"relation": "posts", "min": "created_at"},
	"max": {"relation": "posts", "max": "title", "where": {"published": true}}, "top": {"sum": "likes"}, "top3": {"relation": "top", "avg": "likes", "where": {"published": true}},
	"points": {"relation": "received", "sum": "points"}, "level": {"relation": "groups", "max": "name"}}}', $$
	SELECT jsonb_build_object('id', t.id, 'n', (SELECT count(*) FROM posts p WHERE p.user_id = t.id),
		'any', EXISTS (SELECT FROM posts p WHERE p.user_id = t.id), 'none', false,
		'sum', (SELECT sum(likes) FROM posts p WHERE p.user_id = t.id), 'avg', (SELECT avg(likes) FROM posts p WHERE p.user_id = t.id),
		'min', (SELECT min(created_at) FROM posts p WHERE p.user_id = t.id), 'max', (SELECT max(title) FROM posts p WHERE p.user_id = t.id AND published),
		'top', (SELECT sum(likes) FROM (SELECT likes FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2) p),
		'top3', (SELECT avg(likes) FROM (SELECT likes, published FROM posts p WHERE p.user_id = t.id AND likes > 2 ORDER BY likes DESC, id LIMIT 2) p WHERE published),
		'points', (SELECT sum(points) FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = t.id),
		'level', (SELECT max(name) FROM group_user v JOIN groups g ON g.code = group_code WHERE v.user_id = t.id))
	FROM users t ORDER BY t.id $$);
-- of no rows
SELECT relations.query('groups', '{"where": {"code": "none"}, "count": {"c": "users"}, "aggregate": {
	"sum": {"relation": "users", "sum": "age"}, "avg": {"relation": "users", "avg": "age"}, "min": {"relation": "users", "min": "name"},
	"n": {"relation": "users", "count": true}, "any": {"relation": "users", "exists": true}}}');
-- of the rows of a relation, and of keys that are text
SELECT * FROM matches('groups', '{"preload": {"users": {"select": ["id"], "limit": 2, "order": ["-id"], "count": {"posts": "posts"}, "aggregate": {"oldest": {"relation": "reports", "max": "born"}}}}, "count": {"members": {"relation": "users", "where": {"active": true}}}}', $$
	SELECT to_jsonb(g) || jsonb_build_object('members', (SELECT count(*) FROM group_user v JOIN users u ON u.id = v.user_id WHERE group_code = code AND active),
		'users', to_jsonb(ARRAY(SELECT jsonb_build_object('id', u.id, 'posts', (SELECT count(*) FROM posts p WHERE p.user_id = u.id),
			'oldest', (SELECT max(born) FROM users r WHERE r.boss_id = u.id))
		FROM group_user v JOIN users u ON u.id = v.user_id WHERE group_code = code ORDER BY u.id DESC LIMIT 2)))
	FROM groups g ORDER BY code $$);
SELECT * FROM matches('labels', '{"count": {"posts": "posts"}, "aggregate": {"likes": {"relation": "posts", "sum": "likes"}}}', $$
	SELECT to_jsonb(l) || jsonb_build_object('posts', (SELECT count(*) FROM labelables WHERE label_id = l.id),
		'likes', (SELECT sum(likes) FROM labelables JOIN posts p ON p.id = labelable_id WHERE label_id = l.id)) FROM labels l ORDER BY id $$);

--
-- recursive
--
CREATE TABLE parts (id int PRIMARY KEY, part_of int REFERENCES parts, name text);
INSERT INTO parts VALUES (1, NULL, 'bike'), (2, 1, 'wheel'), (3, 1, 'frame'), (4, 2, 'spoke'), (5, 2, 'hub'), (6, 5, 'axle'), (7, 6, 'nut');
SELECT kind FROM relations.has_many('parts', 'parts', 'parts', foreign_key => 'part_of');
SELECT kind FROM relations.belongs_to('parts', 'whole', 'parts', foreign_key => 'part_of');
SELECT jsonb_pretty(relations.query('parts', '{"select": ["name"], "where": {"id": 1}, "preload": {"parts": {"recursive": true, "select": ["name"], "order": ["-name"]}}}'));
SELECT d, relations.query('parts', format('{"select": ["id"], "where": {"id": 1}, "preload": {"parts": {"recursive": true, "max_depth": %s, "select": ["id"]}}}', d)::jsonb)
FROM generate_series(1, 5) d;
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 7}, "preload": {"whole": {"recursive": true, "select": ["id"]}}}');
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 1}, "preload": {"parts": {"recursive": true, "select": ["id"], "limit": 1, "order": ["-id"], "count": {"n": "parts"}}}}');
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": {"in": [2, 5]}}, "preload": {"all": {"relation": "parts", "recursive": true, "where": {"name": {"ne": "spoke"}}, "select": ["id"], "preload": {"whole": {"select": ["name"]}}}}}');
-- not recursive after all
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 1}, "preload": {"parts": {"recursive": false, "select": ["id"]}}}');
-- a cycle ends its branch
UPDATE parts SET part_of = 7 WHERE id = 1;
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 5}, "preload": {"parts": {"recursive": true, "select": ["id"]}}}');
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 3}, "preload": {"whole": {"recursive": true, "select": ["id"]}}}');
UPDATE parts SET part_of = 1 WHERE id = 1;
SELECT relations.query('parts', '{"select": ["id"], "where": {"id": 1}, "preload": {"whole": {"recursive": true, "select": ["id"]}, "parts": {"recursive": true, "max_depth": 2, "select": ["id"]}}}');
-- over a pivot
CREATE TABLE follows (follower int REFERENCES users, followed int REFERENCES users, PRIMARY KEY (follower, followed));
INSERT INTO follows VALUES (1, 2), (2, 3), (3, 1), (1, 4), (4, 4);
SELECT kind FROM relations.many_to_many('users', 'followed', 'users', 'follows', pivot_foreign_key => 'follower', pivot_related_foreign_key => 'followed');
SELECT relations.query('users', '{"select": ["id"], "where": {"id": {"in": [1, 4]}}, "preload": {"followed": {"recursive": true, "select": ["id"]}}}');

--
-- All of it together
--
SELECT * FROM matches('users', '{"select": ["id", "name"], "where": {"or": [{"role": "admin"}, {"posts": {"some": {"published": true}}}], "boss": {"is": {"active": {"not": null}}}, "groups": {"count": {"gte": 1}}},
	"order": [{"count": "posts", "direction": "desc"}, "profile.city", "-name"], "limit": 10, "offset": 2,
	"preload": {"profile": {"select": ["city"]}, "newest": {"relation": "posts", "order": ["-created_at"], "limit": 2, "select": ["title"], "count": {"comments": "comments"}}},
	"count": {"posts_count": "posts"}, "aggregate": {"likes": {"relation": "posts", "sum": "likes"}}, "key_case": "camel"}', $$
	SELECT jsonb_build_object('id', t.id, 'name', t.name,
		'profile', (SELECT jsonb_build_object('city', city) FROM profiles p WHERE p.user_id = t.id),
		'newest', to_jsonb(ARRAY(SELECT jsonb_build_object('title', title, 'comments', (SELECT count(*) FROM comments c WHERE c.post_id = p.id))
			FROM posts p WHERE p.user_id = t.id ORDER BY created_at DESC, p.id LIMIT 2)),
		'postsCount', (SELECT count(*) FROM posts p WHERE p.user_id = t.id), 'likes', (SELECT sum(likes) FROM posts p WHERE p.user_id = t.id))
	FROM users t WHERE (role = 'admin' OR EXISTS (SELECT FROM posts p WHERE p.user_id = t.id AND published))
		AND EXISTS (SELECT FROM users b WHERE b.id = t.boss_id AND active IS NOT NULL) AND EXISTS (SELECT FROM group_user v WHERE v.user_id = t.id)
	ORDER BY (SELECT count(*) FROM posts p WHERE p.user_id = t.id) DESC, (SELECT city FROM profiles p WHERE p.user_id = t.id), name DESC, id
	LIMIT 10 OFFSET 2 $$);

--
-- Columns that a caller may not read are asked for nowhere, unless he names them
--
CREATE ROLE regress_query_reader;
GRANT USAGE ON SCHEMA query_relations TO regress_query_reader;
GRANT SELECT ON groups, group_user TO regress_query_reader;
GRANT SELECT (id, name) ON users TO regress_query_reader;
GRANT SELECT (id, user_id, likes) ON posts TO regress_query_reader;
SET ROLE regress_query_reader;
SELECT relations.query('users', '{"where": {"id": {"lt": 4}, "top": {"some": {"likes": {"gt": 3}}, "count": {"gte": 1, "where": {"id": {"gt": 0}}}}},
	"preload": {"posts": {"limit": 1, "order": [{"count": "author"}]}}, "count": {"n": {"relation": "top", "where": {"likes": {"lt": 12}}}}, "aggregate": {"most": {"relation": "top", "max": "likes"}}}');
\set VERBOSITY terse
SELECT relations.query('users', '{"where": {"top": {"some": {"title": "post 8"}}}}');
SELECT relations.query('users', '{"order": ["-age"]}');
SELECT relations.query('users', '{"select": ["age"]}');
SELECT relations.query('users', '{"aggregate": {"a": {"relation": "posts", "max": "title"}}}');
RESET ROLE;
DROP OWNED BY regress_query_reader;
DROP ROLE regress_query_reader;
