"""The cases of the server part: test/bench/cases/*.sql

A file has a head of comments (title, targets, calls, rows) and sections that
begin with "--- KIND FORM".  A section is a query of one column, j; the section
"floor" is a list of queries of plain rows.  ":id" stands for a key.
"""

import re
from pathlib import Path


class Case:
    def __init__(self, path):
        head, *sections = re.split(r"^--- *(.+)\n", path.read_text(), flags=re.M)
        settings = dict(re.findall(r"^-- (\w+): (.+)$", head, flags=re.M))
        self.letter = path.stem.split("_")[0]
        self.name = path.stem
        self.title = f"{self.letter}. {settings['title']}"
        # at most this share of the time of the best form of a kind
        self.targets = {kind: float(share) for kind, share in re.findall(r"(\w+) ([\d.]+)", settings["targets"])}
        # of a loop in the server, for cases that have keys
        self.calls = int(settings.get("calls", 0))
        self.one_row = settings.get("rows") == "one"
        forms = {name.strip(): body.strip() for name, body in zip(sections[::2], sections[1::2])}
        self.floor = forms.pop("floor").split(";")
        self.forms = forms

    @property
    def keyed(self):
        return self.calls > 0


def kind(form):
    """What a form is compared as: "relations", "jsonb", "json", "floor" or "spi"."""
    return form.split()[0]


def read(letters, functions):
    """The cases, without the forms of functions that the extension does not have."""
    cases = []
    for path in sorted((Path(__file__).parent / "cases").glob("*.sql")):
        case = Case(path)
        called = {form: set(re.findall(r"relations\.(\w+)\(", sql)) for form, sql in case.forms.items()}
        case.forms = {form: sql for form, sql in case.forms.items() if called[form] <= functions}
        if not letters or case.letter in letters:
            cases.append(case)
    return cases
