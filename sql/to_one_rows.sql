--
-- A relation leads to the rows that its scope leaves: with a limit the first in
-- its order, and to one row when it is a to-one relation.  Documents, filters,
-- counts, aggregates and query_related narrow down those rows, and no others.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA to_one_rows;
SET search_path = to_one_rows;

CREATE TABLE users (id int PRIMARY KEY, code text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, ok boolean, n int, at date);
CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts, n int);
CREATE TABLE tags (id int PRIMARY KEY, n int);
CREATE TABLE marks (id int PRIMARY KEY, user_id int REFERENCES users, tag_id int REFERENCES tags, n int);
CREATE TABLE notes (id int PRIMARY KEY, code text, n int);
CREATE INDEX ON posts (user_id, n);
INSERT INTO users SELECT i, 'u' || i % 5 FROM generate_series(1, 12) i;
INSERT INTO posts SELECT i, i * 7 % 11 + 1, CASE WHEN i % 5 > 0 THEN i % 2 = 0 END, NULLIF(i * 13 % 17, 3), '2024-01-01'::date + i * 5 % 31 FROM generate_series(1, 60) i;
INSERT INTO comments SELECT i, i * 11 % 60 + 1, i % 7 FROM generate_series(1, 80) i;
INSERT INTO tags SELECT i, i * 3 % 8 FROM generate_series(1, 8) i;
INSERT INTO marks SELECT i, i * 5 % 12 + 1, i * 3 % 8 + 1, i % 4 FROM generate_series(1, 40) i;
INSERT INTO notes SELECT i, 'u' || i % 5, i % 3 FROM generate_series(1, 9) i;

-- each relation, and the same rows in SQL: of user u, as alias t, in their order
CREATE TABLE cases (relation text, to_one boolean, rows text, first text);
INSERT INTO cases VALUES
	('newest', false, 'SELECT * FROM posts WHERE user_id = u.id ORDER BY at DESC, id LIMIT 3', 'at DESC, id'),
	('good', false, 'SELECT * FROM posts WHERE user_id = u.id AND ok ORDER BY id LIMIT 2', 'id'),
	('nothing', false, 'SELECT * FROM posts WHERE user_id = u.id LIMIT 0', 'id'),
	('latest', true, 'SELECT * FROM posts WHERE user_id = u.id ORDER BY at DESC, id LIMIT 1', 'at DESC, id'),
	('any', true, 'SELECT * FROM posts WHERE user_id = u.id ORDER BY id LIMIT 1', 'id'),
	('good_one', true, 'SELECT * FROM posts WHERE user_id = u.id AND ok ORDER BY id LIMIT 1', 'id'),
	('comment', true, 'SELECT c.* FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = u.id ORDER BY c.id LIMIT 1', 'id'),
	('last_comment', true, 'SELECT c.* FROM posts p JOIN comments c ON c.post_id = p.id WHERE p.user_id = u.id ORDER BY c.n DESC, c.id LIMIT 1', 'n DESC, id'),
	('tags', false, 'SELECT t.* FROM marks m JOIN tags t ON t.id = m.tag_id WHERE m.user_id = u.id ORDER BY t.n DESC, t.id LIMIT 2', 'n DESC, id'),
	('note', true, 'SELECT * FROM notes WHERE code = u.code ORDER BY id LIMIT 1', 'id');
SELECT relation FROM relations.has_many('users', 'newest', 'posts', scope => '{"order": ["-at"], "limit": 3}');
SELECT relation FROM relations.has_many('users', 'good', 'posts', scope => '{"where": {"ok": true}, "limit": 2}');
SELECT relation FROM relations.has_many('users', 'nothing', 'posts', scope => '{"limit": 0}');
SELECT relation FROM relations.has_one('users', 'latest', 'posts', scope => '{"order": ["-at"]}');
SELECT relation FROM relations.has_one('users', 'any', 'posts', enforce => false);
SELECT relation FROM relations.has_one('users', 'good_one', 'posts', enforce => false, scope => '{"where": {"ok": true}}');
SELECT relation FROM relations.has_one_through('users', 'comment', 'comments', 'posts');
SELECT relation FROM relations.has_one_through('users', 'last_comment', 'comments', 'posts', scope => '{"order": ["-n"]}');
SELECT relation FROM relations.many_to_many('users', 'tags', 'tags', pivot_table => 'marks', scope => '{"order": ["-n"], "limit": 2}');
SELECT relation FROM relations.belongs_to('users', 'note', 'notes', foreign_key => 'code', local_key => 'code', enforce => false);

