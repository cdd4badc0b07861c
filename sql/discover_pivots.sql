--
-- many_to_many: tables that are two foreign keys and nothing that must be filled
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA pivots;
SET search_path = pivots;
CREATE TABLE playlist (playlist_id int PRIMARY KEY, name text);
CREATE TABLE track (track_id int PRIMARY KEY, name text);
CREATE TABLE playlist_track (playlist_id int REFERENCES playlist, track_id int REFERENCES track, PRIMARY KEY (playlist_id, track_id));
CREATE FUNCTION ways(schema text DEFAULT 'pivots') RETURNS TABLE (model regclass, relation name, related regclass, pivot_table regclass,
	local_key name[], pivot_foreign_key name[], pivot_related_foreign_key name[], related_key name[])
	LANGUAGE sql AS $$
SELECT model, relation, related, pivot_table, local_key, pivot_foreign_key, pivot_related_foreign_key, related_key
FROM relations.discover(schema) WHERE kind = 'many_to_many' $$;
-- beside what each foreign key implies
SELECT model, relation, kind, related, foreign_key FROM relations.discover('pivots');
\x on
SELECT * FROM relations.discover('pivots') WHERE kind = 'many_to_many';
\x off

--
-- What may be beside the two, and what may not
--
CREATE SCHEMA rest;
SET search_path = rest, pivots;
CREATE DOMAIN filled AS int NOT NULL;
CREATE DOMAIN more_filled AS filled CHECK (VALUE > 0);
CREATE DOMAIN given AS int DEFAULT 3 NOT NULL;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
CREATE TABLE y_bare (a_id int REFERENCES a, b_id int REFERENCES b);
CREATE TABLE y_nullable (a_id int REFERENCES a, b_id int REFERENCES b, note text, p positive);
CREATE TABLE y_defaulted (a_id int REFERENCES a, b_id int REFERENCES b, at timestamptz NOT NULL DEFAULT now(), g given);
CREATE TABLE y_serial (id serial PRIMARY KEY, a_id int REFERENCES a, b_id int REFERENCES b);
CREATE TABLE y_identity (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id int REFERENCES a, b_id int REFERENCES b);
CREATE TABLE y_generated (a_id int REFERENCES a, b_id int REFERENCES b, both_ids int NOT NULL GENERATED ALWAYS AS (a_id + b_id) STORED);
CREATE TABLE y_dropped (gone int NOT NULL, a_id int REFERENCES a, b_id int REFERENCES b);
ALTER TABLE y_dropped DROP COLUMN gone;
CREATE TABLE y_partitioned (a_id int REFERENCES a, b_id int REFERENCES b) PARTITION BY HASH (a_id);
CREATE TABLE y_part PARTITION OF y_partitioned FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE y_twice (a_id int REFERENCES a, b_id int REFERENCES b, CONSTRAINT again FOREIGN KEY (b_id) REFERENCES b);
CREATE TABLE n_filled (a_id int REFERENCES a, b_id int REFERENCES b, note text NOT NULL);
CREATE TABLE n_domain (a_id int REFERENCES a, b_id int REFERENCES b, f filled);
CREATE TABLE n_domains (a_id int REFERENCES a, b_id int REFERENCES b, f more_filled);
CREATE TABLE n_key (id int PRIMARY KEY, a_id int REFERENCES a, b_id int REFERENCES b);
CREATE TABLE n_one (a_id int REFERENCES a);
CREATE TABLE n_three (a_id int REFERENCES a, b_id int REFERENCES b, c_id int REFERENCES b);
CREATE TABLE n_same (id int REFERENCES a REFERENCES b);
CREATE TABLE n_unique (a_id int UNIQUE REFERENCES a, b_id int REFERENCES b);
CREATE TABLE n_itself (id serial PRIMARY KEY, a_id int REFERENCES a, parent_id int REFERENCES n_itself);
SELECT model, relation, related, pivot_table FROM ways('rest') ORDER BY pivot_table::text, model::text;

