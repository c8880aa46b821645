"""DESCRIBE of every kind of object, and of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESC[RIBE] `kind` `name`: TABLE, VIEW, STAGE, FILE FORMAT, DATABASE, SCHEMA, WAREHOUSE, COMPUTE POOL,
    APPLICATION; or RESULT (`query_id`). `of_stage`: TYPE = STAGE, of a table.
    """

    kind: str
    name: Name = ()
    query_id: str | None = None
    of_stage: bool = False


def _describe(source: Source) -> Statement:
    cursor = source.cursor
    cursor.next()
    if cursor.accept("RESULT"):
        query_id = source.names.text()
        cursor.expect_end()
        return Describe("RESULT", (), query_id)
    kind = accept_object(source) or "TABLE"
    name = named(source, kind)
    of_stage = False
    if cursor.accept("TYPE"):
        cursor.expect("=")
        of_stage = cursor.accept("STAGE")
        if not of_stage:
            cursor.expect("COLUMNS")
    cursor.expect_end()
    return Describe(kind, name, None, of_stage)


FORMS: Final = (Form(("DESC",), _describe), Form(("DESCRIBE",), _describe))
