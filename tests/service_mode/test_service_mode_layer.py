"""Each deviation of the service, at the layer that makes it: what it refuses, when, and in which form it answers.

The expected texts and statuses are those of `service-behaviour.md` and of the documentation's troubleshooting page.
"""

from __future__ import annotations

import re

import pytest

from cleanroom_ml.connection.errors import told
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.queries.service import Execute
from cleanroom_ml.engine.service_mode.answers import LOG_BYTES
from cleanroom_ml.engine.service_mode.deviations import DEVIATIONS, chosen
from cleanroom_ml.engine.service_mode.layer import _RULES, ServiceMode
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import UsageError

ROOM = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
STATUS = Rows.answer(
    (("COLLABORATOR_ACCOUNT", "VARCHAR"), ("STATUS", "VARCHAR")), [("LOCAL.SHOP", "JOINED"), ("LOCAL.BRAND", "JOINED")]
)
OFFERING = "name: o\ndatasets:\n  - alias: a\n    data_object_fqn: CRM.PUBLIC.T\n"


class Engine:
    """What answers behind the layer: the same to every statement of a beginning; it keeps what reached it."""

    def __init__(self, **answers: Rows | SqlError) -> None:
        self.answers = answers
        self.reached: list[str] = []

    def __call__(self, session: Session, text: str, **_: object) -> Rows:
        self.reached.append(text)
        found = next((answer for word, answer in self.answers.items() if word in text), Rows.one("R", "done"))
        if isinstance(found, SqlError):
            raise found
        return found


class Asks:
    """One session's statements through the layer."""

    def __init__(self, engine: Execute, *names: str, account: str = "SHOP", kind: str = "client") -> None:
        self.session = Session("1", account, "ADMIN", "ACCOUNTADMIN", kind=kind)  # type: ignore[arg-type]
        self.layer = ServiceMode(engine, frozenset(names))

    def __call__(self, text: str) -> Rows:
        result = self.layer(self.session, text, binds=None, query_id="01c6ee3b-0001-9ffb-0000-04dd0da17cee")
        assert isinstance(result, Rows)
        return result

    def refused(self, text: str) -> SqlError:
        with pytest.raises(SqlError) as caught:
            self(text)
        return caught.value


def call(procedure: str, *arguments: str) -> str:
    return f"CALL {ROOM}.{procedure}({', '.join(f'$${each}$$' for each in arguments)})"


JOIN, STATUS_OF = call("COLLABORATION.JOIN", "room"), call("COLLABORATION.GET_STATUS", "room")


def test_a_join_takes_a_while_and_what_needs_it_is_refused_until_then() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "delays")
    asks(JOIN)
    error = asks.refused(call("COLLABORATION.LINK_DATA_OFFERING", "room", "o", "x"))
    assert error.message.startswith("InvalidCollaborationStatusError: This action requires the collaboration status")
    assert error.message.endswith("Current status: JOINING.")
    assert [row[1] for row in asks(STATUS_OF).rows] == ["JOINING", "JOINED"]
    assert [row[1] for row in asks(STATUS_OF).rows] == ["JOINED", "JOINED"]
    asks(call("COLLABORATION.LINK_DATA_OFFERING", "room", "o", "x"))


def test_a_created_room_is_being_created_first() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "delays")
    asks(call("COLLABORATION.INITIALIZE", "api_version: 2.0.0\nname: room\n"))
    assert "Current status: CREATING." in asks.refused(JOIN).message
    asks(STATUS_OF)
    asks(JOIN)


def test_a_listing_is_replicated_before_the_first_review() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "replication")
    review = call("COLLABORATION.REVIEW", "room", "ORG.A")
    assert asks.refused(review).message.startswith("CollaborationListingReplicationPending: ")
    assert [asks(STATUS_OF).rows[0][1] for _ in range(3)] == ["REPLICATING", "REPLICATING", "JOINED"]
    asks(review)


def test_an_approval_upgrades_the_application_before_a_run() -> None:
    told_ = Rows.answer((("property", "VARCHAR"), ("value", "VARCHAR")), [("name", "X"), ("upgrade_state", "COMPLETE")])
    asks = Asks(Engine(DESCRIBE=told_), "upgrade")
    asks(call("COLLABORATION.APPROVE_UPDATE_REQUEST", "room", "r1"))
    assert "Unknown user-defined function" in asks.refused(call("COLLABORATION.RUN", "room", "x")).message
    assert asks("DESCRIBE APPLICATION SFDCR_room").rows[1] == ("upgrade_state", "UPGRADING")
    assert asks("DESCRIBE APPLICATION SFDCR_room").rows[1] == ("upgrade_state", "COMPLETE")
    asks(call("COLLABORATION.RUN", "room", "x"))


def test_a_request_is_listed_late() -> None:
    asks = Asks(Engine(VIEW=Rows.answer((("ID", "VARCHAR"),), [("r1",)])), "late-requests")
    view = call("COLLABORATION.VIEW_UPDATE_REQUESTS", "room")
    assert [len(asks(view).rows) for _ in range(3)] == [0, 0, 1]


