"""Errors of real accounts, as captured and as `service-behaviour.md` has them, cut to what people need."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
import typer.main
from snowflake.connector.errors import ProgrammingError

from cleanroom_ml.cli.table import entries
from cleanroom_ml.connection.error_text import MOST_LINES, MOST_TOLD
from cleanroom_ml.connection.errors import from_connector, told
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import PolicyDeniedError, ServerError
from cleanroom_ml.remedies import REMEDIES

QUERY = "01c6ee3b-0001-9ffb-0000-04dd0da17cee"


def traceback(name: str, message: str, procedure: str = "REGISTER_DATA_OFFERING") -> str:
    """The first form of service-behaviour.md, "Errors as they arrive"."""
    return (
        f"(1304): {QUERY}: 100357 (P0000): Python Interpreter Error:\nTraceback (most recent call last):\n"
        '  File "_udf_code.py", line 23, in main\n    raise e.with_traceback(None) from None\n'
        f"navlib.app.collaboration.exceptions.{name}: {message}\n in function {procedure} with handler main"
    )


def failure(code: str, message: str, procedure: str = "LINK_LOCAL_DATA_OFFERING") -> str:
    """The second form."""
    observed = f"Exception: **FAILURE**: Received error, observed: {code}: {message}"
    return f"{observed}\n in function {procedure} with handler main"


REFERENCE = (
    "The current role '\"ACCOUNTADMIN\"' does not have REFERENCE_USAGE WITH GRANT OPTION on database 'dcr_provider'. "
    "To proceed, switch to a role with sufficient privileges (such as the database owner or ACCOUNTADMIN) and either "
    "register the database by calling register_db('dcr_provider') or run: GRANT REFERENCE_USAGE ON DATABASE "
    'dcr_provider TO ROLE "ACCOUNTADMIN" WITH GRANT OPTION;'
)
SHARE = (
    "Reference usage grants are required for the following databases in your account databases: ['D']. "
    "Run: GRANT REFERENCE_USAGE ON DATABASE D TO SHARE SCO_DATA_OFFERINGS_ABC123;"
)


def test_a_traceback_is_cut_to_name_message_procedure_and_query() -> None:
    text = told(traceback("SecondaryRolesNotSupported", "Secondary roles must be disabled."))
    assert (text.name, text.message) == ("SecondaryRolesNotSupported", "Secondary roles must be disabled.")
    assert (text.procedure, text.query_id, text.code, text.sqlstate) == (
        "REGISTER_DATA_OFFERING", QUERY, 100357, "P0000",
    )  # fmt: skip


def test_a_failure_of_a_statement_inside_is_cut_to_that_statements() -> None:
    text = told(failure("003102 (42501)", "Grant not executed: Insufficient privileges."))
    assert text.what == "Grant not executed: Insufficient privileges."
    assert (text.name, text.procedure, text.code) == (None, "LINK_LOCAL_DATA_OFFERING", 3102)


@pytest.mark.parametrize(
    ("raw", "exit_code", "what", "fix"),
    [
        (
            traceback("DatasetReferenceUsageWithGrantOptionMissingError", REFERENCE),
            5, "DatasetReferenceUsageWithGrantOptionMissingError: The current role",
            'GRANT REFERENCE_USAGE ON DATABASE dcr_provider TO ROLE "ACCOUNTADMIN" WITH GRANT OPTION',
        ),
        (
            traceback("ReferenceUsageGrantMissingException", SHARE, "JOIN"),
            5, "ReferenceUsageGrantMissingException: Reference",
            "GRANT REFERENCE_USAGE ON DATABASE D TO SHARE SCO_DATA_OFFERINGS_ABC123, then once more",
        ),
        (
            traceback(
                "SecondaryRolesNotSupported",
                "Secondary roles must be disabled before calling this procedure. "
                "Run 'USE SECONDARY ROLES NONE' and try again.",
            ),
            5, "SecondaryRolesNotSupported: Secondary", "USE SECONDARY ROLES NONE, then once more",
        ),
        (
            "**FAILURE**: Received error: snowflake.snowpark.exceptions.SnowparkSQLException: (1304): "
            f"{QUERY}: 090655 (P0002): Please add your first/last name and email to your user profile in Snowsight",
            5, "Please add your first/last name", "ALTER USER <user> SET FIRST_NAME",
        ),
        (
            "navlib.app.collaboration.exceptions.InvalidCollaborationStatusError: This action requires the "
            "collaboration status to be one of the following: LOCAL_DROP_PENDING, LEAVING. "
            "Current status: INSTALLATION_FAILED.\n"
            " in function LEAVE with handler main",
            5, "InvalidCollaborationStatusError: This action", "cleanroom-ml collaboration join",
        ),
        (
            traceback(
                "ProviderNotServingAnalysisRunner",
                "A data provider can link data offerings only for their analysis runners. Current account: CONSUMER; "
                "analysis runner: CONSUMER.",
                "LINK_DATA_OFFERING",
            ),
            5, "ProviderNotServingAnalysisRunner: A data", "cleanroom-ml offering link --local",
        ),
        (
            failure("003102 (42501)", "Grant not executed: Insufficient privileges."),
            5, "Grant not executed", "GRANT SELECT ON ALL TABLES IN DATABASE <database> TO ROLE <role>",
        ),
        (
            "Exception: **FAILURE**: Received error, observed: 090237 (42601): SQL compilation error:\nQuery called "
            "from a stored procedure contains a function with side effects [SYSTEM$ACCEPT_LEGAL_TERMS].",
            5, "SQL compilation error", "collaboration join",
        ),
        (
            f"003107 (42501): {QUERY}: SQL execution error: Current session is restricted. USE ROLE not allowed.",
            5, "Current session is restricted", "leave --role out",
        ),
        (
            "navlib.app.collaboration.exceptions.CollaborationInvitationNotFound: Pending invitation for "
            "collaboration: telco_audience_overlap not found",
            5, "CollaborationInvitationNotFound: Pending", "LEAVE('telco_audience_overlap')",
        ),
        (
            traceback("SpecValidationError", "Templates 'standard_audience_overlap_v0' do not exist"),
            5, "SpecValidationError: Templates", "REGISTER_STANDARD_DCR_TEMPLATES()",
        ),
        ("Result below privacy threshold", 12, "Result below", "larger groups"),
        (traceback("AnalysisError", "Unauthorized columns: p1.hashed_msisdn"), 12, "AnalysisError", "offering list"),
        (traceback("ContentHashMismatchError", "1 file differs\n - changed: a.py"), 11, "ContentHash", "spec diff"),
        (
            "Listing 'SFDCR: SCO abc' is not fulfilled to your current region. Please request the listing",
            5, "Listing", "PREPARE_MOUNT_SCRIPT",
        ),
        (traceback("TemplateNotApprovedException", "not yet", "RUN"), 10, "TemplateNotApproved", "requests"),
        (
            "CodeSpecArtifactNotFoundAtStageError: ML job 'train': @D.S.ST/x has no file trian.py.",
            5, "CodeSpecArtifactNotFoundAtStageError", "correct `entrypoint` in the code spec",
        ),
        (
            "StageDirectoryNotEnabledError: stage D.S.ST has no directory table: ALTER STAGE D.S.ST SET DIRECTORY = "
            "(ENABLE = TRUE)",
            5, "StageDirectoryNotEnabledError", "cleanroom-ml sql 'ALTER STAGE D.S.ST SET DIRECTORY = (ENABLE = TRUE);",
        ),
        (
            "StageDirectoryNotEnabledError: stage \"a'; x\" has no directory table: ALTER STAGE \"a'; x\" SET "
            "DIRECTORY = (ENABLE = TRUE)",
            5, "StageDirectoryNotEnabledError", "'ALTER STAGE DB.SCHEMA.STAGE SET DIRECTORY",
        ),
    ],
)  # fmt: skip
def test_each_captured_error_has_its_remedy_and_its_exit_code(raw: str, exit_code: int, what: str, fix: str) -> None:
    """The texts: service-behaviour.md, and strings that were captured on DCR 17.5."""
    error = from_connector(ProgrammingError(msg=raw, errno=100357, sqlstate="P0000"))
    assert error.exit_code == exit_code
    assert error.what.startswith(what)
    assert fix in str(error.fix)
    for never in ("Traceback", "_udf_code", "navlib", "with handler", "register_db", "APP_SHARE"):
        assert never not in f"{error.what.replace(REFERENCE, '')} {error.why} {error.fix}"


FRAMES = 'Traceback (most recent call last):\n  File "_udf_code.py", line 23, in main\n    raise x\n'


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        (f"{FRAMES}KeyError: 'a'", "KeyError", "'a'"),
        (f"{FRAMES}KeyError: 'a'\nof two lines", "KeyError", "'a'\nof two lines"),
        (
            f"{FRAMES}KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
            f"{FRAMES}ValueError: no such column",
            "ValueError", "no such column",
        ),
        (
            f"{FRAMES}KeyError: 'a'\n\nThe above exception was the direct cause of the following exception:\n\n"
            f"{FRAMES}snowflake.snowpark.exceptions.SnowparkSQLException: (1304): bad",
            None, "bad",
        ),
        (FRAMES, None, "raise x"),
    ],
)  # fmt: skip
def test_of_a_traceback_that_is_not_the_services_its_last_exception_counts(
    raw: str, name: str | None, message: str
) -> None:
    """The interpreter's own form: docs.python.org, library/traceback, `print_exception` and its `chain`."""
    text = told(raw)
    assert (text.name, text.message) == (name, message)


