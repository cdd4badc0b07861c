-- describe: the relations of a model, as people want to read them
CREATE SCHEMA describe;
SET search_path = describe;
SET client_min_messages = warning;
CREATE TABLE countries (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, country_id int REFERENCES countries, manager_id int);
CREATE TABLE posts (id int PRIMARY KEY, user_id int, posted_at timestamptz);
CREATE TABLE skills (id int PRIMARY KEY);
CREATE TABLE notes (id int PRIMARY KEY, about_type text, about_id int);
CREATE TABLE orders (tenant_id int, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE lines (id int PRIMARY KEY, tenant_id int, order_id int);
ALTER TABLE users ADD posts_count bigint NOT NULL DEFAULT 0, ADD posted_at timestamptz;
SELECT relations.has_many('users', 'posts', 'posts', on_delete => 'cascade'),
	relations.has_one('users', 'latest', 'posts', scope => '{"order": ["-posted_at"]}'),
	relations.belongs_to('posts', 'author', 'users', counter_cache => 'posts_count', touch => 'posted_at'),
	relations.belongs_to('users', 'manager', 'users', foreign_key => 'manager_id', enforce => false),
	relations.many_to_many('users', 'skills', 'skills', pivot_timestamps => true),
	relations.has_many_through('countries', 'posts', 'posts', 'users'),
	relations.morph_to('notes', 'about', '{"user": "users", "post": "posts"}', on_delete => 'set null'),
	relations.morph_many('users', 'notes', 'notes', 'about'),
	relations.has_many('orders', 'lines', 'lines', foreign_key => 'tenant_id, order_id', defer => 'initially deferred')
\g /dev/null
SELECT * FROM relations.describe('users');
SELECT * FROM relations.describe('posts');
SELECT * FROM relations.describe('countries');
SELECT * FROM relations.describe('notes');
SELECT * FROM relations.describe('orders');
-- none yet
SELECT * FROM relations.describe('skills');
SELECT * FROM relations.describe(NULL);
SELECT * FROM relations.describe('posts_pkey');
DROP SCHEMA describe CASCADE;
