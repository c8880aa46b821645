"""The forms of all statements, found from the modules of this package: a new one is a new module, and no list of them.

Modules are loaded when the first statement is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from cleanroom_ml.engine.contracts.records import records_of
from cleanroom_ml.engine.sql import read
from cleanroom_ml.engine.sql.read.form import Form, ObjectForm, Words
from cleanroom_ml.engine.sql.read.source import Source


@cache
def forms() -> Mapping[str, tuple[Form, ...]]:
    """Forms by their first word, the longest first."""
    found = sorted(records_of(read, "FORMS", Form), key=lambda form: -len(form.words))
    return {word: tuple(form for form in found if form.words[0] == word) for word in {form.words[0] for form in found}}


@cache
def objects() -> tuple[ObjectForm, ...]:
    """All kinds of object."""
    return records_of(read, "OBJECTS", ObjectForm)


@cache
def displayed() -> tuple[Words, ...]:
    """All that SHOW lists, the longest first."""
    found = {*(each.displayed for each in objects()), *records_of(read, "SHOWN", tuple)}
    return tuple(sorted(found, key=lambda words: (-len(words), words)))


def accept_one(source: Source, kinds: Iterable[Words]) -> str | None:
    """Take the first of these kinds that comes next; its words as one text, None where none does."""
    for words in kinds:
        if source.cursor.accept(*words):
            return " ".join(words)
    return None


_LONG_NAMES: Final = frozenset(
    {f"{what} POLICY" for what in ("AGGREGATION", "JOIN", "MASKING", "NETWORK", "PASSWORD", "PROJECTION", "SESSION")}
    | {"ROW ACCESS POLICY", "DYNAMIC TABLE", "EVENT TABLE", "EXTERNAL TABLE", "ICEBERG TABLE", "MATERIALIZED VIEW"}
    | {"RESOURCE MONITOR", "API INTEGRATION", "STORAGE INTEGRATION", "EXTERNAL FUNCTION", "IMAGE REPOSITORY"}
)


def named_next(source: Source) -> str:
    """The kind of object that comes next, as a refusal names it: Snowflake's names of several words are one name."""
    words: list[str] = []
    for ahead in range(3):
        token = source.cursor.peek(ahead)
        words.append(token.upper[:40] if token is not None else "")
    return next((name for size in (3, 2) if (name := " ".join(words[:size])) in _LONG_NAMES), words[0])


def accept_object(source: Source) -> str | None:
    """`accept_one` of the kinds of object."""
    return accept_one(source, (each.words for each in objects()))
