--
-- Attempts to read, write, declare or run what one may not: none gets through.
-- Each runs as its role, in a subtransaction that is undone; after it no secret
-- has been shown or told, nothing of others has changed, and no trap was called.
--
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE ROLE regress_alice;
CREATE ROLE regress_mallory;
CREATE SCHEMA attempts_shop AUTHORIZATION regress_alice;
CREATE SCHEMA attempts_private AUTHORIZATION regress_alice;
CREATE SCHEMA attempts_evil AUTHORIZATION regress_mallory;
GRANT USAGE ON SCHEMA attempts_shop TO regress_mallory;
GRANT USAGE ON SCHEMA attempts_evil TO PUBLIC;

--
-- What alice has, and what of it mallory may see
--
SET ROLE regress_alice;
SET search_path = attempts_shop;
CREATE TABLE users (id int PRIMARY KEY, name text CHECK (name <> ''), password text UNIQUE, hidden boolean NOT NULL DEFAULT false);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text, draft boolean NOT NULL DEFAULT false, comments_count int, at timestamptz);
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE TABLE post_tag (post_id int REFERENCES posts, tag_id int REFERENCES tags, note text, closed boolean NOT NULL DEFAULT false, PRIMARY KEY (post_id, tag_id));
CREATE TABLE replies (id int PRIMARY KEY, post_id int REFERENCES posts);
CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts);
CREATE TABLE images (id int PRIMARY KEY, owner_type text, owner_id int);
CREATE TABLE vault (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users, pin text);
CREATE TABLE forced (id int PRIMARY KEY, user_id int REFERENCES users, note text);
CREATE TABLE attempts_private.box (id int PRIMARY KEY, note text);
INSERT INTO users VALUES (1, 'Ann', 'the-secret 1', false), (2, 'Bob', 'the-secret 2', false), (3, 'Hid the-secret', 'the-secret 3', true);
INSERT INTO posts VALUES (1, 1, 'open', false), (2, 1, 'the-secret draft', true), (3, 3, 'of the hidden', false), (4, 2, 'zeta', false);
INSERT INTO tags VALUES (1, 'red'), (2, 'blue');
INSERT INTO post_tag VALUES (1, 1, 'the-secret note', false), (1, 2, 'the-secret note', true);
INSERT INTO replies VALUES (1, 1), (2, 2);
INSERT INTO vault VALUES (1, 1, 'the-secret pin'), (2, 2, 'the-secret pin');
INSERT INTO forced VALUES (1, 1, 'seen'), (2, 1, 'the-secret');
INSERT INTO attempts_private.box VALUES (1, 'the-secret');
SELECT count(*) FROM (VALUES (relations.has_many('users', 'posts', 'posts')), (relations.belongs_to('posts', 'author', 'users', foreign_key => 'user_id')), (relations.has_one('users', 'vault', 'vault')),
	(relations.many_to_many('posts', 'tags', 'tags', 'post_tag')), (relations.many_to_many('tags', 'posts', 'posts', 'post_tag')), (relations.has_many_through('users', 'replies', 'replies', 'posts')),
	(relations.morph_to('images', 'owner', '["users", "posts"]', on_delete => 'set null')), (relations.morph_many('users', 'images', 'images', 'owner')), (relations.morph_to_many('posts', 'labels', 'tags', 'labelled', 'labels', pivot_columns => 'closed')),
	(relations.belongs_to('comments', 'post', 'posts', counter_cache => 'comments_count', touch => 'at')), (relations.belongs_to('replies', 'post', 'posts')), (relations.has_many('users', 'forced', 'forced'))) x;
SELECT relations.create_view('users_graph', 'users', 'posts', 'vault'), relations.create_view('posts_graph', 'posts', 'author');
SELECT relations.define_factory('users', '{"name": "made"}') IS NOT NULL AS defined;
INSERT INTO images VALUES (1, 'post', 1), (2, 'post', 2), (3, 'user', 3);
INSERT INTO labels (tag_id, labelled_type, labelled_id, closed) VALUES (1, 'post', 1, 'no'), (2, 'post', 1, 'yes');
-- careless as triggers are: names without schemas
CREATE TABLE log (what text);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	NEW.at := now();
	IF length(NEW.title) > 0 AND NEW.id = NEW.id THEN NEW.title := concat(NEW.title); END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE FUNCTION stamp_image() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF length(OLD.owner_type) > 0 AND now() IS NOT NULL THEN RETURN NEW; END IF; RETURN NEW; END $$;
CREATE TRIGGER stamp_image BEFORE UPDATE ON images FOR EACH ROW EXECUTE FUNCTION stamp_image();
CREATE FUNCTION totals() RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = attempts_shop, pg_temp AS $$ SELECT relations.paginate('users', '{"select": ["id"]}') -> 'meta' -> 'total' $$;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE post_tag ENABLE ROW LEVEL SECURITY;
ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE POLICY shown ON users USING (NOT hidden);
CREATE POLICY shown ON posts USING (NOT draft);
CREATE POLICY shown ON post_tag USING (NOT closed);
CREATE POLICY shown ON labels USING (closed <> 'yes');
CREATE POLICY shown ON forced USING (note = 'seen');
GRANT SELECT (id, name, hidden), INSERT (id, name), UPDATE (name) ON users TO regress_mallory;
GRANT SELECT, INSERT (id, user_id, title), UPDATE (title) ON posts TO regress_mallory;
GRANT SELECT (post_id, tag_id), INSERT (post_id, tag_id) ON post_tag TO regress_mallory;
GRANT SELECT ON tags, replies, images, labels, users_graph, posts_graph TO regress_mallory;
GRANT SELECT, INSERT ON comments TO regress_mallory;
GRANT SELECT ON attempts_private.box TO regress_mallory;
RESET ROLE;

--
-- What mallory has: traps by the names of all that SQL is made of
--
SET ROLE regress_mallory;
SET search_path = attempts_evil, pg_catalog;
CREATE SEQUENCE calls;
GRANT ALL ON SEQUENCE calls TO PUBLIC;
CREATE TABLE mine (id int PRIMARY KEY, user_id int, title text);
CREATE TABLE parent (id int PRIMARY KEY, title text, n int);
INSERT INTO parent VALUES (1, 'p', 0);
INSERT INTO mine VALUES (1, 1, 'm');
DO $$
DECLARE f text;
BEGIN
	FOREACH f IN ARRAY ARRAY['now() RETURNS timestamptz', 'length(text) RETURNS int', 'concat(VARIADIC anycompatiblearray) RETURNS text', 'unnest(anyarray) RETURNS SETOF anyelement',
		'jsonb_build_object(VARIADIC anyarray) RETURNS jsonb', 'jsonb_agg(anyelement) RETURNS jsonb', 'to_jsonb(anyelement) RETURNS jsonb', 'array_replace(anycompatiblearray, anycompatible, anycompatible) RETURNS anycompatiblearray', '"any"(anyelement) RETURNS boolean',
		'int4eq(int, int) RETURNS boolean', 'texteq(text, text) RETURNS boolean', 'oideq(oid, oid) RETURNS boolean', 'nameeq(name, name) RETURNS boolean', 'regclasseq(regclass, regclass) RETURNS boolean', 'booleq(boolean, boolean) RETURNS boolean', 'int8mi(bigint, bigint) RETURNS bigint',
		'format(text, VARIADIC anycompatiblearray) RETURNS text', 'quote_ident(text) RETURNS text', 'int8pl(bigint, bigint) RETURNS bigint', 'intbig(int, bigint) RETURNS int', 'min(int) RETURNS int', 'nextval(regclass) RETURNS bigint', 'array_to_string(anyarray, text) RETURNS text', 'record_eq(record, record) RETURNS boolean'] LOOP
		EXECUTE pg_catalog.format('CREATE FUNCTION attempts_evil.%s LANGUAGE plpgsql AS %L', f, 'BEGIN PERFORM pg_catalog.nextval(''attempts_evil.calls''); RAISE ''a trap was called''; END');
	END LOOP;
	CREATE OPERATOR attempts_evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = attempts_evil.int4eq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = attempts_evil.texteq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = attempts_evil.oideq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = attempts_evil.nameeq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = regclass, RIGHTARG = regclass, FUNCTION = attempts_evil.regclasseq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = boolean, RIGHTARG = boolean, FUNCTION = attempts_evil.booleq);
	CREATE OPERATOR attempts_evil.= (LEFTARG = record, RIGHTARG = record, FUNCTION = attempts_evil.record_eq);
	CREATE OPERATOR attempts_evil.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = attempts_evil.int8pl);
	CREATE OPERATOR attempts_evil.<> (LEFTARG = boolean, RIGHTARG = boolean, FUNCTION = attempts_evil.booleq);
	CREATE OPERATOR attempts_evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = attempts_evil.int4eq);
	CREATE OPERATOR attempts_evil.< (LEFTARG = int, RIGHTARG = int, FUNCTION = attempts_evil.int4eq);
	CREATE OPERATOR attempts_evil.+ (LEFTARG = int, RIGHTARG = bigint, FUNCTION = attempts_evil.intbig);
	CREATE OPERATOR attempts_evil.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = attempts_evil.texteq);
	CREATE OPERATOR attempts_evil.~~* (LEFTARG = text, RIGHTARG = text, FUNCTION = attempts_evil.texteq);
