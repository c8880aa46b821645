"""Values as a statement writes them and as an account answers with them: literals, rows, refusals.

From the SQL reference (literals, arrays, objects) and the connector's JSON results. Nothing of the product is in here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Answer = dict[str, Any]
DATABASE = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
_NUMBERS = re.compile(r"-?\d+(\.\d+)?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


@dataclass(frozen=True)
class Refused(Exception):
    """What a statement is refused with: Snowflake's number, its SQL state, its text."""

    code: int
    sqlstate: str
    message: str


def not_there(kind: str, name: str) -> Refused:
    """An object that is not there, or not to be seen."""
    return Refused(2003, "02000", f"SQL compilation error:\n{kind} '{name}' does not exist or not authorized.")


def unknown_function(name: str) -> Refused:
    """A procedure that is not there."""
    return Refused(2141, "42601", f"SQL compilation error:\nUnknown user-defined function {name}.")


def syntax(text: str) -> Refused:
    """A statement that is none."""
    return Refused(1003, "42000", f"SQL compilation error:\nsyntax error line 1 at position 0 unexpected '{text}'.")


@dataclass(frozen=True)
class Rows:
    """A result: names and types of its columns, and values as Python has them."""

    columns: tuple[tuple[str, str], ...]
    values: tuple[tuple[object, ...], ...] = ()

    def wire(self, query_id: str) -> Answer:
        described = [
            {"name": name, "type": kind, "nullable": True, "length": 16777216, "byteLength": 16777216,
             "precision": 38 if kind == "fixed" else None, "scale": {"fixed": 0, "timestamp_ltz": 9}.get(kind)}
            for name, kind in self.columns
        ]  # fmt: skip
        kinds = [kind for _, kind in self.columns]
        data = {
            "rowtype": described, "rowset": [list(map(_cell, row, kinds)) for row in self.values],
            "total": len(self.values), "returned": len(self.values), "queryId": query_id,
            "queryResultFormat": "json", "parameters": [], "statementTypeId": 4096,
        }  # fmt: skip
        return {"success": True, "code": None, "message": None, "data": data}


def table(*columns: str, rows: Sequence[Sequence[object]] = ()) -> Rows:
    """`name` or `name:type` of each column."""
    return Rows(
        tuple((name, kind or "text") for name, _, kind in (each.partition(":") for each in columns)),
        tuple(map(tuple, rows)),
    )


def status(text: str) -> Rows:
    return table("status", rows=[[text]])


def _cell(value: object, kind: str) -> str | None:
    if value is None:
        return None
    if kind in ("array", "object", "variant") or isinstance(value, list | dict):
        return json.dumps(value)
    if isinstance(value, bool):
        return "1" if kind == "boolean" and value else "0" if kind == "boolean" else str(value).lower()
    return f"{value:.9f}" if kind == "timestamp_ltz" and isinstance(value, float) else str(value)


def arguments(text: str) -> list[Any]:
    """What stands between the brackets of a CALL."""
    tokens = list(_tokens(text))
    values, at = [], 0
    while at < len(tokens):
        value, at = _value(tokens, at)
        values.append(value)
        if at < len(tokens):
            if tokens[at] != ",":
                raise syntax(str(tokens[at]))
            at += 1
    return values


def _value(tokens: list[Any], at: int) -> tuple[Any, int]:
    token = tokens[at]
    if isinstance(token, tuple):
        return token[0], at + 1
    if token == "[":
        return _list(tokens, at + 1)
    if token == "{":
        return _object(tokens, at + 1)
    raise syntax(str(token))


def _list(tokens: list[Any], at: int) -> tuple[list[Any], int]:
    found = []
    while tokens[at] != "]":
        value, at = _value(tokens, at)
        found.append(value)
        at += tokens[at] == ","
    return found, at + 1


def _object(tokens: list[Any], at: int) -> tuple[dict[str, Any], int]:
    found = {}
    while tokens[at] != "}":
        key, at = _value(tokens, at)
        if tokens[at] != ":":
            raise syntax(str(tokens[at]))
        found[key], at = _value(tokens, at + 1)
        at += tokens[at] == ","
    return found, at + 1


def _tokens(text: str) -> Iterator[Any]:
    """Punctuation as it is, a value as a tuple of one."""
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in "[]{},:":
            yield character
            at += 1
        elif text.startswith("$$", at):
            end = text.index("$$", at + 2)
            yield (text[at + 2 : end],)
            at = end + 2
        elif character == "'":
            value, at = _quoted(text, at + 1)
            yield (value,)
        elif match := _NUMBERS.match(text, at):
            yield (float(match[0]) if match[1] else int(match[0]),)
            at = match.end()
        elif match := re.compile(r"[A-Za-z_]+").match(text, at):
            words = {"NULL": None, "TRUE": True, "FALSE": False}
            if match[0].upper() not in words:
                raise syntax(match[0])
            yield (words[match[0].upper()],)
            at = match.end()
        else:
            raise syntax(character)


def _quoted(text: str, at: int) -> tuple[str, int]:
    value = ""
    while text[at] != "'" or text[at : at + 2] == "''":
        if text[at] == "\\":
            value += _ESCAPES.get(text[at + 1], text[at + 1])
            at += 2
        elif text[at] == "'":
            value += "'"
            at += 2
        else:
            value += text[at]
            at += 1
    return value, at + 1
