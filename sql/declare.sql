--
-- Declaring: how keys are found, what is reused, what is refused
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA declare;
SET search_path = declare;
CREATE TABLE companies (id int PRIMARY KEY, code text UNIQUE, loose text);
CREATE TABLE people (id int PRIMARY KEY, company_id int, employer_code text, boss_id int,
					 label jsonb, first_id int REFERENCES companies, second_id int REFERENCES companies);
CREATE VIEW rich AS SELECT * FROM companies;

--
-- Keys
--
-- two foreign keys: which?
SELECT relations.has_many('companies', 'people', 'people');
SELECT foreign_key, constraint_name, created_constraint, created_index
FROM relations.has_many('companies', 'firsts', 'people', foreign_key => 'first_id');
-- a local key that is not the primary key; an index that is there is used
CREATE INDEX ON people (employer_code, id);
SELECT local_key, foreign_key, created_constraint, created_index
FROM relations.has_many('companies', 'staff', 'people', foreign_key => 'employer_code', local_key => 'code');
-- a self reference, with all options of the constraint
SELECT kind FROM relations.belongs_to('people', 'boss', 'people', foreign_key => 'boss_id',
	on_delete => 'SET NULL', on_update => 'cascade', defer => 'initially deferred', validate => false);
SELECT relations.ddl('people', 'boss');
SELECT created_constraint, created_index FROM relations.has_many('people', 'team', 'people', foreign_key => 'boss_id');
-- a column that is missing, by convention: person_id
SELECT foreign_key, created_columns FROM relations.has_one('people', 'badge', 'companies', add_column => true);
\d companies
SELECT relations.ddl('people', 'badge');
SELECT relations.drop_relation('people', 'badge', drop_constraint => true);
-- another singular, hidden columns, another primary key
SELECT * FROM relations.model('companies', name => 'employer', hidden => 'loose');
CREATE TABLE cars (id int PRIMARY KEY, employer_id int);
SELECT foreign_key FROM relations.belongs_to('cars', 'company', 'companies');
INSERT INTO companies VALUES (1, 'c', 'secret');
INSERT INTO cars VALUES (1, 1);
SELECT relations.first('cars', 'company');
SELECT * FROM relations.model('companies', hidden => '');
SELECT relations.first('cars', 'company');
-- a view takes part when nothing is enforced
SELECT kind FROM relations.belongs_to('cars', 'rich', 'rich', foreign_key => 'employer_id', local_key => 'id', enforce => false);
SELECT relations.first('cars', 'rich');
SELECT count(*) AS statements FROM relations.ddl('cars', 'rich');
-- keys follow the renaming of columns of a native foreign key
ALTER TABLE cars RENAME employer_id TO owner_id;
SELECT relations.first('cars', 'company');

--
-- Scopes: latest of many, filters, limits
--
CREATE TABLE logins (id int PRIMARY KEY, person_id int, at date, ok boolean);
INSERT INTO people (id) VALUES (1), (2), (3);
INSERT INTO logins VALUES (1, 1, '2024-01-01', true), (2, 1, '2024-03-01', true), (3, 1, '2024-02-01', false),
	(4, 2, '2024-01-05', false), (5, 2, NULL, true);
SELECT scope, created_index FROM relations.has_one('people', 'latest', 'logins', scope => '{"order": [{"column": "at", "direction": "desc", "nulls": "last"}]}');
SELECT kind FROM relations.has_many('people', 'good', 'logins', scope => '{"where": {"ok": true}}');
SELECT kind FROM relations.has_many('people', 'two', 'logins', scope => '{"order": ["-id"], "limit": 2}');
SELECT kind FROM relations.has_many('people', 'some', 'logins',
	scope => '{"where": {"or": [{"at": {"between": ["2024-02-01", "2024-02-28"]}}, {"id": {"in": [4, 5]}}], "not": {"at": null}}}');
SELECT p.id, d -> 'latest' -> 'id' AS latest, jsonb_path_query_array(d, '$.good[*].id') AS good,
	jsonb_path_query_array(d, '$.two[*].id') AS two, jsonb_path_query_array(d, '$.some[*].id') AS some
FROM people p, relations.find('people', p.id, 'latest', 'good', 'two', 'some') d ORDER BY p.id;

