"""A run is its own: its caller's session changes nothing in it, and it changes nothing there.

What leaves a room is what the run's own statements made.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rooms_world import Party, World, records
from test_rooms_activation import rows, spec
from test_rooms_runs import JOB, VIEW, give, refused, run
from test_rooms_runs import approved as approved

from cleanroom_ml.engine.rooms import run_tables, runs
from cleanroom_ml.engine.rooms.catalog import RoomCatalog
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements import executor
from cleanroom_ml.engine.storage.storage import Storage

pytestmark = pytest.mark.sandbox

SPEND = """BEGIN
  INSERT INTO cleanroom.spent SELECT 1 AS N;
  RETURN 'spent';
END;"""
AUDIENCE = """BEGIN
  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS
    SELECT p.CITY AS TOWN FROM IDENTIFIER({{ source_table[0] }}) AS p;
  RETURN 'best';
END;"""


@pytest.fixture
def budget(joined: World) -> World:
    give(joined, "BEGIN\n  CREATE TABLE cleanroom.spent (N INT);\n  RETURN 'made';\nEND;", name="make")
    give(joined, SPEND, name="spend")
    give(joined, "SELECT COUNT(*) AS N FROM cleanroom.spent", name="count")
    run(joined, name="make_v1")
    return joined


def spent(world: World) -> int:
    return int(run(world, name="count_v1")[0]["N"])


@contextmanager
def in_the_callers_session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control taken away: a run in its caller's own session, as it once was."""

    @contextmanager
    def opened(storage: Storage, caller: Any) -> Iterator[runs.Run]:
        with run_tables.RunTables(storage, caller.id) as tables:
            yield runs.Run(caller, tables)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "opened", opened)
        execute = executor.Executor.execute_in
        unwatched = lambda self, *given, **named: execute(self, *given, **{**named, "written": None})  # noqa: E731
        patch.setattr(executor.Executor, "execute_in", unwatched)
        yield


