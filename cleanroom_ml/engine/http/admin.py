"""What the operator of the engine can ask of it: accounts, and to stop."""

from __future__ import annotations

from cleanroom_ml.engine.contracts.public_key import PublicKey
from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.protocol.bodies import text
from cleanroom_ml.engine.protocol.errors import WireError, bad_request
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName
from cleanroom_ml.engine.storage.storage import Storage


def create_account(storage: Storage, body: dict[str, object], isolated: bool) -> dict[str, object]:
    """Make the account `name` with its `user`, who logs in with `public_key` (PEM) or `password`; again: no change.

    The answer's `created` is False where the account was there; `same_key` says whether its user's key is the one
    given.

    Raises:
        WireError: a name is none, there is no usable credential, or the engine does not isolate and the account is not
        one of the demo's.
    """
    name, user = text(body, "name", limit=255), text(body, "user", limit=255)
    key, password = text(body, "public_key", limit=16384), text(body, "password", limit=1024)
    if not name or not user:
        raise bad_request("An account needs a name and a user.")
    if not isolated and (refused := no_isolation.refusal(name)):
        raise bad_request(f"The account was not created: {refused}.")
    try:
        storage.accounts.create(name, user, password, key, _profile(name, user))
    except AlreadyExists:
        return {"created": False, "same_key": _same_key(storage, name, user, key)}
    except (InvalidName, ValueError) as error:
        raise bad_request(f"The account was not created: {error}") from error
    return {"created": True, "same_key": True}


def list_accounts(storage: Storage) -> dict[str, object]:
    """All accounts with their users."""
    return {
        "accounts": [
            {"name": account.name, "users": list(account.users), "created_on": account.created_on.isoformat()}
            for account in storage.accounts.list()
        ]
    }


def refusal(error: WireError) -> dict[str, object]:
    """The answer to the operator where something is refused."""
    return {"message": error.message}


def _same_key(storage: Storage, name: str, user: str, key: str | None) -> bool:
    there = storage.accounts.public_key(name, user)
    # A key that is none was refused before anybody asked whose account it is.
    return key is not None and there is not None and PublicKey.read(key).fingerprint == there.fingerprint


def _profile(account: str, user: str) -> dict[str, str]:
    """What an account's first user has said of themselves, as whoever makes an account at Snowflake has to: without it
    nobody can join a collaboration there.
    """
    return {"FIRST_NAME": user.title(), "LAST_NAME": account.title(), "EMAIL": f"{user}@{account}.example".lower()}
