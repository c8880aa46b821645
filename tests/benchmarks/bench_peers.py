"""What the benchmarks compare with, and how they measure: fakesnow in an environment of its own, DuckDB in a process of
its own, medians, and the memory of a process.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import snowflake.connector
from snowflake.connector import SnowflakeConnection

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home

FAKESNOW = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Served:
    """An engine of its own, with one account: how to connect to its database, and a connection."""

    home: Home
    pid: int
    settings: dict[str, Any]
    connection: SnowflakeConnection


@contextmanager
def served_engine() -> Iterator[Served]:
    """An engine in a home that is removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    home = ensure_home(directory / "home")
    try:
        pid = local_engine.ensure_running(home).pid
        made = accounts.create("bench", home=home)
        settings = {**accounts.connections(home)[made.connection], "paramstyle": "qmark"}
        with snowflake.connector.connect(**settings) as connection:
            connection.cursor().execute("create database d")
            yield Served(home, pid, settings | {"database": "D", "schema": "PUBLIC"}, connection)
    finally:
        local_engine.stop(home)
        shutil.rmtree(directory, ignore_errors=True)


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    """How long it took, each time."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def shown(name: str, taken: list[float]) -> float:
    """Prints a median with the quartiles; the median."""
    low, median, high = statistics.quantiles(taken, n=4)
    print(f"{name:52} median {median:8.1f} ms  ({low:.1f}–{high:.1f})")
    return median


def ratio(name: str, ours: float, theirs: float | None) -> None:
    """Prints ours by theirs, or that there is no peer."""
    print(f"{name:52} ratio  {ours / theirs:8.2f}" if theirs else f"{name:52} no peer: fakesnow cannot be had")


def resident_mib(pid: int, field: str = "VmRSS") -> float:
    """The memory of a process now; its peak since `forget_peak` with `VmHWM`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def forget_peak(pid: int) -> None:
    """The peak of its memory counts from now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@contextmanager
def fakesnow(directory: Path) -> Iterator[SnowflakeConnection | None]:
    """A connection to fakesnow's server, which runs in an environment that is made for it; None where it cannot be had:
    then its reason was printed.
    """
    environment = directory / "fakesnow"
    made = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *FAKESNOW]
        made = subprocess.run(pip, capture_output=True, text=True, check=False)
    if made.returncode:
        print(f"\nno {FAKESNOW[0]}: {(made.stderr or made.stdout).strip().splitlines()[-1][:200]}")
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [str(environment / "bin" / "fakesnow"), "-s", "-p", str(port)]
    server = subprocess.Popen(argv, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _connected(port)
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(environment, ignore_errors=True)


def _connected(port: int) -> SnowflakeConnection:
    known: dict[str, Any] = {
        "user": "fake",
        "password": "snow",
        "account": "fakesnow",
        "host": "localhost",
        "port": port,
        "protocol": "http",
        "database": "D",
        "schema": "PUBLIC",
        "session_parameters": {"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
    }
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    return snowflake.connector.connect(**known)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))
