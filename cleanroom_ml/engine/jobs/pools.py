"""Compute pools of an account: CREATE, ALTER, DROP, SHOW, DESCRIBE COMPUTE POOL.

Source of names, defaults and columns: Snowflake SQL reference, "CREATE COMPUTE POOL", "ALTER COMPUTE POOL", "SHOW
COMPUTE POOLS", "DESCRIBE COMPUTE POOL". A pool's nodes here are places: MAX_NODES says how many nodes' worth of jobs
run at once.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cleanroom_ml.engine.contracts.table import SHOW, Rows
from cleanroom_ml.engine.contracts.values import Option, Value
from cleanroom_ml.engine.jobs import gpu
from cleanroom_ml.engine.jobs.errors import ComputePoolError
from cleanroom_ml.engine.jobs.families import Machine, NodeLimits, family, limits
from cleanroom_ml.engine.jobs.listing import DESCRIBE_COLUMNS, FAMILY_COLUMNS, SHOW_COLUMNS, Usage
from cleanroom_ml.engine.jobs.store import JobStore
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.keys import from_micros, to_micros
from cleanroom_ml.naming import like as is_like
from cleanroom_ml.specs.families import FAMILIES, Family

_REQUIRED: Final = ("MIN_NODES", "MAX_NODES", "INSTANCE_FAMILY")
_DEFAULTS: Final[dict[str, Any]] = {
    "AUTO_RESUME": True,
    "AUTO_SUSPEND_SECS": 3600,
    "INITIALLY_SUSPENDED": False,
    "COMMENT": None,
}
_SETTABLE: Final = ("MIN_NODES", "MAX_NODES", "INSTANCE_FAMILY", "AUTO_RESUME", "AUTO_SUSPEND_SECS", "COMMENT")
_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_$]{0,254}\Z")


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. Names are folded."""

    account: str
    name: str
    instance_family: str
    min_nodes: int
    max_nodes: int
    auto_resume: bool
    auto_suspend_secs: int
    suspended: bool
    application: str | None
    owner: str
    comment: str | None
    created_on: datetime
    resumed_on: datetime | None
    updated_on: datetime

    @property
    def family(self) -> Family:
        """What one of its nodes has."""
        return family(self.instance_family)

    def limits(self, nodes: int, machine: Machine) -> NodeLimits:
        """What a job with so many of its nodes may use of the machine."""
        return limits(self.family, nodes, machine, places=self.max_nodes)


