"""The client part: relations and ORMs, each in a program of its own, over TCP and one connection.

The programs are test/bench/clients; they stay, and are asked in turn.  A program
that cannot run is left out, and why is said.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from measure import Comparison, connect, medians

CLIENTS = Path(__file__).parent / "clients"
PYTHON = "/usr/bin/python3"     # Debian's packages are for Debian's own


@dataclass
class Client:
    language: str
    name: str
    command: list
    # those of relations are told which functions to call
    functions: tuple = ()

    def __post_init__(self):
        self.title = f"{self.language}: {self.name}"


# the title of what a program of a language is compared with
OURS = ["relations", "relations json"]
FUNCTIONS = {"relations": ("find", "query"), "relations json": ("find_json", "query_json")}

PROGRAMS = [
    *(Client("node", name, ["node", "relations.js"], FUNCTIONS[name]) for name in OURS),
    Client("node", "Lucid", ["node", "lucid.js"]),
    Client("node", "Drizzle", ["node", "drizzle.js"]),
    Client("node", "Prisma", ["node", "prisma.js"]),
    *(Client("python", name, [PYTHON, "relations.py"], FUNCTIONS[name]) for name in OURS),
    Client("python", "Django", [PYTHON, "django_orm.py"]),
    Client("python", "SQLAlchemy", [PYTHON, "sqlalchemy_orm.py"]),
    *(Client("ruby", name, ["ruby", "relations.rb"], FUNCTIONS[name]) for name in OURS),
    Client("ruby", "ActiveRecord", ["ruby", "activerecord.rb"]),
]

# name, title, calls a round, the share of an ORM's time to reach, keys to compare
CASES = [
    ("one", "a. one user with profile, by key", 1000, 0.5, (1, 17, 1000)),
    ("page", "b. 50 users with profile, posts and comments", 30, 0.2, (0, 77, 1000)),
    ("all", "c. 10,000 users with profile", 1, None, (1000,)),
]


class Running:
    def __init__(self, client, users, tmp):
        self.log = open(f"{tmp}/{client.title}", "w+")
        environment = {**os.environ, "PGHOST": "localhost", "PGOPTIONS": "-c search_path=bench -c timezone=UTC",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen([*client.command, str(users), *client.functions], cwd=CLIENTS, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(self.log.read().strip() or f"exit status {self.process.returncode}")
        return line

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def start(users, tmp):
    running = {}
    with connect() as db:
        there = {row[0] for row in db.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'relations'::regnamespace")}
    for client in PROGRAMS:
        if not there.issuperset(client.functions):
            continue
        try:
            running[client.title] = Running(client, users, tmp)
        except (OSError, RuntimeError) as error:
            reason = [line for line in str(error).splitlines() if "Error" in line or "error" in line]
            print(f"left out: {client.title}: {reason[-1].strip() if reason else error}")
    return running


def generate_prisma():
    """Prisma's client is generated from its schema, and wants a program for that which it would download.

    The generator for the query compiler does not use it: any program does.
    """
    if not (CLIENTS / "node_modules/.bin/prisma").exists():
        return
    done = subprocess.run(["node_modules/.bin/prisma", "generate", "--schema", "prisma/schema.prisma"], cwd=CLIENTS,
                          env={**os.environ, "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true", "CHECKPOINT_DISABLE": "1"},
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        print(f"prisma generate failed: {done.stderr.strip()}")


def check_equality(running, case, keys):
    """What each program gives must be the same in substance: keys, numbers, and a value of each level."""
    for key in keys:
        first, expected = None, None
        for title, client in running.items():
            given = json.loads(client.ask("check", case, key))
            if first is None:
                first, expected = title, given
                if not given:
                    raise SystemExit(f"{title} gives nothing: {case} {key}")
            elif given != expected:
                raise SystemExit(f"NOT equal: {case} {key}, {title} and {first}")


def run(options, tmp):
    found = []
    generate_prisma()
    running = start(options.users, tmp)
    chosen = [case for case in CASES if not options.cases or case[1][0] in options.cases]
    for case, title, _, _, keys in chosen:
        check_equality(running, case, keys)
        print(f"equal in substance, {len(running)} programs: {title}", flush=True)
    for case, title, calls, target, _ in chosen:
        print(f"\n{title}, milliseconds a call")
        times = medians(running, options.rounds, lambda client: float(running[client].ask("time", case, calls)))
        for name in OURS:
            for client in PROGRAMS:
                ours = times.get(f"{client.language}: {name}")
                if ours is not None and not client.functions and client.title in times:
                    found.append(Comparison(f"{title}, {client.language}{name.removeprefix('relations').replace(' ', ' as ')}",
                                            ours, "orm", client.name, times[client.title], target))
    for client in running.values():
        client.stop()
    return found
