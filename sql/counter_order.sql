--
-- counter_cache and touch: each parent is locked in one order, and changed once
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA counter_order;
SET search_path = counter_order;
-- each UPDATE of a parent: the columns that it changed
CREATE TABLE log (row text, change text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO counter_order.log SELECT TG_TABLE_NAME || ' ' || OLD.id,
		string_agg(CASE WHEN key ~ 'touched|active|seen' THEN key ELSE key || ' ' || value END, ', ' ORDER BY key)
		FROM jsonb_each(to_jsonb(NEW)) WHERE value IS DISTINCT FROM to_jsonb(OLD) -> key;
	RETURN NULL;
END $$;
CREATE FUNCTION updates() RETURNS SETOF log LANGUAGE sql AS $$
	WITH taken AS (DELETE FROM counter_order.log RETURNING *) SELECT * FROM taken ORDER BY row, change $$;

--
-- Two counters and a touched column of one table: one UPDATE of each row
--
CREATE TABLE users (id int PRIMARY KEY, sent int NOT NULL DEFAULT 0, received int NOT NULL DEFAULT 0, active timestamptz);
CREATE TABLE messages (id int PRIMARY KEY, sender_id int REFERENCES users, recipient_id int REFERENCES users, body text);
INSERT INTO users SELECT generate_series(1, 5);
SELECT relation FROM relations.belongs_to('messages', 'sender', 'users', foreign_key => 'sender_id', counter_cache => 'sent', touch => 'active');
SELECT relation FROM relations.belongs_to('messages', 'recipient', 'users', foreign_key => 'recipient_id', counter_cache => 'received');
CREATE TRIGGER note AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO messages VALUES (1, 1, 2), (2, 2, 1), (3, 3, 3), (4, NULL, 1), (5, 4, NULL);
SELECT * FROM updates();
INSERT INTO messages VALUES (6, 5, 5);
SELECT * FROM updates();
INSERT INTO messages VALUES (7, NULL, NULL);
SELECT * FROM updates();
UPDATE users SET active = NULL;
TRUNCATE log;
-- the key stays: the sender is touched
UPDATE messages SET body = 'hello' WHERE id = 1;
SELECT * FROM updates();
-- the sender changes, and then the recipient
UPDATE messages SET sender_id = 2 WHERE id = 1;
SELECT * FROM updates();
BEGIN;
UPDATE messages SET recipient_id = sender_id WHERE id IN (1, 2, 3);
SELECT * FROM updates();
DELETE FROM messages WHERE id IN (1, 2);
SELECT * FROM updates();
COMMIT;
DELETE FROM messages;
SELECT * FROM updates();
SELECT id, sent, received FROM users ORDER BY id;
DROP TABLE messages, users;

--
-- Relations to other keys of the table, and of other types
--
CREATE TABLE items (id int PRIMARY KEY, code text UNIQUE, by_id int NOT NULL DEFAULT 0, by_code bigint NOT NULL DEFAULT 0, by_big int NOT NULL DEFAULT 0);
CREATE TABLE uses (id int PRIMARY KEY, item_id int REFERENCES items, item_code text REFERENCES items (code), item_big bigint REFERENCES items);
INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, NULL);
SELECT relation FROM relations.belongs_to('uses', 'item', 'items', foreign_key => 'item_id', counter_cache => 'by_id');
SELECT relation FROM relations.belongs_to('uses', 'coded', 'items', foreign_key => 'item_code', local_key => 'code', counter_cache => 'by_code');
SELECT relation FROM relations.belongs_to('uses', 'big', 'items', foreign_key => 'item_big', counter_cache => 'by_big');
INSERT INTO uses VALUES (1, 1, 'one', 1);
INSERT INTO uses VALUES (2, 2, 'one', 1), (3, 3, NULL, 2), (4, NULL, 'two', 3);
TABLE items ORDER BY id;
UPDATE uses SET item_code = 'two', item_id = 1;
TABLE items ORDER BY id;
DELETE FROM uses WHERE id < 4;
TABLE items ORDER BY id;
DROP TABLE uses, items;

