--
-- 10,000 random documents: what the writer makes has the bytes that
-- PostgreSQL's own conversion makes of the same values
--
\getenv libdir PG_LIBDIR
\set module :libdir '/relations_writer_test'
CREATE FUNCTION writer_test(seed bigint, documents int, types regtype[], samples text[],
	OUT feature text, OUT met bigint) RETURNS SETOF record
AS :'module' LANGUAGE C STRICT;

-- RELATIONS_TEST_SEED, or any; an error names it
\set seed ''
\getenv seed RELATIONS_TEST_SEED
SELECT COALESCE(NULLIF(:'seed', '')::bigint, (random() * 1e9)::bigint) AS seed \gset

-- types that the writer leaves to their output function or to to_jsonb
CREATE TYPE mood AS ENUM ('sad', 'so "so"');
CREATE TYPE cast_mood AS ENUM ('sad', 'glad');
CREATE FUNCTION mood_to_json(cast_mood) RETURNS json IMMUTABLE STRICT LANGUAGE sql AS
$$ SELECT json_build_object('mood', $1::text, 'n', 1) $$;
CREATE CAST (cast_mood AS json) WITH FUNCTION mood_to_json(cast_mood);
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN pairs AS pair[];

CREATE TABLE samples AS SELECT * FROM unnest(
	'{mood, cast_mood, pair, pair, positive, pairs, int[], int[], text[], "numeric[]",
	  float4, float8, float8, interval, time, bytea, int4range, oid, inet, money, bit, name, "\"char\""}'::regtype[],
	ARRAY['so "so"', 'glad', '(1,"a b")', '(,)', '12', '{"(1,a)","(2,)"}', '{}', '{{1,2},{3,NULL}}', '{a,NULL,"b c"}', '{1.50,NaN}',
	  'NaN', '1e300', '-0', '1 day -2 hours', '01:02', '\x00ff', '[1,5)', '4294967295', '::1', '1', '1', 'n', 'c']) s (type, sample);

-- where clocks are turned, where they are not, and where they differ by odd minutes
CREATE TABLE found (feature text, met bigint);
CREATE VIEW types AS SELECT array_agg(type) AS types, array_agg(sample) AS samples FROM samples;
SET timezone = 'UTC';
INSERT INTO found SELECT f.* FROM types, writer_test(:seed, 2500, types, samples) f;
SET timezone = 'America/St_Johns';
INSERT INTO found SELECT f.* FROM types, writer_test(:seed + 2500, 2500, types, samples) f;
SET timezone = 'Asia/Kathmandu';
INSERT INTO found SELECT f.* FROM types, writer_test(:seed + 5000, 2500, types, samples) f;
SET timezone = 'Europe/Dublin';
INSERT INTO found SELECT f.* FROM types, writer_test(:seed + 7500, 2500, types, samples) f;
SELECT feature, sum(met) > 0 AS met FROM found GROUP BY feature ORDER BY feature COLLATE "C";
