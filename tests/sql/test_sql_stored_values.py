"""What INSERT, UPDATE and MERGE write is what the column makes of each value (sql-reference/sql/insert: values are
converted to the types of the columns), whatever the other rows of VALUES hold.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.updates import compile_update
from cleanroom_ml.engine.sql.compiled import Mutation, Operation
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.dml import Insert, Update

COLUMNS = "N INT;S VARCHAR;V VARIANT;D NUMBER(5,2);B BOOLEAN"
ROW = """SELECT 1::BIGINT AS "N", 'a' AS "S", '1' AS "V", 1::DECIMAL(5,2) AS "D", true AS "B" """


def stored(world: World, text: str) -> list[tuple[object, ...]]:
    world.table("KEPT", COLUMNS, ROW)
    statement = classify(text)
    assert isinstance(statement, Insert)
    return world.run(compile_insert(statement, world).compiled)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("insert into kept (n) values ('12.5'), (2.5), (3.5::float), (2.5::float)", [13, 3, 4, 3]),
        ("insert into kept (s) values (1.50), (1000), (true), (1e3::float)", ["1.50", "1000", "true", "1000"]),
        ("insert into kept (s) select 0.1::float + 0.2::float", ["0.3"]),
        ("insert into kept (v) select 'abc'", ['"abc"']),
        ("insert into kept (d) values (1.005), ('2.345'), (null)", [Decimal("1.01"), Decimal("2.35"), None]),
        ("insert into kept (b) values ('yes'), (0), ('off')", [True, False, False]),
        # its "Multi-row insert": values of different types become those of the first
        ("insert into kept (s) values (3), ('007')", ["3", "7"]),
        ("insert into kept (s) values (1), (2.5)", ["1.0", "2.5"]),
        ("insert into kept (n) select id / 3 from people", [0, 0, 1, 1]),
        ("insert into kept (n) values (99999999999999999999999999999999999999)", [10**38 - 1]),
    ],
)
def test_a_value_is_stored_as_its_column_takes_it(world: World, text: str, expected: list[object]) -> None:
    place = "NSVDB".index(text.split("(")[1][0].upper())
    assert [row[place] for row in stored(world, text)] == expected


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ("(s) values (3), ('d')", 100038),
        ("(v) values (parse_json('1'))", 2014),
        ("(v) values ([1, 2])", 2014),
        ("(n) values ((select 1))", 2014),
        ("(n) values (sum(1))", 2014),
        ("(n) values (row_number() over (order by 1))", 2014),
    ],
)
def test_what_may_not_stand_in_values(world: World, values: str, code: int) -> None:
    """sql-reference/sql/insert, usage notes and "Multi-row insert"."""
    with pytest.raises(SqlError) as refused:
        stored(world, f"insert into kept {values}")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("insert into kept (n) values (1), (true)", "BOOLEAN for column N"),
        ("insert into kept (d) select true", "BOOLEAN for column D"),
        ("insert into kept (s) select [1]", "ARRAY for column S"),
        ("insert into kept (s) select {'a': 1}", "OBJECT for column S"),
        ("insert into kept (s) values (x'41')", "BINARY for column S"),
        ("insert into arrays (a) values ('x')", "VARCHAR for column A"),
        ("insert into arrays (a) select {'a': 1}", "OBJECT for column A"),
        ("update kept set n = b", "BOOLEAN for column N"),
    ],
)
def test_what_is_not_coerced_has_to_be_cast(world: World, text: str, got: str) -> None:
    """sql-reference/data-type-conversion, "Data types that can be cast": the column "Coercible"."""
    world.table("ARRAYS", "A ARRAY", """SELECT '[1]' AS "A" """)
    world.table("KEPT", COLUMNS, ROW)
    statement = classify(text)
    compiler: Callable[..., Mutation] = compile_update if isinstance(statement, Update) else compile_insert
    with pytest.raises(SqlError, match=rf"^SQL compilation error:\nExpression type .* but got {got}$") as refused:
        compiler(statement, world, Binds())
    assert refused.value.code == 2023
    assert stored(world, "insert into kept (n, s) select true::int, [1]::varchar")[0][:2] == (1, "[1]")


def test_numbers_of_long_lists_become_texts_one_by_one(world: World) -> None:
    """The rows of a long list are not looked at: in a column of texts each number keeps the digits that it is given."""
    numbers = ["1.50", "1000", "-.5", "1e3", "007", "null", "2"] * 50
    values = ", ".join(f"({number}, {n})" for n, number in enumerate(numbers))
    rows = stored(world, f"insert into kept (s, n) values {values}")
    assert [row[1] for row in rows[:7]] == ["1.50", "1000", "-0.5", "1000", "7", None, "2"]
    assert [row[0] for row in rows] == list(range(len(numbers)))


@pytest.mark.parametrize("values", ["values (1, 2)", "select 1, 2", "select * from values (1, 2)"])
def test_as_many_values_as_columns(world: World, values: str) -> None:
    with pytest.raises(SqlError, match=r"expecting 1 but got 2") as refused:
        stored(world, f"insert into kept (n) {values}")
    assert refused.value.code == 2057


def test_columns_of_the_same_name_are_several_values(world: World) -> None:
    rows = stored(world, "insert into kept (n, s) select * from (select 7 as a) x join (select 8 as a) y on true")
    assert [row[:2] for row in rows] == [(7, "8")]


def test_a_row_that_several_match_is_counted(world: World) -> None:
    """sql-reference/sql/update: the number of rows updated, and of multi-joined rows among them."""
    world.table("KEPT", COLUMNS, ROW)
    for source, operation in (("orders", Operation.JOINED), ("(select 1 id)", Operation.UPDATED)):
        statement = classify(f"update kept set n = 2.5 from {source} o where o.id = kept.n")
        assert isinstance(statement, Update)
        [row] = world.run(compile_update(statement, world, Binds()).compiled)
        assert (row[0], row[-1]) == (3, operation)
