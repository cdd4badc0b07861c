-- The schema that relations.svg shows: see test/bin/diagram.
SET client_min_messages = warning;
CREATE TABLE countries (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE roles (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE users (
	id int PRIMARY KEY,
	full_name text NOT NULL,
	email text NOT NULL UNIQUE,
	role_id int REFERENCES roles,
	country_id int NOT NULL REFERENCES countries,
	manager_id int REFERENCES users
);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, description text);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, title text NOT NULL, published_at timestamptz);
CREATE TABLE videos (id int PRIMARY KEY, title text NOT NULL, seconds int);
CREATE TABLE comments (id int PRIMARY KEY, commentable_type text, commentable_id int, body text);
CREATE TABLE tags (id int PRIMARY KEY, name text NOT NULL UNIQUE);
SELECT relations.has_many('countries', 'users', 'users'),
	relations.belongs_to('users', 'country', 'countries'),
	relations.has_many('roles', 'users', 'users'),
	relations.belongs_to('users', 'role', 'roles'),
	relations.has_many('users', 'reports', 'users', foreign_key => 'manager_id'),
	relations.belongs_to('users', 'manager', 'users', foreign_key => 'manager_id'),
	relations.has_one('users', 'profile', 'profiles'),
	relations.belongs_to('profiles', 'user', 'users'),
	relations.has_many('users', 'posts', 'posts'),
	relations.belongs_to('posts', 'author', 'users'),
	relations.has_many_through('countries', 'posts', 'posts', 'users'),
	relations.many_to_many('posts', 'tags', 'tags', pivot_timestamps => true),
	relations.many_to_many('tags', 'posts', 'posts', pivot_timestamps => true),
	relations.morph_to('comments', 'commentable', '{"post": "posts", "video": "videos"}', on_delete => 'cascade'),
	relations.morph_many('posts', 'comments', 'comments', 'commentable'),
	relations.morph_many('videos', 'comments', 'comments', 'commentable')
\g /dev/null
