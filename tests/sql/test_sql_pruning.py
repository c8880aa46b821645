"""Which objects of a table a query reads, by the bounds of their values: never one too few.

Snowflake prunes micro-partitions by the range of values of each column (user-guide/tables-clustering-micropartitions).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from sql_world import World

from cleanroom_ml.engine.sql import bounds
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds
from cleanroom_ml.engine.sql.catalog import TableSource, ViewSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.updates import compile_delete
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.dml import Delete
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import parquet_out
from cleanroom_ml.engine.warehouse.arrow_types import stored_type

COLUMNS = [["N", "NUMBER(38,0)"], ["A", "NUMBER(10,2)"], ["D", "DATE"], ["M", "TIMESTAMP_NTZ(9)"], ["S", "VARCHAR"],
           ["F", "FLOAT"]]  # fmt: skip
DAY = date(2024, 1, 1)
LONG = "ü" * 40
PARTS = 6


def row(number: int) -> dict[str, object]:
    day = DAY + timedelta(days=number // 10)
    moment = datetime(2024, 1, 1) + timedelta(hours=number)
    text = f"{LONG}{number:03d}" if number % 7 == 0 else f"k{number:03d}"
    return {"N": number, "A": Decimal(number) / 4, "D": day, "M": moment, "S": text, "F": number / 3}


class Parts(World):
    """A table of six objects of ten rows that follow each other, each with a row of NULLs; one more has NULLs alone."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        nothing = dict.fromkeys(name for name, _ in COLUMNS)
        known = {}
        for part in range(PARTS + 1):
            rows = [nothing] * 3 if part == PARTS else [*(row(part * 10 + each) for each in range(10)), nothing]
            known[f"P{part}"] = self.write(f"P{part}", rows)
        declared = tuple((name, parse_type(text)) for name, text in COLUMNS)
        self.sources[("T",)] = TableSource(declared, tuple(known), True, bounds=known)
        self.sources[("U",)] = replace(self.sources[("T",)], objects=("P0", "P3"))
        self.sources[("V",)] = ViewSource(None, "select n, s from t where n < 20", self)
        self.blind = {name: replace(self.sources[name], bounds={}) for name in (("T",), ("U",))}

    def write(self, sha256: str, rows: list[Mapping[str, object]]) -> str:
        schema = pa.schema([pa.field(name, stored_type(parse_type(text))) for name, text in COLUMNS])
        table = pa.Table.from_pylist(list(rows), schema=schema)
        with open(self.path(sha256), "wb") as file:
            made = parquet_out.write(table.to_reader(), COLUMNS, file.fileno(), operations=False)
        return bounds.checked(str(made["bounds"]), [(name, parse_type(text)) for name, text in COLUMNS])

    def read(self, text: str, binds: Binds = NO_BINDS) -> str:
        """The parts that a query reads, by number."""
        return "".join(sorted(each.removeprefix("P") for each in compile_query(text, self, binds).inputs))

    def both(self, text: str) -> tuple[object, object]:
        """What it gives by the bounds, and without any."""
        found = self.query(text)
        seeing = dict(self.sources)
        self.sources |= self.blind
        try:
            return found, self.query(text)
        finally:
            self.sources = seeing


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return Parts(tmp_path_factory.mktemp("parts"))


