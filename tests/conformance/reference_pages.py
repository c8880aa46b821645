"""Runs the examples of Snowflake's reference pages on a fresh engine and says of each what became of it.

    .venv/bin/python tests/conformance/reference_pages.py DIRECTORY [-p PART-OF-A-NAME] [-v]

DIRECTORY holds the pages as Markdown (`…/sql-reference/functions/*.md` and others): a checkout of the public
documentation. Nothing of it is kept here. A page is one schema; what stands in fences is SQL, or the table that the
statement before it prints. A statement is

- right: it gives what is printed, or runs where nothing is printed;
- refused: by the name of what is not supported;
- wrong: it gives something else;
- misleading: it fails in another way;
- illustrative: it has placeholders, or names what the page does not make.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split

_FENCE: Final = re.compile(r"^( *(?:> ?)*)```[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"<[a-z_][a-z0-9_ ]*>|\[ ?[,A-Z<]|\.\.\.|…", re.IGNORECASE)
_STATEMENT: Final = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(select|with|create|insert|update|delete|merge|alter|set|show|use|drop|truncate|values|call)\b",
    re.I,
)
_RULE: Final = re.compile(r"[+|][-+|]+[+|]\s*\Z")
REFUSALS: Final = frozenset({2, 2140})
"""Codes of what is not supported, and of functions that nobody knows."""
ABSENT: Final = frozenset({2003, 2043})
"""Codes of what does not exist: of a page that uses what another one makes."""


@dataclass(frozen=True, slots=True)
class Example:
    """A statement of a page, and the table that it prints, if any: a row is as many texts as columns."""

    page: str
    statement: str
    rows: tuple[tuple[str, ...], ...] | None = None


def examples(page: str, text: str) -> Iterator[Example]:
    """The statements of a page in their order. Syntax with placeholders is none."""
    blocks = [(prefix, re.sub(f"^{re.escape(prefix)}", "", body, flags=re.M)) for prefix, body in _FENCE.findall(text)]
    bodies = [body for _, body in blocks]
    for number, body in enumerate(bodies):
        if not _STATEMENT.match(body):
            continue
        body, printed = _apart(body)
        try:
            statements = [statement for statement in split(body) if statement.strip()]
        except SqlError:
            continue
        following = printed or (bodies[number + 1] if number + 1 < len(bodies) else "")
        for place, statement in enumerate(statements):
            last = place == len(statements) - 1
            yield Example(page, statement.strip(), table(following) if last else None)


def _apart(body: str) -> tuple[str, str]:
    """The SQL of a fence, and the table that may stand below it in the same one."""
    lines = body.splitlines()
    start = next(
        (number for number, line in enumerate(lines) if line.startswith("+") and _RULE.match(line)), len(lines)
    )
    return "\n".join(lines[:start]), "\n".join(lines[start:])


def table(text: str) -> tuple[tuple[str, ...], ...] | None:
    """The rows of a printed table; None: it is none. A line whose first cell is empty goes on with the row before."""
    lines = [line.strip() for line in text.strip("\n").splitlines() if line.strip()]
    if len(lines) < 3 or not _RULE.match(lines[0]) or not lines[0].startswith("+"):
        return None
    ends = [place for place, character in enumerate(lines[0]) if character == "+"]
    rows: list[list[str]] = []
    heading = True
    for line in lines[1:]:
        if _RULE.match(line):
            heading = False
            continue
        if heading:
            continue
        cells = [line[start + 1 : end].strip() for start, end in pairwise(ends)]
        if len(ends) == 2 and rows and _goes_on(rows[-1][0]):
            rows[-1][0] += "\n" + cells[0]
        elif rows and len(cells) > 1 and not cells[0] and any(_goes_on(cell) for cell in rows[-1]):
            rows[-1] = [f"{before}\n{cell}" if cell else before for before, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return tuple(tuple(row) for row in rows)


def _goes_on(cell: str) -> bool:
    """Whether a JSON text has more brackets opened than closed."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", cell)
    return sum(map(bare.count, "[{")) > sum(map(bare.count, "]}"))


