"""The table of exit codes, and the errors of the clean room with theirs, as Markdown: from the classes themselves.

`python -m cleanroom_ml.cli.exit_codes README PAGE` brings the table in README up to date and writes the page.
"""

from __future__ import annotations

import sys
from itertools import zip_longest
from pathlib import Path

from cleanroom_ml.error_names import NUMBER, SQLSTATE, ErrorName
from cleanroom_ml.errors import exit_codes

_HEAD = ["| exit code | meaning | exit code | meaning |", "|---|---|---|---|"]
_PAGE = f"""\
# Errors of the clean room

Written by `make docs` from cleanroom_ml/error_names.py. A client reads `<name>: <message>`, with number {NUMBER} and
SQL state {SQLSTATE}; the command line ends with the exit code.

| name | exit code | meaning | what helps |
|---|---|---|---|
"""


def table() -> str:
    """Every exit code with its meaning, in two columns."""
    rows = [f"| {code} | {meaning} " for code, meaning in exit_codes().items()]
    half = (len(rows) + 1) // 2
    lines = [f"{left}{right}|" for left, right in zip_longest(rows[:half], rows[half:], fillvalue="| | ")]
    return "\n".join([*_HEAD, *lines])


def with_table(text: str) -> str:
    """A page with its table of exit codes as it is now. Raises ValueError: it has none."""
    lines = text.split("\n")
    begin = lines.index(_HEAD[0])
    end = next(number for number in range(begin, len(lines)) if not lines[number].startswith("|"))
    return "\n".join([*lines[:begin], table(), *lines[end:]])


def page() -> str:
    """The clean room's errors, by name."""
    rows = [
        f"| `{name}` | {name.kind.exit_code} | {name.kind.meaning} | {f'`{name.fix}`' if name.fix else ''} |"
        for name in ErrorName
    ]
    return _PAGE + "\n".join(rows) + "\n"


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
    Path(sys.argv[2]).write_text(page(), encoding="utf-8")
