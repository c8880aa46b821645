"""A subquery in FROM that hands the rows of a guarded view on, as a part of the query around it.

`SELECT c, COUNT(*) FROM (SELECT UPPER(city) AS c FROM v WHERE income > 3) GROUP BY c` means what
`SELECT UPPER(city) AS c, COUNT(*) FROM v WHERE income > 3 GROUP BY UPPER(city)` does, and that is looked at: nothing is
allowed here that is not allowed there. What is no such subquery stays one, and is looked at by itself.

Source: user-guide/aggregation-policies, "Query requirements": a part of the query aggregates, the others need not;
user-guide/join-policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import expressions
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.policies.sources import Named
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.resolve.projections import column_name
from cleanroom_ml.engine.sql.tree.dialect import Node

_PARTS: Final = frozenset({"expressions", "from_", "where"})
_CLAUSES: Final = ("where", "group", "having", "order", "distinct")


def flattened(select: exp.Select, named: Named) -> exp.Select:
    """The SELECT with the guarded views themselves where its FROM has subqueries that hand their rows on; itself where
    there are none. Raises SqlError: it names what such a subquery has not.
    """
    made: exp.Select | None = None
    for place, node in enumerate(_items(select)):
        inner = _subquery(node)
        if inner is None:
            continue
        inner = flattened(inner, named)
        view = _handed_on(inner, named)
        if view is None:
            continue
        alone = len(_items(select)) == 1
        if alone or _renames(select, inner):
            made = made or select.copy()
            _put_in(made, place, inner, *view, alone=alone)
    return made or select


def _items(select: exp.Select) -> list[Node]:
    source = select.args.get("from_")
    return [] if source is None else [source.this, *(join.this for join in select.args.get("joins") or [])]


def _subquery(node: Node) -> exp.Select | None:
    """The SELECT of a subquery that has nothing but an alias, and no common tables of its own."""
    if not isinstance(node, exp.Subquery) or not isinstance(node.this, exp.Select) or node.this.args.get("with_"):
        return None
    alias = node.args.get("alias")
    if {part for part, value in node.args.items() if value} - {"this", "alias"}:
        return None
    return None if alias is not None and alias.args.get("columns") else node.this


def _handed_on(inner: exp.Select, named: Named) -> tuple[Guard, str] | None:
    """What guards the view whose rows a SELECT hands on, one by one, and what the view is called there; None: it does
    another thing, or the view may be read by itself, as with a projection policy alone.
    """
    if {part for part, value in inner.args.items() if value} - _PARTS or len(_items(inner)) != 1:
        return None
    table = _items(inner)[0]
    known = named(table) if isinstance(table, exp.Table) else None
    guard = None if known is None or known.view is None else known.view.guard
    if known is None or guard is None or not (guard.group_size is not None or guard.join_required):
        return None
    given = table.args.get("alias")
    where = inner.args.get("where")
    try:
        for each in (*inner.expressions, *([where.this] if where is not None else [])):
            if not isinstance(each, exp.Star):
                expressions.check(each.this if isinstance(each, exp.Alias) else each, guard, of_rows=True)
    except SqlError:
        return None  # it is refused by itself, with its own reason
    return guard, fold(given.this) if given is not None and given.this is not None else known.parts[-1]


def _renames(select: exp.Select, inner: exp.Select) -> bool:
    """Whether a subquery only names columns, and the joins around it only what they name: of an outer join WHERE would
    be another thing in another place.
    """
    columns = all(isinstance(each.unalias(), exp.Column) for each in inner.expressions)
    joins = select.args.get("joins") or []
    plain = not any(join.args.get("using") or join.args.get("method") for join in joins)
    starred = any(_is_star(each) for each in select.expressions)
    return columns and plain and not starred and not inner.args.get("where")


def _is_star(node: Node) -> bool:
    return isinstance(node, exp.Star) or isinstance(node.args.get("this"), exp.Star)


def _put_in(select: exp.Select, place: int, inner: exp.Select, guard: Guard, within: str, *, alone: bool) -> None:
    """The view in the place of the subquery, and what the subquery says of it in the places of its columns."""
    node, table = _items(select)[place], _items(inner)[0].copy()
    outer = node.args.get("alias")
    alias = fold(outer.this) if outer is not None and outer.this is not None else within
    if any(_is_star(each) for each in select.expressions):
        raise guard.violation("* of a subquery that hands rows on: name its columns")
    columns = _columns(inner, guard, within, alias)
    given = {fold(item.args["alias"]) for item in select.expressions if isinstance(item, exp.Alias)}
    if shadowed := given & (set(guard.columns) - columns.keys()):
        raise SqlError.unsupported(
            f"the alias {min(shadowed)[:100]}, which is a column behind the subquery: another name"
        )
    for item in list(select.expressions):
        if not isinstance(item, exp.Alias) and (name := column_name(item)) is not None:
            item.replace(exp.Alias(this=item.copy(), alias=quoted(name)))
    outputs = {fold(item.args["alias"]) for item in select.expressions if isinstance(item, exp.Alias)}
    places = [
        *select.expressions,
        *(select.args[part] for part in _CLAUSES if isinstance(select.args.get(part), exp.Expr)),
    ]
    places += [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on") is not None]
    for each in places:
        ordered = each is select.args.get("order")
        _replace(each, columns, alias, guard, outputs if ordered else set(), alone=alone)
    table.set("alias", exp.TableAlias(this=quoted(alias)))
    node.replace(table)
    if inner.args.get("where") is not None:
        kept = _within(inner.args["where"].this, within, alias)
        before = select.args.get("where")
        select.set(
            "where",
            exp.Where(this=kept if before is None else exp.and_(exp.Paren(this=before.this), exp.Paren(this=kept))),
        )


def _columns(inner: exp.Select, guard: Guard, within: str, alias: str) -> Mapping[str, Node]:
    """What each column of the subquery is of the view. Raises SqlError: two have one name, or one has none."""
    found: dict[str, Node] = {}
    for each in inner.expressions:
        listed: list[tuple[str, Node]]
        if isinstance(each, exp.Star):
            if {part for part, value in each.args.items() if value}:
                raise guard.violation("* with EXCLUDE, ILIKE, REPLACE or RENAME in a subquery that hands rows on")
            listed = [(name, exp.Column(this=quoted(name), table=quoted(alias))) for name in guard.columns]
        else:
            name = fold(each.args["alias"]) if isinstance(each, exp.Alias) else column_name(each)
            if name is None:
                raise guard.violation("a column without a name in a subquery that hands rows on")
            listed = [(name, _within(each.unalias(), within, alias))]
        for name, value in listed:
            if name in found:
                raise SqlError.syntax(f"ambiguous column name '{name[:100]}'")
            found[name] = value
    return found


def _within(node: Node, within: str, alias: str) -> Node:
    """An expression of the subquery by the name that the view has around it. Raises SqlError."""
    made = node.copy()
    holder = exp.Paren(this=made)
    for column in expressions.columns([holder]):
        table, name = expressions.named(column)
        if table not in {None, within}:
            raise SqlError.invalid_identifier(f"{table}.{name}")
        column.replace(exp.Column(this=quoted(name), table=quoted(alias)))
    found: Node = holder.this
    return found


def _replace(
    node: Node, columns: Mapping[str, Node], alias: str, guard: Guard, outputs: set[str], *, alone: bool
) -> None:
    """Each column of the subquery as what it is of the view. Raises SqlError: the subquery has no such column."""
    for column in expressions.columns([node]):
        table, name = expressions.named(column)
        if table not in {None, alias} or (table is None and name in outputs):
            continue
        value = columns.get(name)
        if value is None:
            if table is not None or name in guard.columns:
                raise SqlError.invalid_identifier(name)
            continue
        if table is None and not alone:
            if not isinstance(value, exp.Column) or fold(value.this) != name:
                raise SqlError.unsupported(f"{name[:100]} without the alias of its table, beside a guarded view")
            continue
        column.replace(value.copy() if isinstance(value, exp.Column) else exp.Paren(this=value.copy()))
