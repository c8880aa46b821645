"""Functions that a party wrote, where a statement calls them: found in the catalog, chosen by their arguments.

What is written in SQL becomes part of the statement, its names resolved by its definer's catalog; what is written in
Python becomes a call of a process of its own (warehouse/python_functions.py), which sees its arguments alone.

Source: developer-guide/udf-stored-procedure-naming-conventions, developer-guide/udf/sql/udf-sql-scalar-functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.resolve import transport
from cleanroom_ml.engine.sql.resolve.casts import as_type
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quote_plain, quoted
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Inside, Kinds, Queries, Rewrite, Scope, by_position
from cleanroom_ml.engine.sql.resolve.unnesting import unnested
from cleanroom_ml.engine.sql.routines import FunctionCatalog, Parameter, Routine, UserFunction, refuse_several_newer
from cleanroom_ml.engine.sql.tree.arithmetic import is_simple
from cleanroom_ml.engine.sql.tree.build import Build
from cleanroom_ml.engine.sql.tree.dialect import Node, parse_ast, raw
from cleanroom_ml.engine.sql.tree.kinds import KIND, kind_of
from cleanroom_ml.engine.sql.types.kind import COARSE, JSON, NUM, TEXT, name_of
from cleanroom_ml.engine.sql.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class Chosen:
    """A function and its arguments, each as the type that it is declared with."""

    function: UserFunction
    arguments: tuple[Node, ...]

    @property
    def routine(self) -> Routine:
        return self.function.routine


class UserFunctions:
    """The calls of such functions in one text."""

    def __init__(self, build: Build, catalog: Catalog, queries: Queries, rewrite: Rewrite) -> None:
        self._build = build
        self._catalog = catalog
        self._queries = queries
        self._rewrite = rewrite

    def gives_rows(self, parts: tuple[str, ...]) -> bool:
        """Whether a name is a table function of a party's."""
        found = self._catalog.functions(parts) if isinstance(self._catalog, FunctionCatalog) else ()
        return any(each.routine.returns is None for each in found)

    def chosen(
        self, parts: tuple[str, ...], given: Sequence[Node], scope: Scope, ctes: CommonTables, *, rows: bool = False
    ) -> Chosen | None:
        """The function that a call means, of those that give `rows` or of the others; None: there is none of the name.

        Raises:
            SqlError: the arguments are none that a function of this name takes.
        """
        found = self._catalog.functions(parts) if isinstance(self._catalog, FunctionCatalog) else ()
        found = [each for each in found if (each.routine.returns is None) == rows]
        if not found:
            return None
        self._build.count_source()
        named = [item for item in given if isinstance(item, exp.Kwarg)]
        positional = [self._rewrite(item, scope, ctes) for item in given[: len(given) - len(named)]]
        by_name = {fold(_name_of(item)): self._rewrite(item.expression, scope, ctes) for item in named}
        if any(isinstance(item, exp.Star) for item in positional):
            raise SqlError.unsupported(f"{quote_plain(parts)}(*)")
        fitting = [
            (each, placed) for each in found if (placed := _placed(each.routine, positional, by_name)) is not None
        ]
        ranked = [
            ((each.distance, rank), each, placed)
            for each, placed in fitting
            if (rank := _rank(each.routine, placed)) is not None
        ]
        if not ranked:
            raise _no_such(parts, [*positional, *by_name.values()])
        best = min(rank for rank, _, _ in ranked)
        fits = [(each, placed) for rank, each, placed in ranked if rank == best]
        owners = {each.owner for rank, each, _ in ranked if rank[0] == best[0]}
        refuse_several_newer(best[0], owners, f"functions {quote_plain(parts)}")
        if len(fits) > 1:
            raise SqlError.syntax(f"more than one function {quote_plain(parts)} takes these arguments: cast them.")
        function, placed = fits[0]
        arguments = []
        for parameter, value in zip(function.routine.parameters, placed, strict=True):
            if value is None:
                value = self._queries.inside(function).expression(str(parameter.default), Scope(None))
            arguments.append(_as(value, parameter.type))
        return Chosen(function, tuple(arguments))

    def value(self, chosen: Chosen) -> Node:
        """A call as a value. Raises SqlError."""
        routine = chosen.routine
        assert routine.returns is not None
        if routine.aggregate:
            raise SqlError.unsupported(f"the aggregate function {routine.name} here")
        if routine.language == "PYTHON":
            return self._python(chosen)
        return _as(self._inlined(chosen), routine.returns)

    def aggregate(self, chosen: Chosen) -> Node:
        """A call of an aggregate function: all rows of a group go to it at once."""
        assert chosen.routine.returns is not None
        name = self._build.function(chosen.function)
        rows = raw("list({0})", self.packed(chosen))
        return transport.taken(raw(f"{name}({{0}})", rows), chosen.routine.returns)

    def rows(self, chosen: Chosen, scope: Scope) -> tuple[Node, Kinds]:
        """A call in FROM: a relation, and the kinds of its columns. Raises SqlError."""
        routine = chosen.routine
        if routine.language == "PYTHON":
            return self._python_rows(chosen, scope)
        inside = self._queries.inside(chosen.function)
        arguments, scope = self._relation_of(chosen)
        query, kinds = inside.query(_query(routine), scope)
        if kinds is not None and len(by_position(kinds)) != len(routine.columns):
            given = len(by_position(kinds))
            raise SqlError.syntax(f"{routine.name} gives {given} columns, it declares {len(routine.columns)}.")
        alias = self._build.fresh("rows")
        found = by_position(kinds) if kinds is not None else [None] * len(routine.columns)
        made: list[Node] = []
        for place, ((name, declared), kind) in enumerate(zip(routine.columns, found, strict=True)):
            column = exp.column(f"_{place}", table=alias, quoted=True)
            column.meta[KIND] = kind
            made.append(exp.Alias(this=_as(column, declared), alias=quoted(name)))
        listed = ", ".join(f'"_{place}"' for place in range(len(made)))
        before = "" if arguments is None else "{3}, "
        body = raw(
            f"(SELECT {{0}} FROM {before}{{1}} AS {{2}}({listed}))",
            raw("{*}", *made),
            exp.Subquery(this=query),
            quoted(alias),
            *(() if arguments is None else (arguments,)),
        )
        return body, {name: declared.kind for name, declared in routine.columns}

    def partitions(self, chosen: Chosen, rows: Node) -> Node:
        """A call of a table function with all rows of a partition: `rows` is a list of them. Raises SqlError: it is
        not written in Python.
        """
        if chosen.routine.language != "PYTHON":
            raise SqlError.unsupported("OVER of a table function in SQL")
        name = self._build.function(replace(chosen.function, partitioned=True))
        return raw(f"{name}({{0}})", rows)

    def packed(self, chosen: Chosen) -> Node:
        """The arguments of one row as they are handed over."""
        parameters = chosen.routine.parameters
        given = [transport.given(node, each.type) for node, each in zip(chosen.arguments, parameters, strict=True)]
        listed = ", ".join(f"a{place} := {{{place}}}" for place in range(len(given)))
        return raw(f"struct_pack({listed})" if given else "struct_pack(a0 := 1)", *given)

    def _inlined(self, chosen: Chosen) -> Node:
        """The text of a function in place of its call."""
        routine = chosen.routine
        inside = self._queries.inside(chosen.function)
        tree = _body(routine)
        if not _is_expression(tree):
            arguments, scope = self._relation_of(chosen)
            query, kinds = inside.query(tree, scope)
            if kinds is not None and len(by_position(kinds)) != 1:
                given = len(by_position(kinds))
                raise SqlError.syntax(f"{routine.name} returns one value, its query has {given} columns.")
            kind = next(iter(kinds.values())) if kinds else None
            inner: Node = exp.Subquery(this=query)
            return inner if arguments is None else raw("(SELECT {0} FROM {1})", inner, arguments, kind=kind)
        expression = tree.expressions[0]
        if _needs_rows(expression):
            arguments, scope = self._relation_of(chosen)
            made = inside.rewritten(expression, scope)
            kind = kind_of(made)
            if arguments is None:
                return raw("(SELECT {0})", made, kind=kind)
            return raw("(SELECT {0} FROM {1})", made, arguments, kind=kind)
        return self._substituted(chosen, expression, inside)

    def _substituted(self, chosen: Chosen, expression: Node, inside: Inside) -> Node:
        """An expression with its arguments in it. What costs something, or is another value each time, is computed
        once.
        """
        uses: dict[str, int] = {}
        for column in expression.find_all(exp.Column):
            if not column.args.get("table") and isinstance(column.this, exp.Identifier):
                name = fold(column.this)
                uses[name] = uses.get(name, 0) + 1
        group = self._build.fresh("given")
        packed: list[Node] = []
        values: dict[str, Node] = {}
        for parameter, argument in zip(chosen.routine.parameters, chosen.arguments, strict=True):
            if uses.get(parameter.name, 0) > 1 and not is_simple(argument):
                values[parameter.name] = raw(f"{group}._{len(packed)}", kind=kind_of(argument))
                packed.append(argument)
            else:
                values[parameter.name] = argument
        made = inside.rewritten(expression, Scope(None, parameters=values))
        if not packed:
            return raw("({0})", made, kind=kind_of(made))
        listed = ", ".join(f"_{place} := {{{place + 1}}}" for place in range(len(packed)))
        template = f"list_transform([struct_pack({listed})], lambda {group}: {{0}})[1]"
        return raw(template, made, *packed, kind=kind_of(made))

    def _relation_of(self, chosen: Chosen) -> tuple[Node | None, Scope]:
        """The arguments as a relation of one row, under a name that nothing else has, and what is seen there."""
        if not chosen.arguments:
            return None, Scope(None)
        alias = self._build.fresh("given")
        names = [each.name for each in chosen.routine.parameters]
        kinds: Kinds = {name: kind_of(argument) for name, argument in zip(names, chosen.arguments, strict=True)}
        # Named behind the query: of `"A" AS "A"` DuckDB would take the column for what it is called here.
        listed = ", ".join(f"{{{place}}}" for place in range(2, 2 + len(names)))
        made = raw(
            f"(SELECT {{0}}) AS {{1}}({listed})", raw("{*}", *chosen.arguments), quoted(alias), *map(quoted, names)
        )
        return made, Scope(None, {alias: kinds})

    def _python(self, chosen: Chosen) -> Node:
        assert chosen.routine.returns is not None
        return transport.taken(self._call(chosen), chosen.routine.returns)

    def _python_rows(self, chosen: Chosen, scope: Scope) -> tuple[Node, Kinds]:
        columns = [
            exp.Alias(this=transport.taken(raw(f"_row.c{place}"), declared), alias=quoted(name))
            for place, (name, declared) in enumerate(chosen.routine.columns)
        ]
        rows = unnested("{1}", chosen.arguments, scope)
        made = raw(f"(SELECT {{0}} FROM {rows})", raw("{*}", *columns), self._call(chosen))
        return made, {name: declared.kind for name, declared in chosen.routine.columns}

    def _call(self, chosen: Chosen) -> Node:
        name = self._build.function(chosen.function)
        given = [
            transport.given(node, each.type) for node, each in zip(chosen.arguments, _parameters(chosen), strict=True)
        ]
        return raw(f"{name}({{*}})", *(given or [exp.Literal.number(1)]))


