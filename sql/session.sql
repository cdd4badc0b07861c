--
-- What else goes on in a session: cursors, savepoints, read-only transactions,
-- long and circular paths
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA session;
SET search_path = session;
CREATE TABLE nodes (id int PRIMARY KEY, parent int);
INSERT INTO nodes SELECT i, NULLIF(i - 1, 0) FROM generate_series(1, 3000) i;
SELECT kind FROM relations.has_many('nodes', 'kids', 'nodes', foreign_key => 'parent');
SELECT kind FROM relations.belongs_to('nodes', 'up', 'nodes', foreign_key => 'parent');
-- to any depth that is allowed, in circles; past the stack it is an error
SET relations.max_depth = 0;
SELECT relations.find('nodes', 2, 'kids.up.kids.up');
SELECT (length(d) - length(replace(d, 'kids', ''))) / 4 AS levels
FROM CAST(relations.find('nodes', 1, repeat('kids.', 999) || 'kids') AS text) d;
\set VERBOSITY sqlstate
SELECT relations.find('nodes', 1, repeat('kids.', 20000) || 'kids');
\set VERBOSITY default
-- a cursor over documents goes on after an error, and is closed at commit
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('nodes', 'kids');
FETCH 2 FROM c;
SAVEPOINT s;
SELECT 1 / 0;
ROLLBACK TO s;
FETCH 1 FROM c;
MOVE 200 FROM c;
FETCH 1 FROM c;
COMMIT;
-- also one that began to read in what was rolled back
BEGIN;
DECLARE c CURSOR FOR SELECT relations.preload('nodes', 'kids');
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
MOVE 200 FROM c;
ROLLBACK;
-- nothing is left open
SELECT count(*) FROM (SELECT relations.preload('nodes', 'kids') LIMIT 100) q;
SELECT count(*) FROM pg_cursors;
-- one snapshot: what a statement writes, it does not see
WITH w AS (INSERT INTO nodes VALUES (5000, 1) RETURNING id)
SELECT id, jsonb_array_length(relations.find('nodes', 1, 'kids') -> 'kids') AS kids FROM w;
SELECT jsonb_array_length(relations.find('nodes', 1, 'kids') -> 'kids') AS kids;
-- reading is allowed where writing is not
BEGIN READ ONLY;
SELECT relations.find('nodes', 2999, 'kids');
SAVEPOINT s;
SELECT relations.create_related('nodes', 1, 'kids', '{"id": 6000}');
ROLLBACK TO s;
COMMIT;
-- a budget changes how, not what
SET relations.batch_memory = '64kB';
SELECT count(*), sum(jsonb_array_length(j -> 'kids')) FROM relations.preload('nodes', 'kids') j;
\set VERBOSITY sqlstate
SET relations.batch_memory = '1kB';
\set VERBOSITY default
RESET relations.batch_memory;
SELECT count(*), sum(jsonb_array_length(j -> 'kids')) FROM relations.preload('nodes', 'kids') j;
-- the extension comes back in the same session
BEGIN;
DROP EXTENSION relations;
CREATE EXTENSION relations;
SELECT relations.find('nodes', 1);
ROLLBACK;
SELECT relations.find('nodes', 3, 'up');
SELECT relations.drop_relation('nodes', 'kids'), relations.drop_relation('nodes', 'up');
DROP SCHEMA session CASCADE;
