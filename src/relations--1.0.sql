/* src/relations--1.0.sql: the SQL face of the extension */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION relations" to load this file. \quit

-- Names without a schema are those of pg_catalog, whatever is in other schemas.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The schema is a member of the extension, and is dropped with it.  An existing
-- schema is refused: its owner, or a role that may create in it, could add
-- functions that fit a call better than ours, SELECT relations.find('users', 1).
DO LANGUAGE plpgsql $$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) 'relations') THEN
		RAISE duplicate_schema USING
			MESSAGE = 'schema "relations" already exists',
			HINT = 'CREATE EXTENSION creates this schema. Drop or rename the existing one first.';
	END IF;
END
$$;
CREATE SCHEMA relations;

-- ---------------------------------------------------------------------
-- The key of a row, as text: any scalar is taken as one
-- ---------------------------------------------------------------------
CREATE TYPE relations.key;

CREATE FUNCTION relations.key_in(cstring) RETURNS relations.key
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
CREATE FUNCTION relations.key_out(relations.key) RETURNS cstring
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE FUNCTION relations.key_recv(internal) RETURNS relations.key
	LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
CREATE FUNCTION relations.key_send(relations.key) RETURNS bytea
	LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';

CREATE TYPE relations.key (
	INPUT = relations.key_in,
	OUTPUT = relations.key_out,
	RECEIVE = relations.key_recv,
	SEND = relations.key_send,
	LIKE = text
);

CREATE CAST (text AS relations.key) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS relations.key) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (relations.key AS text) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (int2 AS relations.key) WITH INOUT AS IMPLICIT;
CREATE CAST (int4 AS relations.key) WITH INOUT AS IMPLICIT;
CREATE CAST (int8 AS relations.key) WITH INOUT AS IMPLICIT;
CREATE CAST (numeric AS relations.key) WITH INOUT AS IMPLICIT;
CREATE CAST (uuid AS relations.key) WITH INOUT AS IMPLICIT;
CREATE CAST (date AS relations.key) WITH INOUT AS IMPLICIT;

COMMENT ON TYPE relations.key IS
	'the key of a row as text: a scalar, or for a composite key a row literal such as ''(7,42)''';
COMMENT ON CAST (text AS relations.key) IS 'the key of a row';
COMMENT ON CAST (varchar AS relations.key) IS 'the key of a row';
COMMENT ON CAST (int2 AS relations.key) IS 'the key of a row';
COMMENT ON CAST (int4 AS relations.key) IS 'the key of a row';
COMMENT ON CAST (int8 AS relations.key) IS 'the key of a row';
COMMENT ON CAST (numeric AS relations.key) IS 'the key of a row';
COMMENT ON CAST (uuid AS relations.key) IS 'the key of a row';
COMMENT ON CAST (date AS relations.key) IS 'the key of a row';
COMMENT ON CAST (relations.key AS text) IS 'as it is written';
COMMENT ON FUNCTION relations.key_in(cstring) IS 'I/O';
COMMENT ON FUNCTION relations.key_out(relations.key) IS 'I/O';
COMMENT ON FUNCTION relations.key_recv(internal) IS 'I/O';
COMMENT ON FUNCTION relations.key_send(relations.key) IS 'I/O';

-- ---------------------------------------------------------------------
-- The catalog
-- ---------------------------------------------------------------------

-- What is said of a model itself.  Names of columns, never their numbers:
-- numbers change over dump and restore.
CREATE TABLE relations.model (
	model		regclass NOT NULL PRIMARY KEY,
	name		name,
	primary_key	name[],
	hidden		name[]
);

CREATE TABLE relations.relation (
	model				regclass NOT NULL,
	relation			name NOT NULL,
	kind				text NOT NULL
		CONSTRAINT relation_kind_check
		CHECK (kind IN ('has_one', 'has_many', 'belongs_to', 'many_to_many',
			'has_one_through', 'has_many_through',
			'morph_to', 'morph_one', 'morph_many', 'morph_to_many', 'morphed_by_many')),
	related				regclass
		CONSTRAINT relation_related_check CHECK (related IS NOT NULL OR kind = 'morph_to'),
	local_key			name[],
	foreign_key			name[],
	through				regclass,
	through_local_key	name[],
	through_foreign_key	name[],
	steps				name[],
	pivot_table			regclass,
	pivot_foreign_key	name[],
	pivot_related_foreign_key	name[],
	related_key			name[],
	pivot_columns		name[],
	pivot_timestamps	boolean NOT NULL DEFAULT false,
	morph				name,
	scope				jsonb,
	on_delete			text,
	on_update			text,
	defer				text,
	enforce				boolean NOT NULL DEFAULT true,
	validate			boolean NOT NULL DEFAULT true,
	touch				name,
	counter_cache		name,
	constraint_name		name,
	related_constraint_name	name,
	created_constraint	name,
	created_related_constraint	name,
	created_index		name,
	created_second_index	name,
	created_columns		name[],
	created_table		boolean NOT NULL DEFAULT false,
	PRIMARY KEY (model, relation)
);
CREATE INDEX relation_related_idx ON relations.relation (related);

-- The types of a polymorphic reference: a column of the type's name and one of
-- its key, and for each type a stored generated column with a foreign key.
CREATE TABLE relations.morph_type (
	model				regclass NOT NULL,
	morph				name NOT NULL,
	type				text NOT NULL,
	related				regclass NOT NULL,
	local_key			name[] NOT NULL,
	type_column			name NOT NULL,
	id_columns			name[] NOT NULL,
	foreign_key			name[] NOT NULL,
	on_delete			text,
	on_update			text,
	constraint_name		name,
	check_name			name,
	created_index		name,
	PRIMARY KEY (model, morph, type)
);
CREATE INDEX morph_type_related_idx ON relations.morph_type (related);

-- The graph views: which graph each shows.
CREATE TABLE relations.graph_view (
	view				regclass NOT NULL PRIMARY KEY,
	model				regclass NOT NULL,
	relations			text[] NOT NULL
);

