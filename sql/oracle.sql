--
-- The oracle: what relations returns equals the query that an expert writes
-- by hand, as a jsonb value and byte for byte as a datum.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA oracle;
SET search_path = oracle;

-- *= compares the bytes; the arrays give both sides the same kind of header
CREATE TYPE holder AS (held jsonb[]);
CREATE FUNCTION same(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT a = b AND ROW(ARRAY[a])::holder *= ROW(ARRAY[b])::holder AND (a::text)::jsonb = a $$;

--
-- Every type, on rows with and without NULLs
--
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'glad');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN short AS varchar(20);
CREATE TABLE kinds (
	id			int PRIMARY KEY,
	gone1		text,
	i2			int2,
	i4			int4,
	i8			int8,
	f4			float4,
	f8			float8,
	n			numeric,
	n2			numeric(20,4),
	b			boolean,
	t			text,
	vc			varchar(30),
	bp			char(8),
	nm			name,
	gone2		int,
	d			date,
	ts			timestamp,
	tz			timestamptz,
	tm			time,
	iv			interval,
	u			uuid,
	j			json,
	jb			jsonb,
	by			bytea,
	e			mood,
	p			pair,
	dom			positive,
	sh			short,
	ia			int[],
	ta			text[],
	r			int4range,
	ip			inet,
	m			money,
	bt			bit(5),
	o			oid,
	"quo""ted"	text,
	"ÜmLaut"	text,
	"with space" int
);
ALTER TABLE kinds DROP COLUMN gone1, DROP COLUMN gone2;
INSERT INTO kinds (id) VALUES (1);
INSERT INTO kinds VALUES
(2, -1, -1, -1, 'NaN', 'NaN', 'NaN', 0.0000, true, '', '', '', '', '2020-02-29', '2020-02-29 01:02:03.000004',
 '2020-02-29 01:02:03+05', '01:02', '1 day 2 hours', '00000000-0000-0000-0000-000000000000', '{"b": 1, "a": [1, 2.50, null]}',
 '{"b": 1, "a": [1, 2.50, null]}', '\x00ff', 'sad', '(1,"a b")', 1, 'x', '{}', '{}', 'empty', '::1', 1, '10101', 1, 'q', 'ü', 1),
(3, 32767, 2147483647, 9223372036854775807, 1.5, 1e300, 12345678901234567890.123456789000, 1.5, false,
 E'tab\tquote"back\\slash\nnewline', 'ünïcödé', 'abc', 'name', 'infinity', 'infinity', '-infinity', '23:59:59.999999',
 '-1 year', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '"scalar"', '"scalar"', '\x', 'so "so"', '(,)', 2, 'yy',
 '{{1,2},{3,NULL}}', '{a,NULL,"b c"}', '[1,5)', '10.0.0.0/8', -1, '00000', 4294967295, 'zz', 'Ü', NULL),
(4, -32768, -2147483648, -9223372036854775808, '-Infinity', 'Infinity', 'Infinity', -99999.9999, true,
 repeat('long ', 4000), 'x', 'x', 'x', '4714-11-24 BC', '0001-01-01 BC', '1999-12-31 23:59:59.5+00', '24:00', '0',
 '12345678-9abc-def0-1234-56789abcdef0', '[]', '{}', decode(repeat('ab', 3000), 'hex'), 'glad', '(1,)', 3, 'z',
 ARRAY(SELECT generate_series(1, 3000)), '{x}', '(,)', '192.168.1.1', 0, '11111', 0, NULL, NULL, 3),
