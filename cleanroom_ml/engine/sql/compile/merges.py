"""MERGE → `Mutation`."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.compile import defaults
from cleanroom_ml.engine.sql.compile.change import ROW, Change, only, slots
from cleanroom_ml.engine.sql.compile.preparing import bounded, finished, prepare, safe, target_table
from cleanroom_ml.engine.sql.compiled import Mutation, Operation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.dml import Merge
from cleanroom_ml.engine.sql.resolve.identifiers import fold_column
from cleanroom_ml.engine.sql.resolve.scope import is_repeated
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.naming import quote


def compile_merge(statement: Merge, catalog: Catalog, binds: Binds = NO_BINDS) -> Mutation:
    """MERGE INTO t USING s ON … WHEN [NOT] MATCHED [AND …] THEN UPDATE | DELETE | INSERT. A target row that several
    source rows would change fails the statement, as Snowflake's default does, unless all of them delete it. Raises
    SqlError.
    """

    def make() -> Mutation:
        target = target_table(statement.target, catalog)
        tree, resolver = prepare(statement.ast, catalog, binds)
        only(tree, {"this", "using", "on", "whens"})
        change = Change(resolver, target, tree.this, statement.target)
        source = resolver.items.item(tree.args["using"], {}, change.scope, None)
        source_alias = next(alias for alias in change.scope.sources if alias != change.alias)
        on = change.rewrite(tree.args["on"])
        matched, missing = _whens(tree)
        _spell_out_names(change, source_alias, [*matched, *missing])
        source_name = resolver.build.fresh("source")
        numbered_source = raw('SELECT *, row_number() OVER () AS "_source_row" FROM {0}', source)
        both = f"{change.numbered} AS {quote(change.alias)} JOIN {source_name} AS {quote(source_alias)} ON {{0}}"
        values, action = _matched_values(change, matched)
        count = len(values)
        listed = "".join(f', {{{number}}} AS "_v{number}"' for number in range(count))
        hits = raw(
            f'SELECT {change.row} AS {ROW}, {{{count}}} AS "_action"{listed} FROM {{{count + 1}}}',
            *values,
            action,
            raw(both, on),
        )
        several = f'count(*) OVER (PARTITION BY {ROW}) > 1 AND count_if("_action" <> {Operation.DELETED}) OVER (PARTITION BY {ROW}) > 0'  # noqa: E501
        changed = raw(
            f'SELECT *, CASE WHEN {several} THEN error(\'cleanroom:duplicate\') END AS "_twice" FROM {{0}} AS _hits WHERE "_action" IS NOT NULL QUALIFY row_number() OVER (PARTITION BY {ROW}) = 1',  # noqa: E501
            raw("({0})", hits),
        )
        picks = []
        for number, (name, sql_type) in enumerate(change.target.columns):
            picks.append(
                f'CASE WHEN _m."_action" = {Operation.UPDATED} AND _m."_twice" IS NULL THEN CAST(_m."_v{number}" AS {sql_type.duckdb}) ELSE _t.{quote(name)} END AS {quote(name)}'  # noqa: E501
            )
        kept = f'SELECT {safe(", ".join(picks))}, coalesce(_m."_action", {Operation.KEPT}) AS "_operation" FROM {change.numbered} AS _t LEFT JOIN "_matched" AS _m ON _t.{ROW} = _m.{ROW}'  # noqa: E501
        inserted = _inserted(change, missing, source_name, source_alias, on)
        ctes = f'WITH {change.numbered} AS MATERIALIZED ({{0}}), {source_name} AS MATERIALIZED ({{1}}), "_matched" AS MATERIALIZED ({{2}})'  # noqa: E501
        if inserted is None:
            body = raw(f"{ctes} {kept}", change.rows(), numbered_source, changed)
        else:
            body = raw(f"{ctes} {kept} UNION ALL {{3}}", change.rows(), numbered_source, changed, inserted)
        return Mutation(finished(resolver, body, target.columns, operations=True), target, True)

    return bounded(make)


def _whens(tree: Node) -> tuple[list[Node], list[Node]]:
    matched: list[Node] = []
    missing: list[Node] = []
    for when in tree.args["whens"].expressions:
        if when.args.get("source"):
            raise SqlError.unsupported("WHEN NOT MATCHED BY SOURCE")
        (matched if when.args.get("matched") else missing).append(when)
    return matched, missing


def _spell_out_names(change: Change, source: str, whens: list[Node]) -> None:
    """ALL BY NAME: each column of the target gets the source's column of its name. Raises SqlError: the columns of both
    are not called the same (sql-reference/sql/merge).
    """
    names = [name for name, _ in change.target.columns]
    for when in whens:
        then = when.args["then"]
        update = isinstance(then, exp.Update) and [type(each) for each in then.expressions] == [exp.Star]
        if not update and not (isinstance(then, exp.Insert) and isinstance(then.this, exp.Star)):
            continue
        found = change.scope.sources[source]
        if found is None:
            raise SqlError.unsupported("ALL BY NAME of columns that are not known: name them in a subquery")
        if sorted(found) != sorted(names) or is_repeated(found):
            raise SqlError.syntax(
                "ALL BY NAME needs the same columns, by their names, in the source and in the target."
            )
        columns = [exp.column(name, table=source, quoted=True) for name in names]
        targets = [exp.column(name, quoted=True) for name in names]
        if update:
            then.set(
                "expressions",
                [exp.EQ(this=name, expression=value) for name, value in zip(targets, columns, strict=True)],
            )
        else:
            then.set("this", exp.Tuple(expressions=targets))
            then.set("expression", exp.Tuple(expressions=columns))


def _matched_values(change: Change, whens: list[Node]) -> tuple[list[Node], Node]:
    """New values of all columns for a matched pair, and the action's number (NULL: none)."""
    branches: list[tuple[Node, int, dict[str, Node]]] = []
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


