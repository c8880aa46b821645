"""What a table function is called with."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, ResultCatalog, RowsSource, TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.expressions import Expressions
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Scope
from cleanroom_ml.engine.sql.resolve.unnesting import unnested
from cleanroom_ml.engine.sql.tree import build as building
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import literal_text


class Arguments:
    """How a table function reads its arguments (functions/entry.TableArguments)."""

    def __init__(
        self,
        build: Build,
        catalog: Catalog,
        constants: Constants,
        expressions: Expressions,
        scope: Scope,
        ctes: CommonTables,
    ) -> None:
        self._build = build
        self._catalog = catalog
        self._constants = constants
        self._expressions = expressions
        self._scope = scope
        self._ctes = ctes

    def number(self, node: Node) -> int:
        return self._constants.number(node)

    def text(self, node: Node) -> str:
        if isinstance(node, exp.Anonymous):  # a function of the session's, such as LAST_QUERY_ID()
            found = literal_text(self.value(node))
            if found is None:
                raise SqlError.syntax("a constant text is expected.")
            return found
        return self._constants.text(node)

    def value(self, node: Node) -> Node:
        return self._expressions.rewrite(node, self._scope, self._ctes)

    def result(self, query_id: str) -> TableSource | RowsSource | None:
        return self._catalog.result(query_id) if isinstance(self._catalog, ResultCatalog) else None

    def unnested(self, rows: str, arguments: Sequence[Node], this: str = "NULL") -> str:
        return unnested(rows, arguments, self._scope, this)

    def scan(self, source: TableSource | RowsSource) -> Node:
        return self._build.scan(source) if isinstance(source, TableSource) else building.rows(source)
