"""Which statements the process of a worker may go on with: those that one session sends, until anything changes."""

from __future__ import annotations

from typing import Any

import pytest
from statements_client import Client
from test_statements_rooms import Room

from cleanroom_ml.engine.contracts.kept import Kept
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox


@pytest.fixture
def given(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> list[Kept | None]:
    """What each query was given."""
    found: list[Kept | None] = []
    query = warehouse.query

    def noted(*given: Any, keep: Kept | None = None, **options: Any) -> object:
        found.append(keep)
        return query(*given, keep=keep, **options)

    monkeypatch.setattr(warehouse, "query", noted)
    return found


def test_a_sessions_own_queries_until_something_changes(
    alpha: Client, alpha_again: Client, beta: Client, storage: Storage, given: list[Kept | None]
) -> None:
    for client in (alpha, alpha, alpha_again, beta, alpha):
        assert client.rows("select 1") == [(1,)]
    assert given[0] == given[1] == given[4]
    assert given[0] is not None
    assert len({given[0], given[2], given[3]}) == 3, "each session has its own"
    alpha.rows("create or replace table t as select 1 as a")
    alpha.rows("select a from t")
    assert given[-1] != given[0], "a table is another"
    before = given[-1]
    beta.rows("create role somebody")
    alpha.rows("select a from t")
    assert given[-1] != before, "whoever changed something"
    before = given[-1]
    alpha.session.role = "PUBLIC"
    alpha.rows("select 1")
    assert given[-1] != before, "it uses another role"
    alpha.session.role = "ACCOUNTADMIN"


def test_what_is_sent_for_others_is_never_gone_on_with(
    alpha: Client, storage: Storage, executor: Executor, given: list[Kept | None]
) -> None:
    """A block's statements, and what a template sends in a session's name."""
    alpha.rows("begin let r resultset := (select 2); return table(r); end")
    executor.execute_in(Room(storage, alpha.session), alpha.session, "select 1 as a", None, "q1")  # type: ignore[arg-type]
    assert set(given) == {None}


def test_while_a_change_is_being_committed_nothing_is(
    alpha: Client, storage: Storage, given: list[Kept | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.database, "changes", storage.database.changes + 1)
    alpha.rows("select 1")
    assert given == [None]