def test_secondary_roles_are_active_until_they_are_turned_off() -> None:
    asks = Asks(Engine(), "secondary-roles")
    expected = (
        "SecondaryRolesNotSupported: Secondary roles must be disabled before calling this procedure. "
        "Run 'USE SECONDARY ROLES NONE' and try again."
    )
    assert asks.refused(JOIN).message == expected
    asks("use secondary  roles none;")
    asks(JOIN)
    asks("USE SECONDARY ROLES ALL")
    assert asks.refused(JOIN).message == expected


def test_a_restricted_token_uses_no_other_role_and_has_none() -> None:
    asks = Asks(Engine(), "restricted-token", "secondary-roles")
    for statement in ("USE ROLE SYSADMIN", "USE SECONDARY ROLES NONE"):
        error = asks.refused(statement)
        assert (error.code, error.sqlstate) == (3107, "42501")
        assert error.message.endswith("Current session is restricted. USE ROLE not allowed.")
    asks(JOIN)


def test_missing_grants_are_named_by_the_error_and_given_by_its_statement() -> None:
    engine = Engine()
    asks = Asks(engine, "missing-grants")
    register = call("REGISTRY.REGISTER_DATA_OFFERING", OFFERING)
    for statement in (register, JOIN):
        error = asks.refused(statement)
        grant = re.search(r"GRANT REFERENCE_USAGE[^;]*", error.message)
        assert grant is not None
        asks(grant[0])
        asks(statement)
    assert engine.reached == [register, JOIN]


def test_an_incomplete_profile_cannot_join() -> None:
    asks = Asks(Engine(), "incomplete-profile")
    error = asks.refused(JOIN)
    assert (error.code, error.sqlstate) == (90655, "P0002")
    asks("ALTER USER ADMIN SET FIRST_NAME = 'A', LAST_NAME = 'B', EMAIL = 'a@b.example'")
    asks(JOIN)


def test_a_log_is_its_newest_part() -> None:
    text = "é" * LOG_BYTES + "end"
    asks = Asks(Engine(RUN_ML=Rows.one("R", text)), "short-logs")
    logs = str(asks(call("COLLABORATION.RUN_ML_JOB_ACTION", "room", "job_id: j\naction: get_logs")).rows[0][0])
    assert len(logs.encode()) <= LOG_BYTES
    assert text.endswith(logs)
    assert asks(call("COLLABORATION.RUN_ML_JOB_ACTION", "room", "action: get_result")).rows[0][0] == text


def test_columns_come_in_lower_case_and_arrays_as_text() -> None:
    answer = Rows.answer((("ROLES", "ARRAY"), ("N", "NUMBER(38,0)")), [(["owner"], 1)])
    found = Asks(Engine(GET_STATUS=answer), "lower-case")(STATUS_OF)
    assert [(name, kind.name) for name, kind in found.columns] == [("roles", "VARCHAR"), ("n", "NUMBER")]
    assert found.rows == [('["owner"]', 1)]


def test_what_only_the_engine_has_is_not_there() -> None:
    engine = Engine()
    asks = Asks(engine, "no-own-database")
    for statement in ("CALL CLEANROOM_ML.IMAGES.COMPARE(NULL, 'x')", "SHOW PROCEDURES IN DATABASE CLEANROOM_ML"):
        assert "CLEANROOM_ML" in asks.refused(statement).message
    assert engine.reached == []


@pytest.mark.parametrize(
    ("error", "form", "name", "message"),
    [
        (room_error(ErrorName.ActivationError, "not yet."), "Traceback (most", "ActivationError", "not yet."),
        (SqlError(3102, "42501", "Grant not executed: Insufficient privileges."), "**FAILURE**", None,
         "Grant not executed: Insufficient privileges."),
    ],
)  # fmt: skip
def test_errors_of_procedures_arrive_in_two_forms(error: SqlError, form: str, name: str | None, message: str) -> None:
    """And the command line reads both."""
    asks = Asks(Engine(JOIN=error, SELECT=error), "tracebacks")
    arrived = asks.refused(JOIN)
    assert form in arrived.message
    assert arrived.message.endswith(" in function JOIN with handler main")
    text = told(arrived.message)
    assert (text.name, text.message, text.procedure) == (name, message, "JOIN")
    assert asks.refused("SELECT 1").message == error.message


def test_a_job_speaks_with_the_room_as_it_is() -> None:
    engine = Engine()
    asks = Asks(engine, *DEVIATIONS, kind="job")
    asks(JOIN)
    asks("USE ROLE X")
    assert engine.reached == [JOIN, "USE ROLE X"]


def test_every_deviation_has_its_rule() -> None:
    elsewhere = {"tracebacks", "transient", "session-expiry"}
    assert _RULES.keys() | elsewhere == DEVIATIONS.keys()
    assert chosen("all") == DEVIATIONS.keys()
    assert chosen(" delays, upgrade") == {"delays", "upgrade"}
    for wrong in ("dealys", "", "delays,everything"):
        with pytest.raises(UsageError, match="there is no deviation"):
            chosen(wrong)
