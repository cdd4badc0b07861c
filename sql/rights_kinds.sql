--
-- Rights and row-level security on the tables between: what a caller cannot
-- see there is not there, what it may not read is the server's own error
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA rights;
SET search_path = rights;
CREATE ROLE regress_rights_reader;
GRANT USAGE ON SCHEMA rights TO regress_rights_reader;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE tags (id int PRIMARY KEY, name text, secret text);
CREATE TABLE tag_user (user_id int REFERENCES users, tag_id int REFERENCES tags, visible boolean, note text, PRIMARY KEY (user_id, tag_id));
CREATE TABLE posts (id int PRIMARY KEY, user_id int REFERENCES users, title text);
CREATE TABLE replies (id int PRIMARY KEY, post_id int REFERENCES posts);
CREATE TABLE comments (id int PRIMARY KEY, about_type text, about_id int, visible boolean);
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO tags VALUES (1, 'x', 's'), (2, 'y', 's'), (3, 'z', 's');
INSERT INTO tag_user VALUES (1, 1, true, 'n'), (1, 2, false, 'n'), (2, 2, true, 'n'), (2, 3, true, 'n');
INSERT INTO posts VALUES (1, 1, 'open'), (2, 1, 'closed'), (3, 2, 'open');
INSERT INTO replies VALUES (1, 1), (2, 2), (3, 2), (4, 3);
INSERT INTO comments VALUES (1, 'post', 1, true), (2, 'post', 2, true), (3, 'post', 1, false), (4, 'user', 1, true);
SELECT kind FROM relations.many_to_many('users', 'tags', 'tags');
SELECT kind FROM relations.many_to_many('users', 'noted', 'tags', pivot_columns => 'note');
SELECT kind FROM relations.many_to_many('tags', 'users', 'users', scope => '{"where": {"pivot": {"note": "n"}}}');
SELECT kind FROM relations.has_many_through('users', 'replies', 'replies', 'posts');
SELECT kind FROM relations.has_one_through('replies', 'user', 'users', 'posts');
SELECT kind FROM relations.morph_to('comments', 'about', '["posts", "users"]');
SELECT kind FROM relations.morph_many('posts', 'comments', 'comments', 'about');
SELECT kind FROM relations.morph_to_many('posts', 'labels', 'tags', 'labelled', pivot_table => 'labels', pivot_columns => 'visible');
INSERT INTO labels (tag_id, labelled_type, labelled_id, visible) VALUES (1, 'post', 1, 'yes'), (2, 'post', 1, 'no'), (2, 'post', 2, 'no');
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	RETURN state || ': ' || message;
END $$;

--
-- No right on the table between: the server's error, also from a plan that
-- another role has had kept, and right after the grant the rows
--
GRANT SELECT ON users, tags, replies, comments, posts TO regress_rights_reader;
SELECT relations.find('users', 1, 'tags');
CREATE VIEW calls AS SELECT * FROM unnest(ARRAY[
	$$SELECT relations.find('users', 1, 'tags')$$,
	$$SELECT relations.preload('users', 'tags') LIMIT 1$$,
	$$SELECT relations.first('users', 'tags')$$,
	$$SELECT relations.load(u, 'tags') FROM users u ORDER BY id LIMIT 1$$,
	$$SELECT relations.query('users', '{"where": {"tags": {"some": {"name": "x"}}}}')$$,
	$$SELECT relations.query('users', '{"count": {"n": "tags"}}') LIMIT 1$$,
	$$SELECT relations.find('posts', 1, 'labels')$$]) call;
GRANT SELECT ON calls TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused(call) FROM calls;
RESET ROLE;
GRANT SELECT ON tag_user, labels TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused(call) FROM calls;
RESET ROLE;
REVOKE SELECT ON tag_user FROM regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused($$SELECT relations.find('users', 1, 'tags')$$);
RESET ROLE;
-- columns: those that join are enough, unless others are shown or asked of
GRANT SELECT (user_id, tag_id) ON tag_user TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.find('users', 1, 'tags')$$,
	$$SELECT relations.find('users', 1, 'noted')$$,
	$$SELECT relations.find('tags', 1, 'users')$$,
	$$SELECT relations.query('users', '{"where": {"id": 1}, "preload": {"tags": {"where": {"pivot": {"visible": true}}}}}')$$]) s;
