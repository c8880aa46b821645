"""What an account needs before the first command, check by check, with the statement that makes it so.

docs/targets.md has it as a table; the checks themselves tell what of it is missing, with the account's own names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.connection.opening import NO_SECONDARY_ROLES
from cleanroom_ml.remedies import INSTALL, MOUNT, PROFILE
from cleanroom_ml.services.doctor.installation import OLDEST, PRIVILEGES, UPDATE
from cleanroom_ml.services.passing_on import needed_of

_ADMIN: Final = "ACCOUNTADMIN"
_YOU: Final = "you"
_OWNER: Final = "who owns the data"


@dataclass(frozen=True, slots=True)
class Preparation:
    """`check`: the line of `doctor` that tells whether it is so; empty where none can. `who` does it, once."""

    check: str
    what: str
    who: str
    statements: tuple[str, ...]


PREPARATIONS: Final = (
    Preparation(
        "connection",
        "a connection in `connections.toml`, with a person's user: who joins accepts terms",
        _YOU,
        ("cleanroom-ml connection test -c NAME",),
    ),
    Preparation("clean rooms", "Snowflake Data Clean Rooms, installed", _ADMIN, (INSTALL,)),
    Preparation("mount", "and mounted", _ADMIN, (MOUNT,)),
    Preparation("version", f"version {'.'.join(map(str, OLDEST))} or later", _ADMIN, (UPDATE,)),
    Preparation(
        "role",
        "one role for everything: who creates or reviews a room joins it and links in it, and another sees nothing",
        _ADMIN,
        ("GRANT ROLE SAMOOHA_APP_ROLE TO USER <user>",),
    ),
    Preparation(
        "privileges",
        f"which has, if it is not SAMOOHA_APP_ROLE: {', '.join(PRIVILEGES)}",
        _ADMIN,
        ('cleanroom-ml grant "CREATE COLLABORATION" --to <role>  (and each of the others)',),
    ),
    Preparation(
        "secondary roles", "no secondary role is active: every command begins with it", "nobody", (NO_SECONDARY_ROLES,)
    ),
    Preparation("warehouse", "a warehouse in use", _YOU, ("--warehouse APP_WH",)),
    Preparation("profile", "first name, last name and e-mail of the user", _ADMIN, (PROFILE,)),
    Preparation(
        "",
        "a database and a schema for the code's stage, where the role may CREATE STAGE",
        _ADMIN,
        (
            "CREATE DATABASE IF NOT EXISTS <database>; CREATE SCHEMA IF NOT EXISTS <database>.<schema>",
            "GRANT USAGE ON DATABASE <database> TO ROLE <role>; "
            "GRANT USAGE, CREATE STAGE ON SCHEMA <database>.<schema> TO ROLE <role>",
        ),
    ),
    Preparation(
        "grants on the data",
        "of each table that is offered, what the role passes on",
        _OWNER,
        tuple(each.statement("<role>") for each in needed_of("<database>", "<schema>", "<table>")),
    ),
    Preparation(
        "",
        "and, the first time that a database is shared with a room, what the error then says: expected",
        _OWNER,
        ("GRANT REFERENCE_USAGE ON DATABASE <database> TO SHARE <the share that the message names>",),
    ),
    Preparation(
        "pool families",
        "(runner) an instance family of the account's region",
        "nobody",
        ("SHOW COMPUTE POOL INSTANCE FAMILIES",),
    ),
    Preparation(
        "pool",
        "(runner) a compute pool, and the right to make one; `pool create` gives the room its use, and the warehouse's",
        _ADMIN,
        ("GRANT CREATE COMPUTE POOL ON ACCOUNT TO ROLE <role>", "cleanroom-ml pool create"),
    ),
    Preparation(
        "application",
        "after an approval with code: the room's application is upgraded; `run` waits for it",
        "nobody",
        ("DESCRIBE APPLICATION SFDCR_<collaboration>",),
    ),
    Preparation("", "for activation: Enterprise Edition", _ADMIN, ()),
)
