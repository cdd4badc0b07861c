--
-- Polymorphic references: declared, enforced, dropped
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA morph;
CREATE SCHEMA media;
SET search_path = morph;
CREATE TABLE posts (id int PRIMARY KEY, title text);
CREATE TABLE media.videos (id bigint PRIMARY KEY, url text);
CREATE TABLE comments (id int PRIMARY KEY, commentable_type text, commentable_id bigint, body text);
INSERT INTO posts VALUES (1, 'first'), (2, 'second');
INSERT INTO media.videos VALUES (1, 'one'), (4000000000, 'two');
INSERT INTO comments VALUES (1, 'post', 1, 'a'), (2, 'video', 4000000000, 'b'), (3, NULL, NULL, 'c');

--
-- What is made
--
SELECT kind, related, morph, foreign_key, local_key, created_index, created_columns
FROM relations.morph_to('comments', 'commentable', '{"video": "media.videos", "post": "posts"}');
\d comments
SELECT * FROM relations.morph_type ORDER BY type;
SELECT relations.ddl('comments', 'commentable');
-- the types are there: they are used
SELECT kind, related, morph, foreign_key, local_key, constraint_name, created_index
FROM relations.morph_many('posts', 'comments', 'comments', 'commentable');
SELECT relations.ddl('posts', 'comments');
-- a type is added later, by the table's singular name, and its has is unique
CREATE TABLE pages (slug varchar(20) COLLATE "C" PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, about_type varchar(12), about_id text);
INSERT INTO pages VALUES ('home'), ('about');
SELECT kind, foreign_key, created_index FROM relations.morph_one('pages', 'note', 'notes', 'about');
SELECT kind, foreign_key, created_index FROM relations.morph_many('posts', 'notes', 'notes', 'about', on_delete => 'cascade', type => 'Model\Post''s');
SELECT kind, created_columns FROM relations.morph_to('notes', 'subject', '["pages", "media.videos"]', morph => 'about');
\d notes
SELECT relations.ddl('pages', 'note');
-- documents do not show the generated columns
SELECT relations.find('comments', 1);
-- columns that are missing: of the keys' type when it is one, else text
CREATE TABLE likes (id int PRIMARY KEY);
CREATE TABLE tasks (id int PRIMARY KEY);
CREATE TABLE people (id uuid PRIMARY KEY, at point);
SELECT created_columns FROM relations.morph_to('likes', 'likeable', '["posts", "tasks"]', add_column => true);
SELECT created_columns FROM relations.morph_to('likes', 'owner', '["people", "tasks"]', add_column => true, defer => 'initially deferred');
\d likes
SELECT relations.ddl('likes', 'owner');
-- keys of several columns
CREATE TABLE rooms (house int, number int, PRIMARY KEY (house, number));
CREATE TABLE keys (id int PRIMARY KEY, opens_type text, opens_house int, opens_number int);
SELECT foreign_key, local_key FROM relations.morph_many('rooms', 'keys', 'keys', 'opens');
-- an enum holds the type
CREATE TYPE kind AS ENUM ('post', 'task', 'room');
CREATE TABLE votes (id int PRIMARY KEY, kind kind, ref int, votable_post_id int);
SELECT kind, foreign_key FROM relations.morph_many('posts', 'votes', 'votes', 'votable', type_column => 'kind', id_column => 'ref', on_delete => 'restrict', on_update => 'restrict');
\d votes
-- of partitioned tables
CREATE TABLE events (id int PRIMARY KEY, what_type text, what_id int) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE TABLE sales (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (100);
SELECT foreign_key FROM relations.morph_many('sales', 'events', 'events', 'what', on_delete => 'cascade');
SELECT foreign_key FROM relations.morph_many('posts', 'events', 'events', 'what', on_delete => 'set null');
INSERT INTO sales VALUES (1);
INSERT INTO posts VALUES (7);
INSERT INTO events VALUES (1, 'sale', 1), (2, 'post', 7);
DELETE FROM sales;
DELETE FROM posts WHERE id = 7;
SELECT * FROM events;
-- a reference to the table itself
CREATE TABLE nodes (id int PRIMARY KEY, up_type text, up_id int);
SELECT foreign_key FROM relations.morph_to('nodes', 'up', '["nodes", "posts"]', on_delete => 'set null');
INSERT INTO nodes VALUES (1, NULL, NULL), (2, 'node', 1), (3, 'node', 2), (4, 'node', 4);
DELETE FROM nodes WHERE id IN (1, 2, 4);
SELECT * FROM nodes;

--
-- What is kept
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
	$$INSERT INTO comments VALUES (9, 'photo', 1)$$,
	$$INSERT INTO comments VALUES (9, 'post', 3)$$,
	$$INSERT INTO comments VALUES (9, 'post', 4000000000)$$,
	$$INSERT INTO comments VALUES (9, 'video', 2)$$,
	$$INSERT INTO comments VALUES (9, 'post', NULL)$$,
	$$INSERT INTO comments VALUES (9, NULL, 1)$$,
	$$INSERT INTO comments VALUES (9, '', 1)$$,
	$$UPDATE comments SET commentable_type = 'video' WHERE id = 1 AND commentable_id <> 1$$,
	$$UPDATE comments SET commentable_id = 3 WHERE id = 1$$,
	$$UPDATE comments SET commentable_post_id = 2$$,
	$$DELETE FROM posts WHERE id = 1$$,
	$$UPDATE posts SET id = 3 WHERE id = 1$$,
	$$TRUNCATE posts$$,
	$$INSERT INTO keys VALUES (1, 'room', 1, NULL)$$,
	$$INSERT INTO keys VALUES (1, 'room', 1, 1)$$,
	$$INSERT INTO keys VALUES (1, NULL, NULL, 1)$$,
	$$INSERT INTO notes VALUES (1, 'video', 'one')$$,
	$$INSERT INTO notes VALUES (1, 'page', 'Home')$$,
	$$INSERT INTO votes VALUES (1, 'task', 1)$$]) s;