def is_same(printed: str, value: Any) -> bool:
    """Whether a printed cell is this value."""
    if value is None:
        return printed.upper() in {"NULL", "", "[NULL]"}
    if isinstance(value, bool):
        return printed.upper() == str(value).upper()
    if isinstance(value, int | float | Decimal):
        return _is_same_number(printed, value)
    if isinstance(value, bytes | bytearray):
        return printed.upper() == value.hex().upper()
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return _moment(printed) == _moment(str(value))
    text = str(value)
    if printed == text.strip():
        return True
    try:
        return bool(json.loads(printed) == json.loads(text))
    except ValueError:
        return " ".join(printed.split()) == " ".join(text.split())


def _is_same_number(printed: str, value: float | Decimal) -> bool:
    try:
        wanted = Decimal(printed)
    except InvalidOperation:
        return printed.lower() == str(value).lower()
    if isinstance(value, float):
        digits = len(wanted.as_tuple().digits)
        return abs(float(wanted) - value) <= max(abs(value), 1e-300) * 10.0 ** -min(max(digits - 1, 5), 12)
    return wanted == Decimal(value)


def _moment(text: str) -> str:
    """A moment without what clients print in different ways: noughts of the second's fraction, the offset's colon."""
    text = re.sub(r"(\.\d*?)0+(?=\D|$)", r"\1", text.replace("T", " ")).replace(". ", " ")
    text = re.sub(r"([+-]\d\d):(\d\d)$", r" \1\2", text).replace("Z", " +0000")
    return re.sub(r" +", " ", text).rstrip(". ").removesuffix(" 00:00:00")


def outcome(example: Example, cursor: Any) -> tuple[str, str]:
    """What became of a statement, and what it gave."""
    if _PLACEHOLDER.search(re.sub(r"'[^']*'", "''", example.statement)):
        return "illustrative", ""
    try:
        found = cursor.execute(example.statement).fetchall()
    except Exception as error:  # noqa: BLE001 - whatever the client raises is the outcome
        code = getattr(error, "errno", None)
        kind = "refused" if code in REFUSALS else "illustrative" if code in ABSENT else "misleading"
        return kind, str(error)[:300]
    if example.rows is None:
        return "right", ""
    shown = sorted(found, key=str) if len(found) != len(example.rows) else found
    fits = len(found) == len(example.rows) and all(
        len(row) == len(cells) and all(map(is_same, cells, row)) for cells, row in zip(example.rows, found, strict=True)
    )
    return ("right", "") if fits else ("wrong", repr(shown)[:600])


def run(pages: Sequence[Path], cursor: Any, *, verbose: bool = False) -> Counter[str]:
    """Every example of the pages, each page in a schema of its own."""
    counts: Counter[str] = Counter()
    cursor.execute("create or replace database reference_pages")
    for number, path in enumerate(pages):
        cursor.execute(f"create or replace schema page_{number}")
        for example in examples(path.stem, path.read_text(encoding="utf-8")):
            kind, detail = outcome(example, cursor)
            counts[kind] += 1
            if kind in {"wrong", "misleading"} or (verbose and kind == "refused"):
                print(f"{kind.upper()} [{example.page}] {example.statement[:400]}")
                if example.rows is not None:
                    print(f"   printed {example.rows!r}"[:600])
                print(f"   gives   {detail}")
    return counts


def main(arguments: Sequence[str]) -> int:
    """The command. 1 where a value is wrong."""
    import snowflake.connector

    from cleanroom_ml.local import accounts
    from cleanroom_ml.local import engine as local_engine
    from cleanroom_ml.local.home import ensure_home

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, help="where the pages are")
    parser.add_argument("-p", "--page", default="", help="only pages whose name has this in it")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what is refused, too")
    given = parser.parse_args(arguments)
    pages = sorted(path for path in given.directory.rglob("*.md") if given.page in path.stem)
    if not pages:
        parser.error(f"{given.directory} has no such pages")
    home = ensure_home(Path(tempfile.mkdtemp(prefix="reference-pages-")) / "engine")
    local_engine.ensure_running(home)
    try:
        made = accounts.create("pages", home=home)
        with snowflake.connector.connect(**accounts.connections(home)[made.connection]) as connection:
            counts = run(pages, connection.cursor(), verbose=given.verbose)
    finally:
        local_engine.stop(home)
    print(", ".join(f"{counts[kind]} {kind}" for kind in ("right", "refused", "wrong", "misleading", "illustrative")))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
