"""The server's errors as ours: each name its class and exit code; the server's own code and query id are kept."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from snowflake.connector.errors import (
    DatabaseError,
    Error,
    ForbiddenError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from cleanroom_ml.connection.errors import from_connector
from cleanroom_ml.errors import DONE, INTERRUPTED, CleanroomError, HashMismatchError, exit_codes

# The exit codes of today, without 0 and 130, which are no errors of ours.
KEPT = {1, 2, 3, 4, 5, 10, 11, 12, 13, 20, 21, 22}
"""What scripts go by: there may be more of them, and none of these is another one."""

NAMED = {
    "ContentHashMismatchError": 11,
    "TemplateNotApprovedException": 10,
    "PolicyViolationError": 12,
    "PermissionDeniedException": 12,
    "MLJobMonitoringNotAllowedError": 12,
    "MLJobResultTooLargeError": 13,
    "ResultNotAllowedError": 13,
    "SpecValidationError": 5,
    "UpdateRequestNotFoundException": 5,
    "UpdateRequestStateException": 5,
    "CollaborationNotFoundException": 5,
    "CollaborationStateException": 5,
    "CollaborationAlreadyReviewed": 5,
    "CollaborationInvitationNotFound": 5,
    "InvalidCollaborationStatusError": 5,
    "ProviderNotServingAnalysisRunner": 5,
    "ComputePoolError": 5,
    "MLJobNotFoundException": 5,
    "MLJobNotFinishedError": 5,
    "MLJobFailedError": 5,
    "RequirementNotSatisfiedError": 5,
    "ActivationError": 5,
    "TemplateRenderError": 5,
}


def told(message: str, kind: type[Error] = ProgrammingError, errno: int = 100357) -> Error:
    return kind(msg=message, errno=errno, sqlstate="P0000", sfqid="01b2-query")


@pytest.mark.parametrize(("name", "exit_code"), NAMED.items())
def test_each_named_error_has_its_exit_code(name: str, exit_code: int) -> None:
    error = from_connector(told(f"{name}: because"))
    assert error.exit_code == exit_code
    assert error.what == f"{name}: because"
    assert (vars(error)["code"], vars(error)["sqlstate"], vars(error)["query_id"]) == (100357, "P0000", "01b2-query")


def test_a_hash_mismatch_lists_its_files() -> None:
    error = from_connector(told("ContentHashMismatchError: 2 files differ\n - changed: a.py\n - added: b.py"))
    assert isinstance(error, HashMismatchError)
    assert error.differences == ("changed: a.py", "added: b.py")
    assert error.why == "changed: a.py; added: b.py"


@pytest.mark.parametrize(
    ("kind", "errno", "connecting", "exit_code"),
    [
        (ProgrammingError, 2003, False, 5),
        (DatabaseError, 604, False, 5),
        (OperationalError, 250001, False, 4),
        (InterfaceError, 250003, False, 4),
        (ForbiddenError, 250001, True, 3),
        (DatabaseError, 390100, True, 3),
        (OperationalError, 250001, True, 3),
    ],
)
def test_other_errors_by_when_and_what(kind: type[Error], errno: int, connecting: bool, exit_code: int) -> None:
    assert from_connector(told("some reason", kind, errno), connecting=connecting).exit_code == exit_code


@pytest.mark.parametrize("connecting", [True, False])
def test_an_error_without_a_message_is_still_told(connecting: bool) -> None:
    error = from_connector(told("", ProgrammingError, 390100), connecting=connecting)
    assert error.what


STATUS = "InvalidCollaborationStatusError: This action requires the collaboration status to be one of the following:"


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        (
            "ComputePoolError: compute pool P does not exist, or the application may not use it",
            "cleanroom-ml pool create p --family CPU_X64_S, or one of: cleanroom-ml pool list",
        ),
        ("ActivationError: an activation template needs activation: segment_name.", "cleanroom-ml activate"),
        (
            "ComputePoolError: the job asks for 9 nodes, and compute pool P has at most 2; "
            "ALTER COMPUTE POOL P SET MAX_NODES = 9",
            'cleanroom-ml sql "ALTER COMPUTE POOL p SET MAX_NODES = 9"',
        ),
        (
            "SQL access control error:\nInsufficient privileges: VIEW_TEMPLATES needs the role SAMOOHA_APP_ROLE, or "
            "one of: READ, VIEW TEMPLATES. CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE"
            "('VIEW TEMPLATES', 'COLLABORATION', 'lookalike', 'ANALYST')",
            'cleanroom-ml grant "VIEW TEMPLATES" --to ANALYST',
        ),
        (f"{STATUS} JOINED. Current status: JOIN_FAILED.", "cleanroom-ml collaboration join"),
        (f"{STATUS} JOINED. Current status: INVITED.", "cleanroom-ml collaboration join"),
        (f"{STATUS} JOINED. Current status: IN_REVIEW.", "cleanroom-ml collaboration join"),
        (f"{STATUS} JOINED. Current status: CREATED.", "cleanroom-ml collaboration create"),
        (
            "SpecValidationError: the template takes no argument 'epoch'; it takes: epochs. Did you mean 'epochs'?",
            "correct --arg, or args of the run in cleanroom.yaml",
        ),
        (
            "SpecValidationError: the variable 'epochs' has no value: pass it as an argument",
            "correct --arg, or args of the run in cleanroom.yaml",
        ),
        ("SpecValidationError: give an array of at least one alias, such as ['alice']", None),
        (
            "DataProviderWithoutDataOffering: 'shop.orders_V1.orders' is not shared with brand.",
            "shop shares it: cleanroom-ml offering link",
        ),
    ],
)
def test_the_reason_tells_which_command_helps(message: str, fix: str | None) -> None:
    assert from_connector(told(message)).fix == fix


def test_every_exception_of_the_command_line_has_a_documented_exit_code() -> None:
    packages = ("artifacts", "cli", "connection", "evidence", "specs", "services", "local")
    for package in packages:
        root = importlib.import_module(f"cleanroom_ml.{package}")
        for module in pkgutil.walk_packages(root.__path__, f"cleanroom_ml.{package}."):
            importlib.import_module(module.name)
    found = _subclasses(CleanroomError)
    assert len(found) > 15
    documented = exit_codes().keys() - {DONE, INTERRUPTED}
    assert {cls.__name__: cls.exit_code for cls in found if cls.exit_code not in documented} == {}
    assert {cls.exit_code for cls in found} == documented >= KEPT


def _subclasses(cls: type[CleanroomError]) -> set[type[CleanroomError]]:
    return {cls, *(each for direct in cls.__subclasses__() for each in _subclasses(direct))}


def test_an_answer_that_is_not_of_its_type_is_no_broken_connection() -> None:
    """252005 is the connector's number for it (`errorcode.py`): to ask again, as after a break, would be in vain."""
    error = from_connector(told("Failed to convert: field updated_on", InterfaceError, errno=252_005))
    assert error.exit_code == 5
    assert error.what == "the target's answer cannot be read"
    assert "updated_on" in str(error.why)
