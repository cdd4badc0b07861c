-- typescript: the documents of a query, as declarations of TypeScript
CREATE SCHEMA typescript;
SET search_path = typescript;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
CREATE TYPE state AS ENUM ('draft', 'out');
CREATE TYPE place AS (street text, number int);
CREATE TABLE user_accounts (
	id int PRIMARY KEY,
	name text NOT NULL,
	balance numeric(8, 2) NOT NULL,
	score float8,
	labels text[] NOT NULL,
	matrix int[][] NOT NULL,
	states state[] NOT NULL,
	home place,
	extra jsonb NOT NULL,
	born date NOT NULL,
	"odd name" bool NOT NULL
);
COMMENT ON TABLE user_accounts IS 'Who may log in.';
COMMENT ON COLUMN user_accounts.name IS E'shown */ in\nlists';
CREATE TABLE posts (
	id bigint PRIMARY KEY,
	user_account_id int NOT NULL REFERENCES user_accounts,
	editor_id int REFERENCES user_accounts,
	state state NOT NULL
);
SELECT (relations.belongs_to('posts', 'author', 'user_accounts', foreign_key => 'user_account_id')).kind,
	(relations.belongs_to('posts', 'editor', 'user_accounts', foreign_key => 'editor_id')).kind,
	(relations.has_many('user_accounts', 'posts', 'posts', foreign_key => 'user_account_id')).kind;

SELECT relations.typescript('user_accounts');
-- relations within; one that is always there and one that may be null
SELECT relations.typescript('posts', '{"select": ["id", "state"], "cursor": true, "preload": {
	"author": {"select": ["name"], "count": {"posts_count": "posts"}},
	"editor": {"select": ["name"], "preload": {"posts": {"select": ["id"]}}}}}', 'Post');
-- keys as the query has them
SELECT relations.typescript('posts', '{"key_case": "camel", "preload": {"writer": {"relation": "author", "select": ["odd name"]}}}');

-- a polymorphic relation, a pivot
CREATE TABLE tags (id int PRIMARY KEY, label varchar(20) NOT NULL);
CREATE TABLE post_tag (post_id bigint REFERENCES posts, tag_id int REFERENCES tags, weight float8, PRIMARY KEY (post_id, tag_id));
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int);
SELECT (relations.many_to_many('posts', 'tags', 'tags', pivot_columns => 'weight')).kind,
	(relations.morph_to('notes', 'about', '{"user": "user_accounts", "tag": "tags"}')).kind;
SELECT relations.typescript('posts', '{"select": ["id"], "preload": ["tags"]}');
SELECT relations.typescript('notes', '{"preload": {"about": {"select": ["id"]}}}');

-- relations that are followed again and again have an interface each
CREATE TABLE folders (id int PRIMARY KEY, parent_id int REFERENCES folders);
SELECT (relations.has_many('folders', 'children', 'folders')).kind, (relations.belongs_to('folders', 'parent', 'folders')).kind;
SELECT relations.typescript('folders', '{"preload": {"children": {"recursive": true}, "parent": {"recursive": true}}}');

-- names
CREATE TABLE "2 odd-names" (id int PRIMARY KEY);
SELECT relations.typescript('"2 odd-names"');
SELECT relations.typescript('tags', name => 'class');
SELECT relations.typescript('tags', name => 'a b');
SELECT relations.typescript('tags', '{"selct": []}');
DROP SCHEMA typescript CASCADE;
