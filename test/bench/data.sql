-- data.sql: tables, rows and relations of the benchmark
-- psql -v users=N -v posts=N -v comments=N
--
-- Children are stored in an order that is random to their parents, which is the
-- unfavourable one: what belongs to a parent lies all over the table.

CREATE SCHEMA bench;
COMMENT ON SCHEMA bench IS 'made by test/bench/run';
SET search_path = bench, pg_catalog;
SELECT setseed(0.5);

CREATE TABLE users (
	id int NOT NULL,
	name text NOT NULL,
	email text NOT NULL,
	age int,
	created_at timestamptz NOT NULL
);
INSERT INTO users
SELECT i, 'User ' || i, 'user' || i || '@example.com', 18 + (random() * 60)::int,
	timestamptz '2024-01-01 00:00+00' + i * interval '37 seconds'
FROM generate_series(1, :users) i;

CREATE TABLE profiles (
	id int NOT NULL,
	user_id int NOT NULL,
	bio text,
	city text
);
INSERT INTO profiles
SELECT row_number() OVER (), i,
	CASE WHEN i % 7 <> 0 THEN 'A "short" life of user ' || i || ', told by ' || md5(i::text) END,
	(ARRAY['Lagos', 'Lima', 'Łódź', 'Kochi', 'Osaka'])[1 + i % 5]
FROM (SELECT i FROM generate_series(1, :users) i ORDER BY random()) u;

CREATE TABLE posts (
	id int NOT NULL,
	user_id int NOT NULL,
	title text NOT NULL,
	body text NOT NULL,
	published boolean NOT NULL,
	created_at timestamptz NOT NULL
);
INSERT INTO posts
SELECT i, 1 + floor(random() * :users)::int, 'Post ' || i, repeat(md5(i::text) || ' ', 3), random() < 0.8,
	timestamptz '2024-01-01 00:00+00' + i * interval '11.5 seconds'
FROM generate_series(1, :posts) i;

CREATE TABLE comments (
	id int NOT NULL,
	post_id int NOT NULL,
	author text NOT NULL,
	body text NOT NULL,
	score numeric,
	created_at timestamptz NOT NULL
);
INSERT INTO comments
SELECT i, 1 + floor(random() * :posts)::int, 'Author ' || i % 1000, 'Comment ' || md5(i::text),
	CASE WHEN i % 20 <> 0 THEN (random() * 100)::numeric(8, 2) END,
	timestamptz '2024-01-01 00:00+00' + i * interval '5.25 seconds'
FROM generate_series(1, :comments) i;

-- a thousand tags, three or four a user but for every tenth, which has none
CREATE TABLE tags (
	id int NOT NULL,
	name text NOT NULL,
	color text,
	created_at timestamptz NOT NULL
);
INSERT INTO tags
SELECT i, 'tag ' || i, CASE WHEN i % 5 <> 0 THEN '#' || substr(md5(i::text), 1, 6) END,
	timestamptz '2024-01-01 00:00+00' + i * interval '1 hour'
FROM generate_series(1, 1000) i;

CREATE TABLE tag_user (
	user_id int NOT NULL,
	tag_id int NOT NULL
);
INSERT INTO tag_user
SELECT i, 1 + (first + n * step) % 1000
FROM (SELECT i, floor(random() * 1000)::int AS first, 1 + floor(random() * 249)::int AS step
	FROM generate_series(1, :users) i WHERE i % 10 <> 0) u,
	generate_series(0, CASE WHEN i % 3 = 0 THEN 3 ELSE 2 END) n
ORDER BY random();

ALTER TABLE users ADD PRIMARY KEY (id);
ALTER TABLE profiles ADD PRIMARY KEY (id);
ALTER TABLE posts ADD PRIMARY KEY (id);
ALTER TABLE comments ADD PRIMARY KEY (id);
ALTER TABLE tags ADD PRIMARY KEY (id);
ALTER TABLE tag_user ADD PRIMARY KEY (user_id, tag_id);

SELECT relations.has_one('bench.users', 'profile', 'bench.profiles', foreign_key => 'user_id');
SELECT relations.belongs_to('bench.profiles', 'user', 'bench.users', foreign_key => 'user_id');
SELECT relations.has_many('bench.users', 'posts', 'bench.posts', foreign_key => 'user_id');
SELECT relations.belongs_to('bench.posts', 'user', 'bench.users', foreign_key => 'user_id');
SELECT relations.has_many('bench.posts', 'comments', 'bench.comments', foreign_key => 'post_id');
SELECT relations.belongs_to('bench.comments', 'post', 'bench.posts', foreign_key => 'post_id');
SELECT relations.many_to_many('bench.users', 'tags', 'bench.tags', pivot_table => 'bench.tag_user');

VACUUM ANALYZE users;
VACUUM ANALYZE profiles;
VACUUM ANALYZE posts;
VACUUM ANALYZE comments;
VACUUM ANALYZE tags;
VACUUM ANALYZE tag_user;
