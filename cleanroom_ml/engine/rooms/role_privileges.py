"""ADMIN and LIBRARY: GRANT_PRIVILEGE_ON_…_TO_ROLE and its opposite, CHECK_PRIVILEGES, CHECK_MOUNT_STATUS.

Source: docs.snowflake.com, cleanrooms/collaboration-api-reference ("Access management procedures").
"""

from __future__ import annotations

from collections.abc import Sequence

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, privileges, role_checks
from cleanroom_ml.engine.rooms.access import key_of
from cleanroom_ml.engine.rooms.role_checks import DCR, RoleChecks, insufficient
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN, APP_ROLE
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import display

_MOST_CHECKED = 100


class RolePrivileges:
    """The clean room's privileges of an account's roles."""

    def __init__(self, storage: Storage, checks: RoleChecks) -> None:
        self._storage = storage
        self._checks = checks

    def on_account(self, session: Session, privilege: object, role: object, *, revoke: bool) -> Rows:
        """GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE(privilege, role), REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE.

        Raises:
            SqlError: no such privilege or role; the caller manages no grants.
        """
        wanted = _known(privilege, privileges.ON_ACCOUNT, "the account")
        rights = Rights.of_session(self._storage, session)
        if not rights.in_account("MANAGE GRANTS"):
            raise insufficient(f"it needs the role {ADMIN}, or MANAGE GRANTS on the account. USE ROLE {ADMIN}")
        grantee = self._role(session, role)
        return self._changed(session, DCR, wanted, grantee, rights, "the account", revoke=revoke)

    def on_object(
        self, session: Session, privilege: object, kind: object, name: object, role: object, *, revoke: bool
    ) -> Rows:
        """GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE(privilege, COLLABORATION | REGISTRY, name, role), and its opposite. For the
        role that created, reviewed or joined the object.

        Raises:
            SqlError: no such privilege, object or role; it is another role's.
        """
        rights = Rights.of_session(self._storage, session)
        thing, known = self._object(session, rights, kind, name)
        wanted = _known(privilege, known, thing.kind)
        if not self._checks.owns(rights, session.account, thing):
            raise insufficient(
                f"{thing.kind} {str(name)[:100]} is another role's: use the one that created or joined it"
            )
        if not rights.everything and thing.kind == "COLLABORATION" and not self._may_give(rights):
            raise insufficient(f"it needs {privileges.CREATE} or {privileges.JOIN}")
        grantee = self._role(session, role)
        return self._changed(session, thing, wanted, grantee, rights, f"{thing.kind} {name}", revoke=revoke)

    def check(self, session: Session, wanted: object, kind: object = None, name: object = None) -> Rows:
        """CHECK_PRIVILEGES([privilege, …][, COLLABORATION | REGISTRY, name]): which of them the current role has."""
        if not isinstance(wanted, list | tuple) or not wanted or len(wanted) > _MOST_CHECKED:
            raise room_error(ErrorName.SpecValidationError, "the privileges must be an array of 1 to 100 names")
        rights = Rights.of_session(self._storage, session)
        thing, known = (DCR, privileges.ON_ACCOUNT) if kind is None else self._object(session, rights, kind, name)
        names = [_known(each, known, thing.kind) for each in wanted]
        held = rights.privileges(thing)
        all_of_them = rights.everything or (
            APP_ROLE in rights.roles and (thing == DCR or self._checks.owns(rights, session.account, thing))
        )
        rows = tuple((each, all_of_them or each in held) for each in names)
        return Rows.answer((("PRIVILEGE", "VARCHAR"), ("HAS_PRIVILEGE", "BOOLEAN")), rows)

    def mounted(self, session: Session) -> Rows:
        """CHECK_MOUNT_STATUS(): whether the current role can call the API at all."""
        rights = Rights.of_session(self._storage, session)
        reaches = rights.everything or APP_ROLE in rights.roles or bool(rights.privileges(DCR))
        return Rows.answer((("CHECK_MOUNT_STATUS", "BOOLEAN"),), ((reaches,),))

    def _changed(
        self, session: Session, thing: Thing, privilege: str, role: str, rights: Rights, on: str, *, revoke: bool
    ) -> Rows:
        if revoke:
            self._storage.grants.revoke(session.account, thing, (privilege,), role)
        else:
            self._storage.grants.grant(session.account, thing, (privilege,), role, by=rights.role)
        done = f"revoked from role {display(role)}" if revoke else f"granted to role {display(role)}"
        return Rows.one("MESSAGE", f"Privilege {privilege} on {on} was {done}.")

    def _object(self, session: Session, rights: Rights, kind: object, name: object) -> tuple[Thing, frozenset[str]]:
        """What a caller's type and name mean. One that its role has nothing on is not there."""
        wanted = str(kind).upper() if isinstance(kind, str) else ""
        if wanted == "COLLABORATION":
            with self._storage.database.read() as connection:
                member = access.find(connection, session.account, str(name))
            if not self._checks.sees(rights, member):
                raise access.not_found(str(name))
            return role_checks.collaboration(member.collaboration), privileges.ON_OBJECT[wanted]
        if wanted == "REGISTRY":
            key = key_of(name, "registry name")
            with self._storage.database.read() as connection:
                there = connection.execute(
                    "SELECT 1 FROM room_registries WHERE account = ? AND name_key = ?", (session.account, key)
                ).fetchone()
            thing = role_checks.registry(key)
            if there is None or not (
                self._checks.owns(rights, session.account, thing) or rights.privileges(thing)
            ):  # fmt: skip
                raise room_error(ErrorName.RegistryNotFoundException, f"you have no registry '{str(name)[:100]}'.")
            return thing, privileges.ON_OBJECT[wanted]
        raise room_error(ErrorName.SpecValidationError, "the object type must be COLLABORATION or REGISTRY")

    def _role(self, session: Session, role: object) -> str:
        name = key_of(role, "role name")
        if not self._storage.roles.exists(session.account, name):
            raise SqlError.not_found("Role", display(name))
        return name

    def _may_give(self, rights: Rights) -> bool:
        return APP_ROLE in rights.roles or bool(rights.privileges(DCR) & {privileges.CREATE, privileges.JOIN})


def _known(privilege: object, known: frozenset[str], on: str) -> str:
    """A privilege as it is kept. Raises SqlError, naming those that there are."""
    wanted = " ".join(privilege.upper().split()) if isinstance(privilege, str) and len(privilege) <= 100 else ""
    if wanted not in known:
        listed: Sequence[str] = sorted(known)
        raise room_error(
            ErrorName.SpecValidationError,
            f"'{str(privilege)[:100]}' is no privilege on {on}; there are: {', '.join(listed)}",
        )
    return wanted
