"""UPDATE, DELETE and MERGE as queries that give the table's new content, each row with what happened to it
(compiled.Operation).

The target's rows get a number (`_row`) in a materialised common table, so that both uses of them mean the same rows.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog, TableSource
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare, safe, target_table
from cleanroom_ml.engine.sql.compiled import Mutation, Operation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.dml import Delete, Merge, Update
from cleanroom_ml.engine.sql.resolve.resolver import Resolver
from cleanroom_ml.engine.sql.resolve.scope import Scope
from cleanroom_ml.engine.sql.tree.dialect import raw
from cleanroom_ml.engine.sql.tree.kinds import kind_of_type
from cleanroom_ml.naming import quote

_ROW = '"_row"'


def compile_update(statement: Update, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """UPDATE t SET … [FROM …] [WHERE …]. A row that several rows of FROM match is updated from one of them. Raises
    SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        _only(tree, {"this", "expressions", "where", "from_"})
        change = _Change(resolver, target, tree.this, statement.target)
        others = [tree.args["from_"].this] if tree.args.get("from_") else []
        items = change.items(others)
        assigned = change.assignments(tree.expressions)
        condition = change.rewrite(tree.args["where"].this) if tree.args.get("where") else exp.Boolean(this=True)
        values = [raw(f'{{0}} AS "_v{number}"', value) for number, value in enumerate(assigned.values())]
        matched = raw(
            f"SELECT DISTINCT ON ({change.row}) {change.row} AS {_ROW}, {_slots(values)} FROM {{{len(values)}}} WHERE {{{len(values) + 1}}}",  # noqa: E501
            *values,
            _join(items),
            condition,
        )
        picks = []
        names = list(assigned)
        for name, sql_type in target.columns:
            if name in assigned:
                value = f'CAST(_m."_v{names.index(name)}" AS {sql_type.duckdb})'
                picks.append(f"CASE WHEN _m.{_ROW} IS NULL THEN _t.{quote(name)} ELSE {value} END AS {quote(name)}")
            else:
                picks.append(f"_t.{quote(name)}")
        operation = f"CASE WHEN _m.{_ROW} IS NULL THEN {Operation.KEPT} ELSE {Operation.UPDATED} END"
        body = raw(
            f'WITH {change.numbered} AS MATERIALIZED ({{0}}), "_matched" AS MATERIALIZED ({{1}}) SELECT {safe(", ".join(picks))}, {operation} AS "_operation"'  # noqa: E501
            f' FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{_ROW} = _m.{_ROW}',
            change.rows(),
            raw("{0}", matched),
        )
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    mutation: Mutation = bounded(make)
    return mutation


