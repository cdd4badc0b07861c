-- Arrays and objects of documents go only where a column can hold them, with all their keys.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS relations;
CREATE SCHEMA write_containers;
SET search_path = write_containers;

CREATE TYPE place AS (street text, zip int, tags text[]);
CREATE TYPE trip AS (origin place, stops place[]);
CREATE DOMAIN known_place AS place CHECK ((VALUE).zip > 0);
CREATE DOMAIN short_text AS varchar(80);
CREATE TABLE notes (
    id int PRIMARY KEY,
    title text,
    body varchar(80),
    code char(3),
    label name,
    summary short_text,
    amount numeric,
    period int4range,
    words text[],
    data jsonb,
    home place,
    office known_place,
    places place[],
    trip trip
);
SELECT relations.model('notes');

-- a text column takes no array and no object
SELECT relations.create('notes', '{"id": 1, "title": {"$connect": 1}}');
SELECT relations.create('notes', '{"id": 1, "title": ["a", "b"]}');
SELECT relations.create('notes', '{"id": 1, "body": {"a": 1}}');
SELECT relations.create('notes', '{"id": 1, "code": []}');
SELECT relations.create('notes', '{"id": 1, "label": {}}');
SELECT relations.create('notes', '{"id": 1, "summary": ["a"]}');
SELECT relations.create_many('notes', '[{"id": 1, "title": "a"}, {"id": 2, "title": ["a"]}]');
-- nor does any other column of a single value
SELECT relations.create('notes', '{"id": 1, "amount": [1]}');
SELECT relations.create('notes', '{"id": 1, "period": [1, 5]}');
-- elements and attributes likewise
SELECT relations.create('notes', '{"id": 1, "words": ["a", {"b": 1}]}');
SELECT relations.create('notes', '{"id": 1, "home": {"street": ["a"]}}');

-- all keys of an object are attributes
SELECT relations.create('notes', '{"id": 1, "home": {"stret": "Main St", "zip": 5}}');
SELECT relations.create('notes', '{"id": 1, "office": {"zip": 5, "city": "Bath"}}');
SELECT relations.create('notes', '{"id": 1, "places": [{"zip": 5}, {"zipp": 6}]}');
SELECT relations.create('notes', '{"id": 1, "places": [[{"zip": 5}], [{"zipp": 6}]]}');
SELECT relations.create('notes', '{"id": 1, "trip": {"origin": {"zip": 1}, "stops": [{"zip": 2, "stret": "x"}]}}');

-- what fits is stored
SELECT relations.create('notes', '{"id": 1, "title": "[1]", "words": [["a", "b"], ["c", null]], "data": {"any": ["thing"]},
    "home": {"street": "Main St"}, "office": {"zip": 5}, "places": [[{"zip": 5}], [{"tags": ["a"]}]],
    "trip": {"origin": null, "stops": [{"zip": 2, "street": "x"}]}}');
SELECT relations.update('notes', 1, '{"home": {"strret": "Side St"}}');
SELECT home FROM notes;

DROP SCHEMA write_containers CASCADE;
