--
-- The catalog follows what happens to the tables
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA watch;
SET search_path = watch;
CREATE ROLE regress_relations_owner;
GRANT USAGE, CREATE ON SCHEMA watch TO regress_relations_owner;
-- an ordinary user, who may not write the catalog
SET ROLE regress_relations_owner;
CREATE TABLE shops (id int PRIMARY KEY, name text);
CREATE TABLE sales (id int PRIMARY KEY, shop_id int, other_id int);
CREATE VIEW shown AS SELECT * FROM shops;
INSERT INTO shops VALUES (1, 'one');
INSERT INTO sales VALUES (1, 1, 1);
SELECT kind FROM relations.has_many('shops', 'sales', 'sales');
SELECT kind FROM relations.belongs_to('sales', 'shop', 'shops');
SELECT kind FROM relations.belongs_to('sales', 'loose', 'shops', foreign_key => 'other_id', enforce => false);
SELECT name, hidden FROM relations.model('shops', name => 'shop', hidden => 'name');
CREATE VIEW registered AS
SELECT model, relation, related, local_key, foreign_key, enforce, constraint_name, created_constraint, created_index
FROM relations.relation WHERE model::text ~ 'shops|sales|stores' ORDER BY model::text, relation;
-- renames: of tables, columns, constraints, indexes
SELECT relations.first('sales', 'shop', 'loose');
ALTER TABLE shops RENAME TO stores;
ALTER TABLE stores RENAME id TO store_id;
ALTER TABLE stores RENAME name TO title;
ALTER TABLE sales RENAME other_id TO loose_id;
ALTER TABLE sales RENAME CONSTRAINT sales_shop_id_fkey TO sold_by;
ALTER INDEX sales_shop_id_idx RENAME TO sold_by_idx;
TABLE registered;
SELECT hidden FROM relations.model WHERE model = 'stores'::regclass;
SELECT relations.first('sales', 'shop', 'loose');
RESET ROLE;
CREATE SCHEMA watch_too;
ALTER TABLE stores SET SCHEMA watch_too;
SELECT relations.first('sales', 'shop', 'loose');
ALTER TABLE watch_too.stores SET SCHEMA watch;
-- columns come and go, in one transaction or in several
SELECT relations.preload('stores', 'sales');
ALTER TABLE sales ADD note text DEFAULT 'n';
SELECT relations.preload('stores', 'sales');
BEGIN;
ALTER TABLE sales DROP note;
SELECT relations.preload('stores', 'sales');
ROLLBACK;
SELECT relations.preload('stores', 'sales');
ALTER TABLE sales ALTER shop_id TYPE bigint;
SELECT relations.preload('stores', 'sales');
-- a foreign key that goes leaves the relation
ALTER TABLE sales DROP CONSTRAINT sold_by;
SELECT relation, enforce, constraint_name, created_constraint FROM registered;
-- a key that goes takes it along
ALTER TABLE sales DROP COLUMN loose_id;
-- and so does a table
DROP TABLE stores CASCADE;
SELECT count(*) FROM relations.relation WHERE model IN (SELECT oid FROM pg_class WHERE relnamespace = 'watch'::regnamespace);
SELECT count(*) FROM relations.model;
-- only as triggers
\set VERBOSITY sqlstate
SELECT relations.catalog_changed();
\set VERBOSITY default
SET client_min_messages = warning;
DROP SCHEMA watch, watch_too CASCADE;
DROP ROLE regress_relations_owner;
