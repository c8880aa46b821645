"""One value as a cell of a table, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

_DEEPEST = 6


def cell(item: object) -> str:
    """Lists joined by commas, mappings as `key: value`, what is nested deeper in brackets; never JSON or Python.

    A text that holds a JSON list or object, as targets send what is VARIANT or ARRAY, is shown as that.
    """
    return _text(_unpacked(item), 0)


def _unpacked(item: object) -> object:
    if not isinstance(item, str) or item[:1] not in ("[", "{") or item[-1:] not in ("]", "}"):
        return item
    try:
        return json.loads(item)
    except (ValueError, RecursionError):
        return item


def _text(item: object, depth: int, *, bare: bool = True) -> str:
    """`bare`: nothing stands around it, so that it needs no brackets."""
    if item is None:
        return ""
    if isinstance(item, str):
        return item
    if isinstance(item, bool):
        return "true" if item else "false"
    if not isinstance(item, Mapping | Sequence):
        return str(item)
    if depth > _DEEPEST:
        return "…"
    if isinstance(item, Mapping):
        reported = {key: value for key, value in item.items() if value not in (None, "")}
        displayed = ", ".join(f"{key}: {_text(value, depth + 1, bare=False)}" for key, value in reported.items())
    else:
        simple = not any(isinstance(each, Mapping | list | tuple) for each in item)
        displayed = (", " if simple else "; ").join(_text(each, depth + 1, bare=bare and not simple) for each in item)
    return displayed if bare else f"({displayed})"