@pytest.mark.attack
def test_a_callers_transaction_undoes_nothing(budget: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = budget.advertiser
    caller.sql("CREATE TABLE data.public.mine (n INT)")

    def spend(begin: str) -> None:
        caller.sql(begin)
        caller.sql("INSERT INTO data.public.mine VALUES (1)")
        run(budget, name="spend_v1")
        caller.sql("ROLLBACK")
        caller.sql("ALTER SESSION UNSET AUTOCOMMIT")
        assert caller.sql("SELECT COUNT(*) AS N FROM data.public.mine") == [{"N": 0}], "its own it undoes as ever"

    begins = ("BEGIN", "ALTER SESSION SET AUTOCOMMIT = FALSE")
    for number, begin in enumerate(begins):
        spend(begin)
        assert spent(budget) == number + 1
    with in_the_callers_session(monkeypatch):
        spend(begins[0])
    assert spent(budget) == 2, "in the caller's transaction it would have been undone"


@pytest.mark.attack
def test_nothing_of_a_callers_session_reaches_a_run(joined: World) -> None:
    give(
        joined,
        "SELECT CURRENT_ROLE() AS R, CURRENT_WAREHOUSE() AS W, CURRENT_DATABASE() AS D, CURRENT_SCHEMA() AS S,"
        " '2026-01-01 00:00:00'::TIMESTAMP_LTZ::VARCHAR AS T, CURRENT_SESSION() AS I, COUNT(*) AS N, p.city AS \"town\""
        " FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city = {{ city }} GROUP BY p.city",
    )
    caller = joined.advertiser

    def seen() -> list[dict[str, Any]]:
        return [{**row, "I": row["I"] == caller.session.id} for row in run(joined, VIEW, city="Oslo")]

    plain = seen()
    assert plain == [{**plain[0], "I": False, "N": 1, "town": "Oslo"}]
    caller.sql("CREATE WAREHOUSE other_wh")
    caller.sql("CREATE DATABASE other")
    for text in (
        "CREATE ROLE lesser",
        "GRANT ROLE lesser TO USER ann",
        "GRANT USAGE ON DATABASE other TO ROLE lesser",
        "GRANT USAGE ON SCHEMA other.public TO ROLE lesser",
        "CALL samooha_by_snowflake_local_db.admin.grant_privilege_on_object_to_role("
        "'RUN', 'COLLABORATION', 'lookalike', 'lesser')",
        "USE ROLE lesser",
        "USE SCHEMA other.public",
        "ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'",
        "ALTER SESSION SET WEEK_START = 7",
        "ALTER SESSION SET DATE_OUTPUT_FORMAT = 'DD'",
        "ALTER SESSION SET QUERY_TAG = 'x'",
        "ALTER SESSION SET TIMESTAMP_OUTPUT_FORMAT = 'YYYY'",
        "SET CITY = 'Bergen'",
        "SET SOURCE_TABLE = 'x'",
        "CREATE TEMPORARY TABLE other.public.customers (city VARCHAR)",
    ):
        caller.sql(text)
    assert seen() == plain


@pytest.mark.attack
def test_a_callers_variable_is_none_of_a_templates(joined: World) -> None:
    give(joined, "SELECT $threshold AS T")
    joined.advertiser.sql("SET threshold = 0")
    assert "does not exist" in refused(joined.advertiser, "RUN", "lookalike", "t_v1", [VIEW], [], {})


@pytest.mark.attack
def test_what_a_run_made_temporarily_ends_with_it(budget: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An approved template must not leave a table that hides another template's in the same client's session."""
    give(
        budget,
        "BEGIN\n  CREATE OR REPLACE TEMPORARY TABLE cleanroom.spent AS"
        " SELECT 1 AS N FROM TABLE(GENERATOR(ROWCOUNT => 9));\n  RETURN 'hidden';\nEND;",
        name="hide",
    )
    run(budget, name="hide_v1")
    assert spent(budget) == 0
    with in_the_callers_session(monkeypatch):
        run(budget, name="hide_v1")
        assert spent(budget) == 9, "in the caller's session it would have stayed"


def test_a_run_leaves_no_session_and_changes_none(budget: World) -> None:
    caller = budget.advertiser
    kept = budget.storage.sessions.get(caller.session.id)
    before = {session.id for session in budget.storage.sessions.list()}
    run(budget, name="spend_v1")
    give(budget, "BEGIN\n  RETURN 1 / 0;\nEND;", name="broken")
    with pytest.raises(SqlError):
        run(budget, name="broken_v1")
    assert {session.id for session in budget.storage.sessions.list()} == before
    assert budget.storage.sessions.get(caller.session.id) == kept


def test_a_killed_engine_leaves_no_session_of_a_run(world: World) -> None:
    left = world.storage.sessions.open_run("PUBLISHER", "ANN")
    world.rooms.recover()
    assert world.storage.sessions.get(left.id) is None
    assert world.storage.sessions.get(world.publisher.session.id) is not None


def test_a_transaction_that_a_template_leaves_open_is_an_error(budget: World) -> None:
    give(
        budget,
        "BEGIN\n  START TRANSACTION;\n  INSERT INTO cleanroom.spent SELECT 1 AS N;\n  RETURN 'x';\nEND;",
        name="open",
    )
    with pytest.raises(SqlError, match="left a transaction open"):
        run(budget, name="open_v1")
    assert spent(budget) == 0
    assert len(budget.advertiser.executor.transactions) == 0


@pytest.fixture
def job(approved: World) -> Party:
    """The session of a job of the advertiser in the same room."""
    job_id = approved.advertiser.value("RUN", "lookalike", *JOB)
    session, _ = approved.storage.sessions.create("ADVERTISER", "ANN", kind="job", job_id=job_id)
    return Party(approved.advertiser.procedures, session, approved.advertiser.executor)


def rewrite(job: Party, how: str) -> None:
    for text in how.split(";"):
        records(job.executor.execute(job.session, text, query_id=secrets.token_hex(8)))


REWRITES = [
    "CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT 'everything' AS TOWN",
    "INSERT INTO cleanroom.activation_data_best SELECT 'everything'",
    "UPDATE cleanroom.activation_data_best SET TOWN = 'everything'",
    "DROP TABLE cleanroom.activation_data_best",
    "ALTER TABLE cleanroom.activation_data_best RENAME TO cleanroom.x;"
    "CREATE TABLE cleanroom.activation_data_best AS SELECT 'everything' AS TOWN",
]


@pytest.mark.attack
def test_a_job_that_rewrites_the_table_changes_nothing_of_what_leaves(
    approved: World, job: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the block's own statement and the activation, at the worst moment there is; read by its name, it would
    have left.
    """
    give(approved, AUDIENCE, name="act", kind="sql_activation")
    returned = approved.runner.returned
    for number, how in enumerate(REWRITES):
        with monkeypatch.context() as patch:
            patch.setattr(approved.runner, "returned", lambda result, how=how: rewrite(job, how) or returned(result))
            approved.advertiser.call("RUN", "lookalike", spec(segment=f"q{number}"))
    with monkeypatch.context() as patch:
        patch.setattr(approved.runner, "returned", lambda result: rewrite(job, REWRITES[0]) or returned(result))
        by_name = lambda self, key: self._storage.tables.get(key, self._session_id)  # noqa: E731
        patch.setattr(run_tables.RunTables, "get", by_name)
        approved.advertiser.call("RUN", "lookalike", spec(segment="by_name"))
    approved.storage.collect_garbage(0)
    approved.publisher.call("PROCESS_ACTIVATION", "lookalike")
    left: dict[str, list[Any]] = {}
    for row in rows(approved.publisher):
        left.setdefault(row["SEGMENT_NAME"], []).append(row["RECORDS"])
    assert left.pop("by_name") == [{"TOWN": "everything"}]
    assert left == {f"q{number}": [{"TOWN": "Oslo"}, {}] for number in range(len(REWRITES))}


@pytest.mark.attack
def test_a_block_reads_what_it_wrote_itself(approved: World, job: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that rewrites an intermediate table between two statements of the block changes nothing of the second;
    read by its name, it would have.
    """
    give(
        approved,
        "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.chosen AS SELECT 'Oslo' AS TOWN;\n"
        "  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT TOWN FROM cleanroom.chosen;\n"
        "  RETURN 'best';\nEND;",
        name="act",
        kind="sql_activation",
    )
    source = RoomCatalog.source
    overtaken: list[bool] = []

    def overtaking(self: RoomCatalog, parts: tuple[str, ...]) -> Any:
        if parts[-1] == "CHOSEN" and len(overtaken) < 2 and self._written is not None:
            overtaken.append(True)
            rewrite(job, "CREATE OR REPLACE TABLE cleanroom.chosen AS SELECT 'everything' AS TOWN")
            if len(overtaken) == 2:
                self._written = None
        return source(self, parts)

    monkeypatch.setattr(RoomCatalog, "source", overtaking)
    for segment in ("kept", "by_name"):
        approved.advertiser.call("RUN", "lookalike", spec(segment=segment))
    approved.publisher.call("PROCESS_ACTIVATION", "lookalike")
    left = {row["SEGMENT_NAME"]: row["RECORDS"]["TOWN"] for row in rows(approved.publisher)}
    assert left == {"kept": "Oslo", "by_name": "everything"}


def test_a_table_that_somebody_else_made_does_not_leave(approved: World, job: Party) -> None:
    rewrite(job, REWRITES[0])
    give(approved, "BEGIN\n  RETURN 'best';\nEND;", name="act", kind="sql_activation")
    assert "made no cleanroom.ACTIVATION_DATA_BEST" in refused(approved.advertiser, "RUN", "lookalike", spec())
    give(
        approved,
        "BEGIN\n  CREATE TABLE IF NOT EXISTS cleanroom.activation_data_best (TOWN VARCHAR);\n  RETURN 'best';\nEND;",
        name="lazy",
        kind="sql_activation",
    )
    again = refused(approved.advertiser, "RUN", "lookalike", spec().replace("act_v1", "lazy_v1"))
    assert "made no cleanroom.ACTIVATION_DATA_BEST" in again


def test_a_table_that_was_renamed_or_appended_to_leaves_as_it_was_then(approved: World) -> None:
    give(
        approved,
        "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.made AS SELECT 'a' AS TOWN;\n"
        "  INSERT INTO cleanroom.made SELECT 'b';\n"
        "  ALTER TABLE cleanroom.made RENAME TO cleanroom.activation_data_best;\n"
        "  INSERT INTO cleanroom.activation_data_best SELECT 'c';\n  RETURN 'best';\nEND;",
        name="act",
        kind="sql_activation",
    )
    approved.advertiser.call("RUN", "lookalike", spec())
    approved.publisher.call("PROCESS_ACTIVATION", "lookalike")
    assert [row["RECORDS"]["TOWN"] for row in rows(approved.publisher)] == ["a", "b", "c"]


@contextmanager
def overtaken_by(job: Party, how: str, before: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A job's statements come just before each statement of a run that begins with `before`."""
    execute = executor.Executor._execute

    def overtaking(self: Any, session: Any, catalog: Any, text: str, *given: Any, **named: Any) -> Any:
        if session.kind == "room" and text.startswith(before):
            rewrite(job, how)
        return execute(self, session, catalog, text, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(executor.Executor, "_execute", overtaking)
        yield


SECOND = [
    "INSERT INTO cleanroom.activation_data_best SELECT 'b', 'b'",
    "UPDATE cleanroom.activation_data_best SET TOWN = TOWN || 'b'",
    "TRUNCATE TABLE cleanroom.activation_data_best",
    "ALTER TABLE cleanroom.activation_data_best DROP COLUMN OTHER",
    "ALTER TABLE cleanroom.activation_data_best RENAME TO cleanroom.activation_data_moved",
]


@pytest.mark.attack
def test_a_write_over_somebody_elses_fails_and_mixes_nothing(
    approved: World, job: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second statement of a block finds rows of a job in the table that the first one made, and takes none."""
    give(
        approved,
        "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT 'a' AS TOWN, 'a' AS OTHER;\n"
        "  {{ second | sqlsafe }};\n  RETURN {{ name }};\nEND;",
        name="act",
        kind="sql_activation",
    )
    how = "CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT 'everything' AS TOWN, 'x' AS OTHER"
    for text in SECOND:
        name = "moved" if "RENAME" in text else "best"
        given = spec().replace("  activation:", f'  arguments: {{second: "{text}", name: {name}}}\n  activation:')
        with overtaken_by(job, how, text[:5], monkeypatch):
            assert "Run it again" in refused(approved.advertiser, "RUN", "lookalike", given), text
        assert approved.publisher.call("VIEW_ACTIVATIONS", "lookalike") == []
    approved.advertiser.call("RUN", "lookalike", given)
    assert len(approved.publisher.call("VIEW_ACTIVATIONS", "lookalike")) == 1


COUNTED = """DECLARE
  n INTEGER;
BEGIN
  SELECT COUNT(*) INTO :n FROM cleanroom.chosen;
  IF (n >= 2) THEN
    CREATE OR REPLACE TABLE cleanroom.activation_data_best AS SELECT TOWN FROM cleanroom.chosen;
  END IF;
  RETURN 'best';
END;"""


@pytest.mark.attack
def test_what_a_block_has_counted_is_what_it_uses(approved: World, job: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that lets only groups of two out; a job that has two rows there when they are counted and one when they
    are taken.
    """
    two = "CREATE OR REPLACE TABLE cleanroom.chosen AS SELECT 'Oslo' AS TOWN UNION ALL SELECT 'Bergen'"
    one = "CREATE OR REPLACE TABLE cleanroom.chosen AS SELECT 'nobody else' AS TOWN"
    give(approved, COUNTED, name="act", kind="sql_activation")
    for segment in ("bound", "free"):
        rewrite(job, two)
        with overtaken_by(job, one, "CREATE", monkeypatch), monkeypatch.context() as patch:
            if segment == "free":
                patch.setattr(run_tables.RunTables, "done", run_tables.RunTables.begin)
            approved.advertiser.call("RUN", "lookalike", spec(segment=segment))
    approved.publisher.call("PROCESS_ACTIVATION", "lookalike")
    left: dict[str, set[str]] = {}
    for row in rows(approved.publisher):
        left.setdefault(row["SEGMENT_NAME"], set()).add(row["RECORDS"]["TOWN"])
    assert left == {"bound": {"Oslo", "Bergen"}, "free": {"nobody else"}}


def test_two_runs_cannot_both_spend_the_last_of_a_budget(budget: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each counts, then writes; where the other one wrote in between, one of them fails and has spent nothing."""
    give(
        budget,
        "DECLARE\n  n INTEGER;\nBEGIN\n  SELECT COUNT(*) INTO :n FROM cleanroom.spent;\n  IF (n < 1) THEN\n"
        "    INSERT INTO cleanroom.spent SELECT 1 AS N;\n    RETURN 'spent';\n  END IF;\n  RETURN 'none left';\nEND;",
        name="last",
    )
    execute = executor.Executor._execute
    others: list[Any] = []

    def overtaking(self: Any, session: Any, catalog: Any, text: str, *given: Any, **named: Any) -> Any:
        if text.startswith("INSERT") and not others:
            others.append(None)
            others.append(run(budget, name="last_v1"))
        return execute(self, session, catalog, text, *given, **named)

    monkeypatch.setattr(executor.Executor, "_execute", overtaking)
    with pytest.raises(SqlError, match="Run it again"):
        run(budget, name="last_v1")
    assert [list(row.values()) for row in others[1]] == [["spent"]]
    assert [list(row.values()) for row in run(budget, name="last_v1")] == [["none left"]]
    assert spent(budget) == 1