def test_the_same_error_of_both_targets_is_the_same() -> None:
    message = "approval is missing."
    service = from_connector(ProgrammingError(msg=traceback("TemplateNotApprovedException", message), errno=100357))
    engine = from_connector(ProgrammingError(msg=f"TemplateNotApprovedException: {message}", errno=100357))
    assert (type(service), service.what, service.fix) == (type(engine), engine.what, engine.fix)


@pytest.mark.attack
def test_what_a_party_wrote_into_a_message_is_neither_a_name_nor_a_statement() -> None:
    """A template's or script's own text stands after the service's name: it decides no class and no statement."""
    script = (
        "the script failed:\nTraceback (most recent call last):\n  File 'a.py', line 1\nValueError: x\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\nPolicyViolationError: it was the policy"
    )
    error = from_connector(ProgrammingError(msg=traceback("MLJobFailedError", script, "RUN_ML_JOB_ACTION"), errno=1))
    assert type(error) is ServerError
    assert error.what.startswith("MLJobFailedError: the script failed:")
    hidden = from_connector(ProgrammingError(msg="SQL compilation error: see PolicyViolationError: denied", errno=1))
    assert not isinstance(hidden, PolicyDeniedError)
    bad = SHARE.replace("DATABASE D TO", 'DATABASE "D"; DROP DATABASE E; -- TO')
    told_ = from_connector(ProgrammingError(msg=traceback("ReferenceUsageGrantMissingException", bad), errno=1))
    assert "DROP" not in str(told_.fix)
    grant = "Insufficient privileges: x ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE('UPDATE', 'EVIL')"
    assert "EVIL" not in str(from_connector(ProgrammingError(msg=f"TemplateRenderError: {grant}", errno=1)).fix)
    pool = "ComputePoolError: the job asks for 9 nodes, and compute pool P has at most 2; ALTER COMPUTE POOL {} SET "
    for name in ("P; DROP POOL", '"P;x"', "P RENAME"):
        message = pool.format(name) + "MAX_NODES = 9"
        assert "ALTER" not in str(from_connector(ProgrammingError(msg=message, errno=1)).fix)


