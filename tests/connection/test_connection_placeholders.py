"""What a session knows stands in the statement that it is told to send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.connection import Connection, Target
from cleanroom_ml.connection.placeholders import filled
from cleanroom_ml.errors import CleanroomError, ServerError


@pytest.mark.parametrize(
    ("fix", "told"),
    [
        ("GRANT USAGE ON DATABASE D TO ROLE <role>", "GRANT USAGE ON DATABASE D TO ROLE ANALYST"),
        ("ALTER USER <user> SET EMAIL = '<email>'", """ALTER USER "a.b@c" SET EMAIL = '<email>'"""),
        ("cleanroom-ml doctor -c NAME  (SFDCR_<collaboration>)", "cleanroom-ml doctor -c prod  (SFDCR_look)"),
        ("--role ROLE, or --name NAME", "--role ROLE, or --name NAME"),
    ],
)
def test_a_remedy_has_the_names_that_are_known(fix: str, told: str) -> None:
    known = {"role": "ANALYST", "user": '"a.b@c"', "collaboration": "look", "connection": "prod"}
    assert filled(fix, known) == told
    assert filled(fix, {}) == fix


@pytest.mark.parametrize("name", ["", None, "api_version: 2.0.0\nname: x", "x'; DROP TABLE t; --"])
def test_what_is_no_name_is_not_put_into_a_statement(name: object) -> None:
    fix = "CALL COLLABORATION.LEAVE('<collaboration>')"
    assert filled(fix, {"collaboration": name}) == fix


@pytest.mark.parametrize(
    ("role", "told"), [("ANALYST", "ANALYST"), ('"my role"', '"my role"'), ("my role", '"my role"')]
)
def test_a_role_is_written_as_sql(role: str, told: str) -> None:
    assert filled("TO ROLE <role>", {"role": role}) == f"TO ROLE {told}"


class Refusing(Connection):
    """A session as ANALYST of ADA, who logs in by her address, by `prod`; everything else is refused."""

    def __init__(self) -> None:
        known: Any = SimpleNamespace(role="ANALYST", user="ada@b.example", close=lambda: None)
        super().__init__(Target("prod", "snowflake", (), "test"), known)

    def execute(self, sql: str) -> Any:
        if sql == "SELECT CURRENT_USER() AS NAME":
            return [{"name": "ADA"}]
        raise ServerError("no", fix="as <role> (<user>), <collaboration>: cleanroom-ml doctor -c NAME")


def test_every_error_that_leaves_a_session_has_its_names() -> None:
    with pytest.raises(CleanroomError) as caught, Refusing() as session:
        session.call("COLLABORATION.LEAVE", "look")
    assert caught.value.fix == "as ANALYST (ADA), look: cleanroom-ml doctor -c prod"
    with pytest.raises(CleanroomError) as caught, Refusing() as session:
        session.call("COLLABORATION.INITIALIZE", "api_version: 2.0.0\n")
    assert caught.value.fix == "as ANALYST (ADA), <collaboration>: cleanroom-ml doctor -c prod"
