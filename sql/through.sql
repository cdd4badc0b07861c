--
-- has_one_through, has_many_through: each combination of steps
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE SCHEMA through;
SET search_path = through;
CREATE TABLE countries (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE users (id int PRIMARY KEY, country_id int REFERENCES countries, boss_id int REFERENCES users, favourite int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, at date);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users);
CREATE TABLE roles (id int PRIMARY KEY);
CREATE TABLE role_user (user_id int REFERENCES users, role_id int REFERENCES roles);
INSERT INTO countries VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO users VALUES (1, 1, NULL), (2, 1, 1), (3, 2, 1), (4, NULL, 2), (5, 2, 4);
INSERT INTO posts SELECT i, NULLIF(i % 5, 0), date '2024-01-01' + i FROM generate_series(1, 12) i;
INSERT INTO profiles VALUES (1, 1), (2, 3), (3, NULL);
INSERT INTO roles VALUES (1), (2), (3);
INSERT INTO role_user VALUES (1, 1), (1, 2), (2, 1), (1, 1), (NULL, 2), (3, NULL);
CREATE VIEW registered AS
SELECT relation, foreign_key AS fk, local_key AS lk, through_foreign_key AS through_fk, through_local_key AS through_lk, steps, enforce,
	constraint_name AS first, related_constraint_name AS second
FROM relations.relation WHERE through IS NOT NULL ORDER BY relation::text COLLATE "C";

--
-- The steps, found by the foreign keys
--
SELECT * FROM relations.has_many_through('countries', 'posts', 'posts', 'users') \gx
SELECT kind FROM relations.has_one_through('posts', 'country', 'countries', 'users');
SELECT kind FROM relations.has_one_through('posts', 'profile', 'profiles', 'users');
SELECT kind FROM relations.has_many_through('users', 'roles', 'roles', 'role_user');
SELECT kind FROM relations.has_one_through('countries', 'latest', 'posts', 'users', scope => '{"order": ["-at"]}');
SELECT kind FROM relations.has_many_through('countries', 'two', 'posts', 'users', scope => '{"order": ["-id"], "limit": 2, "where": {"id": {"gt": 2}}}');
-- between a table and itself: to-many goes down, to-one goes up, and steps say what is wanted else
SELECT kind FROM relations.has_many_through('users', 'grand_team', 'users', 'users', foreign_key => 'boss_id', through_foreign_key => 'boss_id');
SELECT kind FROM relations.has_one_through('users', 'grand_boss', 'users', 'users', foreign_key => 'boss_id', through_foreign_key => 'boss_id');
SELECT kind FROM relations.has_many_through('users', 'peers', 'users', 'users', foreign_key => 'boss_id', through_foreign_key => 'boss_id', steps => 'belongs_to, has_many');
SELECT * FROM registered;
SELECT * FROM relations.ddl('countries', 'posts');
SELECT * FROM relations.ddl('users', 'peers');
SELECT relations.find('posts', 1, 'country', 'profile');
SELECT relations.find('posts', 4, 'country', 'profile');
SELECT relations.preload('users', 'roles', 'grand_team', 'grand_boss', 'peers');
SELECT relations.preload('countries', 'latest', 'two');
-- as hand-written SQL gives it; a row that is reached by two ways is listed once a way
SELECT count(*) AS rows, count(*) FILTER (WHERE relations.find('countries', c.id, 'posts') = to_jsonb(c) || jsonb_build_object('posts', (
	SELECT COALESCE(jsonb_agg(p ORDER BY p.id), '[]') FROM users u JOIN posts p ON p.user_id = u.id WHERE u.country_id = c.id))) AS equal