COPY comments (id, commentable_type, commentable_id) FROM stdin;
9	post	9
\.
COPY comments (id, commentable_type, commentable_id) FROM stdin;
9	post	2
\.
-- one row of one, any number of the other
INSERT INTO notes VALUES (1, 'page', 'home'), (2, 'Model\Post''s', '1'), (3, 'Model\Post''s', '1'), (4, 'video', '4000000000');
INSERT INTO notes VALUES (5, 'page', 'home');
-- cascade is the foreign key's own
INSERT INTO posts VALUES (3);
UPDATE notes SET about_id = '3' WHERE id = 3;
DELETE FROM posts WHERE id = 3;
SELECT id, about_type, about_id FROM notes ORDER BY id;
-- deferred to the end of the transaction
BEGIN;
INSERT INTO likes (id, owner_type, owner_id) VALUES (1, 'task', 1);
INSERT INTO tasks VALUES (1);
COMMIT;
BEGIN;
UPDATE likes SET owner_type = 'person', owner_id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
COMMIT;

--
-- What is done when a row goes or its key changes
--
CREATE TABLE owners (id int PRIMARY KEY, code text UNIQUE, other int);
CREATE TABLE cards (id int PRIMARY KEY, held_type text, held_id int);
CREATE TABLE seals (id int PRIMARY KEY, of_type text DEFAULT 'owner', of_id text DEFAULT 'zero');
SELECT kind FROM relations.morph_many('owners', 'cards', 'cards', 'held', on_delete => 'set null', on_update => 'cascade');
SELECT kind FROM relations.morph_many('owners', 'seals', 'seals', 'of', local_key => 'code', on_delete => 'set default', on_update => 'set default');
\d owners
SELECT relations.ddl('owners', 'seals');
INSERT INTO owners SELECT n, CASE n WHEN 0 THEN 'zero' ELSE 'code' || n END FROM generate_series(0, 5) n;
INSERT INTO cards SELECT n, 'owner', n FROM generate_series(1, 5) n;
INSERT INTO seals SELECT n, 'owner', 'code' || n FROM generate_series(1, 5) n;
DELETE FROM owners WHERE id = 1;
UPDATE owners SET id = 20 WHERE id = 2;
UPDATE owners SET code = 'code30' WHERE id = 3;
UPDATE owners SET code = NULL WHERE id = 4;
UPDATE owners SET other = 1;
SELECT * FROM cards ORDER BY id;
SELECT * FROM seals ORDER BY id;
-- where the default is, the foreign key keeps
SELECT refused('DELETE FROM owners WHERE id = 0');
UPDATE owners SET code = 'nil' WHERE code = 'zero';
-- keys that change places, and come from a trigger
CREATE FUNCTION up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id = NEW.id + 100; RETURN NEW; END';
CREATE TRIGGER up BEFORE UPDATE ON owners FOR EACH ROW EXECUTE FUNCTION up();
UPDATE owners SET other = 2 WHERE id = 5;
SELECT * FROM cards WHERE id = 5;
DROP TRIGGER up ON owners;
-- an action that fails takes the deletion back
ALTER TABLE cards ADD CONSTRAINT filled CHECK (held_id IS NOT NULL) NOT VALID;
SELECT refused('DELETE FROM owners WHERE id = 105');
SELECT id FROM owners WHERE id = 105;
ALTER TABLE cards DROP CONSTRAINT filled;
-- the trigger function is of no other use
CREATE TABLE others (id int);
CREATE TRIGGER wrong BEFORE DELETE ON others FOR EACH ROW EXECUTE FUNCTION relations.morph_action();
CREATE TRIGGER idle AFTER INSERT OR DELETE ON others FOR EACH ROW EXECUTE FUNCTION relations.morph_action();
SELECT refused('INSERT INTO others VALUES (1)');
ALTER TABLE others DISABLE TRIGGER idle;
INSERT INTO others VALUES (1);
SELECT refused('DELETE FROM others');
SELECT refused('SELECT relations.morph_action()');
ALTER TABLE others DISABLE TRIGGER wrong, ENABLE TRIGGER idle;
DELETE FROM others;
-- kept statements follow what is altered
DELETE FROM seals;
ALTER TABLE cards RENAME held_id TO held_key;
ALTER TABLE cards RENAME held_owner_id TO own;
ALTER TABLE cards RENAME TO slips;
ALTER TABLE slips RENAME CONSTRAINT cards_held_check TO slips_check;
ALTER INDEX cards_held_owner_id_idx RENAME TO slips_own;
DELETE FROM owners WHERE id = 105;
SELECT * FROM slips ORDER BY id;
SELECT type_column, id_columns, foreign_key, check_name, created_index FROM relations.morph_type WHERE model = 'slips'::regclass;
-- with the rights of the holder's owner, whatever a row policy hides
CREATE ROLE regress_morph_owner;
CREATE ROLE regress_morph_other;
GRANT USAGE, CREATE ON SCHEMA morph TO regress_morph_owner, regress_morph_other;
ALTER TABLE slips OWNER TO regress_morph_owner;
ALTER TABLE slips ENABLE ROW LEVEL SECURITY;
ALTER TABLE slips FORCE ROW LEVEL SECURITY;
GRANT SELECT, DELETE ON owners TO regress_morph_other;
SET ROLE regress_morph_other;
DELETE FROM owners WHERE id = 3;
RESET ROLE;
SELECT * FROM slips ORDER BY id;

