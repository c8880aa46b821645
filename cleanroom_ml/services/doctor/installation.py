"""The clean rooms of the account: installed, mounted, new enough, and open to this role.

Source: `service-behaviour.md`, "Session", and the service's own pages on installing, updating and managing access.
"""

from __future__ import annotations

import re

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.literals import literal
from cleanroom_ml.errors import ServerError
from cleanroom_ml.remedies import INSTALL, MOUNT
from cleanroom_ml.services.doctor.finding import ROOM, Finding, first_line, first_value, not_shown, truth, verdicts

OLDEST = (16, 3)
"""The first version whose code specs have the content hashes that ML jobs need."""
PRIVILEGES = (
    "CREATE COLLABORATION", "JOIN COLLABORATION", "REVIEW COLLABORATION", "VIEW COLLABORATIONS",
    "REGISTER DATA OFFERING", "REGISTER TEMPLATE",
)  # fmt: skip
_VERSION = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?")
UPDATE = f"USE ROLE SAMOOHA_APP_ROLE; CALL {ROOM}.LIBRARY.APPLY_PATCH()"


def installed(connection: Connection) -> Finding:
    """Whether the database of the procedures is there for this role. Raises ServerError."""
    name = "clean rooms"
    if connection.execute(f"SHOW DATABASES LIKE '{ROOM}'"):
        return Finding(name, True, f"{ROOM} is there")
    try:
        connection.call("REGISTRY.VIEW_REGISTRIES")
    except ServerError as refused:
        return Finding(name, False, f"{ROOM} is not there for this role: {first_line(refused.what)}", INSTALL)
    return Finding(name, True, "the procedures answer")


def mounted(connection: Connection) -> Finding:
    """LIBRARY.CHECK_MOUNT_STATUS. Raises ServerError."""
    told = first_value(connection.call("LIBRARY.CHECK_MOUNT_STATUS"))
    ok = truth(told)
    if ok is None:
        return Finding("mount", None, f"the answer is not known: {first_line(str(told))}")
    return Finding("mount", ok, "mounted" if ok else "not mounted", None if ok else MOUNT)


def version(connection: Connection) -> Finding:
    """ADMIN.VERSION. Raises ServerError."""
    rows = connection.execute(f"SELECT * FROM {ROOM}.ADMIN.VERSION")
    told = next((str(value) for row in rows for key, value in row.items() if "version" in key), None)
    told = told if told is not None else str(first_value(rows) or "")
    match = _VERSION.search(told)
    if match is None:
        return Finding("version", None, f"the answer is not known: {first_line(told)}")
    found = (int(match[1]), int(match[2] or 0))
    wanted = ".".join(map(str, OLDEST))
    ok = found >= OLDEST
    return Finding("version", ok, f"{match[0]} (ML jobs need {wanted})", None if ok else UPDATE)


def privileges(connection: Connection) -> Finding:
    """ADMIN.CHECK_PRIVILEGES for what a party does. Raises ServerError."""
    rows = connection.execute(f"CALL {ROOM}.ADMIN.CHECK_PRIVILEGES({literal(PRIVILEGES)})")
    alone = truth(first_value(rows)) if len(rows) == 1 and len(rows[0]) == 1 else None
    found = {name: yes for name, yes in verdicts(rows).items() if name in PRIVILEGES}
    missing = [name for name in PRIVILEGES if found.get(name) is False]
    if alone or (found and not missing):
        return Finding("privileges", True, "the role may call the clean rooms' procedures")
    if alone is False or missing:
        fix = connection.with_names(
            "--role SAMOOHA_APP_ROLE, or as ACCOUNTADMIN: "
            f"CALL {ROOM}.ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE('{(missing or PRIVILEGES)[0]}', '<role>')"
        )
        return Finding("privileges", False, f"missing: {', '.join(missing) or 'some of those asked for'}", fix)
    return not_shown("privileges")
