"""Rows into tables of the real engine: appended, replaced, created, and never half."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Row, Session

from cleanroom_ml.runtime.raydata.loading import TableUnavailableError, Target, load, require_table
from cleanroom_ml.runtime.raydata.parts import write_parts
from cleanroom_ml.runtime.raydata.rows import plain


@pytest.fixture(scope="module")
def session(make_account: Any) -> Iterator[Session]:
    given = make_account("raytables")
    with snowflake.connector.connect(**given) as connection:
        connection.cursor().execute("CREATE DATABASE D")
    with Session.builder.configs({**given, "database": "D", "schema": "PUBLIC"}).create() as session:
        yield session


@pytest.fixture
def put(session: Session, tmp_path: Path) -> Any:
    def put(name: str, *tables: dict[str, Any], create: bool = False, replace: bool = False, schema: Any = None) -> int:
        parts = [part for table in tables for part in write_parts([plain(pa.table(table))], tmp_path)]
        return load(session, Target(tuple(name.split(".")), create, replace), parts, schema)

    return put


def rows(session: Session, name: str) -> list[Row]:
    return sorted(session.table(name).collect(), key=repr)


def test_appended_and_replaced(session: Session, put: Any) -> None:
    assert put("D.PUBLIC.GROWS", {"A": [1, 2], "t": ["x", None]}, create=True) == 2
    assert put("GROWS", {"A": [3]}, create=True) == 1
    assert put("PUBLIC.GROWS", {"t": ["y"], "a": [4]}) == 1
    assert rows(session, "GROWS") == [Row(A=1, t="x"), Row(A=2, t=None), Row(A=3, t=None), Row(A=4, t="y")]
    assert put("GROWS", {"A": [9]}, replace=True) == 1
    assert rows(session, "GROWS") == [Row(A=9, t=None)]
    assert put("GROWS", {"other": [0.5]}, {"other": [1], "list": [[1, 2]]}, create=True, replace=True) == 2
    assert rows(session, "GROWS") == [Row(other=0.5, list=None), Row(other=1.0, list="[\n  1,\n  2\n]")]


def test_nothing_to_load(session: Session, put: Any) -> None:
    put("EMPTIED", {"A": [1]}, create=True)
    assert put("EMPTIED") == 0
    assert len(rows(session, "EMPTIED")) == 1
    assert put("EMPTIED", replace=True) == 0
    assert rows(session, "EMPTIED") == []
    assert put("EMPTY", create=True, schema=pa.schema([("A", pa.int64())])) == 0
    assert session.table("EMPTY").columns == ["A"]
    with pytest.raises(TableUnavailableError, match="empty and has no columns"):
        put("NEVER", create=True)


def test_what_cannot_be_written_is_said_and_leaves_the_table(session: Session, put: Any) -> None:
    put("KEPT", {"A": [1]}, create=True)
    with pytest.raises(TableUnavailableError, match=r"has no column B; it has A\. Rename columns"):
        put("KEPT", {"A": [2], "B": [3]}, replace=True)
    with pytest.raises(ProgrammingError):
        put("KEPT", {"A": ["no number"]}, replace=True)
    with pytest.raises(TableUnavailableError, match=r"(?s)cannot write the table D\.NOPE\.T .*CLEANROOM\.<table>"):
        put("D.NOPE.T", {"A": [1]}, create=True)
    with pytest.raises(TableUnavailableError, match="auto_create_table=True makes it"):
        require_table(session, Target(("MISSING",), create=False, replace=True))
    require_table(session, Target(("MISSING",), create=True, replace=False))
    assert rows(session, "KEPT") == [Row(A=1)]


def test_nothing_is_left_beside_the_table(session: Session, put: Any) -> None:
    put("ALONE", {"A": [1]}, create=True)
    with session.connection.cursor() as cursor:
        names = [str(row[1]) for row in cursor.execute("SHOW TABLES").fetchall()]
        stages = cursor.execute("SHOW STAGES").fetchall()
    assert "ALONE" in names
    assert not [name for name in names if name.startswith("RAY_")]
    assert stages == []
