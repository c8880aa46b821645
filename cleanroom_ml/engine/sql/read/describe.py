"""DESCRIBE of every kind of object, and of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import WORD
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESC[RIBE] [AS RESOURCE] `kind` `name`: TABLE, VIEW, STAGE, FILE FORMAT, DATABASE, SCHEMA, WAREHOUSE,
    COMPUTE POOL, APPLICATION; or RESULT (`query_id`). `of_stage`: TYPE = STAGE, of a table.
    """

    kind: str
    name: Name = ()
    query_id: str | None = None
    of_stage: bool = False
    as_resource: bool = False


def _describe(source: Source) -> Statement:
    cursor = source.cursor
    cursor.next()
    if cursor.accept("RESULT"):
        if cursor.looking_at("LAST_QUERY_ID"):
            raise SqlError.unsupported("DESCRIBE RESULT of anything but a query's id")
        query_id = source.names.text()
        cursor.expect_end()
        return Describe("RESULT", (), query_id)
    as_resource = cursor.accept("AS", "RESOURCE")
    kind = accept_object(source)
    of, after = cursor.peek(), cursor.peek(1)
    two = of is not None and after is not None and of.kind == after.kind == WORD
    if kind is None and of is not None and two and not cursor.looking_at(of.upper, "TYPE"):
        raise SqlError.unsupported(f"DESCRIBE {of.upper}")
    kind = kind or "TABLE"
    name = named(source, kind)
    of_stage = False
    if cursor.accept("TYPE"):
        cursor.expect("=")
        of_stage = cursor.accept("STAGE")
        if not of_stage:
            cursor.expect("COLUMNS")
    cursor.expect_end()
    return Describe(kind, name, None, of_stage, as_resource)


FORMS: Final = (Form(("DESC",), _describe), Form(("DESCRIBE",), _describe))
