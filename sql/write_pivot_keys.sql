-- A document cannot give the columns that join a row to its parent another value.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA write_pivot_keys;
SET search_path = write_pivot_keys;

CREATE TABLE posts (id int PRIMARY KEY);
CREATE TABLE tags (id int PRIMARY KEY);
CREATE TABLE post_tags (
    post_id int REFERENCES posts,
    tag_id int REFERENCES tags,
    note text,
    PRIMARY KEY (post_id, tag_id)
);
SELECT kind FROM relations.many_to_many('posts', 'tags', 'tags', pivot_table => 'post_tags', pivot_columns => 'note');
INSERT INTO posts VALUES (1), (2);
INSERT INTO tags VALUES (1), (2), (3);
INSERT INTO post_tags VALUES (1, 1), (1, 2);

-- a row of a pivot that is created
SELECT relations.attach('posts', 1, 'tags', '{"3": {"post_id": 2}}');
SELECT relations.create('posts', '{"id": 3, "tags": [{"id": 4, "pivot": {"tag_id": 3}}]}');

-- a row of a pivot that exists
SELECT relations.sync('posts', 1, 'tags', '{"1": {"post_id": 2}, "2": {}}');
SELECT relations.sync('posts', 1, 'tags', '{"1": {"tag_id": 3}, "2": {}}');
SELECT relations.sync('posts', 1, 'tags', '{"1": {"tag_id": null}, "2": {}}');
SELECT relations.update('posts', 1, '{"tags": {"$set": [{"id": 2, "pivot": {"post_id": 2}}]}}');
SELECT relations.update('posts', 1, '{"tags": {"$update": {"where": 2, "data": {"pivot": {"post_id": 2}}}}}');
SELECT relations.update('posts', 1, '{"tags": {"$update": {"where": 2, "data": {"pivot": {"tag_id": 3}}}}}');
SELECT relations.update('posts', 1, '{"tags": {"$upsert": {"where": 2, "create": {"id": 2}, "update": {"pivot": {"tag_id": 3}}}}}');

-- a document may repeat the keys
SELECT relations.sync('posts', 1, 'tags', '{"1": {"post_id": 1, "tag_id": 1, "note": "a"}, "2": {}}');
SELECT relations.sync('posts', 1, 'tags', '{"1": {"post_id": 1, "tag_id": 1, "note": "a"}, "2": {}}');
SELECT relations.update('posts', 1, '{"tags": {"$update": {"where": 2, "data": {"pivot": {"post_id": 1, "note": "b"}}}}}');
SELECT relations.update('posts', 1, '{"tags": {"$update": {"where": 2, "data": {"pivot": {"tag_id": 2}}}}}');
TABLE post_tags ORDER BY 1, 2;

-- the type and the key of a polymorphic pivot
CREATE TABLE labels (id int PRIMARY KEY);
SELECT kind FROM relations.morph_to_many('posts', 'labels', 'labels', 'labelable', pivot_columns => 'labelable_type');
SELECT kind FROM relations.morph_to_many('tags', 'labels', 'labels', 'labelable');
INSERT INTO labels VALUES (1);
SELECT relations.attach('posts', 1, 'labels', '[1]');
SELECT relations.attach('posts', 2, 'labels', '{"1": {"labelable_type": "tag"}}');
SELECT relations.sync('posts', 1, 'labels', '{"1": {"labelable_type": "tag"}}');
SELECT relations.sync('posts', 1, 'labels', '{"1": {"labelable_id": 2}}');
SELECT relations.update('posts', 1, '{"labels": {"$update": {"where": 1, "data": {"pivot": {"labelable_type": "tag"}}}}}');
SELECT relations.update('posts', 1, '{"labels": {"$update": {"where": 1, "data": {"pivot": {"labelable_type": "post"}}}}}');

-- the key of a child that is changed below its parent
CREATE TABLE comments (id int PRIMARY KEY, post_id int REFERENCES posts, body text);
SELECT kind FROM relations.has_many('posts', 'comments', 'comments');
INSERT INTO comments VALUES (1, 1);
SELECT relations.update('posts', 1, '{"comments": {"$update": {"where": 1, "data": {"post_id": 2}}}}');
SELECT relations.update('posts', 1, '{"comments": {"$update": {"where": 1, "data": {"post_id": null}}}}');
SELECT relations.update('posts', 1, '{"comments": {"$set": [{"id": 1, "post_id": 2}]}}');
SELECT relations.update('posts', 1, '{"comments": {"$update": {"where": 1, "data": {"post_id": 1, "body": "c"}}}}');
TABLE comments;

DROP SCHEMA write_pivot_keys CASCADE;
