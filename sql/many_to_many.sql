--
-- many_to_many: the pivot table found, made, completed, dropped
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA many;
CREATE SCHEMA elsewhere;
SET search_path = many;
CREATE VIEW registered AS
SELECT model, relation, pivot_table::text AS pivot, pivot_foreign_key AS own, local_key AS key,
	pivot_related_foreign_key AS other, related_key AS other_key, enforce AS e,
	created_table AS t, created_constraint AS made, created_related_constraint AS made_too, created_index AS index, created_second_index AS second
FROM relations.relation WHERE kind = 'many_to_many' ORDER BY model::text, relation::text;

--
-- Created
--
CREATE TABLE users (id int PRIMARY KEY, email varchar(30) COLLATE "C" UNIQUE);
CREATE TABLE roles (id bigint PRIMARY KEY, name text);
SELECT kind, pivot_columns, pivot_timestamps, created_table, created_columns
FROM relations.many_to_many('users', 'roles', 'roles', pivot_columns => 'level, "Granted By"', pivot_timestamps => true);
\d role_user
-- by a key that is not the primary key; in another schema; with every option
SELECT pivot_table, local_key, pivot_foreign_key, related_key, pivot_related_foreign_key
FROM relations.many_to_many('users', 'badges', 'roles', pivot_table => 'elsewhere."Badges"', local_key => 'email',
	pivot_foreign_key => 'holder', pivot_related_foreign_key => '"roleId"',
	on_delete => 'no action', on_update => 'cascade', defer => 'initially deferred', validate => false);
