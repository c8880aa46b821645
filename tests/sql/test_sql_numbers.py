"""Wherever a statement takes a number, whatever stands there is taken or refused: it is never an error of the engine's.

Nobody has to have thought of the place: texts that Python's own readers stumble over are put into every one.
"""

from __future__ import annotations

import ast
import contextlib
import math
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql import numbers
from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.compile.inserts import compile_insert
from cleanroom_ml.engine.sql.compile.merges import compile_merge
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.updates import compile_delete, compile_update
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.dml import Delete, Insert, Merge, Update
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.script.block import BlockResult, run_block

LONG = "9" * 5_000
VALUES = [
    LONG, f"'{LONG}'", f"'-{LONG}'", f"'{LONG} days'", "9" * 900, "1e999", "-1e999", "'1e999'", "'nan'", "1.e5",
    "1e-999", "²", "'²'", ":²", "$²", "'٣'", "'--5'", "'5-'", "'-'", "''", "'\\ud800'", "0x" + "f" * 5_000, "?", "null",
    "-(3)", f"'{'9' * 60_000}'",
]  # fmt: skip
PLACES = """
select interval {}
select current_date + interval {} days
select dateadd(day, {}, born) from people
select round(1.5, {})
select to_number('5', {}, {})
select to_timestamp({}, {})
select * from people sample ({})
select * from people sample (10) seed ({})
select * from people limit {} offset {}
select top {} * from people
select ${}
select doc:a[{}] from people
select doc[{}] from people
select 1 / {}
select {}::number(38,{})
select {}::varchar({})
select date {}
select seq4() from table(generator(rowcount => {}))
select value from table(flatten(input => doc, path => {})) from people
select regexp_substr('a','a',1,1,'e',{})
select split_part('a','b',{})
select extract({} from born) from people
select lag(id,{}) over (order by id) from people
select sum(id) over (order by id rows between {} preceding and {} following) from people
select 'a' like 'b' escape {}
select * from values ({}),({})
select id from people order by {}
insert into empty (a) values ({})
update empty set a = {}
delete from empty where a = {}
merge into empty using orders on empty.a = {} when matched then update set a = {}
create table t (a number(38,{}), b varchar({}))
call p({})
call p({}::int)
call p({}::float)
call p(parse_json({}))
call p(['a',-{}])
show tables limit {}
alter session set STATEMENT_TIMEOUT_IN_SECONDS = {}
put file:///tmp/x @~ parallel = {}
create file format f type = csv skip_header = {}
copy into empty from (select ${} from @~/x)
create compute pool p min_nodes = {} max_nodes = {}
select * from table(result_scan({}))
begin let x := {}; return x; end
begin for i in 1 to {} do return i; end for; end
declare x number({}) default {}; begin return x; end
""".strip().splitlines()
COMPILERS = {Insert: compile_insert, Update: compile_update, Delete: compile_delete, Merge: compile_merge}


@pytest.mark.attack
@pytest.mark.parametrize("place", PLACES)
def test_no_number_is_an_error_of_the_engines(world: World, place: str) -> None:
    """Anything but SqlError fails the test by itself."""
    for value in VALUES:
        for binds in (Binds(), Binds.of(10**400, math.inf)):
            with contextlib.suppress(SqlError):
                run(world, place.replace("{}", value), binds)


def run(world: World, text: str, binds: Binds) -> None:
    if text.startswith(("begin", "declare")):
        run_block(text, lambda *_: BlockResult((), ()))
        return
    for statement in split(text):
        classified = classify(statement, binds)
        if isinstance(classified, Query):
            compile_query(classified.ast, world, binds)
        elif (compiler := COMPILERS.get(type(classified))) is not None:
            compiler(classified, world, binds)  # type: ignore[operator]


def test_what_is_a_whole_number() -> None:
    assert (numbers.whole_number("042"), numbers.whole_number("9" * 38)) == (42, 10**38 - 1)
    assert [numbers.whole_number(text) for text in ("", "²", "٣", "-1", "1_0", " 1", "9" * 39)] == [None] * 7
    assert (numbers.number_of("1.5"), numbers.number_of("7")) == (1.5, 7)
    for text in ("1e999", "9" * 400):
        with pytest.raises(SqlError, match="out of range"):
            numbers.number_of(text)


def test_digits_are_read_in_one_place() -> None:
    """`isdigit` before `int` is what lets `²` and 5,000 digits through: only numbers.py asks so."""
    for path in sorted(Path(numbers.__file__).parent.glob("*.py")):
        asked = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        if path.name != "numbers.py":
            assert not asked & {"isdigit", "isnumeric"}, path.name
