--
-- Lengths in a Jsonb value have 28 bits, padding included: what needs more is
-- the error that PostgreSQL's own conversion raises, at each place that adds to
-- a length
--
\getenv libdir PG_LIBDIR
\set module :libdir '/relations_writer_test'
CREATE FUNCTION writer_limit_test(place text, length bigint) RETURNS bigint AS :'module' LANGUAGE C STRICT;
\set limit 268435455

-- the object around the value has 28 bytes besides, and 12 more with another key
SELECT writer_limit_test('leaf', :limit - 28);
SELECT writer_limit_test('leaf', :limit - 27);
SELECT writer_limit_test('value', :limit - 41);
SELECT writer_limit_test('value', :limit - 39);
-- three bytes of padding make the length of the value itself too large
SELECT writer_limit_test('leaf', :limit - 2);
SELECT writer_limit_test('value', :limit - 2);
SELECT writer_limit_test('scalar', :limit - 2);
SELECT writer_limit_test('staged', :limit - 2);
-- what is written in place
SELECT writer_limit_test('member', :limit + 1);
SELECT writer_limit_test('member', :limit - 20);
SELECT writer_limit_test('array', :limit - 1);
SELECT writer_limit_test('array', :limit + 3);
