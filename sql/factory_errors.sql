--
-- Factories: what is wrong is said, with its place and a way out
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA factory;
SET search_path = factory;
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, born date, twice text GENERATED ALWAYS AS (name || name) STORED);
CREATE TABLE profiles (id serial PRIMARY KEY, user_id int NOT NULL, bio varchar(5));
CREATE TABLE posts (id serial PRIMARY KEY, user_id int REFERENCES users, title text);
CREATE TABLE tags (id serial PRIMARY KEY, name text);
CREATE TABLE comments (id serial PRIMARY KEY, post_id int REFERENCES posts, about_type text, about_id int);
SELECT count(*) FROM (SELECT relations.has_one('users', 'profile', 'profiles') UNION ALL SELECT relations.belongs_to('profiles', 'user', 'users')
	UNION ALL SELECT relations.has_many('users', 'posts', 'posts') UNION ALL SELECT relations.belongs_to('posts', 'author', 'users')
	UNION ALL SELECT relations.many_to_many('posts', 'tags', 'tags') UNION ALL SELECT relations.has_many('posts', 'comments', 'comments')
	UNION ALL SELECT relations.has_many_through('users', 'comments', 'comments', 'posts')
	UNION ALL SELECT relations.morph_to('comments', 'about', '{"user": "users", "tag": "tags"}')) d;

-- Definitions
SELECT relations.define_factory('users', '[]');
SELECT relations.define_factory('users', NULL);
SELECT relations.define_factory('users', '{"nmae": "x"}');
SELECT relations.define_factory('users', '{"posts": {"fake": "title"}}');
SELECT relations.define_factory('users', '{"twice": "x"}');
SELECT relations.define_factory('users', '{"name": {"faek": "name"}}');
SELECT relations.define_factory('users', '{"name": {"fake": "emial"}}');
SELECT relations.define_factory('users', '{"name": {"fake": "nothing like it"}}');
SELECT relations.define_factory('users', '{"name": {"fake": 1}}');
SELECT relations.define_factory('users', '{"name": {"sequence": "user"}}');
SELECT relations.define_factory('users', '{"name": {"one_of": []}}');
SELECT relations.define_factory('users', '{"born": {"between": ["2024-01-01"]}}');
SELECT relations.define_factory('users', '{"born": {"between": ["2024-01-02", "2024-01-01"]}}');
SELECT relations.define_factory('users', '{"name": {"between": ["a", "b"]}}');
SELECT relations.define_factory('users', '{"born": "no date"}');
SELECT relations.define_factory('users', '{"born": {"fake": "name"}}');
SELECT relations.define_factory('users', '{"born": {"sequence": "user%s"}}');
SELECT relations.define_factory('users', '{"born": {"one_of": ["2024-01-01", "no date"]}}');
SELECT relations.define_factory('profiles', '{"bio": "too long for it"}');
SELECT relations.define_factory('pg_class_oid_index', '{}');
-- an expression is one expression, and fits its column
SELECT relations.define_factory('users', '{"name": {"sql": "1), (2"}}');
SELECT relations.define_factory('users', '{"name": {"sql": "name) FROM pg_shadow WHERE (true"}}');
SELECT relations.define_factory('users', '{"name": {"sql": "1); DROP TABLE users; SELECT (1"}}');
SELECT relations.define_factory('users', '{"name": {"sql": "1) UNION SELECT (2"}}');
SELECT relations.define_factory('users', '{"name": {"sql": "lower("}}');
SELECT relations.define_factory('users', '{"name": {"sql": "no_such_function()"}}');
SELECT relations.define_factory('users', '{"born": {"sql": "point(1, 2)"}}');
SELECT relations.define_factory('users', '{"name": {"sql": "1 -- a comment"}}');
SELECT relations.define_state('users', '', '{}');
SELECT relations.define_state('users', 'old', '{"nmae": "x"}');
SELECT relations.drop_state('users', 'old');
SELECT relations.drop_factory('profiles');

