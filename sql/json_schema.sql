-- json_schema: the documents of a query, as a JSON Schema
CREATE SCHEMA json_schema;
SET search_path = json_schema;
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TYPE mood ADD VALUE 'so so' BEFORE 'happy';
CREATE DOMAIN email AS varchar(80) NOT NULL;
CREATE TYPE place AS (street text, number int);
CREATE TABLE authors (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name varchar(40) NOT NULL,
	mail email,
	mood mood,
	password text
);
COMMENT ON TABLE authors IS 'who writes "posts"';
COMMENT ON COLUMN authors.mood IS 'today''s';
CREATE TABLE posts (
	id bigint PRIMARY KEY,
	author_id int NOT NULL REFERENCES authors,
	editor_id int REFERENCES authors,
	title text NOT NULL,
	price numeric(8, 2)
);
SELECT (relations.model('authors', hidden => 'password')).hidden;
SELECT (relations.belongs_to('posts', 'author', 'authors', foreign_key => 'author_id')).relation,
	(relations.belongs_to('posts', 'editor', 'authors', foreign_key => 'editor_id')).relation,
	(relations.has_many('authors', 'posts', 'posts', foreign_key => 'author_id')).relation;

-- one document, as it is: keys, types, what may be null, what the catalog says of it
SELECT jsonb_pretty(relations.json_schema('authors'));

-- the type of every kind of value
CREATE TABLE kinds (
	b bool NOT NULL, i2 int2 NOT NULL, i4 int4 NOT NULL, i8 int8 NOT NULL, f4 float4 NOT NULL, f8 float8 NOT NULL,
	n numeric NOT NULL, n8 numeric(8, 2) NOT NULL, t text NOT NULL, v varchar(3) NOT NULL, c char(2) NOT NULL,
	d date NOT NULL, ts timestamp NOT NULL, tz timestamptz NOT NULL, ti time NOT NULL, iv interval NOT NULL,
	u uuid NOT NULL, j json NOT NULL, jb jsonb, e mood NOT NULL, a int[] NOT NULL, aa text[][], m mood[] NOT NULL,
	r int4range NOT NULL, p place NOT NULL, by bytea NOT NULL, ip inet NOT NULL, mail email
);
\pset format unaligned
SELECT key, value FROM jsonb_each(relations.json_schema('kinds') -> 'properties') ORDER BY key;

-- a relation that is always there, and one that may not be
\pset format aligned
SELECT key, value ->> 'type' FROM jsonb_each(relations.json_schema('posts', '{"preload": ["author", "editor"]}') -> 'properties')
WHERE key IN ('author', 'editor');
-- a filter, a scope, row-level security may leave out what the key refers to
SELECT relations.json_schema('posts', '{"preload": {"author": {"where": {"name": "x"}}}}') #> '{properties,author,type}';
ALTER TABLE authors ENABLE ROW LEVEL SECURITY;
SELECT relations.json_schema('posts', '{"preload": ["author"]}') #> '{properties,author,type}';
ALTER TABLE authors DISABLE ROW LEVEL SECURITY;
-- and so may a foreign key that is checked late, or not for all rows
ALTER TABLE posts ALTER CONSTRAINT posts_author_id_fkey DEFERRABLE;
SELECT relations.json_schema('posts', '{"preload": ["author"]}') #> '{properties,author,type}';
ALTER TABLE posts ALTER CONSTRAINT posts_author_id_fkey NOT DEFERRABLE;
SELECT relations.json_schema('posts', '{"preload": ["author"]}') #> '{properties,author,type}';

-- nested, selected, counted, in camel case, with cursors
SELECT jsonb_pretty(relations.json_schema('authors', '{"select": ["id"], "key_case": "camel", "cursor": true,
	"preload": {"posts": {"select": ["author_id"]}},
	"count": {"posts_count": "posts"},
	"aggregate": {"sold": {"relation": "posts", "sum": "price"}, "last_id": {"relation": "posts", "max": "id"},
		"any_post": {"relation": "posts", "exists": true}}}'));

-- a pivot
CREATE TABLE tags (id int PRIMARY KEY, label text NOT NULL);
CREATE TABLE post_tag (post_id bigint REFERENCES posts, tag_id int REFERENCES tags, weight float8 NOT NULL, PRIMARY KEY (post_id, tag_id));
SELECT (relations.many_to_many('posts', 'tags', 'tags', pivot_columns => 'weight')).relation;
\pset format unaligned
SELECT relations.json_schema('posts', '{"preload": ["tags"]}') #> '{properties,tags}';

-- a polymorphic relation: one of its types, or null
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int, body text);
SELECT (relations.morph_to('notes', 'about', '{"author": "authors", "tag": "tags"}')).relation;
SELECT relations.json_schema('notes', '{"preload": ["about"]}') #> '{properties,about}';
-- the generated columns are hidden
\pset format aligned
SELECT relations.json_schema('notes') -> 'required';

-- a relation that is followed again and again refers to itself
CREATE TABLE folders (id int PRIMARY KEY, name text NOT NULL, parent_id int REFERENCES folders);
SELECT (relations.has_many('folders', 'children', 'folders')).kind, (relations.belongs_to('folders', 'parent', 'folders')).kind;
SELECT jsonb_pretty(relations.json_schema('folders', '{"preload": {"children": {"recursive": true}}}'));
SELECT jsonb_pretty(relations.json_schema('folders',
	'{"select": ["id"], "preload": {"parent": {"recursive": true, "max_depth": 3, "select": ["name"]}}}'));

-- what is not promised: tables that others inherit from, views
CREATE TABLE base (id int NOT NULL);
CREATE TABLE derived () INHERITS (base);
-- from PostgreSQL 18 on it cannot be: json_schema_1.out
ALTER TABLE derived ALTER id DROP NOT NULL;
CREATE VIEW author_names AS SELECT name FROM authors;
SELECT relations.json_schema('base') #> '{properties,id,type}', relations.json_schema('derived') #> '{properties,id,type}',
	relations.json_schema('author_names') #> '{properties,name}';

-- errors are those of the query
SELECT relations.json_schema('authors', '{"selct": ["id"]}');
SELECT relations.json_schema('authors', '{"preload": ["post"]}');
SELECT relations.json_schema('authors', '{"where": {"id": "one"}}');
SELECT relations.json_schema('authors', NULL);
SELECT relations.json_schema('authors', '[]');

-- only what the caller may see
CREATE ROLE relations_schema_reader;
GRANT USAGE ON SCHEMA json_schema TO relations_schema_reader;
GRANT SELECT (id, name) ON authors TO relations_schema_reader;
SET ROLE relations_schema_reader;
SELECT relations.json_schema('authors') -> 'required';
SELECT relations.json_schema('authors', '{"select": ["id", "mail"]}');
SELECT relations.json_schema('authors', '{"where": {"mail": "x"}}');
SELECT relations.json_schema('authors', '{"preload": ["posts"]}');
SELECT relations.json_schema('posts');
RESET ROLE;
DROP OWNED BY relations_schema_reader;
DROP ROLE relations_schema_reader;
DROP SCHEMA json_schema CASCADE;
