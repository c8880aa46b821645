"""Blocks as developer-guide/snowflake-scripting and sql-reference/snowflake-scripting of Snowflake's documentation
describe them: what each returns, or how it fails. Their statements are queries over a table W.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, Returned, run_block

RETURNS: list[tuple[str, object]] = [
    # variables.md: values keep their types
    ("begin return 5; end", 5),
    (
        "declare profit number(38, 2) default 0.0; begin let cost number(38, 2) := 100.0;"
        " let revenue number(38, 2) default 110.0; profit := revenue - cost; return profit; end",
        Decimal("10.00"),
    ),
    ("begin let d date := '2024-01-05'; return d + 1; end", datetime.date(2024, 1, 6)),
    ("begin let c int; select count(*) into :c from w; return c; end", 3),
    ("begin let t := 'W'; let n int; select count(*) into :n from identifier(:t); return n > 2; end", True),
    ("declare x int; begin declare x int default 2; begin null; end; return x; end", None),
    ("begin return; end", None),
    # branch.md
    ("begin if (1 = 2) then return 'a'; elseif (null) then return 'b'; else return 'c'; end if; end", "c"),
    ("begin case (3) when 1 then return 'one'; when 3 then return 'three'; else return 'x'; end case; end", "three"),
    ("begin let x := 5; case when x > 9 then return 'big'; when x > 3 then return 'medium'; end; end", "medium"),
    ("begin let x := 5; return case when x > 3 then 'big' else 'small' end; end", "big"),
    # loops.md
    ("begin let s := 0; for i in 1 to 3 do s := s + i; end for; return s; end", 6),
    (
        "begin let s := ''; for i in reverse 1 to 3 loop if (i = 2) then continue; end if; s := s || i; end loop;"
        " return s; end",
        "31",
    ),
    (
        "begin let x := 0; repeat x := x + 1; until (x >= 3) end repeat;"
        " while (x < 10) do x := x + 2; end while; return x; end",
        11,
    ),
    ("begin loop loop break outer; end loop inner; end loop outer; return 'out'; end", "out"),
    ("begin let s := 0; let r resultset := (select x from w); for e in r do s := s + e.x; end for; return s; end", 35),
    # cursors.md
    (
        "declare s int default 0; c1 cursor for select x from w where k = ?; v int; begin open c1 using (1);"
        " fetch c1 into v; s := s + v; fetch c1 into v; s := s + v; fetch c1 into v; close c1;"
        " return s || coalesce(v::varchar, ' and no more'); end",
        "30 and no more",
    ),
    ("declare c cursor for select k from w; begin for r in c do if (r.k = 2) then return 2; end if; end for; end", 2),
    # exceptions.md
    (
        "declare my_exception exception (-20002, 'Raised MY_EXCEPTION.'); begin raise my_exception;"
        " exception when statement_error then return 'no'; when my_exception then"
        " return sqlcode || sqlerrm || sqlstate; end",
        "-20002Raised MY_EXCEPTION.P0001",
    ),
    (
        "begin select 1 / 0; exception when expression_error then return 0;"
        " when statement_error then return sqlcode; end",
        100051,
    ),
    (
        "begin let x := 1 / 0; exception when statement_error then return 0;"
        " when expression_error then return sqlerrm; end",
        "Division by zero",
    ),
    (
        "declare e exception (-20003, 'inner'); begin begin raise e; exception when other then raise; end;"
        " exception when e or other then return 'again ' || sqlerrm; end",
        "again inner",
    ),
    ("begin select * from nothing_here; exception when other then return sqlstate; end", "42S02"),
    # execute-immediate.md
    (
        "begin let q := 'select x from w where k = ? and x > ?'; let k := 1;"
        " let r resultset := (execute immediate :q using (k, 10)); for each in r do return each.x; end for; end",
        20,
    ),
]  # fmt: skip

FAILS = [
    ("declare e exception (-20002, 'boom'); begin raise e; end", -20002, "P0001", "exception of type 'E' on line 1"),
    ("begin case (1) when 2 then return 2; end case; end", 100000, "P0001", "no branch holds"),
    ("declare c cursor for select 1; v int; begin fetch c into v; end", 90245, "24000", "not open"),
    ("begin x := 1; end", 904, "42000", "'X'"),
    ("begin raise nothing; end", 904, "42000", "'NOTHING'"),
    ("begin let v := 0; select k into :v from w; end", 90241, "02000", "exactly one row"),
    ("begin let r resultset := (async (select 1)); end", 2, "0A000", "ASYNC"),
    ("begin loop null; end loop; exception when other then return 'caught'; end", 1003, "42000", "too many steps"),
]  # fmt: skip


def outcome(world: World, text: str) -> Returned:
    """A block over the world's tables."""
    world.table("W", "K INT;X INT", 'SELECT * FROM (VALUES (1, 10), (1, 20), (2, 5)) AS t("K", "X")')

    def run(statement: str, variables: Mapping[str, Value]) -> BlockResult:
        binds = Binds(named=variables)
        read = classify(statement, binds)
        assert isinstance(read, Query)
        if "/ 0" in statement:
            raise SqlError(100051, "22012", "Division by zero")
        return BlockResult(tuple(world.names(read.ast, binds)), tuple(world.query(read.ast, binds)))

    return run_block(text, run)


@pytest.mark.parametrize(("text", "expected"), RETURNS)
def test_what_blocks_return(world: World, text: str, expected: object) -> None:
    assert outcome(world, text).value == expected


@pytest.mark.parametrize(("text", "code", "sqlstate", "message"), FAILS)
def test_how_blocks_fail(world: World, text: str, code: int, sqlstate: str, message: str) -> None:
    with pytest.raises(SqlError, match=message) as caught:
        outcome(world, text)
    assert (caught.value.code, caught.value.sqlstate) == (code, sqlstate)
