"""The growth part: time and memory of reading as the rows become more.

Ten times the rows are to take at most eleven times the time, and memory is not
to follow the number of parents.
"""

import re
import statistics
import time

import psycopg

from data import make_data
from measure import Comparison, connect

READS = [
    ("users with profile", "'profile'"),
    ("users with posts", "'posts'"),
    ("users with profile, posts and comments", "'profile', 'posts.comments'"),
    ("users with tags", "'tags'"),
]


class Memory:
    """The memory of a backend, in MB, from /proc: its peak, and what of it is the server's shared memory."""

    def __init__(self, db):
        self.directory = f"/proc/{db.execute('SELECT pg_backend_pid()').fetchone()[0]}"

    def reset(self):
        """Let the peak begin anew, from what is used now."""
        with open(f"{self.directory}/clear_refs", "w") as file:
            file.write("5")

    def read(self):
        with open(f"{self.directory}/status") as file:
            status = dict(re.findall(r"^(\w+):\s+(\d+) kB$", file.read(), flags=re.M))
        peak, shared = int(status["VmHWM"]) / 1024, int(status["RssShmem"]) / 1024
        return peak, shared


def measured(statement, rounds):
    """Milliseconds, peak memory and shared memory of a statement in a session of its own.

    A first execution brings the shared memory that is touched into the process, so that
    the peak of those that count, less the shared memory, is the session's own.
    """
    with connect() as db:
        memory = Memory(db)
        db.execute(statement)
        memory.reset()
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            db.execute(statement)
            times.append((time.perf_counter() - start) * 1000)
        return statistics.median(times), *memory.read()


HEAD = f"{'parents':>10}  {'':42} {'ms':>11} {'VmHWM':>8} {'shared':>8} {'own':>8}   (MB)"


def line(parents, title, taken, peak, shared):
    print(f"{parents:10}  {title:42} {taken:11.2f} {peak:8.1f} {shared:8.1f} {peak - shared:8.1f}", flush=True)


def many_parents(options):
    found = []
    before = {}
    parents = options.largest // 100
    rounds = min(options.rounds, 3)
    print(HEAD)
    while parents <= options.largest:
        make_data(parents, 5 * parents, 10 * parents)
        for title, paths in READS:
            call = f"SELECT relations.preload('bench.users', {paths}) AS j"
            taken, peak, shared = measured(f"SELECT count(*), sum(pg_column_size(j)) FROM ({call} OFFSET 0) q", rounds)
            line(parents, title, taken, peak, shared)
            if title in before:
                found.append(Comparison(f"{title}: {parents} parents", taken, "growth", "10 times a tenth", 10 * before[title], 1.1))
            before[title] = taken
            taken, peak, shared = measured(f"SELECT count(*), sum(pg_column_size(j)) FROM ({call} LIMIT 10) q", rounds)
            line(parents, "  the first ten: LIMIT 10 outside", taken, peak, shared)
        parents *= 10
    return found


def many_children(options):
    """One parent with a million children: of a hundred bytes each, and of three hundred, which is too much for a jsonb."""
    print("\none parent")
    for title, filler in [("narrow children", 20), ("wide children", 250)]:
        with connect() as db:
            db.execute("DROP SCHEMA IF EXISTS bench_one CASCADE")
            db.execute("CREATE SCHEMA bench_one")
            db.execute("CREATE TABLE bench_one.parents (id int PRIMARY KEY)")
            db.execute("CREATE TABLE bench_one.children (id int PRIMARY KEY, parent_id int, label text)")
            db.execute("INSERT INTO bench_one.parents VALUES (1)")
            db.execute(f"INSERT INTO bench_one.children SELECT i, 1, repeat('x', {filler}) "
                       f"FROM generate_series(1, {options.largest}) i")
            db.execute("SELECT relations.has_many('bench_one.parents', 'children', 'bench_one.children', foreign_key => 'parent_id')")
            db.execute("VACUUM ANALYZE bench_one.children")
        try:
            line(options.largest, title, *measured(
                "SELECT pg_column_size(relations.find('bench_one.parents', 1, 'children'))", min(options.rounds, 3)))
        except psycopg.Error as error:
            print(f"{options.largest:10}  {title}: {error.diag.sqlstate} {str(error).strip()}")
    with connect() as db:
        db.execute("DROP SCHEMA bench_one CASCADE")


def run(options, tmp):
    print("\ngrowth: five posts and ten comments a user")
    found = many_parents(options)
    many_children(options)
    return found
