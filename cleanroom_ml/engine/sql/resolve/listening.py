"""Tells the catalog's session what the names of a statement stand for; it may refuse them (catalog.NameListener)."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, NameListener
from cleanroom_ml.engine.sql.resolve.scope import Kinds, Relation, is_repeated
from cleanroom_ml.engine.sql.tree.dialect import Node


class Listening:
    """The names of one statement; `silent`: of a view's text, which is not the client's."""

    def __init__(self, catalog: Catalog, *, silent: bool) -> None:
        self._catalog = catalog
        self._silent = silent

    def announce(self, alias: str, name: tuple[str, ...] | None) -> None:
        """Tells what an alias stands for. Raises what it is refused with."""
        if (listener := self._listener()) is not None:
            listener.on_alias(alias, name)

    def call_column(self, column: str | None) -> None:
        """Tells that the statement calls something by this name; None: by any. Raises what it is refused with."""
        if (listener := self._listener()) is not None:
            listener.on_column(column)

    def call_alias(self, value: Node) -> None:
        """The same of a rewritten `… AS name`, unless all that it is made of has that name already."""
        if self._listener() is None or not isinstance(value, exp.Alias):
            return
        self.call_value(str(value.alias), value.this)

    def call_value(self, name: str, value: Node) -> None:
        """The same of a rewritten value that gets a name, by AS or by the column that it is written to."""
        if self._listener() is None:
            return
        if any(column.name.casefold() != name.casefold() for column in value.find_all(exp.Column, exp.Star)):
            self.call_column(name)

    def call_all(self, relation: Relation) -> None:
        """The same of all columns of what is nothing of the catalog's."""
        for column in (None,) if relation.kinds is None else relation.kinds:
            self.call_column(column)

    def call_by_position(self, left: Kinds | None, right: Kinds | None) -> None:
        """The same of what has names by its position: the left side's of a set operation, those of an INSERT."""
        repeated = is_repeated(left) or is_repeated(right)
        if left is None or right is None or repeated or len(left) != len(right):
            self.call_column(None)
            return
        for name, other in zip(left, right, strict=True):
            if name.casefold() != other.casefold():
                self.call_column(name)

    def _listener(self) -> NameListener | None:
        return None if self._silent else self._catalog.context().listener
