"""RESULT_SCAN: a session's own kept results, and nobody else's."""

from __future__ import annotations

import secrets
import uuid

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.queries.answers import outcome_of
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
    monkeypatch.setattr(result_scan, "MAX_KEPT_BYTES", 10)
    assert kept_rows(rows) == {}
    with pytest.raises(SqlError, match="RESULT_SCAN inside of another query, of PUT, GET"):
        alpha.rows(count(recorded(alpha, rows, text="{}")))


def selected(client: Client, text: str) -> str:
    """The id of a SELECT of this session, recorded with its spooled result as the front does."""
    query_id = str(uuid.uuid4())
    client.storage.queries.start(query_id, client.session.id, None, "hash")
    outcome = outcome_of(client.result(text, query_id=query_id), client.session, client.storage)
    client.storage.queries.finish(query_id, outcome.response, outcome.spool)
    return query_id


def test_a_selects_rows_are_a_relation_with_their_types(alpha: Client, alpha_again: Client) -> None:
    """functions/result_scan: the result of a statement is a table. Each type comes back as what it was."""
    alpha.result("ALTER SESSION SET TIMEZONE = 'Europe/Berlin'")
    values = """1 AS n, -12.50::NUMBER(10, 2) AS d, 1.5::FLOAT AS f, 'x' AS t, TRUE AS b, '2024-02-29'::DATE AS day,
        '10:11:12.5'::TIME AS clock, '2024-01-01 10:00:00.25'::TIMESTAMP_NTZ AS ntz,
        '2024-01-01 10:00:00'::TIMESTAMP_LTZ AS ltz, '1960-01-01 10:00:00 +0530'::TIMESTAMP_TZ AS tz,
        '0aff'::BINARY AS raw, NULL::NUMBER(5, 1) AS missing, 12345678901234567890123456789012345678 AS wide"""
    alpha.result(f"CREATE TABLE v AS SELECT {values} UNION ALL SELECT {', '.join(['NULL'] * 13)}")
    query_id = selected(alpha, "SELECT * FROM v")
    scan = f"TABLE(RESULT_SCAN('{query_id}'))"
    assert alpha.rows(f"SELECT count(*), count(n), count(ltz), count(tz) FROM {scan}") == [(2, 1, 1, 1)]
    # EXCEPT compares NULLs and values by their types.
    assert alpha.rows(f"SELECT * FROM {scan} EXCEPT SELECT * FROM v") == []
    assert alpha.rows(f"SELECT * FROM v EXCEPT SELECT * FROM {scan}") == []
    assert alpha.rows(f"SELECT n + 1, d, tz::VARCHAR FROM {scan} WHERE n = 1") == alpha.rows(
        "SELECT n + 1, d, tz::VARCHAR FROM v WHERE n = 1"
    )
    none = selected(alpha, "SELECT 1 AS a WHERE FALSE")
    assert alpha.rows(f"SELECT count(*) FROM TABLE(RESULT_SCAN('{none}'))") == [(0,)]
    variant = selected(alpha, "SELECT PARSE_JSON('1') AS v")
    with pytest.raises(SqlError, match="VARIANT"):
        alpha.result(f"SELECT 1 FROM TABLE(RESULT_SCAN('{variant}')) AS x")
    with pytest.raises(SqlError, match="does not exist"):
        alpha_again.result(f"SELECT count(*) FROM {scan}")


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
