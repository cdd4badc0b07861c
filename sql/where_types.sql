--
-- A condition compares a column with a value as SQL compares it with a literal:
-- the value has the column's type but not its type modifier, and the operator
-- is the type's own.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE EXTENSION citext;
SET client_min_messages = notice;
CREATE SCHEMA where_types;
SET search_path = where_types, public;

-- each condition of a document, and the same in SQL: the ids, which must be equal
CREATE FUNCTION compared(model text, VARIADIC conditions text[])
RETURNS TABLE (condition text, "document" text, "sql" text, equal boolean) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. array_length(conditions, 1) / 2 LOOP
		condition := conditions[2 * i - 1];
		BEGIN
			SELECT string_agg(d ->> 'id', ',') INTO "document"
			FROM relations.query(model::regclass, jsonb_build_object('select', '["id"]'::jsonb, 'where', condition::jsonb)) d;
		EXCEPTION WHEN OTHERS THEN "document" := SQLERRM;
		END;
		EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM %s WHERE %s', model, conditions[2 * i]) INTO "sql";
		equal := "document" IS NOT DISTINCT FROM "sql";
		RETURN NEXT;
	END LOOP;
END $$;

--
-- Type modifiers: nothing is rounded, cut or refused
--
CREATE DOMAIN amount AS numeric(6,2);
CREATE TABLE items (id int PRIMARY KEY, price numeric(6,2), domained amount, at timestamp(0), atz timestamptz(0), t time(0),
	tz timetz(0), iv interval(0), years interval year, code varchar(5), fixed char(5), b bit(3), vb varbit(3), list numeric(6,2)[]);
INSERT INTO items VALUES
	(1, 1.50, 1.50, '2024-01-01 10:00:01', '2024-01-01 10:00:01+00', '10:00:01', '10:00:01+00', '1 second', '1 year', 'abcde', 'abcde', '101', '101', '{1.50,2.00}'),
	(2, 2.00, 2.00, '2024-01-01 10:00:02', '2024-01-01 10:00:02+00', '10:00:02', '10:00:02+00', '2 seconds', '2 years', 'x', 'x', '000', '0', '{}');
SELECT * FROM compared('items',
	'{"price": 1.501}', 'price = 1.501',
	'{"price": {"ne": 1.501}}', 'price <> 1.501',
	'{"price": {"gt": 1.496}}', 'price > 1.496',
	'{"price": {"lt": 1.504}}', 'price < 1.504',
	'{"price": {"lt": 10000}}', 'price < 10000',
	'{"price": {"in": [1.499, 7]}}', 'price IN (1.499, 7)',
	'{"price": {"not_in": [1.499, 7]}}', 'price NOT IN (1.499, 7)',
	'{"price": {"between": [1.501, 1.6]}}', 'price BETWEEN 1.501 AND 1.6',
	'{"domained": {"gt": 1.496}}', 'domained > 1.496',
	'{"domained": 1e9}', 'domained = 1e9',
	'{"at": {"gt": "2024-01-01 10:00:00.6"}}', $$at > '2024-01-01 10:00:00.6'$$,
	'{"atz": {"gt": "2024-01-01 10:00:00.6+00"}}', $$atz > '2024-01-01 10:00:00.6+00'$$,
	'{"t": {"lt": "10:00:01.4"}}', $$t < '10:00:01.4'$$,
	'{"tz": {"lt": "10:00:01.4+00"}}', $$tz < '10:00:01.4+00'$$,
	'{"iv": {"gte": "1.4 seconds"}}', $$iv >= '1.4 seconds'$$,
	'{"years": {"lt": "1 year 2 months"}}', $$years < '1 year 2 months'$$,
	'{"code": "abcdef"}', $$code = 'abcdef'$$,
	'{"code": {"ne": "abcdef"}}', $$code <> 'abcdef'$$,
	'{"fixed": {"lt": "abcdef"}}', $$fixed < 'abcdef'$$,
	'{"fixed": "x"}', $$fixed = 'x'$$,
	'{"b": {"gt": "1"}}', $$b > '1'$$,
	'{"vb": {"lt": "1010"}}', $$vb < '1010'$$,
	'{"list": {"contains": [1.501]}}', $$list @> '{1.501}'$$,
	'{"list": [1.5, 2]}', $$list = '{1.5,2}'$$,
	'{"list": {"overlaps": "{1.504}"}}', $$list && '{1.504}'$$);
-- as parameters of a query
SELECT relations.query('items', '{"select": ["id"], "where": {"at": "$at"}}', '{"at": "2024-01-01 10:00:01.4"}');
SELECT relations.query('items', '{"select": ["id"], "where": {"price": {"gt": "$price"}}}', '{"price": 1.496}');
-- the statement that preload_sql returns says the same
SELECT relations.preload_sql('items', '{"select": ["id"], "where": {"price": {"gt": 1.496}, "b": "1010", "fixed": "abcdef", "vb": {"in": ["1010"]}}}');

