"""The values of VALUES: which may stand in that of an INSERT, and those of one column as one kind
(sql-reference/sql/insert, sql-reference/constructs/values).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.lists import Folded, digits
from cleanroom_ml.engine.sql.resolve import comparing
from cleanroom_ml.engine.sql.resolve.casts import assigned, check_coerced
from cleanroom_ml.engine.sql.tree import fine
from cleanroom_ml.engine.sql.tree.dialect import Node, raw, snowflake_text
from cleanroom_ml.engine.sql.tree.kinds import AGGREGATE, kind_of, kind_of_any
from cleanroom_ml.engine.sql.types.kind import FLOAT, JSON, MAX_PRECISION, NUM, TEXT, Kind, Number, common, number
from cleanroom_ml.engine.sql.types.sql_type import SqlType


def check_written(items: Sequence[Node]) -> None:
    """Raises SqlError: a query or a window function is no value of an INSERT's VALUES."""
    for item in items:
        if item.find(exp.Query, exp.Window) is not None:
            raise _invalid(item)


def check(items: Sequence[Node], values: Sequence[Node], types: Sequence[SqlType], names: Sequence[str]) -> None:
    """Raises SqlError: what an item of a row was rewritten to is a semi-structured value, or an aggregate, or none that
    its column takes.
    """
    for item, value in zip(items, values, strict=True):
        if kind_of(value) == JSON or any(node.meta.get(AGGREGATE) for node in value.walk()):
            raise _invalid(item)
    for value, target, name in zip(values, types, names, strict=False):
        check_coerced(value, target, name)


def _invalid(item: Node) -> SqlError:
    text = snowflake_text(item)[:200]
    return SqlError(2014, "22000", f"SQL compilation error:\nInvalid expression [{text}] in VALUES clause")


def alike(rows: list[list[Node]], types: Sequence[SqlType]) -> list[list[Node]]:
    """The rows, the values of each column of one kind; or as the columns of `types` take them, if there are any: those
    that become texts are of one kind before. As they are, where they are not of one width.
    """
    if len({len(row) for row in rows}) > 1:
        return rows
    columns = [list(column) for column in zip(*rows, strict=True)]
    if len(types) == len(columns):
        columns = [
            fine.alike([assigned(value, target) for value in (_of_one_text(column) if target.kind == TEXT else column)])
            for column, target in zip(columns, types, strict=True)
        ]
    elif not types:
        columns = [comparing.alike(column) for column in columns]
    return [list(row) for row in zip(*columns, strict=True)]


def of_more(seen: Sequence[Kind | None], rows: Sequence[Node]) -> list[Kind | None]:
    """The kinds of columns of which some rows were not parsed, and are like the first: numbers with other digits, or
    NULL. `seen`: the kinds of those that were.
    """
    made: list[Kind | None] = [TEXT if kind == TEXT else kind for kind in seen]
    columns = frozenset(place for place, kind in enumerate(seen) if kind == NUM)
    for row in rows if columns else ():
        if not isinstance(row, Folded):
            continue
        for place, found in digits(str(row.args["sql"]), len(seen), columns).items():
            exact = None if found is None or sum(found) > MAX_PRECISION else number(*found)
            made[place] = common((made[place], FLOAT if exact is None else exact))
    return made


def _of_one_text(given: Sequence[Node]) -> list[Node]:
    """Values that become texts, of one kind before; NUMBERs are of one scale: 1 beside 2.5 is 1.0."""
    column = comparing.alike(given)
    common = kind_of_any(column)
    if not isinstance(common, Number) or not common.scale:
        return column
    cast = f"CAST({{0}} AS DECIMAL({common.precision},{common.scale}))"
    return [raw(cast, value, kind=common) if kind_of(value) == NUM else value for value in column]