def test_a_long_error_is_bounded_and_says_so() -> None:
    long = from_connector(ProgrammingError(msg="SpecValidationError: " + "x" * 3_000_000, errno=1))
    assert len(long.what) < MOST_TOLD + 100
    assert "more characters" in long.what
    lines = told("\n".join(f"line {number}" for number in range(10_000)))
    assert len(lines.message.split("\n")) == MOST_LINES + 1


@pytest.mark.parametrize(
    "raw", ["", "Traceback (most recent call last):", "(1304):", "**FAILURE**:", "\x00", "navlib.x.Y"]
)
def test_half_an_error_is_an_error(raw: str) -> None:
    assert from_connector(ProgrammingError(msg=raw, errno=1)).what


@pytest.mark.parametrize("name", list(ErrorName), ids=str)
def test_each_name_has_its_remedy(name: ErrorName) -> None:
    assert name.fix or name is ErrorName.SpecValidationError, "whose message says what to correct, and where"


def test_every_command_that_a_remedy_names_exists() -> None:
    fixes = [*(str(name.fix or "") for name in ErrorName), *(remedy.fix for remedy in REMEDIES)]
    named = {words for fix in fixes for words in re.findall(r"cleanroom-ml ([a-z]+(?: [a-z]+)?)", fix)}
    assert len(named) > 10
    for words in named:
        noun, _, verb = words.partition(" ")
        found = typer.main.get_command(import_module(f"cleanroom_ml.cli.commands.{entries()[noun].module}").app)
        verbs = getattr(found, "commands", None)
        alone = not verb and getattr(found, "invoke_without_command", False)
        assert verbs is None or verb in verbs or alone, words


def test_every_remedy_says_what_it_is_about() -> None:
    assert all(remedy.about and remedy.fix for remedy in REMEDIES)