-- in scopes, counts and filters of a relation
CREATE TABLE carts (id int PRIMARY KEY);
CREATE TABLE lines (id int PRIMARY KEY, cart_id int REFERENCES carts, price numeric(6,2), at timestamp(0));
SELECT relation FROM relations.has_many('carts', 'lines', 'lines');
SELECT relation FROM relations.has_many('carts', 'dear', 'lines', scope => '{"where": {"price": {"gte": 1.501}}}');
INSERT INTO carts VALUES (1);
INSERT INTO lines VALUES (1, 1, 1.50, '2024-01-01 10:00:01'), (2, 1, 9.00, '2024-01-01 10:00:05');
SELECT relations.query('carts', '{"preload": {"dear": {"select": ["id"]}}, "count": {"n": {"relation": "lines", "where": {"price": {"gte": 1.501}}}}, "where": {"lines": {"count": {"eq": 1, "where": {"price": {"lt": 1.501}}}}}}');
SELECT count(*) FROM lines WHERE cart_id = 1 AND price >= 1.501;
-- no row is changed or deleted that the condition leaves out
SELECT relations.update_related('carts', 1, 'lines', '{"price": {"gte": 1.501}}', '{"price": 10}');
SELECT relations.delete_related('carts', 1, 'lines', '{"at": {"gt": "2024-01-01 10:00:04.6", "lt": "2024-01-01 10:00:05.4"}}');
SELECT relations.delete_related('carts', 1, 'lines', '{"at": {"gte": "2024-01-01 10:00:01.2"}}');
SELECT relations.delete_related('carts', 1, 'dear');
SELECT id, price FROM lines;

--
-- like, ilike, regex and starts_with
--
CREATE DOMAIN address AS citext;
CREATE TABLE people (id int PRIMARY KEY, email citext, other address, c char(6), n name, v varchar(9), bytes bytea, number int);
INSERT INTO people VALUES (1, 'Ann@Test.com', 'Ann@Test.com', 'ab', 'ab', 'ab', 'ab', 12), (2, '100%_a\b', '100%_a\b', 'AB', 'AB', 'AB', '\x00ff', 21);
SELECT * FROM compared('people',
	'{"email": "ann@test.COM"}', $$email = 'ann@test.COM'$$,
	'{"email": {"like": "ann@%"}}', $$email LIKE 'ann@%'$$,
	'{"email": {"ilike": "ANN@%"}}', $$email ILIKE 'ANN@%'$$,
	'{"email": {"regex": "^ann@"}}', $$email ~ '^ann@'$$,
	'{"email": {"not": {"like": "ann@%"}}}', $$NOT email LIKE 'ann@%'$$,
	'{"email": {"starts_with": "ann@"}}', $$lower(email::text) ^@ 'ann@'$$,
	'{"email": {"starts_with": "100%_A\\B"}}', $$lower(email::text) ^@ '100%_a\b'$$,
	'{"email": {"starts_with": "1_0"}}', $$lower(email::text) ^@ '1_0'$$,
	'{"email": {"starts_with": ""}}', $$lower(email::text) ^@ ''$$,
	'{"other": {"like": "ann@%"}}', $$other LIKE 'ann@%'$$,
	'{"other": {"starts_with": "ANN"}}', $$lower(other::text) ^@ 'ann'$$,
	'{"c": {"like": "ab"}}', $$c LIKE 'ab'$$,
	'{"c": {"like": "ab____"}}', $$c LIKE 'ab____'$$,
	'{"c": {"ilike": "AB____"}}', $$c ILIKE 'AB____'$$,
	'{"c": {"regex": "^ab$"}}', $$c ~ '^ab$'$$,
	'{"c": {"regex": "^ab {4}$"}}', $$c ~ '^ab {4}$'$$,
	'{"c": {"starts_with": "a"}}', $$c ^@ 'a'$$,
	'{"c": {"starts_with": "ab "}}', $$c ^@ 'ab '$$,
	'{"n": {"like": "a%"}}', $$n LIKE 'a%'$$,
	'{"n": {"starts_with": "a"}}', $$n ^@ 'a'$$,
	'{"v": {"like": "a_"}}', $$v LIKE 'a_'$$,
	'{"v": {"ilike": "a_"}}', $$v ILIKE 'a_'$$,
	'{"bytes": {"like": "a%"}}', $$bytes LIKE 'a%'$$,
	'{"number": {"like": "1%"}}', $$number::text LIKE '1%'$$);
