--
-- Which columns join two models
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
SET client_min_messages = notice;
CREATE ROLE regress_relations_keys;
CREATE SCHEMA keys AUTHORIZATION regress_relations_keys;
SET search_path = keys;
SET ROLE regress_relations_keys;

-- what a declaration found; the rest of the row is of no interest here
CREATE FUNCTION found(r relations.relation) RETURNS text LANGUAGE sql
	AS $$ SELECT format('%s.%s %s %s: %s -> %s', (r).model, (r).relation, (r).kind, (r).related, (r).foreign_key, (r).local_key) $$;
-- what an error says
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', state || ': ' || message, NULLIF(detail, ''), NULLIF(hint, ''));
END $$;

--
-- What is said
--
CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE posts (id int PRIMARY KEY, author int, author_email text, "editorId" int);
SELECT found(relations.has_many('users', 'written', 'posts', foreign_key => 'author', local_key => 'id'));
-- the local key is the primary key unless it is said
SELECT found(relations.belongs_to('posts', 'writer', 'users', foreign_key => 'author'));
-- quoted as SQL identifiers are
SELECT found(relations.belongs_to('posts', 'editor', 'users', foreign_key => '"editorId"'));
SELECT refused($$SELECT relations.belongs_to('posts', 'x', 'users', foreign_key => 'editorId')$$);
-- not the primary key
SELECT found(relations.has_many('users', 'mailed', 'posts', foreign_key => 'author_email', local_key => 'email'));
-- a foreign key of these columns is there: it says where it points to
SELECT found(relations.belongs_to('posts', 'mailer', 'users', foreign_key => 'author_email'));
-- only the local key: of the foreign keys, the one that points there
SELECT found(relations.has_many('users', 'sent', 'posts', local_key => 'email'));

--
-- The one foreign key that joins the two
--
CREATE TABLE comments (id int PRIMARY KEY, by_whom int REFERENCES users);
SELECT found(relations.has_many('users', 'comments', 'comments'));
SELECT found(relations.belongs_to('comments', 'user', 'users'));
-- two constraints on the same columns leave nothing to choose
CREATE TABLE likes (id int PRIMARY KEY, liker int REFERENCES users, CONSTRAINT again FOREIGN KEY (liker) REFERENCES users);
SELECT found(relations.belongs_to('likes', 'user', 'users'));
-- two that differ do
SELECT refused($$SELECT relations.has_many('users', 'posts', 'posts')$$);
-- in the other direction there is none
SELECT refused($$SELECT relations.belongs_to('users', 'comment', 'comments')$$);

--
-- The conventional name: <singular of the model's name>_<key>
--
CREATE TABLE companies (code text PRIMARY KEY);
CREATE TABLE "SalesPeople" (id int PRIMARY KEY, company_code text);
CREATE TABLE orders (id int PRIMARY KEY, "SalesPerson_id" int);
SELECT found(relations.has_many('companies', 'people', '"SalesPeople"'));
SELECT found(relations.has_many('"SalesPeople"', 'orders', 'orders'));
-- as relations.model() says it
CREATE TABLE mitarbeiter (id int PRIMARY KEY);
CREATE TABLE zeiten (id int PRIMARY KEY, person_id int);
SELECT refused($$SELECT relations.has_many('mitarbeiter', 'zeiten', 'zeiten')$$);
SELECT name FROM relations.model('mitarbeiter', name => 'person');
SELECT found(relations.has_many('mitarbeiter', 'zeiten', 'zeiten'));
-- and its primary key
CREATE VIEW active AS SELECT * FROM mitarbeiter;
CREATE TABLE badges (id int PRIMARY KEY, active_id int);
SELECT refused($$SELECT relations.has_one('active', 'badge', 'badges', enforce => false)$$);
SELECT primary_key FROM relations.model('active', primary_key => 'id');
SELECT found(relations.has_one('active', 'badge', 'badges', enforce => false));
-- what is null stays, what is empty goes back to the table
SELECT * FROM relations.model('mitarbeiter', hidden => 'id');
SELECT * FROM relations.model('mitarbeiter', name => '');
SELECT * FROM relations.model('mitarbeiter', hidden => '');
SELECT count(*) FROM relations.model WHERE model = 'mitarbeiter'::regclass;
-- cut as PostgreSQL cuts names
CREATE TABLE a_table_with_a_name_that_is_nearly_as_long_as_names_can_be_made (id int PRIMARY KEY);
CREATE TABLE short (a_table_with_a_name_that_is_nearly_as_long_as_names_can_be_made int);
SELECT found(relations.belongs_to('short', 'long', 'a_table_with_a_name_that_is_nearly_as_long_as_names_can_be_made'));