(5, 0, 10000, 100000000, 0.1, -0.0, 0, 1, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'null', 'null',
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(6, 9999, 10001, 99990000, 1, 1, 1e20, 1e-4, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '12.50', '12.50',
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(7, 1, 1, 1, 1, 1, 1e-20, 0, NULL, 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'true', 'false',
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT k.id, same(relations.find('kinds', k.id), to_jsonb(k)), relations.find_json('kinds', k.id)::text = to_jsonb(k)::text AS same_text FROM kinds k ORDER BY k.id;

-- values that are stored out of line, as they are and compressed
CREATE TABLE far (id int PRIMARY KEY, plain text, packed text, j json, jb jsonb, n numeric, by bytea, near_id int);
ALTER TABLE far ALTER plain SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL, ALTER jb SET STORAGE EXTERNAL, ALTER n SET STORAGE EXTERNAL, ALTER by SET STORAGE EXTERNAL;
INSERT INTO far SELECT i, repeat('far ', 1000 + i), repeat('packed', 30000 + i), to_json(repeat('json', 900)), jsonb_build_object('a', repeat('jsonb', 900), 'b', ARRAY[i]),
	(repeat('12345', 1800) || '.' || i)::numeric, decode(repeat('ab', 3000), 'hex'), 1 + i % 3 FROM generate_series(1, 6) i;
SELECT pg_column_size(plain) > 4000 AS far, pg_column_size(packed) < length(packed) AS packed, count(*) FROM far GROUP BY 1, 2;
SELECT count(*), bool_and(same(relations.find('far', f.id), to_jsonb(f))), bool_and(relations.find_json('far', f.id)::text = to_jsonb(f)::text) AS same_text FROM far f;
SELECT count(*), bool_and(same(relations.load(f), to_jsonb(f))) FROM far f;
SELECT kind FROM relations.has_many('far', 'fars', 'far', foreign_key => 'near_id', enforce => false);
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT (j->>'id')::int AS id, j FROM relations.preload('far', 'fars') j) r
FULL JOIN (SELECT f.id, to_jsonb(f) || jsonb_build_object('fars',
			COALESCE((SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM far c WHERE c.near_id = f.id), '[]')) AS j
		   FROM far f) h USING (id);

-- the same rows inside a graph: as objects in an array, and as parents
CREATE TABLE boxes (id int PRIMARY KEY, kind_id int, label text);
INSERT INTO boxes SELECT i, CASE WHEN i % 5 > 0 THEN i % 9 END, repeat('b', i % 4) FROM generate_series(1, 60) i;
SELECT kind FROM relations.has_many('kinds', 'boxes', 'boxes', foreign_key => 'kind_id', enforce => false);
SELECT kind FROM relations.belongs_to('boxes', 'kind', 'kinds', foreign_key => 'kind_id', enforce => false);
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT (j->>'id')::int AS id, j FROM relations.preload('kinds', 'boxes') j) r
FULL JOIN (SELECT k.id, to_jsonb(k) || jsonb_build_object('boxes',
			COALESCE((SELECT jsonb_agg(to_jsonb(box) ORDER BY box.id) FROM boxes box WHERE box.kind_id = k.id), '[]')) AS j
		   FROM kinds k) h USING (id);
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT (j->>'id')::int AS id, j FROM relations.preload('boxes', 'kind.boxes') j) r
FULL JOIN (SELECT b.id, to_jsonb(b) || jsonb_build_object('kind',
			(SELECT to_jsonb(k) || jsonb_build_object('boxes',
				(SELECT jsonb_agg(to_jsonb(box) ORDER BY box.id) FROM boxes box WHERE box.kind_id = k.id))
			 FROM kinds k WHERE k.id = b.kind_id)) AS j
		   FROM boxes b) h USING (id);
SELECT count(*), bool_and(j::text = t::text) FROM ROWS FROM (relations.preload('boxes', 'kind.boxes'), relations.preload_json('boxes', 'kind.boxes')) r (j, t);

--
-- Wide rows: 31, 32, 33 and 100 columns, so that offsets stand where Jsonb wants them
--
DO $$
DECLARE n int; BEGIN
	FOREACH n IN ARRAY ARRAY[1, 15, 16, 17, 31, 32, 33, 64, 100] LOOP
		EXECUTE format('CREATE TABLE wide%s (id int PRIMARY KEY, %s parent int)', n,
			(SELECT COALESCE(string_agg(format('c%s %s', i, CASE i % 3 WHEN 0 THEN 'text' WHEN 1 THEN 'int' ELSE 'numeric' END), ', ') || ',', '')
			 FROM generate_series(3, n) i));
		EXECUTE format('INSERT INTO wide%s SELECT g, %s NULLIF(g - 1, 0) FROM generate_series(1, 40) g', n,
			(SELECT COALESCE(string_agg(CASE i % 3 WHEN 0 THEN format('repeat(''x'', %s)', 120 + i % 10) WHEN 1 THEN format('g * %s', i * 997) ELSE 'NULLIF(g * 1.10, 11)' END, ', ') || ',', '')
			 FROM generate_series(3, n) i));
		PERFORM relations.has_many(format('wide%s', n)::regclass, 'below', format('wide%s', n)::regclass, foreign_key => 'parent');
		PERFORM relations.belongs_to(format('wide%s', n)::regclass, 'above', format('wide%s', n)::regclass, foreign_key => 'parent');
	END LOOP;
END $$;
CREATE FUNCTION check_wide(n int) RETURNS TABLE (rows bigint, equal boolean) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT count(*), bool_and(same(r.j, h.j))
		FROM (SELECT (j->>'id')::int AS id, j FROM relations.preload('wide%1$s', 'below.below', 'above') j) r
		FULL JOIN (SELECT w.id, to_jsonb(w) || jsonb_build_object(
				'above', (SELECT to_jsonb(a) FROM wide%1$s a WHERE a.id = w.parent),
				'below', COALESCE((SELECT jsonb_agg(to_jsonb(c) || jsonb_build_object('below',
						COALESCE((SELECT jsonb_agg(to_jsonb(d) ORDER BY d.id) FROM wide%1$s d WHERE d.parent = c.id), '[]')) ORDER BY c.id)
					FROM wide%1$s c WHERE c.parent = w.id), '[]')) AS j
			FROM wide%1$s w) h USING (id) $q$, n);