def _parameters(chosen: Chosen) -> Sequence[Parameter]:
    return chosen.routine.parameters


def _as(value: Node, declared: SqlType) -> Node:
    """A value as a declared type. A length is not enforced, as nothing says that it is."""
    plain = replace(declared, length=None)
    if isinstance(value.unnest(), exp.Null):
        return raw(f"CAST(NULL AS {plain.duckdb})", kind=plain.kind)
    return as_type(value, plain)


def _name_of(argument: exp.Kwarg) -> Node:
    name: Node = argument.this
    return name.this if isinstance(name, exp.Column) else exp.to_identifier(name.name)


def _placed(routine: Routine, positional: Sequence[Node], by_name: dict[str, Node]) -> list[Node | None] | None:
    """The given arguments in the order of the declared ones, None for a default; None: they do not fit."""
    parameters = routine.parameters
    if len(positional) > len(parameters) or not by_name.keys() <= {each.name for each in parameters[len(positional) :]}:
        return None
    placed: list[Node | None] = [*positional]
    for parameter in parameters[len(positional) :]:
        value = by_name.get(parameter.name)
        if value is None and parameter.default is None:
            return None
        placed.append(value)
    return placed


def _rank(routine: Routine, placed: Sequence[Node | None]) -> int | None:
    """How far the arguments are from the declared types: 0 for the same; None: one cannot become what is declared."""
    rank = 0
    for parameter, value in zip(routine.parameters, placed, strict=True):
        kind = None if value is None or isinstance(value.unnest(), exp.Null) else kind_of(value)
        kind = COARSE.get(kind, kind)
        if kind is None:
            continue
        wanted = parameter.type.kind
        if kind == NUM and wanted == NUM:
            rank += getattr(kind, "scale", 0) is None and parameter.type.record.python != "float"
        elif kind == wanted:
            continue
        elif JSON in {kind, wanted}:
            rank += 2
        elif kind == TEXT or wanted == TEXT:
            rank += 3
        elif {kind, wanted} <= {"DATE", "TIMESTAMP", "TZ"}:
            rank += 1
        else:
            return None
    return rank