--
-- Composite keys
--
CREATE TABLE accounts (tenant int, no int, PRIMARY KEY (tenant, no));
CREATE TABLE entries (id int PRIMARY KEY, account_tenant int, account_no int);
SELECT found(relations.has_many('accounts', 'entries', 'entries'));
-- the columns are paired by their places; the constraint is found in any order
SELECT found(relations.belongs_to('entries', 'account', 'accounts',
	foreign_key => 'account_no, account_tenant', local_key => 'no, tenant'));
SELECT count(*) AS foreign_keys FROM pg_constraint WHERE conrelid = 'entries'::regclass AND contype = 'f';
SELECT refused($$SELECT relations.belongs_to('entries', 'other', 'accounts', foreign_key => 'account_no')$$);
-- the other way round it is another one
SELECT found(relations.belongs_to('entries', 'crossed', 'accounts',
	foreign_key => 'account_no, account_tenant', local_key => 'tenant, no'));
SELECT count(*) AS foreign_keys FROM pg_constraint WHERE conrelid = 'entries'::regclass AND contype = 'f';

--
-- Self references
--
CREATE TABLE nodes (id int PRIMARY KEY, parent_id int, node_id int);
SELECT found(relations.belongs_to('nodes', 'parent', 'nodes', foreign_key => 'parent_id'));
SELECT found(relations.has_many('nodes', 'children', 'nodes', foreign_key => 'parent_id'));
-- the one foreign key there is comes before the conventional name
SELECT found(relations.has_many('nodes', 'offspring', 'nodes'));
SELECT refused($$SELECT relations.has_many('nodes', 'x', 'nodes', foreign_key => 'id')$$);

--
-- A shared primary key
--
CREATE TABLE people (id int PRIMARY KEY);
CREATE TABLE passports (id int PRIMARY KEY, country text);
SELECT found(relations.has_one('people', 'passport', 'passports', foreign_key => 'id'));
SELECT relations.ddl('people', 'passport');
\d passports

--
-- add_column
--
CREATE DOMAIN zip AS varchar(10) COLLATE "C";
CREATE TABLE cities (zip zip PRIMARY KEY, no numeric(8,2) UNIQUE, label varchar(7) COLLATE "POSIX" UNIQUE);
CREATE TABLE streets (id int PRIMARY KEY);
SELECT found(relations.has_many('cities', 'streets', 'streets', add_column => true));
SELECT found(relations.has_many('cities', 'numbered', 'streets', foreign_key => '"cityNo"', local_key => 'no', add_column => true));
SELECT found(relations.has_one('cities', 'labelled', 'streets', foreign_key => 'label', local_key => 'label', add_column => true));
\d streets
SELECT relations.ddl('cities', 'labelled');
-- only what is missing of a composite key
CREATE TABLE notes (id int PRIMARY KEY, account_tenant int);
SELECT found(r), created_columns FROM relations.belongs_to('notes', 'account', 'accounts', add_column => true) r;
-- nothing is missing
SELECT found(r), created_columns FROM relations.has_many('accounts', 'notes', 'notes', add_column => true) r;
-- the relation cannot bear the name of the column that it adds
SELECT refused($$SELECT relations.belongs_to('notes', 'user_id', 'users', add_column => true)$$);
SELECT refused($$SELECT relations.has_one('users', 'active', 'active', add_column => true, enforce => false)$$);
-- a name that is misspelt is no column to add when it is the one pointed to
SELECT refused($$SELECT relations.belongs_to('notes', 'user', 'users', local_key => 'emial', add_column => true)$$);

--
-- Types
--
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TABLE kinds (id int PRIMARY KEY, mood mood UNIQUE, tag varchar(5) UNIQUE, ref uuid UNIQUE, list int[] UNIQUE);
CREATE TABLE things (big bigint, text_tag text, mood mood, colour colour, dom posint, num numeric, list int[], texts text[], u text);
SELECT found(relations.belongs_to('things', 'by_big', 'kinds', foreign_key => 'big'));
SELECT found(relations.belongs_to('things', 'by_tag', 'kinds', foreign_key => 'text_tag', local_key => 'tag'));
SELECT found(relations.belongs_to('things', 'by_mood', 'kinds', foreign_key => 'mood', local_key => 'mood'));
SELECT found(relations.belongs_to('things', 'by_domain', 'kinds', foreign_key => 'dom'));
SELECT found(relations.belongs_to('things', 'by_list', 'kinds', foreign_key => 'list', local_key => 'list'));
SELECT refused(s) FROM unnest(ARRAY[
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'colour', local_key => 'mood')$$,
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'colour', local_key => 'mood', enforce => false)$$,
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'texts', local_key => 'list')$$,
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'u', local_key => 'ref')$$,
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'u', local_key => 'ref', enforce => false)$$,
	$$SELECT relations.belongs_to('things', 'x', 'kinds', foreign_key => 'ctid', local_key => 'id')$$]) s;

RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
DROP ROLE regress_relations_keys;
