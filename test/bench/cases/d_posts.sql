-- title: all users with posts
-- targets: jsonb 0.25, json 0.5, floor 2.5, spi 2.5
-- Aggregated: rows sorted once before they are grouped, which is quicker than an ORDER BY in each aggregate.

--- relations
SELECT relations.preload('bench.users', 'posts') AS j

--- relations json
SELECT relations.preload_json('bench.users', 'posts') AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT jsonb_agg(p ORDER BY p.id) FROM bench.posts p WHERE p.user_id = u.id), '[]') AS posts
	FROM bench.users u ORDER BY u.id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, l.posts
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT COALESCE(jsonb_agg(p ORDER BY p.id), '[]') AS posts FROM bench.posts p WHERE p.user_id = u.id) l
	ORDER BY u.id) x

--- jsonb aggregated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN (
		SELECT p.user_id, jsonb_agg(p) AS posts
		FROM (SELECT * FROM bench.posts ORDER BY user_id, id) p GROUP BY p.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN (
		SELECT p.user_id, json_agg(p) AS posts
		FROM (SELECT * FROM bench.posts ORDER BY user_id, id) p GROUP BY p.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT json_agg(p ORDER BY p.id) FROM bench.posts p WHERE p.user_id = u.id), '[]') AS posts
	FROM bench.users u ORDER BY u.id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, l.posts
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT COALESCE(json_agg(p ORDER BY p.id), '[]') AS posts FROM bench.posts p WHERE p.user_id = u.id) l
	ORDER BY u.id) x

--- json aggregated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN (
		SELECT p.user_id, json_agg(p) AS posts
		FROM (SELECT * FROM bench.posts ORDER BY user_id, id) p GROUP BY p.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- floor
SELECT * FROM bench.users ORDER BY id;
SELECT * FROM bench.posts
