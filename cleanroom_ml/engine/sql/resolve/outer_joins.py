"""`a.x = b.x (+)`: an outer join in WHERE, as the LEFT JOIN that it means (sql-reference/constructs/join)."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.tree.dialect import Node


def spelled_out(select: exp.Select) -> exp.Select:
    """A SELECT with `(+)` in its WHERE, without. Raises SqlError: what is marked is no column of one table of FROM."""
    where = select.args.get("where")
    kept: list[Node] = []
    conditions: dict[str, list[Node]] = {}
    for condition in (
        where.this.flatten()
        if where is not None and isinstance(where.this, exp.And)
        else [where.this]
        if where is not None
        else []
    ):
        marked = [column for column in condition.find_all(exp.Column) if column.args.get("join_mark")]
        if not marked:
            kept.append(condition)
            continue
        tables = {fold(column.args["table"]) if column.args.get("table") else "" for column in marked}
        if len(tables) > 1 or "" in tables or condition.find(exp.Or) is not None:
            raise SqlError.unsupported("(+) on columns of several tables, of none that is named, or in an OR")
        for column in marked:
            column.set("join_mark", None)
        conditions.setdefault(tables.pop(), []).append(condition)
    for join in select.args.get("joins") or []:
        own = conditions.pop(_name(join.this), None)
        if own is None:
            continue
        if join.args.get("on") or join.args.get("using") or join.args.get("method"):
            raise SqlError.unsupported("(+) on a table that is joined with ON or USING")
        join.set("side", "LEFT")
        join.set("kind", None)
        join.set("on", exp.and_(*own, copy=False))
    if conditions or any(column.args.get("join_mark") for column in select.find_all(exp.Column)):
        raise SqlError.unsupported("(+) on the first table of FROM, or outside of WHERE")
    select.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)
    return select


def _name(item: Node) -> str:
    alias = item.args.get("alias")
    if alias is not None and alias.this is not None:
        return fold(alias.this)
    return fold(item.this) if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier) else ""
