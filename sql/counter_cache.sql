--
-- counter_cache and touch: parents that follow the rows that refer to them
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA counted;
SET search_path = counted;
CREATE TABLE posts (id int PRIMARY KEY, title text, comments_count int);
CREATE TABLE comments (id int PRIMARY KEY, post_id int, body text);
INSERT INTO posts VALUES (1, 'one', 77), (2, 'two', NULL), (3, 'three', 5);
INSERT INTO comments VALUES (1, 1), (2, 1), (3, 2), (4, NULL);
\x on
SELECT * FROM relations.belongs_to('comments', 'post', 'posts', on_delete => 'cascade', on_update => 'cascade', counter_cache => 'comments_count');
\x off
CREATE FUNCTION wrong() RETURNS TABLE (id int, counter bigint, rows bigint) LANGUAGE sql AS $$
SELECT p.id, p.comments_count, (SELECT count(*) FROM counted.comments c WHERE c.post_id = p.id) FROM counted.posts p
WHERE p.comments_count IS DISTINCT FROM (SELECT count(*) FROM counted.comments c WHERE c.post_id = p.id) $$;
-- what was there is counted
SELECT id, comments_count FROM posts ORDER BY id;
\d comments
\d posts
SELECT relations.ddl('comments', 'post');

--
-- Every way to write a row
--
INSERT INTO comments VALUES (5, 3);
INSERT INTO comments SELECT i, i % 3 + 1 FROM generate_series(6, 14) i;
INSERT INTO comments VALUES (15, NULL), (16, NULL);
SELECT id, comments_count FROM posts ORDER BY id;
UPDATE comments SET post_id = 2 WHERE id = 1;
UPDATE comments SET post_id = NULL WHERE id = 2;
UPDATE comments SET post_id = 1 WHERE id IN (15, 16);
SELECT id, comments_count FROM posts ORDER BY id;
-- to and fro in one statement
UPDATE comments SET post_id = 4 - post_id;
SELECT id, comments_count FROM posts ORDER BY id;
SELECT * FROM wrong();
-- the key stays: the parent is not written
CREATE TEMP TABLE versions AS SELECT id, xmin::text AS version, ctid AS place FROM posts;
UPDATE comments SET body = 'new', post_id = post_id;
UPDATE comments SET post_id = post_id WHERE id = 99;
DELETE FROM comments WHERE id = 99;
SELECT count(*) FROM posts p JOIN versions v USING (id) WHERE p.ctid = v.place AND p.xmin::text = v.version;
DELETE FROM comments WHERE id IN (5, 6, 7);
SELECT * FROM wrong();
COPY comments (id, post_id) FROM STDIN;
20	1
21	1
22	\N
23	3
\.
SELECT * FROM wrong();
INSERT INTO comments VALUES (20, 3), (30, 3), (31, 1) ON CONFLICT (id) DO UPDATE SET post_id = EXCLUDED.post_id;
INSERT INTO comments VALUES (20, 1), (32, 1) ON CONFLICT DO NOTHING;
SELECT * FROM wrong();
MERGE INTO comments c USING (VALUES (20, 1), (21, 2), (40, 2), (23, NULL)) AS s (id, post_id) ON c.id = s.id
WHEN MATCHED AND s.post_id IS NULL THEN DELETE
WHEN MATCHED THEN UPDATE SET post_id = s.post_id
WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.post_id);
SELECT * FROM wrong();
WITH gone AS (DELETE FROM comments WHERE id = 40 RETURNING id), come AS (INSERT INTO comments VALUES (41, 3) RETURNING id)
UPDATE comments SET post_id = 3 WHERE id = 20;
SELECT * FROM wrong();
SELECT id, comments_count FROM posts ORDER BY id;
-- rolled back to a savepoint
BEGIN;
SAVEPOINT s;
INSERT INTO comments VALUES (50, 1), (51, 1);
SELECT comments_count FROM posts WHERE id = 1;
ROLLBACK TO s;
SELECT * FROM wrong();
INSERT INTO comments VALUES (50, 1);
COMMIT;
DO $$ BEGIN
	INSERT INTO counted.comments VALUES (51, 2);
	RAISE EXCEPTION 'no';
