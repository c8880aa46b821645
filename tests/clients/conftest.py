"""One account, and one connection and Snowpark session of it, for all tests of this directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector import SnowflakeConnection
from snowflake.snowpark import Session

MakeAccount = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def settings(make_account: MakeAccount) -> dict[str, Any]:
    """How to connect to the account."""
    return make_account("clients")


@pytest.fixture(scope="session")
def client(settings: dict[str, Any]) -> Iterator[SnowflakeConnection]:
    with snowflake.connector.connect(**settings, paramstyle="qmark") as opened:
        opened.cursor().execute("CREATE DATABASE IF NOT EXISTS clients_db")
        opened.cursor().execute("USE SCHEMA clients_db.public")
        yield opened


@pytest.fixture(scope="session")
def session(client: SnowflakeConnection) -> Session:
    return Session.builder.configs({"connection": client}).create()
