-- demo.sql: the guide's story.  psql -X -q -v ON_ERROR_STOP=1 -f test/demo.sql
--
-- The line of Lucid that a statement stands for is printed above it.

\set ON_ERROR_STOP on
\pset pager off
\pset null '(null)'
SET client_min_messages = warning;
\set ECHO queries

\echo
\echo '== 1. Three tables, as any migration makes them. No foreign key yet. =='
\echo
CREATE EXTENSION relations;

CREATE TABLE roles (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE
);

CREATE TABLE users (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	full_name text NOT NULL,
	email text NOT NULL UNIQUE,
	role_id int
);

CREATE TABLE profiles (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	description text,
	user_id int
);

\echo
\echo '== 2. Declare how they relate, once =='
\echo
\echo 'Lucid:  @hasOne(() => Profile, { foreignKey: \'userId\' })'
SELECT relation, kind, related, local_key, foreign_key, created_constraint, created_index
FROM relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id');

\echo 'Lucid:  @belongsTo(() => User, { foreignKey: \'userId\' })'
SELECT relation, kind, related, local_key, foreign_key, constraint_name
FROM relations.belongs_to('profiles', 'user', 'users', foreign_key => 'user_id');

\echo 'Lucid:  @hasMany(() => User, { localKey: \'id\', foreignKey: \'roleId\' })'
SELECT relation, kind, related, local_key, foreign_key, created_constraint, created_index
FROM relations.has_many('roles', 'users', 'users', foreign_key => 'role_id', local_key => 'id');

\echo 'Lucid:  @belongsTo(() => Role, { foreignKey: \'roleId\' })'
SELECT relation, kind, related, local_key, foreign_key, constraint_name
FROM relations.belongs_to('users', 'role', 'roles', foreign_key => 'role_id');

\echo
\echo '== 3. What the declarations made: foreign keys, a unique constraint, an index =='
\set ECHO none
\echo
\echo '\\d profiles'
\d profiles
\echo '\\d users'
\d users
\set ECHO queries
\echo 'The same as DDL, for people who keep migrations:'
SELECT relations.ddl('users', 'profile');

\echo 'And the catalog:'
SELECT model, relation, kind, related, local_key, foreign_key
FROM relations.relation
ORDER BY model::text, relation;

\echo
\echo '== 4. Insert through a relation =='
\echo
INSERT INTO roles (name) VALUES ('admin') RETURNING *;

\echo 'Lucid:  const user = await User.create({ fullName: \'Aswin\', email: \'aswin@test.com\' })'
INSERT INTO users (full_name, email, role_id)
VALUES ('Aswin', 'aswin@test.com', 1) RETURNING *;

\echo 'Lucid:  await user.related(\'profile\').create({ description: \'Backend developer\' })'
SELECT relations.create_related('users', 1, 'profile', '{"description": "Backend developer"}');

\echo 'Lucid:  await role.related(\'users\').createMany([...])'
SELECT relations.create_many_related('roles', 1, 'users',
	'[{"full_name": "Mina", "email": "mina@test.com"}, {"full_name": "Theo", "email": "theo@test.com"}]');

\echo
\echo '== 5. Read the graph =='
\echo
\echo 'Lucid:  const user = await User.query().preload(\'profile\').first()'
SELECT jsonb_pretty(relations.first('users', 'profile'));

\echo 'Lucid:  user!.profile.description'
SELECT relations.first('users', 'profile') -> 'profile' ->> 'description' AS description;

\echo 'Lucid:  await Role.query().preload(\'users\', (users) => users.preload(\'profile\'))'
SELECT jsonb_pretty(relations.preload('roles', 'users.profile'));

\echo 'Lucid:  await User.query().where(\'id\', 1).preload(\'profile\').preload(\'role\').first()'
SELECT jsonb_pretty(relations.find('users', 1, 'profile', 'role'));

\echo 'Lucid:  await user.load(\'profile\')'
SELECT relations.load(u, 'profile') FROM users u WHERE u.email = 'aswin@test.com';

\echo
\echo '== 6. What an ORM alone cannot promise: the database refuses what does not fit =='
\echo
\echo 'A profile of nobody:'
\set ON_ERROR_STOP off
INSERT INTO profiles (description, user_id) VALUES ('orphan', 4711);
\set refusal :SQLSTATE
\set ON_ERROR_STOP on
\set ECHO none
SELECT :'refusal' = '23503' AS refused \gset
\if :refused
\else
DO $$ BEGIN RAISE 'the orphan was not refused'; END $$;
\endif
\set ECHO queries

\echo
\echo 'A second profile of the same user:'
\set ON_ERROR_STOP off
SELECT relations.create_related('users', 1, 'profile', '{"description": "a second one"}');
\set refusal :SQLSTATE
\set ON_ERROR_STOP on
\set ECHO none
SELECT :'refusal' = '23505' AS refused \gset
\if :refused
\else
DO $$ BEGIN RAISE 'the second profile was not refused'; END $$;
\endif
\set ECHO queries

\echo
\echo '== 7. Test data: five users, each with a profile =='
\echo
\echo 'Lucid:  await UserFactory.with(\'profile\').createMany(5)'
SELECT relations.factory_create('users', 5, '{"with": ["profile"], "seed": 2026}');

\echo 'And read back:  await User.query().orderBy(\'id\', \'desc\').limit(5).preload(\'profile\')'
SELECT relations.query('users', '{"order": ["-id"], "limit": 5, "preload": ["profile"]}');

\echo
\echo '== 8. Look at it: a model\'s relations, a picture, types for clients =='
\echo
SELECT relation, kind, related, keys FROM relations.describe('users');

\pset format unaligned
\pset tuples_only on
SELECT relations.diagram('public');
SELECT relations.typescript('users', '{"preload": ["profile", "role"]}');
\pset tuples_only off
\pset format aligned
\set ECHO none

-- the story was told to its end: is it true?
DO $$
BEGIN
	ASSERT relations.first('users', 'profile') -> 'profile' ->> 'description' = 'Backend developer';
	ASSERT (SELECT count(*) FROM profiles) = 1 + 5;
	ASSERT (SELECT count(*) FROM users WHERE role_id = 1) = 3;
	ASSERT (SELECT count(*) FROM users u JOIN profiles p ON p.user_id = u.id WHERE u.id > 3) = 5;
END $$;
\echo
\echo '== Done =='
