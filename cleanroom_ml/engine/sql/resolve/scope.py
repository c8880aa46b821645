"""What is seen where a name is looked up, and who resolves queries inside of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.pruning import Condition
from cleanroom_ml.engine.sql.routines import UserFunction
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.types.kind import Kind

Kinds = Mapping[str, Kind | None]
"""Column → kind."""


class Columns(dict[str, Kind | None]):
    """Kinds of columns of which several may have one name: `every` one is in its place; and of which it is known which
    are `never` NULL. What is made from them anew forgets it.
    """

    def __init__(self, every: Sequence[tuple[str, Kind | None]], never: frozenset[str] = frozenset()) -> None:
        super().__init__(every)
        self.every = tuple(every)
        self.never = never

    def has_twice(self, column: str) -> bool:
        """Whether several have this name."""
        return len(self.every) > len(self) and sum(name == column for name, _ in self.every) > 1


def by_name(columns: Sequence[tuple[str, Kind | None]], never: frozenset[str] = frozenset()) -> Kinds:
    """The kinds of columns in their order, and which of the names are of columns that are never NULL."""
    found = dict(columns)
    return found if len(found) == len(columns) and not never else Columns(columns, never)


def pairs(kinds: Kinds) -> Sequence[tuple[str, Kind | None]]:
    """The names and kinds of all columns, in their order."""
    return kinds.every if isinstance(kinds, Columns) else tuple(kinds.items())


def by_position(kinds: Kinds) -> list[Kind | None]:
    """The kinds of all columns, in their order."""
    return [kind for _, kind in pairs(kinds)]


def is_repeated(kinds: Kinds | None) -> bool:
    """Whether several columns have one name."""
    return kinds is not None and len(pairs(kinds)) > len(kinds)


def never_null(kinds: Kinds | None) -> frozenset[str]:
    """The columns of which it is known that they are never NULL."""
    return kinds.never if isinstance(kinds, Columns) else frozenset()


@dataclass(slots=True)
class Draws:
    """Where the numbers of sequences go: to how many `rows` (None: nobody knows), each of them just one where
    `single`; `exact`: whoever runs the statement sees by its rows how many were used.
    """

    rows: int | None = None
    single: bool = False
    exact: bool = False
    shared: dict[str, Node] = field(default_factory=dict)
    """What the alias of a TABLE(GETNEXTVAL(…)) stands for, once it was asked for."""


@dataclass(slots=True)
class Scope:
    """What one SELECT sees: its FROM items by alias (None: columns not known), and the query around it."""

    parent: Scope | None = None
    sources: dict[str, Kinds | None] = field(default_factory=dict)
    positions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns that `alias.$1`, `alias.$2` … mean."""
    staged: str | None = None
    """Alias of a staged source: `$1` are its columns by number."""
    documents: bool = False
    """Each row of the staged source is one document, `$1`."""
    staged_columns: Mapping[str, str] | None = None
    """Of a staged Parquet source whose columns are known: the file's column → its name in the relation."""
    generated: str | None = None
    """Alias of a GENERATOR: its rows are numbered."""
    laid_out: bool = False
    """FROM has more columns than the statement may see: `*` is spelled out."""
    parameters: Mapping[str, Node] = field(default_factory=dict)
    """Of the text of a function: what its arguments are, rewritten already."""
    most: int | None = 1
    """How many rows the FROM items have at most; None: nobody knows."""
    draws: Draws | None = None
    """What a sequence gives here; None: none may stand here."""
    drawing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Sequences by the alias of a TABLE(GETNEXTVAL(…))."""
    wanted: tuple[Condition, ...] = ()
    """What WHERE asks of the columns of its tables, as far as that is plain."""
    called: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Of FROM items with columns whose names differ only in case: column → the name that DuckDB knows it by."""
    grouped: bool = False
    """It is looked up in HAVING or QUALIFY: DuckDB looks last for what SELECT calls its columns."""

    @property
    def positional(self) -> tuple[str, tuple[str, ...]] | None:
        """Alias and columns that `$1`, `$2` … mean: those of the first item that has numbered ones."""
        return next(iter(self.positions.items()), None)

    def kind(self, column: str, table: str | None) -> Kind | None:
        scope: Scope | None = self
        while scope is not None:
            found = [kinds for alias, kinds in scope.sources.items() if table is None or alias == table]
            if any(kinds is None for kinds in found):
                return None
            for kinds in found:
                if kinds is not None and column in kinds:
                    return kinds[column]
            scope = scope.parent
        return None

    def refuse_twice(self, column: str, table: str | None) -> None:
        """Raises SqlError: several columns of a FROM item have this name, and it is not said which is meant."""
        scope: Scope | None = self
        while scope is not None:
            found = [
                kinds
                for alias, kinds in scope.sources.items()
                if alias and (table is None or alias == table) and kinds is not None and column in kinds
            ]
            if any(isinstance(kinds, Columns) and kinds.has_twice(column) for kinds in found):
                raise SqlError.ambiguous(column)
            if found:
                return
            scope = scope.parent

    def told_apart(self, column: str, table: str | None) -> tuple[str, str] | None:
        """Alias and name by which DuckDB knows a column of an item that has its name in another case too; None: it is
        of no such item. Raises SqlError: it is of several items, or the SELECT calls two of its own columns so.
        """
        scope: Scope | None = self
        while scope is not None:
            found = [
                alias
                for alias, kinds in scope.sources.items()
                if (table is None or alias == table) and kinds is not None and column in kinds
            ]
            if any(alias in scope.called for alias in found):
                if len(found) > 1:
                    raise SqlError.ambiguous(column)
                return found[0], scope.called[found[0]][column]
            if found:
                if found == [""] and differ_only_in_case(scope.sources[""] or {}, column):
                    raise SqlError.unsupported("a name of two columns of SELECT that differs only in case")
                return None
            scope = scope.parent
        return None

    def only_here(self, column: str) -> str | None:
        """The alias of the item whose column it is, where another item has one that DuckDB would take for it too."""
        scope: Scope | None = self
        folded = column.casefold()
        while scope is not None:
            named = {alias: kinds for alias, kinds in scope.sources.items() if alias}
            if any(kinds is None for kinds in named.values()):
                return None
            found = [alias for alias, kinds in named.items() if column in (kinds or {})]
            if found:
                alike = [
                    alias for alias, kinds in named.items() if any(each.casefold() == folded for each in kinds or {})
                ]
                return found[0] if len(found) == 1 and len(alike) > 1 else None
            scope = scope.parent
        return None

    def known(self) -> list[Kind | None]:
        """What is known of the columns of its FROM items."""
        return [kind for kinds in self.sources.values() for kind in (kinds or {}).values()]

    def has_column(self, column: str, table: str | None) -> bool:
        """Whether a column is of a FROM item of this SELECT, as far as those are known: of no query around it."""
        found = [kinds for alias, kinds in self.sources.items() if alias and (table is None or alias == table)]
        return any(kinds is not None and column in kinds for kinds in found) or (
            table is not None and any(kinds is None for kinds in found)
        )

    def has(self, table: str) -> bool:
        """Whether an alias stands for something here."""
        scope: Scope | None = self
        while scope is not None:
            if table in scope.sources:
                return True
            scope = scope.parent
        return False

    def is_row(self, column: str) -> bool:
        """Whether DuckDB would take a column's name without an alias for a whole row: it is only an alias here."""
        folded = column.casefold()
        scope: Scope | None = self
        while scope is not None:
            if any(kinds is not None and column in kinds for kinds in scope.sources.values()):
                return False
            if any(alias.casefold() == folded for alias in scope.sources):
                above = scope.parent.sources if scope.parent is not None else {}
                return column not in (above.get("") or {})  # what SELECT calls its columns
            scope = scope.parent
        return False

    def other_case(self, column: str, table: str | None) -> bool:
        """Whether there is no such column, but one that only DuckDB would take for it: its name in another case."""
        folded = column.casefold()
        found = False
        scope: Scope | None = self
        while scope is not None:
            for alias, kinds in scope.sources.items():
                if table is not None and alias != table:
                    continue
                if kinds is None or column in kinds:
                    return False
                found = found or any(name.casefold() == folded for name in kinds)
            scope = scope.parent
        return found


