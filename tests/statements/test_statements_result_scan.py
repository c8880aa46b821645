"""RESULT_SCAN: a session's own kept results, and nobody else's."""

from __future__ import annotations

import secrets

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.catalog import ContextValues, Source
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import result_scan
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.result_scan import JobCatalog, kept_rows
from cleanroom_ml.engine.statements.results import encode
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox


class Empty:
    """The catalog of a room that has nothing in it."""

    def source(self, parts: tuple[str, ...]) -> Source | None:
        return None

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        raise SqlError.not_found(kind, ".".join(parts))

    def context(self) -> ContextValues:
        return ContextValues("ALPHA", "ALPHA_USER", "PUBLIC")


def recorded(client: Client, rows: Rows, *, text: str | None = None) -> str:
    """The id of a statement of this session that gave `rows`, as the front records it."""
    query_id = secrets.token_hex(16)
    client.storage.queries.start(query_id, client.session.id, None, "hash")
    client.storage.queries.finish(query_id, text or encode(rows))
    return query_id


def shown(client: Client) -> Rows:
    client.result("CREATE TABLE IF NOT EXISTS t (a INT)")
    rows = client.result("SHOW TABLES")
    assert isinstance(rows, Rows)
    return rows


def count(query_id: str) -> str:
    return f"SELECT count(*) FROM (SELECT \"name\" FROM TABLE(RESULT_SCAN('{query_id}')) WHERE \"name\" = 'T')"


def test_what_a_statement_gave_is_a_relation(alpha: Client) -> None:
    query_id = recorded(alpha, shown(alpha))
    assert alpha.rows(count(query_id)) == [(1,)]
    alpha.result(f"CREATE TABLE kept AS SELECT \"name\" AS n FROM TABLE(RESULT_SCAN('{query_id}'))")
    assert ("T",) in alpha.rows("SELECT n FROM kept")


def test_what_is_kept(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = shown(alpha)
    assert kept_rows(rows)["rows"]["columns"][0][0] == rows.columns[0][0]
    assert kept_rows(Rows(rows.columns, rows.rows)) == {}  # a SELECT's
    monkeypatch.setattr(result_scan, "MAX_KEPT_BYTES", 10)
    assert kept_rows(rows) == {}
    with pytest.raises(SqlError, match="write those rows to a table"):
        alpha.rows(count(recorded(alpha, rows, text="{}")))


@pytest.mark.attack
def test_another_session_does_not_see_it(alpha: Client, alpha_again: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    query_id = recorded(alpha, shown(alpha))
    for wanted in (query_id, "no-such-query", "../x"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            alpha_again.rows(count(wanted))
    found = alpha.storage.queries.get(query_id)
    assert found is not None
    with monkeypatch.context() as patch:
        patch.setattr(alpha_again.session, "id", found.session_id)
        assert alpha_again.rows(count(query_id)) == [(1,)]


@pytest.mark.attack
def test_a_view_never_reads_its_readers_results(alpha: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    query_id = recorded(alpha, shown(alpha))
    text = f"CREATE VIEW v AS SELECT \"name\" AS n FROM TABLE(RESULT_SCAN('{query_id}'))"
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        alpha.result(text)
    with monkeypatch.context() as patch:
        patch.setattr(AccountCatalog, "within", lambda self, *_, **__: self)
        alpha.result(text)
        assert ("T",) in alpha.rows("SELECT n FROM v")
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        alpha.rows("SELECT n FROM v")


@pytest.mark.attack
def test_a_job_reads_its_own_and_a_template_none(storage: Storage, warehouse: Warehouse, alpha: Client) -> None:
    rows = shown(alpha)
    session, _ = storage.sessions.create(
        "ALPHA", "ALPHA_USER", kind="job", job_id="j1", database="SFDCR_ROOM", schema="CLEANROOM"
    )
    executor = Executor(storage, warehouse, room_catalogs=lambda _: Empty())
    job = Client(storage, executor, session)
    assert job.rows(count(recorded(job, rows))) == [(1,)]
    callers = recorded(alpha, rows)
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        job.rows(count(callers))
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        in_template(executor, Empty(), alpha.session, count(callers))
    # With a job's catalog, which a template is never given, it would have been read.
    in_template(executor, JobCatalog(Empty(), storage, alpha.session), alpha.session, count(callers))


def in_template(executor: Executor, catalog: Empty | JobCatalog, session: Session, text: str) -> None:
    executor.execute_in(catalog, session, text, None, secrets.token_hex(16))
