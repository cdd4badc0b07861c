-- Documents that name one row by values that are equal, but written differently, name one row.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA write_equal_keys;
SET search_path = write_equal_keys;

CREATE TABLE places (latitude numeric PRIMARY KEY, since date UNIQUE, name text);
CREATE TABLE items (id int PRIMARY KEY, latitude numeric REFERENCES places);
SELECT kind FROM relations.belongs_to('items', 'place', 'places', foreign_key => 'latitude', local_key => 'latitude');
SELECT kind FROM relations.has_many('places', 'items', 'items', foreign_key => 'latitude', local_key => 'latitude');

-- rows to connect or to create within one call
SELECT relations.create_many('items', '[
    {"id": 1, "place": {"$connect_or_create": {"where": {"latitude": 41.5}, "create": {"latitude": 41.5}}}},
    {"id": 2, "place": {"$connect_or_create": {"where": {"latitude": 41.50}, "create": {"latitude": 41.50}}}},
    {"id": 3, "place": {"$connect_or_create": {"where": 41.500, "create": {"latitude": 41.500}}}},
    {"id": 4, "place": {"$connect_or_create": {"where": "4.15e1", "create": {"latitude": 41.5}}}}]');
SELECT relations.create_many('items', '[
    {"id": 5, "place": {"$connect_or_create": {"where": {"since": "2020-01-02"}, "create": {"latitude": 1, "since": "2020-01-02"}}}},
    {"id": 6, "place": {"$connect_or_create": {"where": {"since": "2 Jan 2020"}, "create": {"latitude": 2, "since": "2 Jan 2020"}}}},
    {"id": 7, "place": {"$connect_or_create": {"where": {"since": "2020-01-03"}, "create": {"latitude": 3, "since": "2020-01-03"}}}}]');
TABLE places;

-- documents of one row are applied in their order
CREATE TABLE prices (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, latitude numeric REFERENCES places, day date, price numeric,
    title text, UNIQUE (latitude, day, price));
SELECT kind FROM relations.has_many('places', 'prices', 'prices', foreign_key => 'latitude', local_key => 'latitude');
SELECT relations.update_or_create_many_related('places', 1, 'prices', 'day, price', '[
    {"day": "2020-01-02", "price": 2.50, "title": "first"},
    {"day": "2020-01-02", "price": 2.5, "title": "second"},
    {"day": "2 Jan 2020", "price": 2.500, "title": "third"},
    {"day": "2020-01-01", "price": 2.5, "title": "other"}]');
SELECT relations.update_or_create_many_related('places', 1, 'prices', 'day, price', '[
    {"day": "2 Jan 2020", "price": 2.500, "title": "fourth"},
    {"day": "2020-01-02", "price": 2.5, "title": "fifth"}]');
SELECT relations.first_or_create_many_related('places', 1, 'prices', 'day, price', '[
    {"day": "3 Jan 2020", "price": 3.0, "title": "sixth"},
    {"day": "2020-01-03", "price": 3, "title": "seventh"}]');
SELECT day, price, title FROM prices ORDER BY day;

-- a bad value is reported with its place
SELECT relations.first_or_create_many_related('places', 1, 'prices', 'day', '[{"day": "2020-01-03"}, {"day": "never"}]');

DROP SCHEMA write_equal_keys CASCADE;
