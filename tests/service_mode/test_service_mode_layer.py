"""Each deviation of the service, at the layer that makes it: what it refuses, when, and in which form it answers.

The expected texts and statuses are those of `service-behaviour.md` and of the documentation's troubleshooting page.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from asking import INITIALIZE, JOIN, REVIEW, STATUS, STATUS_OF, Asks, Engine, call

from cleanroom_ml.cli.commands import engine
from cleanroom_ml.connection.errors import told
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.answers import LOG_BYTES
from cleanroom_ml.engine.service_mode.deviations import DEVIATIONS, chosen
from cleanroom_ml.engine.service_mode.layer import _CREATED, _RULES
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import UsageError

OFFERING = "name: o\nversion: v1\ndatasets:\n  - alias: a\n    data_object_fqn: CRM.PUBLIC.T\n"


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
    asks(INITIALIZE)
    assert "Current status: CREATING." in asks.refused(JOIN).message
    asks(STATUS_OF)
    asks(JOIN)


def test_a_listing_is_replicated_before_the_first_review() -> None:
    asks = Asks(Engine(GET_STATUS=STATUS), "replication")
    assert asks.refused(REVIEW).message.startswith("CollaborationListingReplicationPending: ")
    assert [asks(STATUS_OF).rows[0][1] for _ in range(3)] == ["REPLICATING", "REPLICATING", "JOINED"]
    asks(REVIEW)


def test_the_owners_first_join_waits_for_the_listing_too() -> None:
    """Release notes of 30 July 2026, version 17.2."""
    asks = Asks(Engine(GET_STATUS=STATUS), "replication")
    asks(JOIN)  # of a room that somebody else owns: the review has waited
    asks(INITIALIZE)
    assert asks.refused(JOIN).message.startswith("CollaborationListingReplicationPending: ")
    assert [asks(STATUS_OF).rows[0][1] for _ in range(3)] == ["REPLICATING", "REPLICATING", "JOINED"]
    asks(JOIN)


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


def test_linking_passes_on_what_the_role_holds_with_grant_option() -> None:
    """service-behaviour, "Data grants": USAGE on database and schema and SELECT on the tables, else 003102."""
    engine = Engine()
    asks = Asks(engine, "grant-option")
    asks(call("REGISTRY.REGISTER_DATA_OFFERING", OFFERING))
    grants = ("USAGE ON DATABASE CRM", "USAGE ON SCHEMA CRM.PUBLIC", "SELECT ON TABLE CRM.PUBLIC.T")
    for link in (
        call("COLLABORATION.LINK_DATA_OFFERING", "room", "O_v1", "x"),
        call("COLLABORATION.LINK_LOCAL_DATA_OFFERING", "room", "o_v1"),
    ):
        again = Asks(engine, "grant-option")
        again(call("REGISTRY.REGISTER_DATA_OFFERING", OFFERING))
        for grant in grants:
            error = again.refused(link)
            assert (error.code, error.sqlstate) == (3102, "42501")
            assert error.message == "Grant not executed: Insufficient privileges."
            again(f"GRANT {grant} TO ROLE ACCOUNTADMIN WITH GRANT OPTION")
        again(link)
    for grant in ("ALL SCHEMAS IN DATABASE", "DATABASE"):
        asks(f"GRANT USAGE ON {grant} CRM TO ROLE ACCOUNTADMIN WITH GRANT OPTION")
    asks("GRANT SELECT ON ALL TABLES IN DATABASE CRM TO ROLE ACCOUNTADMIN")  # and may not pass it on
    asks.refused(call("COLLABORATION.LINK_DATA_OFFERING", "room", "o_v1", "x"))
    asks("GRANT SELECT ON ALL TABLES IN DATABASE CRM TO ROLE ACCOUNTADMIN WITH GRANT OPTION")
    asks(call("COLLABORATION.LINK_DATA_OFFERING", "room", "o_v1", "x"))


def test_without_a_profile_nothing_is_installed_and_nobody_joins() -> None:
    """service-behaviour: 090655 in DETAILS of an INSTALLATION_FAILED; REVIEW again, then JOIN; LEAVE is refused."""
    asks = Asks(Engine(GET_STATUS=STATUS), "incomplete-profile")
    error = asks.refused(JOIN)  # the owner's: it has no review
    assert (error.code, error.sqlstate) == (90655, "P0002")
    asks(REVIEW)
    assert asks(STATUS_OF).rows[0][1] == "INSTALLATION_FAILED"
    assert str(asks(STATUS_OF).rows[0][2]).startswith("090655 (P0002): Please add your first/last name and email")
    assert asks.refused(call("COLLABORATION.LEAVE", "room")).message == (
        "InvalidCollaborationStatusError: This action requires the collaboration status to be one of the following: "
        "LOCAL_DROP_PENDING, LEAVING. Current status: INSTALLATION_FAILED."
    )
    asks("ALTER USER ADMIN SET FIRST_NAME = 'A', LAST_NAME = 'B', EMAIL = 'a@b.example'")
    assert asks.refused(JOIN).message.endswith("Current status: INSTALLATION_FAILED.")
    asks(REVIEW)
    assert asks(STATUS_OF).rows[0][1] == "JOINED"
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
    assert _RULES.keys() | _CREATED.keys() | elsewhere == DEVIATIONS.keys()
    assert chosen("all") == DEVIATIONS.keys()
    assert chosen(" delays, upgrade") == {"delays", "upgrade"}
    for wrong in ("dealys", "", "delays,everything"):
        with pytest.raises(UsageError, match="there is no deviation"):
            chosen(wrong)


def test_the_command_and_the_page_of_targets_list_them_all() -> None:
    help_ = " ".join(inspect.getsource(engine).replace('"', " ").split())
    page = (Path(__file__).parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
    for name in DEVIATIONS:
        assert re.search(rf"[ ,]{name}[,.]", help_), name
        assert f"| `{name}` |" in page, name
