--
-- Reading by key locks the partition that the key chooses, as a SELECT does.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA partition_locks;
SET search_path = partition_locks;
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE events (id int, user_id int, n int, PRIMARY KEY (user_id, id)) PARTITION BY RANGE (user_id);
CREATE TABLE hashed (id int, part int, PRIMARY KEY (id, part)) PARTITION BY HASH (id, part);
CREATE FUNCTION create_partitions(parent regclass, bounds text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 0..49 LOOP
		EXECUTE format('CREATE TABLE %s_%s PARTITION OF %1$s FOR VALUES ' || bounds, parent, i, i * 10, i * 10 + 10);
	END LOOP;
END $$;
SELECT create_partitions('events', 'FROM (%3$s) TO (%4$s)'), create_partitions('hashed', 'WITH (MODULUS 50, REMAINDER %2$s)');
INSERT INTO users SELECT generate_series(0, 499);
INSERT INTO events SELECT i, i, i FROM generate_series(0, 499) i;
INSERT INTO hashed SELECT i, i FROM generate_series(0, 499) i;
SELECT kind FROM relations.has_many('users', 'events', 'events', enforce => false);
SELECT kind FROM relations.belongs_to('events', 'user', 'users', enforce => false);
-- the tables that this session has locked
CREATE FUNCTION locks() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'partition_locks'::regnamespace AND c.relkind IN ('r', 'p')
$$;
\t on
\pset format unaligned
BEGIN; SELECT * FROM events WHERE user_id = 123 AND id = 123; SELECT locks(); COMMIT;
BEGIN; SELECT relations.find('events', '(123,123)'); SELECT locks(); COMMIT;
BEGIN; SELECT relations.find('events', '(124,124)'); SELECT locks(); COMMIT;
BEGIN; SELECT relations.find('hashed', '(1,1)'); SELECT regexp_count(locks(), 'hashed_'); COMMIT;
BEGIN; SELECT relations.query('events', '{"where": {"user_id": 123}}'); SELECT locks(); COMMIT;
DO $$ BEGIN FOR i IN 1..10 LOOP PERFORM relations.query('events', jsonb_build_object('where', jsonb_build_object('user_id', i * 40))); END LOOP; END $$;
BEGIN; SELECT relations.query('events', '{"where": {"user_id": 123}}'); SELECT locks(); COMMIT;
-- children of one parent, and of several
BEGIN; SELECT relations.find('users', 123, 'events'); SELECT locks(); COMMIT;
BEGIN; SELECT relations.query('users', '{"where": {"id": {"in": [7, 123]}}, "preload": ["events"]}'); SELECT locks(); COMMIT;
\t off
\pset format aligned
DROP SCHEMA partition_locks CASCADE;
