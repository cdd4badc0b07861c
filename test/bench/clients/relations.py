"""relations by psycopg 3, prepared statements"""

import psycopg
from serve import of_document, serve

db = psycopg.connect(autocommit=True)


def documents(text, key):
    return [document for document, in db.execute(text, [key], prepare=True)]


def one(id):
    return documents("SELECT relations.find('users', %s, 'profile')", id)[0]


def page(after):
    return documents("""
        SELECT relations.query('users',
            '{"where": {"id": {"gt": "$after"}}, "limit": 50, "preload": ["profile", "posts.comments"]}',
            jsonb_build_object('after', %s::int))""", after)


def all(last):
    return documents("""
        SELECT relations.query('users', '{"where": {"id": {"lte": "$last"}}, "preload": ["profile"]}',
            jsonb_build_object('last', %s::int))""", last)


serve({"one": one, "page": page, "all": all}, get=of_document)
