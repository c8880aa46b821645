"""Calls of functions: found in the table of functions by their names, with their arguments rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import aggregating, table
from cleanroom_ml.engine.sql.functions.entry import Aggregate, Frame, Scalar
from cleanroom_ml.engine.sql.resolve import frames, lambdas, randoms
from cleanroom_ml.engine.sql.resolve.columns import Columns
from cleanroom_ml.engine.sql.resolve.constants import Constants
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quote_plain, quoted
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Rewrite, Scope
from cleanroom_ml.engine.sql.resolve.user_functions import UserFunctions
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.arithmetic import as_number
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.equality import key
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import FINE_TZ, TZ


def _is_star(node: Node) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as rewritten so far; `aggregate` is None where nothing more goes around it."""

    made: Node
    name: str
    arguments: Sequence[Node] = ()
    aggregate: Aggregate | None = None
    divisor: Node | None = None

    def finished(self, made: Node, divisor: Node | None, *, windowed: bool = False) -> Node:
        """`made`: the call, or the call with its OVER clause; the same of its divisor."""
        if self.aggregate is None:
            return made
        return aggregating.finish(made, self.aggregate, self.arguments, kind_of(self.made), divisor, windowed=windowed)


class _More(TypedDict):
    """What is written around a call of an aggregate."""

    order: Node | None
    condition: Node | None
    ignore_nulls: bool
    windowed: bool


