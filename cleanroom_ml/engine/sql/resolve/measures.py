"""MEASURES of MATCH_RECOGNIZE, as windows over the rows of a match (sql-reference/constructs/match_recognize,
"Expressions in DEFINE and MEASURES clauses").

With ONE ROW PER MATCH they are those of a match's last row, as the page's examples have them: a window up to the
current row is there one over the whole match.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.tree.dialect import Node

_TO_NEIGHBOURS: Final = {"PREV": "LAG", "LAG": "LAG", "NEXT": "LEAD", "LEAD": "LEAD"}
_FIRST: Final = frozenset({"FIRST", "FIRST_VALUE"})
_LAST: Final = frozenset({"LAST", "LAST_VALUE"})
_OF_A_MATCH: Final = frozenset({"CLASSIFIER", "MATCH_NUMBER", "MATCH_SEQUENCE_NUMBER"})
_OF_ORDER: Final = frozenset({"LISTAGG", "STRING_AGG", "ARRAY_AGG", "ARRAYAGG"})
"""Aggregates whose values depend on the order of rows."""


class Match:
    """What the parts of a MATCH_RECOGNIZE are called where it is spelled out: names that nothing else has."""

    def __init__(self, fresh: str) -> None:
        self.rows, self.found, self.item, self.all = (f"{fresh}_{part}" for part in ("ROWS", "FOUND", "ITEM", "ALL"))
        self.partition, self.row, self.signs = (f"{fresh}_{part}" for part in "PNK")
        self.number, self.place, self.symbol, self.excluded, self.last = (f"{fresh}_{part}" for part in "MQCXL")

    def of(self, name: str) -> exp.Column:
        """A column of what was found."""
        return exp.column(name, table=self.found, quoted=True)

    def column(self, name: str) -> exp.Column:
        """A column of the row."""
        return exp.column(name, table=self.item, quoted=True)


class Measures:
    """The measures of one MATCH_RECOGNIZE.

    Args:
        symbols: those of its pattern and of DEFINE.
        columns: those of its rows.
        own: what these may be qualified by.
        final: what a window is over where a measure does not say it: the whole match, or what came so far.
        empty: whether a match may have no row.
    """

    def __init__(
        self,
        names: Match,
        symbols: frozenset[str],
        columns: frozenset[str],
        own: str | None,
        *,
        final: bool,
        empty: bool,
    ) -> None:
        self._names = names
        self._symbols = symbols
        self._columns = columns
        self._own = own
        self._final = final
        self._empty = empty

    def measure(self, node: Node) -> Node:
        """A measure, rewritten. Raises SqlError."""
        if isinstance(node, exp.Window | exp.WithinGroup | exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
            raise SqlError.unsupported("OVER, WITHIN GROUP, FILTER or IGNORE NULLS in MEASURES")
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        holder = node.copy()
        for child in list(holder.iter_expressions()):
            child.replace(self.measure(child))
        return holder

    def _column(self, node: exp.Column) -> Node:
        symbol = self._symbol(node)
        if symbol is not None:
            if not self._final:
                raise SqlError.unsupported("symbol.column outside of a function, with ALL ROWS PER MATCH")
            return self._end("MAX_BY", self._bare(node), symbol)
        if not isinstance(node.this, exp.Identifier):
            raise SqlError.syntax("a star in MEASURES.")
        return self._of_match("CLASSIFIER") if self._is_classifier(node) else self._bare(node)

    def _is_classifier(self, node: exp.Column) -> bool:
        """CLASSIFIER, as the guide writes it too, without brackets."""
        name = fold(node.this)
        return name == "CLASSIFIER" and name not in self._columns and not node.args.get("table")

    def _of_match(self, name: str) -> exp.Column:
        wanted = {"CLASSIFIER": self._names.symbol, "MATCH_NUMBER": self._names.number}
        return self._names.of(wanted.get(name, self._names.place))

    def _call(self, node: exp.Anonymous) -> Node:
        name, final = str(node.this).upper(), self._final
        frame, _, bare = name.rpartition(" ")
        if frame:
            name, final = bare, frame == "FINAL"
        given = node.expressions
        if name in _OF_A_MATCH:
            if given or frame:
                raise SqlError.syntax(f"{name} takes no argument.")
            return self._of_match(name)
        symbols = {self._symbol(column) for each in given for column in each.find_all(exp.Column)}
        if name in _TO_NEIGHBOURS:
            if symbols - {None}:
                raise SqlError.unsupported(f"{name} of the rows of one symbol")
            if frame == "FINAL" and not self._final:
                raise SqlError.unsupported(f"FINAL {name} with ALL ROWS PER MATCH")
            values = [self._of_rows(given[0]), *(self.measure(each) for each in given[1:])] if given else []
            return self._over(exp.Anonymous(this=_TO_NEIGHBOURS[name], expressions=values), ordered=True)
        if name in _FIRST or name in _LAST:
            return self._first_or_last(name, given, symbols, final=final)
        if table.aggregate(name) is None:
            if frame:
                raise SqlError.syntax(f"{frame} {name[:100]}: it is no function of several rows.")
            return exp.Anonymous(this=node.this, expressions=[self.measure(each) for each in given])
        return self._aggregate(name, given, symbols, final=final)

    def _first_or_last(self, name: str, given: list[Node], symbols: set[str | None], *, final: bool) -> Node:
        if len(given) != 1:
            raise SqlError.unsupported(f"{name} with more than one argument: PREV and NEXT take an offset")
        if len(symbols) > 1:
            raise _mixed()
        symbol = next(iter(symbols), None)
        value = self._of_rows(given[0])
        if symbol is not None:
            if not final:
                raise SqlError.unsupported(f"RUNNING {name} of the rows of one symbol")
            return self._end("MIN_BY" if name in _FIRST else "MAX_BY", value, symbol)
        if name in _LAST and not final:
            return exp.Paren(this=value)
        call = exp.Anonymous(this="FIRST_VALUE" if name in _FIRST else "LAST_VALUE", expressions=[value])
        return self._over(call, ordered=True)

    def _aggregate(self, name: str, given: list[Node], symbols: set[str | None], *, final: bool) -> Node:
        known = table.aggregate(name)
        if known is None or known.window_only or name in _OF_ORDER:
            raise SqlError.unsupported(f"{name} in MEASURES")
        if len(symbols) > 1:
            raise _mixed()
        symbol = next(iter(symbols), None)
        counted = known.star and len(given) == 1 and _is_star(given[0])
        if counted:
            given = [exp.Literal.number(1)]
        values = [self._chosen(each, symbol, always=counted) for each in given]
        call = exp.Anonymous(this=name, expressions=values)
        if final:
            return self._over(call)
        spec = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")
        return self._over(call, ordered=True, spec=spec)

    def _chosen(self, node: Node, symbol: str | None, *, always: bool) -> Node:
        """An argument, NULL for the rows that are not of a symbol; a constant stays what it is."""
        if isinstance(node, exp.Distinct):
            return exp.Distinct(expressions=[self._chosen(each, symbol, always=always) for each in node.expressions])
        if not always and node.find(exp.Column) is None:
            return node.copy()
        value = self._of_rows(node)
        return value if symbol is None else _where(self._is(symbol), value)

    def _of_rows(self, node: Node) -> Node:
        """An argument of a window: NULL of an empty match, which has no rows."""
        holder = exp.Paren(this=node.copy())
        for each in list(holder.find_all(exp.Column)):
            if not isinstance(each.this, exp.Identifier):
                raise SqlError.syntax("a star in MEASURES.")
            each.replace(self._of_match("CLASSIFIER") if self._is_classifier(each) else self._bare(each))
        for call in list(holder.find_all(exp.Anonymous, exp.Window)):
            name = str(call.this).upper() if isinstance(call, exp.Anonymous) else "OVER"
            if " " in name or name in {*_TO_NEIGHBOURS, *_FIRST, *_LAST, "OVER"} or table.aggregate(name) is not None:
                raise SqlError.unsupported("a function of several rows inside of another one in MEASURES")
            if name in _OF_A_MATCH:
                call.replace(self._of_match(name))
        value: Node = holder.this
        if not self._empty:
            return value
        return _where(exp.Not(this=exp.Is(this=self._names.of(self._names.symbol), expression=exp.Null())), value)

    def _bare(self, node: exp.Column) -> exp.Column:
        """The column of a row. Raises SqlError: it is qualified by what is neither a symbol nor the item."""
        qualifier = node.args.get("table")
        if qualifier is not None and fold(qualifier) not in {*self._symbols, self._own}:
            raise SqlError.invalid_identifier(f"{fold(qualifier)}.{node.name}")
        return exp.Column(this=node.this.copy(), table=quoted(self._names.item))

    def _symbol(self, node: exp.Column) -> str | None:
        qualifier = node.args.get("table")
        return fold(qualifier) if qualifier is not None and fold(qualifier) in self._symbols else None

    def _is(self, symbol: str) -> Node:
        return exp.EQ(this=self._names.of(self._names.symbol), expression=exp.Literal.string(symbol))

    def _end(self, function: str, value: Node, symbol: str) -> Node:
        """The value of the first or the last row of a symbol, NULL though it may be."""
        place = _where(self._is(symbol), self._names.of(self._names.place))
        return self._over(exp.Anonymous(this=function, expressions=[value, place]))

    def _over(self, call: Node, *, ordered: bool = False, spec: exp.WindowSpec | None = None) -> Node:
        parts = [self._names.of(name) for name in (self._names.partition, self._names.number)]
        order = exp.Order(expressions=[exp.Ordered(this=self._names.of(self._names.place))]) if ordered else None
        return exp.Window(this=call, partition_by=parts, order=order, spec=spec, over="OVER")


def _is_star(node: Node) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _where(condition: Node, value: Node) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def _mixed() -> SqlError:
    return SqlError.syntax("a function in MEASURES names columns of several symbols, or of one and of any row.")