--
-- Names: from the tables; from the columns, when those do not tell
--
CREATE SCHEMA names;
SET search_path = names, pivots;
CREATE TABLE users (id int PRIMARY KEY, tracks text);
CREATE TABLE posts (id int PRIMARY KEY, author_id int REFERENCES users);
CREATE TABLE tracks (id int PRIMARY KEY);
CREATE TABLE groups (id int PRIMARY KEY);
-- alone, but one name is another relation's, and one a column's
CREATE TABLE plays (user_id int REFERENCES users, track_id int REFERENCES tracks);
CREATE TABLE likes (user_id int REFERENCES users, post_id int REFERENCES posts);
-- alone, from a table to itself
CREATE TABLE post_links (from_id int REFERENCES posts, to_post_id int REFERENCES posts);
-- several, between the same tables
CREATE TABLE members (user_id int REFERENCES users, group_id int REFERENCES groups);
CREATE TABLE admins (admin_id int REFERENCES users, group_id int REFERENCES groups);
CREATE TABLE founders (user_id int REFERENCES users, group_id int REFERENCES groups);
-- several, from a table to itself
CREATE TABLE friendships (user_id int REFERENCES users, friend_id int REFERENCES users);
CREATE TABLE follows (user_id int REFERENCES users, friend_id int REFERENCES users, since date);
CREATE TABLE blocks (user_id int REFERENCES users, enemy_id int REFERENCES users);
-- names as long as they can be
CREATE TABLE a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha (id int PRIMARY KEY);
CREATE TABLE b_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha (
	a_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha,
	b_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES posts);
CREATE TABLE d_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha (post_id int REFERENCES posts, track_id int REFERENCES tracks);
CREATE TABLE c_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha (
	a_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES a_name_of_a_table_that_takes_all_the_letters_that_a_name_can_ha,
	b_column_with_a_name_that_takes_all_letters_that_a_name_can_hav int REFERENCES posts);
SELECT model, relation, related, pivot_table, pivot_foreign_key, pivot_related_foreign_key FROM ways('names');
-- no name is a column's, or that of another relation
SELECT d.model, d.relation FROM relations.discover('names') d
JOIN pg_attribute a ON a.attrelid = d.model AND a.attname = d.relation AND a.attnum > 0;
SELECT model, relation FROM relations.discover('names') GROUP BY 1, 2 HAVING count(*) > 1;

