--
-- Keyset paging: pages put together are the whole, each row once, in order
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA query_paging;
SET search_path = query_paging;

--
-- By hand, once: forward, backward, the ends
--
CREATE TABLE letters (id int PRIMARY KEY, letter text, weight numeric);
INSERT INTO letters VALUES (1, 'b', 1), (2, NULL, 2), (3, 'a', NULL), (4, 'b', NULL), (5, NULL, 2), (6, 'c', 1), (7, 'a', 3);
CREATE FUNCTION page(doc jsonb, OUT ids int[], OUT first text, OUT last text) LANGUAGE sql AS $$
	SELECT array_agg((q ->> 'id')::int ORDER BY n), (array_agg(q ->> 'cursor' ORDER BY n))[1], (array_agg(q ->> 'cursor' ORDER BY n DESC))[1]
	FROM relations.query('letters', doc || '{"cursor": true, "order": ["-letter", "weight"], "limit": 3}') WITH ORDINALITY AS x (q, n) $$;
SELECT array_agg(id ORDER BY letter DESC, weight, id) FROM letters;
SELECT ids AS page_1, first AS f1, last AS l1 FROM page('{}') \gset p_
SELECT ids AS page_2, first AS f2, last AS l2 FROM page(jsonb_build_object('after', :'p_l1')) \gset p_
SELECT ids AS page_3, first AS f3, last AS l3 FROM page(jsonb_build_object('after', :'p_l2')) \gset p_
SELECT :'p_page_1' AS "1", :'p_page_2' AS "2", :'p_page_3' AS "3";
-- behind the last and before the first there is nothing
SELECT ids FROM page(jsonb_build_object('after', :'p_l3'));
SELECT ids FROM page(jsonb_build_object('before', :'p_f1'));
-- back
SELECT ids = :'p_page_2'::int[] AS page_2 FROM page(jsonb_build_object('before', :'p_f3'));
SELECT ids = :'p_page_1'::int[] AS page_1 FROM page(jsonb_build_object('before', :'p_f2'));
-- without a limit: all that are behind, all that are before
SELECT q -> 'id' AS behind FROM relations.query('letters', jsonb_build_object('order', '["-letter", "weight"]'::jsonb, 'after', :'p_l1')) q;
SELECT q -> 'id' AS before FROM relations.query('letters', jsonb_build_object('order', '["-letter", "weight"]'::jsonb, 'before', :'p_f3')) q;
-- null: from the start
SELECT ids = :'p_page_1'::int[] AS page_1 FROM page('{"after": null, "before": null}');
-- with conditions, with an offset, from params
SELECT q -> 'id' AS id FROM relations.query('letters', jsonb_build_object('order', '["-letter", "weight"]'::jsonb, 'after', '$c', 'where', '{"weight": null}'::jsonb), jsonb_build_object('c', :'p_f2')) q;
SELECT q -> 'id' AS id FROM relations.query('letters', jsonb_build_object('order', '["-letter", "weight"]'::jsonb, 'after', :'p_l1', 'offset', 2, 'limit', 1)) q;
SELECT q -> 'id' AS id FROM relations.query('letters', jsonb_build_object('order', '["-letter", "weight"]'::jsonb, 'before', :'p_f3', 'offset', 1, 'limit', 2)) q;
-- a row that has gone, or that others came before, is no harm: its place is known
BEGIN;
DELETE FROM letters WHERE id = ANY (:'p_page_1'::int[]);
INSERT INTO letters VALUES (8, NULL, 0), (9, 'b', 0), (10, 'b', 1.5);
SELECT ids FROM page(jsonb_build_object('after', :'p_l1'));
ROLLBACK;

--
-- A cursor means the same whatever the session's settings
--
CREATE TABLE times (id int PRIMARY KEY, at timestamptz, on_day date, took interval, ratio float8);
INSERT INTO times SELECT i, timestamptz '2024-02-03 04:05:06.789 UTC' + i * interval '1 day', date '2024-02-03' + i, i * interval '-1 day 2 hours', 1.0 / 3 + i / 1e15 FROM generate_series(1, 12) i;
CREATE FUNCTION set_all(a text, b text, c text, d text) RETURNS void LANGUAGE sql AS
$$ SELECT set_config('datestyle', a, true), set_config('timezone', b, true), set_config('intervalstyle', c, true), set_config('extra_float_digits', d, true) $$;
DO $$
DECLARE
	cursors text[] := '{}';
	c text;
	ord jsonb;
