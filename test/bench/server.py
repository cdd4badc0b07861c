"""The server part: relations beside SQL written by hand, and beside the rows alone."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import cases
from measure import Comparison, connect, medians


# the rows without JSON: see floor.c
ROWS = ["floor", "spi"]


def build_floor(db, tmp):
    """Compile floor.c for this server and make functions of it."""
    makefile = ("MODULES = floor\nPG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server)\n"
                "override with_llvm = no\nPGXS := $(shell $(PG_CONFIG) --pgxs)\ninclude $(PGXS)\n")
    (Path(tmp) / "Makefile").write_text(makefile)
    shutil.copy(Path(__file__).parent / "floor.c", tmp)
    subprocess.run(["make", "-s", "PG_CONFIG=" + os.environ.get("PG_CONFIG", "pg_config")], cwd=tmp, check=True)
    # the server's user has to read it
    os.chmod(tmp, 0o755)
    for name in ROWS:
        db.execute(f"CREATE FUNCTION bench.bench_{name}(key int, VARIADIC queries text[]) RETURNS bigint "
                   f"AS '{tmp}/floor', 'bench_{name}' LANGUAGE C STRICT")


def rows_call(name, case, key):
    queries = ", ".join("$floor$" + query.strip().replace(":id", "$1") + "$floor$" for query in case.floor)
    return f"bench.bench_{name}({key}, VARIADIC ARRAY[{queries}])"


# ---------------------------------------------------------------------
# Equality
# ---------------------------------------------------------------------
def checkable(case, sql, limit):
    """The rows of a form, numbered; of a form with a key, those of a hundred keys."""
    if case.keyed:
        keyed = sql.replace(":id", "k")
        sql = f"SELECT l.j FROM generate_series(1, {min(100, limit)}) k CROSS JOIN LATERAL ({keyed} OFFSET 0) l"
    return f"SELECT j, row_number() OVER () AS n FROM ({sql} OFFSET 0) q"


def check_equality(db, case, limit):
    """Every form must give the rows of relations, in their order, to the byte.

    jsonb's own equality takes 1.0 for 1.00; this compares the bytes, and so text and size as well.
    What is json is compared as the jsonb that it makes.
    """
    db.execute("DROP TABLE IF EXISTS bench.expected")
    db.execute(f"CREATE UNLOGGED TABLE bench.expected AS {checkable(case, case.forms['relations'], limit)}")
    rows = db.execute("SELECT count(*) FROM bench.expected").fetchone()[0]
    if rows == 0:
        raise SystemExit(f"no rows at all: {case.title}")
    for form, sql in case.forms.items():
        if form == "relations":
            continue
        different = db.execute(f"""
            SELECT count(*)
            FROM (SELECT j::jsonb AS j, n FROM ({checkable(case, sql, limit)}) q OFFSET 0) a
            FULL JOIN bench.expected b USING (n)
            WHERE a.j IS NULL OR b.j IS NULL OR NOT record_image_eq(ROW(a.j), ROW(b.j))""").fetchone()[0]
        if different:
            raise SystemExit(f"NOT equal: {case.title}, {form}: {different} of {rows} rows differ")
    db.execute("DROP TABLE bench.expected")
    print(f"equal: {rows} rows, {len(case.forms)} forms: {case.title}", flush=True)


# ---------------------------------------------------------------------
# Timing: a round of each form to warm up, and as many as are asked for to count
# ---------------------------------------------------------------------
def wall(db):
    return time.perf_counter() * 1000


def cpu(db):
    """Milliseconds for which the backend has run: much the same as the wall's when nothing else runs."""
    # Linux's number of the clock of another process: see clock_getcpuclockid(3)
    return time.clock_gettime((~db.info.backend_pid << 3) | 2) * 1000


CLOCKS = {"wall": wall, "cpu": cpu}


def timed(db, sql, clock):
    start = clock(db)
    db.execute(sql)
    return clock(db) - start


def whole(db, case, rounds, clock):
    """Milliseconds of a statement that makes all documents and drops them in the server."""
    statements = {form: f"SELECT count(*), sum(pg_column_size(j)) FROM ({sql} OFFSET 0) q"
                  for form, sql in case.forms.items()}
    statements |= {name: "SELECT " + rows_call(name, case, 0) for name in ROWS}
    return medians(statements, rounds, lambda form: timed(db, statements[form], clock))


def loop(db, case, rounds, limit, clock):
    """Milliseconds a call in a PL/pgSQL loop over a kept plan, one key after the other."""
    def statement(form):
        if form in ROWS:
            call = f"PERFORM {rows_call(form, case, 'k')}"
        elif case.one_row:
            call = f"SELECT j INTO r FROM ({case.forms[form].replace(':id', 'k')}) q"
        else:
            call = f"SELECT sum(pg_column_size(j)) AS j INTO r FROM ({case.forms[form].replace(':id', 'k')} OFFSET 0) q"
        return (f"DO $do$ DECLARE k int; r record; BEGIN FOR i IN 1..{case.calls} LOOP "
                f"k := 1 + (i::bigint * 7919) % {limit}; {call}; END LOOP; END $do$")
    statements = {form: statement(form) for form in [*case.forms, *ROWS]}
    return medians(statements, rounds, lambda form: timed(db, statements[form], clock) / case.calls)


def pgbench(case, rounds, limit, tmp, seconds):
    """Milliseconds a call of a prepared statement, from a client on the same machine."""
    def latency(form):
        done = subprocess.run(["pgbench", "-n", "-M", "prepared", "-T", str(seconds), "-f", scripts[form]],
                              check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return 1000 / float(re.search(r"^tps = ([\d.]+) \(without", done.stdout, flags=re.M)[1])
    scripts = {}
    for form, sql in case.forms.items():
        scripts[form] = f"{tmp}/{case.name} {form}.sql"
        with open(scripts[form], "w") as script:
            script.write(f"\\set id random(1, {limit})\n{' '.join(sql.split())};\n")
    return medians(scripts, rounds, latency)


# ---------------------------------------------------------------------
# The part
# ---------------------------------------------------------------------
def compare(case, where, times):
    """Ratios of relations to the best form of each other kind."""
    best = {}
    for form, time in times.items():
        kind = cases.kind(form)
        if kind != "relations" and (kind not in best or time < times[best[kind]]):
            best[kind] = form
    title = case.title + where
    found = [Comparison(title, times["relations"], kind, form, times[form], case.targets.get(kind))
             for kind, form in best.items()]
    if "relations json" in times and "json" in best:
        found.append(Comparison(title + ", as json", times["relations json"], "json", best["json"], times[best["json"]],
                                case.targets.get("json")))
    return found


def run(options, tmp):
    found = []
    with connect() as db:
        functions = {row[0] for row in db.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'relations'::regnamespace")}
        chosen = cases.read(options.cases, functions)
        db.execute(f"SET work_mem = '{options.work_mem}'")
        clock = CLOCKS[options.clock]
        if options.clock == "cpu":
            # what workers run would not be counted
            db.execute("SET max_parallel_workers_per_gather = 0")
        build_floor(db, tmp)
        for case in chosen:
            check_equality(db, case, options.users - 50)
        print(f"\nwork_mem={options.work_mem}, {options.clock} clock")
        for case in chosen:
            print(f"\n{case.title}, milliseconds a call")
            limit = options.users if case.one_row else options.users - 50
            if case.keyed:
                found += compare(case, ", a client", pgbench(case, options.rounds, limit, tmp, options.seconds))
                found += compare(case, ", in the server", loop(db, case, options.rounds, limit, clock))
            else:
                found += compare(case, "", whole(db, case, options.rounds, clock))
    return found
