-- title: all users with profile, posts and comments
-- targets: jsonb 0.25, json 0.5, floor 2.5, spi 2.5

--- relations
SELECT relations.preload('bench.users', 'profile', 'posts.comments') AS j

--- relations json
SELECT relations.preload_json('bench.users', 'profile', 'posts.comments') AS j

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
	FROM bench.users u ORDER BY u.id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, f.profile, l.posts
	FROM bench.users u
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
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, to_jsonb(f) AS profile, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN bench.profiles f ON f.user_id = u.id
	LEFT JOIN (
		SELECT y.user_id, jsonb_agg(y) AS posts
		FROM (
			SELECT p.*, COALESCE(m.comments, '[]') AS comments
			FROM bench.posts p
			LEFT JOIN (
				SELECT c.post_id, jsonb_agg(c) AS comments
				FROM (SELECT * FROM bench.comments ORDER BY post_id, id) c GROUP BY c.post_id) m ON m.post_id = p.id
			ORDER BY p.user_id, p.id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, row_to_json(f) AS profile, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN bench.profiles f ON f.user_id = u.id
	LEFT JOIN (
		SELECT y.user_id, json_agg(y) AS posts
		FROM (
			SELECT p.*, COALESCE(m.comments, '[]') AS comments
			FROM bench.posts p
			LEFT JOIN (
				SELECT c.post_id, json_agg(c) AS comments
				FROM (SELECT * FROM bench.comments ORDER BY post_id, id) c GROUP BY c.post_id) m ON m.post_id = p.id
			ORDER BY p.user_id, p.id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

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
	FROM bench.users u ORDER BY u.id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, f.profile, l.posts
	FROM bench.users u
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
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, row_to_json(f) AS profile, COALESCE(a.posts, '[]') AS posts
	FROM bench.users u
	LEFT JOIN bench.profiles f ON f.user_id = u.id
	LEFT JOIN (
		SELECT y.user_id, json_agg(y) AS posts
		FROM (
			SELECT p.*, COALESCE(m.comments, '[]') AS comments
			FROM bench.posts p
			LEFT JOIN (
				SELECT c.post_id, json_agg(c) AS comments
				FROM (SELECT * FROM bench.comments ORDER BY post_id, id) c GROUP BY c.post_id) m ON m.post_id = p.id
			ORDER BY p.user_id, p.id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- floor
SELECT * FROM bench.users ORDER BY id;
SELECT * FROM bench.profiles;
SELECT * FROM bench.posts;
SELECT * FROM bench.comments