def _case(conditions: list[Node], results: list[Node], default: Node) -> Node:
    if not conditions:
        return raw("{0}", default)
    whens = " ".join(f"WHEN {{{2 * number}}} THEN {{{2 * number + 1}}}" for number in range(len(conditions)))
    pairs = [part for pair in zip(conditions, results, strict=True) for part in pair]
    return raw(f"CASE {whens} ELSE {{{len(pairs)}}} END", *pairs, default)


def _inserted(change: Change, whens: list[Node], source: str, alias: str, on: Node) -> Node | None:
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
        given = [fold_column(column) for column in then.this.expressions] if isinstance(then.this, exp.Tuple) else names
        values = then.expression.expressions if isinstance(then.expression, exp.Tuple) else []
        if len(given) != len(values) or set(given) - set(names):
            raise SqlError.syntax("INSERT of MERGE needs as many values as columns.")
        rows.append({name: change.stored(name, value) for name, value in zip(given, values, strict=True)})
    picks = []
    for name, sql_type in change.target.columns:
        if name in change.target.numbers and not all(name in row for row in rows):
            raise SqlError.unsupported("MERGE that numbers the rows of an IDENTITY column")
        otherwise = raw(defaults.value(change.target, name, sql_type, change.resolver, beside_others=True))
        value = _case(conditions, [row.get(name, otherwise) for row in rows], exp.Null())
        picks.append(raw(f"CAST({{0}} AS {sql_type.duckdb})", value))
    wanted = _case(conditions, [exp.Boolean(this=True) for _ in conditions], exp.Boolean(this=False))
    count = len(picks)
    return raw(
        f"SELECT {slots(picks)}, {Operation.INSERTED} FROM {source} AS {quote(alias)} WHERE {{{count}}}"
        f" AND NOT EXISTS (SELECT 1 FROM {change.numbered} AS {quote(change.alias)} WHERE {{{count + 1}}})",
        *picks,
        wanted,
        on,
    )
