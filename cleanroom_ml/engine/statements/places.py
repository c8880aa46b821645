"""Where in a statement an error is: `error line 1 at position 7`, as Snowflake tells it, and as its clients read it
(snowpark: `_internal/analyzer/snowflake_plan.py` finds the line of the script by it).
"""

from __future__ import annotations

import re
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import QUOTED, WORD, tokenize

_NAMED: Final = re.compile(
    r"SQL compilation error:\n(?:error: )?(?P<said>(?:invalid identifier|ambiguous column name) '(?P<name>[^\n]+)')\Z"
)
_CODES: Final = frozenset({904, 2006})
_LONGEST: Final = 200
"""A longer name is cut in the message: it is not looked for."""


def placed(error: SqlError, text: str) -> SqlError:
    """An error about a column's name with the place where the statement first uses it; the same error, where that is
    not to be seen (a view's text has it, or a star).
    """
    found = _NAMED.match(error.message) if error.code in _CODES else None
    if found is None or len(found["name"]) > _LONGEST:
        return error
    shown = found["name"]
    name = shown[1:-1].replace('""', '"') if len(shown) > 1 and shown.startswith('"') else shown
    at = _first(text, name)
    if at is None:
        return error
    line, position = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1)
    told = f"SQL compilation error: error line {line} at position {position}\n{found['said']}"
    return SqlError(error.code, error.sqlstate, told)


def _first(text: str, name: str) -> int | None:
    """Where a name is used first: not where it is given to something, and not where a function is called so."""
    tokens = tokenize(text)
    for number, token in enumerate(tokens):
        if token.kind not in {WORD, QUOTED} or token.value() != name:
            continue
        before = tokens[number - 1].upper if number else ""
        after = tokens[number + 1].text if number + 1 < len(tokens) else ""
        if before != "AS" and after != "(":
            # `t.a` begins with its table.
            while number > 1 and tokens[number - 1].text == ".":
                number -= 2
            return tokens[number].start
    return None
