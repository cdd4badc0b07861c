"""What the parts share: a connection, rounds, and a comparison of two times."""

import statistics
from dataclasses import dataclass

import psycopg


@dataclass
class Comparison:
    title: str
    ours: float             # milliseconds
    kind: str               # of what it is compared with: jsonb, json, floor, spi, orm, growth
    form: str
    theirs: float
    target: float = None    # the ratio to reach

    @property
    def ratio(self):
        return self.ours / self.theirs


def connect():
    """A session as the PG* variables say; nothing is prepared behind our back."""
    return psycopg.connect(autocommit=True, prepare_threshold=None,
                           options="-c timezone=UTC -c client_min_messages=warning")


def medians(names, rounds, measure):
    """The median of measure(name) for each name, taken in turn; a first round only warms up."""
    times = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            time = measure(name)
            if number > 0:
                times[name].append(time)
    for name, taken in times.items():
        print(f"  {name:24} {statistics.median(taken):12.4f} ms   ({min(taken):.4f} to {max(taken):.4f})", flush=True)
    return {name: statistics.median(taken) for name, taken in times.items()}