SELECT relations.preload_sql('people', '{"select": ["id"], "where": {"email": {"like": "ann@%"}, "other": {"starts_with": "10%"}, "c": {"like": "ab____"}, "v": {"like": "a%"}}}');
-- a cached statement follows the operator to another schema
CREATE SCHEMA elsewhere;
ALTER EXTENSION citext SET SCHEMA elsewhere;
SELECT relations.query('people', '{"select": ["id"], "where": {"email": {"like": "ann@%"}}}');
ALTER EXTENSION citext SET SCHEMA public;
SELECT relations.query('people', '{"select": ["id"], "where": {"email": {"like": "ann@%"}}}');

-- an operator of another role for a type is not used
SET client_min_messages = warning;
CREATE ROLE relations_where_types;
SET client_min_messages = notice;
GRANT CREATE, USAGE ON SCHEMA where_types TO relations_where_types;
CREATE TYPE shade AS ENUM ('dark', 'light');
CREATE TABLE walls (id int PRIMARY KEY, shade shade);
INSERT INTO walls VALUES (1, 'dark');
SET ROLE relations_where_types;
CREATE FUNCTION spy(shade, shade) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'spied as %', current_user; END$$;
CREATE OPERATOR ~~ (LEFTARG = shade, RIGHTARG = shade, FUNCTION = spy);
RESET ROLE;
SELECT relations.query('walls', '{"where": {"shade": {"like": "d%"}}}');

--
-- A range contains a range, or an element: a string that begins with "[" or
-- "(", or "empty", is a range
--
CREATE TYPE words AS RANGE (subtype = text);
CREATE TABLE stays (id int PRIMARY KEY, nights daterange, numbers int4range, seasons datemultirange, w words);
INSERT INTO stays VALUES (1, '[2024-01-01,2024-01-05)', '[1,5)', '{[2024-01-01,2024-02-01),[2024-06-01,2024-07-01)}', '[a,c)'),
	(2, 'empty', '[7,)', '{}', '("[",b)');
SELECT * FROM compared('stays',
	'{"nights": {"contains": "2024-01-02"}}', $$nights @> '2024-01-02'::date$$,
	'{"nights": {"contains": "2024-01-05"}}', $$nights @> '2024-01-05'::date$$,
	'{"nights": {"contains": "[2024-01-02,2024-01-02]"}}', $$nights @> '[2024-01-02,2024-01-02]'::daterange$$,
	'{"nights": {"contains": " (2024-01-02,2024-01-05)"}}', $$nights @> '(2024-01-02,2024-01-05)'::daterange$$,
	'{"nights": {"contains": "Empty "}}', $$nights @> 'empty'::daterange$$,
	'{"nights": {"not": {"contains": "2024-01-02"}}}', $$NOT nights @> '2024-01-02'::date$$,
	'{"nights": {"contained": "[2023-01-01,2025-01-01)"}}', $$nights <@ '[2023-01-01,2025-01-01)'::daterange$$,
	'{"nights": {"overlaps": "[2024-01-04,2025-01-01)"}}', $$nights && '[2024-01-04,2025-01-01)'::daterange$$,
	'{"numbers": {"contains": 4}}', $$numbers @> 4$$,
	'{"numbers": {"contains": "9"}}', $$numbers @> 9$$,
	'{"numbers": {"contains": "[3,4]"}}', $$numbers @> '[3,4]'::int4range$$,
	'{"seasons": {"contains": "2024-06-15"}}', $$seasons @> '2024-06-15'::date$$,
	'{"seasons": {"contains": "2024-03-15"}}', $$seasons @> '2024-03-15'::date$$,
	'{"seasons": {"contains": "[2024-06-15,2024-06-20)"}}', $$seasons @> '[2024-06-15,2024-06-20)'::daterange$$,
	'{"seasons": {"contains": "{[2024-01-15,2024-01-20),[2024-06-15,2024-06-20)}"}}', $$seasons @> '{[2024-01-15,2024-01-20),[2024-06-15,2024-06-20)}'::datemultirange$$,
	'{"w": {"contains": "b"}}', $$w @> 'b'::text$$,
	'{"w": {"contains": "[a,b]"}}', $$w @> '[a,b]'::words$$);
SELECT relations.query('stays', '{"select": ["id"], "where": {"nights": {"contains": "$d"}}}', '{"d": "2024-01-02"}');
SELECT relations.query('stays', '{"where": {"nights": {"contains": "soon"}}}');
SELECT relations.query('stays', '{"where": {"numbers": {"contains": 1.5}}}');

SET client_min_messages = warning;
DROP SCHEMA where_types, elsewhere CASCADE;
DROP EXTENSION citext;
DROP ROLE relations_where_types;