--
-- Composite keys, a tenant that both share, tables of another schema
--
CREATE SCHEMA tenants;
SET search_path = tenants, pivots;
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE users (tenant_id int REFERENCES tenants, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE roles (tenant_id int REFERENCES tenants, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE grants (tenant_id int REFERENCES tenants, user_id int, role_id int,
	FOREIGN KEY (tenant_id, user_id) REFERENCES users, FOREIGN KEY (role_id, tenant_id) REFERENCES roles (id, tenant_id));
CREATE TABLE user_playlists (user_tenant int, user_id int, playlist_id int REFERENCES playlist,
	FOREIGN KEY (user_tenant, user_id) REFERENCES users);
-- unique together is one
CREATE TABLE badges (id int PRIMARY KEY, tenant_id int, user_id int, UNIQUE (user_id, tenant_id), FOREIGN KEY (tenant_id, user_id) REFERENCES users);
-- a partitioned table that is referred to
CREATE TABLE days (day int PRIMARY KEY) PARTITION BY RANGE (day);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (1) TO (10);
CREATE TABLE visits (id int PRIMARY KEY, day int REFERENCES days);
SELECT * FROM ways('tenants');
SELECT model, relation, kind, related, local_key, foreign_key FROM relations.discover('tenants') WHERE kind <> 'many_to_many';

--
-- Asking changes nothing
--
SELECT count(*) FROM relations.relation WHERE model::oid IN (SELECT oid FROM pg_class
	WHERE relnamespace IN ('pivots'::regnamespace, 'rest'::regnamespace, 'names'::regnamespace, 'tenants'::regnamespace));
CREATE TEMP VIEW now_there AS SELECT (SELECT count(*) FROM pg_class) AS classes, (SELECT count(*) FROM pg_constraint) AS constraints,
	(SELECT count(*) FROM pg_trigger) AS triggers, (SELECT count(*) FROM pg_attribute) AS columns, (SELECT count(*) FROM pg_index) AS indexes;
CREATE TEMP TABLE before AS TABLE now_there WITH NO DATA;
INSERT INTO before TABLE now_there;
SELECT count(*) > 0 AS some FROM relations.discover('names');
SELECT count(*) FROM (TABLE before EXCEPT TABLE now_there) AS difference;
SELECT count(*) FROM relations.relation WHERE model = 'names.users'::regclass;

--
-- Registering: once, under the same names, and nothing is made
--
SELECT relation FROM relations.discover('pivots', register => true) WHERE kind = 'many_to_many' ORDER BY 1;
SELECT count(*) FROM (TABLE before EXCEPT TABLE now_there) AS difference;
\x on
SELECT * FROM relations.relation WHERE model = 'playlist'::regclass AND kind = 'many_to_many';
\x off
SELECT count(*) AS before FROM relations.relation;
SELECT model, relation FROM relations.discover('pivots', register => true) WHERE kind = 'many_to_many';
SELECT count(*) AS after FROM relations.relation;
-- and read
INSERT INTO playlist VALUES (1, 'jazz'), (2, 'rock'), (3, 'none');
INSERT INTO track VALUES (10, 'one'), (11, 'two'), (12, 'alone');
INSERT INTO playlist_track VALUES (1, 10), (1, 11), (2, 10);
SELECT relations.preload('playlist', 'tracks');
SELECT relations.find('track', 10, 'playlists.tracks');
-- a has_many of the same columns is another relation than what goes through the pivot
SELECT relations.drop_relation('playlist', 'playlist_tracks');
SELECT relation, kind FROM relations.discover('pivots') WHERE model = 'playlist'::regclass;
SELECT count(*) FROM relations.relation WHERE model = 'playlist'::regclass;

--
-- Columns that a polymorphic reference generates are nobody's business
--
CREATE SCHEMA morphs;
SET search_path = morphs, pivots;
CREATE TABLE photos (id int PRIMARY KEY);
CREATE TABLE films (id int PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int, film_id int REFERENCES films);
SELECT relation FROM relations.morph_to('notes', 'about', '{"photo": "photos", "film": "films"}');
SELECT model, relation, kind, related, foreign_key FROM relations.discover('morphs');
SET search_path = tenants, pivots;

--
-- Rows that others refer to are more than a link
--
CREATE SCHEMA linked;
SET search_path = linked, pivots;
CREATE TABLE countries (id int PRIMARY KEY);
CREATE TABLE roles (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, country_id int REFERENCES countries, role_id int REFERENCES roles);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users);
SELECT model, relation, kind, related FROM relations.discover('linked') ORDER BY model, relation;
SET search_path = tenants, pivots;

--
-- One's own models only
--
CREATE ROLE regress_relations_pivot;
GRANT USAGE, CREATE ON SCHEMA rest TO regress_relations_pivot;
ALTER TABLE rest.a OWNER TO regress_relations_pivot;
GRANT SELECT ON ALL TABLES IN SCHEMA rest TO regress_relations_pivot;
SET ROLE regress_relations_pivot;
\set VERBOSITY terse
SELECT relation FROM relations.discover('rest', register => true);
\set VERBOSITY default
RESET ROLE;
SELECT count(*) FROM relations.relation WHERE model::text LIKE 'rest.%';
DROP OWNED BY regress_relations_pivot CASCADE;
DROP ROLE regress_relations_pivot;
DROP SCHEMA pivots, rest, names, tenants, morphs, linked CASCADE;
