"""Rewriting of expressions: what is on the lists becomes DuckDB's, the rest is refused."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import aggregates
from cleanroom_ml.engine.sql.functions import scalars as functions
from cleanroom_ml.engine.sql.lex.lists import Folded
from cleanroom_ml.engine.sql.resolve.casts import cast
from cleanroom_ml.engine.sql.tree import grammar
from cleanroom_ml.engine.sql.tree.dialect import Raw, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, as_json, as_text, kind_of, literal_text
from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.sql.types.kind import DATE, JSON, NUM, OTHER, TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleanroom_ml.engine.sql.resolve.resolver import Resolver
    from cleanroom_ml.engine.sql.resolve.scope import CommonTable, Scope

_CONTEXT: Final = {
    "CURRENT_ACCOUNT": "account",
    "CURRENT_ACCOUNT_NAME": "account",
    "CURRENT_USER": "user",
    "CURRENT_ROLE": "role",
    "CURRENT_WAREHOUSE": "warehouse",
    "CURRENT_DATABASE": "database",
    "CURRENT_SCHEMA": "schema",
    "CURRENT_SESSION": "session_id",
    "CURRENT_VERSION": "version",
}
_MAX_CHAIN: Final = 5000
"""Operands of one `a AND b AND …`: DuckDB walks them by recursion."""
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_ARITHMETIC: Final = (exp.Add, exp.Sub, exp.Mul, exp.Mod)
_SQL_WORDS: Final = {
    "CurrentDate": "CURRENT_DATE",
    "CurrentTimestamp": "CURRENT_TIMESTAMP",
    "CurrentTime": "CURRENT_TIME",
    "Localtime": "LOCALTIME",
    "Localtimestamp": "LOCALTIMESTAMP",
    "CurrentUser": "CURRENT_USER",
    "CurrentRole": "CURRENT_ROLE",
    "CurrentSchema": "CURRENT_SCHEMA",
    "CurrentDatabase": "CURRENT_DATABASE",
    "CurrentCatalog": "CURRENT_DATABASE",
}
_SEQUENCES: Final = frozenset({"SEQ1", "SEQ2", "SEQ4", "SEQ8"})
_UNITS: Final = frozenset(
    {"YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND"}
)


class Expressions:
    """Expressions of one resolver's queries."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver

    def rewrite(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        """A node and everything below it. Raises SqlError for what is on no list."""
        special = _SPECIAL.get(type(node))
        if special is not None:
            return special(self, node, scope, ctes)
        if isinstance(node, exp.Query):
            return self.resolver.query(node, ctes, scope)[0]
        word = _SQL_WORDS.get(type(node).__name__)
        if word is not None:
            return self.function(word, [])
        grammar.check(node)
        if isinstance(node, exp.And | exp.Or | exp.Add | exp.Sub | exp.Mul | exp.DPipe):
            return self._chain(node, scope, ctes)
        self._children(node, scope, ctes)
        return _adjusted(node)

    def _children(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> None:
        for part, value in list(node.args.items()):
            if isinstance(value, list):
                node.set(
                    part, [self.rewrite(item, scope, ctes) if isinstance(item, exp.Expr) else item for item in value]
                )
            elif isinstance(value, exp.Expr):
                node.set(part, self.rewrite(value, scope, ctes))

    def _chain(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        """`a AND b AND …` leans to the left and may be hundreds long: walked without recursion."""
        kind = type(node)
        links = [node]
        while type(links[-1].this) is kind:
            links.append(links[-1].this)
            grammar.check(links[-1])
        if len(links) > _MAX_CHAIN:
            raise SqlError.too_complex()
        left = self.rewrite(links[-1].this, scope, ctes)
        if len(links) == 1:
            node.set("this", left)
            node.set("expression", self.rewrite(node.expression, scope, ctes))
            return _days(node) if kind in (exp.Add, exp.Sub) else _adjusted(node)
        operands = [left, *(self.rewrite(link.expression, scope, ctes) for link in reversed(links))]
        if kind is exp.DPipe:
            operands = [as_text(operand) for operand in operands]
        elif kind in (exp.Add, exp.Sub, exp.Mul):
            operands = [_as_number(operand) for operand in operands]
        sign = {exp.And: "AND", exp.Or: "OR", exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.DPipe: "||"}[kind]
        known = {exp.And: OTHER, exp.Or: OTHER, exp.DPipe: TEXT}.get(
            kind, NUM if all(kind_of(operand) == NUM for operand in operands) else None
        )
        template = f" {sign} ".join(f"{{{number}}}" for number in range(len(operands)))
        return raw(f"({template})", *operands, kind=known)

    def _sequence(self, scope: Scope) -> Any:
        """SEQ4() over a GENERATOR: the number of its row, which unlike a window function may stand anywhere."""
        if scope.generated:
            return raw("{0}", exp.column("_GENERATED", table=scope.generated, quoted=True), kind=NUM)
        return functions.scalar("SEQ4", [])

    def _random(self, arguments: list[Any], generated: str) -> Any:
        """RANDOM() over a GENERATOR: a hash of its row's number, so that `random() AS a, a + a AS b` may use the alias
        (DuckDB refuses to read an alias of its own random() a second time).
        """
        seed = arguments[0] if arguments else exp.Literal.number(secrets.randbits(62))
        return functions.hashed_bits(exp.column("_GENERATED", table=generated, quoted=True), seed)

    def function(self, name: str, arguments: list[Any]) -> Any:
        """A call of a scalar function or of a context function; arguments are rewritten."""
        attribute = _CONTEXT.get(name)
        if attribute is not None and not arguments:
            return literal(getattr(self.resolver.catalog.context(), attribute))
        if name == "CURRENT_ORGANIZATION_NAME" and not arguments:
            return literal("LOCAL")
        if name == "CURRENT_REGION" and not arguments:
            return literal("LOCAL")
        if name in {"CURRENT_AVAILABLE_ROLES", "CURRENT_SECONDARY_ROLES"} and not arguments:
            return literal('["PUBLIC"]' if name == "CURRENT_AVAILABLE_ROLES" else "")
        return functions.scalar(name, arguments)

    # Nodes with rules of their own

    def _call(
        self,
        node: Any,
        scope: Scope,
        ctes: Mapping[str, CommonTable],
        *,
        order: Any = None,
        ignore_nulls: bool = False,
        windowed: bool = False,
    ) -> Any:
        made, name, known, arguments = self._aggregate_or_scalar(node, scope, ctes, order, ignore_nulls, windowed)
        return made if known is None else aggregates.finish(made, name, known, arguments, kind_of(made))

    def _aggregate_or_scalar(
        self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable], order: Any, ignore_nulls: bool, windowed: bool
    ) -> tuple[Any, str, aggregates.Aggregate | None, list[Any]]:
        if isinstance(node, exp.RespectNulls | exp.IgnoreNulls):
            return self._aggregate_or_scalar(node.this, scope, ctes, order, isinstance(node, exp.IgnoreNulls), windowed)
        if isinstance(node, exp.WithinGroup):
            if order is not None or not isinstance(node.expression, exp.Order):
                raise SqlError.unsupported("WITHIN GROUP")
            return self._aggregate_or_scalar(
                node.this, scope, ctes, self.rewrite(node.expression, scope, ctes), ignore_nulls, windowed
            )
        if not isinstance(node, exp.Anonymous) or not isinstance(node.this, str):
            raise SqlError.unsupported(grammar.construct(node))
        name = node.this.upper()
        if name == "IDENTIFIER" and len(node.expressions) == 1:
            parts = self.resolver.identifier(node.expressions[0])
            column = exp.Column(
                **dict(
                    zip(("this", "table"), (exp.to_identifier(part, quoted=True) for part in parts[::-1]), strict=False)
                )
            )
            return self._column(column, scope, ctes), name, None, []
        if name not in aggregates.AGGREGATES:
            if windowed or order is not None or ignore_nulls:
                raise SqlError.unknown_function(name)
            if name in _SEQUENCES:
                return self._sequence(scope), name, None, []
            arguments = self._arguments(name, node.expressions, scope, ctes)
            if name == "RANDOM" and scope.generated and len(arguments) <= 1:
                return self._random(arguments, scope.generated), name, None, []
            return self.function(name, arguments), name, None, []
        given = list(node.expressions)
        if given and isinstance(given[0], exp.IgnoreNulls | exp.RespectNulls):
            ignore_nulls = isinstance(given[0], exp.IgnoreNulls)
            given[0] = given[0].this
        arguments = [self.rewrite(argument, scope, ctes) for argument in given]
        if any(isinstance(argument, exp.Star) for argument in arguments) and name != "COUNT":
            raise SqlError.unsupported(f"{name}(*)")
        made, known = aggregates.call(name, arguments, order=order, ignore_nulls=ignore_nulls, windowed=windowed)
        return made, name, known, arguments

    def _arguments(self, name: str, given: list[Any], scope: Scope, ctes: Mapping[str, CommonTable]) -> list[Any]:
        """Arguments, rewritten; a date part may be a bare word that is no column."""
        takes_part = name in {
            "DATEADD",
            "DATEDIFF",
            "TIMEADD",
            "TIMEDIFF",
            "TIMESTAMPADD",
            "TIMESTAMPDIFF",
            "DATE_TRUNC",
            "DATE_PART",
        }
        if (
            takes_part
            and len(given) == 2
            and name == "DATE_TRUNC"
            and literal_text(given[1]) is not None
            and isinstance(given[0], exp.Column)
        ):
            given = [given[1], given[0]] if literal_text(given[1]).isalpha() else given  # type: ignore[union-attr]
        arguments = []
        for number, argument in enumerate(given):
            if isinstance(argument, exp.Star):
                raise SqlError.unsupported(f"{name}(*)")
            names_part = (number == 0 and takes_part) or (number == 1 and name == "LAST_DAY")
            if names_part and isinstance(argument, exp.Var | exp.Column):
                arguments.append(exp.Literal.string(argument.name))
            else:
                arguments.append(self.rewrite(argument, scope, ctes))
        return arguments

    def _window(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        grammar.check(node)
        if (node.args.get("over") or "OVER") != "OVER":
            raise SqlError.unsupported("KEEP")
        made, name, known, arguments = self._aggregate_or_scalar(node.this, scope, ctes, None, False, True)
        if known is None:
            raise SqlError.unknown_function(name)
        for part in ("partition_by", "order", "spec"):
            value = node.args.get(part)
            if isinstance(value, list):
                node.set(part, [self.rewrite(item, scope, ctes) for item in value])
            elif value is not None:
                node.set(part, self.rewrite(value, scope, ctes))
        node.set("this", made)
        return aggregates.finish(raw("{0}", node), name, known, arguments, kind_of(made))

    def _column(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        grammar.check(node)
        table = node.args.get("table")
        alias = _folded(table) if table is not None else None
        # DuckDB would take `a.b` for the field `b` of a column `a`, or for an alias in another case.
        if alias is not None and not scope.has(alias):
            raise SqlError.invalid_identifier(alias)
        if isinstance(node.this, exp.Star):
            star = self._star(node.this, scope, ctes)
            return exp.Column(this=star, table=exp.to_identifier(alias, quoted=True)) if alias is not None else star
        if isinstance(node.this, exp.Parameter) and isinstance(node.this.this, exp.Literal):
            return self._positional(node.this, scope)
        name = _folded(node.this)
        if scope.other_case(name, alias) or (alias is None and scope.is_row(name)):
            raise SqlError.invalid_identifier(name)
        column = exp.Column(
            this=exp.to_identifier(name, quoted=True),
            table=exp.to_identifier(alias, quoted=True) if alias is not None else None,
        )
        column.meta[KIND] = TEXT if name == "METADATA$FILENAME" else scope.kind(name, alias)
        return column

    def _star(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        grammar.check(node)
        for part in ("except_", "rename", "replace"):
            items = node.args.get(part)
            if items:
                node.set(part, [self._star_item(item, scope, ctes) for item in items])
        return node

    def _star_item(self, item: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        if isinstance(item, exp.Identifier):
            return exp.to_identifier(_folded(item), quoted=True)
        rewritten = self.rewrite(item, scope, ctes)
        self.resolver.call_alias(rewritten)
        return rewritten

    def _identifier(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        return exp.to_identifier(_folded(node), quoted=True)

    def _cast(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        if {part for part, value in node.args.items() if value} - {"this", "to", "safe", "requires_string"}:
            raise SqlError.unsupported("CAST with a format")
        return cast(self.rewrite(node.this, scope, ctes), node.args["to"], attempt=isinstance(node, exp.TryCast))

    def _path(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        """`v:a.b[0]`."""
        if not isinstance(node.expression, exp.JSONPath):
            raise SqlError.unsupported("this JSON path")
        steps: list[str | int] = []
        for step in node.expression.expressions:
            if isinstance(step, exp.JSONPathRoot):
                continue
            if (isinstance(step, exp.JSONPathKey) and isinstance(step.this, str)) or (
                isinstance(step, exp.JSONPathSubscript) and isinstance(step.this, int | str)
            ):
                steps.append(step.this)
            else:
                raise SqlError.unsupported("this JSON path")
        value = self.rewrite(node.this, scope, ctes)
        if (
            scope.staged_columns is not None
            and isinstance(value, exp.Column)
            and (value.table, value.name) == (scope.staged, "$1")
            and steps
            and isinstance(steps[0], str)
        ):
            column = scope.staged_columns.get(str(steps.pop(0)))
            value = exp.column(column, table=scope.staged, quoted=True) if column is not None else exp.Null()
            if not steps:
                return value
            value = raw("to_json({0})", value, kind=JSON)
        return raw("json_extract({0}, {1})", as_json(value), exp.Literal.string(functions.pointer(steps)), kind=JSON)

    def _bracket(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        if len(node.expressions) != 1:
            raise SqlError.unsupported("slices")
        return functions.element(self.rewrite(node.this, scope, ctes), self.rewrite(node.expressions[0], scope, ctes))

    def _array(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        return functions.scalar("ARRAY_CONSTRUCT", [self.rewrite(item, scope, ctes) for item in node.expressions])

    def _struct(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        arguments: list[Any] = []
        for item in node.expressions:
            if not isinstance(item, exp.PropertyEQ):
                raise SqlError.unsupported("this object literal")
            arguments += [exp.Literal.string(item.this.name), self.rewrite(item.expression, scope, ctes)]
        return functions.scalar("OBJECT_CONSTRUCT_KEEP_NULL", arguments)

    def _placeholder(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        return self.resolver.placeholder(node)

    def _parameter(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        if isinstance(node.this, exp.Literal):
            return self._positional(node, scope)
        return literal(self.resolver.variable(node.this.name))

    def _positional(self, node: Any, scope: Scope) -> Any:
        number = int(node.this.this) if str(node.this.this).isdigit() else 0
        if scope.staged is not None:
            return exp.column(f"${number}", table=scope.staged, quoted=True)
        if scope.positional is None or not 1 <= number <= len(scope.positional[1]):
            raise SqlError.invalid_identifier(f"${number}")
        alias, columns = scope.positional
        column = exp.column(columns[number - 1], table=alias, quoted=True)
        column.meta[KIND] = scope.kind(columns[number - 1], alias)
        return column

    def _extract(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        return functions.extract(str(node.this.name), self.rewrite(node.expression, scope, ctes))

    def _position(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        if node.args.get("occurrence"):
            raise SqlError.unsupported("POSITION with an occurrence")
        given = [node.args["substr"], node.this]
        if node.args.get("position"):
            given.append(node.args["position"])
        return functions.scalar("POSITION", [self.rewrite(item, scope, ctes) for item in given])

    def _matches(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        return functions.scalar(
            "REGEXP_LIKE", [self.rewrite(node.this, scope, ctes), self.rewrite(node.expression, scope, ctes)]
        )

    def _interval(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        unit = str(getattr(node.args.get("unit"), "name", "")).upper().rstrip("S")
        amount = node.this
        if unit not in _UNITS or not isinstance(amount, exp.Literal) or not amount.this.lstrip("-").isdigit():
            raise SqlError.unsupported("this interval")
        return raw(f"(INTERVAL 1 {unit} * {{0}})", literal(int(amount.this)))

    def _like(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        grammar.check(node)
        text = as_text(self.rewrite(node.this, scope, ctes))
        sign = "LIKE" if isinstance(node, exp.Like) else "ILIKE"
        if not isinstance(node.expression, exp.Any | exp.All):
            return raw(f"({{0}} {sign} {{1}})", text, as_text(self.rewrite(node.expression, scope, ctes)), kind=OTHER)
        listed = node.expression.this
        items = (
            listed.expressions
            if isinstance(listed, exp.Tuple)
            else [listed.this if isinstance(listed, exp.Paren) else listed]
        )
        patterns = [as_text(self.rewrite(item, scope, ctes)) for item in items]
        joiner = " OR " if isinstance(node.expression, exp.Any) else " AND "
        return raw(
            "(" + joiner.join(f"{{0}} {sign} {{{n + 1}}}" for n in range(len(patterns))) + ")",
            text,
            *patterns,
            kind=OTHER,
        )

    def _escape(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        grammar.check(node)
        escape = literal_text(node.expression)
        if not isinstance(node.this, exp.Like | exp.ILike) or escape is None:
            raise SqlError.unsupported("this ESCAPE")
        if len(escape) > 1:
            raise SqlError.syntax("ESCAPE takes one character.")
        sign = "LIKE" if isinstance(node.this, exp.Like) else "ILIKE"
        text, pattern = (as_text(self.rewrite(part, scope, ctes)) for part in (node.this.this, node.this.expression))
        return raw(f"({{0}} {sign} {{1}} ESCAPE {{2}})", text, pattern, node.expression, kind=OTHER)

    def _fetch(self, node: Any, scope: Scope, ctes: Mapping[str, CommonTable]) -> Any:
        options = node.args.get("limit_options")
        if options is not None and any(options.args.get(part) for part in ("percent", "with_ties")):
            raise SqlError.unsupported("FETCH PERCENT or WITH TIES")
        return exp.Limit(
            expression=self.rewrite(node.args["count"], scope, ctes)
            if node.args.get("count")
            else exp.Literal.number(1)
        )


def _folded(identifier: Any) -> str:
    if not isinstance(identifier, exp.Identifier):
        raise SqlError.unsupported(grammar.construct(identifier))
    name = str(identifier.this)
    return name if identifier.args.get("quoted") else name.upper()


def _days(node: Any) -> Any:
    """`date + 7` and `date - 7`: DuckDB adds INTEGERs to a date, and no other numbers."""
    left, right = kind_of(node.this), kind_of(node.expression)
    if {left, right} != {DATE, NUM}:
        return _adjusted(node)
    for part in ("this", "expression"):
        if kind_of(node.args[part]) == NUM:
            node.set(part, raw("CAST({0} AS INTEGER)", node.args[part], kind=NUM))
    sign = "+" if isinstance(node, exp.Add) else "-"
    return raw(f"({{0}} {sign} {{1}})", node.this, node.expression, kind=DATE)


def _as_number(node: Any) -> Any:
    return raw("TRY_CAST({0} AS DOUBLE)", as_text(node), kind=NUM) if kind_of(node) == JSON else node


def _adjusted(node: Any) -> Any:
    """Where Snowflake and DuckDB read an operator differently."""
    if isinstance(node, exp.DPipe):
        return raw("({0} || {1})", as_text(node.this), as_text(node.expression), kind=TEXT)
    if isinstance(node, exp.Div):
        return _division(node.this, node.expression)
    if isinstance(node, _ARITHMETIC):
        node.set("this", _as_number(node.this))
        node.set("expression", _as_number(node.expression))
    elif isinstance(node, _COMPARISONS):
        left, right = kind_of(node.this), kind_of(node.expression)
        if (left == JSON) != (right == JSON):
            number = NUM in {left, right}
            for part in ("this", "expression"):
                if kind_of(node.args[part]) == JSON:
                    node.set(part, _as_number(node.args[part]) if number else as_text(node.args[part]))
    elif isinstance(node, exp.In) and kind_of(node.this) == JSON:
        node.set("this", as_text(node.this))
    elif isinstance(node, exp.HexString):
        return raw("unhex({0})", exp.Literal.string(str(node.this)), kind=OTHER)
    elif isinstance(node, exp.RawString):
        return exp.Literal.string(str(node.this))
    return node


def _division(left: Any, right: Any) -> Raw:
    """Snowflake's `/` fails on zero; DuckDB's gives infinity."""
    left, right = _as_number(left), _as_number(right)
    if isinstance(right, exp.Literal) and not right.is_string and float(right.this) != 0:
        return raw("({0} / {1})", left, right, kind=NUM)
    return raw("({0} / CASE WHEN {1} = 0 THEN error('cleanroom:division') ELSE {1} END)", left, right, kind=NUM)


_SPECIAL: Final[dict[type[Any], Any]] = {
    exp.Anonymous: Expressions._call,
    exp.WithinGroup: Expressions._call,
    exp.Window: Expressions._window,
    exp.Column: Expressions._column,
    exp.Star: Expressions._star,
    exp.Identifier: Expressions._identifier,
    exp.Cast: Expressions._cast,
    exp.TryCast: Expressions._cast,
    exp.JSONExtract: Expressions._path,
    exp.Bracket: Expressions._bracket,
    exp.Array: Expressions._array,
    exp.Struct: Expressions._struct,
    exp.Placeholder: Expressions._placeholder,
    exp.Parameter: Expressions._parameter,
    exp.Extract: Expressions._extract,
    exp.StrPosition: Expressions._position,
    exp.RegexpLike: Expressions._matches,
    exp.Interval: Expressions._interval,
    exp.Like: Expressions._like,
    exp.ILike: Expressions._like,
    exp.Escape: Expressions._escape,
    exp.Fetch: Expressions._fetch,
    Folded: lambda rewriter, node, scope, ctes: node,
}
