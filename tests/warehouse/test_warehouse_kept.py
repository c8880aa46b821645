"""DuckDB that goes on with the queries of one session: each reads what it was handed, and nothing of those before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest
from test_warehouse import Names, Store

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox
ANN = Kept("ann", 1)
COLUMNS = (("A", parse_type("INT")),)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("kept") / "objects")


@pytest.fixture(scope="module")
def started(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    made = Warehouse(store, tmp_path_factory.mktemp("spool") / "results")  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture(scope="module")
def names(started: Warehouse) -> Names:
    """Tables T0 to T4, each with its own number in it."""
    found = Names()
    for number in range(5):
        query = compile_query(f"select {number} as a", found)  # type: ignore[arg-type]
        written = started.write(query, COLUMNS, query_id=f"t{number}")
        assert written.sha256 is not None
        found.tables[f"T{number}"] = TableSource(COLUMNS, (written.sha256,), True)
    return found


@pytest.fixture
def warehouse(started: Warehouse) -> Warehouse:
    started.forget("ann")
    return started


def values(warehouse: Warehouse, compiled: Compiled, keep: Kept | None = ANN) -> list[object]:
    result = warehouse.query(compiled, query_id="kept", keep=keep)
    data = result.path.read_bytes()
    parts = [
        pa.ipc.open_stream(data[batch.offset : batch.offset + batch.length]).read_all() for batch in result.batches
    ]
    return [value for part in parts for value in part.column(0).to_pylist()]


def is_kept(warehouse: Warehouse) -> bool:
    return any(each.kept is not None for each in warehouse._workers._idle)


def raw(sql: str, *inputs: str) -> Compiled:
    return Compiled(sql, inputs, "token")


def test_many_queries_of_a_session_read_each_its_own_tables(warehouse: Warehouse, names: Names) -> None:
    """More than one process has numbers for: none of them is given twice."""
    for turn in range(90):
        number = turn % 5
        assert values(warehouse, compile_query(f"select a from t{number}", names)) == [number]  # type: ignore[arg-type]
    assert is_kept(warehouse)
    every = " union all ".join(f"select a from t{number}" for number in range(5))
    assert sorted(values(warehouse, compile_query(every, names))) == [0, 1, 2, 3, 4]  # type: ignore[arg-type,type-var]


@pytest.mark.attack
def test_what_a_query_was_handed_is_gone_for_the_next(warehouse: Warehouse, names: Names) -> None:
    """SQL that no resolver looked at, as if that had an error."""
    table = names.tables["T3"].objects[0]
    reads = "SELECT A FROM read_parquet('{}')"
    assert values(warehouse, raw(reads.format("token:0:"), table)) == [3]
    assert is_kept(warehouse)
    for number in (*range(3, 12), *range(1000, 1004)):
        with pytest.raises(SqlError):
            values(warehouse, raw(reads.format(f"/proc/self/fd/{number}")))
        values(warehouse, raw(reads.format("token:0:"), table))  # and it is kept again
    assert values(warehouse, raw("SELECT CAST(count(*) AS INTEGER) FROM duckdb_tables() WHERE NOT internal")) == [0]


@pytest.mark.attack
@pytest.mark.parametrize(
    "sql",
    ["SET lock_configuration = false", "SET allowed_paths = ['/etc/passwd']", "SET enable_external_access = true"],
)
def test_nobody_widens_what_the_next_may_read(warehouse: Warehouse, sql: str) -> None:
    values(warehouse, raw("SELECT 1"))
    with pytest.raises(SqlError):
        values(warehouse, raw(sql))
    assert not is_kept(warehouse), "what failed ends"


def test_what_changes_more_than_its_own_result_is_not_gone_on_with(warehouse: Warehouse, names: Names) -> None:
    one = compile_query("select 1", names)  # type: ignore[arg-type]
    assert values(warehouse, one, None) == [1]
    assert not is_kept(warehouse), "unless it is to be"
    values(warehouse, one)
    assert is_kept(warehouse)
    local = "SELECT CAST(extract(hour FROM TIMESTAMP '2020-01-01 00:00:00'::TIMESTAMPTZ AT TIME ZONE 'UTC') AS INTEGER)"
    assert values(warehouse, replace(raw(local), zone="Asia/Tokyo")) == [15]
    assert values(warehouse, raw(local)) == [0]
    described = warehouse.describe(raw("SELECT 1 AS a"), query_id="described", keep=ANN)
    assert [column.name for column in described] == ["a"]
    assert is_kept(warehouse)
    many = raw("SELECT range AS a FROM range(100000)")
    assert len(values(warehouse, many)) == 100_000
    assert not is_kept(warehouse), "its memory is given back"
