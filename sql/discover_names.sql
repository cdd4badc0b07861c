--
-- Names of discovered relations: never a column's, never another relation's
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE ROLE regress_relations_finder;
CREATE SCHEMA names AUTHORIZATION regress_relations_finder;
CREATE SCHEMA names_too AUTHORIZATION regress_relations_finder;
SET search_path = names;
SET ROLE regress_relations_finder;
CREATE TABLE people (id int PRIMARY KEY, uuid uuid UNIQUE, posts text);
-- several foreign keys to one table: each is called after its column
CREATE TABLE posts (id int PRIMARY KEY, author_id int REFERENCES people, "editorId" int REFERENCES people,
					person_uuid uuid REFERENCES people (uuid), created_by int REFERENCES people, person text);
-- unique, wholly and in part
CREATE TABLE addresses (id int PRIMARY KEY REFERENCES people, street text);
CREATE TABLE badges (id int PRIMARY KEY, person_id int REFERENCES people);
CREATE UNIQUE INDEX ON badges (person_id) WHERE id > 0;
-- to itself
CREATE TABLE categories (id int PRIMARY KEY, parent_id int REFERENCES categories, merged_into int REFERENCES categories);
-- the stem of a column is a column too
CREATE TABLE notes (id int PRIMARY KEY, person_id int REFERENCES people, person text);
-- several columns: the one that speaks for its table, wherever it stands
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE accounts (tenant_id int REFERENCES tenants, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE transfers (id int PRIMARY KEY, tenant_id int REFERENCES tenants, from_id int, to_id int,
						FOREIGN KEY (tenant_id, from_id) REFERENCES accounts,
						FOREIGN KEY (tenant_id, to_id) REFERENCES accounts);
-- the same constraint twice is one relation
CREATE TABLE likes (id int PRIMARY KEY, person_id int REFERENCES people, CONSTRAINT again FOREIGN KEY (person_id) REFERENCES people);
-- a table of another schema
CREATE TABLE names_too.drafts (id int PRIMARY KEY, post_id int REFERENCES posts);
-- names as long as they can be
CREATE TABLE a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha (id int PRIMARY KEY);
CREATE TABLE long_ones (id int PRIMARY KEY,
	a_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha,
	b_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha);
SELECT model, relation, kind, related, foreign_key FROM relations.discover('names');
SELECT model, relation, kind, related, foreign_key FROM relations.discover('names_too');
-- no name is a column's, or that of another relation
SELECT d.model, d.relation FROM relations.discover('names') d
JOIN pg_attribute a ON a.attrelid = d.model AND a.attname = d.relation AND a.attnum > 0;
SELECT model, relation FROM relations.discover('names') GROUP BY 1, 2 HAVING count(*) > 1;
-- the schema of the extension itself has no models
SELECT count(*) FROM relations.discover('relations', register => true);

--
-- What is declared already keeps its name, whatever it is; but a scope says
-- less than the foreign key
--
SELECT kind FROM relations.has_many('people', 'homes', 'addresses', foreign_key => 'id');
SELECT kind FROM relations.has_many('people', 'liked', 'likes', scope => '{"limit": 3}');
SELECT relation, kind, foreign_key, scope FROM relations.discover('names') WHERE model = 'people'::regclass AND related IN ('addresses'::regclass, 'likes'::regclass);
-- registered: on the constraint that is there, and nothing is made
SELECT count(*), count(constraint_name) AS on_constraints, count(created_constraint) AS constraints, count(created_index) AS indexes
FROM relations.discover('names', register => true);
SELECT relation, created_constraint, created_index FROM relations.relation WHERE model = 'categories'::regclass ORDER BY relation::text;
SELECT relations.ddl('categories', 'categories_by_parent');
-- again: the same
SELECT model, relation FROM relations.discover('names') EXCEPT SELECT model, relation FROM relations.relation;
SELECT count(*) FROM relations.discover('names', register => true);

--
-- One's own models only, and all of them or none
--
RESET ROLE;
CREATE TABLE foreign_table (id int PRIMARY KEY, person_id int REFERENCES people);
SET ROLE regress_relations_finder;
RESET ROLE;
GRANT SELECT ON foreign_table TO regress_relations_finder;
SET ROLE regress_relations_finder;
CREATE TABLE zebras (id int PRIMARY KEY, person_id int REFERENCES people);
\set VERBOSITY terse
SELECT count(*) FROM relations.discover('names', register => true);
\set VERBOSITY default
SELECT count(*) FROM relations.relation WHERE related = 'zebras'::regclass;
SELECT relation FROM relations.discover('names') WHERE related = 'zebras'::regclass;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA names, names_too CASCADE;
DROP ROLE regress_relations_finder;

--
-- Singulars and plurals: seen by the names they give
--
CREATE SCHEMA words;
SET search_path = words;
CREATE TABLE hub (id int PRIMARY KEY);
DO $$
DECLARE word text;
BEGIN
	FOREACH word IN ARRAY ARRAY['user', 'users', 'company', 'companies', 'day', 'address', 'addresses', 'status', 'statuses',
		'person', 'people', 'child', 'children', 'box', 'boxes', 'series', 'news', 'bus', 'quiz', 'quizzes', 'house', 'houses',
		'movie', 'movies', 'database', 'databases', 'price', 'branch', 'branches', 'cache', 'caches', 'dish', 'analysis',
		'wife', 'leaf', 'leaves', 'hero', 'heroes', 'photo', 'photos', 'index', 'indices', 'indexes', 'menu', 'menus', 'tie', 'ties',
		'human', 'humans', 'omen', 'omens', 'woman', 'women', 'api', 'apis', 'taxis', 'bonus', 'class', 'classes', 'invoice_line',
		'OrderLine', 'orderLines', 'salesPeople', 'SalesPerson', 'course', 'courses', 'license', 'responses', 'media', 'drives', 'cause', 'causes']
	LOOP
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, hub_id int REFERENCES hub)', word);
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, x int REFERENCES %I)', 'to_' || word, word);
	END LOOP;
END $$;
-- table, what hub has many of, and what belongs_to calls one when the column says nothing
SELECT trim('"' FROM m.related::text) AS "table", trim('"' FROM m.relation) AS many, substr(b.relation, 3) AS one
FROM relations.discover('words') m JOIN relations.discover('words') b ON b.related = m.related AND b.kind = 'belongs_to'
WHERE m.kind = 'has_many' AND m.model = 'hub'::regclass ORDER BY m.related::text COLLATE "C";
DROP SCHEMA words CASCADE;