-- The factories: what makes the values of which columns, and states that say
-- some of them otherwise.
CREATE TABLE relations.factory (
	model				regclass NOT NULL PRIMARY KEY,
	definition			jsonb NOT NULL
);
CREATE TABLE relations.factory_state (
	model				regclass NOT NULL,
	state				name NOT NULL,
	definition			jsonb NOT NULL,
	PRIMARY KEY (model, state)
);

-- Changes that a row of another table of the catalog could not follow yet,
-- because a transaction of a role without privileges on the altered table had
-- locked it.  Readers apply them.
CREATE TABLE relations.pending_change (
	catalog				text NOT NULL,
	model				regclass NOT NULL,
	name				name NOT NULL,
	type				text NOT NULL,
	number				int NOT NULL,
	change				text NOT NULL,
	tables				regclass[] NOT NULL,
	enum				regtype,
	old_name			text NOT NULL,
	new_name			text
);
CREATE INDEX pending_change_model_name_idx ON relations.pending_change (model, name);

-- Their triggers do work later, see counter_late and counter_end.  They stay empty.
CREATE UNLOGGED TABLE relations.counter_late ();
CREATE UNLOGGED TABLE relations.counter_end ();

-- Only its owner may create in the schema or write to the catalog, whatever the
-- default privileges of the role that installs the extension grant.
DO LANGUAGE plpgsql $$
DECLARE
	statement text;
BEGIN
	FOR statement IN
		SELECT pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', o.name,
			CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
				ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END)
		FROM (
			SELECT 'SCHEMA relations', n.nspacl, n.nspowner FROM pg_catalog.pg_namespace n
			WHERE n.nspname OPERATOR(pg_catalog.=) 'relations'
			UNION ALL
			SELECT pg_catalog.format('TABLE relations.%I', c.relname), c.relacl, c.relowner
			FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
			WHERE n.nspname OPERATOR(pg_catalog.=) 'relations' AND c.relkind OPERATOR(pg_catalog.=) 'r'
		) o (name, acl, owner)
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
		WHERE a.grantee OPERATOR(pg_catalog.<>) o.owner
		GROUP BY o.name, a.grantee
	LOOP
		EXECUTE statement;
	END LOOP;
END
$$;
GRANT USAGE ON SCHEMA relations TO PUBLIC;
GRANT SELECT ON relations.model, relations.relation, relations.morph_type, relations.graph_view,
	relations.factory, relations.factory_state, relations.pending_change, relations.counter_late, relations.counter_end TO PUBLIC;

-- what a temporary table left behind, or has now, cannot be restored
SELECT pg_catalog.pg_extension_config_dump('relations.model',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')');
SELECT pg_catalog.pg_extension_config_dump('relations.relation',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')'
	' AND (related IS NULL OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = related))');
SELECT pg_catalog.pg_extension_config_dump('relations.morph_type',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')'
	' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = related)');

SELECT pg_catalog.pg_extension_config_dump('relations.graph_view',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = view AND c.relpersistence <> ''t'')'
	' AND EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model)');
SELECT pg_catalog.pg_extension_config_dump('relations.factory',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')');
SELECT pg_catalog.pg_extension_config_dump('relations.factory_state',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')');

SELECT pg_catalog.pg_extension_config_dump('relations.pending_change',
	'WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = model AND c.relpersistence <> ''t'')');

COMMENT ON TABLE relations.factory IS
	'the factories, one row a model; written by the functions of this schema only';
COMMENT ON COLUMN relations.factory.model IS 'the table whose rows it makes';
COMMENT ON COLUMN relations.factory.definition IS 'an object of columns and what makes their values';
COMMENT ON TABLE relations.factory_state IS
	'the states of factories, one row a state; written by the functions of this schema only';
COMMENT ON COLUMN relations.factory_state.model IS 'the table whose rows it makes';
COMMENT ON COLUMN relations.factory_state.state IS 'name of the state, unique within the model';
COMMENT ON COLUMN relations.factory_state.definition IS 'an object of those columns that it says otherwise';
COMMENT ON TABLE relations.graph_view IS
	'the graph views, one row a view; written by the functions of this schema only';
COMMENT ON COLUMN relations.graph_view.view IS 'the view';
COMMENT ON COLUMN relations.graph_view.model IS 'the model whose rows it shows';
COMMENT ON COLUMN relations.graph_view.relations IS 'the paths of the relations that it shows';
COMMENT ON TABLE relations.pending_change IS
	'changes that rows of the catalog could not follow yet; written by the event triggers only';
COMMENT ON COLUMN relations.pending_change.catalog IS 'the table of the catalog that has the row';
COMMENT ON COLUMN relations.pending_change.model IS 'model of the row';
COMMENT ON COLUMN relations.pending_change.name IS 'relation, morph or state of the row; empty for a row that has only a model';
COMMENT ON COLUMN relations.pending_change.type IS 'type of the row; empty except for morph_type';
COMMENT ON COLUMN relations.pending_change.number IS 'order of the changes of a row';
COMMENT ON COLUMN relations.pending_change.change IS 'what happened, such as renamed_column';
COMMENT ON COLUMN relations.pending_change.tables IS 'the altered tables';
COMMENT ON COLUMN relations.pending_change.enum IS 'the altered enum; null unless a value was renamed';
COMMENT ON COLUMN relations.pending_change.old_name IS 'name before the change';
COMMENT ON COLUMN relations.pending_change.new_name IS 'name after the change; null for what was dropped';
COMMENT ON SCHEMA relations IS 'an ORM''s relationships, inside PostgreSQL';
COMMENT ON TABLE relations.model IS
	'what relations.model() said of a model: one row a model that differs from what its table says';
