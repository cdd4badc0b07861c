--
-- check: each problem is made by hand, told, its statement run, and gone
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA "to check";
SET search_path = "to check";
CREATE VIEW wrong AS SELECT model, relation, problem, severity, detail, statement FROM relations.check('to check');
CREATE VIEW mend AS SELECT statement FROM relations.check('to check') WHERE statement IS NOT NULL;

-- a schema in which all is well: what is declared is complete
CREATE TABLE "Users" (tenant int, id int, name text, posts_count int NOT NULL DEFAULT 0, PRIMARY KEY (tenant, id));
CREATE TABLE posts (id int PRIMARY KEY, tenant int, "userId" int, title text);
CREATE TABLE profiles (id int PRIMARY KEY, tenant int, "userId" int);
CREATE TABLE tags (id int PRIMARY KEY, name text);
SELECT kind FROM relations.has_many('"Users"', 'posts', 'posts', foreign_key => 'tenant, "userId"');
SELECT kind FROM relations.belongs_to('posts', 'user', '"Users"', foreign_key => 'tenant, "userId"', counter_cache => 'posts_count');
SELECT kind FROM relations.has_one('"Users"', 'profile', 'profiles', foreign_key => 'tenant, "userId"');
SELECT kind FROM relations.many_to_many('posts', 'tags', 'tags');
SELECT kind FROM relations.has_many_through('"Users"', 'tags', 'post_tag', 'posts', steps => 'has_many, has_many');
SELECT relations.create_view('posts_graph', 'posts', 'user', 'tags');
INSERT INTO "Users" VALUES (1, 1, 'Aswin'), (1, 2, 'Mina');
INSERT INTO posts VALUES (1, 1, 1, 'Hello'), (2, 1, 1, 'Again'), (3, 1, 2, 'Mine'), (4, NULL, NULL, 'Nobody''s');
INSERT INTO profiles VALUES (1, 1, 1), (2, 1, 2);
INSERT INTO tags VALUES (1, 'sql');
INSERT INTO post_tag VALUES (1, 1), (2, 1);
TABLE wrong;

-- a foreign key without an index: of the child, and of either side of a pivot
DROP INDEX "posts_tenant_userId_idx", post_tag_tag_id_post_id_idx;
TABLE wrong;
TABLE mend \gexec
TABLE wrong;

-- a foreign key that was added NOT VALID, with orphans: repair never takes a row away
CREATE TABLE notes (id int PRIMARY KEY, tag_id int, label_id int NOT NULL);
INSERT INTO notes VALUES (1, 1, 1), (2, 7, 1), (3, NULL, 8);
SELECT kind FROM relations.has_many('tags', 'notes', 'notes', validate => false);
SELECT kind FROM relations.has_many('tags', 'labels', 'notes', foreign_key => 'label_id', enforce => false);
TABLE wrong;
SELECT relation, problem, outcome FROM relations.repair('to check');
TABLE wrong;
TABLE notes;
SELECT statement FROM wrong WHERE problem = 'orphans' \gexec
TABLE notes;
TABLE mend \gexec
TABLE wrong;
SELECT relations.drop_relation('tags', 'notes'), relations.drop_relation('tags', 'labels');
DROP TABLE notes;

-- a to-one that is not unique
ALTER TABLE profiles DROP CONSTRAINT "profiles_tenant_userId_key";
INSERT INTO profiles VALUES (3, 1, 1);
TABLE wrong;
SELECT relation, problem, outcome FROM relations.repair('to check');
TABLE mend \gexec
TABLE profiles;
TABLE wrong;
TABLE mend \gexec
TABLE wrong;
-- "latest of many" need not be unique
SELECT kind FROM relations.has_one('"Users"', 'latest', 'posts', foreign_key => 'tenant, "userId"', scope => '{"order": ["-id"]}');
TABLE wrong;
SELECT relations.drop_relation('"Users"', 'latest');

