"""Writes docs/reference/sql-functions.md: every function of Snowflake's list, and whether the embedded engine has it.

    .venv/bin/python tests/conformance/function_page.py docs/reference/sql-functions.md

The list (`snowflake_functions.txt`) is of names alone, each with whether the closed emulator LocalStack for Snowflake
says that it has the function (its documentation of July 2025). What the engine has is asked of its table of functions.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sql.functions import history, table
from cleanroom_ml.engine.sql.resolve.lambdas import NAMES as LAMBDAS

LIST: Final = Path(__file__).with_name("snowflake_functions.txt")
GRAMMAR: Final = frozenset({"CASE", "CAST", "TRY_CAST", "EXTRACT", "IDENTIFIER"})
"""What the list calls functions and the parser reads itself."""
REFUSED: Final = frozenset({"COLLATE"})
"""What the table of functions has only to say what works instead."""
_PAGE: Final = """# SQL functions of the embedded engine

Written by `make docs` from the engine's own table of functions and Snowflake's list of all functions
(`sql-reference/functions-all`). A function that is not done is refused by its name: `Unsupported feature 'ST_AREA'`.
The last column is what the closed emulator LocalStack for Snowflake says of itself (its page of July 2025).

{done} of {all} are done; LocalStack has {theirs}, of which {only} are not done here: {missing}.

| function | here | LocalStack |
|---|---|---|
{rows}
"""


def listed() -> dict[str, bool]:
    """Snowflake's names, and which LocalStack has."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {name: mark == "✅" for name, mark in (line.rsplit(" ", 1) for line in lines)}


def is_done(name: str) -> bool:
    """Functions of INFORMATION_SCHEMA's are in no table: the catalog has their rows, and FROM knows them by name."""
    there = name in table.FUNCTIONS and name not in REFUSED
    return there or name in LAMBDAS or name in GRAMMAR or history.is_history((name,))


def page() -> str:
    names = listed()
    missing = sorted(name for name, theirs in names.items() if theirs and not is_done(name))
    rows = "\n".join(
        f"| `{name}` | {'done' if is_done(name) else 'refused by name'} | {'yes' if theirs else '–'} |"
        for name, theirs in sorted(names.items())
    )
    return _PAGE.format(
        done=sum(map(is_done, names)),
        all=len(names),
        theirs=sum(names.values()),
        only=len(missing),
        missing=", ".join(f"`{name}`" for name in missing) or "none",
        rows=rows,
    )


def main(arguments: Sequence[str]) -> None:
    Path(arguments[0]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
