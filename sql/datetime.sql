--
-- Dates and times in documents are written by a calendar of our own where it
-- is quicker.  They are to_jsonb's, in every zone and at every edge.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA datetime;
SET search_path = datetime;

CREATE TABLE times (id int PRIMARY KEY, d date, ts timestamp, tz timestamptz);

-- the ends of what has four digits, and of what there is
INSERT INTO times (id, d) SELECT row_number() OVER (), v FROM unnest('{-infinity,infinity,4714-11-24 BC,0001-12-31 BC,0001-01-01,
	0999-12-31,1900-02-28,1900-03-01,2000-02-29,2100-02-28,2100-03-01,9999-12-31,10000-01-01,5874897-12-31}'::date[]) v;
INSERT INTO times (id, ts) SELECT 100 + row_number() OVER (), v FROM unnest('{-infinity,infinity,4714-11-24 BC,0001-12-31 BC,0001-01-01,
	1999-12-31 23:59:59.999999,1999-12-31 23:59:59.9,2000-01-01 00:00:00.000001,2000-01-01 12:34:56.1203,9999-12-31 23:59:59.999999,
	10000-01-01,294276-12-31}'::timestamp[]) v;
INSERT INTO times (id, tz) SELECT 200 + row_number() OVER (), v FROM unnest('{-infinity,infinity,4713-01-02 00:00+00 BC,0001-01-01 00:00+00,
	0001-01-02 00:00+00,0001-01-03 00:00+00,1883-11-18 17:00+00,1890-01-01 00:00+00,1969-12-31 23:59:59.999999+00,1970-01-01 00:00+00,
	9999-12-29 00:00+00,9999-12-31 23:59:59.999999+00,10000-01-01 00:00+00,294276-12-30 00:00+00}'::timestamptz[]) v;
-- every second around two changes to and from summer time
INSERT INTO times (id, tz) SELECT 300 + i, '2024-03-31 00:59:55+00'::timestamptz + i * interval '1 s' FROM generate_series(0, 10) i;
INSERT INTO times (id, tz) SELECT 320 + i, '2024-10-27 00:59:55+00'::timestamptz + i * interval '1 s' FROM generate_series(0, 10) i;
-- and steps through the centuries, so that the same place remembers many of them, back and forth
INSERT INTO times (id, d, ts, tz)
SELECT 1000 + i, '1000-01-01'::date + (i * 7919 % 3000000), '1000-01-01'::timestamp + (i * 104729::int8 % 3000000) * interval '1 day 1.000137 s',
	'1000-01-01 00:00+00'::timestamptz + (i * 15485863::int8 % 26280000) * interval '3601.25 s'
FROM generate_series(1, 4000) i;

-- whole hours, others, seconds, none, more than two digits; names, offsets and rules
CREATE TABLE zones (zone text);
INSERT INTO zones VALUES ('UTC'), ('Europe/Berlin'), ('America/New_York'), ('America/St_Johns'), ('Asia/Kathmandu'), ('Africa/Monrovia'),
	('Europe/Dublin'), ('Asia/Manila'), ('Antarctica/Troll'), ('Pacific/Apia'), ('Pacific/Kiritimati'), ('+05:30'), ('-00:30'),
	('<+03>-3'), ('X-167'), ('X+167'), ('EST5EDT,M3.2.0,M11.1.0');
CREATE FUNCTION differing(zone text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN
	PERFORM set_config('timezone', zone, true);
	SELECT count(*) INTO n FROM (SELECT j, (j ->> 'id')::int AS id FROM relations.preload('times') j) r FULL JOIN times t USING (id)
	WHERE r.j::text IS DISTINCT FROM to_jsonb(t)::text;
	RETURN n;
END $$;
SELECT zone, differing(zone) FROM zones;
-- one after the other, so that what was remembered of one zone is not used for another
SELECT sum(differing(zone)) FROM zones, generate_series(1, 2);

-- some of them to look at
SET timezone = 'Europe/Berlin';
SELECT relations.find('times', id) AS document FROM unnest(ARRAY[4, 9, 13, 102, 109, 203, 207, 212, 213, 305, 325]) id;
RESET timezone;

-- the other settings of dates are none of JSON's
SET datestyle = 'German';
SELECT relations.find('times', 109), relations.find('times', 9);
RESET datestyle;

DROP SCHEMA datetime CASCADE;