RESET ROLE;
GRANT SELECT (note) ON tag_user TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT relations.find('users', 1, 'noted');
SELECT relations.find('tags', 1, 'users');
RESET ROLE;
REVOKE SELECT (tag_id) ON tag_user FROM regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused($$SELECT relations.find('users', 1, 'tags')$$);
RESET ROLE;
-- columns of the related rows that may not be seen are not shown
GRANT SELECT ON tag_user TO regress_rights_reader;
REVOKE SELECT ON tags FROM regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.find('users', 1, 'tags')$$,
	$$SELECT relations.find('posts', 1, 'labels')$$]) s;
RESET ROLE;
GRANT SELECT (id, name) ON tags TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT relations.find('users', 1, 'tags');
SELECT relations.find('posts', 1, 'labels');
SELECT relations.find('tags', 1);
RESET ROLE;
GRANT SELECT ON tags TO regress_rights_reader;

-- the model between, and the types of a reference
REVOKE SELECT ON posts FROM regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.find('users', 1, 'replies')$$,
	$$SELECT relations.find('replies', 1, 'user')$$,
	$$SELECT relations.find('comments', 1, 'about')$$]) s;
RESET ROLE;
GRANT SELECT (id, user_id) ON posts TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT relations.find('users', 1, 'replies');
SELECT relations.find('replies', 1, 'user');
SELECT relations.find('comments', 1, 'about');
RESET ROLE;
GRANT SELECT ON posts TO regress_rights_reader;
-- of a reference, the type and the key are not needed: the generated columns are
REVOKE SELECT ON comments FROM regress_rights_reader;
GRANT SELECT (id, about_post_id, about_user_id) ON comments TO regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT relations.find('comments', 4, 'about');
SELECT relations.find('posts', 1, 'comments');
RESET ROLE;
REVOKE SELECT (about_user_id) ON comments FROM regress_rights_reader;
SET ROLE regress_rights_reader;
SELECT refused($$SELECT relations.find('comments', 4, 'about')$$);
RESET ROLE;
GRANT SELECT ON comments TO regress_rights_reader;

--
-- Rows that a policy hides are not there
--
ALTER TABLE tag_user ENABLE ROW LEVEL SECURITY;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON tag_user USING (visible);
CREATE POLICY shown ON posts USING (title = current_setting('rights.title'));
CREATE POLICY shown ON comments USING (visible);
CREATE POLICY shown ON labels USING (visible = 'yes');
SET rights.title = 'open';
SELECT relations.preload('users', 'tags');
SET ROLE regress_rights_reader;
-- as the query written by hand says, for every way to read
SELECT count(*) AS rows, bool_and(j = to_jsonb(u) || jsonb_build_object(
	'tags', (SELECT COALESCE(jsonb_agg(t ORDER BY t.id), '[]') FROM tag_user x JOIN tags t ON t.id = x.tag_id WHERE x.user_id = u.id),
	'replies', (SELECT COALESCE(jsonb_agg(r ORDER BY r.id), '[]') FROM posts p JOIN replies r ON r.post_id = p.id WHERE p.user_id = u.id))) AS equal
FROM users u JOIN relations.preload('users', 'tags', 'replies') j ON (j->>'id')::int = u.id;
SELECT relations.preload('users', 'tags', 'noted', 'replies');
SELECT relations.find('users', 1, 'tags', 'replies');
SELECT relations.load(u, 'tags', 'replies') FROM users u WHERE id = 1;
SELECT relations.first('tags', 'users');
SELECT relations.find('tags', 2, 'users');
SELECT relations.query('tags', '{"count": {"n": "users"}, "where": {"users": {"none": {"id": 1}}}}');
-- to-one: null, although the key is not
SELECT relations.preload('replies', 'user');
SELECT relations.preload('comments', 'about');
SELECT relations.preload('posts', 'comments', 'labels');
-- a policy is asked anew at each call
SET rights.title = 'closed';
SELECT relations.preload('users', 'replies');
SELECT relations.preload('comments', 'about');
RESET ROLE;
-- the owner sees all, with a plan of its own
SELECT relations.find('users', 1, 'tags', 'replies');

DROP SCHEMA rights CASCADE;
DROP ROLE regress_rights_reader;