--
-- Types that are not among the declared ones
--
CREATE TABLE marks (id int PRIMARY KEY, on_type text, on_id int);
INSERT INTO marks VALUES (1, 'post', 1), (2, 'photo', 1), (3, 'task', 1), (4, 'task', NULL);
SELECT refused($$SELECT relations.morph_many('posts', 'marks', 'marks', 'on')$$);
SELECT kind FROM relations.morph_many('posts', 'marks', 'marks', 'on', validate => false);
SELECT refused($$INSERT INTO marks VALUES (5, 'photo', 1)$$);
SELECT kind FROM relations.morph_many('tasks', 'marks', 'marks', 'on');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'marks'::regclass AND contype NOT IN ('p', 'n') ORDER BY 1;
CREATE TABLE halves (id int PRIMARY KEY, on_type text, on_id int);
INSERT INTO halves VALUES (1, 'post', NULL);
SELECT refused($$SELECT relations.morph_many('posts', 'halves', 'halves', 'on')$$);

--
-- What is refused
--
CREATE VIEW glance AS SELECT * FROM posts;
CREATE TABLE loose (id int);
CREATE TABLE floats (id float8 PRIMARY KEY);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.morph_to('comments', 'a', NULL)$$,
	$$SELECT relations.morph_to('comments', 'a', '{}')$$,
	$$SELECT relations.morph_to('comments', 'a', '[]')$$,
	$$SELECT relations.morph_to('comments', 'a', '"posts"')$$,
	$$SELECT relations.morph_to('comments', 'a', '[1]')$$,
	$$SELECT relations.morph_to('comments', 'a', '[["posts"]]')$$,
	$$SELECT relations.morph_to('comments', 'a', '{"post": {"a": "posts"}}')$$,
	$$SELECT relations.morph_to('comments', 'a', '{"": "posts"}')$$,
	$$SELECT relations.morph_to('comments', 'a', '["poosts"]')$$,
	$$SELECT relations.morph_to('comments', 'a', '["po sts."]')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts_pkey"]')$$,
	$$SELECT relations.morph_to('comments', 'a', '["nowhere.posts"]')$$,
	$$SELECT relations.morph_to('comments', 'body', '["posts"]')$$,
	$$SELECT relations.morph_to('comments', 'commentable', '["posts"]')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => '')$$,
	$$SELECT relations.morph_to('comments', 'a', '{"a": "posts", "b": "posts"}', morph => 'x', type_column => 'body', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '{"post": "tasks"}', morph => 'commentable')$$,
	$$SELECT relations.morph_to('comments', 'a', '{"article": "posts"}', morph => 'commentable')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', type_column => 'body')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', on_delete => 'cascade')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', on_update => 'cascade')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', defer => 'initially deferred')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', type_column => 'body, id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', type_column => 'id', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', type_column => 'body', id_column => 'idd')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', type_column => 'body', id_column => 'id, commentable_id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["people"]', type_column => 'body', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', enforce => false)$$,
	$$SELECT relations.morph_to('comments', 'a', '["glance"]', type_column => 'body', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["loose"]', type_column => 'body', id_column => 'id')$$,
	$$SELECT relations.morph_to('comments', 'a', '["sales"]', type_column => 'body', id_column => 'id', on_delete => 'set null')$$,
	$$SELECT relations.morph_to('comments', 'a', '["posts"]', morph => 'commentable', scope => '{"where": {"url": 1}}')$$,
	$$SELECT relations.morph_to('likes', 'more_id', '["posts"]', morph => 'more', add_column => true)$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', NULL)$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentabel')$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable', type => 'article')$$,
	$$SELECT relations.morph_many('tasks', 'c', 'comments', 'commentable', type => 'post')$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable', local_key => 'title')$$,
	$$SELECT relations.morph_many('tasks', 'c', 'comments', 'commentable', local_key => 'idd')$$,
	$$SELECT relations.morph_many('owners', 'c', 'comments', 'commentable', local_key => 'other')$$,
	$$SELECT relations.morph_many('floats', 'c', 'comments', 'commentable')$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable', on_delete => 'vanish')$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable', enforce => false)$$,
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable', scope => '{"where": {"url": 1}}')$$,
	$$SELECT relations.morph_many('media.videos', 'votes', 'votes', 'votable')$$,
	$$SELECT relations.morph_many('glance', 'c', 'comments', 'commentable')$$]) s;
