"""`Engine`: the parts of the front, put together. Knows nothing of HTTP."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, Protocol, TypeVar

from cleanroom_ml.engine.assembly.job_ports import RoomEnvironments, RoomLauncher, SessionPools
from cleanroom_ml.engine.assembly.memory_shares import memory_shares, statements_at_once
from cleanroom_ml.engine.assembly.procedures import ProcedureTable, RoomApplications, StatementRunner
from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.home.private_files import secret_bytes
from cleanroom_ml.engine.jobs import store as job_store
from cleanroom_ml.engine.jobs.families import this_machine, total_memory
from cleanroom_ml.engine.jobs.service import JobService
from cleanroom_ml.engine.load.owners import owner
from cleanroom_ml.engine.login.identity import EngineIdentity
from cleanroom_ml.engine.login.logins import JobIdentity, JobTokens, Logins
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.execute import Execute
from cleanroom_ml.engine.queries.python_procedures import ProcedureCalls
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.queries.threads import FairThreads
from cleanroom_ml.engine.rooms import render
from cleanroom_ml.engine.rooms import schema as room_schema
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.policy import WORKER_WEIGHT, Limits
from cleanroom_ml.engine.sandbox.probe import require_isolation
from cleanroom_ml.engine.sandbox.workers import SandboxedWorkers
from cleanroom_ml.engine.service_mode.layer import ServiceMode
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.storage.errors import SessionGone
from cleanroom_ml.engine.storage.sessions import Session, Tokens
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions
from cleanroom_ml.engine.warehouse.python_procedures import ProcedureProcesses

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 24
LOGIN_THREADS: Final = 6
UPKEEP_SECONDS: Final = 300.0
CLOSE_SECONDS: Final = 2.0
_SQL_WORKER: Final = "cleanroom_ml.engine.warehouse.worker:handle"


class SocketServer(Protocol):
    """The sockets that jobs come in by (`http.job_sockets.JobSocketServer`)."""

    def open(self, job_id: str) -> None: ...

    def close(self, job_id: str) -> None: ...


class JobSocketKeeper:
    """The pools' `JobSockets`: a job's socket, its token and its sessions live and die together."""

    def __init__(self, storage: Storage, tokens: JobTokens) -> None:
        self._storage = storage
        self._tokens = tokens
        self._server: SocketServer | None = None
        self._session_closed: Callable[[str], None] = lambda _: None

    def connect(self, sockets: SocketServer, session_closed: Callable[[str], None]) -> None:
        """The front listens from now on; `session_closed` ends what a session has under way."""
        self._server = sockets
        self._session_closed = session_closed

    def open_job_socket(self, job_id: str, token_sha256: str) -> None:
        """Listen at the job's socket; only the token with this hash logs in there."""
        if self._server is None:
            raise RuntimeError("the front does not listen yet")
        self._tokens.open(job_id, token_sha256)
        self._server.open(job_id)

    def close_job_socket(self, job_id: str) -> None:
        """Stop listening, and end the job's sessions with what they have under way."""
        self._tokens.close(job_id)
        if self._server is not None:
            self._server.close(job_id)
        sessions = self._storage.sessions.list(job_id=job_id)
        self._storage.sessions.close_job(job_id)
        for session in sessions:
            self._session_closed(session.id)


