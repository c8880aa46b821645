"""ADMIN.* and LIBRARY.* (collaboration-api-reference, "Access management procedures"; service-behaviour, "Session")."""

from __future__ import annotations

from typing import Any

from stand_in_registry import Procedure
from stand_in_values import Rows, table
from stand_in_world import Session, World

ON_ACCOUNT = frozenset(
    {
        "JOIN COLLABORATION", "CREATE COLLABORATION", "VIEW COLLABORATIONS", "REGISTER DATA OFFERING",
        "VIEW REGISTERED DATA OFFERINGS", "REGISTER TEMPLATE", "VIEW REGISTERED TEMPLATES", "REGISTER CODE SPEC",
        "VIEW REGISTERED CODE SPECS", "CREATE REGISTRY", "REVIEW COLLABORATION", "VIEW REGISTRIES", "VIEW DCR STATUS",
    }
)  # fmt: skip
ON_OBJECT = {
    "COLLABORATION": frozenset(
        {
            "READ", "RUN", "UPDATE", "GET STATUS", "VIEW DATA OFFERINGS", "VIEW TEMPLATES", "VIEW CODE SPECS",
            "VIEW UPDATE REQUESTS", "VIEW ACTIVATIONS", "VIEW ACTIVITY HISTORY", "ADD TEMPLATE REQUEST",
            "REMOVE TEMPLATE", "MANAGE UPDATE REQUEST", "MANAGE TEMPLATE AUTO APPROVAL", "LINK LOCAL DATA OFFERINGS",
            "UNLINK LOCAL DATA OFFERINGS", "PROCESS ACTIVATION", "RUN ML JOB ACTION",
        }
    ),
    "REGISTRY": frozenset({"READ", "REGISTER"}),
}  # fmt: skip


def _on_account(procedure: str) -> Procedure:
    def change(world: World, session: Session, given: list[Any]) -> Rows:
        privilege, role = given
        if privilege not in ON_ACCOUNT:
            raise world.shape.error("ValueError", f"unknown privilege {privilege}", procedure)
        session.account.privileges.append((procedure, privilege, role))
        return table("MESSAGE", rows=[["done"]])

    return change


def _on_object(procedure: str) -> Procedure:
    def change(world: World, session: Session, given: list[Any]) -> Rows:
        privilege, kind, name, role = given
        if privilege not in ON_OBJECT.get(kind, ()):
            raise world.shape.error("ValueError", f"unknown privilege {privilege} on {kind}", procedure)
        if kind == "COLLABORATION":
            world.room(session, name, procedure)
        session.account.privileges.append((procedure, privilege, kind, name, role))
        return table("MESSAGE", rows=[["done"]])

    return change


def _check_privileges(world: World, session: Session, given: list[Any]) -> Rows:
    """Nobody says what it answers with: one value in one shape, rows in another, an object in the third."""
    asked = [str(each) for each in given[0]]
    match world.shape.name:
        case "documented":
            return table("PRIVILEGE", "GRANTED", rows=[[each, "true"] for each in asked])
        case "field":
            return table("CHECK_PRIVILEGES", rows=[["true"]])
    return table("CHECK_PRIVILEGES:variant", rows=[[dict.fromkeys(asked, True)]])


def _mounted(world: World, session: Session, given: list[Any]) -> Rows:
    return table("CHECK_MOUNT_STATUS:boolean", rows=[[True]])


PROCEDURES: dict[str, Procedure] = {
    "ADMIN.GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE": _on_account("GRANT"),
    "ADMIN.REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE": _on_account("REVOKE"),
    "ADMIN.GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE": _on_object("GRANT"),
    "ADMIN.REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE": _on_object("REVOKE"),
    "ADMIN.CHECK_PRIVILEGES": _check_privileges,
    "LIBRARY.CHECK_MOUNT_STATUS": _mounted,
}
