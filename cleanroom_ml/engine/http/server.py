"""`python -m cleanroom_ml.engine.http.server --home HOME`: the front, one process for each home."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import errno
import fcntl
import gc
import json
import logging
import os
import random
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

import cleanroom_ml
from cleanroom_ml.engine.assembly.engine import Engine
from cleanroom_ml.engine.home import no_isolation
from cleanroom_ml.engine.home.logs import log_to
from cleanroom_ml.engine.home.paths import Home, open_home
from cleanroom_ml.engine.home.private_files import write_private
from cleanroom_ml.engine.http.connections import MAX_HEAD_BYTES, Connection, Connections
from cleanroom_ml.engine.http.handlers import Handlers
from cleanroom_ml.engine.http.job_sockets import JobSocketServer
from cleanroom_ml.engine.protocol.hosts import allowed_hosts, bracketed, is_loopback
from cleanroom_ml.engine.service_mode.deviations import chosen
from cleanroom_ml.engine.service_mode.network import Network
from cleanroom_ml.errors import CleanroomError, ConnectError, UsageError

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
# Below the ports that systems hand out for outgoing connections, so that the port is still free after a restart.
PORTS: Final = range(20000, 30000)
MAX_STRANGERS: Final = 256
"""Connections on which nobody has proved yet who they are."""
MAX_CONNECTIONS_OF_AN_ACCOUNT: Final = 256
IDLE_SECONDS: Final = 75
GRACE_SECONDS: Final = 4
STOP_SECONDS: Final = 8.5
HOME_SECONDS: Final = 5.0
_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; the exit status. What is wrong is said as one line of JSON on stderr."""
    parser = argparse.ArgumentParser(prog="python -m cleanroom_ml.engine.http.server")
    parser.add_argument("--home", required=True)
    parser.add_argument("--host", default=HOST, help="a loopback address; for other machines, use a tunnel")
    parser.add_argument("--port", type=int, help="chosen once, and kept, where it is not given")
    parser.add_argument("--no-isolation-for-bundled-demo", action="store_true")
    parser.add_argument("--like-snowflake", help="deviations, by name: engine/service_mode/deviations.py")
    arguments = parser.parse_args(argv)
    try:
        like_snowflake = chosen(arguments.like_snowflake) if arguments.like_snowflake else frozenset[str]()
        serve(
            open_home(Path(arguments.home).expanduser().absolute()),
            host=arguments.host,
            port=arguments.port,
            isolated=not arguments.no_isolation_for_bundled_demo,
            overdue=_exit_at_once,
            like_snowflake=like_snowflake,
        )
    except CleanroomError as error:
        sys.stderr.write(json.dumps({"what": error.what, "why": error.why, "fix": error.fix}) + "\n")
        return error.exit_code
    return 0


def serve(
    home: Home,
    *,
    host: str,
    port: int | None,
    isolated: bool,
    overdue: Callable[[], None] | None = None,
    like_snowflake: frozenset[str] = frozenset(),
) -> None:
    """Be the engine of this home until told to stop.

    `overdue` is called STOP_SECONDS after that, if this has not ended by then.

    Raises:
        UsageError: the host is not a loopback address; or the home is not for an engine that isolates so.
        ConnectError: another engine has this home, or another program its port.
        IsolationUnavailable: this machine cannot isolate a party's code; says what helps.
    """
    if not is_loopback(host):
        raise UsageError(
            f"the engine does not listen on {host}",
            why="it speaks plain HTTP, so only this machine may reach it",
            fix="reach it from elsewhere through a tunnel with the same port: ssh -L PORT:127.0.0.1:PORT HOST",
        )
    if host.lower() == "localhost":
        host = "127.0.0.1"  # to a client the name may mean ::1, where anybody else can listen
    lock = _lock(home)
    try:
        no_isolation.claim(home, isolated=isolated)
        log_to(home.log)
        _raise_file_limit()
        listener = _listener(home, host, port)
        with listener:
            chosen = int(listener.getsockname()[1])
            logger.info("starting: version %s, %s:%s, pid %s", cleanroom_ml.__version__, host, chosen, os.getpid())
            engine = Engine(home, isolated=isolated, like_snowflake=like_snowflake)
            share_the_interpreter()
            try:
                asyncio.run(_run(engine, home, listener, host, chosen, overdue))
            finally:
                engine.close()
        logger.info("stopped")
    except CleanroomError as error:
        logger.error("does not run: %s", error.what)
        raise
    finally:
        os.close(lock)


def share_the_interpreter() -> None:
    """Keep what one thread does from holding up the others, and the event loop with them.

    A statement of thousands of words is a tree of hundreds of thousands of objects. Collecting garbage goes through all
    of them in one step: measured, 140 to 300 ms with the interpreter's own thresholds, under 20 ms where only young
    objects are looked at often. What there is before the first request never becomes garbage, and is left out.
    """
    sys.setswitchinterval(0.001)
    # glibc gives each thread that reads a piece of a result a heap of its own, and keeps it.
    getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)(_M_ARENA_MAX, _ARENAS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 10, 200)


