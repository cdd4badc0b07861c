-- title: all users with profile
-- targets: jsonb 0.25, json 0.5, floor 2.5, spi 2.5

--- relations
SELECT relations.preload('bench.users', 'profile') AS j

--- relations json
SELECT relations.preload_json('bench.users', 'profile') AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, (SELECT to_jsonb(p) FROM bench.profiles p WHERE p.user_id = u.id) AS profile
	FROM bench.users u ORDER BY u.id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, l.profile
	FROM bench.users u
	LEFT JOIN LATERAL (SELECT to_jsonb(p) AS profile FROM bench.profiles p WHERE p.user_id = u.id) l ON true
	ORDER BY u.id) x

--- jsonb join
SELECT to_jsonb(u) || jsonb_build_object('profile', to_jsonb(p)) AS j
FROM bench.users u LEFT JOIN bench.profiles p ON p.user_id = u.id
ORDER BY u.id

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, p AS profile
	FROM bench.users u LEFT JOIN bench.profiles p ON p.user_id = u.id
	ORDER BY u.id) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, (SELECT row_to_json(p) FROM bench.profiles p WHERE p.user_id = u.id) AS profile
	FROM bench.users u ORDER BY u.id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, l.profile
	FROM bench.users u
	LEFT JOIN LATERAL (SELECT row_to_json(p) AS profile FROM bench.profiles p WHERE p.user_id = u.id) l ON true
	ORDER BY u.id) x

--- json join
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, p AS profile
	FROM bench.users u LEFT JOIN bench.profiles p ON p.user_id = u.id
	ORDER BY u.id) x

--- floor
SELECT * FROM bench.users ORDER BY id;
SELECT * FROM bench.profiles
