"""Which privilege opens which procedure to a role that is not SAMOOHA_APP_ROLE: the documentation's own table.

Source: docs.snowflake.com, cleanrooms/manage-access ("DCR privilege requirements for Collaboration API procedures")
and cleanrooms/collaboration-api-reference ("Access management procedures"). A procedure that is not here is for
ACCOUNTADMIN and SAMOOHA_APP_ROLE alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CREATE: Final = "CREATE COLLABORATION"
JOIN: Final = "JOIN COLLABORATION"
_MEMBERS: Final = frozenset({CREATE, JOIN})

# What CREATE COLLABORATION and JOIN COLLABORATION need beside themselves, by GRANT … ON ACCOUNT.
BESIDE: Final = (
    *("APPLY ROW ACCESS POLICY", "CREATE APPLICATION", "CREATE DATABASE", "CREATE LISTING"),
    *("CREATE SHARE", "IMPORT SHARE", "MANAGE SHARE TARGET"),
)

ON_ACCOUNT: Final = frozenset(
    {JOIN, CREATE, "VIEW COLLABORATIONS", "REVIEW COLLABORATION", "CREATE REGISTRY", "VIEW REGISTRIES"}
    | {"REGISTER DATA OFFERING", "REGISTER TEMPLATE", "REGISTER CODE SPEC", "VIEW DCR STATUS"}
    | {"VIEW REGISTERED DATA OFFERINGS", "VIEW REGISTERED TEMPLATES", "VIEW REGISTERED CODE SPECS"}
)
ON_OBJECT: Final[Mapping[str, frozenset[str]]] = {
    "COLLABORATION": frozenset(
        {"READ", "RUN", "UPDATE", "GET STATUS", "VIEW DATA OFFERINGS", "VIEW TEMPLATES", "VIEW CODE SPECS"}
        | {"VIEW UPDATE REQUESTS", "VIEW ACTIVATIONS", "VIEW ACTIVITY HISTORY", "ADD TEMPLATE REQUEST"}
        | {"REMOVE TEMPLATE", "MANAGE UPDATE REQUEST", "MANAGE TEMPLATE AUTO APPROVAL", "PROCESS ACTIVATION"}
        | {"LINK LOCAL DATA OFFERINGS", "UNLINK LOCAL DATA OFFERINGS", "RUN ML JOB ACTION"}
    ),
    "REGISTRY": frozenset({"READ", "REGISTER"}),
}


@dataclass(frozen=True, slots=True)
class Opens:
    """What opens one procedure: any one of these.

    Args:
        account: privileges on the account. For what is done in a collaboration, only in those that the role owns.
        object: privileges on the collaboration.
        beside: the role also needs BESIDE: it makes the application, its shares and listings.
        single: no secondary role may be active (service-behaviour, "Session").
    """

    account: frozenset[str] = frozenset()
    object: frozenset[str] = frozenset()
    beside: bool = False
    single: bool = False


def _members(*privileges: str) -> Opens:
    """A procedure of those who created or joined the collaboration, and of who has a privilege on it."""
    return Opens(_MEMBERS, frozenset(privileges))


_APPROVAL: Final = _members("UPDATE", "MANAGE UPDATE REQUEST")
_SETTING: Final = _members("UPDATE", "MANAGE TEMPLATE AUTO APPROVAL")
COLLABORATION: Final[Mapping[str, Opens]] = {
    "INITIALIZE": Opens(frozenset({CREATE}), beside=True),
    "REVIEW": Opens(_MEMBERS | {"REVIEW COLLABORATION"}),
    "JOIN": Opens(_MEMBERS, beside=True, single=True),
    "LEAVE": _members(),
    "TEARDOWN": _members(),
    "EDIT": _members("UPDATE"),
    "GET_STATUS": _members("READ", "GET STATUS"),
    "LINK_DATA_OFFERING": Opens(_MEMBERS, single=True),
    "UNLINK_DATA_OFFERING": _members(),
    "LINK_LOCAL_DATA_OFFERING": Opens(_MEMBERS, frozenset({"UPDATE", "LINK LOCAL DATA OFFERINGS"}), single=True),
    "UNLINK_LOCAL_DATA_OFFERING": _members("UPDATE", "UNLINK LOCAL DATA OFFERINGS"),
    "VIEW_DATA_OFFERINGS": _members("READ", "VIEW DATA OFFERINGS"),
    "ADD_TEMPLATE_REQUEST": _members("UPDATE", "ADD TEMPLATE REQUEST"),
    "REMOVE_TEMPLATE": _members("UPDATE", "REMOVE TEMPLATE"),
    "VIEW_TEMPLATES": _members("READ", "VIEW TEMPLATES"),
    "VIEW_CODE_SPECS": _members("READ", "VIEW CODE SPECS"),
    "VIEW_UPDATE_REQUESTS": _members("READ", "UPDATE", "VIEW UPDATE REQUESTS"),
    "APPROVE_UPDATE_REQUEST": _APPROVAL,
    "REJECT_UPDATE_REQUEST": _APPROVAL,
    "GET_CONFIGURATION": _members("READ", "MANAGE TEMPLATE AUTO APPROVAL"),
    "SET_CONFIGURATION": _SETTING,
    "ENABLE_TEMPLATE_AUTO_APPROVAL": _SETTING,
    "DISABLE_TEMPLATE_AUTO_APPROVAL": _SETTING,
    "RUN": _members("RUN"),
    "RUN_ML_JOB_ACTION": _members("RUN ML JOB ACTION"),
    "VIEW_ACTIVATIONS": _members("VIEW ACTIVATIONS", "RUN"),
    "PROCESS_ACTIVATION": _members("PROCESS ACTIVATION"),
    "VIEW_ACTIVITY_HISTORY": _members("VIEW ACTIVITY HISTORY"),
}
# Whoever may not see a collaboration gets no row for it; nobody is refused (service-behaviour, "Session").
VIEW_COLLABORATIONS: Final = Opens(_MEMBERS | {"VIEW COLLABORATIONS", "REVIEW COLLABORATION"})

REGISTRY: Final[Mapping[str, Opens]] = {
    "REGISTER_TEMPLATE": Opens(frozenset({"REGISTER TEMPLATE"})),
    "UNREGISTER_TEMPLATE": Opens(frozenset({"REGISTER TEMPLATE"})),
    "VIEW_REGISTERED_TEMPLATES": Opens(_MEMBERS | {"VIEW REGISTERED TEMPLATES"}),
    "REGISTER_DATA_OFFERING": Opens(frozenset({"REGISTER DATA OFFERING"}), single=True),
    "UNREGISTER_DATA_OFFERING": Opens(frozenset({"REGISTER DATA OFFERING"})),
    "VIEW_REGISTERED_DATA_OFFERINGS": Opens(_MEMBERS | {"VIEW REGISTERED DATA OFFERINGS"}),
    "REGISTER_CODE_SPEC": Opens(frozenset({"REGISTER CODE SPEC"})),
    "VIEW_REGISTERED_CODE_SPECS": Opens(_MEMBERS | {"VIEW REGISTERED CODE SPECS"}),
    "CREATE_REGISTRY": Opens(frozenset({"CREATE REGISTRY"})),
    "VIEW_REGISTRIES": Opens(_MEMBERS | {"VIEW REGISTRIES", "CREATE REGISTRY"}),
}
# The kind and the position of the argument that names something registered, which may be in a custom registry.
NAMES_RESOURCE: Final[Mapping[str, tuple[str, int]]] = {
    "LINK_DATA_OFFERING": ("DATA OFFERING", 1),
    "LINK_LOCAL_DATA_OFFERING": ("DATA OFFERING", 1),
    "ADD_TEMPLATE_REQUEST": ("TEMPLATE", 1),
    "UNREGISTER_TEMPLATE": ("TEMPLATE", 0),
    "UNREGISTER_DATA_OFFERING": ("DATA OFFERING", 0),
}
# Each asks by itself: who owns the object, or manages grants; what everybody may know.
ADMIN: Final = frozenset(
    {"GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "CHECK_PRIVILEGES"}
    | {"REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE", "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE"}
)
LIBRARY: Final = frozenset({"CHECK_MOUNT_STATUS"})