-- types that differ
ALTER TABLE post_tag ALTER tag_id TYPE bigint;
TABLE wrong;
TABLE mend \gexec
TABLE wrong;
CREATE TABLE bills (id int PRIMARY KEY, tag text);
INSERT INTO bills VALUES (1, '1');
ALTER TABLE tags ADD code int UNIQUE;
SELECT kind FROM relations.belongs_to('bills', 'tagged', 'tags', foreign_key => 'tag', local_key => 'name', enforce => false);
TABLE wrong;
DELETE FROM bills;
TABLE mend \gexec
TABLE wrong;
SELECT relations.drop_relation('bills', 'tagged');
DROP TABLE bills;

-- a counter that has drifted; triggers that are missing, or disabled
UPDATE "Users" SET posts_count = 40 WHERE id = 2;
DROP TRIGGER relations_counter_insert ON posts;
ALTER TABLE posts DISABLE TRIGGER relations_counter_delete;
DROP TRIGGER relations_counter_key ON "Users";
TABLE wrong;
SELECT model, relation, problem, outcome FROM relations.repair('to check');
TABLE wrong;
SELECT id, posts_count FROM "Users" ORDER BY id;

-- a foreign key whose triggers are disabled keeps nothing
ALTER TABLE profiles DISABLE TRIGGER ALL;
INSERT INTO profiles VALUES (9, 1, 99);
SELECT problem, severity, detail, regexp_replace(statement, '\d{4,}', 'OID') FROM wrong;
SELECT problem, detail, outcome FROM relations.repair('to check');
DELETE FROM profiles WHERE id = 9;
TABLE wrong;

-- a graph view that is not what it would be now
ALTER TABLE posts ADD body text;
TABLE wrong;
TABLE mend \gexec
TABLE wrong;
SELECT relations.drop_relation('posts', 'user');
TABLE wrong;
SELECT problem, outcome FROM relations.repair('to check');
TABLE mend \gexec
TABLE wrong;
SELECT kind FROM relations.belongs_to('posts', 'user', '"Users"', foreign_key => 'tenant, "userId"', counter_cache => 'posts_count');

-- event triggers that do not fire, and what went meanwhile
ALTER EVENT TRIGGER relations_follow_drop DISABLE;
ALTER EVENT TRIGGER relations_follow_ddl ENABLE REPLICA;
ALTER TABLE posts DROP CONSTRAINT "posts_tenant_userId_fkey";
ALTER TABLE post_tag RENAME CONSTRAINT post_tag_tag_id_fkey TO by_tag;
ALTER TABLE "Users" DROP posts_count;
ALTER TABLE profiles DROP "userId";
TABLE wrong;
SELECT problem, outcome FROM relations.repair('to check');
TABLE wrong;
SELECT relation, kind, counter_cache FROM relations.relation WHERE model IN ('"Users"'::regclass, 'posts'::regclass) ORDER BY 1, 2;
ALTER EVENT TRIGGER relations_follow_drop DISABLE;
DROP TABLE post_tag CASCADE;
DROP TABLE tags CASCADE;
SELECT relation, problem, regexp_replace(detail, '\d{4,}', 'OID'), regexp_replace(statement, '\d{4,}', 'OID') FROM wrong;
-- whose relation goes first is told by chance
SET client_min_messages = warning;
SELECT problem, outcome FROM relations.repair('to check');
SET client_min_messages = notice;
TABLE wrong;
SELECT relation, kind FROM relations.relation WHERE model IN ('"Users"'::regclass, 'posts'::regclass) ORDER BY 1, 2;
SELECT relations.forget('posts');
SELECT relations.forget('posts', 'title');

-- the catalog's own triggers are for replicas only
ALTER TABLE relations.model ENABLE TRIGGER catalog_row;
SELECT problem, statement FROM relations.check('relations');
SELECT problem, outcome FROM relations.repair('relations');
SELECT * FROM relations.check('relations');
SELECT relations.catalog_row();

