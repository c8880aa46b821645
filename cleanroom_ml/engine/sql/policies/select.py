"""A SELECT that reads a guarded view, as one that keeps to the view's policies. What does not is refused.

A guarded view is read in the FROM of such a SELECT and nowhere else: `GuardedTable` is the only node that gives its
rows, and only this package makes it, of a query that it has looked at whole. So it is the same whatever the SELECT is a
part of: a view, a common table, a subquery, one side of UNION, INSERT, CREATE TABLE AS, COPY INTO, the text of a
function. Each of those gets what the SELECT may give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import aggregated, expressions, passing, plain, sources
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.policies.sources import Item, Named
from cleanroom_ml.engine.sql.resolve.identifiers import fold
from cleanroom_ml.engine.sql.tree.dialect import Node

_PARTS: Final = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_"}
)


def spelled_out(select: exp.Select, named: Named, fresh: Callable[[str], str]) -> exp.Select | None:
    """The SELECT that keeps to the policies; None where it reads no guarded view.

    Args:
        select: as it was parsed, with every name that its statement has given to common tables known to `named`.
        named: what the tables of FROM are.
        fresh: names that nothing else has.

    Raises:
        SqlError: it does what a policy does not allow, or what this does not know.
    """
    select = passing.flattened(select, named)
    if not sources.guarded_in(select, named):
        return None
    select = select.copy()
    items = sources.items_of(select, named, fresh)
    guards = [item.guard for item in items if item.guard is not None]
    guard = next((each for each in guards if each.group_size is not None), guards[0])
    for part, value in select.args.items():
        if value and part not in _PARTS:
            raise guard.violation(f"{part.strip('_').upper()} in a query of a view that a policy guards")
    joins = [item.join for item in items if item.join is not None]
    _spell_out_aliases(select, items)
    places: list[Node] = [
        *select.expressions,
        *(select.args[part] for part in ("where", "group", "having", "order", "distinct") if _is_node(select, part)),
    ]
    sources.without_using(items, places)
    conditions = [join.args["on"] for join in joins if join.args.get("on") is not None]
    sources.check_joins(items)
    _check(select, guard, conditions)
    outputs = _outputs(select)
    named_places = [place for place in places if place is not select.args.get("order")]
    sources.qualify(items, [*named_places, *conditions])
    if select.args.get("order") is not None:
        sources.qualify(items, [each for each in select.args["order"].expressions if not _is_output(each, outputs)])
    make = aggregated.spelled_out if any(each.group_size is not None for each in guards) else plain.spelled_out
    made = make(select, items, fresh)
    before = select.args.get("with_")
    if before is not None:
        own = made.args.get("with_")
        before.set("expressions", [*before.expressions, *(own.expressions if own is not None else [])])
        made.set("with_", before)
    return made


def _spell_out_aliases(select: exp.Select, items: Sequence[Item]) -> None:
    """In GROUP BY and HAVING, what the SELECT calls one of its columns, where no guarded view has a column of the name:
    a column comes before an alias (sql-reference/constructs/group-by). Raises SqlError: another table may have one.
    """
    outputs = {fold(item.args["alias"]): item.this for item in select.expressions if isinstance(item, exp.Alias)}
    known = {name for item in items if item.guard is not None for name in item.guard.columns}
    for part in ("group", "having"):
        if not _is_node(select, part):
            continue
        for column in expressions.columns([select.args[part]]):
            table, name = expressions.named(column)
            if table is not None or name in known or name not in outputs:
                continue
            if any(item.guard is None for item in items):
                raise SqlError.unsupported(f"the alias {name[:100]} in {part.upper()} of a join: repeat the expression")
            column.replace(exp.Paren(this=outputs[name].copy()))


def _check(select: exp.Select, guard: Guard, conditions: list[Node]) -> None:
    """Every expression of the SELECT is made of what is on the lists."""
    for item in select.expressions:
        bare = item.this if isinstance(item, exp.Alias) else item
        if isinstance(bare, exp.Star) or isinstance(bare.args.get("this"), exp.Star):
            continue
        expressions.check(bare, guard, of_rows=False)
    for part in ("where", "group", "having", "order", "distinct"):
        if not _is_node(select, part):
            continue
        node = select.args[part]
        for each in _leaves(node):
            expressions.check(each, guard, of_rows=part in ("where",))
    for each in conditions:
        expressions.check(each, guard, of_rows=True)


def _leaves(node: Node) -> list[Node]:
    """The expressions of a clause, out of the nodes that it is made of."""
    if isinstance(
        node,
        exp.Where | exp.Having | exp.Group | exp.Order | exp.Ordered | exp.Rollup | exp.Cube | exp.GroupingSets
        | exp.Distinct,
    ):  # fmt: skip
        return [leaf for child in node.iter_expressions() for leaf in _leaves(child)]
    return [node]


def _is_node(select: exp.Select, part: str) -> bool:
    return isinstance(select.args.get(part), exp.Expr)


def _outputs(select: exp.Select) -> set[str]:
    return {item.alias_or_name.casefold() for item in select.expressions if isinstance(item, exp.Alias)}


def _is_output(ordered: Node, outputs: set[str]) -> bool:
    """Whether an item of ORDER BY is what the SELECT calls one of its columns."""
    value = ordered.this.unnest() if isinstance(ordered, exp.Ordered) else ordered
    plain_name = isinstance(value, exp.Column) and value.args.get("table") is None
    return plain_name and value.name.casefold() in outputs
