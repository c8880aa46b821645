"""No regular expression of the engine takes more than a moment, whatever text a client makes up for it.

Every pattern that a module of the engine, the specs or the names keeps is tried, with texts of repeated pieces: what
backtracks does so on one of them.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._parser as _parser  # type: ignore[import-untyped]
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import cleanroom_ml

ROOMS = ("cleanroom_ml.engine", "cleanroom_ml.specs", "cleanroom_ml.naming")
SEARCHING = (".search(", ".finditer(", ".findall(", ".sub(", ".split(")
SECONDS = 0.2
LENGTH = 4000
PIECES = (
    " ", "a", "A ", " a", '"', '""', '"a"', "'", "''", "'a'", "/", "/*", "*/", ".", "a.", "-", "--", "0", "0.", "0,",
    "(", ")", "(1", "{%", "{{", "{#", "\n", "\n ", ":", "0:", "_", "$", "$$", "\\", "\\'", "a,", "\t", "@", "=", "e",
    "{% raw %}", '."a"', "cleanroom.", "[", "|", "x=",
)  # fmt: skip
STARTS = ("", "@", "@a.", '@"', "a", '"', "'", "/*", "$$", "-", "0", "{%", "{{ ", "cleanroom.", "preset_tables['", "a(")


def patterns() -> list[tuple[str, re.Pattern[str], str]]:
    """Name, pattern, and how the module uses it: `search` where it looks anywhere in a text, else `match`."""
    found: dict[tuple[str, int], tuple[str, re.Pattern[str], str]] = {}
    for info in pkgutil.walk_packages(cleanroom_ml.__path__, "cleanroom_ml."):
        if not info.name.startswith(ROOMS) or info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        for name, value in vars(module).items():
            for pattern in value.values() if isinstance(value, dict) else (value,):
                if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                    searching = any(f"{name}{use}" in source for use in SEARCHING)
                    key = (pattern.pattern, pattern.flags)
                    if key not in found or searching:
                        found[key] = (f"{info.name}.{name}", pattern, "search" if searching else "match")
    return list(found.values())


def hostile() -> Iterator[str]:
    for start in STARTS:
        for piece in PIECES:
            for end in ("", "!"):
                yield start + piece * (LENGTH // len(piece)) + end


class TooLongError(Exception):
    pass


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def slow_one(pattern: re.Pattern[str], use: str) -> str | None:
    """A text that the pattern takes longer for, twice in a row, than a linear one ever does."""
    look: Any = getattr(pattern, use)
    return next((text[:40] for text in hostile() if min(takes(look, text), takes(look, text)) >= SECONDS), None)


def takes(look: Any, text: str) -> float:
    before = time.process_time()
    try:
        with bounded(1):
            look(text)
    except TooLongError:
        return 1.0
    return time.process_time() - before


def test_the_harness_notices_what_backtracks() -> None:
    assert slow_one(re.compile(r'@((?:"(?:[^"]|"")+"|[^/"])+)/(.+)\Z'), "match"), "a stage path, as it was read before"


@pytest.mark.slow
@pytest.mark.attack
def test_no_pattern_of_the_engine_backtracks_for_long() -> None:
    found = patterns()
    assert len(found) > 60
    assert {name: slow for name, pattern, use in found if (slow := slow_one(pattern, use))} == {}


@pytest.mark.attack
@pytest.mark.parametrize(
    "name", ["engine.rooms.code_specs._STAGE_PATH", "engine.sql.read.names._STAGE", "engine.sql.types.sql_type._TEXT"]
)
def test_what_reads_names_and_types_is_linear(name: str) -> None:
    module, _, attribute = f"cleanroom_ml.{name}".rpartition(".")
    assert slow_one(getattr(importlib.import_module(module), attribute), "match") is None


def misread(pattern: re.Pattern[str]) -> bool:
    """Whether it repeats a group possessively in which something else repeats or looks around: where such a group gives
    up midway, Python before 3.11.5 goes on from there (gh-106052), and takes for a match what is none.
    """

    def inside(parsed: Any, *, possessive: bool) -> bool:
        for operation, argument in parsed:
            name = str(operation)
            if possessive and ("REPEAT" in name or name in {"ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"}):
                return True
            many = name == "POSSESSIVE_REPEAT" and str(argument[2][0][0]) in {"SUBPATTERN", "BRANCH"}
            if name == "POSSESSIVE_REPEAT" and len(argument[2]) > 1:
                many = True
            for each in argument if isinstance(argument, tuple | list) else (argument,):
                for part in each if isinstance(each, list) else (each,):
                    if isinstance(part, _parser.SubPattern) and inside(part, possessive=possessive or many):
                        return True
        return False

    return inside(_parser.parse(pattern.pattern, pattern.flags), possessive=False)


def test_no_pattern_is_misread_by_an_early_python_3_11() -> None:
    assert [name for name, pattern, _ in patterns() if misread(pattern)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"a(?:\s*+,\s*+b){0,9}+", True),
        (r"(?:a|b*c)++", True),
        (r"'(?:[^']|'')*+'", False),
        (r"a(?>(?:\s*,b)*)", False),
    ],
)
def test_what_is_misread_is_noticed(text: str, found: bool) -> None:
    assert misread(re.compile(text)) is found
