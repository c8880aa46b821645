"""The CALL surface: what is no procedure, has other arguments or is not built says so, and asks nothing of a room."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cleanroom_ml.engine.assembly.engine import Engine
from cleanroom_ml.engine.assembly.procedures import (
    DATABASE,
    NOT_BUILT,
    OWN_DATABASE,
    PROCEDURES,
    ProcedureTable,
    RoomApplications,
    StatementRunner,
)
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.storage.sessions import Session

pytestmark = pytest.mark.sandbox


@pytest.fixture
def session(engine: Engine) -> Session:
    return engine.storage.sessions.create("ACME", "ANA")[0]


@pytest.fixture
def table(engine: Engine) -> ProcedureTable:
    return ProcedureTable(engine.rooms)


@pytest.mark.parametrize(
    ("name", "args", "code", "says"),
    [
        (("NO_SUCH",), (), 2140, "Unknown function NO_SUCH"),
        (("LIBRARY", "APPLY_PATCH"), (), 2140, "Unknown function LIBRARY.APPLY_PATCH"),
        (("ELSEWHERE", "COLLABORATION", "JOIN"), ("x",), 2140, "Unknown function ELSEWHERE.COLLABORATION.JOIN"),
        ((DATABASE, "JOBS", "LIST"), ("x",), 2140, "Unknown function"),
        ((OWN_DATABASE, "COLLABORATION", "JOIN"), ("x",), 2140, "Unknown function"),
        ((DATABASE, "COLLABORATION", "JOIN"), (), 938, "COLLABORATION.JOIN takes 1 arguments, got 0"),
        ((DATABASE, "COLLABORATION", "RUN"), ("x",), 938, "COLLABORATION.RUN takes 2 to 5 arguments, got 1"),
        ((DATABASE, "REGISTRY", "REGISTER_STANDARD_DCR_TEMPLATES"), (), 2, "does not support REGISTRY.REGISTER_ST"),
    ],
)  # fmt: skip
def test_what_cannot_be_called_is_said_by_name(
    session: Session, name: tuple[str, ...], args: tuple[object, ...], code: int, says: str
) -> None:
    """The numbers: docs/api-digest.md §7. There is no room here that could be asked."""
    nothing: Rooms = None  # type: ignore[assignment]
    with pytest.raises(SqlError) as refused:
        ProcedureTable(nothing).call(session, name, args, query_id="q")
    assert refused.value.code == code
    assert says in refused.value.message


def test_a_name_is_completed_by_the_sessions_database_and_schema(table: ProcedureTable, session: Session) -> None:
    """sql-reference/name-resolution."""
    whole = table.call(session, (DATABASE, "LIBRARY", "APPLY_PATCH"), (), query_id="q")
    inside = replace(session, database=DATABASE, schema="LIBRARY")
    assert table.call(inside, ("APPLY_PATCH",), (), query_id="q") == whole
    assert table.call(inside, ("LIBRARY", "APPLY_PATCH"), (), query_id="q") == whole
    assert isinstance(whole, Rows)
    assert "is installed" in str(whole.rows[0][0])


def test_every_procedure_that_is_built_is_listed_and_none_that_is_not(table: ProcedureTable) -> None:
    listed = {(each.database, each.schema, each.name) for each in table.known()}
    assert {database for database, _, _ in listed} == {DATABASE, OWN_DATABASE}
    assert len(listed) == len(list(table.known())) > sum(map(len, PROCEDURES.values()))
    for schema, names in NOT_BUILT.items():
        for name, why in names.items():
            assert (DATABASE, schema, name) not in listed
            assert why


def test_an_image_that_is_gone_is_told_and_not_taken_for_another(table: ProcedureTable, session: Session) -> None:
    given = ("nobody's", "sha256:" + "0" * 64)
    found = table.call(session, (OWN_DATABASE, "IMAGES", "COMPARE"), given, query_id="q")
    assert isinstance(found, Rows)
    assert json.loads(str(found.rows[0][0])) == {"kept": False, "now_tag": "nobody's", "now": "", "differences": []}


@pytest.mark.attack
def test_what_the_pools_refuse_is_the_clean_rooms_error_and_tells_nothing_more(
    engine: Engine, table: ProcedureTable, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ComputePoolError("no such pool", why="/home/of/the/engine")

    monkeypatch.setattr(engine.rooms.environments, "drift", refuse)
    with pytest.raises(SqlError) as refused:
        table.call(session, (OWN_DATABASE, "IMAGES", "COMPARE"), (None, "x"), query_id="q")
    assert refused.value.message == "ComputePoolError: no such pool"


def test_applications_are_shown_by_a_pattern_in_any_case(engine: Engine, session: Session) -> None:
    """sql-reference/sql/show-applications: LIKE is not case-sensitive."""
    engine.storage.namespaces.create_database("ACME", "SFDCR_SHOWN", "application", if_exists="ignore")
    applications = RoomApplications(engine.rooms)
    everything = applications.show(session)
    assert list(applications.show(session, "%").rows) == list(everything.rows)
    assert not applications.show(session, "no such%").rows
    for row in everything.rows:
        assert row in applications.show(session, str(row[1]).lower()).rows
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        applications.describe(session, "NO_SUCH")


@pytest.mark.parametrize(
    ("rows", "value"), [((("a",),), "a"), ((), None), ((("a",), ("b",)), None), ((("a", "b"),), None)]
)
def test_a_block_returns_one_value_or_none(
    engine: Engine, rows: tuple[tuple[str, ...], ...], value: str | None
) -> None:
    runner = StatementRunner(engine.storage, engine.warehouse)
    columns = tuple((name, SqlType("VARCHAR")) for name in "AB"[: len(rows[0]) if rows else 1])
    assert runner.returned(Rows(columns, rows)) == value
    assert runner.returned("no rows") is None
