"""The session itself: who one is, in which roles, on which warehouse, and whether the user may accept terms."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.opening import NO_SECONDARY_ROLES
from cleanroom_ml.errors import ServerError
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import quote
from cleanroom_ml.remedies import PROFILE
from cleanroom_ml.services.doctor.finding import Finding, not_shown, properties
from cleanroom_ml.services.reported import reported_or

_WHO = (
    "CURRENT_ORGANIZATION_NAME() AS ORGANIZATION", "CURRENT_ACCOUNT_NAME() AS ACCOUNT", "CURRENT_USER() AS USER_NAME",
    "CURRENT_ROLE() AS ROLE", "CURRENT_SECONDARY_ROLES() AS SECONDARY_ROLES", "CURRENT_WAREHOUSE() AS WAREHOUSE",
    "CURRENT_VERSION() AS VERSION",
)  # fmt: skip


def who(connection: Connection) -> dict[str, object]:
    """What the target says of the session; what it does not say is left out. Raises ServerError: it says nothing."""
    try:
        return dict(connection.execute(f"SELECT {', '.join(_WHO)}")[0])
    except ServerError as refused:
        found: dict[str, object] = {}
        for each in _WHO:
            with contextlib.suppress(ServerError):
                found |= connection.execute(f"SELECT {each}")[0]
        if not found:
            raise refused
        return found


def session_findings(connection: Connection) -> Iterator[Finding]:
    """Connection, role, secondary roles, warehouse. Raises ServerError."""
    found = who(connection)
    place = f"{found.get('organization')}.{found.get('account')}"
    yield Finding("connection", True, f"{found.get('user_name')} at {place}, version {found.get('version')}")
    role = found.get("role")
    yield Finding("role", bool(role), str(role or "no role is active"), None if role else "--role SAMOOHA_APP_ROLE")
    yield secondary_roles(found.get("secondary_roles"))
    warehouse = found.get("warehouse")
    fix = "--warehouse APP_WH, or `warehouse` of the connection"
    yield Finding("warehouse", bool(warehouse), str(warehouse or "none is in use"), None if warehouse else fix)


def secondary_roles(told: object) -> Finding:
    """CURRENT_SECONDARY_ROLES() is JSON of `roles` and `value`; a target without them answers nothing."""
    nothing: Document = {}
    as_json = reported_or(told, nothing)
    active = str(as_json.get("roles") or as_json.get("value") or "") if as_json else str(told or "").strip()
    if active in ("", "{}"):
        return Finding("secondary roles", True, "none is active")
    return Finding("secondary roles", False, f"active: {active}", NO_SECONDARY_ROLES)


def profile(connection: Connection) -> Finding:
    """Who joins accepts legal terms, and needs a name and an address for that. Raises ServerError."""
    user = connection.execute("SELECT CURRENT_USER() AS NAME")[0]["name"]
    told = properties(connection.execute(f"DESCRIBE USER {quote(str(user))}"))
    wanted = ("first_name", "last_name", "email")
    if not any(key in told for key in wanted):
        return not_shown("profile")
    missing = [key for key in wanted if not told.get(key)]
    if not missing:
        return Finding("profile", True, "first name, last name and e-mail are there")
    return Finding("profile", False, f"missing: {', '.join(missing)}", PROFILE.replace("<user>", quote(str(user))))
