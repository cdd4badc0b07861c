#!/usr/bin/env python3
"""relations from Python through a pooler in transaction mode: see pooler.js, test/t/pooler.pl."""
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg.types.json import Jsonb

CLIENTS = 12
steps = 0


def done(step):
    global steps
    steps += 1
    print(f"ok {steps} - {step}", flush=True)


# without a threshold psycopg prepares nothing by name
named = os.environ.get("NAMED") == "1"
clients = [psycopg.connect(autocommit=True, prepare_threshold=0 if named else None) for _ in range(CLIENTS)]
pool = ThreadPoolExecutor(CLIENTS)


def each(work):
    return list(pool.map(work, clients, range(CLIENTS)))


def documents(client, text, *values):
    return [row[0] for row in client.execute(text, values)]


def find(client, i):
    pid, doc = client.execute("SELECT pg_backend_pid(), relations.find('users', %s, 'posts')", [1 + i % 4]).fetchone()
    assert doc["id"] == 1 + i % 4 and len(doc["posts"]) == 5
    return pid


assert len({pid for _ in range(5) for pid in each(find)}) <= 3
done("many clients share few sessions and their plans")


def query(client, i):
    docs = documents(client, "SELECT relations.query('posts', %s, %s)",
                     Jsonb({"where": {"user_id": "$user", "title": {"like": "$title"}}, "order": ["id"]}),
                     Jsonb({"user": 1 + i % 4, "title": "post%"}))
    assert [doc["user_id"] for doc in docs] == [1 + i % 4] * 5


each(query)
done("each gets the answer to its own values")


def as_role(client, i):
    role = "alice" if i % 2 else "bob"
    with client.transaction():
        client.execute(f"SET LOCAL ROLE {role}")
        assert [doc["owner"] for doc in documents(client, "SELECT relations.preload('secrets')")] == [role, role]
        assert ("email" in documents(client, "SELECT relations.find('users', 1)")[0]) == (role == "alice")


for _ in range(5):
    each(as_role)
    assert "email" in documents(clients[0], "SELECT relations.find('users', 1)")[0]
done("roles are those of the transaction")

with clients[0].transaction():
    clients[0].execute("SET LOCAL relations.batch_memory = '1MB'")
    assert documents(clients[0], "SHOW relations.batch_memory") == ["1MB"]
assert all(value in ("64MB", None, "") for value, in each(
    lambda client, i: documents(client, "SELECT current_setting('relations.batch_memory', true)")))
try:
    documents(clients[1], "SELECT relations.preload('users', 'posts', 'secrets')")
    raise AssertionError("the limit of the role did not hold")
except psycopg.errors.ProgramLimitExceeded:
    pass
done("settings are those of the transaction, limits those of the role")

for before, after in ("title", "headline"), ("headline", "title"):
    clients[0].execute(f"ALTER TABLE posts RENAME {before} TO {after}")
    assert all(after in docs[0]["posts"][0] for docs in each(
        lambda client, i: documents(client, "SELECT relations.find('users', 1, 'posts')")))
clients[0].execute("""SELECT FROM relations.has_many('users', 'titled', 'posts', scope => '{"where": {"title": {"like": "post%%"}}}')""", [])
assert all(len(docs[0]["titled"]) == 5 for docs in each(
    lambda client, i: documents(client, "SELECT relations.find('users', 1, 'titled')")))
clients[0].execute("SELECT relations.drop_relation('users', 'titled')")
done("declarations and renames between are followed")


def write(client, i):
    doc, = documents(client, "SELECT relations.create('users', %s)",
                     Jsonb({"name": "made", "posts": [{"title": "four"}, {"title": "five"}]}))
    assert all(post["user_id"] == doc["id"] for post in doc["posts"])
    with client.transaction():
        documents(client, "SELECT relations.create_related('users', %s, 'posts', %s)", doc["id"], Jsonb({"title": "six"}))
        documents(client, "SELECT relations.update('users', %s, %s)", doc["id"], Jsonb({"name": "written"}))


each(write)
try:
    with clients[2].transaction():
        documents(clients[2], "SELECT relations.create('users', %s)", Jsonb({"name": "written"}))
        documents(clients[2], "SELECT relations.create('users', %s)", Jsonb({"name": "written", "posts": [{"id": "x"}]}))
    raise AssertionError("a wrong value was taken")
except psycopg.errors.InvalidTextRepresentation:
    pass
assert clients[3].execute("""SELECT count(*), (SELECT count(*) FROM posts WHERE title IN ('four', 'five', 'six'))
    FROM users WHERE name = 'written'""").fetchone() == (CLIENTS, CLIENTS * 3)
done("transactions write, all or nothing")
