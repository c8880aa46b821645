"""Recursive queries over tables come to their end, with whatever threads the worker has."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from test_warehouse import Names, Store

from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox
COLUMNS = (("ID", parse_type("INT")), ("G", parse_type("INT")))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_recursive_query_that_joins_a_table_ends(threads: int, tmp_path: Path) -> None:
    """DuckDB waited for its own readers, of which there were none: always with one thread, now and then with two."""
    store, names = Store(tmp_path / "objects"), Names()
    with closing(Warehouse(store, tmp_path / "spool", size=1, threads=threads)) as warehouse:  # type: ignore[arg-type]
        rows = "select column1 as id, column2 as g from values (1, 2), (2, 3), (3, null)"
        written = warehouse.write(compile_query(rows, names), COLUMNS, query_id="t")  # type: ignore[arg-type]
        assert written.sha256 is not None
        names.tables["E"] = TableSource(COLUMNS, (written.sha256,), True)
        walked = "with recursive r (n) as (select 1 union all select e.g from r join e on r.n = e.id) select n from r"
        found = warehouse.rows(compile_query(walked, names), query_id="r", limit=10, timeout=20.0)
        assert sorted(found[1], key=str) == [(1,), (2,), (3,), (None,)]
