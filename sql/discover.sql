--
-- The relations that foreign keys imply
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA found;
SET search_path = found;
CREATE TABLE city (city_id int PRIMARY KEY, name text);
CREATE TABLE companies (id int PRIMARY KEY, city_id int REFERENCES city);
CREATE TABLE employee (id int PRIMARY KEY, company_id int REFERENCES companies, reports_to int REFERENCES employee);
CREATE TABLE passport (id int PRIMARY KEY, employee_id int UNIQUE REFERENCES employee);
-- two foreign keys between the same tables, a column that bears the table's name
CREATE TABLE match (id int PRIMARY KEY, home_id int REFERENCES companies, away_id int REFERENCES companies,
					company int REFERENCES companies);
-- composite keys
CREATE TABLE invoice (tenant int, no int, PRIMARY KEY (tenant, no));
CREATE TABLE invoice_line (id int PRIMARY KEY, tenant int, invoice_no int, FOREIGN KEY (tenant, invoice_no) REFERENCES invoice);
-- a partitioned table
CREATE TABLE visits (id int, at date, city_id int REFERENCES city) PARTITION BY RANGE (at);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT model, relation, kind, related, local_key, foreign_key FROM relations.discover('found');
-- nothing was changed
SELECT count(*) FROM relations.relation WHERE model::text = 'city';
-- what is registered keeps its name
SELECT relations.has_many('city', 'firms', 'companies') IS NULL AS is_null;
SELECT relation, kind, created_index FROM relations.discover('found') WHERE model = 'city'::regclass;
SELECT count(*) FROM relations.discover('found', register => true);
SELECT count(*) FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'found'::regnamespace);
-- a second time there is nothing new
SELECT count(*) FROM relations.discover('found', register => true);
INSERT INTO city VALUES (1, 'here');
INSERT INTO companies VALUES (1, 1), (2, NULL);
INSERT INTO employee VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 1), (4, 2, 3);
INSERT INTO passport VALUES (7, 2);
INSERT INTO match VALUES (1, 1, 2, 1);
INSERT INTO invoice VALUES (1, 1), (1, 2);
INSERT INTO invoice_line VALUES (1, 1, 2), (2, 1, 2), (3, 1, NULL);
INSERT INTO visits VALUES (1, '2024-05-05', 1);
SELECT relations.first('city', 'firms.employees.passport', 'visits');
-- up and down in one call
SELECT relations.preload('employee', 'reports_to_employee', 'employees.employees');
SELECT relations.preload('invoice', 'invoice_lines');
SELECT relations.preload('match', 'home', 'away');
\set VERBOSITY terse
SELECT relations.discover('nowhere');
SELECT relations.discover(NULL);
CREATE ROLE regress_relations_reader;
GRANT USAGE ON SCHEMA found TO regress_relations_reader;
SELECT count(relations.drop_relation(model, relation)) FROM relations.relation
WHERE model::oid IN (SELECT oid FROM pg_class WHERE relnamespace = 'found'::regnamespace);
SET ROLE regress_relations_reader;
-- tables that one may not read are left out
SELECT count(*) FROM relations.discover('found');
RESET ROLE;
GRANT SELECT ON ALL TABLES IN SCHEMA found TO regress_relations_reader;
SET ROLE regress_relations_reader;
SELECT count(*) FROM relations.discover('found');
SELECT count(*) FROM relations.discover('found', register => true);
RESET ROLE;
DROP OWNED BY regress_relations_reader;
DROP ROLE regress_relations_reader;
DROP SCHEMA found CASCADE;
