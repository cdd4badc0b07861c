--
-- A relation with a scope changes, lets go and deletes only the rows that it
-- leads to
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA write_scope;
SET search_path = write_scope;
CREATE TABLE countries (code text PRIMARY KEY, open boolean);
CREATE TABLE users (id int PRIMARY KEY, country text REFERENCES countries);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, published boolean, score int);
CREATE TABLE skills (id int PRIMARY KEY, name text, active boolean);
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int, hidden boolean, body text);
SELECT kind FROM relations.has_many('users', 'posts', 'posts');
SELECT kind FROM relations.has_many('users', 'published', 'posts', scope => '{"where": {"published": true}}');
SELECT kind FROM relations.has_many('users', 'best', 'posts', scope => '{"where": {"score": {"gt": 0}}, "order": ["-score"], "limit": 2}');
SELECT kind FROM relations.has_one('users', 'latest', 'posts', scope => '{"order": ["-id"]}');
SELECT kind FROM relations.many_to_many('users', 'skills', 'skills', pivot_columns => 'level');
SELECT kind FROM relations.many_to_many('users', 'active', 'skills', pivot_columns => 'level', scope => '{"where": {"active": true}}');
SELECT kind FROM relations.many_to_many('users', 'expert', 'skills', pivot_columns => 'level', scope => '{"where": {"pivot": {"level": "expert"}}}');
SELECT kind FROM relations.many_to_many('users', 'first_skill', 'skills', pivot_columns => 'level', scope => '{"order": ["name"], "limit": 1}');
SELECT kind FROM relations.morph_to('comments', 'about', '{"post": "posts"}', on_delete => 'cascade');
SELECT kind FROM relations.morph_many('posts', 'shown', 'comments', 'about', scope => '{"where": {"hidden": false}}');
SELECT kind FROM relations.belongs_to('users', 'home', 'countries', foreign_key => 'country', scope => '{"where": {"open": true}}');
INSERT INTO countries VALUES ('in', true), ('xx', false);
INSERT INTO users VALUES (1, 'in'), (2, 'xx');
INSERT INTO skills VALUES (1, 'sql', true), (2, 'cobol', false), (3, 'c', true), (4, 'awk', true);
CREATE PROCEDURE fill() LANGUAGE sql AS $$
TRUNCATE posts CASCADE; TRUNCATE skill_user;
INSERT INTO posts VALUES (1, 1, 'draft', false, 9), (2, 1, 'public', true, 5), (3, 1, 'other', true, 0), (4, 1, 'low', false, 1);
INSERT INTO comments VALUES (1, 'post', 1, false, 'shown'), (2, 'post', 1, true, 'hidden');
INSERT INTO skill_user (user_id, skill_id, level) VALUES (1, 1, 'expert'), (1, 2, 'expert'), (1, 3, 'low');
$$;
CREATE FUNCTION posts() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(title || COALESCE(' ' || user_id, ''), ', ' ORDER BY id) FROM posts $$;
CREATE FUNCTION skills() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(name || ' ' || COALESCE(level, ''), ', ' ORDER BY id) FROM skill_user JOIN skills s ON s.id = skill_id WHERE user_id = 1 $$;
CALL fill();

-- in bulk
BEGIN;
SELECT relations.update_related('users', 1, 'published', NULL, '{"title": "x"}'), relations.update_related('users', 1, 'latest', '{}', '{"title": "last"}'),
	relations.update_related('users', 1, 'best', '{"score": {"gt": 5}}', '{"title": "best"}');
SELECT posts();
ROLLBACK;
BEGIN;
SELECT relations.delete_related('users', 1, 'published');
SELECT posts();
SELECT relations.delete_related('users', 1, 'latest');
SELECT posts();
ROLLBACK;
BEGIN;
SELECT relations.delete_related('users', 1, 'best');
SELECT posts();
ROLLBACK;
SELECT relations.update_related('users', 1, 'active', '{}', '{"name": "a"}', at_most => 1);
SELECT relations.update_related('users', 1, 'expert', '{"active": false}', '{"name": "COBOL"}');
SELECT skills();

-- the operations
BEGIN;
SELECT relations.update('users', 1, '{"published": {"$set": []}}');
SELECT posts();
ROLLBACK;
BEGIN;
SELECT relations.update('users', 1, '{"published": {"$disconnect": [1, 2]}}');
SELECT posts();
ROLLBACK;
SELECT relations.update('users', 1, '{"published": {"$delete": 1}}');
SELECT relations.update('users', 1, '{"published": {"$update": {"where": 1, "data": {"title": "x"}}}}');
SELECT relations.update('users', 1, '{"published": {"$update": {"where": {"title": "draft"}, "data": {"title": "x"}}}}');
BEGIN;
SELECT relations.update('users', 1, '{"published": {"$upsert": {"where": 2, "update": {"title": "upserted"}, "create": {}}}, "latest": {"$update": {"title": "last"}}}');
SELECT posts();
ROLLBACK;
-- one takes the place of one, not of all
BEGIN;
SELECT relations.update('users', 1, '{"latest": {"id": 9, "title": "new"}}');
SELECT posts();
ROLLBACK;
BEGIN;
SELECT relations.update('users', 1, '{"latest": {"$delete": true}}'), posts();
SELECT posts();
ROLLBACK;
BEGIN;
SELECT relations.update('users', 1, '{"active": {"$set": [4]}, "first_skill": {"$disconnect": [2]}}');
SELECT skills();
ROLLBACK;
BEGIN;
SELECT relations.update('users', 1, '{"first_skill": {"$disconnect": [1]}}');
SELECT relations.update('users', 1, '{"first_skill": {"$set": []}}');
SELECT skills();
ROLLBACK;
BEGIN;
SELECT relations.update('posts', 1, '{"shown": {"$set": [{"id": 3, "body": "new", "hidden": false}]}}');
SELECT id, about_id FROM comments ORDER BY id;
ROLLBACK;
-- what a row refers to, but the relation does not lead to
SELECT relations.update('users', 2, '{"home": {"$update": {"open": true}}}');
SELECT relations.update('users', 1, '{"home": {"$update": {"open": true}}}');

-- the verbs
BEGIN;
SELECT relations.detach('users', 1, 'active', NULL);
SELECT skills();
ROLLBACK;
BEGIN;
SELECT relations.detach('users', 1, 'active', '[2, 3]');
SELECT skills();
ROLLBACK;
BEGIN;
SELECT relations.sync('users', 1, 'active', '[3, 4]');
SELECT relations.sync('users', 1, 'expert', '{"2": {"level": "expert"}, "4": {"level": "expert"}}');
SELECT skills();
ROLLBACK;
-- who is attached, but not shown, is not attached again
BEGIN;
SELECT relations.sync('users', 1, 'active', '[2]');
SELECT skills();
ROLLBACK;
SELECT relations.first_or_create_related('users', 1, 'published', '{"title": "draft"}', '{"id": 10, "published": true}');
SELECT relations.first_or_create_related('users', 1, 'published', '{"title": "public"}');
SELECT relations.update_or_create_related('users', 1, 'best', '{"title": "other"}', '{"id": 11, "score": 3}');
SELECT posts();
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA write_scope CASCADE;
