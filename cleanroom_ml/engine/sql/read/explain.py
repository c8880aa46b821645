"""EXPLAIN of a query (sql-reference/sql/explain)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement

FORMATS: Final = ("TABULAR", "JSON", "TEXT")


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    """EXPLAIN [USING TABULAR | JSON | TEXT] `ast`."""

    ast: exp.Expr
    using: str = "TABULAR"


def _explain(source: Source) -> Statement:
    cursor = source.cursor
    cursor.next()
    using = "TABULAR"
    if cursor.accept("USING"):
        found = next((each for each in FORMATS if cursor.accept(each)), None)
        if found is None:
            raise cursor.surprise("expected TABULAR, JSON or TEXT")
        using = found
    token = cursor.peek()
    if token is not None and token.upper not in {"SELECT", "WITH", "(", "VALUES"}:
        raise SqlError.unsupported(f"EXPLAIN of {token.upper[:40]}: of a query alone")
    return Explain(source.query_here(), using)


FORMS: Final = (Form(("EXPLAIN",), _explain),)
