"""FROM of a query that reads a guarded view: which items there are, how they are joined, and what a join policy says.

Items that are not guarded become common tables of their own, before FROM: in FROM, DuckDB lets each item name the
columns of those before it, and what it makes of them has another name (`FROM v, (SELECT secret AS x)`).

Source: user-guide/join-policies, "Join query requirements".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import ViewSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import expressions, guard
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.policies.nodes import GuardedTable, Silent
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.tree.dialect import Node

_ALIAS_ONLY: Final = frozenset({"this", "db", "catalog", "alias"})
_JOIN: Final = frozenset({"this", "on", "using", "side", "kind"})
MOST: Final = 20
"""Items of one FROM."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a table of FROM: its name, folded; the guarded view that it is, if it is one; and of another
    what tells its columns, which are None where nothing here knows them.
    """

    parts: tuple[str, ...]
    view: ViewSource | None
    columns: Callable[[], Sequence[str] | None]


class Named(Protocol):
    """What a table of FROM is; None: nothing with a name. Raises SqlError."""

    def __call__(self, table: exp.Table, /) -> Known | None: ...


@dataclass(slots=True)
class Item:
    """One item: what it goes by; of a guarded view the view, what guards it, and the column of its row numbers; and the
    columns that its join has merged with those of the item before it.
    """

    alias: str
    node: Node
    source: ViewSource | None = None
    row: str | None = None
    join: exp.Join | None = None
    known: Known | None = None
    merged: tuple[str, ...] = ()

    @property
    def guard(self) -> Guard | None:
        return None if self.source is None else self.source.guard


def guarded_in(select: exp.Select, named: Named) -> bool:
    """Whether a SELECT reads a guarded view in its own FROM, whatever else it does with it."""
    source = select.args.get("from_")
    if source is None:
        return False
    items = [source.this, *(join.this for join in select.args.get("joins") or [])]
    found = (named(item) for item in items if isinstance(item, exp.Table))
    return any(each is not None and each.view is not None for each in found)


def items_of(select: exp.Select, named: Named, fresh: Callable[[str], str]) -> list[Item]:
    """The items of FROM. Raises SqlError: one is of a kind that is on no list."""
    joins = list(select.args.get("joins") or [])
    if len(joins) >= MOST:
        raise SqlError.too_complex()
    found: list[Item] = []
    for join in [None, *joins]:
        node = select.args["from_"].this if join is None else join.this
        name = named(node) if isinstance(node, exp.Table) else None
        default = None if name is None else name.parts[-1]
        source = None if name is None else name.view
        alias = node.args.get("alias")
        columns = alias is not None and bool(alias.args.get("columns"))
        given = fold(alias.this) if alias is not None and alias.this is not None else default
        plain = not {part for part, value in node.args.items() if value} - _ALIAS_ONLY
        if not (isinstance(node, exp.Subquery) or name is not None) or not plain or columns or given is None:
            raise SqlError.unsupported("this FROM item beside a view that a policy guards: name tables, with an alias")
        if any(each.alias == given for each in found):
            raise SqlError(2027, "42601", f"SQL compilation error:\nduplicate alias '{given[:200]}'")
        row = fresh("row") if source is not None else None
        found.append(Item(given, node, source, row, join, name))
    return found


def rebuilt(items: Sequence[Item], fresh: Callable[[str], str]) -> tuple[exp.From, list[exp.Join], list[exp.CTE]]:
    """FROM and its joins with guarded views as what may be read, and the common tables that the others are."""
    common: list[exp.CTE] = []
    made: list[Node] = []
    for item in items:
        alias = exp.TableAlias(this=quoted(item.alias))
        if item.source is not None:
            made.append(GuardedTable(source=item.source, alias=alias, row=item.row))
            continue
        name = fresh("beside").upper()
        bare = item.node.copy()
        bare.set("alias", None)
        query: Node = bare.this if isinstance(bare, exp.Subquery) else exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=bare)
        )  # fmt: skip
        common.append(exp.CTE(this=query, alias=exp.TableAlias(this=quoted(name))))
        made.append(exp.Table(this=quoted(name), alias=alias))
    joins = []
    for item, node in zip(items[1:], made[1:], strict=True):
        assert item.join is not None  # all but the first
        on = item.join.args.get("on")
        joins.append(
            exp.Join(
                this=node,
                side=item.join.args.get("side"),
                kind=item.join.args.get("kind"),
                on=None if on is None else Silent(this=on.copy()),
            )
        )
    return exp.From(this=made[0]), joins, common


def check_joins(items: Sequence[Item]) -> None:
    """The kinds of join, and what the join policies of the views ask for. Raises SqlError."""
    for item in items[1:]:
        join = item.join
        assert join is not None  # all but the first
        parts = {part for part, value in join.args.items() if value}
        side, kind = _sides(join)
        known = side in {"", "LEFT", "RIGHT", "FULL"} and kind in {"", "INNER", "OUTER", "CROSS"}
        if parts - _JOIN or not known or (kind == "OUTER" and not side):
            raise SqlError.unsupported("this kind of join of a view that a policy guards")
    protected = [item for item in items if item.guard is not None and item.guard.join_required]
    if not protected:
        return
    if len(protected) > 1:
        raise guard.join("only one table of a join may have a join policy")
    if len(items) < 2:
        raise guard.join("the view is to be joined with another table")
    _check_protected(items, protected[0])


def _sides(join: exp.Join) -> tuple[str, str]:
    return str(join.args.get("side") or "").upper(), str(join.args.get("kind") or "").upper()


def _check_protected(items: Sequence[Item], item: Item) -> None:
    """The join in which a protected view is an operand, which all of its rows go through."""
    place = items.index(item)
    join = items[max(place, 1)].join
    assert join is not None  # all but the first
    assert item.guard is not None  # it is protected
    side, kind = _sides(join)
    kept = "RIGHT" if place == 0 else "LEFT"
    if kind == "CROSS" or side not in {"", kept} or join.args.get("on") is None:
        raise guard.join(f"write INNER JOIN, or {kept} JOIN, with ON or USING")
    connected = False
    for condition in _conditions(join.args["on"]):
        if not isinstance(condition, exp.EQ):
            raise guard.join_key("a join condition is an equality of two columns")
        sides = [each.unnest() for each in (condition.this, condition.expression)]
        if not all(isinstance(each, exp.Column) for each in sides):
            raise guard.join_key("a join condition is an equality of two columns")
        names = [expressions.named(column) for column in expressions.columns(sides)]
        if any(table is None for table, _ in names):
            raise guard.join_key("each column of a join condition has the alias of its table")
        own = [column for table, column in names if table == item.alias]
        keys = item.guard.join_keys or item.guard.columns
        if any(column not in keys for column in own):
            raise guard.join_key("Disallowed join key used")
        connected = connected or len(own) == 1
    if not connected:
        raise guard.join("the join condition is to name a column of the view and one of another table")


def _conditions(on: Node) -> list[Node]:
    on = on.unnest()
    return [*_conditions(on.this), *_conditions(on.expression)] if isinstance(on, exp.And) else [on]


def without_using(items: Sequence[Item], places: Sequence[Node]) -> None:
    """USING and NATURAL spelled out: ON, and its columns in `places` as those of the first table.

    Raises:
        SqlError: of more than two tables, or of an outer join, whose columns are of neither; NATURAL of what has no
            column in common with the view, or columns that are not known.
    """
    for item in items[1:]:
        join = item.join
        using = join.args.get("using") if join is not None else None
        natural = join is not None and str(join.args.get("method") or "").upper() == "NATURAL"
        if join is None or not (using or natural):
            continue
        if len(items) != 2 or join.args.get("side"):
            raise SqlError.unsupported(
                "USING and NATURAL of an outer join, or of more than two tables, beside a guarded view: ON"
            )
        names = (
            _in_common(items, join)
            if natural
            else [fold(each.this if isinstance(each, exp.Column) else each) for each in using or []]
        )
        item.merged = tuple(names)
        first = items[0].alias
        pairs = [
            exp.EQ(this=_column(name, first), expression=_column(name, items[1].alias)) for name in names
        ]  # fmt: skip
        join.set("on", exp.and_(*pairs, copy=False) if len(pairs) > 1 else pairs[0])
        join.set("using", None)
        for column in expressions.columns(places):
            if column.args.get("table") is None and fold(column.this) in names:
                column.set("table", quoted(first))


def _in_common(items: Sequence[Item], join: exp.Join) -> list[str]:
    """The columns of a NATURAL JOIN of two items: each is then a condition like those of USING, and no other
    (user-guide/join-policies, "Restricting joins on specific columns": all of them must be allowed). Raises SqlError.
    """
    if join.args.get("on") is not None or join.args.get("using"):
        raise SqlError.syntax("NATURAL JOIN takes no ON and no USING.")
    join.set("method", None)
    left, right = (_columns_of(item) for item in items)
    names = [name for name in left if name in right]
    if not names:
        raise SqlError.unsupported("NATURAL JOIN of a view that a policy guards with what has none of its columns: ON")
    return names


def _columns_of(item: Item) -> Sequence[str]:
    if item.guard is not None:
        return item.guard.columns
    known = None if item.known is None else item.known.columns()
    if known is None:
        raise SqlError.unsupported("NATURAL JOIN of a view that a policy guards with a subquery or a view: USING or ON")
    return known


def _column(name: str, alias: str) -> exp.Column:
    return exp.Column(this=quoted(name), table=quoted(alias))


def qualify(items: Sequence[Item], places: Sequence[Node]) -> None:
    """Every column of `places` by its folded name and alias, where it is known which table it is of.

    Raises:
        SqlError: a guarded view has no such column; or a name without an alias could be a whole row, or a column of a
            guarded view to DuckDB, which does not tell cases apart.
    """
    guarded = {item.alias: item.guard for item in items if item.guard is not None}
    aliases = {item.alias.casefold() for item in items}
    for column in expressions.columns(places):
        table, name = expressions.named(column)
        if table is None and len(items) == 1:
            table = items[0].alias
        if table is None:
            owners = [alias for alias, found in guarded.items() if name in found.columns]
            if len(guarded) == len(items) and len(owners) == 1:
                table = owners[0]
            elif name.casefold() in aliases or any(_in_another_case(name, each) for each in guarded.values()):
                raise SqlError.invalid_identifier(name)
        found = guarded.get(table) if table is not None else None
        if found is not None and name not in found.columns:
            raise SqlError.invalid_identifier(name)
        if table is not None and not any(item.alias == table for item in items):
            raise SqlError.invalid_identifier(table)
        column.set("this", quoted(name))
        column.set("table", None if table is None else quoted(table))


def _in_another_case(name: str, guard: Guard) -> bool:
    return name not in guard.columns and name.casefold() in {column.casefold() for column in guard.columns}


def hidden(items: Sequence[Item], column: exp.Column) -> bool | None:
    """Whether a column may be one that no result may have: True where it is NULL there, False where it is refused;
    None: it is none.
    """
    table, name = expressions.named(column)
    found = [
        item.guard.hidden[name]
        for item in items
        if item.guard is not None and name in item.guard.hidden and table in {None, item.alias}
    ]
    return all(found) if found else None
