--
-- Factories: values for columns of which nobody says anything
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA factory;
SET search_path = factory;
SET timezone = 'UTC';
SET lc_monetary = 'C';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS int CHECK (VALUE >= 0 AND VALUE <= 100);
CREATE DOMAIN email AS text NOT NULL CHECK (VALUE LIKE '%@%');
CREATE TYPE pair AS (x int, label text);

-- Names promise what values look like
CREATE TABLE people (id serial PRIMARY KEY, first_name text, last_name text, full_name text, email text, "backupEmail" text, username text, phone text,
	street_address text, city text, state text, country text, country_code char(2), zip text, company_name text, job_title text, birthday date,
	website text, avatar_url text, password_hash text, bio text, title text, slug text, ip_address inet, color text, currency char(3), locale text,
	created_at timestamptz, updated_at timestamptz, deleted_at timestamptz, expires_at timestamptz, age int, rating int, price numeric(6,2), latitude numeric);
SELECT jsonb_pretty(relations.factory_create('people', 1, '{"seed": 5}'));
-- one row, one person
SELECT count(*) FROM relations.factory_create('people', 500, '{"seed": 6}');
SELECT count(*) AS rows, count(*) FILTER (WHERE full_name = first_name || ' ' || last_name) AS of_one, count(*) FILTER (WHERE "backupEmail" = email) AS doubles,
	count(*) FILTER (WHERE created_at <= updated_at AND updated_at < expires_at AND deleted_at IS NULL) AS in_order,
	count(*) FILTER (WHERE email ~ '^[a-z]+\.[a-z]+@example\.(com|org|net)$') AS emails, count(*) FILTER (WHERE bio ~ '^[A-Z][a-z ]+\.') AS sentences,
	count(*) FILTER (WHERE age BETWEEN 18 AND 90 AND rating BETWEEN 1 AND 5 AND latitude BETWEEN -90 AND 90 AND price > 0) AS numbers,
	count(DISTINCT city) > 100 AS cities
FROM people;
-- "name" is that of what the table holds
CREATE TABLE companies (name text);
CREATE TABLE cities (name text);
CREATE TABLE products (name text);
CREATE TABLE anythings (name text);
SELECT relations.factory_create('companies', 1, '{"seed": 2}') ->> 'name' AS company, relations.factory_create('cities', 1, '{"seed": 2}') ->> 'name' AS city,
	relations.factory_create('products', 1, '{"seed": 2}') ->> 'name' AS product, relations.factory_create('anythings', 1, '{"seed": 2}') ->> 'name' AS anything;

-- Types: each has its rule
CREATE TABLE kinds (id bigserial PRIMARY KEY, a bool, b int2, c int8, d numeric, e numeric(5,2), f numeric(2,2), g numeric(3,-2), h float4, i float8,
	k varchar(10), l char(5), m varchar(1), n name, o "char", p bytea, q timestamp, r time, s timetz, t interval, u uuid, v cidr, w macaddr, x macaddr8,
	ja json, jb jsonb, ma mood, pe percent, em email, pr pair, ia int[], va varchar(4)[], ea mood[], ir int4range, dr daterange, tr tstzrange, mr int4multirange,
	pt point, ls lseg, bx box, ph path, pg polygon, ci circle, li line, mo money, ln pg_lsn, b8 bit(8), vb varbit(5), tv tsvector, tq tsquery, jp jsonpath, oi oid,
	rc regclass, twice bigint GENERATED ALWAYS AS (c * 2) STORED);
SELECT jsonb_pretty(relations.factory_create('kinds', 1, '{"seed": 3}'));
SELECT count(*) FROM relations.factory_create('kinds', 1000, '{"seed": 4}');
SELECT count(DISTINCT a) AS a, count(DISTINCT ma) AS ma, min(pe) >= 0 AND max(pe) <= 100 AS pe, max(length(k)) <= 10 AS k, max(length(m)) AS m, min(g) AS g, max(g % 100) AS hundreds,
	max(array_length(ia, 1)) AS ia, bool_and(twice = c * 2) AS twice, count(rc) AS no_rule FROM kinds;

-- CHECK constraints: bounds, lists, lengths
CREATE TABLE checked (status text CHECK (status IN ('new', 'old')), score int CHECK (score BETWEEN 5 AND 7), price numeric(8,2) CHECK (price > 0 AND price < 10),
	nick text CHECK (length(nick) >= 30 AND char_length(nick) <= 40), letter varchar(20) CHECK (letter = 'x' OR letter = 'y'), born date CHECK (born > '1999-12-31' AND born < '2000-02-01'),
	big bigint CHECK (big >= 10000000000), low int CHECK (low < -5), rate float8 CHECK (0 < rate AND rate <= 1), maybe int CHECK (maybe IS NULL OR maybe = 12), code char(4) CHECK (code <> ''));
