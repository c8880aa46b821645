"""PATTERN = '…': a client's regular expression is evaluated by a warehouse worker, whose engine takes linear time.

In the front, Python's backtracking matcher would hold the interpreter lock for as long as the pattern's author likes.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.catalog import ContextValues, RowsSource, Source
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse.pool import Warehouse

_MATCHED = "SELECT I FROM PATHS WHERE REGEXP_LIKE(P, ?)"


class Patterns:
    """Matches paths by a pool of workers; a `stage_reader.PathMatcher`."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def __call__(self, pattern: str, paths: Sequence[str]) -> list[bool]:
        """For each path, whether the whole of it matches. Raises SqlError: no valid expression."""
        compiled = compile_query(_MATCHED, _Paths(paths), Binds.of(pattern))
        try:
            _, rows = self._warehouse.rows(compiled, query_id=str(uuid.uuid4()), limit=len(paths), timeout=60.0)
        except SqlError as error:
            raise SqlError.syntax(f"Invalid regular expression '{pattern[:100]}'.") from error
        matched = {row[0] for row in rows}
        return [index in matched for index in range(len(paths))]


class _Paths:
    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def source(self, parts: tuple[str, ...]) -> Source | None:
        columns = (("I", SqlType("NUMBER", 38, 0)), ("P", SqlType("VARCHAR")))
        return RowsSource(columns, tuple(enumerate(self._paths))) if parts == ("PATHS",) else None

    def context(self) -> ContextValues:
        return ContextValues(account="", user="", role="")
