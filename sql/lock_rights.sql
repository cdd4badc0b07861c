--
-- A table is locked only with a privilege that a plain statement would need for
-- that lock, on the table and on its schema, whatever way it was named: by OID,
-- by the catalog, or by a foreign key.  A lock without it would keep the owner
-- waiting.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE ROLE regress_alice;
CREATE ROLE regress_mallory;
CREATE SCHEMA lock_shop AUTHORIZATION regress_alice;
CREATE SCHEMA lock_mine AUTHORIZATION regress_mallory;

-- What alice has: tables that refer to each other, and relations of them
SET ROLE regress_alice;
SET search_path = lock_shop;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
CREATE TABLE tags (id int PRIMARY KEY);
CREATE TABLE post_tag (post_id int REFERENCES posts, tag_id int REFERENCES tags, PRIMARY KEY (post_id, tag_id));
SELECT count(*) FROM (VALUES (relations.has_many('users', 'posts', 'posts')), (relations.belongs_to('posts', 'user', 'users')), (relations.many_to_many('posts', 'tags', 'tags'))) x;
SELECT relations.create_view('posts_graph', 'posts', 'user');
SELECT relations.define_factory('users', '{"name": "made"}') IS NOT NULL AS defined;

-- What mallory has: relations of his own to alice's tables, which he could read then
GRANT USAGE ON SCHEMA lock_shop TO regress_mallory;
GRANT SELECT ON ALL TABLES IN SCHEMA lock_shop TO regress_mallory;
SET ROLE regress_mallory;
SET search_path = lock_mine;
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people VALUES (1);
SELECT count(*) FROM (VALUES (relations.has_many('people', 'posts', 'lock_shop.posts', foreign_key => 'user_id', enforce => false)), (relations.has_many('people', 'others', 'lock_shop.posts', foreign_key => 'user_id', enforce => false)), (relations.has_many_through('people', 'tags', 'lock_shop.tags', through => 'lock_shop.post_tag', foreign_key => 'post_id', through_foreign_key => 'tag_id')),
	(relations.many_to_many('people', 'labels', 'lock_shop.tags', pivot_table => 'lock_shop.post_tag', pivot_foreign_key => 'post_id', pivot_related_foreign_key => 'tag_id', enforce => false))) x;
SELECT relations.create_view('people_graph', 'people', 'posts');
RESET ROLE;
RESET search_path;

-- Run a statement as mallory, list the locks that it leaves on alice's tables, and undo it
CREATE FUNCTION run(statement text) RETURNS TABLE (answer text, locked text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE regress_mallory;
	EXECUTE format('SELECT string_agg(x::text, '' '') FROM (%s) x', statement) INTO answer;
	SELECT string_agg(c.relname || ' ' || l.mode, ', ' ORDER BY c.relname, l.mode) INTO locked FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'lock_shop');
	RAISE SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
	RETURN NEXT;
WHEN OTHERS THEN
	answer := SQLERRM;
	RETURN NEXT;
