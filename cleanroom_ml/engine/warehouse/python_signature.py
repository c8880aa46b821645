"""The types of a function in Python, as the front tells them to both sandboxes."""

from __future__ import annotations

from typing import TypedDict


class Signature(TypedDict):
    """What both sides know of a function: the names of types. `takes` and `gives` are DuckDB's."""

    called: str
    parameters: list[str]
    names: list[str]
    returns: str | None
    columns: list[str]
    aggregate: bool
    partitioned: bool
    takes: list[str]
    gives: str