def compile_delete(statement: Delete, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """DELETE FROM t [USING …] [WHERE …]. Raises SqlError."""

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        _only(tree, {"this", "where", "using"})
        change = _Change(resolver, target, tree.this, statement.target)
        using = tree.args.get("using") or []
        items = change.items(using if isinstance(using, list) else [using])
        condition = change.rewrite(tree.args["where"].this) if tree.args.get("where") else exp.Boolean(this=True)
        matched = raw(f"SELECT DISTINCT {change.row} AS {_ROW} FROM {{0}} WHERE {{1}}", _join(items), condition)
        picks = ", ".join(f"_t.{quote(name)}" for name, _ in target.columns)
        operation = f"CASE WHEN _m.{_ROW} IS NULL THEN {Operation.KEPT} ELSE {Operation.DELETED} END"
        body = raw(
            f'WITH {change.numbered} AS MATERIALIZED ({{0}}), "_matched" AS MATERIALIZED ({{1}}) SELECT {safe(picks)}, {operation} AS "_operation"'  # noqa: E501
            f' FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{_ROW} = _m.{_ROW}',
            change.rows(),
            matched,
        )
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    mutation: Mutation = bounded(make)
    return mutation


def compile_merge(statement: Merge, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """MERGE INTO t USING s ON … WHEN [NOT] MATCHED [AND …] THEN UPDATE | DELETE | INSERT. A target row that several
    source rows would
    change fails the statement, as Snowflake's default does. Raises SqlError."""

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        _only(tree, {"this", "using", "on", "whens"})
        change = _Change(resolver, target, tree.this, statement.target)
        source = resolver._item(tree.args["using"], {}, change.scope, None)
        source_alias = next(alias for alias in change.scope.sources if alias != change.alias)
        on = change.rewrite(tree.args["on"])
        matched, missing = _whens(tree)
        source_name = resolver.build.fresh("source")
        numbered_source = raw('SELECT *, row_number() OVER () AS "_source_row" FROM {0}', source)
        both = f"{change.numbered} AS {quote(change.alias)} JOIN {source_name} AS {quote(source_alias)} ON {{0}}"
        values, action = _matched_values(change, matched)
        count = len(values)
        listed = "".join(f', {{{number}}} AS "_v{number}"' for number in range(count))
        hits = raw(
            f'SELECT {change.row} AS {_ROW}, {{{count}}} AS "_action"{listed} FROM {{{count + 1}}}',
            *values,
            action,
            raw(both, on),
        )
        changed = raw(
            f'SELECT *, CASE WHEN count(*) OVER (PARTITION BY {_ROW}) > 1 THEN error(\'cleanroom:duplicate\') END AS "_twice" FROM {{0}} AS _hits WHERE "_action" IS NOT NULL',  # noqa: E501
            raw("({0})", hits),
        )
        picks = []
        for number, (name, sql_type) in enumerate(target.columns):
            picks.append(
                f'CASE WHEN _m."_action" = {Operation.UPDATED} AND _m."_twice" IS NULL THEN CAST(_m."_v{number}" AS {sql_type.duckdb}) ELSE _t.{quote(name)} END AS {quote(name)}'  # noqa: E501
            )
        kept = f'SELECT {safe(", ".join(picks))}, coalesce(_m."_action", {Operation.KEPT}) AS "_operation" FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{_ROW} = _m.{_ROW}'  # noqa: E501
        inserted = _inserted(change, missing, source_name, source_alias, on, both)
        ctes = f'WITH {change.numbered} AS MATERIALIZED ({{0}}), {source_name} AS MATERIALIZED ({{1}}), "_matched" AS MATERIALIZED ({{2}})'  # noqa: E501
        if inserted is None:
            body = raw(f"{ctes} {kept}", change.rows(), numbered_source, changed)
        else:
            body = raw(f"{ctes} {kept} UNION ALL {{3}}", change.rows(), numbered_source, changed, inserted)
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    mutation: Mutation = bounded(make)
    return mutation


class _Change:
    """The target of a statement and what its expressions see."""

    def __init__(self, resolver: Resolver, target: TableSource, node: Any, name: tuple[str, ...]) -> None:
        self.resolver = resolver
        self.target = target
        alias = node.args.get("alias") if isinstance(node, exp.Table) else None
        self.alias = _name(alias.this) if alias is not None and alias.this is not None else name[-1]
        resolver.announce(self.alias, name)
        self.scope = Scope(None, {self.alias: {column: kind_of_type(sql_type) for column, sql_type in target.columns}})
        self.numbered = resolver.build.fresh("target")
        self.row = f"{quote(self.alias)}.{_ROW}"
        safe(self.alias)

    def rows(self) -> Any:
        self.resolver.build.count_source()
        return raw(
            f"SELECT *, row_number() OVER () AS {_ROW} FROM ({{0}}) AS _all", self.resolver.build.scan(self.target)
        )

    def items(self, others: list[Any]) -> list[Any]:
        """The target and the other tables of FROM or USING, in order."""
        found = [raw(f"{self.numbered} AS {quote(self.alias)}")]
        for other in others:
            joins = other.args.get("joins") or []
            other.set("joins", None)
            found.append(self.resolver._item(other, {}, self.scope, None))
            for join in joins:
                self.resolver._join(join, {}, self.scope, None)
                found.append(join)
        return found

    def rewrite(self, node: Any) -> Any:
        return self.resolver.expressions.rewrite(node, self.scope, {})

    def assignments(self, expressions: list[Any]) -> dict[str, Any]:
        """Column → value of SET."""
        known = {name for name, _ in self.target.columns}
        assigned: dict[str, Any] = {}
        for expression in expressions:
            if not isinstance(expression, exp.EQ) or not isinstance(expression.this, exp.Column):
                raise SqlError.syntax("SET takes column = value.")
            name = _name(expression.this.this)
            if name not in known:
                raise SqlError.invalid_identifier(name)
            if name in assigned:
                raise SqlError.syntax(f"column {name[:100]} is set twice.")
            assigned[name] = self.rewrite(expression.expression)
        if not assigned:
            raise SqlError.syntax("SET takes column = value.")
        return assigned


def _whens(tree: Any) -> tuple[list[Any], list[Any]]:
    matched: list[Any] = []
    missing: list[Any] = []
    for when in tree.args["whens"].expressions:
        if when.args.get("source"):
            raise SqlError.unsupported("WHEN NOT MATCHED BY SOURCE")
        (matched if when.args.get("matched") else missing).append(when)
    return matched, missing


def _matched_values(change: _Change, whens: list[Any]) -> tuple[list[Any], Any]:
    """New values of all columns for a matched pair, and the action's number (NULL: none)."""
    branches: list[tuple[Any, int, dict[str, Any]]] = []
    for when in whens:
        condition = change.rewrite(when.args["condition"]) if when.args.get("condition") else exp.Boolean(this=True)
        then = when.args["then"]
        if isinstance(then, exp.Update):
            branches.append((condition, Operation.UPDATED, change.assignments(then.expressions)))
        elif isinstance(then, exp.Var) and then.name.upper() == "DELETE":
            branches.append((condition, Operation.DELETED, {}))
        else:
            raise SqlError.unsupported("this action of MERGE")
    conditions = [condition for condition, _, _ in branches]
    action = _case(conditions, [exp.Literal.number(number) for _, number, _ in branches], exp.Null())
    values = []
    for name, _ in change.target.columns:
        own = raw(f"{quote(change.alias)}.{safe(quote(name))}")
        values.append(_case(conditions, [assigned.get(name, own) for _, _, assigned in branches], own))
    return values, action


def _case(conditions: list[Any], results: list[Any], default: Any) -> Any:
    if not conditions:
        return raw("{0}", default)
    whens = " ".join(f"WHEN {{{2 * number}}} THEN {{{2 * number + 1}}}" for number in range(len(conditions)))
    pairs = [part for pair in zip(conditions, results, strict=True) for part in pair]
    return raw(f"CASE {whens} ELSE {{{len(pairs)}}} END", *pairs, default)


def _inserted(change: _Change, whens: list[Any], source: str, alias: str, on: Any, both: str) -> Any:
    """The rows that WHEN NOT MATCHED adds, or None."""
    if not whens:
        return None
    names = [name for name, _ in change.target.columns]
    conditions, rows = [], []
    for when in whens:
        then = when.args["then"]
        if not isinstance(then, exp.Insert):
            raise SqlError.unsupported("this action of MERGE")
        conditions.append(
            change.rewrite(when.args["condition"]) if when.args.get("condition") else exp.Boolean(this=True)
        )
        given = (
            [_name(column.this if isinstance(column, exp.Column) else column) for column in then.this.expressions]
            if isinstance(then.this, exp.Tuple)
            else names
        )
        values = then.expression.expressions if isinstance(then.expression, exp.Tuple) else []
        if len(given) != len(values) or set(given) - set(names):
            raise SqlError.syntax("INSERT of MERGE needs as many values as columns.")
        rows.append(dict(zip(given, (change.rewrite(value) for value in values), strict=True)))
    picks = []
    for name, sql_type in change.target.columns:
        value = _case(conditions, [row.get(name, exp.Null()) for row in rows], exp.Null())
        picks.append(raw(f"CAST({{0}} AS {sql_type.duckdb})", value))
    wanted = _case(conditions, [exp.Boolean(this=True) for _ in conditions], exp.Boolean(this=False))
    count = len(picks)
    return raw(
        f"SELECT {_slots(picks)}, {Operation.INSERTED} FROM {source} AS {quote(alias)} WHERE {{{count}}}"
        f" AND NOT EXISTS (SELECT 1 FROM {change.numbered} AS {quote(change.alias)} WHERE {{{count + 1}}})",
        *picks,
        wanted,
        on,
    )


def _join(items: list[Any]) -> Any:
    """FROM items: those that are joins follow the one before them."""
    text = ""
    for number, item in enumerate(items):
        text += f"{'' if not text or isinstance(item, exp.Join) else ', '}{{{number}}}"
    return raw(text, *(raw("{0}", item) if not isinstance(item, exp.Join) else item for item in items))


def _slots(values: list[Any]) -> str:
    return ", ".join(f"{{{number}}}" for number in range(len(values)))


def _only(tree: Any, allowed: set[str]) -> None:
    unexpected = {part for part, value in tree.args.items() if value} - allowed
    if unexpected:
        raise SqlError.unsupported(", ".join(sorted(unexpected)).upper())


def _name(identifier: Any) -> str:
    if not isinstance(identifier, exp.Identifier):
        raise SqlError.syntax("a name is expected.")
    return str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).upper()