async def _run(
    engine: Engine, home: Home, listener: socket.socket, host: str, port: int, overdue: Callable[[], None] | None
) -> None:
    server: uvicorn.Server

    def stop() -> None:
        if overdue is not None and not server.should_exit:
            timer = threading.Timer(STOP_SECONDS, overdue)
            timer.daemon = True
            timer.start()
        server.should_exit = True

    engine.identity.listens_at = f"{bracketed(host).lower()}:{port}"
    app = Handlers(engine, stop).application(allowed_hosts(host, port))
    table = Connections(strangers=MAX_STRANGERS, each=MAX_CONNECTIONS_OF_AN_ACCOUNT)
    at_address: ASGIApp = Network(app, engine.like_snowflake) if engine.like_snowflake else app
    server = _Server(_config(at_address, partial(Connection, table=table)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    job_config = _config(app, Connection)
    job_config.load()
    sockets = JobSocketServer(home.jobs, job_config, asyncio.get_running_loop())
    describe(home, engine, host=host, port=port)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    watching = asyncio.create_task(_stop_without_home(home, stop))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if not serving.done():
            await engine.in_thread(engine.start, sockets)
        await serving
    finally:
        server.should_exit = True
        watching.cancel()
        await engine.in_thread(engine.stop_jobs)
        await sockets.close_all()


def _exit_at_once() -> None:
    """Whatever still hangs: the process ends when it was promised to. The kernel ends its sandboxes with it, and what
    was under way is found unfinished by the next engine, as after a crash.
    """
    logger.error("something does not end: the process exits without it")
    os._exit(1)


async def _stop_without_home(home: Home, stop: Callable[[], None]) -> None:
    """An engine whose home was deleted serves nobody: nobody can find it, and nothing it does is kept."""
    while home.lock.exists():
        await asyncio.sleep(HOME_SECONDS)
    stop()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: uvicorn would raise them again, and end the process before it has tidied up."""
        yield


def describe(home: Home, engine: Engine, *, host: str, port: int) -> None:
    """Write `engine.json`: where the engine listens and by which key it is known."""
    values = {
        "format": 1,
        "home_id": engine.identity.home_id,
        "public_key": engine.identity.public_key,
        "host": host,
        "port": port,
        "pid": os.getpid(),
        "version": cleanroom_ml.__version__,
        "isolation": engine.isolation,
        "isolation_reason": engine.isolation_reason,
        "memory_enforced_by": engine.memory_enforced_by,
        "like_snowflake": sorted(engine.like_snowflake),
        "started_on": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_private(home.description, json.dumps(values, indent=1).encode("utf-8") + b"\n")


def _config(app: ASGIApp, protocol: Any) -> uvicorn.Config:  # Any: the server asks for a class, and calls it
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # No limit_concurrency: it answers 503 to everybody where one party has too many (connections.py has our own).
        limit_concurrency=None,
        backlog=256,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )


def _lock(home: Home) -> int:
    """The descriptor that holds this home; the lock dies with the process, however it dies."""
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConnectError(f"an engine is already running in {home.path}", fix="cleanroom-ml engine status") from None
    return descriptor


def _listener(home: Home, host: str, port: int | None) -> socket.socket:
    """A listening socket on the port that was chosen once: connections that people wrote down lead there."""
    values = home.description_values() or {}
    kept = port if port is not None else values.get("port")
    if isinstance(kept, int):
        try:
            return _bind(host, kept)
        except OSError as error:
            raise ConnectError(
                f"the engine's port {kept} cannot be had",
                why=error.strerror or str(error),
                fix=f"find out who has it: ss -ltnp 'sport = :{kept}'; or choose another with --port",
            ) from error
    for candidate in random.SystemRandom().sample(PORTS, 100):
        with suppress(OSError):
            return _bind(host, candidate)
    raise ConnectError(f"no port between {PORTS.start} and {PORTS.stop} is free")


def _bind(host: str, port: int) -> socket.socket:
    if not 0 < port < 65536:
        raise OSError(errno.EINVAL, "not the number of a port")
    plain = host.strip("[]")
    listener = socket.socket(socket.AF_INET6 if ":" in plain else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Accepted sockets inherit it. Without it an answer's body waits 40 ms for the client to acknowledge its head;
        # asyncio sets it on sockets that name their protocol only.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Right after a restart the old connections' remains still have the port; another listener never does.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((plain, port))
        listener.listen(256)
    except BaseException:
        listener.close()
        raise
    return listener


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    raise SystemExit(main())
