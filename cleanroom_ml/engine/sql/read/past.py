"""What commands say of the past: CLONE … AT | BEFORE, UNDROP, and for how long it can be had back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

RETENTION: Final = "DATA_RETENTION_TIME_IN_DAYS"
MOST_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Past:
    """`AT | BEFORE (kind => text)`."""

    kind: str
    text: str
    before: bool


@dataclass(frozen=True, slots=True)
class Undrop(Statement):
    kind: Literal["TABLE", "SCHEMA", "DATABASE"]
    name: Name


def read_past(source: Source) -> Past | None:
    """AT | BEFORE, if it comes next. Raises SqlError."""
    cursor = source.cursor
    if not cursor.looking_at("AT") and not cursor.looking_at("BEFORE"):
        return None
    before = cursor.next().upper == "BEFORE"
    group = cursor.group()
    if len(group) < 3 or group[1].text != "=>":
        raise SqlError.syntax("AT | BEFORE takes TIMESTAMP, OFFSET or STATEMENT => a constant expression.")
    return Past(group[0].upper, source.text[group[2].start : group[-1].end], before)


def retention_days(options: Mapping[str, Option]) -> int | None:
    """DATA_RETENTION_TIME_IN_DAYS; None: nothing is said of it. Raises SqlError."""
    if RETENTION not in options:
        return None
    days = options[RETENTION]
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
        raise SqlError(
            1008, "22023", f"SQL compilation error:\ninvalid value [{str(days)[:40]}] for parameter '{RETENTION}'"
        )
    return days


def read_settings(source: Source, known: frozenset[str], kind: str) -> tuple[str | None, int | None]:
    """`SET COMMENT = … DATA_RETENTION_TIME_IN_DAYS = …` and `UNSET …`: the comment and the retention; what else is
    `known` changes nothing that a statement could see. Raises SqlError.
    """
    cursor = source.cursor
    if cursor.accept("SET"):
        if cursor.looking_at("TAG"):
            raise SqlError.unsupported(f"ALTER {kind} SET TAG")
        options = source.names.options()
        unknown = sorted(options.keys() - known - {"COMMENT", RETENTION})
        if unknown or not options:
            raise SqlError.unsupported(f"ALTER {kind} SET {', '.join(unknown)[:80]}".strip())
        comment = options.get("COMMENT")
        return None if comment is None else str(comment), retention_days(options)
    cursor.expect("UNSET")
    names = {cursor.word()}
    while cursor.accept(","):
        names.add(cursor.word())
    if unknown := sorted(names - known - {"COMMENT", RETENTION}):
        raise SqlError.unsupported(f"ALTER {kind} UNSET {unknown[0][:40]}")
    return "" if "COMMENT" in names else None, -1 if RETENTION in names else None


def _undrop(source: Source) -> Undrop:
    cursor = source.cursor
    cursor.expect("UNDROP")
    for kind in ("TABLE", "SCHEMA", "DATABASE"):
        if cursor.accept(kind):
            name = source.names.name()
            cursor.expect_end()
            return Undrop(kind, name)
    what = cursor.peek()
    raise SqlError.unsupported(f"UNDROP {what.upper[:40] if what else ''}".strip())


FORMS: Final = (Form(("UNDROP",), _undrop),)