-- The ids of related rows by a query document, and by SQL, of each user: as
-- children of all users, of one user, by query_related, and as counts.
CREATE FUNCTION ids(doc jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(string_agg(d ->> 'id', ' ' ORDER BY n), '')
	FROM jsonb_array_elements(CASE jsonb_typeof(doc) WHEN 'array' THEN doc WHEN 'object' THEN jsonb_build_array(doc) ELSE '[]' END) WITH ORDINALITY t (d, n)
$$;
CREATE FUNCTION compared(query jsonb, condition text, ordered text DEFAULT NULL, page text DEFAULT '')
RETURNS TABLE (relation text, users bigint, shown boolean, alone boolean, related boolean, aggregates boolean, filters boolean) LANGUAGE plpgsql AS $$
DECLARE
	c cases; by_hand jsonb; filter jsonb := jsonb_build_object('where', coalesce(query -> 'where', '{}'));
BEGIN
	FOR c IN SELECT * FROM cases LOOP
		relation := c.relation;
		EXECUTE format('SELECT jsonb_object_agg(u.id, (SELECT jsonb_build_array(coalesce(string_agg(x.id::text, '' ''), ''''), (SELECT count(*) FROM (%1$s) t WHERE %2$s), (SELECT sum(t.n) FROM (%1$s) t WHERE %2$s))
			FROM (SELECT t.id FROM (%1$s) t WHERE %2$s ORDER BY %3$s %4$s) x)) FROM users u', c.rows, condition, coalesce(ordered, c.first), page) INTO by_hand;
		-- all users, which are read together
		SELECT count(*), bool_and(ids(d -> 'r') = by_hand -> (d ->> 'id') ->> 0) INTO users, shown
		FROM relations.query('users', jsonb_build_object('preload', jsonb_build_object('r', query || jsonb_build_object('relation', c.relation)))) d;
		-- one user alone
		SELECT bool_and(ids(d -> 'r') = by_hand -> (d ->> 'id') ->> 0) INTO alone
		FROM to_one_rows.users u, relations.query('users', jsonb_build_object('where', jsonb_build_object('id', u.id), 'preload', jsonb_build_object('r', query || jsonb_build_object('relation', c.relation)))) d;
		SELECT bool_and(have = by_hand -> u.id::text ->> 0) INTO related
		FROM to_one_rows.users u, LATERAL (SELECT coalesce(string_agg(d ->> 'id', ' '), '') AS have FROM relations.query_related('users', u.id, c.relation, query) d) q;
		SELECT bool_and(jsonb_build_array(d -> 'n', d -> 's', d -> 'e') = jsonb_build_array(by_hand -> (d ->> 'id') -> 1, by_hand -> (d ->> 'id') -> 2, (by_hand -> (d ->> 'id') -> 1)::int > 0)) INTO aggregates
		FROM relations.query('users', jsonb_build_object('count', jsonb_build_object('n', filter || jsonb_build_object('relation', c.relation)),
			'aggregate', jsonb_build_object('s', filter || jsonb_build_object('relation', c.relation, 'sum', 'n'), 'e', filter || jsonb_build_object('relation', c.relation, 'exists', true)))) d;
		-- users with such a row, without one, and with two of them
		SELECT coalesce(string_agg(d ->> 'id', ' '), '') = (SELECT coalesce(string_agg(u.id::text, ' ' ORDER BY u.id), '') FROM to_one_rows.users u WHERE (by_hand -> u.id::text -> 1)::int > 0) INTO filters
		FROM relations.query('users', jsonb_build_object('where', jsonb_build_object(c.relation, jsonb_build_object(CASE WHEN c.to_one THEN 'is' ELSE 'some' END, filter -> 'where')))) d;
		SELECT filters AND coalesce(string_agg(d ->> 'id', ' '), '') = (SELECT coalesce(string_agg(u.id::text, ' ' ORDER BY u.id), '') FROM to_one_rows.users u WHERE (by_hand -> u.id::text -> 1)::int = 0) INTO filters
		FROM relations.query('users', jsonb_build_object('where', jsonb_build_object(c.relation, jsonb_build_object(CASE WHEN c.to_one THEN 'is_not' ELSE 'none' END, filter -> 'where')))) d;
		SELECT filters AND coalesce(string_agg(d ->> 'id', ' '), '') = (SELECT coalesce(string_agg(u.id::text, ' ' ORDER BY u.id), '') FROM to_one_rows.users u WHERE (by_hand -> u.id::text -> 1)::int >= 2) INTO filters
		FROM relations.query('users', jsonb_build_object('where', jsonb_build_object(c.relation, jsonb_build_object('count', filter || '{"gte": 2}')))) d;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT * FROM compared('{}', 'true');
SELECT * FROM compared('{"where": {"n": {"gt": 2}}}', 'n > 2');
SELECT * FROM compared('{"where": {"not": {"n": 4}}}', 'NOT n = 4');
SELECT * FROM compared('{"where": {"n": {"lt": 9}}, "order": ["n"]}', 'n < 9', 'n, id');
-- only documents have an order of their own, and pages
SELECT relation, shown, alone, related FROM compared('{"order": [{"column": "n", "direction": "desc", "nulls": "last"}]}', 'true', 'n DESC NULLS LAST, id');
SELECT relation, shown, alone, related FROM compared('{"limit": 0}', 'true', NULL, 'LIMIT 0');
SELECT relation, shown, alone, related FROM compared('{"limit": 1}', 'true', NULL, 'LIMIT 1');
SELECT relation, shown, alone, related FROM compared('{"limit": 9}', 'true', NULL, 'LIMIT 9');
SELECT relation, shown, alone, related FROM compared('{"offset": 1}', 'true', NULL, 'OFFSET 1');
SELECT relation, shown, alone, related FROM compared('{"where": {"n": {"gt": 2}}, "offset": 1, "limit": 1}', 'n > 2', NULL, 'LIMIT 1 OFFSET 1');
SELECT relation, shown, alone, related FROM compared('{"where": {"n": {"gt": 2}}, "order": ["-id"], "offset": 0, "limit": 2}', 'n > 2', 'id DESC', 'LIMIT 2');

-- the pages of a limited relation are its rows: each once, forwards and backwards
SELECT id, ids(first -> 'newest') AS first, ids(second -> 'newest') AS second, ids(third -> 'newest') AS third, ids(back -> 'newest') AS back,
	(SELECT string_agg(p.id::text, ' ') FROM (SELECT * FROM posts WHERE user_id = users.id ORDER BY at DESC, id LIMIT 3) p) AS by_hand
FROM users,
	LATERAL (SELECT '{"limit": 1, "cursor": true}'::jsonb AS p) p,
	relations.query('users', jsonb_build_object('where', jsonb_build_object('id', id), 'preload', jsonb_build_object('newest', p))) first,
	relations.query('users', jsonb_build_object('where', jsonb_build_object('id', id), 'preload', jsonb_build_object('newest', p || jsonb_build_object('limit', 2, 'after', first #> '{newest,0,cursor}')))) second,
	relations.query('users', jsonb_build_object('where', jsonb_build_object('id', id), 'preload', jsonb_build_object('newest', p || jsonb_build_object('after', second #> '{newest,1,cursor}')))) third,
	relations.query('users', jsonb_build_object('where', jsonb_build_object('id', id), 'preload', jsonb_build_object('newest', p || jsonb_build_object('limit', 2, 'before', second #> '{newest,1,cursor}')))) back
WHERE id < 4;
SELECT relations.query('users', jsonb_build_object('where', '{"id": 1}'::jsonb, 'preload', jsonb_build_object('latest', jsonb_build_object('after', d -> 'latest' -> 'cursor'))))
FROM relations.query('users', '{"where": {"id": 1}, "preload": {"latest": {"cursor": true}}}') d;

-- The order of a parent by its related row is that of the row that is shown.
SELECT bool_and(by_hand = have) FROM (
	SELECT array_agg(d ->> 'id') AS have FROM relations.query('users', '{"order": [{"column": "any.n", "nulls": "last"}]}') d) q,
	(SELECT array_agg(id::text ORDER BY (SELECT n FROM posts p WHERE user_id = users.id ORDER BY id LIMIT 1) NULLS LAST, id) AS by_hand FROM users) h;

-- the statement that preload_sql returns; and one that needs no limit, since an index proves that there is one row
SELECT relations.preload_sql('users', '{"select": ["id"], "preload": {"newest": {"select": ["id"], "where": {"n": 5}, "order": ["n"]}}}');
SELECT relations.preload_sql('users', '{"select": ["id"], "where": {"any": {"is": {"n": 5}}}}');
CREATE TABLE single (LIKE posts INCLUDING ALL);
CREATE UNIQUE INDEX ON single (user_id);
SELECT relation FROM relations.has_one('users', 'single', 'single');
SELECT relations.preload_sql('users', '{"select": ["id"], "where": {"single": {"is": {"n": 5}}}}');
-- a table that inherits may hold a second row, and so does the cached plan
INSERT INTO single SELECT * FROM posts WHERE id = 7;
SELECT relations.query('users', '{"select": ["id"], "where": {"single": {"is": {"n": 99}}}, "count": {"c": "single"}}');
CREATE TABLE more () INHERITS (single);
INSERT INTO more SELECT 100, user_id, ok, 99, at FROM single;
SELECT relations.query('users', '{"select": ["id"], "where": {"single": {"is": {"n": 99}}}, "count": {"c": "single"}}');
SELECT relations.query('users', jsonb_build_object('select', '["id"]'::jsonb, 'where', jsonb_build_object('id', user_id), 'preload', '["single"]'::jsonb, 'count', '{"c": "single"}'::jsonb)) FROM posts WHERE id = 7;

SET client_min_messages = warning;
DROP SCHEMA to_one_rows CASCADE;
