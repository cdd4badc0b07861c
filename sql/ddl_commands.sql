--
-- One command after another: what the catalog says then, and that reading and writing go on
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA cmd;
SET search_path = cmd;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE subject AS ENUM ('post', 'user');
CREATE DOMAIN years AS int CHECK (VALUE >= 0);
CREATE TABLE countries (id int PRIMARY KEY, name text, users_count int NOT NULL DEFAULT 0);
CREATE TABLE users (id int PRIMARY KEY, name text, age years, country_id int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, name text, mood mood);
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int, body text);
CREATE TABLE pictures (id int PRIMARY KEY, of_type subject, of_id int);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE tag_user (user_id int REFERENCES users, tag_id int REFERENCES tags, level mood, PRIMARY KEY (user_id, tag_id));
INSERT INTO countries VALUES (1, 'Peru');
INSERT INTO users VALUES (1, 'ann', 30, 1), (2, 'bob', 40, 1);
INSERT INTO posts VALUES (1, 1, 'one', 'good'), (2, 1, 'two', 'bad');
INSERT INTO tags VALUES (1, 'red');
INSERT INTO tag_user VALUES (1, 1, 'good');
SELECT count(*) FROM (
	SELECT relations.belongs_to('users', 'country', 'countries', counter_cache => 'users_count') UNION ALL
	SELECT relations.has_many('users', 'posts', 'posts', scope => '{"where": {"mood": {"in": ["good", "bad"]}}, "order": ["name"]}') UNION ALL
	SELECT relations.belongs_to('posts', 'user', 'users') UNION ALL
	SELECT relations.many_to_many('users', 'tags', 'tags', pivot_columns => 'level', scope => '{"where": {"pivot": {"level": "good"}}, "order": ["-pivot.level"]}')) declared;
SELECT kind FROM relations.has_many('countries', 'writers', 'users', scope => '{
	"where": {"posts": {"some": {"mood": "good"}}, "or": [{"posts": {"count": {"gte": 1, "where": {"name": {"ne": "zz"}}}}}, {"country": {"is": {"name": "Peru"}}}]},
	"order": ["country.name", {"column": "country.name", "direction": "desc"}, {"count": "posts"}, "-name"]}');
SELECT kind FROM relations.morph_to('comments', 'about', '["posts", "users"]', on_delete => 'set null', scope => '{"where": {"name": {"ne": "zz"}}}');
SELECT kind FROM relations.morph_many('posts', 'comments', 'comments', 'about');
SELECT kind FROM relations.morph_to('pictures', 'of', '["posts", "users"]');
SELECT kind FROM relations.morph_many('users', 'pictures', 'pictures', 'of');
SELECT definition FROM relations.define_factory('posts', '{"mood": "good", "name": {"one_of": ["good", "x"]}}');
SELECT definition FROM relations.define_state('posts', 'sad', '{"mood": {"one_of": ["bad", "good"]}}');
INSERT INTO comments VALUES (1, 'post', 1, 'a'), (2, 'user', 1, 'b');
INSERT INTO pictures VALUES (1, 'post', 1), (2, 'user', 1);
CREATE VIEW scopes AS SELECT model, relation, scope FROM relations.relation WHERE scope IS NOT NULL ORDER BY model::text, relation;
PREPARE graph AS SELECT relations.find('users', 1, 'posts.comments', 'tags', 'pictures', 'country.writers');
SET client_min_messages = notice;
EXECUTE graph;

--
-- Types
--
ALTER TYPE mood RENAME VALUE 'good' TO 'fine';
SELECT * FROM scopes;
SELECT definition FROM relations.factory UNION ALL SELECT definition FROM relations.factory_state;
EXECUTE graph;
SELECT d -> 'mood' AS mood FROM relations.factory_make('posts', 1) d;
-- a type of a polymorphic reference may be a value of an enum
ALTER TYPE subject RENAME VALUE 'user' TO 'person';
SELECT morph, type FROM relations.morph_type ORDER BY 1, 2;
SELECT relations.create_related('users', 2, 'pictures', '{"id": 3}');
SELECT relations.find('pictures', 3, 'of');
ALTER TYPE mood ADD VALUE 'calm';
ALTER TYPE mood RENAME TO moods;
ALTER DOMAIN years RENAME TO age_in_years;
ALTER DOMAIN age_in_years DROP CONSTRAINT years_check;
ALTER DOMAIN age_in_years ADD CONSTRAINT at_most CHECK (VALUE < 100);
SELECT relations.update('users', 2, '{"age": -1, "posts": {"$create": {"id": 3, "mood": "calm"}}}');
SELECT relations.update('users', 2, '{"age": 100}');
DELETE FROM posts WHERE id = 3;
-- keys of another type, here and there
ALTER TABLE users ALTER id TYPE bigint;
ALTER TABLE posts ALTER user_id TYPE bigint;
ALTER TABLE tag_user ALTER user_id TYPE bigint, ALTER level TYPE text;
ALTER TABLE countries ALTER users_count TYPE bigint;
EXECUTE graph;
SELECT relation, enforce, constraint_name FROM relations.relation WHERE model = 'users'::regclass ORDER BY 1;
INSERT INTO users VALUES (3000000000, 'cy', 5, 1);
SELECT relations.find('users', 3000000000, 'country');
DELETE FROM users WHERE id > 2;
-- PostgreSQL does not let columns of generated columns change their type
ALTER TABLE comments ALTER about_id TYPE bigint;
-- types that do not compare: told when it is read
BEGIN;
ALTER TABLE users DROP CONSTRAINT users_country_id_fkey, ALTER country_id TYPE text;
EXECUTE graph;
ROLLBACK;
EXECUTE graph;

