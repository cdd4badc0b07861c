--
-- What CREATE EXTENSION brings: everything is commented, the catalog is read
-- by all, and written by none but the functions
--
SET client_min_messages = warning;
CREATE EXTENSION relations;
SELECT extversion AS version, extnamespace::regnamespace AS schema, obj_description(oid, 'pg_extension') AS description
FROM pg_extension WHERE extname = 'relations';
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'relations'
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND obj_description(d.objid, d.classid::regclass::name) IS NULL
	-- types that come with tables and types: members of their own since PostgreSQL 17
	AND NOT (d.classid = 'pg_type'::regclass AND d.objid IN (SELECT reltype FROM pg_class UNION SELECT typarray FROM pg_type))
UNION ALL
SELECT 'column ' || attname || ' of ' || attrelid::regclass
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v')
WHERE c.relnamespace = 'relations'::regnamespace AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL;
-- what is looked at: all kinds of what there is
SELECT DISTINCT d.classid::regclass::text COLLATE "C" AS catalog
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'relations'
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' ORDER BY 1;
-- all of it is in the schema of the extension
SELECT pg_describe_object(d.classid, d.objid, 0) AS in_another_schema
FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'relations', pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND i.schema <> 'relations';
-- and every setting says what it does
SELECT name, short_desc FROM pg_settings WHERE name LIKE 'relations.%' ORDER BY name COLLATE "C";
SELECT p.proname, p.provolatile, p.proisstrict FROM pg_proc p
WHERE pronamespace = 'relations'::regnamespace AND p.proname !~ '^key_' ORDER BY 1;
SELECT relname, CASE grantee WHEN 0 THEN 'all' ELSE grantee::regrole::text END AS grantee,
	string_agg(privilege_type, ', ' ORDER BY privilege_type COLLATE "C") AS privileges
FROM pg_class, aclexplode(relacl)
WHERE relnamespace = 'relations'::regnamespace AND relkind = 'r' AND privilege_type <> 'MAINTAIN'
GROUP BY 1, 2 ORDER BY 1, 2;
-- all that may be a key
SELECT 1::int2::relations.key, 2::relations.key, 3::int8::relations.key, 4.50::relations.key,
	'00000000-0000-0000-0000-00000000000a'::uuid::relations.key, 'text'::text::relations.key,
	'varchar'::varchar::relations.key, '2024-02-29'::date::relations.key, '(7,42)'::relations.key;
-- a key is read, written and sent as text is; key_recv is called by test/drivers/libpq.c
SELECT relations.key_out(relations.key_in('(7,42)')) AS text, relations.key_send('(7,42)') = textsend('(7,42)') AS sent;
DROP EXTENSION relations;
CREATE EXTENSION relations;