COMMENT ON COLUMN relations.model.model IS 'the table or view';
COMMENT ON COLUMN relations.model.name IS 'singular name, from which foreign keys are guessed; null: derived from the table''s name';
COMMENT ON COLUMN relations.model.primary_key IS 'columns that identify a row; null: the table''s primary key';
COMMENT ON COLUMN relations.model.hidden IS 'columns that no document shows';
COMMENT ON TABLE relations.relation IS
	'the declared relations, one row a relation; written by the functions of this schema only';
COMMENT ON COLUMN relations.relation.model IS 'the table or view that the relation starts from';
COMMENT ON COLUMN relations.relation.relation IS 'name of the relation, unique within the model';
COMMENT ON COLUMN relations.relation.kind IS 'has_one, has_many, belongs_to, many_to_many, has_one_through, has_many_through, morph_to, morph_one, morph_many, morph_to_many or morphed_by_many';
COMMENT ON COLUMN relations.relation.related IS 'the table or view that the relation leads to; null for morph_to, see morph_type';
COMMENT ON COLUMN relations.relation.local_key IS 'columns that the foreign key points to';
COMMENT ON COLUMN relations.relation.foreign_key IS 'columns that hold the reference; through a model: those of the first step; through a pivot: null';
COMMENT ON COLUMN relations.relation.through IS 'the model between the two sides of a has_*_through';
COMMENT ON COLUMN relations.relation.through_local_key IS 'columns that the foreign key of the second step points to';
COMMENT ON COLUMN relations.relation.through_foreign_key IS 'columns that hold the reference of the second step';
COMMENT ON COLUMN relations.relation.steps IS 'has_*_through: has_many or belongs_to, for the step to the through model and the step from there';
COMMENT ON COLUMN relations.relation.pivot_table IS 'the table between the two sides of a many_to_many';
COMMENT ON COLUMN relations.relation.pivot_foreign_key IS 'columns of the pivot table that refer to the model';
COMMENT ON COLUMN relations.relation.pivot_related_foreign_key IS 'columns of the pivot table that refer to the related model';
COMMENT ON COLUMN relations.relation.related_key IS 'columns of the related model that the pivot table refers to';
COMMENT ON COLUMN relations.relation.pivot_columns IS 'columns of the pivot table that documents show under "pivot"';
COMMENT ON COLUMN relations.relation.pivot_timestamps IS 'the pivot table has created_at and updated_at, which documents show under "pivot"';
COMMENT ON COLUMN relations.relation.morph IS 'name of the polymorphic reference, see morph_type';
COMMENT ON COLUMN relations.relation.scope IS 'part of a query document that always applies: where, order, limit';
COMMENT ON COLUMN relations.relation.on_delete IS 'as declared; null: not said';
COMMENT ON COLUMN relations.relation.on_update IS 'as declared; null: not said';
COMMENT ON COLUMN relations.relation.defer IS 'as declared; null: not said';
COMMENT ON COLUMN relations.relation.enforce IS 'false: registered only, without a constraint';
COMMENT ON COLUMN relations.relation.validate IS 'false: the constraint was added NOT VALID';
COMMENT ON COLUMN relations.relation.touch IS 'column of the related model that is set to the time of each change of the model''s rows';
COMMENT ON COLUMN relations.relation.counter_cache IS 'column of the related model that holds the number of the model''s rows that refer to it';
COMMENT ON COLUMN relations.relation.constraint_name IS 'the foreign key constraint that enforces it; through a pivot: the one that refers to the model';
COMMENT ON COLUMN relations.relation.related_constraint_name IS 'through a pivot or a model: the foreign key constraint of the second step';
COMMENT ON COLUMN relations.relation.created_constraint IS 'the foreign key constraint, when the declaration created it';
COMMENT ON COLUMN relations.relation.created_related_constraint IS 'the foreign key constraint of the second step, when the declaration created it';
COMMENT ON COLUMN relations.relation.created_index IS 'the unique constraint or index, when the declaration created it';
COMMENT ON COLUMN relations.relation.created_second_index IS 'through a pivot or a model: the other index, when there are two';
COMMENT ON COLUMN relations.relation.created_columns IS 'the columns that the declaration added to a table that was there';
COMMENT ON COLUMN relations.relation.created_table IS 'the declaration created the pivot table';
COMMENT ON TABLE relations.morph_type IS
	'the types of polymorphic references, one row a type; written by the functions of this schema only';
COMMENT ON COLUMN relations.morph_type.model IS 'the table that holds the reference';
COMMENT ON COLUMN relations.morph_type.morph IS 'name of the reference, unique within the table';
COMMENT ON COLUMN relations.morph_type.type IS 'the type as it stands in the type column';
COMMENT ON COLUMN relations.morph_type.related IS 'the table that rows of this type refer to';
COMMENT ON COLUMN relations.morph_type.local_key IS 'its columns that are referred to';
COMMENT ON COLUMN relations.morph_type.type_column IS 'column of the type';
COMMENT ON COLUMN relations.morph_type.id_columns IS 'columns of the key';
COMMENT ON COLUMN relations.morph_type.foreign_key IS 'the stored generated columns that hold the key when the type matches; no document shows them';
COMMENT ON COLUMN relations.morph_type.on_delete IS 'as declared; null: not said';
COMMENT ON COLUMN relations.morph_type.on_update IS 'as declared; null: not said';
COMMENT ON COLUMN relations.morph_type.constraint_name IS 'the foreign key constraint on the generated columns';
COMMENT ON COLUMN relations.morph_type.check_name IS 'the check constraint that lets only known types in';
COMMENT ON COLUMN relations.morph_type.created_index IS 'the index on the generated columns';

-- Every session's caches follow the catalog, by whatever way it is written.
CREATE FUNCTION relations.catalog_changed() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_catalog_changed';
REVOKE ALL ON FUNCTION relations.catalog_changed() FROM PUBLIC;
COMMENT ON FUNCTION relations.catalog_changed() IS
	'trigger of the catalog tables: tells every session to read them again';

CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.model
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.relation
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.morph_type
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.graph_view
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.factory
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.factory_state
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
CREATE TRIGGER catalog_changed
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relations.pending_change
	FOR EACH STATEMENT EXECUTE FUNCTION relations.catalog_changed();
