"""Which privilege opens which procedures, and parties with a lesser role."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rooms_world import Party, World, records

from cleanroom_ml.engine.assembly.procedures import DATABASE, PROCEDURES
from cleanroom_ml.engine.rooms import privileges
from cleanroom_ml.engine.rooms.role_checks import RoleChecks
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.sessions import Session

ON_COLLABORATION = {
    "READ": "GET_STATUS GET_CONFIGURATION VIEW_CODE_SPECS VIEW_DATA_OFFERINGS VIEW_UPDATE_REQUESTS VIEW_TEMPLATES",
    "RUN": "RUN VIEW_ACTIVATIONS",
    "UPDATE": "EDIT LINK_LOCAL_DATA_OFFERING UNLINK_LOCAL_DATA_OFFERING ADD_TEMPLATE_REQUEST REMOVE_TEMPLATE"
    " APPROVE_UPDATE_REQUEST REJECT_UPDATE_REQUEST ENABLE_TEMPLATE_AUTO_APPROVAL DISABLE_TEMPLATE_AUTO_APPROVAL"
    " SET_CONFIGURATION VIEW_UPDATE_REQUESTS",
    "GET STATUS": "GET_STATUS",
    "VIEW DATA OFFERINGS": "VIEW_DATA_OFFERINGS",
    "VIEW TEMPLATES": "VIEW_TEMPLATES",
    "VIEW CODE SPECS": "VIEW_CODE_SPECS",
    "VIEW UPDATE REQUESTS": "VIEW_UPDATE_REQUESTS",
    "VIEW ACTIVATIONS": "VIEW_ACTIVATIONS",
    "VIEW ACTIVITY HISTORY": "VIEW_ACTIVITY_HISTORY",
    "ADD TEMPLATE REQUEST": "ADD_TEMPLATE_REQUEST",
    "REMOVE TEMPLATE": "REMOVE_TEMPLATE",
    "MANAGE UPDATE REQUEST": "APPROVE_UPDATE_REQUEST REJECT_UPDATE_REQUEST",
    "MANAGE TEMPLATE AUTO APPROVAL": "ENABLE_TEMPLATE_AUTO_APPROVAL DISABLE_TEMPLATE_AUTO_APPROVAL"
    " GET_CONFIGURATION SET_CONFIGURATION",
    "LINK LOCAL DATA OFFERINGS": "LINK_LOCAL_DATA_OFFERING",
    "UNLINK LOCAL DATA OFFERINGS": "UNLINK_LOCAL_DATA_OFFERING",
    "PROCESS ACTIVATION": "PROCESS_ACTIVATION",
    "RUN ML JOB ACTION": "RUN_ML_JOB_ACTION",  # manage-access
}
# GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE, for a role that owns no collaboration: what it opens all the same.
ON_ACCOUNT = {
    "JOIN COLLABORATION": "REVIEW VIEW_REGISTRIES VIEW_REGISTERED_CODE_SPECS VIEW_REGISTERED_DATA_OFFERINGS"
    " VIEW_REGISTERED_TEMPLATES",
    "CREATE COLLABORATION": "INITIALIZE REVIEW VIEW_REGISTRIES VIEW_REGISTERED_CODE_SPECS"
    " VIEW_REGISTERED_DATA_OFFERINGS VIEW_REGISTERED_TEMPLATES",
    "VIEW COLLABORATIONS": "",
    "REGISTER DATA OFFERING": "REGISTER_DATA_OFFERING UNREGISTER_DATA_OFFERING",
    "VIEW REGISTERED DATA OFFERINGS": "VIEW_REGISTERED_DATA_OFFERINGS",
    "REGISTER TEMPLATE": "REGISTER_TEMPLATE UNREGISTER_TEMPLATE",
    "VIEW REGISTERED TEMPLATES": "VIEW_REGISTERED_TEMPLATES",
    "REGISTER CODE SPEC": "REGISTER_CODE_SPEC",
    "VIEW REGISTERED CODE SPECS": "VIEW_REGISTERED_CODE_SPECS",
    "CREATE REGISTRY": "CREATE_REGISTRY VIEW_REGISTRIES",
    "REVIEW COLLABORATION": "REVIEW",
    "VIEW REGISTRIES": "VIEW_REGISTRIES",
    "VIEW DCR STATUS": "",
}
BESIDE = (
    *("APPLY ROW ACCESS POLICY", "CREATE APPLICATION", "CREATE DATABASE", "CREATE LISTING", "CREATE SHARE"),
    *("IMPORT SHARE", "MANAGE SHARE TARGET"),
)
ANYBODY = {"VIEW_COLLABORATIONS"}


def lesser(world: World, account: str, role: str = "WORKER", *sql: str) -> Party:
    """Another session of an account's user, with a role that has nothing but what `sql` gives it."""
    own = world.parties[account]
    for text in (f"CREATE ROLE IF NOT EXISTS {role}", f"GRANT ROLE {role} TO USER ann", *sql):
        own.sql(text)
    session, _ = world.storage.sessions.create(account, "ANN", role=role)
    return Party(own.procedures, session, own.executor)


def admin(party: Party, procedure: str, *args: Any) -> list[dict[str, Any]]:
    return records(party.procedures.call(party.session, (DATABASE, "ADMIN", procedure), args, query_id="q"))


def refused(party: Party, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


def opened(world: World, session: Session, name: str = "lookalike") -> set[str]:
    """The procedures that this session may call on a collaboration, by the check that stands before all of them."""
    checks: RoleChecks = world.rooms.role_checks
    found = set()
    for schema, procedure in every_procedure():
        args = {"REVIEW": ("new", "LOCAL.PUBLISHER"), "INITIALIZE": ("spec",)}.get(procedure, (name, "x_v1"))
        given = ("x_v1",) if procedure.startswith(("REGISTER", "UNREGISTER")) else ()
        try:
            checks.check(session, schema, procedure, given if schema == "REGISTRY" else args)
        except SqlError as error:
            if not re.search("Insufficient privileges|CollaborationNotFoundException", error.message):
                raise
        else:
            found.add(procedure)
    return found - ANYBODY


def every_procedure() -> list[tuple[str, str]]:
    """Those that are built, and those that the documentation has and another change may be building."""
    known = {("COLLABORATION", each) for each in privileges.COLLABORATION}
    known |= {("REGISTRY", each) for each in privileges.REGISTRY}
    built = {(schema, name) for schema in ("COLLABORATION", "REGISTRY") for name in PROCEDURES[schema]}
    return sorted(known | built)
