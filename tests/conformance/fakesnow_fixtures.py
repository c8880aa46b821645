"""The fixtures that fakesnow's own tests ask for, with the engine behind them: a new account for each test.

suites.py puts this file in the place of the suite's own conftest.py. fakesnow makes the database and the schema that
a client connects to; Snowflake does not, so they are made before.
"""

from __future__ import annotations

import sys
import types
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector

from cleanroom_ml.local import accounts

sys.modules["mypy_boto3_s3"] = stubs = types.ModuleType("mypy_boto3_s3")
stubs.S3Client = object  # type: ignore[attr-defined]  # what its tests of S3 name as a type

CONNECT = snowflake.connector.connect


@pytest.fixture
def account() -> dict[str, Any]:
    made = accounts.create(f"T{uuid.uuid4().hex[:20]}")
    return dict(accounts.connections()[made.connection])


def _make(account: dict[str, Any], database: str | None, schema: str | None) -> None:
    with CONNECT(**account) as connection:
        cursor = connection.cursor()
        if database:
            cursor.execute(f"create database if not exists {database}")
            if schema:
                cursor.execute(f"create schema if not exists {database}.{schema}")


def _connect_to(account: dict[str, Any], *, create: bool) -> Any:
    def connect(**arguments: Any) -> Any:
        if create and arguments.get("host") != account["host"]:
            _make(account, arguments.get("database"), arguments.get("schema"))
        ours = {} if arguments.get("host") == account["host"] else account
        return CONNECT(**{**arguments, **ours})

    return connect


@pytest.fixture
def _fakesnow(account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snowflake.connector, "connect", _connect_to(account, create=True))


@pytest.fixture
def _fakesnow_no_auto_create(account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snowflake.connector, "connect", _connect_to(account, create=False))


@pytest.fixture
def server(account: dict[str, Any]) -> dict[str, Any]:
    _make(account, "db1", "schema1")
    return {**account, "session_parameters": {}}


@pytest.fixture
def conn(_fakesnow: None) -> Iterator[Any]:
    with snowflake.connector.connect(database="db1", schema="schema1") as connection:
        yield connection


@pytest.fixture
def sconn(conn: Any) -> Any:
    return conn


@pytest.fixture
def cur(conn: Any) -> Iterator[Any]:
    with conn.cursor() as cursor:
        yield cursor


@pytest.fixture
def scur(cur: Any) -> Any:
    return cur


@pytest.fixture
def dcur(conn: Any) -> Iterator[Any]:
    with conn.cursor(snowflake.connector.cursor.DictCursor) as cursor:
        yield cursor


@pytest.fixture
def sdcur(dcur: Any) -> Any:
    return dcur


@pytest.fixture
def snowflake_engine(_fakesnow: None) -> Any:
    from sqlalchemy.engine import create_engine

    _ = _fakesnow
    return create_engine("snowflake://user:password@account/db1/schema1")
