"""`s.NEXTVAL` and TABLE(GETNEXTVAL(s)): each row that a query block gives gets a number of its own
(user-guide/querying-sequences of Snowflake's documentation).
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, Drawn, SequenceCatalog
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quote_plain
from cleanroom_ml.engine.sql.resolve.scope import Draws, Scope
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import WHOLE

NEXTVAL: Final = "NEXTVAL"


class Sequences:
    """The sequences of one statement."""

    def __init__(self, build: Build, catalog: Catalog) -> None:
        self._build = build
        self._catalog = catalog

    def number(self, node: exp.Column, scope: Scope) -> Node | None:
        """What a column called NEXTVAL is; None: it is a column. Raises SqlError."""
        table = node.args.get("table")
        if table is None or not isinstance(node.this, exp.Identifier) or fold(node.this) != NEXTVAL:
            return None
        alias = fold(table)
        if node.args.get("db") is None and scope.has(alias):
            return self._of_alias(alias, scope)
        parts = [part for part in (node.args.get("catalog"), node.args.get("db"), table) if part is not None]
        return self._drawn(tuple(fold(part) for part in parts), self._draws(scope))

    def _of_alias(self, alias: str, scope: Scope) -> Node | None:
        if alias not in scope.drawing:
            return None
        draws = self._draws(scope)
        if alias not in draws.shared:
            draws.shared[alias] = self._drawn(scope.drawing[alias], draws)
        return draws.shared[alias].copy()

    def _draws(self, scope: Scope) -> Draws:
        if scope.draws is None:
            raise SqlError.unsupported("a sequence that is in no list of SELECT, VALUES or SET")
        return scope.draws

    def _drawn(self, parts: tuple[str, ...], draws: Draws) -> Node:
        drawn = self.draw(parts, 1 if draws.single else draws.rows)
        if draws.single:
            return raw(f"CAST({drawn.first} AS BIGINT)", kind=WHOLE)
        if draws.exact:
            self._build.drawn.append(drawn)
        return raw(f"({drawn.first} + {drawn.step} * (row_number() OVER () - 1))", kind=WHOLE)

    def draw(self, parts: tuple[str, ...], count: int | None) -> Drawn:
        """Numbers of a sequence. Raises SqlError: there is none."""
        drawn = self._catalog.draw(parts, count) if isinstance(self._catalog, SequenceCatalog) else None
        if drawn is None:
            raise SqlError.not_found("Sequence", quote_plain(parts))
        return drawn