-- Options
SELECT relations.factory_create('users', -1);
SELECT relations.factory_create('users', NULL);
SELECT relations.factory_create(NULL, 1);
SELECT relations.factory_create('users', 1, '[]');
SELECT relations.factory_create('users', 1, '{"wiht": ["profile"]}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"coutn": 2}}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"seed": 2}}}');
SELECT relations.factory_create('users', 1, '{"with": ["post"]}');
SELECT relations.factory_create('users', 1, '{"with": ["posts.coments"]}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": "many"}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": -1}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": [3, 1]}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"count": [1, 2, 3]}}}');
SELECT relations.factory_create('users', 1, '{"with": {"profile": {"count": 2}}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"pivot": {"a": 1}}}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"type": "tag"}}}');
SELECT relations.factory_create('comments', 1, '{"with": {"about": {"type": "video"}}}');
SELECT relations.factory_create('users', 1, '{"with": ["comments"]}');
SELECT relations.factory_create('posts', 1, '{"with": {"author": {"recycle": true, "with": ["profile"]}}}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"with": ["author"]}}}');
SELECT relations.factory_create('users', 1, '{"state": "olde"}');
SELECT relations.factory_create('users', 1, '{"state": 1}');
SELECT relations.factory_create('users', 1, '{"merge": 1}');
SELECT relations.factory_create('users', 1, '{"merge": [1]}');
SELECT relations.factory_create('users', 1, '{"merge": {"nmae": "x"}}');
SELECT relations.factory_create('users', 1, '{"merge": {"posts": []}}');
SELECT relations.factory_create('users', 1, '{"merge": {"twice": "x"}}');
SELECT relations.factory_create('users', 1, '{"merge": [{"name": "x"}, {"born": "no date"}]}');
SELECT relations.factory_create('users', 1, '{"with": {"posts": {"merge": {"user_id": 1}}}}');
SELECT relations.factory_create('posts', 1, '{"with": {"tags": {"pivot": {"post_id": 1}}}}');
-- merged values are values: nobody runs SQL by them
SELECT relations.factory_create('users', 1, '{"merge": {"name": {"sql": "current_user"}}, "seed": 1}') ->> 'name' AS name;
SELECT relations.factory_create('users', 1, '{"seed": "abc"}');

-- A column that no rule can fill, and what a constraint refuses
CREATE TABLE hard (id serial PRIMARY KEY, r regclass NOT NULL);
SELECT relations.factory_create('hard', 1);
SELECT relations.define_factory('hard', '{"r": {"sql": "''pg_class''::regclass"}}');
SELECT relations.factory_create('hard', 1);
CREATE TABLE odd (n int CHECK (n % 1000 = 7));
SELECT relations.factory_create('odd', 1, '{"seed": 1}');
CREATE TABLE few (id serial PRIMARY KEY, c char(1) UNIQUE);
SELECT count(*) FROM relations.factory_create('few', 27);
SELECT relations.define_factory('few', '{"c": {"one_of": ["a", "b"]}}');
SELECT count(*) FROM relations.factory_create('few', 3);
SELECT count(*) FROM few;
-- rows that need each other
CREATE TABLE hens (id int PRIMARY KEY);
CREATE TABLE eggs (id int PRIMARY KEY, hen_id int NOT NULL REFERENCES hens);
ALTER TABLE hens ADD egg_id int NOT NULL REFERENCES eggs;
SELECT relations.factory_create('eggs', 1);
SELECT relations.factory_create('eggs', 1, '{"recycle": true}');
-- a trigger that stores nothing
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT relations.factory_create('tags', 2);
-- a key that is null
CREATE TABLE codes (id serial PRIMARY KEY, code text UNIQUE);
CREATE TABLE uses (code text REFERENCES codes (code));
SELECT count(*) FROM relations.has_many('codes', 'uses', 'uses', foreign_key => 'code', local_key => 'code');
SELECT relations.factory_create('codes', 1, '{"merge": {"code": null}, "with": ["uses"]}');
-- an error leaves nothing
SELECT count(*) FROM codes;
-- cancel works at once
\set SHOW_CONTEXT never
SET statement_timeout = '500ms';
SELECT count(*) FROM relations.factory_create('users', 30000000);
RESET statement_timeout;
\set SHOW_CONTEXT errors
DROP SCHEMA factory CASCADE;
