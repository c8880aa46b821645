"""Policies bound to a table or a view by CREATE or ALTER: refused by name, as nothing would keep to them there.

Source: user-guide/aggregation-policies ("Assign an aggregation policy") and its like. Data offerings bind them here.
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import CLOSING, OPENING, WORD
from cleanroom_ml.engine.sql.policies.definition import KINDS
from cleanroom_ml.engine.sql.read.source import Source

BINDABLE: Final = frozenset({("TABLE",), ("VIEW",)})
_WORDS: Final = tuple((kind, tuple(kind.split())) for kind in KINDS)


def refuse(source: Source, what: str) -> None:
    """Raises SqlError: what is declared, up to the AS of a query, has a policy."""
    tokens = source.tokens
    depth = 0
    for at in range(source.cursor.at, len(tokens)):
        token = tokens[at]
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if token.kind == WORD and token.upper == "AS" and not depth:
            return
        for kind, words in _WORDS:
            found = tokens[at : at + len(words)]
            if all(each.kind == WORD for each in found) and tuple(each.upper for each in found) in {words, _all(words)}:
                raise SqlError.unsupported(
                    f"{what} … {kind}: policies are bound by data offerings here (freeform_sql_policies)"
                )


def _all(words: tuple[str, ...]) -> tuple[str, ...]:
    """As in DROP ALL ROW ACCESS POLICIES."""
    return (*words[:-1], "POLICIES")
