--
-- Factories: every kind of relation, nested; what rows refer to
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA factory;
SET search_path = factory;
SET timezone = 'UTC';
CREATE TABLE countries (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE users (id serial PRIMARY KEY, country_id int NOT NULL REFERENCES countries, name text NOT NULL, manager_id int REFERENCES users);
CREATE TABLE profiles (user_id int PRIMARY KEY REFERENCES users, bio text);
CREATE TABLE posts (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text NOT NULL);
CREATE TABLE tags (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE videos (id serial PRIMARY KEY, title text);
CREATE TABLE comments (id serial PRIMARY KEY, commentable_type text NOT NULL, commentable_id int, body text);
CREATE TABLE images (id serial PRIMARY KEY, owner_type text, owner_id int, url text);
CREATE TABLE skills (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE taggables (tag_id int, taggable_type text, taggable_id int, note text);
CREATE TABLE skill_user (user_id int REFERENCES users, skill_id int REFERENCES skills, level int NOT NULL, since date, PRIMARY KEY (user_id, skill_id));
SELECT count(*) FROM (SELECT relations.has_one('users', 'profile', 'profiles')
UNION ALL SELECT relations.has_many('users', 'posts', 'posts')
UNION ALL SELECT relations.belongs_to('posts', 'author', 'users')
UNION ALL SELECT relations.belongs_to('users', 'country', 'countries')
UNION ALL SELECT relations.has_many('countries', 'users', 'users')
UNION ALL SELECT relations.belongs_to('users', 'manager', 'users', foreign_key => 'manager_id')
UNION ALL SELECT relations.has_many('users', 'reports', 'users', foreign_key => 'manager_id')
UNION ALL SELECT relations.many_to_many('users', 'skills', 'skills', pivot_columns => 'level, since')
UNION ALL SELECT relations.has_many_through('countries', 'posts', 'posts', 'users')
UNION ALL SELECT relations.morph_to('comments', 'commentable', '{"post": "posts", "video": "videos"}')
UNION ALL SELECT relations.morph_many('posts', 'comments', 'comments', 'commentable')
UNION ALL SELECT relations.morph_one('users', 'avatar', 'images', 'owner')
UNION ALL SELECT relations.morph_to_many('posts', 'tags', 'tags', 'taggable', pivot_table => 'taggables', pivot_columns => 'note')
UNION ALL SELECT relations.morphed_by_many('tags', 'videos', 'videos', 'taggable', pivot_table => 'taggables')) declared;

-- A graph of all kinds; what comes back is what reading it gives
CREATE TABLE made AS SELECT d FROM relations.factory_create('countries', 4, '{"seed": 1, "with": {"users": {"count": [1, 3], "with": {
	"profile": {"count": [0, 1]}, "avatar": true, "skills": {"count": [0, 3]}, "manager": true, "reports": [0, 2],
	"posts": {"count": [0, 4], "with": {"comments": {"count": [0, 2]}, "tags": {"count": 2}}}}}}}') d;
SELECT d = relations.find('countries', d ->> 'id', 'users.profile', 'users.avatar', 'users.skills', 'users.manager', 'users.reports',
	'users.posts.comments', 'users.posts.tags') AS same, jsonb_array_length(d -> 'users') AS users FROM made;
SELECT jsonb_pretty(d -> 'users' -> 0 -> 'posts' -> 0) AS post FROM made WHERE d -> 'users' -> 0 -> 'posts' -> 0 -> 'comments' -> 0 IS NOT NULL LIMIT 1;
SELECT 'users' AS of, count(*) FROM users UNION ALL SELECT 'profiles', count(*) FROM profiles UNION ALL SELECT 'images', count(*) FROM images
UNION ALL SELECT 'posts', count(*) FROM posts UNION ALL SELECT 'comments', count(*) FROM comments UNION ALL SELECT 'tags', count(*) FROM tags
UNION ALL SELECT 'taggables', count(*) FROM taggables UNION ALL SELECT 'skills', count(*) FROM skills UNION ALL SELECT 'skill_user', count(*) FROM skill_user;
DROP TABLE made;