class Calls:
    """The calls of one statement."""

    def __init__(self, rewrite: Rewrite, constants: Constants, columns: Columns, user_functions: UserFunctions) -> None:
        self._rewrite = rewrite
        self._constants = constants
        self._columns = columns
        self._user_functions = user_functions

    def call(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A call, with WITHIN GROUP or without. Raises SqlError."""
        found = self._found(node, scope, ctes)
        return found.finished(found.made, found.divisor)

    def qualified(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """`schema.function(…)`. Raises SqlError: there is no such function, or it is no call."""
        parts = called_parts(node)
        if parts is None:
            raise SqlError.unsupported(grammar.construct(node))
        name, given = parts
        made = self._user(name, given, scope, ctes)
        if made is None:
            raise SqlError.unknown_function(quote_plain(name))
        return made

    def word(self, node: Node) -> Node | None:
        """A call without parentheses (CURRENT_DATE), or None: the node is none."""
        found = table.WORDS.get(type(node).__name__)
        return None if found is None else self._scalar(found[1], found[0], [])

    def window(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """A call with OVER. Raises SqlError."""
        grammar.check(node)
        if (node.args.get("over") or "OVER") != "OVER":
            raise SqlError.unsupported("KEEP")
        found = self._found(node.this, scope, ctes, windowed=True)
        if found.aggregate is None:
            raise SqlError.unknown_function(found.name)
        for part in ("partition_by", "order", "spec"):
            value = node.args.get(part)
            if isinstance(value, list):
                node.set(part, [key(self._rewrite(item, scope, ctes)) for item in value])
            elif value is not None:
                node.set(part, self._rewrite(value, scope, ctes))
        for item in node.args["order"].expressions if node.args.get("order") else []:
            if kind_of(item.this) in {TZ, FINE_TZ}:
                item.set("this", key(item.this))
        distinct = any(isinstance(each, exp.Distinct) for each in found.arguments)
        frames.check(node, found.name, distinct=distinct)
        _frame(node, found.aggregate, found.name)
        divisor = None
        if found.divisor is not None:
            second = node.copy()
            second.set("this", found.divisor)
            divisor = raw("{0}", second, kind=kind_of(found.divisor))
        node.set("this", found.made)
        return found.finished(raw("{0}", node, kind=kind_of(found.made)), divisor, windowed=True)

    def _found(
        self,
        node: Node,
        scope: Scope,
        ctes: CommonTables,
        *,
        order: Node | None = None,
        condition: Node | None = None,
        ignore_nulls: bool = False,
        windowed: bool = False,
    ) -> _Call:
        more: _More = {"order": order, "condition": condition, "ignore_nulls": ignore_nulls, "windowed": windowed}
        if isinstance(node, exp.RespectNulls | exp.IgnoreNulls):
            return self._found(node.this, scope, ctes, **(more | {"ignore_nulls": isinstance(node, exp.IgnoreNulls)}))
        if isinstance(node, exp.Filter):
            if condition is not None or not isinstance(node.expression, exp.Where):
                raise SqlError.unsupported("FILTER")
            only = self._rewrite(node.expression.this, scope, ctes)
            return self._found(node.this, scope, ctes, **(more | {"condition": only}))
        if isinstance(node, exp.WithinGroup):
            if order is not None or not isinstance(node.expression, exp.Order):
                raise SqlError.unsupported("WITHIN GROUP")
            inner = called_parts(node.this)
            if inner is not None and inner[0] == ("PERCENTILE_CONT",):  # a VARIANT is not put in order, it is a number
                for item in node.expression.expressions:
                    item.set("this", as_number(self._rewrite(item.this, scope, ctes)))
            ordered = self._rewrite(node.expression, scope, ctes)
            return self._found(node.this, scope, ctes, **(more | {"order": ordered}))
        written = called_parts(node)
        if written is None or len(written[0]) != 1:
            raise SqlError.unsupported(grammar.construct(node))
        name = written[0][0]
        if name == "IDENTIFIER" and len(node.expressions) == 1:
            return _Call(self._identified(node.expressions[0], scope, ctes), name)
        known = table.aggregate(name)
        if windowed and known is not None and known.over is not None:
            known = known.over
        if known is None:
            own = (
                None
                if any(more.values()) or name in table.FUNCTIONS
                else self._user((name,), node.expressions, scope, ctes)
            )
            if own is not None:
                return _Call(own, name)
            if any(more.values()):
                raise SqlError.unknown_function(name)
            return _Call(self._of_values(name, node.expressions, scope, ctes), name)
        given = list(node.expressions)
        if any(isinstance(argument, exp.Order) for argument in given):
            raise SqlError.unsupported(f"ORDER BY among the arguments of {name}: write WITHIN GROUP (ORDER BY …)")
        if given and isinstance(given[0], exp.IgnoreNulls | exp.RespectNulls):
            more["ignore_nulls"] = isinstance(given[0], exp.IgnoreNulls)
            given[0] = given[0].this
        if known.of is not None:
            given = _of_calls(known.of, given)
        if known.each is not None:  # DISTINCT says nothing to it, wherever it stands
            given = [each for one in given for each in (one.expressions if isinstance(one, exp.Distinct) else [one])]
        if known.rows:
            given = [column for argument in given for column in _columns_of(argument, scope, bare=known.distinct)]
        arguments = [self._rewrite(argument, scope, ctes) for argument in given]
        if any(isinstance(argument, exp.Star) for argument in arguments) and not known.star:
            raise SqlError.unsupported(f"{name}(*)")
        known = aggregating.gathered(aggregating.listed(known, arguments), arguments)
        known = aggregating.exact(known, arguments, order, windowed=windowed)
        divisor = None
        if known.divided_by is not None:
            copies = [argument.copy() for argument in arguments]
            divisor = aggregating.call(known, name, copies, divisor=True, **more)
        made = aggregating.call(known, name, arguments, **more)
        return _Call(made, name, arguments, known, divisor)

    def _identified(self, node: Node, scope: Scope, ctes: CommonTables) -> Node:
        """The column that IDENTIFIER(…) names."""
        parts = [quoted(part) for part in self._constants.identifier(node)]
        column = exp.Column(this=parts[-1], table=parts[0]) if len(parts) > 1 else exp.Column(this=parts[0])
        return self._columns.column(column, scope, ctes)

    def _user(self, name: tuple[str, ...], given: list[Node], scope: Scope, ctes: CommonTables) -> Node | None:
        """A call of a function that somebody wrote; None: there is none of that name."""
        chosen = self._user_functions.chosen(name, given, scope, ctes)
        if chosen is None:
            return None
        return (
            self._user_functions.aggregate(chosen) if chosen.routine.aggregate else self._user_functions.value(chosen)
        )

    def _of_values(self, name: str, given: list[Node], scope: Scope, ctes: CommonTables) -> Node:
        if name in lambdas.NAMES:
            return lambdas.call(name, given, self._rewrite, scope, ctes)
        function = table.find(name, Scalar)
        arguments = self._arguments(function, name, given, scope, ctes)
        if function.numbered is not None and scope.generated:
            function.check_count(name, len(arguments))
            row = exp.column(randoms.ROW, table=scope.generated, quoted=True)
            return function.numbered(row, arguments)
        return self._scalar(function, name, arguments)

    def _scalar(self, function: Scalar, name: str, arguments: Sequence[Node]) -> Node:
        if function.session is not None:
            function.check_count(name, len(arguments))
            value = literal(function.session(self._constants.context()))
            return raw(str(function.sql), value, *arguments) if arguments else value
        if function.asked is not None:
            function.check_count(name, len(arguments))
            return literal(function.asked(self._constants.context(), arguments))
        return function.call(name, arguments)

    def members_of_star(self, star: Node, scope: Scope, ctes: CommonTables) -> list[Node]:
        """`*` or `t.*` of OBJECT_CONSTRUCT and of an object literal: each column's name and the column.

        Raises SqlError: the columns are not known, or some are left out.
        """
        inner = star if isinstance(star, exp.Star) else star.this
        if any(inner.args.get(part) for part in ("except_", "replace", "rename")):
            raise SqlError.unsupported("a star with EXCLUDE, REPLACE or RENAME inside of an object")
        wanted = star.table if isinstance(star, exp.Column) else None
        members: list[Node] = []
        for alias, kinds in scope.sources.items():
            if wanted and alias != fold(star.args["table"]):
                continue
            if kinds is None:
                raise SqlError.unsupported("a star of unknown columns inside of an object")
            for name in kinds:
                column = exp.Column(this=quoted(name), table=quoted(alias))
                members += [exp.Literal.string(name), self._columns.column(column, scope, ctes)]
        return members

    def _arguments(
        self, function: Scalar, name: str, given: list[Node], scope: Scope, ctes: CommonTables
    ) -> list[Node]:
        """Arguments, rewritten; a date part may be a bare word that is no column."""
        arguments: list[Node] = []
        for number, argument in enumerate(given if function.arrange is None else function.arrange(given)):
            if (function.star or function.columns) and _is_star(argument):
                arguments += self.members_of_star(argument, scope, ctes)[int(function.columns) :: 1 + function.columns]
                continue
            if isinstance(argument, exp.Star):
                raise SqlError.unsupported(f"{name}(*)")
            if number == function.part and isinstance(argument, exp.Var | exp.Column):
                arguments.append(exp.Literal.string(argument.name))
            else:
                arguments.append(self._rewrite(argument, scope, ctes))
        return arguments


def called_parts(node: Node) -> tuple[tuple[str, ...], list[Node]] | None:
    """The folded name and the arguments of a call, `f(…)` or `db.schema."f"(…)`; None: it is none."""
    before: list[str] = []
    while isinstance(node, exp.Dot):
        before += _names_of(node.this)
        node = node.expression
    if not isinstance(node, exp.Anonymous):
        return None
    name = node.this
    last = fold(name) if isinstance(name, exp.Identifier) else str(name).upper()
    return (*before, last), node.expressions


def _names_of(node: Node) -> list[str]:
    if isinstance(node, exp.Dot):
        return [*_names_of(node.this), *_names_of(node.expression)]
    if isinstance(node, exp.Column):
        return [fold(part) for part in node.parts]
    return [fold(node)]


def _of_calls(name: str, given: list[Node]) -> list[Node]:
    """The arguments of an aggregate as those of a function of values, of which it is one."""
    if given and isinstance(given[0], exp.Distinct):
        inner = exp.Anonymous(this=name, expressions=[*given[0].expressions, *given[1:]])
        return [exp.Distinct(expressions=[inner])]
    return [exp.Anonymous(this=name, expressions=given)]


def _frame(node: Node, known: Aggregate, name: str) -> None:
    """The frame of a window that has none, where the function's is not the standard's. Raises SqlError."""
    if known.needs_order and node.args.get("order") is None:
        raise SqlError(
            2303,
            "0A000",
            f"SQL compilation error:\nWindow function type [{name}] requires ORDER BY in window specification",
        )
    if node.args.get("spec") is not None and str(node.args["spec"].args.get("kind") or "").upper() == "GROUPS":
        raise SqlError.unsupported("a window frame of GROUPS")
    if node.args.get("spec") is not None and node.args.get("order") is None:
        raise SqlError(
            2303,
            "0A000",
            f"SQL compilation error:\nWindow function type [{name}] requires ORDER BY with a window frame",
        )
    if known.whole and frames.is_whole_partition(node):
        node.set("order", None)
        node.set("spec", None)
    if known.whole and (node.args.get("order") is not None or node.args.get("spec") is not None):
        form = "Cumulative" if node.args.get("spec") is None else "Sliding"
        raise SqlError(2303, "0A000", f"SQL compilation error:\n{form} window frame unsupported for function {name}")
    if known.frame is None or node.args.get("spec") is not None:
        return
    end = {"end": "UNBOUNDED", "end_side": "FOLLOWING"} if known.frame is Frame.PARTITION else {"end": "CURRENT ROW"}
    node.set("spec", exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", **end))


def _columns_of(argument: Node, scope: Scope, *, bare: bool) -> list[Node]:
    """`t.*` as its columns, `*` too where `bare`; anything else as it is. Raises SqlError: they are not known."""
    star = isinstance(argument, exp.Star) and bare
    if not star and not (isinstance(argument, exp.Column) and isinstance(argument.this, exp.Star)):
        return [argument]
    table = None if star or argument.args.get("table") is None else fold(argument.args["table"])
    listed: list[Node] = []
    for alias, kinds in scope.sources.items():
        if table is not None and alias != table:
            continue
        if kinds is None:
            raise SqlError.unsupported("* of columns that are not known as an argument")
        listed += [exp.column(name, table=alias, quoted=True) for name in kinds]
    return listed or [argument]
