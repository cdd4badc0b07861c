--
-- The guide: a user has one profile, a profile belongs to one user, a role
-- has many users.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA guide;
SET search_path = guide;
CREATE TABLE roles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
					full_name text, email text UNIQUE, role_id int);
CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
					   description text, user_id int);
-- @hasOne(() => Profile, { foreignKey: 'userId' })
SELECT * FROM relations.has_one('users', 'profile', 'profiles', foreign_key => 'user_id') \gx
-- @belongsTo(() => User, { foreignKey: 'userId' }): the same foreign key
SELECT * FROM relations.belongs_to('profiles', 'user', 'users', foreign_key => 'user_id') \gx
-- @hasMany(() => User, { localKey: 'id', foreignKey: 'roleId' })
SELECT * FROM relations.has_many('roles', 'users', 'users', foreign_key => 'role_id', local_key => 'id') \gx
-- by convention: role_id
SELECT * FROM relations.belongs_to('users', 'role', 'roles') \gx
-- what exists now
\d profiles
\d users
SELECT relations.ddl('users', 'profile');
SELECT relations.ddl('roles', 'users');

-- no rows, no document
SELECT relations.first('users', 'profile') IS NULL AS none;
-- const user = await User.create(...); user.related('profile').create(...)
INSERT INTO users (full_name, email) VALUES ('Aswin', 'aswin@test.com') RETURNING id;
SELECT relations.create_related('users', 1, 'profile', '{"description": "Backend developer"}');
-- User.query().preload('profile').first()
SELECT jsonb_pretty(relations.first('users', 'profile'));
-- user!.profile.description
SELECT relations.first('users', 'profile') -> 'profile' ->> 'description' AS description;
-- an orphan, and a second profile
\set VERBOSITY sqlstate
INSERT INTO profiles (description, user_id) VALUES ('orphan', 99);
SELECT relations.create_related('users', 1, 'profile', '{"description": "second"}');
\set VERBOSITY default
-- a belongs_to makes the parent of a child that has none
SELECT relations.create_related('users', 1, 'role', '{"name": "admin"}');
SELECT relations.create_many_related('roles', 1, 'users',
	'[{"full_name": "Bea"}, {"full_name": "Cyd", "email": "cyd@test.com"}]');
SELECT relations.preload('roles', 'users.profile', 'users.role');
SELECT relations.find('users', '1', 'profile.user.profile', 'role');
SELECT relations.load(u, 'profile') FROM users u WHERE email = 'cyd@test.com';

-- UserFactory.with('profile').createMany(5): users, each with a profile, wired
SELECT count(*) AS users, count(d -> 'profile' ->> 'description') AS profiles, count(*) FILTER (WHERE d -> 'profile' -> 'user_id' = d -> 'id') AS wired
FROM relations.factory_create('users', 5, '{"with": ["profile"]}') d;
-- ProfileFactory.with('user'): the parent is made before it
SELECT d -> 'user_id' = d -> 'user' -> 'id' AS wired FROM relations.factory_create('profiles', 1, '{"with": ["user"]}') d;

-- a declaration is undone by ROLLBACK
BEGIN;
SELECT kind FROM relations.has_many('users', 'profiles', 'profiles');
ROLLBACK;
SELECT model, relation, kind, related FROM relations.relation
WHERE model IN ('users'::regclass, 'profiles', 'roles') ORDER BY 1, 2;
-- what two relations share goes with the last
SELECT relations.drop_relation('users', 'profile', drop_constraint => true);
\d profiles
SELECT relations.drop_relation('profiles', 'user', drop_constraint => true);
\d profiles
SELECT relations.drop_relation('roles', 'users'), relations.drop_relation('users', 'role');
DROP SCHEMA guide CASCADE;
