--
-- The values of a scope mean at each call what they mean then, in the caller's
-- session; a string in it means what it means in a query with parameters.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA scope_values;
SET search_path = scope_values;

CREATE TABLE authors (id int PRIMARY KEY);
CREATE TABLE articles (id int PRIMARY KEY, author_id int REFERENCES authors, published_at timestamptz, day date, takes interval,
	price money, days date[]);
SET datestyle = 'ISO, MDY';
SET timezone = 'UTC';
SELECT relation FROM relations.has_many('authors', 'articles', 'articles');
SELECT relation FROM relations.has_many('authors', 'published', 'articles', scope => '{"where": {"published_at": {"lte": "now"}}}');
SELECT relation FROM relations.has_many('authors', 'of_the_second', 'articles',
	scope => '{"where": {"published_at": {"gte": "2024-01-02", "lt": "2024-01-03"}}}');
SELECT relation FROM relations.has_many('authors', 'of_february', 'articles', scope => '{"where": {"day": {"in": ["02/03/2024", "02/04/2024"]}}}');
SELECT relation FROM relations.has_many('authors', 'of_a_day', 'articles', scope => '{"where": {"days": {"contains": ["02/03/2024"]}}}');
INSERT INTO authors VALUES (1);
INSERT INTO articles VALUES (1, 1, '2024-01-02 00:00+00', '2024-02-03'), (3, 1, '2024-01-01 20:00+00', '2024-03-02');
UPDATE articles SET days = ARRAY[day];

-- time passes between two calls of one session
SELECT jsonb_array_length(relations.find('authors', 1, 'published') -> 'published') AS published;
INSERT INTO articles VALUES (2, 1, clock_timestamp());
SELECT jsonb_array_length(relations.find('authors', 1, 'published') -> 'published') AS published,
	(SELECT count(*) FROM articles WHERE published_at <= now()) AS by_hand;
SELECT relations.query('authors', '{"count": {"n": "published"}, "where": {"published": {"count": {"eq": 3}}}}');
SELECT jsonb_array_length(doc -> 'published') AS published FROM relations.query('authors', '{"preload": {"published": {"order": ["id"]}}}') doc;
SELECT count(*) AS related FROM relations.query_related('authors', 1, 'published');

-- the time zone, the order of day and month: in documents, counts and filters, and for a change
CREATE FUNCTION seen() RETURNS TABLE ("document" jsonb, counted jsonb, by_hand text, february int, by_hand_too text, of_a_day int) LANGUAGE sql AS $$
	SELECT jsonb_path_query_array(doc, '$.of_the_second[*].id'), doc -> 'n',
		(SELECT string_agg(id::text, ',' ORDER BY id) FROM articles WHERE published_at >= '2024-01-02'::text::timestamptz AND published_at < '2024-01-03'::text::timestamptz),
		(SELECT (d ->> 'id')::int FROM relations.query_related('authors', 1, 'of_february') d),
		(SELECT string_agg(id::text, ',') FROM articles WHERE day IN ('02/03/2024'::text::date, '02/04/2024'::text::date)),
		(SELECT (d ->> 'id')::int FROM relations.query_related('authors', 1, 'of_a_day') d)
	FROM relations.query('authors', '{"preload": ["of_the_second"], "count": {"n": "of_the_second"}}') doc
$$;
SELECT * FROM seen();
SET timezone = 'Asia/Tokyo';
SET datestyle = 'ISO, DMY';
SELECT * FROM seen();
SELECT relations.delete_related('authors', 1, 'of_february');
SELECT id FROM articles ORDER BY id;
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SELECT * FROM seen();

-- a value that does not fit any more is an error at the call
SET datestyle = 'ISO, YMD';
SELECT relations.find('authors', 1, 'of_february');
RESET datestyle;
RESET timezone;

--
-- A string that begins with "$" is written with two, as in a query with parameters
--
CREATE TYPE sign AS ENUM ('$x', 'x');
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, s text, sign sign);
INSERT INTO users VALUES (1);
INSERT INTO posts VALUES (1, 1, '$x', '$x'), (2, 1, '$$x', 'x'), (3, 1, '$', 'x');
SELECT relation FROM relations.has_many('users', 'posts', 'posts');
SELECT relation FROM relations.has_many('users', 'one', 'posts', scope => '{"where": {"s": "$$x"}}');
SELECT relation FROM relations.has_many('users', 'both', 'posts', scope => '{"where": {"s": {"in": ["$$x", "$$$x", "$"]}}}');
SELECT relation FROM relations.has_many('users', 'signed', 'posts', scope => '{"where": {"sign": "$$x"}}');
SELECT relation FROM relations.has_many('users', 'refused', 'posts', scope => '{"where": {"s": "$x"}}');
SELECT relation FROM relations.has_many('users', 'refused', 'posts', scope => '{"where": {"or": [{"id": 1}, {"s": {"in": ["a", "$x"]}}]}}');
SELECT jsonb_path_query_array(doc, '$.one[*].s') AS one, jsonb_path_query_array(doc, '$."both"[*].s') AS "both", jsonb_path_query_array(doc, '$.signed[*].id') AS signed
FROM relations.preload('users', 'one', 'both', 'signed') doc;
SELECT d ->> 's' AS s FROM relations.query('posts', '{"where": {"s": {"in": ["$$x", "$$$x", "$"]}}}', '{}') d;
-- a renamed value of an enum is followed
ALTER TYPE sign RENAME VALUE '$x' TO '$y';
SELECT scope FROM relations.relation WHERE model = 'users'::regclass AND relation = 'signed';
SELECT jsonb_path_query_array(relations.find('users', 1, 'signed'), '$.signed[*].id') AS signed;
-- rows that a factory makes are in the scope
SELECT jsonb_path_query_array(relations.factory_create('users', 1, '{"with": {"one": {"count": 1}}, "merge": {"id": 2}}'), '$.one[*].s') AS made;
SELECT s FROM posts WHERE user_id = 2;

SET client_min_messages = warning;
DROP SCHEMA scope_values CASCADE;
