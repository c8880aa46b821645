"""SHOW GRANTS in its forms. Of others' roles one sees nothing, but for who may manage grants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from cleanroom_ml.engine.contracts.table import SHOW, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.grant import ShowGrants
from cleanroom_ml.engine.statements.granted import is_sample, thing_of
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.listing import OWNER, TIME
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Granted, Thing
from cleanroom_ml.engine.storage.rights import ACCOUNT
from cleanroom_ml.engine.storage.roles import APP_ROLE, Membership
from cleanroom_ml.naming import display

Row = tuple[Value, ...]
_ON: Final = (
    ("created_on", TIME), *((name, VARCHAR) for name in ("privilege", "granted_on", "name", "granted_to",
     "grantee_name", "grant_option", "granted_by")),
)  # fmt: skip
_OF: Final = (
    ("created_on", TIME), *((name, VARCHAR) for name in ("role", "granted_to", "grantee_name", "granted_by")),
)  # fmt: skip


def show_grants(work: Work, statement: ShowGrants) -> Rows:
    """SHOW GRANTS [ON … | TO … | OF …]. Raises SqlError not found."""
    match statement.word, statement.kind:
        case (None, _):
            return Rows(_ON, [*_roles_of(work, "USER", work.session.user), *_usages(work, None)])
        case ("ON", _):
            return Rows(_ON, _on(work, statement))
        case ("OF", _):
            return Rows(_OF, _of(work, _role(work, statement)))
        case (_, "ROLE"):
            role = _role(work, statement)
            granted = work.storage.grants.list(work.session.account, grantee=role)
            return Rows(_ON, [*_rows(granted), *_roles_of(work, "ROLE", role)])
        case (_, "USER"):
            user = statement.name[0] if statement.name else work.session.user
            if user != work.session.user and not work.rights.in_account("MANAGE GRANTS"):
                raise SqlError.not_found("User", displayed(statement.name))
            return Rows(_OF, [_membership(each) for each in _memberships(work, "USER", user)])
        case (_, "SHARE"):
            granted = work.storage.grants.list(work.session.account, grantee=statement.name[0], grantee_kind="SHARE")
            return Rows(_ON, _rows([each for each in granted if work.rights.sees(each.thing)]))
        case _:
            return Rows(_ON, list(_usages(work, statement.name[0])))


def _on(work: Work, statement: ShowGrants) -> list[Row]:
    work = work.managing()
    account = work.session.account
    if statement.kind == "ACCOUNT":
        granted = work.storage.grants.list(account, thing=ACCOUNT)
        seen = granted if work.rights.in_account("MANAGE GRANTS") else [
            each for each in granted if work.rights.has_role(each.grantee)
        ]  # fmt: skip
        return _rows(seen)
    thing = thing_of(work, statement.kind, statement.name, "SHOW GRANTS")
    if thing.kind == "ROLE":
        made = (each for each in work.storage.roles.list(account) if each.owner and each.name == thing.name)
        return [
            (each.created_on, OWNERSHIP, "ROLE", display(each.name), "ROLE", each.owner, "true", each.owner)
            for each in made
        ]
    found = work.rights.finds(thing) if thing.database and thing.name else work.rights.sees(thing)
    if not found:
        raise SqlError.not_found(statement.kind, displayed(statement.name))
    granted = work.storage.grants.list(account, thing=thing)
    rows = _rows(granted)
    if all(each.privilege != OWNERSHIP for each in granted):
        owner = APP_ROLE if is_sample(work, thing) else OWNER
        rows.insert(0, (None, OWNERSHIP, _spoken(thing.kind), displayed(thing.parts), "ROLE", owner, "true", owner))
    usages = [row for row in _usages(work, None) if row[2:4] == (_spoken(thing.kind), displayed(thing.parts))]
    return [*rows, *usages]


def _of(work: Work, role: str) -> list[Row]:
    return [_membership(each) for each in work.storage.roles.memberships(work.session.account) if each.role == role]


def _role(work: Work, statement: ShowGrants) -> str:
    (role,) = statement.name
    known = work.storage.roles.exists(work.session.account, role)
    if not known or not (work.rights.has_role(role) or work.rights.in_account("MANAGE GRANTS")):
        raise SqlError.not_found("Role", displayed(statement.name))
    return role


def _memberships(work: Work, kind: str, member: str) -> list[Membership]:
    members = work.storage.roles.memberships(work.session.account)
    return [each for each in members if (each.kind, each.member) == (kind, member)]


def _membership(each: Membership) -> Row:
    return (each.granted_on, each.role, each.kind, each.member, each.granted_by)


def _roles_of(work: Work, kind: str, member: str) -> Iterable[Row]:
    for each in _memberships(work, kind, member):
        option = str(each.grant_option).lower()
        yield (each.granted_on, "USAGE", "ROLE", display(each.role), kind, member, option, each.granted_by)


def _usages(work: Work, application: str | None) -> Iterable[Row]:
    """What applications may use."""
    for each in work.storage.warehouses.grants(work.session.account, application):
        if work.rights.sees(Thing(each.kind, name=each.name)):
            yield (
                *(each.granted_on, "USAGE", _spoken(each.kind), display(each.name)),
                *("APPLICATION", each.application, "false", OWNER),
            )


def _rows(granted: Sequence[Granted]) -> list[Row]:
    """Those of SQL: the clean room's own privileges are no grants, and ADMIN.CHECK_PRIVILEGES tells of them."""
    return [
        (
            *(each.granted_on, each.privilege, _spoken(each.thing.kind), displayed(each.thing.parts)),
            *(each.grantee_kind, each.grantee, str(each.grant_option).lower(), each.granted_by),
        )
        for each in granted
        if each.thing.kind == "ACCOUNT" or each.thing.kind in object_kinds()
    ]


def _spoken(kind: str) -> str:
    return kind.replace(" ", "_")


KINDS: Final = (Kind(ShowGrants, show_grants, SHOW, roles=Roles.NAMES, columns=show_grants),)