class ComputePools:
    """The pools of all accounts. Options are as a statement gave them: upper-case names; str, int or bool."""

    def __init__(self, database: Database, jobs: JobStore, *, gpus: Callable[[], gpu.Gpus] = gpu.find) -> None:
        """`gpus` looks at the machine: what jobs could be given right now."""
        self._database = database
        self._jobs = jobs
        self.gpus = gpus

    def create(
        self,
        account: str,
        name: str,
        options: Mapping[str, Option],
        *,
        application: str | None = None,
        if_not_exists: bool = False,
        owner: str = "ACCOUNTADMIN",
    ) -> bool:
        """CREATE COMPUTE POOL; False where it was there already and that is fine. Raises ComputePoolError."""
        values = {**_DEFAULTS, **self._checked(options, allowed=(*_REQUIRED, *_DEFAULTS))}
        missing = [option for option in _REQUIRED if option not in values]
        if missing:
            raise ComputePoolError(f"compute pool {name} needs {', '.join(missing)}")
        if not _NAME.match(name):
            raise ComputePoolError(f"'{name}' cannot name a compute pool", why="quoted names are not supported")
        now = self._database.now()
        suspended = bool(values["INITIALLY_SUSPENDED"])
        pool = Pool(
            account=account,
            name=name,
            instance_family=values["INSTANCE_FAMILY"],
            min_nodes=values["MIN_NODES"],
            max_nodes=values["MAX_NODES"],
            auto_resume=values["AUTO_RESUME"],
            auto_suspend_secs=values["AUTO_SUSPEND_SECS"],
            suspended=suspended,
            application=application,
            owner=owner,
            comment=values["COMMENT"],
            created_on=now,
            resumed_on=None if suspended else now,
            updated_on=now,
        )
        _check_nodes(pool)
        with self._database.transaction() as connection:
            if self.find(account, name) is not None:
                if if_not_exists:
                    return False
                raise ComputePoolError(f"compute pool {name} already exists")
            _write(connection, pool)
        return True

    def drop(self, account: str, name: str, *, if_exists: bool = False) -> bool:
        """DROP COMPUTE POOL; False where there is none and that is fine. Raises ComputePoolError while it has jobs."""
        with self._database.transaction() as connection:
            if self.find(account, name) is None:
                if if_exists:
                    return False
                raise _unknown(name)
            busy = len(self._jobs.of_pool(account, name))
            if busy:
                raise ComputePoolError(
                    f"compute pool {name} has {busy} job(s) that have not ended",
                    fix=f"ALTER COMPUTE POOL {name} STOP ALL",
                )
            connection.execute("DELETE FROM compute_pools WHERE account = ? AND name = ?", (account, name))
        return True

    def suspend(self, account: str, name: str) -> None:
        """ALTER … SUSPEND: running jobs run on, waiting ones wait for RESUME."""
        self._change(account, name, suspended=True)

    def resume(self, account: str, name: str) -> None:
        """ALTER … RESUME."""
        self._change(account, name, suspended=False, resumed_on=self._database.now())

    def set(self, account: str, name: str, options: Mapping[str, Option]) -> None:
        """ALTER … SET. Raises ComputePoolError; INSTANCE_FAMILY only where the pool is suspended and without jobs."""
        values = self._checked(options, allowed=_SETTABLE)
        with self._database.transaction():
            pool = self.get(account, name)
            if "INSTANCE_FAMILY" in values and (not pool.suspended or self._jobs.of_pool(account, name)):
                raise ComputePoolError(
                    f"INSTANCE_FAMILY of compute pool {name} can only be changed while it is suspended and has no jobs",
                    fix=f"ALTER COMPUTE POOL {name} SUSPEND",
                )
            self._change(account, name, **{option.lower(): value for option, value in values.items()})

    def now(self) -> datetime:
        """The time by which jobs are dated."""
        return self._database.now()

    def find(self, account: str, name: str) -> Pool | None:
        """The pool, if there is one."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM compute_pools WHERE account = ? AND name = ?", (account, name)
            ).fetchone()
        return None if row is None else _pool(row)

    def get(self, account: str, name: str) -> Pool:
        """The pool. Raises ComputePoolError."""
        pool = self.find(account, name)
        if pool is None:
            raise _unknown(name)
        return pool

    def show(self, account: str, like: str | None = None) -> Rows:
        """SHOW COMPUTE POOLS [LIKE pattern]."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM compute_pools WHERE account = ? ORDER BY name", (account,)
            ).fetchall()
            pools = [pool for pool in map(_pool, rows) if like is None or is_like(like, pool.name)]
            return Rows.answer(SHOW_COLUMNS, tuple(self._row(pool, SHOW_COLUMNS) for pool in pools), SHOW)

    def describe(self, account: str, name: str) -> Rows:
        """DESCRIBE COMPUTE POOL. Raises ComputePoolError."""
        with self._database.read():
            row = self._row(self.get(account, name), DESCRIBE_COLUMNS)
            return Rows.answer(DESCRIBE_COLUMNS, (row,), SHOW)

    def show_families(self) -> Rows:
        """SHOW COMPUTE POOL INSTANCE FAMILIES, with a word on those that cannot run here."""
        there = self.gpus()
        rows = tuple(
            (one.name, one.vcpus, one.memory_gib, one.gpu, one.gpus, there.lacks(one.gpus)) for one in FAMILIES.values()
        )
        return Rows.answer(FAMILY_COLUMNS, rows, SHOW)

    def admit(self, account: str, name: str, *, application: str, nodes: int) -> None:
        """Whether this pool could ever run such a job; resumes a suspended pool that resumes by itself.

        Raises ComputePoolError that says what is in the way.
        """
        with self._database.transaction():
            pool = self.get(account, name)
            if pool.application is not None and pool.application != application:
                raise ComputePoolError(
                    f"compute pool {name} is reserved for application {pool.application}",
                    why=f"the job belongs to application {application}",
                )
            if not 1 <= nodes <= pool.max_nodes:
                raise ComputePoolError(
                    f"the job asks for {nodes} nodes, and compute pool {name} has at most {pool.max_nodes}",
                    fix=f"ALTER COMPUTE POOL {name} SET MAX_NODES = {nodes}" if nodes > 0 else None,
                )
            there = self.gpus() if pool.family.gpus else gpu.Gpus()
            if lacks := there.lacks(pool.family.gpus, nodes):
                raise ComputePoolError(
                    f"compute pool {name} ({pool.instance_family}) {lacks}",
                    why=there.why_not or None,
                    fix=f"use {'a smaller family or fewer nodes' if there.minors else 'a pool of a CPU family'}",
                )
            if pool.suspended:
                if not pool.auto_resume:
                    raise ComputePoolError(
                        f"compute pool {name} is suspended and does not resume by itself",
                        fix=f"ALTER COMPUTE POOL {name} RESUME",
                    )
                self.resume(account, name)

    def _checked(self, options: Mapping[str, Option], *, allowed: tuple[str, ...]) -> dict[str, Any]:
        # Any: each is of its field's type, whatever its name.
        checked: dict[str, Any] = {}
        for option, value in options.items():
            if option not in allowed:
                raise ComputePoolError(f"{option} is not supported for a compute pool here")
            checked[option] = _value(option, value)
        return checked

    def _change(self, account: str, name: str, **changes: Any) -> None:
        with self._database.transaction() as connection:
            pool = replace(self.get(account, name), updated_on=self._database.now(), **changes)
            _check_nodes(pool)
            _write(connection, pool)

    def _row(self, pool: Pool, columns: tuple[tuple[str, str], ...]) -> tuple[Value, ...]:
        usage = Usage.of(self._jobs.of_pool(pool.account, pool.name), pool.max_nodes)
        values = {
            "name": pool.name,
            "state": "SUSPENDED" if pool.suspended else ("ACTIVE" if usage.jobs else "IDLE"),
            "min_nodes": pool.min_nodes,
            "max_nodes": pool.max_nodes,
            "instance_family": pool.instance_family,
            "num_services": 0,
            "num_jobs": usage.jobs,
            "auto_suspend_secs": pool.auto_suspend_secs,
            "auto_resume": str(pool.auto_resume).lower(),
            "active_nodes": usage.active_nodes,
            "idle_nodes": 0 if pool.suspended else max(0, pool.min_nodes - usage.active_nodes),
            "target_nodes": 0 if pool.suspended else max(pool.min_nodes, usage.active_nodes),
            "created_on": pool.created_on,
            "resumed_on": pool.resumed_on,
            "updated_on": pool.updated_on,
            "owner": pool.owner,
            "comment": pool.comment,
            "is_exclusive": str(pool.application is not None).lower(),
            "application": pool.application,
            "error_code": "392508" if usage.waiting else "",
            "status_message": f"{usage.waiting} job(s) wait for nodes or memory" if usage.waiting else "",
        }
        return tuple(values.get(column) for column, _ in columns)