EXCEPTION WHEN raise_exception THEN NULL;
END $$;
SELECT * FROM wrong();
-- a statement that fails
INSERT INTO comments VALUES (60, 1), (61, 9);
SELECT * FROM wrong();
-- the parent's key changes, and its rows with it
UPDATE posts SET id = 10 WHERE id = 1;
UPDATE posts SET id = id, title = 'same' WHERE id = 2;
SELECT * FROM wrong();
UPDATE posts SET id = id + 100;
SELECT * FROM wrong();
-- in one transaction with other changes
BEGIN;
UPDATE posts SET id = 105 WHERE id = 103;
SELECT * FROM wrong();
UPDATE comments SET post_id = 102 WHERE id IN (20, 23, 30);
SELECT * FROM wrong();
SAVEPOINT s;
UPDATE posts SET id = 106 WHERE id = 105;
ROLLBACK TO s;
UPDATE comments SET post_id = 105 WHERE id = 20;
SELECT * FROM wrong();
UPDATE posts SET id = 103 WHERE id = 105;
COMMIT;
SELECT * FROM wrong();
UPDATE posts SET id = id - 100;
SELECT * FROM wrong();
-- the parent goes, and its rows with it
DELETE FROM posts WHERE id = 10;
SELECT id, comments_count FROM posts ORDER BY id;
SELECT * FROM wrong();
-- a parent without a value
INSERT INTO posts VALUES (4);
INSERT INTO comments VALUES (70, 4);
SELECT comments_count FROM posts WHERE id = 4;

--
-- recount: a counter that somebody wrote
--
SELECT relations.recount('comments', 'post');
UPDATE posts SET comments_count = 1000 WHERE id IN (2, 4);
UPDATE posts SET comments_count = NULL WHERE id = 3;
SELECT relations.recount('comments', 'post');
SELECT * FROM wrong();
TRUNCATE comments;
SELECT id, comments_count FROM posts ORDER BY id;
TRUNCATE posts CASCADE;

--
-- Renaming: nothing to mend
--
INSERT INTO posts VALUES (1), (2);
INSERT INTO comments VALUES (1, 1);
ALTER TABLE posts RENAME id TO post_no;
ALTER TABLE comments RENAME post_id TO post_ref;
INSERT INTO comments VALUES (2, 1);
UPDATE posts SET post_no = 3 WHERE post_no = 1;
ALTER TABLE posts RENAME TO articles;
INSERT INTO comments VALUES (3, 3);
ALTER TABLE comments RENAME TO remarks;
INSERT INTO remarks VALUES (4, 3);
CREATE SCHEMA counted_too;
ALTER TABLE remarks SET SCHEMA counted_too;
ALTER TABLE articles SET SCHEMA counted_too;
INSERT INTO counted_too.remarks VALUES (5, 3);
ALTER SCHEMA counted_too RENAME TO counted_more;
INSERT INTO counted_more.remarks VALUES (6, 2);
ALTER TABLE counted_more.articles RENAME comments_count TO remarks_count;
INSERT INTO counted_more.remarks VALUES (7, 2);
SELECT post_no, remarks_count FROM counted_more.articles ORDER BY 1;
-- dropped: the triggers go
SELECT relations.drop_relation('counted_more.remarks', 'post');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'relations%' AND tgrelid IN ('counted_more.remarks'::regclass, 'counted_more.articles'::regclass);
DELETE FROM counted_more.remarks;
SELECT post_no, remarks_count FROM counted_more.articles ORDER BY 1;
DROP SCHEMA counted_more CASCADE;
DROP FUNCTION wrong();

--
-- touch; two relations of one table, each with its own
--
CREATE TABLE authors (id int PRIMARY KEY, books_count smallint NOT NULL DEFAULT 0, touched timestamptz, seen timestamp(0));
CREATE TABLE shelves (id int PRIMARY KEY, changed date);
CREATE TABLE books (id int PRIMARY KEY, author_id int, editor_id int, shelf_id int, title text);
INSERT INTO authors SELECT i FROM generate_series(1, 4) i;
INSERT INTO shelves VALUES (1), (2);
SELECT relation, touch, counter_cache FROM relations.belongs_to('books', 'author', 'authors', foreign_key => 'author_id', touch => 'touched', counter_cache => 'books_count');
SELECT relation, touch, counter_cache FROM relations.belongs_to('books', 'editor', 'authors', foreign_key => 'editor_id', touch => 'seen');
SELECT relation, touch, counter_cache FROM relations.belongs_to('books', 'shelf', 'shelves', touch => 'changed');
CREATE VIEW times AS SELECT 'author' AS what, id, books_count, touched = now() AS touched, seen = now()::timestamp(0) AS seen FROM authors
	UNION ALL SELECT 'shelf', id, NULL, changed = now()::date, NULL FROM shelves ORDER BY 1, 2;
