"""Users as sql-reference/sql/create-user, -/alter-user, -/drop-user and -/show-users have them."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.kinds import user
from cleanroom_ml.engine.storage.storage import Storage

WORD = "a long enough password"


def refused(client: Client, text: str) -> str:
    with pytest.raises(SqlError) as error:
        client.result(text)
    return error.value.message


def test_a_user_is_made_changed_and_dropped(alpha: Client, storage: Storage) -> None:
    made = alpha.rows(
        f"CREATE USER bob PASSWORD = '{WORD}' DEFAULT_ROLE = r COMMENT = 'x' MUST_CHANGE_PASSWORD = FALSE"
    )
    assert made == [("User BOB successfully created.",)]
    assert storage.accounts.verify_password("ALPHA", "BOB", WORD)
    assert alpha.rows("CREATE USER IF NOT EXISTS bob") == [("BOB already exists, statement succeeded.",)]
    shown = {row["name"]: (row["owner"], row["default_role"], row["has_password"]) for row in alpha.dicts("SHOW USERS")}
    assert shown == {"ALPHA_USER": ("ACCOUNTADMIN", "", "false"), "BOB": ("ACCOUNTADMIN", "R", "true")}
    described = dict(row[:2] for row in alpha.rows("DESCRIBE USER bob"))
    assert (described["COMMENT"], described["PASSWORD"]) == ("x", "********")
    session, _ = storage.sessions.create("ALPHA", "BOB", role="PUBLIC")
    alpha.result("ALTER USER bob SET DISABLED = TRUE")
    assert storage.sessions.get(session.id) is None
    assert not storage.accounts.verify_password("ALPHA", "BOB", WORD)
    alpha.result("ALTER USER bob UNSET COMMENT, PASSWORD")
    assert alpha.rows("DROP USER bob") == [("BOB successfully dropped.",)]
    assert alpha.rows("DROP USER IF EXISTS bob") != []
    for text, why in (
        ("CREATE USER c NO_SUCH = 1", "option NO_SUCH of a user"),
        ("CREATE USER c MUST_CHANGE_PASSWORD = TRUE", "Unsupported"),
        ("CREATE OR REPLACE USER alpha_user", "Unsupported"),
        ("CREATE USER c PASSWORD = ''", "refused"),
        ("DROP USER alpha_user", "nobody drops himself"),
        ("ALTER USER SET DISABLED = TRUE", "nobody disables himself"),
    ):
        assert why in refused(alpha, text), text
    assert storage.users.get("ALPHA", "C") is None, "nothing of what was refused is there"
    assert WORD not in refused(alpha, f"CREATE USER c PASSWORD = '{WORD}' NO_SUCH = '{WORD}'")


@pytest.mark.attack
def test_no_role_makes_itself_an_administrator(
    alpha: Client, alpha_again: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (
        "GRANT ROLE useradmin TO USER alpha_user",
        "CREATE ROLE other",
        "GRANT ROLE other TO USER alpha_user",
        "CREATE USER theirs",
    ):
        alpha.result(text)
    alpha_again.result("USE ROLE useradmin")
    alpha_again.result("CREATE USER mine")
    alpha_again.result("ALTER USER mine SET COMMENT = 'x'")
    assert "is its owner's" in refused(alpha_again, "ALTER USER theirs SET PASSWORD = 'x'")
    # The user that it owns becomes an administrator: then it is no longer its to be.
    alpha.result("GRANT ROLE accountadmin TO USER mine")
    assert "is its owner's" in refused(alpha_again, f"ALTER USER mine SET PASSWORD = '{WORD}'")
    alpha_again.result("USE ROLE other")
    assert [row["name"] for row in alpha_again.dicts("SHOW USERS")] == ["ALPHA_USER"]
    assert "does not exist or not authorized" in refused(alpha_again, "DESCRIBE USER theirs")
    # Without the control the password of an administrator is theirs to set.
    monkeypatch.setattr(user, "_require_owned", lambda work, found: None)
    alpha_again.result("USE ROLE useradmin")
    alpha_again.result(f"ALTER USER mine SET PASSWORD = '{WORD}'")
