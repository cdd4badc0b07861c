--
-- Partitioned tables: models, children and pivots, by range, list and hash, on
-- several levels, with a default; rows that move; partitions that come and go
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA parted;
SET search_path = parted;
SET client_min_messages = notice;

-- by hash
CREATE TABLE tenants (id int PRIMARY KEY, name text, orders_count int NOT NULL DEFAULT 0) PARTITION BY HASH (id);
CREATE TABLE tenants_0 PARTITION OF tenants FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE tenants_1 PARTITION OF tenants FOR VALUES WITH (MODULUS 2, REMAINDER 1);
-- by range, below it by list, with a default; columns in another order
CREATE TABLE orders (id int, day date NOT NULL DEFAULT '2026-01-15', region text NOT NULL DEFAULT 'eu', tenant_id int, total int,
	PRIMARY KEY (id, day, region)) PARTITION BY RANGE (day);
CREATE TABLE orders_2026_01 (tenant_id int, gone int, region text NOT NULL DEFAULT 'eu', day date NOT NULL DEFAULT '2026-01-15', id int NOT NULL, total int) PARTITION BY LIST (region);
ALTER TABLE orders_2026_01 DROP gone;
CREATE TABLE orders_2026_01_eu PARTITION OF orders_2026_01 FOR VALUES IN ('eu');
CREATE TABLE orders_2026_01_rest PARTITION OF orders_2026_01 DEFAULT;
ALTER TABLE orders ATTACH PARTITION orders_2026_01 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE orders_other PARTITION OF orders DEFAULT;
CREATE TABLE lines (order_id int, day date, region text, n int, product_id int, PRIMARY KEY (order_id, day, region, n)) PARTITION BY HASH (order_id);
CREATE TABLE lines_0 PARTITION OF lines FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE lines_1 PARTITION OF lines FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE products (id int PRIMARY KEY, name text);
-- a pivot
CREATE TABLE wishes (tenant_id int REFERENCES tenants, product_id int REFERENCES products, rank int, PRIMARY KEY (tenant_id, product_id)) PARTITION BY LIST (product_id);
CREATE TABLE wishes_1 PARTITION OF wishes FOR VALUES IN (1);
CREATE TABLE wishes_rest PARTITION OF wishes DEFAULT;
-- what is about something
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int, body text) PARTITION BY RANGE (id);
CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (100);
CREATE TABLE notes_2 PARTITION OF notes FOR VALUES FROM (100) TO (200);

-- constraints and indexes are those of the whole tables
SELECT constraint_name, created_index FROM relations.belongs_to('orders', 'tenant', 'tenants', counter_cache => 'orders_count');
SELECT constraint_name, created_index FROM relations.has_many('tenants', 'orders', 'orders');
SELECT local_key, foreign_key, constraint_name FROM relations.has_many('orders', 'lines', 'lines', foreign_key => 'order_id, day, region', on_delete => 'cascade', on_update => 'cascade');
SELECT constraint_name FROM relations.belongs_to('lines', 'order', 'orders');
SELECT constraint_name FROM relations.belongs_to('lines', 'product', 'products');
SELECT pivot_table, created_index, created_second_index FROM relations.many_to_many('tenants', 'wishes', 'products', pivot_columns => 'rank');
SELECT kind FROM relations.morph_to('notes', 'about', '{"tenant": "tenants", "product": "products"}', on_delete => 'cascade');
SELECT constraint_name FROM relations.morph_many('tenants', 'notes', 'notes', 'about');
SELECT steps FROM relations.has_many_through('tenants', 'lines', 'lines', 'orders', through_foreign_key => 'order_id, day, region');
-- a has_one needs a unique key, which PostgreSQL gives only with the partition's columns in it
SELECT relations.has_one('tenants', 'order', 'orders', foreign_key => 'tenant_id');
SELECT kind FROM relations.has_one('tenants', 'latest', 'orders', scope => '{"order": ["-day"]}');
SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('orders'::regclass, 'lines'::regclass) AND conparentid = 0;
-- and what is implied is of the tables, not of their partitions
SELECT DISTINCT model FROM relations.discover('parted') ORDER BY model;