--
-- Names, of each type of a polymorphic relation and behind relations
--
ALTER TABLE posts RENAME name TO title;
SELECT * FROM scopes;
SELECT relations.preload('comments', 'about');
-- a type that comes has what the others are called by
CREATE TABLE videos (id int PRIMARY KEY, name text);
SELECT kind FROM relations.morph_many('videos', 'comments', 'comments', 'about');
ALTER TABLE users RENAME name TO title;
ALTER TABLE videos RENAME name TO caption;
SELECT scope FROM scopes WHERE relation = 'about';
ALTER TABLE videos RENAME caption TO title;
SELECT scope FROM scopes WHERE relation = 'about';
ALTER TABLE countries RENAME name TO title;
SELECT scope FROM scopes WHERE relation = 'writers';
ALTER TABLE tag_user RENAME level TO rank;
SELECT scope FROM scopes WHERE relation = 'tags';
EXECUTE graph;
SELECT relations.preload('comments', 'about');
-- said by hand
SELECT scope FROM relations.morph_to('comments', 'about_too', '["posts", "users"]', morph => 'about', scope => '{"types": {"post": {"where": {"mood": "fine"}}, "user": {"limit": 1}}}');
SELECT relations.preload('comments', 'about_too');
SELECT relations.morph_to('comments', 'wrong', '["posts", "users"]', morph => 'about', scope => '{"types": {"past": {}}}');
SELECT relations.morph_to('comments', 'wrong', '["posts", "users"]', morph => 'about', scope => '{"types": {"post": {"where": {"age": 1}}}}');
SELECT relations.morph_to('comments', 'wrong', '["posts", "users"]', morph => 'about', scope => '{"types": 1}');
SELECT relations.has_many('users', 'wrong', 'posts', scope => '{"types": {"post": {}}}');
-- the reference itself, with its generated columns
ALTER TABLE comments RENAME about_type TO on_type;
ALTER TABLE comments RENAME about_id TO on_id;
ALTER TABLE comments RENAME about_post_id TO post_of;
SELECT type, type_column, id_columns, foreign_key FROM relations.morph_type WHERE morph = 'about' ORDER BY 1;
SELECT relations.create_related('posts', 2, 'comments', '{"id": 3}');
DELETE FROM posts WHERE id = 2;
TABLE comments ORDER BY id;
-- a table of a composite type
CREATE TYPE note AS (id int, user_id int, body text);
CREATE TABLE notes OF note (PRIMARY KEY (id));
SELECT kind FROM relations.has_many('users', 'notes', 'notes', scope => '{"order": ["body"]}');
ALTER TYPE note RENAME ATTRIBUTE user_id TO owner_id CASCADE;
ALTER TYPE note RENAME ATTRIBUTE body TO words CASCADE;
SELECT foreign_key, scope FROM relations.relation WHERE relation = 'notes';
INSERT INTO notes VALUES (1, 1, 'w');
SELECT relations.find('users', 1, 'notes') -> 'notes' AS notes;
ALTER TYPE note DROP ATTRIBUTE owner_id CASCADE;
SELECT count(*) FROM relations.relation WHERE relation = 'notes';
-- schemas
CREATE SCHEMA cmd_too;
ALTER TABLE posts SET SCHEMA cmd_too;
ALTER TABLE cmd_too.posts RENAME TO articles;
EXECUTE graph;
DELETE FROM cmd_too.articles WHERE id = 2;
ALTER SCHEMA cmd_too RENAME TO cmd_three;
ALTER TYPE moods SET SCHEMA cmd_three;
EXECUTE graph;
SELECT relations.create_related('users', 1, 'posts', '{"id": 2, "title": "again", "mood": "bad", "comments": [{"id": 4}]}');
ALTER TABLE cmd_three.articles RENAME TO posts;
ALTER TABLE cmd_three.posts SET SCHEMA cmd;

