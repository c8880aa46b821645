"""What an event may be (runtime/events.py has the schema): a line of the job's, taken apart and built anew."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from cleanroom_ml.engine.contracts.json_nesting import is_too_deep

MAX_NAME_CHARACTERS: Final = 200
MAX_ENTRIES: Final = 500
_MOST: Final = 2**53
_Check = Callable[[object], object]


class NotAnEvent(ValueError):
    """The line is no event of ours."""


def event_of(line: bytes) -> dict[str, object]:
    """The event on this line, with the fields of its kind and no others.

    Numbers are finite, names are bounded, and nothing is left that is not UTF-8. Raises NotAnEvent.
    """
    try:
        text = line.decode("utf-8")
        if is_too_deep(text):  # how deep Python's own reader and writer go, differs from version to version
            raise NotAnEvent
        value = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise NotAnEvent from None
    if not isinstance(value, dict) or not isinstance(kind := value.get("kind"), str) or kind not in KINDS:
        raise NotAnEvent
    event = {"t": _number(value.get("t")), "kind": kind}
    for field, check in KINDS[kind].items():
        if value.get(field) is not None:
            event[field] = check(value[field])
        elif field not in _OPTIONAL:
            raise NotAnEvent
    return event


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAnEvent
    try:
        number = float(value)
    except OverflowError:
        raise NotAnEvent from None
    if not math.isfinite(number):  # 1e999 is JSON
        raise NotAnEvent
    return value if isinstance(value, int) and -_MOST <= value <= _MOST else number


def _numbers(value: object) -> dict[str, float]:
    """By name; what is no number is left out: scripts report texts too, and a NaN is written as null."""
    found = {}
    for name, item in _entries(value):
        with contextlib.suppress(NotAnEvent):
            found[name] = _number(item)
    return found


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        raise NotAnEvent
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotAnEvent
    # Half a character (`\ud800`) is a string of Python's, but none of Unicode's.
    return value[:MAX_NAME_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def _state(value: object) -> str:
    if value not in ("done", "failed"):
        raise NotAnEvent
    return str(value)


def _mode(value: object) -> str:
    if value not in ("max", "min"):
        raise NotAnEvent
    return str(value)


def _params(value: object) -> dict[str, object]:
    """By name; what is neither a number nor a truth value becomes text."""
    return {name: _scalar(item) for name, item in _entries(value)}


def _scalar(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    return _text(value if isinstance(value, str) else json.dumps(value))


def _nodes(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise NotAnEvent
    checks: Mapping[str, _Check] = {"address": _text, "cpus": _number, "memory": _number}
    found = []
    for node in value:
        if not isinstance(node, dict):
            raise NotAnEvent
        found.append({field: check(node[field]) for field, check in checks.items() if node.get(field) is not None})
    return found


def _entries(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
        raise NotAnEvent
    return [(_text(name), item) for name, item in value.items()]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


KINDS: Final[Mapping[str, Mapping[str, _Check]]] = {
    "stage": {"name": _text, "seconds": _number, "rows": _count, "bytes": _count},
    "round": {"trainer": _text, "iteration": _count, "total": _count, "metrics": _numbers, "trial": _count},
    "metrics": {"source": _text, "metrics": _numbers, "trial": _count},
    "trial": {
        "number": _count,
        "total": _count,
        "state": _state,
        "params": _params,
        "metrics": _numbers,
        "seconds": _number,
        "error": _text,
        "metric": _text,
        "mode": _mode,
    },
    "importance": {"trainer": _text, "values": _numbers},
    "nodes": {"nodes": _nodes},
}
"""Every kind with its fields; the ones in `_OPTIONAL` may be missing."""

_OPTIONAL: Final = frozenset({"seconds", "rows", "bytes", "total", "trial", "error", "metric", "mode"})
