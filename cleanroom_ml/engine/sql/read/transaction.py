"""BEGIN, COMMIT, ROLLBACK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Statement


@dataclass(frozen=True, slots=True)
class Begin(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Commit(Statement):
    pass


@dataclass(frozen=True, slots=True)
class Rollback(Statement):
    pass


def _start(source: Source) -> Statement:
    source.cursor.expect("START", "TRANSACTION")
    return Begin()


def _transaction(made: type[Statement]) -> Callable[[Source], Statement]:
    def read(source: Source) -> Statement:
        source.cursor.next()
        source.cursor.accept("TRANSACTION")
        source.cursor.accept("WORK")
        source.cursor.expect_end()
        return made()

    return read


FORMS: Final = (
    Form(("START",), _start),
    Form(("COMMIT",), _transaction(Commit)),
    Form(("ROLLBACK",), _transaction(Rollback)),
)