--
-- What is refused
--
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.has_one(NULL, 'a', 'people')$$,
	$$SELECT relations.has_one('people', NULL, 'people')$$,
	$$SELECT relations.has_one('people', 'a', NULL)$$,
	$$SELECT relations.has_one('people', '', 'people')$$,
	$$SELECT relations.has_one('people_pkey', 'a', 'people')$$,
	$$SELECT relations.belongs_to('people', 'label', 'companies', foreign_key => 'company_id')$$,
	$$SELECT relations.has_many('companies', 'firsts', 'people', foreign_key => 'second_id')$$,
	$$SELECT relations.has_many('companies', 'cars', 'logins')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'compani_id')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id', local_key => 'ident')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id, id')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id,')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'id, id')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'label')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'employer_code', local_key => 'loose')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id', on_delete => 'vanish')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id', defer => 'later')$$,
	$$SELECT relations.belongs_to('people', 'company', 'companies', foreign_key => 'company_id', on_delete => 'cascade', enforce => false)$$,
	$$SELECT relations.belongs_to('people', 'first', 'companies', foreign_key => 'first_id', on_delete => 'cascade')$$,
	$$SELECT relations.belongs_to('people', 'first', 'companies', foreign_key => 'first_id', on_update => 'set null')$$,
	$$SELECT relations.belongs_to('people', 'first', 'companies', foreign_key => 'first_id', defer => 'initially immediate')$$,
	$$SELECT relations.belongs_to('people', 'rich', 'rich', foreign_key => 'company_id', local_key => 'id')$$,
	$$SELECT relations.belongs_to('people', 'rich', 'rich', foreign_key => 'company_id')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '[]')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '1')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"wher": {}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"where": {"okay": true}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"where": {"ok": {"eqq": true}}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"where": {"at": "never"}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"where": {"at": {"gt": null}}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"where": {"at": {"in": 1}}}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"order": "at"}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"order": [{"column": "at", "direction": "down"}]}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"limit": -1}')$$,
	$$SELECT relations.has_one('people', 'a', 'logins', scope => '{"limit": 1.5}')$$,
	$$SELECT relations.drop_relation('people', 'latst')$$,
	$$SELECT relations.drop_relation('rich', 'nothing')$$,
	$$SELECT relations.ddl('people', 'nothing')$$,
	$$SELECT relations.model('people', primary_key => 'idd')$$,
	$$SELECT relations.model(NULL)$$,
	$$SELECT relations.preload('people', 'latest.')$$,
	$$SELECT relations.preload('people', NULL)$$,
	$$SELECT relations.preload('people', 'latest', 'lates')$$,
	$$SELECT relations.find('people', 'one')$$,
	$$SELECT relations.find('rich', 1)$$,
	$$SELECT relations.load(1, 'latest')$$,
	$$SELECT relations.load(ROW(1, 2), 'latest')$$,
	$$SELECT relations.create_related('people', 9, 'good', '{}')$$,
	$$SELECT relations.create_related('people', NULL, 'good', '{}')$$,
	$$SELECT relations.create_related('people', 1, 'good', '[]')$$,
	$$SELECT relations.create_related('people', 1, 'good', '{"id": 10, "person_id": 2}')$$,
	$$SELECT relations.create_related('people', 1, 'good', '{"id": "ten"}')$$,
	$$SELECT relations.create_related('people', 1, 'good', '{"id": 1}')$$,
	$$SELECT relations.create_related('people', 1, 'good', '{"idd": 1}')$$,
	$$SELECT relations.create_many_related('people', 1, 'good', '{}')$$,
	$$SELECT relations.create_many_related('people', 1, 'good', '[1]')$$,
	$$SELECT relations.create_many_related('people', 1, 'latest', '[{}, {}]')$$,
	$$SELECT relations.create_related('cars', 1, 'company', '{"id": 2}')$$]) s;

--
-- Rights: declaring needs ownership, the catalog is written by the functions only
--
CREATE ROLE regress_relations_other;
GRANT USAGE ON SCHEMA declare TO regress_relations_other;
GRANT SELECT (id, at) ON logins TO regress_relations_other;
GRANT SELECT ON people, relations.relation TO regress_relations_other;
GRANT EXECUTE ON FUNCTION refused TO regress_relations_other;
SET ROLE regress_relations_other;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.has_many('people', 'more', 'logins')$$,
	$$SELECT relations.drop_relation('people', 'latest')$$,
	$$SELECT relations.model('people', name => 'x')$$,
	$$INSERT INTO relations.relation SELECT * FROM relations.relation$$,
	$$DELETE FROM relations.relation$$,
	$$SELECT relations.preload('companies')$$,
	$$SELECT relations.preload('people', 'good')$$]) s;
-- columns without privilege are not in the document
SELECT relations.preload('logins') LIMIT 1;
RESET ROLE;
GRANT SELECT (person_id, ok) ON logins TO regress_relations_other;
ALTER TABLE logins ENABLE ROW LEVEL SECURITY;
CREATE POLICY good ON logins TO regress_relations_other USING (ok);
SET ROLE regress_relations_other;
SELECT relations.find('people', 2, 'two');
RESET ROLE;
SELECT relations.find('people', 2, 'two');
DROP OWNED BY regress_relations_other;
DROP ROLE regress_relations_other;
-- Statements that read many rows are told of before they run
CREATE TABLE long_parents (id int PRIMARY KEY, children int DEFAULT 0);
CREATE TABLE long_children (id int PRIMARY KEY, parent_id int);
UPDATE pg_class SET reltuples = 5000000 WHERE oid = 'long_children'::regclass;
SET client_min_messages = notice;
SELECT created_constraint FROM relations.belongs_to('long_children', 'parent', 'long_parents', foreign_key => 'parent_id', counter_cache => 'children');
UPDATE pg_class SET reltuples = 5000000 WHERE oid = 'long_children'::regclass;
SELECT created_index FROM relations.has_many('long_parents', 'rows', 'long_children');
SET relations.progress = off;
SELECT relations.recount('long_children', 'parent');
RESET relations.progress;
SET client_min_messages = warning;
DROP TABLE long_parents, long_children;

SELECT count(relations.drop_relation(model, relation)) > 0 AS dropped FROM relations.relation;
DROP SCHEMA declare CASCADE;
