"""What a GRANT, a REVOKE or SHOW GRANTS is on, by its name: also what every account has without having made it."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.scope import full_name
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.roles import APP_ROLE

_PARTS: Final = {"DATABASE": 1, "SCHEMA": 2, "TABLE": 3}


def thing_of(work: Work, kind: str, name: tuple[str, ...], verb: str) -> Thing:
    """The thing of a kind and a name. Raises SqlError: there is none for these roles, or no privilege is on it."""
    found = object_kinds().get(kind)
    if found is None or found.thing is None:
        raise SqlError.unsupported(f"{verb} ON {kind}")
    parts = _PARTS.get(kind, 0)
    whole = full_name(work, name, parts)
    if parts and len(whole) == parts and is_sample(work, sample := Thing(kind, *whole)):
        return sample
    return found.thing(work, name)


def is_sample(work: Work, thing: Thing) -> bool:
    """Whether a thing is the sample database, or in it."""
    return thing in samples.THINGS and samples.exists(work.storage.namespaces, work.session.account, thing.parts)


def grantor(work: Work, thing: Thing, privilege: str) -> str:
    """The role that authorises a grant (sql-reference/sql/show-grants, "Usage notes"): the owner where it is one of the
    session's, else one that has the privilege to pass on; who manages the account's grants acts for the owner.
    """
    owner = APP_ROLE if is_sample(work, thing) else work.storage.grants.owner(work.session.account, thing)
    if work.rights.has_role(owner):
        return owner
    holding = sorted(
        each.grantee
        for each in work.storage.grants.list(work.session.account, thing=thing)
        if (each.privilege, each.grantee_kind) == (privilege, "ROLE")
        and each.grant_option
        and work.rights.has_role(each.grantee)
    )
    return work.rights.role if work.rights.role in holding else holding[0] if holding else owner


def everything_of(work: Work, kind: str, place: Thing, verb: str) -> tuple[Thing, ...]:
    """The things of a kind in a database or schema. Raises SqlError: nothing is granted on all of them."""
    found = object_kinds().get(kind)
    if found is None or found.everything is None:
        raise SqlError.unsupported(f"{verb} … ON ALL of {kind}")
    if is_sample(work, place):
        return tuple(each for each in samples.THINGS if each.kind == kind)
    return tuple(found.everything(work, place.database, place.schema or None))
