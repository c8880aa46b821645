"""Which statements which kind of session may send: each rule, at its seam."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.statements import policy
from cleanroom_ml.engine.statements.kind import Kind


@pytest.mark.parametrize(
    ("text", "template", "restricted"),
    [
        ("SELECT 1", True, True),
        ("CREATE TABLE t (a INT)", True, True),
        ("CREATE DATABASE d", False, False),
        ("CREATE USER u", False, False),
        ("PUT file:///etc/passwd @~", False, True),
        ("USE ROLE accountadmin", False, False),
    ],
)
def test_what_a_template_and_a_room_may_send(text: str, template: bool, restricted: bool) -> None:
    statement = classify(text)
    policy.check(statement, restricted=False)
    for allowed, check in (
        (template, lambda: policy.check_template(statement)),
        (restricted, lambda: policy.check(statement, restricted=True)),
    ):
        if allowed:
            check()
        else:
            with pytest.raises(SqlError, match="Unsupported feature"):
                check()


def test_a_procedure_with_its_owners_rights_sets_nothing_of_its_callers_session() -> None:
    """developer-guide/stored-procedure/stored-procedures-rights."""
    policy.check_owner(classify("SELECT 1"))
    for text in ("USE ROLE r", "ALTER SESSION SET TIMEZONE = 'UTC'", "SET a = 1", "UNSET a"):
        with pytest.raises(SqlError, match="its owner's rights"):
            policy.check_owner(classify(text))


@pytest.mark.attack
@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("BEGIN", True),
        ("COMMIT", True),
        ("ROLLBACK", True),
        ("ALTER SESSION SET AUTOCOMMIT = TRUE", True),
        ("CREATE TABLE t (a INT)", True),
        ("DROP TABLE t", True),
        ("CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'", True),
        ("CREATE TEMPORARY PROCEDURE p() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'", False),
        ("ALTER SESSION SET TIMEZONE = 'UTC'", False),
        ("INSERT INTO t VALUES (1)", False),
        ("SELECT 1", False),
    ],
)
def test_a_procedure_in_python_does_not_end_the_transaction_that_it_was_called_in(text: str, ends: bool) -> None:
    """sql-reference/transactions, "Scoped transactions"; DDL commits the open one ("DDL")."""
    if not ends:
        policy.check_scoped(classify(text))
        return
    with pytest.raises(SqlError, match="COMMIT first"):
        policy.check_scoped(classify(text))


@pytest.mark.attack
def test_a_kind_that_says_nothing_of_roles_is_the_administrators_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deny by default: whoever adds a kind and forgets to say where roles are asked has opened nothing."""
    statement = classify("SELECT 1")
    admin, other = SimpleNamespace(everything=True), SimpleNamespace(everything=False)
    policy.check_roles(statement, other)  # type: ignore[arg-type]
    kind = Kind(type(statement), lambda work, found: None)  # type: ignore[arg-type,return-value,var-annotated]
    monkeypatch.setattr(policy, "kind_of", lambda _: kind)
    policy.check_roles(statement, admin)  # type: ignore[arg-type]
    with pytest.raises(SqlError, match="needs the role ACCOUNTADMIN"):
        policy.check_roles(statement, other)  # type: ignore[arg-type]
