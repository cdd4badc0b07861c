-- Written values pass the checks of their domains, nulls and keys included.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA write_domains;
SET search_path = write_domains;

CREATE DOMAIN required AS text NOT NULL;
CREATE DOMAIN present AS text CHECK (VALUE IS NOT NULL);
CREATE DOMAIN reference AS int NOT NULL;
CREATE DOMAIN low_key AS int CHECK (VALUE < 100);
CREATE TABLE authors (id int PRIMARY KEY);
CREATE TABLE books (
    id int PRIMARY KEY,
    title required,
    language present DEFAULT 'en',
    author_id reference REFERENCES authors,
    editor_id low_key REFERENCES authors
);
SELECT kind FROM relations.has_many('authors', 'books', 'books', foreign_key => 'author_id');
SELECT kind FROM relations.belongs_to('books', 'author', 'authors', foreign_key => 'author_id');
SELECT kind FROM relations.belongs_to('books', 'editor', 'authors', foreign_key => 'editor_id');
INSERT INTO authors VALUES (1), (100);
INSERT INTO books VALUES (1, 'Emma', 'en', 1);

-- a JSON null is refused where INSERT refuses NULL
SELECT relations.create('books', '{"id": 2, "title": null, "author_id": 1}');
SELECT relations.create('books', '{"id": 2, "title": "Sanditon", "language": null, "author_id": 1}');
SELECT relations.create_many('books', '[{"id": 2, "title": null, "author_id": 1}, {"id": 3, "title": null, "author_id": 1}]');
SELECT relations.create('authors', '{"id": 2, "books": [{"id": 2, "title": null}]}');
SELECT relations.create_related('authors', 1, 'books', '{"id": 2, "title": null}');
SELECT relations.upsert('books', '{"id": 1, "title": null, "author_id": 1}');
SELECT relations.update('books', 1, '{"title": null}');
SELECT relations.update('authors', 1, '{"books": {"$update": {"where": 1, "data": {"title": null}}}}');
SELECT relations.update_related('authors', 1, 'books', '{"id": 1}', '{"title": null}');
SELECT relations.update_or_create_related('authors', 1, 'books', '{"id": 1}', '{"title": null}');

-- a reference that is not null by its domain cannot be cleared
SELECT relations.dissociate('books', 1, 'author');
SELECT relations.update('books', 1, '{"author": null}');
SELECT relations.update('authors', 1, '{"books": {"$disconnect": 1}}');

-- a key that a relation sets passes the checks of the column's domain
SELECT relations.associate('books', 1, 'editor', '100');
SELECT relations.update('books', 1, '{"editor": {"$connect": 100}}');
SELECT relations.create_many('books', '[
    {"id": 2, "title": "Sanditon", "author_id": 1, "editor": {"$connect": 100}},
    {"id": 3, "title": "Lady Susan", "author_id": 1, "editor": {"$connect": 100}}]');

-- through a graph view
SELECT relations.create_view('author_graph', 'authors', 'books');
INSERT INTO author_graph (id, books) VALUES (2, '[{"id": 2, "title": null}]');
UPDATE author_graph SET books = '[{"id": 1, "title": null}]' WHERE id = 1;

-- pivot columns
CREATE TABLE shelves (id int PRIMARY KEY);
CREATE TABLE places (shelf_id int REFERENCES shelves, book_id int REFERENCES books, label required,
    PRIMARY KEY (shelf_id, book_id));
SELECT kind FROM relations.many_to_many('shelves', 'books', 'books', pivot_table => 'places', pivot_columns => 'label');
INSERT INTO shelves VALUES (1);
SELECT relations.attach('shelves', 1, 'books', '{"1": {"label": null}}');
SELECT relations.sync('shelves', 1, 'books', '{"1": {"label": null}}');
INSERT INTO places VALUES (1, 1, 'A');
SELECT relations.sync('shelves', 1, 'books', '{"1": {"label": null}}');
SELECT relations.sync('shelves', 1, 'books', '{"1": {"label": "B"}}');
SELECT relations.update('shelves', 1, '{"books": {"$update": {"where": 1, "data": {"pivot": {"label": null}}}}}');

-- nothing of it was stored, and what domains permit is
TABLE books;
SELECT relations.update('books', 1, '{"title": "Emma, a novel", "editor": {"$connect": 1}}');

DROP SCHEMA write_domains CASCADE;