@pytest.mark.parametrize(
    ("where", "read"),
    [
        ("n = 25", "2"),
        ("25 = n", "2"),
        ("n = 25::int", "2"),
        ("(n) = (25)", "2"),
        ("n >= 20 and n < 30", "2"),
        ("n > 39", "45"),
        ("n < 10", "0"),
        ("n <= 10", "01"),
        ("n between 9 and 10", "01"),
        ("n in (1, 55)", "05"),
        ("n = -1", ""),
        ("n > 24.5 and n < 25.5", "2"),
        ("a = 2.50", "1"),
        ("d = '2024-01-03'", "2"),
        ("d = date '2024-01-03'", "2"),
        ("d = '2024-01-03'::date", "2"),
        ("d < '2024-01-03'::timestamp", "01"),
        ("d > '2024-01-05' and n = 1", ""),
        ("m >= '2024-01-03 00:00:00'", "45"),
        ("m < '2024-01-01 10:00:00'", "0"),
        ("s = 'k015'", "01"),
        ("s > 'l' and n < 10", "0"),
        ("s < 'k002'", "0"),
        (f"s >= '{LONG}056'", "012345"),
        ("\"N\" = 25 and t.n = 25", "2"),
    ],
)  # fmt: skip
def test_what_where_rules_out_is_not_read(parts: Parts, where: str, read: str) -> None:
    query = f"select count(*), sum(n), max(s) from t where {where}"
    assert parts.read(query) == read
    found, blind = parts.both(query)
    assert found == blind


def test_bound_values_and_variables_rule_out_too(parts: Parts) -> None:
    query = "select n from t where n = ? and d >= :2 and m < $limit_day"
    assert parts.read(query, Binds.of(25, date(2024, 1, 3))) == "2"
    assert parts.read("select n from t where n = :who", Binds.of(who=Decimal("9"))) == "0"
    assert parts.read("select n from t where s = ?", Binds.of("k001")) == "0"


@pytest.mark.parametrize(
    "where",
    [
        "n = 25 or a = 1",
        "not n = 25",
        "n <> 25",
        "n is null",
        "n + 0 = 25",
        "n = '25'",
        "n = 2.5e1",
        "n = null",
        "equal_null(n, 25)",
        "f = 1",
        "d = '01/03/2024'",
        "s = 25",
        "s between 'a' and 1",
        "n in (select 25)",
        "n in (25, '26')",
        "n = (select 25)",
    ],
)
def test_what_is_not_plain_rules_nothing_out(parts: Parts, where: str) -> None:
    assert set("0123456") <= set(parts.read(f"select n from t where {where}"))


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("select 1 from t sample (50) where n = 25", "0123456"),
        ("select 1 from (select * from t) where n = 25", "0123456"),
        ("select 1 from t as x(a, n, d, m, s, f) where n = 25", "0123456"),
        ("select 1 from u asof join t match_condition (u.m >= t.m) where t.n = 25", "0123456"),
        ("select 1 from u natural join t where n = 25", "0123456"),
        ("select 1 from t join u on t.n = u.n where t.n = 25", "023"),
        ("select 1 from t x join t y on x.n = y.n where x.n = 25 and y.n = 5", "02"),
        ("select 1 from t, table(flatten(array_construct(1))) where t.n = 25", "0123456"),
        ("select 1 from t start with n = 1 connect by prior n = a where n = 25", "0123456"),
        ("select n from t where n = 25 union all select n from t where n = 5", "02"),
        ("with c as (select * from t where n = 25) select * from c where n = 5", "2"),
        ("select 1 from u where exists (select 1 from t where n = 25 and t.a = u.a)", "023"),
        ("select a as n from t where n = 25", "2"),
        # What a view lets through is decided by its own text alone, whatever is asked of it.
        ("select n from v where n >= 10", "01"),
        ("select n from v where n = 25", "01"),
        ("select count(*) over () from t where n = 25 qualify row_number() over (order by n) = 1", "2"),
    ],
)
def test_rows_that_count_before_where_are_read(parts: Parts, query: str, read: str) -> None:
    assert parts.read(query) == read


def test_other_formats_of_dates_rule_out_by_typed_dates_alone(parts: Parts) -> None:
    parts.parameters["DATE_INPUT_FORMAT"] = "YYYY-DD-MM"
    try:
        assert parts.read("select n from t where d = '2024-01-03'") == "0123456"
        assert parts.read("select n from t where d = '2024-01-03'::date") == "0123456"
    finally:
        parts.parameters.clear()


def test_what_is_written_again_is_read_whole(parts: Parts) -> None:
    statement = classify("delete from t where n = 25")
    assert isinstance(statement, Delete)
    assert len(compile_delete(statement, parts).compiled.inputs) == PARTS + 1


