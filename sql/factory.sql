--
-- Factories: rows with their relations, made in the database
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA factory;
SET search_path = factory;
CREATE TABLE roles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, full_name text NOT NULL, email text NOT NULL UNIQUE,
	active boolean NOT NULL DEFAULT true, role_id int REFERENCES roles, created_at timestamptz);
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, description text, user_id int NOT NULL);
CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text NOT NULL, views int NOT NULL);
SELECT count(*) FROM relations.has_one('users', 'profile', 'profiles');
SELECT count(*) FROM relations.belongs_to('profiles', 'user', 'users');
SELECT count(*) FROM relations.has_many('users', 'posts', 'posts');
SELECT count(*) FROM relations.belongs_to('posts', 'author', 'users');
SELECT count(*) FROM relations.has_many('roles', 'users', 'users');
SELECT count(*) FROM relations.belongs_to('users', 'role', 'roles');
SET timezone = 'UTC';

-- UserFactory.with('profile').createMany(5)
SELECT jsonb_object_keys(u) AS key, count(*), count(DISTINCT u)
FROM relations.factory_create('users', 5, '{"with": ["profile"]}') u GROUP BY 1 ORDER BY 1;
SELECT count(*) AS users, count(p.user_id) AS profiles FROM users u LEFT JOIN profiles p ON p.user_id = u.id;

-- What comes back is what is there: the oracle is reading it again
CREATE TABLE made AS SELECT d FROM relations.factory_create('users', 3,
	'{"seed": 1, "with": {"profile": true, "role": true, "posts": {"count": 2}}}') d;
SELECT d = relations.find('users', d ->> 'id', 'profile', 'role', 'posts') AS same, jsonb_array_length(d -> 'posts') AS posts FROM made;
DROP TABLE made;

-- The same seed gives the same rows
TRUNCATE users, profiles, posts, roles RESTART IDENTITY;
SELECT relations.factory_create('users', 2, '{"seed": 42, "with": ["profile", "role"]}');
TRUNCATE users, profiles, posts, roles RESTART IDENTITY;
SELECT relations.factory_create('users', 2, '{"seed": 42, "with": ["profile", "role"]}');
-- also beside those that are there, but for what has to be unique
SELECT relations.factory_create('users', 2, '{"seed": 42, "with": ["profile", "role"]}');
-- without a seed, rows differ from call to call
SELECT (SELECT jsonb_agg(d - 'id' - 'email') FROM relations.factory_create('users', 5) d)
	<> (SELECT jsonb_agg(d - 'id' - 'email') FROM relations.factory_create('users', 5) d) AS differ;

-- factory_make: the same, but nothing is stored; keys go on where they are
SELECT count(*), max(id) FROM users;
SELECT relations.factory_make('users', 2, '{"seed": 7, "with": {"posts": {"count": 2}, "profile": true}}');
SELECT count(*), max(id) FROM users;
SELECT (SELECT jsonb_agg(d) FROM relations.factory_make('posts', 3, '{"seed": 7, "with": ["author"]}') d)
	= (SELECT jsonb_agg(d) FROM relations.factory_make('posts', 3, '{"seed": 7, "with": ["author"]}') d) AS same;
TRUNCATE users, profiles, posts, roles RESTART IDENTITY;
CREATE TABLE made AS SELECT d FROM relations.factory_make('posts', 3, '{"seed": 7, "with": ["author.role"]}') d;
SELECT (SELECT jsonb_agg(d) FROM made) = (SELECT jsonb_agg(d)
	FROM relations.factory_create('posts', 3, '{"seed": 7, "with": ["author.role"]}') d) AS as_created;

-- No rows is no rows
SELECT relations.factory_create('users', 0);
SELECT relations.factory_create('users', 1, '{"seed": 3, "with": {"posts": 0, "profile": {"count": 0}}}') -> 'posts' AS posts;

