"""CONNECT BY, as the recursive common table that it is short for (sql-reference/constructs/connect-by)."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.resolve.projections import column_name
from cleanroom_ml.engine.sql.tree.dialect import Node

_LEVEL = "LEVEL"


def spelled_out(select: exp.Select, name: str) -> exp.Select:
    """A SELECT with CONNECT BY, without. `name`: of the common table, which nothing else has. Raises SqlError."""
    connect = select.args["connect"]
    source = select.args.get("from_")
    if source is None or select.args.get("joins"):
        raise SqlError.unsupported("CONNECT BY over several tables: join them in a subquery")
    if connect.args.get("nocycle"):
        raise SqlError.unsupported("CONNECT BY NOCYCLE")
    item = source.this
    alias = item.args.get("alias")
    row = fold(alias.this) if alias is not None and alias.this is not None else _name_of(item, name)
    above = f"{name}_PRIOR"
    select.set("connect", None)
    carried: list[tuple[str, Node, Node]] = [
        (
            _LEVEL,
            exp.Literal.number(1),
            exp.Add(this=exp.column(_LEVEL, table=above, quoted=True), expression=exp.Literal.number(1)),
        )
    ]
    for projection in [node for part in ("expressions", "where", "order") for node in _nodes(select.args.get(part))]:
        for node in list(projection.find_all(exp.ConnectByRoot, exp.Anonymous)):
            made = _carried(node, row, above, f"_{name}{len(carried)}")
            if made is not None:
                carried.append(made)
                _replace(select, node, exp.column(made[0], table=row, quoted=True))
    for star in list(select.find_all(exp.Star)):
        if isinstance(star.parent, exp.Select) or (
            isinstance(star.parent, exp.Column) and star.parent.parent is select
        ):
            hidden = [quoted(column) for column, _, _ in carried]
            star.set("except_", [*(star.args.get("except_") or []), *hidden])
    everything = exp.Column(this=exp.Star(), table=quoted(row))
    first = exp.Select(
        expressions=[everything, *(exp.Alias(this=value, alias=quoted(column)) for column, value, _ in carried)],
        from_=exp.From(this=_aliased(item.copy(), row)),
    )
    if connect.args.get("start") is not None:
        first.set("where", exp.Where(this=connect.args["start"].copy()))
    condition = connect.args["connect"].copy()
    for prior in list(condition.find_all(exp.Prior)):
        for column in [prior.this] if isinstance(prior.this, exp.Column) else list(prior.this.find_all(exp.Column)):
            column.set("table", quoted(above))
        prior.replace(prior.this)
    for column in list(condition.find_all(exp.Column)):
        if column.args.get("table"):
            continue
        if fold(column.this) == _LEVEL:  # of the row that is connected, as in Oracle: one more than that above it
            column.replace(exp.Paren(this=carried[0][2].copy()))
        else:
            column.set("table", quoted(row))
    then = exp.Select(
        expressions=[
            everything.copy(),
            *(exp.Alias(this=value, alias=quoted(column)) for column, _, value in carried),
        ],
        from_=exp.From(this=exp.Table(this=quoted(name), alias=exp.TableAlias(this=quoted(above)))),
        joins=[exp.Join(this=_aliased(item.copy(), row), kind="INNER", on=condition)],
    )
    union = exp.Union(this=first, expression=then, distinct=False)
    cte = exp.CTE(this=union, alias=exp.TableAlias(this=quoted(name)))
    clause = select.args.get("with_")
    select.set("with_", exp.With(expressions=[*(clause.expressions if clause else []), cte], recursive=True))
    select.set("from_", exp.From(this=exp.Table(this=quoted(name), alias=exp.TableAlias(this=quoted(row)))))
    return select


def _carried(node: Node, row: str, above: str, column: str) -> tuple[str, Node, Node] | None:
    """What a row hands to those below it: (its column, that of a first row, that of a later one)."""
    earlier = exp.column(column, table=above, quoted=True)
    if isinstance(node, exp.ConnectByRoot):
        return column, node.this.copy(), earlier
    if isinstance(node, exp.Anonymous) and str(node.this).upper() == "SYS_CONNECT_BY_PATH":
        if len(node.expressions) != 2:
            raise SqlError.syntax("SYS_CONNECT_BY_PATH takes a value and a separator.")
        value, separator = node.expressions
        value = value.copy()
        for of in [value] if isinstance(value, exp.Column) else value.find_all(exp.Column):
            of.set("table", of.args.get("table") or quoted(row))
        step = exp.DPipe(this=separator.copy(), expression=exp.Paren(this=value))
        return column, step, exp.DPipe(this=earlier, expression=exp.Paren(this=step.copy()))
    return None


def _replace(select: exp.Select, node: Node, made: Node) -> None:
    if node.parent is select:
        made = exp.Alias(this=made, alias=quoted(column_name(node) or made.name))
        select.set("expressions", [made if item is node else item for item in select.expressions])
    else:
        node.replace(made)


def _nodes(part: object) -> list[Node]:
    if isinstance(part, list):
        return [node for node in part if isinstance(node, exp.Expr)]
    return [part] if isinstance(part, exp.Expr) else []


def _aliased(item: Node, alias: str) -> Node:
    written = item.args.get("alias")
    columns = written.args.get("columns") if isinstance(written, exp.TableAlias) else None
    item.set("alias", exp.TableAlias(this=quoted(alias), columns=columns))
    return item


def _name_of(item: Node, otherwise: str) -> str:
    inner = item.this
    return fold(inner) if isinstance(item, exp.Table) and isinstance(inner, exp.Identifier) else f"{otherwise}_ROW"
