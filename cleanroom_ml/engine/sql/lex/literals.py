"""What a text literal says, the same for a command and for a query: escapes as sqlglot reads them for Snowflake."""

from __future__ import annotations

import threading
from typing import Final

from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import SqlglotError

from cleanroom_ml.engine.sql.errors import SqlError


class _Own(threading.local):
    """A tokenizer keeps its place while it reads: each thread has one."""

    def __init__(self) -> None:
        self.tokenizer = Snowflake.tokenizer_class(dialect=Snowflake())


_OWN: Final = _Own()


def unescape(literal: str) -> str:
    """The value of a whole `'…'` or `$$…$$`. Raises SqlError: it is none."""
    if literal.startswith("$$"):
        return literal[2:-2]
    if "\\" not in literal:
        return literal[1:-1].replace("''", "'")
    try:
        (token,) = _OWN.tokenizer.tokenize(literal)
    except (SqlglotError, ValueError):
        raise SqlError.syntax("a malformed text literal.") from None
    return str(token.text)
