"""relations by psycopg 3, prepared statements; relations.js says what it is told"""

import sys

import psycopg
from serve import of_document, serve

find, query = sys.argv[2:]
db = psycopg.connect(autocommit=True)


def documents(text, key):
    return [document for document, in db.execute(text, [key], prepare=True)]


def one(id):
    return documents(f"SELECT relations.{find}('users', %s, 'profile')", id)[0]


def page(after):
    return documents(f"""
        SELECT relations.{query}('users',
            '{{"where": {{"id": {{"gt": "$after"}}}}, "limit": 50, "preload": ["profile", "posts.comments"]}}',
            jsonb_build_object('after', %s::int))""", after)


def all(last):
    return documents(f"""
        SELECT relations.{query}('users', '{{"where": {{"id": {{"lte": "$last"}}}}, "preload": ["profile"]}}',
            jsonb_build_object('last', %s::int))""", last)


serve({"one": one, "page": page, "all": all}, get=of_document)