-- nothing of it was made
SELECT attname FROM pg_attribute WHERE attrelid = 'comments'::regclass AND attnum > 0 AND NOT attisdropped;

--
-- Rights: who declares owns the model, and the holder when there is something to make
--
CREATE TABLE mine (id int PRIMARY KEY);
ALTER TABLE mine OWNER TO regress_morph_other;
CREATE TABLE theirs (id int PRIMARY KEY);
ALTER TABLE theirs OWNER TO regress_morph_owner;
GRANT SELECT ON comments, theirs TO regress_morph_other;
GRANT EXECUTE ON FUNCTION refused TO regress_morph_other;
SET ROLE regress_morph_other;
CREATE TABLE held (id int PRIMARY KEY, at_type text, at_id int);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.morph_many('posts', 'c', 'comments', 'commentable')$$,
	$$SELECT relations.morph_many('mine', 'c', 'comments', 'commentable')$$,
	$$SELECT relations.morph_to('held', 'at', '["posts"]')$$,
	$$SELECT relations.morph_to('held', 'at', '["theirs"]')$$,
	$$INSERT INTO relations.morph_type SELECT * FROM relations.morph_type$$]) s;
RESET ROLE;
GRANT REFERENCES ON theirs TO regress_morph_other;
SET ROLE regress_morph_other;
SELECT refused($$SELECT relations.morph_to('held', 'at', '["theirs"]', on_delete => 'set null')$$);
SELECT kind FROM relations.morph_to('held', 'at', '["theirs", "mine"]', on_delete => 'cascade');
RESET ROLE;