-- rows that are written go to their partitions
INSERT INTO products VALUES (1, 'pen'), (2, 'ink');
SELECT relations.create('tenants', '{"id": 1, "name": "one", "wishes": {"$connect": [1, 2]},
	"orders": [{"id": 1, "total": 5, "lines": [{"n": 1, "product": {"$connect": 1}}, {"n": 2, "product": {"$connect": 2}}]},
		{"id": 2, "total": 7, "day": "2026-01-20", "region": "us"}, {"id": 3, "total": 9, "day": "2025-06-01"}],
	"notes": [{"id": 1, "body": "low"}, {"id": 101, "body": "high"}]}');
SELECT relations.create_many('tenants', '[{"id": 2, "name": "two", "orders": [{"id": 4}]}, {"id": 3, "name": "three"}]');
SELECT tableoid::regclass AS stored, id FROM orders ORDER BY id;
SELECT tableoid::regclass AS stored, product_id FROM wishes ORDER BY product_id;
SELECT tableoid::regclass AS stored, order_id, n FROM lines ORDER BY n;
-- statement triggers are those of the table that was written, or of its partition
SELECT id, orders_count FROM tenants ORDER BY id;
INSERT INTO orders_2026_01_rest (id, region, tenant_id) VALUES (5, 'asia', 3);
INSERT INTO orders_2026_01 (id, tenant_id) VALUES (6, 3);
SELECT id, orders_count FROM tenants ORDER BY id;

-- reading
SELECT relations.find('tenants', 1, 'orders.lines.product', 'wishes', 'notes', 'latest');
SELECT relations.find('orders', '(2,2026-01-20,us)', 'tenant', 'lines');
SELECT relations.query('tenants', '{"select": ["id"], "where": {"orders": {"some": {"region": "us"}}}, "preload": {"orders": {"order": ["-day"], "limit": 1, "select": ["id", "day"]}, "lines": true}}');
SELECT relations.query('tenants', '{"select": ["id"], "order": ["id"], "count": {"n": "orders"}, "aggregate": {"sum": {"relation": "orders", "sum": "total"}}}');
SELECT relations.preload('notes', 'about');
-- of the partitions of a level those are read that its rows can be in
SELECT relations.explain('orders', '{"where": {"day": "2026-01-20", "region": "us"}}');

-- rows that move to another partition, with those that refer to them
SELECT relations.update('orders', '(1,2026-01-15,eu)', '{"day": "2025-02-02", "region": "us"}');
SELECT tableoid::regclass AS stored, id FROM orders WHERE id = 1;
SELECT relations.find('orders', '(1,2025-02-02,us)', 'lines');
SELECT relations.update('orders', '(4,2026-01-15,eu)', '{"region": "asia", "tenant": {"$connect": 3}}');
SELECT id, orders_count FROM tenants ORDER BY id;
SELECT relations.update('notes', 1, '{"id": 150}');
-- an id of another partition's hash
SELECT relations.update('tenants', 2, '{"id": 20}');
SELECT relations.upsert('orders', '{"id": 6, "day": "2026-01-15", "region": "eu", "total": 60}') -> 'total' AS total;
SELECT relations.upsert('orders', '{"id": 7, "day": "2027-01-15", "tenant": {"$connect": 20}}');

-- the verbs
SELECT relations.attach('tenants', 3, 'wishes', '{"1": {"rank": 1}, "2": {"rank": 3}}'), relations.sync('tenants', 3, 'wishes', '{"2": {"rank": 4}}');
SELECT relations.first_or_create_related('tenants', 3, 'orders', '{"id": 8, "region": "eu", "day": "2026-01-01"}');
SELECT relations.update_related('tenants', 3, 'orders', '{"region": "asia"}', '{"total": 1}'), relations.delete_related('tenants', 3, 'orders', '{"region": "asia"}');
SELECT relations.associate('orders', '(8,2026-01-01,eu)', 'tenant', 20) -> 'tenant_id' AS tenant;
SELECT id, orders_count = (SELECT count(*) FROM orders o WHERE o.tenant_id = t.id) AS counted FROM tenants t ORDER BY id;
-- what does not exist is refused by whichever partition
INSERT INTO orders_other (id, day, tenant_id) VALUES (9, '2020-01-01', 99);
SELECT relations.create('notes', '{"id": 151, "about_type": "tenant", "about_id": 99}');
-- there is no partition for it
SELECT relations.create('notes', '{"id": 999}');
-- and what goes takes with it what refers to it, unless that is kept
\set VERBOSITY sqlstate
SELECT relations.delete('tenants', 1);
\set VERBOSITY default
DELETE FROM wishes WHERE tenant_id = 1;
DELETE FROM orders WHERE tenant_id = 1;
SELECT count(*) FROM lines;
SELECT relations.delete('tenants', 1);
SELECT count(*) FROM notes;

