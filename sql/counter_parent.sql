--
-- counter_cache: parents that are new, or whose key is
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA counter_parent;
SET search_path = counter_parent;
-- rows whose counter is not the number of their children
CREATE FUNCTION wrong(parents text, children text, OUT parent text, OUT counter text, OUT rows bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT p.id::text, p.n::text, (SELECT count(*) FROM %2$s c WHERE c.p_id = p.id) FROM %1$s p
		WHERE p.n IS DISTINCT FROM (SELECT count(*) FROM %2$s c WHERE c.p_id = p.id) ORDER BY 1', parents, children);
END $$;

--
-- New parents with a counter that is not theirs
--
CREATE TABLE p (id int PRIMARY KEY, n int DEFAULT 0, big numeric NOT NULL DEFAULT 0);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p ON UPDATE CASCADE, other_id int);
SELECT relation FROM relations.belongs_to('c', 'p', 'p', foreign_key => 'p_id', counter_cache => 'n');
SELECT relation FROM relations.belongs_to('c', 'other', 'p', foreign_key => 'other_id', enforce => false, counter_cache => 'big');
INSERT INTO p VALUES (1, 99, 5), (2, NULL, 0), (3, 0, 1), (4, 0, 0);
TABLE p ORDER BY id;
INSERT INTO p SELECT i, i, i FROM generate_series(5, 30) i;
SELECT id, n, big FROM p WHERE n <> 0 OR big <> 0 OR n IS NULL;
COPY p (id, n) FROM stdin;
31	7
32	\N
\.
SELECT id, n FROM p WHERE id > 30;
INSERT INTO c VALUES (1, 1, 2), (2, 1, 3);
INSERT INTO p VALUES (1, 7) ON CONFLICT (id) DO NOTHING;
INSERT INTO p VALUES (1, 7), (33, 8) ON CONFLICT (id) DO UPDATE SET id = 34;
SELECT * FROM wrong('p', 'c');
-- rows that came before their parents: nothing forbids it
INSERT INTO c SELECT i, NULL, 40 + i % 20 FROM generate_series(100, 200) i;
INSERT INTO p SELECT 40;
INSERT INTO p SELECT generate_series(41, 60);
SELECT id, big FROM p WHERE id >= 40 AND big <> (SELECT count(*) FROM c WHERE other_id = p.id);
SELECT sum(big) FROM p WHERE id >= 40;
DROP TABLE c, p;

--
-- Keys that change: many in one statement, one after the other, and back
--
CREATE TABLE p (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p ON UPDATE CASCADE, t text);
CREATE INDEX ON c (p_id);
INSERT INTO p SELECT generate_series(1, 100);
INSERT INTO c SELECT i, 1 + i % 60 FROM generate_series(1, 300) i;
SELECT relation FROM relations.belongs_to('c', 'p', 'p', counter_cache => 'n');
UPDATE p SET id = id + 1000;
SELECT * FROM wrong('p', 'c');
UPDATE p SET id = id - 1000 WHERE id < 1005;
SELECT * FROM wrong('p', 'c');
BEGIN;
DO $$ BEGIN
	FOR i IN 1006..1050 LOOP
		UPDATE counter_parent.p SET id = i - 1000 WHERE id = i;
		UPDATE counter_parent.c SET t = 'x' WHERE p_id = i - 1000;
		UPDATE counter_parent.c SET p_id = 1 WHERE id = i - 1000;
	END LOOP;
END $$;
SELECT * FROM wrong('p', 'c');
SAVEPOINT s;
UPDATE p SET id = id + 5000 WHERE id < 100;
ROLLBACK TO s;
DO $$ BEGIN
	UPDATE counter_parent.p SET id = id + 6000 WHERE id < 100;
	RAISE EXCEPTION 'no';
EXCEPTION WHEN raise_exception THEN NULL;
END $$;
DELETE FROM c WHERE p_id = 1;
COMMIT;
SELECT * FROM wrong('p', 'c');
-- children are written in the same query, and by triggers in between
WITH a AS (UPDATE p SET id = 900 WHERE id = 10 RETURNING id) INSERT INTO c SELECT 1000 + i, id FROM a, generate_series(1, 2) i;
WITH a AS (INSERT INTO c VALUES (1010, 901)) UPDATE p SET id = 901 WHERE id = 11;
WITH a AS (UPDATE c SET p_id = 12 WHERE id IN (1001, 1002)) UPDATE p SET id = 902 WHERE id = 13;
SELECT * FROM wrong('p', 'c');
-- a parent comes in the place of another
ALTER TABLE c DROP CONSTRAINT c_p_id_fkey, ADD CONSTRAINT c_p_id_fkey FOREIGN KEY (p_id) REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE;
WITH a AS (UPDATE p SET id = 903 WHERE id = 902 RETURNING id) INSERT INTO p SELECT 902 FROM a;
WITH a AS (DELETE FROM p WHERE id = 903 RETURNING id) INSERT INTO p SELECT id FROM a;
WITH a AS (INSERT INTO p VALUES (904)) INSERT INTO c VALUES (1020, 904), (1021, 904);
SELECT * FROM wrong('p', 'c');
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	BEGIN
		UPDATE counter_parent.c SET t = 'y' WHERE p_id = NEW.id;
		DELETE FROM counter_parent.c WHERE p_id = NEW.id;
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	UPDATE counter_parent.c SET p_id = 12 WHERE id = (SELECT min(id) FROM counter_parent.c WHERE p_id = NEW.id);
	RETURN NULL;