FROM countries c;
SELECT count(*) AS rows, count(*) FILTER (WHERE relations.find('users', u.id, 'roles', 'grand_team', 'peers') = to_jsonb(u) || jsonb_build_object('roles', (
	SELECT COALESCE(jsonb_agg(r ORDER BY r.id), '[]') FROM role_user ru JOIN roles r ON r.id = ru.role_id WHERE ru.user_id = u.id), 'grand_team', (
	SELECT COALESCE(jsonb_agg(g ORDER BY g.id), '[]') FROM users t JOIN users g ON g.boss_id = t.id WHERE t.boss_id = u.id), 'peers', (
	SELECT COALESCE(jsonb_agg(p ORDER BY p.id), '[]') FROM users b JOIN users p ON p.boss_id = b.id WHERE b.id = u.boss_id))) AS equal
FROM users u;

--
-- By what was said, and by convention
--
CREATE TABLE cities (id int PRIMARY KEY, country text, country_id int);
CREATE TABLE streets (id int PRIMARY KEY, city_id int);
CREATE TABLE mayors (id int PRIMARY KEY, name text);
ALTER TABLE cities ADD mayor_id int;
INSERT INTO cities VALUES (1, 'a', 2, 1), (2, 'a', NULL, 2), (3, 'b', 1, 1);
INSERT INTO streets VALUES (1, 1), (2, 1), (3, 3);
INSERT INTO mayors VALUES (1, 'm'), (2, 'n');
SELECT kind FROM relations.has_many_through('countries', 'streets', 'streets', 'cities');
SELECT kind FROM relations.has_many_through('countries', 'by_code', 'streets', 'cities', foreign_key => 'country', local_key => 'code');
SELECT kind FROM relations.has_many_through('countries', 'mayors', 'mayors', 'cities', local_key => 'code', foreign_key => 'country');
SELECT kind FROM relations.has_one_through('streets', 'of', 'countries', 'cities');
-- a column of that name on both sides: the side with the foreign key
CREATE TABLE both_a (id int PRIMARY KEY, x int);
CREATE TABLE both_b (id int PRIMARY KEY, x int);
CREATE TABLE both_c (id int PRIMARY KEY, x int REFERENCES both_b);
ALTER TABLE both_a ADD FOREIGN KEY (x) REFERENCES both_b;
SELECT kind FROM relations.has_many_through('both_a', 'cs', 'both_c', 'both_b', foreign_key => 'x', through_foreign_key => 'x');
-- and without one the far side
SELECT kind FROM relations.has_many_through('both_c', 'as', 'both_a', 'roles', foreign_key => 'id', local_key => 'x', through_foreign_key => 'x');
SELECT * FROM registered WHERE relation IN ('streets', 'by_code', 'mayors', 'of', 'cs', 'as');
SELECT relations.find('countries', 1, 'streets', 'by_code', 'mayors');
SELECT relations.find('streets', 1, 'of');
SELECT count(*) AS statements FROM relations.ddl('countries', 'streets');
-- foreign keys in both directions: one is picked by what is said
ALTER TABLE users ADD FOREIGN KEY (favourite) REFERENCES posts;
SELECT steps FROM relations.has_many_through('countries', 'favourites', 'posts', 'users', through_foreign_key => 'favourite');
SELECT steps FROM relations.has_many_through('countries', 'written', 'posts', 'users', through_foreign_key => 'user_id');
-- composite keys; a view
CREATE TABLE regions (tenant int, id int, PRIMARY KEY (tenant, id));
CREATE TABLE shops (tenant int, no int, region int, PRIMARY KEY (tenant, no), FOREIGN KEY (tenant, region) REFERENCES regions);
CREATE TABLE sales (id int PRIMARY KEY, tenant int, shop int, FOREIGN KEY (shop, tenant) REFERENCES shops (no, tenant));
INSERT INTO regions VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO shops VALUES (1, 1, 1), (1, 2, 1), (1, 3, 2), (2, 1, 1);
INSERT INTO sales VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, NULL, 1), (5, 1, 3);
SELECT foreign_key, local_key, through_foreign_key, through_local_key FROM relations.has_many_through('regions', 'sales', 'sales', 'shops');
SELECT foreign_key, steps FROM relations.has_one_through('sales', 'region', 'regions', 'shops');
SELECT count(*) AS rows, count(*) FILTER (WHERE relations.find('regions', r::text, 'sales') = to_jsonb(r) || jsonb_build_object('sales', (
	SELECT COALESCE(jsonb_agg(s ORDER BY s.id), '[]') FROM shops h JOIN sales s ON (s.tenant, s.shop) = (h.tenant, h.no)
	WHERE (h.tenant, h.region) = (r.tenant, r.id)))) AS equal
