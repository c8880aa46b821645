"""Whether a template's body is one call of a code spec's ML job: what makes a run of it a job.

Rule (ML jobs, "Register templates"): such a template is one `call cleanroom.<code spec>$<ml job>(…)`. Read from the
text, without running it and in time proportional to it; nothing here authorises anything.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cleanroom_ml.specs.template_text import masked

_COMMENT = re.compile(r"--[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_CALL = re.compile(
    r'CALL\s+(?:cleanroom|"CLEANROOM")\s*\.\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[A-Za-z_][\w$]*))\s*\(',
    re.IGNORECASE,
)


class Called(NamedTuple):
    """What a body calls: the code spec's name, without its version, and what of it."""

    code_spec: str
    callable: str


def called(body: str) -> Called | None:
    """What the body's one CALL means; None: it is no call of a code spec, or what it calls is computed."""
    sql = masked(body)
    at = 0
    while at < len(sql.text):
        if sql.text[at].isspace() or sql.text[at] == sql.block:
            at += 1
        elif comment := _COMMENT.match(sql.text, at):
            at = comment.end()
        else:
            break
    found = _CALL.match(sql.text, at)
    if found is None:
        return None
    name = found["bare"] or found["quoted"].replace('""', '"')
    code_spec, dollar, of_it = name.partition("$")
    return Called(code_spec, of_it) if dollar and code_spec and of_it else None