-- partitions with rows come and go; sessions with kept plans see it
SELECT relations.find('tenants', 3, 'orders');
CREATE TABLE orders_2024 (LIKE orders INCLUDING DEFAULTS);
INSERT INTO orders_2024 VALUES (20, '2024-01-01', 'eu', 3, 1), (21, '2024-01-01', 'eu', 3, 2);
ALTER TABLE orders ATTACH PARTITION orders_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT relations.find('tenants', 3, 'orders');
SELECT relations.recount('orders', 'tenant');
SELECT relations.create_related('tenants', 3, 'orders', '{"id": 22, "day": "2024-05-05"}') -> 'id' AS id;
SELECT orders_count FROM tenants WHERE id = 3;
ALTER TABLE orders DETACH PARTITION orders_2024;
SELECT relations.find('tenants', 3, 'orders');
SELECT relations.recount('orders', 'tenant');
-- a table that was a partition is a model of its own: nothing of the other is left on it
INSERT INTO orders_2024 VALUES (23, '2024-01-01', 'eu', 3, 1);
SELECT orders_count FROM tenants WHERE id = 3;
SELECT model, created_constraint FROM relations.belongs_to('orders_2024', 'tenant', 'tenants');
SELECT relations.find('orders_2024', '(20,2024-01-01,eu)', 'tenant') -> 'tenant' ->> 'name' AS tenant;
DROP TABLE orders_2024;
-- a partition may be a model of its own too
SELECT model, created_constraint FROM relations.belongs_to('orders_other', 'holder', 'tenants');
SELECT relations.preload('orders_other', 'holder');
SELECT relations.drop_relation('orders_other', 'holder');

-- a long answer in one pass a level
INSERT INTO tenants SELECT i, 'tenant ' || i FROM generate_series(1000, 5000) i;
INSERT INTO orders SELECT i, '2026-01-01'::date + i % 60, (ARRAY['eu', 'us', 'asia'])[1 + i % 3], 1000 + i * 7 % 4001, i FROM generate_series(1000, 9000) i;
INSERT INTO wishes SELECT 1000 + i * 3 % 4001, 1 + i % 2, i FROM generate_series(1, 3000) i;
INSERT INTO notes SELECT i, 'tenant', 1000 + i * 30 FROM generate_series(2, 99) i;
ANALYZE;
SELECT count(*), count(*) FILTER (WHERE d = to_jsonb(t) || jsonb_build_object(
	'orders', coalesce((SELECT jsonb_agg(to_jsonb(o) ORDER BY o.id, o.day, o.region) FROM orders o WHERE o.tenant_id = t.id), '[]'),
	'wishes', coalesce((SELECT jsonb_agg(to_jsonb(p) || jsonb_build_object('pivot', jsonb_build_object('rank', w.rank)) ORDER BY p.id)
		FROM wishes w JOIN products p ON p.id = w.product_id WHERE w.tenant_id = t.id), '[]'),
	'notes', coalesce((SELECT jsonb_agg(to_jsonb(n) - 'about_tenant_id' - 'about_product_id' ORDER BY n.id) FROM notes n WHERE n.about_tenant_id = t.id), '[]'))) AS same
FROM relations.preload('tenants', 'orders', 'wishes', 'notes') d JOIN tenants t ON t.id = (d ->> 'id')::int;
SELECT count(*) FROM tenants t WHERE orders_count <> (SELECT count(*) FROM orders o WHERE o.tenant_id = t.id);

-- graph views and factories
SELECT relations.create_view('tenants_graph', 'tenants', 'orders', 'wishes');
INSERT INTO tenants_graph (id, name, orders) VALUES (30, 'by view', '[{"id": 30, "region": "us"}, {"id": 31, "day": "2030-01-01"}]') RETURNING orders;
UPDATE tenants_graph SET orders = '[{"id": 31, "day": "2030-01-01", "region": "eu", "total": 8}]' WHERE id = 30 RETURNING orders;
SELECT orders_count FROM tenants WHERE id = 30;
SELECT count(DISTINCT d -> 'id'), min(jsonb_array_length(d -> 'orders')) FROM relations.factory_create('tenants', 4, '{"with": {"orders": {"count": 3, "merge": {"day": "2026-01-31"}}}, "seed": 1}') d;

SET client_min_messages = warning;
DROP SCHEMA parted CASCADE;
