"""What pages hold that the code says: the tables of commands and exit codes, and the page of the clean room's errors.

`python -m cleanroom_ml.cli.generated ERRORS PAGE…` writes the page of errors, the tables of the other pages anew, and
of the pages docs/targets.md whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Final

from cleanroom_ml.cli.table import COMMANDS, Entry
from cleanroom_ml.cli.targets_page import targets_page
from cleanroom_ml.error_names import NUMBER, SQLSTATE, ErrorName
from cleanroom_ml.errors import exit_codes
from cleanroom_ml.remedies import REMEDIES

_EXIT_CODES: Final = ("| exit code | meaning | exit code | meaning |", "|---|---|---|---|")
_COMMANDS: Final = ("| who | commands |", "|---|---|")
TARGETS: Final = "targets.md"
HEADS: Final = (_EXIT_CODES[0], _COMMANDS[0])
_ERRORS: Final = f"""\
# Errors of the clean room

Written by `make docs` from cleanroom_ml/error_names.py. A client reads `<name>: <message>`, with number {NUMBER} and
SQL state {SQLSTATE}; the command line ends with the exit code.

| name | exit code | meaning | what helps |
|---|---|---|---|
"""


def with_tables(text: str) -> str:
    """A page with those of the tables that it has as they are now."""
    for (head, rule), rows in ((_EXIT_CODES, exit_code_rows), (_COMMANDS, command_rows)):
        if head in text.split("\n"):
            text = _replaced(text, head, [head, rule, *rows()])
    return text


_REASONS = """

## Reasons that a message tells

Written from cleanroom_ml/remedies.py; the first that applies is shown, on both targets. `{name}` is filled in from the
message.

| reason | exit code | what helps |
|---|---|---|
"""


def exit_code_rows() -> list[str]:
    """Every exit code with its meaning, in two columns."""
    rows = [f"| {code} | {meaning} " for code, meaning in exit_codes().items()]
    half = (len(rows) + 1) // 2
    return [f"{left}{right}|" for left, right in zip_longest(rows[:half], rows[half:], fillvalue="| | ")]


def command_rows() -> list[str]:
    """Every command with its verbs, by who needs it."""
    return [f"| {who.lower()} | {' '.join(map(_spelled, entries))} |" for who, entries in COMMANDS.items()]


def errors_page() -> str:
    """The clean room's errors, by name."""
    rows = [
        f"| `{name}` | {name.kind.exit_code} | {name.kind.meaning} | {f'`{name.fix}`' if name.fix else ''} |"
        for name in ErrorName
    ]
    reasons = [
        f"| {remedy.about} | {remedy.kind.exit_code if remedy.kind else 'of its name, else 5'} | `{remedy.fix}` |"
        for remedy in REMEDIES
    ]
    return _ERRORS + "\n".join(rows) + _REASONS + "\n".join(reasons) + "\n"


def _spelled(entry: Entry) -> str:
    import typer.main

    found = typer.main.get_command(import_module(f"cleanroom_ml.cli.commands.{entry.module}").app)
    verbs = "·".join(getattr(found, "commands", ()))
    return f"`{entry.name} {verbs}`" if verbs else f"`{entry.name}`"


def _replaced(text: str, head: str, table: Sequence[str]) -> str:
    lines = text.split("\n")
    begin = lines.index(head)
    end = next(number for number in range(begin, len(lines)) if not lines[number].startswith("|"))
    return "\n".join([*lines[:begin], *table, *lines[end:]])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(errors_page(), encoding="utf-8")
    for page in map(Path, sys.argv[2:]):
        whole = targets_page() if page.name == TARGETS else with_tables(page.read_text(encoding="utf-8"))
        page.write_text(whole, encoding="utf-8")
