--
-- The context of an error names models as they were called when the statement
-- began.  A name cannot be looked up while an error is being reported.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA error_context;
SET search_path = error_context;

CREATE TABLE users (id int PRIMARY KEY, posts_count int NOT NULL DEFAULT 0);
CREATE TABLE stored_posts (id int PRIMARY KEY, user_id int REFERENCES users);
CREATE DOMAIN small AS int;
CREATE TABLE measures (id int PRIMARY KEY, size small);
INSERT INTO users VALUES (1);

-- renames a table, and fails
CREATE FUNCTION rename_and_fail(relation regclass) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	EXECUTE format('ALTER TABLE %s RENAME TO renamed', relation);
	RAISE EXCEPTION 'failed after renaming %', relation::oid::regclass;
END $$;
-- the last line of the context of an error
CREATE FUNCTION context_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE context text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN (regexp_match(context, '^(?:reading|counter_cache|value of type|touch)[^\n]*', 'n'))[1];
END $$;

-- a level
CREATE VIEW posts AS SELECT * FROM stored_posts WHERE rename_and_fail('users');
INSERT INTO stored_posts VALUES (1, 1);
SELECT kind FROM relations.has_many('users', 'posts', 'posts', foreign_key => 'user_id', enforce => false);
SELECT context_of($$SELECT relations.find('users', 1, 'posts')$$);

-- a counter
SELECT kind FROM relations.belongs_to('stored_posts', 'user', 'users', counter_cache => 'posts_count');
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM error_context.rename_and_fail('error_context.stored_posts'); RETURN NULL; END $$;
CREATE TRIGGER fail AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION fail();
SELECT context_of('INSERT INTO stored_posts VALUES (2, 1)');

-- the domain of a value that a factory made
CREATE FUNCTION fails(size int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	ALTER DOMAIN error_context.small RENAME TO renamed;
	RAISE EXCEPTION 'failed';
END $$;
ALTER TABLE measures ALTER size TYPE int;
ALTER DOMAIN small ADD CHECK (fails(VALUE));
ALTER TABLE measures ADD length small;
SELECT context_of($$SELECT relations.factory_make('measures')$$);

DROP SCHEMA error_context CASCADE;