-- factory_make gives the same, keys and all
TRUNCATE countries, users, profiles, posts, tags, videos, comments, images, skills, taggables, skill_user RESTART IDENTITY;
CREATE TABLE made AS SELECT row_number() OVER () AS n, d FROM relations.factory_make('countries', 4, '{"seed": 1, "with": {"users": {"count": [1, 3], "with": {
	"profile": {"count": [0, 1]}, "avatar": true, "skills": {"count": [0, 3]}, "manager": true, "reports": [0, 2],
	"posts": {"count": [0, 4], "with": {"comments": {"count": [0, 2]}, "tags": {"count": 2}}}}}}}') d;
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM taggables) AS taggables;
CREATE TABLE created AS SELECT row_number() OVER () AS n, d FROM relations.factory_create('countries', 4, '{"seed": 1, "with": {"users": {"count": [1, 3], "with": {
	"profile": {"count": [0, 1]}, "avatar": true, "skills": {"count": [0, 3]}, "manager": true, "reports": [0, 2],
	"posts": {"count": [0, 4], "with": {"comments": {"count": [0, 2]}, "tags": {"count": 2}}}}}}}') d;
SELECT n, m.d = c.d AS same FROM made m JOIN created c USING (n) ORDER BY n;
DROP TABLE made, created;

-- Nobody asked for a country, but a user must have one: it is made too
SELECT d ? 'country' AS shown FROM relations.factory_create('users', 1) d;
SELECT u.country_id = max(c.id) AS made FROM countries c, (SELECT country_id FROM users ORDER BY id DESC LIMIT 1) u GROUP BY u.country_id;
-- and so on upwards: a profile needs a user, who needs a country
SELECT count(*) FROM countries;
SELECT count(*) FROM relations.factory_create('profiles', 3);
SELECT count(*) FROM countries;
-- {"recycle": true}: those that are there are taken
SELECT count(*) AS users, count(DISTINCT d ->> 'country_id') > 1 AS several FROM relations.factory_create('users', 30, '{"recycle": true, "seed": 1}') d;
SELECT count(*) FROM countries;
-- of those whose key has to be unique, none is taken twice; what is missing is made
SELECT count(*) AS without FROM users u WHERE NOT EXISTS (SELECT 1 FROM profiles p WHERE p.user_id = u.id);
SELECT count(*) FROM relations.factory_create('profiles', 100, '{"recycle": true}');
SELECT count(*) AS without FROM users u WHERE NOT EXISTS (SELECT 1 FROM profiles p WHERE p.user_id = u.id);
-- a parent that is asked for is shown
SELECT jsonb_object_agg(key, jsonb_typeof(value)) FROM relations.factory_create('posts', 1, '{"with": ["author.country"]}') d, jsonb_each(d -> 'author');
SELECT count(*) AS posts, count(DISTINCT d -> 'author' ->> 'id') = count(*) AS of_each FROM relations.factory_create('posts', 5, '{"with": ["author"]}') d;
SELECT count(*) FROM users;
SELECT bool_and(d -> 'author' = relations.find('users', d -> 'author' ->> 'id')) AS existing
FROM relations.factory_create('posts', 5, '{"with": {"author": {"recycle": true}}, "seed": 1}') d;
SELECT count(*) FROM users;

SELECT d -> 'manager' AS manager, d -> 'manager_id' AS manager_id FROM relations.factory_create('users', 1, '{"with": {"manager": {"count": 0}}}') d;

-- Pivot attributes: an object, or an array for each row's own; existing rows are joined
TRUNCATE skills, skill_user RESTART IDENTITY CASCADE;
SELECT s -> 'pivot' AS pivot FROM relations.factory_create('users', 2, '{"with": {"skills": {"count": 2, "merge": {"name": "C"},
	"pivot": [{"level": 1, "since": "2020-01-01"}, {"level": 2, "since": null}]}}}') d, jsonb_array_elements(d -> 'skills') s;
SELECT count(*) FROM skills;
SELECT jsonb_array_length(d -> 'skills') AS skills, (SELECT count(DISTINCT s -> 'id') FROM jsonb_array_elements(d -> 'skills') s) AS different
FROM relations.factory_create('users', 3, '{"with": {"skills": {"count": 3, "recycle": true, "pivot": {"level": 9}}}}') d;
SELECT count(*) FROM skills;
SELECT count(*) FROM skill_user WHERE level = 9;

-- A polymorphic reference that must be there leads to the first type, or to the one that is named
SELECT d ->> 'commentable_type' AS type, d ? 'commentable' AS shown FROM relations.factory_create('comments', 1) d;
SELECT commentable_post_id = (SELECT max(id) FROM posts) AS made FROM comments ORDER BY id DESC LIMIT 1;
SELECT d ->> 'commentable_type' AS type, d -> 'commentable' ->> 'title' = 'Film' AS shown
FROM relations.factory_create('comments', 1, '{"with": {"commentable": {"type": "video", "merge": {"title": "Film"}}}}') d;
SELECT v -> 'title' AS title FROM relations.factory_create('tags', 1, '{"with": {"videos": {"count": 2, "merge": {"title": "Film"}}}}') d, jsonb_array_elements(d -> 'videos') v;
SELECT taggable_type, count(*) FROM taggables WHERE taggable_type = 'video' GROUP BY 1;