-- restores may write with the replica role
ALTER TABLE relations.model ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.relation ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.morph_type ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.graph_view ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.factory ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.factory_state ENABLE ALWAYS TRIGGER catalog_changed;
ALTER TABLE relations.pending_change ENABLE ALWAYS TRIGGER catalog_changed;

-- Another server's declarations are not taken by logical replication.
CREATE FUNCTION relations.catalog_row() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_catalog_row';
REVOKE ALL ON FUNCTION relations.catalog_row() FROM PUBLIC;
COMMENT ON FUNCTION relations.catalog_row() IS
	'trigger of the catalog tables: passes over what logical replication brings of another server''s';

CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.model
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.relation
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.morph_type
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.graph_view
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.factory
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.factory_state
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
CREATE TRIGGER catalog_row
	BEFORE INSERT OR UPDATE OR DELETE ON relations.pending_change
	FOR EACH ROW EXECUTE FUNCTION relations.catalog_row();
ALTER TABLE relations.model ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.relation ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.morph_type ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.graph_view ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.factory ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.factory_state ENABLE REPLICA TRIGGER catalog_row;
ALTER TABLE relations.pending_change ENABLE REPLICA TRIGGER catalog_row;

-- ---------------------------------------------------------------------
-- Declaring
-- ---------------------------------------------------------------------
CREATE FUNCTION relations.has_one(
	model regclass, relation name, related regclass,
	foreign_key text DEFAULT NULL, local_key text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_has_one';
COMMENT ON FUNCTION relations.has_one(regclass, name, regclass, text, text, text, text, text, boolean, boolean, boolean, jsonb) IS
	'declare that a row of model has at most one row of related; returns the catalog row';

CREATE FUNCTION relations.has_many(
	model regclass, relation name, related regclass,
	foreign_key text DEFAULT NULL, local_key text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_has_many';
COMMENT ON FUNCTION relations.has_many(regclass, name, regclass, text, text, text, text, text, boolean, boolean, boolean, jsonb) IS
	'declare that a row of model has any number of rows of related; returns the catalog row';

CREATE FUNCTION relations.belongs_to(
	model regclass, relation name, related regclass,
	foreign_key text DEFAULT NULL, local_key text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL,
	touch text DEFAULT NULL, counter_cache text DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_belongs_to';
COMMENT ON FUNCTION relations.belongs_to(regclass, name, regclass, text, text, text, text, text, boolean, boolean, boolean, jsonb, text, text) IS
	'declare that a row of model refers to at most one row of related; the foreign key is on model; returns the catalog row';

CREATE FUNCTION relations.many_to_many(
	model regclass, relation name, related regclass,
	pivot_table text DEFAULT NULL,
	local_key text DEFAULT NULL, related_key text DEFAULT NULL,
	pivot_foreign_key text DEFAULT NULL, pivot_related_foreign_key text DEFAULT NULL,
	pivot_columns text DEFAULT NULL, pivot_timestamps boolean DEFAULT false,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_many_to_many';
COMMENT ON FUNCTION relations.many_to_many(regclass, name, regclass, text, text, text, text, text, text, boolean, text, text, text, boolean, boolean, jsonb) IS
	'declare that rows of model and rows of related are joined by rows of a pivot table, which is created when there is none; a pair that stands twice in the pivot table is listed twice; returns the catalog row';

CREATE FUNCTION relations.morph_to(
	model regclass, relation name, types jsonb,
	morph text DEFAULT NULL, type_column text DEFAULT NULL, id_column text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_morph_to';
COMMENT ON FUNCTION relations.morph_to(regclass, name, jsonb, text, text, text, text, text, text, boolean, boolean, boolean, jsonb) IS
	'declare that a row of model refers to at most one row of one of several tables: types is an object of type values and tables, or an array of tables, whose type values are the singulars of their names; returns the catalog row';

CREATE FUNCTION relations.morph_one(
	model regclass, relation name, related regclass, morph text,
	type text DEFAULT NULL, local_key text DEFAULT NULL,
	type_column text DEFAULT NULL, id_column text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_morph_one';
COMMENT ON FUNCTION relations.morph_one(regclass, name, regclass, text, text, text, text, text, text, text, text, boolean, boolean, boolean, jsonb) IS
	'declare that a row of model has at most one row of related by its polymorphic reference morph, in which model is one type; returns the catalog row';

CREATE FUNCTION relations.morph_many(
	model regclass, relation name, related regclass, morph text,
	type text DEFAULT NULL, local_key text DEFAULT NULL,
	type_column text DEFAULT NULL, id_column text DEFAULT NULL,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, add_column boolean DEFAULT false,
	scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_morph_many';
COMMENT ON FUNCTION relations.morph_many(regclass, name, regclass, text, text, text, text, text, text, text, text, boolean, boolean, boolean, jsonb) IS
	'declare that a row of model has any number of rows of related by its polymorphic reference morph, in which model is one type; returns the catalog row';

CREATE FUNCTION relations.morph_to_many(
	model regclass, relation name, related regclass, morph text,
	pivot_table text DEFAULT NULL, type text DEFAULT NULL,
	local_key text DEFAULT NULL, related_key text DEFAULT NULL,
	pivot_related_foreign_key text DEFAULT NULL,
	type_column text DEFAULT NULL, id_column text DEFAULT NULL,
	pivot_columns text DEFAULT NULL, pivot_timestamps boolean DEFAULT false,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_morph_to_many';
COMMENT ON FUNCTION relations.morph_to_many(regclass, name, regclass, text, text, text, text, text, text, text, text, text, boolean, text, text, text, boolean, boolean, jsonb) IS
	'declare that rows of model and rows of related are joined by rows of a pivot table, which refers to the model by its polymorphic reference morph; the table is created when there is none; returns the catalog row';

CREATE FUNCTION relations.morphed_by_many(
	model regclass, relation name, related regclass, morph text,
	pivot_table text DEFAULT NULL, type text DEFAULT NULL,
	local_key text DEFAULT NULL, related_key text DEFAULT NULL,
	pivot_foreign_key text DEFAULT NULL,
	type_column text DEFAULT NULL, id_column text DEFAULT NULL,
	pivot_columns text DEFAULT NULL, pivot_timestamps boolean DEFAULT false,
	on_delete text DEFAULT NULL, on_update text DEFAULT NULL,
	defer text DEFAULT NULL, enforce boolean DEFAULT true,
	validate boolean DEFAULT true, scope jsonb DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_morphed_by_many';
COMMENT ON FUNCTION relations.morphed_by_many(regclass, name, regclass, text, text, text, text, text, text, text, text, text, boolean, text, text, text, boolean, boolean, jsonb) IS
	'the inverse of morph_to_many: declare that rows of model and rows of related are joined by rows of a pivot table, which refers to related by its polymorphic reference morph; the table is created when there is none; returns the catalog row';

CREATE FUNCTION relations.morph_action() RETURNS trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'relations_morph_action';
COMMENT ON FUNCTION relations.morph_action() IS
	'trigger of tables that polymorphic references lead to: does the actions that foreign keys on generated columns cannot do';
CREATE FUNCTION relations.has_one_through(
	model regclass, relation name, related regclass, through regclass,
	foreign_key text DEFAULT NULL, local_key text DEFAULT NULL,
	through_foreign_key text DEFAULT NULL, through_local_key text DEFAULT NULL,
	scope jsonb DEFAULT NULL, steps text DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_has_one_through';
COMMENT ON FUNCTION relations.has_one_through(regclass, name, regclass, regclass, text, text, text, text, jsonb, text) IS
	'declare that a row of model leads to at most one row of related through rows of another model; steps say of both ways whether the foreign key is on the far side (has_many) or on the near one (belongs_to), else it is found; returns the catalog row';

CREATE FUNCTION relations.has_many_through(
	model regclass, relation name, related regclass, through regclass,
	foreign_key text DEFAULT NULL, local_key text DEFAULT NULL,
	through_foreign_key text DEFAULT NULL, through_local_key text DEFAULT NULL,
	scope jsonb DEFAULT NULL, steps text DEFAULT NULL)
	RETURNS relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_has_many_through';
COMMENT ON FUNCTION relations.has_many_through(regclass, name, regclass, regclass, text, text, text, text, jsonb, text) IS
	'declare that a row of model leads to any number of rows of related through rows of another model, or of a pivot table; a row that is reached by two ways is listed twice, as a join gives it; returns the catalog row';

CREATE FUNCTION relations.drop_relation(
	model regclass, relation name, drop_constraint boolean DEFAULT false)
	RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_drop_relation';
COMMENT ON FUNCTION relations.drop_relation(regclass, name, boolean) IS
	'forget a relation; with drop_constraint also drop the constraint and the index that declaring it created, when no other relation uses them';

-- Everybody who owns a table may have its triggers call them, as a restore
-- does: they do what the catalog says of that table and nothing else.
CREATE FUNCTION relations.counter_rows() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_counter_rows';
COMMENT ON FUNCTION relations.counter_rows() IS
	'statement trigger of models with counter_cache or touch: counts and touches the parents of the rows that were written';
CREATE FUNCTION relations.counter_begin() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_counter_begin';
COMMENT ON FUNCTION relations.counter_begin() IS
	'trigger before statements on models with counter_cache or touch: lets counter_rows count the rows of INSERT ON CONFLICT, MERGE and WITH together';

-- A DELETE of no row is run on counter_end after cascades.
COMMENT ON TABLE relations.counter_end IS
	'empty: its trigger counts the rows of all tables that cascades of a statement have written';
CREATE FUNCTION relations.counter_end() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_counter_end';
COMMENT ON FUNCTION relations.counter_end() IS
	'trigger of counter_end: counts the rows of all tables that cascades of a statement have written';
REVOKE ALL ON FUNCTION relations.counter_end() FROM PUBLIC;
CREATE TRIGGER counter_end AFTER DELETE ON relations.counter_end
	FOR EACH STATEMENT EXECUTE FUNCTION relations.counter_end();

CREATE FUNCTION relations.counter_parent() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_counter_parent';
COMMENT ON FUNCTION relations.counter_parent() IS
	'trigger of tables with a counter: counts the rows that refer to a row that is new, or whose key is';

-- A row is inserted into counter_late, and deleted at COMMIT, if a transaction has
-- stored rows before their parents.
COMMENT ON TABLE relations.counter_late IS
	'empty: its trigger counts, at the end of a transaction, rows that were stored before their parents under a deferred constraint';
CREATE FUNCTION relations.counter_late() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_counter_late';
COMMENT ON FUNCTION relations.counter_late() IS
	'trigger of counter_late: counts the rows that the transaction has stored before their parents';
REVOKE ALL ON FUNCTION relations.counter_late() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER counter_late AFTER INSERT ON relations.counter_late
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION relations.counter_late();

CREATE FUNCTION relations.recount(model regclass, relation name)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_recount';
COMMENT ON FUNCTION relations.recount(regclass, name) IS
	'set the counter_cache of a relation from the rows; returns how many counters were wrong; to be called after ATTACH or DETACH PARTITION, and when partitions that are new are written by their own names';

CREATE FUNCTION relations.discover(schema text, register boolean DEFAULT false)
	RETURNS SETOF relations.relation
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_discover';
COMMENT ON FUNCTION relations.discover(text, boolean) IS
	'the relations that the foreign keys of a schema imply, registered already or not; with register they are declared';

CREATE FUNCTION relations.ddl(model regclass, relation name)
	RETURNS SETOF text
	LANGUAGE c STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_ddl';
COMMENT ON FUNCTION relations.ddl(regclass, name) IS
	'the DDL that a declared relation stands on, one statement a row, for people who keep migrations';

CREATE FUNCTION relations.check(schema text DEFAULT NULL)
	RETURNS TABLE (model regclass, relation name, problem text, severity text, detail text, statement text)
	LANGUAGE c STABLE PARALLEL UNSAFE COST 10000 ROWS 20 SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_check';
COMMENT ON FUNCTION relations.check(text) IS
	'what is wrong or slow with the relations of a schema''s models, of all when it is null, each with the statement that mends it';

CREATE FUNCTION relations.repair(schema text DEFAULT NULL)
	RETURNS TABLE (model regclass, relation name, problem text, severity text, detail text, statement text, outcome text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 20 SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_repair';
COMMENT ON FUNCTION relations.repair(text) IS
	'run the statements of check, but for those that take rows or declarations away; returns what was found, with the outcome: done, failed, or left to you';

CREATE FUNCTION relations.forget("table" regclass, "column" name DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_forget';
COMMENT ON FUNCTION relations.forget(regclass, name) IS
	'tell the catalog of a table, or a column, that was dropped while event triggers did not fire; relations that stood on it go';

CREATE FUNCTION relations.model(
	model regclass, name text DEFAULT NULL,
	primary_key text DEFAULT NULL, hidden text DEFAULT NULL)
	RETURNS relations.model
	LANGUAGE c VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_model';
COMMENT ON FUNCTION relations.model(regclass, text, text, text) IS
	'say a model''s singular name, the columns that identify its rows and the columns that no document shows';

-- ---------------------------------------------------------------------
-- Following DDL
-- ---------------------------------------------------------------------
-- No SET search_path here: it would cost every DDL command of the database more
-- than the functions do.  They set it when there is something to follow.
CREATE FUNCTION relations.follow_drop() RETURNS event_trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'relations_follow_drop';
COMMENT ON FUNCTION relations.follow_drop() IS
	'event trigger: the relations of a dropped table go with it';
CREATE FUNCTION relations.follow_ddl() RETURNS event_trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'relations_follow_ddl';
COMMENT ON FUNCTION relations.follow_ddl() IS
	'event trigger: names of columns, constraints and values of enums in the catalog follow their renaming';

CREATE EVENT TRIGGER relations_follow_drop ON sql_drop
	EXECUTE FUNCTION relations.follow_drop();
CREATE EVENT TRIGGER relations_follow_ddl ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE',
		'ALTER TYPE')
	EXECUTE FUNCTION relations.follow_ddl();
-- tables are the same ones, whatever the role of the session
ALTER EVENT TRIGGER relations_follow_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER relations_follow_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER relations_follow_drop IS 'relations: the relations of a dropped table go with it';
COMMENT ON EVENT TRIGGER relations_follow_ddl IS 'relations: the catalog follows renamed columns, constraints and values of enums';

-- ---------------------------------------------------------------------
-- Reading
-- ---------------------------------------------------------------------
CREATE FUNCTION relations.preload(model regclass, VARIADIC relations text[] DEFAULT '{}')
	RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_preload';
COMMENT ON FUNCTION relations.preload(regclass, text[]) IS
	'all rows of model as documents, by primary key, with the relations that the dotted paths name';

CREATE FUNCTION relations.first(model regclass, VARIADIC relations text[] DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_first';
COMMENT ON FUNCTION relations.first(regclass, text[]) IS
	'the first row of model by primary key as a document, null when there is none';

CREATE FUNCTION relations.find(model regclass, key relations.key, VARIADIC relations text[] DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_find';
COMMENT ON FUNCTION relations.find(regclass, relations.key, text[]) IS
	'the row of model with this primary key as a document, null when there is none';

CREATE FUNCTION relations.query(model regclass, query jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query';
COMMENT ON FUNCTION relations.query(regclass, jsonb) IS
	'the rows of model that a query document asks for, as documents: select, where, order, limit, offset, after, before, cursor, preload, count, aggregate, key_case';

CREATE FUNCTION relations.query(model regclass, query jsonb, params jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query_params';
COMMENT ON FUNCTION relations.query(regclass, jsonb, jsonb) IS
	'the same; values written as "$name" are taken from params';

CREATE FUNCTION relations.query_related(
	model regclass, key relations.key, relation name, query jsonb DEFAULT '{}')
	RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query_related';
COMMENT ON FUNCTION relations.query_related(regclass, relations.key, name, jsonb) IS
	'the rows that a relation leads to from the row that key names, as a query document filters, orders and pages them';

-- The same as text: what the documents of these functions are as text, made without the jsonb between
CREATE FUNCTION relations.preload_json(model regclass, VARIADIC relations text[] DEFAULT '{}')
	RETURNS SETOF json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_preload_json';
COMMENT ON FUNCTION relations.preload_json(regclass, text[]) IS
	'preload, its documents as text: less work for the server when a client is to parse them';

CREATE FUNCTION relations.first_json(model regclass, VARIADIC relations text[] DEFAULT '{}')
	RETURNS json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_first_json';
COMMENT ON FUNCTION relations.first_json(regclass, text[]) IS
	'first, its document as text';

CREATE FUNCTION relations.find_json(model regclass, key relations.key, VARIADIC relations text[] DEFAULT '{}')
	RETURNS json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_find_json';
COMMENT ON FUNCTION relations.find_json(regclass, relations.key, text[]) IS
	'find, its document as text';

CREATE FUNCTION relations.query_json(model regclass, query jsonb)
	RETURNS SETOF json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query_json';
COMMENT ON FUNCTION relations.query_json(regclass, jsonb) IS
	'query, its documents as text';

CREATE FUNCTION relations.query_json(model regclass, query jsonb, params jsonb)
	RETURNS SETOF json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 1000 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query_params_json';
COMMENT ON FUNCTION relations.query_json(regclass, jsonb, jsonb) IS
	'query with params, its documents as text';

CREATE FUNCTION relations.query_related_json(
	model regclass, key relations.key, relation name, query jsonb DEFAULT '{}')
	RETURNS SETOF json
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 100 COST 1000
	AS 'MODULE_PATHNAME', 'relations_query_related_json';
COMMENT ON FUNCTION relations.query_related_json(regclass, relations.key, name, jsonb) IS
	'query_related, its documents as text';

CREATE FUNCTION relations.paginate(
	model regclass, query jsonb, page int DEFAULT 1, per_page int DEFAULT 20)
	RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_paginate';
COMMENT ON FUNCTION relations.paginate(regclass, jsonb, int, int) IS
	'a page of a query: {"meta": {"total", "per_page", "current_page", "last_page"}, "data": [...]}';

CREATE FUNCTION relations.preload_sql(model regclass, query jsonb)
	RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'relations_preload_sql';
COMMENT ON FUNCTION relations.preload_sql(regclass, jsonb) IS
	'the SQL that each level of a query stands for, values as literals: it runs as it is';

CREATE FUNCTION relations.explain(model regclass, query jsonb, "analyze" boolean DEFAULT false)
	RETURNS SETOF text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_explain';
COMMENT ON FUNCTION relations.explain(regclass, jsonb, boolean) IS
	'the plan of each level of a query for the rows of its first batch; with analyze for all rows, with their number and times';

CREATE FUNCTION relations.load("row" anyelement, VARIADIC relations text[] DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_load';
COMMENT ON FUNCTION relations.load(anyelement, text[]) IS
	'the document of a row that you already have, with the relations that the dotted paths name';

CREATE FUNCTION relations.load_relation(model regclass, key record, VARIADIC relations text[])
	RETURNS jsonb
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000
	AS 'MODULE_PATHNAME', 'relations_load_relation';
COMMENT ON FUNCTION relations.load_relation(regclass, record, text[]) IS
	'what one relation leads to from a row, of which key has the columns that the relation starts from: an array, an object or null; the columns of graph views are calls of it';

-- ---------------------------------------------------------------------
-- Pictures, types and descriptions
-- ---------------------------------------------------------------------
CREATE FUNCTION relations.describe(model regclass)
	RETURNS TABLE (relation name, kind text, related text, keys text, options text)
	LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 10
	AS 'MODULE_PATHNAME', 'relations_describe';
COMMENT ON FUNCTION relations.describe(regclass) IS
	'the relations of a model for people to read: kind, related model, the keys with an arrow to what is referred to, constraints and options';

CREATE FUNCTION relations.diagram(schema text DEFAULT NULL, format text DEFAULT 'mermaid')
	RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'relations_diagram';
COMMENT ON FUNCTION relations.diagram(text, text) IS
	'a picture of the relations of a schema''s models, of all when it is null, as text for Mermaid or for Graphviz (dot)';

CREATE FUNCTION relations.json_schema(model regclass, query jsonb DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'relations_json_schema';
COMMENT ON FUNCTION relations.json_schema(regclass, jsonb) IS
	'the JSON Schema (2020-12) of the documents that a query gives the caller';

CREATE FUNCTION relations.typescript(model regclass, query jsonb DEFAULT '{}', name text DEFAULT NULL)
	RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'relations_typescript';
COMMENT ON FUNCTION relations.typescript(regclass, jsonb, text) IS
	'declarations in TypeScript of the documents that a query gives the caller; name is that of the interface, UsersDocument for users';

-- ---------------------------------------------------------------------
-- Graph views
-- ---------------------------------------------------------------------
CREATE FUNCTION relations.write_view() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'relations_write_view';
COMMENT ON FUNCTION relations.write_view() IS
	'INSTEAD OF trigger of graph views: a row is written as create, update and delete write a document';

CREATE FUNCTION relations.create_view(view text, model regclass, VARIADIC relations text[] DEFAULT '{}')
	RETURNS regclass
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_create_view';
COMMENT ON FUNCTION relations.create_view(text, regclass, text[]) IS
	'create a view of model''s columns and one jsonb column for each relation that the dotted paths begin with; it runs with the rights of who queries it';

CREATE FUNCTION relations.refresh_view(view regclass)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'relations_refresh_view';
COMMENT ON FUNCTION relations.refresh_view(regclass) IS
	'update a graph view after columns of its model or keys of its relations have changed; its owner, privileges, comments, options, triggers and rules stay';

-- ---------------------------------------------------------------------
-- Writing
-- ---------------------------------------------------------------------
CREATE FUNCTION relations."create"(model regclass, document jsonb)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_create';
COMMENT ON FUNCTION relations."create"(regclass, jsonb) IS
	'insert a row of model and the rows that its document nests under its relations, every key wired; returns the graph as stored';

CREATE FUNCTION relations.create_many(model regclass, documents jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_create_many';
COMMENT ON FUNCTION relations.create_many(regclass, jsonb) IS
	'insert a graph of rows for each document of an array, one INSERT a level; returns the graphs as stored, in that order';

CREATE FUNCTION relations.create_related(
	model regclass, key relations.key, relation name, document jsonb)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_create_related';
COMMENT ON FUNCTION relations.create_related(regclass, relations.key, name, jsonb) IS
	'insert a row of the related model, its key wired to the row that key names; returns the row as stored';

CREATE FUNCTION relations.create_many_related(
	model regclass, key relations.key, relation name, documents jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_create_many_related';
COMMENT ON FUNCTION relations.create_many_related(regclass, relations.key, name, jsonb) IS
	'insert one row of the related model for each document of an array; returns the rows as stored, in that order';

CREATE FUNCTION relations."update"(
	model regclass, key relations.key, document jsonb)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_update';
COMMENT ON FUNCTION relations."update"(regclass, relations.key, jsonb) IS
	'change the row that key names, and what its relations lead to; returns what is stored, null when there is no such row';

CREATE FUNCTION relations.upsert(
	model regclass, document jsonb, on_conflict text DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_upsert';
COMMENT ON FUNCTION relations.upsert(regclass, jsonb, text) IS
	'insert a row, or change the one with the same values in the columns of on_conflict (the primary key); returns what is stored';

CREATE FUNCTION relations."delete"(
	model regclass, key relations.key)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_delete';
COMMENT ON FUNCTION relations."delete"(regclass, relations.key) IS
	'delete the row that key names; returns it, null when there was none';

CREATE FUNCTION relations.attach(
	model regclass, key relations.key, relation name, related jsonb)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_attach';
COMMENT ON FUNCTION relations.attach(regclass, relations.key, name, jsonb) IS
	'join rows through a pivot: [1, 2] or {"1": {"level": "expert"}} with columns of the pivot; returns their number';

CREATE FUNCTION relations.detach(
	model regclass, key relations.key, relation name, related jsonb DEFAULT NULL)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_detach';
COMMENT ON FUNCTION relations.detach(regclass, relations.key, name, jsonb) IS
	'take rows out of a pivot, all when related is null; returns the number of rows that went';

CREATE FUNCTION relations.sync(
	model regclass, key relations.key, relation name, related jsonb, detach boolean DEFAULT true)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_sync';
COMMENT ON FUNCTION relations.sync(regclass, relations.key, name, jsonb, boolean) IS
	'attach the rows that are named, change the pivot of those that were there, and detach the others unless detach is false; returns {"attached", "detached", "updated"}';

CREATE FUNCTION relations.associate(
	model regclass, key relations.key, relation name, related_key relations.key, type text DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_associate';
COMMENT ON FUNCTION relations.associate(regclass, relations.key, name, relations.key, text) IS
	'make a row refer to another by a belongs_to, or by a morph_to with the type; returns the row as stored';

CREATE FUNCTION relations.dissociate(
	model regclass, key relations.key, relation name)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_dissociate';
COMMENT ON FUNCTION relations.dissociate(regclass, relations.key, name) IS
	'make a row refer to nothing by a belongs_to or morph_to; returns the row as stored';

CREATE FUNCTION relations.first_or_create_related(
	model regclass, key relations.key, relation name, search jsonb, document jsonb DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_first_or_create_related';
COMMENT ON FUNCTION relations.first_or_create_related(regclass, relations.key, name, jsonb, jsonb) IS
	'the related row that has the columns of search, else a new one of search and document';

CREATE FUNCTION relations.update_or_create_related(
	model regclass, key relations.key, relation name, search jsonb, document jsonb)
	RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_update_or_create_related';
COMMENT ON FUNCTION relations.update_or_create_related(regclass, relations.key, name, jsonb, jsonb) IS
	'the related row that has the columns of search, changed as document says, else a new one of both';

CREATE FUNCTION relations.first_or_create_many_related(
	model regclass, key relations.key, relation name, predicate text, documents jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_first_or_create_many_related';
COMMENT ON FUNCTION relations.first_or_create_many_related(regclass, relations.key, name, text, jsonb) IS
	'for each document the related row that has its values in the columns of predicate, else a new one';

CREATE FUNCTION relations.update_or_create_many_related(
	model regclass, key relations.key, relation name, predicate text, documents jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_update_or_create_many_related';
COMMENT ON FUNCTION relations.update_or_create_many_related(regclass, relations.key, name, text, jsonb) IS
	'for each document the related row that has its values in the columns of predicate, changed as the document says, else a new one';

CREATE FUNCTION relations.update_related(
	model regclass, key relations.key, relation name, "where" jsonb, document jsonb, at_most bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_update_related';
COMMENT ON FUNCTION relations.update_related(regclass, relations.key, name, jsonb, jsonb, bigint) IS
	'set columns of the related rows for which where holds; returns their number, more than at_most is an error';

CREATE FUNCTION relations.delete_related(
	model regclass, key relations.key, relation name, "where" jsonb DEFAULT NULL, at_most bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
	AS 'MODULE_PATHNAME', 'relations_delete_related';
COMMENT ON FUNCTION relations.delete_related(regclass, relations.key, name, jsonb, bigint) IS
	'delete the related rows for which where holds; returns their number, more than at_most is an error';

-- ---------------------------------------------------------------------
-- Factories
-- ---------------------------------------------------------------------
-- The expressions of a definition are looked up with the caller's search_path,
-- as those of defaults are when they are written.
CREATE FUNCTION relations.define_factory(model regclass, definition jsonb)
	RETURNS relations.factory
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_define_factory';
COMMENT ON FUNCTION relations.define_factory(regclass, jsonb) IS
	'say what makes the values of a model''s columns: a value, or {"sql": ...}, {"fake": ...}, {"sequence": ...}, {"one_of": [...]}, {"between": [...]}; returns the catalog row';

CREATE FUNCTION relations.define_state(model regclass, state name, definition jsonb)
	RETURNS relations.factory_state
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_define_state';
COMMENT ON FUNCTION relations.define_state(regclass, name, jsonb) IS
	'name a variant of a model''s factory: columns that it says otherwise; returns the catalog row';

CREATE FUNCTION relations.drop_factory(model regclass)
	RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_drop_factory';
COMMENT ON FUNCTION relations.drop_factory(regclass) IS
	'forget a model''s factory and its states';

CREATE FUNCTION relations.drop_state(model regclass, state name)
	RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'relations_drop_state';
COMMENT ON FUNCTION relations.drop_state(regclass, name) IS
	'forget a state of a model''s factory';

CREATE FUNCTION relations.factory_create(
	model regclass, count int DEFAULT 1, options jsonb DEFAULT '{}')
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_factory_create';
COMMENT ON FUNCTION relations.factory_create(regclass, int, jsonb) IS
	'make and store rows of model, with the relations that options name: with, state, merge, merge_recursive, recycle, seed; one INSERT a level; returns the graphs as stored';

CREATE FUNCTION relations.factory_make(
	model regclass, count int DEFAULT 1, options jsonb DEFAULT '{}')
	RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 100
	AS 'MODULE_PATHNAME', 'relations_factory_make';
COMMENT ON FUNCTION relations.factory_make(regclass, int, jsonb) IS
	'the same graphs with their keys, but nothing is stored';