def _value(option: str, value: object) -> object:
    match option:
        case "MIN_NODES" | "MAX_NODES" | "AUTO_SUSPEND_SECS":
            number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value
            if isinstance(number, bool) or not isinstance(number, int):
                raise ComputePoolError(f"{option} must be a whole number, not '{value}'")
            if not 0 <= number <= 1_000_000:
                raise ComputePoolError(f"{option} = {number} is out of range")
            return number
        case "AUTO_RESUME" | "INITIALLY_SUSPENDED":
            flag = {"TRUE": True, "FALSE": False}.get(str(value).upper())
            if flag is None:
                raise ComputePoolError(f"{option} must be TRUE or FALSE, not '{value}'")
            return flag
        case "INSTANCE_FAMILY":
            return family(str(value)).name
        case _:
            return None if value is None else str(value)


def _check_nodes(pool: Pool) -> None:
    if not 1 <= pool.min_nodes <= pool.max_nodes:
        raise ComputePoolError(
            f"compute pool {pool.name}: MIN_NODES must be at least 1 and at most MAX_NODES, "
            f"not {pool.min_nodes} and {pool.max_nodes}"
        )


def _unknown(name: str) -> ComputePoolError:
    return ComputePoolError(f"Compute pool '{name}' does not exist or not authorized.")


_COLUMNS: Final = tuple(Pool.__dataclass_fields__)
_TIMES: Final = ("created_on", "resumed_on", "updated_on")


def _write(connection: sqlite3.Connection, pool: Pool) -> None:
    values = {column: getattr(pool, column) for column in _COLUMNS}
    for column in _TIMES:
        values[column] = None if values[column] is None else to_micros(values[column])
    connection.execute(
        f"INSERT OR REPLACE INTO compute_pools ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})",
        tuple(values.values()),
    )


def _pool(row: sqlite3.Row) -> Pool:
    values = dict(row)
    for column in _TIMES:
        values[column] = None if values[column] is None else from_micros(values[column])
    for column in ("auto_resume", "suspended"):
        values[column] = bool(values[column])
    return Pool(**values)