-- merge: one object for all, or an array with one for each
SELECT d ->> 'full_name' AS name, d ->> 'active' AS active FROM relations.factory_create('users', 2, '{"merge": {"full_name": "Aswin", "active": false}}') d;
SELECT d ->> 'full_name' IN ('Ada', 'Bea') AS merged, d ->> 'active' AS active, d ->> 'role_id' AS role
FROM relations.factory_create('users', 3, '{"merge": [{"full_name": "Ada", "active": false}, {"full_name": "Bea", "role_id": null}]}') d;
-- what an array says under a relation is for each parent's rows
SELECT p ->> 'title' AS title FROM relations.factory_create('users', 2,
	'{"with": {"posts": {"count": 3, "merge": [{"title": "first"}, {"title": "second"}, {"title": "third"}]}}}') d,
	jsonb_array_elements(d -> 'posts') p;

-- A factory of one's own: constants, expressions, sequences, fakes, choices, ranges
SELECT * FROM relations.define_factory('users', '{"active": false, "email": {"sequence": "user%s@test.com"},
	"full_name": {"one_of": ["Ada", "Bea"]}, "created_at": {"between": ["2024-01-01", "2024-01-31"]}}');
SELECT relations.define_factory('posts', '{"title": {"sql": "upper(''post '' || views)"}, "views": {"between": [10, 12]}}');
SELECT relations.factory_create('users', 2, '{"seed": 1}');
SELECT p ->> 'title' = 'POST ' || (p ->> 'views') AS title, (p ->> 'views')::int BETWEEN 10 AND 12 AS views
FROM relations.factory_create('users', 1, '{"with": {"posts": 3}}') d, jsonb_array_elements(d -> 'posts') p;
-- an expression is evaluated for each row
SELECT relations.define_factory('roles', '{"name": {"sql": "''role '' || clock_timestamp()::text || random()"}}');
SELECT count(DISTINCT d ->> 'name') FROM relations.factory_create('roles', 10) d;

-- States: several at once, later ones win; what the call merges wins over all
SELECT relations.define_state('users', 'admin', '{"full_name": "Root", "active": true}');
SELECT relations.define_state('users', 'guest', '{"full_name": "Guest"}');
SELECT d ->> 'full_name' AS name, d ->> 'active' AS active FROM relations.factory_create('users', 1, '{"state": "admin"}') d
UNION ALL SELECT d ->> 'full_name', d ->> 'active' FROM relations.factory_create('users', 1, '{"state": ["admin", "guest"]}') d
UNION ALL SELECT d ->> 'full_name', d ->> 'active' FROM relations.factory_create('users', 1, '{"state": ["guest", "admin"], "merge": {"full_name": "Me"}}') d;
-- states and merges under a relation
SELECT d -> 'author' ->> 'full_name' AS author, d ->> 'title' AS title
FROM relations.factory_create('posts', 1, '{"with": {"author": {"state": "admin"}}, "merge": {"title": "Hello"}}') d;
-- merged for all that is made and has such a column
SELECT d ->> 'created_at' AS at, d -> 'role' ->> 'name' AS role, d -> 'posts' -> 0 ->> 'views' AS views
FROM relations.factory_create('users', 1, '{"merge_recursive": {"views": 4, "name": "reader", "created_at": "2020-02-29"}, "with": ["role", "posts"]}') d;

-- the catalog
SELECT model, state, definition FROM relations.factory_state WHERE model = 'users'::regclass ORDER BY state;
SELECT relations.drop_state('users', 'guest');
SELECT relations.drop_factory('users');
SELECT count(*) FROM relations.factory WHERE model = 'users'::regclass;
SELECT count(*) FROM relations.factory_state WHERE model = 'users'::regclass;

-- Renames are followed, drops too
ALTER TABLE posts RENAME views TO hits;
ALTER TABLE posts RENAME TO articles;
SELECT model, definition FROM relations.factory WHERE definition ? 'hits';
SELECT relations.define_state('articles', 'old', '{"hits": 1, "title": "x"}');
SET client_min_messages = notice;
ALTER TABLE articles DROP COLUMN hits;
RESET client_min_messages;
SELECT definition FROM relations.factory WHERE model = 'articles'::regclass;
SELECT definition FROM relations.factory_state WHERE model = 'articles'::regclass;
SET client_min_messages = warning;
DROP TABLE articles;
SELECT count(*) FROM relations.factory f WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = f.model);
SELECT count(*) FROM relations.factory_state f WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = f.model);
DROP SCHEMA factory CASCADE;
SELECT count(*) FROM relations.factory;
