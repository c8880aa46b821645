"""A remedy's `<role>` is the session's role: what the session knows is put where a remedy leaves a name open.

Remedies are found by the text of an error (remedies.py), which seldom says whose session it was. What nobody here knows
(`<first>`, `<email>`) stays open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cleanroom_ml.naming import display, fold

_OPEN = re.compile(r"<(role|user|collaboration)>|(?<=-c )NAME\b")
_BARE = re.compile(r"[A-Za-z_][\w$]{0,254}\Z")


def filled(fix: str, known: Mapping[str, object]) -> str:
    """The remedy with the names of `known`: a role as the connector tells it, everything else as one would type it.

    What is no name stays open, and so does a login that may be an address: a user goes by another name then.
    """

    def name(match: re.Match[str]) -> str:
        key = match[1] or "connection"
        value = str(known.get(key) or "")
        if not value:
            return match[0]
        if key == "role":
            return _as_sql(value)
        typed = _BARE.match(value) or (key == "user" and value.startswith('"'))
        return value if typed else match[0]

    return _OPEN.sub(name, fix)


def _as_sql(name: str) -> str:
    """A name as the connector tells it, which is folded already or in its quotes."""
    try:
        return display(fold(name) if name.startswith('"') else name)
    except ValueError:
        return display(name)