@dataclass(frozen=True, slots=True)
class CommonTable:
    name: str
    kinds: Kinds | None


CommonTables = Mapping[str, CommonTable]


@dataclass(frozen=True, slots=True)
class Relation:
    """A rewritten FROM item and its columns."""

    node: Node
    kinds: Kinds | None
    name: tuple[str, ...] | None = None
    """What the catalog knows it by; None: it is nothing of the catalog's."""
    rows: int | None = None
    """How many it has at most, where that is known."""


def differ_only_in_case(columns: Iterable[str], column: str | None = None) -> bool:
    """Whether DuckDB would take two columns for one; with `column`, whether that one is among them."""
    if column is not None:
        return sum(name.casefold() == column.casefold() for name in columns) > 1
    listed = list(columns)
    return len({name.casefold() for name in listed}) < len(listed)


class Inside(Protocol):
    """The text of a function, resolved by its definer's names. Raises SqlError."""

    def expression(self, text: str, scope: Scope) -> Node:
        """An expression as written."""

    def rewritten(self, expression: Node, scope: Scope) -> Node:
        """A parsed one."""

    def query(self, query: Node, scope: Scope) -> tuple[Node, Kinds | None]:
        """A parsed query, and the kinds of its columns."""


class Queries(Protocol):
    """Who resolves the queries that stand inside of expressions and of FROM: the resolver."""

    def query(self, node: Node, ctes: CommonTables, parent: Scope | None = None) -> tuple[Node, Kinds | None]:
        """A query, rewritten in place, and the kinds of its columns. Raises SqlError."""

    def inside(self, function: UserFunction) -> Inside:
        """What resolves the text of a function."""

    def view(self, source: ViewSource) -> tuple[Node, Kinds | None]:
        """The same of a view's text, with its definer's catalog. Raises SqlError."""


class Rewrite(Protocol):
    """Rewrites an expression and everything below it. Raises SqlError for what is on no list."""

    def __call__(self, node: Node, scope: Scope, ctes: CommonTables) -> Node: ...
