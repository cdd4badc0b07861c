-- title: all users with tags (many_to_many)
-- targets: jsonb 0.25, json 0.5, floor 2.5, spi 2.5
-- The pair in the pivot is unique, so that the key of the tag is an order.

--- relations
SELECT relations.preload('bench.users', 'tags') AS j

--- relations json
SELECT relations.preload_json('bench.users', 'tags') AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT jsonb_agg(t ORDER BY t.id)
		FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id WHERE k.user_id = u.id), '[]') AS tags
	FROM bench.users u ORDER BY u.id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, l.tags
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT COALESCE(jsonb_agg(t ORDER BY t.id), '[]') AS tags
		FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id WHERE k.user_id = u.id) l
	ORDER BY u.id) x

--- jsonb aggregated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, COALESCE(a.tags, '[]') AS tags
	FROM bench.users u
	LEFT JOIN (
		SELECT y.user_id, jsonb_agg(y.tag) AS tags
		FROM (
			SELECT k.user_id, t AS tag
			FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id ORDER BY k.user_id, k.tag_id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, COALESCE(a.tags, '[]') AS tags
	FROM bench.users u
	LEFT JOIN (
		SELECT y.user_id, json_agg(y.tag) AS tags
		FROM (
			SELECT k.user_id, t AS tag
			FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id ORDER BY k.user_id, k.tag_id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE((
		SELECT json_agg(t ORDER BY t.id)
		FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id WHERE k.user_id = u.id), '[]') AS tags
	FROM bench.users u ORDER BY u.id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, l.tags
	FROM bench.users u
	CROSS JOIN LATERAL (
		SELECT COALESCE(json_agg(t ORDER BY t.id), '[]') AS tags
		FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id WHERE k.user_id = u.id) l
	ORDER BY u.id) x

--- json aggregated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, COALESCE(a.tags, '[]') AS tags
	FROM bench.users u
	LEFT JOIN (
		SELECT y.user_id, json_agg(y.tag) AS tags
		FROM (
			SELECT k.user_id, t AS tag
			FROM bench.tag_user k JOIN bench.tags t ON t.id = k.tag_id ORDER BY k.user_id, k.tag_id) y
		GROUP BY y.user_id) a ON a.user_id = u.id
	ORDER BY u.id) x

--- floor
SELECT * FROM bench.users ORDER BY id;
SELECT * FROM bench.tag_user;
SELECT * FROM bench.tags
