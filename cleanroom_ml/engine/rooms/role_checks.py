"""`RoleChecks`: may the caller's role call this procedure? It stands before all of them, and says no to what it does
not know.

The caller's account decides what a procedure does (`access`); within the account, its roles decide who may call it. Who
created or reviewed a collaboration owns it there; for a role that has nothing on it, it is not there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import access, named_resources, privileges
from cleanroom_ml.engine.rooms.access import Member, key_of
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.rooms.privileges import BESIDE, Opens
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.roles import ADMIN, APP_ROLE
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import ROOM_DATABASE, display

DCR: Final = Thing("DCR")
DEFAULT_REGISTRY: Final = "DEFAULT"
# They ask by themselves, or tell everybody.
_ASKING: Final = {"ADMIN": privileges.ADMIN, "LIBRARY": privileges.LIBRARY}
_REGISTER: Final = "REGISTER DATA OFFERING"
_GRANT: Final = f"CALL {ROOM_DATABASE}.ADMIN.GRANT_PRIVILEGE_ON"


def collaboration(uid: str) -> Thing:
    """What privileges on a collaboration are kept for: itself, not the name that it has here."""
    return Thing("COLLABORATION", name=uid)


def registry(key: str) -> Thing:
    """What privileges on a custom registry are kept for."""
    return Thing("REGISTRY", name=key)


class RoleChecks:
    """Asked before every procedure."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check(self, session: Session, schema: str, procedure: str, args: Sequence[Value]) -> Sequence[Value]:
        """The arguments as the procedure is to be called with them.

        Raises:
            SqlError: insufficient privileges; CollaborationNotFoundException, where the role has nothing on what is
                named; SecondaryRolesNotSupported.
        """
        opens = self._opens(schema, procedure)
        if opens is not None and opens.single and self._storage.roles.secondary(session.id):
            raise room_error(
                ErrorName.SecondaryRolesNotSupported,
                "Secondary roles must be disabled before calling this procedure. "
                "Run 'USE SECONDARY ROLES NONE' and try again.",
            )
        rights = Rights.of_session(self._storage, session)
        if rights.everything or procedure in _ASKING.get(schema, ()):
            return args
        if schema == "REGISTRY":
            return self._registry(rights, session, procedure, opens, args)
        if (schema, procedure) == ("COLLABORATION", "VIEW_COLLABORATIONS"):
            return args  # its rows are cut down to what the role sees
        member = self._member(session, procedure, args)
        if member is not None and not self.sees(rights, member):
            raise access.not_found(str(args[0]))
        joins_too = procedure == "INITIALIZE" and len(args) > 1 and args[1] is not None
        self._check_collaboration(rights, session, procedure, opens, member, ("EXECUTE TASK",) if joins_too else ())
        self._check_resource(rights, session, procedure, args)
        return args

    def shown(self, session: Session, schema: str, procedure: str, answer: Rows) -> Rows:
        """The rows of an answer that lists what the account has, as far as the role may see it."""
        rights = Rights.of_session(self._storage, session)
        if rights.everything:
            return answer
        if (schema, procedure) == ("COLLABORATION", "VIEW_COLLABORATIONS"):
            with self._storage.database.read() as connection:
                members = access.memberships(connection, session.account)
            seen = {(each.source_name, access.identity(each.owner_account)) for each in members
                    if self.sees(rights, each)}  # fmt: skip
            names = [name.upper() for name, _ in answer.columns]
            source, owner = names.index("SOURCE_NAME"), names.index("OWNER_ACCOUNT")
            return replace(answer, rows=tuple(row for row in answer.rows if (row[source], row[owner]) in seen))
        if (schema, procedure) == ("REGISTRY", "VIEW_REGISTRIES"):
            at = [name.upper() for name, _ in answer.columns].index("REGISTRY_NAME")
            readable = {DEFAULT_REGISTRY, *self._readable(rights, session.account)}
            return replace(
                answer, rows=tuple(row for row in answer.rows if key_of(row[at], "registry name") in readable)
            )
        return answer

    def sees(self, rights: Rights, member: Member) -> bool:
        """Whether a collaboration is there for these roles.

        One that the account was invited to and nobody has reviewed is there for whoever may review or list it.
        """
        if rights.everything:
            return True
        thing = collaboration(member.collaboration)
        if member.local_key is not None:
            owner = self._storage.grants.owner(member.account, thing)
            return rights.has_role(owner) or bool(rights.privileges(thing))
        return APP_ROLE in rights.roles or bool(rights.privileges(DCR) & privileges.VIEW_COLLABORATIONS.account)

    def owns(self, rights: Rights, account: str, thing: Thing) -> bool:
        """Whether a collaboration or a registry is one of these roles'."""
        return rights.everything or rights.has_role(self._storage.grants.owner(account, thing))

    def _opens(self, schema: str, procedure: str) -> Opens | None:
        table = {"COLLABORATION": privileges.COLLABORATION, "REGISTRY": privileges.REGISTRY}.get(schema, {})
        return table.get(procedure)

    def _member(self, session: Session, procedure: str, args: Sequence[Value]) -> Member | None:
        """The collaboration that the first argument names; None where it names none of this account."""
        if procedure == "INITIALIZE" or not args or not isinstance(args[0], str):
            return None
        with self._storage.database.read() as connection:
            try:
                if procedure == "REVIEW":
                    return self._invited(connection, session.account, args)
                return access.find(connection, session.account, args[0])
            except SqlError:
                return None  # the procedure itself says why, the same to everybody

    def _invited(self, connection: sqlite3.Connection, account: str, args: Sequence[Value]) -> Member | None:
        key = key_of(args[0], "source name")
        owner = str(args[1]).upper() if len(args) > 1 else ""
        for each in access.memberships(connection, account):
            if key_of(each.source_name, "source name") == key and access.identity(each.owner_account) == owner:
                return each
        return None

    def _check_collaboration(
        self,
        rights: Rights,
        session: Session,
        procedure: str,
        opens: Opens | None,
        member: Member | None,
        extra: Sequence[str],
    ) -> None:
        held = rights.privileges(DCR)
        app = APP_ROLE in rights.roles
        thing = None if member is None else collaboration(member.collaboration)
        # Nobody owns what nobody has reviewed yet: whoever reviews it will.
        mine = thing is None or (member is not None and member.local_key is None)
        mine = mine or (thing is not None and self.owns(rights, session.account, thing))
        if opens is not None and thing is not None and opens.object & rights.privileges(thing):
            return
        account = app or (opens is not None and bool(opens.account & held))
        if not (account and mine):
            raise refused(procedure, session.role, opens, None if member is None else member.local_name)
        beside = BESIDE if opens is not None and opens.beside else ()
        missing = [each for each in (*beside, *extra) if not rights.in_account(each)]
        if missing:
            raise insufficient(
                f"{procedure} needs {', '.join(missing)} on the account. "
                f"GRANT {missing[0]} ON ACCOUNT TO ROLE {display(session.role)}"
            )

    def _check_resource(self, rights: Rights, session: Session, procedure: str, args: Sequence[Value]) -> None:
        """What is named and is in a custom registry needs READ on that."""
        place = named_resources.AT.get(procedure)
        if place is not None and len(args) > place:
            try:
                named = dict.fromkeys(named_resources.named_in(args[place], session.account))
            except SqlError:
                return  # no such spec, which the procedure itself says
            for kind, name in named:
                key = self._custom_registry_of(session, kind, name)
                if key is not None:
                    self._check_registry(rights, session, key, "READ")
            return
        kind, at = privileges.NAMES_RESOURCE.get(procedure, ("", 0))
        if not kind or len(args) <= at or not isinstance(args[at], str):
            return
        key = self._custom_registry_of(session, kind, args[at])
        if key is not None:
            wanted = "REGISTER" if procedure.startswith("UNREGISTER") else "READ"
            self._check_registry(rights, session, key, wanted)

    def _registry(
        self, rights: Rights, session: Session, procedure: str, opens: Opens | None, args: Sequence[Value]
    ) -> Sequence[Value]:
        app = APP_ROLE in rights.roles
        opened = app or (opens is not None and bool(opens.account & rights.privileges(DCR)))
        if procedure.startswith("VIEW_REGISTERED_"):
            return self._viewed(rights, session, procedure, args, default=opened)
        if procedure.startswith("REGISTER_") and len(args) == 2:
            key = key_of(args[0], "registry name")
            if key != DEFAULT_REGISTRY:
                self._check_registry(rights, session, key, "REGISTER")
                return args
        kind, at = privileges.NAMES_RESOURCE.get(procedure, ("", 0))
        if kind and self._custom_registry_of(session, kind, args[at]) is not None:
            self._check_resource(rights, session, procedure, args)
            return args
        if not opened and not (procedure == "VIEW_REGISTRIES" and self._readable(rights, session.account)):
            raise refused(procedure, session.role, opens, None)
        return args

    def _custom_registry_of(self, session: Session, kind: str, name: object) -> str | None:
        """The custom registry that something of this account is in; None: in the default one, or there is none."""
        with self._storage.database.read() as connection:
            row = connection.execute(
                "SELECT registry_key FROM room_resources WHERE account = ? AND kind = ? AND id_key = ?",
                (session.account, kind, key_of(name, "id")),
            ).fetchone()
        return None if row is None or row["registry_key"] == DEFAULT_REGISTRY else str(row["registry_key"])

    def _viewed(
        self, rights: Rights, session: Session, procedure: str, args: Sequence[Value], *, default: bool
    ) -> Sequence[Value]:
        """VIEW_REGISTERED_…: of the registries that the role may read, the others are skipped without a word."""
        readable = {*self._readable(rights, session.account), *((DEFAULT_REGISTRY,) if default else ())}
        if not readable:
            raise refused(procedure, session.role, self._opens("REGISTRY", procedure), None)
        if not args or args[0] is None:
            return [[display(each) for each in sorted(readable)]]
        wanted = args[0] if isinstance(args[0], list | tuple) else None
        if wanted is None:
            return args  # the procedure says what is wrong with it
        return [[each for each in wanted if key_of(each, "registry name") in readable]]

    def _readable(self, rights: Rights, account: str) -> set[str]:
        """The custom registries that these roles own or may read."""
        with self._storage.database.read() as connection:
            keys = [
                row["name_key"]
                for row in connection.execute("SELECT name_key FROM room_registries WHERE account = ?", (account,))
            ]
        return {
            key
            for key in keys
            if self.owns(rights, account, registry(key)) or rights.privileges(registry(key)) & {"READ", "REGISTER"}
        }

    def _check_registry(self, rights: Rights, session: Session, key: str, privilege: str) -> None:
        held = rights.privileges(registry(key))
        if self.owns(rights, session.account, registry(key)) or privilege in held:
            return
        if privilege == "READ" and "REGISTER" in held:
            return
        if not held:
            raise room_error(ErrorName.RegistryNotFoundException, f"you have no registry '{display(key)}'.")
        raise insufficient(
            f"{privilege} on registry {display(key)} is needed. "
            f"{_GRANT}_OBJECT_TO_ROLE('{privilege}', 'REGISTRY', '{key}', '{session.role}')"
        )