BEGIN
	FOR ord IN SELECT jsonb_build_array(o) FROM unnest(ARRAY['at', '-on_day', '-took', 'ratio']) o LOOP
		PERFORM set_all('SQL, DMY', 'Asia/Kolkata', 'sql_standard', '-15');
		SELECT q ->> 'cursor' INTO c FROM relations.query('times', jsonb_build_object('order', ord, 'cursor', true, 'limit', 5)) WITH ORDINALITY AS x (q, n) WHERE n = 5;
		PERFORM set_all('German', 'America/New_York', 'iso_8601', '0');
		RAISE INFO '%: %', ord, (SELECT array_agg(q -> 'id') FROM relations.query('times', jsonb_build_object('order', ord, 'after', c)) q);
		PERFORM set_all('ISO, MDY', 'UTC', 'postgres', '1');
		IF c IS DISTINCT FROM (SELECT q ->> 'cursor' FROM relations.query('times', jsonb_build_object('order', ord, 'cursor', true, 'limit', 5)) WITH ORDINALITY AS x (q, n) WHERE n = 5)
			AND ord <> '["at"]' THEN
			RAISE INFO 'another cursor for %', ord;
		END IF;
	END LOOP;
END $$;

--
-- The property: random rows, orders and sizes of pages
--
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE things (
	a int, b text, -- the primary key
	i int, t text COLLATE "C", v varchar(5), n numeric, f float8, z timestamptz, u uuid NOT NULL, m mood, o boolean NOT NULL, d date,
	r int4range, l int[], up_a int, up_b text, PRIMARY KEY (a, b)
);
SELECT setseed(0.25);
INSERT INTO things SELECT x % 20, (ARRAY['x', 'Y', 'ü', 'x ', '', ';', '1:a;', '-;'])[1 + x / 20], (random() * 6)::int, (ARRAY['a', 'B', 'é', '', NULL])[1 + (random() * 4)::int],
	(ARRAY['a', 'a ', 'b', NULL])[1 + (random() * 3)::int], (ARRAY[1, 1.0, 'NaN', -0.5, NULL, 1e30]::numeric[])[1 + (random() * 5)::int],
	(ARRAY['NaN', 'Infinity', '-Infinity', 0, '-0', 0.1, NULL]::float8[])[1 + (random() * 6)::int],
	(ARRAY['infinity', '2024-01-01 00:00:00.000001', '2024-01-01', '0001-01-01 BC', NULL]::timestamptz[])[1 + (random() * 4)::int],
	md5((random() * 4)::int::text)::uuid, (ARRAY['sad', 'ok', 'happy', NULL]::mood[])[1 + (random() * 3)::int], random() < 0.5,
	CASE WHEN random() < 0.7 THEN date '2024-01-01' + (random() * 3)::int END, int4range((random() * 3)::int, 3 + (random() * 2)::int),
	CASE WHEN random() < 0.8 THEN ARRAY[(random() * 2)::int, NULL, 1] END
FROM generate_series(0, 150) x;
UPDATE things SET i = NULL WHERE random() < 0.2;
UPDATE things t SET (up_a, up_b) = (SELECT a, b FROM things x WHERE (x.a * 7 + length(t.b) + t.a) % 11 = 3 ORDER BY md5(x.a || x.b || t.a || t.b) LIMIT 1) WHERE random() < 0.85;
SELECT kind FROM relations.belongs_to('things', 'up', 'things', foreign_key => 'up_a, up_b', local_key => 'a, b', enforce => false);
SELECT kind FROM relations.has_many('things', 'downs', 'things', foreign_key => 'up_a, up_b', local_key => 'a, b', enforce => false);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE tag_thing (tag_id int REFERENCES tags, thing_a int, thing_b text, note text, FOREIGN KEY (thing_a, thing_b) REFERENCES things, PRIMARY KEY (tag_id, thing_a, thing_b));
INSERT INTO tags SELECT i, 'tag' || i FROM generate_series(1, 5) i;
INSERT INTO tag_thing SELECT 1 + i % 5, a, b, (ARRAY['x', 'y', NULL])[1 + (random() * 2)::int]
FROM (SELECT a, b, row_number() OVER (ORDER BY a, b)::int AS i FROM things) x WHERE i % 4 > 0;
SELECT kind FROM relations.many_to_many('tags', 'things', 'things', 'tag_thing', pivot_foreign_key => 'tag_id', pivot_related_foreign_key => 'thing_a, thing_b', pivot_columns => 'note');

