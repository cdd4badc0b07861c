#!/usr/bin/env python3
"""The documents of queries fit what relations.json_schema says of them, and spoilt ones do not."""
import copy
import random

import psycopg
from jsonschema import Draft202012Validator, FormatChecker

QUERIES = [
    ("kinds", "{}"),
    ("users", '{"preload": {"profile": true, "posts": {"preload": ["author", "editor", "tags"]}}, "count": {"posts_count": "posts"}, '
              '"aggregate": {"sum": {"relation": "posts", "sum": "price"}, "avg": {"relation": "posts", "avg": "id"}, '
              '"any": {"relation": "posts", "exists": true}, "last": {"relation": "posts", "max": "state"}}}'),
    ("posts", '{"key_case": "camel", "cursor": true, "preload": {"author": {"cursor": true, "select": ["id"]}, "tags": {"limit": 1}}}'),
    ("posts", '{"preload": {"writer": {"relation": "author", "where": {"name": "Ada"}}}}'),
    ("notes", '{"preload": ["about"]}'),
    ("folders", '{"preload": {"children": {"recursive": true}}}'),
    ("folders", '{"preload": {"children": {"recursive": true, "max_depth": 2, "preload": ["parent"]}, "up": {"relation": "parent", "recursive": true}}}'),
]


def spoilt(document, schema, rng):
    """Documents with a key too many, one too few, and one of another type."""
    more = copy.deepcopy(document)
    more["too many"] = 1
    yield more
    for key in document:
        if key in schema["required"]:
            less = copy.deepcopy(document)
            del less[key]
            yield less
        said = schema["properties"][key]
        types = said.get("type")
        if types is None:
            continue
        types = [types] if isinstance(types, str) else types
        other = copy.deepcopy(document)
        if "string" not in types:
            other[key] = "strange"
        elif "object" not in types:
            other[key] = {"strange": rng.random()}
        else:
            continue
        yield other
        if "null" not in types:
            other = copy.deepcopy(document)
            other[key] = None
            yield other
        if types[0] == "array" and document[key] and isinstance(document[key][0], dict):
            for item in spoilt(document[key][0], said["items"], rng) if "properties" in said["items"] else []:
                other = copy.deepcopy(document)
                other[key] = [item]
                yield other


def main():
    rng = random.Random(1)
    documents = mutants = 0
    with psycopg.connect(autocommit=True) as connection:
        for zone in ("UTC", "Europe/Amsterdam"):
            connection.execute(f"SET timezone = '{zone}'")
            for model, query in QUERIES:
                schema = connection.execute("SELECT relations.json_schema(%s::regclass, %s::jsonb)", (model, query)).fetchone()[0]
                Draft202012Validator.check_schema(schema)
                validator = Draft202012Validator(schema, format_checker=FormatChecker())
                rows = connection.execute("SELECT relations.query(%s::regclass, %s::jsonb)", (model, query)).fetchall()
                assert rows, f"{model}: no documents"
                for (document,) in rows:
                    for error in validator.iter_errors(document):
                        raise SystemExit(f"{model} {query}: {list(error.path)}: {error.message}\n{document}")
                    documents += 1
                    for mutant in spoilt(document, schema, rng):
                        if validator.is_valid(mutant):
                            raise SystemExit(f"{model} {query}: is accepted:\n{mutant}\nmade of\n{document}\nby\n{schema}")
                        mutants += 1
    print(f"ok {len(QUERIES)} queries, {documents} documents, {mutants} spoilt")


main()
