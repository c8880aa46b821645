"""`Rights`: what the roles of one session, or of a view's owner, may do. Everything that is not granted is refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Thing
from cleanroom_ml.engine.storage.roles import ADMIN, APP_ROLE, PUBLIC

if TYPE_CHECKING:
    from cleanroom_ml.engine.storage.storage import Storage

ACCOUNT: Final = Thing("ACCOUNT")
# What the system's roles may do in the account without being granted it.
_BUILT_IN: Final[Mapping[str, frozenset[str]]] = {
    "SYSADMIN": frozenset({"CREATE DATABASE", "CREATE WAREHOUSE", "CREATE COMPUTE POOL"}),
    "SECURITYADMIN": frozenset({"MANAGE GRANTS", "CREATE ROLE", "CREATE USER"}),
    "USERADMIN": frozenset({"CREATE ROLE", "CREATE USER"}),
    APP_ROLE: frozenset(
        {"CREATE DATABASE", "CREATE SHARE", "IMPORT SHARE", "CREATE LISTING", "CREATE APPLICATION"}
        | {"MANAGE SHARE TARGET", "APPLY ROW ACCESS POLICY", "EXECUTE TASK"}
    ),
}
_BUILT_IN_ON: Final[Mapping[str, Mapping[Thing, frozenset[str]]]] = {
    APP_ROLE: {
        Thing("WAREHOUSE", name="APP_WH"): frozenset({"USAGE", "OPERATE", "MONITOR"}),
        **dict.fromkeys(samples.THINGS, frozenset({OWNERSHIP})),
    },
    PUBLIC: {
        Thing("COMPUTE POOL", name="SYSTEM_COMPUTE_POOL_CPU"): frozenset({"USAGE", "MONITOR"}),
        **{thing: frozenset({"USAGE" if thing in samples.PLACES else "SELECT"}) for thing in samples.THINGS},
    },
}


class Acting(Protocol):
    """Whose rights are asked for: a session."""

    @property
    def id(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def user(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def kind(self) -> str: ...


class Rights:
    """What a set of roles may do in one account.

    Args:
        roles: with all that they inherit. ADMIN among them may do everything.
        role: the one that owns what is made.
    """

    def __init__(self, storage: Storage, account: str, roles: frozenset[str], role: str) -> None:
        self._storage = storage
        self._account = account
        self.roles = roles
        self.role = role
        self.everything = ADMIN in roles

    @classmethod
    def of_session(cls, storage: Storage, session: Acting) -> Rights:
        """Of a client's session, as they are now: a role that its user has no longer gives nothing any more.

        A session of a job or a room has no names but its room's, which are its bounds: there it may do everything.
        """
        if session.kind != "client":
            return cls(storage, session.account, frozenset({ADMIN}), ADMIN)
        roles = storage.roles.acting(session.account, session.user, session.role, session.id)
        return cls(storage, session.account, roles, session.role)

    @classmethod
    def of_role(cls, storage: Storage, account: str, role: str) -> Rights:
        """Of one role alone: a view's owner, or who would be."""
        return cls(storage, account, storage.roles.inherited(account, role), role)

    @cached_property
    def _held(self) -> dict[Thing, dict[str, bool]]:
        held = self._storage.grants.of_roles(self._account, sorted(self.roles))
        sampled = samples.exists(self._storage.namespaces, self._account, (samples.DATABASE,))
        for role in self.roles:
            for thing, privileges in _BUILT_IN_ON.get(role, {}).items():
                if thing.database and not sampled:
                    continue  # somebody made a database of that name, and it is theirs
                here = held.setdefault(thing, {})
                for privilege in privileges:
                    here.setdefault(privilege, False)
        return held

    def privileges(self, thing: Thing) -> frozenset[str]:
        """The privileges on a thing by name; meaningless for who may do everything."""
        return frozenset(self._held.get(thing, ()))

    def has(self, privilege: str, thing: Thing, *, to_pass_on: bool = False) -> bool:
        """Whether these roles have a privilege on a thing, or own it; with `to_pass_on`, by WITH GRANT OPTION."""
        if self.everything:
            return True
        held = self._held.get(thing, {})
        if OWNERSHIP in held:
            return True
        return held.get(privilege, False) if to_pass_on else privilege in held

    def owns(self, thing: Thing) -> bool:
        """Whether a thing is theirs."""
        return self.everything or OWNERSHIP in self._held.get(thing, {})

    def sees(self, thing: Thing) -> bool:
        """Whether they have any privilege on a thing: then it is there for them."""
        return self.everything or bool(self._held.get(thing))

    def in_account(self, privilege: str) -> bool:
        """Whether they have a privilege on the account."""
        return self.has(privilege, ACCOUNT) or any(privilege in _BUILT_IN.get(role, ()) for role in self.roles)

    def enters(self, database: str, schema: str | None = None) -> bool:
        """Whether they may name what is in a database, and in a schema of it."""
        if not self.has("USAGE", Thing("DATABASE", database)):
            return False
        return schema is None or self.has("USAGE", Thing("SCHEMA", database, schema))

    def reaches(self, privilege: str, thing: Thing) -> bool:
        """Whether they may use a thing of a schema: they enter there, and have the privilege."""
        return self.everything or (self.enters(thing.database, thing.schema) and self.has(privilege, thing))

    def finds(self, thing: Thing) -> bool:
        """Whether a thing of a schema is there for them."""
        return self.everything or (self.enters(thing.database, thing.schema) and self.sees(thing))

    def manages(self, thing: Thing, privilege: str) -> bool:
        """Whether they may give a privilege on a thing to others."""
        return self.in_account("MANAGE GRANTS") or self.has(privilege, thing, to_pass_on=True)

    def has_role(self, role: str) -> bool:
        """Whether a role is one of theirs: ADMIN inherits those only that were granted to it."""
        return role in self.roles
