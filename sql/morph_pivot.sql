--
-- morph_to_many and morphed_by_many: a pivot that refers to several tables
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA morph_pivot;
SET search_path = morph_pivot;
CREATE TABLE posts (id int PRIMARY KEY, title text);
CREATE TABLE videos (id bigint PRIMARY KEY, url text);
CREATE TABLE tags (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO posts VALUES (1, 'first'), (2, 'second'), (3, 'bare');
INSERT INTO videos VALUES (1, 'one'), (2, 'two');
INSERT INTO tags VALUES (1, 'red'), (2, 'green'), (3, 'blue'), (4, 'none');

--
-- The pivot is created; types come and go
--
SELECT local_key, pivot_table, pivot_foreign_key, pivot_related_foreign_key, related_key, morph,
	constraint_name, related_constraint_name, created_constraint, created_related_constraint, created_index, created_table
FROM relations.morph_to_many('posts', 'tags', 'tags', 'taggable', pivot_timestamps => true, pivot_columns => 'since');
\d taggables
SELECT relations.ddl('posts', 'tags');
SELECT local_key, pivot_table, pivot_foreign_key, pivot_related_foreign_key, related_key,
	constraint_name, related_constraint_name, created_constraint, created_index, created_table
FROM relations.morphed_by_many('tags', 'videos', 'videos', 'taggable');
SELECT kind, constraint_name FROM relations.morphed_by_many('tags', 'posts', 'posts', 'taggable');
SELECT kind FROM relations.morph_to_many('videos', 'tags', 'tags', 'taggable', type => 'video');
\d taggables
SELECT relations.ddl('tags', 'videos');
SELECT model, morph, type, related, on_delete FROM relations.morph_type ORDER BY type;

--
-- Read as the query written by hand, and kept
--
INSERT INTO taggables (tag_id, taggable_type, taggable_id, since, created_at, updated_at)
SELECT t, y, i, 'then', '2024-01-01 UTC', '2024-01-01 UTC'
FROM (VALUES (1, 'post', 1), (2, 'post', 1), (3, 'post', 2), (1, 'video', 1), (1, 'video', 2)) v (t, y, i);
SELECT p.id, relations.find('posts', p.id, 'tags') = to_jsonb(p) || jsonb_build_object('tags',
	(SELECT COALESCE(jsonb_agg(to_jsonb(t) || jsonb_build_object('pivot', jsonb_build_object(
		'since', g.since, 'created_at', g.created_at, 'updated_at', g.updated_at)) ORDER BY t.id), '[]')
	FROM taggables g JOIN tags t ON t.id = g.tag_id WHERE g.taggable_type = 'post' AND g.taggable_id = p.id)) AS same
FROM posts p ORDER BY p.id;
SELECT t.id, relations.find('tags', t.id, 'videos', 'posts') = to_jsonb(t) || jsonb_build_object('videos',
	(SELECT COALESCE(jsonb_agg(to_jsonb(v) ORDER BY v.id), '[]')
	FROM taggables g JOIN videos v ON v.id = g.taggable_id WHERE g.taggable_type = 'video' AND g.tag_id = t.id), 'posts',
	(SELECT COALESCE(jsonb_agg(to_jsonb(p) ORDER BY p.id), '[]')
	FROM taggables g JOIN posts p ON p.id = g.taggable_id WHERE g.taggable_type = 'post' AND g.tag_id = t.id)) AS same
FROM tags t ORDER BY t.id;
SELECT relations.find('tags', 1, 'videos', 'posts');
SELECT relations.find('taggables', '(1,post,1)');
\set VERBOSITY terse
INSERT INTO taggables (tag_id, taggable_type, taggable_id) VALUES (1, 'post', 9);
INSERT INTO taggables (tag_id, taggable_type, taggable_id) VALUES (9, 'post', 1);
INSERT INTO taggables (tag_id, taggable_type, taggable_id) VALUES (1, 'page', 1);
INSERT INTO taggables (tag_id, taggable_type, taggable_id) VALUES (1, 'post', 1);
\set VERBOSITY default
-- with either row
DELETE FROM posts WHERE id = 2;
DELETE FROM tags WHERE id = 2;
DELETE FROM videos WHERE id = 2;
SELECT tag_id, taggable_type, taggable_id FROM taggables ORDER BY 1, 2, 3;

--
-- A pivot that is there: names, a key that is not primary, both sides one table
--
CREATE TABLE labels (id int PRIMARY KEY, tag text, kind varchar(20), ref text, "at" date);
SELECT local_key, pivot_table, pivot_foreign_key, pivot_related_foreign_key, related_key, created_related_constraint, created_index, created_second_index
FROM relations.morph_to_many('posts', 'labels', 'tags', 'labelled', pivot_table => 'labels', related_key => 'name',
	pivot_related_foreign_key => 'tag', type_column => 'kind', id_column => 'ref', pivot_columns => 'at',
	on_delete => 'set null', on_update => 'cascade');
\d labels
SELECT relations.ddl('posts', 'labels');
INSERT INTO labels VALUES (1, 'red', 'post', '1', '2024-01-01'), (2, 'blue', 'post', '1', NULL), (3, 'blue', 'post', '3', NULL);
UPDATE posts SET id = 30 WHERE id = 3;
SELECT relations.find('posts', 1, 'labels');
SELECT relations.find('posts', 30, 'labels');
DELETE FROM posts WHERE id = 30;
SELECT id, tag, kind, ref FROM labels ORDER BY id;
SELECT pivot_foreign_key, pivot_related_foreign_key FROM relations.morph_to_many('tags', 'tags', 'tags', 'marked', type => 'self');
SELECT pivot_foreign_key, pivot_related_foreign_key FROM relations.morphed_by_many('tags', 'marking', 'tags', 'marked');
INSERT INTO markeds (tag_id, marked_type, marked_id) VALUES (1, 'self', 3), (1, 'self', 1);
SELECT relations.find('tags', 1, 'tags', 'marking');

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
CREATE VIEW glance AS SELECT * FROM posts;
CREATE TABLE loose (id int);
CREATE TABLE codes (id uuid PRIMARY KEY);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', NULL)$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', '')$$,
	$$SELECT relations.morph_to_many('posts', 'title', 'tags', 'x')$$,
	$$SELECT relations.morph_to_many('posts', 'tags', 'tags', 'taggable')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', enforce => false)$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', on_delete => 'set null')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', on_update => 'set default')$$,
	$$SELECT relations.morph_to_many('glance', 'a', 'tags', 'x')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'loose', 'x')$$,
	$$SELECT relations.morph_to_many('loose', 'a', 'tags', 'x')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', local_key => 'idd')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', local_key => 'title')$$,
	$$SELECT relations.morphed_by_many('tags', 'a', 'glance', 'x', related_key => 'id')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', id_column => 'a, b')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', pivot_table => 'nowhere.t')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'x', pivot_table => 'tags')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'taggable', type => 'article')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'taggable', pivot_columns => 'sinze')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'tags', 'taggable', on_delete => 'restrict')$$,
	$$SELECT relations.morph_to_many('posts', 'a', 'codes', 'taggable')$$,
	$$SELECT relations.morph_to_many('codes', 'a', 'tags', 'taggable')$$,
	$$SELECT relations.morphed_by_many('tags', 'a', 'videos', 'taggable', type => 'post')$$,
	$$SELECT relations.morphed_by_many('tags', 'a', 'videos', 'taggable', scope => '{"limit": -1}')$$]) s;
SELECT to_regclass('xes'), to_regclass('xs');

--
-- What is dropped
--
SET client_min_messages = notice;
SELECT relations.drop_relation('tags', 'videos', drop_constraint => true);
SELECT type FROM relations.morph_type WHERE model = 'taggables'::regclass ORDER BY 1;
SELECT relations.drop_relation('videos', 'tags', drop_constraint => true);
DELETE FROM taggables WHERE taggable_type = 'video';
SELECT relations.drop_relation('videos', 'tags', drop_constraint => true);
SELECT relations.drop_relation('posts', 'tags', drop_constraint => true);
SELECT relations.drop_relation('tags', 'posts', drop_constraint => true);
\d taggables
SELECT relations.drop_relation('tags', 'tags', drop_constraint => true);
DELETE FROM markeds;
SELECT relations.drop_relation('tags', 'marking', drop_constraint => true);
SELECT to_regclass('markeds');
-- a side that goes takes the relation along
DROP TABLE posts CASCADE;
SELECT count(*) FROM relations.relation;
SELECT count(*) FROM relations.morph_type;
SET client_min_messages = warning;
DROP SCHEMA morph_pivot CASCADE;