CREATE PROCEDURE forget() LANGUAGE sql AS $$ UPDATE counted.authors SET touched = NULL, seen = NULL; UPDATE counted.shelves SET changed = NULL $$;
BEGIN; INSERT INTO books VALUES (1, 1, 2, 1), (2, 1, 3, NULL); TABLE times; CALL forget();
-- not the key, but the row
UPDATE books SET title = 'a title' WHERE id = 1; TABLE times; CALL forget();
-- the old and the new
UPDATE books SET author_id = 4, editor_id = 4 WHERE id = 2; TABLE times; CALL forget();
DELETE FROM books WHERE id = 2; TABLE times; CALL forget();
TRUNCATE books; TABLE times; COMMIT;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'books'::regclass AND tgname LIKE 'relations%';
SELECT relations.drop_relation('books', 'author');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'books'::regclass AND tgname LIKE 'relations%';
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'authors'::regclass AND tgname LIKE 'relations%';
SELECT relations.drop_relation('books', 'editor'), relations.drop_relation('books', 'shelf');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'books'::regclass AND tgname LIKE 'relations%';
-- a counter that is full
SELECT counter_cache FROM relations.belongs_to('books', 'author', 'authors', foreign_key => 'author_id', counter_cache => 'books_count');
UPDATE authors SET books_count = 32767 WHERE id = 1;
INSERT INTO books VALUES (1, 1);
DROP TABLE authors, shelves, books CASCADE;

--
-- A table that refers to itself: counted, and touched all the way up, in circles too
--
CREATE TABLE staff (id int PRIMARY KEY, manager_id int, reports numeric(5) NOT NULL DEFAULT 0, touched timestamptz);
INSERT INTO staff VALUES (1, NULL), (2, 1), (3, 2), (4, 4), (5, 6), (6, 5);
SELECT relation FROM relations.belongs_to('staff', 'manager', 'staff', foreign_key => 'manager_id', counter_cache => 'reports', touch => 'touched');
SELECT id, reports FROM staff ORDER BY id;
UPDATE staff SET touched = NULL;
BEGIN;
INSERT INTO staff VALUES (7, 3), (8, 4);
SELECT id, reports, touched = now() AS touched FROM staff ORDER BY id;
UPDATE staff SET manager_id = 5 WHERE id = 8;
SELECT id, reports, touched = now() AS touched FROM staff ORDER BY id;
COMMIT;
UPDATE staff SET manager_id = NULL;
SELECT sum(reports) FROM staff;
DROP TABLE staff;

--
-- Composite keys of other types and collations; a counter that is added
--
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE orders (tenant bigint, code text COLLATE nocase, PRIMARY KEY (tenant, code));
CREATE TABLE lines (id int PRIMARY KEY, tenant int, "Code" text);
INSERT INTO orders VALUES (1, 'a'), (1, 'b'), (2, 'a');
INSERT INTO lines VALUES (1, 1, 'a'), (2, 1, 'A'), (3, 1, NULL), (4, NULL, 'a');
SELECT relation, counter_cache, created_columns FROM relations.belongs_to('lines', 'order', 'orders',
	foreign_key => 'tenant, "Code"', local_key => 'tenant, code', enforce => false, add_column => true, counter_cache => '"linesCount"');
\d orders
TABLE orders ORDER BY 1, 2;
INSERT INTO lines VALUES (5, 1, 'b'), (6, 1, 'B'), (7, 2, 'b'), (8, 2, 'A');
UPDATE lines SET "Code" = upper("Code") WHERE id = 1;
TABLE orders ORDER BY 1, 2;
DELETE FROM lines;
TABLE orders ORDER BY 1, 2;
DROP TABLE orders, lines;

--
-- A row that comes before the one that it refers to
--
CREATE TABLE parents (id int PRIMARY KEY, kids int NOT NULL DEFAULT 0);
CREATE TABLE kids (id int PRIMARY KEY, parent_id int);
SELECT relation FROM relations.belongs_to('kids', 'parent', 'parents', defer => 'initially deferred', counter_cache => 'kids');
SELECT relations.ddl('kids', 'parent');
BEGIN;
INSERT INTO kids VALUES (1, 1), (2, 1);
INSERT INTO parents VALUES (1), (2);
COMMIT;
TABLE parents ORDER BY 1;
BEGIN;
UPDATE parents SET id = 3 WHERE id = 1;
UPDATE kids SET parent_id = 3;
COMMIT;
TABLE parents ORDER BY 1;
SELECT relations.drop_relation('kids', 'parent', drop_constraint => true);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'parents'::regclass;
DROP TABLE parents, kids;