-- an order of up to four parts; of things that a pivot leads to also by the pivot
CREATE FUNCTION random_order(pivot boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	columns text[] := ARRAY['i', 't', 'v', 'n', 'f', 'z', 'u', 'm', 'o', 'd', 'r', 'l', 'b', 'up.i', 'up.t', 'up.up.d', 'COUNT'];
	result jsonb := '[]';
	item text;
BEGIN
	IF pivot THEN
		columns := columns || ARRAY['pivot.note', 'pivot.note', 'pivot.thing_b'];
	END IF;
	FOR k IN 1 .. (random() * 4)::int LOOP
		item := columns[1 + floor(random() * cardinality(columns))::int];
		result := result || CASE
			WHEN item = 'COUNT' THEN jsonb_build_object('count', 'downs', 'direction', (ARRAY['asc', 'desc'])[1 + (random())::int])
			WHEN random() < 0.3 THEN to_jsonb(item)
			WHEN random() < 0.4 THEN to_jsonb('-' || item)
			ELSE jsonb_build_object('column', item, 'direction', (ARRAY['asc', 'desc'])[1 + (random())::int], 'nulls', (ARRAY['first', 'last'])[1 + (random())::int]) END;
	END LOOP;
	RETURN result;
END $$;
CREATE FUNCTION check_pages(rounds int) RETURNS TABLE (rows bigint, pages int, wrong int) LANGUAGE plpgsql AS $$
DECLARE
	ord jsonb;
	doc jsonb;
	size int;
	whole jsonb[];
	got jsonb[];
	page jsonb[];
	c text;
BEGIN
	rows := 0; pages := 0; wrong := 0;
	FOR round IN 1 .. rounds LOOP
		ord := random_order(false);
		size := 1 + (random() * 60)::int;
		doc := jsonb_build_object('order', ord, 'select', '["a", "b"]'::jsonb);
		IF random() < 0.5 THEN
			doc := doc || '{"where": {"or": [{"i": {"gte": 3}}, {"t": null}]}}';
		END IF;
		whole := ARRAY(SELECT q FROM relations.query('things', doc) q);
		doc := doc || jsonb_build_object('limit', size, 'cursor', true);
		-- forward
		got := '{}'; c := NULL;
		LOOP
			page := ARRAY(SELECT q FROM relations.query('things', doc || jsonb_build_object('after', c)) q);
			EXIT WHEN cardinality(page) = 0 OR pages > 100000;
			pages := pages + 1;
			c := page[cardinality(page)] ->> 'cursor';
			got := got || page;
		END LOOP;
		IF ARRAY(SELECT x - 'cursor' FROM unnest(got) WITH ORDINALITY AS y (x, k) ORDER BY k) <> whole THEN
			wrong := wrong + 1;
			RAISE INFO 'forward, % a page: %', size, doc;
		END IF;
		-- backward from the last row
		IF cardinality(got) > 0 THEN
			got := got[cardinality(got):]; c := got[1] ->> 'cursor';
			LOOP
				page := ARRAY(SELECT q FROM relations.query('things', doc || jsonb_build_object('before', c)) q);
				EXIT WHEN cardinality(page) = 0 OR pages > 100000;
				pages := pages + 1;
				c := page[1] ->> 'cursor';
				got := page || got;
			END LOOP;
			IF ARRAY(SELECT x - 'cursor' FROM unnest(got) WITH ORDINALITY AS y (x, k) ORDER BY k) <> whole THEN
				wrong := wrong + 1;
				RAISE INFO 'backward, % a page: %', size, doc;
			END IF;
		END IF;
		rows := rows + cardinality(whole);
	END LOOP;
	RETURN NEXT;
END $$;
SELECT setseed(0.5);
SELECT rows > 5000 AS many_rows, pages > 1000 AS many_pages, wrong FROM check_pages(100);

--
-- The same of the rows of a relation: a cursor belongs to one parent
--
CREATE FUNCTION check_related(model regclass, relation name, key text, pivot boolean, rounds int) RETURNS TABLE (rows int, pages int, wrong int) LANGUAGE plpgsql AS $$
DECLARE
	ord jsonb;
	doc jsonb;
	parent record;
	whole jsonb[];
	got jsonb[];
	page jsonb[];
	first jsonb;
	size int;
BEGIN
	rows := 0; pages := 0; wrong := 0;
	FOR round IN 1 .. rounds LOOP
		ord := random_order(pivot);
		size := 1 + (random() * 7)::int;
		doc := jsonb_build_object('order', ord, 'select', '["a", "b"]'::jsonb);
		FOR parent IN SELECT q - relation AS row, q -> relation::text AS children
			FROM relations.query(model, jsonb_build_object('preload', jsonb_build_object(relation, doc || jsonb_build_object('limit', size, 'cursor', true)))) q
			WHERE random() < 0.3
		LOOP
			EXECUTE format('SELECT ARRAY(SELECT q FROM jsonb_populate_record(NULL::%s, $1) p, relations.query_related($2, %s, $3, $4) q)', model, key)
				INTO whole USING parent.row, model, relation, doc;
			-- the first page comes with the parent
			got := ARRAY(SELECT jsonb_array_elements(parent.children));
			LOOP
				EXIT WHEN cardinality(got) = 0;
				EXECUTE format('SELECT ARRAY(SELECT q FROM jsonb_populate_record(NULL::%s, $1) p, relations.query_related($2, %s, $3, $4) q)', model, key)
					INTO page USING parent.row, model, relation, doc || jsonb_build_object('limit', size, 'cursor', true, 'after', got[cardinality(got)] ->> 'cursor');
				EXIT WHEN cardinality(page) = 0 OR pages > 100000;
				pages := pages + 1;
				got := got || page;
			END LOOP;
			IF ARRAY(SELECT x - 'cursor' FROM unnest(got) WITH ORDINALITY AS y (x, k) ORDER BY k) <> whole THEN
				wrong := wrong + 1;
				RAISE INFO '% a page: %: % is not %', size, doc, got, whole;
			END IF;
			-- and back, a page that ends before the last row
			IF cardinality(got) > 1 THEN
				EXECUTE format('SELECT ARRAY(SELECT q FROM jsonb_populate_record(NULL::%s, $1) p, relations.query_related($2, %s, $3, $4) q)', model, key)
					INTO page USING parent.row, model, relation, doc || jsonb_build_object('limit', size, 'before', got[cardinality(got)] ->> 'cursor');
				IF page <> whole[greatest(1, cardinality(whole) - size) : cardinality(whole) - 1] THEN
					wrong := wrong + 1;
					RAISE INFO 'before, % a page: %', size, doc;
				END IF;
			END IF;
			rows := rows + cardinality(whole);
		END LOOP;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT setseed(0.75);
SELECT rows > 100 AS many_rows, pages > 20 AS many_pages, wrong FROM check_related('things', 'downs', 'ROW(p.a, p.b)::text', false, 40);
SELECT rows > 300 AS many_rows, pages > 50 AS many_pages, wrong FROM check_related('tags', 'things', 'p.id', true, 25);

--
-- One cursor for all parents: those behind it of each
--
CREATE TABLE days (id int PRIMARY KEY, tag_id int REFERENCES tags, day date);
INSERT INTO days SELECT i, 1 + i % 5, CASE WHEN i % 7 > 0 THEN date '2024-01-01' + i % 9 END FROM generate_series(1, 60) i;
SELECT kind FROM relations.has_many('tags', 'days', 'days');
SELECT q ->> 'cursor' AS c FROM relations.query('days', '{"where": {"id": 20}, "order": ["day"], "cursor": true}') q \gset
SELECT q -> 'id' AS tag, jsonb_path_query_array(q, '$.days[*].id') AS days, ARRAY(SELECT id FROM days d WHERE tag_id = (q ->> 'id')::int
	AND (day > x.day OR day = x.day AND d.id > x.id OR day IS NULL) ORDER BY day, id LIMIT 3) AS byhand
FROM (SELECT * FROM days WHERE id = 20) x,
	relations.query('tags', jsonb_build_object('preload', jsonb_build_object('days', jsonb_build_object('order', '["day"]'::jsonb, 'limit', 3, 'after', :'c')))) q;
SELECT q -> 'id' AS tag, jsonb_path_query_array(q, '$.days[*].id') AS days, ARRAY(SELECT id FROM (SELECT * FROM days d WHERE tag_id = (q ->> 'id')::int
	AND (day < x.day OR day = x.day AND d.id < x.id) ORDER BY day DESC, id DESC LIMIT 3) d ORDER BY day, id) AS byhand
FROM (SELECT * FROM days WHERE id = 20) x,
	relations.query('tags', jsonb_build_object('preload', jsonb_build_object('days', jsonb_build_object('order', '["day"]'::jsonb, 'limit', 3, 'before', :'c')))) q;

--
-- A pivot without a primary key cannot tell its rows apart
--
CREATE TABLE marks (tag_id int NOT NULL REFERENCES tags, day_id int NOT NULL REFERENCES days, note text NOT NULL);
INSERT INTO marks VALUES (1, 1, 'x'), (1, 1, 'y'), (1, 2, 'z');
SELECT kind FROM relations.many_to_many('tags', 'marked', 'days', 'marks', pivot_columns => 'note');
SELECT relations.query_related('tags', 1, 'marked', '{"limit": 1, "cursor": true}');
-- unless it is said what does
CREATE UNIQUE INDEX ON marks (tag_id, day_id, note);
SELECT primary_key FROM relations.model('marks', primary_key => 'tag_id, day_id, note');
SELECT q ->> 'cursor' AS c FROM relations.query_related('tags', 1, 'marked', '{"limit": 1, "cursor": true}') q \gset
SELECT relations.query_related('tags', 1, 'marked', jsonb_build_object('select', '["id"]'::jsonb, 'after', :'c'));
