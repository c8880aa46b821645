"""The job pools as statements and rooms ask for them: with sessions, and with SQL errors for what is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from cleanroom_ml.engine.contracts.environments import Needs
from cleanroom_ml.engine.contracts.job import JobRequest, JobStatus
from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.jobs.environments import Environments
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.service import JobService
from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

SYSTEM_POOL: Final = "SYSTEM_COMPUTE_POOL_CPU"
# On Snowflake it has up to 150 nodes; here a pool's nodes share one machine, so that each would be a 150th of it.
_SYSTEM_OPTIONS: Final[Mapping[str, Option]] = {"MIN_NODES": 1, "MAX_NODES": 1, "INSTANCE_FAMILY": "CPU_X64_S"}


class SessionPools:
    """`statements.ports.Pools` over the compute pools of the session's account."""

    def __init__(self, jobs: JobService, storage: Storage) -> None:
        self._jobs = jobs
        self._pools = jobs.pools
        self._storage = storage

    def create(
        self,
        session: Session,
        name: str,
        options: Mapping[str, Option],
        application: str | None,
        *,
        if_not_exists: bool = False,
        or_replace: bool = False,
    ) -> None:
        """CREATE COMPUTE POOL. Raises SqlError."""
        if or_replace:
            raise SqlError.unsupported("OR REPLACE of a compute pool")
        with refusals(), self._storage.database.transaction():
            made = self._pools.create(
                session.account,
                name,
                options,
                application=application,
                if_not_exists=if_not_exists,
                owner=session.role,
            )
            if made:
                self._storage.grants.own(session.account, Thing("COMPUTE POOL", name=name), session.role)

    def drop(self, session: Session, name: str, *, if_exists: bool = False) -> bool:
        """DROP COMPUTE POOL, with every USAGE that was granted on it. Raises SqlError."""
        with refusals(), self._storage.database.transaction():
            dropped = self._pools.drop(session.account, name, if_exists=if_exists)
            self._storage.warehouses.revoke_all(session.account, "COMPUTE POOL", name)
            self._storage.grants.forget(session.account, Thing("COMPUTE POOL", name=name))
        return dropped

    def alter(self, session: Session, name: str, action: str, options: Mapping[str, Option]) -> None:
        """ALTER COMPUTE POOL. Raises SqlError."""
        with refusals():
            match action.upper():
                case "SUSPEND":
                    self._pools.suspend(session.account, name)
                case "RESUME":
                    self._pools.resume(session.account, name)
                case "STOP ALL":
                    self._jobs.stop_all(session.account, name)
                case "SET":
                    self._pools.set(session.account, name, options)
                case other:
                    raise SqlError.unsupported(f"ALTER COMPUTE POOL {other}")

    def show(self, session: Session, like: str | None = None) -> Rows:
        """SHOW COMPUTE POOLS."""
        self._ensure_system(session.account)
        return self._pools.show(session.account, like)

    def describe(self, session: Session, name: str) -> Rows:
        """DESCRIBE COMPUTE POOL. Raises SqlError."""
        if name == SYSTEM_POOL:
            self._ensure_system(session.account)
        with refusals():
            return self._pools.describe(session.account, name)

    def _ensure_system(self, account: str) -> None:
        """The pool that every account has without making it, as on Snowflake: made when somebody first looks."""
        if self._pools.find(account, SYSTEM_POOL) is None:
            self._pools.create(account, SYSTEM_POOL, _SYSTEM_OPTIONS, if_not_exists=True)

    def show_families(self, session: Session) -> Rows:
        """SHOW COMPUTE POOL INSTANCE FAMILIES."""
        return self._pools.show_families()


class RoomLauncher:
    """`contracts.job.JobLauncher` over the job service: its refusals as the room's errors."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    def submit(self, request: JobRequest) -> str:
        """See `JobLauncher.submit`."""
        with refusals():
            return self._jobs.submit(request)

    def request(self, job_id: str) -> JobRequest:
        """See `JobLauncher.request`."""
        return self._jobs.request(job_id)

    def status(self, job_id: str) -> JobStatus:
        """See `JobLauncher.status`."""
        return self._jobs.status(job_id)

    def logs(self, job_id: str, offset: int = 0) -> str:
        """See `JobLauncher.logs`."""
        return self._jobs.logs(job_id, offset)

    def tail(self, job_id: str) -> str:
        """See `JobLauncher.tail`."""
        return self._jobs.tail(job_id)

    def events(self, job_id: str, offset: int = 0) -> str:
        """See `JobLauncher.events`."""
        return self._jobs.events(job_id, offset)

    def usage(self, job_id: str) -> Mapping[str, object]:
        """See `JobLauncher.usage`."""
        return self._jobs.usage(job_id)

    def result(self, job_id: str) -> str | None:
        """See `JobLauncher.result`."""
        with refusals():
            return self._jobs.result(job_id)

    def cancel(self, job_id: str) -> None:
        """See `JobLauncher.cancel`."""
        self._jobs.cancel(job_id)

    def list(self, account: str, collaboration: str) -> Sequence[JobStatus]:
        """See `JobLauncher.list`."""
        return self._jobs.list(account, collaboration)


class RoomEnvironments:
    """`contracts.environments.Environments` over the pools' own: its refusals as the room's errors."""

    def __init__(self, environments: Environments) -> None:
        self._environments = environments

    def lock(self, needs: Needs) -> dict[str, object]:
        """See `contracts.environments.Environments.lock`."""
        with refusals():
            return self._environments.lock(needs)

    def drift(self, tag: str | None, pinned: str) -> Mapping[str, object]:
        """See `contracts.environments.Environments.drift`."""
        return self._environments.drift(tag, pinned)


@contextmanager
def refusals() -> Iterator[None]:
    """What the pools refuse, as the error of the clean room that has its name."""
    try:
        yield
    except JobsError as error:
        message = "; ".join(part for part in (error.what, error.why, error.fix) if part)
        raise room_error(error.name, message) from error