END $$;
CREATE DOMAIN "text" AS pg_catalog.int4 CHECK (VALUE > 1000);
CREATE DOMAIN jsonb AS pg_catalog.int4;
CREATE DOMAIN int8 AS pg_catalog.text;
CREATE DOMAIN regclass AS pg_catalog.text;
CREATE DOMAIN oid AS pg_catalog.text;
CREATE DOMAIN name AS pg_catalog.int4;
CREATE TABLE users (id int PRIMARY KEY, x text);
CREATE TABLE relation AS SELECT * FROM relations.relation LIMIT 0;
CREATE VIEW pg_class AS SELECT 1 AS one;
-- what sees rows before a policy does is told what they hold
CREATE FUNCTION peek(pg_catalog.text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN
	IF $1 OPERATOR(pg_catalog.~~) '%the-secret%' THEN PERFORM pg_catalog.nextval('attempts_evil.calls'); END IF; RETURN true; END $$;
-- and what runs as another has gained his rights
CREATE FUNCTION as_other() RETURNS pg_catalog.text LANGUAGE plpgsql AS $$ BEGIN
	IF current_user OPERATOR(pg_catalog.<>) 'regress_mallory' THEN PERFORM pg_catalog.nextval('attempts_evil.calls'); END IF; RETURN 'x'; END $$;
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM attempts_evil.as_other(); RETURN NEW; END $$;
RESET ROLE;
RESET search_path;

--
-- How an attempt is made
--
CREATE SCHEMA attempts;
SET search_path = attempts;
-- what mallory may change nothing of
CREATE FUNCTION state_of_things() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE t record; rows text; result text := '';
BEGIN
	FOR t IN SELECT c.oid::regclass AS name FROM pg_class c WHERE relkind = 'r' AND relnamespace IN ('attempts_shop'::regnamespace, 'attempts_private'::regnamespace) ORDER BY 1 LOOP
		EXECUTE format('SELECT string_agg(r::text, '','' ORDER BY r::text) FROM %s r', t.name) INTO rows;
		result := concat(result, t.name, rows);
	END LOOP;
	RETURN md5(concat(result,
		(SELECT string_agg(concat(r), ',' ORDER BY r.model, r.relation) FROM relations.relation r WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.model AND relnamespace = 'attempts_evil'::regnamespace)),
		(SELECT string_agg(concat(r), ',' ORDER BY r.model, r.morph, r.type) FROM relations.morph_type r), (SELECT string_agg(concat(r), ',' ORDER BY r.model) FROM relations.model r WHERE model::text !~ 'attempts_evil'),
		(SELECT string_agg(concat(r), ',' ORDER BY r.model) FROM relations.factory r WHERE model::text !~ 'attempts_evil'), (SELECT string_agg(concat(r), ',' ORDER BY r.view) FROM relations.graph_view r WHERE view::text !~ 'attempts_evil'),
		(SELECT string_agg(concat(oid, relname, relowner, relacl, relrowsecurity, reltriggers), ',' ORDER BY oid) FROM (SELECT *, (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = c.oid) AS reltriggers FROM pg_class c) c
			WHERE relnamespace IN ('attempts_shop'::regnamespace, 'attempts_private'::regnamespace, 'relations'::regnamespace)),
		(SELECT string_agg(concat(oid, proname, proowner, proacl, prosrc), ',' ORDER BY oid) FROM pg_proc WHERE pronamespace IN ('attempts_shop'::regnamespace, 'relations'::regnamespace)),
		(SELECT string_agg(concat(oid, conname), ',' ORDER BY oid) FROM pg_constraint WHERE connamespace IN ('attempts_shop'::regnamespace, 'relations'::regnamespace)),
		(SELECT string_agg(concat(rolname, rolsuper, rolcreaterole), ',' ORDER BY rolname) FROM pg_authid), (SELECT count(*) FROM pg_auth_members), (SELECT string_agg(concat(nspname, nspowner, nspacl), ',' ORDER BY oid) FROM pg_namespace WHERE nspname ~ '^attempts_(shop|private)|^relations')));
END $$;
CREATE TABLE attempts (no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, area text, what text, path text, before text, statement text, expected text, role text DEFAULT 'regress_mallory');
-- what a statement gives under a search_path, or its SQLSTATE; and what it tells besides
CREATE FUNCTION try(role text, path text, before text, statement text, OUT outcome text, OUT told text, OUT state text) LANGUAGE plpgsql AS $$
DECLARE r record; m text; d text; h text; c text; returns boolean := statement ~ '^(SELECT|EXPLAIN) ';
BEGIN
	told := '';
	BEGIN
		PERFORM pg_catalog.set_config('role', role, true), pg_catalog.set_config('search_path', path, true);
		IF before IS NOT NULL THEN EXECUTE before; END IF;
		IF returns THEN
			FOR r IN EXECUTE statement LOOP outcome := pg_catalog.concat_ws(' ', outcome, r); END LOOP;
		ELSE
			EXECUTE statement;
			outcome := 'done';
		END IF;
		PERFORM pg_catalog.set_config('role', 'none', true), pg_catalog.set_config('search_path', 'attempts', true);
		SET CONSTRAINTS ALL IMMEDIATE;
		state := attempts.state_of_things();
		RAISE SQLSTATE 'UNDO1';
	EXCEPTION WHEN SQLSTATE 'UNDO1' THEN NULL;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS outcome = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
		told := pg_catalog.concat_ws(' | ', m, d, h, replace(c, coalesce(statement, ''), '...'));
	END;
	outcome := coalesce(outcome, 'nothing');
END $$;
-- runs an attempt; '' when it did not get through
CREATE FUNCTION run(a attempts, OUT verdict text, OUT told text) LANGUAGE plpgsql AS $$
DECLARE calls bigint := (SELECT last_value FROM attempts_evil.calls); before text := state_of_things(); x record; y record;
BEGIN
	x := try(a.role, a.path, a.before, a.statement);
	verdict := ''; told := x.told;
	IF a.expected = 'the same' THEN
		y := try(a.role, 'attempts_shop', a.before, a.statement);
		IF x.outcome <> y.outcome OR x.outcome ~ '^[0-9A-Z]{5}$' THEN verdict := verdict || ' differs: ' || x.outcome || ' ' || x.told || ' / ' || y.outcome; END IF;
		IF x.state <> y.state THEN verdict := verdict || ' does something else'; END IF;
	ELSIF x.outcome <> a.expected THEN verdict := verdict || ' gives: ' || x.outcome || ' ' || x.told; END IF;
	IF x.outcome ~ 'the-secret' THEN verdict := verdict || ' SHOWS A SECRET'; END IF;
	IF x.told ~ 'the-secret' THEN verdict := verdict || ' TELLS A SECRET ' || x.told; END IF;
	IF a.expected <> 'the same' AND x.state <> before THEN verdict := verdict || ' CHANGES SOMETHING'; END IF;
	IF (SELECT last_value FROM attempts_evil.calls) <> calls THEN verdict := verdict || ' CALLS A TRAP'; END IF;