END $$;
CREATE TRIGGER a_meddle AFTER UPDATE OF id ON p FOR EACH ROW EXECUTE FUNCTION meddle();
CREATE TRIGGER z_meddle AFTER UPDATE OF id ON p FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE p SET id = id + 2000 WHERE id BETWEEN 14 AND 30;
SELECT * FROM wrong('p', 'c');
DROP TABLE c, p;
-- without a foreign key the children stay behind, and others are there
CREATE TABLE p (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE c (id int PRIMARY KEY, p_id int);
INSERT INTO p VALUES (1), (2);
INSERT INTO c VALUES (1, 1), (2, 1), (3, 7);
SELECT relation FROM relations.belongs_to('c', 'p', 'p', foreign_key => 'p_id', enforce => false, counter_cache => 'n');
UPDATE p SET id = 7 WHERE id = 1;
UPDATE p SET id = 1 WHERE id = 2;
SELECT * FROM wrong('p', 'c');
TABLE p ORDER BY id;
DROP TABLE c, p;

--
-- Partitioned parents: rows that move to another partition
--
CREATE TABLE p (id int, region int, n int NOT NULL DEFAULT 0, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 (n int NOT NULL DEFAULT 0, dropped int, region int, id int PRIMARY KEY);
ALTER TABLE p2 DROP COLUMN dropped;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (100) TO (200);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE);
INSERT INTO p VALUES (1), (2), (50), (51), (52), (150);
INSERT INTO c VALUES (1, 1), (2, 1), (3, 2), (4, 50), (5, 51), (6, 51), (7, 51);
SELECT relation FROM relations.belongs_to('c', 'p', 'p', counter_cache => 'n');
UPDATE p SET id = 151 WHERE id = 1;
UPDATE p SET id = 3 WHERE id = 2;
SELECT * FROM wrong('p', 'c');
UPDATE p SET id = id + 60 WHERE id BETWEEN 50 AND 60;
SELECT * FROM wrong('p', 'c');
UPDATE p2 SET id = 160 WHERE id = 151;
UPDATE p SET id = 11 WHERE id = 160;
SELECT * FROM wrong('p', 'c');
-- a row without children moves to where one with children was
INSERT INTO p VALUES (61), (161);
INSERT INTO c VALUES (8, 61), (9, 61);
UPDATE p SET id = CASE id WHEN 61 THEN 162 ELSE 61 END WHERE id IN (61, 161);
SELECT id, n FROM p WHERE id IN (61, 162) ORDER BY id;
DELETE FROM p WHERE id = 162;
-- a new partition
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (200) TO (300);
UPDATE p SET id = 211 WHERE id = 11;
INSERT INTO p VALUES (7, 0, 99), (201, 0, 98);
INSERT INTO p3 (id, n) VALUES (202, 97);
INSERT INTO c VALUES (20, 202);
SELECT * FROM wrong('p', 'c');
DELETE FROM p WHERE id = 211;
SELECT * FROM c ORDER BY id;
SELECT * FROM wrong('p', 'c');
DROP TABLE c, p;
-- by a column that is not the key
CREATE TABLE p (id int, region int, n int NOT NULL DEFAULT 0) PARTITION BY LIST (region);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
CREATE TABLE c (id int, p_id int) PARTITION BY LIST (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1, 2, 3);
CREATE TABLE c2 PARTITION OF c DEFAULT;
INSERT INTO p VALUES (1, 1), (2, 2);
INSERT INTO c VALUES (1, 1), (2, 1), (4, 2);
SELECT relation FROM relations.belongs_to('c', 'p', 'p', foreign_key => 'p_id', local_key => 'id', enforce => false, counter_cache => 'n');
UPDATE p SET region = 3 - region;
UPDATE c SET id = id + 2;
UPDATE p SET region = 3 - region, id = id + 10;
INSERT INTO p VALUES (1, 2), (2, 1);
SELECT * FROM wrong('p', 'c');
TABLE p ORDER BY id;
-- a table becomes a partition: recount gives it the other trigger
CREATE TABLE q (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE qc (id int PRIMARY KEY, p_id int REFERENCES q);
SELECT relation FROM relations.belongs_to('qc', 'p', 'q', counter_cache => 'n');
CREATE TABLE qs (id int PRIMARY KEY, n int NOT NULL DEFAULT 0) PARTITION BY RANGE (id);
ALTER TABLE qs ATTACH PARTITION q DEFAULT;
INSERT INTO qs VALUES (1, 50);
SELECT relations.recount('qc', 'p');
INSERT INTO qs VALUES (2, 50);
SELECT * FROM wrong('q', 'qc');
SELECT relations.drop_relation('qc', 'p');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('q'::regclass, 'qc'::regclass) AND tgname LIKE 'relations%';

--
-- A deferrable key: parents after their children
--
CREATE TABLE d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE dc (id int PRIMARY KEY, p_id int REFERENCES d DEFERRABLE INITIALLY DEFERRED);
SELECT relation FROM relations.belongs_to('dc', 'p', 'd', counter_cache => 'n');
BEGIN;
INSERT INTO dc SELECT i, i % 50 FROM generate_series(1, 200) i;
INSERT INTO d VALUES (0);
INSERT INTO d SELECT generate_series(1, 10);
INSERT INTO d SELECT i, 7 FROM generate_series(11, 49) i;
COMMIT;
SELECT * FROM wrong('d', 'dc');
BEGIN;
DELETE FROM d WHERE id < 5;
INSERT INTO d VALUES (1), (2), (3), (4), (0);
UPDATE d SET id = id + 100 WHERE id < 3;
UPDATE dc SET p_id = p_id + 100 WHERE p_id < 3;
COMMIT;
SELECT * FROM wrong('d', 'dc');
DROP SCHEMA counter_parent CASCADE;