--
-- Partitions: written through the table, and by their own names
--
CREATE TABLE cities (id int PRIMARY KEY, visits int NOT NULL DEFAULT 0) PARTITION BY HASH (id);
CREATE TABLE cities_0 PARTITION OF cities FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE cities_1 PARTITION OF cities FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE visits (id int, at int, city_id int) PARTITION BY RANGE (at);
CREATE TABLE visits_0 PARTITION OF visits FOR VALUES FROM (0) TO (10);
CREATE TABLE visits_1 (gone int, city_id int, at int, id int) PARTITION BY RANGE (at);
ALTER TABLE visits_1 DROP COLUMN gone;
CREATE TABLE visits_10 PARTITION OF visits_1 FOR VALUES FROM (10) TO (15);
ALTER TABLE visits ATTACH PARTITION visits_1 FOR VALUES FROM (10) TO (20);
INSERT INTO cities SELECT i FROM generate_series(1, 3) i;
SELECT relation FROM relations.belongs_to('visits', 'city', 'cities', counter_cache => 'visits');
INSERT INTO visits VALUES (1, 1, 1), (2, 11, 1), (3, 12, 2);
INSERT INTO visits_0 VALUES (4, 2, 3);
INSERT INTO visits_1 (id, at, city_id) VALUES (5, 13, 3);
INSERT INTO visits_10 (id, at, city_id) VALUES (6, 14, 3);
TABLE cities ORDER BY id;
-- from one to the other, and to another city
UPDATE visits SET at = at + 10, city_id = 2 WHERE id = 1;
UPDATE visits SET at = at - 10 WHERE id = 2;
DELETE FROM visits_0 WHERE id = 4;
TABLE cities ORDER BY id;
TRUNCATE visits_10;
TABLE cities ORDER BY id;
-- a partition that comes later counts what comes through the table; recount gives it its triggers
CREATE TABLE visits_15 PARTITION OF visits_1 FOR VALUES FROM (15) TO (20);
INSERT INTO visits VALUES (7, 16, 2);
INSERT INTO visits_15 (id, at, city_id) VALUES (8, 17, 2);
TABLE cities ORDER BY id;
SELECT relations.recount('visits', 'city');
INSERT INTO visits_15 (id, at, city_id) VALUES (9, 18, 2);
TABLE cities ORDER BY id;
TRUNCATE visits;
TABLE cities ORDER BY id;
SELECT relations.drop_relation('visits', 'city');
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'relations%';
DROP TABLE cities, visits;