class Engine:
    """One engine. All of it is blocking and thread-safe, but for `in_thread` and `in_login_thread`, which await that.

    Args:
        home: opened and checked.
        isolated: False only for the bundled demo's own data, where a person said so.
        like_snowflake: what of the service's own ways to answer with (`service_mode.deviations`); none: as documented.

    Raises:
        IsolationUnavailable: a sandbox that isolates cannot be started on this machine.
    """

    def __init__(self, home: Home, *, isolated: bool = True, like_snowflake: frozenset[str] = frozenset()) -> None:
        report = require_isolation() if isolated else None
        self.isolation = report.driver if report else "none"
        self.isolation_reason = "" if report else no_isolation.REASON
        self.memory_enforced_by = report.memory_enforced_by if report else "none"
        self.home = home
        self.identity = EngineIdentity(home)
        self.operator_secret = secret_bytes(home.operator_secret).hex()
        self.capabilities = Capabilities(secret_bytes(home.capability_key))
        self.storage = Storage.open(home.path, (room_schema.SCHEMA, job_store.SCHEMA))
        self._tokens = JobTokens()
        self._sockets = JobSocketKeeper(self.storage, self._tokens)
        statements = statements_at_once(total_memory(), len(os.sched_getaffinity(0)))
        memory = memory_shares(total_memory(), statements=statements, rendering_bytes=render.MEMORY_BYTES)
        self.jobs = JobService(
            home.path,
            self.storage.database,
            self._sockets,
            no_isolation=self.isolation_reason,
            machine=lambda: this_machine(reserve_bytes=memory.engine_bytes),
        )
        self.logins = Logins(self.storage, self._tokens, self._job_identity)
        driver = None if isolated else driver_for(no_isolation.REASON)
        sql_workers = (
            None
            if driver is None
            else SandboxedWorkers(_SQL_WORKER, spare=memory.spare_statements, name="warehouse", driver=driver)
        )
        self.warehouse = Warehouse(
            self.storage.objects,
            self.storage.queries.spool,
            statements,
            memory_bytes=memory.statement_bytes,
            spare=memory.spare_statements,
            spare_memory_bytes=memory.spare_statement_bytes,
            workers=sql_workers,
            functions=PythonFunctions(
                memory.functions,
                spare=memory.spare_functions,
                memory_bytes=memory.functions_bytes,
                driver=driver,
            ),
        )
        self._render_workers = SandboxedWorkers(
            render.HANDLER,
            preload=render.PRELOAD,
            size=1,
            spare=memory.spare_renderers,
            limits=Limits(memory_bytes=render.MEMORY_BYTES, cpu_weight=WORKER_WEIGHT),
            name="render",
            driver=driver,
        )
        runner = StatementRunner(self.storage, self.warehouse)
        self.rooms = Rooms(
            self.storage,
            runner,
            render.SandboxedRenderer(self._render_workers),
            RoomLauncher(self.jobs),
            RoomEnvironments(self.jobs.environments),
        )
        self.executor = Executor(
            self.storage,
            self.warehouse,
            procedures=ProcedureTable(self.rooms),
            pools=SessionPools(self.jobs, self.storage),
            room_catalogs=self.rooms.job_catalog,
            applications=RoomApplications(self.rooms),
            shared=self.rooms.freeform,
        )
        runner.executor = self.executor
        self.like_snowflake = like_snowflake
        execute: Execute = self.executor.execute
        if like_snowflake:
            execute = ServiceMode(execute, like_snowflake)
        answers = Answers(self.storage.queries.spool, self.capabilities)
        self.queries = QueryService(self.storage, execute, answers)
        self._procedures = ProcedureProcesses(
            memory.procedures,
            more=memory.more_procedures > 0,
            memory_bytes=memory.procedures_bytes,
            driver=driver,
        )
        self.executor.python = ProcedureCalls(self.storage, answers, self.capabilities, self._procedures)
        self.storage.sessions.on_end(self.queries.session_closed)
        self.storage.sessions.on_end(self.warehouse.forget)
        self.queries.recover()
        self.rooms.recover()
        self.jobs.environments.sweep(self.rooms.layers() | self.jobs.layers())
        self._threads = FairThreads(THREADS, 2 * THREADS, "front")
        self._login_threads = ThreadPoolExecutor(LOGIN_THREADS, thread_name_prefix="login")
        self._closing = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="upkeep", daemon=True)

    def start(self, sockets: SocketServer) -> None:
        """The front listens: let the jobs of before go on, and begin the upkeep."""
        self._sockets.connect(sockets, self.queries.session_closed)
        self.jobs.recover()
        self._upkeep.start()

    def stop_jobs(self) -> None:
        """Stop moving jobs; those that run go on without the front, and wait for the next one."""
        self.jobs.close()

    def close(self) -> None:
        """End what is under way and let go of everything, in bounded time: what does not end goes with the process."""
        self._closing.set()
        ended = self.queries.close(CLOSE_SECONDS)
        self.warehouse.close()
        self._procedures.close()
        self._render_workers.close()
        ended = self._threads.close(CLOSE_SECONDS) and ended
        self._login_threads.shutdown(wait=False, cancel_futures=True)
        if self._upkeep.is_alive():
            self._upkeep.join(CLOSE_SECONDS)
        if not ended:
            logger.warning("something did not end in time; it ends with this process")
        self.storage.close()

    def renew(self, master_token: str, job_id: str | None) -> tuple[Session, Tokens]:
        """New tokens for the session of a master token that belongs at this socket.

        Raises:
            SessionGone: it renews nothing here.
        """
        session, tokens = self.storage.sessions.renew(master_token)
        if session.job_id != job_id:
            self.storage.sessions.close(session.id)
            raise SessionGone("a token came through another socket than its own")
        return session, tokens

    def close_session(self, session: Session) -> None:
        """Log out: what the session has under way is ended."""
        self.storage.sessions.close(session.id)
        self.queries.session_closed(session.id)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await blocking work on the front's own threads: never a statement, so that these are always free soon.

        Whose it is (`contracts.owners.owner`) has a fair share of them, whatever others wait for on theirs.
        """
        return await asyncio.wrap_future(self._threads.submit(owner.get(), functools.partial(work, *args, **kwargs)))

    async def in_login_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Await a check of credentials: slow on purpose, so on threads apart."""
        return await asyncio.get_running_loop().run_in_executor(
            self._login_threads, functools.partial(work, *args, **kwargs)
        )

    def _job_identity(self, job_id: str) -> JobIdentity:
        request = self.jobs.request(job_id)
        return JobIdentity(request.account, request.user, request.application, request.warehouse)

    def _keep_up(self) -> None:
        """Forget what is over: idle sessions, old results, objects and layers that nothing points at."""
        while not self._closing.wait(UPKEEP_SECONDS):
            try:
                self.storage.sessions.close_idle()
                self.warehouse.trim()
                self._procedures.trim()
                self._render_workers.trim()
                self.storage.queries.delete_expired()
                self.storage.collect_garbage()
                self.jobs.environments.sweep(self.rooms.layers() | self.jobs.layers())
            except Exception:  # upkeep must outlive a full disk; what could not be deleted now is deleted later
                logger.exception("upkeep failed")
