-- title: one user with profile, by key
-- targets: jsonb 1.1
-- calls: 20000
-- rows: one
-- Each form is a query of one column, j; forms that have :id are asked for one key after the other.

--- relations
SELECT relations.find('bench.users', :id, 'profile') AS j

--- relations json
SELECT relations.find_json('bench.users', :id, 'profile') AS j

--- jsonb correlated
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, (SELECT to_jsonb(p) FROM bench.profiles p WHERE p.user_id = u.id) AS profile
	FROM bench.users u WHERE u.id = :id) x

--- jsonb lateral
SELECT to_jsonb(x) AS j
FROM (
	SELECT u.*, l.profile
	FROM bench.users u
	LEFT JOIN LATERAL (SELECT to_jsonb(p) AS profile FROM bench.profiles p WHERE p.user_id = u.id) l ON true
	WHERE u.id = :id) x

--- jsonb join
SELECT to_jsonb(u) || jsonb_build_object('profile', to_jsonb(p)) AS j
FROM bench.users u LEFT JOIN bench.profiles p ON p.user_id = u.id
WHERE u.id = :id

--- jsonb cast
SELECT row_to_json(x)::text::jsonb AS j
FROM (
	SELECT u.*, (SELECT row_to_json(p) FROM bench.profiles p WHERE p.user_id = u.id) AS profile
	FROM bench.users u WHERE u.id = :id) x

--- json correlated
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, (SELECT row_to_json(p) FROM bench.profiles p WHERE p.user_id = u.id) AS profile
	FROM bench.users u WHERE u.id = :id) x

--- json lateral
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, l.profile
	FROM bench.users u
	LEFT JOIN LATERAL (SELECT row_to_json(p) AS profile FROM bench.profiles p WHERE p.user_id = u.id) l ON true
	WHERE u.id = :id) x

--- json join
SELECT row_to_json(x) AS j
FROM (
	SELECT u.*, p AS profile
	FROM bench.users u LEFT JOIN bench.profiles p ON p.user_id = u.id
	WHERE u.id = :id) x

--- floor
SELECT * FROM bench.users WHERE id = :id;
SELECT * FROM bench.profiles WHERE user_id = :id
