"""Sessions of jobs and rooms: what is not allowed is refused, and what is allowed stays in the room."""

from __future__ import annotations

import dataclasses

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.catalog import ContextValues, Source
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.kinds import copy_into
from cleanroom_ml.engine.statements.results import Upload
from cleanroom_ml.engine.statements.table_sources import table_source
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse

REFUSED = (
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.RUN('x', 'y')",
    "GRANT USAGE ON WAREHOUSE compute_wh TO APPLICATION sfdcr_room",
    "CREATE DATABASE d",
    "CREATE SCHEMA s",
    "CREATE WAREHOUSE w",
    "CREATE COMPUTE POOL p MIN_NODES = 1 MAX_NODES = 1 INSTANCE_FAMILY = CPU_X64_XS",
    "CREATE VIEW v AS SELECT 1 AS a",
    "CREATE STAGE permanent",
    "CREATE FILE FORMAT permanent TYPE = CSV",
    "DROP DATABASE alpha_db",
    "DROP SCHEMA cleanroom",
    "DROP WAREHOUSE compute_wh",
    "DROP VIEW v",
    "ALTER STAGE s REFRESH",
    "ALTER WAREHOUSE compute_wh SUSPEND",
    "DESCRIBE APPLICATION sfdcr_room",
    "DESCRIBE DATABASE alpha_db",
    "USE ROLE accountadmin",
    "USE WAREHOUSE compute_wh",
    "SHOW DATABASES",
    "SHOW WAREHOUSES",
    "SHOW GRANTS",
    "SHOW APPLICATIONS",
)


class Room:
    """The catalog of a room, as narrow as the real one."""

    def __init__(self, storage: Storage, session: Session) -> None:
        self._storage = storage
        self._session = session

    def source(self, parts: tuple[str, ...]) -> Source | None:
        try:
            table = self._storage.tables.get(self.target(parts, "TABLE"), self._session.id)
        except SqlError:
            return None
        return None if table is None else table_source(table)

    def target(self, parts: tuple[str, ...], kind: str) -> Key:
        place = ("SFDCR_ROOM", "CLEANROOM")[: 3 - len(parts)] + parts if len(parts) != 2 else ("SFDCR_ROOM", *parts)
        if place[:2] != ("SFDCR_ROOM", "CLEANROOM"):
            raise SqlError.not_found(kind, ".".join(parts))
        return Key("ALPHA", *place)

    def context(self) -> ContextValues:
        return ContextValues("ALPHA", "ALPHA_USER", "PUBLIC", session_id=self._session.id)


@pytest.fixture
def job(storage: Storage, warehouse: Warehouse) -> Client:
    session, _ = storage.sessions.create(
        "ALPHA", "ALPHA_USER", kind="job", job_id="j1", database="SFDCR_ROOM", schema="CLEANROOM"
    )
    executor = Executor(storage, warehouse, room_catalogs=lambda session: Room(storage, session))
    return Client(storage, executor, session)


@pytest.mark.attack
def test_what_a_job_may_not_send(job: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in REFUSED:
        with pytest.raises(SqlError, match="in a clean room"):
            job.result(text)
    with monkeypatch.context() as patch:
        patch.setattr(policy, "check", lambda statement, *, restricted: None)
        job.result("CREATE DATABASE d")
    assert "D" in [each.name for each in job.storage.namespaces.databases("ALPHA")]


@pytest.mark.attack
def test_a_block_gives_no_more_rights(job: Client) -> None:
    with pytest.raises(SqlError, match="in a clean room"):
        job.result("BEGIN CREATE DATABASE d; END")


@pytest.mark.attack
def test_a_room_session_without_a_room_is_refused(storage: Storage, warehouse: Warehouse, job: Client) -> None:
    with pytest.raises(SqlError, match="Unsupported feature"):
        Client(storage, Executor(storage, warehouse), job.session).result("SHOW TABLES")


@pytest.mark.attack
def test_the_accounts_own_tables_and_stages_are_out_of_reach(job: Client, alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a INT)")
    alpha.result("CREATE STAGE s")
    for text in (
        "SELECT * FROM alpha_db.public.t",
        "INSERT INTO alpha_db.public.t VALUES (1)",
        "DROP TABLE alpha_db.public.t",
        "CREATE TABLE alpha_db.public.u (a INT)",
        "ALTER TABLE alpha_db.public.t RENAME TO stolen",
        "DESCRIBE TABLE alpha_db.public.t",
        "SHOW TABLES IN SCHEMA alpha_db.public",
        "SHOW TABLES IN DATABASE alpha_db",
        "USE SCHEMA alpha_db.public",
        "USE DATABASE alpha_db",
        "PUT file:///tmp/x @alpha_db.public.s",
        "GET @alpha_db.public.s file:///tmp/",
        "LIST @alpha_db.public.s",
        "LIST @~",
        "GET @~ file:///tmp/",
    ):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            job.result(text)


def test_a_permanent_stage_of_the_room_is_not_a_jobs(job: Client, storage: Storage) -> None:
    storage.stages.create(Key("ALPHA", "SFDCR_ROOM", "CLEANROOM", "S"))
    for text in ("PUT file:///tmp/x @s", "GET @s file:///tmp/"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            job.result(text)
    job.result("CREATE TEMPORARY STAGE s")
    sent = job.result("PUT file:///tmp/x @s")
    assert isinstance(sent, Upload)
    assert sent.session_id == job.session.id


def test_what_a_job_lists_is_its_rooms(job: Client, alpha: Client) -> None:
    alpha.result("CREATE TABLE mine (a INT)")
    job.result("CREATE TABLE cleanroom.scores (a INT)")
    assert [row["name"] for row in job.dicts("SHOW TABLES")] == ["SCORES"]
    assert [row["name"] for row in job.dicts("SHOW TABLES IN ACCOUNT")] == ["SCORES"]
    job.result("USE SCHEMA cleanroom")
    assert (job.session.database, job.session.schema) == ("SFDCR_ROOM", "CLEANROOM")


@pytest.mark.sandbox
def test_execute_in_is_a_rooms_whoever_asks(alpha: Client, storage: Storage, executor: Executor) -> None:
    room = Room(storage, alpha.session)
    executor.execute_in(room, alpha.session, "CREATE TABLE cleanroom.t AS SELECT 1 AS a", None, "q1")
    assert storage.tables.get(Key("ALPHA", "SFDCR_ROOM", "CLEANROOM", "T")) is not None
    with pytest.raises(SqlError, match="in a clean room"):
        executor.execute_in(room, alpha.session, "CREATE DATABASE d", None, "q2")


@pytest.mark.attack
def test_a_file_that_does_not_fit_is_told_without_its_values(job: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room's files may be of somebody else's rows: its place and its column are told, what stands there is not."""
    job.result("CREATE TEMPORARY STAGE s")
    job.put("S", "bad.csv", b"1,secret-of-ann\nsecret-of-ben,2\n", session_id=job.session.id)
    job.result("CREATE TABLE t (id INT, name VARCHAR(3))")
    copy = "COPY INTO t FROM @s FILE_FORMAT = (TYPE = CSV)"
    with pytest.raises(SqlError) as told:
        job.result(copy)
    assert "File 's/bad.csv', line 1" in told.value.message
    assert "secret" not in told.value.message
    really = copy_into.misfits
    monkeypatch.setattr(
        copy_into, "misfits", lambda work, *rest: really(dataclasses.replace(work, restricted=False), *rest)
    )
    with pytest.raises(SqlError, match="secret-of-ann"):
        job.result(copy)
