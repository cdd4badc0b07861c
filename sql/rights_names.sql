--
-- Names that look like SQL, in each place that has a name: schemas, tables,
-- columns, relations, references and their types, states, views.  (What begins
-- with "$" is an operation in a nested document, so no column there may.)
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA rights_names;
SET search_path = rights_names;
CREATE TABLE canary (id int PRIMARY KEY);
INSERT INTO canary VALUES (1);
CREATE TABLE names (no int GENERATED ALWAYS AS IDENTITY, name text);
INSERT INTO names (name) VALUES ('"'), (''''), ('\'), ('\"'), ('"; DROP TABLE rights_names.canary; --'), ('''; DROP TABLE rights_names.canary; --'), ('); DROP TABLE rights_names.canary; --'), ('x$$; DROP TABLE rights_names.canary; $$'), ('x$1'), ('%I %L %n %s %%'), ('--'), ('/*'),
	(E'\n'), (E'\nDROP TABLE rights_names.canary; --'), (E'\rDROP TABLE rights_names.canary; --'), (' '), ('UPPER'), ('a.b'), ('a, b'), ('{"a"}'), ('E''\x27'''), (U&'\0001'), (repeat('é', 30)), (repeat('x', 61)), (repeat('"', 61)), ('-');
-- all that can be done, with names that differ by their last character; what was wrong
CREATE FUNCTION play(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a text := name || 'a'; b text := name || 'b'; c text := name || 'c'; d text := name || 'd'; e text := name || 'e'; f text := name || 'f'; g text := name || 'g'; s text := name || 'z';
	parent regclass; child regclass; j jsonb; k jsonb; statements text[]; v text; column_of_d text := d;
	wrong text := '';
BEGIN
	EXECUTE format('CREATE SCHEMA %I', s);
	-- a: the key, b: a text, c: a counter, d: the reference, e: a time
	EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY, %I text, %I int, %I timestamptz)', s, a, a, b, c, e);
	parent := format('%I.%I', s, a)::regclass;
	EXECUTE format('CREATE TABLE %I.%I (%I int PRIMARY KEY, %I text, %I int, %I text, %I int)', s, b, a, b, d, f, g);
	child := format('%I.%I', s, b)::regclass;
	PERFORM relations.has_many(parent, f::name, child, foreign_key => quote_ident(d), scope => jsonb_build_object('where', jsonb_build_object(b, jsonb_build_object('ne', name)), 'order', jsonb_build_array('-' || a)));
	PERFORM relations.belongs_to(child, e::name, parent, foreign_key => quote_ident(d), counter_cache => quote_ident(c), touch => quote_ident(e));
	PERFORM relations.many_to_many(parent, g::name, child, format('%I.%I', s, c), pivot_foreign_key => quote_ident(a), pivot_related_foreign_key => quote_ident(b), pivot_columns => quote_ident(c));
	PERFORM relations.morph_to(child, c::name, jsonb_build_object(name, parent::text), morph => left(name, 20), type_column => quote_ident(f), id_column => quote_ident(g), on_delete => 'set null');
	PERFORM relations.define_factory(child, jsonb_build_object(b, jsonb_build_object('sql', format('concat(%I, %L)', a, name)), g, NULL, f, NULL));
	PERFORM relations.define_state(child, d::name, jsonb_build_object(b, name || '!'));
	PERFORM relations.create_view(format('%I.%I', s, d), parent, quote_ident(f), quote_ident(g));
	-- written
	j := relations."create"(parent, jsonb_build_object(a, 1, b, name, f, jsonb_build_array(jsonb_build_object(a, 1, b, b), jsonb_build_object(a, 2, b, a)), g, jsonb_build_object('$create', jsonb_build_object(a, 3, b, a, 'pivot', jsonb_build_object(c, name)))));
	PERFORM relations.upsert(parent, jsonb_build_object(a, 1, b, a), quote_ident(a));
	PERFORM relations."update"(child, 1, jsonb_build_object(b, b, f, name, g, 1));
	PERFORM relations.attach(parent, 1, g::name, jsonb_build_object('1', jsonb_build_object(c, name)));
	PERFORM relations.sync(parent, 1, g::name, '[1, 3]');
	PERFORM relations.detach(parent, 1, g::name, '[3]');
	PERFORM relations.first_or_create_related(parent, 1, f::name, jsonb_build_object(b, c), jsonb_build_object(a, 4));
	PERFORM relations.update_or_create_many_related(parent, 1, f::name, quote_ident(b), jsonb_build_array(jsonb_build_object(b, c), jsonb_build_object(a, 5, b, d)));
	PERFORM relations.update_related(parent, 1, f::name, jsonb_build_object(b, jsonb_build_object('like', '%c')), jsonb_build_object(b, e));
	PERFORM relations.delete_related(parent, 1, f::name, jsonb_build_object(b, d));
	EXECUTE format('INSERT INTO %I.%I (%I, %I, %I) VALUES (2, $1, $2)', s, d, a, b, f) USING name, jsonb_build_array(jsonb_build_object(a, 6, b, a));
	PERFORM relations.factory_create(child, 2, jsonb_build_object('state', d, 'merge', jsonb_build_array(jsonb_build_object(a, 7, d, 2), jsonb_build_object(a, 8, d, 2))));
	-- read
	j := relations.find(parent, 1, quote_ident(f) || '.' || quote_ident(e), quote_ident(g));
	IF j - e <> jsonb_build_object(a, 1, b, a, c, 3, f, (SELECT jsonb_agg(jsonb_build_object(a, i, b, text, d, 1, f, CASE i WHEN 1 THEN name END, g, CASE i WHEN 1 THEN 1 END, e, j - f - g) ORDER BY i DESC) FROM (VALUES (1, b), (2, a), (4, e)) v (i, text)),
		g, jsonb_build_array(jsonb_build_object(a, 1, b, b, d, 1, f, name, g, 1, 'pivot', jsonb_build_object(c, name)))) THEN
		wrong := wrong || ' find: ' || j;
	END IF;
	IF j ->> e IS NULL THEN wrong := wrong || ' not touched'; END IF;
	EXECUTE format('SELECT relations.load(x, %L, %L) FROM %I.%I x WHERE %I = 1', quote_ident(f) || '.' || quote_ident(e), quote_ident(g), s, a, a) INTO k;
	IF j <> k THEN wrong := wrong || ' load: ' || k; END IF;
	EXECUTE format('SELECT jsonb_build_object($1, %I) FROM %I.%I WHERE %I = 1', f, s, d, a) INTO k USING f;
	IF k -> f <> (SELECT jsonb_agg(x - e ORDER BY n) FROM jsonb_array_elements(j -> f) WITH ORDINALITY y (x, n)) THEN wrong := wrong || ' view: ' || k; END IF;
	j := relations.query(parent, jsonb_build_object('select', jsonb_build_array(a), 'where', jsonb_build_object(b, name, f, jsonb_build_object('some', jsonb_build_object(b, a))), 'order', jsonb_build_array('-' || b, jsonb_build_object('count', f)), 'count', jsonb_build_object(g || 'n', f),
		'aggregate', jsonb_build_object(g || 'm', jsonb_build_object('relation', f, 'max', a)), 'preload', jsonb_build_object(g || 'p', jsonb_build_object('relation', f, 'select', jsonb_build_array(a), 'limit', 1))));
	IF j <> jsonb_build_object(a, 2, g || 'n', 3, g || 'm', 8, g || 'p', jsonb_build_array(jsonb_build_object(a, 8))) THEN wrong := wrong || ' query: ' || j; END IF;
	j := relations.paginate(child, jsonb_build_object('where', jsonb_build_object(e, jsonb_build_object('is', jsonb_build_object(b, name))), 'cursor', true, 'order', jsonb_build_array(CASE WHEN name !~ '^-|[.]' THEN e || '.' || b ELSE b END)), 1, 2);
	IF j -> 'meta' ->> 'total' <> '3' THEN wrong := wrong || ' paginate: ' || j; END IF;
	IF relations.find(child, 1, quote_ident(c)) -> c ->> a <> '1' THEN wrong := wrong || ' reference'; END IF;
	-- the SQL that is told is SQL, and nothing else
	FOR v IN SELECT regexp_split_to_table(relations.preload_sql(parent, jsonb_build_object('where', jsonb_build_object(b, name), 'preload', jsonb_build_array(quote_ident(g)))), '(?n)^-- ') LOOP
		CONTINUE WHEN v = '';
		EXECUTE '-- ' || v;
	END LOOP;
	PERFORM relations.explain(parent, jsonb_build_object('preload', jsonb_build_array(quote_ident(f))), true);
	statements := ARRAY(SELECT relations.ddl(child, c::name));
	PERFORM relations.drop_relation(child, c::name, true);
	FOREACH v IN ARRAY statements LOOP EXECUTE v; END LOOP;
	PERFORM relations.recount(child, e::name);
	-- renamed, moved and dropped
	IF octet_length(name) < 60 THEN
		EXECUTE format('ALTER TABLE %s RENAME %I TO %I', child, d, d || 'd');
		EXECUTE format('ALTER TABLE %s RENAME %I TO %I', child, b, b || 'b');
		EXECUTE format('ALTER TABLE %s RENAME TO %I', child, d || 'dd');
		EXECUTE format('ALTER SCHEMA %I RENAME TO %I', s, s || 's');
		s := s || 's';
		j := relations.find(parent, 2, quote_ident(f));
		IF j #>> ARRAY[f, '0', b || 'b'] <> name || '!' OR j #>> ARRAY[f, '0', d || 'd'] <> '2' THEN wrong := wrong || ' renamed: ' || j; END IF;
		PERFORM relations.refresh_view(format('%I.%I', s, d)::regclass);
		column_of_d := d || 'd';
	END IF;
	EXECUTE format('ALTER TABLE %s DROP COLUMN %I', child, column_of_d);
	IF EXISTS (SELECT FROM relations.relation r WHERE r.relation IN (e, f) AND r.model IN (parent, child)) THEN wrong := wrong || ' not dropped'; END IF;
	EXECUTE format('DROP SCHEMA %I CASCADE', s);
	IF EXISTS (SELECT FROM relations.relation r WHERE r.model::oid IN (parent::oid, child::oid)) OR EXISTS (SELECT FROM relations.factory r WHERE r.model::oid = child::oid) THEN wrong := wrong || ' not forgotten'; END IF;
	RETURN wrong;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS v = PG_EXCEPTION_CONTEXT;
	RETURN concat(SQLSTATE, ' ', SQLERRM, ' ', left(v, 400));
END $$;
SET client_min_messages = error;
SELECT n.no, n.name, p AS wrong FROM names n, play(n.name) p WHERE p <> '' ORDER BY no;
SELECT count(*) AS names, (SELECT count(*) FROM canary) AS canary FROM names;
DROP SCHEMA rights_names CASCADE;