FROM regions r;
CREATE VIEW writers AS SELECT * FROM users WHERE id < 3;
SELECT enforce, steps FROM relations.has_many_through('countries', 'written_by_some', 'posts', 'writers', foreign_key => 'country_id', through_foreign_key => 'user_id', through_local_key => 'id');
SELECT relations.find('countries', 1, 'written_by_some');

--
-- Nothing is created, but what is inherited is kept while it is used
--
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE players (id int PRIMARY KEY, team_id int);
CREATE TABLE goals (id int PRIMARY KEY, player_id int);
SELECT created_constraint, created_index FROM relations.has_many('teams', 'players', 'players');
SELECT created_constraint, created_index FROM relations.has_many('players', 'goals', 'goals');
SELECT created_constraint, created_related_constraint, created_index, created_second_index FROM relations.has_many_through('teams', 'goals', 'goals', 'players');
SELECT relations.drop_relation('teams', 'players', drop_constraint => true);
SELECT relations.drop_relation('players', 'goals', drop_constraint => true);
SELECT enforce, created_constraint, created_related_constraint, created_index, created_second_index FROM relations.relation WHERE relation = 'goals';
\d players
SELECT relations.drop_relation('teams', 'goals', drop_constraint => true);
\d players
\d goals

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
CREATE TABLE islands (id int PRIMARY KEY);
CREATE TABLE letters (id int PRIMARY KEY, sender int REFERENCES users, receiver int REFERENCES users, country text);
CREATE TABLE keyless (user_id int);
CREATE TEMP TABLE passing (id int PRIMARY KEY, country_id int);
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.has_many_through(NULL, 'a', 'posts', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', NULL)$$,
	$$SELECT relations.has_many_through('countries', 'code', 'posts', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'posts', 'posts', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users_pkey')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'passing')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'letters', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'islands', 'users')$$,
	$$SELECT relations.has_many_through('islands', 'a', 'posts', 'users')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', foreign_key => 'countri_id')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', foreign_key => 'country_id', local_key => 'kode')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', foreign_key => 'country_id', local_key => 'boss_id')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', foreign_key => 'country_id, id', local_key => 'id', through_foreign_key => 'user_id')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', foreign_key => 'country_id', local_key => 'code', through_foreign_key => 'user_id')$$,
	$$SELECT relations.has_many_through('users', 'a', 'users', 'users', foreign_key => 'id', through_foreign_key => 'boss_id')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', steps => 'has_many')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', steps => 'has_many, has_some')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', steps => 'has_many, has_many, has_many')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', steps => 'belongs_to, has_many')$$,
	$$SELECT relations.has_many_through('countries', 'a', 'posts', 'users', through_foreign_key => 'user_id', scope => '{"where": {"idd": 1}}')$$]) s;
CREATE ROLE regress_relations_other;
GRANT USAGE ON SCHEMA through TO regress_relations_other;
CREATE TABLE owned (id int PRIMARY KEY);
ALTER TABLE owned OWNER TO regress_relations_other;
GRANT SELECT ON posts TO regress_relations_other;
SET ROLE regress_relations_other;
SELECT relations.has_many_through('countries', 'a', 'posts', 'users');
SELECT relations.has_many_through('owned', 'a', 'posts', 'users', foreign_key => 'id', through_foreign_key => 'user_id');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA through CASCADE;
DROP ROLE regress_relations_other;