\d elsewhere."Badges"
-- the inverse finds it, and makes nothing
SELECT kind FROM relations.many_to_many('roles', 'users', 'users');
-- a self reference: the relation's name names the other column
SELECT kind FROM relations.many_to_many('users', 'friends', 'users');
SELECT kind FROM relations.many_to_many('users', 'friend_of', 'users', pivot_foreign_key => 'friend_id');
\d user_user
SELECT * FROM registered;
SELECT * FROM relations.ddl('users', 'roles');
SELECT * FROM relations.ddl('roles', 'users');
SELECT * FROM relations.ddl('users', 'badges');
-- composite keys, of which the pivot shares a column
CREATE TABLE authors (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE books (tenant int, isbn char(13), PRIMARY KEY (tenant, isbn));
SELECT kind FROM relations.many_to_many('authors', 'books', 'books');
\d author_book
SELECT relations.drop_relation('authors', 'books', drop_constraint => true);
SELECT kind FROM relations.many_to_many('authors', 'books', 'books', pivot_foreign_key => 'tenant, author_id', pivot_related_foreign_key => 'tenant, isbn');
\d author_book
-- tables that do not outlive a crash, or the session
CREATE UNLOGGED TABLE hot (id int PRIMARY KEY);
SELECT kind FROM relations.many_to_many('users', 'hot', 'hot');
SELECT relpersistence FROM pg_class WHERE oid = 'hot_user'::regclass;
CREATE TEMP TABLE mine (id int PRIMARY KEY);
CREATE TEMP TABLE yours (id int PRIMARY KEY);
SELECT kind, pivot_table FROM relations.many_to_many('mine', 'yours', 'yours');
SELECT relpersistence FROM pg_class WHERE oid = 'mine_your'::regclass;
DROP TABLE mine, yours CASCADE;

--
-- Read back, and compared with SQL
--
INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO roles VALUES (1, 'one'), (2, 'two');
INSERT INTO role_user (user_id, role_id, level, created_at, updated_at)
VALUES (1, 1, 'low', '2024-01-01', '2024-01-02'), (1, 2, 'high', '2024-01-03', '2024-01-03'), (2, 1, NULL, '2024-01-04', '2024-01-04');
INSERT INTO user_user VALUES (1, 2), (2, 1), (1, 3);
INSERT INTO authors VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO books VALUES (1, 'x'), (2, 'x');
INSERT INTO author_book VALUES (1, 1, 'x'), (2, 1, 'x');
SELECT relations.preload('users', 'roles', 'friends', 'friend_of');
SELECT count(*) AS rows, count(*) FILTER (WHERE p = to_jsonb(u) || jsonb_build_object('roles', (
	SELECT COALESCE(jsonb_agg(to_jsonb(r) || jsonb_build_object('pivot', jsonb_build_object('level', ru.level,
		'Granted By', ru."Granted By", 'created_at', ru.created_at, 'updated_at', ru.updated_at)) ORDER BY r.id), '[]')
	FROM role_user ru JOIN roles r ON r.id = ru.role_id WHERE ru.user_id = u.id), 'friends', (
	SELECT COALESCE(jsonb_agg(f ORDER BY f.id), '[]') FROM user_user uu JOIN users f ON f.id = uu.friend_id WHERE uu.user_id = u.id))) AS equal
FROM users u, relations.find('users', u.id, 'roles', 'friends') p;
SELECT count(*) AS rows, count(*) FILTER (WHERE p = to_jsonb(a) || jsonb_build_object('books', (
	SELECT COALESCE(jsonb_agg(b ORDER BY b.tenant, b.isbn), '[]') FROM author_book ab JOIN books b USING (tenant, isbn)
	WHERE (ab.tenant, ab.author_id) = (a.tenant, a.id)))) AS equal
FROM authors a, relations.find('authors', a::text, 'books') p;

--
-- Dropped: what others use is theirs, what holds data stays
--
SELECT relations.drop_relation('users', 'roles', drop_constraint => true);
SELECT * FROM registered WHERE pivot = 'role_user';
SELECT relations.drop_relation('roles', 'users', drop_constraint => true);
\d role_user
-- declared again it is a table like any other: its primary key and timestamps will do
SELECT created_table, created_columns, created_index, created_second_index FROM relations.many_to_many('users', 'roles', 'roles', pivot_timestamps => true);
SELECT relations.drop_relation('users', 'roles', drop_constraint => true);
-- without its constraints dropped, nobody keeps count of it
SELECT relations.drop_relation('users', 'friends');
SELECT * FROM registered WHERE pivot = 'user_user';
DELETE FROM user_user;
SELECT relations.drop_relation('users', 'friend_of', drop_constraint => true);
SELECT to_regclass('user_user');
SELECT relations.drop_relation('users', 'badges', drop_constraint => true);
SELECT to_regclass('elsewhere."Badges"');
-- empty, but another relation leads to it
SELECT kind FROM relations.has_many('users', 'heat', 'hot_user');
SELECT relations.drop_relation('users', 'hot', drop_constraint => true);
SELECT created_constraint, created_index FROM relations.relation WHERE relation = 'heat';
\d hot_user
SELECT relations.drop_relation('users', 'heat', drop_constraint => true);
\d hot_user
DROP TABLE hot_user, role_user, author_book;

--
-- Found
--
CREATE TABLE memberships (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, member int REFERENCES users ON DELETE CASCADE, role bigint REFERENCES roles, note text,
	since date DEFAULT now());
SELECT kind, pivot_columns FROM relations.many_to_many('users', 'roles', 'roles', pivot_columns => 'since', pivot_timestamps => true);
\d memberships
SELECT created_columns FROM relations.relation WHERE relation = 'roles';
SELECT * FROM relations.ddl('users', 'roles');
SELECT * FROM registered;
SELECT relations.drop_relation('users', 'roles', drop_constraint => true);
\d memberships
-- a table that wants more is no pivot
CREATE TABLE grants (user_id int REFERENCES users, role_id int REFERENCES roles, reason text NOT NULL);
SELECT pivot_table FROM relations.many_to_many('users', 'roles', 'roles');
SELECT relations.drop_relation('users', 'roles');
-- but may be named, and need not have a key: rows that stand there twice are listed twice
SELECT created_index, created_second_index FROM relations.many_to_many('users', 'granted', 'roles', pivot_table => 'grants', scope => '{"order": ["-id"]}');
INSERT INTO grants VALUES (1, 1, 'a'), (1, 1, 'b'), (1, 2, 'c'), (NULL, 1, 'd'), (3, NULL, 'e');
SELECT relations.preload('users', 'granted');
-- two that can be
CREATE TABLE role_user (user_id int REFERENCES users, role_id int REFERENCES roles);
SELECT pivot_table FROM relations.many_to_many('users', 'roles', 'roles');
ALTER TABLE role_user RENAME TO user_roles;
SELECT pivot_table FROM relations.many_to_many('users', 'others', 'roles');
SELECT pivot_table FROM relations.many_to_many('users', 'others', 'roles', pivot_table => 'memberships');
-- no constraint at all: by convention, and constraints are made
CREATE TABLE book_user (user_id int, book_tenant int, book_isbn char(13), PRIMARY KEY (user_id, book_tenant, book_isbn));
SELECT kind FROM relations.many_to_many('users', 'books', 'books', on_delete => 'cascade');
\d book_user
SELECT relations.drop_relation('users', 'books', drop_constraint => true);
SELECT enforce, constraint_name, created_index FROM relations.many_to_many('users', 'books', 'books', enforce => false);
SELECT count(*) AS statements FROM relations.ddl('users', 'books');
-- a view, registered only
CREATE VIEW reader AS SELECT user_id, book_tenant, book_isbn FROM book_user;
SELECT pivot_table FROM relations.many_to_many('users', 'read', 'books', pivot_table => 'reader', enforce => false);
-- self references: found by name, by what is left, by constraint
CREATE TABLE follows (follower_id int REFERENCES users, followed_id int REFERENCES users, PRIMARY KEY (follower_id, followed_id));
SELECT pivot_foreign_key, pivot_related_foreign_key FROM relations.many_to_many('users', 'followers', 'users', pivot_table => 'follows', pivot_foreign_key => 'followed_id');
SELECT pivot_foreign_key, pivot_related_foreign_key FROM relations.many_to_many('users', 'following', 'users', pivot_related_foreign_key => 'followed_id');
CREATE TABLE blocks (user_id int, enemy_id int REFERENCES users);
SELECT pivot_foreign_key, pivot_related_foreign_key, created_constraint, created_related_constraint
FROM relations.many_to_many('users', 'enemies', 'users', pivot_table => 'blocks');
-- a relation named after a model with another singular
SELECT name FROM relations.model('users', name => 'person');
CREATE TABLE person_roll (person_id int, roll_id int);
CREATE TABLE rolls (id int PRIMARY KEY);
SELECT pivot_table, pivot_foreign_key FROM relations.many_to_many('users', 'rolls', 'rolls');
SELECT name FROM relations.model('users', name => '');

--
-- What is refused
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
CREATE TABLE tags (id int PRIMARY KEY, pivot int);
CREATE TABLE keyless (id int);
CREATE VIEW seen AS SELECT * FROM users;
CREATE TABLE twice (user_id int REFERENCES users, giver_id int REFERENCES users, tag_id int REFERENCES tags);
CREATE SEQUENCE numbers;
CREATE TEMP TABLE passing (user_id int, tag_id int);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.many_to_many(NULL, 'tags', 'tags')$$,
	$$SELECT relations.many_to_many('users', NULL, 'tags')$$,
	$$SELECT relations.many_to_many('users', 'tags', NULL)$$,
	$$SELECT relations.many_to_many('users', 'email', 'tags')$$,
	$$SELECT relations.many_to_many('users', 'books', 'books')$$,
	$$SELECT relations.many_to_many('users', 'others', 'roles', pivot_table => 'a.b.c')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => '')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'nowhere.tags')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'numbers')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'pg_temp.passing')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', enforce => false, pivot_table => 'tagged')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', enforce => false, on_delete => 'cascade')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', on_delete => 'set null')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', on_update => 'set default')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', local_key => 'mail')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', related_key => 'idd')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', related_key => 'pivot')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', pivot_foreign_key => 'a, b')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', pivot_foreign_key => 'a', pivot_related_foreign_key => 'a')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'tagged', pivot_columns => 'x')$$,
	$$SELECT relations.many_to_many('users', 'keys', 'keyless')$$,
	$$SELECT relations.many_to_many('users', 'seen', 'seen', related_key => 'id')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'reader')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'blocks')$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'memberships', pivot_related_foreign_key => 'rolle')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags', pivot_table => 'grants')$$,
	$$SELECT relations.many_to_many('users', 'mates', 'users', pivot_table => 'grants')$$,
	$$SELECT relations.many_to_many('users', 'tags', 'tags')$$,
	$$SELECT relations.many_to_many('users', 'mates', 'users', pivot_table => 'follows')$$,
	$$SELECT relations.many_to_many('users', 'mates', 'users', pivot_table => 'blocks', pivot_foreign_key => 'user_id', pivot_related_foreign_key => 'user_id')$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'memberships', pivot_columns => 'sinze')$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'user_roles', pivot_timestamps => true, enforce => false)$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'memberships', on_delete => 'restrict')$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'memberships', defer => 'initially deferred')$$,
	$$SELECT relations.many_to_many('users', 'others2', 'roles', pivot_table => 'memberships', scope => '{"where": {"nam": 1}}')$$]) s;
