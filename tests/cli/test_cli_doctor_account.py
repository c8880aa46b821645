"""`doctor -c NAME` and `connection test`, really connected to what answers in the service's forms, and to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from account_stand_in import Account, Answer, listening, refused, rows

from cleanroom_ml.connection.target import Target
from cleanroom_ml.services.doctor import PREPARATIONS, Finding, checks
from cleanroom_ml.services.doctor.finding import verdicts

UNKNOWN = refused("002140", "SQL compilation error:\nUnknown user-defined function SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.X")
WHO = {
    "ORGANIZATION": "ORG", "ACCOUNT": "ACC", "USER_NAME": "ME", "ROLE": "ANALYST", "WAREHOUSE": "APP_WH",
    "SECONDARY_ROLES": '{"roles":"","value":""}', "VERSION": "9.1",
}  # fmt: skip
# The service's answers, as service-behaviour.md, the documentation's SHOW and DESCRIBE pages, and fields have them.
WELL: dict[str, Answer] = {
    "USE": rows(["status"], ["Statement executed successfully."]),
    "SELECT CURRENT_ORG": rows(list(WHO), list(WHO.values())),
    "SELECT CURRENT_USER() AS NAME": rows(["NAME"], ["ME"]),
    "SELECT CURRENT_ROLE": rows(["ROLE"], ["ANALYST"]),
    "SHOW DATABASES": rows(["created_on", "name"], ["", "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"]),
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.LIBRARY.CHECK_MOUNT_STATUS": rows(["CHECK_MOUNT_STATUS"], ["true"]),
    "SELECT * FROM SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.VERSION": rows(["VERSION"], ["17.5"]),
    "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.ADMIN.CHECK_PRIVILEGES": rows(["CHECK_PRIVILEGES"], ["true"]),
    "DESCRIBE USER": rows(["property", "value"], ["FIRST_NAME", "A"], ["LAST_NAME", "B"], ["EMAIL", "a@b.example"]),
    "SHOW GRANTS": rows(
        ["privilege", "granted_on", "name", "grant_option"],
        ["REFERENCE_USAGE", "DATABASE", "ML_DB", "true"],
        ["USAGE", "DATABASE", "ML_DB", "true"],
        ["USAGE", "SCHEMA", "ML_DB.PUBLIC", "true"],
        ["OWNERSHIP", "TABLE", "ML_DB.PUBLIC.CUSTOMERS", "true"],
    ),
    "SHOW COMPUTE POOL INSTANCE FAMILIES": rows(["name"], ["CPU_X64_S"], ["GPU_NV_S"]),
    "SHOW COMPUTE POOLS": rows(["name", "state", "instance_family"], ["ML_POOL", "IDLE", "CPU_X64_S"]),
    "DESCRIBE APPLICATION SFDCR_room": rows(
        ["property", "value"], ["name", "SFDCR_ROOM"], ["upgrade_state", "COMPLETE"]
    ),
    "SHOW PROCEDURES": rows(["name", "schema_name", "catalog_name"]),
}
OFFERING = """api_version: 2.0.0
spec_type: data_offering
name: offer
version: V1
datasets:
  - alias: customers
    data_object_fqn: ML_DB.PUBLIC.CUSTOMERS
    allowed_analyses: template_only
    object_class: custom
    schema_and_template_policies:
      AGE:
        category: passthrough
