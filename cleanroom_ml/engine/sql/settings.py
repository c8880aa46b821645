"""The session parameters that decide what a statement's dates and times mean, and how its documents are shown
(`sql-reference/parameters`).

They are set for a statement when its compilation begins (`resolve/resolver.py`), and are read where a date is read or
written: passing them along every expression would name them in a hundred places that have nothing to do with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import available_timezones

from cleanroom_ml.engine.sql.types.moment_text import text_template
from cleanroom_ml.engine.sql.values.moment_formats import elements

DEFAULTS: Final[Mapping[str, str]] = {
    "TIMEZONE": "Etc/UTC",
    "DATE_INPUT_FORMAT": "AUTO",
    "TIME_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "WEEK_START": "0",
    "WEEK_OF_YEAR_POLICY": "0",
    "TWO_DIGIT_CENTURY_START": "1970",
    "JSON_INDENT": "2",
}

Check = Callable[[str], bool]


def _zone(text: str) -> bool:
    return text in available_timezones()


def _output(text: str) -> bool:
    try:
        text_template(text)
    except ValueError:
        return False
    return True


def _input(text: str) -> bool:
    try:
        return text.upper() == "AUTO" or any(element for element, _ in elements(text))
    except ValueError:
        return False


def between(least: int, most: int) -> Check:
    """Whether a text is a whole number from `least` to `most`."""
    return lambda text: text.isdecimal() and len(text) < 10 and least <= int(text) <= most


CHECKS: Final[Mapping[str, Check]] = {
    "TIMEZONE": _zone,
    **{name: _output for name in DEFAULTS if name.endswith("_OUTPUT_FORMAT")},
    **{name: _input for name in DEFAULTS if name.endswith("_INPUT_FORMAT")},
    "WEEK_START": between(0, 7),
    "WEEK_OF_YEAR_POLICY": between(0, 1),
    "TWO_DIGIT_CENTURY_START": between(1900, 2100),
    "JSON_INDENT": between(0, 16),
}
"""Parameter → whether it may have a value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set; the rest is as `DEFAULTS` says."""

    values: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        return self.values.get(name, DEFAULTS[name])

    @property
    def zone(self) -> str:
        return self.of("TIMEZONE")

    @property
    def week_start(self) -> int:
        """1 to 7; 0, the old way, is Monday in all but DAYOFWEEK."""
        return int(self.of("WEEK_START"))

    @property
    def week_policy(self) -> int:
        return int(self.of("WEEK_OF_YEAR_POLICY"))

    @property
    def century(self) -> int:
        return int(self.of("TWO_DIGIT_CENTURY_START"))

    @property
    def indent(self) -> int | None:
        """Of documents in results; None: they are on one line."""
        return int(self.of("JSON_INDENT")) or None

    def output(self, kind: str) -> str:
        """The format in which a DATE, TIME or TIMESTAMP_… becomes text."""
        own = self.of(f"{kind}_OUTPUT_FORMAT")
        return own or self.of("TIMESTAMP_OUTPUT_FORMAT")

    def input(self, kind: str) -> str:
        """The format in which text is read as a DATE, TIME or TIMESTAMP."""
        return self.of(f"{kind}_INPUT_FORMAT")


_CURRENT: Final[ContextVar[Settings]] = ContextVar("settings", default=Settings())  # noqa: B039 - it is frozen


_OF_THE_STATEMENT: Final[ContextVar[Mapping[str, str]]] = ContextVar("of the statement", default={})  # noqa: B039


@contextmanager
def before_the_sessions(parameters: Mapping[str, str]) -> Iterator[None]:
    """What is compiled in here has these parameters before those of its session: a client sends them with a statement.

    The caller has checked them.
    """
    token = _OF_THE_STATEMENT.set({name: text for name, text in parameters.items() if name in CHECKS})
    try:
        yield
    finally:
        _OF_THE_STATEMENT.reset(token)


_NANOSECONDS: Final[ContextVar[bool]] = ContextVar("nanoseconds", default=False)


@contextmanager
def keeping_nanoseconds() -> Iterator[None]:
    """What is compiled in here gives moments with nanoseconds wherever a value of a row may have some. Without it such
    a value fails its statement (`TooFineValue`), which is then compiled again in here: who has no such values never
    pays for them.
    """
    token = _NANOSECONDS.set(True)
    try:
        yield
    finally:
        _NANOSECONDS.reset(token)


def keeps_nanoseconds() -> bool:
    """Whether the statement is compiled with nanoseconds."""
    return _NANOSECONDS.get()


def current() -> Settings:
    """Those of the statement that is compiled."""
    return _CURRENT.get()


def reads_iso() -> bool:
    """Whether a text that ISO 8601 writes is the date or moment that it says."""
    return all(current().input(kind).upper() == "AUTO" for kind in ("DATE", "TIMESTAMP"))


def use(parameters: Mapping[str, str]) -> None:
    """The statement that is compiled from here on has these parameters. What a client said at its login may be no value
    of a parameter: that one is as if it had not been said.
    """
    parameters = {**parameters, **_OF_THE_STATEMENT.get()}
    _CURRENT.set(
        Settings({name: text for name, check in CHECKS.items() if (text := parameters.get(name, "")) and check(text)})
    )