SELECT count(*) AS made FROM pg_class WHERE relname = 'tagged';

--
-- Rights
--
CREATE ROLE regress_relations_owner;
CREATE ROLE regress_relations_other;
GRANT USAGE ON SCHEMA many TO regress_relations_owner, regress_relations_other;
GRANT EXECUTE ON FUNCTION refused TO PUBLIC;
CREATE TABLE groups (id int PRIMARY KEY);
CREATE TABLE people (id int PRIMARY KEY);
ALTER TABLE people OWNER TO regress_relations_owner;
CREATE TABLE theirs (person_id int, group_id int);
SET ROLE regress_relations_owner;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.many_to_many('groups', 'people', 'people')$$,
	$$SELECT relations.many_to_many('people', 'groups', 'groups')$$]) s;
RESET ROLE;
GRANT SELECT ON groups TO regress_relations_owner;
SET ROLE regress_relations_owner;
-- no right to create a table, none on the pivot, none to refer to the other side
SELECT refused($$SELECT relations.many_to_many('people', 'groups', 'groups')$$);
SELECT refused($$SELECT relations.many_to_many('people', 'groups', 'groups', pivot_table => 'theirs')$$);
RESET ROLE;
GRANT SELECT ON theirs TO regress_relations_owner;
GRANT CREATE ON SCHEMA many TO regress_relations_owner;
SET ROLE regress_relations_owner;
SELECT refused($$SELECT relations.many_to_many('people', 'groups', 'groups', pivot_table => 'theirs')$$);
SELECT refused($$SELECT relations.many_to_many('people', 'groups', 'groups', pivot_table => 'theirs', enforce => false, pivot_timestamps => true)$$);
SELECT refused($$SELECT relations.many_to_many('people', 'groups', 'groups')$$);
RESET ROLE;
GRANT REFERENCES ON groups TO regress_relations_owner;
SET ROLE regress_relations_owner;
SELECT created_table, enforce FROM relations.many_to_many('people', 'groups', 'groups');
SELECT created_table, enforce FROM relations.many_to_many('people', 'loose', 'groups', pivot_table => 'theirs', enforce => false);
RESET ROLE;
SELECT tableowner FROM pg_tables WHERE tablename = 'group_person';
SET client_min_messages = warning;
DROP SCHEMA many, elsewhere CASCADE;
DROP ROLE regress_relations_owner, regress_relations_other;
