"""USE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Use(Statement):
    """`kind`: DATABASE, SCHEMA, WAREHOUSE, ROLE or SECONDARY ROLES (then `name` is ("ALL",) or ("NONE",)). A bare USE
    a[.b] is DATABASE with 1 or 2 parts.
    """

    kind: str
    name: Name


def _use(source: Source) -> Statement:
    cursor = source.cursor
    cursor.expect("USE")
    kind = "DATABASE"
    if cursor.accept("SECONDARY", "ROLES"):
        kind = "SECONDARY ROLES"
    elif (token := cursor.peek(1)) is not None and token.text not in {".", ";"}:
        kind = cursor.word()
        if kind == "IDENTIFIER":
            cursor.at -= 1
            kind = "DATABASE"
    if kind not in {"DATABASE", "SCHEMA", "WAREHOUSE", "ROLE", "SECONDARY ROLES"}:
        raise SqlError.unsupported(f"USE {kind[:40]}")
    name = source.names.name(2)
    cursor.expect_end()
    return Use(kind, name)


FORMS: Final = (Form(("USE",), _use),)