--
-- What changes nothing that is declared
--
CREATE TABLE before AS SELECT md5(string_agg(r::text, ',' ORDER BY model::oid, relation)) AS sum FROM relations.relation r;
VACUUM FULL posts;
CLUSTER users USING users_pkey;
REINDEX TABLE posts;
ALTER TABLE posts ADD extra text DEFAULT 'e';
EXECUTE graph;
ALTER TABLE posts ALTER extra SET DEFAULT 'f', ALTER extra SET NOT NULL, ALTER title SET STATISTICS 10;
SELECT relations.create_related('users', 1, 'posts', '{"id": 5}');
ALTER TABLE posts DROP extra;
DELETE FROM posts WHERE id = 5;
ALTER TABLE comments SET UNLOGGED;
ALTER TABLE comments SET LOGGED;
ALTER TABLE posts ALTER CONSTRAINT posts_user_id_fkey DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE posts DISABLE TRIGGER ALL;
ALTER TABLE posts ENABLE TRIGGER ALL;
CREATE TABLE base (id int PRIMARY KEY, user_id bigint, title text, mood cmd_three.moods);
ALTER TABLE posts INHERIT base;
ALTER TABLE posts NO INHERIT base;
ALTER TABLE posts OWNER TO CURRENT_USER;
REVOKE ALL ON posts FROM PUBLIC;
EXECUTE graph;
SELECT sum = (SELECT md5(string_agg(r::text, ',' ORDER BY model::oid, relation)) FROM relations.relation r) AS the_same FROM before;
TRUNCATE tag_user;
EXECUTE graph;
-- with the replica role, too
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE posts RENAME user_id TO writer_id;
SELECT relation, foreign_key FROM relations.relation WHERE model = 'users'::regclass AND relation = 'posts';
SELECT relations.find('users', 1, 'posts') -> 'posts' -> 0 -> 'writer_id' AS writer;
ROLLBACK;

--
-- Undone, and in functions
--
BEGIN;
SAVEPOINT s;
ALTER TABLE posts RENAME user_id TO writer_id;
ALTER TABLE countries RENAME users_count TO n;
SELECT relations.create_related('users', 1, 'posts', '{"id": 9, "mood": "fine"}');
ROLLBACK TO s;
SELECT relations.create_related('users', 1, 'posts', '{"id": 9, "mood": "fine"}');
DROP TABLE tag_user;
SELECT relations.find('users', 1, 'tags');
ROLLBACK;
EXECUTE graph;
CREATE FUNCTION alter_and_read() RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT relations.find('cmd.users', 1, 'posts') -> 'posts' -> 0;
	ALTER TABLE cmd.posts RENAME title TO heading;
	RETURN NEXT relations.find('cmd.users', 1, 'posts') -> 'posts' -> 0;
	BEGIN
		ALTER TABLE cmd.posts DROP COLUMN user_id;
		RETURN NEXT relations.find('cmd.users', 1, 'posts');
	EXCEPTION WHEN undefined_object THEN
		RETURN NEXT to_jsonb(SQLERRM);
	END;
	RETURN NEXT relations.find('cmd.users', 1, 'posts') -> 'posts' -> 0;
	ALTER TABLE cmd.posts RENAME heading TO title;
END $$;
SELECT alter_and_read();

--
-- Partitions
--
CREATE TABLE events (id int PRIMARY KEY, user_id bigint) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
CREATE TABLE events_2 (id int PRIMARY KEY, user_id bigint);
ALTER TABLE users ADD events_count int NOT NULL DEFAULT 0;
SELECT kind FROM relations.belongs_to('events', 'user', 'users', counter_cache => 'events_count');
SELECT kind FROM relations.has_many('users', 'events', 'events');
INSERT INTO events VALUES (1, 1);
INSERT INTO events_2 VALUES (11, 1), (12, 1);
PREPARE events AS SELECT d -> 'events_count' AS counted, d -> 'events' AS events FROM relations.find('users', 1, 'events') d;
EXECUTE events;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (10) TO (20);
EXECUTE events;
SELECT relations.recount('events', 'user');
INSERT INTO events_2 VALUES (13, 1);
EXECUTE events;
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (20) TO (30);
INSERT INTO events VALUES (21, 1);
ALTER TABLE events RENAME user_id TO owner_id;
ALTER TABLE events DETACH PARTITION events_1;
SELECT relations.recount('events', 'user');
EXECUTE events;
DROP TABLE events_1, events_3;
SELECT relations.recount('events', 'user');
EXECUTE events;
SELECT model, relation, foreign_key FROM relations.relation WHERE 'events'::regclass IN (model, related) ORDER BY 1;
DROP TABLE events;
SELECT count(*) FROM relations.relation WHERE relation = 'events';