--
-- Read: as the queries written by hand do
--
CREATE FUNCTION differs(got text, wanted text) RETURNS TABLE (a jsonb, b jsonb) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT g, w FROM (SELECT row_number() OVER (), d FROM %s d) g (n, g)
		FULL JOIN (SELECT row_number() OVER (), d FROM (%s) d (d)) w (n, w) USING (n) WHERE g IS DISTINCT FROM w', got, wanted);
END $$;
SELECT * FROM differs($$relations.preload('notes', 'subject')$$,
	$$SELECT jsonb_build_object('id', n.id, 'about_type', n.about_type, 'about_id', n.about_id, 'subject',
		CASE about_type WHEN 'page' THEN (SELECT to_jsonb(p) FROM pages p WHERE p.slug = about_id)
		WHEN 'video' THEN (SELECT to_jsonb(v) FROM media.videos v WHERE v.id::text = about_id)
		ELSE (SELECT to_jsonb(p) FROM posts p WHERE p.id::text = about_id) END)
		FROM notes n ORDER BY id$$);
SELECT * FROM differs($$relations.preload('posts', 'comments', 'notes')$$,
	$$SELECT to_jsonb(p) || jsonb_build_object('comments', (SELECT COALESCE(jsonb_agg(
		to_jsonb(c) - 'commentable_post_id' - 'commentable_video_id' ORDER BY c.id), '[]')
		FROM comments c WHERE commentable_type = 'post' AND commentable_id = p.id),
		'notes', (SELECT COALESCE(jsonb_agg(jsonb_build_object('id', n.id, 'about_type', about_type, 'about_id', about_id) ORDER BY n.id), '[]')
		FROM notes n WHERE about_type LIKE 'Model%' AND about_id = p.id::text)) FROM posts p ORDER BY id$$);
SELECT relations.preload('pages', 'note');
SELECT relations.preload('notes', 'subject');

--
-- What is dropped
--
-- the relation only: its types go on
SELECT relations.drop_relation('comments', 'commentable');
SELECT relations.find('comments', 1);
SELECT refused($$INSERT INTO comments VALUES (10, 'video', 2)$$);
SELECT kind FROM relations.morph_to('comments', 'commentable', '{"video": "media.videos"}');
-- with what it stands on, but not what others use
SELECT refused($$SELECT relations.drop_relation('comments', 'commentable', drop_constraint => true)$$);
DELETE FROM comments WHERE commentable_type = 'video';
SELECT relations.drop_relation('comments', 'commentable', drop_constraint => true);
\d comments
SELECT relations.drop_relation('posts', 'comments', drop_constraint => true);
\d comments
SELECT relations.drop_relation('pages', 'note', drop_constraint => true);
\d notes
SET client_min_messages = notice;
SELECT relations.drop_relation('likes', 'likeable', drop_constraint => true);
SET client_min_messages = warning;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'owners'::regclass AND NOT tgisinternal;
SELECT relations.drop_relation('owners', 'cards', drop_constraint => true);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'owners'::regclass AND NOT tgisinternal;
SELECT relations.drop_relation('owners', 'seals', drop_constraint => true);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'owners'::regclass AND NOT tgisinternal;
-- a table that goes takes its type along; its generated column stays behind
SET client_min_messages = notice;
DROP TABLE people CASCADE;
SELECT morph, type FROM relations.morph_type WHERE model = 'likes'::regclass;
SELECT relation FROM relations.relation WHERE model = 'likes'::regclass;
-- with its last type the reference goes
ALTER TABLE likes DROP CONSTRAINT likes_owner_task_id_fkey;
ALTER TABLE likes DROP COLUMN owner_task_id;
DROP TABLE rooms CASCADE;
DROP TABLE votes;
SET client_min_messages = warning;
SELECT model, morph, type FROM relations.morph_type ORDER BY model::text, morph, type;
SELECT count(relations.drop_relation(model, relation)) > 0 AS dropped FROM relations.relation;
DROP SCHEMA media CASCADE;
DROP SCHEMA morph CASCADE;
DROP ROLE regress_morph_owner, regress_morph_other;
SELECT count(*) FROM relations.morph_type;
