"""The schema "bench": made by data.sql, and dropped."""

import subprocess
import sys
from pathlib import Path

from measure import connect

MARK = "made by test/bench/run"


def drop_data():
    with connect() as db:
        mark = db.execute("SELECT coalesce(obj_description(oid, 'pg_namespace'), '') "
                          "FROM pg_namespace WHERE nspname = 'bench'").fetchone()
        if mark and mark[0] != MARK:
            sys.exit('the database has a schema "bench" that is not mine')
        db.execute("DROP SCHEMA IF EXISTS bench CASCADE")


def make_data(users, posts, comments):
    drop_data()
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"users={users}", "-v", f"posts={posts}",
                    "-v", f"comments={comments}", "-f", str(Path(__file__).parent / "data.sql")],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
