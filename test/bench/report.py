"""The table of ratios."""

ROWS = {"floor": "the rows alone", "spi": "the rows, copied by SPI"}


def table(comparisons):
    print(f"{'':62} {'relations':>11}  {'beside':24} {'':>11} {'ratio':>7}  {'to reach':>8}")
    before = None
    for c in comparisons:
        title, ours = (c.title, f"{c.ours:.4g} ms") if (c.title, c.ours) != before else ("", "")
        before = (c.title, c.ours)
        reach = "" if c.target is None else f"{c.target:8.2f}  {'reached' if c.ratio <= c.target else 'NOT reached'}"
        print(f"{title:62} {ours:>11}  {ROWS.get(c.kind, c.form):24} {f'{c.theirs:.4g} ms':>11} {c.ratio:7.2f}  {reach}".rstrip())
    asked = [c for c in comparisons if c.target is not None]
    print(f"{sum(c.ratio <= c.target for c in asked)} of {len(asked)} that are to be reached are")
