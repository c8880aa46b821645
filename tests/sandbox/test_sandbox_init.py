from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox import init
from cleanroom_ml.engine.sandbox.job_init import init_argv, init_mount
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import Limits, Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime

pytestmark = pytest.mark.sandbox


def spec(*program: str, mounts: tuple[Mount, ...] = (), **options) -> SandboxSpec:
    runtime = python_runtime()
    return SandboxSpec(
        argv=init_argv(runtime.executable, program, **options),
        mounts=(*runtime.mounts, init_mount(), *mounts),
        limits=Limits(wall_seconds=20),
    )


def test_home_is_made_and_the_status_is_the_programs() -> None:
    done = run(spec("/bin/sh", "-c", 'cd "$HOME" && pwd; exit 5'))
    assert (done.outcome.exit_code, done.output) == (5, b"/scratch/home\n")


def test_nothing_that_is_carried_waits_for_what_went_before_to_be_acknowledged() -> None:
    """tcp(7), TCP_NODELAY: small parts of an answer are sent at once. Otherwise each statement of a job took 40 ms."""
    with init._listening(0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_loopback_reaches_the_jobs_socket(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "s"))
        os.chmod(tmp_path / "s", 0o666)  # noqa: PTH101
        engine.listen()

        def answer() -> None:
            for _ in range(2):
                connection, _ = engine.accept()
                with connection:
                    data = b""
                    while part := connection.recv(1 << 16):
                        data += part
                    connection.sendall(str(len(data)).encode())

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        program = (
            "import socket\nfor n in (3, 1000000):\n c = socket.create_connection(('127.0.0.1', 8099))\n"
            " c.sendall(b'x' * n)\n"
            " c.shutdown(1); print(c.recv(100).decode())"
        )
        runtime = python_runtime()
        mounts = (Mount(tmp_path / "s", "/run/engine.sock"),)
        done = run(spec(runtime.executable, "-I", "-c", program, mounts=mounts, relay=(8099, "/run/engine.sock")))
        thread.join(5)
    assert done.output == b"3\n1000000\n"
    assert done.outcome.ok


def test_it_runs_without_isolation_too() -> None:
    done = run(spec("/bin/sh", "-c", 'test -d "$HOME" && echo home'), driver=NoIsolation(reason="a test of the driver"))
    assert done.output == b"home\n"
    assert (done.outcome.driver, done.outcome.memory_enforced_by) == ("none", "none")