def refused(procedure: str, role: str, opens: Opens | None, local_name: str | None) -> SqlError:
    """A procedure that the role may not call, with the grant that lets it do that, and no more where there is one."""
    if opens is None:
        return insufficient(f"{procedure} needs the role {APP_ROLE} or {ADMIN}. USE ROLE {APP_ROLE}")
    wanted = sorted(opens.object)
    if wanted and local_name is not None:
        fix = f"{_GRANT}_OBJECT_TO_ROLE('{_least(procedure, wanted)}', 'COLLABORATION', '{local_name}', '{role}')"
    else:
        fix = f"{_GRANT}_ACCOUNT_TO_ROLE('{_least(procedure, sorted(opens.account))}', '{role}')"
    listed = ", ".join(sorted(opens.object | opens.account))
    return insufficient(f"{procedure} needs the role {APP_ROLE}, or one of: {listed}. {fix}")


def _least(procedure: str, privileges: Sequence[str]) -> str:
    """The privilege that is called like the procedure, and opens nothing else; or the first."""
    own = procedure.replace("_", " ")
    return next((each for each in privileges if each.startswith(own)), privileges[0])


def require_to_activate(storage: Storage, connection: sqlite3.Connection, caller: Caller, member: Member) -> None:
    """Whoever joins a collaboration in which he can activate data needs REGISTER DATA OFFERING
    (cleanrooms/collaboration-api-reference, JOIN). Raises SqlError.
    """
    if not access.destinations_of(connection, member.collaboration, member.alias_key):
        return
    rights = Rights.of_session(storage, caller)
    if rights.everything or APP_ROLE in rights.roles or _REGISTER in rights.privileges(DCR):
        return
    raise insufficient(
        f"JOIN needs {_REGISTER} where the collaboration lets you activate data. "
        f"{_GRANT}_ACCOUNT_TO_ROLE('{_REGISTER}', '{caller.role}')"
    )


def insufficient(reason: str) -> SqlError:
    """Something that is there, and that this role may not do."""
    return SqlError(3001, "42501", f"SQL access control error:\nInsufficient privileges: {reason}")


def receive(storage: Storage, member: Member, received: Sequence[tuple[Thing, bool]]) -> bool:
    """What was made for a collaboration's rows is the collaboration's role's; False where the last of these things, the
    table, was there before and is another's, who would read them.
    """
    owner = storage.grants.owner(member.account, collaboration(member.collaboration))
    for thing, made in received:
        if made:
            storage.grants.own(member.account, thing, owner)
    return storage.grants.owner(member.account, received[-1][0]) == owner


def claim(storage: Storage, caller: Caller, thing: Thing) -> None:
    """A collaboration or registry is its caller's role's; to be called in the transaction that makes it."""
    if caller.role != ADMIN:
        storage.grants.own(caller.account, thing, caller.role)