END $$;
SELECT n, w.* FROM unnest(ARRAY[1, 15, 16, 17, 31, 32, 33, 64, 100]) n, check_wide(n) w;
SELECT n, (SELECT bool_and(j::text = t::text) FROM ROWS FROM (relations.preload(('wide' || n)::regclass, 'below.below', 'above'),
	relations.preload_json(('wide' || n)::regclass, 'below.below', 'above')) r (j, t)) AS same_text
FROM unnest(ARRAY[1, 15, 16, 17, 31, 32, 33, 64, 100]) n;

--
-- Keys that are not integers, and composite keys with NULLs
--
CREATE TABLE tenants (region text, no int, name text, PRIMARY KEY (region, no));
CREATE TABLE invoices (id uuid PRIMARY KEY, region varchar(10), tenant_no bigint, total numeric(10,2));
INSERT INTO tenants SELECT r, i, r || i FROM unnest(ARRAY['eu', 'us', 'it''s']) r, generate_series(1, 5) i;
INSERT INTO invoices SELECT md5(i::text)::uuid, (ARRAY['eu', 'us', 'it''s', NULL])[1 + i % 4], NULLIF(i % 7, 6), i / 3.0
FROM generate_series(1, 100) i;
SELECT kind FROM relations.has_many('tenants', 'invoices', 'invoices', foreign_key => 'region, tenant_no', local_key => 'region, no', enforce => false);
SELECT kind FROM relations.belongs_to('invoices', 'tenant', 'tenants', foreign_key => 'region, tenant_no', enforce => false);
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT j->>'name' AS name, j FROM relations.preload('tenants', 'invoices.tenant') j) r
FULL JOIN (SELECT t.name, to_jsonb(t) || jsonb_build_object('invoices', COALESCE((SELECT jsonb_agg(to_jsonb(i)
			|| jsonb_build_object('tenant', (SELECT to_jsonb(x) FROM tenants x WHERE (x.region, x.no) = (i.region, i.tenant_no))) ORDER BY i.id)
			FROM invoices i WHERE (i.region, i.tenant_no) = (t.region, t.no)), '[]')) AS j
		   FROM tenants t) h USING (name);
SELECT relations.find('tenants', '(eu,2)') = (SELECT to_jsonb(t) FROM tenants t WHERE region = 'eu' AND no = 2) AS found;
SELECT relations.find('tenants', '("it''s",5)') ->> 'name' AS name;
SELECT relations.find('tenants', '(eu,)') IS NULL AS null_key_finds_nothing;

--
-- Many rows: batches, ranges and hashes; few rows a batch by a small budget
--
CREATE TABLE authors (id bigint PRIMARY KEY, name text);
CREATE TABLE books (id int PRIMARY KEY, author_id int, title text, pages int);
CREATE TABLE notes (id int PRIMARY KEY, book_id bigint, body text);
INSERT INTO authors SELECT i * 3, 'author ' || i FROM generate_series(1, 3000) i;
INSERT INTO books SELECT i, NULLIF((i * 7919 % 3100) * 3, 0), 'book ' || i, i % 700 FROM generate_series(9000, 1, -1) i;
INSERT INTO notes SELECT i, i * 104729 % 9500, repeat('n', i % 50) FROM generate_series(1, 20000) i;
CREATE INDEX ON books (author_id);
CREATE INDEX ON notes (book_id);
ANALYZE authors, books, notes;
SELECT kind FROM relations.has_many('authors', 'books', 'books', foreign_key => 'author_id', enforce => false);
SELECT kind FROM relations.has_many('books', 'notes', 'notes', foreign_key => 'book_id', enforce => false);
SELECT kind FROM relations.belongs_to('books', 'author', 'authors', foreign_key => 'author_id', enforce => false);
CREATE VIEW by_hand AS
SELECT a.id, to_jsonb(a) || jsonb_build_object('books', COALESCE((SELECT jsonb_agg(to_jsonb(b) || jsonb_build_object(
		'author', to_jsonb(a),
		'notes', COALESCE((SELECT jsonb_agg(to_jsonb(n) ORDER BY n.id) FROM notes n WHERE n.book_id = b.id), '[]')) ORDER BY b.id)
	FROM books b WHERE b.author_id = a.id), '[]')) AS j
FROM authors a;
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT (j->>'id')::bigint AS id, j FROM relations.preload('authors', 'books.notes', 'books.author') j) r
FULL JOIN by_hand h USING (id);
SET relations.batch_memory = '64kB';
SELECT count(*), bool_and(same(r.j, h.j))
FROM (SELECT (j->>'id')::bigint AS id, j FROM relations.preload('authors', 'books.notes', 'books.author') j) r
FULL JOIN by_hand h USING (id);
RESET relations.batch_memory;
-- in the select list it streams, and stops when nobody asks for more
SELECT relations.preload('authors', 'books') ->> 'name' AS name LIMIT 3;

-- and *= does see a difference that = does not
SELECT '1.0'::jsonb = '1.00' AS equal, same('1.0', '1.00');

DROP SCHEMA oracle CASCADE;