-- polymorphic references
CREATE TABLE photos (id int PRIMARY KEY);
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int);
INSERT INTO photos VALUES (1);
SELECT kind FROM relations.morph_to('comments', 'about', '{"post": "posts", "photo": "photos"}', on_delete => 'set null');
SELECT kind FROM relations.morph_many('posts', 'comments', 'comments', 'about');
INSERT INTO comments VALUES (1, 'post', 1), (2, 'photo', 1);
TABLE wrong;
ALTER EVENT TRIGGER relations_follow_drop DISABLE;
ALTER TABLE comments DROP about_photo_id, DROP CONSTRAINT comments_about_check, DROP CONSTRAINT comments_about_post_id_fkey;
DROP TRIGGER "RELATIONS_morph_action" ON posts;
DROP INDEX comments_about_post_id_idx;
INSERT INTO comments VALUES (3, 'post', 77), (4, 'video', 1);
TABLE wrong;
SELECT relation, problem, outcome FROM relations.repair('to check');
SELECT statement FROM wrong WHERE problem IN ('orphans', 'unknown_types') \gexec
SELECT relation, problem, outcome FROM relations.repair('to check');
TABLE wrong;
SELECT * FROM comments ORDER BY id;

-- a scope, and a name, that no longer fit
SELECT kind FROM relations.has_many('"Users"', 'titled', 'posts', foreign_key => 'tenant, "userId"', scope => '{"where": {"title": {"ne": ""}}}');
ALTER EVENT TRIGGER relations_follow_drop DISABLE;
ALTER TABLE posts DROP title;
ALTER EVENT TRIGGER relations_follow_drop ENABLE;
ALTER TABLE "Users" ADD posts text;
TABLE wrong;
SELECT relation, problem, outcome FROM relations.repair('to check');
TABLE mend \gexec
TABLE wrong;

-- it runs with the caller's rights, and repair does what he may
CREATE ROLE regress_relations_checker;
GRANT USAGE ON SCHEMA "to check" TO regress_relations_checker;
GRANT SELECT ON comments, photos, posts TO regress_relations_checker;
DROP INDEX comments_about_photo_id_idx;
SET ROLE regress_relations_checker;
SELECT model, relation, problem, detail FROM relations.check('to check');
SELECT model, relation, problem, outcome FROM relations.repair('to check');
RESET ROLE;
ALTER TABLE photos ENABLE ROW LEVEL SECURITY;
SELECT kind FROM relations.morph_many('photos', 'comments', 'comments', 'about');
SET ROLE regress_relations_checker;
SELECT problem, detail FROM relations.check('to check') WHERE model = 'photos'::regclass;
RESET ROLE;
-- other people's views may run other people's functions
CREATE FUNCTION gotcha() RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''run by %'', current_user; RETURN 1; END';
CREATE VIEW trap AS SELECT id, gotcha() AS photo_id FROM photos;
SELECT kind FROM relations.has_many('photos', 'traps', 'trap', enforce => false);
GRANT CREATE ON SCHEMA "to check" TO regress_relations_checker;
ALTER VIEW trap OWNER TO regress_relations_checker;
SELECT problem, detail FROM relations.check('to check') WHERE relation = 'traps';
SELECT * FROM relations.check('no such schema');

-- long work is told of before it is done
CREATE TABLE loose (id int PRIMARY KEY, photo_id int);
SELECT kind FROM relations.has_many('photos', 'loose', 'loose', enforce => false);
UPDATE pg_class SET reltuples = 5000000 WHERE oid = 'loose'::regclass;
SELECT problem FROM relations.check('to check') WHERE relation = 'loose';
SELECT relations.drop_relation('photos', 'loose');

-- a cancel ends it
\set SHOW_CONTEXT never
CREATE VIEW slow AS SELECT i AS id, CASE WHEN i > 1 THEN (pg_sleep(20) IS NULL)::int END AS photo_id FROM generate_series(1, 3) i;
SELECT kind FROM relations.has_many('photos', 'slow', 'slow', enforce => false);
SET statement_timeout = '500ms';
SELECT * FROM relations.check('to check');
RESET statement_timeout;
SET client_min_messages = warning;
DROP SCHEMA "to check" CASCADE;
DROP ROLE regress_relations_checker;
