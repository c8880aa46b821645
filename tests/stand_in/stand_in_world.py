"""What the accounts of the stand-in hold: files, registries, pools, and the rooms between them. All in memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stand_in_shapes import DOCUMENTED, Shape
from stand_in_values import Refused, Rows

OWNER, PROVIDER, RUNNER = "owner", "data_provider", "analysis_runner"


@dataclass
class Stage:
    """`listed` is what the directory table had when it was refreshed last."""

    files: dict[str, bytes] = field(default_factory=dict)
    listed: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Registered:
    kind: str
    id: str
    text: str
    spec: dict[str, Any]
    registry: str = "default"
    created_on: float = 0.0


@dataclass
class Account:
    """`name` is the data sharing identifier, ORG.ACCOUNT."""

    name: str
    databases: set[str] = field(default_factory=lambda: {"ML_DB", "CRM_DB"})
    stages: dict[str, Stage] = field(default_factory=dict)
    registered: dict[tuple[str, str], Registered] = field(default_factory=dict)
    registries: dict[str, str] = field(default_factory=dict)
    pools: dict[str, dict[str, Any]] = field(default_factory=dict)
    granted: set[tuple[str, str, str]] = field(default_factory=set)
    privileges: list[tuple[str, ...]] = field(default_factory=list)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    local_names: dict[str, str] = field(default_factory=dict)
    warehouses: tuple[str, ...] = ("APP_WH",)
    unshared: set[str] = field(default_factory=set)
    """Databases that have not been shared yet, which the first link says (service-behaviour, "Data grants")."""
    profile: bool = True


@dataclass
class Shared:
    """A template of a room, or an offering of one."""

    id: str
    shared_by: str
    registered: Registered
    codes: list[Registered] = field(default_factory=list)
    shared_with: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    unseen: int = 0
    """So many more looks it is shown as it was `before`."""

    def changes(self, shared_with: list[str], unseen: int) -> None:
        self.before, self.shared_with, self.unseen = self.shared_with, shared_with, unseen

    def shown(self, held: bool) -> list[str]:
        """With whom, at this look."""
        if not self.unseen:
            return self.shared_with
        self.unseen -= not held
        return self.before


@dataclass
class Request:
    """`decisions`: by alias APPROVED, REJECTED or PENDING; `unseen`: so many more looks do not show it; `settling`: so
    many looks it is APPROVED before it is applied.
    """

    id: str
    type: str
    requested_by: str
    details: dict[str, Any]
    spec: str
    decisions: dict[str, str]
    unseen: int
    shared: Shared | None = None
    target: dict[str, Any] | None = None
    applied: bool = False
    settling: int = 0
    reason: str = ""
    updated_on: float = 0.0


@dataclass
class Job:
    id: str
    alias: str
    monitored: bool
    looks: int = 0

    @property
    def status(self) -> str:
        return ("PENDING", "RUNNING", "RUNNING", "DONE")[min(self.looks, 3)]


@dataclass
class Room:
    name: str
    owner: str
    spec: dict[str, Any]
    path: dict[str, list[str]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    templates: dict[str, Shared] = field(default_factory=dict)
    offerings: dict[tuple[str, str], Shared] = field(default_factory=dict)
    local: dict[str, list[Registered]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    configuration: dict[str, str] = field(
        default_factory=lambda: {"TEMPLATE_AUTO_APPROVAL": "false", "ALLOW_ML_JOBS_MONITORING": "true"}
    )
    pending_configuration: dict[str, tuple[str, int]] = field(default_factory=dict)
    activations: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    upgrading: dict[str, int] = field(default_factory=dict)
    unseen: int = 0

    @property
    def aliases(self) -> dict[str, str]:
        """Alias → account."""
        return dict(self.spec["collaborator_identifier_aliases"])

    @property
    def runners(self) -> dict[str, dict[str, Any]]:
        return dict(self.spec["analysis_runners"])

    def alias_of(self, account: str) -> str | None:
        return next((alias for alias, name in self.aliases.items() if name.upper() == account.upper()), None)

    def spelled(self, aliases: list[str]) -> list[str]:
        """Aliases as the spec has them: unquoted, they are one in either case."""
        known = {alias.upper(): alias for alias in self.aliases}
        return [known.get(alias.upper(), alias) for alias in aliases]

    def roles(self, alias: str) -> list[str]:
        providers = {name for runner in self.runners.values() for name in runner.get("data_providers") or {}}
        has = {OWNER: self.spec["owner"] == alias, PROVIDER: alias in providers, RUNNER: alias in self.runners}
        return [role for role, there in has.items() if there]

    def status(self, alias: str) -> str:
        return self.path.get(alias, ["INVITED"])[0]

    def passes(self, alias: str) -> None:
        """A look has been had: what is under way comes a step further."""
        if len(self.path.get(alias, ())) > 1:
            self.path[alias].pop(0)

    def approvers(self, runners: list[str]) -> list[str]:
        """The runners, and every data provider of theirs."""
        found = dict.fromkeys(runners)
        for runner in runners:
            found |= dict.fromkeys(self.runners.get(runner, {}).get("data_providers") or {})
        return list(found)


@dataclass
class Session:
    """A login. Secondary roles are active until somebody turns them off (DEFAULT_SECONDARY_ROLES is ALL), and the user
    has a default warehouse.
    """

    account: Account
    user: str
    role: str = "SAMOOHA_APP_ROLE"
    warehouse: str = "APP_WH"
    secondary_roles: bool = True


@dataclass
class Drop:
    """The next statement with `word` in it is done, and its answer never sent; nor that of its repetitions."""

    word: str
    again: bool = True


@dataclass
class World:
    """Everything behind one address. `statements`: what came, by account."""

    shape: Shape = DOCUMENTED
    accounts: dict[str, Account] = field(default_factory=dict)
    rooms: list[Room] = field(default_factory=list)
    statements: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, Refused]] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    hold: str = ""
    """While it is set, what is under way makes no step: `status`, `request`, `link`, `job` or `activation`."""
    said: Callable[[str, Rows], Rows] = lambda sql, rows: rows
    """What becomes of an answer before it is sent."""
    counter: Any = field(default_factory=lambda: itertools.count(1))

    def account(self, name: str) -> Account:
        """Of a login's `ORG-ACCOUNT`."""
        organization, _, account = name.upper().partition("-")
        identifier = f"{organization}.{account}"
        return self.accounts.setdefault(identifier, Account(identifier))

    def number(self, prefix: str) -> str:
        return f"{prefix}{next(self.counter):04d}"

    def sent(self, word: str) -> list[str]:
        """The statements with a word in them."""
        return [sql for _, sql in self.statements if word in sql]

    def room(self, session: Session, name: object, procedure: str) -> Room:
        """The room that goes by a name in this account."""
        wanted = str(name).upper()
        for room in self.rooms:
            local = session.account.local_names.get(room.name, room.name)
            if local.upper() == wanted and room.alias_of(session.account.name) is not None:
                if not room.unseen:
                    return room
                room.unseen -= 1
        raise self.shape.error("CollaborationNotFoundException", f"Collaboration {name} not found", procedure)


def now() -> float:
    return time.time()
