#!/usr/bin/python3
"""relations from Python, by psycopg 3.

In a database with the extension, and with none of these tables:
	PGDATABASE=example python3 python.py
"""
import psycopg
from psycopg.types.json import Jsonb

steps = 0


def done(step):
    global steps
    steps += 1
    print(f"ok {steps} - {step}", flush=True)


def same(got, expected):
    if got != expected:
        raise SystemExit(f"expected {expected!a}, got {got!a}")


db = psycopg.connect(autocommit=True)  # PGHOST, PGDATABASE and the like say where

db.execute("""
    CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, email text UNIQUE);
    CREATE TABLE profiles (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bio text);
    CREATE TABLE posts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, views int DEFAULT 0)""")
db.execute("SELECT relations.has_one('users', 'profile', 'profiles', add_column => true)")
declared = db.execute("SELECT constraint_name FROM relations.has_many(%s, %s, %s, add_column => true)", ["users", "posts", "posts"])
same(declared.fetchone()[0], "posts_user_id_fkey")
db.execute("SELECT relations.create_view('users_graph', 'users', 'profile', 'posts')")
done("declares relations")

id, posts = db.execute(
    "INSERT INTO users_graph (name, email, profile, posts) VALUES (%s, %s, %s, %s) RETURNING id, posts",
    ["Jürgen", "j@test.com", Jsonb({"bio": "Writer"}), Jsonb([{"title": "Größe"}, {"title": "Two", "views": 7}])]).fetchone()
same([(post["title"], post["views"], post["user_id"]) for post in posts], [("Größe", 0, id), ("Two", 7, id)])
done("creates a graph through the view")

mina = {"name": "Mina", "email": "mina@test.com", "posts": [{"title": "Mine"}]}
user, = db.execute("SELECT relations.create('users', %s)", [Jsonb(mina)]).fetchone()
same(user["posts"][0]["user_id"], user["id"])
done("creates a graph by a function")

users = [user for user, in db.execute("SELECT relations.preload('users', 'profile', 'posts')")]
same([len(user["posts"]) for user in users], [2, 1])
same(users[1]["profile"], None)
done("preloads")


def find(key):
    return db.execute("SELECT relations.find('users', %s, 'profile')", [key], prepare=True).fetchone()[0]


# psycopg gives a number the type that it fits in, and a string none
same(find(id)["name"], "Jürgen")
same(find("2")["name"], "Mina")
same(find(4711), None)
done("finds a row by a parameter")

popular = {"where": {"posts": {"some": {"views": {"gte": "$least"}}}}, "preload": ["posts"]}
queried = db.execute("SELECT relations.query('users', %s, %s)", [Jsonb(popular), Jsonb({"least": 5})])
same([user["name"] for user, in queried], ["Jürgen"])
done("queries with parameters")

same(find(id)["profile"]["bio"], "Writer")
done("reads a value out of a document")

profile, posts = db.execute(
    "UPDATE users_graph SET profile = %s, posts = %s WHERE id = %s RETURNING profile, posts",
    [Jsonb({"bio": "Editor"}), Jsonb([{"title": "Three"}]), id]).fetchone()
same(profile["bio"], "Editor")
same([post["title"] for post in posts], ["Three"])
done("updates through the view")

try:
    db.execute("SELECT relations.create('users', %s)", [Jsonb({"name": "Vic", "posts": [{"title": "A"}, {"views": "many"}]})])
    raise SystemExit("a document with an error was stored")
except psycopg.errors.InvalidTextRepresentation as error:
    code, place = error.sqlstate, error.diag.context
    same(code, "22P02")
    same(place, 'document "posts[1].views"')
done("tells the code and the place of an error")