SELECT count(*) FROM relations.factory_create('checked', 1000, '{"seed": 1}');
SELECT array_agg(DISTINCT status ORDER BY status) AS status, min(score) AS score, max(score), min(price) >= 0.01 AS price, max(price) <= 9.99 AS "10", min(length(nick)) >= 30 AS nick, max(length(nick)) <= 40 AS "40",
	array_agg(DISTINCT letter) AS letter, min(born) AS born, max(born), min(big) >= 10000000000 AS big, max(low) <= -6 AS low, min(rate) > 0 AND max(rate) <= 1 AS rate, array_agg(DISTINCT maybe) AS maybe FROM checked;

-- Unique columns: numbers, not luck
CREATE TABLE singles (id int PRIMARY KEY, i2 smallint UNIQUE, n numeric(6,2) UNIQUE, f float8 UNIQUE, t text UNIQUE, email varchar(40) UNIQUE, v varchar(8) UNIQUE, c char(3) UNIQUE,
	d date UNIQUE, ts timestamp UNIQUE, tm time UNIQUE, u uuid UNIQUE, ip inet UNIQUE, jb jsonb UNIQUE, ia int[] UNIQUE, ir int4range, b bit(12) UNIQUE, slug text, token text UNIQUE, EXCLUDE USING gist (ir WITH &&));
CREATE UNIQUE INDEX ON singles (lower(slug));
SELECT relations.factory_create('singles', 2, '{"seed": 3}');
SELECT count(*) FROM relations.factory_create('singles', 2000, '{"seed": 3}');
SELECT count(*) FROM relations.factory_create('singles', 2000, '{"seed": 4}');
-- also beside rows that others wrote
CREATE TABLE accounts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number int UNIQUE, login text UNIQUE);
INSERT INTO accounts (number, login) VALUES (7, 'somebody'), (1000, 'user7');
SELECT relations.define_factory('accounts', '{"login": {"sequence": "user%s"}}');
SELECT relations.factory_create('accounts', 2);
SELECT relations.factory_create('accounts', 1);
CREATE TABLE bookings (room int, during daterange, EXCLUDE USING gist (int4range(room, room, '[]') WITH =, during WITH &&));
CREATE TABLE stays (during daterange, EXCLUDE USING gist (during WITH &&));
INSERT INTO stays VALUES ('[2020-01-04,2020-02-01)');
SELECT d ->> 'during' AS during FROM relations.factory_create('stays', 3) d;
SELECT count(*) FROM relations.factory_create('bookings', 100, '{"merge": {"room": 1}}');
-- few values: those that are left
CREATE TABLE moods (m mood UNIQUE NOT NULL, note text);
INSERT INTO moods VALUES ('ok');
SELECT d ->> 'm' AS m FROM relations.factory_create('moods', 2) d;
SELECT relations.factory_create('moods', 1);
-- of several columns, one carries the number; within one parent it begins anew
CREATE TABLE albums (id serial PRIMARY KEY, artist text, name text, UNIQUE (artist, name));
CREATE TABLE tracks (album_id int REFERENCES albums, position int, title text, PRIMARY KEY (album_id, position));
SELECT count(*) FROM relations.has_many('albums', 'tracks', 'tracks');
SELECT t ->> 'position' AS position FROM relations.factory_create('albums', 2, '{"with": {"tracks": 3}}') d, jsonb_array_elements(d -> 'tracks') t;

-- Defaults are the server's, null is for what nothing fits
CREATE TABLE defaults (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), state text NOT NULL DEFAULT 'new', tagged text[] DEFAULT '{}', code text NOT NULL UNIQUE DEFAULT '', x xid);
SELECT d - 'id' - 'code' AS d, d ->> 'code' <> '' AS code FROM relations.factory_create('defaults', 2) d;
SELECT d ->> 'state' AS state, d ->> 'id' ~ '^[0-9a-f-]{36}$' AS id FROM relations.factory_make('defaults', 1) d;

-- Fakes by name
CREATE FUNCTION fake(f text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM relations.define_factory('anythings', jsonb_build_object('name', jsonb_build_object('fake', f)));
	RETURN relations.factory_make('anythings', 1, '{"seed": 9}') ->> 'name';
END $$;
SELECT f AS fake, left(fake(f), 60) AS example FROM unnest('{address,adjective,birthday,boolean,buzz,city,color,company,country,country_code,currency_code,date,datetime,department,
	domain,email,file_name,first_name,gender,genre,hex_color,image_url,integer,ip,ipv6,job_title,language,language_code,last_name,latitude,locale,longitude,mac,mime_type,name,
	noun,paragraph,paragraphs,password,phone,postcode,price,product,semver,sentence,slug,state,status,street_address,thing,time,time_zone,title,token,url,username,uuid,
	verb,word,words,year,firstName,person.lastName,zipCode}'::text[]) f;
DROP SCHEMA factory CASCADE;