END $$;
SELECT 'lock_shop.posts'::regclass::oid AS posts, 'lock_shop.users'::regclass::oid AS users, 'lock_shop.tags'::regclass::oid AS tags, 'lock_shop.post_tag'::regclass::oid AS pivot, 'lock_shop.posts_graph'::regclass::oid AS graph \gset
CREATE TABLE calls (no int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, call text, statement text);
-- %1$s is the OID of posts, %2$s that of users, ...
INSERT INTO calls (call, statement) SELECT btrim(call), format(call, :posts, :users, :tags, :pivot, :graph) FROM unnest(ARRAY[
	$$ SELECT count(*) FROM relations.discover('lock_shop') $$,
	$$ SELECT count(*) FROM relations.discover('lock_shop', register => true) $$,
	$$ SELECT count(*) FROM relations.check('lock_shop') $$,
	$$ SELECT problem, detail FROM relations.check('lock_mine') $$,
	$$ SELECT problem, outcome FROM relations.repair('lock_shop') $$,
	$$ SELECT count(*) FROM relations.describe(%1$s) $$,
	$$ SELECT count(*) FROM relations.ddl(%1$s, 'user') $$,
	$$ SELECT length(relations.diagram('lock_shop')) $$,
	$$ SELECT length(relations.diagram(NULL, 'dot')) > 0 $$,
	$$ SELECT relations.preload_sql(%1$s, '{"preload": ["user"]}') IS NOT NULL $$,
	$$ SELECT relations.preload_sql('lock_mine.people', '{"preload": ["posts", "tags"]}') IS NOT NULL $$,
	$$ SELECT relations.json_schema(%1$s, '{"preload": ["user"]}') $$,
	$$ SELECT relations.typescript('lock_mine.people', '{"preload": ["posts"]}') $$,
	$$ SELECT relations.explain(%1$s, '{}') $$,
	$$ SELECT relations.find(%1$s, 1) $$,
	$$ SELECT relations.find('lock_mine.people', 1, 'posts') $$,
	$$ SELECT relations.find('lock_mine.people', 1, 'labels') $$,
	$$ SELECT relations.query('lock_mine.people', '{"where": {"posts": {"some": {}}}}') $$,
	$$ SELECT relations.query('lock_mine.people', '{"count": {"n": "posts"}}') $$,
	$$ SELECT relations.load_relation(%1$s, ROW(1), 'user') $$,
	$$ SELECT * FROM lock_mine.people_graph $$,
	$$ SELECT relations.create(%1$s, '{"title": "x"}') $$,
	$$ SELECT relations.create('lock_mine.people', '{"id": 2, "posts": []}') $$,
	$$ SELECT relations.create('lock_mine.people', '{"id": 3, "posts": [{"title": "x"}]}') $$,
	$$ SELECT relations.update(%1$s, 1, '{"title": "x"}') $$,
	$$ SELECT relations.delete(%1$s, 1) $$,
	$$ SELECT relations.attach('lock_mine.people', 1, 'labels', '[1]') $$,
	$$ SELECT relations.detach(%1$s, 1, 'tags') $$,
	$$ SELECT relations.factory_create(%2$s, 1) $$,
	$$ SELECT relations.factory_make(%1$s, 1, '{"with": ["user"]}') IS NOT NULL $$,
	$$ SELECT relations.factory_make('lock_mine.people', 1, '{"with": ["posts"]}') IS NOT NULL $$,
	$$ SELECT relations.define_factory(%2$s, '{"name": "x"}') $$,
	$$ SELECT relations.define_state(%2$s, 'x', '{"name": "x"}') $$,
	$$ SELECT relations.drop_factory(%2$s) $$,
	$$ SELECT relations.model(%1$s, hidden => 'title') $$,
	$$ SELECT relations.has_many(%2$s, 'more', %1$s) $$,
	$$ SELECT relations.has_many('lock_mine.people', 'more', %1$s, foreign_key => 'user_id', enforce => false) $$,
	$$ SELECT relations.belongs_to(%1$s, 'more', %2$s) $$,
	$$ SELECT relations.many_to_many('lock_mine.people', 'more', %3$s) $$,
	$$ SELECT relations.many_to_many('lock_mine.people', 'more', 'lock_mine.people', pivot_table => 'lock_shop.post_tag') $$,
	$$ SELECT relations.has_many_through('lock_mine.people', 'more', %3$s, through => %4$s) $$,
	$$ SELECT relations.morph_to('lock_mine.people', 'more', '["lock_shop.posts"]', add_column => true) $$,
	$$ SELECT relations.morph_many('lock_mine.people', 'more', %1$s, 'thing') $$,
	$$ SELECT relations.morph_to_many('lock_mine.people', 'more', %3$s, 'thing') $$,
	$$ SELECT relations.recount(%1$s, 'user') $$,
	$$ SELECT relations.drop_relation(%2$s, 'posts') $$,
	$$ SELECT relations.drop_relation('lock_mine.people', 'others') $$,
	$$ SELECT relations.drop_relation('lock_mine.people', 'labels', drop_constraint => true) $$,
	$$ SELECT relations.drop_relation('lock_mine.people', 'tags') $$,
	$$ SELECT relations.forget(%1$s, 'gone') $$,
	$$ SELECT relations.create_view('lock_mine.v', %1$s, 'user') $$,
	$$ SELECT relations.refresh_view(%5$s) $$,
	$$ SELECT relations.refresh_view('lock_mine.people_graph') $$]) call;

--
-- The privileges are revoked: no statement leaves a lock
--
REVOKE ALL ON ALL TABLES IN SCHEMA lock_shop FROM regress_mallory;
REVOKE ALL ON SCHEMA lock_shop FROM regress_mallory;
SELECT no, call, locked FROM calls, run(statement) WHERE locked IS NOT NULL ORDER BY no;
-- those that need a privilege fail, and only those that read the catalog do not
SELECT no, answer FROM calls, run(statement) WHERE answer ~ 'denied|owner' ORDER BY no;
SELECT no, call FROM calls, run(statement) WHERE answer !~ 'denied|owner' ORDER BY no;

--
-- With a privilege, the lock is the one that it permits
--
GRANT USAGE ON SCHEMA lock_shop TO regress_mallory;
GRANT SELECT (id) ON lock_shop.posts TO regress_mallory;
SELECT call, locked FROM (VALUES ($$ SELECT relations.create('lock_mine.people', '{"id": 2, "posts": []}') $$), ($$ SELECT relations.drop_relation('lock_mine.people', 'others') $$)) c (call), run(call);
GRANT INSERT ON lock_shop.posts TO regress_mallory;
SELECT call, locked FROM (VALUES ($$ SELECT relations.create('lock_mine.people', '{"id": 2, "posts": []}') $$), ($$ SELECT relations.drop_relation('lock_mine.people', 'others') $$)) c (call), run(call);
GRANT REFERENCES ON lock_shop.posts TO regress_mallory;
SELECT call, locked FROM (VALUES ($$ SELECT relations.create('lock_mine.people', '{"id": 2, "posts": []}') $$), ($$ SELECT relations.drop_relation('lock_mine.people', 'others') $$)) c (call), run(call);

DROP TABLE calls;
DROP FUNCTION run(text);
DROP SCHEMA lock_shop, lock_mine CASCADE;
DROP ROLE regress_alice, regress_mallory;
