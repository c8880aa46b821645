"""Roles: CREATE, DROP, SHOW, GRANT ROLE and GRANT OWNERSHIP ON ROLE. A role is its owner's to drop and to give;
ACCOUNTADMIN's are all. Whoever has not all that ACCOUNTADMIN has gives no role that inherits it.
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.grant import Grant, GrantRole
from cleanroom_ml.engine.sql.read.role import CreateRole
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing
from cleanroom_ml.engine.statements.refusals import dependent, displayed, insufficient, single, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.roles import ADMIN, SYSTEM, Dependent


def create_role(work: Work, statement: CreateRole) -> Rows:
    """CREATE [OR REPLACE] ROLE [IF NOT EXISTS]. Whoever makes one is not given it."""
    name = single(statement.name)
    work.require_in_account("CREATE ROLE")
    account, roles = work.session.account, work.storage.roles
    there = roles.exists(account, name)
    if there and statement.or_replace:
        _require_owned(work, name)
    reply = success(f"Role {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        if there and statement.or_replace:
            _drop(work, name)
        made = roles.create(
            account,
            name,
            owner=work.rights.role,
            comment=str(statement.options.get("COMMENT", "")),
            if_exists="ignore" if statement.if_not_exists else "error",
        )
    return reply if made else existed(name)


def drop_role(work: Work, statement: Drop) -> Rows:
    """DROP ROLE. What it owned is the role's that drops it."""
    name = single(statement.name)
    if not work.storage.roles.exists(work.session.account, name):
        if statement.if_exists:
            return already_dropped(name)
        raise SqlError.not_found("Role", displayed(statement.name))
    _require_owned(work, name)
    reply = success(f"{name} successfully dropped.")
    with translated(statement.name), work.recorded(reply):
        _drop(work, name)
    return reply


def grant_role(work: Work, statement: GrantRole) -> Rows:
    """GRANT ROLE … TO USER | ROLE, REVOKE ROLE … FROM.

    For its owner, for who manages the account's grants, and, to and from roles, for a role that was granted it WITH
    GRANT OPTION, which takes back what it gave (sql-reference/sql/grant-role, -/revoke-role).
    """
    (role,), (grantee,) = statement.role, statement.grantee
    account, roles = work.session.account, work.storage.roles
    if not roles.exists(account, role):
        raise SqlError.not_found("Role", displayed(statement.role))
    owner = roles.owner(account, role)
    managed = _owned(work, role) or work.rights.in_account("MANAGE GRANTS")
    passing_on = sorted(each for each in roles.passing_on(account, role) if work.rights.has_role(each))
    if not managed and not (passing_on and statement.grantee_kind == "ROLE"):
        raise insufficient(
            f"role {displayed(statement.role)} is granted by the role that owns it ({displayed((owner,))}), or by one "
            "with MANAGE GRANTS on the account. USE ROLE SECURITYADMIN"
        )
    require_not_above(work, role)
    reply = success()
    with translated(statement.grantee), work.recorded(reply):
        try:
            if statement.revoke:
                by = None if managed else passing_on
                kind, option, cascade = statement.grantee_kind, statement.option, statement.cascade
                roles.revoke(account, role, kind, grantee, only_option=option, by=by, cascade=cascade)
            else:
                by_role = owner if managed else passing_on[0]
                roles.grant(account, role, statement.grantee_kind, grantee, by=by_role, option=statement.option)
        except Dependent as there:
            raise dependent("USAGE", displayed((there.role,)), there.member) from None
        except ValueError as refused:
            raise SqlError.syntax(f"{refused}.") from None
    return reply


def hand_over_role(work: Work, statement: Grant, grantee: str) -> Rows:
    """GRANT OWNERSHIP ON ROLE … TO ROLE `grantee` [COPY | REVOKE CURRENT GRANTS] (sql-reference/sql/grant-ownership).

    For its owner, to a role that the session has, and for who manages the account's grants, to any. Grants of the role
    do not block it. Raises SqlError.
    """
    account, name = work.session.account, single(statement.name)
    if not work.storage.roles.exists(account, name):
        raise SqlError.not_found("Role", displayed(statement.name))
    if name in SYSTEM:
        raise insufficient(f"{name} is a role of the system.")
    managed = work.rights.in_account("MANAGE GRANTS")
    if not managed and not (_owned(work, name) and work.rights.has_role(grantee)):
        raise insufficient(
            f"role {displayed((name,))} is given by its owner to a role that the session has, or by one with MANAGE "
            "GRANTS on the account. USE ROLE SECURITYADMIN"
        )
    for each in (name, grantee):
        require_not_above(work, each)
    reply = success()
    with translated(statement.name), work.recorded(reply):
        work.storage.roles.hand_over(account, name, grantee, current=statement.current)
    return reply


def require_not_above(work: Work, role: str) -> None:
    """Refuses whoever would give what it has not: a role that is or inherits ACCOUNTADMIN. Raises SqlError."""
    if not work.rights.everything and ADMIN in work.storage.roles.inherited(work.session.account, role):
        raise insufficient(f"role {displayed((role,))} has all that {ADMIN} has, which is {ADMIN}'s to give.")


def _drop(work: Work, name: str) -> None:
    account = work.session.account
    work.storage.grants.inherit(account, name, work.rights.role)
    work.storage.roles.drop(account, name, heir=work.rights.role)


def _owned(work: Work, name: str) -> bool:
    return work.rights.has_role(work.storage.roles.owner(work.session.account, name)) or work.rights.everything


def _require_owned(work: Work, name: str) -> None:
    if name in SYSTEM:
        raise insufficient(f"{name} is a role of the system.")
    if not _owned(work, name):
        raise insufficient(f"role {displayed((name,))} is its owner's.")


def _thing(work: Work, name: tuple[str, ...]) -> Thing:
    if not work.storage.roles.exists(work.session.account, single(name)):
        raise SqlError.not_found("Role", displayed(name))
    return Thing("ROLE", name=name[0])


def _roles(work: Work, statement: Show) -> Listed:
    session = work.session
    members = work.storage.roles.memberships(session.account)
    available = work.storage.roles.available(session.account, session.user)
    default = work.storage.roles.default(session.account, session.user)
    direct = set(work.storage.roles.direct(session.account, session.user))
    for role in work.storage.roles.list(session.account):
        given = [each for each in members if each.role == role.name]
        yield {
            "created_on": role.created_on, "name": role.name, "is_default": _flag(role.name == default),
            "is_current": _flag(role.name == session.role),
            "is_inherited": _flag(role.name in available and role.name not in direct),
            "assigned_to_users": sum(each.kind == "USER" for each in given),
            "granted_to_roles": sum(each.kind == "ROLE" for each in given),
            "granted_roles": sum((each.kind, each.member) == ("ROLE", role.name) for each in members),
            "owner": role.owner, "comment": role.comment,
        }  # fmt: skip


def _flag(value: bool) -> str:
    return "Y" if value else "N"


_ROLES: Final = (
    "created_on", "name", "is_default", "is_current", "is_inherited", "assigned_to_users", "granted_to_roles",
    "granted_roles", "owner", "comment",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateRole, create_role, roles=Roles.NAMES, commits=True),
    Kind(GrantRole, grant_role, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (ObjectKind("ROLE", drop=drop_role, thing=_thing),)
LISTINGS: Final = (
    Listing("ROLES", _ROLES, _roles, numbers=frozenset({"assigned_to_users", "granted_to_roles", "granted_roles"})),
)