"""
PROJECT = """version: 1
collaboration: room
offerings: [offering.yaml]
pool: {name: ML_POOL, family: CPU_X64_S}
"""


def answering(account: Account, **changed: Answer) -> None:
    """Answers by how the statement begins; the longest beginning decides. `changed` by a word of the beginning."""
    answers = dict(WELL)
    for word, answer in changed.items():
        [key] = [key for key in WELL if word in key.replace(" ", "_")]
        answers[key] = answer

    def answer_to(sql: str) -> Answer:
        fitting = [key for key in answers if sql.startswith(key)]
        return answers[max(fitting, key=len)] if fitting else UNKNOWN

    account.statement = answer_to


@pytest.fixture
def account(person: Path) -> Iterator[Account]:
    with listening(Account()) as there:
        answering(there)
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in there.settings.items())
        (person / "snowflake").mkdir()
        file = person / "snowflake/connections.toml"
        file.write_text(f"[dev]\nuser = 'me'\npassword = 'secret'\n{lines}")
        file.chmod(0o600)
        Path("cleanroom.yaml").write_text(PROJECT)
        Path("offering.yaml").write_text(OFFERING)
        yield there


def told(cli, *words: str, code: int = 0) -> dict[str, dict[str, object]]:
    ran = cli("doctor", "-c", "dev", "--format", "json", *words)
    assert ran.code == code, ran
    return {each["name"]: each for each in reversed(json.loads(ran.out))}


def test_an_account_that_is_ready(account: Account, cli) -> None:
    found = told(cli)
    assert {name: each["ok"] for name, each in found.items()} == dict.fromkeys(found, True)
    assert len(found) == 14
    assert found.keys() - {each.check for each in PREPARATIONS} == {"extras"}, "docs/targets.md has a line for each"
    changing = ("CREATE", "ALTER", "GRANT", "DROP", "INSERT", "PUT")
    assert not [sql for sql in account.statements if sql.startswith(changing)], "doctor changes nothing"


@pytest.mark.parametrize(
    ("word", "answer", "name", "fix"),
    [
        ("CURRENT_ORG", rows([*WHO], [*{**WHO, "WAREHOUSE": None}.values()]), "warehouse", "--warehouse APP_WH"),
        (
            "CURRENT_ORG",
            rows([*WHO], [*{**WHO, "SECONDARY_ROLES": '{"roles":"A,B","value":"ALL"}'}.values()]),
            "secondary roles",
            "USE SECONDARY ROLES NONE",
        ),
        ("SHOW_DATABASES", rows(["name"]), "clean rooms", "install 'Snowflake Data Clean Rooms'"),
        ("MOUNT", rows(["CHECK_MOUNT_STATUS"], ["false"]), "mount", "PREPARE_MOUNT_SCRIPT"),
        ("ADMIN.VERSION", rows(["VERSION"], ["16.2"]), "version", "APPLY_PATCH"),
        (
            "PRIVILEGES",
            rows(["R"], ['{"JOIN COLLABORATION": true, "REGISTER TEMPLATE": false}']),
            "privileges",
            "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE('REGISTER TEMPLATE'",
        ),
        ("DESCRIBE_USER", rows(["property", "value"], ["EMAIL", "null"]), "profile", 'ALTER USER "ME" SET FIRST_NAME'),
        (
            "GRANTS",
            rows(["privilege", "granted_on", "name", "grant_option"], ["USAGE", "DATABASE", "ML_DB", "false"]),
            "grants on the data",
            "GRANT REFERENCE_USAGE ON DATABASE ML_DB TO ROLE ANALYST WITH GRANT OPTION",
        ),
        ("POOLS", rows(["name", "state", "instance_family"]), "pool", "cleanroom-ml pool create"),
        (
            "POOLS",
            rows(["name", "state", "instance_family"], ["ML_POOL", "IDLE", "CPU_X64_M"]),
            "pool",
            "cleanroom-ml pool drop ML_POOL && cleanroom-ml pool create",
        ),
        (
            "POOLS",
            rows(["name", "state", "instance_family", "application"], ["ML_POOL", "IDLE", "CPU_X64_S", "SFDCR_OTHER"]),
            "pool",
            "another name for `pool` in cleanroom.yaml",
        ),
        (
            "APPLICATION",
            rows(["property", "value"], ["upgrade_state", "UPGRADING"]),
            "application",
            "DESCRIBE APPLICATION SFDCR_room",
        ),
    ],
)
def test_each_line_that_is_not_well_has_its_statement(
    account: Account, cli, word: str, answer: Answer, name: str, fix: str
) -> None:
    """service-behaviour.md, "Session", "Data grants", "What is asynchronous"."""
    answering(account, **{word: answer})
    line = told(cli, code=1)[name]
    assert line["ok"] is False
    assert fix in str(line["fix"])


def test_what_a_target_does_not_answer_is_not_shown_and_no_fault(account: Account, cli) -> None:
    account.statement = lambda sql: WELL["SELECT CURRENT_ORG"] if sql.startswith("SELECT CURRENT_ORG") else UNKNOWN
    ran = cli("doctor", "-c", "dev")
    assert "--  mount: not shown by this target: SQL compilation error: Unknown user-defined function" in ran.out
    assert "Traceback" not in ran.out + ran.err


def test_an_account_that_refuses_the_login_is_said_and_the_rest_is_not_asked(account: Account, cli) -> None:
    account.login = refused("390100", "Incorrect username or password was specified.")
    found = told(cli, code=1)
    assert found["connection"]["ok"] is False
    assert "the account refused the login" in str(found["connection"]["detail"])
    assert found["mount"] == {"name": "mount", "ok": None, "detail": "not asked", "fix": None}


def test_role_and_warehouse_of_the_command_line_reach_the_login(account: Account, cli) -> None:
    told(cli, "--role", "SAMOOHA_APP_ROLE", "--warehouse", "APP_WH")
    assert "roleName=SAMOOHA_APP_ROLE" in account.addresses[0]
    assert "warehouse=APP_WH" in account.addresses[0]


def test_connection_test_is_the_short_of_it(account: Account, cli) -> None:
    ran = cli("connection", "test", "-c", "dev")
    assert (ran.code, "role: ANALYST" in ran.out, "clean_rooms: SAMOOHA" in ran.out) == (0, True, True)
    assert "secondary_roles: none is active" in ran.out
    account.statement = lambda sql: UNKNOWN if "SAMOOHA" in sql else WELL["SELECT CURRENT_ORG"]
    assert "not shown by this target" in cli("connection", "test", "-c", "dev").out


@pytest.mark.parametrize(
    "answer",
    [
        [{"privilege": "JOIN COLLABORATION", "granted": True}, {"privilege": "REGISTER TEMPLATE", "granted": "N"}],
        [{"r": '{"JOIN COLLABORATION": true, "REGISTER TEMPLATE": false}'}],
        [{"r": '[{"privilege": "join collaboration", "has": "yes"}, {"privilege": "register template", "has": "no"}]'}],
        [{"r": {"results": {"JOIN COLLABORATION": "GRANTED", "REGISTER TEMPLATE": False}}}],
    ],
)
def test_privileges_are_read_in_any_form(answer: list[dict[str, object]]) -> None:
    """The form of CHECK_PRIVILEGES' answer is not documented (service-behaviour.md: be tolerant)."""
    assert verdicts(answer) == {"JOIN COLLABORATION": True, "REGISTER TEMPLATE": False}


@pytest.mark.parametrize("answer", [[], [{}], [{"r": None}], [{"r": "[" * 5000}], [{"r": "what"}], [{"r": [[["x"]]]}]])
def test_an_unknown_form_is_no_verdict(answer: list[dict[str, object]]) -> None:
    assert verdicts(answer) == {}


def test_doctor_asks_an_engine_too(account: Account) -> None:
    """What every check asks is a statement: none goes by the target's name."""
    from cleanroom_ml.connection import connect
    from cleanroom_ml.connection.setting import Setting

    settings = {"user": "me", "password": "x", **account.settings}
    given = tuple(Setting(key, value, "test") for key, value in settings.items())
    told_: list[list[Finding]] = []
    for kind in ("snowflake", "server"):
        with connect(Target("dev", kind, given, "test")) as connection:  # type: ignore[arg-type]
            told_.append(list(checks(connection, None)))
    assert told_[0] == told_[1]