--
-- Models that are views, and graph views
--
CREATE VIEW people AS SELECT id, title FROM users;
SELECT kind FROM relations.has_many('people', 'posts', 'posts', foreign_key => 'user_id', local_key => 'id', enforce => false);
SELECT relations.model('people', primary_key => 'id');
PREPARE people AS SELECT relations.find('people', 1, 'posts');
EXECUTE people;
CREATE OR REPLACE VIEW people AS SELECT id, upper(title) AS title, country_id FROM users;
EXECUTE people;
ALTER VIEW people RENAME COLUMN id TO person;
EXECUTE people;
ALTER VIEW people RENAME TO persons;
DROP VIEW persons;
SELECT relations.create_view('users_graph', 'users', 'posts.comments', 'country');
ALTER TABLE posts RENAME title TO heading;
ALTER TABLE users RENAME title TO name;
SELECT id, posts FROM users_graph WHERE id = 1;
INSERT INTO users_graph (id, title, posts) VALUES (7, 'g', '[{"id": 7, "heading": "h"}]') RETURNING id, posts;
SELECT relations.refresh_view('users_graph');
INSERT INTO users_graph (id, name, posts) VALUES (7, 'g', '[{"id": 7, "heading": "h", "mood": "fine"}]') RETURNING id, name, posts;
ALTER VIEW users_graph RENAME TO graph_of_users;
ALTER VIEW graph_of_users SET SCHEMA cmd_three;
SELECT view, model, relations FROM relations.graph_view;
UPDATE cmd_three.graph_of_users SET posts = '[]' WHERE id = 7 RETURNING posts;
ALTER TABLE users DROP COLUMN name;
DROP VIEW cmd_three.graph_of_users;
SELECT count(*) FROM relations.graph_view;

--
-- Temporary tables
--
CREATE TEMP TABLE drafts (id int PRIMARY KEY, user_id bigint);
SELECT kind FROM relations.belongs_to('drafts', 'user', 'users', enforce => false);
INSERT INTO drafts VALUES (1, 1);
SELECT relations.find('drafts', 1, 'user') -> 'user' -> 'name' AS name;
ALTER TABLE drafts RENAME user_id TO by;
SELECT relations.find('drafts', 1, 'user') -> 'user' -> 'name' AS name;
DROP TABLE drafts;
SELECT count(*) FROM relations.relation WHERE relation = 'user';

--
-- What goes, with what hangs on it
--
ALTER TABLE comments DROP CONSTRAINT comments_about_post_id_fkey;
SELECT type, constraint_name FROM relations.morph_type WHERE morph = 'about' ORDER BY 1;
ALTER TABLE comments DROP COLUMN on_id CASCADE;
SELECT model, relation FROM relations.relation WHERE morph = 'about';
ALTER TABLE countries DROP users_count;
INSERT INTO users (id, country_id) VALUES (8, 1);
ALTER TABLE users DROP COLUMN id CASCADE;
SELECT model, relation FROM relations.relation ORDER BY model::text, relation;
DROP TYPE subject CASCADE;
-- all of one owner's
CREATE ROLE regress_relations_leaving;
CREATE ROLE regress_relations_heir;
GRANT USAGE, CREATE ON SCHEMA cmd TO regress_relations_leaving, regress_relations_heir;
SET ROLE regress_relations_leaving;
CREATE TABLE mine (id int PRIMARY KEY, mine_id int);
SELECT kind FROM relations.has_many('mine', 'children', 'mine');
RESET ROLE;
REASSIGN OWNED BY regress_relations_leaving TO regress_relations_heir;
SELECT model, relation FROM relations.relation WHERE relation = 'children';
SET ROLE regress_relations_heir;
SELECT kind FROM relations.belongs_to('mine', 'parent', 'mine');
RESET ROLE;
DROP OWNED BY regress_relations_heir, regress_relations_leaving;
SELECT model, relation FROM relations.relation WHERE relation IN ('children', 'parent');
SET client_min_messages = warning;
DROP SCHEMA cmd, cmd_three CASCADE;
DROP ROLE regress_relations_leaving, regress_relations_heir;
SELECT (SELECT count(*) FROM relations.relation) AS relations, (SELECT count(*) FROM relations.morph_type) AS types,
	(SELECT count(*) FROM relations.model) AS models, (SELECT count(*) FROM relations.factory) + (SELECT count(*) FROM relations.factory_state) AS factories;
