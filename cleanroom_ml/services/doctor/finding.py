"""One line of what the doctor found, and how answers are read whose form nobody has written down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.naming import ROOM_DATABASE
from cleanroom_ml.services.reported import reported_or

ROOM: Final = ROOM_DATABASE
NOT_SHOWN: Final = "not shown by this target"
_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` is None where the target does not show it: that is no fault, and nothing is known. `fix` is a command or a
    statement."""

    name: str
    ok: bool | None
    detail: str
    fix: str | None = None


def not_shown(name: str, refused: CleanroomError | None = None) -> Finding:
    """The target did not answer the question; what it said instead is told."""
    return Finding(name, None, f"{NOT_SHOWN}: {first_line(refused.what)}" if refused else NOT_SHOWN)


def first_line(text: str) -> str:
    """What fits on a line of a report."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def first_value(rows: Iterable[Mapping[str, object]]) -> object:
    """The first column of the first row; None where there is none."""
    return next((value for row in rows for value in row.values()), None)


def properties(rows: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """What DESCRIBE tells, by lower-case name: one row a property, or one row with a column each."""
    found: dict[str, str] = {}
    for row in rows:
        if "property" in row:
            found[str(row["property"]).lower()] = _text(row.get("value"))
        else:
            found.update((key.lower(), _text(value)) for key, value in row.items())
    return found


def truth(value: object) -> bool | None:
    """A boolean as it comes: itself, or a word for it. None: it is none."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "y": True, "granted": True, "false": False, "no": False, "n": False}
    return words.get(str(value).strip().lower())


def verdicts(rows: Iterable[Mapping[str, object]]) -> dict[str, bool]:
    """Names with yes or no, in whatever form they come: rows of two columns, a JSON object, a list of objects."""
    return dict(_verdicts(list(rows)))


def _verdicts(value: object) -> Iterator[tuple[str, bool]]:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        yield from _verdicts(reported_or(value, {}) or reported_or(value, []))
    elif isinstance(value, list):
        for each in value:
            yield from _verdicts(each)
    elif isinstance(value, Mapping):
        words = [text for text in value.values() if isinstance(text, str) and truth(text) is None]
        answers = [answer for each in value.values() if (answer := truth(each)) is not None]
        if len(words) == len(answers) == 1 and not words[0].lstrip().startswith(("{", "[")):
            yield words[0].upper(), answers[0]
            return
        for key, each in value.items():
            answer = truth(each)
            if answer is not None:
                yield str(key).upper(), answer
            elif isinstance(each, str | list | Mapping):
                yield from _verdicts(each)


def _text(value: object) -> str:
    if value is None or value == "null":
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)
