"""Whether an activation template writes the table that it sends: read from its text, without running it.

Rule (custom activation templates): it is a block that makes `cleanroom.activation_data_<x>` and returns `'<x>'`. What a
template computes (a name from a value, a statement from a text, a job that writes) cannot be told from its text, and
nothing is said of it. Read in time proportional to the text; nothing here authorises anything.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from cleanroom_ml.specs.problems import displayed
from cleanroom_ml.specs.template_text import Masked, code_calls, masked

PREFIX = "ACTIVATION_DATA_"
_EXAMPLE = "BEGIN CREATE OR REPLACE TABLE cleanroom.activation_data_x AS SELECT …; RETURN 'x'; END;"
_TOKEN = re.compile(
    r"(?P<skip>--[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<string>'(?:[^'\\]|''|\\.|\\\Z)*+(?:'|\Z))"
    r'|(?P<quoted>"(?:[^"]|"")*+(?:"|\Z))|(?P<word>[^\W\d][\w$]*)|(?P<other>\S)',
    re.DOTALL,
)
_CALL = re.compile(r'(?<![\w$.])CALL\s+(?:cleanroom|"CLEANROOM")\s*\.\s*([A-Za-z_]\w*)\s*\(', re.IGNORECASE)
# What stands before the name of a table that a statement writes, and what before that makes it another statement.
_WRITES = {
    "TABLE": ("DROP", "TRUNCATE", "ALTER", "DESC", "DESCRIBE"),
    "EXISTS": ("IF",),
    "INTO": (),
    "UPDATE": (),
    "TO": (),
}


class Finding(NamedTuple):
    """What is wrong, on which line of the body (1-based), and what would be right."""

    line: int
    what: str
    allowed: str = ""


def activation_findings(body: str) -> Iterator[Finding]:
    """What keeps the body of an activation template from sending anything."""
    sql = masked(body)
    read = _Reading(sql)
    read.all()
    if read.first and read.first.upper() not in ("BEGIN", "DECLARE"):
        yield Finding(_line(body, sql, read.first_at), "an activation template is a BEGIN … END block", _EXAMPLE)
        return
    if read.uncertain or code_calls(body):
        return
    if not read.written:
        yield Finding(1, "writes no table cleanroom.activation_data_…, which is what an activation sends", _EXAMPLE)
        return
    names = ", ".join(f"'{name.lower()}'" for name in read.written)
    if not read.returned:
        yield Finding(1, "returns nothing; an activation sends the table whose name it returns", f"RETURN {names}")
    for name, at in read.returned:
        if name.upper() not in read.written:
            without = " (without activation_data_)" if name.upper().startswith(PREFIX) else ""
            what = f"returns {displayed(name)}, and writes no table cleanroom.activation_data_{name[:60]}"
            yield Finding(_line(body, sql, at), what, f"{names}{without}")


def bare_calls(body: str) -> Iterator[Finding]:
    """`CALL cleanroom.train(…)`: what a template calls is a code spec's, and is called by both names."""
    sql = masked(body)
    quiet = "".join(_blanked(match) for match in re.finditer(rf"{_TOKEN.pattern}|\s+", sql.text, re.DOTALL))
    for match in _CALL.finditer(quiet):
        what = f"there is no cleanroom.{match[1][:60]} to call"
        allowed = f"cleanroom.<code spec's name>${match[1][:60]}"
        yield Finding(_line(body, sql, match.start()), what, allowed)


def _blanked(match: re.Match[str]) -> str:
    quiet = match.lastgroup in ("skip", "string")
    return re.sub(r"[^\n]", " ", match.group()) if quiet else match.group()


class _Reading:
    """One pass over the tokens of a body's SQL."""

    def __init__(self, sql: Masked) -> None:
        self._sql = sql
        self._before = ["", "", "", ""]
        self.first, self.first_at = "", 0
        self.written: dict[str, None] = {}
        self.returned: list[tuple[str, int]] = []
        self.uncertain = False

    def all(self) -> None:
        for match in _TOKEN.finditer(self._sql.text):
            kind, text = match.lastgroup, match.group()
            if kind == "skip" or text == self._sql.block:
                continue
            if not self.first:
                self.first, self.first_at = text, match.start()
                self.uncertain = text == self._sql.mark
                if self.uncertain:
                    self.first = ""
                    return
            self._take(kind or "", text, match)
            self._before = [*self._before[1:], text.upper() if kind == "word" else text]

    def _take(self, kind: str, text: str, match: re.Match[str]) -> None:
        last = self._before[-1]
        if last == "RETURN":
            if kind == "string":
                self.returned.append((text.strip("'"), match.start()))
            elif kind == "word" or text in (self._sql.mark, "(", ":"):
                self.uncertain = True
        if last == "IDENTIFIER" or self._before[-2:] == ["EXECUTE", "IMMEDIATE"]:
            self.uncertain = True
        named = text.strip('"') if kind in ("word", "quoted") else ""
        if last != "." or not named.upper().startswith(PREFIX) or self._before[-2].upper().strip('"') != "CLEANROOM":
            return
        if self._sql.text[match.end() : match.end() + 1] in (self._sql.mark, self._sql.block):
            self.uncertain = True
        other = _WRITES.get(self._before[-3])
        if other is not None and self._before[-4] not in other:
            self.written[named.upper().removeprefix(PREFIX)] = None


def _line(body: str, sql: Masked, at: int) -> int:
    here, there = sql.offsets[bisect_right([offset for offset, _ in sql.offsets], at) - 1]
    return body.count("\n", 0, there + at - here) + 1