END $$;
-- the traps do what they should, or there would be nothing to see
SELECT calls.last_value, calls.is_called FROM attempts_evil.calls;
SELECT (try('regress_mallory', 'attempts_evil, pg_catalog', NULL, 'SELECT 1 = 1')).outcome;
SELECT calls.last_value, calls.is_called FROM attempts_evil.calls;
SELECT (run(a)).verdict FROM (SELECT (NULL, 'x', 'x', 'attempts_evil, pg_catalog', NULL, 'SELECT 1 = 1', 'P0001', 'regress_mallory')::attempts AS a) x;
SELECT (run(a)).verdict FROM (SELECT (NULL, 'x', 'x', 'attempts_shop', 'UPDATE vault SET pin = NULL', 'SELECT password FROM users WHERE id = 1', '(the-secret 1)', 'regress_alice')::attempts AS a) x;

--
-- Reading
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('reading', 'a row without the column', 'attempts_shop', NULL, 'SELECT relations.find(''users'', 1)', '("{""id"": 1, ""name"": ""Ann"", ""hidden"": false}")', 'regress_mallory'),
	('reading', 'a row that a policy hides', 'attempts_shop', NULL, 'SELECT relations.find(''users'', 3)', '()', 'regress_mallory'),
	('reading', 'all rows', 'attempts_shop', NULL, 'SELECT relations.preload(''users'')', '("{""id"": 1, ""name"": ""Ann"", ""hidden"": false}") ("{""id"": 2, ""name"": ""Bob"", ""hidden"": false}")', 'regress_mallory'),
	('reading', 'the last one, by order', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"order": ["-id"], "limit": 1}'')', '("{""id"": 2, ""name"": ""Bob"", ""hidden"": false}")', 'regress_mallory'),
	('reading', 'select a hidden column', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"select": ["password"]}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by a filter', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"password": {"like": "the-secret%"}}}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by ilike', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"password": {"ilike": "THE%"}}}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by regex in an or', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"or": [{"id": 1}, {"password": {"regex": "1$"}}]}}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by is null', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"not": {"password": null}}}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by order', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"order": ["password"]}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by a cursor', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"order": ["password"], "cursor": true}'')', '42501', 'regress_mallory'),
	('reading', 'oracle by a placeholder', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"password": "$p"}}'', ''{"p": "the-secret 1"}'')', '42501', 'regress_mallory'),
	('reading', 'a filter of a filter', 'attempts_shop', NULL, 'SELECT relations.query(''posts'', ''{"where": {"author": {"is": {"password": {"starts_with": "the"}}}}}'')', '42501', 'regress_mallory'),
	('reading', 'order by a column of a related row', 'attempts_shop', NULL, 'SELECT relations.query(''posts'', ''{"order": ["author.password"]}'')', '42501', 'regress_mallory'),
	('reading', 'greatest value of a hidden column', 'attempts_shop', NULL, 'SELECT relations.query(''posts'', ''{"aggregate": {"m": {"relation": "author", "max": "password"}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: preload', 'attempts_shop', NULL, 'SELECT relations.preload(''users'', ''vault'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: deep', 'attempts_shop', NULL, 'SELECT relations.find(''replies'', 1, ''post.author.vault'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: under another key', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"preload": {"v": {"relation": "vault", "select": ["id"]}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: some', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"vault": {"is": {"pin": {"like": "the%"}}}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: none', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"vault": {"is": null}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: count', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"count": {"n": "vault"}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: number of', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"posts": {"some": {"author": {"is": {"vault": {"is_not": null}}}}}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: greatest', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"aggregate": {"m": {"relation": "vault", "max": "pin"}}}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: order', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"order": ["vault.pin"]}'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: related rows', 'attempts_shop', NULL, 'SELECT relations.query_related(''users'', 1, ''vault'')', '42501', 'regress_mallory'),
	('reading', 'a table without a right: itself', 'attempts_shop', NULL, 'SELECT relations.query(''vault'', ''{"select": ["id"]}'')', '42501', 'regress_mallory'),
	('reading', 'a schema without a right, by OID', 'attempts_shop', NULL, 'SELECT relations.preload((SELECT oid FROM pg_class WHERE relname = ''box'')::regclass)', '42501', 'regress_mallory'),
	('reading', 'passwords of roles', 'attempts_shop', NULL, 'SELECT relations.query(''pg_catalog.pg_authid'', ''{"select": ["rolpassword"], "order": ["rolname"]}'')', '42501', 'regress_mallory'),
	('reading', 'samples of the planner', 'attempts_shop', NULL, 'SELECT relations.query(''pg_catalog.pg_statistic'', ''{"order": ["starelid"]}'')', '42501', 'regress_mallory'),
	('reading', 'children that a policy hides', 'attempts_shop', NULL, 'SELECT relations.find(''users'', 1, ''posts'')', '("{""id"": 1, ""name"": ""Ann"", ""posts"": [{""at"": null, ""id"": 1, ""draft"": false, ""title"": ""open"", ""user_id"": 1, ""comments_count"": 0}], ""hidden"": false}")', 'regress_mallory'),
	('reading', 'their number', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"select": ["id"], "count": {"n": "posts"}}'')', '("{""n"": 1, ""id"": 1}") ("{""n"": 1, ""id"": 2}")', 'regress_mallory'),
	('reading', 'the greatest of them', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"select": ["id"], "aggregate": {"m": {"relation": "posts", "max": "title"}}}'')', '("{""m"": ""open"", ""id"": 1}") ("{""m"": ""zeta"", ""id"": 2}")', 'regress_mallory'),
	('reading', 'a filter that only they fulfil', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"where": {"posts": {"some": {"title": {"like": "the-sec%"}}}}}'')', 'nothing', 'regress_mallory'),
	('reading', 'a filter that they do not', 'attempts_shop', NULL, 'SELECT relations.query(''users'', ''{"select": ["id"], "where": {"posts": {"every": {"draft": false}}}}'')', '("{""id"": 1}") ("{""id"": 2}")', 'regress_mallory'),
	('reading', 'a parent that a policy hides', 'attempts_shop', NULL, 'SELECT relations.find(''posts'', 3, ''author'')', '("{""at"": null, ""id"": 3, ""draft"": false, ""title"": ""of the hidden"", ""author"": null, ""user_id"": 3, ""comments_count"": 0}")', 'regress_mallory'),
	('reading', 'rows that a pivot''s policy hides', 'attempts_shop', NULL, 'SELECT relations.find(''posts'', 1, ''tags'', ''labels'')', '("{""at"": null, ""id"": 1, ""tags"": [{""id"": 1, ""name"": ""red""}], ""draft"": false, ""title"": ""open"", ""labels"": [{""id"": 1, ""name"": ""red"", ""pivot"": {""closed"": ""no""}}], ""user_id"": 1, ""comments_count"": 0}")', 'regress_mallory'),
	('reading', 'a column of a pivot', 'attempts_shop', NULL, 'SELECT relations.query(''posts'', ''{"where": {"tags": {"some": {"pivot": {"note": {"like": "the%"}}}}}}'')', '42501', 'regress_mallory'),
	('reading', 'order by a column of a pivot', 'attempts_shop', NULL, 'SELECT relations.query(''posts'', ''{"preload": {"tags": {"order": ["pivot.note"]}}}'')', '42501', 'regress_mallory'),
	('reading', 'through a model whose rows are hidden', 'attempts_shop', NULL, 'SELECT relations.find(''users'', 1, ''replies'')', '("{""id"": 1, ""name"": ""Ann"", ""hidden"": false, ""replies"": [{""id"": 1, ""post_id"": 1}]}")', 'regress_mallory'),
	('reading', 'the target of a reference is hidden', 'attempts_shop', NULL, 'SELECT relations.preload(''images'', ''owner'')', '("{""id"": 1, ""owner"": {""at"": null, ""id"": 1, ""draft"": false, ""title"": ""open"", ""user_id"": 1, ""comments_count"": 0}, ""owner_id"": 1, ""owner_type"": ""post""}") ("{""id"": 2, ""owner"": null, ""owner_id"": 2, ""owner_type"": ""post""}") ("{""id"": 3, ""owner"": null, ""owner_id"": 3, ""owner_type"": ""user""}")', 'regress_mallory'),
	('reading', 'pages count what is hidden', 'attempts_shop', NULL, 'SELECT relations.paginate(''users'', ''{}'', 1, 1) -> ''meta''', '("{""total"": 2, ""per_page"": 1, ""last_page"": 2, ""current_page"": 1}")', 'regress_mallory'),
	('reading', 'a page behind the last', 'attempts_shop', NULL, 'SELECT relations.paginate(''users'', ''{}'', 3, 1) -> ''data''', '([])', 'regress_mallory'),
	('reading', 'a forged cursor behind a hidden row', 'attempts_shop', NULL, 'SELECT relations.query(''users'', jsonb_build_object(''order'', ''["-id"]''::jsonb, ''cursor'', true, ''before'', (SELECT replace(encode(substr(decode(q ->> ''cursor'', ''base64''), 1, 8) || ''1:0;''::bytea, ''base64''), E''
'', '''') FROM relations.query(''users'', ''{"order": ["-id"], "cursor": true}'') q LIMIT 1))) - ''cursor''', '22023', 'regress_mallory'),
	('reading', 'somebody else''s cursor', 'attempts_shop', NULL, 'SELECT relations.query(''users'', jsonb_build_object(''order'', ''["id"]''::jsonb, ''after'', (SELECT q ->> ''cursor'' FROM relations.query(''posts'', ''{"order": ["id"], "cursor": true}'') q LIMIT 1)))', '22023', 'regress_mallory'),
	('reading', 'row_security off', 'attempts_shop', 'SET LOCAL row_security = off', 'SELECT relations.preload(''users'')', '42501', 'regress_mallory'),
	('reading', 'row_security off, of a child', 'attempts_shop', 'SET LOCAL row_security = off', 'SELECT relations.find(''tags'', 1, ''posts'')', '42501', 'regress_mallory'),
	('reading', 'a plan that another role has had kept', 'attempts_shop', NULL, 'SELECT totals(), relations.paginate(''users'', ''{"select": ["id"]}'') -> ''meta'' -> ''total''', '(3,2)', 'regress_mallory'),
	('reading', 'and the other way round', 'attempts_shop', NULL, 'SELECT relations.paginate(''users'', ''{"select": ["id"]}'') -> ''meta'' -> ''total'', totals()', '(2,3)', 'regress_mallory'),
	('reading', 'a column that was shown to another role before', 'attempts_shop', 'RESET ROLE; SELECT relations.find(''attempts_shop.users'', 1); SET LOCAL ROLE regress_mallory', 'SELECT relations.find(''users'', 1)', '("{""id"": 1, ""name"": ""Ann"", ""hidden"": false}")', 'regress_mallory'),
	('reading', 'a policy that is forced on the owner', 'attempts_shop', NULL, 'SELECT relations.preload(''forced'')', '("{""id"": 1, ""note"": ""seen"", ""user_id"": 1}")', 'regress_alice'),
	('reading', 'the SQL of a query holds no data', 'attempts_shop', NULL, 'SELECT relations.preload_sql(''users'', ''{"where": {"password": "x"}, "preload": ["vault"]}'') ~ ''pin''', '(f)', 'regress_mallory'),
	('reading', 'explain', 'attempts_shop', NULL, 'SELECT relations.explain(''users'', ''{"preload": ["vault"]}'')', '42501', 'regress_mallory'),
	('reading', 'explain analyze', 'attempts_shop', NULL, 'SELECT relations.explain(''users'', ''{"where": {"password": {"like": "the%"}}}'', true)', '42501', 'regress_mallory'),
	('reading', 'load of a row that never was', 'attempts_shop', NULL, 'SELECT relations.load(ROW(1, ''x'', ''x'', true)::users, ''vault'')', '42501', 'regress_mallory'),
	('reading', 'load, children of a row that is hidden', 'attempts_shop', NULL, 'SELECT relations.load(ROW(3, ''x'', ''x'', true)::users, ''posts'', ''images'')', '("{""id"": 3, ""name"": ""x"", ""posts"": [{""at"": null, ""id"": 3, ""draft"": false, ""title"": ""of the hidden"", ""user_id"": 3, ""comments_count"": 0}], ""hidden"": true, ""images"": [{""id"": 3, ""owner_id"": 3, ""owner_type"": ""user""}], ""password"": ""x""}")', 'regress_mallory'),
	('reading', 'load of something else', 'attempts_shop', NULL, 'SELECT relations.load(ROW(1, 2), ''vault'')', '42804', 'regress_mallory'),
	('reading', 'load_relation by a forged key', 'attempts_shop', NULL, 'SELECT relations.load_relation(''users'', ROW(1), ''vault'')', '42501', 'regress_mallory'),
	('reading', 'load_relation by a key of another type', 'attempts_shop', NULL, 'SELECT relations.load_relation(''users'', ROW(''x''::text), ''posts'')', '42804', 'regress_mallory'),
	('reading', 'load_relation by a key of another size', 'attempts_shop', NULL, 'SELECT relations.load_relation(''users'', ROW(1, 2, 3), ''posts'')', '42804', 'regress_mallory'),
	('reading', 'load_relation without a key', 'attempts_shop', NULL, 'SELECT relations.load_relation(''users'', ROW(), ''posts'')', '42804', 'regress_mallory'),
	('reading', 'a key that is SQL', 'attempts_shop', NULL, 'SELECT relations.find(''users'', ''1 OR true'')', '22P02', 'regress_mallory'),
	('reading', 'a key that is a row', 'attempts_shop', NULL, 'SELECT relations.find(''users'', ''(1,2)'')', '22P02', 'regress_mallory'),
	('reading', 'alice''s graph view, all of it', 'attempts_shop', NULL, 'SELECT * FROM users_graph', '42501', 'regress_mallory'),
	('reading', 'alice''s graph view, a relation without a right', 'attempts_shop', NULL, 'SELECT vault FROM users_graph', '42501', 'regress_mallory'),
	('reading', 'alice''s graph view, what may be seen', 'attempts_shop', NULL, 'SELECT id, title, author FROM posts_graph ORDER BY id', '(1,open,"{""id"": 1, ""name"": ""Ann"", ""hidden"": false}") (3,"of the hidden",) (4,zeta,"{""id"": 2, ""name"": ""Bob"", ""hidden"": false}")', 'regress_mallory'),
	('reading', 'a function that looks at rows behind a policy', 'attempts_shop', NULL, 'SELECT id FROM posts_graph WHERE attempts_evil.peek(title) AND attempts_evil.peek(author::text) ORDER BY id', '(1) (3) (4)', 'regress_mallory'),
	('reading', 'a graph view of one''s own', 'attempts_shop', 'SELECT relations.create_view(''attempts_evil.v'', ''users'', ''vault'')', 'SELECT vault FROM attempts_evil.v', '42501', 'regress_mallory'),
	('reading', 'a graph view of one''s own, its columns', 'attempts_shop', 'SELECT relations.create_view(''attempts_evil.v'', ''users'', ''posts'')', 'SELECT password FROM attempts_evil.v', '42501', 'regress_mallory'),
	('reading', 'a temporary table of the name', 'attempts_shop', 'CREATE TEMP TABLE users AS SELECT 1 AS id; ALTER TABLE pg_temp.users ADD PRIMARY KEY (id)', 'SELECT relations.find(''users'', 1, ''vault'')', '42704', 'regress_mallory');

