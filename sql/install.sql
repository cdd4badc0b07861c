--
-- What CREATE EXTENSION brings: everything is commented, the catalog is read
-- by all, and written by none but the functions
--
SET client_min_messages = warning;
CREATE EXTENSION relations;
\dx relations
SELECT p.oid::regprocedure AS function_without_comment FROM pg_proc p
WHERE pronamespace = 'relations'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT p.proname, p.provolatile, p.proisstrict FROM pg_proc p
WHERE pronamespace = 'relations'::regnamespace AND p.proname !~ '^key_' ORDER BY 1;
SELECT relname, relacl FROM pg_class
WHERE relnamespace = 'relations'::regnamespace AND relkind = 'r' ORDER BY 1;
-- all that may be a key
SELECT 1::int2::relations.key, 2::relations.key, 3::int8::relations.key, 4.50::relations.key,
	'00000000-0000-0000-0000-00000000000a'::uuid::relations.key, 'text'::text::relations.key,
	'varchar'::varchar::relations.key, '2024-02-29'::date::relations.key, '(7,42)'::relations.key;
DROP EXTENSION relations;
CREATE EXTENSION relations;
