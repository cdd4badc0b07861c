--
-- Cached statements follow operators and types into another schema
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA moved;
CREATE SCHEMA moved_types;
CREATE SCHEMA moved_too;
SET search_path = moved;
-- a type with its operators, as an extension brings them
CREATE TYPE moved_types.code;
CREATE FUNCTION moved_types.code_in(cstring) RETURNS moved_types.code LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION moved_types.code_out(moved_types.code) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE moved_types.code (INPUT = moved_types.code_in, OUTPUT = moved_types.code_out, LIKE = text, COLLATABLE = true);
CREATE FUNCTION moved_types.code_cmp(moved_types.code, moved_types.code) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'bttextcmp';
DO $$
DECLARE op text; BEGIN
	FOREACH op IN ARRAY ARRAY['lt', 'le', 'eq', 'ge', 'gt', 'ne'] LOOP
		EXECUTE format('CREATE FUNCTION moved_types.code_%1$s(moved_types.code, moved_types.code) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS ''text%2$s''',
			op, CASE WHEN op IN ('eq', 'ne') THEN op ELSE '_' || op END);
	END LOOP;
END $$;
CREATE OPERATOR moved_types.< (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_lt);
CREATE OPERATOR moved_types.<= (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_le);
CREATE OPERATOR moved_types.= (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_eq);
CREATE OPERATOR moved_types.>= (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_ge);
CREATE OPERATOR moved_types.> (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_gt);
CREATE OPERATOR moved_types.<> (LEFTARG = moved_types.code, RIGHTARG = moved_types.code, FUNCTION = moved_types.code_ne);
CREATE OPERATOR CLASS moved_types.code_ops DEFAULT FOR TYPE moved_types.code USING btree AS
	OPERATOR 1 moved_types.<, OPERATOR 2 moved_types.<=, OPERATOR 3 moved_types.=, OPERATOR 4 moved_types.>=, OPERATOR 5 moved_types.>,
	FUNCTION 1 moved_types.code_cmp(moved_types.code, moved_types.code);

CREATE TABLE users (code moved_types.code PRIMARY KEY, posts_count int NOT NULL DEFAULT 0);
CREATE TABLE posts (id int PRIMARY KEY, user_code moved_types.code, title moved_types.code);
CREATE TABLE tags (code moved_types.code PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id moved_types.code);
SELECT kind FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_code', scope => '{"order": ["title"]}');
SELECT kind FROM relations.belongs_to('posts', 'user', 'users', foreign_key => 'user_code', counter_cache => 'posts_count');
SELECT kind FROM relations.many_to_many('users', 'tags', 'tags');
SELECT kind FROM relations.morph_to('notes', 'about', '{"user": "users", "tag": "tags"}', on_update => 'cascade', on_delete => 'cascade');
SELECT kind FROM relations.morph_many('users', 'notes', 'notes', 'about', type => 'user');
INSERT INTO users VALUES ('a'), ('b');
INSERT INTO tags VALUES ('x'), ('y');
INSERT INTO posts VALUES (1, 'a', 't'), (2, 'a', 'u'), (3, 'b', 'v');
-- one statement of each cache: reads, writes, counters, actions of polymorphic references, factories
\set use 'SELECT relations.find(''users'', ''a'', ''posts'', ''tags'', ''notes'') AS found; SELECT relations.query(''posts'', ''{"select": ["id"], "where": {"title": {"gt": "t"}}, "order": ["-title"]}''); SELECT relations.update(''users'', ''a'', ''{"posts": {"$update": [{"where": 1, "data": {"title": "z"}}]}}'') ->> ''code'' AS updated; SELECT relations.sync(''users'', ''a'', ''tags'', ''["x"]''); SELECT relations.first_or_create_related(''users'', ''a'', ''posts'', ''{"title": "u"}'', ''{"id": 5}'') ->> ''id'' AS first; BEGIN; INSERT INTO users VALUES (''c''); INSERT INTO notes VALUES (7, ''user'', ''c''); INSERT INTO posts VALUES (9, ''a'', ''q''); UPDATE users SET code = ''d'' WHERE code::text = ''c''; SELECT about_id FROM notes; SELECT code, posts_count FROM users WHERE posts_count > 2; SELECT count(*) FROM relations.factory_create(''posts'', 1, ''{"merge": {"user_code": "a", "title": "m"}}''); ROLLBACK;'
:use
ALTER OPERATOR moved_types.= (moved_types.code, moved_types.code) SET SCHEMA moved_too;
ALTER OPERATOR moved_types.> (moved_types.code, moved_types.code) SET SCHEMA moved_too;
:use
ALTER TYPE moved_types.code SET SCHEMA moved_too;
:use
ALTER FUNCTION moved_types.code_eq SET SCHEMA moved_too;
ALTER FUNCTION moved_types.code_in SET SCHEMA moved_too;
:use
ALTER SCHEMA moved_too RENAME TO moved_again;
:use
ALTER TYPE moved_again.code RENAME TO token;
:use
DROP SCHEMA moved, moved_types, moved_again CASCADE;