--
-- Rights: whoever may write a row need not be allowed to write its parent
--
CREATE ROLE regress_relations_parent;
CREATE ROLE regress_relations_child;
CREATE ROLE regress_relations_writer;
CREATE TABLE parents (id int PRIMARY KEY, kids int NOT NULL DEFAULT 0);
CREATE TABLE kids (id int PRIMARY KEY, parent_id int);
INSERT INTO parents VALUES (1), (2);
SELECT relation FROM relations.belongs_to('kids', 'parent', 'parents', on_update => 'cascade', counter_cache => 'kids');
ALTER TABLE parents OWNER TO regress_relations_parent;
ALTER TABLE kids OWNER TO regress_relations_child;
GRANT USAGE ON SCHEMA counted TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON kids TO regress_relations_writer;
-- rows that nobody sees are counted
ALTER TABLE parents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kids ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_kids ON kids TO regress_relations_writer USING (true);
SET ROLE regress_relations_writer;
INSERT INTO kids VALUES (1, 1), (2, 1), (3, 2);
UPDATE kids SET parent_id = 2 WHERE id = 1;
SELECT current_user;
RESET ROLE;
TABLE parents ORDER BY id;
ALTER TABLE parents NO FORCE ROW LEVEL SECURITY;
SET ROLE regress_relations_parent;
UPDATE parents SET id = 3 WHERE id = 2;
TABLE parents ORDER BY id;
SELECT relations.recount('kids', 'parent');
RESET ROLE;
SET ROLE regress_relations_child;
SELECT relations.recount('kids', 'parent');
RESET ROLE;
-- an operator of one's own is not used
GRANT CREATE ON SCHEMA counted TO regress_relations_writer;
SET ROLE regress_relations_writer;
CREATE FUNCTION counted.trap(int, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'run as %', current_user; END $$;
CREATE FUNCTION counted.trap_plus(int, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'run as %', current_user; END $$;
CREATE OPERATOR counted.= (LEFTARG = int, RIGHTARG = bigint, FUNCTION = counted.trap);
CREATE OPERATOR counted.<> (LEFTARG = int, RIGHTARG = bigint, FUNCTION = counted.trap);
CREATE OPERATOR counted.+ (LEFTARG = int, RIGHTARG = bigint, FUNCTION = counted.trap_plus);
SET search_path = counted, pg_catalog;
INSERT INTO kids VALUES (4, 1), (5, 3);
UPDATE kids SET parent_id = 1;
TRUNCATE kids;
RESET ROLE;
SET search_path = counted;
SELECT id, kids FROM parents ORDER BY id;
SELECT relations.drop_relation('kids', 'parent');
DROP OWNED BY regress_relations_parent, regress_relations_child, regress_relations_writer CASCADE;
DROP ROLE regress_relations_parent, regress_relations_child, regress_relations_writer;

--
-- What is wrong
--
CREATE TABLE tops (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, n2 int NOT NULL DEFAULT 0, name text, at timestamptz,
	serial int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE subs (id int PRIMARY KEY, top_id int REFERENCES tops, other_id int);
CREATE VIEW tops_view AS TABLE tops;
CREATE TABLE subs_more () INHERITS (subs);
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'n');
DROP TABLE subs_more;
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'm');
SELECT relations.belongs_to('subs', 'top', 'tops', touch => 'att', add_column => true);
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'name');
SELECT relations.belongs_to('subs', 'top', 'tops', touch => 'n');
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'n, n2');
SELECT relations.belongs_to('subs', 'top', 'tops', touch => '');
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'serial');
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'twice');
SELECT relations.belongs_to('subs', 'top', 'tops', counter_cache => 'id');
SELECT relations.belongs_to('subs', 'top', 'tops_view', local_key => 'id', foreign_key => 'top_id', enforce => false, counter_cache => 'n');
SELECT relations.has_many('tops', 'subs', 'subs', counter_cache => 'n');
SELECT relation FROM relations.belongs_to('subs', 'top', 'tops', counter_cache => 'n');
SELECT relations.belongs_to('subs', 'other', 'tops', foreign_key => 'other_id', counter_cache => 'n');
SELECT relation FROM relations.belongs_to('subs', 'other', 'tops', foreign_key => 'other_id');
SELECT relations.recount('subs', 'other');
SELECT relations.recount('subs', 'nothing');
SELECT relations.recount('subs', NULL);
SELECT relations.recount(NULL, 'top');
CREATE TABLE parted (id int, top_id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
SELECT relations.belongs_to('part', 'top', 'tops', counter_cache => 'n2');
CREATE ROLE regress_relations_child;
GRANT REFERENCES, SELECT ON tops TO regress_relations_child;
CREATE TABLE theirs (id int PRIMARY KEY, top_id int);
ALTER TABLE theirs OWNER TO regress_relations_child;
SET ROLE regress_relations_child;
SELECT relations.belongs_to('theirs', 'top', 'tops', counter_cache => 'n2');
RESET ROLE;
DROP OWNED BY regress_relations_child;
DROP ROLE regress_relations_child;
-- the functions are for our own triggers
CREATE TRIGGER odd AFTER INSERT ON subs FOR EACH STATEMENT EXECUTE FUNCTION relations.counter_rows();
INSERT INTO subs VALUES (1);
DROP TRIGGER odd ON subs;
CREATE TRIGGER odd BEFORE INSERT ON subs FOR EACH ROW EXECUTE FUNCTION relations.counter_parent();
INSERT INTO subs VALUES (1);
DROP TRIGGER odd ON subs;
-- a table that has such triggers, but no relation: nothing is done
CREATE TABLE plain (id int);
CREATE TRIGGER none AFTER INSERT ON plain REFERENCING NEW TABLE AS relations_new FOR EACH STATEMENT EXECUTE FUNCTION relations.counter_rows();
INSERT INTO plain VALUES (1);
-- a counter that is dropped
ALTER TABLE tops DROP COLUMN n CASCADE;
INSERT INTO tops (id) VALUES (1);
INSERT INTO subs VALUES (1, 1);
SELECT relation, counter_cache, (SELECT count(*) FROM subs) AS subs FROM relations.relation WHERE model = 'subs'::regclass ORDER BY 1;
SELECT relations.recount('subs', 'top');
-- without the extension there are no triggers
CREATE TABLE ups (id int PRIMARY KEY, n int);
CREATE TABLE downs (id int PRIMARY KEY, up_id int);
SELECT relation FROM relations.belongs_to('downs', 'up', 'ups', counter_cache => 'n');
BEGIN;
DROP EXTENSION relations CASCADE;
INSERT INTO ups VALUES (1);
INSERT INTO downs VALUES (1, 1);
UPDATE ups SET id = 2 WHERE false;
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'relations%';
ROLLBACK;
DROP SCHEMA counted CASCADE;
