"""Accounts of this machine's engine.

Made with a key pair, written down as a connection that any Snowflake client can use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import UsageError
from cleanroom_ml.local import operator
from cleanroom_ml.local.connections import read_connections, write_connection
from cleanroom_ml.local.engine import ensure_running
from cleanroom_ml.local.home import ensure_home
from cleanroom_ml.local.keys import ensure_key, key_file
from cleanroom_ml.naming import fold

DEFAULT_USER = "ADMIN"
WAREHOUSE = "COMPUTE_WH"


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """One account. `created` is False where it was there already; `connection` is the name of its section."""

    account: str
    user: str
    connection: str
    key_file: Path
    created: bool


def create(
    name: str, *, user: str = DEFAULT_USER, home: Home | None = None, on_start: Callable[[], None] | None = None
) -> LocalAccount:
    """The account `name` with one user, its key pair and its connection. Doing it again changes nothing and says so.

    Every step can be repeated, so an interrupted creation is finished by doing it again. `on_start` is that of
    `engine.ensure_running`.

    Raises:
        UsageError: a name is none, or the account is there with a key that is not this person's.
        ConnectError, ServerError: the engine does not start, or refuses.
    """
    home = home or ensure_home()
    account, folded_user = _folded("account", name), _folded("user", user)
    ensure_running(home, on_start=on_start)
    values = home.description_values() or {}
    key = key_file(str(values["home_id"]), account, folded_user)
    public_key = ensure_key(key)
    answer = operator.call(
        home, "POST", "/cleanroom/admin/accounts", {"name": account, "user": folded_user, "public_key": public_key}
    )
    if not answer["same_key"]:
        raise UsageError(
            f"the account {account} exists with another key",
            why=f"{key} is not the key that its user {folded_user} enrolled",
            fix=f"choose another name, or bring the key that was enrolled back to {key}",
        )
    host, port = operator.address(home)
    connection = account.lower()
    settings: dict[str, str | int] = {
        "account": account,
        "user": folded_user,
        "host": host,
        "port": port,
        "protocol": "http",
        "authenticator": "SNOWFLAKE_JWT",
        "private_key_file": str(key),
        "warehouse": WAREHOUSE,
    }
    write_connection(home, connection, settings)
    return LocalAccount(account, folded_user, connection, key, bool(answer["created"]))


def connections(home: Home | None = None) -> dict[str, dict[str, object]]:
    """The connections of this engine's accounts, by name; works while the engine does not run."""
    return dict(read_connections(home or ensure_home()))


def _folded(what: str, name: str) -> str:
    try:
        folded = fold(name)
    except ValueError as error:
        raise UsageError(
            f"{name!r} is not a name for {what}", fix="letters, digits and _; not a digit first"
        ) from error
    if folded != folded.upper() or len(folded) > 100 or not folded.replace("_", "").isalnum() or not folded.isascii():
        raise UsageError(f"{name!r} is not a name for {what}", fix="letters, digits and _; at most 100 characters")
    return folded
