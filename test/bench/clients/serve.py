"""What the programs in Python share; serve.js says what it does."""

import json
import sys
import time

sys.stdout.reconfigure(line_buffering=True)
USERS = int(sys.argv[1])
LIMITS = {"one": USERS, "page": USERS - 50, "all": 1}


def of_object(row, name):
    value = getattr(row, name)
    # Django's related managers
    return value.all() if hasattr(value, "all") else value


def of_document(row, name):
    return row[name]


def digest(user, graph, get):
    profile = get(user, "profile")

    def by_id(rows):
        return sorted(rows, key=lambda row: get(row, "id"))

    return [get(user, "id"), get(user, "name"), profile and [get(profile, name) for name in ("id", "bio", "city")],
            [[get(post, "id"), get(post, "title"),
              [[get(comment, "id"), get(comment, "body")] for comment in by_id(get(post, "comments"))]]
             for post in by_id(get(user, "posts"))] if graph else None]


def serve(cases, get=of_object):
    calls = dict.fromkeys(LIMITS, 0)
    print("ready")
    for line in sys.stdin:
        what, name, number = line.split()
        call, number = cases[name], int(number)
        if what == "check":
            found = call(number)
            users = found if isinstance(found, list) else [found]
            print(json.dumps([digest(user, name == "page", get) for user in users]))
        else:
            start = time.perf_counter()
            for _ in range(number):
                key = min(10000, USERS) if name == "all" else 1 + calls[name] * 7919 % LIMITS[name]
                calls[name] += 1
                call(key)
            print((time.perf_counter() - start) * 1000 / number)
