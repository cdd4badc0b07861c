-- A column that is renamed to the name of a relation of its model: documents
-- mean the relation by that name, keys still use the column.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA renamed_to_relation;
SET search_path = renamed_to_relation;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
SELECT relation FROM relations.has_many('users', 'posts', 'posts');
INSERT INTO users VALUES (1, 'Ada');
INSERT INTO posts VALUES (10, 1, 'old');

ALTER TABLE users RENAME id TO posts;
SELECT problem, severity, detail FROM relations.check('renamed_to_relation');

-- the key still finds the row
SELECT relations.find('users', 1);
SELECT relations.update('users', 1, '{"name": "Grace"}');
SELECT relations.update('users', 1, '{"posts": {"$update": {"where": 10, "data": {"title": "new"}}}}');
SELECT relations.preload('users', 'posts');

-- the column cannot be written: its name means the relation
SELECT relations.create('users', '{"posts": 2}');
SELECT relations.update('users', 1, '{"posts": 2}');

-- a factory sets the foreign key from the column
SELECT jsonb_array_length(relations.factory_create('users', 1, '{"with": {"posts": 2}}') -> 'posts');

DELETE FROM posts;
SELECT relations.delete('users', 1);

DROP SCHEMA renamed_to_relation CASCADE;