--
-- A tree: all above are touched, each once
--
CREATE TABLE nodes (id int PRIMARY KEY, parent_id int REFERENCES nodes, children int NOT NULL DEFAULT 0, touched timestamptz);
INSERT INTO nodes SELECT i, i - 1 FROM generate_series(1, 5) i WHERE i > 1 UNION ALL SELECT 1, NULL;
INSERT INTO nodes VALUES (6, 3), (7, 6);
SELECT relation FROM relations.belongs_to('nodes', 'parent', 'nodes', counter_cache => 'children', touch => 'touched');
CREATE TRIGGER note AFTER UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO nodes VALUES (10, 5);
SELECT * FROM updates();
INSERT INTO nodes VALUES (11, 5), (12, 3), (13, 11);
SELECT * FROM updates();
BEGIN;
INSERT INTO nodes VALUES (14, 7);
SELECT * FROM updates();
-- what is touched is not touched again
INSERT INTO nodes VALUES (15, 7), (16, 6), (17, 5);
SELECT * FROM updates();
COMMIT;
-- a node moves
UPDATE nodes SET parent_id = 2 WHERE id = 7;
SELECT * FROM updates();
-- rows in a circle
ALTER TABLE nodes DISABLE TRIGGER note;
INSERT INTO nodes VALUES (20, NULL), (21, 20), (22, 21);
UPDATE nodes SET parent_id = 22 WHERE id = 20;
ALTER TABLE nodes ENABLE TRIGGER note;
INSERT INTO nodes VALUES (23, 20), (24, 5), (25, 21);
SELECT * FROM updates();
SELECT count(*) FROM nodes n WHERE children <> (SELECT count(*) FROM nodes c WHERE c.parent_id = n.id);
-- a tree that is deep
ALTER TABLE nodes DISABLE TRIGGER note;
INSERT INTO nodes SELECT i, CASE WHEN i > 1000 THEN i - 1 END FROM generate_series(1000, 2500) i;
BEGIN;
INSERT INTO nodes VALUES (3000, 2500);
SELECT count(*) FROM nodes WHERE id >= 1000 AND touched = now();
COMMIT;
BEGIN;
INSERT INTO nodes VALUES (3001, 2500), (3002, 1700);
SELECT count(*) FROM nodes WHERE id >= 1000 AND touched = now();
COMMIT;
DROP TABLE nodes;

--
-- Touch through several tables, by two ways: each row once
--
CREATE TABLE shops (id int PRIMARY KEY, touched timestamptz, seen timestamptz);
CREATE TABLE orders (id int PRIMARY KEY, shop_id int REFERENCES shops, touched timestamptz);
CREATE TABLE lines (id int PRIMARY KEY, order_id int REFERENCES orders, shop_id int REFERENCES shops);
INSERT INTO shops VALUES (1), (2), (3);
INSERT INTO orders VALUES (1, 2), (2, 1), (3, NULL);
SELECT relation FROM relations.belongs_to('orders', 'shop', 'shops', touch => 'touched');
SELECT relation FROM relations.belongs_to('lines', 'order', 'orders', touch => 'touched');
SELECT relation FROM relations.belongs_to('lines', 'shop', 'shops', touch => 'seen');
CREATE TRIGGER note AFTER UPDATE ON shops FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO lines VALUES (1, 1, 1);
SELECT * FROM updates();
INSERT INTO lines VALUES (2, 1, 3), (3, 2, 1), (4, 3, 3);
SELECT * FROM updates();
DROP TABLE lines, orders, shops;

--
-- A circle of two tables
--
CREATE TABLE firms (id int PRIMARY KEY, head_id int, people int NOT NULL DEFAULT 0, touched timestamptz);
CREATE TABLE people (id int PRIMARY KEY, firm_id int REFERENCES firms, firms int NOT NULL DEFAULT 0, touched timestamptz);
CREATE TABLE visits (id int PRIMARY KEY, person_id int REFERENCES people, firm_id int REFERENCES firms);
ALTER TABLE firms ADD FOREIGN KEY (head_id) REFERENCES people;
INSERT INTO firms VALUES (1), (2), (3);
INSERT INTO people VALUES (1, 1), (2, 2), (3, NULL), (4, 3);
UPDATE firms SET head_id = CASE id WHEN 1 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 4 END;
SELECT relation FROM relations.belongs_to('people', 'firm', 'firms', counter_cache => 'people', touch => 'touched');
SELECT relation FROM relations.belongs_to('firms', 'head', 'people', foreign_key => 'head_id', counter_cache => 'firms', touch => 'touched');
SELECT relation FROM relations.belongs_to('visits', 'person', 'people', touch => 'touched');
SELECT relation FROM relations.belongs_to('visits', 'firm', 'firms', touch => 'touched');
CREATE TRIGGER note AFTER UPDATE ON firms FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER note AFTER UPDATE ON people FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO people VALUES (10, 1), (11, 2);
SELECT * FROM updates();
INSERT INTO visits VALUES (1, 1, 3), (2, 2, 2);
SELECT * FROM updates();
UPDATE firms SET head_id = 1 WHERE id = 3;
SELECT * FROM updates();
SELECT id, people FROM firms ORDER BY id;
SELECT id, firms FROM people ORDER BY id;
DROP TABLE visits, people, firms CASCADE;

--
-- A parent table without a primary key
--
CREATE TABLE loose (a int, b text, n int NOT NULL DEFAULT 0, m int NOT NULL DEFAULT 0, UNIQUE (a, b), UNIQUE (b));
CREATE TABLE refs (a int, b text, c text);
INSERT INTO loose VALUES (1, 'x'), (1, 'y'), (NULL, 'z');
SELECT relation FROM relations.belongs_to('refs', 'two', 'loose', foreign_key => 'a, b', local_key => 'a, b', counter_cache => 'n');
SELECT relation FROM relations.belongs_to('refs', 'one', 'loose', foreign_key => 'c', local_key => 'b', counter_cache => 'm');
INSERT INTO refs VALUES (1, 'x', 'z'), (1, 'y', 'x'), (NULL, 'x', 'x'), (1, NULL, NULL);
TABLE loose ORDER BY b;
DROP SCHEMA counter_order CASCADE;