-- Composite keys: parts are shared, the longer reference comes first
CREATE TABLE tenants (id int PRIMARY KEY, name text);
CREATE TABLE members (tenant_id int REFERENCES tenants, id int, name text, PRIMARY KEY (tenant_id, id));
CREATE TABLE tasks (tenant_id int NOT NULL REFERENCES tenants, id int, member_id int NOT NULL, title text, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id));
SELECT count(*) FROM relations.has_many('tenants', 'members', 'members');
SELECT count(*) FROM relations.has_many('members', 'tasks', 'tasks', foreign_key => 'tenant_id, member_id', local_key => 'tenant_id, id');
SELECT count(*) FROM relations.factory_create('tasks', 3);
SELECT (SELECT count(*) FROM tenants) AS tenants, (SELECT count(*) FROM members) AS members;
-- the second column of such a key counts within its tenant
SELECT m ->> 'id' AS id, jsonb_array_length(m -> 'tasks') AS tasks FROM relations.factory_create('tenants', 2, '{"with": {"members": {"count": 2, "with": {"tasks": 2}}}}') d,
	jsonb_array_elements(d -> 'members') m;

-- Relations that no constraint enforces are wired as well
CREATE TABLE events (id serial PRIMARY KEY, actor int NOT NULL);
SELECT count(*) FROM relations.has_many('users', 'events', 'events', foreign_key => 'actor', enforce => false);
SELECT count(*) FROM relations.factory_create('events', 3);
SELECT count(*) AS found FROM events e JOIN users u ON u.id = e.actor;

-- Rows that are made through a scope are such as it lets through
ALTER TABLE posts ADD published boolean NOT NULL DEFAULT false, ADD kind text;
SELECT count(*) FROM relations.has_many('users', 'published_posts', 'posts', scope => '{"where": {"published": true, "kind": {"in": ["a"]}}}');
SELECT p ->> 'published' AS published, p ->> 'kind' AS kind FROM relations.factory_create('users', 1,
	'{"with": {"published_posts": {"merge": {"kind": "a"}}}}') d, jsonb_array_elements(d -> 'published_posts') p;
ALTER TABLE posts DROP COLUMN published, DROP COLUMN kind;

-- Counters are kept; documents show rows as they were stored, before that
ALTER TABLE users ADD stories_count int NOT NULL DEFAULT 0;
CREATE TABLE stories (id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users);
SELECT count(*) FROM relations.belongs_to('stories', 'author', 'users', counter_cache => 'stories_count');
SELECT count(*) FROM relations.has_many('users', 'stories', 'stories');
SELECT d -> 'stories_count' AS stories_count, jsonb_array_length(d -> 'stories') AS stories FROM relations.factory_create('users', 2, '{"with": {"stories": 3}}') d;
SELECT stories_count, count(*) FROM users GROUP BY 1 ORDER BY 1 DESC LIMIT 1;

-- Partitions, views, and columns of odd names
CREATE TABLE "Odd Things" ("Id" int GENERATED BY DEFAULT AS IDENTITY, "day" date NOT NULL DEFAULT '2024-05-05', "a ""b""" text, PRIMARY KEY ("Id", day)) PARTITION BY RANGE (day);
CREATE TABLE "Odd 2024" PARTITION OF "Odd Things" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT relations.factory_create('"Odd Things"', 1, '{"merge": {"a \"b\"": "x"}}');
CREATE VIEW plain AS SELECT id, name FROM skills;
SELECT relations.factory_create('plain', 1, '{"merge": {"id": 99, "name": "by view"}}');
SELECT * FROM skills WHERE id = 99;
-- no columns, dropped columns, temporary tables
CREATE TABLE bare ();
SELECT relations.factory_create('bare', 2);
CREATE TABLE holes (gone int NOT NULL, id serial PRIMARY KEY, gone_too int, name varchar(8) UNIQUE);
ALTER TABLE holes DROP COLUMN gone, DROP COLUMN gone_too;
CREATE TEMP TABLE passing (id int PRIMARY KEY, hole_id int NOT NULL REFERENCES pg_temp.passing);
SELECT relations.factory_create('holes', 1, '{"seed": 1}'), relations.factory_make('holes', 1, '{"seed": 1}');
SELECT relations.factory_create('passing', 1);
SELECT relations.factory_create('passing', 1, '{"merge": {"id": 1, "hole_id": 1}}');
SELECT relations.factory_create('passing', 1, '{"recycle": true}');
DROP SCHEMA factory CASCADE;