JOINS = (
    "select count(*), sum(t.n), min(t.s) from t where {0}",
    "select count(*), sum(t.n), sum(u.n) from u left join t on t.n = u.n + 20 where {0}",
    "select count(*), sum(t.n), sum(u.n) from t full join u on t.n = u.n + 20 where {0}",
    "select count(*), sum(t.n), sum(u.n) from t right join u on t.d = u.d where {0} and u.n < 35",
)


def asked(random_: random.Random) -> str:
    """A condition on a column, with a constant near its values."""
    number = random_.randrange(-2, PARTS * 10 + 2)
    near = row(number)
    column = random_.choice("NADMS")
    value = near[column]
    text = str(value) if column in "NA" else f"'{value}'"
    other = row(number + random_.randrange(12))[column]
    return random_.choice(
        [
            f"t.{column} {random_.choice(['=', '<', '<=', '>', '>='])} {text}",
            f"{text} {random_.choice(['=', '<', '<=', '>', '>='])} t.{column}",
            f"t.{column} between {text} and {other if column in 'NA' else repr(str(other))}",
            f"t.{column} in ({text}, {other if column in 'NA' else repr(str(other))})",
        ]
    )


@pytest.mark.parametrize(("seed", "times"), [(1, 40), pytest.param(2, 3000, marks=pytest.mark.slow)])
def test_with_bounds_and_without_the_answer_is_the_same(parts: Parts, seed: int, times: int) -> None:
    random_ = random.Random(seed)
    fewer = 0
    for _ in range(times):
        where = " and ".join(asked(random_) for _ in range(random_.randrange(1, 3)))
        query = random_.choice(JOINS).format(where)
        found, blind = parts.both(query)
        assert found == blind, query
        fewer += len(parts.read(query)) < PARTS
    assert fewer > times // 3


@pytest.mark.parametrize(
    "text", ["FLOAT", "BOOLEAN", "TIME", "BINARY", "VARIANT", "TIMESTAMP_LTZ(9)", "TIMESTAMP_TZ(9)"]
)
def test_of_what_compares_otherwise_no_bounds_are_kept(text: str) -> None:
    assert bounds.sort_of(parse_type(text)) is None


def test_bounds_are_kept_as_text_and_read_back(parts: Parts) -> None:
    first, nulls = parts.sources[("T",)].bounds["P0"], parts.sources[("T",)].bounds[f"P{PARTS}"]
    assert bounds.of_column(first, "N", "number") == bounds.Range(Decimal(0), Decimal(9))
    assert bounds.of_column(first, "A", "number") == bounds.Range(Decimal(0), Decimal("2.25"))
    assert bounds.of_column(first, "D", "date") == bounds.Range(datetime(2024, 1, 1), datetime(2024, 1, 1))
    assert bounds.of_column(first, "S", "text") == bounds.Range("k001", LONG[:32], cut=True)
    assert bounds.of_column(first, "F", "number") is None
    assert bounds.of_column(nulls, "N", "number") == bounds.Range(None, None)


@pytest.mark.attack
@pytest.mark.parametrize(
    "forged",
    [
        "[]",
        '{"OTHER":["1","2"]}',
        '{"N":["1"]}',
        '{"N":["1","2",true]}',
        '{"N":[1,2]}',
        '{"N":["1e400","2"]}',
        '{"N":["' + "9" * 40 + '","2"]}',
        '{"D":["2024-13-01","2024-01-01"]}',
        '{"S":["a","' + "b" * 40 + '"]}',
        '{"S":["\\ud800","b"]}',
        '{"F":["1","2"]}',
        "{" * 100_000,
        '{"S":["a","b"],' + " " * (64 << 10) + "}",
    ],
)  # fmt: skip
def test_bounds_that_a_worker_makes_up_are_no_bounds(forged: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        bounds.checked(forged, [(name, parse_type(text)) for name, text in COLUMNS])
