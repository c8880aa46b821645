"""A SELECT over guarded views without an aggregation policy: of a join policy, a projection policy, or both.

A column that a projection policy guards may stand in WHERE, ON and GROUP BY of the very query that reads the view, and
nowhere else; a query around it never sees it. That is less than the documentation allows (there, it may go through
subqueries as long as the last result has it not), and needs no trace of where a value came from.

Source: user-guide/projection-policies, "Overview", "Column usage"; sql-reference/sql/create-projection-policy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import expressions, sources
from cleanroom_ml.engine.sql.policies.guard import projection
from cleanroom_ml.engine.sql.policies.nodes import Silent
from cleanroom_ml.engine.sql.policies.sources import Item
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.resolve.projections import column_name
from cleanroom_ml.engine.sql.tree.dialect import Node


def spelled_out(select: exp.Select, items: Sequence[Item], fresh: Callable[[str], str]) -> exp.Select:
    """The SELECT with what may be read in the place of the views. Raises SqlError."""
    source, joins, common = sources.rebuilt(items, fresh)
    listed = [made for item in select.expressions for made in _spelled(item, items)]
    made = exp.Select(expressions=[_projected(item, items) for item in listed], joins=joins)
    made.set("from_", source)
    for part in ("distinct", "having", "order", "limit", "offset"):
        if select.args.get(part):
            _refuse_hidden(select.args[part], items)
            made.set(part, select.args[part].copy())
    if select.args.get("where"):
        made.set("where", exp.Where(this=Silent(this=select.args["where"].this.copy())))
    if select.args.get("group"):
        made.set("group", _group(select.args["group"], items))
    if common:
        made.set("with_", exp.With(expressions=common))
    return made


def _spelled(item: Node, items: Sequence[Item]) -> list[Node]:
    """`*` and `t.*` as their columns. Raises SqlError: the star is of columns that are not known here."""
    star = item if isinstance(item, exp.Star) else item.args.get("this")
    if not isinstance(star, exp.Star):
        return [item]
    if star.args.get("replace") or star.args.get("rename"):
        raise SqlError.unsupported("* with REPLACE or RENAME of a view that a policy guards")
    table = item.args.get("table") if isinstance(item, exp.Column) else None
    wanted = [each for each in items if table is None or each.alias == fold(table)]
    if not wanted:
        raise SqlError.invalid_identifier(fold(table) if table is not None else "*")
    without = {
        fold(each.this if isinstance(each, exp.Column) else each) for each in star.args.get("except_") or []
    }  # fmt: skip
    # What USING and NATURAL have merged comes first, and once (sql-reference/constructs/join).
    merged = [name for each in items for name in each.merged] if table is None else []
    made: list[Node] = [_column(items[0], name) for name in merged if name not in without]
    for each in wanted:
        if each.guard is None:
            if without:
                raise SqlError.unsupported("* with EXCLUDE of several tables, of which a policy guards one")
            rest = [exp.column(name, quoted=True) for name in merged]
            made.append(exp.Column(this=exp.Star(except_=rest or None), table=quoted(each.alias)))
            continue
        made += [_column(each, name) for name in each.guard.columns if name not in {*without, *merged}]
    return made


def _column(item: Item, name: str) -> exp.Column:
    return exp.Column(this=quoted(name), table=quoted(item.alias))


def _projected(item: Node, items: Sequence[Item]) -> Node:
    """A column of the result: with NULL for what may not be in it, or refused."""
    if isinstance(item.args.get("this"), exp.Star):
        return item
    bare = item.this if isinstance(item, exp.Alias) else item
    secret = [(column, sources.hidden(items, column)) for column in expressions.columns([bare])]
    if any(nullified is False for _, nullified in secret):
        raise projection("a column that may not be projected")
    name = fold(item.args["alias"]) if isinstance(item, exp.Alias) else str(column_name(item) or "")
    made = bare.copy()
    for column in expressions.columns([made]):
        if sources.hidden(items, column):
            empty = exp.Paren(
                this=exp.Case(ifs=[exp.If(this=exp.Boolean(this=False), true=column.copy())])
            )  # fmt: skip
            if column is made:
                made = empty
            else:
                column.replace(empty)
    return exp.Alias(this=made, alias=quoted(name))


def _refuse_hidden(node: Node, items: Sequence[Item]) -> None:
    if any(sources.hidden(items, column) is not None for column in expressions.columns([node])):
        raise projection("a column that may not be projected, in another place than WHERE, ON or GROUP BY")


def _group(group: exp.Group, items: Sequence[Item]) -> exp.Group:
    made = group.copy()
    if any(made.args.get(part) for part in ("rollup", "cube", "grouping_sets", "all")):
        _refuse_hidden(made, items)
        return made
    for each in made.expressions:
        if not isinstance(each.unnest(), exp.Column):
            _refuse_hidden(each, items)
    return made
