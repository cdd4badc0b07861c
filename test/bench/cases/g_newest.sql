-- title: three newest posts of each of 1,000 users
-- targets: jsonb 0.3

--- relations
SELECT relations.query('bench.users', '{"where": {"id": {"lte": 1000}},
	"preload": {"newest": {"relation": "posts", "order": ["-created_at"], "limit": 3}}}') AS j

--- relations json
SELECT relations.query_json('bench.users', '{"where": {"id": {"lte": 1000}},
	"preload": {"newest": {"relation": "posts", "order": ["-created_at"], "limit": 3}}}') AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT jsonb_agg(y ORDER BY y.created_at DESC)
		FROM (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) y), '[]') AS newest
	FROM bench.users u WHERE u.id <= 1000 ORDER BY u.id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE(l.newest, '[]') AS newest
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT jsonb_agg(y) AS newest
		FROM (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) y) l
	WHERE u.id <= 1000 ORDER BY u.id) x

--- jsonb row_number
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE(a.newest, '[]') AS newest
	FROM bench.users u
	LEFT JOIN (
		SELECT y.user_id, jsonb_agg(y.post ORDER BY y.n) AS newest
		FROM (
			SELECT p.user_id, p AS post, row_number() OVER (PARTITION BY p.user_id ORDER BY p.created_at DESC) AS n
			FROM bench.posts p WHERE p.user_id IN (SELECT id FROM bench.users WHERE id <= 1000)) y
		WHERE y.n <= 3
		GROUP BY y.user_id) a ON a.user_id = u.id
	WHERE u.id <= 1000 ORDER BY u.id) x

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, COALESCE(l.newest, '[]') AS newest
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT json_agg(y) AS newest
		FROM (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) y) l
	WHERE u.id <= 1000 ORDER BY u.id) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT json_agg(y ORDER BY y.created_at DESC)
		FROM (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) y), '[]') AS newest
	FROM bench.users u WHERE u.id <= 1000 ORDER BY u.id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE(l.newest, '[]') AS newest
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT json_agg(y) AS newest
		FROM (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) y) l
	WHERE u.id <= 1000 ORDER BY u.id) x

--- json row_number
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE(a.newest, '[]') AS newest
	FROM bench.users u
	LEFT JOIN (
		SELECT y.user_id, json_agg(y.post ORDER BY y.n) AS newest
		FROM (
			SELECT p.user_id, p AS post, row_number() OVER (PARTITION BY p.user_id ORDER BY p.created_at DESC) AS n
			FROM bench.posts p WHERE p.user_id IN (SELECT id FROM bench.users WHERE id <= 1000)) y
		WHERE y.n <= 3
		GROUP BY y.user_id) a ON a.user_id = u.id
	WHERE u.id <= 1000 ORDER BY u.id) x

--- floor
SELECT * FROM bench.users WHERE id <= 1000 ORDER BY id;
SELECT p.*
FROM bench.users u
CROSS JOIN LATERAL (SELECT * FROM bench.posts p WHERE p.user_id = u.id ORDER BY p.created_at DESC LIMIT 3) p
WHERE u.id <= 1000
