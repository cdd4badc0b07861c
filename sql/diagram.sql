-- diagram: the models and relations of a schema, as text for Mermaid and Graphviz
CREATE SCHEMA diagram;
CREATE SCHEMA "the other";
SET search_path = diagram;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
-- a schema without relations
SELECT relations.diagram('diagram');

CREATE TABLE users (id int PRIMARY KEY, email varchar(80) NOT NULL UNIQUE, manager_id int REFERENCES users, password text);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, "<title> & ""more""" text, at timestamptz);
CREATE TABLE tags (id int PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int);
CREATE TABLE "the other"."Log" (id int, user_id int);
SELECT relations.model('users', hidden => 'password'),
	-- both ends of one foreign key, and a third relation over it: one edge
	relations.has_many('users', 'posts', 'posts'),
	relations.has_one('users', 'latest', 'posts', scope => '{"order": ["-id"]}'),
	relations.belongs_to('posts', 'author', 'users'),
	-- one to one
	relations.has_one('users', 'profile', 'profiles'),
	-- to itself
	relations.belongs_to('users', 'manager', 'users', foreign_key => 'manager_id'),
	relations.has_many('users', 'reports', 'users', foreign_key => 'manager_id'),
	-- a pivot is a table like others
	relations.many_to_many('posts', 'tags', 'tags'),
	relations.many_to_many('tags', 'posts', 'posts'),
	-- a polymorphic reference: an edge for each type
	relations.morph_to('notes', 'about', '{"user": "users", "post": "posts"}'),
	relations.morph_many('users', 'notes', 'notes', 'about'),
	-- not enforced, and in another schema
	relations.has_many('users', 'log', '"the other"."Log"', enforce => false)
\g /dev/null
SELECT relations.has_many_through('users', 'pairs', 'post_tag', 'posts') \g /dev/null
SELECT relations.diagram('diagram');
SELECT relations.diagram('diagram', 'dot');

-- only the relations of its models
SELECT relations.diagram('the other');
-- errors
SELECT relations.diagram('diagrm');
SELECT relations.diagram('diagram', 'svg');

-- only what the caller may see
CREATE ROLE relations_diagram_reader;
GRANT USAGE ON SCHEMA diagram TO relations_diagram_reader;
GRANT SELECT (id) ON users TO relations_diagram_reader;
GRANT SELECT ON posts TO relations_diagram_reader;
SET ROLE relations_diagram_reader;
SELECT relations.diagram('diagram');
RESET ROLE;
DROP OWNED BY relations_diagram_reader;
DROP ROLE relations_diagram_reader;
DROP SCHEMA diagram, "the other" CASCADE;
