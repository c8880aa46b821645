"""MATCH_RECOGNIZE, as the query that it is short for (sql-reference/constructs/match_recognize).

1. The rows, each with the number of its partition, its own in it, and for each symbol of DEFINE whether it is one.
2. The pattern's matches, partition by partition, in Python in the worker (values/row_matching.py), which sees nothing
   of a row but its symbols: for each row of a match the match's number, its own in it, and its symbol.
3. Both joined; MEASURES are windows over a match.

So every name in it is looked up as in any other query, and what may not be read by one is not read by this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import table
from cleanroom_ml.engine.sql.resolve import row_patterns
from cleanroom_ml.engine.sql.resolve.identifiers import fold, quoted
from cleanroom_ml.engine.sql.resolve.measures import Match, Measures
from cleanroom_ml.engine.sql.resolve.projections import column_name
from cleanroom_ml.engine.sql.resolve.scope import CommonTables, Relation
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.tree.matching import MatchRecognized
from cleanroom_ml.engine.sql.types.kind import OTHER, TEXT, WHOLE, Kind
from cleanroom_ml.naming import quote

KEPT: Final = "cleanroom_kept"
"""Key of `Expression.meta` of a common table that is computed once, whoever reads it."""
_TO_NEIGHBOURS: Final = {"LAG": "LAG", "LEAD": "LEAD", "NEXT": "LEAD"}
_TO_ENDS: Final = frozenset({"FIRST_VALUE", "LAST_VALUE"})
_MOST_SYMBOLS: Final = 100


class FoundRows(exp.Expression):
    """The rows of all matches in the common table `this`, of the columns that `names` has; `program` finds them."""

    arg_types = {"this": True, "program": True, "names": True, "alias": True}  # noqa: RUF012 - sqlglot's interface


def relation(node: FoundRows, ctes: CommonTables) -> Relation:
    """What stands in FROM."""
    names: Match = node.args["names"]
    kinds: dict[str, Kind | None] = {
        names.partition: WHOLE,
        names.row: WHOLE,
        names.number: WHOLE,
        names.place: WHOLE,
        names.symbol: TEXT,
        names.excluded: OTHER,
        names.last: OTHER,
    }
    partition, row, signs = (quote(name) for name in (names.partition, names.row, names.signs))
    columns = ", ".join(f"_row.{field} AS {quote(name)}" for field, name in zip("nmqcxl", list(kinds)[1:], strict=True))
    made = (
        f"(SELECT {partition}, {columns} FROM (SELECT {partition}, unnest(_sf_match_rows(list({signs} ORDER BY {row}),"
        f" {{1}})) AS _row FROM {{0}} GROUP BY {partition}) AS _found)"
    )
    name = quoted(ctes[node.this].name)
    return Relation(raw(made, name, exp.Literal.string(node.args["program"])), kinds)


def qualifiers(node: MatchRecognized, own: str | None) -> list[str]:
    """What its expressions may name a column of the item by: the item's name, and the symbols of its pattern and of
    DEFINE. Raises SqlError: the pattern is none.
    """
    defined = [fold(each.args["alias"]) for each in node.args["define"]]
    named = [own] if own is not None else []
    return list(dict.fromkeys([*named, *row_patterns.pattern(node.args["pattern"]).symbols(), *defined]))


def spelled_out(node: MatchRecognized, columns: Sequence[str], own: str | None, fresh: str) -> exp.Subquery:
    """A FROM item with MATCH_RECOGNIZE, as a subquery over the item.

    Args:
        columns: those of the item.
        own: what the item is called.
        fresh: a name that nothing else has.

    Raises:
        SqlError: it says what is not done here, or nothing that can be done.
    """
    for part in [*(node.args.get("measures") or []), *(node.args.get("define") or [])]:
        if part.find(exp.Query) is not None:
            raise SqlError.unsupported("a subquery in MEASURES or DEFINE")
    names = Match(fresh)
    pattern = row_patterns.pattern(node.args["pattern"])
    mode, symbol = node.args["rows"], node.args.get("symbol")
    if pattern.excludes and mode == "UNMATCHED":
        raise SqlError.syntax("a PATTERN with exclusions takes no WITH UNMATCHED ROWS.")
    used = dict.fromkeys(pattern.symbols())
    conditions = {fold(each.args["alias"]): each.this for each in node.args["define"]}
    if len(conditions) < len(node.args["define"]):
        raise SqlError.syntax("DEFINE has a symbol twice.")
    defined = [name for name in conditions if name in used]
    if len(defined) > _MOST_SYMBOLS:
        raise SqlError.unsupported(f"MATCH_RECOGNIZE of more than {_MOST_SYMBOLS} symbols")
    program = row_patterns.program(pattern, defined, node.args["skip"], None if symbol is None else fold(symbol))
    item = node.this.copy()
    by = [_own(each, own, used) for each in node.args.get("partition_by") or []]
    order = node.args.get("order")
    ordered = [_own(each, own, used) for each in order.expressions] if order is not None else []
    rows = _rows(
        item, by, ordered, [_condition(_own(conditions[name], own, used), by, ordered) for name in defined], names
    )
    measures = Measures(
        names, frozenset({*used, *conditions}), frozenset(columns), own, final=mode == "ONE", empty=pattern.can_be_empty
    )
    made = [(fold(each.args["alias"]), measures.measure(each.this)) for each in node.args.get("measures") or []]
    shown = _partitions(by) if mode == "ONE" else [(name, names.column(name)) for name in columns]
    listed = [*shown, *made]
    if not listed:
        raise SqlError.syntax("SELECT with no columns.")
    if len({name for name, _ in listed}) < len(listed):
        raise SqlError.unsupported("MATCH_RECOGNIZE with two columns of one name: name its measures otherwise")
    return _query(node, rows, program, listed, names, mode, len(shown))


def _query(
    node: MatchRecognized,
    rows: exp.Select,
    program: str,
    listed: list[tuple[str, Node]],
    names: Match,
    mode: str,
    plain: int,
) -> exp.Subquery:
    """Steps 1 to 3. The first `plain` columns are of a row, the others of a match."""
    found = FoundRows(this=names.rows, program=program, names=names, alias=exp.TableAlias(this=quoted(names.found)))
    same = [
        exp.EQ(
            this=exp.column(name, table=names.item, quoted=True),
            expression=exp.column(name, table=names.found, quoted=True),
        )
        for name in (names.partition, names.row)
    ]
    join = exp.Join(this=found, on=exp.and_(*same, copy=False))
    if mode == "UNMATCHED":
        join.set("side", "LEFT")
    matched = exp.Not(this=exp.Is(this=names.of(names.number), expression=exp.Null()))
    values = [
        (name, value if at < plain or mode != "UNMATCHED" else exp.Case(ifs=[exp.If(this=matched.copy(), true=value)]))
        for at, (name, value) in enumerate(listed)
    ]
    hidden = (names.symbol, names.excluded, names.last)
    inner = exp.Select(
        expressions=[
            *(exp.Alias(this=value, alias=quoted(name)) for name, value in values),
            *(exp.Alias(this=names.of(name), alias=quoted(f"{name}_")) for name in hidden),
        ],
        from_=exp.From(this=exp.Table(this=quoted(names.rows), alias=exp.TableAlias(this=quoted(names.item)))),
        joins=[join],
    )
    outer = exp.Select(
        expressions=[exp.column(name, quoted=True) for name, _ in listed],
        from_=exp.From(this=exp.Subquery(this=inner, alias=exp.TableAlias(this=quoted(names.all)))),
        with_=exp.With(expressions=[_kept(rows, names.rows)]),
    )
    kept = {
        "ONE": exp.column(f"{names.last}_", quoted=True),
        "ALL": exp.Not(this=exp.column(f"{names.excluded}_", quoted=True)),
        "OMIT": exp.and_(
            exp.Not(this=exp.column(f"{names.excluded}_", quoted=True)),
            exp.Not(this=exp.Is(this=exp.column(f"{names.symbol}_", quoted=True), expression=exp.Null())),
            copy=False,
        ),
    }.get(mode)
    if kept is not None:
        outer.set("where", exp.Where(this=kept))
    return exp.Subquery(this=outer, alias=node.args.get("alias"))


def _rows(item: Node, by: list[Node], ordered: list[Node], conditions: list[Node], names: Match) -> exp.Select:
    """Step 1."""
    written = item.args.get("alias")
    columns = written.args.get("columns") if written is not None else None
    item.set("alias", exp.TableAlias(this=quoted(names.item), columns=columns))
    one = exp.Literal.number(1)
    order = exp.Order(expressions=[each.copy() for each in ordered] or [exp.Ordered(this=one.copy())])
    row = exp.Window(
        this=exp.Anonymous(this="ROW_NUMBER"), partition_by=[each.copy() for each in by], order=order, over="OVER"
    )
    among = exp.Order(expressions=[exp.Ordered(this=each.copy()) for each in by])
    partition: Node = one if not by else exp.Window(this=exp.Anonymous(this="DENSE_RANK"), order=among, over="OVER")
    signs: Node = exp.Literal.string("")
    for condition in conditions:
        sign = exp.Anonymous(this="IFF", expressions=[condition, exp.Literal.string("1"), exp.Literal.string("0")])
        signs = sign if signs.is_string else exp.DPipe(this=signs, expression=sign)
    return exp.Select(
        expressions=[
            exp.Column(this=exp.Star(), table=quoted(names.item)),
            exp.Alias(this=partition, alias=quoted(names.partition)),
            exp.Alias(this=row, alias=quoted(names.row)),
            exp.Alias(this=signs, alias=quoted(names.signs)),
        ],
        from_=exp.From(this=item),
    )


def _condition(node: Node, by: list[Node], ordered: list[Node]) -> Node:
    """A condition of DEFINE, whose functions of other rows are windows over the partition. None of them depends on
    what was matched before, by which step 2 need not look at rows. Raises SqlError.
    """
    holder = exp.Paren(this=node)
    for call in list(node.find_all(exp.Anonymous)):
        name = str(call.this).upper()
        window = call.parent if isinstance(call.parent, exp.Window) else None
        if name.startswith("FINAL "):
            raise SqlError.syntax("FINAL is of MEASURES alone.")
        name = name.removeprefix("RUNNING ")
        if name in {"PREV", "FIRST"}:
            other = "LAG" if name == "PREV" else "FIRST_VALUE"
            raise SqlError.unsupported(f"{name} in DEFINE: Snowflake has {other} there")
        if name in {"CLASSIFIER", "MATCH_NUMBER", "MATCH_SEQUENCE_NUMBER"}:
            raise SqlError.unsupported(f"{name} in DEFINE")
        if name == "LAST":  # of the rows of this attempt so far the last one is the current one
            if len(call.expressions) != 1 or window is not None:
                raise SqlError.syntax("LAST takes one argument.")
            call.replace(exp.Paren(this=call.expressions[0]))
        elif name in _TO_NEIGHBOURS or name in _TO_ENDS:
            if window is not None:
                raise SqlError.unsupported(f"{name} with OVER in DEFINE: its window is that of MATCH_RECOGNIZE")
            made = exp.Anonymous(this=_TO_NEIGHBOURS.get(name, name), expressions=call.expressions)
            call.replace(_over(made, by, ordered))
        elif table.aggregate(name) is not None:
            if window is None:
                raise SqlError.syntax(f"{name} in DEFINE needs OVER (ROWS BETWEEN …).")
            if not _is_whole(window):
                raise SqlError.unsupported("a frame in DEFINE that is not the whole partition")
            window.replace(_over(exp.Anonymous(this=name, expressions=call.expressions), by, []))
    rewritten: Node = holder.this
    return rewritten


def _is_whole(window: exp.Window) -> bool:
    """ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING, and nothing else."""
    spec = window.args.get("spec")
    if spec is None or window.args.get("partition_by") or window.args.get("order"):
        return False
    given = [str(spec.args.get(part) or "").upper() for part in ("kind", "start", "start_side", "end", "end_side")]
    return given == ["ROWS", "UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING"]


def _over(call: Node, by: list[Node], ordered: list[Node]) -> exp.Window:
    order = exp.Order(expressions=[each.copy() for each in ordered]) if ordered else None
    return exp.Window(this=call, partition_by=[each.copy() for each in by], order=order, over="OVER")


def _own(node: Node, own: str | None, symbols: dict[str, None]) -> Node:
    """An expression over the item's columns, named without the item. Raises SqlError: it names another one."""
    holder = exp.Paren(this=node.copy())
    for column in list(holder.find_all(exp.Column)):
        qualifier = column.args.get("table")
        if qualifier is None:
            continue
        if fold(qualifier) in symbols:
            raise SqlError.unsupported("a column of a symbol in DEFINE, PARTITION BY or ORDER BY of MATCH_RECOGNIZE")
        if fold(qualifier) != own:
            raise SqlError.invalid_identifier(f"{fold(qualifier)}.{column.name}")
        column.set("table", None)
    made: Node = holder.this
    return made


def _partitions(by: list[Node]) -> list[tuple[str, Node]]:
    return [(column_name(each) or f"EXPR{number}", each.copy()) for number, each in enumerate(by)]


def _kept(query: exp.Select, name: str) -> exp.CTE:
    made = exp.CTE(this=query, alias=exp.TableAlias(this=quoted(name)))
    made.meta[KEPT] = True
    return made