def _no_such(parts: tuple[str, ...], given: Sequence[Node]) -> SqlError:
    kinds = ", ".join(name_of(kind_of(each)) for each in given)
    return SqlError(
        1044,
        "42P13",
        f"{COMPILATION}error line 0 at position -1\n"
        f"Invalid argument types for function '{quote_plain(parts)[:200]}': ({kinds[:200]})",
    )


def _body(routine: Routine) -> Node:
    """The query or the expression that a function is: an expression as a SELECT of it alone. Raises SqlError."""
    text = routine.body.strip().removesuffix(";").strip()
    word = text[:10].split("(")[0].split()
    first = word[0].upper() if word else ""
    if first in {"BEGIN", "DECLARE"}:
        raise SqlError.unsupported("a scripting block as the body of a function")
    tree = parse_ast(text if first in {"SELECT", "WITH"} else f"SELECT {text}")
    if not isinstance(tree, exp.Query):
        raise SqlError.syntax(f"the body of {routine.name} is no expression and no query.")
    return tree


def expression_of(text: str) -> Node:
    """The one expression that a text is. Raises SqlError."""
    tree = parse_ast(f"SELECT {text}")
    if not _is_expression(tree):
        raise SqlError.syntax("one expression is expected.")
    found: Node = tree.expressions[0]
    return found


def _query(routine: Routine) -> Node:
    text = routine.body.strip().removesuffix(";").strip()
    tree = parse_ast(text)
    if not isinstance(tree, exp.Query | exp.Values):
        raise SqlError.syntax(f"the body of the table function {routine.name} is no query.")
    return tree


def _is_expression(tree: Node) -> bool:
    return (
        isinstance(tree, exp.Select)
        and len(tree.expressions) == 1
        and {part for part, value in tree.args.items() if value} == {"expressions"}
    )


def _needs_rows(expression: Node) -> bool:
    """Whether an expression has rows of its own: then it is not put into the midst of another query's."""
    if expression.find(exp.Query, exp.Window) is not None:
        return True
    calls = expression.find_all(exp.Anonymous)
    return any(isinstance(each.this, str) and table.aggregate(each.this.upper()) is not None for each in calls)
