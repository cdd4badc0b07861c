-- title: 50 users with profile, posts and comments
-- targets: jsonb 0.5
-- calls: 100

--- relations
SELECT relations.query('bench.users',
	'{"where": {"id": {"gt": "$after"}}, "limit": 50, "preload": ["profile", "posts.comments"]}',
	jsonb_build_object('after', :id::int)) AS j

--- relations json
SELECT relations.query_json('bench.users',
	'{"where": {"id": {"gt": "$after"}}, "limit": 50, "preload": ["profile", "posts.comments"]}',
	jsonb_build_object('after', :id::int)) AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*,
		(SELECT to_jsonb(f) FROM bench.profiles f WHERE f.user_id = u.id) AS profile,
		COALESCE((
			SELECT jsonb_agg(y ORDER BY y.id)
			FROM (
				SELECT p.*, COALESCE((
					SELECT jsonb_agg(c ORDER BY c.id) FROM bench.comments c WHERE c.post_id = p.id), '[]') AS comments
				FROM bench.posts p WHERE p.user_id = u.id) y), '[]') AS posts
	FROM bench.users u WHERE u.id > :id ORDER BY u.id LIMIT 50) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, f.profile, l.posts
	FROM (SELECT * FROM bench.users WHERE id > :id ORDER BY id LIMIT 50) u
	LEFT JOIN LATERAL (SELECT to_jsonb(f) AS profile FROM bench.profiles f WHERE f.user_id = u.id) f ON true
	CROSS JOIN LATERAL (
		SELECT COALESCE(jsonb_agg(y ORDER BY y.id), '[]') AS posts
		FROM (
			SELECT p.*, m.comments
			FROM bench.posts p
			CROSS JOIN LATERAL (
				SELECT COALESCE(jsonb_agg(c ORDER BY c.id), '[]') AS comments
				FROM bench.comments c WHERE c.post_id = p.id) m
			WHERE p.user_id = u.id) y) l
	ORDER BY u.id) x

--- jsonb aggregated
WITH u AS MATERIALIZED (SELECT * FROM bench.users WHERE id > :id ORDER BY id LIMIT 50),
	p AS MATERIALIZED (SELECT * FROM bench.posts WHERE user_id IN (SELECT id FROM u)),
	c AS (
		SELECT c.post_id, jsonb_agg(c ORDER BY c.id) AS comments
		FROM bench.comments c WHERE c.post_id IN (SELECT id FROM p) GROUP BY c.post_id),
	q AS (
		SELECT y.user_id, jsonb_agg(y ORDER BY y.id) AS posts
		FROM (SELECT p.*, COALESCE(c.comments, '[]') AS comments FROM p LEFT JOIN c ON c.post_id = p.id) y
		GROUP BY y.user_id)
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, to_jsonb(f) AS profile, COALESCE(q.posts, '[]') AS posts
	FROM u
	LEFT JOIN bench.profiles f ON f.user_id = u.id
	LEFT JOIN q ON q.user_id = u.id
	ORDER BY u.id) x

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*,
		(SELECT row_to_json(f) FROM bench.profiles f WHERE f.user_id = u.id) AS profile,
		COALESCE((
			SELECT json_agg(y ORDER BY y.id)
			FROM (
				SELECT p.*, COALESCE((
					SELECT json_agg(c ORDER BY c.id) FROM bench.comments c WHERE c.post_id = p.id), '[]') AS comments
				FROM bench.posts p WHERE p.user_id = u.id) y), '[]') AS posts
	FROM bench.users u WHERE u.id > :id ORDER BY u.id LIMIT 50) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*,
		(SELECT row_to_json(f) FROM bench.profiles f WHERE f.user_id = u.id) AS profile,
		COALESCE((
			SELECT json_agg(y ORDER BY y.id)
			FROM (
				SELECT p.*, COALESCE((
					SELECT json_agg(c ORDER BY c.id) FROM bench.comments c WHERE c.post_id = p.id), '[]') AS comments
				FROM bench.posts p WHERE p.user_id = u.id) y), '[]') AS posts
	FROM bench.users u WHERE u.id > :id ORDER BY u.id LIMIT 50) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, f.profile, l.posts
	FROM (SELECT * FROM bench.users WHERE id > :id ORDER BY id LIMIT 50) u
	LEFT JOIN LATERAL (SELECT row_to_json(f) AS profile FROM bench.profiles f WHERE f.user_id = u.id) f ON true
	CROSS JOIN LATERAL (
		SELECT COALESCE(json_agg(y ORDER BY y.id), '[]') AS posts
		FROM (
			SELECT p.*, m.comments
			FROM bench.posts p
			CROSS JOIN LATERAL (
				SELECT COALESCE(json_agg(c ORDER BY c.id), '[]') AS comments
				FROM bench.comments c WHERE c.post_id = p.id) m
			WHERE p.user_id = u.id) y) l
	ORDER BY u.id) x

--- json aggregated
WITH u AS MATERIALIZED (SELECT * FROM bench.users WHERE id > :id ORDER BY id LIMIT 50),
	p AS MATERIALIZED (SELECT * FROM bench.posts WHERE user_id IN (SELECT id FROM u)),
	c AS (
		SELECT c.post_id, json_agg(c ORDER BY c.id) AS comments
		FROM bench.comments c WHERE c.post_id IN (SELECT id FROM p) GROUP BY c.post_id),
	q AS (
		SELECT y.user_id, json_agg(y ORDER BY y.id) AS posts
		FROM (SELECT p.*, COALESCE(c.comments, '[]') AS comments FROM p LEFT JOIN c ON c.post_id = p.id) y
		GROUP BY y.user_id)
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, row_to_json(f) AS profile, COALESCE(q.posts, '[]') AS posts
	FROM u
	LEFT JOIN bench.profiles f ON f.user_id = u.id
	LEFT JOIN q ON q.user_id = u.id
	ORDER BY u.id) x

--- floor
SELECT * FROM bench.users WHERE id > :id ORDER BY id LIMIT 50;
SELECT * FROM bench.profiles WHERE user_id > :id AND user_id <= :id + 50;
SELECT * FROM bench.posts WHERE user_id > :id AND user_id <= :id + 50;
SELECT * FROM bench.comments
WHERE post_id = ANY (ARRAY(SELECT id FROM bench.posts WHERE user_id > :id AND user_id <= :id + 50))
