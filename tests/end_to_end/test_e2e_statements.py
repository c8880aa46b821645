"""Every SQL statement of every command, held against a golden file and against what the clean room documents.

Rewrite the file after a change that is meant:
`CLEANROOM_ML_REWRITE_GOLDEN=1 .venv/bin/pytest tests/end_to_end/test_e2e_statements.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from e2e_statements import Recorder, walk

from cleanroom_ml.cli.table import entries
from cleanroom_ml.engine.sql.read.call import parse_call

pytestmark = pytest.mark.sandbox

GOLDEN = Path(__file__).with_name("golden") / "statements.sql"

# docs/api-digest.md §3: how many arguments each procedure takes.
DOCUMENTED = {
    "REGISTRY.REGISTER_TEMPLATE": {1, 2},
    "REGISTRY.VIEW_REGISTERED_TEMPLATES": {0, 1},
    "REGISTRY.UNREGISTER_TEMPLATE": {1},
    "REGISTRY.VIEW_REGISTRIES": {0},
    "REGISTRY.REGISTER_DATA_OFFERING": {1, 2},
    "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS": {0, 1},
    "REGISTRY.UNREGISTER_DATA_OFFERING": {1},
    "REGISTRY.REGISTER_CODE_SPEC": {1, 2},
    "REGISTRY.VIEW_REGISTERED_CODE_SPECS": {0, 1},
    "ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE": {2},
    "ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE": {4},
    "ADMIN.REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE": {2},
    "ADMIN.REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE": {4},
    "ADMIN.CHECK_PRIVILEGES": {1, 3},
    "REGISTRY.CREATE_REGISTRY": {2},
    "COLLABORATION.INITIALIZE": {1, 2},
    "COLLABORATION.EDIT": {2},
    "COLLABORATION.LEAVE": {1},
    "COLLABORATION.TEARDOWN": {1},
    "COLLABORATION.REVIEW": {2, 3},
    "COLLABORATION.JOIN": {1},
    "COLLABORATION.GET_STATUS": {1},
    "COLLABORATION.VIEW_COLLABORATIONS": {0},
    "COLLABORATION.LINK_DATA_OFFERING": {3},
    "COLLABORATION.UNLINK_DATA_OFFERING": {3},
    "COLLABORATION.VIEW_DATA_OFFERINGS": {1},
    "COLLABORATION.ADD_TEMPLATE_REQUEST": {3},
    "COLLABORATION.REMOVE_TEMPLATE": {3},
    "COLLABORATION.VIEW_TEMPLATES": {1},
    "COLLABORATION.VIEW_CODE_SPECS": {1},
    "COLLABORATION.VIEW_UPDATE_REQUESTS": {1},
    "COLLABORATION.APPROVE_UPDATE_REQUEST": {2},
    "COLLABORATION.REJECT_UPDATE_REQUEST": {3},
    "COLLABORATION.GET_CONFIGURATION": {1},
    "COLLABORATION.SET_CONFIGURATION": {3},
    "COLLABORATION.RUN": {2, 5},
    "COLLABORATION.RUN_ML_JOB_ACTION": {2},
    "COLLABORATION.VIEW_ACTIVATIONS": {1},
    "COLLABORATION.PROCESS_ACTIVATION": {1, 2},
    "COLLABORATION.VIEW_ACTIVITY_HISTORY": {1},
}
# What only the embedded engine has: the target is asked, and where it has it not, what is documented does.
ENGINE_ONLY = {
    "APPROVALS.VIEW_DECISIONS": {1},
    "APPROVALS.DESCRIBE_REQUEST": {2},
    "CODE_SPECS.DESCRIBE": {1},
    "IMAGES.COMPARE": {2},
    "JOBS.LIST": {2},
    "JOBS.STATUS": {2},
    "JOBS.LOGS": {3},
    "JOBS.EVENTS": {3},
    "JOBS.USAGE": {2},
    "JOBS.CANCEL": {2},
}
# docs/api-digest.md §2, ml_job_action.
DOCUMENTED_ACTIONS = {"get_status", "get_logs", "get_result"}
DOCUMENTED_ACTION_KEYS = {"api_version", "spec_type", "job_id", "action"}

# What needs no procedure: the clean room's documentation and Snowflake's SQL reference name each.
PLAIN_SQL = (
    "CREATE STAGE IF NOT EXISTS ",
    "PUT 'file://",
    "LIST '@",
    "REMOVE '@",
    "ALTER STAGE ",
    "CREATE COMPUTE POOL ",
    "ALTER COMPUTE POOL ",
    "DROP COMPUTE POOL ",
    "SHOW COMPUTE POOLS",
    "SHOW PROCEDURES IN DATABASE CLEANROOM_ML",
    "SHOW ROLES",
    "GRANT USAGE ON COMPUTE POOL ",
    "GRANT USAGE ON WAREHOUSE ",
    "SELECT CURRENT_",
    "SHOW DATABASES LIKE '",
    "SELECT RECORDS FROM ",
    # `load`, whose own statements are those of Snowflake's clients; `sql` sends what it is given.
    "CREATE TEMPORARY STAGE ",
    "CREATE TEMPORARY FILE FORMAT ",
    "CREATE TEMPORARY TABLE ",
    "CREATE TABLE ",
    "SELECT * FROM TABLE(INFER_SCHEMA(",
    "COPY INTO ",
    "SELECT COUNT(*) FROM ",
    "SELECT/**/",
    "SHOW TABLES IN SCHEMA ",
    "DESCRIBE TABLE ",
    "DROP TABLE ",
    "DROP STAGE ",
)
# Commands that send nothing to an account.
SILENT = {
    "init", "validate", "demo", "doctor", "account", "engine", "image", "completion", "help",
}  # fmt: skip


@pytest.fixture(scope="module")
def recorder(new_project):
    pair = new_project("golden")
    made = Recorder(pair)
    walk(made)
    return made


@pytest.fixture(scope="module")
def statements(recorder):
    return [(each, statement) for each in recorder.recorded for statement in each.statements]


def test_the_statements_of_every_command_are_the_golden_ones(recorder):
    told = recorder.text()
    if os.environ.get("CLEANROOM_ML_REWRITE_GOLDEN"):
        GOLDEN.write_text(told, encoding="utf-8")
    assert told == GOLDEN.read_text(encoding="utf-8")


def test_every_command_that_reaches_an_account_is_in_it(recorder):
    typed = {each.words.split()[0] for each in recorder.recorded}
    assert typed == set(entries()) - SILENT
    assert [each.words for each in recorder.recorded if not each.statements] == []


def test_every_call_is_documented_with_that_many_arguments(statements):
    calls = [parse_call(statement) for _, statement in statements if statement.startswith("CALL ")]
    assert len(calls) > 50
    for call in calls:
        databases = {"SAMOOHA_BY_SNOWFLAKE_LOCAL_DB": DOCUMENTED, "CLEANROOM_ML": ENGINE_ONLY}
        procedure = ".".join(call.name[1:])
        assert procedure in databases[call.name[0]]
        assert len(call.args) in databases[call.name[0]][procedure], procedure


def test_every_other_statement_is_plain_sql(statements):
    for _, statement in statements:
        calls = ("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.", "CALL CLEANROOM_ML.")
        assert statement.startswith((*calls, *PLAIN_SQL)), statement


def test_a_job_is_asked_for_what_is_documented_with_the_documented_keys(statements):
    for _, statement in statements:
        if "RUN_ML_JOB_ACTION" not in statement:
            continue
        spec = yaml.safe_load(str(parse_call(statement).args[1]))
        assert spec["action"].lower() in DOCUMENTED_ACTIONS
        assert set(spec) == DOCUMENTED_ACTION_KEYS


def test_no_statement_carries_a_secret(statements, person):
    secret = (person.home / "operator.secret").read_text().strip()
    assert secret
    for _, statement in statements:
        assert secret not in statement
        assert "PRIVATE KEY" not in statement