--
-- Hostile search_path
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('hostile search_path', 'find', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.find(''attempts_shop.users'', 1, ''posts.author'', ''replies'', ''images'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'preload', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.preload(''attempts_shop.posts'', ''author'', ''tags'', ''labels'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'first', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.first(''attempts_shop.images'', ''owner'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'filters', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.query(''attempts_shop.users'', ''{"where": {"id": {"in": [1, 2], "gt": 0, "ne": 7, "between": [0, 9]}, "name": {"like": "%n%", "ilike": "%N%", "starts_with": "A", "regex": "nn", "ne": "x"}, "hidden": false, "posts": {"some": {"title": "open"}, "every": {"draft": false}, "count": {"gte": 1}}}}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'orders, limits and counts', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.query(''attempts_shop.users'', ''{"order": ["-name", {"count": "posts"}], "limit": 2, "count": {"n": "posts", "r": "replies"}, "aggregate": {"m": {"relation": "posts", "max": "id"}, "s": {"relation": "posts", "sum": "id"}}, "preload": {"posts": {"limit": 1, "offset": 0, "order": ["-id"]}}}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'pivots', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.query(''attempts_shop.posts'', ''{"where": {"tags": {"some": {"pivot": {"tag_id": 1}}}}, "preload": {"labels": {"limit": 2}}}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'paginate', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.paginate(''attempts_shop.users'', ''{"where": {"name": {"ne": ""}}, "cursor": true, "order": ["name"]}'', 1, 1)', 'the same', 'regress_mallory'),
	('hostile search_path', 'query_related', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.query_related(''attempts_shop.users'', 1, ''posts'', ''{"where": {"title": {"in": ["open"]}}}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'load', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.load(u, ''posts'') FROM (SELECT (pg_catalog.jsonb_populate_record(NULL::attempts_shop.users, ''{"id": 1}'')).*) x, LATERAL (SELECT pg_catalog.jsonb_populate_record(NULL::attempts_shop.users, ''{"id": 1}'') AS u) y', 'the same', 'regress_mallory'),
	('hostile search_path', 'explain', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.explain(''attempts_shop.tags'', ''{}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'graph view', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT id, author FROM attempts_shop.posts_graph ORDER BY title', 'the same', 'regress_mallory'),
	('hostile search_path', 'create', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.create(''attempts_shop.posts'', ''{"id": 9, "user_id": 1, "title": "t"}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'create with a pivot', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.create(''attempts_shop.posts'', ''{"id": 9, "title": "t", "author": {"$connect": 1}, "tags": {"$connect": [1]}}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'update', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.update(''attempts_shop.tags'', 1, ''{"name": "t"}'')', 'the same', 'regress_alice'),
	('hostile search_path', 'update_related', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.update_related(''attempts_shop.users'', 1, ''vault'', ''{"pin": {"like": "the%"}}'', ''{"pin": "t"}'')', 'the same', 'regress_alice'),
	('hostile search_path', 'sync', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.sync(''attempts_shop.posts'', 4, ''tags'', ''[1, 2]'')', 'the same', 'regress_alice'),
	('hostile search_path', 'first_or_create_related', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.first_or_create_related(''attempts_shop.users'', 1, ''posts'', ''{"title": "new"}'', ''{"id": 9}'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'upsert', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.upsert(''attempts_shop.tags'', ''{"id": 1, "name": "new"}'', ''id'')', 'the same', 'regress_alice'),
	('hostile search_path', 'delete', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.delete(''attempts_shop.replies'', 1)', 'the same', 'regress_alice'),
	('hostile search_path', 'factory', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.factory_create(''attempts_shop.tags'', 3, ''{"seed": 1}'')', 'the same', 'regress_alice'),
	('hostile search_path', 'factory, with parents', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.factory_create(''attempts_shop.replies'', 2, ''{"seed": 1, "recycle": true}'')', 'the same', 'regress_alice'),
	('hostile search_path', 'a counter: the trigger of a parent''s owner', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'INSERT INTO attempts_shop.comments VALUES (1, 1), (2, 4)', 'the same', 'regress_mallory'),
	('hostile search_path', 'a counter of a row that a policy hides', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'INSERT INTO attempts_shop.comments VALUES (1, 2)', 'the same', 'regress_mallory'),
	('hostile search_path', 'a counter of a parent with another key', 'attempts_evil, attempts_shop, pg_catalog', 'ALTER TABLE attempts_shop.posts DISABLE TRIGGER stamp', 'UPDATE attempts_shop.posts SET id = 44 WHERE id OPERATOR(pg_catalog.=) 4', 'the same', 'regress_alice'),
	('hostile search_path', 'recount', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.recount(''attempts_shop.comments'', ''post'')', 'the same', 'regress_alice'),
	('hostile search_path', 'an action of a reference', 'attempts_evil, attempts_shop, pg_catalog', 'SET LOCAL search_path = attempts_shop; DELETE FROM posts WHERE user_id = 3; SET LOCAL search_path = attempts_evil, attempts_shop, pg_catalog', 'DELETE FROM attempts_shop.users WHERE id OPERATOR(pg_catalog.=) 3', 'the same', 'regress_alice'),
	('hostile search_path', 'declaring', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')).created_index', 'the same', 'regress_mallory'),
	('hostile search_path', 'declaring with a counter', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.belongs_to(''attempts_evil.mine'', ''parent'', ''attempts_evil.parent'', foreign_key => ''user_id'', counter_cache => ''n'')).kind', 'the same', 'regress_mallory'),
	('hostile search_path', 'declaring a pivot', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.many_to_many(''attempts_evil.parent'', ''ms'', ''attempts_evil.mine'')).pivot_foreign_key', 'the same', 'regress_mallory'),
	('hostile search_path', 'declaring a reference', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.morph_to(''attempts_evil.mine'', ''about'', ''["attempts_evil.parent"]'', add_column => true)).kind', 'the same', 'regress_mallory'),
	('hostile search_path', 'dropping', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')', 'SELECT relations.drop_relation(''attempts_evil.parent'', ''mine'', true)', 'the same', 'regress_mallory'),
	('hostile search_path', 'discover', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (d).relation FROM (SELECT relations.discover(''attempts_shop'') AS d) x', 'the same', 'regress_mallory'),
	('hostile search_path', 'model', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.model(''attempts_evil.mine'', hidden => ''title'')).hidden', 'the same', 'regress_mallory'),
	('hostile search_path', 'define_factory, define_state', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT (relations.define_factory(''attempts_evil.mine'', ''{"title": {"sequence": "n%s"}}'')).definition, (relations.define_state(''attempts_evil.mine'', ''s'', ''{"title": "x"}'')).definition', 'the same', 'regress_mallory'),
	('hostile search_path', 'drop_state, drop_factory', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.define_factory(''attempts_evil.mine'', ''{}''); SELECT relations.define_state(''attempts_evil.mine'', ''s'', ''{}'')', 'SELECT relations.drop_state(''attempts_evil.mine'', ''s''), relations.drop_factory(''attempts_evil.mine'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'create_view', 'attempts_evil, attempts_shop, pg_catalog', NULL, 'SELECT relations.create_view(''attempts_evil.v'', ''attempts_evil.mine'') IS NOT NULL', 'the same', 'regress_mallory'),
	('hostile search_path', 'refresh_view', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.create_view(''attempts_evil.v'', ''attempts_evil.mine'')', 'SELECT relations.refresh_view(''attempts_evil.v'')', 'the same', 'regress_mallory'),
	('hostile search_path', 'DDL that the catalog follows: a column', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'', scope => ''{"where": {"title": "x"}}''); SELECT relations.define_factory(''attempts_evil.mine'', ''{"title": "x"}'')', 'ALTER TABLE attempts_evil.mine RENAME user_id TO u', 'the same', 'regress_mallory'),
	('hostile search_path', 'DDL that the catalog follows: a table', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')', 'DROP TABLE attempts_evil.mine CASCADE', 'the same', 'regress_mallory'),
	('hostile search_path', 'DDL that the catalog follows: a key', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')', 'ALTER TABLE attempts_evil.mine DROP COLUMN user_id', 'the same', 'regress_mallory'),
	('hostile search_path', 'DDL that the catalog follows: a constraint', 'attempts_evil, attempts_shop, pg_catalog', 'SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')', 'ALTER TABLE attempts_evil.mine DROP CONSTRAINT mine_user_id_fkey', 'the same', 'regress_mallory'),
	('hostile search_path', 'temporary tables by the names of ours', 'attempts_evil, attempts_shop, pg_catalog', 'CREATE TEMP TABLE relation (model pg_catalog.int4); CREATE TEMP TABLE model (x pg_catalog.int4); CREATE TEMP TABLE posts (id pg_catalog.int4)', 'SELECT relations.find(''attempts_shop.users'', 1, ''posts'')', 'the same', 'regress_mallory');

--
-- Writing
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('writing', 'a column without a right', 'attempts_shop', NULL, 'SELECT relations.create(''users'', ''{"id": 9, "name": "x", "password": "x"}'')', '42501', 'regress_mallory'),
	('writing', 'a column without a right, to its default', 'attempts_shop', NULL, 'SELECT relations.create(''users'', ''{"id": 9, "name": "x", "hidden": false}'')', '42501', 'regress_mallory'),
	('writing', 'a column without a right, of a parent', 'attempts_shop', NULL, 'SELECT relations.create(''posts'', ''{"id": 9, "author": {"id": 9, "name": "x", "password": "x"}}'')', '42501', 'regress_mallory'),
	('writing', 'a column without a right, changed', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 1, ''{"password": "x"}'')', '42501', 'regress_mallory'),
	('writing', 'a column without a right, of a child', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 1, ''{"posts": {"$update": {"where": 1, "data": {"draft": true}}}}'')', '42501', 'regress_mallory'),
	('writing', 'a key without a right', 'attempts_shop', NULL, 'SELECT relations.associate(''posts'', 1, ''author'', 2)', '42501', 'regress_mallory'),
	('writing', 'a table without a right', 'attempts_shop', NULL, 'SELECT relations.create_related(''users'', 1, ''vault'', ''{"id": 9, "pin": "x"}'')', '42501', 'regress_mallory'),
	('writing', 'a table without a right, nested', 'attempts_shop', NULL, 'SELECT relations.create(''users'', ''{"id": 9, "name": "x", "vault": {"id": 9}}'')', '42501', 'regress_mallory'),
	('writing', 'a table without a right, connected', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 2, ''{"vault": {"$connect": 1}}'')', '42501', 'regress_mallory'),
	('writing', 'a table without a right, deleted', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 1, ''{"vault": {"$delete": true}}'')', '42501', 'regress_mallory'),
	('writing', 'a row that is hidden, changed', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 3, ''{"name": "x"}'')', '()', 'regress_mallory'),
	('writing', 'a row that is hidden, deleted', 'attempts_shop', NULL, 'SELECT relations.delete(''posts'', 2)', '42501', 'regress_mallory'),
	('writing', 'a row that is hidden, connected', 'attempts_shop', NULL, 'SELECT relations.create(''posts'', ''{"id": 9, "author": {"$connect": 3}}'')', '23503', 'regress_mallory'),
	('writing', 'a row that is not there, connected', 'attempts_shop', NULL, 'SELECT relations.create(''posts'', ''{"id": 9, "author": {"$connect": 4711}}'')', '23503', 'regress_mallory'),
	('writing', 'a row that is hidden, upserted', 'attempts_shop', NULL, 'SELECT relations.upsert(''users'', ''{"id": 3, "name": "x"}'', ''id'')', '42501', 'regress_mallory'),
	('writing', 'a row that is hidden, by its number', 'attempts_shop', NULL, 'SELECT relations.create(''users'', ''{"id": 3, "name": "x"}'')', '23505', 'regress_mallory'),
	('writing', 'upsert by a column without a right', 'attempts_shop', NULL, 'SELECT relations.upsert(''users'', ''{"id": 9, "name": "x"}'', ''password'')', '42501', 'regress_mallory'),
	('writing', 'a row that fails is not told', 'attempts_shop', NULL, 'SELECT relations.update(''users'', 1, ''{"name": ""}'')', '23514', 'regress_mallory'),
	('writing', 'a row that fails is not told, of a child', 'attempts_shop', NULL, 'SELECT relations.create(''posts'', ''{"id": 9, "author": {"id": 9, "name": ""}}'')', '23514', 'regress_mallory'),
	('writing', 'found by a column without a right', 'attempts_shop', NULL, 'SELECT relations.create(''posts'', ''{"id": 9, "author": {"$connect_or_create": {"where": {"password": "the-secret 1"}, "create": {"id": 9, "name": "x"}}}}'')', '42501', 'regress_mallory'),
	('writing', 'found by a column without a right, of a child', 'attempts_shop', NULL, 'SELECT relations.first_or_create_related(''users'', 1, ''vault'', ''{"pin": "the-secret pin"}'')', '42501', 'regress_mallory'),
	('writing', 'in bulk by a column without a right', 'attempts_shop', NULL, 'SELECT relations.update_related(''users'', 1, ''vault'', ''{"pin": {"like": "the%"}}'', ''{"pin": "x"}'')', '42501', 'regress_mallory'),
	('writing', 'rows without DELETE', 'attempts_shop', NULL, 'SELECT relations.delete(''posts'', 1)', '42501', 'regress_mallory'),
	('writing', 'rows without DELETE, in bulk', 'attempts_shop', NULL, 'SELECT relations.delete_related(''users'', 1, ''posts'')', '42501', 'regress_mallory'),
	('writing', 'a pivot without DELETE', 'attempts_shop', NULL, 'SELECT relations.detach(''posts'', 1, ''tags'')', '42501', 'regress_mallory'),
	('writing', 'a pivot without DELETE, by sync', 'attempts_shop', NULL, 'SELECT relations.sync(''posts'', 1, ''tags'', ''[]'')', '42501', 'regress_mallory'),
	('writing', 'a pivot''s column without a right', 'attempts_shop', NULL, 'SELECT relations.attach(''posts'', 4, ''tags'', ''{"1": {"closed": true}}'')', '42501', 'regress_mallory'),
	('writing', 'labels without INSERT', 'attempts_shop', NULL, 'SELECT relations.attach(''posts'', 4, ''labels'', ''[1]'')', '42501', 'regress_mallory'),
	('writing', 'a column that is the extension''s own', 'attempts_shop', NULL, 'SELECT relations.update(''images'', 1, ''{"owner_user_id": 1}'')', '428C9', 'regress_alice'),
	('writing', 'a graph view without INSERT', 'attempts_shop', NULL, 'INSERT INTO users_graph (id, name) VALUES (9, ''x'')', '42501', 'regress_mallory'),
	('writing', 'a view of one''s own with our trigger', 'attempts_shop', 'CREATE VIEW attempts_evil.w AS SELECT id, name, 1 AS one FROM users; CREATE TRIGGER w INSTEAD OF INSERT ON attempts_evil.w FOR EACH ROW EXECUTE FUNCTION relations.write_view()', 'INSERT INTO attempts_evil.w VALUES (9, ''x'')', '42704', 'regress_mallory'),
	('writing', 'our trigger on a table', 'attempts_shop', 'CREATE TRIGGER w BEFORE INSERT ON attempts_evil.parent FOR EACH ROW EXECUTE FUNCTION relations.write_view()', 'INSERT INTO attempts_evil.parent VALUES (9)', '39P01', 'regress_mallory'),
	('writing', 'rows made by a factory, of a table without a right', 'attempts_shop', NULL, 'SELECT relations.factory_create(''vault'', 1)', '42501', 'regress_mallory'),
	('writing', 'rows made by a factory, with one', 'attempts_shop', NULL, 'SELECT relations.factory_create(''users'', 1, ''{"merge": {"id": 99}, "with": ["vault"]}'')', '42501', 'regress_mallory'),
	('writing', 'parents that a factory takes', 'attempts_shop', NULL, 'SELECT count(*) FROM relations.factory_make(''posts'', 20, ''{"recycle": true}'') d WHERE d ->> ''user_id'' = ''3''', '(0)', 'regress_mallory'),
	('writing', 'an expression of SQL in a factory''s options', 'attempts_shop', NULL, 'SELECT relations.factory_make(''users'', 1, ''{"merge": {"name": {"sql": "(SELECT max(pin) FROM attempts_shop.vault)"}}}'')', '22023', 'regress_mallory'),
	('writing', 'an expression in a factory of one''s own', 'attempts_shop', 'SELECT relations.define_factory(''attempts_evil.mine'', ''{"title": {"sql": "(SELECT max(pin) FROM attempts_shop.vault)"}}'')', 'SELECT relations.factory_make(''attempts_evil.mine'', 1)', '42501', 'regress_mallory'),
	('writing', 'an expression that is more', 'attempts_shop', NULL, 'SELECT relations.define_factory(''attempts_evil.mine'', ''{"title": {"sql": "1) FROM attempts_shop.vault; SELECT (1"}}'')', '42601', 'regress_mallory'),
	('writing', 'an expression that ends early', 'attempts_shop', NULL, 'SELECT relations.define_factory(''attempts_evil.mine'', ''{"title": {"sql": "1 --"}}'') IS NOT NULL', '(t)', 'regress_mallory');

--
-- Declaring
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('declaring', 'on a table of another', 'attempts_shop', NULL, 'SELECT relations.has_many(''users'', ''x'', ''posts'')', '42501', 'regress_mallory'),
	('declaring', 'on a table of another, not enforced', 'attempts_shop', NULL, 'SELECT relations.has_many(''users'', ''x'', ''posts'', enforce => false)', '42501', 'regress_mallory'),
	('declaring', 'a scope on a table of another', 'attempts_shop', NULL, 'SELECT relations.has_one(''users'', ''x'', ''posts'', scope => ''{"order": ["id"]}'')', '42501', 'regress_mallory'),
	('declaring', 'a foreign key on a child of another', 'attempts_shop', NULL, 'SELECT relations.has_many(''attempts_evil.parent'', ''x'', ''posts'', foreign_key => ''id'')', '42501', 'regress_mallory'),
	('declaring', 'a column on a child of another', 'attempts_shop', NULL, 'SELECT relations.has_many(''attempts_evil.parent'', ''x'', ''posts'', add_column => true)', '42501', 'regress_mallory'),
	('declaring', 'a foreign key to a table of another', 'attempts_shop', NULL, 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''users'', foreign_key => ''user_id'')', '42501', 'regress_mallory'),
	('declaring', 'to a table without a right', 'attempts_shop', NULL, 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''vault'', foreign_key => ''user_id'', enforce => false)', '42501', 'regress_mallory'),
	('declaring', 'what it gives is what the tables give', 'attempts_shop', 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''users'', foreign_key => ''user_id'', enforce => false)', 'SELECT relations.find(''attempts_evil.mine'', 1, ''x'')', '("{""x"": {""id"": 1, ""name"": ""Ann"", ""hidden"": false}, ""id"": 1, ""title"": ""m"", ""user_id"": 1}")', 'regress_mallory'),
	('declaring', 'a counter on a table of another', 'attempts_shop', NULL, 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''posts'', foreign_key => ''user_id'', enforce => false, counter_cache => ''comments_count'')', '42501', 'regress_mallory'),
	('declaring', 'a time on a table of another', 'attempts_shop', NULL, 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''posts'', foreign_key => ''user_id'', enforce => false, touch => ''at'')', '42501', 'regress_mallory'),
	('declaring', 'a pivot of another', 'attempts_shop', NULL, 'SELECT relations.many_to_many(''attempts_evil.parent'', ''x'', ''tags'', ''attempts_shop.post_tag'', pivot_foreign_key => ''post_id'')', '42501', 'regress_mallory'),
	('declaring', 'a pivot without a right', 'attempts_shop', NULL, 'SELECT relations.many_to_many(''attempts_evil.parent'', ''x'', ''tags'', ''attempts_shop.vault'', pivot_foreign_key => ''id'', pivot_related_foreign_key => ''user_id'', enforce => false)', '42501', 'regress_mallory'),
	('declaring', 'a pivot in a schema of another', 'attempts_shop', NULL, 'SELECT relations.many_to_many(''attempts_evil.parent'', ''x'', ''attempts_evil.mine'', ''attempts_shop.p'')', '42501', 'regress_mallory'),
	('declaring', 'through a model without a right', 'attempts_shop', NULL, 'SELECT relations.has_many_through(''attempts_evil.mine'', ''x'', ''attempts_evil.parent'', ''vault'', foreign_key => ''user_id'', through_foreign_key => ''id'')', '42501', 'regress_mallory'),
	('declaring', 'a reference with a trigger on a table of another', 'attempts_shop', NULL, 'SELECT relations.morph_to(''attempts_evil.mine'', ''x'', ''["attempts_shop.users"]'', on_delete => ''set null'', add_column => true)', '42501', 'regress_mallory'),
	('declaring', 'a type for a reference of another', 'attempts_shop', NULL, 'SELECT relations.morph_many(''attempts_evil.parent'', ''x'', ''images'', ''owner'')', '42501', 'regress_mallory'),
	('declaring', 'dropping what is anothers', 'attempts_shop', NULL, 'SELECT relations.drop_relation(''users'', ''posts'', true)', '42501', 'regress_mallory'),
	('declaring', 'dropping what leads to one''s own', 'attempts_shop', NULL, 'SELECT relations.drop_relation(''users'', ''posts'')', '42501', 'regress_mallory'),
	('declaring', 'what a model shows', 'attempts_shop', NULL, 'SELECT relations.model(''users'', hidden => '''')', '42501', 'regress_mallory'),
	('declaring', 'what a model''s key is', 'attempts_shop', NULL, 'SELECT relations.model(''users'', primary_key => ''name'')', '42501', 'regress_mallory'),
	('declaring', 'a factory', 'attempts_shop', NULL, 'SELECT relations.define_factory(''users'', ''{"name": {"sql": "attempts_evil.as_other()"}}'')', '42501', 'regress_mallory'),
	('declaring', 'a state', 'attempts_shop', NULL, 'SELECT relations.define_state(''users'', ''s'', ''{}'')', '42501', 'regress_mallory'),
	('declaring', 'no factory', 'attempts_shop', NULL, 'SELECT relations.drop_factory(''users'')', '42501', 'regress_mallory'),
	('declaring', 'a counter, counted anew', 'attempts_shop', NULL, 'SELECT relations.recount(''comments'', ''post'')', '42501', 'regress_mallory'),
	('declaring', 'all that a schema implies', 'attempts_shop', NULL, 'SELECT relations.discover(''attempts_shop'', true)', '42501', 'regress_mallory'),
	('declaring', 'a lock that SELECT does not give', 'attempts_shop', 'SELECT relations.belongs_to(''attempts_evil.mine'', ''x'', ''tags'', foreign_key => ''user_id'', enforce => false)', 'SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = ''tags''::regclass', '(AccessShareLock)', 'regress_mallory'),
	('declaring', 'a view in a schema of another', 'attempts_shop', NULL, 'SELECT relations.create_view(''attempts_shop.v'', ''users'')', '42501', 'regress_mallory'),
	('declaring', 'a view of another, made anew', 'attempts_shop', NULL, 'SELECT relations.refresh_view(''users_graph'')', '42501', 'regress_mallory');

--
-- The catalog
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('the catalog', 'INSERT', 'attempts_shop', NULL, 'INSERT INTO relations.relation (model, relation, kind, related) VALUES (''users'', ''x'', ''has_one'', ''vault'')', '42501', 'regress_mallory'),
	('the catalog', 'UPDATE', 'attempts_shop', NULL, 'UPDATE relations.relation SET scope = NULL', '42501', 'regress_mallory'),
	('the catalog', 'DELETE', 'attempts_shop', NULL, 'DELETE FROM relations.model', '42501', 'regress_mallory'),
	('the catalog', 'TRUNCATE', 'attempts_shop', NULL, 'TRUNCATE relations.factory', '42501', 'regress_mallory'),
	('the catalog', 'MERGE by way of us', 'attempts_shop', NULL, 'SELECT relations.upsert(''relations.model'', ''{"model": "attempts_shop.users", "name": "x"}'', NULL)', '42501', 'regress_mallory'),
	('the catalog', 'create by way of us', 'attempts_shop', NULL, 'SELECT relations.create(''relations.graph_view'', ''{"view": "attempts_evil.parent", "model": "attempts_shop.users", "relations": []}'')', '42501', 'regress_mallory'),
	('the catalog', 'a trigger', 'attempts_shop', NULL, 'CREATE TRIGGER t BEFORE INSERT ON relations.relation FOR EACH ROW EXECUTE FUNCTION attempts_evil.spy()', '42501', 'regress_mallory'),
	('the catalog', 'a rule', 'attempts_shop', NULL, 'CREATE RULE r AS ON INSERT TO relations.relation DO ALSO SELECT attempts_evil.as_other()', '42501', 'regress_mallory'),
	('the catalog', 'an index of a function', 'attempts_shop', NULL, 'CREATE INDEX ON relations.relation (attempts_evil.as_other())', '42501', 'regress_mallory'),
	('the catalog', 'a policy', 'attempts_shop', NULL, 'ALTER TABLE relations.relation ENABLE ROW LEVEL SECURITY', '42501', 'regress_mallory'),
	('the catalog', 'a table in its place', 'attempts_shop', NULL, 'ALTER TABLE relations.relation RENAME TO r', '42501', 'regress_mallory'),
	('the catalog', 'a function beside ours', 'attempts_shop', NULL, 'CREATE FUNCTION relations.find(regclass, int) RETURNS jsonb LANGUAGE sql AS ''SELECT NULL''', '42501', 'regress_mallory'),
	('the catalog', 'a lock', 'attempts_shop', NULL, 'LOCK TABLE relations.relation IN SHARE MODE', '42501', 'regress_mallory'),
	('the catalog', 'the extension', 'attempts_shop', NULL, 'DROP EXTENSION relations CASCADE', '42501', 'regress_mallory'),
	('the catalog', 'an event trigger, called', 'attempts_shop', NULL, 'SELECT relations.follow_drop()', '39P03', 'regress_mallory'),
	('the catalog', 'a trigger, called', 'attempts_shop', NULL, 'SELECT relations.counter_rows()', '39P01', 'regress_mallory'),
	('the catalog', 'the catalog''s trigger on a table', 'attempts_shop', NULL, 'CREATE TRIGGER c AFTER INSERT ON attempts_evil.mine EXECUTE FUNCTION relations.catalog_changed()', '42501', 'regress_mallory'),
	('the catalog', 'counting on a table that nothing is said of', 'attempts_shop', 'CREATE TRIGGER c AFTER INSERT ON attempts_evil.mine REFERENCING NEW TABLE AS relations_new FOR EACH STATEMENT EXECUTE FUNCTION relations.counter_rows()', 'INSERT INTO attempts_evil.mine VALUES (9, 1, ''x'')', 'done', 'regress_mallory'),
	('the catalog', 'actions on a table that nothing is said of', 'attempts_shop', 'CREATE TRIGGER c AFTER DELETE ON attempts_evil.mine FOR EACH ROW EXECUTE FUNCTION relations.morph_action()', 'DELETE FROM attempts_evil.mine', 'done', 'regress_mallory'),
	('the catalog', 'a limit, lifted', 'attempts_shop', NULL, 'SET relations.max_rows = 0', '42501', 'regress_mallory'),
	('the catalog', 'triggers, switched off', 'attempts_shop', NULL, 'SET session_replication_role = replica', '42501', 'regress_mallory');

--
-- Types and names of one's own
--
INSERT INTO attempts (area, what, path, before, statement, expected, role) VALUES
	('types and names of one''s own', 'a domain that runs as another', 'attempts_shop', 'CREATE DOMAIN attempts_evil.d1 AS int CHECK (attempts_evil.as_other() IS NOT NULL); CREATE TABLE attempts_evil.d (id int PRIMARY KEY, up attempts_evil.d1 REFERENCES attempts_evil.d); SELECT relations.has_many(''attempts_evil.d'', ''r'', ''attempts_evil.d'', foreign_key => ''up''); INSERT INTO attempts_evil.d VALUES (1, NULL), (2, 1); ALTER TABLE attempts_evil.d RENAME up TO upper', 'DROP TABLE attempts_evil.d', 'done', 'regress_mallory'),
	('types and names of one''s own', 'a default that runs as another', 'attempts_shop', 'ALTER TABLE attempts_evil.mine ADD z text DEFAULT attempts_evil.as_other(); SELECT relations.has_many(''attempts_evil.parent'', ''mine'', ''attempts_evil.mine'', foreign_key => ''user_id'')', 'ALTER TABLE attempts_evil.mine DROP COLUMN z', 'done', 'regress_mallory'),
	('types and names of one''s own', 'a cast of one''s own to our key', 'attempts_shop', 'CREATE TYPE attempts_evil.pair AS (a int, b text); CREATE FUNCTION attempts_evil.k(attempts_evil.pair) RETURNS relations.key LANGUAGE sql AS ''SELECT ''''3''''::relations.key''; CREATE CAST (attempts_evil.pair AS relations.key) WITH FUNCTION attempts_evil.k AS IMPLICIT', 'SELECT relations.find(''users'', ROW(1, ''x'')::attempts_evil.pair)', '()', 'regress_mallory'),
	('types and names of one''s own', 'our casts change no call of others', 'attempts_shop', 'CREATE FUNCTION attempts_evil.f(bigint) RETURNS text LANGUAGE sql AS ''SELECT ''''bigint''''''', 'SELECT attempts_evil.f(1)', '(bigint)', 'regress_mallory'),
	('types and names of one''s own', 'our casts make no operator fit', 'attempts_shop', NULL, 'SELECT 1 = ''x''::text', '42883', 'regress_mallory'),
	('types and names of one''s own', 'our casts make no function fit', 'attempts_shop', NULL, 'SELECT upper(1)', '42883', 'regress_mallory');

--
-- They are made, and once more: now with plans that are kept
--
SELECT area, count(*) AS attempts FROM attempts GROUP BY area ORDER BY min(no);
CREATE TEMP TABLE verdicts AS SELECT a.*, v.* FROM attempts a, LATERAL run(a) v;
SELECT no, area, what, verdict FROM verdicts WHERE verdict <> '' ORDER BY no;
SELECT no, area, what, verdict FROM attempts a, LATERAL run(a) WHERE verdict <> '' ORDER BY no;

DROP SCHEMA attempts, attempts_evil, attempts_private, attempts_shop CASCADE;
DROP ROLE regress_alice, regress_mallory;
