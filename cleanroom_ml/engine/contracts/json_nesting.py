"""How deep a JSON text is nested, without recursion: asked before anything that reads it by recursion."""

from __future__ import annotations

import re

from cleanroom_ml.engine.contracts.limits import MAX_NESTING_OF_JSON

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]++|[\]}]++', re.DOTALL)


def nesting(text: str) -> int:
    """The most brackets that are open at once, those inside of strings not counted. In one pass, for any text."""
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        found = match.group()
        if found[0] in "[{":
            depth += len(found)
            deepest = max(deepest, depth)
        elif found[0] != '"':
            depth -= len(found)
    return deepest


def is_too_deep(text: str) -> bool:
    """Whether a JSON text is nested deeper than MAX_NESTING_OF_JSON."""
    opened = text.count("[") + text.count("{")
    return opened > MAX_NESTING_OF_JSON and nesting(text) > MAX_NESTING_OF_JSON
